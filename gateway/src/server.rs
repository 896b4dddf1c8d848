//! A whole gateway: everything that is loaded, every layer and service in order, each with its reason.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use portcullis_core::label::RecordType;
use portcullis_core::policy::{Inputs, Snapshot};
use portcullis_proto::agreement::v1::agreement_service_server::AgreementServiceServer;
use portcullis_proto::audit::v1::audit_service_server::AuditServiceServer;
use portcullis_proto::case::v1::case_service_server::CaseServiceServer;
use portcullis_proto::directory::v1::directory_service_server::DirectoryServiceServer;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::agreements::Agreements;
use crate::audit::keys::{self, SealPrivateKey, SealPublicKey};
use crate::audit::{Audit, AuditKeys};
use crate::broker::{Broker, ResumeSealer};
use crate::cases::Cases;
use crate::clock::Clock;
use crate::config::{Config, Member};
use crate::identity::connect::{
    ClientFiles, ClientIdentity, ConnectLimits, ExpectedServer, channel,
};
use crate::identity::{
    Acceptor, AcceptorConfig, AgencyTrust, ConnectionRegistry, Credentials, HandshakeMetrics,
    IdentityLayer, PeerId, ServerLimits, TrustSpec, TrustStore, bind, listen,
};
use crate::keeper::Keeper;
use crate::officers::{OfficerTokens, TokenKey};
use crate::pseudonyms::{self, KeyFile, Pseudonyms};
use crate::record_types::RecordTypes;
use crate::releases::Releases;
use crate::service::agreement::Agreeing;
use crate::service::audit::Audits;
use crate::service::case::Casework;
use crate::service::directory::Directory;
use crate::service::door::DoorLayer;
use crate::service::query::QueryRoutes;
use crate::source::{GrpcSource, SourceSet};
use crate::store::Store;
use crate::telemetry::{Metrics, Word};

/// Cap on the validity of agencies' certificates.
const MAX_LEAF_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);
/// How often health is looked at.
const HEALTH_EVERY: Duration = Duration::from_secs(1);
/// How often what budgets counted by is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// How long open answers may go on after the gateway was told to stop.
const DRAIN: Duration = Duration::from_secs(20);
/// And how long queries may take to log their outcome after that.
const SETTLE: Duration = Duration::from_secs(5);

/// A gateway that is up.
pub struct Gateway {
    /// Where agencies connect.
    pub address: SocketAddr,
    /// Where administrators look.
    pub admin_address: SocketAddr,
    /// Verifier key of its log.
    pub log_public_key: String,
    /// What it works with.
    pub broker: Arc<Broker>,
    /// Whom it trusts; swapped live.
    pub trust: TrustStore,
    /// Open connections, so that a revoked peer's can be cut.
    pub connections: ConnectionRegistry,
    stop: CancellationToken,
    tasks: tokio::task::JoinSet<anyhow::Result<()>>,
}

