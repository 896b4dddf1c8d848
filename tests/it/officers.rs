//! Officers: what a token of the agency gives, every way in which it is refused, and that it is used once.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use portcullis::audit::keys::SealPrivateKey;
use portcullis::audit::{ExchangeId, Filter, Part, Party, Unsealer, learn_epochs, list_entries};
use portcullis::command::playground::{GATEWAY_NAME, OFFICER_KEY, World};
use portcullis::officers::Claims;
use portcullis::store::Store;
use portcullis_core::id::Digest;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::record::v1::Declaration;
use portcullis_tests::officer::{by_officer, claims, sign};
use portcullis_tests::pair::{ALPHA, ASKER, BETA, OTHER, Pair, PairSpec, declarations};
use portcullis_tests::{Answer, Exchange, RECORD, query, reason, request};
use prost::Message as _;
use tonic::Code;

const OFFICER: &str = "o.rask";

/// Alpha's declarations: coarse for systems, clear for officers, and for INVESTIGATION only to officers.
fn agreement() -> String {
    let flow = |purpose: &str, required: bool| {
        format!(
            "[[flow]]\nfrom = \"{ALPHA}\"\nto = [\"{}\", \"{}\"]\n\
             record_types = [\"{RECORD}Declaration\"]\npurposes = [\"{purpose}\"]\n\
             case_required = false\nofficer_required = {required}\npermitted_use = [\"{purpose}\"]\n\
             delete_after_days = 30\nrelease_by_originator = true\n\
             [flow.budgets]\nqueries_per_day = 100_000\nrecords_per_day = 1_000_000\n\
             [[flow.ladder]]\nfields = [\"ucr\"]\nrungs = [\"clear\", \"withhold\"]\n\
             [[flow.ladder]]\nfields = [\"items.hs_code\"]\nofficer_rungs = [\"clear\"]\n\
             rungs = [\"generalise:heading\", \"withhold\"]\n\n",
            ASKER.0, OTHER.0
        )
    };
    format!(
        "id = \"pair\"\nversion = 1\ntitle = \"Pair\"\nlegal_basis = \"A test\"\n\
         parties = [\"{ALPHA}\", \"{BETA}\", \"{}\", \"{}\"]\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n{}{}",
        ASKER.0,
        OTHER.0,
        flow("SHIPMENT_TARGETING", false),
        flow("INVESTIGATION", true)
    )
}

async fn up() -> Pair {
    up_with("").await
}

async fn up_with(settings: &str) -> Pair {
    let cases = format!(
        "[[cases]]\nid = \"C-1\"\nmembers = [\"{}\"]\nopens = \"2024-01-01T00:00:00Z\"\n",
        ASKER.0
    );
    let settings = settings.to_owned();
    let spec = PairSpec { agreement: Some(agreement()), cases, settings, ..PairSpec::default() };
    let pair = Pair::up(spec).await.unwrap();
    pair.alpha.holds(declarations(ALPHA, 1..=3), 10, std::time::Duration::ZERO);
    pair
}

fn targeting() -> wire::Query {
    query("Declaration", wire::Purpose::ShipmentTargeting, "")
}

fn codes(answer: &Answer) -> Vec<String> {
    let read = |one: &wire::ReleasedRecord| Declaration::decode(one.payload.clone()).unwrap();
    answer.records.iter().map(|one| read(one).items[0].hs_code.clone()).collect()
}

/// Every part of an exchange's entries, opened with the auditor's key.
async fn parts(world: &World, exchange_id: &str) -> Vec<Part> {
    let key = SealPrivateKey::read(&world.dir.join("keys/audit.key")).unwrap();
    let store = Store::open_read_only(&world.dir.join("gateway.sqlite")).await.unwrap();
    let unsealer = Unsealer::new(Party::Gateway, key).unwrap();
    learn_epochs(&store, &unsealer).await.unwrap();
    let exchange = Some(ExchangeId::parse(exchange_id).unwrap());
    let filter = Filter { exchange, limit: 100, ..Filter::default() };
    let entries = list_entries(&store, &filter).await.unwrap();
    store.close().await;
    let open = |entry: &portcullis::audit::ListedEntry| entry.open(&unsealer).unwrap();
    entries.iter().flat_map(open).map(|opened| opened.part).collect()
}

