//! Tokens and references over their life: spoken of by partners, quoted back at a price, rotated, destroyed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use portcullis::pseudonyms::{destroy, rotate};
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::record::v1::{Declaration, Party};
use portcullis_tests::admin::get;
use portcullis_tests::pair::{
    ALPHA, ASKER, BETA, Pair, PairSpec, all, batch, declarations, end, expected, opaque_id, ucrs,
};
use portcullis_tests::{Answer, Exchange, binary, filter, query, reason, request};
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use wire::Completeness::{Complete, Incomplete};

type Asker = (&'static str, &'static str);
const CUSTOMS: Asker = ("nv-customs", "targeting");
const POLICE: Asker = ("sm-police", "desk");
const FIU: Asker = ("vl-fiu", "analysis");

/// In the joint operation, whose case has operation scope.
const OPERATION: &str = "OP-LANTERN";
/// A case of the police alone, under the same agreement.
const OWN: &str = "POL-1";

/// The sample exchange, with a case beside the operation and few probes at the financial intelligence unit.
async fn exchange(fiu_probes: u32) -> Exchange {
    let world = Exchange::sample_with(|spec| {
        spec.cases.push_str(&format!(
            "\n[[cases]]\nid = \"{OWN}\"\nmembers = [\"{}\"]\nopens = \"2026-01-01T00:00:00Z\"\n",
            POLICE.0
        ));
        for (_, text) in spec.agreements.iter_mut().filter(|(name, _)| name.contains("lantern")) {
            *text = text
                .replace(r#"cases = ["OP-LANTERN"]"#, r#"cases = ["OP-LANTERN", "POL-1"]"#)
                .replace("per_day = 100\n", &format!("per_day = {fiu_probes}\n"))
                .replace("queries_per_day = 10\n", "queries_per_day = 1000\n");
        }
    });
    world.await.unwrap()
}

fn declarations_in(case: &str, expression: &str) -> wire::Query {
    let mut asked = query("Declaration", wire::Purpose::Investigation, case);
    asked.sources = vec![CUSTOMS.0.to_owned()];
    if !expression.is_empty() {
        asked.filter = Some(filter("Declaration", expression).unwrap());
    }
    asked
}

/// Parties of the financial intelligence unit, by a token of their id.
fn party_in(case: &str, token: &str) -> wire::Query {
    let mut asked = query("Party", wire::Purpose::Investigation, case);
    asked.sources = vec![FIU.0.to_owned()];
    asked.filter = Some(filter("Party", &format!("id = token:\"{token}\"")).unwrap());
    asked
}

async fn ask(exchange: &Exchange, who: Asker, asked: wire::Query) -> Answer {
    exchange.ask(who, request(asked)).await.unwrap()
}

/// What tells a declaration from the others although its UCR and id are hidden.
fn mark(declaration: &Declaration) -> String {
    let goods: Vec<_> =
        declaration.items.iter().map(|one| (&one.hs_code, one.net_mass_grams)).collect();
    format!("{:?} {goods:?}", declaration.accepted_at)
}

/// Importers' tokens by the mark of their declaration.
fn importers(answer: &Answer) -> BTreeMap<String, String> {
    answer
        .records
        .iter()
        .map(|record| Declaration::decode(record.payload.clone()).unwrap())
        .filter_map(|one| Some((mark(&one), one.importer?.id)).filter(|(_, id)| !id.is_empty()))
        .collect()
}

/// Records without what depends on when they were asked for.
fn records(answer: &Answer) -> Vec<(String, bytes::Bytes)> {
    answer.records.iter().map(|one| (one.reference.clone(), one.payload.clone())).collect()
}

fn party_ids(answer: &Answer) -> Vec<String> {
    answer.records.iter().map(|one| Party::decode(one.payload.clone()).unwrap().id).collect()
}

/// The token of an importer that the financial intelligence unit knows too.
async fn known_importer(exchange: &Exchange, who: Asker) -> String {
    let tokens = importers(&ask(exchange, who, declarations_in(OPERATION, "")).await);
    for token in tokens.into_values().collect::<BTreeSet<_>>() {
        if !ask(exchange, who, party_in(OPERATION, &token)).await.records.is_empty() {
            return token;
        }
    }
    panic!("nobody is known to both");
}

/// What is used of the match probes.
async fn probes(exchange: &Exchange, who: Asker, asked: &wire::Query) -> u64 {
    let channel = exchange.channel(who.0, who.1).await.unwrap();
    let asked = wire::ExplainRequest { query: Some(asked.clone()), ..Default::default() };
    let explained = QueryServiceClient::new(channel).explain(asked).await.unwrap().into_inner();
    let budget = explained.budgets.into_iter().find(|one| one.name.ends_with("match_probes"));
    budget.unwrap().used
}

/// Everything that a refusal says but the exchange's own name.
fn said(status: &Status) -> (Code, String, String) {
    let mut info = status.get_details_error_info().unwrap();
    info.metadata.remove("exchange_id");
    let mut metadata: Vec<_> = info.metadata.into_iter().collect();
    metadata.sort();
    let fields = status.get_details_bad_request();
    (status.code(), status.message().to_owned(), format!("{} {metadata:?} {fields:?}", info.reason))
}

async fn refused(exchange: &Exchange, who: Asker, asked: wire::Query) -> (Code, String, String) {
    said(&exchange.ask(who, request(asked)).await.err().expect("refused"))
}

fn key_file(exchange: &Exchange) -> PathBuf {
    exchange.world.dir.join("keys/pseudonym.keys")
}

/// Waits until a running gateway has taken what is in the file.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let until = tokio::time::Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(tokio::time::Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn takes_epoch(exchange: &Exchange, epoch: u16) {
    let current = async || exchange.gateway.broker.pseudonyms.current() == epoch;
    eventually("the new epoch is not taken", current).await;
}

