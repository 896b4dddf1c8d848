//! Keys that sign officers' tokens: Ed25519, or ECDSA on P-256. What a key is tells which algorithm it is used
//! with. A gateway has the public halves, PEM (`BEGIN PUBLIC KEY`); an agency's private ones are PEM too (PKCS#8).

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_SIG_ED25519};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

/// What stands before the 32 bytes of an Ed25519 public key (RFC 8410).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("key file {file}: {cause}", file = file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// It is none of ours.
    #[error("{file}: holds no {wanted} of Ed25519 or ECDSA P-256 in PEM", file = file.display())]
    Format {
        /// Which.
        file: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// It cannot sign.
    #[error("the key cannot sign")]
    Unusable,
}

/// A public key of an agency.
#[derive(Clone)]
pub struct TokenKey {
    /// `kid` in the header of its tokens.
    pub id: String,
    pub(super) algorithm: Algorithm,
    pub(super) public: DecodingKey,
}

impl TokenKey {
    /// Reads a PEM file.
    ///
    /// # Errors
    /// A file that cannot be read or holds no public key of ours.
    pub fn read(id: &str, file: &Path) -> Result<Self, KeyError> {
        let pem =
            std::fs::read(file).map_err(|cause| KeyError::File { file: file.to_owned(), cause })?;
        Self::parse(id, &pem)
            .ok_or_else(|| KeyError::Format { file: file.to_owned(), wanted: "public key" })
    }

    fn parse(id: &str, pem: &[u8]) -> Option<Self> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).ok()?;
        let (rest, key) = SubjectPublicKeyInfo::from_der(der.as_ref()).ok()?;
        let bits = key.subject_public_key.data.as_ref();
        let parameter = || key.algorithm.parameters.as_ref()?.as_oid().ok();
        let algorithm = if key.algorithm.algorithm == OID_SIG_ED25519 && bits.len() == 32 {
            Algorithm::EdDSA
        } else if key.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY
            && parameter() == Some(OID_EC_P256)
            && bits.len() == 65
        {
            Algorithm::ES256
        } else {
            return None;
        };
        let public = match algorithm {
            Algorithm::EdDSA => DecodingKey::from_ed_der(bits),
            _ => DecodingKey::from_ec_der(bits),
        };
        rest.is_empty().then(|| Self { id: id.to_owned(), algorithm, public })
    }
}

/// A private key of an agency: what its identity provider signs with.
pub struct SigningKey {
    pub(super) algorithm: Algorithm,
    pub(super) secret: EncodingKey,
}

impl SigningKey {
    /// Reads a PEM file with a PKCS#8 key.
    ///
    /// # Errors
    /// A file that cannot be read or holds no private key of ours.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        let pem = std::fs::read(file)
            .map(Zeroizing::new)
            .map_err(|cause| KeyError::File { file: file.to_owned(), cause })?;
        let format = || KeyError::Format { file: file.to_owned(), wanted: "private key" };
        let key = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| format())?;
        let der = key.secret_pkcs8_der();
        if Ed25519KeyPair::from_pkcs8(der).is_ok() {
            return Ok(Self { algorithm: Algorithm::EdDSA, secret: EncodingKey::from_ed_der(der) });
        }
        let p256 = &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        match aws_lc_rs::signature::EcdsaKeyPair::from_pkcs8(p256, der) {
            Ok(_) => {
                Ok(Self { algorithm: Algorithm::ES256, secret: EncodingKey::from_ec_der(der) })
            }
            Err(_) => Err(format()),
        }
    }
}

/// Makes an Ed25519 key: the private file, readable by its owner alone, and the public one beside it (`.pub`).
/// Files that exist are left alone.
///
/// # Errors
/// Files that cannot be written.
pub fn generate(file: &Path) -> Result<PathBuf, KeyError> {
    let secret =
        Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(|_| KeyError::Unusable)?;
    let pair = Ed25519KeyPair::from_pkcs8(secret.as_ref()).map_err(|_| KeyError::Unusable)?;
    let public = [&ED25519_SPKI, pair.public_key().as_ref()].concat();
    write(file, 0o600, &pem("PRIVATE KEY", secret.as_ref()))?;
    let mut beside = file.as_os_str().to_owned();
    beside.push(".pub");
    let beside = PathBuf::from(beside);
    write(&beside, 0o644, &pem("PUBLIC KEY", &public))?;
    Ok(beside)
}

fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(format!("-----BEGIN {label}-----\n"));
    let mut rest = body.as_str();
    while let Some((line, more)) =
        rest.split_at_checked(64).or_else(|| (!rest.is_empty()).then_some((rest, "")))
    {
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

fn write(file: &Path, mode: u32, text: &str) -> Result<(), KeyError> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(file)
        .and_then(|mut out| out.write_all(text.as_bytes()))
        .map_err(|cause| KeyError::File { file: file.to_owned(), cause })
}
