//! Coarser values and fillers, from the tables in gateway/core/README.md.

use portcullis_core::label::Semantic;
use portcullis_core::redact::Level;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};
use time::{Date, Duration, Month, OffsetDateTime, Time};

/// The value at a level of its semantic; none where it cannot be read.
pub fn generalise(semantic: Semantic, level: Level, value: &Value) -> Option<Value> {
    match (semantic, value) {
        (Semantic::HsCode, Value::String(code)) => hs(level, code).map(Value::String),
        (Semantic::ControlCode, Value::String(code)) => control(level, code).map(Value::String),
        (Semantic::Port, Value::String(code)) => port(code).map(Value::String),
        (Semantic::Timestamp, Value::Message(value)) => timestamp(level, value),
        (Semantic::Date | Semantic::BirthDate, Value::Message(value)) => date(level, value),
        (Semantic::Money, Value::Message(value)) => money(value),
        (Semantic::GeoPoint, Value::Message(value)) => geo_point(level, value),
        (Semantic::Address, Value::Message(value)) => address(value),
        (Semantic::Mass | Semantic::Quantity, value) => integer(value),
        _ => None,
    }
}

fn hs(level: Level, code: &str) -> Option<String> {
    let digits: Vec<u32> = code.chars().map(|c| c.to_digit(10)).collect::<Option<_>>()?;
    if !code.is_ascii() || !matches!(digits.len(), 2 | 4 | 6 | 7 | 8 | 9 | 10 | 11 | 12) {
        return None;
    }
    let keep = match level {
        Level::Heading => 4,
        Level::Chapter => 2,
        _ => return None,
    };
    Some(digits.iter().take(keep).map(|digit| digit.to_string()).collect())
}

/// Category digit, group letter, three digits, then parts after dots; or already cut to `3A0` or `3`.
fn control(level: Level, code: &str) -> Option<String> {
    let mut parts = code.split('.');
    let head: Vec<char> = parts.next()?.chars().collect();
    let details: Vec<&str> = parts.collect();
    let sound = details
        .iter()
        .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()));
    let shape: String = head
        .iter()
        .map(|c| match c {
            '0'..='9' => '9',
            'A'..='E' => 'A',
            _ => '?',
        })
        .collect();
    let whole = shape == "9A999" && sound;
    let cut = (shape == "9A9" || shape == "9") && details.is_empty();
    if !whole && !cut {
        return None;
    }
    match level {
        Level::Regime => Some(head.into_iter().take(3).collect()),
        Level::ControlCategory => Some(head.into_iter().take(1).collect()),
        _ => None,
    }
}

fn country(code: &str) -> bool {
    code.len() == 2 && code.chars().all(|c| c.is_ascii_uppercase())
}

fn port(code: &str) -> Option<String> {
    let place = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    match code.chars().count() {
        2 if country(code) => Some(code.to_owned()),
        5 => {
            let first: String = code.chars().take(2).collect();
            (country(&first) && code.chars().skip(2).all(place)).then_some(first)
        }
        _ => None,
    }
}

/// The lower edge of a band, by its decimal digits: 1, 2 or 5 in front, zeros after it.
fn edge(value: u128) -> u128 {
    let digits = value.to_string();
    let front = match digits.as_bytes()[0] {
        b'0' => return 0,
        b'1' => "1",
        b'2'..=b'4' => "2",
        _ => "5",
    };
    format!("{front}{}", "0".repeat(digits.len() - 1)).parse().expect("a number")
}

fn mirrored(value: i64) -> i64 {
    let edge = i128::try_from(edge(u128::from(value.unsigned_abs()))).expect("20 digits");
    i64::try_from(if value < 0 { -edge } else { edge }).expect("no greater than the value")
}

fn integer(value: &Value) -> Option<Value> {
    Some(match value {
        Value::I32(value) => {
            Value::I32(i32::try_from(mirrored((*value).into())).expect("in range"))
        }
        Value::I64(value) => Value::I64(mirrored(*value)),
        Value::U32(value) => Value::U32(u32::try_from(edge((*value).into())).expect("in range")),
        Value::U64(value) => Value::U64(u64::try_from(edge((*value).into())).expect("in range")),
        _ => return None,
    })
}

fn number(message: &DynamicMessage, name: &str) -> i64 {
    match message.get_field_by_name(name).expect(name).as_ref() {
        Value::I32(value) => (*value).into(),
        Value::I64(value) => *value,
        other => panic!("{name}: {other:?}"),
    }
}

