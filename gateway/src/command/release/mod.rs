//! `portcullis release`: ask an originator to show more of one record, decide on what others ask, see how it stands.
//! What is granted is then fetched with `portcullis query --release ID`.

mod decide;
mod show;
mod watch;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use portcullis_core::id::Moment;
use portcullis_core::release::State;
use portcullis_proto::digest::query_digest;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use tonic::transport::Channel;

use super::agreement::{moment, within};
use super::query::{MAX_BYTES, Reached, reach, read_token, tell};
use crate::client::{Format, Profile, QueryWords, Refused, UsageError, connect};

pub use decide::DecideArgs;

/// Release requests.
#[derive(Subcommand)]
pub enum ReleaseCommand {
    /// Ask the originator of one record to show more of named fields.
    Request(RequestArgs),
    /// Decide: grant, refuse, ask back, take a grant back; or, as the requester, answer or withdraw.
    Decide(DecideArgs),
    /// Requests that your agency made or is asked.
    List(ListArgs),
    /// Steps as they are taken, until Ctrl-C.
    Watch(WatchArgs),
}

/// What is asked: the words of a query with one `--reference`, the `--fields` wanted, and the reason.
#[derive(Args)]
pub struct RequestArgs {
    #[command(flatten)]
    words: QueryWords,
    /// An answer is wanted by then, such as 2027-01-01T00:00:00Z [default: when it lapses].
    #[arg(long, value_name = "TIME")]
    due: Option<String>,
    /// The same request under the same key is made once.
    #[arg(long, value_name = "KEY", default_value = "", hide_default_value = true)]
    idempotency_key: String,
    /// A token of your agency for the officer and this request; `-`: from standard input.
    #[arg(long, value_name = "FILE")]
    officer_token: Option<PathBuf>,
    /// Print the digest that an officer's token has to name, and ask nobody.
    #[arg(long)]
    digest: bool,
    /// One JSON document.
    #[arg(long)]
    json: bool,
}

/// Which requests.
#[derive(Args)]
pub struct ListArgs {
    /// Profile of a system of your agency.
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// Only in these states: pending, asked-back, granted, refused, lapsed, withdrawn, revoked.
    #[arg(long, value_delimiter = ',', value_name = "STATE,..", value_parser = parse_state)]
    state: Vec<State>,
    /// Only those whose answer is overdue.
    #[arg(long)]
    overdue: bool,
    /// One JSON document.
    #[arg(long)]
    json: bool,
}

/// From where on.
#[derive(Args)]
pub struct WatchArgs {
    /// Profile of a system of your agency.
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// Behind this position.
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    after: u64,
    /// End after so many steps.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Runs the command; false: something is refused, and it was said why.
///
/// # Errors
/// A profile that cannot be used, words that make no sense.
pub async fn run(command: ReleaseCommand, out: &mut (dyn Write + Send)) -> anyhow::Result<bool> {
    match command {
        ReleaseCommand::Request(args) => request(args, out).await,
        ReleaseCommand::Decide(args) => decide::run(args, out).await,
        ReleaseCommand::List(args) => list(args, out).await,
        ReleaseCommand::Watch(args) => watch::run(args, out).await,
    }
}

async fn request(args: RequestArgs, out: &mut dyn Write) -> anyhow::Result<bool> {
    let format = format(args.json);
    let officer_token = args.officer_token.as_deref().map(read_token).transpose()?;
    let due = moment(args.due.as_deref())?.map(Moment::to_proto);
    let Reached { profile, channel, record_type } = match reach(&args.words).await? {
        Ok(reached) => reached,
        Err(refused) => return tell(&refused, format, out),
    };
    let query = args.words.query(&record_type)?;
    if args.words.fields.is_empty() {
        anyhow::bail!(UsageError("--fields: name the fields that are asked for".to_owned()));
    }
    if args.digest {
        writeln!(out, "{}", hex::encode(query_digest(&query)))?;
        return Ok(true);
    }
    let ask = wire::RequestReleaseRequest {
        query: Some(query),
        due,
        idempotency_key: args.idempotency_key,
        officer_token: officer_token.unwrap_or_default(),
    };
    let done = within(&profile, client(channel).request_release(ask)).await;
    told(done.map(|done| done.release), args.json, out)
}

async fn list(args: ListArgs, out: &mut dyn Write) -> anyhow::Result<bool> {
    let profile = Profile::load(&args.profile)?;
    let mut client = client(connect(&profile).await?);
    let (mut all, mut after) = (vec![], String::new());
    loop {
        let ask = wire::ListReleasesRequest {
            states: args.state.iter().map(|state| *state as i32).collect(),
            overdue: args.overdue,
            after,
            limit: 0,
        };
        match within(&profile, client.list_releases(ask)).await {
            Ok(listed) => {
                all.extend(listed.releases);
                after = listed.next;
            }
            Err(refused) => return tell(&refused, format(args.json), out),
        }
        if after.is_empty() {
            break;
        }
    }
    show::list(&all, args.json, out)?;
    Ok(true)
}

fn client(channel: Channel) -> QueryServiceClient<Channel> {
    QueryServiceClient::new(channel).max_decoding_message_size(MAX_BYTES)
}

fn told(
    done: Result<Option<wire::Release>, Refused>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    match done {
        Ok(release) => show::one(&release.unwrap_or_default(), json, out).map(|()| true),
        Err(refused) => tell(&refused, format(json), out),
    }
}

fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Table }
}

fn parse_state(text: &str) -> Result<State, String> {
    let word = text.to_ascii_uppercase().replace('-', "_");
    State::from_word(&word).ok_or_else(|| {
        let known: Vec<&str> = State::ALL.iter().map(|state| state.word()).collect();
        format!("no such state; there are {}", known.join(", "))
    })
}
