//! Types of leaves: which ones there are, which semantics fit which of them, and what the messages that are
//! treated whole by their name must look like.

use prost_reflect::{Cardinality, Kind, MessageDescriptor};

use super::{LeafKind, Semantic, Whole};

/// Type of a scalar leaf; none for a message.
pub(super) fn scalar_kind(kind: &Kind) -> Option<LeafKind> {
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

/// What a message that carries a label is treated as.
pub(super) fn whole_kind(name: &str) -> Whole {
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
pub(super) fn fits(semantic: Semantic, kind: &LeafKind) -> bool {
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

/// Fields of the messages that are treated whole by their name: number, name, type, repeated.
type Shape = &'static [(u32, &'static str, &'static str, bool)];

const SHAPES: &[(&str, Shape)] = &[
    ("google.protobuf.Timestamp", &[(1, "seconds", "int64", false), (2, "nanos", "int32", false)]),
    (
        "portcullis.record.v1.Money",
        &[
            (1, "currency_code", "string", false),
            (2, "units", "int64", false),
            (3, "nanos", "int32", false),
        ],
    ),
    (
        "portcullis.record.v1.GeoPoint",
        &[(1, "latitude", "double", false), (2, "longitude", "double", false)],
    ),
    (
        "portcullis.record.v1.Date",
        &[(1, "year", "int32", false), (2, "month", "int32", false), (3, "day", "int32", false)],
    ),
    (
        "portcullis.record.v1.Address",
        &[
            (1, "lines", "string", true),
            (2, "city", "string", false),
            (3, "postcode", "string", false),
            (4, "country", "string", false),
        ],
    ),
];

/// Has a message the fields that its name promises? Whoever calls something else Money would have it coarsened
/// as money.
pub(super) fn shape_holds(message: &MessageDescriptor) -> bool {
    let Some((_, shape)) = SHAPES.iter().find(|(name, _)| *name == message.full_name()) else {
        return true;
    };
    let mut found: Vec<_> = message.fields().collect();
    found.sort_by_key(prost_reflect::FieldDescriptor::number);
    found.len() == shape.len()
        && found.iter().zip(*shape).all(|(field, (number, name, kind, repeated))| {
            field.number() == *number
                && field.name() == *name
                && scalar_kind(&field.kind()).is_some_and(|found| kind_name(&found) == *kind)
                && (field.cardinality() == Cardinality::Repeated) == *repeated
                && !field.supports_presence()
        })
}
