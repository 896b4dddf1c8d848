//! The parts of a snapshot: agreements read, or taken over from the one before as they were; their permits compiled,
//! validated and cut into slices.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy::{PolicySet, Validator};

use super::agreement::Agreement;
use super::compile::{Compiled, SliceKey};
use super::load_error::{LoadError, LoadProblem};
use super::parse::{self, Known};
use super::policy_file::{Named, validate, whole_file};
use super::slice::Slice;
use super::snapshot::{Held, Part, Snapshot};
use super::standing::{self, Phase};
use crate::id::{AgreementId, RecordTypeName};
use crate::label::RecordType;

/// May a policy's text name a field by its path or as an entity? An escape could hide either.
pub(super) fn speaks_of_fields(text: &str) -> bool {
    ["path", "Field", "\\"].iter().any(|word| text.contains(word))
}

pub(super) fn by_name(
    record_types: Vec<Arc<RecordType>>,
    errors: &mut Vec<LoadError>,
) -> HashMap<RecordTypeName, Arc<RecordType>> {
    let mut all: HashMap<RecordTypeName, Arc<RecordType>> = HashMap::new();
    for record_type in record_types {
        let name = record_type.name().clone();
        let hash = record_type.hash();
        if all.insert(name.clone(), record_type).is_some_and(|other| other.hash() != hash) {
            errors.push(LoadError::registry(
                format!("record_types.{name}"),
                LoadProblem::Duplicate,
                format!("two unlike record types are called `{name}`"),
            ));
        }
    }
    all
}

/// Agreements that are new or stand otherwise than before, and what was compiled of the others.
type Read = (Vec<(Held, Arc<Agreement>)>, BTreeMap<AgreementId, Arc<Part>>);

pub(super) fn read_agreements(
    all: Vec<Held>,
    known: &Known,
    before: Option<&Snapshot>,
    errors: &mut Vec<LoadError>,
) -> Read {
    let known_parts: HashMap<(&str, &str), &Arc<Part>> = before
        .iter()
        .flat_map(|before| before.parts.values())
        .map(|part| ((part.held.file.name.as_str(), part.held.file.text.as_str()), part))
        .collect();
    let (mut fresh, mut parts) = (vec![], BTreeMap::new());
    let mut names: BTreeMap<AgreementId, String> = BTreeMap::new();
    for held in all {
        let found = known_parts.get(&(held.file.name.as_str(), held.file.text.as_str()));
        let stands = |part: &&&Arc<Part>| part.held == held && same_types(part, known, before);
        if let Some(part) = found.filter(stands)
            && names.insert(part.agreement.id.clone(), held.file.name.clone()).is_none()
        {
            parts.insert(part.agreement.id.clone(), (*part).clone());
            continue;
        }
        match parse::agreement(&held.file, known) {
            Ok((mut agreement, at)) => {
                if let Some(other) = names.insert(agreement.id.clone(), held.file.name.clone()) {
                    errors.push(LoadError::at(
                        (&held.file.name, &held.file.text),
                        Some(at),
                        "id",
                        LoadProblem::Duplicate,
                        format!("agreement `{}` stands in `{other}` already", agreement.id),
                    ));
                }
                agreement.standing = held.standing.clone();
                unlike_schemas(&mut agreement, known);
                standing::narrow(&mut agreement);
                fresh.push((held, Arc::new(agreement)));
            }
            Err(found) => errors.extend(found),
        }
    }
    (fresh, parts)
}

/// Are the record types that it names here as they were, or as absent?
fn same_types(part: &Part, known: &Known, before: Option<&Snapshot>) -> bool {
    let mut names = part.agreement.flows.iter().flat_map(|flow| &flow.record_types);
    names.all(|name| {
        let was = before.and_then(|before| before.record_type(name)).map(|one| one.hash());
        was == known.record_types.get(name).map(|one| one.hash())
    })
}

/// What was signed for other schemas than those that are here does not hold.
fn unlike_schemas(agreement: &mut Agreement, known: &Known) {
    let Some(signed) = &agreement.standing.signed_for else { return };
    let names: BTreeSet<&RecordTypeName> =
        agreement.flows.iter().flat_map(|flow| &flow.record_types).collect();
    let unlike: Vec<RecordTypeName> = names
        .into_iter()
        .filter(|name| {
            let here = known.record_types.get(*name).map(|one| one.hash());
            here.is_some() && here != signed.get(*name).copied()
        })
        .cloned()
        .collect();
    if agreement.standing.phase == Phase::InForce && !unlike.is_empty() {
        agreement.standing.phase = Phase::SchemaChanged(unlike);
    }
}

/// The policies that belong to every slice.
pub(super) fn ground(base: &[Named], errors: &mut Vec<LoadError>) -> PolicySet {
    let mut ground = PolicySet::new();
    for named in base {
        if let Err(error) = ground.add(named.policy.clone()) {
            errors.push(whole_file("policy set", LoadProblem::PolicyInvalid, &error));
        }
    }
    ground
}

/// An agreement's permits, validated, and for every requester and record type those that can apply beside all
/// base policies.
pub(super) fn part(
    held: Held,
    agreement: Arc<Agreement>,
    compiled: Vec<Compiled>,
    (ground, validator): (&PolicySet, &Validator),
    base: &[Named],
    errors: &mut Vec<LoadError>,
) -> Part {
    let mut permits = PolicySet::new();
    let mut slices: BTreeMap<SliceKey, PolicySet> = BTreeMap::new();
    for Compiled { key, policy } in compiled {
        for set in [&mut permits, slices.entry(key).or_insert_with(|| ground.clone())] {
            if let Err(error) = set.add(policy.clone()) {
                errors.push(whole_file("policy set", LoadProblem::PolicyInvalid, &error));
            }
        }
    }
    validate(validator, &permits, base, errors);
    Part {
        held,
        agreement,
        slices: slices.into_iter().map(|(key, set)| (key, Arc::new(Slice::new(set)))).collect(),
        permits,
    }
}
