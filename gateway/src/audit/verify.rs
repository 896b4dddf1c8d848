//! Checking a log from its store and its public key alone: every leaf hashed again, every checkpoint's root
//! and signature, every body against its leaf, every disclosure hanging on an intent. A checkpoint or receipt
//! kept elsewhere shows what the store alone cannot: that the log was rolled back or forked.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_core::id::Digest;
use serde_json::Value;

use super::event::ExchangeId;
use super::forest::Forest;
use super::leaf::{EntryKind, Leaf, Link};
use super::note::{Checkpoint, LogVerifier, NoteError};
use super::part::commit_body;
use super::read::{LogProof, epoch};
use super::seal::{EpochId, Party, SealedPart, sealed_parts};
use super::tree::{leaf_hash, root_of_inclusion};
use crate::store::{EntryRow, ListFilter, Store, StoreError, Tx};

const PAGE: u32 = 256;
/// Bytes of a record in a share: three hashes.
const RECORD: usize = 3 * 32;
/// Most faults that are told.
const MAX_FAULTS: usize = 100;

/// What is kept outside and held against the store.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// Signed notes of earlier checkpoints.
    pub checkpoints: Vec<String>,
    /// A receipt.
    pub receipt: Option<LogProof>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Entries by kind: intents, disclosures, outcomes, denials, steps of release requests.
    pub kinds: [u64; 5],
    /// Checkpoints whose signature and root are right.
    pub checkpoints: u64,
    /// Exchanges without an outcome: under way, or their end is unknown.
    pub open_exchanges: u64,
    /// The index of recipients is complete from this entry on; none: the store has no index.
    pub recipients_from: Option<u64>,
    /// Entries read.
    pub size: u64,
    /// Root over them.
    pub root: Digest,
    /// What is wrong, in the order it was found; empty: the log is sound.
    pub faults: Vec<Fault>,
}

impl Report {
    /// Nothing is wrong.
    pub fn sound(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS && !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

/// Something wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The store cannot be read to the end.
    #[error("the store cannot be read: {0}")]
    Unreadable(String),
    /// An entry is missing.
    #[error("entry {0} is missing")]
    Missing(u64),
    /// A leaf is not one of format version 1.
    #[error("entry {0}: the leaf is malformed")]
    Malformed(u64),
    /// The columns beside a leaf say something else.
    #[error("entry {0}: kind, time or exchange differ from the leaf")]
    Columns(u64),
    /// A body is missing or not the one that the leaf commits to.
    #[error("entry {0}: the sealed body is not the one that the leaf commits to")]
    Body(u64),
    /// The parties on file are not the body's readers.
    #[error("entry {0}: the parties on file are not the body's readers")]
    Parties(u64),
    /// A body's epoch key is missing or altered.
    #[error("entry {0}: an epoch key of its body is missing or altered")]
    Epoch(u64),
    /// An epoch key that nothing uses, or under a wrong name.
    #[error("the epoch key `{0}` is not what its name says, or nothing uses it")]
    StrayEpoch(String),
    /// A disclosure or outcome that does not hang on its exchange's intent and the entries before it.
    #[error("entry {0}: it does not follow from an intent and the disclosures before it")]
    Chain(u64),
    /// A checkpoint's signature or text.
    #[error("the checkpoint over {size} entries: {cause}")]
    Checkpoint {
        /// Entries it covers.
        size: u64,
        /// What is wrong.
        cause: NoteError,
    },
    /// A checkpoint's root is not that of the entries.
    #[error(
        "entries {from} to {to} were altered: the checkpoint over {size} entries has another root"
    )]
    Altered {
        /// First entry that may be altered.
        from: u64,
        /// Last one.
        to: u64,
        /// Entries that the checkpoint covers.
        size: u64,
    },
    /// There is no checkpoint over all entries, or one over more than there are.
    #[error("the newest checkpoint covers {signed} entries, but there are {size}")]
    Unsigned {
        /// Entries of the newest checkpoint.
        signed: u64,
        /// Entries in the store.
        size: u64,
    },
    /// There never was a checkpoint.
    #[error("the store holds no signed checkpoint")]
    NoCheckpoint,
    /// The index of recipients has not as many fingerprints of an originator as its records were disclosed.
    #[error("the index of recipients has {found} of {wanted} disclosed records of `{agency}`")]
    Recipients {
        /// The originator.
        agency: String,
        /// Records in the log, since there is an index.
        wanted: u64,
        /// Fingerprints in the index.
        found: u64,
    },
    /// Stored subtrees or the frontier do not fit the entries.
    #[error("the stored tree does not fit the entries")]
    Tree,
    /// Rows beyond the end of the log.
    #[error("the store has rows beyond the end of the log")]
    Strays,
    /// The checkpoint kept outside does not verify.
    #[error("the checkpoint kept outside: {0}")]
    OutsideForged(NoteError),
    /// The log is shorter than what was kept outside.
    #[error(
        "the log was rolled back: a checkpoint kept outside covers {kept} entries, there are {size}"
    )]
    RolledBack {
        /// Entries of the kept checkpoint.
        kept: u64,
        /// Entries in the store.
        size: u64,
    },
    /// The log is not a continuation of what was kept outside.
    #[error(
        "the log was forked or rewritten: its first {kept} entries are not those that a checkpoint kept outside covers"
    )]
    Forked {
        /// Entries of the kept checkpoint.
        kept: u64,
    },
    /// The receipt's path does not lead to its checkpoint.
    #[error("the receipt does not prove its entry {0}")]
    Receipt(u64),
    /// The receipt's entry is not in the log.
    #[error("the receipt's entry {0} is not the one in the log")]
    ReceiptEntry(u64),
}

