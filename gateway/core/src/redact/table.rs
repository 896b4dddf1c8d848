//! A plan compiled to tables: per node and field number, what to check and what to do. Built once per plan;
//! the engine only looks up.

use prost_reflect::{Kind, MessageDescriptor};

use super::wire::ScalarKind;
use super::{Level, Plan, TokenDomain, Treatment};
use crate::label::{
    Cardinality, FieldSpec, LeafId, LeafKind, NodeId, RecordType, Semantic, Target, Whole,
};

/// Field numbers below it are found without a look at how many there are.
pub(super) const NEAR: usize = 64;
/// Field numbers below it are found in one step.
const DENSE: usize = 1024;

/// A share of everything.
pub(super) const WHOLE: usize = 256;

/// One message at one path.
pub(super) struct Node {
    /// By field number, for the quick way; what it cannot do says so. Most numbers are small.
    pub(super) near: Box<[Quick; NEAR]>,
    far: Vec<Quick>,
    /// About how much of it comes out, of [`WHOLE`]: by leaves, since their sizes are not known.
    pub(super) share: usize,
    /// Words of slots beyond the first 64.
    pub(super) more_slots: usize,
    /// Field number -> position in `fields` plus one.
    dense: Vec<u16>,
    /// In ascending order of number.
    fields: Vec<FieldTable>,
}

impl Node {
    pub(super) fn field(&self, number: u32) -> Option<&FieldTable> {
        let wide = usize::try_from(number).ok()?;
        if wide < DENSE {
            let at = usize::from(*self.dense.get(wide)?);
            return self.fields.get(at.checked_sub(1)?);
        }
        let at = self.fields.binary_search_by_key(&number, |field| field.number).ok()?;
        self.fields.get(at)
    }

    /// A number beyond the near ones, for the quick way.
    #[inline]
    pub(super) fn far(&self, number: u32) -> Option<&Quick> {
        self.far.get(usize::try_from(number).ok()?.checked_sub(NEAR)?)
    }

    /// Whose tokens a field gets.
    pub(super) fn token(&self, number: u32) -> Option<TokenDomain> {
        match self.field(number)?.body {
            Body::Scalar { act: Act::Token(domain), .. } => Some(domain),
            _ => None,
        }
    }

    /// Are the values of a field written in one piece?
    pub(super) fn packed(&self, number: u32) -> bool {
        self.field(number).is_some_and(FieldTable::packed)
    }
}

/// What the quick way needs to know of a field.
#[derive(Clone, Copy)]
pub(super) struct Quick {
    /// The bit that it takes; none for a list.
    pub(super) slot: u64,
    /// Where a message leads, and when it stays.
    pub(super) node: NodeId,
    pub(super) keep: Keep,
    pub(super) check: Check,
    /// Is it UTF-8? Most fields are.
    pub(super) text: bool,
    pub(super) fate: Fate,
    /// A default is dropped.
    pub(super) implicit: bool,
    /// It comes out as it is from this weight on: the length of a text, 0 for a default.
    pub(super) least: u16,
    /// Number and wire type: the only tag that the quick way takes.
    pub(super) tag: u32,
}

/// How the quick way checks a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Any bytes, UTF-8 in a text.
    Bytes,
    /// Walked into.
    Message,
    /// 0 or 1.
    Bool,
    /// Below 2^31: a negative number is for the careful way.
    Int,
    /// Below 2^32.
    Short,
    /// Any varint.
    Varint,
    /// Four bytes.
    Four,
    /// Eight bytes.
    Eight,
    /// Not here.
    Careful,
    /// There is no such field.
    Unknown,
}

/// What the quick way does with a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    Skip,
    Token,
}

impl Quick {
    const NONE: Self = Self {
        slot: 0,
        node: NodeId(0),
        keep: Keep::Never,
        check: Check::Careful,
        text: false,
        fate: Fate::Skip,
        implicit: false,
        least: 0,
        tag: u32::MAX,
    };

    const UNKNOWN: Self = Self { check: Check::Unknown, ..Self::NONE };

