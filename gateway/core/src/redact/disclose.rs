//! From a record as a source sent it to one that may be disclosed: the only maker of
//! `Disclosed<ReleasedRecord>`.

use std::fmt;

use bytes::Bytes;

use super::{Disclosed, Redactor, Refusal, ReleasedRecord, ScopeKey};
use crate::id::{AgencyId, Moment};

/// A record as its source sent it, handling already checked.
pub struct FoundRecord {
    /// Who owns it.
    pub originator: AgencyId,
    /// Its key at the source.
    pub opaque_id: Bytes,
    /// Serialization under the record type's schema.
    pub payload: Bytes,
    /// Version at the originator.
    pub version: u64,
    /// When the originator's data were read.
    pub data_as_of: Option<Moment>,
    /// Delete it by then.
    pub delete_by: Option<Moment>,
}

impl fmt::Debug for FoundRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FoundRecord { .. }")
    }
}

/// Reduces a record to what the redactor's plan tells.
///
/// # Errors
/// The cause for which it is refused: the bytes, or a plan of another originator or keys of another scope.
pub fn disclose(
    redactor: &Redactor,
    keys: &ScopeKey,
    record: FoundRecord,
) -> Result<Disclosed<ReleasedRecord>, Refusal> {
    if record.originator != *redactor.plan().originator() {
        return Err(Refusal::ForeignPlan);
    }
    let mut payload = Vec::with_capacity(record.payload.len());
    let mut presence = Vec::new();
    redactor.redact(keys, &record.payload, &mut payload, &mut presence)?;
    Ok(Disclosed::new(ReleasedRecord {
        reference: keys.reference(&record.originator, &record.opaque_id),
        opaque_id: record.opaque_id,
        plan: redactor.plan().clone(),
        payload: payload.into(),
        presence: presence.into(),
        version: record.version,
        data_as_of: record.data_as_of,
        delete_by: record.delete_by,
    }))
}
