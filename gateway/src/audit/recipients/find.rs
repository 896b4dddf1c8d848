//! Looking up: a page or two of every run, and the tail.

use portcullis_core::id::AgencyId;

use super::super::tree::leaf_hash;
use super::blob::{BlobKeys, Item};
use super::{IndexError, IndexKey};
use crate::store::{RunRow, Tx};

/// Rows of a tail in one round trip.
const ROWS: u32 = 1024;

/// Entries from one on that disclosed a record, in order. A fingerprint of 8 bytes: one that belongs to another record
/// is for whoever opens the entry to tell.
pub(crate) async fn lookup(
    tx: &mut Tx<'_>,
    key: &IndexKey,
    originator: &AgencyId,
    opaque_id: &[u8],
    from: u64,
) -> Result<Vec<u64>, IndexError> {
    let keys = &*key.0;
    let print = keys.print(opaque_id);
    let mut found = Vec::new();
    for run in tx.runs(originator, from).await? {
        in_run(tx, keys, &run, print, &mut found).await?;
    }
    in_tail(tx, keys, originator, print, from, &mut found).await?;
    found.retain(|index| *index >= from);
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

async fn in_run(
    tx: &mut Tx<'_>,
    keys: &BlobKeys,
    run: &RunRow,
    print: u64,
    found: &mut Vec<u64>,
) -> Result<(), IndexError> {
    let fences = keys.open_fences(run).map_err(|_| IndexError::Altered)?;
    // Equal ones may begin on the page before the first that starts with them.
    let first = fences.partition_point(|fence| *fence < print).saturating_sub(1);
    for (page, fence) in (0..run.pages).zip(&fences).skip(first) {
        if *fence > print {
            break;
        }
        let items = read_page(tx, keys, run, page).await?;
        let start = items.partition_point(|item| item.print < print);
        let equal = items.iter().skip(start).take_while(|item| item.print == print);
        found.extend(equal.map(|item| item.index));
    }
    Ok(())
}

/// A page of a run, opened.
pub(super) async fn read_page(
    tx: &mut Tx<'_>,
    keys: &BlobKeys,
    run: &RunRow,
    page: u32,
) -> Result<Vec<Item>, IndexError> {
    let sealed = tx.recipient_page(run.id, page).await?.ok_or(IndexError::Altered)?;
    keys.open_page(run.id, page, &sealed).map_err(|_| IndexError::Altered)
}

async fn in_tail(
    tx: &mut Tx<'_>,
    keys: &BlobKeys,
    originator: &AgencyId,
    print: u64,
    from: u64,
    found: &mut Vec<u64>,
) -> Result<(), IndexError> {
    let mut next = from;
    loop {
        let rows = tx.recipient_tail(originator, next, ROWS).await?;
        let full = rows.len() >= ROWS as usize;
        for row in rows {
            let leaf = row.leaf.ok_or(IndexError::Altered)?;
            let prints = keys.open_tail(&leaf_hash(&leaf), &row.sealed);
            if prints.map_err(|_| IndexError::Altered)?.contains(&print) {
                found.push(row.index);
            }
            next = row.index.saturating_add(1);
        }
        if !full {
            return Ok(());
        }
    }
}
