//! Officers' work from the command line: cases, tokens, and a release from the question to the value.

use std::process::Command;
use std::time::Duration;

use portcullis::command::playground::OFFICER_KEY;
use portcullis_proto::record::v1::{Declaration, TradeParty};
use portcullis_proto::source::v1 as source;
use portcullis_tests::pair::{ALPHA, ASKER, BETA, OTHER, Pair, PairSpec, handling, opaque_id};
use portcullis_tests::{RECORD, binary};
use prost::Message as _;
use serde_json::Value;

fn agreement() -> String {
    format!(
        "id = \"pair\"\nversion = 1\ntitle = \"Pair\"\nlegal_basis = \"A test\"\n\
         parties = [\"{ALPHA}\", \"{BETA}\", \"{0}\", \"{1}\"]\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n\
         [[flow]]\nfrom = \"{ALPHA}\"\nto = [\"{0}\", \"{1}\"]\n\
         record_types = [\"{RECORD}Declaration\"]\npurposes = [\"INVESTIGATION\"]\n\
         case_required = true\npermitted_use = [\"INVESTIGATION\"]\n\
         delete_after_days = 30\nrelease_by_originator = true\n\
         [flow.budgets]\nqueries_per_day = 100_000\nrecords_per_day = 1_000_000\n\
         [[flow.ladder]]\nfields = [\"ucr\"]\nrungs = [\"clear\", \"withhold\"]\n\
         [[flow.ladder]]\nfields = [\"office\"]\nofficer_rungs = [\"clear\"]\nrungs = [\"withhold\"]\n\
         [[flow.ladder]]\nfields = [\"importer.id\"]\nrungs = [\"pseudonymise\", \"withhold\"]\n\
         [[flow.ladder]]\nfields = [\"exporter.id\"]\nrungs = [\"withhold\"]\n",
        ASKER.0, OTHER.0
    )
}

struct Desk {
    pair: Pair,
}

/// What a command printed, and its status.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        serde_json::from_str(&self.out).unwrap()
    }

    #[track_caller]
    fn text(&self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out.trim().to_owned()
    }

    #[track_caller]
    fn refused(&self, code: i32, part: &str) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(self.err.contains(part), "no `{part}` in: {}", self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
    }
}

impl Desk {
    async fn up() -> Self {
        let spec = PairSpec { agreement: Some(agreement()), ..PairSpec::default() };
        let pair = Pair::up(spec).await.unwrap();
        let party = |id: &str| Some(TradeParty { id: id.to_owned(), ..TradeParty::default() });
        let payload = Declaration {
            ucr: "ucr-1".to_owned(),
            office: "XN-17".to_owned(),
            importer: party("importer-1"),
            exporter: party("exporter-1"),
            ..Declaration::default()
        };
        let record = source::SourceRecord {
            opaque_id: opaque_id(1),
            handling: Some(handling(ALPHA)),
            payload: payload.encode_to_vec().into(),
        };
        pair.alpha.holds(vec![record], 10, Duration::ZERO);
        Self { pair }
    }

    /// One command by a system of an agency; words are separated by `|`.
    async fn run(&self, agency: &str, words: &str) -> Said {
        let profile = self.pair.exchange.world.profile(agency, "desk");
        let mut words: Vec<String> = words.split('|').map(str::to_owned).collect();
        words.extend(["--profile".to_owned(), profile.display().to_string()]);
        let ran = tokio::task::spawn_blocking(move || {
            Command::new(binary("portcullis").unwrap()).args(words).output().unwrap()
        });
        let ran = ran.await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: ran.status.code().unwrap(), out: text(ran.stdout), err: text(ran.stderr) }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.pair.exchange.world.dir.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn officer_key(&self, agency: &str) -> String {
        self.pair
            .exchange
            .world
            .dir
            .join(format!("keys/{agency}.officers.key"))
            .display()
            .to_string()
    }
}

const ASK: &str = "Declaration|--purpose|INVESTIGATION|--case|OP-1";

