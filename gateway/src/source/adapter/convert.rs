//! From the text of a cell to a value of a field. Each conversion says what it expects, never what it got.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use portcullis_core::label::{LeafKind, Whole};

use super::calendar::Format;
use super::country::is_country;
use super::decimal::{Decimal, Notation, Rounding};

/// A converted value.
#[derive(Clone, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Whole number; range checked against the field when it is encoded.
    Integer(i128),
    /// Floating-point number.
    Real(f64),
    /// Yes or no.
    Flag(bool),
    /// Number of an enum value.
    Enum(i32),
    /// Moment: seconds since the epoch and billionths.
    Time(i64, i32),
    /// Calendar date: year, month, day.
    Date(i32, i32, i32),
    /// Currency, whole units, billionths.
    Money(Cow<'a, str>, i64, i32),
    /// Latitude and longitude, degrees.
    Point(f64, f64),
}

/// What was expected of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected(pub Cow<'static, str>);

fn expected<T>(what: &'static str) -> Result<T, Expected> {
    Err(Expected(Cow::Borrowed(what)))
}

/// Letters of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    /// All upper case.
    Upper,
    /// All lower case.
    Lower,
}

/// What to do with a text.
#[derive(Debug, Clone, Default)]
pub struct TextRule {
    /// Change of letters.
    pub case: Option<Case>,
    /// Characters removed wherever they stand.
    pub strip: String,
    /// Filled from the left to that many characters, with that one.
    pub pad: Option<(usize, char)>,
}

/// Whose amounts they are.
#[derive(Debug, Clone)]
pub enum Currency {
    /// One for all rows, ISO 4217.
    Fixed(String),
    /// By a column.
    Column(usize),
}

/// A compiled conversion.
#[derive(Debug, Clone)]
pub enum Conversion {
    /// Text.
    Text(TextRule),
    /// ISO 3166-1 alpha-2, upper or lower case.
    Country,
    /// Six to twelve digits; dots and spaces are dropped.
    HsCode,
    /// A whole number; `3.0` is one.
    Integer(Notation),
    /// A decimal number into a floating-point field.
    Decimal(Notation),
    /// A mass into grams: times the factor, rounded.
    Mass(Notation, Decimal, Rounding),
    /// An amount: decimal places kept, rounding, currency.
    Money(Notation, u32, Rounding, Currency),
    /// A moment by the first format that fits, with the offset (seconds east) where the text has none.
    Time(Vec<Format>, i64),
    /// A calendar date by the first format that fits.
    Date(Vec<Format>),
    /// Seconds since the epoch.
    Unix,
    /// The name of an enum value, with or without the enum's prefix.
    Enum(HashMap<String, i32>),
    /// Yes or no.
    Flag {
        /// Texts that mean yes.
        yes: Vec<String>,
        /// Texts that mean no.
        no: Vec<String>,
    },
    /// Decimal degrees; the second column is the longitude.
    Point(Notation),
}

/// A code list: what each code becomes, and what every other becomes.
#[derive(Debug, Clone)]
pub struct CodeList {
    /// By code.
    pub map: BTreeMap<String, String>,
    /// For all others; none: they are refused.
    pub default: Option<String>,
}

impl CodeList {
    /// The code's meaning.
    pub fn look_up(&self, code: &str) -> Result<&str, Expected> {
        let found = self.map.get(code).or(self.default.as_ref());
        found.map(String::as_str).ok_or(Expected("not in the code list".into()))
    }
}

impl Conversion {
    /// Can what it makes go into a field of this type?
    pub fn fits(&self, kind: &LeafKind) -> bool {
        match self {
            Self::Text(_) | Self::Country | Self::HsCode => {
                matches!(kind, LeafKind::String | LeafKind::Bytes)
            }
            Self::Integer(_) | Self::Mass(..) => is_integer(kind),
            Self::Decimal(_) => matches!(kind, LeafKind::Float | LeafKind::Double),
            Self::Money(..) => *kind == LeafKind::Whole(Whole::Money),
            Self::Time(..) | Self::Unix => *kind == LeafKind::Whole(Whole::Timestamp),
            Self::Date(_) => *kind == LeafKind::Whole(Whole::Date),
            Self::Enum(_) => matches!(kind, LeafKind::Enum(_)),
            Self::Flag { .. } => matches!(kind, LeafKind::Bool),
            Self::Point(_) => *kind == LeafKind::Whole(Whole::GeoPoint),
        }
    }

