//! Labels survive compilation, as any client that reads the descriptor set sees them.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value};

use portcullis_proto::RECORD_TYPES;

use crate::pool;

/// Category, sensitivity and semantic of a field, as names of their enum values.
pub fn label_of(field: &FieldDescriptor) -> Option<[String; 3]> {
    let option = field.parent_pool().get_extension_by_name("portcullis.label.v1.label")?;
    let options = field.options();
    if !options.has_extension(&option) {
        return None;
    }
    let label = options.get_extension(&option).as_message()?.clone();
    let word = |name: &str| {
        let field = label.descriptor().get_field_by_name(name)?;
        let Kind::Enum(kind) = field.kind() else { return None };
        let Value::EnumNumber(number) = *label.get_field(&field) else { return None };
        let value = kind.get_value(number)?.name().to_owned();
        Some(value.strip_prefix(&format!("{}_", name.to_uppercase()))?.to_owned())
    };
    Some([word("category")?, word("sensitivity")?, word("semantic")?])
}

/// Every leaf below a message: the dotted path and the field.
pub fn leaves(message: &MessageDescriptor, above: &str) -> Vec<(String, FieldDescriptor)> {
    let mut found = Vec::new();
    for field in message.fields() {
        let path = if above.is_empty() {
            field.name().into()
        } else {
            format!("{above}.{}", field.name())
        };
        match field.kind() {
            Kind::Message(below) if label_of(&field).is_none() => {
                // A message without a label must be one of ours, and is walked into.
                assert!(below.full_name().starts_with("portcullis.record."), "{path}: no label");
                found.extend(leaves(&below, &path));
            }
            _ => found.push((path, field)),
        }
    }
    found
}

#[test]
fn every_leaf_of_every_record_type_carries_a_whole_label() {
    let pool = pool();
    for name in RECORD_TYPES {
        let message = pool.get_message_by_name(&format!("portcullis.record.v1.{name}")).unwrap();
        let leaves = leaves(&message, "");
        assert!(leaves.len() > 10, "{name}: {}", leaves.len());
        for (path, field) in leaves {
            let label = label_of(&field).unwrap_or_else(|| panic!("{name}.{path}: no label"));
            assert!(!label.contains(&"UNSPECIFIED".to_owned()), "{name}.{path}: {label:?}");
        }
    }
}

#[test]
fn labels_read_as_written() {
    let pool = pool();
    let label = |message: &str, path: &str| {
        let message = pool.get_message_by_name(&format!("portcullis.record.v1.{message}")).unwrap();
        let found = leaves(&message, "").into_iter().find(|(at, _)| at == path);
        label_of(&found.unwrap_or_else(|| panic!("{path}")).1).unwrap().join(" ")
    };
    assert_eq!(label("Declaration", "items.hs_code"), "COMMERCIAL OFFICIAL HS_CODE");
    assert_eq!(
        label("Declaration", "importer.name.original"),
        "COMMERCIAL CONFIDENTIAL ORGANISATION_NAME"
    );
    assert_eq!(label("Declaration", "items.value"), "FINANCIAL CONFIDENTIAL MONEY");
    assert_eq!(label("Inspection", "outcome"), "OPERATIONAL SECRET CODE");
    assert_eq!(label("Party", "birth_date"), "PERSONAL CONFIDENTIAL BIRTH_DATE");
    assert_eq!(label("ExportLicence", "items.control_code"), "TECHNICAL OFFICIAL CONTROL_CODE");
}

/// What the name of a leaf promises of its value.
fn promised(name: &str) -> Option<&'static str> {
    let singular = name.strip_suffix('s').unwrap_or(name);
    let ends = |ends: &[&str]| ends.iter().any(|end| singular.ends_with(end));
    match singular {
        "ucr" | "mmsi" | "id" => Some("IDENTIFIER"),
        "container" => Some("CONTAINER_NUMBER"),
        "port" => Some("PORT"),
        _ if name.starts_with("port_of_") => Some("PORT"),
        _ if name.starts_with("country_of_") || ends(&["country"]) => Some("COUNTRY"),
        _ if name.starts_with("hs_code") => Some("HS_CODE"),
        _ if ends(&["control_code"]) => Some("CONTROL_CODE"),
        _ if ends(&["_grams", "_gram"]) => Some("MASS"),
        _ if ends(&["_id", "_imo", "registration_number", "seal_number", "serial_number"]) => {
            Some("IDENTIFIER")
        }
        _ => None,
    }
}

#[test]
fn a_key_is_the_same_kind_of_value_wherever_it_stands() {
    // Else an equal value would not have an equal pseudonym, and could not be matched across agencies.
    let pool = pool();
    let mut kept = 0;
    for record_type in RECORD_TYPES {
        let message = pool.get_message_by_name(&format!("portcullis.record.v1.{record_type}"));
        for (path, field) in leaves(&message.unwrap(), "") {
            if let Some(promised) = promised(field.name()) {
                assert_eq!(label_of(&field).unwrap()[2], promised, "{record_type}.{path}");
                kept += 1;
            }
        }
    }
    assert!(kept > 250, "{kept}");
}

#[test]
fn every_message_of_the_record_package_is_a_record_type_a_part_of_one_or_a_value() {
    let pool = pool();
    let mut reached = std::collections::BTreeSet::new();
    let mut waiting: Vec<MessageDescriptor> = RECORD_TYPES
        .iter()
        .map(|name| pool.get_message_by_name(&format!("portcullis.record.v1.{name}")).unwrap())
        .collect();
    while let Some(message) = waiting.pop() {
        if reached.insert(message.full_name().to_owned()) {
            waiting.extend(message.fields().filter_map(|field| match field.kind() {
                Kind::Message(below) => Some(below),
                _ => None,
            }));
        }
    }
    for message in crate::messages(&pool) {
        if message.package_name() == "portcullis.record.v1" {
            assert!(reached.contains(message.full_name()), "{}: name it here", message.full_name());
        }
    }
}
