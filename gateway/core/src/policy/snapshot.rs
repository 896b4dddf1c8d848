//! One immutable state of everything a decision depends on. A request is decided, planned and logged
//! against one snapshot; its hash names it in the log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy::{Policy, PolicySet, Schema, Validator};

use super::agreement::Agreement;
use super::cedar::{Action, Engine, Verdict};
use super::compile::{self, SliceKey};
use super::decide::Verdicts;
use super::hash::hash;
use super::load_error::{LoadError, LoadProblem};
use super::parse::{AgreementFile, Known};
use super::parts::{by_name, ground, part, read_agreements, speaks_of_fields};
use super::permit::PlanCache;
use super::policy_file::{
    BASE_POLICIES, BASE_SCHEMA, PolicyFile, Told, read_policies, told, validate, whole_file,
};
use super::registry::{Agency, Case, Registry};
use super::slice::Slice;
use super::standing::Standing;
use crate::handling::Environment;
use crate::id::{AgencyId, AgreementId, CaseId, Digest, Moment, RecordTypeName, RuleId};
use crate::label::{Leaf, RecordType};
use crate::redact::PseudonymScope;

/// Record types that agencies bring while the gateway runs, beside those of its configuration.
#[derive(Debug, Clone, Default)]
pub struct Brought {
    /// Those that are here. One that no agreement names changes nothing, not even the snapshot's hash.
    pub record_types: Vec<Arc<RecordType>>,
    /// Packages of which an agreement may name a type before it is here; until then nothing is permitted of it.
    pub packages: Vec<String>,
}

/// An agreement's text, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The text.
    pub file: AgreementFile,
    /// How it stands.
    pub standing: Standing,
}

impl From<AgreementFile> for Held {
    /// The operator's word.
    fn from(file: AgreementFile) -> Self {
        Self { file, standing: Standing::default() }
    }
}

/// Everything that a snapshot is compiled from.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Agencies and cases.
    pub registry: Registry,
    /// Record types of the gateway's configuration.
    pub record_types: Vec<Arc<RecordType>>,
    /// Record types that agencies bring.
    pub brought: Brought,
    /// Agreements, one version each.
    pub agreements: Vec<Held>,
    /// Policies beyond the base set.
    pub policies: Vec<PolicyFile>,
}

/// Registry, record types, agreements and policies, compiled.
pub struct Snapshot {
    registry: Registry,
    /// Positions of an agency's cases in the registry.
    cases_of: HashMap<AgencyId, Vec<usize>>,
    record_types: HashMap<RecordTypeName, Arc<RecordType>>,
    agreements: BTreeMap<AgreementId, Arc<Agreement>>,
    /// What each agreement was compiled to, for the next snapshot.
    pub(super) parts: BTreeMap<AgreementId, Arc<Part>>,
    /// Texts of the policies beyond the base set, and packages that are awaited.
    texts: (BTreeSet<String>, BTreeSet<String>),
    pub(super) engine: Arc<Engine>,
    pub(super) slices: HashMap<SliceKey, Arc<Slice>>,
    /// The policies that belong to every slice: what holds where no agreement permits anything.
    ground: PolicySet,
    /// See [`Self::minds_fields`].
    minds_fields: bool,
    /// What is told of the rules of policies.
    pub(super) told: BTreeMap<RuleId, Told>,
    pub(super) plans: PlanCache,
    pub(super) verdicts: Verdicts,
    hash: Digest,
}

/// Every policy of a snapshot in one set: what slices are held against.
pub struct Whole(pub(super) PolicySet);

impl Whole {
    /// How many policies there are.
    pub fn policies(&self) -> usize {
        self.0.policies().count()
    }
}

