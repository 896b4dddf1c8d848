//! `drill check`: what can be known before people arrive.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use comfy_table::{ContentArrangement, Table, presets};
use portcullis_sim::drill::desk::Desk;
use portcullis_sim::drill::event::Answered;
use portcullis_sim::drill::host::{BEFORE, Host, Told};
use portcullis_sim::drill::join::{Join, Ready};
use portcullis_sim::drill::playbook::Lead;
use portcullis_sim::drill::plot::{Plot, Truth};
use portcullis_sim::drill::scenario::{Scenario, msel};

use super::certify::{self, Played};

/// Arguments of `drill check`.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["scenario", "join"]))]
pub struct Arguments {
    /// Folder of the scenario, or one that is built in.
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Look at the gateways of others that a drill will join, by the file that `drill prepare` made.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenario", "seed", "certify", "plot_only"])]
    join: Option<PathBuf>,
    /// World of another seed than the scenario's.
    #[arg(long)]
    seed: Option<u64>,
    /// Certify every case that is played: no agency alone sees it, and its smallest set does, on their records as they are
    /// and through what the gateway shows under the agreements of the exercise. Takes minutes.
    #[arg(long, conflicts_with = "plot_only")]
    certify: bool,
    /// Print the certificate as JSON for programs.
    #[arg(long, requires = "certify")]
    json: bool,
    /// Bring nothing up: look at the scenario and its cases alone.
    #[arg(long)]
    plot_only: bool,
}

/// Checks.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let join = arguments.join.as_deref().map(Join::read).transpose()?;
    let scenario = match (&join, &arguments.scenario) {
        (Some(join), _) => super::joined(join)?,
        (None, Some(scenario)) => Scenario::read(scenario)?,
        (None, None) => bail!("`--scenario` or `--join` is needed"),
    };
    let seed = join.as_ref().map(|join| join.seed).or(arguments.seed);
    let plot = Plot::new(&scenario, seed)?;
    let mut text = format!(
        "EXERCISE {}: {} of exercise time, {} injects, pack {}, seed {}\n\n",
        scenario.title.trim(),
        msel::time(scenario.length),
        scenario.msel.entries.len(),
        scenario.pack.display(),
        plot.seed
    );
    text += &teams(&scenario, &plot);
    text += &cases(&scenario, &plot);
    if plot.unplayed > 0 {
        text += &format!(
            "{} further cases of this world touch none of the teams, or are left out.\n",
            plot.unplayed
        );
    }
    if !arguments.json {
        super::super::print(&text)?;
    }
    if let Some(join) = join {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(elsewhere(join, &scenario, &plot));
    }
    if !arguments.plot_only {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let wanted = Wanted { certify: arguments.certify, json: arguments.json };
        runtime.block_on(up(&scenario, &plot, wanted))?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Wanted {
    certify: bool,
    json: bool,
}

pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

fn teams(scenario: &Scenario, plot: &Plot) -> String {
    let mut rows = table(&["team", "matters", "of cases", "fraud", "decoys", "lawful"]);
    for (place, team) in scenario.teams.iter().enumerate() {
        let of = |wanted: fn(&Truth) -> bool| {
            let mine = plot.matters.iter().filter(|matter| matter.team == place);
            mine.filter(|matter| wanted(&matter.truth)).count().to_string()
        };
        rows.add_row([
            team.agency.clone(),
            of(|_| true),
            of(|truth| matches!(truth, Truth::Case(_))),
            of(|truth| matches!(truth, Truth::Fraud(_))),
            of(|truth| matches!(truth, Truth::Decoy(_))),
            of(|truth| matches!(truth, Truth::Innocent)),
        ]);
    }
    format!("{rows}\n\n")
}

fn cases(scenario: &Scenario, plot: &Plot) -> String {
    let mut rows =
        table(&["case", "scheme", "hazard", "first seen", "solvable", "gone", "by", "needs", ""]);
    for case in &plot.cases {
        let mut by: Vec<String> = case
            .matters
            .iter()
            .filter_map(|id| scenario.teams.get(plot.matter(*id)?.team))
            .map(|team| team.agency.clone())
            .collect();
        by.dedup();
        let whole = |at: portcullis_sim::drill::clock::Exercise| {
            msel::time(portcullis_sim::drill::clock::Exercise(at.0 / 1_000 * 1_000))
        };
        rows.add_row([
            case.id.clone(),
            case.scheme.clone(),
            case.hazard.to_string(),
            whole(case.first),
            whole(case.joint),
            whole(case.exit),
            by.join(" "),
            case.needs.iter().map(|set| set.join("+")).collect::<Vec<_>>().join(" or "),
            if case.reserve { "in reserve" } else { "" }.to_owned(),
        ]);
    }
    format!("{rows}\n\n")
}

/// How often a folder is removed at most that comes back.
const ROUNDS: u32 = 100;

/// Brings everything up once, in a folder that goes away again, and lets every team ask.
async fn up(scenario: &Scenario, plot: &Plot, wanted: Wanted) -> anyhow::Result<()> {
    let folder =
        std::env::temp_dir().join(format!("portcullis-drill-check-{}", std::process::id()));
    // It holds the keys of an exercise: nobody else's to read.
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let left = Arc::new(AtomicBool::new(false));
    tokio::spawn(given_up(folder.clone(), left.clone()));
    let done = asked(scenario, plot, &folder, wanted).await;
    if left.load(Ordering::Acquire) {
        // Whoever clears away ends the program: what failed, failed because the folder went.
        return std::future::pending().await;
    }
    std::fs::remove_dir_all(&folder)
        .with_context(|| format!("cannot remove {}", folder.display()))?;
    done
}

/// Whoever gives up leaves no folder behind. A certificate is worked out in one go, so that nothing else looks for a signal.
async fn given_up(folder: PathBuf, left: Arc<AtomicBool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    left.store(true, Ordering::Release);
    // What is still being made may bring it back: it is gone when it stays away.
    let mut gone = 0;
    for _ in 0..ROUNDS {
        gone = match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => gone + 1,
            _ => 0,
        };
        if gone > 4 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(40)).await;
    }
    if folder.exists() {
        eprintln!("portcullis-sim: cannot remove {}", folder.display());
    }
    eprintln!("portcullis-sim: given up");
    std::process::exit(130);
}

