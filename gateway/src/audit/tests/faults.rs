//! A store that is full, cut, edited or gone back to: nothing is released, and the log says why.

use sqlx::SqlitePool;

use super::order::until_healthy;
use super::*;

async fn edit(bench: &Bench, sql: &'static str) {
    let pool = SqlitePool::connect(bench.path().to_str().unwrap()).await.unwrap();
    let done = sqlx::query(sql).execute(&pool).await.unwrap();
    assert!(done.rows_affected() > 0, "{sql}");
    pool.close().await;
}

async fn refusal(bench: &Bench, scrub: Scrub) -> &'static str {
    bench.try_open(scrub).await.err().map_or("opened", |error| error.word())
}

#[tokio::test]
async fn start_up_refuses_a_store_that_was_edited_or_cut() {
    let cases = [
        ("UPDATE log_entry SET leaf = x'01' WHERE idx = 1", "LOG_ROOT_DIFFERS"),
        ("DELETE FROM log_entry WHERE idx = 3", "LOG_TRUNCATED"),
        ("DELETE FROM log_entry WHERE idx = 1", "LOG_TRUNCATED"),
        ("DELETE FROM log_checkpoint", "LOG_CHECKPOINT_MISSING"),
        ("DELETE FROM log_checkpoint WHERE size > 2", "LOG_UNSIGNED_ENTRIES"),
        (
            "UPDATE log_checkpoint SET note = replace(note, 'gateway.test', 'gateway.tess')",
            "LOG_CHECKPOINT_FORGED",
        ),
        ("UPDATE log_head SET size = 3", "LOG_TREE_ALTERED"),
        ("UPDATE log_head SET peaks = zeroblob(32)", "LOG_TREE_ALTERED"),
        ("INSERT INTO log_entry VALUES (4, 1, 1, x'', x'01')", "LOG_UNSIGNED_ENTRIES"),
        ("INSERT INTO log_body VALUES (9, x'')", "LOG_UNSIGNED_ENTRIES"),
    ];
    for (sql, word) in cases {
        let bench = Bench::new();
        let audit = bench.open().await;
        exchange(&audit).await;
        audit.close().await;
        edit(&bench, sql).await;
        assert_eq!(refusal(&bench, Scrub::default()).await, word, "{sql}");
        assert!(!bench.verify(&Outside::default()).await.sound(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_is_opened_from_its_tail_and_stored_tree() {
    let bench = Bench::new();
    let audit = bench.open().await;
    for _ in 0..3 {
        let many: Vec<_> = (0..250).map(|_| audit.deny(denial())).collect();
        assert!(futures::future::join_all(many).await.iter().all(Result::is_ok));
    }
    let root = audit.checkpoint().await.root;
    audit.close().await;
    let tail = Scrub { all: 100, tail: 400 };
    let audit = bench.try_open(tail).await.unwrap();
    assert_eq!((audit.checkpoint().await.size, audit.checkpoint().await.root), (750, root));
    exchange(&audit).await;
    audit.close().await;
    edit(&bench, "UPDATE log_entry SET leaf = x'01' WHERE idx = 400").await;
    assert_eq!(refusal(&bench, tail).await, "LOG_LEAF_ALTERED");
    edit(&bench, "UPDATE log_node SET hash = zeroblob(32) WHERE position = 0").await;
    assert_ne!(refusal(&bench, tail).await, "opened");
}

#[tokio::test]
async fn another_key_does_not_open_the_log() {
    let bench = Bench::new();
    let audit = bench.open().await;
    exchange(&audit).await;
    audit.close().await;
    std::fs::remove_file(bench.dir.path().join("log.key")).unwrap();
    generate_log_key(&bench.dir.path().join("log.key"), ORIGIN).unwrap();
    assert_eq!(refusal(&bench, Scrub::default()).await, "LOG_CHECKPOINT_FORGED");
}

#[tokio::test]
async fn a_full_store_refuses_and_recovers_when_there_is_room() {
    let bench = Bench::new();
    let store = Store::open(&bench.path()).await.unwrap();
    store.limit_pages(60);
    let audit = Audit::open(store.clone(), bench.keys(), bench.clock.clone()).await.unwrap();
    let mut durable = audit.intend(intent(), Effects::default()).await.unwrap();
    let mut sealed = 0;
    let refused = loop {
        let records = (0..200).map(|n| record("licensing-b", &n.to_string())).collect();
        let one =
            audit.seal(&mut durable, nothing(), disclosure(records), Effects::default()).await;
        match one {
            Ok(_) => sealed += 1,
            Err(error) => break error,
        }
        assert!(sealed < 100, "the store never filled up");
    };
    assert_eq!(refused, CommitError::LogUnavailable { cause: "STORE_UNAVAILABLE" });
    assert!(sealed > 0 && !audit.healthy());
    assert_eq!(audit.deny(denial()).await.unwrap_err().reason(), "LOG_UNAVAILABLE");
    store.limit_pages(0);
    until_healthy(&audit).await;
    let records = vec![record("licensing-b", "after")];
    audit.seal(&mut durable, nothing(), disclosure(records), Effects::default()).await.unwrap();
    audit.close().await;
    let report = bench.verify(&Outside::default()).await;
    assert!(report.sound(), "{:?}", report.faults);
    assert_eq!(report.kinds, [1, sealed + 1, 0, 0, 0]);
}

#[tokio::test]
async fn a_locked_store_refuses_and_recovers() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let pool = SqlitePool::connect(bench.path().to_str().unwrap()).await.unwrap();
    let lock = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(audit.deny(denial()).await.unwrap_err().reason(), "LOG_UNAVAILABLE");
    assert!(!audit.healthy());
    lock.rollback().await.unwrap();
    until_healthy(&audit).await;
    audit.deny(denial()).await.unwrap();
}

/// Somebody puts yesterday's file in place while the gateway runs.
#[tokio::test]
async fn a_store_that_went_back_under_a_running_log_is_never_signed_over() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let before = audit.intend(intent(), Effects::default()).await.unwrap();
    audit.deny(denial()).await.unwrap();
    let signed = audit.checkpoint().await;
    for sql in [
        "DELETE FROM log_entry WHERE idx = 1",
        "DELETE FROM log_body WHERE idx = 1",
        "DELETE FROM log_party WHERE idx = 1",
        "DELETE FROM log_checkpoint WHERE size = 2",
    ] {
        edit(&bench, sql).await;
    }
    let pool = SqlitePool::connect(bench.path().to_str().unwrap()).await.unwrap();
    sqlx::query("UPDATE log_head SET size = 1, peaks = ?1")
        .bind(before.leaf_hash().0.as_slice())
        .execute(&pool)
        .await
        .unwrap();
    let refused = audit.deny(denial()).await.unwrap_err();
    assert_eq!(refused, CommitError::LogUnavailable { cause: "LOG_HEAD_MOVED" });
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert!(!audit.healthy(), "a log that went back must stay closed");
    assert_eq!(audit.checkpoint().await, signed);
}

/// Bit rot in a stretch of 256 leaves is found when the stretch is complete, before it is signed over.
#[tokio::test]
async fn a_rotten_stretch_is_not_signed_over() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let many: Vec<_> = (0..250).map(|_| audit.deny(denial())).collect();
    futures::future::join_all(many).await;
    edit(&bench, "UPDATE log_entry SET leaf = x'01' WHERE idx = 17").await;
    let mut refused = None;
    for _ in 0..6 {
        refused = audit.deny(denial()).await.err();
    }
    assert_eq!(refused, Some(CommitError::LogUnavailable { cause: "LOG_LEAF_ALTERED" }));
}
