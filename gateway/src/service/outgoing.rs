//! Answers as they go out. A batch is written straight from what was released into the connection's buffer: as
//! a message of its own it would be copied, and measured three times, record by record. Plans are written
//! once and sent again as bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{BufMut, Bytes};
use portcullis_core::handling::HandlingClass;
use portcullis_core::id::{Digest, Moment};
use portcullis_core::policy::Purpose;
use portcullis_core::redact::{Plan, ReleasedRecord};
use portcullis_proto::codec;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_response::Message;
use prost::Message as _;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::audit::Sealed;

/// Plans kept as bytes; beyond it the cache starts anew.
const PLANS: usize = 1024;

/// One message of an answer.
pub enum Outgoing {
    /// Whatever there is one of.
    Message(Box<Message>),
    /// Written before.
    Written(Bytes),
    /// Records.
    Batch(Batch),
}

/// A batch that may be sent.
pub struct Batch {
    /// The records.
    pub sealed: Sealed<Vec<ReleasedRecord>>,
    /// Index of each record's plan.
    pub plans: Vec<u32>,
    /// What each record may be used for.
    pub permitted_use: Vec<Arc<[Purpose]>>,
    /// Go on behind it.
    pub resume: Bytes,
}

/// Strict about requests, as every service; answers are written from [`Outgoing`].
#[derive(Clone, Copy, Default)]
pub struct Answers;

impl Codec for Answers {
    type Encode = Outgoing;
    type Decode = wire::QueryRequest;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Answers {
    type Item = Outgoing;
    type Error = Status;

    fn encode(&mut self, item: Outgoing, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.write(buf).map_err(|_| Status::internal("message cannot be encoded"))
    }
}

impl Decoder for Answers {
    type Item = wire::QueryRequest;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<wire::QueryRequest>, Status> {
        use bytes::Buf as _;
        codec::decode(buf.copy_to_bytes(buf.remaining())).map(Some)
    }
}

impl Outgoing {
    fn write(self, buf: &mut EncodeBuf<'_>) -> Result<(), prost::EncodeError> {
        match self {
            Self::Message(message) => wire::QueryResponse { message: Some(*message) }.encode(buf),
            Self::Written(bytes) => {
                buf.put(bytes);
                Ok(())
            }
            Self::Batch(batch) => {
                batch.write(buf);
                Ok(())
            }
        }
    }
}

impl From<Message> for Outgoing {
    fn from(message: Message) -> Self {
        Self::Message(Box::new(message))
    }
}

impl Batch {
    fn write(&self, buf: &mut EncodeBuf<'_>) {
        let rows: Vec<Row<'_>> = self
            .sealed
            .as_inner()
            .iter()
            .zip(&self.plans)
            .zip(&self.permitted_use)
            .map(|((record, plan), uses)| Row::of(record, *plan, uses))
            .collect();
        let (leaf_hash, resume) = (self.sealed.leaf_hash(), &self.resume);
        let whole = batch_length(&rows, resume);
        buf.reserve(field_length(whole));
        write_batch(buf, &rows, &leaf_hash, resume, whole);
    }
}

/// A released record as the contract writes it, and how long that is.
struct Row<'a> {
    reference: &'a [u8],
    plan: u32,
    payload: &'a [u8],
    presence: &'a [u8],
    version: u64,
    data_as_of: Option<Moment>,
    delete_by: Option<Moment>,
    uses: &'a [Purpose],
    length: usize,
}

impl<'a> Row<'a> {
    fn of(record: &'a ReleasedRecord, plan: u32, uses: &'a [Purpose]) -> Self {
        Self {
            reference: &record.reference,
            plan,
            payload: &record.payload,
            presence: &record.presence,
            version: record.version,
            data_as_of: record.data_as_of,
            delete_by: record.delete_by,
            uses,
            length: 0,
        }
        .measured()
    }

    fn measured(mut self) -> Self {
        let time = |at: Option<Moment>| at.map_or(0, |at| field_length(time_length(at)));
        self.length = blob_length(self.reference.len())
            + number_length(u64::from(self.plan))
            + blob_length(self.payload.len())
            + blob_length(self.presence.len())
            + number_length(self.version)
            + time(self.data_as_of)
            + time(self.delete_by)
            + self.uses.iter().map(|purpose| field_length(purpose.word().len())).sum::<usize>();
        self
    }

    fn write(&self, buf: &mut impl BufMut) {
        blob(buf, 1, self.reference);
        number(buf, 2, u64::from(self.plan));
        blob(buf, 3, self.payload);
        blob(buf, 4, self.presence);
        number(buf, 5, self.version);
        for (field, at) in [(6, self.data_as_of), (7, self.delete_by)] {
            if let Some(at) = at {
                let (seconds, nanos) = parts(at);
                head(buf, field, time_length(at));
                number(buf, 1, seconds);
                number(buf, 2, nanos);
            }
        }
        for purpose in self.uses {
            let word = purpose.word().as_bytes();
            head(buf, 8, word.len());
            buf.put_slice(word);
        }
    }
}

