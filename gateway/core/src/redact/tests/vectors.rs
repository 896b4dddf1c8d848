//! The vector file, read and obeyed.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, Value};
use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::super::{Level, PseudonymKeys, TokenDomain, TokenError, Treatment};
use super::{EVERY, decode, only, redact, scope};
use crate::id::AgencyId;
use crate::label::{LeafKind, Semantic};

fn file() -> Json {
    serde_json::from_str(include_str!("../../../vectors/treatments.json")).unwrap()
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_else(|| panic!("{key} in {json}"))
}

fn to_value(kind: &Kind, list: bool, json: &Json) -> Value {
    match (kind, json) {
        (_, Json::Array(items)) if list => {
            Value::List(items.iter().map(|item| to_value(kind, false, item)).collect())
        }
        (Kind::String, Json::String(text)) => Value::String(text.clone()),
        (Kind::Int32, number) => Value::I32(number.as_i64().unwrap().try_into().unwrap()),
        (Kind::Int64, number) => Value::I64(number.as_i64().unwrap()),
        (Kind::Uint64, number) => Value::U64(number.as_u64().unwrap()),
        (Kind::Double, number) => Value::F64(number.as_f64().unwrap()),
        (Kind::Message(descriptor), Json::Object(fields)) => {
            let mut message = DynamicMessage::new(descriptor.clone());
            for (name, value) in fields {
                let field = descriptor.get_field_by_name(name).unwrap();
                message.set_field(&field, to_value(&field.kind(), field.is_list(), value));
            }
            Value::Message(message)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_vector_of_the_file_holds() {
    let mut cases = 0;
    let file = file();
    for group in file["treatments"].as_array().unwrap() {
        let semantic = Semantic::from_word(text(group, "semantic")).unwrap();
        let treatment: Treatment = text(group, "treatment").parse().unwrap();
        let leaf = EVERY
            .leaves()
            .iter()
            .find(|leaf| {
                let kind = match &leaf.kind {
                    LeafKind::Whole(_) => "message".to_owned(),
                    kind => kind.name(),
                };
                leaf.label.semantic == semantic && !leaf.repeated && kind == text(group, "type")
            })
            .unwrap_or_else(|| panic!("{group}"));
        assert!(treatment.fits(semantic, &leaf.kind), "{group}");
        let redactor = only(&EVERY, &[(&leaf.path, treatment)]);
        let field = EVERY.descriptor().get_field_by_name(&leaf.path).unwrap();
        for case in group["cases"].as_array().unwrap() {
            let mut input = DynamicMessage::new(EVERY.descriptor().clone());
            input.set_field(&field, to_value(&field.kind(), false, &case[0]));
            let (out, presence) = redact(&redactor, &input.encode_to_vec()).unwrap();
            let mut expected = DynamicMessage::new(EVERY.descriptor().clone());
            if treatment == Treatment::Presence {
                assert_eq!(presence, [u8::from(case[1].as_bool().unwrap())], "{group}: {case}");
            } else if !case[1].is_null() {
                expected.set_field(&field, to_value(&field.kind(), false, &case[1]));
            }
            let out = decode(&EVERY, &out);
            assert_eq!(out, expected, "{semantic:?} {treatment}: {case}");
            cases += 1;
        }
    }
    assert!(cases > 200, "{cases}");
}

#[test]
fn the_file_covers_every_level_of_every_semantic() {
    let file = file();
    let told: BTreeSet<(&str, &str)> = file["treatments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (text(group, "semantic"), text(group, "treatment")))
        .collect();
    for semantic in Semantic::ALL {
        for level in Level::of(*semantic) {
            let treatment = Treatment::Generalise(*level).to_string();
            assert!(
                told.contains(&(semantic.word(), treatment.as_str())),
                "{semantic:?} {treatment}"
            );
        }
    }
}

#[test]
fn tokens_are_those_of_an_independent_implementation() {
    for row in file()["tokens"].as_array().unwrap() {
        let secret: [u8; 32] = hex::decode(text(row, "secret")).unwrap().try_into().unwrap();
        let epoch = u16::try_from(row["epoch"].as_u64().unwrap()).unwrap();
        let keys = PseudonymKeys::new(epoch, [(epoch, Zeroizing::new(secret))]).unwrap();
        let key = keys.scope_key(&scope(text(row, "scope")));
        let token = text(row, "token");
        if text(row, "domain") == "REFERENCE" {
            let originator = AgencyId::new(text(row, "originator"));
            let id = hex::decode(text(row, "opaque_id")).unwrap();
            assert_eq!(key.reference(&originator, &id), token);
            let others = [AgencyId::new("other"), originator.clone()];
            assert_eq!(key.open_reference(&others, token), Ok((&originator, id)));
            continue;
        }
        let domain = TokenDomain::Value(Semantic::from_word(text(row, "domain")).unwrap());
        let value = text(row, "value");
        assert_eq!(key.token(domain, value), token, "{row}");
        let opened = if row["opens"].as_bool().unwrap() {
            Ok(value.to_owned())
        } else {
            Err(TokenError::NotOpenable)
        };
        assert_eq!(key.open(domain, token), opened, "{row}");
    }
}

/// Elements are treated one by one; the file has single values only.
#[test]
fn elements_that_cannot_be_coarsened_are_left_out_and_the_others_keep_their_place() {
    let list = |path: &str, treatment: &str, json: Json| -> Json {
        let redactor = only(&EVERY, &[(path, treatment.parse().unwrap())]);
        let field = EVERY.descriptor().get_field_by_name(path).unwrap();
        let mut input = DynamicMessage::new(EVERY.descriptor().clone());
        input.set_field(&field, to_value(&field.kind(), true, &json));
        let (out, _) = redact(&redactor, &input.encode_to_vec()).unwrap();
        let out = decode(&EVERY, &out);
        let elements = out.get_field(&field).as_list().unwrap().to_vec();
        elements
            .iter()
            .map(|element| match element {
                Value::String(text) => Json::from(text.as_str()),
                Value::Message(message) => Json::from(
                    message.get_field_by_name("units").map_or(0, |units| units.as_i64().unwrap()),
                ),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    let money = |units: i64, nanos: i32| serde_json::json!({"currency_code": "USD", "units": units, "nanos": nanos});
    let prices = Json::from(vec![money(7, 0), money(7, -1), money(0, 0), money(-12, 0)]);
    assert_eq!(list("prices", "generalise:band", prices), serde_json::json!([5, 0, -10]));
    let containers = serde_json::json!(["MSCU1234566", "", "x"]);
    let masked = serde_json::json!(["MSCU*******", "***********", "***********"]);
    assert_eq!(list("containers", "mask", containers), masked, "as many as there are");
}
