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

use super::batch::Batches;
use super::load::Loaded;
use super::refusal::SourceRefusal;
use super::select::Selector;
use super::spool::Stored;
use super::walk::Walk;

/// A search that has found nothing for so long says that it goes on.
pub const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// Blocks read at a time before looking whether anybody still listens.
const BLOCKS_AT_ONCE: usize = 4;

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
    /// Rows of tables that were left out of an answer because they cannot be converted.
    pub dropped: AtomicU64,
    /// Rows that databases were asked for.
    pub fetched: AtomicU64,
}

/// Where a search stands.
pub struct Scan {
    held: Arc<Loaded>,
    selector: Selector,
    walk: Walk,
    batches: Batches,
    counters: Arc<Counters>,
}

enum Found {
    /// A batch, or nothing so far.
    More,
    /// All of it.
    End,
}

impl Scan {
    /// Begins behind an opaque id.
    pub fn new(
        held: Arc<Loaded>,
        selector: Selector,
        request: &wire::SearchRequest,
        counters: Arc<Counters>,
    ) -> Self {
        let only = request.only.as_ref().map(|only| only.opaque_ids.clone());
        let walk = Walk::new(held.spool.clone(), &request.after, only);
        let batches = Batches::new(request, counters.clone());
        Self { held, selector, walk, batches, counters }
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
            let mut listened = !to.is_closed();
            // A long scan that finds nothing is no silence: an empty batch says that it goes on.
            if listened && (!self.batches.is_empty() || told.elapsed() >= SIGN_OF_LIFE) {
                told = Instant::now();
                listened = to.send(Ok(self.batches.take())).await.is_ok();
            }
            if !listened {
                self.counters.cancelled.fetch_add(1, Ordering::Relaxed);
                return;
            }
            if matches!(found, Found::End) {
                return drop(to.send(Ok(self.batches.end(self.held.data_as_of))).await);
            }
        }
    }

    /// Scans until a batch is full, the records end, or enough was read for one go.
    fn chunk(&mut self) -> Result<Found, SourceRefusal> {
        for _ in 0..BLOCKS_AT_ONCE {
            while let Some(stored) = self.walk.take() {
                if self.matches(&stored)? {
                    let record = self.record(stored)?;
                    if self.batches.push(record) {
                        return Ok(Found::More);
                    }
                }
            }
            if !self.walk.advance().map_err(|_| SourceRefusal::Unreadable)? {
                return Ok(Found::End);
            }
            self.counters.blocks.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Found::More)
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
}
