//! Sources that fail or lie, limits, pages, budgets: what one source does is told of that source, and the
//! other's records arrive all the same.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use portcullis::audit::Ending;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_response::Message;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::source::v1 as source;
use portcullis_tests::pair::{
    ALPHA, ASKER, BETA, OTHER, Pair, PairSpec, all, batch, declaration, declarations, end,
    expected, handling, sized, ucrs,
};
use portcullis_tests::{Answer, filter, reason, request};
use tonic::{Code, Status};
use wire::Completeness::{Complete, Incomplete, Limited, NotAsked};

fn statuses(answer: &Answer) -> Vec<(&str, wire::Completeness, &str, u64)> {
    answer
        .statuses
        .iter()
        .map(|status| {
            (
                status.agency.as_str(),
                status.completeness(),
                status.reason.as_str(),
                status.records_released,
            )
        })
        .collect()
}

fn exchange_id(answer: &Answer) -> &str {
    &answer.header.as_ref().unwrap().exchange_id
}

fn cut(answer: &Answer) -> &str {
    &answer.receipt.as_ref().unwrap().cut_reason
}

fn both(alpha: impl IntoIterator<Item = u64>, beta: impl IntoIterator<Item = u64>) -> Vec<String> {
    [expected(ALPHA, alpha), expected(BETA, beta)].concat()
}

