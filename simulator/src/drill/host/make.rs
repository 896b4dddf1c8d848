//! Makes the exchange of a plot: the world's agencies with their databases, mappings and agreements.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;

use crate::agency::{Exchange, Made};
use crate::drill::now::Now;
use crate::drill::plot::Plot;
use crate::drill::scenario::Scenario;
use crate::generate::{Job, Layout, Part, generate};
use crate::write::CsvFiles;

/// Before anything of any world, in seconds since 1970: the first moment of the year 1.
pub const BEFORE: i64 = -62_135_596_800;

/// Makes it in a new folder. Its records end before the world begins, so that nothing is told until a drill moves them on.
///
/// # Errors
/// What cannot be made.
pub async fn make(scenario: &Scenario, plot: &Plot, dir: &Path) -> anyhow::Result<Vec<Made>> {
    let engine = Plot::engine(&plot.world, scenario)?;
    let generated = dir.join("generated");
    let threads = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
    let job = Job { part: Part::WHOLE, threads, layout: Layout::Flat, out: &generated };
    generate(&engine, &CsvFiles, job, &AtomicBool::new(false), &mut |_, _| {})?;
    let mut exchange = Exchange::new(&plot.world, dir).by_now();
    exchange.agencies(&generated, |_| true).await?;
    let made = exchange.finish()?;
    let holders = made.iter().filter(|made| !made.tables.is_empty());
    Now::open(dir, holders.map(|made| made.agency.as_str())).await?.set_all(BEFORE).await?;
    // The truth is in the plot, and nowhere where somebody could ask for it.
    std::fs::remove_dir_all(&generated)
        .with_context(|| format!("cannot remove {}", generated.display()))?;
    Ok(made)
}
