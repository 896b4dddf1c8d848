//! The vectors of `vectors/query_digest.json`, which Python and Node reproduce from the same .proto files.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_proto::codec::decode;
use portcullis_proto::digest::{query_digest, query_serialization};
use portcullis_proto::query::v1::{Query, QueryRequest};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::Value;

use crate::pool;

struct Vector {
    name: String,
    query: Value,
    serialization: Vec<u8>,
    digest: Vec<u8>,
}

fn vectors() -> Vec<Vector> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/query_digest.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let text = |vector: &Value, key: &str| vector[key].as_str().expect("text").to_owned();
    file["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vector| Vector {
            name: text(vector, "name"),
            query: vector["query"].clone(),
            serialization: hex::decode(text(vector, "serialization")).unwrap(),
            digest: hex::decode(text(vector, "digest")).unwrap(),
        })
        .collect()
}

fn query_descriptor() -> MessageDescriptor {
    pool().get_message_by_name("portcullis.query.v1.Query").unwrap()
}

fn parse(query: &Value) -> DynamicMessage {
    DynamicMessage::deserialize(query_descriptor(), query).expect("protobuf JSON")
}

#[test]
fn every_vector_is_reproduced() {
    for vector in vectors() {
        let query: Query = parse(&vector.query).transcode_to().unwrap();
        assert_eq!(query_serialization(&query), vector.serialization, "{}", vector.name);
        assert_eq!(query_digest(&query).as_slice(), vector.digest, "{}", vector.name);
    }
}

#[test]
fn the_strict_codec_takes_every_vector_as_canonical() {
    for vector in vectors() {
        let query = Query::decode(vector.serialization.as_slice()).unwrap();
        let request = QueryRequest { query: Some(query), ..QueryRequest::default() };
        let decoded: QueryRequest = decode(request.encode_to_vec().into()).unwrap();
        let digest = query_digest(&decoded.query.unwrap());
        assert_eq!(digest.as_slice(), vector.digest, "{}", vector.name);
    }
}

#[test]
fn no_two_vectors_share_a_digest_or_a_name() {
    let vectors = vectors();
    assert!(vectors.len() >= 20, "{}", vectors.len());
    let names: BTreeSet<_> = vectors.iter().map(|vector| &vector.name).collect();
    let digests: BTreeSet<_> = vectors.iter().map(|vector| &vector.digest).collect();
    assert_eq!((names.len(), digests.len()), (vectors.len(), vectors.len()));
}

#[test]
fn the_vectors_set_every_field_of_a_query() {
    let mut unset = BTreeMap::new();
    let mut waiting = vec![query_descriptor()];
    while let Some(message) = waiting.pop() {
        for field in message.fields() {
            let name = field.full_name().to_owned();
            let below = field.kind().as_message().cloned();
            if unset.insert(name, ()).is_none() {
                waiting.extend(below);
            }
        }
    }
    fn visit(message: &DynamicMessage, unset: &mut BTreeMap<String, ()>) {
        for (field, value) in message.fields() {
            unset.remove(field.full_name());
            let below = value.as_list().map_or(std::slice::from_ref(value), |list| list);
            for message in below.iter().filter_map(prost_reflect::Value::as_message) {
                visit(message, unset);
            }
        }
    }
    for vector in vectors() {
        visit(&parse(&vector.query), &mut unset);
    }
    assert!(unset.is_empty(), "no vector sets {:?}", unset.keys());
}

#[test]
fn any_change_to_a_query_changes_its_digest() {
    let one = Query { purpose: 5, case_id: "C-1".into(), ..Query::default() };
    let other = Query { case_id: "C-2".into(), ..one.clone() };
    let moved = Query { case_id: String::new(), agreement_id: "C-1".into(), ..one.clone() };
    let digests = BTreeSet::from([query_digest(&one), query_digest(&other), query_digest(&moved)]);
    assert_eq!(digests.len(), 3);
}
