//! What a joined drill proves over the wire: that a log only grew since the drill began, and that everything the drill
//! counts stands in it. What other parties' entries are, and what stands in sealed bodies, is not the drill's to see.

use std::collections::BTreeMap;

use portcullis::audit::tree::{leaf_hash, root_of_inclusion, verify_consistency};
use portcullis::audit::{Checkpoint, LogVerifier, NoteError};
use portcullis_core::id::Digest;
use portcullis_proto::audit::v1 as wire;
use portcullis_proto::audit::v1::audit_service_client::AuditServiceClient;
use tonic::transport::Channel;

use super::BegunLog;

/// Why a log is not what it was told to be.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The gateway does not answer.
    #[error("the gateway's log cannot be read: {0}")]
    Unreadable(String),
    /// A checkpoint is not the log's.
    #[error("{0}: is it the gateway's `log_key`?")]
    Forged(#[from] NoteError),
    /// The log is shorter than it was when the drill began.
    #[error("the log was rolled back: {began} entries when the drill began, {size} now")]
    RolledBack {
        /// Entries when the drill began.
        began: u64,
        /// Entries now.
        size: u64,
    },
    /// The log does not go on from where it stood.
    #[error(
        "the log was rewritten: its first {began} entries are not those of the drill's beginning"
    )]
    Forked {
        /// Entries when the drill began.
        began: u64,
    },
    /// An entry that the drill counts is not proven to stand in the log.
    #[error("entry {0} is not proven to stand in the log")]
    NotProven(u64),
    /// An entry was listed in two ways, or is not the one in the log.
    #[error("entry {0} is not the one that was listed before")]
    Differs(u64),
}

impl Fault {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "LOG_UNREADABLE",
            Self::Forged(_) => "CHECKPOINT_FORGED",
            Self::RolledBack { .. } => "LOG_ROLLED_BACK",
            Self::Forked { .. } => "LOG_FORKED",
            Self::NotProven(_) => "ENTRY_NOT_PROVEN",
            Self::Differs(_) => "ENTRY_DIFFERS",
        }
    }
}

impl From<tonic::Status> for Fault {
    fn from(status: tonic::Status) -> Self {
        Self::Unreadable(crate::drill::desk::reason(&status))
    }
}

/// Entries of one log that a drill counts: position, an agency that may see it, and the leaf as it was listed.
#[derive(Debug, Clone, Default)]
pub struct Counted(BTreeMap<u64, (String, Option<Vec<u8>>)>);

impl Counted {
    /// Counts an entry. `leaf`: as it was listed, where it was.
    ///
    /// # Errors
    /// When it was listed with another leaf before.
    pub fn add(&mut self, index: u64, agency: &str, leaf: Option<&[u8]>) -> Result<(), Fault> {
        let entry = self.0.entry(index);
        let (_, known) = entry.or_insert_with(|| (agency.to_owned(), None));
        match (known.as_deref(), leaf) {
            (Some(known), Some(leaf)) if known != leaf => return Err(Fault::Differs(index)),
            (None, Some(leaf)) => *known = Some(leaf.to_vec()),
            _ => {}
        }
        Ok(())
    }

    /// How many.
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn path(steps: &[impl AsRef<[u8]>]) -> Option<Vec<Digest>> {
    steps.iter().map(|step| Some(Digest(step.as_ref().try_into().ok()?))).collect()
}

/// Whether a log that stood as `began` stands as `note` now.
fn continues(
    key: &LogVerifier,
    began: &Checkpoint,
    note: &str,
    steps: &[impl AsRef<[u8]>],
) -> Result<Checkpoint, Fault> {
    let now = key.open(note)?;
    if now.size < began.size {
        return Err(Fault::RolledBack { began: began.size, size: now.size });
    }
    let grown = path(steps).is_some_and(|path| {
        verify_consistency(began.size, now.size, &began.root, &now.root, &path)
    });
    if grown { Ok(now) } else { Err(Fault::Forked { began: began.size }) }
}

/// Whether a leaf stands at a position of a log.
fn stands(
    key: &LogVerifier,
    now: &Checkpoint,
    index: u64,
    listed: Option<&[u8]>,
    proof: &wire::LogProof,
) -> Result<(), Fault> {
    let signed = key.open(&proof.checkpoint)?;
    if proof.index != index || (signed.size, signed.root) != (now.size, now.root) {
        return Err(Fault::NotProven(index));
    }
    if listed.is_some_and(|listed| listed != &*proof.leaf) {
        return Err(Fault::Differs(index));
    }
    let leads = |path: Vec<Digest>| {
        root_of_inclusion(leaf_hash(&proof.leaf), index, now.size, &path) == Some(now.root)
    };
    if path(&proof.path).is_some_and(leads) { Ok(()) } else { Err(Fault::NotProven(index)) }
}

/// Proves that a log only grew since a drill began, and that what the drill counts stands in it: its newest checkpoint.
///
/// # Errors
/// As [`Fault`].
pub async fn prove(
    begun: &BegunLog,
    counted: &Counted,
    channels: &BTreeMap<String, Channel>,
) -> Result<Checkpoint, Fault> {
    let key = LogVerifier::parse(&begun.log_key)?;
    let began = key.open(&begun.checkpoint)?;
    let Some(channel) = channels.values().next() else {
        return Err(Fault::Unreadable("NO_PROFILE".to_owned()));
    };
    let mut client = AuditServiceClient::new(channel.clone());
    let ask = wire::GetConsistencyProofRequest { old_size: began.size, new_size: 0 };
    let grown = match client.get_consistency_proof(ask).await {
        Ok(grown) => grown.into_inner(),
        Err(refused) => {
            // A log that is shorter than it was has no such proof: told as what it is.
            let newest = client.get_checkpoint(wire::GetCheckpointRequest {}).await?.into_inner();
            let size = key.open(&newest.checkpoint)?.size;
            let shorter = Fault::RolledBack { began: began.size, size };
            return Err(if size < began.size { shorter } else { refused.into() });
        }
    };
    let now = continues(&key, &began, &grown.checkpoint, &grown.path)?;
    for (index, (agency, leaf)) in &counted.0 {
        let channel = channels.get(agency).unwrap_or(channel);
        let ask = wire::GetInclusionProofRequest { index: *index, tree_size: now.size };
        let mut client = AuditServiceClient::new(channel.clone());
        let proof = client.get_inclusion_proof(ask).await?.into_inner().proof;
        let proof = proof.ok_or(Fault::NotProven(*index))?;
        stands(&key, &now, *index, leaf.as_deref(), &proof)?;
    }
    Ok(now)
}

#[cfg(test)]
mod tests {
    use portcullis::audit::LogSigner;
    use portcullis::audit::tree::{Frontier, Nodes, consistency, inclusion};

