//! Reads an agreement's text without a gateway: against the contract's record types and those of given files,
//! and against agencies as the text itself names them. Whether a gateway knows them, only the gateway can tell.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use portcullis_core::handling::Environment;
use portcullis_core::id::AgencyId;
use portcullis_core::label::{RecordType, Sensitivity};
use portcullis_core::policy::{Agency, AgreementFile, Facts, LoadError, Registry};
use serde_json::json;

use super::Types;
use crate::client::render::text::safe;
use crate::command::record_type::{Reading, open};

/// Runs `check`.
pub fn run(file: &Path, types: &Types, json: bool, out: &mut dyn Write) -> anyhow::Result<bool> {
    let text = read(file)?;
    let read = facts(file, &text, types)?;
    if json {
        let errors = read.as_ref().err().map(Vec::as_slice).unwrap_or_default();
        let errors: Vec<_> = errors.iter().map(problem).collect();
        let document = json!({"sound": read.is_ok(), "problems": errors});
        writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?;
        return Ok(read.is_ok());
    }
    match read {
        Err(errors) => refused(&errors, out).map(|()| false),
        Ok(facts) => {
            let agreement = &facts.agreement;
            let parties: Vec<&str> = agreement.parties.iter().map(AgencyId::as_str).collect();
            writeln!(
                out,
                "{}: sound: agreement {} version {}, {} flows between {}, SHA-256 {}",
                file.display(),
                agreement.id,
                agreement.version,
                agreement.flows.len(),
                parties.join(", "),
                agreement.digest
            )?;
            Ok(true)
        }
    }
}

/// Every problem with its place.
pub fn refused(errors: &[LoadError], out: &mut dyn Write) -> anyhow::Result<()> {
    for error in errors {
        writeln!(out, "{}", safe(&error.to_string()))?;
    }
    Ok(())
}

fn problem(error: &LoadError) -> serde_json::Value {
    json!({
        "file": error.file, "line": error.line, "column": error.column, "field": error.field,
        "problem": error.problem.word(), "message": error.message,
    })
}

/// A text as it stands in its file.
pub fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Reads a text.
pub fn facts(
    file: &Path,
    text: &str,
    types: &Types,
) -> anyhow::Result<Result<Facts, Vec<LoadError>>> {
    let named = AgreementFile { name: file.display().to_string(), text: text.to_owned() };
    let registry =
        Registry { agencies: agencies(text), cases: vec![], environment: Environment::Exercise };
    Ok(Facts::read(&named, &registry, &record_types(types)?, &[]))
}

/// The contract's record types, and those of the files.
pub fn record_types(types: &Types) -> anyhow::Result<Vec<Arc<RecordType>>> {
    let own = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    let contract = portcullis_core::label::candidates(&own, &[]).map(|found| found.record_types);
    let mut all = vec![];
    for name in contract.unwrap_or_default() {
        all.extend(RecordType::register(&own, &name).ok().map(Arc::new));
    }
    for file in &types.files {
        let opened = open(file, &Reading::default())?;
        for name in &opened.names {
            let record_type = RecordType::register_from_outside(&opened.set, name);
            let record_type = record_type.map_err(|errors| {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                anyhow::anyhow!("{}: {name} is refused:\n  {}", file.display(), lines.join("\n  "))
            })?;
            all.push(Arc::new(record_type));
        }
    }
    Ok(all)
}

/// Agencies that the text calls parties, or to which it is open.
fn agencies(text: &str) -> Vec<Agency> {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let named = ["parties", "open_to"].iter().filter_map(|key| table.get(*key)?.as_array());
    named
        .flatten()
        .filter_map(|name| name.as_str())
        .map(|id| Agency {
            id: AgencyId::new(id),
            name: id.to_owned(),
            country: "XX".to_owned(),
            kind: String::new(),
            max_sensitivity: Sensitivity::Secret,
            systems: vec![],
        })
        .collect()
}
