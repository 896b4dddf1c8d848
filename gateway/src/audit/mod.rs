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
mod seal;
mod sequencer;
pub mod tree;
pub mod verify;

pub use effects::{Charge, Effects, IDEMPOTENCY_MILLIS, Idempotency};
pub use error::{CommitError, OpenError};
pub use event::{
    Denial, DisclosedRecord, Disclosure, Ending, ExchangeId, Intent, Outcome, Requester,
    SourceOutcome,
};
pub use leaf::{EntryKind, Leaf, Link, MAX_LEAF};
pub use load::Scrub;
pub use note::{Checkpoint, LogSigner, LogVerifier, NoteError};
pub use part::{Part, RecordCommitment, commit_body, commit_content, commit_id, commit_part};
pub use read::{Filter, ListedEntry, LogProof, learn_epochs, list_entries};
pub use seal::{Epoch, EpochId, OpenedPart, Party, SealError, SealedBody, Sealer, Unsealer};

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use portcullis_core::id::{AgencyId, Digest, Moment};
use portcullis_core::redact::Disclosed;
use tokio::sync::{mpsc, oneshot};

use self::effects::Marker;
use self::event::DisclosedRecord as Record;
use self::forest::Forest;
use self::keys::{SealPrivateKey, SealPublicKey};
use self::load::load;
use self::seal::random;
use self::sequencer::{MAX_GROUP, Message, Placed, Sequencer, Waiting};
use crate::clock::Clock;
use crate::store::{NewEntry, Store};

/// Waiters that may queue before callers are held back.
const QUEUE: usize = 16 * MAX_GROUP;

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
}

