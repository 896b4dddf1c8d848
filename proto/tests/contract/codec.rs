//! The strict codec: canonical requests in, everything else refused with a constant text and a reason.

use bytes::Bytes;
use portcullis_proto::codec::{
    DOMAIN, REQUEST_MALFORMED, REQUEST_NOT_CANONICAL, RESPONSE_MALFORMED, decode,
};
use portcullis_proto::query::v1::{
    Comparison, ExplainRequest, Filter, FilterList, Query, QueryRequest, Value, filter, value,
};
use portcullis_proto::source::v1::{DescribeResponse, SearchResponse};
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const MALFORMED: &str = "the request is not a valid message, or nests too deeply";
const NOT_CANONICAL: &str = "the request has unknown, repeated or non-canonical fields";

fn request() -> QueryRequest {
    let comparison = |path: &str| Filter {
        node: Some(filter::Node::Comparison(Comparison {
            path: path.into(),
            operator: 1,
            value: Some(Value { kind: Some(value::Kind::Text("8542".into())) }),
        })),
    };
    QueryRequest {
        query: Some(Query {
            purpose: 5,
            record_type: "portcullis.record.v1.Declaration".into(),
            filter: Some(Filter {
                node: Some(filter::Node::All(FilterList {
                    filters: vec![comparison("items.hs_code"), comparison("office")],
                })),
            }),
            fields: vec!["id".into(), "items".into()],
            sources: vec!["alpha".into()],
            limit: 10,
            ..Query::default()
        }),
        idempotency_key: "key".into(),
        ..QueryRequest::default()
    }
}

fn try_request(bytes: Vec<u8>) -> Result<QueryRequest, Status> {
    decode(Bytes::from(bytes))
}

#[track_caller]
fn refused(bytes: Vec<u8>, reason: &str, text: &str) {
    let status = try_request(bytes).expect_err("accepted");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), text);
    let info = status.get_details_error_info().expect("error info");
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, DOMAIN));
    assert!(info.metadata.is_empty());
}

#[test]
fn accepts_what_is_canonical() {
    let request = request();
    let decoded = try_request(request.encode_to_vec()).unwrap();
    assert!(decoded == request);
    assert!(try_request(vec![]).unwrap() == QueryRequest::default());
}

#[test]
fn refuses_an_unknown_field_at_any_depth() {
    let mut outside = request().encode_to_vec();
    outside.extend([0xfa, 0x01, 0x01, 0x41]); // field 31, one byte
    refused(outside, REQUEST_NOT_CANONICAL, NOT_CANONICAL);
    // query { field 31 }
    refused(vec![0x0a, 0x04, 0xfa, 0x01, 0x01, 0x41], REQUEST_NOT_CANONICAL, NOT_CANONICAL);
}

#[test]
fn refuses_a_singular_field_twice() {
    // idempotency_key twice, the same both times: the last one would win in silence.
    refused(b"\x12\x01a\x12\x01a".to_vec(), REQUEST_NOT_CANONICAL, NOT_CANONICAL);
    // The query in two halves, which a lax decoder merges.
    let mut halves = QueryRequest {
        query: Some(Query { purpose: 5, ..Query::default() }),
        ..QueryRequest::default()
    }
    .encode_to_vec();
    halves.extend(request().encode_to_vec());
    refused(halves, REQUEST_NOT_CANONICAL, NOT_CANONICAL);
    // Two members of a oneof: filter { prefix {} not {} }.
    refused(
        vec![0x0a, 0x06, 0x2a, 0x04, 0x1a, 0x00, 0x32, 0x00],
        REQUEST_NOT_CANONICAL,
        NOT_CANONICAL,
    );
}

