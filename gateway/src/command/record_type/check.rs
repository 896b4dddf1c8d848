//! `portcullis record-type check`: the verdict on every record type, with every field of those that pass.

use std::io::Write;
use std::path::PathBuf;

use portcullis_core::label::{Leaf, LintError, RecordType};
use portcullis_core::redact::{Level, Treatment};
use serde_json::{Value, json};

use super::Reading;
use super::open::{Opened, open};
use crate::client::render::Look;
use crate::client::render::table::table;
use crate::client::render::text::safe;

pub fn run(
    files: &[PathBuf],
    reading: &Reading,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let mut good = true;
    let mut documents = vec![];
    for file in files {
        let Opened { set, names, unlabelled } = open(file, reading)?;
        for name in names {
            // The contract's own types pass here too: they show how it is done.
            let verdict = RecordType::register(&set, &name);
            good &= verdict.is_ok();
            match (json, verdict) {
                (true, verdict) => documents.push(document(&name, &verdict)),
                (false, Ok(record_type)) => accepted(&record_type, out)?,
                (false, Err(errors)) => refused(&name, &errors, out)?,
            }
        }
        if !json && !unlabelled.is_empty() {
            writeln!(
                out,
                "without any label, so no record type: {}",
                safe(&unlabelled.join(", "))
            )?;
        }
    }
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&documents)?)?;
    }
    Ok(good)
}

fn accepted(record_type: &RecordType, out: &mut dyn Write) -> anyhow::Result<()> {
    let count = record_type.leaves().len();
    let noun = if count == 1 { "leaf" } else { "leaves" };
    writeln!(out, "{}: accepted, {count} labelled {noun}", record_type.name())?;
    writeln!(out, "schema {}", record_type.hash())?;
    let mut table = table(Look::of_stdout());
    table.set_header(["field", "type", "label", "treatments beside clear, presence, withhold"]);
    for leaf in record_type.leaves() {
        let many = if leaf.repeated { "repeated " } else { "" };
        let label = &leaf.label;
        table.add_row([
            leaf.path.clone(),
            format!("{many}{}", leaf.kind.name()),
            format!(
                "{} {} {}",
                label.category.word(),
                label.sensitivity.word(),
                label.semantic.word()
            ),
            between(leaf).join(", "),
        ]);
    }
    writeln!(out, "{table}")?;
    Ok(())
}

pub(super) fn refused(name: &str, errors: &[LintError], out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "{}: refused", safe(name))?;
    for error in errors {
        writeln!(out, "  {error}")?;
    }
    Ok(())
}

/// What a leaf can take beside clear, presence and withhold, which fit everything.
fn between(leaf: &Leaf) -> Vec<String> {
    let levels = Level::of(leaf.label.semantic).iter().copied().map(Treatment::Generalise);
    levels
        .chain([Treatment::Mask, Treatment::Pseudonymise])
        .filter(|treatment| treatment.fits(leaf.label.semantic, &leaf.kind))
        .map(|treatment| treatment.to_string())
        .collect()
}

fn treatments(leaf: &Leaf) -> Vec<String> {
    let outer = [Treatment::Clear, Treatment::Presence, Treatment::Withhold];
    let mut all = outer.map(|treatment| treatment.to_string()).to_vec();
    all.splice(1..1, between(leaf));
    all
}

fn document(name: &str, verdict: &Result<RecordType, Vec<LintError>>) -> Value {
    match verdict {
        Ok(record_type) => json!({
            "record_type": name,
            "accepted": true,
            "schema_hash": record_type.hash().to_string(),
            "leaves": record_type.leaves().iter().map(|leaf| json!({
                "path": leaf.path,
                "type": leaf.kind.name(),
                "repeated": leaf.repeated,
                "category": leaf.label.category.word(),
                "sensitivity": leaf.label.sensitivity.word(),
                "semantic": leaf.label.semantic.word(),
                "treatments": treatments(leaf),
            })).collect::<Vec<_>>(),
        }),
        Err(errors) => json!({
            "record_type": name,
            "accepted": false,
            "problems": errors.iter().map(problem).collect::<Vec<_>>(),
        }),
    }
}

pub(super) fn problem(error: &LintError) -> Value {
    json!({
        "file": error.file,
        "line": if error.line == 0 { Value::Null } else { error.line.into() },
        "message": error.message,
        "field": error.field,
        "rule": error.rule.word(),
        "detail": error.detail,
    })
}
