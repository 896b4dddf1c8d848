//! The page: self-contained, printable, no script, nothing fetched.

use std::fmt::Write as _;

use super::{Material, SCORES, amount, matrix, plots, stories, value};
use crate::describe::page::escape;
use crate::drill::event::{Answered, What};
use crate::drill::plot::Truth;
use crate::drill::scenario::{Check, Happening, msel};
use crate::drill::score::{decisions, needs};

pub(super) const STYLE: &str = "
body{font:15px/1.45 system-ui,'DejaVu Sans',sans-serif;color:#222;background:#fff;max-width:1140px;margin:1.5em auto;padding:0 1em}
.banner{background:#222;color:#fff;font-weight:700;text-align:center;padding:.3em;letter-spacing:.08em}
h1{font-size:1.6em;margin:.6em 0 .2em}h2{font-size:1.2em;margin:1.8em 0 .5em;border-bottom:2px solid #222}h3{font-size:1em;margin:1.3em 0 .3em}
table{border-collapse:collapse;width:100%;font-size:.86em;margin:.4em 0}
th,td{text-align:left;padding:.25em .55em;border-bottom:1px solid #ddd;vertical-align:top}
th{border-bottom:1.5px solid #222}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.n small{color:#555;display:block}small{color:#555}.good{color:#006b4f;font-weight:700}.bad{color:#a84300;font-weight:700}
figure{margin:.8em 0}figcaption{font-size:.85em;color:#444}svg{width:100%;height:auto;font:11px system-ui,'DejaVu Sans',sans-serif}svg text{fill:#222}
code{font-size:.85em;overflow-wrap:anywhere}.bar{background:#0072b2;height:.75em;display:inline-block}
@media print{h2,h3{break-after:avoid}figure,tr{break-inside:avoid}body{margin:0;max-width:none}}
";

fn begin(title: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>EXERCISE {0}: after-action report</title><style>{STYLE}</style></head><body>\
         <div class=\"banner\">EXERCISE · EXERCISE · EXERCISE</div><h1>{0}</h1>",
        escape(title)
    )
}

const END: &str =
    "<div class=\"banner\">EXERCISE · every record is synthetic</div></body></html>\n";

/// The trainers' edition.
pub(super) fn whole(material: &Material) -> String {
    let scenario = material.scenario;
    let mut out = begin(scenario.title.trim());
    // Writing to a String cannot fail, here and below.
    let _ = write!(out, "<p>{}</p>", escape(scenario.about.trim()));
    summary(&mut out, material);
    objectives(&mut out, material);
    out += "<h2>Scores</h2>";
    scores(&mut out, material, None);
    out += "<h2>Timeline</h2>";
    out += &plots::timeline(material, None);
    out += "<h2>Cases</h2>";
    stories::all(&mut out, material);
    out += "<h2>Who received what of whom</h2>";
    matrix::records(&mut out, material);
    out += "<h2>What was received, by field</h2>";
    matrix::fields(&mut out, material);
    refusals(&mut out, material, None);
    lawful(&mut out, material);
    out += "<h2>Confidence against truth</h2>";
    out += &plots::calibration(material);
    improvements(&mut out, material);
    provenance(&mut out, material);
    out += END;
    out
}

/// A team's edition: what it did and how it did, and nothing of the truth about any case.
pub(super) fn of_team(material: &Material, place: usize) -> String {
    let scenario = material.scenario;
    let Some(team) = scenario.teams.get(place) else { return String::new() };
    let mut out = begin(&format!("{}: {}", team.name, scenario.title.trim()));
    let _ = write!(out, "<p>{}</p>", escape(scenario.about.trim()));
    out += "<h2>Scores</h2>";
    scores(&mut out, material, Some(&team.agency));
    out += "<h2>Timeline</h2>";
    out += &plots::timeline(material, Some(place));
    out += "<h2>Decisions</h2><table><tr><th>time<th>record<th>decision<th class=\"n\">confidence<th>reason</tr>";
    for one in decisions(material.events).into_iter().filter(|one| one.team == team.agency) {
        let record = material.plot.matter(one.matter).map_or("", |matter| matter.record.as_str());
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td class=\"n\">{:.0} %<td>{}</tr>",
            clock(one.at.0),
            escape(record),
            one.decision.word(),
            one.confidence * 100.0,
            escape(&one.reason)
        );
    }
    out += "</table>";
    refusals(&mut out, material, Some(&team.agency));
    provenance(&mut out, material);
    out += END;
    out
}

/// Exercise time without milliseconds.
pub(super) fn clock(millis: u64) -> String {
    msel::time(crate::drill::clock::Exercise(millis / 1_000 * 1_000))
}

fn summary(out: &mut String, material: &Material) {
    let outcomes = &material.scored.outcomes;
    let stopped = outcomes.iter().filter(|one| one.stopped.is_some()).count();
    let reached = material.scored.all.standing(&material.scenario.weights);
    let worth = material.yard.value(reached);
    let _ = write!(
        out,
        "<p><b>{stopped} of {} cases were stopped within reach.</b> Value of cooperation: <b>{}</b> \
         <small>(this game {reached:.2}, the best of those who ask nobody {:.2}, knowing everything {:.2}; figures \
         that only serve to compare games of this scenario)</small></p>",
        outcomes.len(),
        value(worth),
        material.yard.solo,
        material.yard.oracle
    );
}

fn objectives(out: &mut String, material: &Material) {
    out.push_str("<h2>Objectives</h2><table><tr><th>objective<th>what was expected<th>came of it<th>ratings</tr>");
    for objective in &material.scenario.objectives {
        let (mut expected, mut came) = (String::new(), String::new());
        let entries = material.scenario.msel.entries.iter();
        for entry in entries.filter(|one| one.objective == objective.id && !one.expected.is_empty())
        {
            let _ = write!(expected, "<div>{}. {}</div>", entry.number, escape(&entry.expected));
            let _ =
                write!(came, "<div>{}. {}</div>", entry.number, outcome(material, entry.number));
        }
        let mut ratings = String::new();
        for event in material.events {
            if let What::Rated { team, objective: of, rating, reason } = &event.what
                && *of == objective.id
            {
                let _ =
                    write!(ratings, "<div>{}: {rating:?} {}</div>", escape(team), escape(reason));
            }
        }
        let ratings = if ratings.is_empty() { "<small>none given</small>" } else { &ratings };
        let _ = write!(
            out,
            "<tr><td><b>{}</b> {}<td>{expected}<td>{came}<td>{ratings}</tr>",
            escape(&objective.id),
            escape(&objective.text)
        );
    }
    out.push_str("</table>");
}

/// Whether the expected action of an inject came, and when.
fn outcome(material: &Material, number: u32) -> String {
    let entries = &material.scenario.msel.entries;
    let Some(entry) = entries.iter().find(|one| one.number == number) else { return String::new() };
    let shown = |what: &What| *what == What::Inject { inject: number };
    let Some(at) = material.events.iter().position(|event| shown(&event.what)) else {
        return if entry.kind == Happening::Contingency {
            "not needed".to_owned()
        } else {
            "was not shown".to_owned()
        };
    };
    let Some(check) = &entry.check else { return "to be judged by people".to_owned() };
    if let Check::After(_) = check {
        return "shown".to_owned();
    }
    let start = material.events.get(at).map_or(0, |event| event.exercise.0);
    let done = material
        .events
        .iter()
        .skip(at)
        .find(|event| crate::drill::play::is_done(event, Some(check)));
    match done {
        Some(event) => {
            let minutes = (event.exercise.0 - start).div_ceil(60_000);
            let late = entry.maximum_minutes.is_some_and(|most| minutes > u64::from(most));
            let (class, word) = if late { ("bad", "late") } else { ("good", "done") };
            format!("<span class=\"{class}\">{word}</span> at {}", clock(event.exercise.0))
        }
        None => "<span class=\"bad\">did not come</span>".to_owned(),
    }
}

fn scores(out: &mut String, material: &Material, team: Option<&str>) {
    out.push_str("<table><tr><th>score");
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
    for (name, _) in &columns {
        let _ = write!(out, "<th class=\"n\">{}", escape(name));
    }
    out.push_str("</tr>");
    for named in &SCORES {
        let arrow = match named.more_is_better {
            Some(true) => " ↑",
            Some(false) => " ↓",
            None => "",
        };
        let _ =
            write!(out, "<tr><td><b>{}</b>{arrow}<br><small>{}</small>", named.name, named.about);
        for (_, scores) in &columns {
            let score = (named.of)(scores);
            let _ = write!(
                out,
                "<td class=\"n\">{}<small>{} / {}</small>",
                value(score),
                amount(score.numerator),
                amount(score.denominator)
            );
        }
        out.push_str("</tr>");
    }
    out.push_str("</table><p><small>↑ more is better, ↓ less is better. A dash: there was nothing to score.</small></p>");
}

fn refusals(out: &mut String, material: &Material, team: Option<&str>) {
    let mut all: std::collections::BTreeMap<(String, String, String, String), u64> =
        std::collections::BTreeMap::new();
    for event in material.events.iter().filter(|event| team.is_none_or(|team| event.by == team)) {
        if let What::Asked { of, record_type, answer: Answered::Refused { reason }, .. } =
            &event.what
        {
            let key = (event.by.clone(), of.clone(), record_type.clone(), reason.clone());
            *all.entry(key).or_default() += 1;
        }
    }
    out.push_str("<h2>What was refused</h2>");
    if all.is_empty() {
        out.push_str("<p>Nothing.</p>");
        return;
    }
    out.push_str("<table><tr><th>who asked<th>whom<th>for<th>reason<th class=\"n\">times</tr>");
    for ((by, of, record_type, reason), times) in all {
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{}<td class=\"n\">{times}</tr>",
            escape(&by),
            escape(&of),
            escape(&record_type),
            escape(&reason)
        );
    }
    out.push_str("</table>");
}

fn lawful(out: &mut String, material: &Material) {
    out.push_str("<h2>Lawful goods that were stopped</h2>");
    let mut rows = String::new();
    for one in decisions(material.events).iter().filter(|one| one.decision.stops()) {
        let Some(matter) = material.plot.matter(one.matter) else { continue };
        let what = match &matter.truth {
            Truth::Decoy(kind) => format!("decoy: {}", kind.replace('_', " ")),
            Truth::Innocent => "ordinary".to_owned(),
            Truth::Case(_) | Truth::Fraud(_) => continue,
        };
        let _ = write!(
            rows,
            "<tr><td>{}<td>{}<td>{}<td>{what}<td class=\"n\">{:.0}<td class=\"n\">{:.0} %<td>{}</tr>",
            clock(one.at.0),
            escape(&one.team),
            escape(&matter.record),
            matter.value,
            one.confidence * 100.0,
            escape(&one.reason)
        );
    }
    if rows.is_empty() {
        out.push_str("<p>None.</p>");
        return;
    }
    let _ = write!(
        out,
        "<table><tr><th>time<th>team<th>record<th>what it was<th class=\"n\">value<th class=\"n\">confidence<th>reason</tr>{rows}</table>"
    );
}

/// What follows, by rule: people add to it and set the dates.
fn improvements(out: &mut String, material: &Material) {
    out.push_str("<h2>Improvement plan</h2><table><tr><th>what<th>owner<th>due</tr>");
    let mut row = |what: String, owner: &str| {
        let _ = write!(out, "<tr><td>{what}<td>{}<td>to be agreed</tr>", escape(owner));
    };
    let mut nothing = true;
    for (case, outcome) in material.plot.cases.iter().zip(&material.scored.outcomes) {
        if outcome.stopped.is_some() || !case.in_time() {
            continue;
        }
        nothing = false;
        let mut asks = String::new();
        for (trace, paths) in needs(case) {
            let _ = write!(
                asks,
                " {} holds {} of {};",
                escape(&trace.agency),
                escape(&paths.join(", ")),
                trace.at.table.record_type().rsplit('.').next().unwrap_or_default()
            );
        }
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
    out.push_str("</table>");
}

fn provenance(out: &mut String, material: &Material) {
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
    let plot = material.plot;
    let _ = write!(
        out,
        "<h2>Where this comes from</h2><table>\
         <tr><td>scenario<td>{} <code>{}</code></tr><tr><td>pack<td>{} <code>{}</code></tr>\
         <tr><td>seed, simulator<td>{}, {}</tr><tr><td>played by<td>{}</tr>\
         <tr><td>event log<td>{} events, <code>{}</code></tr>\
         <tr><td>gateway's log<td>{entries} entries, verified; checkpoint <code>{}</code></tr></table>\
         <p><small>The same log gives this report again, byte by byte: <code>portcullis-sim drill replay</code>.</small></p>",
        escape(&material.scenario.name),
        material.scenario.hash,
        escape(&plot.world.pack_name),
        plot.pack_hash,
        plot.seed,
        escape(&engine),
        escape(&players),
        material.events.len(),
        escape(material.log),
        escape(checkpoint.trim()),
    );
}
