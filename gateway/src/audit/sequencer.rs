//! Group commit: one task owns the writing connection, takes whoever waits (up to 256), and appends them all
//! in one transaction with their effects and a signed checkpoint. Waiters are let go only after COMMIT. After
//! any failure the pages are not tried again: everybody is refused, the store is opened anew and checked
//! against the last signed checkpoint before the next entry is taken.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use portcullis_core::id::{Digest, Moment};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Shared;
use super::effects::{Claim, Effects, Ledger};
use super::error::{CommitError, OpenError};
use super::forest::{Forest, GROUP, GROUP_LEVEL, Growth, fold};
use super::load::{Scrub, load, read_hashes};
use super::note::Checkpoint;
use super::recipients::Order;
use super::seal::{Epoch, EpochId};
use super::tree::{Frontier, leaf_hash};
use crate::store::{
    Append, Budget, BudgetKey, EpochRow, MergeStep, NewEntry, StoreError, Tx, Writer, Written,
};

/// Most waiters of one transaction.
pub(crate) const MAX_GROUP: usize = 256;
/// Most budgets kept in memory.
const MAX_USED: usize = 16_384;
/// Longest that entries nobody waits for are held back for company.
const COMPANY: Duration = Duration::from_millis(10);
/// Time between attempts to recover.
const RETRY: Duration = Duration::from_millis(200);

/// An entry that waits to be durable.
pub(crate) struct Waiting {
    pub entry: NewEntry,
    pub epochs: Vec<Arc<Epoch>>,
    pub effects: Effects,
    /// What its exchange used of budgets so far.
    pub spent: BTreeMap<String, u64>,
    pub reply: oneshot::Sender<Result<Placed, CommitError>>,
    /// Somebody's answer waits for it.
    pub urgent: bool,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub index: u64,
    pub leaf_hash: Digest,
}

/// What the sequencer is told.
pub(crate) enum Message {
    Append(Box<Waiting>),
    Close(oneshot::Sender<()>),
    /// Forget subjects whose window has ended; how many rows went.
    Forget(oneshot::Sender<Result<u64, CommitError>>),
    /// Do a step of a merge of the index of recipients.
    Merge(Box<Order>),
}

/// What stops the log.
enum Broken {
    Store(StoreError),
    /// Somebody else wrote, or the store went back.
    HeadMoved,
    /// What was read back is not what was written or signed.
    Altered,
}

impl Broken {
    fn word(&self) -> &'static str {
        match self {
            Self::Store(error) => error.word(),
            Self::HeadMoved => "LOG_HEAD_MOVED",
            Self::Altered => "LOG_LEAF_ALTERED",
        }
    }
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

struct Appended {
    verdicts: Vec<Result<Placed, CommitError>>,
    grown: Option<(Growth, Vec<Digest>, Checkpoint)>,
    epochs: Vec<EpochId>,
    budgets: Vec<Budget>,
}

pub(crate) struct Sequencer {
    pub shared: Arc<Shared>,
    pub queue: mpsc::Receiver<Message>,
    pub writer: Option<Writer>,
    pub scrub: Scrub,
    pub durable_epochs: HashSet<EpochId>,
    /// When to try to recover next, if there is need to.
    pub retry_at: Instant,
    /// Disclosures after which whoever merges the index looks, and those since it was woken last.
    pub wake_every: u32,
    pub unseen: u32,
}

