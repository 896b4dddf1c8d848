//! A thousand ways to tamper with a store, found by an outsider who has the store, the log's public key and
//! one old checkpoint, and nothing else.

use std::collections::HashSet;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand_like::Dice;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

use super::super::verify::{Fault, parse_receipt, receipt_json};
use super::*;
use crate::command::audit::{AuditArgs, run};

/// Seeded dice, from the generator that proptest brings.
mod rand_like {
    use super::{Config, RngAlgorithm, TestRng, TestRunner};
    use proptest::strategy::{Strategy as _, ValueTree as _};

    pub struct Dice(TestRunner);

    impl Dice {
        pub fn new(seed: u8) -> Self {
            let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
            Self(TestRunner::new_with_rng(Config::default(), rng))
        }

        /// From 0 up to, not including, `below`.
        pub fn roll(&mut self, below: u64) -> u64 {
            (0..below).new_tree(&mut self.0).unwrap().current()
        }
    }
}

struct Scene {
    bench: Bench,
    /// Stores at earlier moments, with their sizes.
    earlier: Vec<(PathBuf, u64)>,
    kept: Checkpoint,
    outside: Outside,
}

async fn scene() -> Scene {
    let bench = Bench::new();
    let mut earlier = Vec::new();
    let mut kept = None;
    for day in 0..6 {
        let audit = bench.open().await;
        futures::future::join_all((0..10).map(|_| exchange(&audit))).await;
        futures::future::join_all((0..20).map(|_| audit.deny(denial()))).await;
        audit.close().await;
        let size = audit.checkpoint().await.size;
        settle(&bench.path()).await;
        if day < 4 {
            let copy = bench.dir.path().join(format!("day-{day}.db"));
            std::fs::copy(bench.path(), &copy).unwrap();
            earlier.push((copy, size));
        }
        if day == 4 {
            kept = Some(audit.checkpoint().await);
        }
    }
    let kept = kept.unwrap();
    let outside = Outside { checkpoints: vec![kept.note.clone()], receipt: None };
    Scene { bench, earlier, kept, outside }
}

/// Brings what still stands in the write-ahead log into the file, so that a copy of it is whole: when the
/// last reader of a closed store lets go is not ours to say.
async fn settle(path: &Path) {
    let mut db = connect(path).await;
    let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut db).await.unwrap();
    assert_eq!(row.get::<i64, _>(0), 0, "somebody still reads the store");
    db.close().await.unwrap();
}

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnection::connect(path.to_str().unwrap()).await.unwrap()
}

async fn sql(connection: &mut SqliteConnection, text: String) -> u64 {
    sqlx::query(AssertSqlSafe(text)).execute(connection).await.unwrap().rows_affected()
}

async fn number(connection: &mut SqliteConnection, text: &'static str) -> u64 {
    let row = sqlx::query(text).fetch_one(connection).await.unwrap();
    u64::try_from(row.get::<i64, _>(0)).unwrap()
}

/// One row edited, taken away or added, by someone without the log's key.
async fn edit(path: &Path, dice: &mut Dice) -> String {
    let mut db = connect(path).await;
    let size = number(&mut db, "SELECT count(*) FROM log_entry").await;
    let at = dice.roll(size);
    let flip = |column: &str, length: u64, dice: &mut Dice| {
        let (place, bit) = (dice.roll(length) + 1, 1 << dice.roll(8));
        let byte = format!("substr(hex({column}), 2 * {place} - 1, 2)");
        let value = format!(
            "(instr('0123456789ABCDEF', substr({byte}, 1, 1)) - 1) * 16 \
             + instr('0123456789ABCDEF', substr({byte}, 2, 1)) - 1"
        );
        let flipped = format!("(({value}) | {bit}) - (({value}) & {bit})");
        format!(
            "unhex(substr(hex({column}), 1, 2 * {place} - 2) || printf('%02X', {flipped}) \
             || substr(hex({column}), 2 * {place} + 1))"
        )
    };
    let text = match dice.roll(16) {
        0 | 1 => {
            format!("UPDATE log_entry SET leaf = {} WHERE idx = {at}", flip("leaf", 100, dice))
        }
        2 | 3 => {
            format!("UPDATE log_body SET sealed = {} WHERE idx = {at}", flip("sealed", 600, dice))
        }
        4 => format!("UPDATE log_entry SET kind = kind % 4 + 1 WHERE idx = {at}"),
        5 => format!("UPDATE log_entry SET at = at + {} WHERE idx = {at}", 1 + dice.roll(99)),
        6 => format!("UPDATE log_entry SET exchange = randomblob(16) WHERE idx = {at}"),
        7 => format!("DELETE FROM log_entry WHERE idx = {at}"),
        8 => format!("DELETE FROM log_body WHERE idx = {at}"),
        9 => format!("DELETE FROM log_party WHERE idx = {at}"),
        10 => format!("INSERT INTO log_party VALUES ('stranger', {at})"),
        11 => format!("UPDATE seal_epoch SET wrapped = {}", flip("wrapped", 80, dice)),
        12 => "DELETE FROM seal_epoch WHERE party = 'licensing-b'".to_owned(),
        13 => "UPDATE log_node SET hash = randomblob(32)".to_owned(),
        14 => "UPDATE log_head SET peaks = randomblob(length(peaks))".to_owned(),
        _ => "UPDATE log_checkpoint SET note = replace(note, '+', '/') || 'x' \
              WHERE size = (SELECT max(size) FROM log_checkpoint)"
            .to_owned(),
    };
    assert!(sql(&mut db, text.clone()).await > 0, "{text}");
    db.close().await.unwrap();
    text
}

