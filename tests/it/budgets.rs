//! Budgets through a live gateway: exact whoever asks at once and whatever is varied, and cut where they end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::{self, StreamExt as _};
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::record::v1::{Declaration, TradeParty};
use portcullis_proto::source::v1 as source;
use portcullis_tests::officer::by_officer;
use portcullis_tests::pair::{
    ALPHA, ASKER, BETA, Found, OTHER, Pair, PairSpec, batch, end, handling, opaque_id,
};
use portcullis_tests::{Answer, RECORD, filter, query, reason, request};
use prost::Message as _;
use tonic::Status;
use tonic_types::StatusExt as _;

/// Alpha's declarations with these budgets; the importer is a token, its country hidden.
fn agreement(budgets: &str, purposes: &[&str], case_required: bool) -> String {
    let flow = |purpose: &&str| {
        format!(
            "[[flow]]\nfrom = \"{ALPHA}\"\nto = [\"{}\", \"{}\"]\n\
             record_types = [\"{RECORD}Declaration\"]\npurposes = [\"{purpose}\"]\n\
             case_required = {case_required}\npermitted_use = [\"{purpose}\"]\n\
             delete_after_days = 30\nrelease_by_originator = true\n[flow.budgets]\n{budgets}\n\
             [[flow.ladder]]\nfields = [\"ucr\"]\nrungs = [\"clear\", \"withhold\"]\n\
             [[flow.ladder]]\nfields = [\"importer.id\"]\nrungs = [\"pseudonymise\", \"withhold\"]\n\n",
            ASKER.0, OTHER.0
        )
    };
    let flows: String = purposes.iter().map(flow).collect();
    format!(
        "id = \"pair\"\nversion = 1\ntitle = \"Pair\"\nlegal_basis = \"A test\"\n\
         parties = [\"{ALPHA}\", \"{BETA}\", \"{}\", \"{}\"]\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n{flows}",
        ASKER.0, OTHER.0
    )
}

const TARGETING: &[&str] = &["SHIPMENT_TARGETING"];

async fn up(agreement: String) -> Pair {
    let case = |id: &str| {
        format!(
            "[[cases]]\nid = \"{id}\"\nmembers = [\"{}\"]\nopens = \"2024-01-01T00:00:00Z\"\n",
            ASKER.0
        )
    };
    let cases = ["C-1", "C-2"].map(case).join("\n");
    let spec = PairSpec { agreement: Some(agreement), cases, ..PairSpec::default() };
    Pair::up(spec).await.unwrap()
}

fn record(number: u64, importer: u64) -> source::SourceRecord {
    let importer = TradeParty { id: format!("party-{importer}"), ..TradeParty::default() };
    let payload = Declaration {
        ucr: format!("ucr-{number:06}"),
        importer: Some(importer),
        ..Declaration::default()
    };
    source::SourceRecord {
        opaque_id: opaque_id(number),
        handling: Some(handling(ALPHA)),
        payload: payload.encode_to_vec().into(),
    }
}

fn found(records: Vec<source::SourceRecord>) -> Found {
    let count = records.len() as u64;
    stream::iter([Ok(batch(records)), Ok(end(count))]).boxed()
}

fn importers(answer: &Answer) -> Vec<String> {
    let read = |one: &wire::ReleasedRecord| Declaration::decode(one.payload.clone()).unwrap();
    answer.records.iter().map(|one| read(one).importer.unwrap().id).collect()
}

fn targeting() -> wire::Query {
    query("Declaration", wire::Purpose::ShipmentTargeting, "")
}

/// Reads an answer to its end.
async fn ask(
    client: &mut QueryServiceClient<tonic::transport::Channel>,
    asked: wire::QueryRequest,
) -> Result<Answer, Status> {
    let mut stream = client.query(asked).await?.into_inner();
    let mut answer = Answer::default();
    while let Some(message) = stream.message().await? {
        answer.take(message);
    }
    Ok(answer)
}

