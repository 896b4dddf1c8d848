//! Who may know: agreements are data, compiled into Cedar policies beside a base set of prohibitions; one
//! immutable [`Snapshot`] decides queries ([`Decision`]) and compiles a plan per class of records
//! ([`Permit::plan`]). What is not permitted by an agreement is denied; what fails to evaluate is denied.
//! Time is an argument and never enters Cedar.

mod agreement;
mod asking;
mod budget;
mod cedar;
mod compile;
mod decide;
mod denial;
mod grant;
mod hash;
mod ladder;
mod load_error;
mod parse;
mod parts;
mod permit;
mod plan;
mod policy_file;
mod purpose;
mod registry;
mod slice;
mod snapshot;
mod standing;
#[cfg(test)]
mod tests;
mod why;

pub use agreement::{
    Agreement, Budgets, Consent, Flow, Ladder, Limits, ReleaseTerms, Selector, Terms,
};
pub use budget::{BudgetLimit, BudgetName, BudgetScope, Window};
pub use decide::{Decision, Request};
pub use denial::{Denial, DenialReason};
pub use grant::Grant;
pub use load_error::{LoadError, LoadProblem};
pub use parse::AgreementFile;
pub use parse::Facts;
pub use permit::Permit;
pub use plan::{Dropped, DroppedReason};
pub use policy_file::{BASE_POLICIES, BASE_SCHEMA, PolicyFile};
pub use purpose::Purpose;
pub use registry::{Agency, Case, Registry, Template, is_name};
pub use snapshot::{Brought, Held, Inputs, Snapshot, Whole};
pub use standing::{Cap, Phase, Reservation, Standing, Take};
pub use why::RuleText;
