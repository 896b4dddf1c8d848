//! A team's matters as slips, which the controller cuts apart and hands out when their time comes: what the team's own
//! record says by then, and nothing else.

use super::Pack;
use super::controller::clock;
use crate::calendar::civil;
use crate::detect::records::place;
use crate::drill::document::{Cell, Document, Table, Text};
use crate::drill::now::moment;
use crate::drill::playbook::Own;
use crate::drill::plot::Matter;
use crate::drill::scenario::Team;
use crate::drill::smuggler::Off;
use crate::table::{Column, Kind};

pub(super) fn matters(pack: &Pack, place: usize, team: &Team) -> Document {
    let mut out = pack.paper(format!("Matters of {}, to hand out as their time comes", team.name));
    let mut rows =
        Table::new(&["comes at", "out of reach at", "matter", "what your record says"]).ruled();
    // On paper nobody can be told that something else happens than was planned.
    let off = Off::first(pack.plot);
    let coming = pack.plot.matters.iter().filter(|matter| off.comes(matter));
    for matter in coming.filter(|matter| matter.team == place) {
        let number = Text::default().bold(matter.id.0.to_string());
        rows.row([
            clock(matter.arrives).into(),
            clock(matter.leaves).into(),
            Cell::lines([number, matter.record.as_str().into()]),
            said(pack, matter).into(),
        ]);
    }
    out.table_or(rows, "None.");
    out
}

/// What a record says when its matter comes, field by field.
fn said(pack: &Pack, matter: &Matter) -> Text {
    let now = pack.plot.story.world(matter.arrives);
    let own = Own { world: &pack.plot.world, ground: &pack.plot.ground, at: matter.at, now };
    let mut text = Text::default();
    // The first column is the agency itself, and the record's number stands beside.
    for column in matter.at.table.columns().iter().skip(1) {
        let told = cell(&own, column);
        if column.name != "id" && !told.is_empty() {
            let name = column.name.replace('_', "\u{a0}");
            text = text.small(format!("{name}\u{a0}")).plain(format!("{told}; "));
        }
    }
    text
}

fn cell(own: &Own, column: &Column) -> String {
    if own.waits(own.at, column.name) {
        return String::new();
    }
    let Some(number) = own.ground.records.number(own.at, place(own.at.table, column.name)) else {
        return own.text(column.name).to_owned();
    };
    #[expect(clippy::cast_possible_truncation, reason = "seconds of some thousand years")]
    let seconds = number as i64;
    match column.kind {
        Kind::Moment => moment(seconds),
        Kind::Day => {
            let (year, month, day) = civil(seconds.div_euclid(86_400));
            format!("{year:04}-{month:02}-{day:02}")
        }
        Kind::Money => format!("{number:.2}"),
        Kind::Flag => (number > 0.0).to_string(),
        _ => format!("{number}"),
    }
}
