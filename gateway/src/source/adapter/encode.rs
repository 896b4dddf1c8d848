//! Values to protobuf: the tree of fields that a mapping fills, compiled once, written without building a
//! message. The bytes are canonical: fields in ascending order, and defaults left out where the schema cannot
//! tell them from nothing (a mass of 0, a flag that says no).

use portcullis_core::label::LeafKind;
use prost::encoding::{WireType, encode_key, encode_varint};

use super::convert::{Expected, Value};

/// A message and the fields of it that are filled, in ascending order of their numbers.
#[derive(Debug, Clone, Default)]
pub struct MessagePlan {
    /// Its filled fields.
    pub fields: Vec<FieldPlan>,
}

/// A filled field.
#[derive(Debug, Clone)]
pub struct FieldPlan {
    /// Its number.
    pub number: u32,
    /// What fills it.
    pub fill: Fill,
}

/// What fills a field.
#[derive(Debug, Clone)]
pub enum Fill {
    /// Values of bindings, by their positions.
    Values {
        /// Type of the field.
        kind: LeafKind,
        /// More than one value.
        list: bool,
        /// The schema tells the default from nothing.
        presence: bool,
        /// Bindings that give values.
        bindings: Vec<usize>,
    },
    /// Messages, one per element.
    Messages(Vec<MessagePlan>),
}

/// Writes a message. `values` gives the values of a binding; what it refuses comes back with the binding.
pub fn message<'v>(
    plan: &MessagePlan,
    values: &'v [Vec<Value<'v>>],
    out: &mut Vec<u8>,
) -> Result<(), (usize, Expected)> {
    for field in &plan.fields {
        match &field.fill {
            Fill::Messages(elements) => {
                for element in elements {
                    let start = out.len();
                    message(element, values, out)?;
                    wrap(field.number, start, out);
                }
            }
            Fill::Values { kind, list, presence, bindings } => {
                let values = bindings.iter().flat_map(|binding| {
                    let values = values.get(*binding).into_iter().flatten();
                    values.map(move |value| (*binding, value))
                });
                let says =
                    |(_, value): &(usize, &Value<'_>)| *list || *presence || !is_default(value);
                scalars(field.number, kind, *list, values.filter(says), out)?;
            }
        }
    }
    Ok(())
}

fn scalars<'v>(
    number: u32,
    kind: &LeafKind,
    list: bool,
    values: impl Iterator<Item = (usize, &'v Value<'v>)>,
    out: &mut Vec<u8>,
) -> Result<(), (usize, Expected)> {
    let packed = list && wire_type(kind) != WireType::LengthDelimited;
    let start = out.len();
    for (binding, value) in values {
        if !packed {
            encode_key(number, wire_type(kind), out);
        }
        scalar(kind, value, out).map_err(|expected| (binding, expected))?;
    }
    if packed {
        wrap(number, start, out);
    }
    Ok(())
}

/// The default of its type? Messages have none.
fn is_default(value: &Value<'_>) -> bool {
    match value {
        Value::Text(text) => text.is_empty(),
        Value::Integer(number) => *number == 0,
        Value::Real(real) => *real == 0.0,
        Value::Flag(flag) => !flag,
        Value::Enum(number) => *number == 0,
        Value::Time(..) | Value::Date(..) | Value::Money(..) | Value::Point(..) => false,
    }
}

/// Puts key and length before what was written since `start`; nothing written: no field.
fn wrap(number: u32, start: usize, out: &mut Vec<u8>) {
    let length = out.len() - start;
    if length == 0 {
        return;
    }
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(u64::try_from(length).unwrap_or(u64::MAX), out);
    if let Some(written) = out.get_mut(start..) {
        written.rotate_left(length);
    }
}

fn wire_type(kind: &LeafKind) -> WireType {
    match kind {
        LeafKind::String | LeafKind::Bytes | LeafKind::Whole(_) => WireType::LengthDelimited,
        LeafKind::Double | LeafKind::Fixed64 | LeafKind::Sfixed64 => WireType::SixtyFourBit,
        LeafKind::Float | LeafKind::Fixed32 | LeafKind::Sfixed32 => WireType::ThirtyTwoBit,
        LeafKind::Bool
        | LeafKind::Int32
        | LeafKind::Int64
        | LeafKind::Uint32
        | LeafKind::Uint64
        | LeafKind::Sint32
        | LeafKind::Sint64
        | LeafKind::Enum(_) => WireType::Varint,
    }
}

