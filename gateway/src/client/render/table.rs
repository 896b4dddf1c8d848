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
/// Longest line of a list of paths.
const LINE: usize = 48;
/// Reason of fields that the requester left out itself.
const NOT_REQUESTED: &str = "NOT_REQUESTED";

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
            let nothing = match &shown {
                Shown::Withheld => true,
                Shown::Presence(_) => false,
                Shown::Values(_, values) => values.is_empty(),
            };
            if !nothing {
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

/// What happened to fields, and to whose.
type Treated = ([String; 4], BTreeSet<String>);

/// Every field that is not clear in some plan, with reason and rule, those alike together; fields that were
/// not asked for are only counted.
fn write_treatments(answer: &Answer, look: Look, out: &mut dyn Write) -> anyhow::Result<()> {
    let (groups, not_requested) = treatments(answer);
    if !groups.is_empty() {
        writeln!(out, "not shown as the source holds it:")?;
        let mut table = table(look);
        table.set_header(["field", "treatment", "reason", "rule", "to ask", "records of"]);
        for ((words, originators), paths) in groups {
            let originators: Vec<String> = originators.into_iter().collect();
            let fields = [wrapped(&paths)].into_iter();
            table.add_row(fields.chain(words).chain([originators.join(", ")]));
        }
        writeln!(out, "{table}")?;
    }
    if not_requested > 0 {
        writeln!(out, "not asked for: {not_requested} fields")?;
    }
    Ok(())
}

/// Fields by what happened to them, in the order of the schema, and how many were not asked for.
fn treatments(answer: &Answer) -> (Vec<(Treated, Vec<String>)>, usize) {
    let mut groups: Vec<(Treated, Vec<String>)> = vec![];
    let mut not_requested = 0;
    for leaf in answer.record_type.leaves() {
        let mut treated: Vec<Treated> = vec![];
        let entries = || {
            let field = |plan| super::cell::field(plan, &leaf.path).map(|field| (plan, field));
            answer.plans.iter().filter_map(field)
        };
        not_requested += usize::from(entries().any(|(_, field)| field.reason == NOT_REQUESTED));
        for (plan, field) in entries() {
            if field.treatment() == wire::Treatment::Clear || field.reason == NOT_REQUESTED {
                continue;
            }
            let ask = if field.ask.is_empty() { "—" } else { &field.ask };
            let words = [treatment(field).as_str(), &field.reason, &field.rule, ask].map(cell);
            match treated.iter_mut().find(|(known, _)| *known == words) {
                Some((_, originators)) => {
                    originators.insert(safe(&plan.originator));
                }
                None => treated.push((words, BTreeSet::from([safe(&plan.originator)]))),
            }
        }
        for treated in treated {
            match groups.iter_mut().find(|(known, _)| *known == treated) {
                Some((_, paths)) => paths.push(leaf.path.clone()),
                None => groups.push((treated, vec![leaf.path.clone()])),
            }
        }
    }
    (groups, not_requested)
}

/// Paths in lines that are not too long.
fn wrapped(paths: &[String]) -> String {
    let mut text = String::new();
    let mut line = 0;
    for path in paths {
        if line > 0 && line + path.len() + 2 > LINE {
            text.push_str(",\n");
            line = 0;
        } else if line > 0 {
            text.push_str(", ");
            line += 2;
        }
        text.push_str(path);
        line += path.len();
    }
    text
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
