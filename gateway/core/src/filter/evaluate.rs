//! Evaluation of a bound filter on a serialized record: one forward pass that looks only where the filter
//! does, then the tree over what was found.

use time::{Date, Month};

use super::WireError;
use super::bind::{Bound, BoundFilter, Check, Test};
use super::literal::Found;
use super::scan::{Raw, Scan};
use super::tree::MAX_NODES;
use crate::label::{Cardinality, FieldSpec, LeafId, LeafKind, NodeId, Target, Whole};

const NANOS: i128 = 1_000_000_000;
const DAY_NANOS: i128 = 86_400 * NANOS;

impl BoundFilter {
    /// Does a serialized record match? What the rules of matching are stands at the module.
    ///
    /// # Errors
    /// The bytes on the way to the filter's fields are not a serialization of the record type. What lies
    /// elsewhere is skipped and not judged: the redactor does that.
    pub fn matches(&self, payload: &[u8]) -> Result<bool, WireError> {
        let mut hits = Hits([0; MAX_NODES / 64]);
        self.walk(NodeId(0), payload, &mut hits)?;
        Ok(evaluate(&self.root, &hits))
    }

    fn walk(&self, id: NodeId, bytes: &[u8], hits: &mut Hits) -> Result<(), WireError> {
        let Some(node) = self.record_type.node(id) else { return Ok(()) };
        let mut seen = Seen::default();
        let mut scan = Scan::new(bytes);
        while let Some((number, raw)) = scan.field()? {
            let Some(field) = node.field(number) else { continue };
            seen.check(field)?;
            match field.target {
                Target::Node(below) => {
                    let Raw::Bytes(inner) = raw else { return Err(WireError::WrongWireType) };
                    if self.wanted_nodes.get(below.index()).copied().unwrap_or(false) {
                        self.walk(below, inner, hits)?;
                    }
                }
                Target::Leaf(leaf) | Target::Whole(leaf, _) => {
                    self.leaf(leaf, field, raw, hits)?;
                }
            }
        }
        Ok(())
    }

    fn leaf(
        &self,
        leaf: LeafId,
        field: &FieldSpec,
        raw: Raw<'_>,
        hits: &mut Hits,
    ) -> Result<(), WireError> {
        let tests = self.tests_of_leaf.get(leaf.index()).map_or(&[][..], Vec::as_slice);
        if tests.is_empty() {
            return Ok(());
        }
        let explicit = self.explicit.get(leaf.index()).copied().unwrap_or(false);
        each_value(field, raw, &mut |found| {
            if explicit || !is_default(&found) {
                for at in tests {
                    if self.tests.get(*at).is_some_and(|test| test.accepts(&found)) {
                        hits.set(*at);
                    }
                }
            }
        })
    }
}

impl Test {
    fn accepts(&self, found: &Found<'_>) -> bool {
        match &self.check {
            Check::Compare(op, wanted) => {
                found.compare(wanted).is_some_and(|order| op.accepts(order))
            }
            Check::In(values) => values
                .iter()
                .any(|wanted| found.compare(wanted).is_some_and(std::cmp::Ordering::is_eq)),
            Check::Prefix(prefix) => {
                matches!(found, Found::Text(text) if text.starts_with(prefix.as_str()))
            }
        }
    }
}

fn evaluate(bound: &Bound, hits: &Hits) -> bool {
    match bound {
        Bound::Test(at) => hits.is_set(*at),
        Bound::All(all) => all.iter().all(|bound| evaluate(bound, hits)),
        Bound::Any(any) => any.iter().any(|bound| evaluate(bound, hits)),
        Bound::Not(not) => !evaluate(not, hits),
    }
}

/// Which tests found a value that satisfies them.
struct Hits([u64; MAX_NODES / 64]);

