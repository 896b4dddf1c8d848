//! What goes: the broker's replies and explanations as the contract's messages.

use bytes::Bytes;
use portcullis_core::handling::HandlingClass;
use portcullis_core::id::Digest;
use portcullis_core::policy::Purpose;
use portcullis_core::redact::{Plan, Treatment, presence_bits};
use portcullis_proto::audit::v1 as audit;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_response::Message;

use super::outgoing::{Batch, Outgoing, PlanMessages};
use crate::audit::LogProof;
use crate::broker::{Completeness, Explanation, Header, Reply};

pub(super) fn encode_header(header: Header) -> wire::Header {
    wire::Header {
        exchange_id: header.exchange.to_string(),
        query_digest: bytes_of(header.query_digest),
        agreement_id: header.agreement.to_string(),
        agreement_version: header.agreement_version,
        policy_hash: bytes_of(header.policy_hash),
        permitted_use: words(&header.permitted_use),
        delete_by: header.delete_by.map(|at| at.to_proto()),
        sources: header.sources.iter().map(ToString::to_string).collect(),
        environment: header.environment as i32,
        intent_leaf_hash: bytes_of(header.intent_leaf_hash),
    }
}

fn words(purposes: &[Purpose]) -> Vec<String> {
    purposes.iter().map(|purpose| purpose.word().to_owned()).collect()
}

fn bytes_of(digest: Digest) -> Bytes {
    Bytes::copy_from_slice(&digest.0)
}

pub(super) fn encode(reply: Reply, plans: &PlanMessages) -> Outgoing {
    let message = match reply {
        Reply::Plan { index, plan, class } => {
            let write = || Message::Plan(encode_plan(index, &plan, &class));
            return plans.get(index, &plan, &class, write);
        }
        Reply::Batch { sealed, plans, permitted_use, resume } => {
            return Outgoing::Batch(Batch { sealed, plans, permitted_use, resume });
        }
        Reply::Source(end) => {
            let (completeness, reason) = match end.completeness {
                Completeness::Complete => (wire::Completeness::Complete, ""),
                Completeness::Limited(cut) => (wire::Completeness::Limited, cut.word()),
                Completeness::Incomplete(failure) => {
                    (wire::Completeness::Incomplete, failure.word())
                }
                Completeness::NotAsked => (wire::Completeness::NotAsked, ""),
            };
            Message::SourceStatus(wire::SourceStatus {
                agency: end.agency.to_string(),
                completeness: completeness.into(),
                reason: reason.to_owned(),
                records_released: end.released,
                data_as_of: end.data_as_of.map(|at| at.to_proto()),
            })
        }
        Reply::Receipt(receipt) => Message::Receipt(wire::Receipt {
            exchange_id: receipt.exchange.to_string(),
            query_digest: bytes_of(receipt.query_digest),
            records_released: receipt.released,
            cut_reason: receipt.cut.map_or("", |cut| cut.word()).to_owned(),
            proof: Some(encode_proof(receipt.proof)),
        }),
    };
    message.into()
}

/// A proof as the contract writes it.
pub(super) fn encode_proof(proof: LogProof) -> audit::LogProof {
    audit::LogProof {
        index: proof.index,
        leaf: proof.leaf.into(),
        path: proof.path.into_iter().map(bytes_of).collect(),
        checkpoint: proof.checkpoint,
    }
}

/// A treatment as the contract writes it, and its level.
pub(crate) fn treatment_to_wire(treatment: Treatment) -> (wire::Treatment, &'static str) {
    match treatment {
        Treatment::Clear => (wire::Treatment::Clear, ""),
        Treatment::Generalise(level) => (wire::Treatment::Generalise, level.word()),
        Treatment::Mask => (wire::Treatment::Mask, ""),
        Treatment::Pseudonymise => (wire::Treatment::Pseudonymise, ""),
        Treatment::Presence => (wire::Treatment::Presence, ""),
        Treatment::Withhold => (wire::Treatment::Withhold, ""),
    }
}

fn encode_plan(index: u32, plan: &Plan, class: &HandlingClass) -> wire::Plan {
    let bits: std::collections::HashMap<_, _> = presence_bits(plan).into_iter().collect();
    let fields = plan
        .record_type()
        .leaves()
        .iter()
        .zip(plan.fields())
        .map(|(leaf, field)| {
            let (treatment, level) = treatment_to_wire(field.treatment);
            wire::FieldPlan {
                path: leaf.path.clone(),
                treatment: treatment.into(),
                level: level.to_owned(),
                rule: field.rule.to_string(),
                reason: field.reason.word().to_owned(),
                ask: field.ask.as_ref().map(ToString::to_string).unwrap_or_default(),
                usable_in_filter: field.usable,
                presence_bit: bits.get(&leaf.id).map_or(0, |bit| bit + 1),
            }
        })
        .collect();
    wire::Plan {
        index,
        record_type: plan.record_type().name().to_string(),
        originator: plan.originator().to_string(),
        plan_hash: bytes_of(plan.hash()),
        fields,
        valid_until: plan.valid_until().map(|at| at.to_proto()),
        pseudonym_scope: plan.scope().0.to_string(),
        releasable_to: class.releasable_to.iter().map(ToString::to_string).collect(),
        tlp: class.tlp.map_or(0, |tlp| tlp as i32),
        handling_code: class.handling_code.to_string(),
    }
}

pub(super) fn explained(explanation: Explanation, digest: [u8; 32]) -> wire::ExplainResponse {
    let when = explanation.decision.as_ref().err().and_then(|denial| denial.when);
    let (allowed, reason, text, remedy, agreement_id) = match explanation.decision {
        Ok(agreement) => (true, "", String::new(), String::new(), agreement.to_string()),
        Err(denial) => {
            (false, denial.reason.word(), denial.explanation, denial.remedy, String::new())
        }
    };
    let plans = explanation
        .plans
        .iter()
        .zip(0..)
        .map(|((agency, plan), index)| {
            let environment = portcullis_core::handling::Environment::Exercise;
            // Ordinary handling: nothing of the class is shown but what the plan says itself.
            encode_plan(index, plan, &HandlingClass::ordinary(agency.clone(), environment))
        })
        .collect();
    wire::ExplainResponse {
        allowed,
        reason: reason.to_owned(),
        explanation: text,
        remedy,
        agreement_id,
        query_digest: Bytes::copy_from_slice(&digest),
        plans,
        budgets: explanation
            .budgets
            .into_iter()
            .map(|budget| wire::BudgetStatus {
                name: budget.name.to_owned(),
                limit: budget.limit,
                used: budget.used,
                refills_at: budget.refills_at.map(|at| at.to_proto()),
            })
            .collect(),
        rules: explanation.rules.iter().map(ToString::to_string).collect(),
        rule_texts: explanation
            .why
            .into_iter()
            .map(|text| wire::RuleText {
                rule: text.rule.to_string(),
                reason: text.reason.to_owned(),
                because: text.because,
                remedy: text.remedy,
            })
            .collect(),
        when: when.map(|at| at.to_proto()),
    }
}
