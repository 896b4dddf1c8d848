//! `portcullis playground`: a whole exchange on this machine, real certificates, real servers, sample data.
//! Runs a few queries, shows what the source holds beside what the requester got, verifies the log, then
//! stays up.

mod cast;
mod exchange;
mod show;
mod tour;
mod world;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub use cast::{CASES, sample_world};
pub use exchange::read as read_exchange;
pub use world::{
    GATEWAY_NAME, OFFICER_KEY, RunningSource, World, WorldAgency, WorldSource, WorldSpec,
};

use super::interrupted;
use crate::clock::Clock;
use crate::config::Telemetry;
use crate::server::Gateway;
use crate::telemetry;

/// Tries everything on this machine.
#[derive(Args)]
pub struct PlaygroundArgs {
    /// Where certificates, keys, data and the log go; a temporary folder unless given.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// A folder with the public customs declarations (df_syn_*_eng.csv), served as agency `kcs`.
    #[arg(long)]
    data: Option<PathBuf>,
    /// A folder with an exchange of agencies (`portcullis-sim exchange` makes one), in place of the samples.
    #[arg(long, conflicts_with = "data")]
    exchange: Option<PathBuf>,
    /// End after the sample queries, with status 0 if all went as it should.
    #[arg(long)]
    once: bool,
    /// Print one line of JSON when everything is up.
    #[arg(long)]
    json: bool,
    /// Traces over OTLP/gRPC, such as http://127.0.0.1:4317.
    #[arg(long)]
    otlp: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the exchange from coming up.
pub async fn run(args: PlaygroundArgs, out: &mut dyn Write) -> anyhow::Result<bool> {
    let log = std::env::var("PORTCULLIS_LOG").ok().or_else(|| Some("warn".to_owned()));
    let _telemetry = telemetry::install(&Telemetry { otlp_endpoint: args.otlp.clone(), log })?;
    // Before there is a folder to be removed.
    let stop = CancellationToken::new();
    let interrupted = interrupted()?;
    tokio::spawn({
        let stop = stop.clone();
        async move {
            interrupted.await;
            stop.cancel();
        }
    });
    let temporary = match &args.dir {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("portcullis-playground-").tempdir()?),
    };
    let dir = match (&args.dir, &temporary) {
        (Some(dir), _) => fresh(dir)?,
        (None, Some(dir)) => dir.path().to_owned(),
        (None, None) => anyhow::bail!("no folder"),
    };
    let good = play(&args, &dir, &stop, out).await;
    if let Some(temporary) = temporary {
        temporary.close().context("cannot remove the temporary folder")?;
    }
    good
}

/// Brings everything up, shows it, and takes it down again, whenever it is told to stop.
async fn play(
    args: &PlaygroundArgs,
    dir: &Path,
    stop: &CancellationToken,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let up = async {
        let clock = Clock::system();
        let spec = match &args.exchange {
            Some(folder) => exchange::read(folder)?,
            None => sample_world(dir, args.data.as_deref())?,
        };
        let world = World::build(dir, &spec, &clock).await?;
        let gateway = world.start(clock).await?;
        anyhow::Ok((spec, world, gateway))
    };
    let (spec, world, gateway) = tokio::select! {
        up = up => up?,
        () = stop.cancelled() => return Ok(!args.once),
    };
    let mut good = tokio::select! {
        good = display(args, &world, &gateway, &spec, out) => good,
        () = stop.cancelled() => Ok(!args.once),
    };
    if !args.once && good.is_ok() {
        stop.cancelled().await;
        if !args.json {
            // Whoever read the output may be gone: everything is still taken down.
            let told = writeln!(out, "\nstopping; open answers may end");
            good = good.and_then(|good| Ok(told.map(|()| good)?));
        }
    }
    gateway.shut_down().await?;
    world.stop_sources();
    good
}

async fn display(
    args: &PlaygroundArgs,
    world: &World,
    gateway: &Gateway,
    spec: &WorldSpec,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    if args.json {
        let samples = match args.exchange {
            Some(_) => vec![],
            None => tour::samples(args.data.is_some()),
        };
        writeln!(out, "{}", describe(world, gateway, spec, &samples))?;
        out.flush()?;
        return Ok(true);
    }
    if args.exchange.is_some() {
        who_takes_part(world, gateway, spec, out)?;
        return Ok(true);
    }
    let good = tour::run(world, gateway, args.data.is_some(), out).await?;
    if !args.once {
        how_to_go_on(world, gateway, out)?;
    }
    Ok(good)
}

