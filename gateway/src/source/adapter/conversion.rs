//! From the `convert` of a mapping to a compiled conversion: which keys each kind takes, and what a field gets
//! that names none.

use std::collections::HashMap;

use portcullis_core::label::{LeafKind, Semantic, Whole};

use super::calendar::{self, Format};
use super::convert::{Conversion, Currency, TextRule, grams_in, is_currency, is_integer};
use super::decimal::{Notation, Rounding};
use super::mapping::{Convert, OneOrMore};
use super::target::Target;

const NUMBER: &[&str] = &["point", "group"];
const KINDS: &[(&str, &[&str])] = &[
    ("text", &["case", "strip", "pad", "fill"]),
    ("country", &[]),
    ("hs_code", &[]),
    ("integer", NUMBER),
    ("decimal", NUMBER),
    ("mass", &["point", "group", "unit", "round"]),
    ("money", &["point", "group", "places", "round", "currency", "currency_column"]),
    ("timestamp", &["format", "offset"]),
    ("date", &["format"]),
    ("unix", &[]),
    ("enum", &[]),
    ("boolean", &["yes", "no"]),
    ("geo_point", NUMBER),
];

/// Compiles a conversion for a target; `column` finds a column by name.
///
/// # Errors
/// What is wrong with it.
pub fn compile(
    convert: Option<&Convert>,
    target: &Target,
    column: impl Fn(&str) -> Option<usize>,
) -> Result<Conversion, String> {
    let conversion = match convert {
        None => by_type(target)?,
        Some(convert) => by_kind(convert, target, column)?,
    };
    if conversion.fits(&target.kind) {
        return Ok(conversion);
    }
    let kind = convert.map_or("its default", |convert| convert.kind.as_str());
    Err(format!("conversion `{kind}` does not make a {}", target.kind.name()))
}

fn by_type(target: &Target) -> Result<Conversion, String> {
    let plain = Notation::default();
    Ok(match (&target.kind, target.semantic) {
        (_, Some(Semantic::Country)) => Conversion::Country,
        (_, Some(Semantic::HsCode)) => Conversion::HsCode,
        (_, Some(Semantic::Mass)) => return Err("a mass needs a `convert` with its unit".into()),
        (LeafKind::String | LeafKind::Bytes, _) => Conversion::Text(TextRule::default()),
        (LeafKind::Bool, _) => flag(&Convert::default()),
        (LeafKind::Enum(_), _) => enum_names(target),
        (LeafKind::Float | LeafKind::Double, _) => Conversion::Decimal(plain),
        (LeafKind::Whole(Whole::GeoPoint), _) => Conversion::Point(plain),
        (LeafKind::Whole(_), _) => {
            return Err("needs a `convert`, or name the fields inside it".into());
        }
        (kind, _) if is_integer(kind) => Conversion::Integer(plain),
        _ => return Err("needs a `convert`".into()),
    })
}

fn by_kind(
    convert: &Convert,
    target: &Target,
    column: impl Fn(&str) -> Option<usize>,
) -> Result<Conversion, String> {
    let Some((_, allowed)) = KINDS.iter().find(|(kind, _)| *kind == convert.kind) else {
        let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        return Err(format!("`{}` is no conversion; there are {}", convert.kind, kinds.join(", ")));
    };
    if let Some(key) = given(convert).find(|key| !allowed.contains(key)) {
        return Err(format!("conversion `{}` takes no `{key}`", convert.kind));
    }
    let notation = notation(convert)?;
    let rounding = convert.round.unwrap_or(Rounding::HalfEven);
    Ok(match convert.kind.as_str() {
        "text" => Conversion::Text(TextRule {
            case: convert.case,
            strip: convert.strip.clone().unwrap_or_default(),
            pad: convert.pad.map(|width| (width.min(256), convert.fill.unwrap_or('0'))),
        }),
        "country" => Conversion::Country,
        "hs_code" => Conversion::HsCode,
        "integer" => Conversion::Integer(notation),
        "decimal" => Conversion::Decimal(notation),
        "mass" => {
            let unit = convert.unit.as_deref().unwrap_or_default();
            let factor = grams_in(unit).ok_or("`unit` is one of mg, g, kg, t, lb, oz")?;
            Conversion::Mass(notation, factor, rounding)
        }
        "money" => {
            let places = convert.places.unwrap_or(2);
            if places > 9 {
                return Err("`places` is at most 9".into());
            }
            Conversion::Money(notation, places, rounding, currency(convert, column)?)
        }
        "timestamp" => {
            let formats = formats(convert.format.as_ref())?;
            let offset = offset(convert.offset.as_deref(), &formats)?;
            Conversion::Time(formats, offset)
        }
        "date" => Conversion::Date(formats(convert.format.as_ref())?),
        "unix" => Conversion::Unix,
        "enum" => enum_names(target),
        "boolean" => flag(convert),
        _ => Conversion::Point(notation),
    })
}

