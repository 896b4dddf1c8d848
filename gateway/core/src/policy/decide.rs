//! The decision on a query: which agreement, which flows, in time, for the purpose and case; then Cedar.
//! A denial says no more than the requester may know: what is not there and what is not its own look alike.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::agreement::{Agreement, Flow};
use super::cedar::{Action, Situation, Verdict};
use super::compile::SliceKey;
use super::denial::{
    Denial, DenialReason, case_that_would_do, no_agreement, not_covered, not_for_this, rests,
    withdrawn,
};
use super::permit::Permit;
use super::snapshot::{Snapshot, merge};
use crate::id::{
    AgencyId, AgreementId, CaseId, Moment, OfficerId, RecordTypeName, RuleId, SystemId,
};
use crate::policy::Purpose;

/// Who asks for what, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Requester agency, from its certificate.
    pub requester: AgencyId,
    /// Its system, from its certificate.
    pub system: SystemId,
    /// On whose behalf, proven by a token of the agency. A name that the system only told is not here.
    pub officer: Option<OfficerId>,
    /// Why.
    pub purpose: Purpose,
    /// For which case.
    pub case: Option<CaseId>,
    /// Under which agreement; none: the only one that fits.
    pub agreement: Option<AgreementId>,
    /// What.
    pub record_type: RecordTypeName,
    /// Whose; empty: all that the agreement covers.
    pub sources: Vec<AgencyId>,
}

/// Yes with everything that binds it, or no with a reason.
#[derive(Debug)]
pub enum Decision {
    /// Permitted.
    Permit(Permit),
    /// Denied.
    Deny(Denial),
}

/// Verdicts on queries, for one snapshot: Cedar looks at every permit of a slice, and its answer can change
/// only with what the key is made of.
#[derive(Default)]
pub(super) struct Verdicts(Mutex<HashMap<VerdictKey, Verdict>>);

/// Everything that Cedar is told of a query beside the snapshot's own policies and entities.
#[derive(Clone, PartialEq, Eq, Hash)]
struct VerdictKey {
    slice: SliceKey,
    source: AgencyId,
    purpose: Purpose,
    case: Option<CaseId>,
    memberships: Vec<CaseId>,
    officer_proven: bool,
}

impl Verdicts {
    /// Most verdicts kept. Beyond it all are forgotten.
    const MOST: usize = 4096;

    /// The verdict on a query, asked for at its first use.
    fn of(
        &self,
        slice: &SliceKey,
        situation: &Situation<'_>,
        ask: impl FnOnce() -> Verdict,
    ) -> Verdict {
        let key = VerdictKey {
            slice: slice.clone(),
            source: situation.source.clone(),
            purpose: situation.purpose,
            case: situation.case.cloned(),
            memberships: situation.memberships.to_vec(),
            officer_proven: situation.officer_proven,
        };
        if let Some(verdict) = self.known().get(&key) {
            return verdict.clone();
        }
        let verdict = ask();
        // A failure is asked about again, and told again.
        if !matches!(verdict, Verdict::Failed(_)) {
            let mut known = self.known();
            if known.len() >= Self::MOST {
                known.clear();
            }
            known.insert(key, verdict.clone());
        }
        verdict
    }

