//! An answer for people: one row per record, and below it what is not shown as the source holds it, why, and
//! whom to ask. On a terminal too narrow for that, one block per record.

use std::collections::BTreeSet;
use std::io::Write;

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use portcullis_core::label::Leaf;
use portcullis_proto::query::v1 as wire;

use super::cell::{Shown, columns, shown};
use super::text::{cell, safe, short_token};
use super::{Look, completeness, environment, time, treatment};
use crate::client::Answer;

/// Least width of a column for a row to be readable.
const NARROWEST: usize = 9;

/// Writes the table.
///
/// # Errors
/// What `out` reports.
pub fn write(answer: &Answer, look: Look, out: &mut dyn Write) -> anyhow::Result<()> {
    write_header(answer, out)?;
    let columns = columns(answer);
    let (filled, empty): (Vec<&Leaf>, Vec<&Leaf>) =
        columns.into_iter().partition(|leaf| has_something(answer, leaf));
    if answer.records.is_empty() {
        writeln!(out, "no record")?;
    } else if look.width.is_some_and(|width| usize::from(width) < (filled.len() + 1) * NARROWEST) {
        write_blocks(answer, &filled, look, out)?;
    } else {
        write_rows(answer, &filled, look, out)?;
    }
    if !empty.is_empty() && !answer.records.is_empty() {
        let paths: Vec<&str> = empty.iter().map(|leaf| leaf.path.as_str()).collect();
        writeln!(out, "without a value in these records: {}", paths.join(", "))?;
    }
    write_treatments(answer, look, out)?;
    write_end(answer, out)
}

/// A table in the style of all of ours.
pub fn table(look: Look) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    match look.width {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table.force_no_tty();
    if look.colour {
        table.enforce_styling();
    }
    table
}

fn write_header(answer: &Answer, out: &mut dyn Write) -> anyhow::Result<()> {
    let Some(header) = &answer.header else { return Ok(()) };
    writeln!(
        out,
        "exchange {} under {} version {}, {}, asked: {}",
        safe(&header.exchange_id),
        safe(&header.agreement_id),
        header.agreement_version,
        environment(header),
        safe(&header.sources.join(", ")),
    )?;
    let delete_by = time(header.delete_by.as_ref());
    if !header.permitted_use.is_empty() {
        writeln!(out, "may be used for: {}", safe(&header.permitted_use.join(", ")))?;
    }
    if !delete_by.is_empty() {
        writeln!(out, "to be deleted by: {delete_by}")?;
    }
    Ok(())
}

fn has_something(answer: &Answer, leaf: &Leaf) -> bool {
    answer.records.iter().any(|record| match shown(answer, record, leaf) {
        Shown::Withheld => false,
        Shown::Presence(_) => true,
        Shown::Values(_, values) => !values.is_empty(),
    })
}

fn write_rows(
    answer: &Answer,
    columns: &[&Leaf],
    look: Look,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut table = table(look);
    let mut header = vec![Cell::new("source"), Cell::new("record")];
    header.extend(columns.iter().map(|leaf| Cell::new(&leaf.path)));
    table.set_header(header);
    for record in &answer.records {
        let originator = answer.plan(record).map(|plan| cell(&plan.originator)).unwrap_or_default();
        let reference = Cell::new(short_token(&record.released.reference));
        let mut row = vec![Cell::new(originator), reference];
        row.extend(columns.iter().map(|leaf| table_cell(&shown(answer, record, leaf))));
        table.add_row(row);
    }
    writeln!(out, "{table}")?;
    Ok(())
}

fn write_blocks(
    answer: &Answer,
    columns: &[&Leaf],
    look: Look,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    for (record, number) in answer.records.iter().zip(1..) {
        let originator = answer.plan(record).map(|plan| safe(&plan.originator)).unwrap_or_default();
        let reference = short_token(&record.released.reference);
        writeln!(out, "record {number} of {}: {originator} {reference}", answer.records.len())?;
        let mut table = table(look);
        for leaf in columns {
            let shown = shown(answer, record, leaf);
            if !matches!(&shown, Shown::Values(_, values) if values.is_empty()) {
                table.add_row(vec![Cell::new(&leaf.path), table_cell(&shown)]);
            }
        }
        writeln!(out, "{table}")?;
    }
    Ok(())
}