/// Alpha did this after it sent so many good records; beta's five all arrive.
fn assert_only_alpha_is_incomplete(case: &str, answer: &Answer, alpha: u64, word: &str) {
    assert_eq!(ucrs(answer), both(1..=alpha, 1..=5), "{case}");
    assert_eq!(
        statuses(answer),
        [(ALPHA, Incomplete, word, alpha), (BETA, Complete, "", 5)],
        "{case}"
    );
    let receipt = answer.receipt.as_ref().unwrap();
    assert_eq!((receipt.records_released, receipt.cut_reason.as_str()), (alpha + 5, ""), "{case}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_told_and_does_not_spoil_the_other() {
    let settings = "[limits]\nsource_idle_seconds = 1\nsource_message_bytes = 65536\n";
    let pair = Pair::with(settings).await.unwrap();
    pair.beta.holds(declarations(BETA, 1..=5), 2, Duration::ZERO);
    let two = || Ok(batch(declarations(ALPHA, 1..=2)));
    let short = source::SourceRecord { opaque_id: vec![9; 8].into(), ..declaration(ALPHA, 3) };
    let applied = source::SearchResponse {
        message: Some(source::search_response::Message::Batch(source::SourceBatch {
            records: vec![declaration(ALPHA, 3)],
            applied_plan: vec![1].into(),
        })),
    };
    let huge = batch(vec![sized(ALPHA, 3, 100_000)]);
    let status = |code| Err(Status::new(code, "SECRETREMARK"));
    let cases = [
        ("no end message", vec![two()], "SOURCE_CUT_OFF"),
        ("aborted", vec![two(), status(Code::Aborted)], "SOURCE_CUT_OFF"),
        ("refused", vec![two(), status(Code::PermissionDenied)], "SOURCE_REFUSED"),
        ("unavailable", vec![two(), status(Code::Unavailable)], "SOURCE_UNAVAILABLE"),
        ("a count too high", vec![two(), Ok(end(3))], "SOURCE_MISBEHAVED"),
        ("a count too low", vec![two(), Ok(end(1))], "SOURCE_MISBEHAVED"),
        (
            "an id that goes back",
            vec![two(), Ok(batch(declarations(ALPHA, [1]))), Ok(end(3))],
            "SOURCE_MISBEHAVED",
        ),
        (
            "an id twice",
            vec![two(), Ok(batch(declarations(ALPHA, [2]))), Ok(end(3))],
            "SOURCE_MISBEHAVED",
        ),
        ("a short id", vec![two(), Ok(batch(vec![short])), Ok(end(3))], "SOURCE_MISBEHAVED"),
        (
            "an empty message",
            vec![two(), Ok(source::SearchResponse { message: None })],
            "SOURCE_MISBEHAVED",
        ),
        ("a plan applied", vec![two(), Ok(applied), Ok(end(3))], "SOURCE_MISBEHAVED"),
        ("a message too large", vec![two(), Ok(huge), Ok(end(3))], "SOURCE_SENT_TOO_MUCH"),
    ];
    for (case, messages, word) in cases {
        pair.alpha.sends(messages);
        let answer = pair.ask(0).await.unwrap();
        assert_only_alpha_is_incomplete(case, &answer, 2, word);
    }
    pair.alpha.sends_and_falls_silent(vec![batch(declarations(ALPHA, 1..=2))]);
    let answer = pair.ask(0).await.unwrap();
    assert_only_alpha_is_incomplete("silent", &answer, 2, "SOURCE_TIMED_OUT");
    pair.alpha.was_abandoned(1).await.unwrap();
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_down_or_another_agency_is_not_believed() {
    let down = PairSpec { alpha_is_up: false, ..PairSpec::default() };
    let foreign = PairSpec { alpha_shows: BETA.into(), ..PairSpec::default() };
    for (case, spec) in [("down", down), ("another agency's certificate", foreign)] {
        let pair = Pair::up(spec).await.unwrap();
        pair.alpha.holds(declarations(ALPHA, 1..=2), 2, Duration::ZERO);
        pair.beta.holds(declarations(BETA, 1..=5), 2, Duration::ZERO);
        let answer = pair.ask(0).await.unwrap();
        let word = statuses(&answer)[0].2.to_owned();
        assert!(["SOURCE_UNAVAILABLE", "SOURCE_TIMED_OUT"].contains(&word.as_str()), "{word}");
        assert_only_alpha_is_incomplete(case, &answer, 0, &word);
        assert_eq!(pair.alpha.searches.load(Ordering::SeqCst), 0, "{case}: nothing is asked");
        pair.exchange.shut_down().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_may_not_pass_is_dropped_and_only_the_log_knows() {
    let settings = "[limits]\nsource_idle_seconds = 1\nrecord_bytes = 2048\n";
    let pair = Pair::with(settings).await.unwrap();
    pair.beta.holds(declarations(BETA, 1..=5), 2, Duration::ZERO);
    let with = |change: &dyn Fn(&mut source::SourceRecord)| {
        let mut record = declaration(ALPHA, 2);
        change(&mut record);
        record
    };
    let handled = |change: &dyn Fn(&mut portcullis_proto::handling::v1::Handling)| {
        with(&|record| change(record.handling.as_mut().unwrap()))
    };
    let cases = [
        (with(&|r| r.payload = r.payload.slice(..r.payload.len() - 1)), Some("RECORD_TRUNCATED")),
        (with(&|r| r.payload = vec![0xff; 20].into()), Some("RECORD_")),
        (with(&|r| r.handling = None), Some("HANDLING_MISSING")),
        (handled(&|h| h.originator = BETA.into()), Some("HANDLING_FOREIGN_ORIGINATOR")),
        (handled(&|h| h.originator.clear()), Some("HANDLING_NO_ORIGINATOR")),
        (handled(&|h| h.environment = 1), Some("HANDLING_WRONG_ENVIRONMENT")),
        (handled(&|h| h.environment = 0), Some("HANDLING_NO_ENVIRONMENT")),
        (handled(&|h| h.tlp = 99), Some("HANDLING_UNKNOWN_VALUE")),
        (sized(ALPHA, 2, 4096), Some("RECORD_TOO_LARGE")),
        // For others only: as if it did not exist, and no fault of the source.
        (handled(&|h| h.releasable_to = vec![OTHER.0.into()]), None),
        (handled(&|h| h.compartments = vec!["OP-OTHER".into()]), None),
    ];
    for (bad, cause) in cases {
        let records = vec![declaration(ALPHA, 1), bad, declaration(ALPHA, 3)];
        pair.alpha.sends(vec![Ok(batch(records)), Ok(end(3))]);
        let answer = pair.ask(0).await.unwrap();
        assert_eq!(ucrs(&answer), both([1, 3], 1..=5), "{cause:?}");
        assert_eq!(
            statuses(&answer),
            [(ALPHA, Complete, "", 2), (BETA, Complete, "", 5)],
            "{cause:?}"
        );
        let ended = pair.outcome(exchange_id(&answer)).await.unwrap();
        assert_eq!((ended.ending, ended.reason.as_str()), (Ending::Complete, ""));
        match cause {
            None => assert_eq!(ended.refused, []),
            Some(cause) => {
                let [(agency, told, count)] = ended.refused.as_slice() else {
                    panic!("{cause}: {:?}", ended.refused);
                };
                assert_eq!((agency.as_str(), *count), (ALPHA, 1));
                assert!(told.starts_with(cause), "{cause}: {told}");
            }
        }
    }
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_not_asked_for_end_the_source() {
    let pair = Pair::up(PairSpec::default()).await.unwrap();
    pair.beta.holds(declarations(BETA, 1..=5), 2, Duration::ZERO);
    pair.alpha.sends(vec![Ok(batch(declarations(ALPHA, 1..=2))), Ok(end(2))]);
    let mut asked = all(0);
    asked.filter = Some(filter("Declaration", "ucr prefix 'beta'").unwrap());
    let answer = pair.exchange.ask(ASKER, request(asked)).await.unwrap();
    assert_only_alpha_is_incomplete("not asked for", &answer, 0, "SOURCE_MISBEHAVED");
    pair.exchange.shut_down().await.unwrap();
}

/// Sends without end, from number 1 on.
fn endless(
    agency: &'static str,
    more: usize,
) -> impl Fn(source::SearchRequest) -> portcullis_tests::pair::Found {
    move |_| {
        stream::iter(1..)
            .then(move |number| async move {
                tokio::task::yield_now().await;
                Ok(batch(vec![sized(agency, number, more)]))
            })
            .boxed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_source_is_cut_by_the_limit_or_by_the_gateway() {
    let settings = "[limits]\nsource_idle_seconds = 1\nsource_records = 200\n";
    let pair = Pair::with(settings).await.unwrap();
    pair.beta.holds(declarations(BETA, 1..=5), 2, Duration::ZERO);
    pair.alpha.answers(endless(ALPHA, 0));
    let answer = pair.ask(1000).await.unwrap();
    assert_only_alpha_is_incomplete("endless", &answer, 200, "SOURCE_SENT_TOO_MUCH");
    pair.alpha.was_abandoned(1).await.unwrap();

    let answer = pair.ask(20).await.unwrap();
    assert_eq!(ucrs(&answer), both(1..=20, []));
    assert_eq!(statuses(&answer), [(ALPHA, Limited, "LIMIT_REACHED", 20), (BETA, NotAsked, "", 0)]);
    assert_eq!(cut(&answer), "LIMIT_REACHED");
    pair.alpha.was_abandoned(2).await.unwrap();
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_trickles_uses_up_its_own_time_only() {
    let pair = Pair::with("[limits]\nsource_idle_seconds = 5\nquery_seconds = 2\n").await.unwrap();
    pair.beta.holds(declarations(BETA, 1..=5), 2, Duration::ZERO);
    let empty = || {
        stream::iter(0..).then(|_| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(batch(vec![]))
        })
    };
    pair.alpha.answers(move |_| empty().boxed());
    let answer = pair.ask(0).await.unwrap();
    assert_only_alpha_is_incomplete("trickling", &answer, 0, "DEADLINE_PASSED");
    // Alone, it has all the time there is; then the answer ends in order.
    let mut alone = all(0);
    alone.sources = vec![ALPHA.into()];
    alone.deadline = Some(prost_types::Duration { seconds: 1, nanos: 0 });
    let begun = tokio::time::Instant::now();
    let answer = pair.exchange.ask(ASKER, request(alone)).await.unwrap();
    let took = begun.elapsed();
    assert!((Duration::from_millis(900)..Duration::from_millis(1900)).contains(&took), "{took:?}");
    assert_eq!(statuses(&answer), [(ALPHA, Limited, "DEADLINE_PASSED", 0)]);
    assert_eq!(cut(&answer), "DEADLINE_PASSED");
    assert!(answer.receipt.as_ref().unwrap().proof.is_some());
    let ended = pair.outcome(exchange_id(&answer)).await.unwrap();
    assert_eq!((ended.ending, ended.reason.as_str()), (Ending::Cut, "DEADLINE_PASSED"));
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_speed_nor_packing_of_the_sources_shows() {
    let pair = Pair::with("[limits]\nsource_idle_seconds = 2\nbatch_bytes = 4096\n").await.unwrap();
    let held = |agency| (1..=30).map(|number| sized(agency, number, 200)).collect::<Vec<_>>();
    let mut told = vec![];
    let slow = Duration::from_millis(120);
    for (alpha, beta) in [
        ((30, Duration::ZERO), (30, Duration::ZERO)),
        ((10, slow), (1, Duration::ZERO)),
        ((1, Duration::ZERO), (10, slow)),
    ] {
        pair.alpha.holds(held(ALPHA), alpha.0, alpha.1);
        pair.beta.holds(held(BETA), beta.0, beta.1);
        let mut answer = pair.ask(0).await.unwrap();
        assert_eq!(ucrs(&answer), both(1..=30, 1..=30));
        // Counted from the decision: else every record would tell when it came.
        let delete_by = answer.header.as_ref().unwrap().delete_by;
        for record in &mut answer.records {
            assert_eq!(record.delete_by.take(), delete_by);
        }
        let plans: Vec<_> = answer.plans.iter().map(|plan| plan.plan_hash.clone()).collect();
        told.push((answer.records, answer.batches, answer.statuses, plans));
    }
    assert!(told[0].1.len() > 4, "several batches: {:?}", told[0].1);
    assert!(told[0] == told[1] && told[0] == told[2]);
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_counts_what_is_released() {
    let pair = Pair::up(PairSpec::default()).await.unwrap();
    // The first hundred are not for the requester.
    let mut held = declarations(ALPHA, 1..=110);
    for record in held.iter_mut().take(100) {
        let handling = handling(ALPHA);
        let releasable_to = vec![OTHER.0.into()];
        record.handling =
            Some(portcullis_proto::handling::v1::Handling { releasable_to, ..handling });
    }
    pair.alpha.holds(held, 10, Duration::ZERO);
    pair.beta.holds(declarations(BETA, 1..=5), 2, Duration::ZERO);

    let answer = pair.ask(7).await.unwrap();
    assert_eq!(ucrs(&answer), both(101..=107, []));
    let limited = [(ALPHA, Limited, "LIMIT_REACHED", 7), (BETA, NotAsked, "", 0)];
    assert_eq!(statuses(&answer), limited);

    // Just as many as there are: nothing is missing, and that is said.
    let answer = pair.ask(15).await.unwrap();
    assert_eq!(ucrs(&answer), both(101..=110, 1..=5));
    assert_eq!(statuses(&answer), [(ALPHA, Complete, "", 10), (BETA, Complete, "", 5)]);
    assert_eq!(cut(&answer), "");

    let answer = pair.ask(14).await.unwrap();
    assert_eq!(statuses(&answer), [(ALPHA, Complete, "", 10), (BETA, Limited, "LIMIT_REACHED", 4)]);
    assert_eq!(cut(&answer), "LIMIT_REACHED");
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_continue_exactly_behind_and_a_token_is_good_for_its_query_alone() {
    let pair = Pair::up(PairSpec::default()).await.unwrap();
    pair.alpha.holds(declarations(ALPHA, 1..=7), 3, Duration::ZERO);
    pair.beta.holds(declarations(BETA, 1..=6), 2, Duration::ZERO);
    for size in [1, 3, 4, 7] {
        let (mut pages, mut token) = (vec![], bytes::Bytes::new());
        for _ in 0..20 {
            let page = wire::QueryRequest {
                query: Some(all(size)),
                resume_token: token,
                ..wire::QueryRequest::default()
            };
            let answer = pair.exchange.ask(ASKER, page).await.unwrap();
            pages.extend(ucrs(&answer));
            token = answer.resume_token.clone();
            if cut(&answer).is_empty() {
                break;
            }
        }
        assert_eq!(pages, both(1..=7, 1..=6), "pages of {size}");
    }

    let first = pair.ask(4).await.unwrap();
    let again = |query: wire::Query, token: &[u8]| wire::QueryRequest {
        query: Some(query),
        resume_token: token.to_vec().into(),
        ..wire::QueryRequest::default()
    };
    let mut bent = first.resume_token.to_vec();
    *bent.last_mut().unwrap() ^= 1;
    for (case, who, asked) in [
        ("another requester", OTHER, again(all(4), &first.resume_token)),
        ("another query", ASKER, again(all(5), &first.resume_token)),
        ("bent", ASKER, again(all(4), &bent)),
        ("cut", ASKER, again(all(4), &first.resume_token[..20])),
        ("made up", ASKER, again(all(4), b"x")),
    ] {
        let refused = pair.exchange.ask(who, asked).await.err().expect(case);
        assert_eq!(reason(&refused), "RESUME_TOKEN_NOT_USABLE", "{case}");
    }
    pair.exchange.shut_down().await.unwrap();
}

/// Opens a query and reads its header.
async fn open(pair: &Pair, limit: u32) -> (tonic::Streaming<wire::QueryResponse>, String) {
    let channel = pair.exchange.channel(ASKER.0, ASKER.1).await.unwrap();
    let opened = QueryServiceClient::new(channel).query(request(all(limit))).await.unwrap();
    let mut stream = opened.into_inner();
    let Some(Message::Header(header)) = stream.message().await.unwrap().unwrap().message else {
        panic!("no header first");
    };
    (stream, header.exchange_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requester_that_goes_away_ends_the_search_and_the_log_says_so() {
    let pair = Pair::with("[limits]\nsource_idle_seconds = 30\n").await.unwrap();
    pair.alpha.sends_and_falls_silent(vec![batch(declarations(ALPHA, 1..=2))]);
    pair.beta.sends_and_falls_silent(vec![batch(declarations(BETA, 1..=2))]);
    let (stream, exchange) = open(&pair, 0).await;
    while pair.alpha.searches.load(Ordering::SeqCst) + pair.beta.searches.load(Ordering::SeqCst) < 2
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(stream);
    pair.alpha.was_abandoned(1).await.unwrap();
    pair.beta.was_abandoned(1).await.unwrap();
    let ended = pair.outcome(&exchange).await.unwrap();
    // What of the header or a batch under way arrived, nobody can tell.
    assert_eq!((ended.ending, ended.reason.as_str()), (Ending::Unknown, "REQUESTER_GONE"));
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_read_is_not_fetched_and_holds_up_nobody() {
    let settings = "[limits]\nsource_idle_seconds = 30\nquery_seconds = 6\n";
    let pair = Pair::with(settings).await.unwrap();
    let room = pair.exchange.gateway.broker.room.available_permits();
    pair.alpha.answers(endless(ALPHA, 60_000));
    pair.beta.holds(declarations(BETA, 1..=5), 2, Duration::ZERO);
    let mut idle = vec![];
    for _ in 0..8 {
        idle.push(open(&pair, 1_000_000).await);
    }
    let sent = || pair.alpha.sent.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(2000)).await;
    let before = sent();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(sent(), before, "the source goes on although nobody reads");
    assert!(before < 8 * 100, "{before} messages of 60 kB under way");
    // Eight that do not read, and one that does: it gets its records from the same source.
    let answer = pair.ask(20).await.unwrap();
    assert_eq!(ucrs(&answer), both(1..=20, []));
    // Their place is given back when their time is over, and the log says how they ended.
    let back = async {
        while pair.exchange.gateway.broker.room.available_permits() < room {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), back).await.expect("a place held for ever");
    let ended = pair.outcome(&idle[0].1).await.unwrap();
    assert_ne!(ended.ending, Ending::Complete);
    pair.alpha.was_abandoned(9).await.unwrap();
    drop(idle);
    pair.exchange.shut_down().await.unwrap();
}

async fn used(pair: &Pair, name: &str) -> Vec<u64> {
    let channel = pair.exchange.channel(ASKER.0, ASKER.1).await.unwrap();
    let mut client = QueryServiceClient::new(channel);
    let asked = wire::ExplainRequest { query: Some(all(0)), ..Default::default() };
    let budgets = client.explain(asked).await.unwrap().into_inner().budgets;
    budgets.iter().filter(|budget| budget.name == name).map(|budget| budget.used).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_charged_once_and_a_page_is_no_retry() {
    let pair = Pair::up(PairSpec::default()).await.unwrap();
    pair.alpha.holds(declarations(ALPHA, 1..=6), 3, Duration::ZERO);
    pair.beta.holds(vec![], 2, Duration::ZERO);
    let keyed = |limit, token: &bytes::Bytes| wire::QueryRequest {
        query: Some(all(limit)),
        idempotency_key: "retry-1".into(),
        resume_token: token.clone(),
        ..wire::QueryRequest::default()
    };
    let none = bytes::Bytes::new();
    let first = pair.exchange.ask(ASKER, keyed(2, &none)).await.unwrap();
    let charged = (used(&pair, "queries").await, used(&pair, "records").await);
    assert!(charged.1.contains(&2), "{charged:?}");
    let again = pair.exchange.ask(ASKER, keyed(2, &none)).await.unwrap();
    assert_eq!(ucrs(&again), ucrs(&first));
    assert_eq!((used(&pair, "queries").await, used(&pair, "records").await), charged);

    // Under the same key neither another query, nor the next page for nothing.
    for other in [keyed(3, &none), keyed(2, &first.resume_token)] {
        let refused = pair.exchange.ask(ASKER, other).await.err().expect("a key used twice");
        assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(refused.code(), Code::AlreadyExists);
    }
    // Another agency's key is another key.
    pair.exchange.ask(OTHER, keyed(3, &none)).await.unwrap();
    assert_eq!((used(&pair, "queries").await, used(&pair, "records").await), charged);
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_what_its_first_attempt_paid_for_though_the_budget_is_used_up() {
    let budgets = "queries_per_day = 1\nrecords_per_day = 4\n".to_owned();
    let pair = Pair::up(PairSpec { budgets, ..PairSpec::default() }).await.unwrap();
    pair.alpha.holds(declarations(ALPHA, 1..=6), 3, Duration::ZERO);
    let mut asked = all(0);
    asked.sources = vec![ALPHA.into()];
    let keyed = |key: &str| wire::QueryRequest {
        query: Some(asked.clone()),
        idempotency_key: key.into(),
        ..wire::QueryRequest::default()
    };
    let first = pair.exchange.ask(ASKER, keyed("retry-2")).await.unwrap();
    assert_eq!((first.records.len(), cut(&first)), (4, "BUDGET_EXHAUSTED"));
    let again = pair.exchange.ask(ASKER, keyed("retry-2")).await.unwrap();
    assert_eq!(ucrs(&again), ucrs(&first));
    let other = pair.exchange.ask(ASKER, keyed("retry-3")).await.err().expect("a new query");
    assert_eq!(reason(&other), "BUDGET_EXHAUSTED");
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_at_once_never_get_more_than_the_budget() {
    let budgets = "queries_per_day = 100\nrecords_per_day = 50\n".to_owned();
    let pair = Pair::up(PairSpec { budgets, ..PairSpec::default() }).await.unwrap();
    pair.alpha.holds(declarations(ALPHA, 1..=10), 3, Duration::ZERO);
    pair.beta.holds(vec![], 1, Duration::ZERO);
    let mut asked = all(0);
    asked.sources = vec![ALPHA.into()];
    let asking = (0..16).map(|_| pair.exchange.ask(ASKER, request(asked.clone())));
    let answers = futures::future::join_all(asking).await;
    let mut released = 0;
    for answer in &answers {
        match answer {
            Ok(answer) => {
                released += answer.records.len() as u64;
                assert!(["", "BUDGET_EXHAUSTED"].contains(&cut(answer)), "{}", cut(answer));
            }
            Err(refused) => assert_eq!(reason(refused), "BUDGET_EXHAUSTED"),
        }
    }
    assert_eq!(released, 50);
    assert!(used(&pair, "records").await.contains(&50));
    let refused = pair.exchange.ask(ASKER, request(asked)).await.err().expect("an empty budget");
    assert_eq!(
        (reason(&refused).as_str(), refused.code()),
        ("BUDGET_EXHAUSTED", Code::ResourceExhausted)
    );
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_gateway_says_so_and_recovers() {
    let settings = "[limits]\nsource_idle_seconds = 30\nqueries_in_flight = 1\n";
    let pair = Pair::with(settings).await.unwrap();
    pair.alpha.sends_and_falls_silent(vec![]);
    let (stream, exchange) = open(&pair, 0).await;
    let refused = pair.ask(0).await.err().expect("no room");
    assert_eq!((reason(&refused).as_str(), refused.code()), ("OVERLOADED", Code::Unavailable));
    drop(stream);
    pair.outcome(&exchange).await.unwrap();
    pair.alpha.holds(declarations(ALPHA, 1..=2), 2, Duration::ZERO);
    let mut answer = pair.ask(0).await;
    for _ in 0..20 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = pair.ask(0).await;
    }
    assert_eq!(ucrs(&answer.unwrap()), both(1..=2, []));
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_learns_on_whose_behalf_it_is_asked() {
    let pair = Pair::up(PairSpec::default()).await.unwrap();
    let answer = pair.ask(3).await.unwrap();
    let asked = pair.alpha.asked.lock().unwrap().clone().unwrap();
    assert_eq!(asked.exchange_id, exchange_id(&answer));
    let asker = asked.asker.unwrap();
    assert_eq!((asker.agency.as_str(), asker.system.as_str()), ASKER);
    assert_eq!(asked.after, bytes::Bytes::new());
    assert_eq!(asked.at_most, 3);
    assert_eq!(asked.intent_leaf_hash, answer.header.as_ref().unwrap().intent_leaf_hash);
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_own_timeout_is_a_deadline_and_the_answer_ends_in_order() {
    let pair = Pair::with("[limits]\nsource_idle_seconds = 30\n").await.unwrap();
    pair.alpha.sends_and_falls_silent(vec![batch(declarations(ALPHA, 1..=2))]);
    let channel = pair.exchange.channel(ASKER.0, ASKER.1).await.unwrap();
    let mut alone = all(0);
    alone.sources = vec![ALPHA.into()];
    let mut asked = tonic::Request::new(request(alone));
    asked.set_timeout(Duration::from_secs(1));
    let mut stream = QueryServiceClient::new(channel).query(asked).await.unwrap().into_inner();
    let mut answer = Answer::default();
    while let Some(message) = stream.message().await.unwrap() {
        answer.take(message);
    }
    assert_eq!(ucrs(&answer), both(1..=2, []));
    assert_eq!(statuses(&answer), [(ALPHA, Limited, "DEADLINE_PASSED", 2)]);
    assert_eq!(cut(&answer), "DEADLINE_PASSED");
    pair.exchange.shut_down().await.unwrap();
}
