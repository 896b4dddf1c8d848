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
    /// Make a token for a digest: of a decision on a release, as `release decide --digest` prints it.
    Sign(SignArgs),
}

/// What a token for a digest is made of.
#[derive(Args, Debug)]
pub struct SignArgs {
    /// Profile of a system of the agency.
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// SHA-256, hexadecimal.
    #[arg(long, value_name = "HEX")]
    digest: String,
    /// The case that it is about.
    #[arg(long, value_name = "CASE", default_value = "", hide_default_value = true)]
    case: String,
    /// The officer.
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    #[command(flatten)]
    with: KeyWords,
}

/// With which key, and for how long.
#[derive(Args, Debug)]
pub struct KeyWords {
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

/// What a token is made of.
#[derive(Args, Debug)]
pub struct TokenArgs {
    #[command(flatten)]
    words: QueryWords,
    #[command(flatten)]
    with: KeyWords,
}

/// Runs the command; false: the gateway refused, and said so.
///
/// # Errors
/// A profile or key that cannot be used, words that do not fit the record type, or output that cannot be written.
pub async fn run(command: OfficerCommand, out: &mut dyn Write) -> anyhow::Result<bool> {
    let (profile, officer, with) = match &command {
        OfficerCommand::Token(args) => (&args.words.profile, &args.words.officer, &args.with),
        OfficerCommand::Sign(args) => (&args.profile, &args.officer, &args.with),
    };
    anyhow::ensure!(
        is_officer(officer),
        "--officer takes 1 to 128 of A-Z, a-z, 0-9, `.`, `_`, `@`, `+` and `-`"
    );
    let key = SigningKey::read(&with.key)?;
    let profile = Profile::load(profile)?;
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
    let (case, query_digest) = match &command {
        OfficerCommand::Token(args) => {
            let record_type = schema::fetch(channel, &args.words.record_type, timeout).await?;
            let query = args.words.query(&record_type)?;
            let digest = hex::encode(query_digest(&query));
            (query.case_id, digest)
        }
        OfficerCommand::Sign(args) => {
            let mut digest = [0; 32];
            hex::decode_to_slice(&args.digest, &mut digest)
                .context("--digest takes 64 hexadecimal digits")?;
            (args.case.clone(), hex::encode(digest))
        }
    };
    let mut jti = [0; 16];
    aws_lc_rs::rand::fill(&mut jti).context("no randomness")?;
    let now = Clock::system().now().seconds();
    let claims = Claims {
        iss: me.agency,
        sub: officer.clone(),
        aud: me.gateway,
        case_id: Some(case).filter(|case| !case.is_empty()),
        query_digest,
        jti: hex::encode(jti),
        iat: now,
        nbf: None,
        exp: now.saturating_add(with.lifetime.into()),
    };
    writeln!(out, "{}", officers::mint(&claims, &key, &with.kid)?)?;
    Ok(true)
}
