//! `portcullis-sim drill`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use portcullis_sim::drill::bot::Bot;
use portcullis_sim::drill::desk::Desk;
use portcullis_sim::drill::host::{CASE, Host};
use portcullis_sim::drill::log::Log;
use portcullis_sim::drill::play::Game;
use portcullis_sim::drill::plot::Plot;
use portcullis_sim::drill::scenario::Scenario;
use portcullis_sim::drill::score::score;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run a drill on this machine.
    Run(RunArguments),
}

/// Arguments of `drill run`.
#[derive(Args)]
pub struct RunArguments {
    /// Folder of the scenario, or one that is built in: tutorial, five-agencies, day.
    #[arg(long)]
    scenario: PathBuf,
    /// Folder for the drill's files; it must not be there yet.
    #[arg(long)]
    out: PathBuf,
    /// World of another seed than the scenario's.
    #[arg(long)]
    seed: Option<u64>,
    /// Who plays all teams.
    #[arg(long, default_value = "good")]
    bots: String,
    /// So many times faster than the wall.
    #[arg(long)]
    speed: Option<u32>,
}

/// Runs it.
pub fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Run(arguments) => tokio::runtime::Runtime::new()?.block_on(drill(arguments)),
    }
}

async fn drill(arguments: &RunArguments) -> anyhow::Result<()> {
    let bot = Bot::parse(&arguments.bots).context("no such bot")?;
    if arguments.out.exists() {
        bail!("{} is there already: name a new folder", arguments.out.display());
    }
    let scenario = Scenario::read(&arguments.scenario)?;
    let plot = Plot::new(&scenario, arguments.seed)?;
    std::fs::create_dir_all(&arguments.out)?;
    let begun = std::time::Instant::now();
    let mut host = Host::start(&scenario, &plot, &arguments.out).await?;
    eprintln!("host up in {:?}", begun.elapsed());
    let mut log = Log::create(&arguments.out.join("events.jsonl"))?;
    let bots = vec![bot; scenario.teams.len()];
    let mut game = Game::new(&scenario, &plot, &bots);
    let desk = Desk::new(host.channels(), CASE)?;
    let mut asked = Hosted { host: &mut host, desk };
    game.play(&mut asked, &mut log, arguments.speed, |_| true).await?;
    eprintln!("played in {:?}", begun.elapsed());
    let mut found = host.disclosures().await?;
    found.extend(host.received(&plot).await?);
    let (checkpoint, entries) = host.end().await?;
    game.close(&mut log, found, checkpoint, entries)?;
    let scored = score(&scenario, &plot, &game.events);
    super::print(&(serde_json::to_string_pretty(&scored)? + "\n"))?;
    eprintln!("standing {}", scored.all.standing(&scenario.weights));
    Ok(())
}

struct Hosted<'h> {
    host: &'h mut Host,
    desk: Desk,
}

impl portcullis_sim::drill::desk::Ask for Hosted<'_> {
    async fn ask(
        &mut self,
        asker: &str,
        lead: &portcullis_sim::drill::playbook::Lead,
        now: i64,
    ) -> portcullis_sim::drill::desk::Reply {
        if let Err(error) = self.host.set_now(now).await {
            eprintln!("{error:#}");
        }
        self.desk.ask(asker, lead, now).await
    }
}
