//! Budgets and idempotency keys change with the entry or not at all.

use super::*;
use crate::officers::Proof;

fn keyed(key: &str, query: &[u8], charges: Vec<Charge>) -> Effects {
    let idempotency = Idempotency::of("spiffe://a", key, Digest::of(query));
    Effects { charges, idempotency: Some(idempotency), ..Effects::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_is_exact_under_64_parallel_tasks() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let audit = audit.clone();
            tokio::spawn(async move {
                let mut granted = 0;
                for _ in 0..10 {
                    let effects = charging(vec![charge("records", 1000, 7)]);
                    match audit.intend(intent(), effects).await {
                        Ok(_) => granted += 7,
                        Err(error) => assert_eq!(error.reason(), "BUDGET_EXHAUSTED"),
                    }
                }
                granted
            })
        })
        .collect();
    let mut granted = 0;
    for task in tasks {
        granted += task.await.unwrap();
    }
    assert_eq!(granted, 1000 / 7 * 7);
    assert_eq!(audit.budget_used("records", NOON).await.unwrap(), granted);
    assert_eq!(audit.checkpoint().await.size, granted / 7, "a refused intent leaves no entry");
}

#[tokio::test]
async fn a_waiter_is_charged_all_or_nothing_and_does_not_spoil_its_group() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let both = |a, b| charging(vec![charge("queries", 2, a), charge("records", 10, b)]);
    let (one, two, three) = tokio::join!(
        audit.intend(intent(), both(1, 10)),
        audit.intend(intent(), both(1, 1)),
        audit.intend(intent(), both(1, 0)),
    );
    assert!(one.is_ok() && three.is_ok());
    let refills_at = Moment(NOON.0 + 3_600_000);
    let name = "records".to_owned();
    assert_eq!(two.unwrap_err(), CommitError::BudgetExhausted { name, refills_at });
    assert_eq!(audit.budget_used("queries", NOON).await.unwrap(), 2);
    assert_eq!(audit.budget_used("records", NOON).await.unwrap(), 10);
}

#[tokio::test]
async fn a_window_that_ended_does_not_count() {
    let bench = Bench::new();
    let audit = bench.open().await;
    audit.intend(intent(), charging(vec![charge("queries", 1, 1)])).await.unwrap();
    audit.intend(intent(), charging(vec![charge("queries", 1, 1)])).await.unwrap_err();
    let mut next = charge("queries", 1, 1);
    next.window_start = next.window_end;
    next.window_end = Moment(next.window_start.0 + 3_600_000);
    audit.intend(intent(), charging(vec![next])).await.unwrap();
}

#[tokio::test]
async fn a_retry_is_charged_only_for_what_goes_beyond_the_first_attempt() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let attempt = async |batches: &[u64]| {
        let begin = keyed("retry", b"query", vec![charge("queries", 1, 1)]);
        let mut durable = audit.intend(intent(), begin).await.unwrap();
        for amount in batches {
            let effects = charging(vec![charge("records", 100, *amount)]);
            audit.seal(&mut durable, nothing(), disclosure(vec![]), effects).await.unwrap();
        }
    };
    attempt(&[10, 20]).await;
    assert_eq!(audit.budget_used("records", NOON).await.unwrap(), 30);
    attempt(&[15, 15]).await;
    assert_eq!(audit.budget_used("records", NOON).await.unwrap(), 30);
    attempt(&[25, 15]).await;
    assert_eq!(audit.budget_used("records", NOON).await.unwrap(), 40);
    assert_eq!(audit.budget_used("queries", NOON).await.unwrap(), 1);
    // Another key is another query.
    let other = keyed("other", b"query", vec![charge("queries", 1, 1)]);
    assert_eq!(audit.intend(intent(), other).await.unwrap_err().reason(), "BUDGET_EXHAUSTED");
}

#[tokio::test]
async fn an_idempotency_key_is_refused_for_another_query_until_it_expires() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let effects = |query| keyed("key", query, vec![charge("queries", 10, 1)]);
    audit.intend(intent(), effects(b"one")).await.unwrap();
    let refused = audit.intend(intent(), effects(b"two")).await.unwrap_err();
    assert_eq!(refused, CommitError::IdempotencyConflict);
    assert_eq!(audit.budget_used("queries", NOON).await.unwrap(), 1);
    bench.clock.set(Moment(NOON.0 + IDEMPOTENCY_MILLIS - 1));
    audit.intend(intent(), effects(b"two")).await.unwrap_err();
    bench.clock.set(Moment(NOON.0 + IDEMPOTENCY_MILLIS));
    audit.intend(intent(), effects(b"two")).await.unwrap();
    assert_eq!(audit.budget_used("queries", NOON).await.unwrap(), 2, "charged anew");
}

