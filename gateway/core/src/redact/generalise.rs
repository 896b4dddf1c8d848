//! Generalisation: from a value to the coarser one that contains it. Many to one; a coarser level is computed
//! so that it says nothing a finer one does not; applied to its own result it changes nothing. What cannot be
//! read is withheld, never passed.

use super::Level;
use super::calendar::{Day, days_of_month};
use super::wire::{Reader, Scalar, ScalarKind, WireValue};
use super::write::{double_field, text_field, varint, varint_field};

/// A text's coarser form: always the beginning of it.
pub(super) fn text(level: Level, text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    match level {
        Level::Heading if is_hs(bytes) => text.get(..text.len().min(4)),
        Level::Chapter if is_hs(bytes) => text.get(..2),
        Level::Regime if is_control_code(bytes) => text.get(..3),
        Level::Regime if is_control_prefix(bytes) => Some(text),
        Level::ControlCategory if is_control_code(bytes) || is_control_prefix(bytes) => {
            text.get(..1)
        }
        Level::Country if is_port(bytes) || is_country(bytes) => text.get(..2),
        _ => None,
    }
}

/// Chapter, heading, or 6 to 12 digits: the six of the Harmonized System (WCO) and what customs territories
/// append (8 in the EU's Combined Nomenclature, 10 in TARIC and in many tariffs, up to 12 elsewhere). Digits
/// alone: with dots or blanks it is a text for people.
fn is_hs(code: &[u8]) -> bool {
    matches!(code.len(), 2 | 4 | 6..=12) && code.iter().all(u8::is_ascii_digit)
}

/// `3A001`, `3A001.a`, `3A001.a.5.b`: category 0 to 9, product group A to E (equipment; test and production;
/// materials; software; technology), three digits of which the first tells the regime that wants the control
/// (0 Wassenaar Arrangement, 1 MTCR, 2 NSG, 3 Australia Group, 4 CWC; others are national, as 9 in the US),
/// then paragraphs. Codes of another numbering (munitions lists, EAR99, national letters) have no category
/// and regime of this kind, and are withheld.
fn is_control_code(code: &[u8]) -> bool {
    let Some((head, rest)) = code.split_at_checked(5) else { return false };
    let (category, number) = head.split_at_checked(2).unwrap_or_default();
    let mut parts = rest.split(|byte| *byte == b'.');
    is_category_and_group(category)
        && number.iter().all(u8::is_ascii_digit)
        && parts.next().is_some_and(<[u8]>::is_empty)
        && parts.all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric))
}

/// `3` or `3A0`: already coarse.
fn is_control_prefix(code: &[u8]) -> bool {
    match code {
        [category] => category.is_ascii_digit(),
        [category, group, regime] => {
            is_category_and_group(&[*category, *group]) && regime.is_ascii_digit()
        }
        _ => false,
    }
}

fn is_category_and_group(code: &[u8]) -> bool {
    matches!(code, [b'0'..=b'9', b'A'..=b'E'])
}

