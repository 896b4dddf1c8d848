//! Bytes of the index: what the tail, a page and a run's fences are, and how they are sealed. Sealed and not only
//! keyed, because equal fingerprints in the clear would link two disclosures of one record for whoever has the store;
//! and so an altered blob does not open, instead of telling something else.

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use aws_lc_rs::hmac;
use portcullis_core::id::Digest;

use super::super::code::Writer;
use super::super::seal::{SealError, key, random};
use crate::store::RunRow;

/// Bytes of a fingerprint.
const PRINT: usize = 8;
/// Bytes of an entry's index in a page: logs of 2^48 entries.
const PLACE: usize = 6;

/// A fingerprint and the entry that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Keyed hash of the opaque id.
    pub print: u64,
    /// Position in the log.
    pub index: u64,
}

/// The keys of one originator's part of the index. All follow from one secret.
pub struct BlobKeys {
    print: hmac::Key,
    tail: LessSafeKey,
    run: LessSafeKey,
}

impl BlobKeys {
    /// From an originator's secret.
    ///
    /// # Errors
    /// Never with 32 bytes.
    pub fn new(secret: &[u8; 32]) -> Result<Self, SealError> {
        let print = hmac::Key::new(hmac::HMAC_SHA256, &derive(secret, b"fingerprint"));
        let (tail, run) = (key(&derive(secret, b"tail"))?, key(&derive(secret, b"run"))?);
        Ok(Self { print, tail, run })
    }

    /// The first 8 bytes of HMAC-SHA256 over an opaque id.
    pub fn print(&self, opaque_id: &[u8]) -> u64 {
        let tag = hmac::sign(&self.print, opaque_id);
        tag.as_ref().first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
    }

    /// An entry's fingerprints, sealed to the hash of its leaf: its first 12 bytes are the nonce, for no two leaves are
    /// equal.
    pub fn seal_tail(&self, leaf: &Digest, prints: &[u64]) -> Result<Vec<u8>, SealError> {
        let plain = prints.iter().flat_map(|print| print.to_be_bytes()).collect();
        seal(&self.tail, leaf_nonce(leaf)?, &leaf.0, plain)
    }

    /// Back from [`BlobKeys::seal_tail`].
    pub fn open_tail(&self, leaf: &Digest, sealed: &[u8]) -> Result<Vec<u64>, SealError> {
        let plain = open(&self.tail, leaf_nonce(leaf)?, &leaf.0, sealed)?;
        prints(&plain)
    }

    /// A page of a run: 14 bytes an item, in order.
    pub fn seal_page(&self, run: u64, page: u32, items: &[Item]) -> Result<Vec<u8>, SealError> {
        let mut plain = Vec::with_capacity(items.len() * (PRINT + PLACE) + 16);
        for item in items {
            plain.extend_from_slice(&item.print.to_be_bytes());
            let [_, _, place @ ..] = item.index.to_be_bytes();
            plain.extend_from_slice(&place);
        }
        self.seal_run(&page_aad(run, page), plain)
    }

    /// Back from [`BlobKeys::seal_page`].
    pub fn open_page(&self, run: u64, page: u32, sealed: &[u8]) -> Result<Vec<Item>, SealError> {
        let plain = self.open_run(&page_aad(run, page), sealed)?;
        let (items, rest) = plain.as_chunks::<{ PRINT + PLACE }>();
        if !rest.is_empty() {
            return Err(SealError::Key);
        }
        Ok(items.iter().map(item).collect())
    }

    /// The first fingerprint of every page, sealed to what the run's row says.
    pub fn seal_fences(&self, run: &RunRow, fences: &[u64]) -> Result<Vec<u8>, SealError> {
        let plain = fences.iter().flat_map(|print| print.to_be_bytes()).collect();
        self.seal_run(&run_aad(run)?, plain)
    }

    /// Back from [`BlobKeys::seal_fences`]; as many as the run has pages.
    pub fn open_fences(&self, run: &RunRow) -> Result<Vec<u64>, SealError> {
        let fences = prints(&self.open_run(&run_aad(run)?, &run.fences)?)?;
        if fences.len() as u64 == u64::from(run.pages) { Ok(fences) } else { Err(SealError::Key) }
    }

