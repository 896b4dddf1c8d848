//! Records that look alike: from any record another one of the same permitted image, by reflection over the
//! record type and a plan as the contract writes it. Written from redaction.md; shares no code with the engine.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "helpers of tests are tests; numbers are chosen small"
)]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use portcullis_core::label::{Leaf, LeafKind, RecordType, Semantic, Whole};
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::Treatment;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value,
};

use crate::rng::{ALNUM, DIGITS, Rng};

/// Treatment and level of every leaf, by path.
#[derive(Debug, Clone, Default)]
pub struct Image(HashMap<String, (Treatment, String)>);

impl Image {
    /// From a plan as it was sent.
    pub fn of(plan: &wire::Plan) -> Self {
        Self(
            plan.fields
                .iter()
                .map(|field| (field.path.clone(), (field.treatment(), field.level.clone())))
                .collect(),
        )
    }

    /// The same with these fields withheld.
    #[must_use]
    pub fn without(mut self, paths: &[&str]) -> Self {
        for path in paths {
            self.0.insert((*path).to_owned(), (Treatment::Withhold, String::new()));
        }
        self
    }

    /// What happens to a leaf.
    pub fn treatment(&self, path: &str) -> (Treatment, &str) {
        self.0
            .get(path)
            .map_or((Treatment::Withhold, ""), |(treatment, level)| (*treatment, level.as_str()))
    }
}

/// Other names of pseudonymised values: one for one within a semantic, the same wherever a value stands.
#[derive(Debug, Default)]
pub struct Renaming {
    names: HashMap<(Semantic, String), String>,
    taken: HashSet<(Semantic, String)>,
}

impl Renaming {
    fn of(&mut self, semantic: Semantic, value: &str, rng: &mut Rng) -> String {
        let key = (semantic, value.to_owned());
        if let Some(known) = self.names.get(&key) {
            return known.clone();
        }
        loop {
            // A value of more than 46 bytes has a token that cannot be quoted back: it stays such a one.
            let length = if value.len() > 46 { 47 + rng.below(30) } else { 4 + rng.below(43) };
            let name = rng.text(ALNUM, length);
            if self.taken.insert((semantic, name.clone())) {
                self.names.insert(key, name.clone());
                return name;
            }
        }
    }
}

/// Makes records of one type.
pub struct Maker {
    /// The type.
    pub record_type: Arc<RecordType>,
    /// Values that stand in two records or more, by path: what filters find.
    pub common: HashMap<String, Vec<String>>,
}

impl Maker {
    /// A record with random content.
    pub fn fill(&self, rng: &mut Rng) -> DynamicMessage {
        self.message(rng, self.record_type.descriptor(), "")
    }

    /// A record of the same image.
    pub fn twin(
        &self,
        rng: &mut Rng,
        record: &DynamicMessage,
        image: &Image,
        names: &mut Renaming,
    ) -> DynamicMessage {
        Twin { maker: self, rng, image, names }.message(record, "")
    }

