//! The parts of a body. A body is cut so that every reader can be handed its own share and no more: what a
//! source released is for the requester and that source, why a source's record was refused is for that
//! source alone, and the gateway's auditor reads all.

use portcullis_core::id::{
    AgencyId, AgreementId, CaseId, Digest, OfficerId, RecordTypeName, RuleId, SystemId,
};
use portcullis_core::policy::Purpose;
use portcullis_core::release::ReleaseId;
use serde_json::{Value, json};

use super::code::{CodeError, Reader, Writer};
use super::event::{Denial, Ending, ExchangeId, Intent, Requester};
use super::release::{ReleaseStep, read_step, step_json, write_step};
use crate::officers::Proof;

/// One part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The whole intent.
    Intent(Intent),
    /// What one originator's records of a batch were.
    Share {
        /// The originator.
        originator: AgencyId,
        /// Salt of the content commitments.
        salt: [u8; 32],
        /// In the order of the batch.
        records: Vec<RecordCommitment>,
    },
    /// Salt of the id commitments of an originator's share; the requester never learns opaque ids.
    IdSalt {
        /// The originator.
        originator: AgencyId,
        /// The salt.
        salt: [u8; 32],
    },
    /// How the exchange ended.
    Ended {
        /// In which way.
        ending: Ending,
        /// One word where it was cut.
        reason: String,
    },
    /// How it went with one source.
    Source {
        /// The source.
        agency: AgencyId,
        /// One word.
        completeness: String,
        /// One word where it failed.
        reason: String,
        /// Records released.
        released: u64,
    },
    /// Records of one source that were refused.
    Refused {
        /// The source.
        agency: AgencyId,
        /// By cause.
        causes: Vec<(String, u64)>,
    },
    /// The whole denial.
    Denial(Denial),
    /// Beside an intent: the officer for whom the requester's agency vouches. Without it the officer in the
    /// intent is only told.
    Officer {
        /// The officer.
        officer: OfficerId,
        /// The agency's key that signed the token.
        key_id: String,
        /// SHA-256 of the token.
        token: Digest,
    },
    /// A step of a release request.
    Release(ReleaseStep),
    /// Beside an intent: the grant on which it rests.
    Grant {
        /// The release that was granted.
        release: ReleaseId,
        /// Leaf hash of the step that granted it.
        step: Digest,
    },
}

/// What the log keeps of one released record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordCommitment {
    /// Salted commitment to its opaque id.
    pub id: Digest,
    /// Salted commitment to what was released of it.
    pub content: Digest,
    /// Hash of the plan that was applied.
    pub plan: Digest,
}

/// SHA-256 over `portcullis record id v1`, a zero byte, the salt and the opaque id.
pub fn commit_id(salt: &[u8; 32], opaque_id: &[u8]) -> Digest {
    commit(b"portcullis record id v1\0", salt, opaque_id)
}

/// SHA-256 over `portcullis record content v1`, a zero byte, the salt and the content's digest.
pub fn commit_content(salt: &[u8; 32], content: &Digest) -> Digest {
    commit(b"portcullis record content v1\0", salt, &content.0)
}

/// SHA-256 over `portcullis part v1`, a zero byte, the salt and the part's bytes.
pub fn commit_part(salt: &[u8; 32], bytes: &[u8]) -> Digest {
    commit(b"portcullis part v1\0", salt, bytes)
}

/// SHA-256 over `portcullis body v1`, a zero byte, and the commitments of the parts in order.
pub fn commit_body<'a>(parts: impl IntoIterator<Item = &'a Digest>) -> Digest {
    let mut bytes = b"portcullis body v1\0".to_vec();
    for part in parts {
        bytes.extend_from_slice(&part.0);
    }
    Digest::of(&bytes)
}

fn commit(domain: &[u8], salt: &[u8; 32], bytes: &[u8]) -> Digest {
    // Two of them are made for every record: without a detour over the heap.
    let mut room = [0; 128];
    let length = domain.len() + salt.len() + bytes.len();
    match room.get_mut(..length) {
        Some(room) => {
            let (head, rest) = room.split_at_mut(domain.len());
            let (middle, tail) = rest.split_at_mut(salt.len());
            head.copy_from_slice(domain);
            middle.copy_from_slice(salt);
            tail.copy_from_slice(bytes);
            Digest::of(room)
        }
        None => Digest::of(&[domain, salt, bytes].concat()),
    }
}

