//! `portcullis record-type register|list|withdraw`: an agency's record types at its gateway.

use std::future::Future;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use portcullis_core::label::RecordType;
use portcullis_proto::directory::v1 as wire;
use portcullis_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use serde_json::{Value, json};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::Reading;
use super::check::{problem, refused};
use super::open::{Opened, open};
use crate::client::render::table::table;
use crate::client::render::text::{cell, safe};
use crate::client::render::{Format, Look, time};
use crate::client::{Profile, Refused, UsageError, connect};
use crate::command::query::{tell, timed_out};

type Directory = DirectoryServiceClient<Channel>;

pub async fn register(
    profile: &Path,
    file: &Path,
    reading: &Reading,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let Opened { set, names, .. } = open(file, reading)?;
    let [name] = names.as_slice() else {
        let text = format!("several record types are in it; name one of {}", names.join(", "));
        return Err(UsageError(text).into());
    };
    // What the gateway would refuse is said without troubling it.
    if let Err(errors) = RecordType::register_from_outside(&set, name) {
        if json {
            let problems: Vec<Value> = errors.iter().map(problem).collect();
            return print(&json!({"registered": false, "problems": problems}), out).map(|()| false);
        }
        return refused(name, &errors, out).map(|()| false);
    }
    let profile = Profile::load(profile)?;
    let ask = wire::RegisterRecordTypeRequest { name: name.clone(), descriptor_set: set };
    let answer = call(&profile, ask, async |mut gateway: Directory, ask| {
        gateway.register_record_type(ask).await
    })
    .await?;
    let answer = match answer {
        Ok(answer) => answer,
        Err(refused) => return tell(&refused, format(json), out),
    };
    let registration = answer.registration.filter(|_| answer.problems.is_empty());
    let Some(registration) = registration else {
        return problems(name, &answer.problems, json, out).map(|()| false);
    };
    if json {
        let registration = document(&registration);
        let document = json!({
            "registered": true,
            "created": answer.created,
            "registration": registration,
        });
        return print(&document, out).map(|()| true);
    }
    let how = if answer.created { "registered" } else { "registered already" };
    let hash = hex::encode(&registration.schema_hash);
    writeln!(out, "{}: {how}, schema {hash}", safe(&registration.name))?;
    if !registration.named_by_agreement {
        writeln!(out, "no agreement names it yet, so nobody is answered for it")?;
    }
    Ok(true)
}

pub async fn list(profile: &Path, json: bool, out: &mut dyn Write) -> anyhow::Result<bool> {
    let profile = Profile::load(profile)?;
    let ask = wire::ListRegistrationsRequest {};
    let answer = call(&profile, ask, async |mut gateway: Directory, ask| {
        gateway.list_registrations(ask).await
    });
    let listed = match answer.await? {
        Ok(answer) => answer.registrations,
        Err(refused) => return tell(&refused, format(json), out),
    };
    if json {
        let all: Vec<Value> = listed.iter().map(document).collect();
        return print(&Value::Array(all), out).map(|()| true);
    }
    if listed.is_empty() {
        writeln!(out, "your agency has registered no record type")?;
        return Ok(true);
    }
    let mut table = table(Look::of_stdout());
    table.set_header(["record type", "state", "since", "by", "schema"]);
    for one in &listed {
        let since = time(one.changed_at.as_ref());
        let hash = hex::encode(&one.schema_hash);
        let short = hash.get(..16).unwrap_or(&hash);
        table.add_row([
            cell(&one.name),
            state(one).into(),
            since,
            cell(&one.changed_by),
            short.into(),
        ]);
    }
    writeln!(out, "{table}")?;
    Ok(true)
}

pub async fn withdraw(
    profile: &Path,
    name: &str,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let profile = Profile::load(profile)?;
    let ask = wire::WithdrawRecordTypeRequest { name: name.to_owned() };
    let answer = call(&profile, ask, async |mut gateway: Directory, ask| {
        gateway.withdraw_record_type(ask).await
    });
    let registration = match answer.await? {
        Ok(answer) => answer.registration.unwrap_or_default(),
        Err(refused) => return tell(&refused, format(json), out),
    };
    if json {
        return print(&document(&registration), out).map(|()| true);
    }
    let at = time(registration.changed_at.as_ref());
    writeln!(out, "{}: withdrawn since {at}; nobody is answered for it", safe(name))?;
    Ok(true)
}

/// One call within the profile's time; the inner error is the gateway's, or that it was not reached.
async fn call<Q, A, F>(
    profile: &Profile,
    ask: Q,
    ask_it: impl FnOnce(Directory, Request<Q>) -> F,
) -> anyhow::Result<Result<A, Refused>>
where
    F: Future<Output = Result<Response<A>, Status>>,
{
    let timeout = Duration::from_secs(profile.timeout_seconds);
    let gateway = DirectoryServiceClient::new(connect(profile).await?);
    let mut request = Request::new(ask);
    request.set_timeout(timeout);
    Ok(match tokio::time::timeout(timeout, ask_it(gateway, request)).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(Refused::of(&status)),
        Err(_) => Err(timed_out()),
    })
}

fn problems(
    name: &str,
    problems: &[wire::SchemaProblem],
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if json {
        let problems: Vec<Value> = problems
            .iter()
            .map(|one| {
                json!({
                    "file": one.file, "line": one.line, "message": one.message,
                    "field": one.field, "rule": one.rule, "detail": one.detail,
                })
            })
            .collect();
        return print(&json!({"registered": false, "problems": problems}), out);
    }
    writeln!(out, "{}: refused by the gateway", safe(name))?;
    for one in problems {
        let line = format!(
            "{}:{}: {}.{}: {}: {}",
            one.file, one.line, one.message, one.field, one.rule, one.detail
        );
        writeln!(out, "  {}", safe(&line))?;
    }
    Ok(())
}

fn state(registration: &wire::Registration) -> &'static str {
    match (registration.in_use, registration.named_by_agreement) {
        (false, _) => "withdrawn",
        (true, false) => "no agreement names it",
        (true, true) => "in use",
    }
}

fn document(registration: &wire::Registration) -> Value {
    json!({
        "record_type": registration.name,
        "agency": registration.agency,
        "schema_hash": hex::encode(&registration.schema_hash),
        "in_use": registration.in_use,
        "changed_at": time(registration.changed_at.as_ref()),
        "changed_by": registration.changed_by,
        "named_by_agreement": registration.named_by_agreement,
    })
}

fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Table }
}

fn print(document: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "{}", serde_json::to_string_pretty(document)?)?;
    Ok(())
}
