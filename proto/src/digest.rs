//! The digest of a query: what tokens, receipts and a repeated request hang on.
//!
//! SHA-256 over the deterministic serialization of `portcullis.query.v1.Query`: known fields only, in
//! ascending order of their numbers, defaults left out, minimal varints. There are no maps in it (a test
//! holds that), prost sorts fields by number, and the codec refuses a request with unknown fields, so what
//! prost encodes *is* that serialization. Text is taken as it stands: no Unicode normalisation, no case
//! folding, and the order of repeated fields counts. `vectors/query_digest.json` holds test vectors that Rust,
//! Python and Node reproduce.

use aws_lc_rs::digest;
use prost::Message as _;

use crate::query::v1::{Query, ReleaseDecision};

/// The bytes under the digest.
pub fn query_serialization(query: &Query) -> Vec<u8> {
    query.encode_to_vec()
}

/// SHA-256 of the deterministic serialization of a query.
pub fn query_digest(query: &Query) -> [u8; 32] {
    sha256(&query_serialization(query))
}

/// SHA-256 of the deterministic serialization of a decision on a release: what an officer's token for it names.
pub fn decision_digest(decision: &ReleaseDecision) -> [u8; 32] {
    sha256(&decision.encode_to_vec())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    bytes
}