    fn of(field: &FieldTable) -> Option<Self> {
        let slot = match field.slot {
            None => 0,
            Some(slot) => 1_u64.checked_shl(u32::try_from(slot.at).ok()?)?,
        };
        let mut quick = Self { slot, tag: field.number << 3 | 2, ..Self::NONE };
        match field.body {
            Body::Scalar { kind, implicit, act, .. } => {
                // Lists of numbers may stand in several ways.
                if field.repeated && kind.packable() {
                    return None;
                }
                quick.fate = match act {
                    Act::Copy => Fate::Keep,
                    Act::Drop => Fate::Skip,
                    Act::Token(_) => Fate::Token,
                    _ => return None,
                };
                quick.implicit = implicit;
                quick.least = match quick.fate {
                    Fate::Keep => implicit.into(),
                    Fate::Skip | Fate::Token => u16::MAX,
                };
                quick.tag = field.number << 3 | kind.wire_type();
                quick.text = kind == ScalarKind::String;
                quick.check = match kind {
                    ScalarKind::String | ScalarKind::Bytes => Check::Bytes,
                    ScalarKind::Bool => Check::Bool,
                    ScalarKind::Int32 => Check::Int,
                    ScalarKind::Uint32 | ScalarKind::Sint32 => Check::Short,
                    ScalarKind::Int64 | ScalarKind::Uint64 | ScalarKind::Sint64 => Check::Varint,
                    ScalarKind::Fixed32 | ScalarKind::Sfixed32 | ScalarKind::Float => Check::Four,
                    ScalarKind::Fixed64 | ScalarKind::Sfixed64 | ScalarKind::Double => Check::Eight,
                };
            }
            Body::Message { node, keep } => {
                (quick.check, quick.node, quick.keep) = (Check::Message, node, keep);
            }
            Body::Whole { node, act } => {
                (quick.check, quick.node) = (Check::Message, node);
                quick.keep = match act {
                    WholeAct::Copy => Keep::Always,
                    WholeAct::Drop => Keep::Never,
                    WholeAct::Present(_) | WholeAct::Generalise(..) => return None,
                };
            }
        }
        Some(quick)
    }
}

/// One field of it.
pub(super) struct FieldTable {
    pub(super) number: u32,
    pub(super) repeated: bool,
    /// Bit that may be taken once: the field's own, or its oneof's.
    pub(super) slot: Option<Slot>,
    pub(super) body: Body,
}

impl FieldTable {
    /// Are its values written in one piece?
    pub(super) fn packed(&self) -> bool {
        matches!(self.body, Body::Scalar { packed: true, .. })
    }
}

#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) at: usize,
    pub(super) oneof: bool,
}

/// What it holds.
pub(super) enum Body {
    Scalar {
        kind: ScalarKind,
        /// Absent and default are the same: a default on the wire is dropped.
        implicit: bool,
        /// Repeated values are written packed.
        packed: bool,
        act: Act,
    },
    Message {
        node: NodeId,
        keep: Keep,
    },
    Whole {
        node: NodeId,
        act: WholeAct,
    },
}

/// What happens to a scalar.
#[derive(Clone, Copy)]
pub(super) enum Act {
    Copy,
    Band,
    Text(Level),
    Mask(Semantic),
    Token(TokenDomain),
    Present(u32),
    Drop,
}

/// When a message that was walked into stays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Always: everything below is clear, or it is an element of a list and something below is told.
    Always,
    /// When something is left in it.
    Filled,
    /// Nothing below is told.
    Never,
}

/// What happens to a message that is treated whole.
#[derive(Clone, Copy)]
pub(super) enum WholeAct {
    Copy,
    Generalise(Whole, Level),
    Present(u32),
    Drop,
}

