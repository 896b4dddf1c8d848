//! PostgreSQL: sessions that are read-only by default, and in them transactions that say so again, at
//! REPEATABLE READ, with a statement timeout that the server keeps and the client checks.

use std::future::Future;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow, PgSslMode};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Postgres as Driver, Row as _, Transaction};

use super::column::{Column, Shape};
use super::database::{DatabaseError, OpenError, Use};
use super::key::{Fetched, Kind};
use super::spec::{Address, TableName};
use super::sql::{Dialect, Param, Statement};
use crate::source::adapter::load::secret;
use crate::source::adapter::problem::{Cause, Problem};

/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much longer the client waits than the server may take.
const GRACE: Duration = Duration::from_secs(2);
/// Longest that a transaction may idle, between the steps of a scan.
const IDLE: Duration = Duration::from_secs(60);

const COLUMNS: &str = "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), \
pg_catalog.format_type(a.atttypid, -1), \
CASE WHEN n.nspname = 'pg_catalog' THEN t.typname::text ELSE '' END \
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
WHERE a.attrelid = pg_catalog.to_regclass($1)::oid AND a.attnum > 0 AND NOT a.attisdropped \
ORDER BY a.attnum";

/// A database of PostgreSQL.
pub struct Postgres {
    pool: PgPool,
    statement: Duration,
    /// Texts are kept as UTF-8.
    pub utf8: bool,
}

impl Postgres {
    /// Opens a database.
    ///
    /// # Errors
    /// A password file that cannot be taken; see [`DatabaseError`].
    pub async fn open(address: &Address, how: Use) -> Result<Self, OpenError> {
        let options = options(address, how).map_err(OpenError::Password)?;
        let pool = PgPoolOptions::new()
            .max_connections(how.connections)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(|error| failed(&error))?;
        let encoding = sqlx::query_scalar::<_, String>("SHOW server_encoding").fetch_one(&pool);
        let encoding = within(how.statement, encoding).await?;
        Ok(Self { pool, statement: how.statement, utf8: encoding == "UTF8" })
    }

    /// Begins a consistent view.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub async fn read(&self) -> Result<Reading, DatabaseError> {
        let begin = self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
        let tx = within(self.statement + PATIENCE, begin).await?;
        Ok(Reading { tx, statement: self.statement })
    }
}

/// Nothing of the environment counts: what is not in the mapping is set here.
fn options(address: &Address, how: Use) -> Result<PgConnectOptions, Problem> {
    let password = match &address.password_file {
        None => String::new(),
        Some(path) => {
            let text = String::from_utf8(secret(path)?)
                .map_err(|_| Problem::new(Cause::Setting, path, "a password is a text in UTF-8"))?;
            text.strip_suffix('\n').unwrap_or(&text).to_owned()
        }
    };
    let millis = how.statement.as_millis().to_string();
    let idle = (how.statement * 4).max(IDLE).as_millis().to_string();
    let options = PgConnectOptions::new_without_pgpass()
        .host(&address.host)
        .port(address.port)
        .username(&address.user)
        .database(&address.database)
        .password(&password)
        .ssl_mode(PgSslMode::Disable)
        .application_name("portcullis source")
        .options([
            ("default_transaction_read_only", "on"),
            // What functions have to say can be values, and the driver would log it.
            ("client_min_messages", "error"),
            ("statement_timeout", millis.as_str()),
            ("lock_timeout", millis.as_str()),
            ("idle_in_transaction_session_timeout", idle.as_str()),
        ])
        .disable_statement_logging();
    Ok(if address.host.starts_with('/') { options.socket(&address.host) } else { options })
}

/// A consistent view.
pub struct Reading {
    tx: Transaction<'static, Driver>,
    statement: Duration,
}

impl Reading {
    /// See [`super::database::Reading::columns`].
    pub async fn columns(&mut self, table: &TableName) -> Result<Vec<Column>, DatabaseError> {
        let rows = sqlx::query_as::<_, (String, String, String, String)>(COLUMNS)
            .bind(Dialect::Postgres.table(table))
            .fetch_all(&mut *self.tx);
        let rows = within(self.statement, rows).await?;
        let column = |(name, declared, base, kind): (String, String, String, String)| Column {
            name,
            declared,
            base,
            shape: shape(&kind),
        };
        Ok(rows.into_iter().map(column).collect())
    }

