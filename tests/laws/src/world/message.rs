//! A record of a schema, in two versions; and any message as text.

use std::collections::HashMap;
use std::fmt::Write as _;

use prost_reflect::{
    DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, Value,
};

use super::schema::{Cardinality, Draw, Field, Kind, Schema};
use super::{canonical, value};

/// Most fields of a record: lists in lists in lists grow.
const MOST: usize = 600;

/// The record of a schema, in version 0 or 1.
pub fn message(schema: &Schema, descriptor: &MessageDescriptor, side: usize) -> DynamicMessage {
    let mut build = Build { schema, side, used: HashMap::new(), left: MOST };
    build.message(0, descriptor)
}

struct Build<'a> {
    schema: &'a Schema,
    side: usize,
    /// How often a field was asked for a value.
    used: HashMap<(usize, u32), usize>,
    left: usize,
}

impl Build<'_> {
    fn message(&mut self, at: usize, descriptor: &MessageDescriptor) -> DynamicMessage {
        let schema = self.schema;
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in &schema.messages[at].fields {
            let reflected = descriptor.get_field(field.number).expect("compiled from this schema");
            let used = self.used.entry((at, field.number)).or_default();
            *used += 1;
            let turn = *used - 1;
            let draws = field.values.iter().map(|sides| sides[self.side]);
            if matches!(field.cardinality, Cardinality::Repeated { .. }) {
                let draws: Vec<Draw> = draws.filter(|draw| draw.pick != 0).collect();
                let items: Vec<Value> = draws
                    .into_iter()
                    .filter_map(|draw| self.value(field, &reflected, draw))
                    .collect();
                message.set_field(&reflected, Value::List(items));
            } else if let Some(draw) =
                draws.cycle().nth(turn % field.values.len().max(1)).filter(|draw| draw.pick != 0)
                && let Some(value) = self.value(field, &reflected, draw)
            {
                message.set_field(&reflected, value);
            }
        }
        message
    }

    fn value(&mut self, field: &Field, reflected: &FieldDescriptor, draw: Draw) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        Some(match field.kind {
            Kind::Scalar(scalar) => {
                value::scalar(scalar, field.label.map(|label| label.semantic), draw)
            }
            Kind::Known(known) => value::known(known, reflected, draw),
            Kind::Message(at) => {
                let prost_reflect::Kind::Message(inner) = reflected.kind() else {
                    panic!("{} is no message", field.name)
                };
                Value::Message(self.message(at, &inner))
            }
        })
    }
}

/// Does a field stand in a message? As the reflection has it, but minus zero is a value.
pub fn stands(message: &DynamicMessage, field: &FieldDescriptor) -> bool {
    message.has_field(field)
        || match message.get_field(field).as_ref() {
            Value::F64(value) => value.to_bits() != 0,
            Value::F32(value) => value.to_bits() != 0,
            _ => false,
        }
}

/// The fields that stand, by number.
pub fn standing(message: &DynamicMessage) -> Vec<(FieldDescriptor, Value)> {
    let mut fields: Vec<_> = message
        .descriptor()
        .fields()
        .filter(|field| stands(message, field))
        .map(|field| (field.clone(), message.get_field(&field).into_owned()))
        .collect();
    fields.sort_by_key(|(field, _)| field.number());
    fields
}

/// The values of a field: the items of a list, or the one.
pub fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// Are two values one? NaN is itself, minus zero is not zero, and a default that was set is one that was not.
pub fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::F64(one), Value::F64(two)) => one.to_bits() == two.to_bits(),
        (Value::F32(one), Value::F32(two)) => one.to_bits() == two.to_bits(),
        (Value::Message(one), Value::Message(two)) => canonical(one) == canonical(two),
        (one, two) => one == two,
    }
}

/// A value as text.
pub fn show_value(value: &Value) -> String {
    match value {
        Value::Message(message) => format!("{{\n{}}}", show(message)),
        other => format!("{other:?}"),
    }
}

/// As text, for a person.
pub fn show(message: &DynamicMessage) -> String {
    let mut out = String::new();
    write_message(&mut out, message, 1);
    out
}

fn write_message(out: &mut String, message: &DynamicMessage, depth: usize) {
    for (field, value) in standing(message) {
        for item in items(&value) {
            let _ = write!(out, "{:width$}{}: ", "", field.name(), width = depth * 2);
            match item {
                Value::Message(inner) => {
                    out.push_str("{\n");
                    write_message(out, inner, depth + 1);
                    let _ = writeln!(out, "{:width$}}}", "", width = depth * 2);
                }
                Value::Bytes(bytes) => {
                    let _ = writeln!(out, "0x{}", hex::encode(bytes));
                }
                Value::F64(value) => {
                    let _ = writeln!(out, "{value:?}");
                }
                Value::String(text) => {
                    let _ = writeln!(out, "{text:?}");
                }
                other => {
                    let _ = writeln!(out, "{other:?}");
                }
            }
        }
    }
}
