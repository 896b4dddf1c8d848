//! The commands from end to end: a profile, mutual TLS on loopback, and a gateway that answers by a script.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use clap::Parser as _;
use portcullis_certs_dev::{Exchange, ExchangeSpec};
use portcullis_core::id::AgencyId;
use portcullis_proto::directory::v1 as directory;
use portcullis_proto::directory::v1::directory_service_server::{
    DirectoryService, DirectoryServiceServer,
};
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_server::{QueryService, QueryServiceServer};
use portcullis_proto::record::v1::Declaration;
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use tower::Service as _;
use wire::query_response::Message;

use crate::client::UsageError;
use crate::clock::Clock;
use crate::command::{explain, query};
use crate::identity::{
    Acceptor, AcceptorConfig, AgencyTrust, Bundle, ConnectionRegistry, Credentials,
    HandshakeCounters, TrustSpec, TrustStore, bind, listen,
};

/// What the gateway was asked.
type Asked = Arc<Mutex<Vec<wire::QueryRequest>>>;

/// A gateway whose answer hangs on the query's case.
struct Script(Asked);

fn refusal() -> Status {
    let mut details = ErrorDetails::new();
    let remedy = HashMap::from([("remedy".to_owned(), "name a case".to_owned())]);
    details.set_error_info("CASE_MISSING", "portcullis", remedy);
    Status::with_error_details(Code::PermissionDenied, "no case is named", details)
}

fn answer() -> Vec<Result<wire::QueryResponse, Status>> {
    let record_type = "portcullis.record.v1.Declaration";
    let id = wire::FieldPlan { path: "id".into(), treatment: 1, ..Default::default() };
    let plan = wire::Plan {
        record_type: record_type.into(),
        originator: "alpha".into(),
        fields: vec![id],
        ..Default::default()
    };
    let payload = Declaration { id: "D-1".into(), ..Default::default() }.encode_to_vec().into();
    let record = wire::ReleasedRecord { reference: "r".into(), payload, ..Default::default() };
    let batch = wire::RecordBatch { records: vec![record], ..Default::default() };
    [
        Message::Header(wire::Header::default()),
        Message::Plan(plan),
        Message::Batch(batch),
        Message::Receipt(wire::Receipt { records_released: 1, ..Default::default() }),
    ]
    .map(|message| Ok(wire::QueryResponse { message: Some(message) }))
    .to_vec()
}

#[tonic::async_trait]
impl QueryService for Script {
    type QueryStream = tokio_stream::Iter<std::vec::IntoIter<Result<wire::QueryResponse, Status>>>;

    async fn query(
        &self,
        request: Request<wire::QueryRequest>,
    ) -> Result<Response<Self::QueryStream>, Status> {
        let request = request.into_inner();
        let case = request.query.as_ref().map(|query| query.case_id.clone()).unwrap_or_default();
        self.0.lock().unwrap().push(request);
        let mut answer = answer();
        match case.as_str() {
            "" => return Err(refusal()),
            "slow" => std::future::pending().await,
            "cut" => answer.truncate(3),
            _ => {}
        }
        Ok(Response::new(tokio_stream::iter(answer)))
    }

    async fn explain(
        &self,
        request: Request<wire::ExplainRequest>,
    ) -> Result<Response<wire::ExplainResponse>, Status> {
        let allowed = request.into_inner().query.is_some_and(|query| !query.case_id.is_empty());
        let reason = if allowed { "" } else { "CASE_MISSING" }.to_owned();
        Ok(Response::new(wire::ExplainResponse { allowed, reason, ..Default::default() }))
    }

    type WatchReleasesStream =
        tokio_stream::Iter<std::vec::IntoIter<Result<wire::WatchReleasesResponse, Status>>>;

