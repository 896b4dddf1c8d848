//! Order, resume, batches, refusals, cancelling.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use portcullis_proto::query::v1 as query;
use portcullis_proto::source::v1 as wire;
use portcullis_proto::source::v1::source_service_server::SourceService as _;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use super::super::{CsvSource, Holder, IdKey, MappingRef};
use super::{Folder, request, search};

const MAPPING: &str = r#"record_type = "portcullis.record.v1.Declaration"
files = ["data.csv"]
id = ["Id"]
[[column]]
from = "Id"
to = "id"
[[column]]
from = "Text"
to = "officer_remarks"
"#;

fn folder(rows: usize, text: &str) -> Folder {
    use std::io::Write as _;
    let folder = Folder::new(&[("m.toml", MAPPING)]);
    let file = std::fs::File::create(folder.path().join("data.csv")).unwrap();
    let mut file = std::io::BufWriter::new(file);
    writeln!(file, "Id,Text").unwrap();
    for row in 0..rows {
        writeln!(file, "{row},{text}").unwrap();
    }
    folder
}

#[tokio::test]
async fn records_come_in_the_order_of_their_opaque_ids_and_resume_behind_any() {
    let folder = folder(3000, &"x".repeat(200));
    let source = folder.load("m.toml").unwrap();
    let all = search(&source, wire::SearchRequest { batch_bytes: 4096, ..request("Declaration") })
        .await
        .unwrap();
    let ids: Vec<Bytes> = all.records().map(|record| record.opaque_id.clone()).collect();
    assert_eq!(ids.len(), 3000);
    assert!(ids.iter().all(|id| id.len() == 16));
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(all.end.unwrap().records, 3000);
    for batch in &all.batches {
        let bytes: usize = batch.iter().map(|record| record.payload.len() + 96).sum();
        assert!(bytes < 4096 + 400, "{bytes}");
    }
    for at in [0, 1, 1499, 2998, 2999] {
        let rest = search(
            &source,
            wire::SearchRequest { after: ids[at].clone(), ..request("Declaration") },
        )
        .await
        .unwrap();
        let got: Vec<Bytes> = rest.records().map(|record| record.opaque_id.clone()).collect();
        assert_eq!(got, ids[at + 1..]);
    }
    // An id need not be there to go on behind it.
    let rest = search(
        &source,
        wire::SearchRequest { after: Bytes::from_static(&[0x80; 20]), ..request("Declaration") },
    )
    .await
    .unwrap();
    assert_eq!(
        rest.records().count(),
        ids.iter().filter(|id| id.as_ref() > [0x80; 20].as_slice()).count()
    );
}

#[tokio::test]
async fn ids_depend_on_the_key_and_nothing_of_the_order_shows() {
    let folder = folder(100, "x");
    let load = |key: u8| {
        let holder = Holder {
            agency: "nv-customs".into(),
            environment: portcullis_core::handling::Environment::Exercise,
            id_key: IdKey::new(&[key; 32]).unwrap(),
            spool_dir: folder.path().to_owned(),
        };
        let mapping = MappingRef { file: folder.path().join("m.toml"), data_dir: None };
        CsvSource::load(&holder, &[mapping], None, 1).unwrap()
    };
    let ids = |answer: super::Answer| -> Vec<Bytes> {
        answer.records().map(|r| r.opaque_id.clone()).collect()
    };
    let one = ids(search(&load(1), request("Declaration")).await.unwrap());
    let same = ids(search(&load(1), request("Declaration")).await.unwrap());
    let other = ids(search(&load(2), request("Declaration")).await.unwrap());
    assert_eq!(one, same);
    assert!(one.iter().all(|id| !other.contains(id)));
    assert!(IdKey::new(&[1; 31]).is_none());
    assert!(!format!("{:?}", IdKey::new(&[7; 32])).contains('7'));
}

