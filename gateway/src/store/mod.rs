//! Where the log, budgets and idempotency keys live. Callers see transactions with named operations and plain
//! values, no SQL and no database types: another database can take SQLite's place behind [`Store`] and [`Tx`].

mod agreements;
mod budgets;
mod error;
mod log;
mod metrics;
mod officers;
mod recipients;
mod record_types;
mod releases;

pub use agreements::{ActRow, CaseEventRow, CaseRow};
pub use budgets::{Budget, BudgetKey, IdempotencyRow};
pub use error::StoreError;
pub use log::{Append, EntryRow, EpochRow, ListFilter, NewEntry, NodeRow, Written};
pub use metrics::TxMetrics;
pub use officers::TokenRow;
pub use recipients::{MergeStep, RecipientCount, RecipientState, RunRow, TailRow};
pub use record_types::{RecordTypeEvent, RecordTypeRow};
pub use releases::ReleaseRow;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{
    ConnectOptions as _, Connection as _, SqlSafeStr as _, Sqlite, SqliteConnection, Transaction,
};

/// A store, shared by all who read.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    readers: SqlitePool,
    metrics: TxMetrics,
    max_pages: Arc<AtomicU32>,
}

impl Store {
    /// Opens a store, made if it is not there, and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = options(path).connect().await?;
        migrator().run(&mut connection).await?;
        connection.close().await?;
        Self::with(path, options(path).create_if_missing(false))
    }

    /// Opens an existing store to read it only.
    pub async fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let store = Self::with(path, SqliteConnectOptions::new().filename(path).read_only(true))?;
        store.read("probe").await?;
        Ok(store)
    }

    fn with(path: &Path, options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            .connect_lazy_with(options.pragma("query_only", "ON"));
        let path = path.to_owned();
        Ok(Self { path, readers, metrics: TxMetrics::default(), max_pages: Arc::default() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Counts and durations of transactions, by name and outcome.
    pub fn metrics(&self) -> &TxMetrics {
        &self.metrics
    }

    /// Caps the store at so many pages of 4 KiB from the next writer on; 0: no cap. A full store refuses
    /// writes, and so disclosures, before it fills the disk for everyone else.
    pub fn limit_pages(&self, pages: u32) {
        self.max_pages.store(pages, Ordering::SeqCst);
    }

    /// One consistent view to read from.
    pub async fn read(&self, name: &'static str) -> Result<Tx<'static>, StoreError> {
        Ok(Tx::new(self.readers.begin().await?, name, self.metrics.clone()))
    }

    /// The connection that writes. The log's sequencer holds one; whoever else needs one holds it for a short
    /// transaction, for which the log waits.
    pub async fn writer(&self) -> Result<Writer, StoreError> {
        let mut options = options(&self.path).create_if_missing(false);
        let pages = self.max_pages.load(Ordering::SeqCst);
        if pages > 0 {
            options = options.pragma("max_page_count", pages.to_string());
        }
        Ok(Writer { connection: options.connect().await?, metrics: self.metrics.clone() })
    }

    /// Closes the readers.
    pub async fn close(&self) {
        self.readers.close().await;
    }
}

/// The connection that writes.
#[derive(Debug)]
pub struct Writer {
    connection: SqliteConnection,
    metrics: TxMetrics,
}

impl Writer {
    /// Begins a transaction that may write; its name labels metrics. Without [`Tx::commit`] nothing of it
    /// stays.
    pub async fn begin(&mut self, name: &'static str) -> Result<Tx<'_>, StoreError> {
        let inner = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Tx::new(inner, name, self.metrics.clone()))
    }

    /// Closes the connection.
    pub async fn close(self) -> Result<(), StoreError> {
        Ok(self.connection.close().await?)
    }
}

/// A transaction.
pub struct Tx<'c> {
    inner: Transaction<'c, Sqlite>,
    timing: metrics::Timing,
}

impl<'c> Tx<'c> {
    fn new(inner: Transaction<'c, Sqlite>, name: &'static str, metrics: TxMetrics) -> Self {
        Self { inner, timing: metrics.begin(name) }
    }

    /// Makes it durable: when this returns, the operating system has said that the bytes are on the disk.
    pub async fn commit(self) -> Result<(), StoreError> {
        let Self { inner, timing } = self;
        inner.commit().await?;
        timing.committed();
        Ok(())
    }

    /// Ends it; nothing of it stays.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.inner.rollback().await?)
    }
}

/// WAL with `synchronous=FULL`: with NORMAL a power cut loses rows that were acknowledged.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(2))
        // What is deleted is overwritten, so that nothing lingers in free pages.
        .pragma("secure_delete", "ON")
        .disable_statement_logging()
}

fn migrator() -> Migrator {
    let migration = |version, description: &'static str, kind, sql: &'static str| {
        Migration::new(version, description.into(), kind, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(vec![
        migration(
            1,
            "log",
            MigrationType::ReversibleUp,
            include_str!("../../migrations/sqlite/0001_log.up.sql"),
        ),
        migration(
            1,
            "log",
            MigrationType::ReversibleDown,
            include_str!("../../migrations/sqlite/0001_log.down.sql"),
        ),
        migration(
            2,
            "record_types",
            MigrationType::ReversibleUp,
            include_str!("../../migrations/sqlite/0002_record_types.up.sql"),
        ),
        migration(
            2,
            "record_types",
            MigrationType::ReversibleDown,
            include_str!("../../migrations/sqlite/0002_record_types.down.sql"),
        ),
        migration(
            3,
            "officers",
            MigrationType::ReversibleUp,
            include_str!("../../migrations/sqlite/0003_officers.up.sql"),
        ),
        migration(
            3,
            "officers",
            MigrationType::ReversibleDown,
            include_str!("../../migrations/sqlite/0003_officers.down.sql"),
        ),
        migration(
            4,
            "agreements",
            MigrationType::ReversibleUp,
            include_str!("../../migrations/sqlite/0004_agreements.up.sql"),
        ),
        migration(
            4,
            "agreements",
            MigrationType::ReversibleDown,
            include_str!("../../migrations/sqlite/0004_agreements.down.sql"),
        ),
        migration(
            5,
            "subjects",
            MigrationType::ReversibleUp,
            include_str!("../../migrations/sqlite/0005_subjects.up.sql"),
        ),
        migration(
            5,
            "subjects",
            MigrationType::ReversibleDown,
            include_str!("../../migrations/sqlite/0005_subjects.down.sql"),
        ),
        migration(
            6,
            "recipients",
            MigrationType::ReversibleUp,
            include_str!("../../migrations/sqlite/0006_recipients.up.sql"),
        ),
        migration(
            6,
            "recipients",
            MigrationType::ReversibleDown,
            include_str!("../../migrations/sqlite/0006_recipients.down.sql"),
        ),
        migration(
            7,
            "releases",
            MigrationType::ReversibleUp,
            include_str!("../../migrations/sqlite/0007_releases.up.sql"),
        ),
        migration(
            7,
            "releases",
            MigrationType::ReversibleDown,
            include_str!("../../migrations/sqlite/0007_releases.down.sql"),
        ),
    ])
}
