//! One search of a table: keys from the side index in the order of opaque ids, rows by their keys, converted
//! and filtered on the bytes. What the filter surely implies is asked of the database: once, for the ids of
//! the rows that can match, so that only those are fetched; and again with every fetch.
//!
//! Each step is a transaction of its own, so that a slow reader holds no snapshot of the agency's database. A
//! search keeps the index it began with: rows that appeared since are not in it and cannot come out of order;
//! rows that vanished since are not found by their keys, and nothing is said of them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use portcullis_proto::source::v1 as wire;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;
use tonic::Status;

use super::super::batch::Batches;
use super::super::pass::{Converted, Pass};
use super::super::problem::Cause;
use super::super::refusal::SourceRefusal;
use super::super::search::{Counters, SIGN_OF_LIFE};
use super::super::select::Selector;
use super::super::spool::OpaqueId;
use super::super::walk::Walk;
use super::Table;
use super::column::Column;
use super::database::Reading;
use super::index::{Index, Tally};
use super::key::{Fetched, Key};
use super::push::{Condition, Pusher};

/// Rows that can match are listed by id up to so many; of more, every row of the index is looked at.
const MOST_CANDIDATES: usize = 1 << 16;
/// Rows fetched at a time: at first, so that an answer begins soon, and at most.
const FETCH: (usize, usize) = (128, 1024);
/// Most values that the keys of one fetch are made of.
const MOST_KEY_CELLS: usize = 16_000;

/// Where a search of a table stands.
pub struct TableSearch {
    table: Arc<Table>,
    index: Arc<Index>,
    selector: Arc<Selector>,
    condition: Option<Condition>,
    after: Bytes,
    only: Option<Vec<Bytes>>,
    batches: Batches,
    data_as_of: i64,
    left_out: Tally,
    counters: Arc<Counters>,
    /// The view that the search began with, up to its first fetch.
    begun: Option<Reading>,
}

/// An entry of the index that is wanted.
type Entry = (OpaqueId, Key);

impl TableSearch {
    /// Begins a search behind an opaque id.
    ///
    /// # Errors
    /// The table is not what it was, or cannot be read.
    pub async fn begin(
        table: Arc<Table>,
        selector: Selector,
        request: &wire::SearchRequest,
        counters: Arc<Counters>,
    ) -> Result<Self, SourceRefusal> {
        let begun = Some(table.read().await?);
        let index = table.index.load_full();
        let pusher = Pusher {
            mapping: &table.mapping,
            columns: &table.columns,
            seen: &index.seen,
            dialect: table.database.dialect(),
            utf8: table.database.is_utf8(),
        };
        let filter = selector.filter().filter(|_| table.how.push_down);
        let condition = filter.and_then(|filter| pusher.push(filter));
        Ok(Self {
            condition,
            after: request.after.clone(),
            only: request.only.as_ref().map(|only| only.opaque_ids.clone()),
            batches: Batches::new(request, counters.clone()),
            data_as_of: table.data_as_of(),
            left_out: Tally::default(),
            selector: Arc::new(selector),
            table,
            index,
            counters,
            begun,
        })
    }

    /// Runs to the end, or until nobody listens.
    pub async fn run(mut self, to: Sender<Result<wire::SearchResponse, Status>>) {
        let answered = tokio::select! {
            answered = self.answer(&to) => answered,
            () = to.closed() => Ok(false),
        };
        match answered {
            Ok(true) => {}
            Ok(false) => {
                self.counters.cancelled.fetch_add(1, Ordering::Relaxed);
            }
            Err(refusal) => {
                let name = self.table.mapping.record_type.name().as_str();
                tracing::warn!(record_type = name, reason = refusal.word(), "{refusal}");
                drop(to.send(Err(refusal.into())).await);
            }
        }
        self.counters.dropped.fetch_add(self.left_out.total(), Ordering::Relaxed);
        self.table.warn_of(&self.left_out, "rows could not be converted and were left out");
    }

