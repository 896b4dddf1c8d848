//! The base policy set, further policy files, and their validation against the schema: prohibitions only,
//! each with a name.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use cedar_policy::{Effect, ParseErrors, Policy, PolicySet, ValidationMode, Validator};
use miette::Diagnostic;

use super::cedar::policy_id;
use super::load_error::{LoadError, LoadProblem};
use crate::id::RuleId;

/// The base policy set: prohibitions that no agreement can lift.
pub const BASE_POLICIES: &str = include_str!("../../../policies/base.cedar");
/// The schema that every policy is validated against.
pub const BASE_SCHEMA: &str = include_str!("../../../policies/schema.cedarschema");

/// Further Cedar policies of a gateway, prohibitions only, each with an `@id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// File name, for errors.
    pub name: String,
    /// Cedar.
    pub text: String,
}

/// What a requester is told of a rule, as its author wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// `@because`: the condition that failed.
    pub(super) because: String,
    /// `@remedy`: what would satisfy it.
    pub(super) remedy: String,
}

/// The texts of all rules that have any.
pub(super) fn told(base: &[Named]) -> BTreeMap<RuleId, Told> {
    let of = |named: &Named| {
        let note = |key: &str| named.policy.annotation(key).unwrap_or_default().to_owned();
        let told = Told { because: note("because"), remedy: note("remedy") };
        (RuleId::new(note("id")), told)
    };
    base.iter().map(of).collect()
}

/// A policy of the base set or of a file, and where it stands.
pub(super) struct Named {
    pub(super) policy: Policy,
    file: String,
    text: Arc<str>,
}

pub(super) fn read_policies(files: &[PolicyFile], errors: &mut Vec<LoadError>) -> Vec<Named> {
    let base = PolicyFile { name: "base.cedar".to_owned(), text: BASE_POLICIES.to_owned() };
    let mut all: Vec<Named> = vec![];
    let mut seen = BTreeSet::new();
    for (number, file) in std::iter::once(&base).chain(files).enumerate() {
        let place = (file.name.as_str(), file.text.as_str());
        let set: PolicySet = match file.text.parse() {
            Ok(set) => set,
            Err(parse_errors) => {
                errors.extend(parse_errors_at(place, &parse_errors));
                continue;
            }
        };
        let text: Arc<str> = Arc::from(file.text.as_str());
        let mut refuse = |id: &str, problem, message: &str| {
            errors.push(LoadError::at(place, find_id(&file.text, id), id, problem, message));
        };
        if set.templates().next().is_some() {
            refuse("", LoadProblem::PolicyInvalid, "templates are not supported");
        }
        for policy in set.policies() {
            let id = policy.annotation("id").unwrap_or_default().to_owned();
            if id.is_empty() {
                let message = format!("`{}` has no @id", policy.id());
                refuse("", LoadProblem::PolicyInvalid, &message);
            } else if !seen.insert(id.clone()) {
                refuse(&id, LoadProblem::Duplicate, "another policy has this @id");
            } else if id.starts_with("agreement:") || id.starts_with("default:") {
                let message =
                    "`agreement:` and `default:` are kept for rules that the gateway makes";
                refuse(&id, LoadProblem::PolicyInvalid, message);
            }
            if policy.effect() == Effect::Permit {
                let message = "only agreements permit; write a forbid";
                refuse(&id, LoadProblem::PolicyInvalid, message);
            }
            let unique = policy_id(&id, format!("{number}-{}", policy.id()));
            let policy = policy.new_id(unique);
            all.push(Named { policy, file: file.name.clone(), text: text.clone() });
        }
    }
    all
}

fn find_id(text: &str, id: &str) -> Option<Range<usize>> {
    if id.is_empty() {
        return None;
    }
    text.rfind(&format!("@id(\"{id}\")")).map(|at| at..at)
}

fn parse_errors_at(place: (&str, &str), errors: &ParseErrors) -> impl Iterator<Item = LoadError> {
    errors.iter().map(move |error| {
        let span = error
            .labels()
            .and_then(|mut labels| labels.next())
            .map(|label| label.offset()..label.offset() + label.len());
        LoadError::at(place, span, "", LoadProblem::PolicyMalformed, error.to_string())
    })
}

pub(super) fn whole_file(
    file: &str,
    problem: LoadProblem,
    error: &dyn std::fmt::Display,
) -> LoadError {
    LoadError::at((file, ""), None, "", problem, error.to_string())
}

/// Validates every policy strictly.
pub(super) fn validate(
    validator: &Validator,
    whole: &PolicySet,
    base: &[Named],
    errors: &mut Vec<LoadError>,
) {
    let result = validator.validate(whole, ValidationMode::Strict);
    for error in result.validation_errors() {
        let rule = whole.annotation(error.policy_id(), "id").unwrap_or_default().to_owned();
        let named = base.iter().find(|named| named.policy.id() == error.policy_id());
        let (file, text) = named.map_or(("agreement", ""), |named| (&named.file, &*named.text));
        let span = error
            .labels()
            .and_then(|mut labels| labels.next())
            .filter(|_| named.is_some())
            .map(|label| label.offset()..label.offset() + label.len());
        errors.push(LoadError::at(
            (file, text),
            span,
            rule,
            LoadProblem::PolicyInvalid,
            error.to_string(),
        ));
    }
}
