//! What an answer is made of: header, plans, sealed batches, how it went with each source, receipt. A batch
//! can only be built from what the log made durable.

use std::sync::Arc;

use bytes::Bytes;
use portcullis_core::handling::{Environment, HandlingClass};
use portcullis_core::id::{AgencyId, AgreementId, Digest, Moment};
use portcullis_core::policy::{Permit, Purpose};
use portcullis_core::redact::{Plan, ReleasedRecord};

use super::Ask;
use super::query::in_order;
use crate::audit::{ExchangeId, LogProof, Sealed};
use crate::source::SourceFailure;

/// What an answer rests on.
#[derive(Debug, Clone)]
pub struct Header {
    /// The exchange.
    pub exchange: ExchangeId,
    /// SHA-256 of the query.
    pub query_digest: Digest,
    /// The agreement relied on.
    pub agreement: AgreementId,
    /// Its version.
    pub agreement_version: u32,
    /// The policy in force.
    pub policy_hash: Digest,
    /// What the answer may be used for.
    pub permitted_use: Vec<Purpose>,
    /// Delete it by then.
    pub delete_by: Option<Moment>,
    /// Agencies asked, in the order of release.
    pub sources: Vec<AgencyId>,
    /// Exercise or production.
    pub environment: Environment,
    /// The log's entry for the intent.
    pub intent_leaf_hash: Digest,
}

impl Header {
    pub(super) fn of(
        ask: &Ask,
        permit: &Permit,
        intent_leaf_hash: Digest,
        environment: Environment,
        now: Moment,
    ) -> Self {
        Self {
            exchange: ask.exchange,
            query_digest: ask.digest,
            agreement: permit.agreement_id().clone(),
            agreement_version: permit.agreement_version(),
            policy_hash: permit.policy_hash(),
            permitted_use: permit.permitted_use().to_vec(),
            delete_by: Some(permit.delete_by(now)),
            sources: in_order(permit.sources()),
            environment,
            intent_leaf_hash,
        }
    }
}

/// One message of an answer behind its header.
pub enum Reply {
    /// A plan, before the first record that uses it.
    Plan {
        /// Records name it by this.
        index: u32,
        /// The plan.
        plan: Arc<Plan>,
        /// The class of records it is for.
        class: Arc<HandlingClass>,
    },
    /// Records whose disclosure is durable in the log.
    Batch {
        /// The records.
        sealed: Sealed<Vec<ReleasedRecord>>,
        /// Index of each record's plan.
        plans: Vec<u32>,
        /// What each record may be used for.
        permitted_use: Vec<Arc<[Purpose]>>,
        /// Go on behind it.
        resume: Bytes,
    },
    /// How it went with one source.
    Source(SourceEnd),
    /// The end.
    Receipt(Receipt),
}

/// How it went with one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEnd {
    /// The source.
    pub agency: AgencyId,
    /// In which way.
    pub completeness: Completeness,
    /// How many of its records were released.
    pub released: u64,
    /// When its data were read.
    pub data_as_of: Option<Moment>,
}

/// Did a source tell all it has?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Every matching record that may be released is in the answer.
    Complete,
    /// The limit, a budget or the agreement's end cut it.
    Limited(Cut),
    /// The source failed.
    Incomplete(SourceFailure),
    /// The answer was full before its turn.
    NotAsked,
}

impl Completeness {
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Complete => ("COMPLETE", ""),
            Self::Limited(cut) => ("LIMITED", cut.word()),
            Self::Incomplete(failure) => ("INCOMPLETE", failure.word()),
            Self::NotAsked => ("NOT_ASKED", ""),
        }
    }
}

/// Why an answer was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The query's limit.
    LimitReached,
    /// The budget of records.
    BudgetExhausted,
    /// Agreement, case or policy ended under way, or the epoch of the answer's tokens was destroyed.
    PermitEnded,
    /// The query's deadline passed.
    DeadlinePassed,
    /// The log could not take the next disclosure.
    LogUnavailable,
    /// The requester went away.
    RequesterGone,
}

impl Cut {
    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::LimitReached => "LIMIT_REACHED",
            Self::BudgetExhausted => "BUDGET_EXHAUSTED",
            Self::PermitEnded => "PERMIT_ENDED",
            Self::DeadlinePassed => "DEADLINE_PASSED",
            Self::LogUnavailable => "LOG_UNAVAILABLE",
            Self::RequesterGone => "REQUESTER_GONE",
        }
    }
}

/// Proof that the answer stands in the log.
pub struct Receipt {
    /// The exchange.
    pub exchange: ExchangeId,
    /// SHA-256 of the query.
    pub query_digest: Digest,
    /// Records in the whole answer.
    pub released: u64,
    /// Why it was cut short.
    pub cut: Option<Cut>,
    /// The last disclosure, or the intent.
    pub proof: LogProof,
}
