//! A drill with people, over gRPC with their agencies' certificates: what each may see and do, that a host which is
//! killed loses nothing that was answered, and that what a team asked is read from the gateway's log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use portcullis::client::{Profile, connect};
use portcullis_proto::drill::v1 as wire;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use wire::control_request::Command as Clock;
use wire::drill_service_client::DrillServiceClient;
use wire::watch_response::News;

pub type Client = DrillServiceClient<Channel>;

/// A host that is up.
pub struct Host {
    pub child: Child,
    pub said: Value,
    out: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl Host {
    pub async fn up(folder: &Path, words: &[&str]) -> Self {
        Self::of("portcullis-sim", folder, words).await
    }

    /// Any of our programs that says in its first line that it is up.
    pub async fn of(program: &str, folder: &Path, words: &[&str]) -> Self {
        let mut child = Command::new(portcullis_tests::binary(program).unwrap())
            .args(words)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = out.next_line().await.unwrap().expect("it is up");
        Self { child, said: serde_json::from_str(&said).unwrap(), out }
    }

    /// A file of this kind (`drill`, `gateway`) with which somebody takes part.
    fn profile(&self, folder: &Path, agency: &str, system: &str, kind: &str) -> PathBuf {
        let all = self.said["profiles"].as_array().unwrap();
        let one = all.iter().find(|one| one["agency"] == agency && one["system"] == system);
        folder.join(one.unwrap()[kind].as_str().unwrap())
    }

    pub async fn client(&self, folder: &Path, agency: &str, system: &str) -> Client {
        let profile = Profile::load(&self.profile(folder, agency, system, "drill")).unwrap();
        Client::new(connect(&profile).await.unwrap())
    }

    pub async fn ended(mut self) -> Value {
        let last = self.out.next_line().await.unwrap().expect("the scores");
        assert!(self.child.wait().await.unwrap().success());
        serde_json::from_str(&last).unwrap()
    }
}

/// Words of a tutorial that people play and that begins by itself, so many times faster than the wall.
fn started(speed: &str) -> [&str; 12] {
    let [drill, run, scenario, people] = ["drill", "run", "--scenario", "--people"];
    let [tutorial, all, out, d] = ["tutorial", "all", "--out", "d"];
    [drill, run, scenario, tutorial, people, all, out, d, "--json", "--start", "--speed", speed]
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

pub fn command(key: &str, command: Clock) -> wire::ControlRequest {
    wire::ControlRequest { key: key.to_owned(), command: Some(command) }
}

fn decide(key: &str, matter: u32, decision: &str) -> wire::DecideRequest {
    wire::DecideRequest {
        key: key.to_owned(),
        matter,
        decision: decision.to_owned(),
        confidence: 40,
        reason: "as the script has it".to_owned(),
        player: "scripted".to_owned(),
        ..Default::default()
    }
}

/// Everything that a client is told until an event of a kind, the clock left out.
pub async fn told(
    client: &mut Client,
    until: impl Fn(&wire::Happened) -> bool,
) -> Vec<wire::Happened> {
    let mut stream = client.watch(wire::WatchRequest { from_event: 0 }).await.unwrap().into_inner();
    let mut all = vec![];
    while let Some(response) = stream.message().await.unwrap() {
        if let Some(News::Event(event)) = response.news {
            let last = until(&event);
            all.push(event);
            if last {
                break;
            }
        }
    }
    all
}

async fn open(client: &mut Client) -> Vec<wire::Matter> {
    let ask = wire::ListMattersRequest { team: String::new(), open_only: true };
    client.list_matters(ask).await.unwrap().into_inner().matters
}

/// Waits until there is one.
async fn first_open(client: &mut Client) -> wire::Matter {
    for _ in 0..600 {
        if let Some(matter) = open(client).await.into_iter().next() {
            return matter;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no matter came");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sees_and_does_what_is_theirs_and_what_a_team_asks_is_read_from_the_log() {
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    let run = ["drill", "run", "--scenario", "tutorial", "--people", "all", "--out", "d", "--json"];
    let host = Host::up(at, &run).await;
    let mut trainer = host.client(at, "exercise-control", "trainer").await;
    let mut observer = host.client(at, "exercise-control", "observer").await;
    let mut evaluator = host.client(at, "exercise-control", "evaluator").await;
    let mut norvia = host.client(at, "nv-customs", "desk").await;
    let mut velland = host.client(at, "vl-customs", "desk").await;

    let drill = norvia.get_drill(wire::GetDrillRequest {}).await.unwrap().into_inner();
    assert_eq!((drill.role(), drill.team.as_str()), (wire::Role::Player, "nv-customs"));
    assert!(drill.teams.iter().all(|team| team.player.is_empty()), "who is a bot is not told");
    assert!(drill.decisions.contains(&"hold".to_owned()), "{:?}", drill.decisions);
    let clock = drill.clock.unwrap();
    assert_eq!(clock.state(), wire::State::Ready);

    // Nothing is decided before it begins, and only trainers begin.
    let early = norvia.decide(decide("early", 1, "hold")).await.unwrap_err();
    assert_eq!(reason(&early), "EXERCISE_NOT_RUNNING");
    for client in [&mut norvia, &mut observer, &mut evaluator] {
        let refused = client.control(command("k", Clock::Start(wire::Empty {}))).await;
        assert_eq!(reason(&refused.unwrap_err()), "ROLE");
    }
    trainer.control(command("s", Clock::Speed(30))).await.unwrap();
    trainer.control(command("b", Clock::Start(wire::Empty {}))).await.unwrap();
    let matter = first_open(&mut norvia).await;
    trainer.control(command("p", Clock::Speed(1))).await.unwrap();
    assert!(matter.record_cells.iter().any(|cell| cell.path == "ucr"), "its own record");

    // A matter of another team is not known, whether there is one or not.
    for number in [matter.number, 9_999] {
        let refused = velland.decide(decide("x", number, "hold")).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "MATTER_UNKNOWN"));
    }
    let ask = wire::ListMattersRequest { team: "nv-customs".to_owned(), open_only: false };
    assert_eq!(reason(&velland.list_matters(ask).await.unwrap_err()), "ROLE");
    for (wrong, field) in [
        (decide("", matter.number, "hold"), "key"),
        (decide("w", 0, "hold"), "matter"),
        (decide("w", matter.number, "shrug"), "decision"),
        (
            wire::DecideRequest { confidence: 101, ..decide("w", matter.number, "hold") },
            "confidence",
        ),
        (
            wire::DecideRequest { reason: "\x1b[2J".into(), ..decide("w", matter.number, "hold") },
            "reason",
        ),
        (
            wire::DecideRequest {
                evidence: vec!["x y".into()],
                ..decide("w", matter.number, "hold")
            },
            "evidence",
        ),
    ] {
        let refused = norvia.decide(wrong).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(&format!("`{field}`")), "{}", refused.message());
    }
    let refused = norvia.decide(decide("a", matter.number, "freeze")).await.unwrap_err();
    assert_eq!(reason(&refused), "DECISION_NOT_OPEN");

    // Once is once: the same call again is answered as it was, another one under its key is refused.
    let first = norvia.decide(decide("d1", matter.number, "hold")).await.unwrap().into_inner();
    let again = norvia.decide(decide("d1", matter.number, "hold")).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = norvia.decide(decide("d1", matter.number, "release")).await.unwrap_err();
    assert_eq!(reason(&other), "KEY_REUSED");

    // The team asks by whatever program it likes; that it asked is in the drill's log by itself.
    let gateway = host.profile(at, "nv-customs", "desk", "gateway");
    let asked = Command::new(portcullis_tests::binary("portcullis").unwrap())
        .args(["query", "--profile", gateway.to_str().unwrap(), "Declaration", "--purpose"])
        .args(["INVESTIGATION", "--case", &drill.case_id, "--from", "vl-customs", "--where"])
        .args(["items.hs_code prefix '84'", "--fields", "items.hs_code", "--format", "json"])
        .output()
        .await
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let by = |kind: &'static str| move |event: &wire::Happened| event.kind == kind;
    let seen = tokio::time::timeout(Duration::from_secs(20), told(&mut norvia, by("asked"))).await;
    let seen = seen.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&asked.stderr)));
    let said = &seen.last().unwrap().text;
    assert!(said.contains("asks vl-customs for Declaration: "), "{said}");

    // What it received counts while the drill runs, though the log of the gateway has only the hash of what was shown.
    let words =
        ["query", "Declaration", "--from", "vl-customs", "--limit", "1", "--format", "json"];
    let (good, text) =
        norvia_asks(&host, at, &[&words[..], &["--fields", "items.value"]].concat()).await;
    assert!(good && text.contains("items"), "{text}");
    let received = over_collected(&mut trainer, "nv-customs").await;
    assert!(received > 0.0);

    // Changes of the list, as they happen.
    let row = wire::Inject {
        planned: Some(prost_types::Duration { seconds: 500, nanos: 0 }),
        kind: "tip".to_owned(),
        sender: "Norvian intelligence".to_owned(),
        receiver: "vl-customs".to_owned(),
        content: "EXERCISE. C3: look at the second ship.".to_owned(),
        ..Default::default()
    };
    let put = |key: &str, inject: wire::Inject| wire::PutInjectRequest {
        key: key.into(),
        inject: Some(inject),
    };
    assert_eq!(reason(&norvia.put_inject(put("i", row.clone())).await.unwrap_err()), "ROLE");
    let number = trainer.put_inject(put("i", row.clone())).await.unwrap().into_inner().number;
    let wrong = wire::Inject { kind: "rumour".to_owned(), ..row.clone() };
    assert!(trainer.put_inject(put("j", wrong)).await.unwrap_err().message().contains("`kind`"));
    let edited =
        wire::Inject { number, content: "EXERCISE. C3: the third ship.".to_owned(), ..row };
    trainer.put_inject(put("e", edited.clone())).await.unwrap();
    trainer.control(command("t", Clock::Trigger(number))).await.unwrap();
    let late = trainer.put_inject(put("l", edited)).await.unwrap_err();
    assert_eq!(reason(&late), "INJECT_HAPPENED");
    let withdraw = wire::WithdrawInjectRequest { key: "w".into(), number, reason: "a slip".into() };
    trainer.withdraw_inject(withdraw).await.unwrap();

    let call = wire::DecideRequest { team: "vl-customs".to_owned(), ..decide("ph", 1, "hold") };
    // Whether that matter is Velland's or not, a trainer decides for a team as the team itself could.
    if let Err(refused) = trainer.decide(call).await {
        assert_eq!(reason(&refused), "MATTER_UNKNOWN");
    }
    let rate = wire::RateRequest {
        key: "r".to_owned(),
        team: "nv-customs".to_owned(),
        objective: "O1".to_owned(),
        rating: wire::Rating::S.into(),
        reason: "asked late".to_owned(),
    };
    assert_eq!(reason(&observer.rate(rate.clone()).await.unwrap_err()), "ROLE");
    evaluator.rate(rate).await.unwrap();
    let words = |key: &str, to: &str| wire::SendRequest {
        key: key.into(),
        to: to.into(),
        text: "hello".into(),
    };
    assert_eq!(reason(&norvia.send(words("m", "ALL")).await.unwrap_err()), "ROLE");
    norvia.send(words("m", "vl-customs")).await.unwrap();
    let hand = wire::HandOverRequest {
        key: "h".into(),
        matter: matter.number,
        to: "vl-customs".into(),
        text: String::new(),
    };
    norvia.hand_over(hand).await.unwrap();
    let mine =
        velland.list_matters(wire::ListMattersRequest::default()).await.unwrap().into_inner();
    let handed = mine.matters.iter().find(|one| one.number == matter.number).unwrap();
    assert!(handed.record_cells.is_empty(), "the record is to be asked for through the gateway");
    assert_eq!(
        reason(&norvia.decide(decide("d2", matter.number, "release")).await.unwrap_err()),
        "MATTER_UNKNOWN"
    );

    let stop =
        trainer.control(command("nd", Clock::NoDuff("a fire".into()))).await.unwrap().into_inner();
    assert_eq!(stop.clock.unwrap().state(), wire::State::NoDuff);
    trainer.control(command("end", Clock::End(wire::Empty {}))).await.unwrap();

    // What players are told: their own, and nothing of others.
    let ended = |event: &wire::Happened| event.kind == "ended";
    let (norvia_saw, velland_saw, staff_saw) = tokio::join!(
        told(&mut norvia, ended),
        told(&mut velland, ended),
        told(&mut observer, ended)
    );
    let has = |saw: &[wire::Happened], kind: &str| saw.iter().any(|event| event.kind == kind);
    assert!(has(&norvia_saw, "decided") && !has(&velland_saw, "decided"));
    assert!(velland_saw.iter().any(|event| event.content.contains("the third ship")), "as edited");
    assert!(has(&velland_saw, "withdrawn") && !has(&norvia_saw, "withdrawn"));
    assert!(!norvia_saw.iter().any(|event| event.content.contains("ship")));
    for saw in [&norvia_saw, &velland_saw] {
        assert!(has(saw, "no_duff") && has(saw, "message"));
        let secret = ["rated", "disclosed", "received", "planned", "plan"];
        assert!(!saw.iter().any(|event| secret.contains(&event.kind.as_str())));
        assert!(!saw.iter().any(|event| event.kind == "clock" && event.text.contains("trigger")));
    }
    let kinds: BTreeSet<&str> = staff_saw.iter().map(|event| event.kind.as_str()).collect();
    assert!(kinds.contains("rated") && kinds.contains("disclosed"), "{said}: {kinds:?}");
    let scores = host.ended().await;
    assert!(scores["scores"]["all"]["decided"]["numerator"].as_f64().unwrap() >= 1.0);
    let team = &scores["scores"]["teams"]["nv-customs"]["over_collection"];
    let counted = team["denominator"].as_f64().unwrap();
    assert!((counted - received).abs() < 1e-9, "{counted}, and {received} while it ran");
    assert!(at.join("d/report/report.html").exists());
}