impl Gateway {
    /// Loads everything, then listens. Nothing is served before all of it is in order.
    ///
    /// # Errors
    /// Everything that is wrong with policy and agreements, or the first other problem.
    pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let own_types = record_types(&config)?;
        let trust = TrustStore::load(&trust_spec(&config))?;
        let credentials = Credentials::load(&config.certificate, &config.key)?;
        let store = Store::open(&config.store)
            .await
            .with_context(|| format!("the store {} cannot be used", config.store.display()))?;
        let types = RecordTypes::open(&config, own_types.clone(), store.clone()).await?;
        let mut inputs = Inputs {
            registry: config.registry.clone(),
            record_types: own_types,
            brought: types.brought().await,
            agreements: vec![],
            policies: config.policies.clone(),
        };
        let cases = Cases::open(&config.registry, &mut inputs, store.clone()).await?;
        let agreements = Agreements::open(&config, &mut inputs, store.clone(), clock.now()).await?;
        let keeper = Keeper::start(inputs).await.map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("policy and agreements are refused:\n  {}", lines.join("\n  "))
        })?;
        awaited(&keeper.in_force().load());
        let (cases, agreements) = (Arc::new(cases), Arc::new(agreements));
        let mut metrics = Metrics::default();
        store.metrics().register(metrics.registry());
        let metrics = Arc::new(metrics);
        let audit = Audit::open(store.clone(), audit_keys(&config)?, clock.clone())
            .await
            .with_context(|| format!("the store {} cannot be used", config.store.display()))?;
        let log_public_key = audit.verifier().to_string();
        let stop = CancellationToken::new();
        let releases = Releases::open(audit.clone(), store, clock.clone(), stop.clone())
            .await
            .with_context(|| format!("the store {} cannot be used", config.store.display()))?;
        let key_file = KeyFile::read(&config.pseudonym_keys)?;
        let sources = connect_sources(&config, &clock)?;
        let officers = officer_tokens(&config)?;
        let mut resume_key = [0; 32];
        aws_lc_rs::rand::fill(&mut resume_key).context("no randomness")?;
        let broker = Arc::new(Broker {
            policy: keeper.in_force(),
            keeper,
            audit,
            sources,
            pseudonyms: Arc::new(Pseudonyms::new(key_file.keys()?)),
            officers,
            releases: Arc::new(releases),
            resume: ResumeSealer::new(&resume_key).context("no resume key")?,
            clock: clock.clone(),
            room: Arc::new(Semaphore::new(config.limits.queries_in_flight)),
            limits: config.limits.clone(),
            metrics: metrics.clone(),
            environment: config.environment,
            config_hash: config.hash,
            redactors: Mutex::new(HashMap::new()),
        });

        let connections = ConnectionRegistry::default();
        let listener = bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        let admin = bind(config.admin_listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.admin_listen))?;
        let (address, admin_address) = (listener.local_addr()?, admin.local_addr()?);
        let refusals: Arc<dyn HandshakeMetrics> = Arc::new(Refusals(metrics));
        let incoming = listen(
            listener,
            Acceptor {
                config: AcceptorConfig::default(),
                trust: trust.clone(),
                credentials,
                clock: clock.clone(),
                metrics: refusals.clone(),
                registry: connections.clone(),
                stop: stop.clone(),
            },
        );

        let (health, health_service) = tonic_health::server::health_reporter();
        let limit = config.limits.request_bytes;
        let directory = Directory {
            broker: broker.clone(),
            types,
            name: config.name.clone(),
            log_public_key: log_public_key.clone(),
        };
        let router = ServerLimits::default()
            .apply(Server::builder())
            // Frames and headers first: what is malformed is refused before anybody acts on it.
            .layer(DoorLayer { message_bytes: limit })
            // Who it is, again on every RPC: expiry, revocation, listing.
            .layer(IdentityLayer::new(trust.clone(), clock, refusals))
            .add_service(health_service)
            .add_service(DirectoryServiceServer::new(directory).max_decoding_message_size(limit))
            .add_service(
                AuditServiceServer::new(Audits { broker: broker.clone() })
                    .max_decoding_message_size(limit),
            )
            .add_service(
                AgreementServiceServer::new(Agreeing {
                    broker: broker.clone(),
                    agreements: agreements.clone(),
                })
                .max_decoding_message_size(limit),
            )
            .add_service(
                CaseServiceServer::new(Casework { broker: broker.clone(), cases })
                    .max_decoding_message_size(limit),
            )
            .add_service(QueryRoutes::new(broker.clone(), limit));

        let mut tasks = tokio::task::JoinSet::new();
        let stopped = stop.clone().cancelled_owned();
        tasks.spawn(async move {
            router.serve_with_incoming_shutdown(incoming, stopped).await.context("gRPC listener")
        });
        let (admin_broker, admin_stop) = (broker.clone(), stop.clone());
        tasks.spawn(async move {
            crate::admin::serve(admin, admin_broker, admin_stop).await.context("admin listener")
        });
        tasks.spawn(forget_subjects(broker.clone(), stop.clone()));
        tasks.spawn(watch_health(health, broker.clone(), stop.clone()));
        let followed = agreements.follow_time(broker.clone(), stop.clone());
        tasks.spawn(async move {
            followed.await;
            Ok(())
        });
        let lapsing = broker.releases.clone().follow_time();
        tasks.spawn(async move {
            lapsing.await;
            Ok(())
        });
        let watched = pseudonyms::watch(
            config.pseudonym_keys,
            Some(key_file.digest()),
            broker.pseudonyms.clone(),
            broker.metrics.clone(),
            stop.clone(),
        );
        tasks.spawn(async move {
            watched.await;
            Ok(())
        });
        Ok(Self { address, admin_address, log_public_key, broker, trust, connections, stop, tasks })
    }

    /// Stops taking calls, lets open answers end for a while, closes the log.
    ///
    /// # Errors
    /// When a listener had failed.
    pub async fn shut_down(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        let mut result = Ok(());
        let drained = tokio::time::timeout(DRAIN, async {
            while let Some(done) = self.tasks.join_next().await {
                if let Ok(Err(error)) = done {
                    result = Err(error);
                }
            }
        });
        if drained.await.is_err() {
            tracing::warn!("open answers were cut after the time to drain");
            self.tasks.abort_all();
            self.connections.cut(|_| true);
        }
        // Answers that were cut, or whose requester went away, still hand over how they ended.
        let all = u32::try_from(self.broker.limits.queries_in_flight).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(SETTLE, self.broker.room.acquire_many(all)).await;
        self.broker.audit.close().await;
        result
    }

    /// Waits until a listener fails.
    ///
    /// # Errors
    /// Its failure.
    pub async fn failed(&mut self) -> anyhow::Result<()> {
        match self.tasks.join_next().await {
            Some(Ok(result)) => result,
            Some(Err(error)) => Err(error).context("a listener ended"),
            None => Ok(()),
        }
    }
}

/// Digests of subjects go when the window ends in which they were counted, whether somebody asks or not.
async fn forget_subjects(broker: Arc<Broker>, stop: CancellationToken) -> anyhow::Result<()> {
    while stop.run_until_cancelled(tokio::time::sleep(FORGET_EVERY)).await.is_some() {
        // A log that cannot be written has said so itself; the next time comes.
        let _ = broker.audit.forget_subjects().await;
    }
    Ok(())
}

