//! Trees, proofs and notes, held against the crates `tlog_tiles` and `signed_note` as outsiders.

use std::collections::HashMap;

use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Checkpoint as OutsideCheckpoint, Hash, check_record, check_tree, record_hash};

use super::super::tree::{self, Frontier, Nodes};
use super::*;

/// A naive tree over all leaf hashes.
struct Plain(Vec<Digest>);

impl Nodes for Plain {
    fn node(&self, level: u32, position: u64) -> Option<Digest> {
        let (low, high) = (position << level, (position + 1) << level);
        forest::fold(self.0.get(usize::try_from(low).ok()?..usize::try_from(high).ok()?)?)
    }
}

fn outside(path: &[Digest]) -> Vec<Hash> {
    path.iter().map(|step| Hash(step.0)).collect()
}

#[test]
fn an_outsider_accepts_every_root_and_proof_up_to_130_leaves() {
    let leaves: Vec<_> = (0..130_u64).map(|n| n.to_be_bytes()).collect();
    let plain = Plain(leaves.iter().map(|leaf| tree::leaf_hash(leaf)).collect());
    let mut frontier = Frontier::default();
    let mut roots = vec![tree::empty_root()];
    let mut stored = HashMap::new();
    for (n, leaf) in (0_u64..).zip(&leaves) {
        frontier.push(tree::leaf_hash(leaf), |_, _, _| ());
        roots.push(frontier.root());
        assert_eq!(tree::root(&plain, n + 1), Some(frontier.root()));
        // The outsider's own way of storing and combining hashes.
        let reader = Stored(&stored);
        let hashes = tlog_tiles::stored_hashes(n, leaf, &reader).unwrap();
        for (at, hash) in (tlog_tiles::stored_hash_index(0, n)..).zip(hashes) {
            stored.insert(at, hash);
        }
        let root = tlog_tiles::tree_hash(n + 1, &Stored(&stored)).unwrap();
        assert_eq!(root.0, frontier.root().0);
    }
    for size in 1..=130_u64 {
        let root = roots[size as usize];
        for index in 0..size {
            let path = tree::inclusion(&plain, index, size).unwrap();
            let leaf = &leaves[index as usize];
            check_record(&outside(&path), size, Hash(root.0), index, record_hash(leaf)).unwrap();
            let leaf = tree::leaf_hash(leaf);
            assert_eq!(tree::root_of_inclusion(leaf, index, size, &path), Some(root));
            let wrong = tree::root_of_inclusion(leaf, (index + 1) % size, size, &path);
            assert!(size == 1 || wrong != Some(root));
        }
        for old in 1..=size {
            let path = tree::consistency(&plain, old, size).unwrap();
            let old_root = roots[old as usize];
            check_tree(&outside(&path), size, Hash(root.0), old, Hash(old_root.0)).unwrap();
            assert!(tree::verify_consistency(old, size, &old_root, &root, &path));
            let forged = tree::leaf_hash(b"forged");
            assert!(!tree::verify_consistency(old, size, &forged, &root, &path));
            assert!(!tree::verify_consistency(old, size, &old_root, &forged, &path));
            let longer = [path.as_slice(), &[forged]].concat();
            assert!(!tree::verify_consistency(old, size, &old_root, &root, &longer));
        }
    }
    assert!(tree::inclusion(&plain, 5, 5).is_none() && tree::consistency(&plain, 6, 5).is_none());
}

struct Stored<'a>(&'a HashMap<u64, Hash>);

impl tlog_tiles::HashReader for Stored<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|at| self.0[at]).collect())
    }
}

