//! Hosts a drill on this machine: the world's agencies with their databases, certificates, agreements and sources, and a
//! gateway, in one folder and on free loopback ports. The only file of the simulator that knows the gateway's inside;
//! everything else talks to it over the wire.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use portcullis::audit::verify::{Outside, verify};
use portcullis::client::{Profile, connect};
use portcullis::clock::Clock;
use portcullis::command::agreement::{AgreementCommand, Signing};
use portcullis::command::playground::{
    World as Running, WorldAgency, WorldSource, WorldSpec, read_exchange,
};
use portcullis::identity::{
    Acceptor, AcceptorConfig, AgencyTrust, ConnectionRegistry, Credentials, HandshakeCounters,
    IdentityLayer, Incoming, TrustSpec, TrustStore, bind, listen as listen_on,
};
use portcullis::server::Gateway;
use portcullis::source::adapter::IdKey;
use portcullis_core::id::AgencyId;
use portcullis_proto::audit::v1 as audit;
use portcullis_proto::audit::v1::audit_service_client::AuditServiceClient;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::desk::{Desk, Partners};
use super::event::What;
use super::now::Now;
use super::plot::{Plot, Trace};
use super::scenario::Scenario;
use super::simcell::Index;
use super::weather::{Relays, Weather};
use crate::agency::Exchange;
use crate::generate::{Job, Layout, Part, generate};
use crate::write::CsvFiles;

/// The case that a drill's agencies work on.
pub const CASE: &str = "CASE-1";

/// The exercise's own agency: it runs the drill and is party to no agreement.
pub const CONTROL: &str = "exercise-control";
/// Systems of the exercise's own agency.
pub const STAFF: [&str; 3] = ["trainer", "evaluator", "observer"];

/// A gateway with its agencies.
pub struct Host {
    running: Running,
    gateway: Gateway,
    spec: WorldSpec,
    now: Arc<Now>,
    channels: BTreeMap<String, Channel>,
    weather: Weather,
}

/// What an agency needs to act as a party to its agreements.
#[derive(Debug, Clone)]
pub struct Party {
    /// Its agreement key.
    pub key: PathBuf,
    /// The profile of a system of its own.
    pub profile: PathBuf,
}

/// Suspends an agreement by the signature of a party, or lifts its suspension.
///
/// # Errors
/// What the gateway says, in words.
pub async fn suspend(party: &Party, agreement: &str, on: bool) -> anyhow::Result<()> {
    let (key, profile) = (party.key.clone(), Some(party.profile.clone()));
    let signing = Signing { key, profile, reason: "exercise".to_owned(), json: true };
    let id = agreement.to_owned();
    let command = if on {
        AgreementCommand::Suspend { id, signing }
    } else {
        AgreementCommand::Resume { id, signing }
    };
    // The command writes to whoever waits for it, and so stays on one thread.
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || {
        let mut told = vec![];
        let done = portcullis::command::agreement::run(command, &mut told);
        runtime.block_on(done).map(|done| (done, told))
    });
    let (done, told) = done.await??;
    if !done {
        let told: Value = serde_json::from_slice(&told).unwrap_or_default();
        let reason = told.pointer("/failure/reason").and_then(Value::as_str).unwrap_or("REFUSED");
        anyhow::bail!("agreement `{agreement}`: {reason}");
    }
    Ok(())
}

/// Relays before the sources, written into where the gateway looks for them.
async fn weather(spec: &mut WorldSpec, dir: &Path) -> anyhow::Result<(Weather, Relays)> {
    let party = |agency: &WorldAgency| {
        let key = dir.join("keys").join(format!("{}.agreement.key", agency.id));
        let profile = agency.systems.first()?;
        let profile = dir.join("profiles").join(format!("{}-{profile}.toml", agency.id));
        Some((agency.id.clone(), Party { key, profile }))
    };
    let parties = spec.agencies.iter().filter_map(party).collect();
    let sources = spec.agencies.iter().filter(|agency| agency.source.is_some());
    let sources: Vec<String> = sources.map(|agency| agency.id.clone()).collect();
    let (weather, relays) =
        Weather::fair(sources.into_iter(), parties).await.context("no port for a relay")?;
    let fronts = relays.iter().map(|(agency, (_, at))| (agency.clone(), at.to_string()));
    spec.fronts = fronts.collect();
    Ok((weather, relays))
}

