//! Values: what a semantic understands, its edges, and what it does not understand at all.

use portcullis_core::label::Semantic;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind as Reflected, Value};

use super::schema::{Draw, Known, Scalar};

/// Below it a draw is a value that the semantic understands.
const SOUND: u8 = 160;

/// Texts that are awkward for any semantic.
const JUNK: &[&str] = &[
    "",
    "x",
    " ",
    "KR-1234567890",
    "\u{0}",
    "김철수",
    "\u{ff18}\u{ff15}\u{ff14}\u{ff12}",
    "é12345678",
    "********",
    "a\r\nb\t\"\\",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "Gesellschaft für Überseehandel und Transportwesen mbH & Co. KG, Niederlassung Nord, Lagerhaus 7, Tor 3, zweiter Hof links",
    "𝔘nicode \u{202e} rtl",
    "AQABLKLAmHFlHGxEXNftV5zHYQqoZEOZV5Q6pVbol4fJvB8VLGmUTcB4qtrtn9sqiXcEPLosLAY_5XVLUXGmIUMh",
];

/// Half of the semantic's own, where it has some.
fn junk(own: &[&'static str], draw: Draw) -> &'static str {
    let from = if own.is_empty() || draw.pick % 2 == 1 { JUNK } else { own };
    from[(draw.bits % 10_007) as usize % from.len()]
}

fn digits(bits: u64, length: usize) -> String {
    let mut text = format!("{bits:020}");
    text.drain(..20 - length);
    text
}

fn letter(bits: u64, of: &str) -> char {
    let letters: Vec<char> = of.chars().collect();
    letters[(bits % letters.len() as u64) as usize]
}

/// A text.
pub fn text(semantic: Option<Semantic>, draw: Draw) -> String {
    let bits = draw.bits;
    let Some(semantic) = semantic else { return junk(&[], draw).to_owned() };
    if draw.pick >= SOUND {
        let own: &[&'static str] = match semantic {
            Semantic::HsCode => &["854", "8542.31", "85423", "8542310000123", " 854231", "854231 "],
            Semantic::ControlCode => &["3A", "3A00", "3F001", "3A001.", "3A001..a", "EAR99", "33"],
            Semantic::Port => &["krpus", "KRPU", "KRPUSX", "KR PU", "K1PUS", "BUSAN PORT"],
            Semantic::Identifier => &["1234567", "abcdef\u{e9}1", "ABCDEFG-", "9074729"],
            Semantic::ContainerNumber => {
                &["MSCU123456", "mscu1234566", "MSCU12*****", "MSCU*******", "MSC 1234566"]
            }
            _ => &[],
        };
        return junk(own, draw).to_owned();
    }
    match semantic {
        Semantic::HsCode => digits(bits, [6, 8, 10, 12, 7, 9, 11, 4, 2][(bits % 9) as usize]),
        Semantic::ControlCode => {
            let head = format!("{}{}{}", bits % 10, letter(bits / 7, "ABCDE"), digits(bits, 3));
            match bits / 11 % 5 {
                0 => head,
                1 => head + ".a",
                2 => head + ".b.5.c",
                3 => head[..3].to_owned(),
                _ => head[..1].to_owned(),
            }
        }
        Semantic::Port => {
            let country = ["KR", "US", "DE", "XX"][(bits % 4) as usize];
            match bits % 9 {
                8 => country.to_owned(),
                at => format!("{country}{}", ["PUS", "LAX", "2AB", "999"][(at % 4) as usize]),
            }
        }
        Semantic::Country => ["KR", "US", "DE", "XX"][(bits % 4) as usize].to_owned(),
        Semantic::ContainerNumber => {
            format!("{}{}", ["MSCU", "ABCU", "TRLJ"][(bits % 3) as usize], digits(bits, 7))
        }
        Semantic::Identifier => format!("KR-{}{}", digits(bits, 8), letter(bits, "07az")),
        Semantic::PersonName => {
            ["Kim", "김철수", "Ana Díaz", "Nguyễn Văn A"][(bits % 4) as usize].to_owned()
        }
        Semantic::OrganisationName => format!("Acme {} Ltd", bits % 1000),
        Semantic::Code => ["A", "40", "Hang"][(bits % 3) as usize].to_owned(),
        _ => format!("words {}", bits % 1000),
    }
}

/// Numbers at which something changes.
const EDGES: &[i128] = &[
    0,
    1,
    -1,
    2,
    4,
    5,
    9,
    10,
    19,
    20,
    49,
    50,
    99,
    100,
    127,
    128,
    -10,
    -37,
    999_999,
    16_383,
    16_384,
    i32::MAX as i128,
    i32::MIN as i128,
    u32::MAX as i128,
    1_i128 << 32,
    i64::MAX as i128,
    i64::MIN as i128,
    i64::MIN as i128 + 1,
    10_000_000_000_000_000_000,
    9_999_999_999_999_999_999,
    u64::MAX as i128,
];

fn integer(draw: Draw, from: i128, to: i128) -> i128 {
    let value = match draw.pick {
        0..100 => i128::from(draw.bits % 100_000),
        100..SOUND => i128::from(draw.bits.cast_signed()),
        _ => EDGES[(usize::from(draw.pick) + (draw.bits % 251) as usize) % EDGES.len()],
    };
    if (from..=to).contains(&value) { value } else { from + value.rem_euclid(to - from + 1) }
}

fn float(draw: Draw) -> f64 {
    const EDGES: &[f64] = &[
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        f64::MAX,
        5e-324,
        -1.5,
    ];
    match draw.pick {
        0..SOUND => (draw.bits % 10_000) as f64 / 8.0,
        _ => EDGES[(usize::from(draw.pick) + (draw.bits % 251) as usize) % EDGES.len()],
    }
}

/// A scalar.
pub fn scalar(scalar: Scalar, semantic: Option<Semantic>, draw: Draw) -> Value {
    let int32 = || integer(draw, i32::MIN.into(), i32::MAX.into()) as i32;
    let int64 = || integer(draw, i64::MIN.into(), i64::MAX.into()) as i64;
    let uint32 = || integer(draw, 0, u32::MAX.into()) as u32;
    let uint64 = || integer(draw, 0, u64::MAX.into()) as u64;
    match scalar {
        Scalar::String => Value::String(text(semantic, draw)),
        Scalar::Bytes if draw.pick < SOUND => Value::Bytes(draw.bits.to_be_bytes().to_vec().into()),
        Scalar::Bytes => Value::Bytes(
            [&b""[..], &[0], &[0xff; 40], b"\x0a\x03abc", b"text"][usize::from(draw.pick) % 5]
                .into(),
        ),
        Scalar::Bool => Value::Bool(draw.bits.is_multiple_of(2)),
        Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32 => Value::I32(int32()),
        Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => Value::I64(int64()),
        Scalar::Uint32 | Scalar::Fixed32 => Value::U32(uint32()),
        Scalar::Uint64 | Scalar::Fixed64 => Value::U64(uint64()),
        Scalar::Double => Value::F64(float(draw)),
        Scalar::Float => Value::F32(float(draw) as f32),
        Scalar::Enum => Value::EnumNumber(match draw.pick {
            0..SOUND => (draw.bits % 3) as i32 - 1,
            _ => int32(),
        }),
    }
}

/// Days at which something changes, and days that there are not.
const DATES: &[(i32, i32, i32)] = &[
    (2024, 2, 29),
    (2023, 2, 29),
    (2023, 2, 28),
    (1900, 2, 29),
    (2000, 2, 29),
    (2024, 4, 31),
    (2024, 12, 31),
    (2024, 12, 32),
    (2024, 13, 0),
    (2024, 13, 1),
    (2024, 0, 5),
    (2024, 0, 0),
    (2024, 5, 0),
    (2024, -1, 0),
    (2024, 5, -1),
    (1, 1, 1),
    (0, 5, 17),
    (0, 0, 0),
    (-1, 0, 0),
    (9999, 12, 31),
    (10_000, 0, 0),
    (10_000, 1, 1),
];

/// A message of the contract.
pub fn known(known: Known, field: &FieldDescriptor, draw: Draw) -> Value {
    let Reflected::Message(descriptor) = field.kind() else { panic!("{field:?} is no message") };
    let mut message = DynamicMessage::new(descriptor);
    let mut set = |name: &str, value: Value| message.set_field_by_name(name, value);
    let (sound, bits) = (draw.pick < SOUND, draw.bits);
    let edge = |all: &[i64]| all[((bits / 7) % all.len() as u64) as usize];
    match known {
        Known::Timestamp if sound => {
            let span = 253_402_300_800 + 62_135_596_800;
            let seconds = if bits < 1000 { bits * 86_399 } else { bits % span };
            set(
                "seconds",
                Value::I64(seconds as i64 - if bits < 1000 { 0 } else { 62_135_596_800 }),
            );
            set("nanos", Value::I32((bits % 3 * 499_999_999) as i32));
        }
        Known::Timestamp => {
            let seconds = [
                0,
                1,
                -1,
                86_399,
                86_400,
                -86_400,
                -86_401,
                951_782_399,
                951_782_400,
                253_402_300_799,
                253_402_300_800,
                -62_135_596_800,
                -62_135_596_801,
                i64::MAX,
                i64::MIN,
            ];
            set("seconds", Value::I64(edge(&seconds)));
            set(
                "nanos",
                Value::I32(
                    [0, 0, 1, -1, 999_999_999, 1_000_000_000, i32::MIN][(bits % 11 % 7) as usize],
                ),
            );
        }
        Known::Date => {
            let (year, month, day) = if sound {
                let (month, day) = (1 + bits / 7 % 12, [1, 17, 28, 0][(bits % 4) as usize]);
                // Of a date that is coarse already, the month may be left out as well.
                let month = if day == 0 && bits.is_multiple_of(3) { 0 } else { month };
                (1 + (bits % 9999) as i32, month as i32, day)
            } else {
                DATES[(bits % 10_007) as usize % DATES.len()]
            };
            set("year", Value::I32(year));
            set("month", Value::I32(month));
            set("day", Value::I32(day));
        }
        Known::Money => {
            let currency = if sound {
                ["USD", "KRW", "EUR"][(bits % 3) as usize]
            } else {
                ["USD", "USD", "EUR", "KRW", "", "usd", "DOLLAR", "US", "U\u{e9}"]
                    [(bits % 9) as usize]
            };
            let units = integer(draw, i64::MIN.into(), i64::MAX.into()) as i64;
            let nanos = if sound {
                (bits % 3 * 499_999_999) as i32 * units.signum() as i32
            } else {
                [0, 1, -1, 999_999_999, -999_999_999, 1_000_000_000, i32::MIN]
                    [(bits / 9 % 7) as usize]
            };
            set("currency_code", Value::String(currency.to_owned()));
            set("units", Value::I64(units));
            set("nanos", Value::I32(nanos));
        }
        Known::GeoPoint => {
            let (latitude, longitude) = if sound {
                (
                    (bits % 180_000) as f64 / 1000.0 - 90.0,
                    (bits / 3 % 360_000) as f64 / 1000.0 - 180.0,
                )
            } else {
                const EDGES: &[f64] = &[
                    0.0,
                    -0.0,
                    90.0,
                    -90.0,
                    0.3,
                    0.7,
                    -0.01,
                    180.0,
                    -180.0,
                    90.000_001,
                    180.5,
                    f64::NAN,
                    f64::INFINITY,
                    5e-324,
                    1e300,
                ];
                (EDGES[(bits % 15) as usize], EDGES[(bits / 15 % 30 % 16 % 15) as usize])
            };
            set("latitude", Value::F64(latitude));
            set("longitude", Value::F64(longitude));
        }
        Known::Address => {
            let country = if sound {
                ["KR", "US", "DE"][(bits % 3) as usize]
            } else {
                ["", "KR", "kr", "Korea", "K", "\u{e9}"][(bits % 6) as usize]
            };
            set("country", Value::String(country.to_owned()));
            let lines = ["1 Main St", "", "로 12"].iter().take((bits / 3 % 4) as usize);
            set(
                "lines",
                Value::List(lines.map(|line| Value::String((*line).to_owned())).collect()),
            );
            if bits.is_multiple_of(2) {
                set("city", Value::String("Busan".to_owned()));
            }
            if bits.is_multiple_of(5) {
                set("postcode", Value::String("48058".to_owned()));
            }
        }
    }
    Value::Message(message)
}
