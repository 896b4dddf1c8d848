//! The same message in other bytes: fields in another order, packed values apart and single ones packed,
//! defaults spelled out, unknown fields at any depth. A standard decoder reads all of them alike.

use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, ReflectMessage as _};

use super::wire::{Body, Piece, pieces, zero};

/// What is odd about a spelling. Every place in a record looks up its own choice, by number and turn, so that
/// taking one field away leaves the others spelled as they were; 0 is the canonical one. So a failure shrinks
/// to as few oddities as it needs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spelling(pub [u8; 24]);

impl Spelling {
    fn choice(&self, number: u32, turn: usize) -> u8 {
        let place = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(20);
        self.0[(place % 24 + turn as u64 * 7) as usize % 24]
    }
}

/// Any spelling; one in five is the canonical one.
pub fn spelling() -> impl Strategy<Value = Spelling> {
    let byte = prop_oneof![2 => Just(0_u8), 1 => any::<u8>()];
    prop_oneof![
        1 => Just([0; 24]),
        4 => proptest::array::uniform24(byte),
    ]
    .prop_map(Spelling)
}

/// Spells a message.
pub fn spell(message: &DynamicMessage, spelling: &Spelling) -> Vec<Piece> {
    respell(&message.descriptor(), pieces(message), spelling)
}

fn respell(
    descriptor: &MessageDescriptor,
    canonical: Vec<Piece>,
    spelling: &Spelling,
) -> Vec<Piece> {
    let mut out = vec![];
    for piece in canonical {
        let Some(field) = piece.field.clone() else { continue };
        let kind = field.kind();
        match (kind, piece.body) {
            (Kind::Message(inner), Body::Message(pieces)) => {
                out.push(Piece::of(&field, Body::Message(respell(&inner, pieces, spelling))));
            }
            (_, Body::Packed(values)) => {
                // Canonically in one piece: 1 single, 2 begins a new piece, 3 the same after an empty one.
                let mut open: Option<Vec<Body>> = None;
                for (turn, value) in values.into_iter().enumerate() {
                    let choice = spelling.choice(field.number(), turn) % 8;
                    if matches!(choice, 1..=3) {
                        out.extend(
                            open.take().map(|values| Piece::of(&field, Body::Packed(values))),
                        );
                    }
                    if choice == 3 {
                        out.push(Piece::of(&field, Body::Packed(vec![])));
                    }
                    if choice == 1 {
                        out.push(Piece::of(&field, value));
                    } else {
                        open.get_or_insert_default().push(value);
                    }
                }
                out.extend(open.map(|values| Piece::of(&field, Body::Packed(values))));
            }
            (Kind::String | Kind::Bytes, body) => out.push(Piece::of(&field, body)),
            (_, body) if field.is_list() => {
                // Canonically single: 1 in a piece of its own, 2 in the piece before, if there is one.
                let choice = spelling.choice(field.number(), out.len()) % 4;
                match out.last_mut() {
                    Some(Piece { number, body: Body::Packed(values), .. })
                        if choice == 2 && *number == u64::from(field.number()) =>
                    {
                        values.push(body);
                    }
                    _ if choice == 1 || choice == 2 => {
                        out.push(Piece::of(&field, Body::Packed(vec![body])));
                    }
                    _ => out.push(Piece::of(&field, body)),
                }
            }
            (_, body) => out.push(Piece::of(&field, body)),
        }
    }
    defaults(descriptor, &mut out, spelling);
    unknowns(descriptor, &mut out, spelling);
    shuffle(out, spelling)
}

/// Spells out defaults where they mean nothing, and empty pieces of packed lists.
fn defaults(descriptor: &MessageDescriptor, out: &mut Vec<Piece>, spelling: &Spelling) {
    let mut fields: Vec<_> = descriptor.fields().collect();
    fields.sort_by_key(prost_reflect::FieldDescriptor::number);
    for field in fields {
        let choice = spelling.choice(field.number(), 1);
        let stands = out.iter().any(|piece| piece.number == u64::from(field.number()));
        let kind = field.kind();
        let packable = !matches!(kind, Kind::String | Kind::Bytes | Kind::Message(_));
        if field.is_list() && packable && choice % 8 == 1 {
            out.push(Piece::of(&field, Body::Packed(vec![])));
        } else if !field.is_list() && !field.supports_presence() && !stands && choice % 4 == 1 {
            out.push(Piece::of(&field, zero(&kind)));
        }
    }
}

/// Fields that the schema does not have.
fn unknowns(descriptor: &MessageDescriptor, out: &mut Vec<Piece>, spelling: &Spelling) {
    let choice = spelling.choice(descriptor.full_name().bytes().map(u32::from).sum(), 2);
    for at in 0..choice % 4 {
        let numbers = [7, 15, 16, 1023, 1024, 2047, 2048, 19_500, (1 << 29) - 1];
        let mut number = numbers[usize::from(choice / 4 + at) % numbers.len()];
        while descriptor.get_field(number).is_some() {
            number -= 1;
            if number == 0 {
                return;
            }
        }
        let body = match (choice / 16 + at) % 6 {
            0 => Body::Varint(7),
            1 => Body::Varint(u64::MAX),
            2 => Body::Fixed64(u64::MAX),
            3 => Body::Fixed32(1),
            4 => Body::Bytes(b"UNKNOWN".to_vec()),
            _ => Body::Bytes(vec![0x0a, 0xff, 0x80, 0x00, 0x0b]),
        };
        out.push(Piece::unknown(number.into(), body));
    }
}

/// Another order of the fields, but the same of one field's values.
fn shuffle(pieces: Vec<Piece>, spelling: &Spelling) -> Vec<Piece> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    for at in 1..order.len() {
        let number = u32::try_from(pieces[at].number).unwrap_or(0);
        let choice = usize::from(spelling.choice(number, 3 + at));
        if choice % 4 == 3 {
            order.swap(at, choice / 4 % (at + 1));
        }
    }
    // Whatever places a field's values got, they take them in their old order.
    let numbers: Vec<u64> = pieces.iter().map(|piece| piece.number).collect();
    let mut queues: HashMap<u64, VecDeque<Piece>> = HashMap::new();
    for piece in pieces {
        queues.entry(piece.number).or_default().push_back(piece);
    }
    order.into_iter().filter_map(|at| queues.get_mut(&numbers[at])?.pop_front()).collect()
}
