//! The slow redactor: reads a record by reflection, builds a message, takes away what the plan does not tell,
//! writes what is left. Written from redaction.md, the tables in gateway/core/README.md and the vector file;
//! of the engine it knows record types, plans and the names of treatments and refusals, and runs none of its
//! code for bytes or values.

mod coarse;
mod read;
mod reduce;
mod token;

use portcullis_core::redact::{Plan, Refusal};

pub use coarse::{generalise, mask};
pub use read::read;
pub use reduce::{Left, reduce, treat};
pub use token::Tokens;

use crate::world::{EPOCH, SCOPE, SECRET, canonical};

/// Record and presence bits that the plan leaves of a record's bytes, or the cause for which it is refused.
///
/// # Errors
/// The first fault in the order of [`read`].
pub fn redact(plan: &Plan, bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let message = read(plan.record_type().descriptor(), bytes)?;
    let left = reduce(plan, &TOKENS, &message);
    Ok((canonical(&left.message), left.presence))
}

/// Tokens of every plan of [`crate::world`].
pub static TOKENS: std::sync::LazyLock<Tokens> =
    std::sync::LazyLock::new(|| Tokens::derive(&SECRET, EPOCH, SCOPE));
