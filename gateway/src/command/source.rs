//! `portcullis source --config FILE`: serves an agency's files and tables as record types to its gateway.
//! `portcullis source id`: the opaque id of one of its rows.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::client::UsageError;
use crate::clock::Clock;
use crate::identity::{Credentials, HandshakeCounters, TrustStore};
use crate::source::adapter::{Mapping, Settings, start};

/// Arguments of `portcullis source`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct SourceArgs {
    #[command(subcommand)]
    command: Option<SourceCommand>,
    /// Settings of the source; see gateway/samples/source.sample.toml.
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum SourceCommand {
    /// Print the opaque id of a row: what a gateway's log knows the record by.
    Id(IdArgs),
}

#[derive(Debug, clap::Args)]
struct IdArgs {
    /// Settings of the source.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Record type, as its mapping names it.
    #[arg(long = "type", value_name = "TYPE")]
    record_type: String,
    /// What the row's id columns hold, in the mapping's order.
    #[arg(required = true)]
    key: Vec<String>,
}

/// Serves until SIGTERM or Ctrl-C, then finishes what runs. SIGHUP reads certificate, key, bundles and
/// revocation lists anew; on an error what was loaded stays.
///
/// # Errors
/// Everything that is wrong with settings, mappings and data, before anything is served.
pub async fn run(
    args: SourceArgs,
    clock: Clock,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let config = match (args.command, args.config) {
        (Some(SourceCommand::Id(args)), _) => return print_id(&args, out),
        (None, Some(config)) => config,
        (None, None) => return Err(UsageError("--config is needed".into()).into()),
    };
    let signals = Signals::install()?;
    let settings = Settings::read(&config)?;
    let stop = CancellationToken::new();
    let metrics = Arc::new(HandshakeCounters::default());
    let running = start(settings.clone(), clock, metrics, stop.clone()).await?;
    for held in running.source.held() {
        let (records, name) = (held.records(), held.record_type().name());
        // What serves does not depend on whether anybody reads what it says.
        let _ = writeln!(out, "holds {records} records of {name}");
    }
    let _ = writeln!(out, "{} serves on {}", running.source.agency(), running.address);
    let _ = out.flush();
    tokio::spawn(signals.obey(settings, running.trust, running.credentials, stop));
    running.done.await.context("the server broke off")??;
    Ok(())
}

/// The data are not read, only the mapping: a row that has left them was disclosed all the same.
fn print_id(args: &IdArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let settings = Settings::read(&args.config)?;
    let mut types = vec![];
    for mapping in &settings.mappings {
        let (record_type, columns) = Mapping::key_of(&mapping.file)?;
        if record_type != args.record_type {
            types.push(record_type);
            continue;
        }
        if columns.len() != args.key.len() {
            let wanted = columns.join("`, `");
            return Err(UsageError(format!("the id of a row is of `{wanted}`")).into());
        }
        let cells = args.key.iter().map(|cell| cell.trim());
        let id = settings.holder.id_key.opaque(&record_type, cells);
        writeln!(out, "{}", hex::encode(id))?;
        return Ok(());
    }
    let held = types.join("`, `");
    Err(UsageError(format!("the source holds `{held}`, no `{}`", args.record_type)).into())
}

/// Handlers that stand before anything is loaded or said, so that no signal is lost or ends it in the midst.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn install() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn obey(
        mut self,
        settings: Settings,
        trust: TrustStore,
        credentials: Credentials,
        stop: CancellationToken,
    ) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hangup.recv() => reload(&settings, &trust, &credentials),
            }
        }
        tracing::info!("stopping; searches that run are finished");
        stop.cancel();
    }
}

fn reload(settings: &Settings, trust: &TrustStore, credentials: &Credentials) {
    let (certificate, key) = &settings.credentials;
    let done = trust.reload(&settings.trust).and_then(|()| credentials.reload(certificate, key));
    match done {
        Ok(()) => tracing::info!("certificates and revocation lists read anew"),
        Err(error) => tracing::error!(reason = error.reason(), "{error}; what was loaded stays"),
    }
}
