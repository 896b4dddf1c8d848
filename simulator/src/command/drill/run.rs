//! `drill run`.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail, ensure};
use portcullis_sim::drill::bot::Bot;
use portcullis_sim::drill::clock::Exercise;
use portcullis_sim::drill::desk::Nobody;
use portcullis_sim::drill::event::{Event, What};
use portcullis_sim::drill::join::{Join, Ready};
use portcullis_sim::drill::live::{Cast, Player};
use portcullis_sim::drill::log::Log;
use portcullis_sim::drill::play::Game;
use portcullis_sim::drill::plot::Plot;
use portcullis_sim::drill::report;
use portcullis_sim::drill::scenario::{Scenario, msel};
use portcullis_sim::drill::score::{Scored, score, yardstick};

use portcullis_sim::drill::smuggler::Off;

use super::people::Hosting;
use super::way::{Way, or_nothing};

/// Arguments of `drill run`.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["scenario", "join"]))]
pub struct Arguments {
    /// Folder of the scenario, or one that is built in: tutorial, five-agencies, day.
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Join gateways that others run, by the file that `drill prepare` made and their operators completed; it says the
    /// scenario and the seed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenario", "seed"])]
    join: Option<PathBuf>,
    /// New folder for the drill: event log, exchange, gateway, report.
    #[arg(long)]
    out: PathBuf,
    /// World of another seed than the scenario's.
    #[arg(long)]
    seed: Option<u64>,
    /// Who plays: one bot for all teams, or `TEAM=BOT,..` with the others good. Bots: good, solo-careful, solo-bold, greedy,
    /// silent, hold-everything, oracle.
    #[arg(long, default_value = "good", value_delimiter = ',', num_args = 0..=1, default_missing_value = "good")]
    bots: Vec<String>,
    /// Teams that people play, with the others played by bots; `all` for all. They take part with `drill desk`, or
    /// anything else that speaks the contract.
    #[arg(long, value_delimiter = ',', num_args = 1..)]
    people: Vec<String>,
    /// Where people's desks connect.
    #[arg(long, default_value = "127.0.0.1:0", requires = "people")]
    listen: std::net::SocketAddr,
    /// Begin at once, without a trainer who says so.
    #[arg(long, requires = "people")]
    start: bool,
    /// As fast as the gateway answers, without anybody to wait for.
    #[arg(long, conflicts_with_all = ["speed", "people"])]
    headless: bool,
    /// So many times faster than the wall, 1 to 3600.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3600))]
    speed: u32,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let join = arguments.join.as_deref().map(Join::read).transpose()?;
    let scenario = match (&join, &arguments.scenario) {
        (Some(join), _) => super::joined(join)?,
        (None, Some(scenario)) => Scenario::read(scenario)?,
        (None, None) => bail!("`--scenario` or `--join` is needed"),
    };
    let bots = bots(&scenario, &arguments.bots)?;
    let out = &arguments.out;
    ensure!(!out.exists(), "{} is there already: name a new folder", out.display());
    let stop = super::super::interrupted()?;
    let people = people(&scenario, &arguments.people)?;
    let seed = join.as_ref().map(|join| join.seed).or(arguments.seed);
    let plot = Plot::new(&scenario, seed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let players = bots.iter().zip(&people);
    let players = players.map(|(bot, is)| if *is { Player::People } else { Player::Bot(*bot) });
    let cast = Cast { players: players.collect(), scenario, plot };
    // Before there is a folder: whoever is refused finds nothing begun.
    let way = match join {
        Some(join) => {
            let people = cast.people();
            let ready = Ready::look(join, &cast.scenario, &cast.plot, &people);
            Way::Joined(Box::new(runtime.block_on(ready)?))
        }
        None => Way::Own,
    };
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let log = keep(&cast.scenario, &out.join("scenario"))
        .and_then(|()| Ok(Log::create(&out.join("events.jsonl"))?));
    let log = or_nothing(out, log)?;
    if people.contains(&true) {
        let start = arguments.start.then_some(arguments.speed);
        let hosting = Hosting { out, listen: arguments.listen, start, json: arguments.json };
        return hosting.run(&runtime, cast, log, vec![], way);
    }
    let Cast { scenario, plot, .. } = cast;
    let speed = (!arguments.headless).then_some(arguments.speed);
    let drill = Drill { scenario: &scenario, plot: &plot, bots: &bots, out, speed };
    let scored = runtime.block_on(drill.play(&stop, !arguments.json, log, way))?;
    if arguments.json {
        let document = serde_json::json!({
            "out": out, "scenario": scenario.name, "seed": plot.seed,
            "scores": scored, "report": out.join("report/report.html"),
        });
        return super::super::print(&(document.to_string() + "\n"));
    }
    super::super::print(&format!(
        "\n{}\nReport: {}\n",
        report::text(&scenario, &scored),
        out.join("report/report.html").display()
    ))
}

/// The scenario beside what was played of it, so that a replay needs nothing else.
pub(super) fn keep(scenario: &Scenario, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("scenario.toml"), &scenario.text)?;
    std::fs::write(folder.join("msel.csv"), scenario.msel.to_csv())?;
    Ok(())
}

