//! Loads what one agency holds of a generated world into a database of its own: the tables that its
//! `portcullis source` then serves. All of it or nothing: one transaction, and tables that already hold rows are
//! left alone.

mod mapping;
mod postgres;
mod rows;
mod sqlite;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::table::{Column, Kind, Table};

pub(crate) use mapping::{LISTS, quoted};
pub use mapping::{Served, mapping, mapping_of};
pub use rows::RowsError;

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A SQLite file; made where it does not exist.
    Sqlite(PathBuf),
    /// A PostgreSQL database. The password may come from PGPASSFILE or PGPASSWORD.
    Postgres(String),
}

impl Target {
    /// `sqlite:FILE` or `postgres://..`.
    ///
    /// # Errors
    /// A text for people, for anything else. It never quotes the address: a password may be in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("sqlite:") {
            Some(file) if !file.is_empty() => {
                Ok(Self::Sqlite(file.trim_start_matches("//").into()))
            }
            None if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                Ok(Self::Postgres(text.to_owned()))
            }
            _ => {
                Err("a target is `sqlite:FILE` or `postgres://USER@HOST:PORT/DATABASE`".to_owned())
            }
        }
    }
}

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The generated files.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// The database.
    #[error("{doing}: {cause}")]
    Database {
        /// What was being done.
        doing: String,
        /// What the database says; never a row.
        cause: String,
    },
    /// A table that is there already and not empty.
    #[error("table `{0}` holds rows already: nothing was loaded; name an empty database")]
    NotEmpty(&'static str),
    /// No generated file has a row of the agency.
    #[error("no row of agency `{agency}` in {}; the agencies there are: {known}", from.display())]
    NoRows {
        /// The agency.
        agency: String,
        /// Where it was looked for.
        from: PathBuf,
        /// Some that have rows.
        known: String,
    },
}

/// What was loaded.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Loaded {
    /// Rows by table; tables without any were not made.
    pub rows: BTreeMap<&'static str, u64>,
}

/// Loads an agency's rows.
///
/// # Errors
/// As [`LoadError`]; the database is then as it was.
pub async fn load(from: &Path, agency: &str, target: &Target) -> Result<Loaded, LoadError> {
    let loaded = match target {
        Target::Sqlite(file) => sqlite::load(from, agency, file).await?,
        Target::Postgres(url) => postgres::load(from, agency, url).await?,
    };
    if loaded.rows.is_empty() {
        let known = rows::agencies(from)?.into_iter().take(40).collect::<Vec<_>>().join(", ");
        return Err(LoadError::NoRows { agency: agency.to_owned(), from: from.to_owned(), known });
    }
    Ok(loaded)
}

/// Columns that are asked for by value: each gets an index.
const ASKED: [&str; 14] = [
    "ucr",
    "exporter_id",
    "importer_id",
    "licence_id",
    "container",
    "vessel_imo",
    "hs_code",
    "payer_id",
    "payee_id",
    "invoice_id",
    "registration_number",
    "end_user_name",
    "declaration_id",
    "seal",
];

/// The columns that a database table has: all but the agency, which the database is.
fn columns(table: Table) -> impl Iterator<Item = &'static Column> {
    table.columns().iter().skip(1)
}

/// Statements that make a table and its indexes.
fn create(table: Table, sql_type: impl Fn(Kind) -> &'static str) -> Vec<String> {
    let name = table.name();
    let columns: Vec<String> = columns(table)
        .map(|column| {
            let key = if column.name == "id" { " PRIMARY KEY" } else { "" };
            format!("\"{}\" {}{key}", column.name, sql_type(column.kind))
        })
        .collect();
    let mut all = vec![format!("CREATE TABLE IF NOT EXISTS \"{name}\" ({})", columns.join(", "))];
    for column in self::columns(table).filter(|column| ASKED.contains(&column.name)) {
        let column = column.name;
        all.push(format!(
            "CREATE INDEX IF NOT EXISTS \"{name}_{column}\" ON \"{name}\" (\"{column}\")"
        ));
    }
    all
}

/// Statements that make a table and its indexes in SQLite.
#[cfg(test)]
pub(crate) fn tables_of(table: Table) -> Vec<String> {
    create(table, sqlite::sql_type)
}

/// Statements in one transaction, on an agency's SQLite file that is there already.
///
/// # Errors
/// What the database says; then nothing of them was done.
pub async fn execute(file: &Path, statements: &[String]) -> Result<(), LoadError> {
    sqlite::execute(file, statements).await
}

fn database(doing: impl Into<String>) -> impl FnOnce(sqlx::Error) -> LoadError {
    let doing = doing.into();
    move |error| LoadError::Database { doing, cause: cause(&error) }
}

/// What went wrong, without what a database quotes of rows.
fn cause(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) if error.is_unique_violation() => {
            "two rows with one id".to_owned()
        }
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        _ => "the database cannot be reached or refused".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_named_or_refused_without_being_quoted() {
        assert_eq!(Target::parse("sqlite:a/b.db"), Ok(Target::Sqlite("a/b.db".into())));
        assert_eq!(Target::parse("sqlite:///tmp/b.db"), Ok(Target::Sqlite("/tmp/b.db".into())));
        assert!(matches!(Target::parse("postgres://u@h/d"), Ok(Target::Postgres(_))));
        for bad in ["mysql://u:secret@h/d", "sqlite:", "file.db", ""] {
            assert!(!Target::parse(bad).unwrap_err().contains("secret"));
        }
    }

    #[test]
    fn tables_have_a_key_and_indexes_and_no_agency() {
        let statements = create(Table::Payment, |_| "TEXT");
        assert!(
            statements[0].contains("\"id\" TEXT PRIMARY KEY") && !statements[0].contains("agency")
        );
        assert!(statements.iter().any(|statement| statement.contains("payment_invoice_id")));
    }
}