    /// Those whose slice passes: its permits are the same in the snapshot that takes them.
    pub(super) fn carried(&self, same: impl Fn(&SliceKey) -> bool) -> Self {
        let known = self.known();
        let kept = known.iter().filter(|(key, _)| same(&key.slice));
        Self(Mutex::new(kept.map(|(key, verdict)| (key.clone(), verdict.clone())).collect()))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<VerdictKey, Verdict>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Decision {
    /// The permit.
    ///
    /// # Errors
    /// The denial.
    pub fn permit(self) -> Result<Permit, Denial> {
        match self {
            Self::Permit(permit) => Ok(permit),
            Self::Deny(denial) => Err(denial),
        }
    }
}

impl Snapshot {
    /// Decides a query.
    pub fn decide(self: &Arc<Self>, request: &Request, now: Moment) -> Decision {
        match self.permit(request, now) {
            Ok(permit) => Decision::Permit(permit),
            Err(denial) => Decision::Deny(denial),
        }
    }

    fn permit(self: &Arc<Self>, request: &Request, now: Moment) -> Result<Permit, Denial> {
        self.known_requester(request)?;
        let agreement = self.agreement_for(request, now)?;
        let flows = flows_for(&agreement, request, now)?;
        self.case_for(request, &flows, now)?;
        officer_for(request, &flows)?;
        // An agreement may name a type that is yet to come.
        if self.record_type(&request.record_type).is_none() {
            return Err(not_covered());
        }
        let rules = self.ask_query(request, &agreement, &flows, now)?;
        let request = Request {
            agreement: Some(agreement.id.clone()),
            sources: flows.iter().map(|flow| flow.from.clone()).collect(),
            ..request.clone()
        };
        let numbers: Vec<usize> = flows
            .iter()
            .filter_map(|flow| agreement.flows.iter().position(|other| other == *flow))
            .collect();
        Permit::new(self.clone(), request, agreement.clone(), numbers, rules)
            .ok_or_else(not_covered)
    }

    fn known_requester(&self, request: &Request) -> Result<(), Denial> {
        let known = self
            .agency(&request.requester)
            .is_some_and(|agency| agency.systems.contains(&request.system));
        if known {
            return Ok(());
        }
        Err(Denial::new(
            DenialReason::RequesterUnknown,
            "this gateway does not know the agency or system that asks",
            "ask the gateway's operator to register the system",
        ))
    }

    /// The agreement that was named, or the only one that fits.
    fn agreement_for(&self, request: &Request, now: Moment) -> Result<Arc<Agreement>, Denial> {
        if let Some(id) = &request.agreement {
            let found = self.agreement(id).filter(|one| one.has_party(&request.requester));
            let found = found.ok_or_else(no_agreement)?;
            in_force(found, now)?;
            return Ok(found.clone());
        }
        let own: Vec<&Arc<Agreement>> =
            self.agreements().filter(|one| one.has_party(&request.requester)).collect();
        let fitting: Vec<_> =
            own.iter().filter(|one| flows_for(one, request, now).is_ok()).copied().collect();
        let mut current: Vec<_> = fitting.iter().filter(|one| one.in_force(now)).copied().collect();
        // Among several, those that are for this case (or need none) fit better than those that are not.
        let for_case = |one: &&Arc<Agreement>| {
            let flows = flows_for(one, request, now).unwrap_or_default();
            flows.iter().all(|flow| covers_case(flow, request.case.as_ref()))
        };
        if current.iter().any(for_case) {
            current.retain(for_case);
        }
        match (current.as_slice(), fitting.as_slice()) {
            ([one], _) => Ok((*one).clone()),
            ([], []) => Err(closest(&own, request, now)),
            ([], [lapsed, ..]) => {
                in_force(lapsed, now)?;
                Err(no_agreement())
            }
            (several, _) => {
                let ids: Vec<&str> = several.iter().map(|one| one.id.as_str()).collect();
                Err(Denial::new(
                    DenialReason::AgreementAmbiguous,
                    "several agreements of your agency fit, and agreements are never added up",
                    format!("name one of {}", ids.join(", ")),
                ))
            }
        }
    }

    fn case_for(&self, request: &Request, flows: &[&Flow], now: Moment) -> Result<(), Denial> {
        let fitting = || {
            let mut open = self.memberships(&request.requester, now);
            open.retain(|case| flows.iter().all(|flow| covers_case(flow, Some(case))));
            open
        };
        let Some(id) = &request.case else {
            return match flows.iter().find(|flow| !covers_case(flow, None)) {
                None => Ok(()),
                Some(flow) => Err(Denial::new(
                    DenialReason::CaseRequired,
                    "the agreement gives this only within a case",
                    case_that_would_do(&fitting()),
                )
                .with(vec![flow.rule.clone()])),
            };
        };
        if let Some(case) = self.case(id).filter(|case| case.members.contains(&request.requester))
            && now < case.opens
        {
            let reason = DenialReason::CaseNotOpenToYou;
            let text = "your agency is a member of the case, but it is not open yet";
            return Err(Denial::new(reason, text, "ask again when it is").from(case.opens));
        }
        if !self.case(id).is_some_and(|case| case.open_to(&request.requester, now)) {
            return Err(Denial::new(
                DenialReason::CaseNotOpenToYou,
                "no case of this name is open to your agency",
                case_that_would_do(&fitting()),
            ));
        }
        match flows.iter().find(|flow| !covers_case(flow, Some(id))) {
            None => Ok(()),
            Some(flow) => Err(Denial::new(
                DenialReason::CaseNotCovered,
                "the agreement gives this for other cases only",
                case_that_would_do(&fitting()),
            )
            .with(vec![flow.rule.clone()])),
        }
    }

    /// Cedar has the last word, per source.
    fn ask_query(
        &self,
        request: &Request,
        agreement: &Agreement,
        flows: &[&Flow],
        now: Moment,
    ) -> Result<Vec<RuleId>, Denial> {
        let key = SliceKey {
            agreement: agreement.id.clone(),
            requester: request.requester.clone(),
            record_type: request.record_type.clone(),
        };
        let memberships = self.memberships(&request.requester, now);
        let mut rules = vec![];
        for flow in flows {
            let situation = Situation {
                agreement: &agreement.id,
                source: &flow.from,
                purpose: request.purpose,
                case: request.case.as_ref(),
                memberships: &memberships,
                officer_proven: request.officer.is_some(),
                environment: self.environment(),
                handling: None,
                granted: false,
            };
            let verdict =
                self.verdicts.of(&key, &situation, || match self.engine.context(&situation) {
                    Ok(context) => self.ask(&key, Action::Query, None, &context),
                    Err(_) => Verdict::Failed(vec![]),
                });
            match verdict {
                Verdict::Permitted(found) => rules.push(found),
                Verdict::Refused(found) => {
                    let (because, remedy) = self.told_of(&found);
                    return Err(
                        Denial::new(DenialReason::ForbiddenByPolicy, because, remedy).with(found)
                    );
                }
                Verdict::Failed(found) => {
                    return Err(Denial::new(
                        DenialReason::PolicyEvaluationFailed,
                        "a rule could not be evaluated, so nothing is permitted",
                        "tell the gateway's operator",
                    )
                    .with(found));
                }
            }
        }
        Ok(merge(rules))
    }
}

/// Flows of an agreement that cover a request, one per source, sorted by source.
fn flows_for<'a>(
    agreement: &'a Agreement,
    request: &Request,
    now: Moment,
) -> Result<Vec<&'a Flow>, Denial> {
    if !agreement.takes_part(&request.requester, now) {
        return Err(withdrawn());
    }
    let typed: Vec<&Flow> = agreement
        .flows
        .iter()
        .filter(|flow| flow.to.contains(&request.requester))
        .filter(|flow| agreement.takes_part(&flow.from, now))
        .filter(|flow| flow.record_types.contains(&request.record_type))
        .collect();
    if typed.is_empty() {
        return Err(not_covered());
    }
    let mut fitting: Vec<&Flow> =
        typed.iter().filter(|flow| flow.purposes.contains(&request.purpose)).copied().collect();
    if fitting.is_empty() {
        return Err(not_for_this(&typed, request.purpose));
    }
    let covered = |source: &AgencyId| fitting.iter().any(|flow| flow.from == *source);
    if !request.sources.iter().all(covered) {
        return Err(Denial::new(
            DenialReason::SourceNotCovered,
            "the agreement does not cover one of the sources for this purpose",
            format!("it covers {}; leave the sources out to ask them all", names_of(&fitting)),
        ));
    }
    fitting.retain(|flow| request.sources.is_empty() || request.sources.contains(&flow.from));
    fitting.sort_by(|one, two| one.from.cmp(&two.from));
    Ok(fitting)
}

