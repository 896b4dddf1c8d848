//! The side index of a table: opaque id to key, in the order of opaque ids, and what was seen in the columns.
//! It is built by converting every row once, as for files, but of the record nothing is kept.
//!
//! It lies in a nameless file like a spool of records: the keys are the agency's own ids, so nothing of them
//! should outlive the process, and at a start every row is checked anyway, so keeping it would save nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::compile::Mapping;
use super::super::handling::RowHandling;
use super::super::load::Holder;
use super::super::pass::Pass;
use super::super::problem::{Cause, Problem, Problems};
use super::super::spool::{Spool, Spooling};
use super::column::{Column, Seen};
use super::database::{DatabaseError, Reading};
use super::key::Fetched;
use super::spec::{TableName, TableSpec};

/// Rows read and converted at a time.
const AT_ONCE: usize = 2000;
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// The side index.
pub struct Index {
    /// Keys in the order of opaque ids.
    pub spool: Spool,
    /// What was seen in the columns.
    pub seen: Vec<Seen>,
    /// The latest moment of the column that `data_as_of` names.
    pub latest: Option<i64>,
    /// Rows and greatest value of the watermark column, where one is named.
    pub mark: Option<Mark>,
    /// How long it took.
    pub took: Duration,
}

/// Rows and greatest value of the watermark column. It cannot be printed: that is a value.
#[derive(Clone, PartialEq)]
pub struct Mark(Vec<Option<String>>);

/// What a table is read with.
pub struct Reader<'a> {
    /// Its mapping.
    pub mapping: &'a Arc<Mapping>,
    /// Where it is looked which rows there are.
    pub table: &'a TableName,
    /// The columns of that, in the mapping's order.
    pub columns: &'a [Column],
    /// How it is reached.
    pub spec: &'a TableSpec,
    /// Whose data they are.
    pub holder: &'a Holder,
}

/// Why there is no index.
pub enum IndexError {
    /// What the database says.
    Database(DatabaseError),
    /// What is wrong with the rows.
    Rows(Problems),
    /// The folder of the spool.
    Spool(io::Error),
}

impl From<DatabaseError> for IndexError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

/// Rows that were left out, by cause.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Counts rows.
    pub fn add(&mut self, cause: Cause, rows: u64) {
        if rows > 0 {
            *self.0.entry(cause.word()).or_default() += rows;
        }
    }

    /// Counts the rows of another one.
    pub fn extend(&mut self, other: Self) {
        for (cause, rows) in other.0 {
            *self.0.entry(cause).or_default() += rows;
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (cause, rows)) in self.0.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{cause} {rows}")?;
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// The watermark, if the mapping names a column for it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn mark(&self, reading: &mut Reading) -> Result<Option<Mark>, DatabaseError> {
        let column = self.spec.watermark.as_ref();
        let column = column.and_then(|name| self.columns.iter().find(|one| one.name == *name));
        let Some(column) = column else { return Ok(None) };
        let dialect = reading.dialect();
        let rows = reading.rows(dialect.watermark(self.table, column)).await?;
        let cells = |fetched: &Fetched| {
            let cell = |at: usize| fetched.row.cell(at).map(str::to_owned);
            (0..fetched.row.len()).map(cell).collect()
        };
        Ok(rows.first().map(|row| Mark(cells(row))))
    }

    /// Reads every row. `strict`: what is wrong with any of them is an error; otherwise those are left out.
    ///
    /// # Errors
    /// See [`IndexError`].
    pub async fn index(
        &self,
        reading: &mut Reading,
        strict: bool,
    ) -> Result<(Index, Tally), IndexError> {
        let begun = Instant::now();
        let mark = self.mark(reading).await?;
        let mut building = Building {
            pass: Pass::new(self.mapping.clone(), self.holder.id_key.clone()),
            spooling: Spooling::new(&self.holder.spool_dir).map_err(IndexError::Spool)?,
            seen: vec![Seen::default(); self.columns.len()],
            mapping: self.mapping.clone(),
            strict,
            tally: Tally::default(),
            rows: 0,
            key: vec![],
        };
        let columns: Vec<&Column> = self.columns.iter().collect();
        let dialect = reading.dialect();
        let mut scan = reading.scan(dialect.select(self.table, &columns)).await?;
        let mut told = begun;
        loop {
            let rows = scan.next(AT_ONCE).await?;
            if rows.is_empty() {
                break;
            }
            let work = tokio::task::spawn_blocking(move || {
                let done = building.take(rows);
                (building, done)
            });
            let (back, done) = work.await.map_err(|_| interrupted())?;
            building = back;
            done.map_err(IndexError::Spool)?;
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                self.tell(building.rows, begun);
            }
        }
        let folder = self.holder.spool_dir.clone();
        let finished = tokio::task::spawn_blocking(move || building.finish(&folder));
        let (spool, seen, latest, tally) = finished.await.map_err(|_| interrupted())??;
        Ok((Index { spool, seen, latest, mark, took: begun.elapsed() }, tally))
    }

    fn tell(&self, rows: u64, begun: Instant) {
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = rows as f64 / begun.elapsed().as_secs_f64().max(0.001);
        tracing::info!(
            table = %self.spec.name,
            record_type = %self.mapping.record_type.name(),
            rows,
            rows_per_second = rate.round(),
            "reading the table"
        );
    }
}

