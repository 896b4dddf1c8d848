//! Accepts TCP, does the TLS handshakes beside each other, and hands on connections whose peer is known.
//! Bounded everywhere: handshakes at once, time for one, connections in all.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use rustls::{Error as TlsError, InvalidMessage};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::admit::Admission;
use super::credentials::Credentials;
use super::io::PeerIo;
use super::metrics::HandshakeMetrics;
use super::peer::PeerInfo;
use super::refusal::{HandshakeFault, IdentityRefusal};
use super::registry::ConnectionRegistry;
use super::tls::{self, Outcome};
use super::trust::TrustStore;
use crate::clock::Clock;

/// Pause after the system refused to accept (no file descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bounds of a listener.
#[derive(Debug, Clone)]
pub struct AcceptorConfig {
    /// Handshakes at once; more wait in the system's queue.
    pub max_handshakes: usize,
    /// Time for one handshake.
    pub handshake_timeout: Duration,
    /// Time from the handshake to the HTTP/2 preface and first frame header.
    pub preface_timeout: Duration,
    /// Connections at once, handshakes included; one more is closed at once.
    pub max_connections: usize,
}

impl Default for AcceptorConfig {
    fn default() -> Self {
        Self {
            max_handshakes: 1024,
            handshake_timeout: Duration::from_secs(10),
            preface_timeout: Duration::from_secs(10),
            max_connections: 4096,
        }
    }
}

/// Everything a listener needs; each part is shared with whoever reloads it.
#[derive(Clone)]
pub struct Acceptor {
    /// Bounds.
    pub config: AcceptorConfig,
    /// Whom to accept; read anew for every handshake.
    pub trust: TrustStore,
    /// Our certificate; read anew for every handshake.
    pub credentials: Credentials,
    /// Time for certificate dates.
    pub clock: Clock,
    /// Told about each handshake.
    pub metrics: Arc<dyn HandshakeMetrics>,
    /// Where open connections are listed.
    pub registry: ConnectionRegistry,
    /// Cancel it to stop accepting (before the server drains).
    pub stop: CancellationToken,
}

/// Accepted connections. Dropping it stops accepting.
pub struct Incoming(mpsc::Receiver<io::Result<PeerIo>>);

impl Stream for Incoming {
    type Item = io::Result<PeerIo>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// Binds a listener; the caller learns the port from it.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Starts accepting on a listener.
pub fn listen(listener: TcpListener, acceptor: Acceptor) -> Incoming {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(accept_all(listener, Arc::new(acceptor), sender));
    Incoming(receiver)
}

async fn accept_all(
    listener: TcpListener,
    acceptor: Arc<Acceptor>,
    sender: mpsc::Sender<io::Result<PeerIo>>,
) {
    let handshakes = Arc::new(Semaphore::new(acceptor.config.max_handshakes));
    let connections = Arc::new(Semaphore::new(acceptor.config.max_connections));
    // Aborts unfinished handshakes when it is dropped.
    let mut tasks = JoinSet::new();
    loop {
        let next = async {
            let slot = Arc::clone(&handshakes).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
            () = sender.closed() => return,
            () = acceptor.stop.cancelled() => return,
        };
        while tasks.try_join_next().is_some() {}
        let (Ok(slot), Ok((tcp, remote))) = (slot, accepted) else {
            tracing::warn!(target: "portcullis::identity", "the system refused a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(connection) = Arc::clone(&connections).try_acquire_owned() else {
            acceptor.refused(HandshakeFault::TooManyConnections.reason(), remote);
            continue;
        };
        let (acceptor, sender) = (Arc::clone(&acceptor), sender.clone());
        tasks.spawn(async move {
            let io = acceptor.handshake(tcp, remote, connection).await;
            drop(slot);
            if let Some(io) = io {
                let _ = sender.send(Ok(io)).await;
            }
        });
    }
}

impl Acceptor {
    async fn handshake(
        &self,
        tcp: TcpStream,
        remote: SocketAddr,
        connection: OwnedSemaphorePermit,
    ) -> Option<PeerIo> {
        let outcome = Arc::new(Outcome::default());
        let limit = self.config.handshake_timeout;
        let finished = tokio::time::timeout(limit, self.negotiate(tcp, &outcome)).await;
        let (stream, admission) = match finished {
            Ok(Ok(done)) => done,
            Ok(Err(reason)) => return self.refused(reason, remote),
            Err(_) => return self.refused(HandshakeFault::HandshakeTimeout.reason(), remote),
        };
        self.note(&admission, remote);
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default().to_vec();
        let info = match PeerInfo::new(admission, chain, remote) {
            Ok(info) => info,
            Err(refusal) => return self.refused(refusal.reason(), remote),
        };
        let registration = self.registry.register(&info);
        let preface = (self.config.preface_timeout, Arc::clone(&self.metrics));
        Some(PeerIo::new(stream, info, registration, preface, connection))
    }

    async fn negotiate(
        &self,
        tcp: TcpStream,
        outcome: &Arc<Outcome>,
    ) -> Result<(TlsStream<TcpStream>, Admission), &'static str> {
        let failed = HandshakeFault::HandshakeFailed.reason();
        tcp.set_nodelay(true).map_err(|_| failed)?;
        let config =
            tls::server_config(self.trust.snapshot(), &self.credentials, &self.clock, outcome)
                .map_err(|_| failed)?;
        let stream = TlsAcceptor::from(Arc::new(config))
            .accept(tcp)
            .await
            .map_err(|error| reason(&error, outcome))?;
        if stream.get_ref().1.alpn_protocol() != Some(tls::ALPN_H2) {
            return Err(HandshakeFault::AlpnNotHttp2.reason());
        }
        match outcome.verdict() {
            Some(Ok(admission)) => Ok((stream, admission)),
            Some(Err(refusal)) => Err(refusal.reason()),
            // INVARIANT: no handshake ends well without the verifier having been asked.
            None => Err(IdentityRefusal::NoClientCertificate.reason()),
        }
    }

    fn note(&self, admission: &Admission, remote: SocketAddr) {
        match admission {
            Admission::Peer(peer) => {
                self.metrics.accepted();
                tracing::debug!(target: "portcullis::identity", %peer, %remote, "peer accepted");
            }
            Admission::Refused(refusal) => {
                self.metrics.refused(refusal.reason());
                tracing::warn!(
                    target: "portcullis::identity",
                    reason = refusal.reason(), %remote, "peer's name refused"
                );
            }
        }
    }

    fn refused(&self, reason: &'static str, remote: SocketAddr) -> Option<PeerIo> {
        self.metrics.refused(reason);
        tracing::warn!(target: "portcullis::identity", reason, %remote, "connection refused");
        None
    }
}

/// The verifier's word if it gave one, else what the TLS library says.
fn reason(error: &io::Error, outcome: &Outcome) -> &'static str {
    if let Some(Err(refusal)) = outcome.verdict() {
        return refusal.reason();
    }
    let fault = match error.get_ref().and_then(|e| e.downcast_ref::<TlsError>()) {
        Some(TlsError::NoCertificatesPresented) => {
            return IdentityRefusal::NoClientCertificate.reason();
        }
        Some(TlsError::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        )) => HandshakeFault::NotTls,
        Some(TlsError::PeerIncompatible(_)) => HandshakeFault::TlsIncompatible,
        Some(TlsError::NoApplicationProtocol) => HandshakeFault::AlpnNotHttp2,
        _ => HandshakeFault::HandshakeFailed,
    };
    fault.reason()
}
