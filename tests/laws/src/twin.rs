//! Twins: from a record and a stranger of the same type, a record that a plan cannot tell from the first.
//! All that the plan tells is the first's, all that it hides is the stranger's, or at least another value.

use std::collections::HashMap;

use portcullis_core::label::{Leaf, Semantic};
use portcullis_core::redact::{Plan, Treatment};
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage as _, Value};

use crate::oracle::{TOKENS, treat};
use crate::world::{items, same, stands};

/// A twin, and the tokens that stand for renamed values: the first record's, then the twin's.
pub struct Twin {
    /// The record.
    pub message: DynamicMessage,
    /// Pairs of tokens.
    pub renamed: Vec<(String, String)>,
}

/// Makes a twin.
pub fn twin(plan: &Plan, first: &DynamicMessage, stranger: &DynamicMessage) -> Twin {
    let paths = plan.record_type().leaves().iter().map(|leaf| (leaf.path.as_str(), leaf)).collect();
    let mut weave = Weave { plan, paths, renamed: vec![] };
    let message = weave.message(first, stranger, "");
    Twin { message, renamed: weave.renamed }
}

/// Puts the twin's tokens in the place of the first record's.
pub fn rename(bytes: &[u8], renamed: &[(String, String)]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let found = renamed.iter().find(|(from, _)| bytes[at..].starts_with(from.as_bytes()));
        if let Some((from, to)) = found {
            out[at..at + to.len()].copy_from_slice(to.as_bytes());
            at += from.len();
        } else {
            at += 1;
        }
    }
    out
}

struct Weave<'a> {
    plan: &'a Plan,
    paths: HashMap<&'a str, &'a Leaf>,
    renamed: Vec<(String, String)>,
}

impl Weave<'_> {
    fn message(
        &mut self,
        first: &DynamicMessage,
        stranger: &DynamicMessage,
        above: &str,
    ) -> DynamicMessage {
        let mut twin = DynamicMessage::new(first.descriptor());
        for field in first.descriptor().fields() {
            let path = if above.is_empty() {
                field.name().to_owned()
            } else {
                format!("{above}.{}", field.name())
            };
            let [own, other] = [first, stranger].map(|message| {
                stands(message, &field).then(|| message.get_field(&field).into_owned())
            });
            let from_first = own.is_some();
            let woven = match self.paths.get(path.as_str()).copied() {
                Some(leaf) => self.leaf(leaf, own, other),
                None => self.walk(&field, own, other, &path),
            };
            // A stranger's member of a oneof would drive out the first's, of which something is told.
            let taken = field.containing_oneof().is_some_and(|oneof| {
                oneof.fields().any(|member| member != field && twin.has_field(&member))
            });
            if let Some(woven) = woven
                && (from_first || !taken)
            {
                twin.set_field(&field, woven);
            }
        }
        twin
    }

    fn leaf(&mut self, leaf: &Leaf, own: Option<Value>, other: Option<Value>) -> Option<Value> {
        let treatment = self.plan.treatment(leaf.id);
        match treatment {
            Treatment::Clear => own,
            Treatment::Withhold => other,
            Treatment::Presence => own.map(|own| other.unwrap_or(own)),
            Treatment::Generalise(_) | Treatment::Mask => {
                let alike = |own: &Value, pool: &[Value]| {
                    another(treatment, leaf.label.semantic, own, pool)
                };
                let pool = other.as_ref().map_or(&[][..], items).to_vec();
                Some(match own {
                    Some(Value::List(values)) => {
                        let mut list: Vec<Value> =
                            values.iter().map(|own| alike(own, &pool)).collect();
                        // What has no image may stand in a list, or not.
                        let hidden = |value: &&Value| self.image(leaf, value).is_none();
                        list.extend(pool.iter().filter(hidden).cloned());
                        Value::List(list)
                    }
                    Some(own) => alike(&own, &pool),
                    // What has no image may stand, or not.
                    None => {
                        let value = other?;
                        if items(&value).iter().any(|value| self.image(leaf, value).is_some()) {
                            return None;
                        }
                        value
                    }
                })
            }
            Treatment::Pseudonymise => Some(match own? {
                Value::List(values) => Value::List(
                    values.into_iter().map(|own| self.renamed(leaf.label.semantic, own)).collect(),
                ),
                own => self.renamed(leaf.label.semantic, own),
            }),
        }
    }

    fn image(&self, leaf: &Leaf, value: &Value) -> Option<Value> {
        treat(self.plan.treatment(leaf.id), leaf.label.semantic, &TOKENS, value)
    }

    /// Every value of a semantic gets another name, and no two the same. An empty text stays: where it is
    /// the default it is no value.
    fn renamed(&mut self, semantic: Semantic, own: Value) -> Value {
        let Value::String(own) = own else { return own };
        let new = if own.is_empty() { String::new() } else { format!("~{own}") };
        self.renamed.push((TOKENS.value(semantic, &own), TOKENS.value(semantic, &new)));
        Value::String(new)
    }

    /// A message without a treatment of its own.
    fn walk(
        &mut self,
        field: &FieldDescriptor,
        own: Option<Value>,
        other: Option<Value>,
        path: &str,
    ) -> Option<Value> {
        let below = format!("{path}.");
        let treatments: Vec<Treatment> = self
            .paths
            .values()
            .filter(|leaf| leaf.path.starts_with(&below))
            .map(|leaf| self.plan.treatment(leaf.id))
            .collect();
        let all = |wanted: &[Treatment]| treatments.iter().all(|it| wanted.contains(it));
        if all(&[Treatment::Withhold]) {
            return other;
        }
        let untold = all(&[Treatment::Withhold, Treatment::Presence]);
        let strangers = other.as_ref().map_or(&[][..], items).to_vec();
        let stranger = |at: usize, like: &DynamicMessage| match strangers.get(at) {
            Some(Value::Message(stranger)) => stranger.clone(),
            _ => DynamicMessage::new(like.descriptor()),
        };
        match own {
            Some(Value::List(values)) => {
                let mut list = vec![];
                for (at, own) in values.iter().enumerate() {
                    let Value::Message(own) = own else { panic!("{path} holds messages") };
                    list.push(Value::Message(self.message(own, &stranger(at, own), path)));
                }
                // Of the number of elements nothing is told: two of one are one.
                if untold && !list.is_empty() {
                    list.extend(list.last().cloned());
                }
                Some(Value::List(list))
            }
            Some(Value::Message(own)) => {
                Some(Value::Message(self.message(&own, &stranger(0, &own), path)))
            }
            Some(other) => panic!("{path} is {other:?}"),
            // A message of which nothing is left may stand, or not; but where all of it is clear it is told,
            // and so is an element of a list.
            None if !all(&[Treatment::Clear]) && (untold || !field.is_list()) => {
                let woven = strangers.iter().filter_map(|stranger| match stranger {
                    Value::Message(stranger) => {
                        let none = DynamicMessage::new(stranger.descriptor());
                        Some(Value::Message(self.message(&none, stranger, path)))
                    }
                    _ => None,
                });
                let woven: Vec<Value> = woven.collect();
                if field.is_list() { Some(Value::List(woven)) } else { woven.into_iter().next() }
            }
            None => None,
        }
    }
}

