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
use super::siv::{Headers, Lane, Prefix, SEALED, Siv};
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

    /// The epochs that can be opened, ascending.
    pub fn epochs(&self) -> impl Iterator<Item = u16> {
        self.epochs.iter().map(|(epoch, _)| *epoch)
    }

    /// The same with the current epoch alone: enough to write tokens, and no secret more than that.
    #[must_use]
    pub fn only_current(&self) -> Self {
        let current = |(epoch, _): &&(u16, Zeroizing<[u8; 32]>)| *epoch == self.current;
        Self {
            current: self.current,
            epochs: self.epochs.iter().filter(current).cloned().collect(),
        }
    }

    /// Are the tokens that another writes under its current epoch still to be opened with these: has the
    /// epoch kept its secret?
    pub fn keep(&self, other: &Self) -> bool {
        other
            .epochs
            .iter()
            .find(|(epoch, _)| *epoch == other.current)
            .is_some_and(|current| self.epochs.contains(current))
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
        let mut tokens = Tokens::default();
        self.reserve(domain, bound, value, out, &mut tokens);
        self.fill(out, &mut tokens, 0);
    }

    /// Appends room for the token of a value, to be filled together with others. Until then zeros stand
    /// there. The token of a long value stands there at once.
    pub(super) fn reserve(
        &self,
        domain: TokenDomain,
        bound: &[u8],
        value: &[u8],
        out: &mut Vec<u8>,
        tokens: &mut Tokens,
    ) {
        // INVARIANT: the current epoch is among the others. Were it not, the zeros tell nothing.
        let key = self.epochs.iter().find(|key| key.epoch == self.current);
        let at = out.len();
        out.extend_from_slice(&[0; TOKEN_CHARS]);
        let Some(key) = key else { return };
        match tokens.place(at, key.headers(domain, bound), value) {
            Some(()) => {}
            None => key.write(&key.digest(domain, bound, value), at, out),
        }
    }

    /// What the headers of an originator's references come to.
    pub(super) fn reference_headers(&self, originator: &AgencyId) -> Option<Headers> {
        let key = self.epochs.iter().find(|key| key.epoch == self.current)?;
        Some(key.headers(TokenDomain::Reference, originator.as_str().as_bytes()))
    }

    /// Fills the room of all tokens from one on.
    pub(super) fn fill(&self, out: &mut [u8], tokens: &mut Tokens, from: usize) {
        if let Some(key) = self.epochs.iter().find(|key| key.epoch == self.current)
            && let Some(lanes) = tokens.lanes.get_mut(from..)
            && !lanes.is_empty()
        {
            key.siv.seal(lanes);
            for (lane, at) in lanes.iter().zip(tokens.places.iter().skip(from)) {
                key.write(&lane.sealed(), *at, out);
            }
        }
        tokens.truncate(from);
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

/// The characters of a token, as the `base64` crate writes them; for one size alone it is done in wide steps.
fn base64(token: &[u8; TOKEN_BYTES]) -> [u8; TOKEN_CHARS] {
    // Three bytes each behind one that does not count.
    let mut bytes = [0_u8; TOKEN_BYTES + 1];
    if let Some((_, behind)) = bytes.split_first_mut() {
        behind.copy_from_slice(token);
    }
    let mut chars = [0_u8; TOKEN_CHARS];
    for (at, four) in chars.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        if let Some(word) = bytes.get(3 * at..).and_then(<[u8]>::first_chunk) {
            let word = u32::from_be_bytes(*word);
            let spread = word >> 18 & 0x3f
                | (word >> 12 & 0x3f) << 8
                | (word >> 6 & 0x3f) << 16
                | (word & 0x3f) << 24;
            *four = spread.to_le_bytes();
        }
    }
    // From A, a, 0, then - and _: the steps between them, added where one was made.
    for char in &mut chars {
        let value = *char;
        let step = |from: u8, by: u8| if value >= from { by } else { 0 };
        *char = value
            .wrapping_add(b'A')
            .wrapping_add(step(26, 6))
            .wrapping_add(step(52, 181))
            .wrapping_add(step(62, 243))
            .wrapping_add(step(63, 49));
    }
    chars
}

/// Tokens for which there is room in some bytes, to be sealed side by side.
#[derive(Default)]
pub(super) struct Tokens {
    /// Where each goes, in ascending order.
    places: Vec<usize>,
    lanes: Vec<Lane>,
}

