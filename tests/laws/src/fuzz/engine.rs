//! Any bytes against the redactor: the same refusal under every plan, and an answer that is canonical.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use portcullis_core::redact::{Batch, FoundRecord, Redactor, Refusal, ScopeKey};
use prost_reflect::DynamicMessage;

use super::head;
use super::record::{PLANS, has_tokens, kind};
use crate::world::{KEYS, canonical, keys};

/// The same keys, for batches.
static SHARED: LazyLock<Arc<ScopeKey>> = LazyLock::new(|| Arc::new(keys()));

/// Record type, plan, record.
pub fn engine(mut data: &[u8]) {
    let [number, plan] = head(&mut data);
    let kind = kind(number);
    let chosen = &kind.redactors[3 + usize::from(plan) % (PLANS - 3)];
    let clear = check(&kind.redactors[0], data);
    for redactor in [&kind.redactors[1], &kind.redactors[2], chosen] {
        let left = check(redactor, data);
        assert_eq!(left.as_ref().err(), clear.as_ref().err(), "a refusal depends on the plan");
        if let (Ok(left), Ok(clear)) = (left, &clear) {
            // Spelled in the one canonical way, the record gives the same answer.
            assert!(
                run(redactor, clear).expect("what was told is sound").0 == left,
                "spelling is told"
            );
        }
    }
}

fn run(redactor: &Redactor, data: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let (mut out, mut presence) = (vec![], vec![]);
    redactor.redact(&KEYS, data, &mut out, &mut presence)?;
    Ok((out, presence))
}

/// A record of this many bytes, whatever they are.
fn found(redactor: &Redactor, data: &[u8]) -> FoundRecord {
    FoundRecord {
        originator: redactor.plan().originator().clone(),
        opaque_id: Bytes::from_static(b"an id of sixteen"),
        payload: Bytes::copy_from_slice(data),
        version: 1,
        data_as_of: None,
        delete_by: None,
    }
}

/// What one plan leaves, or why not, looked at from every side.
fn check(redactor: &Arc<Redactor>, data: &[u8]) -> Result<Vec<u8>, Refusal> {
    // Behind another record of a batch, too.
    let mut batch = Batch::default();
    let first = batch.take(redactor, &SHARED, found(redactor, &[]));
    let size = first.expect("nothing is a sound record");
    let taken = batch.take(redactor, &SHARED, found(redactor, data));
    let records = batch.finish().into_inner();
    assert!(records[0].payload.is_empty() && records[0].presence.len() + 88 == size, "it grew");
    let (left, bits) = match run(redactor, data) {
        Ok(done) => done,
        Err(refusal) => {
            assert_eq!(taken, Err(refusal));
            assert!(records.len() == 1, "something is left of a refused record");
            return Err(refusal);
        }
    };
    assert_eq!(taken, Ok(88 + left.len() + bits.len()));
    assert!(
        records[1].payload == left && records[1].presence == bits,
        "in a batch it is another answer"
    );
    assert!(records[0].reference == records[1].reference, "one id, two references");
    assert_eq!(bits.len(), redactor.presence_bytes());
    // A field takes two bytes at least, a token 93 at most; a position out of nothing 23.
    assert!(left.len() <= 48 * data.len(), "{} bytes out of {}", left.len(), data.len());
    let descriptor = redactor.plan().record_type().descriptor().clone();
    let message =
        DynamicMessage::decode(descriptor, &left[..]).expect("a standard decoder reads it");
    assert!(canonical(&message) == left, "the answer is not canonical");
    if !has_tokens(redactor.plan()) {
        let (again, _) = run(redactor, &left).expect("what was told is sound");
        assert!(again == left, "twice is not once");
    }
    Ok(left)
}
