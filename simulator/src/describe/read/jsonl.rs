//! JSON Lines.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde_json::{Map, Value};

use super::{Each, ReadError, Reader, Row};

/// Reads an object a line. A key that is not there says nothing.
pub struct JsonLines;

impl Reader for JsonLines {
    fn extension(&self) -> &'static str {
        "jsonl"
    }

    fn read(&self, path: &Path, columns: &[&str], each: &mut Each<'_>) -> Result<(), ReadError> {
        let failed = |cause| ReadError::Read { path: path.to_owned(), cause };
        let mut reader = BufReader::with_capacity(1 << 18, File::open(path).map_err(failed)?);
        let (mut text, mut row, mut line) = (String::new(), Row::default(), 0);
        loop {
            text.clear();
            line += 1;
            if reader.read_line(&mut text).map_err(failed)? == 0 {
                return Ok(());
            }
            let object: Map<String, Value> = serde_json::from_str(&text).map_err(|error| {
                ReadError::Content { path: path.to_owned(), line, problem: error.to_string() }
            })?;
            row.clear();
            for column in columns {
                match object.get(*column) {
                    None | Some(Value::Null) => row.push(""),
                    Some(Value::String(text)) => row.push(text),
                    Some(other) => row.push(&other.to_string()),
                }
            }
            each(&row);
        }
    }
}