/// An agreement and what it was compiled to.
pub(super) struct Part {
    pub(super) held: Held,
    pub(super) agreement: Arc<Agreement>,
    pub(super) slices: Vec<(SliceKey, Arc<Slice>)>,
    /// All permits, uncut.
    pub(super) permits: PolicySet,
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
        Self::load_with(registry, record_types, Brought::default(), agreements, policies)
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
        let agreements = agreements.iter().cloned().map(Held::from).collect();
        let policies = policies.to_vec();
        let inputs = Inputs { registry, record_types, brought, agreements, policies };
        Self::build(inputs, None)
    }

    /// Compiles a snapshot, taking from an earlier one what its inputs leave as it was: the permits of
    /// agreements that stand as they stood, and the plans under them.
    ///
    /// # Errors
    /// Every problem found, in the order of the inputs.
    pub fn build(inputs: Inputs, before: Option<&Self>) -> Result<Arc<Self>, Vec<LoadError>> {
        Self::compile(inputs, before, |_| true)
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
        let inputs = Inputs {
            registry,
            record_types,
            brought: Brought::default(),
            agreements: agreements.iter().cloned().map(Held::from).collect(),
            policies: policies.to_vec(),
        };
        Self::compile(inputs, None, keep)
    }

    fn compile(
        inputs: Inputs,
        before: Option<&Self>,
        keep: impl Fn(&Policy) -> bool,
    ) -> Result<Arc<Self>, Vec<LoadError>> {
        let Inputs { registry, mut record_types, brought, agreements, policies } = inputs;
        let registry = registry.canonical();
        let mut errors = registry.check();
        let own: BTreeSet<RecordTypeName> =
            record_types.iter().map(|one| one.name().clone()).collect();
        record_types.extend(brought.record_types);
        let mut record_types = by_name(record_types, &mut errors);
        let texts = (
            policies.iter().map(|file| file.text.clone()).collect(),
            brought.packages.iter().cloned().collect(),
        );
        let known =
            Known { registry: &registry, record_types: &record_types, awaited: &brought.packages };
        // An unchanged text means the same only where everything that it speaks of is unchanged too.
        let before = before.filter(|before| {
            before.texts == texts
                && before.registry.agencies == registry.agencies
                && before.registry.environment == registry.environment
                && before.record_types.iter().all(|(name, one)| {
                    record_types.get(name).is_some_and(|other| other.hash() == one.hash())
                })
                && record_types
                    .iter()
                    .all(|(name, _)| before.record_types.contains_key(name) || !own.contains(name))
        });
        let (fresh, mut parts) = read_agreements(agreements, &known, before, &mut errors);
        let all =
            || fresh.iter().map(|(_, one)| one).chain(parts.values().map(|one| &one.agreement));
        let named: BTreeSet<&RecordTypeName> = all()
            .flat_map(|agreement| &agreement.flows)
            .flat_map(|flow| &flow.record_types)
            .collect();
        record_types.retain(|name, _| own.contains(name) || named.contains(name));
        let base = read_policies(&policies, &mut errors);
        let schema = match Schema::from_cedarschema_str(BASE_SCHEMA) {
            Ok((schema, _)) => schema,
            Err(error) => {
                errors.push(whole_file("schema.cedarschema", LoadProblem::PolicyMalformed, &error));
                return Err(errors);
            }
        };
        let validator = Validator::new(schema.clone());
        let ground = ground(&base, &mut errors);
        validate(&validator, &ground, &base, &mut errors);
        for (held, agreement) in fresh {
            match compile::agreement(&agreement, &record_types) {
                Ok(mut permits) => {
                    permits.retain(|compiled| keep(&compiled.policy));
                    let part =
                        part(held, agreement, permits, (&ground, &validator), &base, &mut errors);
                    parts.insert(part.agreement.id.clone(), Arc::new(part));
                }
                Err(error) => {
                    let name = agreement.id.to_string();
                    errors.push(whole_file(&name, LoadProblem::PolicyMalformed, &error));
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        // New types make new entities; agreements that were taken over name none of them.
        let engine = match before.filter(|before| before.record_types.len() == record_types.len()) {
            Some(before) => before.engine.clone(),
            None => Arc::new(Engine::new(schema, &registry, &record_types).map_err(|error| {
                vec![whole_file("schema.cedarschema", LoadProblem::PolicyInvalid, &error)]
            })?),
        };
        let agreements: BTreeMap<AgreementId, Arc<Agreement>> =
            parts.iter().map(|(id, part)| (id.clone(), part.agreement.clone())).collect();
        let hash = hash(&registry, &record_types, &agreements, &policies);
        let mut cases_of: HashMap<AgencyId, Vec<usize>> = HashMap::new();
        for (at, case) in registry.cases.iter().enumerate() {
            for member in &case.members {
                cases_of.entry(member.clone()).or_default().push(at);
            }
        }
        let slices = parts.values().flat_map(|part| part.slices.iter().cloned()).collect();
        let mut snapshot = Self {
            registry,
            cases_of,
            record_types,
            agreements,
            parts,
            texts,
            engine,
            slices,
            ground,
            minds_fields: policies
                .iter()
                .map(|file| file.text.as_str())
                .chain([BASE_POLICIES])
                .any(speaks_of_fields),
            told: told(&base),
            plans: PlanCache::default(),
            verdicts: Verdicts::default(),
            hash,
        };
        if let Some(before) = before {
            snapshot.take_over(before);
        }
        Ok(Arc::new(snapshot))
    }

    /// Takes plans and verdicts from an earlier snapshot of equal rules, where all that they stand on is the same.
    fn take_over(&mut self, before: &Self) {
        let same_part = |id: &AgreementId| match (self.parts.get(id), before.parts.get(id)) {
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            _ => false,
        };
        let same_cases = |agency: &AgencyId| self.cases_of(agency).eq(before.cases_of(agency));
        let plans = before.plans.carried(|key| {
            let own = key.case.as_ref();
            same_part(&key.slice.agreement)
                && same_cases(&key.slice.requester)
                && own.and_then(|id| self.case(id)) == own.and_then(|id| before.case(id))
        });
        let verdicts = before.verdicts.carried(|slice| same_part(&slice.agreement));
        (self.plans, self.verdicts) = (plans, verdicts);
    }

    /// Are agreements read and policies asked as in another snapshot?
    pub(super) fn same_rules(&self, other: &Self) -> bool {
        self.texts.0 == other.texts.0 && self.registry.environment == other.registry.environment
    }

    /// Does a policy beyond the base set tell fields of one record type apart otherwise than by their labels?
    pub(super) fn minds_fields(&self) -> bool {
        self.minds_fields
    }

    /// Does a policy beyond the base set speak of the requester's cases?
    pub(super) fn minds_memberships(&self) -> bool {
        self.texts.0.iter().any(|text| text.contains("memberships"))
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

    /// Within what the tokens of a requester's answers are equal. Ids hold neither `|` nor `:`, so two scopes never
    /// share a text.
    pub fn scope(
        &self,
        requester: &AgencyId,
        case: Option<&CaseId>,
        agreement: &AgreementId,
    ) -> PseudonymScope {
        let text = match case.map(|id| (id, self.case(id))) {
            Some((id, Some(case))) if case.operation_scope => format!("operation:{id}"),
            Some((id, _)) => format!("{requester}|case:{id}"),
            None => format!("{requester}|agreement:{agreement}"),
        };
        PseudonymScope(Arc::from(text))
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
        let flows = self
            .agreements()
            .filter(|one| one.in_force(now))
            .flat_map(|one| one.flows.iter().map(move |flow| (one, flow)));
        let holders: BTreeSet<&AgencyId> = flows
            .filter(|(_, flow)| flow.to.contains(requester))
            .filter(|(_, flow)| flow.record_types.contains(record_type))
            .filter(|(one, flow)| one.takes_part(requester, now) && one.takes_part(&flow.from, now))
            .map(|(_, flow)| &flow.from)
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

    /// Every policy at once, as they were before they were cut into slices; for [`Permit::plan_over`](super::Permit::plan_over).
    pub fn whole_set(&self) -> Whole {
        let mut whole = self.ground.clone();
        for policy in self.parts.values().flat_map(|part| part.permits.policies()) {
            let added = whole.add(policy.clone());
            debug_assert!(added.is_ok(), "its id is its own");
        }
        Whole(whole)
    }

    /// Asks the slice; without one there are prohibitions only, so nothing permits.
    pub(super) fn ask(
        &self,
        key: &SliceKey,
        action: Action,
        leaf: Option<&Leaf>,
        context: &cedar_policy::Context,
    ) -> Verdict {
        let slice = self.slices.get(key).map(|slice| slice.about(action));
        let policies = slice.as_deref().unwrap_or(&self.ground);
        self.engine.ask(policies, &key.requester, action, &key.record_type, leaf, context)
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({})", self.hash)
    }
}

/// Rules of a verdict, sorted and without repetition.
pub(super) fn merge(rules: impl IntoIterator<Item = Vec<RuleId>>) -> Vec<RuleId> {
    let all: BTreeSet<RuleId> = rules.into_iter().flatten().collect();
    all.into_iter().collect()
}
