//! The index of recipients: what it says is what a search of the whole log says, whatever was merged, killed, or
//! altered meanwhile.

use std::collections::HashSet;
use std::process::Stdio;
use std::time::Duration;

use proptest::prelude::*;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

use super::super::recipients::{
    FullSearch, IndexError, Recipients, RecipientsOf, Tuning, compare, full_search, index_key,
    open_found, search,
};
use super::super::verify::Fault;
use super::*;

/// Everything is merged soon.
const SMALL: Tuning = Tuning { tail_entries: 4, tail_records: 64, page: 3, fan: 2 };

fn id(number: u64) -> Vec<u8> {
    Digest::of(&number.to_be_bytes()).0[..16].to_vec()
}

fn disclosed(originator: &str, number: u64) -> DisclosedRecord {
    DisclosedRecord { opaque_id: id(number).into(), ..record(originator, "content") }
}

async fn open(bench: &Bench, tuning: Tuning) -> Audit {
    let store = Store::open(&bench.path()).await.unwrap();
    let clock = bench.clock.clone();
    Audit::open_with(store, bench.keys(), clock, Scrub::default(), tuning).await.unwrap()
}

/// One exchange with a batch of these records.
async fn disclose(audit: &Audit, records: Vec<DisclosedRecord>) -> u64 {
    let mut durable = audit.intend(intent(), Effects::default()).await.unwrap();
    let sealed = audit.seal(&mut durable, nothing(), disclosure(records), Effects::default()).await;
    let index = sealed.unwrap().index();
    audit.conclude(&durable, outcome()).await;
    index
}

fn of(originator: &str, number: u64) -> RecipientsOf {
    RecipientsOf {
        originator: originator.into(),
        opaque_id: id(number),
        from: 0,
        limit: usize::MAX,
    }
}

fn entries(found: &Recipients) -> Vec<u64> {
    found.found.iter().map(|one| one.index).collect()
}

/// As a gateway says it, page by page.
async fn said(audit: &Audit, originator: &str, number: u64, page: usize) -> Vec<u64> {
    let mut of = RecipientsOf { limit: page, ..of(originator, number) };
    let mut all = Vec::new();
    loop {
        let found = audit.recipients(&of).await.unwrap();
        assert!(found.found.len() <= page);
        all.extend(entries(&found));
        match found.next {
            Some(next) => of.from = next,
            None => return all,
        }
    }
}

/// As an originator reads it from the file with its own key: index, full search, and where they differ.
async fn read(
    bench: &Bench,
    key: &str,
    party: Party,
    of: &RecipientsOf,
) -> (Result<Vec<u64>, IndexError>, FullSearch, Result<(Vec<u64>, Vec<u64>), IndexError>) {
    let store = Store::open_read_only(&bench.path()).await.unwrap();
    let unsealer = Unsealer::new(party.clone(), bench.key(key)).unwrap();
    learn_epochs(&store, &unsealer).await.unwrap();
    let own = index_key(&store, &party, &bench.key(key), &of.originator).await.unwrap().unwrap();
    let index = search(&store, &own, Some(&unsealer), of).await.map(|found| entries(&found));
    let full = full_search(&store, &unsealer, &of.originator, &of.opaque_id, 0).await.unwrap();
    let differs = compare(&store, &own, &of.originator, &of.opaque_id, &full).await;
    store.close().await;
    (index, full, differs)
}

/// Index and full search say these entries, with the originator's key and with the auditor's.
async fn assert_all_say(bench: &Bench, originator: &str, number: u64, wanted: &[u64]) {
    let of = of(originator, number);
    for (key, party) in
        [(originator, Party::Agency(originator.into())), ("gateway", Party::Gateway)]
    {
        let (index, full, differs) = read(bench, key, party, &of).await;
        assert_eq!(index.unwrap(), wanted, "the index, with the key of {key}");
        let full: Vec<u64> = full.found.iter().map(|one| one.index).collect();
        assert_eq!(full, wanted, "the whole log, with the key of {key}");
        assert_eq!(differs.unwrap(), (vec![], vec![]));
    }
}

