//! Questions that mostly fit what some flow gives, and classes of records that mostly may go.

use std::sync::Arc;

use portcullis_core::handling::{Environment, HandlingClass, Tlp};
use portcullis_core::id::{
    AgencyId, AgreementId, CaseId, Moment, OfficerId, RecordTypeName, SystemId,
};
use portcullis_core::policy::{Denial, Dropped, Permit, Purpose, Request, Snapshot};
use portcullis_core::redact::Plan;

use super::flow::{one_in, some};
use super::{AGENCIES, AWAITED, CASES, World};
use crate::exchange::NOW;
use crate::world::near::Rng;

/// So many of one exchange.
const QUESTIONS: usize = 60;

/// A query, and records that come when.
pub(super) struct Question {
    pub(super) request: Request,
    pub(super) now: Moment,
    pub(super) records: Vec<(HandlingClass, Moment)>,
}

/// What comes of it.
pub(super) enum Answer {
    Denied(Denial),
    Permitted(Box<Permit>, Vec<Result<Arc<Plan>, Dropped>>),
}

impl Answer {
    /// How many decisions it is.
    pub(super) fn decisions(&self) -> u64 {
        match self {
            Self::Denied(_) => 1,
            Self::Permitted(_, plans) => plans.len() as u64,
        }
    }
}

pub(super) fn ask(world: &Arc<Snapshot>, question: &Question) -> Answer {
    match world.decide(&question.request, question.now).permit() {
        Err(denial) => Answer::Denied(denial),
        Ok(permit) => {
            let plan = |(class, at): &(HandlingClass, Moment)| permit.plan(class, *at);
            let plans = question.records.iter().map(plan).collect();
            Answer::Permitted(Box::new(permit), plans)
        }
    }
}

pub(super) fn questions(world: &World, rng: &mut Rng) -> Vec<Question> {
    (0..QUESTIONS).map(|_| question(world, rng)).collect()
}

fn question(world: &World, rng: &mut Rng) -> Question {
    let edges = world.edges();
    let edge = |rng: &mut Rng| Moment(rng.pick(&edges).0 + [-1, 0, 1][rng.below(3)]);
    let now = if one_in(6, rng) { edge(rng) } else { NOW };
    let (request, source) = request(world, now, rng);
    let class = |rng: &mut Rng| {
        let at = if one_in(8, rng) { edge(rng).max(now) } else { now };
        (handling(world, &source, &request, at, rng), at)
    };
    let records = (0..1 + rng.below(3)).map(|_| class(rng)).collect();
    Question { request, now, records }
}

/// A query, and one of its sources.
fn request(world: &World, now: Moment, rng: &mut Rng) -> (Request, AgencyId) {
    let mut request = Request {
        requester: AgencyId::new(rng.pick(&AGENCIES)),
        system: SystemId::new(rng.pick(&["desk", "batch"])),
        officer: one_in(2, rng).then(|| OfficerId::new("o.rask")),
        purpose: *rng.pick(Purpose::ALL),
        case: None,
        agreement: None,
        record_type: rng.pick(&world.types).name().clone(),
        sources: vec![],
    };
    let mut source = AgencyId::new(rng.pick(&AGENCIES));
    if !world.agreements.is_empty() {
        let agreement = &rng.pick(&world.agreements).drawn;
        let flow = rng.pick(&agreement.flows);
        source = AgencyId::new(flow.from);
        request.requester = AgencyId::new(rng.pick(&flow.to));
        request.purpose = *rng.pick(&flow.purposes);
        request.record_type = RecordTypeName::new(rng.pick(&flow.types));
        request.agreement = (rng.below(5) < 3).then(|| AgreementId::new(&agreement.id));
        request.sources = one_in(3, rng).then(|| source.clone()).into_iter().collect();
        let cases = world.registry.cases.iter();
        let mut fitting: Vec<CaseId> = cases
            .filter(|case| case.open_to(&request.requester, now))
            .map(|case| case.id.clone())
            .collect();
        fitting.retain(|id| flow.cases.is_empty() || flow.cases.contains(&id.as_str()));
        let wanted = flow.case_required || !flow.cases.is_empty() || one_in(2, rng);
        if wanted && !fitting.is_empty() && !one_in(12, rng) {
            request.case = Some(rng.pick(&fitting).clone());
        }
    }
    if one_in(3, rng) {
        stray(world, &mut request, rng);
    }
    (request, source)
}

/// One thing of it is something else.
fn stray(world: &World, request: &mut Request, rng: &mut Rng) {
    match rng.below(12) {
        0 => request.requester = AgencyId::new(rng.pick(&AGENCIES)),
        1 => match rng.below(3) {
            0 => request.requester = AgencyId::new("zulu"),
            _ => request.system = SystemId::new("ghost"),
        },
        2..=3 => request.purpose = *rng.pick(Purpose::ALL),
        4..=5 => request.case = Some(CaseId::new(rng.pick(&CASES))),
        6 => request.case = [None, Some(CaseId::new("CASE-9"))][rng.below(2)].clone(),
        7 => request.record_type = rng.pick(&world.types).name().clone(),
        8 => {
            let name = *rng.pick(&[AWAITED.1, AWAITED.1, "decided.v1.Unknown"]);
            request.record_type = RecordTypeName::new(name);
        }
        9..=10 => {
            request.sources = some(&AGENCIES, 1, 3, rng).into_iter().map(AgencyId::new).collect();
            if one_in(8, rng) {
                request.sources.push(AgencyId::new("zulu"));
            }
        }
        _ => {
            let ids: Vec<&str> = world.agreements.iter().map(|one| &*one.drawn.id).collect();
            let other = rng.below(ids.len() + 1);
            request.agreement = Some(AgreementId::new(ids.get(other).unwrap_or(&"none")));
        }
    }
}

fn handling(
    world: &World,
    source: &AgencyId,
    request: &Request,
    at: Moment,
    rng: &mut Rng,
) -> HandlingClass {
    let own = world.registry.environment;
    let mut class = HandlingClass::ordinary(source.clone(), own);
    if one_in(12, rng) {
        class.originator = AgencyId::new(rng.pick(&AGENCIES));
    }
    if one_in(5, rng) {
        let mut audience = some(&AGENCIES, 1, 4, rng);
        if one_in(2, rng) && !audience.iter().any(|one| *one == request.requester.as_str()) {
            audience.extend(AGENCIES.iter().find(|one| **one == request.requester.as_str()));
        }
        class.releasable_to = audience.into_iter().map(AgencyId::new).collect();
        class.releasable_to.sort();
    }
    if one_in(5, rng) {
        let mut cases = some(&CASES, 1, 2, rng);
        if one_in(2, rng) {
            let open = |id: &&str| {
                let cases = &world.registry.cases;
                cases
                    .iter()
                    .any(|case| case.id.as_str() == *id && case.open_to(&request.requester, at))
            };
            cases.retain(open);
        }
        class.compartments = cases.into_iter().map(CaseId::new).collect();
    }
    if one_in(5, rng) {
        class.permitted_use = some(Purpose::ALL, 1, 5, rng);
        if one_in(2, rng) {
            class.permitted_use.push(request.purpose);
        }
        class.permitted_use.sort();
        class.permitted_use.dedup();
    }
    if one_in(5, rng) {
        class.tlp = Some(*rng.pick(Tlp::ALL));
    }
    if one_in(4, rng) {
        class.handling_code = Arc::from(*rng.pick(&["H0", "H1", "H1", "H2", "H3", "h1", "X"]));
    }
    if one_in(25, rng) {
        class.environment = *rng.pick(Environment::ALL);
    }
    class
}
