//! The laws of need-to-know as properties: random worlds (schema, labels, plan, message, spelling), and a
//! slow redactor on reflection that shares no treatment code with the real one. For tests only.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
#![allow(clippy::missing_panics_doc, reason = "a panic is how a test fails")]

pub mod decision;
pub mod fuzz;
pub mod oracle;
pub mod twin;
pub mod world;

use proptest::test_runner::Config;

pub mod exchange;

/// How many cases a property takes: `PORTCULLIS_CASES`, else 10,000 (`tests/run.sh laws --cases N` sets it).
pub fn cases() -> u32 {
    std::env::var("PORTCULLIS_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

/// How a property runs: [`cases`], and no seeds kept in files. A seed means another world as soon as a
/// strategy changes, so a failure is kept as a test of its own, written from the case that was printed.
pub fn config() -> Config {
    Config {
        cases: cases(),
        failure_persistence: None,
        max_shrink_iters: 30_000,
        ..Config::default()
    }
}
