//! From a permit and a class of records to a plan: record-level rules first, then every leaf down its
//! ladder until Cedar permits a rung.

use std::cmp::Ordering;
use std::sync::Arc;

use super::agreement::{Flow, Ladder};
use super::asking::{Contexts, Subject, Told};
use super::cedar::{Action, Verdict};
use super::decide::Request;
use super::ladder;
use super::permit::Permit;
use super::snapshot::Whole;
use super::standing::Cap;
use crate::handling::HandlingClass;
use crate::id::{Moment, RuleId};
use crate::label::Leaf;
use crate::redact::{FieldPlan, Plan, PseudonymScope, Reason, Treatment};

/// Records of this class are dropped as if they had not matched. For the log; never for the requester.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("records of this class are dropped: {}", reason.word())]
pub struct Dropped {
    /// Why.
    pub reason: DroppedReason,
    /// Rules behind it, sorted.
    pub rules: Vec<RuleId>,
}

/// Why records are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DroppedReason {
    /// The permit has ended since it was given.
    PermitEnded,
    /// Their originator is none of the permitted sources.
    OriginatorNotCovered,
    /// A rule forbids their release: audience, compartments, permitted use, environment.
    NotReleasable,
    /// A rule could not be evaluated.
    PolicyEvaluationFailed,
    /// Nothing of them would be left.
    EveryFieldWithheld,
}

impl DroppedReason {
    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::PermitEnded => "PERMIT_ENDED",
            Self::OriginatorNotCovered => "ORIGINATOR_NOT_COVERED",
            Self::NotReleasable => "NOT_RELEASABLE",
            Self::PolicyEvaluationFailed => "POLICY_EVALUATION_FAILED",
            Self::EveryFieldWithheld => "EVERY_FIELD_WITHHELD",
        }
    }
}

impl Permit {
    /// The plan for a class of records, from the cache while it holds.
    ///
    /// # Errors
    /// The records are to be dropped as if they had not matched.
    pub fn plan(&self, class: &HandlingClass, now: Moment) -> Result<Arc<Plan>, Dropped> {
        self.still_holds(now)?;
        let flow = self.flow_from(class)?;
        if !self.agreement.takes_part(&flow.from, now) {
            return Err(dropped(DroppedReason::PermitEnded, vec![]));
        }
        if let Some(outcome) = self.plans.find(class, now) {
            return outcome;
        }
        let until = self.next_change(now);
        let outcome = self.compile(flow, class, now, until).map(Arc::new);
        self.plans.keep(class, (now, until), outcome.clone());
        outcome
    }

    /// The same plan by plain Cedar: every question is asked of every policy of the snapshot at once, nothing is cut
    /// into slices and nothing kept. For tests, and for benchmarks to compare with.
    ///
    /// # Errors
    /// The records are to be dropped as if they had not matched.
    pub fn plan_over(
        &self,
        whole: &Arc<Whole>,
        class: &HandlingClass,
        now: Moment,
    ) -> Result<Plan, Dropped> {
        let mut over = self.clone();
        over.over = Some(whole.clone());
        let flow = over.flow_from(class)?;
        over.compile(flow, class, now, over.next_change(now))
    }

    fn still_holds(&self, now: Moment) -> Result<(), Dropped> {
        let case = self.request.case.as_ref().is_none_or(|id| {
            let case = self.snapshot.case(id);
            case.is_some_and(|case| case.open_to(&self.request.requester, now))
        });
        let take_part = self.agreement.takes_part(&self.request.requester, now);
        if case && take_part && self.agreement.in_force(now) {
            return Ok(());
        }
        Err(dropped(DroppedReason::PermitEnded, vec![]))
    }

    /// The next moment at which an input changes by itself: the agreement's end, or a case of the requester's
    /// that opens or closes (the query's own, a compartment of the records, or one that a rule speaks of).
    fn next_change(&self, now: Moment) -> Moment {
        let own = self.snapshot.cases_of(&self.request.requester);
        own.flat_map(|case| [Some(case.opens), case.closes])
            .flatten()
            .filter(|at| now < *at)
            .chain([self.valid_until()])
            .min()
            .unwrap_or(now)
    }

