//! The one place that turns what went wrong into a `tonic::Status`: a stable reason, the same on the wire,
//! in metrics, logs and the log's entries; nothing internal, nothing about what is hidden.

use std::collections::HashMap;
use std::time::Duration;

use portcullis_core::act::ActRefusal;
use portcullis_core::id::Moment;
use portcullis_core::policy::{Denial, DenialReason};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::agreements::AgreementRefusal;
use crate::cases::CaseRefusal;
use crate::officers::TokenRefusal;
use crate::record_types::RegistrationRefusal;
use crate::releases::ReleaseRefusal;

/// Domain of every `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "portcullis";
/// Most problems of a text that one status carries: trailers have little room.
const PROBLEMS: usize = 8;
/// Most bytes of one text in a status.
const QUOTED: usize = 512;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Policy says no.
    #[error("denied")]
    Denied(Denial),
    /// A part of the request makes no sense.
    #[error("{message}")]
    Invalid {
        /// One stable word.
        reason: &'static str,
        /// Path of the field at fault in the request.
        field: String,
        /// For a person; quotes only the requester's own text.
        message: String,
    },
    /// A field may not be named in a filter or field mask: hidden, unknown and mistyped look alike.
    #[error("`{path}` cannot be used here")]
    FieldNotUsable {
        /// The requester's own text.
        path: String,
    },
    /// The officer's token proves nobody.
    #[error("{0}")]
    OfficerToken(TokenRefusal),
    /// A budget is used up.
    #[error("the budget `{name}` is used up")]
    BudgetExhausted {
        /// Which.
        name: String,
        /// When it refills; none: never.
        refills_at: Option<Moment>,
    },
    /// The same idempotency key came with another query.
    #[error("the idempotency key was used for another query")]
    IdempotencyKeyReused,
    /// The disclosure log or the store cannot be reached.
    #[error("the disclosure log is not available")]
    LogUnavailable,
    /// Too much at once.
    #[error("the gateway is busy")]
    Overloaded,
    /// The agency does not list this system.
    #[error("this system is not listed by its agency")]
    SystemNotListed,
    /// A record type is neither registered nor withdrawn.
    #[error("{0}")]
    Registration(RegistrationRefusal),
    /// A statement about an agreement is not taken.
    #[error("{0}")]
    Agreement(AgreementRefusal),
    /// An act on a case is not taken.
    #[error("{0}")]
    Case(CaseRefusal),
    /// A call about a release is not taken.
    #[error("{0}")]
    Release(ReleaseRefusal),
    /// An answer that had begun ended without its receipt.
    #[error("the answer was cut before its receipt")]
    AnswerCut,
    /// A mistake of our own; the cause is in the log under the exchange id.
    #[error("internal error")]
    Internal,
}

impl Refusal {
    /// A part of the request that makes no sense.
    pub fn invalid(
        reason: &'static str,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::Invalid { reason, field: field.into(), message: message.into() }
    }

