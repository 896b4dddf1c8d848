//! People stop something while time passes: the log, the agencies' databases, and a host that is killed in between.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::drill::clock::Command;
use crate::drill::event::Decision;
use crate::drill::known::{view, views};
use crate::drill::live::{Bots, By, Cast, Deed, Live, Player, Session};
use crate::drill::log::{Log, events};
use crate::drill::now::Now;
use crate::load::{execute, tables_of};

/// Databases of the agencies of two cases, with numbers in place of whole rows, known since before the story.
async fn databases(folder: &Path, cases: [&PlotCase; 2]) -> BTreeSet<String> {
    let (_, plot) = hour();
    let rows = || cases.iter().flat_map(|case| &case.rows);
    let agencies: BTreeSet<String> = rows().map(|at| plot.whose(*at).0).collect();
    for agency in &agencies {
        let mine = || rows().filter(|at| plot.whose(**at).0 == *agency);
        let tables: Vec<Table> =
            mine().map(|at| at.table).collect::<BTreeSet<_>>().into_iter().collect();
        let mut statements: Vec<String> = vec![];
        tables.iter().for_each(|table| statements.extend(tables_of(*table)));
        statements.extend(views(&tables));
        statements.extend(mine().map(|at| {
            let number = plot.whose(*at).1;
            format!("INSERT INTO \"{}\" (id) VALUES ('{number}')", at.table.name())
        }));
        let folder = folder.join("agencies").join(agency);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("records.sqlite");
        std::fs::write(&file, "").unwrap();
        execute(&file, &statements).await.unwrap();
    }
    agencies
}

/// Of the records of a case that can be hidden, how many their agencies serve, and how many there are.
async fn served(folder: &Path, case: &PlotCase) -> (usize, usize) {
    let (_, plot) = hour();
    let begun = plot.story.world(Exercise(0));
    let rows: Vec<At> = case.rows.iter().copied().filter(|at| plot.known(*at) > begun).collect();
    let mut count = 0;
    for at in &rows {
        let (agency, number) = plot.whose(*at);
        let file = folder.join("agencies").join(agency).join("records.sqlite");
        let mut base = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        let ask = format!("SELECT count(*) FROM \"{}\" WHERE id = ?", view(at.table));
        let ask = sqlx::query_scalar::<_, i64>(AssertSqlSafe(ask)).bind(number);
        count += usize::try_from(ask.fetch_one(&mut base).await.unwrap()).unwrap();
    }
    (count, rows.len())
}

fn by(role: &str) -> By {
    By { role: role.to_owned(), caller: role.to_owned(), player: String::new(), key: String::new() }
}

async fn until(session: &Session, happened: impl Fn(&Event) -> bool) -> Arc<Event> {
    for _ in 0..1_200 {
        let found = session.events_from(0).into_iter().find(|event| happened(event));
        if let Some(event) = found {
            return event;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_make_them_change_their_way_and_a_host_that_is_killed_in_between_does_not() {
    let (_, plot) = hour();
    let scenario = Scenario::read(Path::new("five-agencies")).unwrap();
    // As in the game of good bots: the first stop after which they go another way.
    let told = game(Bot::Good).await;
    let (_, after, given_up, to) = changes(&told)[0];
    let (given_up, to) = (case(given_up), case(to));
    let folder = tempfile::tempdir().unwrap();
    let agencies = databases(folder.path(), [given_up, to]).await;
    let now = Now::open(folder.path(), agencies.iter().map(String::as_str)).await.unwrap();
    now.hide(&Off::first(plot).hidden(plot));
    now.set_all(plot.story.world(Exercise(0))).await.unwrap();
    let all = served(folder.path(), to).await.1;
    assert_eq!(served(folder.path(), to).await, (0, all));
    let (given, of) = served(folder.path(), given_up).await;
    assert_eq!(given, of);

    let players = vec![Player::People; scenario.teams.len()];
    let team = scenario.teams[plot.matter(after).unwrap().team].agency.clone();
    let own = Plot::new(&scenario, None).unwrap();
    let cast = Arc::new(Cast { scenario, plot: own, players });
    let file = folder.path().join("events.jsonl");
    let now = Arc::new(now);
    let log = Log::create(&file).unwrap();
    let live = Live::new(cast.clone(), log, vec![], Some(now.clone()));
    let session = live.session();
    let stop = CancellationToken::new();
    let run = tokio::spawn(live.run(Bots::default(), None, stop.clone()));
    for command in [Command::Speed(600), Command::Start] {
        session.act(by("trainer"), Deed::Control(command)).await.unwrap();
    }
    until(&session, |event| event.what == What::Arrived { matter: after }).await;
    let open = crate::drill::play::rules::open_on(plot.matter(after).unwrap().at.table);
    let decision = open.iter().copied().find(|one: &Decision| one.stops()).unwrap();
    let decide = Deed::Decide {
        team: team.clone(),
        matter: after,
        decision,
        confidence: 90,
        reason: "r".to_owned(),
        evidence: vec![],
    };
    session.act(by(&team), decide).await.unwrap();
    let change = What::Rerouted { after, case: given_up.id.clone(), to: to.id.clone() };
    // When the answer is there, nobody is told of what does not happen any more.
    assert_eq!(served(folder.path(), to).await, (all, all));
    assert_eq!(served(folder.path(), given_up).await, (0, of));
    until(&session, |event| event.what == change).await;
    stop.cancel();
    run.await.unwrap().unwrap();

    // Killed between the decision and what followed from it.
    let text = std::fs::read_to_string(&file).unwrap();
    let keep = text.lines().position(|line| line.contains("rerouted")).unwrap();
    let kept: String = text.lines().take(keep).map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, kept).unwrap();
    let (log, before) = Log::open(&file).unwrap();
    assert_eq!(Off::of(plot, &before), Off::first(plot));
    let live = Live::new(cast, log, before, Some(now));
    let stop = CancellationToken::new();
    let session = live.session();
    let run = tokio::spawn(live.run(Bots::default(), None, stop.clone()));
    until(&session, |event| event.what == What::Resumed).await;
    stop.cancel();
    run.await.unwrap().unwrap();
    let (after, _) = events(&file).unwrap();
    assert_eq!(after[keep].what, change);
    assert_eq!(after.iter().filter(|event| event.what == change).count(), 1);
}
