//! What others do: decode, edit, encode with prost's types, and the same with reflection.

use std::sync::Arc;

use portcullis_core::label::{RecordType, Semantic};
use portcullis_core::redact::{ScopeKey, TokenDomain};
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::Contestant;
use crate::record::Consignment;

/// Nothing is edited.
pub fn keep<'a>() -> Contestant<'a> {
    edited("prost: all kept", |_| {})
}

/// What the plan *half withheld* withholds is taken out.
pub fn half<'a>() -> Contestant<'a> {
    edited("prost: half withheld", |record| {
        record.lodged_at = None;
        record.declared_value = None;
        record.packages = 0;
        record.country_of_export.clear();
        record.port_of_loading.clear();
        record.remarks.clear();
        record.duty_rate = 0.0;
        if let Some(party) = &mut record.consignor {
            party.identifier.clear();
            party.phone.clear();
            party.address = None;
        }
        if let Some(party) = &mut record.consignee {
            party.name.clear();
            party.phone.clear();
        }
        for item in &mut record.items {
            item.number = 0;
            item.description.clear();
            item.net_mass = 0;
            item.control_code.clear();
            for container in &mut item.containers {
                container.seal.clear();
                container.packages = 0;
            }
        }
    })
}

/// What the plan *five pseudonyms* makes tokens of.
pub fn five<'a>(key: Arc<ScopeKey>) -> Contestant<'a> {
    edited("prost: five pseudonyms", move |record| {
        let token = |semantic, text: &mut String| {
            *text = key.token(TokenDomain::Value(semantic), text);
        };
        token(Semantic::Identifier, &mut record.id);
        token(Semantic::Identifier, &mut record.ucr);
        if let Some(party) = &mut record.consignor {
            token(Semantic::OrganisationName, &mut party.name);
            token(Semantic::Identifier, &mut party.identifier);
        }
        if let Some(party) = &mut record.consignee {
            token(Semantic::OrganisationName, &mut party.name);
        }
    })
}

fn edited<'a>(name: &str, edit: impl Fn(&mut Consignment) + 'a) -> Contestant<'a> {
    let mut out = vec![];
    Contestant::new(name, move |bytes: &[u8]| {
        let mut record = Consignment::decode(bytes).expect("a sound record");
        edit(&mut record);
        out.clear();
        record.encode(&mut out).expect("room for it");
        out.len()
    })
}

/// Reflection: fields are found by path once, cleared in every record.
pub fn reflect<'a>(record_type: &RecordType, name: &str, withheld: &[&str]) -> Contestant<'a> {
    let descriptor = record_type.descriptor().clone();
    let paths: Vec<Vec<FieldDescriptor>> =
        withheld.iter().map(|path| resolve(&descriptor, path)).collect();
    let mut out = vec![];
    Contestant::new(name, move |bytes: &[u8]| {
        let mut record = DynamicMessage::decode(descriptor.clone(), bytes).expect("a sound record");
        for path in &paths {
            clear(&mut record, path);
        }
        out.clear();
        record.encode(&mut out).expect("room for it");
        out.len()
    })
}

fn resolve(descriptor: &MessageDescriptor, path: &str) -> Vec<FieldDescriptor> {
    let mut message = Some(descriptor.clone());
    path.split('.')
        .map(|name| {
            let field = message.take().and_then(|message| message.get_field_by_name(name));
            let field = field.expect("a field of the record type");
            if let Kind::Message(inner) = field.kind() {
                message = Some(inner);
            }
            field
        })
        .collect()
}

fn clear(message: &mut DynamicMessage, path: &[FieldDescriptor]) {
    match path {
        [] => {}
        [field] => message.clear_field(field),
        [field, rest @ ..] if message.has_field(field) => match message.get_field_mut(field) {
            Value::Message(inner) => clear(inner, rest),
            Value::List(elements) => {
                for element in elements {
                    if let Value::Message(inner) = element {
                        clear(inner, rest);
                    }
                }
            }
            _ => {}
        },
        _ => {}
    }
}
