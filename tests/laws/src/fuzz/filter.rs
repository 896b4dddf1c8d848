//! Any text as a filter expression, then bound and tried on records.

use portcullis_core::filter::{Filter, FilterError, Literal, Op, parse_expression};
use portcullis_core::id::Moment;

use super::head;
use super::record::kind;
use super::seeds::records;
use crate::world::KEYS;

/// Record type, then an expression; behind a zero byte a record.
pub fn filter(mut data: &[u8]) {
    let [number] = head(&mut data);
    let record_type = &kind(number).record_type;
    if number >= 0x80 {
        let tree = tree(&mut data, 18);
        // A tree from the wire: what is in shape can be shown, whatever it names.
        if tree.check_shape().is_ok() {
            let _ = parse_expression(&tree.to_string(), record_type);
        }
        return tried(number, &tree, data);
    }
    let at = data.iter().position(|byte| *byte == 0);
    let (text, record) = at.map_or((data, &[][..]), |at| (&data[..at], &data[at + 1..]));
    let text = String::from_utf8_lossy(text);
    match parse_expression(&text, record_type) {
        Ok(filter) => {
            filter.check_shape().expect("what was read breaks no limit");
            let shown = filter.to_string();
            let again = parse_expression(&shown, record_type).expect("what is shown can be read");
            assert!(again == filter, "what is shown is read as another");
            assert!(again.to_string() == shown, "shown in two ways");
            tried(number, &filter, record);
        }
        Err(error) => {
            let (span, (line, column)) = (error.span(), error.position());
            assert!(span.start <= span.end && span.end <= text.len(), "{span:?} of {}", text.len());
            assert!(text.get(span).is_some(), "a place inside a letter");
            let source = text.split('\n').nth(line - 1).expect("a line that is there");
            assert!((1..=source.chars().count() + 1).contains(&column), "column {column}");
            assert!(error.render().len() <= 4096, "a long error");
        }
    }
}

fn tried(number: u8, filter: &Filter, record: &[u8]) {
    let kind = kind(number);
    let shape = filter.check_shape();
    let hidden = filter.bind(&kind.record_type, &|_| false).map(|_| ());
    match &shape {
        Ok(()) => {
            let path = filter.paths().first().map(ToString::to_string).expect("it names a field");
            assert_eq!(hidden, Err(FilterError::FieldNotUsable { path }));
        }
        Err(error) => assert_eq!(hidden.as_ref(), Err(error)),
    }
    let Ok(bound) = filter.bind(&kind.record_type, &|_| true) else { return };
    let not = Filter::Not(Box::new(filter.clone())).bind(&kind.record_type, &|_| true);
    for sound in records(number) {
        let matches = bound.matches(sound).expect("a sound record");
        if let Ok(not) = &not {
            assert_eq!(not.matches(sound), Ok(!matches), "both a filter and its negation");
        }
    }
    // Whatever the bytes; and what the redactor takes, the filter reads, however it is spelled.
    let matches = bound.matches(record);
    let (mut out, mut presence) = (vec![], vec![]);
    if kind.redactors[0].redact(&KEYS, record, &mut out, &mut presence).is_ok() {
        assert!(matches.is_ok(), "the redactor takes what the filter refuses");
        assert_eq!(bound.matches(&out), matches, "the spelling of a record is matched");
    }
}

const PATHS: &[&str] =
    &["id", "items.hs_code", "accepted_at", "and", "items", "a`\\\"\n", "text", "int32", "not", ""];

/// Any tree, as it may come over the wire.
fn tree(data: &mut &[u8], depth: usize) -> Filter {
    let [how, path, value] = head(data);
    let path = PATHS[usize::from(path) % PATHS.len()].to_owned();
    let inner = |data: &mut &[u8]| {
        let many = if depth == 0 { 0 } else { usize::from(value % 4) };
        (0..many).map(|_| tree(data, depth - 1)).collect::<Vec<_>>()
    };
    match how % 6 {
        0 => Filter::In { path, values: (0..value % 5).map(|_| literal(data)).collect() },
        1 => Filter::Prefix { path, prefix: text(data) },
        2 => Filter::All(inner(data)),
        3 => Filter::Any(inner(data)),
        4 if depth > 0 => Filter::Not(Box::new(tree(data, depth - 1))),
        _ => {
            let op = Op::ALL[usize::from(value) % Op::ALL.len()];
            Filter::Compare { path, op, value: literal(data) }
        }
    }
}

fn literal(data: &mut &[u8]) -> Literal {
    let [how] = head(data);
    match how % 6 {
        0 => Literal::Text(text(data)),
        1 => Literal::Integer(i64::from_le_bytes(head(data))),
        2 => Literal::Number(f64::from_le_bytes(head(data))),
        3 => Literal::Flag(how > 0x80),
        4 => Literal::Time(Moment(i64::from_le_bytes(head(data)) >> (how / 6))),
        _ => Literal::Token(text(data)),
    }
}

fn text(data: &mut &[u8]) -> String {
    let [length] = head(data);
    let (text, rest) = data.split_at(data.len().min(usize::from(length % 16)));
    *data = rest;
    String::from_utf8_lossy(text).into_owned()
}
