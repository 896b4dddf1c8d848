//! Sections that are a table or a sentence each.

use std::collections::{BTreeMap, BTreeSet};

use super::editions::clock;
use super::{Material, SCORES, amount, value};
use crate::drill::document::{Cell, Document, Table, Text};
use crate::drill::event::{Answered, Event, What};
use crate::drill::plot::Truth;
use crate::drill::score::{decisions, needs};

pub(super) fn summary(out: &mut Document, material: &Material) {
    let outcomes = &material.scored.outcomes;
    let stopped = outcomes.iter().filter(|one| one.stopped.is_some()).count();
    let reached = material.scored.all.standing(&material.scenario.weights);
    let worth = material.yard.value(reached);
    let cases = material.scored.happened();
    out.paragraph(
        Text::default()
            .bold(format!("{stopped} of {cases} cases were stopped within reach."))
            .plain(" Value of cooperation: ")
            .bold(value(worth))
            .small(format!(
                " (this game {reached:.2}, the best of those who ask nobody {:.2}, knowing everything {:.2}; figures that \
                 only serve to compare games of this scenario)",
                material.yard.solo, material.yard.oracle
            )),
    );
}

pub(super) fn scores(out: &mut Document, material: &Material, team: Option<&str>) {
    let scored = &material.scored;
    let mut columns = vec![];
    if team.is_none() {
        columns.push(("all", &scored.all));
    }
    let wanted =
        material.scenario.teams.iter().filter(|one| team.is_none_or(|it| it == one.agency));
    columns.extend(
        wanted.filter_map(|one| Some((one.agency.as_str(), scored.teams.get(&one.agency)?))),
    );
    let mut rows = Table::new(&["score"]);
    for (name, _) in &columns {
        rows = rows.number(*name);
    }
    for named in &SCORES {
        let arrow = match named.more_is_better {
            Some(true) => " ↑",
            Some(false) => " ↓",
            None => "",
        };
        let name = Text::default().bold(named.name).plain(arrow);
        let mut cells = vec![Cell::lines([name, Text::default().small(named.about)])];
        for (_, scores) in &columns {
            let score = (named.of)(scores);
            let parts = format!("{} / {}", amount(score.numerator), amount(score.denominator));
            cells.push(Cell::lines([value(score).into(), Text::default().small(parts)]));
        }
        rows.row(cells);
    }
    out.table(rows);
    let key = "↑ more is better, ↓ less is better. A dash: there was nothing to score.";
    out.paragraph(Text::default().small(key));
    let unknown = unknown(material, team);
    if unknown > 0 {
        out.paragraph(Text::default().bad(format!(
            "{unknown} records were received under plans that the drill's host never saw, as the gateway is not its own or \
             was restarted: what was shown of them is in no coverage and no over-collection."
        )));
    }
}

/// Records that were received, of which nobody told the host what was shown.
fn unknown(material: &Material, team: Option<&str>) -> u64 {
    let plan = |event: &'_ Event| match &event.what {
        What::Plan { plan, .. } => Some(plan.clone()),
        _ => None,
    };
    let known: BTreeSet<String> = material.events.iter().filter_map(plan).collect();
    let of = |event: &Event| match &event.what {
        What::Disclosed { to, plan, records, .. }
            if team.is_none_or(|team| team == to) && !known.contains(plan) =>
        {
            *records
        }
        _ => 0,
    };
    material.events.iter().map(of).sum()
}

pub(super) fn refusals(out: &mut Document, material: &Material, team: Option<&str>) {
    let mut all: BTreeMap<[&str; 4], u64> = BTreeMap::new();
    for event in material.events.iter().filter(|event| team.is_none_or(|team| event.by == team)) {
        if let What::Asked { of, record_type, answer: Answered::Refused { reason }, .. } =
            &event.what
        {
            *all.entry([&event.by, of, record_type, reason]).or_default() += 1;
        }
    }
    out.section("What was refused");
    let mut rows = Table::new(&["who asked", "whom", "for", "reason"]).number("times");
    for (words, times) in all {
        rows.row(words.into_iter().map(Cell::from).chain([times.to_string().into()]));
    }
    out.table_or(rows, "Nothing.");
}

