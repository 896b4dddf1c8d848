//! A whole exchange on one machine: certificates, keys, agreements, sources and the gateway's configuration
//! in one folder, on free loopback ports. The playground shows it; the end-to-end tests live in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use portcullis_certs_dev::{AgencySpec, Exchange, ExchangeSpec};
use portcullis_core::handling::Environment;
use portcullis_core::id::AgencyId;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::command::keys;
use crate::config::Config;
use crate::identity::{
    Acceptor, AcceptorConfig, AgencyTrust, ConnectionRegistry, Credentials, HandshakeCounters,
    TrustSpec, TrustStore, bind, listen,
};
use crate::server::Gateway;
use crate::source::adapter::{CsvSource, Holder, IdKey, Limits, MappingRef, serve};

/// Name of the gateway's log.
pub const GATEWAY_NAME: &str = "exercise.portcullis.example/exchange";

/// `kid` of every agency's key for officers' tokens.
pub const OFFICER_KEY: &str = "2026-1";

/// What to build.
#[derive(Clone, Default)]
pub struct WorldSpec {
    /// The agencies.
    pub agencies: Vec<WorldAgency>,
    /// `[[cases]]` tables of the gateway's configuration.
    pub cases: String,
    /// File names and texts of the agreements.
    pub agreements: Vec<(String, String)>,
    /// Names of the record types.
    pub record_types: Vec<String>,
    /// Where the gateway finds the source of an agency, if not where it listens: something between them.
    pub fronts: BTreeMap<String, String>,
    /// Anything else for the gateway's configuration: `[limits]`, `[telemetry]`.
    pub settings: String,
}

/// One agency.
#[derive(Clone)]
pub struct WorldAgency {
    /// Its id.
    pub id: String,
    /// For people.
    pub name: String,
    /// ISO 3166-1 alpha-2; XA to XZ are nobody's.
    pub country: String,
    /// customs, licensing, ..
    pub kind: String,
    /// PUBLIC, OFFICIAL, CONFIDENTIAL or SECRET.
    pub max_sensitivity: String,
    /// Systems that ask.
    pub systems: Vec<String>,
    /// Its source.
    pub source: Option<WorldSource>,
}

/// Where an agency's records come from.
#[derive(Clone)]
pub enum WorldSource {
    /// Mapping files.
    Files {
        /// Mappings, each with the folder of its data where that is another one.
        mappings: Vec<MappingRef>,
        /// Record types they hold.
        record_types: Vec<String>,
    },
    /// Something else that listens there with the agency's `source` certificate.
    Elsewhere {
        /// `host:port`.
        address: String,
        /// Record types it holds.
        record_types: Vec<String>,
    },
}

impl WorldSource {
    fn record_types(&self) -> &[String] {
        match self {
            Self::Files { record_types, .. } | Self::Elsewhere { record_types, .. } => record_types,
        }
    }
}

/// A source that runs in this process.
#[derive(Debug, Clone)]
pub struct RunningSource {
    /// Its agency.
    pub agency: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it holds.
    pub record_types: Vec<String>,
    /// How many records.
    pub records: u64,
}

/// An exchange, its sources up, its gateway not yet.
pub struct World {
    /// Where everything lies.
    pub dir: PathBuf,
    /// Certificates.
    pub exchange: Exchange,
    /// The gateway's configuration.
    pub config: PathBuf,
    /// Sources that run in this process.
    pub sources: Vec<RunningSource>,
    stop: CancellationToken,
}

