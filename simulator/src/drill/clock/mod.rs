//! The clock of an exercise: a pure state machine over two clocks. *Wall* is the host's monotonic clock, handed in with
//! each call; *exercise* is the time that players live in. Both count whole milliseconds, and between two commands
//! exercise time is a whole multiple of wall time: nothing is ever rounded, so nothing drifts.
//!
//! What is due happens at its own exercise time, however late the host looks: [`Clock::advance`] says for each inject
//! the moment, on both clocks, at which it was due. A host sleeps until [`Clock::wake`].
//!
//! Known faults of other exercise platforms, each a named test here: after a pause an inject that is triggered at once
//! waits as long as the pause was (openaev #1395); after a long pause what was due is dropped as too old, or all comes
//! at once (openaev #1637, #2282); times are rounded to minutes.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// Milliseconds of the host's monotonic clock.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Wall(pub u64);

/// Milliseconds of exercise time since the start.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Exercise(pub u64);

/// An inject, by its number in the exercise plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Inject(pub u32);

/// How many times faster than the wall exercise time may run.
pub const SPEEDS: std::ops::RangeInclusive<u32> = 1..=3_600;

/// Where an exercise is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not begun.
    Ready,
    /// Exercise time runs.
    Running,
    /// Exercise time stands.
    Paused,
    /// Over, for good.
    Ended,
}

/// What a trainer can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Begin.
    Start,
    /// Let exercise time stand.
    Pause,
    /// Let it run again.
    Resume,
    /// Let it run so many times faster than the wall, from now on.
    Speed(u32),
    /// Go to the exercise time of the next inject.
    Jump,
    /// Let an inject happen now, whenever it was planned for; exercise time stays as it is.
    Trigger(Inject),
    /// Take an inject out of the plan.
    Skip(Inject),
    /// Plan an inject, or plan it anew, for an exercise time.
    Plan(Inject, Exercise),
    /// Postpone everything that is still planned by so many milliseconds.
    PostponeAll(u64),
    /// End.
    End,
}

/// An inject that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Which.
    pub inject: Inject,
    /// When, on the exercise clock: when it was planned for, or when it was triggered.
    pub exercise: Exercise,
    /// When, on the wall: the first millisecond in which exercise time had come that far.
    pub wall: Wall,
}

/// Why a command was not carried out; nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not in this state.
    #[error("not possible while the exercise is {0:?}")]
    State(State),
    /// No such speed.
    #[error("speed {0} is not between 1 and 3600")]
    Speed(u32),
    /// Nothing is planned under this number: it happened, was skipped, or never was.
    #[error("inject {n} is not planned", n = .0.0)]
    NotPlanned(Inject),
    /// It happened already; what players saw cannot be planned for another time.
    #[error("inject {n} has happened", n = .0.0)]
    Happened(Inject),
    /// Planned for a time that is over.
    #[error("that exercise time is over: it is {now} ms now", now = .0.0)]
    Over(Exercise),
    /// Nothing more is planned.
    #[error("no further inject is planned")]
    Nothing,
    /// Beyond what the clock can count.
    #[error("that is further ahead than the clock counts")]
    TooFar,
}

/// The latest exercise time there can be: ten years.
pub const LATEST: Exercise = Exercise(10 * 366 * 86_400_000);

/// The clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    state: State,
    speed: NonZeroU32,
    /// The last moment that was heard of, on both clocks.
    now: (Wall, Exercise),
    planned: BTreeMap<Inject, Exercise>,
    agenda: BTreeSet<(Exercise, Inject)>,
    happened: BTreeSet<Inject>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            state: State::Ready,
            speed: NonZeroU32::MIN,
            now: (Wall(0), Exercise(0)),
            planned: BTreeMap::new(),
            agenda: BTreeSet::new(),
            happened: BTreeSet::new(),
        }
    }
}

impl Clock {
    /// Where the exercise is.
    pub fn state(&self) -> State {
        self.state
    }

    /// How many times faster than the wall.
    pub fn speed(&self) -> u32 {
        self.speed.get()
    }

    /// The last moment that was heard of, on both clocks.
    pub fn now(&self) -> (Wall, Exercise) {
        self.now
    }

    /// When an inject is planned.
    pub fn planned(&self, inject: Inject) -> Option<Exercise> {
        self.planned.get(&inject).copied()
    }

    /// Exercise time at a moment; the last that was heard of for an earlier one.
    pub fn exercise(&self, wall: Wall) -> Exercise {
        let (then, exercise) = self.now;
        let passed = match self.state {
            State::Running => wall.0.saturating_sub(then.0),
            State::Ready | State::Paused | State::Ended => 0,
        };
        let ahead = passed.saturating_mul(u64::from(self.speed.get()));
        Exercise(exercise.0.saturating_add(ahead)).min(LATEST)
    }

