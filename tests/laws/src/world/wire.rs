//! A record as pieces of bytes that can be moved, spelled otherwise and spoiled before they are written.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

use super::message::{items, standing};

/// One field on the wire.
#[derive(Clone)]
pub struct Piece {
    /// Its number.
    pub number: u64,
    /// Its wire type, where that is not the body's.
    pub wire_type: Option<u8>,
    /// What it holds.
    pub body: Body,
    /// What the schema says of it; none for an unknown field.
    pub field: Option<FieldDescriptor>,
    /// Bytes too many of the tag, and of the length or value.
    pub overlong: [usize; 2],
}

/// What a field holds.
#[derive(Clone)]
pub enum Body {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2.
    Bytes(Vec<u8>),
    /// Wire type 2, several numbers in one piece.
    Packed(Vec<Body>),
    /// Wire type 2, a message.
    Message(Vec<Piece>),
    /// Wire type 5.
    Fixed32(u32),
}

impl Body {
    fn wire_type(&self) -> u8 {
        match self {
            Self::Varint(_) => 0,
            Self::Fixed64(_) => 1,
            Self::Bytes(_) | Self::Packed(_) | Self::Message(_) => 2,
            Self::Fixed32(_) => 5,
        }
    }

    fn write(&self, out: &mut Vec<u8>, overlong: usize) {
        let mut delimited = |bytes: &[u8]| {
            varint(out, bytes.len() as u64, overlong);
            out.extend_from_slice(bytes);
        };
        match self {
            Self::Varint(value) => varint(out, *value, overlong),
            Self::Fixed64(value) => out.extend(value.to_le_bytes()),
            Self::Fixed32(value) => out.extend(value.to_le_bytes()),
            Self::Bytes(bytes) => delimited(bytes),
            Self::Packed(values) => {
                let mut content = vec![];
                values.iter().for_each(|value| value.write(&mut content, 0));
                delimited(&content);
            }
            Self::Message(pieces) => delimited(&write(pieces)),
        }
    }
}

impl Piece {
    /// A field of the schema.
    pub fn of(field: &FieldDescriptor, body: Body) -> Self {
        Self {
            number: field.number().into(),
            wire_type: None,
            body,
            field: Some(field.clone()),
            overlong: [0, 0],
        }
    }

    /// A field that no schema knows.
    pub fn unknown(number: u64, body: Body) -> Self {
        Self { number, wire_type: None, body, field: None, overlong: [0, 0] }
    }
}

fn varint(out: &mut Vec<u8>, value: u64, overlong: usize) {
    prost::encoding::encode_varint(value, out);
    if overlong > 0 {
        *out.last_mut().expect("a byte") |= 0x80;
        out.extend(std::iter::repeat_n(0x80, overlong - 1));
        out.push(0);
    }
}

/// The bytes.
pub fn write(pieces: &[Piece]) -> Vec<u8> {
    let mut out = vec![];
    for piece in pieces {
        let wire_type = piece.wire_type.unwrap_or_else(|| piece.body.wire_type());
        varint(&mut out, piece.number << 3 | u64::from(wire_type), piece.overlong[0]);
        piece.body.write(&mut out, piece.overlong[1]);
    }
    out
}

/// A message as the contract wants it spelled: ascending numbers, lists packed as the schema says.
pub fn pieces(message: &DynamicMessage) -> Vec<Piece> {
    let mut pieces = vec![];
    for (field, value) in standing(message) {
        let mut bodies = items(&value).iter().map(|item| body(&field.kind(), item));
        if field.is_list() && field.is_packed() {
            pieces.push(Piece::of(&field, Body::Packed(bodies.collect())));
        } else {
            pieces.extend(bodies.by_ref().map(|body| Piece::of(&field, body)));
        }
    }
    pieces
}

/// The canonical bytes of a message: what the redactor would make of it were all of it clear.
pub fn canonical(message: &DynamicMessage) -> Vec<u8> {
    write(&pieces(message))
}

fn body(kind: &Kind, value: &Value) -> Body {
    let zigzag = |value: i64| (value << 1 ^ (value >> 63)).cast_unsigned();
    match (kind, value) {
        (_, Value::Bool(value)) => Body::Varint((*value).into()),
        (_, Value::EnumNumber(value)) => Body::Varint(i64::from(*value).cast_unsigned()),
        (_, Value::F32(value)) => Body::Fixed32(value.to_bits()),
        (_, Value::F64(value)) => Body::Fixed64(value.to_bits()),
        (_, Value::String(text)) => Body::Bytes(text.clone().into_bytes()),
        (_, Value::Bytes(bytes)) => Body::Bytes(bytes.to_vec()),
        (_, Value::Message(inner)) => Body::Message(pieces(inner)),
        (Kind::Sint32, Value::I32(value)) => Body::Varint(zigzag((*value).into())),
        (Kind::Sint64, Value::I64(value)) => Body::Varint(zigzag(*value)),
        (Kind::Sfixed32, Value::I32(value)) => Body::Fixed32(value.cast_unsigned()),
        (Kind::Sfixed64, Value::I64(value)) => Body::Fixed64(value.cast_unsigned()),
        (_, Value::I32(value)) => Body::Varint(i64::from(*value).cast_unsigned()),
        (_, Value::I64(value)) => Body::Varint(value.cast_unsigned()),
        (Kind::Fixed32, Value::U32(value)) => Body::Fixed32(*value),
        (Kind::Fixed64, Value::U64(value)) => Body::Fixed64(*value),
        (_, Value::U32(value)) => Body::Varint((*value).into()),
        (_, Value::U64(value)) => Body::Varint(*value),
        (kind, value) => panic!("{kind:?} holds {value:?}"),
    }
}

/// The body of a number that is 0, a text that is empty.
pub fn zero(kind: &Kind) -> Body {
    match kind {
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => Body::Fixed64(0),
        Kind::Fixed32 | Kind::Sfixed32 | Kind::Float => Body::Fixed32(0),
        Kind::String | Kind::Bytes => Body::Bytes(vec![]),
        Kind::Message(_) => Body::Message(vec![]),
        _ => Body::Varint(0),
    }
}
