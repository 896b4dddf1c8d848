//! `portcullis-sim generate`.

use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use clap::ValueEnum;
use portcullis_sim::generate::{Format, Part, Summary, generate};
use portcullis_sim::shipment::Engine;
use portcullis_sim::write::{CsvFiles, JsonFiles};

/// Arguments of `generate`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    wanted: super::Wanted,
    /// Folder for the files; made where it does not exist.
    #[arg(long)]
    out: PathBuf,
    /// Format of the files.
    #[arg(long, value_enum, default_value_t = FormatName::Csv)]
    format: FormatName,
    /// Part `i` of `n`, `i` from 0: the parts together are the whole.
    #[arg(long, default_value = "0/1", value_parser = part)]
    part: Part,
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

/// Generates.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let stop = super::interrupted()?;
    let world = arguments.wanted.world()?;
    let engine = arguments.wanted.engine(&world)?;
    let summary = match arguments.format {
        FormatName::Csv => write(&engine, &CsvFiles, arguments, &stop)?,
        FormatName::Jsonl => write(&engine, &JsonFiles, arguments, &stop)?,
    };
    if arguments.json {
        return super::print(&(serde_json::to_string(&summary)? + "\n"));
    }
    let rows = summary.rows.iter().map(|(table, rows)| format!("{table:<26} {rows:>12} rows\n"));
    let cells = summary.cells;
    let out = arguments.out.display();
    let together = format!("{:<26} {cells:>12} cells in {out}\n", "together");
    super::print(&(rows.collect::<String>() + &together))
}

fn write<F: Format>(
    engine: &Engine,
    format: &F,
    arguments: &Arguments,
    stop: &AtomicBool,
) -> anyhow::Result<Summary> {
    let threads = super::threads(arguments.threads);
    let mut progress = Progress { terminal: std::io::stderr().is_terminal(), tenths: 0 };
    let mut tell = |made, total| progress.tell(made, total);
    let made = generate(engine, format, arguments.part, threads, &arguments.out, stop, &mut tell);
    if progress.terminal {
        eprintln!();
    }
    made.with_context(|| {
        let out = arguments.out.display();
        format!(
            "part {} of {} in {out}, begun files end in .partial",
            arguments.part.index, arguments.part.count
        )
    })
}

/// A line that counts on a terminal, a line for each tenth elsewhere.
struct Progress {
    terminal: bool,
    tenths: u64,
}

impl Progress {
    fn tell(&mut self, made: u64, total: u64) {
        if self.terminal {
            eprint!("\r{made} of {total} consignments");
        } else if let Some(tenths) = (made * 10).checked_div(total).filter(|now| *now > self.tenths)
        {
            self.tenths = tenths;
            eprintln!("{made} of {total} consignments");
        }
    }
}
