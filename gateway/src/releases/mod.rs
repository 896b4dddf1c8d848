//! Release requests: every one that was made, how it stands, and the one way to take a step. A step is durable in
//! the disclosure log before it counts; steps follow one another, so that none is taken on an old state. What may
//! be asked and granted under policy is the broker's to say (`broker::refer`).

mod refusal;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use portcullis_core::id::{AgencyId, Digest, Moment, RuleId};
use portcullis_core::policy::Grant;
use portcullis_core::release::{Act, ReleaseId, Side, State, next};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

pub use refusal::ReleaseRefusal;

use crate::audit::{Audit, LoggedStep, OpenError, ReleaseAsk, ReleaseStep, Requester, What};
use crate::clock::Clock;
use crate::officers::Proof;
use crate::store::Store;

/// Most requests of one agency that wait for an answer at once.
const MOST_OPEN: usize = 1000;
/// How often requests are looked at that nobody answered.
const LAPSE_EVERY: Duration = Duration::from_millis(500);

/// A release request as it stands.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its name.
    pub id: ReleaseId,
    /// Who asked.
    pub requester: Requester,
    /// What for.
    pub ask: Arc<ReleaseAsk>,
    /// Where it stands.
    pub state: State,
    /// All steps so far.
    pub steps: Vec<LoggedStep>,
    /// What was granted, and not taken back.
    pub granted: Option<Granted>,
}

/// A grant that may be used.
#[derive(Debug, Clone)]
pub struct Granted {
    /// What it changes.
    pub grant: Arc<Grant>,
    /// The release.
    pub release: ReleaseId,
    /// Leaf hash of the step that gave it.
    pub step: Digest,
    /// The record, as the requester knows it.
    pub reference: String,
    /// Goes when it is taken back.
    alive: Arc<AtomicBool>,
}

impl Granted {
    /// Has it not been taken back?
    pub fn holds(&self) -> bool {
        self.alive.load(Ordering::SeqCst)
    }
}

impl Release {
    /// Is an answer late, by the requester's wish?
    pub fn overdue(&self, now: Moment) -> bool {
        self.state.is_open() && self.ask.due <= now
    }

    /// May the agency know of it?
    pub fn concerns(&self, agency: &AgencyId) -> bool {
        self.requester.agency == *agency || self.ask.originator == *agency
    }

    /// Whether a token proved the officer who asked.
    pub fn asked_by_officer(&self) -> bool {
        self.steps.first().is_some_and(|step| step.proven.is_some())
    }

    /// Number of the last step.
    pub fn last_step(&self) -> u32 {
        self.steps.last().map_or(0, |logged| logged.step.number)
    }

    fn begun(logged: LoggedStep) -> Option<Self> {
        let (What::Request(ask), Some(by)) = (&logged.step.what, &logged.step.by) else {
            return None;
        };
        Some(Self {
            id: logged.step.release,
            requester: by.clone(),
            ask: Arc::new((**ask).clone()),
            state: State::Pending,
            steps: vec![logged],
            granted: None,
        })
    }

    fn follow(&mut self, logged: LoggedStep, state: State) {
        if let Some(before) = self.granted.take() {
            before.alive.store(false, Ordering::SeqCst);
        }
        self.state = state;
        if let What::Grant { fields, until, .. } = &logged.step.what {
            self.granted = Some(Granted {
                grant: Arc::new(Grant {
                    rule: RuleId::new(format!("release:{}", self.id)),
                    requester: self.requester.agency.clone(),
                    source: self.ask.originator.clone(),
                    agreement: self.ask.agreement.clone(),
                    record_type: self.ask.record_type.clone(),
                    purpose: self.ask.purpose,
                    case: self.ask.case.clone(),
                    officer_proven: self.asked_by_officer(),
                    until: *until,
                    fields: fields.iter().cloned().collect(),
                }),
                release: self.id,
                step: logged.leaf_hash,
                reference: self.ask.reference.clone(),
                alive: Arc::new(AtomicBool::new(true)),
            });
        }
        self.steps.push(logged);
    }

