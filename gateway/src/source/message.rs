//! Messages of a search off the wire. A batch as every source sends it is cut into records where it lies, and
//! handling that was seen before is not read again; whatever is spelled in another way is left to prost, so
//! that both mean the same.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use portcullis_core::handling::{Environment, Handling, HandlingError};
use portcullis_core::id::{AgencyId, Moment};
use portcullis_proto::handling::v1::Handling as WireHandling;
use portcullis_proto::source::v1 as wire;
use prost::Message as _;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::{Found, RawRecord, SourceFailure, parse_handling};

/// Handlings kept; beyond it the cache starts anew.
const KNOWN: usize = 1024;
/// Longest handling kept, in bytes.
const LONGEST: usize = 4096;

/// Requests as prost writes them, answers as bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Searching;

impl Codec for Searching {
    type Encode = wire::SearchRequest;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Searching {
    type Item = wire::SearchRequest;
    type Error = Status;

    fn encode(&mut self, item: Self::Item, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buf).map_err(|_| Status::internal("message cannot be encoded"))
    }
}

impl Decoder for Searching {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buf.copy_to_bytes(buf.remaining())))
    }
}

type Checked = Result<Arc<Handling>, HandlingError>;

/// Reads the messages of one search.
pub(super) struct Messages {
    agency: AgencyId,
    environment: Environment,
    known: HashMap<Box<[u8]>, Checked>,
}

impl Messages {
    /// Of a search at this agency's source.
    pub fn of(agency: AgencyId, environment: Environment) -> Self {
        Self { agency, environment, known: HashMap::new() }
    }

    /// Reads one message.
    ///
    /// # Errors
    /// `Misbehaved` when it is none, or not for this gateway.
    pub fn read(&mut self, message: &Bytes) -> Result<Found, SourceFailure> {
        match self.plain_batch(message) {
            Some(records) => Ok(Found::Batch(records)),
            None => self.any(message.clone()),
        }
    }

    /// Nothing but records, and in each its three fields once, in order; none: look closer.
    fn plain_batch(&mut self, message: &Bytes) -> Option<Vec<RawRecord>> {
        let mut outer = Cut { bytes: message, at: 0, end: message.len() };
        let mut batch = outer.field(1)?;
        if outer.at != outer.end {
            return None;
        }
        let mut records = vec![];
        while batch.at != batch.end {
            let mut record = batch.field(1)?;
            let (id, handling, payload) = (record.field(1)?, record.field(2)?, record.field(3)?);
            if record.at != record.end {
                return None;
            }
            let opaque_id = id.take();
            let handling = self.handling(message.get(handling.at..handling.end)?, &opaque_id)?;
            records.push(RawRecord { opaque_id, handling, payload: payload.take() });
        }
        Some(records)
    }

    fn handling(&mut self, bytes: &[u8], opaque_id: &[u8]) -> Option<Checked> {
        if let Some(known) = self.known.get(bytes) {
            return Some(known.clone());
        }
        let handling = WireHandling::decode(bytes).ok()?;
        // What it replaces is compared with the record's own id: another question for each record.
        let of_itself = handling.supersedes.is_empty() && bytes.len() <= LONGEST;
        let checked = self.check(Some(handling), opaque_id);
        if of_itself {
            if self.known.len() >= KNOWN {
                self.known.clear();
            }
            self.known.insert(bytes.into(), checked.clone());
        }
        Some(checked)
    }

    fn check(&self, handling: Option<WireHandling>, opaque_id: &[u8]) -> Checked {
        parse_handling(handling, opaque_id, &self.agency, self.environment).map(Arc::new)
    }

    /// As prost reads it.
    fn any(&self, message: Bytes) -> Result<Found, SourceFailure> {
        use wire::search_response::Message;
        let message =
            wire::SearchResponse::decode(message).map_err(|_| SourceFailure::Misbehaved)?;
        match message.message {
            None => Err(SourceFailure::Misbehaved),
            // A plan applied further up means a gateway chain, which this gateway does not take part in yet.
            Some(Message::Batch(batch)) if !batch.applied_plan.is_empty() => {
                Err(SourceFailure::Misbehaved)
            }
            Some(Message::Batch(batch)) => Ok(Found::Batch(
                batch
                    .records
                    .into_iter()
                    .map(|record| RawRecord {
                        handling: self.check(record.handling, &record.opaque_id),
                        opaque_id: record.opaque_id,
                        payload: record.payload,
                    })
                    .collect(),
            )),
            Some(Message::End(end)) => Ok(Found::End {
                records: end.records,
                data_as_of: end.data_as_of.map(|at| Moment::from_seconds(at.seconds)),
            }),
        }
    }
}

