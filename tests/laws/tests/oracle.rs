//! The oracle obeys the vector file, as the engine does.

use std::sync::Arc;

use portcullis_core::label::{RecordType, Semantic};
use portcullis_core::redact::Treatment;
use portcullis_laws::oracle::{self, Tokens};
use portcullis_laws::world::{self, Cardinality, Kind, Known, Scalar, Schema};
use prost_reflect::{DynamicMessage, Kind as Reflected, Value};
use serde_json::Value as Json;

fn file() -> Json {
    let text = include_str!("../../../gateway/core/vectors/treatments.json");
    serde_json::from_str(text).unwrap()
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_else(|| panic!("{key} in {json}"))
}

fn kind(semantic: Semantic, name: &str) -> Kind {
    let known = |known: &&Known| Kind::Known(**known).semantics().contains(&semantic);
    match name {
        "message" => Kind::Known(*Known::ALL.iter().find(known).unwrap()),
        _ => Kind::Scalar(*Scalar::ALL.iter().find(|scalar| scalar.text() == name).unwrap()),
    }
}

fn value(kind: &Reflected, json: &Json) -> Value {
    match (kind, json) {
        (Reflected::String, Json::String(text)) => Value::String(text.clone()),
        (Reflected::Int32, number) => Value::I32(number.as_i64().unwrap().try_into().unwrap()),
        (Reflected::Int64, number) => Value::I64(number.as_i64().unwrap()),
        (Reflected::Uint64, number) => Value::U64(number.as_u64().unwrap()),
        (Reflected::Double, number) => Value::F64(number.as_f64().unwrap()),
        (Reflected::Message(descriptor), Json::Object(fields)) => {
            let mut message = DynamicMessage::new(descriptor.clone());
            for (name, json) in fields {
                let field = descriptor.get_field_by_name(name).unwrap();
                let set = match json {
                    Json::Array(items) => {
                        Value::List(items.iter().map(|item| value(&field.kind(), item)).collect())
                    }
                    one => value(&field.kind(), one),
                };
                message.set_field(&field, set);
            }
            Value::Message(message)
        }
        other => panic!("{other:?}"),
    }
}

fn record(record_type: &RecordType, json: &Json) -> Vec<u8> {
    let mut message = DynamicMessage::new(record_type.descriptor().clone());
    let field = record_type.descriptor().get_field(1).unwrap();
    message.set_field(&field, value(&field.kind(), json));
    world::canonical(&message)
}

#[test]
fn every_vector_holds() {
    let mut cases = 0;
    let file = file();
    for group in file["treatments"].as_array().unwrap() {
        let semantic = Semantic::from_word(text(group, "semantic")).unwrap();
        let treatment: Treatment = text(group, "treatment").parse().unwrap();
        let kind = kind(semantic, text(group, "type"));
        let schema = Schema::single(kind, semantic, Cardinality::Implicit);
        let record_type: Arc<RecordType> = world::register(&schema);
        let plan = world::plan_of(&record_type, |_| treatment);
        for case in group["cases"].as_array().unwrap() {
            let (input, output) = (&case[0], &case[1]);
            let (left, presence) = oracle::redact(&plan, &record(&record_type, input)).unwrap();
            if treatment == Treatment::Presence {
                assert_eq!(presence, [u8::from(output.as_bool().unwrap())], "{group}: {case}");
                assert!(left.is_empty(), "{group}: {case}");
            } else {
                let right = if output.is_null() { vec![] } else { record(&record_type, output) };
                assert_eq!(left, right, "{semantic:?} {treatment}: {case}");
            }
            cases += 1;
        }
    }
    assert!(cases >= 220, "{cases}");
}

#[test]
fn every_token_holds() {
    let file = file();
    let rows = file["tokens"].as_array().unwrap();
    for row in rows {
        let secret = hex::decode(text(row, "secret")).unwrap().try_into().unwrap();
        let epoch = u16::try_from(row["epoch"].as_u64().unwrap()).unwrap();
        let tokens = Tokens::derive(&secret, epoch, text(row, "scope"));
        let made = match text(row, "domain") {
            "REFERENCE" => {
                let id = hex::decode(text(row, "opaque_id")).unwrap();
                tokens.reference(text(row, "originator"), &id)
            }
            domain => tokens.value(Semantic::from_word(domain).unwrap(), text(row, "value")),
        };
        assert_eq!(made, text(row, "token"), "{row}");
    }
    assert!(rows.len() >= 13, "{}", rows.len());
}
