//! `portcullis officer`: tokens for officers. An agency's identity provider makes them; this makes them for trials,
//! with the same words as `query`, because a token is good for one query alone.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use portcullis_proto::digest::query_digest;
use portcullis_proto::directory::v1::WhoamiRequest;
use portcullis_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use tonic::Request;

use crate::client::{Profile, QueryWords, Refused, connect, schema};
use crate::clock::Clock;
use crate::officers::{self, Claims, SigningKey, is_officer};

/// Tokens of officers.
#[derive(Subcommand, Debug)]
pub enum OfficerCommand {
    /// Make a token for one query: the same words as that query's.
    Token(TokenArgs),
}

/// What a token is made of.
#[derive(Args, Debug)]
pub struct TokenArgs {
    #[command(flatten)]
    words: QueryWords,
    /// The agency's private key (PEM, PKCS#8; Ed25519 or ECDSA P-256).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// By which name the gateway knows the key.
    #[arg(long, value_name = "KID")]
    kid: String,
    /// Seconds for which the token is good.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    lifetime: u32,
}

/// Runs the command; false: the gateway refused, and said so.
///
/// # Errors
/// A profile or key that cannot be used, words that do not fit the record type, or output that cannot be written.
pub async fn run(command: OfficerCommand, out: &mut dyn Write) -> anyhow::Result<bool> {
    let OfficerCommand::Token(args) = command;
    let officer = &args.words.officer;
    anyhow::ensure!(
        is_officer(officer),
        "--officer takes 1 to 128 of A-Z, a-z, 0-9, `.`, `_`, `@`, `+` and `-`"
    );
    let key = SigningKey::read(&args.key)?;
    let profile = Profile::load(&args.words.profile)?;
    let timeout = Duration::from_secs(profile.timeout_seconds);
    let channel = connect(&profile).await?;
    let mut ask = Request::new(WhoamiRequest {});
    ask.set_timeout(timeout);
    let me = match DirectoryServiceClient::new(channel.clone()).whoami(ask).await {
        Ok(response) => response.into_inner(),
        Err(status) => {
            writeln!(std::io::stderr(), "{}", Refused::of(&status).render())?;
            return Ok(false);
        }
    };
    let record_type = schema::fetch(channel, &args.words.record_type, timeout).await?;
    let query = args.words.query(&record_type)?;
    let mut jti = [0; 16];
    aws_lc_rs::rand::fill(&mut jti).context("no randomness")?;
    let now = Clock::system().now().seconds();
    let claims = Claims {
        iss: me.agency,
        sub: officer.clone(),
        aud: me.gateway,
        case_id: Some(query.case_id.clone()).filter(|case| !case.is_empty()),
        query_digest: hex::encode(query_digest(&query)),
        jti: hex::encode(jti),
        iat: now,
        nbf: None,
        exp: now.saturating_add(args.lifetime.into()),
    };
    writeln!(out, "{}", officers::mint(&claims, &key, &args.kid)?)?;
    Ok(true)
}
