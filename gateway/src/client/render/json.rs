//! An answer as one JSON document, nothing left out: digests in hexadecimal, proofs in base64, 64-bit numbers
//! of records as text (as protobuf's JSON has it).

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_proto::query::v1 as wire;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::{Map, Value, json};

use super::cell::is_present;
use super::{completeness, environment, is_visible, time, treatment};
use crate::client::Answer;
use crate::client::answer::Record;

/// Writes the document.
///
/// # Errors
/// What `out` reports.
pub fn write(answer: &Answer, out: &mut dyn Write) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &document(answer))?;
    writeln!(out)?;
    Ok(())
}

/// The document.
pub fn document(answer: &Answer) -> Value {
    json!({
        "record_type": answer.record_type.name().as_str(),
        "complete": answer.is_complete(),
        "failure": answer.failure.as_ref().map(crate::client::Refused::to_json),
        "header": answer.header.as_ref().map(header),
        "plans": answer.plans.iter().map(plan).collect::<Vec<_>>(),
        "records": answer.records.iter().map(|one| record(answer, one)).collect::<Vec<_>>(),
        "sources": answer.statuses.iter().map(status).collect::<Vec<_>>(),
        "receipt": answer.receipt.as_ref().map(receipt),
        "resume_token": STANDARD.encode(&answer.resume_token),
    })
}

/// A timestamp, or null.
pub fn moment(at: Option<&prost_types::Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(time(Some(at))))
}

fn header(header: &wire::Header) -> Value {
    json!({
        "exchange_id": header.exchange_id,
        "query_digest": hex::encode(&header.query_digest),
        "agreement_id": header.agreement_id,
        "agreement_version": header.agreement_version,
        "policy_hash": hex::encode(&header.policy_hash),
        "permitted_use": header.permitted_use,
        "delete_by": moment(header.delete_by.as_ref()),
        "sources": header.sources,
        "environment": environment(header),
        "intent_leaf_hash": hex::encode(&header.intent_leaf_hash),
    })
}

/// A plan with every field.
pub fn plan(plan: &wire::Plan) -> Value {
    let tlp = portcullis_proto::handling::v1::Tlp::try_from(plan.tlp).ok();
    json!({
        "index": plan.index,
        "originator": plan.originator,
        "plan_hash": hex::encode(&plan.plan_hash),
        "valid_until": moment(plan.valid_until.as_ref()),
        "pseudonym_scope": plan.pseudonym_scope,
        "releasable_to": plan.releasable_to,
        "tlp": tlp.filter(|_| plan.tlp != 0)
            .map(|tlp| super::enum_word(Some(tlp.as_str_name()), "TLP_", plan.tlp)),
        "handling_code": plan.handling_code,
        "fields": plan.fields.iter().map(|field| json!({
            "path": field.path,
            "treatment": treatment(field),
            "reason": field.reason,
            "rule": field.rule,
            "ask": field.ask,
            "usable_in_filter": field.usable_in_filter,
        })).collect::<Vec<_>>(),
    })
}

fn record(answer: &Answer, record: &Record) -> Value {
    let released = &record.released;
    let plan = answer.plan(record);
    let visible =
        || plan.into_iter().flat_map(|plan| &plan.fields).filter(|field| is_visible(field));
    let treatments: Map<String, Value> =
        visible().map(|field| (field.path.clone(), treatment(field).into())).collect();
    let presence: Map<String, Value> = visible()
        .filter(|field| field.treatment() == wire::Treatment::Presence)
        .map(|field| {
            (field.path.clone(), is_present(&released.presence, field.presence_bit).into())
        })
        .collect();
    json!({
        "reference": released.reference,
        "plan": released.plan,
        "originator": plan.map(|plan| plan.originator.as_str()),
        "version": released.version,
        "data_as_of": moment(released.data_as_of.as_ref()),
        "delete_by": moment(released.delete_by.as_ref()),
        "permitted_use": released.permitted_use,
        "fields": fields(&record.message, &released.payload),
        "presence": presence,
        "treatments": treatments,
    })
}

/// The message by protobuf's JSON mapping, under the names of the schema. What has no place in it (a time
/// outside the years 1 to 9999) leaves only the bytes.
fn fields(message: &DynamicMessage, payload: &[u8]) -> Value {
    let options = SerializeOptions::new().use_proto_field_name(true);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap_or_else(|_| json!({"payload_base64": STANDARD.encode(payload)}))
}

fn status(status: &wire::SourceStatus) -> Value {
    json!({
        "agency": status.agency,
        "completeness": completeness(status),
        "reason": status.reason,
        "records_released": status.records_released,
        "data_as_of": moment(status.data_as_of.as_ref()),
    })
}

fn receipt(receipt: &wire::Receipt) -> Value {
    json!({
        "exchange_id": receipt.exchange_id,
        "query_digest": hex::encode(&receipt.query_digest),
        "records_released": receipt.records_released,
        "cut_reason": receipt.cut_reason,
        "proof": receipt.proof.as_ref().map(|proof| json!({
            "index": proof.index,
            "leaf": STANDARD.encode(&proof.leaf),
            "path": proof.path.iter().map(|step| STANDARD.encode(step)).collect::<Vec<_>>(),
            "checkpoint": proof.checkpoint,
        })),
    })
}