/// The tables of every node, in node order; and the number of presence bits.
pub(super) fn compile(plan: &Plan) -> (Vec<Node>, u32) {
    let record_type = plan.record_type();
    let mut bits = vec![None; record_type.leaves().len()];
    let mut count = 0;
    for (leaf, bit) in super::presence_bits(plan) {
        if let Some(slot) = bits.get_mut(leaf.index()) {
            *slot = Some(bit);
        }
        count = count.max(bit + 1);
    }
    let mut descriptors = vec![None; record_type.nodes().len()];
    describe(record_type, NodeId(0), record_type.descriptor(), &mut descriptors);
    let compiler = Compiler { plan, record_type, bits, descriptors };
    let mut nodes: Vec<_> = (0..record_type.nodes().len()).map(|at| compiler.node(at)).collect();
    let shares: Vec<_> = (0..nodes.len()).map(|at| leaves(&nodes, at)).collect();
    for (node, (told, all)) in nodes.iter_mut().zip(shares) {
        node.share = (told * WHOLE).checked_div(all).unwrap_or(WHOLE);
    }
    (nodes, count)
}

/// How many leaves below a node are told, and how many there are.
fn leaves(nodes: &[Node], at: usize) -> (usize, usize) {
    let fields = nodes.get(at).map_or(&[][..], |node| &node.fields);
    fields.iter().fold((0, 0), |(told, all), field| {
        let (more, of) = match field.body {
            Body::Scalar { act: Act::Drop | Act::Present(_), .. } => (0, 1),
            Body::Scalar { .. } => (1, 1),
            Body::Message { node, .. } | Body::Whole { node, .. } => leaves(nodes, node.index()),
        };
        (told + more, all + of)
    })
}

/// Nodes unfold messages, so each has one descriptor.
fn describe(
    record_type: &RecordType,
    id: NodeId,
    message: &MessageDescriptor,
    descriptors: &mut Vec<Option<MessageDescriptor>>,
) {
    if let Some(slot) = descriptors.get_mut(id.index()) {
        *slot = Some(message.clone());
    }
    for field in record_type.node(id).map_or(&[][..], |node| &node.fields) {
        let (Target::Node(inner) | Target::Whole(_, inner)) = field.target else { continue };
        if let Some(Kind::Message(below)) =
            message.get_field(field.number).map(|field| field.kind())
        {
            describe(record_type, inner, &below, descriptors);
        }
    }
}

struct Compiler<'a> {
    plan: &'a Plan,
    record_type: &'a RecordType,
    bits: Vec<Option<u32>>,
    descriptors: Vec<Option<MessageDescriptor>>,
}

