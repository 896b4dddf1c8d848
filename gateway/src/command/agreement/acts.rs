//! Acts on agreements: make the statement, sign it with the agency's key, bring it to the gateway.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use portcullis_core::act::{Act, Exchange, Statement};
use portcullis_core::handling::Environment;
use portcullis_core::id::{AgencyId, AgreementId, Digest, Moment, RecordTypeName};
use portcullis_core::policy::Facts;
use portcullis_proto::agreement::v1 as wire;
use portcullis_proto::agreement::v1::agreement_service_client::AgreementServiceClient;
use portcullis_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use portcullis_proto::directory::v1::{WhoamiRequest, WhoamiResponse};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tonic::transport::Channel;
use tonic::{Response, Status};

use super::check::{facts, read, record_types, refused};
use super::{Signing, Types};
use crate::agreements::{signature_path, signed};
use crate::audit::keys::read_log_key;
use crate::client::render::table::table;
use crate::client::render::text::{cell, safe};
use crate::client::render::{Format, Look, time as shown_time};
use crate::client::{Profile, Refused, UsageError, connect};
use crate::clock::Clock;
use crate::command::query::{tell, timed_out};

/// Signing as a party, or acceding.
#[derive(Clone, Copy)]
pub enum With {
    /// As a party.
    Sign,
    /// As a newcomer.
    Accede,
}

/// An act without the schemas that only a text brings.
pub type Plain = Act;

pub fn consent(agency: &str) -> Plain {
    Act::Consent(AgencyId::new(agency))
}

pub fn suspend() -> Plain {
    Act::Suspend
}

pub fn resume() -> Plain {
    Act::Resume
}

pub fn withdraw(at: Option<Moment>) -> Plain {
    Act::Withdraw(at)
}

pub fn terminate(at: Option<Moment>) -> Plain {
    Act::Terminate(at)
}

/// Reads reservations.
pub fn reserve(lines: &[String]) -> anyhow::Result<Plain> {
    let read = |line: &String| {
        Act::take(line).ok_or_else(|| UsageError(format!("`{line}` is not a reservation")))
    };
    Ok(Act::Reserve(lines.iter().map(read).collect::<Result<_, _>>()?))
}

/// Reads a time.
pub fn moment(text: Option<&str>) -> anyhow::Result<Option<Moment>> {
    let Some(text) = text else { return Ok(None) };
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| UsageError(format!("`{text}` is not a time such as 2027-01-01T00:00:00Z")))?;
    Ok(Some(Moment::from_seconds(at.unix_timestamp())))
}

/// Signs a text, and writes the signature beside it.
pub fn sign_offline(
    file: &Path,
    signing: &Signing,
    types: &Types,
    exchange: &str,
    agency: &str,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let text = read(file)?;
    let facts = match facts(file, &text, types)? {
        Ok(facts) => facts,
        Err(errors) => return refused(&errors, out).map(|()| false),
    };
    let parts = exchange.split_once(' ').and_then(|(domain, environment)| {
        Some(Exchange {
            trust_domain: domain.to_owned(),
            environment: Environment::from_word(environment)?,
        })
    });
    let exchange = parts.ok_or_else(|| UsageError("--exchange is `DOMAIN ENVIRONMENT`".into()))?;
    let by = AgencyId::new(agency);
    if !facts.agreement.parties.contains(&by) {
        return Err(UsageError(format!("`{agency}` is not a party of {}", file.display())).into());
    }
    let act = Act::Sign(schemas(&facts, types)?);
    let statement = statement(exchange, &facts, by.clone(), 1, act, &signing.reason);
    let note = note(&statement, signing)?;
    let path = signature_path(file, &by);
    std::fs::write(&path, note).with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(out, "{}: signed by {agency}, in {}", file.display(), path.display())?;
    Ok(true)
}