    fn seal_run(&self, aad: &[u8], plain: Vec<u8>) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let sealed = seal(&self.run, Nonce::assume_unique_for_key(nonce), aad, plain)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn open_run(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Key)?;
        open(&self.run, Nonce::assume_unique_for_key(*nonce), aad, sealed)
    }
}

/// A secret of its own for another use.
pub fn derive(secret: &[u8; 32], what: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut derived = [0; 32];
    derived.copy_from_slice(hmac::sign(&key, what).as_ref());
    derived
}

fn item(bytes: &[u8; PRINT + PLACE]) -> Item {
    let (print, place) = bytes.split_at(PRINT);
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Item { print: number(print), index: number(place) }
}

fn prints(plain: &[u8]) -> Result<Vec<u64>, SealError> {
    let (prints, rest) = plain.as_chunks::<PRINT>();
    if rest.is_empty() {
        Ok(prints.iter().map(|print| u64::from_be_bytes(*print)).collect())
    } else {
        Err(SealError::Key)
    }
}

fn leaf_nonce(leaf: &Digest) -> Result<Nonce, SealError> {
    let head = leaf.0.first_chunk::<NONCE_LEN>().ok_or(SealError::Key)?;
    Ok(Nonce::assume_unique_for_key(*head))
}

fn page_aad(run: u64, page: u32) -> Vec<u8> {
    [b"page".as_slice(), &run.to_be_bytes(), &page.to_be_bytes()].concat()
}

fn run_aad(run: &RunRow) -> Result<Vec<u8>, SealError> {
    let mut out = Writer::default();
    out.raw(b"run").u64(run.id).text(run.agency.as_str()).u32(run.level);
    out.u64(run.first).u64(run.last).u64(run.records).u32(run.pages);
    Ok(out.finish()?)
}

fn seal(
    key: &LessSafeKey,
    nonce: Nonce,
    aad: &[u8],
    mut plain: Vec<u8>,
) -> Result<Vec<u8>, SealError> {
    key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut plain).map_err(|_| SealError::Key)?;
    Ok(plain)
}

fn open(key: &LessSafeKey, nonce: Nonce, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut buffer = sealed.to_vec();
    let opened = key.open_in_place(nonce, Aad::from(aad), &mut buffer);
    let plain = opened.map_err(|_| SealError::Key)?.len();
    buffer.truncate(plain);
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunRow {
        RunRow {
            id: 7,
            agency: "licensing-b".into(),
            level: 1,
            first: 3,
            last: 1 << 40,
            records: 2,
            pages: 1,
            fences: vec![],
        }
    }

    #[test]
    fn what_was_sealed_opens_where_it_belongs_and_nowhere_else() {
        let keys = BlobKeys::new(&[7; 32]).unwrap();
        let other = BlobKeys::new(&[8; 32]).unwrap();
        let items = [Item { print: 1, index: 3 }, Item { print: u64::MAX, index: (1 << 48) - 1 }];
        let page = keys.seal_page(7, 0, &items).unwrap();
        assert_eq!(page.len(), 28 + 2 * 14);
        assert_eq!(keys.open_page(7, 0, &page).unwrap(), items);
        for (run, number) in [(7, 1), (8, 0)] {
            assert!(keys.open_page(run, number, &page).is_err());
        }
        assert!(other.open_page(7, 0, &page).is_err());
        assert_ne!(keys.seal_page(7, 0, &items).unwrap(), page, "equal pages look unlike");

        let fences = RunRow { fences: keys.seal_fences(&run(), &[1]).unwrap(), ..run() };
        assert_eq!(keys.open_fences(&fences).unwrap(), [1]);
        assert!(keys.open_fences(&RunRow { records: 3, ..fences.clone() }).is_err());
        assert!(keys.open_fences(&RunRow { last: 4, ..fences }).is_err());

        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        let tail = keys.seal_tail(&one, &[5, 6]).unwrap();
        assert_eq!(tail.len(), 16 + 2 * 8);
        assert_eq!(keys.open_tail(&one, &tail).unwrap(), [5, 6]);
        assert!(keys.open_tail(&two, &tail).is_err(), "of another entry");
        assert_ne!(keys.print(b"id"), other.print(b"id"), "nobody else's fingerprint");
    }
}