impl Hits {
    fn set(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    fn is_set(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}

/// Which singular fields and oneofs of one message were met.
#[derive(Default)]
struct Seen {
    low: u128,
    high: Vec<u32>,
    oneofs: Vec<u16>,
}

impl Seen {
    fn check(&mut self, field: &FieldSpec) -> Result<(), WireError> {
        if field.cardinality == Cardinality::Repeated {
            return Ok(());
        }
        let again = match 1u128.checked_shl(field.number) {
            Some(bit) => {
                let again = self.low & bit != 0;
                self.low |= bit;
                again
            }
            None => add(&mut self.high, field.number),
        };
        let other = field.oneof.is_some_and(|oneof| add(&mut self.oneofs, oneof));
        if again || other { Err(WireError::Repeated) } else { Ok(()) }
    }
}

/// Was it there already?
fn add<T: PartialEq>(list: &mut Vec<T>, item: T) -> bool {
    let there = list.contains(&item);
    if !there {
        list.push(item);
    }
    there
}

fn is_default(found: &Found<'_>) -> bool {
    match found {
        Found::Text(text) => text.is_empty(),
        Found::Bytes(bytes) => bytes.is_empty(),
        Found::Int(int) => *int == 0,
        Found::Float(float) => *float == 0.0,
        Found::Flag(flag) => !flag,
    }
}

/// Hands every value of a field occurrence on: one, or the elements of a packed list. A whole message that
/// cannot be compared has none.
fn each_value<'a>(
    field: &FieldSpec,
    raw: Raw<'a>,
    hand: &mut dyn FnMut(Found<'a>),
) -> Result<(), WireError> {
    match (&field.kind, raw) {
        (LeafKind::String, Raw::Bytes(bytes)) => {
            hand(Found::Text(std::str::from_utf8(bytes).map_err(|_| WireError::InvalidUtf8)?));
        }
        (LeafKind::Bytes, Raw::Bytes(bytes)) => hand(Found::Bytes(bytes)),
        (LeafKind::Whole(whole), Raw::Bytes(bytes)) => {
            if let Some(found) = whole_value(*whole, bytes)? {
                hand(found);
            }
        }
        (LeafKind::String | LeafKind::Bytes | LeafKind::Whole(_), _) => {
            return Err(WireError::WrongWireType);
        }
        (kind, Raw::Bytes(packed)) if field.cardinality == Cardinality::Repeated => {
            let mut scan = Scan::new(packed);
            while !scan.is_empty() {
                let raw = match width(kind) {
                    Width::Varint => Raw::Varint(scan.varint()?),
                    Width::Four => Raw::Fixed32(scan.fixed()?),
                    Width::Eight => Raw::Fixed64(scan.fixed()?),
                };
                hand(scalar(kind, raw)?);
            }
        }
        (kind, raw) => hand(scalar(kind, raw)?),
    }
    Ok(())
}

enum Width {
    Varint,
    Four,
    Eight,
}

fn width(kind: &LeafKind) -> Width {
    match kind {
        LeafKind::Fixed32 | LeafKind::Sfixed32 | LeafKind::Float => Width::Four,
        LeafKind::Fixed64 | LeafKind::Sfixed64 | LeafKind::Double => Width::Eight,
        _ => Width::Varint,
    }
}

/// A number, cut to the width of its type as every protobuf decoder does.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "as the format says"
)]
fn scalar<'a>(kind: &LeafKind, raw: Raw<'a>) -> Result<Found<'a>, WireError> {
    Ok(match (kind, raw) {
        (LeafKind::Bool, Raw::Varint(value)) => Found::Flag(value != 0),
        (LeafKind::Int32 | LeafKind::Enum(_), Raw::Varint(value)) => {
            Found::Int(i128::from(value as i32))
        }
        (LeafKind::Int64, Raw::Varint(value)) => Found::Int(i128::from(value as i64)),
        (LeafKind::Uint32, Raw::Varint(value)) => Found::Int(i128::from(value as u32)),
        (LeafKind::Uint64, Raw::Varint(value)) => Found::Int(i128::from(value)),
        (LeafKind::Sint32, Raw::Varint(value)) => {
            let value = value as u32;
            Found::Int(i128::from((value >> 1) as i32 ^ -((value & 1) as i32)))
        }
        (LeafKind::Sint64, Raw::Varint(value)) => {
            Found::Int(i128::from((value >> 1) as i64 ^ -((value & 1) as i64)))
        }
        (LeafKind::Fixed32, Raw::Fixed32(bytes)) => Found::Int(u32::from_le_bytes(bytes).into()),
        (LeafKind::Sfixed32, Raw::Fixed32(bytes)) => Found::Int(i32::from_le_bytes(bytes).into()),
        (LeafKind::Float, Raw::Fixed32(bytes)) => Found::Float(f32::from_le_bytes(bytes).into()),
        (LeafKind::Fixed64, Raw::Fixed64(bytes)) => Found::Int(u64::from_le_bytes(bytes).into()),
        (LeafKind::Sfixed64, Raw::Fixed64(bytes)) => Found::Int(i64::from_le_bytes(bytes).into()),
        (LeafKind::Double, Raw::Fixed64(bytes)) => Found::Float(f64::from_le_bytes(bytes)),
        _ => return Err(WireError::WrongWireType),
    })
}