async fn number(bench: &Bench, text: &'static str) -> u64 {
    let mut db = SqliteConnection::connect(bench.path().to_str().unwrap()).await.unwrap();
    let row = sqlx::query(text).fetch_one(&mut db).await.unwrap();
    u64::try_from(row.get::<i64, _>(0)).unwrap()
}

async fn sql(bench: &Bench, text: &str) -> u64 {
    let mut db = SqliteConnection::connect(bench.path().to_str().unwrap()).await.unwrap();
    let done = sqlx::query(AssertSqlSafe(text.to_owned())).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    done.rows_affected()
}

/// Waits until nothing is due any more.
async fn merged(bench: &Bench, tuning: Tuning) {
    for _ in 0..400 {
        let store = Store::open_read_only(&bench.path()).await.unwrap();
        let mut tx = store.read("test").await.unwrap();
        let tail = tx.full_tail(u64::from(tuning.tail_entries), tuning.tail_records as u64, &[]);
        let due = tail.await.unwrap().is_some()
            || !tx.runs_due(tuning.fan, &[]).await.unwrap().is_empty();
        drop(tx);
        store.close().await;
        if !due {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the merge does not come to an end");
}

#[tokio::test]
async fn an_originator_is_told_who_received_its_record_and_nobody_else_is() {
    let bench = Bench::new();
    let audit = bench.open().await;
    // A batch of two originators that happen to have a record of one id.
    let both = vec![disclosed("licensing-b", 1), disclosed("coastguard-c", 1)];
    let first = disclose(&audit, both).await;
    let second =
        disclose(&audit, vec![disclosed("licensing-b", 2), disclosed("licensing-b", 1)]).await;
    let other = disclose(&audit, vec![disclosed("licensing-b", 3)]).await;
    assert_eq!(said(&audit, "licensing-b", 1, 100).await, [first, second]);
    assert_eq!(said(&audit, "licensing-b", 1, 1).await, [first, second], "paged");
    assert_eq!(said(&audit, "coastguard-c", 1, 100).await, [first]);
    assert_eq!(said(&audit, "licensing-b", 3, 100).await, [other]);
    // A fingerprint is short: what it leads to is told only if its commitment is the record's.
    let mut tx = audit.shared.store.read("test").await.unwrap();
    let (unsealer, named) = (audit.shared.unsealer.as_ref(), [first, second, other]);
    let opened =
        open_found(&mut tx, unsealer, &"licensing-b".into(), &id(1), &named).await.unwrap();
    let opened: Vec<u64> = opened.iter().map(|one| one.index).collect();
    assert_eq!(opened, [first, second]);
    drop(tx);
    for stranger in ["coastguard-c", "customs-a", "stranger"] {
        assert!(said(&audit, stranger, 2, 100).await.is_empty(), "{stranger}");
    }
    assert!(said(&audit, "licensing-b", 4, 100).await.is_empty(), "never disclosed");

    let found = audit.recipients(&of("licensing-b", 2)).await.unwrap();
    let one = &found.found[0];
    let received = one.received.as_ref().unwrap();
    let asked = received.intent.as_ref().unwrap();
    assert_eq!((one.requester.as_str(), one.batch, one.at), ("customs-a", 0, NOON));
    assert_eq!(asked.requester, requester());
    assert_eq!(
        (asked.purpose, asked.case.clone()),
        (Purpose::Investigation, Some("case-7".into()))
    );
    assert!(!received.officer_proven);
    assert_eq!(received.commitment.plan, Digest::of(b"plan"));
    audit.close().await;
    let audit = bench.open().await;
    let again = audit.recipients(&of("licensing-b", 2)).await.unwrap();
    assert_eq!(again.found[0].ending, Some(Ending::Complete));
    audit.close().await;
    assert_all_say(&bench, "licensing-b", 1, &[first, second]).await;
    assert_all_say(&bench, "coastguard-c", 1, &[first]).await;
    assert!(bench.verify(&Outside::default()).await.sound());
}

#[tokio::test]
async fn a_gateway_without_its_audit_key_tells_what_the_leaves_say() {
    let bench = Bench::new();
    let store = Store::open(&bench.path()).await.unwrap();
    let keys = AuditKeys { gateway_private: None, ..bench.keys() };
    let audit = Audit::open(store, keys, bench.clock.clone()).await.unwrap();
    let index = disclose(&audit, vec![disclosed("licensing-b", 1)]).await;
    let found = audit.recipients(&of("licensing-b", 1)).await.unwrap().found;
    assert_eq!((found[0].index, found[0].requester.as_str()), (index, "customs-a"));
    assert_eq!(found[0].received, None);
    audit.close().await;
}

/// Merged over several levels, with the log going on; after a restart the same.
#[tokio::test(flavor = "multi_thread")]
async fn merging_changes_no_answer() {
    let bench = Bench::new();
    let audit = open(&bench, SMALL).await;
    let mut wanted = Vec::new();
    for round in 0..120_u64 {
        let mut records = vec![disclosed("licensing-b", 1000 + round)];
        if round % 3 == 0 {
            records.push(disclosed("licensing-b", 7));
        }
        if round % 10 == 0 {
            records.push(disclosed("coastguard-c", 7));
        }
        let index = disclose(&audit, records).await;
        wanted.extend((round % 3 == 0).then_some(index));
        if round % 20 == 19 {
            assert_eq!(said(&audit, "licensing-b", 7, 5).await, wanted, "round {round}");
        }
    }
    merged(&bench, SMALL).await;
    assert_eq!(said(&audit, "licensing-b", 7, 100).await, wanted);
    let runs = number(&bench, "SELECT max(level) FROM recipient_run").await;
    assert!(runs >= 3, "{runs} levels");
    let tail = number(&bench, "SELECT count(*) FROM recipient_tail").await;
    assert!(tail < 8, "{tail} left in the tail");
    audit.close().await;
    assert_all_say(&bench, "licensing-b", 7, &wanted).await;
    let audit = open(&bench, SMALL).await;
    assert_eq!(said(&audit, "licensing-b", 7, 7).await, wanted);
    audit.close().await;
    assert!(bench.verify(&Outside::default()).await.sound());
    let orphans = number(
        &bench,
        "SELECT count(*) FROM recipient_page WHERE id / 16777216 NOT IN (SELECT id FROM recipient_run)",
    );
    assert_eq!(orphans.await, 0);
}

/// What a merge had written when it was cut short is swept away, and merged again.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_merge_that_was_cut_short_are_swept() {
    let bench = Bench::new();
    let audit = open(&bench, Tuning::default()).await;
    let mut wanted = Vec::new();
    for _ in 0..10 {
        wanted.push(disclose(&audit, vec![disclosed("licensing-b", 7)]).await);
    }
    audit.close().await;
    let cut = "INSERT INTO recipient_page (id, sealed) VALUES \
               (16777216, randomblob(70)), (16777217, randomblob(70))";
    assert_eq!(sql(&bench, cut).await, 2);
    sql(&bench, "UPDATE recipient_state SET next_run = 2").await;
    let audit = open(&bench, SMALL).await;
    merged(&bench, SMALL).await;
    assert_eq!(said(&audit, "licensing-b", 7, 100).await, wanted);
    audit.close().await;
    assert_eq!(number(&bench, "SELECT count(*) FROM recipient_page WHERE id < 33554432").await, 0);
    assert!(bench.verify(&Outside::default()).await.sound());
}

/// An index that was altered does not answer, or a full search and the count tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_index_is_found() {
    let merged_store = async || {
        let bench = Bench::new();
        let audit = open(&bench, SMALL).await;
        let mut wanted = Vec::new();
        for _ in 0..7 {
            wanted.push(disclose(&audit, vec![disclosed("licensing-b", 7)]).await);
        }
        merged(&bench, SMALL).await;
        audit.close().await;
        (bench, wanted)
    };
    let flip =
        |column: &str| format!("unhex(substr(hex({column}), 3) || substr(hex({column}), 1, 2))");
    let altered = [
        format!("UPDATE recipient_tail SET sealed = {}", flip("sealed")),
        format!("UPDATE recipient_page SET sealed = {}", flip("sealed")),
        format!("UPDATE recipient_run SET fences = {}", flip("fences")),
        "UPDATE recipient_run SET last_idx = last_idx + 1".to_owned(),
        "DELETE FROM recipient_page".to_owned(),
    ];
    for text in &altered {
        let (bench, wanted) = merged_store().await;
        assert!(sql(&bench, text).await > 0, "{text}");
        let of = of("licensing-b", 7);
        let (index, full, differs) =
            read(&bench, "licensing-b", Party::Agency("licensing-b".into()), &of).await;
        assert!(matches!(index, Err(IndexError::Altered)), "{text}: {index:?}");
        assert!(matches!(differs, Err(IndexError::Altered)), "{text}");
        assert_eq!(full.found.len(), wanted.len(), "the log itself still tells");
        let audit = open(&bench, SMALL).await;
        let answer = audit.recipients(&of).await.unwrap_err();
        assert_eq!(answer, CommitError::LogUnavailable { cause: "RECIPIENTS_ALTERED" }, "{text}");
        // Whoever discloses is not held up by it.
        disclose(&audit, vec![disclosed("licensing-b", 8)]).await;
        audit.close().await;
    }
    // What is taken away whole does not show in what is left: the count does, and the full search.
    for (text, missing) in [
        ("DELETE FROM recipient_tail", 3),
        ("DELETE FROM recipient_run", 4),
        ("DELETE FROM recipient_tail WHERE idx = (SELECT max(idx) FROM recipient_tail)", 1),
    ] {
        let (bench, wanted) = merged_store().await;
        assert!(sql(&bench, text).await > 0, "{text}");
        let of = of("licensing-b", 7);
        let (index, full, differs) =
            read(&bench, "licensing-b", Party::Agency("licensing-b".into()), &of).await;
        assert_eq!(index.unwrap().len(), wanted.len() - missing, "{text}");
        assert_eq!(full.found.len(), wanted.len());
        let (missed, added) = differs.unwrap();
        assert_eq!((missed.len(), added), (missing, vec![]), "{text}");
        let report = bench.verify(&Outside::default()).await;
        let wanted = Fault::Recipients {
            agency: "licensing-b".to_owned(),
            wanted: 7,
            found: 7 - missing as u64,
        };
        assert_eq!(report.faults, [wanted], "{text}");
    }
    // A fingerprint moved to another entry does not open there.
    let (bench, _) = merged_store().await;
    let moved =
        "UPDATE recipient_tail SET idx = idx - 1 WHERE idx = (SELECT min(idx) FROM recipient_tail)";
    assert_eq!(sql(&bench, moved).await, 1);
    let of = of("licensing-b", 7);
    let (index, ..) = read(&bench, "licensing-b", Party::Agency("licensing-b".into()), &of).await;
    assert!(matches!(index, Err(IndexError::Altered)));
}

