//! Requests that ask for more than they may, in every way that has opened some gateway somewhere: each is refused, or
//! answered with what the plain request gets and nothing else. What policies and agreements can do wrong is in
//! `gateway/core/src/policy/tests/gauntlet.rs`; reloads are in `reloads.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::record::v1::{Declaration, TradeParty};
use portcullis_proto::source::v1 as source;
use portcullis_tests::pair::{ALPHA, ASKER, BETA, OTHER, Pair, PairSpec, handling, opaque_id};
use portcullis_tests::{Answer, RECORD, filter, query, reason, request};
use prost::Message as _;
use tonic::metadata::{MetadataKey, MetadataValue};
use tonic::{Request, Status};

const HIDDEN: &str = "canaryhidden";

/// The UCR is clear, the importer a token, all else withheld; within a case for INVESTIGATION alone.
fn agreement() -> String {
    let flow = |purpose: &str, case: bool, clear: &str| {
        format!(
            "[[flow]]\nfrom = \"{ALPHA}\"\nto = [\"{}\"]\n\
             record_types = [\"{RECORD}Declaration\"]\npurposes = [\"{purpose}\"]\n\
             case_required = {case}\npermitted_use = [\"{purpose}\"]\n\
             delete_after_days = 30\nrelease_by_originator = false\n\
             [flow.budgets]\nqueries_per_day = 100_000\nrecords_per_day = 1_000_000\n\
             [[flow.ladder]]\nfields = [{clear}]\nrungs = [\"clear\", \"withhold\"]\n\
             [[flow.ladder]]\nfields = [\"importer.id\"]\nrungs = [\"pseudonymise\", \"withhold\"]\n",
            ASKER.0
        )
    };
    format!(
        "id = \"pair\"\nversion = 1\ntitle = \"Pair\"\nlegal_basis = \"A test\"\n\
         parties = [\"{ALPHA}\", \"{BETA}\", \"{}\", \"{}\"]\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n{}{}",
        ASKER.0,
        OTHER.0,
        flow("SHIPMENT_TARGETING", false, "\"ucr\""),
        flow("INVESTIGATION", true, "\"ucr\", \"office\""),
    )
}

async fn up() -> Pair {
    let cases = format!(
        "[[cases]]\nid = \"C-1\"\nmembers = [\"{}\"]\nopens = \"2024-01-01T00:00:00Z\"\n",
        OTHER.0
    );
    let spec = PairSpec { agreement: Some(agreement()), cases, ..PairSpec::default() };
    let pair = Pair::up(spec).await.unwrap();
    let hidden = |what: &str, number: u64| format!("{HIDDEN}-{what}-{number}");
    let party =
        |what: &str, number| TradeParty { id: hidden(what, number), ..TradeParty::default() };
    let record = |number: u64| {
        let payload = Declaration {
            id: hidden("id", number),
            ucr: format!("ucr-{number}"),
            importer: Some(party("importer", number)),
            exporter: Some(party("exporter", number)),
            office: hidden("office", number),
            officer_remarks: hidden("remarks", number),
            ..Declaration::default()
        };
        source::SourceRecord {
            opaque_id: opaque_id(number),
            handling: Some(handling(ALPHA)),
            payload: payload.encode_to_vec().into(),
        }
    };
    pair.alpha.holds((1..=3).map(record).collect(), 10, Duration::ZERO);
    pair
}

fn plain() -> wire::QueryRequest {
    request(query("Declaration", wire::Purpose::ShipmentTargeting, ""))
}

type Change = Box<dyn Fn(&mut wire::QueryRequest)>;

fn row(name: &str, change: impl Fn(&mut wire::Query) + 'static) -> (String, Change) {
    let change = move |ask: &mut wire::QueryRequest| change(ask.query.as_mut().unwrap());
    (name.to_owned(), Box::new(change))
}

