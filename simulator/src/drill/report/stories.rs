//! Every case as a story: who held what, when it could have been solved, who asked, what was refused, what was decided.

use std::fmt::Write as _;

use super::Material;
use super::html::clock;
use crate::describe::page::escape;
use crate::drill::event::{Answered, Event, What};
use crate::drill::now::moment;
use crate::drill::plot::PlotCase;
use crate::scheme::ALL;

pub(super) fn all(out: &mut String, material: &Material) {
    for (case, outcome) in material.plot.cases.iter().zip(&material.scored.outcomes) {
        let scheme = ALL.iter().find(|scheme| scheme.id == case.scheme);
        let end = match &outcome.stopped {
            Some((team, at)) => {
                format!(
                    "<span class=\"good\">stopped by {} at {}</span>",
                    escape(team),
                    clock(at.0)
                )
            }
            None if !case.in_time() => "could not be solved in time".to_owned(),
            None => "<span class=\"bad\">went through</span>".to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "<h3>{} · {} {} · hazard {} · {end}</h3>\
             <p>First trace at {}, solvable together from {} on, out of reach at {}. It needs {}.</p>\
             <table><tr><th>time<th>in the world<th>who<th>what</tr>",
            escape(&case.id),
            case.scheme,
            scheme.map_or("", |scheme| scheme.name),
            case.hazard,
            clock(case.first.0),
            clock(case.joint.0),
            clock(case.exit.0),
            escape(
                &case.needs.iter().map(|set| set.join(" and ")).collect::<Vec<_>>().join(", or ")
            ),
        );
        let mut rows = traces(material, case);
        rows.extend(acts(material, case));
        rows.sort();
        for (at, who, what) in rows {
            let _ = write!(
                out,
                "<tr><td>{}<td>{}<td>{}<td>{what}</tr>",
                clock(at),
                moment(material.plot.story.world(crate::drill::clock::Exercise(at)))
                    .get(..10)
                    .unwrap_or_default(),
                escape(&who)
            );
        }
        out.push_str("</table>");
    }
}

fn traces(material: &Material, case: &PlotCase) -> Vec<(u64, String, String)> {
    let _ = material;
    let held = case.traces.iter().map(|trace| {
        let kind = trace.at.table.record_type().rsplit('.').next().unwrap_or_default();
        let what = format!(
            "holds {kind} {} <small>({})</small>",
            escape(&trace.record),
            escape(&trace.holder)
        );
        (trace.known.0, trace.agency.clone(), what)
    });
    held.collect()
}

fn acts(material: &Material, case: &PlotCase) -> Vec<(u64, String, String)> {
    let of_case = |event: &&Event| match &event.what {
        What::Asked { matter: Some(matter), .. }
        | What::Decided { matter, .. }
        | What::Arrived { matter }
        | What::Inspected { matter, .. } => case.matters.contains(matter),
        _ => false,
    };
    let mut rows: Vec<(u64, String, String)> = vec![];
    for event in material.events.iter().filter(of_case) {
        let at = event.exercise.0;
        let row = match &event.what {
            What::Asked { of, record_type, answer, .. } => {
                let came = match answer {
                    Answered::Records { count, .. } => format!("{count} records"),
                    Answered::Refused { reason } => {
                        format!("<span class=\"bad\">refused: {}</span>", escape(reason))
                    }
                };
                (
                    event.by.clone(),
                    format!("asks {} for {}: {came}", escape(of), escape(record_type)),
                )
            }
            What::Decided { decision, confidence, reason, .. } => {
                let what =
                    format!("<b>{}</b>, {confidence} % sure: {}", decision.word(), escape(reason));
                (event.by.clone(), what)
            }
            What::Arrived { matter } => {
                let matter = material.plot.matter(*matter);
                let team = matter.and_then(|one| material.scenario.teams.get(one.team));
                let record = matter.map_or("", |one| one.record.as_str());
                let team = team.map_or_else(String::new, |team| team.agency.clone());
                (team, format!("has to decide on {}", escape(record)))
            }
            What::Inspected { irregular, .. } => {
                let found = if *irregular {
                    "finds what does not fit"
                } else {
                    "finds what the papers say"
                };
                ("inspection".to_owned(), found.to_owned())
            }
            _ => continue,
        };
        rows.push((at, row.0, row.1));
    }
    rows
}
