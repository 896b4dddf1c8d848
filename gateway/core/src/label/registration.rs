//! Registration: from a descriptor set to a record type, or a list of everything that is wrong with it.
//! What is refused here need not be thought of anywhere else (redaction.md, "Labels").
//!
//! Recursion is refused altogether: the label has no place for a bound, and a plan names every path.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use prost_reflect::{
    Cardinality as Presence, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind,
    MessageDescriptor, Syntax, Value,
};

use super::kind::{fits, kind_name, scalar_kind, shape_holds, whole_kind};
use super::lint::{LintError, LintRule};
use super::set::{SchemaSet, line};
use super::{
    Cardinality, Category, FieldSpec, Label, Leaf, LeafId, LeafKind, Node, NodeId, RecordType,
    Semantic, Sensitivity, Target, Whole,
};
use crate::id::{Digest, RecordTypeName};

/// Most leaves of a record type, and most message paths.
pub const MAX_LEAVES: usize = 4096;
/// Deepest nesting of messages, the record itself included.
pub const MAX_DEPTH: usize = 16;
/// Longest full name of a message, and longest name of a field, in bytes.
pub const MAX_NAME: usize = 255;
/// A message that could hold anything.
const ANY: &str = "google.protobuf.Any";
/// Most errors that are told; nobody reads more.
const MAX_ERRORS: usize = 1000;
/// Packages that are not for record types from outside.
const RESERVED: [&str; 2] = ["portcullis.", "google."];

impl RecordType {
    /// Registers one message of a descriptor set.
    ///
    /// # Errors
    /// Everything that is wrong with it: by file and line, then in schema order.
    pub fn register(descriptor_set: &Bytes, name: &str) -> Result<Self, Vec<LintError>> {
        let SchemaSet { pool, option } = SchemaSet::open(descriptor_set, name)?;
        let message = pool.get_message_by_name(name).ok_or_else(|| {
            let detail = "the descriptor set has no such message";
            vec![LintError::of(name, LintRule::NoSuchMessage, detail)]
        })?;
        let mut walk = Walk::new(option);
        walk.message(&message, "", false, None);
        if walk.errors.is_empty() {
            let hash = hash(name, &walk);
            Ok(Self {
                name: RecordTypeName::new(name),
                hash,
                leaves: walk.leaves,
                nodes: walk.nodes,
                descriptor: message,
                descriptor_set: descriptor_set.clone(),
            })
        } else {
            walk.errors.sort_by(|one, two| (&one.file, one.line).cmp(&(&two.file, two.line)));
            Err(walk.errors)
        }
    }

    /// Registers a message that somebody brings: as [`RecordType::register`], and its name is in a package of
    /// their own.
    ///
    /// # Errors
    /// As [`RecordType::register`].
    pub fn register_from_outside(set: &Bytes, name: &str) -> Result<Self, Vec<LintError>> {
        if RESERVED.iter().any(|package| name.starts_with(package)) {
            let detail = "names of this package are the contract's own";
            return Err(vec![LintError::of(name, LintRule::ReservedName, detail)]);
        }
        if !name.contains('.') {
            let detail = "a record type needs a package";
            return Err(vec![LintError::of(name, LintRule::BadName, detail)]);
        }
        Self::register(set, name)
    }
}

struct Walk {
    option: ExtensionDescriptor,
    leaves: Vec<Leaf>,
    nodes: Vec<Node>,
    /// What the schema says of its fields beside that: presence, packing, name in JSON.
    manners: Vec<String>,
    errors: Vec<LintError>,
    /// What was said already: a message that stands at two paths is wrong once.
    said: HashSet<(String, String, LintRule)>,
    above: Vec<String>,
    full: bool,
}

impl Walk {
    fn new(option: ExtensionDescriptor) -> Self {
        Self {
            option,
            leaves: vec![],
            nodes: vec![],
            manners: vec![],
            errors: vec![],
            said: HashSet::new(),
            above: vec![],
            full: false,
        }
    }

    fn refuse(&mut self, message: &MessageDescriptor, rule: LintRule, detail: impl Into<String>) {
        self.refuse_at(message, ("", message.path()), rule, detail);
    }

    fn refuse_field(&mut self, field: &FieldDescriptor, rule: LintRule, detail: impl Into<String>) {
        self.refuse_at(field.parent_message(), (field.name(), field.path()), rule, detail);
    }