impl Fault {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "STORE_UNREADABLE",
            Self::Missing(_) => "ENTRY_MISSING",
            Self::Malformed(_) => "LEAF_MALFORMED",
            Self::Columns(_) => "COLUMNS_DIFFER",
            Self::Body(_) => "BODY_DIFFERS",
            Self::Parties(_) => "PARTIES_DIFFER",
            Self::Epoch(_) => "EPOCH_MISSING",
            Self::StrayEpoch(_) => "EPOCH_STRAY",
            Self::Chain(_) => "CHAIN_BROKEN",
            Self::Checkpoint { .. } => "CHECKPOINT_FORGED",
            Self::Altered { .. } => "ENTRIES_ALTERED",
            Self::Unsigned { .. } => "ENTRIES_UNSIGNED",
            Self::NoCheckpoint => "CHECKPOINT_MISSING",
            Self::Recipients { .. } => "RECIPIENTS_DIFFER",
            Self::Tree => "TREE_DIFFERS",
            Self::Strays => "ROWS_STRAY",
            Self::OutsideForged(_) => "OUTSIDE_CHECKPOINT_FORGED",
            Self::RolledBack { .. } => "LOG_ROLLED_BACK",
            Self::Forked { .. } => "LOG_FORKED",
            Self::Receipt(_) => "RECEIPT_WRONG",
            Self::ReceiptEntry(_) => "RECEIPT_ENTRY_DIFFERS",
        }
    }
}

/// Checks a log. Everything that is wrong is in the report; this does not fail.
pub async fn verify(store: &Store, verifier: &LogVerifier, outside: &Outside) -> Report {
    let mut walk = Walk::new(verifier, outside);
    if let Err(error) = walk.run(store).await {
        walk.report.fault(Fault::Unreadable(error.to_string()));
    }
    walk.report
}

struct Exchange {
    intent: Digest,
    last: Digest,
    batches: u32,
}

struct Walk<'a> {
    verifier: &'a LogVerifier,
    receipt: Option<&'a LogProof>,
    report: Report,
    forest: Forest,
    exchanges: HashMap<ExchangeId, Exchange>,
    /// Leaf hash and number of the last step of every release request.
    releases: HashMap<ExchangeId, (Digest, u32)>,
    /// Stored checkpoints still ahead, and the size of the last that was right.
    ahead: VecDeque<(u64, String)>,
    read_to: Option<u64>,
    good: u64,
    altered: bool,
    /// Checkpoints kept outside, by size.
    kept: Vec<Checkpoint>,
    epochs: HashSet<EpochId>,
    used: HashSet<EpochId>,
    /// Records disclosed since there is an index, by originator.
    disclosed: BTreeMap<String, u64>,
}

