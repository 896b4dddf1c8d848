//! Pseudonyms: a token of fixed size for a value, equal within a scope, unlinkable across, opened by the
//! gateway alone.
//!
//! AES-SIV (RFC 5297) rather than a keyed hash with a map: a requester quotes a token back to ask another
//! source, so it must be opened, and deterministic authenticated encryption needs no map to store,
//! replicate, guard or lose. 66 bytes: version, epoch, 16 bytes of SIV, 47 of ciphertext (the length, the
//! value, zeros), so that a token's size says nothing; base64url without padding makes 88 characters of it.
//! A value of more than [`CAPACITY`] bytes becomes a keyed hash that looks the same, is equal for equal
//! values and cannot be opened.

use std::fmt;

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::PseudonymScope;
use super::siv::{Headers, SEALED, Siv};
use crate::id::AgencyId;
use crate::label::Semantic;

/// Bytes of the longest value whose token can be opened.
pub const CAPACITY: usize = SEALED - 1;
/// Characters of every token.
pub const TOKEN_CHARS: usize = 88;

const VERSION: u8 = 1;
const HEAD: usize = 3;
const SIV: usize = 16;
const PADDED: usize = SEALED;
const TOKEN_BYTES: usize = HEAD + SIV + PADDED;
const SIV_KEY: usize = 64;
const HASH_KEY: usize = 64;

/// What a token stands for. Tokens of one value are equal in every field of one domain, and in no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenDomain {
    /// A value of this semantic, whatever field it stands in.
    Value(Semantic),
    /// A record at its originator.
    Reference,
}

impl TokenDomain {
    fn word(self) -> &'static str {
        match self {
            Self::Value(semantic) => semantic.word(),
            Self::Reference => "REFERENCE",
        }
    }
}

/// Why a token cannot be opened. A requester hears one answer for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not 88 characters of base64url, or a version that does not exist.
    #[error("not a token")]
    Malformed,
    /// Its epoch is unknown or destroyed.
    #[error("the key of the token is gone")]
    EpochGone,
    /// Of another scope or domain, of a value too long to be opened, or forged.
    #[error("the token is not of this scope")]
    NotOpenable,
}

impl TokenError {
    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Malformed => "TOKEN_MALFORMED",
            Self::EpochGone => "TOKEN_EPOCH_GONE",
            Self::NotOpenable => "TOKEN_NOT_OPENABLE",
        }
    }
}

/// Why keys are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PseudonymKeyError {
    /// The current epoch has no secret, or is to be destroyed.
    #[error("the current epoch needs a secret")]
    Current,
    /// An epoch stands twice.
    #[error("an epoch has two secrets")]
    Twice,
    /// A secret of zeros.
    #[error("a secret is all zeros")]
    Weak,
}

impl PseudonymKeyError {
    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Current => "PSEUDONYM_KEY_CURRENT",
            Self::Twice => "PSEUDONYM_KEY_TWICE",
            Self::Weak => "PSEUDONYM_KEY_WEAK",
        }
    }
}

/// The secrets behind all pseudonyms, one per epoch; overwritten when dropped.
pub struct PseudonymKeys {
    current: u16,
    epochs: Vec<(u16, Zeroizing<[u8; 32]>)>,
}

impl PseudonymKeys {
    /// From the secret of every epoch that is still to be opened, and the epoch that new tokens get.
    ///
    /// # Errors
    /// The current epoch is missing, an epoch stands twice, or a secret is all zeros.
    pub fn new(
        current: u16,
        epochs: impl IntoIterator<Item = (u16, Zeroizing<[u8; 32]>)>,
    ) -> Result<Self, PseudonymKeyError> {
        let mut epochs: Vec<_> = epochs.into_iter().collect();
        epochs.sort_by_key(|(epoch, _)| *epoch);
        if epochs.windows(2).any(|pair| matches!(pair, [one, two] if one.0 == two.0)) {
            return Err(PseudonymKeyError::Twice);
        }
        if epochs.iter().any(|(_, secret)| **secret == [0; 32]) {
            return Err(PseudonymKeyError::Weak);
        }
        if !epochs.iter().any(|(epoch, _)| *epoch == current) {
            return Err(PseudonymKeyError::Current);
        }
        Ok(Self { current, epochs })
    }

    /// The epoch of new tokens.
    pub fn current(&self) -> u16 {
        self.current
    }

