//! What left whom, as matrices: records from agency to agency, and weight by field.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::Material;
use crate::describe::page::escape;
use crate::drill::score::Disclosures;

/// Fields that are shown at most.
const FIELDS: usize = 20;

pub(super) fn records(out: &mut String, material: &Material) {
    let disclosures = Disclosures::of(material.plot, material.events);
    let mut cells: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for one in &disclosures.all {
        *cells.entry((one.from.as_str(), one.to.as_str())).or_default() += one.records;
    }
    if cells.is_empty() {
        out.push_str("<p>Nothing left anybody.</p>");
        return;
    }
    let from: BTreeSet<&str> = cells.keys().map(|(from, _)| *from).collect();
    let to: BTreeSet<&str> = cells.keys().map(|(_, to)| *to).collect();
    let most = cells.values().copied().max().unwrap_or(1).max(1);
    out.push_str(
        "<p>Records by the gateway's own log. Rows gave, columns received.</p><table><tr><th>",
    );
    // Writing to a String cannot fail.
    for to in &to {
        let _ = write!(out, "<th class=\"n\">{}", escape(to));
    }
    out.push_str("</tr>");
    for from in from {
        let _ = write!(out, "<tr><td>{}", escape(from));
        for to in &to {
            let count = cells.get(&(from, *to)).copied().unwrap_or_default();
            // From white to a blue on which black is still read well.
            let shade = 100 - count * 45 / most;
            let text = if count == 0 { String::new() } else { count.to_string() };
            let _ =
                write!(out, "<td class=\"n\" style=\"background:hsl(205 80% {shade}%)\">{text}");
        }
        out.push_str("</tr>");
    }
    out.push_str("</table>");
}

pub(super) fn fields(out: &mut String, material: &Material) {
    let all = Disclosures::of(material.plot, material.events).by_field();
    let all: Vec<_> = all.into_iter().filter(|(.., weight)| *weight > 0.0).collect();
    if all.is_empty() {
        out.push_str("<p>Nothing.</p>");
        return;
    }
    let most = all.first().map_or(1.0, |(.., weight)| *weight);
    out.push_str(
        "<p>Values shown, weighted by sensitivity: public 0, secret 5, about a person 3, commercial 2, other 1.</p>\
         <table><tr><th>record type<th>field<th class=\"n\">weight<th></tr>",
    );
    for (record_type, path, weight) in all.iter().take(FIELDS) {
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td class=\"n\">{weight:.0}<td><span class=\"bar\" style=\"width:{:.1}em\"></span></tr>",
            escape(record_type),
            escape(path),
            16.0 * weight / most
        );
    }
    out.push_str("</table>");
    if all.len() > FIELDS {
        let _ = write!(
            out,
            "<p><small>{} further fields: csv/fields.csv.</small></p>",
            all.len() - FIELDS
        );
    }
}
