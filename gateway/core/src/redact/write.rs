//! Writes protobuf bytes: tags, lengths that are mended once the content is known, and the order of fields
//! mended where a source wrote them in its own.

use std::cell::Cell;

use super::pass::{CHUNK, copy};

/// Up to ten bytes on the stack.
pub(super) struct Short {
    bytes: [u8; 10],
    length: usize,
}

impl Short {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

fn short(mut value: u64) -> Short {
    let mut bytes = [0; 10];
    let mut length = 0;
    for byte in &mut bytes {
        length += 1;
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            *byte = low;
            break;
        }
        *byte = low | 0x80;
    }
    Short { bytes, length }
}

/// A tag.
pub(super) fn tag(number: u32, wire_type: u32) -> Short {
    short(u64::from(number) << 3 | u64::from(wire_type))
}

/// Appends a varint.
pub(super) fn varint(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(short(value).as_slice());
}

/// Appends a varint field, unless it is 0.
pub(super) fn varint_field(out: &mut Vec<u8>, number: u32, value: i64) {
    if value != 0 {
        out.extend_from_slice(tag(number, 0).as_slice());
        varint(out, value.cast_unsigned());
    }
}

/// Appends a text field.
pub(super) fn text_field(out: &mut Vec<u8>, number: u32, text: &[u8]) {
    out.extend_from_slice(tag(number, 2).as_slice());
    varint(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// Appends a double field, unless it is 0.
pub(super) fn double_field(out: &mut Vec<u8>, number: u32, value: f64) {
    if value.to_bits() != 0 {
        out.extend_from_slice(tag(number, 1).as_slice());
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// A field with a length that is being written.
#[derive(Clone, Copy)]
pub(super) struct Open {
    field: usize,
    length: usize,
    content: usize,
}

impl Open {
    /// Writes the tag and leaves room for a length as long as the one expected.
    pub(super) fn begin(out: &mut Vec<u8>, number: u32, expected: usize) -> Self {
        let field = out.len();
        out.extend_from_slice(tag(number, 2).as_slice());
        let length = out.len();
        varint(out, expected as u64);
        Self { field, length, content: out.len() }
    }

    pub(super) fn is_empty(self, out: &[u8]) -> bool {
        out.len() <= self.content
    }

    /// Mends the length. Returns where the content begins now.
    pub(super) fn end(self, out: &mut Vec<u8>) -> usize {
        let size = out.len().saturating_sub(self.content);
        let length = short(size as u64);
        let room = self.content - self.length;
        if length.len() > room {
            out.resize(out.len() + (length.len() - room), 0);
        }
        if length.len() != room {
            out.copy_within(self.content..self.content + size, self.length + length.len());
            out.truncate(self.length + length.len() + size);
        }
        if let Some(place) = out.get_mut(self.length..self.length + length.len()) {
            place.copy_from_slice(length.as_slice());
        }
        self.length + length.len()
    }

    /// Mends the length, or takes the field back.
    pub(super) fn end_unless_empty(self, out: &mut Vec<u8>) {
        if self.is_empty(out) {
            out.truncate(self.field);
        } else {
            self.end(out);
        }
    }
}

/// Mends the length in front of a message that was copied with the one it had: its field begins at `head`,
/// its content at `body` and ends with what is written. Returns where the content begins now.
pub(super) fn mend(out: &mut Vec<u8>, head: usize, body: usize) -> usize {
    let tag =
        out.get(head..body).unwrap_or_default().iter().take_while(|byte| **byte >= 0x80).count();
    Open { field: head, length: head + tag + 1, content: body }.end(out)
}

/// A field, or several of one number, as they stand in what was written.
#[derive(Clone, Copy)]
struct Piece {
    /// Its number, then where it begins: pieces are sorted by it.
    key: u64,
    content: u32,
    to: u32,
}

impl Piece {
    fn number(self) -> u32 {
        (self.key >> 32) as u32
    }

    fn from(self) -> usize {
        self.key as u32 as usize
    }
}

/// Room for what is put into order, kept for the next.
#[derive(Default)]
struct Desk {
    pieces: Vec<Piece>,
    bytes: Vec<u8>,
}

thread_local! {
    static DESK: Cell<Desk> = const { Cell::new(Desk { pieces: Vec::new(), bytes: Vec::new() }) };
}

/// Puts the fields written since `from` into ascending order, values of one field as they came, packed
/// values in one piece. Only for sources that write in an order of their own.
pub(super) fn tidy(out: &mut Vec<u8>, from: usize, packed: impl Fn(u32) -> bool) {
    let mut desk = DESK.take();
    let Desk { pieces, bytes } = &mut desk;
    pieces.clear();
    bytes.clear();
    bytes.extend_from_slice(out.get(from..).unwrap_or_default());
    let mut start = 0;
    // What the engine wrote can be read; if it could not, the rest would be dropped.
    while let Some((number, content, to)) = field(bytes, start) {
        match pieces.last_mut() {
            // What stands side by side stays so.
            Some(last) if last.number() == number && !packed(number) => last.to = to as u32,
            _ => pieces.push(Piece {
                key: u64::from(number) << 32 | start as u64,
                content: content as u32,
                to: to as u32,
            }),
        }
        start = to;
    }
    // Copied by the chunk, the last one too.
    bytes.extend_from_slice(&[0; CHUNK]);
    pieces.sort_unstable_by_key(|piece| piece.key);
    out.truncate(from);
    let mut left = pieces.as_slice();
    while let [first, others @ ..] = left {
        let same = others.iter().take_while(|piece| piece.number() == first.number()).count();
        if same == 0 || !packed(first.number()) {
            copy(out, bytes, first.from(), first.to as usize);
            left = others;
            continue;
        }
        let (group, behind) = left.split_at_checked(1 + same).unwrap_or((left, &[]));
        let size = group.iter().map(|piece| (piece.to - piece.content) as usize).sum();
        let open = Open::begin(out, first.number(), size);
        for piece in group {
            copy(out, bytes, piece.content as usize, piece.to as usize);
        }
        open.end(out);
        left = behind;
    }
    DESK.set(desk);
}

/// A field that the engine wrote: its number, where what is behind tag and length begins, and where it ends.
#[inline(always)]
fn field(bytes: &[u8], at: usize) -> Option<(u32, usize, usize)> {
    let (tag, value) = number(bytes, at)?;
    let (content, to) = match tag & 7 {
        0 => {
            let rest = bytes.get(value..)?;
            (value, value + rest.iter().position(|byte| *byte < 0x80)? + 1)
        }
        1 => (value, value + 8),
        2 => {
            let (length, content) = number(bytes, value)?;
            (content, content + length as usize)
        }
        _ => (value, value + 4),
    };
    (to <= bytes.len()).then_some((tag >> 3, content, to))
}

/// A varint of at most 32 bits, and where it ends.
#[inline(always)]
fn number(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let first = *bytes.get(at)?;
    if first < 0x80 {
        return Some((first.into(), at + 1));
    }
    let mut value = u32::from(first & 0x7f);
    for more in 1..5_usize {
        let byte = *bytes.get(at + more)?;
        value |= u32::from(byte & 0x7f) << (7 * more);
        if byte < 0x80 {
            return Some((value, at + more + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_mended_both_ways() {
        for (expected, size) in [(0, 0), (0, 127), (0, 128), (300, 5), (20_000, 128), (5, 20_000)] {
            let mut out = vec![9];
            let open = Open::begin(&mut out, 3, expected);
            out.extend(vec![7; size]);
            open.end(&mut out);
            let mut right = vec![9, 0x1a];
            varint(&mut right, size as u64);
            right.extend(vec![7; size]);
            assert_eq!(out, right, "{expected} {size}");
        }
    }

    #[test]
    fn tidy_sorts_and_joins() {
        let mut out = vec![0xff, 0x12, 1, 8, 0x08, 1, 0x12, 1, 9, 0x08, 2];
        tidy(&mut out, 1, |number| number == 2);
        assert_eq!(out, [0xff, 0x08, 1, 0x08, 2, 0x12, 2, 8, 9]);
    }

    /// Whatever stands between them, fields of every wire type are found where they begin.
    #[test]
    fn tidy_finds_every_field() {
        let mut fields: Vec<Vec<u8>> = vec![
            vec![0x08, 0x96, 0x81, 1],
            vec![0x11, 1, 2, 3, 4, 5, 6, 7, 8],
            [&[0x1a, 0xac, 2][..], &[0x1a; 300]].concat(),
            vec![0x25, 9, 9, 9, 9],
            vec![0x80, 1, 7],
            vec![0xfd, 0xff, 1, 1, 2, 3, 4],
        ];
        let sorted = fields.concat();
        for turn in 0..fields.len() {
            fields.rotate_left(1);
            for reverse in [false, true] {
                if reverse {
                    fields.reverse();
                }
                let mut out = fields.concat();
                tidy(&mut out, 0, |_| false);
                assert_eq!(out, sorted, "{turn} {reverse}");
            }
        }
    }
}
