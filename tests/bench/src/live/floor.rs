//! The floor: the byte proxy, doing of the gateway's work only what no gateway of this kind can leave out, each
//! with the fastest part at hand. For a call, two notes of 512 bytes in a file, each on the disk before the call
//! goes on, and all calls that wait at a moment share one `fdatasync`; for a record, the redactor under *half
//! withheld* and one SHA-256 over what is left of it.
//!
//! No decision, no identity of records, no budget, no handling, no sealing, no Merkle tree, signature, plan or
//! receipt, no database. A goal below it cannot be met by any gateway built of these parts.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, mpsc};

use bytes::{BufMut as _, Bytes, BytesMut};
use portcullis_core::redact::{Redactor, ScopeKey};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use tonic::Status;

use super::raw::each;
use crate::engine;

/// Bytes of a note: about what an intent and its index take.
const NOTE: usize = 512;

/// What a proxy needs to be the floor. Clones share it.
#[derive(Clone)]
pub struct Floor {
    redactor: Arc<Redactor>,
    key: Arc<ScopeKey>,
    notes: mpsc::Sender<(Vec<u8>, oneshot::Sender<()>)>,
}

impl Floor {
    /// With its notes in this folder.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let (redactor, key) = engine::half_withheld()?;
        let file = File::create(dir.join("floor.notes"))?;
        let (notes, waiting) = mpsc::channel();
        std::thread::spawn(move || keep(file, &waiting));
        Ok(Self { redactor, key, notes })
    }

    /// Notes something; it is on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot be.
    pub async fn note(&self, hash: &[u8]) -> Result<(), Status> {
        let mut note = vec![0; NOTE];
        note[..hash.len()].copy_from_slice(hash);
        let (done, durable) = oneshot::channel();
        self.notes.send((note, done)).map_err(|_| gone())?;
        durable.await.map_err(|_| gone())
    }

    /// What is left of a message of a source, and the hash over the hashes of its records; none: it has none.
    ///
    /// # Errors
    /// A record that is refused.
    pub fn reduce(&self, message: &Bytes) -> Result<(Bytes, Option<[u8; 32]>), Status> {
        let (mut records, mut hashes) = (vec![], Sha256::new());
        let mut refused = false;
        each(message, |number, batch| {
            if number != 1 {
                return;
            }
            each(batch, |_, record| {
                let mut kept = (vec![], vec![]);
                each(record, |number, value| match number {
                    1 => kept.0.extend_from_slice(value),
                    3 => {
                        let mut none = vec![];
                        let done = self.redactor.redact(&self.key, value, &mut kept.1, &mut none);
                        refused |= done.is_err();
                        hashes.update(Sha256::digest(&kept.1));
                    }
                    _ => {}
                });
                records.push(kept);
            });
        });
        if refused {
            return Err(Status::internal("a record is refused"));
        }
        if records.is_empty() {
            return Ok((message.clone(), None));
        }
        Ok((write(&records), Some(hashes.finalize().into())))
    }
}

fn gone() -> Status {
    Status::unavailable("notes cannot be taken")
}

/// A batch of ids and payloads, as a source would send it.
fn write(records: &[(Vec<u8>, Vec<u8>)]) -> Bytes {
    let field = |length: usize| 1 + prost::length_delimiter_len(length) + length;
    let one = |(id, payload): &(Vec<u8>, Vec<u8>)| field(id.len()) + field(payload.len());
    let batch: usize = records.iter().map(|record| field(one(record))).sum();
    let mut out = BytesMut::with_capacity(field(batch));
    let head = |out: &mut BytesMut, number: u8, length: usize| {
        out.put_u8(number << 3 | 2);
        prost::encoding::encode_varint(length as u64, out);
    };
    head(&mut out, 1, batch);
    for record in records {
        head(&mut out, 1, one(record));
        for (number, bytes) in [(1, &record.0), (3, &record.1)] {
            head(&mut out, number, bytes.len());
            out.put_slice(bytes);
        }
    }
    out.freeze()
}

/// Writes what waits, syncs once, lets go of everybody.
fn keep(mut file: File, waiting: &mpsc::Receiver<(Vec<u8>, oneshot::Sender<()>)>) {
    while let Ok((mut notes, first)) = waiting.recv() {
        let mut all = vec![first];
        while let Ok((note, done)) = waiting.try_recv() {
            notes.extend_from_slice(&note);
            all.push(done);
        }
        if file.write_all(&notes).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for done in all {
            let _ = done.send(());
        }
    }
}