    /// Forgets a secret: tokens of that epoch cannot be opened any more. Scope keys derived before keep
    /// theirs, so the caller drops them too. False: there was none.
    ///
    /// # Errors
    /// It is the current epoch.
    pub fn destroy(&mut self, epoch: u16) -> Result<bool, PseudonymKeyError> {
        if epoch == self.current {
            return Err(PseudonymKeyError::Current);
        }
        let before = self.epochs.len();
        self.epochs.retain(|(other, _)| *other != epoch);
        Ok(self.epochs.len() < before)
    }

    /// Derives the keys of a scope: HKDF-SHA256 over each epoch's secret, with epoch and scope as info.
    pub fn scope_key(&self, scope: &PseudonymScope) -> ScopeKey {
        let derive =
            |(epoch, secret): &(u16, Zeroizing<_>)| EpochKey::derive(*epoch, secret, scope);
        ScopeKey {
            scope: scope.clone(),
            current: self.current,
            epochs: self.epochs.iter().filter_map(derive).collect(),
        }
    }
}

impl fmt::Debug for PseudonymKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKeys { .. }")
    }
}

/// The keys of one scope; overwritten when dropped. Worth keeping: to derive one costs some microseconds.
pub struct ScopeKey {
    scope: PseudonymScope,
    current: u16,
    epochs: Vec<EpochKey>,
}

impl fmt::Debug for ScopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScopeKey { .. }")
    }
}

impl ScopeKey {
    /// The scope that it was derived for.
    pub fn scope(&self) -> &PseudonymScope {
        &self.scope
    }

