//! The drill's own door: where those who take part connect, each known by a certificate.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use portcullis::clock::Clock;
use portcullis::identity::{
    Acceptor, AcceptorConfig, AgencyTrust, ConnectionRegistry, Credentials, HandshakeCounters,
    IdentityLayer, Incoming, TrustSpec, TrustStore, bind, listen as listen_on,
};
use portcullis_certs_dev::Identity;
use portcullis_core::id::AgencyId;
use tokio_util::sync::CancellationToken;

/// How long a certificate of somebody who takes part may be good for.
const LIFETIME: Duration = Duration::from_secs(90 * 24 * 3_600);

/// A listener, not yet served.
pub struct Doors {
    /// Where it listens.
    pub address: SocketAddr,
    /// Who connects.
    pub incoming: Incoming,
    /// The check before each call.
    pub layer: IdentityLayer,
    /// Ends it.
    pub stop: CancellationToken,
}

/// Whom an agency's CA vouches for.
pub(super) fn trust(agency: &str, ca: PathBuf, crl: PathBuf) -> AgencyTrust {
    let agency = AgencyId::new(agency);
    AgencyTrust { agency, roots: vec![ca], crls: vec![crl], max_leaf_lifetime: LIFETIME }
}

/// Opens it to people of these agencies; it answers with a certificate of its own.
///
/// # Errors
/// What cannot be loaded or bound.
pub(super) async fn open(
    listen: SocketAddr,
    trust_domain: &str,
    agencies: Vec<AgencyTrust>,
    own: &Identity,
) -> anyhow::Result<Doors> {
    let trust = TrustStore::load(&TrustSpec {
        trust_domain: trust_domain.to_owned(),
        agencies,
        pins: vec![],
        allowed: None,
    })?;
    let listener = bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    let (clock, stop) = (Clock::system(), CancellationToken::new());
    let metrics = Arc::new(HandshakeCounters::default());
    let acceptor = Acceptor {
        config: AcceptorConfig::default(),
        trust: trust.clone(),
        credentials: Credentials::load(&own.certificate, &own.key)?,
        clock: clock.clone(),
        metrics: metrics.clone(),
        registry: ConnectionRegistry::default(),
        stop: stop.clone(),
    };
    let layer = IdentityLayer::new(trust, clock, metrics);
    Ok(Doors { address, incoming: listen_on(listener, acceptor), layer, stop })
}
