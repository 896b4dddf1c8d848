//! Faults: what a redactor must refuse, put into bytes that are otherwise sound.

use std::fmt;

use portcullis_core::redact::{MAX_RECORD_BYTES, MAX_RECORD_FIELDS};
use proptest::prelude::*;
use prost_reflect::{FieldDescriptor, Kind};

use super::wire::{Body, Piece, write, zero};

/// A fault: which sort, which of the places where it is possible, which way.
#[derive(Clone, Copy)]
pub struct Fault {
    sort: Sort,
    at: u16,
    how: u8,
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (place {}, way {})", self.sort, self.at, self.how)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Truncate,
    Flip,
    Insert,
    Remove,
    Overlong,
    FieldNumber,
    Group,
    WireType,
    Utf8,
    Twice,
    Range,
    PackedTail,
    TooLarge,
    TooMany,
}

/// Up to three faults; large ones are rare, because they take long.
pub fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let sort = prop_oneof![
        30 => Just(Sort::Twice),
        30 => Just(Sort::WireType),
        20 => Just(Sort::Utf8),
        20 => Just(Sort::Range),
        20 => Just(Sort::Overlong),
        20 => Just(Sort::PackedTail),
        20 => Just(Sort::Truncate),
        20 => Just(Sort::Flip),
        10 => Just(Sort::FieldNumber),
        10 => Just(Sort::Group),
        10 => Just(Sort::Insert),
        10 => Just(Sort::Remove),
        1 => prop_oneof![Just(Sort::TooMany), Just(Sort::TooLarge)],
    ];
    let fault =
        (sort, any::<u16>(), any::<u8>()).prop_map(|(sort, at, how)| Fault { sort, at, how });
    proptest::collection::vec(fault, 1..4)
}

/// Puts faults into pieces, then into the bytes that they make.
pub fn spoil(pieces: &[Piece], faults: &[Fault]) -> Vec<u8> {
    let mut pieces = pieces.to_vec();
    for fault in faults {
        fault.into_pieces(&mut pieces);
    }
    let mut bytes = write(&pieces);
    for fault in faults {
        fault.into_bytes(&mut bytes);
    }
    bytes
}

impl Fault {
    fn into_pieces(self, pieces: &mut Vec<Piece>) {
        let how = self.how;
        match self.sort {
            Sort::Overlong => self.change(
                pieces,
                |_| true,
                |piece| {
                    let varint = !matches!(piece.body, Body::Fixed32(_) | Body::Fixed64(_));
                    piece.overlong[usize::from(varint && how % 2 == 1)] =
                        1 + usize::from(how / 2 % 10);
                },
            ),
            Sort::FieldNumber => self.change(
                pieces,
                |_| true,
                |piece| {
                    piece.number = [0, 1 << 29, (1 << 32) + 1, u64::MAX >> 3][usize::from(how % 4)];
                },
            ),
            Sort::Group => {
                self.change(pieces, |_| true, |piece| piece.wire_type = Some(3 + how % 2))
            }
            Sort::WireType => self.change(
                pieces,
                |_| true,
                |piece| match how % 6 {
                    0 => piece.wire_type = Some(6),
                    1 => piece.wire_type = Some(7),
                    2 => piece.body = Body::Varint(how.into()),
                    3 => piece.body = Body::Fixed64(how.into()),
                    4 => piece.body = Body::Fixed32(how.into()),
                    _ => piece.body = Body::Bytes(vec![how; usize::from(how % 3)]),
                },
            ),
            Sort::Utf8 => self.change(
                pieces,
                |piece| piece.field.as_ref().is_some_and(|field| field.kind() == Kind::String),
                |piece| {
                    let bad: [&[u8]; 6] = [
                        &[0xff],
                        &[0xc0, 0x80],
                        &[0xed, 0xa0, 0x80],
                        b"ab\xe2\x82",
                        b"\x80",
                        b"x\xf4\x90\x80\x80",
                    ];
                    piece.body = Body::Bytes(bad[usize::from(how % 6)].to_vec());
                },
            ),
            Sort::Range => self.change(
                pieces,
                |piece| narrow(piece.field.as_ref()),
                |piece| {
                    let bad = [2, 1 << 32, u64::from(u32::MAX), u64::MAX, 1 << 63, 1 << 31]
                        [usize::from(how % 6)];
                    match &mut piece.body {
                        Body::Packed(values) => values.push(Body::Varint(bad)),
                        body => *body = Body::Varint(bad),
                    }
                },
            ),
            Sort::PackedTail => self.change(
                pieces,
                |piece| {
                    piece.field.as_ref().is_some_and(|field| {
                        let kind = field.kind();
                        field.is_list()
                            && !matches!(kind, Kind::String | Kind::Bytes | Kind::Message(_))
                    })
                },
                |piece| {
                    let tails: [&[u8]; 5] =
                        [&[0x80], &[1, 0x80, 0], &[1, 2, 3], &[0; 5], &[0xff; 11]];
                    piece.body = Body::Bytes(tails[usize::from(how % 5)].to_vec());
                },
            ),
            Sort::Twice => self.twice(pieces),
            Sort::Truncate
            | Sort::Flip
            | Sort::Insert
            | Sort::Remove
            | Sort::TooLarge
            | Sort::TooMany => {}
        }
    }