impl<'a> Walk<'a> {
    fn new(verifier: &'a LogVerifier, outside: &'a Outside) -> Self {
        let mut report = Report::default();
        let mut kept = Vec::new();
        let receipt = outside.receipt.as_ref();
        let notes = outside.checkpoints.iter().chain(receipt.map(|proof| &proof.checkpoint));
        for note in notes {
            match verifier.open(note) {
                Ok(checkpoint) => kept.push(checkpoint),
                Err(cause) => report.fault(Fault::OutsideForged(cause)),
            }
        }
        Self {
            verifier,
            receipt,
            report,
            forest: Forest::default(),
            exchanges: HashMap::new(),
            releases: HashMap::new(),
            ahead: VecDeque::new(),
            read_to: None,
            good: 0,
            altered: false,
            kept,
            epochs: HashSet::new(),
            used: HashSet::new(),
            disclosed: BTreeMap::new(),
        }
    }

    async fn run(&mut self, store: &Store) -> Result<(), StoreError> {
        let mut tx = store.read("verify_audit").await?;
        for row in tx.epochs(None).await? {
            let id = row.id;
            if epoch(row).id() == id {
                self.epochs.insert(id);
            } else {
                self.report.fault(Fault::StrayEpoch(hex::encode(id)));
            }
        }
        self.report.recipients_from = tx.recipient_state().await?.map(|state| state.complete_from);
        self.receipt_proves();
        self.checkpoints(&mut tx).await?;
        let walked = self.entries(&mut tx).await;
        self.report.size = self.forest.size();
        self.report.root = self.forest.frontier().root();
        self.report.open_exchanges = self.exchanges.len() as u64;
        for kept in &self.kept {
            let (kept, size) = (kept.size, self.report.size);
            if kept > size {
                self.report.fault(Fault::RolledBack { kept, size });
            }
        }
        walked?;
        self.finish(&mut tx).await
    }

    async fn entries(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        loop {
            let from = self.forest.size();
            let filter = ListFilter { from, limit: PAGE, ..ListFilter::default() };
            let rows = tx.list(&filter).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            let mut parties: HashMap<u64, Vec<String>> = HashMap::new();
            for (index, agency) in tx.parties(from, last.index.saturating_add(1)).await? {
                parties.entry(index).or_default().push(agency);
            }
            for row in rows {
                if row.index != self.forest.size() {
                    self.report.fault(Fault::Missing(self.forest.size()));
                    return Ok(());
                }
                let agencies = parties.remove(&row.index).unwrap_or_default();
                self.entry(&row, &agencies);
                let hash = [leaf_hash(&row.leaf)];
                let growth = self.forest.grow(&hash);
                self.forest.apply(growth, &hash);
                self.checkpoints(tx).await?;
            }
        }
    }

    fn entry(&mut self, row: &EntryRow, agencies: &[String]) {
        let index = row.index;
        if let Some(receipt) = self.receipt.filter(|receipt| receipt.index == index)
            && receipt.leaf != row.leaf
        {
            self.report.fault(Fault::ReceiptEntry(index));
        }
        let Ok(leaf) = Leaf::decode(&row.leaf) else {
            return self.report.fault(Fault::Malformed(index));
        };
        if i64::from(leaf.kind() as u8) != row.kind
            || leaf.at != row.at
            || leaf.exchange.0.as_slice() != row.exchange
        {
            self.report.fault(Fault::Columns(index));
        }
        self.body(&leaf, row, agencies);
        self.chain(&leaf, index, leaf_hash(&row.leaf));
        let kind = match leaf.kind() {
            EntryKind::Intent => 0,
            EntryKind::Disclosure => 1,
            EntryKind::Outcome => 2,
            EntryKind::Denial => 3,
            EntryKind::Release => 4,
        };
        if let Some(count) = self.report.kinds.get_mut(kind) {
            *count += 1;
        }
    }

