//! Strategies: exchanges, prohibitions, handling, and questions that mostly fit.

use std::sync::Arc;

use portcullis_core::handling::{Environment, HandlingClass, Tlp};
use portcullis_core::id::{
    AgencyId, AgreementId, CaseId, Moment, OfficerId, RecordTypeName, SystemId,
};
use portcullis_core::label::{Category, Semantic, Sensitivity};
use portcullis_core::policy::{Agency, Case, Purpose, Registry, Request};
use portcullis_core::redact::{Level, Treatment};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::{
    AGENCIES, Agreement, CASES, DAY, Exchange, Flow, Forbid, Ladder, PURPOSES, Question, Selector,
    TYPES, days, record_types,
};

/// An exchange that loads, with up to two prohibitions of its own.
pub fn exchange(rules: Rules) -> impl Strategy<Value = Exchange> {
    (registry(), vec(agreement(), 1..=2), vec(forbid(rules), 0..=2)).prop_map(
        |(registry, agreements, forbids)| {
            let mut exchange = Exchange { registry, agreements, forbids };
            for (at, agreement) in exchange.agreements.iter_mut().enumerate() {
                agreement.id = format!("agreement-{at}");
            }
            exchange.tidied()
        },
    )
}

fn registry() -> impl Strategy<Value = Registry> {
    use Sensitivity::{Confidential, Official, Secret};
    let caps = vec(select(vec![Secret, Confidential, Secret, Official]), AGENCIES.len());
    let case = (
        subsequence(AGENCIES.to_vec(), 2..=AGENCIES.len()),
        prop_oneof![12 => Just(days(-30)), 1 => Just(days(5))],
        prop_oneof![7 => Just(None), 6 => Just(Some(days(20))), 1 => Just(Some(days(-1)))],
        any::<bool>(),
    );
    (caps, vec(case, CASES.len())).prop_map(|(caps, cases)| Registry {
        agencies: AGENCIES
            .iter()
            .zip(caps)
            .map(|(id, cap)| Agency {
                id: AgencyId::new(id),
                name: (*id).to_owned(),
                country: country(id),
                kind: "customs".to_owned(),
                max_sensitivity: cap,
                systems: vec![SystemId::new("desk"), SystemId::new("batch")],
            })
            .collect(),
        cases: CASES
            .iter()
            .zip(cases)
            .map(|(id, (members, opens, closes, operation_scope))| Case {
                id: CaseId::new(id),
                members: members.iter().map(AgencyId::new).collect(),
                opens,
                closes: closes.filter(|closes| *closes > opens),
                operation_scope,
                template: None,
            })
            .collect(),
        environment: Environment::Exercise,
    })
}

fn country(agency: &str) -> String {
    agency[..2].to_uppercase()
}

fn agreement() -> impl Strategy<Value = Agreement> {
    let from = prop_oneof![20 => Just(days(-400)), 1 => Just(days(3))];
    let until = prop_oneof![12 => Just(days(500)), 7 => Just(days(10)), 1 => Just(days(-2))];
    (from, until, vec(flow(), 1..=3)).prop_map(|(from, until, mut flows)| {
        for (at, flow) in flows.iter_mut().enumerate() {
            flow.tag = at;
        }
        let until = if until <= from { Moment(from.0 + 5 * DAY) } else { until };
        Agreement { id: String::new(), from, until, flows }
    })
}

fn flow() -> impl Strategy<Value = Flow> {
    let scope = (
        select(&AGENCIES[..]),
        subsequence(AGENCIES.to_vec(), 1..=3),
        subsequence(TYPES.to_vec(), 1..=2),
        subsequence(PURPOSES.to_vec(), 1..=3),
        proptest::bool::weighted(0.15),
        prop_oneof![8 => Just(vec![]), 1 => subsequence(CASES.to_vec(), 1..=2)],
        proptest::bool::weighted(0.1),
    );
    let duties = (
        subsequence(PURPOSES.to_vec(), 1..=3),
        1_u32..400,
        any::<bool>(),
        1_u64..1000,
        prop_oneof![1 => Just(vec![]), 2 => subsequence(leaves(), 0..=6)],
        weighted(0.3, (1_u64..1000, subsequence(vec!["id".to_owned()], 0..=1))),
        weighted(0.3, 1_u64..1000),
        weighted(0.3, 1_u64..1000),
    );
    (scope, duties, vec(ladder(), 2..=7)).prop_map(|(scope, duties, mut ladders)| {
        let (from, to, types, purposes, case_required, cases, officer_required) = scope;
        let (permitted_use, delete_after_days, release, budget, matchable, more, case, officer) =
            duties;
        for (at, ladder) in ladders.iter_mut().enumerate() {
            ladder.tag = at;
        }
        Flow {
            tag: 0,
            from,
            to,
            types,
            purposes,
            case_required,
            cases,
            officer_required,
            permitted_use,
            delete_after_days,
            release,
            budget,
            subjects: more,
            per_case: case,
            per_officer: officer,
            matchable,
            ladders,
        }
    })
}

