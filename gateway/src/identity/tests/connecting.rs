//! The client's own demands on a server.

use std::path::PathBuf;
use std::sync::Arc;

use portcullis_core::id::Moment;
use tonic::{Code, Status};

use super::support::{DAY, NOW, World, check, date};
use crate::clock::Clock;
use crate::identity::connect::{
    ClientFiles, ClientIdentity, ConnectError, ConnectLimits, ExpectedServer, channel, refusal_of,
};
use crate::identity::{IdentityRefusal, PeerId};

struct Call<'a> {
    world: &'a World,
    roots: Vec<PathBuf>,
    crls: Vec<PathBuf>,
    expected: ExpectedServer,
    at: i64,
}

impl<'a> Call<'a> {
    fn new(world: &'a World) -> Self {
        Self {
            world,
            roots: vec![world.exchange.agency("exchange").unwrap().ca.clone()],
            crls: vec![world.exchange.agency("exchange").unwrap().crl.clone()],
            expected: ExpectedServer::Spiffe(world.gateway_id()),
            at: NOW,
        }
    }

    async fn run(self) -> Result<(), Status> {
        let own = self.world.exchange.identity("alpha", "desk").unwrap();
        let files = ClientFiles {
            certificate: own.certificate.clone(),
            key: own.key.clone(),
            roots: self.roots,
            crls: self.crls,
        };
        let identity = ClientIdentity::load(&files).unwrap();
        let clock = Clock::manual(Moment::from_seconds(self.at));
        let address = self.world.address.to_string();
        let limits = ConnectLimits::default();
        check(&channel(&address, &identity, self.expected, &clock, &limits).unwrap()).await
    }
}

fn refusal(result: Result<(), Status>) -> IdentityRefusal {
    let status = result.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    refusal_of(&status).unwrap_or_else(|| panic!("no refusal in {status:?}"))
}

#[tokio::test]
async fn accepts_the_expected_server() {
    let world = World::new().await;
    Call::new(&world).run().await.unwrap();
    for name in ["localhost", "127.0.0.1", "::1"] {
        let expected = ExpectedServer::Name(name.into());
        Call { expected, ..Call::new(&world) }.run().await.unwrap();
    }
}

#[tokio::test]
async fn refuses_another_name() {
    let world = World::new().await;
    for id in ["gateway2", "gatewa", "desk"] {
        let peer = PeerId::new(&world.exchange.trust_domain, "exchange", id).unwrap();
        let call = Call { expected: ExpectedServer::Spiffe(peer), ..Call::new(&world) };
        assert_eq!(refusal(call.run().await), IdentityRefusal::NameUnexpected);
    }
    let expected = ExpectedServer::Name("gateway.example".into());
    let call = Call { expected, ..Call::new(&world) };
    assert_eq!(refusal(call.run().await), IdentityRefusal::NameUnexpected);
}

#[tokio::test]
async fn refuses_another_ca() {
    let world = World::new().await;
    let roots = vec![world.exchange.agency("alpha").unwrap().ca.clone()];
    let call = Call { roots, ..Call::new(&world) };
    assert_eq!(refusal(call.run().await), IdentityRefusal::UntrustedIssuer);
}

#[tokio::test]
async fn refuses_dates_and_revocation() {
    let mut world = World::new().await;
    let late = Call { at: NOW + 8 * DAY, crls: vec![], ..Call::new(&world) };
    assert_eq!(refusal(late.run().await), IdentityRefusal::CertificateExpired);
    let stale = Call { at: NOW + 2 * DAY, ..Call::new(&world) };
    assert_eq!(refusal(stale.run().await), IdentityRefusal::RevocationDataStale);
    let serial = world.exchange.gateway().unwrap().serial.clone();
    world.exchange.revoke("exchange", &[&serial], date(NOW), date(NOW + DAY)).unwrap();
    assert_eq!(refusal(Call::new(&world).run().await), IdentityRefusal::CertificateRevoked);
}

#[tokio::test]
async fn refuses_a_client_certificate_as_server() {
    use crate::identity::{
        Acceptor, AcceptorConfig, ConnectionRegistry, Credentials, HandshakeCounters, bind, listen,
    };
    let world = World::new().await;
    let desk = world.exchange.identity("beta", "desk").unwrap();
    let acceptor = Acceptor {
        config: AcceptorConfig::default(),
        trust: world.trust.clone(),
        credentials: Credentials::load(&desk.certificate, &desk.key).unwrap(),
        clock: world.clock.clone(),
        metrics: Arc::new(HandshakeCounters::default()),
        registry: ConnectionRegistry::default(),
        stop: tokio_util::sync::CancellationToken::new(),
    };
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let _incoming = listen(listener, acceptor);
    let own = world.exchange.identity("alpha", "desk").unwrap();
    let files = ClientFiles {
        certificate: own.certificate.clone(),
        key: own.key.clone(),
        roots: vec![world.exchange.agency("beta").unwrap().ca.clone()],
        crls: vec![],
    };
    let identity = ClientIdentity::load(&files).unwrap();
    let expected = ExpectedServer::Spiffe(PeerId::parse(&desk.spiffe_id).unwrap());
    let limits = ConnectLimits::default();
    let channel = channel(&address, &identity, expected, &world.clock, &limits).unwrap();
    assert_eq!(refusal(check(&channel).await), IdentityRefusal::KeyUsageMissing);
}

#[tokio::test]
async fn refuses_an_address_that_is_none() {
    let world = World::new().await;
    let identity = world.identity("alpha", "desk");
    let limits = ConnectLimits::default();
    for address in ["", "localhost", "localhost:", "http://localhost:1", "a b:1", "u@h:1", "h:1/x"]
    {
        let expected = ExpectedServer::Spiffe(world.gateway_id());
        let error = channel(address, &identity, expected, &world.clock, &limits).unwrap_err();
        assert!(matches!(error, ConnectError::Address(_)), "{address}: {error}");
    }
}
