//! Exchanges, questions and answers as JSON lines; `tests/decider/README.md` says what they hold.

use portcullis_core::handling::HandlingClass;
use portcullis_core::id::{AgencyId, Moment};
use portcullis_core::label::{LeafKind, RecordType, Target};
use portcullis_core::policy::{DenialReason, Phase, Reservation, Standing, Take};
use portcullis_core::redact::{FieldPlan, Plan, Reason};
use serde_json::{Value, json};

use super::ask::{Answer, Question};
use super::types::Pool;
use super::{AWAITED, Agreement, POLICIES, World};

pub(super) fn world(world: &World, pool: &Pool) -> String {
    let agencies = world.registry.agencies.iter().map(|agency| {
        let systems: Vec<&str> = agency.systems.iter().map(|one| one.as_str()).collect();
        json!({
            "id": agency.id.as_str(), "country": agency.country, "systems": systems,
            "max_sensitivity": agency.max_sensitivity.word(),
        })
    });
    let cases = world.registry.cases.iter().zip(&world.templates).map(|(case, lines)| {
        json!({
            "id": case.id.as_str(), "members": ids(&case.members), "opens": case.opens.0,
            "closes": case.closes.map(|at| at.0), "operation": case.operation_scope, "template": lines,
        })
    });
    let policies: Vec<&str> = world.policies.iter().map(|at| POLICIES[*at]).collect();
    let all = json!({
        "environment": world.registry.environment.word(),
        "agencies": agencies.collect::<Vec<Value>>(),
        "cases": cases.collect::<Vec<Value>>(),
        "record_types": world.types.iter().map(|one| record_type(one, pool)).collect::<Vec<Value>>(),
        "awaited": [AWAITED.0],
        "agreements": world.agreements.iter().map(agreement).collect::<Vec<Value>>(),
        "policies": policies,
    });
    json!({ "exchange": all }).to_string()
}

fn ids(agencies: &[AgencyId]) -> Vec<&str> {
    agencies.iter().map(AgencyId::as_str).collect()
}

pub(super) fn record_type(record_type: &RecordType, pool: &Pool) -> Value {
    let fields = record_type.leaves().iter().map(|leaf| {
        json!({
            "path": leaf.path, "category": leaf.label.category.word(),
            "sensitivity": leaf.label.sensitivity.word(), "semantic": leaf.label.semantic.word(),
            "text": leaf.kind == LeafKind::String,
        })
    });
    // Paths of the leaves below the members, for every oneof.
    let mut oneofs: Vec<Vec<String>> = vec![];
    for node in record_type.nodes() {
        let of = |oneof: u16| {
            let members = node.fields.iter().filter(move |field| field.oneof == Some(oneof));
            members.flat_map(|field| below(record_type, field.target)).collect::<Vec<String>>()
        };
        oneofs.extend((0..16).map(of).filter(|paths| !paths.is_empty()));
    }
    json!({
        "name": record_type.name().as_str(), "schema": hex::encode(record_type.hash().0),
        "fields": fields.collect::<Vec<Value>>(), "oneofs": oneofs, "proto": pool.text(record_type),
    })
}

fn below(record_type: &RecordType, target: Target) -> Vec<String> {
    match target {
        Target::Leaf(leaf) | Target::Whole(leaf, _) => {
            vec![record_type.leaf(leaf).unwrap().path.clone()]
        }
        Target::Node(node) => {
            let fields = &record_type.node(node).unwrap().fields;
            fields.iter().flat_map(|field| below(record_type, field.target)).collect()
        }
    }
}

fn agreement(agreement: &Agreement) -> Value {
    let Standing { phase, ends, joined, left, reservations, signed_for } = &agreement.standing;
    let phase = match phase {
        Phase::InForce => "in force",
        Phase::AwaitsSignatures(_) => "awaits signatures",
        Phase::Suspended(_) => "suspended",
        Phase::SchemaChanged(_) => "schema changed",
    };
    let left: serde_json::Map<String, Value> =
        left.iter().map(|(who, at)| (who.to_string(), at.0.into())).collect();
    let signed_for = signed_for.as_ref().map(|all| {
        let hash = |(name, hash): (&_, &portcullis_core::id::Digest)| {
            let name: &portcullis_core::id::RecordTypeName = name;
            (name.to_string(), Value::from(hex::encode(hash.0)))
        };
        all.iter().map(hash).collect::<serde_json::Map<String, Value>>()
    });
    json!({
        "text": agreement.text, "phase": phase, "ends": ends.map(|at| at.0),
        "joined": joined.iter().map(AgencyId::as_str).collect::<Vec<&str>>(), "left": left,
        "reservations": reservations.iter().map(reservation).collect::<Vec<Value>>(),
        "signed_for": signed_for,
    })
}

