//! Reads protobuf bytes, strictly: one forward pass, nothing built, every deviation a named refusal.
//! It is the redactor's, and decides what a record is. A filter looks for values with a smaller reader of its
//! own (`filter/scan.rs`); whatever that lets pass comes here before anything is released.
//!
//! Stricter than a stock decoder: a tag, length or value in more bytes than it needs is refused, and so is
//! a value that a decoder would cut to its type (an `int32` of 33 bits, a `bool` of 2). What is accepted
//! therefore has one meaning and, field by field, one spelling.

pub use super::refusal::Refusal;
use crate::label::LeafKind;

/// Largest field number.
pub const MAX_FIELD_NUMBER: u32 = (1 << 29) - 1;

/// A value as it stands on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WireValue<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

/// Walks over the fields of one message.
#[derive(Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Begins at the first field.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Begins at a later field.
    pub(super) fn starting(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Where the next field begins.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The bytes from a former position up to here.
    pub fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// Number and value of the next field; none at the end.
    ///
    /// # Errors
    /// What is wrong with the bytes. Reading must not go on after that.
    pub fn next_field(&mut self) -> Result<Option<(u32, WireValue<'a>)>, Refusal> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3)
            .ok()
            .filter(|number| (1..=MAX_FIELD_NUMBER).contains(number))
            .ok_or(Refusal::FieldNumber)?;
        let value = match tag & 7 {
            0 => WireValue::Varint(self.varint()?),
            1 => WireValue::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Refusal::Truncated)?;
                WireValue::Bytes(self.take(length)?)
            }
            3 | 4 => return Err(Refusal::Group),
            5 => WireValue::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(Refusal::WireType),
        };
        Ok(Some((number, value)))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Refusal> {
        let end = self.at.checked_add(length).ok_or(Refusal::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(Refusal::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        self.take(N)?.try_into().map_err(|_| Refusal::Truncated)
    }

    fn varint(&mut self) -> Result<u64, Refusal> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(Refusal::Truncated)?;
            self.at += 1;
            let low = u64::from(byte & 0x7f);
            if shift == 63 && low > 1 {
                return Err(Refusal::OverlongVarint);
            }
            value |= low << shift;
            if byte < 0x80 {
                let minimal = byte != 0 || shift == 0;
                return minimal.then_some(value).ok_or(Refusal::OverlongVarint);
            }
        }
        Err(Refusal::OverlongVarint)
    }
}

/// Type of a scalar on the wire, without what only reflection needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarKind {
    /// `bool`.
    Bool,
    /// `int32`, and every enum.
    Int32,
    /// `int64`.
    Int64,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    /// `sint32`.
    Sint32,
    /// `sint64`.
    Sint64,
    /// `fixed32`.
    Fixed32,
    /// `fixed64`.
    Fixed64,
    /// `sfixed32`.
    Sfixed32,
    /// `sfixed64`.
    Sfixed64,
    /// `float`.
    Float,
    /// `double`.
    Double,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
}

/// A scalar, read and checked.
#[derive(Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// `bool`.
    Bool(bool),
    /// Any signed integer, and enums.
    Int(i64),
    /// Any unsigned integer.
    Uint(u64),
    /// `float`, `double`.
    Float(f64),
    /// `string`.
    Text(&'a str),
    /// `bytes`.
    Bytes(&'a [u8]),
}

impl Scalar<'_> {
    /// Is it what an absent field with implicit presence reads as? Minus zero is not.
    pub fn is_default(&self) -> bool {
        match self {
            Self::Bool(value) => !value,
            Self::Int(value) => *value == 0,
            Self::Uint(value) => *value == 0,
            Self::Float(value) => value.to_bits() == 0,
            Self::Text(value) => value.is_empty(),
            Self::Bytes(value) => value.is_empty(),
        }
    }
}

impl ScalarKind {
    /// Of a leaf or field; none for a message.
    pub fn of(kind: &LeafKind) -> Option<Self> {
        Some(match kind {
            LeafKind::Bool => Self::Bool,
            LeafKind::Int32 | LeafKind::Enum(_) => Self::Int32,
            LeafKind::Int64 => Self::Int64,
            LeafKind::Uint32 => Self::Uint32,
            LeafKind::Uint64 => Self::Uint64,
            LeafKind::Sint32 => Self::Sint32,
            LeafKind::Sint64 => Self::Sint64,
            LeafKind::Fixed32 => Self::Fixed32,
            LeafKind::Fixed64 => Self::Fixed64,
            LeafKind::Sfixed32 => Self::Sfixed32,
            LeafKind::Sfixed64 => Self::Sfixed64,
            LeafKind::Float => Self::Float,
            LeafKind::Double => Self::Double,
            LeafKind::String => Self::String,
            LeafKind::Bytes => Self::Bytes,
            LeafKind::Whole(_) => return None,
        })
    }

