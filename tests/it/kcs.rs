//! The public customs declarations, all 54,000 of them, through a whole exchange: what comes out is held
//! against the CSV files, read here by code that shares nothing with the gateway or its source.
//!
//! Proto3 cannot tell a zero from nothing, so a mass of 0.0 kg is served as no mass at all: no comparison
//! finds it, and only the negation of one does. [`Row::grams`] is `None` there and the filters below count
//! accordingly.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis::clock::Clock;
use portcullis::command::playground::sample_world;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::record::v1::{Declaration, Inspection, InspectionOutcome, Money};
use portcullis_tests::{Answer, Exchange, filter, public_declarations, query, reason, request};
use prost::Message as _;

const PARTNER: (&str, &str) = ("pcs", "targeting");
const HOLDER: (&str, &str) = ("kcs", "desk");
const EVERYTHING: u32 = 1_000_000;

/// A row of the CSV files, as text where the gateway's own types could hide a mistake.
struct Row {
    id: String,
    date: String,
    importer: String,
    hs: String,
    departure: String,
    origin: String,
    transport: String,
    process: String,
    marking: String,
    /// None where the file says 0.0.
    grams: Option<i64>,
    price: String,
    critical: String,
    hidden: Vec<String>,
}

impl Row {
    fn month(&self) -> &str {
        &self.date[..7]
    }

    /// Seconds since 1970 of the day's midnight.
    fn seconds(&self) -> i64 {
        let part = |at: std::ops::Range<usize>| self.date[at].parse::<i64>().unwrap();
        let (year, month, day) = (part(0..4), part(5..7), part(8..10));
        // Days from civil: March is the first month.
        let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
        days * 86_400
    }
}

fn rows(folder: &Path) -> Vec<Row> {
    let mut rows = vec![];
    for name in ["train", "valid", "test"] {
        let mut file =
            csv::Reader::from_path(folder.join(format!("df_syn_{name}_eng.csv"))).unwrap();
        for row in file.deserialize() {
            let row: BTreeMap<String, String> = row.unwrap();
            let of = |column: &str| row[column].clone();
            let (kilos, tenth) = row["Net Mass"].split_once('.').unwrap();
            assert_eq!(tenth.len(), 1);
            let grams = (kilos.to_owned() + tenth).parse::<i64>().unwrap() * 100;
            rows.push(Row {
                id: of("Declaration ID"),
                date: of("Date"),
                importer: of("Importer ID"),
                hs: of("HS6 Code"),
                departure: of("Country of Departure"),
                origin: of("Country of Origin"),
                transport: of("Mode of Transport"),
                process: of("Process Type"),
                marking: of("Country of Origin Indicator"),
                grams: (grams != 0).then_some(grams),
                price: of("Item Price"),
                critical: of("Critical Fraud"),
                hidden: [
                    "Declaration ID",
                    "Importer ID",
                    "Declarant ID",
                    "Seller ID",
                    "Courier ID",
                    "Item Price",
                ]
                .map(of)
                .to_vec(),
            });
        }
    }
    rows
}

async fn exchange(data: &Path) -> Exchange {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = sample_world(dir.path(), Some(data)).unwrap();
    // Small batches, so that there are many.
    spec.settings.push_str("[limits]\nbatch_bytes = 65536\n");
    Exchange::build(dir, &spec, Clock::system()).await.unwrap()
}

fn targeting(expression: &str) -> wire::Query {
    let mut asked = query("Declaration", wire::Purpose::ShipmentTargeting, "");
    asked.limit = EVERYTHING;
    if !expression.is_empty() {
        asked.filter = Some(filter("Declaration", expression).unwrap());
    }
    asked
}

fn declarations(answer: &Answer) -> Vec<Declaration> {
    answer.records.iter().map(|one| Declaration::decode(one.payload.clone()).unwrap()).collect()
}

/// Asks, and keeps every byte that the requester can see, pseudonyms as what they are made of: their text
/// is random letters, in which any seven can turn up.
async fn seen(exchange: &Exchange, asked: wire::Query) -> (Answer, Vec<Vec<u8>>) {
    let channel = exchange.channel(PARTNER.0, PARTNER.1).await.unwrap();
    let response = QueryServiceClient::new(channel).query(request(asked)).await.unwrap();
    let mut bytes = vec![format!("{:?}", response.metadata()).into_bytes()];
    let mut stream = response.into_inner();
    let mut answer = Answer::default();
    while let Some(message) = stream.message().await.unwrap() {
        bytes.push(without_tokens(&message.encode_to_vec()));
        answer.take(message);
    }
    bytes.push(format!("{:?}", stream.trailers().await.unwrap()).into_bytes());
    (answer, bytes)
}

