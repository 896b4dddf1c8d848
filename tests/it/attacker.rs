//! A bisecting attacker. It is a requester with every permission that the agreement gives and a budget that
//! does not run out; it asks 10,000 queries after secret bits that are hidden from it, each in its own way, and
//! adapts to what it gets. It is stronger than a real one: half of the secrets are told to it, so that it learns
//! which trait of an answer (code, text, sizes, counts, order, statuses, batches) goes with which bit; it is
//! judged by the other half. On hidden fields it does no better than a coin, on clear ones it finds every bit.
//!
//! `PORTCULLIS_ATTACK` is the number of queries, `PORTCULLIS_SEED` draws the secrets.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::record::v1 as record;
use portcullis_proto::source::v1 as source;
use portcullis_tests::pair::{ALPHA, ASKER, BETA, OTHER, Pair, PairSpec, handling, opaque_id};
use portcullis_tests::raw::{self, Reply};
use portcullis_tests::rng::{ALNUM, DIGITS, Rng};
use portcullis_tests::{Answer, RECORD, filter, query, reason, record_type_of, request};
use prost::Message as _;
use tonic::Code;
use tonic::transport::Channel;
use wire::Purpose::{Investigation, ShipmentTargeting};

const EXPLAIN: &str = "/portcullis.query.v1.QueryService/Explain";
const ROUNDS: usize = 4;
/// Numbers that are bisected lie below it; the secret is their highest bit.
const TOP: i64 = 1 << 20;
/// 2026-02-03T00:00:00Z; the day may be seen.
const DAY: i64 = 1_770_076_800;

/// Ways to ask after a secret that is hidden.
const HIDDEN: [&str; 13] = [
    "a number",
    "a number, negated",
    "a text by its beginning",
    "a pseudonym",
    "a masked container",
    "a time within its day",
    "an amount within its band",
    "whether a value is there",
    "the length of a value",
    "a hidden record, by limits",
    "a hidden record, by resuming",
    "the length of a list",
    "errors and explanations",
];

/// The same ways where the secret is clear.
const CLEAR: [&str; 3] = ["a clear number", "a clear text", "a record, by limits"];

