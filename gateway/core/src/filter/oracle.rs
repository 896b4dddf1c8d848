//! The filter against a slow, plain second reading of the same rules on prost-reflect, over random messages
//! and filters; and the language against what it prints.

use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value,
};

use super::*;
use crate::id::Moment;
use crate::label::{Leaf, LeafKind, RecordType, Whole};

fn declaration() -> Arc<RecordType> {
    let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    Arc::new(RecordType::register(&set, "portcullis.record.v1.Declaration").unwrap())
}

fn kinds() -> Arc<RecordType> {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut compiler = protox::Compiler::new([
        format!("{root}/../../proto"),
        format!("{root}/src/filter/testdata"),
    ])
    .unwrap();
    compiler.include_imports(true).open_files(["kinds.proto"]).unwrap();
    let set = Bytes::from(compiler.encode_file_descriptor_set());
    Arc::new(RecordType::register(&set, "test.kinds.v1.Kinds").unwrap())
}

/// Random choices out of a list of bytes; zeros when it is used up, so that shrinking works.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    fn one<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }
}

const TEXTS: &[&str] = &["", "a", "ab", "b", "é", "8471", "0a", "Ab\"\\ `'\n\u{7}"];
const INTEGERS: &[i64] = &[0, 1, 2, -1, 7, i32::MAX as i64, i32::MIN as i64, i64::MAX, i64::MIN];
const NUMBERS: &[f64] = &[0.0, 1.0, 0.1, -2.5, 1e300, 16_777_217.0, -0.0];
const MILLIS: &[i64] = &[0, 1, 86_400_000, 1_617_235_200_000, -1000, 1_617_235_200_500];

fn message(descriptor: &MessageDescriptor, choices: &mut Choices<'_>) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        let set_already = field
            .containing_oneof()
            .is_some_and(|oneof| oneof.fields().any(|field| message.has_field(&field)));
        if choices.byte() & 1 == 0 || set_already {
            continue;
        }
        if field.is_list() {
            let list = (0..choices.below(3)).map(|_| value(&field, choices)).collect();
            message.set_field(&field, Value::List(list));
        } else {
            message.set_field(&field, value(&field, choices));
        }
    }
    message
}

fn value(field: &FieldDescriptor, choices: &mut Choices<'_>) -> Value {
    let integer = |choices: &mut Choices<'_>| choices.one(INTEGERS);
    match field.kind() {
        Kind::String => Value::String(choices.one(TEXTS).to_owned()),
        Kind::Bytes => Value::Bytes(choices.one(&[&b""[..], b"\x0a", b"\xff\x00"]).to_vec().into()),
        Kind::Bool => Value::Bool(choices.byte() % 2 == 1),
        Kind::Enum(_) => Value::EnumNumber(choices.one(&[0, 1, 2, 9, -1])),
        Kind::Float => Value::F32(choices.one(NUMBERS) as f32),
        Kind::Double => Value::F64(choices.one(&[0.0, 0.1, f64::NAN, f64::INFINITY, -2.5, 1e300])),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            if ["month", "day"].contains(&field.name()) {
                Value::I32(choices.one(&[0, 1, 2, 12, 28, 29, 31, 32, -1]))
            } else if field.name() == "year" {
                Value::I32(choices.one(&[0, 1970, 2021, 2024, 9999, -1]))
            } else {
                Value::I32(integer(choices) as i32)
            }
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(integer(choices)),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(integer(choices) as u32),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(integer(choices) as u64),
        Kind::Message(inner) => Value::Message(message(&inner, choices)),
    }
}