/// The forest with its stretches gives the same proofs as the naive tree.
#[test]
fn a_forest_gives_the_proofs_of_the_naive_tree() {
    let leaves: Vec<_> = (0..10_000_u64).map(|n| tree::leaf_hash(&n.to_be_bytes())).collect();
    let mut forest = Forest::default();
    for some in leaves.chunks(137) {
        let growth = forest.grow(some);
        forest.apply(growth, some);
    }
    let groups: HashMap<_, _> =
        (0..).zip(leaves.chunks(256)).map(|(group, leaves)| (group, leaves.to_vec())).collect();
    let view = forest::View { forest: &forest, groups: &groups };
    let plain = Plain(leaves);
    for size in [1, 255, 256, 257, 511, 512, 4097, 9_999, 10_000] {
        assert_eq!(tree::root(&view, size), tree::root(&plain, size));
        for index in (0..size).step_by(101) {
            assert_eq!(tree::inclusion(&view, index, size), tree::inclusion(&plain, index, size));
            let old = index + 1;
            assert_eq!(tree::consistency(&view, old, size), tree::consistency(&plain, old, size));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outsider_accepts_receipts_notes_and_consistency() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let verifier = VerifierList::new(vec![Box::new(
        StandardVerifier::new(&audit.verifier().to_string()).unwrap(),
    )]);
    let read = |note: &str| {
        let note = Note::from_bytes(note.as_bytes()).unwrap();
        let (good, unknown) = note.verify(&verifier).unwrap();
        assert_eq!((good.len(), unknown.len()), (1, 0));
        OutsideCheckpoint::from_bytes(note.text()).unwrap()
    };
    let empty = audit.checkpoint().await;
    assert_eq!(read(&empty.note).size(), 0);
    let mut kept = Vec::new();
    for round in 0..6 {
        let many: Vec<_> = (0..70).map(|_| exchange(&audit)).collect();
        for durable in futures::future::join_all(many).await {
            let receipt = audit.receipt(&durable).await.unwrap();
            let checkpoint = read(&receipt.checkpoint);
            assert_eq!(checkpoint.origin(), ORIGIN);
            let leaf = record_hash(&receipt.leaf);
            let path = outside(&receipt.path);
            check_record(&path, checkpoint.size(), *checkpoint.hash(), receipt.index, leaf)
                .unwrap();
            assert!(round > 0 || receipt.index < 280);
        }
        let newest = audit.checkpoint().await;
        for old in &kept {
            let old: &Checkpoint = old;
            let (path, new) = audit.consistency(old.size, Some(newest.size)).await.unwrap();
            let root = Hash(new.root.0);
            check_tree(&outside(&path), new.size, root, old.size, Hash(old.root.0)).unwrap();
        }
        kept.push(newest);
    }
    // Every entry, in an old tree and in the newest, also after a restart and with few leaves re-read.
    audit.close().await;
    let audit = bench.try_open(Scrub { all: 0, tail: 300 }).await.unwrap();
    for checkpoint in [kept.first().unwrap(), kept.last().unwrap()] {
        for index in (0..checkpoint.size).step_by(37) {
            let proof = audit.inclusion(index, Some(checkpoint.size)).await.unwrap();
            let root = tree::root_of_inclusion(
                tree::leaf_hash(&proof.leaf),
                index,
                checkpoint.size,
                &proof.path,
            );
            assert_eq!(root, Some(checkpoint.root));
        }
        let beyond = audit.inclusion(checkpoint.size, Some(checkpoint.size)).await;
        assert_eq!(beyond.unwrap_err(), CommitError::NotInLog);
    }
}

#[test]
fn a_note_is_refused_when_anything_in_it_changes() {
    let signer = LogSigner::new(ORIGIN, &[7; 32]).unwrap();
    let other = LogSigner::new(ORIGIN, &[8; 32]).unwrap();
    let checkpoint = signer.sign(42, Digest::of(b"root"));
    let verifier = LogVerifier::parse(&signer.verifier().to_string()).unwrap();
    assert_eq!(verifier.open(&checkpoint.note), Ok(checkpoint.clone()));
    assert_eq!(other.verifier().open(&checkpoint.note), Err(NoteError::NotSigned));
    let note = checkpoint.note.into_bytes();
    for at in 0..note.len() {
        let mut forged = note.clone();
        forged[at] ^= 1;
        let Ok(forged) = String::from_utf8(forged) else { continue };
        assert!(verifier.open(&forged).is_err(), "{at}: {forged}");
    }
    for bad in ["", "a b", "a+b"] {
        assert_eq!(LogSigner::new(bad, &[7; 32]).unwrap_err(), NoteError::Name);
    }
    let wrong = signer.verifier().to_string().replace(ORIGIN, "other.test");
    assert_eq!(LogVerifier::parse(&wrong), Err(NoteError::Key));
}
