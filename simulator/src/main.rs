//! portcullis-sim: parse arguments, call one function per subcommand. Exit status: 0 done, 1 failed, 2 usage.

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Synthetic trade with smuggling schemes hidden in it.
#[derive(Parser)]
#[command(name = "portcullis-sim", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an exchange of agencies from a pack: a database each, mappings, agreements, cases.
    Exchange(command::exchange::Arguments),
    /// Drills: agencies practise together through the real gateway.
    #[command(subcommand)]
    Drill(command::drill::Command),
    /// Measure a generated folder against the yardstick for realism.
    Describe(command::describe::Arguments),
    /// Generate a world's records: a folder a table, and the truth beside them.
    Generate(command::generate::Arguments),
    /// Check that the parts of a world are all there and unchanged, and join them.
    Join(command::join::Arguments),
    /// Load the rows of one agency into a database of its own.
    Load(command::load::Arguments),
    /// Cut the sample data of the gateway's playground from the demo pack's world.
    Samples(command::samples::Arguments),
    /// List the smuggling schemes: who holds which trace, and how hard each is.
    Schemes {
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
    /// Certify that the cases of a generated folder are solved together and by no agency alone.
    Verify(command::verify::Arguments),
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let outcome = match command {
        Command::Exchange(arguments) => command::exchange::run(&arguments),
        Command::Drill(command) => command::drill::run(&command),
        Command::Describe(arguments) => command::describe::run(&arguments),
        Command::Generate(arguments) => command::generate::run(&arguments),
        Command::Join(arguments) => command::join::run(&arguments),
        Command::Load(arguments) => command::load::run(&arguments),
        Command::Samples(arguments) => command::samples::run(&arguments),
        Command::Schemes { json } => command::schemes::run(json),
        Command::Verify(arguments) => command::verify::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portcullis-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}
