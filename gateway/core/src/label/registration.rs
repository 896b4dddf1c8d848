//! Registration: from a descriptor set to a record type, or a list of everything that is wrong with it.
//! What is refused here need not be thought of anywhere else (redaction.md, "Labels").

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    Value,
};

use super::syntax::unknown_syntax;
use super::{
    Cardinality, Category, FieldSpec, Label, Leaf, LeafId, LeafKind, Node, NodeId, RecordType,
    Semantic, Sensitivity, Target, Whole,
};
use crate::id::{Digest, RecordTypeName};

/// Most leaves of a record type.
pub const MAX_LEAVES: usize = 4096;
/// Deepest nesting of messages, the record itself included.
pub const MAX_DEPTH: usize = 16;
/// Number and name of the label option.
const LABEL_OPTION: (&str, u32) = ("portcullis.label.v1.label", 51701);

/// What a registration is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LintRule {
    /// The bytes are not a descriptor set, or it lacks an import.
    NotADescriptorSet,
    /// There is no such message in it.
    NoSuchMessage,
    /// It does not bring `portcullis/label/v1/label.proto`, or another one under its name.
    NoLabelOption,
    /// A leaf has no label.
    Unlabelled,
    /// A label lacks its category, sensitivity or semantic, or has one that is unknown.
    IncompleteLabel,
    /// A message that is walked into carries a label below one that is treated whole.
    LabelInsideWhole,
    /// The members of a `oneof` do not have the same label.
    OneofLabelsDiffer,
    /// A map.
    Map,
    /// A group.
    Group,
    /// The message has extension ranges or the field is an extension.
    Extension,
    /// `google.protobuf.Any`.
    Any,
    /// The semantic does not fit the type.
    SemanticDoesNotFit,
    /// A message contains itself, nests too deeply, or has too many leaves.
    Unbounded,
    /// A message without any field.
    Empty,
}

impl LintRule {
    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotADescriptorSet => "NOT_A_DESCRIPTOR_SET",
            Self::NoSuchMessage => "NO_SUCH_MESSAGE",
            Self::NoLabelOption => "NO_LABEL_OPTION",
            Self::Unlabelled => "UNLABELLED",
            Self::IncompleteLabel => "INCOMPLETE_LABEL",
            Self::LabelInsideWhole => "LABEL_INSIDE_WHOLE",
            Self::OneofLabelsDiffer => "ONEOF_LABELS_DIFFER",
            Self::Map => "MAP",
            Self::Group => "GROUP",
            Self::Extension => "EXTENSION",
            Self::Any => "ANY",
            Self::SemanticDoesNotFit => "SEMANTIC_DOES_NOT_FIT",
            Self::Unbounded => "UNBOUNDED",
            Self::Empty => "EMPTY",
        }
    }
}

/// One thing that is wrong with a record type. Schemas are no secret, so it names all there is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LintError {
    /// File that declares the message; empty where there is none to name.
    pub file: String,
    /// Full name of the message.
    pub message: String,
    /// Field, where it is about one.
    pub field: String,
    /// The rule.
    pub rule: LintRule,
    /// For a person.
    pub detail: String,
}

impl fmt::Display for LintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}: ", self.file)?;
        }
        write!(f, "{}", self.message)?;
        if !self.field.is_empty() {
            write!(f, ".{}", self.field)?;
        }
        write!(f, ": {}: {}", self.rule.word(), self.detail)
    }
}

