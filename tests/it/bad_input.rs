//! Bad input: whatever a requester sends, it gets a clear stable reason, nothing leaks, and the gateway goes
//! on answering.

use bytes::Bytes;
use portcullis_proto::query::v1 as wire;
use portcullis_tests::raw::{QUERY, Reply, call, frame};
use portcullis_tests::{Answer, Exchange, RECORD, query, reason, request};
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use wire::filter::Node;
use wire::value::Kind;

const TARGETING: (&str, &str) = ("sm-customs", "targeting");
const POLICE: (&str, &str) = ("sm-police", "desk");

/// Values of columns that the requester may not see.
const HIDDEN: [&str; 4] =
    ["Second set of papers", "Driver could not", "EX-XN-0000", "Gravdal Foods"];

fn good() -> wire::Query {
    let mut asked = query("Declaration", wire::Purpose::ShipmentTargeting, "");
    asked.sources = vec!["nv-customs".into()];
    asked.limit = 3;
    asked
}

fn compare(path: &str, operator: i32, kind: Option<Kind>) -> wire::Filter {
    let value = kind.map(|kind| wire::Value { kind: Some(kind) });
    node(Node::Comparison(wire::Comparison { path: path.into(), operator, value }))
}

fn node(node: Node) -> wire::Filter {
    wire::Filter { node: Some(node) }
}

fn text(value: &str) -> Option<Kind> {
    Some(Kind::Text(value.into()))
}

fn equal(path: &str, value: &str) -> wire::Filter {
    compare(path, wire::Operator::Equal.into(), text(value))
}

fn with(change: impl FnOnce(&mut wire::Query)) -> wire::QueryRequest {
    let mut asked = good();
    change(&mut asked);
    request(asked)
}

fn nested(depth: usize) -> wire::Filter {
    (1..depth).fold(equal("items.hs_code", "85"), |inner, _| node(Node::Not(Box::new(inner))))
}

async fn assert_still_answers(exchange: &Exchange, after: &str) {
    let answer = exchange.ask(TARGETING, request(good())).await;
    let answer = answer.unwrap_or_else(|status| panic!("after {after}: {status}"));
    assert_eq!(answer.records.len(), 3, "after {after}");
}

fn assert_tells_nothing(case: &str, status: &Status) {
    let told = format!("{} {}", status.message(), String::from_utf8_lossy(status.details()));
    for value in HIDDEN {
        assert!(!told.contains(value), "{case} tells {value}");
    }
    for word in ["panicked", ".rs:", "prost", "sqlite", "tonic"] {
        assert!(!told.to_lowercase().contains(word), "{case} tells of our inside: {told}");
    }
}

