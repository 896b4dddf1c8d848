//! What a connection knows of its peer, and the check that every RPC repeats.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use portcullis_core::id::{Digest, Moment};
use rustls_pki_types::CertificateDer;

use super::admit::{Admission, admit, window};
use super::certificate::Certificate;
use super::name::PeerId;
use super::refusal::IdentityRefusal;
use super::trust::TrustSnapshot;

/// The peer of one connection; clones share it. tonic puts it into every request's extensions.
#[derive(Clone)]
pub struct PeerInfo(Arc<PeerFacts>);

/// What the handshake established.
pub struct PeerFacts {
    /// Who it was at the handshake, or why its name was refused. For decisions ask [`check_peer`].
    pub peer: Result<PeerId, IdentityRefusal>,
    /// SHA-256 of the leaf's DER, lower-case hex.
    pub fingerprint: String,
    /// First moment of the leaf's validity.
    pub not_before: Moment,
    /// Last second of the leaf's validity.
    pub not_after: Moment,
    /// The leaf's serial number, lower-case hex.
    pub serial: String,
    /// The leaf's issuer, DER.
    pub issuer: Vec<u8>,
    /// Where it connects from.
    pub remote: SocketAddr,
    chain: Vec<CertificateDer<'static>>,
    verdict: Mutex<Option<Verdict>>,
}

/// A verdict and how long it holds: for one snapshot, within `[from, until)` seconds.
#[derive(Clone)]
struct Verdict {
    generation: u64,
    from: i64,
    until: i64,
    peer: Result<Arc<PeerId>, IdentityRefusal>,
}

impl PeerInfo {
    /// From a finished handshake.
    pub(crate) fn new(
        admission: Admission,
        chain: Vec<CertificateDer<'static>>,
        remote: SocketAddr,
    ) -> Result<Self, IdentityRefusal> {
        let first = chain.first().ok_or(IdentityRefusal::NoClientCertificate)?;
        let leaf = Certificate::read(first)?;
        Ok(Self(Arc::new(PeerFacts {
            peer: admission.into_result(),
            fingerprint: Digest::of(first).to_string(),
            not_before: Moment::from_seconds(leaf.not_before),
            not_after: Moment::from_seconds(leaf.not_after),
            serial: hex::encode(&leaf.serial),
            issuer: leaf.issuer,
            remote,
            chain,
            verdict: Mutex::new(None),
        })))
    }
}

impl Deref for PeerInfo {
    type Target = PeerFacts;

    fn deref(&self) -> &PeerFacts {
        &self.0
    }
}

impl fmt::Debug for PeerInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerInfo")
            .field("peer", &self.peer)
            .field("fingerprint", &self.fingerprint)
            .field("serial", &self.serial)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

/// Who the peer is *now*: dates, revocation and its freshness, bundle, pin, name and allow-list, all
/// again. A verdict is reused only for the same snapshot and before the next moment at which a date could
/// change it; a clock that steps back leaves the window and asks anew.
pub fn check_peer(
    trust: &TrustSnapshot,
    info: &PeerInfo,
    now: Moment,
) -> Result<Arc<PeerId>, IdentityRefusal> {
    let seconds = now.seconds();
    let mut cached = info.verdict.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(verdict) = cached.as_ref()
        && verdict.generation == trust.generation()
        && (verdict.from..verdict.until).contains(&seconds)
    {
        return verdict.peer.clone();
    }
    let peer = admit(trust, &info.chain, now).and_then(Admission::into_result).map(Arc::new);
    let (from, until) = window(trust, &info.chain, now)?;
    *cached = Some(Verdict { generation: trust.generation(), from, until, peer: peer.clone() });
    peer
}