    /// False: nobody listens any more.
    async fn answer(
        &mut self,
        to: &Sender<Result<wire::SearchResponse, Status>>,
    ) -> Result<bool, SourceRefusal> {
        if self.only.is_none() {
            self.only = alive(to, self.candidates()).await?;
        }
        let mut walk = Walk::new(self.index.spool.clone(), &self.after, self.only.clone());
        let (least, most) = FETCH;
        let most = most.min(MOST_KEY_CELLS / self.table.mapping.id.len().max(1)).max(1);
        let mut size = self.batches.first_at_most().unwrap_or(least).clamp(16, least).min(most);
        let mut told = Instant::now();
        loop {
            let wanted;
            (walk, wanted) = next(walk, size).await?;
            if wanted.is_empty() {
                break;
            }
            for record in alive(to, self.fetch(wanted)).await? {
                if self.batches.push(record) {
                    told = Instant::now();
                    if to.send(Ok(self.batches.take())).await.is_err() {
                        return Ok(false);
                    }
                }
            }
            // A long scan that finds nothing is no silence: an empty batch says that it goes on.
            if !self.batches.is_empty() || told.elapsed() >= SIGN_OF_LIFE {
                told = Instant::now();
                if to.send(Ok(self.batches.take())).await.is_err() {
                    return Ok(false);
                }
            }
            size = (size * 2).min(most);
        }
        Ok(to.send(Ok(self.batches.end(self.data_as_of))).await.is_ok())
    }

    /// The ids of the rows that can match, ascending; none: too many, or nothing to tell them by.
    async fn candidates(&mut self) -> Result<Option<Vec<Bytes>>, SourceRefusal> {
        let condition = match &self.condition {
            None => return Ok(None),
            Some(Condition::Never) => return Ok(Some(vec![])),
            Some(condition) => condition,
        };
        let table = &self.table;
        let dialect = table.database.dialect();
        let mut statement = dialect.select(&table.spec.name, &table.key_columns());
        statement.push(" WHERE ");
        statement.condition(dialect, &table.columns, condition);
        statement.push(&format!(" LIMIT {}", MOST_CANDIDATES + 1));
        let mut reading = match self.begun.take() {
            Some(begun) => begun,
            None => table.read().await?,
        };
        let rows = reading.rows(statement).await?;
        self.begun = Some(reading);
        if rows.len() > MOST_CANDIDATES {
            return Ok(None);
        }
        let name = table.mapping.record_type.name().as_str();
        let opaque = |fetched: &Fetched| {
            let cells = (0..fetched.row.len()).map(|at| fetched.row.cell(at).unwrap_or_default());
            Bytes::copy_from_slice(&table.holder.id_key.opaque(name, cells.map(str::trim)))
        };
        let mut ids: Vec<Bytes> = rows.iter().map(opaque).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(Some(ids))
    }

    /// The records of some entries, in their order.
    async fn fetch(
        &mut self,
        wanted: Vec<Entry>,
    ) -> Result<Vec<wire::SourceRecord>, SourceRefusal> {
        let table = &self.table;
        let dialect = table.database.dialect();
        let columns: Vec<&Column> = table.columns.iter().collect();
        let (ids, keys): (Vec<OpaqueId>, Vec<Key>) = wanted.into_iter().unzip();
        let mut statement = dialect.fetch(&table.spec.name, &columns, &table.key_columns(), &keys);
        if let Some(condition) = &self.condition {
            statement.push(" AND ");
            statement.condition(dialect, &table.columns, condition);
        }
        let mut reading = match self.begun.take() {
            Some(begun) => begun,
            None => table.read().await?,
        };
        let rows = reading.rows(statement).await?;
        drop(reading);
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        self.counters.fetched.fetch_add(count, Ordering::Relaxed);
        let (table, selector) = (self.table.clone(), self.selector.clone());
        let data_as_of = self.data_as_of;
        let work =
            tokio::task::spawn_blocking(move || convert(&table, &selector, data_as_of, &ids, rows));
        let (records, left_out) = work.await.map_err(|_| SourceRefusal::Unreadable)??;
        self.left_out.extend(left_out);
        Ok(records)
    }
}