    /// Where it stands after an act.
    fn after(&self, act: Act, side: Side, now: Moment) -> Result<State, ReleaseRefusal> {
        Ok(next(Some(self.state), act, side, now, self.ask.lapses_at)?)
    }
}

/// A step as an agency brings it.
#[derive(Debug, Clone)]
pub struct Taking {
    /// Which release.
    pub release: ReleaseId,
    /// Who takes it.
    pub by: Requester,
    /// What is done.
    pub what: What,
    /// The officer whom a token proves.
    pub proof: Option<Proof>,
    /// The last step that was looked at; 0: whichever.
    pub after_step: u32,
}

#[derive(Default)]
struct Known {
    by_id: BTreeMap<ReleaseId, Release>,
    /// Those that somebody has to answer, by when they lapse: settled ones grow in number, these do not.
    open: BTreeSet<(Moment, ReleaseId)>,
    /// Every step that concerns an agency, in order.
    positions: HashMap<AgencyId, Vec<(ReleaseId, u32)>>,
    /// By requester and idempotency key.
    asked: HashMap<Digest, ReleaseId>,
}

impl Known {
    fn take(&mut self, logged: LoggedStep) -> Option<()> {
        let (id, number) = (logged.step.release, logged.step.number);
        match self.by_id.get_mut(&id) {
            None => {
                let release = Release::begun(logged)?;
                if let Some(key) = release.ask.idempotency_key {
                    self.asked.insert(key, id);
                }
                self.by_id.insert(id, release);
            }
            Some(release) => {
                let act = logged.step.what.act();
                let lapses_at = release.ask.lapses_at;
                let (at, side) = (logged.step.at, act.side());
                let state = next(Some(release.state), act, side, at, lapses_at).ok()?;
                release.follow(logged, state);
            }
        }
        let release = self.by_id.get(&id)?;
        let lapses = (release.ask.lapses_at, id);
        if release.state.is_open() {
            self.open.insert(lapses)
        } else {
            self.open.remove(&lapses)
        };
        let requester = release.requester.agency.clone();
        let originator = release.ask.originator.clone();
        if requester != originator {
            self.positions.entry(originator).or_default().push((id, number));
        }
        self.positions.entry(requester).or_default().push((id, number));
        Some(())
    }

    /// Those that somebody has to answer.
    fn open(&self) -> impl Iterator<Item = &Release> {
        self.open.iter().filter_map(|(_, id)| self.by_id.get(id))
    }

    /// Those that nobody has answered in time.
    fn due(&self, now: Moment) -> Vec<ReleaseId> {
        self.open.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect()
    }
}

/// Every release request.
pub struct Releases {
    audit: Audit,
    store: Store,
    clock: Clock,
    known: RwLock<Known>,
    /// Held while a step is taken. True: what is known may be less than what is durable.
    stepping: Mutex<bool>,
    changed: watch::Sender<u64>,
    stop: CancellationToken,
}

impl Releases {
    /// Reads what was asked and decided.
    ///
    /// # Errors
    /// The store cannot be read, or does not hold what the log's entries stand for.
    pub async fn open(
        audit: Audit,
        store: Store,
        clock: Clock,
        stop: CancellationToken,
    ) -> Result<Self, OpenError> {
        let known = RwLock::new(read(&audit, &store).await?);
        let (stepping, changed) = (Mutex::new(false), watch::Sender::new(0));
        Ok(Self { audit, store, clock, known, stepping, changed, stop })
    }

    /// One that concerns the agency.
    pub fn find(&self, id: ReleaseId, agency: &AgencyId) -> Option<Release> {
        self.known().by_id.get(&id).filter(|release| release.concerns(agency)).cloned()
    }

    /// What was granted to the requester and may be used now.
    pub fn granted(&self, id: ReleaseId, requester: &AgencyId, now: Moment) -> Option<Granted> {
        let known = self.known();
        let release = known.by_id.get(&id).filter(|one| one.requester.agency == *requester)?;
        release.granted.clone().filter(|granted| now < granted.grant.until)
    }