/// A stretch of a message.
struct Cut<'a> {
    bytes: &'a Bytes,
    at: usize,
    end: usize,
}

impl<'a> Cut<'a> {
    /// The next field, if it has this number (below 16) and a length, and lies within.
    fn field(&mut self, number: u8) -> Option<Cut<'a>> {
        let rest = self.bytes.get(self.at..self.end)?;
        let (tag, rest) = rest.split_first()?;
        if *tag != number << 3 | 2 {
            return None;
        }
        // Four bytes of length are more than a message may have.
        let (mut length, mut used) = (0, 0);
        for byte in rest.iter().take(4) {
            length |= usize::from(byte & 0x7f) << (7 * used);
            used += 1;
            if *byte < 0x80 {
                let at = self.at + 1 + used;
                let end = at.checked_add(length).filter(|end| *end <= self.end)?;
                self.at = end;
                return Some(Cut { bytes: self.bytes, at, end });
            }
        }
        None
    }

    /// Its bytes, shared.
    fn take(&self) -> Bytes {
        self.bytes.slice(self.at..self.end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn messages() -> Messages {
        Messages::of(AgencyId::new("nv-customs"), Environment::Exercise)
    }

    fn record(id: u8, supersedes: &str, version: u64) -> wire::SourceRecord {
        wire::SourceRecord {
            opaque_id: vec![id; 16].into(),
            handling: Some(WireHandling {
                originator: "nv-customs".into(),
                supersedes: supersedes.into(),
                version,
                environment: 2,
                ..WireHandling::default()
            }),
            payload: vec![id; usize::from(id)].into(),
        }
    }

    fn batch(records: Vec<wire::SourceRecord>, applied_plan: &'static [u8]) -> Bytes {
        let batch = wire::SourceBatch { records, applied_plan: applied_plan.into() };
        let message = Some(wire::search_response::Message::Batch(batch));
        wire::SearchResponse { message }.encode_to_vec().into()
    }

    type Told = Result<Vec<(Bytes, Checked, Bytes)>, SourceFailure>;

    fn told(found: Result<Found, SourceFailure>) -> Told {
        match found? {
            Found::Batch(records) => {
                let parts = |one: RawRecord| (one.opaque_id, one.handling, one.payload);
                Ok(records.into_iter().map(parts).collect())
            }
            Found::End { records, .. } => Ok(vec![(
                Bytes::new(),
                Err(HandlingError::Missing),
                records.to_be_bytes().to_vec().into(),
            )]),
        }
    }

    #[test]
    fn known_handling_is_shared_but_not_where_it_names_a_record() {
        let own = hex::encode([2; 16]);
        let message = batch(
            vec![record(1, "", 1), record(2, "", 1), record(1, &own, 1), record(2, &own, 1)],
            b"",
        );
        let records = messages().plain_batch(&message).unwrap();
        let handling = |at: usize| records[at].handling.clone();
        assert!(Arc::ptr_eq(&handling(0).unwrap(), &handling(1).unwrap()));
        assert!(handling(2).is_ok());
        assert_eq!(handling(3), Err(HandlingError::Contradictory));
    }

    #[test]
    fn a_batch_that_another_gateway_redacted_is_not_taken() {
        let message = batch(vec![record(1, "", 1)], b"plan");
        assert_eq!(told(messages().read(&message)), Err(SourceFailure::Misbehaved));
    }

    proptest! {
        /// Whatever a source sends, the short way says what prost says, or nothing.
        #[test]
        fn the_short_way_reads_as_prost_does(
            ids in proptest::collection::vec((any::<u8>(), 0_u64..3), 0..5),
            edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
            cut in proptest::option::of(any::<prop::sample::Index>()),
        ) {
            let records = ids.into_iter().map(|(id, version)| record(id, "", version)).collect();
            let mut bytes = batch(records, b"").to_vec();
            for (at, byte) in edits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let bytes = Bytes::from(bytes);
            let slow = told(messages().any(bytes.clone()));
            prop_assert_eq!(&told(messages().read(&bytes)), &slow);
            // And again, with everything known.
            let mut twice = messages();
            let _ = twice.read(&bytes);
            prop_assert_eq!(&told(twice.read(&bytes)), &slow);
        }
    }
}
