//! `portcullis-sim describe`.

use std::path::PathBuf;

use anyhow::Context as _;
use portcullis_sim::describe::{self, page, text};
use portcullis_sim::rng::Seed;
use portcullis_sim::world::World;
use portcullis_sim::world::pack::Pack;

/// Arguments of `describe`.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
pub struct Arguments {
    /// Folder that `generate` wrote.
    folder: Option<PathBuf>,
    /// Files of the Korean import declarations to hold it against, or the folder they lie in.
    #[arg(long, num_args = 1..)]
    kcs: Vec<PathBuf>,
    /// Pack that the folder was made from: without it, gravity and declared marginals are skipped.
    #[arg(long, requires = "folder")]
    pack: Option<PathBuf>,
    /// Seed that the folder was made with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
    /// Write a page with plots, too.
    #[arg(long)]
    html: Option<PathBuf>,
    /// End with status 1 when a measure misses its bound.
    #[arg(long)]
    check: bool,
}

/// Describes.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let world = match &arguments.pack {
        Some(pack) => Some(World::build(Pack::read(pack)?, Seed(arguments.seed))?),
        None => None,
    };
    let mut kcs = vec![];
    for path in &arguments.kcs {
        if path.is_dir() {
            kcs.extend(describe::kcs_files(path));
        } else {
            kcs.push(path.clone());
        }
    }
    if arguments.folder.as_deref().is_some_and(describe::read::is_dirty) {
        eprintln!("this world was made with --dirt: the bounds are those of clean ones");
    }
    let report = describe::describe(arguments.folder.as_deref(), world.as_ref(), &kcs)?;
    if let Some(path) = &arguments.html {
        std::fs::write(path, page::write(&report))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let text = if arguments.json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else {
        text::write(&report)
    };
    super::print(&text)?;
    anyhow::ensure!(!(arguments.check && report.failed()), "a measure misses its bound");
    Ok(())
}