    /// When the next inject is due on the wall; `None` while nothing will come by itself.
    pub fn wake(&self) -> Option<Wall> {
        let (exercise, _) = self.agenda.first()?;
        (self.state == State::Running).then(|| self.wall_of(*exercise))
    }

    /// What is planned, in the order in which it will happen.
    pub fn agenda(&self) -> impl Iterator<Item = (Exercise, Inject)> + '_ {
        self.agenda.iter().copied()
    }

    /// Lets time pass: what was due until then, in order. A moment before the last one changes nothing.
    pub fn advance(&mut self, wall: Wall) -> Vec<Due> {
        let until = self.exercise(wall);
        let mut all = vec![];
        while let Some((exercise, inject)) = self.agenda.first().copied()
            && self.state == State::Running
            && exercise <= until
        {
            let due = Due { inject, exercise, wall: self.wall_of(exercise) };
            self.happens(inject);
            all.push(due);
        }
        self.now = (wall.max(self.now.0), until);
        all
    }

    /// Carries out a command at a moment, after all that was due before it.
    ///
    /// # Errors
    /// As [`Refused`]. What was due has happened even then: it comes first.
    pub fn apply(&mut self, wall: Wall, command: Command) -> (Vec<Due>, Result<(), Refused>) {
        let mut due = self.advance(wall);
        let done = self.carry_out(command, &mut due);
        (due, done)
    }

    fn carry_out(&mut self, command: Command, due: &mut Vec<Due>) -> Result<(), Refused> {
        let (wall, exercise) = self.now;
        match (command, self.state) {
            (_, State::Ended) => return Err(Refused::State(State::Ended)),
            (Command::Start, State::Ready) | (Command::Resume, State::Paused) => {
                self.state = State::Running;
                // What is planned for this very moment.
                due.extend(self.advance(wall));
            }
            (Command::Pause, State::Running) => self.state = State::Paused,
            (Command::Speed(speed), _) => {
                let known = NonZeroU32::new(speed).filter(|speed| SPEEDS.contains(&speed.get()));
                self.speed = known.ok_or(Refused::Speed(speed))?;
            }
            (Command::Plan(inject, at), _) => {
                if self.happened.contains(&inject) {
                    return Err(Refused::Happened(inject));
                }
                if at < exercise {
                    return Err(Refused::Over(exercise));
                }
                if at > LATEST {
                    return Err(Refused::TooFar);
                }
                self.remove(inject);
                self.planned.insert(inject, at);
                self.agenda.insert((at, inject));
                due.extend(self.advance(wall));
            }
            (Command::Skip(inject), _) => {
                self.remove(inject).ok_or(Refused::NotPlanned(inject))?;
            }
            (Command::PostponeAll(by), _) => self.postpone(by)?,
            (Command::Trigger(inject), State::Running | State::Paused) => {
                if !self.planned.contains_key(&inject) {
                    return Err(Refused::NotPlanned(inject));
                }
                self.happens(inject);
                due.push(Due { inject, exercise, wall });
            }
            (Command::Jump, State::Running | State::Paused) => {
                let (next, _) = self.agenda.first().copied().ok_or(Refused::Nothing)?;
                self.now = (wall, next);
                // Also while it stands: a trainer who jumps wants to see what is there.
                while let Some((_, inject)) =
                    self.agenda.first().copied().filter(|(at, _)| *at == next)
                {
                    self.happens(inject);
                    due.push(Due { inject, exercise: next, wall });
                }
            }
            (Command::End, _) => self.state = State::Ended,
            (
                Command::Start
                | Command::Pause
                | Command::Resume
                | Command::Trigger(_)
                | Command::Jump,
                state,
            ) => return Err(Refused::State(state)),
        }
        Ok(())
    }

    fn postpone(&mut self, by: u64) -> Result<(), Refused> {
        let later = |at: Exercise| {
            let at = at.0.checked_add(by).map(Exercise);
            at.filter(|at| *at <= LATEST).ok_or(Refused::TooFar)
        };
        let mut planned = BTreeMap::new();
        for (inject, at) in &self.planned {
            planned.insert(*inject, later(*at)?);
        }
        self.agenda = planned.iter().map(|(inject, at)| (*at, *inject)).collect();
        self.planned = planned;
        Ok(())
    }

    fn happens(&mut self, inject: Inject) {
        self.remove(inject);
        self.happened.insert(inject);
    }

    fn remove(&mut self, inject: Inject) -> Option<()> {
        let at = self.planned.remove(&inject)?;
        self.agenda.remove(&(at, inject));
        Some(())
    }

    /// The first millisecond of the wall in which exercise time has come so far, if it runs on as it does.
    pub fn wall_of(&self, exercise: Exercise) -> Wall {
        let (wall, now) = self.now;
        let ahead = exercise.0.saturating_sub(now.0).div_ceil(u64::from(self.speed.get()));
        Wall(wall.0.saturating_add(ahead))
    }
}
