//! Runs a source: behind the TLS acceptor that admits only the configured gateways, or over any stream of
//! connections that somebody else vouches for.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tower::Layer as _;

use super::{CsvSource, Problems, Settings};
use crate::clock::Clock;
use crate::identity::{
    self, Acceptor, AcceptorConfig, ConnectionRegistry, Credentials, HandshakeMetrics,
    IdentityFileError, IdentityLayer, ServerLimits, TrustStore,
};

/// A source that listens.
pub struct Listening {
    /// Where, the port filled in.
    pub address: SocketAddr,
    /// What it serves.
    pub source: CsvSource,
    /// Whom it admits; swap it to admit others.
    pub trust: TrustStore,
    /// Its certificate; reload it before it expires.
    pub credentials: Credentials,
    /// Ends after `stop` was cancelled and what ran has finished.
    pub done: JoinHandle<Result<(), tonic::transport::Error>>,
}

/// Why a source does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Mappings or data.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// Certificates, keys, revocation lists.
    #[error(transparent)]
    Identity(#[from] IdentityFileError),
    /// The address is taken or not ours.
    #[error("cannot listen on `{0}`: {1}")]
    Listen(SocketAddr, std::io::Error),
}

impl StartError {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Problems(_) => "SOURCE_DATA_REFUSED",
            Self::Identity(error) => error.reason(),
            Self::Listen(..) => "SOURCE_CANNOT_LISTEN",
        }
    }
}

/// Loads everything and starts to listen; nothing is served before all of it is in order.
///
/// # Errors
/// See [`StartError`].
pub async fn start(
    settings: Settings,
    clock: Clock,
    metrics: Arc<dyn HandshakeMetrics>,
    stop: CancellationToken,
) -> Result<Listening, StartError> {
    let trust = TrustStore::load(&settings.trust)?;
    let credentials = Credentials::load(&settings.credentials.0, &settings.credentials.1)?;
    let listen = settings.listen;
    let Settings { holder, mappings, allow, limits, .. } = settings;
    let source = CsvSource::open(&holder, &mappings, allow, limits, clock.clone()).await?;
    let failed = |error| StartError::Listen(listen, error);
    let listener = identity::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let acceptor = Acceptor {
        config: AcceptorConfig::default(),
        trust: trust.clone(),
        credentials: credentials.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        registry: ConnectionRegistry::default(),
        stop: stop.clone(),
    };
    let service =
        IdentityLayer::new(trust.clone(), clock, metrics).layer(source.clone().into_service());
    let server = ServerLimits::default().apply(Server::builder());
    let incoming = identity::listen(listener, acceptor);
    let done = tokio::spawn(async move {
        server.serve_with_incoming_shutdown(service, incoming, stop.cancelled_owned()).await
    });
    Ok(Listening { address, source, trust, credentials, done })
}

/// Serves over connections that somebody else vouches for, until `shutdown`, then finishes what runs.
///
/// # Errors
/// What the transport says.
pub async fn serve<I, C, E>(
    source: CsvSource,
    incoming: I,
    shutdown: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error>
where
    I: Stream<Item = Result<C, E>>,
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    C::ConnectInfo: Clone + Send + Sync + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    ServerLimits::default()
        .apply(Server::builder())
        .serve_with_incoming_shutdown(source.into_service(), incoming, shutdown)
        .await
}
