//! `drill prepare`.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use portcullis_sim::drill::join::{FILE, prepare};
use portcullis_sim::drill::plot::Plot;
use portcullis_sim::drill::scenario::Scenario;

use super::way::or_nothing;

/// Arguments of `drill prepare`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the scenario, or one that is built in: tutorial, five-agencies, day.
    #[arg(long)]
    scenario: PathBuf,
    /// New folder: the exchange, the scenario, and `join.toml` to be completed.
    #[arg(long)]
    out: PathBuf,
    /// World of another seed than the scenario's.
    #[arg(long)]
    seed: Option<u64>,
}

/// Prepares.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let scenario = Scenario::read(&arguments.scenario)?;
    let out = &arguments.out;
    ensure!(!out.exists(), "{} is there already: name a new folder", out.display());
    let plot = Plot::new(&scenario, arguments.seed)?;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let made = super::run::keep(&scenario, &out.join("scenario"))
        .and_then(|()| runtime.block_on(prepare(&scenario, &plot, out)));
    or_nothing(out, made)?;
    let (folder, file) = (out.display(), out.join(FILE));
    let file = file.display();
    super::super::print(&format!(
        "EXERCISE {}: the agencies' records are in {folder}/exchange, and tell nothing until a drill begins.\n\
         1. Serve them, each agency its own or all from one place:\n     \
            portcullis playground --exchange {folder}/exchange --dir {folder}/host --json\n\
         2. Complete {file}: the `log_key`, and whatever is elsewhere with you.\n\
         3. portcullis-sim drill check --join {file}\n\
         4. portcullis-sim drill run --join {file} --out DRILL --people all      (or --bots --headless)\n",
        scenario.title.trim(),
    ))
}
