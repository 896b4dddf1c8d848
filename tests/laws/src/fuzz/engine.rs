//! Any bytes against the redactor: the same refusal under every plan, and an answer that is canonical.

use portcullis_core::redact::{Redactor, Refusal};
use prost_reflect::DynamicMessage;

use super::head;
use super::record::{PLANS, has_tokens, kind};
use crate::world::{KEYS, canonical};

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

/// What one plan leaves, or why not, looked at from every side.
fn check(redactor: &Redactor, data: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (mut out, mut presence) = (vec![1, 2, 3], vec![4]);
    let appended = redactor.append(&KEYS, data, &mut out, &mut presence);
    assert!(out.starts_with(&[1, 2, 3]) && presence.starts_with(&[4]), "what stood there is lost");
    let (left, bits) = match run(redactor, data) {
        Ok(done) => done,
        Err(refusal) => {
            assert_eq!(appended, Err(refusal));
            assert!(out.len() == 3 && presence.len() == 1, "something is left of a refused record");
            return Err(refusal);
        }
    };
    assert_eq!(appended, Ok(()));
    assert!(out[3..] == left && presence[1..] == bits, "behind others it is another answer");
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
