//! Who can read what: parties their own share, the gateway's auditor all, nobody else anything.

use serde_json::Value;

use super::*;

async fn opened(bench: &Bench, name: &str, party: Party) -> Vec<(u64, Value)> {
    let store = Store::open_read_only(&bench.path()).await.unwrap();
    let unsealer = Unsealer::new(party, bench.key(name)).unwrap();
    learn_epochs(&store, &unsealer).await.unwrap();
    let filter = Filter { limit: 1000, ..Filter::default() };
    let mut all = Vec::new();
    for entry in list_entries(&store, &filter).await.unwrap() {
        for part in entry.open(&unsealer).unwrap() {
            all.push((entry.index, part.part.to_json()));
        }
    }
    all
}

fn named(parts: &[(u64, Value)]) -> Vec<(u64, String)> {
    let name = |part: &Value| {
        let whose = part.get("originator").or(part.get("agency")).and_then(Value::as_str);
        let kind = part["part"].as_str().unwrap();
        whose.map_or(kind.to_owned(), |whose| format!("{kind} {whose}"))
    };
    let mut named: Vec<_> = parts.iter().map(|(index, part)| (*index, name(part))).collect();
    named.sort();
    named
}

fn wanted(list: &[(u64, &str)]) -> Vec<(u64, String)> {
    let mut list: Vec<_> = list.iter().map(|(index, part)| (*index, (*part).to_owned())).collect();
    list.sort();
    list
}

async fn one_exchange() -> Bench {
    let bench = Bench::new();
    let audit = bench.open().await;
    let mut durable = audit.intend(intent(), Effects::default()).await.unwrap();
    let records =
        vec![record("licensing-b", "x"), record("coastguard-c", "y"), record("licensing-b", "z")];
    audit.seal(&mut durable, nothing(), disclosure(records), Effects::default()).await.unwrap();
    audit.conclude(&durable, outcome()).await;
    audit.deny(denial()).await.unwrap();
    audit.close().await;
    bench
}

#[tokio::test]
async fn every_party_reads_its_share_and_no_more() {
    let bench = one_exchange().await;
    let agency = |name: &str| Party::Agency(name.into());
    let (outcome, denied) = {
        let all = named(&opened(&bench, "gateway", Party::Gateway).await);
        let of = |kind: &str| all.iter().find(|(_, part)| part == kind).unwrap().0;
        (of("ended"), of("denial"))
    };
    let requester = wanted(&[
        (0, "intent"),
        (1, "share licensing-b"),
        (1, "share coastguard-c"),
        (outcome, "ended"),
        (outcome, "source licensing-b"),
        (denied, "denial"),
    ]);
    assert_eq!(named(&opened(&bench, "customs-a", agency("customs-a")).await), requester);
    let licensing = wanted(&[
        (0, "intent"),
        (1, "share licensing-b"),
        (1, "id_salt licensing-b"),
        (outcome, "ended"),
        (outcome, "source licensing-b"),
        (outcome, "refused licensing-b"),
    ]);
    assert_eq!(named(&opened(&bench, "licensing-b", agency("licensing-b")).await), licensing);
    let coastguard = wanted(&[
        (0, "intent"),
        (1, "share coastguard-c"),
        (1, "id_salt coastguard-c"),
        (outcome, "ended"),
    ]);
    assert_eq!(named(&opened(&bench, "coastguard-c", agency("coastguard-c")).await), coastguard);
    assert_eq!(opened(&bench, "gateway", Party::Gateway).await.len(), 9);
    // A stranger's key opens nothing, under whatever name; nor does a party's under another's name.
    for name in AGENCIES {
        assert!(opened(&bench, "stranger", agency(name)).await.is_empty());
    }
    assert!(opened(&bench, "stranger", Party::Gateway).await.is_empty());
    assert!(opened(&bench, "customs-a", agency("licensing-b")).await.is_empty());
    assert!(opened(&bench, "customs-a", Party::Gateway).await.is_empty());
}

/// An epoch row relabelled for a thief's key does not open.
#[tokio::test]
async fn a_relabelled_epoch_does_not_open() {
    let bench = one_exchange().await;
    let store = Store::open_read_only(&bench.path()).await.unwrap();
    let thief = Unsealer::new(Party::Agency("licensing-b".into()), bench.key("stranger")).unwrap();
    let rows = store.read("test").await.unwrap().epochs(Some("licensing-b")).await.unwrap();
    let key_id = bench.key("stranger").public().unwrap().id();
    for row in rows {
        let stolen = Epoch { key_id, ..read::epoch(row) };
        assert_eq!(thief.learn(&stolen), Err(SealError::Key));
    }
}

