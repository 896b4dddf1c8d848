//! What can go wrong in a store. Messages name the operation's failure, never a value.

/// The store cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or could not be reached.
    #[error("the store failed: {0}")]
    Database(#[from] sqlx::Error),
    /// Its tables cannot be brought up to date.
    #[error("the store's tables do not fit this program: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A stored value is not of the shape that this program writes.
    #[error("the store holds a malformed value in `{0}`")]
    Malformed(&'static str),
}

impl StoreError {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Database(_) => "STORE_UNAVAILABLE",
            Self::Migration(_) => "STORE_MIGRATION_FAILED",
            Self::Malformed(_) => "STORE_MALFORMED",
        }
    }
}

/// SQLite's integers are signed; sizes and counts are far below their end.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Back from a column that is never negative.
pub(super) fn unsigned(value: i64, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Malformed(column))
}

/// A hash from a column of 32 bytes.
pub(super) fn digest(
    bytes: &[u8],
    column: &'static str,
) -> Result<portcullis_core::id::Digest, StoreError> {
    bytes.try_into().map(portcullis_core::id::Digest).map_err(|_| StoreError::Malformed(column))
}
