//! Twin worlds (law 2): two exchanges of equal configuration whose sources hold different records of equal
//! permitted images. Whatever script of queries is run, both answer byte for byte alike. Only what
//! redaction.md exempts is made equal first: exchange ids, entries and proofs of the log, sealed resume tokens,
//! and pseudonyms renamed one for one. The clock of both stands still.
//!
//! `PORTCULLIS_TWINS` is the number of pairs of worlds, `PORTCULLIS_SEED` where their seeds begin.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use portcullis::clock::Clock;
use portcullis_core::label::RecordType;
use portcullis_proto::audit::v1 as audit;
use portcullis_proto::handling::v1 as handling;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::source::v1 as source;
use portcullis_tests::pair::{ALPHA, ASKER, BETA, OTHER, Pair, PairSpec};
use portcullis_tests::raw::{self, Reply};
use portcullis_tests::rng::{ALNUM, Rng};
use portcullis_tests::twin::{Image, Maker, Renaming};
use portcullis_tests::{RECORD, query, record_type_of};
use prost::Message as _;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use wire::Purpose::{EndUseCheck, Investigation, ShipmentTargeting};
use wire::query_response::Message;

const EXPLAIN: &str = "/portcullis.query.v1.QueryService/Explain";
const LIST: &str = "/portcullis.audit.v1.AuditService/ListEntries";

/// Fields that this handling code hides although they are clear otherwise.
const HIDING: &str = "H9";
const HIDDEN_BY_CODE: [&str; 2] = ["ucr", "items.country_of_origin"];

/// Small enough to run out within some scripts.
const BUDGETS: &str = "queries_per_day = 6\nrecords_per_day = 30\nmatch_probes_per_day = 3\n";

const SETTINGS: &str = "[limits]\nbatch_bytes = 700\nrecord_bytes = 8192\n\
    source_message_bytes = 4194304\ndefault_limit = 50\n[telemetry]\nlog = \"off\"\n";

fn cases() -> u64 {
    let number = std::env::var("PORTCULLIS_TWINS").ok();
    number.map_or(200, |text| text.parse().expect("PORTCULLIS_TWINS is a number"))
}

fn first_seed() -> u64 {
    let number = std::env::var("PORTCULLIS_SEED").ok();
    number.map_or(1, |text| text.parse().expect("PORTCULLIS_SEED is a number"))
}

/// Every treatment, on either source others; two purposes show different things.
fn agreement() -> String {
    let ladder = |fields: &str, rung: &str| {
        let fields: Vec<String> = fields.split(' ').map(|field| format!("\"{field}\"")).collect();
        format!(
            "[[flow.ladder]]\nfields = [{}]\nrungs = [\"{rung}\", \"withhold\"]\n\n",
            fields.join(", ")
        )
    };
    let flow = |from: &str, purpose: &str, ladders: &[(&str, &str)]| {
        let ladders: String = ladders.iter().map(|(fields, rung)| ladder(fields, rung)).collect();
        format!(
            "[[flow]]\nfrom = \"{from}\"\nto = [\"{}\", \"{}\"]\n\
             record_types = [\"{RECORD}Declaration\"]\npurposes = [\"{purpose}\"]\n\
             case_required = true\npermitted_use = [\"{purpose}\", \"JUDICIAL_USE\"]\n\
             delete_after_days = 30\nrelease_by_originator = true\n\
             matchable = [\"importer.id\", \"exporter.id\"]\n\n[flow.budgets]\n{BUDGETS}\n{ladders}",
            ASKER.0, OTHER.0
        )
    };
    let both = [
        (
            "ucr direction transport_mode items.sequence items.country_of_origin items.quantity",
            "clear",
        ),
        ("importer.country vessel_imo items.duty_rate declarant", "clear"),
        ("importer.id exporter.id importer.name.original items.documents.id", "pseudonymise"),
        ("containers", "mask"),
        ("officer_remarks items.control_code", "presence"),
    ];
    let alpha = [
        ("items.hs_code", "generalise:heading"),
        ("accepted_at", "generalise:day"),
        ("items.value items.net_mass_grams", "generalise:band"),
        ("examined_at", "generalise:cell_1"),
        ("port_of_loading importer.address", "generalise:country"),
        ("items.licence_id id exporter.name.original", "mask"),
        ("carrier", "presence"),
    ];
    let beta = [
        ("items.hs_code", "generalise:chapter"),
        ("accepted_at", "generalise:month"),
        ("items.value", "presence"),
        ("items.net_mass_grams", "generalise:band"),
        ("examined_at", "generalise:cell_0_1"),
        ("port_of_loading", "generalise:country"),
        ("items.licence_id", "pseudonymise"),
        ("items.documents.pages carrier.country", "clear"),
    ];
    let other = [
        ("ucr items.hs_code", "clear"),
        ("accepted_at", "generalise:year"),
        ("importer.id exporter.id end_user.id", "pseudonymise"),
        ("containers id", "mask"),
        ("items.value examined_at", "presence"),
    ];
    let flows: Vec<String> = vec![
        // What no ladder names is withheld: descriptions, duty regimes, offices, ..
        flow(ALPHA, "SHIPMENT_TARGETING", &[&both[..], &alpha[..]].concat()),
        flow(BETA, "SHIPMENT_TARGETING", &[&both[..], &beta[..]].concat()),
        flow(ALPHA, "INVESTIGATION", &other),
        flow(BETA, "INVESTIGATION", &[&other[..], &[("officer_remarks", "clear")]].concat()),
    ];
    format!(
        "id = \"pair\"\nversion = 1\ntitle = \"Twins\"\nlegal_basis = \"A test\"\n\
         parties = [\"{ALPHA}\", \"{BETA}\", \"{}\", \"{}\"]\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n{}",
        ASKER.0,
        OTHER.0,
        flows.concat()
    )
}

