//! The disclosure log: proves what left, to whom, for which case and under which agreement. An intent is
//! durable before anything is fetched, a disclosure before its batch goes out, and the types make any other
//! order impossible: only [`Audit::intend`] makes a [`DurableIntent`], only [`Audit::seal`] a [`Sealed`].

pub mod code;
mod effects;
mod error;
mod event;
mod forest;
pub mod keys;
mod leaf;
mod load;
mod note;
mod part;
mod read;
pub mod recipients;
mod release;
mod seal;
mod sequencer;
pub mod tree;
pub mod verify;

pub use effects::{Charge, Effects, IDEMPOTENCY_MILLIS, Idempotency, SubjectCharge};
pub use error::{CommitError, OpenError};
pub use event::{
    Denial, DisclosedRecord, Disclosure, Ending, ExchangeId, Intent, Outcome, Requester,
    SourceOutcome,
};
pub use leaf::{EntryKind, Leaf, Link, MAX_LEAF};
pub use load::Scrub;
pub(crate) use note::split as split_note;
pub use note::{Checkpoint, LogSigner, LogVerifier, NoteError};
pub use part::{Part, RecordCommitment, commit_body, commit_content, commit_id, commit_part};
pub use read::{Filter, ListedEntry, LogProof, learn_epochs, list_entries};
pub use release::{LoggedStep, ReleaseAsk, ReleaseStep, What};
pub use seal::{Epoch, EpochId, OpenedPart, Party, SealError, SealedBody, Sealer, Unsealer};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use portcullis_core::id::{AgencyId, Digest, Moment};
use portcullis_core::redact::Disclosed;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::effects::Marker;
use self::event::DisclosedRecord as Record;
use self::forest::Forest;
use self::keys::{SealPrivateKey, SealPublicKey};
use self::load::load;
use self::recipients::{Keyring, Merger, Tuning};
use self::seal::random;
use self::sequencer::{MAX_GROUP, Message, Placed, Sequencer, Waiting};
use crate::clock::Clock;
use crate::store::{BudgetKey, NewEntry, Store};

/// Waiters that may queue before callers are held back.
const QUEUE: usize = 16 * MAX_GROUP;
/// Disclosures after which whoever merges the index of recipients looks what is due.
const MERGE_LOOKS: u32 = 1024;

/// The keys a log is kept with.
#[derive(Debug)]
pub struct AuditKeys {
    /// Signs checkpoints; its name is the log's origin.
    pub signer: LogSigner,
    /// The gateway's audit key: reads every body.
    pub gateway: SealPublicKey,
    /// Its private half, where this gateway opens bodies for their parties ([`Audit::open_share`]).
    pub gateway_private: Option<SealPrivateKey>,
    /// The agencies' keys; an agency without one has its share opened by the gateway.
    pub agencies: BTreeMap<AgencyId, SealPublicKey>,
}

/// The log. Clones share it.
#[derive(Clone)]
pub struct Audit {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Message>,
}

pub(crate) struct Log {
    pub forest: Forest,
    pub checkpoint: Checkpoint,
}

pub(crate) struct Shared {
    pub store: Store,
    pub clock: Clock,
    pub signer: LogSigner,
    pub sealer: Sealer,
    pub unsealer: Option<Unsealer>,
    pub marker: Marker,
    pub log: RwLock<Log>,
    pub healthy: AtomicBool,
    pub lost_outcomes: AtomicU64,
    /// What is used of budgets, as last committed; none of a budget that was not charged lately. There is no
    /// other writer than the sequencer.
    pub used: Mutex<HashMap<BudgetKey, u64>>,
    /// Keys of the index of recipients.
    pub keyring: Keyring,
    /// Wakes who merges it.
    pub wake: Notify,
    /// The log takes nothing more.
    pub closed: CancellationToken,
}

/// Proof that an intent is durable. Carries the chain of its exchange's disclosures and what they used.
#[derive(Debug)]
pub struct DurableIntent {
    exchange: ExchangeId,
    requester: AgencyId,
    sources: Vec<AgencyId>,
    intent: Digest,
    idempotency: Option<Idempotency>,
    chain: Mutex<Chain>,
}