fn timestamp(level: Level, message: &DynamicMessage) -> Option<Value> {
    let (seconds, nanos) = (number(message, "seconds"), number(message, "nanos"));
    let at = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    if !(1..=9999).contains(&at.year()) || !(0..=999_999_999).contains(&nanos) {
        return None;
    }
    let day = match level {
        Level::Day => at.date(),
        Level::Month => at.date() - Duration::days(i64::from(at.day()) - 1),
        Level::Year => at.date() - Duration::days(i64::from(at.ordinal()) - 1),
        _ => return None,
    };
    let mut coarse = DynamicMessage::new(message.descriptor());
    let midnight = day.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp();
    coarse.set_field_by_name("seconds", Value::I64(midnight));
    Some(Value::Message(coarse))
}

fn date(level: Level, message: &DynamicMessage) -> Option<Value> {
    let [year, month, day] = ["year", "month", "day"].map(|name| number(message, name));
    let year = i32::try_from(year).ok().filter(|year| (1..=9999).contains(year))?;
    // A date may already be coarse: year alone, or year and month.
    let (known, first) = match (month, day) {
        (0, 0) => (1, 1),
        (month, 0) => (month, 1),
        both => both,
    };
    let known = Month::try_from(u8::try_from(known).ok()?).ok()?;
    Date::from_calendar_date(year, known, u8::try_from(first).ok()?).ok()?;
    let mut coarse = DynamicMessage::new(message.descriptor());
    coarse.set_field_by_name("year", Value::I32(year));
    match level {
        Level::Year => {}
        Level::Month => coarse.set_field_by_name("month", Value::I32(i32::try_from(month).ok()?)),
        _ => return None,
    }
    Some(Value::Message(coarse))
}

fn text(message: &DynamicMessage, name: &str) -> String {
    match message.get_field_by_name(name).expect(name).as_ref() {
        Value::String(text) => text.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

fn money(message: &DynamicMessage) -> Option<Value> {
    let currency = text(message, "currency_code");
    let (units, nanos) = (number(message, "units"), number(message, "nanos"));
    let letters = currency.len() == 3 && currency.chars().all(|c| c.is_ascii_uppercase());
    let opposite = (units > 0 && nanos < 0) || (units < 0 && nanos > 0);
    if !letters || opposite || nanos.abs() > 999_999_999 {
        return None;
    }
    let mut coarse = DynamicMessage::new(message.descriptor());
    coarse.set_field_by_name("currency_code", Value::String(currency));
    coarse.set_field_by_name("units", Value::I64(mirrored(units)));
    Some(Value::Message(coarse))
}

fn geo_point(level: Level, message: &DynamicMessage) -> Option<Value> {
    let tenths = match level {
        Level::Cell01 => 1,
        Level::Cell1 => 10,
        Level::Cell10 => 100,
        _ => return None,
    };
    let mut coarse = DynamicMessage::new(message.descriptor());
    for (name, limit) in [("latitude", 90), ("longitude", 180)] {
        let degrees = message.get_field_by_name(name).expect(name).as_f64().expect(name);
        let centre = centre(degrees, limit, tenths)?;
        coarse.set_field_by_name(name, Value::F64(centre));
    }
    Some(Value::Message(coarse))
}

/// The cells are tried one by one; the last takes what lies on its upper edge.
fn centre(degrees: f64, limit: i64, tenths: i64) -> Option<f64> {
    let scaled = (degrees * 10.0).floor();
    if degrees.is_nan() || degrees.abs() > limit as f64 {
        return None;
    }
    let last = 10 * limit - tenths;
    let mut first = -10 * limit;
    while first < last && (first + tenths) as f64 <= scaled {
        first += tenths;
    }
    // Hundredths, written out and read back: the double nearest to the decimal.
    let hundredths = 10 * first + 5 * tenths;
    let sign = if hundredths < 0 { "-" } else { "" };
    let decimal = format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100);
    Some(decimal.parse().expect("a number"))
}

fn address(message: &DynamicMessage) -> Option<Value> {
    let code = text(message, "country");
    let mut coarse = DynamicMessage::new(message.descriptor());
    coarse.set_field_by_name("country", Value::String(code.clone()));
    country(&code).then_some(Value::Message(coarse))
}

/// The filler of a text.
pub fn mask(semantic: Semantic, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    match semantic {
        Semantic::ContainerNumber => {
            let looks = chars.len() == 11
                && chars[..4].iter().all(char::is_ascii_uppercase)
                && (chars[4..].iter().all(char::is_ascii_digit) || chars[4..] == ['*'; 7]);
            let owner: String = if looks { chars[..4].iter().collect() } else { "****".into() };
            owner + "*******"
        }
        Semantic::Identifier
            if chars.len() >= 8
                && chars[chars.len() - 2..].iter().all(char::is_ascii_alphanumeric) =>
        {
            format!("******{}", chars[chars.len() - 2..].iter().collect::<String>())
        }
        _ => "********".to_owned(),
    }
}