    /// See [`super::database::Reading::rows`].
    pub async fn rows(&mut self, statement: Statement) -> Result<Vec<Fetched>, DatabaseError> {
        let rows = within(self.statement, query(statement).fetch_all(&mut *self.tx)).await?;
        rows.iter().map(fetched).collect()
    }

    /// See [`super::database::Reading::scan`]. A cursor, so that each step has its own deadline.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub async fn scan(&mut self, statement: Statement) -> Result<Scan<'_>, DatabaseError> {
        let declare = Statement {
            text: format!("DECLARE portcullis NO SCROLL CURSOR FOR {}", statement.text),
            params: statement.params,
        };
        within(self.statement, query(declare).execute(&mut *self.tx)).await?;
        Ok(Scan { reading: self })
    }
}

/// Rows, some at a time.
pub struct Scan<'r> {
    reading: &'r mut Reading,
}

impl Scan<'_> {
    /// See [`super::database::Scan::next`].
    pub async fn next(&mut self, most: usize) -> Result<Vec<Fetched>, DatabaseError> {
        let text = format!("FETCH FORWARD {most} FROM portcullis");
        self.reading.rows(Statement { text, params: vec![] }).await
    }
}

fn shape(kind: &str) -> Shape {
    match kind {
        "text" | "varchar" => Shape::Text,
        "bpchar" => Shape::Padded,
        "int2" | "int4" | "int8" => Shape::Integer,
        "numeric" => Shape::Numeric,
        "float4" | "float8" => Shape::Float,
        "bool" => Shape::Flag,
        "date" => Shape::Date,
        "timestamptz" => Shape::Moment,
        "timestamp" => Shape::Local,
        "uuid" => Shape::Uuid,
        "bytea" => Shape::Bytes,
        _ => Shape::Other,
    }
}

fn query(statement: Statement) -> Query<'static, Driver, PgArguments> {
    let mut query = sqlx::query(AssertSqlSafe(statement.text));
    for param in statement.params {
        query = match param {
            Param::Null => query.bind(None::<String>),
            Param::Text(text) => query.bind(text),
            Param::Integer(number) => query.bind(number),
            Param::Real(real) => query.bind(real),
            Param::Blob(bytes) => query.bind(bytes),
            Param::Texts(texts) => query.bind(texts),
        };
    }
    query
}

/// The cells of a row, which the statement made texts.
fn fetched(row: &PgRow) -> Result<Fetched, DatabaseError> {
    let mut out = Fetched::default();
    for at in 0..row.len() {
        match row.try_get::<Option<&str>, _>(at).map_err(|error| failed(&error))? {
            Some(text) => out.push(Kind::Text, text),
            None => out.push(Kind::Null, ""),
        }
    }
    Ok(out)
}

/// The server ends what takes too long; should it not, the client gives up a little later.
async fn within<T>(
    statement: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, DatabaseError> {
    match tokio::time::timeout(statement + GRACE, work).await {
        Ok(done) => done.map_err(|error| failed(&error)),
        Err(_) => Err(DatabaseError::TimedOut),
    }
}

fn failed(error: &sqlx::Error) -> DatabaseError {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default().into_owned();
            match code.as_str() {
                "57014" | "55P03" => DatabaseError::TimedOut,
                "25006" => DatabaseError::WriteTried,
                "42501" => DatabaseError::Denied,
                "42P01" | "42703" | "42704" | "3F000" | "0A000" => DatabaseError::Changed,
                "53300" => DatabaseError::Busy,
                code if ["08", "28", "3D", "57"].iter().any(|class| code.starts_with(class)) => {
                    DatabaseError::Unreachable(format!("SQLSTATE {code}"))
                }
                code => DatabaseError::Failed(format!("SQLSTATE {code}")),
            }
        }
        sqlx::Error::PoolTimedOut => DatabaseError::Busy,
        sqlx::Error::Io(error) => DatabaseError::Unreachable(error.kind().to_string()),
        sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            DatabaseError::Unreachable("connection".into())
        }
        _ => DatabaseError::Failed("driver".into()),
    }
}