impl Sequencer {
    pub async fn run(mut self) {
        let mut messages = Vec::with_capacity(MAX_GROUP);
        let mut closers = Vec::new();
        let mut forgetting = Vec::new();
        let mut merging = Vec::new();
        let mut group = Vec::new();
        // When the group goes, if nobody who waits joins it before.
        let mut leaves_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.retry_at), if self.writer.is_none() => {
                    self.recover().await;
                    self.retry_at = Instant::now() + RETRY;
                    continue;
                }
                count = self.queue.recv_many(&mut messages, MAX_GROUP - group.len()) => {
                    if count == 0 {
                        break;
                    }
                }
                () = tokio::time::sleep_until(leaves_at), if !group.is_empty() => {}
            }
            let mut hurry = messages.is_empty();
            for message in messages.drain(..) {
                match message {
                    Message::Append(waiting) => {
                        if group.is_empty() {
                            leaves_at = Instant::now() + COMPANY;
                        }
                        hurry |= waiting.urgent;
                        group.push(*waiting);
                    }
                    Message::Forget(done) => forgetting.push(done),
                    Message::Merge(order) => merging.push(*order),
                    Message::Close(done) => {
                        // What is in the queue already is still taken.
                        self.queue.close();
                        closers.push(done);
                    }
                }
            }
            for done in forgetting.drain(..) {
                let _ = done.send(self.forget().await);
            }
            for (step, done) in merging.drain(..) {
                let _ = done.send(self.merge(&step).await);
            }
            hurry |= !closers.is_empty() || group.len() >= MAX_GROUP || self.writer.is_none();
            if hurry && !group.is_empty() {
                self.commit(std::mem::take(&mut group)).await;
            }
        }
        if !group.is_empty() {
            self.commit(group).await;
        }
        self.shared.healthy.store(false, Ordering::SeqCst);
        // Before the store goes: whoever still reads it for the index finds that out here, not by its errors.
        self.shared.closed.cancel();
        if let Some(writer) = self.writer.take() {
            let _ = writer.close().await;
        }
        for done in closers {
            let _ = done.send(());
        }
    }

    async fn commit(&mut self, group: Vec<Waiting>) {
        let Some(mut writer) = self.writer.take() else {
            return refuse(group, "LOG_RECOVERING");
        };
        let now = self.shared.clock.now();
        match append(&self.shared, &self.durable_epochs, &mut writer, &group, now).await {
            Ok(appended) => {
                self.writer = Some(writer);
                self.durable_epochs.extend(appended.epochs);
                self.remember(appended.budgets);
                if let Some((growth, leaves, checkpoint)) = appended.grown {
                    let mut log = self.shared.log.write().unwrap_or_else(PoisonError::into_inner);
                    log.forest.apply(growth, &leaves);
                    log.checkpoint = checkpoint;
                }
                let disclosed = group.iter().filter(|one| !one.entry.recipients.is_empty());
                self.unseen += u32::try_from(disclosed.count()).unwrap_or(u32::MAX);
                if self.unseen >= self.wake_every {
                    self.unseen = 0;
                    self.shared.wake.notify_one();
                }
                for (waiting, verdict) in group.into_iter().zip(appended.verdicts) {
                    let _ = waiting.reply.send(verdict);
                }
            }
            Err(broken) => {
                self.shared.healthy.store(false, Ordering::SeqCst);
                tracing::error!(cause = broken.word(), "the disclosure log cannot be written");
                refuse(group, broken.word());
                // What was used is read from the store until it is charged again.
                self.used().clear();
                // The connection and its pages are given up with all they hold.
                drop(writer);
                self.retry_at = Instant::now() + RETRY;
            }
        }
    }

    async fn forget(&mut self) -> Result<u64, CommitError> {
        let now = self.shared.clock.now();
        self.aside("forget_subjects", async |tx| tx.forget_subjects(now).await).await
    }

    async fn merge(&mut self, step: &MergeStep) -> Result<u64, CommitError> {
        self.aside("merge_recipients", async |tx| tx.merge_step(step).await).await
    }

    /// A transaction beside the log's own.
    async fn aside(
        &mut self,
        name: &'static str,
        work: impl AsyncFnOnce(&mut Tx<'_>) -> Result<u64, StoreError>,
    ) -> Result<u64, CommitError> {
        let Some(mut writer) = self.writer.take() else {
            return Err(CommitError::LogUnavailable { cause: "LOG_RECOVERING" });
        };
        let done = async {
            let mut tx = writer.begin(name).await?;
            let done = work(&mut tx).await?;
            tx.commit().await.map(|()| done)
        };
        match done.await {
            Ok(done) => {
                self.writer = Some(writer);
                Ok(done)
            }
            Err(error) => {
                self.shared.healthy.store(false, Ordering::SeqCst);
                tracing::error!(cause = error.word(), "the disclosure log cannot be written");
                self.retry_at = Instant::now() + RETRY;
                Err(CommitError::LogUnavailable { cause: error.word() })
            }
        }
    }

    fn used(&self) -> MutexGuard<'_, HashMap<BudgetKey, u64>> {
        self.shared.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is used of budgets now, before anybody hears that it is.
    fn remember(&self, budgets: Vec<Budget>) {
        let mut used = self.used();
        if used.len() + budgets.len() > MAX_USED {
            used.clear();
        }
        used.extend(budgets.into_iter().map(|budget| (budget.key, budget.used)));
    }

    /// Opens and checks the store anew; nothing that was acknowledged may be missing.
    async fn recover(&mut self) {
        match self.reopen().await {
            Ok((writer, forest, checkpoint)) => {
                let mut log = self.shared.log.write().unwrap_or_else(PoisonError::into_inner);
                log.forest = forest;
                log.checkpoint = checkpoint;
                drop(log);
                self.writer = Some(writer);
                // Epochs of refused entries may have gone with them.
                self.durable_epochs.clear();
                self.shared.healthy.store(true, Ordering::SeqCst);
                tracing::info!("the disclosure log is available again");
            }
            Err(error) => {
                tracing::error!(cause = error.word(), "the disclosure log cannot be opened");
            }
        }
    }

    async fn reopen(&self) -> Result<(Writer, Forest, Checkpoint), OpenError> {
        let (size, root) = {
            let log = self.shared.log.read().unwrap_or_else(PoisonError::into_inner);
            (log.checkpoint.size, log.checkpoint.root)
        };
        let mut writer = self.shared.store.writer().await?;
        let mut tx = writer.begin("recover_audit").await?;
        let loaded = load(&mut tx, self.shared.signer.verifier(), self.scrub).await?;
        let rolled_back = OpenError::RolledBack { acknowledged: size };
        let Some((forest, checkpoint)) = loaded else { return Err(rolled_back) };
        if forest.size() < size {
            return Err(rolled_back);
        }
        let mut groups = HashMap::new();
        if size > 0 && size != forest.size() && !forest.has_group((size - 1) / GROUP) {
            let group = (size - 1) / GROUP;
            let leaves = read_hashes(&mut tx, group * GROUP, GROUP as u32).await?;
            groups.insert(group, leaves.unwrap_or_default());
        }
        if forest.root_at(size, &groups) != Some(root) && forest.size() != size
            || forest.size() == size && checkpoint.root != root
        {
            return Err(rolled_back);
        }
        // Proves that it can be written to.
        tx.put_head(forest.size(), forest.frontier().peaks()).await?;
        tx.commit().await?;
        Ok((writer, forest, checkpoint))
    }
}

