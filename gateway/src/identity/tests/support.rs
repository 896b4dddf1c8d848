//! A generated exchange, a health service behind the acceptor, and clients towards it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portcullis_certs_dev::{AgencyFiles, BadIdentity, Exchange, ExchangeSpec, bad_identities};
use portcullis_core::id::{AgencyId, Moment};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Server};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::clock::Clock;
use crate::identity::connect::{
    ClientFiles, ClientIdentity, ConnectLimits, ExpectedServer, channel,
};
use crate::identity::{
    Acceptor, AcceptorConfig, AgencyTrust, Bundle, ConnectionRegistry, Credentials,
    HandshakeCounters, IdentityLayer, PeerId, ServerLimits, TrustSpec, TrustStore, bind, listen,
};

/// The moment at which everything was issued.
pub const NOW: i64 = 1_800_000_000;
pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;

/// The world: files, trust, clock, and a gateway that is up.
pub struct World {
    pub exchange: Exchange,
    pub bad: Vec<BadIdentity>,
    pub clock: Clock,
    pub trust: TrustStore,
    pub counters: Arc<HandshakeCounters>,
    pub registry: ConnectionRegistry,
    pub address: SocketAddr,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

pub fn date(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

impl World {
    pub async fn new() -> Self {
        Self::with(AcceptorConfig::default(), ServerLimits::default()).await
    }

    pub async fn with(config: AcceptorConfig, limits: ServerLimits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let spec = ExchangeSpec::new(&["alpha", "alphabet", "beta"]);
        let mut exchange = Exchange::generate(dir.path(), &spec, date(NOW)).unwrap();
        let bad = bad_identities(&mut exchange, date(NOW)).unwrap();
        let clock = Clock::manual(Moment::from_seconds(NOW));
        let trust = TrustStore::load(&trust_spec(&exchange)).unwrap();
        let counters = Arc::new(HandshakeCounters::default());
        let registry = ConnectionRegistry::default();
        let stop = CancellationToken::new();
        let gateway = exchange.gateway().unwrap();
        let acceptor = Acceptor {
            config,
            trust: trust.clone(),
            credentials: Credentials::load(&gateway.certificate, &gateway.key).unwrap(),
            clock: clock.clone(),
            metrics: counters.clone(),
            registry: registry.clone(),
            stop: stop.clone(),
        };
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let layer = IdentityLayer::new(trust.clone(), clock.clone(), counters.clone());
        let (_, health) = tonic_health::server::health_reporter();
        let server = limits.apply(Server::builder()).layer(layer).serve_with_incoming_shutdown(
            health,
            listen(listener, acceptor),
            stop.clone().cancelled_owned(),
        );
        tokio::spawn(server);
        Self { exchange, bad, clock, trust, counters, registry, address, stop, _dir: dir }
    }

    pub fn bad(&self, name: &str) -> &BadIdentity {
        self.bad.iter().find(|bad| bad.name == name).unwrap()
    }

    pub fn client(&self, certificate: &Path, key: &Path) -> ClientIdentity {
        let roots = vec![self.exchange.agency("exchange").unwrap().ca.clone()];
        let files =
            ClientFiles { certificate: certificate.into(), key: key.into(), roots, crls: vec![] };
        ClientIdentity::load(&files).unwrap()
    }

    /// A system's own certificate.
    pub fn identity(&self, agency: &str, system: &str) -> ClientIdentity {
        let identity = self.exchange.identity(agency, system).unwrap();
        self.client(&identity.certificate, &identity.key)
    }

    pub fn gateway_id(&self) -> PeerId {
        PeerId::parse(&self.exchange.gateway().unwrap().spiffe_id).unwrap()
    }

    pub fn channel(&self, identity: &ClientIdentity) -> Channel {
        // The client's clock stands still: only the server's is turned.
        let clock = Clock::manual(Moment::from_seconds(NOW));
        let expected = ExpectedServer::Spiffe(self.gateway_id());
        let address = self.address.to_string();
        channel(&address, identity, expected, &clock, &ConnectLimits::default()).unwrap()
    }

    pub async fn call(&self, identity: &ClientIdentity) -> Result<(), Status> {
        check(&self.channel(identity)).await
    }

    pub fn set_clock(&self, seconds: i64) {
        self.clock.set(Moment::from_seconds(seconds));
    }

    /// Loads trust anew from the files.
    pub fn reload(&self) {
        self.trust.reload(&trust_spec(&self.exchange)).unwrap();
    }

    /// Waits until a reason was counted; fails with all counts after two seconds.
    pub async fn counted(&self, reason: &str) {
        for _ in 0..200 {
            if self.counters.count(reason) > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{reason} was not counted: {:?}", self.counters.snapshot());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Trust in every agency of an exchange, revocation lists included.
pub fn trust_spec(exchange: &Exchange) -> TrustSpec {
    TrustSpec {
        trust_domain: exchange.trust_domain.clone(),
        agencies: exchange.agencies.iter().map(agency_trust).collect(),
        pins: vec![],
        allowed: None,
    }
}

pub fn agency_trust(files: &AgencyFiles) -> AgencyTrust {
    AgencyTrust {
        agency: AgencyId::new(&files.agency),
        roots: vec![files.ca.clone()],
        crls: vec![files.crl.clone()],
        max_leaf_lifetime: Bundle::DEFAULT_MAX_LEAF_LIFETIME,
    }
}

/// One RPC.
pub async fn check(channel: &Channel) -> Result<(), Status> {
    let request = HealthCheckRequest { service: String::new() };
    HealthClient::new(channel.clone()).check(request).await.map(drop)
}

/// The reason an `UNAUTHENTICATED` answer gives.
pub fn reason(status: &Status) -> String {
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.domain, "portcullis");
    assert!(info.metadata.is_empty());
    assert_eq!(status.message(), "the caller's identity is not accepted");
    info.reason
}
