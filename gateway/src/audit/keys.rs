//! Key files: one key of 32 bytes in base64, readable by its owner alone. A log signing key is an Ed25519
//! seed; a seal key is an X25519 key.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hpke::kem::{Kem as _, X25519HkdfSha256};
use hpke::{Deserializable as _, Serializable as _};
use portcullis_core::id::Digest;

use super::note::{LogSigner, NoteError};

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("key file `{path}`: {cause}")]
    File {
        /// Which.
        path: String,
        /// Why.
        cause: io::Error,
    },
    /// Others can read it.
    #[error("key file `{0}` is open to others: its mode must be 0600")]
    Open(String),
    /// Not 32 bytes in base64 or hex.
    #[error("`{0}` does not hold a key: 32 bytes in base64 or hex are wanted")]
    Format(String),
    /// The log's name is no name for a signed note.
    #[error(transparent)]
    Name(#[from] NoteError),
    /// The machine gives no randomness.
    #[error("no randomness to be had")]
    NoRandomness,
}

/// Public half of a seal key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SealPublicKey([u8; 32]);

impl SealPublicKey {
    /// From base64 or hex text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        parse_32(text).map(Self).ok_or_else(|| KeyError::Format("public key".to_owned()))
    }

    /// From a file with its text.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path).map_err(|cause| file(path, cause))?;
        parse_32(&text).map(Self).ok_or_else(|| KeyError::Format(path.display().to_string()))
    }

    /// Names the key without being it: SHA-256 of its bytes.
    pub fn id(&self) -> Digest {
        Digest::of(&self.0)
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for SealPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for SealPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Private half of a seal key.
#[derive(Clone)]
pub struct SealPrivateKey([u8; 32]);

impl SealPrivateKey {
    /// From a key file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        read_private(path).map(Self)
    }

    /// Its public half; none if the bytes are no key.
    pub fn public(&self) -> Option<SealPublicKey> {
        let key = <X25519HkdfSha256 as hpke::kem::Kem>::PrivateKey::from_bytes(&self.0).ok()?;
        let public = X25519HkdfSha256::sk_to_pk(&key).to_bytes();
        Some(SealPublicKey(public.as_slice().try_into().ok()?))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SealPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealPrivateKey(..)")
    }
}

/// Writes a new log signing key; an existing file is left alone and refused.
pub fn generate_log_key(path: &Path, name: &str) -> Result<LogSigner, KeyError> {
    let seed = random()?;
    let signer = LogSigner::new(name, &seed)?;
    write_private(path, &seed)?;
    Ok(signer)
}

/// Reads a log signing key.
pub fn read_log_key(path: &Path, name: &str) -> Result<LogSigner, KeyError> {
    Ok(LogSigner::new(name, &read_private(path)?)?)
}

/// Writes a new seal key, private half only; an existing file is left alone and refused.
pub fn generate_seal_key(path: &Path) -> Result<(SealPrivateKey, SealPublicKey), KeyError> {
    let private = SealPrivateKey(random()?);
    let public = private.public().ok_or_else(|| KeyError::Format(path.display().to_string()))?;
    write_private(path, &private.0)?;
    Ok((private, public))
}

fn random() -> Result<[u8; 32], KeyError> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KeyError::NoRandomness)?;
    Ok(bytes)
}

fn write_private(path: &Path, key: &[u8; 32]) -> Result<(), KeyError> {
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|cause| file(path, cause))?;
    writeln!(out, "{}", STANDARD.encode(key))
        .and_then(|()| out.sync_all())
        .map_err(|cause| file(path, cause))
}

fn read_private(path: &Path) -> Result<[u8; 32], KeyError> {
    let mode = std::fs::metadata(path).map_err(|cause| file(path, cause))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(KeyError::Open(path.display().to_string()));
    }
    let text = std::fs::read_to_string(path).map_err(|cause| file(path, cause))?;
    parse_32(&text).ok_or_else(|| KeyError::Format(path.display().to_string()))
}

fn parse_32(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let bytes = if text.len() == 64 { hex::decode(text).ok() } else { STANDARD.decode(text).ok() };
    bytes?.try_into().ok()
}

fn file(path: &Path, cause: io::Error) -> KeyError {
    KeyError::File { path: path.display().to_string(), cause }
}