/// Which teams people play, in the order of the teams.
fn people(scenario: &Scenario, words: &[String]) -> anyhow::Result<Vec<bool>> {
    for word in words {
        let known = word == "all" || scenario.teams.iter().any(|team| team.agency == *word);
        ensure!(known, "no team `{word}` in scenario `{}`", scenario.name);
    }
    let is = |agency: &str| words.iter().any(|word| word == "all" || word == agency);
    Ok(scenario.teams.iter().map(|team| is(&team.agency)).collect())
}

fn bots(scenario: &Scenario, words: &[String]) -> anyhow::Result<Vec<Bot>> {
    let parse = |word: &str| {
        Bot::parse(word).with_context(|| {
            let known: Vec<&str> = Bot::ALL.iter().map(|bot| bot.word()).collect();
            format!("no bot `{word}`; there are {}", known.join(", "))
        })
    };
    let (mut by_team, mut all) = (BTreeMap::new(), Bot::Good);
    for word in words {
        match word.split_once('=') {
            Some((team, bot)) => {
                let known = scenario.teams.iter().any(|one| one.agency == team);
                ensure!(known, "no team `{team}` in scenario `{}`", scenario.name);
                by_team.insert(team, parse(bot)?);
            }
            None => all = parse(word)?,
        }
    }
    let of = |agency: &str| by_team.get(agency).copied().unwrap_or(all);
    Ok(scenario.teams.iter().map(|team| of(&team.agency)).collect())
}

struct Drill<'d> {
    scenario: &'d Scenario,
    plot: &'d Plot,
    bots: &'d [Bot],
    out: &'d Path,
    speed: Option<u32>,
}

impl Drill<'_> {
    async fn play(
        &self,
        stop: &AtomicBool,
        told: bool,
        mut log: Log,
        way: Way,
    ) -> anyhow::Result<Scored> {
        let (scenario, plot) = (self.scenario, self.plot);
        let mut game = Game::new(scenario, plot, self.bots);
        let mut progress = Progress::new(scenario, told);
        let mut tell = |event: &Event| {
            progress.tell(event);
            !stop.load(Ordering::Relaxed)
        };
        if way.is_joined() || self.bots.iter().any(|bot| bot.asks()) {
            let host = way.host(scenario, plot, self.out).await?;
            // Before anybody can ask: nothing is told of a time that has not come.
            host.now().hide(&Off::first(plot).hidden(plot));
            host.now().set_all(plot.story.world(Exercise(0))).await?;
            let mut partners = host.partners()?;
            game.play(&mut partners, &mut log, self.speed, &mut tell).await?;
            let mut found = host.told(plot).await?;
            let (checkpoint, entries) = host.end(&found).await?;
            let told = found.fresh(game.events());
            game.close(&mut log, told, checkpoint, entries)?;
        } else {
            game.play(&mut Nobody, &mut log, self.speed, &mut tell).await?;
            game.close(&mut log, vec![], String::new(), 0)?;
        }
        progress.done();
        let scored = score(scenario, plot, game.events());
        let yard = yardstick(scenario, plot).await;
        report::write(&self.out.join("report"), scenario, plot, game.events(), log.hash(), &yard)
            .with_context(|| format!("cannot write the report in {}", self.out.display()))?;
        if scored.all.recall.denominator == 0.0 {
            bail!("nothing could be scored");
        }
        Ok(scored)
    }
}

/// A line that counts on a terminal; a line for each tenth and each inject elsewhere.
struct Progress<'s> {
    scenario: &'s Scenario,
    told: bool,
    terminal: bool,
    tenths: u64,
}

impl<'s> Progress<'s> {
    fn new(scenario: &'s Scenario, told: bool) -> Self {
        Self { scenario, told, terminal: std::io::stderr().is_terminal(), tenths: 0 }
    }

    fn tell(&mut self, event: &Event) {
        if !self.told {
            return;
        }
        let at =
            msel::time(portcullis_sim::drill::clock::Exercise(event.exercise.0 / 1_000 * 1_000));
        if let What::Inject { inject } = &event.what {
            let entries = &self.scenario.msel.entries;
            let content = entries.iter().find(|one| one.number == *inject);
            let content = content.map_or("", |one| one.content.as_str());
            let clear = if self.terminal { "\r" } else { "" };
            eprintln!("{clear}{at}  inject {inject}: {content}");
        }
        let tenths = event.exercise.0 * 10 / self.scenario.length.0.max(1);
        if self.terminal {
            eprint!(
                "\rEXERCISE {at} of {}  {} events ",
                msel::time(self.scenario.length),
                event.number + 1
            );
        } else if tenths > self.tenths {
            self.tenths = tenths;
            eprintln!("{at}  {} events", event.number + 1);
        }
    }

    fn done(&self) {
        if self.told && self.terminal {
            eprintln!();
        }
    }
}