/// A store from before there was an index says from where on it is complete; a full search finds what came before.
#[tokio::test]
async fn an_older_store_says_where_its_index_begins() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let before = disclose(&audit, vec![disclosed("licensing-b", 7)]).await;
    audit.close().await;
    // As the migration leaves it.
    sql(&bench, "DELETE FROM recipient_tail").await;
    sql(&bench, "UPDATE recipient_state SET complete_from = (SELECT max(idx) + 1 FROM log_entry)")
        .await;
    let audit = bench.open().await;
    let begins = audit.checkpoint().await.size;
    let after = disclose(&audit, vec![disclosed("licensing-b", 7)]).await;
    let found = audit.recipients(&of("licensing-b", 7)).await.unwrap();
    assert_eq!((entries(&found), found.complete_from), (vec![after], begins));
    audit.close().await;
    let of = of("licensing-b", 7);
    let (_, full, differs) =
        read(&bench, "licensing-b", Party::Agency("licensing-b".into()), &of).await;
    let all: Vec<u64> = full.found.iter().map(|one| one.index).collect();
    assert_eq!(all, [before, after]);
    assert_eq!(differs.unwrap(), (vec![], vec![]), "what came before is no difference");
    let report = bench.verify(&Outside::default()).await;
    assert!(report.sound() && report.recipients_from == Some(begins), "{:?}", report.faults);
}

