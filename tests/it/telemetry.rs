//! What the gateway tells about itself: spans, trace context, metrics, health; names and counts only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use portcullis::identity::Credentials;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::source::v1 as source;
use portcullis_proto::source::v1::source_service_server::{SourceService, SourceServiceServer};
use portcullis_tests::capture::Capture;
use portcullis_tests::{Exchange, admin, binary, query, reason, request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

/// Compares with a golden file, or writes it where `UPDATE_GOLDEN` is set.
fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{}: review, then UPDATE_GOLDEN=1", path.display());
}

/// A span tree that does not change any more: the outcome is logged behind the receipt.
async fn settled(capture: &Capture, exchange: &str, last: &str) -> String {
    for _ in 0..300 {
        let tree = capture.tree(exchange);
        if tree.contains(last) {
            return tree;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no `{last}` in\n{}", capture.tree(exchange));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spans_of_a_query_are_these() {
    let capture = Capture::install();
    let exchange = Exchange::sample().await.unwrap();
    let mut asked = query("Declaration", wire::Purpose::ShipmentTargeting, "");
    asked.sources = vec!["nv-customs".into()];
    let answer = exchange.ask(("sm-customs", "targeting"), request(asked)).await.unwrap();
    assert!(!answer.records.is_empty());
    let id = answer.header.unwrap().exchange_id;
    let allowed = settled(capture, &id, "audit.outcome").await;
    let asked = query("Declaration", wire::Purpose::ShipmentTargeting, "OP-LANTERN");
    let refused = exchange.ask(("sm-police", "desk"), request(asked)).await.err().unwrap();
    assert_eq!(reason(&refused), "PURPOSE_NOT_PERMITTED");
    let id = refused.get_details_error_info().unwrap().metadata["exchange_id"].clone();
    let denied = settled(capture, &id, "audit.denial").await;
    golden("spans.txt", &format!("# an ALLOW\n{allowed}\n# a DENY\n{denied}"));
    exchange.shut_down().await.unwrap();
}

/// A source that remembers the metadata it is asked with. It sends one record, which says nothing about its
/// handling and is to be dropped for that.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<BTreeMap<String, String>>>>);

type Found = Pin<Box<dyn Stream<Item = Result<source::SearchResponse, Status>> + Send>>;

#[tonic::async_trait]
impl SourceService for Listener {
    type SearchStream = Found;

    async fn describe(
        &self,
        _: Request<source::DescribeRequest>,
    ) -> Result<Response<source::DescribeResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn search(
        &self,
        request: Request<source::SearchRequest>,
    ) -> Result<Response<Found>, Status> {
        let headers = request.metadata().clone().into_headers();
        let seen = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
            .collect();
        self.0.lock().unwrap().push(seen);
        use source::search_response::Message::{Batch, End};
        let record = source::SourceRecord { opaque_id: vec![7; 16].into(), ..Default::default() };
        let batch = source::SourceBatch { records: vec![record], ..Default::default() };
        let end = source::SearchEnd { records: 1, data_as_of: None };
        let messages = [Batch(batch), End(end)]
            .map(|message| Ok(source::SearchResponse { message: Some(message) }));
        Ok(Response::new(futures::stream::iter(messages).boxed()))
    }
}

/// An exchange in which that source stands for Norvian customs.
async fn with_listener() -> (Exchange, Listener) {
    let listener = portcullis::identity::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let exchange = Exchange::sample_with(|spec| {
        use portcullis::command::playground::WorldSource::Elsewhere;
        let nv = spec.agencies.iter_mut().find(|agency| agency.id == "nv-customs").unwrap();
        let record_types = vec!["portcullis.record.v1.Declaration".to_owned()];
        nv.source = Some(Elsewhere { address, record_types });
    })
    .await
    .unwrap();
    let identity = exchange.world.exchange.identity("nv-customs", "source").unwrap();
    let credentials = Credentials::load(&identity.certificate, &identity.key).unwrap();
    let incoming = exchange.world.listen_with(listener, credentials, &exchange.clock).unwrap();
    let heard = Listener::default();
    let service = SourceServiceServer::new(heard.clone());
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    (exchange, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn trace_context_travels_from_the_requester_to_the_source() {
    Capture::install();
    let (exchange, heard) = with_listener().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let span = "00f067aa0ba902b7";
    let mut asked = query("Declaration", wire::Purpose::ShipmentTargeting, "");
    asked.sources = vec!["nv-customs".into()];
    let mut traced = Request::new(request(asked));
    let parent = format!("00-{trace}-{span}-01");
    traced.metadata_mut().insert("traceparent", parent.parse().unwrap());
    traced.metadata_mut().insert("x-private", "of the requester".parse().unwrap());
    let channel = exchange.channel("sm-customs", "targeting").await.unwrap();
    let mut stream = QueryServiceClient::new(channel).query(traced).await.unwrap().into_inner();
    while stream.message().await.unwrap().is_some() {}

    let seen = heard.0.lock().unwrap().clone();
    assert_eq!(seen.len(), 1);
    let parts: Vec<&str> = seen[0]["traceparent"].split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", trace, "01"));
    assert_ne!(parts[2], span, "the source's parent is a span of the gateway's");
    // Nothing else of the requester's headers goes on.
    assert!(!seen[0].contains_key("x-private"), "{seen:?}");
    exchange.shut_down().await.unwrap();
}

/// OpenMetrics, as far as the gateway uses it: every sample belongs to a family that is described, with the
/// suffix of its type and a number, and `# EOF` ends it. Returns type by family.
fn parse(text: &str) -> BTreeMap<String, String> {
    let body = text.strip_suffix("# EOF\n").expect("no # EOF at the end");
    let mut families: BTreeMap<String, String> = BTreeMap::new();
    let mut helped = BTreeSet::new();
    let mut family = String::new();
    let mut seen = BTreeSet::new();
    for line in body.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words.as_slice() {
            ["#", "HELP", name, help] if !help.is_empty() => {
                assert!(helped.insert((*name).to_owned()), "{line}");
                family = (*name).to_owned();
            }
            ["#", "TYPE", name, kind] => {
                assert_eq!(*name, family, "{line}");
                families.insert((*name).to_owned(), (*kind).to_owned());
            }
            _ => {
                let (sample, value) = line.rsplit_once(' ').expect(line);
                assert!(value.parse::<f64>().is_ok(), "{line}");
                assert!(seen.insert(sample.to_owned()), "twice: {line}");
                let name = sample.split('{').next().unwrap();
                let suffix = name.strip_prefix(&family).expect(line);
                let expected: &[&str] = match families[&family].as_str() {
                    "counter" => &["_total", "_created"],
                    "gauge" => &[""],
                    "histogram" => &["_sum", "_count", "_bucket"],
                    other => panic!("{other}: {line}"),
                };
                assert!(expected.contains(&suffix), "{line}");
                if let Some(labels) = sample.strip_prefix(name).filter(|labels| !labels.is_empty())
                {
                    assert!(labels.starts_with('{') && labels.ends_with("\"}"), "{line}");
                }
            }
        }
    }
    assert!(families.keys().all(|name| helped.contains(name)));
    families
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_openmetrics_and_count_what_happened() {
    let (exchange, _) = with_listener().await;
    let mut asked = query("Declaration", wire::Purpose::ShipmentTargeting, "");
    asked.sources = vec!["nv-customs".into()];
    let answer = exchange.ask(("sm-customs", "targeting"), request(asked)).await.unwrap();
    assert_eq!(answer.records.len(), 0);
    let mut asked = query("ExportLicence", wire::Purpose::LicenceVerification, "");
    asked.sources = vec!["nv-licensing".into()];
    let answer = exchange.ask(("sm-customs", "targeting"), request(asked)).await.unwrap();
    assert!(!answer.records.is_empty());
    let asked = query("Declaration", wire::Purpose::ShipmentTargeting, "OP-LANTERN");
    exchange.ask(("sm-police", "desk"), request(asked)).await.err().unwrap();
    // Not TLS; the gateway has counted it when it closes.
    let mut plain = tokio::net::TcpStream::connect(exchange.gateway.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let _ = plain.read_to_end(&mut vec![]).await;

    let page = admin::get(exchange.gateway.admin_address, "/metrics").await.unwrap();
    assert_eq!(page.status, 200);
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(page.head.contains(kind), "{}", page.head);
    let families = parse(&page.body);
    let expected = [
        ("portcullis_queries", "counter"),
        ("portcullis_records_released", "counter"),
        ("portcullis_records_refused", "counter"),
        ("portcullis_sources", "counter"),
        ("portcullis_handshakes_refused", "counter"),
        ("portcullis_queries_in_flight", "gauge"),
        ("portcullis_decision_seconds", "histogram"),
        ("portcullis_query_seconds", "histogram"),
        ("portcullis_outcomes_lost", "gauge"),
        ("portcullis_pseudonym_epoch", "gauge"),
        ("portcullis_pseudonym_keys_refused", "gauge"),
        ("portcullis_store_transactions", "counter"),
        ("portcullis_store_transaction_seconds", "histogram"),
    ];
    let expected: BTreeMap<_, _> =
        expected.map(|(name, kind)| (name.to_owned(), kind.to_owned())).into();
    assert_eq!(families, expected);
    for line in [
        "portcullis_queries_total{reason=\"COMPLETE\"} 2".to_owned(),
        "portcullis_queries_total{reason=\"PURPOSE_NOT_PERMITTED\"} 1".to_owned(),
        format!("portcullis_records_released_total {}", answer.records.len()),
        "portcullis_sources_total{agency=\"nv-customs\",reason=\"COMPLETE\"} 1".to_owned(),
        "portcullis_records_refused_total{reason=\"HANDLING_MISSING\"} 1".to_owned(),
        "portcullis_handshakes_refused_total{reason=\"NOT_TLS\"} 1".to_owned(),
        "portcullis_outcomes_lost 0".to_owned(),
    ] {
        assert!(page.body.lines().any(|told| told == line), "{line} in\n{}", page.body);
    }
    exchange.shut_down().await.unwrap();
}

async fn health(exchange: &Exchange, service: &str) -> ServingStatus {
    let channel = exchange.channel("sm-customs", "targeting").await.unwrap();
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(channel).check(request).await.unwrap().into_inner().status()
}

/// Waits for a health status of the query service; it is looked at once a second.
async fn until(exchange: &Exchange, status: ServingStatus) {
    for _ in 0..100 {
        if health(exchange, "portcullis.query.v1.QueryService").await == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never {status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_follows_the_disclosure_log() {
    let exchange = Exchange::sample().await.unwrap();
    let page = async |path| admin::get(exchange.gateway.admin_address, path).await.unwrap();
    until(&exchange, ServingStatus::Serving).await;
    assert_eq!(health(&exchange, "").await, ServingStatus::Serving);
    assert_eq!(page("/healthz").await.status, 200);
    assert_eq!(page("/readyz").await.status, 200);
    assert_eq!(page("/nothing").await.status, 404);

    // Somebody holds the store: nothing can be logged, so nothing is answered.
    let path = exchange.world.dir.join("gateway.sqlite");
    let pool = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    let lock = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let asked = || request(query("Declaration", wire::Purpose::ShipmentTargeting, ""));
    let refused = exchange.ask(("sm-customs", "targeting"), asked()).await.err().unwrap();
    assert_eq!(reason(&refused), "LOG_UNAVAILABLE");
    until(&exchange, ServingStatus::NotServing).await;
    assert_eq!(health(&exchange, "").await, ServingStatus::NotServing);
    assert_eq!(page("/healthz").await.status, 200, "it lives");
    assert_eq!(page("/readyz").await.status, 503);

    lock.rollback().await.unwrap();
    until(&exchange, ServingStatus::Serving).await;
    assert_eq!(page("/readyz").await.status, 200);
    exchange.ask(("sm-customs", "targeting"), asked()).await.unwrap();
    exchange.shut_down().await.unwrap();
}

/// A collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ResourceSpans>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().extend(request.into_inner().resource_spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_playground_sends_its_spans_to_a_collector() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let collector = Collector::default();
    let service = TraceServiceServer::new(collector.clone());
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let served = tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    let output = tokio::process::Command::new(binary("portcullis").unwrap())
        .args(["playground", "--once", "--otlp", &endpoint])
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}\n{told}", String::from_utf8_lossy(&output.stdout));
    served.abort();

    let received = collector.0.lock().unwrap().clone();
    let attributes = received.iter().flat_map(|from| &from.resource).flat_map(|r| &r.attributes);
    let names: BTreeSet<String> = attributes
        .filter(|attribute| attribute.key == "service.name")
        .map(|attribute| format!("{:?}", attribute.value))
        .collect();
    assert_eq!(names.len(), 1);
    assert!(names.iter().all(|name| name.contains("\"portcullis\"")), "{names:?}");
    let spans: Vec<_> =
        received.iter().flat_map(|from| &from.scope_spans).flat_map(|scope| &scope.spans).collect();
    let roots: Vec<_> = spans.iter().filter(|span| span.parent_span_id.is_empty()).collect();
    assert!(roots.iter().any(|root| root.name == "query"), "{roots:?}");
    // Every other span has its parent among those sent, in the same trace.
    for span in spans.iter().filter(|span| !span.parent_span_id.is_empty()) {
        let parent = spans.iter().find(|other| other.span_id == span.parent_span_id);
        assert_eq!(parent.map(|parent| &parent.trace_id), Some(&span.trace_id), "{}", span.name);
    }
    for name in ["policy.decide", "audit.intent", "source.search", "audit.disclosure"] {
        assert!(spans.iter().any(|span| span.name == name), "{name}");
    }
}