    /// Those that concern an agency and pass, in the order in which they were asked for, at most so many; the
    /// last says where to go on, if there are more.
    pub fn list(
        &self,
        agency: &AgencyId,
        after: Option<ReleaseId>,
        limit: usize,
        passes: impl Fn(&Release) -> bool,
    ) -> (Vec<Release>, Option<ReleaseId>) {
        use std::ops::Bound::{Excluded, Unbounded};
        let known = self.known();
        let from = after.map_or(Unbounded, Excluded);
        let mut found = known
            .by_id
            .range((from, Unbounded))
            .map(|(_, release)| release)
            .filter(|release| release.concerns(agency) && passes(release));
        let page: Vec<Release> = found.by_ref().take(limit).cloned().collect();
        let next = found.next().and(page.last()).map(|release| release.id);
        (page, next)
    }

    /// The step at a position of an agency's, from 1, and its release as it stands.
    pub fn at(&self, agency: &AgencyId, position: u64) -> Option<(u32, Release)> {
        let known = self.known();
        let at = usize::try_from(position.checked_sub(1)?).ok()?;
        let (id, number) = *known.positions.get(agency)?.get(at)?;
        Some((number, known.by_id.get(&id)?.clone()))
    }

    /// Wakes whoever waits when a step was taken.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Ends with the gateway.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// What an earlier attempt under an idempotency key has asked for.
    ///
    /// # Errors
    /// That was something else.
    pub fn asked_before(
        &self,
        key: Option<Digest>,
        query_digest: Digest,
    ) -> Result<Option<Release>, ReleaseRefusal> {
        let known = self.known();
        let before = key.and_then(|key| known.asked.get(&key)).and_then(|id| known.by_id.get(id));
        match before {
            Some(release) if release.ask.query_digest != query_digest => {
                Err(ReleaseRefusal::IdempotencyKeyReused)
            }
            before => Ok(before.cloned()),
        }
    }

    /// Begins a request.
    ///
    /// # Errors
    /// See [`ReleaseRefusal`]; then nothing has changed.
    pub async fn request(
        self: &Arc<Self>,
        id: ReleaseId,
        by: Requester,
        ask: ReleaseAsk,
        proof: Option<Proof>,
    ) -> Result<Release, ReleaseRefusal> {
        self.step(move |known, now| {
            // Two attempts may have come at once.
            let before = ask.idempotency_key.and_then(|key| known.asked.get(&key));
            if before.is_some() {
                return Err(ReleaseRefusal::IdempotencyKeyReused);
            }
            let own = |one: &&Release| one.requester.agency == by.agency;
            if known.open().filter(own).count() >= MOST_OPEN {
                return Err(ReleaseRefusal::TooMany);
            }
            let parties = [by.agency.clone(), ask.originator.clone()];
            let what = What::Request(Box::new(ask));
            let step = ReleaseStep { release: id, number: 1, at: now, by: Some(by), what };
            Ok((step, parties, Digest::default(), proof))
        })
        .await
    }

    /// Takes a step.
    ///
    /// # Errors
    /// See [`ReleaseRefusal`]; then nothing has changed.
    pub async fn take(self: &Arc<Self>, taking: Taking) -> Result<Release, ReleaseRefusal> {
        self.step(move |known, now| {
            let release = known.by_id.get(&taking.release);
            let release = release.filter(|one| one.concerns(&taking.by.agency));
            let release = release.ok_or(ReleaseRefusal::Unknown)?;
            if taking.after_step != 0 && taking.after_step != release.last_step() {
                return Err(ReleaseRefusal::Changed);
            }
            let act = taking.what.act();
            let theirs = match act.side() {
                Side::Requester => release.requester.agency == taking.by.agency,
                Side::Originator => release.ask.originator == taking.by.agency,
                Side::Time => false,
            };
            if !theirs {
                return Err(ReleaseRefusal::NotYours);
            }
            release.after(act, act.side(), now)?;
            Ok(following(release, Some(taking.by), taking.what, now, taking.proof))
        })
        .await
    }