impl RecordType {
    /// Registers one message of a descriptor set.
    ///
    /// # Errors
    /// Everything that is wrong with it, in schema order.
    pub fn register(descriptor_set: &Bytes, name: &str) -> Result<Self, Vec<LintError>> {
        let refuse = |rule, detail: &str| {
            vec![LintError {
                file: String::new(),
                message: name.to_owned(),
                field: String::new(),
                rule,
                detail: detail.to_owned(),
            }]
        };
        if let Some(detail) = unknown_syntax(descriptor_set) {
            return Err(refuse(LintRule::NotADescriptorSet, &detail));
        }
        let pool = DescriptorPool::decode(descriptor_set.clone()).map_err(|error| {
            refuse(LintRule::NotADescriptorSet, &format!("cannot be read: {error}"))
        })?;
        let message = pool.get_message_by_name(name).ok_or_else(|| {
            refuse(LintRule::NoSuchMessage, "the descriptor set has no such message")
        })?;
        let option = pool
            .get_extension_by_name(LABEL_OPTION.0)
            .filter(|option| option.number() == LABEL_OPTION.1)
            .ok_or_else(|| {
                refuse(
                    LintRule::NoLabelOption,
                    "the descriptor set does not bring portcullis/label/v1/label.proto",
                )
            })?;
        let mut walk =
            Walk { option, leaves: vec![], nodes: vec![], errors: vec![], above: vec![] };
        walk.message(&message, "", false, None);
        if walk.errors.is_empty() {
            let hash = hash(name, &walk.leaves, &walk.nodes);
            Ok(Self {
                name: RecordTypeName::new(name),
                hash,
                leaves: walk.leaves,
                nodes: walk.nodes,
                descriptor: message,
                descriptor_set: descriptor_set.clone(),
            })
        } else {
            Err(walk.errors)
        }
    }
}

struct Walk {
    option: ExtensionDescriptor,
    leaves: Vec<Leaf>,
    nodes: Vec<Node>,
    errors: Vec<LintError>,
    above: Vec<String>,
}

