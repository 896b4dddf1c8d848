//! Drills with people: `drill run --people`, and `drill resume` after the host was killed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, ensure};
use portcullis::client::Profile;
use portcullis_sim::drill::clock::State;
use portcullis_sim::drill::event::{Event, What};
use portcullis_sim::drill::host::{CONTROL, Gauge, Host, Part, STAFF, Told};
use portcullis_sim::drill::join::{FILE, Join, Ready};
use portcullis_sim::drill::live::{Bots, Cast, Live, Player, Session, observe, unheard};
use portcullis_sim::drill::log::Log;
use portcullis_sim::drill::plot::Plot;
use portcullis_sim::drill::report;
use portcullis_sim::drill::scenario::{Scenario, msel};
use portcullis_sim::drill::score::{Scored, score, yardstick};
use portcullis_sim::drill::service::Service;
use portcullis_sim::drill::simcell::answer;
use portcullis_sim::drill::smuggler::Off;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::way::Way;

/// How often the gateways' logs are read while a drill runs, at most.
const EVERY: std::time::Duration = std::time::Duration::from_secs(2);
/// How long those who watch have to hear the last word.
const FAREWELL: std::time::Duration = std::time::Duration::from_secs(2);

/// Arguments of `drill resume`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the drill.
    folder: PathBuf,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Goes on with a drill whose host has ended before its end.
pub fn resume(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = &arguments.folder;
    let (log, events) = Log::open(&folder.join("events.jsonl"))?;
    let scenario = Scenario::read(&folder.join("scenario"))?;
    let first = events.first().map(|event| &event.what);
    let Some(What::Began { scenario: name, scenario_hash, pack_hash, seed, engine, players }) =
        first
    else {
        anyhow::bail!("{}: the drill had not begun; run it anew", folder.display());
    };
    let over = events.iter().any(|event| matches!(event.what, What::Ended { .. }));
    ensure!(!over, "{}: the drill is over; see `drill report`", folder.display());
    ensure!(*scenario_hash == scenario.hash, "the scenario is not the one that was played");
    let known = env!("CARGO_PKG_VERSION");
    ensure!(engine == known, "played with version {engine} of the simulator; this is {known}");
    let players = players.iter().map(|word| {
        let player = Player::parse(word);
        player.with_context(|| format!("the log names a player `{word}` that is not known"))
    });
    let players = players.collect::<anyhow::Result<Vec<_>>>()?;
    let scenario = Scenario { name: name.clone(), ..scenario };
    let plot = Plot::new(&scenario, Some(*seed))?;
    ensure!(*pack_hash == plot.pack_hash, "the pack is not the one that was played");
    let listen = address(&folder.join("host/drill-profiles"))?;
    let cast = Cast { scenario, plot, players };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let join = folder.join(FILE);
    let way = if join.exists() {
        let people = cast.people();
        let ready = Ready::look(Join::read(&join)?, &cast.scenario, &cast.plot, &people);
        Way::JoinedAgain(Box::new(runtime.block_on(ready)?))
    } else {
        Way::OwnAgain(address(&folder.join("host/profiles"))?)
    };
    let hosting = Hosting { out: folder, listen, start: None, json: arguments.json };
    hosting.run(&runtime, cast, log, events, way)
}

/// Where something listened, by a profile of the trainer's.
fn address(folder: &Path) -> anyhow::Result<SocketAddr> {
    let file = folder.join(format!("{CONTROL}-trainer.toml"));
    let profile = Profile::load(&file)
        .context("the host had not come up so far that anybody could take part; run it anew")?;
    let address = profile.gateway.trim_start_matches("https://").parse();
    address.with_context(|| format!("{}: `gateway` is no address", file.display()))
}

/// How a drill with people is hosted.
pub struct Hosting<'h> {
    /// Folder of the drill.
    pub out: &'h Path,
    /// Where people connect.
    pub listen: SocketAddr,
    /// Begin at once, at this speed; otherwise a trainer does.
    pub start: Option<u32>,
    /// Print JSON for programs.
    pub json: bool,
}

