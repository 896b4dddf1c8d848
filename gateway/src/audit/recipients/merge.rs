//! Merging in the background: a long tail becomes a run, and as many runs of one level as [`Tuning::fan`] says become
//! one of the next. Every step is a short transaction that the log's one writer does between two groups, so it neither
//! fights for the store nor holds anybody up for long. A run replaces what it merged in one transaction; pages that a
//! kill left behind belong to no run and are swept away.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::id::AgencyId;
use tokio::sync::{mpsc, oneshot};

use super::super::Shared;
use super::super::error::CommitError;
use super::super::seal::SealError;
use super::super::sequencer::Message;
use super::super::tree::leaf_hash;
use super::blob::{BlobKeys, Item};
use super::find::read_page;
use super::{IndexError, IndexKey};
use crate::store::{MergeStep, RunRow};

/// Pages written in one transaction.
const PAGES: usize = 8;
/// Rows of a tail in one round trip.
const ROWS: u32 = 512;
/// How long it rests, at most.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long it rests after the store refused.
const RETRY: Duration = Duration::from_secs(30);

/// When what is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// An originator's tail of so many entries becomes a run.
    pub tail_entries: u32,
    /// Or of so many records.
    pub tail_records: usize,
    /// Fingerprints in a page.
    pub page: usize,
    /// Runs of one level that become one of the next.
    pub fan: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { tail_entries: 4096, tail_records: 65_536, page: 4096, fan: 8 }
    }
}

/// A step for the log's writer, and what it came to.
pub(crate) type Order = (MergeStep, oneshot::Sender<Result<u64, CommitError>>);

/// Why a merge stops.
enum Stop {
    /// The log is closed, or the store refused.
    Log,
    Store(IndexError),
    /// An originator's part was altered: it is left as it is.
    Altered(AgencyId),
}

impl From<crate::store::StoreError> for Stop {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Store(error.into())
    }
}

/// The task. It holds no sender of its own, so that a log which nobody holds any more ends.
pub(crate) struct Merger {
    pub shared: Arc<Shared>,
    pub writer: mpsc::WeakSender<Message>,
    pub tuning: Tuning,
    /// Originators whose part was altered.
    pub altered: Vec<String>,
}

impl Merger {
    /// Until the log is closed.
    pub async fn run(mut self) {
        let closed = self.shared.closed.clone();
        loop {
            let done = closed.run_until_cancelled(self.tidy()).await;
            let rest = match done {
                None => return,
                Some(Ok(())) => LOOK_EVERY,
                // A store that is being closed refuses: nothing to tell anybody.
                Some(Err(_)) if closed.is_cancelled() => return,
                Some(Err(stop)) => self.note(stop),
            };
            tokio::select! {
                () = closed.cancelled() => return,
                () = self.shared.wake.notified(), if rest == LOOK_EVERY => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    fn note(&mut self, stop: Stop) -> Duration {
        match stop {
            Stop::Altered(agency) => {
                tracing::error!(
                    cause = "RECIPIENTS_ALTERED",
                    originator = agency.as_str(),
                    "the index of recipients was altered and is merged no further"
                );
                self.altered.push(agency.as_str().to_owned());
                Duration::ZERO
            }
            Stop::Store(error) => {
                tracing::error!(cause = error.word(), "the index of recipients cannot be merged");
                RETRY
            }
            Stop::Log => RETRY,
        }
    }

    /// Merges whatever is due.
    async fn tidy(&self) -> Result<(), Stop> {
        self.sweep().await?;
        let Tuning { tail_entries, tail_records, fan, .. } = self.tuning;
        loop {
            let mut tx = self.shared.store.read("plan_merge").await?;
            let (entries, records) = (u64::from(tail_entries), tail_records as u64);
            let tail = tx.full_tail(entries, records, &self.altered).await?;
            let runs = match tail {
                None => tx.runs_due(fan, &self.altered).await?,
                Some(_) => Vec::new(),
            };
            tx.rollback().await?;
            match tail {
                Some(agency) => self.take_tail(agency).await?,
                None if runs.len() > 1 => self.merge(&runs).await?,
                None => return Ok(()),
            }
            self.sweep().await?;
        }
    }

    /// Deletes what no run needs: what was merged, and what a kill left behind.
    async fn sweep(&self) -> Result<(), Stop> {
        loop {
            let mut tx = self.shared.store.read("plan_sweep").await?;
            let orphan = tx.orphaned_run().await?;
            tx.rollback().await?;
            let Some(run) = orphan else { return Ok(()) };
            while self.order(MergeStep::Sweep(run)).await? > 0 {}
        }
    }

    /// The oldest entries of a tail become a run of level 0.
    async fn take_tail(&self, agency: AgencyId) -> Result<(), Stop> {
        let key = self.key(&agency)?;
        let altered = || Stop::Altered(agency.clone());
        let (mut items, mut rows_taken, mut next) = (Vec::new(), 0, 0);
        let (mut first, mut last) = (None, 0);
        while rows_taken < self.tuning.tail_entries && items.len() < self.tuning.tail_records {
            let limit = ROWS.min(self.tuning.tail_entries - rows_taken);
            let mut tx = self.shared.store.read("read_tail").await?;
            let rows = tx.recipient_tail(&agency, next, limit).await?;
            tx.rollback().await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let leaf = leaf_hash(&row.leaf.ok_or_else(altered)?);
                let prints = key.0.open_tail(&leaf, &row.sealed).map_err(|_| altered())?;
                let index = row.index;
                items.extend(prints.into_iter().map(|print| Item { print, index }));
                (first, last) = (first.or(Some(index)), index);
                (next, rows_taken) = (index.saturating_add(1), rows_taken + 1);
            }
        }
        let Some(first) = first else { return Ok(()) };
        items.sort_unstable();
        let mut run = Run::begin(self, &key.0, agency.clone(), 0).await?;
        for item in items {
            run.push(item).await?;
        }
        run.publish((first, last), Vec::new(), Some(last)).await
    }

    /// Runs become one of the next level.
    async fn merge(&self, runs: &[RunRow]) -> Result<(), Stop> {
        let Some(one) = runs.first() else { return Ok(()) };
        let key = self.key(&one.agency)?;
        let mut run = Run::begin(self, &key.0, one.agency.clone(), one.level + 1).await?;
        let mut cursors: Vec<Cursor<'_>> = runs.iter().map(Cursor::new).collect();
        let mut heap = BinaryHeap::new();
        for (number, cursor) in cursors.iter_mut().enumerate() {
            if let Some(item) = cursor.next(self, &key).await? {
                heap.push(Reverse((item, number)));
            }
        }
        while let Some(Reverse((item, number))) = heap.pop() {
            run.push(item).await?;
            if let Some(cursor) = cursors.get_mut(number)
                && let Some(item) = cursor.next(self, &key).await?
            {
                heap.push(Reverse((item, number)));
            }
        }
        if run.records != runs.iter().map(|run| run.records).sum::<u64>() {
            return Err(Stop::Altered(one.agency.clone()));
        }
        let first = runs.iter().map(|run| run.first).min().unwrap_or_default();
        let last = runs.iter().map(|run| run.last).max().unwrap_or_default();
        run.publish((first, last), runs.iter().map(|run| run.id).collect(), None).await
    }

    fn key(&self, agency: &AgencyId) -> Result<IndexKey, Stop> {
        self.shared.keyring.key(agency).map_err(seal)
    }

    /// Has the log's writer do a step.
    async fn order(&self, step: MergeStep) -> Result<u64, Stop> {
        let writer = self.writer.upgrade().ok_or(Stop::Log)?;
        let (reply, answer) = oneshot::channel();
        writer.send(Message::Merge(Box::new((step, reply)))).await.map_err(|_| Stop::Log)?;
        drop(writer);
        answer.await.map_err(|_| Stop::Log)?.map_err(|_| Stop::Log)
    }
}

/// A run that is being read.
struct Cursor<'a> {
    run: &'a RunRow,
    page: u32,
    items: std::vec::IntoIter<Item>,
}

impl<'a> Cursor<'a> {
    fn new(run: &'a RunRow) -> Self {
        Self { run, page: 0, items: Vec::new().into_iter() }
    }

