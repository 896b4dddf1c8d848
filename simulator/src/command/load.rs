//! `portcullis-sim load`.

use std::path::PathBuf;

use portcullis_sim::load::{Target, load};

/// Arguments of `load`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder that `generate` wrote, as CSV.
    #[arg(long)]
    from: PathBuf,
    /// Agency whose rows are loaded: a database for each.
    #[arg(long)]
    agency: String,
    /// `sqlite:FILE` or `postgres://USER@HOST:PORT/DATABASE`.
    #[arg(long, value_parser = Target::parse)]
    into: Target,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Loads.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let loaded = runtime.block_on(load(&arguments.from, &arguments.agency, &arguments.into))?;
    if arguments.json {
        println!("{}", serde_json::to_string(&loaded)?);
    } else {
        for (table, rows) in &loaded.rows {
            println!("{table:<26} {rows:>12} rows");
        }
    }
    Ok(())
}
