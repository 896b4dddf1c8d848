//! Pictures for people: what a source holds beside what a requester got, field by field.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use portcullis_core::label::RecordType;
use portcullis_proto::query::v1 as wire;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::Value;

/// Longest cell.
const CELL: usize = 44;

/// Every leaf that the source holds a value for, beside what was released of it and why.
///
/// # Errors
/// Payloads that do not decode.
pub fn side_by_side(
    record_type: &RecordType,
    plan: &wire::Plan,
    record: &wire::ReleasedRecord,
    held: Option<&[u8]>,
) -> anyhow::Result<String> {
    let released = decode(record_type, &record.payload)?;
    let held = held.map(|payload| decode(record_type, payload)).transpose()?;
    let mut table = table(&["field", "the source holds", "the requester got", "treatment", "why"]);
    for field in &plan.fields {
        let has = held.as_ref().map(|held| values(held, &field.path)).unwrap_or_default();
        let got = values(&released, &field.path);
        if has.is_empty() && got.is_empty() {
            continue;
        }
        let got = match field.presence_bit.checked_sub(1) {
            Some(bit) if present(&record.presence, bit) => "(has a value)".to_owned(),
            _ if got.is_empty() => "-".to_owned(),
            // A token's ends are enough for the eye; programs get it whole.
            _ if field.treatment() == wire::Treatment::Pseudonymise => got
                .iter()
                .map(|token| format!("⟨{}…⟩", token.chars().take(12).collect::<String>()))
                .collect::<Vec<_>>()
                .join("; "),
            _ => join(&got),
        };
        let rule = field.rule.rsplit_once('/').map_or(field.rule.as_str(), |(_, last)| last);
        let why = format!("{} ({rule})", field.reason);
        table.add_row([field.path.clone(), join(&has), got, treatment(field), cut(&why)]);
    }
    Ok(table.to_string())
}

/// The record that shows most; among equals the first by its clear values, so that a tour repeats itself
/// although references and their order are keyed anew each time.
///
/// # Errors
/// Payloads that do not decode.
pub fn fullest<'a>(
    record_type: &RecordType,
    plans: &[wire::Plan],
    records: &'a [wire::ReleasedRecord],
) -> anyhow::Result<Option<&'a wire::ReleasedRecord>> {
    let mut best = None;
    for record in records {
        let decoded = decode(record_type, &record.payload)?;
        let fields = plans.iter().find(|plan| plan.index == record.plan).map(|plan| &plan.fields);
        let mut clear = vec![];
        let mut told = record.presence.iter().map(|byte| byte.count_ones()).sum::<u32>();
        for field in fields.into_iter().flatten() {
            let values = values(&decoded, &field.path);
            told += u32::from(!values.is_empty());
            if field.treatment() == wire::Treatment::Clear {
                clear.extend(values);
            }
        }
        let rank = (std::cmp::Reverse(told), clear);
        if best.as_ref().is_none_or(|(known, _)| rank < *known) {
            best = Some((rank, record));
        }
    }
    Ok(best.map(|(_, record)| record))
}

/// How many fields get which treatment, with examples.
pub fn plan_summary(plan: &wire::Plan) -> String {
    let mut kinds: Vec<(String, Vec<&str>)> = vec![];
    for field in &plan.fields {
        let kind = treatment(field);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, paths)) => paths.push(&field.path),
            None => kinds.push((kind, vec![&field.path])),
        }
    }
    let mut table = table(&["treatment", "fields", "for example"]);
    for (kind, paths) in kinds {
        let examples: Vec<&str> = paths.iter().take(3).copied().collect();
        table.add_row([kind, paths.len().to_string(), examples.join(", ")]);
    }
    table.to_string()
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().copied());
    if table.width().is_none() {
        table.set_width(160);
    }
    table
}

fn treatment(field: &wire::FieldPlan) -> String {
    let word = field.treatment().as_str_name().trim_start_matches("TREATMENT_").to_lowercase();
    if field.level.is_empty() { word } else { format!("{word} to {}", field.level) }
}

fn present(bitmap: &[u8], bit: u32) -> bool {
    bitmap.get(bit as usize / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
}

fn decode(record_type: &RecordType, payload: &[u8]) -> anyhow::Result<Value> {
    let message = DynamicMessage::decode(record_type.descriptor().clone(), payload)?;
    let options =
        SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    Ok(message.serialize_with_options(serde_json::value::Serializer, &options)?)
}

/// Every value at a dotted path, through repeated messages.
fn values(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| values(item, path)).collect(),
        _ if path.is_empty() => vec![text(value)],
        Value::Object(fields) => {
            let (head, rest) = path.split_once('.').unwrap_or((path, ""));
            fields.get(head).map(|inner| values(inner, rest)).unwrap_or_default()
        }
        _ => vec![],
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // A message that is treated whole: its values in a row.
        Value::Object(fields) => {
            let parts: Vec<String> = fields.values().map(text).collect();
            parts.join(" ")
        }
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn join(values: &[String]) -> String {
    cut(&values.join("; "))
}

/// Printable and short: what a record holds must not steer a terminal.
fn cut(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if clean.chars().count() <= CELL {
        return clean;
    }
    let head: String = clean.chars().take(CELL - 1).collect();
    format!("{head}…")
}
