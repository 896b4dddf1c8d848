//! Reading certificates, keys and revocation lists from PEM files. Every error names its file; a file that
//! is too large is not read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

/// Largest certificate or key file.
const MAX_CERTIFICATES: u64 = 1 << 20;
/// Largest revocation list: some 400,000 entries.
const MAX_CRL: u64 = 16 << 20;

/// Why a file, or what it holds, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityFileError {
    /// It cannot be opened or read.
    #[error("cannot read `{path}`: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is larger than we are willing to read.
    #[error("`{path}` is larger than {limit} bytes", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// It is not what it should be.
    #[error("`{path}`: {what}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A trust entry that contradicts itself.
    #[error("`{entry}`: {what}")]
    Entry {
        /// The agency, pin or name at fault.
        entry: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl IdentityFileError {
    /// One stable word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "IDENTITY_FILE_UNREADABLE",
            Self::TooLarge { .. } => "IDENTITY_FILE_TOO_LARGE",
            Self::Malformed { .. } => "IDENTITY_FILE_MALFORMED",
            Self::Entry { .. } => "IDENTITY_ENTRY_INVALID",
        }
    }
}

/// A fault of this file.
pub(crate) fn malformed(path: &Path, what: &'static str) -> IdentityFileError {
    IdentityFileError::Malformed { path: path.to_owned(), what }
}

/// All certificates of a file; at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityFileError> {
    sections(path, MAX_CERTIFICATES, "not a PEM certificate file", "holds no certificate")
}

/// All revocation lists of a file; at least one.
pub(crate) fn revocation_lists(
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, IdentityFileError> {
    sections(path, MAX_CRL, "not a PEM revocation list", "holds no revocation list")
}

/// The private key of a file.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, IdentityFileError> {
    let text = read(path, MAX_CERTIFICATES)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| malformed(path, "not a PEM private key"))
}

fn sections<T: PemObject>(
    path: &Path,
    limit: u64,
    broken: &'static str,
    none: &'static str,
) -> Result<Vec<T>, IdentityFileError> {
    let text = read(path, limit)?;
    let found = T::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| malformed(path, broken))?;
    if found.is_empty() { Err(malformed(path, none)) } else { Ok(found) }
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, IdentityFileError> {
    let unreadable = |cause| IdentityFileError::Unreadable { path: path.to_owned(), cause };
    let mut text = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(limit + 1).read_to_end(&mut text).map_err(unreadable)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > limit {
        return Err(IdentityFileError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(text)
}
