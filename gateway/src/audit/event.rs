//! What can happen, one struct per kind: ids, hashes, counts and words. The officer's own words are the one
//! free text, and go nowhere but into the sealed body. No record value has a place here.

use std::fmt;

use bytes::Bytes;
use portcullis_core::id::{
    AgencyId, AgreementId, CaseId, Digest, Moment, RecordTypeName, RuleId, SystemId,
};
use portcullis_core::policy::Purpose;
use portcullis_core::redact::{Disclosed, PlanHash, ReleasedRecord};

use super::code::Writer;

/// One query and everything that follows from it: a UUID of version 7 (RFC 9562), 16 bytes; lower-case hex
/// without hyphens as text. It begins with the time, which stands beside it in the log anyway, so that the
/// log's index of exchanges grows at its end and not all over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub [u8; 16]);

impl ExchangeId {
    /// A fresh one: 48 bits of milliseconds, 74 of randomness; none when the machine has no randomness to give.
    pub fn begin(now: Moment) -> Option<Self> {
        let mut random = [0; 10];
        aws_lc_rs::rand::fill(&mut random).ok()?;
        let millis = u64::try_from(now.0).unwrap_or_default();
        Some(Self(
            uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().into_bytes(),
        ))
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requester {
    /// Its agency.
    pub agency: AgencyId,
    /// Its system.
    pub system: SystemId,
    /// The name in its certificate.
    pub spiffe_id: String,
    /// SHA-256 of its certificate.
    pub certificate: Digest,
    /// The officer on whose behalf it asks, as it told.
    pub officer: String,
}

/// A query was permitted and is about to be asked. Holds every versioned input of the decision, so that it
/// can be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The exchange that begins.
    pub exchange: ExchangeId,
    /// Who asks.
    pub requester: Requester,
    /// Why.
    pub purpose: Purpose,
    /// For which case.
    pub case: Option<CaseId>,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Its version.
    pub agreement_version: u32,
    /// What is asked for.
    pub record_type: RecordTypeName,
    /// SHA-256 of its schema.
    pub schema_hash: Digest,
    /// SHA-256 of the query.
    pub query_digest: Digest,
    /// Fields named in the filter, as dotted paths; never what they are compared with.
    pub filter_paths: Vec<String>,
    /// In the officer's own words.
    pub justification: String,
    /// Agencies to be asked.
    pub sources: Vec<AgencyId>,
    /// SHA-256 of the policy in force.
    pub policy_hash: Digest,
    /// SHA-256 of the gateway's configuration.
    pub config_hash: Digest,
    /// When it was decided.
    pub decided_at: Moment,
    /// When the decision ends by itself.
    pub valid_until: Option<Moment>,
    /// SHA-256 of the idempotency key, where one was given.
    pub idempotency_key: Option<Digest>,
}

/// A batch is about to be released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// When.
    pub at: Moment,
    /// Its records, in the order of the batch.
    pub records: Vec<DisclosedRecord>,
}

impl Disclosure {
    /// Of a batch that went through the redactor.
    pub fn of(batch: &Disclosed<Vec<ReleasedRecord>>, at: Moment) -> Self {
        let mut scratch = Writer::default();
        let of = |record| DisclosedRecord::written(record, &mut scratch);
        Self { at, records: batch.as_inner().iter().map(of).collect() }
    }
}

/// One record of a disclosure. The log stores salted commitments to its id and content, not these.
#[derive(Clone, PartialEq, Eq)]
pub struct DisclosedRecord {
    /// Agency that owns it.
    pub originator: AgencyId,
    /// Its opaque id at its source.
    pub opaque_id: Bytes,
    /// SHA-256 of what is released of it; see [`DisclosedRecord::content`].
    pub content: Digest,
    /// The plan that was applied.
    pub plan: PlanHash,
}

impl DisclosedRecord {
    /// Of a released record.
    pub fn of(record: &ReleasedRecord) -> Self {
        Self::written(record, &mut Writer::default())
    }

    /// The same, with a writer whose room is used again.
    fn written(record: &ReleasedRecord, scratch: &mut Writer) -> Self {
        Self {
            originator: record.plan.originator().clone(),
            opaque_id: record.opaque_id.clone(),
            content: Self::content_of(record, scratch),
            plan: record.plan.hash(),
        }
    }

    /// SHA-256 over `portcullis content v1`, a zero byte, and reference, payload, presence bitmap (each
    /// behind a four-byte length), version, and the two times behind a presence byte.
    pub fn content(record: &ReleasedRecord) -> Digest {
        Self::content_of(record, &mut Writer::default())
    }

    fn content_of(record: &ReleasedRecord, out: &mut Writer) -> Digest {
        out.clear();
        out.raw(b"portcullis content v1\0")
            .blob(&record.reference)
            .blob(&record.payload)
            .blob(&record.presence)
            .u64(record.version)
            .option(record.data_as_of, |out, at| {
                out.moment(at);
            })
            .option(record.delete_by, |out, at| {
                out.moment(at);
            });
        // INVARIANT: a message on the wire is far below the 4 GiB at which a prefix overflows; should it
        // not be, the digest of nothing matches no content.
        Digest::of(out.written().unwrap_or_default())
    }
}

impl fmt::Debug for DisclosedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DisclosedRecord({}, plan {})", self.originator, self.plan)
    }
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// When.
    pub at: Moment,
    /// In which way.
    pub ending: Ending,
    /// One word where it was cut short; empty otherwise.
    pub reason: String,
    /// How it went with each source.
    pub sources: Vec<SourceOutcome>,
}

/// In which way an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Everything was sent, the receipt included.
    Complete,
    /// It was cut short, by whom the reason tells.
    Cut,
    /// Nobody can tell what of the last batch arrived.
    Unknown,
}

impl Ending {
    pub(crate) const ALL: [Self; 3] = [Self::Complete, Self::Cut, Self::Unknown];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "COMPLETE",
            Self::Cut => "CUT",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// How it went with one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOutcome {
    /// The source.
    pub agency: AgencyId,
    /// One word: `COMPLETE`, `LIMITED`, `INCOMPLETE`, `NOT_ASKED`.
    pub completeness: String,
    /// One word where it failed; empty otherwise.
    pub reason: String,
    /// How many of its records were released.
    pub released: u64,
    /// Records that were refused, by cause. Only the source and the gateway's auditor can read this.
    pub refused: Vec<(String, u64)>,
}

/// A query was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The exchange that ends before it begins.
    pub exchange: ExchangeId,
    /// When.
    pub at: Moment,
    /// Who asked.
    pub requester: Requester,
    /// One word.
    pub reason: String,
    /// The rules behind it.
    pub rules: Vec<RuleId>,
    /// SHA-256 of the query; none when it could not even be read.
    pub query_digest: Option<Digest>,
    /// SHA-256 of the policy in force.
    pub policy_hash: Digest,
}
