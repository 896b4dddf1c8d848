//! Literals against types: which literal fits which leaf, and what it is compared as.

use std::cmp::Ordering;

use prost_reflect::EnumDescriptor;

use super::{Literal, Op};
use crate::id::Moment;
use crate::label::{LeafKind, Whole};

/// A value ready to be compared with one of the same leaf. Enums, money (billionths) and times
/// (nanoseconds) are integers here.
#[derive(Clone, PartialEq)]
pub(super) enum Comparable<T, B> {
    Text(T),
    Bytes(B),
    Int(i128),
    Float(f64),
    Flag(bool),
}

/// What a literal became.
pub(super) type Wanted = Comparable<String, Vec<u8>>;
/// What stands in a record.
pub(super) type Found<'a> = Comparable<&'a str, &'a [u8]>;

impl Comparable<&str, &[u8]> {
    /// How the found value stands to the wanted one; none where they cannot be compared.
    pub(super) fn compare(&self, wanted: &Wanted) -> Option<Ordering> {
        match (self, wanted) {
            (Self::Text(one), Comparable::Text(two)) => Some((*one).cmp(two.as_str())),
            (Self::Bytes(one), Comparable::Bytes(two)) => Some((*one).cmp(two.as_slice())),
            (Self::Int(one), Comparable::Int(two)) => Some(one.cmp(two)),
            (Self::Float(one), Comparable::Float(two)) => one.partial_cmp(two),
            (Self::Flag(one), Comparable::Flag(two)) => Some(one.cmp(two)),
            _ => None,
        }
    }
}

impl Op {
    /// Does an order satisfy it?
    pub(super) fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Literal {
    /// The literal as a value of a leaf of this type; none where it does not fit.
    pub(super) fn wanted(&self, kind: &LeafKind) -> Option<Wanted> {
        Some(match (kind, self) {
            (LeafKind::String, Self::Text(text)) => Wanted::Text(text.clone()),
            (LeafKind::Bytes, Self::Text(text)) => Wanted::Bytes(hex::decode(text).ok()?),
            (LeafKind::Enum(names), Self::Text(text)) => {
                Wanted::Int(i128::from(enum_number(names, text)?))
            }
            (LeafKind::Bool, Self::Flag(flag)) => Wanted::Flag(*flag),
            (LeafKind::Float, Self::Integer(_) | Self::Number(_)) => {
                Wanted::Float(f64::from(self.number()? as f32))
            }
            (LeafKind::Double, Self::Integer(_) | Self::Number(_)) => Wanted::Float(self.number()?),
            (LeafKind::Whole(Whole::Timestamp | Whole::Date), Self::Time(moment)) => {
                Wanted::Int(moment_nanos(*moment))
            }
            (LeafKind::Whole(Whole::Money), Self::Integer(units)) => {
                Wanted::Int(i128::from(*units) * 1_000_000_000)
            }
            (LeafKind::Whole(Whole::Money), Self::Number(amount)) => {
                Wanted::Int((amount * 1e9).round() as i128)
            }
            (kind, Self::Integer(integer)) if is_integer(kind) => Wanted::Int(i128::from(*integer)),
            _ => return None,
        })
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(integer) => Some(*integer as f64),
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// Can values of this type be put in order, beyond equality?
pub(super) fn is_ordered(kind: &LeafKind) -> bool {
    !matches!(kind, LeafKind::Bool | LeafKind::Enum(_))
}

/// Is it one of the integer types?
pub(super) fn is_integer(kind: &LeafKind) -> bool {
    matches!(
        kind,
        LeafKind::Int32
            | LeafKind::Int64
            | LeafKind::Uint32
            | LeafKind::Uint64
            | LeafKind::Sint32
            | LeafKind::Sint64
            | LeafKind::Fixed32
            | LeafKind::Fixed64
            | LeafKind::Sfixed32
            | LeafKind::Sfixed64
    )
}

fn moment_nanos(moment: Moment) -> i128 {
    i128::from(moment.0) * 1_000_000
}

/// The number of an enum value by its full name, or by its name without the prefix that buf's rules ask for
/// (`DIRECTION_IMPORT`, `IMPORT`).
pub fn enum_number(names: &EnumDescriptor, text: &str) -> Option<i32> {
    names
        .get_value_by_name(text)
        .or_else(|| names.get_value_by_name(&format!("{}{text}", enum_prefix(names.name()))))
        .map(|value| value.number())
}

/// The short names of an enum's values, in the order of the schema.
pub fn enum_words(names: &EnumDescriptor) -> Vec<String> {
    let prefix = enum_prefix(names.name());
    names
        .values()
        .map(|value| value.name().strip_prefix(&prefix).unwrap_or(value.name()).to_owned())
        .collect()
}

/// `DocumentKind` -> `DOCUMENT_KIND_`.
fn enum_prefix(name: &str) -> String {
    let mut prefix = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && after_lower {
            prefix.push('_');
        }
        after_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        prefix.push(letter.to_ascii_uppercase());
    }
    prefix.push('_');
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enum_prefixes_follow_the_naming_rule() {
        assert_eq!(enum_prefix("Direction"), "DIRECTION_");
        assert_eq!(enum_prefix("DocumentKind"), "DOCUMENT_KIND_");
        assert_eq!(enum_prefix("Tlp2Level"), "TLP2_LEVEL_");
    }

    #[test]
    fn literals_fit_their_types_only() {
        let fits = |literal: &Literal, kind: &LeafKind| literal.wanted(kind).is_some();
        assert!(fits(&Literal::Text("0aFF".into()), &LeafKind::Bytes));
        assert!(!fits(&Literal::Text("0aF".into()), &LeafKind::Bytes));
        assert!(fits(&Literal::Integer(1), &LeafKind::Double));
        assert!(!fits(&Literal::Number(1.0), &LeafKind::Int64));
        assert!(!fits(&Literal::Integer(1), &LeafKind::Bool));
        assert!(!fits(&Literal::Token("t".into()), &LeafKind::String));
        assert!(!fits(&Literal::Text("x".into()), &LeafKind::Whole(Whole::Address)));
        assert!(!fits(&Literal::Integer(0), &LeafKind::Whole(Whole::Timestamp)));
        let cents = Literal::Number(0.1).wanted(&LeafKind::Whole(Whole::Money));
        assert!(cents == Some(Wanted::Int(100_000_000)));
    }
}
