//! `portcullis-sim exchange`: from a pack to an exchange of agencies, in one command.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use portcullis_sim::agency::{Exchange, Made};
use portcullis_sim::generate::{Job, Layout, Part, generate};
use portcullis_sim::write::CsvFiles;

/// Arguments of `exchange`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    wanted: super::Wanted,
    /// Folder of the exchange; it must not be there yet.
    #[arg(long)]
    out: PathBuf,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Makes an exchange, whole or not at all.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let out = &arguments.out;
    if out.exists() {
        bail!("{} is there already: name a new folder", out.display());
    }
    let stop = super::interrupted()?;
    let made = make(arguments, &stop);
    if made.is_err() && out.exists() {
        std::fs::remove_dir_all(out)
            .with_context(|| format!("cannot remove what was begun in {}", out.display()))?;
    }
    let made = made?;
    if arguments.json {
        return super::print(&(serde_json::to_string(&made)? + "\n"));
    }
    super::print(&format!("\nRun it:  portcullis playground --exchange {}\n", out.display()))
}

fn make(arguments: &Arguments, stop: &AtomicBool) -> anyhow::Result<Vec<Made>> {
    let out: &Path = &arguments.out;
    let world = arguments.wanted.world()?;
    let engine = arguments.wanted.engine(&world)?;
    let generated = out.join("generated");
    let (part, layout, threads) = (Part::WHOLE, Layout::Flat, super::threads(None));
    let job = Job { part, threads, layout, out: &generated };
    generate(&engine, &CsvFiles, job, stop, &mut |_, _| {})?;
    // The truth is the trainer's alone: out of the way of what agencies serve.
    let truth = out.join("truth");
    std::fs::rename(generated.join("truth"), &truth)
        .with_context(|| format!("cannot make {}", truth.display()))?;
    let mut exchange = Exchange::new(&world, out);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(exchange.agencies(&generated, |made| {
        let (rows, tables) = (made.rows, made.tables.len());
        let line = format!("{:<24} {rows:>10} rows in {tables} tables\n", made.agency);
        (arguments.json || super::print(&line).is_ok()) && !stop.load(Ordering::Relaxed)
    }))?;
    let made = exchange.finish()?;
    std::fs::remove_dir_all(&generated)
        .with_context(|| format!("cannot remove {}", generated.display()))?;
    Ok(made)
}