fn policy() -> String {
    let paths: Vec<String> = HIDDEN_BY_CODE.iter().map(|path| format!("\"{path}\"")).collect();
    format!(
        "@id(\"twins:hiding\")\nforbid (principal, action in Action::\"learn\", resource)\n\
         when {{ context.handling.handling_code == \"{HIDING}\" && [{}].contains(resource.path) }};\n",
        paths.join(", ")
    )
}

fn case_id(number: u64) -> String {
    format!("CASE-{number:05}")
}

/// Both exchanges.
struct Twins {
    worlds: [Pair; 2],
    channels: [Channel; 2],
    listed: [u64; 2],
    maker: Maker,
    record_type: Arc<RecordType>,
}

impl Twins {
    async fn up(cases: u64) -> Self {
        let clock = Clock::manual(Clock::system().now());
        let opens = "2020-01-01T00:00:00Z";
        let table = |number| {
            format!(
                "[[cases]]\nid = \"{}\"\nmembers = [\"{}\", \"{ALPHA}\", \"{BETA}\"]\nopens = \"{opens}\"\n\n",
                case_id(number),
                ASKER.0
            )
        };
        let cases: String = (0..cases).map(table).collect();
        let spec = || PairSpec {
            settings: SETTINGS.to_owned(),
            agreement: Some(agreement()),
            cases: cases.clone(),
            policy: Some(policy()),
            pseudonym_keys: Some(format!("1 {}\n", "5a".repeat(32)).into_bytes()),
            max_sensitivity: "SECRET".into(),
            clock: clock.clone(),
            ..PairSpec::default()
        };
        let worlds = [Pair::up(spec()).await.unwrap(), Pair::up(spec()).await.unwrap()];
        let mut channels = vec![];
        for world in &worlds {
            channels.push(world.exchange.channel(ASKER.0, ASKER.1).await.unwrap());
        }
        let record_type = record_type_of("Declaration").unwrap();
        let few = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let common = HashMap::from([
            ("ucr".to_owned(), few(&["U1", "U2", "U3", "U4", "V1", "V2"])),
            ("items.hs_code".to_owned(), few(&["850440", "854231", "850490", "930190"])),
            ("importer.id".to_owned(), few(&["IMP1", "IMP2", "IMP3"])),
            ("exporter.id".to_owned(), few(&["IMP1", "EXP2", "EXP3"])),
        ]);
        let maker = Maker { record_type: record_type.clone(), common };
        let channels = channels.try_into().unwrap_or_else(|_| unreachable!());
        Self { worlds, channels, listed: [0; 2], maker, record_type }
    }

