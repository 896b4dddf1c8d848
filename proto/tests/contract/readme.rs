//! What `proto/README.md` claims about record types, fields and levels.

use std::collections::BTreeSet;

use prost_reflect::{Kind, MessageDescriptor};

use portcullis_proto::RECORD_TYPES;

use crate::pool;

const README: &str = include_str!("../../README.md");

fn field_exists(message: &MessageDescriptor, path: &str) -> bool {
    let mut message = message.clone();
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let Some(field) = message.get_field_by_name(part) else { return false };
        if parts.peek().is_none() {
            return true;
        }
        let Kind::Message(below) = field.kind() else { return false };
        message = below;
    }
    false
}

/// Rows of the scheme table: id and the cell with record types.
fn schemes() -> Vec<(&'static str, &'static str)> {
    README
        .lines()
        .filter(|line| line.starts_with("| T"))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            (cells[1], cells[3])
        })
        .collect()
}

#[test]
fn every_scheme_has_its_row() {
    let ids: Vec<String> = schemes().iter().map(|(id, _)| (*id).to_owned()).collect();
    let expected: Vec<String> = (1..=26).map(|number| format!("T{number:02}")).collect();
    assert_eq!(ids, expected);
}

#[test]
fn every_trace_of_a_scheme_has_a_type_and_a_field() {
    let pool = pool();
    let mut named = BTreeSet::new();
    for (id, cell) in schemes() {
        let odd: Vec<_> = cell.split('`').step_by(2).filter(|text| !is_separator(text)).collect();
        assert!(odd.is_empty(), "{id}: only paths stand here, not {odd:?}");
        for path in cell.split('`').skip(1).step_by(2) {
            let (name, below) = path.split_once('.').unwrap_or_else(|| panic!("{id}: `{path}`"));
            assert!(RECORD_TYPES.contains(&name), "{id}: {name} is no record type");
            let message = pool.get_message_by_name(&format!("portcullis.record.v1.{name}"));
            assert!(field_exists(&message.unwrap(), below), "{id}: no {path}");
            named.insert(name);
        }
    }
    // A seizure is what follows from a case, not a trace of it.
    let unused: Vec<_> = RECORD_TYPES.iter().filter(|name| !named.contains(*name)).collect();
    assert_eq!(unused, [&"Seizure"]);
}

fn is_separator(text: &str) -> bool {
    matches!(text, "" | ", ")
}

#[test]
fn every_record_type_is_in_a_family() {
    let (_, section) = README.split_once("\n## Record types\n").unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|---"));
    let cells = rows.take_while(|line| line.starts_with('|'));
    let mut listed: Vec<&str> = cells.flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    listed.sort_unstable();
    assert_eq!(listed, RECORD_TYPES);
}

#[test]
fn every_semantic_has_its_row_of_levels() {
    let pool = pool();
    for value in pool.get_enum_by_name("portcullis.label.v1.Semantic").unwrap().values() {
        let word = value.name().trim_start_matches("SEMANTIC_");
        assert!(word == "UNSPECIFIED" || README.contains(&format!("`{word}`")), "{word}");
    }
}

#[test]
fn every_package_is_on_the_map() {
    for file in pool().files().filter(|file| file.package_name().starts_with("portcullis.")) {
        assert!(README.contains(&format!("`{}`", file.package_name())), "{}", file.package_name());
    }
}
