//! Two customs whose sources a test plays, and two police bureaus that ask them: what a gateway does with a
//! source that is slow, broken or lies. Both flows belong to one agreement, so one query asks both sources.

use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use portcullis::audit::keys::SealPrivateKey;
use portcullis::audit::{
    Ending, EntryKind, ExchangeId, Filter, Part, Party, Unsealer, learn_epochs, list_entries,
};
use portcullis::clock::Clock;
use portcullis::command::playground::{World, WorldAgency, WorldSource, WorldSpec};
use portcullis::identity::Credentials;
use portcullis::service::filter::from_wire;
use portcullis::store::Store;
use portcullis_core::label::RecordType;
use portcullis_proto::handling::v1 as handling;
use portcullis_proto::query::v1 as query;
use portcullis_proto::record::v1 as record;
use portcullis_proto::source::v1 as wire;
use prost::Message as _;
use tonic::{Request, Response, Status};
use wire::source_service_server::{SourceService, SourceServiceServer};

use crate::{Answer, Exchange, RECORD, request};

/// The first source in the order of release.
pub const ALPHA: &str = "alpha-customs";
/// The second.
pub const BETA: &str = "beta-customs";
/// Who asks.
pub const ASKER: (&str, &str) = ("req-police", "desk");
/// Who may ask the same.
pub const OTHER: (&str, &str) = ("oth-police", "desk");

/// What a source answers to a search.
pub type Found = BoxStream<'static, Result<wire::SearchResponse, Status>>;
type Answering = Arc<dyn Fn(wire::SearchRequest) -> Found + Send + Sync>;

/// A source that does what a test tells it to.
pub struct Fake {
    answering: Mutex<Answering>,
    /// Searches begun.
    pub searches: AtomicU64,
    /// Messages that the gateway took.
    pub sent: AtomicU64,
    /// Searches that the gateway gave up before their end.
    pub abandoned: AtomicU64,
    /// The last search.
    pub asked: Mutex<Option<wire::SearchRequest>>,
}

