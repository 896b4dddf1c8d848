//! The redactor: one forward pass over a record's bytes, driven by the tables of a compiled plan. No message
//! is built and, past the first records, nothing allocated but what a token needs.
//!
//! What comes out depends on the values that the plan tells and on nothing else, not even on how the source
//! spelled them: fields stand in ascending order, defaults of fields without presence are dropped, packed
//! values stand in one piece, unknown fields are gone. Hidden fields are checked as strictly as clear ones,
//! so that a refusal does not depend on the plan.
//!
//! A message that is walked into is no leaf and has no treatment. Nothing below it told (Presence and
//! Withhold): neither the message nor the number of its elements comes out. Otherwise the elements of a list
//! are all kept, so their number is told, and a message that may stand once is kept when something is left
//! in it, or when all below it is clear.

use std::fmt;
use std::sync::Arc;

use super::generalise::{self, Whole as Coarse};
use super::table::{Act, Body, FieldTable, Keep, NodeTable, Slot, WholeAct, compile};
use super::wire::{Reader, Refusal, Scalar, ScalarKind, WireValue};
use super::write::{Open, tag, tidy, varint};
use super::{Plan, ScopeKey, mask};
use crate::label::NodeId;

/// Largest record.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
/// Most fields of a record, those of nested messages included, packed values not.
pub const MAX_RECORD_FIELDS: usize = 1 << 16;

/// A plan, compiled for bytes.
pub struct Redactor {
    plan: Arc<Plan>,
    nodes: Vec<NodeTable>,
    presence_bytes: usize,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({})", self.plan.hash())
    }
}

impl Redactor {
    /// Compiles a plan; keep the result as long as the plan.
    pub fn compile(plan: Arc<Plan>) -> Self {
        let (nodes, bits) = compile(&plan);
        Self { plan, nodes, presence_bytes: usize::try_from(bits.div_ceil(8)).unwrap_or(0) }
    }

    /// The plan that it applies.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Redacts one record. `out` and `presence` are replaced; the size of `presence` depends on the plan
    /// alone. After a refusal both are empty.
    ///
    /// # Errors
    /// The cause for which the record is refused. It depends on the record type and the bytes alone, but for
    /// keys of another scope than the plan's.
    pub fn redact(
        &self,
        keys: &ScopeKey,
        payload: &[u8],
        out: &mut Vec<u8>,
        presence: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        out.clear();
        presence.clear();
        if keys.scope() != self.plan.scope() {
            return Err(Refusal::ForeignPlan);
        }
        if payload.len() > MAX_RECORD_BYTES {
            return Err(Refusal::TooLarge);
        }
        presence.resize(self.presence_bytes, 0);
        let mut pass = Pass { nodes: &self.nodes, keys, out, presence, fields: MAX_RECORD_FIELDS };
        let done = pass.message(NodeId(0), payload);
        if done.is_err() {
            out.clear();
            presence.clear();
        }
        done
    }
}

struct Pass<'a> {
    nodes: &'a [NodeTable],
    keys: &'a ScopeKey,
    out: &'a mut Vec<u8>,
    presence: &'a mut Vec<u8>,
    /// How many more fields are allowed.
    fields: usize,
}

impl<'a> Pass<'a> {
    /// Appends what is left of a message.
    fn message(&mut self, id: NodeId, bytes: &[u8]) -> Result<(), Refusal> {
        let nodes: &'a [NodeTable] = self.nodes;
        // INVARIANT: there is a table for every node. Without one, nothing would be told.
        let Some(node) = nodes.get(id.index()) else { return Ok(()) };
        let mut reader = Reader::new(bytes);
        let mut seen = Seen::new(node.slots);
        let (from, mut last, mut untidy) = (self.out.len(), 0, false);
        loop {
            let start = reader.position();
            let Some((number, value)) = reader.next_field()? else { break };
            self.fields = self.fields.checked_sub(1).ok_or(Refusal::TooManyFields)?;
            let Some(field) = node.field(number) else { continue };
            if let Some(slot) = field.slot {
                seen.take(slot)?;
            }
            let before = self.out.len();
            self.field(field, value, reader.since(start))?;
            if self.out.len() > before {
                untidy |= number < last || (number == last && field.packed());
                last = number;
            }
        }
        if untidy {
            tidy(self.out, from, |number| node.field(number).is_some_and(FieldTable::packed));
        }
        Ok(())
    }

    fn field(
        &mut self,
        field: &FieldTable,
        value: WireValue<'_>,
        span: &[u8],
    ) -> Result<(), Refusal> {
        match (&field.body, value) {
            (&Body::Scalar { kind, implicit, packed, act }, _) => {
                self.scalar(field, (kind, implicit, packed), act, value, span)
            }
            (&Body::Message { node, keep }, WireValue::Bytes(inner)) => {
                let before = self.out.len();
                let open = Open::begin(self.out, field.number, inner.len());
                self.message(node, inner)?;
                match keep {
                    Keep::Never => self.out.truncate(before),
                    Keep::Filled if open.is_empty(self.out) => self.out.truncate(before),
                    Keep::Filled | Keep::Always => open.end(self.out),
                }
                Ok(())
            }
            (&Body::Whole { node, act }, WireValue::Bytes(inner)) => {
                self.whole(field, node, act, inner)
            }
            _ => Err(Refusal::WireType),
        }
    }

