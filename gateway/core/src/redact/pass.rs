//! The pass over one record. Bytes that stay are not touched while they are read: they gather in a run that
//! is copied when something behind it goes or changes, so that a record of which all is told is copied once.
//!
//! Here is the quick way: fields as ordinary senders write them, told as they are or not at all. Whatever is
//! the least unusual, above all every fault, goes the careful way (`careful.rs`), which begins the field
//! anew; so the two cannot differ in what they refuse.

use std::cell::Cell;

use super::ScopeKey;
use super::redactor::MAX_RECORD_FIELDS;
use super::table::{Check, Fate, Keep, Node};
use super::text::is_utf8;
use super::wire::Refusal;
use super::write::{mend, tidy};
use crate::label::NodeId;

thread_local! {
    /// Room for the slots of wide messages, kept for the next record.
    static WIDE: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
}

/// One record on its way through.
pub(super) struct Pass<'a> {
    pub(super) nodes: &'a [Node],
    pub(super) keys: &'a ScopeKey,
    pub(super) input: &'a [u8],
    pub(super) out: &'a mut Vec<u8>,
    presence: &'a mut Vec<u8>,
    /// Where this record's bits begin.
    bits: usize,
    /// What is kept of `input` is copied up to here.
    pub(super) run: usize,
    /// How many more fields are allowed.
    pub(super) fields: usize,
    /// Slots beyond the first 64 of the messages around, innermost last.
    pub(super) wide: Vec<u64>,
}

/// What a message has had so far.
#[derive(Default)]
pub(super) struct Had {
    /// The first 64 slots.
    pub(super) slots: u64,
    /// The last number that came out.
    pub(super) last: u32,
    /// Numbers came out in another order, or a packed field in two pieces.
    pub(super) untidy: bool,
}

impl Had {
    /// A field came out.
    #[inline(always)]
    pub(super) fn told(&mut self, number: u32, packed: bool) {
        self.untidy |= number < self.last || (packed && number == self.last);
        self.last = number;
    }
}

impl<'a> Pass<'a> {
    pub(super) fn over(
        nodes: &'a [Node],
        keys: &'a ScopeKey,
        input: &'a [u8],
        out: &'a mut Vec<u8>,
        presence: &'a mut Vec<u8>,
        bits: usize,
    ) -> Self {
        out.reserve(input.len());
        let wide = WIDE.take();
        Self { nodes, keys, input, out, presence, bits, run: 0, fields: MAX_RECORD_FIELDS, wide }
    }

    pub(super) fn run(mut self) -> Result<(), Refusal> {
        // INVARIANT: there is a table for every node. Without one, nothing would be told.
        let Some(root) = self.nodes.first() else { return Ok(()) };
        self.message(root, 0, self.input.len())?;
        self.flush(self.input.len());
        if self.wide.capacity() > 0 {
            WIDE.set(self.wide);
        }
        Ok(())
    }