/// A byte of a stored leaf or body flipped in the file itself.
async fn flip_in_file(path: &Path, dice: &mut Dice) -> String {
    let mut db = connect(path).await;
    let size = number(&mut db, "SELECT count(*) FROM log_entry").await;
    let at = dice.roll(size);
    let text = format!("SELECT leaf FROM log_entry WHERE idx = {at}");
    let row = sqlx::query(AssertSqlSafe(text)).fetch_one(&mut db).await.unwrap();
    let leaf: Vec<u8> = row.get(0);
    db.close().await.unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    let place = bytes.windows(leaf.len()).position(|window| window == leaf).unwrap();
    let place = place + usize::try_from(dice.roll(leaf.len() as u64)).unwrap();
    bytes[place] ^= 1 << dice.roll(8);
    std::fs::write(path, bytes).unwrap();
    format!("flip at byte {place}, in entry {at}")
}

/// The end cut off so that what is left fits together; needs no key.
async fn cut(path: &Path, scene: &Scene, dice: &mut Dice) -> String {
    let mut db = connect(path).await;
    let rows = sqlx::query("SELECT size FROM log_checkpoint WHERE size < ?1 ORDER BY size")
        .bind(i64::try_from(scene.kept.size).unwrap())
        .fetch_all(&mut db)
        .await
        .unwrap();
    let row = &rows[usize::try_from(dice.roll(rows.len() as u64)).unwrap()];
    let size: i64 = row.get(0);
    for table in ["log_entry", "log_body", "log_party", "recipient_tail"] {
        sql(&mut db, format!("DELETE FROM {table} WHERE idx >= {size}")).await;
    }
    sql(&mut db, format!("DELETE FROM log_checkpoint WHERE size > {size}")).await;
    mend(&mut db, None).await;
    format!("cut to {size}")
}

/// An entry replaced, and everything hashed and signed anew, by an insider with the log's key.
async fn rewrite(path: &Path, scene: &Scene, dice: &mut Dice) -> String {
    let mut db = connect(path).await;
    let rows = sqlx::query("SELECT idx, leaf FROM log_entry WHERE kind = 4 AND idx < ?1")
        .bind(i64::try_from(scene.kept.size).unwrap())
        .fetch_all(&mut db)
        .await
        .unwrap();
    let row = &rows[usize::try_from(dice.roll(rows.len() as u64)).unwrap()];
    let (index, leaf): (i64, Vec<u8>) = (row.get(0), row.get(1));
    let mut leaf = Leaf::decode(&leaf).unwrap();
    leaf.at = Moment(leaf.at.0 + 1);
    sqlx::query("UPDATE log_entry SET at = at + 1, leaf = ?1 WHERE idx = ?2")
        .bind(leaf.encode().unwrap())
        .bind(index)
        .execute(&mut db)
        .await
        .unwrap();
    mend(&mut db, Some(&scene.bench.keys().signer)).await;
    format!("rewrite entry {index}")
}

