//! Speed beside peers, in one run: `engine` for the redactor alone, `live` for the whole path over the wire,
//! `policy` for decisions and plans, `recipients` for the log's index of recipients.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a benchmark: what goes wrong ends it"
)]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub mod engine;
pub mod live;
pub mod policy;
pub mod recipients;
pub mod record;

/// Speed beside peers, in one run.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The redactor beside prost, reflection and memcpy.
    Engine(engine::Options),
    /// The gateway beside a byte proxy and nginx, over mutual TLS.
    Live(live::LiveArgs),
    /// Decisions and plans under many agreements, beside plain Cedar.
    Policy(policy::Options),
    /// Finding every recipient of a record in a large log, and what the index costs.
    Recipients(recipients::Options),
    /// The source of `live`; started by it.
    #[command(hide = true)]
    Source {
        /// Folder of the exchange.
        #[arg(long)]
        dir: PathBuf,
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
    },
    /// The byte proxy of `live`; started by it.
    #[command(hide = true)]
    Proxy {
        /// Folder of the exchange.
        #[arg(long)]
        dir: PathBuf,
        /// Address of the source.
        #[arg(long)]
        source: String,
        /// Do what no gateway can leave out.
        #[arg(long)]
        floor: bool,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Engine(options) => engine::run(&options),
        Command::Live(args) => live::run(&args),
        Command::Policy(options) => policy::run(&options),
        Command::Recipients(options) => runtime()?.block_on(recipients::run(&options)),
        Command::Source { dir, listen } => runtime()?.block_on(live::source(&dir, listen)),
        Command::Proxy { dir, source, floor } => {
            runtime()?.block_on(live::proxy(&dir, &source, floor))
        }
    }
}

/// As the gateway has it: as many threads as it may use cores.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
