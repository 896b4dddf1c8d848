//! What stands in one column of one record, and how its values are written as plain text.

use portcullis_core::label::{Leaf, LeafKind, Whole};
use portcullis_proto::query::v1 as wire;
use prost_reflect::{DynamicMessage, EnumDescriptor, ReflectMessage as _, Value};

use super::is_visible;
use crate::client::Answer;
use crate::client::answer::Record;

/// What a record shows of one field.
pub enum Shown {
    /// Nothing, by its plan.
    Withheld,
    /// Whether there is a value.
    Presence(bool),
    /// Its values; one that is absent below a repeated message holds its place with an empty text.
    Values(wire::Treatment, Vec<String>),
}

/// Leaves that some plan of the answer shows, in schema order.
pub fn columns(answer: &Answer) -> Vec<&Leaf> {
    answer
        .record_type
        .leaves()
        .iter()
        .filter(|leaf| {
            answer.plans.iter().any(|plan| field(plan, &leaf.path).is_some_and(is_visible))
        })
        .collect()
}

/// The entry of a path in a plan.
pub fn field<'a>(plan: &'a wire::Plan, path: &str) -> Option<&'a wire::FieldPlan> {
    plan.fields.iter().find(|field| field.path == path)
}

/// What a record shows of a leaf.
pub fn shown(answer: &Answer, record: &Record, leaf: &Leaf) -> Shown {
    let field = answer.plan(record).and_then(|plan| field(plan, &leaf.path));
    let Some(field) = field.filter(|field| is_visible(field)) else { return Shown::Withheld };
    if field.treatment() == wire::Treatment::Presence {
        return Shown::Presence(is_present(&record.released.presence, field.presence_bit));
    }
    let mut values = vec![];
    collect(&record.message, &leaf.path, &mut values);
    let texts: Vec<String> = values
        .iter()
        .map(|value| {
            value.as_ref().map(|value| text(value, leaf, &field.level)).unwrap_or_default()
        })
        .collect();
    let nothing = texts.iter().all(String::is_empty);
    Shown::Values(field.treatment(), if nothing { vec![] } else { texts })
}

/// Bit `number - 1` of a presence bitmap, least significant first.
pub fn is_present(bitmap: &[u8], number: u32) -> bool {
    let Some(bit) = number.checked_sub(1) else { return false };
    bitmap.get(bit as usize / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
}

/// Does this leaf hold a number? Then a spreadsheet may read it as one.
pub fn is_numeric(leaf: &Leaf) -> bool {
    !matches!(
        leaf.kind,
        LeafKind::String
            | LeafKind::Bytes
            | LeafKind::Enum(_)
            | LeafKind::Bool
            | LeafKind::Whole(Whole::Address | Whole::Other | Whole::Money)
    )
}

fn collect(message: &DynamicMessage, path: &str, values: &mut Vec<Option<Value>>) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let field = message.descriptor().get_field_by_name(name);
    let Some(field) = field.filter(|field| message.has_field(field)) else {
        values.push(None);
        return;
    };
    let found = match message.get_field(&field).into_owned() {
        Value::List(list) => list,
        one => vec![one],
    };
    for value in found {
        match (rest, &value) {
            (Some(rest), Value::Message(inner)) => collect(inner, rest, values),
            _ => values.push(Some(value)),
        }
    }
}

fn text(value: &Value, leaf: &Leaf, level: &str) -> String {
    match (value, &leaf.kind) {
        (Value::String(text), _) => text.clone(),
        (Value::Bytes(bytes), _) => hex::encode(bytes),
        (Value::Bool(flag), _) => flag.to_string(),
        (Value::EnumNumber(number), LeafKind::Enum(names)) => enum_text(names, *number),
        (Value::I32(value), _) => value.to_string(),
        (Value::I64(value), _) => value.to_string(),
        (Value::U32(value), _) => value.to_string(),
        (Value::U64(value), _) => value.to_string(),
        (Value::F32(value), _) => value.to_string(),
        (Value::F64(value), _) => value.to_string(),
        (Value::Message(message), LeafKind::Whole(whole)) => whole_text(message, *whole, level),
        (other, _) => other.to_string(),
    }
}

fn enum_text(names: &EnumDescriptor, number: i32) -> String {
    let at = names.values().position(|value| value.number() == number);
    at.and_then(|at| portcullis_core::filter::enum_words(names).into_iter().nth(at))
        .unwrap_or_else(|| number.to_string())
}

fn whole_text(message: &DynamicMessage, whole: Whole, level: &str) -> String {
    let integer = |name: &str| match message.get_field_by_name(name).as_deref() {
        Some(Value::I32(value)) => i64::from(*value),
        Some(Value::I64(value)) => *value,
        _ => 0,
    };
    let float = |name: &str| match message.get_field_by_name(name).as_deref() {
        Some(Value::F64(value)) => *value,
        _ => 0.0,
    };
    let string = |name: &str| match message.get_field_by_name(name).as_deref() {
        Some(Value::String(value)) => value.clone(),
        _ => String::new(),
    };
    match whole {
        Whole::Timestamp => {
            let nanos = i32::try_from(integer("nanos")).unwrap_or_default();
            let at = prost_types::Timestamp { seconds: integer("seconds"), nanos };
            let full = super::time(Some(&at));
            let length = match level {
                "day" => 10,
                "month" => 7,
                "year" => 4,
                _ => full.len(),
            };
            full.get(..length).unwrap_or(&full).to_owned()
        }
        Whole::Date => match (integer("year"), integer("month"), integer("day")) {
            (year, 0, _) => format!("{year:04}"),
            (year, month, 0) => format!("{year:04}-{month:02}"),
            (year, month, day) => format!("{year:04}-{month:02}-{day:02}"),
        },
        Whole::Money => money(&string("currency_code"), integer("units"), integer("nanos")),
        Whole::GeoPoint => format!("{}, {}", float("latitude"), float("longitude")),
        Whole::Address => {
            let lines = match message.get_field_by_name("lines").as_deref() {
                Some(Value::List(list)) => {
                    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                }
                _ => vec![],
            };
            let rest = [string("postcode"), string("city"), string("country")];
            let parts: Vec<String> = lines.into_iter().chain(rest).collect();
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
        }
        Whole::Other => message.to_string(),
    }
}

/// `1234.50 KRW`: at least two places where there is a fraction, all that there are.
fn money(currency: &str, units: i64, nanos: i64) -> String {
    let sign = if units < 0 || nanos < 0 { "-" } else { "" };
    let whole = units.unsigned_abs();
    let fraction = format!("{:09}", nanos.unsigned_abs());
    let places = fraction.trim_end_matches('0').len().max(2);
    let amount = match nanos {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{}", fraction.get(..places).unwrap_or(&fraction)),
    };
    format!("{amount} {currency}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_their_sign_and_places() {
        assert_eq!(money("KRW", 1200, 0), "1200 KRW");
        assert_eq!(money("USD", 12, 500_000_000), "12.50 USD");
        assert_eq!(money("USD", 0, -1), "-0.000000001 USD");
        assert_eq!(money("", -7, 0), "-7");
    }

    #[test]
    fn bitmaps_are_read_from_the_least_significant_bit() {
        let bitmap = [0b0000_0010, 0b1000_0000];
        let set: Vec<u32> = (0..20).filter(|bit| is_present(&bitmap, *bit)).collect();
        assert_eq!(set, [2, 16]);
    }
}
