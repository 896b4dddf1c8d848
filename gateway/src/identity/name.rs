//! The one grammar of a peer's name: `spiffe://<trust-domain>/agency/<agency>/system/<system>`, byte for
//! byte. Nothing is decoded, folded, trimmed or normalised before it is compared.

use std::fmt;
use std::sync::Arc;

use portcullis_core::id::{AgencyId, SystemId};

/// Longest agency or system segment.
const MAX_SEGMENT: usize = 63;
/// Longest trust domain (as a DNS name).
const MAX_TRUST_DOMAIN: usize = 253;

/// Who a peer is, proved by its certificate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId {
    /// The agency.
    pub agency: AgencyId,
    /// Its system.
    pub system: SystemId,
    /// The trust domain; exercise and production have different ones.
    pub trust_domain: Arc<str>,
    /// The whole name, as it stands in the certificate.
    pub spiffe_id: Arc<str>,
}

/// Why a text is not a peer's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// Not `spiffe://` in exactly these bytes.
    #[error("the name does not begin with spiffe://")]
    Scheme,
    /// Empty, too long, or a byte outside `[a-z0-9.-]`, or an empty label.
    #[error("the trust domain is not made of a-z, 0-9, dots and hyphens")]
    TrustDomain,
    /// Not exactly `/agency/<agency>/system/<system>`.
    #[error("the path is not /agency/<agency>/system/<system>")]
    Path,
    /// A segment that is empty, longer than 63, or has a byte outside `[a-z0-9-]`.
    #[error("an agency or system is not 1 to 63 of a-z, 0-9 and hyphen")]
    Segment,
}

impl PeerId {
    /// Reads a name. Any deviation from the grammar is an error; there is no second spelling of a name.
    pub fn parse(uri: &str) -> Result<Self, NameFault> {
        let rest = uri.strip_prefix("spiffe://").ok_or(NameFault::Scheme)?;
        let (trust_domain, path) = rest.split_once('/').ok_or(NameFault::Path)?;
        if !is_trust_domain(trust_domain) {
            return Err(NameFault::TrustDomain);
        }
        let mut parts = path.split('/');
        let (Some("agency"), Some(agency), Some("system"), Some(system), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NameFault::Path);
        };
        if !is_segment(agency) || !is_segment(system) {
            return Err(NameFault::Segment);
        }
        Ok(Self {
            agency: AgencyId::new(agency),
            system: SystemId::new(system),
            trust_domain: Arc::from(trust_domain),
            spiffe_id: Arc::from(uri),
        })
    }

    /// Builds a name from its parts, under the same grammar.
    pub fn new(trust_domain: &str, agency: &str, system: &str) -> Result<Self, NameFault> {
        Self::parse(&format!("spiffe://{trust_domain}/agency/{agency}/system/{system}"))
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spiffe_id)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spiffe_id)
    }
}

/// `[a-z0-9-]{1,63}`.
pub(crate) fn is_segment(text: &str) -> bool {
    (1..=MAX_SEGMENT).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Dot-separated, non-empty labels of `[a-z0-9-]`, at most 253 bytes.
pub(crate) fn is_trust_domain(text: &str) -> bool {
    text.len() <= MAX_TRUST_DOMAIN && text.split('.').all(is_segment)
}