fn reservation(reservation: &Reservation) -> Value {
    let takes = match &reservation.takes {
        Take::Purpose(purpose) => json!(["purpose", purpose.word()]),
        Take::RecordType(name) => json!(["record_type", name.as_str()]),
        Take::Field { path, at_most } => json!(["field", path, at_most.to_string()]),
        Take::Match(path) => json!(["match", path]),
    };
    json!({ "agency": reservation.agency.as_str(), "flow": reservation.flow, "takes": takes })
}

pub(super) fn question(question: &Question, answer: &Answer) -> Value {
    let request = &question.request;
    let ask = json!({
        "requester": request.requester.as_str(), "system": request.system.as_str(),
        "officer": request.officer.is_some(), "purpose": request.purpose.word(),
        "case": request.case.as_ref().map(|one| one.as_str()),
        "agreement": request.agreement.as_ref().map(|one| one.as_str()),
        "record_type": request.record_type.as_str(), "sources": ids(&request.sources),
        "now": question.now.0,
    });
    let records = question.records.iter().map(|(class, at)| records(class, *at));
    let (answer, plans) = match answer {
        Answer::Denied(denial) => {
            let by_rule = matches!(
                denial.reason,
                DenialReason::ForbiddenByPolicy | DenialReason::PolicyEvaluationFailed
            );
            let rules = if by_rule { rules(&denial.rules) } else { vec![] };
            (json!({ "denied": denial.reason.word(), "rules": rules }), vec![])
        }
        Answer::Permitted(permit, plans) => {
            let uses: Vec<&str> = permit.permitted_use().iter().map(|one| one.word()).collect();
            let answer = json!({
                "agreement": permit.agreement_id().as_str(), "sources": ids(permit.sources()),
                "permitted_use": uses, "delete_by": permit.delete_by(question.now).0,
                "valid_until": permit.valid_until().0, "scope": &*permit.scope().0,
            });
            let plans = plans.iter().map(|outcome| match outcome {
                Err(dropped) => {
                    json!({ "dropped": dropped.reason.word(), "rules": rules(&dropped.rules) })
                }
                Ok(plan) => shown(plan),
            });
            (answer, plans.collect())
        }
    };
    let records: Vec<Value> = records.collect();
    json!({ "ask": ask, "records": records, "answer": answer, "plans": plans })
}

fn rules(rules: &[portcullis_core::id::RuleId]) -> Vec<&str> {
    rules.iter().map(|one| one.as_str()).collect()
}

fn records(class: &HandlingClass, at: Moment) -> Value {
    let uses: Vec<&str> = class.permitted_use.iter().map(|one| one.word()).collect();
    let compartments: Vec<&str> = class.compartments.iter().map(|one| one.as_str()).collect();
    json!({
        "at": at.0, "originator": class.originator.as_str(),
        "releasable_to": ids(&class.releasable_to), "compartments": compartments,
        "permitted_use": uses, "handling_code": &*class.handling_code,
        "environment": class.environment.word(),
    })
}

/// A treatment for each field, with `+` where a filter may name it, `?` where that costs a match probe, and `*` where an
/// officer's token is said to give more.
fn shown(plan: &Plan) -> Value {
    let mark = |field: &FieldPlan| match (field.usable, field.probe) {
        (false, false) => "",
        (true, false) => "+",
        (true, true) => "?",
        (false, true) => "!",
    };
    let fields: Vec<String> = plan
        .fields()
        .iter()
        .map(|field| {
            let officer = if field.reason == Reason::OfficerNotProven { "*" } else { "" };
            format!("{}{}{officer}", field.treatment, mark(field))
        })
        .collect();
    json!({ "valid_until": plan.valid_until().map(|at| at.0), "fields": fields })
}
