//! Why a call about a release is refused; then nothing has changed.

use portcullis_core::id::RuleId;
use portcullis_core::release::StepError;

use crate::audit::CommitError;

/// Why a call about a release is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseRefusal {
    /// There is none, or it is not the agency's to know.
    #[error("no release of this name is known to your agency")]
    Unknown,
    /// The other agency's to do.
    #[error("that step is the other agency's")]
    NotYours,
    /// Everything has been said.
    #[error("the release is settled")]
    Settled,
    /// Not as it stands.
    #[error("the release does not stand so that this could be done")]
    OutOfOrder,
    /// It has lapsed, or is about to.
    #[error("the time for an answer is over")]
    Late,
    /// A later step was taken.
    #[error("a later step was taken: look at it first")]
    Changed,
    /// A query names a release that it cannot use: which of many reasons, is not told.
    #[error("no grant of this name can be used for this query")]
    NotUsable,
    /// Asking is no use, whatever the originator says.
    #[error("`{0}` cannot be asked for here")]
    NotAskable(String),
    /// A field that was not asked for.
    #[error("`{0}` was not asked for")]
    NotAsked(String),
    /// No grant could show the field so, or it is shown so already.
    #[error("`{path}` cannot be granted so")]
    NotGrantable {
        /// The field.
        path: String,
        /// What stands in the way.
        rules: Vec<RuleId>,
    },
    /// The requester could not ask any more: agreement, case or flow have ended.
    #[error("what the request rests on has ended")]
    Ended,
    /// The agreement gives this only to proven officers, and only they decide.
    #[error("only an officer for whom your agency vouches decides on this")]
    OfficerRequired,
    /// Too many wait already.
    #[error("too many requests of your agency wait for an answer")]
    TooMany,
    /// The idempotency key was used for something else.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// The officer's token was used before.
    #[error("the officer's token was used before")]
    TokenReplayed,
    /// Texts too long for the log.
    #[error("the texts are too long")]
    TooLong,
    /// It cannot be made durable.
    #[error("the disclosure log is not available")]
    LogUnavailable,
}

impl ReleaseRefusal {
    /// One stable word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unknown => "RELEASE_NOT_FOUND_OR_NOT_YOURS",
            Self::NotYours => "RELEASE_STEP_NOT_YOURS",
            Self::Settled => "RELEASE_SETTLED",
            Self::OutOfOrder => "RELEASE_OUT_OF_ORDER",
            Self::Late => "RELEASE_LATE",
            Self::Changed => "RELEASE_CHANGED",
            Self::NotUsable => "RELEASE_NOT_USABLE",
            Self::NotAskable(_) => "FIELD_NOT_ASKABLE",
            Self::NotAsked(_) => "FIELD_NOT_ASKED",
            Self::NotGrantable { .. } => "FIELD_NOT_GRANTABLE",
            Self::Ended => "RELEASE_ENDED",
            Self::OfficerRequired => "OFFICER_REQUIRED",
            Self::TooMany => "TOO_MANY_RELEASES",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::TokenReplayed => "OFFICER_TOKEN_REPLAYED",
            Self::TooLong => "TEXT_TOO_LONG",
            Self::LogUnavailable => "LOG_UNAVAILABLE",
        }
    }
}

impl From<StepError> for ReleaseRefusal {
    fn from(error: StepError) -> Self {
        match error {
            StepError::NotYours => Self::NotYours,
            StepError::Settled => Self::Settled,
            StepError::OutOfOrder => Self::OutOfOrder,
            StepError::Late => Self::Late,
        }
    }
}

impl From<CommitError> for ReleaseRefusal {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::OfficerTokenReplayed => Self::TokenReplayed,
            CommitError::EventTooLarge => Self::TooLong,
            _ => Self::LogUnavailable,
        }
    }
}