    fn body(&mut self, leaf: &Leaf, row: &EntryRow, agencies: &[String]) {
        let index = row.index;
        let sealed = row.sealed.as_deref().filter(|sealed| Digest::of(sealed) == leaf.sealed);
        let parts = sealed
            .and_then(|sealed| sealed_parts(sealed).ok())
            .filter(|parts| commit_body(parts.iter().map(|part| &part.commitment)) == leaf.body);
        let Some(parts) = parts else { return self.report.fault(Fault::Body(index)) };
        if leaf.kind() == EntryKind::Disclosure
            && self.report.recipients_from.is_some_and(|from| index >= from)
        {
            for (agency, records) in records_of(&parts) {
                *self.disclosed.entry(agency.to_owned()).or_default() += records;
            }
        }
        let known: HashSet<_> = agencies.iter().map(String::as_str).collect();
        let parties: HashSet<_> = parts.iter().flat_map(|part| part.parties.clone()).collect();
        if parties != known {
            self.report.fault(Fault::Parties(index));
        }
        for (party, id, _) in parts.iter().flat_map(|part| &part.readers) {
            self.used.insert(*id);
            if !self.epochs.contains(id) {
                self.report.fault(Fault::Epoch(index));
            }
            if *party != Party::Gateway && !parties.contains(party.as_str()) {
                self.report.fault(Fault::Parties(index));
            }
        }
    }

    fn chain(&mut self, leaf: &Leaf, index: u64, hash: Digest) {
        let follows = match &leaf.link {
            Link::Denial => true,
            Link::Release { previous, number } => {
                let before = self.releases.insert(leaf.exchange, (hash, *number));
                let (last, count) = before.unwrap_or_default();
                last == *previous && count.checked_add(1) == Some(*number)
            }
            Link::Intent => {
                let begun = Exchange { intent: hash, last: hash, batches: 0 };
                self.exchanges.insert(leaf.exchange, begun).is_none()
            }
            Link::Disclosure { intent, previous, batch } => {
                self.exchanges.get_mut(&leaf.exchange).is_some_and(|exchange| {
                    let follows = exchange.intent == *intent
                        && exchange.last == *previous
                        && exchange.batches == *batch;
                    exchange.last = hash;
                    exchange.batches = exchange.batches.saturating_add(1);
                    follows
                })
            }
            Link::Outcome { intent, previous, batches, .. } => {
                self.exchanges.remove(&leaf.exchange).is_some_and(|exchange| {
                    exchange.intent == *intent
                        && exchange.last == *previous
                        && exchange.batches == *batches
                })
            }
        };
        if !follows {
            self.report.fault(Fault::Chain(index));
        }
    }

    /// Holds the tree so far against every checkpoint over so many entries, stored or kept outside.
    async fn checkpoints(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let size = self.forest.size();
        let root = self.forest.frontier().root();
        for kept in &self.kept {
            if kept.size == size && kept.root != root {
                self.report.fault(Fault::Forked { kept: size });
            }
        }
        loop {
            if self.ahead.is_empty() && self.read_to != Some(u64::MAX) {
                let page = tx.checkpoints(self.read_to, PAGE).await?;
                self.read_to = Some(page.last().map_or(u64::MAX, |(size, _)| *size));
                self.ahead.extend(page);
            }
            match self.ahead.front() {
                Some((at, _)) if *at <= size => {}
                _ => return Ok(()),
            }
            let Some((at, note)) = self.ahead.pop_front() else { return Ok(()) };
            match self.verifier.open(&note) {
                Err(cause) => self.report.fault(Fault::Checkpoint { size: at, cause }),
                Ok(checkpoint) if checkpoint.size != at => {
                    self.report.fault(Fault::Checkpoint { size: at, cause: NoteError::Format });
                }
                Ok(checkpoint) if checkpoint.root != root => {
                    // One altered entry spoils every later root: it is told once.
                    if !self.altered {
                        let (from, to) = (self.good, at.saturating_sub(1));
                        self.report.fault(Fault::Altered { from, to, size: at });
                    }
                    self.altered = true;
                }
                Ok(_) => {
                    self.good = at;
                    self.report.checkpoints += 1;
                }
            }
        }
    }

    fn receipt_proves(&mut self) {
        let Some(receipt) = self.receipt else { return };
        let root = self.verifier.open(&receipt.checkpoint).ok().and_then(|checkpoint| {
            let leaf = leaf_hash(&receipt.leaf);
            let root = root_of_inclusion(leaf, receipt.index, checkpoint.size, &receipt.path)?;
            (root == checkpoint.root).then_some(root)
        });
        if root.is_none() {
            self.report.fault(Fault::Receipt(receipt.index));
        }
    }

