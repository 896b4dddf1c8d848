//! `portcullis serve`: run a gateway until it is told to stop.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::interrupted;
use crate::clock::Clock;
use crate::config::Config;
use crate::server::Gateway;
use crate::telemetry;

/// Runs a gateway.
#[derive(Args)]
pub struct ServeArgs {
    /// Configuration; `--sample` prints a commented one.
    #[arg(long, required_unless_present = "sample")]
    config: Option<PathBuf>,
    /// Print a configuration in which every key is explained, and end.
    #[arg(long)]
    sample: bool,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the gateway from starting, with file, line and field where it is about one.
pub async fn run(args: ServeArgs, out: &mut dyn Write) -> anyhow::Result<bool> {
    let path = match (args.sample, args.config) {
        (false, Some(path)) => path,
        _ => {
            write!(out, "{}", crate::config::SAMPLE)?;
            return Ok(true);
        }
    };
    let interrupted = interrupted()?;
    let config = Config::load(&path)?;
    let _telemetry = telemetry::install(&config.telemetry)?;
    let name = config.name.clone();
    let mut gateway = Gateway::start(config, Clock::system()).await?;
    // What serves does not depend on whether anybody reads what it says.
    let _ = writeln!(
        out,
        "{name} listens on {}, admin on http://{}, log key {}",
        gateway.address, gateway.admin_address, gateway.log_public_key
    );
    let _ = out.flush();
    tokio::select! {
        () = interrupted => {}
        failed = gateway.failed() => {
            failed?;
            anyhow::bail!("a listener ended by itself");
        }
    }
    let _ = writeln!(out, "draining");
    gateway.shut_down().await?;
    let _ = writeln!(out, "stopped; the log is closed");
    Ok(true)
}