    /// What the requester sees of ordinary records of a source, as the gateway itself explains it.
    async fn images(&self, purpose: wire::Purpose, case: &str) -> BTreeMap<&'static str, Image> {
        let asked = query("Declaration", purpose, case);
        let request = wire::ExplainRequest { query: Some(asked), ..Default::default() };
        let body = raw::frame(0, &request.encode_to_vec());
        let reply = raw::call(self.channels[0].clone(), EXPLAIN, &[], body).await.unwrap();
        let explained = wire::ExplainResponse::decode(&reply.body[5..]).unwrap();
        [ALPHA, BETA]
            .into_iter()
            .map(|agency| {
                let plan = explained.plans.iter().find(|plan| plan.originator == agency).unwrap();
                (agency, Image::of(plan))
            })
            .collect()
    }

    /// New records for both worlds; gives what is released at most.
    async fn stock(&self, rng: &mut Rng, purpose: wire::Purpose, case: &str) {
        let images = self.images(purpose, case).await;
        let mut names = Renaming::default();
        for agency in [ALPHA, BETA] {
            let mut held: [Vec<source::SourceRecord>; 2] = [vec![], vec![]];
            for _ in 0..rng.below(14) {
                let mut handling = handling::Handling {
                    originator: agency.into(),
                    environment: handling::Environment::Exercise.into(),
                    version: 1 + rng.below(300),
                    tlp: if rng.chance(15) { 3 } else { 0 },
                    ..Default::default()
                };
                if rng.chance(10) {
                    handling.releasable_to = vec![ASKER.0.into(), OTHER.0.into()];
                }
                if rng.chance(10) {
                    handling.compartments = vec![case.to_owned()];
                }
                let mut image = images[agency].clone();
                if rng.chance(25) {
                    handling.handling_code = HIDING.into();
                    image = image.without(&HIDDEN_BY_CODE);
                }
                let length = 16 + rng.below(17) as usize;
                let id = rng.bytes(length);
                let one = self.maker.fill(rng);
                let two = self.maker.twin(rng, &one, &image, &mut names);
                for (world, payload) in [one, two].into_iter().enumerate() {
                    held[world].push(source::SourceRecord {
                        opaque_id: id.clone().into(),
                        handling: Some(handling.clone()),
                        payload: payload.encode_to_vec().into(),
                    });
                }
            }
            let fails = rng.chance(10).then(|| *rng.pick(&[Code::Internal, Code::Unavailable]));
            for (world, mut records) in held.into_iter().enumerate() {
                for _ in 0..rng.below(12) {
                    records.push(self.dropped(rng, agency));
                }
                records.sort_by(|one, two| one.opaque_id.cmp(&two.opaque_id));
                let world = &self.worlds[world];
                let fake = if agency == ALPHA { &world.alpha } else { &world.beta };
                let words = rng.text(ALNUM, 30);
                let ending = fails.map_or(Ok(()), |code| Err(Status::new(code, words)));
                let per_batch = 1 + rng.below(9) as usize;
                fake.filters(self.record_type.clone(), records, per_batch, ending);
            }
        }
    }

    /// A record that nobody gets: not released, or refused.
    fn dropped(&self, rng: &mut Rng, agency: &str) -> source::SourceRecord {
        let mut record = source::SourceRecord {
            opaque_id: rng.bytes(16).into(),
            handling: Some(handling::Handling {
                originator: agency.into(),
                environment: handling::Environment::Exercise.into(),
                handling_code: rng.text(b"AB", 1),
                version: rng.below(9),
                ..Default::default()
            }),
            payload: self.maker.fill(rng).encode_to_vec().into(),
        };
        let handling = record.handling.as_mut().unwrap();
        match rng.below(8) {
            0 => handling.releasable_to = vec![OTHER.0.into()],
            1 => handling.compartments = vec!["OP-OTHER".into()],
            2 => handling.permitted_use = vec!["STATISTICS".into()],
            3 => handling.environment = handling::Environment::Production.into(),
            4 => {
                handling.delete_by = Some(prost_types::Timestamp { seconds: 1_000, nanos: 0 });
            }
            5 => handling.originator = OTHER.0.into(),
            6 => {
                // A field of the record type that is cut off.
                record.payload = [&record.payload[..], &[0xc2, 0x01, 0x7f]].concat().into();
            }
            _ => {
                record.payload =
                    [&record.payload[..], &[0xc2, 0x01, 0x02, 0xff, 0xfe]].concat().into();
            }
        }
        record
    }

    /// Runs one script in both worlds and tells the first difference.
    async fn run(&mut self, seed: u64, number: u64) -> Seen {
        let mut rng = Rng::new(seed);
        let case = case_id(number);
        let purpose = *rng.pick(&[ShipmentTargeting, ShipmentTargeting, Investigation]);
        self.stock(&mut rng, purpose, &case).await;
        let mut known = [Known::default(), Known::default()];
        let (mut script, mut seen) = (String::new(), Seen::default());
        for _ in 0..4 + rng.below(8) {
            let step = Step::random(&mut rng, purpose, &case, &known[0]);
            writeln!(script, "{}", step.shown()).unwrap();
            let (path, [one, two]) = step.requests(&mut known);
            let replies = tokio::join!(
                raw::call(self.channels[0].clone(), path, &[], raw::frame(0, &one)),
                raw::call(self.channels[1].clone(), path, &[], raw::frame(0, &two)),
            );
            let [first, second] = [replies.0.unwrap(), replies.1.unwrap()];
            seen.count(path, &first);
            let told = [known[0].told(path, &first), known[1].told(path, &second)];
            compare(seed, &script, &told);
        }
        let told = [self.share(0, &mut known[0]).await, self.share(1, &mut known[1]).await];
        writeln!(script, "the requester's share of the log").unwrap();
        compare(seed, &script, &told);
        seen
    }

    /// The requester's share of the log behind what was listed before, once every exchange has ended.
    async fn share(&mut self, world: usize, known: &mut Known) -> Vec<String> {
        for _ in 0..400 {
            let from_index = self.listed[world];
            let request =
                audit::ListEntriesRequest { from_index, limit: 1000, ..Default::default() };
            let body = raw::frame(0, &request.encode_to_vec());
            let reply = raw::call(self.channels[world].clone(), LIST, &[], body).await.unwrap();
            let listed = audit::ListEntriesResponse::decode(&reply.body[5..]).unwrap();
            let of = |kind| listed.entries.iter().filter(|entry| entry.kind() == kind).count();
            if of(audit::EntryKind::Intent) == of(audit::EntryKind::Outcome) {
                if let Some(last) = listed.entries.last() {
                    self.listed[world] = last.index + 1;
                }
                return known.entries(&listed);
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("exchanges that do not end");
    }
}

fn compare(seed: u64, script: &str, told: &[Vec<String>; 2]) {
    if told[0] == told[1] {
        return;
    }
    let at = told[0].iter().zip(&told[1]).position(|(one, two)| one != two);
    let at = at.unwrap_or(told[0].len().min(told[1].len()));
    let line = |world: usize| told[world].get(at).map_or("nothing", String::as_str);
    panic!(
        "twin worlds differ; PORTCULLIS_SEED={seed} PORTCULLIS_TWINS=1\n{script}\
         line {at} of {} and {}:\n  {}\n  {}",
        told[0].len(),
        told[1].len(),
        line(0),
        line(1)
    );
}

/// How much was seen, so that scripts that say nothing are noticed.
#[derive(Debug, Default)]
struct Seen {
    answers: usize,
    records: usize,
    batches: usize,
    refusals: BTreeMap<String, usize>,
    words: BTreeMap<String, usize>,
}

impl Seen {
    fn count(&mut self, path: &str, reply: &Reply) {
        if reply.status.code() != Code::Ok {
            *self.refusals.entry(portcullis_tests::reason(&reply.status)).or_default() += 1;
        } else if path == raw::QUERY {
            self.answers += 1;
            for message in messages(&reply.body) {
                match wire::QueryResponse::decode(message).unwrap().message {
                    Some(Message::Batch(batch)) => {
                        self.batches += 1;
                        self.records += batch.records.len();
                    }
                    Some(Message::Receipt(receipt)) => {
                        *self.words.entry(receipt.cut_reason).or_default() += 1;
                    }
                    Some(Message::SourceStatus(status)) => {
                        *self.words.entry(status.reason).or_default() += 1;
                    }
                    _ => {}
                }
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.records += other.records;
        self.batches += other.batches;
        for (word, count) in other.refusals {
            *self.refusals.entry(word).or_default() += count;
        }
        for (word, count) in other.words {
            *self.words.entry(word).or_default() += count;
        }
    }
}

/// gRPC messages of a body.
fn messages(mut body: &[u8]) -> Vec<&[u8]> {
    let mut found = vec![];
    while let Some((head, rest)) = body.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        found.push(&rest[..length]);
        body = &rest[length..];
    }
    assert!(body.is_empty(), "half a message");
    found
}

/// What a requester has learnt in one world: tokens in the order in which it met them.
#[derive(Default)]
struct Known {
    tokens: Vec<String>,
    by_token: HashMap<String, usize>,
    references: Vec<String>,
    /// What was asked; the last one is being answered.
    asked: Vec<wire::QueryRequest>,
    /// Requests that go on behind a batch.
    resume: Vec<wire::QueryRequest>,
}

impl Known {
    /// An answer as lines in which only what may differ was made equal.
    fn told(&mut self, path: &str, reply: &Reply) -> Vec<String> {
        let mut told = vec![];
        let mut metadata: Vec<String> = reply
            .metadata
            .iter()
            .filter(|(name, _)| {
                !["date", "grpc-status-details-bin", "grpc-message"].contains(&name.as_str())
            })
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        metadata.sort();
        told.extend(metadata);
        let status = &reply.status;
        let details = status.get_error_details();
        let info = details.error_info().map(|info| {
            let metadata: BTreeMap<_, _> = info
                .metadata
                .iter()
                .map(|(key, value)| match key.as_str() {
                    "exchange_id" => (key, value.len().to_string()),
                    _ => (key, value.clone()),
                })
                .collect();
            format!("{} {} {metadata:?}", info.reason, info.domain)
        });
        let rest = (details.bad_request(), details.retry_info(), details.quota_failure());
        let line = format!(
            "{:?} {:?} {} bytes: {info:?} {rest:?}",
            status.code(),
            status.message(),
            status.details().len(),
        );
        told.push(self.renamed(line.into_bytes()));
        for message in messages(&reply.body) {
            let line = match path {
                raw::QUERY => self.response(wire::QueryResponse::decode(message).unwrap(), message),
                _ => {
                    let mut explained = wire::ExplainResponse::decode(message).unwrap();
                    self.digest(&mut explained.query_digest);
                    explained.encode_to_vec()
                }
            };
            told.push(self.renamed(line));
        }
        told
    }

    /// One message of an answer, the same length as it came.
    fn response(&mut self, mut response: wire::QueryResponse, came: &[u8]) -> Vec<u8> {
        let blank = |bytes: &mut Bytes| *bytes = vec![0; bytes.len()].into();
        let mut length = came.len();
        match response.message.as_mut() {
            Some(Message::Header(header)) => {
                self.digest(&mut header.query_digest);
                header.exchange_id = "e".repeat(header.exchange_id.len());
                blank(&mut header.intent_leaf_hash);
            }
            Some(Message::Batch(batch)) => {
                blank(&mut batch.disclosure_leaf_hash);
                let query = self.asked.last().and_then(|asked| asked.query.clone());
                let resume_token = batch.resume_token.clone();
                self.resume.push(wire::QueryRequest { query, resume_token, ..Default::default() });
                blank(&mut batch.resume_token);
                self.references.extend(batch.records.iter().map(|one| one.reference.clone()));
            }
            Some(Message::Receipt(receipt)) => {
                self.digest(&mut receipt.query_digest);
                receipt.exchange_id = "e".repeat(receipt.exchange_id.len());
                // Where in the log it stands, and how large that is, depends on the order of others.
                if let Some(proof) = &mut receipt.proof {
                    length -= proof.encoded_len();
                    let leaf = Bytes::from(vec![0; proof.leaf.len()]);
                    *proof = audit::LogProof { leaf, ..Default::default() };
                    length += proof.encoded_len();
                }
            }
            _ => {}
        }
        let bytes = response.encode_to_vec();
        if matches!(response.message, Some(Message::Receipt(_))) {
            // Lengths before lengths may have become shorter.
            assert!(length.abs_diff(bytes.len()) <= 4);
        } else {
            assert_eq!(length, bytes.len(), "not written canonically");
        }
        bytes
    }

    /// A query that quotes a token has another digest in the other world: it is compared here.
    fn digest(&self, told: &mut Bytes) {
        let query = self.asked.last().and_then(|asked| asked.query.as_ref()).unwrap();
        assert_eq!(
            told[..],
            portcullis_proto::digest::query_digest(query),
            "not the digest of the query"
        );
        *told = vec![0; told.len()].into();
    }

    fn entries(&mut self, listed: &audit::ListEntriesResponse) -> Vec<String> {
        let mut lines: Vec<String> = listed
            .entries
            .iter()
            .map(|entry| {
                let mut body: serde_json::Value =
                    serde_json::from_str(&entry.body_json).unwrap_or_default();
                blank_json(&mut body, &entry.exchange_id);
                format!("{:?} {} {} {body}", entry.kind(), entry.time_unix_millis, entry.leaf.len())
            })
            .collect();
        // Outcomes are written when they are written.
        lines.sort();
        lines
    }

    /// Tokens by the order in which they were met; everything that is no plain text escaped.
    fn renamed(&mut self, bytes: Vec<u8>) -> String {
        const TOKEN: usize = 88;
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let is_token = bytes[at..].starts_with(b"AQAB")
                && bytes.len() >= at + TOKEN
                && bytes[at..at + TOKEN]
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
            if is_token {
                let token = String::from_utf8(bytes[at..at + TOKEN].to_vec()).unwrap();
                let next = self.tokens.len();
                let index = *self.by_token.entry(token.clone()).or_insert(next);
                if index == next {
                    self.tokens.push(token);
                }
                out.extend_from_slice(format!("<token {index}>").as_bytes());
                at += TOKEN;
            } else {
                out.push(bytes[at]);
                at += 1;
            }
        }
        out.escape_ascii().to_string()
    }
}

/// Hashes and salts of 32 bytes, and the exchange's own id.
fn blank_json(value: &mut serde_json::Value, exchange: &str) {
    match value {
        serde_json::Value::String(text) => {
            let hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            if hash || text == exchange || text.starts_with("spiffe:") {
                *text = text.len().to_string();
            }
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(|one| blank_json(one, exchange)),
        serde_json::Value::Object(fields) => {
            // The digest of a query that quotes a token is that of another query.
            fields.remove("query_digest");
            fields.values_mut().for_each(|one| blank_json(one, exchange));
        }
        _ => {}
    }
}

/// A place in a request at which the worlds differ: what each has learnt by itself.
#[derive(Debug, Clone, Copy)]
enum Quoted {
    Token(usize),
    Reference(usize),
}

/// One request of a script, before what was learnt is put in.
#[derive(Clone)]
struct Step {
    explain: bool,
    query: wire::Query,
    /// Text literals of this form are replaced in each world.
    quoted: Vec<Quoted>,
    resume: Option<usize>,
    again: Option<usize>,
    idempotency_key: String,
}

const FIELDS: [&str; 22] = [
    "ucr",
    "direction",
    "items.quantity",
    "items.country_of_origin",
    "items.duty_rate",
    "vessel_imo",
    "importer.country",
    "declarant.id",
    "items.hs_code",
    "accepted_at",
    "importer.id",
    "exporter.id",
    "containers",
    "officer_remarks",
    "items.value",
    "items.net_mass_grams",
    "examined_at",
    "carrier.id",
    "items",
    "importer",
    "nothing",
    "items.documents.pages",
];

impl Step {
    fn random(rng: &mut Rng, purpose: wire::Purpose, case: &str, known: &Known) -> Self {
        // Earlier requests are put in by each world: they may quote tokens.
        let earlier = |resume, again| Self {
            explain: false,
            query: wire::Query::default(),
            quoted: vec![],
            resume,
            again,
            idempotency_key: String::new(),
        };
        if rng.chance(15) && !known.resume.is_empty() {
            return earlier(Some(rng.below(known.resume.len() as u64) as usize), None);
        }
        if rng.chance(8) && !known.asked.is_empty() {
            return earlier(None, Some(rng.below(known.asked.len() as u64) as usize));
        }
        let purpose = if rng.chance(4) { EndUseCheck } else { purpose };
        let mut asked = query("Declaration", purpose, if rng.chance(3) { "" } else { case });
        let mut quoted = vec![];
        if rng.chance(70) {
            asked.filter = Some(filter(rng, 0, known, &mut quoted));
        }
        if rng.chance(40) {
            asked.fields = (0..rng.below(4)).map(|_| (*rng.pick(&FIELDS)).to_owned()).collect();
        }
        asked.limit = match rng.below(4) {
            0 => 1 + rng.below(4) as u32,
            1 => 1 + rng.below(20) as u32,
            _ => 0,
        };
        if rng.chance(25) {
            asked.sources = vec![(*rng.pick(&[ALPHA, BETA, OTHER.0])).to_owned()];
        }
        let mut idempotency_key = String::new();
        if rng.chance(20) {
            idempotency_key = format!("{case} {}", rng.below(2));
        }
        let explain = rng.chance(15);
        Self { explain, query: asked, quoted, resume: None, again: None, idempotency_key }
    }

    fn requests(&self, known: &mut [Known; 2]) -> (&'static str, [Vec<u8>; 2]) {
        let path = if self.explain { EXPLAIN } else { raw::QUERY };
        let mut bytes = vec![];
        for known in known {
            let request = match (self.resume, self.again) {
                (Some(at), _) => known.resume[at].clone(),
                (_, Some(at)) => known.asked[at].clone(),
                _ => wire::QueryRequest {
                    query: Some(self.put(known)),
                    idempotency_key: self.idempotency_key.clone(),
                    ..Default::default()
                },
            };
            bytes.push(if self.explain {
                wire::ExplainRequest { query: request.query.clone(), ..Default::default() }
                    .encode_to_vec()
            } else {
                request.encode_to_vec()
            });
            known.asked.push(request);
        }
        (path, bytes.try_into().unwrap_or_else(|_| unreachable!()))
    }

    /// For a person; the contract's own `Debug` hides what a query says.
    fn shown(&self) -> String {
        let query = &self.query;
        format!(
            "{} {:?} case `{}` fields {:?} sources {:?} limit {} key `{}` resume {:?} again {:?} {:?}\n    {}",
            if self.explain { "explain" } else { "query" },
            query.purpose(),
            query.case_id,
            query.fields,
            query.sources,
            query.limit,
            self.idempotency_key,
            self.resume,
            self.again,
            self.quoted,
            query.filter.as_ref().map(shown).unwrap_or_default()
        )
    }

    fn put(&self, known: &Known) -> wire::Query {
        let mut query = self.query.clone();
        if let Some(filter) = &mut query.filter {
            quote(filter, &self.quoted, known);
        }
        query
    }
}

fn shown(filter: &wire::Filter) -> String {
    use wire::filter::Node;
    use wire::value::Kind;
    let value = |value: &wire::Value| match value.kind.as_ref() {
        Some(Kind::Text(text)) => format!("'{text}'"),
        Some(Kind::Integer(number)) => number.to_string(),
        Some(Kind::Number(number)) => number.to_string(),
        Some(Kind::Flag(flag)) => flag.to_string(),
        Some(Kind::Time(time)) => format!("@{}", time.seconds),
        Some(Kind::Token(text)) => format!("<{text}>"),
        None => "nothing".into(),
    };
    let list = |list: &wire::FilterList| list.filters.iter().map(shown).collect::<Vec<_>>();
    match filter.node.as_ref() {
        Some(Node::Comparison(one)) => {
            let right = one.value.as_ref().map(value).unwrap_or_default();
            format!("{} {:?} {right}", one.path, one.operator())
        }
        Some(Node::Membership(many)) => {
            let values: Vec<_> = many.values.iter().map(value).collect();
            format!("{} in {values:?}", many.path)
        }
        Some(Node::Prefix(one)) => format!("{} prefix '{}'", one.path, one.prefix),
        Some(Node::All(all)) => format!("({})", list(all).join(" and ")),
        Some(Node::Any(any)) => format!("({})", list(any).join(" or ")),
        Some(Node::Not(not)) => format!("not {}", shown(not)),
        None => "nothing".into(),
    }
}

/// Puts the tokens of a world where the script says `token 0`, `token 1`, ..
fn quote(filter: &mut wire::Filter, quoted: &[Quoted], known: &Known) {
    use wire::filter::Node;
    use wire::value::Kind;
    let put = |value: &mut wire::Value| {
        let Some(Kind::Token(text)) = &mut value.kind else { return };
        let Some(at) = text.strip_prefix("quoted ").and_then(|at| at.parse::<usize>().ok()) else {
            return;
        };
        *text = match quoted[at] {
            Quoted::Token(at) => known.tokens[at].clone(),
            Quoted::Reference(at) => known.references[at].clone(),
        };
    };
    match filter.node.as_mut() {
        Some(Node::Comparison(one)) => one.value.iter_mut().for_each(put),
        Some(Node::Membership(many)) => many.values.iter_mut().for_each(put),
        Some(Node::All(list) | Node::Any(list)) => {
            list.filters.iter_mut().for_each(|one| quote(one, quoted, known));
        }
        Some(Node::Not(one)) => quote(one, quoted, known),
        _ => {}
    }
}

fn filter(rng: &mut Rng, depth: u64, known: &Known, quoted: &mut Vec<Quoted>) -> wire::Filter {
    use wire::filter::Node;
    if depth < 3 && rng.chance(40) {
        let mut list = |rng: &mut Rng| {
            let filters =
                (0..1 + rng.below(3)).map(|_| filter(rng, depth + 1, known, quoted)).collect();
            wire::FilterList { filters }
        };
        let node = match rng.below(3) {
            0 => Node::All(list(rng)),
            1 => Node::Any(list(rng)),
            _ => Node::Not(Box::new(filter(rng, depth + 1, known, quoted))),
        };
        return wire::Filter { node: Some(node) };
    }
    // Clear fields mostly, or most scripts would only be refused.
    let clear = &FIELDS[..if rng.chance(88) { 7 } else { FIELDS.len() }];
    let mut path = (*rng.pick(clear)).to_owned();
    let token = rng.chance(20) && !known.tokens.is_empty();
    if token && rng.chance(60) {
        path = (*rng.pick(&["importer.id", "exporter.id", "ucr", "vessel_imo"])).to_owned();
    }
    let mut value = |rng: &mut Rng| {
        use wire::value::Kind;
        let kind = if token {
            let reference = rng.chance(20) && !known.references.is_empty();
            quoted.push(if reference {
                Quoted::Reference(rng.below(known.references.len() as u64) as usize)
            } else {
                Quoted::Token(rng.below(known.tokens.len() as u64) as usize)
            });
            Kind::Token(format!("quoted {}", quoted.len() - 1))
        } else if rng.chance(4) {
            Kind::Flag(true)
        } else {
            match path.as_str() {
                "items.quantity" | "items.net_mass_grams" | "items.value" => {
                    Kind::Integer(rng.within(0, 1 << 40))
                }
                "items.duty_rate" => Kind::Number(rng.within(0, 1600) as f64),
                "direction" => {
                    let words = ["DIRECTION_EXPORT", "DIRECTION_IMPORT"];
                    Kind::Text((*rng.pick(&words)).to_owned())
                }
                "items.country_of_origin" | "importer.country" => {
                    Kind::Text(format!("X{}", rng.text(b"NSVKP", 1)))
                }
                "accepted_at" => Kind::Time(prost_types::Timestamp {
                    seconds: rng.within(631_152_000, 2_524_608_000),
                    nanos: 0,
                }),
                // What is guessed of a name never is one: names begin otherwise.
                "importer.id" | "exporter.id" => Kind::Text(format!("?{}", rng.text(ALNUM, 6))),
                _ => {
                    let length = 1 + rng.below(3);
                    let text = if rng.chance(60) {
                        (*rng.pick(&["U1", "U2", "U3", "V1", "V2"])).to_owned()
                    } else {
                        rng.text(ALNUM, length)
                    };
                    Kind::Text(text)
                }
            }
        };
        wire::Value { kind: Some(kind) }
    };
    let node = match rng.below(4) {
        0 => {
            let values = (0..1 + rng.below(3)).map(|_| value(rng)).collect();
            Node::Membership(wire::Membership { path, values })
        }
        1 if !token => {
            let length = 1 + rng.below(2);
            let prefix = rng.text(b"UVX12", length);
            Node::Prefix(wire::Prefix { path, prefix })
        }
        _ => {
            let value = Some(value(rng));
            let operator = if rng.chance(50) { 1 } else { 1 + rng.below(6) as i32 };
            Node::Comparison(wire::Comparison { path, operator, value })
        }
    };
    wire::Filter { node: Some(node) }
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_worlds_answer_alike() {
    let (cases, first) = (cases(), first_seed());
    let mut twins = Twins::up(cases).await;
    let mut seen = Seen::default();
    for number in 0..cases {
        seen.add(twins.run(first + number, number).await);
    }
    println!("{cases} pairs of worlds: {seen:?}");
    if cases >= 100 {
        let some = |word: &str| {
            let counts = seen.refusals.get(word).or_else(|| seen.words.get(word));
            assert!(counts.is_some_and(|count| *count > 1), "no {word}: {seen:?}");
        };
        for word in [
            "FIELD_NOT_USABLE",
            "PURPOSE_NOT_PERMITTED",
            "BUDGET_EXHAUSTED",
            "LIMIT_REACHED",
            "SOURCE_UNAVAILABLE",
            "SOURCE_MISBEHAVED",
            "IDEMPOTENCY_KEY_REUSED",
        ] {
            some(word);
        }
        assert!(seen.records > 5 * cases as usize && seen.batches > 2 * cases as usize);
    }
    let [one, two] = twins.worlds;
    one.exchange.shut_down().await.unwrap();
    two.exchange.shut_down().await.unwrap();
}
