//! `portcullis case`: open, join, leave and close cases and operation rooms at a gateway.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use portcullis_core::id::Moment;
use portcullis_proto::case::v1 as wire;
use portcullis_proto::case::v1::case_service_client::CaseServiceClient;
use serde_json::{Value, json};
use tonic::transport::Channel;

use super::agreement::{moment, within};
use super::query::tell;
use crate::client::render::table::table;
use crate::client::render::text::{cell, safe};
use crate::client::render::{Format, Look, time};
use crate::client::{Profile, Refused, connect};

/// Cases and operation rooms.
#[derive(Subcommand)]
pub enum CaseCommand {
    /// Open a case; your agency is its first member.
    Open {
        /// Its id, used once and never again.
        id: String,
        /// For people.
        #[arg(long, default_value = "")]
        title: String,
        /// Agencies to invite.
        #[arg(long, value_delimiter = ',', value_name = "AGENCY,..")]
        invite: Vec<String>,
        /// Open from then, such as 2027-01-01T00:00:00Z; at once if not given.
        #[arg(long, value_name = "TIME")]
        opens: Option<String>,
        /// Closed from then on; an operation room needs it.
        #[arg(long, value_name = "TIME")]
        closes: Option<String>,
        /// An operation room: its members share tokens that are its own.
        #[arg(long)]
        room: bool,
        /// The most that is told inside: `field ucr clear`, `category COMMERCIAL clear`, `others withhold`.
        #[arg(long, value_name = "RULE")]
        template: Vec<String>,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// Invite agencies to a case of which your agency is a member.
    Invite {
        /// Which case.
        id: String,
        /// Whom.
        #[arg(required = true)]
        agencies: Vec<String>,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// Join a case to which your agency is invited.
    Join {
        /// Which case.
        id: String,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// Leave a case; what flows to your agency under it ends.
    Leave {
        /// Which case.
        id: String,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// Close a case that your agency opened; what flows under it ends.
    Close {
        /// Which case.
        id: String,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// List cases that your agency opened, joined or is invited to.
    List {
        /// Where.
        #[command(flatten)]
        at: At,
    },
}

/// At which gateway, and how it is shown.
#[derive(Args)]
pub struct At {
    /// Profile of a system of your agency.
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// One JSON document.
    #[arg(long)]
    json: bool,
}

/// Runs the command; false: something is refused, and it was said why.
///
/// # Errors
/// A profile that cannot be used, a time that is none.
pub async fn run(command: CaseCommand, out: &mut dyn Write) -> anyhow::Result<bool> {
    macro_rules! call {
        ($at:ident, $method:ident, $request:expr, $said:literal) => {{
            let (profile, mut client) = reach(&$at.profile).await?;
            let done = within(&profile, client.$method($request)).await.map(|done| done.case);
            told(done, $said, $at.json, out)
        }};
    }
    match command {
        CaseCommand::Open { id, title, invite, opens, closes, room, template, at } => {
            let time = |text: Option<String>| -> anyhow::Result<_> {
                Ok(moment(text.as_deref())?.map(Moment::to_proto))
            };
            let (opens, closes) = (time(opens)?, time(closes)?);
            let ask = wire::OpenRequest { id, title, opens, closes, room, template, invite };
            call!(at, open, ask, "opened")
        }
        CaseCommand::Invite { id, agencies, at } => {
            call!(at, invite, wire::InviteRequest { id, agencies }, "invited")
        }
        CaseCommand::Join { id, at } => call!(at, join, wire::JoinRequest { id }, "joined"),
        CaseCommand::Leave { id, at } => call!(at, leave, wire::LeaveRequest { id }, "left"),
        CaseCommand::Close { id, at } => call!(at, close, wire::CloseRequest { id }, "closed"),
        CaseCommand::List { at } => list(&at, out).await,
    }
}

async fn list(at: &At, out: &mut dyn Write) -> anyhow::Result<bool> {
    let (profile, mut client) = reach(&at.profile).await?;
    let cases = match within(&profile, client.list(wire::ListRequest {})).await {
        Ok(listed) => listed.cases,
        Err(refused) => return tell(&refused, format(at.json), out),
    };
    if at.json {
        let all: Vec<Value> = cases.iter().map(document).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(true);
    }
    if cases.is_empty() {
        writeln!(out, "your agency has no case here")?;
        return Ok(true);
    }
    let mut table = table(Look::of_stdout());
    table.set_header(["case", "state", "closes", "opened by", "members", "invited"]);
    for case in &cases {
        table.add_row([
            cell(&case.id),
            state(case).to_owned(),
            time(case.closes.as_ref()),
            cell(&case.opened_by),
            cell(&case.members.join(", ")),
            cell(&case.invited.join(", ")),
        ]);
    }
    writeln!(out, "{table}")?;
    Ok(true)
}

async fn reach(profile: &Path) -> anyhow::Result<(Profile, CaseServiceClient<Channel>)> {
    let profile = Profile::load(profile)?;
    let client = CaseServiceClient::new(connect(&profile).await?);
    Ok((profile, client))
}

fn told(
    done: Result<Option<wire::Case>, Refused>,
    said: &str,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let case = match done {
        Ok(case) => case.unwrap_or_default(),
        Err(refused) => return tell(&refused, format(json), out),
    };
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&document(&case))?)?;
        return Ok(true);
    }
    let members = safe(&case.members.join(", "));
    writeln!(out, "{}: {said}; {}, members {members}", safe(&case.id), state(&case))?;
    Ok(true)
}

fn state(case: &wire::Case) -> &'static str {
    match (case.open, case.room) {
        (true, true) => "open room",
        (true, false) => "open",
        (false, _) => "not open",
    }
}

fn document(case: &wire::Case) -> Value {
    json!({
        "case": case.id,
        "title": case.title,
        "opened_by": case.opened_by,
        "members": case.members,
        "invited": case.invited,
        "opens": time(case.opens.as_ref()),
        "closes": case.closes.as_ref().map(|at| time(Some(at))),
        "open": case.open,
        "room": case.room,
        "template": case.template,
    })
}

fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Table }
}
