//! The sample queries: an answer with every treatment in it, a denial, a budget that runs out, and the log
//! that proves it all.

use std::io::Write;

use anyhow::Context as _;
use portcullis_core::id::AgencyId;
use portcullis_core::label::RecordType;
use portcullis_core::redact::PseudonymScope;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_response::Message;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::source::v1 as source;
use portcullis_proto::source::v1::source_service_client::SourceServiceClient;
use serde_json::{Value, json};
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

use super::show;
use super::world::World;
use crate::audit::verify::{Outside, verify};
use crate::client::{Profile, connect};
use crate::clock::Clock;
use crate::identity::PeerId;
use crate::identity::connect::{
    ClientFiles, ClientIdentity, ConnectLimits, ExpectedServer, channel,
};
use crate::server::Gateway;
use crate::service::filter::to_wire;
use crate::store::Store;

/// One sample query.
pub struct Sample {
    identity: (&'static str, &'static str),
    record_type: &'static str,
    expression: &'static str,
    purpose: wire::Purpose,
    case: &'static str,
    source: &'static str,
    expect: &'static str,
    title: &'static str,
}

impl Sample {
    /// As the line of `--json` has it.
    pub fn to_json(&self) -> Value {
        json!({
            "identity": format!("{}/{}", self.identity.0, self.identity.1),
            "record_type": self.record_type,
            "where": self.expression,
            "purpose": self.purpose.as_str_name().trim_start_matches("PURPOSE_"),
            "case": self.case,
            "from": self.source,
            "expect": self.expect,
        })
    }
}

/// The sample queries; with the public declarations, one over them too.
pub fn samples(data: bool) -> Vec<Sample> {
    let mut samples = vec![
        Sample {
            identity: ("sm-customs", "targeting"),
            record_type: "portcullis.record.v1.Declaration",
            expression: "items.hs_code prefix \"85\"",
            purpose: wire::Purpose::ShipmentTargeting,
            case: "CASE-2026-014",
            source: "nv-customs",
            expect: "ALLOW",
            title: "Solmark Customs asks Norvia Customs for declarations of electrical machinery (HS \
                    chapter 85)",
        },
        Sample {
            identity: ("sm-police", "desk"),
            record_type: "portcullis.record.v1.Declaration",
            expression: "items.hs_code prefix \"85\"",
            purpose: wire::Purpose::ShipmentTargeting,
            case: "OP-LANTERN",
            source: "nv-customs",
            expect: "DENY",
            title: "Solmark Police asks for the same, for a purpose that its agreement does not know",
        },
        Sample {
            identity: ("sm-customs", "targeting"),
            record_type: "portcullis.record.v1.Declaration",
            expression: "officer_remarks prefix \"a\"",
            purpose: wire::Purpose::ShipmentTargeting,
            case: "CASE-2026-014",
            source: "nv-customs",
            expect: "FIELD_NOT_USABLE",
            title: "Solmark Customs probes a field it may not see",
        },
    ];
    if data {
        samples.push(Sample {
            identity: ("pcs", "targeting"),
            record_type: "portcullis.record.v1.Declaration",
            expression: "items.hs_code prefix \"8517\" and items.country_of_origin = CN",
            purpose: wire::Purpose::ShipmentTargeting,
            case: "",
            source: "kcs",
            expect: "ALLOW",
            title: "Partner Customs asks for telephones from China in 54,000 public declarations",
        });
    }
    samples
}

/// Licences asked for until the budget of three a day is used up.
const BUDGET: Sample = Sample {
    identity: ("sm-customs", "targeting"),
    record_type: "portcullis.record.v1.ExportLicence",
    expression: "",
    purpose: wire::Purpose::LicenceVerification,
    case: "",
    source: "nv-licensing",
    expect: "BUDGET_EXHAUSTED",
    title: "Solmark Customs verifies licences: the agreement allows three queries a day",
};

/// Runs all samples; false when one did not go as it should.
pub async fn run(
    world: &World,
    gateway: &Gateway,
    data: bool,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    writeln!(out, "Portcullis playground in {}", world.dir.display())?;
    for source in &world.sources {
        writeln!(
            out,
            "  {} serves {} records ({}) on {}",
            source.agency,
            source.records,
            source.record_types.iter().map(|name| short(name)).collect::<Vec<_>>().join(", "),
            source.address
        )?;
    }
    writeln!(out, "  the gateway listens on {} (mutual TLS 1.3)", gateway.address)?;
    let mut good = true;
    for (at, sample) in samples(data).iter().enumerate() {
        title(out, at + 1, sample)?;
        let outcome = ask(world, gateway, sample).await?;
        good &= outcome.told(sample.expect);
        match outcome {
            Outcome::Answered(answer) => show_answer(world, gateway, sample, &answer, out).await?,
            Outcome::Refused(status) => show_refusal(&status, out)?,
        }
        if sample.expect == "DENY" {
            explain(world, gateway, sample, out).await?;
        }
    }
    good &= run_out(world, gateway, samples(data).len() + 1, out).await?;
    good &= verify_log(world, gateway, out).await?;
    writeln!(out, "\n{}", if good { "All went as it should." } else { "NOT as it should." })?;
    Ok(good)
}

fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn title(out: &mut dyn Write, number: usize, sample: &Sample) -> anyhow::Result<()> {
    writeln!(out, "\n{number}. {}", sample.title)?;
    writeln!(
        out,
        "   {} / {}: {}{}{}  purpose {}{}",
        sample.identity.0,
        sample.identity.1,
        short(sample.record_type),
        if sample.expression.is_empty() { "" } else { " where " },
        sample.expression,
        sample.purpose.as_str_name().trim_start_matches("PURPOSE_"),
        if sample.case.is_empty() { String::new() } else { format!("  case {}", sample.case) },
    )?;
    Ok(())
}

/// What came of a query.
enum Outcome {
    Answered(Box<Answer>),
    Refused(tonic::Status),
}

impl Outcome {
    fn told(&self, expect: &str) -> bool {
        match self {
            Self::Answered(answer) => expect == "ALLOW" && !answer.records.is_empty(),
            Self::Refused(status) => {
                expect == "DENY" && status.code() == tonic::Code::PermissionDenied
                    || reason(status) == expect
            }
        }
    }
}

#[derive(Default)]
struct Answer {
    plans: Vec<wire::Plan>,
    records: Vec<wire::ReleasedRecord>,
    statuses: Vec<wire::SourceStatus>,
    receipt: Option<wire::Receipt>,
}

async fn client(
    world: &World,
    identity: (&str, &str),
) -> anyhow::Result<QueryServiceClient<Channel>> {
    let profile = Profile::load(&world.profile(identity.0, identity.1))?;
    Ok(QueryServiceClient::new(connect(&profile).await?))
}

fn query(gateway: &Gateway, sample: &Sample) -> anyhow::Result<wire::Query> {
    let policy = gateway.broker.policy.load();
    let record_type = policy
        .record_type(&sample.record_type.into())
        .with_context(|| format!("{} is not registered", sample.record_type))?;
    Ok(wire::Query {
        purpose: sample.purpose.into(),
        case_id: sample.case.to_owned(),
        record_type: sample.record_type.to_owned(),
        filter: filter(sample.expression, record_type)?,
        fields: vec!["*".to_owned()],
        sources: vec![sample.source.to_owned()],
        justification: "a look around the playground".to_owned(),
        ..Default::default()
    })
}

fn filter(text: &str, record_type: &RecordType) -> anyhow::Result<Option<wire::Filter>> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = portcullis_core::filter::parse_expression(text, record_type)
        .map_err(|error| anyhow::anyhow!("{}", error.render()))?;
    Ok(Some(to_wire(&parsed)))
}

async fn ask(world: &World, gateway: &Gateway, sample: &Sample) -> anyhow::Result<Outcome> {
    let mut client = client(world, sample.identity).await?;
    let query = Some(query(gateway, sample)?);
    let request = wire::QueryRequest { query, ..Default::default() };
    let mut stream = match client.query(request).await {
        Ok(response) => response.into_inner(),
        Err(status) => return Ok(Outcome::Refused(status)),
    };
    let mut answer = Answer::default();
    while let Some(message) = stream.message().await? {
        match message.message {
            Some(Message::Plan(plan)) => answer.plans.push(plan),
            Some(Message::Batch(batch)) => answer.records.extend(batch.records),
            Some(Message::SourceStatus(status)) => answer.statuses.push(status),
            Some(Message::Receipt(receipt)) => answer.receipt = Some(receipt),
            Some(Message::Header(_)) | None => {}
        }
    }
    Ok(Outcome::Answered(Box::new(answer)))
}

fn reason(status: &tonic::Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

fn show_refusal(status: &tonic::Status, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "   DENY {}: {}", reason(status), status.message())?;
    if let Some(info) = status.get_details_error_info() {
        for (key, word) in
            [("rules", "by"), ("remedy", "what would help"), ("refills_at", "refills")]
        {
            if let Some(value) = info.metadata.get(key) {
                writeln!(out, "   {word}: {value}")?;
            }
        }
    }
    Ok(())
}

async fn show_answer(
    world: &World,
    gateway: &Gateway,
    sample: &Sample,
    answer: &Answer,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    writeln!(out, "   ALLOW {} records; the fullest one, field by field:", answer.records.len())?;
    let policy = gateway.broker.policy.load();
    let record_type = policy
        .record_type(&sample.record_type.into())
        .with_context(|| format!("{} is not registered", sample.record_type))?;
    let Some(record) = show::fullest(record_type, &answer.plans, &answer.records)? else {
        return Ok(());
    };
    let plan = answer.plans.iter().find(|plan| plan.index == record.plan);
    let plan = plan.context("a record without a plan")?;
    let held = at_source(world, gateway, sample, plan, record).await?;
    writeln!(out, "{}", show::side_by_side(record_type, plan, record, held.as_deref())?)?;
    for status in &answer.statuses {
        writeln!(
            out,
            "   {}: {:?}, {} released",
            status.agency,
            status.completeness(),
            status.records_released
        )?;
    }
    if let Some(proof) = answer.receipt.as_ref().and_then(|receipt| receipt.proof.as_ref()) {
        writeln!(out, "   receipt: log entry {}, proved by a signed checkpoint", proof.index)?;
    }
    Ok(())
}

