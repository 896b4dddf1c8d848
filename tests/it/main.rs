//! End-to-end tests, a module per behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests: what is wrong here must stop them"
)]

mod canary;
mod clients;
mod identity;
mod levels;
mod query;
mod telemetry;
mod threats;
