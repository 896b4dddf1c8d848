//! What a caller of the simulator can rely on, a module per behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests: what is wrong here must stop them"
)]

mod cli;
mod describe;
mod dirt;
mod folder;
mod formats;
mod jobs;
mod parts;
mod paths;
mod same_bytes;
mod samples;
mod truth;