/// Every mutation of the query itself.
fn queries() -> Vec<(String, Change)> {
    let mut rows = vec![];
    for purpose in [0, 99, -1, i32::MAX, i32::MIN, 7, 8, 9, 11] {
        rows.push(row(&format!("purpose {purpose}"), move |q| q.purpose = purpose));
    }
    for case in ["C-1", "c-1", "C-1\0", " C-1", "*", "С-1", "C-1/../C-1", "%43-1"] {
        rows.push(row(&format!("another's case {case:?}"), move |q| {
            q.purpose = wire::Purpose::Investigation.into();
            q.case_id = case.to_owned();
        }));
    }
    for agreement in ["PAIR", "pair ", "*", "pair\0", "agreement:pair", "../pair", "рair"] {
        rows.push(row(&format!("agreement {agreement:?}"), move |q| {
            q.agreement_id = agreement.to_owned();
        }));
    }
    for name in [
        "",
        "*",
        "Declaration",
        ".portcullis.record.v1.Declaration",
        "portcullis.record.v1.declaration",
        "portcullis.record.v1.DeclarationItem",
        "portcullis.record.v1.Inspection",
        "portcullis.record.v1.Declaration\0",
        "portcullis.query.v1.Query",
        "google.protobuf.Any",
    ] {
        rows.push(row(&format!("record type {name:?}"), move |q| q.record_type = name.to_owned()));
    }
    for sources in [
        vec![BETA],
        vec!["*"],
        vec![""],
        vec![ALPHA, ALPHA],
        vec!["ALPHA-CUSTOMS"],
        vec![ALPHA, BETA],
        vec![ASKER.0],
        vec!["alpha-customs/"],
    ] {
        rows.push(row(&format!("sources {sources:?}"), move |q| {
            q.sources = sources.iter().map(|one| (*one).to_owned()).collect();
        }));
    }
    for field in [
        "officer_remarks",
        "exporter",
        "exporter.id",
        "exporter.*",
        "importer.*",
        "**",
        "",
        " ",
        "ucr.",
        ".ucr",
        "ucr,officer_remarks",
        "officerRemarks",
        "OFFICER_REMARKS",
        "officer_remarks ",
        "officer_remarks\0",
        "importer..id",
        "importer.id.original",
        "15",
        "[\"officer_remarks\"]",
        "$.officer_remarks",
        "*,officer_remarks",
        "-ucr",
    ] {
        rows.push(row(&format!("field {field:?}"), move |q| q.fields = vec![field.to_owned()]));
        rows.push(row(&format!("field ucr and {field:?}"), move |q| {
            q.fields = vec!["ucr".to_owned(), field.to_owned()];
        }));
    }
    for text in [
        "officer_remarks = 'canaryhidden-remarks-1'",
        "officer_remarks prefix 'canary'",
        "not officer_remarks = 'x'",
        "ucr = 'ucr-1' or officer_remarks prefix 'c'",
        "ucr = 'ucr-1' and not (office = 'x')",
        "importer.id = 'canaryhidden-importer-1'",
        "importer.id prefix 'canary'",
        "importer.id < 'd'",
        "exporter.id in ('a', 'b')",
        "not (not (id = 'canaryhidden-id-1'))",
    ] {
        rows.push(row(&format!("filter {text}"), move |q| {
            q.filter = Some(filter("Declaration", text).unwrap());
        }));
    }
    rows.push(row("a filter without a node", |q| q.filter = Some(wire::Filter::default())));
    rows.push(row("an empty list", |q| {
        let node = wire::filter::Node::Any(wire::FilterList::default());
        q.filter = Some(wire::Filter { node: Some(node) });
    }));
    rows.push(row("made-up references", |q| q.references = vec!["AAAA".into(), "*".into()]));
    rows.push(row("a made-up release", |q| q.release_id = "00".repeat(16)));
    rows.push(row("a release of everything", |q| q.release_id = "*".into()));
    rows.push(row("an officer's name", |q| q.officer = "o.rask".into()));
    rows.push(row("a limit beyond all", |q| q.limit = u32::MAX));
    rows.push(row("a deadline of the past", |q| {
        q.deadline = Some(prost_types::Duration { seconds: -1, nanos: 0 });
    }));
    rows
}

/// Mutations of what comes beside the query.
fn beside() -> Vec<(String, Change)> {
    let row = |name: &str, change: fn(&mut wire::QueryRequest)| -> (String, Change) {
        (name.to_owned(), Box::new(change))
    };
    vec![
        row("an unsigned token", |ask| {
            ask.officer_token =
                "eyJhbGciOiJub25lIiwidHlwIjoicG9ydGN1bGxpcy1vZmZpY2VyK2p3dCJ9.e30.".into();
        }),
        row("a token of nothing", |ask| ask.officer_token = "..".into()),
        row("a resume token of zeros", |ask| ask.resume_token = Bytes::from_static(&[0; 200])),
        row("a resume token of text", |ask| ask.resume_token = Bytes::from_static(b"*")),
        row("no query", |ask| ask.query = None),
        row("a long key", |ask| ask.idempotency_key = "k".repeat(4096)),
    ]
}