/// Pseudonyms begin alike (version and epoch), and are base64.
fn without_tokens(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (vec![], bytes);
    while let Some(at) = rest.windows(4).position(|four| four == b"AQAB") {
        let (before, token) = rest.split_at(at);
        out.extend_from_slice(before);
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
        let end = token.iter().position(|byte| !word(byte)).unwrap_or(token.len());
        // What follows a token in the bytes may look like more of it: the decoder takes whole groups.
        let text = &token[..end];
        let decoded = (0..4).find_map(|cut| URL_SAFE_NO_PAD.decode(&text[..end - cut]).ok());
        out.extend(decoded.unwrap_or_else(|| text.to_vec()));
        out.extend_from_slice(&token[end.saturating_sub(3)..end]);
        rest = &token[end..];
    }
    out.extend_from_slice(rest);
    out
}

/// Which of the needles stand in some bytes.
fn found<'a>(needles: &'a HashSet<Vec<u8>>, haystacks: &[Vec<u8>]) -> BTreeSet<&'a [u8]> {
    let lengths: BTreeSet<usize> = needles.iter().map(Vec::len).collect();
    let shortest = *lengths.first().unwrap();
    let mut found = BTreeSet::new();
    for bytes in haystacks {
        // Every needle is of such letters only, so that nothing else need be looked at.
        let of_needles = |byte: &u8| byte.is_ascii_uppercase() || b".0123456789".contains(byte);
        for run in bytes.split(|byte| !of_needles(byte)).filter(|run| run.len() >= shortest) {
            for length in &lengths {
                for window in run.windows(*length) {
                    if let Some(needle) = needles.get(window) {
                        found.insert(needle.as_slice());
                    }
                }
            }
        }
    }
    found
}

#[test]
fn the_search_for_hidden_values_finds_what_is_there() {
    let needles = HashSet::from([b"ABC1234".to_vec(), b"1248.75".to_vec()]);
    let hidden = |text: &str| found(&needles, &[without_tokens(text.as_bytes())]).len();
    assert_eq!(hidden("..ABC1234.."), 1);
    assert_eq!(hidden("xABC12345 1248.75"), 2);
    let token = URL_SAFE_NO_PAD.encode(b"\x01\x00\x01 ABC1234 !");
    assert_eq!(hidden(&format!("a{token}\x12b")), 1);
    assert_eq!(hidden("AQABABC1234A ABC123 1248.7"), 0);
}

