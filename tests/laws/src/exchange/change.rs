//! Changes after which nobody may learn more, each with a sentence that says what was changed.

use portcullis_core::handling::{Environment, HandlingClass};
use portcullis_core::id::{AgencyId, CaseId, Moment};
use portcullis_core::label::Sensitivity;

use super::{AGENCIES, CASES, DAY, Exchange, Flow, NOW, PURPOSES, Spot};

/// What was changed, and the exchange after it.
type Changed = (String, Exchange);

/// A rung less on some ladder: the permit for this treatment is gone.
pub fn less_rung(exchange: &Exchange, at: [Spot; 4]) -> Changed {
    let mut changed = exchange.clone();
    let mut rungs: Vec<(String, usize, usize, usize)> = vec![];
    for (one, agreement) in exchange.agreements.iter().enumerate() {
        for (two, flow) in agreement.flows.iter().enumerate() {
            for (three, ladder) in flow.ladders.iter().enumerate() {
                if !ladder.rungs.is_empty() {
                    rungs.push((agreement.id.clone(), one, two, three));
                }
            }
        }
    }
    if rungs.is_empty() {
        return ("nothing".to_owned(), changed);
    }
    let (id, one, two, three) = at[0].get(&rungs).clone();
    let ladder = &mut changed.agreements[one].flows[two].ladders[three];
    let rung = at[1].index(ladder.rungs.len());
    let gone = ladder.rungs.remove(rung);
    ladder.officer_rungs -= usize::from(rung < ladder.officer_rungs);
    (format!("{id}/flow:{}/ladder:{} loses its rung {gone}", two + 1, three + 1), changed)
}

/// A permit less in some flow: a recipient, purpose, record type, matchable field, the flow or the agreement.
/// A ladder is no permit of its own: without it a field falls to the next ladder that names it, which may
/// well give more. That is what a ladder for a single field is for.
pub fn permit_less(exchange: &Exchange, at: [Spot; 4]) -> Changed {
    with_flow(exchange, at, |flow, at| match at[1].index(5) {
        0 => format!("no longer goes to {}", flow.to.remove(at[2].index(flow.to.len()))),
        1 => {
            let gone = flow.purposes.remove(at[2].index(flow.purposes.len()));
            format!("is no longer for {}", gone.word())
        }
        2 => format!("no longer gives {}", flow.types.remove(at[2].index(flow.types.len()))),
        3 if !flow.matchable.is_empty() => {
            let gone = flow.matchable.remove(at[2].index(flow.matchable.len()));
            format!("no longer lets {gone} be matched")
        }
        _ => {
            flow.ladders.clear();
            "is gone".to_owned()
        }
    })
}

/// The recipient of some flow is bound more tightly.
pub fn fewer_duties(exchange: &Exchange, at: [Spot; 4]) -> Changed {
    with_flow(exchange, at, |flow, at| match at[1].index(5) {
        3 => {
            flow.officer_required = true;
            "needs an officer".to_owned()
        }
        0 => {
            flow.delete_after_days = 1 + flow.delete_after_days / 2;
            format!("is deleted after {} days", flow.delete_after_days)
        }
        1 if flow.permitted_use.len() > 1 => {
            let gone = flow.permitted_use.remove(at[2].index(flow.permitted_use.len()));
            format!("may not be used for {}", gone.word())
        }
        2 if at[2].index(4) > 0 => {
            // A limit that was not there is a tighter one too.
            let halved = |limit: Option<u64>| Some(1 + limit.unwrap_or(1000) / 2);
            match at[2].index(4) {
                1 => flow.per_case = halved(flow.per_case),
                2 => flow.per_officer = halved(flow.per_officer),
                _ => {
                    let (limit, fields) = flow.subjects.take().unwrap_or((1000, vec![]));
                    flow.subjects = Some((1 + limit / 2, fields));
                }
            }
            "has tighter budgets".to_owned()
        }
        2 => {
            flow.budget = 1 + flow.budget / 2;
            format!("has a budget of {}", flow.budget)
        }
        _ => {
            flow.case_required = true;
            "needs a case".to_owned()
        }
    })
}

fn with_flow(
    exchange: &Exchange,
    at: [Spot; 4],
    edit: impl Fn(&mut Flow, [Spot; 4]) -> String,
) -> Changed {
    let mut changed = exchange.clone();
    if changed.agreements.is_empty() {
        return ("nothing".to_owned(), changed);
    }
    let one = at[0].index(changed.agreements.len());
    let agreement = &mut changed.agreements[one];
    let two = at[3].index(agreement.flows.len());
    let what = edit(&mut agreement.flows[two], at);
    (format!("{}/flow:{} {what}", agreement.id, two + 1), changed.tidied())
}

/// Some agreement ends: yesterday, this very moment, or in a second.
pub fn ends(exchange: &Exchange, at: [Spot; 4]) -> Changed {
    let mut changed = exchange.clone();
    if changed.agreements.is_empty() {
        return ("nothing".to_owned(), changed);
    }
    let one = at[0].index(changed.agreements.len());
    let agreement = &mut changed.agreements[one];
    let end = Moment(NOW.0 + [-DAY, 0, 1000][at[1].index(3)]).min(agreement.until);
    agreement.until = end.max(Moment(agreement.from.0 + 1000));
    (format!("{} ends {} ms from now", agreement.id, agreement.until.0 - NOW.0), changed)
}

/// Some agency is accredited for less.
pub fn lower_cap(exchange: &Exchange, at: [Spot; 4]) -> Changed {
    let mut changed = exchange.clone();
    let agency = changed.agency_mut(AGENCIES[at[0].index(AGENCIES.len())]);
    let lower = agency.max_sensitivity as usize - 1;
    agency.max_sensitivity = *at[1].get(&Sensitivity::ALL[..lower.max(1)]);
    (format!("{} sees up to {}", agency.id, agency.max_sensitivity.word()), changed)
}

/// Some agency leaves some case.
pub fn leaves(exchange: &Exchange, at: [Spot; 4]) -> Changed {
    let mut changed = exchange.clone();
    let cases = &mut changed.registry.cases;
    let one = at[0].index(cases.len());
    let case = &mut cases[one];
    let who = case.members.remove(at[1].index(case.members.len()));
    let what = format!("{who} leaves {}", case.id);
    if case.members.is_empty() {
        cases.remove(one);
    }
    (what, changed)
}

/// Stricter handling. An empty audience leaves it to the agreements, so the strictest audience is one agency,
/// not none; so it is with uses.
pub fn stricter(class: &HandlingClass, at: [Spot; 4]) -> HandlingClass {
    let mut class = class.clone();
    match at[0].index(7) {
        0 | 1 => match class.releasable_to.len() {
            0 => {
                class.releasable_to = AGENCIES.iter().map(AgencyId::new).collect();
                class.releasable_to.remove(at[1].index(AGENCIES.len()));
            }
            1 => class.environment = Environment::Production,
            several => drop(class.releasable_to.remove(at[1].index(several))),
        },
        2..=4 => {
            class.compartments.push(CaseId::new(at[1].get(&CASES[..])));
            class.compartments.sort();
            class.compartments.dedup();
        }
        5 => match class.permitted_use.len() {
            0 => {
                class.permitted_use = PURPOSES.to_vec();
                class.permitted_use.remove(at[1].index(PURPOSES.len()));
                class.permitted_use.sort();
            }
            1 => {}
            several => drop(class.permitted_use.remove(at[1].index(several))),
        },
        _ => class.environment = Environment::Production,
    }
    class
}
