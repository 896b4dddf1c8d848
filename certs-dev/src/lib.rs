//! Certificates for development and tests: a small exchange of agencies with a CA each, and every bad
//! identity that a gateway has to refuse. Nothing here is fit for production: CA keys lie unencrypted
//! beside the certificates.

mod bad;
mod exchange;
mod files;
mod issue;

pub use bad::{BadIdentity, Expect, bad_identities};
pub use exchange::{AgencyFiles, AgencySpec, Exchange, ExchangeSpec, Identity, Role};
pub use issue::{Authority, Leaf, Names, Use};