    fn message(
        &self,
        rng: &mut Rng,
        descriptor: &MessageDescriptor,
        above: &str,
    ) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields() {
            let path = join(above, field.name());
            let count = if field.is_list() { rng.below(4) } else { u64::from(rng.chance(75)) };
            let mut values = vec![];
            for _ in 0..count {
                values.push(self.value(rng, &field, &path));
            }
            put(&mut message, &field, values);
        }
        message
    }

    fn value(&self, rng: &mut Rng, field: &FieldDescriptor, path: &str) -> Value {
        match (self.record_type.leaf_by_path(path), field.kind()) {
            (Some(leaf), _) => self.leaf(rng, leaf, field),
            (None, Kind::Message(inner)) => Value::Message(self.message(rng, &inner, path)),
            (None, _) => unreachable!("`{path}` is no leaf"),
        }
    }

    /// A random value that is not the default.
    fn leaf(&self, rng: &mut Rng, leaf: &Leaf, field: &FieldDescriptor) -> Value {
        let few = self.common.get(&leaf.path);
        match &leaf.kind {
            LeafKind::String => Value::String(match few {
                Some(few) if rng.chance(80) => rng.pick(few).clone(),
                _ => text(rng, leaf.label.semantic),
            }),
            LeafKind::Bytes => {
                let length = 1 + rng.below(40) as usize;
                Value::Bytes(rng.bytes(length).into())
            }
            LeafKind::Bool => Value::Bool(true),
            LeafKind::Enum(values) => {
                Value::EnumNumber(rng.within(1, values.values().len() as i64 - 1) as i32)
            }
            LeafKind::Int32 | LeafKind::Sint32 | LeafKind::Sfixed32 => {
                Value::I32(rng.within(1, 3_000) as i32)
            }
            LeafKind::Int64 | LeafKind::Sint64 | LeafKind::Sfixed64 => {
                Value::I64(match rng.below(3) {
                    0 => rng.within(1, 9),
                    1 => -rng.within(1, 1 << 40),
                    _ => rng.within(1, 1 << 40),
                })
            }
            LeafKind::Uint32 | LeafKind::Fixed32 => Value::U32(rng.within(1, 3_000) as u32),
            LeafKind::Uint64 | LeafKind::Fixed64 => Value::U64(1 + rng.below(1 << 40)),
            LeafKind::Float => Value::F32(rng.within(1, 1_000) as f32 / 8.0),
            LeafKind::Double => Value::F64(rng.within(1, 100_000) as f64 / 64.0),
            LeafKind::Whole(whole) => Value::Message(self.whole(rng, *whole, field)),
        }
    }

    fn whole(&self, rng: &mut Rng, whole: Whole, field: &FieldDescriptor) -> DynamicMessage {
        let Kind::Message(descriptor) = field.kind() else { unreachable!("no message") };
        let units = 10_i64.pow(rng.below(9) as u32 + 1);
        let values: &[(&str, Value)] = &match whole {
            // 1990 to 2050.
            Whole::Timestamp => vec![
                ("seconds", Value::I64(rng.within(631_152_000, 2_524_608_000))),
                ("nanos", Value::I32(rng.within(0, 999_999_999) as i32)),
            ],
            Whole::Date => vec![
                ("year", Value::I32(rng.within(1930, 2030) as i32)),
                ("month", Value::I32(rng.within(1, 12) as i32)),
                ("day", Value::I32(rng.within(1, 28) as i32)),
            ],
            Whole::Money => vec![
                ("currency_code", Value::String("EUR".into())),
                ("units", Value::I64(rng.within(0, units))),
                ("nanos", Value::I32(rng.within(0, 999_999_999) as i32)),
            ],
            Whole::GeoPoint => vec![
                ("latitude", Value::F64(rng.within(-8_999, 8_999) as f64 / 100.0 + 0.003)),
                ("longitude", Value::F64(rng.within(-17_999, 17_999) as f64 / 100.0 + 0.003)),
            ],
            Whole::Address => vec![
                ("lines", Value::List(vec![Value::String(words(rng))])),
                ("city", Value::String(words(rng))),
                ("country", Value::String((*rng.pick(&["XN", "XS", "XV"])).to_owned())),
            ],
            Whole::Other => vec![],
        };
        let mut message = DynamicMessage::new(descriptor);
        for (name, value) in values {
            set(&mut message, name, value.clone());
        }
        message
    }
}

/// Sets a field by name, if there is one.
fn set(message: &mut DynamicMessage, name: &str, value: Value) {
    assert!(message.descriptor().get_field_by_name(name).is_some(), "no `{name}`");
    message.set_field_by_name(name, value);
}

fn words(rng: &mut Rng) -> String {
    let length = 1 + rng.below(30);
    rng.text(b"abcdefghijklmnopqrstuvwxyz ", length)
}

