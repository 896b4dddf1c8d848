//! The controllers' papers: the list of injects with all its columns, and what is true, so that they can answer for
//! partners and for the gateway.

use super::Pack;
use crate::drill::clock::Exercise;
use crate::drill::document::{Cell, Document, Table, Text};
use crate::drill::plot::PlotCase;
use crate::drill::scenario::{Happening, msel};

/// The list of injects.
pub(super) fn msel(pack: &Pack) -> Document {
    let mut out = pack.paper("Master scenario events list, for controllers only");
    out.landscape = true;
    let names = msel::COLUMNS.map(|(name, _)| name.replace('_', " "));
    let mut rows = names.iter().fold(Table::default(), |table, name| table.text(name.as_str()));
    rows = rows.text("shown at").ruled();
    for entry in &pack.scenario.msel.entries {
        let mut cells: Vec<Cell> = entry.cells().into_iter().map(Cell::from).collect();
        if entry.kind == Happening::Contingency {
            // Its time is that of what it waits for.
            if let Some(time) = cells.get_mut(1) {
                *time = "if needed".into();
            }
        }
        cells.push(Cell::from("\u{a0}".repeat(12)));
        rows.row(cells);
    }
    out.table_or(rows, "No injects.");
    out.paragraph(Text::default().small(
        "A contingency `after:NUMBER` is handed out when the expected action of that inject did not come within its maximum \
         minutes.",
    ));
    out
}

/// The cases: who holds what, and when they can be solved.
pub(super) fn cases(pack: &Pack) -> Document {
    let mut out = pack.paper("Cases and who holds what, for controllers only");
    out.cover = true;
    out.about = "What is true. Keep it from players: the partner's answers that you give by phone come from here.".to_owned();
    for case in &pack.plot.cases {
        out.section(format!("{} · {}", case.id, case.scheme));
        case_of(&mut out, pack, case);
    }
    out
}

fn case_of(out: &mut Document, pack: &Pack, case: &PlotCase) {
    let needs: Vec<String> = case.needs.iter().map(|set| set.join(" and ")).collect();
    let when = if case.reserve {
        " It is in the smugglers' reserve: on paper it does not happen, and no slip tells of it."
    } else if case.in_time() {
        ""
    } else {
        " It cannot be solved in time and counts in no score."
    };
    out.paragraph(format!(
        "Hazard {}. First trace at {}, solvable together from {} on, out of reach at {}. It needs {}.{when}",
        case.hazard,
        clock(case.first),
        clock(case.joint),
        clock(case.exit),
        needs.join(", or ")
    ));
    let mut rows = Table::new(&["known from", "who holds it", "record type", "record", "part"]);
    for trace in &case.traces {
        let kind = trace.at.table.record_type().rsplit('.').next().unwrap_or_default();
        rows.row([
            clock(trace.known).into(),
            trace.agency.as_str().into(),
            kind.into(),
            trace.record.as_str().into(),
            trace.holder.as_str().into(),
        ]);
    }
    out.table(rows);
    let mut rows = Table::new(&["matter", "team", "record", "comes at", "out of reach at"]);
    for matter in case.matters.iter().filter_map(|id| pack.plot.matter(*id)) {
        let team = pack.scenario.teams.get(matter.team);
        rows.row([
            matter.id.0.to_string().into(),
            team.map_or("", |team| team.agency.as_str()).into(),
            matter.record.as_str().into(),
            clock(matter.arrives).into(),
            clock(matter.leaves).into(),
        ]);
    }
    out.table(rows);
}

/// Exercise time without milliseconds.
pub(super) fn clock(at: Exercise) -> String {
    msel::time(Exercise(at.0 / 1_000 * 1_000))
}