/// UN/LOCODE without the blank that is printed in it: the country, then three letters or digits. (The list
/// gives no 0 and 1; to tell the country of a code it does not have does no harm.)
fn is_port(code: &[u8]) -> bool {
    code.split_at_checked(2).is_some_and(|(country, place)| {
        is_country(country)
            && place.len() == 3
            && place.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}

/// The form of ISO 3166-1 alpha-2, user-assigned codes (XA to XZ, ZZ) included.
fn is_country(code: &[u8]) -> bool {
    code.len() == 2 && code.iter().all(u8::is_ascii_uppercase)
}

/// Lower edge of the band [1, 2), [2, 5), [5, 10), [10, 20), ..; of 0 it is 0.
pub(super) fn edge(value: u64) -> u64 {
    let mut decade = 1_u64;
    while value / decade >= 10 {
        decade = decade.saturating_mul(10);
    }
    match value / decade {
        0 => 0,
        1 => decade,
        2..=4 => 2 * decade,
        _ => 5 * decade,
    }
}

/// The same towards zero: what is below zero mirrors what is above.
pub(super) fn signed_edge(value: i64) -> i64 {
    // INVARIANT: an edge is no greater than the value, and the edge of 2^63 is 5 * 10^18.
    let edge = i64::try_from(edge(value.unsigned_abs())).unwrap_or(i64::MAX);
    if value < 0 { -edge } else { edge }
}

/// Appends an integer's band in its own encoding. False: not an integer.
pub(super) fn band(kind: ScalarKind, scalar: Scalar<'_>, out: &mut Vec<u8>) -> bool {
    let value = match scalar {
        Scalar::Int(value) => signed_edge(value).cast_unsigned(),
        Scalar::Uint(value) => edge(value),
        _ => return false,
    };
    match kind {
        ScalarKind::Int32 | ScalarKind::Int64 | ScalarKind::Uint32 | ScalarKind::Uint64 => {
            varint(out, value);
        }
        ScalarKind::Sint32 | ScalarKind::Sint64 => {
            let value = value.cast_signed();
            varint(out, (value << 1 ^ (value >> 63)).cast_unsigned());
        }
        ScalarKind::Fixed64 | ScalarKind::Sfixed64 => out.extend_from_slice(&value.to_le_bytes()),
        // An edge is no greater than its value, so the lower half holds it.
        ScalarKind::Fixed32 | ScalarKind::Sfixed32 => {
            out.extend(value.to_le_bytes().iter().take(4));
        }
        ScalarKind::Bool
        | ScalarKind::Float
        | ScalarKind::Double
        | ScalarKind::String
        | ScalarKind::Bytes => return false,
    }
    true
}

/// The coarser form of a message that is treated whole.
pub(super) enum Whole {
    Timestamp { seconds: i64 },
    Date { year: i64, month: i64 },
    Money { currency: [u8; 3], units: i64 },
    GeoPoint { latitude: f64, longitude: f64 },
    Address { country: [u8; 2] },
}

impl Whole {
    /// From the bytes of the message, which are in order and known to be sound.
    pub(super) fn of(whole: crate::label::Whole, level: Level, bytes: &[u8]) -> Option<Self> {
        use crate::label::Whole as Kind;
        match whole {
            Kind::Timestamp => timestamp(level, bytes),
            Kind::Date => date(level, bytes),
            Kind::Money => (level == Level::Band).then(|| money(bytes)).flatten(),
            Kind::GeoPoint => geo_point(level, bytes),
            Kind::Address => (level == Level::Country).then(|| address(bytes)).flatten(),
            Kind::Other => None,
        }
    }

    /// Appends its serialization.
    pub(super) fn append(&self, out: &mut Vec<u8>) {
        match self {
            Self::Timestamp { seconds } => varint_field(out, 1, *seconds),
            Self::Date { year, month } => {
                varint_field(out, 1, *year);
                varint_field(out, 2, *month);
            }
            Self::Money { currency, units } => {
                text_field(out, 1, currency);
                varint_field(out, 2, *units);
            }
            Self::GeoPoint { latitude, longitude } => {
                double_field(out, 1, *latitude);
                double_field(out, 2, *longitude);
            }
            Self::Address { country } => text_field(out, 4, country),
        }
    }
}

/// Integers by field number; none where anything else stands there: then it is another message under a
/// known name, and withheld.
fn integers<const N: usize>(bytes: &[u8]) -> Option<[i64; N]> {
    let mut values = [0; N];
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.next_field().ok()? {
        let WireValue::Varint(value) = value else { return None };
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        *values.get_mut(at)? = value.cast_signed();
    }
    Some(values)
}

const NANOS: i64 = 1_000_000_000;

/// `google.protobuf.Timestamp`: UTC without leap seconds (23:59:60 cannot be said), nanoseconds counted
/// forward.
fn timestamp(level: Level, bytes: &[u8]) -> Option<Whole> {
    let [seconds, nanos] = integers(bytes)?;
    if !(0..NANOS).contains(&nanos) {
        return None;
    }
    let day = Day::of_seconds(seconds)?;
    let day = match level {
        Level::Day => day,
        Level::Month => day.first_of_month(),
        Level::Year => day.first_of_year(),
        _ => return None,
    };
    Some(Whole::Timestamp { seconds: day.seconds() })
}

/// `Date` as the contract has it: a day may be unknown, then a month, never the year; what the calendar does
/// not have is no date.
fn date(level: Level, bytes: &[u8]) -> Option<Whole> {
    let [year, month, day] = integers(bytes)?;
    let known = match (month, day) {
        (0, 0) => true,
        (1..=12, 0) => true,
        (1..=12, _) => (1..=days_of_month(year, month)).contains(&day),
        _ => false,
    };
    if !(1..=9999).contains(&year) || !known {
        return None;
    }
    match level {
        Level::Month => Some(Whole::Date { year, month }),
        Level::Year => Some(Whole::Date { year, month: 0 }),
        _ => None,
    }
}

/// As `google.type.Money`: units and nanos of one sign. The currency has the form of ISO 4217, three letters.
/// Less than a unit is 0 on either side: there is no zero below zero.
fn money(bytes: &[u8]) -> Option<Whole> {
    let (mut currency, mut units, mut nanos) = (None, 0_i64, 0_i64);
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.next_field().ok()? {
        match (number, value) {
            (1, WireValue::Bytes(code)) => currency = Some(code),
            (2, WireValue::Varint(value)) => units = value.cast_signed(),
            (3, WireValue::Varint(value)) => nanos = value.cast_signed(),
            _ => return None,
        }
    }
    let currency: [u8; 3] = currency?.try_into().ok()?;
    let sound = currency.iter().all(u8::is_ascii_uppercase)
        && (1 - NANOS..NANOS).contains(&nanos)
        && units.signum() * nanos.signum() >= 0;
    sound.then(|| Whole::Money { currency, units: signed_edge(units) })
}

/// Degrees of WGS 84, -90 to 90 and -180 to 180. Tenths of a degree per cell and level; a coarser cell is made of finer ones.
fn geo_point(level: Level, bytes: &[u8]) -> Option<Whole> {
    let tenths = match level {
        Level::Cell01 => 1,
        Level::Cell1 => 10,
        Level::Cell10 => 100,
        _ => return None,
    };
    let mut degrees = [0.0_f64; 2];
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.next_field().ok()? {
        let WireValue::Fixed64(bits) = value else { return None };
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        *degrees.get_mut(at)? = f64::from_bits(bits);
    }
    let [latitude, longitude] = degrees;
    Some(Whole::GeoPoint {
        latitude: centre(latitude, 90, tenths)?,
        longitude: centre(longitude, 180, tenths)?,
    })
}

/// Centre of the cell: cells of a tenth are [k/10, (k+1)/10) with k = floor(degrees * 10) in IEEE doubles;
/// the pole and the 180th meridian belong to the last cell.
fn centre(degrees: f64, limit: i32, tenths: i32) -> Option<f64> {
    let bound = f64::from(limit);
    if !(-bound..=bound).contains(&degrees) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 1800, checked above")]
    let tenth = ((degrees * 10.0).floor() as i32).min(limit * 10 - 1);
    let first = tenth.div_euclid(tenths) * tenths;
    Some(f64::from(2 * first + tenths) / 20.0)
}

fn address(bytes: &[u8]) -> Option<Whole> {
    let mut country = None;
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.next_field().ok()? {
        let WireValue::Bytes(value) = value else { return None };
        if number == 4 {
            country = Some(value);
        }
    }
    let country: [u8; 2] = country?.try_into().ok()?;
    is_country(&country).then_some(Whole::Address { country })
}
