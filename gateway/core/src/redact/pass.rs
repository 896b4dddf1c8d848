//! The pass over one record. Bytes that stay are not touched while they are read: they gather in a run that
//! is copied when something behind it goes or changes, so that a record of which all is told is copied once.
//!
//! Here is the quick way: fields as ordinary senders write them, told as they are or not at all. Whatever is
//! the least unusual, above all every fault, goes the careful way (`careful.rs`), which begins the field
//! anew; so the two cannot differ in what they refuse.

use std::cell::Cell;

use super::ScopeKey;
use super::pseudonym::{TOKEN_CHARS, Tokens};
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
    /// Tokens that `out` has room for.
    pub(super) tokens: &'a mut Tokens,
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
        tokens: &'a mut Tokens,
        presence: &'a mut Vec<u8>,
        bits: usize,
    ) -> Self {
        out.reserve(input.len());
        let wide = WIDE.take();
        let fields = MAX_RECORD_FIELDS;
        Self { nodes, keys, input, out, tokens, presence, bits, run: 0, fields, wide }
    }

    pub(super) fn run(mut self) -> Result<(), Refusal> {
        // INVARIANT: there is a table for every node. Without one, nothing would be told.
        let Some(root) = self.nodes.first() else { return Ok(()) };
        let done = self.message(root, 0, self.input.len());
        self.flush(self.input.len());
        if self.wide.capacity() > 0 {
            self.wide.clear();
            WIDE.set(self.wide);
        }
        done
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
        'fields: while at < bytes.len() {
            let quick = 'quick: {
                // A field has two bytes at least. The one behind the tag says how long a text is.
                let Some(&[first, second]) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
                    break 'quick None;
                };
                let (tag, value, head) = if first < 0x80 {
                    (u32::from(first), at + 1, second)
                } else {
                    match bytes.get(at + 2) {
                        Some(&third) if matches!(second, 1..0x80) => {
                            (u32::from(first & 0x7f) | u32::from(second) << 7, at + 2, third)
                        }
                        _ => break 'quick None,
                    }
                };
                let number = tag >> 3;
                let Some(field) = node.quick.get(number as usize) else { break 'quick None };
                if field.tag != tag || had.slots & field.slot != 0 || self.fields == 0 {
                    break 'quick None;
                }
                // Where it ends; is it a default?
                let (next, default) = if field.check == Check::Text {
                    match length(bytes, value, head) {
                        Some((content, next)) if is_utf8(input, content, next) => {
                            (next, content == next)
                        }
                        _ => break 'quick None,
                    }
                } else if field.check == Check::Message {
                    let Some((content, next)) = length(bytes, value, head) else {
                        break 'quick None;
                    };
                    had.slots |= field.slot;
                    self.fields -= 1;
                    if self.nested(field.node, field.keep, at, content, next)? {
                        had.told(number, false);
                    }
                    at = next;
                    continue 'fields;
                } else {
                    match plain(field.check, bytes, value, head) {
                        Some(read) => read,
                        None => break 'quick None,
                    }
                };
                had.slots |= field.slot;
                self.fields -= 1;
                if default && field.implicit {
                    self.skip(at, next);
                } else {
                    match field.fate {
                        Fate::Keep => had.told(number, false),
                        Fate::Skip => self.skip(at, next),
                        Fate::Token => {
                            self.token(node, number, value, at, next);
                            had.told(number, false);
                        }
                    }
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
            // What is filled may move.
            let first = self.tokens.before(from);
            self.keys.fill(self.out, self.tokens, first);
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
            // What changed behind it copied it. Lengths below 128 take one byte, before and after.
            match (u8::try_from(left), self.out.get_mut(body.wrapping_sub(1))) {
                (Ok(short @ 0..0x80), Some(length)) if next - content < 0x80 => *length = short,
                _ => {
                    self.flush(next);
                    let content = mend(self.out, head, body);
                    if content != body {
                        self.tokens.shift(body, content);
                    }
                }
            }
        }
        Ok(true)
    }

    /// A token for a text: its tag stays, what is behind the tag is new.
    #[inline(never)]
    fn token(&mut self, node: &Node, number: u32, value: usize, at: usize, next: usize) {
        // A length of one or two bytes, as the quick way takes it.
        let content = match self.input.get(value) {
            Some(0..0x80) => value + 1,
            _ => value + 2,
        };
        let content = self.input.get(content..next).unwrap_or_default();
        match node.token(number) {
            Some(domain) => {
                self.flush(value);
                self.run = next;
                self.out.push(TOKEN_CHARS as u8);
                self.keys.reserve(domain, b"", content, self.out, self.tokens);
            }
            // INVARIANT: only a field that gets tokens comes here.
            None => self.skip(at, next),
        }
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

/// A value that is neither text nor message: where it ends, and whether it is a default.
#[inline(always)]
fn plain(check: Check, bytes: &[u8], at: usize, head: u8) -> Option<(usize, bool)> {
    match check {
        Check::Short | Check::Varint | Check::Bool => {
            let (number, next) = varint(bytes, at, head)?;
            let most = match check {
                Check::Bool => 1,
                Check::Short => i32::MAX.unsigned_abs().into(),
                _ => u64::MAX,
            };
            (number <= most).then_some((next, number == 0))
        }
        Check::Bytes => length(bytes, at, head).map(|(content, next)| (next, content == next)),
        Check::Four => bytes.get(at..at + 4).map(|four| (at + 4, *four == [0; 4])),
        Check::Eight => bytes.get(at..at + 8).map(|eight| (at + 8, *eight == [0; 8])),
        Check::Text | Check::Message | Check::Careful => None,
    }
}

/// A length of one or two bytes, the first of which is known: where its content begins, and where it ends.
#[inline(always)]
fn length(bytes: &[u8], at: usize, head: u8) -> Option<(usize, usize)> {
    let (content, length) = match head {
        short @ 0..0x80 => (at + 1, usize::from(short)),
        low => match *bytes.get(at + 1)? {
            high @ 1..0x80 => (at + 2, usize::from(low & 0x7f) | usize::from(high) << 7),
            _ => return None,
        },
    };
    let next = content + length;
    (next <= bytes.len()).then_some((content, next))
}

/// A varint of any length, the first byte of which is known: its value and where it ends. None: it is at fault.
#[inline(always)]
fn varint(bytes: &[u8], at: usize, head: u8) -> Option<(u64, usize)> {
    if head < 0x80 {
        return Some((u64::from(head), at + 1));
    }
    long_varint(bytes, at, head)
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
