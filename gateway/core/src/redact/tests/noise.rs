//! The same message in other bytes: fields in another order, packed values apart, defaults spelled out,
//! unknown fields in between.

use prost_reflect::{Kind, MessageDescriptor};

use super::super::wire::{Reader, ScalarKind, WireValue};
use super::super::write::{tag, varint};
use super::world::Rng;
use crate::label::LeafKind;

/// Spells a canonical message in another way that a standard decoder reads as the same.
pub fn respell(descriptor: &MessageDescriptor, canonical: &[u8], rng: &mut Rng) -> Vec<u8> {
    // One queue per field keeps the order of repeated values.
    let mut queues: Vec<Vec<Vec<u8>>> = vec![];
    let mut reader = Reader::new(canonical);
    let (mut start, mut last) = (0, 0);
    while let Some((number, value)) = reader.next_field().unwrap() {
        let span = reader.since(start).to_vec();
        start = reader.position();
        let field = descriptor.get_field(number).unwrap();
        let pieces = match (field.kind(), value) {
            (Kind::Message(inner), WireValue::Bytes(bytes)) => {
                vec![delimited(number, &respell(&inner, bytes, rng))]
            }
            (kind, WireValue::Bytes(bytes)) if field.is_list() && field.is_packed() => {
                unpack(number, scalar(&kind), bytes, rng)
            }
            (kind, value) if field.is_list() && !field.is_packed() && scalar(&kind).packable() => {
                let head = tag(number, 0).len();
                assert!(!matches!(value, WireValue::Bytes(_)));
                vec![if rng.below(2) == 0 { span } else { delimited(number, &span[head..]) }]
            }
            _ => vec![span],
        };
        if number == last {
            queues.last_mut().unwrap().extend(pieces);
        } else {
            queues.push(pieces);
        }
        last = number;
    }
    for field in descriptor.fields() {
        let set = queues
            .iter()
            .any(|queue| Reader::new(&queue[0]).next_field().unwrap().unwrap().0 == field.number());
        let kind = field.kind();
        if !set && !field.supports_presence() && !field.is_list() && rng.below(3) == 0 {
            queues.push(vec![default(field.number(), scalar(&kind))]);
        }
    }
    for _ in 0..rng.below(3) {
        let number = 9000 + rng.below(5) as u32;
        let mut unknown = tag(number, 0).as_slice().to_vec();
        unknown.push(42);
        queues.push(vec![if rng.below(2) == 0 { unknown } else { delimited(number, b"CANARY") }]);
    }
    let mut out = vec![];
    while !queues.is_empty() {
        let at = rng.below(queues.len());
        out.extend(queues[at].remove(0));
        if queues[at].is_empty() {
            queues.remove(at);
        }
    }
    out
}

fn delimited(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = tag(number, 2).as_slice().to_vec();
    varint(&mut out, bytes.len() as u64);
    out.extend(bytes);
    out
}

/// Each value by itself, or in chunks, an empty one among them.
fn unpack(number: u32, kind: ScalarKind, bytes: &[u8], rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut values = kind.packed(bytes);
    let mut pieces = vec![];
    while let Some((_, raw)) = values.next_value().unwrap() {
        if rng.below(2) == 0 {
            pieces.push(delimited(number, raw));
        } else {
            let mut piece = tag(number, kind.wire_type()).as_slice().to_vec();
            piece.extend(raw);
            pieces.push(piece);
        }
        if rng.below(4) == 0 {
            pieces.push(delimited(number, b""));
        }
    }
    pieces
}

fn default(number: u32, kind: ScalarKind) -> Vec<u8> {
    let mut out = tag(number, kind.wire_type()).as_slice().to_vec();
    out.extend(vec![
        0;
        match kind.wire_type() {
            1 => 8,
            5 => 4,
            _ => 1,
        }
    ]);
    out
}

pub fn scalar(kind: &Kind) -> ScalarKind {
    let leaf = match kind {
        Kind::Bool => LeafKind::Bool,
        Kind::Int32 | Kind::Enum(_) => LeafKind::Int32,
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
        Kind::Bytes | Kind::Message(_) => LeafKind::Bytes,
    };
    ScalarKind::of(&leaf).unwrap()
}
