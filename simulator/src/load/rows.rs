//! Reads generated CSV files table by table, and keeps the rows of one agency.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::table::Table;
use crate::write::csv::header;

/// Why generated files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// A file or folder.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A line that is no row.
    #[error("{}:{line}: {problem}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Its line.
        line: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// No files at all.
    #[error("{} holds no generated CSV files: make them with `portcullis-sim generate --format csv`", .0.display())]
    None(PathBuf),
}

/// The CSV files of a table, in the order of their names.
pub fn files(from: &Path, table: Table) -> Result<Vec<PathBuf>, RowsError> {
    let mut found = vec![];
    let mut folders = vec![from.join(table.name())];
    while let Some(folder) = folders.pop() {
        let read = |cause| RowsError::Read { path: folder.clone(), cause };
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(read(error)),
        };
        for entry in entries {
            let path = entry.map_err(read)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "csv") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The rows of a table that an agency holds, one after the other.
pub struct Rows<'a> {
    table: Table,
    agency: &'a str,
    files: std::vec::IntoIter<PathBuf>,
    open: Option<(PathBuf, csv::Reader<File>)>,
    row: csv::StringRecord,
}

impl<'a> Rows<'a> {
    /// Those of a table.
    pub fn new(from: &Path, table: Table, agency: &'a str) -> Result<Self, RowsError> {
        let files = files(from, table)?.into_iter();
        Ok(Self { table, agency, files, open: None, row: csv::StringRecord::new() })
    }

    /// The next row, agency first; `None` after the last.
    pub fn next(&mut self) -> Result<Option<&csv::StringRecord>, RowsError> {
        loop {
            let Some((path, reader)) = &mut self.open else {
                match self.files.next() {
                    Some(path) => self.open = Some(self.begin(path)?),
                    None => return Ok(None),
                }
                continue;
            };
            match reader.read_record(&mut self.row) {
                Ok(false) => self.open = None,
                Ok(true) if self.row.get(0) == Some(self.agency) => return Ok(Some(&self.row)),
                Ok(true) => {}
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    let problem = "not a row of this table";
                    return Err(RowsError::Row { path: path.clone(), line, problem });
                }
            }
        }
    }

    fn begin(&self, path: PathBuf) -> Result<(PathBuf, csv::Reader<File>), RowsError> {
        let file =
            File::open(&path).map_err(|cause| RowsError::Read { path: path.clone(), cause })?;
        let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 18).from_reader(file);
        let names = reader.headers().map(|names| names.iter().collect::<Vec<_>>().join(","));
        if names.unwrap_or_default() != header(self.table).trim_end() {
            let problem = "not the columns that this version generates";
            return Err(RowsError::Row { path, line: 1, problem });
        }
        Ok((path, reader))
    }
}

/// Agencies that hold rows: those of the first rows of each table.
pub fn agencies(from: &Path) -> Result<BTreeSet<String>, RowsError> {
    let mut all = BTreeSet::new();
    let mut any = false;
    for table in Table::ALL {
        for path in files(from, *table)? {
            any = true;
            let file =
                File::open(&path).map_err(|cause| RowsError::Read { path: path.clone(), cause })?;
            let reader = csv::Reader::from_reader(file);
            for record in reader.into_records().take(2_000).flatten() {
                all.extend(record.get(0).map(str::to_owned));
            }
        }
    }
    if any { Ok(all) } else { Err(RowsError::None(from.to_owned())) }
}