/// Where an exchange stands.
#[derive(Debug, Default)]
struct Chain {
    last: Digest,
    last_index: u64,
    /// Bytes of the last entry's leaf, for the receipt.
    last_leaf: Vec<u8>,
    batches: u32,
    spent: BTreeMap<String, u64>,
    /// An entry that was handed over and whose fate its caller did not wait for.
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    answer: oneshot::Receiver<Result<Placed, CommitError>>,
    charges: Vec<Charge>,
    leaf: Vec<u8>,
}

impl Chain {
    /// Waits for the entry that was handed over last, and follows it if it is durable. A caller that goes
    /// away in between loses nothing: whoever comes next waits here again.
    async fn settle(&mut self) -> Result<Option<Placed>, CommitError> {
        let Some(pending) = &mut self.pending else { return Ok(None) };
        let closed = CommitError::LogUnavailable { cause: "LOG_CLOSED" };
        let answer = (&mut pending.answer).await.unwrap_or(Err(closed));
        let (charges, leaf) =
            self.pending.take().map(|pending| (pending.charges, pending.leaf)).unwrap_or_default();
        let placed = answer?;
        self.last = placed.leaf_hash;
        self.last_index = placed.index;
        self.last_leaf = leaf;
        self.batches += 1;
        for charge in charges {
            let spent = self.spent.entry(charge.key).or_default();
            *spent = spent.saturating_add(charge.amount);
        }
        Ok(Some(placed))
    }
}

impl DurableIntent {
    /// The exchange that it begins.
    pub fn exchange(&self) -> ExchangeId {
        self.exchange
    }

    /// Agencies that may be asked.
    pub fn sources(&self) -> &[AgencyId] {
        &self.sources
    }

    /// Leaf hash of the intent.
    pub fn leaf_hash(&self) -> Digest {
        self.intent
    }

    /// Position of the exchange's last entry: the last disclosure, or the intent.
    pub fn last_index(&self) -> u64 {
        self.chain().last_index
    }

    /// Position and bytes of the exchange's last entry.
    fn last_leaf(&self) -> (u64, Vec<u8>) {
        let chain = self.chain();
        (chain.last_index, chain.last_leaf.clone())
    }

    /// What its disclosures have used of a budget so far.
    pub fn spent(&self, budget: &str) -> u64 {
        self.chain().spent.get(budget).copied().unwrap_or_default()
    }

    /// Batches made durable so far.
    pub fn batches(&self) -> u32 {
        self.chain().batches
    }

    fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn facts(&self) -> Facts {
        Facts { exchange: self.exchange, requester: self.requester.clone() }
    }
}

/// What every leaf of an exchange says.
struct Facts {
    exchange: ExchangeId,
    requester: AgencyId,
}

/// Something whose disclosure is durable: it may be sent.
pub struct Sealed<T> {
    inner: T,
    leaf_hash: Digest,
    index: u64,
}

impl<T> Sealed<T> {
    /// What may be sent.
    pub fn as_inner(&self) -> &T {
        &self.inner
    }

    /// What may be sent.
    pub fn into_inner(self) -> T {
        self.inner
    }

    /// Leaf hash of the disclosure.
    pub fn leaf_hash(&self) -> Digest {
        self.leaf_hash
    }

    /// Its position in the log.
    pub fn index(&self) -> u64 {
        self.index
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({})", self.index)
    }
}

/// Proof that a denial is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedDenial {
    /// Leaf hash of the denial.
    pub leaf_hash: Digest,
    /// Its position in the log.
    pub index: u64,
}

impl Audit {
    /// Opens the log of a store, begins one where there never was one, and checks it against its newest
    /// signed checkpoint. Anything that does not fit refuses.
    pub async fn open(store: Store, keys: AuditKeys, clock: Clock) -> Result<Self, OpenError> {
        Self::open_with(store, keys, clock, Scrub::default(), Tuning::default()).await
    }

