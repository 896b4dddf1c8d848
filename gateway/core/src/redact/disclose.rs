//! From records as a source sent them to what may be disclosed: the only maker of `Disclosed` records. The
//! records of a batch share their memory, and their tokens are sealed side by side.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::pseudonym::Tokens;
use super::siv::Headers;
use super::{Disclosed, Redactor, Refusal, ReleasedRecord, ScopeKey, TOKEN_CHARS};
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

/// Records on their way out, each reduced to what its redactor's plan tells. Nothing can be read before
/// [`Batch::finish`]: until then there are zeros where tokens will be.
#[derive(Default)]
pub struct Batch {
    /// Reference and payload of each record.
    bytes: Vec<u8>,
    /// Presence bitmap of each.
    bits: Vec<u8>,
    tokens: Tokens,
    /// Whose keys the tokens are sealed with.
    keys: Option<Arc<ScopeKey>>,
    /// Bytes of the last batch: the next one is likely to be as large.
    expected: usize,
    /// Of the last originator: it hardly changes within a batch.
    headers: Option<(AgencyId, Headers)>,
    records: Vec<Reduced>,
}

struct Reduced {
    record: FoundRecord,
    redactor: Arc<Redactor>,
    /// Where reference, payload and bitmap end.
    ends: [usize; 3],
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} records)", self.records.len())
    }
}

impl Batch {
    /// Reduces a record to what the redactor's plan tells and adds it. Returns its size: reference, payload
    /// and bitmap. After a refusal the batch is as it was.
    ///
    /// # Errors
    /// The cause for which it is refused: the bytes, or a plan of another originator or keys of another scope.
    pub fn take(
        &mut self,
        redactor: &Arc<Redactor>,
        keys: &Arc<ScopeKey>,
        record: FoundRecord,
    ) -> Result<usize, Refusal> {
        if record.originator != *redactor.plan().originator()
            || keys.scope() != redactor.plan().scope()
        {
            return Err(Refusal::ForeignPlan);
        }
        if !self.keys.as_ref().is_some_and(|held| Arc::ptr_eq(held, keys)) {
            self.seal();
            (self.keys, self.headers) = (Some(keys.clone()), None);
        }
        let headers = match &self.headers {
            Some((originator, headers)) if *originator == record.originator => Some(*headers),
            _ => keys.reference_headers(&record.originator),
        };
        self.headers = headers.map(|headers| (record.originator.clone(), headers));
        if self.bytes.is_empty() {
            self.bytes.reserve(self.expected);
        }
        let (bytes, bits) = (self.bytes.len(), self.bits.len());
        let tokens = self.tokens.len();
        keys.reserve_reference(headers, &record, &mut self.bytes, &mut self.tokens);
        let reference = self.bytes.len();
        let done = redactor.reduce(
            keys,
            &record.payload,
            &mut self.bytes,
            &mut self.bits,
            &mut self.tokens,
        );
        if let Err(refusal) = done {
            self.bytes.truncate(bytes);
            self.tokens.truncate(tokens);
            return Err(refusal);
        }
        let ends = [reference, self.bytes.len(), self.bits.len()];
        self.records.push(Reduced { record, redactor: redactor.clone(), ends });
        Ok(self.bytes.len() - bytes + self.bits.len() - bits)
    }

    /// How many records it has.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Has it none?
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Seals the tokens and hands the records over, in the order in which they came. The batch is empty
    /// after that.
    pub fn finish(&mut self) -> Disclosed<Vec<ReleasedRecord>> {
        self.seal();
        self.expected = self.bytes.len();
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let bits = Bytes::from(std::mem::take(&mut self.bits));
        let slice = |all: &Bytes, from: usize, to: usize| {
            if from < to && to <= all.len() { all.slice(from..to) } else { Bytes::new() }
        };
        let (mut at, mut bit) = (0, 0);
        let mut records = Vec::with_capacity(self.records.len());
        for Reduced { record, redactor, ends: [reference, payload, presence] } in
            self.records.drain(..)
        {
            records.push(ReleasedRecord {
                reference: slice(&bytes, at, reference),
                opaque_id: record.opaque_id,
                plan: redactor.plan().clone(),
                payload: slice(&bytes, reference, payload),
                presence: slice(&bits, bit, presence),
                version: record.version,
                data_as_of: record.data_as_of,
                delete_by: record.delete_by,
            });
            (at, bit) = (payload, presence);
        }
        Disclosed::new(records)
    }

    fn seal(&mut self) {
        if let Some(keys) = &self.keys {
            keys.fill(&mut self.bytes, &mut self.tokens, 0);
        }
    }
}

impl ScopeKey {
    /// Room for the token of a record's id.
    fn reserve_reference(
        &self,
        headers: Option<Headers>,
        record: &FoundRecord,
        out: &mut Vec<u8>,
        tokens: &mut Tokens,
    ) {
        match headers.and_then(|headers| tokens.place(out.len(), headers, &record.opaque_id)) {
            Some(()) => out.extend_from_slice(&[0; TOKEN_CHARS]),
            None => out.extend_from_slice(
                self.reference(&record.originator, &record.opaque_id).as_bytes(),
            ),
        }
    }
}
