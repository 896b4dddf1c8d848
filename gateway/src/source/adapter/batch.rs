//! Records to the messages of an answer: batches of about the size the gateway prefers, and the end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use portcullis_proto::source::v1 as wire;

use super::search::Counters;

/// Batch size where the gateway prefers none.
const USUAL_BATCH: usize = 64 << 10;
/// Batch sizes are kept within these.
const BATCH_RANGE: (usize, usize) = (1 << 10, 1 << 20);
/// What a record costs beside its payload: id, handling, framing.
const OVERHEAD: usize = 96;

/// The batch that is being filled, and what was sent before it.
pub struct Batches {
    records: Vec<wire::SourceRecord>,
    bytes: usize,
    batch_bytes: usize,
    first_at_most: usize,
    sent: u64,
    counters: Arc<Counters>,
}

impl Batches {
    /// As a search asks for them.
    pub fn new(request: &wire::SearchRequest, counters: Arc<Counters>) -> Self {
        let preferred = usize::try_from(request.batch_bytes).unwrap_or(USUAL_BATCH);
        let preferred = if preferred == 0 { USUAL_BATCH } else { preferred };
        let at_most = usize::try_from(request.at_most).unwrap_or(usize::MAX);
        Self {
            records: vec![],
            bytes: 0,
            batch_bytes: preferred.clamp(BATCH_RANGE.0, BATCH_RANGE.1),
            first_at_most: if at_most == 0 { usize::MAX } else { at_most },
            sent: 0,
            counters,
        }
    }

    /// How many records the first batch will hardly exceed; none once it is out.
    pub fn first_at_most(&self) -> Option<usize> {
        (self.first_at_most < usize::MAX).then_some(self.first_at_most)
    }

    /// Adds a record. True: the batch is full.
    pub fn push(&mut self, record: wire::SourceRecord) -> bool {
        self.bytes += record.payload.len() + OVERHEAD;
        self.records.push(record);
        self.bytes >= self.batch_bytes || self.records.len() >= self.first_at_most
    }

    /// A batch without records.
    pub fn sign_of_life() -> wire::SearchResponse {
        let batch = wire::SourceBatch { records: vec![], applied_plan: bytes::Bytes::new() };
        wire::SearchResponse { message: Some(wire::search_response::Message::Batch(batch)) }
    }

    /// Nothing to send?
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The batch as a message; a new one begins.
    pub fn take(&mut self) -> wire::SearchResponse {
        let records = std::mem::take(&mut self.records);
        self.bytes = 0;
        if !records.is_empty() {
            self.first_at_most = usize::MAX;
        }
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.sent += count;
        self.counters.records.fetch_add(count, Ordering::Relaxed);
        let batch = wire::SourceBatch { records, applied_plan: bytes::Bytes::new() };
        wire::SearchResponse { message: Some(wire::search_response::Message::Batch(batch)) }
    }

    /// The end of the answer.
    pub fn end(&self, data_as_of: i64) -> wire::SearchResponse {
        let data_as_of = prost_types::Timestamp { seconds: data_as_of, nanos: 0 };
        let end = wire::SearchEnd { records: self.sent, data_as_of: Some(data_as_of) };
        wire::SearchResponse { message: Some(wire::search_response::Message::End(end)) }
    }
}
