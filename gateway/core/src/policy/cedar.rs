//! The door to Cedar: entities, actions, requests, and a verdict in which any evaluation error is a
//! failure. Nothing here knows agreements or plans.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, PolicyId, PolicySet, Request, RestrictedExpression, Schema,
};

use super::registry::{Agency, Registry};
use crate::handling::{Environment, HandlingClass};
use crate::id::{AgencyId, AgreementId, CaseId, RecordTypeName, RuleId};
use crate::label::{Leaf, RecordType};
use crate::policy::Purpose;
use crate::redact::{Level, Treatment};

/// What is asked of Cedar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Action {
    /// May this agency ask that one for this record type?
    Query,
    /// May records of this class go to it?
    Release,
    /// May it see a field so?
    Treat(Treatment),
    /// May it name a field in a filter that it does not see clearly?
    Match,
}

impl Action {
    /// Every way to show something of a field.
    pub(super) fn treatments() -> Vec<Self> {
        let levels = Level::ALL.iter().map(|level| Treatment::Generalise(*level));
        let others =
            [Treatment::Clear, Treatment::Mask, Treatment::Pseudonymise, Treatment::Presence];
        others.into_iter().chain(levels).map(Self::Treat).collect()
    }

    /// Every action that is no group.
    pub(super) fn every() -> Vec<Self> {
        let others = [Self::Query, Self::Release, Self::Match];
        others.into_iter().chain(Self::treatments()).collect()
    }

    /// Its name in the schema.
    pub(super) fn name(self) -> String {
        match self {
            Self::Query => "query".to_owned(),
            Self::Release => "release".to_owned(),
            Self::Match => "match".to_owned(),
            Self::Treat(Treatment::Generalise(level)) => format!("generalise_{}", level.word()),
            Self::Treat(treatment) => treatment.to_string(),
        }
    }
}

/// What Cedar says. Rules are sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// By these permits.
    Permitted(Vec<RuleId>),
    /// By these prohibitions, or because nothing permits it (then none).
    Refused(Vec<RuleId>),
    /// These rules could not be evaluated, so nothing is permitted.
    Failed(Vec<RuleId>),
}

/// The circumstances of a question, the same for every field of a plan.
pub(super) struct Situation<'a> {
    pub(super) agreement: &'a AgreementId,
    pub(super) source: &'a AgencyId,
    pub(super) purpose: Purpose,
    pub(super) case: Option<&'a CaseId>,
    /// Cases open to the requester at this moment.
    pub(super) memberships: &'a [CaseId],
    /// The requester's agency vouches for the officer who asks.
    pub(super) officer_proven: bool,
    pub(super) environment: Environment,
    /// The class of records, where there are records already.
    pub(super) handling: Option<&'a HandlingClass>,
    /// The originator has granted the field of this record that is asked about. Only where there is handling.
    pub(super) granted: bool,
}

/// Something does not fit the schema or Cedar's grammar of names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct CedarError(pub(super) String);

/// Schema and entities of one snapshot.
pub(super) struct Engine {
    schema: Schema,
    entities: Entities,
    authorizer: Authorizer,
    types: Types,
}

/// Names of entity types, parsed once.
struct Types {
    action: EntityTypeName,
    agency: EntityTypeName,
    record_type: EntityTypeName,
    field: EntityTypeName,
}

impl Engine {
    /// Builds entities for all agencies and fields, and checks them against the schema.
    pub(super) fn new(
        schema: Schema,
        registry: &Registry,
        record_types: &HashMap<RecordTypeName, Arc<RecordType>>,
    ) -> Result<Self, CedarError> {
        let name = |text: &str| text.parse::<EntityTypeName>().map_err(cedar);
        let types = Types {
            action: name("Action")?,
            agency: name("Agency")?,
            record_type: name("RecordType")?,
            field: name("Field")?,
        };
        let mut entities = vec![];
        for agency in &registry.agencies {
            entities.push(types.agency_entity(agency)?);
        }
        for record_type in record_types.values() {
            entities.push(Entity::new_no_attrs(types.type_uid(record_type.name()), HashSet::new()));
            for leaf in record_type.leaves() {
                entities.push(types.field_entity(record_type, leaf)?);
            }
        }
        let entities = Entities::from_entities(entities, Some(&schema)).map_err(cedar)?;
        Ok(Self { schema, entities, authorizer: Authorizer::new(), types })
    }