/// What a team received by the scores of a drill that runs, weighted, when it is more than nothing.
async fn over_collected(trainer: &mut Client, team: &str) -> f64 {
    for _ in 0..200 {
        let scores = trainer.get_scores(wire::GetScoresRequest {}).await.unwrap().into_inner();
        let of = scores.teams.into_iter().find(|one| one.agency == team).unwrap();
        let score = of.scores.into_iter().find(|one| one.name == "over-collection").unwrap();
        if score.denominator > 0.0 {
            return score.denominator;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    0.0
}

/// Norvia's desk asks Velland by the command line.
pub async fn ask(host: &Host, folder: &Path) -> (bool, String) {
    let words = ["query", "Declaration", "--from", "vl-customs", "--limit", "1"];
    let more = ["--fields", "ucr,items.hs_code", "--format", "json"];
    norvia_asks(host, folder, &[&words[..], &more].concat()).await
}

async fn norvia_asks(host: &Host, folder: &Path, words: &[&str]) -> (bool, String) {
    let gateway = host.profile(folder, "nv-customs", "desk", "gateway");
    let asked = Command::new(portcullis_tests::binary("portcullis").unwrap())
        .args(words)
        .args(["--profile", gateway.to_str().unwrap()])
        .args(["--purpose", "INVESTIGATION", "--case", "CASE-1"])
        .output()
        .await
        .unwrap();
    let text = [asked.stdout, asked.stderr].concat();
    (asked.status.success(), String::from_utf8(text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn injects_change_the_exchange_itself_and_change_it_back() {
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    let run = started("4");
    let host = Host::up(at, &run).await;
    let mut trainer = host.client(at, "exercise-control", "trainer").await;
    let mut inject = async |kind: &str, about: &str, minutes: u32| {
        let row = wire::Inject {
            planned: Some(prost_types::Duration { seconds: 590, nanos: 0 }),
            kind: kind.to_owned(),
            sender: "Exercise director".to_owned(),
            receiver: "ALL".to_owned(),
            content: "EXERCISE.".to_owned(),
            about: about.to_owned(),
            maximum_minutes: minutes,
            ..Default::default()
        };
        let put = wire::PutInjectRequest { key: format!("{kind}{about}"), inject: Some(row) };
        let number = trainer.put_inject(put).await?.into_inner().number;
        trainer.control(command(&format!("t{number}"), Clock::Trigger(number))).await?;
        Ok::<u32, Status>(number)
    };
    // Until it is as wanted, for what an inject changes takes its time.
    let comes = async |wanted: &dyn Fn(bool, &str, Duration) -> bool, what: &str| {
        let mut last = String::new();
        for _ in 0..40 {
            let begun = tokio::time::Instant::now();
            let (good, text) = ask(&host, at).await;
            if wanted(good, &text, begun.elapsed()) {
                return;
            }
            last = text;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("{what}: {last}");
    };
    let served = |good: bool, text: &str, _| good && text.contains("\"hs_code\"");
    comes(&served, "at first").await;

    let wrong = inject("peer_down", "", 0).await.unwrap_err();
    assert!(wrong.message().contains("`about`"), "{}", wrong.message());
    let down = inject("peer_down", "vl-customs", 0).await.unwrap();
    comes(&|_, text: &str, _| text.contains("SOURCE_"), "its source is down").await;
    let slow = inject("gateway_slow", "", 0).await.unwrap();
    let withdraw = |number: u32| wire::WithdrawInjectRequest {
        key: format!("w{number}"),
        number,
        reason: "enough".to_owned(),
    };
    let mut second = host.client(at, "exercise-control", "trainer").await;
    second.withdraw_inject(withdraw(down)).await.unwrap();
    let slowly = |good: bool, text: &str, took: Duration| {
        served(good, text, took) && took > Duration::from_millis(1_400)
    };
    comes(&slowly, "slow").await;
    second.withdraw_inject(withdraw(slow)).await.unwrap();
    let suspended =
        inject("agreement_suspended", "vl-customs:customs-assistance", 0).await.unwrap();
    comes(&|good, text: &str, _| !good && text.contains("SUSPENDED"), "suspended").await;
    second.withdraw_inject(withdraw(suspended)).await.unwrap();
    comes(&served, "lifted").await;
    // What cannot be changed is told, and the drill goes on.
    inject("agreement_suspended", "vl-customs:no-such-agreement", 0).await.unwrap();
    let noted = told(&mut second, |event| event.kind == "note").await;
    assert!(
        noted.last().unwrap().content.contains("no-such-agreement"),
        "{:?}",
        noted.last().unwrap().content
    );
    second.control(command("end", Clock::End(wire::Empty {}))).await.unwrap();
    host.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_nobody_plays_releases_what_a_reason_accounts_for_and_nothing_else() {
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    let run =
        ["drill", "run", "--scenario", "tutorial", "--people", "nv-customs", "--bots", "silent"];
    let host =
        Host::up(at, &[&run[..], &["--start", "--speed", "4", "--out", "d", "--json"]].concat())
            .await;
    let told = loop {
        let (good, text) = ask(&host, at).await;
        assert!(good, "{text}");
        let told: Value = serde_json::from_str(&text).unwrap();
        if told["records"].as_array().is_some_and(|all| !all.is_empty()) {
            break told;
        }
        // As long as nothing has happened yet in Velland.
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let record = &told["records"][0];
    let reference = record["reference"].as_str().unwrap();
    let ucr = record["fields"]["ucr"].as_str().unwrap();
    let accounted = format!("our matter {ucr} has the same goods");
    for (reason, state) in [(accounted.as_str(), "GRANTED"), ("we are curious", "REFUSED")] {
        let words = ["release", "request", "Declaration", "--reference", reference, "--json"];
        let more = ["--fields", "items.value", "--reason", reason];
        let (good, text) = norvia_asks(&host, at, &[&words[..], &more].concat()).await;
        assert!(good, "{text}");
        let profile = host.profile(at, "nv-customs", "desk", "gateway");
        let mut last = String::new();
        let listed = async {
            loop {
                let listed = Command::new(portcullis_tests::binary("portcullis").unwrap())
                    .args(["release", "list", "--json", "--profile", profile.to_str().unwrap()])
                    .output()
                    .await
                    .unwrap();
                last = String::from_utf8(listed.stdout).unwrap();
                if last.contains(state) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(20), listed).await;
        assert!(came.is_ok(), "{state}: {last}");
    }
    let mut trainer = host.client(at, "exercise-control", "trainer").await;
    trainer.control(command("end", Clock::End(wire::Empty {}))).await.unwrap();
    let scores = host.ended().await;
    let refusals = &scores["scores"]["teams"]["vl-customs"]["refusals"];
    assert_eq!(refusals["denominator"], 2.0, "{refusals}");
    assert_eq!(scores["scores"]["teams"]["nv-customs"]["refusals"]["denominator"], 0.0);
    let text = std::fs::read_to_string(at.join("d/events.jsonl")).unwrap();
    let released = |granted: bool| {
        let word = format!("\"granted\":{granted}");
        text.lines().filter(|line| line.contains("\"release\"") && line.contains(&word)).count()
    };
    assert_eq!((released(true), released(false)), (1, 1));
}

/// What a player was answered, by key.
type Acknowledged = BTreeMap<String, u64>;

struct Script {
    folder: PathBuf,
    profile: PathBuf,
    name: String,
    until: Arc<tokio::sync::Notify>,
}

impl Script {
    /// Acts until told to end: looks, decides, writes. An action that got no answer is made again under its key, by a new
    /// connection, until the host is back.
    async fn play(self) -> (Acknowledged, Vec<Duration>) {
        let profile = Profile::load(&self.folder.join(&self.profile)).unwrap();
        let mut client = Client::new(connect(&profile).await.unwrap());
        let (mut done, mut took) = (Acknowledged::new(), vec![]);
        let end = self.until.notified();
        tokio::pin!(end);
        for round in 0.. {
            let key = format!("{}-{round}", self.name);
            let begun = tokio::time::Instant::now();
            let acted = tokio::select! {
                () = &mut end => break,
                acted = act(&mut client, &key, round) => acted,
            };
            match acted {
                Ok(event) => {
                    took.push(begun.elapsed());
                    done.extend(event.map(|event| (key, event)));
                }
                Err(status)
                    if matches!(
                        status.code(),
                        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal
                    ) =>
                {
                    // The host is gone: the same call again, when it is back.
                    let again = async {
                        loop {
                            tokio::time::sleep(Duration::from_millis(200)).await;
                            let Ok(channel) = connect(&profile).await else { continue };
                            client = Client::new(channel);
                            match act(&mut client, &key, round).await {
                                Err(status)
                                    if matches!(
                                        status.code(),
                                        Code::Unavailable
                                            | Code::Unknown
                                            | Code::Cancelled
                                            | Code::Internal
                                    ) => {}
                                other => break other,
                            }
                        }
                    };
                    let again = tokio::select! { () = &mut end => break, again = again => again };
                    if let Ok(Some(event)) = again {
                        done.insert(key, event);
                    }
                }
                // Refused for the moment's sake: out of reach, or another player of the team was faster.
                Err(_) => took.push(begun.elapsed()),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        (done, took)
    }
}

async fn act(client: &mut Client, key: &str, round: u32) -> Result<Option<u64>, Status> {
    if round.is_multiple_of(3) {
        let text = format!("round {round}");
        let words = wire::SendRequest { key: key.to_owned(), to: "control".to_owned(), text };
        return Ok(Some(client.send(words).await?.into_inner().event));
    }
    let ask = wire::ListMattersRequest { team: String::new(), open_only: round % 3 == 1 };
    let matters = client.list_matters(ask).await?.into_inner().matters;
    let Some(matter) = matters.last() else { return Ok(None) };
    let word = ["hold", "release", "refer"][round as usize % 3];
    Ok(Some(client.decide(decide(key, matter.number, word)).await?.into_inner().event))
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_players_lose_nothing_when_the_host_is_killed_and_comes_back() {
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    let run = started("6");
    let mut host = Host::up(at, &run).await;
    let address = host.said["gateway"].clone();
    let until = Arc::new(tokio::sync::Notify::new());
    let mut players = tokio::task::JoinSet::new();
    for number in 0..30 {
        let team = ["nv-customs", "sm-customs", "vl-customs"][number % 3];
        let profile = host.profile(at, team, "desk", "drill");
        let (folder, name, until) = (at.to_owned(), format!("p{number}"), until.clone());
        players.spawn(Script { folder, profile, name, until }.play());
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    // SIGKILL, in the middle of everything.
    host.child.kill().await.unwrap();
    let before = std::fs::read_to_string(at.join("d/events.jsonl")).unwrap();
    let host = Host::up(at, &["drill", "resume", "d", "--json"]).await;
    assert_eq!(host.said["gateway"], address, "where it was");
    tokio::time::sleep(Duration::from_secs(5)).await;
    until.notify_waiters();
    let played: Vec<(Acknowledged, Vec<Duration>)> = players.join_all().await;
    let mut trainer = host.client(at, "exercise-control", "trainer").await;
    trainer.control(command("end", Clock::End(wire::Empty {}))).await.unwrap();
    host.ended().await;

    let text = std::fs::read_to_string(at.join("d/events.jsonl")).unwrap();
    assert!(
        text.starts_with(&before[..before.rfind('\n').unwrap() + 1]),
        "what was written stands"
    );
    let mut by_key: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut kinds = BTreeSet::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        kinds.insert(event["what"]["kind"].as_str().unwrap().to_owned());
        if let Some(key) = event["key"].as_str() {
            let key = key.split_once(':').unwrap().1.to_owned();
            by_key.entry(key).or_default().push(event["number"].as_u64().unwrap());
        }
    }
    assert!(kinds.contains("resumed") && kinds.contains("ended"), "{kinds:?}");
    let mut acknowledged = 0;
    for (done, _) in &played {
        acknowledged += done.len();
        for (key, event) in done {
            assert_eq!(by_key.get(key), Some(&vec![*event]), "{key}: answered, and there once");
        }
    }
    assert!(acknowledged > 300, "{acknowledged}");
    let mut took: Vec<Duration> = played.into_iter().flat_map(|(_, took)| took).collect();
    took.sort_unstable();
    let at_share = |share: usize| took[(took.len() - 1) * share / 100];
    println!(
        "30 players, {} actions, {acknowledged} events: p50 {:?}, p99 {:?}, longest {:?}",
        took.len(),
        at_share(50),
        at_share(99),
        at_share(100)
    );
}
