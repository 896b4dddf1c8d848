//! Drills that join gateways which others run, in processes of their own: the same game as a hosted one of the same seed,
//! counted from the drill's beginning and proven over the wire; and everything for which a drill does not join.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis::audit::LogSigner;
use portcullis::clock::Clock;
use portcullis::command::playground::{GATEWAY_NAME, World, WorldSource, WorldSpec, read_exchange};
use portcullis_proto::drill::v1 as wire;
use serde_json::Value;
use sqlx::Connection as _;
use tokio::process::Command;
use wire::control_request::Command as Control;

use super::drill_people::{Host, ask, command, told};
use super::drills::{events, sim};

async fn prepared(folder: &Path) {
    let prepare = ["drill", "prepare", "--scenario", "tutorial", "--out", "prep"];
    let (good, out, error) = sim(folder, &prepare).await;
    assert!(good && out.contains("drill run --join prep/join.toml"), "{out}{error}");
}

/// The join file with a change; the key of the log completed.
fn join(folder: &Path, log_key: &str, change: impl Fn(String) -> String) -> PathBuf {
    let text = std::fs::read_to_string(folder.join("prep/join.toml")).unwrap();
    let text = text.replace("log_key = \"\"", &format!("log_key = \"{log_key}\""));
    let file = folder.join("prep/completed.toml");
    std::fs::write(&file, change(text)).unwrap();
    file
}

/// The exchange, served by somebody else.
async fn served(folder: &Path) -> Host {
    let words = ["playground", "--exchange", "prep/exchange", "--dir", "prep/host", "--json"];
    Host::of("portcullis", folder, &words).await
}

/// What teams asked, got and decided, without what differs from one gateway to the next: ids of exchanges, places in the log.
fn played(folder: &Path) -> Vec<String> {
    let of = |event: &Value| {
        let what = &event["what"];
        let answer = match &what["answer"]["records"]["count"] {
            Value::Null => &what["answer"],
            count => count,
        };
        let told = match what["kind"].as_str().unwrap() {
            "asked" => format!("{} {} {answer}", what["of"], what["record_type"]),
            "decided" => format!("{} {} {}", what["matter"], what["decision"], what["confidence"]),
            "disclosed" => format!("{} {} {}", what["to"], what["from"], what["records"]),
            "received" => format!("{} {} {}", what["to"], what["from"], what["record"]),
            _ => return None,
        };
        Some(format!("{} {} {told}", event["exercise"], event["by"]))
    };
    events(folder).iter().filter_map(of).collect()
}

