//! The hash of a snapshot: over every input, in an order of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::agreement::Agreement;
use super::policy_file::{BASE_POLICIES, BASE_SCHEMA, PolicyFile};
use super::registry::Registry;
use crate::id::{AgreementId, Digest, RecordTypeName};
use crate::label::RecordType;

/// SHA-256 over registry, record types, agreements' texts, schema and policies' texts. File names do not count.
pub(super) fn hash(
    registry: &Registry,
    record_types: &HashMap<RecordTypeName, Arc<RecordType>>,
    agreements: &BTreeMap<AgreementId, Arc<Agreement>>,
    policies: &[PolicyFile],
) -> Digest {
    let mut out = Hashed(b"portcullis snapshot v1\0".to_vec());
    out.part(registry.environment.word());
    out.count(registry.agencies.len());
    for agency in &registry.agencies {
        out.part(&agency.id);
        out.part(&agency.name);
        out.part(&agency.country);
        out.part(&agency.kind);
        out.part(agency.max_sensitivity.word());
        out.count(agency.systems.len());
        agency.systems.iter().for_each(|system| out.part(system));
    }
    out.count(registry.cases.len());
    for case in &registry.cases {
        out.part(&case.id);
        out.part(case.opens.0);
        out.part(case.closes.map(|closes| closes.0.to_string()).unwrap_or_default());
        out.part(case.operation_scope);
        out.count(case.members.len());
        case.members.iter().for_each(|member| out.part(member));
    }
    let types: BTreeMap<_, _> = record_types.iter().collect();
    out.count(types.len());
    for (name, record_type) in types {
        out.part(name);
        out.part(record_type.hash());
    }
    out.count(agreements.len());
    agreements.values().for_each(|agreement| out.part(agreement.digest));
    out.part(BASE_SCHEMA);
    out.part(BASE_POLICIES);
    let texts: BTreeSet<&str> = policies.iter().map(|file| file.text.as_str()).collect();
    out.count(texts.len());
    texts.into_iter().for_each(|text| out.part(text));
    Digest::of(&out.0)
}

/// Length-prefixed parts, so that no two inputs run together.
struct Hashed(Vec<u8>);

impl Hashed {
    fn part(&mut self, part: impl std::fmt::Display) {
        let text = part.to_string();
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_be_bytes());
    }
}
