//! The `--where` language: a filter as people write it.
//!
//! ```text
//! direction = IMPORT and items.hs_code prefix 8471 and accepted_at >= 2021-04-01
//! not (items.gross_mass_grams < 1000 or office in ("010", '020')) and importer.id = token:"pX3f.."
//! ```
//! `not` binds tighter than `and`, `and` tighter than `or`. What stands after an operator is a value, typed by
//! the schema: a text may be bare (`KR`, `8471`, `in`) where it has none of the characters of the syntax, or
//! stand in single or double quotes with the escapes `\\ \" \' \n \r \t \u{..}`. A path that is also a word of the
//! language stands in backticks. `field not in (..)` is `not field in (..)`.
//!
//! The schema is no secret, so errors here are helpful: they know fields from messages and name what would
//! fit. What a requester may not use is told by the gateway alone, and there all refusals are alike.

mod error;
mod lex;
mod parse;
mod show;
#[cfg(test)]
mod tests;
mod value;

pub use error::{ExpressionError, ExpressionFault};

use super::Filter;
use crate::label::RecordType;

/// Reads an expression.
///
/// # Errors
/// The first place that is no expression over the record type, or a filter that breaks a limit.
pub fn parse_expression(text: &str, record_type: &RecordType) -> Result<Filter, ExpressionError> {
    parse::parse(text, record_type)
}