/// Signs a text and brings it to the gateway; proposes it where the gateway does not have it yet.
pub async fn sign(
    file: &Path,
    signing: &Signing,
    types: &Types,
    with: With,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let text = read(file)?;
    let facts = match facts(file, &text, types)? {
        Ok(facts) => facts,
        Err(errors) => return refused(&errors, out).map(|()| false),
    };
    let gateway = Gateway::of(signing).await?;
    let me = match gateway.whoami().await? {
        Ok(me) => me,
        Err(refused) => return tell(&refused, format(signing.json), out),
    };
    let (id, version) = (facts.agreement.id.to_string(), facts.agreement.version);
    let known = gateway.get(&id, version).await?;
    let latest = match &known {
        Err(refused) if refused.reason == "VERSION_UNKNOWN" => gateway.get(&id, 0).await?.ok(),
        _ => None,
    };
    let (serial, here) = match (&known, &latest) {
        (Ok(found), _) => (found.next_serial, true),
        (Err(_), Some(found)) => (found.next_serial, false),
        (Err(refused), None) if refused.reason == "AGREEMENT_NOT_FOUND_OR_NOT_PARTY" => (1, false),
        (Err(refused), None) => return tell(refused, format(signing.json), out),
    };
    let schemas = schemas(&facts, types)?;
    let act = match with {
        With::Sign => Act::Sign(schemas),
        With::Accede => Act::Accede(schemas),
    };
    let by = AgencyId::new(&me.agency);
    let statement = statement(exchange_of(&me)?, &facts, by, serial, act, &signing.reason);
    let note = note(&statement, signing)?;
    let done = match (with, here) {
        (With::Sign, false) => {
            let ask = wire::ProposeRequest { text, statement: note };
            let mut client = gateway.client();
            within(&gateway.profile, client.propose(ask)).await.map(|done| done.agreement)
        }
        _ => gateway.bring(&statement, note).await,
    };
    told(&statement, done, signing.json, out)
}

/// Any other act, about the version that counts now.
pub async fn act(
    id: &str,
    signing: &Signing,
    act: Plain,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let gateway = Gateway::of(signing).await?;
    let me = match gateway.whoami().await? {
        Ok(me) => me,
        Err(refused) => return tell(&refused, format(signing.json), out),
    };
    let found = match gateway.get(id, 0).await? {
        Ok(found) => found,
        Err(refused) => return tell(&refused, format(signing.json), out),
    };
    let mut text = [0; 32];
    let same = found.text_sha256.len() == text.len();
    anyhow::ensure!(same, "the gateway told no digest of the agreement's text");
    text.copy_from_slice(&found.text_sha256);
    let statement = Statement {
        exchange: exchange_of(&me)?,
        agreement: AgreementId::new(&found.id),
        version: found.version,
        text: Digest(text),
        by: AgencyId::new(&me.agency),
        serial: found.next_serial,
        at: now(),
        act,
        reason: signing.reason.clone(),
    };
    let note = note(&statement, signing)?;
    let done = gateway.bring(&statement, note).await;
    told(&statement, done, signing.json, out)
}

/// Lists agreements.
pub async fn list(profile: &Path, json: bool, out: &mut dyn Write) -> anyhow::Result<bool> {
    let gateway = Gateway::at(Profile::load(profile)?).await?;
    let mut client = gateway.client();
    let listed = match within(&gateway.profile, client.list(wire::ListRequest {})).await {
        Ok(listed) => listed.agreements,
        Err(refused) => return tell(&refused, format(json), out),
    };
    if json {
        let all: Vec<Value> = listed.iter().map(document).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(true);
    }
    if listed.is_empty() {
        writeln!(out, "your agency has no agreement here")?;
        return Ok(true);
    }
    let mut table = table(Look::of_stdout());
    table.set_header(["agreement", "version", "state", "valid until", "parties"]);
    for one in &listed {
        let until = one.ends.as_ref().or(one.valid_until.as_ref());
        let parties: Vec<String> = one.parties.iter().map(party).collect();
        table.add_row([
            cell(&one.id),
            one.version.to_string(),
            state(one),
            shown_time(until),
            cell(&parties.join(", ")),
        ]);
    }
    writeln!(out, "{table}")?;
    Ok(true)
}

/// Shows a text.
pub async fn show(
    profile: &Path,
    id: &str,
    version: u32,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let gateway = Gateway::at(Profile::load(profile)?).await?;
    let mut client = gateway.client();
    let ask = wire::GetRequest { agreement_id: id.to_owned(), version };
    match within(&gateway.profile, client.get(ask)).await {
        // The bytes that are signed, so that they can be signed from a pipe; a terminal gets them as they are.
        Ok(found) => write!(out, "{}", found.text)?,
        Err(refused) => return tell(&refused, Format::Table, out),
    }
    Ok(true)
}

