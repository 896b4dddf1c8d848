//! A gateway that is killed under load, again and again: what any requester ever received stands in the log,
//! and the log is sound each time it is read again.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis::audit::keys::SealPrivateKey;
use portcullis::audit::tree::leaf_hash;
use portcullis::audit::verify::{Outside, verify};
use portcullis::audit::{
    EntryKind, Filter, LogVerifier, Part, Party, Unsealer, learn_epochs, list_entries,
};
use portcullis::client::{Profile, connect};
use portcullis::clock::Clock;
use portcullis::command::playground::{World, sample_world};
use portcullis::store::Store;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_response::Message;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_tests::{binary, filter, query, request};
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 50;
const CLIENTS: usize = 4;

/// Small batches, so that a kill falls between many of them; budgets that do not run out.
async fn world(dir: &Path) -> World {
    let mut spec = sample_world(dir, None).unwrap();
    spec.settings = "[limits]\nbatch_bytes = 1500\n[telemetry]\nlog = \"off\"\n".to_owned();
    for (_, text) in &mut spec.agreements {
        for budget in ["queries_per_day", "records_per_day"] {
            let lines = text.lines().map(|line| match line.strip_prefix(budget) {
                Some(_) => format!("{budget} = 1_000_000_000\n"),
                None => format!("{line}\n"),
            });
            *text = lines.collect();
        }
    }
    World::build(dir, &spec, &Clock::system()).await.unwrap()
}

/// A gateway in a process of its own.
struct Served {
    child: Child,
    address: SocketAddr,
    log_key: String,
}

