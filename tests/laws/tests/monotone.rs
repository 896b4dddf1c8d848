//! Law 3, monotone: removing a permit, adding a prohibition, an agreement's end, stricter handling, a lower
//! accreditation, leaving a case: after none of them does anybody get more of any field.
//!
//! A case is a triple of an exchange, a change and a question. What is held for each: no field moves up the
//! lattice, none may be matched more freely, nothing that was denied or dropped is shown, and the answer may
//! not be kept longer, used for more, or asked for more often. Two things are no changes of this law, and
//! `portcullis_laws::exchange` says why where it leaves them out: a ladder that is taken out of an agreement
//! (the field falls to the next one that names it), and prohibitions that lift by their own words (`forbid
//! .. when memberships.contains(..)`). A third is told at `a_rung_less_raises_nothing`.

use std::cell::Cell;
use std::fmt::Debug;

use portcullis_core::handling::{Environment, HandlingClass};
use portcullis_core::id::{AgencyId, RecordTypeName};
use portcullis_core::label::Sensitivity;
use portcullis_core::policy::{Agency, Purpose, Registry, Request};
use portcullis_core::redact::{FieldPlan, Treatment};
use portcullis_laws::exchange::{
    Agreement, Answer, Exchange, Flow, Forbid, Ladder, NOW, Question, Rules, Selector, Spot, TYPES,
    ask, days, ends, exchange, fewer_duties, forbid, hold, leaves, less_rung, lower_cap,
    permit_less, questions, rises, stricter,
};
use proptest::array::uniform2;
use proptest::prelude::*;

/// Most questions to one exchange: to load one costs as much as to ask thirty times, so each is asked a lot.
const QUESTIONS: usize = 16;

/// Exchanges for so many cases, each with 8.5 questions on average and so many changes.
fn exchanges(changes: u32) -> u32 {
    portcullis_laws::cases().div_ceil(8 * changes)
}

/// What the run was made of: a law over denials alone would hold for nothing.
#[derive(Default)]
struct Tally {
    cases: Cell<u32>,
    shown: Cell<u32>,
    mixed: Cell<u32>,
    lowered: Cell<u32>,
}

impl Tally {
    fn count(&self, before: &Answer, after: &Answer) {
        let add = |cell: &Cell<u32>, yes: bool| cell.set(cell.get() + u32::from(yes));
        let shown = before.plan().map(|plan| plan.hash());
        add(&self.cases, true);
        add(&self.shown, shown.is_some());
        add(&self.mixed, before.mixed());
        add(&self.lowered, shown.is_some() && shown != after.plan().map(|plan| plan.hash()));
    }

    /// At least so many of a hundred began with a plan of three or more treatments, and at least so many of a
    /// thousand were made to show less.
    fn fair(&self, what: &str, mixed: u32, lowered: u32) {
        let [all, some, many, less] =
            [&self.cases, &self.shown, &self.mixed, &self.lowered].map(Cell::get);
        eprintln!("{what}: {all} cases, {some} shown, {many} mixed, {less} lowered");
        if all >= 2000 {
            assert!(many * 100 >= all * mixed, "{what}: only {many} of {all} began with a mix");
            assert!(less * 1000 >= all * lowered, "{what}: only {less} of {all} lowered anything");
        }
    }
}

/// Holds the law for a change of the exchange.
fn changed<T: Debug>(
    what: &str,
    lowered: u32,
    rules: Rules,
    extra: impl Strategy<Value = T>,
    change: impl Fn(&Exchange, T) -> (String, Exchange),
) {
    let tally = Tally::default();
    let strategy = (exchange(rules), questions(QUESTIONS), uniform2(extra));
    hold(exchanges(2), &strategy, |(exchange, questions, extra)| {
        let old = exchange.load();
        let questions = questions.about(&exchange);
        for extra in extra {
            let (said, changed) = change(&exchange, extra);
            let new = changed.load();
            for question in &questions {
                let (before, after) = (ask(&old, question, NOW), ask(&new, question, NOW));
                tally.count(&before, &after);
                rises((&old, &question.class, NOW), &after)
                    .map_err(|why| format!("{why}\nafter: {said}\nwhen {question:?}"))?;
            }
        }
        Ok(())
    });
    tally.fair(what, 6, lowered);
}