/// Makes tree, head, epochs and (with the key) checkpoints fit the entries again.
async fn mend(db: &mut SqliteConnection, signer: Option<&LogSigner>) {
    let rows = sqlx::query("SELECT leaf FROM log_entry ORDER BY idx").fetch_all(&mut *db).await;
    let mut forest = Forest::default();
    let mut roots = vec![tree::empty_root()];
    for row in rows.unwrap() {
        let hash = [tree::leaf_hash(&row.get::<Vec<u8>, _>(0))];
        let growth = forest.grow(&hash);
        forest.apply(growth, &hash);
        roots.push(forest.frontier().root());
    }
    let peaks: Vec<u8> = forest.frontier().peaks().iter().flat_map(|peak| peak.0).collect();
    let size = forest.size();
    sql(&mut *db, format!("UPDATE log_head SET size = {size}, peaks = x'{}'", hex::encode(peaks)))
        .await;
    sql(&mut *db, "DELETE FROM log_node".to_owned()).await;
    for node in forest.nodes() {
        let (level, position, hash) = (node.level, node.position, node.hash);
        sql(&mut *db, format!("INSERT INTO log_node VALUES ({level}, {position}, x'{hash}')"))
            .await;
    }
    let mut used = HashSet::new();
    for row in sqlx::query("SELECT sealed FROM log_body").fetch_all(&mut *db).await.unwrap() {
        let sealed: Vec<u8> = row.get(0);
        for part in seal::sealed_parts(&sealed).unwrap() {
            used.extend(part.readers.iter().map(|(_, id, _)| format!("x'{}'", hex::encode(id))));
        }
    }
    let used = used.into_iter().collect::<Vec<_>>().join(",");
    sql(&mut *db, format!("DELETE FROM seal_epoch WHERE id NOT IN ({used})")).await;
    if let Some(signer) = signer {
        for row in sqlx::query("SELECT size FROM log_checkpoint").fetch_all(&mut *db).await.unwrap()
        {
            let size: i64 = row.get(0);
            let root = roots[usize::try_from(size).unwrap()];
            let note = signer.sign(u64::try_from(size).unwrap(), root).note;
            sqlx::query("UPDATE log_checkpoint SET note = ?1 WHERE size = ?2")
                .bind(note)
                .bind(size)
                .execute(&mut *db)
                .await
                .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_edits_cuts_and_restores_are_found_with_an_old_checkpoint() {
    let scene = scene().await;
    let verifier = scene.bench.keys().signer.verifier().clone();
    let sound = scene.bench.verify(&scene.outside).await;
    assert!(sound.sound() && sound.size > 256, "{:?}", sound.faults);
    let mut dice = Dice::new(1);
    let (mut silent, mut words) = (0, HashSet::new());
    for round in 0..1000 {
        // A copy of its own each round: a connection that is still being closed writes into the last one's.
        let copy = scene.bench.dir.path().join(format!("tampered-{round}.db"));
        std::fs::copy(scene.bench.path(), &copy).unwrap();
        let what = match round % 10 {
            0 => cut(&copy, &scene, &mut dice).await,
            1 => rewrite(&copy, &scene, &mut dice).await,
            2 => {
                let at = usize::try_from(dice.roll(scene.earlier.len() as u64)).unwrap();
                let (path, size) = &scene.earlier[at];
                std::fs::copy(path, &copy).unwrap();
                format!("restore {size} entries")
            }
            3 => {
                let bytes = std::fs::read(&copy).unwrap();
                let keep = usize::try_from(dice.roll(bytes.len() as u64)).unwrap();
                std::fs::write(&copy, &bytes[..keep]).unwrap();
                format!("file cut to {keep} bytes")
            }
            4 | 5 => flip_in_file(&copy, &mut dice).await,
            _ => edit(&copy, &mut dice).await,
        };
        // What fits together in itself is found by nothing but the checkpoint kept outside.
        if round % 10 < 3 && round < 100 {
            let report = check(&copy, &verifier, &Outside::default()).await;
            assert!(report.sound(), "{what}: {:?}", report.faults);
            silent += 1;
        }
        let report = check(&copy, &verifier, &scene.outside).await;
        assert!(!report.sound(), "round {round}, not found: {what}");
        words.extend(report.faults.iter().map(Fault::word));
        for beside in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(format!("{}{beside}", copy.display()));
        }
    }
    assert_eq!(silent, 30);
    for word in ["LOG_ROLLED_BACK", "LOG_FORKED", "ENTRIES_ALTERED", "STORE_UNREADABLE"] {
        assert!(words.contains(word), "{word} never told");
    }
}

/// Yesterday's store goes on under the same key and grows past the checkpoint that was kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_that_outgrew_the_kept_checkpoint_is_found() {
    let scene = scene().await;
    let (path, _) = &scene.earlier[1];
    std::fs::copy(path, scene.bench.path()).unwrap();
    let audit = scene.bench.open().await;
    while audit.checkpoint().await.size <= scene.kept.size {
        futures::future::join_all((0..50).map(|_| audit.deny(denial()))).await;
    }
    audit.close().await;
    assert!(scene.bench.verify(&Outside::default()).await.sound());
    let report = scene.bench.verify(&scene.outside).await;
    assert_eq!(report.faults, [Fault::Forked { kept: scene.kept.size }]);
}

#[tokio::test]
async fn a_fault_names_the_entry() {
    let bench = Bench::new();
    let audit = bench.open().await;
    for _ in 0..8 {
        audit.deny(denial()).await.unwrap();
    }
    audit.close().await;
    let mut db = connect(&bench.path()).await;
    sql(
        &mut db,
        "UPDATE log_entry SET leaf = unhex(hex(substr(leaf, 1, 9)) || 'FF' || hex(substr(leaf, 11))) WHERE idx = 5"
            .to_owned(),
    )
    .await;
    db.close().await.unwrap();
    let report = bench.verify(&Outside::default()).await;
    let altered = Fault::Altered { from: 5, to: 5, size: 6 };
    assert!(report.faults.contains(&altered), "{:?}", report.faults);
    assert!(altered.to_string().contains("entries 5 to 5 were altered"));
}

/// The command, as a user calls it.
async fn portcullis(args: &[&str]) -> anyhow::Result<(bool, String)> {
    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: AuditArgs,
    }
    let words = ["audit"].iter().chain(args);
    let cli = <Cli as clap::Parser>::try_parse_from(words)?;
    let mut out = Vec::new();
    let sound = run(cli.args, &mut out).await?;
    Ok((sound, String::from_utf8(out).unwrap()))
}