fn given(convert: &Convert) -> impl Iterator<Item = &'static str> {
    [
        ("case", convert.case.is_some()),
        ("strip", convert.strip.is_some()),
        ("pad", convert.pad.is_some()),
        ("fill", convert.fill.is_some()),
        ("point", convert.point.is_some()),
        ("group", convert.group.is_some()),
        ("unit", convert.unit.is_some()),
        ("round", convert.round.is_some()),
        ("places", convert.places.is_some()),
        ("currency", convert.currency.is_some()),
        ("currency_column", convert.currency_column.is_some()),
        ("format", convert.format.is_some()),
        ("offset", convert.offset.is_some()),
        ("yes", convert.yes.is_some()),
        ("no", convert.no.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, given)| given.then_some(key))
}

fn notation(convert: &Convert) -> Result<Notation, String> {
    let notation = Notation { point: convert.point.unwrap_or('.'), group: convert.group };
    let bad = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-');
    if bad(notation.point)
        || notation.group.is_some_and(bad)
        || Some(notation.point) == notation.group
    {
        return Err("`point` and `group` are two different signs".into());
    }
    Ok(notation)
}

fn currency(convert: &Convert, column: impl Fn(&str) -> Option<usize>) -> Result<Currency, String> {
    match (&convert.currency, &convert.currency_column) {
        (Some(code), None) if is_currency(code) => Ok(Currency::Fixed(code.clone())),
        (Some(_), None) => Err("`currency` is three capital letters".into()),
        (None, Some(name)) => {
            column(name).map(Currency::Column).ok_or_else(|| format!("there is no column `{name}`"))
        }
        _ => Err("needs either `currency` or `currency_column`".into()),
    }
}

/// Compiles formats; at least one.
pub fn formats(given: Option<&OneOrMore>) -> Result<Vec<Format>, String> {
    let all = given.map(OneOrMore::all).unwrap_or_default();
    if all.is_empty() {
        return Err("needs a `format`, such as \"%Y-%m-%d\"".into());
    }
    all.iter().map(|format| Format::new(format)).collect()
}

/// Compiles an offset; required unless every format reads one.
pub fn offset(given: Option<&str>, formats: &[Format]) -> Result<i64, String> {
    match given {
        Some(text) => {
            calendar::offset(text).ok_or_else(|| "`offset` is like +09:00, -05:30 or Z".into())
        }
        None if formats.iter().all(Format::has_offset) => Ok(0),
        None => Err("needs an `offset`, because not every format reads one".into()),
    }
}

fn flag(convert: &Convert) -> Conversion {
    let words = |given: &Option<Vec<String>>, usual: &[&str]| {
        given.clone().unwrap_or_else(|| usual.iter().map(|word| (*word).to_owned()).collect())
    };
    Conversion::Flag {
        yes: words(&convert.yes, &["true", "yes", "y", "1"]),
        no: words(&convert.no, &["false", "no", "n", "0"]),
    }
}

/// Names of an enum's values, upper case, with and without the enum's prefix; not the unspecified one.
fn enum_names(target: &Target) -> Conversion {
    let LeafKind::Enum(descriptor) = &target.kind else {
        return Conversion::Enum(HashMap::new());
    };
    let prefix = prefix(descriptor.name());
    let mut names = HashMap::new();
    for value in descriptor.values().filter(|value| value.number() != 0) {
        let name = value.name().to_ascii_uppercase();
        if let Some(short) = name.strip_prefix(&prefix) {
            names.insert(short.to_owned(), value.number());
        }
        names.insert(name, value.number());
    }
    Conversion::Enum(names)
}

/// `LicenceKind` to `LICENCE_KIND_`.
fn prefix(name: &str) -> String {
    let mut out = String::new();
    for (at, c) in name.chars().enumerate() {
        if at > 0 && c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out + "_"
}
