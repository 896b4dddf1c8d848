//! Who takes part: agencies and cases as the gateway's configuration and store know them.

use std::collections::BTreeSet;

use super::load_error::{LoadError, LoadProblem};
use super::standing::Cap;
use crate::handling::Environment;
use crate::id::{AgencyId, CaseId, Moment, SystemId};
use crate::label::Sensitivity;

/// An agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agency {
    /// Short id, as in its certificates.
    pub id: AgencyId,
    /// For people.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// customs, licensing, police, fiu, ..
    pub kind: String,
    /// What it is accredited for.
    pub max_sensitivity: Sensitivity,
    /// Its systems; only these may ask.
    pub systems: Vec<SystemId>,
}

/// A case or joint operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its id: `[A-Za-z0-9._-]{1,63}`.
    pub id: CaseId,
    /// Agencies that work on it.
    pub members: Vec<AgencyId>,
    /// Open from then.
    pub opens: Moment,
    /// Closed from then on; none: not yet.
    pub closes: Option<Moment>,
    /// Tokens are shared by all members, as a joint operation needs.
    pub operation_scope: bool,
    /// The most that is told inside it, whatever agreements allow.
    pub template: Option<Template>,
}

/// A field template: a cap on what is told inside a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// For these fields.
    pub caps: Vec<Cap>,
    /// For every other one.
    pub others: Cap,
}

impl Case {
    /// Is it open at this moment, and the agency a member?
    pub fn open_to(&self, agency: &AgencyId, now: Moment) -> bool {
        self.opens <= now
            && self.closes.is_none_or(|closes| now < closes)
            && self.members.contains(agency)
    }
}

/// Agencies, cases and the environment they live in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// Agencies.
    pub agencies: Vec<Agency>,
    /// Cases, closed ones included.
    pub cases: Vec<Case>,
    /// Exercise or production: that of the gateway.
    pub environment: Environment,
}

impl Registry {
    /// Sorts everything, so that order changes nothing.
    pub(super) fn canonical(mut self) -> Self {
        self.agencies.sort_by(|one, two| one.id.cmp(&two.id));
        self.cases.sort_by(|one, two| one.id.cmp(&two.id));
        for agency in &mut self.agencies {
            agency.systems.sort();
            agency.systems.dedup();
        }
        for case in &mut self.cases {
            case.members.sort();
            case.members.dedup();
        }
        self
    }

    /// Everything that is wrong with it.
    pub(super) fn check(&self) -> Vec<LoadError> {
        let mut errors = vec![];
        let mut refuse = |field: String, problem, message: String| {
            errors.push(LoadError::registry(field, problem, message));
        };
        let mut seen = BTreeSet::new();
        for agency in &self.agencies {
            let field = format!("agencies.{}", agency.id);
            if !is_short_id(agency.id.as_str()) {
                refuse(
                    field.clone(),
                    LoadProblem::Invalid,
                    "an agency's id is 1 to 63 of a-z, 0-9 and -".to_owned(),
                );
            }
            if !seen.insert(&agency.id) {
                refuse(
                    field.clone(),
                    LoadProblem::Duplicate,
                    format!("two agencies are called `{}`", agency.id),
                );
            }
            for system in agency.systems.iter().filter(|system| !is_short_id(system.as_str())) {
                refuse(
                    format!("{field}.systems"),
                    LoadProblem::Invalid,
                    format!("`{system}`: a system's id is 1 to 63 of a-z, 0-9 and -"),
                );
            }
        }
        let mut cases = BTreeSet::new();
        for case in &self.cases {
            let field = format!("cases.{}", case.id);
            if !is_name(case.id.as_str()) {
                refuse(field.clone(), LoadProblem::Invalid, NAME_RULE.to_owned());
            }
            if !cases.insert(&case.id) {
                refuse(
                    field.clone(),
                    LoadProblem::Duplicate,
                    format!("two cases are called `{}`", case.id),
                );
            }
            if case.members.is_empty() {
                refuse(
                    format!("{field}.members"),
                    LoadProblem::Empty,
                    "a case needs a member".to_owned(),
                );
            }
            for member in case.members.iter().filter(|member| !seen.contains(member)) {
                refuse(
                    format!("{field}.members"),
                    LoadProblem::Unknown,
                    format!("agency `{member}` is not registered"),
                );
            }
            if case.closes.is_some_and(|closes| closes <= case.opens) {
                refuse(
                    format!("{field}.closes"),
                    LoadProblem::DatesReversed,
                    "it closes before it opens".to_owned(),
                );
            }
        }
        errors
    }
}

/// What [`is_name`] asks for.
pub(super) const NAME_RULE: &str = "an id is 1 to 63 of A-Z, a-z, 0-9, `.`, `_` and `-`";

/// Ids of cases and agreements: nothing that could be mistaken for a separator in a key, scope or rule.
pub fn is_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_short_id(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
