//! Formats whose files are their rows one after the other: CSV, JSON Lines, length-delimited protobuf.

use std::io::{self, Write as _};

use super::proto::Plans;
use super::{csv, jsonl};
use crate::generate::{Columns, Format, Output};
use crate::table::{Row, Table};

/// Bytes that go to a file at a time.
const ENOUGH: usize = 1 << 20;

/// Comma-separated values with a header line.
#[derive(Debug, Clone, Copy)]
pub struct CsvFiles;

/// JSON Lines.
#[derive(Debug, Clone, Copy)]
pub struct JsonFiles;

/// Length-delimited protobuf, `.binpb`: each record behind its length as a varint, as prost's
/// `encode_length_delimited` and Java's `writeDelimitedTo` write it.
#[derive(Debug)]
pub struct ProtoFiles(Plans);

impl ProtoFiles {
    /// Writes records of the types that the contract has.
    ///
    /// # Errors
    /// A column whose field the contract does not have.
    pub fn new() -> Result<Self, String> {
        Plans::new().map(Self)
    }
}

macro_rules! bytes {
    ($files:ident $extension:literal |$format:ident, $row:ident, $columns:ident, $out:ident| $put:expr,
     |$table:ident, $header:ident| $begin:expr) => {
        impl Format for $files {
            type Block = Vec<u8>;
            type Encoded = Vec<Vec<u8>>;
            type File = Output;

            fn extension(&self) -> &'static str {
                $extension
            }

            fn put<R: Row>(&self, $row: &R, $columns: Columns, $out: &mut Vec<u8>) {
                let $format = self;
                $put;
            }

            fn size(&self, block: &Vec<u8>) -> usize {
                block.len()
            }

            fn enough(&self, _rows: u64, size: usize) -> bool {
                size >= ENOUGH
            }

            fn encode(
                &self,
                _table: Table,
                _columns: Columns,
                blocks: Vec<Vec<u8>>,
            ) -> io::Result<Vec<Vec<u8>>> {
                Ok(blocks)
            }

            fn begin(
                &self,
                $table: Table,
                $header: Columns,
                mut output: Output,
            ) -> io::Result<Output> {
                output.write_all($begin)?;
                output.flush()?;
                Ok(output)
            }

            fn append(&self, file: &mut Output, encoded: Vec<Vec<u8>>) -> io::Result<()> {
                for block in encoded {
                    file.write_all(&block)?;
                }
                file.flush()
            }

            fn finish(&self, file: Output) -> io::Result<Output> {
                Ok(file)
            }
        }
    };
}

bytes!(CsvFiles "csv" |_format, row, columns, out| csv::line(row, columns, out),
       |table, columns| csv::line_of_names(columns.of(table)).as_bytes());
bytes!(JsonFiles "jsonl" |_format, row, columns, out| jsonl::line(row, columns, out),
       |_table, _columns| b"");
bytes!(ProtoFiles "binpb" |format, row, _columns, out| format.0.put(row, out),
       |_table, _columns| b"");
