//! The canary sweep over the whole contract: every leaf of every record type holds a value of its own, by
//! reflection; six purposes show it in every treatment that it can take but Clear. `portcullis serve` runs in a
//! process of its own, tells everything it can (logs at trace, spans over OTLP), meets bad records, a source
//! that spills, and requests that are refused; then all that it told, sent and wrote is searched.
//!
//! A seventh purpose shows everything clear: there every canary must be found, else the sweep would be blind.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use futures::StreamExt as _;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use portcullis::client::{Profile, connect};
use portcullis::command::playground::World;
use portcullis_core::label::{Leaf, LeafKind, RecordType, Semantic, Whole};
use portcullis_core::redact::{Level, Treatment};
use portcullis_proto::audit::v1 as audit;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::source::v1 as source;
use portcullis_tests::officer::by_officer;
use portcullis_tests::pair::{
    ALPHA, ASKER, BETA, Found, OTHER, PairSpec, Set, batch, end, handling,
};
use portcullis_tests::rng::{ALNUM, DIGITS, Rng};
use portcullis_tests::{admin, binary, filter, query, raw, record_type_of};
use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value};
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use wire::Purpose;

const TYPES: &[&str] = portcullis_proto::RECORD_TYPES;
const CASE: &str = "CASE-1";
const CLEAR: Purpose = Purpose::Investigation;
const PURPOSES: [(Purpose, &str); 6] = [
    (Purpose::Interdiction, "INTERDICTION"),
    (Purpose::JudicialUse, "JUDICIAL_USE"),
    (Purpose::SanctionsScreening, "SANCTIONS_SCREENING"),
    (Purpose::LicenceAssessment, "LICENCE_ASSESSMENT"),
    (Purpose::DenialConsultation, "DENIAL_CONSULTATION"),
    (Purpose::CatchAllAssessment, "CATCH_ALL_ASSESSMENT"),
];

/// What must not be found, in all the forms in which it could be.
struct Canary {
    name: String,
    /// It is in a record that the seventh purpose shows.
    shown: bool,
    forms: Vec<Vec<u8>>,
}

impl Canary {
    fn text(name: &str, shown: bool, text: &str) -> Self {
        let swapped: String = text
            .chars()
            .map(|letter| match letter {
                'a'..='z' => letter.to_ascii_uppercase(),
                _ => letter.to_ascii_lowercase(),
            })
            .collect();
        let cased = [text.to_owned(), text.to_lowercase(), text.to_uppercase(), swapped];
        let mut forms: Vec<Vec<u8>> = cased.iter().map(|text| text.clone().into_bytes()).collect();
        forms.push(text.bytes().rev().collect());
        forms.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        forms.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        // Cut off or split: its beginning alone. `~` stands in no base64 and no hex.
        forms.push(text.as_bytes()[..if text.starts_with('~') { 6 } else { 8 }].to_vec());
        Self { name: name.to_owned(), shown, forms }.encoded(text.as_bytes())
    }

    fn bytes(name: &str, shown: bool, bytes: &[u8]) -> Self {
        let forms = vec![bytes.to_vec(), bytes[..8].to_vec()];
        Self { name: name.to_owned(), shown, forms }.encoded(bytes)
    }

    /// A number: its digits, its eight bytes, and its varint behind the key of field `number`.
    fn integer(name: &str, value: u64, number: u32) -> Self {
        let mut varint = vec![];
        prost::encoding::encode_key(number, prost::encoding::WireType::Varint, &mut varint);
        prost::encoding::encode_varint(value, &mut varint);
        let forms = vec![value.to_string().into(), varint, value.to_le_bytes().into()];
        let forms =
            forms.into_iter().filter(|form: &Vec<u8>| !form.ends_with(&[0, 0, 0])).collect();
        Self { name: name.to_owned(), shown: true, forms }
    }

    fn double(name: &str, value: f64) -> Self {
        let forms = vec![value.to_string().into(), value.to_le_bytes().into()];
        Self { name: name.to_owned(), shown: true, forms }
    }