impl Host {
    /// Makes the exchange of a plot in a new folder and starts it.
    ///
    /// # Errors
    /// What cannot be made, bound or started.
    pub async fn start(scenario: &Scenario, plot: &Plot, dir: &Path) -> anyhow::Result<Self> {
        let exchange = dir.join("exchange");
        make(scenario, plot, &exchange).await?;
        let mut spec = with_control(read_exchange(&exchange)?);
        let clock = Clock::system();
        let (weather, relays) = weather(&mut spec, &dir.join("host")).await?;
        let running = Running::build(&dir.join("host"), &spec, &clock).await?;
        Self::up(running, spec, clock, &exchange, (weather, relays)).await
    }

    /// Starts what was made before once more, with the gateway where it was.
    ///
    /// # Errors
    /// What cannot be read, bound or started.
    pub async fn resume(dir: &Path, listen: SocketAddr) -> anyhow::Result<Self> {
        let exchange = dir.join("exchange");
        let mut spec = with_control(read_exchange(&exchange)?);
        let clock = Clock::system();
        let (weather, relays) = weather(&mut spec, &dir.join("host")).await?;
        let running = Running::reopen(&dir.join("host"), &spec, &clock, listen).await?;
        Self::up(running, spec, clock, &exchange, (weather, relays)).await
    }

    async fn up(
        running: Running,
        spec: WorldSpec,
        clock: Clock,
        exchange: &Path,
        (weather, mut relays): (Weather, Relays),
    ) -> anyhow::Result<Self> {
        for source in &running.sources {
            if let Some((relay, _)) = relays.remove(&source.agency) {
                tokio::spawn(relay.run(source.address));
            }
        }
        let gateway = running.start(clock).await?;
        let mut channels = BTreeMap::new();
        for agency in spec.agencies.iter().filter(|agency| agency.id != CONTROL) {
            for system in agency.systems.iter().take(1) {
                let profile = Profile::load(&running.profile(&agency.id, system))?;
                channels.insert(agency.id.clone(), connect(&profile).await?);
            }
        }
        let holders = spec.agencies.iter().filter(|agency| agency.source.is_some());
        let now = Now::open(exchange, holders.map(|agency| agency.id.as_str())).await?;
        Ok(Self { running, gateway, spec, now: Arc::new(now), channels, weather })
    }

    /// Those who are asked in this drill.
    ///
    /// # Errors
    /// Only if the contract's own descriptors cannot be read, which they can.
    pub fn partners(&self) -> anyhow::Result<Partners> {
        let desk = Arc::new(Desk::new(self.channels(), CASE)?);
        Ok(Partners { now: self.now(), desk, weather: self.weather.clone() })
    }

    /// What injects do to the exchange.
    pub fn weather(&self) -> Weather {
        self.weather.clone()
    }

    /// What time it is for the agencies' records.
    pub fn now(&self) -> Arc<Now> {
        self.now.clone()
    }

    /// Where everything of the gateway lies.
    pub fn folder(&self) -> &Path {
        &self.running.dir
    }