fn whole_value<'a>(whole: Whole, bytes: &'a [u8]) -> Result<Option<Found<'a>>, WireError> {
    Ok(match whole {
        Whole::Timestamp => {
            let [seconds, nanos, _] = varints(bytes, [true, true, false])?;
            Some(Found::Int(i128::from(seconds) * NANOS + i128::from(narrow(nanos))))
        }
        Whole::Money => {
            let [_, units, nanos] = varints(bytes, [false, true, true])?;
            Some(Found::Int(i128::from(units) * NANOS + i128::from(narrow(nanos))))
        }
        Whole::Date => {
            let [year, month, day] = varints(bytes, [true; 3])?;
            midnight(narrow(year), narrow(month), narrow(day)).map(Found::Int)
        }
        Whole::GeoPoint | Whole::Address | Whole::Other => None,
    })
}

/// Fields 1 to 3 of a small message, those that are integers; 0 where one is not there.
#[expect(clippy::cast_possible_wrap, reason = "as the format says")]
fn varints(bytes: &[u8], integer: [bool; 3]) -> Result<[i64; 3], WireError> {
    let mut values = [0; 3];
    let mut seen = [false; 3];
    let mut scan = Scan::new(bytes);
    while let Some((number, raw)) = scan.field()? {
        let at = number as usize - 1;
        if !integer.get(at).copied().unwrap_or(false) {
            continue;
        }
        let Raw::Varint(value) = raw else { return Err(WireError::WrongWireType) };
        if let (Some(slot), Some(seen)) = (values.get_mut(at), seen.get_mut(at)) {
            if std::mem::replace(seen, true) {
                return Err(WireError::Repeated);
            }
            *slot = value as i64;
        }
    }
    Ok(values)
}

#[expect(clippy::cast_possible_truncation, reason = "an int32 on the wire")]
fn narrow(value: i64) -> i32 {
    value as i32
}

/// Nanoseconds of a date's midnight, the first of its month or year where day or month is not told; none
/// where no calendar has it.
fn midnight(year: i32, month: i32, day: i32) -> Option<i128> {
    if !(1..=9999).contains(&year) || (month == 0 && day != 0) {
        return None;
    }
    let month = Month::try_from(u8::try_from(month.max(i32::from(month == 0))).ok()?).ok()?;
    let day = u8::try_from(day.max(i32::from(day == 0))).ok()?;
    let date = Date::from_calendar_date(year, month, day).ok()?;
    let days = date.to_julian_day() - Date::from_ordinal_date(1970, 1).ok()?.to_julian_day();
    Some(i128::from(days) * DAY_NANOS)
}