impl Walk {
    fn refuse(
        &mut self,
        message: &MessageDescriptor,
        field: &str,
        rule: LintRule,
        detail: impl Into<String>,
    ) {
        self.errors.push(LintError {
            file: message.parent_file().name().to_owned(),
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
        if message.full_name() == "google.protobuf.Any" {
            self.refuse(message, "", LintRule::Any, "what is inside has no label");
            return None;
        }
        if self.above.iter().any(|name| name == message.full_name()) {
            self.refuse(message, "", LintRule::Unbounded, "contains itself");
            return None;
        }
        if self.above.len() >= MAX_DEPTH || self.nodes.len() >= MAX_LEAVES {
            self.refuse(
                message,
                "",
                LintRule::Unbounded,
                "nests too deeply or has too many leaves",
            );
            return None;
        }
        if message.extension_ranges().next().is_some() {
            self.refuse(message, "", LintRule::Extension, "has extension ranges");
            return None;
        }
        if message.fields().next().is_none() {
            self.refuse(message, "", LintRule::Empty, "has no field");
            return None;
        }
        self.above.push(message.full_name().to_owned());
        let id = NodeId(u16::try_from(self.nodes.len()).unwrap_or(u16::MAX));
        self.nodes.push(Node { path: path.to_owned(), fields: vec![] });
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

    fn field(
        &mut self,
        message: &MessageDescriptor,
        field: &FieldDescriptor,
        above: &str,
        repeated: bool,
        whole: Option<LeafId>,
    ) -> Option<FieldSpec> {
        let path = if above.is_empty() {
            field.name().to_owned()
        } else {
            format!("{above}.{}", field.name())
        };
        if field.is_map() {
            self.refuse(message, field.name(), LintRule::Map, "keys of a map have no label");
            return None;
        }
        if field.is_group() {
            self.refuse(message, field.name(), LintRule::Group, "groups are not supported");
            return None;
        }
        let label = match self.label(message, field) {
            Ok(label) => label,
            Err(()) => return None,
        };
        let repeated = repeated || field.is_list();
        let (kind, target) = match (field.kind(), whole, label) {
            (_, Some(_), Some(_)) => {
                self.refuse(
                    message,
                    field.name(),
                    LintRule::LabelInsideWhole,
                    "stands inside a message that carries a label and is treated whole",
                );
                return None;
            }
            (Kind::Message(inner), Some(leaf), None) => {
                let node = self.message(&inner, &path, repeated, whole)?;
                (LeafKind::Whole(Whole::Other), Target::Whole(leaf, node))
            }
            (scalar, Some(leaf), None) => (scalar_kind(&scalar)?, Target::Leaf(leaf)),
            (Kind::Message(inner), None, None) => {
                let node = self.message(&inner, &path, repeated, None)?;
                (LeafKind::Whole(Whole::Other), Target::Node(node))
            }
            (Kind::Message(inner), None, Some(label)) => {
                let kind = LeafKind::Whole(whole_kind(inner.full_name()));
                let leaf =
                    self.leaf(message, field, path.clone(), label, kind.clone(), repeated)?;
                let node = self.message(&inner, &path, repeated, Some(leaf))?;
                (kind, Target::Whole(leaf, node))
            }
            (_, None, None) => {
                self.refuse(message, field.name(), LintRule::Unlabelled, "a leaf needs a label");
                return None;
            }
            (scalar, None, Some(label)) => {
                let kind = scalar_kind(&scalar)?;
                let leaf = self.leaf(message, field, path, label, kind.clone(), repeated)?;
                (kind, Target::Leaf(leaf))
            }
        };
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

    fn leaf(
        &mut self,
        message: &MessageDescriptor,
        field: &FieldDescriptor,
        path: String,
        label: Label,
        kind: LeafKind,
        repeated: bool,
    ) -> Option<LeafId> {
        if self.leaves.len() >= MAX_LEAVES {
            self.refuse(message, field.name(), LintRule::Unbounded, "too many leaves");
            return None;
        }
        if !fits(label.semantic, &kind) {
            self.refuse(
                message,
                field.name(),
                LintRule::SemanticDoesNotFit,
                format!("{} cannot be {}", kind_name(&kind), label.semantic.word()),
            );
            return None;
        }
        let id = LeafId(u16::try_from(self.leaves.len()).ok()?);
        self.leaves.push(Leaf { id, path, label, kind, repeated });
        Some(id)
    }

    fn label(
        &mut self,
        message: &MessageDescriptor,
        field: &FieldDescriptor,
    ) -> Result<Option<Label>, ()> {
        let options = field.options();
        if !options.has_extension(&self.option) {
            return Ok(None);
        }
        let value = options.get_extension(&self.option);
        let parsed = value.as_message().and_then(read_label);
        if parsed.is_none() {
            self.refuse(
                message,
                field.name(),
                LintRule::IncompleteLabel,
                "a label names a category, a sensitivity and a semantic",
            );
        }
        parsed.map(Some).ok_or(())
    }

    /// Which member of a oneof is set would tell, so all must be treated alike.
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
            if all.windows(2).any(|pair| matches!(pair, [one, two] if !same(one, two))) {
                self.refuse(
                    message,
                    &field.name,
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

fn read_label(message: &DynamicMessage) -> Option<Label> {
    let number = |name: &str| match message.get_field_by_name(name)?.as_ref() {
        Value::EnumNumber(number) => Some(*number),
        _ => None,
    };
    Some(Label {
        category: Category::from_number(number("category")?)?,
        sensitivity: Sensitivity::from_number(number("sensitivity")?)?,
        semantic: Semantic::from_number(number("semantic")?)?,
    })
}

fn scalar_kind(kind: &Kind) -> Option<LeafKind> {
    Some(match kind {
        Kind::Bool => LeafKind::Bool,
        Kind::Int32 => LeafKind::Int32,
        Kind::Int64 => LeafKind::Int64,
        Kind::Uint32 => LeafKind::Uint32,
        Kind::Uint64 => LeafKind::Uint64,
        Kind::Sint32 => LeafKind::Sint32,
        Kind::Sint64 => LeafKind::Sint64,
        Kind::Fixed32 => LeafKind::Fixed32,
        Kind::Fixed64 => LeafKind::Fixed64,
        Kind::Sfixed32 => LeafKind::Sfixed32,
        Kind::Sfixed64 => LeafKind::Sfixed64,
        Kind::Float => LeafKind::Float,
        Kind::Double => LeafKind::Double,
        Kind::String => LeafKind::String,
        Kind::Bytes => LeafKind::Bytes,
        Kind::Enum(descriptor) => LeafKind::Enum(descriptor.clone()),
        Kind::Message(_) => return None,
    })
}

fn whole_kind(name: &str) -> Whole {
    match name {
        "google.protobuf.Timestamp" => Whole::Timestamp,
        "portcullis.record.v1.Money" => Whole::Money,
        "portcullis.record.v1.GeoPoint" => Whole::GeoPoint,
        "portcullis.record.v1.Date" => Whole::Date,
        "portcullis.record.v1.Address" => Whole::Address,
        _ => Whole::Other,
    }
}

/// Does a semantic fit a type? What is no text cannot be a name; what is not Money is no money.
fn fits(semantic: Semantic, kind: &LeafKind) -> bool {
    let integer = matches!(
        kind,
        LeafKind::Int32
            | LeafKind::Int64
            | LeafKind::Uint32
            | LeafKind::Uint64
            | LeafKind::Sint32
            | LeafKind::Sint64
            | LeafKind::Fixed32
            | LeafKind::Fixed64
            | LeafKind::Sfixed32
            | LeafKind::Sfixed64
    );
    let float = matches!(kind, LeafKind::Float | LeafKind::Double);
    match semantic {
        Semantic::Timestamp => matches!(kind, LeafKind::Whole(Whole::Timestamp)),
        Semantic::Date | Semantic::BirthDate => matches!(kind, LeafKind::Whole(Whole::Date)),
        Semantic::Money => matches!(kind, LeafKind::Whole(Whole::Money)),
        Semantic::GeoPoint => matches!(kind, LeafKind::Whole(Whole::GeoPoint)),
        Semantic::Address => matches!(kind, LeafKind::Whole(Whole::Address)),
        Semantic::Mass => integer,
        Semantic::Quantity => integer,
        Semantic::Rate => integer || float,
        Semantic::Flag => matches!(kind, LeafKind::Bool),
        Semantic::Code => matches!(kind, LeafKind::Enum(_) | LeafKind::String) || integer,
        Semantic::Identifier => matches!(kind, LeafKind::String | LeafKind::Bytes) || integer,
        Semantic::FreeText => {
            matches!(kind, LeafKind::String | LeafKind::Bytes | LeafKind::Whole(Whole::Other))
        }
        Semantic::HsCode
        | Semantic::ControlCode
        | Semantic::Country
        | Semantic::Port
        | Semantic::PersonName
        | Semantic::OrganisationName
        | Semantic::ContainerNumber => matches!(kind, LeafKind::String),
    }
}

/// Name of a type as a .proto file writes it.
pub(super) fn kind_name(kind: &LeafKind) -> String {
    match kind {
        LeafKind::Bool => "bool".into(),
        LeafKind::Int32 => "int32".into(),
        LeafKind::Int64 => "int64".into(),
        LeafKind::Uint32 => "uint32".into(),
        LeafKind::Uint64 => "uint64".into(),
        LeafKind::Sint32 => "sint32".into(),
        LeafKind::Sint64 => "sint64".into(),
        LeafKind::Fixed32 => "fixed32".into(),
        LeafKind::Fixed64 => "fixed64".into(),
        LeafKind::Sfixed32 => "sfixed32".into(),
        LeafKind::Sfixed64 => "sfixed64".into(),
        LeafKind::Float => "float".into(),
        LeafKind::Double => "double".into(),
        LeafKind::String => "string".into(),
        LeafKind::Bytes => "bytes".into(),
        LeafKind::Enum(descriptor) => descriptor.full_name().to_owned(),
        LeafKind::Whole(whole) => format!("{whole:?}"),
    }
}

impl LeafKind {
    /// Name of the type as a .proto file writes it.
    pub fn name(&self) -> String {
        kind_name(self)
    }
}

/// Length-prefixed listing, so that no two schemas share one.
fn hash(name: &str, leaves: &[Leaf], nodes: &[Node]) -> Digest {
    let mut listing = Vec::new();
    let mut text = |text: &str| {
        listing.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        listing.extend_from_slice(text.as_bytes());
    };
    text(name);
    for leaf in leaves {
        text(&leaf.path);
        text(&kind_name(&leaf.kind));
        text(leaf.label.category.word());
        text(leaf.label.sensitivity.word());
        text(leaf.label.semantic.word());
    }
    for node in nodes {
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
        }
    }
    Digest::of(&listing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_type_of_the_contract_registers() {
        let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
        for (name, at_least) in
            [("Declaration", 60), ("ExportLicence", 40), ("Party", 20), ("Inspection", 15)]
        {
            let full = format!("portcullis.record.v1.{name}");
            let record = RecordType::register(&set, &full)
                .unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
            assert!(record.leaves().len() >= at_least, "{name}: {}", record.leaves().len());
        }
    }
}
