//! Who may know: agreements, purposes, decisions.

mod purpose;

pub use purpose::Purpose;