impl Tokens {
    pub(super) const fn none() -> Self {
        Self { places: Vec::new(), lanes: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Notes a token. None: the value is too long.
    pub(super) fn place(&mut self, at: usize, headers: Headers, value: &[u8]) -> Option<()> {
        self.lanes.push(Lane::new(headers, value)?);
        self.places.push(at);
        Some(())
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.places.truncate(length);
        self.lanes.truncate(length);
    }

    /// How many stand before a place.
    pub(super) fn before(&self, at: usize) -> usize {
        self.places.partition_point(|place| *place < at)
    }

    /// What stands at or behind a place moves with it.
    pub(super) fn shift(&mut self, from: usize, to: usize) {
        for place in self.places.iter_mut().rev().take_while(|place| **place >= from) {
            *place = *place - from + to;
        }
    }
}

struct EpochKey {
    epoch: u16,
    /// To open with.
    key: Zeroizing<[u8; SIV_KEY]>,
    /// To seal with.
    siv: Siv,
    /// By semantic: behind the headers of its tokens.
    values: Vec<Option<Headers>>,
    /// Behind the headers of a reference, but for the originator.
    references: Prefix,
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
        let first = siv.header(siv.prefix(), HEADER);
        let domain = |domain: TokenDomain| siv.header(first, domain.word().as_bytes());
        let value = |semantic| siv.headers(siv.header(domain(TokenDomain::Value(semantic)), b""));
        let mut values = vec![];
        for semantic in Semantic::ALL {
            let at = *semantic as usize;
            values.resize(values.len().max(at + 1), None);
            if let Some(place) = values.get_mut(at) {
                *place = Some(value(*semantic));
            }
        }
        let references = domain(TokenDomain::Reference);
        Some(Self { epoch, key: Zeroizing::new(*key), siv, values, references, hash })
    }

    /// Writes a token where there is room for it.
    fn write(&self, body: &[u8; SIV + PADDED], at: usize, out: &mut [u8]) {
        let [high, low] = self.epoch.to_be_bytes();
        let mut token = [0_u8; TOKEN_BYTES];
        if let Some((head, rest)) = token.split_first_chunk_mut::<HEAD>()
            && let Some(rest) = rest.first_chunk_mut()
        {
            (*head, *rest) = ([VERSION, high, low], *body);
        }
        if let Some(room) = out.get_mut(at..at + TOKEN_CHARS) {
            room.copy_from_slice(&base64(&token));
        }
    }

    fn headers(&self, domain: TokenDomain, bound: &[u8]) -> Headers {
        let known = match domain {
            TokenDomain::Value(semantic) if bound.is_empty() => {
                self.values.get(semantic as usize).copied().flatten()
            }
            _ => None,
        };
        match (known, domain) {
            (Some(headers), _) => headers,
            (None, TokenDomain::Reference) => {
                self.siv.headers(self.siv.header(self.references, bound))
            }
            (None, domain) => {
                let first = self.siv.header(self.siv.prefix(), HEADER);
                let second = self.siv.header(first, domain.word().as_bytes());
                self.siv.headers(self.siv.header(second, bound))
            }
        }
    }

    /// The look-alike for long values: 63 bytes of HMAC-SHA512 over length-prefixed parts.
    fn digest(&self, domain: TokenDomain, bound: &[u8], value: &[u8]) -> [u8; SIV + PADDED] {
        let mut context = hmac::Context::with_key(&self.hash);
        for part in [domain.word().as_bytes(), bound, value] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        // INVARIANT: there are 64 bytes. Were there fewer, zeros would tell nothing.
        context.sign().as_ref().first_chunk().copied().unwrap_or([0; SIV + PADDED])
    }

    fn unseal(&self, domain: TokenDomain, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let headers: [&[u8]; 3] = [HEADER, domain.word().as_bytes(), bound];
        let body = Aes256Siv::new((&*self.key).into()).decrypt(headers, sealed).ok()?;
        let (length, padded) = body.split_first()?;
        let (value, zeros) = padded.split_at_checked(usize::from(*length))?;
        zeros.iter().all(|byte| *byte == 0).then(|| value.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_those_of_the_library() {
        for first in 0..=u8::MAX {
            let token: [u8; TOKEN_BYTES] =
                std::array::from_fn(|at| first.wrapping_add((at as u8).wrapping_mul(37)));
            assert_eq!(base64(&token)[..], *URL_SAFE_NO_PAD.encode(token).as_bytes());
        }
    }
}
