//! The converted records in the order of their opaque ids, in a file without a name: created 0600 and
//! unlinked while still empty, so that nothing is left of it after the process, however that ends. It holds
//! record data: put `spool_dir` where the data themselves may lie. Of a table it holds no records but the keys
//! of its rows, in the same order.
//!
//! While loading, 40 bytes of memory per record hold the order (twice that while the list grows); afterwards
//! 32 bytes per block of 256 KiB.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf as _, Bytes};

use super::handling::RowHandling;

/// Bytes of an opaque id.
pub const ID_BYTES: usize = 16;
/// An opaque id.
pub type OpaqueId = [u8; ID_BYTES];

/// Records are read in blocks of about this size; one that is larger has a block of its own.
const BLOCK: u64 = 256 << 10;
/// Id, length of what follows.
const HEAD: usize = ID_BYTES + 4;
/// Class, delete-by, version.
const HANDLING: usize = 4 + 8 + 8;
const NO_DELETE_BY: i64 = i64::MIN;

/// Takes records in any order.
pub struct Spooling {
    file: BufWriter<File>,
    entries: Vec<Entry>,
    written: u64,
}

struct Entry {
    id: OpaqueId,
    offset: u64,
    length: u32,
    line: u32,
    file: u16,
}

/// Two rows with the same id: file number and line of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    /// The row that came first.
    pub first: (u16, u32),
    /// The row that repeats its id.
    pub second: (u16, u32),
}

impl Spooling {
    /// Begins in a folder.
    ///
    /// # Errors
    /// What the file system says.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, nameless(folder)?);
        Ok(Self { file, entries: vec![], written: 0 })
    }

    /// Takes a record and where it came from.
    ///
    /// # Errors
    /// What the file system says; a record of 4 GiB.
    pub fn push(
        &mut self,
        id: OpaqueId,
        handling: RowHandling,
        payload: &[u8],
        origin: (u16, u64),
    ) -> io::Result<()> {
        self.file.write_all(&handling.class.to_le_bytes())?;
        self.file.write_all(&handling.delete_by.unwrap_or(NO_DELETE_BY).to_le_bytes())?;
        self.file.write_all(&handling.version.to_le_bytes())?;
        self.file.write_all(payload)?;
        let length = u32::try_from(HANDLING + payload.len()).map_err(io::Error::other)?;
        let line = u32::try_from(origin.1).unwrap_or(u32::MAX);
        self.entries.push(Entry { id, offset: self.written, length, line, file: origin.0 });
        self.written += u64::from(length);
        Ok(())
    }

    /// Forgets every record whose id another one has too; says how many.
    pub fn drop_duplicates(&mut self) -> u64 {
        self.sort();
        let twice: std::collections::HashSet<OpaqueId> = self
            .entries
            .windows(2)
            .filter_map(|pair| match pair {
                [one, two] if one.id == two.id => Some(one.id),
                _ => None,
            })
            .collect();
        let before = self.entries.len();
        self.entries.retain(|entry| !twice.contains(&entry.id));
        u64::try_from(before - self.entries.len()).unwrap_or(u64::MAX)
    }

    fn sort(&mut self) {
        self.entries.sort_unstable_by_key(|entry| (entry.id, entry.file, entry.line));
    }

    /// Sorts; rows with the same id come back instead.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(mut self, folder: &Path) -> io::Result<Result<Spool, Vec<Duplicate>>> {
        self.sort();
        let duplicates = self.duplicates();
        if !duplicates.is_empty() {
            return Ok(Err(duplicates));
        }
        let unsorted = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut sorted = BufWriter::with_capacity(1 << 20, nameless(folder)?);
        let (mut blocks, mut at, mut body): (Vec<Block>, u64, Vec<u8>) = (vec![], 0, vec![]);
        for entry in &self.entries {
            body.resize(usize::try_from(entry.length).map_err(io::Error::other)?, 0);
            unsorted.read_exact_at(&mut body, entry.offset)?;
            sorted.write_all(&entry.id)?;
            sorted.write_all(&entry.length.to_le_bytes())?;
            sorted.write_all(&body)?;
            let size = u64::from(entry.length) + HEAD as u64;
            match blocks.last_mut().filter(|block| block.length + size <= BLOCK) {
                Some(block) => {
                    block.length += size;
                    block.last = entry.id;
                }
                None => blocks.push(Block { last: entry.id, offset: at, length: size }),
            }
            at += size;
        }
        let file = sorted.into_inner().map_err(io::IntoInnerError::into_error)?;
        let records = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        Ok(Ok(Spool { file: Arc::new(file), blocks: blocks.into(), records }))
    }

    fn duplicates(&self) -> Vec<Duplicate> {
        let mut found = vec![];
        let mut first: Option<&Entry> = None;
        for entry in &self.entries {
            match first.filter(|first| first.id == entry.id) {
                Some(first) => found.push(Duplicate {
                    first: (first.file, first.line),
                    second: (entry.file, entry.line),
                }),
                None => first = Some(entry),
            }
        }
        found.sort_unstable_by_key(|duplicate| duplicate.second);
        found
    }
}

/// Records in ascending order of their opaque ids.
#[derive(Clone)]
pub struct Spool {
    file: Arc<File>,
    blocks: Arc<[Block]>,
    records: u64,
}

struct Block {
    last: OpaqueId,
    offset: u64,
    length: u64,
}

/// One record.
pub struct Stored {
    /// Its opaque id.
    pub id: OpaqueId,
    /// Its handling.
    pub handling: RowHandling,
    /// The record type's serialization.
    pub payload: Bytes,
}

impl Spool {
    /// How many records there are.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The first block that can hold an id greater than this one; empty: the first of all.
    pub fn block_behind(&self, after: &[u8]) -> usize {
        self.blocks.partition_point(|block| block.last.as_slice() <= after)
    }

    /// The block that holds an id, if any does.
    pub fn block_of(&self, id: &[u8]) -> usize {
        self.blocks.partition_point(|block| block.last.as_slice() < id)
    }

    /// Reads a block; none behind the last.
    ///
    /// # Errors
    /// What the file system says.
    pub fn read(&self, block: usize) -> io::Result<Option<Bytes>> {
        let Some(block) = self.blocks.get(block) else { return Ok(None) };
        let mut bytes = vec![0; usize::try_from(block.length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, block.offset)?;
        Ok(Some(Bytes::from(bytes)))
    }
}

/// Takes the next record off a block, without copying it; none when the block is used up.
pub fn take(block: &mut Bytes) -> Option<Stored> {
    if block.remaining() < HEAD + HANDLING {
        return None;
    }
    let mut id = [0; ID_BYTES];
    block.copy_to_slice(&mut id);
    let length = usize::try_from(block.get_u32_le()).ok()?;
    let class = block.get_u32_le();
    let delete_by = Some(block.get_i64_le()).filter(|at| *at != NO_DELETE_BY);
    let version = block.get_u64_le();
    let payload = length.checked_sub(HANDLING).filter(|left| *left <= block.len())?;
    Some(Stored {
        id,
        handling: RowHandling { class, delete_by, version },
        payload: block.split_to(payload),
    })
}

/// A file that only this process can reach: unlinked before anything is written.
fn nameless(folder: &Path) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".portcullis-spool-{}-{number}", std::process::id()));
    let file =
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
