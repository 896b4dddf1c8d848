//! Steps of release requests: an entry of its own for each, for requester and originator, chained to the step
//! before it. What was asked and decided is durable in the same transaction, in a row that only this gateway
//! reads and that is bound to its entry.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use portcullis_core::id::{
    AgencyId, AgreementId, CaseId, Digest, Moment, OfficerId, RecordTypeName,
};
use portcullis_core::policy::Purpose;
use portcullis_core::redact::Treatment;
use portcullis_core::release::{Act, Ground, ReleaseId};
use serde_json::{Value, json};

use super::code::{CodeError, Reader, Writer};
use super::effects::Effects;
use super::error::{CommitError, OpenError};
use super::event::{ExchangeId, Requester};
use super::leaf::{EntryKind, Leaf, Link};
use super::part::{Part, read_requester, requester_json, write_requester};
use super::tree::leaf_hash;
use super::{Audit, Chain, Facts};
use crate::officers::Proof;
use crate::store::{ReleaseRow, Store};

/// A step of a release request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseStep {
    /// Of which.
    pub release: ReleaseId,
    /// From 1.
    pub number: u32,
    /// When.
    pub at: Moment,
    /// Who took it; none: time passed.
    pub by: Option<Requester>,
    /// What was done.
    pub what: What,
}

/// What a step does. Texts are officers' own words: they go into sealed bodies and to the two agencies, and
/// nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub enum What {
    /// It is asked for.
    Request(Box<ReleaseAsk>),
    /// The originator asks back.
    AskBack(String),
    /// The requester answers.
    Answer(String),
    /// The originator grants.
    Grant {
        /// Paths and how they are shown.
        fields: Vec<(String, Treatment)>,
        /// For the requester.
        remark: String,
        /// Usable until then.
        until: Moment,
        /// Policy under which it was decided.
        policy_hash: Digest,
    },
    /// The originator refuses.
    Refuse {
        /// Why.
        ground: Ground,
        /// More of it.
        text: String,
    },
    /// Time is over.
    Lapse,
    /// The requester needs it no more.
    Withdraw(String),
    /// The originator takes its grant back.
    Revoke(String),
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct ReleaseAsk {
    /// Whose record.
    pub originator: AgencyId,
    /// Why.
    pub purpose: Purpose,
    /// For which case.
    pub case: Option<CaseId>,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Its version.
    pub agreement_version: u32,
    /// Of which type the record is.
    pub record_type: RecordTypeName,
    /// SHA-256 of its schema.
    pub schema_hash: Digest,
    /// The record, as the requester knows it.
    pub reference: String,
    /// Within what the reference is one: the text of its scope.
    pub scope: String,
    /// Paths of the fields wanted, sorted.
    pub fields: Vec<String>,
    /// In the officer's own words.
    pub reason: String,
    /// An answer is wanted by then.
    pub due: Moment,
    /// It lapses then.
    pub lapses_at: Moment,
    /// A grant can be used for so many days at most.
    pub grant_holds_days: u32,
    /// SHA-256 of the query that it came as.
    pub query_digest: Digest,
    /// Policy under which it was decided.
    pub policy_hash: Digest,
    /// SHA-256 of requester and idempotency key.
    pub idempotency_key: Option<Digest>,
}

impl std::fmt::Debug for ReleaseAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReleaseAsk({} of {})", self.record_type, self.originator)
    }
}

impl std::fmt::Debug for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.act().word())
    }
}

impl What {
    /// The act that it is.
    pub fn act(&self) -> Act {
        match self {
            Self::Request(_) => Act::Request,
            Self::AskBack(_) => Act::AskBack,
            Self::Answer(_) => Act::Answer,
            Self::Grant { .. } => Act::Grant,
            Self::Refuse { .. } => Act::Refuse,
            Self::Lapse => Act::Lapse,
            Self::Withdraw(_) => Act::Withdraw,
            Self::Revoke(_) => Act::Revoke,
        }
    }

    /// The officer's words, where there are any.
    pub fn text(&self) -> &str {
        match self {
            Self::Request(ask) => &ask.reason,
            Self::AskBack(text)
            | Self::Answer(text)
            | Self::Withdraw(text)
            | Self::Revoke(text)
            | Self::Refuse { text, .. }
            | Self::Grant { remark: text, .. } => text,
            Self::Lapse => "",
        }
    }
}

/// A step that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedStep {
    /// The step.
    pub step: ReleaseStep,
    /// The officer whom a token proved.
    pub proven: Option<OfficerId>,
    /// Leaf hash of its entry.
    pub leaf_hash: Digest,
}