/// Every refusal of a well-formed message: who asks, what, and the reason.
fn refused() -> Vec<(&'static str, (&'static str, &'static str), wire::QueryRequest, &'static str)>
{
    let lantern = |change: &dyn Fn(&mut wire::Query)| {
        let mut asked = query("Declaration", wire::Purpose::Investigation, "");
        change(&mut asked);
        request(asked)
    };
    vec![
        ("no query", TARGETING, wire::QueryRequest::default(), "FIELD_MISSING"),
        ("no purpose", TARGETING, with(|q| q.purpose = 0), "PURPOSE_UNKNOWN"),
        ("unknown purpose", TARGETING, with(|q| q.purpose = 99), "PURPOSE_UNKNOWN"),
        ("negative purpose", TARGETING, with(|q| q.purpose = -1), "PURPOSE_UNKNOWN"),
        (
            "another purpose",
            TARGETING,
            with(|q| q.purpose = wire::Purpose::Statistics.into()),
            "PURPOSE_NOT_PERMITTED",
        ),
        ("no type", TARGETING, with(|q| q.record_type.clear()), "FIELD_MISSING"),
        ("unknown type", TARGETING, with(|q| q.record_type.push('X')), "RECORD_TYPE_UNKNOWN"),
        (
            "a type not covered",
            TARGETING,
            with(|q| {
                q.record_type = format!("{RECORD}Party");
            }),
            "RECORD_TYPE_NOT_COVERED",
        ),
        (
            "unknown field",
            TARGETING,
            with(|q| q.filter = Some(equal("items.colour", "red"))),
            "FIELD_NOT_USABLE",
        ),
        ("no field", TARGETING, with(|q| q.filter = Some(equal("", "red"))), "FILTER_PATH_MISSING"),
        (
            "no operator",
            TARGETING,
            with(|q| q.filter = Some(compare("items.hs_code", 0, text("85")))),
            "FILTER_OPERATOR_UNKNOWN",
        ),
        (
            "unknown operator",
            TARGETING,
            with(|q| q.filter = Some(compare("items.hs_code", 99, text("85")))),
            "FILTER_OPERATOR_UNKNOWN",
        ),
        (
            "no literal",
            TARGETING,
            with(|q| q.filter = Some(compare("items.hs_code", 1, None))),
            "FILTER_VALUE_MISSING",
        ),
        (
            "mistyped literal",
            TARGETING,
            with(|q| q.filter = Some(compare("items.hs_code", 1, Some(Kind::Flag(true))))),
            "FIELD_NOT_USABLE",
        ),
        (
            "an empty filter",
            TARGETING,
            with(|q| q.filter = Some(wire::Filter::default())),
            "FILTER_NODE_MISSING",
        ),
        (
            "an empty list",
            TARGETING,
            with(|q| q.filter = Some(node(Node::All(wire::FilterList::default())))),
            "FILTER_LIST_EMPTY",
        ),
        ("17 deep", TARGETING, with(|q| q.filter = Some(nested(17))), "FILTER_TOO_DEEP"),
        ("20 deep", TARGETING, with(|q| q.filter = Some(nested(20))), "FILTER_TOO_DEEP"),
        ("300 deep", TARGETING, with(|q| q.filter = Some(nested(300))), "REQUEST_MALFORMED"),
        (
            "300 wide",
            TARGETING,
            with(|q| {
                let filters = vec![equal("items.hs_code", "85"); 300];
                q.filter = Some(node(Node::Any(wire::FilterList { filters })));
            }),
            "FILTER_TOO_LARGE",
        ),
        (
            "a token that is none",
            TARGETING,
            with(|q| {
                q.filter = Some(compare("importer.id", 1, Some(Kind::Token("made-up".into()))));
            }),
            "TOKEN_NOT_USABLE",
        ),
        ("limit too large", TARGETING, with(|q| q.limit = 1_000_001), "LIMIT_TOO_LARGE"),
        ("an empty path", TARGETING, with(|q| q.fields = vec![String::new()]), "FIELD_NOT_USABLE"),
        (
            "a star among paths",
            TARGETING,
            with(|q| q.fields = vec!["ucr".into(), "*".into()]),
            "FIELD_NOT_USABLE",
        ),
        (
            "a star in a path",
            TARGETING,
            with(|q| q.fields = vec!["items.*".into()]),
            "FIELD_NOT_USABLE",
        ),
        ("1025 paths", TARGETING, with(|q| q.fields = vec!["ucr".into(); 1025]), "TOO_MANY_NAMES"),
        (
            "a source twice",
            TARGETING,
            with(|q| q.sources.push("nv-customs".into())),
            "SOURCE_REPEATED",
        ),
        (
            "an unknown source",
            TARGETING,
            with(|q| q.sources = vec!["nowhere".into()]),
            "SOURCE_NOT_COVERED",
        ),
        (
            "long justification",
            TARGETING,
            with(|q| q.justification = "x".repeat(4097)),
            "TEXT_TOO_LONG",
        ),
        ("long case", TARGETING, with(|q| q.case_id = "x".repeat(4097)), "TEXT_TOO_LONG"),
        (
            "no deadline left",
            TARGETING,
            with(|q| q.deadline = Some(lasting(0, 0))),
            "DEADLINE_MALFORMED",
        ),
        (
            "negative deadline",
            TARGETING,
            with(|q| q.deadline = Some(lasting(-1, 0))),
            "DEADLINE_MALFORMED",
        ),
        (
            "an officer token",
            TARGETING,
            wire::QueryRequest { officer_token: "x".into(), ..request(good()) },
            "OFFICER_TOKEN_MALFORMED",
        ),
        (
            "long key",
            TARGETING,
            wire::QueryRequest { idempotency_key: "x".repeat(129), ..request(good()) },
            "TEXT_TOO_LONG",
        ),
        (
            "a resume token that is none",
            TARGETING,
            wire::QueryRequest { resume_token: Bytes::from_static(b"x"), ..request(good()) },
            "RESUME_TOKEN_NOT_USABLE",
        ),
        ("no case", POLICE, lantern(&|_| {}), "CASE_REQUIRED"),
        (
            "no such case",
            POLICE,
            lantern(&|q| q.case_id = "NOWHERE".into()),
            "CASE_NOT_OPEN_TO_YOU",
        ),
        (
            "others' case",
            POLICE,
            lantern(&|q| q.case_id = "CASE-2026-014".into()),
            "CASE_NOT_OPEN_TO_YOU",
        ),
        (
            "no such agreement",
            TARGETING,
            with(|q| q.agreement_id = "nowhere".into()),
            "AGREEMENT_NOT_FOUND_OR_NOT_PARTY",
        ),
        (
            "others' agreement",
            TARGETING,
            with(|q| q.agreement_id = "kcs-pcs".into()),
            "AGREEMENT_NOT_FOUND_OR_NOT_PARTY",
        ),
    ]
}

