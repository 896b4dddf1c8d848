//! What is left of a record: treatments, the plan that says which field gets which, and the redactor that
//! applies a plan to serialized bytes. Only this module can build what may be
//! disclosed.

mod calendar;
mod careful;
mod disclose;
mod disclosed;
mod explain;
mod generalise;
mod mask;
mod pass;
mod plan;
mod pseudonym;
mod redactor;
mod refusal;
mod siv;
mod table;
mod text;
mod treatment;
pub mod wire;
mod write;

#[cfg(test)]
mod tests;

pub use disclose::{FoundRecord, disclose};
pub use disclosed::{Disclosed, ReleasedRecord};
pub use explain::{Explanation, explain, presence_bits};
pub use plan::{FieldPlan, Plan, PlanHash, PseudonymScope, Reason};
pub use pseudonym::{
    CAPACITY, PseudonymKeyError, PseudonymKeys, ScopeKey, TOKEN_CHARS, TokenDomain, TokenError,
};
pub use redactor::{MAX_RECORD_BYTES, MAX_RECORD_FIELDS, Redactor};
pub use refusal::Refusal;
pub use treatment::{Level, Treatment, TreatmentError};
/// Secrets are handed over in it, so that nobody else needs the crate.
pub use zeroize::Zeroizing;
