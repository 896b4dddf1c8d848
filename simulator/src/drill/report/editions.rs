//! The editions: what stands in which, and in which order. HTML and PDF are both written from them.

use super::{Material, matrix, objectives, plots, sections, stories};
use crate::drill::document::{Document, Table, Text};
use crate::drill::event::What;
use crate::drill::scenario::msel;
use crate::drill::score::decisions;

/// The trainers' edition.
pub(super) fn whole(material: &Material) -> Document {
    let mut out = begin(material, "After-action report, trainers' edition", None);
    sections::summary(&mut out, material);
    objectives::all(&mut out, material);
    out.section("Scores");
    sections::scores(&mut out, material, None);
    out.section("Timeline");
    out.figure(plots::timeline(material, None));
    out.section("Cases");
    stories::all(&mut out, material);
    out.section("Who received what of whom");
    matrix::records(&mut out, material);
    out.section("What was received, by field");
    matrix::fields(&mut out, material);
    sections::refusals(&mut out, material, None);
    sections::lawful(&mut out, material);
    out.section("Confidence against truth");
    out.figure(plots::calibration(material));
    sections::improvements(&mut out, material);
    sections::provenance(&mut out, material);
    out
}

/// A team's edition: what it did and how it did, and nothing of the truth about any case.
pub(super) fn of_team(material: &Material, place: usize) -> Document {
    let Some(team) = material.scenario.teams.get(place) else { return Document::default() };
    let edition = format!("After-action report, edition of {}", team.name);
    let mut out = begin(material, &edition, Some(place));
    out.section("Scores");
    sections::scores(&mut out, material, Some(&team.agency));
    out.section("Timeline");
    out.figure(plots::timeline(material, Some(place)));
    out.section("Decisions");
    let mut rows = Table::new(&["time", "record", "decision"]).number("confidence").text("reason");
    for one in decisions(material.events).into_iter().filter(|one| one.team == team.agency) {
        let record = material.plot.matter(one.matter).map_or("", |matter| matter.record.as_str());
        rows.row([
            clock(one.at.0).into(),
            record.into(),
            one.decision.word().into(),
            format!("{:.0} %", one.confidence * 100.0).into(),
            one.reason.into(),
        ]);
    }
    out.table_or(rows, "None.");
    sections::refusals(&mut out, material, Some(&team.agency));
    sections::provenance(&mut out, material);
    out
}

fn begin(material: &Material, edition: &str, only: Option<usize>) -> Document {
    let scenario = material.scenario;
    let teams = scenario.teams.iter().enumerate();
    let teams: Vec<&str> = teams
        .filter(|(place, _)| only.is_none_or(|only| only == *place))
        .map(|(_, team)| team.name.as_str())
        .collect();
    let ended = material.events.iter().rev().find(|one| matches!(one.what, What::Ended { .. }));
    let length = ended.map_or(scenario.length, |event| event.exercise);
    Document {
        title: scenario.title.trim().to_owned(),
        edition: edition.to_owned(),
        about: scenario.about.trim().to_owned(),
        facts: vec![
            ("teams", teams.join(", ").into()),
            (
                "exercise time",
                format!("{} of {}", clock(length.0), msel::time(scenario.length)).into(),
            ),
            ("scenario, seed", format!("{}, {}", scenario.name, material.plot.seed).into()),
            ("event log", Text::default().code(material.log)),
        ],
        cover: true,
        ..Document::default()
    }
}

/// Exercise time without milliseconds.
pub(super) fn clock(millis: u64) -> String {
    msel::time(crate::drill::clock::Exercise(millis / 1_000 * 1_000))
}
