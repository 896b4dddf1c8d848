//! The harness: a whole exchange on free loopback ports, in a temporary folder, with real certificates,
//! a real gateway and real sources; and short ways to ask it things.

pub mod admin;
pub mod capture;
pub mod officer;
pub mod pair;
pub mod raw;
pub mod rng;
pub mod transcript;
pub mod twin;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use portcullis::client::{Profile, connect};
use portcullis::clock::Clock;
use portcullis::command::playground::{World, WorldSpec, sample_world};
use portcullis::server::Gateway;
use portcullis_core::label::RecordType;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_response::Message;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

/// Full name prefix of the contract's record types.
pub const RECORD: &str = "portcullis.record.v1.";

/// An exchange that is up.
pub struct Exchange {
    /// Certificates, keys, agreements, sources.
    pub world: World,
    /// The gateway.
    pub gateway: Gateway,
    /// The clock of everything in it.
    pub clock: Clock,
    /// The folder, removed at the end.
    pub dir: tempfile::TempDir,
}

impl Exchange {
    /// The playground's cast and sample data.
    ///
    /// # Errors
    /// Whatever keeps it from coming up.
    pub async fn sample() -> anyhow::Result<Self> {
        Self::sample_with(|_| {}).await
    }

    /// The playground's cast, changed first.
    ///
    /// # Errors
    /// Whatever keeps it from coming up.
    pub async fn sample_with(change: impl FnOnce(&mut WorldSpec)) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut spec = sample_world(dir.path(), None)?;
        change(&mut spec);
        Self::build(dir, &spec, Clock::system()).await
    }

    /// Any exchange.
    ///
    /// # Errors
    /// Whatever keeps it from coming up.
    pub async fn build(
        dir: tempfile::TempDir,
        spec: &WorldSpec,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let world = World::build(dir.path(), spec, &clock).await?;
        let gateway = world.start(clock.clone()).await?;
        Ok(Self { world, gateway, clock, dir })
    }

    /// A channel to the gateway as one system of one agency.
    ///
    /// # Errors
    /// A system that the exchange does not have.
    pub async fn channel(&self, agency: &str, system: &str) -> anyhow::Result<Channel> {
        let profile = Profile::load(&self.world.profile(agency, system))?;
        connect(&profile).await
    }

    /// Asks, and reads the answer to its end.
    ///
    /// # Errors
    /// The refusal, or how the stream broke off.
    pub async fn ask(
        &self,
        (agency, system): (&str, &str),
        request: wire::QueryRequest,
    ) -> Result<Answer, Status> {
        let channel = self
            .channel(agency, system)
            .await
            .map_err(|error| Status::unknown(format!("no channel: {error}")))?;
        let mut stream = QueryServiceClient::new(channel).query(request).await?.into_inner();
        let mut answer = Answer::default();
        while let Some(message) = stream.message().await? {
            answer.take(message);
        }
        Ok(answer)
    }

    /// Stops everything.
    ///
    /// # Errors
    /// A listener that had failed.
    pub async fn shut_down(self) -> anyhow::Result<()> {
        self.gateway.shut_down().await?;
        self.world.stop_sources();
        Ok(())
    }
}

/// An answer, taken apart.
#[derive(Default)]
pub struct Answer {
    /// First message.
    pub header: Option<wire::Header>,
    /// Plans in order.
    pub plans: Vec<wire::Plan>,
    /// Records of all batches.
    pub records: Vec<wire::ReleasedRecord>,
    /// Records in each batch.
    pub batches: Vec<usize>,
    /// Token of the last batch.
    pub resume_token: bytes::Bytes,
    /// How it went with each source.
    pub statuses: Vec<wire::SourceStatus>,
    /// Last message.
    pub receipt: Option<wire::Receipt>,
}

impl Answer {
    /// Takes one message.
    pub fn take(&mut self, message: wire::QueryResponse) {
        match message.message {
            Some(Message::Header(header)) => self.header = Some(header),
            Some(Message::Plan(plan)) => self.plans.push(plan),
            Some(Message::Batch(batch)) => {
                self.batches.push(batch.records.len());
                self.resume_token = batch.resume_token;
                self.records.extend(batch.records);
            }
            Some(Message::SourceStatus(status)) => self.statuses.push(status),
            Some(Message::Receipt(receipt)) => self.receipt = Some(receipt),
            None => {}
        }
    }
}

/// The reason of a refusal.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// A query for a record type of the contract.
pub fn query(record_type: &str, purpose: wire::Purpose, case: &str) -> wire::Query {
    wire::Query {
        purpose: purpose.into(),
        case_id: case.to_owned(),
        record_type: format!("{RECORD}{record_type}"),
        fields: vec!["*".to_owned()],
        justification: "a test".to_owned(),
        ..Default::default()
    }
}

/// A request without idempotency key or resume token.
pub fn request(query: wire::Query) -> wire::QueryRequest {
    wire::QueryRequest { query: Some(query), ..Default::default() }
}

/// A record type of the contract.
///
/// # Errors
/// A name that is none.
pub fn record_type_of(name: &str) -> anyhow::Result<Arc<RecordType>> {
    // Reading the whole contract takes milliseconds, and some tests ask ten thousand times.
    static KNOWN: Mutex<BTreeMap<String, Arc<RecordType>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().map_err(|_| anyhow::anyhow!("a test failed in here"))?;
    if let Some(record_type) = known.get(name) {
        return Ok(record_type.clone());
    }
    let set = bytes::Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    let full = format!("{RECORD}{name}");
    let record_type =
        RecordType::register(&set, &full).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    let record_type = Arc::new(record_type);
    known.insert(name.to_owned(), record_type.clone());
    Ok(record_type)
}

/// A `--where` expression as the contract's filter.
///
/// # Errors
/// What the parser says.
pub fn filter(record_type: &str, text: &str) -> anyhow::Result<wire::Filter> {
    let record_type = record_type_of(record_type)?;
    let parsed = portcullis_core::filter::parse_expression(text, &record_type)
        .map_err(|error| anyhow::anyhow!("{}", error.render()))?;
    Ok(portcullis::service::filter::to_wire(&parsed))
}

/// The public customs declarations beside the project, where they are; says so where they are not.
pub fn public_declarations() -> Option<PathBuf> {
    let found = std::env::var_os("PORTCULLIS_SHARED")
        .map(PathBuf::from)
        .into_iter()
        .chain(Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|above| above.join("shared")))
        .map(|shared| shared.join("data/kcs"))
        .find(|folder| folder.is_dir());
    if found.is_none() {
        println!("skipped: no ../shared/data/kcs beside the project");
    }
    found
}

/// A built binary of the workspace, beside the test's own.
///
/// # Errors
/// When the test runs from nowhere.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(Path::parent).context("no target folder")?;
    Ok(folder.join(name))
}
