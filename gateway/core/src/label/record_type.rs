//! A record type as engine, policy and filter see it: the message unfolded into a finite tree of nodes
//! (one per message path) whose leaves carry labels. Built only through registration (`registration.rs`),
//! so whoever holds a `RecordType` holds one in which every leaf is labelled.

use std::fmt;

use bytes::Bytes;
use prost_reflect::{EnumDescriptor, MessageDescriptor};

use super::Label;
use crate::id::{Digest, RecordTypeName};

/// Position of a leaf in [`RecordType::leaves`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafId(pub u16);

/// Position of a node in [`RecordType::nodes`]; 0 is the record itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

impl LeafId {
    /// As an index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl NodeId {
    /// As an index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A record type with every leaf labelled.
#[derive(Clone)]
pub struct RecordType {
    pub(super) name: RecordTypeName,
    pub(super) hash: Digest,
    pub(super) leaves: Vec<Leaf>,
    pub(super) nodes: Vec<Node>,
    pub(super) descriptor: MessageDescriptor,
    pub(super) descriptor_set: Bytes,
}

impl RecordType {
    /// Full name of the message.
    pub fn name(&self) -> &RecordTypeName {
        &self.name
    }

    /// SHA-256 over name, and number, name, type and label of every field, and the words of its enums: the
    /// identity of the schema.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// Every leaf, in schema order.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// A leaf by id.
    pub fn leaf(&self, id: LeafId) -> Option<&Leaf> {
        self.leaves.get(id.index())
    }

    /// A leaf by its exact dotted path.
    pub fn leaf_by_path(&self, path: &str) -> Option<&Leaf> {
        self.leaves.iter().find(|leaf| leaf.path == path)
    }

    /// Leaves at or below a dotted path: the leaf itself, or all leaves under a message.
    pub fn leaves_under<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Leaf> {
        self.leaves.iter().filter(move |leaf| {
            leaf.path
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Every message path, the record itself first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node by id.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.index())
    }

    /// For reflection: clients' tables, registration, the oracle. Not for the hot path.
    pub fn descriptor(&self) -> &MessageDescriptor {
        &self.descriptor
    }

    /// The descriptor set that it was registered from.
    pub fn descriptor_set(&self) -> &Bytes {
        &self.descriptor_set
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordType({}, {} leaves)", self.name, self.leaves.len())
    }
}

/// One leaf of a record type.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Its position.
    pub id: LeafId,
    /// Dotted path of proto field names from the record, such as `importer.name.original`.
    pub path: String,
    /// What it is.
    pub label: Label,
    /// Its type on the wire.
    pub kind: LeafKind,
    /// May have several values: it, or a message above it, is repeated.
    pub repeated: bool,
}

/// Type of a leaf.
#[derive(Debug, Clone, PartialEq)]
pub enum LeafKind {
    /// `bool`.
    Bool,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    /// `sint32`.
    Sint32,
    /// `sint64`.
    Sint64,
    /// `fixed32`.
    Fixed32,
    /// `fixed64`.
    Fixed64,
    /// `sfixed32`.
    Sfixed32,
    /// `sfixed64`.
    Sfixed64,
    /// `float`.
    Float,
    /// `double`.
    Double,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
    /// An enum; open, as in proto3.
    Enum(EnumDescriptor),
    /// A message that carries a label itself and is treated whole.
    Whole(Whole),
}

/// A message that is treated whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// `google.protobuf.Timestamp`.
    Timestamp,
    /// `portcullis.record.v1.Money`.
    Money,
    /// `portcullis.record.v1.GeoPoint`.
    GeoPoint,
    /// `portcullis.record.v1.Date`.
    Date,
    /// `portcullis.record.v1.Address`.
    Address,
    /// Any other: clear, present or withheld, nothing between.
    Other,
}

/// A message at one path.
#[derive(Debug, Clone)]
pub struct Node {
    /// Dotted path; empty for the record itself.
    pub path: String,
    /// Its fields in ascending order of their numbers.
    pub fields: Vec<FieldSpec>,
}

impl Node {
    /// A field by number.
    pub fn field(&self, number: u32) -> Option<&FieldSpec> {
        self.fields
            .binary_search_by_key(&number, |field| field.number)
            .ok()
            .and_then(|at| self.fields.get(at))
    }
}

/// A field of a node.
#[derive(Debug, Clone)]
pub struct FieldSpec {
    /// Field number.
    pub number: u32,
    /// Proto field name.
    pub name: String,
    /// Type on the wire; for a message that is walked into, `Whole(Other)`.
    pub kind: LeafKind,
    /// How many values it may have.
    pub cardinality: Cardinality,
    /// Index of the real oneof (within its node) that it belongs to.
    pub oneof: Option<u16>,
    /// Where it leads.
    pub target: Target,
}

/// How many values a field may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// At most one; twice on the wire is refused.
    Singular,
    /// Any number; scalars may be packed or not.
    Repeated,
}

/// Where a field leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A scalar leaf.
    Leaf(LeafId),
    /// A message leaf that is treated whole; the node says what a valid one looks like, and the targets
    /// of its fields all are this same leaf.
    Whole(LeafId, NodeId),
    /// A message that is walked into.
    Node(NodeId),
}
