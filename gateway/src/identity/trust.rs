//! Whom we trust: per listed agency a bundle, and pinned certificates for CAs that will not issue our
//! names. A snapshot never changes; the store swaps a whole one in, and keeps the last good one when a
//! reload fails (until its revocation lists go stale: then the check refuses by itself).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use portcullis_core::id::AgencyId;

use super::bundle::Bundle;
use super::file::IdentityFileError;
use super::name::{PeerId, is_segment, is_trust_domain};

static GENERATION: AtomicU64 = AtomicU64::new(1);

/// What to load: paths and rules, as configuration gives them.
#[derive(Debug, Clone)]
pub struct TrustSpec {
    /// The one trust domain.
    pub trust_domain: String,
    /// Listed agencies.
    pub agencies: Vec<AgencyTrust>,
    /// Certificates known by fingerprint.
    pub pins: Vec<Pin>,
    /// When given, only these SPIFFE ids may call (a source lists its gateway here).
    pub allowed: Option<Vec<String>>,
}

/// One listed agency.
#[derive(Debug, Clone)]
pub struct AgencyTrust {
    /// Its id.
    pub agency: AgencyId,
    /// PEM files with its CAs. May be empty only for an agency that comes by pins alone.
    pub roots: Vec<PathBuf>,
    /// PEM files with its revocation lists; naming one makes revocation checking mandatory.
    pub crls: Vec<PathBuf>,
    /// Cap on the validity of its certificates.
    pub max_leaf_lifetime: Duration,
}

/// One certificate known by its fingerprint. It is trusted by being listed and distrusted by being taken
/// off the list; its dates, use and lifetime are checked all the same.
#[derive(Debug, Clone)]
pub struct Pin {
    /// SHA-256 of the certificate's DER, lower-case hex.
    pub fingerprint: String,
    /// The agency it stands for; must be listed.
    pub agency: AgencyId,
    /// The system it stands for.
    pub system: String,
}

/// Everything that identity decides on, at one moment.
#[derive(Debug)]
pub struct TrustSnapshot {
    trust_domain: Arc<str>,
    agencies: BTreeMap<AgencyId, Bundle>,
    pinned: BTreeMap<String, PeerId>,
    allowed: Option<BTreeSet<String>>,
    generation: u64,
}

impl TrustSnapshot {
    /// Loads all files and checks every entry; errors name the file or the entry.
    pub fn load(spec: &TrustSpec) -> Result<Self, IdentityFileError> {
        if !is_trust_domain(&spec.trust_domain) {
            return Err(entry(&spec.trust_domain, "not a trust domain"));
        }
        let mut agencies = BTreeMap::new();
        for listed in &spec.agencies {
            let bundle = load_agency(spec, listed)?;
            if agencies.insert(listed.agency.clone(), bundle).is_some() {
                return Err(entry(listed.agency.as_str(), "the agency is listed twice"));
            }
        }
        Ok(Self {
            trust_domain: Arc::from(spec.trust_domain.as_str()),
            pinned: load_pins(spec, &agencies)?,
            allowed: load_allowed(spec)?,
            agencies,
            generation: GENERATION.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// The trust domain of every name.
    pub fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// Listed agencies, sorted.
    pub fn agencies(&self) -> impl Iterator<Item = &AgencyId> {
        self.agencies.keys()
    }

    /// Sets this snapshot apart from every other of the process.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The bundle of an agency.
    pub(crate) fn bundle(&self, agency: &AgencyId) -> Option<&Bundle> {
        self.agencies.get(agency)
    }

    /// All bundles.
    pub(crate) fn bundles(&self) -> impl Iterator<Item = &Bundle> {
        self.agencies.values()
    }

    /// Who stands behind a pinned certificate.
    pub(crate) fn pinned(&self, fingerprint: &str) -> Option<&PeerId> {
        self.pinned.get(fingerprint)
    }

    /// Whether the listener's allow-list, if any, has this name.
    pub(crate) fn allows(&self, peer: &PeerId) -> bool {
        self.allowed.as_ref().is_none_or(|list| list.contains(&*peer.spiffe_id))
    }
}

/// The current snapshot; clones share it.
#[derive(Debug, Clone)]
pub struct TrustStore(Arc<ArcSwap<TrustSnapshot>>);

impl TrustStore {
    /// Starts with a snapshot.
    pub fn new(snapshot: TrustSnapshot) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(snapshot)))
    }

    /// Loads the first snapshot.
    pub fn load(spec: &TrustSpec) -> Result<Self, IdentityFileError> {
        TrustSnapshot::load(spec).map(Self::new)
    }

    /// The current snapshot.
    pub fn snapshot(&self) -> Arc<TrustSnapshot> {
        self.0.load_full()
    }

    /// Swaps a snapshot in; open connections are judged by it from their next RPC on.
    pub fn replace(&self, snapshot: TrustSnapshot) {
        self.0.store(Arc::new(snapshot));
    }

    /// Loads anew; on an error the last good snapshot stays.
    pub fn reload(&self, spec: &TrustSpec) -> Result<(), IdentityFileError> {
        TrustSnapshot::load(spec).map(|fresh| self.replace(fresh))
    }
}

fn load_agency(spec: &TrustSpec, listed: &AgencyTrust) -> Result<Bundle, IdentityFileError> {
    let id = listed.agency.as_str();
    if !is_segment(id) {
        return Err(entry(id, "not an agency id"));
    }
    if listed.roots.is_empty() && !spec.pins.iter().any(|pin| pin.agency == listed.agency) {
        return Err(entry(id, "the agency has neither a CA nor a pinned certificate"));
    }
    Bundle::load(&listed.roots, &listed.crls, listed.max_leaf_lifetime)
}

fn load_pins(
    spec: &TrustSpec,
    agencies: &BTreeMap<AgencyId, Bundle>,
) -> Result<BTreeMap<String, PeerId>, IdentityFileError> {
    let mut pinned = BTreeMap::new();
    for pin in &spec.pins {
        let hex = &pin.fingerprint;
        if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(entry(hex, "a fingerprint is 64 lower-case hex digits"));
        }
        if !agencies.contains_key(&pin.agency) {
            return Err(entry(hex, "the pinned certificate's agency is not listed"));
        }
        let peer = PeerId::new(&spec.trust_domain, pin.agency.as_str(), &pin.system)
            .map_err(|_| entry(hex, "the pinned certificate's system is malformed"))?;
        if pinned.insert(hex.clone(), peer).is_some() {
            return Err(entry(hex, "the certificate is pinned twice"));
        }
    }
    Ok(pinned)
}

fn load_allowed(spec: &TrustSpec) -> Result<Option<BTreeSet<String>>, IdentityFileError> {
    let Some(list) = &spec.allowed else { return Ok(None) };
    let parse = |id: &String| match PeerId::parse(id) {
        Ok(_) => Ok(id.clone()),
        Err(_) => Err(entry(id, "not a SPIFFE id of our grammar")),
    };
    list.iter().map(parse).collect::<Result<BTreeSet<_>, _>>().map(Some)
}

fn entry(entry: &str, what: &'static str) -> IdentityFileError {
    IdentityFileError::Entry { entry: entry.to_owned(), what }
}
