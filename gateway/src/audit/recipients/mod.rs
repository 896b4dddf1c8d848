//! Who received a record: an index from a record to the entries that disclosed it. The log itself keeps only salted
//! commitments, so finding a record without an index means opening every share.
//!
//! For each record an entry has a *fingerprint*, a keyed hash of its opaque id. An entry's fingerprints are written
//! with it, one blob for each originator (`Keyring::prints`); the tail that grows so is merged in the background
//! into sorted runs (`merge.rs`), and a lookup is a binary search in a few runs and a scan of a short tail
//! (`find.rs`). What is found is opened and held against its commitment before it is told (`open.rs`), and a full
//! search that knows nothing of the index (`full.rs`) shows whether it tells the truth.

mod blob;
mod find;
mod full;
mod keyring;
mod merge;
mod open;

pub use full::{FullSearch, compare, full_search};
pub use keyring::{IndexKey, index_key};
pub use merge::Tuning;
pub use open::{Received, Recipient};

pub(crate) use find::lookup;
pub(crate) use keyring::{HandOutError, Keyring};
pub(crate) use merge::{Merger, Order};
pub(crate) use open::open_found;

use portcullis_core::id::AgencyId;

use super::error::CommitError;
use super::seal::SealError;
use super::{Audit, Unsealer};
use crate::store::{Store, StoreError};

/// Which disclosures of a record to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientsOf {
    /// Its originator; nobody else is told.
    pub originator: AgencyId,
    /// Its opaque id.
    pub opaque_id: Vec<u8>,
    /// From this entry on.
    pub from: u64,
    /// At most so many entries.
    pub limit: usize,
}

/// Disclosures of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipients {
    /// In log order.
    pub found: Vec<Recipient>,
    /// Go on from here; none: at the end.
    pub next: Option<u64>,
    /// Entries before this one were written without the index, and are not looked through.
    pub complete_from: u64,
}

/// Why the index does not answer.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it says is not what was written.
    #[error("the index of recipients was altered: only a full search tells who received a record")]
    Altered,
    /// The store has none.
    #[error("the store has no index of recipients: only a full search tells who received a record")]
    Missing,
    /// An entry cannot be opened.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl IndexError {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Store(error) => error.word(),
            Self::Altered => "RECIPIENTS_ALTERED",
            Self::Missing => "RECIPIENTS_MISSING",
            Self::Seal(_) => "SEAL_FAILED",
        }
    }
}

impl Audit {
    /// Who received a record. One that is another agency's, unknown, or never disclosed: nobody. Where this gateway
    /// does not hold its audit key, only what stands in the leaves.
    ///
    /// # Errors
    /// The store cannot be read, or the index was altered.
    pub async fn recipients(&self, of: &RecipientsOf) -> Result<Recipients, CommitError> {
        let key = self.shared.keyring.key(&of.originator)?;
        let found = search(&self.shared.store, &key, self.shared.unsealer.as_ref(), of).await;
        found.map_err(|error| {
            tracing::error!(cause = error.word(), "the index of recipients does not answer");
            CommitError::LogUnavailable { cause: error.word() }
        })
    }
}

/// As [`Audit::recipients`], from a store alone.
///
/// # Errors
/// The store cannot be read, has no index, or the index was altered.
pub async fn search(
    store: &Store,
    key: &IndexKey,
    unsealer: Option<&Unsealer>,
    of: &RecipientsOf,
) -> Result<Recipients, IndexError> {
    let mut tx = store.read("find_recipients").await?;
    let state = tx.recipient_state().await?.ok_or(IndexError::Missing)?;
    let mut entries = lookup(&mut tx, key, &of.originator, &of.opaque_id, of.from).await?;
    let next = entries.get(of.limit).copied();
    entries.truncate(of.limit);
    let found = open_found(&mut tx, unsealer, &of.originator, &of.opaque_id, &entries).await?;
    Ok(Recipients { found, next, complete_from: state.complete_from })
}