fn leaves() -> Vec<String> {
    let all = record_types().iter().flat_map(|one| one.leaves());
    let mut paths: Vec<String> = all.map(|leaf| leaf.path.clone()).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Members of oneofs.
const ONEOFS: [&str; 4] = ["licence", "permit_number", "seen_at", "seen_on"];

fn ladder() -> impl Strategy<Value = Ladder> {
    let mut paths = leaves();
    paths.push("importer".to_owned());
    let semantics = select(vec![
        Semantic::Identifier,
        Semantic::HsCode,
        Semantic::Timestamp,
        Semantic::Date,
        Semantic::BirthDate,
        Semantic::Mass,
        Semantic::PersonName,
        Semantic::FreeText,
    ]);
    let selector = prop_oneof![
        5 => subsequence(paths, 1..=6).prop_map(Selector::Fields),
        // Members of oneofs of their own, so that they often differ.
        3 => subsequence(ONEOFS.map(str::to_owned).to_vec(), 1..=2).prop_map(Selector::Fields),
        2 => semantics.prop_map(Selector::Semantic),
        3 => (select(Category::ALL), weighted(0.5, select(Sensitivity::ALL)))
            .prop_map(|(category, most)| Selector::Category(category, most)),
    ];
    let for_some = weighted(0.15, subsequence(PURPOSES.to_vec(), 1..=3));
    let for_officers = prop_oneof![2 => Just(0), 1 => 1..4_usize];
    (selector, for_some, rungs(), for_officers).prop_map(
        |(selector, purposes, rungs, for_officers)| Ladder {
            tag: 0,
            selector,
            purposes,
            officer_rungs: for_officers.min(rungs.len()),
            rungs,
        },
    )
}

/// A chain; rungs that the fields cannot take are left out when the exchange is tidied.
fn rungs() -> impl Strategy<Value = Vec<Treatment>> {
    use Level::{Band, Cell01, Cell1, Cell10, Chapter, Country, Day, Heading, Month, Year};
    let middle = select(vec![
        vec![],
        vec![Treatment::Mask],
        vec![Treatment::Pseudonymise],
        [Heading, Chapter].map(Treatment::Generalise).to_vec(),
        [Day, Month, Year].map(Treatment::Generalise).to_vec(),
        [Cell01, Cell1, Cell10].map(Treatment::Generalise).to_vec(),
        vec![Treatment::Generalise(Band)],
        vec![Treatment::Generalise(Country)],
        [Month, Year].map(Treatment::Generalise).to_vec(),
    ]);
    let ends = (proptest::bool::weighted(0.7), proptest::bool::weighted(0.7));
    (ends, middle).prop_map(|((clear, presence), middle)| {
        let clear = clear.then_some(Treatment::Clear);
        clear.into_iter().chain(middle).chain(presence.then_some(Treatment::Presence)).collect()
    })
}

/// Which prohibitions are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Each can be evaluated.
    Sound,
    /// Some cannot, so what they are asked about is denied.
    SomeBroken,
}

/// A prohibition. None of these lifts when an agency is accredited for less, leaves a case, or a record is
/// handled more strictly: a rule such as `forbid .. when memberships.contains(..)` does by its own words,
/// so no law can hold for it.
pub fn forbid(rules: Rules) -> impl Strategy<Value = Forbid> {
    let learn = select(vec![
        "action == Action::\"clear\"",
        "action == Action::\"mask\"",
        "action == Action::\"pseudonymise\"",
        "action == Action::\"presence\"",
        "action == Action::\"match\"",
        "action in [Action::\"generalise_day\", Action::\"generalise_heading\", Action::\"generalise_band\"]",
        "action in [Action::\"clear\", Action::\"match\"]",
        "action in Action::\"learn\"",
    ]);
    let of_field = prop_oneof![
        select(Sensitivity::ALL).prop_map(|one| format!("resource.sensitivity > {}", one as i64)),
        select(Category::ALL).prop_map(|one| format!("resource.category == \"{}\"", one.word())),
        select(Semantic::ALL).prop_map(|one| format!("resource.semantic == \"{}\"", one.word())),
        select(leaves()).prop_map(|path| format!("resource.path == \"{path}\"")),
        Just("resource.path like \"importer.*\"".to_owned()),
    ];
    let some = prop_oneof![
        select(&AGENCIES[..]).prop_map(|id| format!("principal == Agency::\"{id}\"")),
        select(&AGENCIES[..]).prop_map(|id| format!("context.source == Agency::\"{id}\"")),
        select(&PURPOSES[..]).prop_map(|one| format!("context.purpose == \"{}\"", one.word())),
        select(&CASES[..]).prop_map(|id| format!("!context.memberships.contains(\"{id}\")")),
        Just("!(context has case)".to_owned()),
        Just("!context.officer_proven".to_owned()),
        Just("principal.max_sensitivity < 3".to_owned()),
        select(&AGENCIES[..]).prop_map(|id| format!("principal.country == \"{}\"", country(id))),
    ];
    let who = prop_oneof![3 => Just("true".to_owned()), 5 => some.clone()];
    // A sum that no `Long` holds: a rule that cannot be evaluated.
    let broken = "resource.sensitivity + 9223372036854775807 > 0".to_owned();
    prop_oneof![
        12 => (learn.clone(), of_field, who.clone())
            .prop_map(|(action, field, who)| Forbid { action, when: format!("{field} && {who}") }),
        u32::from(rules == Rules::SomeBroken) => (learn, who)
            .prop_map(move |(action, who)| Forbid { action, when: format!("{who} && {broken}") }),
        1 => some.clone().prop_map(|when| Forbid { action: "action == Action::\"query\"", when }),
        1 => some.prop_map(|when| Forbid { action: "action == Action::\"release\"", when }),
    ]
}

