//! The slow, obviously right redactor for plans of Clear, Presence and Withhold: decode, take away, encode.

use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

use super::super::{Plan, Treatment, presence_bits};

/// The message that is left, and the paths that have a value.
pub fn redact(plan: &Plan, message: &DynamicMessage) -> (DynamicMessage, Vec<u8>) {
    let mut had = vec![];
    let left = reduce(plan, message, "", &mut had);
    let bits = presence_bits(plan);
    let mut presence = vec![0_u8; bits.len().div_ceil(8)];
    for (leaf, bit) in bits {
        if had.contains(&plan.record_type().leaf(leaf).unwrap().path) {
            presence[bit as usize / 8] |= 1 << (bit % 8);
        }
    }
    (left, presence)
}

fn reduce(
    plan: &Plan,
    message: &DynamicMessage,
    above: &str,
    had: &mut Vec<String>,
) -> DynamicMessage {
    let mut left = DynamicMessage::new(message.descriptor());
    for field in message.descriptor().fields() {
        if !message.has_field(&field) {
            continue;
        }
        let value = message.get_field(&field).into_owned();
        let path = if above.is_empty() {
            field.name().to_owned()
        } else {
            format!("{above}.{}", field.name())
        };
        if let Some(leaf) = plan.record_type().leaf_by_path(&path) {
            had.push(path);
            if plan.treatment(leaf.id) == Treatment::Clear {
                left.set_field(&field, strip(value));
            }
            continue;
        }
        let below: Vec<Treatment> =
            plan.record_type().leaves_under(&path).map(|leaf| plan.treatment(leaf.id)).collect();
        let told = below.contains(&Treatment::Clear);
        let clear = below.iter().all(|treatment| *treatment == Treatment::Clear);
        match value {
            Value::List(items) => {
                let items: Vec<Value> = items
                    .iter()
                    .map(|item| {
                        Value::Message(reduce(plan, item.as_message().unwrap(), &path, had))
                    })
                    .collect();
                if told {
                    left.set_field(&field, Value::List(items));
                }
            }
            Value::Message(inner) => {
                let inner = reduce(plan, &inner, &path, had);
                if clear || (told && inner.fields().next().is_some()) {
                    left.set_field(&field, Value::Message(inner));
                }
            }
            other => panic!("{path} is no message: {other:?}"),
        }
    }
    left
}

/// Without unknown fields.
fn strip(value: Value) -> Value {
    match value {
        Value::Message(message) => {
            let mut left = DynamicMessage::new(message.descriptor());
            for (field, value) in message.fields() {
                left.set_field(&field, strip(value.clone()));
            }
            Value::Message(left)
        }
        Value::List(items) => Value::List(items.into_iter().map(strip).collect()),
        other => other,
    }
}
