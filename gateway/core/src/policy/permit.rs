//! The permit: proof that a decision was made, and everything that binds what follows. Only
//! [`Snapshot::decide`] makes one.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::agreement::{Agreement, Flow};
use super::budget::{BudgetLimit, budgets};
use super::compile::SliceKey;
use super::decide::Request;
use super::grant::Grant;
use super::plan::Dropped;
use super::snapshot::{Snapshot, Whole};
use crate::handling::HandlingClass;
use crate::id::{AgencyId, AgreementId, CaseId, Digest, Moment, RuleId};
use crate::label::{LeafId, RecordType};
use crate::policy::Purpose;
use crate::redact::{Plan, Treatment};

/// A permitted query.
#[derive(Clone)]
pub struct Permit {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) request: Request,
    pub(super) agreement: Arc<Agreement>,
    /// Positions of the flows in the agreement, in order of their sources.
    flows: Vec<usize>,
    pub(super) record_type: Arc<RecordType>,
    pub(super) key: Arc<PermitKey>,
    /// Those that were compiled for such a permit.
    pub(super) plans: Arc<Plans>,
    permitted_use: Vec<Purpose>,
    budgets: Vec<BudgetLimit>,
    rules: Vec<RuleId>,
    valid_until: Moment,
    /// Asks these policies instead of a slice.
    pub(super) over: Option<Arc<Whole>>,
}

/// What plans depend on beside the class of records and the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PermitKey {
    pub(super) slice: SliceKey,
    pub(super) purpose: Purpose,
    pub(super) case: Option<CaseId>,
    pub(super) officer_proven: bool,
    pub(super) grant: Option<Arc<Grant>>,
}

impl Permit {
    /// None where the agreement or record type is not the snapshot's, which `decide` has ruled out.
    pub(super) fn new(
        snapshot: Arc<Snapshot>,
        request: Request,
        agreement: Arc<Agreement>,
        flows: Vec<usize>,
        rules: Vec<RuleId>,
    ) -> Option<Self> {
        let record_type = snapshot.record_type(&request.record_type)?.clone();
        let chosen: Vec<&Flow> = flows.iter().filter_map(|at| agreement.flows.get(*at)).collect();
        let (first, rest) = chosen.split_first()?;
        let permitted_use = first
            .permitted_use
            .iter()
            .filter(|purpose| rest.iter().all(|flow| flow.permitted_use.contains(purpose)))
            .copied()
            .collect();
        let closes =
            request.case.as_ref().and_then(|id| snapshot.case(id)).and_then(|case| case.closes);
        let budgets = budgets(&request, &agreement.id, &chosen, closes);
        let leave = |agency: &AgencyId| agreement.standing.left.get(agency).copied();
        let valid_until = chosen
            .iter()
            .filter_map(|flow| leave(&flow.from))
            .chain(leave(&request.requester))
            .chain(closes)
            .fold(agreement.ends(), Moment::min);
        let slice = SliceKey {
            agreement: agreement.id.clone(),
            requester: request.requester.clone(),
            record_type: request.record_type.clone(),
        };
        let key = PermitKey {
            slice,
            purpose: request.purpose,
            case: request.case.clone(),
            officer_proven: request.officer.is_some(),
            grant: None,
        };
        let key = Arc::new(key);
        let plans = snapshot.plans.of(&key);
        Some(Self {
            snapshot,
            request,
            agreement: agreement.clone(),
            flows,
            record_type,
            key,
            plans,
            permitted_use,
            budgets,
            rules,
            valid_until,
            over: None,
        })
    }

    /// The request, with the agreement and the sources that were chosen.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The agreement.
    pub fn agreement(&self) -> &Arc<Agreement> {
        &self.agreement
    }

    /// The agreement's id.
    pub fn agreement_id(&self) -> &AgreementId {
        &self.agreement.id
    }

    /// The agreement's version.
    pub fn agreement_version(&self) -> u32 {
        self.agreement.version
    }

    /// The law or treaty behind it.
    pub fn legal_basis(&self) -> &str {
        &self.agreement.legal_basis
    }

    /// What the answer may be used for: what every flow allows, sorted.
    pub fn permitted_use(&self) -> &[Purpose] {
        &self.permitted_use
    }

