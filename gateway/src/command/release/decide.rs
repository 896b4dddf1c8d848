//! `portcullis release decide`: one step of one release.

use std::io::Write;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use portcullis_core::id::Moment;
use portcullis_core::redact::Treatment;
use portcullis_core::release::Ground;
use portcullis_proto::digest::decision_digest;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::release_decision::Step;

use super::super::agreement::{moment, within};
use super::super::query::read_token;
use super::{client, told};
use crate::client::{Profile, connect};
use crate::service::treatment_to_wire;

/// What is decided.
#[derive(Args)]
#[command(group(ArgGroup::new("step").required(true).args(["grant", "refuse", "ask", "answer", "withdraw", "revoke"])))]
pub struct DecideArgs {
    /// Which release.
    id: String,
    /// Profile of a system of your agency.
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// Originator: show these fields, clear or as said: `importer.id,accepted_at=generalise:month`.
    #[arg(long, value_delimiter = ',', value_name = "FIELD[=TREATMENT],..")]
    grant: Vec<String>,
    /// Originator: show nothing, on this ground: national-interest, ongoing-investigation, legal-restriction,
    /// not-necessary, disproportionate, unreliable, other.
    #[arg(long, value_name = "GROUND", value_parser = parse_ground)]
    refuse: Option<Ground>,
    /// Originator: what has to be known first.
    #[arg(long, value_name = "TEXT")]
    ask: Option<String>,
    /// Requester: to a question.
    #[arg(long, value_name = "TEXT")]
    answer: Option<String>,
    /// Requester: it is needed no more.
    #[arg(long)]
    withdraw: bool,
    /// Originator: take a grant back, and why.
    #[arg(long, value_name = "TEXT")]
    revoke: Option<String>,
    /// Beside a grant, a refusal or a withdrawal: more of it, for the other agency.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    text: String,
    /// Of a grant: usable until then, at most as long as the agreement says.
    #[arg(long, value_name = "TIME", requires = "grant")]
    until: Option<String>,
    /// The officer who decides.
    #[arg(long, value_name = "OFFICER", default_value = "", hide_default_value = true)]
    officer: String,
    /// A token of your agency for the officer and this decision; `-`: from standard input.
    #[arg(long, value_name = "FILE")]
    officer_token: Option<PathBuf>,
    /// Only if this step is still the last.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    after_step: u32,
    /// Print the digest that an officer's token has to name, and decide nothing.
    #[arg(long)]
    digest: bool,
    /// One JSON document.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: DecideArgs, out: &mut dyn Write) -> anyhow::Result<bool> {
    let officer_token = args.officer_token.as_deref().map(read_token).transpose()?;
    let (json, digest) = (args.json, args.digest);
    let profile = Profile::load(&args.profile)?;
    let decision = decision(args)?;
    if digest {
        writeln!(out, "{}", hex::encode(decision_digest(&decision)))?;
        return Ok(true);
    }
    let ask = wire::DecideReleaseRequest {
        decision: Some(decision),
        officer_token: officer_token.unwrap_or_default(),
    };
    let mut client = client(connect(&profile).await?);
    let done = within(&profile, client.decide_release(ask)).await;
    told(done.map(|done| done.release), json, out)
}

fn decision(args: DecideArgs) -> anyhow::Result<wire::ReleaseDecision> {
    let step = if !args.grant.is_empty() {
        let fields = args.grant.iter().map(|text| field(text)).collect::<Result<_, _>>()?;
        let until = moment(args.until.as_deref())?.map(Moment::to_proto);
        Step::Grant(wire::ReleaseGrant { fields, remark: args.text, until })
    } else if let Some(ground) = args.refuse {
        Step::Refusal(wire::ReleaseRefusal { ground: ground as i32, text: args.text })
    } else if let Some(text) = args.ask {
        Step::Question(text)
    } else if let Some(text) = args.answer {
        Step::Answer(text)
    } else if let Some(text) = args.revoke {
        Step::Revocation(text)
    } else {
        Step::Withdrawal(args.text)
    };
    Ok(wire::ReleaseDecision {
        release_id: args.id,
        step: Some(step),
        officer: args.officer,
        after_step: args.after_step,
    })
}

fn field(text: &str) -> anyhow::Result<wire::ReleaseField> {
    let (path, treatment) = text.split_once('=').unwrap_or((text, "clear"));
    let treatment: Treatment = treatment
        .parse()
        .map_err(|error| crate::client::UsageError(format!("--grant {}: {error}", path)))?;
    let (treatment, level) = treatment_to_wire(treatment);
    let (treatment, level) = (treatment.into(), level.to_owned());
    Ok(wire::ReleaseField { path: path.to_owned(), treatment, level })
}

fn parse_ground(text: &str) -> Result<Ground, String> {
    let word = text.to_ascii_uppercase().replace('-', "_");
    Ground::from_word(&word).ok_or_else(|| {
        let known: Vec<&str> = Ground::ALL.iter().map(|ground| ground.word()).collect();
        format!("no such ground; there are {}", known.join(", "))
    })
}
