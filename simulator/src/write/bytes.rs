//! CSV and JSON Lines as files.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::csv::{Csv, header};
use super::jsonl::JsonLines;
use crate::generate::Format;
use crate::table::Table;

/// Comma-separated values with a header line.
#[derive(Debug, Clone, Copy)]
pub struct CsvFiles;

/// JSON Lines.
#[derive(Debug, Clone, Copy)]
pub struct JsonFiles;

macro_rules! bytes {
    ($files:ident $rows:ident $extension:literal |$table:ident| $header:expr) => {
        impl Format for $files {
            type Rows = $rows;
            type Encoded = $rows;
            type File = File;

            fn extension(&self) -> &'static str {
                $extension
            }

            fn encode(&self, rows: $rows) -> io::Result<$rows> {
                Ok(rows)
            }

            fn create(&self, $table: Table, path: &Path) -> io::Result<File> {
                let mut file = File::create(path)?;
                file.write_all($header.as_bytes())?;
                Ok(file)
            }

            fn append(&self, table: Table, file: &mut File, encoded: &mut $rows) -> io::Result<()> {
                encoded.tables.get(table.index()).map_or(Ok(()), |rows| file.write_all(rows))
            }

            fn rows(&self, table: Table, encoded: &$rows) -> u64 {
                encoded.rows.get(table.index()).copied().unwrap_or_default()
            }

            fn finish(&self, file: File) -> io::Result<()> {
                file.sync_all()
            }
        }
    };
}

bytes!(CsvFiles Csv "csv" |table| header(table));
bytes!(JsonFiles JsonLines "jsonl" |_table| "");
