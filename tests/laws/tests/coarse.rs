//! Law 9: a coarser value is many-to-one, contains the original, and a coarser level says nothing that a
//! finer one does not.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use portcullis_core::label::{RecordType, Semantic};
use portcullis_core::redact::{Level, Treatment};
use portcullis_laws::twin::{alike, another, neighbours};
use portcullis_laws::world::{
    Cardinality, Draw, Kind, Known, Scalar, Schema, canonical, plan_of, redact, register, same,
    show_value, value,
};
use portcullis_laws::{config, oracle};
use proptest::prelude::*;
use prost_reflect::{DynamicMessage, Value};
use time::{Date, Month, OffsetDateTime};

/// A type with one of its semantics that can be coarsened.
fn coarsened() -> impl Strategy<Value = (Kind, Semantic)> {
    let kinds = Scalar::ALL.iter().map(|scalar| Kind::Scalar(*scalar));
    let kinds = kinds.chain(Known::ALL.iter().map(|known| Kind::Known(*known)));
    let all: Vec<(Kind, Semantic)> = kinds
        .flat_map(|kind| kind.semantics().iter().map(move |semantic| (kind, *semantic)))
        .filter(|(_, semantic)| !Level::of(*semantic).is_empty())
        .collect();
    (0..all.len()).prop_map(move |at| (all[at].0, all[at].1))
}

fn draw() -> impl Strategy<Value = Draw> {
    (any::<u8>(), prop_oneof![0..1000_u64, any::<u64>()])
        .prop_map(|(pick, bits)| Draw { pick, bits })
}

/// The record type of one such value.
fn single(kind: Kind, semantic: Semantic) -> Arc<RecordType> {
    static TYPES: LazyLock<Mutex<HashMap<String, Arc<RecordType>>>> = LazyLock::new(Mutex::default);
    let schema = Schema::single(kind, semantic, Cardinality::Optional);
    let mut types = TYPES.lock().unwrap();
    types.entry(schema.to_string()).or_insert_with(|| register(&schema)).clone()
}

fn drawn(record_type: &RecordType, kind: Kind, semantic: Semantic, draw: Draw) -> Value {
    match kind {
        Kind::Scalar(scalar) => value::scalar(scalar, Some(semantic), draw),
        Kind::Known(known) => {
            value::known(known, &record_type.descriptor().get_field(1).unwrap(), draw)
        }
        Kind::Message(_) => panic!("not one of these"),
    }
}

/// What the engine makes of a value at a level.
fn image(record_type: &Arc<RecordType>, level: Level, value: &Value) -> Option<Value> {
    let field = record_type.descriptor().get_field(1).unwrap();
    let mut message = DynamicMessage::new(record_type.descriptor().clone());
    message.set_field(&field, value.clone());
    let plan = plan_of(record_type, |_| Treatment::Generalise(level));
    let out = redact(&plan, &canonical(&message)).unwrap().0;
    let left = DynamicMessage::decode(record_type.descriptor().clone(), &out[..]).unwrap();
    left.has_field(&field).then(|| left.get_field(&field).into_owned())
}

fn number(value: &Value, name: &str) -> i64 {
    match value.as_message().unwrap().get_field_by_name(name).unwrap().as_ref() {
        Value::I32(value) => (*value).into(),
        Value::I64(value) => *value,
        other => panic!("{other:?}"),
    }
}

fn text(value: &Value, name: &str) -> String {
    value.as_message().unwrap().get_field_by_name(name).unwrap().as_str().unwrap().to_owned()
}

fn integer(value: &Value) -> i128 {
    match value {
        Value::I32(value) => (*value).into(),
        Value::I64(value) => (*value).into(),
        Value::U32(value) => (*value).into(),
        Value::U64(value) => (*value).into(),
        other => panic!("{other:?}"),
    }
}

/// 1, 2 or 5 with zeros; the value at it or up to two and a half times as far from zero.
fn in_band(edge: i128, value: i128) -> bool {
    let digits = edge.unsigned_abs().to_string();
    let round = matches!(digits.trim_end_matches('0'), "1" | "2" | "5" | "");
    let side = edge == 0 && value == 0 || edge.signum() == value.signum();
    let near = edge == value
        || edge.unsigned_abs() <= value.unsigned_abs()
            && 2 * value.unsigned_abs() < 5 * edge.unsigned_abs();
    round && side && near
}