    /// A listener for those who take part, each with a certificate of the exchange. It answers with the gateway's own.
    ///
    /// # Errors
    /// What cannot be loaded or bound.
    pub async fn doors(&self, listen: SocketAddr) -> anyhow::Result<Doors> {
        let exchange = &self.running.exchange;
        let week = std::time::Duration::from_secs(90 * 24 * 3_600);
        let trust = |files: &portcullis_certs_dev::AgencyFiles| AgencyTrust {
            agency: AgencyId::new(&files.agency),
            roots: vec![files.ca.clone()],
            crls: vec![files.crl.clone()],
            max_leaf_lifetime: week,
        };
        let trust = TrustStore::load(&TrustSpec {
            trust_domain: exchange.trust_domain.clone(),
            agencies: exchange.agencies.iter().map(trust).collect(),
            pins: vec![],
            allowed: None,
        })?;
        let own = exchange.gateway()?;
        let listener = bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let (clock, stop) = (Clock::system(), CancellationToken::new());
        let metrics = Arc::new(HandshakeCounters::default());
        let acceptor = Acceptor {
            config: AcceptorConfig::default(),
            trust: trust.clone(),
            credentials: Credentials::load(&own.certificate, &own.key)?,
            clock: clock.clone(),
            metrics: metrics.clone(),
            registry: ConnectionRegistry::default(),
            stop: stop.clone(),
        };
        let layer = IdentityLayer::new(trust, clock, metrics);
        self.running.write_profiles_of("drill-profiles", address)?;
        Ok(Doors { address, incoming: listen_on(listener, acceptor), layer, stop })
    }

    /// The profile with which a system reaches the gateway.
    pub fn profile_of(&self, agency: &str, system: &str) -> PathBuf {
        self.running.profile(agency, system)
    }

    /// The profile with which a system reaches those doors.
    pub fn drill_profile(&self, agency: &str, system: &str) -> PathBuf {
        self.running.dir.join("drill-profiles").join(format!("{agency}-{system}.toml"))
    }

    /// A channel of each agency, with its own certificate.
    pub fn channels(&self) -> BTreeMap<String, Channel> {
        self.channels.clone()
    }

    /// Where the gateway listens.
    pub fn address(&self) -> std::net::SocketAddr {
        self.gateway.address
    }

