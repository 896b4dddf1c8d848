//! One search: blocks of the spool in order, filtered, cut into batches. File reads run off the async threads
//! in chunks; a full channel holds the scan back, a client that goes away ends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use portcullis_proto::source::v1 as wire;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;
use tonic::Status;

use super::load::Held;
use super::refusal::SourceRefusal;
use super::select::Selector;
use super::spool::{self, Stored};

/// Batch size where the gateway prefers none.
const USUAL_BATCH: usize = 64 << 10;
/// Batch sizes are kept within these.
const BATCH_RANGE: (usize, usize) = (1 << 10, 1 << 20);
/// A search that has found nothing for so long says that it goes on.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// Blocks read at a time before looking whether anybody still listens.
const BLOCKS_AT_ONCE: usize = 4;
/// What a record costs beside its payload: id, handling, framing.
const OVERHEAD: usize = 96;

/// What a source has done so far; for metrics and tests.
#[derive(Debug, Default)]
pub struct Counters {
    /// Searches begun.
    pub searches: AtomicU64,
    /// Blocks of the spool read.
    pub blocks: AtomicU64,
    /// Records sent.
    pub records: AtomicU64,
    /// Searches that ended because nobody listened any more.
    pub cancelled: AtomicU64,
}

/// Where a search stands.
pub struct Scan {
    held: Arc<Held>,
    selector: Selector,
    after: Vec<u8>,
    only: Option<Only>,
    next_block: usize,
    block: Bytes,
    batch_bytes: usize,
    first_at_most: usize,
    sent: u64,
    counters: Arc<Counters>,
}

/// The records that are named one by one, and the blocks that can hold them.
struct Only {
    ids: Vec<Bytes>,
    blocks: std::vec::IntoIter<usize>,
}

enum Found {
    Batch(Vec<wire::SourceRecord>),
    Nothing,
    End(Vec<wire::SourceRecord>),
}

impl Scan {
    /// Begins behind an opaque id.
    pub fn new(
        held: Arc<Held>,
        selector: Selector,
        request: &wire::SearchRequest,
        counters: Arc<Counters>,
    ) -> Self {
        let preferred = usize::try_from(request.batch_bytes).unwrap_or(USUAL_BATCH);
        let preferred = if preferred == 0 { USUAL_BATCH } else { preferred };
        let at_most = usize::try_from(request.at_most).unwrap_or(usize::MAX);
        let only = request.only.as_ref().map(|only| {
            let ids = only.opaque_ids.clone();
            let behind = ids.iter().filter(|id| **id > request.after);
            let mut blocks: Vec<_> = behind.map(|id| held.spool.block_of(id)).collect();
            blocks.dedup();
            Only { ids, blocks: blocks.into_iter() }
        });
        Self {
            only,
            next_block: held.spool.block_behind(&request.after),
            block: Bytes::new(),
            after: request.after.to_vec(),
            batch_bytes: preferred.clamp(BATCH_RANGE.0, BATCH_RANGE.1),
            first_at_most: if at_most == 0 { usize::MAX } else { at_most },
            sent: 0,
            held,
            selector,
            counters,
        }
    }

    /// Runs to the end, or until nobody listens.
    pub async fn run(mut self, to: Sender<Result<wire::SearchResponse, Status>>) {
        let mut told = Instant::now();
        loop {
            let chunk = tokio::task::spawn_blocking(move || {
                let found = self.chunk();
                (self, found)
            });
            let (scan, found) = match chunk.await {
                Ok((scan, Ok(found))) => (scan, found),
                Ok((_, Err(refusal))) => return drop(to.send(Err(refusal.into())).await),
                Err(_) => return drop(to.send(Err(SourceRefusal::Unreadable.into())).await),
            };
            self = scan;
            let (records, last) = match found {
                Found::Nothing => (vec![], false),
                Found::Batch(records) => (records, false),
                Found::End(records) => (records, true),
            };
            let mut listened = !to.is_closed();
            // A long scan that finds nothing is no silence: an empty batch says that it goes on.
            if listened && (!records.is_empty() || told.elapsed() >= SIGN_OF_LIFE) {
                told = Instant::now();
                listened = to.send(Ok(self.batch(records))).await.is_ok();
            }
            if !listened {
                self.counters.cancelled.fetch_add(1, Ordering::Relaxed);
                return;
            }
            if last {
                return drop(to.send(Ok(self.end())).await);
            }
        }
    }

    /// Scans until a batch is full, the records end, or enough was read for one go.
    fn chunk(&mut self) -> Result<Found, SourceRefusal> {
        let (mut records, mut bytes) = (vec![], 0);
        for _ in 0..BLOCKS_AT_ONCE {
            while let Some(stored) = spool::take(&mut self.block) {
                if stored.id.as_slice() <= self.after.as_slice()
                    || !self.named(&stored)
                    || !self.matches(&stored)?
                {
                    continue;
                }
                bytes += stored.payload.len() + OVERHEAD;
                records.push(self.record(stored)?);
                if bytes >= self.batch_bytes || records.len() >= self.first_at_most {
                    self.first_at_most = usize::MAX;
                    return Ok(Found::Batch(records));
                }
            }
            if !self.block.is_empty() {
                return Err(SourceRefusal::Unreadable);
            }
            let Some(next) = self.next_block() else { return Ok(Found::End(records)) };
            let read = self.held.spool.read(next);
            match read.map_err(|_| SourceRefusal::Unreadable)? {
                Some(block) => self.block = block,
                None => return Ok(Found::End(records)),
            }
            self.counters.blocks.fetch_add(1, Ordering::Relaxed);
        }
        Ok(if records.is_empty() { Found::Nothing } else { Found::Batch(records) })
    }

    /// The next block to read; none: no other can hold what is wanted.
    fn next_block(&mut self) -> Option<usize> {
        match &mut self.only {
            Some(only) => only.blocks.next(),
            None => {
                let next = self.next_block;
                self.next_block += 1;
                Some(next)
            }
        }
    }

    fn named(&self, stored: &Stored) -> bool {
        let named = |id: &Bytes| id.as_ref().cmp(stored.id.as_slice());
        self.only.as_ref().is_none_or(|only| only.ids.binary_search_by(named).is_ok())
    }

    fn matches(&self, stored: &Stored) -> Result<bool, SourceRefusal> {
        self.selector.matches(&stored.payload)
    }

    fn record(&self, stored: Stored) -> Result<wire::SourceRecord, SourceRefusal> {
        let class = usize::try_from(stored.handling.class).ok();
        let class = class.and_then(|class| self.held.handlings.get(class));
        let mut handling = class.ok_or(SourceRefusal::Unreadable)?.clone();
        handling.version = stored.handling.version;
        handling.delete_by =
            stored.handling.delete_by.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
        Ok(wire::SourceRecord {
            opaque_id: Bytes::copy_from_slice(&stored.id),
            handling: Some(handling),
            payload: stored.payload,
        })
    }

    fn batch(&mut self, records: Vec<wire::SourceRecord>) -> wire::SearchResponse {
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.sent += count;
        self.counters.records.fetch_add(count, Ordering::Relaxed);
        let batch = wire::SourceBatch { records, applied_plan: Bytes::new() };
        wire::SearchResponse { message: Some(wire::search_response::Message::Batch(batch)) }
    }

    fn end(&self) -> wire::SearchResponse {
        let data_as_of = prost_types::Timestamp { seconds: self.held.data_as_of, nanos: 0 };
        let end = wire::SearchEnd { records: self.sent, data_as_of: Some(data_as_of) };
        wire::SearchResponse { message: Some(wire::search_response::Message::End(end)) }
    }
}
