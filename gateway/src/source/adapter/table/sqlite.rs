//! SQLite: a file opened read-only, `query_only`, with a progress handler that ends a statement at its
//! deadline.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow,
};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Row as _, Sqlite as Driver, Transaction, TypeInfo as _,
    ValueRef as _,
};
use tokio::time::Instant;

use super::column::{Column, Shape};
use super::database::{DatabaseError, Use};
use super::key::{Fetched, Kind};
use super::spec::TableName;
use super::sql::{Param, Statement};

/// Instructions of SQLite's machine between two looks at the clock: some microseconds.
const LOOK_EVERY: i32 = 1000;
/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file of SQLite.
pub struct Sqlite {
    pool: SqlitePool,
    statement: Duration,
    /// Texts are kept as UTF-8.
    pub utf8: bool,
}

impl Sqlite {
    /// Opens a file that is there.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub async fn open(path: &Path, how: Use) -> Result<Self, DatabaseError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .read_only(true)
            .busy_timeout(how.statement)
            .pragma("query_only", "ON")
            // What a view may call is only what cannot do harm.
            .pragma("trusted_schema", "OFF")
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(how.connections)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(|error| failed(&error))?;
        let encoding = sqlx::query_scalar::<_, String>("PRAGMA encoding").fetch_one(&pool);
        let encoding = encoding.await.map_err(|error| failed(&error))?;
        Ok(Self { pool, statement: how.statement, utf8: encoding == "UTF-8" })
    }

    /// Begins a consistent view.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub async fn read(&self) -> Result<Reading, DatabaseError> {
        let mut tx = self.pool.begin().await.map_err(|error| failed(&error))?;
        let deadline = Deadline::new(self.statement);
        let mut handle = tx.lock_handle().await.map_err(|error| failed(&error))?;
        let watch = deadline.clone();
        handle.set_progress_handler(LOOK_EVERY, move || !watch.is_over());
        drop(handle);
        Ok(Reading { tx, deadline: Ends(deadline) })
    }
}

/// When the statement that runs has to be done.
#[derive(Clone)]
struct Deadline {
    begun: Instant,
    allowed: Duration,
    /// Milliseconds since `begun`.
    until: Arc<AtomicU64>,
}

impl Deadline {
    const NONE: u64 = u64::MAX;

    fn new(allowed: Duration) -> Self {
        Self { begun: Instant::now(), allowed, until: Arc::new(AtomicU64::new(Self::NONE)) }
    }

    fn millis(duration: Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
    }

    fn set(&self) {
        let until = Self::millis(self.begun.elapsed() + self.allowed);
        self.until.store(until, Ordering::SeqCst);
    }

    fn lift(&self) {
        self.until.store(Self::NONE, Ordering::SeqCst);
    }

    fn is_over(&self) -> bool {
        let until = self.until.load(Ordering::SeqCst);
        until != Self::NONE && Self::millis(self.begun.elapsed()) >= until
    }
}

/// Whoever drops a view waits for nothing: what still runs ends at once.
struct Ends(Deadline);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.until.store(0, Ordering::SeqCst);
    }
}

/// A consistent view.
pub struct Reading {
    tx: Transaction<'static, Driver>,
    deadline: Ends,
}

impl Reading {
    /// See [`super::database::Reading::columns`].
    pub async fn columns(&mut self, table: &TableName) -> Result<Vec<Column>, DatabaseError> {
        let schema = table.schema.as_deref().unwrap_or("main").to_owned();
        self.deadline.0.set();
        let rows = sqlx::query_as::<_, (String, String)>(
            "SELECT name, type FROM pragma_table_xinfo(?1, ?2) ORDER BY cid",
        )
        .bind(table.name.clone())
        .bind(schema)
        .fetch_all(&mut *self.tx)
        .await;
        self.deadline.0.lift();
        // A view whose tables lack what it needs has no columns to tell.
        let rows = rows.map_err(|error| match failed(&error) {
            DatabaseError::Failed(code) if code == "1" => DatabaseError::Changed,
            other => other,
        })?;
        let column =
            |(name, declared)| Column { name, declared, base: String::new(), shape: Shape::Free };
        Ok(rows.into_iter().map(column).collect())
    }

    /// See [`super::database::Reading::rows`].
    pub async fn rows(&mut self, statement: Statement) -> Result<Vec<Fetched>, DatabaseError> {
        let mut out = vec![];
        self.deadline.0.set();
        let mut rows = query(statement).fetch(&mut *self.tx);
        while let Some(row) = rows.next().await {
            out.push(fetched(&row.map_err(|error| failed(&error))?)?);
        }
        self.deadline.0.lift();
        Ok(out)
    }