fn spots() -> impl Strategy<Value = [Spot; 4]> {
    any::<[Spot; 4]>()
}

/// Where a rule cannot be evaluated for a rung, no lower rung is tried and the field is withheld. When that
/// rung is taken out of the agreement the rule is not asked any more, and a lower rung may hold. So here all
/// rules can be evaluated; `broken_rules_withhold_and_taking_the_rung_out_ends_that` shows the rest.
#[test]
fn a_rung_less_raises_nothing() {
    changed("rung", 50, Rules::Sound, spots(), less_rung);
}

/// The exception to the law, as it is meant: fail closed goes first.
#[test]
fn broken_rules_withhold_and_taking_the_rung_out_ends_that() {
    let agency = |id: &&str| Agency {
        id: AgencyId::new(id),
        name: (*id).to_owned(),
        country: "XX".to_owned(),
        kind: "customs".to_owned(),
        max_sensitivity: Sensitivity::Secret,
        systems: vec!["desk".into()],
    };
    let ladder = |path: &str, rungs: &[Treatment]| Ladder {
        tag: 0,
        selector: Selector::Fields(vec![path.to_owned()]),
        purposes: None,
        rungs: rungs.to_vec(),
        officer_rungs: 0,
    };
    let with = |rungs: &[Treatment]| Exchange {
        registry: Registry {
            agencies: ["alpha", "bravo"].iter().map(agency).collect(),
            cases: vec![],
            environment: Environment::Exercise,
        },
        agreements: vec![Agreement {
            id: "one".to_owned(),
            from: days(-1),
            until: days(1),
            flows: vec![Flow {
                tag: 0,
                from: "alpha",
                to: vec!["bravo"],
                types: vec![TYPES[1]],
                purposes: vec![Purpose::Investigation],
                case_required: false,
                cases: vec![],
                officer_required: false,
                permitted_use: vec![Purpose::Investigation],
                delete_after_days: 1,
                release: false,
                budget: 1,
                subjects: None,
                per_case: None,
                per_officer: None,
                matchable: vec![],
                ladders: vec![ladder("id", rungs), ladder("birth", &[Treatment::Clear])],
            }],
        }],
        forbids: vec![Forbid {
            action: "action == Action::\"mask\"",
            when: "resource.sensitivity + 9223372036854775807 > 0".to_owned(),
        }],
    };
    let question = Question {
        request: Request {
            requester: "bravo".into(),
            system: "desk".into(),
            officer: None,
            purpose: Purpose::Investigation,
            case: None,
            agreement: None,
            record_type: RecordTypeName::new(TYPES[1]),
            sources: vec![],
        },
        class: HandlingClass::ordinary("alpha".into(), Environment::Exercise),
    };
    let id = |rungs: &[Treatment]| {
        ask(&with(rungs).load(), &question, NOW).plan().unwrap().fields()[0].treatment
    };
    assert_eq!(id(&[Treatment::Mask, Treatment::Presence]), Treatment::Withhold);
    assert_eq!(id(&[Treatment::Presence]), Treatment::Presence);
}

#[test]
fn a_permit_less_raises_nothing() {
    changed("permit", 20, Rules::SomeBroken, spots(), permit_less);
}

#[test]
fn tighter_duties_raise_nothing() {
    changed("duties", 2, Rules::SomeBroken, spots(), fewer_duties);
}

#[test]
fn a_forbid_more_raises_nothing() {
    changed("forbid", 20, Rules::SomeBroken, forbid(Rules::SomeBroken), |exchange, forbid| {
        let mut changed = exchange.clone();
        let said = forbid.to_string();
        changed.forbids.push(forbid);
        (said, changed)
    });
}

#[test]
fn a_lower_accreditation_raises_nothing() {
    changed("accreditation", 10, Rules::SomeBroken, spots(), lower_cap);
}

#[test]
fn leaving_a_case_raises_nothing() {
    changed("leaving", 3, Rules::SomeBroken, spots(), leaves);
}

