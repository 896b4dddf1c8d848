//! Why the log refuses.

use portcullis_core::id::Moment;

use super::keys::KeyError;
use super::note::NoteError;
use super::recipients::HandOutError;
use super::seal::SealError;
use crate::store::StoreError;

/// Why an event was not made durable. Whoever gets this discloses nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The log cannot be written or does not match what was signed; the word says which.
    #[error("the disclosure log is not available")]
    LogUnavailable {
        /// One word, for operators.
        cause: &'static str,
    },
    /// A budget does not cover it.
    #[error("the budget `{name}` is used up")]
    BudgetExhausted {
        /// Which, as charged.
        name: String,
        /// When its window ends.
        refills_at: Moment,
    },
    /// The idempotency key was used for another query.
    #[error("the idempotency key was used for another query")]
    IdempotencyConflict,
    /// The officer's token was used before.
    #[error("the officer's token was used before")]
    OfficerTokenReplayed,
    /// The event does not fit the log's format.
    #[error("the event is too large for the log")]
    EventTooLarge,
    /// There is no such entry, or no checkpoint of that size.
    #[error("the log has no such entry or checkpoint")]
    NotInLog,
}

impl CommitError {
    /// One stable word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::LogUnavailable { .. } => "LOG_UNAVAILABLE",
            Self::BudgetExhausted { .. } => "BUDGET_EXHAUSTED",
            Self::IdempotencyConflict => "IDEMPOTENCY_CONFLICT",
            Self::OfficerTokenReplayed => "OFFICER_TOKEN_REPLAYED",
            Self::EventTooLarge => "EVENT_TOO_LARGE",
            Self::NotInLog => "NOT_IN_LOG",
        }
    }
}

impl From<SealError> for CommitError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Malformed(_) => Self::EventTooLarge,
            SealError::Key | SealError::Commitment => Self::LogUnavailable { cause: "SEAL_FAILED" },
            SealError::NoRandomness => Self::LogUnavailable { cause: "NO_RANDOMNESS" },
        }
    }
}

/// Why a log cannot be opened, or cannot go on. The gateway does not start then.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store cannot be reached or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Bodies cannot be sealed with these keys.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// There are entries, but no checkpoint.
    #[error("the log has entries but no signed checkpoint")]
    CheckpointMissing,
    /// The newest checkpoint does not verify.
    #[error("the log's newest checkpoint: {0}")]
    CheckpointForged(NoteError),
    /// Fewer entries than were signed for.
    #[error(
        "the log was cut: the newest checkpoint covers {signed} entries, entry {index} is missing"
    )]
    Truncated {
        /// Entries of the checkpoint.
        signed: u64,
        /// First that is not there.
        index: u64,
    },
    /// More entries than were signed for.
    #[error("the log has entries behind the {signed} that its newest checkpoint covers")]
    Unsigned {
        /// Entries of the checkpoint.
        signed: u64,
    },
    /// A stored leaf is not the one that was signed for.
    #[error("the log was altered at or near entry {index}")]
    LeafAltered {
        /// First entry of the stretch in which a leaf differs.
        index: u64,
    },
    /// The stored tree is not the one that was signed for.
    #[error("the log's entries do not lead to the root of its newest checkpoint")]
    RootDiffers,
    /// The stored frontier is not that of the tree.
    #[error("the log's stored tree does not fit its entries")]
    TreeAltered,
    /// Steps of release requests and their entries differ.
    #[error("the steps of release requests are not those that the log's entries stand for")]
    ReleasesDiffer,
    /// Somebody went back behind what this process made durable.
    #[error("the log was rolled back behind {acknowledged} entries that were acknowledged")]
    RolledBack {
        /// Entries that this process made durable.
        acknowledged: u64,
    },
}

impl From<HandOutError> for OpenError {
    fn from(error: HandOutError) -> Self {
        match error {
            HandOutError::Store(error) => Self::Store(error),
            HandOutError::Seal(error) => Self::Seal(error),
        }
    }
}

impl OpenError {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Store(error) => error.word(),
            Self::Key(_) => "LOG_KEY_UNUSABLE",
            Self::Seal(_) => "LOG_SEAL_FAILED",
            Self::CheckpointMissing => "LOG_CHECKPOINT_MISSING",
            Self::CheckpointForged(_) => "LOG_CHECKPOINT_FORGED",
            Self::Truncated { .. } => "LOG_TRUNCATED",
            Self::Unsigned { .. } => "LOG_UNSIGNED_ENTRIES",
            Self::LeafAltered { .. } => "LOG_LEAF_ALTERED",
            Self::RootDiffers => "LOG_ROOT_DIFFERS",
            Self::TreeAltered => "LOG_TREE_ALTERED",
            Self::ReleasesDiffer => "RELEASES_DIFFER",
            Self::RolledBack { .. } => "LOG_ROLLED_BACK",
        }
    }
}
