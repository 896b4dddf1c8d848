//! Edits of bytes that are sound: blind ones, and ones that know fields and mend the lengths around them.

use portcullis_core::redact::wire::{Reader, WireValue};

use super::head;

/// Most edits of one input.
const EDITS: usize = 12;
/// Deepest message that is edited.
const DEPTH: usize = 8;

/// Blind edits: where, what, and a byte for it.
pub fn edited(mut bytes: Vec<u8>, mut edits: &[u8]) -> Vec<u8> {
    for _ in 0..EDITS {
        if edits.is_empty() {
            break;
        }
        let [low, high, how, byte] = head(&mut edits);
        let at = usize::from(u16::from_le_bytes([low, high])) % (bytes.len() + 1);
        let until = bytes.len().min(at + usize::from(byte));
        match how % 8 {
            0 | 1 if at < bytes.len() => bytes[at] = byte,
            2 if at < bytes.len() => bytes[at] ^= 1 << (byte % 8),
            3 => bytes.insert(at, byte),
            4 => drop(bytes.drain(at..until)),
            5 => bytes.truncate(at),
            6 => bytes.extend_from_within(at..until),
            _ => {
                let behind = bytes.split_off(until);
                let moved = bytes.split_off(at);
                bytes.extend(behind);
                bytes.extend(moved);
            }
        }
    }
    bytes
}

/// Edits of fields, at any depth.
pub fn edited_fields(mut bytes: Vec<u8>, mut edits: &[u8]) -> Vec<u8> {
    for _ in 0..EDITS {
        if edits.is_empty() {
            break;
        }
        bytes = edited_message(&bytes, &mut edits, DEPTH);
    }
    bytes
}

fn edited_message(bytes: &[u8], edits: &mut &[u8], depth: usize) -> Vec<u8> {
    let [at, how] = head(edits);
    let mut fields = fields(bytes);
    if fields.is_empty() {
        return [bytes, &[at, how]].concat();
    }
    let at = usize::from(at) % fields.len();
    let (number, field, content) = fields[at].clone();
    if let (Some(content), 0..0x80, 1..) = (&content, how, depth) {
        fields[at].1 = delimited(number, &edited_message(content, edits, depth - 1));
    } else {
        let [byte] = head(edits);
        match how % 8 {
            0 => drop(fields.remove(at)),
            1 => fields.insert(usize::from(byte) % fields.len(), (number, field, content)),
            2 => {
                let moved = fields.remove(at);
                fields.insert(usize::from(byte) % (fields.len() + 1), moved);
            }
            3 => fields[at].1 = varint_field(number, u64::from(byte)),
            4 => fields[at].1 = varint_field(number, u64::MAX >> (byte % 64)),
            5 => fields[at].1 = delimited(number, &vec![byte; usize::from(byte)]),
            6 => {
                let other = fields[usize::from(byte) % fields.len()].2.clone();
                fields[at].1 = delimited(number, &other.unwrap_or_default());
            }
            _ => {
                let content = content.unwrap_or_default();
                fields[at].1 = delimited(u32::from(byte), &content);
            }
        }
    }
    fields.into_iter().flat_map(|(_, field, _)| field).collect()
}

/// Number, bytes, and content where there is one, of as many fields as can be read.
fn fields(bytes: &[u8]) -> Vec<(u32, Vec<u8>, Option<Vec<u8>>)> {
    let mut reader = Reader::new(bytes);
    let (mut fields, mut from) = (vec![], 0);
    while let Ok(Some((number, value))) = reader.next_field() {
        let content = match value {
            WireValue::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        };
        fields.push((number, bytes[from..reader.position()].to_vec(), content));
        from = reader.position();
    }
    fields
}

fn varint_field(number: u32, value: u64) -> Vec<u8> {
    let mut field = vec![];
    prost::encoding::encode_varint(u64::from(number) << 3, &mut field);
    prost::encoding::encode_varint(value, &mut field);
    field
}

/// A field with a length.
pub fn delimited(number: u32, content: &[u8]) -> Vec<u8> {
    let mut field = vec![];
    prost::encoding::encode_varint(u64::from(number) << 3 | 2, &mut field);
    prost::encoding::encode_varint(content.len() as u64, &mut field);
    field.extend_from_slice(content);
    field
}