    async fn finish(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let size = self.forest.size();
        let newest = tx.last_checkpoint().await?.map(|(size, _)| size);
        match newest {
            None => self.report.fault(Fault::NoCheckpoint),
            Some(signed) if signed != size => {
                self.report.fault(Fault::Unsigned { signed, size });
            }
            Some(_) => {}
        }
        let (stored, peaks) = tx.head().await?;
        let nodes = tx.nodes().await?;
        if stored != size
            || peaks != self.forest.frontier().peaks()
            || !nodes.into_iter().eq(self.forest.nodes())
        {
            self.report.fault(Fault::Tree);
        }
        if tx.strays(size).await? > 0 {
            self.report.fault(Fault::Strays);
        }
        if self.report.recipients_from.is_some() {
            self.recipients(tx).await?;
        }
        let strays: Vec<_> = self.epochs.difference(&self.used).copied().collect();
        for id in strays {
            self.report.fault(Fault::StrayEpoch(hex::encode(id)));
        }
        Ok(())
    }
}

impl Walk<'_> {
    /// Holds the index of recipients against the records that were disclosed, by their number: which ones they are
    /// only an originator can tell.
    async fn recipients(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let counts = tx.recipient_counts().await?;
        let mut found: BTreeMap<String, u64> =
            counts.into_iter().map(|count| (count.agency, count.records)).collect();
        for (agency, wanted) in std::mem::take(&mut self.disclosed) {
            let found = found.remove(&agency).unwrap_or_default();
            if found != wanted {
                self.report.fault(Fault::Recipients { agency, wanted, found });
            }
        }
        for (agency, found) in found.into_iter().filter(|(_, found)| *found > 0) {
            self.report.fault(Fault::Recipients { agency, wanted: 0, found });
        }
        Ok(())
    }
}

/// Records of each originator in a disclosure, by the sizes of its sealed parts: a share is followed by the salt of
/// its ids, which the originator alone can read.
fn records_of<'a>(parts: &[SealedPart<'a>]) -> Vec<(&'a str, u64)> {
    let pairs = parts.iter().zip(parts.iter().skip(1));
    pairs
        .filter_map(|(share, salt)| {
            let [originator] = salt.parties.as_slice() else { return None };
            // Tag and salt of the seal, tag of the part, the originator, a salt.
            let head = 16 + 32 + 1 + 4 + originator.len() + 32;
            let records = share.sealed.len().checked_sub(head + 4)?;
            (salt.sealed.len() == head && records % RECORD == 0)
                .then_some((*originator, (records / RECORD) as u64))
        })
        .collect()
}

/// Reads a receipt as `portcullis query --format json` prints it: `index`, and `leaf`, `path` and
/// `checkpoint`, bytes in base64 and the checkpoint as text; alone, or as `proof` of a `receipt`.
pub fn parse_receipt(text: &str) -> Option<LogProof> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    for name in ["receipt", "proof"] {
        if let Some(inner) = value.get_mut(name) {
            value = inner.take();
        }
    }
    let index = value.get("index")?;
    let bytes = |value: &Value| STANDARD.decode(value.as_str()?).ok();
    let path = value.get("path")?.as_array()?.iter().map(|step| {
        let step: [u8; 32] = bytes(step)?.try_into().ok()?;
        Some(Digest(step))
    });
    Some(LogProof {
        index: index.as_u64().or_else(|| index.as_str()?.parse().ok())?,
        leaf: bytes(value.get("leaf")?)?,
        path: path.collect::<Option<_>>()?,
        checkpoint: value.get("checkpoint")?.as_str()?.to_owned(),
    })
}

/// A receipt as [`parse_receipt`] reads it.
pub fn receipt_json(proof: &LogProof) -> Value {
    serde_json::json!({
        "index": proof.index,
        "leaf": STANDARD.encode(&proof.leaf),
        "path": proof.path.iter().map(|step| STANDARD.encode(step.0)).collect::<Vec<_>>(),
        "checkpoint": proof.checkpoint,
    })
}