fn from_env(name: &str, default: u64) -> u64 {
    let number = std::env::var(name).ok();
    number.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn agreement() -> String {
    let flow = |purpose: &str, more: &str, budgets: &str, ladders: &str| {
        format!(
            "[[flow]]\nfrom = \"{ALPHA}\"\nto = [\"{}\", \"{}\"]\n\
             record_types = [\"{RECORD}Declaration\"]\npurposes = [\"{purpose}\"]\n\
             case_required = false\npermitted_use = [\"{purpose}\"]\ndelete_after_days = 30\n\
             release_by_originator = false\n{more}\n\
             [flow.budgets]\nqueries_per_day = 10_000_000\nrecords_per_day = 100_000_000\n{budgets}\n\
             [[flow.ladder]]\nfields = [\"ucr\", \"items.quantity\", \"regime\"]\n\
             rungs = [\"clear\", \"withhold\"]\n\n{ladders}",
            ASKER.0, OTHER.0
        )
    };
    let ladder = |field: &str, rung: &str| {
        format!("[[flow.ladder]]\nfields = [\"{field}\"]\nrungs = [\"{rung}\", \"withhold\"]\n\n")
    };
    let ladders = [
        ladder("importer.id", "pseudonymise"),
        ladder("containers", "mask"),
        ladder("accepted_at", "generalise:day"),
        ladder("items.value", "generalise:band"),
    ]
    .concat();
    let matching = "matchable = [\"exporter.id\"]\n";
    format!(
        "id = \"pair\"\nversion = 1\ntitle = \"Attack\"\nlegal_basis = \"A test\"\n\
         parties = [\"{ALPHA}\", \"{BETA}\", \"{}\", \"{}\"]\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n{}{}",
        ASKER.0,
        OTHER.0,
        flow("SHIPMENT_TARGETING", "", "match_probes_per_day = 10_000_000\n", &ladders),
        flow(
            "INVESTIGATION",
            matching,
            &format!("match_probes_per_day = {PROBES}\n"),
            &ladder("exporter.id", "pseudonymise")
        )
    )
}

/// Guesses that the agreement pays for.
const PROBES: u64 = 33;

async fn exchange() -> Pair {
    let settings = "[limits]\nqueries_in_flight = 512\n[telemetry]\nlog = \"off\"\n";
    Pair::up(PairSpec {
        settings: settings.into(),
        agreement: Some(agreement()),
        ..PairSpec::default()
    })
    .await
    .unwrap()
}

fn ucr(record: usize) -> String {
    format!("R{record:05}")
}

/// Secret bits by way and record.
struct Secrets(BTreeMap<&'static str, Vec<bool>>);

impl Secrets {
    fn draw(rng: &mut Rng, records: usize) -> Self {
        let ways = HIDDEN.iter().chain(&CLEAR);
        Self(ways.map(|way| (*way, (0..records).map(|_| rng.chance(50)).collect())).collect())
    }

    fn of(&self, way: &str, record: usize) -> bool {
        self.0[way][record]
    }

    /// What the source holds: for each number a record, and maybe one behind it that others alone may get.
    fn records(&self, rng: &mut Rng, count: usize) -> Vec<source::SourceRecord> {
        (0..count).flat_map(|number| self.record(rng, number)).collect()
    }

    fn record(&self, rng: &mut Rng, number: usize) -> Vec<source::SourceRecord> {
        let bit = |way: &str| self.of(way, number);
        let mut top = |bit: bool| i64::from(bit) * (TOP / 2) + rng.within(1, TOP / 2 - 1);
        let (mass, gross) = (top(bit("a number")), top(bit("a number, negated")));
        let quantity = top(bit("a clear number")).cast_unsigned();
        let letter = |bit: bool| if bit { "n" } else { "b" };
        let remarks = format!("{}{}", letter(bit("a text by its beginning")), rng.text(ALNUM, 9));
        let regime = format!("{}{}", letter(bit("a clear text")), rng.text(ALNUM, 3));
        let importer =
            format!("{}{}", if bit("a pseudonym") { "Z" } else { "A" }, rng.text(ALNUM, 9));
        let digit = if bit("a masked container") { rng.within(5, 9) } else { rng.within(0, 4) };
        let container = format!("ABCU{digit}{}", rng.text(DIGITS, 6));
        let half = |bit: bool, size: i64, rng: &mut Rng| {
            i64::from(bit) * (size / 2) + rng.within(0, size / 2 - 1)
        };
        let seconds = DAY + half(bit("a time within its day"), 86_400, rng);
        let units = 50_000 + half(bit("an amount within its band"), 50_000, rng);
        let length = if bit("the length of a value") { 5_000 } else { 1 };
        let documents = if bit("the length of a list") { 6 } else { 0 };
        let description =
            if bit("whether a value is there") { rng.text(ALNUM, 12) } else { String::new() };
        let rate = if bit("errors and explanations") { 75.0 } else { 25.0 };
        let declaration = record::Declaration {
            ucr: ucr(number),
            regime,
            accepted_at: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            importer: Some(record::TradeParty { id: importer, ..Default::default() }),
            declarant: Some(record::TradeParty {
                name: Some(record::OrganisationName {
                    original: rng.text(ALNUM, length),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            containers: vec![container],
            items: vec![record::DeclarationItem {
                quantity,
                description,
                duty_rate: rate,
                net_mass_grams: mass,
                gross_mass_grams: gross,
                value: Some(record::Money { currency_code: "EUR".into(), units, nanos: 0 }),
                documents: vec![record::DocumentRef { pages: 7, ..Default::default() }; documents],
                ..Default::default()
            }],
            officer_remarks: remarks,
            ..Default::default()
        };
        let one = |place: u64, behind: &str, releasable_to: Vec<String>| {
            let mut declaration = declaration.clone();
            declaration.ucr += behind;
            source::SourceRecord {
                opaque_id: opaque_id(number as u64 * 4 + 1 + place),
                handling: Some(portcullis_proto::handling::v1::Handling {
                    releasable_to,
                    ..handling(ALPHA)
                }),
                payload: declaration.encode_to_vec().into(),
            }
        };
        let mut records = vec![one(0, "", vec![])];
        let others = || vec![OTHER.0.to_owned()];
        records.extend(bit("a hidden record, by limits").then(|| one(1, "", others())));
        records.extend(bit("a hidden record, by resuming").then(|| one(2, "w", others())));
        records.extend(bit("a record, by limits").then(|| one(3, "v", vec![])));
        records
    }
}

/// Traits of one answer, by name.
type Traits = Vec<(String, String)>;

/// What the attacker knows while it asks after one secret.
struct Attack {
    way: &'static str,
    record: usize,
    low: i64,
    high: i64,
    token: String,
    resume: Bytes,
    traits: Traits,
}

impl Attack {
    fn middle(&self) -> i64 {
        i64::midpoint(self.low, self.high)
    }

    /// The next request, in this way, after what came so far.
    fn request(&self, round: usize) -> (bool, wire::QueryRequest) {
        let name = ucr(self.record);
        let this = |more: &str| format!("ucr = '{name}' and {more}");
        let middle = self.middle();
        let on = |text: String| Some(filter("Declaration", &text).unwrap());
        let mut asked = query("Declaration", ShipmentTargeting, "");
        let mut resume_token = Bytes::new();
        let mut explain = false;
        let share = |size: i64| middle * size / TOP;
        asked.filter = match self.way {
            "a number" => on(this(&format!("items.net_mass_grams >= {middle}"))),
            "a clear number" => on(this(&format!("items.quantity >= {middle}"))),
            "a number, negated" => on(this(&format!("not items.gross_mass_grams < {middle}"))),
            "a text by its beginning" => on(this(
                [
                    "officer_remarks prefix 'n'",
                    "officer_remarks >= 'm'",
                    "not officer_remarks in ('b', 'c')",
                    "officer_remarks != 'n'",
                ][round],
            )),
            "a clear text" => on(this(
                ["regime prefix 'n'", "regime >= 'm'", "not regime in ('b', 'c')", "regime != 'n'"]
                    [round],
            )),
            "a pseudonym" if round < 2 && !self.token.is_empty() => {
                // `ucr` lies between the two kinds of importers.
                let operator =
                    if round == 0 { wire::Operator::GreaterOrEqual } else { wire::Operator::Less };
                Some(token_filter("ucr", operator, &self.token))
            }
            "a pseudonym" => on(this(["importer.id prefix 'Z'", "importer.id >= 'M'"][round % 2])),
            "a masked container" => on(this(
                [
                    "containers >= 'ABCU5000000'",
                    "containers prefix 'ABCU5'",
                    "containers != 'ABCU5*******'",
                    "not containers < 'ABCU5'",
                ][round],
            )),
            "a time within its day" => {
                let at = DAY + share(86_400);
                let Ok(at) = time::OffsetDateTime::from_unix_timestamp(at) else { unreachable!() };
                let at = at.format(&time::format_description::well_known::Rfc3339).unwrap();
                on(this(&format!("accepted_at >= '{at}'")))
            }
            "an amount within its band" => {
                on(this(&format!("items.value >= {}", 50_000 + share(50_000))))
            }
            "whether a value is there" if round == 3 => on(this("items.description != ''")),
            "errors and explanations" => {
                explain = round < 2;
                on(this(
                    [
                        "items.duty_rate > 50",
                        "items.duty_rate in (75, 25)",
                        "items.duty_rate > 50.5",
                        "not items.duty_rate = 75",
                    ][round],
                ))
            }
            "a hidden record, by limits" => {
                asked.limit = 1 + round as u32;
                on(format!("ucr = '{name}'"))
            }
            "a record, by limits" => {
                asked.limit = 1 + round as u32;
                on(format!("ucr in ('{name}', '{name}v')"))
            }
            "a hidden record, by resuming" => {
                asked.limit = 1;
                resume_token = self.resume.clone();
                on(format!("ucr in ('{name}', '{name}w', '{}')", ucr(self.record + 1)))
            }
            _ => on(format!("ucr = '{name}'")),
        };
        asked.fields = match (self.way, round) {
            ("whether a value is there", 0) => vec!["items.description".into()],
            ("whether a value is there", 1) => vec!["items".into()],
            ("whether a value is there", 2) => vec!["ucr".into(), "items.description".into()],
            ("the length of a value", 1) => vec!["declarant".into()],
            ("the length of a value", 2) => vec!["ucr".into()],
            ("the length of a list", 1) => vec!["items.documents".into()],
            ("the length of a list", 2) => vec!["items".into()],
            ("a masked container", 3) => vec!["containers".into()],
            _ => asked.fields,
        };
        let request = wire::QueryRequest { resume_token, ..request(asked) };
        (explain, request)
    }

    /// Everything about an answer that can be counted or read, but times and the log's own proofs.
    fn learn(&mut self, round: usize, explain: bool, reply: &Reply) {
        let mut note = |name: &str, value: String| {
            self.traits.push((format!("{round} {name}"), value));
        };
        let status = &reply.status;
        note("status", format!("{:?} {}", status.code(), reason(status)));
        note("text", status.message().to_owned());
        note("details", status.details().len().to_string());
        note("metadata", reply.metadata.len().to_string());
        let mut names: Vec<String> = reply.metadata.keys().map(ToString::to_string).collect();
        names.sort();
        note("names of metadata", names.join(" "));
        if explain {
            note("body", format!("{:?}", reply.body));
            return;
        }
        let mut answer = Answer::default();
        let (mut body, mut sizes) = (&reply.body[..], vec![]);
        while let Some((head, rest)) = body.split_first_chunk::<5>() {
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let message = wire::QueryResponse::decode(&rest[..length]).unwrap();
            if !matches!(message.message, Some(wire::query_response::Message::Receipt(_))) {
                sizes.push(length);
            }
            answer.take(message);
            body = &rest[length..];
        }
        note("sizes", format!("{sizes:?}"));
        note("batches", format!("{:?}", answer.batches));
        note("resume token", answer.resume_token.len().to_string());
        note("plans", answer.plans.len().to_string());
        note("statuses", format!("{:?}", answer.statuses));
        note("records", answer.records.len().to_string());
        let of =
            |one: &wire::ReleasedRecord| (one.payload.len(), one.presence.clone(), one.version);
        note("shapes", format!("{:?}", answer.records.iter().map(of).collect::<Vec<_>>()));
        let receipt = answer.receipt.unwrap_or_default();
        note("receipt", format!("{} {}", receipt.records_released, receipt.cut_reason));
        self.resume = answer.resume_token;
        let first = answer.records.first();
        if let Some(found) = first.and_then(|r| record::Declaration::decode(&r.payload[..]).ok()) {
            self.token = found.importer.map(|importer| importer.id).unwrap_or_default();
            note("answer", format!("{} {:?}", found.containers.concat(), found.accepted_at));
        }
        // Where nothing came, the value lies below: the bisection goes on.
        match first {
            Some(_) => self.low = self.middle(),
            None => self.high = self.middle(),
        }
        let place = format!("{} {}", self.low, self.high);
        self.traits.push((format!("{round} bisected"), place));
    }
}

fn token_filter(path: &str, operator: wire::Operator, token: &str) -> wire::Filter {
    let value = wire::Value { kind: Some(wire::value::Kind::Token(token.to_owned())) };
    let comparison =
        wire::Comparison { path: path.into(), operator: operator.into(), value: Some(value) };
    wire::Filter { node: Some(wire::filter::Node::Comparison(comparison)) }
}

/// Asks after one secret in all rounds.
async fn attack(channel: Channel, way: &'static str, record: usize, token: String) -> Attack {
    let mut attack =
        Attack { way, record, low: 0, high: TOP, token, resume: Bytes::new(), traits: vec![] };
    for round in 0..ROUNDS {
        let (explain, request) = attack.request(round);
        let (path, bytes) = if explain {
            let request = wire::ExplainRequest { query: request.query, ..Default::default() };
            (EXPLAIN, request.encode_to_vec())
        } else {
            (raw::QUERY, request.encode_to_vec())
        };
        let body = raw::frame(0, &bytes);
        let reply = raw::call(channel.clone(), path, &[], body).await.unwrap();
        assert_ne!(reply.status.code(), Code::Unavailable, "the gateway is overloaded");
        attack.learn(round, explain, &reply);
    }
    attack
}

/// Learns from the first half which trait tells the bit, and guesses the second half by it: how many of how
/// many are right, and by what.
fn judge(attacks: &mut [Attack], secrets: &Secrets, rng: &mut Rng) -> (u64, u64, String) {
    attacks.sort_by_key(|attack| attack.record);
    let (told, judged) = attacks.split_at(attacks.len() / 2);
    let mut seen: BTreeMap<&str, HashMap<&str, [u64; 2]>> = BTreeMap::new();
    for attack in told {
        let bit = usize::from(secrets.of(attack.way, attack.record));
        for (name, value) in &attack.traits {
            seen.entry(name).or_default().entry(value).or_default()[bit] += 1;
        }
    }
    let sure = |values: &HashMap<&str, [u64; 2]>| -> u64 {
        // A value that was met once says nothing.
        values.values().filter(|[no, yes]| no + yes > 1).map(|[no, yes]| no.max(yes)).sum()
    };
    let best = |(_, values): &(_, &HashMap<_, _>)| (sure(values), std::cmp::Reverse(values.len()));
    let (best, values) = seen.iter().max_by_key(best).unwrap();
    let right = judged.iter().filter(|attack| {
        let value = attack.traits.iter().find(|(name, _)| name == best).map(|(_, value)| value);
        let guess = match value.and_then(|value| values.get(value.as_str())) {
            Some([no, yes]) if no != yes => yes > no,
            _ => rng.chance(50),
        };
        guess == secrets.of(attack.way, attack.record)
    });
    (right.count() as u64, judged.len() as u64, (*best).to_owned())
}

/// The least number of right guesses out of `n` that a coin reaches with a chance below one in a million.
fn bound(n: u64) -> u64 {
    let ln = |number: u64| (number as f64).ln();
    // ln C(n, k) - n ln 2, from k = n downwards.
    let (mut log, mut tail, mut k) = (-(n as f64) * std::f64::consts::LN_2, 0.0, n);
    loop {
        tail += log.exp();
        if tail >= 1e-6 || k == 0 {
            return k + 1;
        }
        log += ln(k) - ln(n - k + 1);
        k -= 1;
    }
}

#[test]
fn the_bound_is_that_of_a_coin() {
    // 2^-20 is just below one in a million; 64 + 4.8 standard deviations for 128 coins.
    assert_eq!(bound(20), 20);
    assert_eq!(bound(19), 20, "even all right is no proof");
    assert!((90..=92).contains(&bound(128)), "{}", bound(128));
}

#[tokio::test(flavor = "multi_thread")]
async fn bisects_what_is_clear_and_nothing_that_is_hidden() {
    let queries = from_env("PORTCULLIS_ATTACK", 10_000);
    let mut rng = Rng::new(from_env("PORTCULLIS_SEED", 1));
    let ways = HIDDEN.len() + CLEAR.len();
    let count = (queries as usize).div_ceil(ways * ROUNDS).next_multiple_of(2);
    let pair = exchange().await;
    let secrets = Secrets::draw(&mut rng, count);
    let records = secrets.records(&mut rng, count);
    pair.alpha.filters(record_type_of("Declaration").unwrap(), records, 50, Ok(()));
    let tokens = tokens(&pair, count).await;

    let mut channels = vec![];
    for _ in 0..4 {
        channels.push(pair.exchange.channel(ASKER.0, ASKER.1).await.unwrap());
    }
    let mut all = vec![];
    for record in 0..count {
        for way in HIDDEN.iter().chain(&CLEAR) {
            let channel = channels[all.len() % channels.len()].clone();
            all.push(attack(channel, way, record, tokens[&ucr(record)].clone()));
        }
    }
    let made: Vec<Attack> = futures::stream::iter(all).buffer_unordered(64).collect().await;
    let mut by_way: BTreeMap<&str, Vec<Attack>> = BTreeMap::new();
    for attack in made {
        by_way.entry(attack.way).or_default().push(attack);
    }
    let mut told = vec![];
    let mut leaks = vec![];
    for (way, attacks) in &mut by_way {
        let (right, of, by) = judge(attacks, &secrets, &mut rng);
        let line = format!("{way}: {right} of {of} right, by `{by}`");
        // Wrong far too often would be as telling.
        let chance = right < bound(of) && of - right < bound(of);
        let as_it_should = if CLEAR.contains(way) { right == of } else { chance };
        if !as_it_should {
            leaks.push(line.clone());
        }
        told.push(line);
    }
    println!("{} queries\n{}", count * ways * ROUNDS, told.join("\n"));
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    pair.exchange.shut_down().await.unwrap();
}

/// The pseudonyms of the importers, as any answer gives them.
async fn tokens(pair: &Pair, count: usize) -> HashMap<String, String> {
    let mut asked = query("Declaration", ShipmentTargeting, "");
    asked.limit = 1_000_000;
    let answer = pair.exchange.ask(ASKER, request(asked)).await.unwrap();
    assert!(answer.records.len() >= count);
    let found = answer.records.iter().map(|one| {
        let found = record::Declaration::decode(&one.payload[..]).unwrap();
        (found.ucr, found.importer.unwrap().id)
    });
    found.collect()
}

/// What may be matched but not seen is worth as many guesses as the budget pays for, however many ask at
/// once, and none by order, prefix or explanation.
#[tokio::test(flavor = "multi_thread")]
async fn a_matchable_field_is_worth_its_budget_of_guesses() {
    let pair = Arc::new(exchange().await);
    let mut rng = Rng::new(from_env("PORTCULLIS_SEED", 1));
    let secrets: Vec<bool> = (0..60).map(|_| rng.chance(50)).collect();
    let exporter = |bit: bool| if bit { "EXPORTER-1" } else { "EXPORTER-0" };
    let held = |(number, bit): (usize, &bool)| {
        let party = record::TradeParty { id: exporter(*bit).into(), ..Default::default() };
        let declaration =
            record::Declaration { ucr: ucr(number), exporter: Some(party), ..Default::default() };
        source::SourceRecord {
            opaque_id: opaque_id(number as u64 + 1),
            handling: Some(handling(ALPHA)),
            payload: declaration.encode_to_vec().into(),
        }
    };
    let records = secrets.iter().enumerate().map(held).collect();
    pair.alpha.filters(record_type_of("Declaration").unwrap(), records, 50, Ok(()));
    let ask = |text: String| {
        let pair = Arc::clone(&pair);
        async move {
            let mut asked = query("Declaration", Investigation, "");
            asked.filter = Some(filter("Declaration", &text).unwrap());
            asked.fields = vec!["ucr".into()];
            pair.exchange.ask(ASKER, request(asked)).await
        }
    };
    // Free, and worth nothing.
    for text in [
        "exporter.id prefix 'EXPORTER-1'",
        "exporter.id >= 'EXPORTER-1'",
        "not exporter.id < 'EXPORTER-1'",
        "exporter.name.original = 'EXPORTER-1'",
    ] {
        let refused = ask(text.to_owned()).await.err().unwrap();
        assert_eq!(reason(&refused), "FIELD_NOT_USABLE", "{text}");
    }
    // Three guesses in a list cost three.
    let listed = ask("exporter.id in ('A', 'B', 'EXPORTER-1')".into()).await.unwrap();
    assert_eq!(listed.records.len(), secrets.iter().filter(|bit| **bit).count());
    let one =
        |number: usize| ask(format!("ucr = '{}' and exporter.id = 'EXPORTER-1'", ucr(number)));
    let asked = futures::future::join_all((0..secrets.len()).map(one)).await;
    let mut bits = 0;
    for (answer, bit) in asked.iter().zip(&secrets) {
        match answer {
            Ok(answer) => {
                assert_eq!(answer.records.len(), usize::from(*bit));
                bits += 1;
            }
            Err(refused) => assert_eq!(reason(refused), "BUDGET_EXHAUSTED"),
        }
    }
    assert_eq!(bits, PROBES - 3, "a bit a guess, and no guess more than was paid for");
    let refused = ask("exporter.id in ('EXPORTER-0')".into()).await.err().unwrap();
    assert_eq!(reason(&refused), "BUDGET_EXHAUSTED");
    // What needs no guess is still answered, and its answer says nothing of the exporter.
    let answer = ask("ucr prefix 'R'".into()).await.unwrap();
    assert_eq!(answer.records.len(), secrets.len());
}