impl Fake {
    /// One that holds nothing yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            answering: Mutex::new(Arc::new(|_| stream::iter([Ok(end(0))]).boxed())),
            searches: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            asked: Mutex::new(None),
        })
    }

    /// Serves as the source of an agency over a listener that the exchange knows of.
    ///
    /// # Errors
    /// Certificates that cannot be loaded.
    pub fn listen(
        self: &Arc<Self>,
        world: &World,
        clock: &Clock,
        agency: &str,
        listener: tokio::net::TcpListener,
    ) -> anyhow::Result<()> {
        let identity = world.exchange.identity(agency, "source")?;
        let credentials = Credentials::load(&identity.certificate, &identity.key)?;
        let incoming = world.listen_with(listener, credentials, clock)?;
        let service =
            SourceServiceServer::new(Served(self.clone())).max_encoding_message_size(1 << 26);
        tokio::spawn(
            tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming),
        );
        Ok(())
    }

    /// From now on.
    pub fn answers(
        &self,
        answering: impl Fn(wire::SearchRequest) -> Found + Send + Sync + 'static,
    ) {
        *self.answering.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(answering);
    }

    /// Sends these messages and ends the stream.
    pub fn sends(&self, messages: Vec<Result<wire::SearchResponse, Status>>) {
        self.answers(move |_| stream::iter(messages.clone()).boxed());
    }

    /// Sends these messages, then nothing, without ending.
    pub fn sends_and_falls_silent(&self, messages: Vec<wire::SearchResponse>) {
        self.answers(move |_| {
            stream::iter(messages.clone()).map(Ok).chain(stream::pending()).boxed()
        });
    }

    /// Holds records properly: honours `after` and `only`, sends so many a message, waits so long before each.
    pub fn holds(&self, records: Vec<wire::SourceRecord>, per_batch: usize, pause: Duration) {
        self.answers(move |asked| {
            let named = |id| asked.only.as_ref().is_none_or(|only| only.opaque_ids.contains(id));
            let found: Vec<_> = records
                .iter()
                .filter(|one| one.opaque_id > asked.after && named(&one.opaque_id))
                .cloned()
                .collect();
            let mut messages: Vec<_> =
                found.chunks(per_batch).map(|part| batch(part.to_vec())).collect();
            messages.push(end(found.len() as u64));
            stream::iter(messages)
                .then(move |message| async move {
                    if !pause.is_zero() {
                        tokio::time::sleep(pause).await;
                    }
                    Ok(message)
                })
                .boxed()
        });
    }

    /// Holds records and filters them as an honest source does, seeing every field of its own; what it
    /// cannot read does not match. Ends with this message or status.
    pub fn filters(
        &self,
        record_type: Arc<RecordType>,
        records: Vec<wire::SourceRecord>,
        per_batch: usize,
        ending: Result<(), Status>,
    ) {
        self.answers(move |asked| {
            let filter = asked.filter.clone().and_then(|filter| from_wire(filter).ok());
            let bound = filter.and_then(|filter| filter.bind(&record_type, &|_| true).ok());
            let found: Vec<_> = records
                .iter()
                .filter(|one| one.opaque_id > asked.after)
                .filter(|one| match (&bound, &asked.filter) {
                    (Some(bound), _) => bound.matches(&one.payload).unwrap_or(false),
                    (None, asked) => asked.is_none(),
                })
                .cloned()
                .collect();
            let mut messages: Vec<_> =
                found.chunks(per_batch).map(|part| Ok(batch(part.to_vec()))).collect();
            messages.push(ending.clone().map(|()| end(found.len() as u64)));
            stream::iter(messages).boxed()
        });
    }

    /// Waits until so many searches were given up.
    ///
    /// # Errors
    /// When that does not happen within a few seconds.
    pub async fn was_abandoned(&self, times: u64) -> anyhow::Result<()> {
        for _ in 0..100 {
            if self.abandoned.load(Ordering::SeqCst) >= times {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the search at the source goes on")
    }
}

struct Counted {
    inner: Found,
    fake: Arc<Fake>,
    over: bool,
}

impl Stream for Counted {
    type Item = Result<wire::SearchResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.inner.poll_next_unpin(cx);
        match &polled {
            Poll::Ready(Some(Ok(_))) => {
                self.fake.sent.fetch_add(1, Ordering::SeqCst);
            }
            Poll::Ready(_) => self.over = true,
            Poll::Pending => {}
        }
        polled
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if !self.over {
            self.fake.abandoned.fetch_add(1, Ordering::SeqCst);
        }
    }
}

struct Served(Arc<Fake>);

#[tonic::async_trait]
impl SourceService for Served {
    type SearchStream = Counted;

    async fn describe(
        &self,
        _: Request<wire::DescribeRequest>,
    ) -> Result<Response<wire::DescribeResponse>, Status> {
        Ok(Response::new(wire::DescribeResponse::default()))
    }

    async fn search(
        &self,
        request: Request<wire::SearchRequest>,
    ) -> Result<Response<Counted>, Status> {
        self.0.searches.fetch_add(1, Ordering::SeqCst);
        let asked = request.into_inner();
        *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked.clone());
        let answering = self.0.answering.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Response::new(Counted { inner: answering(asked), fake: self.0.clone(), over: false }))
    }
}