    /// By when the answer is deleted: the earliest that a flow asks for.
    pub fn delete_by(&self, now: Moment) -> Moment {
        let days = self.flows().map(|flow| flow.delete_after_days).min().unwrap_or_default();
        now.days_later(days)
    }

    /// Sources to ask, sorted; never empty.
    pub fn sources(&self) -> &[AgencyId] {
        &self.request.sources
    }

    /// Limits that the query is counted against: the tightest of all flows, one for each name and scope.
    pub fn budgets(&self) -> &[BudgetLimit] {
        &self.budgets
    }

    /// When it ends by itself: at the end of the agreement or of the case.
    pub fn valid_until(&self) -> Moment {
        self.valid_until
    }

    /// Ends it earlier.
    pub(super) fn end_by(&mut self, until: Moment) {
        self.valid_until = self.valid_until.min(until);
    }

    /// Does it hold under another state of policy, and until when? None: it has ended there, because something
    /// that it stands on is not what it was. What it does not stand on may change.
    ///
    /// Cases that the requester has joined or left since do not end it, unless a policy file speaks of them: the
    /// base set looks at them for compartments alone, and those are asked about by [`Permit::reaches`].
    pub fn holds_in(&self, policy: &Snapshot, now: Moment) -> Option<Moment> {
        let own = &self.snapshot;
        if std::ptr::eq(Arc::as_ptr(own), policy) {
            return (now < self.valid_until).then_some(self.valid_until);
        }
        let request = &self.request;
        let found = policy.agreement(&self.agreement.id)?;
        let same_flow = |flow: &Flow| {
            found.flows.iter().any(|other| {
                other.to.contains(&request.requester)
                    && Flow { to: vec![], ..other.clone() } == Flow { to: vec![], ..flow.clone() }
            })
        };
        let takes_part = |agency: &AgencyId| {
            found.takes_part(agency, now) && own.agency(agency) == policy.agency(agency)
        };
        let same = own.same_rules(policy)
            && found.digest == self.agreement.digest
            && found.in_force(now)
            && self.flows().all(same_flow)
            && takes_part(&request.requester)
            && self.flows().all(|flow| takes_part(&flow.from))
            && policy.record_type(&request.record_type).map(|one| one.hash())
                == Some(self.record_type.hash());
        if !same {
            return None;
        }
        let granted_until = self.key.grant.as_ref().map(|grant| grant.until);
        let mut until = granted_until.map_or(found.ends(), |at| at.min(found.ends()));
        for agency in self.flows().map(|flow| &flow.from).chain([&request.requester]) {
            if let Some(at) = found.standing.left.get(agency) {
                until = until.min(*at);
            }
        }
        if let Some(id) = &request.case {
            let (was, is) = (own.case(id)?, policy.case(id)?);
            let same = is.open_to(&request.requester, now)
                && was.operation_scope == is.operation_scope
                && was.template == is.template;
            if !same {
                return None;
            }
            until = is.closes.map_or(until, |at| at.min(until));
        }
        if own.minds_memberships() {
            let of = |policy: &Snapshot| policy.memberships(&request.requester, now);
            return (of(own) == of(policy)).then_some(until);
        }
        Some(until)
    }

    /// Is the requester in every compartment of a class of records, under another state of policy?
    pub fn reaches(&self, class: &HandlingClass, policy: &Snapshot, now: Moment) -> bool {
        class.compartments.is_empty() || {
            let open = policy.memberships(&self.request.requester, now);
            class.compartments.iter().all(|case| open.contains(case))
        }
    }

    /// The snapshot's hash.
    pub fn policy_hash(&self) -> Digest {
        self.snapshot.hash()
    }

    /// The snapshot that decided.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Rules that permitted it, sorted.
    pub fn rules(&self) -> &[RuleId] {
        &self.rules
    }

    /// The record type.
    pub fn record_type(&self) -> &Arc<RecordType> {
        &self.record_type
    }

    /// Fields whose texts name the subjects of an originator's records, as far as a plan tells the requester which
    /// of them are equal: clear or as tokens. By any other a budget would tell more than the answer does.
    pub fn subject_fields(&self, plan: &Plan) -> Vec<LeafId> {
        let flow = self.flows().find(|flow| flow.from == *plan.originator());
        let paths = flow.map_or(&[][..], |flow| flow.budgets.subject_fields.as_slice());
        let told =
            |id: LeafId| matches!(plan.treatment(id), Treatment::Clear | Treatment::Pseudonymise);
        let leaves = paths.iter().filter_map(|path| self.record_type.leaf_by_path(path));
        leaves.map(|leaf| leaf.id).filter(|id| told(*id)).collect()
    }