/// Another value with the same image, out of a pool or near by; itself if none is found.
pub fn another(treatment: Treatment, semantic: Semantic, own: &Value, pool: &[Value]) -> Value {
    let image = |value: &Value| treat(treatment, semantic, &TOKENS, value);
    let right = image(own);
    let mut near = pool.to_vec();
    near.extend(neighbours(own));
    near.into_iter()
        .find(|value| !same(value, own) && !empty(value) && alike(&image(value), &right))
        .unwrap_or_else(|| own.clone())
}

/// Are two images one?
pub fn alike(one: &Option<Value>, two: &Option<Value>) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => same(one, two),
        (one, two) => one.is_none() && two.is_none(),
    }
}

/// A default may not stand at all, so it is no other value.
fn empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::I32(0) | Value::I64(0) | Value::U32(0) | Value::U64(0) => true,
        _ => false,
    }
}

/// Values that differ from one in what a coarser image may lose.
pub fn neighbours(own: &Value) -> Vec<Value> {
    match own {
        Value::String(own) => texts(own).into_iter().map(Value::String).collect(),
        Value::I32(own) => {
            [1, -1].iter().filter_map(|by| own.checked_add(*by)).map(Value::I32).collect()
        }
        Value::I64(own) => {
            [1, -1].iter().filter_map(|by| own.checked_add(*by)).map(Value::I64).collect()
        }
        Value::U32(own) => {
            [1, -1].iter().filter_map(|by| own.checked_add_signed(*by)).map(Value::U32).collect()
        }
        Value::U64(own) => {
            [1, -1].iter().filter_map(|by| own.checked_add_signed(*by)).map(Value::U64).collect()
        }
        Value::Message(own) => messages(own),
        _ => vec![],
    }
}

fn texts(own: &str) -> Vec<String> {
    let chars: Vec<char> = own.chars().collect();
    let keep = |count: usize, rest: &str| {
        chars.iter().take(count).chain(&rest.chars().collect::<Vec<_>>()).collect::<String>()
    };
    let mut near = vec![
        format!("Z{own}"),
        keep(4, "7777"),
        keep(2, "7777"),
        keep(2, "ZZ7"),
        keep(4, "7654321"),
        keep(4, "1234567"),
        keep(5, ".z9"),
        keep(3, "77.z9"),
        keep(1, "B777"),
        "another text".into(),
    ];
    if chars.len() >= 2 {
        let last: String = chars[chars.len() - 2..].iter().collect();
        near.push(format!("another {last}"));
    }
    near
}

fn messages(own: &DynamicMessage) -> Vec<Value> {
    let mut near = vec![];
    for field in own.descriptor().fields() {
        let value = own.get_field(&field).into_owned();
        let others: Vec<Value> = match value {
            Value::I64(value) => [1, -1, 3600, -3600, 86_400, -86_400, 40 * 86_400, -40 * 86_400]
                .iter()
                .filter_map(|by| value.checked_add(*by))
                .map(Value::I64)
                .collect(),
            Value::I32(value) => [1, -1, 500_000]
                .iter()
                .filter_map(|by| value.checked_add(*by))
                .map(Value::I32)
                .collect(),
            Value::F64(value) => [0.01, -0.01, 0.2, -0.2, 3.0, -3.0]
                .iter()
                .map(|by| Value::F64(value + by))
                .collect(),
            Value::String(_) if field.name() != "country" => {
                vec![Value::String("another text".into())]
            }
            Value::List(_) => vec![Value::List(vec![Value::String("another line".into())])],
            _ => vec![],
        };
        for other in others {
            let mut message = own.clone();
            message.set_field(&field, other);
            near.push(Value::Message(message));
        }
    }
    near
}