    async fn next(&mut self, merger: &Merger, key: &IndexKey) -> Result<Option<Item>, Stop> {
        loop {
            if let Some(item) = self.items.next() {
                return Ok(Some(item));
            }
            if self.page >= self.run.pages {
                return Ok(None);
            }
            // A view of its own for each page: runs do not change, and a long view keeps the store from tidying.
            let mut tx = merger.shared.store.read("read_run").await?;
            let items = read_page(&mut tx, &key.0, self.run, self.page).await;
            tx.rollback().await?;
            self.items = items.map_err(|error| self.stopped(error))?.into_iter();
            self.page += 1;
        }
    }

    fn stopped(&self, error: IndexError) -> Stop {
        match error {
            IndexError::Altered => Stop::Altered(self.run.agency.clone()),
            other => Stop::Store(other),
        }
    }
}

/// A run that is being written.
struct Run<'a> {
    merger: &'a Merger,
    keys: &'a BlobKeys,
    row: RunRow,
    records: u64,
    items: Vec<Item>,
    fences: Vec<u64>,
    /// Number of the first page that waits to be written, and the pages.
    waiting: (u32, Vec<Vec<u8>>),
}

impl<'a> Run<'a> {
    async fn begin(
        merger: &'a Merger,
        keys: &'a BlobKeys,
        agency: AgencyId,
        level: u32,
    ) -> Result<Self, Stop> {
        let id = merger.order(MergeStep::Begin).await?;
        let row = RunRow {
            id,
            agency,
            level,
            first: 0,
            last: 0,
            records: 0,
            pages: 0,
            fences: Vec::new(),
        };
        let (items, fences, waiting) = (Vec::new(), Vec::new(), (0, Vec::new()));
        Ok(Self { merger, keys, row, records: 0, items, fences, waiting })
    }

    async fn push(&mut self, item: Item) -> Result<(), Stop> {
        self.items.push(item);
        self.records += 1;
        if self.items.len() >= self.merger.tuning.page {
            self.end_page().map_err(seal)?;
        }
        if self.waiting.1.len() >= PAGES {
            let (from, pages) = std::mem::take(&mut self.waiting);
            self.waiting.0 = self.row.pages;
            self.merger.order(MergeStep::Pages(self.row.id, from, pages)).await?;
        }
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), SealError> {
        let Some(first) = self.items.first() else { return Ok(()) };
        self.fences.push(first.print);
        let page = self.keys.seal_page(self.row.id, self.row.pages, &self.items)?;
        self.waiting.1.push(page);
        self.row.pages += 1;
        self.items.clear();
        Ok(())
    }

    async fn publish(
        mut self,
        (first, last): (u64, u64),
        merged: Vec<u64>,
        tail: Option<u64>,
    ) -> Result<(), Stop> {
        self.end_page().map_err(seal)?;
        (self.row.first, self.row.last, self.row.records) = (first, last, self.records);
        self.row.fences = self.keys.seal_fences(&self.row, &self.fences).map_err(seal)?;
        let step = MergeStep::Publish { run: self.row, pages: self.waiting, merged, tail };
        self.merger.order(step).await.map(|_| ())
    }
}

fn seal(error: SealError) -> Stop {
    Stop::Store(error.into())
}
