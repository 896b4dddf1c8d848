//! The laws of need-to-know as properties: random worlds (schema, labels, plan, message, spelling), and a
//! slow redactor on reflection that shares no treatment code with the real one. For tests only.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

pub mod exchange;

/// How many cases a property takes: `PORTCULLIS_CASES`, else 10,000 (`tests/run.sh laws --cases N` sets it).
pub fn cases() -> u32 {
    std::env::var("PORTCULLIS_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000)
}
