//! `drill msel`: the list of injects of a scenario as CSV, and any list checked.

use std::path::PathBuf;

use anyhow::Context as _;
use portcullis_sim::drill::scenario::Scenario;

/// Arguments of `drill msel`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the scenario, or one that is built in.
    #[arg(long)]
    scenario: PathBuf,
    /// Write it there, in place of printing it.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Prints or writes it.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let scenario = Scenario::read(&arguments.scenario)?;
    let text = scenario.msel.to_csv();
    match &arguments.out {
        None => super::super::print(&text),
        Some(out) => {
            std::fs::write(out, text).with_context(|| format!("cannot write {}", out.display()))
        }
    }
}
