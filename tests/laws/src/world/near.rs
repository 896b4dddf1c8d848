//! Records of any record type from a seed, with values close to what a treatment understands: a character away from a
//! code, a unit away from the edge of a band, a bit away from the edge of a cell. Two readers of one rule differ there.

use std::collections::HashMap;

use portcullis_core::label::Semantic;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

/// SplitMix64.
pub struct Rng(pub u64);

impl Rng {
    /// Any number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound as u64) as usize
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A choice of a spelling; most are canonical.
    pub fn tape(&mut self) -> u8 {
        if self.below(3) == 0 { self.draw() as u8 } else { 0 }
    }
}

/// A record in which about two thirds of the fields stand. Semantics are by path of the leaf.
pub fn message(
    descriptor: &MessageDescriptor,
    semantics: &HashMap<String, Semantic>,
    above: &str,
    rng: &mut Rng,
) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    let mut fields: Vec<FieldDescriptor> = descriptor.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    for field in fields {
        if rng.below(3) == 0 {
            continue;
        }
        let path = if above.is_empty() {
            field.name().to_owned()
        } else {
            format!("{above}.{}", field.name())
        };
        let length = rng.below(4);
        let mut one = || value(&field, semantics, &path, rng);
        let value =
            if field.is_list() { Value::List((0..length).map(|_| one()).collect()) } else { one() };
        message.set_field(&field, value);
    }
    message
}

