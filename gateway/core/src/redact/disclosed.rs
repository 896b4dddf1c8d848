//! What may be disclosed: the only way to a value of these types leads through the redactor.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::Plan;
use crate::id::Moment;

/// Something that went through the redactor. It cannot be built outside this module's parent.
pub struct Disclosed<T>(T);

impl<T> Disclosed<T> {
    pub(super) fn new(inner: T) -> Self {
        Self(inner)
    }

    /// What may be disclosed.
    pub fn as_inner(&self) -> &T {
        &self.0
    }

    /// What may be disclosed.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Disclosed<Vec<T>> {
    /// Leaves out all but the first ones: a part of what may be disclosed may be too.
    pub fn keep_first(&mut self, count: usize) {
        self.0.truncate(count);
    }
}

impl<T> fmt::Debug for Disclosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disclosed { .. }")
    }
}

/// One record, reduced to what the requester needs to know.
pub struct ReleasedRecord {
    /// Pseudonym of the record's id in the plan's scope: ASCII.
    pub reference: Bytes,
    /// The record's opaque id at its source: for the log and the resume token, never for the requester.
    pub opaque_id: Bytes,
    /// The plan that was applied.
    pub plan: Arc<Plan>,
    /// Serialization under the record type's schema.
    pub payload: Bytes,
    /// Bit i, least significant first: the i-th leaf (in leaf order) treated as Presence has a value.
    pub presence: Bytes,
    /// Version at the originator.
    pub version: u64,
    /// When the originator's data were read.
    pub data_as_of: Option<Moment>,
    /// Delete it by then.
    pub delete_by: Option<Moment>,
}

impl fmt::Debug for ReleasedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReleasedRecord { .. }")
    }
}