    /// One stable word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Denied(denial) => denial.reason.word(),
            Self::Invalid { reason, .. } => reason,
            Self::FieldNotUsable { .. } => "FIELD_NOT_USABLE",
            Self::OfficerToken(refusal) => refusal.reason(),
            Self::BudgetExhausted { .. } => "BUDGET_EXHAUSTED",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::LogUnavailable => "LOG_UNAVAILABLE",
            Self::Overloaded => "OVERLOADED",
            Self::SystemNotListed => "SYSTEM_NOT_LISTED",
            Self::Registration(refusal) => refusal.reason(),
            Self::Agreement(refusal) => refusal.reason(),
            Self::Case(refusal) => refusal.reason(),
            Self::Release(refusal) => refusal.reason(),
            Self::AnswerCut => "ANSWER_CUT",
            Self::Internal => "INTERNAL",
        }
    }

    /// The gRPC code.
    pub fn code(&self) -> Code {
        match self {
            Self::Denied(denial) => match denial.reason {
                DenialReason::PolicyEvaluationFailed => Code::Unavailable,
                _ => Code::PermissionDenied,
            },
            Self::Invalid { .. } | Self::FieldNotUsable { .. } => Code::InvalidArgument,
            Self::OfficerToken(refusal) => match refusal {
                TokenRefusal::Malformed => Code::InvalidArgument,
                TokenRefusal::Replayed => Code::AlreadyExists,
                _ => Code::Unauthenticated,
            },
            Self::BudgetExhausted { .. } => Code::ResourceExhausted,
            Self::IdempotencyKeyReused => Code::AlreadyExists,
            Self::SystemNotListed => Code::PermissionDenied,
            Self::LogUnavailable | Self::Overloaded => Code::Unavailable,
            Self::Registration(refusal) => match refusal {
                RegistrationRefusal::NotARegistrar | RegistrationRefusal::NotYourPackage { .. } => {
                    Code::PermissionDenied
                }
                RegistrationRefusal::Conflict => Code::AlreadyExists,
                RegistrationRefusal::NotRegistered => Code::NotFound,
                RegistrationRefusal::TooMany => Code::ResourceExhausted,
                RegistrationRefusal::AgreementDoesNotFit(_) => Code::FailedPrecondition,
                RegistrationRefusal::StoreUnavailable => Code::Unavailable,
            },
            Self::Agreement(refusal) => agreement_code(refusal),
            Self::Case(refusal) => case_code(refusal),
            Self::Release(refusal) => release_code(refusal),
            Self::AnswerCut => Code::Aborted,
            Self::Internal => Code::Internal,
        }
    }

    /// As a status, quoting the exchange.
    pub fn into_status(mut self, exchange_id: &str) -> Status {
        match &mut self {
            Self::FieldNotUsable { path } => clip(path),
            Self::Invalid { field, message, .. } => {
                clip(field);
                clip(message);
            }
            _ => {}
        }
        let mut details = ErrorDetails::new();
        let mut metadata = HashMap::new();
        if !exchange_id.is_empty() {
            metadata.insert("exchange_id".to_owned(), exchange_id.to_owned());
        }
        let message = match &self {
            Self::Denied(denial) => {
                if !denial.remedy.is_empty() {
                    metadata.insert("remedy".to_owned(), denial.remedy.clone());
                }
                if let Some(at) = denial.when {
                    metadata.insert("when".to_owned(), rfc3339(at));
                }
                let rules: Vec<&str> = denial.rules.iter().map(|rule| rule.as_str()).collect();
                if !rules.is_empty() {
                    metadata.insert("rules".to_owned(), rules.join(" "));
                }
                denial.explanation.clone()
            }
            Self::Invalid { field, message, .. } => {
                details.add_bad_request_violation(field.clone(), message.clone());
                message.clone()
            }
            Self::FieldNotUsable { path } => {
                details.add_bad_request_violation(path.clone(), "cannot be used here");
                self.to_string()
            }
            Self::BudgetExhausted { refills_at, .. } => {
                if let Some(at) = refills_at {
                    metadata.insert("refills_at".to_owned(), rfc3339(*at));
                }
                self.to_string()
            }
            Self::Agreement(refusal) => {
                // A place in the text is what its author has to see; all of it is their own.
                if let AgreementRefusal::Text(errors) = refusal {
                    for error in errors.iter().take(PROBLEMS) {
                        let at = format!("{}:{}: {}", error.line, error.column, error.field);
                        let mut told = format!("{}: {}", error.problem.word(), error.message);
                        clip(&mut told);
                        details.add_bad_request_violation(at, told);
                    }
                }
                let mut message = self.to_string();
                clip(&mut message);
                message
            }
            Self::LogUnavailable | Self::Overloaded => {
                details.set_retry_info(Some(Duration::from_secs(1)));
                self.to_string()
            }
            Self::OfficerToken(_) => {
                details.add_bad_request_violation("officer_token", self.to_string());
                self.to_string()
            }
            Self::Release(refusal) => {
                if let ReleaseRefusal::NotGrantable { rules, .. } = refusal {
                    let rules: Vec<&str> = rules.iter().map(|rule| rule.as_str()).collect();
                    metadata.insert("rules".to_owned(), rules.join(" "));
                }
                if *refusal == ReleaseRefusal::LogUnavailable {
                    details.set_retry_info(Some(Duration::from_secs(1)));
                }
                let mut message = self.to_string();
                clip(&mut message);
                message
            }
            Self::SystemNotListed
            | Self::Registration(_)
            | Self::Case(_)
            | Self::IdempotencyKeyReused
            | Self::AnswerCut
            | Self::Internal => self.to_string(),
        };
        details.set_error_info(self.reason(), DOMAIN, metadata);
        Status::with_error_details(self.code(), message, details)
    }
}

