//! A descriptor set as somebody brings it: readable, with everything it imports, and with the label option of
//! the contract. And which record types are in it.

use std::collections::HashSet;

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, ExtensionDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
};
use prost_types::source_code_info::Location;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use super::lint::{LintError, LintRule};
use super::syntax::{impossible_import, unknown_syntax};
use super::{Category, Semantic, Sensitivity};

/// Largest descriptor set that is looked at.
pub const MAX_SET_BYTES: usize = 4 << 20;
/// Number and name of the label option, and the message it takes.
const LABEL_OPTION: (u32, &str, &str) =
    (51701, "portcullis.label.v1.label", "portcullis.label.v1.Label");
/// Number of `dependency` in `FileDescriptorProto`.
const DEPENDENCY: i32 = 3;

/// A descriptor set in which labels can be read.
pub(super) struct SchemaSet {
    pub pool: DescriptorPool,
    pub option: ExtensionDescriptor,
}

impl SchemaSet {
    /// Reads one; `about` is whom errors are about that concern no file.
    pub fn open(bytes: &Bytes, about: &str) -> Result<Self, Vec<LintError>> {
        let refuse = |rule, detail: String| vec![LintError::of(about, rule, detail)];
        if bytes.len() > MAX_SET_BYTES {
            let detail = format!("the descriptor set is larger than {MAX_SET_BYTES} bytes");
            return Err(refuse(LintRule::TooLarge, detail));
        }
        let files = FileDescriptorSet::decode(bytes.as_ref()).map_err(|error| {
            refuse(LintRule::NotADescriptorSet, format!("cannot be read: {error}"))
        })?;
        if files.file.is_empty() {
            let detail = "there is no file in it".to_owned();
            return Err(refuse(LintRule::NotADescriptorSet, detail));
        }
        if let Some(detail) = unknown_syntax(&files) {
            return Err(refuse(LintRule::NotADescriptorSet, detail));
        }
        let missing = missing_imports(&files);
        if !missing.is_empty() {
            return Err(missing);
        }
        if let Some(detail) = impossible_import(&files) {
            return Err(refuse(LintRule::NotADescriptorSet, detail));
        }
        let pool = DescriptorPool::decode(bytes.clone()).map_err(|error| {
            let detail = format!("contradicts itself: {}", error.to_string().escape_debug());
            refuse(LintRule::NotADescriptorSet, detail)
        })?;
        let option =
            label_option(&pool).map_err(|detail| refuse(LintRule::NoLabelOption, detail))?;
        Ok(Self { pool, option })
    }
}

fn missing_imports(set: &FileDescriptorSet) -> Vec<LintError> {
    let names: HashSet<&str> = set.file.iter().map(FileDescriptorProto::name).collect();
    let mut missing = vec![];
    for file in &set.file {
        for (at, import) in file.dependency.iter().enumerate() {
            if names.contains(import.as_str()) {
                continue;
            }
            let at = i32::try_from(at).unwrap_or(i32::MAX);
            missing.push(LintError {
                file: file.name().to_owned(),
                line: line(file, &[DEPENDENCY, at]),
                ..LintError::of(
                    "",
                    LintRule::MissingImport,
                    format!("`{}` is not in the descriptor set", import.escape_debug()),
                )
            });
        }
    }
    missing
}

/// The label option, if it is the contract's: words and numbers as here, so that nobody's SECRET reads as
/// PUBLIC.
fn label_option(pool: &DescriptorPool) -> Result<ExtensionDescriptor, String> {
    let absent = || "the descriptor set does not bring portcullis/label/v1/label.proto".to_owned();
    let other = || "its portcullis/label/v1/label.proto is not the contract's".to_owned();
    let (number, name, message) = LABEL_OPTION;
    let option = pool.get_extension_by_name(name).ok_or_else(absent)?;
    let kind = option.kind();
    let label = kind.as_message().filter(|found| found.full_name() == message);
    let label = label.ok_or_else(other)?;
    let on = option.containing_message();
    if option.number() != number || on.full_name() != "google.protobuf.FieldOptions" {
        return Err(other());
    }
    let agree = |field: u32, prefix: &str, word: &dyn Fn(i32) -> Option<&'static str>| {
        label.get_field(field).is_some_and(|field| match field.kind() {
            Kind::Enum(words) => words.values().all(|value| match word(value.number()) {
                Some(word) => value.name().strip_prefix(prefix) == Some(word),
                None => true,
            }),
            _ => false,
        })
    };
    let agree = agree(1, "CATEGORY_", &|n| Category::from_number(n).map(Category::word))
        && agree(2, "SENSITIVITY_", &|n| Sensitivity::from_number(n).map(Sensitivity::word))
        && agree(3, "SEMANTIC_", &|n| Semantic::from_number(n).map(Semantic::word));
    if agree { Ok(option) } else { Err(other()) }
}

