//! Admission of a query: decide, see whether what it names may be named, make the intent durable. Whatever
//! is refused on the way is logged as a denial before the requester hears of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use portcullis_core::filter::{BoundFilter, Filter};
use portcullis_core::handling::HandlingClass;
use portcullis_core::id::{AgencyId, Digest, Moment};
use portcullis_core::label::{Category, Leaf, LeafId, RecordType};
use portcullis_core::policy::{BudgetLimit, BudgetName, Permit, Snapshot};
use portcullis_core::redact::{Plan, TokenDomain, Treatment};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::release::Release;
use super::reply::Header;
use super::resume::{Binding, Position};
use super::{Answer, Ask, Broker, Wanted};
use crate::audit::{Charge, CommitError, Denial, Effects, Idempotency, Intent};
use crate::officers::{Expected, TokenRefusal};
use crate::releases::{Granted, ReleaseRefusal};
use crate::source;
use crate::status::Refusal;

/// Replies waiting for a requester that reads slowly; then the sources wait too.
const REPLIES_AHEAD: usize = 2;
/// Largest batch asked of a source: what is released is batched anew, and a disclosure of many records costs the
/// log little more than one of few, but a source that sends less at a time is sooner redacted.
const SOURCE_BATCH: usize = 64 * 1024;

/// A query that policy permits, with everything it names looked up.
struct Admitted {
    permit: Permit,
    filter: Option<Filter>,
    bound: Option<BoundFilter>,
    wanted: Vec<bool>,
    position: Option<Position>,
    probes: u64,
    only: Option<Only>,
    granted: Option<Granted>,
}

/// The records that quoted references name: opaque ids per source, ascending. A source that is not in it
/// holds none of them.
pub(super) type Only = BTreeMap<AgencyId, Vec<Bytes>>;