    fn compile(
        &self,
        flow: &Flow,
        class: &HandlingClass,
        now: Moment,
        until: Moment,
    ) -> Result<Plan, Dropped> {
        let contexts = Contexts::of(self, class, now)?;
        let context = &contexts.ordinary;
        match self.ask(Action::Release, None, context) {
            Verdict::Permitted(_) => {}
            Verdict::Refused(rules) => return Err(dropped(DroppedReason::NotReleasable, rules)),
            Verdict::Failed(rules) => {
                return Err(dropped(DroppedReason::PolicyEvaluationFailed, rules));
            }
        }
        let (ladders, _) = ladder::resolve(flow, &self.record_type, self.request.purpose);
        let fields = self
            .record_type
            .leaves()
            .iter()
            .zip(ladders)
            .map(|(leaf, ladder)| self.field(flow, leaf, ladder, &contexts))
            .collect();
        let plan = Plan::new(
            self.record_type.clone(),
            fields,
            self.agreement.id.clone(),
            class.originator.clone(),
            self.scope(),
            Some(until),
        );
        if plan.withholds_all() {
            return Err(dropped(DroppedReason::EveryFieldWithheld, vec![]));
        }
        Ok(plan)
    }

    /// Within what the tokens of every plan of this permit are equal.
    pub fn scope(&self) -> PseudonymScope {
        let Request { requester, case, .. } = &self.request;
        self.snapshot.scope(requester, case.as_ref(), &self.agreement.id)
    }

    /// What keeps a leaf low whatever its ladder says: reservations, and the template of the case.
    pub(super) fn caps<'a>(&'a self, flow: &'a Flow, leaf: &Leaf) -> Vec<&'a Cap> {
        let mut caps: Vec<&Cap> = flow.caps.iter().filter(|cap| cap.concerns(leaf)).collect();
        let case = self.request.case.as_ref().and_then(|id| self.snapshot.case(id));
        if let Some(template) = case.and_then(|case| case.template.as_ref()) {
            let named = caps.len();
            caps.extend(template.caps.iter().filter(|cap| cap.concerns(leaf)));
            if caps.len() == named {
                caps.push(&template.others);
            }
        }
        caps
    }

    fn field(
        &self,
        flow: &Flow,
        leaf: &Leaf,
        ladder: Option<usize>,
        contexts: &Contexts<'_>,
    ) -> FieldPlan {
        let matchable = flow.matchable.contains(&leaf.path);
        let subject = Subject { leaf, ladder, matchable };
        let ask_in = |told, action| self.ask_of(subject, action, told, contexts);
        let ask = |action| ask_in(Told::Ordinary, action);
        let caps = self.caps(flow, leaf);
        let capped = |rung: Treatment| above(&caps, rung).map(|cap| cap.rule.clone());
        let mut found = match ladder.and_then(|at| flow.ladders.get(at)) {
            None => Descent::end(RuleId::new("default:withhold"), Reason::NoRule),
            Some(ladder) => {
                let proven = self.request.officer.is_some();
                let mut found = descend(ladder, proven, capped, |rung| ask(Action::Treat(rung)));
                // No token is promised to lift what policy forbids to officers too.
                if found.reason == Reason::OfficerNotProven {
                    let may = |rung| ask_in(Told::WithToken, Action::Treat(rung));
                    if descend(ladder, true, capped, may).treatment <= found.treatment {
                        found.reason = Reason::ReducedByPolicy;
                    }
                }
                found
            }
        };
        if let Some((treatment, rule)) = self.grant_of(leaf)
            && treatment > found.treatment
            && !found.failed
        {
            match self.could_show(flow, subject, treatment, &caps, contexts) {
                Verdict::Permitted(_) => {
                    let reason = Reason::GrantedByOriginator;
                    found = Descent { treatment, rule, reason, failed: false };
                }
                Verdict::Refused(_) => {}
                Verdict::Failed(_) => {
                    found = Descent::end(rule, Reason::ReducedByPolicy);
                    found.failed = true;
                }
            }
        }
        // A leaf that cannot take the rung is withheld by `Plan::new`; it must not stay matchable.
        if !found.treatment.fits(leaf.label.semantic, &leaf.kind) {
            found = Descent::end(found.rule, Reason::TreatmentDoesNotFit);
        }
        let clear = found.treatment == Treatment::Clear;
        let matches = !clear
            && !found.failed
            && matchable
            && caps.iter().all(|cap| cap.at_most != Treatment::Withhold)
            && matches!(ask(Action::Match), Verdict::Permitted(_));
        FieldPlan {
            treatment: found.treatment,
            rule: found.rule,
            reason: found.reason,
            usable: clear || matches,
            probe: matches,
            ask: self
                .asking_helps(flow, subject, found.treatment, &caps, contexts)
                .then(|| flow.from.clone()),
        }
    }

