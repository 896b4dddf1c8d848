//! Bodies sealed to their readers. Each part of a body has a random content key (AES-256-GCM); that key is
//! wrapped under an *epoch key* of each reader, and the epoch key, random and short-lived, once under the
//! reader's X25519 key with HPKE (RFC 9180). So a reader costs microseconds an entry, and a key read from
//! this process's memory opens one epoch and not the past.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, X25519HkdfSha256};
use hpke::{Deserializable as _, OpModeR, OpModeS, Serializable as _};
use portcullis_core::id::{AgencyId, Digest, Moment};

use super::code::{CodeError, Reader, Writer};
use super::keys::{SealPrivateKey, SealPublicKey};
use super::part::{Part, commit_body, commit_part};

const VERSION: u8 = 1;
const INFO: &[u8] = b"portcullis seal epoch v1";
/// Entries after which a reader's epoch key is replaced; far below what AES-GCM bears.
const EPOCH_ENTRIES: u64 = 1 << 20;
/// Age at which a reader's epoch key is replaced.
const EPOCH_MILLIS: i64 = 6 * 60 * 60 * 1000;

/// Who may read a part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// Whoever holds the gateway's audit key; reads everything.
    Gateway,
    /// An agency.
    Agency(AgencyId),
}

impl Party {
    /// The agency's id, or the empty text for the gateway.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Gateway => "",
            Self::Agency(agency) => agency.as_str(),
        }
    }

    fn parse(text: &str) -> Self {
        if text.is_empty() { Self::Gateway } else { Self::Agency(AgencyId::new(text)) }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gateway => "the gateway",
            Self::Agency(agency) => agency.as_str(),
        })
    }
}

/// Why a body cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes are not a sealed body.
    #[error("the sealed body is malformed: {0}")]
    Malformed(#[from] CodeError),
    /// A key is no key, or does not open what it should.
    #[error("the key does not open the sealed body")]
    Key,
    /// What was opened is not what the leaf commits to.
    #[error("the sealed body is not what its leaf commits to")]
    Commitment,
    /// The machine gives no randomness.
    #[error("no randomness to be had")]
    NoRandomness,
}

/// Names an epoch key: the first 16 bytes of SHA-256 over the row that holds it.
pub type EpochId = [u8; 16];

/// A reader's epoch key, wrapped; stored before the first entry that uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Whose.
    pub party: Party,
    /// SHA-256 of the public key it is wrapped under.
    pub key_id: Digest,
    /// HPKE encapsulated key (32 bytes) and ciphertext (48).
    pub wrapped: Vec<u8>,
}

impl Epoch {
    /// Follows from its content, so that an edited row has another name.
    pub fn id(&self) -> EpochId {
        let mut out = Writer::default();
        out.raw(b"portcullis epoch v1\0")
            .text(self.party.as_str())
            .digest(&self.key_id)
            .blob(&self.wrapped);
        let digest = Digest::of(&out.finish().unwrap_or_default());
        let mut id = [0; 16];
        id.copy_from_slice(digest.0.split_at(16).0);
        id
    }
}

/// A body, sealed.
pub struct SealedBody {
    /// As stored.
    pub bytes: Vec<u8>,
    /// Commitment to its parts, for the leaf.
    pub commitment: Digest,
    /// Every agency that may read some of it.
    pub agencies: Vec<AgencyId>,
    /// The epochs it needs.
    pub epochs: Vec<Arc<Epoch>>,
}

struct LiveEpoch {
    row: Arc<Epoch>,
    id: EpochId,
    key: LessSafeKey,
    used: u64,
    began: Moment,
}

/// Seals bodies. A reader without a key is left out: the gateway's audit key opens its share for it.
pub struct Sealer {
    gateway: SealPublicKey,
    agencies: BTreeMap<AgencyId, SealPublicKey>,
    live: Mutex<HashMap<Party, LiveEpoch>>,
}

impl Sealer {
    /// With the gateway's audit key and the agencies' keys.
    pub fn new(gateway: SealPublicKey, agencies: BTreeMap<AgencyId, SealPublicKey>) -> Self {
        Self { gateway, agencies, live: Mutex::default() }
    }