impl Broker {
    /// Answers a query.
    ///
    /// # Errors
    /// The reason for which it is refused, already logged where the log can be reached.
    pub async fn query(self: &Arc<Self>, mut ask: Ask) -> Result<Answer, Refusal> {
        let room = self.room.clone().try_acquire_owned().map_err(|_| Refusal::Overloaded)?;
        let now = self.clock.now();
        let policy = self.policy.load_full();
        if let Err(refusal) = self.prove_officer(&mut ask, now) {
            return Err(self.deny(&policy, &ask, Refusal::OfficerToken(refusal)).await);
        }
        let admitted = self.rest_on_grant(&mut ask, now).and_then(|granted| {
            tracing::debug_span!("policy.decide")
                .in_scope(|| self.admit(&policy, &ask, granted, now))
        });
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => return Err(self.deny(&policy, &ask, refusal).await),
        };
        if let Err(refusal) = self.records_left(&ask, &admitted.permit, now).await {
            return Err(self.deny(&policy, &ask, refusal).await);
        }
        let effects = effects(&ask, &admitted, now);
        let intent = self
            .audit
            .intend(intent(self, &ask, &admitted, now), effects)
            .instrument(tracing::debug_span!("audit.intent"))
            .await;
        let intent = match intent {
            Ok(intent) => intent,
            Err(error) => {
                let refusal = refused(&error, &admitted.permit, now);
                return Err(self.deny(&policy, &ask, refusal).await);
            }
        };
        let header = Header::of(&ask, &admitted.permit, intent.leaf_hash(), self.environment, now);
        let (sender, replies) = mpsc::channel(REPLIES_AHEAD);
        let release = Release {
            broker: self.clone(),
            delete_by: admitted.permit.delete_by(now),
            permit: admitted.permit,
            intent,
            filter: admitted.filter,
            bound: admitted.bound,
            wanted: admitted.wanted,
            position: admitted.position,
            probes: admitted.probes,
            only: admitted.only,
            granted: admitted.granted,
            pseudonyms: self.pseudonyms.sealing(),
            changed: self.keeper.changed(),
            held: Mutex::default(),
            ask,
            replies: sender,
            room,
        };
        tokio::spawn(release.run().instrument(tracing::Span::current()));
        Ok(Answer { header, replies })
    }

    /// From here on policy knows the officer whom the token proves. Without one the query is the system's,
    /// whatever name it tells.
    pub(super) fn prove_officer(&self, ask: &mut Ask, now: Moment) -> Result<(), TokenRefusal> {
        if ask.officer_token.is_empty() {
            return Ok(());
        }
        let proof = self.officers.prove(
            &ask.officer_token,
            &Expected {
                agency: &ask.request.requester,
                officer: &ask.requester.officer,
                case: ask.request.case.as_ref(),
                query_digest: ask.digest,
            },
            now,
        )?;
        ask.requester.officer = proof.officer.to_string();
        ask.request.officer = Some(proof.officer.clone());
        ask.officer = Some(proof);
        Ok(())
    }

    /// With no record or subject left in a budget the answer would still tell whether there is one: refused
    /// instead.
    async fn records_left(&self, ask: &Ask, permit: &Permit, now: Moment) -> Result<(), Refusal> {
        let paid = idempotency(ask);
        let released = |name| matches!(name, BudgetName::Records | BudgetName::Subjects);
        for budget in permit.budgets().iter().filter(|budget| released(budget.name)) {
            let left = self.audit.budget_left(&charge(budget, 0, now), paid.as_ref()).await;
            if left.map_err(|error| refused(&error, permit, now))? == 0 {
                let name = budget.word().to_owned();
                let refills_at = budget.window.refills_at(now);
                return Err(Refusal::BudgetExhausted { name, refills_at });
            }
        }
        Ok(())
    }

    /// Logs a refusal; what cannot be logged is refused for that.
    pub(super) async fn deny(&self, policy: &Snapshot, ask: &Ask, refusal: Refusal) -> Refusal {
        if matches!(refusal, Refusal::LogUnavailable) {
            return refusal;
        }
        let rules = match &refusal {
            Refusal::Denied(denial) => denial.rules.clone(),
            _ => vec![],
        };
        let denial = Denial {
            exchange: ask.exchange,
            at: self.clock.now(),
            requester: ask.requester.clone(),
            reason: refusal.reason().to_owned(),
            rules,
            query_digest: Some(ask.digest),
            policy_hash: policy.hash(),
        };
        let logged = self.audit.deny(denial).instrument(tracing::debug_span!("audit.denial")).await;
        match logged {
            Ok(_) => refusal,
            Err(_) => Refusal::LogUnavailable,
        }
    }

    fn admit(
        &self,
        policy: &Arc<Snapshot>,
        ask: &Ask,
        granted: Option<Granted>,
        now: Moment,
    ) -> Result<Admitted, Refusal> {
        let mut permit = policy.decide(&ask.request, now).permit().map_err(Refusal::Denied)?;
        if let Some(granted) = &granted {
            let unusable = || Refusal::Release(ReleaseRefusal::NotUsable);
            permit = permit.granted(granted.grant.clone(), now).ok_or_else(unusable)?;
        }
        let plans = self.ordinary_plans(&permit, now);
        let (filter, guesses) = self.open_tokens(ask.filter.as_ref(), &permit, &plans)?;
        let bound =
            filter.as_ref().map(|filter| bind(filter, permit.record_type(), &plans)).transpose()?;
        let probes = bound.as_ref().map_or(0, |bound| {
            plans.iter().map(|plan| bound.probes(plan)).max().unwrap_or_default()
        }) + guesses;
        let mut wanted = wanted(&ask.wanted, permit.record_type(), &plans)?;
        if let (Some(granted), Wanted::Minimum) = (&granted, &ask.wanted) {
            // The minimum of a query that rests on a grant is what was granted, too.
            for (wanted, leaf) in wanted.iter_mut().zip(permit.record_type().leaves()) {
                *wanted |= granted.grant.fields.contains_key(&leaf.path);
            }
        }
        let position = self.position(ask, &permit, policy, now)?;
        let only = self.open_references(&ask.references, &permit);
        Ok(Admitted { permit, filter, bound, wanted, position, probes, only, granted })
    }

    /// The records behind quoted references; none where none is quoted. A reference that cannot be opened
    /// names nothing, and nobody is told which: it is as if its record had not matched.
    fn open_references(&self, references: &[String], permit: &Permit) -> Option<Only> {
        if references.is_empty() {
            return None;
        }
        let key = self.pseudonyms.opening(&permit.scope());
        let mut only = Only::new();
        for token in references {
            if let Ok((agency, id)) = key.open_reference(permit.sources(), token) {
                only.entry(agency.clone()).or_default().push(id.into());
            }
        }
        for ids in only.values_mut() {
            ids.sort_unstable();
            ids.dedup();
        }
        Some(only)
    }

    /// What the requester sees of a record about which its originator says nothing special, per source.
    pub(super) fn ordinary_plans(&self, permit: &Permit, now: Moment) -> Vec<Arc<Plan>> {
        permit
            .sources()
            .iter()
            .filter_map(|agency| {
                let class = HandlingClass::ordinary(agency.clone(), self.environment);
                permit.plan(&class, now).ok()
            })
            .collect()
    }

    /// Replaces quoted tokens by the values behind them. A token that is not of this scope, or stands at a
    /// field that may not be named, is refused without a word about which.
    fn open_tokens(
        &self,
        filter: Option<&Filter>,
        permit: &Permit,
        plans: &[Arc<Plan>],
    ) -> Result<(Option<Filter>, u64), Refusal> {
        let Some(filter) = filter else { return Ok((None, 0)) };
        tokens_are_matched_alone(filter)?;
        let mut guesses = 0;
        let opened = filter.map_tokens(|path, token| {
            let unusable = || Refusal::FieldNotUsable { path: path.to_owned() };
            let leaf = permit
                .record_type()
                .leaf_by_path(path)
                .filter(|leaf| usable(plans, leaf.id))
                .ok_or_else(unusable)?;
            // At a clear field a token that matches is a pseudonym lifted: that costs a probe too.
            let probe = |plan: &Arc<Plan>| plan.field(leaf.id).is_some_and(|f| f.probe);
            guesses += u64::from(!plans.iter().any(probe));
            let key = self.pseudonyms.opening(&permit.scope());
            key.open(TokenDomain::Value(leaf.label.semantic), token).map_err(|_| {
                Refusal::invalid("TOKEN_NOT_USABLE", path, "the token cannot be used here")
            })
        })?;
        Ok((Some(opened), guesses))
    }

    fn position(
        &self,
        ask: &Ask,
        permit: &Permit,
        policy: &Snapshot,
        now: Moment,
    ) -> Result<Option<Position>, Refusal> {
        if ask.resume_token.is_empty() {
            return Ok(None);
        }
        let binding = Binding {
            requester: &ask.requester.spiffe_id,
            query: ask.digest,
            policy: policy.hash(),
        };
        self.resume
            .open(&ask.resume_token, &binding, now)
            .filter(|position| permit.sources().contains(&position.agency))
            .map(Some)
            .ok_or_else(|| {
                let text = "the token is not of this query, or not good any more";
                Refusal::invalid("RESUME_TOKEN_NOT_USABLE", "resume_token", text)
            })
    }
}

