//! `portcullis-sim exchange`: from a pack to an exchange of agencies, in one command.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, bail};
use portcullis_sim::agency::Exchange;
use portcullis_sim::generate::{Part, generate};
use portcullis_sim::rng::Seed;
use portcullis_sim::scheme::{Cases, Kind, Request};
use portcullis_sim::shipment::Engine;
use portcullis_sim::world::World;
use portcullis_sim::world::pack::Pack;
use portcullis_sim::write::CsvFiles;

/// Arguments of `exchange`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the pack, or its pack.toml.
    #[arg(long)]
    pack: PathBuf,
    /// What everything drawn follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many consignments.
    #[arg(long, default_value_t = 20_000)]
    consignments: u64,
    /// True cases by scheme, such as `T01=3,T08=2`; by the pack's rates where nothing is said.
    #[arg(long, value_delimiter = ',', value_parser = super::generate::wanted)]
    cases: Vec<(Kind, u64)>,
    /// Folder of the exchange; it must not be there yet.
    #[arg(long)]
    out: PathBuf,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Makes an exchange.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.out.exists() {
        bail!("{} is there already: name a new folder", arguments.out.display());
    }
    let world = World::build(Pack::read(&arguments.pack)?, Seed(arguments.seed))?;
    let request = match arguments.cases.as_slice() {
        [] => Request::by_rates(&world, arguments.consignments),
        cases => Request::of(&world, arguments.consignments, cases),
    };
    let cases = Cases::new(&world, arguments.consignments, request)?;
    let engine = Engine::new(&world, arguments.consignments, cases)?;
    let generated = arguments.out.join("generated");
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    generate(
        &engine,
        &CsvFiles,
        Part::WHOLE,
        threads,
        &generated,
        &AtomicBool::new(false),
        &mut |_, _| {},
    )?;
    // The truth is the trainer's alone: out of the way of what agencies serve.
    let truth = arguments.out.join("truth");
    std::fs::rename(generated.join("truth"), &truth)
        .with_context(|| format!("cannot make {}", truth.display()))?;
    let mut exchange = Exchange::new(&world, &arguments.out);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(exchange.agencies(&generated, |made| {
        if !arguments.json {
            println!("{:<24} {:>10} rows in {} tables", made.agency, made.rows, made.tables.len());
        }
    }))?;
    let made = exchange.finish()?;
    std::fs::remove_dir_all(&generated)
        .with_context(|| format!("cannot remove {}", generated.display()))?;
    if arguments.json {
        println!("{}", serde_json::to_string(&made)?);
    } else {
        println!("\nRun it:  portcullis playground --exchange {}", arguments.out.display());
    }
    Ok(())
}
