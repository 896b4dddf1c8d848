//! Sources: the gateway's client to agency systems, and the adapter that serves CSV files as one.

pub mod adapter;
mod client;
mod handling;
mod message;

pub use client::{Ask, GrpcSource, Source, SourceSet};
pub use handling::parse_handling;

use std::sync::Arc;

use bytes::Bytes;
use portcullis_core::handling::{Handling, HandlingError};
use portcullis_core::id::Moment;

/// One message of a source's answer.
pub enum Found {
    /// Records, in the order in which they came.
    Batch(Vec<RawRecord>),
    /// The end, with the number of records that the source says it sent.
    End {
        /// Records sent, in the source's words.
        records: u64,
        /// When its data were read.
        data_as_of: Option<Moment>,
    },
}

/// A record as the source sent it: handling checked, payload not looked at.
pub struct RawRecord {
    /// The source's opaque id.
    pub opaque_id: Bytes,
    /// Handling, or why it is refused.
    pub handling: Result<Arc<Handling>, HandlingError>,
    /// Serialization.
    pub payload: Bytes,
}

/// How a source failed. What came before stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SourceFailure {
    /// It cannot be reached, or does not prove who it is.
    #[error("the source cannot be reached")]
    Unavailable,
    /// It was silent for too long.
    #[error("the source was silent for too long")]
    TimedOut,
    /// Its answer ended without an end message.
    #[error("the source's answer was cut off")]
    CutOff,
    /// It broke its contract: order, count, identity, or records that were not asked for.
    #[error("the source broke its contract")]
    Misbehaved,
    /// It refused to answer.
    #[error("the source refused")]
    Refused,
    /// It sent more than the gateway takes for one query.
    #[error("the source sent too much")]
    TooMuch,
    /// The query's deadline passed before it was done.
    #[error("the deadline passed")]
    Deadline,
}

impl SourceFailure {
    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unavailable => "SOURCE_UNAVAILABLE",
            Self::TimedOut => "SOURCE_TIMED_OUT",
            Self::CutOff => "SOURCE_CUT_OFF",
            Self::Misbehaved => "SOURCE_MISBEHAVED",
            Self::Refused => "SOURCE_REFUSED",
            Self::TooMuch => "SOURCE_SENT_TOO_MUCH",
            Self::Deadline => "DEADLINE_PASSED",
        }
    }
}