    /// Seals parts, each to its readers and to the gateway.
    pub fn seal(
        &self,
        parts: &[(Part, Vec<AgencyId>)],
        now: Moment,
    ) -> Result<SealedBody, SealError> {
        let mut out = Writer::default();
        out.u8(VERSION).count(parts.len());
        let (mut commitments, mut agencies, mut epochs) = (Vec::new(), Vec::new(), HashMap::new());
        for (part, readers) in parts {
            let bytes = part.encode()?;
            let (salt, content_key): ([u8; 32], [u8; 32]) = (random()?, random()?);
            let commitment = commit_part(&salt, &bytes);
            let mut parties = readers.clone();
            parties.sort();
            parties.dedup();
            agencies.extend(parties.iter().cloned());
            let agency_parties = parties.iter().cloned().map(Party::Agency);
            let readers: Vec<_> = [Party::Gateway].into_iter().chain(agency_parties).collect();
            let mut wraps = Vec::new();
            for reader in &readers {
                if let Some((epoch, id, wrap)) = self.wrap(reader, &content_key, now)? {
                    epochs.insert(id, epoch);
                    wraps.push((reader, id, wrap));
                }
            }
            let mut sealed = [salt.as_slice(), &bytes].concat();
            // The content key is used once, so one fixed nonce is enough.
            key(&content_key)?
                .seal_in_place_append_tag(
                    Nonce::assume_unique_for_key([0; NONCE_LEN]),
                    Aad::from(commitment.0),
                    &mut sealed,
                )
                .map_err(|_| SealError::Key)?;
            out.digest(&commitment).texts(parties.iter().map(AgencyId::as_str)).count(wraps.len());
            for (reader, id, wrap) in wraps {
                out.text(reader.as_str()).raw(&id).raw(&wrap);
            }
            out.blob(&sealed);
            commitments.push(commitment);
        }
        agencies.sort();
        agencies.dedup();
        Ok(SealedBody {
            bytes: out.finish()?,
            commitment: commit_body(&commitments),
            agencies,
            epochs: epochs.into_values().collect(),
        })
    }

    /// Wraps a content key for a reader: nonce and ciphertext, 60 bytes.
    #[expect(clippy::type_complexity, reason = "an epoch, its id, and what it wraps")]
    fn wrap(
        &self,
        reader: &Party,
        content_key: &[u8; 32],
        now: Moment,
    ) -> Result<Option<(Arc<Epoch>, EpochId, Vec<u8>)>, SealError> {
        let public = match reader {
            Party::Gateway => self.gateway,
            Party::Agency(agency) => match self.agencies.get(agency) {
                Some(public) => *public,
                None => return Ok(None),
            },
        };
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = live.get(reader).is_none_or(|epoch| {
            epoch.used >= EPOCH_ENTRIES || now.0.saturating_sub(epoch.began.0) >= EPOCH_MILLIS
        });
        if stale {
            live.insert(reader.clone(), begin_epoch(reader, &public, now)?);
        }
        let epoch = live.get_mut(reader).ok_or(SealError::Key)?;
        let mut nonce = [0; NONCE_LEN];
        nonce.split_at_mut(4).1.copy_from_slice(&epoch.used.to_be_bytes());
        epoch.used += 1;
        let mut wrapped = content_key.to_vec();
        epoch
            .key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                &mut wrapped,
            )
            .map_err(|_| SealError::Key)?;
        Ok(Some((epoch.row.clone(), epoch.id, [nonce.as_slice(), &wrapped].concat())))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({} agencies)", self.agencies.len())
    }
}

fn begin_epoch(
    reader: &Party,
    public: &SealPublicKey,
    now: Moment,
) -> Result<LiveEpoch, SealError> {
    let secret: [u8; 32] = random()?;
    let wrapped = wrap_secret(public, INFO, reader.as_str().as_bytes(), &secret)?;
    let row = Arc::new(Epoch { party: reader.clone(), key_id: public.id(), wrapped });
    Ok(LiveEpoch { id: row.id(), row, key: key(&secret)?, used: 0, began: now })
}

/// A secret under a public key, by HPKE base mode: the encapsulated key (32 bytes) and the ciphertext (48).
pub(super) fn wrap_secret(
    public: &SealPublicKey,
    info: &[u8],
    aad: &[u8],
    secret: &[u8; 32],
) -> Result<Vec<u8>, SealError> {
    let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(public.bytes())
        .map_err(|_| SealError::Key)?;
    let (encapsulated, sealed) = hpke::single_shot_seal::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        info,
        secret,
        aad,
    )
    .map_err(|_| SealError::Key)?;
    Ok([encapsulated.to_bytes().as_slice(), &sealed].concat())
}

/// Back from [`wrap_secret`].
pub(super) fn unwrap_secret(
    private: &SealPrivateKey,
    info: &[u8],
    aad: &[u8],
    wrapped: &[u8],
) -> Result<[u8; 32], SealError> {
    let (encapsulated, sealed) = wrapped.split_at_checked(32).ok_or(SealError::Key)?;
    let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(private.bytes())
        .map_err(|_| SealError::Key)?;
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated)
        .map_err(|_| SealError::Key)?;
    let secret = hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        info,
        sealed,
        aad,
    )
    .map_err(|_| SealError::Key)?;
    secret.try_into().map_err(|_| SealError::Key)
}

/// A part as stored: what anybody can read of it, and what only its readers can.
pub(crate) struct SealedPart<'a> {
    pub commitment: Digest,
    /// Agencies that may read it, with a key or without.
    pub parties: Vec<&'a str>,
    pub readers: Vec<(Party, EpochId, &'a [u8])>,
    pub sealed: &'a [u8],
}

