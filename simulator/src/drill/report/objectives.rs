//! Objectives: what was expected, what came of it, and what evaluators say.

use super::Material;
use super::editions::clock;
use crate::drill::document::{Cell, Document, Table, Text};
use crate::drill::event::{Event, What};
use crate::drill::scenario::{Check, Happening};

pub(super) fn all(out: &mut Document, material: &Material) {
    out.section("Objectives");
    let mut rows = Table::new(&["objective", "what was expected", "came of it", "ratings"]);
    for objective in &material.scenario.objectives {
        let (mut expected, mut came, mut ratings): (Vec<Text>, Vec<Text>, Vec<Text>) =
            (vec![], vec![], vec![]);
        let entries = material.msel.entries.iter();
        for entry in entries.filter(|one| one.objective == objective.id && !one.expected.is_empty())
        {
            expected.push(format!("{}. {}", entry.number, entry.expected).into());
            came.push(outcome(material, entry.number));
        }
        for event in material.events {
            if let What::Rated { team, objective: of, rating, reason } = &event.what
                && *of == objective.id
            {
                ratings.push(
                    Text::from(format!("{team}: "))
                        .bold(format!("{rating:?}"))
                        .plain(format!(" {reason}")),
                );
            }
        }
        if ratings.is_empty() {
            ratings.push(Text::default().small("none given"));
        }
        let name = Text::default().bold(&objective.id).plain(format!(" {}", objective.text));
        rows.row([name.into(), Cell::lines(expected), Cell::lines(came), Cell::lines(ratings)]);
    }
    out.table(rows);
}

/// Whether the expected action of an inject came, and when.
fn outcome(material: &Material, number: u32) -> Text {
    let told = Text::from(format!("{number}. "));
    let entries = &material.msel.entries;
    let Some(entry) = entries.iter().find(|one| one.number == number) else { return told };
    let shown = |what: &What| *what == What::Inject { inject: number };
    let Some(at) = material.events.iter().position(|event| shown(&event.what)) else {
        let needed = entry.kind != Happening::Contingency;
        return told.plain(if needed { "was not shown" } else { "not needed" });
    };
    let withdrawn =
        |event: &Event| matches!(event.what, What::Withdrawn { inject, .. } if inject == number);
    if material.events.iter().any(withdrawn) {
        return told.plain("withdrawn");
    }
    let Some(check) = &entry.check else { return told.plain("to be judged by people") };
    if let Check::After(_) = check {
        return told.plain("shown");
    }
    let start = material.events.get(at).map_or(0, |event| event.exercise.0);
    let mut since = material.events.iter().skip(at);
    let Some(event) = since.find(|event| crate::drill::play::is_done(event, Some(check))) else {
        return told.bad("did not come");
    };
    let minutes = (event.exercise.0 - start).div_ceil(60_000);
    let late = entry.maximum_minutes.is_some_and(|most| minutes > u64::from(most));
    let told = if late { told.bad("late") } else { told.good("done") };
    told.plain(format!(" at {}", clock(event.exercise.0)))
}