    /// Hex in both cases, base64 at each of its three places within a longer text.
    fn encoded(mut self, bytes: &[u8]) -> Self {
        let hex = hex::encode(bytes);
        self.forms.push(hex.to_uppercase().into_bytes());
        self.forms.push(hex.into_bytes());
        for before in 0..3_usize {
            let text = base64::engine::general_purpose::STANDARD_NO_PAD
                .encode([&vec![0; before][..], bytes].concat());
            let (from, to) = ((8 * before).div_ceil(6), 8 * (before + bytes.len()) / 6);
            let inner = &text[from..to];
            self.forms.push(inner.replace('+', "-").replace('/', "_").into_bytes());
            self.forms.push(inner.as_bytes().to_vec());
        }
        self
    }
}

/// Everything that is searched, with where it comes from.
#[derive(Default)]
struct Haystack(Vec<(String, Vec<u8>)>);

impl Haystack {
    fn add(&mut self, origin: &str, bytes: impl Into<Vec<u8>>) {
        self.0.push((origin.to_owned(), bytes.into()));
    }

    /// Origins by canary. Every form is looked up by its first two and four bytes.
    fn hits(&self, canaries: &[Canary]) -> BTreeMap<String, BTreeSet<String>> {
        let mut heads = vec![false; 1 << 16];
        let mut forms: HashMap<[u8; 4], Vec<(&str, &[u8])>> = HashMap::new();
        for canary in canaries {
            for form in &canary.forms {
                let head: [u8; 4] = *form.first_chunk().expect("four bytes or more");
                heads[usize::from(u16::from_le_bytes([head[0], head[1]]))] = true;
                forms.entry(head).or_default().push((&canary.name, form));
            }
        }
        let mut hits: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (origin, bytes) in &self.0 {
            for (at, window) in bytes.windows(4).enumerate() {
                if !heads[usize::from(u16::from_le_bytes([window[0], window[1]]))] {
                    continue;
                }
                let head = [window[0], window[1], window[2], window[3]];
                for (name, form) in forms.get(&head).map(Vec::as_slice).unwrap_or_default() {
                    if bytes[at..].starts_with(form) {
                        hits.entry((*name).to_owned()).or_default().insert(origin.clone());
                    }
                }
            }
        }
        hits
    }

    fn files(&mut self, folder: &Path, origin: &str) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.files(&path, origin);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                self.add(&format!("{origin} {name}"), bytes);
            }
        }
    }
}

/// Fills records with canaries.
struct Filler<'a> {
    rng: &'a mut Rng,
    record_type: &'a RecordType,
    /// Which record of its type.
    turn: usize,
    shown: bool,
    canaries: &'a mut Vec<Canary>,
    /// Leaves whose values are too few to be told apart, enums and flags.
    skipped: &'a mut BTreeSet<String>,
}

