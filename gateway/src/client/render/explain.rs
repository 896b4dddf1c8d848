//! What a query would show, and why.

use std::io::Write;

use portcullis_proto::query::v1 as wire;
use serde_json::{Value, json};

use super::json::{moment, plan as plan_json};
use super::table::table;
use super::text::{cell, safe};
use super::{Format, Look, time, treatment};

/// Shows an explanation.
///
/// # Errors
/// What `out` reports.
pub fn write(
    explained: &wire::ExplainResponse,
    format: Format,
    look: Look,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match format {
        Format::Table => write_table(explained, look, out),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &document(explained))?;
            writeln!(out)?;
            Ok(())
        }
        Format::Csv => write_csv(explained, out),
    }
}

/// One JSON document.
pub fn document(explained: &wire::ExplainResponse) -> Value {
    json!({
        "allowed": explained.allowed,
        "reason": explained.reason,
        "explanation": explained.explanation,
        "remedy": explained.remedy,
        "agreement_id": explained.agreement_id,
        "query_digest": hex::encode(&explained.query_digest),
        "rules": explained.rules,
        "when": moment(explained.when.as_ref()),
        "rule_texts": explained.rule_texts.iter().map(|text| json!({
            "rule": text.rule,
            "reason": text.reason,
            "because": text.because,
            "remedy": text.remedy,
        })).collect::<Vec<_>>(),
        "plans": explained.plans.iter().map(plan_json).collect::<Vec<_>>(),
        "budgets": explained.budgets.iter().map(|budget| json!({
            "name": budget.name,
            "limit": budget.limit,
            "used": budget.used,
            "refills_at": moment(budget.refills_at.as_ref()),
        })).collect::<Vec<_>>(),
    })
}

fn write_table(
    explained: &wire::ExplainResponse,
    look: Look,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if explained.allowed {
        writeln!(out, "allowed under {}", safe(&explained.agreement_id))?;
    } else {
        writeln!(out, "refused: {}: {}", safe(&explained.reason), safe(&explained.explanation))?;
    }
    let lines = [
        ("explanation", if explained.allowed { &explained.explanation } else { "" }),
        ("remedy", &explained.remedy),
        ("when", &time(explained.when.as_ref())),
        ("rules", &explained.rules.join(", ")),
        ("query digest", &hex::encode(&explained.query_digest)),
    ];
    for (name, text) in lines.into_iter().filter(|(_, text)| !text.is_empty()) {
        writeln!(out, "  {name}: {}", safe(text))?;
    }
    for plan in &explained.plans {
        let until = match time(plan.valid_until.as_ref()) {
            until if until.is_empty() => String::new(),
            until => format!(", until {until}"),
        };
        writeln!(out, "records of {}{until}:", safe(&plan.originator))?;
        let mut table = table(look);
        table.set_header(HEADER);
        plan.fields.iter().for_each(|field| {
            table.add_row(columns(field).map(|text| cell(&text)));
        });
        writeln!(out, "{table}")?;
    }
    if !explained.rule_texts.is_empty() {
        writeln!(out, "why, and what would help:")?;
        let mut table = table(look);
        table.set_header(["rule", "reason", "because", "what would help"]);
        for text in &explained.rule_texts {
            let texts = [&text.rule, &text.reason, &text.because, &text.remedy];
            table.add_row(texts.map(|text| cell(text)));
        }
        writeln!(out, "{table}")?;
    }
    if !explained.budgets.is_empty() {
        let mut table = table(look);
        table.set_header(["budget", "used", "of", "refills at"]);
        for budget in &explained.budgets {
            let numbers = [budget.used.to_string(), budget.limit.to_string()];
            let [used, limit] = numbers;
            table.add_row([cell(&budget.name), used, limit, time(budget.refills_at.as_ref())]);
        }
        writeln!(out, "{table}")?;
    }
    Ok(())
}

const HEADER: [&str; 7] = ["field", "treatment", "level", "reason", "rule", "to ask", "in filters"];

fn columns(field: &wire::FieldPlan) -> [String; 7] {
    let full = treatment(field);
    let word = full.split(':').next().unwrap_or_default().to_owned();
    let usable = if field.usable_in_filter { "yes" } else { "no" }.to_owned();
    let [level, reason, rule, ask] =
        [&field.level, &field.reason, &field.rule, &field.ask].map(Clone::clone);
    [field.path.clone(), word, level, reason, rule, ask, usable]
}

fn write_csv(explained: &wire::ExplainResponse, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    rows.write_record(["originator"].into_iter().chain(HEADER))?;
    for plan in &explained.plans {
        for field in &plan.fields {
            let row = std::iter::once(plan.originator.clone()).chain(columns(field));
            rows.write_record(row.map(|text| super::csv::guarded(&text)))?;
        }
    }
    rows.flush()?;
    Ok(())
}