fn field<'a>(answer: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(&answer["records"][0]["fields"], |at, step| &at[*step])
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_are_opened_joined_left_and_closed() {
    let desk = Desk::up().await;
    let query = format!("query|{ASK}|--format|json");
    let refused = desk.run(ASKER.0, &query).await;
    assert_eq!((refused.code, refused.out.contains("CASE_NOT_OPEN_TO_YOU")), (1, true));
    let opened =
        desk.run(ASKER.0, &format!("case|open|OP-1|--title|One|--invite|{}|--json", OTHER.0)).await;
    assert_eq!(opened.json()["members"], serde_json::json!([ASKER.0]));
    desk.run(OTHER.0, &query).await.refused(1, "");
    assert!(desk.run(OTHER.0, "case|join|OP-1").await.text().contains("joined; open"));
    assert_eq!(desk.run(OTHER.0, &query).await.json()["records"].as_array().unwrap().len(), 1);
    desk.run(BETA, "case|join|OP-1").await.refused(1, "CASE_NOT_FOUND_OR_NOT_YOURS");
    assert!(desk.run(OTHER.0, "case|leave|OP-1").await.text().contains("left"));
    desk.run(OTHER.0, "case|close|OP-1").await.refused(1, "CASE_");
    assert!(desk.run(ASKER.0, "case|close|OP-1").await.text().contains("closed; not open"));
    let listed = desk.run(ASKER.0, "case|list|--json").await.json();
    assert_eq!((&listed[0]["case"], &listed[0]["open"]), (&"OP-1".into(), &false.into()));
    desk.run(ASKER.0, "case|open|OP-1").await.refused(1, "CASE_ID_TAKEN");
    desk.run(ASKER.0, "case|open|OP-2|--closes|tomorrow").await.refused(2, "is not a time");
    desk.pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officers_token_is_made_and_used_from_the_command_line() {
    let desk = Desk::up().await;
    desk.run(ASKER.0, "case|open|OP-1").await.text();
    let words = format!("{ASK}|--officer|o.rask");
    let key = desk.officer_key(ASKER.0);
    let system = desk.run(ASKER.0, &format!("query|{words}|--format|json")).await.json();
    assert_eq!(field(&system, &["office"]), &Value::Null, "a name alone lifts nothing");
    let token =
        desk.run(ASKER.0, &format!("officer|token|{words}|--key|{key}|--kid|{OFFICER_KEY}")).await;
    let token = desk.file("token", &token.text());
    let with_token = format!("query|{words}|--format|json|--officer-token|{token}");
    let officer = desk.run(ASKER.0, &with_token).await.json();
    assert!(officer.to_string().contains("XN-17"), "{officer}");
    let again = desk.run(ASKER.0, &with_token).await;
    assert_eq!((again.code, again.out.contains("OFFICER_TOKEN_REPLAYED")), (1, true));
    desk.run(ASKER.0, &format!("officer|token|{ASK}|--officer|two words|--key|{key}|--kid|k"))
        .await
        .refused(1, "--officer takes");
    desk.pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_goes_from_the_question_to_the_value() {
    let desk = Desk::up().await;
    desk.run(ASKER.0, "case|open|OP-1").await.text();
    let plain = desk.run(ASKER.0, &format!("query|{ASK}|--format|json")).await.json();
    let reference = plain["records"][0]["reference"].as_str().unwrap().to_owned();
    assert!(!plain.to_string().contains("exporter-1"));
    let words = format!(
        "{ASK}|--reference|{reference}|--fields|importer.id,exporter.id|--reason|the same importer twice"
    );
    desk.run(ASKER.0, &format!("release|request|{ASK}|--reference|{reference}"))
        .await
        .refused(2, "--fields");
    let asked = desk.run(ASKER.0, &format!("release|request|{words}|--json")).await.json();
    let id = asked["release"].as_str().unwrap().to_owned();
    assert_eq!(asked["state"], "PENDING");

    let listed = desk.run(ALPHA, "release|list|--state|pending,asked-back|--json").await.json();
    assert_eq!(listed[0]["record_id"], hex::encode(opaque_id(1)));
    assert_eq!(listed[0]["reference"], "", "the requester's own");
    let table = desk.run(ALPHA, "release|list").await.text();
    assert!(table.contains("PENDING") && table.contains("exporter.id, importer.id"), "{table}");
    let none = desk.run(ALPHA, "release|list|--overdue").await.text();
    assert!(none.contains("no release"), "{none}");

    let asked_back =
        desk.run(ALPHA, &format!("release|decide|{id}|--ask|in which case?|--officer|a.one")).await;
    assert!(
        asked_back.text().contains("ASK_BACK by alpha-customs, a.one (as told): in which case?")
    );
    desk.run(ASKER.0, &format!("release|decide|{id}|--answer|OP-1")).await.text();
    desk.run(ASKER.0, &format!("release|decide|{id}|--grant|exporter.id"))
        .await
        .refused(1, "RELEASE_STEP_NOT_YOURS");
    desk.run(ALPHA, &format!("release|decide|{id}|--grant|exporter.id=sharp"))
        .await
        .refused(2, "sharp");
    desk.run(ALPHA, &format!("release|decide|{id}|--grant|ucr"))
        .await
        .refused(1, "FIELD_NOT_ASKED");
    desk.run(ALPHA, &format!("release|decide|{id}|--refuse|boredom"))
        .await
        .refused(2, "no such ground");
    desk.run(ALPHA, &format!("release|decide|{id}")).await.refused(2, "required");

    // With a token: the officer who grants is proven.
    let decide = format!("release|decide|{id}|--grant|exporter.id|--officer|a.one|--after-step|3");
    let digest = desk.run(ALPHA, &format!("{decide}|--digest")).await.text();
    let key = desk.officer_key(ALPHA);
    let sign = format!(
        "officer|sign|--digest|{digest}|--case|OP-1|--officer|a.one|--key|{key}|--kid|{OFFICER_KEY}"
    );
    let token = desk.file("grant-token", &desk.run(ALPHA, &sign).await.text());
    let granted = desk.run(ALPHA, &format!("{decide}|--officer-token|{token}")).await.text();
    assert!(granted.contains("GRANTED") && granted.contains("a.one (proven)"), "{granted}");

    let fetched =
        desk.run(ASKER.0, &format!("query|{ASK}|--release|{id}|--format|json")).await.json();
    assert!(fetched.to_string().contains("exporter-1"), "{fetched}");
    assert!(!fetched.to_string().contains("importer-1"), "asked for, not granted");
    let watched = desk.run(ASKER.0, "release|watch|--after|1|--count|3").await.text();
    let acts: Vec<_> = watched.lines().map(|line| line.split(' ').nth(4).unwrap()).collect();
    assert_eq!(acts, ["ASK_BACK", "ANSWER", "GRANT"], "{watched}");
    desk.run(ALPHA, &format!("release|decide|{id}|--revoke|by mistake")).await.text();
    let refused = desk.run(ASKER.0, &format!("query|{ASK}|--release|{id}")).await;
    refused.refused(1, "RELEASE_NOT_USABLE");
    desk.run(ASKER.0, "release|list|--state|fun").await.refused(2, "no such state");
    desk.pair.exchange.shut_down().await.unwrap();
}