impl Filler<'_> {
    fn message(&mut self, descriptor: &MessageDescriptor, above: &str) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields() {
            let path = match above {
                "" => field.name().to_owned(),
                above => format!("{above}.{}", field.name()),
            };
            let mut one = || match (self.record_type.leaf_by_path(&path).cloned(), field.kind()) {
                (Some(leaf), kind) => self.leaf(&leaf, field.number(), &kind),
                (None, Kind::Message(inner)) => Value::Message(self.message(&inner, &path)),
                (None, _) => panic!("`{path}` is no leaf"),
            };
            let value = one();
            let value = if field.is_list() { Value::List(vec![value, one()]) } else { value };
            message.set_field(&field, value);
        }
        message
    }

    fn note(&mut self, canary: Canary) {
        self.canaries.push(Canary { shown: self.shown, ..canary });
    }

    fn leaf(&mut self, leaf: &Leaf, number: u32, kind: &Kind) -> Value {
        let name = format!("{} {} of record {}", self.record_type.name(), leaf.path, self.turn);
        let shown = self.shown;
        let large = self.rng.within(100_000_000_000_000, 900_000_000_000_000).cast_unsigned();
        let small = self.rng.within(1_100_000_000, 1_990_000_000).cast_unsigned();
        match &leaf.kind {
            LeafKind::String => Value::String(self.text(&name, leaf.label.semantic)),
            LeafKind::Bytes => {
                let bytes = self.rng.bytes(24);
                self.note(Canary::bytes(&name, shown, &bytes));
                Value::Bytes(bytes.into())
            }
            LeafKind::Bool | LeafKind::Enum(_) => {
                self.skipped.insert(leaf.path.clone());
                if leaf.kind == LeafKind::Bool { Value::Bool(true) } else { Value::EnumNumber(1) }
            }
            LeafKind::Int64 => self.integer(&name, large, number, Value::I64(large.cast_signed())),
            LeafKind::Uint64 => self.integer(&name, large, number, Value::U64(large)),
            LeafKind::Int32 => self.integer(&name, small, number, Value::I32(small as i32)),
            LeafKind::Uint32 => self.integer(&name, small, number, Value::U32(small as u32)),
            LeafKind::Double => {
                let value = 1.0 + large as f64 / 1e15;
                self.note(Canary::double(&name, value));
                Value::F64(value)
            }
            LeafKind::Whole(whole) => {
                let Kind::Message(descriptor) = kind else { panic!("`{name}` is no message") };
                Value::Message(self.whole(&name, *whole, descriptor))
            }
            other => panic!("`{name}`: the contract has no {other:?} yet"),
        }
    }

    fn integer(&mut self, name: &str, value: u64, number: u32, field: Value) -> Value {
        self.note(Canary::integer(name, value, number));
        field
    }

    /// What no treatment but Clear leaves over.
    fn text(&mut self, name: &str, semantic: Semantic) -> String {
        let rng = &mut *self.rng;
        let (before, canary, behind) = match semantic {
            Semantic::HsCode => (rng.text(DIGITS, 4), rng.text(DIGITS, 8), String::new()),
            Semantic::ControlCode => ("3A001.".into(), rng.text(ALNUM, 14), String::new()),
            Semantic::ContainerNumber if rng.chance(50) => {
                ("QZX".into(), format!("U{}", rng.text(DIGITS, 7)), String::new())
            }
            Semantic::Identifier => {
                (String::new(), format!("~{}", rng.text(ALNUM, 13)), "77".into())
            }
            _ => (String::new(), format!("~{}", rng.text(ALNUM, 13)), String::new()),
        };
        self.note(Canary::text(name, self.shown, &canary));
        format!("{before}{canary}{behind}")
    }

    fn whole(
        &mut self,
        name: &str,
        whole: Whole,
        descriptor: &MessageDescriptor,
    ) -> DynamicMessage {
        let rng = &mut *self.rng;
        let mut message = DynamicMessage::new(descriptor.clone());
        let shown = self.shown;
        let mut set = |field: &str, value: Value, canary: Option<Canary>| {
            message.set_field_by_name(field, value);
            self.canaries.extend(canary.map(|canary| Canary { shown, ..canary }));
        };
        match whole {
            Whole::Timestamp => {
                let seconds = rng.within(200_000_000_000, 250_000_000_000);
                let canary = Canary::integer(name, seconds.cast_unsigned(), 1);
                set("seconds", Value::I64(seconds), Some(canary));
            }
            Whole::Date => {
                let year = rng.within(1_100_000_000, 1_990_000_000);
                let canary = Canary::integer(name, year.cast_unsigned(), 1);
                set("year", Value::I32(year as i32), Some(canary));
            }
            Whole::Money => {
                let units = rng.within(100_000_000_000_000, 900_000_000_000_000);
                let canary = Canary::integer(name, units.cast_unsigned(), 2);
                set("currency_code", Value::String("EUR".into()), None);
                set("units", Value::I64(units), Some(canary));
            }
            Whole::GeoPoint => {
                for field in ["latitude", "longitude"] {
                    let degrees = rng.within(-80_000_000_000, 80_000_000_000) as f64 / 1e9;
                    set(field, Value::F64(degrees), Some(Canary::double(name, degrees)));
                }
            }
            Whole::Address => {
                for field in ["city", "postcode", "lines"] {
                    let text = format!("~{}", rng.text(ALNUM, 13));
                    let value = Value::String(text.clone());
                    let value = if field == "lines" { Value::List(vec![value]) } else { value };
                    set(field, value, Some(Canary::text(name, shown, &text)));
                }
                set("country", Value::String("XN".into()), None);
            }
            Whole::Other => panic!("`{name}`: the contract has no other message treated whole yet"),
        }
        message
    }
}