    /// The token of a value.
    pub fn token(&self, domain: TokenDomain, value: &str) -> String {
        let mut out = Vec::with_capacity(TOKEN_CHARS);
        self.append_token(domain, value, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// Appends the token of a value: always [`TOKEN_CHARS`] bytes of ASCII.
    pub fn append_token(&self, domain: TokenDomain, value: &str, out: &mut Vec<u8>) {
        self.append(domain, b"", value.as_bytes(), out);
    }

    /// The value behind a token.
    ///
    /// # Errors
    /// It is no token, its epoch is gone, or it is not of this scope and domain.
    pub fn open(&self, domain: TokenDomain, token: &str) -> Result<String, TokenError> {
        let value = self.open_bytes(domain, b"", token)?;
        String::from_utf8(value).map_err(|_| TokenError::NotOpenable)
    }

    /// The token by which a requester may name a record.
    pub fn reference(&self, originator: &AgencyId, opaque_id: &[u8]) -> String {
        let mut out = Vec::with_capacity(TOKEN_CHARS);
        self.append(TokenDomain::Reference, originator.as_str().as_bytes(), opaque_id, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// The record behind a reference. The originator is bound to it but not in it (an opaque id may take
    /// 32 of the 46 bytes), so the caller names the agencies it may be.
    ///
    /// # Errors
    /// It is no token, its epoch is gone, or it is no reference to a record of one of them in this scope.
    pub fn open_reference<'a>(
        &self,
        originators: impl IntoIterator<Item = &'a AgencyId>,
        token: &str,
    ) -> Result<(&'a AgencyId, Vec<u8>), TokenError> {
        let mut error = TokenError::NotOpenable;
        for originator in originators {
            let bound = originator.as_str().as_bytes();
            match self.open_bytes(TokenDomain::Reference, bound, token) {
                Ok(id) => return Ok((originator, id)),
                Err(other) => error = other,
            }
        }
        Err(error)
    }

    fn append(&self, domain: TokenDomain, bound: &[u8], value: &[u8], out: &mut Vec<u8>) {
        let mut token = [0_u8; TOKEN_BYTES];
        // INVARIANT: the current epoch is among the others. Were it not, the filler of zeros tells nothing.
        if let Some(key) = self.epochs.iter().find(|key| key.epoch == self.current) {
            key.seal(domain, bound, value, &mut token);
        }
        let mut text = [0_u8; TOKEN_CHARS];
        // The size fits by construction.
        let _written = URL_SAFE_NO_PAD.encode_slice(token, &mut text);
        out.extend_from_slice(&text);
    }

    fn open_bytes(
        &self,
        domain: TokenDomain,
        bound: &[u8],
        token: &str,
    ) -> Result<Vec<u8>, TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Malformed)?;
        let (head, sealed) = bytes.split_first_chunk::<HEAD>().ok_or(TokenError::Malformed)?;
        let &[VERSION, high, low] = head else { return Err(TokenError::Malformed) };
        if sealed.len() != SIV + PADDED {
            return Err(TokenError::Malformed);
        }
        let epoch = u16::from_be_bytes([high, low]);
        let key = self.epochs.iter().find(|key| key.epoch == epoch).ok_or(TokenError::EpochGone)?;
        key.unseal(domain, bound, sealed).ok_or(TokenError::NotOpenable)
    }
}

struct EpochKey {
    epoch: u16,
    /// To open with.
    key: Zeroizing<[u8; SIV_KEY]>,
    /// To seal with.
    siv: Siv,
    /// By semantic: behind the headers of its tokens.
    values: Vec<(Semantic, Headers)>,
    /// Behind the headers of a reference, but for the originator.
    references: Headers,
    hash: hmac::Key,
}

/// The first header of every token.
const HEADER: &[u8] = b"portcullis token v1";

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl EpochKey {
    /// None when the library fails, which 128 bytes, far below HKDF's limit, give it no reason to.
    fn derive(epoch: u16, secret: &[u8; 32], scope: &PseudonymScope) -> Option<Self> {
        let extracted =
            hkdf::Salt::new(hkdf::HKDF_SHA256, b"portcullis pseudonym v1").extract(secret);
        let epoch_bytes = epoch.to_be_bytes();
        let mut material = Zeroizing::new([0_u8; SIV_KEY + HASH_KEY]);
        extracted
            .expand(&[b"scope", &epoch_bytes, scope.0.as_bytes()], Length(SIV_KEY + HASH_KEY))
            .and_then(|okm| okm.fill(&mut material[..]))
            .ok()?;
        let (key, hash) = material.split_first_chunk::<SIV_KEY>()?;
        let hash = hmac::Key::new(hmac::HMAC_SHA512, hash);
        let siv = Siv::new(key);
        let first = siv.header(siv.headers(), HEADER);
        let domain = |domain: TokenDomain| siv.header(first, domain.word().as_bytes());
        let value = |semantic| siv.header(domain(TokenDomain::Value(semantic)), b"");
        let values = Semantic::ALL.iter().map(|semantic| (*semantic, value(*semantic))).collect();
        let references = domain(TokenDomain::Reference);
        Some(Self { epoch, key: Zeroizing::new(*key), siv, values, references, hash })
    }

    fn seal(&self, domain: TokenDomain, bound: &[u8], value: &[u8], token: &mut [u8; TOKEN_BYTES]) {
        let [high, low] = self.epoch.to_be_bytes();
        let (head, body) = token.split_at_mut(HEAD);
        head.copy_from_slice(&[VERSION, high, low]);
        if self.encrypt(domain, bound, value, body).is_none() {
            self.digest(domain, bound, value, body);
        }
    }

    /// None: the value is too long.
    fn encrypt(
        &self,
        domain: TokenDomain,
        bound: &[u8],
        value: &[u8],
        body: &mut [u8],
    ) -> Option<()> {
        let mut padded = [0_u8; PADDED];
        let (length, room) = padded.split_first_mut()?;
        *length = u8::try_from(value.len()).ok()?;
        room.get_mut(..value.len())?.copy_from_slice(value);
        let headers = match domain {
            TokenDomain::Reference => self.siv.header(self.references, bound),
            TokenDomain::Value(semantic) => {
                self.values.iter().find(|(other, _)| *other == semantic)?.1
            }
        };
        let iv = self.siv.seal(headers, &mut padded);
        for (to, from) in body.iter_mut().zip(iv.iter().chain(&padded)) {
            *to = *from;
        }
        Some(())
    }

    /// The look-alike for long values: 63 bytes of HMAC-SHA512 over length-prefixed parts.
    fn digest(&self, domain: TokenDomain, bound: &[u8], value: &[u8], body: &mut [u8]) {
        let mut context = hmac::Context::with_key(&self.hash);
        for part in [domain.word().as_bytes(), bound, value] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        for (to, from) in body.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
    }

    fn unseal(&self, domain: TokenDomain, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let headers: [&[u8]; 3] = [HEADER, domain.word().as_bytes(), bound];
        let body = Aes256Siv::new((&*self.key).into()).decrypt(headers, sealed).ok()?;
        let (length, padded) = body.split_first()?;
        let (value, zeros) = padded.split_at_checked(usize::from(*length))?;
        zeros.iter().all(|byte| *byte == 0).then(|| value.to_vec())
    }
}
