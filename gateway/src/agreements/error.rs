//! Why a call about an agreement is refused.

use portcullis_core::act::ActRefusal;
use portcullis_core::policy::LoadError;

/// Why a call about an agreement is refused; then nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgreementRefusal {
    /// The statement is refused.
    #[error(transparent)]
    Act(#[from] ActRefusal),
    /// The text is refused, for all this.
    #[error("the agreement's text is refused: {}", first(.0))]
    Text(Vec<LoadError>),
    /// What is stored of it cannot be trusted.
    #[error(
        "what is stored of the agreement cannot be trusted: the gateway's operator can say why"
    )]
    SetAside,
    /// The store cannot be written to or read.
    #[error("the statement cannot be made durable")]
    StoreUnavailable,
}

fn first(errors: &[LoadError]) -> String {
    errors.first().map_or_else(|| "it cannot be compiled".to_owned(), ToString::to_string)
}

impl AgreementRefusal {
    /// One stable word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Act(refusal) => refusal.reason(),
            Self::Text(_) => "AGREEMENT_TEXT_REFUSED",
            Self::SetAside => "AGREEMENT_SET_ASIDE",
            Self::StoreUnavailable => "STORE_UNAVAILABLE",
        }
    }
}
