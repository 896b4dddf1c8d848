//! Speed beside peers, in one run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a benchmark: what goes wrong ends it"
)]

pub mod record;

fn main() {}
