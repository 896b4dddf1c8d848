//! A card for each team: who you are, what you hold, whom you may ask for what, what you may decide and how you say so.

use super::{Pack, forms, rights};
use crate::drill::document::{Cell, Document, Table, Text};
use crate::drill::play::rules::open_on;
use crate::drill::scenario::Team;
use crate::table;

pub(super) fn card(pack: &Pack, team: &Team) -> Document {
    let mut out = pack.paper(format!("Card of {}", team.name));
    out.about = pack.scenario.about.trim().to_owned();
    who(&mut out, pack, team);
    holds(&mut out, pack, team);
    asks(&mut out, pack, team);
    decides(&mut out, pack, team);
    forms::by_phone(&mut out);
    out
}

fn who(out: &mut Document, pack: &Pack, team: &Team) {
    let scenario = pack.scenario;
    let minutes = |millis: u64| format!("{} minutes", millis / 60_000);
    let inspections = scenario.inspections;
    out.section("Who you are");
    out.paragraph(Text::from("You play ").bold(&team.name).plain(format!(" ({}).", team.agency)));
    let mut rows = Table::new(&["", ""]);
    for (name, told) in [
        ("exercise time", minutes(scenario.length.0)),
        ("a matter is within reach for", minutes(scenario.window.0)),
        (
            "inspections",
            format!("{} in {} minutes", inspections.per_shift, inspections.shift_minutes),
        ),
        ("with you play", partners(pack, team)),
    ] {
        rows.row([name.into(), told.into()]);
    }
    out.table(rows);
}

fn partners(pack: &Pack, team: &Team) -> String {
    let others = pack.scenario.teams.iter().filter(|other| other.agency != team.agency);
    let names: Vec<&str> = others.map(|other| other.name.as_str()).collect();
    names.join(", ")
}

fn holds(out: &mut Document, pack: &Pack, team: &Team) {
    out.section("What you hold");
    let records = &pack.plot.ground.records;
    let agency = records.word(&team.agency);
    let held =
        |kind: &&table::Table| records.all(**kind).any(|at| Some(records.agency(at)) == agency);
    let short = |kind: &table::Table| kind.record_type().rsplit('.').next().unwrap_or_default();
    let names: Vec<&str> = table::Table::ALL.iter().filter(held).map(short).collect();
    out.paragraph(format!("Records of your own: {}.", names.join(", ")));
    if let Some(kind) = pack.decides_on(team) {
        let name = short(&kind);
        out.paragraph(format!("You decide on matters of type {name}, which reach you one by one."));
    }
}

fn asks(out: &mut Document, pack: &Pack, team: &Team) {
    out.section("Whom you may ask for what");
    out.paragraph(
        "For case CASE-1, by the sample agreements. Ask for the fields that the matter gives cause for, and for nothing else: \
         what no case needed counts against you.",
    );
    let mut rows = Table::new(&["whom", "for", "what you see", "by"]);
    for right in rights::of(&pack.plot.world, &team.agency) {
        let shows = right.shows.iter().map(|(rung, fields)| {
            let rung = Text::default().bold(format!("{}: ", rights::said(rung)));
            rung.plain(fields.join(", "))
        });
        rows.row([
            right.of.join(", ").into(),
            right.record_type.as_str().into(),
            Cell::lines(shows),
            right.by.as_str().into(),
        ]);
    }
    out.table_or(rows, "Nobody: you hold what others ask for.");
}

fn decides(out: &mut Document, pack: &Pack, team: &Team) {
    out.section("Decisions open to you");
    let Some(kind) = pack.decides_on(team) else {
        out.paragraph("None: you answer others.");
        return;
    };
    let mut rows = Table::new(&["word", "what it does", ""]);
    for decision in open_on(kind) {
        let stops = if decision.stops() { "stops it" } else { "" };
        let word = Text::default().bold(decision.word());
        rows.row([word.into(), decision.about().into(), stops.into()]);
    }
    out.table(rows);
    out.paragraph(
        "Say with each how sure you are that something is wrong: 0 (nothing is), 50 (you do not know), 100 (you know). You may \
         decide again while the matter is within reach.",
    );
}
