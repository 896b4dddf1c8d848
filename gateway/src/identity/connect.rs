//! The client side of the same rules: a channel to one server whose certificate must carry exactly the
//! expected name. Used by the gateway towards sources and by the command line towards a gateway.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::verify_tls13_signature;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, OtherError,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};
use webpki::EndEntityCert;

use super::admit::single_uri;
use super::bundle::{Bundle, Side};
use super::certificate::read_chain;
use super::credentials::Credentials;
use super::file::IdentityFileError;
use super::name::PeerId;
use super::refusal::IdentityRefusal;
use super::tls::{self, ClockTime};
use crate::clock::Clock;

/// Paths of what a client needs.
#[derive(Debug, Clone)]
pub struct ClientFiles {
    /// Our chain, PEM.
    pub certificate: PathBuf,
    /// Our key, PEM.
    pub key: PathBuf,
    /// CAs that may vouch for the server.
    pub roots: Vec<PathBuf>,
    /// Their revocation lists; naming one makes revocation checking mandatory.
    pub crls: Vec<PathBuf>,
}

/// Our certificate, and whom we believe about the server; both swappable while channels are open.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    credentials: Credentials,
    trust: Arc<ArcSwap<Bundle>>,
}

/// Who must answer.
#[derive(Debug, Clone)]
pub enum ExpectedServer {
    /// The server's certificate has exactly one URI name, and it is this one.
    Spiffe(PeerId),
    /// The server's certificate is valid for this DNS name or IP address.
    Name(String),
}

/// Bounds of a channel.
#[derive(Debug, Clone)]
pub struct ConnectLimits {
    /// TCP and TLS together.
    pub connect_timeout: Duration,
    /// A PING after this much silence while calls are open.
    pub keepalive_interval: Duration,
    /// Close when it is not answered within.
    pub keepalive_timeout: Duration,
    /// Bytes of all headers of an answer.
    pub max_header_list_size: u32,
    /// Flow-control window of a stream: what one call may have under way that nobody reads.
    pub stream_window: u32,
    /// Flow-control window of a connection. Larger than all its streams' together, so that calls that nobody
    /// reads do not hold up the others on the same connection.
    pub connection_window: u32,
}

impl Default for ConnectLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            max_header_list_size: 16 * 1024,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024 * 1024,
        }
    }
}

/// Why there is no channel.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not `host:port`.
    #[error("`{0}` is not an address of the form host:port")]
    Address(String),
    /// Not a DNS name or IP address.
    #[error("`{0}` is not a server name")]
    ServerName(String),
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] IdentityFileError),
    /// The TLS library refuses our settings.
    #[error("the tls settings cannot be used: {0}")]
    Tls(TlsError),
}

impl ConnectError {
    /// One stable word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Address(_) => "CONNECT_ADDRESS_INVALID",
            Self::ServerName(_) => "CONNECT_SERVER_NAME_INVALID",
            Self::File(error) => error.reason(),
            Self::Tls(_) => "CONNECT_TLS_SETTINGS",
        }
    }
}

impl ClientIdentity {
    /// Reads all files.
    pub fn load(files: &ClientFiles) -> Result<Self, IdentityFileError> {
        Ok(Self {
            credentials: Credentials::load(&files.certificate, &files.key)?,
            trust: Arc::new(ArcSwap::from_pointee(load_trust(files)?)),
        })
    }

    /// Reads all files again; the next connection uses them. On an error everything stays as it was.
    pub fn reload(&self, files: &ClientFiles) -> Result<(), IdentityFileError> {
        let trust = load_trust(files)?;
        self.credentials.reload(&files.certificate, &files.key)?;
        self.trust.store(Arc::new(trust));
        Ok(())
    }

