//! Values of an expression, read by the type of the field they are compared with.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use super::lex::TokenKind;
use crate::filter::Literal;
use crate::filter::literal::{enum_number, enum_words, is_integer};
use crate::id::Moment;
use crate::label::{Leaf, LeafKind, Whole};

/// Reads one value.
///
/// # Errors
/// What would have fitted.
pub(super) fn read_value(token: &TokenKind, leaf: &Leaf) -> Result<Literal, String> {
    let (text, bare) = match token {
        TokenKind::Word(text) => (text, true),
        TokenKind::Quoted(text) => (text, false),
        TokenKind::Pseudonym(token) => {
            return if leaf.kind == LeafKind::String {
                Ok(Literal::Token(token.clone()))
            } else {
                Err(format!("`{}` is no text, so it has no pseudonym", leaf.path))
            };
        }
        _ => return Err("expected a value".to_owned()),
    };
    let need = |what: &str| format!("`{}` is compared with {what}", leaf.path);
    match &leaf.kind {
        LeafKind::String => Ok(Literal::Text(text.clone())),
        LeafKind::Bytes if hex::decode(text).is_ok() => Ok(Literal::Text(text.clone())),
        LeafKind::Bytes => Err(need("bytes in hexadecimal")),
        LeafKind::Enum(names) if enum_number(names, text).is_some() => {
            Ok(Literal::Text(text.clone()))
        }
        LeafKind::Enum(names) => Err(need(&format!("one of {}", enum_words(names).join(", ")))),
        LeafKind::Bool => match text.as_str() {
            "true" if bare => Ok(Literal::Flag(true)),
            "false" if bare => Ok(Literal::Flag(false)),
            _ => Err(need("true or false")),
        },
        LeafKind::Whole(Whole::Timestamp | Whole::Date) => {
            read_time(text).map(Literal::Time).ok_or_else(|| {
                need("a date such as 2021-04-01 or a time such as 2021-04-01T12:00:00Z")
            })
        }
        LeafKind::Float | LeafKind::Double => {
            read_number(text, bare).ok_or_else(|| need("a number"))
        }
        LeafKind::Whole(Whole::Money) => {
            read_number(text, bare).ok_or_else(|| need("an amount such as 1500 or 99.90"))
        }
        LeafKind::Whole(Whole::GeoPoint | Whole::Address | Whole::Other) => {
            Err(format!("`{}` cannot be compared", leaf.path))
        }
        kind if is_integer(kind) => match text.parse() {
            Ok(integer) if bare => Ok(Literal::Integer(integer)),
            _ => Err(need("an integer")),
        },
        _ => Err(format!("`{}` cannot be compared", leaf.path)),
    }
}

/// An integer, else a finite number written with digits (no `inf`, no `nan`).
fn read_number(text: &str, bare: bool) -> Option<Literal> {
    let digits = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.contains(|c: char| c.is_ascii_digit());
    if !bare || !digits {
        return None;
    }
    if let Ok(integer) = text.parse() {
        return Some(Literal::Integer(integer));
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Literal::Number)
}

/// A date (its midnight UTC) or an RFC 3339 time, to the millisecond and not finer.
fn read_time(text: &str) -> Option<Moment> {
    let date = format_description!("[year]-[month]-[day]");
    let time = match Date::parse(text, &date) {
        Ok(date) => date.midnight().assume_utc(),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).ok()?,
    };
    let nanos = time.unix_timestamp_nanos();
    (nanos % 1_000_000 == 0).then(|| i64::try_from(nanos / 1_000_000).ok().map(Moment))?
}
