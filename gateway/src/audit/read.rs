//! Reading the log: checkpoints, proofs, the parties' shares, budgets for Explain.

use std::collections::HashMap;
use std::sync::PoisonError;

use portcullis_core::id::{AgencyId, Digest, Moment};

use super::error::CommitError;
use super::forest::{Forest, GROUP, View, fold};
use super::leaf::Leaf;
use super::load::read_hashes;
use super::note::Checkpoint;
use super::seal::{Epoch, OpenedPart, Party, SealError, Unsealer};
use super::tree::{consistency, inclusion};
use super::{Audit, Charge, DurableIntent, ExchangeId, Idempotency, Shared};
use crate::store::{BudgetKey, EntryRow, EpochRow, ListFilter, Store, StoreError, Tx};

/// Proof that an entry stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    /// Position in the log.
    pub index: u64,
    /// The leaf's stored bytes.
    pub leaf: Vec<u8>,
    /// RFC 6962 audit path, from the leaf upwards.
    pub path: Vec<Digest>,
    /// C2SP signed note over the tree that the path leads to.
    pub checkpoint: String,
}

/// Which entries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those that this agency can read some of; none: all.
    pub party: Option<AgencyId>,
    /// Only this exchange.
    pub exchange: Option<ExchangeId>,
    /// From this index on.
    pub from: u64,
    /// At most so many.
    pub limit: u32,
}

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEntry {
    /// Position in the log.
    pub index: u64,
    /// What the leaf says.
    pub facts: Leaf,
    /// The leaf's bytes.
    pub leaf: Vec<u8>,
    /// The sealed body.
    pub sealed: Vec<u8>,
}

impl ListedEntry {
    /// Opens the parts that the key's party may read.
    pub fn open(&self, unsealer: &Unsealer) -> Result<Vec<OpenedPart>, SealError> {
        unsealer.open(&self.sealed, &self.facts.body)
    }

    pub(crate) fn from_row(row: EntryRow) -> Result<Self, StoreError> {
        let facts = Leaf::decode(&row.leaf).map_err(|_| StoreError::Malformed("log_entry.leaf"))?;
        let sealed = row.sealed.ok_or(StoreError::Malformed("log_body.sealed"))?;
        Ok(Self { index: row.index, facts, leaf: row.leaf, sealed })
    }
}

impl Audit {
    /// Proof of an exchange's last entry: the last disclosure, which commits to all before it, or the intent.
    pub async fn receipt(&self, intent: &DurableIntent) -> Result<LogProof, CommitError> {
        let (index, leaf) = intent.last_leaf();
        match self.shared.at_hand(index, leaf) {
            Some(proof) => Ok(proof),
            None => self.inclusion(index, None).await,
        }
    }

    /// The newest checkpoint.
    pub async fn checkpoint(&self) -> Checkpoint {
        self.shared.log.read().unwrap_or_else(PoisonError::into_inner).checkpoint.clone()
    }

    /// Proof of an entry in the tree of a stored checkpoint; none: the newest.
    pub async fn inclusion(&self, index: u64, size: Option<u64>) -> Result<LogProof, CommitError> {
        let mut tx = self.shared.store.read("read_audit").await?;
        let checkpoint = self.checkpoint_at(&mut tx, size).await?;
        let size = checkpoint.size;
        if index >= size {
            return Err(not_in_log());
        }
        let stretches = [index / GROUP, (size - 1) / GROUP];
        let groups = self.shared.stretches(&mut tx, &stretches).await?;
        let path = self
            .shared
            .with_forest(|forest| inclusion(&View { forest, groups: &groups }, index, size));
        let leaf = tx.leaves(index, 1).await?.pop().filter(|(at, _)| *at == index);
        match (path, leaf) {
            (Some(path), Some((_, leaf))) => {
                Ok(LogProof { index, leaf, path, checkpoint: checkpoint.note })
            }
            _ => Err(CommitError::LogUnavailable { cause: "LOG_TREE_ALTERED" }),
        }
    }