/// How a pair differs from the usual one.
pub struct PairSpec {
    /// Settings of the gateway: `[limits]` and the like.
    pub settings: String,
    /// `[flow.budgets]` of both flows.
    pub budgets: String,
    /// Agency whose source certificate alpha shows.
    pub alpha_shows: String,
    /// Does alpha listen at all?
    pub alpha_is_up: bool,
    /// The agreement, where it is not the usual one.
    pub agreement: Option<String>,
    /// `[[cases]]` of the gateway's configuration.
    pub cases: String,
    /// Cedar beyond the base set.
    pub policy: Option<String>,
    /// The file of pseudonym keys, where it is not to be a new one.
    pub pseudonym_keys: Option<Vec<u8>>,
    /// Record types by name without package; both sources hold all of them.
    pub record_types: Vec<String>,
    /// Accreditation of every agency.
    pub max_sensitivity: String,
    /// The clock.
    pub clock: Clock,
}

impl Default for PairSpec {
    fn default() -> Self {
        Self {
            settings: "[limits]\nsource_idle_seconds = 1\n".into(),
            budgets: "queries_per_day = 100_000\nrecords_per_day = 1_000_000\n".into(),
            alpha_shows: ALPHA.into(),
            alpha_is_up: true,
            agreement: None,
            cases: String::new(),
            policy: None,
            pseudonym_keys: None,
            record_types: vec!["Declaration".into()],
            max_sensitivity: "CONFIDENTIAL".into(),
            clock: Clock::system(),
        }
    }
}

/// A pair whose gateway does not run yet.
pub struct Set {
    /// Certificates, keys, agreements, configuration.
    pub world: World,
    /// The first source.
    pub alpha: Arc<Fake>,
    /// The second.
    pub beta: Arc<Fake>,
}

impl Set {
    /// Writes everything into a folder and starts the sources.
    ///
    /// # Errors
    /// Whatever cannot be written or bound.
    pub async fn build(dir: &Path, spec: PairSpec) -> anyhow::Result<Self> {
        let record_types: Vec<String> =
            spec.record_types.iter().map(|name| format!("{RECORD}{name}")).collect();
        let mut listeners = vec![];
        let mut sources = vec![];
        for _ in 0..2 {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            sources.push(WorldSource::Elsewhere {
                address: listener.local_addr()?.to_string(),
                record_types: record_types.clone(),
            });
            listeners.push(listener);
        }
        let (beta_source, alpha_source) = (sources.pop(), sources.pop());
        let member = |id, country, source| WorldAgency {
            max_sensitivity: spec.max_sensitivity.clone(),
            ..agency(id, country, source)
        };
        let agreement = spec.agreement.unwrap_or_else(|| agreement(&spec.budgets));
        let world = WorldSpec {
            agencies: vec![
                member(ALPHA, "XA", alpha_source),
                member(BETA, "XB", beta_source),
                member(ASKER.0, "XC", None),
                member(OTHER.0, "XD", None),
            ],
            cases: spec.cases,
            agreements: vec![("pair.toml".into(), agreement)],
            record_types,
            settings: spec.settings,
            ..WorldSpec::default()
        };
        let world = World::build(dir, &world, &spec.clock).await?;
        if let Some(keys) = spec.pseudonym_keys {
            std::fs::write(world.dir.join("keys/pseudonym.keys"), keys)?;
        }
        if let Some(policy) = spec.policy {
            std::fs::write(world.dir.join("pair.cedar"), policy)?;
            let text = std::fs::read_to_string(&world.config)?;
            let line = "agreements = [\"agreements\"]\n";
            let more = text.replace(line, &format!("{line}policies = [\"pair.cedar\"]\n"));
            std::fs::write(&world.config, more)?;
        }
        let (alpha, beta) = (Fake::new(), Fake::new());
        let shown =
            [(spec.alpha_is_up.then_some(&alpha), spec.alpha_shows.as_str()), (Some(&beta), BETA)];
        for (listener, (fake, shows)) in listeners.into_iter().zip(shown) {
            let Some(fake) = fake else { continue };
            fake.listen(&world, &spec.clock, shows, listener)?;
        }
        Ok(Self { world, alpha, beta })
    }
}

