//! A database that is read and never written: consistent views of it, each with a deadline on every statement.
//! What a database says is never passed on, because its messages can quote values; only its codes are.

use std::fmt;
use std::time::Duration;

use super::column::Column;
use super::key::Fetched;
use super::postgres::{self, Postgres};
use super::spec::{DatabaseSpec, TableName};
use super::sql::{Dialect, Statement};
use super::sqlite::{self, Sqlite};
use crate::source::adapter::problem::Problem;

/// How databases are used.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    /// Longest that a statement may take.
    pub statement: Duration,
    /// Connections at once, for each mapping.
    pub connections: u32,
}

/// Why a database did not give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// It cannot be reached, or refuses the login.
    #[error("the database cannot be reached ({0})")]
    Unreachable(String),
    /// Every connection is in use.
    #[error("every connection to the database is in use")]
    Busy,
    /// A statement took longer than it may.
    #[error("a statement took longer than `statement_timeout_ms`")]
    TimedOut,
    /// A view or function tried to write.
    #[error("the table or view tries to write, and it is opened to be read only")]
    WriteTried,
    /// A right is missing.
    #[error("the user of the database may not read it")]
    Denied,
    /// A table or column vanished in the midst.
    #[error("the table changed while it was read")]
    Changed,
    /// Anything else, by the database's own code.
    #[error("the database failed ({0})")]
    Failed(String),
}

impl DatabaseError {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "DATABASE_UNREACHABLE",
            Self::Busy => "SOURCE_BUSY",
            Self::TimedOut => "STATEMENT_TIMEOUT",
            Self::WriteTried => "WRITE_REFUSED",
            Self::Denied => "DATABASE_DENIED",
            Self::Changed => "SCHEMA_DRIFT",
            Self::Failed(_) => "DATABASE_FAILED",
        }
    }
}

/// A database.
pub enum Database {
    /// A file of SQLite.
    Sqlite(Sqlite),
    /// A database of PostgreSQL.
    Postgres(Postgres),
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Database(SQLite)",
            Self::Postgres(_) => "Database(PostgreSQL)",
        })
    }
}

/// Why a database cannot be opened.
pub enum OpenError {
    /// Its password file.
    Password(Problem),
    /// The database.
    Database(DatabaseError),
}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl Database {
    /// Opens it; one connection is made to see whether that works.
    ///
    /// # Errors
    /// A password file that cannot be taken; see [`DatabaseError`].
    pub async fn open(spec: &DatabaseSpec, how: Use) -> Result<Self, OpenError> {
        Ok(match spec {
            DatabaseSpec::Sqlite(path) => Self::Sqlite(Sqlite::open(path, how).await?),
            DatabaseSpec::Postgres(address) => Self::Postgres(Postgres::open(address, how).await?),
        })
    }

    /// Which SQL it speaks.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Does it keep texts as UTF-8?
    pub fn is_utf8(&self) -> bool {
        match self {
            Self::Sqlite(sqlite) => sqlite.utf8,
            Self::Postgres(postgres) => postgres.utf8,
        }
    }

    /// Begins a consistent view of it.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub async fn read(&self) -> Result<Reading, DatabaseError> {
        Ok(match self {
            Self::Sqlite(sqlite) => Reading::Sqlite(sqlite.read().await?),
            Self::Postgres(postgres) => Reading::Postgres(postgres.read().await?),
        })
    }
}

/// A consistent view of a database, that ends when it is dropped.
pub enum Reading {
    /// Of SQLite.
    Sqlite(sqlite::Reading),
    /// Of PostgreSQL.
    Postgres(postgres::Reading),
}

impl Reading {
    /// Which SQL it speaks.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The columns of a table or view, in its order; none: there is no such table.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub async fn columns(&mut self, table: &TableName) -> Result<Vec<Column>, DatabaseError> {
        match self {
            Self::Sqlite(reading) => reading.columns(table).await,
            Self::Postgres(reading) => reading.columns(table).await,
        }
    }

    /// The rows of a statement, all of them.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub async fn rows(&mut self, statement: Statement) -> Result<Vec<Fetched>, DatabaseError> {
        match self {
            Self::Sqlite(reading) => reading.rows(statement).await,
            Self::Postgres(reading) => reading.rows(statement).await,
        }
    }

    /// The rows of a statement without parameters, some at a time.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub async fn scan(&mut self, statement: Statement) -> Result<Scan<'_>, DatabaseError> {
        Ok(match self {
            Self::Sqlite(reading) => Scan::Sqlite(reading.scan(statement)),
            Self::Postgres(reading) => Scan::Postgres(reading.scan(statement).await?),
        })
    }
}

/// Rows, some at a time.
pub enum Scan<'r> {
    /// Of SQLite.
    Sqlite(sqlite::Scan<'r>),
    /// Of PostgreSQL.
    Postgres(postgres::Scan<'r>),
}

impl Scan<'_> {
    /// The next rows, at most so many; none: that was all. Each call has the deadline of a statement.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub async fn next(&mut self, most: usize) -> Result<Vec<Fetched>, DatabaseError> {
        match self {
            Self::Sqlite(scan) => scan.next(most).await,
            Self::Postgres(scan) => scan.next(most).await,
        }
    }
}
