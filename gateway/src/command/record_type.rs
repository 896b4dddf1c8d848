//! `portcullis record-type check`: are the labels complete, and what would be refused and why.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use bytes::Bytes;
use clap::Subcommand;
use portcullis_core::label::RecordType;
use prost_reflect::DescriptorPool;
use serde_json::json;

/// Record types of your own.
#[derive(Subcommand)]
pub enum RecordTypeCommand {
    /// Check every message of a descriptor set that carries labels, or one by name.
    Check {
        /// A descriptor set (`protoc --include_imports --descriptor_set_out=FILE`, or buf build).
        file: PathBuf,
        /// Full name of the message; without it, every message that is not part of another one.
        #[arg(long)]
        name: Option<String>,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read.
pub fn run(command: &RecordTypeCommand, out: &mut dyn Write) -> anyhow::Result<bool> {
    let RecordTypeCommand::Check { file, name, json } = command;
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let set = Bytes::from(bytes);
    let names = match name {
        Some(name) => vec![name.clone()],
        None => candidates(&set)
            .with_context(|| format!("{} is not a descriptor set", file.display()))?,
    };
    anyhow::ensure!(!names.is_empty(), "{}: no message in it carries labels", file.display());
    let mut good = true;
    let mut documents = vec![];
    for name in names {
        match RecordType::register(&set, &name) {
            Ok(record_type) if *json => documents.push(json!({
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
                })).collect::<Vec<_>>(),
            })),
            Ok(record_type) => {
                let leaves = record_type.leaves().len();
                let noun = if leaves == 1 { "leaf" } else { "leaves" };
                writeln!(out, "{name}: accepted, {leaves} labelled {noun}")?;
            }
            Err(errors) => {
                good = false;
                if *json {
                    documents.push(json!({
                        "record_type": name,
                        "accepted": false,
                        "problems": errors.iter().map(|error| json!({
                            "file": error.file,
                            "message": error.message,
                            "field": error.field,
                            "rule": error.rule.word(),
                            "detail": error.detail,
                        })).collect::<Vec<_>>(),
                    }));
                } else {
                    writeln!(out, "{name}: refused")?;
                    for error in errors {
                        writeln!(out, "  {error}")?;
                    }
                }
            }
        }
    }
    if *json {
        writeln!(out, "{}", serde_json::to_string_pretty(&documents)?)?;
    }
    Ok(good)
}

/// Messages with a label on a field of their own that no other message contains.
fn candidates(set: &Bytes) -> anyhow::Result<Vec<String>> {
    let pool = DescriptorPool::decode(set.clone())?;
    let option = pool.get_extension_by_name("portcullis.label.v1.label");
    let labelled = |message: &prost_reflect::MessageDescriptor| {
        option.as_ref().is_some_and(|option| {
            message.fields().any(|field| field.options().has_extension(option))
        })
    };
    let contained: std::collections::HashSet<String> = pool
        .all_messages()
        .flat_map(|message| {
            let fields: Vec<_> = message.fields().collect();
            fields
        })
        .filter_map(|field| field.kind().as_message().map(|inner| inner.full_name().to_owned()))
        .collect();
    let mut names: Vec<String> = pool
        .all_messages()
        .filter(|message| !contained.contains(message.full_name()) && labelled(message))
        .map(|message| message.full_name().to_owned())
        .collect();
    names.sort();
    Ok(names)
}
