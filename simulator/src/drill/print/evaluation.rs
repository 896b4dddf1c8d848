//! Evaluation guides: an objective a page, what to look for, and how it is rated (HSEEP, exercise evaluation guide).

use super::Pack;
use crate::drill::document::{Block, Cell, Document, Table, Text};
use crate::drill::scenario::{Objective, msel};

/// Ratings of the Homeland Security Exercise and Evaluation Program (doctrine of 2020, appendix on evaluation), shortened.
const RATINGS: [(&str, &str, &str); 4] = [
    (
        "P",
        "performed without challenges",
        "Targets and critical tasks were completed in a way that met the objective, harmed no other activity, put nobody at \
         risk, and kept to plans, policies and laws.",
    ),
    (
        "S",
        "performed with some challenges",
        "As P, but ways to do it better or with less effort were seen.",
    ),
    (
        "M",
        "performed with major challenges",
        "Completed in a way that met the objective, but it harmed other activities, put people at risk, or did not keep to \
         plans, policies or laws.",
    ),
    ("U", "unable to be performed", "Not performed in a way that met the objective."),
];

pub(super) fn guides(pack: &Pack) -> Document {
    let mut out = pack.paper("Evaluation guides, for evaluators only");
    out.cover = true;
    for objective in &pack.scenario.objectives {
        out.body.push(Block::Page);
        guide(&mut out, pack, objective);
    }
    out
}

fn guide(out: &mut Document, pack: &Pack, objective: &Objective) {
    out.section(format!("{} · {}", objective.id, objective.text));
    out.heading("What to look for");
    let mut rows =
        Table::new(&["inject", "time", "to", "expected action", "within", "note", "seen at"])
            .ruled();
    for entry in pack.scenario.msel.entries.iter().filter(|one| one.objective == objective.id) {
        let minutes = entry.maximum_minutes.map(|minutes| format!("{minutes} min"));
        rows.row([
            entry.number.to_string().into(),
            msel::time(entry.at).into(),
            entry.receiver.as_str().into(),
            entry.expected.as_str().into(),
            minutes.unwrap_or_default().into(),
            entry.note.as_str().into(),
            "\u{a0}".repeat(10).into(),
        ]);
    }
    out.table_or(rows, "No inject serves it: watch the whole game.");
    out.heading("Rating: one letter for each team, and why");
    let mut rows = Table::new(&[
        "team",
        "P",
        "S",
        "M",
        "U",
        "why: strengths, what to improve, what it comes from",
    ])
    .ruled();
    for team in &pack.scenario.teams {
        let square = || Cell::from("□");
        let why = Cell::lines(["\u{a0}".repeat(90).into(), Text::from(" "), Text::from(" ")]);
        let name = team.name.as_str().into();
        rows.row([name, square(), square(), square(), square(), why]);
    }
    out.table(rows);
    out.heading("What the letters mean");
    let mut rows = Table::new(&["", "", ""]);
    for (letter, name, meaning) in RATINGS {
        rows.row([Text::default().bold(letter).into(), name.into(), meaning.into()]);
    }
    out.table(rows);
    out.heading("Notes");
    out.body.push(Block::Lines(6));
}
