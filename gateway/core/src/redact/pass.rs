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
use super::table::{Check, Fate, Keep, NEAR, Node, Quick, WHOLE};
use super::text::{SHORT, is_ascii, is_utf8, other};
use super::wire::{MAX_FIELD_NUMBER, Refusal};
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

/// What a message has had so far. It goes by value, so that it stays in registers.
#[derive(Clone, Copy, Default)]
pub(super) struct Had {
    /// The first 64 slots.
    pub(super) slots: u64,
    /// The last number that came out.
    last: u32,
    /// Numbers came out in another order, or a packed field in two pieces.
    untidy: bool,
}

impl Had {
    /// A field came out.
    #[inline(always)]
    pub(super) fn told(&mut self, number: u32, packed: bool) {
        if number < self.last || (packed && number == self.last) {
            seldom();
            self.untidy = true;
        }
        self.last = number;
    }
}

/// Says that what calls it is seldom, so that nothing is computed for it in advance.
#[cold]
#[inline(never)]
fn seldom() {}

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
        let (size, from) = (self.input.len(), self.out.len());
        let done = if size > UNCOUNTED {
            self.message::<true, true>(root, 0, size, from)
        } else {
            self.message::<true, false>(root, 0, size, from)
        };
        self.flush(self.input.len());
        if self.wide.capacity() > 0 {
            self.wide.clear();
            WIDE.set(self.wide);
        }
        done
    }

    /// What is left of a message that stands between two places of the input. Where nothing of it is told it
    /// is checked, and that is all: the run is behind it already. Else it comes out from a place on. Fields are
    /// not counted where the record is too short for too many.
    #[inline(always)]
    fn message<const TOLD: bool, const COUNTED: bool>(
        &mut self,
        node: &'a Node,
        at: usize,
        end: usize,
        from: usize,
    ) -> Result<(), Refusal> {
        let input: &'a [u8] = self.input;
        // INVARIANT: a message lies within its record, here and below.
        let mut rest = input.get(at..).ok_or(Refusal::Truncated)?;
        let behind = input.len().checked_sub(end).ok_or(Refusal::Truncated)?;
        let outer = self.wide.len();
        if node.more_slots > 0 {
            self.wide.resize(outer + node.more_slots, 0);
        }
        let near: &[Quick; NEAR] = &node.near;
        let mut had = Had::default();
        'fields: while rest.len() > behind {
            'careful: {
                let padded;
                let window: &[u8; WINDOW] = match rest.first_chunk() {
                    Some(window) => window,
                    None => {
                        padded = pad(rest);
                        &padded
                    }
                };
                if COUNTED && self.fields == 0 {
                    break 'careful;
                }
                // The tag, and what is behind it. The first byte there says how long a text is.
                let (tag, tail, before): (u32, &[u8; TAIL], usize) = match window {
                    [one @ 0..0x80, tail @ .., _] => (u32::from(*one), tail, 1),
                    [one, two @ 1..0x80, tail @ ..] => {
                        (u32::from(one & 0x7f) | u32::from(*two) << 7, tail, 2)
                    }
                    [_, _, tail @ ..] => (u32::MAX, tail, 2),
                };
                let [head, text @ ..] = tail;
                let number = tag >> 3;
                let field = match near.get(number as usize).or_else(|| node.far(number)) {
                    Some(field) if field.tag == tag => field,
                    Some(field) if field.check != Check::Unknown => break 'careful,
                    _ => {
                        let Some(size) = unknown(node, rest) else { break 'careful };
                        let Some(after) = rest.get(size..) else { break 'careful };
                        if after.len() < behind {
                            break 'careful;
                        }
                        if TOLD {
                            self.leave(input.len() - rest.len(), input.len() - after.len());
                        }
                        if COUNTED {
                            self.fields -= 1;
                        }
                        rest = after;
                        continue 'fields;
                    }
                };
                if had.slots & field.slot != 0 {
                    break 'careful;
                }
                // How much of it there is, for what stays unless it is a default; and how long it is.
                let mut weight = *head;
                let size = if field.text {
                    let size = before + 1 + usize::from(*head);
                    if *head <= SHORT {
                        if !is_ascii(text, *head) && !rest.get(before + 1..size).is_some_and(other)
                        {
                            break 'careful;
                        }
                    } else if *head >= 0x80 || !rest.get(before + 1..size).is_some_and(is_utf8) {
                        break 'careful;
                    }
                    size
                } else {
                    match field.check {
                        Check::Message => {
                            let (length, before) = match *tail {
                                [one @ 0..0x80, ..] => (usize::from(one), before + 1),
                                [one, two @ 1..0x80, ..] => {
                                    (usize::from(one & 0x7f) | usize::from(two) << 7, before + 2)
                                }
                                _ => break 'careful,
                            };
                            let at = input.len() - rest.len();
                            let content = at + before;
                            let next = content + length;
                            if next > end {
                                break 'careful;
                            }
                            had.slots |= field.slot;
                            if COUNTED {
                                self.fields -= 1;
                            }
                            if !TOLD {
                                self.hidden::<COUNTED>(field.node, content, next)?;
                            } else if self
                                .inner::<COUNTED>(field.node, field.keep, at, content, next)?
                            {
                                had.told(number, false);
                            }
                            rest = input.get(next..).ok_or(Refusal::Truncated)?;
                            continue 'fields;
                        }
                        Check::Varint | Check::Short | Check::Int if *head < 0x80 => before + 1,
                        Check::Varint => match varint(tail, u64::MAX) {
                            Some(size) => before + size,
                            None => break 'careful,
                        },
                        Check::Short => match varint(tail, u32::MAX.into()) {
                            Some(size) => before + size,
                            None => break 'careful,
                        },
                        Check::Int => match varint(tail, i32::MAX.unsigned_abs().into()) {
                            Some(size) => before + size,
                            None => break 'careful,
                        },
                        Check::Bool if *head < 2 => before + 1,
                        Check::Bytes if *head < 0x80 => before + 1 + usize::from(*head),
                        Check::Four => {
                            let [one, two, three, four, ..] = *tail;
                            weight = one | two | three | four;
                            before + 4
                        }
                        Check::Eight => {
                            let [bytes @ .., _, _, _, _, _, _, _, _, _] = *tail;
                            weight = u8::from(bytes != [0; 8]);
                            before + 8
                        }
                        _ => break 'careful,
                    }
                };
                let Some(after) = rest.get(size..) else { break 'careful };
                if after.len() < behind {
                    break 'careful;
                }
                had.slots |= field.slot;
                if COUNTED {
                    self.fields -= 1;
                }
                if TOLD {
                    if u16::from(weight) >= field.least {
                        had.told(number, false);
                    } else {
                        let (at, next) = (input.len() - rest.len(), input.len() - after.len());
                        if field.fate == Fate::Token && (weight > 0 || !field.implicit) {
                            self.token(node, number, at + before, at, next);
                            had.told(number, false);
                        } else {
                            self.leave(at, next);
                        }
                    }
                }
                rest = after;
                continue 'fields;
            }
            let bytes = input.get(..end).unwrap_or_default();
            let at = input.len() - rest.len();
            let next;
            (next, had) = self.careful(node, bytes, at, outer, had)?;
            rest = input.get(next..).ok_or(Refusal::Truncated)?;
        }
        if had.untidy {
            self.order(node, from, end);
        }
        if node.more_slots > 0 {
            self.wide.truncate(outer);
        }
        Ok(())
    }

    /// Puts what came out of a message into order.
    #[inline(never)]
    fn order(&mut self, node: &Node, from: usize, end: usize) {
        self.flush(end);
        // What is filled may move.
        let first = self.tokens.before(from);
        self.keys.fill(self.out, self.tokens, first);
        tidy(self.out, from, |number| node.packed(number));
    }

    /// A message of which nothing is told. It is left out already.
    #[inline(never)]
    fn hidden<const COUNTED: bool>(
        &mut self,
        node: NodeId,
        content: usize,
        next: usize,
    ) -> Result<(), Refusal> {
        let nodes: &'a [Node] = self.nodes;
        // INVARIANT: there is a table for every node.
        let Some(node) = nodes.get(node.index()) else { return Ok(()) };
        self.message::<false, COUNTED>(node, content, next, 0)
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
        if self.input.len() > UNCOUNTED {
            self.inner::<true>(node, keep, at, content, next)
        } else {
            self.inner::<false>(node, keep, at, content, next)
        }
    }

    #[inline(never)]
    fn inner<const COUNTED: bool>(
        &mut self,
        node: NodeId,
        keep: Keep,
        at: usize,
        content: usize,
        next: usize,
    ) -> Result<bool, Refusal> {
        if keep == Keep::Never {
            // First, so that nothing of it can come out.
            self.leave(at, next);
            self.hidden::<COUNTED>(node, content, next)?;
            return Ok(false);
        }
        let nodes: &'a [Node] = self.nodes;
        // INVARIANT: as above.
        let Some(node) = nodes.get(node.index()) else {
            self.skip(at, next);
            return Ok(false);
        };
        let size = next - content;
        // What is likely to lose so much that its length takes a byte less gets the shorter one at once, so that
        // its content need not move.
        let shorter = matches!(size, 0x80..0x4000) && size * node.share < 0x80 * WHOLE;
        if shorter {
            self.flush(content - 2);
            self.out.push(0);
            self.run = content;
        }
        let body = self.place(content);
        let before = self.run;
        self.message::<true, COUNTED>(node, content, next, body)?;
        if self.run == before && !shorter {
            // Nothing was taken out or made longer, so the length in front of it is right.
            if size == 0 && keep == Keep::Filled {
                self.skip(at, next);
                return Ok(false);
            }
            return Ok(true);
        }
        // What changed behind the length copied it.
        let left = self.place(next).saturating_sub(body);
        if left != 0
            && left < 0x80
            && (shorter || size < 0x80)
            && let Some(length) = self.out.get_mut(body.wrapping_sub(1))
        {
            *length = left as u8;
            return Ok(true);
        }
        Ok(self.mend(keep, body, at, content, next, shorter))
    }

    /// Mends the length in front of a message, or takes the message back. True: it came out.
    #[inline(never)]
    fn mend(
        &mut self,
        keep: Keep,
        body: usize,
        at: usize,
        content: usize,
        next: usize,
        shorter: bool,
    ) -> bool {
        self.flush(next);
        let head = body + usize::from(shorter) - (content - at);
        if self.out.len() <= body && keep == Keep::Filled {
            self.out.truncate(head);
            return false;
        }
        let content = mend(self.out, head, body);
        if content != body {
            self.tokens.shift(body, content);
        }
        true
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
        self.skip(to, to);
    }

    /// Leaves out what stands between two places.
    #[inline(always)]
    pub(super) fn skip(&mut self, from: usize, to: usize) {
        if self.run < from {
            copy(self.out, self.input, self.run, from);
        }
        // Never back: what is hidden is behind the run while it is checked.
        self.run = self.run.max(to);
    }

    /// The same, out of the way of what stays.
    #[inline(never)]
    fn leave(&mut self, from: usize, to: usize) {
        self.skip(from, to);
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
pub(super) const CHUNK: usize = 32;

#[inline(always)]
pub(super) fn copy(out: &mut Vec<u8>, input: &[u8], from: usize, to: usize) {
    let length = to - from;
    if length <= CHUNK
        && let Some(chunk) = input.get(from..).and_then(<[u8]>::first_chunk::<CHUNK>)
    {
        let end = out.len() + length;
        out.extend_from_slice(chunk);
        out.truncate(end);
    } else {
        out.extend_from_slice(input.get(from..to).unwrap_or_default());
    }
}

/// How much is looked at of a field: a tag of two bytes, a length, a short text.
const WINDOW: usize = TAIL + 2;
const TAIL: usize = 1 + SHORT as usize;

/// The last bytes of a record, as a window.
#[cold]
#[inline(never)]
fn pad(rest: &[u8]) -> [u8; WINDOW] {
    let mut window = [0; WINDOW];
    if let Some(room) = window.get_mut(..rest.len()) {
        room.copy_from_slice(rest);
    }
    window
}

/// A field has two bytes at least, so a record of this size cannot have too many.
const UNCOUNTED: usize = 2 * MAX_RECORD_FIELDS;

/// How long a varint of more than one byte is. None: it is at fault, or above the most; then the careful way
/// says what is wrong, if anything is.
#[inline(always)]
fn varint(tail: &[u8; TAIL], most: u64) -> Option<usize> {
    let [word @ .., _, _, _, _, _, _, _, _, _] = *tail;
    let word = u64::from_le_bytes(word);
    // The last byte is the first without a high bit. Up to four fit any type.
    let last =
        !word & 0x8080_8080_8080_8080 & if most == u64::MAX { u64::MAX } else { 0xffff_ffff };
    if last == 0 {
        return long_varint(tail, most);
    }
    let bits = last.trailing_zeros();
    // A last byte of 0 would be one too many.
    (word >> (bits - 7) & 0x7f != 0).then_some((bits as usize >> 3) + 1)
}

#[inline(never)]
fn long_varint(bytes: &[u8], most: u64) -> Option<usize> {
    let mut value = 0;
    for (at, byte) in (0..10).zip(bytes) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            let sound = (*byte != 0 || at == 0) && (at < 9 || *byte == 1) && value <= most;
            return sound.then_some(at + 1);
        }
    }
    None
}

/// How long a field is that the message does not have. None: it has it, or something is at fault.
#[inline(never)]
fn unknown(node: &Node, bytes: &[u8]) -> Option<usize> {
    let (tag, value) = small(bytes)?;
    let number = tag >> 3;
    if number == 0 || number > MAX_FIELD_NUMBER || node.field(number).is_some() {
        return None;
    }
    let behind = bytes.get(value..)?;
    Some(
        value
            + match tag & 7 {
                0 => long_varint(behind, u64::MAX)?,
                1 => 8,
                2 => {
                    let (length, content) = small(behind)?;
                    content + length as usize
                }
                5 => 4,
                _ => return None,
            },
    )
}

/// A varint of at most 32 bits and how long it is.
#[inline(always)]
fn small(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut value = 0;
    for (at, byte) in (0..5).zip(bytes) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            let sound = *byte != 0 || at == 0;
            return u32::try_from(value).ok().filter(|_| sound).map(|value| (value, at + 1));
        }
    }
    None
}