    /// Proof that the tree of a checkpoint (none: the newest) continues an earlier one.
    pub async fn consistency(
        &self,
        old: u64,
        new: Option<u64>,
    ) -> Result<(Vec<Digest>, Checkpoint), CommitError> {
        let mut tx = self.shared.store.read("read_audit").await?;
        let checkpoint = self.checkpoint_at(&mut tx, new).await?;
        if old > checkpoint.size {
            return Err(not_in_log());
        }
        let stretches = [old.saturating_sub(1) / GROUP, checkpoint.size.saturating_sub(1) / GROUP];
        let groups = self.shared.stretches(&mut tx, &stretches).await?;
        self.shared
            .with_forest(|forest| {
                consistency(&View { forest, groups: &groups }, old, checkpoint.size)
            })
            .map(|path| (path, checkpoint))
            .ok_or(CommitError::LogUnavailable { cause: "LOG_TREE_ALTERED" })
    }

    /// Entries in log order.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<ListedEntry>, CommitError> {
        Ok(list_entries(&self.shared.store, filter).await?)
    }

    /// Opens an agency's share of an entry with the gateway's audit key: the parts that the agency may read,
    /// no others. Nothing where this gateway does not hold the private half.
    pub async fn open_share(
        &self,
        entry: &ListedEntry,
        agency: &AgencyId,
    ) -> Result<Vec<OpenedPart>, CommitError> {
        let Some(unsealer) = &self.shared.unsealer else { return Ok(Vec::new()) };
        if !unsealer.knows(&entry.sealed)? {
            let mut tx = self.shared.store.read("list_epochs").await?;
            learn_all(unsealer, tx.epochs(Some(Party::Gateway.as_str())).await?)?;
        }
        let mut parts = entry.open(unsealer)?;
        parts.retain(|part| part.agencies.contains(agency));
        Ok(parts)
    }

    /// What was used of a budget in the window that began then.
    pub async fn budget_used(&self, key: &str, window_start: Moment) -> Result<u64, CommitError> {
        let mut tx = self.shared.store.read("read_budget").await?;
        Ok(tx.budget_used(&BudgetKey { key: key.to_owned(), window_start }).await?)
    }

    /// How much an attempt may still use of a budget in a window: what is left, and what earlier attempts
    /// under the same idempotency key have paid for already.
    pub async fn budget_left(
        &self,
        charge: &Charge,
        idempotency: Option<&Idempotency>,
    ) -> Result<u64, CommitError> {
        let key = BudgetKey { key: charge.key.clone(), window_start: charge.window_start };
        if idempotency.is_none()
            && let Some(used) = self.shared.used(&key)
        {
            return Ok(charge.limit.saturating_sub(used));
        }
        let mut tx = self.shared.store.read("read_budget").await?;
        let left = charge.limit.saturating_sub(tx.budget_used(&key).await?);
        let Some(idempotency) = idempotency else { return Ok(left) };
        let (mark, query) = self.shared.marker.marks(idempotency);
        let row = tx.idempotency(&mark, self.shared.clock.now()).await?;
        let paid = row
            .filter(|row| row.query_mark == query)
            .and_then(|row| row.charged.into_iter().find(|(budget, _)| *budget == charge.key))
            .map_or(0, |(_, charged)| charged);
        Ok(left.saturating_add(paid))
    }

    /// How many of these records, from the first on, a budget of distinct subjects covers at this moment.
    pub async fn subjects_cover(
        &self,
        charge: &Charge,
        records: &[Vec<Digest>],
    ) -> Result<usize, CommitError> {
        let key = BudgetKey { key: charge.key.clone(), window_start: charge.window_start };
        let marks: Vec<Vec<[u8; 32]>> = records
            .iter()
            .map(|subjects| subjects.iter().map(|one| self.shared.marker.subject(charge, one)))
            .map(Iterator::collect)
            .collect();
        let mut tx = self.shared.store.read("read_subjects").await?;
        let mut left = charge.limit.saturating_sub(tx.budget_used(&key).await?);
        let mut met = tx.subjects_met(&marks.concat()).await?;
        for (covered, subjects) in marks.iter().enumerate() {
            for mark in subjects {
                if met.insert(*mark) {
                    match left.checked_sub(1) {
                        Some(less) => left = less,
                        None => return Ok(covered),
                    }
                }
            }
        }
        Ok(marks.len())
    }

    async fn checkpoint_at(
        &self,
        tx: &mut Tx<'_>,
        size: Option<u64>,
    ) -> Result<Checkpoint, CommitError> {
        let newest = self.checkpoint().await;
        let Some(size) = size.filter(|size| *size != newest.size) else { return Ok(newest) };
        if size > newest.size {
            return Err(not_in_log());
        }
        let stored = tx.checkpoints(size.checked_sub(1), 1).await?.pop();
        let (_, note) = stored.filter(|(at, _)| *at == size).ok_or_else(not_in_log)?;
        self.verifier()
            .open(&note)
            .map_err(|_| CommitError::LogUnavailable { cause: "LOG_CHECKPOINT_FORGED" })
    }
}

