//! One immutable state of everything a decision depends on. A request is decided, planned and logged
//! against one snapshot; its hash names it in the log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use super::agreement::Agreement;
use super::cedar::{Action, Engine, Verdict};
use super::compile::{self, Compiled, SliceKey};
use super::load_error::{LoadError, LoadProblem};
use super::parse::{self, AgreementFile, Known};
use super::permit::PlanCache;
use super::registry::{Agency, Case, Registry};
use crate::handling::Environment;
use crate::id::{AgencyId, AgreementId, CaseId, Digest, Moment, RecordTypeName, RuleId};
use crate::label::{Leaf, RecordType};

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

/// Registry, record types, agreements and policies, compiled.
pub struct Snapshot {
    registry: Registry,
    /// Positions of an agency's cases in the registry.
    cases_of: HashMap<AgencyId, Vec<usize>>,
    record_types: HashMap<RecordTypeName, Arc<RecordType>>,
    agreements: BTreeMap<AgreementId, Arc<Agreement>>,
    pub(super) engine: Engine,
    pub(super) slices: HashMap<SliceKey, PolicySet>,
    /// The policies that belong to every slice: what holds where no agreement permits anything.
    ground: PolicySet,
    /// Every policy: what the slices are held against.
    #[cfg(test)]
    pub(super) whole: PolicySet,
    pub(super) plans: PlanCache,
    hash: Digest,
}

impl Snapshot {
    /// Compiles a snapshot. The base set always belongs to it.
    ///
    /// # Errors
    /// Every problem found, in the order of the inputs.
    pub fn load(
        registry: Registry,
        record_types: Vec<Arc<RecordType>>,
        agreements: &[AgreementFile],
        policies: &[PolicyFile],
    ) -> Result<Arc<Self>, Vec<LoadError>> {
        Self::load_where(registry, record_types, agreements, policies, |_| true)
    }

    /// As [`Snapshot::load`], with only those compiled permits that pass: the law that a removed permit
    /// raises nothing is tested through here.
    pub(super) fn load_where(
        registry: Registry,
        record_types: Vec<Arc<RecordType>>,
        agreements: &[AgreementFile],
        policies: &[PolicyFile],
        keep: impl Fn(&Policy) -> bool,
    ) -> Result<Arc<Self>, Vec<LoadError>> {
        let registry = registry.canonical();
        let mut errors = registry.check();
        let record_types = by_name(record_types, &mut errors);
        let known = Known { registry: &registry, record_types: &record_types };
        let agreements = read_agreements(agreements, &known, &mut errors);
        let base = read_policies(policies, &mut errors);
        let schema = match Schema::from_cedarschema_str(BASE_SCHEMA) {
            Ok((schema, _)) => schema,
            Err(error) => {
                errors.push(whole_file("schema.cedarschema", LoadProblem::PolicyMalformed, &error));
                return Err(errors);
            }
        };
        let mut compiled = vec![];
        for agreement in agreements.values() {
            match compile::agreement(agreement, &record_types) {
                Ok(permits) => compiled.extend(permits),
                Err(error) => {
                    let name = agreement.id.to_string();
                    errors.push(whole_file(&name, LoadProblem::PolicyMalformed, &error));
                }
            }
        }
        compiled.retain(|compiled| keep(&compiled.policy));
        let (ground, whole, slices) = slice(&base, compiled, &mut errors);
        validate(&schema, &whole, &base, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let engine = Engine::new(schema, &registry, &record_types).map_err(|error| {
            vec![whole_file("schema.cedarschema", LoadProblem::PolicyInvalid, &error)]
        })?;
        let hash = hash(&registry, &record_types, &agreements, policies);
        let mut cases_of: HashMap<AgencyId, Vec<usize>> = HashMap::new();
        for (at, case) in registry.cases.iter().enumerate() {
            for member in &case.members {
                cases_of.entry(member.clone()).or_default().push(at);
            }
        }
        Ok(Arc::new(Self {
            registry,
            cases_of,
            record_types,
            agreements,
            engine,
            slices,
            ground,
            #[cfg(test)]
            whole,
            plans: PlanCache::default(),
            hash,
        }))
    }

    /// SHA-256 over every input, in an order of its own: the order of loading changes nothing.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// Agencies, by id.
    pub fn agencies(&self) -> &[Agency] {
        &self.registry.agencies
    }

    /// An agency.
    pub fn agency(&self, id: &AgencyId) -> Option<&Agency> {
        let agencies = &self.registry.agencies;
        let at = agencies.binary_search_by(|agency| agency.id.cmp(id)).ok()?;
        agencies.get(at)
    }

    /// Cases, by id, closed ones included.
    pub fn cases(&self) -> &[Case] {
        &self.registry.cases
    }

    /// A case.
    pub fn case(&self, id: &CaseId) -> Option<&Case> {
        let cases = &self.registry.cases;
        let at = cases.binary_search_by(|case| case.id.cmp(id)).ok()?;
        cases.get(at)
    }

    /// Exercise or production.
    pub fn environment(&self) -> Environment {
        self.registry.environment
    }

    /// Agreements, by id.
    pub fn agreements(&self) -> impl Iterator<Item = &Arc<Agreement>> {
        self.agreements.values()
    }

    /// An agreement.
    pub fn agreement(&self, id: &AgreementId) -> Option<&Arc<Agreement>> {
        self.agreements.get(id)
    }

    /// Agreements to which all of these are parties, by id.
    pub fn agreements_between<'a>(
        &'a self,
        parties: &'a [AgencyId],
    ) -> impl Iterator<Item = &'a Arc<Agreement>> {
        self.agreements().filter(|one| parties.iter().all(|party| one.has_party(party)))
    }

    /// A record type.
    pub fn record_type(&self, name: &RecordTypeName) -> Option<&Arc<RecordType>> {
        self.record_types.get(name)
    }

    /// Record types, by name.
    pub fn record_types(&self) -> Vec<&Arc<RecordType>> {
        let mut all: Vec<_> = self.record_types.values().collect();
        all.sort_by(|one, two| one.name().cmp(two.name()));
        all
    }

    /// Agencies whose records of a type this requester may ask for under some agreement in force, sorted.
    pub fn holders(
        &self,
        requester: &AgencyId,
        record_type: &RecordTypeName,
        now: Moment,
    ) -> Vec<AgencyId> {
        let flows = self.agreements().filter(|one| one.in_force(now)).flat_map(|one| &one.flows);
        let holders: BTreeSet<&AgencyId> = flows
            .filter(|flow| flow.to.contains(requester) && flow.record_types.contains(record_type))
            .map(|flow| &flow.from)
            .collect();
        holders.into_iter().cloned().collect()
    }

    /// Cases of which an agency is a member, open or not, by id.
    pub(super) fn cases_of(&self, agency: &AgencyId) -> impl Iterator<Item = &Case> {
        let own = self.cases_of.get(agency).map_or(&[][..], Vec::as_slice);
        own.iter().filter_map(|at| self.registry.cases.get(*at))
    }

    /// Cases open to an agency at this moment, sorted.
    pub(super) fn memberships(&self, agency: &AgencyId, now: Moment) -> Vec<CaseId> {
        let open = self.cases_of(agency).filter(|case| case.open_to(agency, now));
        open.map(|case| case.id.clone()).collect()
    }

    /// Asks the slice; without one there are prohibitions only, so nothing permits.
    pub(super) fn ask(
        &self,
        key: &SliceKey,
        action: Action,
        leaf: Option<&Leaf>,
        context: &cedar_policy::Context,
    ) -> Verdict {
        let policies = self.slices.get(key).unwrap_or(&self.ground);
        self.engine.ask(policies, &key.requester, action, &key.record_type, leaf, context)
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({})", self.hash)
    }
}