    /// What the gateway's log tells each originator of what left it, and every requester of what it was refused.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn disclosures(&self) -> anyhow::Result<Vec<What>> {
        let mut all: BTreeMap<(u64, String), Vec<What>> = BTreeMap::new();
        for (agency, channel) in &self.channels {
            let mut client = AuditServiceClient::new(channel.clone());
            let mut intents: BTreeMap<String, (String, String)> = BTreeMap::new();
            let mut from_index = 0;
            loop {
                let ask =
                    audit::ListEntriesRequest { from_index, limit: 1_000, ..Default::default() };
                let listed = client.list_entries(ask).await?.into_inner();
                for entry in &listed.entries {
                    let told = read(entry, agency, &mut intents)?;
                    all.entry((entry.index, agency.clone())).or_default().extend(told);
                }
                if listed.next_index == 0 {
                    break;
                }
                from_index = listed.next_index;
            }
        }
        Ok(all.into_values().flatten().collect())
    }

    /// Who received records of cases, by the gateway's own index of recipients.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn received(&self, plot: &Plot) -> anyhow::Result<Vec<What>> {
        let mut all = vec![];
        let mut seen = std::collections::BTreeSet::new();
        for trace in plot.cases.iter().flat_map(|case| &case.traces) {
            if seen.insert(trace.at) {
                all.extend(self.recipients(trace).await?);
            }
        }
        Ok(all)
    }

    /// Release requests on which agencies decided, in the order in which they were asked for.
    ///
    /// # Errors
    /// When the gateway does not list them.
    pub async fn releases(&self, plot: &Plot) -> anyhow::Result<Vec<What>> {
        let mut all = BTreeMap::new();
        for (agency, channel) in &self.channels {
            let mut client = QueryServiceClient::new(channel.clone());
            let mut index = Index::new(plot, agency, self.id_key(agency)?);
            let mut after = String::new();
            loop {
                let ask = wire::ListReleasesRequest { after, limit: 1_000, ..Default::default() };
                let listed = client.list_releases(ask).await?.into_inner();
                for release in listed.releases.iter().filter(|one| one.originator == *agency) {
                    let granted = match release.state() {
                        wire::ReleaseState::Granted | wire::ReleaseState::Revoked => true,
                        wire::ReleaseState::Refused => false,
                        _ => continue,
                    };
                    let record = index.find(&release.record_type, &release.record_id);
                    let trace = |at| {
                        plot.cases.iter().flat_map(|case| &case.traces).find(|one| one.at == at)
                    };
                    let trace = record.and_then(trace);
                    let what = What::Release {
                        id: release.id.clone(),
                        to: release.requester.clone(),
                        from: agency.clone(),
                        table: record.map(|at| at.table.name().to_owned()).unwrap_or_default(),
                        record: trace.map(|trace| trace.record.clone()).unwrap_or_default(),
                        fields: release.fields.clone(),
                        granted,
                    };
                    all.insert(release.id.clone(), what);
                }
                if listed.next.is_empty() {
                    break;
                }
                after = listed.next;
            }
        }
        Ok(all.into_values().collect())
    }

    /// The key from which an agency's source derives the ids that it tells.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn id_key(&self, agency: &str) -> anyhow::Result<IdKey> {
        let key = self.running.dir.join("keys").join(format!("{agency}.id.key"));
        IdKey::read(&key).map_err(|problem| anyhow::anyhow!("{problem}"))
    }

    async fn recipients(&self, trace: &Trace) -> anyhow::Result<Vec<What>> {
        let Some(channel) = self.channels.get(&trace.agency) else { return Ok(vec![]) };
        let key = self.id_key(&trace.agency)?;
        let record_type = trace.at.table.record_type();
        let id = key.opaque(record_type, std::iter::once(trace.record.as_str()));
        let mut client = AuditServiceClient::new(channel.clone());
        let mut all = vec![];
        let mut from_index = 0;
        loop {
            let ask = audit::ListRecipientsRequest {
                record_id: id.to_vec().into(),
                record_type: record_type.to_owned(),
                from_index,
                limit: 500,
                ..Default::default()
            };
            let listed = client.list_recipients(ask).await?.into_inner();
            all.extend(listed.recipients.iter().map(|one| What::Received {
                to: one.agency.clone(),
                from: trace.agency.clone(),
                table: trace.at.table.name().to_owned(),
                record: trace.record.clone(),
                plan: hex::encode(&one.plan_hash),
            }));
            if listed.next_index == 0 {
                return Ok(all);
            }
            from_index = listed.next_index;
        }
    }

    /// Ends everything and verifies the gateway's log from its file alone: its last checkpoint and how many entries stand
    /// behind it.
    ///
    /// # Errors
    /// When the gateway does not end, or its log is not sound.
    pub async fn end(self) -> anyhow::Result<(String, u64)> {
        let log_key = self.gateway.log_public_key.clone();
        let channel = self.channels.values().next().context("no agency")?.clone();
        let mut client = AuditServiceClient::new(channel);
        let checkpoint = client.get_checkpoint(audit::GetCheckpointRequest {}).await?;
        let checkpoint = checkpoint.into_inner().checkpoint;
        let store = self.running.dir.join("gateway.sqlite");
        self.gateway.shut_down().await?;
        self.running.stop_sources();
        let entries = sound(&store, &log_key).await?;
        Ok((checkpoint, entries))
    }

    /// Record types that an agency holds.
    pub fn holds(&self, agency: &str) -> Vec<String> {
        let of = self.spec.agencies.iter().find(|one| one.id == agency);
        match of.and_then(|one| one.source.as_ref()) {
            Some(WorldSource::Files { record_types, .. }) => record_types.clone(),
            _ => vec![],
        }
    }
}