/// A folder that is empty or does not exist yet: nothing of an earlier exchange is overwritten.
fn fresh(dir: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let used = std::fs::read_dir(dir)
        .with_context(|| format!("cannot read {}", dir.display()))?
        .next()
        .is_some();
    anyhow::ensure!(!used, "--dir: {} is not empty; name another folder", dir.display());
    Ok(dir.to_owned())
}

fn how_to_go_on(world: &World, gateway: &Gateway, out: &mut dyn Write) -> anyhow::Result<()> {
    let profile = world.profile("sm-customs", "targeting");
    writeln!(
        out,
        "\nThe exchange stays up: gateway {}, metrics http://{}/metrics. Ctrl-C ends it.\n\
         In another terminal:\n  \
         portcullis query --profile {p} Declaration --where 'items.hs_code prefix 85' \
         --purpose SHIPMENT_TARGETING --case CASE-2026-014\n  \
         portcullis explain --profile {p} Declaration --purpose INVESTIGATION --case CASE-2026-014\n  \
         portcullis audit verify --store {} --log-key '{}'",
        gateway.address,
        gateway.admin_address,
        world.dir.join("gateway.sqlite").display(),
        gateway.log_public_key,
        p = profile.display(),
    )?;
    out.flush()?;
    Ok(())
}

/// The agencies of an exchange, what they hold, and where their profiles lie.
fn who_takes_part(
    world: &World,
    gateway: &Gateway,
    spec: &WorldSpec,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    writeln!(out, "gateway {}, metrics http://{}/metrics", gateway.address, gateway.admin_address)?;
    for agency in &spec.agencies {
        let held = world.sources.iter().find(|source| source.agency == agency.id);
        let system = agency.systems.first().map_or("", String::as_str);
        writeln!(
            out,
            "{:<20} {:>9} records of {:>2} types   {}",
            agency.id,
            held.map_or(0, |held| held.records),
            held.map_or(0, |held| held.record_types.len()),
            world.profile(&agency.id, system).display(),
        )?;
    }
    writeln!(out, "The exchange stays up. Ctrl-C ends it.")?;
    out.flush()?;
    Ok(())
}

/// The line of `--json`.
fn describe(world: &World, gateway: &Gateway, spec: &WorldSpec, samples: &[tour::Sample]) -> Value {
    let operator = &world.exchange.gateway_agency;
    let bundle = world.exchange.agency(operator).map(|files| files.ca.clone()).unwrap_or_default();
    let identities: Vec<Value> = world
        .exchange
        .identities
        .iter()
        .map(|identity| {
            json!({
                "name": identity.name,
                "agency": identity.agency,
                "role": format!("{:?}", identity.role).to_lowercase(),
                "spiffe_id": identity.spiffe_id,
                "certificate": identity.certificate,
                "key": identity.key,
                "profile": world.profile(&identity.agency, &identity.system),
            })
        })
        .collect();
    let sources: Vec<Value> = world
        .sources
        .iter()
        .map(|source| {
            json!({
                "agency": source.agency,
                "address": source.address.to_string(),
                "record_types": source.record_types,
                "records": source.records,
            })
        })
        .collect();
    let policy = gateway.broker.policy.load();
    let agreements: Vec<String> =
        policy.agreements().map(|agreement| agreement.id.to_string()).collect();
    let cases: Vec<String> = policy.cases().iter().map(|case| case.id.to_string()).collect();
    json!({
        "dir": world.dir,
        "gateway": {
            "address": gateway.address.to_string(),
            "admin_address": gateway.admin_address.to_string(),
            "server_name": "localhost",
            "trust_bundle": bundle,
            "log_public_key": gateway.log_public_key,
            "store": world.dir.join("gateway.sqlite"),
            "config": world.config,
        },
        "environment": "EXERCISE",
        "agencies": spec.agencies.iter().map(|agency| agency.id.clone()).collect::<Vec<_>>(),
        "identities": identities,
        "sources": sources,
        "agreements": agreements,
        "cases": cases,
        "sample_queries": samples.iter().map(tour::Sample::to_json).collect::<Vec<_>>(),
    })
}