fn count(folder: &Path, kind: &str) -> usize {
    events(folder).iter().filter(|event| event["what"]["kind"] == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_joined_drill_is_the_hosted_one_and_the_next_counts_only_its_own_even_when_it_was_killed()
{
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    prepared(at).await;
    let mut gateway = served(at).await;
    let said = gateway.said.clone();
    let key = said["gateway"]["log_public_key"].as_str().unwrap();
    join(at, key, |text| text);
    let (good, out, error) = sim(at, &["drill", "check", "--join", "prep/completed.toml"]).await;
    assert!(good && out.contains("35 agencies are who the file says"), "{out}{error}");
    assert_eq!(out.matches(" 0 records\n").count(), 6, "before the drill nothing is told: {out}");

    let bots = ["--bots", "--headless", "--json"];
    let joined = [&["drill", "run", "--join", "prep/completed.toml", "--out", "j"][..], &bots];
    let hosted = [&["drill", "run", "--scenario", "tutorial", "--out", "h"][..], &bots];
    let (joined, hosted) = (joined.concat(), hosted.concat());
    let (joined, hosted) = tokio::join!(sim(at, &joined), sim(at, &hosted));
    assert!(joined.0 && hosted.0, "{}{}", joined.2, hosted.2);
    let scores = |out: &str| serde_json::from_str::<Value>(out).unwrap()["scores"].clone();
    assert_eq!(scores(&joined.1), scores(&hosted.1));
    let (first, own) = (played(&at.join("j")), played(&at.join("h")));
    assert!(first.len() > 500, "{}", first.len());
    assert_eq!(first, own);
    let ended = |folder: &str| events(&at.join(folder)).last().unwrap()["what"].clone();
    // The log had entries before, of the check: none of them is the drill's.
    assert_eq!(ended("j")["entries"], ended("h")["entries"]);
    let checkpoint = ended("j")["checkpoint"].as_str().unwrap().to_owned();
    let size: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(
        size,
        ended("h")["entries"].as_u64().unwrap() + 12,
        "six questions, two entries each"
    );
    let page = std::fs::read(at.join("j/report/report.html")).unwrap();
    let (good, _, error) = sim(at, &["drill", "replay", "j", "--out", "again"]).await;
    assert!(good, "{error}");
    assert_eq!(std::fs::read(at.join("again/report.html")).unwrap(), page);

    // A second one, with people, at the same gateway.
    let run = ["drill", "run", "--join", "prep/completed.toml", "--people", "all", "--out", "p"];
    let run = [&run[..], &["--json", "--start", "--speed", "4"]].concat();
    let mut host = Host::up(at, &run).await;
    let (good, _, error) = sim(at, &["drill", "check", "--join", "prep/completed.toml"]).await;
    assert!(!good && error.contains("DATABASE_IN_USE"), "{error}");
    let (good, text) = ask(&host, at).await;
    assert!(good, "{text}");
    let mut desk = host.client(at, "nv-customs", "desk").await;
    let asked = |event: &wire::Happened| event.kind == "asked";
    let seen = tokio::time::timeout(Duration::from_secs(20), told(&mut desk, asked)).await.unwrap();
    assert_eq!(seen.iter().filter(|event| asked(event)).count(), 1, "none of the first drill's");
    let mut trainer = host.client(at, "exercise-control", "trainer").await;
    let down = put(&mut trainer, "peer_down").await;
    trainer.control(command("peer", Control::Trigger(down))).await.unwrap();
    let noted = told(&mut trainer, |event| event.kind == "note").await;
    assert!(
        noted.last().unwrap().content.contains("NOT_OURS"),
        "{:?}",
        noted.last().unwrap().content
    );

    host.child.kill().await.unwrap();
    forged(&at.join("p/beginning.json"), at).await;
    let host = Host::up(at, &["drill", "resume", "p", "--json"]).await;
    let (good, text) = ask(&host, at).await;
    assert!(good, "{text}");
    let mut trainer = host.client(at, "exercise-control", "trainer").await;
    trainer.control(command("end", Control::End(wire::Empty {}))).await.unwrap();
    host.ended().await;
    assert_eq!((count(&at.join("p"), "asked"), count(&at.join("p"), "resumed")), (2, 1));
    let disclosed = count(&at.join("p"), "disclosed");
    assert!(disclosed <= 2, "{disclosed}: the first drill's are not counted");
    // An intent and an outcome for each question, and what was disclosed.
    assert_eq!(ended("p")["entries"], 4 + disclosed);

    // What the drills left at their end is put back.
    let (good, out, error) = sim(at, &["drill", "check", "--join", "prep/completed.toml"]).await;
    assert!(good, "{error}");
    assert_eq!(out.matches(" 0 records\n").count(), 6, "{out}");

    // Whoever served it still does, and its store verifies as a whole.
    assert!(gateway.child.try_wait().unwrap().is_none());
    let store = said["gateway"]["store"].as_str().unwrap();
    let verified = Command::new(portcullis_tests::binary("portcullis").unwrap())
        .args(["audit", "verify", "--store", store, "--log-key", key])
        .output()
        .await
        .unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// An inject that takes Velland's source down, its number.
async fn put(trainer: &mut super::drill_people::Client, kind: &str) -> u32 {
    let row = wire::Inject {
        planned: Some(prost_types::Duration { seconds: 590, nanos: 0 }),
        kind: kind.to_owned(),
        sender: "Exercise director".to_owned(),
        receiver: "ALL".to_owned(),
        content: "EXERCISE.".to_owned(),
        about: "vl-customs".to_owned(),
        ..Default::default()
    };
    let put = wire::PutInjectRequest { key: kind.to_owned(), inject: Some(row) };
    trainer.put_inject(put).await.unwrap().into_inner().number
}

/// A beginning that somebody touched is no beginning: the drill does not go on, and what it was is put back.
async fn forged(beginning: &Path, folder: &Path) {
    let kept = std::fs::read_to_string(beginning).unwrap();
    let touched: Value = serde_json::from_str(&kept).unwrap();
    let note = touched["logs"][0]["checkpoint"].as_str().unwrap();
    let size = note.lines().nth(1).unwrap();
    let fewer = note.replacen(&format!("\n{size}\n"), "\n1\n", 1);
    let text = kept.replace(&Value::from(note).to_string(), &Value::from(fewer).to_string());
    std::fs::write(beginning, text).unwrap();
    let (good, _, error) = sim(folder, &["drill", "resume", "p"]).await;
    assert!(!good && error.contains("CHECKPOINT_FORGED"), "{error}");
    std::fs::write(beginning, kept).unwrap();
}

/// The agencies of the prepared exchange at a gateway whose sources are not up: enough to be asked who is who.
fn sourceless(folder: &Path) -> WorldSpec {
    let mut spec = read_exchange(&folder.join("prep/exchange")).unwrap();
    for agency in &mut spec.agencies {
        if let Some(WorldSource::Files { record_types, .. }) = agency.source.take() {
            let address = "127.0.0.1:1".to_owned();
            agency.source = Some(WorldSource::Elsewhere { address, record_types });
        }
    }
    spec
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_joins_no_production_no_other_agency_no_other_log_and_no_other_world() {
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    prepared(at).await;
    let world =
        World::build(&at.join("prep/host"), &sourceless(at), &Clock::system()).await.unwrap();
    let exercise = std::fs::read_to_string(&world.config).unwrap();
    let refused = async |words: &[&str]| {
        let run = ["drill", "run", "--join", "prep/completed.toml", "--out", "d", "--headless"];
        let (good, _, error) = sim(at, &run).await;
        assert!(!good, "{words:?}");
        for word in words {
            assert!(error.contains(word), "{word}\n{error}");
        }
        assert!(!at.join("d").exists(), "nothing is begun");
        error
    };

    // The same gateway as one of production: nothing is asked of it but what it is, and no database is touched.
    // Production takes no agreement that nobody signed: it has none here.
    let config = exercise.replace("\"EXERCISE\"", "\"PRODUCTION\"");
    let config = config.replace("agreements = [\"agreements\"]", "agreements = []");
    std::fs::write(&world.config, config).unwrap();
    let production = world.start(Clock::system()).await.unwrap();
    join(at, &production.log_public_key, |text| text);
    let error = refused(&["NOT_AN_EXERCISE: gateway 127.0.0.1:", "is of PRODUCTION"]).await;
    assert_eq!(error.matches("NOT_AN_EXERCISE").count(), 35, "each agency's gateway: {error}");
    production.shut_down().await.unwrap();

    std::fs::write(&world.config, exercise).unwrap();
    let gateway = world.start(Clock::system()).await.unwrap();
    let key = gateway.log_public_key.clone();
    join(at, &another_key(), |text| text);
    refused(&["LOG_KEY_DIFFERS: gateway 127.0.0.1:"]).await;

    // Several things at once, and all are told.
    let database = at.join("prep/exchange/agencies/vl-customs/records.sqlite");
    let mut base = sqlx::SqliteConnection::connect(database.to_str().unwrap()).await.unwrap();
    let one = "DELETE FROM declaration WHERE id = (SELECT min(id) FROM declaration)";
    sqlx::query(one).execute(&mut base).await.unwrap();
    base.close().await.unwrap();
    join(at, &key, |text| {
        let text = text.replace("case = \"CASE-1\"", "case = \"CASE-9\"");
        let text = text.replace("profiles/nv-customs-desk", "profiles/sm-customs-desk");
        text.replacen("[[agency]]\nid = \"sm-customs\"", "[[agency]]\nid = \"zz-customs\"", 1)
    });
    let error = refused(&[
        "ANOTHER_AGENCY: the profile is that of agency `sm-customs`, and the file says `nv-customs`",
        "AGENCY_MISSING: agency `sm-customs` plays, and there is no `[[agency]]` of it",
        "CASE_NOT_OPEN: the gateway says that `vl-customs` may not name case `CASE-9`",
        "WORLD_DIFFERS: `database`: ",
        "rows of `declaration`, the drill's world",
    ])
    .await;
    assert!(error.contains("prep/completed.toml:"), "with the line: {error}");

    gateway.shut_down().await.unwrap();
    join(at, &key, |text| text);
    refused(&["UNREACHABLE: gateway 127.0.0.1:"]).await;
}

/// A good key of a log that is not this gateway's, by the same name.
fn another_key() -> String {
    let signer = LogSigner::new(GATEWAY_NAME, &[9; 32]).unwrap();
    signer.verifier().to_string()
}