/// The tables as they were before the index, with a log in them: the migration says what it cannot know.
#[tokio::test]
async fn the_migration_of_a_store_with_entries_leaves_no_silent_hole() {
    let bench = Bench::new();
    let audit = bench.open().await;
    disclose(&audit, vec![disclosed("licensing-b", 7)]).await;
    let size = audit.checkpoint().await.size;
    audit.close().await;
    for text in include_str!("../../../migrations/sqlite/0006_recipients.down.sql").lines() {
        sql(&bench, text).await;
    }
    sql(&bench, "DELETE FROM _sqlx_migrations WHERE version = 6").await;
    assert!(bench.verify(&Outside::default()).await.recipients_from.is_none());
    let audit = bench.open().await;
    let found = audit.recipients(&of("licensing-b", 7)).await.unwrap();
    assert!(found.found.is_empty());
    assert!(found.complete_from > 0 && found.complete_from >= size - 1, "{}", found.complete_from);
    audit.close().await;
    assert!(bench.verify(&Outside::default()).await.sound());
}

/// Whoever has the store alone can neither find a record nor see that two entries disclose the same one.
#[tokio::test(flavor = "multi_thread")]
async fn the_store_alone_links_nothing() {
    let bench = Bench::new();
    let audit = open(&bench, Tuning { page: 1, ..SMALL }).await;
    for _ in 0..9 {
        disclose(&audit, vec![disclosed("licensing-b", 7)]).await;
    }
    merged(&bench, SMALL).await;
    audit.close().await;
    let mut db = SqliteConnection::connect(bench.path().to_str().unwrap()).await.unwrap();
    let rows = sqlx::query(
        "SELECT sealed FROM recipient_tail UNION ALL SELECT sealed FROM recipient_page \
         UNION ALL SELECT fences FROM recipient_run",
    );
    let rows = rows.fetch_all(&mut db).await.unwrap();
    let mut stretches = HashSet::new();
    let mut count = 0;
    for row in rows {
        let sealed: Vec<u8> = row.get(0);
        for stretch in sealed.windows(6) {
            stretches.insert(stretch.to_vec());
            count += 1;
        }
    }
    assert!(count > 300, "{count}");
    assert_eq!(stretches.len(), count, "no six bytes stand twice");
    let key = bench.keys().signer.derive(b"portcullis recipients v1");
    let store = std::fs::read(bench.path()).unwrap();
    let hidden = [id(7), key.to_vec(), hex::encode(id(7)).into_bytes()];
    assert!(hidden.iter().all(|one| !store.windows(one.len()).any(|window| window == one)));
    // Another agency's key opens nobody else's part.
    let store = Store::open_read_only(&bench.path()).await.unwrap();
    let thief = Party::Agency("coastguard-c".into());
    let (key, agency) = (bench.key("coastguard-c"), "coastguard-c".into());
    let own = index_key(&store, &thief, &key, &agency).await.unwrap().unwrap();
    let stolen = search(&store, &own, None, &of("licensing-b", 7)).await;
    assert!(matches!(stolen, Err(IndexError::Altered)), "{stolen:?}");
    let none = index_key(&store, &thief, &bench.key("stranger"), &"coastguard-c".into()).await;
    assert!(none.unwrap().is_none());
}