/// An exchange with two sources that a test plays.
pub struct Pair {
    /// The exchange.
    pub exchange: Exchange,
    /// The first source.
    pub alpha: Arc<Fake>,
    /// The second.
    pub beta: Arc<Fake>,
}

impl Pair {
    /// The usual one, with settings of the gateway.
    ///
    /// # Errors
    /// Whatever keeps it from coming up.
    pub async fn with(settings: &str) -> anyhow::Result<Self> {
        Self::up(PairSpec { settings: settings.to_owned(), ..PairSpec::default() }).await
    }

    /// Brings it up.
    ///
    /// # Errors
    /// Whatever keeps it from coming up.
    pub async fn up(spec: PairSpec) -> anyhow::Result<Self> {
        let (dir, clock) = (tempfile::tempdir()?, spec.clock.clone());
        let set = Set::build(dir.path(), spec).await?;
        let gateway = set.world.start(clock.clone()).await?;
        let exchange = Exchange { world: set.world, gateway, clock, dir };
        Ok(Self { exchange, alpha: set.alpha, beta: set.beta })
    }

    /// Asks both sources for all they have, at most so many records.
    ///
    /// # Errors
    /// The refusal.
    pub async fn ask(&self, limit: u32) -> Result<Answer, Status> {
        self.exchange.ask(ASKER, request(all(limit))).await
    }

