//! Who gets in: the ladder of refusals against the gateway as it is deployed, each with its reason on the
//! wire or, where a handshake cannot carry one, in the metrics and the log.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portcullis::client::{Profile, connect};
use portcullis::clock::Clock;
use portcullis::identity::{AgencyTrust, Credentials, TrustSpec};
use portcullis::source::adapter::{CsvSource, Holder, IdKey, MappingRef, serve};
use portcullis_certs_dev::{BadIdentity, Expect, bad_identities};
use portcullis_core::handling::Environment;
use portcullis_core::id::{AgencyId, Moment};
use portcullis_proto::directory::v1 as directory;
use portcullis_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use portcullis_proto::query::v1 as wire;
use portcullis_tests::capture::Capture;
use portcullis_tests::{Exchange, query, reason, request};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::Channel;
use tonic::{Code, Status};

const DAY: i64 = 24 * 3600;
/// What an HTTP/2 client says first, with empty SETTINGS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fn date(moment: Moment) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(moment.seconds()).unwrap()
}

/// The exchange, and everybody who must not get into it.
async fn with_bad() -> (Exchange, Vec<BadIdentity>) {
    Capture::install();
    let mut exchange = Exchange::sample().await.unwrap();
    let now = date(exchange.clock.now());
    let bad = bad_identities(&mut exchange.world.exchange, now).unwrap();
    reload(&exchange);
    (exchange, bad)
}

/// Reads bundles and revocation lists anew, as the gateway read them at its start.
fn reload(exchange: &Exchange) {
    let certificates = &exchange.world.exchange;
    let agencies = certificates.agencies.iter().filter(|a| a.agency != certificates.gateway_agency);
    let spec = TrustSpec {
        trust_domain: certificates.trust_domain.clone(),
        agencies: agencies
            .map(|files| AgencyTrust {
                agency: AgencyId::new(&files.agency),
                roots: vec![files.ca.clone()],
                crls: vec![files.crl.clone()],
                max_leaf_lifetime: Duration::from_secs(90 * 24 * 3600),
            })
            .collect(),
        pins: vec![],
        allowed: None,
    };
    exchange.gateway.trust.reload(&spec).unwrap();
}

async fn channel_with(exchange: &Exchange, certificate: &Path, key: &Path) -> Channel {
    let mut profile = Profile::load(&exchange.world.profile("nv-customs", "targeting")).unwrap();
    (profile.certificate, profile.key) = (certificate.to_owned(), key.to_owned());
    connect(&profile).await.unwrap()
}

async fn whoami(channel: &Channel) -> Result<directory::WhoamiResponse, Status> {
    let mut client = DirectoryServiceClient::new(channel.clone());
    Ok(client.whoami(directory::WhoamiRequest {}).await?.into_inner())
}

/// Waits until a reason is in the metrics, since the client may hear of a lost connection first.
async fn counted(exchange: &Exchange, reason: &str) {
    for _ in 0..200 {
        if exchange.refused().await.unwrap().contains_key(reason) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{reason} is not among {:?}", exchange.refused().await.unwrap());
}

/// The reason stands in a line of the identity's log behind a mark.
fn logged(mark: usize, reason: &str) {
    let lines = Capture::install().since(mark);
    let told = |line: &&String| {
        line.starts_with("WARN portcullis::identity ") && line.contains(&format!("reason={reason}"))
    };
    assert!(lines.iter().any(|line| told(&line)), "{reason}: {lines:#?}");
}

/// A handshake that the gateway broke off: no status of a server's making. In TLS 1.3 the client is done
/// first, so it hears of it as an alert, as the end of the stream, or as a call that was not sent any more.
fn broken_off(status: &Status) {
    let lost = matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
    assert!(lost && status.details().is_empty(), "{status:?}");
    assert!(std::error::Error::source(status).is_some(), "{status:?}");
}

/// Meets the expectation that comes with a bad identity, in answer, metrics and log.
async fn refuses(exchange: &Exchange, bad: &BadIdentity) -> &'static str {
    let mark = Capture::install().mark();
    let channel = channel_with(exchange, &bad.certificate, &bad.key).await;
    let refused = whoami(&channel).await.unwrap_err();
    let expected = match bad.expect {
        Expect::HandshakeRefused(expected) => {
            broken_off(&refused);
            expected
        }
        Expect::Unauthenticated(expected) => {
            assert_eq!(refused.code(), Code::Unauthenticated, "{}", bad.name);
            assert_eq!(reason(&refused), expected, "{}", bad.name);
            expected
        }
    };
    counted(exchange, expected).await;
    logged(mark, expected);
    expected
}