/// Headers in which other gateways took the caller's word for who it is.
const HEADERS: &[(&str, &str)] = &[
    ("x-forwarded-client-cert", "URI=spiffe://exchange.example/agency/oth-police/system/desk"),
    ("x-spiffe-id", "spiffe://exchange.example/agency/alpha-customs/system/desk"),
    ("x-agency", "alpha-customs"),
    ("x-forwarded-for", "127.0.0.1"),
    ("authorization", "Bearer admin"),
    ("x-remote-user", "root"),
    ("x-purpose", "INVESTIGATION"),
    ("x-case-id", "C-1"),
    ("x-debug", "true"),
    ("x-original-url", "/portcullis.query.v1.QueryService/Query"),
];

/// What an answer may hold: the clear UCRs of the sound one, and not a byte of what is hidden.
#[track_caller]
fn nothing_more(name: &str, answer: &Result<Answer, Status>) {
    let shown = format!("{:?}", answer.as_ref().err());
    assert!(!shown.contains(HIDDEN), "{name}: {shown}");
    let Ok(answer) = answer else { return };
    for record in &answer.records {
        let bytes = record.encode_to_vec();
        let found = bytes.windows(HIDDEN.len()).any(|window| window == HIDDEN.as_bytes());
        assert!(!found, "{name}: something hidden came");
        let read = Declaration::decode(record.payload.clone()).unwrap();
        let others = Declaration { ucr: String::new(), importer: None, ..read.clone() };
        assert_eq!(others, Declaration::default(), "{name}: {:?}", read.ucr);
    }
    let plans = answer.plans.iter().flat_map(|plan| &plan.fields);
    for field in plans.filter(|field| field.treatment() != wire::Treatment::Withhold) {
        assert!(["ucr", "importer.id"].contains(&field.path.as_str()), "{name}: {}", field.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mutation_of_a_request_discloses_more() {
    let pair = up().await;
    let sound = pair.exchange.ask(ASKER, plain()).await;
    assert_eq!(sound.as_ref().unwrap().records.len(), 3);
    nothing_more("the plain one", &sound);
    let (mut answered, mut words) = (vec![], BTreeSet::new());
    let rows: Vec<(String, Change)> = queries().into_iter().chain(beside()).collect();
    assert!(rows.len() >= 100, "{}", rows.len());
    for (name, change) in &rows {
        let mut ask = plain();
        change(&mut ask);
        let answer = pair.exchange.ask(ASKER, ask).await;
        nothing_more(name, &answer);
        match answer {
            Ok(_) => answered.push(name.as_str()),
            Err(status) => {
                let word = reason(&status);
                assert!(!word.is_empty(), "{name} is refused without a reason: {status:?}");
                words.insert(word);
            }
        }
    }
    // An agency that the agreement gives nothing to gets nothing by any of them.
    for (name, change) in &rows {
        let mut ask = plain();
        change(&mut ask);
        let answer = pair.exchange.ask(OTHER, ask).await;
        assert!(answer.is_err(), "{name} was answered to a stranger");
        nothing_more(name, &answer);
    }
    // A name that an officer tells lifts nothing and takes nothing away; all else is no request at all.
    assert_eq!(answered, ["an officer's name"]);
    assert!(words.len() >= 12, "{words:?}");
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_says_who_is_calling_or_why() {
    let pair = up().await;
    for who in [ASKER, OTHER] {
        let channel = pair.exchange.channel(who.0, who.1).await.unwrap();
        for (name, value) in HEADERS {
            let mut ask = Request::new(plain());
            let key = MetadataKey::from_bytes(name.as_bytes()).unwrap();
            ask.metadata_mut().insert(key, MetadataValue::try_from(*value).unwrap());
            let mut answer = Answer::default();
            let taken = async {
                let mut stream =
                    QueryServiceClient::new(channel.clone()).query(ask).await?.into_inner();
                while let Some(message) = stream.message().await? {
                    answer.take(message);
                }
                Ok::<_, Status>(())
            };
            let taken = taken.await;
            let answer = taken.map(|()| answer);
            nothing_more(name, &answer);
            match who == ASKER {
                true => assert!(answer.is_ok_and(|one| one.records.len() == 3), "{name}"),
                false => assert!(answer.is_err(), "{name} made a stranger somebody"),
            }
        }
    }
    pair.exchange.shut_down().await.unwrap();
}
