//! Tables and views of SQL databases as record types: read live and never written. Opaque ids are keyed, and
//! answers come in their order, so a side index leads from opaque id to key (`index.rs`); rows are fetched by
//! their keys, converted and filtered on the bytes like rows of files. What a filter surely implies is asked
//! of the database first (`push.rs`). Columns and their types are compared in every transaction.

mod bounds;
mod column;
mod database;
mod index;
mod key;
mod postgres;
mod push;
mod search;
mod spec;
mod sql;
mod sqlite;
mod texts;

use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use portcullis_core::label::RecordType;

use super::compile::{Mapping, ReadAt};
use super::declared::Declared;
use super::load::Holder;
use super::problem::{Cause, Problem, Problems};
use crate::clock::Clock;
use column::Column;
use database::{Database, OpenError, Reading};
pub use database::{DatabaseError, Use};
use index::{Index, IndexError, Reader, Tally};
pub use search::TableSearch;
use spec::TableName;
pub use spec::TableSpec;

/// After a refresh that took long the next one waits so many times as long.
const REST: u32 = 20;

/// How tables are read.
#[derive(Debug, Clone)]
pub struct How {
    /// How databases are used.
    pub database: Use,
    /// Filters are pushed down.
    pub push_down: bool,
    /// The time.
    pub clock: Clock,
}

/// A table or view as a record type.
pub struct Table {
    mapping: Arc<Mapping>,
    spec: TableSpec,
    columns: Vec<Column>,
    /// Columns of the table in which it is looked which rows there are, where that is another one.
    index_columns: Option<Vec<Column>>,
    database: Database,
    holder: Holder,
    how: How,
    index: ArcSwap<Index>,
    refreshing: tokio::sync::Mutex<()>,
}

/// Why a table cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// What the database says.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The table is not what it was.
    #[error("table `{table}`: {what}")]
    Drift {
        /// The table.
        table: String,
        /// What is different.
        what: String,
    },
    /// The spool of the index.
    #[error("the index cannot be written: {0}")]
    Spool(String),
}

impl TableError {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Database(error) => error.word(),
            Self::Drift { .. } => "SCHEMA_DRIFT",
            Self::Spool(_) => "SOURCE_UNREADABLE",
        }
    }
}

impl Table {
    /// Opens what a mapping maps and reads every row of it once; from then on it is looked at again now and
    /// then, until it is dropped.
    ///
    /// # Errors
    /// Everything that is wrong with mapping, table and rows.
    pub async fn open(
        declared: &Declared,
        spec: TableSpec,
        holder: &Holder,
        how: How,
    ) -> Result<Arc<Self>, Problems> {
        let problem = |cause: Cause, key: &str, detail: String| {
            let problem = Problem::new(cause, &declared.path, detail);
            problem.at(spec.line).field(format!("`{key}`"))
        };
        let failed = |error: &DatabaseError| {
            let cause = match error {
                DatabaseError::Changed => Cause::Drift,
                _ => Cause::Database,
            };
            problem(cause, "table", format!("{}: {error}", error.word()))
        };
        let database = Database::open(&spec.database, how.database).await;
        let database = database.map_err(|error| match error {
            OpenError::Password(problem) => problem,
            OpenError::Database(error) => {
                problem(Cause::Database, "database", format!("{}: {error}", error.word()))
            }
        })?;
        let mut reading = database.read().await.map_err(|error| failed(&error))?;
        let there = reading.columns(&spec.name).await.map_err(|error| failed(&error))?;
        if there.is_empty() {
            let detail = format!("there is no table or view `{}`", spec.name);
            return Err(problem(Cause::Drift, "table", detail).into());
        }
        let columns = named(declared, &spec.name, &there)?;
        let index_columns = match &spec.index {
            None => None,
            Some(name) => {
                let there = reading.columns(name).await.map_err(|error| failed(&error))?;
                if there.is_empty() {
                    let detail = format!("there is no table or view `{name}`");
                    return Err(problem(Cause::Drift, "index_table", detail).into());
                }
                Some(named(declared, name, &there)?)
            }
        };
        let header = columns.iter().map(|column| column.name.clone()).collect();
        let mapping = Arc::new(declared.table(header, holder.environment)?);
        let reader = Reader {
            mapping: &mapping,
            table: spec.index.as_ref().unwrap_or(&spec.name),
            columns: index_columns.as_ref().unwrap_or(&columns),
            spec: &spec,
            holder,
        };
        let (index, _) = reader.index(&mut reading, true).await.map_err(|error| match error {
            IndexError::Database(error) => failed(&error).into(),
            IndexError::Rows(problems) => problems,
            IndexError::Spool(error) => Problem::new(
                Cause::FileUnreadable,
                &holder.spool_dir,
                format!("cannot spool: {error}"),
            )
            .into(),
        })?;
        drop(reading);
        tracing::info!(
            table = %spec.name,
            record_type = %mapping.record_type.name(),
            rows = index.spool.records(),
            milliseconds = index.took.as_millis(),
            "the table is read"
        );
        let table = Arc::new(Self {
            mapping,
            spec,
            columns,
            index_columns,
            database,
            holder: holder.clone(),
            how,
            index: ArcSwap::from_pointee(index),
            refreshing: tokio::sync::Mutex::default(),
        });
        tokio::spawn(keep_fresh(Arc::downgrade(&table)));
        Ok(table)
    }

