//! `portcullis-sim samples`: the sample data of the gateway's playground.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portcullis_sim::agency::samples;
use portcullis_sim::world::pack::Pack;

/// Arguments of `samples`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder whose samples are written anew: `gateway/samples` in this repository.
    #[arg(long)]
    out: PathBuf,
}

/// Writes the samples; mappings beside them stay as they are.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    for sample in samples(Pack::read(Path::new("demo"))?)? {
        let path = arguments.out.join(sample.path);
        let folder = path.parent().unwrap_or(&arguments.out);
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::write(&path, sample.text)
            .with_context(|| format!("cannot write {}", path.display()))?;
        super::print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}