async fn restarted(exchange: Exchange) -> Exchange {
    let Exchange { world, gateway, clock, dir } = exchange;
    gateway.shut_down().await.unwrap();
    let gateway = world.start(clock.clone()).await.unwrap();
    Exchange { world, gateway, clock, dir }
}

/// The same token with one bit of its sealed part the other way.
fn forged(token: &str) -> String {
    let mut bytes = token.as_bytes().to_vec();
    bytes[40] = if bytes[40] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_in_an_operation_speak_of_the_same_importer_and_nobody_else_does() {
    let exchange = exchange(1_000).await;
    let police = importers(&ask(&exchange, POLICE, declarations_in(OPERATION, "")).await);
    let fiu = importers(&ask(&exchange, FIU, declarations_in(OPERATION, "")).await);
    let both: Vec<_> = police.keys().filter(|mark| fiu.contains_key(*mark)).collect();
    assert!(both.len() >= 10, "{}", both.len());
    assert!(both.iter().all(|mark| police[*mark] == fiu[*mark]), "one importer, one token");

    // What the police got of customs, customs itself and the police quote to the third: the same record.
    let token = known_importer(&exchange, POLICE).await;
    for partner in [POLICE, CUSTOMS] {
        let answer = ask(&exchange, partner, party_in(OPERATION, &token)).await;
        assert_eq!(party_ids(&answer), [token.as_str()], "{}", partner.0);
    }

    // In a case of its own, without operation scope, the police gets its own tokens; those of the operation
    // do not open there, nor the other way round.
    let own = importers(&ask(&exchange, POLICE, declarations_in(OWN, "")).await);
    let shared: BTreeSet<&String> = police.values().collect();
    assert!(own.len() >= 10 && own.values().all(|token| !shared.contains(token)));
    let mark = own.keys().find(|mark| police.get(*mark) == Some(&token)).unwrap();
    let own_token = own[mark].clone();
    let unusable = refused(&exchange, POLICE, party_in(OPERATION, "nonsense")).await;
    for (case, token) in [(OWN, &token), (OPERATION, &own_token)] {
        assert_eq!(refused(&exchange, POLICE, party_in(case, token)).await, unusable, "{case}");
    }
    let found = ask(&exchange, POLICE, party_in(OWN, &own_token)).await;
    assert_eq!(party_ids(&found), [own_token]);

    // The police leaves: the operation is closed to it, and its tokens with it; the others speak on.
    let config = std::fs::read_to_string(&exchange.world.config).unwrap();
    let without =
        config.replace(r#"["nv-customs", "sm-police", "vl-fiu"]"#, r#"["nv-customs", "vl-fiu"]"#);
    assert_ne!(without, config);
    std::fs::write(&exchange.world.config, without).unwrap();
    let exchange = restarted(exchange).await;
    let gone = refused(&exchange, POLICE, party_in(OPERATION, &token)).await;
    assert_eq!(gone.0, Code::PermissionDenied, "{gone:?}");
    assert_eq!(refused(&exchange, POLICE, party_in(OWN, &token)).await, unusable);
    assert_eq!(party_ids(&ask(&exchange, CUSTOMS, party_in(OPERATION, &token)).await), [token]);
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_at_once_get_as_many_probes_as_there_are() {
    let exchange = exchange(1_000).await;
    let token = known_importer(&exchange, POLICE).await;
    exchange.shut_down().await.unwrap();

    // The same keys and the same answers would be another world's; so the token is asked for again.
    let exchange = self::exchange(10).await;
    let tokens = importers(&ask(&exchange, POLICE, declarations_in(OPERATION, "")).await);
    assert!(!tokens.values().any(|other| *other == token), "other keys, other tokens");
    let token = tokens.into_values().next().unwrap();
    let asked = party_in(OPERATION, &token);
    let asks = (0..16).map(|_| exchange.ask(POLICE, request(asked.clone())));
    let ends = futures::future::join_all(asks).await;
    let refusals: Vec<_> = ends.iter().filter_map(|end| end.as_ref().err()).collect();
    assert_eq!(refusals.len(), 6);
    for refusal in refusals {
        assert_eq!(
            (refusal.code(), reason(refusal)),
            (Code::ResourceExhausted, "BUDGET_EXHAUSTED".into())
        );
        let mut metadata = refusal.get_details_error_info().unwrap().metadata;
        metadata.remove("exchange_id");
        let keys: Vec<&str> = metadata.keys().map(String::as_str).collect();
        assert_eq!(keys, ["refills_at"], "when it refills, nothing else");
        assert_eq!(refusal.message(), "the budget `match_probes` is used up");
    }
    assert_eq!(probes(&exchange, POLICE, &asked).await, 10);
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_open_is_refused_in_one_way_whatever_it_is() {
    let exchange = exchange(1_000).await;
    let token = known_importer(&exchange, POLICE).await;
    let mut shown = declarations_in(OPERATION, "");
    shown.fields = vec!["importer".to_owned()];
    let answer = ask(&exchange, POLICE, shown).await;
    let name = answer.records.iter().find_map(|record| {
        let importer = Declaration::decode(record.payload.clone()).unwrap().importer?;
        importer.name.map(|name| name.original)
    });
    let name = name.unwrap();
    assert_eq!(name.len(), token.len(), "a token of another domain");
    let foreign = importers(&ask(&exchange, POLICE, declarations_in(OWN, "")).await);
    rotate(&key_file(&exchange)).unwrap();
    takes_epoch(&exchange, 2).await;
    let newer = known_importer(&exchange, POLICE).await;
    let asked = party_in(OPERATION, &newer);
    let paid = probes(&exchange, POLICE, &asked).await;
    let unusable = refused(&exchange, POLICE, party_in(OPERATION, "nonsense")).await;
    assert!(unusable.2.starts_with("TOKEN_NOT_USABLE"), "{unusable:?}");
    destroy(&key_file(&exchange), 1).unwrap();
    let gone = async || exchange.ask(POLICE, request(party_in(OPERATION, &token))).await.is_err();
    eventually("the epoch stays", gone).await;
    let unknown_epoch = format!("AQB_{}", &newer[4..]);
    let first_epoch_of_another = format!("AQAB{}", &newer[4..]);
    for (what, token) in [
        ("its epoch is destroyed", token.as_str()),
        ("of another scope", foreign.values().next().unwrap()),
        ("of another domain", &name),
        ("a reference", &answer.records[0].reference),
        ("of an epoch that never was", &unknown_epoch),
        ("said to be of a destroyed epoch", &first_epoch_of_another),
        ("forged", &forged(&newer)),
        ("cut", &newer[..87]),
        ("longer", &format!("{newer}A")),
        ("nothing", ""),
    ] {
        assert_eq!(
            refused(&exchange, POLICE, party_in(OPERATION, token)).await,
            unusable,
            "{what}"
        );
    }
    // Nothing of it is charged; before the epoch went, the loop above may have found it once or twice.
    let now = probes(&exchange, POLICE, &asked).await;
    let again = refused(&exchange, POLICE, party_in(OPERATION, &token)).await;
    assert_eq!(again, unusable);
    assert_eq!(probes(&exchange, POLICE, &asked).await, now);
    assert!(now >= paid);
    assert_eq!(party_ids(&ask(&exchange, POLICE, asked).await), [newer]);
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_outlives_rotation_and_restart_and_dies_with_its_epoch() {
    let exchange = exchange(1_000).await;
    let older = known_importer(&exchange, POLICE).await;
    let first = ask(&exchange, POLICE, declarations_in(OPERATION, "")).await;
    let mut named = declarations_in(OPERATION, "");
    named.references = vec![first.records[0].reference.clone()];

    rotate(&key_file(&exchange)).unwrap();
    takes_epoch(&exchange, 2).await;
    let exchange = restarted(exchange).await;
    let second = ask(&exchange, POLICE, declarations_in(OPERATION, "")).await;
    let (before, after) = (importers(&first), importers(&second));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before.iter().all(|(mark, token)| after[mark] != *token), "new tokens differ");
    let newer = after[before.iter().find(|(_, token)| **token == older).unwrap().0].clone();
    // Either names the party, and the answer speaks in new tokens.
    for token in [&older, &newer] {
        let found = ask(&exchange, POLICE, party_in(OPERATION, token)).await;
        assert_eq!(party_ids(&found), [newer.as_str()]);
    }
    let found = ask(&exchange, POLICE, named.clone()).await;
    assert_eq!(importers(&found).len(), 1);
    assert_eq!(found.records[0].payload, second.records[0].payload);
    assert_eq!(found.records[0].reference, second.records[0].reference);

    destroy(&key_file(&exchange), 1).unwrap();
    let gone = async || exchange.ask(POLICE, request(party_in(OPERATION, &older))).await.is_err();
    eventually("the epoch stays", gone).await;
    for exchange in [exchange] {
        let exchange = restarted(exchange).await;
        let unusable = refused(&exchange, POLICE, party_in(OPERATION, "nonsense")).await;
        assert_eq!(refused(&exchange, POLICE, party_in(OPERATION, &older)).await, unusable);
        assert!(ask(&exchange, POLICE, named.clone()).await.records.is_empty());
        let found = ask(&exchange, POLICE, party_in(OPERATION, &newer)).await;
        assert_eq!(party_ids(&found), [newer.as_str()]);
        exchange.shut_down().await.unwrap();
    }
}

/// An answer keeps the epoch it began in, so that one value has one token in it; it ends when that goes.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_under_way_outlives_rotation_and_ends_when_its_epoch_is_destroyed() {
    let pair = Pair::with("[limits]\nsource_idle_seconds = 60\nbatch_bytes = 1\n").await.unwrap();
    let (more, wait) = tokio::sync::mpsc::unbounded_channel::<u64>();
    let wait = std::sync::Mutex::new(Some(wait));
    pair.alpha.answers(move |_| {
        let wait = wait.lock().unwrap().take().expect("asked once");
        stream::unfold(wait, |mut wait| async move {
            let number = wait.recv().await?;
            Some((Ok(batch(declarations(ALPHA, [number]))), wait))
        })
        .boxed()
    });
    let channel = pair.exchange.channel(ASKER.0, ASKER.1).await.unwrap();
    let mut asked = all(100);
    asked.sources = vec![ALPHA.to_owned()];
    let mut stream =
        QueryServiceClient::new(channel).query(request(asked)).await.unwrap().into_inner();
    let mut answer = Answer::default();
    for number in 1..=3 {
        more.send(number).unwrap();
        while answer.records.len() < number as usize {
            answer.take(stream.message().await.unwrap().unwrap());
        }
        if number == 1 {
            rotate(&key_file(&pair.exchange)).unwrap();
            takes_epoch(&pair.exchange, 2).await;
        }
    }
    let epoch = |record: &wire::ReleasedRecord| record.reference[..4].to_owned();
    assert!(answer.records.iter().all(|record| epoch(record) == "AQAB"), "one epoch, one answer");
    let begun = tokio::time::Instant::now();
    destroy(&key_file(&pair.exchange), 1).unwrap();
    // The source says nothing more: the answer ends by itself.
    while let Some(message) = stream.message().await.unwrap() {
        answer.take(message);
    }
    let took = begun.elapsed();
    assert_eq!(answer.receipt.as_ref().unwrap().cut_reason, "PERMIT_ENDED");
    assert_eq!(answer.records.len(), 3);
    // In force after two seconds; a machine that is busy gets some more.
    assert!(took < portcullis::pseudonyms::TAKES_EFFECT + Duration::from_secs(3), "{took:?}");
    pair.alpha.holds(declarations(ALPHA, 1..=3), 3, Duration::ZERO);
    let again = pair.ask(10).await.unwrap();
    assert!(again.records.iter().all(|record| epoch(record) == "AQAC"));
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_is_none_changes_nothing_but_what_administrators_see() {
    let exchange = exchange(1_000).await;
    let token = known_importer(&exchange, POLICE).await;
    let path = key_file(&exchange);
    let good = std::fs::read(&path).unwrap();
    let ready = async || get(exchange.gateway.admin_address, "/readyz").await.unwrap();
    assert_eq!(ready().await.body, "ready\n");
    for bad in [b"1 abcd\n".as_slice(), b"", &good[..good.len() / 2]] {
        std::fs::write(&path, bad).unwrap();
        eventually("no word of it", async || ready().await.body.contains("kept as they were"))
            .await;
        let page = ready().await;
        assert_eq!(page.status, 200, "the gateway serves on");
        assert!(!page.body.contains("abcd"), "{}", page.body);
        let metrics = exchange.metrics().await.unwrap();
        assert!(metrics.contains("portcullis_pseudonym_keys_refused 1\n"), "{metrics}");
        assert!(metrics.contains("portcullis_pseudonym_epoch 1\n"), "{metrics}");
        assert_eq!(
            party_ids(&ask(&exchange, POLICE, party_in(OPERATION, &token)).await),
            [&*token]
        );
        std::fs::write(&path, &good).unwrap();
        eventually("still troubled", async || ready().await.body == "ready\n").await;
    }
    std::fs::remove_file(&path).unwrap();
    eventually("no word of it", async || ready().await.body.contains("cannot read")).await;
    assert_eq!(party_ids(&ask(&exchange, POLICE, party_in(OPERATION, &token)).await), [&*token]);
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_quoted_back_brings_that_one_record_at_the_price_of_a_probe() {
    let exchange = exchange(1_000).await;
    let whole = ask(&exchange, POLICE, declarations_in(OPERATION, "")).await;
    let own = ask(&exchange, POLICE, declarations_in(OWN, "")).await;
    let plain = declarations_in(OPERATION, "");
    let named = |references: &[&str], expression: &str| wire::Query {
        references: references.iter().map(|one| (*one).to_owned()).collect(),
        ..declarations_in(OPERATION, expression)
    };
    let reference = |at: usize| whole.records[at].reference.as_str();
    let mut paid = 0;
    for wanted in [vec![0], vec![3], vec![9, 2, 5], (0..whole.records.len()).collect()] {
        let quoted: Vec<&str> = wanted.iter().map(|at| reference(*at)).collect();
        let answer = ask(&exchange, POLICE, named(&quoted, "")).await;
        let mut sorted = wanted.clone();
        sorted.sort_unstable();
        let expected: Vec<_> = sorted.iter().map(|at| records(&whole)[*at].clone()).collect();
        assert!(records(&answer) == expected, "{wanted:?}");
        assert_eq!(answer.receipt.unwrap().cut_reason, "");
        paid += wanted.len() as u64;
        assert_eq!(probes(&exchange, POLICE, &plain).await, paid);
    }
    // Filter and references both hold.
    let code = |at: usize| {
        let one = Declaration::decode(whole.records[at].payload.clone()).unwrap();
        one.items.first().unwrap().hs_code.clone()
    };
    let other = (1..whole.records.len()).find(|at| code(*at) != code(0)).unwrap();
    let both = [reference(0), reference(other)];
    let expression = format!("items.hs_code = {}", code(0));
    let answer = ask(&exchange, POLICE, named(&both, &expression)).await;
    assert!(records(&answer) == [records(&whole)[0].clone()]);
    paid += 2;

    // What names nothing is as what does not match, at the same price: one answer for all of it.
    let nothing = ask(&exchange, POLICE, named(&[&forged(reference(0))], "")).await;
    let token = importers(&whole).into_values().next().unwrap();
    paid += 1;
    for (what, quoted) in [
        ("cut", &reference(0)[..80]),
        ("empty", ""),
        ("no token", "made up"),
        ("of another scope", &own.records[0].reference),
        ("a pseudonym", &token),
        ("of an epoch that never was", &format!("AQB_{}", &reference(0)[4..])),
    ] {
        let answer = ask(&exchange, POLICE, named(&[quoted], "")).await;
        assert!(answer.records.is_empty() && answer.plans.is_empty(), "{what}");
        assert_eq!(answer.statuses, nothing.statuses, "{what}");
        assert_eq!(answer.receipt.unwrap().cut_reason, "", "{what}");
        paid += 1;
        assert_eq!(probes(&exchange, POLICE, &plain).await, paid, "{what}");
    }
    assert_eq!(nothing.statuses[0].completeness(), Complete);

    // A reference is good for a partner of the operation, and for nobody outside.
    let answer = ask(&exchange, FIU, named(&[reference(0)], "")).await;
    assert_eq!(answer.records.len(), 1);
    let mut outside = named(&[reference(0)], "");
    outside.case_id = OWN.to_owned();
    assert!(ask(&exchange, POLICE, outside).await.records.is_empty());

    let too_many: Vec<String> = (0..257).map(|at| format!("r{at}")).collect();
    let too_many: Vec<&str> = too_many.iter().map(String::as_str).collect();
    for (quoted, word) in [
        (too_many.as_slice(), "TOO_MANY_REFERENCES"),
        (&["same", "same"], "REFERENCE_REPEATED"),
        (&[&"x".repeat(5_000)], "TEXT_TOO_LONG"),
    ] {
        let said = refused(&exchange, POLICE, named(quoted, "")).await;
        assert!(said.2.starts_with(word), "{said:?}");
    }
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_asked_for_its_own_records_alone_and_believed_in_nothing_else() {
    let budgets =
        "queries_per_day = 1_000\nrecords_per_day = 1_000\nmatch_probes_per_day = 1_000\n";
    let spec = PairSpec { budgets: budgets.into(), ..PairSpec::default() };
    let pair = Pair::up(spec).await.unwrap();
    pair.alpha.holds(declarations(ALPHA, 1..=5), 2, Duration::ZERO);
    pair.beta.holds(declarations(BETA, 1..=5), 2, Duration::ZERO);
    let whole = pair.ask(100).await.unwrap();
    assert_eq!(whole.records.len(), 10);
    let ask = async |quoted: &[usize]| {
        let references = quoted.iter().map(|at| whole.records[*at].reference.clone()).collect();
        let asked = wire::Query { references, ..all(100) };
        pair.exchange.ask(ASKER, request(asked)).await.unwrap()
    };
    let only = |fake: &portcullis_tests::pair::Fake| {
        let asked = fake.asked.lock().unwrap().clone().unwrap();
        asked.only.map(|only| only.opaque_ids)
    };
    assert_eq!(only(&pair.alpha), None, "no reference, no list");
    // Numbers 2 and 4 of alpha, whose opaque ids beta has too.
    let answer = ask(&[3, 1]).await;
    assert_eq!(ucrs(&answer), expected(ALPHA, [2, 4]));
    assert_eq!(only(&pair.alpha), Some(vec![opaque_id(2), opaque_id(4)]));
    assert_eq!(only(&pair.beta), Some(vec![]), "nothing of beta's, and not everything");
    assert!(answer.statuses.iter().all(|status| status.completeness() == Complete));
    let answer = ask(&[0, 9]).await;
    assert_eq!(ucrs(&answer), [expected(ALPHA, [1]), expected(BETA, [5])].concat());

    // Where an agreement gives no probes, no reference can be quoted.
    let poor = Pair::with("").await.unwrap();
    let asked = wire::Query { references: vec!["any".into()], ..all(100) };
    let refusal = poor.exchange.ask(ASKER, request(asked)).await.err().unwrap();
    assert_eq!(reason(&refusal), "BUDGET_EXHAUSTED");
    poor.exchange.shut_down().await.unwrap();

    // A source that sends what was not named breaks its contract; what came before stands.
    let sent = declarations(BETA, 1..=5);
    pair.beta.sends(vec![Ok(batch(sent)), Ok(end(5))]);
    for quoted in [[0, 5], [0, 1]] {
        let answer = ask(&quoted).await;
        let beta = answer.statuses.iter().find(|status| status.agency == BETA).unwrap();
        assert_eq!(beta.completeness(), Incomplete);
        assert_eq!(beta.reason, "SOURCE_MISBEHAVED");
        assert_eq!(beta.records_released, u64::from(quoted == [0, 5]), "{quoted:?}");
    }
    pair.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_say_what_they_do() {
    let exchange = exchange(1_000).await;
    let path = key_file(&exchange);
    let file = path.to_str().unwrap();
    let run = |words: &[&str]| {
        let output = Command::new(binary("portcullis").unwrap()).args(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, out, _) = run(&["keys", "pseudonym", "list", file]);
    assert_eq!((code, out.as_str()), (0, "    1  current: new tokens\n"));
    let (code, out, _) = run(&["keys", "pseudonym", "rotate", file]);
    assert!(code == 0 && out.starts_with("epoch 2 is the current one"), "{out}");
    let (code, out, _) = run(&["keys", "pseudonym", "list", file]);
    assert_eq!(
        (code, out.as_str()),
        (0, "    1  opens older tokens\n    2  current: new tokens\n")
    );
    let before = std::fs::read(&path).unwrap();
    for (words, code, part) in [
        (vec!["destroy", file, "1"], 2, "--confirm"),
        (vec!["destroy", file, "1", "--confirm", "2"], 1, "nothing was changed"),
        (vec!["destroy", file, "2", "--confirm", "2"], 1, "rotate first"),
        (vec!["destroy", file, "7", "--confirm", "7"], 1, "has no epoch 7"),
        (vec!["destroy", "/nowhere/keys", "1", "--confirm", "1"], 1, "cannot read /nowhere/keys"),
    ] {
        let (got, out, err) = run(&[&["keys", "pseudonym"], words.as_slice()].concat());
        assert!(got == code && err.contains(part), "{words:?}: {got} {out} {err}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    takes_epoch(&exchange, 2).await;
    let whole = ask(&exchange, POLICE, declarations_in(OPERATION, "")).await;
    let (code, out, _) = run(&["keys", "pseudonym", "destroy", file, "1", "--confirm", "1"]);
    assert_eq!(code, 0);
    for part in ["nobody can open its tokens", "within 2 seconds", "backups"] {
        assert!(out.contains(part), "{out}");
    }

    let profile = exchange.world.profile(POLICE.0, POLICE.1);
    let quoted = [whole.records[1].reference.as_str(), whole.records[4].reference.as_str()];
    let words = [
        "query",
        "--profile",
        profile.to_str().unwrap(),
        "Declaration",
        "--purpose",
        "INVESTIGATION",
        "--case",
        OPERATION,
        "--from",
        CUSTOMS.0,
        "--format",
        "json",
        "--reference",
        quoted[0],
        "--reference",
        quoted[1],
    ];
    let (code, out, err) = run(&words);
    assert_eq!(code, 0, "{err}");
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    let shown: Vec<&str> = document["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["reference"].as_str().unwrap())
        .collect();
    assert_eq!(shown, quoted);
    exchange.shut_down().await.unwrap();
}