    /// As [`Audit::open`], saying how much of the log is read again, and when what of the index is merged.
    pub async fn open_with(
        store: Store,
        keys: AuditKeys,
        clock: Clock,
        scrub: Scrub,
        tuning: Tuning,
    ) -> Result<Self, OpenError> {
        let AuditKeys { signer, gateway, gateway_private, agencies } = keys;
        let unsealer =
            gateway_private.map(|private| Unsealer::new(Party::Gateway, private)).transpose()?;
        let mut writer = store.writer().await?;
        let mut tx = writer.begin("open_audit").await?;
        let log = match load(&mut tx, signer.verifier(), scrub).await? {
            Some((forest, checkpoint)) => {
                tx.rollback().await?;
                Log { forest, checkpoint }
            }
            None => {
                let checkpoint = signer.sign(0, tree::empty_root());
                tx.put_head(0, &[]).await?;
                tx.put_checkpoint(0, &checkpoint.note).await?;
                tx.commit().await?;
                Log { forest: Forest::default(), checkpoint }
            }
        };
        let marker = Marker::new(&signer.derive(b"portcullis idempotency marks v1"));
        let keyring = Keyring::new(signer.derive(b"portcullis recipients v1"));
        let mut tx = writer.begin("hand_out_keys").await?;
        if keyring.hand_out(&mut tx, &gateway, &agencies).await? {
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        let shared = Arc::new(Shared {
            store,
            clock,
            sealer: Sealer::new(gateway, agencies),
            unsealer,
            marker,
            signer,
            log: RwLock::new(log),
            healthy: AtomicBool::new(true),
            lost_outcomes: AtomicU64::new(0),
            used: Mutex::default(),
            keyring,
            wake: Notify::new(),
            closed: CancellationToken::new(),
        });
        let (queue, receiver) = mpsc::channel(QUEUE);
        let sequencer = Sequencer {
            shared: shared.clone(),
            queue: receiver,
            writer: Some(writer),
            scrub,
            durable_epochs: HashSet::new(),
            retry_at: tokio::time::Instant::now(),
            wake_every: tuning.tail_entries.min(MERGE_LOOKS),
            unseen: 0,
        };
        tokio::spawn(sequencer.run());
        let (merging, writer) = (shared.clone(), queue.downgrade());
        tokio::spawn(Merger { shared: merging, writer, tuning, altered: Vec::new() }.run());
        Ok(Self { shared, queue })
    }

    /// Makes an intent durable, with its effects. Nothing is fetched without what this returns.
    pub async fn intend(
        &self,
        intent: Intent,
        effects: Effects,
    ) -> Result<DurableIntent, CommitError> {
        let requester = intent.requester.agency.clone();
        let (exchange, sources) = (intent.exchange, intent.sources.clone());
        let (at, idempotency) = (intent.decided_at, effects.idempotency);
        let mut readers = sources.clone();
        readers.push(requester.clone());
        let facts = Facts { exchange, requester: requester.clone() };
        let mut parts = vec![(Part::Intent(intent), readers.clone())];
        parts.extend(effects.officer.as_ref().map(|proof| (Part::officer(proof), readers.clone())));
        parts.extend(effects.grant.map(|(release, step)| (Part::Grant { release, step }, readers)));
        let entry = self.shared.entry(&facts, at, Link::Intent, &parts)?;
        let mut chain = Chain::default();
        let placed = self.commit(&mut chain, entry, effects).await?;
        chain.batches = 0;
        let (intent, chain) = (placed.leaf_hash, Mutex::new(chain));
        Ok(DurableIntent { exchange, requester, sources, intent, idempotency, chain })
    }

    /// Makes a disclosure durable, with its effects. Only what this returns may be sent; if it fails, what
    /// was to be disclosed is gone.
    pub async fn seal<T: Send>(
        &self,
        intent: &mut DurableIntent,
        disclosed: Disclosed<T>,
        disclosure: Disclosure,
        effects: Effects,
    ) -> Result<Sealed<T>, CommitError> {
        let sealed = self.seal_or_return(intent, disclosed, disclosure, effects).await;
        sealed.map_err(|(error, _)| error)
    }

    /// As [`Audit::seal`]; if it fails, what was to be disclosed comes back, as undisclosed as it was: a part of it
    /// may still fit.
    ///
    /// # Errors
    /// Why it was not made durable, and what that was.
    pub async fn seal_or_return<T: Send>(
        &self,
        intent: &mut DurableIntent,
        disclosed: Disclosed<T>,
        disclosure: Disclosure,
        effects: Effects,
    ) -> Result<Sealed<T>, (CommitError, Disclosed<T>)> {
        match self.disclose(intent, disclosure, effects).await {
            Ok(Placed { index, leaf_hash }) => {
                Ok(Sealed { inner: disclosed.into_inner(), leaf_hash, index })
            }
            Err(error) => Err((error, disclosed)),
        }
    }

    async fn disclose(
        &self,
        intent: &mut DurableIntent,
        disclosure: Disclosure,
        mut effects: Effects,
    ) -> Result<Placed, CommitError> {
        let facts = intent.facts();
        let chain = intent.chain.get_mut().unwrap_or_else(PoisonError::into_inner);
        // What became of an entry that nobody waited for matters only to the chain.
        let _ = chain.settle().await;
        let link =
            Link::Disclosure { intent: intent.intent, previous: chain.last, batch: chain.batches };
        let parts = shares(&facts.requester, &disclosure.records)?;
        let mut entry = self.shared.entry(&facts, disclosure.at, link, &parts)?;
        entry.0.recipients = self.shared.keyring.prints(&entry.0.leaf, &disclosure.records)?;
        effects.idempotency = effects.idempotency.or(intent.idempotency);
        self.commit(chain, entry, effects).await
    }

    /// Forgets subjects whose window has ended, some thousand at a time.
    ///
    /// # Errors
    /// The log cannot be written.
    pub async fn forget_subjects(&self) -> Result<(), CommitError> {
        loop {
            let (reply, answer) = oneshot::channel();
            let closed = CommitError::LogUnavailable { cause: "LOG_CLOSED" };
            let sent = self.queue.send(Message::Forget(reply)).await;
            sent.map_err(|_| closed.clone())?;
            if answer.await.unwrap_or(Err(closed))? == 0 {
                return Ok(());
            }
        }
    }

    /// Hands over how an exchange ended and does not wait. One that cannot be written is counted
    /// ([`Audit::lost_outcomes`]): an exchange without outcome reads as unknown.
    pub async fn conclude(&self, intent: &DurableIntent, outcome: Outcome) {
        let (shared, queue) = (self.shared.clone(), self.queue.clone());
        let (facts, began, at, ending) =
            (intent.facts(), intent.intent, outcome.at, outcome.ending);
        let parts = outcome_parts(intent, outcome);
        let (pending, mut chain) = {
            let mut chain = intent.chain();
            let (last, batches) = (chain.last, chain.batches);
            (chain.pending.take(), Chain { last, batches, ..Chain::default() })
        };
        let unsettled = pending.is_some();
        chain.pending = pending;
        let handed = async move {
            let _ = chain.settle().await;
            let (previous, batches) = (chain.last, chain.batches);
            let link = Link::Outcome { intent: began, previous, batches, ending };
            let (entry, body) = shared.entry(&facts, at, link, &parts).ok()?;
            let (reply, answer) = oneshot::channel();
            let (effects, spent) = (Effects::default(), BTreeMap::new());
            let waiting =
                Waiting { entry, epochs: body.epochs, effects, spent, reply, urgent: false };
            queue.send(Message::Append(Box::new(waiting))).await.ok()?;
            Some(answer)
        };
        let shared = self.shared.clone();
        let finish = async move |answer: Option<oneshot::Receiver<_>>| {
            let answer = match answer {
                Some(answer) => answer.await.ok(),
                None => None,
            };
            if !matches!(answer, Some(Ok(_))) {
                shared.lose_outcome();
            }
        };
        if unsettled {
            tokio::spawn(async move { finish(handed.await).await });
        } else {
            // In the queue before this returns, and so before a close.
            let answer = handed.await;
            tokio::spawn(async move { finish(answer).await });
        }
    }

    /// Makes a denial durable.
    pub async fn deny(&self, denial: Denial) -> Result<LoggedDenial, CommitError> {
        let requester = denial.requester.agency.clone();
        let facts = Facts { exchange: denial.exchange, requester: requester.clone() };
        let at = denial.at;
        let parts = [(Part::Denial(denial), vec![requester])];
        let entry = self.shared.entry(&facts, at, Link::Denial, &parts)?;
        let placed = self.commit(&mut Chain::default(), entry, Effects::default()).await?;
        Ok(LoggedDenial { leaf_hash: placed.leaf_hash, index: placed.index })
    }

    /// Can it be written to? While it cannot, everything is refused; it recovers by itself.
    pub fn healthy(&self) -> bool {
        self.shared.healthy.load(Ordering::SeqCst) && !self.queue.is_closed()
    }

    /// Outcomes that could not be written since the start.
    pub fn lost_outcomes(&self) -> u64 {
        self.shared.lost_outcomes.load(Ordering::SeqCst)
    }

    /// What others check its checkpoints with.
    pub fn verifier(&self) -> &LogVerifier {
        self.shared.signer.verifier()
    }

    /// Takes what is queued, refuses what comes later, and closes the store.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
        self.shared.store.close().await;
    }