async fn parts_of(world: &World, answer: &Answer) -> Vec<Part> {
    parts(world, &answer.header.as_ref().unwrap().exchange_id).await
}

async fn restarted(exchange: Exchange) -> Exchange {
    let Exchange { world, gateway, clock, dir } = exchange;
    gateway.shut_down().await.unwrap();
    let gateway = world.start(clock.clone()).await.unwrap();
    Exchange { world, gateway, clock, dir }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lifts_what_the_agreement_says_and_the_log_shows_who_was_proven() {
    let pair = up().await;
    let told = wire::Query { officer: OFFICER.to_owned(), ..targeting() };
    for asked in [targeting(), told.clone()] {
        let answer = pair.exchange.ask(ASKER, request(asked)).await.unwrap();
        assert_eq!(codes(&answer), ["8542"; 3], "a name alone lifts nothing");
        let field = answer.plans[0].fields.iter().find(|one| one.path == "items.hs_code").unwrap();
        assert_eq!(field.reason, "OFFICER_NOT_PROVEN");
        let parts = parts_of(&pair.exchange.world, &answer).await;
        assert!(!parts.iter().any(|part| matches!(part, Part::Officer { .. })));
    }
    for asked in [targeting(), told] {
        let asked = by_officer(&pair.exchange.world, ASKER.0, OFFICER, asked).unwrap();
        let answer = pair.exchange.ask(ASKER, asked.clone()).await.unwrap();
        assert_eq!(codes(&answer), ["854231"; 3]);
        let parts = parts_of(&pair.exchange.world, &answer).await;
        let proven = Part::Officer {
            officer: OFFICER.into(),
            key_id: OFFICER_KEY.to_owned(),
            token: Digest::of(asked.officer_token.as_bytes()),
        };
        assert!(parts.contains(&proven), "{parts:?}");
        let intent = parts.iter().find_map(|part| match part {
            Part::Intent(intent) => Some(intent.requester.officer.clone()),
            _ => None,
        });
        assert_eq!(intent.as_deref(), Some(OFFICER));
    }
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_for_officers_is_closed_to_systems() {
    let pair = up().await;
    let asked = query("Declaration", wire::Purpose::Investigation, "");
    let told = wire::Query { officer: OFFICER.to_owned(), ..asked.clone() };
    let refused = pair.exchange.ask(ASKER, request(told)).await.err().unwrap();
    assert_eq!(
        (reason(&refused).as_str(), refused.code()),
        ("OFFICER_REQUIRED", Code::PermissionDenied)
    );
    let asked = by_officer(&pair.exchange.world, ASKER.0, OFFICER, asked).unwrap();
    let answer = pair.exchange.ask(ASKER, asked).await.unwrap();
    assert_eq!(codes(&answer), ["854231"; 3]);
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn explains_what_an_officer_would_see() {
    let pair = up().await;
    let channel = pair.exchange.channel(ASKER.0, ASKER.1).await.unwrap();
    let mut client = QueryServiceClient::new(channel);
    for (as_officer, treatment, told) in [
        (false, wire::Treatment::Generalise, "OFFICER_NOT_PROVEN"),
        (true, wire::Treatment::Clear, "PERMITTED"),
    ] {
        let request = wire::ExplainRequest { query: Some(targeting()), as_officer };
        let explained = client.explain(request).await.unwrap().into_inner();
        let field = explained.plans[0].fields.iter().find(|one| one.path == "items.hs_code");
        let field = field.unwrap();
        assert_eq!((field.treatment(), field.reason.as_str()), (treatment, told));
    }
    let asked = query("Declaration", wire::Purpose::Investigation, "");
    for (as_officer, told) in [(false, "OFFICER_REQUIRED"), (true, "")] {
        let request = wire::ExplainRequest { query: Some(asked.clone()), as_officer };
        let explained = client.explain(request).await.unwrap().into_inner();
        assert_eq!((explained.allowed, explained.reason.as_str()), (as_officer, told));
    }
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_token_that_proves_nobody_is_refused_by_name_and_logged() {
    let pair = up().await;
    let world = &pair.exchange.world;
    let asked = targeting();
    let sound = || claims(ASKER.0, OFFICER, &asked);
    let own = |claims: &Claims| sign(world, ASKER.0, OFFICER_KEY, claims).unwrap();
    let now = sound().iat;
    let other_case = wire::Query { case_id: "C-1".to_owned(), ..asked.clone() };
    let other_query = wire::Query { limit: 7, ..asked.clone() };
    let foreign = |agency: &str| Claims { iss: agency.to_owned(), ..sound() };
    let cases = [
        ("x.y.z".to_owned(), "OFFICER_TOKEN_MALFORMED"),
        (own(&foreign(OTHER.0)), "OFFICER_TOKEN_WRONG_AGENCY"),
        (
            sign(world, OTHER.0, OFFICER_KEY, &foreign(OTHER.0)).unwrap(),
            "OFFICER_TOKEN_WRONG_AGENCY",
        ),
        (sign(world, OTHER.0, OFFICER_KEY, &sound()).unwrap(), "OFFICER_TOKEN_SIGNATURE_WRONG"),
        (sign(world, ASKER.0, "2027-1", &sound()).unwrap(), "OFFICER_TOKEN_KEY_UNKNOWN"),
        (
            own(&Claims { aud: format!("{GATEWAY_NAME}/other"), ..sound() }),
            "OFFICER_TOKEN_WRONG_AUDIENCE",
        ),
        (own(&Claims { case_id: Some("C-1".into()), ..sound() }), "OFFICER_TOKEN_WRONG_CASE"),
        (own(&claims(ASKER.0, OFFICER, &other_case)), "OFFICER_TOKEN_WRONG_CASE"),
        (own(&claims(ASKER.0, OFFICER, &other_query)), "OFFICER_TOKEN_WRONG_QUERY"),
        (own(&Claims { iat: now - 200, exp: now - 100, ..sound() }), "OFFICER_TOKEN_EXPIRED"),
        (own(&Claims { iat: now + 100, exp: now + 200, ..sound() }), "OFFICER_TOKEN_NOT_YET_VALID"),
        (own(&Claims { exp: now + 301, ..sound() }), "OFFICER_TOKEN_TOO_LONG_LIVED"),
    ];
    let searches = || pair.alpha.searches.load(std::sync::atomic::Ordering::SeqCst);
    for (token, word) in cases {
        let request = wire::QueryRequest { officer_token: token, ..request(asked.clone()) };
        let refused = pair.exchange.ask(ASKER, request).await.err().unwrap();
        assert_eq!(reason(&refused), word);
        use tonic_types::StatusExt as _;
        let info = refused.get_details_error_info().unwrap();
        let logged = parts(world, &info.metadata["exchange_id"]).await;
        assert!(
            matches!(logged.as_slice(), [Part::Denial(denial)] if denial.reason == word),
            "{word}: {logged:?}"
        );
    }
    let named = wire::Query { officer: "o.lee".to_owned(), ..asked.clone() };
    let token = own(&claims(ASKER.0, OFFICER, &named));
    let request = wire::QueryRequest { officer_token: token, ..request(named) };
    let refused = pair.exchange.ask(ASKER, request).await.err().unwrap();
    assert_eq!(reason(&refused), "OFFICER_TOKEN_WRONG_OFFICER");
    assert_eq!(searches(), 0, "nobody was asked");
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_used_once_on_any_connection_and_across_a_restart() {
    let Pair { exchange, alpha, .. } = up().await;
    let asked = by_officer(&exchange.world, ASKER.0, OFFICER, targeting()).unwrap();
    exchange.ask(ASKER, asked.clone()).await.unwrap();
    let replayed = async |exchange: &Exchange, asked: &wire::QueryRequest| {
        let refused = exchange.ask(ASKER, asked.clone()).await.err().unwrap();
        assert_eq!(reason(&refused), "OFFICER_TOKEN_REPLAYED");
    };
    // Each ask is a connection of its own.
    replayed(&exchange, &asked).await;
    let keyed = wire::QueryRequest { idempotency_key: "late".to_owned(), ..asked.clone() };
    replayed(&exchange, &keyed).await;
    // The same `jti` signed anew, in a token that is otherwise another one.
    let mut again = claims(ASKER.0, OFFICER, &targeting());
    again.exp -= 1;
    let first = sign(&exchange.world, ASKER.0, OFFICER_KEY, &again).unwrap();
    let fresh = wire::QueryRequest { officer_token: first, ..request(targeting()) };
    exchange.ask(ASKER, fresh).await.unwrap();
    again.exp += 1;
    let second = sign(&exchange.world, ASKER.0, OFFICER_KEY, &again).unwrap();
    replayed(&exchange, &wire::QueryRequest { officer_token: second, ..request(targeting()) })
        .await;
    // For another query it is refused for that, before anybody asks whether it was used.
    let other = wire::Query { limit: 2, ..targeting() };
    let other = wire::QueryRequest { query: Some(other), ..asked.clone() };
    let refused = exchange.ask(ASKER, other).await.err().unwrap();
    assert_eq!(reason(&refused), "OFFICER_TOKEN_WRONG_QUERY");

    let exchange = restarted(exchange).await;
    replayed(&exchange, &asked).await;
    let searches = alpha.searches.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(searches, 2, "a replay asks nobody");
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_under_its_idempotency_key_may_bring_its_token_again() {
    let Pair { exchange, alpha: _alpha, .. } = up().await;
    let asked = by_officer(&exchange.world, ASKER.0, OFFICER, targeting()).unwrap();
    let asked = wire::QueryRequest { idempotency_key: "one".to_owned(), ..asked };
    for _ in 0..2 {
        assert_eq!(codes(&exchange.ask(ASKER, asked.clone()).await.unwrap()), ["854231"; 3]);
    }
    let exchange = restarted(exchange).await;
    assert_eq!(codes(&exchange.ask(ASKER, asked.clone()).await.unwrap()), ["854231"; 3]);
    // Without its key, under another one, or from another agency it is a replay.
    for key in ["", "two"] {
        let other = wire::QueryRequest { idempotency_key: key.to_owned(), ..asked.clone() };
        let refused = exchange.ask(ASKER, other).await.err().unwrap();
        assert_eq!(reason(&refused), "OFFICER_TOKEN_REPLAYED");
    }
    let refused = exchange.ask(OTHER, asked.clone()).await.err().unwrap();
    assert_eq!(reason(&refused), "OFFICER_TOKEN_WRONG_AGENCY");
    // A retry may also come with a fresh token: the query is the same.
    let fresh = by_officer(&exchange.world, ASKER.0, OFFICER, targeting()).unwrap();
    let fresh = wire::QueryRequest { idempotency_key: "one".to_owned(), ..fresh };
    exchange.ask(ASKER, fresh).await.unwrap();
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_replays_are_ten_thousand_refusals() {
    // It has to outlive the siege, however slow the machine: what has expired is refused for that.
    let pair = up_with("[officer_tokens]\nmax_lifetime_seconds = 3600\n").await;
    let mut lasting = claims(ASKER.0, OFFICER, &targeting());
    lasting.exp = lasting.iat + 3600;
    let token = sign(&pair.exchange.world, ASKER.0, OFFICER_KEY, &lasting).unwrap();
    let asked = wire::QueryRequest { officer_token: token, ..request(targeting()) };
    let channel = pair.exchange.channel(ASKER.0, ASKER.1).await.unwrap();
    let client = QueryServiceClient::new(channel);
    // All at once from the first on: exactly one of them is the first.
    let outcomes = stream::iter(0..10_001)
        .map(|_| {
            let (mut client, asked) = (client.clone(), asked.clone());
            tokio::spawn(async move {
                match client.query(asked).await {
                    Ok(answer) => {
                        let mut stream = answer.into_inner();
                        while stream.message().await.unwrap().is_some() {}
                        String::new()
                    }
                    Err(refused) => reason(&refused),
                }
            })
        })
        .buffer_unordered(64);
    let outcomes: Vec<String> = outcomes.map(Result::unwrap).collect().await;
    let answered = outcomes.iter().filter(|one| one.is_empty()).count();
    let replayed = outcomes.iter().filter(|one| *one == "OFFICER_TOKEN_REPLAYED").count();
    assert_eq!((answered, replayed), (1, 10_000));
    let searches = Arc::clone(&pair.alpha).searches.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(searches, 1);
    pair.exchange.shut_down().await.unwrap();
}