impl Served {
    fn start(world: &World) -> Self {
        let mut child = Command::new(binary("portcullis").unwrap())
            .args(["serve", "--config"])
            .arg(&world.config)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let word = |before: &str| {
            let rest = line.split_once(before).unwrap_or_else(|| panic!("it said `{line}`")).1;
            rest.split([',', '\n']).next().unwrap().to_owned()
        };
        let (address, log_key) = (word("listens on ").parse().unwrap(), word("log key "));
        Self { child, address, log_key }
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What requesters received: the batches by the hash of their entry, with how many records; the intents.
#[derive(Default)]
struct Received {
    batches: HashMap<[u8; 32], usize>,
    intents: Vec<[u8; 32]>,
    complete: usize,
    broken: usize,
}

/// Asks until it is told to stop or the gateway is gone, and notes what comes.
async fn load(
    profile: Profile,
    received: Arc<Mutex<Received>>,
    stop: CancellationToken,
    turn: usize,
) {
    let mut asked = query("Declaration", wire::Purpose::ShipmentTargeting, "CASE-2026-014");
    asked.filter = (turn % 2 == 1).then(|| {
        filter("Declaration", "items.hs_code prefix 8 and not direction = IMPORT").unwrap()
    });
    let channel = connect(&profile).await.unwrap();
    while !stop.is_cancelled() {
        let asking = QueryServiceClient::new(channel.clone()).query(request(asked.clone())).await;
        let Ok(response) = asking else { return };
        let mut stream = response.into_inner();
        loop {
            let message = stream.message().await;
            let mut received = received.lock().unwrap();
            match message {
                Ok(None) => break,
                Err(_) => {
                    received.broken += 1;
                    return;
                }
                Ok(Some(message)) => match message.message {
                    Some(Message::Header(header)) => {
                        received.intents.push(header.intent_leaf_hash[..].try_into().unwrap());
                    }
                    Some(Message::Batch(batch)) => {
                        assert!(!batch.records.is_empty());
                        let hash = batch.disclosure_leaf_hash[..].try_into().unwrap();
                        received.batches.insert(hash, batch.records.len());
                    }
                    Some(Message::Receipt(_)) => received.complete += 1,
                    _ => {}
                },
            }
        }
    }
}

/// Entries on disk: kind, and records of a disclosure, by leaf hash.
async fn entries(world: &World) -> HashMap<[u8; 32], (EntryKind, usize)> {
    let store = Store::open_read_only(&world.dir.join("gateway.sqlite")).await.unwrap();
    let key = SealPrivateKey::read(&world.dir.join("keys/audit.key")).unwrap();
    let unsealer = Unsealer::new(Party::Gateway, key).unwrap();
    learn_epochs(&store, &unsealer).await.unwrap();
    let mut found = HashMap::new();
    let mut from = 0;
    loop {
        let filter = Filter { from, limit: 1_000, ..Filter::default() };
        let page = list_entries(&store, &filter).await.unwrap();
        let Some(last) = page.last() else { break };
        from = last.index + 1;
        for entry in page {
            let records = entry.open(&unsealer).unwrap().into_iter().map(|part| match part.part {
                Part::Share { records, .. } => records.len(),
                _ => 0,
            });
            found.insert(leaf_hash(&entry.leaf).0, (entry.facts.kind(), records.sum()));
        }
    }
    store.close().await;
    found
}

async fn assert_sound(world: &World, log_key: &str, round: usize) {
    let store = Store::open_read_only(&world.dir.join("gateway.sqlite")).await.unwrap();
    let verifier = LogVerifier::parse(log_key).unwrap();
    let report = verify(&store, &verifier, &Outside::default()).await;
    store.close().await;
    assert!(report.sound(), "after round {round}: {:?}", report.faults);
    assert!(report.size > 0);
}

/// A small generator: when the kill comes need not be secret, only spread out.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_left_is_missing_from_the_log_after_fifty_kills() {
    let dir = tempfile::tempdir().unwrap();
    let world = world(dir.path()).await;
    let received = Arc::new(Mutex::new(Received::default()));
    let mut state = 0x9E37_79B9_7F4A_7C15;
    let mut key = String::new();
    for round in 1..=ROUNDS {
        // On the store as the kill left it: nobody mends it but the gateway itself.
        let served = Served::start(&world);
        world.write_profiles(served.address).unwrap();
        assert!(key.is_empty() || key == served.log_key, "the log's key changed");
        key = served.log_key.clone();
        let stop = CancellationToken::new();
        let mut clients = tokio::task::JoinSet::new();
        for turn in 0..CLIENTS {
            let profile = Profile::load(&world.profile("sm-customs", "targeting")).unwrap();
            clients.spawn(load(profile, received.clone(), stop.clone(), turn));
        }
        // The kill comes under load, however slow the machine is: after so many more batches, and at a
        // moment between two of them.
        let so_many = 5 + usize::try_from(next(&mut state) % 56).unwrap();
        let wanted = received.lock().unwrap().batches.len() + so_many;
        for _ in 0..5_000 {
            if received.lock().unwrap().batches.len() >= wanted {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(next(&mut state) % 20)).await;
        served.kill();
        stop.cancel();
        while let Some(done) = clients.join_next().await {
            done.unwrap();
        }
        if round % 10 == 0 {
            assert_sound(&world, &key, round).await;
        }
    }
    let on_disk = entries(&world).await;
    let received = Arc::into_inner(received).unwrap().into_inner().unwrap();
    println!(
        "{} batches received, {} answers whole, {} broken off, {} entries on disk",
        received.batches.len(),
        received.complete,
        received.broken,
        on_disk.len()
    );
    // Kills that hit nothing would prove nothing.
    assert!(received.broken >= ROUNDS / 2, "only {} answers were cut", received.broken);
    assert!(received.batches.len() >= 5 * ROUNDS, "only {} batches", received.batches.len());
    let lost = received
        .batches
        .iter()
        .filter(|(hash, records)| on_disk.get(*hash) != Some(&(EntryKind::Disclosure, **records)));
    assert_eq!(lost.count(), 0, "batches that a requester has and the log does not");
    let unknown =
        |hash: &&[u8; 32]| on_disk.get(*hash).is_none_or(|(kind, _)| *kind != EntryKind::Intent);
    assert_eq!(received.intents.iter().filter(unknown).count(), 0);
}
