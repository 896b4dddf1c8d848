//! One agency's trust bundle: its CAs, its revocation lists, its lifetime cap. Checks a chain against
//! exactly this bundle. A CA's own dates are not checked (it is trusted by being listed); those of
//! intermediates are.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::id::Moment;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::certificate::Certificate;
use super::file::{self, IdentityFileError, malformed};
use super::refusal::IdentityRefusal;
use super::tls;

/// id-kp-clientAuth, 1.3.6.1.5.5.7.3.2.
const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
/// id-kp-serverAuth, 1.3.6.1.5.5.7.3.1.
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];

/// Which side of a connection a certificate stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// It calls.
    Client,
    /// It is called.
    Server,
}

/// CAs, revocation lists and lifetime cap of one agency.
pub struct Bundle {
    anchors: Vec<TrustAnchor<'static>>,
    crls: Vec<CertRevocationList<'static>>,
    next_updates: Vec<i64>,
    max_leaf_lifetime: Duration,
}

impl Bundle {
    /// Default cap on a leaf's validity.
    pub const DEFAULT_MAX_LEAF_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);

    /// Loads a bundle. Naming at least one revocation list makes revocation checking mandatory for every
    /// certificate of a chain. A list without a next update, or of an issuer that is not in `roots` and
    /// is not one of its intermediates, cannot vouch for anything and is refused at the check.
    pub fn load(
        roots: &[PathBuf],
        crls: &[PathBuf],
        max_leaf_lifetime: Duration,
    ) -> Result<Self, IdentityFileError> {
        let mut bundle =
            Self { anchors: vec![], crls: vec![], next_updates: vec![], max_leaf_lifetime };
        for path in roots {
            for certificate in file::certificates(path)? {
                bundle.anchors.push(anchor(path, &certificate)?);
            }
        }
        for path in crls {
            for list in file::revocation_lists(path)? {
                bundle.next_updates.push(next_update(path, &list)?);
                let parsed = OwnedCertRevocationList::from_der(&list)
                    .map_err(|_| malformed(path, "not a revocation list we understand"))?;
                bundle.crls.push(parsed.into());
            }
        }
        Ok(bundle)
    }

    /// How many CAs it holds.
    pub fn roots(&self) -> usize {
        self.anchors.len()
    }

    /// Moments (seconds) at which its revocation lists go stale.
    pub(crate) fn next_updates(&self) -> &[i64] {
        &self.next_updates
    }

    /// The cap on a leaf's validity.
    pub(crate) fn max_leaf_lifetime(&self) -> Duration {
        self.max_leaf_lifetime
    }

    /// Checks dates, signatures, uses and revocation of a whole chain, and the leaf's profile.
    pub(crate) fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        leaf: &Certificate,
        side: Side,
        now: Moment,
    ) -> Result<(), IdentityRefusal> {
        let (first, intermediates) =
            chain.split_first().ok_or(IdentityRefusal::NoClientCertificate)?;
        let end = EndEntityCert::try_from(first).map_err(refusal)?;
        let crls: Vec<&CertRevocationList<'_>> = self.crls.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&crls).ok().map(|builder| {
            builder
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        let usage = KeyUsage::required(match side {
            Side::Client => CLIENT_AUTH,
            Side::Server => SERVER_AUTH,
        });
        let algorithms = tls::signature_algorithms().all;
        let time = unix_time(now);
        end.verify_for_usage(
            algorithms,
            &self.anchors,
            intermediates,
            time,
            usage,
            revocation,
            None,
        )
        .map_err(refusal)?;
        profile(leaf, side, self.max_leaf_lifetime)
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bundle({} roots, {} revocation lists)", self.anchors.len(), self.crls.len())
    }
}

/// What a leaf must be like, whoever signed it: no CA, meant for this side, not valid for too long.
pub(crate) fn profile(
    leaf: &Certificate,
    side: Side,
    max_lifetime: Duration,
) -> Result<(), IdentityRefusal> {
    if leaf.is_ca {
        return Err(IdentityRefusal::CaCertificateAsLeaf);
    }
    let meant = match side {
        Side::Client => leaf.client_auth,
        Side::Server => leaf.server_auth,
    };
    if !meant {
        return Err(IdentityRefusal::KeyUsageMissing);
    }
    let seconds = leaf.not_after.saturating_sub(leaf.not_before);
    if u64::try_from(seconds).map_or(true, |s| s > max_lifetime.as_secs()) {
        return Err(IdentityRefusal::LifetimeTooLong);
    }
    Ok(())
}

/// For rustls and webpki.
pub(crate) fn unix_time(now: Moment) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.seconds()).unwrap_or(0)))
}

fn anchor(
    path: &Path,
    certificate: &CertificateDer<'_>,
) -> Result<TrustAnchor<'static>, IdentityFileError> {
    let facts = Certificate::read(certificate)
        .map_err(|_| malformed(path, "holds a certificate that cannot be read"))?;
    if !facts.is_ca {
        return Err(malformed(path, "holds a certificate that is not a CA's"));
    }
    let anchor = anchor_from_trusted_cert(certificate)
        .map_err(|_| malformed(path, "holds a certificate that cannot be a trust anchor"))?;
    Ok(anchor.to_owned())
}

fn next_update(path: &Path, der: &[u8]) -> Result<i64, IdentityFileError> {
    let (rest, list) = CertificateRevocationList::from_der(der)
        .map_err(|_| malformed(path, "not a revocation list"))?;
    if !rest.is_empty() {
        return Err(malformed(path, "has bytes after its revocation list"));
    }
    list.next_update()
        .map(|time| time.timestamp())
        .ok_or_else(|| malformed(path, "its revocation list has no next update"))
}

/// The reason behind webpki's error.
fn refusal(error: Error) -> IdentityRefusal {
    match error {
        Error::CertExpired { .. } => IdentityRefusal::CertificateExpired,
        Error::CertNotValidYet { .. } => IdentityRefusal::CertificateNotYetValid,
        Error::CertRevoked => IdentityRefusal::CertificateRevoked,
        Error::CrlExpired { .. } => IdentityRefusal::RevocationDataStale,
        Error::UnknownRevocationStatus
        | Error::InvalidCrlSignatureForPublicKey
        | Error::IssuerNotCrlSigner
        | Error::UnsupportedCrlSignatureAlgorithmContext(_)
        | Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            IdentityRefusal::RevocationStatusUnknown
        }
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
            IdentityRefusal::KeyUsageMissing
        }
        Error::CaUsedAsEndEntity => IdentityRefusal::CaCertificateAsLeaf,
        Error::UnknownIssuer
        | Error::InvalidSignatureForPublicKey
        | Error::NameConstraintViolation
        | Error::PathLenConstraintViolated
        | Error::EndEntityUsedAsCa
        | Error::MaximumPathDepthExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumNameConstraintComparisonsExceeded
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::CertDistrusted => IdentityRefusal::UntrustedIssuer,
        _ => IdentityRefusal::CertificateMalformed,
    }
}