impl Compiler<'_> {
    fn node(&self, at: usize) -> Node {
        let specs = self.record_type.nodes().get(at).map_or(&[][..], |node| &node.fields);
        let descriptor = self.descriptors.get(at).and_then(Option::as_ref);
        let oneofs = specs.iter().filter_map(|spec| spec.oneof).map(|at| usize::from(at) + 1).max();
        let mut slots = oneofs.unwrap_or(0);
        let mut fields = Vec::with_capacity(specs.len());
        for spec in specs {
            let slot = match (spec.cardinality, spec.oneof) {
                (Cardinality::Repeated, _) => None,
                (Cardinality::Singular, Some(oneof)) => {
                    Some(Slot { at: usize::from(oneof), oneof: true })
                }
                (Cardinality::Singular, None) => {
                    slots += 1;
                    Some(Slot { at: slots - 1, oneof: false })
                }
            };
            fields.push(FieldTable {
                number: spec.number,
                repeated: spec.cardinality == Cardinality::Repeated,
                slot,
                body: self.body(spec, descriptor),
            });
        }
        let (mut dense, mut far) = (vec![], vec![]);
        let mut near = Box::new([Quick::UNKNOWN; NEAR]);
        for (at, field) in fields.iter().enumerate() {
            let number = usize::try_from(field.number).unwrap_or(usize::MAX);
            if number < DENSE {
                dense.resize(dense.len().max(number + 1), 0);
                if let Some(slot) = dense.get_mut(number) {
                    *slot = u16::try_from(at + 1).unwrap_or(0);
                }
                let beyond = number.checked_sub(NEAR);
                if let Some(beyond) = beyond {
                    far.resize(far.len().max(beyond + 1), Quick::UNKNOWN);
                }
                let way = match beyond {
                    None => near.get_mut(number),
                    Some(beyond) => far.get_mut(beyond),
                };
                if let Some(way) = way {
                    *way = Quick::of(field).unwrap_or(Quick::NONE);
                }
            }
        }
        Node { near, far, share: WHOLE, more_slots: slots.saturating_sub(1) / 64, dense, fields }
    }

    fn body(&self, spec: &FieldSpec, descriptor: Option<&MessageDescriptor>) -> Body {
        let field = descriptor.and_then(|message| message.get_field(spec.number));
        match spec.target {
            Target::Leaf(leaf) => {
                let kind = ScalarKind::of(&spec.kind).unwrap_or(ScalarKind::Bytes);
                let repeated = spec.cardinality == Cardinality::Repeated;
                Body::Scalar {
                    kind,
                    implicit: !repeated
                        && field.as_ref().is_some_and(|field| !field.supports_presence()),
                    packed: kind.packable()
                        && field.as_ref().is_some_and(|field| field.is_packed()),
                    act: self.act(leaf),
                }
            }
            Target::Whole(leaf, node) => Body::Whole { node, act: self.whole(leaf, node) },
            Target::Node(node) => Body::Message { node, keep: self.keep(spec, node) },
        }
    }

    /// Also for the scalars inside a message that is treated whole: their leaf is the message's.
    fn act(&self, id: LeafId) -> Act {
        let Some(leaf) = self.record_type.leaf(id) else { return Act::Drop };
        let inside = matches!(leaf.kind, LeafKind::Whole(_));
        match self.plan.treatment(id) {
            Treatment::Clear => Act::Copy,
            Treatment::Generalise(_) if inside => Act::Copy,
            _ if inside => Act::Drop,
            Treatment::Generalise(Level::Band) => Act::Band,
            Treatment::Generalise(level) => Act::Text(level),
            Treatment::Mask => Act::Mask(leaf.label.semantic),
            Treatment::Pseudonymise => Act::Token(TokenDomain::Value(leaf.label.semantic)),
            Treatment::Presence => self.bit(id).map_or(Act::Drop, Act::Present),
            Treatment::Withhold => Act::Drop,
        }
    }

    fn whole(&self, id: LeafId, node: NodeId) -> WholeAct {
        let Some(leaf) = self.record_type.leaf(id) else { return WholeAct::Drop };
        let inside = self.record_type.node(node).is_none_or(|node| node.path != leaf.path);
        match (self.plan.treatment(id), Some(&leaf.kind)) {
            (Treatment::Clear, _) => WholeAct::Copy,
            (Treatment::Generalise(_), _) if inside => WholeAct::Copy,
            _ if inside => WholeAct::Drop,
            (Treatment::Generalise(level), Some(LeafKind::Whole(whole))) => {
                WholeAct::Generalise(*whole, level)
            }
            (Treatment::Presence, _) => self.bit(id).map_or(WholeAct::Drop, WholeAct::Present),
            _ => WholeAct::Drop,
        }
    }

    fn bit(&self, id: LeafId) -> Option<u32> {
        self.bits.get(id.index()).copied().flatten()
    }

    fn keep(&self, spec: &FieldSpec, node: NodeId) -> Keep {
        let (mut told, mut clear) = (false, true);
        self.below(node, &mut |treatment| {
            told |= !matches!(treatment, Treatment::Presence | Treatment::Withhold);
            clear &= treatment == Treatment::Clear;
        });
        match (told, clear, spec.cardinality) {
            (false, _, _) => Keep::Never,
            (true, true, _) | (true, false, Cardinality::Repeated) => Keep::Always,
            (true, false, Cardinality::Singular) => Keep::Filled,
        }
    }

    fn below(&self, node: NodeId, see: &mut impl FnMut(Treatment)) {
        for field in self.record_type.node(node).map_or(&[][..], |node| &node.fields) {
            match field.target {
                Target::Leaf(leaf) | Target::Whole(leaf, _) => see(self.plan.treatment(leaf)),
                Target::Node(inner) => self.below(inner, see),
            }
        }
    }
}