impl Audit {
    /// Makes a step durable: its entry for the agency that asks and the one whose record it is, its row, and the use
    /// of an officer's token. `previous` is the leaf hash of the step before it, zeros for the first.
    pub async fn take_step(
        &self,
        step: ReleaseStep,
        [requester, originator]: [AgencyId; 2],
        previous: Digest,
        officer: Option<Proof>,
    ) -> Result<LoggedStep, CommitError> {
        let exchange = ExchangeId(step.release.0);
        let facts = Facts { exchange, requester: requester.clone() };
        let readers = vec![requester, originator];
        let mut parts = vec![(Part::Release(step.clone()), readers.clone())];
        parts.extend(officer.as_ref().map(|proof| (Part::officer(proof), readers)));
        let mut plain = Writer::default();
        plain.count(parts.len());
        for (part, _) in &parts {
            plain.blob(&part.encode().map_err(|_| CommitError::EventTooLarge)?);
        }
        let mut sealed = plain.finish().map_err(|_| CommitError::EventTooLarge)?;
        let link = Link::Release { previous, number: step.number };
        let entry = self.shared.entry(&facts, step.at, link, &parts)?;
        let leaf_hash = leaf_hash(&entry.0.leaf);
        let failed = CommitError::LogUnavailable { cause: "SEAL_FAILED" };
        let nonce = self
            .row_key()
            .and_then(|key| key.seal_in_place_append_tag(Aad::from(leaf_hash.0), &mut sealed).ok())
            .ok_or(failed)?;
        let release = ReleaseRow {
            release: step.release.0,
            number: step.number,
            leaf_hash,
            sealed: [nonce.as_ref().as_slice(), sealed.as_slice()].concat(),
        };
        let proven = officer.as_ref().map(|proof| proof.officer.clone());
        let effects = Effects { officer, release: Some(release), ..Effects::default() };
        self.commit(&mut Chain::default(), entry, effects).await?;
        Ok(LoggedStep { step, proven, leaf_hash })
    }

    /// Every step that was taken, in order. Each row must be the one that its entry of the log
    /// stands for, and each entry have its row: a step that somebody took away is missed.
    ///
    /// # Errors
    /// The store cannot be read, or rows and entries differ.
    pub async fn release_steps(&self, store: &Store) -> Result<Vec<LoggedStep>, OpenError> {
        let mut tx = store.read("releases").await?;
        let rows = tx.release_steps().await?;
        let leaves = tx.leaves_of_releases().await?;
        tx.rollback().await?;
        let key = self.row_key().ok_or(OpenError::ReleasesDiffer)?;
        if rows.len() != leaves.len() {
            return Err(OpenError::ReleasesDiffer);
        }
        let mut steps = vec![];
        // Both in the order in which they were written.
        for (row, leaf) in rows.into_iter().zip(leaves) {
            let facts = Leaf::decode(&leaf).map_err(|_| OpenError::ReleasesDiffer)?;
            let same = leaf_hash(&leaf) == row.leaf_hash
                && facts.kind() == EntryKind::Release
                && facts.exchange.0 == row.release;
            let read = open_row(&key, &row).filter(|logged| {
                logged.step.release.0 == row.release && logged.step.number == row.number
            });
            let (true, Some(logged)) = (same, read) else {
                return Err(OpenError::ReleasesDiffer);
            };
            steps.push(logged);
        }
        Ok(steps)
    }

    fn row_key(&self) -> Option<RandomizedNonceKey> {
        let key = self.shared.signer.derive(b"portcullis release rows v1");
        RandomizedNonceKey::new(&AES_256_GCM, &key).ok()
    }
}

fn open_row(key: &RandomizedNonceKey, row: &ReleaseRow) -> Option<LoggedStep> {
    let (nonce, sealed) = row.sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut sealed = sealed.to_vec();
    let plain = key.open_in_place(nonce, Aad::from(row.leaf_hash.0), &mut sealed).ok()?;
    let mut from = Reader::new(plain);
    let parts = from.list(|from| Part::decode(from.blob()?)).ok()?;
    from.end().ok()?;
    let leaf_hash = row.leaf_hash;
    match parts.as_slice() {
        [Part::Release(step)] => Some(LoggedStep { step: step.clone(), proven: None, leaf_hash }),
        [Part::Release(step), Part::Officer { officer, .. }] => {
            Some(LoggedStep { step: step.clone(), proven: Some(officer.clone()), leaf_hash })
        }
        _ => None,
    }
}

pub(super) fn write_step(out: &mut Writer, step: &ReleaseStep) {
    out.raw(&step.release.0).u32(step.number).moment(step.at);
    out.option(step.by.as_ref(), write_requester);
    out.u8(step.what.act() as u8);
    match &step.what {
        What::Request(ask) => write_ask(out, ask),
        What::AskBack(text) | What::Answer(text) | What::Withdraw(text) | What::Revoke(text) => {
            out.text(text);
        }
        What::Grant { fields, remark, until, policy_hash } => {
            out.count(fields.len());
            for (path, treatment) in fields {
                out.text(path).text(&treatment.to_string());
            }
            out.text(remark).moment(*until).digest(policy_hash);
        }
        What::Refuse { ground, text } => {
            out.u8(*ground as u8).text(text);
        }
        What::Lapse => {}
    }
}