fn table_cell(shown: &Shown) -> Cell {
    match shown {
        Shown::Withheld => Cell::new("withheld").fg(Color::DarkGrey),
        Shown::Presence(true) => Cell::new("present").fg(Color::Blue),
        Shown::Presence(false) => Cell::new("—").fg(Color::Blue),
        Shown::Values(treatment, values) => {
            let texts: Vec<String> = values.iter().map(|value| marked(*treatment, value)).collect();
            let cell = Cell::new(texts.join("; "));
            match treatment {
                wire::Treatment::Generalise => cell.fg(Color::Yellow),
                wire::Treatment::Mask => cell.fg(Color::Magenta),
                wire::Treatment::Pseudonymise => cell.fg(Color::Cyan),
                _ => cell,
            }
        }
    }
}

fn marked(treatment: wire::Treatment, value: &str) -> String {
    match treatment {
        _ if value.is_empty() => String::new(),
        wire::Treatment::Generalise => format!("~{}", cell(value)),
        wire::Treatment::Pseudonymise => short_token(value),
        _ => cell(value),
    }
}

/// Every field that is not clear in some plan, with reason and rule; those that were not asked for are only
/// counted. The same line for several originators is written once.
fn write_treatments(answer: &Answer, look: Look, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut rows: Vec<([String; 5], BTreeSet<String>)> = vec![];
    let mut not_requested = BTreeSet::new();
    for leaf in answer.record_type.leaves() {
        for plan in &answer.plans {
            let Some(field) = super::cell::field(plan, &leaf.path) else { continue };
            if field.treatment() == wire::Treatment::Clear {
                continue;
            }
            if field.reason == "NOT_REQUESTED" {
                not_requested.insert(&leaf.path);
                continue;
            }
            let ask = if field.ask.is_empty() { "—" } else { &field.ask };
            let row = [&field.path, &treatment(field), &field.reason, &field.rule, ask]
                .map(|text: &str| cell(text));
            match rows.iter_mut().find(|(known, _)| *known == row) {
                Some((_, originators)) => {
                    originators.insert(safe(&plan.originator));
                }
                None => rows.push((row, BTreeSet::from([safe(&plan.originator)]))),
            }
        }
    }
    if !rows.is_empty() {
        writeln!(out, "not shown as the source holds it:")?;
        let mut table = table(look);
        table.set_header(["field", "treatment", "reason", "rule", "to ask", "records of"]);
        for (row, originators) in rows {
            let originators: Vec<String> = originators.into_iter().collect();
            table.add_row(row.into_iter().chain([originators.join(", ")]));
        }
        writeln!(out, "{table}")?;
    }
    if !not_requested.is_empty() {
        writeln!(out, "not asked for: {} fields", not_requested.len())?;
    }
    Ok(())
}

fn write_end(answer: &Answer, out: &mut dyn Write) -> anyhow::Result<()> {
    for status in &answer.statuses {
        let mut line = format!(
            "source {}: {}, {} records",
            safe(&status.agency),
            completeness(status),
            status.records_released
        );
        if !status.reason.is_empty() {
            line.push_str(&format!(" ({})", safe(&status.reason)));
        }
        let data_as_of = time(status.data_as_of.as_ref());
        if !data_as_of.is_empty() {
            line.push_str(&format!(", data as of {data_as_of}"));
        }
        writeln!(out, "{line}")?;
    }
    if let Some(receipt) = &answer.receipt {
        let cut = match receipt.cut_reason.as_str() {
            "" => String::new(),
            reason => format!(", cut short: {}", safe(reason)),
        };
        let entry = receipt.proof.as_ref().map_or_else(
            || "without a proof".to_owned(),
            |proof| format!("log entry {}", proof.index),
        );
        writeln!(out, "receipt: {} records{cut}, {entry}", receipt.records_released)?;
    }
    Ok(())
}
