//! The command line: one file per subcommand.

pub mod agreement;
pub mod audit;
pub mod case;
pub mod explain;
pub mod keys;
pub mod officer;
#[cfg(feature = "playground")]
pub mod playground;
pub mod query;
pub mod record_type;
pub mod release;
pub mod serve;
pub mod source;

use std::io::Write;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

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
    /// Tokens by which an agency vouches for its officers, for trials.
    #[command(subcommand)]
    Officer(officer::OfficerCommand),
    /// Verify or list a gateway's disclosure log.
    Audit(audit::AuditArgs),
    /// Agreements: write, check, sign, list, suspend, leave, end.
    #[command(subcommand)]
    Agreement(agreement::AgreementCommand),
    /// Cases and operation rooms: open, join, leave, close, list.
    #[command(subcommand)]
    Case(case::CaseCommand),
    /// Release requests: ask an originator to show more of one record, decide, list, watch.
    #[command(subcommand)]
    Release(release::ReleaseCommand),
    /// Record types of your own: check, register, list, withdraw.
    #[command(subcommand)]
    RecordType(record_type::RecordTypeCommand),
    /// Make keys for a gateway or an auditor.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
}

/// Runs one command; false: refused or failed, and said so.
///
/// # Errors
/// What stopped it. A reader of standard output that went away (`| head`) is no error: it has what it wanted.
pub async fn run(cli: Cli) -> anyhow::Result<bool> {
    let mut out = Output { inner: std::io::stdout(), gone: false };
    let done = dispatch(cli, &mut out).await;
    let flushed = out.flush();
    match done {
        Err(_) if out.gone => Ok(true),
        Ok(good) if out.gone => Ok(good),
        Ok(good) => Ok(flushed.map(|()| good)?),
        Err(error) => Err(error),
    }
}

async fn dispatch(cli: Cli, out: &mut Output) -> anyhow::Result<bool> {
    match cli.command {
        #[cfg(feature = "playground")]
        Command::Playground(args) => playground::run(args, out).await,
        Command::Serve(args) => serve::run(args, out).await,
        Command::Source(args) => source::run(args, Clock::system(), out).await.map(|()| true),
        Command::Query(args) => query::run(args, out).await,
        Command::Explain(args) => explain::run(args, out).await,
        Command::Officer(command) => officer::run(command, out).await,
        Command::Audit(args) => audit::run(args, out).await,
        Command::Agreement(command) => agreement::run(command, out).await,
        Command::Case(command) => case::run(command, out).await,
        Command::Release(command) => release::run(command, out).await,
        Command::RecordType(command) => record_type::run(command, out).await,
        Command::Keys(command) => keys::run(&command, out),
    }
}

/// Standard output that remembers whether its reader went away: a broken pipe elsewhere is not that.
struct Output {
    inner: std::io::Stdout,
    gone: bool,
}

impl Output {
    fn note<T>(&mut self, done: std::io::Result<T>) -> std::io::Result<T> {
        self.gone |=
            done.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe);
        done
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let done = self.inner.write(bytes);
        self.note(done)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let done = self.inner.flush();
        self.note(done)
    }
}

/// Ends at Ctrl-C or SIGTERM. The handlers stand as soon as this returns, not when it is first polled: what
/// begins afterwards is never ended without being cleaned up.
///
/// # Errors
/// Handlers that cannot be installed.
pub fn interrupted() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