impl World {
    /// Writes everything into a folder and starts the sources.
    ///
    /// # Errors
    /// Whatever cannot be written, read or bound.
    pub async fn build(dir: &Path, spec: &WorldSpec, clock: &Clock) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let now = OffsetDateTime::from_unix_timestamp(clock.now().seconds())?;
        let exchange = Exchange::generate(&dir.join("certs"), &exchange_spec(spec), now)?;
        let mut world = Self {
            config: dir.join("gateway.toml"),
            exchange,
            sources: vec![],
            stop: CancellationToken::new(),
            dir,
        };
        world.write_keys(spec)?;
        world.write_agreements(spec)?;
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        world.bring_up(spec, clock, any).await?;
        Ok(world)
    }

    /// The world of a folder again, after the process in which it ran has ended: the same certificates, keys, agreements
    /// and store. Its gateway will listen where it did.
    ///
    /// # Errors
    /// Whatever cannot be read or bound.
    pub async fn reopen(
        dir: &Path,
        spec: &WorldSpec,
        clock: &Clock,
        listen: SocketAddr,
    ) -> anyhow::Result<Self> {
        let dir = dir.canonicalize().with_context(|| format!("cannot read {}", dir.display()))?;
        let mut world = Self {
            config: dir.join("gateway.toml"),
            exchange: Exchange::load(&dir.join("certs"))?,
            sources: vec![],
            stop: CancellationToken::new(),
            dir,
        };
        world.bring_up(spec, clock, listen).await?;
        Ok(world)
    }

    /// Starts the sources and writes down where they are.
    async fn bring_up(
        &mut self,
        spec: &WorldSpec,
        clock: &Clock,
        listen: SocketAddr,
    ) -> anyhow::Result<()> {
        let mut addresses = BTreeMap::new();
        for agency in &spec.agencies {
            let address = match &agency.source {
                None => continue,
                Some(WorldSource::Elsewhere { address, .. }) => address.clone(),
                Some(WorldSource::Files { mappings, record_types }) => {
                    let running =
                        self.start_source(&agency.id, mappings, record_types, clock).await?;
                    let own = running.address.to_string();
                    self.sources.push(running);
                    spec.fronts.get(&agency.id).cloned().unwrap_or(own)
                }
            };
            addresses.insert(agency.id.clone(), address);
        }
        let text = self.config_text(spec, &addresses, &listen.to_string(), "127.0.0.1:0")?;
        std::fs::write(&self.config, text)?;
        Ok(())
    }

    /// Starts the gateway in this process and writes a profile for every requester.
    ///
    /// # Errors
    /// As [`Gateway::start`].
    pub async fn start(&self, clock: Clock) -> anyhow::Result<Gateway> {
        let gateway = Gateway::start(Config::load(&self.config)?, clock).await?;
        self.write_profiles(gateway.address)?;
        Ok(gateway)
    }

    /// The profile of a requester, for `portcullis query --profile`.
    pub fn profile(&self, agency: &str, system: &str) -> PathBuf {
        self.dir.join("profiles").join(format!("{agency}-{system}.toml"))
    }

    /// Stops the sources.
    pub fn stop_sources(&self) {
        self.stop.cancel();
    }

    /// Writes a profile for every requester of the exchange.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn write_profiles(&self, gateway: SocketAddr) -> anyhow::Result<()> {
        self.write_profiles_of("profiles", gateway)
    }

    /// Writes into a folder how every requester reaches something that answers with the gateway's certificate.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn write_profiles_of(&self, folder: &str, gateway: SocketAddr) -> anyhow::Result<()> {
        let folder = self.dir.join(folder);
        std::fs::create_dir_all(&folder)?;
        let bundle = &self.exchange.agency(&self.exchange.gateway_agency)?.ca;
        let server = self.exchange.spiffe_id(&self.exchange.gateway_agency, "gateway");
        for identity in &self.exchange.identities {
            let text = format!(
                "# Profile of {}: how its system reaches the gateway.\n\
                 gateway = {}\nserver_spiffe_id = {}\ntrust_bundle = {}\n\
                 certificate = {}\nkey = {}\ntimeout_seconds = 60\n",
                identity.spiffe_id,
                quoted(&format!("https://{gateway}")),
                quoted(&server),
                quoted_path(bundle),
                quoted_path(&identity.certificate),
                quoted_path(&identity.key),
            );
            let name = format!("{}-{}.toml", identity.agency, identity.system);
            std::fs::write(folder.join(name), text)?;
        }
        Ok(())
    }

    fn write_keys(&self, spec: &WorldSpec) -> anyhow::Result<()> {
        let folder = self.dir.join("keys");
        std::fs::create_dir_all(&folder)?;
        keys::gateway(&folder, GATEWAY_NAME)?;
        for agency in &spec.agencies {
            keys::auditor(&folder.join(format!("{}.audit.key", agency.id)))?;
            keys::agreement(&folder.join(format!("{}.agreement.key", agency.id)), &agency.id)?;
            keys::secret(&folder.join(format!("{}.id.key", agency.id)))?;
            crate::officers::generate(&folder.join(format!("{}.officers.key", agency.id)))?;
        }
        Ok(())
    }

    fn write_agreements(&self, spec: &WorldSpec) -> anyhow::Result<()> {
        let folder = self.dir.join("agreements");
        std::fs::create_dir_all(&folder)?;
        for (name, text) in &spec.agreements {
            std::fs::write(folder.join(name), text)?;
        }
        Ok(())
    }

    async fn start_source(
        &self,
        agency: &str,
        mappings: &[MappingRef],
        record_types: &[String],
        clock: &Clock,
    ) -> anyhow::Result<RunningSource> {
        let key = self.dir.join("keys").join(format!("{agency}.id.key"));
        let holder = Holder {
            agency: AgencyId::new(agency),
            environment: Environment::Exercise,
            id_key: IdKey::read(&key).map_err(|problem| anyhow!("{problem}"))?,
            spool_dir: self.dir.clone(),
        };
        let source = CsvSource::open(&holder, mappings, None, Limits::default(), clock.clone())
            .await
            .map_err(|problems| anyhow!("{problems}"))?;
        let records = source.held().map(|held| held.records()).sum();
        let identity = self.exchange.identity(agency, "source")?;
        let (incoming, address) =
            self.listen(Credentials::load(&identity.certificate, &identity.key)?, clock).await?;
        let stop = self.stop.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(source, incoming, stop.cancelled_owned()).await {
                tracing::error!(%error, "a source ended");
            }
        });
        Ok(RunningSource {
            agency: agency.to_owned(),
            address,
            record_types: record_types.to_vec(),
            records,
        })
    }

    /// A listener that answers the gateway alone, with an agency's `source` certificate.
    ///
    /// # Errors
    /// What cannot be loaded or bound.
    pub async fn listen(
        &self,
        credentials: Credentials,
        clock: &Clock,
    ) -> anyhow::Result<(crate::identity::Incoming, SocketAddr)> {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        Ok((self.listen_with(listener, credentials, clock)?, address))
    }

    /// The same over a listener whose address is already written down somewhere.
    ///
    /// # Errors
    /// What cannot be loaded.
    pub fn listen_with(
        &self,
        listener: tokio::net::TcpListener,
        credentials: Credentials,
        clock: &Clock,
    ) -> anyhow::Result<crate::identity::Incoming> {
        let operator = self.exchange.agency(&self.exchange.gateway_agency)?;
        let trust = TrustStore::load(&TrustSpec {
            trust_domain: self.exchange.trust_domain.clone(),
            agencies: vec![AgencyTrust {
                agency: AgencyId::new(&self.exchange.gateway_agency),
                roots: vec![operator.ca.clone()],
                crls: vec![operator.crl.clone()],
                max_leaf_lifetime: Duration::from_secs(90 * 24 * 3600),
            }],
            pins: vec![],
            allowed: Some(vec![self.exchange.gateway()?.spiffe_id.clone()]),
        })?;
        let acceptor = Acceptor {
            config: AcceptorConfig::default(),
            trust,
            credentials,
            clock: clock.clone(),
            metrics: Arc::new(HandshakeCounters::default()),
            registry: ConnectionRegistry::default(),
            stop: self.stop.clone(),
        };
        Ok(listen(listener, acceptor))
    }

    /// The verifier key of an agency's agreement key.
    fn agreement_key(&self, agency: &str) -> anyhow::Result<String> {
        let path = self.dir.join(format!("keys/{agency}.agreement.key.pub"));
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    fn config_text(
        &self,
        spec: &WorldSpec,
        addresses: &BTreeMap<String, String>,
        listen: &str,
        admin: &str,
    ) -> anyhow::Result<String> {
        let gateway = self.exchange.gateway()?;
        let mut text = format!(
            "# Written by the playground; `portcullis serve --config` takes it as it is.\n\
             name = {}\nagency = {}\ntrust_domain = {}\nenvironment = \"EXERCISE\"\n\
             listen = {}\nadmin_listen = {}\ncertificate = {}\nkey = {}\n\
             store = \"gateway.sqlite\"\nlog_key = \"keys/log.key\"\n\
             audit_public_key = \"keys/audit.key.pub\"\naudit_key = \"keys/audit.key\"\n\
             pseudonym_keys = \"keys/pseudonym.keys\"\n\
             agreements = [\"agreements\"]\n",
            quoted(GATEWAY_NAME),
            quoted(&self.exchange.gateway_agency),
            quoted(&self.exchange.trust_domain),
            quoted(listen),
            quoted(admin),
            quoted_path(&gateway.certificate),
            quoted_path(&gateway.key),
        );
        for name in &spec.record_types {
            write!(text, "\n[[record_types]]\nname = {}\n", quoted(name))?;
        }
        for agency in &spec.agencies {
            let files = self.exchange.agency(&agency.id)?;
            let systems = &agency.systems;
            write!(
                text,
                "\n[[agencies]]\nid = {}\nname = {}\ncountry = {}\nkind = {}\n\
                 max_sensitivity = {}\nsystems = [{}]\ntrust_bundle = {}\ncrl = {}\n\
                 audit_public_key = {}\nagreement_keys = [{}]\n",
                quoted(&agency.id),
                quoted(&agency.name),
                quoted(&agency.country),
                quoted(&agency.kind),
                quoted(&agency.max_sensitivity),
                systems.iter().map(|system| quoted(system)).collect::<Vec<_>>().join(", "),
                quoted_path(&files.ca),
                quoted_path(&files.crl),
                quoted(&format!("keys/{}.audit.key.pub", agency.id)),
                quoted(self.agreement_key(&agency.id)?.trim()),
            )?;
            write!(
                text,
                "\n[[agencies.officer_keys]]\nid = {}\npublic_key = {}\n",
                quoted(OFFICER_KEY),
                quoted(&format!("keys/{}.officers.key.pub", agency.id)),
            )?;
            if let (Some(source), Some(address)) = (&agency.source, addresses.get(&agency.id)) {
                let types: Vec<String> =
                    source.record_types().iter().map(|name| quoted(name)).collect();
                write!(
                    text,
                    "\n[agencies.source]\naddress = {}\nsystem = \"source\"\n\
                     record_types = [{}]\n",
                    quoted(address),
                    types.join(", ")
                )?;
            }
        }
        write!(text, "\n{}\n{}", spec.cases, spec.settings)?;
        Ok(text)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn exchange_spec(spec: &WorldSpec) -> ExchangeSpec {
    let mut exchange = ExchangeSpec::new(&[]);
    // Nobody issues lists anew here: what stays up for days must not end with the first day.
    exchange.crl_lifetime = exchange.leaf_lifetime;
    exchange.agencies = spec
        .agencies
        .iter()
        .map(|agency| AgencySpec {
            id: agency.id.clone(),
            systems: agency.systems.clone(),
            auditors: vec![],
            source: agency.source.is_some(),
        })
        .collect();
    exchange
}

/// A TOML string: JSON's escapes are TOML's too.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}