/// Line of a place in a file, from 1; 0 where the set does not tell.
pub(super) fn line(file: &FileDescriptorProto, path: &[i32]) -> u32 {
    let locations = file.source_code_info.as_ref().map_or(&[][..], |info| &info.location);
    let found = locations.iter().find(|location| location.path == path);
    found.and_then(start).map_or(0, |line| line.saturating_add(1))
}

fn start(location: &Location) -> Option<u32> {
    location.span.first().and_then(|line| u32::try_from(*line).ok())
}

/// Which messages of a descriptor set are record types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Messages with a label on a field of their own or below, that no other one contains; by name.
    pub record_types: Vec<String>,
    /// Messages that nobody contains and in which nothing is labelled; by name.
    pub unlabelled: Vec<String>,
}

/// Finds the record types of a descriptor set: in the packages of the files that nobody imports, or in the files
/// named.
///
/// # Errors
/// Why no label can be read in it.
pub fn candidates(set: &Bytes, files: &[String]) -> Result<Candidates, Vec<LintError>> {
    let set = SchemaSet::open(set, "")?;
    let imported: HashSet<String> =
        set.pool.files().flat_map(|file| file.file_descriptor_proto().dependency.clone()).collect();
    let packages: HashSet<String> = set
        .pool
        .files()
        .filter(|file| !imported.contains(file.name()))
        .map(|file| file.package_name().to_owned())
        .collect();
    let looked_at = |file: &FileDescriptor| match files {
        [] => packages.contains(file.package_name()),
        _ => files.iter().any(|name| name == file.name()),
    };
    let messages: Vec<MessageDescriptor> = set
        .pool
        .all_messages()
        .filter(|message| !message.is_map_entry() && looked_at(&message.parent_file()))
        .collect();
    let contained: HashSet<String> =
        messages.iter().flat_map(parts).map(|inner| inner.full_name().to_owned()).collect();
    let mut found = Candidates::default();
    let mut covered = HashSet::new();
    // Those that contain themselves, or each other in a circle, are all contained: the second round takes one of
    // each.
    for outermost in [true, false] {
        for message in &messages {
            let name = message.full_name();
            if contained.contains(name) == outermost || covered.contains(name) {
                continue;
            }
            let mut below = HashSet::new();
            let labelled = labelled(message, &set.option, &mut below);
            covered.extend(below);
            if labelled {
                found.record_types.push(name.to_owned());
            } else if outermost {
                found.unlabelled.push(name.to_owned());
            }
        }
    }
    found.record_types.sort();
    found.unlabelled.sort();
    Ok(found)
}

/// Is anything labelled in it? Collects everything that it is made of.
fn labelled(
    message: &MessageDescriptor,
    option: &ExtensionDescriptor,
    below: &mut HashSet<String>,
) -> bool {
    let mut waiting = vec![message.clone()];
    let mut any = false;
    while let Some(message) = waiting.pop() {
        if below.insert(message.full_name().to_owned()) {
            any |= message.fields().any(|field| field.options().has_extension(option));
            waiting.extend(parts(&message));
        }
    }
    any
}

fn parts(message: &MessageDescriptor) -> Vec<MessageDescriptor> {
    let part = |field: FieldDescriptor| field.kind().as_message().cloned();
    message.fields().filter_map(part).collect()
}
