//! Every case as a story: who held what, when it could have been solved, who asked, what was refused, what was decided.

use std::collections::BTreeSet;

use super::Material;
use super::editions::clock;
use crate::drill::clock::Exercise;
use crate::drill::document::{Document, Table, Text};
use crate::drill::event::{Answered, Event, What};
use crate::drill::now::moment;
use crate::drill::plot::PlotCase;
use crate::scheme::ALL;

/// When, who, what.
type Row = (u64, String, Text);

pub(super) fn all(out: &mut Document, material: &Material) {
    for (case, outcome) in material.plot.cases.iter().zip(&material.scored.outcomes) {
        let scheme = ALL.iter().find(|scheme| scheme.id == case.scheme);
        let name = scheme.map_or("", |scheme| scheme.name);
        let head = format!("{} · {} {name} · hazard {} · ", case.id, case.scheme, case.hazard);
        let head = Text::from(head);
        out.heading(match &outcome.stopped {
            Some((team, at)) => head.good(format!("stopped by {team} at {}", clock(at.0))),
            None if !outcome.happened => head.plain("did not happen"),
            None if !case.in_time() => head.plain("could not be solved in time"),
            None => head.bad("went through"),
        });
        for told in rerouted(material, case) {
            out.paragraph(told);
        }
        if !outcome.happened {
            continue;
        }
        let needs = case.needs.iter().map(|set| set.join(" and ")).collect::<Vec<_>>();
        out.paragraph(format!(
            "First trace at {}, solvable together from {} on, out of reach at {}. It needs {}.",
            clock(case.first.0),
            clock(case.joint.0),
            clock(case.exit.0),
            needs.join(", or ")
        ));
        let mut rows = traces(case);
        rows.extend(acts(material, case));
        rows.sort_by(|one, other| key(one).cmp(&key(other)));
        let mut table = Table::new(&["time", "in the world", "who", "what"]);
        for (at, who, what) in rows {
            let world = moment(material.plot.story.world(Exercise(at)));
            let day = world.get(..10).unwrap_or_default();
            table.row([clock(at).into(), day.into(), who.into(), what.into()]);
        }
        out.table(table);
    }
}

/// What smugglers did about a case.
fn rerouted(material: &Material, case: &PlotCase) -> Vec<String> {
    let mut all = vec![];
    for event in material.events {
        let What::Rerouted { after, case: given_up, to } = &event.what else { continue };
        let stopped = material.plot.matter(*after);
        let record = stopped.map_or("", |matter| matter.record.as_str());
        let team = stopped.and_then(|matter| material.scenario.teams.get(matter.team));
        let team = team.map_or("", |team| team.name.as_str());
        let when = clock(event.exercise.0);
        if case.id == *given_up {
            all.push(format!(
                "Given up at {when} for case {to}, when {team} had stopped {record}: nothing of it had begun."
            ));
        } else if case.id == *to {
            all.push(format!(
                "In the smugglers' reserve until {when}, when {team} had stopped {record}: it took the place of case {given_up}."
            ));
        }
    }
    if all.is_empty() && case.reserve {
        all.push("In the smugglers' reserve, and never fallen back on.".to_owned());
    }
    all
}

fn key((at, who, what): &Row) -> (u64, &str, String) {
    (*at, who, what.0.iter().map(|span| span.text.as_str()).collect())
}

fn traces(case: &PlotCase) -> Vec<Row> {
    let held = case.traces.iter().map(|trace| {
        let kind = trace.at.table.record_type().rsplit('.').next().unwrap_or_default();
        let what = Text::from(format!("holds {kind} {} ", trace.record));
        (trace.known.0, trace.agency.clone(), what.small(format!("({})", trace.holder)))
    });
    held.collect()
}