    /// What the rows become.
    pub fn record_type(&self) -> &Arc<RecordType> {
        &self.mapping.record_type
    }

    /// How many rows there were when it was last looked at.
    pub fn records(&self) -> u64 {
        self.index.load().spool.records()
    }

    /// When the data were read, seconds since the epoch: now, unless the mapping says otherwise.
    pub fn data_as_of(&self) -> i64 {
        let now = self.how.clock.now().0.div_euclid(1000);
        match &self.mapping.as_of {
            ReadAt::Fixed(at) => *at,
            ReadAt::Column { .. } => self.index.load().latest.unwrap_or(now),
            ReadAt::Search | ReadAt::FileModified => now,
        }
    }

    /// Begins a consistent view, in which the table is what it was.
    ///
    /// # Errors
    /// What the database says, or what is different.
    pub async fn read(&self) -> Result<Reading, TableError> {
        let mut reading = self.database.read().await?;
        let there = reading.columns(&self.spec.name).await?;
        compare(&self.spec.name, &self.columns, &there)?;
        Ok(reading)
    }

    /// Looks for rows that appeared or vanished. Rows that cannot be converted, and rows that share an id,
    /// are left out, counted and logged. Searches that run keep the index they began with.
    ///
    /// # Errors
    /// What the database says, or what is different; then the index stays as it was.
    pub async fn refresh(&self) -> Result<(), TableError> {
        let _one_at_a_time = self.refreshing.lock().await;
        let mut reading = self.read().await?;
        let index = self.spec.index.as_ref().zip(self.index_columns.as_ref());
        if let Some((name, columns)) = index {
            compare(name, columns, &reading.columns(name).await?)?;
        }
        let (table, columns) = index.unwrap_or((&self.spec.name, &self.columns));
        let reader = Reader {
            mapping: &self.mapping,
            table,
            columns,
            spec: &self.spec,
            holder: &self.holder,
        };
        let mark = reader.mark(&mut reading).await?;
        if mark.is_some() && mark == self.index.load().mark {
            return Ok(());
        }
        let (index, left_out) = reader.index(&mut reading, false).await.map_err(|error| {
            match error {
                IndexError::Database(error) => TableError::Database(error),
                IndexError::Spool(error) => TableError::Spool(error.kind().to_string()),
                // None of these is told where rows are left out.
                IndexError::Rows(_) => TableError::Database(DatabaseError::Changed),
            }
        })?;
        self.warn_of(&left_out, "rows cannot be served until they are mended");
        self.index.store(Arc::new(index));
        Ok(())
    }

    fn warn_of(&self, left_out: &Tally, what: &str) {
        if left_out.total() > 0 {
            tracing::warn!(
                table = %self.spec.name,
                record_type = %self.mapping.record_type.name(),
                rows = left_out.total(),
                causes = %left_out,
                "{what}"
            );
        }
    }
}