/// Reads the outside of a sealed body.
pub(crate) fn sealed_parts(bytes: &[u8]) -> Result<Vec<SealedPart<'_>>, CodeError> {
    let mut from = Reader::new(bytes);
    if from.u8()? != VERSION {
        return Err(CodeError::Unknown);
    }
    let parts = from.list(|from| {
        Ok(SealedPart {
            commitment: from.digest()?,
            parties: from.list(Reader::text)?,
            readers: from.list(|from| {
                Ok((Party::parse(from.text()?), from.array()?, from.take(NONCE_LEN + 48)?))
            })?,
            sealed: from.blob()?,
        })
    })?;
    from.end()?;
    Ok(parts)
}

/// Opens bodies with one private key.
pub struct Unsealer {
    party: Party,
    private: SealPrivateKey,
    key_id: Digest,
    epochs: Mutex<HashMap<EpochId, [u8; 32]>>,
}

/// One opened part and everyone who can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedPart {
    /// The part.
    pub part: Part,
    /// Agencies among its readers.
    pub agencies: Vec<AgencyId>,
}

impl Unsealer {
    /// For a party with its private key.
    pub fn new(party: Party, private: SealPrivateKey) -> Result<Self, SealError> {
        let key_id = private.public().ok_or(SealError::Key)?.id();
        Ok(Self { party, private, key_id, epochs: Mutex::default() })
    }

    /// Whose key it holds.
    pub fn party(&self) -> &Party {
        &self.party
    }

    /// Takes in an epoch; one of another party or key is passed over.
    pub fn learn(&self, epoch: &Epoch) -> Result<(), SealError> {
        if epoch.party != self.party || epoch.key_id != self.key_id {
            return Ok(());
        }
        let mut known = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains_key(&epoch.id()) {
            return Ok(());
        }
        let aad = self.party.as_str().as_bytes();
        let secret = unwrap_secret(&self.private, INFO, aad, &epoch.wrapped)?;
        known.insert(epoch.id(), secret);
        Ok(())
    }

    /// How many epochs it knows.
    pub(crate) fn epochs(&self) -> usize {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Does it know every epoch that this party needs for a body?
    pub(crate) fn knows(&self, sealed: &[u8]) -> Result<bool, SealError> {
        let parts = sealed_parts(sealed)?;
        let known = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(parts
            .iter()
            .flat_map(|part| &part.readers)
            .all(|(party, epoch, _)| *party != self.party || known.contains_key(epoch)))
    }

    /// Opens the parts that this party may read, and checks them against the leaf's commitment.
    pub fn open(&self, sealed: &[u8], commitment: &Digest) -> Result<Vec<OpenedPart>, SealError> {
        let parts = sealed_parts(sealed)?;
        if commit_body(parts.iter().map(|part| &part.commitment)) != *commitment {
            return Err(SealError::Commitment);
        }
        let known = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut opened = Vec::new();
        for part in &parts {
            let mine = part.readers.iter().find(|(party, ..)| *party == self.party);
            let Some((_, epoch, wrap)) = mine else { continue };
            let Some(epoch) = known.get(epoch) else { continue };
            opened.push(OpenedPart {
                part: open_part(part, epoch, wrap)?,
                agencies: part.parties.iter().map(AgencyId::new).collect(),
            });
        }
        Ok(opened)
    }
}

impl fmt::Debug for Unsealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unsealer({})", self.party)
    }
}

fn open_part(part: &SealedPart<'_>, epoch: &[u8; 32], wrap: &[u8]) -> Result<Part, SealError> {
    let (nonce, wrapped) = wrap.split_at_checked(NONCE_LEN).ok_or(CodeError::Truncated)?;
    let content_key: [u8; 32] =
        open(epoch, nonce, &[], wrapped)?.try_into().map_err(|_| SealError::Key)?;
    let plain = open(&content_key, &[0; NONCE_LEN], &part.commitment.0, part.sealed)?;
    let (salt, bytes) = plain.split_at_checked(32).ok_or(CodeError::Truncated)?;
    let salt: [u8; 32] = salt.try_into().map_err(|_| CodeError::Truncated)?;
    if commit_part(&salt, bytes) != part.commitment {
        return Err(SealError::Commitment);
    }
    Ok(Part::decode(bytes)?)
}

fn open(secret: &[u8; 32], nonce: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Key)?;
    let mut buffer = sealed.to_vec();
    let plain = key(secret)?
        .open_in_place(nonce, Aad::from(aad), &mut buffer)
        .map_err(|_| SealError::Key)?
        .len();
    buffer.truncate(plain);
    Ok(buffer)
}

pub(super) fn key(secret: &[u8; 32]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, secret).map(LessSafeKey::new).map_err(|_| SealError::Key)
}

/// Random bytes, for salts and keys.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SealError::NoRandomness)?;
    Ok(bytes)
}
