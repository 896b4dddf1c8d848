//! Every reason for which a peer or a connection is refused: one stable word each, the same on the wire,
//! in the log and in the metrics.

/// Where a refusal takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// The TLS handshake fails; the reason is in the log and the metrics.
    Handshake,
    /// The connection stands, every RPC answers `UNAUTHENTICATED` with the reason.
    Request,
}

/// Why a peer is not who it would have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum IdentityRefusal {
    /// No certificate, or none on this connection.
    #[error("no client certificate")]
    NoClientCertificate,
    /// Not parseable, or with contradicting extensions.
    #[error("the certificate cannot be read")]
    CertificateMalformed,
    /// More intermediates or bytes than we look at.
    #[error("the certificate chain is too long")]
    ChainTooLong,
    /// An RSA key beyond the cap.
    #[error("a key in the certificate chain is too large")]
    KeyTooLarge,
    /// No path to the bundle of any listed agency.
    #[error("the certificate is not issued by a listed agency")]
    UntrustedIssuer,
    /// After its last day.
    #[error("the certificate has expired")]
    CertificateExpired,
    /// Before its first day.
    #[error("the certificate is not yet valid")]
    CertificateNotYetValid,
    /// On its issuer's revocation list.
    #[error("the certificate is revoked")]
    CertificateRevoked,
    /// The revocation list is past its next update.
    #[error("the revocation data is stale")]
    RevocationDataStale,
    /// No usable revocation list of the certificate's issuer.
    #[error("the revocation status cannot be established")]
    RevocationStatusUnknown,
    /// No extended key usage for this side of a connection.
    #[error("the certificate is not meant for this use")]
    KeyUsageMissing,
    /// Valid for longer than the agency's cap.
    #[error("the certificate is valid for too long")]
    LifetimeTooLong,
    /// A CA's own certificate.
    #[error("a certificate authority is not a peer")]
    CaCertificateAsLeaf,
    /// Named for an agency that is not listed, by an issuer that is not listed either.
    #[error("the agency is not listed")]
    AgencyNotListed,
    /// No URI name at all.
    #[error("the certificate has no URI name")]
    NameMissing,
    /// More than one URI name.
    #[error("the certificate has more than one URI name")]
    NameAmbiguous,
    /// Not our grammar.
    #[error("the certificate's name is malformed")]
    NameMalformed,
    /// A listed agency's CA signed a name of another agency.
    #[error("the certificate names another agency than its issuer's")]
    NameOfOtherAgency,
    /// A name in another trust domain.
    #[error("the certificate's name belongs to another trust domain")]
    NameOfOtherDomain,
    /// Known, but not on this listener's allow-list.
    #[error("the peer is not on this listener's list")]
    PeerNotAllowed,
    /// The server's name is not the expected one (client side).
    #[error("the server is not the expected one")]
    NameUnexpected,
    /// More than one `authorization` header.
    #[error("the request repeats its authorization")]
    AuthorizationRepeated,
}

impl IdentityRefusal {
    /// Every reason, for tables and tests.
    pub const ALL: [Self; 22] = [
        Self::NoClientCertificate,
        Self::CertificateMalformed,
        Self::ChainTooLong,
        Self::KeyTooLarge,
        Self::UntrustedIssuer,
        Self::CertificateExpired,
        Self::CertificateNotYetValid,
        Self::CertificateRevoked,
        Self::RevocationDataStale,
        Self::RevocationStatusUnknown,
        Self::KeyUsageMissing,
        Self::LifetimeTooLong,
        Self::CaCertificateAsLeaf,
        Self::AgencyNotListed,
        Self::NameMissing,
        Self::NameAmbiguous,
        Self::NameMalformed,
        Self::NameOfOtherAgency,
        Self::NameOfOtherDomain,
        Self::PeerNotAllowed,
        Self::NameUnexpected,
        Self::AuthorizationRepeated,
    ];