    fn refuse_at(
        &mut self,
        message: &MessageDescriptor,
        (field, path): (&str, &[i32]),
        rule: LintRule,
        detail: impl Into<String>,
    ) {
        if !self.said.insert((message.full_name().to_owned(), field.to_owned(), rule)) {
            return;
        }
        self.full |= self.errors.len() + 1 >= MAX_ERRORS;
        self.errors.push(LintError {
            file: message.parent_file().name().to_owned(),
            line: line(message.parent_file_descriptor_proto(), path),
            message: message.full_name().to_owned(),
            field: field.to_owned(),
            rule,
            detail: detail.into(),
        });
    }

    /// Unfolds a message at a path; inside a whole leaf every field leads to that leaf.
    fn message(
        &mut self,
        message: &MessageDescriptor,
        path: &str,
        repeated: bool,
        whole: Option<LeafId>,
    ) -> Option<NodeId> {
        if self.full || !self.may_unfold(message) {
            return None;
        }
        self.above.push(message.full_name().to_owned());
        let id = NodeId(u16::try_from(self.nodes.len()).unwrap_or(u16::MAX));
        self.nodes.push(Node { path: path.to_owned(), fields: vec![] });
        self.json_names(message);
        let mut fields: Vec<FieldSpec> = message
            .fields()
            .filter_map(|field| self.field(message, &field, path, repeated, whole))
            .collect();
        fields.sort_by_key(|field| field.number);
        if whole.is_none() {
            self.oneofs(message, &fields);
        }
        if let Some(node) = self.nodes.get_mut(id.index()) {
            node.fields = fields;
        }
        self.above.pop();
        Some(id)
    }

    /// Rules about a message as such.
    fn may_unfold(&mut self, message: &MessageDescriptor) -> bool {
        if message.full_name() == ANY {
            self.refuse(message, LintRule::Any, "what is inside has no label");
            return false;
        }
        if self.above.len() >= MAX_DEPTH {
            let detail = format!("stands deeper than {MAX_DEPTH} messages");
            self.refuse(message, LintRule::TooDeep, detail);
            return false;
        }
        if self.nodes.len() >= MAX_LEAVES {
            self.full = true;
            let detail = format!("the record has more than {MAX_LEAVES} message paths");
            self.refuse(message, LintRule::TooLarge, detail);
            return false;
        }
        if !message.full_name().split('.').all(is_identifier)
            || message.full_name().len() > MAX_NAME
        {
            self.refuse(message, LintRule::BadName, BAD_NAME);
            return false;
        }
        if message.extension_ranges().next().is_some() {
            self.refuse(message, LintRule::Extension, "has extension ranges");
            return false;
        }
        if message.fields().next().is_none() {
            self.refuse(message, LintRule::Empty, "has no field");
            return false;
        }
        if !shape_holds(message) {
            self.refuse(
                message,
                LintRule::ShapeDiffers,
                "does not have the fields that belong to this name",
            );
            return false;
        }
        if message.parent_file().syntax() != Syntax::Proto3 {
            self.refuse(message, LintRule::Syntax, "only proto3 is taken");
        }
        true
    }

    /// Names that JSON or a reader of JSON would take for each other.
    fn json_names(&mut self, message: &MessageDescriptor) {
        let mut taken: HashMap<String, u32> = HashMap::new();
        for field in message.fields() {
            for name in [field.name(), field.json_name()] {
                let other = *taken.entry(name.to_owned()).or_insert(field.number());
                if other != field.number() {
                    let detail = format!(
                        "has the name `{}` in JSON that another field has",
                        name.escape_debug()
                    );
                    self.refuse_field(&field, LintRule::JsonName, detail);
                }
            }
        }
    }