fn interrupted() -> IndexError {
    IndexError::Spool(io::ErrorKind::Interrupted.into())
}

struct Building {
    pass: Pass,
    spooling: Spooling,
    seen: Vec<Seen>,
    mapping: Arc<Mapping>,
    strict: bool,
    tally: Tally,
    rows: u64,
    key: Vec<u8>,
}

type Finished = (Spool, Vec<Seen>, Option<i64>, Tally);

impl Building {
    fn take(&mut self, rows: Vec<Fetched>) -> io::Result<()> {
        for mut fetched in rows {
            self.rows += 1;
            fetched.row.line = self.rows;
            for (at, seen) in self.seen.iter_mut().enumerate() {
                if let (Some(kind), Some(cell)) = (fetched.kinds.get(at), fetched.row.cell(at)) {
                    seen.note(*kind, cell);
                }
            }
            match self.pass.convert(&self.mapping.path, &fetched.row) {
                Some(converted) => {
                    self.key.clear();
                    fetched.key(&self.mapping.id).write(&mut self.key);
                    let nothing = RowHandling { class: 0, delete_by: None, version: 0 };
                    self.spooling.push(converted.id, nothing, &self.key, (0, self.rows))?;
                }
                None if !self.strict => self.tally.take(&mut self.pass.problems),
                None => {}
            }
        }
        Ok(())
    }

    fn finish(mut self, folder: &Path) -> Result<Finished, IndexError> {
        if self.strict {
            std::mem::take(&mut self.pass.problems).or(()).map_err(IndexError::Rows)?;
        } else {
            self.tally.add(Cause::Duplicate, self.spooling.drop_duplicates());
        }
        let spool = self.spooling.finish(folder).map_err(IndexError::Spool)?;
        let spool = spool.map_err(|duplicates| {
            let mut problems = Problems::default();
            for duplicate in duplicates {
                let detail = format!("same id as row {}", duplicate.first.1);
                let problem = Problem::new(Cause::Duplicate, &self.mapping.path, detail);
                let problem = problem.row(duplicate.second.1.into());
                problems.push(problem.column(self.mapping.id_columns()));
            }
            IndexError::Rows(problems)
        })?;
        Ok((spool, self.seen, self.pass.latest, self.tally))
    }
}

impl Tally {
    /// Counts the row that these problems are of, and forgets them.
    pub fn take(&mut self, problems: &mut Problems) {
        if let Some(problem) = std::mem::take(problems).listed().first() {
            self.add(problem.cause, 1);
        }
    }
}
