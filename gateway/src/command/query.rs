//! `portcullis query`: asks other agencies and shows what they may tell.

#[cfg(test)]
mod tests;

use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use portcullis_core::label::RecordType;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use tonic::Request;
use tonic::transport::Channel;

use crate::client::ask::FormatWord;
use crate::client::render::{self, Look};
use crate::client::schema::{self, SchemaError};
use crate::client::{Answer, Format, Profile, QueryWords, Refused, connect};

/// Largest message that is taken from a gateway.
pub(super) const MAX_BYTES: usize = 64 << 20;

/// Asks other agencies.
#[derive(Args, Debug)]
pub struct QueryArgs {
    #[command(flatten)]
    words: QueryWords,
    #[command(flatten)]
    format: FormatWord,
    /// The same query under the same key is decided again but charged once.
    #[arg(long, value_name = "KEY", default_value = "", hide_default_value = true)]
    idempotency_key: String,
    /// A token of your agency for the officer and this query; `-`: from standard input.
    #[arg(long, value_name = "FILE")]
    officer_token: Option<PathBuf>,
}

/// Runs the command; false: refused, failed or incomplete, and said so.
///
/// # Errors
/// A profile that cannot be used, words that do not fit the record type, or output that cannot be written.
pub async fn run(args: QueryArgs, out: &mut dyn Write) -> anyhow::Result<bool> {
    let format = args.format.format;
    let officer_token = args.officer_token.as_deref().map(read_token).transpose()?;
    let Reached { profile, channel, record_type } = match reach(&args.words).await? {
        Ok(reached) => reached,
        Err(refused) => return tell(&refused, format, out),
    };
    let timeout = Duration::from_secs(profile.timeout_seconds);
    let mut request = Request::new(wire::QueryRequest {
        query: Some(args.words.query(&record_type)?),
        idempotency_key: args.idempotency_key,
        officer_token: officer_token.unwrap_or_default(),
        resume_token: Default::default(),
    });
    request.set_timeout(timeout);
    let mut client = QueryServiceClient::new(channel).max_decoding_message_size(MAX_BYTES);
    let deadline = tokio::time::Instant::now() + timeout;
    let stream = match tokio::time::timeout_at(deadline, client.query(request)).await {
        Ok(Ok(response)) => response.into_inner(),
        Ok(Err(status)) => return tell(&Refused::of(&status), format, out),
        Err(_) => return tell(&timed_out(), format, out),
    };
    let mut answer = Answer::empty(record_type);
    if tokio::time::timeout_at(deadline, answer.gather(stream)).await.is_err() {
        answer.failure = Some(timed_out());
    }
    if let (None, Some(failure)) = (&answer.header, &answer.failure) {
        return tell(failure, format, out);
    }
    render::answer(&answer, format, Look::of_stdout(), out)?;
    match &answer.failure {
        // The JSON document says it already.
        Some(failure) if format != Format::Json => tell(failure, format, out),
        Some(_) => Ok(false),
        None => Ok(true),
    }
}

/// A gateway, and the record type that the words name there.
pub(super) struct Reached {
    pub profile: Profile,
    pub channel: Channel,
    pub record_type: Arc<RecordType>,
}

/// Reaches the gateway of a query's words; or why it refuses.
pub(super) async fn reach(words: &QueryWords) -> anyhow::Result<Result<Reached, Refused>> {
    let profile = Profile::load(&words.profile)?;
    let timeout = Duration::from_secs(profile.timeout_seconds);
    let channel = connect(&profile).await?;
    match schema::fetch(channel.clone(), &words.record_type, timeout).await {
        Ok(record_type) => Ok(Ok(Reached { profile, channel, record_type })),
        Err(SchemaError::Status(status)) => Ok(Err(Refused::of(&status))),
        Err(SchemaError::Usage(error)) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}

/// A token is never given as a word of the command line, where others on the machine could read it.
pub(super) fn read_token(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().take(1 << 16).read_to_string(&mut text).context("standard input")?;
    } else {
        let named = || format!("officer's token {}", file.display());
        text = std::fs::read_to_string(file).with_context(named)?;
    }
    let token = text.trim().to_owned();
    anyhow::ensure!(!token.is_empty(), "{}: holds no token", file.display());
    Ok(token)
}

/// Tells of a refusal: in the output for programs that read JSON, else beside it. Always false.
pub(super) fn tell(refused: &Refused, format: Format, out: &mut dyn Write) -> anyhow::Result<bool> {
    if format == Format::Json {
        let document = serde_json::json!({"complete": false, "failure": refused.to_json()});
        serde_json::to_writer_pretty(&mut *out, &document)?;
        writeln!(out)?;
    } else {
        out.flush()?;
        writeln!(std::io::stderr(), "{}", refused.render())?;
    }
    Ok(false)
}

pub(super) fn timed_out() -> Refused {
    let text = "the gateway took longer than the profile's timeout";
    Refused::by_client("TIMED_OUT", text)
}
