//! From stored rows to a tree that may be appended to: every start and every recovery goes through here and
//! believes nothing that the newest signed checkpoint does not vouch for.

use std::collections::HashMap;

use portcullis_core::id::Digest;

use super::error::OpenError;
use super::forest::{Forest, GROUP, fold};
use super::note::{Checkpoint, LogVerifier};
use super::tree::leaf_hash;
use crate::store::{StoreError, Tx};

/// How much of a log is read and hashed again at every start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scrub {
    /// Logs up to so many entries in full.
    pub all: u64,
    /// Of longer ones, at least so many of the newest entries; `audit verify` reads the rest.
    pub tail: u64,
}

impl Default for Scrub {
    fn default() -> Self {
        Self { all: 262_144, tail: 65_536 }
    }
}

const PAGE: u32 = 4096;

/// The tree and the checkpoint over it; none for a store in which there never was a log.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    verifier: &LogVerifier,
    scrub: Scrub,
) -> Result<Option<(Forest, Checkpoint)>, OpenError> {
    let (size, peaks) = tx.head().await?;
    let Some((stored, note)) = tx.last_checkpoint().await? else {
        let empty = size == 0 && tx.leaves(0, 1).await?.is_empty();
        return if empty { Ok(None) } else { Err(OpenError::CheckpointMissing) };
    };
    let checkpoint = verifier.open(&note).map_err(OpenError::CheckpointForged)?;
    let signed = checkpoint.size;
    if stored != signed {
        return Err(OpenError::TreeAltered);
    }
    if tx.strays(signed).await? > 0 {
        return Err(OpenError::Unsigned { signed });
    }
    let start =
        if signed <= scrub.all { 0 } else { signed.saturating_sub(scrub.tail) / GROUP * GROUP };
    let forest = grow(tx, start, signed).await?;
    if forest.frontier().root() != checkpoint.root {
        return Err(OpenError::RootDiffers);
    }
    let nodes = tx.nodes().await?;
    if size != signed
        || peaks != forest.frontier().peaks()
        || !nodes.iter().copied().eq(forest.nodes())
    {
        return Err(OpenError::TreeAltered);
    }
    Ok(Some((forest, checkpoint)))
}

/// Builds the tree: stored subtrees below `start`, re-hashed leaves from there on.
async fn grow(tx: &mut Tx<'_>, start: u64, signed: u64) -> Result<Forest, OpenError> {
    let stored: HashMap<_, _> = tx
        .nodes()
        .await?
        .into_iter()
        .filter(|node| node.level == super::forest::GROUP_LEVEL)
        .map(|node| (node.position, node.hash))
        .collect();
    let mut forest = Forest::default();
    for group in 0..start / GROUP {
        let root = stored.get(&group).ok_or(OpenError::TreeAltered)?;
        forest.adopt(*root);
    }
    let mut at = start;
    while at < signed {
        let hashes = read_hashes(tx, at, PAGE).await?;
        let Some(hashes) = hashes else { return Err(OpenError::Truncated { signed, index: at }) };
        for (group, leaves) in (at / GROUP..).zip(hashes.chunks(GROUP as usize)) {
            if leaves.len() as u64 == GROUP && fold(leaves).as_ref() != stored.get(&group) {
                return Err(OpenError::LeafAltered { index: group * GROUP });
            }
        }
        let growth = forest.grow(&hashes);
        forest.apply(growth, &hashes);
        at += hashes.len() as u64;
    }
    Ok(forest)
}

/// Hashes of stored leaves from an index on; none if the first of them is missing. Stops at a gap.
pub(crate) async fn read_hashes(
    tx: &mut Tx<'_>,
    from: u64,
    limit: u32,
) -> Result<Option<Vec<Digest>>, StoreError> {
    let leaves = tx.leaves(from, limit).await?;
    let hashes: Vec<_> = (from..)
        .zip(&leaves)
        .take_while(|(wanted, (index, _))| wanted == index)
        .map(|(_, (_, leaf))| leaf_hash(leaf))
        .collect();
    Ok((!hashes.is_empty()).then_some(hashes))
}
