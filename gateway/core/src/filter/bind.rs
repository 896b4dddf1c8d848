//! Binding: a filter tied to a record type and to the fields that its requester may use.

use std::fmt;
use std::sync::Arc;

use prost_reflect::Kind;

use super::literal::{Wanted, is_ordered};
use super::{Filter, FilterError, Literal, Op};
use crate::label::{Leaf, LeafId, LeafKind, RecordType, Target};
use crate::redact::Plan;

/// A filter that can be evaluated. Holding one means that every field in it was found usable.
#[derive(Clone)]
pub struct BoundFilter {
    pub(super) record_type: Arc<RecordType>,
    pub(super) root: Bound,
    pub(super) tests: Vec<Test>,
    leaves: Vec<LeafId>,
    /// By leaf: its tests, as positions in `tests`.
    pub(super) tests_of_leaf: Vec<Vec<usize>>,
    /// By leaf: has it explicit presence? Then its default is a value.
    pub(super) explicit: Vec<bool>,
    /// By node: is a leaf of the filter below it?
    pub(super) wanted_nodes: Vec<bool>,
}

/// The tree over the outcomes of the tests.
#[derive(Clone)]
pub(super) enum Bound {
    Test(usize),
    All(Vec<Bound>),
    Any(Vec<Bound>),
    Not(Box<Bound>),
}

/// One comparison of one leaf.
#[derive(Clone)]
pub(super) struct Test {
    pub(super) leaf: LeafId,
    pub(super) check: Check,
}

#[derive(Clone)]
pub(super) enum Check {
    Compare(Op, Wanted),
    In(Vec<Wanted>),
    Prefix(String),
}

impl Filter {
    /// Ties the filter to a record type. `usable` says which leaves the requester may name.
    ///
    /// # Errors
    /// What [`Filter::check_shape`] finds; else, after every leaf was looked at in the same way,
    /// [`FilterError::FieldNotUsable`] with the first path (as the requester wrote it) that is unknown, names
    /// a message, is not usable, or is used with a literal or operator that does not fit.
    pub fn bind(
        &self,
        record_type: &Arc<RecordType>,
        usable: &dyn Fn(LeafId) -> bool,
    ) -> Result<BoundFilter, FilterError> {
        self.check_shape()?;
        let mut binder = Binder { record_type, usable, tests: vec![], refused: None };
        let root = binder.bind(self);
        match binder.refused {
            Some(path) => Err(FilterError::FieldNotUsable { path }),
            None => Ok(BoundFilter::new(record_type.clone(), root, binder.tests)),
        }
    }
}

impl BoundFilter {
    /// The leaves it names, each once, in schema order.
    pub fn leaves(&self) -> &[LeafId] {
        &self.leaves
    }

    /// The record type it is bound to.
    pub fn record_type(&self) -> &Arc<RecordType> {
        &self.record_type
    }

    /// How many guesses it makes at values that the plan lets be matched without showing them: one for each
    /// literal compared with such a leaf.
    pub fn probes(&self, plan: &Plan) -> u64 {
        self.tests
            .iter()
            .filter(|test| plan.field(test.leaf).is_none_or(|field| field.probe))
            .map(|test| match &test.check {
                Check::In(values) => values.len() as u64,
                Check::Compare(..) | Check::Prefix(_) => 1,
            })
            .sum()
    }

    /// The first path that is compared by more than equality although the plan only lets it be matched:
    /// with an order or a prefix a few guesses would find the value of every record at once.
    pub fn beyond_equality(&self, plan: &Plan) -> Option<&str> {
        let equality = |check: &Check| {
            matches!(check, Check::In(_) | Check::Compare(Op::Equal | Op::NotEqual, _))
        };
        let test = self.tests.iter().find(|test| {
            !equality(&test.check) && plan.field(test.leaf).is_none_or(|field| field.probe)
        })?;
        self.record_type.leaf(test.leaf).map(|leaf| leaf.path.as_str())
    }

