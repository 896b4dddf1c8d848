//! SQLite: amounts, moments and days as text, so that nothing is rounded; rows in one statement per batch.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

use super::rows::Rows;
use super::{LoadError, Loaded, columns, create, database};
use crate::table::{Kind, Table};

/// Rows a statement.
const BATCH: usize = 2_000;

pub(super) fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "INTEGER",
        Kind::Word
        | Kind::Text
        | Kind::Money
        | Kind::Micro
        | Kind::Moment
        | Kind::Day
        | Kind::Flag => "TEXT",
    }
}

pub async fn load(from: &Path, agency: &str, file: &Path) -> Result<Loaded, LoadError> {
    let fresh = !file.exists();
    let loaded = fill(from, agency, file).await;
    if fresh && !loaded.as_ref().is_ok_and(|loaded| !loaded.rows.is_empty()) {
        // A file that this call made and put nothing into is of no use to anybody.
        let _ = std::fs::remove_file(file);
    }
    loaded
}

pub async fn execute(file: &Path, statements: &[String]) -> Result<(), LoadError> {
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection =
        options.connect().await.map_err(database(format!("cannot open {}", file.display())))?;
    let mut tx = connection.begin().await.map_err(database("cannot begin"))?;
    for statement in statements {
        let done = sqlx::query(AssertSqlSafe(statement.clone())).execute(&mut *tx).await;
        done.map_err(database(format!("cannot change {}", file.display())))?;
    }
    tx.commit().await.map_err(database("cannot commit"))?;
    connection.close().await.map_err(database("cannot close"))
}

async fn fill(from: &Path, agency: &str, file: &Path) -> Result<Loaded, LoadError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let mut connection =
        options.connect().await.map_err(database(format!("cannot open {}", file.display())))?;
    let mut tx = connection.begin().await.map_err(database("cannot begin"))?;
    let mut loaded = Loaded::default();
    for table in Table::ALL {
        let mut rows = Rows::new(from, *table, agency)?;
        let mut batch = Batch::new(*table);
        let mut count = 0;
        while let Some(row) = rows.next()? {
            if count == 0 {
                prepare(&mut tx, *table).await?;
            }
            count += 1;
            batch.push(row);
            if batch.rows == BATCH {
                batch.store(&mut tx, *table).await?;
            }
        }
        if batch.rows > 0 {
            batch.store(&mut tx, *table).await?;
        }
        if count > 0 {
            loaded.rows.insert(table.name(), count);
        }
    }
    tx.commit().await.map_err(database("cannot commit"))?;
    connection.close().await.map_err(database("cannot close"))?;
    Ok(loaded)
}

async fn prepare(tx: &mut SqliteConnection, table: Table) -> Result<(), LoadError> {
    let name = table.name();
    for statement in create(table, sql_type) {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *tx)
            .await
            .map_err(database(format!("cannot make `{name}`")))?;
    }
    let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(format!(
        "SELECT count(*) FROM (SELECT 1 FROM \"{name}\" LIMIT 1)"
    )));
    match count.fetch_one(&mut *tx).await.map_err(database(format!("cannot count `{name}`")))? {
        0 => Ok(()),
        _ => Err(LoadError::NotEmpty(name)),
    }
}

/// Rows as a JSON array of arrays, which SQLite takes apart by itself.
struct Batch {
    insert: String,
    integers: Vec<bool>,
    text: String,
    rows: usize,
}

impl Batch {
    fn new(table: Table) -> Self {
        let places: Vec<String> =
            (0..columns(table).count()).map(|place| format!("value ->> {place}")).collect();
        let insert = format!(
            "INSERT INTO \"{}\" SELECT {} FROM json_each(?)",
            table.name(),
            places.join(", ")
        );
        let integers = columns(table).map(|column| column.kind == Kind::Integer).collect();
        Self { insert, integers, text: String::new(), rows: 0 }
    }

    fn push(&mut self, row: &csv::StringRecord) {
        self.text.push(if self.rows == 0 { '[' } else { ',' });
        let cells: Vec<serde_json::Value> = row
            .iter()
            .skip(1)
            .zip(&self.integers)
            .map(|(cell, integer)| match (cell, integer) {
                ("", _) => serde_json::Value::Null,
                (cell, true) => cell.parse::<i64>().map_or(serde_json::Value::Null, Into::into),
                (cell, false) => cell.into(),
            })
            .collect();
        self.text.push_str(&serde_json::Value::Array(cells).to_string());
        self.rows += 1;
    }

    async fn store(&mut self, tx: &mut SqliteConnection, table: Table) -> Result<(), LoadError> {
        self.rows = 0;
        let mut text = std::mem::take(&mut self.text);
        text.push(']');
        let insert = sqlx::query(AssertSqlSafe(self.insert.clone())).bind(text).execute(tx).await;
        insert.map(drop).map_err(database(format!("cannot load `{}`", table.name())))
    }
}