fn literal(kind: &LeafKind, choices: &mut Choices<'_>) -> Option<Literal> {
    let number = |choices: &mut Choices<'_>| match choices.byte() % 2 {
        0 => Literal::Integer(choices.one(INTEGERS)),
        _ => Literal::Number(choices.one(NUMBERS)),
    };
    Some(match kind {
        LeafKind::String => Literal::Text(choices.one(TEXTS).to_owned()),
        LeafKind::Bytes => Literal::Text(choices.one(&["", "0a", "0A", "ff00"]).to_owned()),
        LeafKind::Bool => Literal::Flag(choices.byte() % 2 == 1),
        LeafKind::Enum(names) => {
            let full: Vec<String> = names.values().map(|value| value.name().to_owned()).collect();
            Literal::Text(match choices.byte() % 2 {
                0 => choices.one(&full),
                _ => choices.one(&enum_words(names)),
            })
        }
        LeafKind::Float | LeafKind::Double | LeafKind::Whole(Whole::Money) => number(choices),
        LeafKind::Whole(Whole::Timestamp | Whole::Date) => {
            Literal::Time(Moment(choices.one(MILLIS)))
        }
        LeafKind::Whole(_) => return None,
        _ => Literal::Integer(choices.one(INTEGERS)),
    })
}

fn filter(record: &RecordType, choices: &mut Choices<'_>, depth: usize) -> Filter {
    if depth < 4 {
        let some = |choices: &mut Choices<'_>| {
            (0..=choices.below(3)).map(|_| filter(record, choices, depth + 1)).collect()
        };
        match choices.byte() % 5 {
            1 => return Filter::All(some(choices)),
            2 => return Filter::Any(some(choices)),
            3 => return Filter::Not(Box::new(filter(record, choices, depth + 1))),
            _ => {}
        }
    }
    let leaf = loop {
        let at = choices.below(256) * 256 + choices.below(256);
        let leaf = &record.leaves()[at % record.leaves().len()];
        if literal(&leaf.kind, &mut Choices([].iter())).is_some() {
            break leaf;
        }
    };
    test(leaf, choices)
}

fn test(leaf: &Leaf, choices: &mut Choices<'_>) -> Filter {
    let path = leaf.path.clone();
    match choices.byte() % 4 {
        0 if leaf.kind == LeafKind::String => {
            Filter::Prefix { path, prefix: choices.one(&TEXTS[1..]).to_owned() }
        }
        1 => {
            let first = literal(&leaf.kind, choices).unwrap();
            let mut values: Vec<_> =
                (0..choices.below(3)).filter_map(|_| literal(&leaf.kind, choices)).collect();
            values.retain(|value| value.kind() == first.kind());
            values.push(first);
            Filter::In { path, values }
        }
        _ => {
            let ordered = !matches!(leaf.kind, LeafKind::Bool | LeafKind::Enum(_));
            let ops = if ordered { Op::ALL } else { &Op::ALL[..2] };
            Filter::Compare {
                path,
                op: choices.one(ops),
                value: literal(&leaf.kind, choices).unwrap(),
            }
        }
    }
}

mod slow {
    //! The rules once more, on messages. Shares nothing with the evaluation under test.
    use super::*;

    pub fn matches(filter: &Filter, message: &DynamicMessage) -> bool {
        match filter {
            Filter::All(filters) => filters.iter().all(|filter| matches(filter, message)),
            Filter::Any(filters) => filters.iter().any(|filter| matches(filter, message)),
            Filter::Not(filter) => !matches(filter, message),
            Filter::Compare { path, op, value } => {
                found(path, message).iter().any(|found| holds(found, *op, value))
            }
            Filter::In { path, values } => found(path, message)
                .iter()
                .any(|found| values.iter().any(|value| holds(found, Op::Equal, value))),
            Filter::Prefix { path, prefix } => found(path, message).iter().any(|(_, found)| {
                found.as_str().unwrap().as_bytes().starts_with(prefix.as_bytes())
            }),
        }
    }

    type Found = (FieldDescriptor, Value);