#[tokio::test]
async fn two_claims_of_a_key_in_one_group_see_each_other() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let (one, two, three) = tokio::join!(
        audit.intend(intent(), keyed("key", b"one", vec![charge("queries", 10, 1)])),
        audit.intend(intent(), keyed("key", b"two", vec![charge("queries", 10, 1)])),
        audit.intend(intent(), keyed("key", b"one", vec![charge("queries", 10, 1)])),
    );
    assert!(one.is_ok() && three.is_ok());
    assert_eq!(two.unwrap_err(), CommitError::IdempotencyConflict);
    assert_eq!(audit.budget_used("queries", NOON).await.unwrap(), 1);
}

#[tokio::test]
async fn effects_survive_a_restart() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let effects = || keyed("key", b"one", vec![charge("queries", 1, 1)]);
    audit.intend(intent(), effects()).await.unwrap();
    audit.close().await;
    let audit = bench.open().await;
    audit.intend(intent(), effects()).await.unwrap();
    let other = charging(vec![charge("queries", 1, 1)]);
    assert_eq!(audit.intend(intent(), other).await.unwrap_err().reason(), "BUDGET_EXHAUSTED");
}

fn proof(jti: &str) -> Proof {
    Proof {
        officer: "o.rask".into(),
        key_id: "2026-1".to_owned(),
        token: Digest::of(b"token"),
        use_of: Digest::of(jti.as_bytes()),
        remembered_until: Moment(NOON.0 + 60_000),
    }
}

fn proven(jti: &str, effects: Effects) -> Effects {
    Effects { officer: Some(proof(jti)), ..effects }
}

#[tokio::test]
async fn an_officers_token_is_used_up_with_its_intent_or_not_at_all() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let full = || proven("one", charging(vec![charge("queries", 1, 2)]));
    let refused = audit.intend(intent(), full()).await.unwrap_err();
    assert_eq!(refused.reason(), "BUDGET_EXHAUSTED");
    let use_it = || audit.intend(intent(), proven("one", Effects::default()));
    // What was refused has used nothing; of several in one group one is the first.
    let (one, two) = tokio::join!(use_it(), use_it());
    assert!(one.is_ok());
    assert_eq!(two.unwrap_err(), CommitError::OfficerTokenReplayed);
    audit.intend(intent(), proven("two", Effects::default())).await.unwrap();
    assert_eq!(audit.checkpoint().await.size, 2);
    audit.close().await;
    let audit = bench.open().await;
    for jti in ["one", "two"] {
        let again = audit.intend(intent(), proven(jti, Effects::default())).await.unwrap_err();
        assert_eq!(again, CommitError::OfficerTokenReplayed, "across a restart");
    }
}

#[tokio::test]
async fn a_token_comes_again_only_under_the_key_and_query_it_came_with() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let ask = |jti, key, query| audit.intend(intent(), proven(jti, keyed(key, query, vec![])));
    ask("one", "key", b"query").await.unwrap();
    ask("one", "key", b"query").await.unwrap();
    let replayed = Err(CommitError::OfficerTokenReplayed);
    assert_eq!(ask("one", "other", b"query").await.map(drop), replayed);
    assert_eq!(ask("one", "key", b"else").await.map(drop), replayed);
    let bare = audit.intend(intent(), proven("one", Effects::default())).await;
    assert_eq!(bare.map(drop), replayed);
    // One that came without a key comes never again.
    audit.intend(intent(), proven("two", Effects::default())).await.unwrap();
    assert_eq!(ask("two", "key", b"query").await.map(drop), replayed);
    // A retry may bring a token that nobody has used.
    ask("three", "key", b"query").await.unwrap();
}

#[tokio::test]
async fn used_tokens_are_forgotten_when_they_can_prove_nothing_any_more() {
    let bench = Bench::new();
    let audit = bench.open().await;
    audit.intend(intent(), proven("one", Effects::default())).await.unwrap();
    let rows = async || {
        let store = Store::open_read_only(&bench.path()).await.unwrap();
        let mut tx = store.read("rows").await.unwrap();
        let mark = audit.shared.marker.token(&proof("one"));
        tx.officer_token(&mark).await.unwrap().is_some()
    };
    bench.clock.set(Moment(NOON.0 + 59_999));
    audit.intend(intent(), proven("two", Effects::default())).await.unwrap();
    assert!(rows().await);
    bench.clock.set(Moment(NOON.0 + 60_000));
    audit.intend(intent(), proven("three", Effects::default())).await.unwrap();
    assert!(!rows().await);
}