/// Asked for an entry or a tree size that the log does not have.
fn not_in_log() -> CommitError {
    CommitError::NotInLog
}

impl Shared {
    fn with_forest<T>(&self, f: impl FnOnce(&Forest) -> T) -> T {
        f(&self.log.read().unwrap_or_else(PoisonError::into_inner).forest)
    }

    /// What is used of a budget, if it was charged lately.
    fn used(&self, key: &BudgetKey) -> Option<u64> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    /// Proof of an entry that was committed a moment ago: all that it takes is still in memory.
    fn at_hand(&self, index: u64, leaf: Vec<u8>) -> Option<LogProof> {
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner);
        let (forest, checkpoint) = (&log.forest, &log.checkpoint);
        let size = checkpoint.size;
        let held = |group| forest.has_group(group);
        if index >= size || !held(index / GROUP) || !held((size - 1) / GROUP) {
            return None;
        }
        let groups = HashMap::new();
        let path = inclusion(&View { forest, groups: &groups }, index, size)?;
        Some(LogProof { index, leaf, path, checkpoint: checkpoint.note.clone() })
    }

    /// Leaf hashes of stretches that are not in memory, checked against the subtree above them.
    async fn stretches(
        &self,
        tx: &mut Tx<'_>,
        wanted: &[u64],
    ) -> Result<HashMap<u64, Vec<Digest>>, CommitError> {
        let mut groups = HashMap::new();
        for group in wanted {
            if groups.contains_key(group) || self.with_forest(|forest| forest.has_group(*group)) {
                continue;
            }
            let leaves = read_hashes(tx, group * GROUP, GROUP as u32).await?.unwrap_or_default();
            let root = self.with_forest(|forest| forest.group_root(*group));
            if root.is_some() && fold(&leaves) != root {
                return Err(CommitError::LogUnavailable { cause: "LOG_LEAF_ALTERED" });
            }
            groups.insert(*group, leaves);
        }
        Ok(groups)
    }
}

/// Entries of a store in log order, without opening it as a log.
pub async fn list_entries(store: &Store, filter: &Filter) -> Result<Vec<ListedEntry>, StoreError> {
    let mut tx = store.read("list_audit").await?;
    let filter = ListFilter::from(filter.clone());
    tx.list(&filter).await?.into_iter().map(ListedEntry::from_row).collect()
}

/// Hands an unsealer the epochs of its party; returns how many its key opens.
pub async fn learn_epochs(store: &Store, unsealer: &Unsealer) -> Result<usize, CommitError> {
    let mut tx = store.read("list_epochs").await?;
    learn_all(unsealer, tx.epochs(Some(unsealer.party().as_str())).await?)?;
    Ok(unsealer.epochs())
}

/// Takes in stored epochs.
pub(crate) fn learn_all(unsealer: &Unsealer, rows: Vec<EpochRow>) -> Result<(), SealError> {
    for row in rows {
        unsealer.learn(&epoch(row))?;
    }
    Ok(())
}

pub(crate) fn epoch(row: EpochRow) -> Epoch {
    let party = if row.party.is_empty() {
        Party::Gateway
    } else {
        Party::Agency(AgencyId::new(&row.party))
    };
    Epoch { party, key_id: row.key_id, wrapped: row.wrapped }
}

impl From<Filter> for ListFilter {
    fn from(filter: Filter) -> Self {
        let Filter { party, exchange, from, limit } = filter;
        Self { party, exchange: exchange.map(|exchange| exchange.0), from, limit }
    }
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::LogUnavailable { cause: error.word() }
    }
}
