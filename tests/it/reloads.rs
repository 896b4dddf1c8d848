//! One snapshot per request: while policy is swapped again and again, every answer is the one that the policy named in
//! its log entry gives, whole. 100 swaps and 10,000 queries; any number by PORTCULLIS_RELOADS (a hundred queries each).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use portcullis::audit::keys::SealPrivateKey;
use portcullis::audit::{EntryKind, Filter, Part, Party, Unsealer, learn_epochs, list_entries};
use portcullis::store::Store;
use portcullis_core::policy::PolicyFile;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_tests::pair::{ALPHA, ASKER, Pair, PairSpec, all, declarations};
use portcullis_tests::{Answer, request};
use prost::Message as _;

/// Policies that differ in one field each: what is forbidden under it.
const FORBIDDEN: [&str; 4] = ["ucr", "items.hs_code", "items.sequence", "none"];
const CALLERS: u64 = 4;

fn policy(forbidden: &str) -> PolicyFile {
    let text = format!(
        "@id(\"here:{forbidden}\") forbid (principal, action in Action::\"learn\", resource) \
         when {{ resource.path == \"{forbidden}\" }};"
    );
    PolicyFile { name: "swapped.cedar".to_owned(), text }
}

/// Everything that a policy decides about an answer: what happens to each field, and the records' bytes.
fn content(answer: &Answer) -> Vec<u8> {
    let fields = answer.plans.iter().flat_map(|plan| &plan.fields);
    let mut content: Vec<u8> = fields.flat_map(|field| field.encode_to_vec()).collect();
    for record in &answer.records {
        content.extend_from_slice(&record.payload);
    }
    content
}

async fn ask(client: &mut QueryServiceClient<tonic::transport::Channel>) -> Answer {
    let query = wire::Query { sources: vec![ALPHA.to_owned()], ..all(0) };
    let mut stream = client.query(request(query)).await.unwrap().into_inner();
    let mut answer = Answer::default();
    while let Some(message) = stream.message().await.unwrap() {
        answer.take(message);
    }
    answer
}

async fn swap(pair: &Pair, forbidden: &str) -> Vec<u8> {
    let keeper = &pair.exchange.gateway.broker.keeper;
    let mut draft = keeper.begin().await;
    draft.inputs.policies = vec![policy(forbidden)];
    let compiled = draft.compile().await.unwrap();
    let hash = compiled.hash();
    draft.put_in_force(Some(compiled));
    hash.0.to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_that_of_the_policy_in_its_log_entry() {
    let reloads: usize =
        std::env::var("PORTCULLIS_RELOADS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let queries = reloads as u64 * 100;
    let budgets = "queries_per_day = 100_000_000\nrecords_per_day = 100_000_000\n".to_owned();
    let pair = Pair::up(PairSpec { budgets, ..PairSpec::default() }).await.unwrap();
    pair.alpha.holds(declarations(ALPHA, 1..=1), 10, Duration::ZERO);
    let channel = pair.exchange.channel(ASKER.0, ASKER.1).await.unwrap();
    let client = QueryServiceClient::new(channel);
    let mut expected: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    for forbidden in FORBIDDEN {
        let hash = swap(&pair, forbidden).await;
        expected.insert(hash, content(&ask(&mut client.clone()).await));
    }
    let kinds: std::collections::HashSet<_> = expected.values().collect();
    assert_eq!((expected.len(), kinds.len()), (4, 4), "each policy answers in its own way");
    let expected = Arc::new(expected);
    let (asked, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (mut client, expected, asked) = (client.clone(), expected.clone(), asked.clone());
            tokio::spawn(async move {
                let mut named: HashMap<String, Vec<u8>> = HashMap::new();
                // An answer that a swap cuts has no records: what it stands on has ended.
                let mut whole = 0_u64;
                while asked.fetch_add(1, Ordering::SeqCst) < queries {
                    let answer = ask(&mut client).await;
                    let header = answer.header.as_ref().unwrap();
                    let hash = header.policy_hash.to_vec();
                    let cut = &answer.receipt.as_ref().unwrap().cut_reason;
                    if cut.is_empty() {
                        assert_eq!(
                            content(&answer),
                            expected[&hash],
                            "under {}",
                            hex::encode(&hash)
                        );
                        whole += 1;
                    } else {
                        assert_eq!((cut.as_str(), answer.records.len()), ("PERMIT_ENDED", 0));
                    }
                    named.insert(header.exchange_id.clone(), hash);
                }
                (named, whole)
            })
        })
        .collect();
    let mut swaps = 0;
    while swaps < reloads && !done.load(Ordering::SeqCst) {
        swap(&pair, FORBIDDEN[swaps % FORBIDDEN.len()]).await;
        swaps += 1;
        // Spread over the queries, not all before the first.
        while asked.load(Ordering::SeqCst) < (swaps as u64 * queries / reloads as u64).min(queries)
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let (mut named, mut whole) = (HashMap::new(), 0);
    for caller in callers {
        let (own, complete) = caller.await.unwrap();
        named.extend(own);
        whole += complete;
    }
    assert_eq!((swaps, named.len() as u64), (reloads, queries));
    assert!(whole > queries / 2, "only {whole} of {queries} came whole");
    println!("{swaps} reloads, {queries} queries, {whole} whole, the others cut by a reload");

    // The log says the same of each.
    let world = &pair.exchange.world;
    let key = SealPrivateKey::read(&world.dir.join("keys/audit.key")).unwrap();
    let store = Store::open_read_only(&world.dir.join("gateway.sqlite")).await.unwrap();
    let unsealer = Unsealer::new(Party::Gateway, key).unwrap();
    learn_epochs(&store, &unsealer).await.unwrap();
    let (mut from, mut checked) = (0, 0);
    loop {
        let filter = Filter { from, limit: 1000, ..Filter::default() };
        let entries = list_entries(&store, &filter).await.unwrap();
        let Some(last) = entries.last() else { break };
        from = last.index + 1;
        for entry in entries.iter().filter(|entry| entry.facts.kind() == EntryKind::Intent) {
            let Some(hash) = named.get(&entry.facts.exchange.to_string()) else { continue };
            let parts = entry.open(&unsealer).unwrap();
            let logged = parts.iter().find_map(|opened| match &opened.part {
                Part::Intent(intent) => Some(intent.policy_hash.0.to_vec()),
                _ => None,
            });
            assert_eq!(logged.as_ref(), Some(hash));
            checked += 1;
        }
    }
    store.close().await;
    assert_eq!(checked, queries);
    pair.exchange.shut_down().await.unwrap();
}