    fn whole(
        &mut self,
        field: &FieldTable,
        node: NodeId,
        act: WholeAct,
        inner: &[u8],
    ) -> Result<(), Refusal> {
        let before = self.out.len();
        let open = Open::begin(self.out, field.number, inner.len());
        self.message(node, inner)?;
        match act {
            WholeAct::Copy => open.end(self.out),
            WholeAct::Generalise(whole, level) => {
                let coarse = Coarse::of(whole, level, open.content(self.out));
                self.out.truncate(before);
                if let Some(coarse) = coarse {
                    let open = Open::begin(self.out, field.number, 0);
                    coarse.append(self.out);
                    open.end(self.out);
                }
            }
            WholeAct::Present(bit) => {
                self.out.truncate(before);
                self.present(bit);
            }
            WholeAct::Drop => self.out.truncate(before),
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        field: &FieldTable,
        (kind, implicit, packed): (ScalarKind, bool, bool),
        act: Act,
        value: WireValue<'_>,
        span: &[u8],
    ) -> Result<(), Refusal> {
        match value {
            WireValue::Bytes(chunk) if field.repeated && kind.packable() => {
                self.chunk(field, kind, packed, act, chunk)
            }
            _ => {
                let scalar = kind.read(value)?;
                if implicit && scalar.is_default() {
                    return Ok(());
                }
                if matches!(act, Act::Copy) && !packed {
                    self.out.extend_from_slice(span);
                } else if packed {
                    let raw = span.get(tag(field.number, 0).len()..).unwrap_or_default();
                    let open = Open::begin(self.out, field.number, raw.len());
                    self.value(kind, act, scalar, raw);
                    open.end_unless_empty(self.out);
                } else {
                    self.tagged(field.number, kind, act, scalar, &[]);
                }
                Ok(())
            }
        }
    }

    /// Several values in one piece; they come out as the schema says, packed or not.
    fn chunk(
        &mut self,
        field: &FieldTable,
        kind: ScalarKind,
        packed: bool,
        act: Act,
        chunk: &[u8],
    ) -> Result<(), Refusal> {
        let mut values = kind.packed(chunk);
        let open = packed.then(|| Open::begin(self.out, field.number, chunk.len()));
        while let Some((scalar, raw)) = values.next_value()? {
            if packed {
                self.value(kind, act, scalar, raw);
            } else {
                self.tagged(field.number, kind, act, scalar, raw);
            }
        }
        if let Some(open) = open {
            open.end_unless_empty(self.out);
        }
        Ok(())
    }

    /// Appends tag and value, or neither.
    fn tagged(&mut self, number: u32, kind: ScalarKind, act: Act, scalar: Scalar<'_>, raw: &[u8]) {
        let before = self.out.len();
        self.out.extend_from_slice(tag(number, kind.wire_type()).as_slice());
        if !self.value(kind, act, scalar, raw) {
            self.out.truncate(before);
        }
    }

    /// Appends what is left of a value, without tag. False: nothing.
    fn value(&mut self, kind: ScalarKind, act: Act, scalar: Scalar<'_>, raw: &[u8]) -> bool {
        match (act, scalar) {
            (Act::Copy, _) => {
                self.out.extend_from_slice(raw);
                true
            }
            (Act::Band, scalar) => generalise::band(kind, scalar, self.out),
            (Act::Text(level), Scalar::Text(text)) => {
                generalise::text(level, text).is_some_and(|kept| self.text(kept.as_bytes()))
            }
            (Act::Mask(semantic), Scalar::Text(text)) => {
                self.text(mask::filler(semantic, text).as_slice())
            }
            (Act::Token(domain), Scalar::Text(text)) => {
                varint(self.out, super::pseudonym::TOKEN_CHARS as u64);
                self.keys.append_token(domain, text, self.out);
                true
            }
            (Act::Present(bit), _) => {
                self.present(bit);
                false
            }
            (Act::Text(_) | Act::Mask(_) | Act::Token(_) | Act::Drop, _) => false,
        }
    }

    fn text(&mut self, text: &[u8]) -> bool {
        varint(self.out, text.len() as u64);
        self.out.extend_from_slice(text);
        true
    }

    fn present(&mut self, bit: u32) {
        let at = usize::try_from(bit / 8).unwrap_or(usize::MAX);
        if let Some(byte) = self.presence.get_mut(at) {
            *byte |= 1 << (bit % 8);
        }
    }
}

impl FieldTable {
    fn packed(&self) -> bool {
        matches!(self.body, Body::Scalar { packed: true, .. })
    }
}

/// Which slots of a message are taken.
struct Seen {
    first: u64,
    rest: Vec<u64>,
}

impl Seen {
    fn new(slots: usize) -> Self {
        Self { first: 0, rest: vec![0; slots.saturating_sub(1) / 64] }
    }

    fn take(&mut self, slot: Slot) -> Result<(), Refusal> {
        let word = match (slot.at / 64).checked_sub(1) {
            None => Some(&mut self.first),
            Some(at) => self.rest.get_mut(at),
        };
        let bit = 1_u64 << (slot.at % 64);
        let twice = if slot.oneof { Refusal::OneofTwice } else { Refusal::FieldTwice };
        match word {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                Ok(())
            }
            _ => Err(twice),
        }
    }
}