#[tokio::test]
async fn refusals_have_one_word_each() {
    let folder = folder(1, "x");
    let holder = Holder {
        agency: "nv-customs".into(),
        environment: portcullis_core::handling::Environment::Exercise,
        id_key: IdKey::new(&[1; 32]).unwrap(),
        spool_dir: folder.path().to_owned(),
    };
    let mapping = MappingRef { file: folder.path().join("m.toml"), data_dir: None };
    let source = CsvSource::load(&holder, &[mapping], Some(vec!["xs-customs".into()]), 1).unwrap();
    let refused = async |request: wire::SearchRequest| {
        let status = search(&source, request).await.err().unwrap();
        (status.code(), status.get_error_details().error_info().unwrap().reason.clone())
    };
    let asker = |agency: &str| Some(wire::Asker { agency: agency.into(), ..Default::default() });
    assert_eq!(refused(request("Party")).await, (Code::NotFound, "RECORD_TYPE_NOT_HELD".into()));
    let no_asker = wire::SearchRequest { asker: None, ..request("Declaration") };
    assert_eq!(refused(no_asker).await, (Code::InvalidArgument, "ASKER_MISSING".into()));
    let foreign = wire::SearchRequest { asker: asker("vl-fiu"), ..request("Declaration") };
    assert_eq!(refused(foreign).await, (Code::PermissionDenied, "ASKER_NOT_ALLOWED".into()));
    let after =
        wire::SearchRequest { after: Bytes::from_static(&[0; 33]), ..request("Declaration") };
    assert_eq!(refused(after).await, (Code::InvalidArgument, "AFTER_MALFORMED".into()));
    let filtered = |path: &str, value: query::value::Kind| {
        let comparison = query::Comparison {
            path: path.into(),
            operator: query::Operator::Equal.into(),
            value: Some(query::Value { kind: Some(value) }),
        };
        let node = Some(query::filter::Node::Comparison(comparison));
        wire::SearchRequest { filter: Some(query::Filter { node }), ..request("Declaration") }
    };
    let text = query::value::Kind::Text("1".into());
    let unknown = refused(filtered("no_such_field", text)).await;
    assert_eq!(unknown, (Code::InvalidArgument, "FIELD_NOT_USABLE".into()));
    let mistyped = refused(filtered("id", query::value::Kind::Integer(1))).await;
    assert_eq!(mistyped, unknown);
    let empty = wire::SearchRequest {
        filter: Some(query::Filter { node: None }),
        ..request("Declaration")
    };
    assert_eq!(refused(empty).await, (Code::InvalidArgument, "FILTER_NODE_MISSING".into()));
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn memory_stays_flat_over_many_times_its_size() {
    // 160 MB of rows; the source may grow by a fraction of that, for the order and for buffers.
    let folder = folder(80_000, &"z".repeat(2000));
    let before = resident();
    let source = folder.load("m.toml").unwrap();
    let mut most = resident();
    let mut stream =
        source.search(Request::new(request("Declaration"))).await.unwrap().into_inner();
    let mut records = 0;
    while let Some(message) = stream.next().await {
        if let Some(wire::search_response::Message::Batch(batch)) = message.unwrap().message {
            records += batch.records.len();
        }
        if records % 1000 < 40 {
            most = most.max(resident());
        }
    }
    assert_eq!(records, 80_000);
    let grown = most.saturating_sub(before) >> 20;
    eprintln!("grew by {grown} MiB over 160 MB of rows");
    assert!(grown < 40, "grew by {grown} MiB");
}

#[tokio::test]
async fn a_slow_client_holds_the_scan_back_and_a_gone_one_ends_it() {
    // About 24 MB: some 96 blocks of 256 KiB.
    let folder = folder(1200, &"y".repeat(20_000));
    let source = folder.load("m.toml").unwrap();
    let mut stream =
        source.search(Request::new(request("Declaration"))).await.unwrap().into_inner();
    assert!(stream.next().await.is_some());
    tokio::time::sleep(Duration::from_millis(200)).await;
    let read = source.counters().blocks.load(Ordering::Relaxed);
    assert!(read <= 8, "{read} blocks read for a client that took one batch");
    drop(stream);
    for _ in 0..100 {
        if source.counters().cancelled.load(Ordering::Relaxed) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(source.counters().cancelled.load(Ordering::Relaxed), 1);
    assert!(source.counters().blocks.load(Ordering::Relaxed) <= read + 4);
}

#[tokio::test]
async fn as_many_searches_run_as_may() {
    let folder = folder(1200, &"y".repeat(20_000));
    let source = folder.load("m.toml").unwrap();
    let mut open = vec![];
    for _ in 0..4 {
        open.push(source.search(Request::new(request("Declaration"))).await.unwrap());
    }
    let busy = source.search(Request::new(request("Declaration"))).await.err().unwrap();
    assert_eq!(busy.code(), Code::Unavailable);
    assert_eq!(busy.get_error_details().error_info().unwrap().reason, "SOURCE_BUSY");
}

#[tokio::test]
async fn nothing_is_left_on_disk_and_loaded_data_outlive_their_file() {
    let folder = folder(10, "x");
    let source = folder.load("m.toml").unwrap();
    let names = || -> Vec<_> {
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["data.csv", "m.toml"]);
    let held = source.held().next().unwrap();
    assert!(!held.changed_now());
    folder.write("data.csv", "Id,Text\n1,z\n");
    assert!(held.changed_now(), "noticed");
    assert!(!held.changed_now(), "and told once");
    assert_eq!(search(&source, request("Declaration")).await.unwrap().records().count(), 10);
}

#[tokio::test]
async fn describe_tells_types_counts_and_labels() {
    let folder = folder(10, "x");
    let source = folder.load("m.toml").unwrap();
    let told = source.describe(Request::new(wire::DescribeRequest {})).await.unwrap().into_inner();
    assert_eq!(told.agency, "nv-customs");
    assert_eq!(told.record_types.len(), 1);
    let held = &told.record_types[0];
    assert_eq!(held.records, 10);
    assert!(held.data_as_of.is_some());
    portcullis_core::label::RecordType::register(&held.descriptor_set, &held.name).unwrap();
}

#[tokio::test]
async fn records_named_one_by_one_come_alone_and_others_are_not_read() {
    let folder = folder(3000, &"x".repeat(2000));
    let source = folder.load("m.toml").unwrap();
    let all = search(&source, request("Declaration")).await.unwrap();
    let ids: Vec<Bytes> = all.records().map(|record| record.opaque_id.clone()).collect();
    let named = |opaque_ids: Vec<Bytes>| wire::SearchRequest {
        only: Some(wire::OnlyThese { opaque_ids }),
        ..request("Declaration")
    };
    let blocks = || source.counters().blocks.load(Ordering::Relaxed);
    let nobody = Bytes::from_static(&[0x80; 16]);
    for wanted in [vec![0], vec![2999], vec![1499, 1500], vec![0, 7, 1500, 2999]] {
        let before = blocks();
        let mut asked: Vec<Bytes> = wanted.iter().map(|at| ids[*at].clone()).collect();
        asked.push(nobody.clone());
        asked.sort();
        let found = search(&source, named(asked)).await.unwrap();
        let got: Vec<Bytes> = found.records().map(|record| record.opaque_id.clone()).collect();
        let expected: Vec<Bytes> = wanted.iter().map(|at| ids[*at].clone()).collect();
        assert_eq!(got, expected);
        assert_eq!(found.end.unwrap().records, wanted.len() as u64);
        assert!(blocks() - before <= wanted.len() as u64 + 1, "blocks without any are not read");
    }
    let behind = wire::SearchRequest {
        after: ids[7].clone(),
        ..named(vec![ids[0].clone(), ids[7].clone(), ids[8].clone()])
    };
    let found = search(&source, behind).await.unwrap();
    assert_eq!(
        found.records().map(|record| record.opaque_id.clone()).collect::<Vec<_>>(),
        [ids[8].clone()]
    );
    // None named is none wanted, unlike none told.
    assert_eq!(search(&source, named(vec![])).await.unwrap().records().count(), 0);
    for bad in [
        vec![ids[1].clone(), ids[0].clone()],
        vec![ids[0].clone(), ids[0].clone()],
        vec![Bytes::from_static(&[0; 33])],
        vec![Bytes::new()],
        ids[..257].to_vec(),
    ] {
        let refused = search(&source, named(bad)).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(refused.get_details_error_info().unwrap().reason, "ONLY_MALFORMED");
    }
}