#[tokio::test]
async fn the_gateway_opens_a_share_for_its_party_alone() {
    let bench = one_exchange().await;
    let audit = bench.open().await;
    let filter = Filter { party: Some("coastguard-c".into()), limit: 100, ..Filter::default() };
    let entries = audit.list(&filter).await.unwrap();
    assert_eq!(entries.len(), 3, "intent, disclosure, outcome; not the denial");
    let share = audit.open_share(&entries[1], &"coastguard-c".into()).await.unwrap();
    assert_eq!(share.len(), 2);
    assert!(audit.open_share(&entries[1], &"stranger".into()).await.unwrap().is_empty());
    let exchange = Some(entries[0].facts.exchange);
    let only = Filter { party: Some("stranger".into()), exchange, limit: 100, from: 0 };
    assert!(audit.list(&only).await.unwrap().is_empty());
    let only = Filter { party: None, exchange, limit: 100, from: 1 };
    assert_eq!(audit.list(&only).await.unwrap().len(), 2);
}

/// With its salts a party can show what was released; without, nothing can be guessed from the leaf.
#[tokio::test]
async fn commitments_open_with_their_salts() {
    let bench = one_exchange().await;
    let parts = opened(&bench, "licensing-b", Party::Agency("licensing-b".into())).await;
    let find = |kind: &str| &parts.iter().find(|(_, part)| part["part"] == kind).unwrap().1;
    let salt = |text: &Value| {
        let mut salt = [0; 32];
        hex::decode_to_slice(text.as_str().unwrap(), &mut salt).unwrap();
        salt
    };
    let (share, id_salt) = (find("share"), salt(&find("id_salt")["id_salt"]));
    let content_salt = salt(&share["content_salt"]);
    for (n, id) in ["x", "z"].into_iter().enumerate() {
        let logged = &share["records"][n];
        assert_eq!(logged["id_commitment"], commit_id(&id_salt, id.as_bytes()).to_string());
        let content = commit_content(&content_salt, &Digest::of(id.as_bytes())).to_string();
        assert_eq!(logged["content_commitment"], content);
    }
}

/// The same event twice shares no byte that depends on it.
#[tokio::test]
async fn equal_events_have_unequal_commitments() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let one = denial();
    audit.deny(one.clone()).await.unwrap();
    audit.deny(one).await.unwrap();
    let entries = audit.list(&Filter { limit: 2, ..Filter::default() }).await.unwrap();
    assert_ne!(entries[0].facts.body, entries[1].facts.body);
    assert_ne!(entries[0].facts.sealed, entries[1].facts.sealed);
}

#[tokio::test]
async fn no_subject_or_officer_is_in_the_files() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let canary = "canary-subject-Kim-Chol-su";
    let query = Digest::of(b"where name = Kim Chol-su");
    let asked = Intent {
        justification: format!("tip about {canary}"),
        query_digest: query,
        requester: Requester { officer: canary.to_owned(), ..requester() },
        ..intent()
    };
    let idempotency = Idempotency::of("spiffe://a", "key-canary", query);
    let effects = Effects { idempotency: Some(idempotency), ..Effects::default() };
    let mut durable = audit.intend(asked, effects).await.unwrap();
    let records = vec![record("licensing-b", canary)];
    audit.seal(&mut durable, nothing(), disclosure(records), Effects::default()).await.unwrap();
    let refused = Denial {
        requester: Requester { officer: canary.to_owned(), ..requester() },
        reason: canary.to_owned(),
        query_digest: Some(query),
        ..denial()
    };
    audit.deny(refused).await.unwrap();
    let hidden: [&[u8]; 5] = [
        b"Kim-Chol-su",
        b"key-canary",
        &query.0,
        &idempotency.key.0,
        &Digest::of(canary.as_bytes()).0,
    ];
    let sweep = || {
        let mut searched = 0;
        for file in std::fs::read_dir(bench.dir.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            searched += bytes.len();
            for needle in hidden {
                assert!(!bytes.windows(needle.len()).any(|window| window == needle));
            }
        }
        searched
    };
    let while_open = sweep();
    assert!(std::fs::exists(bench.dir.path().join("store.db-wal")).unwrap() && while_open > 50_000);
    audit.close().await;
    sweep();
    // The sweep can find something: what is meant to be there.
    let bytes = std::fs::read(bench.path()).unwrap();
    assert!(bytes.windows(9).any(|window| window == b"customs-a"));
    // And the auditor reads it.
    let all = format!("{:?}", opened(&bench, "gateway", Party::Gateway).await);
    assert!(all.contains(canary));
}

#[test]
fn key_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    let path = bench.dir.path().join("customs-a.key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(generate_seal_key(&path).is_err(), "an existing key is not overwritten");
    let key = bench.key("customs-a").public().unwrap();
    assert_eq!(keys::SealPublicKey::parse(&key.to_string()).unwrap(), key);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(SealPrivateKey::read(&path), Err(keys::KeyError::Open(_))));
}
