//! What a plan leaves of a message.

use std::collections::HashMap;

use portcullis_core::label::{Leaf, LeafId, Semantic};
use portcullis_core::redact::{Plan, Treatment, presence_bits};
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

use super::{Tokens, generalise, mask};
use crate::world::{items, standing};

/// What is left of a record.
pub struct Left {
    /// The message.
    pub message: DynamicMessage,
    /// The bitmap of the leaves of which only presence is told.
    pub presence: Vec<u8>,
}

/// Applies a plan.
pub fn reduce(plan: &Plan, tokens: &Tokens, message: &DynamicMessage) -> Left {
    let paths = plan.record_type().leaves().iter().map(|leaf| (leaf.path.as_str(), leaf)).collect();
    let bits = presence_bits(plan);
    let presence = vec![0; bits.len().div_ceil(8)];
    let mut reduction =
        Reduction { plan, tokens, paths, bits: bits.into_iter().collect(), presence };
    let message = reduction.message(message, "");
    Left { message, presence: reduction.presence }
}

struct Reduction<'a> {
    plan: &'a Plan,
    tokens: &'a Tokens,
    paths: HashMap<&'a str, &'a Leaf>,
    bits: HashMap<LeafId, u32>,
    presence: Vec<u8>,
}

impl Reduction<'_> {
    fn message(&mut self, message: &DynamicMessage, above: &str) -> DynamicMessage {
        let mut left = DynamicMessage::new(message.descriptor());
        for (field, value) in standing(message) {
            let path = if above.is_empty() {
                field.name().to_owned()
            } else {
                format!("{above}.{}", field.name())
            };
            let kept: Vec<Value> = match self.paths.get(path.as_str()).copied() {
                Some(leaf) => self.leaf(leaf, items(&value)),
                None => self.walk(&path, field.is_list(), items(&value)),
            };
            if field.is_list() {
                left.set_field(&field, Value::List(kept));
            } else if let Some(kept) = kept.into_iter().next() {
                left.set_field(&field, kept);
            }
        }
        left
    }

    fn leaf(&mut self, leaf: &Leaf, values: &[Value]) -> Vec<Value> {
        let treatment = self.plan.treatment(leaf.id);
        if let Some(bit) = self.bits.get(&leaf.id) {
            self.presence[*bit as usize / 8] |= 1 << (bit % 8);
        }
        let semantic = leaf.label.semantic;
        values.iter().filter_map(|value| treat(treatment, semantic, self.tokens, value)).collect()
    }

    /// A message has no treatment of its own: what is told below it decides whether it stays.
    fn walk(&mut self, path: &str, list: bool, values: &[Value]) -> Vec<Value> {
        let below = format!("{path}.");
        let treatments: Vec<Treatment> = self
            .plan
            .record_type()
            .leaves()
            .iter()
            .filter(|leaf| leaf.path.starts_with(&below))
            .map(|leaf| self.plan.treatment(leaf.id))
            .collect();
        let told = treatments
            .iter()
            .any(|treatment| !matches!(treatment, Treatment::Presence | Treatment::Withhold));
        let clear = treatments.iter().all(|treatment| *treatment == Treatment::Clear);
        let mut kept = vec![];
        for value in values {
            let Value::Message(inner) = value else { panic!("{path} is no message") };
            let inner = self.message(inner, path);
            let filled = !standing(&inner).is_empty();
            if told && (list || clear || filled) {
                kept.push(Value::Message(inner));
            }
        }
        kept
    }
}

/// What a treatment leaves of one value.
pub fn treat(
    treatment: Treatment,
    semantic: Semantic,
    tokens: &Tokens,
    value: &Value,
) -> Option<Value> {
    match (treatment, value) {
        (Treatment::Clear, value) => Some(value.clone()),
        (Treatment::Generalise(level), value) => generalise(semantic, level, value),
        (Treatment::Mask, Value::String(text)) => Some(Value::String(mask(semantic, text))),
        (Treatment::Pseudonymise, Value::String(text)) => {
            Some(Value::String(tokens.value(semantic, text)))
        }
        _ => None,
    }
}