/// Treatments that a leaf can take, but Clear.
fn treatments(leaf: &Leaf) -> Vec<Treatment> {
    let coarse = Level::of(leaf.label.semantic).iter().map(|level| Treatment::Generalise(*level));
    coarse
        .chain([Treatment::Mask, Treatment::Pseudonymise, Treatment::Presence])
        .filter(|treatment| treatment.fits(leaf.label.semantic, &leaf.kind))
        .chain([Treatment::Withhold])
        .collect()
}

fn agreement(types: &[Arc<RecordType>]) -> String {
    let mut text = format!(
        "id = \"pair\"\nversion = 1\ntitle = \"Sweep\"\nlegal_basis = \"A test\"\n\
         parties = [\"{ALPHA}\", \"{BETA}\", \"{}\", \"{}\"]\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n",
        ASKER.0, OTHER.0
    );
    let purposes = PURPOSES.iter().map(|(_, word)| *word).chain(["INVESTIGATION"]).enumerate();
    for (turn, word) in purposes {
        for record_type in types {
            // What a source spills in an error has nothing to do with the type: once is enough.
            let both = record_type.name().to_string().ends_with(".Declaration");
            for from in if both { &[ALPHA, BETA][..] } else { &[ALPHA] } {
                text += &format!(
                    "[[flow]]\nfrom = \"{from}\"\nto = [\"{}\"]\nrecord_types = [\"{}\"]\n\
                     purposes = [\"{word}\"]\ncase_required = true\npermitted_use = [\"{word}\"]\n\
                     delete_after_days = 30\nrelease_by_originator = true\n\n[flow.budgets]\n\
                     queries_per_day = 1000\nrecords_per_day = 100_000\n\n",
                    ASKER.0,
                    record_type.name()
                );
                for (at, leaf) in record_type.leaves().iter().enumerate() {
                    let able = treatments(leaf);
                    let treatment = match turn {
                        _ if word == "INVESTIGATION" => Treatment::Clear,
                        turn => able[(at + turn) % able.len()],
                    };
                    let rungs = match treatment {
                        Treatment::Withhold => "\"withhold\"".to_owned(),
                        treatment => format!("\"{treatment}\", \"withhold\""),
                    };
                    text += &format!(
                        "[[flow.ladder]]\nfields = [\"{}\"]\nrungs = [{rungs}]\n\n",
                        leaf.path
                    );
                }
            }
        }
    }
    text
}

/// Good records that are released, and those that must be dropped for one reason each.
fn stock(types: &[Arc<RecordType>]) -> (HashMap<String, Vec<source::SourceRecord>>, Vec<Canary>) {
    let (mut rng, mut canaries, mut skipped) = (Rng::new(7), vec![], BTreeSet::new());
    let mut held = HashMap::new();
    for record_type in types {
        let mut records = vec![];
        for turn in 0..8 {
            let shown = turn < 2;
            let mut filler = Filler {
                rng: &mut rng,
                record_type,
                turn,
                shown,
                canaries: &mut canaries,
                skipped: &mut skipped,
            };
            let filled = filler.message(record_type.descriptor(), "").encode_to_vec();
            let opaque_id = rng.bytes(16);
            canaries.push(Canary::bytes("an opaque id", false, &opaque_id));
            let mut record = source::SourceRecord {
                opaque_id: opaque_id.into(),
                handling: Some(handling(ALPHA)),
                payload: filled.into(),
            };
            let handling = record.handling.as_mut().unwrap();
            let mut word = |what: &str| {
                let word = format!("~{}", rng.text(ALNUM, 13));
                canaries.push(Canary::text(what, false, &word));
                word
            };
            let append = |payload: &[u8], more: &[u8]| [payload, more].concat().into();
            match turn {
                0 | 1 => handling.supersedes = word("supersedes"),
                2 => {
                    handling.releasable_to = vec![word("an audience")];
                    handling.handling_code = word("a handling code");
                }
                3 => handling.compartments = vec![word("a compartment")],
                4 => {
                    // A text field whose bytes are no UTF-8, behind a canary.
                    let text = [word("bad UTF-8").as_bytes(), &[0xff]].concat();
                    let head = [0x0a, text.len() as u8];
                    record.payload = [&head[..], &text, &record.payload].concat().into();
                }
                5 => record.payload = append(&record.payload, &[0x0a, 0x7f, b'~']),
                6 => record.payload = append(&record.payload, &[0x0d, 1, 2, 3, 4]),
                _ => handling.originator = word("an originator"),
            }
            records.push(record);
        }
        records.sort_by(|one, two| one.opaque_id.cmp(&two.opaque_id));
        held.insert(record_type.name().to_string(), records);
    }
    println!("{} canaries; none in enums: {skipped:?}", canaries.len());
    (held, canaries)
}