#[test]
fn refuses_over_long_varints_explicit_defaults_and_disorder() {
    assert!(
        try_request(vec![0x0a, 0x02, 0x08, 0x05]).is_ok(),
        "the canonical form of what follows"
    );
    refused(vec![0x0a, 0x03, 0x08, 0x85, 0x00], REQUEST_NOT_CANONICAL, NOT_CANONICAL);
    refused(vec![0x0a, 0x82, 0x00, 0x08, 0x05], REQUEST_NOT_CANONICAL, NOT_CANONICAL);
    refused(vec![0x8a, 0x00, 0x02, 0x08, 0x05], REQUEST_NOT_CANONICAL, NOT_CANONICAL);
    refused(vec![0x0a, 0x02, 0x08, 0x00], REQUEST_NOT_CANONICAL, NOT_CANONICAL);
    refused(vec![0x12, 0x00], REQUEST_NOT_CANONICAL, NOT_CANONICAL);
    // idempotency_key before query.
    refused(b"\x12\x01a\x0a\x02\x08\x05".to_vec(), REQUEST_NOT_CANONICAL, NOT_CANONICAL);
}

#[test]
fn refuses_every_truncation() {
    let whole = request().encode_to_vec();
    let query_ends = whole.len() - 5; // the idempotency key is a field of its own behind it
    for cut in 1..whole.len() {
        if cut != query_ends {
            refused(whole[..cut].to_vec(), REQUEST_MALFORMED, MALFORMED);
        }
    }
}

#[test]
fn refuses_a_filter_300_deep() {
    let nested = |depth: usize| {
        let mut filter = vec![]; // Filter {}
        for _ in 0..depth {
            filter = wrap(0x32, &filter); // not
        }
        wrap(0x0a, &wrap(0x2a, &filter)) // query, filter
    };
    assert!(try_request(nested(16)).is_ok());
    refused(nested(300), REQUEST_MALFORMED, MALFORMED);
    refused(nested(20_000), REQUEST_MALFORMED, MALFORMED);
}

fn wrap(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    prost::encoding::encode_varint(body.len() as u64, &mut bytes);
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn refuses_what_is_no_message_without_naming_the_schema() {
    let invalid_utf8 = b"\x12\x01\xff".to_vec();
    let wrong_wire_type = vec![0x10, 0x01];
    let field_zero = vec![0x02, 0x01, 0x41];
    let group = vec![0x0b, 0x0c];
    let endless_varint =
        vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let huge = vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x07];
    for bytes in [invalid_utf8, wrong_wire_type, field_zero, group, endless_varint, huge] {
        refused(bytes, REQUEST_MALFORMED, MALFORMED);
    }
}

#[test]
fn every_request_of_the_contract_is_held_to_it() {
    let unknown = Bytes::from_static(&[0xfa, 0x7f, 0x01, 0x41]);
    assert!(decode::<ExplainRequest>(unknown.clone()).is_err());
    macro_rules! strict {
        ($($area:ident::$name:ident),* $(,)?) => {$(
            let refused = decode::<portcullis_proto::$area::v1::$name>(unknown.clone()).unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, stringify!($name));
        )*};
    }
    strict!(
        audit::GetCheckpointRequest,
        audit::ListEntriesRequest,
        audit::GetInclusionProofRequest,
        audit::GetConsistencyProofRequest,
        audit::ListRecipientsRequest,
        directory::WhoamiRequest,
        directory::ListAgenciesRequest,
        directory::ListSystemsRequest,
        directory::ListPurposesRequest,
        directory::ListRecordTypesRequest,
        query::ExplainRequest,
        query::QueryRequest,
        source::DescribeRequest,
        source::SearchRequest,
    );
}

#[test]
fn answers_may_come_from_a_later_version_but_must_be_messages() {
    let later = Bytes::from_static(&[0xfa, 0x7f, 0x01, 0x41]);
    assert!(decode::<DescribeResponse>(later.clone()).unwrap() == DescribeResponse::default());
    assert!(decode::<SearchResponse>(later).is_ok());
    let status = decode::<DescribeResponse>(Bytes::from_static(b"\x0a\x05ab")).unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(status.get_details_error_info().unwrap().reason, RESPONSE_MALFORMED);
    assert_eq!(status.message(), "the peer sent what is not a valid message");
}
