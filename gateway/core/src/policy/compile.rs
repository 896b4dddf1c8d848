//! From an agreement to Cedar: a permit per flow and recipient for `query` and `release`, a permit per rung
//! of a ladder for its treatment, a permit for `match`, a permit for what the originator grants. Written as Cedar's JSON, so that no text of an
//! agreement is ever parsed as policy.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cedar_policy::Policy;
use serde_json::{Value, json};

use super::agreement::{Agreement, Flow};
use super::cedar::{Action, CedarError, policy_id};
use super::ladder;
use crate::id::{AgencyId, AgreementId, RecordTypeName};
use crate::label::RecordType;
use crate::policy::Purpose;
use crate::redact::Treatment;

/// What one permit can apply to: the key of a slice.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SliceKey {
    pub(super) agreement: AgreementId,
    pub(super) requester: AgencyId,
    pub(super) record_type: RecordTypeName,
}

/// A permit and the only slice it can apply to.
pub(super) struct Compiled {
    pub(super) key: SliceKey,
    pub(super) policy: Policy,
}

/// All permits of an agreement.
pub(super) fn agreement(
    agreement: &Agreement,
    record_types: &HashMap<RecordTypeName, Arc<RecordType>>,
) -> Result<Vec<Compiled>, CedarError> {
    let mut out = Output { agreement, compiled: vec![] };
    for flow in &agreement.flows {
        for record_type in flow.record_types.iter().filter_map(|name| record_types.get(name)) {
            for to in &flow.to {
                out.flow(flow, to, record_type)?;
            }
        }
    }
    Ok(out.compiled)
}

struct Output<'a> {
    agreement: &'a Agreement,
    compiled: Vec<Compiled>,
}

impl Output<'_> {
    fn flow(
        &mut self,
        flow: &Flow,
        to: &AgencyId,
        record_type: &RecordType,
    ) -> Result<(), CedarError> {
        let name = record_type.name();
        let on_type = json!({"op": "==", "entity": entity("RecordType", name.as_str())});
        let actions = [Action::Query, Action::Release];
        let rule = flow.rule.as_str();
        self.permit(rule, flow, to, name, &actions, on_type, vec![purposes(&flow.purposes)])?;

        let on_field = json!({"op": "in", "entity": entity("RecordType", name.as_str())});
        for ((ladder, paths), words) in rungs(flow, record_type) {
            let Some(ladder) = flow.ladders.get(ladder) else { continue };
            let rungs = ladder.rungs.iter().enumerate();
            for (at, rung) in rungs.filter(|(_, rung)| **rung != Treatment::Withhold) {
                let mut when = vec![purposes(&words), contains(&paths, field("resource", "path"))];
                if at < ladder.officer_rungs {
                    when.push(field("context", "officer_proven"));
                }
                let actions = [Action::Treat(*rung)];
                let rule = ladder.rule.as_str();
                self.permit(rule, flow, to, name, &actions, on_field.clone(), when)?;
            }
        }
        let matchable: Vec<String> = flow
            .matchable
            .iter()
            .filter(|path| record_type.leaf_by_path(path).is_some())
            .cloned()
            .collect();
        if !matchable.is_empty() {
            let when =
                vec![purposes(&flow.purposes), contains(&matchable, field("resource", "path"))];
            let rule = format!("{rule}/matchable");
            self.permit(&rule, flow, to, name, &[Action::Match], on_field.clone(), when)?;
        }
        if flow.release.is_some() {
            let when = vec![purposes(&flow.purposes), field("context", "granted")];
            let rule = format!("{rule}/release");
            self.permit(&rule, flow, to, name, &Action::treatments(), on_field, when)?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one Cedar policy")]
    fn permit(
        &mut self,
        rule: &str,
        flow: &Flow,
        to: &AgencyId,
        record_type: &RecordTypeName,
        actions: &[Action],
        resource: Value,
        mut when: Vec<Value>,
    ) -> Result<(), CedarError> {
        let id = self.agreement.id.as_str();
        when.insert(0, equals(field("context", "agreement"), json!({"Value": id})));
        let from = json!({"Value": {"__entity": entity("Agency", flow.from.as_str())}});
        when.insert(1, equals(field("context", "source"), from));
        if flow.case_required {
            when.push(json!({"has": {"left": {"Var": "context"}, "attr": "case"}}));
        }
        if flow.officer_required {
            when.push(field("context", "officer_proven"));
        }
        if !flow.cases.is_empty() {
            let cases: Vec<String> = flow.cases.iter().map(ToString::to_string).collect();
            when.push(contains(&cases, field("context", "case")));
        }
        let conditions: Vec<Value> =
            when.into_iter().map(|body| json!({"kind": "when", "body": body})).collect();
        let actions: Vec<Value> =
            actions.iter().map(|action| entity("Action", &action.name())).collect();
        let json = json!({
            "effect": "permit",
            "principal": {"op": "==", "entity": entity("Agency", to.as_str())},
            "action": {"op": "in", "entities": actions},
            "resource": resource,
            "conditions": conditions,
            "annotations": {"id": rule},
        });
        let unique = policy_id(rule, self.compiled.len());
        let policy = Policy::from_json(Some(unique), json)
            .map_err(|error| CedarError(format!("{rule}: {error}")))?;
        let key = SliceKey {
            agreement: self.agreement.id.clone(),
            requester: to.clone(),
            record_type: record_type.clone(),
        };
        self.compiled.push(Compiled { key, policy });
        Ok(())
    }
}

/// Fields that a ladder holds for, and the purposes for which it does.
type Rungs = BTreeMap<(usize, Vec<String>), Vec<Purpose>>;

fn rungs(flow: &Flow, record_type: &RecordType) -> Rungs {
    let mut all = Rungs::new();
    for purpose in &flow.purposes {
        let mut paths: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let (ladders, _) = ladder::resolve(flow, record_type, *purpose);
        for (leaf, number) in record_type.leaves().iter().zip(ladders) {
            if let Some(number) = number {
                paths.entry(number).or_default().push(leaf.path.clone());
            }
        }
        for (number, paths) in paths {
            all.entry((number, paths)).or_default().push(*purpose);
        }
    }
    all
}

fn entity(kind: &str, id: &str) -> Value {
    json!({"type": kind, "id": id})
}

fn field(of: &str, attribute: &str) -> Value {
    json!({".": {"left": {"Var": of}, "attr": attribute}})
}

fn equals(left: Value, right: Value) -> Value {
    json!({"==": {"left": left, "right": right}})
}

/// Is it one of these? A set is made anew each time it is looked at, which costs more than comparing a few dozen
/// texts; the comparisons are halved again and again, so that none lies deep.
fn contains(texts: &[String], item: Value) -> Value {
    match texts {
        [one] => equals(item, json!({"Value": one})),
        few if (1..=COMPARED).contains(&few.len()) => {
            let (left, right) = few.split_at(few.len() / 2);
            let (left, right) = (contains(left, item.clone()), contains(right, item));
            json!({"||": {"left": left, "right": right}})
        }
        many => {
            let set: Vec<Value> = many.iter().map(|text| json!({"Value": text})).collect();
            json!({"contains": {"left": {"Set": set}, "right": item}})
        }
    }
}

/// Most texts that are compared one by one.
const COMPARED: usize = 48;

fn purposes(purposes: &[Purpose]) -> Value {
    let words: Vec<String> = purposes.iter().map(|purpose| purpose.word().to_owned()).collect();
    contains(&words, field("context", "purpose"))
}