    /// One stable word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoClientCertificate => "NO_CLIENT_CERTIFICATE",
            Self::CertificateMalformed => "CERTIFICATE_MALFORMED",
            Self::ChainTooLong => "CHAIN_TOO_LONG",
            Self::KeyTooLarge => "KEY_TOO_LARGE",
            Self::UntrustedIssuer => "UNTRUSTED_ISSUER",
            Self::CertificateExpired => "CERTIFICATE_EXPIRED",
            Self::CertificateNotYetValid => "CERTIFICATE_NOT_YET_VALID",
            Self::CertificateRevoked => "CERTIFICATE_REVOKED",
            Self::RevocationDataStale => "REVOCATION_DATA_STALE",
            Self::RevocationStatusUnknown => "REVOCATION_STATUS_UNKNOWN",
            Self::KeyUsageMissing => "KEY_USAGE_MISSING",
            Self::LifetimeTooLong => "LIFETIME_TOO_LONG",
            Self::CaCertificateAsLeaf => "CA_CERTIFICATE_AS_LEAF",
            Self::AgencyNotListed => "AGENCY_NOT_LISTED",
            Self::NameMissing => "NAME_MISSING",
            Self::NameAmbiguous => "NAME_AMBIGUOUS",
            Self::NameMalformed => "NAME_MALFORMED",
            Self::NameOfOtherAgency => "NAME_OF_OTHER_AGENCY",
            Self::NameOfOtherDomain => "NAME_OF_OTHER_DOMAIN",
            Self::PeerNotAllowed => "PEER_NOT_ALLOWED",
            Self::NameUnexpected => "NAME_UNEXPECTED",
            Self::AuthorizationRepeated => "AUTHORIZATION_REPEATED",
        }
    }

    /// Where it takes effect when a connection is made. On an open connection every refusal answers the
    /// next RPC.
    pub fn tier(self) -> Tier {
        match self {
            Self::NameMissing
            | Self::NameAmbiguous
            | Self::NameMalformed
            | Self::NameOfOtherAgency
            | Self::NameOfOtherDomain
            | Self::PeerNotAllowed
            | Self::AuthorizationRepeated => Tier::Request,
            Self::NoClientCertificate
            | Self::CertificateMalformed
            | Self::ChainTooLong
            | Self::KeyTooLarge
            | Self::UntrustedIssuer
            | Self::CertificateExpired
            | Self::CertificateNotYetValid
            | Self::CertificateRevoked
            | Self::RevocationDataStale
            | Self::RevocationStatusUnknown
            | Self::KeyUsageMissing
            | Self::LifetimeTooLong
            | Self::CaCertificateAsLeaf
            | Self::AgencyNotListed
            | Self::NameUnexpected => Tier::Handshake,
        }
    }
}

/// Why a connection ended before anybody was named, for reasons that are not the certificate's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HandshakeFault {
    /// Bytes that are not TLS: plain HTTP/2 or HTTP/1.
    #[error("the client does not speak TLS")]
    NotTls,
    /// TLS 1.2 or older, or no group, cipher or signature in common.
    #[error("the client's TLS is not acceptable")]
    TlsIncompatible,
    /// The client did not choose `h2`.
    #[error("the client did not negotiate HTTP/2")]
    AlpnNotHttp2,
    /// The handshake took too long.
    #[error("the handshake took too long")]
    HandshakeTimeout,
    /// No HTTP/2 preface in time.
    #[error("no HTTP/2 preface in time")]
    PrefaceTimeout,
    /// More connections than the cap.
    #[error("too many connections")]
    TooManyConnections,
    /// The peer's signature is wrong, or it went away in the middle.
    #[error("the handshake failed")]
    HandshakeFailed,
}

impl HandshakeFault {
    /// One stable word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotTls => "NOT_TLS",
            Self::TlsIncompatible => "TLS_INCOMPATIBLE",
            Self::AlpnNotHttp2 => "ALPN_NOT_HTTP2",
            Self::HandshakeTimeout => "HANDSHAKE_TIMEOUT",
            Self::PrefaceTimeout => "PREFACE_TIMEOUT",
            Self::TooManyConnections => "TOO_MANY_CONNECTIONS",
            Self::HandshakeFailed => "HANDSHAKE_FAILED",
        }
    }
}
