//! What left whom, as matrices: records from agency to agency, and weight by field.

use std::collections::{BTreeMap, BTreeSet};

use super::Material;
use crate::drill::document::{Cell, Colour, Document, Table, Text};
use crate::drill::score::Disclosures;

/// Fields that are shown at most.
const FIELDS: usize = 20;

pub(super) fn records(out: &mut Document, material: &Material) {
    let disclosures = Disclosures::of(material.plot, material.events);
    let mut cells: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for one in &disclosures.all {
        *cells.entry((one.from.as_str(), one.to.as_str())).or_default() += one.records;
    }
    if cells.is_empty() {
        out.paragraph("Nothing left anybody.");
        return;
    }
    let from: BTreeSet<&str> = cells.keys().map(|(from, _)| *from).collect();
    let to: BTreeSet<&str> = cells.keys().map(|(_, to)| *to).collect();
    let most = number(cells.values().copied().max().unwrap_or(1).max(1));
    out.paragraph("Records by the gateway's own log. Rows gave, columns received.");
    let mut table = to.iter().fold(Table::new(&[""]), |table, to| table.number(*to));
    for from in from {
        let count = |to: &&str| cells.get(&(from, *to)).copied().unwrap_or_default();
        let shown = to.iter().map(count).map(|count| {
            let text = if count == 0 { String::new() } else { count.to_string() };
            Cell::from(text).on(Colour::shade(number(count) / most))
        });
        table.row(std::iter::once(from.into()).chain(shown));
    }
    out.table(table);
}

pub(super) fn fields(out: &mut Document, material: &Material) {
    let all = Disclosures::of(material.plot, material.events).by_field();
    let all: Vec<_> = all.into_iter().filter(|(.., weight)| *weight > 0.0).collect();
    let Some((.., most)) = all.first() else {
        out.paragraph("Nothing.");
        return;
    };
    out.paragraph(
        "Values shown, weighted by sensitivity: public 0, secret 5, about a person 3, commercial 2, other 1.",
    );
    let mut table = Table::new(&["record type", "field"]).number("weight").text("");
    for (record_type, path, weight) in all.iter().take(FIELDS) {
        let shown = format!("{weight:.0}");
        table.row([
            record_type.as_str().into(),
            path.as_str().into(),
            shown.into(),
            Cell::bar(weight / most),
        ]);
    }
    out.table(table);
    if all.len() > FIELDS {
        let more = all.len() - FIELDS;
        out.paragraph(Text::default().small(format!("{more} further fields: csv/fields.csv.")));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a drill")]
fn number(count: u64) -> f64 {
    count as f64
}