fn acts(material: &Material, case: &PlotCase) -> Vec<Row> {
    let cited = cited(material, case);
    let of_case = |event: &&Event| match &event.what {
        // What people asked belongs to the matters for which they cite it.
        What::Asked { matter: None, answer: Answered::Records { exchange, .. }, .. } => {
            cited.contains(&(event.by.as_str(), exchange.as_str()))
        }
        What::Release { record, .. } => case.traces.iter().any(|trace| trace.record == *record),
        What::Asked { matter: Some(matter), .. }
        | What::Decided { matter, .. }
        | What::Cited { matter, .. }
        | What::HandedOver { matter, .. }
        | What::Arrived { matter }
        | What::Inspected { matter, .. } => case.matters.contains(matter),
        _ => false,
    };
    let told = |event: &Event| {
        let (who, what) = act(material, event)?;
        Some((event.exercise.0, who, what))
    };
    material.events.iter().filter(of_case).filter_map(told).collect()
}

/// Exchanges that decisions on the matters of a case go by, each with the team that cites it.
fn cited<'a>(material: &'a Material, case: &PlotCase) -> BTreeSet<(&'a str, &'a str)> {
    let of_case = |event: &'a Event| {
        let evidence = match &event.what {
            What::Decided { matter, evidence, .. } | What::Cited { matter, evidence }
                if case.matters.contains(matter) =>
            {
                evidence.as_slice()
            }
            _ => &[],
        };
        evidence.iter().map(|exchange| (event.by.as_str(), exchange.as_str()))
    };
    material.events.iter().flat_map(of_case).collect()
}

/// Says how many of the exchanges that a team cites are none of its own, by the gateway's log.
fn unproven(material: &Material, team: &str, evidence: &[String], told: Text) -> Text {
    let own = |cited: &String| {
        material.events.iter().any(|event| match &event.what {
            What::Asked { answer: Answered::Records { exchange, .. }, .. } => {
                event.by == team && exchange == cited
            }
            What::Disclosed { exchange, to, .. } => to == team && exchange == cited,
            _ => false,
        })
    };
    match evidence.iter().filter(|cited| !own(cited)).count() {
        0 => told,
        1 => told.bad("; one that it cites is no exchange of its own"),
        count => told.bad(format!("; {count} that it cites are no exchanges of its own")),
    }
}

fn act(material: &Material, event: &Event) -> Option<(String, Text)> {
    let by = event.by.clone();
    Some(match &event.what {
        What::Asked { of, record_type, answer, .. } => {
            let asks = Text::from(format!("asks {of} for {record_type}: "));
            let came = match answer {
                Answered::Records { count, .. } => asks.plain(format!("{count} records")),
                Answered::Refused { reason } => asks.bad(format!("refused: {reason}")),
            };
            (by, came)
        }
        What::Decided { decision, confidence, reason, evidence, .. } => {
            let decided = Text::default().bold(decision.word());
            let decided = decided.plain(format!(", {confidence} % sure: {reason}"));
            let decided = unproven(material, &by, evidence, decided);
            (by, decided)
        }
        What::Cited { evidence, .. } => {
            let cites = format!("cites {} exchanges", evidence.len()).into();
            let cites = unproven(material, &by, evidence, cites);
            (by, cites)
        }
        What::HandedOver { to, .. } => (by, format!("hands it to {to}").into()),
        What::Release { to, from, fields, granted, .. } => {
            let asked = Text::from(format!("is asked by {to} to release {}: ", fields.join(", ")));
            let word = if *granted { asked.plain("granted") } else { asked.bad("refused") };
            (from.clone(), word)
        }
        What::Arrived { matter } => {
            let matter = material.plot.matter(*matter);
            let team = matter.and_then(|one| material.scenario.teams.get(one.team));
            let record = matter.map_or("", |one| one.record.as_str());
            let team = team.map_or_else(String::new, |team| team.agency.clone());
            (team, format!("has to decide on {record}").into())
        }
        What::Inspected { irregular: true, .. } => {
            ("inspection".to_owned(), "finds what does not fit".into())
        }
        What::Inspected { .. } => ("inspection".to_owned(), "finds what the papers say".into()),
        _ => return None,
    })
}