    fn field(
        &mut self,
        message: &MessageDescriptor,
        field: &FieldDescriptor,
        above: &str,
        repeated: bool,
        whole: Option<LeafId>,
    ) -> Option<FieldSpec> {
        if self.full || !self.may_stand(field) {
            return None;
        }
        let path = if above.is_empty() {
            field.name().to_owned()
        } else {
            format!("{above}.{}", field.name())
        };
        let label = self.label(field).ok()?;
        let repeated = repeated || field.is_list();
        let (kind, target) = match (field.kind(), whole, label) {
            (_, Some(_), Some(_)) => {
                self.refuse_field(
                    field,
                    LintRule::LabelInsideWhole,
                    "stands inside a message that carries a label and is treated whole",
                );
                return None;
            }
            (Kind::Message(inner), Some(leaf), None) => {
                let node = self.inner(field, &inner, &path, repeated, whole)?;
                (LeafKind::Whole(Whole::Other), Target::Whole(leaf, node))
            }
            (scalar, Some(leaf), None) => (scalar_kind(&scalar)?, Target::Leaf(leaf)),
            (Kind::Message(inner), None, None) => {
                let node = self.inner(field, &inner, &path, repeated, None)?;
                (LeafKind::Whole(Whole::Other), Target::Node(node))
            }
            (Kind::Message(inner), None, Some(label)) => {
                let kind = LeafKind::Whole(whole_kind(inner.full_name()));
                let leaf = self.leaf(field, path.clone(), label, kind.clone(), repeated)?;
                let node = self.inner(field, &inner, &path, repeated, Some(leaf))?;
                (kind, Target::Whole(leaf, node))
            }
            (_, None, None) => {
                self.refuse_field(field, LintRule::Unlabelled, "a leaf needs a label");
                return None;
            }
            (scalar, None, Some(label)) => {
                let kind = scalar_kind(&scalar)?;
                let leaf = self.leaf(field, path, label, kind.clone(), repeated)?;
                (kind, Target::Leaf(leaf))
            }
        };
        self.manners.push(format!(
            "{}:{}:{}:{}",
            field.number(),
            field.supports_presence(),
            field.is_packed(),
            field.json_name()
        ));
        let oneof = field
            .containing_oneof()
            .filter(|oneof| !oneof.is_synthetic())
            .and_then(|oneof| message.oneofs().position(|other| other == oneof))
            .and_then(|at| u16::try_from(at).ok());
        Some(FieldSpec {
            number: field.number(),
            name: field.name().to_owned(),
            kind,
            cardinality: if field.is_list() {
                Cardinality::Repeated
            } else {
                Cardinality::Singular
            },
            oneof,
            target,
        })
    }

    /// Rules about a field as such.
    fn may_stand(&mut self, field: &FieldDescriptor) -> bool {
        let (rule, detail) = if !is_identifier(field.name()) || field.name().len() > MAX_NAME {
            (LintRule::BadName, BAD_NAME)
        } else if field.is_map() {
            (LintRule::Map, "keys of a map have no label")
        } else if field.is_group() {
            (LintRule::Group, "groups are not supported")
        } else if field.cardinality() == Presence::Required {
            (LintRule::Required, "what must be there could not be withheld")
        } else if field
            .kind()
            .as_enum()
            .is_some_and(|words| words.parent_file().syntax() != Syntax::Proto3)
        {
            (LintRule::Syntax, "its enum is not of proto3")
        } else {
            return true;
        };
        self.refuse_field(field, rule, detail);
        false
    }

    /// A message below a field; one that leads back to where it came from has no bound.
    fn inner(
        &mut self,
        field: &FieldDescriptor,
        inner: &MessageDescriptor,
        path: &str,
        repeated: bool,
        whole: Option<LeafId>,
    ) -> Option<NodeId> {
        if inner.full_name() == ANY {
            self.refuse_field(field, LintRule::Any, "what is inside has no label");
            return None;
        }
        if self.above.iter().any(|name| name == inner.full_name()) {
            let detail =
                format!("leads back to {}, and a bound cannot be declared", inner.full_name());
            self.refuse_field(field, LintRule::Recursion, detail);
            return None;
        }
        self.message(inner, path, repeated, whole)
    }

    fn leaf(
        &mut self,
        field: &FieldDescriptor,
        path: String,
        label: Label,
        kind: LeafKind,
        repeated: bool,
    ) -> Option<LeafId> {
        if self.leaves.len() >= MAX_LEAVES {
            self.full = true;
            let detail = format!("the record has more than {MAX_LEAVES} leaves");
            self.refuse_field(field, LintRule::TooLarge, detail);
            return None;
        }
        if !fits(label.semantic, &kind) {
            let kind = match (&kind, field.kind()) {
                (LeafKind::Whole(_), Kind::Message(inner)) => inner.full_name().to_owned(),
                _ => kind_name(&kind),
            };
            let detail = format!("{kind} cannot be {}", label.semantic.word());
            self.refuse_field(field, LintRule::SemanticDoesNotFit, detail);
            return None;
        }
        let id = LeafId(u16::try_from(self.leaves.len()).ok()?);
        self.leaves.push(Leaf { id, path, label, kind, repeated });
        Some(id)
    }

    fn label(&mut self, field: &FieldDescriptor) -> Result<Option<Label>, ()> {
        let options = field.options();
        let strange = options.extensions().map(|(option, _)| option).find(|option| {
            option.full_name().starts_with("portcullis.label.") && *option != self.option
        });
        if let Some(strange) = strange {
            let detail = format!("`{}` is not known here", strange.full_name().escape_debug());
            self.refuse_field(field, LintRule::UnknownLabel, detail);
            return Err(());
        }
        if !options.has_extension(&self.option) {
            return Ok(None);
        }
        let value = options.get_extension(&self.option);
        let read = value
            .as_message()
            .ok_or((LintRule::IncompleteLabel, "is no label".to_owned()))
            .and_then(read_label);
        read.map(Some).map_err(|(rule, detail)| self.refuse_field(field, rule, detail))
    }