/// One rung, in an exchange that has seen nobody else.
async fn rung(name: &str, expected: &str) {
    let (exchange, bad) = with_bad().await;
    let bad = bad.iter().find(|bad| bad.name == name).unwrap();
    assert_eq!(refuses(&exchange, bad).await, expected);
    let counts = exchange.refused().await.unwrap();
    assert_eq!(counts.keys().collect::<Vec<_>>(), [expected]);
    exchange.shut_down().await.unwrap();
}

macro_rules! rungs {
    ($($(#[$at:meta])* $test:ident: $name:literal => $reason:literal,)*) => {$(
        $(#[$at])*
        async fn $test() {
            rung($name, $reason).await;
        }
    )*};
}

rungs! {
    #[tokio::test(flavor = "multi_thread")]
    refuses_another_ca_of_the_same_name: "wrong-ca-same-name" => "UNTRUSTED_ISSUER",
    #[tokio::test(flavor = "multi_thread")]
    refuses_an_expired_certificate: "expired" => "CERTIFICATE_EXPIRED",
    #[tokio::test(flavor = "multi_thread")]
    refuses_a_certificate_not_yet_valid: "not-yet-valid" => "CERTIFICATE_NOT_YET_VALID",
    #[tokio::test(flavor = "multi_thread")]
    refuses_a_revoked_certificate: "revoked" => "CERTIFICATE_REVOKED",
    #[tokio::test(flavor = "multi_thread")]
    refuses_a_certificate_without_name: "no-san" => "NAME_MISSING",
    #[tokio::test(flavor = "multi_thread")]
    refuses_a_certificate_with_two_uri_sans: "two-uris" => "NAME_AMBIGUOUS",
    #[tokio::test(flavor = "multi_thread")]
    refuses_another_agencys_namespace: "other-agency" => "NAME_OF_OTHER_AGENCY",
    #[tokio::test(flavor = "multi_thread")]
    refuses_an_unlisted_agency: "unlisted" => "AGENCY_NOT_LISTED",
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_every_bad_identity_as_it_says() {
    let (exchange, bad) = with_bad().await;
    assert!(bad.len() >= 38, "{}", bad.len());
    let mut reasons: Vec<&str> = vec![];
    for bad in &bad {
        reasons.push(refuses(&exchange, bad).await);
    }
    reasons.sort_unstable();
    reasons.dedup();
    let counts = exchange.refused().await.unwrap();
    assert_eq!(counts.keys().map(String::as_str).collect::<Vec<_>>(), reasons);
    // Nothing of it stands in the way of somebody who is listed.
    let channel = exchange.channel("nv-customs", "targeting").await.unwrap();
    assert_eq!(whoami(&channel).await.unwrap().agency, "nv-customs");
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn allows_a_listed_system_and_knows_its_name() {
    let exchange = Exchange::sample().await.unwrap();
    let channel = exchange.channel("sm-customs", "targeting").await.unwrap();
    let me = whoami(&channel).await.unwrap();
    assert_eq!((me.agency.as_str(), me.system.as_str()), ("sm-customs", "targeting"));
    assert_eq!(me.spiffe_id, exchange.world.exchange.spiffe_id("sm-customs", "targeting"));
    assert!(exchange.refused().await.unwrap().is_empty());
    exchange.shut_down().await.unwrap();
}

/// rustls as it comes, trusting the gateway's CA, with a system's certificate or none.
fn stock_client(exchange: &Exchange, system: Option<(&str, &str)>) -> rustls::ClientConfig {
    let certificates = &exchange.world.exchange;
    let mut roots = rustls::RootCertStore::empty();
    let ca = &certificates.agency(&certificates.gateway_agency).unwrap().ca;
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match system {
        None => builder.with_no_client_auth(),
        Some((agency, system)) => {
            let identity = certificates.identity(agency, system).unwrap();
            let chain = CertificateDer::from_pem_file(&identity.certificate).unwrap();
            let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
            builder.with_client_auth_cert(vec![chain], key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

async fn handshake(
    exchange: &Exchange,
    config: Arc<rustls::ClientConfig>,
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let tcp = TcpStream::connect(exchange.gateway.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(config).connect(name, tcp).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_no_certificate() {
    let mark = Capture::install().mark();
    let exchange = Exchange::sample().await.unwrap();
    let mut tls = handshake(&exchange, Arc::new(stock_client(&exchange, None))).await;
    let _ = tls.write_all(PREFACE).await;
    let mut answer = vec![];
    let closed = tokio::time::timeout(Duration::from_secs(5), tls.read_to_end(&mut answer));
    let _ = closed.await.expect("still open");
    assert!(answer.is_empty());
    counted(&exchange, "NO_CLIENT_CERTIFICATE").await;
    logged(mark, "NO_CLIENT_CERTIFICATE");
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cannot_be_resumed() {
    let exchange = Exchange::sample().await.unwrap();
    let mut config = stock_client(&exchange, Some(("sm-customs", "targeting")));
    config.resumption = rustls::client::Resumption::in_memory_sessions(8);
    let config = Arc::new(config);
    for _ in 0..3 {
        let mut tls = handshake(&exchange, config.clone()).await;
        tls.write_all(PREFACE).await.unwrap();
        // The gateway's SETTINGS come behind any ticket.
        tls.read_u8().await.unwrap();
        let connection = tls.get_ref().1;
        assert_eq!(connection.tls13_tickets_received(), 0);
        assert_eq!(connection.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
    exchange.shut_down().await.unwrap();
}

/// A ClientHello as TLS 1.2 has it: no supported_versions, ECDHE with AES-GCM, P-256, ALPN h2.
fn tls12_client_hello() -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_be_bytes();
    let extensions: Vec<u8> = [
        &[0, 10, 0, 4, 0, 2, 0, 23][..],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 6, 0, 4, 4, 3, 8, 4],
        &[0, 16, 0, 5, 0, 3, 2, b'h', b'2'],
    ]
    .concat();
    let mut hello = vec![3, 3];
    hello.extend([9; 32]);
    hello.extend([0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
    hello.extend(length(&extensions));
    hello.extend(extensions);
    let message = [&[1, 0], &length(&hello)[..], &hello].concat();
    [&[22, 3, 1], &length(&message)[..], &message].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_tls_1_2() {
    let mark = Capture::install().mark();
    let exchange = Exchange::sample().await.unwrap();
    let mut tcp = TcpStream::connect(exchange.gateway.address).await.unwrap();
    tcp.write_all(&tls12_client_hello()).await.unwrap();
    let mut answer = vec![];
    let closed = tokio::time::timeout(Duration::from_secs(5), tcp.read_to_end(&mut answer));
    let _ = closed.await.expect("still open");
    // One record and nothing else: alert, fatal, protocol_version.
    assert_eq!((answer[0], &answer[5..]), (21, &[2, 70][..]), "{answer:?}");
    counted(&exchange, "TLS_INCOMPATIBLE").await;
    logged(mark, "TLS_INCOMPATIBLE");
    exchange.shut_down().await.unwrap();
}

/// An exchange whose time the test tells; it starts now, since clients go by the machine's clock.
async fn with_clock() -> (Exchange, Moment) {
    Capture::install();
    let dir = tempfile::tempdir().unwrap();
    let spec = portcullis::command::playground::sample_world(dir.path(), None).unwrap();
    let now = Clock::system().now();
    let exchange = Exchange::build(dir, &spec, Clock::manual(now)).await.unwrap();
    (exchange, now)
}

fn after(now: Moment, seconds: i64) -> Moment {
    Moment::from_seconds(now.seconds() + seconds)
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_when_revocation_data_is_stale() {
    let (exchange, now) = with_clock().await;
    let (issued, next) = (date(now), date(after(now, DAY)));
    exchange.world.exchange.reissue_crl("sm-customs", issued, next).unwrap();
    reload(&exchange);
    let mark = Capture::install().mark();
    let open = exchange.channel("sm-customs", "targeting").await.unwrap();
    whoami(&open).await.unwrap();
    exchange.clock.set(after(now, 2 * DAY));
    // On the open connection with its reason, in a new handshake without.
    assert_eq!(reason(&whoami(&open).await.unwrap_err()), "REVOCATION_DATA_STALE");
    let fresh = exchange.channel("sm-customs", "targeting").await.unwrap();
    broken_off(&whoami(&fresh).await.unwrap_err());
    counted(&exchange, "REVOCATION_DATA_STALE").await;
    logged(mark, "REVOCATION_DATA_STALE");
    let (issued, next) = (date(after(now, 2 * DAY)), date(after(now, 3 * DAY)));
    exchange.world.exchange.reissue_crl("sm-customs", issued, next).unwrap();
    reload(&exchange);
    whoami(&open).await.unwrap();
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_refused_on_the_next_call() {
    let (exchange, now) = with_clock().await;
    let next = date(after(now, 30 * DAY));
    exchange.world.exchange.reissue_crl("sm-customs", date(now), next).unwrap();
    reload(&exchange);
    let open = exchange.channel("sm-customs", "targeting").await.unwrap();
    whoami(&open).await.unwrap();
    exchange.clock.set(after(now, 7 * DAY));
    whoami(&open).await.unwrap();
    exchange.clock.set(after(now, 7 * DAY + 1));
    let mark = Capture::install().mark();
    assert_eq!(reason(&whoami(&open).await.unwrap_err()), "CERTIFICATE_EXPIRED");
    counted(&exchange, "CERTIFICATE_EXPIRED").await;
    logged(mark, "CERTIFICATE_EXPIRED");
    assert_eq!(exchange.gateway.connections.open(), 1);
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_is_refused_on_the_next_call() {
    let (mut exchange, _) = with_bad().await;
    let open = exchange.channel("sm-customs", "targeting").await.unwrap();
    let other = exchange.channel("sm-police", "desk").await.unwrap();
    whoami(&open).await.unwrap();
    whoami(&other).await.unwrap();
    let now = exchange.clock.now();
    let certificates = &mut exchange.world.exchange;
    let serial = certificates.identity("sm-customs", "targeting").unwrap().serial.clone();
    certificates.revoke("sm-customs", &[&serial], date(now), date(after(now, DAY))).unwrap();
    whoami(&open).await.unwrap();
    reload(&exchange);
    let mark = Capture::install().mark();
    assert_eq!(reason(&whoami(&open).await.unwrap_err()), "CERTIFICATE_REVOKED");
    let fresh = exchange.channel("sm-customs", "targeting").await.unwrap();
    broken_off(&whoami(&fresh).await.unwrap_err());
    counted(&exchange, "CERTIFICATE_REVOKED").await;
    logged(mark, "CERTIFICATE_REVOKED");
    whoami(&other).await.unwrap();
    // A query is an RPC like any other.
    let asked = query("Declaration", wire::Purpose::ShipmentTargeting, "");
    let refused = exchange.ask(("sm-customs", "targeting"), request(asked)).await;
    broken_off(&refused.err().unwrap());
    exchange.shut_down().await.unwrap();
}

/// Puts a source with `agency`'s certificate where the gateway expects that of `nv-customs`; the source may
/// have heard that the gateway's certificate is revoked.
async fn answer_of_source(agency: &str, revoked: bool) -> (wire::Completeness, String, usize) {
    let listener = portcullis::identity::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut mapping = None;
    let mut exchange = Exchange::sample_with(|spec| {
        use portcullis::command::playground::WorldSource::{Elsewhere, Files};
        let nv = spec.agencies.iter_mut().find(|agency| agency.id == "nv-customs").unwrap();
        let Some(Files { mappings, .. }) = &nv.source else { panic!("not from files") };
        mapping = Some(mappings[0].file.clone());
        let record_types = vec!["portcullis.record.v1.Declaration".to_owned()];
        nv.source = Some(Elsewhere { address, record_types });
    })
    .await
    .unwrap();
    let holder = Holder {
        agency: AgencyId::new("nv-customs"),
        environment: Environment::Exercise,
        id_key: IdKey::read(&exchange.world.dir.join("keys/nv-customs.id.key")).unwrap(),
        spool_dir: exchange.world.dir.clone(),
    };
    let mapping = MappingRef { file: mapping.unwrap(), data_dir: None };
    let source = CsvSource::load(&holder, &[mapping], None, 64).unwrap();
    let identity = exchange.world.exchange.identity(agency, "source").unwrap();
    let credentials = Credentials::load(&identity.certificate, &identity.key).unwrap();
    if revoked {
        let (now, certificates) = (exchange.clock.now(), &mut exchange.world.exchange);
        let serial = certificates.gateway().unwrap().serial.clone();
        certificates.revoke("exchange", &[&serial], date(now), date(after(now, DAY))).unwrap();
    }
    let incoming = exchange.world.listen_with(listener, credentials, &exchange.clock).unwrap();
    let served = tokio::spawn(serve(source, incoming, std::future::pending()));
    let mut asked = query("Declaration", wire::Purpose::ShipmentTargeting, "");
    asked.sources = vec!["nv-customs".into()];
    let answer = exchange.ask(("sm-customs", "targeting"), request(asked)).await.unwrap();
    served.abort();
    exchange.shut_down().await.unwrap();
    let status = &answer.statuses[0];
    (status.completeness(), status.reason.clone(), answer.records.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_no_source_that_proves_to_be_another_agency() {
    let (completeness, reason, records) = answer_of_source("sm-customs", false).await;
    assert_eq!(completeness, wire::Completeness::Incomplete);
    assert_eq!((reason.as_str(), records), ("SOURCE_UNAVAILABLE", 0));
    // The same source with its own certificate is believed.
    let (completeness, reason, records) = answer_of_source("nv-customs", false).await;
    assert_eq!((completeness, reason.as_str()), (wire::Completeness::Complete, ""));
    assert!(records > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_refuses_the_gateway_counts_as_unavailable() {
    let (completeness, reason, records) = answer_of_source("nv-customs", true).await;
    assert_eq!(completeness, wire::Completeness::Incomplete);
    assert_eq!((reason.as_str(), records), ("SOURCE_UNAVAILABLE", 0));
}
