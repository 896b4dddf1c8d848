//! The TLS profile as a client meets it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::{ClientConfig, Resumption};
use rustls::{HandshakeKind, NamedGroup};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::support::{NOW, World};
use crate::clock::Clock;
use crate::identity::connect::ExpectedServer;
use portcullis_core::id::Moment;

/// A verifier that takes any server: these tests are about the server's demands.
#[derive(Debug)]
struct Anything;

impl rustls::client::danger::ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls_pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// rustls as it comes, with a system's certificate or none.
pub fn stock_client(world: Option<&World>, alpn: &[&[u8]]) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything));
    let mut config = match world {
        None => builder.with_no_client_auth(),
        Some(world) => {
            let identity = world.exchange.identity("alpha", "desk").unwrap();
            let chain = CertificateDer::pem_file_iter(&identity.certificate)
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config
}

/// A handshake to its end, and the client's preface with empty SETTINGS.
pub async fn connect(config: Arc<ClientConfig>, address: SocketAddr) -> TlsStream<TcpStream> {
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(config).connect(name, tcp).await.unwrap()
}

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A client without a certificate; returns when the server has closed.
pub async fn no_certificate(address: SocketAddr) {
    let mut tls = connect(Arc::new(stock_client(None, &[b"h2"])), address).await;
    let mut answer = vec![];
    let _ = tls.write_all(PREFACE).await;
    let closed = tokio::time::timeout(Duration::from_secs(5), tls.read_to_end(&mut answer));
    let _ = closed.await.unwrap();
    assert!(answer.is_empty());
}

#[tokio::test]
async fn chooses_the_post_quantum_hybrid() {
    let world = World::new().await;
    let tls = connect(Arc::new(stock_client(Some(&world), &[b"h2"])), world.address).await;
    let group = tls.get_ref().1.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
    let own = world.identity("alpha", "desk");
    let clock = Clock::manual(Moment::from_seconds(NOW));
    let config = own.tls_config(ExpectedServer::Spiffe(world.gateway_id()), &clock).unwrap();
    assert_eq!(config.crypto_provider().kx_groups[0].name(), NamedGroup::X25519MLKEM768);
}

/// A session cache that remembers whether it was ever given anything.
#[derive(Debug)]
struct Cache {
    inner: rustls::client::ClientSessionMemoryCache,
    tickets: Mutex<usize>,
}

impl rustls::client::ClientSessionStore for Cache {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.inner.set_kx_hint(name, group);
    }
    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.inner.kx_hint(name)
    }
    fn set_tls12_session(
        &self,
        name: ServerName<'static>,
        value: rustls::client::Tls12ClientSessionValue,
    ) {
        self.inner.set_tls12_session(name, value);
    }
    fn tls12_session(
        &self,
        name: &ServerName<'_>,
    ) -> Option<rustls::client::Tls12ClientSessionValue> {
        self.inner.tls12_session(name)
    }
    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.inner.remove_tls12_session(name);
    }
    fn insert_tls13_ticket(
        &self,
        name: ServerName<'static>,
        value: rustls::client::Tls13ClientSessionValue,
    ) {
        *self.tickets.lock().unwrap() += 1;
        self.inner.insert_tls13_ticket(name, value);
    }
    fn take_tls13_ticket(
        &self,
        name: &ServerName<'static>,
    ) -> Option<rustls::client::Tls13ClientSessionValue> {
        self.inner.take_tls13_ticket(name)
    }
}

#[tokio::test]
async fn a_session_is_never_resumed() {
    let world = World::new().await;
    let cache = Arc::new(Cache {
        inner: rustls::client::ClientSessionMemoryCache::new(8),
        tickets: Mutex::new(0),
    });
    let mut config = stock_client(Some(&world), &[b"h2"]);
    config.resumption = Resumption::store(cache.clone());
    let config = Arc::new(config);
    for _ in 0..3 {
        let mut tls = connect(config.clone(), world.address).await;
        tls.write_all(PREFACE).await.unwrap();
        // The server's SETTINGS come after any ticket would have.
        tls.read_u8().await.unwrap();
        assert_ne!(tls.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
    }
    assert_eq!(*cache.tickets.lock().unwrap(), 0);
    assert_eq!(world.counters.count("ACCEPTED"), 3);
}

/// A ClientHello as TLS 1.2 has it: no supported_versions, ECDHE with AES-GCM, P-256.
fn tls12_client_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
    let groups = [0, 10, 0, 4, 0, 2, 0, 23];
    let points = [0, 11, 0, 2, 1, 0];
    let signatures = [0, 13, 0, 6, 0, 4, 4, 3, 8, 4];
    let alpn = [0, 16, 0, 5, 0, 3, 2, b'h', b'2'];
    let extensions = [&groups[..], &points, &signatures, &alpn].concat();
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let length = u16::try_from(body.len()).unwrap();
    let mut record = vec![22, 3, 1];
    record.extend((length + 4).to_be_bytes());
    record.extend([1, 0]);
    record.extend(length.to_be_bytes());
    record.extend(body);
    record
}

async fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(bytes).await.unwrap();
    let mut answer = vec![];
    let closed = tokio::time::timeout(Duration::from_secs(5), tcp.read_to_end(&mut answer));
    let _ = closed.await.unwrap();
    answer
}

#[tokio::test]
async fn refuses_tls_1_2() {
    let world = World::new().await;
    let answer = raw(world.address, &tls12_client_hello()).await;
    // One record: alert, fatal, protocol_version.
    assert_eq!((answer[0], &answer[5..]), (21, &[2, 70][..]), "{answer:?}");
    world.counted("TLS_INCOMPATIBLE").await;
}

#[tokio::test]
async fn refuses_plaintext() {
    let world = World::new().await;
    let answer = raw(world.address, PREFACE).await;
    // At most a TLS alert, never an HTTP/2 frame.
    assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
    world.counted("NOT_TLS").await;
}

#[tokio::test]
async fn refuses_any_protocol_but_http2() {
    let world = World::new().await;
    let name = || ServerName::try_from("localhost").unwrap();
    let http1 = TlsConnector::from(Arc::new(stock_client(Some(&world), &[b"http/1.1"])));
    let tcp = TcpStream::connect(world.address).await.unwrap();
    assert!(http1.connect(name(), tcp).await.is_err());
    world.counted("ALPN_NOT_HTTP2").await;
    let mut none = connect(Arc::new(stock_client(Some(&world), &[])), world.address).await;
    let _ = none.write_all(PREFACE).await;
    let mut answer = vec![];
    let _ = none.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
    assert_eq!(world.counters.count("ALPN_NOT_HTTP2"), 2);
}
