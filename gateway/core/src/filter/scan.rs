//! A small strict reader of protobuf's wire format: only what a filter needs to find values in serialized
//! records. It never allocates and never reads beyond its slice.

/// Why bytes are no record. One word each; it never says where or what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A value or length reaches beyond the end.
    #[error("the record ends inside a value")]
    Truncated,
    /// A varint of more than 64 bits.
    #[error("a varint is too long")]
    OverlongVarint,
    /// Field number 0 or over 2^29-1.
    #[error("a field number is out of range")]
    FieldNumber,
    /// A group, or wire type 6 or 7.
    #[error("a wire type is not supported")]
    WireType,
    /// A known field with the wire type of another type.
    #[error("a field has the wrong wire type")]
    WrongWireType,
    /// A string that is not UTF-8.
    #[error("a text is not valid UTF-8")]
    InvalidUtf8,
    /// A singular field, or a oneof, twice.
    #[error("a singular field occurs twice")]
    Repeated,
}

impl WireError {
    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Truncated => "TRUNCATED",
            Self::OverlongVarint => "OVERLONG_VARINT",
            Self::FieldNumber => "FIELD_NUMBER",
            Self::WireType => "WIRE_TYPE",
            Self::WrongWireType => "WRONG_WIRE_TYPE",
            Self::InvalidUtf8 => "INVALID_UTF8",
            Self::Repeated => "REPEATED",
        }
    }
}

/// A value as it stands on the wire.
#[derive(Clone, Copy)]
pub(super) enum Raw<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// Reads fields one after the other.
pub(super) struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    #[cfg(test)]
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next field, or none at the end.
    pub(super) fn field(&mut self) -> Result<Option<(u32, Raw<'a>)>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = u32::try_from(self.varint()?).map_err(|_| WireError::FieldNumber)?;
        let number = tag >> 3;
        if number == 0 {
            return Err(WireError::FieldNumber);
        }
        let raw = match tag & 7 {
            0 => Raw::Varint(self.varint()?),
            1 => Raw::Fixed64(self.fixed()?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| WireError::Truncated)?;
                Raw::Bytes(self.take(length)?)
            }
            5 => Raw::Fixed32(self.fixed()?),
            _ => return Err(WireError::WireType),
        };
        Ok(Some((number, raw)))
    }

    /// A varint of at most ten bytes and 64 bits; shorter than it could be is not asked for.
    pub(super) fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0;
        for (at, byte) in self.rest.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            if at == 9 && *byte > 1 {
                return Err(WireError::OverlongVarint);
            }
            value |= bits << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 { WireError::Truncated } else { WireError::OverlongVarint })
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (first, rest) = self.rest.split_first_chunk().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (first, rest) = self.rest.split_at_checked(length).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(bytes: &[u8]) -> Result<Option<(u32, Raw<'_>)>, WireError> {
        Scan::new(bytes).field()
    }

    #[test]
    fn reasons_are_words_that_stay() {
        let words = [
            (WireError::Truncated, "TRUNCATED"),
            (WireError::OverlongVarint, "OVERLONG_VARINT"),
            (WireError::FieldNumber, "FIELD_NUMBER"),
            (WireError::WireType, "WIRE_TYPE"),
            (WireError::WrongWireType, "WRONG_WIRE_TYPE"),
            (WireError::InvalidUtf8, "INVALID_UTF8"),
            (WireError::Repeated, "REPEATED"),
        ];
        for (error, word) in words {
            assert_eq!(error.word(), word);
        }
    }

    #[test]
    fn refuses_what_is_no_wire_format() {
        let cases: &[(&[u8], WireError)] = &[
            (&[0x08], WireError::Truncated),
            (&[0x08, 0x80], WireError::Truncated),
            (&[0x0a, 0x05, 1], WireError::Truncated),
            (&[0x09, 1, 2, 3], WireError::Truncated),
            (&[0x00, 0x00], WireError::FieldNumber),
            (&[0x0b], WireError::WireType),
            (&[0x0e], WireError::WireType),
            (
                &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
                WireError::OverlongVarint,
            ),
            (
                &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
                WireError::OverlongVarint,
            ),
            (&[0xf8, 0xff, 0xff, 0xff, 0xff, 0x01, 0], WireError::FieldNumber),
        ];
        for (bytes, error) in cases {
            assert_eq!(first(bytes).err(), Some(*error), "{bytes:02x?}");
        }
    }

    #[test]
    fn reads_every_wire_type() {
        assert!(matches!(first(&[0x08, 0x96, 0x01]), Ok(Some((1, Raw::Varint(150))))));
        assert!(matches!(first(&[0x08, 0x96, 0x81, 0x00]), Ok(Some((1, Raw::Varint(150))))));
        assert!(matches!(first(&[0x12, 2, 7, 8]), Ok(Some((2, Raw::Bytes([7, 8]))))));
        assert!(matches!(first(&[0x1d, 1, 0, 0, 0]), Ok(Some((3, Raw::Fixed32([1, 0, 0, 0]))))));
        assert!(matches!(first(&[]), Ok(None)));
    }
}