impl Hosting<'_> {
    /// Runs a drill; `events` are those of one whose host was killed.
    pub fn run(
        &self,
        runtime: &tokio::runtime::Runtime,
        cast: Cast,
        log: Log,
        events: Vec<Event>,
        way: Way,
    ) -> anyhow::Result<()> {
        let stop = super::super::interrupted()?;
        let cast = Arc::new(cast);
        let played = runtime.block_on(self.host(&stop, cast.clone(), log, events, way))?;
        let Some(scored) = played else {
            let folder = self.out.display();
            anyhow::bail!(
                "stopped before the end; go on with `portcullis-sim drill resume {folder}`"
            );
        };
        let report = self.out.join("report/report.html");
        if self.json {
            let document = serde_json::json!({
                "out": self.out, "scenario": cast.scenario.name, "seed": cast.plot.seed,
                "scores": scored, "report": report,
            });
            return super::super::print(&(document.to_string() + "\n"));
        }
        let text = report::text(&cast.scenario, &scored);
        super::super::print(&format!("\n{text}\nReport: {}\n", report.display()))
    }

    async fn host(
        &self,
        interrupted: &Arc<AtomicBool>,
        cast: Arc<Cast>,
        log: Log,
        events: Vec<Event>,
        way: Way,
    ) -> anyhow::Result<Option<Scored>> {
        let host = way.host(&cast.scenario, &cast.plot, self.out).await?;
        // Before anybody can ask: nothing is told of a time that has not come.
        let exercise = events.last().map(|event| event.exercise).unwrap_or_default();
        host.now().hide(&Off::of(&cast.plot, &events).hidden(&cast.plot));
        host.now().set_all(cast.plot.story.world(exercise)).await?;
        let doors = host.doors(self.listen).await?;
        let live = Live::new(cast.clone(), log, events, Some(host.now()));
        let session = live.session();
        let bots = Bots::start(&session, &host.partners()?);
        self.observed(&session, &host);
        simcell(&session, &host);
        let held = cast.scenario.teams.iter().map(|team| host.holds(&team.agency)).collect();
        let address = doors.address;
        let closing = doors.stop.clone();
        let service = tokio::spawn(Service::new(session.clone(), host.case(), held).serve(doors));
        self.tell(&cast, &host, address)?;
        let stop = CancellationToken::new();
        tokio::spawn(watch(interrupted.clone(), stop.clone()));
        tokio::spawn(progress(session.clone()));
        tokio::spawn(gauge(session.clone(), host.gauge()));
        let (mut log, mut events) = live.run(bots, self.start, stop).await?;
        let ended = session.clocks().borrow().state == State::Ended;
        let mut scored = None;
        if ended {
            let asked = unheard_of(&session, &host).await?;
            let mut told = host.told(&cast.plot).await?;
            let (checkpoint, entries) = host.end(&told).await?;
            let mut last = told.fresh(&events);
            last.push(What::Ended { checkpoint, entries });
            session.close(&mut log, &mut events, asked, last)?;
            let yard = yardstick(&cast.scenario, &cast.plot).await;
            let folder = self.out.join("report");
            report::write(&folder, &cast.scenario, &cast.plot, &events, log.hash(), &yard)
                .with_context(|| format!("cannot write the report in {}", self.out.display()))?;
            scored = Some(score(&cast.scenario, &cast.plot, &events));
            tokio::time::sleep(FAREWELL).await;
        } else {
            host.end(&Told::default()).await?;
        }
        closing.cancel();
        // Whoever still watches has heard everything.
        let _ = tokio::time::timeout(FAREWELL, service).await;
        Ok(scored)
    }

    /// What people's teams ask is read from the gateway's log.
    fn observed(&self, session: &Session, host: &Host) {
        for (team, channel, from) in watched(session, host) {
            tokio::spawn(observe(session.clone(), team, channel, from));
        }
    }

    /// Says how to take part.
    fn tell(&self, cast: &Cast, host: &Host, address: SocketAddr) -> anyhow::Result<()> {
        let staff = STAFF.iter().map(|system| {
            let part = Part { agency: CONTROL.to_owned(), system: (*system).to_owned() };
            (part, *system)
        });
        let people = cast.people();
        let people = people.iter().map(|agency| (host.people(agency), "player"));
        let parts: Vec<_> = staff.chain(people).collect();
        if self.json {
            let profiles = parts.iter().map(|(part, role)| {
                serde_json::json!({
                    "agency": part.agency, "system": part.system, "role": role,
                    "drill": host.drill_profile(part), "gateway": host.gateway_profile(part),
                })
            });
            let document = serde_json::json!({
                "out": self.out, "drill": address, "gateway": host.gateways(),
                "case": host.case(), "profiles": profiles.collect::<Vec<_>>(),
            });
            return super::super::print(&(document.to_string() + "\n"));
        }
        let mut text = format!(
            "EXERCISE {}\nThe drill answers on {address}, the gateway on {}.\nTake part, each in a terminal of their own:\n",
            cast.scenario.title.trim(),
            host.gateways()
        );
        for (part, role) in parts {
            let drill = host.drill_profile(&part);
            let gateway = host.gateway_profile(&part).filter(|_| role == "player");
            let gateway =
                gateway.map(|file| format!(" --gateway {}", file.display())).unwrap_or_default();
            let desk = format!("portcullis-sim drill desk --drill {}{gateway}", drill.display());
            text += &format!("  {role:<9} {:<16} {desk}\n", part.agency);
        }
        text += if self.start.is_some() {
            "It has begun.\n"
        } else {
            "It begins when the trainer says so.\n"
        };
        super::super::print(&text)
    }
}

