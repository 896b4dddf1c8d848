//! Releases for people and for programs.

use std::io::Write;

use portcullis_core::release::{Act, Ground, State};
use portcullis_proto::query::v1 as wire;
use serde_json::{Value, json};

use crate::client::render::table::table;
use crate::client::render::text::{cell, safe};
use crate::client::render::{Look, enum_word, time};

/// Releases, a row each.
pub(super) fn list(
    releases: &[wire::Release],
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if json {
        let all: Vec<Value> = releases.iter().map(document).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    if releases.is_empty() {
        writeln!(out, "no release of your agency is like that")?;
        return Ok(());
    }
    let mut table = table(Look::of_stdout());
    table.set_header(["release", "state", "from", "to", "record type", "case", "fields", "due"]);
    for release in releases {
        let overdue = if release.overdue { " OVERDUE" } else { "" };
        table.add_row([
            cell(&release.id),
            state(release.state),
            cell(&release.originator),
            cell(&release.requester),
            cell(release.record_type.rsplit('.').next().unwrap_or_default()),
            cell(&release.case_id),
            cell(&release.fields.join(", ")),
            format!("{}{overdue}", time(release.due.as_ref())),
        ]);
    }
    writeln!(out, "{table}")?;
    Ok(())
}

/// One release with its steps.
pub(super) fn one(release: &wire::Release, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&document(release))?)?;
        return Ok(());
    }
    let of = format!("{} of {}", release.record_type, release.originator);
    let state = state(release.state);
    writeln!(
        out,
        "release {}: {state}; {} for {}",
        release.id,
        safe(&of),
        safe(&release.requester)
    )?;
    writeln!(out, "  asked for  {}", safe(&release.fields.join(", ")))?;
    if release.state == State::Granted as i32 {
        let granted: Vec<String> = release.granted.iter().map(granted).collect();
        let until = time(release.usable_until.as_ref());
        writeln!(out, "  granted    {} until {until}", safe(&granted.join(", ")))?;
    } else {
        let (due, lapses) = (time(release.due.as_ref()), time(release.lapses_at.as_ref()));
        writeln!(out, "  due        {due}, lapses {lapses}")?;
    }
    if !release.record_id.is_empty() {
        writeln!(out, "  record     {}", hex::encode(&release.record_id))?;
    }
    for step in &release.steps {
        writeln!(out, "  {}", line(step))?;
    }
    Ok(())
}

/// A step in one line.
pub(super) fn line(step: &wire::ReleaseStep) -> String {
    let officer = match (step.officer.as_str(), step.officer_proven) {
        ("", _) => String::new(),
        (officer, true) => format!(", {} (proven)", safe(officer)),
        (officer, false) => format!(", {} (as told)", safe(officer)),
    };
    let by = if step.agency.is_empty() { "time".to_owned() } else { safe(&step.agency) };
    let ground = Ground::from_number(step.ground).map(|ground| format!(" {}", ground.word()));
    let text = if step.text.is_empty() { String::new() } else { format!(": {}", safe(&step.text)) };
    format!(
        "{}. {} {} by {by}{officer}{}{text}",
        step.number,
        time(step.at.as_ref()),
        act(step.act),
        ground.unwrap_or_default()
    )
}

/// A release as a document.
pub(super) fn document(release: &wire::Release) -> Value {
    let purpose = wire::Purpose::try_from(release.purpose).ok().map(|one| one.as_str_name());
    json!({
        "release": release.id,
        "state": state(release.state),
        "overdue": release.overdue,
        "requester": release.requester,
        "originator": release.originator,
        "purpose": enum_word(purpose, "PURPOSE_", release.purpose),
        "case": release.case_id,
        "agreement": release.agreement_id,
        "agreement_version": release.agreement_version,
        "record_type": release.record_type,
        "reference": release.reference,
        "record_id": hex::encode(&release.record_id),
        "fields": release.fields,
        "granted": release.granted.iter().map(|field| json!({
            "path": field.path, "treatment": treatment(field),
        })).collect::<Vec<_>>(),
        "requested_at": time(release.requested_at.as_ref()),
        "due": time(release.due.as_ref()),
        "lapses_at": time(release.lapses_at.as_ref()),
        "usable_until": time(release.usable_until.as_ref()),
        "steps": release.steps.iter().map(|step| json!({
            "number": step.number,
            "act": act(step.act),
            "at": time(step.at.as_ref()),
            "agency": step.agency,
            "officer": step.officer,
            "officer_proven": step.officer_proven,
            "text": step.text,
            "ground": Ground::from_number(step.ground).map(Ground::word),
            "leaf_hash": hex::encode(&step.leaf_hash),
        })).collect::<Vec<_>>(),
    })
}

fn granted(field: &wire::ReleaseField) -> String {
    format!("{} {}", field.path, treatment(field))
}

fn treatment(field: &wire::ReleaseField) -> String {
    let as_plan = wire::FieldPlan {
        treatment: field.treatment,
        level: field.level.clone(),
        ..wire::FieldPlan::default()
    };
    crate::client::render::treatment(&as_plan)
}

fn state(number: i32) -> String {
    State::from_number(number).map_or_else(|| number.to_string(), |state| state.word().to_owned())
}

fn act(number: i32) -> String {
    Act::from_number(number).map_or_else(|| number.to_string(), |act| act.word().to_owned())
}