#[tokio::test]
async fn the_command_verifies_receipts_and_lists_shares() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let durable = exchange(&audit).await;
    let receipt = audit.receipt(&durable).await.unwrap();
    let key = audit.verifier().to_string();
    audit.deny(denial()).await.unwrap();
    audit.close().await;
    assert_eq!(parse_receipt(&receipt_json(&receipt).to_string()), Some(receipt.clone()));
    let file = |name: &str, text: &str| {
        let path = bench.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let store = bench.path().to_str().unwrap().to_owned();
    let good = file("receipt.json", &receipt_json(&receipt).to_string());
    let kept = file("kept.txt", &receipt.checkpoint);
    let base = ["verify", "--store", &store, "--log-key", &key];
    let with = |more: &[&'static str], path: &str| {
        let mut args: Vec<String> = base.iter().map(|arg| (*arg).to_owned()).collect();
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        args.push(path.to_owned());
        args
    };
    async fn call(args: &[String]) -> anyhow::Result<(bool, String)> {
        portcullis(&args.iter().map(String::as_str).collect::<Vec<_>>()).await
    }
    let (sound, text) = call(&with(&["--receipt"], &good)).await.unwrap();
    assert!(sound && text.contains("holds the receipt's entry 2"), "{text}");
    let (sound, _) = call(&with(&["--json", "--checkpoint"], &kept)).await.unwrap();
    assert!(sound);
    let forged = LogProof { index: 1, ..receipt.clone() };
    let forged = file("forged.json", &receipt_json(&forged).to_string());
    let (sound, text) = call(&with(&["--receipt"], &forged)).await.unwrap();
    assert!(!sound && text.contains("WRONG RECEIPT_WRONG"), "{text}");
    let wrong = file("wrong.json", "{}");
    assert!(call(&with(&["--receipt"], &wrong)).await.is_err());
    let other = LogSigner::new(ORIGIN, &[9; 32]).unwrap().verifier().to_string();
    let (sound, text) =
        portcullis(&["verify", "--store", &store, "--log-key", &other]).await.unwrap();
    assert!(!sound && text.contains("CHECKPOINT_FORGED"), "{text}");
    assert!(portcullis(&["verify", "--store", "/nowhere", "--log-key", &key]).await.is_err());

    let (_, text) = portcullis(&["list", "--store", &store]).await.unwrap();
    assert!(text.contains("sealed") && !text.contains("case-7"), "{text}");
    let private = bench.dir.path().join("licensing-b.key");
    let mine = ["list", "--store", &store, "--agency", "licensing-b", "--key"];
    let args = [mine.as_slice(), &[private.to_str().unwrap()]].concat();
    let (_, text) = portcullis(&args).await.unwrap();
    assert!(text.contains("case-7") && text.contains("1 records of licensing-b"), "{text}");
    assert!(!text.contains("coastguard-c"), "{text}");
    let (_, text) = portcullis(&[args.as_slice(), &["--json"]].concat()).await.unwrap();
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    let stranger = bench.dir.path().join("stranger.key");
    let args = [mine.as_slice(), &[stranger.to_str().unwrap()]].concat();
    assert!(portcullis(&args).await.is_err());
}
