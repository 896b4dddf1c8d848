//! What the source sends, encoded once: batches of records with their handling, and the end.

use bytes::Bytes;
use portcullis_proto::handling::v1::{Environment, Handling, Tlp};
use portcullis_proto::source::v1::search_response::Message as Part;
use portcullis_proto::source::v1::{SearchEnd, SearchResponse, SourceBatch, SourceRecord};
use prost::Message as _;

use super::world::SOURCE;
use crate::record;

/// Payload bytes of a batch, as the gateway asks for.
pub const BATCH_BYTES: usize = 64 * 1024;
/// Most records of an answer.
pub const MOST: u32 = 1000;

/// Answers by their number of records.
pub struct Prepared {
    records: Vec<SourceRecord>,
    many: Vec<Bytes>,
    one: Vec<Bytes>,
}

impl Prepared {
    /// Encodes everything.
    pub fn new() -> Self {
        let records: Vec<_> = (0..u64::from(MOST)).map(source_record).collect();
        Self { many: messages(&records), one: messages(&records[..1]), records }
    }

    /// The messages of an answer of so many records.
    pub fn answer(&self, records: u32) -> Vec<Bytes> {
        match records {
            1 => self.one.clone(),
            MOST => self.many.clone(),
            other => messages(&self.records[..other.min(MOST) as usize]),
        }
    }
}

fn source_record(number: u64) -> SourceRecord {
    // Keyed ids of a real source look random; here they only have to ascend.
    let id = [number.to_be_bytes(), (!number).to_be_bytes()].concat();
    SourceRecord {
        opaque_id: id.into(),
        handling: Some(Handling {
            originator: SOURCE.into(),
            tlp: Tlp::Amber.into(),
            handling_code: "H1".into(),
            version: 1 + number % 3,
            data_as_of: Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 }),
            environment: Environment::Exercise.into(),
            ..Handling::default()
        }),
        payload: record::encoded(number % record::DISTINCT),
    }
}

fn messages(records: &[SourceRecord]) -> Vec<Bytes> {
    let mut messages = vec![];
    let mut rest = records;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|record| {
            bytes += record.payload.len();
            bytes <= BATCH_BYTES
        });
        let (now, later) = rest.split_at(fits.count().max(1));
        let batch = SourceBatch { records: now.to_vec(), ..SourceBatch::default() };
        messages.push(Part::Batch(batch));
        rest = later;
    }
    let end = SearchEnd { records: records.len() as u64, ..SearchEnd::default() };
    messages.push(Part::End(end));
    messages
        .into_iter()
        .map(|part| SearchResponse { message: Some(part) }.encode_to_vec().into())
        .collect()
}
