//! portcullis-sim: parse arguments, call one function per subcommand. Exit status: 0 done, 1 failed, 2 usage.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use portcullis_sim::scheme;

/// Synthetic trade with smuggling schemes hidden in it.
#[derive(Parser)]
#[command(name = "portcullis-sim", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the smuggling schemes: who holds which trace, and how hard each is. Generating them is not built yet.
    Schemes {
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let outcome = match command {
        Command::Schemes { json } => schemes(json),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portcullis-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn schemes(json: bool) -> anyhow::Result<()> {
    let text = if json { scheme::as_json()? } else { scheme::as_text() };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads has seen enough: `schemes | head` is no failure.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