/// A quoted token may be compared by equality and nothing else, at a clear field too.
pub(super) fn tokens_are_matched_alone(filter: &Filter) -> Result<(), Refusal> {
    match filter.ordered_token() {
        Some(path) => Err(Refusal::FieldNotUsable { path: path.to_owned() }),
        None => Ok(()),
    }
}

/// May a leaf be named, whichever source answers?
fn usable(plans: &[Arc<Plan>], leaf: LeafId) -> bool {
    !plans.is_empty() && plans.iter().all(|plan| plan.field(leaf).is_some_and(|field| field.usable))
}

pub(super) fn bind(
    filter: &Filter,
    record_type: &Arc<RecordType>,
    plans: &[Arc<Plan>],
) -> Result<BoundFilter, Refusal> {
    use portcullis_core::filter::FilterError;
    let bound =
        filter.bind(record_type, &|leaf| usable(plans, leaf)).map_err(|error| match error {
            FilterError::FieldNotUsable { path } => Refusal::FieldNotUsable { path },
            other => Refusal::invalid(other.word(), "query.filter", other.to_string()),
        })?;
    match plans.iter().find_map(|plan| bound.beyond_equality(plan)) {
        Some(path) => Err(Refusal::FieldNotUsable { path: path.to_owned() }),
        None => Ok(bound),
    }
}

/// Which leaves come back. A name that leads to nothing the requester may see in any form is not usable:
/// hidden and unknown look alike.
pub(super) fn wanted(
    wanted: &Wanted,
    record_type: &RecordType,
    plans: &[Arc<Plan>],
) -> Result<Vec<bool>, Refusal> {
    let shown =
        |leaf: &Leaf| plans.iter().any(|plan| plan.treatment(leaf.id) != Treatment::Withhold);
    let leaves = record_type.leaves();
    match wanted {
        Wanted::All => Ok(vec![true; leaves.len()]),
        Wanted::Minimum => {
            Ok(leaves.iter().map(|leaf| leaf.label.category == Category::Reference).collect())
        }
        Wanted::Paths(paths) => {
            let mut wanted = vec![false; leaves.len()];
            for path in paths {
                let mut any = false;
                for leaf in record_type.leaves_under(path).filter(|leaf| shown(leaf)) {
                    any = true;
                    if let Some(slot) = wanted.get_mut(leaf.id.index()) {
                        *slot = true;
                    }
                }
                if !any {
                    return Err(Refusal::FieldNotUsable { path: path.clone() });
                }
            }
            Ok(wanted)
        }
    }
}