fn scalar(kind: &LeafKind, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), Expected> {
    match (kind, value) {
        (LeafKind::String, Value::Text(text)) => delimited(text.as_bytes(), out),
        (LeafKind::Bytes, Value::Text(text)) => {
            let bytes = hex::decode(text.as_bytes());
            delimited(&bytes.map_err(|_| Expected("not hexadecimal".into()))?, out);
        }
        (LeafKind::Bool, Value::Flag(flag)) => encode_varint(u64::from(*flag), out),
        (LeafKind::Enum(_), Value::Enum(number)) => signed(i64::from(*number), out),
        (LeafKind::Double, Value::Real(real)) => out.extend_from_slice(&real.to_le_bytes()),
        (LeafKind::Float, Value::Real(real)) => {
            // A float field holds the nearest float: the schema's own choice of precision.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "rounding to the nearest is meant"
            )]
            out.extend_from_slice(&(*real as f32).to_le_bytes());
        }
        (_, Value::Integer(number)) => integer(kind, *number, out)?,
        (LeafKind::Whole(_), value) => whole(value, out)?,
        _ => return Err(Expected("not a value of the field's type".into())),
    }
    Ok(())
}

fn delimited(bytes: &[u8], out: &mut Vec<u8>) {
    encode_varint(u64::try_from(bytes.len()).unwrap_or(u64::MAX), out);
    out.extend_from_slice(bytes);
}

/// Negative numbers take ten bytes, as int32, int64 and enums do.
fn signed(number: i64, out: &mut Vec<u8>) {
    encode_varint(number.cast_unsigned(), out);
}

fn zigzag(number: i64, out: &mut Vec<u8>) {
    encode_varint(((number << 1) ^ (number >> 63)).cast_unsigned(), out);
}

fn integer(kind: &LeafKind, number: i128, out: &mut Vec<u8>) -> Result<(), Expected> {
    let range = |_| Expected(format!("out of the range of {}", kind.name()).into());
    match kind {
        LeafKind::Int32 => signed(i32::try_from(number).map_err(range)?.into(), out),
        LeafKind::Int64 => signed(i64::try_from(number).map_err(range)?, out),
        LeafKind::Uint32 => encode_varint(u32::try_from(number).map_err(range)?.into(), out),
        LeafKind::Uint64 => encode_varint(u64::try_from(number).map_err(range)?, out),
        LeafKind::Sint32 => zigzag(i32::try_from(number).map_err(range)?.into(), out),
        LeafKind::Sint64 => zigzag(i64::try_from(number).map_err(range)?, out),
        LeafKind::Fixed32 => out.extend(u32::try_from(number).map_err(range)?.to_le_bytes()),
        LeafKind::Fixed64 => out.extend(u64::try_from(number).map_err(range)?.to_le_bytes()),
        LeafKind::Sfixed32 => out.extend(i32::try_from(number).map_err(range)?.to_le_bytes()),
        LeafKind::Sfixed64 => out.extend(i64::try_from(number).map_err(range)?.to_le_bytes()),
        _ => return Err(Expected("not a value of the field's type".into())),
    }
    Ok(())
}

/// A message that is treated whole, canonical inside: its defaults are left out.
fn whole(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), Expected> {
    let start = out.len();
    let varint = |number: u32, value: i64, out: &mut Vec<u8>| {
        if value != 0 {
            encode_key(number, WireType::Varint, out);
            signed(value, out);
        }
    };
    match value {
        Value::Time(seconds, nanos) => {
            varint(1, *seconds, out);
            varint(2, i64::from(*nanos), out);
        }
        Value::Date(year, month, day) => {
            varint(1, i64::from(*year), out);
            varint(2, i64::from(*month), out);
            varint(3, i64::from(*day), out);
        }
        Value::Money(currency, units, nanos) => {
            encode_key(1, WireType::LengthDelimited, out);
            delimited(currency.as_bytes(), out);
            varint(2, *units, out);
            varint(3, i64::from(*nanos), out);
        }
        Value::Point(latitude, longitude) => {
            for (number, degrees) in [(1, latitude), (2, longitude)] {
                if *degrees != 0.0 {
                    encode_key(number, WireType::SixtyFourBit, out);
                    out.extend_from_slice(&degrees.to_le_bytes());
                }
            }
        }
        _ => return Err(Expected("not a value of the field's type".into())),
    }
    let length = out.len() - start;
    encode_varint(u64::try_from(length).unwrap_or(u64::MAX), out);
    if let Some(written) = out.get_mut(start..) {
        written.rotate_left(length);
    }
    Ok(())
}
