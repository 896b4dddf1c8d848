//! Distinct subjects: counted exactly, without storing who, and gone when their window ends.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn subject(number: u8) -> Digest {
    Digest::of(&[number])
}

fn meeting(key: &str, limit: u64, numbers: &[u8]) -> Effects {
    let subjects = numbers.iter().map(|number| subject(*number)).collect();
    let met = SubjectCharge { charge: charge(key, limit, 0), subjects };
    Effects { subjects: vec![met], ..Effects::default() }
}

async fn meet(audit: &Audit, effects: Effects) -> Result<(), CommitError> {
    audit.intend(intent(), effects).await.map(drop)
}

/// What is met: budget, subjects, in a later window, and records that cost too.
type Step = (bool, Vec<u8>, bool, u64);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec((any::<bool>(), vec(0_u8..12, 0..5), proptest::bool::weighted(0.2), 0_u64..4), 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    /// A set per budget and window is the model: all of a step or nothing of it.
    #[test]
    fn budgets_of_subjects_do_as_sets_do(steps in steps(), at_once in any::<bool>()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            let audit = bench.open().await;
            let (subject_limit, record_limit) = (8, 20);
            let mut sets: BTreeMap<(&str, bool), BTreeSet<u8>> = BTreeMap::new();
            let mut records = 0;
            let mut asked = vec![];
            for (other, numbers, later, amount) in &steps {
                let key = if *other { "subjects-b" } else { "subjects-a" };
                let mut effects = meeting(key, subject_limit, numbers);
                let own = &mut effects.subjects[0].charge;
                if *later {
                    own.window_start = own.window_end;
                    own.window_end = Moment(own.window_start.0 + 3_600_000);
                }
                effects.charges.push(charge("records", record_limit, *amount));
                let mut set = sets.get(&(key, *later)).cloned().unwrap_or_default();
                set.extend(numbers);
                let fits = set.len() as u64 <= subject_limit
                    && (*amount == 0 || records + amount <= record_limit);
                // One that meets nobody new costs nothing, though nothing is left.
                if fits {
                    records += amount;
                    sets.insert((key, *later), set);
                }
                asked.push((effects, fits));
            }
            // In one group or one after the other: the order is that of the queue.
            if at_once {
                let results = asked.iter().map(|(effects, _)| meet(&audit, effects.clone()));
                let results = futures::future::join_all(results).await;
                for (result, (_, fits)) in results.iter().zip(&asked) {
                    assert_eq!(result.is_ok(), *fits, "{result:?}");
                }
            } else {
                for (effects, fits) in &asked {
                    let result = meet(&audit, effects.clone()).await;
                    assert_eq!(result.is_ok(), *fits, "{result:?}");
                }
            }
            for ((key, later), set) in &sets {
                let start = if *later { Moment(NOON.0 + 3_600_000) } else { NOON };
                assert_eq!(audit.budget_used(key, start).await.unwrap(), set.len() as u64);
            }
            assert_eq!(audit.budget_used("records", NOON).await.unwrap(), records);
            audit.close().await;
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_of_subjects_is_exact_under_64_parallel_tasks() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let tasks: Vec<_> = (0..64_u8)
        .map(|task| {
            let audit = audit.clone();
            tokio::spawn(async move {
                let mut met = BTreeSet::new();
                for step in 0..10_u8 {
                    // Neighbours meet the same ones.
                    let number = task.wrapping_mul(3).wrapping_add(step);
                    match meet(&audit, meeting("subjects", 100, &[number])).await {
                        Ok(()) => met.extend([number]),
                        Err(error) => assert_eq!(error.reason(), "BUDGET_EXHAUSTED"),
                    }
                }
                met
            })
        })
        .collect();
    let mut met = BTreeSet::new();
    for task in tasks {
        met.extend(task.await.unwrap());
    }
    assert_eq!(met.len(), 100);
    assert_eq!(audit.budget_used("subjects", NOON).await.unwrap(), 100);
}

#[tokio::test]
async fn subjects_survive_a_restart_and_go_with_their_window() {
    let bench = Bench::new();
    let audit = bench.open().await;
    meet(&audit, meeting("subjects", 3, &[1, 2])).await.unwrap();
    audit.close().await;
    let audit = bench.open().await;
    meet(&audit, meeting("subjects", 3, &[1, 2, 3])).await.unwrap();
    assert!(meet(&audit, meeting("subjects", 3, &[4])).await.is_err());
    meet(&audit, meeting("subjects", 3, &[3])).await.unwrap();
    let left = async || {
        let bytes = std::fs::read(bench.path()).unwrap();
        let store = Store::open_read_only(&bench.path()).await.unwrap();
        let of = charge("subjects", 3, 0);
        let marks: Vec<_> =
            (1..=4).map(|number| audit.shared.marker.subject(&of, &subject(number))).collect();
        let met = store.read("left").await.unwrap().subjects_met(&marks).await.unwrap().len();
        store.close().await;
        let plain = bytes.windows(32).any(|window| window == subject(1).0);
        (met, plain)
    };
    assert_eq!(left().await, (3, false), "marks only, nothing that can be guessed at");
    bench.clock.set(Moment(NOON.0 + 3_599_999));
    audit.forget_subjects().await.unwrap();
    assert_eq!(left().await.0, 3);
    bench.clock.set(Moment(NOON.0 + 3_600_000));
    audit.forget_subjects().await.unwrap();
    assert_eq!(left().await.0, 0);
    // A mark of one budget or window is none of another.
    let (one, mut later) = (charge("a", 1, 0), charge("a", 1, 0));
    later.window_start = later.window_end;
    let marker = &audit.shared.marker;
    let marks: BTreeSet<_> = [&one, &charge("b", 1, 0), &later]
        .into_iter()
        .map(|charge| marker.subject(charge, &subject(1)))
        .collect();
    assert_eq!(marks.len(), 3);
}

#[tokio::test]
async fn tells_how_many_records_a_budget_of_subjects_covers() {
    let bench = Bench::new();
    let audit = bench.open().await;
    meet(&audit, meeting("subjects", 4, &[1, 2])).await.unwrap();
    let of = charge("subjects", 4, 0);
    let records = |all: &[&[u8]]| -> Vec<Vec<Digest>> {
        all.iter().map(|one| one.iter().map(|number| subject(*number)).collect()).collect()
    };
    for (all, covered) in [
        (&[&[1_u8][..], &[2], &[1, 2]][..], 3),
        (&[&[3], &[3], &[4], &[1], &[5]], 4),
        (&[&[3, 4, 5], &[1]], 0),
        (&[], 0),
    ] {
        assert_eq!(audit.subjects_cover(&of, &records(all)).await.unwrap(), covered, "{all:?}");
    }
}

#[tokio::test]
async fn a_retry_meets_the_same_subjects_for_nothing_and_pays_for_others() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let attempt = async |numbers: &[u8]| {
        let idempotency = Some(Idempotency::of("spiffe://a", "key", Digest::of(b"query")));
        let begin = Effects { idempotency, ..Effects::default() };
        let mut durable = audit.intend(intent(), begin).await.unwrap();
        let effects = meeting("subjects", 3, numbers);
        audit.seal(&mut durable, nothing(), disclosure(vec![]), effects).await.map(drop)
    };
    attempt(&[1, 2]).await.unwrap();
    attempt(&[1, 2]).await.unwrap();
    assert_eq!(audit.budget_used("subjects", NOON).await.unwrap(), 2);
    attempt(&[2, 3]).await.unwrap();
    assert_eq!(audit.budget_used("subjects", NOON).await.unwrap(), 3);
    assert!(attempt(&[4]).await.is_err(), "its key pays for what it met, not for others");
    let idempotency = Idempotency::of("spiffe://a", "key", Digest::of(b"query"));
    let of = charge("subjects", 3, 0);
    assert_eq!(audit.budget_left(&of, None).await.unwrap(), 0);
    assert_eq!(audit.budget_left(&of, Some(&idempotency)).await.unwrap(), 3, "it is let in");
}