/// The same record as its source holds it: the gateway alone can open the reference, and asks the source
/// for this one record.
async fn at_source(
    world: &World,
    gateway: &Gateway,
    sample: &Sample,
    plan: &wire::Plan,
    record: &wire::ReleasedRecord,
) -> anyhow::Result<Option<bytes::Bytes>> {
    let scope = PseudonymScope(plan.pseudonym_scope.as_str().into());
    let agency = AgencyId::new(sample.source);
    let key = gateway.broker.pseudonyms.opening(&scope);
    let (_, id) = key.open_reference([&agency], &record.reference)?;
    let running = world.sources.iter().find(|source| source.agency == sample.source);
    let running = running.with_context(|| format!("{} has no source here", sample.source))?;
    let operator = world.exchange.gateway()?;
    let files = world.exchange.agency(sample.source)?;
    let identity = ClientIdentity::load(&ClientFiles {
        certificate: operator.certificate.clone(),
        key: operator.key.clone(),
        roots: vec![files.ca.clone()],
        crls: vec![files.crl.clone()],
    })?;
    let expected = PeerId::new(&world.exchange.trust_domain, sample.source, "source")
        .map_err(|_| anyhow::anyhow!("not a source's name"))?;
    let channel = channel(
        &running.address.to_string(),
        &identity,
        ExpectedServer::Spiffe(expected),
        &Clock::system(),
        &ConnectLimits::default(),
    )?;
    let request = source::SearchRequest {
        exchange_id: "playground".to_owned(),
        record_type: sample.record_type.to_owned(),
        only: Some(source::OnlyThese { opaque_ids: vec![id.into()] }),
        asker: Some(source::Asker {
            agency: world.exchange.gateway_agency.clone(),
            system: "gateway".to_owned(),
            purpose: sample.purpose.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut stream = SourceServiceClient::new(channel).search(request).await?.into_inner();
    while let Some(message) = stream.message().await? {
        if let Some(source::search_response::Message::Batch(batch)) = message.message {
            return Ok(batch.records.into_iter().next().map(|record| record.payload));
        }
    }
    Ok(None)
}

async fn explain(
    world: &World,
    gateway: &Gateway,
    sample: &Sample,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    // The same agency, for the purpose that its agreement does know.
    let mut query = query(gateway, sample)?;
    query.set_purpose(wire::Purpose::Investigation);
    let mut client = client(world, sample.identity).await?;
    let answer = client
        .explain(wire::ExplainRequest { query: Some(query), ..Default::default() })
        .await?
        .into_inner();
    writeln!(
        out,
        "   explained: for INVESTIGATION it would be {} under {}, with this plan:",
        if answer.allowed { "allowed" } else { "denied" },
        answer.agreement_id
    )?;
    if let Some(plan) = answer.plans.first() {
        writeln!(out, "{}", show::plan_summary(plan))?;
    }
    Ok(())
}

async fn run_out(
    world: &World,
    gateway: &Gateway,
    number: usize,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    title(out, number, &BUDGET)?;
    for turn in 1..=4 {
        match ask(world, gateway, &BUDGET).await? {
            Outcome::Answered(answer) => {
                writeln!(out, "   query {turn}: ALLOW {} records", answer.records.len())?;
            }
            Outcome::Refused(status) => {
                writeln!(out, "   query {turn}: refused")?;
                show_refusal(&status, out)?;
                return Ok(turn == 4 && reason(&status) == BUDGET.expect);
            }
        }
    }
    Ok(false)
}

async fn verify_log(world: &World, gateway: &Gateway, out: &mut dyn Write) -> anyhow::Result<bool> {
    let store = Store::open_read_only(&world.dir.join("gateway.sqlite")).await?;
    let verifier = gateway.broker.audit.verifier();
    let report = verify(&store, verifier, &Outside::default()).await;
    store.close().await;
    let [intents, disclosures, outcomes, denials, _] = report.kinds;
    writeln!(
        out,
        "\nThe log, read again from disk with nothing but its public key: {}, {} entries \
         ({intents} intents, {disclosures} disclosures, {outcomes} outcomes, {denials} denials), \
         {} signed checkpoints, root {}",
        if report.sound() { "sound" } else { "NOT SOUND" },
        report.size,
        report.checkpoints,
        report.root,
    )?;
    for fault in &report.faults {
        writeln!(out, "   {}: {fault}", fault.word())?;
    }
    Ok(report.sound())
}