/// What the intent costs, in the transaction that makes it durable.
fn effects(ask: &Ask, admitted: &Admitted, now: Moment) -> Effects {
    // A reference is a guess whether or not it can be opened: what it costs must not tell.
    // The record of a grant is none.
    let references = if admitted.granted.is_some() { 0 } else { ask.references.len() as u64 };
    let probes = admitted.probes + references;
    let charges = admitted
        .permit
        .budgets()
        .iter()
        .filter_map(|budget| match budget.name {
            BudgetName::Queries => Some(charge(budget, 1, now)),
            BudgetName::MatchProbes if probes > 0 => Some(charge(budget, probes, now)),
            BudgetName::MatchProbes | BudgetName::Records | BudgetName::Subjects => None,
        })
        .collect();
    let (idempotency, officer) = (idempotency(ask), ask.officer.clone());
    let grant = admitted.granted.as_ref().map(|granted| (granted.release, granted.step));
    Effects { charges, idempotency, officer, grant, ..Effects::default() }
}

/// One charge in the window that holds now.
pub(super) fn charge(budget: &BudgetLimit, amount: u64, now: Moment) -> Charge {
    let (window_start, window_end) = (budget.window.start(now), budget.window.end(now));
    Charge { key: budget.key.clone(), window_start, window_end, limit: budget.limit, amount }
}

/// The key under which a retry is recognised. Where an answer goes on is part of what is asked: else every
/// page behind one key would be charged as the first one.
pub(super) fn idempotency(ask: &Ask) -> Option<Idempotency> {
    let query_digest = if ask.resume_token.is_empty() {
        ask.digest
    } else {
        let parts: [&[u8]; 3] =
            [b"portcullis resumed query v1\0", &ask.digest.0, &ask.resume_token];
        Digest::of(&parts.concat())
    };
    ask.idempotency_key.map(|key| Idempotency { key, query_digest })
}

fn intent(broker: &Broker, ask: &Ask, admitted: &Admitted, now: Moment) -> Intent {
    let permit = &admitted.permit;
    Intent {
        exchange: ask.exchange,
        requester: ask.requester.clone(),
        purpose: ask.request.purpose,
        case: ask.request.case.clone(),
        agreement: permit.agreement_id().clone(),
        agreement_version: permit.agreement_version(),
        record_type: ask.request.record_type.clone(),
        schema_hash: permit.record_type().hash(),
        query_digest: ask.digest,
        filter_paths: admitted
            .filter
            .as_ref()
            .map(|filter| filter.paths().into_iter().map(str::to_owned).collect())
            .unwrap_or_default(),
        justification: ask.justification.clone(),
        sources: permit.sources().to_vec(),
        policy_hash: permit.policy_hash(),
        config_hash: broker.config_hash,
        decided_at: now,
        valid_until: Some(permit.valid_until()),
        idempotency_key: ask.idempotency_key,
    }
}

/// What a refused commit means to the requester.
fn refused(error: &CommitError, permit: &Permit, now: Moment) -> Refusal {
    match error {
        CommitError::BudgetExhausted { name: key, .. } => {
            let budget = permit.budgets().iter().find(|budget| budget.key == *key);
            let name = budget.map_or("budget", BudgetLimit::word).to_owned();
            let refills_at = budget.and_then(|budget| budget.window.refills_at(now));
            Refusal::BudgetExhausted { name, refills_at }
        }
        CommitError::IdempotencyConflict => Refusal::IdempotencyKeyReused,
        CommitError::OfficerTokenReplayed => Refusal::OfficerToken(TokenRefusal::Replayed),
        _ => Refusal::LogUnavailable,
    }
}

/// Sources in the order in which they are released.
pub(super) fn in_order(sources: &[AgencyId]) -> Vec<AgencyId> {
    let mut sources = sources.to_vec();
    sources.sort();
    sources.dedup();
    sources
}

/// What one source is asked.
pub(super) fn ask_of(release: &Release, agency: &AgencyId, remaining: u64) -> source::Ask {
    let after = match &release.position {
        Some(position) if position.agency == *agency => position.opaque_id.clone(),
        _ => bytes::Bytes::new(),
    };
    source::Ask {
        filter: release.filter.clone(),
        only: release.only.as_ref().map(|only| only.get(agency).cloned().unwrap_or_default()),
        after,
        at_most: u32::try_from(remaining).unwrap_or(u32::MAX),
        batch_bytes: u32::try_from(release.broker.limits.batch_bytes.min(SOURCE_BATCH))
            .unwrap_or(u32::MAX),
        query_digest: release.ask.digest,
        deadline: release.ask.deadline,
    }
}
