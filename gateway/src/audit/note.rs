//! Checkpoints as C2SP signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint): origin, size and root
//! in three lines of text under an Ed25519 signature. Anyone with the verifier key text can check them.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_core::id::Digest;

/// Signature type of a plain Ed25519 signature.
const ED25519_TYPE: u8 = 1;
/// Longest note that is read.
const MAX_NOTE: usize = 1_000_000;

/// Why a note or a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// A name is empty or has a space or a plus.
    #[error("the log's name is empty or has a space or a plus in it")]
    Name,
    /// Not a verifier key of an Ed25519 key.
    #[error("not a verifier key: NAME+HASH+BASE64")]
    Key,
    /// Not a checkpoint in a signed note.
    #[error("not a signed checkpoint")]
    Format,
    /// Of another log.
    #[error("the checkpoint is of another log")]
    Origin,
    /// No signature by this log's key.
    #[error("the checkpoint is not signed by the log's key")]
    NotSigned,
    /// A signature by this log's key that does not verify.
    #[error("the checkpoint's signature is wrong")]
    BadSignature,
}

/// Origin, size and root of a log at one moment, with its signed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Entries in the log.
    pub size: u64,
    /// Root of its tree.
    pub root: Digest,
    /// The signed note.
    pub note: String,
}

/// A log's public key and name.
#[derive(Clone, PartialEq, Eq)]
pub struct LogVerifier {
    name: String,
    key: [u8; 32],
}

impl LogVerifier {
    /// From `NAME+HASH+BASE64`.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, rest) = text.trim().split_once('+').ok_or(NoteError::Key)?;
        let (id, key) = rest.split_once('+').ok_or(NoteError::Key)?;
        let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let [ED25519_TYPE, key @ ..] = key.as_slice() else { return Err(NoteError::Key) };
        let key: [u8; 32] = key.try_into().map_err(|_| NoteError::Key)?;
        let verifier = Self::new(name, key)?;
        if id == hex::encode(verifier.id()) { Ok(verifier) } else { Err(NoteError::Key) }
    }

    fn new(name: &str, key: [u8; 32]) -> Result<Self, NoteError> {
        if name.is_empty()
            || name.contains(|c: char| c.is_whitespace() || c == '+' || c.is_control())
        {
            return Err(NoteError::Name);
        }
        Ok(Self { name: name.to_owned(), key })
    }

    /// Name of the log, the origin line of its checkpoints.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> [u8; 4] {
        let digest = Digest::of(&[self.name.as_bytes(), b"\n", &self.typed_key()].concat());
        let [a, b, c, d, ..] = digest.0;
        [a, b, c, d]
    }

    fn typed_key(&self) -> Vec<u8> {
        [&[ED25519_TYPE], self.key.as_slice()].concat()
    }

    /// Checks the signature of any note and gives its text, the last line's end included.
    pub(crate) fn open_text<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, signatures) = split(note)?;
        self.check_signature(text, signatures)?;
        Ok(text)
    }

    /// Checks the signature of a checkpoint and reads it.
    pub fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let text = self.open_text(note)?;
        let mut lines = text.split_terminator('\n');
        if lines.next() != Some(&self.name) {
            return Err(NoteError::Origin);
        }
        let digits = lines.next().ok_or(NoteError::Format)?;
        let size: u64 = digits.parse().map_err(|_| NoteError::Format)?;
        let root = STANDARD
            .decode(lines.next().ok_or(NoteError::Format)?)
            .map_err(|_| NoteError::Format)?;
        if size.to_string() != digits || lines.any(str::is_empty) {
            return Err(NoteError::Format);
        }
        let root = Digest(root.try_into().map_err(|_| NoteError::Format)?);
        Ok(Checkpoint { size, root, note: note.to_owned() })
    }

    fn check_signature(&self, text: &str, signatures: &str) -> Result<(), NoteError> {
        if !signatures.ends_with('\n') {
            return Err(NoteError::Format);
        }
        let mut found = false;
        for line in signatures.split_terminator('\n') {
            let (name, signature) = line
                .strip_prefix("\u{2014} ")
                .and_then(|line| line.split_once(' '))
                .ok_or(NoteError::Format)?;
            let signature = STANDARD.decode(signature).map_err(|_| NoteError::Format)?;
            let (id, signature) = signature.split_at_checked(4).ok_or(NoteError::Format)?;
            if name != self.name || id != self.id() {
                continue;
            }
            UnparsedPublicKey::new(&ED25519, &self.key)
                .verify(text.as_bytes(), signature)
                .map_err(|_| NoteError::BadSignature)?;
            found = true;
        }
        if found { Ok(()) } else { Err(NoteError::NotSigned) }
    }
}

/// Text and signatures of a note, neither of them checked.
pub(crate) fn split(note: &str) -> Result<(&str, &str), NoteError> {
    if note.len() > MAX_NOTE {
        return Err(NoteError::Format);
    }
    let end = note.rfind("\n\n").ok_or(NoteError::Format)?;
    let text = note.get(..=end).ok_or(NoteError::Format)?;
    Ok((text, note.get(end + 2..).ok_or(NoteError::Format)?))
}

impl fmt::Display for LogVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(self.typed_key()))
    }
}

impl fmt::Debug for LogVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A log's private key and name.
pub struct LogSigner {
    pair: Ed25519KeyPair,
    seed: [u8; 32],
    verifier: LogVerifier,
}

impl LogSigner {
    /// From the log's name and the 32 bytes of an Ed25519 seed.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::Key)?;
        let key = pair.public_key().as_ref().try_into().map_err(|_| NoteError::Key)?;
        Ok(Self { verifier: LogVerifier::new(name, key)?, seed: *seed, pair })
    }

    /// What others check its checkpoints with.
    pub fn verifier(&self) -> &LogVerifier {
        &self.verifier
    }

    /// A secret of its own for another use, so that one key file is enough.
    pub(super) fn derive(&self, purpose: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.seed);
        let mut secret = [0; 32];
        secret.copy_from_slice(hmac::sign(&key, purpose).as_ref());
        secret
    }

    /// Signs a checkpoint.
    pub fn sign(&self, size: u64, root: Digest) -> Checkpoint {
        let name = &self.verifier.name;
        let text = format!("{name}\n{size}\n{}\n", STANDARD.encode(root.0));
        Checkpoint { size, root, note: self.sign_text(&text) }
    }

    /// Signs a text that ends in a line end and has no empty line.
    pub(crate) fn sign_text(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        let signature = [self.verifier.id().as_slice(), signature.as_ref()].concat();
        format!("{text}\n\u{2014} {} {}\n", self.verifier.name, STANDARD.encode(signature))
    }
}

impl fmt::Debug for LogSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogSigner({})", self.verifier)
    }
}