fn value(
    field: &FieldDescriptor,
    semantics: &HashMap<String, Semantic>,
    path: &str,
    rng: &mut Rng,
) -> Value {
    match field.kind() {
        Kind::Message(inner) => match inner.full_name() {
            "google.protobuf.Timestamp" => timestamp(&inner, rng),
            "portcullis.record.v1.Date" => date(&inner, rng),
            "portcullis.record.v1.Money" => money(&inner, rng),
            "portcullis.record.v1.GeoPoint" => point(&inner, rng),
            "portcullis.record.v1.Address" => address(&inner, rng),
            _ => Value::Message(message(&inner, semantics, path, rng)),
        },
        Kind::String => Value::String(text(semantics.get(path).copied(), rng)),
        Kind::Bytes => Value::Bytes(text(None, rng).into_bytes().into()),
        Kind::Bool => Value::Bool(rng.below(2) == 0),
        Kind::Double => Value::F64(degrees(rng)),
        Kind::Float => Value::F32(degrees(rng) as f32),
        Kind::Enum(_) => Value::EnumNumber(integer(rng) as i32 % 4),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(integer(rng) as i32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(integer(rng) as i64),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(integer(rng) as u32),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(integer(rng) as u64),
    }
}

/// A few units around an edge of a band, or anything.
fn integer(rng: &mut Rng) -> i128 {
    let power = 10_i128.pow(rng.below(20) as u32);
    let edge = [0, 1, 2, 5, 9, 10][rng.below(6)] * power;
    let value = match rng.below(8) {
        0 => rng.draw().into(),
        1 => rng.below(12) as i128,
        _ => edge + rng.below(5) as i128 - 2,
    };
    if rng.below(2) == 0 { value } else { -value }
}

fn text(semantic: Option<Semantic>, rng: &mut Rng) -> String {
    let sound: &[&str] = match semantic {
        Some(Semantic::HsCode) => &["85", "8542", "854231", "8542310000", "854231000012"],
        Some(Semantic::ControlCode) => &["3", "3A0", "3A001", "3A001.a", "3A001.a.5.b", "0E606.b1"],
        Some(Semantic::Country) => &["KR", "US"],
        Some(Semantic::Port) => &["KR", "KRPUS", "DE2AB", "USLAX"],
        Some(Semantic::ContainerNumber) => &["MSCU1234566", "ABCU*******", "***********"],
        Some(Semantic::Identifier) => &["KR-1234567890", "12345678", "******78", "김김김김김김12"],
        _ => &["Kim", "김철수", "Acme Trading Company Limited of the Second Free Zone", ""],
    };
    let mut characters: Vec<char> = rng.pick(sound).chars().collect();
    let others: Vec<char> = "0189ABEFGJUZabez.-* \u{e9}\u{ff11}\u{0}\n".chars().collect();
    for _ in 0..rng.below(3) {
        let (at, other) = (rng.below(characters.len() + 1), *rng.pick(&others));
        match rng.below(3) {
            0 => characters.insert(at, other),
            1 if at < characters.len() => characters[at] = other,
            _ if at < characters.len() => drop(characters.remove(at)),
            _ => characters.push(other),
        }
    }
    characters.into_iter().collect()
}

/// A few bits around the edge of a cell.
fn degrees(rng: &mut Rng) -> f64 {
    let edge = match rng.below(4) {
        0 => [0.0, 90.0, 180.0, 10.0, 1.0, 360.0][rng.below(6)],
        1 => rng.below(19) as f64 * 10.0,
        _ => rng.below(1801) as f64 / 10.0,
    };
    let near = match rng.below(6) {
        0 => edge.next_up(),
        1 => edge.next_down(),
        2 => edge * 0.1 / 0.1,
        3 => rng.below(180_000_000) as f64 / 1e6,
        4 if rng.below(8) == 0 => f64::from_bits(rng.draw()),
        _ => edge,
    };
    if rng.below(2) == 0 { near } else { -near }
}

fn set(
    descriptor: &MessageDescriptor,
    fields: impl IntoIterator<Item = (&'static str, Value)>,
) -> Value {
    let mut message = DynamicMessage::new(descriptor.clone());
    for (name, value) in fields {
        message.set_field_by_name(name, value);
    }
    Value::Message(message)
}

fn timestamp(descriptor: &MessageDescriptor, rng: &mut Rng) -> Value {
    let years = [
        -62_135_596_800_i64,
        -2_208_988_800,
        0,
        951_782_400,
        1_704_067_200,
        4_102_444_800,
        253_402_300_800,
    ];
    let edge = *rng.pick(&years);
    let seconds = match rng.below(5) {
        0 => (rng.draw() % (253_402_300_800 + 62_135_596_800)) as i64 - 62_135_596_800,
        1 => {
            edge + [30, 31, 59, 60, 365, 366, -1, -31][rng.below(8)] * 86_400 - rng.below(3) as i64
        }
        2 => rng.draw().cast_signed(),
        _ => edge + rng.below(3) as i64 - 1,
    };
    let nanos = *rng.pick(&[0, 0, 0, 1, 999_999_999, 1_000_000_000, -1]);
    set(descriptor, [("seconds", Value::I64(seconds)), ("nanos", Value::I32(nanos))])
}

fn date(descriptor: &MessageDescriptor, rng: &mut Rng) -> Value {
    let year = *rng.pick(&[1900, 2000, 2023, 2024, 1, 9999, 0, 10_000, 1961]);
    let (month, day) = (rng.below(15) as i32 - 1, rng.below(34) as i32 - 1);
    let day = if rng.below(3) == 0 { 0 } else { day };
    let fields = [("year", year), ("month", month), ("day", day)];
    set(descriptor, fields.map(|(name, value)| (name, Value::I32(value))))
}

fn money(descriptor: &MessageDescriptor, rng: &mut Rng) -> Value {
    let currency = *rng.pick(&["USD", "KRW", "EUR", "", "usd", "US", "USDT", "U\u{e9}"]);
    let units = integer(rng) as i64;
    let nanos = *rng.pick(&[0, 0, 1, -1, 999_999_999, -999_999_999, 1_000_000_000, i32::MIN]);
    set(
        descriptor,
        [
            ("currency_code", Value::String(currency.to_owned())),
            ("units", Value::I64(units)),
            ("nanos", Value::I32(nanos)),
        ],
    )
}

fn point(descriptor: &MessageDescriptor, rng: &mut Rng) -> Value {
    let (latitude, longitude) = (degrees(rng), degrees(rng));
    let latitude = if rng.below(8) == 0 { latitude } else { latitude % 90.0 };
    set(descriptor, [("latitude", Value::F64(latitude)), ("longitude", Value::F64(longitude))])
}

fn address(descriptor: &MessageDescriptor, rng: &mut Rng) -> Value {
    let country = text(Some(Semantic::Country), rng);
    let lines = (0..rng.below(3)).map(|_| Value::String(text(None, rng))).collect();
    let city = text(None, rng);
    set(
        descriptor,
        [
            ("lines", Value::List(lines)),
            ("city", Value::String(city)),
            ("country", Value::String(country)),
        ],
    )
}