    /// Waits until an entry is durable; the chain follows it.
    async fn commit(
        &self,
        chain: &mut Chain,
        (entry, body): (NewEntry, SealedBody),
        effects: Effects,
    ) -> Result<Placed, CommitError> {
        if !self.healthy() {
            return Err(CommitError::LogUnavailable { cause: "LOG_RECOVERING" });
        }
        let closed = CommitError::LogUnavailable { cause: "LOG_CLOSED" };
        let (charges, spent) = (effects.charges.clone(), chain.spent.clone());
        let leaf = entry.leaf.clone();
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { entry, epochs: body.epochs, effects, spent, reply, urgent: true };
        let sent = self.queue.send(Message::Append(Box::new(waiting))).await;
        sent.map_err(|_| closed.clone())?;
        // INVARIANT: no await between the two, or a caller that goes away could break the chain.
        chain.pending = Some(Pending { answer, charges, leaf });
        chain.settle().await?.ok_or(closed)
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audit({})", self.verifier().name())
    }
}

impl Shared {
    fn entry(
        &self,
        of: &Facts,
        at: Moment,
        link: Link,
        parts: &[(Part, Vec<AgencyId>)],
    ) -> Result<(NewEntry, SealedBody), CommitError> {
        let mut body = self.sealer.seal(parts, self.clock.now())?;
        let leaf = Leaf {
            at,
            exchange: of.exchange,
            requester: of.requester.clone(),
            body: body.commitment,
            sealed: Digest::of(&body.bytes),
            link,
        };
        let entry = NewEntry {
            kind: leaf.kind() as u8,
            at,
            exchange: of.exchange.0,
            leaf: leaf.encode().map_err(|_| CommitError::EventTooLarge)?,
            sealed: std::mem::take(&mut body.bytes),
            agencies: std::mem::take(&mut body.agencies),
            recipients: Vec::new(),
        };
        Ok((entry, body))
    }

