//! Reads a generated folder, whatever its format: rows one after the other, of each only the cells that are asked
//! for. A format is one implementation of [`Reader`] and one line in [`FORMATS`].

mod csv;
mod jsonl;
mod row;

use std::path::{Path, PathBuf};

use crate::table::{Column, Table};

pub use row::Row;

/// Why generated files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
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
    Content {
        /// The file.
        path: PathBuf,
        /// Its line.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// No files at all.
    #[error("{} holds no generated files", .0.display())]
    None(PathBuf),
}

/// Takes rows.
pub type Each<'a> = dyn FnMut(&Row) + 'a;

/// A file format.
pub trait Reader: Sync {
    /// Ending of its files.
    fn extension(&self) -> &'static str;
    /// Gives the cells of these columns of each row, as texts: numbers with a point, moments as RFC 3339, nothing
    /// as an empty text.
    ///
    /// # Errors
    /// The first file or line that cannot be read.
    fn read(&self, path: &Path, columns: &[&str], each: &mut Each<'_>) -> Result<(), ReadError>;
}

/// All formats.
pub const FORMATS: &[&dyn Reader] = &[&csv::Csv, &jsonl::JsonLines];

/// A generated folder.
pub struct Folder {
    path: PathBuf,
    format: &'static dyn Reader,
}

impl Folder {
    /// Finds out which format a folder is in: the first that its declarations are in.
    ///
    /// # Errors
    /// When there are no declarations in any known format.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        for format in FORMATS {
            let declarations = path.join(Table::Declaration.name());
            if !files(&declarations, format.extension(), "")?.is_empty() {
                return Ok(Self { path: path.to_owned(), format: *format });
            }
        }
        Err(ReadError::None(path.to_owned()))
    }

    /// Ending of its files.
    pub fn extension(&self) -> &'static str {
        self.format.extension()
    }

    /// Reads some columns of a table, part by part.
    ///
    /// # Errors
    /// The first file or line that cannot be read.
    pub fn rows(
        &self,
        table: Table,
        columns: &[&str],
        each: &mut Each<'_>,
    ) -> Result<(), ReadError> {
        let known =
            |name: &&str| table.columns().iter().any(|column: &Column| column.name == *name);
        debug_assert!(columns.iter().all(known), "{columns:?}");
        for file in files(&self.path.join(table.name()), self.extension(), "")? {
            self.format.read(&file, columns, each)?;
        }
        Ok(())
    }

    /// Reads the truth: `cases`, `traces` or `labels`. It is CSV beside every format.
    ///
    /// # Errors
    /// The first file or line that cannot be read.
    pub fn truth(
        &self,
        kind: &str,
        columns: &[&str],
        each: &mut Each<'_>,
    ) -> Result<(), ReadError> {
        for file in files(&self.path.join("truth"), "csv", kind)? {
            csv::Csv.read(&file, columns, each)?;
        }
        Ok(())
    }
}

/// Whether a generated folder has slips of clerks in it: their linkage is in its truth.
pub fn is_dirty(folder: &Path) -> bool {
    files(&folder.join("truth"), "csv", "dirt-").is_ok_and(|files| !files.is_empty())
}

/// Reads some columns of one CSV file.
///
/// # Errors
/// The first line that cannot be read.
pub fn csv_file(path: &Path, columns: &[&str], each: &mut Each<'_>) -> Result<(), ReadError> {
    csv::Csv.read(path, columns, each)
}

/// Files of a folder and those below it, by ending and beginning of their names, in the order of their paths.
fn files(folder: &Path, extension: &str, begins: &str) -> Result<Vec<PathBuf>, ReadError> {
    let (mut found, mut folders) = (vec![], vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let failed = |cause| ReadError::Read { path: folder.clone(), cause };
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.starts_with(begins)
                && path.extension().is_some_and(|ending| ending == extension)
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Declaration, Out};

    /// Both formats must give the same cells, or the figures would depend on how a world was written.
    #[test]
    fn formats_give_the_same_cells() {
        let row = Declaration {
            agency: "nv-customs",
            id: "EX-1",
            accepted_at: Some(crate::calendar::Moment(1_767_243_967)),
            description: "a \"big\", bad\ncrate",
            net_mass_grams: Some(1_234),
            value: Some(500_005),
            ..Declaration::default()
        };
        let columns = ["value", "id", "description", "accepted_at", "net_mass_grams", "licence_id"];
        let (mut csv_rows, mut json_rows) =
            (crate::write::csv::Csv::default(), crate::write::jsonl::JsonLines::default());
        csv_rows.put(&row);
        json_rows.put(&row);
        let index = Table::Declaration.index();
        let header = crate::write::csv::header(Table::Declaration).into_bytes();
        for (extension, bytes) in [
            ("csv", [header, csv_rows.tables[index].clone()].concat()),
            ("jsonl", json_rows.tables[index].clone()),
        ] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("declaration")).unwrap();
            let name = folder.path().join("declaration").join(format!("part.{extension}"));
            std::fs::write(name, bytes).unwrap();
            let opened = Folder::open(folder.path()).unwrap();
            assert_eq!(opened.extension(), extension);
            let mut seen = 0;
            opened
                .rows(Table::Declaration, &columns, &mut |row| {
                    seen += 1;
                    assert_eq!(row.number(0), Some(5000.05));
                    assert_eq!(row.text(1), "EX-1");
                    assert_eq!(row.text(2), "a \"big\", bad\ncrate");
                    assert_eq!(row.moment(3), Some(1_767_243_967));
                    assert_eq!(row.number(4), Some(1234.0));
                    assert_eq!((row.text(5), row.number(5)), ("", None));
                })
                .unwrap();
            assert_eq!(seen, 1);
        }
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(Folder::open(empty.path()), Err(ReadError::None(_))));
    }

    #[test]
    fn a_bad_line_is_named_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, "a,b\n1,2\n3\n").unwrap();
        let error = csv_file(&path, &["a"], &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains("x.csv:3:"), "{error}");
        let error = csv_file(&path, &["c"], &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains("x.csv:1: no column `c`"), "{error}");
    }
}