    fn new(record_type: Arc<RecordType>, root: Bound, tests: Vec<Test>) -> Self {
        let mut leaves: Vec<LeafId> = tests.iter().map(|test| test.leaf).collect();
        leaves.sort_unstable();
        leaves.dedup();
        let mut tests_of_leaf = vec![vec![]; record_type.leaves().len()];
        for (at, test) in tests.iter().enumerate() {
            if let Some(list) = tests_of_leaf.get_mut(test.leaf.index()) {
                list.push(at);
            }
        }
        let explicit =
            record_type.leaves().iter().map(|leaf| has_presence(&record_type, leaf)).collect();
        let wanted_nodes = wanted_nodes(&record_type, &leaves);
        Self { record_type, root, tests, leaves, tests_of_leaf, explicit, wanted_nodes }
    }
}

impl fmt::Debug for BoundFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self
            .leaves
            .iter()
            .filter_map(|leaf| self.record_type.leaf(*leaf))
            .map(|leaf| &leaf.path);
        f.write_str("BoundFilter")?;
        f.debug_list().entries(paths).finish()
    }
}

struct Binder<'a> {
    record_type: &'a RecordType,
    usable: &'a dyn Fn(LeafId) -> bool,
    tests: Vec<Test>,
    refused: Option<String>,
}

impl Binder<'_> {
    fn bind(&mut self, filter: &Filter) -> Bound {
        match filter {
            Filter::Compare { path, op, value } => self.test(path, |kind| {
                let fits = !op.orders() || is_ordered(kind);
                value.wanted(kind).filter(|_| fits).map(|wanted| Check::Compare(*op, wanted))
            }),
            Filter::In { path, values } => self.test(path, |kind| {
                let wanted: Vec<_> =
                    values.iter().filter_map(|value: &Literal| value.wanted(kind)).collect();
                (wanted.len() == values.len()).then_some(Check::In(wanted))
            }),
            Filter::Prefix { path, prefix } => self.test(path, |kind| {
                matches!(kind, LeafKind::String).then(|| Check::Prefix(prefix.clone()))
            }),
            Filter::All(filters) => {
                Bound::All(filters.iter().map(|filter| self.bind(filter)).collect())
            }
            Filter::Any(filters) => {
                Bound::Any(filters.iter().map(|filter| self.bind(filter)).collect())
            }
            Filter::Not(filter) => Bound::Not(Box::new(self.bind(filter))),
        }
    }

    /// Looks at one use of a field. A refusal is kept for later, and binding goes on.
    fn test(&mut self, path: &str, check: impl Fn(&LeafKind) -> Option<Check>) -> Bound {
        let leaf = self.record_type.leaf_by_path(path);
        let usable = leaf.is_some_and(|leaf| (self.usable)(leaf.id));
        let check = leaf.and_then(|leaf| check(&leaf.kind));
        match (leaf, check) {
            (Some(leaf), Some(check)) if usable => {
                self.tests.push(Test { leaf: leaf.id, check });
                Bound::Test(self.tests.len() - 1)
            }
            _ => {
                self.refused.get_or_insert_with(|| path.to_owned());
                Bound::Any(vec![])
            }
        }
    }
}

/// Can the leaf's field tell its default from nothing? Repeated fields count as such: their elements are
/// always values.
fn has_presence(record_type: &RecordType, leaf: &Leaf) -> bool {
    let mut message = record_type.descriptor().clone();
    let mut presence = false;
    for name in leaf.path.split('.') {
        let Some(field) = message.get_field_by_name(name) else { return presence };
        presence = field.supports_presence() || field.is_list();
        match field.kind() {
            Kind::Message(inner) => message = inner,
            _ => return presence,
        }
    }
    presence
}

pub(super) fn wanted_nodes(record_type: &RecordType, leaves: &[LeafId]) -> Vec<bool> {
    let mut wanted = vec![false; record_type.nodes().len()];
    // Registration numbers a node before the nodes below it, so going backwards meets children first.
    for at in (0..wanted.len()).rev() {
        let below = record_type.nodes().get(at).is_some_and(|node| {
            node.fields.iter().any(|field| match field.target {
                Target::Leaf(leaf) | Target::Whole(leaf, _) => leaves.binary_search(&leaf).is_ok(),
                Target::Node(node) => wanted.get(node.index()).copied().unwrap_or(false),
            })
        });
        if let Some(slot) = wanted.get_mut(at) {
            *slot = below;
        }
    }
    wanted
}