fn names_of(flows: &[&Flow]) -> String {
    let names: BTreeSet<&str> = flows.iter().map(|flow| flow.from.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// A flow for officers alone asks for one who is proven.
fn officer_for(request: &Request, flows: &[&Flow]) -> Result<(), Denial> {
    match flows.iter().find(|flow| flow.officer_required && request.officer.is_none()) {
        None => Ok(()),
        Some(flow) => Err(Denial::new(
            DenialReason::OfficerRequired,
            "the agreement gives this only to a named officer",
            "bring your agency's token for the officer who asks",
        )
        .with(vec![flow.rule.clone()])),
    }
}

/// Is the case one that the flow is for? No case is one where the flow needs none.
fn covers_case(flow: &Flow, case: Option<&CaseId>) -> bool {
    match case {
        None => !flow.case_required,
        Some(case) => flow.cases.is_empty() || flow.cases.contains(case),
    }
}

/// No agreement fits: the reason of the one that comes closest.
fn closest(own: &[&Arc<Agreement>], request: &Request, now: Moment) -> Denial {
    let rank = |denial: &Denial| match denial.reason {
        DenialReason::SourceNotCovered => 2,
        DenialReason::PurposeNotPermitted | DenialReason::PartyWithdrawn => 1,
        _ => 0,
    };
    own.iter()
        .filter(|one| one.in_force(now))
        .chain(own.iter())
        .filter_map(|one| flows_for(one, request, now).err())
        .reduce(|best, other| if rank(&other) > rank(&best) { other } else { best })
        .unwrap_or_else(no_agreement)
}

fn in_force(agreement: &Agreement, now: Moment) -> Result<(), Denial> {
    let rules = vec![RuleId::new(format!("agreement:{}", agreement.id))];
    if let Some(denial) = rests(&agreement.standing.phase) {
        return Err(denial.with(rules));
    }
    if now < agreement.valid_from {
        return Err(Denial::new(
            DenialReason::AgreementNotYetInForce,
            "the agreement is not yet in force",
            "ask again when it is",
        )
        .from(agreement.valid_from)
        .with(rules));
    }
    if now >= agreement.ends() {
        return Err(Denial::new(
            DenialReason::AgreementLapsed,
            "the agreement is no longer in force",
            "the parties would have to renew it",
        )
        .with(rules));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