fn agreement_code(refusal: &AgreementRefusal) -> Code {
    match refusal {
        AgreementRefusal::Text(_) => Code::InvalidArgument,
        AgreementRefusal::StoreUnavailable => Code::Unavailable,
        AgreementRefusal::SetAside => Code::FailedPrecondition,
        AgreementRefusal::Act(refusal) => match refusal {
            ActRefusal::NotAStatement
            | ActRefusal::OtherExchange
            | ActRefusal::OtherAgreement
            | ActRefusal::OtherAct
            | ActRefusal::FromTheFuture => Code::InvalidArgument,
            ActRefusal::NotYours
            | ActRefusal::KeyUnknown
            | ActRefusal::SignatureWrong
            | ActRefusal::NotAParty
            | ActRefusal::NotOpenToYou
            | ActRefusal::PartyWithdrawn => Code::PermissionDenied,
            ActRefusal::Unknown | ActRefusal::VersionUnknown => Code::NotFound,
            ActRefusal::IdTaken | ActRefusal::AlreadyDone | ActRefusal::Replayed => {
                Code::AlreadyExists
            }
            ActRefusal::TooMany => Code::ResourceExhausted,
            ActRefusal::VersionSuperseded
            | ActRefusal::VersionNotNew
            | ActRefusal::PartiesDropped
            | ActRefusal::TextDiffers
            | ActRefusal::SchemaDiffers
            | ActRefusal::OutOfOrder
            | ActRefusal::Ended
            | ActRefusal::NotSignedByAll
            | ActRefusal::NotSuspendedByYou
            | ActRefusal::NobodyAsks
            | ActRefusal::NothingToTakeAway => Code::FailedPrecondition,
        },
    }
}

fn case_code(refusal: &CaseRefusal) -> Code {
    match refusal {
        CaseRefusal::Id
        | CaseRefusal::Dates
        | CaseRefusal::AgencyUnknown(_)
        | CaseRefusal::Template { .. } => Code::InvalidArgument,
        CaseRefusal::IdTaken => Code::AlreadyExists,
        CaseRefusal::Unknown => Code::NotFound,
        CaseRefusal::NotAMember | CaseRefusal::NotInvited | CaseRefusal::NotYours => {
            Code::PermissionDenied
        }
        CaseRefusal::Closed | CaseRefusal::OpenerStays | CaseRefusal::DoesNotFit => {
            Code::FailedPrecondition
        }
        CaseRefusal::TooMany => Code::ResourceExhausted,
        CaseRefusal::StoreUnavailable => Code::Unavailable,
    }
}

fn release_code(refusal: &ReleaseRefusal) -> Code {
    match refusal {
        ReleaseRefusal::Unknown => Code::NotFound,
        ReleaseRefusal::NotYours | ReleaseRefusal::NotUsable | ReleaseRefusal::OfficerRequired => {
            Code::PermissionDenied
        }
        ReleaseRefusal::Settled
        | ReleaseRefusal::OutOfOrder
        | ReleaseRefusal::Late
        | ReleaseRefusal::Ended => Code::FailedPrecondition,
        ReleaseRefusal::Changed => Code::Aborted,
        ReleaseRefusal::NotAskable(_)
        | ReleaseRefusal::NotAsked(_)
        | ReleaseRefusal::NotGrantable { .. }
        | ReleaseRefusal::TooLong => Code::InvalidArgument,
        ReleaseRefusal::TooMany => Code::ResourceExhausted,
        ReleaseRefusal::IdempotencyKeyReused | ReleaseRefusal::TokenReplayed => Code::AlreadyExists,
        ReleaseRefusal::LogUnavailable => Code::Unavailable,
    }
}

/// Cuts what the requester sent: a status travels in trailers, for which clients have little room.
fn clip(text: &mut String) {
    if text.len() > QUOTED {
        text.truncate(text.floor_char_boundary(QUOTED));
        text.push_str("..");
    }
}

/// A moment as RFC 3339 text in UTC.
pub fn rfc3339(moment: Moment) -> String {
    time::OffsetDateTime::from_unix_timestamp(moment.seconds())
        .ok()
        .and_then(|at| at.format(&time::format_description::well_known::Rfc3339).ok())
        .unwrap_or_default()
}