/// People's teams, how each reaches its gateway, and from where on its log is the drill's.
fn watched(session: &Session, host: &Host) -> Vec<(String, Channel, u64)> {
    let channels = host.channels();
    let people = session.cast.people();
    let of =
        |team: &str| Some((team.to_owned(), channels.get(team)?.clone(), host.from_index(team)));
    people.into_iter().filter_map(of).collect()
}

/// What they asked between the last look into the log and the end.
async fn unheard_of(session: &Session, host: &Host) -> anyhow::Result<Vec<(String, What)>> {
    let mut all = vec![];
    for (team, channel, from) in watched(session, host) {
        let asked = unheard(session, &team, channel, from).await;
        let asked = asked.with_context(|| format!("cannot read what {team} asked"))?;
        all.extend(asked.into_iter().map(|what| (team.clone(), what)));
    }
    Ok(all)
}

/// Agencies that nobody plays answer release requests too; one without a key of its records has none to release.
fn simcell(session: &Session, host: &Host) {
    let cast = &session.cast;
    let people = cast.people();
    for (agency, channel) in host.channels() {
        if !people.contains(&agency.as_str())
            && let Ok(key) = host.id_key(&agency)
        {
            let after = host.after_release(&agency);
            tokio::spawn(answer(session.clone(), agency, key, channel, after));
        }
    }
}

/// Reads what the gateways' logs tell while the drill runs: for scores that are looked at, and for plans, of which the log
/// has only the hashes. It never takes more than a tenth of the time.
async fn gauge(session: Session, gauge: Gauge) {
    while !session.is_over() {
        let begun = tokio::time::Instant::now();
        let told = gauge.told(&session.cast.plot).await;
        match told {
            Ok(mut told) => {
                let events = session.events_from(0);
                let events: Vec<Event> = events.iter().map(|event| (**event).clone()).collect();
                session.gauge(told.fresh(&events)).await;
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "the gateways' logs cannot be read; again soon");
            }
        }
        tokio::time::sleep(EVERY.max(begun.elapsed() * 9)).await;
    }
}

/// Ctrl-C as a token.
async fn watch(interrupted: Arc<AtomicBool>, stop: CancellationToken) {
    while !interrupted.load(Ordering::Relaxed) {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    stop.cancel();
}

/// A line for each tenth of the exercise.
async fn progress(session: Session) {
    let mut clocks = session.clocks();
    let length = session.cast.scenario.length;
    let mut told = None;
    while clocks.changed().await.is_ok() {
        let now = *clocks.borrow_and_update();
        let tenth = now.exercise.0 * 10 / length.0.max(1);
        if told != Some((tenth, now.state)) {
            told = Some((tenth, now.state));
            let whole = portcullis_sim::drill::clock::Exercise(now.exercise.0 / 1_000 * 1_000);
            eprintln!(
                "EXERCISE {} of {}, {:?}, {} events",
                msel::time(whole),
                msel::time(length),
                now.state,
                now.events
            );
        }
    }
}
