//! The filter tree and the `--where` expression: which records are asked for. A filter is plain data until
//! [`Filter::bind`] ties it to a record type and to the fields that its requester may use; only a
//! [`BoundFilter`] can be evaluated, and it works on serialized records without building a message.
//!
//! # What matches
//! - A comparison looks at the values of one leaf. It matches if any of them satisfies it; a record without a
//!   value there matches no comparison (`!=` included), but the negation of one.
//! - *Without a value* are: a leaf that is not on the wire, one below a message that is not there, an empty
//!   repeated leaf, and a singular proto3 scalar without `optional` that holds its default (0, false, the
//!   empty text, the enum's number 0), written out or not: on the wire the two are one. So `sequence = 0`
//!   never matches such a field and `not sequence > 0` finds what lacks it; elements of repeated fields,
//!   `optional` scalars and messages that are there always have a value.
//! - Text is compared byte by byte, which is the order of Unicode code points; nothing is folded. `bytes` are
//!   written as hexadecimal. An enum is compared with the name of a value, `IMPORT` or `DIRECTION_IMPORT`,
//!   for equality only, as are flags.
//! - Integers are compared exactly, whatever their width; a `float` with the literal rounded to `float`. A
//!   number that is not one (NaN) matches nothing.
//! - `Money` is compared by its amount, to the billionth, whatever its currency: name the currency elsewhere.
//! - A `Timestamp` is a moment; a `Date` is its midnight UTC, and without day or month the first of its month
//!   or year. A date that no calendar has matches nothing.

mod bind;
#[cfg(test)]
mod edges;
mod evaluate;
mod expression;
mod literal;
#[cfg(test)]
mod oracle;
mod scan;
mod texts;
mod tree;

pub use bind::BoundFilter;
pub use expression::{ExpressionError, ExpressionFault, parse_expression};
pub use literal::{enum_number, enum_words};
pub use scan::WireError;
pub use texts::TextFields;
pub use tree::{Filter, FilterError, Literal, LiteralKind, MAX_DEPTH, MAX_NODES, MAX_VALUES, Op};
