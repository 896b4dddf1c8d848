//! The TLS profile: 1.3 only, the ML-KEM hybrid first, `h2` only, client certificates mandatory, nothing
//! that resumes. rustls runs no verifier on a resumed session, so there are no sessions and no tickets.

use std::sync::{Arc, OnceLock};

use portcullis_core::id::Moment;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::admit::{Admission, admit};
use super::bundle::unix_time;
use super::credentials::Credentials;
use super::refusal::IdentityRefusal;
use super::trust::TrustSnapshot;
use crate::clock::Clock;

/// The one protocol over TLS.
pub(crate) const ALPN_H2: &[u8] = b"h2";

/// aws-lc-rs with our order of groups.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let build = || {
        Arc::new(CryptoProvider {
            kx_groups: vec![
                kx_group::X25519MLKEM768,
                kx_group::X25519,
                kx_group::SECP256R1,
                kx_group::SECP384R1,
            ],
            ..aws_lc_rs::default_provider()
        })
    };
    Arc::clone(PROVIDER.get_or_init(build))
}

/// Signatures we verify.
pub(crate) fn signature_algorithms() -> WebPkiSupportedAlgorithms {
    provider().signature_verification_algorithms
}

/// Our clock for rustls.
#[derive(Debug)]
pub(crate) struct ClockTime(pub Clock);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.0.now()))
    }
}

/// The verdict of one handshake, read when it has ended, either way.
#[derive(Debug, Default)]
pub(crate) struct Outcome(OnceLock<Result<Admission, IdentityRefusal>>);

impl Outcome {
    /// What the verifier said; `None` when it was not asked.
    pub fn verdict(&self) -> Option<Result<Admission, IdentityRefusal>> {
        self.0.get().cloned()
    }
}

/// A configuration for one handshake: the snapshot and the verdict are this connection's own.
pub(crate) fn server_config(
    trust: Arc<TrustSnapshot>,
    credentials: &Credentials,
    clock: &Clock,
    outcome: &Arc<Outcome>,
) -> Result<ServerConfig, Error> {
    let time = Arc::new(ClockTime(clock.clone()));
    let verifier = Verifier { trust, outcome: Arc::clone(outcome) };
    let mut config = ServerConfig::builder_with_details(provider(), time)
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(credentials.clone()));
    config.alpn_protocols = vec![ALPN_H2.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// Asks `admit` and keeps the verdict.
#[derive(Debug)]
struct Verifier {
    trust: Arc<TrustSnapshot>,
    outcome: Arc<Outcome>,
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain: Vec<_> = std::iter::once(end_entity).chain(intermediates).cloned().collect();
        let verdict = admit(&self.trust, &chain, moment(now));
        let answer = verdict.as_ref().map(|_| ClientCertVerified::assertion());
        let answer = answer.map_err(|refusal| alert(*refusal));
        let _ = self.outcome.0.set(verdict);
        answer
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &signature_algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        signature_algorithms().supported_schemes()
    }
}

/// For `admit`.
pub(crate) fn moment(now: UnixTime) -> Moment {
    Moment::from_seconds(i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
}

/// The TLS alert that tells a refused peer as much as TLS has words for.
pub(crate) fn alert(refusal: IdentityRefusal) -> Error {
    match refusal {
        IdentityRefusal::CertificateMalformed => CertificateError::BadEncoding,
        IdentityRefusal::CertificateExpired => CertificateError::Expired,
        IdentityRefusal::CertificateNotYetValid => CertificateError::NotValidYet,
        IdentityRefusal::CertificateRevoked => CertificateError::Revoked,
        IdentityRefusal::UntrustedIssuer | IdentityRefusal::AgencyNotListed => {
            CertificateError::UnknownIssuer
        }
        _ => CertificateError::ApplicationVerificationFailure,
    }
    .into()
}