fn lasting(seconds: i64, nanos: i32) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_request_gets_its_reason_and_the_gateway_goes_on() {
    let exchange = Exchange::sample().await.unwrap();
    let mut told = String::new();
    for (case, who, bad, word) in refused() {
        let status = exchange.ask(who, bad).await.err().unwrap_or_else(|| panic!("{case}: taken"));
        assert_eq!(reason(&status), word, "{case}: {}", status.message());
        assert_tells_nothing(case, &status);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.domain, "portcullis", "{case}");
        told += &format!("{case}: {:?} {word}: {}\n", status.code(), status.message());
        assert_still_answers(&exchange, case).await;
    }
    assert_golden("bad_input.txt", &told);
    exchange.shut_down().await.unwrap();
}

/// Reasons and texts are part of the contract.
fn assert_golden(name: &str, found: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, golden, "{} (UPDATE_GOLDEN=1 renews it)", path.display());
}

/// A reply without what must differ: the exchange's random name, and the requester's own text.
fn normal(reply: &Reply, own: &str) -> (Code, String, String, Vec<(String, String)>, Bytes) {
    let info = reply.status.get_details_error_info().unwrap();
    let exchange = info.metadata.get("exchange_id").cloned().unwrap();
    assert_eq!(exchange.len(), 32);
    let clean =
        |text: &str| text.replace(&exchange, &"0".repeat(32)).replace(own, &"_".repeat(own.len()));
    let details = clean(&String::from_utf8_lossy(reply.status.details()));
    let mut rest: Vec<(String, String)> = reply
        .metadata
        .iter()
        .filter(|(name, _)| !["date", "grpc-status-details-bin"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), clean(value.to_str().unwrap())))
        .collect();
    rest.sort();
    (reply.status.code(), clean(reply.status.message()), details, rest, reply.body.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_field_and_one_that_does_not_exist_look_alike() {
    let exchange = Exchange::sample().await.unwrap();
    let channel = exchange.channel(TARGETING.0, TARGETING.1).await.unwrap();
    // Each pair of equal length: hidden from this requester, and made up.
    let pairs = [
        ("officer_remarks", "officer_remarkz"),
        ("items.description", "items.descriptiox"),
        ("declarant.id", "declarant.xx"),
        ("items.duty_rate", "items.duty_ratx"),
        ("declarant", "declaranx"),
        ("process", "procesx"),
    ];
    let prefix =
        |path: &str| node(Node::Prefix(wire::Prefix { path: path.into(), prefix: "a".into() }));
    let number = |path: &str| compare(path, 1, Some(Kind::Number(1.0)));
    let deep = |path: &str| {
        let filters = vec![equal("items.hs_code", "85"), node(Node::Not(Box::new(prefix(path))))];
        node(Node::Any(wire::FilterList { filters }))
    };
    let token = |path: &str| compare(path, 1, Some(Kind::Token("pt1.abc".into())));
    let shapes: [&dyn Fn(&str) -> wire::QueryRequest; 7] = [
        &|path| with(|q| q.filter = Some(equal(path, "a"))),
        &|path| with(|q| q.filter = Some(prefix(path))),
        &|path| with(|q| q.filter = Some(number(path))),
        &|path| with(|q| q.filter = Some(deep(path))),
        &|path| with(|q| q.filter = Some(token(path))),
        &|path| with(|q| q.fields = vec![path.into()]),
        &|path| with(|q| q.fields = vec!["ucr".into(), path.into()]),
    ];
    for (hidden, unknown) in pairs {
        assert_eq!(hidden.len(), unknown.len());
        for (at, shape) in shapes.iter().enumerate() {
            let mut told = vec![];
            for path in [hidden, unknown] {
                let body = frame(0, &shape(path).encode_to_vec());
                let reply = call(channel.clone(), QUERY, &[], body).await.unwrap();
                assert_eq!(reason(&reply.status), "FIELD_NOT_USABLE", "{path}, shape {at}");
                told.push(normal(&reply, path));
            }
            assert_eq!(told[0], told[1], "{hidden}, shape {at}");
        }
    }
    assert_still_answers(&exchange, "probing").await;
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_client_sends_is_refused_at_the_door() {
    let exchange = Exchange::sample().await.unwrap();
    let channel = exchange.channel(TARGETING.0, TARGETING.1).await.unwrap();
    let message = request(good()).encode_to_vec();
    let one = frame(0, &message);
    let two = Bytes::from([one.as_ref(), one.as_ref()].concat());
    let appended = [message.as_slice(), &[0xf8, 0x07, 0x01]].concat();
    let twice = [message.as_slice(), message.as_slice()].concat();
    let huge = vec![0x41; 10 * 1024 * 1024];
    let cases = [
        ("two messages", vec![], two, "SECOND_MESSAGE"),
        ("10 MiB", vec![], frame(0, &huge), "REQUEST_TOO_LARGE"),
        (
            "10 MiB announced",
            vec![],
            Bytes::from_static(&[0, 0, 0xa0, 0, 0, 1, 2, 3]),
            "REQUEST_TOO_LARGE",
        ),
        ("timeout `5`", vec![("grpc-timeout", "5")], one.clone(), "TIMEOUT_MALFORMED"),
        ("timeout `-1S`", vec![("grpc-timeout", "-1S")], one.clone(), "TIMEOUT_MALFORMED"),
        (
            "timeout of nine digits",
            vec![("grpc-timeout", "123456789S")],
            one.clone(),
            "TIMEOUT_MALFORMED",
        ),
        ("compressed flag", vec![], frame(1, &message), "COMPRESSION_NOT_SUPPORTED"),
        ("gzip", vec![("grpc-encoding", "gzip")], one.clone(), "COMPRESSION_NOT_SUPPORTED"),
        (
            "two authorizations",
            vec![("authorization", "a"), ("authorization", "b")],
            one.clone(),
            "HEADER_REPEATED",
        ),
        ("an unknown field", vec![], frame(0, &appended), "REQUEST_NOT_CANONICAL"),
        ("a field twice", vec![], frame(0, &twice), "REQUEST_NOT_CANONICAL"),
        ("garbage", vec![], frame(0, &[0xff; 64]), "REQUEST_MALFORMED"),
        ("half a message", vec![], frame(0, &message[..message.len() - 1]), "REQUEST_MALFORMED"),
    ];
    let mut told = String::new();
    for (case, headers, body, word) in cases {
        let reply = call(channel.clone(), QUERY, &headers, body).await;
        let reply = reply.unwrap_or_else(|error| panic!("{case}: {error:#}"));
        assert_eq!(reason(&reply.status), word, "{case}: {:?}", reply.status);
        assert!(reply.body.is_empty(), "{case}");
        let (code, message) = (reply.status.code(), reply.status.message());
        told += &format!("{case}: {code:?} {word}: {message}\n");
        assert_tells_nothing(case, &reply.status);
        assert_still_answers(&exchange, case).await;
    }
    assert_golden("door.txt", &told);
    for (case, body) in [
        ("nothing", Bytes::new()),
        ("half a frame", one.slice(..one.len() / 2)),
        ("half a head", one.slice(..3)),
    ] {
        let reply = call(channel.clone(), QUERY, &[], body).await.unwrap();
        assert_ne!(reply.status.code(), Code::Ok, "{case}");
        assert_tells_nothing(case, &reply.status);
        assert_still_answers(&exchange, case).await;
    }
    // The same by hand, but right: it is the message that was refused, not the hand.
    let reply = call(channel, QUERY, &[("grpc-timeout", "10S")], one).await.unwrap();
    assert_eq!(reply.status.code(), Code::Ok);
    assert!(!reply.body.is_empty());
    exchange.shut_down().await.unwrap();
}

/// What two refusals tell, without the exchange's name.
fn told(status: &Status) -> (Code, String, String, std::collections::BTreeMap<String, String>) {
    let info = status.get_details_error_info().unwrap();
    let metadata = info.metadata.into_iter().filter(|(key, _)| key != "exchange_id").collect();
    (status.code(), status.message().to_owned(), info.reason, metadata)
}

async fn refusal(exchange: &Exchange, who: (&str, &str), asked: wire::QueryRequest) -> Status {
    exchange.ask(who, asked).await.err().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_what_is_not_yours_look_alike() {
    let closed = "\n[[cases]]\nid = \"CLOSED-1\"\nmembers = [\"nv-customs\", \"sm-police\", \"vl-fiu\"]\n\
                  opens = \"2020-01-01T00:00:00Z\"\ncloses = \"2021-01-01T00:00:00Z\"\n";
    let exchange = Exchange::sample_with(|spec| spec.cases += closed).await.unwrap();
    let in_case = |case: &str| request(query("Declaration", wire::Purpose::Investigation, case));
    let unknown = refusal(&exchange, POLICE, in_case("NOWHERE1")).await;
    assert_eq!(reason(&unknown), "CASE_NOT_OPEN_TO_YOU");
    for other in ["CLOSED-1", "CASE-2026-014", "KCS-7"] {
        let refused = refusal(&exchange, POLICE, in_case(other)).await;
        assert_eq!(told(&refused), told(&unknown), "{other}");
    }
    let under = |agreement: &str| with(|q| q.agreement_id = agreement.into());
    let unknown = refusal(&exchange, TARGETING, under("nowhere")).await;
    for other in ["kcs-pcs", "joint-lantern", "kcs-internal"] {
        let refused = refusal(&exchange, TARGETING, under(other)).await;
        assert_eq!(told(&refused), told(&unknown), "{other}");
    }
    let from = |source: &str| with(|q| q.sources = vec![source.into()]);
    let unknown = refusal(&exchange, TARGETING, from("nowhere")).await;
    for other in ["kcs", "vl-fiu", "pcs"] {
        let refused = refusal(&exchange, TARGETING, from(other)).await;
        assert_eq!(told(&refused), told(&unknown), "{other}");
    }
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_that_has_ended_or_not_begun_gives_nothing() {
    let dates = [
        ("valid_from = 2024-01-01", "valid_from = 2034-01-01", "AGREEMENT_NOT_YET_IN_FORCE"),
        ("valid_until = 2035-12-31", "valid_until = 2025-12-31", "AGREEMENT_LAPSED"),
    ];
    for (was, is, word) in dates {
        let exchange = Exchange::sample_with(|spec| {
            for (name, text) in &mut spec.agreements {
                if name == "maa-norvia-solmark.toml" {
                    assert!(text.contains(was));
                    *text = text.replace(was, is);
                }
            }
        })
        .await
        .unwrap();
        for agreement in ["", "maa-norvia-solmark"] {
            let asked = with(|q| q.agreement_id = agreement.into());
            let refused = refusal(&exchange, TARGETING, asked).await;
            assert_eq!(reason(&refused), word, "`{agreement}`");
            assert_eq!(refused.code(), Code::PermissionDenied);
            assert_tells_nothing(word, &refused);
        }
        // Other agreements are as they were.
        let mut asked = query("Declaration", wire::Purpose::Investigation, "OP-LANTERN");
        asked.limit = 1;
        let answer: Answer = exchange.ask(POLICE, request(asked)).await.unwrap();
        assert!(answer.receipt.is_some());
        exchange.shut_down().await.unwrap();
    }
}