/// A collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Vec<u8>>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().push(request.get_ref().encode_to_vec());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// Sends a request and keeps everything of the answer.
async fn send(
    channel: &Channel,
    origin: &str,
    path: &str,
    bytes: &[u8],
    found: &mut Haystack,
) -> Code {
    let body = raw::frame(0, bytes);
    let reply = raw::call(channel.clone(), path, &[], body).await.unwrap();
    found.add(origin, format!("{:?} {}", reply.metadata, reply.status.message()));
    found.add(origin, reply.status.details());
    found.add(origin, reply.body);
    reply.status.code()
}

async fn ask(world: &World, channel: &Channel, spilt: &mut Vec<Canary>, found: &mut Haystack) {
    const QUERY: &str = raw::QUERY;
    const EXPLAIN: &str = "/portcullis.query.v1.QueryService/Explain";
    let clear = (CLEAR, "clear");
    for name in TYPES {
        for (purpose, word) in PURPOSES.into_iter().chain([clear]) {
            let asked = query(name, purpose, CASE);
            let origin = if word == "clear" { "the clear answer" } else { "an answer" };
            let explain = wire::ExplainRequest { query: Some(asked.clone()), as_officer: true }
                .encode_to_vec();
            send(channel, "an explanation", EXPLAIN, &explain, found).await;
            // SECRET is shown to officers alone, in whatever form.
            let request = by_officer(world, ASKER.0, "o.rask", asked).unwrap().encode_to_vec();
            assert_eq!(send(channel, origin, QUERY, &request, found).await, Code::Ok, "{name}");
        }
    }
    // Guesses that are refused: neither the answer nor anybody's log tells what was guessed.
    let mut rng = Rng::new(8);
    for text in ["ucr = '?'", "not ucr prefix '?'", "officer_remarks in ('?')", "direction = '?'"] {
        let guess = format!("~{}", rng.text(ALNUM, 13));
        let mut asked = query("Declaration", PURPOSES[0].0, CASE);
        // An enum's name is checked by the gateway, not by our parser.
        let parsed = filter("Declaration", &text.replace("direction", "id").replace('?', &guess));
        asked.filter = Some(parsed.unwrap());
        spilt.push(Canary::text("a guess", false, &guess));
        let explain = wire::ExplainRequest { query: Some(asked.clone()), ..Default::default() }
            .encode_to_vec();
        send(channel, "a refused explanation", EXPLAIN, &explain, found).await;
        let request = portcullis_tests::request(asked).encode_to_vec();
        let code = send(channel, "a refusal", QUERY, &request, found).await;
        assert_eq!(code, Code::InvalidArgument, "{text}");
    }
    // What is no message at all.
    let guess = format!("~{}", rng.text(ALNUM, 13));
    let code =
        send(channel, "a refusal", QUERY, &[b"\x0a\x0e", guess.as_bytes()].concat(), found).await;
    assert_ne!(code, Code::Ok);
    spilt.push(Canary::text("no message", false, &guess));
    let list = audit::ListEntriesRequest { limit: 1000, ..Default::default() }.encode_to_vec();
    let path = "/portcullis.audit.v1.AuditService/ListEntries";
    send(channel, "the requester's share of the log", path, &list, found).await;
    for path in ["Whoami", "ListRecordTypes"] {
        let path = format!("/portcullis.directory.v1.DirectoryService/{path}");
        send(channel, "the directory", &path, &[], found).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_any_field_of_any_type_escapes() {
    let types: Vec<Arc<RecordType>> =
        TYPES.iter().map(|name| record_type_of(name).unwrap()).collect();
    let collector = Collector::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let service = TraceServiceServer::new(collector.clone()).max_decoding_message_size(1 << 26);
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let collecting =
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));

    let (dir, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let set = Set::build(
        dir.path(),
        PairSpec {
            settings: format!("[telemetry]\nlog = \"trace\"\notlp_endpoint = \"{endpoint}\"\n"),
            agreement: Some(agreement(&types)),
            cases: format!(
                "[[cases]]\nid = \"{CASE}\"\nmembers = [\"{}\", \"{ALPHA}\", \"{BETA}\"]\n\
             opens = \"2020-01-01T00:00:00Z\"\n",
                ASKER.0
            ),
            record_types: TYPES.iter().map(|name| (*name).to_owned()).collect(),
            max_sensitivity: "SECRET".into(),
            ..PairSpec::default()
        },
    )
    .await
    .unwrap();
    let (held, mut canaries) = stock(&types);
    set.alpha.answers(move |asked| {
        let records = held[&asked.record_type].clone();
        let count = records.len() as u64;
        futures::stream::iter([Ok(batch(records)), Ok(end(count))]).boxed() as Found
    });
    let spill = |turn: u64| format!("~SP1LT{turn}KANARIXQ");
    for turn in 0..3 {
        canaries.push(Canary::text("a source's error", false, &spill(turn)));
    }
    set.beta.answers(move |_| {
        let mut status =
            Status::with_details(Code::Internal, spill(0), spill(1).into_bytes().into());
        status.metadata_mut().insert("x-spilt", spill(2).parse().unwrap());
        futures::stream::iter([Err(status)]).boxed() as Found
    });

    let mut child = Command::new(binary("portcullis").unwrap())
        .args(["serve", "--config"])
        .arg(&set.world.config)
        .env("TMPDIR", temporary.path())
        .env("RUST_BACKTRACE", "full")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let said = std::thread::spawn(move || {
        let mut text = vec![];
        stderr.read_to_end(&mut text).map(|_| text)
    });
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let word = |before: &str| {
        let rest = line.split_once(before).unwrap_or_else(|| panic!("it said `{line}`")).1;
        rest.split([',', '\n']).next().unwrap().to_owned()
    };
    set.world.write_profiles(word("listens on ").parse().unwrap()).unwrap();
    let profile = Profile::load(&set.world.profile(ASKER.0, ASKER.1)).unwrap();
    let channel = connect(&profile).await.unwrap();

    let mut found = Haystack::default();
    ask(&set.world, &channel, &mut canaries, &mut found).await;
    let admin_address = word("admin on http://").parse().unwrap();
    for path in ["/metrics", "/healthz", "/readyz", "/nothing"] {
        let page = admin::get(admin_address, path).await.unwrap();
        found.add("the admin listener", format!("{}\n{}", page.head, page.body));
    }
    // While it runs, so that what is only in the write-ahead log is there too.
    found.files(&set.world.dir, "the running gateway's file");
    found.files(temporary.path(), "a temporary file");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
    found.add("standard output", format!("{line}{rest}"));
    let said = said.join().unwrap().unwrap();
    found.files(&set.world.dir, "the gateway's file");
    found.files(temporary.path(), "a temporary file");
    let spans = collector.0.lock().unwrap().concat();
    collecting.abort();

    // There was something to look through.
    let logged = String::from_utf8_lossy(&said).into_owned();
    for word in ["TRACE", "DEBUG", "INFO"] {
        assert!(logged.contains(word), "nothing at {word}");
    }
    assert!(!logged.contains("panicked"), "it panicked");
    assert!(spans.windows(13).any(|window| window == b"source.search"), "no spans");
    for name in ["gateway.sqlite", "gateway.sqlite-wal"] {
        let origin = format!("the running gateway's file {name}");
        assert!(found.0.iter().any(|(from, _)| *from == origin), "no {name}");
    }
    found.add("the log", said);
    found.add("the spans", spans);

    let hits = found.hits(&canaries);
    let mut wrong = vec![];
    for canary in &canaries {
        let mut origins = hits.get(&canary.name).cloned().unwrap_or_default();
        let clear = origins.remove("the clear answer");
        if !origins.is_empty() || (clear && !canary.shown) {
            wrong.push(format!("{} in {origins:?}", canary.name));
        } else if canary.shown && !clear {
            wrong.push(format!("{} is not found where it is clear", canary.name));
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
