//! From a schema to a descriptor set, its bytes written directly: labels are extensions, which the generated
//! descriptor types would drop, and a parser for every case would be slow.

use std::sync::LazyLock;

use bytes::Bytes;
use prost::Message as _;

use super::schema::{Cardinality, Field, Kind, Message, Scalar, Schema};

/// Package of every world.
pub const PACKAGE: &str = "world.v1";
/// Full name of every world's record type.
pub const RECORD: &str = "world.v1.Record";
/// Number of the label option.
const LABEL_OPTION: u32 = 51_701;
/// Files of the contract that a schema needs, dependencies first.
pub(super) const IMPORTS: [&str; 4] = [
    "google/protobuf/descriptor.proto",
    "google/protobuf/timestamp.proto",
    "portcullis/label/v1/label.proto",
    "portcullis/record/v1/value.proto",
];

/// The imports as entries of a descriptor set, comments left out.
static BASE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let set = prost_types::FileDescriptorSet::decode(portcullis_proto::DESCRIPTOR_SET)
        .expect("the contract");
    let mut base = vec![];
    for name in IMPORTS {
        let mut file = set.file.iter().find(|file| file.name() == name).expect(name).clone();
        file.source_code_info = None;
        if name == IMPORTS[0] {
            // Of the descriptors' own descriptor only what labels extend: the rest takes half a
            // millisecond a case and is in no record type.
            file.enum_type.clear();
            file.message_type.retain(|message| message.name() == "FieldOptions");
            for message in &mut file.message_type {
                message.field.retain(|field| field.type_name.is_none());
                message.nested_type.clear();
                message.enum_type.clear();
            }
        }
        bytes(&mut base, 1, &file.encode_to_vec());
    }
    base
});

/// The schema as a `google.protobuf.FileDescriptorSet`, with all that it imports.
pub fn descriptor_set(schema: &Schema) -> Bytes {
    let mut file = vec![];
    bytes(&mut file, 1, b"world.proto");
    bytes(&mut file, 2, PACKAGE.as_bytes());
    for import in &IMPORTS[1..] {
        bytes(&mut file, 3, import.as_bytes());
    }
    for each in &schema.messages {
        bytes(&mut file, 4, &message(schema, each));
    }
    bytes(&mut file, 5, &choice());
    bytes(&mut file, 12, b"proto3");
    let mut set = BASE.clone();
    bytes(&mut set, 1, &file);
    set.into()
}

fn message(schema: &Schema, message: &Message) -> Vec<u8> {
    let mut out = vec![];
    bytes(&mut out, 1, message.name.as_bytes());
    // Synthetic oneofs, one for each `optional`, come after the real ones.
    let mut synthetic = vec![];
    for each in &message.fields {
        let oneof = match each.cardinality {
            Cardinality::Oneof(at) => Some(at),
            Cardinality::Optional => {
                synthetic.push(format!("_{}", each.name));
                Some(message.oneofs + synthetic.len() - 1)
            }
            _ => None,
        };
        bytes(&mut out, 2, &field(schema, each, oneof));
    }
    let real = (0..message.oneofs).map(|at| format!("choice_{at}"));
    for name in real.chain(synthetic) {
        let mut oneof = vec![];
        bytes(&mut oneof, 1, name.as_bytes());
        bytes(&mut out, 8, &oneof);
    }
    out
}

fn field(schema: &Schema, field: &Field, oneof: Option<usize>) -> Vec<u8> {
    let mut out = vec![];
    bytes(&mut out, 1, field.name.as_bytes());
    varint(&mut out, 3, field.number.into());
    let repeated = matches!(field.cardinality, Cardinality::Repeated { .. });
    varint(&mut out, 4, if repeated { 3 } else { 1 });
    let (number, type_name) = match field.kind {
        Kind::Scalar(Scalar::Enum) => (14, Some(format!(".{PACKAGE}.Choice"))),
        Kind::Scalar(scalar) => (scalar.number(), None),
        Kind::Known(known) => (known.number(), Some(format!(".{}", known.text()))),
        Kind::Message(at) => (11, Some(format!(".{PACKAGE}.{}", schema.messages[at].name))),
    };
    varint(&mut out, 5, number);
    if let Some(name) = type_name {
        bytes(&mut out, 6, name.as_bytes());
    }
    let mut options = vec![];
    if let Cardinality::Repeated { packed: false } = field.cardinality
        && field.kind.packable()
    {
        varint(&mut options, 2, 0);
    }
    if let Some(label) = field.label {
        let mut parts = vec![];
        varint(&mut parts, 1, label.category as u64);
        varint(&mut parts, 2, label.sensitivity as u64);
        varint(&mut parts, 3, label.semantic as u64);
        bytes(&mut options, LABEL_OPTION, &parts);
    }
    if !options.is_empty() {
        bytes(&mut out, 8, &options);
    }
    if let Some(at) = oneof {
        varint(&mut out, 9, at as u64);
    }
    if field.cardinality == Cardinality::Optional {
        varint(&mut out, 17, 1);
    }
    out
}

/// The enum of every world: `CHOICE_UNSPECIFIED = 0; CHOICE_ONE = 1; CHOICE_MINUS = -1;`.
fn choice() -> Vec<u8> {
    let mut out = vec![];
    bytes(&mut out, 1, b"Choice");
    for (name, number) in
        [("CHOICE_UNSPECIFIED", 0_u64), ("CHOICE_ONE", 1), ("CHOICE_MINUS", u64::MAX)]
    {
        let mut value = vec![];
        bytes(&mut value, 1, name.as_bytes());
        varint(&mut value, 2, number);
        bytes(&mut out, 2, &value);
    }
    out
}

fn varint(out: &mut Vec<u8>, number: u32, value: u64) {
    prost::encoding::encode_varint(u64::from(number) << 3, out);
    prost::encoding::encode_varint(value, out);
}

fn bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    prost::encoding::encode_varint(u64::from(number) << 3 | 2, out);
    prost::encoding::encode_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}
