//! Drills: agencies practise together. Built so far: the clock of an exercise.

pub mod clock;