/// Is an amount the lower edge of a 1-2-5 band (or nothing)?
fn is_edge(money: &Money) -> bool {
    let nanos = i128::from(money.units) * 1_000_000_000 + i128::from(money.nanos);
    let digits = nanos.to_string();
    nanos == 0 || ["1", "2", "5"].contains(&digits.trim_end_matches('0'))
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_every_declaration_and_hides_what_is_to_be_hidden() {
    let Some(data) = public_declarations() else { return };
    let rows = rows(&data);
    assert_eq!(rows.len(), 54_000);
    let by_id: HashMap<&str, &Row> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let exchange = exchange(&data).await;

    let (answer, bytes) = seen(&exchange, targeting("")).await;
    let header = answer.header.as_ref().unwrap();
    assert_eq!(header.agreement_id, "kcs-pcs");
    let receipt = answer.receipt.as_ref().unwrap();
    assert_eq!((receipt.records_released, receipt.cut_reason.as_str()), (54_000, ""));
    assert_eq!(answer.records.len(), 54_000);
    assert!(answer.batches.len() > 100, "{} batches", answer.batches.len());

    // The plan: what is withheld, and what is shown in another form.
    let treatment: BTreeMap<&str, wire::Treatment> =
        answer.plans[0].fields.iter().map(|one| (one.path.as_str(), one.treatment())).collect();
    assert_eq!(answer.plans.len(), 1);
    for path in
        ["exporter.id", "payment_method", "items.duty_rate", "items.duty_regime", "officer_remarks"]
    {
        assert_eq!(treatment[path], wire::Treatment::Withhold, "{path}");
    }
    for path in ["id", "importer.id"] {
        assert_eq!(treatment[path], wire::Treatment::Pseudonymise, "{path}");
    }
    for path in ["office", "use", "carrier.id"] {
        assert_eq!(treatment[path], wire::Treatment::Presence, "{path}");
    }

    // No hidden value in any byte. Values shorter than seven letters turn up by chance.
    let needles: HashSet<Vec<u8>> = rows
        .iter()
        .flat_map(|row| &row.hidden)
        .filter(|value| value.len() >= 7)
        .map(|value| value.clone().into_bytes())
        .collect();
    assert!(needles.len() > 90_000, "{}", needles.len());
    let escaped = found(&needles, &bytes);
    assert!(escaped.is_empty(), "{} hidden values came out", escaped.len());

    // The holder sees the same records in the same order, clear: so each can be held against its row.
    let mut own = query("Declaration", wire::Purpose::Investigation, "");
    own.limit = EVERYTHING;
    let own = exchange.ask(HOLDER, request(own)).await.unwrap();
    assert_eq!(own.records.len(), 54_000);
    let (clear, shown) = (declarations(&own), declarations(&answer));
    let (mut tokens, mut importers) = (HashMap::new(), HashMap::new());
    let mut ids = HashSet::new();
    for (clear, shown) in clear.iter().zip(&shown) {
        let row = by_id[clear.id.as_str()];
        let importer = &clear.importer.as_ref().unwrap().id;
        assert_eq!(*importer, row.importer);
        assert!(ids.insert(&row.id), "a row came twice");
        let token = shown.importer.as_ref().unwrap().id.clone();
        assert_eq!(tokens.entry(token.clone()).or_insert(&row.importer), &&row.importer);
        assert_eq!(importers.entry(&row.importer).or_insert(token.clone()), &token);
        assert_ne!(shown.id, row.id);
        let item = &shown.items[0];
        assert_eq!((&item.hs_code, &item.country_of_origin), (&row.hs, &row.origin));
        assert_eq!(shown.country_of_departure, row.departure);
        assert_eq!((&shown.process, &item.origin_marking), (&row.process, &row.marking));
        assert_eq!(shown.transport_mode, row.transport[..1]);
        assert_eq!(item.net_mass_grams, row.grams.unwrap_or(0));
        assert_eq!(shown.accepted_at.unwrap().seconds, row.seconds());
        assert!(shown.exporter.is_none() && shown.payment_method.is_empty());
        assert!(item.duty_rate == 0.0 && item.duty_regime.is_empty());
        assert!(shown.office.is_empty() && shown.r#use.is_empty() && shown.carrier.is_none());
        assert!(shown.declarant.as_ref().unwrap().id.chars().all(|letter| letter == '*'));
        let (band, exact) = (item.value.as_ref().unwrap(), clear.items[0].value.as_ref().unwrap());
        let price: f64 = row.price.parse().unwrap();
        let amount = exact.units as f64 + f64::from(exact.nanos) / 1e9;
        // Served to two places.
        assert!((amount - price).abs() < 0.006, "{amount} for {price}");
        assert!(is_edge(band) && band.units as f64 <= amount, "{}", row.id);
    }
    assert_eq!(ids.len(), 54_000);
    let distinct: HashSet<&str> = rows.iter().map(|row| row.importer.as_str()).collect();
    assert_eq!(tokens.len(), distinct.len());
    let ids: HashSet<&str> = shown.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), 54_000, "each declaration has a token of its own");

    // The same in pages of at most 9,000.
    let mut page = targeting("");
    page.limit = 9_000;
    let mut paged = vec![];
    let mut resume_token = bytes::Bytes::new();
    for turn in 0.. {
        let mut asked = request(page.clone());
        asked.resume_token = resume_token;
        let part = exchange.ask(PARTNER, asked).await.unwrap();
        resume_token = part.resume_token.clone();
        assert!(part.records.len() <= 9_000);
        paged.extend(part.records);
        if part.receipt.unwrap().cut_reason.is_empty() {
            break;
        }
        assert!(turn < 8, "the pages do not end");
    }
    let all = |records: &[wire::ReleasedRecord]| -> Vec<(String, bytes::Bytes)> {
        records.iter().map(|one| (one.reference.clone(), one.payload.clone())).collect()
    };
    assert!(all(&paged) == all(&answer.records), "the pages are not the whole");
    exchange.shut_down().await.unwrap();
}

