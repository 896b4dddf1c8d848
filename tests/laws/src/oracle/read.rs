//! Reads bytes by reflection, strictly.
//!
//! Which fault is named, where there are several: the record's size before all; then the first in the order
//! of the bytes, a message's content where the message stands. Within one field: its tag; its number; its
//! wire type, if there is no such or a group; its value or length, and whether the bytes last that long;
//! whether it is one field too many. An unknown field is then skipped. A known one: whether it, or its oneof,
//! stands already; whether the wire type is its own; what is in it, packed values one by one.

use portcullis_core::redact::{MAX_RECORD_BYTES, MAX_RECORD_FIELDS, Refusal};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

/// A record's message, without unknown fields.
///
/// # Errors
/// The first fault.
pub fn read(descriptor: &MessageDescriptor, bytes: &[u8]) -> Result<DynamicMessage, Refusal> {
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(Refusal::TooLarge);
    }
    message(descriptor, bytes, &mut 0)
}

/// A value on the wire.
enum Raw<'a> {
    Varint(u64),
    Eight([u8; 8]),
    Delimited(&'a [u8]),
    Four([u8; 4]),
}

fn message(
    descriptor: &MessageDescriptor,
    mut bytes: &[u8],
    count: &mut usize,
) -> Result<DynamicMessage, Refusal> {
    let mut message = DynamicMessage::new(descriptor.clone());
    let mut stood: Vec<FieldDescriptor> = vec![];
    while !bytes.is_empty() {
        let (number, raw) = field(&mut bytes)?;
        *count += 1;
        if *count > MAX_RECORD_FIELDS {
            return Err(Refusal::TooManyFields);
        }
        let Some(field) = descriptor.get_field(number) else { continue };
        if field.is_list() {
            let values = several(&field, raw, count)?;
            if let Value::List(list) = message.get_field_mut(&field) {
                list.extend(values);
            }
            continue;
        }
        // The oneof that stands for the word `optional` is none.
        if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
            if stood.iter().any(|other| other.containing_oneof().as_ref() == Some(&oneof)) {
                return Err(Refusal::OneofTwice);
            }
        } else if stood.contains(&field) {
            return Err(Refusal::FieldTwice);
        }
        stood.push(field.clone());
        let value = one(&field.kind(), raw, count)?;
        message.set_field(&field, value);
    }
    Ok(message)
}

fn field<'a>(bytes: &mut &'a [u8]) -> Result<(u32, Raw<'a>), Refusal> {
    let tag = varint(bytes)?;
    let number = tag / 8;
    if number == 0 || number >= 1 << 29 {
        return Err(Refusal::FieldNumber);
    }
    let raw = match tag % 8 {
        0 => Raw::Varint(varint(bytes)?),
        1 => Raw::Eight(take(bytes, 8)?.try_into().expect("8 bytes")),
        2 => {
            let length = varint(bytes)?;
            Raw::Delimited(take(bytes, length)?)
        }
        3 | 4 => return Err(Refusal::Group),
        5 => Raw::Four(take(bytes, 4)?.try_into().expect("4 bytes")),
        _ => return Err(Refusal::WireType),
    };
    Ok((u32::try_from(number).expect("below 2^29"), raw))
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Result<&'a [u8], Refusal> {
    if length > bytes.len() as u64 {
        return Err(Refusal::Truncated);
    }
    let (taken, rest) = bytes.split_at(length as usize);
    *bytes = rest;
    Ok(taken)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Refusal> {
    let more = bytes.iter().take(10).take_while(|byte| **byte >= 0x80).count();
    if more == 10 {
        return Err(Refusal::OverlongVarint);
    }
    let taken = take(bytes, more as u64 + 1)?;
    let value = taken.iter().rev().fold(0_u128, |value, byte| value << 7 | u128::from(byte % 128));
    match u64::try_from(value) {
        Ok(value) if taken.len() == 1 || taken.last() != Some(&0) => Ok(value),
        _ => Err(Refusal::OverlongVarint),
    }
}

/// Values of a list: one, or a packed piece of them.
fn several(
    field: &FieldDescriptor,
    raw: Raw<'_>,
    count: &mut usize,
) -> Result<Vec<Value>, Refusal> {
    let kind = field.kind();
    let Raw::Delimited(mut bytes) = raw else { return Ok(vec![one(&kind, raw, count)?]) };
    let mut values = vec![];
    match kind {
        Kind::String | Kind::Bytes | Kind::Message(_) => values.push(one(&kind, raw, count)?),
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => {
            while !bytes.is_empty() {
                let raw = Raw::Eight(take(&mut bytes, 8)?.try_into().expect("8 bytes"));
                values.push(one(&kind, raw, count)?);
            }
        }
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => {
            while !bytes.is_empty() {
                let raw = Raw::Four(take(&mut bytes, 4)?.try_into().expect("4 bytes"));
                values.push(one(&kind, raw, count)?);
            }
        }
        _ => {
            while !bytes.is_empty() {
                let raw = Raw::Varint(varint(&mut bytes)?);
                values.push(one(&kind, raw, count)?);
            }
        }
    }
    Ok(values)
}

fn one(kind: &Kind, raw: Raw<'_>, count: &mut usize) -> Result<Value, Refusal> {
    let range = |_| Refusal::OutOfRange;
    // 0, -1, 1, -2, 2, ..
    let zigzag = |value: u64| {
        let half = i128::from(value / 2);
        if value.is_multiple_of(2) { half } else { -half - 1 }
    };
    Ok(match (kind, raw) {
        (Kind::Bool, Raw::Varint(value)) => match value {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            _ => return Err(Refusal::OutOfRange),
        },
        (Kind::Int32, Raw::Varint(value)) => Value::I32((value as i64).try_into().map_err(range)?),
        (Kind::Enum(_), Raw::Varint(value)) => {
            Value::EnumNumber((value as i64).try_into().map_err(range)?)
        }
        (Kind::Int64, Raw::Varint(value)) => Value::I64(value as i64),
        (Kind::Uint32, Raw::Varint(value)) => Value::U32(value.try_into().map_err(range)?),
        (Kind::Uint64, Raw::Varint(value)) => Value::U64(value),
        (Kind::Sint32, Raw::Varint(value)) => Value::I32(zigzag(value).try_into().map_err(range)?),
        (Kind::Sint64, Raw::Varint(value)) => Value::I64(zigzag(value).try_into().map_err(range)?),
        (Kind::Fixed32, Raw::Four(bytes)) => Value::U32(u32::from_le_bytes(bytes)),
        (Kind::Sfixed32, Raw::Four(bytes)) => Value::I32(i32::from_le_bytes(bytes)),
        (Kind::Float, Raw::Four(bytes)) => Value::F32(f32::from_le_bytes(bytes)),
        (Kind::Fixed64, Raw::Eight(bytes)) => Value::U64(u64::from_le_bytes(bytes)),
        (Kind::Sfixed64, Raw::Eight(bytes)) => Value::I64(i64::from_le_bytes(bytes)),
        (Kind::Double, Raw::Eight(bytes)) => Value::F64(f64::from_le_bytes(bytes)),
        (Kind::Bytes, Raw::Delimited(bytes)) => Value::Bytes(bytes.to_vec().into()),
        (Kind::String, Raw::Delimited(bytes)) => {
            Value::String(String::from_utf8(bytes.to_vec()).map_err(|_| Refusal::Utf8)?)
        }
        (Kind::Message(inner), Raw::Delimited(bytes)) => {
            Value::Message(message(inner, bytes, count)?)
        }
        _ => return Err(Refusal::WireType),
    })
}