/// A listener, not yet served.
pub struct Doors {
    /// Where it listens.
    pub address: SocketAddr,
    /// Who connects.
    pub incoming: Incoming,
    /// The check before each call.
    pub layer: IdentityLayer,
    /// Ends it.
    pub stop: CancellationToken,
}

/// With the exercise's own agency, which holds nothing and is party to nothing.
fn with_control(mut spec: WorldSpec) -> WorldSpec {
    let country = spec.agencies.first().map_or_else(|| "XA".to_owned(), |one| one.country.clone());
    spec.agencies.push(WorldAgency {
        id: CONTROL.to_owned(),
        name: "Exercise control".to_owned(),
        country,
        kind: "exercise".to_owned(),
        max_sensitivity: "PUBLIC".to_owned(),
        systems: STAFF.map(str::to_owned).to_vec(),
        source: None,
    });
    spec
}

async fn sound(store: &Path, log_key: &str) -> anyhow::Result<u64> {
    let verifier = portcullis::audit::LogVerifier::parse(log_key)
        .map_err(|error| anyhow::anyhow!("the log's key: {error}"))?;
    let store = portcullis::store::Store::open_read_only(store).await?;
    let report = verify(&store, &verifier, &Outside::default()).await;
    anyhow::ensure!(report.sound(), "the gateway's log does not verify");
    let size = report.size;
    store.close().await;
    Ok(size)
}

/// What an entry says to one of its parties. Disclosures are told by their originator alone, refusals by who was refused,
/// so that nothing is counted twice.
fn read(
    entry: &audit::Entry,
    agency: &str,
    intents: &mut BTreeMap<String, (String, String)>,
) -> anyhow::Result<Vec<What>> {
    if entry.body_json.is_empty() {
        return Ok(vec![]);
    }
    let parts: Vec<Value> = serde_json::from_str(&entry.body_json)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let at = |part: &'_ Value, path: &str| part.pointer(path).cloned().unwrap_or_default();
    let mut told = vec![];
    for part in &parts {
        match part["part"].as_str() {
            Some("intent") => {
                let asked = (text(&at(part, "/requester/agency")), text(&part["record_type"]));
                intents.insert(entry.exchange_id.clone(), asked);
            }
            Some("share") if part["originator"] == agency => {
                let (to, record_type) =
                    intents.get(&entry.exchange_id).cloned().unwrap_or_default();
                let mut by_plan: BTreeMap<String, u64> = BTreeMap::new();
                for record in part["records"].as_array().into_iter().flatten() {
                    *by_plan.entry(text(&record["plan_hash"])).or_default() += 1;
                }
                told.extend(by_plan.into_iter().map(|(plan, records)| What::Disclosed {
                    entry: entry.index,
                    exchange: entry.exchange_id.clone(),
                    to: to.clone(),
                    from: agency.to_owned(),
                    record_type: record_type.clone(),
                    plan,
                    records,
                }));
            }
            Some("denial") if at(part, "/requester/agency") == agency => {
                let reason = text(&part["reason"]);
                told.push(What::Refused { entry: entry.index, to: agency.to_owned(), reason });
            }
            _ => {}
        }
    }
    Ok(told)
}

async fn make(scenario: &Scenario, plot: &Plot, dir: &Path) -> anyhow::Result<()> {
    let engine = Plot::engine(&plot.world, scenario)?;
    let generated = dir.join("generated");
    let threads = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
    let job = Job { part: Part::WHOLE, threads, layout: Layout::Flat, out: &generated };
    generate(&engine, &CsvFiles, job, &AtomicBool::new(false), &mut |_, _| {})?;
    let mut exchange = Exchange::new(&plot.world, dir).by_now();
    exchange.agencies(&generated, |_| true).await?;
    exchange.finish()?;
    // The truth is in the plot, and nowhere where somebody could ask for it.
    std::fs::remove_dir_all(&generated)
        .with_context(|| format!("cannot remove {}", generated.display()))
}
