//! Durable first: what is handed out stands in the store, and what is not durable is not handed out.

use super::*;

#[tokio::test]
async fn an_exchange_stands_in_the_log_in_its_order() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let durable = exchange(&audit).await;
    audit.deny(denial()).await.unwrap();
    audit.close().await;
    assert_eq!((durable.batches(), durable.last_index()), (2, 2));
    let report = bench.verify(&Outside::default()).await;
    assert!(report.sound(), "{:?}", report.faults);
    assert_eq!((report.kinds, report.open_exchanges), ([1, 2, 1, 1, 0], 0));
    assert_eq!(audit.lost_outcomes(), 0);
}

#[tokio::test]
async fn what_is_sealed_is_in_the_store_before_it_is_handed_out() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let mut durable = audit.intend(intent(), Effects::default()).await.unwrap();
    for n in 0..20_u64 {
        let records = vec![record("licensing-b", &n.to_string())];
        let sealed = audit
            .seal(&mut durable, nothing(), disclosure(records), Effects::default())
            .await
            .unwrap();
        // A reader of its own sees only what is committed.
        let store = Store::open_read_only(&bench.path()).await.unwrap();
        let entry = store.read("test").await.unwrap().entry(sealed.index()).await.unwrap();
        assert_eq!(tree::leaf_hash(&entry.unwrap().leaf), sealed.leaf_hash());
        let (signed, _) =
            store.read("test").await.unwrap().last_checkpoint().await.unwrap().unwrap();
        assert_eq!((sealed.index(), signed), (n + 1, n + 2));
    }
}

#[tokio::test]
async fn nothing_is_sealed_when_the_commit_fails() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let mut durable = audit.intend(intent(), Effects::default()).await.unwrap();
    let saboteur = sqlx::SqlitePool::connect(bench.path().to_str().unwrap()).await.unwrap();
    sqlx::query("CREATE TRIGGER no BEFORE INSERT ON log_body BEGIN SELECT RAISE(FAIL, 'no'); END")
        .execute(&saboteur)
        .await
        .unwrap();
    let refused = audit
        .seal(
            &mut durable,
            nothing(),
            disclosure(vec![record("licensing-b", "x")]),
            Effects::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(refused.reason(), "LOG_UNAVAILABLE");
    assert_eq!((durable.batches(), durable.last_index()), (0, 0));
    assert!(!audit.healthy());
    let report = bench.verify(&Outside::default()).await;
    assert_eq!((report.size, report.sound()), (1, true), "{:?}", report.faults);
    // Once the store takes writes again, so does the log, by itself.
    sqlx::query("DROP TRIGGER no").execute(&saboteur).await.unwrap();
    until_healthy(&audit).await;
    audit
        .seal(
            &mut durable,
            nothing(),
            disclosure(vec![record("licensing-b", "x")]),
            Effects::default(),
        )
        .await
        .unwrap();
    audit.close().await;
    let report = bench.verify(&Outside::default()).await;
    assert_eq!((report.size, report.sound()), (2, true), "{:?}", report.faults);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiters_share_a_transaction() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let before = audit.shared.store.metrics().committed("append_audit");
    let waiters: Vec<_> = (0..256).map(|_| audit.intend(intent(), Effects::default())).collect();
    let placed = futures::future::join_all(waiters).await;
    let mut indexes: Vec<_> = placed.iter().map(|one| one.as_ref().unwrap().last_index()).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, (0..256).collect::<Vec<u64>>());
    let groups = audit.shared.store.metrics().committed("append_audit") - before;
    assert!(groups <= 16, "256 entries took {groups} transactions");
    let root = audit.checkpoint().await.root;
    audit.close().await;
    let report = bench.verify(&Outside::default()).await;
    assert!(report.sound() && report.root == root, "{:?}", report.faults);
}

#[tokio::test]
async fn a_closed_log_takes_what_is_queued_and_refuses_what_comes_later() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let durable = audit.intend(intent(), Effects::default()).await.unwrap();
    let (early, ()) = tokio::join!(audit.deny(denial()), audit.close());
    assert!(early.is_ok());
    assert_eq!(audit.deny(denial()).await.unwrap_err().reason(), "LOG_UNAVAILABLE");
    audit.conclude(&durable, outcome()).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(audit.lost_outcomes(), 1);
    assert_eq!(bench.verify(&Outside::default()).await.kinds, [1, 0, 0, 1, 0]);
}

/// The client hangs up while its batch is being made durable: the exchange's chain stays whole.
#[tokio::test]
async fn a_caller_that_goes_away_does_not_break_the_chain() {
    let bench = Bench::new();
    let audit = bench.open().await;
    for then_go_on in [false, true] {
        let effects = || charging(vec![charge("records", 10, 1)]);
        let mut durable = audit.intend(intent(), Effects::default()).await.unwrap();
        {
            // While somebody else writes, nothing becomes durable: so it is still open when it is given up.
            let mut other = Store::open(&bench.path()).await.unwrap().writer().await.unwrap();
            let held = other.begin("held").await.unwrap();
            let records = disclosure(vec![record("licensing-b", "x")]);
            let seal = audit.seal(&mut durable, nothing(), records, effects());
            let gone = tokio::time::timeout(std::time::Duration::ZERO, seal).await;
            assert!(gone.is_err(), "it was durable although nothing could be");
            held.rollback().await.unwrap();
        }
        if then_go_on {
            let records = disclosure(vec![record("licensing-b", "y")]);
            audit.seal(&mut durable, nothing(), records, effects()).await.unwrap();
            assert_eq!(durable.batches(), 2);
        }
        audit.conclude(&durable, Outcome { ending: Ending::Cut, ..outcome() }).await;
    }
    while audit.checkpoint().await.size < 7 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    audit.close().await;
    assert_eq!(audit.lost_outcomes(), 0);
    let report = bench.verify(&Outside::default()).await;
    assert!(report.sound(), "{:?}", report.faults);
    assert_eq!((report.kinds, report.open_exchanges), ([2, 3, 2, 0, 0], 0));
}

pub(super) async fn until_healthy(audit: &Audit) {
    for _ in 0..200 {
        if audit.healthy() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the log did not recover");
}