impl Part {
    /// Of a proof.
    pub(super) fn officer(proof: &Proof) -> Self {
        Self::Officer {
            officer: proof.officer.clone(),
            key_id: proof.key_id.clone(),
            token: proof.token,
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Result<Vec<u8>, CodeError> {
        let mut out = Writer::default();
        match self {
            Self::Intent(intent) => write_intent(out.u8(1), intent),
            Self::Share { originator, salt, records } => {
                out.u8(2).text(originator.as_str()).raw(salt).count(records.len());
                for record in records {
                    out.digest(&record.id).digest(&record.content).digest(&record.plan);
                }
            }
            Self::IdSalt { originator, salt } => {
                out.u8(3).text(originator.as_str()).raw(salt);
            }
            Self::Ended { ending, reason } => {
                out.u8(4).u8(*ending as u8).text(reason);
            }
            Self::Source { agency, completeness, reason, released } => {
                out.u8(5).text(agency.as_str()).text(completeness).text(reason).u64(*released);
            }
            Self::Refused { agency, causes } => {
                out.u8(6).text(agency.as_str()).count(causes.len());
                for (cause, count) in causes {
                    out.text(cause).u64(*count);
                }
            }
            Self::Denial(denial) => write_denial(out.u8(7), denial),
            Self::Officer { officer, key_id, token } => {
                out.u8(8).text(officer.as_str()).text(key_id).digest(token);
            }
            Self::Release(step) => write_step(out.u8(9), step),
            Self::Grant { release, step } => {
                out.u8(10).raw(&release.0).digest(step);
            }
        }
        out.finish()
    }

    /// From its bytes, all of them.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodeError> {
        let mut from = Reader::new(bytes);
        let part = match from.u8()? {
            1 => Self::Intent(read_intent(&mut from)?),
            2 => Self::Share {
                originator: AgencyId::new(from.text()?),
                salt: from.array()?,
                records: from.list(|from| {
                    Ok(RecordCommitment {
                        id: from.digest()?,
                        content: from.digest()?,
                        plan: from.digest()?,
                    })
                })?,
            },
            3 => Self::IdSalt { originator: AgencyId::new(from.text()?), salt: from.array()? },
            4 => Self::Ended {
                ending: *Ending::ALL.get(usize::from(from.u8()?)).ok_or(CodeError::Unknown)?,
                reason: from.text()?.to_owned(),
            },
            5 => Self::Source {
                agency: AgencyId::new(from.text()?),
                completeness: from.text()?.to_owned(),
                reason: from.text()?.to_owned(),
                released: from.u64()?,
            },
            6 => Self::Refused {
                agency: AgencyId::new(from.text()?),
                causes: from.list(|from| Ok((from.text()?.to_owned(), from.u64()?)))?,
            },
            7 => Self::Denial(read_denial(&mut from)?),
            8 => Self::Officer {
                officer: OfficerId::new(from.text()?),
                key_id: from.text()?.to_owned(),
                token: from.digest()?,
            },
            9 => Self::Release(read_step(&mut from)?),
            10 => Self::Grant { release: ReleaseId(from.array()?), step: from.digest()? },
            _ => return Err(CodeError::Unknown),
        };
        from.end()?;
        Ok(part)
    }

    /// For people and programs: one object, its `part` naming the kind.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Intent(intent) => intent_json(intent),
            Self::Share { originator, salt, records } => json!({
                "part": "share",
                "originator": originator.as_str(),
                "records_released": records.len(),
                "content_salt": hex::encode(salt),
                "records": records.iter().map(|record| json!({
                    "id_commitment": record.id.to_string(),
                    "content_commitment": record.content.to_string(),
                    "plan_hash": record.plan.to_string(),
                })).collect::<Vec<_>>(),
            }),
            Self::IdSalt { originator, salt } => json!({
                "part": "id_salt",
                "originator": originator.as_str(),
                "id_salt": hex::encode(salt),
            }),
            Self::Ended { ending, reason } => json!({
                "part": "ended", "ending": ending.word(), "reason": reason,
            }),
            Self::Source { agency, completeness, reason, released } => json!({
                "part": "source",
                "agency": agency.as_str(),
                "completeness": completeness,
                "reason": reason,
                "records_released": released,
            }),
            Self::Refused { agency, causes } => json!({
                "part": "refused",
                "agency": agency.as_str(),
                "causes": causes.iter().map(|(cause, count)| json!({
                    "cause": cause, "records": count,
                })).collect::<Vec<_>>(),
            }),
            Self::Denial(denial) => json!({
                "part": "denial",
                "requester": requester_json(&denial.requester),
                "reason": denial.reason,
                "rules": denial.rules.iter().map(RuleId::as_str).collect::<Vec<_>>(),
                "query_digest": denial.query_digest.map(|digest| digest.to_string()),
                "policy_hash": denial.policy_hash.to_string(),
            }),
            Self::Officer { officer, key_id, token } => json!({
                "part": "officer",
                "officer": officer.as_str(),
                "proven": true,
                "key_id": key_id,
                "token_sha256": token.to_string(),
            }),
            Self::Release(step) => step_json(step),
            Self::Grant { release, step } => json!({
                "part": "grant",
                "release_id": release.to_string(),
                "step_leaf_hash": step.to_string(),
            }),
        }
    }
}