/// Killed in the middle of merging, again and again: the index says what the log says.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_is_killed_loses_nothing() {
    let bench = Bench::new();
    for round in 0..6_u64 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "audit::tests::recipients::child_that_is_killed", "--ignored"])
            .env("PORTCULLIS_TEST_STORE", bench.dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let before = if round == 0 { 0 } else { number(&bench, LAST).await };
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if bench.path().exists() && last(&bench).await >= before + 60 + round {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(number(&bench, LAST).await >= before + 60, "round {round}: it did not run");
        let audit = open(&bench, SMALL).await;
        merged(&bench, SMALL).await;
        let wanted = said(&audit, "licensing-b", 7, 100).await;
        audit.close().await;
        assert_all_say(&bench, "licensing-b", 7, &wanted).await;
        let report = bench.verify(&Outside::default()).await;
        assert!(report.sound(), "round {round}: {:?}", report.faults);
        assert!(wanted.len() as u64 >= 10 * (round + 1), "round {round}: {}", wanted.len());
    }
}

const LAST: &str = "SELECT coalesce(max(idx), 0) FROM log_entry";

/// As [`number`], of a store that another process may be making just now.
async fn last(bench: &Bench) -> u64 {
    let Ok(store) = Store::open_read_only(&bench.path()).await else { return 0 };
    let Ok(mut tx) = store.read("test").await else { return 0 };
    tx.head().await.map_or(0, |(size, _)| size.saturating_sub(1))
}