fn refuse(group: Vec<Waiting>, cause: &'static str) {
    for waiting in group {
        let _ = waiting.reply.send(Err(CommitError::LogUnavailable { cause }));
    }
}

/// One group in one transaction: effects first, then all entries, the tree, and the checkpoint.
async fn append(
    shared: &Shared,
    durable_epochs: &HashSet<EpochId>,
    writer: &mut Writer,
    group: &[Waiting],
    now: Moment,
) -> Result<Appended, Broken> {
    let mut tx = writer.begin("append_audit").await?;
    let claims: Vec<_> = group
        .iter()
        .map(|waiting| Claim { effects: &waiting.effects, spent: &waiting.spent, now })
        .collect();
    let mut budgets = Ledger::wanted(&claims);
    let (size, peaks) = tx.head_and_used(&mut budgets).await?;
    let stored = Frontier::from_parts(size, peaks).ok_or(Broken::Altered)?;
    if stored != *shared.log.read().unwrap_or_else(PoisonError::into_inner).forest.frontier() {
        return Err(Broken::HeadMoved);
    }
    let mut ledger = Ledger::default();
    ledger.take_in(budgets);
    let decided = ledger.decide(&mut tx, &shared.marker, &claims).await?;
    let (mut entries, mut verdicts, mut epochs) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut releases = Vec::new();
    for (waiting, decision) in group.iter().zip(decided) {
        verdicts.push(decision.map(|()| {
            let index = size + entries.len() as u64;
            entries.push(&waiting.entry);
            releases.extend(waiting.effects.release.as_ref());
            for epoch in &waiting.epochs {
                epochs.insert(epoch.id(), epoch);
            }
            Placed { index, leaf_hash: leaf_hash(&waiting.entry.leaf) }
        }));
    }
    if entries.is_empty() {
        tx.rollback().await?;
        return Ok(Appended { verdicts, grown: None, epochs: Vec::new(), budgets: Vec::new() });
    }
    ledger.write_keys(&mut tx, now).await?;
    for row in releases {
        tx.put_release_step(row).await?;
    }
    epochs.retain(|id, _| !durable_epochs.contains(id));
    for (id, epoch) in &epochs {
        tx.put_epoch(&epoch_row(*id, epoch)).await?;
    }
    let leaves: Vec<_> = verdicts.iter().flatten().map(|placed| placed.leaf_hash).collect();
    let growth = shared.log.read().unwrap_or_else(PoisonError::into_inner).forest.grow(&leaves);
    let budgets = ledger.budgets();
    let written = tx
        .append(&Append {
            first: size,
            entries: &entries,
            budgets: &budgets,
            size: growth.frontier.size(),
            peaks: growth.frontier.peaks(),
        })
        .await?;
    if !read_back(&written, size).eq(leaves.iter().copied()) {
        return Err(Broken::Altered);
    }
    check_stretches(&mut tx, &growth).await?;
    tx.put_nodes(&growth.nodes).await?;
    let checkpoint = sign_stored(shared, written, stored, &leaves, &growth)?;
    tx.put_checkpoint(checkpoint.size, &checkpoint.note).await?;
    tx.commit().await?;
    let epochs = epochs.into_keys().collect();
    Ok(Appended { verdicts, grown: Some((growth, leaves, checkpoint)), epochs, budgets })
}