/// Proof that an intent is durable. Carries the chain of its exchange's disclosures and what they used.
#[derive(Debug)]
pub struct DurableIntent {
    exchange: ExchangeId,
    requester: AgencyId,
    sources: Vec<AgencyId>,
    intent: Digest,
    last: Digest,
    last_index: u64,
    batches: u32,
    idempotency: Option<Idempotency>,
    spent: BTreeMap<String, u64>,
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
        self.last_index
    }

    /// Batches made durable so far.
    pub fn batches(&self) -> u32 {
        self.batches
    }
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
        Self::open_with(store, keys, clock, Scrub::default()).await
    }

    /// As [`Audit::open`], saying how much of the log is read again.
    pub async fn open_with(
        store: Store,
        keys: AuditKeys,
        clock: Clock,
        scrub: Scrub,
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
        });
        let (queue, receiver) = mpsc::channel(QUEUE);
        let sequencer = Sequencer {
            shared: shared.clone(),
            queue: receiver,
            writer: Some(writer),
            scrub,
            durable_epochs: HashSet::new(),
            retry_at: tokio::time::Instant::now(),
        };
        tokio::spawn(sequencer.run());
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
        let at = intent.decided_at;
        let mut readers = sources.clone();
        readers.push(requester.clone());
        let mut durable = DurableIntent {
            exchange,
            requester,
            sources,
            intent: Digest::default(),
            last: Digest::default(),
            last_index: 0,
            batches: 0,
            idempotency: effects.idempotency,
            spent: BTreeMap::new(),
        };
        let parts = [(Part::Intent(intent), readers)];
        let entry = self.entry(&durable, at, Link::Intent, &parts)?;
        let placed = self.commit(&mut durable, entry, effects).await?;
        durable.intent = placed.leaf_hash;
        durable.last = placed.leaf_hash;
        durable.last_index = placed.index;
        Ok(durable)
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
        let parts = shares(&intent.requester, &disclosure.records)?;
        let link = Link::Disclosure {
            intent: intent.intent,
            previous: intent.last,
            batch: intent.batches,
        };
        let entry = self.entry(intent, disclosure.at, link, &parts)?;
        let placed = self.commit(intent, entry, effects).await?;
        intent.last = placed.leaf_hash;
        intent.last_index = placed.index;
        intent.batches += 1;
        Ok(Sealed {
            inner: disclosed.into_inner(),
            leaf_hash: placed.leaf_hash,
            index: placed.index,
        })
    }

    /// Hands over how an exchange ended and does not wait. One that cannot be written is counted
    /// ([`Audit::lost_outcomes`]): an exchange without outcome reads as unknown.
    pub async fn conclude(&self, intent: &DurableIntent, outcome: Outcome) {
        let link = Link::Outcome {
            intent: intent.intent,
            previous: intent.last,
            batches: intent.batches,
            ending: outcome.ending,
        };
        let at = outcome.at;
        let parts = outcome_parts(intent, outcome);
        let Ok((entry, body)) = self.entry(intent, at, link, &parts) else {
            self.shared.lose_outcome();
            return;
        };
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            entry,
            epochs: body.epochs,
            effects: Effects::default(),
            spent: BTreeMap::new(),
            reply,
        };
        let (queue, shared) = (self.queue.clone(), self.shared.clone());
        tokio::spawn(async move {
            let sent = queue.send(Message::Append(Box::new(waiting))).await.is_ok();
            if !sent || !matches!(answer.await, Ok(Ok(_))) {
                shared.lose_outcome();
            }
        });
    }

    /// Makes a denial durable.
    pub async fn deny(&self, denial: Denial) -> Result<LoggedDenial, CommitError> {
        let agency = denial.requester.agency.clone();
        let mut alone = DurableIntent {
            exchange: denial.exchange,
            requester: agency.clone(),
            sources: Vec::new(),
            intent: Digest::default(),
            last: Digest::default(),
            last_index: 0,
            batches: 0,
            idempotency: None,
            spent: BTreeMap::new(),
        };
        let at = denial.at;
        let parts = [(Part::Denial(denial), vec![agency])];
        let entry = self.entry(&alone, at, Link::Denial, &parts)?;
        let placed = self.commit(&mut alone, entry, Effects::default()).await?;
        Ok(LoggedDenial { leaf_hash: placed.leaf_hash, index: placed.index })
    }

    /// Can it be written to? While it cannot, everything is refused; it recovers by itself.
    pub fn healthy(&self) -> bool {
        self.shared.healthy.load(Ordering::SeqCst)
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

    fn entry(
        &self,
        of: &DurableIntent,
        at: Moment,
        link: Link,
        parts: &[(Part, Vec<AgencyId>)],
    ) -> Result<(NewEntry, SealedBody), CommitError> {
        let body = self.shared.sealer.seal(parts, self.shared.clock.now())?;
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
            sealed: body.bytes.clone(),
            agencies: body.agencies.clone(),
        };
        Ok((entry, body))
    }

    /// Waits until an entry is durable, and remembers what it used.
    async fn commit(
        &self,
        of: &mut DurableIntent,
        (entry, body): (NewEntry, SealedBody),
        mut effects: Effects,
    ) -> Result<Placed, CommitError> {
        if effects.idempotency.is_none() {
            effects.idempotency = of.idempotency;
        }
        let charges = effects.charges.clone();
        let (reply, answer) = oneshot::channel();
        let waiting =
            Waiting { entry, epochs: body.epochs, effects, spent: of.spent.clone(), reply };
        let closed = CommitError::LogUnavailable { cause: "LOG_CLOSED" };
        if !self.healthy() {
            return Err(CommitError::LogUnavailable { cause: "LOG_RECOVERING" });
        }
        self.queue.send(Message::Append(Box::new(waiting))).await.map_err(|_| closed.clone())?;
        let placed = answer.await.map_err(|_| closed)??;
        for charge in charges {
            let spent = of.spent.entry(charge.key).or_default();
            *spent = spent.saturating_add(charge.amount);
        }
        Ok(placed)
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audit({})", self.verifier().name())
    }
}

impl Shared {
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
