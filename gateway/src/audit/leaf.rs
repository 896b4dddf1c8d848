//! The leaf, format version 1: what the Merkle tree hashes and everybody who holds a receipt may see. Ids and
//! salted commitments only; README.md states it byte by byte.

use portcullis_core::id::{AgencyId, Digest, Moment};

use super::code::{CodeError, Reader, Writer};
use super::event::{Ending, ExchangeId};

/// Longest leaf in bytes.
pub const MAX_LEAF: usize = 65_535;
const VERSION: u8 = 1;

/// What kind of entry; the numbers are those of `portcullis.audit.v1.EntryKind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A query was permitted and is about to be asked.
    Intent = 1,
    /// A batch is about to be released.
    Disclosure = 2,
    /// How an exchange ended.
    Outcome = 3,
    /// A query was refused.
    Denial = 4,
    /// A step of a release request.
    Release = 5,
}

impl EntryKind {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Intent => "INTENT",
            Self::Disclosure => "DISCLOSURE",
            Self::Outcome => "OUTCOME",
            Self::Denial => "DENIAL",
            Self::Release => "RELEASE",
        }
    }
}

/// A leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// When, by the gateway's clock.
    pub at: Moment,
    /// Of which exchange.
    pub exchange: ExchangeId,
    /// Who asked.
    pub requester: AgencyId,
    /// Commitment to the parts of the body, each salted.
    pub body: Digest,
    /// SHA-256 of the sealed body as stored.
    pub sealed: Digest,
    /// What only its kind has.
    pub link: Link,
}

/// How an entry hangs on earlier ones of its exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// It begins one.
    Intent,
    /// It releases a batch.
    Disclosure {
        /// Leaf hash of the exchange's intent.
        intent: Digest,
        /// Leaf hash of the exchange's disclosure before this one, or of the intent: commits to all before.
        previous: Digest,
        /// Counted from 0.
        batch: u32,
    },
    /// It ends one.
    Outcome {
        /// Leaf hash of the exchange's intent.
        intent: Digest,
        /// Leaf hash of the last disclosure, or of the intent.
        previous: Digest,
        /// Batches released.
        batches: u32,
        /// In which way.
        ending: Ending,
    },
    /// It stands alone.
    Denial,
    /// It is a step of a release request; the exchange is the request.
    Release {
        /// Leaf hash of the step before it; zeros for the first.
        previous: Digest,
        /// From 1.
        number: u32,
    },
}

impl Leaf {
    /// Its kind.
    pub fn kind(&self) -> EntryKind {
        match self.link {
            Link::Intent => EntryKind::Intent,
            Link::Disclosure { .. } => EntryKind::Disclosure,
            Link::Outcome { .. } => EntryKind::Outcome,
            Link::Denial => EntryKind::Denial,
            Link::Release { .. } => EntryKind::Release,
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Result<Vec<u8>, CodeError> {
        let mut out = Writer::default();
        out.u8(VERSION)
            .u8(self.kind() as u8)
            .moment(self.at)
            .raw(&self.exchange.0)
            .text(self.requester.as_str())
            .digest(&self.body)
            .digest(&self.sealed);
        match &self.link {
            Link::Intent | Link::Denial => {}
            Link::Release { previous, number } => {
                out.digest(previous).u32(*number);
            }
            Link::Disclosure { intent, previous, batch } => {
                out.digest(intent).digest(previous).u32(*batch);
            }
            Link::Outcome { intent, previous, batches, ending } => {
                out.digest(intent).digest(previous).u32(*batches).u8(*ending as u8);
            }
        }
        let bytes = out.finish()?;
        if bytes.len() > MAX_LEAF { Err(CodeError::TooLong) } else { Ok(bytes) }
    }

    /// From its bytes, all of them.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodeError> {
        if bytes.len() > MAX_LEAF {
            return Err(CodeError::TooLong);
        }
        let mut from = Reader::new(bytes);
        if from.u8()? != VERSION {
            return Err(CodeError::Unknown);
        }
        let kind = from.u8()?;
        let at = from.moment()?;
        let exchange = ExchangeId(from.array()?);
        let requester = AgencyId::new(from.text()?);
        let (body, sealed) = (from.digest()?, from.digest()?);
        let link = match kind {
            1 => Link::Intent,
            2 => Link::Disclosure {
                intent: from.digest()?,
                previous: from.digest()?,
                batch: from.u32()?,
            },
            3 => Link::Outcome {
                intent: from.digest()?,
                previous: from.digest()?,
                batches: from.u32()?,
                ending: *Ending::ALL.get(usize::from(from.u8()?)).ok_or(CodeError::Unknown)?,
            },
            4 => Link::Denial,
            5 => Link::Release { previous: from.digest()?, number: from.u32()? },
            _ => return Err(CodeError::Unknown),
        };
        from.end()?;
        Ok(Self { at, exchange, requester, body, sealed, link })
    }
}