fn write_ask(out: &mut Writer, ask: &ReleaseAsk) {
    out.text(ask.originator.as_str())
        .u8(ask.purpose as u8)
        .option(ask.case.as_ref(), |out, case| {
            out.text(case.as_str());
        })
        .text(ask.agreement.as_str())
        .u32(ask.agreement_version)
        .text(ask.record_type.as_str())
        .digest(&ask.schema_hash)
        .text(&ask.reference)
        .text(&ask.scope)
        .texts(ask.fields.iter().map(String::as_str))
        .text(&ask.reason)
        .moment(ask.due)
        .moment(ask.lapses_at)
        .u32(ask.grant_holds_days)
        .digest(&ask.query_digest)
        .digest(&ask.policy_hash)
        .option(ask.idempotency_key, |out, key| {
            out.digest(&key);
        });
}

pub(super) fn read_step(from: &mut Reader<'_>) -> Result<ReleaseStep, CodeError> {
    let (release, number, at) = (ReleaseId(from.array()?), from.u32()?, from.moment()?);
    let by = from.option(read_requester)?;
    let act = Act::from_number(i32::from(from.u8()?)).ok_or(CodeError::Unknown)?;
    let mut text = || from.text().map(str::to_owned);
    let what = match act {
        Act::Request => What::Request(Box::new(read_ask(from)?)),
        Act::AskBack => What::AskBack(text()?),
        Act::Answer => What::Answer(text()?),
        Act::Withdraw => What::Withdraw(text()?),
        Act::Revoke => What::Revoke(text()?),
        Act::Lapse => What::Lapse,
        Act::Grant => What::Grant {
            fields: from.list(|from| {
                let path = from.text()?.to_owned();
                let treatment = from.text()?.parse().map_err(|_| CodeError::Unknown)?;
                Ok((path, treatment))
            })?,
            remark: from.text()?.to_owned(),
            until: from.moment()?,
            policy_hash: from.digest()?,
        },
        Act::Refuse => What::Refuse {
            ground: Ground::from_number(i32::from(from.u8()?)).ok_or(CodeError::Unknown)?,
            text: from.text()?.to_owned(),
        },
    };
    Ok(ReleaseStep { release, number, at, by, what })
}

fn read_ask(from: &mut Reader<'_>) -> Result<ReleaseAsk, CodeError> {
    Ok(ReleaseAsk {
        originator: AgencyId::new(from.text()?),
        purpose: Purpose::from_number(i32::from(from.u8()?)).ok_or(CodeError::Unknown)?,
        case: from.option(|from| from.text().map(CaseId::new))?,
        agreement: AgreementId::new(from.text()?),
        agreement_version: from.u32()?,
        record_type: RecordTypeName::new(from.text()?),
        schema_hash: from.digest()?,
        reference: from.text()?.to_owned(),
        scope: from.text()?.to_owned(),
        fields: from.list(|from| from.text().map(str::to_owned))?,
        reason: from.text()?.to_owned(),
        due: from.moment()?,
        lapses_at: from.moment()?,
        grant_holds_days: from.u32()?,
        query_digest: from.digest()?,
        policy_hash: from.digest()?,
        idempotency_key: from.option(Reader::digest)?,
    })
}

pub(super) fn step_json(step: &ReleaseStep) -> Value {
    let mut json = json!({
        "part": "release",
        "release_id": step.release.to_string(),
        "step": step.number,
        "act": step.what.act().word(),
        "by": step.by.as_ref().map(requester_json),
        "text": step.what.text(),
    });
    let more = match &step.what {
        What::Request(ask) => json!({
            "originator": ask.originator.as_str(),
            "purpose": ask.purpose.word(),
            "case": ask.case.as_ref().map(CaseId::as_str),
            "agreement": ask.agreement.as_str(),
            "agreement_version": ask.agreement_version,
            "record_type": ask.record_type.as_str(),
            "schema_hash": ask.schema_hash.to_string(),
            "reference": ask.reference,
            "fields": ask.fields,
            "due_unix_millis": ask.due.0,
            "lapses_at_unix_millis": ask.lapses_at.0,
            "query_digest": ask.query_digest.to_string(),
            "policy_hash": ask.policy_hash.to_string(),
        }),
        What::Grant { fields, until, policy_hash, .. } => json!({
            "fields": fields.iter().map(|(path, treatment)| json!({
                "path": path, "treatment": treatment.to_string(),
            })).collect::<Vec<_>>(),
            "until_unix_millis": until.0,
            "policy_hash": policy_hash.to_string(),
        }),
        What::Refuse { ground, .. } => json!({ "ground": ground.word() }),
        _ => Value::Null,
    };
    if let (Some(json), Value::Object(more)) = (json.as_object_mut(), more) {
        json.extend(more);
    }
    json
}