    pub(super) fn flow_from(&self, class: &HandlingClass) -> Result<&Flow, Dropped> {
        self.flows()
            .find(|flow| flow.from == class.originator)
            .ok_or_else(|| dropped(DroppedReason::OriginatorNotCovered, vec![]))
    }
}

/// The first cap that a treatment is not within. Side by side is above too.
pub(super) fn above<'a>(caps: &[&'a Cap], treatment: Treatment) -> Option<&'a Cap> {
    let within = |cap: &Cap| treatment.partial_cmp(&cap.at_most).is_some_and(Ordering::is_le);
    caps.iter().find(|cap| !within(cap)).copied()
}

/// Where the way down a ladder ends.
struct Descent {
    treatment: Treatment,
    rule: RuleId,
    reason: Reason,
    failed: bool,
}

impl Descent {
    fn end(rule: RuleId, reason: Reason) -> Self {
        Self { treatment: Treatment::Withhold, rule, reason, failed: false }
    }
}

/// The prohibition of the base set that an officer's token lifts.
const NEEDS_AN_OFFICER: &str = "base:secret-needs-an-officer";

/// Down the rungs until one is permitted. A rule that cannot be evaluated ends it at once: no lower rung
/// is tried, the field is withheld. Rungs for officers are not even asked about where none is proven, nor those
/// above a cap.
fn descend(
    ladder: &Ladder,
    proven: bool,
    capped: impl Fn(Treatment) -> Option<RuleId>,
    ask: impl Fn(Treatment) -> Verdict,
) -> Descent {
    let skipped = if proven { 0 } else { ladder.officer_rungs };
    // Why the rung that holds is not the first one. What a cap takes away no token gives.
    let lifts = ladder.rungs.iter().take(skipped).any(|rung| capped(*rung).is_none());
    let mut lowered = if lifts { Reason::OfficerNotProven } else { Reason::ReducedByAgreement };
    let (mut refused, mut cap): (Option<RuleId>, Option<RuleId>) = (None, None);
    for rung in ladder.rungs.iter().skip(skipped).filter(|rung| **rung != Treatment::Withhold) {
        if let Some(rule) = capped(*rung) {
            cap = cap.or(Some(rule));
            continue;
        }
        let first = refused.is_none() && skipped == 0;
        let reason = if first && *rung == Treatment::Clear { Reason::Permitted } else { lowered };
        match ask(*rung) {
            Verdict::Permitted(rules) => {
                let rule = rules.into_iter().next().unwrap_or_else(|| ladder.rule.clone());
                let rule = cap.unwrap_or(rule);
                return Descent { treatment: *rung, rule, reason, failed: false };
            }
            Verdict::Refused(rules) => {
                // Only where nothing else stands in the way would a token help.
                let officer = rules.iter().all(|rule| rule.as_str() == NEEDS_AN_OFFICER);
                lowered = match (officer && !rules.is_empty(), &refused, lowered) {
                    (true, None, _) | (true, _, Reason::OfficerNotProven) => {
                        Reason::OfficerNotProven
                    }
                    _ => Reason::ReducedByPolicy,
                };
                let rule = rules.into_iter().next();
                refused = refused.or(rule).or_else(|| Some(RuleId::new("default:withhold")));
            }
            Verdict::Failed(rules) => {
                let rule = rules.into_iter().next().unwrap_or_else(|| ladder.rule.clone());
                let end = Descent::end(rule, Reason::ReducedByPolicy);
                return Descent { failed: true, ..end };
            }
        }
    }
    Descent::end(refused.or(cap).unwrap_or_else(|| ladder.rule.clone()), lowered)
}

pub(super) fn dropped(reason: DroppedReason, rules: Vec<RuleId>) -> Dropped {
    Dropped { reason, rules }
}