fn text(rng: &mut Rng, semantic: Semantic) -> String {
    match semantic {
        Semantic::HsCode if rng.chance(95) => {
            let length = *rng.pick(&[2, 4, 6, 8, 10, 12]);
            rng.text(DIGITS, length)
        }
        Semantic::ControlCode if rng.chance(95) => {
            let end = rng.text(b"abc", 1);
            format!("{}{}{}.{end}", rng.below(10), rng.text(b"ABCDE", 1), rng.text(DIGITS, 3))
        }
        Semantic::Country => format!("X{}", rng.text(b"NSVKP", 1)),
        Semantic::Port if rng.chance(95) => {
            format!("X{}{}", rng.text(b"NS", 1), rng.text(ALNUM, 3))
        }
        Semantic::ContainerNumber if rng.chance(90) => {
            format!("{}U{}", rng.text(b"ABC", 3), rng.text(DIGITS, 7))
        }
        Semantic::Identifier => {
            let length = if rng.chance(5) { 47 + rng.below(20) } else { 3 + rng.below(40) };
            rng.text(ALNUM, length)
        }
        Semantic::Code => {
            let length = 1 + rng.below(4);
            rng.text(ALNUM, length)
        }
        _ => words(rng),
    }
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") }
}

fn put(message: &mut DynamicMessage, field: &FieldDescriptor, mut values: Vec<Value>) {
    if field.is_list() {
        message.set_field(field, Value::List(values));
    } else if let Some(value) = values.pop() {
        message.set_field(field, value);
    }
}

/// Values of a field, one by one; none where it is not there.
fn values(message: &DynamicMessage, field: &FieldDescriptor) -> Vec<Value> {
    if !message.has_field(field) {
        return vec![];
    }
    match message.get_field(field).into_owned() {
        Value::List(values) => values,
        value => vec![value],
    }
}

struct Twin<'a> {
    maker: &'a Maker,
    rng: &'a mut Rng,
    image: &'a Image,
    names: &'a mut Renaming,
}