    use super::*;

    /// A log of leaves `0`, `1`, ..
    #[derive(Default)]
    struct Log(BTreeMap<(u32, u64), Digest>);

    impl Nodes for Log {
        fn node(&self, level: u32, position: u64) -> Option<Digest> {
            self.0.get(&(level, position)).copied()
        }
    }

    fn leaf(index: u64) -> Vec<u8> {
        format!("leaf {index}").into_bytes()
    }

    fn log(size: u64) -> (Log, Digest) {
        let (mut log, mut frontier) = (Log::default(), Frontier::default());
        for index in 0..size {
            let hash = leaf_hash(&leaf(index));
            frontier.push(hash, |level, position, hash| {
                log.0.insert((level, position), hash);
            });
        }
        (log, frontier.root())
    }

    fn steps(path: Option<Vec<Digest>>) -> Vec<Vec<u8>> {
        path.unwrap().into_iter().map(|step| step.0.to_vec()).collect()
    }

    #[test]
    fn a_log_that_grew_is_told_from_one_that_was_cut_rewritten_or_is_signed_by_another() {
        let signer = LogSigner::new("x.example/log", &[7; 32]).unwrap();
        let key = signer.verifier();
        let (whole, root) = log(11);
        let began = signer.sign(5, log(5).1);
        let path = steps(consistency(&whole, 5, 11));
        let word = |note: &str, path: &[Vec<u8>]| match continues(key, &began, note, path) {
            Ok(now) => now.size.to_string(),
            Err(fault) => fault.word().to_owned(),
        };
        assert_eq!(word(&signer.sign(11, root).note, &path), "11");
        assert_eq!(word(&signer.sign(11, root).note, &path[1..]), "LOG_FORKED");
        assert_eq!(word(&signer.sign(11, Digest::of(b"other")).note, &path), "LOG_FORKED");
        assert_eq!(word(&signer.sign(4, log(4).1).note, &[]), "LOG_ROLLED_BACK");
        let other = LogSigner::new("x.example/log", &[8; 32]).unwrap();
        assert_eq!(word(&other.sign(11, root).note, &path), "CHECKPOINT_FORGED");
        // A log that was empty when the drill began.
        let empty = signer.sign(0, log(0).1);
        let now = continues(key, &empty, &signer.sign(11, root).note, &Vec::<Vec<u8>>::new());
        assert_eq!(now.unwrap().size, 11);
    }

    #[test]
    fn an_entry_stands_where_it_was_listed_with_the_leaf_that_was_listed() {
        let signer = LogSigner::new("x.example/log", &[7; 32]).unwrap();
        let (whole, root) = log(11);
        let now = signer.sign(11, root);
        let proof = |index: u64| wire::LogProof {
            index,
            leaf: leaf(index).into(),
            path: steps(inclusion(&whole, index, 11)).into_iter().map(Into::into).collect(),
            checkpoint: now.note.clone(),
        };
        let word = |index: u64, listed: Option<&[u8]>, proof: wire::LogProof| {
            stands(signer.verifier(), &now, index, listed, &proof).err().map(|fault| fault.word())
        };
        for index in 0..11 {
            assert_eq!(word(index, Some(&leaf(index)), proof(index)), None);
        }
        assert_eq!(word(3, None, proof(3)), None);
        assert_eq!(word(3, Some(&leaf(4)), proof(3)), Some("ENTRY_DIFFERS"));
        assert_eq!(word(3, Some(&leaf(3)), proof(4)), Some("ENTRY_NOT_PROVEN"));
        let moved = wire::LogProof { index: 3, ..proof(4) };
        assert_eq!(word(3, None, moved), Some("ENTRY_NOT_PROVEN"));
        let earlier = wire::LogProof { checkpoint: signer.sign(7, log(7).1).note, ..proof(3) };
        assert_eq!(word(3, None, earlier), Some("ENTRY_NOT_PROVEN"));
    }

    #[test]
    fn one_entry_listed_with_two_leaves_is_found_out() {
        let mut counted = Counted::default();
        counted.add(1, "a", Some(b"x")).unwrap();
        counted.add(1, "b", Some(b"x")).unwrap();
        counted.add(1, "b", None).unwrap();
        assert_eq!(counted.len(), 1);
        assert_eq!(counted.add(1, "b", Some(b"y")).unwrap_err().word(), "ENTRY_DIFFERS");
    }
}