    fn lose_outcome(&self) {
        self.lost_outcomes.fetch_add(1, Ordering::SeqCst);
        tracing::error!("the outcome of an exchange could not be written to the disclosure log");
    }
}

/// One share per originator, in the order of their first record: for the requester and that originator. The
/// salt of the ids is for the originator alone.
fn shares(
    requester: &AgencyId,
    records: &[Record],
) -> Result<Vec<(Part, Vec<AgencyId>)>, CommitError> {
    let mut by_originator: Vec<(&AgencyId, Vec<&Record>)> = Vec::new();
    for record in records {
        match by_originator.iter_mut().find(|(agency, _)| *agency == &record.originator) {
            Some((_, own)) => own.push(record),
            None => by_originator.push((&record.originator, vec![record])),
        }
    }
    let mut parts = Vec::new();
    for (originator, own) in by_originator {
        let (salt, id_salt): ([u8; 32], [u8; 32]) = (random()?, random()?);
        let records = own
            .iter()
            .map(|record| RecordCommitment {
                id: commit_id(&id_salt, &record.opaque_id),
                content: commit_content(&salt, &record.content),
                plan: record.plan,
            })
            .collect();
        let share = Part::Share { originator: originator.clone(), salt, records };
        parts.push((share, vec![requester.clone(), originator.clone()]));
        let id_salt = Part::IdSalt { originator: originator.clone(), salt: id_salt };
        parts.push((id_salt, vec![originator.clone()]));
    }
    Ok(parts)
}

fn outcome_parts(intent: &DurableIntent, outcome: Outcome) -> Vec<(Part, Vec<AgencyId>)> {
    let mut all = intent.sources.clone();
    all.push(intent.requester.clone());
    let ended = Part::Ended { ending: outcome.ending, reason: outcome.reason };
    let mut parts = vec![(ended, all)];
    for source in outcome.sources {
        let SourceOutcome { agency, completeness, reason, released, refused } = source;
        if !refused.is_empty() {
            let refused = Part::Refused { agency: agency.clone(), causes: refused };
            parts.push((refused, vec![agency.clone()]));
        }
        let readers = vec![intent.requester.clone(), agency.clone()];
        parts.push((Part::Source { agency, completeness, reason, released }, readers));
    }
    parts
}

#[cfg(test)]
mod tests;