/// Filters over fields that the partner may use, each beside the same question to a row.
type Case = (&'static str, fn(&Row) -> bool);
const CASES: &[Case] = &[
    ("items.hs_code prefix 85", |row| row.hs.starts_with("85")),
    ("items.hs_code prefix 8517", |row| row.hs.starts_with("8517")),
    ("items.hs_code prefix 851762", |row| row.hs == "851762"),
    ("items.hs_code = 420231", |row| row.hs == "420231"),
    ("items.hs_code in (870899, 392690, 852352)", |row| {
        ["870899", "392690", "852352"].contains(&row.hs.as_str())
    }),
    ("items.country_of_origin = VN", |row| row.origin == "VN"),
    ("items.country_of_origin in (IR, RU, ZZ, BY)", |row| {
        ["IR", "RU", "ZZ", "BY"].contains(&row.origin.as_str())
    }),
    ("country_of_departure = SG", |row| row.departure == "SG"),
    ("country_of_departure in (HK, MO)", |row| ["HK", "MO"].contains(&row.departure.as_str())),
    ("country_of_departure = HK and items.country_of_origin != CN", |row| {
        row.departure == "HK" && row.origin != "CN"
    }),
    ("accepted_at >= 2021-06-01", |row| row.date.as_str() >= "2021-06-01"),
    ("accepted_at >= 2020-02-01 and accepted_at < 2020-03-01", |row| row.month() == "2020-02"),
    ("accepted_at = 2020-12-31", |row| row.date == "2020-12-31"),
    ("items.net_mass_grams > 1000000", |row| row.grams.is_some_and(|grams| grams > 1_000_000)),
    // A mass of zero is none: not among the light ones, but among those that are not heavy.
    ("items.net_mass_grams <= 100", |row| row.grams.is_some_and(|grams| grams <= 100)),
    ("not items.net_mass_grams > 100", |row| row.grams.is_none_or(|grams| grams <= 100)),
    ("items.net_mass_grams >= 1500 and items.net_mass_grams < 2500", |row| {
        row.grams.is_some_and(|grams| (1_500..2_500).contains(&grams))
    }),
    (
        "(items.hs_code prefix 84 or items.hs_code prefix 90) and items.country_of_origin = DE \
         and not country_of_departure = DE",
        |row| {
            (row.hs.starts_with("84") || row.hs.starts_with("90"))
                && row.origin == "DE"
                && row.departure != "DE"
        },
    ),
    ("transport_mode = 4 and process = B and items.net_mass_grams < 5000", |row| {
        row.transport == "40" && row.process == "B" && row.grams.is_some_and(|grams| grams < 5_000)
    }),
    (
        "not (items.country_of_origin in (CN, US, JP, DE) or items.hs_code < 840000) \
         and (accepted_at < 2020-07-01 or items.origin_marking = G)",
        |row| {
            !(["CN", "US", "JP", "DE"].contains(&row.origin.as_str()) || row.hs.as_str() < "840000")
                && (row.date.as_str() < "2020-07-01" || row.marking == "G")
        },
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn counts_of_filters_are_those_of_the_files() {
    let Some(data) = public_declarations() else { return };
    let rows = rows(&data);
    let exchange = exchange(&data).await;
    assert!(CASES.len() >= 20);
    for (expression, holds) in CASES {
        let expected: Vec<&Row> = rows.iter().filter(|row| holds(row)).collect();
        // A filter that finds nothing, or everything, would prove little.
        assert!((1..54_000).contains(&expected.len()), "{expression}: {}", expected.len());
        let mut asked = targeting(expression);
        asked.fields = vec!["items.hs_code".to_owned()];
        let answer = exchange.ask(PARTNER, request(asked)).await.unwrap();
        assert_eq!(answer.receipt.as_ref().unwrap().cut_reason, "", "{expression}");
        assert_eq!(answer.records.len(), expected.len(), "{expression}");
        let mut codes: Vec<String> =
            declarations(&answer).into_iter().map(|mut one| one.items.remove(0).hs_code).collect();
        let mut known: Vec<String> = expected.iter().map(|row| row.hs.clone()).collect();
        codes.sort();
        known.sort();
        assert!(codes == known, "{expression}: other records");
    }
    exchange.shut_down().await.unwrap();
}

async fn probes(exchange: &Exchange) -> (u64, u64) {
    let channel = exchange.channel(PARTNER.0, PARTNER.1).await.unwrap();
    let explained = QueryServiceClient::new(channel)
        .explain(wire::ExplainRequest { query: Some(targeting("")), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    let budget = explained.budgets.into_iter().find(|one| one.name.ends_with("match_probes"));
    budget.map(|one| (one.used, one.limit)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_quoted_back_finds_its_importer_at_the_price_of_a_probe() {
    let Some(data) = public_declarations() else { return };
    let rows = rows(&data);
    let exchange = exchange(&data).await;
    let first = exchange
        .ask(PARTNER, request(targeting("items.hs_code prefix 8517 and accepted_at < 2020-02-01")))
        .await
        .unwrap();
    let mut tokens: Vec<String> =
        declarations(&first).into_iter().map(|one| one.importer.unwrap().id).collect();
    tokens.sort();
    tokens.dedup();
    let suspects: HashSet<&str> = rows
        .iter()
        .filter(|row| row.hs.starts_with("8517") && row.month() == "2020-01")
        .map(|row| row.importer.as_str())
        .collect();
    assert_eq!(tokens.len(), suspects.len());
    let mut expected: Vec<usize> = suspects
        .iter()
        .map(|importer| rows.iter().filter(|row| row.importer == *importer).count())
        .collect();
    assert_eq!(probes(&exchange).await, (0, 1_000));
    let mut counts = vec![];
    for token in &tokens {
        let answer = exchange
            .ask(PARTNER, request(targeting(&format!("importer.id = token:\"{token}\""))))
            .await
            .unwrap();
        let found = declarations(&answer);
        assert!(found.iter().all(|one| one.importer.as_ref().unwrap().id == *token));
        counts.push(found.len());
    }
    counts.sort_unstable();
    expected.sort_unstable();
    assert_eq!(counts, expected);
    assert_eq!(probes(&exchange).await, (tokens.len() as u64, 1_000));

    // A token of another kind of field, and one that is none, are refused alike.
    let other = format!("importer.id = token:\"{}\"", first.records[0].reference);
    let no_token = "importer.id = token:\"AQABAAAA\"".to_owned();
    for expression in [other, no_token] {
        let refused = exchange.ask(PARTNER, request(targeting(&expression))).await.err().unwrap();
        assert_eq!(reason(&refused), "TOKEN_NOT_USABLE", "{expression}");
    }
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_for_the_holder_alone() {
    let Some(data) = public_declarations() else { return };
    let rows = rows(&data);
    let exchange = exchange(&data).await;
    for case in ["", "KCS-7"] {
        let mut asked = query("Inspection", wire::Purpose::Investigation, case);
        asked.limit = EVERYTHING;
        asked.fields = vec!["declaration_id".to_owned(), "outcome".to_owned()];
        let answer = exchange.ask(HOLDER, request(asked)).await.unwrap();
        assert_eq!(answer.header.as_ref().unwrap().agreement_id, "kcs-internal");
        let mut found = BTreeMap::new();
        let mut ids = HashMap::new();
        for record in &answer.records {
            let inspection = Inspection::decode(record.payload.clone()).unwrap();
            *found.entry(inspection.outcome()).or_insert(0_u32) += 1;
            ids.insert(inspection.declaration_id.clone(), inspection.outcome());
        }
        let word = |row: &Row| match row.critical.as_str() {
            "0" => InspectionOutcome::Conforming,
            "1" => InspectionOutcome::Irregular,
            "2" => InspectionOutcome::Critical,
            other => panic!("{other}"),
        };
        let mut expected = BTreeMap::new();
        for row in &rows {
            *expected.entry(word(row)).or_insert(0) += 1;
            assert!(ids[&row.id] == word(row));
        }
        assert!(found == expected, "other outcomes");
        assert_eq!(found[&InspectionOutcome::Critical], 545);
        // The critical ones travel under a code of their own: two plans.
        assert_eq!(answer.plans.len(), 2);
    }
    for purpose in [wire::Purpose::ShipmentTargeting, wire::Purpose::Investigation] {
        for case in ["", "KCS-7"] {
            let asked = request(query("Inspection", purpose, case));
            let refused = exchange.ask(PARTNER, asked).await.err().unwrap();
            assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{refused}");
        }
        let mut named = query("Inspection", purpose, "");
        named.agreement_id = "kcs-internal".to_owned();
        named.sources = vec!["kcs".to_owned()];
        let refused = exchange.ask(PARTNER, request(named)).await.err().unwrap();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{refused}");
    }
    exchange.shut_down().await.unwrap();
}