impl Twin<'_> {
    fn message(&mut self, from: &DynamicMessage, above: &str) -> DynamicMessage {
        let mut to = DynamicMessage::new(from.descriptor());
        for field in from.descriptor().fields() {
            let path = join(above, field.name());
            let old = values(from, &field);
            let new = match self.maker.record_type.leaf_by_path(&path).cloned() {
                Some(leaf) => self.leaves(&leaf, &field, old),
                None => self.messages(&path, &field, old),
            };
            put(&mut to, &field, new);
        }
        to
    }

    fn leaves(&mut self, leaf: &Leaf, field: &FieldDescriptor, old: Vec<Value>) -> Vec<Value> {
        let image = self.image;
        let (treatment, level) = image.treatment(&leaf.path);
        let most = if field.is_list() { 4 } else { 2 };
        let count = match treatment {
            Treatment::Withhold | Treatment::Unspecified => self.rng.below(most),
            Treatment::Presence if !old.is_empty() => 1 + self.rng.below(most - 1),
            Treatment::Presence => 0,
            _ => {
                return old
                    .into_iter()
                    .map(|v| self.value(leaf, field, v, treatment, level))
                    .collect();
            }
        };
        (0..count).map(|_| self.maker.leaf(self.rng, leaf, field)).collect()
    }

    /// Elements of a list whose number is told stay as many; a message of which nothing is left may come
    /// and go, unless all of it is clear.
    fn messages(&mut self, path: &str, field: &FieldDescriptor, old: Vec<Value>) -> Vec<Value> {
        let below = || {
            self.maker.record_type.leaves_under(path).map(|leaf| self.image.treatment(&leaf.path).0)
        };
        let hidden = |one: Treatment| matches!(one, Treatment::Withhold | Treatment::Unspecified);
        let all_hidden = below().all(hidden);
        let all_clear = below().all(|one| one == Treatment::Clear);
        let told = below().any(|one| !hidden(one) && one != Treatment::Presence);
        if all_hidden {
            let count = if field.is_list() { self.rng.below(4) } else { self.rng.below(2) };
            return (0..count).map(|_| self.maker.value(self.rng, field, path)).collect();
        }
        if old.is_empty() {
            let comes = !all_clear && self.rng.chance(50) && !(field.is_list() && told);
            if !comes {
                return old;
            }
            let Value::Message(mut new) = self.maker.value(self.rng, field, path) else {
                return old;
            };
            self.strip(&mut new, path);
            return vec![Value::Message(new)];
        }
        let mut new: Vec<Value> = old
            .iter()
            .map(|value| match value {
                Value::Message(message) => Value::Message(self.message(message, path)),
                other => other.clone(),
            })
            .collect();
        if field.is_list() && !told && self.rng.chance(50) {
            new.extend(new.last().cloned());
        }
        new
    }

    /// Leaves of a message what is hidden.
    fn strip(&self, message: &mut DynamicMessage, above: &str) {
        for field in message.descriptor().fields() {
            let path = join(above, field.name());
            let hidden = self.maker.record_type.leaves_under(&path).all(|leaf| {
                matches!(
                    self.image.treatment(&leaf.path).0,
                    Treatment::Withhold | Treatment::Unspecified
                )
            });
            if !hidden {
                message.clear_field(&field);
            }
        }
    }

    fn value(
        &mut self,
        leaf: &Leaf,
        field: &FieldDescriptor,
        value: Value,
        treatment: Treatment,
        level: &str,
    ) -> Value {
        let semantic = leaf.label.semantic;
        match (treatment, value) {
            (Treatment::Mask, Value::String(text)) => Value::String(self.masked(semantic, &text)),
            (Treatment::Pseudonymise, Value::String(text)) => {
                Value::String(self.names.of(semantic, &text, self.rng))
            }
            (Treatment::Generalise, Value::String(text)) => {
                Value::String(self.coarse_text(&text, level))
            }
            (Treatment::Generalise, Value::Message(message)) => {
                Value::Message(self.coarse_whole(leaf, field, &message, level))
            }
            (Treatment::Generalise, Value::I64(number)) => {
                let other = self.in_band(number.unsigned_abs()) as i64;
                Value::I64(if number < 0 { -other } else { other })
            }
            (Treatment::Generalise, Value::U64(number)) => Value::U64(self.in_band(number)),
            (Treatment::Generalise, Value::U32(number)) => {
                Value::U32(self.in_band(number.into()) as u32)
            }
            (_, value) => value,
        }
    }

    fn masked(&mut self, semantic: Semantic, text: &str) -> String {
        let serial = text.get(4..).unwrap_or_default();
        let container = text.len() == 11
            && text.as_bytes()[..4].iter().all(u8::is_ascii_uppercase)
            && serial.bytes().all(|byte| byte.is_ascii_digit());
        let two = text.get(text.len().saturating_sub(2)..).unwrap_or_default();
        let long = text.chars().count() >= 8
            && two.len() == 2
            && two.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let rng = &mut *self.rng;
        match semantic {
            Semantic::ContainerNumber if container => {
                format!("{}{}", &text[..4], rng.text(DIGITS, 7))
            }
            Semantic::Identifier if long => {
                let length = 6 + rng.below(60);
                format!("{}{two}", rng.text(ALNUM, length))
            }
            Semantic::Identifier => {
                let length = 1 + rng.below(7);
                rng.text(ALNUM, length)
            }
            _ => words(rng),
        }
    }

    /// Another text of the same coarse form; what has none becomes something else that has none.
    fn coarse_text(&mut self, text: &str, level: &str) -> String {
        let rng = &mut *self.rng;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match (level, text.len()) {
            ("heading", 2) => text.to_owned(),
            ("heading", 4 | 6..=12) if digits => {
                let more = *rng.pick(&[0, 2, 3, 4, 6, 8]);
                format!("{}{}", &text[..4], rng.text(DIGITS, more))
            }
            ("chapter", 2 | 4 | 6..=12) if digits => {
                let more = *rng.pick(&[0, 2, 4, 5, 8, 10]);
                format!("{}{}", &text[..2], rng.text(DIGITS, more))
            }
            ("regime", 7) => format!("{}{}", &text[..3], rng.text(DIGITS, 2)),
            ("category", 7) => {
                let end = rng.text(ALNUM, 3);
                format!("{}{}{}.{end}", &text[..1], rng.text(b"ABCDE", 1), rng.text(DIGITS, 3))
            }
            ("country", 5) if text.starts_with('X') => {
                format!("{}{}", &text[..2], rng.text(ALNUM, 3))
            }
            _ => format!("{}?", words(rng)),
        }
    }

    fn coarse_whole(
        &mut self,
        leaf: &Leaf,
        field: &FieldDescriptor,
        old: &DynamicMessage,
        level: &str,
    ) -> DynamicMessage {
        let LeafKind::Whole(whole) = leaf.kind else { return old.clone() };
        let mut new = self.maker.whole(self.rng, whole, field);
        let number = |name: &str| match old.get_field_by_name(name).map(|v| v.into_owned()) {
            Some(Value::I64(number)) => number,
            Some(Value::I32(number)) => number.into(),
            _ => 0,
        };
        match (whole, level) {
            (Whole::Timestamp, _) => {
                let seconds = self.same_time(number("seconds"), level);
                set(&mut new, "seconds", Value::I64(seconds));
            }
            (Whole::Date, _) => {
                set(&mut new, "year", Value::I32(number("year") as i32));
                if level == "month" {
                    set(&mut new, "month", Value::I32(number("month") as i32));
                }
            }
            (Whole::Money, _) => {
                let units = self.in_band(number("units").unsigned_abs()) as i64;
                set(&mut new, "units", Value::I64(units));
            }
            (Whole::GeoPoint, _) => {
                for name in ["latitude", "longitude"] {
                    let old = old.get_field_by_name(name).and_then(|value| value.as_f64());
                    let degrees = self.same_cell(old.unwrap_or_default(), level);
                    set(&mut new, name, Value::F64(degrees));
                }
            }
            (Whole::Address, _) => {
                let country = old.get_field_by_name("country").map(|value| value.into_owned());
                set(&mut new, "country", country.unwrap_or(Value::String(String::new())));
            }
            (Whole::Other, _) => return old.clone(),
        }
        new
    }

    fn same_time(&mut self, seconds: i64, level: &str) -> i64 {
        let Ok(at) = time::OffsetDateTime::from_unix_timestamp(seconds) else { return seconds };
        let day = at.replace_time(time::Time::MIDNIGHT);
        let day = match level {
            "day" => Some(day),
            "month" => day.replace_day(self.rng.within(1, 28) as u8).ok(),
            _ => day.replace_ordinal(self.rng.within(1, 365) as u16).ok(),
        };
        day.map_or(seconds, |day| day.unix_timestamp() + self.rng.within(0, 86_399))
    }

    fn same_cell(&mut self, degrees: f64, level: &str) -> f64 {
        let tenths = match level {
            "cell_0_1" => 1,
            "cell_1" => 10,
            _ => 100,
        };
        let first = ((degrees * 10.0).floor() as i64).div_euclid(tenths) * tenths;
        // Well inside of the cell, so that no rounding matters.
        let within = self.rng.within(first * 100 + 5, (first + tenths) * 100 - 5);
        within as f64 / 1000.0
    }

    /// A number of the same 1-2-5 band.
    fn in_band(&mut self, number: u64) -> u64 {
        let mut decade = 1_u64;
        while number / decade >= 10 {
            decade *= 10;
        }
        let (low, high) = match number / decade {
            0 => return 0,
            1 => (decade, 2 * decade),
            2..=4 => (2 * decade, 5 * decade),
            _ => (5 * decade, 10 * decade),
        };
        low + self.rng.below(high - low)
    }
}
