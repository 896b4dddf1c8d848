//! `drill replay`, `score`, `report`: everything again from the folder of a drill.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use portcullis_sim::drill::event::{Event, What};
use portcullis_sim::drill::log::events;
use portcullis_sim::drill::plot::Plot;
use portcullis_sim::drill::report;
use portcullis_sim::drill::scenario::Scenario;
use portcullis_sim::drill::score::{score as scored, yardstick};

/// Arguments of `drill replay`, `score` and `report`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the drill.
    folder: PathBuf,
    /// Folder for the report; `report` in the drill's folder where nothing is said.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// A drill that was played.
pub(super) struct Drill {
    pub scenario: Scenario,
    pub plot: Plot,
    pub events: Vec<Event>,
    pub hash: String,
}

/// What a drill was played with, rebuilt and held against what its log says.
pub(super) fn open(folder: &Path) -> anyhow::Result<Drill> {
    let (events, hash) = events(&folder.join("events.jsonl"))?;
    let scenario = Scenario::read(&folder.join("scenario"))?;
    let first = events.first().map(|event| &event.what);
    let Some(What::Began { scenario: name, scenario_hash, pack_hash, seed, engine, .. }) = first
    else {
        anyhow::bail!("{}: the log does not begin with the drill", folder.display());
    };
    ensure!(*scenario_hash == scenario.hash, "the scenario is not the one that was played");
    let known = env!("CARGO_PKG_VERSION");
    ensure!(engine == known, "played with version {engine} of the simulator; this is {known}");
    let scenario = Scenario { name: name.clone(), ..scenario };
    let plot = Plot::new(&scenario, Some(*seed))?;
    ensure!(*pack_hash == plot.pack_hash, "the pack is not the one that was played");
    Ok(Drill { scenario, plot, events, hash })
}

/// That a drill was stopped before its end, if it was.
fn unfinished(drill: &Drill, folder: &Path) -> String {
    let ended = drill.events.iter().any(|event| matches!(event.what, What::Ended { .. }));
    if ended {
        return String::new();
    }
    let folder = folder.display();
    format!(
        "This drill has not ended: these are the scores of what there is so far, without what the gateway's log says. \
         A drill with people goes on with `portcullis-sim drill resume {folder}`.\n"
    )
}

fn write(drill: &Drill, out: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let yard = runtime.block_on(yardstick(&drill.scenario, &drill.plot));
    report::write(out, &drill.scenario, &drill.plot, &drill.events, &drill.hash, &yard)
        .with_context(|| format!("cannot write the report in {}", out.display()))
}

/// Checks the log, and writes the report anew.
pub fn replay(arguments: &Arguments) -> anyhow::Result<()> {
    let drill = open(&arguments.folder)?;
    let out = arguments.out.clone().unwrap_or_else(|| arguments.folder.join("report"));
    write(&drill, &out)?;
    let (count, hash) = (drill.events.len(), &drill.hash);
    if arguments.json {
        let document =
            serde_json::json!({"events": count, "log": hash, "report": out.join("report.html")});
        return super::super::print(&(document.to_string() + "\n"));
    }
    super::super::print(&format!(
        "{count} events, each chained to the one before; log {hash}\n{}{}",
        unfinished(&drill, &arguments.folder),
        report::text(&drill.scenario, &scored(&drill.scenario, &drill.plot, &drill.events))
    ))
}

/// Prints the scores.
pub fn score(arguments: &Arguments) -> anyhow::Result<()> {
    let drill = open(&arguments.folder)?;
    let scored = scored(&drill.scenario, &drill.plot, &drill.events);
    let text = if arguments.json {
        serde_json::to_string_pretty(&scored)? + "\n"
    } else {
        unfinished(&drill, &arguments.folder) + &report::text(&drill.scenario, &scored)
    };
    super::super::print(&text)
}

/// Writes the report.
pub fn report(arguments: &Arguments) -> anyhow::Result<()> {
    let drill = open(&arguments.folder)?;
    let out = arguments.out.clone().unwrap_or_else(|| arguments.folder.join("report"));
    write(&drill, &out)?;
    super::super::print(&format!("{}\n", out.join("report.html").display()))
}