/// Whether a table still has the columns that it had, of the types that they had.
fn compare(table: &TableName, columns: &[Column], there: &[Column]) -> Result<(), TableError> {
    let drift = |what: String| TableError::Drift { table: table.to_string(), what };
    if there.is_empty() {
        return Err(drift("is gone".into()));
    }
    for was in columns {
        let Some(is) = there.iter().find(|column| column.name == was.name) else {
            return Err(drift(format!("column `{}` is gone", was.name)));
        };
        if is.declared != was.declared || is.base != was.base {
            let (name, was, is) = (&was.name, &was.declared, &is.declared);
            return Err(drift(format!("column `{name}` was of type `{was}` and is of `{is}`")));
        }
    }
    Ok(())
}

/// The columns that the mapping names, each once, as the table has them.
fn named(
    declared: &Declared,
    table: &TableName,
    there: &[Column],
) -> Result<Vec<Column>, Problems> {
    let (mut columns, mut problems) = (Vec::<Column>::new(), Problems::default());
    for (at, name) in declared.columns() {
        if columns.iter().any(|column| column.name == name) {
            continue;
        }
        match there.iter().find(|column| column.name == name) {
            Some(column) => columns.push(column.clone()),
            None => {
                let detail = format!("table `{table}` has no such column");
                let problem = Problem::new(Cause::Drift, &declared.path, detail);
                problems.push(problem.at(declared.lines.line(at)).column(name));
            }
        }
    }
    problems.or(columns)
}

/// Looks at a table now and then, as long as somebody holds it.
async fn keep_fresh(table: Weak<Table>) {
    loop {
        let Some(held) = table.upgrade() else { return };
        let pause = held.spec.refresh.max(held.index.load().took * REST);
        drop(held);
        tokio::time::sleep(pause).await;
        let Some(held) = table.upgrade() else { return };
        if let Err(error) = held.refresh().await {
            tracing::warn!(
                reason = error.word(),
                record_type = %held.mapping.record_type.name(),
                "{error}; what was found before is searched on"
            );
        }
    }
}

#[cfg(test)]
pub mod testing {
    //! A hand on the database of a mapping, as a source has it.

    use std::path::Path;
    use std::time::Duration;

    use super::super::declared::Declared;
    use super::database::{Database, OpenError, Use};
    use super::spec::TableSpec;
    use super::sql::Statement;

    /// How the database goes about fetching rows by `count` keys, whose cells are numbers from 1 on.
    pub async fn plan(source: &super::super::CsvSource, count: usize) -> String {
        use super::key::{Cell, Key, Kind};
        use super::sql::Dialect;
        let Some(super::super::Held::Table(table)) = source.held().next() else {
            panic!("no table")
        };
        let dialect = table.database.dialect();
        let kind = |at: usize| match (dialect, at) {
            (Dialect::Sqlite, 0) => Kind::Integer,
            _ => Kind::Text,
        };
        let cell = |no: usize, at: usize| Cell { kind: kind(at), text: no.to_string() };
        let key = |no: usize| Key((0..table.mapping.id.len()).map(|at| cell(no, at)).collect());
        let keys: Vec<Key> = (1..=count).map(key).collect();
        let columns: Vec<_> = table.columns.iter().collect();
        let fetch = dialect.fetch(&table.spec.name, &columns, &table.key_columns(), &keys);
        let explain = match dialect {
            Dialect::Sqlite => "EXPLAIN QUERY PLAN ",
            Dialect::Postgres => "EXPLAIN ",
        };
        let statement =
            Statement { text: format!("{explain}{}", fetch.text), params: fetch.params };
        let rows = table.read().await.unwrap().rows(statement).await.unwrap();
        let line = |row: &super::key::Fetched| row.row.cells().collect::<Vec<_>>().join(" ");
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Tries a statement that writes; the word of what it got for it.
    pub async fn write(mapping: &Path, sql: &str) -> Result<(), &'static str> {
        let declared = Declared::read(mapping, None).unwrap();
        let spec = TableSpec::of(&declared).unwrap().unwrap();
        let how = Use { statement: Duration::from_secs(5), connections: 1 };
        let database = match Database::open(&spec.database, how).await {
            Ok(database) => database,
            Err(OpenError::Password(problem)) => panic!("{problem}"),
            Err(OpenError::Database(error)) => panic!("{error}"),
        };
        let mut reading = database.read().await.unwrap();
        let statement = Statement { text: sql.to_owned(), params: vec![] };
        reading.rows(statement).await.map(drop).map_err(|error| error.word())
    }
}