    /// Waits for the end of an exchange in the log, and opens it with the auditor's key.
    ///
    /// # Errors
    /// When it does not come within a few seconds, or cannot be opened.
    pub async fn outcome(&self, exchange_id: &str) -> anyhow::Result<Ended> {
        let exchange = ExchangeId::parse(exchange_id).context("no exchange id")?;
        let key = SealPrivateKey::read(&self.exchange.world.dir.join("keys/audit.key"))?;
        let filter = Filter { exchange: Some(exchange), limit: 10_000, ..Filter::default() };
        for _ in 0..160 {
            let store =
                Store::open_read_only(&self.exchange.world.dir.join("gateway.sqlite")).await?;
            let unsealer = Unsealer::new(Party::Gateway, key.clone())?;
            learn_epochs(&store, &unsealer).await?;
            let entries = list_entries(&store, &filter).await?;
            store.close().await;
            if let Some(entry) =
                entries.iter().find(|entry| entry.facts.kind() == EntryKind::Outcome)
            {
                let parts = entry.open(&unsealer)?.into_iter().map(|opened| opened.part);
                return Ended::of(parts.collect());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("no outcome in the log")
    }
}

/// An exchange's end, as the log has it.
#[derive(Debug)]
pub struct Ended {
    /// In which way.
    pub ending: Ending,
    /// Why, where it was cut.
    pub reason: String,
    /// Refused records: source, cause, how many.
    pub refused: Vec<(String, String, u64)>,
}

impl Ended {
    fn of(parts: Vec<Part>) -> anyhow::Result<Self> {
        let mut found = None;
        let mut refused = vec![];
        for part in parts {
            match part {
                Part::Ended { ending, reason } => found = Some((ending, reason)),
                Part::Refused { agency, causes } => refused.extend(
                    causes.into_iter().map(|(cause, count)| (agency.to_string(), cause, count)),
                ),
                _ => {}
            }
        }
        let (ending, reason) = found.context("an outcome that does not say how it ended")?;
        Ok(Self { ending, reason, refused })
    }
}

fn agency(id: &str, country: &str, source: Option<WorldSource>) -> WorldAgency {
    WorldAgency {
        id: id.into(),
        name: id.into(),
        country: country.into(),
        kind: "customs".into(),
        max_sensitivity: "CONFIDENTIAL".into(),
        systems: vec!["desk".into()],
        source,
    }
}

fn agreement(budgets: &str) -> String {
    let flow = |from: &str| {
        format!(
            "[[flow]]\nfrom = \"{from}\"\nto = [\"{}\", \"{}\"]\n\
             record_types = [\"{RECORD}Declaration\"]\npurposes = [\"SHIPMENT_TARGETING\"]\n\
             case_required = false\npermitted_use = [\"SHIPMENT_TARGETING\"]\n\
             delete_after_days = 30\nrelease_by_originator = true\n\n\
             [flow.budgets]\n{budgets}\n\
             [[flow.ladder]]\nfields = [\"ucr\", \"items.sequence\", \"items.hs_code\"]\n\
             rungs = [\"clear\", \"withhold\"]\n\n\
             [[flow.ladder]]\nfields = [\"officer_remarks\"]\nrungs = [\"withhold\"]\n\n",
            ASKER.0, OTHER.0
        )
    };
    format!(
        "id = \"pair\"\nversion = 1\ntitle = \"Pair\"\nlegal_basis = \"A test\"\n\
         parties = [\"{ALPHA}\", \"{BETA}\", \"{}\", \"{}\"]\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n{}{}",
        ASKER.0,
        OTHER.0,
        flow(ALPHA),
        flow(BETA)
    )
}

/// A query for every declaration, at most so many.
pub fn all(limit: u32) -> query::Query {
    query::Query { limit, ..crate::query("Declaration", query::Purpose::ShipmentTargeting, "") }
}

/// Handling that lets a record go out.
pub fn handling(agency: &str) -> handling::Handling {
    handling::Handling {
        originator: agency.into(),
        environment: handling::Environment::Exercise.into(),
        version: 1,
        ..handling::Handling::default()
    }
}

/// The record of a number: its UCR tells which one it is, its remarks are hidden from everybody.
pub fn declaration(agency: &str, number: u64) -> wire::SourceRecord {
    sized(agency, number, 0)
}

/// The same, with so many letters more in its UCR.
pub fn sized(agency: &str, number: u64, more: usize) -> wire::SourceRecord {
    let payload = record::Declaration {
        id: format!("{agency}-{number}"),
        ucr: format!("{agency}-{number:06}{}", "x".repeat(more)),
        items: vec![record::DeclarationItem {
            sequence: 1,
            hs_code: "854231".into(),
            ..record::DeclarationItem::default()
        }],
        officer_remarks: "SECRETREMARK".into(),
        ..record::Declaration::default()
    };
    wire::SourceRecord {
        opaque_id: opaque_id(number),
        handling: Some(handling(agency)),
        payload: payload.encode_to_vec().into(),
    }
}

/// Records of these numbers.
pub fn declarations(
    agency: &str,
    numbers: impl IntoIterator<Item = u64>,
) -> Vec<wire::SourceRecord> {
    numbers.into_iter().map(|number| declaration(agency, number)).collect()
}

/// The opaque id of a number: ascends with it.
pub fn opaque_id(number: u64) -> bytes::Bytes {
    [[0; 8], number.to_be_bytes()].concat().into()
}

/// A message with records.
pub fn batch(records: Vec<wire::SourceRecord>) -> wire::SearchResponse {
    let batch = wire::SourceBatch { records, ..wire::SourceBatch::default() };
    wire::SearchResponse { message: Some(wire::search_response::Message::Batch(batch)) }
}

/// The end message.
pub fn end(records: u64) -> wire::SearchResponse {
    let end = wire::SearchEnd { records, ..wire::SearchEnd::default() };
    wire::SearchResponse { message: Some(wire::search_response::Message::End(end)) }
}

/// UCRs of an answer, in its order, without what makes them longer.
pub fn ucrs(answer: &Answer) -> Vec<String> {
    answer
        .records
        .iter()
        .map(|one| {
            record::Declaration::decode(one.payload.clone())
                .map(|declaration| declaration.ucr.trim_end_matches('x').to_owned())
                .unwrap_or_else(|_| "undecodable".into())
        })
        .collect()
}

/// The UCRs of these numbers.
pub fn expected(agency: &str, numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("{agency}-{number:06}")).collect()
}
