//! `portcullis-sim generate`.

use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use clap::ValueEnum;
use portcullis_sim::generate::{Format, Part, Summary, generate};
use portcullis_sim::rng::Seed;
use portcullis_sim::scheme::{Cases, Kind, Request};
use portcullis_sim::shipment::Engine;
use portcullis_sim::world::World;
use portcullis_sim::world::pack::Pack;
use portcullis_sim::write::{CsvFiles, JsonFiles};

/// Arguments of `generate`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the pack, or its pack.toml.
    #[arg(long)]
    pack: PathBuf,
    /// What everything drawn follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many consignments.
    #[arg(long)]
    consignments: u64,
    /// Folder for the files; made where it does not exist.
    #[arg(long)]
    out: PathBuf,
    /// Format of the files.
    #[arg(long, value_enum, default_value_t = FormatName::Csv)]
    format: FormatName,
    /// Part `i` of `n`, `i` from 0: the parts together are the whole.
    #[arg(long, default_value = "0/1", value_parser = part)]
    part: Part,
    /// True cases by scheme, such as `T01=3,T08=2`; by the pack's rates where nothing is said.
    #[arg(long, value_delimiter = ',', value_parser = wanted)]
    cases: Vec<(Kind, u64)>,
    /// Threads; as many as there are processors where nothing is said.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    Csv,
    Jsonl,
}

fn part(text: &str) -> Result<Part, String> {
    Part::parse(text).ok_or_else(|| "a part is `i/n` with i from 0 to n-1".to_owned())
}

/// Reads `T01=3`.
pub fn wanted(text: &str) -> Result<(Kind, u64), String> {
    let (id, count) = text.split_once('=').ok_or("cases are wanted as `T01=3`")?;
    let kind = Kind::parse(id)
        .filter(|kind| kind.is_scheme())
        .ok_or_else(|| format!("no scheme `{id}` is built"))?;
    Ok((kind, count.parse().map_err(|_| format!("`{count}` is no count"))?))
}

/// Generates.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let world = World::build(Pack::read(&arguments.pack)?, Seed(arguments.seed))?;
    let request = if arguments.cases.is_empty() {
        Request::by_rates(&world, arguments.consignments)
    } else {
        Request::of(&world, arguments.consignments, &arguments.cases)
    };
    let cases = Cases::new(&world, arguments.consignments, request)?;
    let engine = Engine::new(&world, arguments.consignments, cases)?;
    let summary = match arguments.format {
        FormatName::Csv => write(&engine, &CsvFiles, arguments)?,
        FormatName::Jsonl => write(&engine, &JsonFiles, arguments)?,
    };
    if arguments.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        for (table, rows) in &summary.rows {
            println!("{table:<26} {rows:>12} rows");
        }
        println!("{:<26} {:>12} cells in {}", "together", summary.cells, arguments.out.display());
    }
    Ok(())
}

fn write<F: Format>(engine: &Engine, format: &F, arguments: &Arguments) -> anyhow::Result<Summary> {
    let threads = arguments
        .threads
        .or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);
    let stop = AtomicBool::new(false);
    let terminal = std::io::stderr().is_terminal() && !arguments.json;
    let mut progress = |made: u64, total: u64| {
        if terminal {
            eprint!("\r{made} of {total} consignments");
        }
    };
    let summary =
        generate(engine, format, arguments.part, threads, &arguments.out, &stop, &mut progress);
    if terminal {
        eprintln!();
    }
    summary.with_context(|| format!("part {} of {}", arguments.part.index, arguments.part.count))
}
