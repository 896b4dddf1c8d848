//! What a requester asks, parsed: the broker's own type, whatever the wire looks like.

use bytes::Bytes;
use portcullis_core::filter::Filter;
use portcullis_core::id::Digest;
use portcullis_core::policy::Request;
use portcullis_core::release::ReleaseId;
use tokio::time::Instant;

use crate::audit::{ExchangeId, Requester};
use crate::officers::Proof;

/// Which fields are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// None named: the fields whose category is REFERENCE.
    Minimum,
    /// `*`: every field the plan shows.
    All,
    /// These, or all fields below these.
    Paths(Vec<String>),
}

/// A query by a verified requester.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Name of the exchange that begins.
    pub exchange: ExchangeId,
    /// Who asks, for the log.
    pub requester: Requester,
    /// What policy decides on.
    pub request: Request,
    /// SHA-256 of the query.
    pub digest: Digest,
    /// Which records.
    pub filter: Option<Filter>,
    /// Only these records, by references of earlier answers; empty: all.
    pub references: Vec<String>,
    /// A release that was granted: only its record, as granted.
    pub release: Option<ReleaseId>,
    /// Which fields.
    pub wanted: Wanted,
    /// Most records to release.
    pub limit: u64,
    /// In the officer's own words.
    pub justification: String,
    /// When the answer is of no more use.
    pub deadline: Instant,
    /// SHA-256 of the idempotency key, where one was given.
    pub idempotency_key: Option<Digest>,
    /// The officer's token as it was brought; empty: the system asks for itself.
    pub officer_token: String,
    /// Whom the token proves; the broker's own, none in what comes to it.
    pub officer: Option<Proof>,
    /// Where to go on; empty: from the start.
    pub resume_token: Bytes,
}