impl Table {
    pub(super) fn key_columns(&self) -> Vec<&Column> {
        self.mapping.id.iter().filter_map(|at| self.columns.get(*at)).collect()
    }
}

/// A database that takes its time is no silence: empty batches say that it goes on.
async fn alive<T>(
    to: &Sender<Result<wire::SearchResponse, Status>>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(SIGN_OF_LIFE) => {
                // Whether anybody listens is looked at elsewhere.
                let _ = to.try_send(Ok(Batches::sign_of_life()));
            }
        }
    }
}

/// Takes the next wanted entries, off the async threads.
async fn next(mut walk: Walk, size: usize) -> Result<(Walk, Vec<Entry>), SourceRefusal> {
    let work = tokio::task::spawn_blocking(move || {
        let mut entries = vec![];
        while entries.len() < size {
            match walk.take() {
                Some(stored) => {
                    let key = Key::read(&stored.payload).ok_or(SourceRefusal::Unreadable)?;
                    entries.push((stored.id, key));
                }
                None if walk.advance().map_err(|_| SourceRefusal::Unreadable)? => {}
                None => break,
            }
        }
        Ok((walk, entries))
    });
    work.await.map_err(|_| SourceRefusal::Unreadable)?
}

/// Rows to records, in the order of the ids that were asked for. A row with another id is not one of them (a
/// collation can take two keys for one); of two rows with one id neither is given.
fn convert(
    table: &Table,
    selector: &Selector,
    data_as_of: i64,
    ids: &[OpaqueId],
    rows: Vec<Fetched>,
) -> Result<(Vec<wire::SourceRecord>, Tally), SourceRefusal> {
    let mut pass = Pass::new(table.mapping.clone(), table.holder.id_key.clone());
    let mut found: HashMap<OpaqueId, Vec<Fetched>> = HashMap::with_capacity(rows.len());
    for fetched in rows {
        if let Some(id) = pass.opaque(&fetched.row)
            && ids.binary_search(&id).is_ok()
        {
            found.entry(id).or_default().push(fetched);
        }
    }
    let (mut records, mut left_out) = (vec![], Tally::default());
    for id in ids {
        let fetched = match found.remove(id) {
            None => continue,
            Some(rows) => match <[Fetched; 1]>::try_from(rows) {
                Ok([fetched]) => fetched,
                Err(rows) => {
                    let rows = u64::try_from(rows.len()).unwrap_or(u64::MAX);
                    left_out.add(Cause::Duplicate, rows);
                    continue;
                }
            },
        };
        let Some(converted) = pass.convert(&table.mapping.path, &fetched.row) else {
            left_out.take(&mut pass.problems);
            continue;
        };
        if selector.matches(&pass.payload)? {
            records.push((converted, Bytes::copy_from_slice(&pass.payload)));
        }
    }
    let holder = &table.holder;
    let handlings = pass.classes.to_wire(holder.agency.as_str(), holder.environment, data_as_of);
    let record = |(Converted { id, handling }, payload): (Converted, Bytes)| {
        let class = usize::try_from(handling.class).ok();
        let class = class.and_then(|class| handlings.get(class));
        let mut wire_handling = class.ok_or(SourceRefusal::Unreadable)?.clone();
        wire_handling.version = handling.version;
        wire_handling.delete_by =
            handling.delete_by.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
        Ok(wire::SourceRecord {
            opaque_id: Bytes::copy_from_slice(&id),
            handling: Some(wire_handling),
            payload,
        })
    };
    let records: Result<Vec<_>, SourceRefusal> = records.into_iter().map(record).collect();
    Ok((records?, left_out))
}
