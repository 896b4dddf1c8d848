//! What is wrong with a mapping or with the data behind it: every problem with file, line, column and
//! field, up to a cap, before anything is served. A problem says what was expected, never what stood there:
//! cells are record data.

use std::fmt;
use std::path::{Path, PathBuf};

/// Most problems that are listed; the rest is counted.
pub const MOST_LISTED: usize = 50;

/// Kind of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A file cannot be read or written.
    FileUnreadable,
    /// A configuration or mapping file is not what its format says.
    Syntax,
    /// A setting has a value that it cannot have, or two contradict each other.
    Setting,
    /// The descriptor set does not make a record type.
    SchemaRefused,
    /// A mapping names a field that the record type does not have, or one that it cannot fill so.
    Target,
    /// A mapping names a column that the data do not have, or files have different headers.
    Header,
    /// A table or view is not what the mapping says, or not what it was.
    Drift,
    /// A database cannot be reached or does not answer.
    Database,
    /// A row is no row: wrong number of cells, a quote without an end.
    Row,
    /// A cell is not what its conversion expects.
    Value,
    /// A required cell is empty.
    Missing,
    /// Two rows have the same id.
    Duplicate,
    /// The handling of a row is unknown or contradicts itself.
    Handling,
}

impl Cause {
    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::FileUnreadable => "FILE_UNREADABLE",
            Self::Syntax => "SYNTAX",
            Self::Setting => "SETTING_REFUSED",
            Self::SchemaRefused => "SCHEMA_REFUSED",
            Self::Target => "TARGET_REFUSED",
            Self::Header => "HEADER_REFUSED",
            Self::Drift => "SCHEMA_DRIFT",
            Self::Database => "DATABASE_FAILED",
            Self::Row => "ROW_MALFORMED",
            Self::Value => "VALUE_REFUSED",
            Self::Missing => "VALUE_MISSING",
            Self::Duplicate => "ID_DUPLICATE",
            Self::Handling => "HANDLING_REFUSED",
        }
    }
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub cause: Cause,
    /// The file it is in.
    pub file: PathBuf,
    /// Physical line from 1, where it is about one.
    pub line: Option<u32>,
    /// Ordinal from 1 of a table's row, where it is about one.
    pub row: Option<u32>,
    /// Column of the data (or key of the mapping), where it is about one.
    pub column: Option<String>,
    /// Field path of the record type, where it is about one.
    pub field: Option<String>,
    /// What was expected.
    pub detail: String,
}

impl Problem {
    /// A problem of a file as a whole.
    pub fn new(cause: Cause, file: &Path, detail: impl Into<String>) -> Self {
        let file = file.to_owned();
        Self {
            cause,
            file,
            line: None,
            row: None,
            column: None,
            field: None,
            detail: detail.into(),
        }
    }

    /// The same, at a line.
    #[must_use]
    pub fn at(mut self, line: u64) -> Self {
        self.line = Some(u32::try_from(line).unwrap_or(u32::MAX));
        self
    }

    /// The same, in a row of a table.
    #[must_use]
    pub fn row(mut self, ordinal: u64) -> Self {
        self.row = Some(u32::try_from(ordinal).unwrap_or(u32::MAX));
        self
    }

    /// The same, about a column.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// The same, about a field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if let Some(row) = self.row {
            write!(f, "row {row}: ")?;
        }
        match (&self.column, &self.field) {
            (Some(column), Some(field)) => write!(f, "column `{column}` -> {field}: ")?,
            (Some(column), None) => write!(f, "column `{column}`: ")?,
            (None, Some(field)) => write!(f, "{field}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.detail)
    }
}

/// Problems in the order they were found.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    listed: Vec<Problem>,
    more: u64,
}

impl Problems {
    /// Takes one; beyond the cap it is only counted.
    pub fn push(&mut self, problem: Problem) {
        if self.listed.len() < MOST_LISTED {
            self.listed.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Takes all of another list.
    pub fn extend(&mut self, other: Self) {
        self.more += other.more;
        for problem in other.listed {
            self.push(problem);
        }
    }

    /// Those that are listed.
    pub fn listed(&self) -> &[Problem] {
        &self.listed
    }

    /// How many there are, listed or not.
    pub fn count(&self) -> u64 {
        self.more + u64::try_from(self.listed.len()).unwrap_or(u64::MAX)
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The value if there is no problem, otherwise the problems.
    ///
    /// # Errors
    /// The problems, if there are any.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { listed: vec![problem], more: 0 }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.listed.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Lines of a text by byte offset, for spans of a parser.
pub struct Lines(Vec<usize>);

impl Lines {
    /// Notes where lines begin.
    pub fn of(text: &str) -> Self {
        Self(
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect(),
        )
    }

    /// Line from 1 of a byte offset.
    pub fn line(&self, offset: usize) -> u64 {
        u64::try_from(self.0.partition_point(|end| *end < offset)).unwrap_or(u64::MAX) + 1
    }
}