    async fn request_release(
        &self,
        _: Request<wire::RequestReleaseRequest>,
    ) -> Result<Response<wire::RequestReleaseResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn decide_release(
        &self,
        _: Request<wire::DecideReleaseRequest>,
    ) -> Result<Response<wire::DecideReleaseResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_releases(
        &self,
        _: Request<wire::ListReleasesRequest>,
    ) -> Result<Response<wire::ListReleasesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn watch_releases(
        &self,
        _: Request<wire::WatchReleasesRequest>,
    ) -> Result<Response<Self::WatchReleasesStream>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl DirectoryService for Script {
    async fn list_record_types(
        &self,
        _: Request<directory::ListRecordTypesRequest>,
    ) -> Result<Response<directory::ListRecordTypesResponse>, Status> {
        let record_types = vec![directory::RecordType {
            name: "portcullis.record.v1.Declaration".into(),
            descriptor_set: Bytes::from_static(portcullis_proto::DESCRIPTOR_SET),
            ..Default::default()
        }];
        Ok(Response::new(directory::ListRecordTypesResponse { record_types }))
    }

    async fn whoami(
        &self,
        _: Request<directory::WhoamiRequest>,
    ) -> Result<Response<directory::WhoamiResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_agencies(
        &self,
        _: Request<directory::ListAgenciesRequest>,
    ) -> Result<Response<directory::ListAgenciesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_systems(
        &self,
        _: Request<directory::ListSystemsRequest>,
    ) -> Result<Response<directory::ListSystemsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_purposes(
        &self,
        _: Request<directory::ListPurposesRequest>,
    ) -> Result<Response<directory::ListPurposesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn register_record_type(
        &self,
        _: Request<directory::RegisterRecordTypeRequest>,
    ) -> Result<Response<directory::RegisterRecordTypeResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn withdraw_record_type(
        &self,
        _: Request<directory::WithdrawRecordTypeRequest>,
    ) -> Result<Response<directory::WithdrawRecordTypeResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_registrations(
        &self,
        _: Request<directory::ListRegistrationsRequest>,
    ) -> Result<Response<directory::ListRegistrationsResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

struct World {
    dir: tempfile::TempDir,
    exchange: Exchange,
    address: SocketAddr,
    asked: Asked,
    stop: CancellationToken,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = Clock::system().now().seconds();
        let now = time::OffsetDateTime::from_unix_timestamp(now).unwrap();
        let exchange = Exchange::generate(dir.path(), &ExchangeSpec::new(&["alpha"]), now).unwrap();
        let files = exchange.agency("alpha").unwrap();
        let trust = TrustSpec {
            trust_domain: exchange.trust_domain.clone(),
            agencies: vec![AgencyTrust {
                agency: AgencyId::new("alpha"),
                roots: vec![files.ca.clone()],
                crls: vec![],
                max_leaf_lifetime: Bundle::DEFAULT_MAX_LEAF_LIFETIME,
            }],
            pins: vec![],
            allowed: None,
        };
        let gateway = exchange.gateway().unwrap();
        let stop = CancellationToken::new();
        let acceptor = Acceptor {
            config: AcceptorConfig::default(),
            trust: TrustStore::load(&trust).unwrap(),
            credentials: Credentials::load(&gateway.certificate, &gateway.key).unwrap(),
            clock: Clock::system(),
            metrics: Arc::new(HandshakeCounters::default()),
            registry: ConnectionRegistry::default(),
            stop: stop.clone(),
        };
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Asked::default();
        let queries = QueryServiceServer::new(Script(asked.clone()));
        let types = DirectoryServiceServer::new(Script(asked.clone()));
        let services = tower::service_fn(move |request: http::Request<tonic::body::Body>| {
            let (mut queries, mut types) = (queries.clone(), types.clone());
            async move {
                if request.uri().path().starts_with("/portcullis.query.v1.QueryService/") {
                    queries.call(request).await
                } else {
                    types.call(request).await
                }
            }
        });
        let server = Server::builder().serve_with_incoming_shutdown(
            services,
            listen(listener, acceptor),
            stop.clone().cancelled_owned(),
        );
        tokio::spawn(server);
        Self { dir, exchange, address, asked, stop }
    }

    /// Writes a profile that expects a server by a line of TOML.
    fn profile(&self, expect: &str, timeout: u64) -> PathBuf {
        let identity = self.exchange.identity("alpha", "desk").unwrap();
        let bundle = &self.exchange.agency(&self.exchange.gateway_agency).unwrap().ca;
        let text = format!(
            "gateway = 'https://{}'\n{expect}\ntrust_bundle = '{}'\ncertificate = '{}'\n\
             key = '{}'\ntimeout_seconds = {timeout}\n",
            self.address,
            bundle.display(),
            identity.certificate.display(),
            identity.key.display()
        );
        let file = self.dir.path().join(format!("profile-{timeout}.toml"));
        std::fs::write(&file, text).unwrap();
        file
    }

    fn trusted(&self) -> PathBuf {
        let id = &self.exchange.gateway().unwrap().spiffe_id;
        self.profile(&format!("server_spiffe_id = '{id}'"), 20)
    }

    async fn query(&self, profile: PathBuf, words: &[&str]) -> (anyhow::Result<bool>, String) {
        let base = ["query", "Declaration", "--purpose", "INVESTIGATION", "--profile"];
        let profile = profile.display().to_string();
        let line = base.into_iter().chain([profile.as_str()]).chain(words.iter().copied());
        let mut out = vec![];
        let result = query::run(Line::<query::QueryArgs>::parse_from(line).args, &mut out).await;
        (result, String::from_utf8(out).unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[derive(clap::Parser)]
struct Line<T: clap::Args> {
    #[command(flatten)]
    args: T,
}

#[tokio::test]
async fn a_query_is_asked_and_its_answer_shown() {
    let world = World::new().await;
    let words = ["--case", "c1", "--where", "office = '010'", "--idempotency-key", "k"];
    let (result, out) = world.query(world.trusted(), &words).await;
    assert!(result.unwrap(), "{out}");
    assert!(out.contains("D-1") && out.contains("receipt: 1 records"), "{out}");
    let asked = world.asked.lock().unwrap().remove(0);
    assert_eq!(asked.idempotency_key, "k");
    let query = asked.query.unwrap();
    assert_eq!(query.record_type, "portcullis.record.v1.Declaration");
    let filter = crate::service::filter::from_wire(query.filter.unwrap()).unwrap();
    assert_eq!(filter.to_string(), "office = \"010\"");
}

#[tokio::test]
async fn a_refusal_a_cut_answer_and_a_slow_gateway_are_failures() {
    let world = World::new().await;
    let reason = |out: &str| {
        let document: serde_json::Value = serde_json::from_str(out).unwrap();
        document["failure"]["reason"].as_str().unwrap().to_owned()
    };
    let (result, out) = world.query(world.trusted(), &["--format", "json"]).await;
    assert!(!result.unwrap());
    assert_eq!(reason(&out), "CASE_MISSING");
    let (result, out) = world.query(world.trusted(), &["--format=json", "--case=cut"]).await;
    assert!(!result.unwrap());
    assert_eq!(reason(&out), "ANSWER_INCOMPLETE");
    assert!(out.contains("D-1"), "what came stands: {out}");
    let id = world.exchange.gateway().unwrap().spiffe_id.clone();
    let hasty = world.profile(&format!("server_spiffe_id = '{id}'"), 1);
    let waiting = world.query(hasty, &["--format=json", "--case=slow"]);
    let (result, out) = tokio::time::timeout(Duration::from_secs(15), waiting).await.unwrap();
    assert!(!result.unwrap());
    assert_eq!(reason(&out), "TIMED_OUT");
}

#[tokio::test]
async fn a_server_with_another_name_is_not_asked() {
    let world = World::new().await;
    let words = ["--case=c1", "--format=json"];
    let other =
        "server_spiffe_id = 'spiffe://exercise.portcullis.example/agency/alpha/system/desk'";
    for expect in [other, "server_name = 'gateway.example'"] {
        let (result, out) = world.query(world.profile(expect, 5), &words).await;
        assert!(!result.unwrap());
        assert!(out.contains("the server is not trusted"), "{out}");
    }
    assert!(world.asked.lock().unwrap().is_empty());
    let (result, out) = world.query(world.profile("server_name = 'localhost'", 5), &words).await;
    assert!(result.unwrap(), "{out}");
}

#[tokio::test]
async fn words_that_do_not_fit_the_type_are_usage_and_nothing_is_asked() {
    let world = World::new().await;
    let (result, _) = world.query(world.trusted(), &["--where", "offise = a"]).await;
    let error = result.unwrap_err();
    assert!(error.is::<UsageError>());
    assert!(error.to_string().contains("did you mean `office`"), "{error}");
    assert!(world.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_explanation_ends_as_the_query_would() {
    let world = World::new().await;
    for (case, allowed) in [("c1", true), ("", false)] {
        let profile = world.trusted().display().to_string();
        let base = ["explain", "Declaration", "--purpose=STATISTICS", "--profile", &profile];
        let line = base.into_iter().chain(["--case", case]);
        let args = Line::<explain::ExplainArgs>::parse_from(line).args;
        let mut out = vec![];
        assert_eq!(explain::run(args, &mut out).await.unwrap(), allowed);
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.starts_with("allowed"), allowed, "{out}");
    }
}