/// Appends until it is killed; see the test before.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a process of its own, started by the test that kills it"]
async fn child_that_is_killed() {
    let Some(dir) = std::env::var_os("PORTCULLIS_TEST_STORE") else { return };
    let dir = std::path::PathBuf::from(dir);
    let key = |name: &str| SealPrivateKey::read(&dir.join(format!("{name}.key"))).unwrap();
    let keys = AuditKeys {
        signer: read_log_key(&dir.join("log.key"), ORIGIN).unwrap(),
        gateway: key("gateway").public().unwrap(),
        gateway_private: None,
        agencies: AGENCIES
            .iter()
            .map(|name| (AgencyId::new(name), key(name).public().unwrap()))
            .collect(),
    };
    let store = Store::open(&dir.join("store.db")).await.unwrap();
    let clock = Clock::manual(NOON);
    let audit = Audit::open_with(store, keys, clock, Scrub::default(), SMALL).await.unwrap();
    for number in 0..1_000_000_u64 {
        let records = vec![disclosed("licensing-b", 7), disclosed("licensing-b", 100 + number)];
        disclose(&audit, records).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Any log, any tuning: the index says of every record what the whole log says.
    #[test]
    fn the_index_says_what_the_log_says(
        batches in proptest::collection::vec(
            proptest::collection::btree_set((0_u64..12, any::<bool>()), 1..6), 1..40),
        tail_entries in 1_u32..9,
        page in 1_usize..6,
        fan in 2_u32..4,
        tail_records in 1_usize..20,
    ) {
        let tuning = Tuning { tail_entries, tail_records, page, fan };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            let audit = open(&bench, tuning).await;
            let names = ["licensing-b", "coastguard-c"];
            let mut wanted = std::collections::BTreeMap::<(usize, u64), Vec<u64>>::new();
            for batch in &batches {
                let records = batch.iter().map(|(n, first)| disclosed(names[usize::from(*first)], *n));
                let index = disclose(&audit, records.collect()).await;
                for (n, first) in batch {
                    wanted.entry((usize::from(*first), *n)).or_default().push(index);
                }
            }
            for (at, name) in names.into_iter().enumerate() {
                for n in 0..12 {
                    let expected = wanted.get(&(at, n)).cloned().unwrap_or_default();
                    let said = said(&audit, name, n, 3).await;
                    assert_eq!(said, expected, "{name} {n}");
                }
            }
            audit.close().await;
            for n in [0, 5, 11] {
                let expected = wanted.get(&(0, n)).cloned().unwrap_or_default();
                assert_all_say(&bench, names[0], n, &expected).await;
            }
            assert!(bench.verify(&Outside::default()).await.sound());
        });
    }
}
