//! The careful way of the pass: one field of any shape, with the cause of whatever is wrong with it, and every
//! treatment that makes something new of a value.
//!
//! The order of the checks decides which cause a record with several faults is refused for: number, value as
//! it stands on the wire, number of fields, field twice, wire type, the value for its type.

use super::generalise::{self, Whole as Coarse};
use super::mask;
use super::pass::{Had, Pass};
use super::table::{Act, Body, FieldTable, Keep, Node, Slot, WholeAct};
use super::wire::{Reader, Refusal, Scalar, ScalarKind, WireValue};
use super::write::{Open, tag, varint};
use crate::label::NodeId;

/// Where a field stands in the input.
#[derive(Clone, Copy)]
struct Span {
    at: usize,
    next: usize,
}

/// How the values of a field stand and what happens to them.
#[derive(Clone, Copy)]
struct Values {
    number: u32,
    kind: ScalarKind,
    implicit: bool,
    packed: bool,
    act: Act,
}

impl<'a> Pass<'a> {
    /// One field, from its first byte. Returns where the next one begins.
    #[inline(never)]
    pub(super) fn careful(
        &mut self,
        node: &'a Node,
        bytes: &'a [u8],
        at: usize,
        outer: usize,
        mut had: Had,
    ) -> Result<(usize, Had), Refusal> {
        let mut reader = Reader::starting(bytes, at);
        let Some((number, value)) = reader.next_field()? else { return Ok((bytes.len(), had)) };
        let span = Span { at, next: reader.position() };
        self.fields = self.fields.checked_sub(1).ok_or(Refusal::TooManyFields)?;
        let Some(field) = node.field(number) else {
            self.skip(span.at, span.next);
            return Ok((span.next, had));
        };
        if let Some(slot) = field.slot {
            self.take(slot, outer, &mut had)?;
        }
        let told = match (&field.body, value) {
            (&Body::Scalar { kind, implicit, packed, act }, value) => {
                let values = Values { number, kind, implicit, packed, act };
                match value {
                    WireValue::Bytes(chunk) if field.repeated && kind.packable() => {
                        self.chunk(values, chunk, span)?
                    }
                    value => self.scalar(values, kind.read(value)?, span)?,
                }
            }
            (&Body::Message { node, keep }, WireValue::Bytes(inner)) => {
                self.nested(node, keep, span.at, span.next - inner.len(), span.next)?
            }
            (&Body::Whole { node, act }, WireValue::Bytes(inner)) => {
                self.whole(field, node, act, span, inner.len())?
            }
            _ => return Err(Refusal::WireType),
        };
        if told {
            had.told(number, field.packed());
        }
        Ok((span.next, had))
    }

    fn take(&mut self, slot: Slot, outer: usize, had: &mut Had) -> Result<(), Refusal> {
        let word = match (slot.at / 64).checked_sub(1) {
            None => Some(&mut had.slots),
            Some(at) => self.wide.get_mut(outer + at),
        };
        let bit = 1_u64 << (slot.at % 64);
        match word {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                Ok(())
            }
            _ if slot.oneof => Err(Refusal::OneofTwice),
            _ => Err(Refusal::FieldTwice),
        }
    }

    /// What is behind a message that is treated whole. True: something came out.
    fn whole(
        &mut self,
        field: &FieldTable,
        node: NodeId,
        act: WholeAct,
        span: Span,
        length: usize,
    ) -> Result<bool, Refusal> {
        let (Span { at, next }, content) = (span, span.next - length);
        match act {
            WholeAct::Copy => self.nested(node, Keep::Always, at, content, next),
            WholeAct::Drop => self.nested(node, Keep::Never, at, content, next),
            WholeAct::Present(bit) => {
                self.nested(node, Keep::Never, at, content, next)?;
                self.present(bit);
                Ok(false)
            }
            WholeAct::Generalise(whole, level) => {
                let head = self.place(at);
                self.nested(node, Keep::Always, at, content, next)?;
                self.flush(next);
                let coarse = Reader::new(self.out.get(head..).unwrap_or_default())
                    .next_field()
                    .ok()
                    .flatten()
                    .and_then(|(_, value)| match value {
                        WireValue::Bytes(inner) => Coarse::of(whole, level, inner),
                        _ => None,
                    });
                self.out.truncate(head);
                let Some(coarse) = coarse else { return Ok(false) };
                let open = Open::begin(self.out, field.number, 0);
                coarse.append(self.out);
                open.end(self.out);
                Ok(true)
            }
        }
    }

    /// One value that stands by itself. True: something came out.
    fn scalar(&mut self, values: Values, scalar: Scalar<'_>, span: Span) -> Result<bool, Refusal> {
        if (values.implicit && scalar.is_default()) || matches!(values.act, Act::Drop) {
            self.skip(span.at, span.next);
            return Ok(false);
        }
        if matches!(values.act, Act::Copy) && !values.packed {
            return Ok(true);
        }
        self.skip(span.at, span.next);
        let before = self.out.len();
        if values.packed {
            let head = tag(values.number, 0).len();
            let raw = self.input.get(span.at + head..span.next).unwrap_or_default();
            let open = Open::begin(self.out, values.number, raw.len());
            self.value(values, scalar, raw);
            open.end_unless_empty(self.out);
        } else {
            self.tagged(values, scalar, &[]);
        }
        Ok(self.out.len() > before)
    }

    /// Several values in one piece; they come out as the schema says, packed or not. True: something did.
    fn chunk(&mut self, values: Values, chunk: &[u8], span: Span) -> Result<bool, Refusal> {
        let mut elements = values.kind.packed(chunk);
        if matches!(values.act, Act::Drop) || (values.packed && matches!(values.act, Act::Copy)) {
            while elements.next_value()?.is_some() {}
            let told = matches!(values.act, Act::Copy) && !chunk.is_empty();
            if !told {
                self.skip(span.at, span.next);
            }
            return Ok(told);
        }
        self.skip(span.at, span.next);
        let before = self.out.len();
        let open = values.packed.then(|| Open::begin(self.out, values.number, chunk.len()));
        while let Some((scalar, raw)) = elements.next_value()? {
            if values.packed {
                self.value(values, scalar, raw);
            } else {
                self.tagged(values, scalar, raw);
            }
        }
        if let Some(open) = open {
            open.end_unless_empty(self.out);
        }
        Ok(self.out.len() > before)
    }

    /// Appends tag and value, or neither.
    fn tagged(&mut self, values: Values, scalar: Scalar<'_>, raw: &[u8]) {
        let before = self.out.len();
        self.out.extend_from_slice(tag(values.number, values.kind.wire_type()).as_slice());
        if !self.value(values, scalar, raw) {
            self.out.truncate(before);
        }
    }

    /// Appends what is left of a value, without tag. False: nothing.
    fn value(&mut self, values: Values, scalar: Scalar<'_>, raw: &[u8]) -> bool {
        match (values.act, scalar) {
            (Act::Copy, _) => {
                self.out.extend_from_slice(raw);
                true
            }
            (Act::Band, scalar) => generalise::band(values.kind, scalar, self.out),
            (Act::Text(level), Scalar::Text(text)) => {
                generalise::text(level, text).is_some_and(|kept| self.text(kept.as_bytes()))
            }
            (Act::Mask(semantic), Scalar::Text(text)) => {
                self.text(mask::filler(semantic, text).as_slice())
            }
            (Act::Token(domain), Scalar::Text(text)) => {
                varint(self.out, super::pseudonym::TOKEN_CHARS as u64);
                self.keys.reserve(domain, b"", text.as_bytes(), self.out, self.tokens);
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
}