    /// Converts a cell that is not null. `other` reads another column of the row; `second` is the second
    /// column's cell, where the conversion takes two.
    pub fn apply<'a>(
        &self,
        cell: &'a str,
        second: Option<&str>,
        other: impl Fn(usize) -> Option<&'a str>,
    ) -> Result<Value<'a>, Expected> {
        match self {
            Self::Text(rule) => Ok(Value::Text(rule.apply(cell))),
            Self::Country => {
                let code = cell.to_ascii_uppercase();
                if is_country(&code) {
                    return Ok(Value::Text(Cow::Owned(code)));
                }
                expected("not an ISO 3166-1 alpha-2 country code")
            }
            Self::HsCode => {
                let digits: String = cell.chars().filter(|c| !matches!(c, '.' | ' ')).collect();
                if (6..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Ok(Value::Text(Cow::Owned(digits)));
                }
                expected("not a commodity code of six to twelve digits")
            }
            Self::Integer(notation) => Decimal::parse(cell, *notation)
                .and_then(|number| number.in_units(0, Rounding::Exact))
                .map(Value::Integer)
                .ok_or(Expected("not a whole number".into())),
            Self::Decimal(notation) => Decimal::parse(cell, *notation)
                .and_then(Decimal::to_f64)
                .map(Value::Real)
                .ok_or(Expected("not a decimal number".into())),
            Self::Mass(notation, factor, rounding) => mass(cell, *notation, *factor, *rounding),
            Self::Money(notation, places, rounding, currency) => {
                let currency = match currency {
                    Currency::Fixed(code) => Cow::Owned(code.clone()),
                    Currency::Column(column) => {
                        Cow::Borrowed(other(*column).map(str::trim).unwrap_or_default())
                    }
                };
                money(cell, *notation, *places, *rounding, currency)
            }
            Self::Time(formats, offset) => formats
                .iter()
                .find_map(|format| format.read(cell))
                .map(|read| Value::Time(read.unix(*offset), read.nanos))
                .ok_or(Expected("not a time in the given format".into())),
            Self::Date(formats) => formats
                .iter()
                .find_map(|format| format.read(cell))
                .map(|read| {
                    let month = i32::from(u8::from(read.date.month()));
                    Value::Date(read.date.year(), month, i32::from(read.date.day()))
                })
                .ok_or(Expected("not a date in the given format".into())),
            Self::Unix => cell
                .parse()
                .ok()
                .filter(|seconds| (MOST_PAST..=MOST_FUTURE).contains(seconds))
                .map(|seconds| Value::Time(seconds, 0))
                .ok_or(Expected("not a number of seconds since 1970".into())),
            Self::Enum(names) => names
                .get(&cell.to_ascii_uppercase())
                .map(|number| Value::Enum(*number))
                .ok_or(Expected("not the name of a value of the enum".into())),
            Self::Flag { yes, no } => {
                let is =
                    |words: &[String]| words.iter().any(|word| word.eq_ignore_ascii_case(cell));
                match (is(yes), is(no)) {
                    (true, false) => Ok(Value::Flag(true)),
                    (false, true) => Ok(Value::Flag(false)),
                    _ => expected("neither yes nor no"),
                }
            }
            Self::Point(notation) => point(cell, second, *notation),
        }
    }
}

/// Timestamps of protobuf: years 1 to 9999.
const MOST_PAST: i64 = -62_135_596_800;
const MOST_FUTURE: i64 = 253_402_300_799;

impl TextRule {
    fn apply<'a>(&self, cell: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(cell);
        if text.contains(|c| self.strip.contains(c)) {
            text = Cow::Owned(text.chars().filter(|c| !self.strip.contains(*c)).collect());
        }
        match self.case {
            Some(Case::Upper) => text = Cow::Owned(text.to_uppercase()),
            Some(Case::Lower) => text = Cow::Owned(text.to_lowercase()),
            None => {}
        }
        if let Some((width, fill)) = self.pad {
            let missing = width.saturating_sub(text.chars().count());
            if missing > 0 {
                let fill: String = std::iter::repeat_n(fill, missing).collect();
                text = Cow::Owned(fill + &text);
            }
        }
        text
    }
}

fn mass(
    cell: &str,
    notation: Notation,
    factor: Decimal,
    rounding: Rounding,
) -> Result<Value<'static>, Expected> {
    let Some(number) = Decimal::parse(cell, notation) else {
        return expected("not a decimal number");
    };
    match number.times(factor).and_then(|grams| grams.in_units(0, rounding)) {
        Some(grams) if grams >= 0 => Ok(Value::Integer(grams)),
        Some(_) => expected("a mass is not negative"),
        None => expected("not a whole number of grams, or too large"),
    }
}

fn money<'a>(
    cell: &str,
    notation: Notation,
    places: u32,
    rounding: Rounding,
    currency: Cow<'a, str>,
) -> Result<Value<'a>, Expected> {
    if !is_currency(&currency) {
        return expected("the currency is not three capital letters");
    }
    let Some(number) = Decimal::parse(cell, notation) else {
        return expected("not a decimal number");
    };
    let unit = 10i128.pow(places.min(9));
    let scaled = number.in_units(places.min(9), rounding);
    let parts = scaled.and_then(|scaled| {
        let nanos = (scaled % unit) * (1_000_000_000 / unit);
        Some((i64::try_from(scaled / unit).ok()?, i32::try_from(nanos).ok()?))
    });
    match parts {
        Some((units, nanos)) => Ok(Value::Money(currency, units, nanos)),
        None => expected("an amount with too many digits"),
    }
}

fn point(cell: &str, second: Option<&str>, notation: Notation) -> Result<Value<'static>, Expected> {
    let degrees = |text: &str, most: f64| {
        Decimal::parse(text, notation)?.to_f64().filter(|degrees| degrees.abs() <= most)
    };
    let parts = degrees(cell, 90.0).zip(second.and_then(|text| degrees(text, 180.0)));
    match parts {
        Some((latitude, longitude)) => Ok(Value::Point(latitude, longitude)),
        None => expected("not a latitude and a longitude in decimal degrees"),
    }
}

/// Three capital letters?
pub fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// An integer of any size?
pub fn is_integer(kind: &LeafKind) -> bool {
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

/// Grams in one unit of mass.
pub fn grams_in(unit: &str) -> Option<Decimal> {
    Some(match unit {
        "mg" => Decimal::new(1, 3),
        "g" => Decimal::new(1, 0),
        "kg" => Decimal::new(1000, 0),
        "t" => Decimal::new(1_000_000, 0),
        // International avoirdupois pound, 1959: exactly 0.45359237 kg; the ounce is a sixteenth.
        "lb" => Decimal::new(45_359_237, 5),
        "oz" => Decimal::new(28_349_523_125, 9),
        _ => return None,
    })
}
