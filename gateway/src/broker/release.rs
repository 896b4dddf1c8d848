//! Release: from what the sources send to what the requester gets. Everything a requester can count (order,
//! batches, plans, statuses, where a limit cuts) follows from released content alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use portcullis_core::filter::{BoundFilter, Filter, TextFields};
use portcullis_core::handling::{Handling, HandlingClass};
use portcullis_core::id::{AgencyId, Digest, Moment};
use portcullis_core::label::LeafId;
use portcullis_core::policy::{BudgetName, Permit, Purpose, Snapshot};
use portcullis_core::redact::{
    Batch, Disclosed, FoundRecord, Plan, Redactor, ReleasedRecord, ScopeKey,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::budget::Fitted;
use super::fetch::Feed;
use super::query::{Only, ask_of, charge, in_order};
use super::reply::{Completeness, Cut, Receipt, Reply, SourceEnd};
use super::resume::{Binding, Position};
use super::{Ask, Broker};
use crate::audit::{DurableIntent, Ending, Outcome, SourceOutcome};
use crate::pseudonyms::Sealing;
use crate::releases::Granted;
use crate::source::{Found, RawRecord, SourceFailure};
use crate::telemetry::Metrics;

/// How long statuses and receipt may wait for the requester behind the deadline.
const GRACE: Duration = Duration::from_secs(5);

/// A clock may be set: how often a waiting answer looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// One query under way.
pub(super) struct Release {
    pub broker: Arc<Broker>,
    pub permit: Permit,
    /// As the header says it: counted from the decision, or every record would tell when it came.
    pub delete_by: Moment,
    pub intent: DurableIntent,
    pub filter: Option<Filter>,
    pub bound: Option<BoundFilter>,
    pub wanted: Vec<bool>,
    pub position: Option<Position>,
    /// Guesses that were charged for.
    pub probes: u64,
    /// The only records wanted, where references were quoted.
    pub only: Option<Only>,
    /// The grant that it rests on.
    pub granted: Option<Granted>,
    /// Writes tokens, in the epoch in which the answer began.
    pub pseudonyms: Arc<Sealing>,
    /// Wakes it when another policy is in force.
    pub changed: watch::Receiver<u64>,
    /// The policy that was looked at last, and until when the permit holds in it.
    pub held: Mutex<Option<(Arc<Snapshot>, Option<Moment>)>>,
    pub ask: Ask,
    pub replies: mpsc::Sender<Reply>,
    pub room: OwnedSemaphorePermit,
}

/// What is done with the records of one class.
struct Recipe {
    class: Arc<HandlingClass>,
    /// The cached redactor's plan may be an earlier one of equal content: it ends at another time.
    plan: Arc<Plan>,
    redactor: Arc<Redactor>,
    key: Arc<ScopeKey>,
    permitted_use: Arc<[Purpose]>,
    /// Finds subjects, where a budget counts them.
    subjects: Option<TextFields>,
}

/// State of a release: what was counted, announced and is waiting.
struct Progress {
    recipes: HashMap<Arc<HandlingClass>, Option<Arc<Recipe>>>,
    /// The one looked up last: records in a row are mostly of one class, and share it.
    latest: Option<(Arc<HandlingClass>, Option<Arc<Recipe>>)>,
    /// By plan and class: two classes may share a plan and differ in their markings.
    announced: HashMap<(Digest, Arc<HandlingClass>), u32>,
    waiting: Batch,
    /// The recipe of each of them.
    waiting_recipes: Vec<Arc<Recipe>>,
    /// The subjects of each of them, where somebody counts them.
    waiting_subjects: Vec<Vec<Digest>>,
    waiting_bytes: usize,
    released: u64,
    room_left: u64,
    room_left_by: Cut,
    refused: HashMap<&'static str, u64>,
    ends: Vec<SourceEnd>,
    outcomes: Vec<SourceOutcome>,
}

impl Release {
    pub(super) async fn run(mut self) {
        let _counted = InFlight::new(self.broker.metrics.clone());
        let mut progress = self.begin().await;
        let cut = self.sources(&mut progress).await;
        self.finish(progress, cut).await;
    }

    /// The smaller of the query's limit and what is left of the budget of records.
    async fn begin(&self) -> Progress {
        let now = self.broker.clock.now();
        let (mut room_left, mut room_left_by) = (self.ask.limit, Cut::LimitReached);
        for budget in self.permit.budgets().iter().filter(|b| b.name == BudgetName::Records) {
            let (left, by) = match self.left(&charge(budget, 0, now)).await {
                Ok(left) => (left, Cut::BudgetExhausted),
                Err(cut) => (0, cut),
            };
            if left < room_left {
                (room_left, room_left_by) = (left, by);
            }
        }
        Progress {
            recipes: HashMap::new(),
            latest: None,
            announced: HashMap::new(),
            waiting: Batch::default(),
            waiting_recipes: vec![],
            waiting_subjects: vec![],
            waiting_bytes: 0,
            released: 0,
            room_left,
            room_left_by,
            refused: HashMap::new(),
            ends: vec![],
            outcomes: vec![],
        }
    }

    /// Reads every source in order of its agency; all of them send at once.
    async fn sources(&mut self, progress: &mut Progress) -> Option<Cut> {
        let order = in_order(self.permit.sources());
        let first = self.position.as_ref().map(|position| position.agency.clone());
        let mut feeds: Vec<Option<Feed>> = vec![];
        for agency in &order {
            let done = first.as_ref().is_some_and(|first| agency < first);
            let feed = (!done).then(|| self.broker.sources.of(agency)).flatten().map(|source| {
                let ask = ask_of(self, agency, progress.room_left);
                let stream = tracing::debug_span!("source.open")
                    .in_scope(|| source.search(&self.permit, &self.intent, ask));
                Feed::open(agency.clone(), stream, self.broker.limits.source_idle())
            });
            feeds.push(feed);
        }
        let mut cut = None;
        let mut left = feeds.iter().flatten().count();
        for (agency, feed) in order.into_iter().zip(feeds) {
            let before = progress.released;
            let done = first.as_ref().is_some_and(|first| agency < *first);
            let (completeness, data_as_of) = match (cut, feed) {
                (Some(_), _) => (Completeness::NotAsked, None),
                (None, None) if done => (Completeness::NotAsked, None),
                (None, None) => (Completeness::Incomplete(SourceFailure::Unavailable), None),
                (None, Some(mut feed)) => {
                    let drained = self.drain(&mut feed, progress, left).await;
                    left = left.saturating_sub(1);
                    drop(feed);
                    // What is waiting belongs to this source, whatever became of it.
                    let flushed = match &drained {
                        Ok(_) | Err(Stop::Source(_)) => self.flush(progress, &agency).await,
                        Err(Stop::Answer(cut)) if *cut == Cut::RequesterGone => Err(*cut),
                        Err(Stop::Answer(_)) => self.flush(progress, &agency).await,
                    };
                    match (drained, flushed) {
                        (Err(Stop::Answer(why)), _) | (_, Err(why)) => {
                            cut = Some(why);
                            (Completeness::Limited(why), None)
                        }
                        (Err(Stop::Source(failure)), Ok(())) => {
                            (Completeness::Incomplete(failure), None)
                        }
                        (Ok(as_of), Ok(())) => (Completeness::Complete, as_of),
                    }
                }
            };
            let released = progress.released - before;
            self.note(progress, SourceEnd { agency, completeness, released, data_as_of });
        }
        cut
    }

    fn note(&self, progress: &mut Progress, end: SourceEnd) {
        let (completeness, reason) = end.completeness.words();
        self.broker
            .count_source(&end.agency, if reason.is_empty() { completeness } else { reason });
        let mut refused: Vec<(String, u64)> =
            progress.refused.drain().map(|(cause, count)| (cause.to_owned(), count)).collect();
        refused.sort();
        for (cause, count) in &refused {
            self.broker.count_refused(cause, *count);
        }
        progress.outcomes.push(SourceOutcome {
            agency: end.agency.clone(),
            completeness: completeness.to_owned(),
            reason: reason.to_owned(),
            released: end.released,
            refused,
        });
        progress.ends.push(end);
    }

    /// When the turn of a source ends that sends and sends: its share of the time left to `sources` of
    /// them, so that it cannot use up the others' too.
    fn turn(&self, sources: usize) -> Instant {
        let now = Instant::now();
        let share = u32::try_from(sources).unwrap_or(u32::MAX).max(1);
        match share {
            1 => self.ask.deadline,
            _ => now + self.ask.deadline.saturating_duration_since(now) / share,
        }
    }

    /// Takes everything that one source sends, until it ends, fails, or the answer is full.
    async fn drain(
        &mut self,
        feed: &mut Feed,
        progress: &mut Progress,
        sources: usize,
    ) -> Result<Option<Moment>, Stop> {
        let mut turn = self.turn(sources);
        let mut last = match &self.position {
            Some(position) if position.agency == feed.agency => position.opaque_id.clone(),
            _ => Bytes::new(),
        };
        let mut sent = 0_u64;
        loop {
            let message = tokio::select! {
                biased;
                () = self.replies.closed() => return Err(Stop::Answer(Cut::RequesterGone)),
                () = self.pseudonyms.destroyed() => return Err(Stop::Answer(Cut::PermitEnded)),
                () = tokio::time::sleep_until(turn.min(self.ask.deadline)) => {
                    return Err(if turn < self.ask.deadline {
                        Stop::Source(SourceFailure::Deadline)
                    } else {
                        Stop::Answer(Cut::DeadlinePassed)
                    });
                }
                message = feed.next() => message.map_err(Stop::Source)?,
                // What comes is looked at anyway: this is for a source that has nothing to send.
                () = self.ended() => return Err(Stop::Answer(Cut::PermitEnded)),
            };
            let records = match message {
                Found::End { records, .. } if records != sent => {
                    return Err(Stop::Source(SourceFailure::Misbehaved));
                }
                Found::End { data_as_of, .. } => return Ok(data_as_of),
                Found::Batch(records) => records,
            };
            let now = self.broker.clock.now();
            self.still_permitted(now).map_err(Stop::Answer)?;
            for record in records {
                sent += 1;
                if sent > self.broker.limits.source_records {
                    return Err(Stop::Source(SourceFailure::TooMuch));
                }
                // Strictly ascending opaque ids: neither order nor repetition may tell anything.
                if record.opaque_id <= last || !(16..=32).contains(&record.opaque_id.len()) {
                    return Err(Stop::Source(SourceFailure::Misbehaved));
                }
                last = record.opaque_id.clone();
                if !self.asked_for(&feed.agency, &record.opaque_id) {
                    return Err(Stop::Source(SourceFailure::Misbehaved));
                }
                self.take(record, progress, now)?;
                if progress.waiting_bytes >= self.broker.limits.batch_bytes {
                    let (agency, begun) = (feed.agency.clone(), Instant::now());
                    self.flush(progress, &agency).await.map_err(Stop::Answer)?;
                    // A requester that reads slowly is not the source's fault.
                    turn += begun.elapsed();
                }
            }
        }
    }

    /// Where references were quoted: is it one of theirs?
    fn asked_for(&self, agency: &AgencyId, opaque_id: &Bytes) -> bool {
        self.only.as_ref().is_none_or(|only| {
            only.get(agency).is_some_and(|ids| ids.binary_search(opaque_id).is_ok())
        })
    }

    /// Redacts one record; drops it as if it had not matched where it may not be released.
    fn take(&self, record: RawRecord, progress: &mut Progress, now: Moment) -> Result<(), Stop> {
        let handling = match record.handling {
            Ok(handling) => handling,
            Err(error) => return refuse(progress, error.word()),
        };
        if record.payload.len() > self.broker.limits.record_bytes {
            return refuse(progress, "RECORD_TOO_LARGE");
        }
        if handling.delete_by.is_some_and(|at| at <= now) {
            return refuse(progress, "DELETE_BY_PASSED");
        }
        let Some(recipe) = self.recipe(&handling, progress, now) else { return Ok(()) };
        if !self.reaches(&handling.class, now) {
            return Ok(());
        }
        if let Some(bound) = &self.bound {
            match bound.matches(&record.payload) {
                Ok(true) => {}
                // A record that was not asked for: the source does not do what it is asked to.
                Ok(false) => return Err(Stop::Source(SourceFailure::Misbehaved)),
                Err(error) => return refuse(progress, error.word()),
            }
        }
        let subjects = recipe
            .subjects
            .as_ref()
            .map(|fields| self.subjects(fields, &recipe.plan, &record.opaque_id, &record.payload));
        let found = FoundRecord {
            originator: handling.class.originator.clone(),
            opaque_id: record.opaque_id,
            payload: record.payload,
            version: handling.version,
            data_as_of: handling.data_as_of,
            delete_by: Some(
                handling.delete_by.map_or(self.delete_by, |own| own.min(self.delete_by)),
            ),
        };
        // One more than there is room for still has to be fit for release to cut the answer.
        let mut beyond = Batch::default();
        let full = progress.room_left == 0;
        let batch = if full { &mut beyond } else { &mut progress.waiting };
        match batch.take(&recipe.redactor, &recipe.key, found) {
            Err(refusal) => refuse(progress, refusal.word()),
            Ok(_) if full => Err(Stop::Answer(progress.room_left_by)),
            Ok(size) => {
                progress.waiting_bytes += size + 16;
                progress.room_left -= 1;
                progress.waiting_recipes.push(recipe);
                progress.waiting_subjects.extend(subjects);
                Ok(())
            }
        }
    }

    /// What is done with records of this class; none: dropped.
    fn recipe(
        &self,
        handling: &Handling,
        progress: &mut Progress,
        now: Moment,
    ) -> Option<Arc<Recipe>> {
        let holds = |recipe: &Option<Arc<Recipe>>| {
            let until = recipe.as_ref().and_then(|recipe| recipe.plan.valid_until());
            until.is_none_or(|until| now < until)
        };
        if let Some((class, known)) = &progress.latest
            && Arc::ptr_eq(class, &handling.class)
            && holds(known)
        {
            return known.clone();
        }
        let recipe = self.recipe_of_class(handling, progress, now, holds);
        progress.latest = Some((handling.class.clone(), recipe.clone()));
        recipe
    }

    fn recipe_of_class(
        &self,
        handling: &Handling,
        progress: &mut Progress,
        now: Moment,
        holds: impl Fn(&Option<Arc<Recipe>>) -> bool,
    ) -> Option<Arc<Recipe>> {
        if let Some(known) = progress.recipes.get(&handling.class).filter(|known| holds(known)) {
            return known.clone();
        }
        // A bound against hostile handling.
        if progress.recipes.len() >= super::CACHE {
            progress.recipes.clear();
        }
        let recipe = self.permit.plan(&handling.class, now).ok().and_then(|plan| {
            // A field that this class hides must not decide whether a record of it comes back.
            let hides = self.bound.as_ref().is_some_and(|bound| {
                bound.leaves().iter().any(|leaf| !plan.field(*leaf).is_some_and(|f| f.usable))
                    || bound.beyond_equality(&plan).is_some()
                    // .. nor one that it lets be matched only, unless that guess was charged for.
                    || bound.probes(&plan) > self.probes
            });
            // Where everything is wanted, narrowing would make the same plan again, and hash it.
            // By what it could have seen, not by what it asked to see.
            let subjects = self.subject_fields(&plan);
            let plan = if self.wanted.iter().all(|wanted| *wanted) {
                plan
            } else {
                let wanted = |leaf: LeafId| self.wanted.get(leaf.index()).copied();
                Arc::new(plan.narrowed(|leaf| wanted(leaf).unwrap_or_default()))
            };
            let permitted_use = self.permitted_use(&handling.class);
            // What may be used for nothing is not released: an empty list would read as no restriction.
            if hides || plan.withholds_all() || permitted_use.is_empty() {
                return None;
            }
            Some(Arc::new(Recipe {
                class: handling.class.clone(),
                key: self.pseudonyms.scope(plan.scope())?,
                redactor: self.broker.redactor(&plan),
                plan,
                permitted_use,
                subjects,
            }))
        });
        progress.recipes.insert(handling.class.clone(), recipe.clone());
        recipe
    }

    /// The agreement's uses, cut to the record's own where it names any.
    fn permitted_use(&self, class: &HandlingClass) -> Arc<[Purpose]> {
        self.permit
            .permitted_use()
            .iter()
            .copied()
            .filter(|purpose| {
                class.permitted_use.is_empty() || class.permitted_use.contains(purpose)
            })
            .collect()
    }

    /// What the permit stands on holds under the policy in force (agreement, flows, case, rules), and the epoch
    /// of the answer's tokens has not been destroyed.
    fn still_permitted(&self, now: Moment) -> Result<(), Cut> {
        let granted = self.granted.as_ref().is_none_or(Granted::holds);
        let holds = granted && !self.pseudonyms.is_destroyed() && now < self.holds_until(now);
        if holds { Ok(()) } else { Err(Cut::PermitEnded) }
    }

    /// A compartment that the requester has left, or that has closed, tells nothing more.
    fn reaches(&self, class: &HandlingClass, now: Moment) -> bool {
        class.compartments.is_empty() || self.permit.reaches(class, &self.broker.policy.load(), now)
    }

    /// Until when the permit holds in the policy in force. Each policy is looked at once: within one, only time
    /// can end a permit.
    fn holds_until(&self, now: Moment) -> Moment {
        let policy = self.broker.policy.load();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let until = match &*held {
            Some((seen, until)) if Arc::ptr_eq(seen, &policy) => *until,
            // What has ended stays ended, whatever comes after.
            Some((_, None)) => None,
            _ => {
                let until = self.permit.holds_in(&policy, now);
                *held = Some((policy.clone(), until));
                until
            }
        };
        until.unwrap_or(Moment(i64::MIN))
    }

    /// Returns when the permit ends, by a change of policy or by time.
    async fn ended(&self) {
        let mut changed = self.changed.clone();
        loop {
            let now = self.broker.clock.now();
            if self.still_permitted(now).is_err() {
                return;
            }
            let left = self.holds_until(now).0.saturating_sub(now.0);
            let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
            tokio::select! {
                gone = changed.changed() => if gone.is_err() { return },
                () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
            }
        }
    }

    /// Makes the disclosure of what is waiting durable, then sends it.
    async fn flush(&mut self, progress: &mut Progress, agency: &AgencyId) -> Result<(), Cut> {
        if progress.waiting.is_empty() {
            return Ok(());
        }
        progress.waiting_bytes = 0;
        let batch = progress.waiting.finish();
        let mut recipes = std::mem::take(&mut progress.waiting_recipes);
        let subjects = std::mem::take(&mut progress.waiting_subjects);
        // What waited until the permit ended stays here.
        self.still_permitted(self.broker.clock.now())?;
        if !recipes.iter().all(|recipe| self.reaches(&recipe.class, self.broker.clock.now())) {
            return Err(Cut::PermitEnded);
        }
        let Fitted { sealed, resume, cut } = self.seal_what_fits(batch, &subjects, agency).await?;
        let count = sealed.as_inner().len() as u64;
        recipes.truncate(sealed.as_inner().len());
        let mut plans: Vec<u32> = Vec::with_capacity(recipes.len());
        let mut before: Option<&Arc<Recipe>> = None;
        for recipe in &recipes {
            let same = before.is_some_and(|before| Arc::ptr_eq(before, recipe));
            let index = match plans.last() {
                Some(index) if same => *index,
                _ => self.announce(progress, recipe).await?,
            };
            plans.push(index);
            before = Some(recipe);
        }
        let permitted_use = recipes.iter().map(|recipe| recipe.permitted_use.clone()).collect();
        self.send(Reply::Batch { sealed, plans, permitted_use, resume }).await?;
        progress.released += count;
        self.broker.metrics.records_released.inc_by(count);
        if cut { Err(Cut::BudgetExhausted) } else { Ok(()) }
    }

    /// Sends a plan before the first record that uses it.
    async fn announce(&self, progress: &mut Progress, recipe: &Recipe) -> Result<u32, Cut> {
        let plan = &recipe.plan;
        let key = (plan.hash(), recipe.class.clone());
        if let Some(index) = progress.announced.get(&key) {
            return Ok(*index);
        }
        let index = u32::try_from(progress.announced.len()).unwrap_or(u32::MAX);
        progress.announced.insert(key, index);
        self.send(Reply::Plan { index, plan: plan.clone(), class: recipe.class.clone() }).await?;
        Ok(index)
    }

    pub(super) fn resume_behind(
        &self,
        batch: &Disclosed<Vec<ReleasedRecord>>,
        agency: &AgencyId,
        now: Moment,
    ) -> Bytes {
        let Some(last) = batch.as_inner().last() else { return Bytes::new() };
        let position = Position { agency: agency.clone(), opaque_id: last.opaque_id.clone() };
        let binding = Binding {
            requester: &self.ask.requester.spiffe_id,
            query: self.ask.digest,
            policy: self.permit.policy_hash(),
        };
        let seconds = i64::try_from(self.broker.limits.resume_seconds).unwrap_or(i64::MAX);
        let expires = Moment(now.0.saturating_add(seconds.saturating_mul(1000)));
        self.broker.resume.seal(&position, &binding, expires)
    }

    async fn send(&self, reply: Reply) -> Result<(), Cut> {
        tokio::select! {
            biased;
            sent = self.send_until(reply, self.ask.deadline) => sent,
            // What is sealed with a destroyed key does not wait for a requester that reads slowly.
            () = self.pseudonyms.destroyed() => Err(Cut::PermitEnded),
            () = self.ended() => Err(Cut::PermitEnded),
        }
    }

    /// A requester that does not read holds its place among the queries in progress no longer than this.
    async fn send_until(&self, reply: Reply, until: Instant) -> Result<(), Cut> {
        match tokio::time::timeout_at(until, self.replies.send(reply)).await {
            Err(_) => Err(Cut::DeadlinePassed),
            Ok(sent) => sent.map_err(|_| Cut::RequesterGone),
        }
    }

    /// Statuses, receipt, outcome.
    async fn finish(self, mut progress: Progress, cut: Option<Cut>) {
        let mut cut = cut;
        // Keys are not kept for as long as a requester takes to read the end.
        progress.recipes.clear();
        if cut != Some(Cut::RequesterGone)
            && let Err(why) = self.tell(&mut progress, cut).await
        {
            cut = Some(why);
        }
        let ending = match cut {
            None => Ending::Complete,
            // Sent in part, to somebody who went away: nobody can tell what arrived.
            Some(Cut::RequesterGone) => Ending::Unknown,
            Some(_) => Ending::Cut,
        };
        self.broker.metrics.query(cut.map_or("COMPLETE", Cut::word));
        let outcome = Outcome {
            at: self.broker.clock.now(),
            ending,
            reason: cut.map_or("", Cut::word).to_owned(),
            sources: progress.outcomes,
        };
        self.broker
            .audit
            .conclude(&self.intent, outcome)
            .instrument(tracing::debug_span!("audit.outcome"))
            .await;
        drop(self.room);
    }

    async fn tell(&self, progress: &mut Progress, cut: Option<Cut>) -> Result<(), Cut> {
        let until = self.ask.deadline.max(Instant::now()) + GRACE;
        for end in progress.ends.drain(..) {
            self.send_until(Reply::Source(end), until).await?;
        }
        // Without a receipt the requester knows that the answer is incomplete.
        let proof = self
            .broker
            .audit
            .receipt(&self.intent)
            .instrument(tracing::debug_span!("audit.receipt"))
            .await
            .map_err(|_| Cut::LogUnavailable)?;
        let receipt = Receipt {
            exchange: self.ask.exchange,
            query_digest: self.ask.digest,
            released: progress.released,
            cut,
            proof,
        };
        self.send_until(Reply::Receipt(receipt), until).await
    }
}

/// Counts a query in progress, however it ends.
struct InFlight(Arc<Metrics>);

impl InFlight {
    fn new(metrics: Arc<Metrics>) -> Self {
        metrics.in_flight.inc();
        Self(metrics)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

/// Why reading a source stops.
enum Stop {
    /// The source's fault: the others go on.
    Source(SourceFailure),
    /// The answer ends here.
    Answer(Cut),
}

/// Drops a record and remembers why; the requester never learns.
fn refuse(progress: &mut Progress, cause: &'static str) -> Result<(), Stop> {
    *progress.refused.entry(cause).or_default() += 1;
    Ok(())
}