    /// What is left of a message that stands between two places of the input.
    pub(super) fn message(
        &mut self,
        node: &'a Node,
        mut at: usize,
        end: usize,
    ) -> Result<(), Refusal> {
        let input: &'a [u8] = self.input;
        // INVARIANT: the end of a message lies within its record.
        let bytes = input.get(..end).ok_or(Refusal::Truncated)?;
        let from = self.place(at);
        let outer = self.wide.len();
        if node.more_slots > 0 {
            self.wide.resize(outer + node.more_slots, 0);
        }
        let mut had = Had::default();
        'fields: while let Some(&first) = bytes.get(at) {
            let quick = 'quick: {
                let (tag, value) = if first < 0x80 {
                    (usize::from(first), at + 1)
                } else {
                    match bytes.get(at + 1) {
                        Some(&second @ 1..0x80) => {
                            (usize::from(first & 0x7f) | usize::from(second) << 7, at + 2)
                        }
                        _ => break 'quick None,
                    }
                };
                let Some(field) = node.quick.get(tag >> 3) else { break 'quick None };
                if usize::from(field.wire) != tag & 7
                    || had.slots & field.slot != 0
                    || self.fields == 0
                {
                    break 'quick None;
                }
                // Where it ends; is it a default?
                let (next, default) = match field.check {
                    Check::Text => match length(bytes, value) {
                        Some((content, next)) if is_utf8(input, content, next) => {
                            (next, content == next)
                        }
                        _ => break 'quick None,
                    },
                    Check::Bytes => match length(bytes, value) {
                        Some((content, next)) => (next, content == next),
                        None => break 'quick None,
                    },
                    Check::Message => match length(bytes, value) {
                        Some((content, next)) => {
                            had.slots |= field.slot;
                            self.fields -= 1;
                            if self.nested(field.node, field.keep, at, content, next)? {
                                had.told(field.number, false);
                            }
                            at = next;
                            continue 'fields;
                        }
                        None => break 'quick None,
                    },
                    Check::Bool => match bytes.get(value) {
                        Some(&bit @ 0..=1) => (value + 1, bit == 0),
                        _ => break 'quick None,
                    },
                    Check::Short => match varint(bytes, value) {
                        Some((number, next)) if number >> 31 == 0 => (next, number == 0),
                        _ => break 'quick None,
                    },
                    Check::Varint => match varint(bytes, value) {
                        Some((number, next)) => (next, number == 0),
                        None => break 'quick None,
                    },
                    Check::Four => match bytes.get(value..value + 4) {
                        Some(four) => (value + 4, *four == [0; 4]),
                        None => break 'quick None,
                    },
                    Check::Eight => match bytes.get(value..value + 8) {
                        Some(eight) => (value + 8, *eight == [0; 8]),
                        None => break 'quick None,
                    },
                    Check::Careful => break 'quick None,
                };
                had.slots |= field.slot;
                self.fields -= 1;
                if matches!(field.fate, Fate::Keep) && !(default && field.implicit) {
                    had.told(field.number, false);
                } else {
                    self.skip(at, next);
                }
                Some(next)
            };
            at = match quick {
                Some(next) => next,
                None => self.careful(node, bytes, at, outer, &mut had)?,
            };
        }
        if had.untidy {
            self.flush(end);
            tidy(self.out, from, |number| node.packed(number));
        }
        self.wide.truncate(outer);
        Ok(())
    }

    /// A message that is walked into. True: it came out.
    pub(super) fn nested(
        &mut self,
        node: NodeId,
        keep: Keep,
        at: usize,
        content: usize,
        next: usize,
    ) -> Result<bool, Refusal> {
        let nodes: &'a [Node] = self.nodes;
        // INVARIANT: as above.
        let Some(node) = nodes.get(node.index()) else {
            self.skip(at, next);
            return Ok(false);
        };
        if keep == Keep::Never {
            self.skip(at, content);
            self.message(node, content, next)?;
            return Ok(false);
        }
        let (head, body) = (self.place(at), self.place(content));
        self.message(node, content, next)?;
        let left = self.place(next).saturating_sub(body);
        if left == 0 && keep == Keep::Filled {
            self.flush(next);
            self.out.truncate(head);
            return Ok(false);
        }
        // Where nothing was taken out or made longer, the length in front of it is right.
        if left != next - content {
            self.flush(next);
            mend(self.out, head, body);
        }
        Ok(true)
    }

    /// Where in the output a place of the input will stand that is not behind the run.
    #[inline(always)]
    pub(super) fn place(&self, at: usize) -> usize {
        self.out.len() + at.saturating_sub(self.run)
    }

    /// Copies what is kept up to a place.
    #[inline(always)]
    pub(super) fn flush(&mut self, to: usize) {
        if self.run < to {
            copy(self.out, self.input, self.run, to);
        }
        self.run = to;
    }

    /// Leaves out what stands between two places.
    #[inline(always)]
    pub(super) fn skip(&mut self, from: usize, to: usize) {
        self.flush(from);
        self.run = to;
    }

    /// Notes that a leaf has a value.
    pub(super) fn present(&mut self, bit: u32) {
        let at = usize::try_from(bit / 8).unwrap_or(usize::MAX).saturating_add(self.bits);
        if let Some(byte) = self.presence.get_mut(at) {
            *byte |= 1 << (bit % 8);
        }
    }
}

/// How much is copied at once where it may: a short run costs two loads and stores, not a call.
const CHUNK: usize = 32;

#[inline(always)]
fn copy(out: &mut Vec<u8>, input: &[u8], from: usize, to: usize) {
    let length = to - from;
    if length <= CHUNK
        && let Some(chunk) = input.get(from..from.saturating_add(CHUNK))
        && let Some(chunk) = chunk.first_chunk::<CHUNK>()
    {
        let end = out.len() + length;
        out.extend_from_slice(chunk);
        out.truncate(end);
    } else {
        out.extend_from_slice(input.get(from..to).unwrap_or_default());
    }
}

/// A length of one or two bytes: where its content begins, and where it ends.
#[inline(always)]
fn length(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let (content, length) = match *bytes.get(at)? {
        short @ 0..0x80 => (at + 1, usize::from(short)),
        low => match *bytes.get(at + 1)? {
            high @ 1..0x80 => (at + 2, usize::from(low & 0x7f) | usize::from(high) << 7),
            _ => return None,
        },
    };
    let next = content + length;
    (next <= bytes.len()).then_some((content, next))
}

/// A varint of any length: its value and where it ends. None: it is at fault.
#[inline(always)]
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = *bytes.get(at)?;
    if first < 0x80 {
        return Some((u64::from(first), at + 1));
    }
    long_varint(bytes, at, first)
}

#[inline]
fn long_varint(bytes: &[u8], at: usize, first: u8) -> Option<(u64, usize)> {
    let mut value = u64::from(first & 0x7f);
    for more in 1..10_usize {
        let byte = *bytes.get(at + more)?;
        value |= u64::from(byte & 0x7f) << (7 * more);
        if byte < 0x80 {
            let sound = byte != 0 && (more < 9 || byte == 1);
            return sound.then_some((value, at + more + 1));
        }
    }
    None
}
