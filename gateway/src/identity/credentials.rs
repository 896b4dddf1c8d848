//! Our own certificate and key, re-readable while in use: a reload is seen by the next handshake.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, SignatureScheme};

use super::file::{self, IdentityFileError, malformed};
use super::tls;

/// A certificate chain with its key, for either side of a connection; clones share it.
#[derive(Clone)]
pub struct Credentials(Arc<ArcSwap<CertifiedKey>>);

impl Credentials {
    /// Reads a PEM chain (leaf first) and its PEM key, and checks that they belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, IdentityFileError> {
        read(certificate, key).map(|pair| Self(Arc::new(ArcSwap::from_pointee(pair))))
    }

    /// Reads again; on an error the last good pair stays.
    pub fn reload(&self, certificate: &Path, key: &Path) -> Result<(), IdentityFileError> {
        read(certificate, key).map(|pair| self.0.store(Arc::new(pair)))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl ResolvesServerCert for Credentials {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl ResolvesClientCert for Credentials {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, IdentityFileError> {
    let chain = file::certificates(certificate)?;
    let secret = file::private_key(key)?;
    CertifiedKey::from_der(chain, secret, &tls::provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            malformed(key, "the key does not belong to the certificate")
        }
        _ => malformed(key, "the key or its certificate cannot be used"),
    })
}