fn by_name(
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

fn read_agreements(
    files: &[AgreementFile],
    known: &Known,
    errors: &mut Vec<LoadError>,
) -> BTreeMap<AgreementId, Arc<Agreement>> {
    let mut agreements = BTreeMap::new();
    let mut names: BTreeMap<AgreementId, &str> = BTreeMap::new();
    for file in files {
        match parse::agreement(file, known) {
            Ok((agreement, at)) => {
                if let Some(other) = names.insert(agreement.id.clone(), &file.name) {
                    errors.push(LoadError::at(
                        (&file.name, &file.text),
                        Some(at),
                        "id",
                        LoadProblem::Duplicate,
                        format!("agreement `{}` stands in `{other}` already", agreement.id),
                    ));
                }
                agreements.insert(agreement.id.clone(), Arc::new(agreement));
            }
            Err(found) => errors.extend(found),
        }
    }
    agreements
}

/// A policy of the base set or of a file, and where it stands.
struct Named {
    policy: Policy,
    file: String,
    text: Arc<str>,
}

fn read_policies(files: &[PolicyFile], errors: &mut Vec<LoadError>) -> Vec<Named> {
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
            let unique = PolicyId::new(format!("policy#{number}#{}", policy.id()));
            let policy = policy.new_id(unique);
            all.push(Named { policy, file: file.name.clone(), text: text.clone() });
        }
    }
    all
}

fn find_id(text: &str, id: &str) -> Option<std::ops::Range<usize>> {
    if id.is_empty() {
        return None;
    }
    text.rfind(&format!("@id(\"{id}\")")).map(|at| at..at)
}

fn parse_errors_at(
    place: (&str, &str),
    errors: &cedar_policy::ParseErrors,
) -> impl Iterator<Item = LoadError> {
    errors.iter().map(move |error| {
        let span = error
            .labels()
            .and_then(|mut labels| labels.next())
            .map(|label| label.offset()..label.offset() + label.len());
        LoadError::at(place, span, "", LoadProblem::PolicyMalformed, error.to_string())
    })
}

fn whole_file(file: &str, problem: LoadProblem, error: &dyn std::fmt::Display) -> LoadError {
    LoadError::at((file, ""), None, "", problem, error.to_string())
}

/// The whole set, and for every agreement, requester and record type the permits that can apply beside all
/// base policies.
fn slice(
    base: &[Named],
    compiled: Vec<Compiled>,
    errors: &mut Vec<LoadError>,
) -> (PolicySet, PolicySet, HashMap<SliceKey, PolicySet>) {
    let mut ground = PolicySet::new();
    let mut add = |set: &mut PolicySet, policy: &Policy| {
        if let Err(error) = set.add(policy.clone()) {
            errors.push(whole_file("policy set", LoadProblem::PolicyInvalid, &error));
        }
    };
    for named in base {
        add(&mut ground, &named.policy);
    }
    let mut whole = ground.clone();
    let mut slices: HashMap<SliceKey, PolicySet> = HashMap::new();
    for Compiled { key, policy } in compiled {
        add(&mut whole, &policy);
        add(slices.entry(key).or_insert_with(|| ground.clone()), &policy);
    }
    (ground, whole, slices)
}

fn validate(schema: &Schema, whole: &PolicySet, base: &[Named], errors: &mut Vec<LoadError>) {
    let result = Validator::new(schema.clone()).validate(whole, ValidationMode::Strict);
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

fn hash(
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

/// Rules of a verdict, sorted and without repetition.
pub(super) fn merge(rules: impl IntoIterator<Item = Vec<RuleId>>) -> Vec<RuleId> {
    let all: BTreeSet<RuleId> = rules.into_iter().flatten().collect();
    all.into_iter().collect()
}
