//! `portcullis source --config FILE`: serves an agency's CSV files as record types to its gateway.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::identity::{Credentials, HandshakeCounters, TrustStore};
use crate::source::adapter::{Settings, start};

/// Arguments of `portcullis source`.
#[derive(Debug, clap::Args)]
pub struct SourceArgs {
    /// Settings of the source; see gateway/samples/source.sample.toml.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
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
    let signals = Signals::install()?;
    let settings = Settings::read(&args.config)?;
    let stop = CancellationToken::new();
    let metrics = Arc::new(HandshakeCounters::default());
    let running = start(settings.clone(), clock, metrics, stop.clone()).await?;
    for held in running.source.held() {
        let (records, name) = (held.spool.records(), held.record_type.name());
        // What serves does not depend on whether anybody reads what it says.
        let _ = writeln!(out, "holds {records} records of {name}");
    }
    let _ = writeln!(out, "{} serves on {}", running.source.agency(), running.address);
    let _ = out.flush();
    tokio::spawn(signals.obey(settings, running.trust, running.credentials, stop));
    running.done.await.context("the server broke off")??;
    Ok(())
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