    /// The TLS settings for one expected server; `channel` uses them.
    pub fn tls_config(
        &self,
        expected: ExpectedServer,
        clock: &Clock,
    ) -> Result<ClientConfig, ConnectError> {
        let verifier = Verifier { trust: Arc::clone(&self.trust), expected };
        let time = Arc::new(ClockTime(clock.clone()));
        let mut config = ClientConfig::builder_with_details(tls::provider(), time)
            .with_protocol_versions(&[&TLS13])
            .map_err(ConnectError::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(self.credentials.clone()));
        config.alpn_protocols = vec![tls::ALPN_H2.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

/// A channel that connects on first use and again after a loss. `address` is `host:port`. A refused
/// server shows as `UNAVAILABLE`; [`refusal_of`] finds the reason in the error's sources.
pub fn channel(
    address: &str,
    identity: &ClientIdentity,
    expected: ExpectedServer,
    clock: &Clock,
    limits: &ConnectLimits,
) -> Result<Channel, ConnectError> {
    let bad_address = || ConnectError::Address(address.to_owned());
    let uri: Uri = format!("http://{address}").parse().map_err(|_| bad_address())?;
    let origin: Uri = format!("https://{address}").parse().map_err(|_| bad_address())?;
    let (Some(host), Some(_)) = (uri.host(), uri.port_u16()) else { return Err(bad_address()) };
    if uri.path() != "/" || address.contains(['/', '@', '?', '#']) {
        return Err(bad_address());
    }
    let host = host.trim_matches(['[', ']']);
    let wanted = match &expected {
        ExpectedServer::Spiffe(_) => host.to_owned(),
        ExpectedServer::Name(name) => name.clone(),
    };
    let name = ServerName::try_from(wanted.clone())
        .map_err(|_| ConnectError::ServerName(wanted))?
        .to_owned();
    let tls = TlsConnector::from(Arc::new(identity.tls_config(expected, clock)?));
    let (address, within) = (address.to_owned(), limits.connect_timeout);
    let connector = tower::service_fn(move |_: Uri| {
        let (tls, name, address) = (tls.clone(), name.clone(), address.clone());
        async move {
            tokio::time::timeout(within, open(&address, tls, name))
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
                .map(TokioIo::new)
        }
    });
    Ok(Endpoint::from(uri)
        .origin(origin)
        .http2_keep_alive_interval(limits.keepalive_interval)
        .keep_alive_timeout(limits.keepalive_timeout)
        .http2_max_header_list_size(limits.max_header_list_size)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .connect_with_connector_lazy(connector))
}

/// The reason for which *we* refused a server, if that is why a call failed.
pub fn refusal_of(error: &(dyn Error + 'static)) -> Option<IdentityRefusal> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(refusal) = error.downcast_ref::<IdentityRefusal>() {
            return Some(*refusal);
        }
        if let Some(TlsError::InvalidCertificate(CertificateError::Other(other))) =
            error.downcast_ref::<TlsError>()
        {
            return other.0.downcast_ref::<IdentityRefusal>().copied();
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

async fn open(
    address: &str,
    tls: TlsConnector,
    name: ServerName<'static>,
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let stream = tls.connect(name, tcp).await?;
    if stream.get_ref().1.alpn_protocol() != Some(tls::ALPN_H2) {
        return Err(io::Error::other("the server did not negotiate HTTP/2"));
    }
    Ok(stream)
}

fn load_trust(files: &ClientFiles) -> Result<Bundle, IdentityFileError> {
    Bundle::load(&files.roots, &files.crls, Bundle::DEFAULT_MAX_LEAF_LIFETIME)
}

/// Chain, profile, then the one expected name.
struct Verifier {
    trust: Arc<ArcSwap<Bundle>>,
    expected: ExpectedServer,
}

impl Verifier {
    fn check(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<(), IdentityRefusal> {
        let facts = read_chain(chain)?;
        let (Some(first), Some(leaf)) = (chain.first(), facts.first()) else {
            return Err(IdentityRefusal::CertificateMalformed);
        };
        self.trust.load().verify(chain, leaf, Side::Server, tls::moment(now))?;
        match &self.expected {
            ExpectedServer::Spiffe(peer) if single_uri(leaf)? == &*peer.spiffe_id => Ok(()),
            ExpectedServer::Spiffe(_) => Err(IdentityRefusal::NameUnexpected),
            ExpectedServer::Name(name) => {
                let name = ServerName::try_from(name.as_str())
                    .map_err(|_| IdentityRefusal::NameUnexpected)?;
                let end = EndEntityCert::try_from(first)
                    .map_err(|_| IdentityRefusal::CertificateMalformed)?;
                end.verify_is_valid_for_subject_name(&name)
                    .map_err(|_| IdentityRefusal::NameUnexpected)
            }
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({:?})", self.expected)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let chain: Vec<_> = std::iter::once(end_entity).chain(intermediates).cloned().collect();
        self.check(&chain, now)
            .map(|()| ServerCertVerified::assertion())
            .map_err(|refusal| CertificateError::Other(OtherError(Arc::new(refusal))).into())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(TlsError::General("only TLS 1.3 is spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, dss, &tls::signature_algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        tls::signature_algorithms().supported_schemes()
    }
}