/// Looks at gateways that others run, puts the agencies' records before the world begins, and lets every team ask.
async fn elsewhere(join: Join, scenario: &Scenario, plot: &Plot) -> anyhow::Result<()> {
    let ready = Ready::look(join, scenario, plot, &[]).await?;
    let mut text = String::new();
    for gate in &ready.gates {
        let (address, name, size) = (&gate.address, &gate.name, gate.checkpoint.size);
        text += &format!("Gateway {name} on {address}: EXERCISE, {size} entries in its log.\n");
    }
    text += &format!(
        "{} agencies are who the file says, and may name case `{}`.\n",
        ready.agencies.len(),
        ready.join.case
    );
    for agency in ready.join.agencies.iter().filter(|one| one.ca.is_none() || one.crl.is_none()) {
        if scenario.teams.iter().any(|team| team.agency == agency.id) {
            text += &format!("People cannot play {}: it has no `ca` and `crl`.\n", agency.id);
        }
    }
    // An earlier drill may have left them at its end.
    ready.now().await?.set_all(BEFORE).await?;
    let desk = Desk::new(ready.channels(), &ready.join.case)?;
    text += &questions(scenario, plot, &desk).await;
    text += "The agencies' records end before the world begins: nothing is told until the drill begins.\n";
    super::super::print(&text)
}

/// Every team asks every other for what it decides on.
async fn questions(scenario: &Scenario, plot: &Plot, desk: &Desk) -> String {
    let mut text = String::new();
    for team in &scenario.teams {
        for other in scenario.teams.iter().filter(|other| other.agency != team.agency) {
            let table = plot
                .ground
                .records
                .word(&other.agency)
                .and_then(|agency| plot.ground.roster.office(agency))
                .and_then(portcullis_sim::drill::plot::decides_on);
            let Some(table) = table else { continue };
            let lead = Lead { of: other.agency.clone(), table, tests: vec![], fields: &["*"] };
            let told = match desk.reply(&team.agency, &lead).await.answered {
                Answered::Records { count, .. } => format!("{count} records"),
                Answered::Refused { reason } => format!("refused: {reason}"),
            };
            text += &format!("{:<14} asks {:<14} {told}\n", team.agency, other.agency);
        }
    }
    text
}

async fn asked(
    scenario: &Scenario,
    plot: &Plot,
    folder: &std::path::Path,
    wanted: Wanted,
) -> anyhow::Result<()> {
    let program = if wanted.certify { Some(certify::client()?) } else { None };
    let host = Host::start(scenario, plot, folder).await?;
    let start = plot.story.world(portcullis_sim::drill::clock::Exercise(0));
    host.now().set_all(start).await?;
    let mut text =
        format!("The gateway is up on {}, every agency has its certificate.\n", host.gateways());
    text += &questions(scenario, plot, &host.partners()?.desk).await;
    let certify = |program| certify::certify(scenario, plot, &host, program);
    let certified =
        program.map(|program| tokio::task::block_in_place(|| certify(program))).transpose()?;
    let (_, entries) = host.end(&Told::default()).await?;
    text += &format!("The gateway's log is sound: {entries} entries.\n");
    if !wanted.json {
        super::super::print(&text)?;
    }
    let Some(certificate) = certified else { return Ok(()) };
    let played = Played::new(&plot.cases, &certificate);
    super::super::print(&if wanted.json {
        serde_json::to_string_pretty(&played)? + "\n"
    } else {
        played.as_text()
    })?;
    anyhow::ensure!(played.holds(), "{}", played.summary());
    Ok(())
}