    /// The wire type of one value that is not packed.
    pub fn wire_type(self) -> u32 {
        match self {
            Self::Bool
            | Self::Int32
            | Self::Int64
            | Self::Uint32
            | Self::Uint64
            | Self::Sint32
            | Self::Sint64 => 0,
            Self::Fixed64 | Self::Sfixed64 | Self::Double => 1,
            Self::String | Self::Bytes => 2,
            Self::Fixed32 | Self::Sfixed32 | Self::Float => 5,
        }
    }

    /// May a repeated field of it be packed?
    pub fn packable(self) -> bool {
        self.wire_type() != 2
    }

    /// Reads one value.
    ///
    /// # Errors
    /// The wire type is another, the value does not fit the type, or a string is not UTF-8.
    pub fn read(self, value: WireValue<'_>) -> Result<Scalar<'_>, Refusal> {
        let narrow = |value: i64| {
            i32::try_from(value).map(|value| Scalar::Int(value.into())).or(Err(Refusal::OutOfRange))
        };
        let narrow_unsigned = |value: u64| u32::try_from(value).or(Err(Refusal::OutOfRange));
        match (self, value) {
            (Self::Bool, WireValue::Varint(value @ 0..=1)) => Ok(Scalar::Bool(value == 1)),
            (Self::Bool, WireValue::Varint(_)) => Err(Refusal::OutOfRange),
            (Self::Int32, WireValue::Varint(value)) => narrow(value.cast_signed()),
            (Self::Int64, WireValue::Varint(value)) => Ok(Scalar::Int(value.cast_signed())),
            (Self::Uint32, WireValue::Varint(value)) => {
                narrow_unsigned(value).map(|value| Scalar::Uint(value.into()))
            }
            (Self::Uint64, WireValue::Varint(value)) => Ok(Scalar::Uint(value)),
            (Self::Sint32, WireValue::Varint(value)) => {
                narrow_unsigned(value).map(|value| Scalar::Int(unzigzag(value.into())))
            }
            (Self::Sint64, WireValue::Varint(value)) => Ok(Scalar::Int(unzigzag(value))),
            (Self::Fixed32, WireValue::Fixed32(value)) => Ok(Scalar::Uint(value.into())),
            (Self::Sfixed32, WireValue::Fixed32(value)) => {
                Ok(Scalar::Int(value.cast_signed().into()))
            }
            (Self::Float, WireValue::Fixed32(value)) => {
                Ok(Scalar::Float(f32::from_bits(value).into()))
            }
            (Self::Fixed64, WireValue::Fixed64(value)) => Ok(Scalar::Uint(value)),
            (Self::Sfixed64, WireValue::Fixed64(value)) => Ok(Scalar::Int(value.cast_signed())),
            (Self::Double, WireValue::Fixed64(value)) => Ok(Scalar::Float(f64::from_bits(value))),
            (Self::String, WireValue::Bytes(value)) => {
                std::str::from_utf8(value).map(Scalar::Text).or(Err(Refusal::Utf8))
            }
            (Self::Bytes, WireValue::Bytes(value)) => Ok(Scalar::Bytes(value)),
            _ => Err(Refusal::WireType),
        }
    }

    /// Reads the values of a packed field; call until none.
    pub fn packed(self, bytes: &[u8]) -> Packed<'_> {
        Packed { kind: self, reader: Reader::new(bytes) }
    }
}

/// The values of a packed field.
pub struct Packed<'a> {
    kind: ScalarKind,
    reader: Reader<'a>,
}

