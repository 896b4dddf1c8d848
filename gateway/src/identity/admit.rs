//! The decision itself: which identity, if any, a certificate chain proves under one snapshot at one
//! moment. Pure; the handshake and every RPC ask the same function.

use portcullis_core::id::{Digest, Moment};
use rustls_pki_types::CertificateDer;

use super::bundle::{Side, profile};
use super::certificate::{Certificate, read_chain};
use super::name::PeerId;
use super::refusal::{IdentityRefusal, Tier};
use super::trust::TrustSnapshot;

/// What a sound certificate of a listed agency says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Who it is.
    Peer(PeerId),
    /// It comes from a listed agency but its name is refused; the reason is of [`Tier::Request`].
    Refused(IdentityRefusal),
}

/// Judges a client's chain, leaf first. An error is a fault of [`Tier::Handshake`].
pub fn admit(
    trust: &TrustSnapshot,
    chain: &[CertificateDer<'_>],
    now: Moment,
) -> Result<Admission, IdentityRefusal> {
    let facts = read_chain(chain)?;
    let (Some(first), Some(leaf)) = (chain.first(), facts.first()) else {
        return Err(IdentityRefusal::NoClientCertificate);
    };
    if let Some(peer) = trust.pinned(&Digest::of(first).to_string()) {
        pinned(trust, peer, leaf, now)?;
        return Ok(allowed(trust, peer.clone()));
    }
    match name(trust, leaf) {
        Ok(peer) => named(trust, chain, leaf, peer, now),
        Err(fault) => anyone(trust, chain, leaf, now).map(|()| Admission::Refused(fault)),
    }
}

/// The seconds between which a verdict holds: from the last moment at which it could have changed to the
/// next one. Certificate dates and the next updates of all revocation lists are such moments; each second
/// after one as well, since some bounds are inclusive and some are not.
pub(crate) fn window(
    trust: &TrustSnapshot,
    chain: &[CertificateDer<'_>],
    now: Moment,
) -> Result<(i64, i64), IdentityRefusal> {
    let facts = read_chain(chain)?;
    let dates = facts.iter().flat_map(|c| [c.not_before, c.not_after]);
    let updates = trust.bundles().flat_map(|b| b.next_updates().iter().copied());
    let now = now.seconds();
    let (mut from, mut until) = (i64::MIN, i64::MAX);
    for edge in dates.chain(updates).flat_map(|at| [at, at.saturating_add(1)]) {
        if edge <= now {
            from = from.max(edge);
        } else {
            until = until.min(edge);
        }
    }
    Ok((from, until))
}

/// The one name a leaf carries.
pub(crate) fn single_uri(leaf: &Certificate) -> Result<&str, IdentityRefusal> {
    match leaf.uris.as_slice() {
        [] => Err(IdentityRefusal::NameMissing),
        [Some(uri)] => Ok(uri),
        [None] => Err(IdentityRefusal::NameMalformed),
        _ => Err(IdentityRefusal::NameAmbiguous),
    }
}

fn name(trust: &TrustSnapshot, leaf: &Certificate) -> Result<PeerId, IdentityRefusal> {
    let uri = single_uri(leaf)?;
    let peer = PeerId::parse(uri).map_err(|_| IdentityRefusal::NameMalformed)?;
    if *peer.trust_domain != *trust.trust_domain() {
        return Err(IdentityRefusal::NameOfOtherDomain);
    }
    Ok(peer)
}

/// A well-formed name: its own agency's bundle must vouch for it. When only another's does, the owner of
/// that other bundle is known, and is told that the name is not its own.
fn named(
    trust: &TrustSnapshot,
    chain: &[CertificateDer<'_>],
    leaf: &Certificate,
    peer: PeerId,
    now: Moment,
) -> Result<Admission, IdentityRefusal> {
    let own = match trust.bundle(&peer.agency) {
        None => Err(IdentityRefusal::AgencyNotListed),
        Some(bundle) => bundle.verify(chain, leaf, Side::Client, now),
    };
    match own {
        Ok(()) => Ok(allowed(trust, peer)),
        Err(fault @ (IdentityRefusal::UntrustedIssuer | IdentityRefusal::AgencyNotListed)) => {
            match anyone(trust, chain, leaf, now) {
                Ok(()) => Ok(Admission::Refused(IdentityRefusal::NameOfOtherAgency)),
                Err(IdentityRefusal::UntrustedIssuer) => Err(fault),
                Err(other) => Err(other),
            }
        }
        Err(fault) => Err(fault),
    }
}

/// Whether any listed agency vouches for the chain; otherwise the most telling fault.
fn anyone(
    trust: &TrustSnapshot,
    chain: &[CertificateDer<'_>],
    leaf: &Certificate,
    now: Moment,
) -> Result<(), IdentityRefusal> {
    let mut worst = IdentityRefusal::UntrustedIssuer;
    for bundle in trust.bundles() {
        match bundle.verify(chain, leaf, Side::Client, now) {
            Ok(()) => return Ok(()),
            Err(IdentityRefusal::UntrustedIssuer) => {}
            Err(fault) => worst = fault,
        }
    }
    Err(worst)
}

/// A pinned leaf needs no issuer, but its dates, use and lifetime count.
fn pinned(
    trust: &TrustSnapshot,
    peer: &PeerId,
    leaf: &Certificate,
    now: Moment,
) -> Result<(), IdentityRefusal> {
    let bundle = trust.bundle(&peer.agency).ok_or(IdentityRefusal::AgencyNotListed)?;
    if now.seconds() < leaf.not_before {
        return Err(IdentityRefusal::CertificateNotYetValid);
    }
    if now.seconds() > leaf.not_after {
        return Err(IdentityRefusal::CertificateExpired);
    }
    profile(leaf, Side::Client, bundle.max_leaf_lifetime())
}

fn allowed(trust: &TrustSnapshot, peer: PeerId) -> Admission {
    if trust.allows(&peer) {
        Admission::Peer(peer)
    } else {
        Admission::Refused(IdentityRefusal::PeerNotAllowed)
    }
}

impl Admission {
    /// The peer or the reason.
    pub fn into_result(self) -> Result<PeerId, IdentityRefusal> {
        match self {
            Self::Peer(peer) => Ok(peer),
            Self::Refused(reason) => {
                debug_assert_eq!(reason.tier(), Tier::Request);
                Err(reason)
            }
        }
    }
}