/// Hashes of the entries just inserted, from the rows; a gap ends them.
fn read_back(written: &Written, first: u64) -> impl Iterator<Item = Digest> {
    (first..)
        .zip(&written.leaves)
        .take_while(|(wanted, (index, _))| wanted == index)
        .map(|(_, (_, leaf))| leaf_hash(leaf))
}

/// A stretch of 256 leaves that is now complete is read again as a whole before its hash is signed over.
async fn check_stretches(tx: &mut Tx<'_>, growth: &Growth) -> Result<(), Broken> {
    for node in growth.nodes.iter().filter(|node| node.level == GROUP_LEVEL) {
        let hashes = read_hashes(tx, node.position * GROUP, GROUP as u32).await?;
        if fold(&hashes.unwrap_or_default()) != Some(node.hash) {
            return Err(Broken::Altered);
        }
    }
    Ok(())
}

/// Signs only what the store holds: its old frontier with the rows read back must lead to its new one.
fn sign_stored(
    shared: &Shared,
    written: Written,
    mut stored: Frontier,
    leaves: &[Digest],
    growth: &Growth,
) -> Result<Checkpoint, Broken> {
    for leaf in leaves {
        stored.push(*leaf, |_, _, _| ());
    }
    let (size, peaks) = written.head;
    let written = Frontier::from_parts(size, peaks).ok_or(Broken::Altered)?;
    if stored != growth.frontier || written != stored {
        return Err(Broken::Altered);
    }
    Ok(shared.signer.sign(stored.size(), stored.root()))
}

pub(crate) fn epoch_row(id: EpochId, epoch: &Epoch) -> EpochRow {
    EpochRow {
        id,
        party: epoch.party.as_str().to_owned(),
        key_id: epoch.key_id,
        wrapped: epoch.wrapped.clone(),
    }
}
