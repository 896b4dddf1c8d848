//! Ends of ranges for numbers and times: a condition on the stored value that every match meets. Where a
//! conversion rounds, the ends are wider by what it can round away, and by a millionth for binary floats.

use portcullis_core::filter::{Literal, Op};
use portcullis_core::id::Moment;

use super::super::calendar::Format;
use super::super::decimal::Notation;
use super::column::{Column, Seen, Shape};
use super::push::{Test, Wanted};
use super::sql::Param;

/// Most values of a list that become ranges of their own.
const MOST_RANGES: usize = 32;
/// What floats may be off by: a `real` of PostgreSQL has 24 bits.
const FLOAT: f64 = 1e-6;

/// How a conversion writes numbers and moments, as SQL has them.
const MOMENT: &str = "%Y-%m-%dT%H:%M:%S.%f%z";
const MOMENT_UTC: &str = "%Y-%m-%dT%H:%M:%S.%fZ";
const LOCAL: &str = "%Y-%m-%dT%H:%M:%S.%f";
const DATE: &str = "%Y-%m-%d";

/// Whole numbers into integer fields, as they stand.
pub fn integer(
    column: &Column,
    seen: &Seen,
    notation: Notation,
    wanted: Wanted<'_>,
) -> Option<Vec<Test>> {
    match column.shape {
        Shape::Integer => {}
        Shape::Numeric if notation.point == '.' => {}
        Shape::Free if seen.integers() => {}
        _ => return None,
    }
    let number = |literal: &Literal| match literal {
        Literal::Integer(number) => Some(Param::Integer(*number)),
        _ => None,
    };
    match wanted {
        Wanted::Compare(op, literal) if op != Op::Equal => {
            Some(vec![range(op, || number(literal), || number(literal))?])
        }
        _ => {
            let values: Option<Vec<Param>> = wanted.listed()?.into_iter().map(number).collect();
            Some(vec![Test::In(values?)])
        }
    }
}

/// Numbers that are multiplied by a scale and rounded by at most a unit.
pub fn near(
    column: &Column,
    seen: &Seen,
    notation: Notation,
    (scale, unit): (f64, f64),
    wanted: Wanted<'_>,
) -> Option<Vec<Test>> {
    match column.shape {
        Shape::Integer => {}
        Shape::Numeric | Shape::Float if notation.point == '.' => {}
        Shape::Free if seen.numbers() && notation.point == '.' => {}
        _ => return None,
    }
    let ends = |literal: &Literal| {
        let value = match literal {
            Literal::Integer(number) => *number as f64,
            Literal::Number(number) => *number,
            _ => return None,
        };
        let slack = unit + value.abs() * FLOAT;
        let (least, most) = ((value - slack) / scale, (value + slack) / scale);
        (least.is_finite() && most.is_finite()).then_some((least, most))
    };
    let whole = column.shape == Shape::Integer;
    let least = |literal: &Literal| {
        let (least, _) = ends(literal)?;
        if whole { to_integer(least.floor()) } else { Some(Param::Real(least)) }
    };
    let most = |literal: &Literal| {
        let (_, most) = ends(literal)?;
        if whole { to_integer(most.ceil()) } else { Some(Param::Real(most)) }
    };
    ranges(wanted, least, most)
}

#[expect(clippy::cast_possible_truncation, reason = "within the range of the type")]
fn to_integer(real: f64) -> Option<Param> {
    (real.abs() < 9e18).then_some(Param::Integer(real as i64))
}

/// Moments (or, with `day`, dates) by a format: columns of times whose texts are the ones that SQL writes, or
/// texts that are in the order of their moments.
pub fn time(
    column: &Column,
    seen: &Seen,
    formats: &[Format],
    offset: i64,
    day: bool,
    wanted: Wanted<'_>,
) -> Option<Vec<Test>> {
    let [format] = formats else { return None };
    let is = |text: &str| Format::new(text).as_ref() == Ok(format);
    let write: Box<dyn Fn(i64) -> Option<Param>> = match column.shape {
        Shape::Moment if !day && (is(MOMENT) || (is(MOMENT_UTC) && offset == 0)) => {
            Box::new(|ms| iso(ms, "Z"))
        }
        Shape::Local if !day && is(LOCAL) => Box::new(move |ms| iso(ms + offset * 1000, "")),
        Shape::Date if is(DATE) => {
            Box::new(move |ms| format.write(ms.div_euclid(1000) + offset).map(Param::Text))
        }
        Shape::Text | Shape::Free if seen.plain_texts() => {
            let width = format.sortable()?;
            // A date reads no time of day; a longer format would need the end of the day.
            if !seen.all_of_length(width) || (day && !is_date(format)) {
                return None;
            }
            Box::new(move |ms| format.write(ms.div_euclid(1000) + offset).map(Param::Text))
        }
        _ => return None,
    };
    let end = |literal: &Literal| match literal {
        Literal::Time(Moment(ms)) => write(*ms),
        _ => None,
    };
    ranges(wanted, end, end)
}

/// Does it read nothing but a date?
fn is_date(format: &Format) -> bool {
    // Two moments of one day are written alike.
    format.write(0) == format.write(86_399)
}

/// Seconds since the epoch.
pub fn unix(column: &Column, seen: &Seen, wanted: Wanted<'_>) -> Option<Vec<Test>> {
    match column.shape {
        Shape::Integer => {}
        Shape::Free if seen.integers() => {}
        _ => return None,
    }
    let end = |literal: &Literal| match literal {
        Literal::Time(Moment(ms)) => Some(Param::Integer(ms.div_euclid(1000))),
        _ => None,
    };
    ranges(wanted, end, end)
}

/// ISO 8601 to the millisecond, the finest that a filter has.
fn iso(ms: i64, zone: &str) -> Option<Param> {
    let seconds = Format::new("%Y-%m-%dT%H:%M:%S").ok()?.write(ms.div_euclid(1000))?;
    Some(Param::Text(format!("{seconds}.{:03}{zone}", ms.rem_euclid(1000))))
}

fn ranges(
    wanted: Wanted<'_>,
    least: impl Fn(&Literal) -> Option<Param>,
    most: impl Fn(&Literal) -> Option<Param>,
) -> Option<Vec<Test>> {
    match wanted {
        Wanted::Compare(op, literal) => Some(vec![range(op, || least(literal), || most(literal))?]),
        Wanted::In(values) if values.len() <= MOST_RANGES => {
            values.iter().map(|value| range(Op::Equal, || least(value), || most(value))).collect()
        }
        Wanted::In(_) | Wanted::Prefix(_) => None,
    }
}

fn range(
    op: Op,
    least: impl Fn() -> Option<Param>,
    most: impl Fn() -> Option<Param>,
) -> Option<Test> {
    let (from, to) = match op {
        Op::Equal => (Some(least()?), Some(most()?)),
        Op::Less | Op::LessOrEqual => (None, Some(most()?)),
        Op::Greater | Op::GreaterOrEqual => (Some(least()?), None),
        Op::NotEqual => return None,
    };
    Some(Test::Range { from, below: None, to })
}
