//! Rules of shape: names of requests and responses, enums, comments, no maps, canonical order.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use prost_reflect::{Cardinality, FileDescriptor, Kind, Syntax};

use crate::{messages, pool};

fn files() -> Vec<FileDescriptor> {
    pool().files().filter(|file| file.package_name().starts_with("portcullis.")).collect()
}

#[test]
fn every_rpc_has_a_request_and_a_response_of_its_own() {
    // The strict codec takes a message for a request by its name.
    let pool = pool();
    let mut used = BTreeMap::new();
    let mut rpcs = 0;
    for service in pool.services() {
        for method in service.methods() {
            rpcs += 1;
            let (input, output) = (method.input(), method.output());
            assert_eq!(input.name(), format!("{}Request", method.name()), "{}", method.full_name());
            assert_eq!(
                output.name(),
                format!("{}Response", method.name()),
                "{}",
                method.full_name()
            );
            for message in [input, output] {
                let name = message.full_name().to_owned();
                if let Some(other) = used.insert(name.clone(), method.full_name().to_owned()) {
                    panic!("{name} serves {other} and {}", method.full_name());
                }
            }
        }
    }
    assert!(rpcs >= 13, "{rpcs}");
    for message in messages(&pool) {
        let name = message.full_name();
        if name.ends_with("Request") || name.ends_with("Response") {
            assert!(used.contains_key(name), "{name} is named like part of an RPC and is none");
        }
    }
}

#[test]
fn package_is_folder() {
    for file in files() {
        let folder = file.package_name().replace('.', "/");
        assert_eq!(file.name().rsplit_once('/').unwrap().0, folder, "{}", file.name());
        assert_eq!(file.syntax(), Syntax::Proto3, "{}", file.name());
        assert!(file.package_name().ends_with(".v1"), "{}", file.name());
    }
}

#[test]
fn every_enum_starts_unspecified_and_has_no_alias() {
    let pool = pool();
    let mut seen = 0;
    for kind in pool.all_enums().filter(|kind| kind.full_name().starts_with("portcullis.")) {
        seen += 1;
        let first = kind.values().next().unwrap();
        let prefix = screaming(kind.name());
        assert_eq!(first.number(), 0, "{}", kind.full_name());
        assert_eq!(first.name(), format!("{prefix}_UNSPECIFIED"));
        let mut numbers = HashSet::new();
        for value in kind.values() {
            assert!(value.name().starts_with(&format!("{prefix}_")), "{}", value.full_name());
            assert!(numbers.insert(value.number()), "{}: an alias", value.full_name());
        }
    }
    assert!(seen >= 15, "{seen}");
}

fn screaming(name: &str) -> String {
    let mut word = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_uppercase() {
            word.push('_');
        }
        word.extend(letter.to_uppercase());
    }
    word
}

#[test]
fn no_maps_groups_extensions_or_any() {
    let pool = pool();
    for message in messages(&pool) {
        assert_eq!(message.extension_ranges().count(), 0, "{}", message.full_name());
        for field in message.fields() {
            assert!(!field.is_map() && !field.is_group(), "{}", field.full_name());
            assert_ne!(field.cardinality(), Cardinality::Required, "{}", field.full_name());
            if let Kind::Message(below) = field.kind() {
                assert_ne!(below.full_name(), "google.protobuf.Any", "{}", field.full_name());
            }
        }
    }
}

#[test]
fn members_of_a_oneof_have_numbers_in_a_row() {
    // prost writes a oneof at the place of its lowest number: with another field's number between its
    // members the order on the wire would not be ascending, and the digest not what others compute.
    for message in messages(&pool()) {
        for oneof in message.oneofs() {
            let members: BTreeSet<u32> = oneof.fields().map(|field| field.number()).collect();
            let (low, high) = (*members.first().unwrap(), *members.last().unwrap());
            for field in message.fields().filter(|field| field.containing_oneof().is_none()) {
                assert!(!(low..high).contains(&field.number()), "{}", field.full_name());
            }
        }
    }
}

#[test]
fn everything_carries_a_comment() {
    let mut checked = 0;
    for file in files() {
        let descriptor = file.file_descriptor_proto();
        let commented: HashSet<&[i32]> = descriptor
            .source_code_info
            .as_ref()
            .unwrap_or_else(|| panic!("{}: no source info", file.name()))
            .location
            .iter()
            .filter(|location| {
                let said = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
                said(location.leading_comments.as_deref())
                    || said(location.trailing_comments.as_deref())
            })
            .map(|location| location.path.as_slice())
            .collect();
        let mut check = |name: &str, path: &[i32]| {
            assert!(commented.contains(path), "{}: {name} has no comment", file.name());
            checked += 1;
        };
        check("package", &[2]);
        for message in file.messages() {
            check(message.full_name(), message.path());
            for field in message.fields() {
                check(field.full_name(), field.path());
            }
        }
        for kind in file.enums() {
            check(kind.full_name(), kind.path());
            for value in kind.values() {
                check(value.full_name(), value.path());
            }
        }
        for service in file.services() {
            check(service.full_name(), service.path());
            for method in service.methods() {
                check(method.full_name(), method.path());
            }
        }
        for extension in file.extensions() {
            check(extension.full_name(), extension.path());
        }
    }
    assert!(checked > 400, "{checked}");
}
