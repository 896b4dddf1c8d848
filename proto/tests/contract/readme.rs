//! What `proto/README.md` claims about record types, fields and levels.

use prost_reflect::{Kind, MessageDescriptor};

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
fn fields_named_for_a_scheme_exist_and_later_types_do_not() {
    let pool = pool();
    let record = |name: &str| pool.get_message_by_name(&format!("portcullis.record.v1.{name}"));
    let mut named = 0;
    for (id, cell) in schemes() {
        for part in cell.split(';').map(str::trim) {
            let (later, names) =
                part.strip_prefix("later: ").map_or((false, part), |names| (true, names));
            for name in names.split('`').skip(1).step_by(2) {
                named += 1;
                let (message, path) = name.split_once('.').unwrap_or((name, ""));
                match record(message) {
                    Some(_) if later => panic!("{id}: {message} exists by now: name its fields"),
                    Some(found) => {
                        assert!(path.is_empty() || field_exists(&found, path), "{id}: no {name}");
                    }
                    None => assert!(later, "{id}: no {message}"),
                }
            }
        }
    }
    assert!(named > 60, "{named}");
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