    /// Lets requests lapse that nobody answered in time, until the gateway stops.
    pub async fn follow_time(self: Arc<Self>) {
        while self.stop.run_until_cancelled(tokio::time::sleep(LAPSE_EVERY)).await.is_some() {
            let due = self.known().due(self.clock.now());
            for id in due {
                let lapsed = self.step(move |known, now| {
                    let release = known.by_id.get(&id).ok_or(ReleaseRefusal::Unknown)?;
                    release.after(Act::Lapse, Side::Time, now)?;
                    Ok(following(release, None, What::Lapse, now, None))
                });
                if let Err(refusal) = lapsed.await {
                    tracing::warn!(release = %id, reason = refusal.reason(), "cannot lapse yet");
                }
            }
        }
    }

    /// One step at a time, to its end: a caller that goes away does not leave it half taken.
    async fn step(
        self: &Arc<Self>,
        make: impl FnOnce(&Known, Moment) -> Result<Next, ReleaseRefusal> + Send + 'static,
    ) -> Result<Release, ReleaseRefusal> {
        let this = self.clone();
        let stepped = tokio::spawn(async move {
            let mut behind = this.stepping.lock().await;
            if *behind {
                let read = read(&this.audit, &this.store).await;
                let read = read.map_err(|_| ReleaseRefusal::LogUnavailable)?;
                this.replace(read);
                *behind = false;
            }
            let made = make(&this.known(), this.clock.now())?;
            let (step, parties, previous, proof) = made;
            let (id, act) = (step.release, step.what.act());
            let taken = this.audit.take_step(step, parties, previous, proof).await;
            let logged = taken.map_err(|error| {
                let refusal = ReleaseRefusal::from(error);
                // Nobody can tell what of it is durable: read again before the next.
                *behind = refusal == ReleaseRefusal::LogUnavailable;
                refusal
            })?;
            let release = {
                let mut known = this.known.write().unwrap_or_else(PoisonError::into_inner);
                known.take(logged);
                known.by_id.get(&id).cloned()
            };
            this.changed.send_modify(|count| *count += 1);
            tracing::info!(release = %id, act = act.word(), "step taken");
            release.ok_or(ReleaseRefusal::Unknown)
        });
        stepped.await.unwrap_or(Err(ReleaseRefusal::LogUnavailable))
    }

    /// Grants that went meanwhile end; those that stay are the same ones.
    fn replace(&self, mut read: Known) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for (id, before) in &known.by_id {
            let Some(granted) = &before.granted else { continue };
            match read.by_id.get_mut(id).and_then(|release| release.granted.as_mut()) {
                Some(after) if after.step == granted.step => after.alive = granted.alive.clone(),
                _ => granted.alive.store(false, Ordering::SeqCst),
            }
        }
        *known = read;
        drop(known);
        self.changed.send_modify(|count| *count += 1);
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A step, whom it concerns, the leaf hash of the one before, and the officer.
type Next = (ReleaseStep, [AgencyId; 2], Digest, Option<Proof>);

fn following(
    release: &Release,
    by: Option<Requester>,
    what: What,
    at: Moment,
    proof: Option<Proof>,
) -> Next {
    let number = release.last_step().saturating_add(1);
    let previous = release.steps.last().map(|logged| logged.leaf_hash).unwrap_or_default();
    let step = ReleaseStep { release: release.id, number, at, by, what };
    let parties = [release.requester.agency.clone(), release.ask.originator.clone()];
    (step, parties, previous, proof)
}

async fn read(audit: &Audit, store: &Store) -> Result<Known, OpenError> {
    let mut known = Known::default();
    for logged in audit.release_steps(store).await? {
        known.take(logged).ok_or(OpenError::ReleasesDiffer)?;
    }
    Ok(known)
}
