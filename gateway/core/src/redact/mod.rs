//! What is left of a record: treatments, the plan that says which field gets which, and the redactor that
//! applies a plan to serialized bytes. Only this module can build what may be
//! disclosed.

mod disclosed;
mod plan;
mod treatment;

pub use disclosed::{Disclosed, ReleasedRecord};
pub use plan::{FieldPlan, Plan, PlanHash, PseudonymScope, Reason};
pub use treatment::{Level, Treatment, TreatmentError};
