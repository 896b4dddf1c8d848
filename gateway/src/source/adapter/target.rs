//! Field paths of a mapping to the tree that the encoder walks. `items.hs_code` means the first element of a
//! repeated message, as `items[0].hs_code` does; a list of values takes several columns or a `split`.

use std::collections::BTreeMap;

use portcullis_core::label::{
    Cardinality, FieldSpec, LeafKind, NodeId, RecordType, Semantic, Target as Leads,
};

use super::encode::{FieldPlan, Fill, MessagePlan};

/// Most elements of a repeated message that a mapping can fill.
const MOST_ELEMENTS: usize = 64;

/// Where a path leads.
pub struct Target {
    steps: Vec<Step>,
    /// Type of the field.
    pub kind: LeafKind,
    /// Takes several values.
    pub list: bool,
    /// The schema tells the field's default from nothing.
    pub presence: bool,
    /// What the value is; none inside a message that is treated whole.
    pub semantic: Option<Semantic>,
}

struct Step {
    number: u32,
    /// Element of a repeated message; 0 for a singular one.
    element: usize,
    oneof: Option<u16>,
}

/// Follows a path.
///
/// # Errors
/// What is wrong with it.
pub fn resolve(record_type: &RecordType, path: &str) -> Result<Target, String> {
    let mut node = NodeId(0);
    let mut message = Some(record_type.descriptor().clone());
    let mut steps = vec![];
    let mut segments = path.split('.').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        let (name, index) = split_index(segment)?;
        let spec = record_type
            .node(node)
            .and_then(|node| node.fields.iter().find(|field| field.name == name))
            .ok_or_else(|| format!("`{}` has no field `{path}`", record_type.name()))?;
        let field = message.as_ref().and_then(|message| message.get_field(spec.number));
        let list = spec.cardinality == Cardinality::Repeated;
        if index.is_some() && (last || !list) {
            return Err(format!("`{segment}`: only an element of a repeated message has an index"));
        }
        steps.push(Step { number: spec.number, element: index.unwrap_or(0), oneof: spec.oneof });
        match spec.target {
            _ if last => {
                let presence = field.is_some_and(|field| field.supports_presence());
                return finish(record_type, spec, presence, steps, path);
            }
            Leads::Node(inner) | Leads::Whole(_, inner) => {
                node = inner;
                message = field.and_then(|field| field.kind().as_message().cloned());
            }
            Leads::Leaf(_) => return Err(format!("`{name}` of `{path}` has no fields")),
        }
    }
    Err(format!("`{path}` is no field path"))
}

fn finish(
    record_type: &RecordType,
    spec: &FieldSpec,
    presence: bool,
    steps: Vec<Step>,
    path: &str,
) -> Result<Target, String> {
    let (Leads::Leaf(leaf) | Leads::Whole(leaf, _)) = spec.target else {
        return Err(format!("`{path}` is a message; name a field of it"));
    };
    let leaf = record_type.leaf(leaf);
    // Inside a message that is treated whole the path is longer than the leaf's.
    let own = leaf.filter(|leaf| leaf.path.split('.').count() == steps.len());
    Ok(Target {
        kind: spec.kind.clone(),
        list: spec.cardinality == Cardinality::Repeated,
        presence,
        semantic: own.map(|leaf| leaf.label.semantic),
        steps,
    })
}

fn split_index(segment: &str) -> Result<(&str, Option<usize>), String> {
    let Some((name, rest)) = segment.split_once('[') else { return Ok((segment, None)) };
    rest.strip_suffix(']')
        .and_then(|digits| digits.parse().ok())
        .filter(|index| *index < MOST_ELEMENTS)
        .map(|index| (name, Some(index)))
        .ok_or_else(|| format!("`{segment}`: an index is a number from 0 to {}", MOST_ELEMENTS - 1))
}

/// A message while targets are added to it.
#[derive(Default)]
pub struct Builder(BTreeMap<u32, (Option<u16>, Build)>);

enum Build {
    Values { kind: LeafKind, list: bool, presence: bool, bindings: Vec<usize> },
    Messages(BTreeMap<usize, Builder>),
}

impl Builder {
    /// Adds a binding.
    ///
    /// # Errors
    /// What it collides with.
    pub fn add(&mut self, target: &Target, binding: usize) -> Result<(), String> {
        self.step(&target.steps, target, binding)
    }

    fn step(&mut self, steps: &[Step], target: &Target, binding: usize) -> Result<(), String> {
        let Some((step, rest)) = steps.split_first() else { return Ok(()) };
        let taken = |(number, (oneof, _)): (&u32, &(Option<u16>, Build))| {
            *number != step.number && oneof.is_some() && *oneof == step.oneof
        };
        if self.0.iter().any(taken) {
            return Err("another member of its oneof is filled already".into());
        }
        let entry = self.0.entry(step.number);
        if rest.is_empty() {
            let (_, build) = entry.or_insert_with(|| {
                let Target { kind, list, presence, .. } = target;
                let (kind, list, presence) = (kind.clone(), *list, *presence);
                (step.oneof, Build::Values { kind, list, presence, bindings: vec![] })
            });
            match build {
                Build::Values { list, bindings, .. } if *list || bindings.is_empty() => {
                    bindings.push(binding);
                    return Ok(());
                }
                Build::Values { .. } | Build::Messages(_) => return Err("filled already".into()),
            }
        }
        let (_, build) = entry.or_insert_with(|| (step.oneof, Build::Messages(BTreeMap::new())));
        match build {
            Build::Messages(elements) => {
                elements.entry(step.element).or_default().step(rest, target, binding)
            }
            Build::Values { .. } => Err("filled already, as a whole".into()),
        }
    }

    /// The finished tree.
    pub fn build(self) -> MessagePlan {
        let field = |(number, (_, build)): (u32, (Option<u16>, Build))| FieldPlan {
            number,
            fill: match build {
                Build::Values { kind, list, presence, bindings } => {
                    Fill::Values { kind, list, presence, bindings }
                }
                Build::Messages(elements) => {
                    Fill::Messages(elements.into_values().map(Self::build).collect())
                }
            },
        };
        MessagePlan { fields: self.0.into_iter().map(field).collect() }
    }
}