    fn into_bytes(self, bytes: &mut Vec<u8>) {
        let at = usize::from(self.at) % bytes.len().max(1);
        match self.sort {
            Sort::Truncate => bytes.truncate(at),
            Sort::Flip if !bytes.is_empty() => bytes[at] ^= self.how.max(1),
            Sort::Insert => bytes.insert(at, self.how),
            Sort::Remove if !bytes.is_empty() => {
                bytes.remove(at);
            }
            Sort::TooLarge => {
                let filler = usize::from(self.how % 3) + MAX_RECORD_BYTES;
                let filler = filler.saturating_sub(bytes.len() + 6);
                // An unknown field of three bytes of tag and three of length.
                bytes.extend([0x82, 0xc0, 0x3e]);
                prost::encoding::encode_varint(filler as u64, bytes);
                bytes.resize(bytes.len() + filler, 0);
            }
            Sort::TooMany => {
                for _ in 0..MAX_RECORD_FIELDS - usize::from(self.how % 4) {
                    bytes.extend([0x82, 0xc0, 0x3e, 0]);
                }
            }
            _ => {}
        }
    }

    /// Changes one of the pieces, at any depth, that it is possible for.
    fn change(
        self,
        pieces: &mut Vec<Piece>,
        possible: impl Fn(&Piece) -> bool,
        change: impl FnOnce(&mut Piece),
    ) {
        let mut count = 0;
        each(pieces, &mut |piece| count += usize::from(possible(piece)));
        let Some(mut at) = usize::from(self.at).checked_rem(count) else { return };
        let mut change = Some(change);
        each(pieces, &mut |piece| {
            if possible(piece) {
                if at == 0
                    && let Some(change) = change.take()
                {
                    change(piece);
                }
                at = at.wrapping_sub(1);
            }
        });
    }

    /// Puts a field that may stand once, or another member of its oneof, beside itself.
    fn twice(self, pieces: &mut Vec<Piece>) {
        let once = |piece: &Piece| piece.field.as_ref().is_some_and(|field| !field.is_list());
        let mut places = vec![];
        levels(pieces, &mut |level| {
            places.push(level.iter().filter(|piece| once(piece)).count());
        });
        let total: usize = places.iter().sum();
        let Some(mut at) = usize::from(self.at).checked_rem(total) else { return };
        levels(pieces, &mut |level| {
            let here = level.iter().filter(|piece| once(piece)).count();
            if at < here {
                let found = level.iter().filter(|piece| once(piece)).nth(at).expect("counted");
                let field = found.field.clone().expect("a known field");
                let other = another(&field, self.how).unwrap_or(field);
                let again = Piece::of(&other, zero(&other.kind()));
                let position = usize::from(self.how / 3) % (level.len() + 1);
                level.insert(position, again);
                at = usize::MAX;
            } else if at != usize::MAX {
                at -= here;
            }
        });
    }
}

/// Another member of a field's oneof.
fn another(field: &FieldDescriptor, how: u8) -> Option<FieldDescriptor> {
    let members: Vec<_> = field.containing_oneof()?.fields().collect();
    Some(members[usize::from(how) % members.len()].clone())
}

/// Can a varint be out of its range?
fn narrow(field: Option<&FieldDescriptor>) -> bool {
    field.is_some_and(|field| {
        matches!(
            field.kind(),
            Kind::Bool | Kind::Int32 | Kind::Uint32 | Kind::Sint32 | Kind::Enum(_)
        )
    })
}

fn each(pieces: &mut Vec<Piece>, see: &mut impl FnMut(&mut Piece)) {
    for piece in pieces {
        see(piece);
        if let Body::Message(inner) = &mut piece.body {
            each(inner, see);
        }
    }
}

fn levels(pieces: &mut Vec<Piece>, see: &mut impl FnMut(&mut Vec<Piece>)) {
    see(pieces);
    for piece in pieces {
        if let Body::Message(inner) = &mut piece.body {
            levels(inner, see);
        }
    }
}