/// Without its token a query is the system's: it gets no more of anything. Broken rules are left out for the
/// reason told at `a_rung_less_raises_nothing`: a rung for officers is not asked about without one.
#[test]
fn a_token_less_raises_nothing() {
    let tally = Tally::default();
    let strategy = (exchange(Rules::Sound), questions(QUESTIONS));
    hold(exchanges(1), &strategy, |(exchange, questions)| {
        let world = exchange.load();
        for system in questions.about(&exchange) {
            let mut system = system;
            system.request.officer = None;
            let mut officer = system.clone();
            officer.request.officer = Some("o.rask".into());
            let (before, after) = (ask(&world, &officer, NOW), ask(&world, &system, NOW));
            tally.count(&before, &after);
            let Answer::Shown(permit, plan) = after else { continue };
            // Held against the officer's answer to what the system's permit names.
            officer.request =
                Request { officer: officer.request.officer, ..permit.request().clone() };
            let shown = ask(&world, &officer, NOW);
            let Some(old) = shown.plan() else {
                return Err(format!("shown to a system, not to its officer: {officer:?}"));
            };
            for ((new, old), leaf) in
                plan.fields().iter().zip(old.fields()).zip(plan.record_type().leaves())
            {
                let lower = matches!(
                    new.treatment.partial_cmp(&old.treatment),
                    Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal)
                );
                let free = |field: &FieldPlan| field.usable && !field.probe;
                if !lower || free(new) && !free(old) {
                    return Err(format!("`{}` rose without a token: {system:?}", leaf.path));
                }
            }
        }
        Ok(())
    });
    tally.fair("token", 6, 30);
}

#[test]
fn an_agreements_end_raises_nothing() {
    changed("end", 20, Rules::SomeBroken, spots(), ends);
}

/// A permit that was given while the agreement was in force ends with it, and so do its plans.
#[test]
fn what_was_permitted_ends_with_its_agreement_and_case() {
    let strategy = (exchange(Rules::SomeBroken), questions(QUESTIONS));
    let ended = Cell::new(0_u32);
    let cases = Cell::new(0_u32);
    hold(exchanges(1), &strategy, |(exchange, questions)| {
        let world = exchange.load();
        for question in questions.about(&exchange) {
            cases.set(cases.get() + 1);
            let Answer::Shown(permit, plan) = ask(&world, &question, NOW) else { continue };
            let end = permit.valid_until();
            let case = question.request.case.as_ref().and_then(|id| world.case(id));
            let closes = case.and_then(|case| case.closes).unwrap_or(end);
            if end > permit.agreement().valid_until || end > closes {
                return Err(format!("outlives its agreement or case: {question:?}"));
            }
            if plan.valid_until().is_none_or(|until| until > end) {
                return Err(format!("the plan outlives its permit: {question:?}"));
            }
            if permit.plan(&question.class, end).is_ok() {
                return Err(format!("the permit still gives a plan at its end: {question:?}"));
            }
            let named = Question { request: permit.request().clone(), ..question };
            if ask(&world, &named, end).plan().is_some() {
                return Err(format!("still permitted at its end: {named:?}"));
            }
            ended.set(ended.get() + 1);
        }
        Ok(())
    });
    assert!(ended.get() * 5 >= cases.get(), "{} of {}", ended.get(), cases.get());
}

#[test]
fn stricter_handling_raises_nothing() {
    let tally = Tally::default();
    let strategy = (exchange(Rules::SomeBroken), questions(QUESTIONS), uniform2(spots()));
    hold(exchanges(2), &strategy, |(exchange, questions, at)| {
        let world = exchange.load();
        let questions = questions.about(&exchange);
        for (question, at) in at.iter().flat_map(|at| questions.iter().map(move |one| (one, at))) {
            let class = stricter(&question.class, *at);
            let narrower = Question { request: question.request.clone(), class };
            let (before, after) = (ask(&world, question, NOW), ask(&world, &narrower, NOW));
            tally.count(&before, &after);
            rises((&world, &question.class, NOW), &after)
                .map_err(|why| format!("{why}\nafter: {narrower:?}\nwhen {question:?}"))?;
        }
        Ok(())
    });
    tally.fair("handling", 6, 80);
}
