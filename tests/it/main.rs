//! End-to-end tests, a module per behaviour.

mod levels;
mod threats;
