//! A gateway of the drill's own, with all sources, on free loopback ports and in the drill's folder. The only file of the
//! simulator that starts a gateway.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use portcullis::audit::verify::{Outside, verify};
use portcullis::client::{Profile, connect};
use portcullis::clock::Clock;
use portcullis::command::playground::{
    World as Running, WorldAgency, WorldSource, WorldSpec, read_exchange,
};
use portcullis::server::Gateway;
use portcullis::source::adapter::IdKey;
use portcullis_core::id::Digest;
use portcullis_core::redact::{Plan, Treatment};
use portcullis_proto::audit::v1 as audit;
use portcullis_proto::audit::v1::audit_service_client::AuditServiceClient;

use super::door::{self, Doors};
use super::read::Plans;
use super::{Agency, CASE, CONTROL, Host, Part, Party, Place, STAFF, make};
use crate::drill::event::What;
use crate::drill::now::Now;
use crate::drill::plot::Plot;
use crate::drill::scenario::Scenario;
use crate::drill::weather::{Relays, Weather};

/// What runs on this machine.
pub(super) struct Own {
    running: Running,
    gateway: Gateway,
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
        let mut agencies = BTreeMap::new();
        for agency in spec.agencies.iter().filter(|agency| agency.id != CONTROL) {
            if let Some(system) = agency.systems.first() {
                agencies.insert(agency.id.clone(), reached(&running, agency, system).await?);
            }
        }
        let holders = spec.agencies.iter().filter(|agency| agency.source.is_some());
        let now = Now::open(exchange, holders.map(|agency| agency.id.as_str())).await?;
        Ok(Self {
            agencies: Arc::new(agencies),
            gateways: vec![gateway.address.to_string()],
            case: CASE.to_owned(),
            folder: running.dir.clone(),
            now: Arc::new(now),
            weather,
            place: Place::Own(Box::new(Own { running, gateway })),
        })
    }
}

async fn reached(running: &Running, agency: &WorldAgency, system: &str) -> anyhow::Result<Agency> {
    let profile = running.profile(&agency.id, system);
    let key = running.dir.join("keys").join(format!("{}.id.key", agency.id));
    let holds = match &agency.source {
        Some(WorldSource::Files { record_types, .. }) => record_types.clone(),
        _ => vec![],
    };
    Ok(Agency {
        channel: connect(&Profile::load(&profile)?).await?,
        system: system.to_owned(),
        id_key: Some(IdKey::read(&key).map_err(|problem| anyhow::anyhow!("{problem}"))?),
        holds,
        gate: 0,
        from_index: 0,
        after_release: String::new(),
    })
}

impl Own {
    /// The plans that the gateway has applied since it was started.
    pub fn plans(&self) -> Plans {
        let broker = self.gateway.broker.clone();
        Arc::new(move |hash| {
            let known = broker.redactors.lock().ok()?;
            known.get(&Digest(hash)).map(|redactor| told(redactor.plan()))
        })
    }

    /// A listener for those who take part, each with a certificate of the exchange. It answers with the gateway's own.
    pub async fn doors(&self, listen: SocketAddr) -> anyhow::Result<Doors> {
        let exchange = &self.running.exchange;
        let trust = exchange.agencies.iter();
        let trust =
            trust.map(|files| door::trust(&files.agency, files.ca.clone(), files.crl.clone()));
        let own = exchange.gateway()?;
        let doors = door::open(listen, &exchange.trust_domain, trust.collect(), own).await?;
        self.running.write_profiles_of("drill-profiles", doors.address)?;
        Ok(doors)
    }

    /// How a system reaches the gateway.
    pub fn gateway_profile(&self, part: &Part) -> PathBuf {
        self.running.profile(&part.agency, &part.system)
    }

    /// Ends everything and verifies the gateway's log from its file alone: its last checkpoint and how many entries stand
    /// behind it.
    pub async fn end(self, agencies: &BTreeMap<String, Agency>) -> anyhow::Result<(String, u64)> {
        let log_key = self.gateway.log_public_key.clone();
        let channel = agencies.values().next().context("no agency")?.channel.clone();
        let mut client = AuditServiceClient::new(channel);
        let checkpoint = client.get_checkpoint(audit::GetCheckpointRequest {}).await?;
        let checkpoint = checkpoint.into_inner().checkpoint;
        let store = self.running.dir.join("gateway.sqlite");
        self.gateway.shut_down().await?;
        self.running.stop_sources();
        let entries = sound(&store, &log_key).await?;
        Ok((checkpoint, entries))
    }
}

/// A plan as the event log has it.
fn told(plan: &Plan) -> What {
    let leaves = plan.record_type().leaves().iter().zip(plan.fields());
    let shows = leaves.filter_map(|(leaf, field)| {
        let word = match field.treatment {
            Treatment::Clear => "clear",
            Treatment::Generalise(_) => "generalise",
            Treatment::Pseudonymise => "pseudonymise",
            Treatment::Mask | Treatment::Presence | Treatment::Withhold => return None,
        };
        Some((leaf.path.clone(), word.to_owned()))
    });
    What::Plan {
        plan: hex::encode(plan.hash().0),
        record_type: plan.record_type().name().to_string(),
        originator: plan.originator().to_string(),
        shows: shows.collect(),
    }
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