    /// The context of a situation: built once, used for many questions.
    pub(super) fn context(&self, situation: &Situation) -> Result<Context, CedarError> {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let texts = |texts: &mut dyn Iterator<Item = &str>| {
            RestrictedExpression::new_set(texts.map(text).collect::<Vec<_>>())
        };
        let agency =
            |id: &AgencyId| RestrictedExpression::new_entity_uid(self.types.agency_uid(id));
        let mut pairs = vec![
            ("agreement".to_owned(), text(situation.agreement.as_str())),
            ("source".to_owned(), agency(situation.source)),
            ("purpose".to_owned(), text(situation.purpose.word())),
            (
                "memberships".to_owned(),
                texts(&mut situation.memberships.iter().map(CaseId::as_str)),
            ),
            ("officer_proven".to_owned(), RestrictedExpression::new_bool(situation.officer_proven)),
            ("environment".to_owned(), text(situation.environment.word())),
        ];
        if let Some(case) = situation.case {
            pairs.push(("case".to_owned(), text(case.as_str())));
        }
        if let Some(class) = situation.handling {
            let releasable: Vec<_> = class.releasable_to.iter().map(agency).collect();
            let handling = RestrictedExpression::new_record([
                ("releasable_to".to_owned(), RestrictedExpression::new_set(releasable)),
                (
                    "compartments".to_owned(),
                    texts(&mut class.compartments.iter().map(CaseId::as_str)),
                ),
                (
                    "permitted_use".to_owned(),
                    texts(&mut class.permitted_use.iter().map(|purpose| purpose.word())),
                ),
                ("tlp".to_owned(), text(class.tlp.map_or("", |tlp| tlp.word()))),
                ("handling_code".to_owned(), text(&class.handling_code)),
                ("environment".to_owned(), text(class.environment.word())),
            ])
            .map_err(cedar)?;
            pairs.push(("handling".to_owned(), handling));
            let granted = RestrictedExpression::new_bool(situation.granted);
            pairs.push(("granted".to_owned(), granted));
        }
        Context::from_pairs(pairs).map_err(cedar)
    }

    /// Asks about a record type (query, release) or, with a leaf, about a field.
    pub(super) fn ask(
        &self,
        policies: &PolicySet,
        requester: &AgencyId,
        action: Action,
        record_type: &RecordTypeName,
        leaf: Option<&Leaf>,
        context: &Context,
    ) -> Verdict {
        let action = self.types.uid(&self.types.action, &action.name());
        let resource = leaf.map_or_else(
            || self.types.type_uid(record_type),
            |leaf| self.types.field_uid(record_type, leaf),
        );
        // A field is asked about in the context of a release that was asked about before: it fits the schema, and to
        // check it again for every field would take most of a plan's time. Actions and resources are our own.
        let schema = leaf.is_none().then_some(&self.schema);
        let Ok(request) = Request::new(
            self.types.agency_uid(requester),
            action,
            resource,
            context.clone(),
            schema,
        ) else {
            return Verdict::Failed(vec![RuleId::new("default:request-does-not-fit-schema")]);
        };
        let response = self.authorizer.is_authorized(&request, policies, &self.entities);
        let name = |id: &cedar_policy::PolicyId| rule_of(id);
        let failed: BTreeSet<RuleId> = response
            .diagnostics()
            .errors()
            .map(|AuthorizationError::PolicyEvaluationError(error)| name(error.policy_id()))
            .collect();
        if !failed.is_empty() {
            return Verdict::Failed(failed.into_iter().collect());
        }
        let rules: BTreeSet<RuleId> = response.diagnostics().reason().map(name).collect();
        let rules = rules.into_iter().collect();
        match response.decision() {
            Decision::Allow => Verdict::Permitted(rules),
            Decision::Deny => Verdict::Refused(rules),
        }
    }
}

impl Types {
    fn uid(&self, kind: &EntityTypeName, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
    }

    fn agency_uid(&self, id: &AgencyId) -> EntityUid {
        self.uid(&self.agency, id.as_str())
    }

    fn type_uid(&self, name: &RecordTypeName) -> EntityUid {
        self.uid(&self.record_type, name.as_str())
    }

    /// `/` stands in no type name and no path, so two fields never share an id.
    fn field_uid(&self, name: &RecordTypeName, leaf: &Leaf) -> EntityUid {
        self.uid(&self.field, &format!("{name}/{}", leaf.path))
    }

    fn agency_entity(&self, agency: &Agency) -> Result<Entity, CedarError> {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let attributes = HashMap::from([
            ("country".to_owned(), text(&agency.country)),
            ("kind".to_owned(), text(&agency.kind)),
            (
                "max_sensitivity".to_owned(),
                RestrictedExpression::new_long(agency.max_sensitivity as i64),
            ),
        ]);
        Entity::new(self.agency_uid(&agency.id), attributes, HashSet::new()).map_err(cedar)
    }

    fn field_entity(&self, record_type: &RecordType, leaf: &Leaf) -> Result<Entity, CedarError> {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let attributes = HashMap::from([
            ("path".to_owned(), text(&leaf.path)),
            ("category".to_owned(), text(leaf.label.category.word())),
            ("semantic".to_owned(), text(leaf.label.semantic.word())),
            (
                "sensitivity".to_owned(),
                RestrictedExpression::new_long(leaf.label.sensitivity as i64),
            ),
        ]);
        let above = HashSet::from([self.type_uid(record_type.name())]);
        Entity::new(self.field_uid(record_type.name(), leaf), attributes, above).map_err(cedar)
    }
}

/// The id of a rule's policy: the rule and, behind it, what makes it the only one. Its `@id` says the same, but is
/// parsed anew each time it is asked for.
pub(super) fn policy_id(rule: &str, apart: impl std::fmt::Display) -> PolicyId {
    PolicyId::new(format!("{rule}#{apart}"))
}

/// The rule of a policy.
fn rule_of(id: &PolicyId) -> RuleId {
    let text: &str = id.as_ref();
    RuleId::new(text.rsplit_once('#').map_or("default:unnamed", |(rule, _)| rule))
}

fn cedar(error: impl std::fmt::Display) -> CedarError {
    CedarError(error.to_string())
}