/// SERVING only while the gateway can decide, log and reach its store.
async fn watch_health(
    health: tonic_health::server::HealthReporter,
    broker: Arc<Broker>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    use tonic_health::ServingStatus;
    let mut known = None;
    loop {
        let lost = i64::try_from(broker.audit.lost_outcomes()).unwrap_or(i64::MAX);
        broker.metrics.outcomes_lost.set(lost);
        let ready = broker.ready() && !stop.is_cancelled();
        if known != Some(ready) {
            known = Some(ready);
            let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
            for service in ["", "portcullis.query.v1.QueryService"] {
                health.set_service_status(service, status).await;
            }
        }
        if stop.is_cancelled() {
            return Ok(());
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(HEALTH_EVERY) => {}
        }
    }
}

struct Refusals(Arc<Metrics>);

impl HandshakeMetrics for Refusals {
    fn refused(&self, reason: &'static str) {
        self.0.handshakes_refused.get_or_create(&Word { reason: reason.to_owned() }).inc();
    }
}

/// Says which record types agreements wait for.
fn awaited(policy: &Snapshot) {
    for agreement in policy.agreements() {
        for name in agreement.flows.iter().flat_map(|flow| &flow.record_types) {
            if policy.record_type(name).is_none() {
                tracing::warn!(
                    agreement = agreement.id.as_str(),
                    record_type = name.as_str(),
                    "an agreement names a record type that nobody has registered yet"
                );
            }
        }
    }
}

fn record_types(config: &Config) -> anyhow::Result<Vec<Arc<RecordType>>> {
    let own = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    let mut all = vec![];
    for (name, file) in &config.record_types {
        let set = match file {
            None => own.clone(),
            Some(file) => std::fs::read(file)
                .with_context(|| format!("cannot read {}", file.display()))?
                .into(),
        };
        match RecordType::register(&set, name) {
            Ok(record_type) => all.push(Arc::new(record_type)),
            Err(errors) => {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                bail!("record type {name} is refused:\n  {}", lines.join("\n  "));
            }
        }
    }
    Ok(all)
}

/// The keys that the log is kept with.
fn audit_keys(config: &Config) -> anyhow::Result<AuditKeys> {
    let mut agencies = BTreeMap::new();
    for member in &config.members {
        agencies.insert(member.id.clone(), SealPublicKey::read(&member.audit_public_key)?);
    }
    Ok(AuditKeys {
        signer: keys::read_log_key(&config.log_key, &config.name)?,
        gateway: SealPublicKey::read(&config.audit_public_key)?,
        gateway_private: config.audit_key.as_deref().map(SealPrivateKey::read).transpose()?,
        agencies,
    })
}

/// Whose officers' tokens are taken: made out to the gateway's own name.
fn officer_tokens(config: &Config) -> anyhow::Result<OfficerTokens> {
    let mut keys = BTreeMap::new();
    for member in &config.members {
        let own = member.officer_keys.iter().map(|(id, file)| TokenKey::read(id, file));
        keys.insert(member.id.clone(), own.collect::<Result<Vec<_>, _>>()?);
    }
    let limits = config.officer_tokens;
    let (lifetime, skew) = (limits.max_lifetime_seconds, limits.clock_skew_seconds);
    Ok(OfficerTokens::new(&config.name, lifetime, skew, keys))
}

/// Whom the gateway's listener trusts.
fn trust_spec(config: &Config) -> TrustSpec {
    let trust = |member: &Member| AgencyTrust {
        agency: member.id.clone(),
        roots: vec![member.trust_bundle.clone()],
        crls: member.crl.iter().cloned().collect(),
        max_leaf_lifetime: MAX_LEAF_LIFETIME,
    };
    TrustSpec {
        trust_domain: config.trust_domain.clone(),
        agencies: config.members.iter().map(trust).collect(),
        pins: vec![],
        allowed: None,
    }
}

fn connect_sources(config: &Config, clock: &Clock) -> anyhow::Result<SourceSet> {
    let mut sources = SourceSet::default();
    for member in &config.members {
        let Some(source) = &member.source else { continue };
        let identity = ClientIdentity::load(&ClientFiles {
            certificate: config.certificate.clone(),
            key: config.key.clone(),
            roots: vec![member.trust_bundle.clone()],
            crls: member.crl.iter().cloned().collect(),
        })?;
        let expected =
            PeerId::new(&config.trust_domain, member.id.as_str(), source.system.as_str())
                .map_err(|_| anyhow::anyhow!("{}: not a source's name", member.id))?;
        let limits = ConnectLimits {
            connect_timeout: config.limits.source_idle().min(Duration::from_secs(5)),
            ..ConnectLimits::default()
        };
        let expected = ExpectedServer::Spiffe(expected);
        let channel = channel(&source.address, &identity, expected, clock, &limits)?;
        let source = GrpcSource::new(
            member.id.clone(),
            config.environment,
            channel,
            config.limits.source_message_bytes,
        );
        sources.insert(member.id.clone(), Arc::new(source));
    }
    Ok(sources)
}