    /// Fields that some flow lets the requester match, in leaf order. Each record's own plan decides.
    pub fn matchable(&self) -> Vec<LeafId> {
        let paths: BTreeSet<&str> =
            self.flows().flat_map(|flow| &flow.matchable).map(String::as_str).collect();
        let leaves = self.record_type.leaves().iter();
        leaves.filter(|leaf| paths.contains(leaf.path.as_str())).map(|leaf| leaf.id).collect()
    }

    /// The flows it rests on, in order of their sources.
    pub fn flows(&self) -> impl Iterator<Item = &Flow> {
        self.flows.iter().filter_map(|at| self.agreement.flows.get(*at))
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("request", &self.request)
            .field("rules", &self.rules)
            .field("valid_until", &self.valid_until)
            .finish_non_exhaustive()
    }
}

/// Plans already compiled, for one snapshot: policy cannot change under them, only time can.
#[derive(Default)]
pub(super) struct PlanCache {
    permits: Mutex<HashMap<Arc<PermitKey>, Arc<Plans>>>,
    /// Plans of all permits.
    count: Arc<AtomicUsize>,
}

/// Those of one permit: looked up once, when it is given.
pub(super) struct Plans {
    classes: Mutex<HashMap<HandlingClass, Entry>>,
    count: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Entry {
    made: Moment,
    until: Moment,
    outcome: Result<Arc<Plan>, Dropped>,
}

impl Plans {
    /// A plan that still holds. One made later than `now` (a clock set back) does not count.
    pub(super) fn find(
        &self,
        class: &HandlingClass,
        now: Moment,
    ) -> Option<Result<Arc<Plan>, Dropped>> {
        let plans = self.entries();
        let entry = plans.get(class)?;
        (entry.made <= now && now < entry.until).then(|| entry.outcome.clone())
    }

    /// Keeps an outcome until a moment.
    pub(super) fn keep(
        &self,
        class: &HandlingClass,
        (made, until): (Moment, Moment),
        outcome: Result<Arc<Plan>, Dropped>,
    ) {
        let mut plans = self.entries();
        if self.count.load(Ordering::Relaxed) >= PlanCache::MOST {
            self.count.fetch_sub(plans.len(), Ordering::Relaxed);
            plans.clear();
        }
        if plans.insert(class.clone(), Entry { made, until, outcome }).is_none() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<HandlingClass, Entry>> {
        self.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Plans {
    fn drop(&mut self) {
        let own = self.entries().len();
        self.count.fetch_sub(own, Ordering::Relaxed);
    }
}

impl PlanCache {
    /// Most permits; and most plans, beyond which a permit forgets its own. A bound against hostile handling and
    /// requests, not a tuned cache.
    const MOST: usize = 4096;

    /// The plans of a permit.
    pub(super) fn of(&self, key: &Arc<PermitKey>) -> Arc<Plans> {
        let mut permits = self.permits();
        if let Some(plans) = permits.get(key) {
            return plans.clone();
        }
        if permits.len() >= Self::MOST {
            permits.clear();
        }
        let plans = Arc::new(Plans { classes: Mutex::default(), count: self.count.clone() });
        permits.insert(key.clone(), plans.clone());
        plans
    }

    /// Those plans whose permit's key passes: what they stand on is the same in the snapshot that takes them.
    pub(super) fn carried(&self, same: impl Fn(&PermitKey) -> bool) -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let copy = |plans: &Plans| {
            let classes = plans.entries().clone();
            count.fetch_add(classes.len(), Ordering::Relaxed);
            Arc::new(Plans { classes: Mutex::new(classes), count: count.clone() })
        };
        let permits = self.permits();
        let kept = permits.iter().filter(|(key, _)| same(key));
        let permits = kept.map(|(key, plans)| (key.clone(), copy(plans))).collect();
        Self { permits: Mutex::new(permits), count }
    }

    fn permits(&self) -> MutexGuard<'_, HashMap<Arc<PermitKey>, Arc<Plans>>> {
        self.permits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.permits().values().map(|plans| plans.entries().len()).sum()
    }
}