    fn found(path: &str, message: &DynamicMessage) -> Vec<Found> {
        let (name, rest) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
        let field = message.descriptor().get_field_by_name(name).unwrap();
        if !message.has_field(&field) {
            return vec![];
        }
        let values = match message.get_field(&field).into_owned() {
            Value::List(list) => list,
            one => vec![one],
        };
        values
            .into_iter()
            .flat_map(|value| match rest {
                Some(rest) => found(rest, value.as_message().unwrap()),
                None => vec![(field.clone(), value)],
            })
            .collect()
    }

    fn holds((field, found): &Found, op: Op, literal: &Literal) -> bool {
        let order = match (found, literal) {
            (Value::String(one), Literal::Text(two)) => one.chars().partial_cmp(two.chars()),
            (Value::Bytes(one), Literal::Text(two)) => {
                one.iter().copied().partial_cmp(hex::decode(two).unwrap())
            }
            (Value::Bool(one), Literal::Flag(two)) => one.partial_cmp(two),
            (Value::EnumNumber(one), Literal::Text(two)) => {
                let Kind::Enum(names) = field.kind() else { panic!() };
                let named = names.values().find(|value| {
                    value.name() == two || value.name().ends_with(&format!("_{two}"))
                });
                one.partial_cmp(&named.unwrap().number())
            }
            (Value::I32(one), Literal::Integer(two)) => i64::from(*one).partial_cmp(two),
            (Value::I64(one), Literal::Integer(two)) => one.partial_cmp(two),
            (Value::U32(one), Literal::Integer(two)) => i64::from(*one).partial_cmp(two),
            (Value::U64(one), Literal::Integer(two)) => {
                i128::from(*one).partial_cmp(&i128::from(*two))
            }
            (Value::F32(one), Literal::Integer(two)) => one.partial_cmp(&(*two as f64 as f32)),
            (Value::F32(one), Literal::Number(two)) => one.partial_cmp(&(*two as f32)),
            (Value::F64(one), Literal::Integer(two)) => one.partial_cmp(&(*two as f64)),
            (Value::F64(one), Literal::Number(two)) => one.partial_cmp(two),
            (Value::Message(one), literal) => match (whole(one), literal) {
                (Some(one), Literal::Time(two)) => {
                    one.partial_cmp(&(i128::from(two.0) * 1_000_000))
                }
                (Some(one), Literal::Integer(two)) => {
                    one.partial_cmp(&(i128::from(*two) * 1_000_000_000))
                }
                (Some(one), Literal::Number(two)) => {
                    one.partial_cmp(&((two * 1e9).round() as i128))
                }
                (None, _) => None,
                _ => panic!("the generator made what does not fit"),
            },
            _ => panic!("the generator made what does not fit"),
        };
        let Some(order) = order else { return false };
        match op {
            Op::Equal => order == std::cmp::Ordering::Equal,
            Op::NotEqual => order != std::cmp::Ordering::Equal,
            Op::Less => order == std::cmp::Ordering::Less,
            Op::LessOrEqual => order != std::cmp::Ordering::Greater,
            Op::Greater => order == std::cmp::Ordering::Greater,
            Op::GreaterOrEqual => order != std::cmp::Ordering::Less,
        }
    }

