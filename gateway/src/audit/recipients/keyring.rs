//! Keys of the index: one secret from the log's key, and one from that for every originator. An originator gets its
//! own wrapped under its seal key, beside the log, so that it can ask a copy of the store without the gateway; the
//! gateway's auditor gets the one behind all.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use portcullis_core::id::{AgencyId, Digest};

use super::super::event::DisclosedRecord;
use super::super::keys::{SealPrivateKey, SealPublicKey};
use super::super::seal::{Party, SealError, unwrap_secret, wrap_secret};
use super::super::tree::leaf_hash;
use super::blob::{BlobKeys, derive};
use crate::store::{Store, StoreError, Tx};

const INFO: &[u8] = b"portcullis recipients key v1";
/// Most originators whose keys are kept at hand.
const CACHE: usize = 4096;

/// The key of one originator's part of the index.
#[derive(Clone)]
pub struct IndexKey(pub(super) Arc<BlobKeys>);

impl IndexKey {
    fn new(secret: &[u8; 32]) -> Result<Self, SealError> {
        Ok(Self(Arc::new(BlobKeys::new(secret)?)))
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexKey(..)")
    }
}

/// All of them.
pub(crate) struct Keyring {
    root: [u8; 32],
    known: Mutex<HashMap<AgencyId, IndexKey>>,
}

impl Keyring {
    /// From a secret that follows from the log's key.
    pub fn new(root: [u8; 32]) -> Self {
        Self { root, known: Mutex::default() }
    }

    /// An originator's.
    pub fn key(&self, originator: &AgencyId) -> Result<IndexKey, SealError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(originator) {
            return Ok(key.clone());
        }
        if known.len() >= CACHE {
            known.clear();
        }
        let key = IndexKey::new(&of_originator(&self.root, originator))?;
        known.insert(originator.clone(), key.clone());
        Ok(key)
    }

    /// What the index keeps of an entry: by originator the fingerprints of its records, sealed.
    pub fn prints(
        &self,
        leaf: &[u8],
        records: &[DisclosedRecord],
    ) -> Result<Vec<(AgencyId, Vec<u8>)>, SealError> {
        let leaf = leaf_hash(leaf);
        let mut by_originator: Vec<(&AgencyId, IndexKey, Vec<u64>)> = Vec::new();
        for record in records {
            let known = by_originator.iter().position(|(agency, ..)| *agency == &record.originator);
            let at = match known {
                Some(at) => at,
                None => {
                    let key = self.key(&record.originator)?;
                    by_originator.push((&record.originator, key, Vec::new()));
                    by_originator.len() - 1
                }
            };
            if let Some((_, key, prints)) = by_originator.get_mut(at) {
                prints.push(key.0.print(&record.opaque_id));
            }
        }
        by_originator
            .into_iter()
            .map(|(agency, key, prints)| Ok((agency.clone(), key.0.seal_tail(&leaf, &prints)?)))
            .collect()
    }

    /// Writes what is not there yet: every agency's own key for it, and the one behind all for the auditor. True:
    /// something was written.
    pub async fn hand_out(
        &self,
        tx: &mut Tx<'_>,
        gateway: &SealPublicKey,
        agencies: &BTreeMap<AgencyId, SealPublicKey>,
    ) -> Result<bool, HandOutError> {
        let there: Vec<(String, Digest)> =
            tx.recipient_keys(None).await?.into_iter().map(|(party, id, _)| (party, id)).collect();
        let own = |(agency, key)| (Party::Agency(AgencyId::clone(agency)), key);
        let parties = [(Party::Gateway, gateway)].into_iter().chain(agencies.iter().map(own));
        let mut written = false;
        for (party, public) in parties {
            let (name, id) = (party.as_str(), public.id());
            if there.iter().any(|(other, key)| other == name && *key == id) {
                continue;
            }
            let secret = match &party {
                Party::Gateway => self.root,
                Party::Agency(agency) => of_originator(&self.root, agency),
            };
            let wrapped = wrap_secret(public, INFO, name.as_bytes(), &secret)?;
            tx.put_recipient_key(name, &id, &wrapped).await?;
            written = true;
        }
        Ok(written)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}

/// Why keys cannot be handed out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandOutError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// An originator's key, from a store: with the originator's own seal key or the auditor's. None: nothing is wrapped
/// under this key.
///
/// # Errors
/// The store cannot be read, or what is wrapped was altered.
pub async fn index_key(
    store: &Store,
    party: &Party,
    private: &SealPrivateKey,
    originator: &AgencyId,
) -> Result<Option<IndexKey>, super::IndexError> {
    let mut tx = store.read("read_recipient_keys").await?;
    if tx.recipient_state().await?.is_none() {
        return Ok(None);
    }
    let own = private.public().ok_or(SealError::Key)?.id();
    let rows = tx.recipient_keys(Some(party.as_str())).await?;
    let Some((_, _, wrapped)) = rows.into_iter().find(|(_, id, _)| *id == own) else {
        return Ok(None);
    };
    let secret = unwrap_secret(private, INFO, party.as_str().as_bytes(), &wrapped)
        .map_err(|_| super::IndexError::Altered)?;
    let secret = match party {
        Party::Gateway => of_originator(&secret, originator),
        Party::Agency(_) => secret,
    };
    Ok(Some(IndexKey::new(&secret)?))
}

fn of_originator(root: &[u8; 32], originator: &AgencyId) -> [u8; 32] {
    derive(root, &[b"originator\0", originator.as_str().as_bytes()].concat())
}
