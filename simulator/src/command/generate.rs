//! `portcullis-sim generate`.

use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use clap::ValueEnum;
use portcullis_sim::generate::{Format, Job, Layout, Origin, Part, Summary, generate};
use portcullis_sim::shipment::Engine;
use portcullis_sim::write::{CsvFiles, JsonFiles, ParquetFiles, ProtoFiles};

/// Arguments of `generate`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    wanted: super::Wanted,
    /// Folder for the files; made where it does not exist. Parts of one world may share it.
    #[arg(long)]
    out: PathBuf,
    /// Format of the files.
    #[arg(long, value_enum, default_value_t = FormatName::Csv)]
    format: FormatName,
    /// How the files lie: `TABLE/FILE`, or `records/table=TABLE/agency=AGENCY/FILE`. Flat where nothing is said; hive
    /// for proto, whose records do not say who holds them.
    #[arg(long, value_enum)]
    layout: Option<LayoutName>,
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
    Parquet,
    Proto,
}

#[derive(Clone, Copy, ValueEnum)]
enum LayoutName {
    Flat,
    Hive,
}

impl Arguments {
    fn layout(&self) -> anyhow::Result<Layout> {
        match (self.format, self.layout) {
            (FormatName::Proto, Some(LayoutName::Flat)) => {
                anyhow::bail!("records do not say which agency holds them: proto needs hive")
            }
            (FormatName::Proto, None) | (_, Some(LayoutName::Hive)) => Ok(Layout::Hive),
            (_, None | Some(LayoutName::Flat)) => Ok(Layout::Flat),
        }
    }
}

fn part(text: &str) -> Result<Part, String> {
    Part::parse(text).ok_or_else(|| "a part is `i/n` with i from 0 to n-1".to_owned())
}

/// Generates.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let layout = arguments.layout()?;
    let stop = super::interrupted()?;
    let world = arguments.wanted.world()?;
    let engine = arguments.wanted.engine(&world)?;
    let threads = super::threads(arguments.threads);
    let job = Job { part: arguments.part, threads, layout, out: &arguments.out };
    let summary = match arguments.format {
        FormatName::Csv => write(&engine, &CsvFiles, job, &stop)?,
        FormatName::Jsonl => write(&engine, &JsonFiles, job, &stop)?,
        FormatName::Parquet => {
            let origin = Origin::new(&engine, "parquet", layout, job.part.count);
            write(&engine, &ParquetFiles::new(&origin)?, job, &stop)?
        }
        FormatName::Proto => {
            let format = ProtoFiles::new().map_err(anyhow::Error::msg)?;
            write(&engine, &format, job, &stop)?
        }
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
    job: Job<'_>,
    stop: &AtomicBool,
) -> anyhow::Result<Summary> {
    let mut progress = Progress { terminal: std::io::stderr().is_terminal(), tenths: 0 };
    let mut tell = |made, total| progress.tell(made, total);
    let made = generate(engine, format, job, stop, &mut tell);
    if progress.terminal {
        eprintln!();
    }
    made.with_context(|| {
        let (Part { index, count }, out) = (job.part, job.out.display());
        format!("part {index} of {count} in {out}, begun files end in .partial")
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