pub(super) fn lawful(out: &mut Document, material: &Material) {
    out.section("Lawful goods that were stopped");
    let mut rows = Table::new(&["time", "team", "record", "what it was"])
        .number("value")
        .number("confidence")
        .text("reason");
    for one in decisions(material.events).into_iter().filter(|one| one.decision.stops()) {
        let Some(matter) = material.plot.matter(one.matter) else { continue };
        let what = match &matter.truth {
            Truth::Decoy(kind) => format!("decoy: {}", kind.replace('_', " ")),
            Truth::Innocent => "ordinary".to_owned(),
            Truth::Case(_) | Truth::Fraud(_) => continue,
        };
        rows.row([
            clock(one.at.0).into(),
            one.team.into(),
            matter.record.as_str().into(),
            what.into(),
            format!("{:.0}", matter.value).into(),
            format!("{:.0} %", one.confidence * 100.0).into(),
            one.reason.into(),
        ]);
    }
    out.table_or(rows, "None.");
}

/// What follows, by rule: people add to it and set the dates.
pub(super) fn improvements(out: &mut Document, material: &Material) {
    out.section("Improvement plan");
    let mut rows = Table::new(&["what", "owner", "due"]);
    let mut row = |what: String, owner: &str| {
        rows.row([what.into(), owner.into(), "to be agreed".into()]);
    };
    let mut nothing = true;
    for (case, outcome) in material.plot.cases.iter().zip(&material.scored.outcomes) {
        if outcome.stopped.is_some() || !outcome.happened || !case.in_time() {
            continue;
        }
        nothing = false;
        let asks: String = needs(case)
            .into_iter()
            .map(|(trace, paths)| {
                let kind = trace.at.table.record_type().rsplit('.').next().unwrap_or_default();
                format!(" {} holds {} of {kind};", trace.agency, paths.join(", "))
            })
            .collect();
        let owner = case.needs.first().map_or_else(String::new, |set| set.join(", "));
        row(
            format!(
                "Case {} ({}) went through:{asks} practise to ask for it",
                case.id, case.scheme
            ),
            &owner,
        );
    }
    for (team, scores) in &material.scored.teams {
        if scores.held.value().is_some_and(|share| share > 0.05) {
            nothing = false;
            row(
                "Lawful goods were held for more than a twentieth of the time: ask before holding"
                    .to_owned(),
                team,
            );
        }
        if scores.decided.value().is_some_and(|share| share < 0.9) {
            nothing = false;
            row("More than a tenth of the matters left without a decision".to_owned(), team);
        }
    }
    if nothing {
        row("Nothing that rules can see".to_owned(), "");
    }
    out.table(rows);
}

pub(super) fn provenance(out: &mut Document, material: &Material) {
    let (mut checkpoint, mut entries, mut began) = ("", 0, None);
    for event in material.events {
        match &event.what {
            What::Ended { checkpoint: last, entries: count } => {
                (checkpoint, entries) = (last.as_str(), *count);
            }
            What::Began { engine, players, .. } => began = Some((engine, players)),
            _ => {}
        }
    }
    let (engine, players) = began.map_or((String::new(), String::new()), |(engine, players)| {
        (engine.clone(), players.join(", "))
    });
    let (scenario, plot) = (material.scenario, material.plot);
    out.section("Where this comes from");
    let mut rows = Table::new(&["", ""]);
    let events = material.events.len();
    for (name, told, hash) in [
        ("scenario", format!("{} ", scenario.name), scenario.hash.as_str()),
        ("pack", format!("{} ", plot.world.pack_name), plot.pack_hash.as_str()),
        ("seed, simulator", format!("{}, {engine}", plot.seed), ""),
        ("played by", players, ""),
        ("event log", format!("{events} events, "), material.log),
        ("gateway's log", format!("{entries} entries, verified; checkpoint "), checkpoint.trim()),
    ] {
        rows.row([name.into(), Text::from(told).code(hash).into()]);
    }
    out.table(rows);
    out.paragraph(
        Text::default()
            .small("The same log gives this report again, byte by byte: ")
            .code("portcullis-sim drill replay")
            .small("."),
    );
}