    /// Which member of a oneof is set would tell, so all must be of one category and sensitivity. Semantics
    /// may differ: they say how a value is coarsened, and a plan gives all members the meet.
    fn oneofs(&mut self, message: &MessageDescriptor, fields: &[FieldSpec]) {
        let mut first: HashMap<u16, Vec<Label>> = HashMap::new();
        for field in fields {
            let Some(oneof) = field.oneof else { continue };
            let labels = self.labels_below(field.target);
            let known = first.entry(oneof).or_insert_with(|| labels.clone());
            let same = |one: &Label, two: &Label| {
                one.category == two.category && one.sensitivity == two.sensitivity
            };
            let all: Vec<&Label> = known.iter().chain(labels.iter()).collect();
            if all.windows(2).any(|pair| matches!(pair, [one, two] if !same(one, two)))
                && let Some(field) = message.get_field(field.number)
            {
                self.refuse_field(
                    &field,
                    LintRule::OneofLabelsDiffer,
                    "category or sensitivity differs from another member of its oneof",
                );
            }
        }
    }

    fn labels_below(&self, target: Target) -> Vec<Label> {
        match target {
            Target::Leaf(leaf) | Target::Whole(leaf, _) => {
                self.leaves.get(leaf.index()).map(|leaf| leaf.label).into_iter().collect()
            }
            Target::Node(node) => self.nodes.get(node.index()).map_or_else(Vec::new, |node| {
                node.fields.iter().flat_map(|field| self.labels_below(field.target)).collect()
            }),
        }
    }
}

/// What [`is_identifier`] asks for.
const BAD_NAME: &str = "a name is made of A-Z, a-z, 0-9 and _, and is at most 255 bytes long";

/// As the language has it: paths are cut at dots, and names are printed to terminals.
fn is_identifier(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

fn read_label(label: &DynamicMessage) -> Result<Label, (LintRule, String)> {
    let later = label.fields().any(|(field, _)| field.number() > 3);
    if later || label.unknown_fields().next().is_some() {
        let detail = "the label says something that is not known here".to_owned();
        return Err((LintRule::UnknownLabel, detail));
    }
    Ok(Label {
        category: part(label, 1, "category", Category::from_number)?,
        sensitivity: part(label, 2, "sensitivity", Sensitivity::from_number)?,
        semantic: part(label, 3, "semantic", Semantic::from_number)?,
    })
}

fn part<T>(
    label: &DynamicMessage,
    field: u32,
    name: &str,
    from: fn(i32) -> Option<T>,
) -> Result<T, (LintRule, String)> {
    let number = match label.get_field_by_number(field).as_deref() {
        Some(Value::EnumNumber(number)) => *number,
        _ => 0,
    };
    match (number, from(number)) {
        (_, Some(part)) => Ok(part),
        (0, None) => Err((LintRule::IncompleteLabel, format!("the label has no {name}"))),
        (_, None) => Err((LintRule::UnknownLabel, format!("{name} {number} is not known here"))),
    }
}

/// Length-prefixed listing, so that no two schemas share one.
fn hash(name: &str, walk: &Walk) -> Digest {
    let mut listing = Vec::new();
    let mut text = |text: &str| {
        listing.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        listing.extend_from_slice(text.as_bytes());
    };
    text(name);
    for leaf in &walk.leaves {
        text(&leaf.path);
        text(&kind_name(&leaf.kind));
        text(leaf.label.category.word());
        text(leaf.label.sensitivity.word());
        text(leaf.label.semantic.word());
    }
    for node in &walk.nodes {
        text(&node.path);
        for field in &node.fields {
            text(&format!(
                "{}:{}:{}:{:?}:{:?}",
                field.number,
                field.name,
                kind_name(&field.kind),
                field.cardinality,
                field.oneof
            ));
            // What a number is called is part of the schema: it is what a reader sees.
            if let LeafKind::Enum(words) = &field.kind {
                let mut values: Vec<_> = words.values().collect();
                values.sort_by_key(prost_reflect::EnumValueDescriptor::number);
                for value in values {
                    text(&format!("{}={}", value.number(), value.name()));
                }
            }
        }
    }
    walk.manners.iter().for_each(|manner| text(manner));
    Digest::of(&listing)
}

#[cfg(test)]
mod tests;
