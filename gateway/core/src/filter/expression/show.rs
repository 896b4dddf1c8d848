//! A filter as an expression again: what it prints, the parser reads back as the same filter (but for lists of
//! filters with a single member, which stand for that member).

use std::fmt;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::lex::is_word;
use super::parse::{KEYWORDS, is_keyword};
use crate::filter::{Filter, Literal};
use crate::id::Moment;

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, false, f)
    }
}

/// A list inside of anything stands in parentheses, needed or not: so it is seen at once what goes together.
fn show(filter: &Filter, inside: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match filter {
        Filter::Compare { path, op, value } => {
            write!(f, "{} {} {value}", Path(path), op.symbol())
        }
        Filter::In { path, values } => {
            write!(f, "{} in (", Path(path))?;
            for (at, value) in values.iter().enumerate() {
                write!(f, "{}{value}", if at == 0 { "" } else { ", " })?;
            }
            f.write_str(")")
        }
        Filter::Prefix { path, prefix } => {
            write!(f, "{} prefix {}", Path(path), Quoted(prefix, '"'))
        }
        Filter::Not(inner) => {
            f.write_str("not ")?;
            show(inner, true, f)
        }
        Filter::All(filters) => list(filters, " and ", inside, f),
        Filter::Any(filters) => list(filters, " or ", inside, f),
    }
}

fn list(filters: &[Filter], word: &str, inside: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let [only] = filters {
        return show(only, inside, f);
    }
    f.write_str(if inside { "(" } else { "" })?;
    for (at, filter) in filters.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { word })?;
        show(filter, true, f)?;
    }
    f.write_str(if inside { ")" } else { "" })
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted(text, '"').fmt(f),
            Self::Integer(integer) => integer.fmt(f),
            // Debug keeps the point of whole numbers: `1.0` is read as a number again, not as an integer.
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Flag(flag) => flag.fmt(f),
            Self::Time(moment) => show_time(*moment, f),
            Self::Token(token) => write!(f, "token:{}", Quoted(token, '"')),
        }
    }
}

fn show_time(moment: Moment, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let nanos = i128::from(moment.0) * 1_000_000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|_| fmt::Error)?;
    let date = format_description!("[year]-[month]-[day]");
    let text = if moment.0.rem_euclid(86_400_000) == 0 {
        time.format(&date)
    } else {
        time.format(&Rfc3339)
    };
    f.write_str(&text.map_err(|_| fmt::Error)?)
}

struct Path<'a>(&'a str);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keyword = KEYWORDS.iter().any(|keyword| is_keyword(self.0, keyword));
        if is_word(self.0) && !keyword { f.write_str(self.0) } else { Quoted(self.0, '`').fmt(f) }
    }
}

struct Quoted<'a>(&'a str, char);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        f.write_char(self.1)?;
        for letter in self.0.chars() {
            match letter {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                letter if letter == self.1 => write!(f, "\\{letter}")?,
                letter if letter.is_control() => write!(f, "\\u{{{:x}}}", u32::from(letter))?,
                letter => f.write_char(letter)?,
            }
        }
        f.write_char(self.1)
    }
}