    /// See [`super::database::Reading::scan`].
    pub fn scan(&mut self, statement: Statement) -> Scan<'_> {
        Scan { rows: query(statement).fetch(&mut *self.tx), deadline: &self.deadline.0 }
    }
}

/// Rows, some at a time.
pub struct Scan<'r> {
    rows: BoxStream<'r, Result<SqliteRow, sqlx::Error>>,
    deadline: &'r Deadline,
}

impl Scan<'_> {
    /// See [`super::database::Scan::next`].
    pub async fn next(&mut self, most: usize) -> Result<Vec<Fetched>, DatabaseError> {
        let mut out = vec![];
        self.deadline.set();
        while out.len() < most
            && let Some(row) = self.rows.next().await
        {
            out.push(fetched(&row.map_err(|error| failed(&error))?)?);
        }
        // While the rows are looked at, no statement is late.
        self.deadline.lift();
        Ok(out)
    }
}

fn query(statement: Statement) -> Query<'static, Driver, SqliteArguments> {
    let mut query = sqlx::query(AssertSqlSafe(statement.text));
    for param in statement.params {
        query = match param {
            Param::Text(text) => query.bind(text),
            Param::Integer(number) => query.bind(number),
            Param::Real(real) => query.bind(real),
            Param::Blob(bytes) => query.bind(bytes),
            // There are no arrays; nothing makes one for SQLite.
            Param::Null | Param::Texts(_) => query.bind(None::<String>),
        };
    }
    query
}

/// The cells of a row: what is stored, as text.
fn fetched(row: &SqliteRow) -> Result<Fetched, DatabaseError> {
    let mut out = Fetched::default();
    for at in 0..row.len() {
        let value = row.try_get_raw(at).map_err(|error| failed(&error))?;
        let (null, kind) = (value.is_null(), value.type_info().name().to_owned());
        let unreadable = |error: sqlx::Error| failed(&error);
        if null {
            out.push(Kind::Null, "");
            continue;
        }
        match kind.as_str() {
            "INTEGER" | "BOOLEAN" | "INT4" => {
                let number: i64 = row.try_get_unchecked(at).map_err(unreadable)?;
                out.push(Kind::Integer, &number.to_string());
            }
            "REAL" => {
                let real: f64 = row.try_get_unchecked(at).map_err(unreadable)?;
                out.push(Kind::Real, &real_text(real));
            }
            "BLOB" => {
                let bytes: &[u8] = row.try_get_unchecked(at).map_err(unreadable)?;
                out.push(Kind::Blob, &hex::encode(bytes));
            }
            _ => {
                // Bytes that are no UTF-8 become U+FFFD, which conversions refuse by name.
                let bytes: &[u8] = row.try_get_unchecked(at).map_err(unreadable)?;
                out.push(Kind::Text, &String::from_utf8_lossy(bytes));
            }
        }
    }
    Ok(out)
}

/// The shortest text that reads back as the same float, as PostgreSQL writes them.
fn real_text(real: f64) -> String {
    match real.abs() {
        0.0 => "0".into(),
        size if (1e-5..1e15).contains(&size) => real.to_string(),
        _ => format!("{real:e}"),
    }
}

fn failed(error: &sqlx::Error) -> DatabaseError {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            // The low byte is the kind, the rest says more of it.
            match code.parse().unwrap_or(0) & 0xff {
                5 | 6 | 9 => DatabaseError::TimedOut,
                8 => DatabaseError::WriteTried,
                3 | 23 => DatabaseError::Denied,
                10 | 14 | 26 => DatabaseError::Unreachable(format!("SQLite {code}")),
                17 => DatabaseError::Changed,
                1 => DatabaseError::Failed("1".into()),
                _ => DatabaseError::Failed(format!("SQLite {code}")),
            }
        }
        sqlx::Error::PoolTimedOut => DatabaseError::Busy,
        sqlx::Error::Io(error) => DatabaseError::Unreachable(error.kind().to_string()),
        _ => DatabaseError::Failed("driver".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_short_and_read_back() {
        for (real, text) in
            [(0.1, "0.1"), (5.0, "5"), (-2.5, "-2.5"), (1e20, "1e20"), (1.5e-9, "1.5e-9")]
        {
            assert_eq!(real_text(real), text);
            assert_eq!(text.parse::<f64>().unwrap(), real);
        }
        assert_eq!(real_text(-0.0), "0");
    }
}
