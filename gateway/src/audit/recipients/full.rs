//! Searching without the index: every share of an originator opened, every record held against its commitment. Slow,
//! and right whatever became of the index.

use portcullis_core::id::AgencyId;

use super::super::leaf::EntryKind;
use super::super::read::{Filter, ListedEntry};
use super::super::seal::Unsealer;
use super::open::{committed, open_found};
use super::{IndexError, IndexKey, Recipient, lookup};
use crate::store::{ListFilter, Store};

/// Entries in one round trip.
const PAGE: u32 = 256;

/// What a full search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullSearch {
    /// Every disclosure of the record.
    pub found: Vec<Recipient>,
    /// Entries that were looked at: those of which the originator can read some.
    pub looked_at: u64,
}

/// Opens every disclosure that an originator can read some of, from an entry on.
///
/// # Errors
/// The store cannot be read, or an entry does not open with this key.
pub async fn full_search(
    store: &Store,
    unsealer: &Unsealer,
    originator: &AgencyId,
    opaque_id: &[u8],
    from: u64,
) -> Result<FullSearch, IndexError> {
    let (mut entries, mut looked_at, mut from) = (Vec::new(), 0, from);
    loop {
        let filter = Filter { party: Some(originator.clone()), exchange: None, from, limit: PAGE };
        // A view of its own for each page: a long one keeps the gateway from tidying its files.
        let mut tx = store.read("search_recipients").await?;
        let rows = tx.list(&ListFilter::from(filter)).await?;
        tx.rollback().await?;
        let Some(last) = rows.last() else { break };
        from = last.index.saturating_add(1);
        for row in rows {
            let entry = ListedEntry::from_row(row)?;
            looked_at += 1;
            if entry.facts.kind() != EntryKind::Disclosure {
                continue;
            }
            let parts = entry.open(unsealer)?;
            if committed(&parts, originator, opaque_id).is_some() {
                entries.push(entry.index);
            }
        }
    }
    let mut tx = store.read("open_recipients").await?;
    let found = open_found(&mut tx, Some(unsealer), originator, opaque_id, &entries).await?;
    Ok(FullSearch { found, looked_at })
}

/// Where the index and a full search differ: entries that the index misses, and entries that only it names. What was
/// written before the index is not counted.
///
/// # Errors
/// The store cannot be read, has no index, or the index was altered.
pub async fn compare(
    store: &Store,
    key: &IndexKey,
    originator: &AgencyId,
    opaque_id: &[u8],
    full: &FullSearch,
) -> Result<(Vec<u64>, Vec<u64>), IndexError> {
    let mut tx = store.read("compare_recipients").await?;
    let state = tx.recipient_state().await?.ok_or(IndexError::Missing)?;
    let said = lookup(&mut tx, key, originator, opaque_id, 0).await?;
    let there: Vec<u64> = full.found.iter().map(|one| one.index).collect();
    let missed = there.iter().filter(|at| **at >= state.complete_from && !said.contains(at));
    let missed = missed.copied().collect();
    Ok((missed, said.iter().filter(|at| !there.contains(at)).copied().collect()))
}
