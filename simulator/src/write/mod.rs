//! Writers: one file per format. They all take the same rows, so that formats agree row for row.

mod bytes;
mod columns;
pub mod csv;
pub mod jsonl;
mod parquet;
mod proto;

pub use bytes::{CsvFiles, JsonFiles, ProtoFiles};
pub use parquet::ParquetFiles;
