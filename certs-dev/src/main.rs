//! certs-dev: writes a development exchange, good identities and bad ones, into a folder.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Parser;
use portcullis_certs_dev::{BadIdentity, Exchange, ExchangeSpec, bad_identities};
use time::OffsetDateTime;

/// Certificates for development and tests. Never for production: CA keys lie beside the certificates.
#[derive(Debug, Parser)]
#[command(name = "certs-dev", version)]
struct Args {
    /// Folder to write; created when missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Agencies beside the gateway's, separated by commas; two at least.
    #[arg(long, value_name = "A,B", value_delimiter = ',', default_value = "customs,licensing")]
    agencies: Vec<String>,
    /// Trust domain of every name.
    #[arg(long, value_name = "NAME", default_value = "exercise.portcullis.example")]
    trust_domain: String,
    /// Replace an exchange that is already there.
    #[arg(long)]
    force: bool,
    /// Print one JSON object instead of a list.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let present = args.out.join(Exchange::FILE);
    if present.exists() && !args.force {
        bail!("`{}` exists already: give --force to replace it", present.display());
    }
    let ids: Vec<&str> = args.agencies.iter().map(String::as_str).collect();
    let spec = ExchangeSpec { trust_domain: args.trust_domain.clone(), ..ExchangeSpec::new(&ids) };
    let now = now();
    let mut exchange = Exchange::generate(&args.out, &spec, now)?;
    let bad = bad_identities(&mut exchange, now)?;
    if args.json {
        println!("{}", serde_json::json!({ "exchange": exchange, "bad": bad }));
    } else {
        print(&exchange, &bad);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the binary's one look at the clock")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn print(exchange: &Exchange, bad: &[BadIdentity]) {
    for identity in &exchange.identities {
        println!("{:<24} {}", identity.name, identity.certificate.display());
    }
    for identity in bad {
        println!("bad/{:<20} {} ({:?})", identity.name, identity.why, identity.expect);
    }
}
