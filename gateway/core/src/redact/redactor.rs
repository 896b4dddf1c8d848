//! The redactor: one forward pass over a record's bytes, driven by the tables of a compiled plan. No message
//! is built and, past the first records, nothing allocated.
//!
//! What comes out depends on the values that the plan tells and on nothing else, not even on how the source
//! spelled them: fields stand in ascending order, defaults of fields without presence are dropped, packed
//! values stand in one piece, unknown fields are gone. Hidden fields are checked as strictly as clear ones,
//! so that a refusal does not depend on the plan.
//!
//! A message that is walked into is no leaf and has no treatment. Nothing below it told (Presence and
//! Withhold): neither the message nor the number of its elements comes out. Otherwise the elements of a list
//! are all kept, so their number is told, and a message that may stand once is kept when something is left
//! in it, or when all below it is clear.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use super::pass::Pass;
use super::pseudonym::Tokens;
use super::table::{Node, compile};
use super::wire::Refusal;
use super::{Plan, ScopeKey};

/// Largest record.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
/// Most fields of a record, those of nested messages included, packed values not.
pub const MAX_RECORD_FIELDS: usize = 1 << 16;

thread_local! {
    /// Room for the tokens of one record, kept for the next.
    static TOKENS: Cell<Tokens> = const { Cell::new(Tokens::none()) };
}

/// A plan, compiled for bytes.
pub struct Redactor {
    plan: Arc<Plan>,
    nodes: Vec<Node>,
    presence_bytes: usize,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({})", self.plan.hash())
    }
}

impl Redactor {
    /// Compiles a plan; keep the result as long as the plan.
    pub fn compile(plan: Arc<Plan>) -> Self {
        let (nodes, bits) = compile(&plan);
        Self { plan, nodes, presence_bytes: usize::try_from(bits.div_ceil(8)).unwrap_or(0) }
    }

    /// The plan that it applies.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Size of every presence bitmap, in bytes.
    pub fn presence_bytes(&self) -> usize {
        self.presence_bytes
    }

    /// Redacts one record. `out` and `presence` are replaced; the size of `presence` depends on the plan
    /// alone. After a refusal both are empty.
    ///
    /// # Errors
    /// The cause for which the record is refused. It depends on the record type and the bytes alone, but for
    /// keys of another scope than the plan's.
    pub fn redact(
        &self,
        keys: &ScopeKey,
        payload: &[u8],
        out: &mut Vec<u8>,
        presence: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        out.clear();
        presence.clear();
        let mut tokens = TOKENS.take();
        tokens.truncate(0);
        let done = self.reduce(keys, payload, out, presence, &mut tokens);
        keys.fill(out, &mut tokens, 0);
        TOKENS.set(tokens);
        done
    }

    /// The same, behind what stands in `out` and `presence` already, and but for the tokens: they are to be
    /// filled by the caller, with these keys. After a refusal all three are as they were.
    pub(super) fn reduce(
        &self,
        keys: &ScopeKey,
        payload: &[u8],
        out: &mut Vec<u8>,
        presence: &mut Vec<u8>,
        tokens: &mut Tokens,
    ) -> Result<(), Refusal> {
        if keys.scope() != self.plan.scope() {
            return Err(Refusal::ForeignPlan);
        }
        if payload.len() > MAX_RECORD_BYTES {
            return Err(Refusal::TooLarge);
        }
        let (from, bits, before) = (out.len(), presence.len(), tokens.len());
        presence.resize(bits + self.presence_bytes, 0);
        let done = Pass::over(&self.nodes, keys, payload, out, tokens, presence, bits).run();
        if done.is_err() {
            out.truncate(from);
            presence.truncate(bits);
            tokens.truncate(before);
        }
        done
    }
}
