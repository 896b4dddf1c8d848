//! Speed beside peers, in one run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a benchmark: what goes wrong ends it"
)]

pub mod engine;
pub mod record;

use clap::Parser;

/// Speed beside peers, in one run.
#[derive(Parser)]
enum Bench {
    /// The redactor beside prost, reflection and memcpy.
    Engine(engine::Options),
}

fn main() -> anyhow::Result<()> {
    match Bench::parse() {
        Bench::Engine(options) => engine::run(&options),
    }
}
