//! Comma-separated values.

use std::fs::File;
use std::path::Path;

use csv::{Position, ReaderBuilder, StringRecord};

use super::{Each, ReadError, Reader, Row};

/// Reads CSV with a header.
pub struct Csv;

impl Reader for Csv {
    fn extension(&self) -> &'static str {
        "csv"
    }

    fn read(&self, path: &Path, columns: &[&str], each: &mut Each<'_>) -> Result<(), ReadError> {
        let file =
            File::open(path).map_err(|cause| ReadError::Read { path: path.to_owned(), cause })?;
        let mut reader = ReaderBuilder::new().buffer_capacity(1 << 18).from_reader(file);
        let bad = |line: u64, problem: String| ReadError::Content {
            path: path.to_owned(),
            line,
            problem,
        };
        let refused = |error: csv::Error| {
            bad(error.position().map_or(1, Position::line), "not a row of this table".to_owned())
        };
        let header = reader.headers().map_err(refused)?.clone();
        let mut places = vec![];
        for column in columns {
            let place = header.iter().position(|name| name == *column);
            places.push(place.ok_or_else(|| bad(1, format!("no column `{column}`")))?);
        }
        let (mut record, mut row) = (StringRecord::new(), Row::default());
        while reader.read_record(&mut record).map_err(refused)? {
            row.clear();
            places.iter().for_each(|place| row.push(record.get(*place).unwrap_or_default()));
            each(&row);
        }
        Ok(())
    }
}
