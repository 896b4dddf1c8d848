//! Writers: one file per format. They all take the same rows, so that formats agree row for row.

mod bytes;
pub mod csv;
pub mod jsonl;

pub use bytes::{CsvFiles, JsonFiles};