/// 64 connections ask until they hear that the budget is used up; every answer of theirs.
async fn besiege(pair: &Pair, budget: &str) -> Vec<Answer> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let channel = pair.exchange.channel(ASKER.0, ASKER.1).await.unwrap();
        let (mut client, budget) = (QueryServiceClient::new(channel), budget.to_owned());
        tasks.spawn(async move {
            let mut answers = vec![];
            for _ in 0..200 {
                match ask(&mut client, request(targeting())).await {
                    Ok(answer) => answers.push(answer),
                    Err(refused) => {
                        assert_eq!(reason(&refused), "BUDGET_EXHAUSTED");
                        let told = format!("the budget `{budget}` is used up");
                        assert_eq!(refused.message(), told);
                        return answers;
                    }
                }
            }
            panic!("the budget never ends");
        });
    }
    let mut all = vec![];
    while let Some(answers) = tasks.join_next().await {
        all.extend(answers.unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_connections_use_up_each_budget_and_not_one_more() {
    let plenty = "records_per_day = 1_000_000\nsubjects_per_day = 1_000_000\n\
                  subject_fields = [\"importer.id\"]";
    let queries = format!("queries_per_day = 300\n{plenty}");
    let records = "queries_per_day = 100_000\nrecords_per_day = 1_237".to_owned();
    let subjects = "queries_per_day = 100_000\nrecords_per_day = 1_000_000\n\
                    subjects_per_day = 153\nsubject_fields = [\"importer.id\"]";
    let [queries, records, subjects] =
        [(queries, "queries"), (records, "records"), (subjects.to_owned(), "subjects")].map(
            |(budgets, word)| async move {
                let pair = up(agreement(&budgets, TARGETING, false)).await;
                // Every search finds seven records of parties that many others find too.
                let searches = Arc::new(AtomicU64::new(0));
                pair.alpha.answers(move |_| {
                    let search = searches.fetch_add(1, Ordering::SeqCst);
                    let party = |at: u64| (search * 31 + at * 97) % 400;
                    found((1..=7).map(|at| record(at, party(at))).collect())
                });
                let answers = besiege(&pair, word).await;
                pair.exchange.shut_down().await.unwrap();
                answers
            },
        );
    assert_eq!(queries.await.len(), 300);
    let records: usize = records.await.iter().map(|answer| answer.records.len()).sum();
    assert_eq!(records, 1_237);
    let subjects: BTreeSet<String> = subjects.await.iter().flat_map(importers).collect();
    assert_eq!(subjects.len(), 153);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_cut_where_the_budget_of_subjects_ends_and_known_ones_are_free() {
    let budgets = "queries_per_day = 100\nrecords_per_day = 1_000\nsubjects_per_day = 3\n\
                   subject_fields = [\"importer.id\"]";
    let pair = up(agreement(budgets, TARGETING, false)).await;
    pair.alpha.answers(|_| found((1..=6).map(|at| record(at, at % 2)).collect()));
    let answer = pair.exchange.ask(ASKER, request(targeting())).await.unwrap();
    assert_eq!(answer.records.len(), 6, "six records of two parties");
    assert_eq!(answer.receipt.unwrap().cut_reason, "");
    let parties = [0, 1, 7, 0, 8, 9];
    pair.alpha.answers(move |_| {
        found(parties.iter().zip(1..).map(|(party, at)| record(at, *party)).collect())
    });
    let keyed = wire::QueryRequest { idempotency_key: "k".into(), ..request(targeting()) };
    for _ in 0..2 {
        // The second time under its key: it is let in although nothing is left, and gets the same.
        let answer = pair.exchange.ask(ASKER, keyed.clone()).await.unwrap();
        assert_eq!(answer.records.len(), 4, "up to the first party that is one too many");
        assert_eq!(answer.receipt.as_ref().unwrap().cut_reason, "BUDGET_EXHAUSTED");
        assert_eq!(answer.receipt.as_ref().unwrap().records_released, 4);
        assert_eq!(answer.statuses[0].completeness(), wire::Completeness::Limited);
    }
    let refused = pair.exchange.ask(ASKER, request(targeting())).await.err().unwrap();
    assert_eq!(reason(&refused), "BUDGET_EXHAUSTED");
    let info = refused.get_details_error_info().unwrap();
    let mut told: Vec<&String> = info.metadata.keys().collect();
    told.sort();
    assert_eq!(told, ["exchange_id", "refills_at"], "when it refills, and nothing else");
    let other = pair.exchange.ask(OTHER, request(targeting())).await.unwrap();
    assert_eq!(other.records.len(), 4, "another agency has a budget of its own");
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mosaic_of_many_queries_ends_at_the_budget_of_subjects() {
    let budgets = "queries_per_day = 100_000\nrecords_per_day = 1_000_000\n\
                   subjects_per_day = 40\nsubject_fields = [\"importer.id\"]";
    let pair = up(agreement(budgets, TARGETING, false)).await;
    let all: Vec<_> = (1..=200).map(|at| record(at, at)).collect();
    let declaration = portcullis_tests::record_type_of("Declaration").unwrap();
    pair.alpha.filters(declaration, all, 50, Ok(()));
    let mut seen = BTreeSet::new();
    let (mut answered, mut refused) = (0, 0);
    for piece in 0..100_u64 {
        // Every piece is a small question of its own, and everything that may be varied is.
        let prefix = format!("ucr prefix 'ucr-{:05}'", piece % 20);
        let mut asked = targeting();
        asked.filter = Some(filter("Declaration", &prefix).unwrap());
        asked.officer = format!("o.{piece}");
        asked.justification = format!("piece {piece}");
        asked.limit = 1 + u32::try_from(piece % 3).unwrap();
        asked.agreement_id = if piece % 2 == 0 { "pair".into() } else { String::new() };
        asked.sources = if piece % 5 == 0 { vec![ALPHA.into()] } else { vec![] };
        let mut asked = request(asked);
        asked.idempotency_key = if piece % 4 == 0 { format!("k{piece}") } else { String::new() };
        if piece % 3 == 0 {
            let query = asked.query.take().unwrap();
            let name = query.officer.clone();
            let proven = by_officer(&pair.exchange.world, ASKER.0, &name, query).unwrap();
            asked = wire::QueryRequest { idempotency_key: asked.idempotency_key, ..proven };
        }
        match pair.exchange.ask(ASKER, asked).await {
            Ok(answer) => {
                seen.extend(importers(&answer));
                answered += 1;
            }
            Err(status) => {
                assert_eq!(reason(&status), "BUDGET_EXHAUSTED");
                refused += 1;
            }
        }
    }
    assert_eq!(seen.len(), 40);
    assert!(answered > 10 && refused > 10, "{answered} {refused}");
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officers_budget_follows_the_officer_and_leaving_the_token_out_gains_none() {
    let budgets = "queries_per_day = 100\nrecords_per_day = 1_000\nper_officer = { queries = 2 }";
    let agreement = agreement(budgets, &["SHIPMENT_TARGETING", "INVESTIGATION"], true);
    let pair = up(agreement).await;
    pair.alpha.answers(|_| found(vec![record(1, 1)]));
    let world = &pair.exchange.world;
    let asked = |purpose, case: &str| query("Declaration", purpose, case);
    let (targeting, investigation) =
        (wire::Purpose::ShipmentTargeting, wire::Purpose::Investigation);
    let proven = |officer: &str, query| by_officer(world, ASKER.0, officer, query).unwrap();
    let exhausted = async |asked| {
        let refused = pair.exchange.ask(ASKER, asked).await.err().unwrap();
        assert_eq!(refused.message(), "the budget `queries_per_officer` is used up");
    };
    pair.exchange.ask(ASKER, proven("o.rask", asked(targeting, "C-1"))).await.unwrap();
    pair.exchange.ask(ASKER, proven("o.rask", asked(investigation, "C-2"))).await.unwrap();
    exhausted(proven("o.rask", asked(targeting, "C-2"))).await;
    pair.exchange.ask(ASKER, proven("o.lee", asked(targeting, "C-1"))).await.unwrap();
    // Whatever names systems tell, they share one.
    for name in ["o.rask", "o.new"] {
        let told = wire::Query { officer: name.into(), ..asked(targeting, "C-1") };
        pair.exchange.ask(ASKER, request(told)).await.unwrap();
    }
    exhausted(request(wire::Query { officer: "o.newer".into(), ..asked(targeting, "C-2") })).await;
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cases_budget_lasts_for_its_life_and_does_not_say_that_it_refills() {
    let budgets = "queries_per_day = 100\nrecords_per_day = 1_000\nper_case = { queries = 2 }";
    let pair = up(agreement(budgets, TARGETING, true)).await;
    pair.alpha.answers(|_| found(vec![record(1, 1)]));
    let asked = |case: &str| request(query("Declaration", wire::Purpose::ShipmentTargeting, case));
    for _ in 0..2 {
        pair.exchange.ask(ASKER, asked("C-1")).await.unwrap();
    }
    let refused = pair.exchange.ask(ASKER, asked("C-1")).await.err().unwrap();
    assert_eq!(refused.message(), "the budget `queries_per_case` is used up");
    let info = refused.get_details_error_info().unwrap();
    assert!(!info.metadata.contains_key("refills_at"));
    pair.exchange.ask(ASKER, asked("C-2")).await.unwrap();
    pair.exchange.shut_down().await.unwrap();
}