/// Tells what is done.
pub async fn watch(profile: &Path, after: i64, out: &mut dyn Write) -> anyhow::Result<bool> {
    let gateway = Gateway::at(Profile::load(profile)?).await?;
    let mut client = gateway.client();
    let stream = client.watch(wire::WatchRequest { after }).await;
    let mut stream = match stream {
        Ok(stream) => stream.into_inner(),
        Err(status) => return tell(&Refused::of(&status), Format::Table, out),
    };
    loop {
        match stream.message().await {
            Ok(Some(one)) => {
                writeln!(
                    out,
                    "{} {} {} version {} {} {}",
                    one.place,
                    shown_time(one.at.as_ref()),
                    safe(&one.agreement_id),
                    one.version,
                    safe(&one.agency),
                    safe(&one.act)
                )?;
                out.flush()?;
            }
            Ok(None) => return Ok(true),
            Err(status) => return tell(&Refused::of(&status), Format::Table, out),
        }
    }
}

/// A gateway that is reached.
struct Gateway {
    profile: Profile,
    channel: Channel,
}

impl Gateway {
    async fn of(signing: &Signing) -> anyhow::Result<Self> {
        let profile = signing.profile.as_deref();
        let profile = profile.ok_or_else(|| UsageError("--profile is needed".into()))?;
        Self::at(Profile::load(profile)?).await
    }

    async fn at(profile: Profile) -> anyhow::Result<Self> {
        let channel = connect(&profile).await?;
        Ok(Self { profile, channel })
    }

    fn client(&self) -> AgreementServiceClient<Channel> {
        AgreementServiceClient::new(self.channel.clone())
    }

    async fn whoami(&self) -> anyhow::Result<Result<WhoamiResponse, Refused>> {
        let mut directory = DirectoryServiceClient::new(self.channel.clone());
        Ok(within(&self.profile, directory.whoami(WhoamiRequest {})).await)
    }

    async fn get(
        &self,
        id: &str,
        version: u32,
    ) -> anyhow::Result<Result<wire::Agreement, Refused>> {
        let ask = wire::GetRequest { agreement_id: id.to_owned(), version };
        let found = within(&self.profile, self.client().get(ask)).await;
        Ok(found.map(|found| found.agreement.unwrap_or_default()))
    }

    /// Brings a statement to the call that it is for.
    async fn bring(
        &self,
        of: &Statement,
        statement: String,
    ) -> Result<Option<wire::Agreement>, Refused> {
        let mut client = self.client();
        let agreement_id = of.agreement.to_string();
        let profile = &self.profile;
        macro_rules! call {
            ($method:ident, $request:ident) => {
                within(profile, client.$method(wire::$request { agreement_id, statement }))
                    .await
                    .map(|done| done.agreement)
            };
        }
        match of.act {
            Act::Sign(_) => call!(sign, SignRequest),
            Act::Accede(_) => call!(accede, AccedeRequest),
            Act::Consent(_) => call!(consent, ConsentRequest),
            Act::Reserve(_) => call!(reserve, ReserveRequest),
            Act::Suspend => call!(suspend, SuspendRequest),
            Act::Resume => call!(resume, ResumeRequest),
            Act::Withdraw(_) => call!(withdraw, WithdrawRequest),
            Act::Terminate(_) => call!(terminate, TerminateRequest),
        }
    }
}

/// One call within the profile's time.
pub(in crate::command) async fn within<A>(
    profile: &Profile,
    call: impl Future<Output = Result<Response<A>, Status>>,
) -> Result<A, Refused> {
    let timeout = Duration::from_secs(profile.timeout_seconds);
    match tokio::time::timeout(timeout, call).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(Refused::of(&status)),
        Err(_) => Err(timed_out()),
    }
}

fn exchange_of(me: &WhoamiResponse) -> anyhow::Result<Exchange> {
    let domain = me.spiffe_id.strip_prefix("spiffe://").and_then(|rest| rest.split('/').next());
    let environment = match me.environment() {
        portcullis_proto::handling::v1::Environment::Production => Environment::Production,
        portcullis_proto::handling::v1::Environment::Exercise => Environment::Exercise,
        portcullis_proto::handling::v1::Environment::Unspecified => {
            anyhow::bail!("the gateway does not say which environment it is")
        }
    };
    let trust_domain = domain.context("the gateway told no SPIFFE id")?.to_owned();
    Ok(Exchange { trust_domain, environment })
}

