//! `drill desk`: take part in a drill on a terminal.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis::client::{Profile, connect};
use portcullis_sim::drill::terminal::runner::Doors;
use portcullis_sim::drill::terminal::screen;
use tonic::transport::Channel;

/// Arguments of `drill desk`.
#[derive(clap::Args)]
pub struct Arguments {
    /// How to reach the drill (TOML, as for `portcullis query`).
    #[arg(long, value_name = "PROFILE")]
    drill: PathBuf,
    /// How to reach the gateway, to ask partners; trainers need none.
    #[arg(long, value_name = "PROFILE")]
    gateway: Option<PathBuf>,
}

/// Runs the desk until it is left.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if !screen::is_terminal() {
        eprintln!("portcullis-sim: a desk needs a terminal for input and output");
        std::process::exit(2);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(desk(arguments));
    // What is still under way is not waited for.
    runtime.shutdown_background();
    done
}

async fn desk(arguments: &Arguments) -> anyhow::Result<()> {
    let (drill, _) = door(&arguments.drill).await?;
    let gateway = match &arguments.gateway {
        Some(profile) => Some(door(profile).await?),
        None => None,
    };
    let patience = gateway.as_ref().map_or(Duration::from_secs(60), |(_, patience)| *patience);
    let doors = Doors { drill, gateway: gateway.map(|(channel, _)| channel), patience };
    screen::desk(&doors).await
}

async fn door(file: &Path) -> anyhow::Result<(Channel, Duration)> {
    let profile = Profile::load(file)?;
    let patience = Duration::from_secs(profile.timeout_seconds);
    Ok((connect(&profile).await?, patience))
}