/// Does the coarse value contain the original, as its level says?
fn contained(semantic: Semantic, level: Level, coarse: &Value, value: &Value) -> bool {
    match semantic {
        Semantic::HsCode | Semantic::ControlCode | Semantic::Port => {
            let most = match level {
                Level::Heading => 4,
                Level::Regime => 3,
                Level::Chapter | Level::Country => 2,
                _ => 1,
            };
            let (coarse, value) = (coarse.as_str().unwrap(), value.as_str().unwrap());
            value.starts_with(coarse) && coarse.len() == most.min(value.len())
        }
        Semantic::Timestamp => {
            let at = |value| OffsetDateTime::from_unix_timestamp(number(value, "seconds")).unwrap();
            let (coarse_at, at) = (at(coarse), at(value));
            let same = |date: Date| match level {
                Level::Day => (date.year(), date.month(), date.day()),
                Level::Month => (date.year(), date.month(), 1),
                _ => (date.year(), Month::January, 1),
            };
            let (year, month, day) = same(at.date());
            number(coarse, "nanos") == 0
                && coarse_at
                    == Date::from_calendar_date(year, month, day).unwrap().midnight().assume_utc()
        }
        Semantic::Date | Semantic::BirthDate => {
            let month = if level == Level::Month { number(value, "month") } else { 0 };
            number(coarse, "year") == number(value, "year")
                && number(coarse, "month") == month
                && number(coarse, "day") == 0
        }
        Semantic::Money => {
            let [edge, units] = [coarse, value].map(|value| i128::from(number(value, "units")));
            text(coarse, "currency_code") == text(value, "currency_code")
                && number(coarse, "nanos") == 0
                && in_band(edge, units)
        }
        Semantic::Mass | Semantic::Quantity => in_band(integer(coarse), integer(value)),
        Semantic::GeoPoint => {
            let size = match level {
                Level::Cell01 => 0.1,
                Level::Cell1 => 1.0,
                _ => 10.0,
            };
            ["latitude", "longitude"].iter().all(|name| {
                let [centre, degrees] = [coarse, value].map(|value| {
                    value.as_message().unwrap().get_field_by_name(name).unwrap().as_f64().unwrap()
                });
                (centre - degrees).abs() <= size / 2.0 + 1e-9
            })
        }
        Semantic::Address => {
            let bare = ["city", "postcode"].iter().all(|name| text(coarse, name).is_empty());
            let lines =
                coarse.as_message().unwrap().get_field_by_name("lines").unwrap().into_owned();
            bare && lines == Value::List(vec![])
                && text(coarse, "country") == text(value, "country")
        }
        other => panic!("{other:?} has no level"),
    }
}

fn shown(value: &Value, image: &Option<Value>) -> String {
    let image = image.as_ref().map_or("nothing".to_owned(), show_value);
    format!("{} becomes {image}", show_value(value))
}

proptest! {
    #![proptest_config(config())]

    /// Law 9 for values that are understood and ones that are not.
    #[test]
    fn coarser_values_contain_and_do_not_add((kind, semantic) in coarsened(), draw in draw()) {
        let record_type = single(kind, semantic);
        let value = drawn(&record_type, kind, semantic, draw);
        let levels = Level::of(semantic);
        let images: Vec<_> = levels.iter().map(|level| image(&record_type, *level, &value)).collect();
        for (level, coarse) in levels.iter().zip(&images) {
            // Law 7, value by value.
            let right = oracle::generalise(semantic, *level, &value);
            prop_assert!(alike(coarse, &right), "{}", shown(&value, coarse));
            if let Some(coarse) = coarse {
                prop_assert!(contained(semantic, *level, coarse, &value), "{}", shown(&value, &Some(coarse.clone())));
                // Its own image, so that it can go through a second gateway.
                let again = image(&record_type, *level, coarse);
                prop_assert!(alike(&again, &Some(coarse.clone())), "{}", shown(coarse, &again));
            }
        }
        for (levels, images) in levels.windows(2).zip(images.windows(2)) {
            // The coarser can be had from the finer, so it adds nothing; what one can read, so can the other.
            let from_finer = images[0].as_ref().and_then(|finer| image(&record_type, levels[1], finer));
            prop_assert!(alike(&from_finer, &images[1]), "{}", shown(&value, &from_finer));
        }
        // Two values that are one at a level are one at every coarser level.
        for near in neighbours(&value) {
            let theirs: Vec<_> = levels.iter().map(|level| image(&record_type, *level, &near)).collect();
            let same: Vec<bool> = images.iter().zip(&theirs).map(|(one, two)| alike(one, two)).collect();
            prop_assert!(same.is_sorted(), "{:?} {}", same, shown(&value, &Some(near)));
        }
    }

    /// Many-to-one: what is finer than a level shares its image with another value. The oracle finds the
    /// other one, the engine must agree.
    #[test]
    fn coarser_values_are_shared((kind, semantic) in coarsened(), draw in draw()) {
        let record_type = single(kind, semantic);
        let value = drawn(&record_type, kind, semantic, draw);
        for level in Level::of(semantic) {
            let Some(coarse) = image(&record_type, *level, &value) else { continue };
            if same(&coarse, &value) {
                continue;
            }
            let other = another(Treatment::Generalise(*level), semantic, &value, &[]);
            prop_assert!(!same(&other, &value), "alone {}", shown(&value, &Some(coarse)));
            let theirs = image(&record_type, *level, &other);
            prop_assert!(alike(&theirs, &Some(coarse)), "{}", shown(&other, &theirs));
        }
    }
}