fn statement(
    exchange: Exchange,
    facts: &Facts,
    by: AgencyId,
    serial: u64,
    act: Act,
    reason: &str,
) -> Statement {
    Statement {
        exchange,
        agreement: facts.agreement.id.clone(),
        version: facts.agreement.version,
        text: facts.agreement.digest,
        by,
        serial,
        at: now(),
        act,
        reason: reason.to_owned(),
    }
}

/// To the second, as a statement has it.
fn now() -> Moment {
    Moment::from_seconds(Clock::system().now().seconds())
}

fn note(statement: &Statement, signing: &Signing) -> anyhow::Result<String> {
    let one_line = Statement::parse(&statement.text()).is_ok();
    anyhow::ensure!(one_line, UsageError("--reason takes one line of at most 500 bytes".into()));
    let key = read_log_key(&signing.key, statement.by.as_str())?;
    Ok(signed::sign(statement, &key))
}

/// The schemas of what a text names: the signer's own, so that a gateway with other ones is found out.
fn schemas(facts: &Facts, types: &Types) -> anyhow::Result<BTreeMap<RecordTypeName, Digest>> {
    let all = record_types(types)?;
    let names = facts.record_types();
    let find = |name: &RecordTypeName| all.iter().find(|one| one.name() == name);
    Ok(names
        .into_iter()
        .filter_map(|name| find(&name).map(|one| (name.clone(), one.hash())))
        .collect())
}

fn told(
    statement: &Statement,
    done: Result<Option<wire::Agreement>, Refused>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let agreement = match done {
        Ok(agreement) => agreement.unwrap_or_default(),
        Err(refused) => return tell(&refused, format(json), out),
    };
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&document(&agreement))?)?;
        return Ok(true);
    }
    let (id, version) = (safe(&agreement.id), agreement.version);
    writeln!(out, "{id} version {version}: {} taken; {}", statement.act.word(), state(&agreement))?;
    let missing: Vec<&str> = agreement
        .parties
        .iter()
        .filter(|one| one.signed_at.is_none() && !one.acceded)
        .map(|one| one.agency.as_str())
        .collect();
    if agreement.phase() == wire::Phase::Proposed && !missing.is_empty() {
        writeln!(out, "still to sign: {}", safe(&missing.join(", ")))?;
    }
    Ok(true)
}

fn state(agreement: &wire::Agreement) -> String {
    let word = match agreement.phase() {
        wire::Phase::Unspecified => "unknown",
        wire::Phase::Proposed => "proposed",
        wire::Phase::Signed => "signed, not begun",
        wire::Phase::InForce if agreement.by_operator => "in force (operator's word)",
        wire::Phase::InForce => "in force",
        wire::Phase::Suspended => "suspended",
        wire::Phase::Ended => "ended",
    };
    word.to_owned()
}

fn party(party: &wire::Party) -> String {
    let mut text = party.agency.clone();
    if party.left_at.is_some() {
        text.push_str(" (left)");
    } else if party.suspends {
        text.push_str(" (suspends)");
    } else if party.acceded {
        text.push_str(" (acceded)");
    } else if party.signed_at.is_some() {
        text.push_str(" (signed)");
    }
    text
}

fn document(one: &wire::Agreement) -> Value {
    let time = |at: &Option<prost_types::Timestamp>| match at {
        Some(at) => Value::String(shown_time(Some(at))),
        None => Value::Null,
    };
    json!({
        "agreement": one.id,
        "version": one.version,
        "title": one.title,
        "state": one.phase().as_str_name().trim_start_matches("PHASE_"),
        "by_operator": one.by_operator,
        "valid_from": time(&one.valid_from),
        "valid_until": time(&one.valid_until),
        "ends": time(&one.ends),
        "parties": one.parties.iter().map(|party| json!({
            "agency": party.agency,
            "signed_at": time(&party.signed_at),
            "acceded": party.acceded,
            "left_at": time(&party.left_at),
            "suspends": party.suspends,
        })).collect::<Vec<_>>(),
        "open_to": one.open_to,
        "asking": one.asking,
        "reservations": one.reservations,
        "text_sha256": hex::encode(&one.text_sha256),
        "next_serial": one.next_serial,
    })
}

fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Table }
}