fn batch_length(rows: &[Row<'_>], resume: &[u8]) -> usize {
    let records: usize = rows.iter().map(|row| field_length(row.length)).sum();
    records + field_length(32) + blob_length(resume.len())
}

fn write_batch(
    buf: &mut impl BufMut,
    rows: &[Row<'_>],
    leaf_hash: &Digest,
    resume: &[u8],
    whole: usize,
) {
    head(buf, 3, whole);
    for row in rows {
        head(buf, 1, row.length);
        row.write(buf);
    }
    blob(buf, 2, &leaf_hash.0);
    blob(buf, 3, resume);
}

/// Seconds and nanoseconds as protobuf writes them: negative ones as their two's complement.
fn parts(at: Moment) -> (u64, u64) {
    let at = at.to_proto();
    (at.seconds.cast_unsigned(), i64::from(at.nanos).cast_unsigned())
}

fn time_length(at: Moment) -> usize {
    let (seconds, nanos) = parts(at);
    number_length(seconds) + number_length(nanos)
}

/// Bytes of a varint.
fn varint_length(value: u64) -> usize {
    // Seven bits a byte; 0 takes one too.
    ((70 - (value | 1).leading_zeros()) / 7) as usize
}

/// Bytes of a field whose number is below 16 and whose content has this length.
fn field_length(length: usize) -> usize {
    1 + varint_length(length as u64) + length
}

/// The same, or nothing where it is empty.
fn blob_length(length: usize) -> usize {
    if length == 0 { 0 } else { field_length(length) }
}

fn number_length(value: u64) -> usize {
    if value == 0 { 0 } else { 1 + varint_length(value) }
}

fn head(buf: &mut impl BufMut, field: u8, length: usize) {
    buf.put_u8(field << 3 | 2);
    prost::encoding::encode_varint(length as u64, buf);
}

fn blob(buf: &mut impl BufMut, field: u8, bytes: &[u8]) {
    if !bytes.is_empty() {
        head(buf, field, bytes.len());
        buf.put_slice(bytes);
    }
}

fn number(buf: &mut impl BufMut, field: u8, value: u64) {
    if value != 0 {
        buf.put_u8(field << 3);
        prost::encoding::encode_varint(value, buf);
    }
}

/// Messages with plans, as bytes.
#[derive(Default)]
pub struct PlanMessages(Mutex<HashMap<PlanMessage, Bytes>>);

/// Everything that a plan's message is made of.
#[derive(PartialEq, Eq, Hash)]
struct PlanMessage {
    index: u32,
    plan: Digest,
    /// Two plans of equal content may end at different times.
    valid_until: Option<Moment>,
    class: Arc<HandlingClass>,
}

impl PlanMessages {
    /// The message of a plan, written at its first use.
    pub fn get(
        &self,
        index: u32,
        plan: &Plan,
        class: &Arc<HandlingClass>,
        write: impl FnOnce() -> Message,
    ) -> Outgoing {
        let key = PlanMessage {
            index,
            plan: plan.hash(),
            valid_until: plan.valid_until(),
            class: class.clone(),
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = known.get(&key) {
            return Outgoing::Written(bytes.clone());
        }
        if known.len() >= PLANS {
            known.clear();
        }
        let message = wire::QueryResponse { message: Some(write()) };
        let bytes = Bytes::from(message.encode_to_vec());
        known.insert(key, bytes.clone());
        Outgoing::Written(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    struct Released {
        reference: String,
        plan: u32,
        payload: Vec<u8>,
        presence: Vec<u8>,
        version: u64,
        times: (Option<i64>, Option<i64>),
        uses: Vec<Purpose>,
    }

    fn released() -> impl Strategy<Value = Released> {
        let number = || prop_oneof![Just(0), 0..300_u64, any::<u64>()];
        let millis = || proptest::option::of(-10_000_000_000_000..10_000_000_000_000_i64);
        let purpose = (1..=11).prop_map(|number| Purpose::from_number(number).unwrap());
        (
            "[a-z]{0,90}",
            number(),
            vec(any::<u8>(), 0..300),
            vec(any::<u8>(), 0..5),
            number(),
            (millis(), millis()),
            vec(purpose, 0..4),
        )
            .prop_map(|(reference, plan, payload, presence, version, times, uses)| {
                Released {
                    reference,
                    plan: u32::try_from(plan).unwrap_or(u32::MAX),
                    payload,
                    presence,
                    version,
                    times,
                    uses,
                }
            })
    }

    proptest! {
        #[test]
        fn a_batch_is_written_as_prost_writes_it(
            records in vec(released(), 0..6),
            hash in any::<[u8; 32]>(),
            resume in vec(any::<u8>(), 0..200),
        ) {
            let moment = |at: Option<i64>| at.map(Moment);
            let time = |at| moment(at).map(Moment::to_proto);
            let rows: Vec<_> = records
                .iter()
                .map(|record| {
                    Row {
                        reference: record.reference.as_bytes(),
                        plan: record.plan,
                        payload: &record.payload,
                        presence: &record.presence,
                        version: record.version,
                        data_as_of: moment(record.times.0),
                        delete_by: moment(record.times.1),
                        uses: &record.uses,
                        length: 0,
                    }
                    .measured()
                })
                .collect();
            let mut written = vec![];
            let whole = batch_length(&rows, &resume);
            write_batch(&mut written, &rows, &Digest(hash), &resume, whole);
            prop_assert_eq!(written.len(), field_length(whole));

            let wire_records = records.iter().map(|record| wire::ReleasedRecord {
                reference: record.reference.clone(),
                plan: record.plan,
                payload: record.payload.clone().into(),
                presence: record.presence.clone().into(),
                version: record.version,
                data_as_of: time(record.times.0),
                delete_by: time(record.times.1),
                permitted_use: record.uses.iter().map(|one| one.word().to_owned()).collect(),
            });
            let batch = wire::RecordBatch {
                records: wire_records.collect(),
                disclosure_leaf_hash: hash.to_vec().into(),
                resume_token: resume.into(),
            };
            let message = Some(Message::Batch(batch));
            prop_assert_eq!(written, wire::QueryResponse { message }.encode_to_vec());
        }
    }
}
