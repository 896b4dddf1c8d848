//! One immutable state of everything a decision depends on. A request is decided, planned and logged
//! against one snapshot; its hash names it in the log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy::{Policy, PolicySet, Schema};

use super::agreement::Agreement;
use super::cedar::{Action, Engine, Verdict};
use super::compile::{self, Compiled, SliceKey};
use super::decide::Verdicts;
use super::hash::hash;
use super::load_error::{LoadError, LoadProblem};
use super::parse::{self, AgreementFile, Known};
use super::permit::PlanCache;
use super::policy_file::{BASE_SCHEMA, Named, PolicyFile, read_policies, validate, whole_file};
use super::registry::{Agency, Case, Registry};
use crate::handling::Environment;
use crate::id::{AgencyId, AgreementId, CaseId, Digest, Moment, RecordTypeName, RuleId};
use crate::label::{Leaf, RecordType};

/// Record types that agencies bring while the gateway runs, beside those of its configuration.
#[derive(Debug, Clone, Default)]
pub struct Brought {
    /// Those that are here. One that no agreement names changes nothing, not even the snapshot's hash.
    pub record_types: Vec<Arc<RecordType>>,
    /// Packages of which an agreement may name a type before it is here; until then nothing is permitted of it.
    pub packages: Vec<String>,
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
    pub(super) verdicts: Verdicts,
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
        let brought = Brought::default();
        Self::compile(registry, record_types, brought, agreements, policies, |_| true)
    }

    /// As [`Snapshot::load`], with the record types that agencies bring.
    ///
    /// # Errors
    /// Every problem found, in the order of the inputs.
    pub fn load_with(
        registry: Registry,
        record_types: Vec<Arc<RecordType>>,
        brought: Brought,
        agreements: &[AgreementFile],
        policies: &[PolicyFile],
    ) -> Result<Arc<Self>, Vec<LoadError>> {
        Self::compile(registry, record_types, brought, agreements, policies, |_| true)
    }

    /// As [`Snapshot::load`], with only those compiled permits that pass: the law that a removed permit
    /// raises nothing is tested through here.
    #[cfg(test)]
    pub(super) fn load_where(
        registry: Registry,
        record_types: Vec<Arc<RecordType>>,
        agreements: &[AgreementFile],
        policies: &[PolicyFile],
        keep: impl Fn(&Policy) -> bool,
    ) -> Result<Arc<Self>, Vec<LoadError>> {
        Self::compile(registry, record_types, Brought::default(), agreements, policies, keep)
    }

    fn compile(
        registry: Registry,
        mut record_types: Vec<Arc<RecordType>>,
        brought: Brought,
        agreements: &[AgreementFile],
        policies: &[PolicyFile],
        keep: impl Fn(&Policy) -> bool,
    ) -> Result<Arc<Self>, Vec<LoadError>> {
        let registry = registry.canonical();
        let mut errors = registry.check();
        let own: BTreeSet<RecordTypeName> =
            record_types.iter().map(|one| one.name().clone()).collect();
        record_types.extend(brought.record_types);
        let mut record_types = by_name(record_types, &mut errors);
        let known =
            Known { registry: &registry, record_types: &record_types, awaited: &brought.packages };
        let agreements = read_agreements(agreements, &known, &mut errors);
        let named: BTreeSet<&RecordTypeName> = agreements
            .values()
            .flat_map(|agreement| &agreement.flows)
            .flat_map(|flow| &flow.record_types)
            .collect();
        record_types.retain(|name, _| own.contains(name) || named.contains(name));
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
            verdicts: Verdicts::default(),
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

    /// Does an agreement name it, whether it is here or awaited?
    pub fn speaks_of(&self, record_type: &RecordTypeName) -> bool {
        let mut flows = self.agreements().flat_map(|agreement| &agreement.flows);
        flows.any(|flow| flow.record_types.contains(record_type))
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

/// Rules of a verdict, sorted and without repetition.
pub(super) fn merge(rules: impl IntoIterator<Item = Vec<RuleId>>) -> Vec<RuleId> {
    let all: BTreeSet<RuleId> = rules.into_iter().flatten().collect();
    all.into_iter().collect()
}