pub(super) fn write_requester(out: &mut Writer, requester: &Requester) {
    out.text(requester.agency.as_str())
        .text(requester.system.as_str())
        .text(&requester.spiffe_id)
        .digest(&requester.certificate)
        .text(&requester.officer);
}

pub(super) fn read_requester(from: &mut Reader<'_>) -> Result<Requester, CodeError> {
    Ok(Requester {
        agency: AgencyId::new(from.text()?),
        system: SystemId::new(from.text()?),
        spiffe_id: from.text()?.to_owned(),
        certificate: from.digest()?,
        officer: from.text()?.to_owned(),
    })
}

pub(super) fn requester_json(requester: &Requester) -> Value {
    json!({
        "agency": requester.agency.as_str(),
        "system": requester.system.as_str(),
        "spiffe_id": requester.spiffe_id,
        "certificate_sha256": requester.certificate.to_string(),
        "officer": requester.officer,
    })
}

fn write_intent(out: &mut Writer, intent: &Intent) {
    out.raw(&intent.exchange.0);
    write_requester(out, &intent.requester);
    out.u8(intent.purpose as u8)
        .option(intent.case.as_ref(), |out, case| {
            out.text(case.as_str());
        })
        .text(intent.agreement.as_str())
        .u32(intent.agreement_version)
        .text(intent.record_type.as_str())
        .digest(&intent.schema_hash)
        .digest(&intent.query_digest)
        .texts(intent.filter_paths.iter().map(String::as_str))
        .text(&intent.justification)
        .texts(intent.sources.iter().map(AgencyId::as_str))
        .digest(&intent.policy_hash)
        .digest(&intent.config_hash)
        .moment(intent.decided_at)
        .option(intent.valid_until, |out, at| {
            out.moment(at);
        })
        .option(intent.idempotency_key, |out, key| {
            out.digest(&key);
        });
}

fn read_intent(from: &mut Reader<'_>) -> Result<Intent, CodeError> {
    Ok(Intent {
        exchange: ExchangeId(from.array()?),
        requester: read_requester(from)?,
        purpose: Purpose::from_number(i32::from(from.u8()?)).ok_or(CodeError::Unknown)?,
        case: from.option(|from| from.text().map(CaseId::new))?,
        agreement: AgreementId::new(from.text()?),
        agreement_version: from.u32()?,
        record_type: RecordTypeName::new(from.text()?),
        schema_hash: from.digest()?,
        query_digest: from.digest()?,
        filter_paths: from.list(|from| from.text().map(str::to_owned))?,
        justification: from.text()?.to_owned(),
        sources: from.list(|from| from.text().map(AgencyId::new))?,
        policy_hash: from.digest()?,
        config_hash: from.digest()?,
        decided_at: from.moment()?,
        valid_until: from.option(Reader::moment)?,
        idempotency_key: from.option(Reader::digest)?,
    })
}

fn intent_json(intent: &Intent) -> Value {
    json!({
        "part": "intent",
        "requester": requester_json(&intent.requester),
        "purpose": intent.purpose.word(),
        "case": intent.case.as_ref().map(CaseId::as_str),
        "agreement": intent.agreement.as_str(),
        "agreement_version": intent.agreement_version,
        "record_type": intent.record_type.as_str(),
        "schema_hash": intent.schema_hash.to_string(),
        "query_digest": intent.query_digest.to_string(),
        "filter_paths": intent.filter_paths,
        "justification": intent.justification,
        "sources": intent.sources.iter().map(AgencyId::as_str).collect::<Vec<_>>(),
        "policy_hash": intent.policy_hash.to_string(),
        "config_hash": intent.config_hash.to_string(),
        "decided_at_unix_millis": intent.decided_at.0,
        "valid_until_unix_millis": intent.valid_until.map(|at| at.0),
        "idempotency_key_sha256": intent.idempotency_key.map(|key| key.to_string()),
    })
}

fn write_denial(out: &mut Writer, denial: &Denial) {
    out.raw(&denial.exchange.0).moment(denial.at);
    write_requester(out, &denial.requester);
    out.text(&denial.reason)
        .texts(denial.rules.iter().map(RuleId::as_str))
        .option(denial.query_digest, |out, digest| {
            out.digest(&digest);
        })
        .digest(&denial.policy_hash);
}

fn read_denial(from: &mut Reader<'_>) -> Result<Denial, CodeError> {
    Ok(Denial {
        exchange: ExchangeId(from.array()?),
        at: from.moment()?,
        requester: read_requester(from)?,
        reason: from.text()?.to_owned(),
        rules: from.list(|from| from.text().map(RuleId::new))?,
        query_digest: from.option(Reader::digest)?,
        policy_hash: from.digest()?,
    })
}