    /// Nanoseconds or billionths.
    fn whole(message: &DynamicMessage) -> Option<i128> {
        let part = |name: &str| match message.get_field_by_name(name).unwrap().as_ref() {
            Value::I32(value) => i128::from(*value),
            Value::I64(value) => i128::from(*value),
            _ => panic!("{name}"),
        };
        if message.descriptor().name() != "Date" {
            let units = if message.descriptor().name() == "Money" { "units" } else { "seconds" };
            return Some(part(units) * 1_000_000_000 + part("nanos"));
        }
        let (year, month, day) = match (part("year"), part("month"), part("day")) {
            (year, 0, 0) => (year, 1, 1),
            (year, month, 0) => (year, month, 1),
            told => told,
        };
        if !(1..=9999).contains(&year) {
            return None;
        }
        // Days from the civil calendar, counted the long way round.
        let leap = |year: i128| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let lengths = [31, 28 + i128::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
        if !(1..=length).contains(&day) {
            return None;
        }
        let years: i128 = if year >= 1970 {
            (1970..year).map(|year| 365 + i128::from(leap(year))).sum()
        } else {
            -(year..1970).map(|year| 365 + i128::from(leap(year))).sum::<i128>()
        };
        let months: i128 = lengths[..usize::try_from(month - 1).ok()?].iter().sum();
        Some((years + months + day - 1) * 86_400_000_000_000)
    }
}

/// The same message with its top-level fields in another order: no decoder may care.
fn shuffled(bytes: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    let mut parts = vec![];
    let mut scan = scan::Scan::new(bytes);
    let mut start = 0;
    while scan.field().unwrap().is_some() {
        let end = bytes.len() - scan.remaining();
        parts.push(&bytes[start..end]);
        start = end;
    }
    let mut out = vec![];
    while !parts.is_empty() {
        out.extend_from_slice(parts.swap_remove(choices.below(parts.len())));
    }
    out
}

/// Lists of filters with one member stand for it; that is all that printing loses.
fn plain(filter: &Filter) -> Filter {
    match filter {
        Filter::All(filters) | Filter::Any(filters) if filters.len() == 1 => plain(&filters[0]),
        Filter::All(filters) => Filter::All(filters.iter().map(plain).collect()),
        Filter::Any(filters) => Filter::Any(filters.iter().map(plain).collect()),
        Filter::Not(filter) => Filter::Not(Box::new(plain(filter))),
        other => other.clone(),
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..600)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn fast_equals_slow(one in bytes(), two in bytes(), foreign in any::<bool>()) {
        thread_local!(static TYPES: [Arc<RecordType>; 2] = [declaration(), kinds()]);
        let record = TYPES.with(|types| types[usize::from(foreign)].clone());
        let mut choices = Choices(two.iter());
        let message = message(record.descriptor(), &mut choices);
        let filter = filter(&record, &mut Choices(one.iter()), 0);
        let bound = filter.bind(&record, &|_| true).unwrap();
        let encoded = message.encode_to_vec();
        let expected = slow::matches(&filter, &message);
        prop_assert_eq!(bound.matches(&encoded), Ok(expected), "{} on {}", filter, message);
        let other_order = shuffled(&encoded, &mut Choices(one.iter()));
        prop_assert_eq!(bound.matches(&other_order), Ok(expected), "{}", filter);
    }

    #[test]
    fn what_is_printed_reads_back(choices in bytes(), foreign in any::<bool>()) {
        thread_local!(static TYPES: [Arc<RecordType>; 2] = [declaration(), kinds()]);
        let record = TYPES.with(|types| types[usize::from(foreign)].clone());
        let filter = filter(&record, &mut Choices(choices.iter()), 0);
        let text = filter.to_string();
        match parse_expression(&text, &record) {
            Ok(read) => prop_assert!(read == plain(&filter), "{text} became {read}"),
            Err(error) => prop_assert!(false, "{}", error.render()),
        }
    }

    #[test]
    fn random_bytes_and_text_never_panic(bytes in bytes(), text in "\\PC{0,60}", tokens in vec(
        prop::sample::select(vec![
            "(", ")", "not", "and", "or", "in", "prefix", "id", "items.hs_code", "=", "<=", "!=", "!",
            ",", "\"", "'", "`", "token:", "a", "5", "\\u{", "}", "\\", "é", "\n", "accepted_at", "2021-04-01",
        ]), 0..30)
    ) {
        thread_local!(static TYPE: Arc<RecordType> = declaration());
        let record = TYPE.with(Arc::clone);
        let filter = filter(&record, &mut Choices(bytes.iter()), 0);
        let _ = filter.bind(&record, &|_| true).unwrap().matches(&bytes);
        for text in [text, tokens.join(" "), tokens.concat()] {
            if let Err(error) = parse_expression(&text, &record) {
                prop_assert!(error.render().lines().count() == 3, "{}", error.render());
            }
        }
    }
}

#[test]
fn a_default_written_out_is_no_value_and_an_optional_or_repeated_one_is() {
    let record = kinds();
    let matches = |expression: &str, payload: &[u8]| {
        let filter = parse_expression(expression, &record).unwrap();
        filter.bind(&record, &|_| true).unwrap().matches(payload).unwrap()
    };
    assert!(!matches("a_int32 = 0", &[0x08, 0x00]));
    assert!(!matches("a_int32 != 7", &[0x08, 0x00]));
    assert!(matches("not a_int32 > 0", &[0x08, 0x00]));
    assert!(!matches("l_bool = false", &[0x60, 0x00]));
    assert!(matches("t_optional = 0", &[0xa0, 0x01, 0x00]));
    assert!(!matches("t_optional = 0", &[]));
    assert!(matches("u_flag = false", &[0xb0, 0x01, 0x00]));
    assert!(matches("w_texts = ''", &[0xc2, 0x01, 0x00]));
    // A packed field written loosely, and the reverse.
    assert!(matches("r_packed = 5", &[0x95, 0x01, 5, 0, 0, 0]));
    assert!(matches("v_parts.counts = -1", &[0xba, 0x01, 2, 0x10, 1]));
    assert!(matches("s_loose = 0", &[0x9a, 0x01, 8, 0, 0, 0, 0, 0, 0, 0, 0]));
}

#[test]
fn bytes_that_are_no_record_are_refused_by_cause() {
    let record = kinds();
    let matches = |expression: &str, payload: &[u8]| {
        let filter = parse_expression(expression, &record).unwrap();
        filter.bind(&record, &|_| true).unwrap().matches(payload)
    };
    let cases: &[(&str, &[u8], WireError)] = &[
        ("a_int32 = 1", &[0x08, 1, 0x08, 1], WireError::Repeated),
        ("u_flag = true", &[0xaa, 0x01, 1, b'x', 0xb0, 0x01, 1], WireError::Repeated),
        ("`not` = a", &[0xe2, 0x12, 1, 0xff], WireError::InvalidUtf8),
        ("`not` = a", &[0xe2, 0x12, 1, b'a', 0xe2, 0x12, 1, b'a'], WireError::Repeated),
        ("a_int32 = 1", &[0x0a, 1, 1], WireError::WrongWireType),
        ("w_texts = a", &[0xc0, 0x01, 1], WireError::WrongWireType),
        ("v_parts.name = a", &[0xb8, 0x01, 1], WireError::WrongWireType),
        ("v_parts.name = a", &[0xba, 0x01, 3, 0x0a, 5, b'a'], WireError::Truncated),
        ("q_money = 1", &[0x8a, 0x01, 4, 0x10, 1, 0x10, 1], WireError::Repeated),
        ("o_time > 1970-01-01", &[0x7a, 2, 0x09, 1], WireError::Truncated),
        ("r_packed = 1", &[0x92, 0x01, 3, 1, 2, 3], WireError::Truncated),
    ];
    for (expression, payload, error) in cases {
        assert_eq!(matches(expression, payload), Err(*error), "{expression} {payload:02x?}");
    }
}

#[test]
fn hidden_unknown_mistyped_and_inner_fields_are_refused_alike() {
    let record = declaration();
    let hidden = record.leaf_by_path("officer_remarks").unwrap().id;
    let refused = |path: &str, value: Literal| {
        let good = Filter::Prefix { path: "id".into(), prefix: "x".into() };
        let bad = Filter::Compare { path: path.into(), op: Op::Less, value };
        let also_bad = Filter::Prefix { path: "nothing".into(), prefix: "x".into() };
        Filter::Any(vec![good, bad, also_bad])
            .bind(&record, &|leaf| leaf != hidden)
            .unwrap_err()
            .to_string()
            .replace(path, "PATH")
    };
    let expected = "the field `PATH` cannot be used in a filter like this";
    assert_eq!(refused("officer_remarks", Literal::Text("x".into())), expected);
    assert_eq!(refused("no.such.field", Literal::Text("x".into())), expected);
    assert_eq!(refused("accepted_at", Literal::Text("x".into())), expected);
    assert_eq!(refused("direction", Literal::Text("IMPORT".into())), expected);
    assert_eq!(refused("items", Literal::Text("x".into())), expected);
    assert_eq!(refused("items.value.units", Literal::Integer(1)), expected);
    assert_eq!(refused("office", Literal::Token("x".into())), expected);
}

#[test]
fn usability_is_asked_for_every_leaf_even_after_a_refusal() {
    let record = declaration();
    let asked = std::cell::RefCell::new(vec![]);
    let compare = |path: &str| Filter::Prefix { path: path.into(), prefix: "x".into() };
    let filter = Filter::All(vec![compare("nothing"), compare("id"), compare("ucr")]);
    let bound = filter.bind(&record, &|leaf| {
        asked.borrow_mut().push(leaf);
        true
    });
    assert!(matches!(bound, Err(FilterError::FieldNotUsable { path }) if path == "nothing"));
    assert_eq!(asked.borrow().len(), 2);
}

/// A plan in which the importer's id may be matched and is not shown.
fn matchable(record: &Arc<RecordType>) -> crate::redact::Plan {
    use crate::redact::{FieldPlan, Plan, PseudonymScope};
    let fields = record
        .leaves()
        .iter()
        .map(|leaf| FieldPlan { probe: leaf.path == "importer.id", ..FieldPlan::withhold() })
        .collect();
    let scope = PseudonymScope("s".into());
    Plan::new(record.clone(), fields, "a".into(), "o".into(), scope, None)
}

#[test]
fn probes_count_every_literal_on_a_field_that_is_matched_but_not_shown() {
    let record = declaration();
    let plan = matchable(&record);
    let probes = |expression: &str| {
        let filter = parse_expression(expression, &record).unwrap();
        filter.bind(&record, &|_| true).unwrap().probes(&plan)
    };
    assert_eq!(probes("office = a"), 0);
    assert_eq!(probes("importer.id in (a, b, c) or not importer.id prefix d and office = a"), 4);
}

/// An order or a prefix would find the value by halves.
#[test]
fn what_is_matched_but_not_shown_is_compared_by_equality_alone() {
    let record = declaration();
    let plan = matchable(&record);
    let beyond = |expression: &str| {
        let filter = parse_expression(expression, &record).unwrap();
        let bound = filter.bind(&record, &|_| true).unwrap();
        bound.beyond_equality(&plan).map(str::to_owned)
    };
    for allowed in [
        "importer.id = a",
        "importer.id != a",
        "importer.id in (a, b)",
        "office < a",
        "office prefix a",
    ] {
        assert_eq!(beyond(allowed), None, "{allowed}");
    }
    for refused in [
        "importer.id < a",
        "importer.id >= a",
        "not importer.id prefix a",
        "office = a or importer.id > a",
    ] {
        assert_eq!(beyond(refused).as_deref(), Some("importer.id"), "{refused}");
    }
}

#[test]
fn a_bound_filter_knows_its_leaves_and_shows_their_paths_alone() {
    let record = declaration();
    let text = "ucr = secret or office = secret and not (id < secret or ucr prefix secret)";
    let bound = parse_expression(text, &record).unwrap().bind(&record, &|_| true).unwrap();
    let mut paths = ["id", "ucr", "office"];
    paths.sort_by_key(|path| record.leaf_by_path(path).unwrap().id);
    let leaves = paths.map(|path| record.leaf_by_path(path).unwrap().id);
    assert_eq!(bound.leaves(), leaves);
    assert_eq!(format!("{bound:?}"), format!("BoundFilter{paths:?}"));
}
