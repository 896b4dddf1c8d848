//! Why a record is refused: one cause, one word.

/// Why a record's bytes are refused. The record is dropped; the cause is for the log and the source, never
/// for the requester. Nesting has no cause of its own: a record type is bounded when it is registered, and
/// what is unknown is skipped, not walked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The record is larger than [`super::MAX_RECORD_BYTES`].
    #[error("the record is too large")]
    TooLarge,
    /// The record has more fields than [`super::MAX_RECORD_FIELDS`].
    #[error("the record has too many fields")]
    TooManyFields,
    /// The bytes end inside a field.
    #[error("the bytes end inside a field")]
    Truncated,
    /// A varint has more bytes than its value needs, or more than 64 bits.
    #[error("a varint is longer than its value needs")]
    OverlongVarint,
    /// A field number is 0 or above 2^29-1.
    #[error("a field number is out of range")]
    FieldNumber,
    /// A group, begun or ended.
    #[error("a group")]
    Group,
    /// A wire type that does not exist or is not that of the field.
    #[error("a field has the wrong wire type")]
    WireType,
    /// A string is not UTF-8.
    #[error("a string is not utf-8")]
    Utf8,
    /// A field that may stand once stands twice.
    #[error("a singular field stands twice")]
    FieldTwice,
    /// Two members of a oneof.
    #[error("a oneof has two members")]
    OneofTwice,
    /// A value does not fit its type.
    #[error("a value does not fit its type")]
    OutOfRange,
    /// The plan, the keys and the record do not belong together: a mistake of the gateway, not of the
    /// source.
    #[error("the plan is for another originator or scope")]
    ForeignPlan,
}

impl Refusal {
    /// Every cause.
    pub const ALL: &'static [Self] = &[
        Self::TooLarge,
        Self::TooManyFields,
        Self::Truncated,
        Self::OverlongVarint,
        Self::FieldNumber,
        Self::Group,
        Self::WireType,
        Self::Utf8,
        Self::FieldTwice,
        Self::OneofTwice,
        Self::OutOfRange,
        Self::ForeignPlan,
    ];

    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooLarge => "RECORD_TOO_LARGE",
            Self::TooManyFields => "RECORD_TOO_MANY_FIELDS",
            Self::Truncated => "RECORD_TRUNCATED",
            Self::OverlongVarint => "RECORD_OVERLONG_VARINT",
            Self::FieldNumber => "RECORD_FIELD_NUMBER",
            Self::Group => "RECORD_GROUP",
            Self::WireType => "RECORD_WIRE_TYPE",
            Self::Utf8 => "RECORD_NOT_UTF8",
            Self::FieldTwice => "RECORD_FIELD_TWICE",
            Self::OneofTwice => "RECORD_ONEOF_TWICE",
            Self::OutOfRange => "RECORD_VALUE_OUT_OF_RANGE",
            Self::ForeignPlan => "RECORD_NOT_OF_PLAN",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_word_of_its_own() {
        let words: std::collections::HashSet<_> =
            Refusal::ALL.iter().map(|cause| cause.word()).collect();
        assert_eq!(words.len(), Refusal::ALL.len());
    }
}
