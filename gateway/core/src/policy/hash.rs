//! The hash of a snapshot: over every input, in an order of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::agreement::{Agreement, Selector};
use super::policy_file::{BASE_POLICIES, BASE_SCHEMA, PolicyFile};
use super::registry::Registry;
use super::standing::{Cap, Phase, Standing, Take};
use crate::id::{AgreementId, Digest, Moment, RecordTypeName};
use crate::label::{RecordType, Sensitivity};

/// SHA-256 over registry, record types, agreements' texts, schema and policies' texts. File names do not count.
pub(super) fn hash(
    registry: &Registry,
    record_types: &HashMap<RecordTypeName, Arc<RecordType>>,
    agreements: &BTreeMap<AgreementId, Arc<Agreement>>,
    policies: &[PolicyFile],
) -> Digest {
    let mut out = Hashed(b"portcullis snapshot v2\0".to_vec());
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
        if let Some(template) = &case.template {
            out.caps(&template.caps);
            out.caps(std::slice::from_ref(&template.others));
        }
    }
    let types: BTreeMap<_, _> = record_types.iter().collect();
    out.count(types.len());
    for (name, record_type) in types {
        out.part(name);
        out.part(record_type.hash());
    }
    out.count(agreements.len());
    for agreement in agreements.values() {
        out.part(agreement.digest);
        out.standing(&agreement.standing);
    }
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

    fn standing(&mut self, standing: &Standing) {
        let moment = |at: Option<Moment>| at.map(|at| at.0.to_string()).unwrap_or_default();
        let (phase, by): (u8, Vec<&str>) = match &standing.phase {
            Phase::InForce => (0, vec![]),
            Phase::AwaitsSignatures(of) => (1, of.iter().map(|one| one.as_str()).collect()),
            Phase::Suspended(by) => (2, by.iter().map(|one| one.as_str()).collect()),
            Phase::SchemaChanged(of) => (3, of.iter().map(|one| one.as_str()).collect()),
        };
        self.part(phase);
        self.count(by.len());
        by.into_iter().for_each(|one| self.part(one));
        self.part(moment(standing.ends));
        self.count(standing.joined.len());
        standing.joined.iter().for_each(|agency| self.part(agency));
        self.count(standing.left.len());
        for (agency, at) in &standing.left {
            self.part(agency);
            self.part(at.0);
        }
        self.count(standing.reservations.len());
        for one in &standing.reservations {
            self.part(&one.agency);
            self.count(one.flow.unwrap_or_default());
            match &one.takes {
                Take::Purpose(purpose) => self.part(format_args!("purpose {}", purpose.word())),
                Take::RecordType(name) => self.part(format_args!("record-type {name}")),
                Take::Field { path, at_most } => {
                    self.part(format_args!("field {path} {at_most}"));
                }
                Take::Match(path) => self.part(format_args!("match {path}")),
            }
        }
    }

    fn caps(&mut self, caps: &[Cap]) {
        self.count(caps.len());
        for cap in caps {
            self.part(&cap.rule);
            match &cap.selector {
                Selector::Fields(paths) => {
                    self.count(paths.len());
                    paths.iter().for_each(|path| self.part(path));
                }
                Selector::Semantic(semantic) => self.part(semantic.word()),
                Selector::Category(category, most) => {
                    self.part(category.word());
                    self.part(most.map(Sensitivity::word).unwrap_or_default());
                }
            }
            self.part(cap.at_most);
        }
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let hashed = |parts: &[&str]| {
            let mut out = Hashed(vec![]);
            parts.iter().for_each(|part| out.part(part));
            out.0
        };
        assert_ne!(hashed(&["ab", "c"]), hashed(&["a", "bc"]));
        assert_ne!(hashed(&["", "a"]), hashed(&["a", ""]));
        assert_ne!(hashed(&["a"]), hashed(&["a", ""]));
    }
}
