//! `drill print`: papers for the day the network fails.

use std::path::PathBuf;

use anyhow::Context as _;
use portcullis_sim::drill::plot::Plot;
use portcullis_sim::drill::print;
use portcullis_sim::drill::scenario::Scenario;

/// Arguments of `drill print`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the scenario, or one that is built in.
    #[arg(long)]
    scenario: PathBuf,
    /// World of another seed than the scenario's.
    #[arg(long)]
    seed: Option<u64>,
    /// Folder for the papers; those of an earlier time are written over.
    #[arg(long)]
    out: PathBuf,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Writes them.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let scenario = Scenario::read(&arguments.scenario)?;
    let plot = Plot::new(&scenario, arguments.seed)?;
    let out = &arguments.out;
    let papers = print::write(out, &scenario, &plot)
        .with_context(|| format!("cannot write papers in {}", out.display()))?;
    if arguments.json {
        let document = serde_json::json!({
            "scenario": scenario.name, "seed": plot.seed, "papers": papers,
        });
        return super::super::print(&(document.to_string() + "\n"));
    }
    let lines: String =
        papers.iter().map(|paper| format!("{}.pdf and .html\n", paper.display())).collect();
    super::super::print(&format!("EXERCISE {}\n{lines}", scenario.title.trim()))
}