impl<'a> Packed<'a> {
    /// The next value and the bytes it stands in; none at the end.
    ///
    /// # Errors
    /// As [`ScalarKind::read`], and what is wrong with the bytes.
    pub fn next_value(&mut self) -> Result<Option<(Scalar<'a>, &'a [u8])>, Refusal> {
        let start = self.reader.position();
        if start >= self.reader.bytes.len() {
            return Ok(None);
        }
        let value = match self.kind.wire_type() {
            0 => WireValue::Varint(self.reader.varint()?),
            1 => WireValue::Fixed64(u64::from_le_bytes(self.reader.array()?)),
            5 => WireValue::Fixed32(u32::from_le_bytes(self.reader.array()?)),
            _ => return Err(Refusal::WireType),
        };
        let scalar = self.kind.read(value)?;
        Ok(Some((scalar, self.reader.since(start))))
    }
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(bytes: &[u8]) -> Result<Option<(u32, WireValue<'_>)>, Refusal> {
        Reader::new(bytes).next_field()
    }

    #[test]
    fn reads_every_wire_type() {
        let bytes = [0x08, 0x96, 1, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 1, 7, 0x25, 2, 0, 0, 0];
        let mut reader = Reader::new(&bytes);
        assert!(reader.next_field() == Ok(Some((1, WireValue::Varint(150)))));
        assert!(reader.next_field() == Ok(Some((2, WireValue::Fixed64(1)))));
        assert!(reader.next_field() == Ok(Some((3, WireValue::Bytes(&[7])))));
        assert!(reader.next_field() == Ok(Some((4, WireValue::Fixed32(2)))));
        assert!(reader.next_field() == Ok(None));
    }

    #[test]
    fn names_what_is_wrong() {
        let ten = |last: u8| {
            let mut bytes = vec![0x08];
            bytes.extend([0xff; 9]);
            bytes.push(last);
            bytes
        };
        for (bytes, cause) in [
            (vec![0x08], Refusal::Truncated),
            (vec![0x08, 0x80], Refusal::Truncated),
            (vec![0x12, 2, 0], Refusal::Truncated),
            (vec![0x12, 0xff, 0xff, 0xff, 0xff, 0x0f], Refusal::Truncated),
            (ten(0x7f), Refusal::OverlongVarint),
            (ten(0x02), Refusal::OverlongVarint),
            (ten(0x81), Refusal::OverlongVarint),
            (vec![0x11, 0, 0, 0], Refusal::Truncated),
            (vec![0x25, 0], Refusal::Truncated),
            (vec![0x08, 0x80, 0], Refusal::OverlongVarint),
            (vec![0x88, 0, 1], Refusal::OverlongVarint),
            (vec![0x12, 0x80, 0], Refusal::OverlongVarint),
            (vec![0x00, 1], Refusal::FieldNumber),
            (vec![0x80, 0x80, 0x80, 0x80, 0x10, 1], Refusal::FieldNumber),
            (vec![0x0b], Refusal::Group),
            (vec![0x0c], Refusal::Group),
            (vec![0x0e], Refusal::WireType),
            (vec![0x0f], Refusal::WireType),
        ] {
            assert_eq!(first(&bytes).err(), Some(cause), "{bytes:02x?}");
        }
        assert!(first(&ten(0x01)) == Ok(Some((1, WireValue::Varint(u64::MAX)))));
        let largest = [0xf8, 0xff, 0xff, 0xff, 0x0f, 1];
        assert!(first(&largest) == Ok(Some((MAX_FIELD_NUMBER, WireValue::Varint(1)))));
    }

    #[test]
    fn values_must_fit_their_type() {
        use Refusal::{OutOfRange, Utf8, WireType};
        use ScalarKind as K;
        let minus_one = WireValue::Varint(u64::MAX);
        assert!(K::Int32.read(minus_one) == Ok(Scalar::Int(-1)));
        assert!(K::Sint32.read(WireValue::Varint(3)) == Ok(Scalar::Int(-2)));
        assert!(K::Sint64.read(minus_one) == Ok(Scalar::Int(i64::MIN)));
        for (kind, value, cause) in [
            (K::Int32, WireValue::Varint(0xffff_ffff), OutOfRange),
            (K::Uint32, WireValue::Varint(1 << 32), OutOfRange),
            (K::Sint32, WireValue::Varint(1 << 32), OutOfRange),
            (K::Bool, WireValue::Varint(2), OutOfRange),
            (K::String, WireValue::Bytes(&[0xff]), Utf8),
            (K::String, WireValue::Bytes(&[0xed, 0xa0, 0x80]), Utf8),
            (K::String, WireValue::Varint(1), WireType),
            (K::Fixed32, WireValue::Fixed64(1), WireType),
            (K::Double, WireValue::Fixed32(1), WireType),
        ] {
            assert_eq!(kind.read(value).err(), Some(cause), "{kind:?}");
        }
    }
}
