//! The command line: one file per subcommand.

pub mod audit;
pub mod explain;
pub mod keys;
#[cfg(feature = "playground")]
pub mod playground;
pub mod query;
pub mod record_type;
pub mod serve;
pub mod source;

use clap::{Parser, Subcommand};

use crate::clock::Clock;

/// Need-to-know queries between agencies, redacted field by field, every disclosure proved.
#[derive(Parser)]
#[command(name = "portcullis", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try it: certificates, a gateway, agencies and sample data on this machine.
    #[cfg(feature = "playground")]
    Playground(playground::PlaygroundArgs),
    /// Run a gateway.
    Serve(serve::ServeArgs),
    /// Serve an agency's files as record types.
    Source(source::SourceArgs),
    /// Ask other agencies.
    Query(query::QueryArgs),
    /// See what a query would show, and why, without asking anybody.
    Explain(explain::ExplainArgs),
    /// Verify or list a gateway's disclosure log.
    Audit(audit::AuditArgs),
    /// Check a record type of your own.
    #[command(subcommand)]
    RecordType(record_type::RecordTypeCommand),
    /// Make keys for a gateway or an auditor.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
}

/// Runs one command; false: refused or failed, and said so.
///
/// # Errors
/// What stopped it.
pub async fn run(cli: Cli) -> anyhow::Result<bool> {
    let mut out = std::io::stdout();
    match cli.command {
        #[cfg(feature = "playground")]
        Command::Playground(args) => playground::run(args, &mut out).await,
        Command::Serve(args) => serve::run(args, &mut out).await,
        Command::Source(args) => source::run(args, Clock::system()).await.map(|()| true),
        Command::Query(args) => query::run(args, &mut out).await,
        Command::Explain(args) => explain::run(args, &mut out).await,
        Command::Audit(args) => audit::run(args, &mut out).await,
        Command::RecordType(command) => record_type::run(&command, &mut out),
        Command::Keys(command) => keys::run(&command, &mut out),
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Without a handler the default action ends the process, which is what was asked for.
    let _ = tokio::signal::ctrl_c().await;
}
