//! `portcullis explain`: what a query would show and why, without asking anybody.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use tonic::Request;

use super::query::{MAX_BYTES, Reached, reach, tell, timed_out};
use crate::client::ask::FormatWord;
use crate::client::render::{self, Look};
use crate::client::{QueryWords, Refused};

/// Explains a query.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    #[command(flatten)]
    words: QueryWords,
    #[command(flatten)]
    format: FormatWord,
    /// As if it came with an officer's token.
    #[arg(long)]
    as_officer: bool,
}

/// Runs the command; false: the query would be refused, or explaining it failed, and said so.
///
/// # Errors
/// A profile that cannot be used, words that do not fit the record type, or output that cannot be written.
pub async fn run(args: ExplainArgs, out: &mut dyn Write) -> anyhow::Result<bool> {
    let format = args.format.format;
    let Reached { profile, channel, record_type } = match reach(&args.words).await? {
        Ok(reached) => reached,
        Err(refused) => return tell(&refused, format, out),
    };
    let timeout = Duration::from_secs(profile.timeout_seconds);
    let query = Some(args.words.query(&record_type)?);
    let mut request = Request::new(wire::ExplainRequest { query, as_officer: args.as_officer });
    request.set_timeout(timeout);
    let mut client = QueryServiceClient::new(channel).max_decoding_message_size(MAX_BYTES);
    let explained = match tokio::time::timeout(timeout, client.explain(request)).await {
        Ok(Ok(response)) => response.into_inner(),
        Ok(Err(status)) => return tell(&Refused::of(&status), format, out),
        Err(_) => return tell(&timed_out(), format, out),
    };
    render::explain::write(&explained, format, Look::of_stdout(), out)?;
    Ok(explained.allowed)
}
