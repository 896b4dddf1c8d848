//! Random messages and plans, from a seed.

use std::sync::Arc;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::super::{Plan, Treatment};
use super::{fitting, plan};
use crate::label::{Leaf, RecordType};

/// SplitMix64.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// A message in which about two thirds of the fields are set.
pub fn message(descriptor: &MessageDescriptor, rng: &mut Rng) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        if rng.below(3) == 0 {
            continue;
        }
        let value = if field.is_list() {
            Value::List((0..rng.below(4)).map(|_| value(&field, rng)).collect())
        } else {
            value(&field, rng)
        };
        message.set_field(&field, value);
    }
    message
}

const TEXTS: &[&str] = &[
    "854231",
    "8542",
    "3A001.a",
    "3A0",
    "KRPUS",
    "KR",
    "Kim",
    "MSCU1234566",
    "ID-0012345",
    "",
    "\u{ae40}\u{cca0}\u{c218}",
    "a rather longer text, of the kind that people type into a box for remarks",
    "USD",
    "EUR",
];
const INTEGERS: &[i64] =
    &[0, 1, -1, 5, 12, 49, -37, 127, 128, 300, 1961, 86_401, -86_401, 1_709_210_096];

fn value(field: &FieldDescriptor, rng: &mut Rng) -> Value {
    let integer = *rng.pick(INTEGERS);
    let wide = if rng.below(8) == 0 { rng.next().cast_signed() } else { integer };
    match field.kind() {
        Kind::Bool => Value::Bool(rng.below(2) == 0),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(wide as i32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(wide),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(wide as u32),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(wide.cast_unsigned()),
        Kind::Float => Value::F32(wide as f32 / 8.0),
        Kind::Double => Value::F64(integer as f64 / 16.0),
        Kind::String => Value::String((*rng.pick(TEXTS)).to_owned()),
        Kind::Bytes => Value::Bytes(vec![7; rng.below(40)].into()),
        Kind::Enum(_) => Value::EnumNumber(rng.below(4) as i32 - 1),
        Kind::Message(inner) => Value::Message(message(&inner, rng)),
    }
}

/// A random plan out of what each leaf can take and `allowed` lets pass.
pub fn random_plan(
    record_type: &Arc<RecordType>,
    rng: &mut Rng,
    allowed: impl Fn(&Leaf, Treatment) -> bool,
) -> Arc<Plan> {
    // Now and then mostly hidden, so that whole messages vanish.
    let shy = rng.below(2) == 0;
    plan(record_type, |leaf| {
        let mut options = fitting(leaf);
        options.retain(|treatment| allowed(leaf, *treatment));
        if shy && rng.below(4) > 0 { Treatment::Withhold } else { *rng.pick(&options) }
    })
}
