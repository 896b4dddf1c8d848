//! Denials: a stable reason, the rules behind it, and what a person may read about it. A denial says no more
//! than the requester may know: what is not there and what is not its own get the same one.

use std::collections::BTreeSet;

use super::agreement::Flow;
use super::snapshot::merge;
use super::standing::Phase;
use crate::id::{AgencyId, CaseId, Moment, RuleId};
use crate::policy::Purpose;

/// Why a query is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DenialReason {
    /// The agency, or its system, is not registered.
    RequesterUnknown,
    /// There is no such agreement, or the requester is no party: which, is not told.
    AgreementNotFoundOrNotParty,
    /// Several agreements fit and none was named.
    AgreementAmbiguous,
    /// The agreement has ended.
    AgreementLapsed,
    /// The agreement has not begun.
    AgreementNotYetInForce,
    /// The agreement has not been signed by every party.
    AgreementNotSigned,
    /// A party has suspended the agreement.
    AgreementSuspended,
    /// A record type is no longer the one that the agreement was signed for.
    AgreementSchemaChanged,
    /// The requester has withdrawn from the agreement.
    PartyWithdrawn,
    /// The agreement does not give it to the requester, or there is no such record type.
    RecordTypeNotCovered,
    /// Not for this purpose.
    PurposeNotPermitted,
    /// A source is not covered, or there is none of that name.
    SourceNotCovered,
    /// Only within a case.
    CaseRequired,
    /// There is no such case, it is closed, or the requester is no member: which, is not told.
    CaseNotOpenToYou,
    /// The agreement is for other cases.
    CaseNotCovered,
    /// Only on behalf of an officer whose agency vouches for it.
    OfficerRequired,
    /// A prohibition holds.
    ForbiddenByPolicy,
    /// A rule could not be evaluated.
    PolicyEvaluationFailed,
}

impl DenialReason {
    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::RequesterUnknown => "REQUESTER_UNKNOWN",
            Self::AgreementNotFoundOrNotParty => "AGREEMENT_NOT_FOUND_OR_NOT_PARTY",
            Self::AgreementAmbiguous => "AGREEMENT_AMBIGUOUS",
            Self::AgreementLapsed => "AGREEMENT_LAPSED",
            Self::AgreementNotYetInForce => "AGREEMENT_NOT_YET_IN_FORCE",
            Self::AgreementNotSigned => "AGREEMENT_NOT_SIGNED",
            Self::AgreementSuspended => "AGREEMENT_SUSPENDED",
            Self::AgreementSchemaChanged => "AGREEMENT_SCHEMA_CHANGED",
            Self::PartyWithdrawn => "PARTY_WITHDRAWN",
            Self::RecordTypeNotCovered => "RECORD_TYPE_NOT_COVERED",
            Self::PurposeNotPermitted => "PURPOSE_NOT_PERMITTED",
            Self::SourceNotCovered => "SOURCE_NOT_COVERED",
            Self::CaseRequired => "CASE_REQUIRED",
            Self::CaseNotOpenToYou => "CASE_NOT_OPEN_TO_YOU",
            Self::CaseNotCovered => "CASE_NOT_COVERED",
            Self::OfficerRequired => "OFFICER_REQUIRED",
            Self::ForbiddenByPolicy => "FORBIDDEN_BY_POLICY",
            Self::PolicyEvaluationFailed => "POLICY_EVALUATION_FAILED",
        }
    }
}

/// A no. Everything in it may be told to the requester.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {explanation}", reason.word())]
pub struct Denial {
    /// Why.
    pub reason: DenialReason,
    /// Rules behind it, sorted.
    pub rules: Vec<RuleId>,
    /// A sentence for a person.
    pub explanation: String,
    /// What would satisfy the rule.
    pub remedy: String,
    /// When it would be another matter, where time alone stands in the way.
    pub when: Option<Moment>,
}

impl Denial {
    pub(super) fn new(
        reason: DenialReason,
        explanation: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (explanation, remedy) = (explanation.into(), remedy.into());
        Self { reason, rules: vec![], explanation, remedy, when: None }
    }

    pub(super) fn from(mut self, when: Moment) -> Self {
        self.when = Some(when);
        self
    }

    pub(super) fn with(mut self, rules: Vec<RuleId>) -> Self {
        self.rules = rules;
        self
    }
}

pub(super) fn no_agreement() -> Denial {
    Denial::new(
        DenialReason::AgreementNotFoundOrNotParty,
        "there is no such agreement to which your agency is a party",
        "name an agreement of your agency",
    )
}

/// The agreement's phase does not let anything flow; none where it does.
pub(super) fn rests(phase: &Phase) -> Option<Denial> {
    let names = |all: &[AgencyId]| all.iter().map(AgencyId::as_str).collect::<Vec<_>>().join(", ");
    Some(match phase {
        Phase::InForce => return None,
        Phase::AwaitsSignatures(missing) => Denial::new(
            DenialReason::AgreementNotSigned,
            "the agreement is not signed by every party",
            format!("these parties would have to sign it: {}", names(missing)),
        ),
        Phase::Suspended(by) => Denial::new(
            DenialReason::AgreementSuspended,
            "the agreement is suspended",
            format!("these parties would have to resume it: {}", names(by)),
        ),
        Phase::SchemaChanged(types) => Denial::new(
            DenialReason::AgreementSchemaChanged,
            "a record type is not the one that the agreement was signed for",
            format!(
                "the parties would have to sign for it: {}",
                types.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
            ),
        ),
    })
}

pub(super) fn withdrawn() -> Denial {
    Denial::new(
        DenialReason::PartyWithdrawn,
        "your agency has withdrawn from the agreement",
        "the parties would have to conclude a new one",
    )
}

pub(super) fn not_covered() -> Denial {
    Denial::new(
        DenialReason::RecordTypeNotCovered,
        "no agreement of your agency gives it records of this type",
        "list the record types under your agreements",
    )
}

pub(super) fn not_for_this(typed: &[&Flow], purpose: Purpose) -> Denial {
    let purposes: BTreeSet<&str> =
        typed.iter().flat_map(|flow| &flow.purposes).map(|purpose| purpose.word()).collect();
    let purposes: Vec<&str> = purposes.into_iter().collect();
    Denial::new(
        DenialReason::PurposeNotPermitted,
        format!("the agreement does not give records of this type for {}", purpose.word()),
        format!("it gives them for {}", purposes.join(", ")),
    )
    .with(merge(typed.iter().map(|flow| vec![flow.rule.clone()])))
}

/// What to do about a case: one of the requester's own that would do, or none would.
pub(super) fn case_that_would_do(fitting: &[CaseId]) -> String {
    if fitting.is_empty() {
        return "join or open a case that the agreement is for: none that is open to your agency is".to_owned();
    }
    let names: Vec<&str> = fitting.iter().map(CaseId::as_str).collect();
    format!("name one of your agency's open cases: {}", names.join(", "))
}