/// What an originator says about its records: mostly nothing special.
pub fn handling() -> impl Strategy<Value = HandlingClass> {
    (
        prop_oneof![7 => Just(vec![]), 1 => subsequence(AGENCIES.to_vec(), 1..=4)],
        prop_oneof![8 => Just(vec![]), 1 => subsequence(CASES.to_vec(), 1..=2)],
        prop_oneof![7 => Just(vec![]), 1 => subsequence(PURPOSES.to_vec(), 2..=4)],
        weighted(0.2, select(Tlp::ALL)),
        prop_oneof![40 => Just(Environment::Exercise), 1 => Just(Environment::Production)],
    )
        .prop_map(|(audience, compartments, uses, tlp, environment)| {
            let mut permitted_use: Vec<Purpose> = uses;
            permitted_use.sort();
            HandlingClass {
                originator: AgencyId::new(""),
                releasable_to: audience.iter().map(AgencyId::new).collect(),
                compartments: compartments.iter().map(CaseId::new).collect(),
                permitted_use,
                tlp,
                handling_code: Arc::from(""),
                environment,
            }
        })
}

/// What a question is made of before it is aimed at an exchange.
type Seed = ([Index; 5], u8, bool, bool, HandlingClass);

/// Up to so many questions, of which most are about what some flow gives.
pub fn questions(most: usize) -> impl Strategy<Value = Questions> {
    let seed = (
        [any::<Index>(), any::<Index>(), any::<Index>(), any::<Index>(), any::<Index>()],
        0_u8..60,
        proptest::bool::weighted(0.75),
        proptest::bool::weighted(0.75),
        handling(),
    );
    vec(seed, 1..=most).prop_map(Questions)
}

/// Questions that are yet to be aimed at an exchange.
#[derive(Clone)]
pub struct Questions(Vec<Seed>);

impl std::fmt::Debug for Questions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} questions", self.0.len())
    }
}

impl Questions {
    /// The questions about an exchange.
    pub fn about(&self, exchange: &Exchange) -> Vec<Question> {
        self.0.iter().map(|seed| aim(seed, exchange)).collect()
    }
}

fn aim((at, stray, named, one_source, handling): &Seed, exchange: &Exchange) -> Question {
    let flows = exchange.flows();
    let mut class = handling.clone();
    let mut request = Request {
        requester: AgencyId::new(at[1].get(&AGENCIES)),
        system: SystemId::new("desk"),
        officer: (stray % 4 < 2).then(|| OfficerId::new("o.rask")),
        purpose: *at[2].get(&PURPOSES),
        case: None,
        agreement: None,
        record_type: RecordTypeName::new(at[3].get(&TYPES)),
        sources: vec![],
    };
    class.originator = AgencyId::new(at[0].get(&AGENCIES));
    if !flows.is_empty() {
        let (agreement, flow) = at[0].get(&flows);
        class.originator = AgencyId::new(flow.from);
        request.requester = AgencyId::new(at[1].get(&flow.to));
        request.purpose = *at[2].get(&flow.purposes);
        request.record_type = RecordTypeName::new(at[3].get(&flow.types));
        request.agreement = named.then(|| AgreementId::new(&agreement.id));
        request.sources = one_source.then(|| class.originator.clone()).into_iter().collect();
        let mut cases = exchange.open_cases(&request.requester);
        cases.retain(|id| flow.cases.is_empty() || flow.cases.contains(&id.as_str()));
        let wanted = flow.case_required || !flow.cases.is_empty() || stray % 2 == 0;
        request.case = (wanted && !cases.is_empty()).then(|| at[4].get(&cases).clone());
    }
    match *stray {
        1 => request.requester = AgencyId::new(at[4].get(&AGENCIES)),
        3 => request.purpose = *at[4].get(&PURPOSES),
        5 => request.case = Some(CaseId::new(at[4].get(&CASES))),
        7 => request.record_type = RecordTypeName::new("exchange.v1.Unknown"),
        9 => class.originator = AgencyId::new(at[4].get(&AGENCIES)),
        11 => request.sources = vec![AgencyId::new(at[4].get(&AGENCIES))],
        _ => {}
    }
    Question { request, class }
}
