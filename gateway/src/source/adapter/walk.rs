//! A walk over a spool in the order of opaque ids: behind one of them, over all entries or over those that are
//! named, reading only blocks that can hold what is wanted.

use std::io;

use bytes::Bytes;

use super::spool::{self, Spool, Stored};

/// Where a walk stands.
pub struct Walk {
    spool: Spool,
    after: Vec<u8>,
    only: Option<Only>,
    next_block: usize,
    block: Bytes,
}

/// Ids that are named one by one, and the blocks that can hold them.
struct Only {
    ids: Vec<Bytes>,
    blocks: std::vec::IntoIter<usize>,
}

impl Walk {
    /// Begins behind an id. `only`, where given, are the only entries wanted, ascending.
    pub fn new(spool: Spool, after: &[u8], only: Option<Vec<Bytes>>) -> Self {
        let only = only.map(|ids| {
            let behind = ids.iter().filter(|id| id.as_ref() > after);
            let mut blocks: Vec<_> = behind.map(|id| spool.block_of(id)).collect();
            blocks.dedup();
            Only { ids, blocks: blocks.into_iter() }
        });
        let next_block = spool.block_behind(after);
        Self { spool, after: after.to_vec(), only, next_block, block: Bytes::new() }
    }

    /// The next wanted entry of the block at hand.
    pub fn take(&mut self) -> Option<Stored> {
        loop {
            let stored = spool::take(&mut self.block)?;
            if stored.id.as_slice() > self.after.as_slice() && self.named(&stored) {
                return Some(stored);
            }
        }
    }

    /// Reads the next block that can hold what is wanted; false: there is none.
    ///
    /// # Errors
    /// What the file system says; a block that does not hold whole entries.
    pub fn advance(&mut self) -> io::Result<bool> {
        if !self.block.is_empty() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let next = match &mut self.only {
            Some(only) => only.blocks.next(),
            None => {
                self.next_block += 1;
                Some(self.next_block - 1)
            }
        };
        let read = next.map(|next| self.spool.read(next)).transpose()?.flatten();
        let more = read.is_some();
        self.block = read.unwrap_or_default();
        Ok(more)
    }

    fn named(&self, stored: &Stored) -> bool {
        let named = |id: &Bytes| id.as_ref().cmp(stored.id.as_slice());
        self.only.as_ref().is_none_or(|only| only.ids.binary_search_by(named).is_ok())
    }
}
