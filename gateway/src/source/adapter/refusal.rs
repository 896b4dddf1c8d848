//! Why a source refuses a call, as a status with one stable word.

use std::collections::HashMap;

use portcullis_proto::codec::DOMAIN;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::table::{DatabaseError, TableError};

/// Most records that a search names one by one.
pub const MOST_NAMED: usize = 256;

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceRefusal {
    /// Nothing of that record type here.
    #[error("this source does not hold `{0}`")]
    RecordTypeNotHeld(String),
    /// A search on nobody's behalf.
    #[error("the search does not say on whose behalf it is")]
    AskerMissing,
    /// The agency asked about is not on this source's list.
    #[error("this source does not answer `{0}`")]
    AskerNotAllowed(String),
    /// Longer than any opaque id.
    #[error("`after` is no opaque id")]
    AfterMalformed,
    /// Not opaque ids in ascending order, or too many.
    #[error("`only` holds no opaque ids in ascending order, or more than {MOST_NAMED}")]
    OnlyMalformed,
    /// The filter does not fit the record type.
    #[error("the filter is refused: {text}")]
    FilterRefused {
        /// The word of the filter's own error.
        word: &'static str,
        /// Its text.
        text: String,
    },
    /// As many searches run as may.
    #[error("as many searches run as may")]
    Busy,
    /// The table is not what it was, or its database does not answer.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The spool cannot be read, or holds what cannot be.
    #[error("the records cannot be read")]
    Unreadable,
}

impl SourceRefusal {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::RecordTypeNotHeld(_) => "RECORD_TYPE_NOT_HELD",
            Self::AskerMissing => "ASKER_MISSING",
            Self::AskerNotAllowed(_) => "ASKER_NOT_ALLOWED",
            Self::AfterMalformed => "AFTER_MALFORMED",
            Self::OnlyMalformed => "ONLY_MALFORMED",
            Self::FilterRefused { word, .. } => word,
            Self::Busy => "SOURCE_BUSY",
            Self::Table(error) => error.word(),
            Self::Unreadable => "SOURCE_UNREADABLE",
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::RecordTypeNotHeld(_) => Code::NotFound,
            Self::AskerNotAllowed(_) => Code::PermissionDenied,
            Self::AskerMissing
            | Self::AfterMalformed
            | Self::OnlyMalformed
            | Self::FilterRefused { .. } => Code::InvalidArgument,
            Self::Busy => Code::Unavailable,
            Self::Table(error) => match error {
                TableError::Database(DatabaseError::TimedOut) => Code::DeadlineExceeded,
                TableError::Database(
                    DatabaseError::Unreachable(_) | DatabaseError::Busy | DatabaseError::Changed,
                )
                | TableError::Drift { .. } => Code::Unavailable,
                TableError::Database(_) | TableError::Spool(_) => Code::Internal,
            },
            Self::Unreadable => Code::Internal,
        }
    }
}

impl From<DatabaseError> for SourceRefusal {
    fn from(error: DatabaseError) -> Self {
        Self::Table(error.into())
    }
}

impl From<SourceRefusal> for Status {
    fn from(refusal: SourceRefusal) -> Self {
        let mut details = ErrorDetails::new();
        details.set_error_info(refusal.word(), DOMAIN, HashMap::new());
        Self::with_error_details(refusal.code(), refusal.to_string(), details)
    }
}
