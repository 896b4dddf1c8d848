//! The live path beside peers: a byte proxy made with the same library, nginx, and the gateway with policy,
//! redaction and log on. Same source, same client, same TLS, one core for the server under test and another
//! one for source and client; rounds are interleaved, so that what else the machine does hits all alike.

mod child;
mod client;
mod data;
mod floor;
mod nginx;
mod raw;
mod report;
mod serve;
mod world;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use child::{Process, free_address, program};
use client::{Client, Load, Slice};
use world::Plan;

pub use serve::{proxy, source};

/// Core of the server under test.
const SERVER_CORE: usize = 0;
/// Core of source and client.
const OTHER_CORE: usize = 1;

/// How to run it.
#[derive(Args, Clone, Debug)]
pub struct LiveArgs {
    /// A few records, seconds: does it work at all?
    #[arg(long)]
    smoke: bool,
    /// Rounds; in each of them every load meets every server once.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of a slice, in milliseconds.
    #[arg(long, default_value_t = 1200)]
    slice: u64,
    /// Only servers whose name contains this (the byte proxy is always there).
    #[arg(long)]
    only: Option<String>,
    /// Only loads whose name contains this.
    #[arg(long)]
    load: Option<String>,
    /// Write everything into this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The gateway's binary, if it is not beside this one.
    #[arg(long)]
    gateway: Option<PathBuf>,
}

/// A server under test as one client sees it.
struct Contestant {
    name: &'static str,
    process: usize,
    client: Client,
}

/// One contestant under one load in one round.
pub struct Measured {
    /// The contestant.
    pub name: &'static str,
    /// The load.
    pub load: &'static str,
    /// Its numbers.
    pub spec: Load,
    /// What the client saw.
    slice: Slice,
    /// CPU time of the server.
    cpu: child::Cpu,
}

/// Runs the benchmark.
///
/// # Errors
/// Whatever does not start or does not answer.
pub fn run(args: &LiveArgs) -> anyhow::Result<()> {
    pin_ourselves();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            done = bench(args) => done,
            // Dropping the other branch kills every child and removes the folder.
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        }
    })
}

/// Before any thread is started, so that all of them inherit it.
fn pin_ourselves() {
    if program("taskset") {
        let pid = std::process::id().to_string();
        let _ = std::process::Command::new("taskset")
            .args(["-cp", &OTHER_CORE.to_string(), &pid])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status();
    }
}

fn loads(args: &LiveArgs) -> Vec<(&'static str, Load)> {
    let many = if args.smoke { 50 } else { data::MOST };
    [("small x1", 1, 1), ("small x64", 1, 64), ("stream x1", many, 1), ("stream x8", many, 8)]
        .into_iter()
        .filter(|(name, ..)| args.load.as_ref().is_none_or(|only| name.contains(only.as_str())))
        .map(|(name, records, in_flight)| (name, Load { records, in_flight }))
        .collect()
}

async fn bench(args: &LiveArgs) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (processes, contestants) = start(args, dir.path()).await?;
    let (rounds, slice) = if args.smoke {
        (1, Duration::from_millis(100))
    } else {
        (args.rounds, Duration::from_millis(args.slice))
    };
    let mut all = vec![];
    // Round 0 warms up and is not counted.
    for round in 0..=rounds {
        for (load, spec) in loads(args) {
            for contestant in &contestants {
                let process = &processes[contestant.process].1;
                let before = process.cpu()?;
                let time = if round == 0 { slice / 4 } else { slice };
                let slice = contestant
                    .client
                    .run(spec, time)
                    .await
                    .with_context(|| format!("{}, {load}", contestant.name))?;
                // What a server does behind its answer counts too.
                tokio::time::sleep(Duration::from_millis(20)).await;
                let cpu = process.cpu()?.since(before);
                if round > 0 {
                    all.push(Measured { name: contestant.name, load, spec, slice, cpu });
                }
            }
        }
        if !args.smoke {
            eprintln!("round {round} of {rounds}");
        }
    }
    let memory: Vec<(&str, u64, u64)> = processes
        .iter()
        .map(|(name, process)| (*name, process.memory().0, process.memory().1))
        .collect();
    for (_, process) in processes {
        process.end().await;
    }
    let report = report::Report::new(&all, &memory);
    print!("{}", report.table());
    if let Some(file) = &args.json {
        std::fs::write(file, report.json().to_string())
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Starts everything.
async fn start(
    args: &LiveArgs,
    dir: &Path,
) -> anyhow::Result<(Vec<(&'static str, Process)>, Vec<Contestant>)> {
    let source = free_address()?;
    let world = world::build(dir, &source).await?;
    let own = std::env::current_exe()?;
    let folder = world.dir.to_str().context("a path that is no text")?;
    let (running, _) =
        Process::listening(OTHER_CORE, &own, &["source", "--dir", folder, "--listen", &source])
            .await?;
    let (mut processes, mut contestants) = (vec![], vec![]);
    let wanted = |name: &str| args.only.as_ref().is_none_or(|only| name.contains(only.as_str()));

    for (name, more) in [("byte proxy", None), ("floor", Some("--floor"))] {
        if name == "floor" && !wanted(name) {
            continue;
        }
        let words = ["proxy", "--dir", folder, "--source", &source];
        let words: Vec<&str> = words.into_iter().chain(more).collect();
        let (proxy, address) = Process::listening(SERVER_CORE, &own, &words).await?;
        let profile = world::profile(&world, "proxy", &address)?;
        contestants.push(Contestant {
            name,
            process: processes.len(),
            client: Client::searching(&profile).await?,
        });
        processes.push((name, proxy));
    }

    if wanted("nginx") && nginx::version().is_some() {
        let (nginx, address) = nginx::start(SERVER_CORE, &world.dir, &source).await?;
        let profile = world::profile(&world, "nginx", &address)?;
        contestants.push(Contestant {
            name: "nginx",
            process: processes.len(),
            client: Client::searching(&profile).await?,
        });
        processes.push(("nginx", nginx));
    } else {
        println!("nginx: skipped");
    }

    let binary = match &args.gateway {
        Some(binary) => binary.clone(),
        None => own.with_file_name("portcullis"),
    };
    let config = world.config.to_str().context("a path that is no text")?.to_owned();
    let (gateway, address) =
        Process::listening(SERVER_CORE, &binary, &["serve", "--config", &config]).await?;
    eprintln!("gateway: process {}", gateway.pid());
    let profile = world::profile(&world, "gateway", &address)?;
    for plan in Plan::ALL {
        let name = match plan {
            Plan::Half => "gateway, half withheld",
            Plan::Keep => "gateway, all keep",
            Plan::Five => "gateway, five pseudonyms",
        };
        if wanted(name) {
            let client = Client::querying(&profile, plan).await?;
            contestants.push(Contestant { name, process: processes.len(), client });
        }
    }
    processes.push(("gateway", gateway));
    processes.push(("source", running));
    Ok((processes, contestants))
}
