//! Record types that nobody compiled in: invented here, registered at run time, asked for by the real client
//! and by one in another language; and those that are refused, with what each party hears of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use portcullis::clock::Clock;
use portcullis::command::playground::{WorldAgency, WorldSource, WorldSpec};
use portcullis::source::adapter::MappingRef;
use portcullis_proto::directory::v1 as directory;
use portcullis_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use portcullis_proto::query::v1 as query;
use portcullis_proto::source::v1 as wire;
use portcullis_tests::capture::Capture;
use portcullis_tests::pair::{Fake, handling, opaque_id};
use portcullis_tests::{Exchange, binary, reason, request};
use prost_reflect::{DescriptorPool, DynamicMessage, Value as Field};
use serde_json::{Value, json};

const NAME: &str = "zz_harbour.berth.v1.Berthing";
const HARBOUR: &str = "zz-harbour";
const WATCH: &str = "zz-watch";
const ASKER: (&str, &str) = ("zz-police", "desk");
const STRANGER: (&str, &str) = ("zz-museum", "desk");

/// `@(REFERENCE OFFICIAL IDENTIFIER)` is a label.
const PROTO: &str = r#"syntax = "proto3";
package zz_harbour.berth.v1;

import "google/protobuf/timestamp.proto";
import "portcullis/label/v1/label.proto";
import "portcullis/record/v1/value.proto";

// A ship at a quay.
message Berthing {
  string call_id = 1 @(REFERENCE OFFICIAL IDENTIFIER);
  Ship ship = 2;
  repeated Line lines = 3;
  oneof pilot {
    string pilot_name = 4 @(PERSONAL CONFIDENTIAL PERSON_NAME);
    string pilot_firm = 5 @(PERSONAL CONFIDENTIAL ORGANISATION_NAME);
  }
  Kind kind = 6 @(OPERATIONAL OFFICIAL CODE);
  google.protobuf.Timestamp arrived = 7 @(LOCATION OFFICIAL TIMESTAMP);
  portcullis.record.v1.Money dues = 8 @(FINANCIAL CONFIDENTIAL MONEY);
  optional int64 draught_mm = 9 @(TECHNICAL OFFICIAL QUANTITY);
  string reference = 10 @(COMMERCIAL OFFICIAL FREE_TEXT);
  string harbour_note = 536870911 @(INTELLIGENCE CONFIDENTIAL FREE_TEXT);
}

message Ship {
  string name = 1 @(COMMERCIAL PUBLIC ORGANISATION_NAME);
  optional bool tanker = 20000 @(COMMERCIAL PUBLIC FLAG);
}

message Line {
  string quay = 1 @(LOCATION OFFICIAL CODE);
  repeated int64 bollards = 2 @(LOCATION OFFICIAL QUANTITY);
}

enum Kind {
  KIND_UNSPECIFIED = 0;
  KIND_BUNKERING = 1;
  KIND_LAY_BY = 7;
}
"#;

const CSV: &str = "Call,Ship,Tanker,Quay,Bollards,Quay 2,Bollards 2,Pilot,Kind,Arrived,Dues,Draught,Ref,Note\n\
    C-1,부산항 ⚓,yes,Q1,3|4,Q2,5,Ærø Þórsson,KIND_BUNKERING,2026-03-04T05:06:07Z,1234.50,9100,R-1,SECRETNOTE one\n\
    C-2,Żółw,no,Q9,,,,Ольга,KIND_LAY_BY,2026-04-05T06:07:08Z,20.00,4200,R-2,SECRETNOTE two\n";

const MAPPING: &str = r#"
record_type = "zz_harbour.berth.v1.Berthing"
descriptor_set = "berth.binpb"
files = ["berth.csv"]
id = ["Call"]
data_as_of = "2026-04-20T06:00:00Z"

[handling]
environment = "EXERCISE"

[[column]]
from = "Call"
to = "call_id"
[[column]]
from = "Ship"
to = "ship.name"
[[column]]
from = "Tanker"
to = "ship.tanker"
convert = { kind = "boolean", yes = ["yes"], no = ["no"] }
[[column]]
from = "Quay"
to = "lines[0].quay"
[[column]]
from = "Bollards"
to = "lines[0].bollards"
split = "|"
[[column]]
from = "Quay 2"
to = "lines[1].quay"
[[column]]
from = "Bollards 2"
to = "lines[1].bollards"
split = "|"
[[column]]
from = "Pilot"
to = "pilot_name"
[[column]]
from = "Kind"
to = "kind"
[[column]]
from = "Arrived"
to = "arrived"
convert = { kind = "timestamp", format = "%Y-%m-%dT%H:%M:%SZ", offset = "+00:00" }
[[column]]
from = "Dues"
to = "dues"
convert = { kind = "money", currency = "KRW" }
[[column]]
from = "Draught"
to = "draught_mm"
[[column]]
from = "Ref"
to = "reference"
[[column]]
from = "Note"
to = "harbour_note"
"#;

const REGISTRARS: &str = r#"
[[registrars]]
agency = "zz-harbour"
package = "zz_harbour"
systems = ["registry"]

[[registrars]]
agency = "zz-watch"
package = "zz_watch.own"
systems = ["desk"]
"#;

fn labelled(source: &str) -> String {
    let mut parts = source.split("@(");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (label, rest) = part.split_once(')').unwrap();
        let words: Vec<&str> = label.split(' ').collect();
        text += &format!(
            "[(portcullis.label.v1.label) = {{category: CATEGORY_{} sensitivity: SENSITIVITY_{} \
             semantic: SEMANTIC_{}}}]{rest}",
            words[0], words[1], words[2]
        );
    }
    text
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Writes a schema; its descriptor set.
fn compile(dir: &Path, file: &str, source: &str) -> Bytes {
    std::fs::write(dir.join(file), labelled(source)).unwrap();
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto");
    let mut compiler = protox::Compiler::new([dir, &contract]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_file(file).unwrap();
    compiler.encode_file_descriptor_set().into()
}

fn agency(id: &str, country: &str, source: Option<WorldSource>) -> WorldAgency {
    WorldAgency {
        id: id.into(),
        name: id.into(),
        country: country.into(),
        kind: "port".into(),
        max_sensitivity: "CONFIDENTIAL".into(),
        systems: vec!["desk".into(), "registry".into()],
        source,
    }
}

fn agreement() -> String {
    let flow = |from: &str| {
        let ladder = |selector: &str, rungs: &[&str]| {
            format!("[[flow.ladder]]\n{selector}\nrungs = {rungs:?}\n\n")
        };
        let mut text = format!(
            "[[flow]]\nfrom = \"{from}\"\nto = [\"{}\"]\nrecord_types = [\"{NAME}\"]\n\
             purposes = [\"SHIPMENT_TARGETING\"]\ncase_required = false\n\
             permitted_use = [\"SHIPMENT_TARGETING\"]\ndelete_after_days = 30\n\
             release_by_originator = true\nmatchable = [\"pilot_name\", \"pilot_firm\"]\n\n[flow.budgets]\n\
             queries_per_day = 1000\nrecords_per_day = 1000\nmatch_probes_per_day = 3\n\n",
            ASKER.0
        );
        let clear = ["clear", "withhold"];
        text += &ladder(
            "fields = [\"ship\", \"lines\", \"kind\", \"draught_mm\", \"reference\"]",
            &clear,
        );
        text += &ladder("fields = [\"call_id\"]", &["pseudonymise", "withhold"]);
        text += &ladder("fields = [\"pilot_name\", \"pilot_firm\"]", &["mask", "withhold"]);
        text += &ladder("semantic = \"TIMESTAMP\"", &["generalise:month", "withhold"]);
        text += &ladder(
            "category = \"FINANCIAL\"\nsensitivity = \"ANY\"",
            &["generalise:band", "withhold"],
        );
        text += &ladder("fields = [\"harbour_note\"]", &["presence", "withhold"]);
        text
    };
    format!(
        "id = \"berths\"\nversion = 1\ntitle = \"Berths\"\nlegal_basis = \"A test\"\n\
         parties = [\"{HARBOUR}\", \"{WATCH}\", \"{}\"]\n\
         valid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n{}{}",
        ASKER.0,
        flow(HARBOUR),
        flow(WATCH)
    )
}

/// A berthing as another source spells it: a zero that is there, packed numbers, the other member of the oneof.
fn played(set: &Bytes) -> wire::SourceRecord {
    let pool = DescriptorPool::decode(set.clone()).unwrap();
    let new = |name: &str| {
        DynamicMessage::new(
            pool.get_message_by_name(&format!("zz_harbour.berth.v1.{name}")).unwrap(),
        )
    };
    let mut line = new("Line");
    line.set_field_by_name("bollards", Field::List(vec![Field::I64(-1), Field::I64(1 << 40)]));
    let mut ship = new("Ship");
    ship.set_field_by_name("name", Field::String("Ostend \"№7\"".into()));
    let mut berthing = new("Berthing");
    berthing.set_field_by_name("call_id", Field::String("W-1".into()));
    berthing.set_field_by_name("ship", Field::Message(ship));
    berthing.set_field_by_name("lines", Field::List(vec![Field::Message(line)]));
    berthing.set_field_by_name("pilot_firm", Field::String("Loods NV".into()));
    berthing.set_field_by_name("draught_mm", Field::I64(0));
    berthing.set_field_by_name("kind", Field::EnumNumber(99));
    use prost::Message as _;
    wire::SourceRecord {
        opaque_id: opaque_id(1),
        handling: Some(handling(WATCH)),
        payload: berthing.encode_to_vec().into(),
    }
}

/// An exchange whose harbour holds berthings, of which the gateway has not heard.
struct Port {
    exchange: Exchange,
    proto: PathBuf,
    set: Bytes,
}

impl Port {
    async fn up() -> Self {
        Self::with(REGISTRARS).await
    }

    async fn with(settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let set = compile(dir.path(), "berth.proto", PROTO);
        std::fs::write(dir.path().join("berth.binpb"), &set).unwrap();
        std::fs::write(dir.path().join("berth.csv"), CSV).unwrap();
        std::fs::write(dir.path().join("berth.toml"), MAPPING).unwrap();
        let proto = dir.path().join("berth.proto");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let files = WorldSource::Files {
            mappings: vec![MappingRef { file: dir.path().join("berth.toml"), data_dir: None }],
            record_types: vec![NAME.into()],
        };
        let elsewhere = WorldSource::Elsewhere {
            address: listener.local_addr().unwrap().to_string(),
            record_types: vec![NAME.into()],
        };
        let spec = WorldSpec {
            agencies: vec![
                agency(HARBOUR, "XA", Some(files)),
                agency(WATCH, "XB", Some(elsewhere)),
                agency(ASKER.0, "XC", None),
                agency(STRANGER.0, "XD", None),
            ],
            cases: String::new(),
            agreements: vec![("berths.toml".into(), agreement())],
            record_types: vec!["portcullis.record.v1.Inspection".into()],
            settings: settings.replace("@DIR", &text(dir.path())),
            ..WorldSpec::default()
        };
        let exchange = Exchange::build(dir, &spec, Clock::system()).await.unwrap();
        let watch = Fake::new();
        watch.listen(&exchange.world, &exchange.clock, WATCH, listener).unwrap();
        watch.holds(vec![played(&set)], 10, Duration::ZERO);
        Self { exchange, proto, set }
    }

    fn profile(&self, (agency, system): (&str, &str)) -> String {
        text(&self.exchange.world.profile(agency, system))
    }

    /// Runs the binary as one system: status, output, complaints.
    async fn run(&self, who: (&str, &str), words: &[&str]) -> (i32, String, String) {
        let mut all = words.to_vec();
        let profile = self.profile(who);
        all.extend(["--profile", &profile]);
        run(&all).await
    }

    async fn ask(&self, format: &str, more: &[&str]) -> (i32, String, String) {
        let mut words =
            vec!["query", "Berthing", "--purpose", "SHIPMENT_TARGETING", "--format", format];
        words.extend(["--justification", "a test"]);
        words.extend(more);
        if !more.contains(&"--fields") {
            words.extend(["--fields", "*"]);
        }
        self.run(ASKER, &words).await
    }

    async fn register(&self) {
        let (code, out, err) =
            self.run((HARBOUR, "registry"), &["record-type", "register", &text(&self.proto)]).await;
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.starts_with(&format!("{NAME}: registered, schema ")), "{out}");
    }

    async fn directory(
        &self,
        who: (&str, &str),
    ) -> DirectoryServiceClient<tonic::transport::Channel> {
        DirectoryServiceClient::new(self.exchange.channel(who.0, who.1).await.unwrap())
    }
}

async fn run(words: &[&str]) -> (i32, String, String) {
    let mut command = tokio::process::Command::new(binary("portcullis").unwrap());
    let run = command.args(words).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(60), run).await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(!err.contains("panicked"), "{err}");
    (output.status.code().unwrap(), out, err)
}

fn berthings() -> query::Query {
    query::Query {
        record_type: NAME.into(),
        ..portcullis_tests::query("x", query::Purpose::ShipmentTargeting, "")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_nobody_compiled_in_works_end_to_end() {
    let port = Port::up().await;

    // Before it is registered it is not known, although an agreement speaks of it and sources hold it.
    let (code, _, err) = port.ask("table", &[]).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("no record type `Berthing`: none is under your agreements"), "{err}");
    let refused = port.exchange.ask(ASKER, request(berthings())).await.err().unwrap();
    assert_eq!(reason(&refused), "RECORD_TYPE_UNKNOWN");

    port.register().await;

    // JSON: everything as the plan says it, under the schema's own names.
    let (code, out, err) = port.ask("json", &[]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(!out.contains("SECRETNOTE") && !out.contains("Ærø") && !out.contains("C-1"), "{out}");
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["record_type"], NAME);
    let mut records = document["records"].as_array().unwrap().clone();
    records.sort_by_key(|one| one["fields"]["ship"]["name"].as_str().unwrap().to_owned());
    let [from_watch, turtle, busan] = records.as_slice() else { panic!("{out}") };
    let fields = &busan["fields"];
    assert_eq!(fields["ship"], json!({"name": "부산항 ⚓", "tanker": true}));
    let lines = json!([{"quay": "Q1", "bollards": ["3", "4"]}, {"quay": "Q2", "bollards": ["5"]}]);
    assert_eq!(fields["lines"], lines);
    assert_eq!(
        (&fields["kind"], &fields["draught_mm"]),
        (&json!("KIND_BUNKERING"), &json!("9100"))
    );
    assert_eq!(fields["arrived"], "2026-03-01T00:00:00Z");
    assert_eq!(fields["dues"], json!({"currency_code": "KRW", "units": "1000"}));
    assert_eq!((&fields["pilot_name"], &fields["pilot_firm"]), (&json!("********"), &Value::Null));
    assert_eq!(fields["call_id"].as_str().unwrap().len(), 88);
    assert_eq!(busan["presence"], json!({"harbour_note": true}));
    assert!(fields.get("harbour_note").is_none());
    // A value that is false, or zero, where presence is explicit, is there; a number without a word stays one.
    assert_eq!(turtle["fields"]["ship"], json!({"name": "Żółw", "tanker": false}));
    let fields = &from_watch["fields"];
    assert_eq!((&fields["draught_mm"], &fields["kind"]), (&json!("0"), &json!(99)));
    assert_eq!(fields["lines"], json!([{"bollards": ["-1", "1099511627776"]}]));
    assert_eq!((&fields["pilot_firm"], &fields["pilot_name"]), (&json!("********"), &Value::Null));
    assert_eq!(from_watch["presence"], json!({"harbour_note": false}));

    // A table for people, and flat columns in which the record's own `reference` keeps apart from ours.
    let (code, out, err) = port.ask("table", &[]).await;
    assert_eq!(code, 0, "{out}{err}");
    for shown in
        ["부산항 ⚓", "Żółw", "lines.bollards", "BUNKERING", "1000 KRW", "2026-03", "Ostend \"№7\""]
    {
        assert!(out.contains(shown), "no {shown} in {out}");
    }
    assert!(!out.contains("SECRETNOTE") && !out.contains("Ольга"), "{out}");
    let (code, out, err) = port.ask("csv", &["--where", "ship.name = 'Żółw'"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let mut rows = csv::Reader::from_reader(out.as_bytes());
    let header = rows.headers().unwrap().clone();
    let row = rows.records().next().unwrap().unwrap();
    let column = |name: &str| {
        let found: Vec<usize> =
            header.iter().enumerate().filter(|(_, one)| *one == name).map(|(at, _)| at).collect();
        assert_eq!(found.len(), 1, "{name} in {header:?}");
        row[found[0]].to_owned()
    };
    assert_eq!(column("fields.reference"), "R-2");
    assert_eq!((column("ship.name"), column("kind")), ("Żółw".into(), "LAY_BY".into()));
    assert_ne!(column("reference"), "R-2");

    // Filters over it, typed by its schema; what may not be named is not usable, whatever the reason.
    for (filter, count) in [
        ("kind = BUNKERING", 1),
        ("lines.bollards > 4", 2),
        ("draught_mm <= 0", 1),
        ("ship.tanker = true or kind = LAY_BY", 2),
        ("pilot_name = 'Ольга'", 1),
        ("not ship.name prefix '부산'", 2),
    ] {
        let (code, out, err) = port.ask("json", &["--where", filter]).await;
        assert_eq!(code, 0, "{filter}: {out}{err}");
        let document: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(document["records"].as_array().unwrap().len(), count, "{filter}: {out}");
    }
    for filter in ["harbour_note = 'x'", "arrived > 2026-01-01T00:00:00Z"] {
        let (code, out, err) = port.ask("json", &["--where", filter]).await;
        assert_ne!(code, 0, "{filter}: {out}");
        assert!(format!("{out}{err}").contains("FIELD_NOT_USABLE"), "{filter}: {out}{err}");
    }
    let (code, _, err) = port.ask("table", &["--where", "ship.nme = 'x'"]).await;
    assert!(code == 2 && err.contains("^"), "{err}");

    // A field mask narrows it, and explain tells the same plan without touching data.
    let (_, out, _) = port.ask("json", &["--fields", "ship.name,kind"]).await;
    assert!(out.contains("Żółw") && !out.contains("bollards\":"), "{out}");
    let words = ["explain", "Berthing", "--purpose", "SHIPMENT_TARGETING", "--fields", "*"];
    let (code, out, err) = port.run(ASKER, &words).await;
    assert_eq!(code, 0, "{out}{err}");
    for shown in ["harbour_note", "presence", "generalise", "pilot_firm", "lines.quay"] {
        assert!(out.contains(shown), "no {shown} in {out}");
    }

    // What was registered outlives the gateway.
    let Port { exchange, set, .. } = port;
    let Exchange { world, gateway, clock, dir } = exchange;
    gateway.shut_down().await.unwrap();
    let gateway = world.start(clock.clone()).await.unwrap();
    let port = Port {
        proto: dir.path().join("berth.proto"),
        exchange: Exchange { world, gateway, clock, dir },
        set,
    };
    let (code, out, err) = port.ask("json", &["--where", "kind = LAY_BY"]).await;
    assert!(code == 0 && out.contains("Żółw"), "{out}{err}");

    // Withdrawn, it is not known; registered again, it is.
    let withdraw = ["record-type", "withdraw", NAME];
    let (code, out, err) = port.run((HARBOUR, "registry"), &withdraw).await;
    assert!(code == 0 && out.contains("withdrawn since"), "{out}{err}");
    assert_eq!(port.run((HARBOUR, "registry"), &withdraw).await.0, 0, "twice is once");
    let (code, _, err) = port.ask("table", &[]).await;
    assert!(code == 2 && err.contains("no record type `Berthing`"), "{err}");
    let refused = port.exchange.ask(ASKER, request(berthings())).await.err().unwrap();
    assert_eq!(reason(&refused), "RECORD_TYPE_UNKNOWN");
    port.register().await;
    let (code, out, _) = port.ask("json", &[]).await;
    assert!(code == 0 && out.contains("부산항"), "{out}");
    port.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_answered_for_a_type_that_no_agreement_names() {
    let port = Port::up().await;
    port.register().await;
    // Another one of the same package, in no agreement.
    let source = PROTO.replace("message Berthing", "message Mooring");
    let set = compile(port.exchange.dir.path(), "mooring.proto", &source);
    let name = "zz_harbour.berth.v1.Mooring";
    let policy = port.exchange.gateway.broker.policy.load().hash();
    let mut harbour = port.directory((HARBOUR, "registry")).await;
    let ask = directory::RegisterRecordTypeRequest { name: name.into(), descriptor_set: set };
    let answer = harbour.register_record_type(ask).await.unwrap().into_inner();
    assert!(answer.created && !answer.registration.unwrap().named_by_agreement);
    // It changes no decision, so plans, resume tokens and receipts of others stay as they are.
    assert_eq!(port.exchange.gateway.broker.policy.load().hash(), policy);
    for who in [ASKER, STRANGER, (HARBOUR, "desk")] {
        let query = query::Query { record_type: name.into(), ..berthings() };
        let refused = port.exchange.ask(who, request(query)).await.err().unwrap();
        assert_eq!(reason(&refused), "RECORD_TYPE_UNKNOWN", "{who:?}");
        let ask = directory::ListRecordTypesRequest { name: name.into() };
        let listed = port.directory(who).await.list_record_types(ask).await.unwrap().into_inner();
        assert!(listed.record_types.is_empty(), "{who:?}");
    }
    // Nor is a stranger for one that an agreement of others names.
    let refused = port.exchange.ask(STRANGER, request(berthings())).await.err().unwrap();
    assert_eq!(reason(&refused), "AGREEMENT_NOT_FOUND_OR_NOT_PARTY");
    let ask = directory::ListRecordTypesRequest { name: NAME.into() };
    let listed = port.directory(STRANGER).await.list_record_types(ask).await.unwrap().into_inner();
    assert!(listed.record_types.is_empty());
    let (code, out, _) = port.run((HARBOUR, "registry"), &["record-type", "list"]).await;
    assert!(code == 0 && out.contains("no agreement names it") && out.contains("in use"), "{out}");
    port.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_schema_is_told_to_its_agency_and_the_operator_alone() {
    let capture = Capture::install();
    let port = Port::up().await;
    let mark = capture.mark();
    let bad = PROTO.replace("reference = 10 @(COMMERCIAL OFFICIAL FREE_TEXT)", "reference = 10");
    let bad = bad.replace("harbour_note = 536870911", "again = 11; string harbour_note = 12");
    let bad = bad.replace("string again", "Berthing again");
    let set = compile(port.exchange.dir.path(), "bad.proto", &bad);
    let expected =
        [("bad.proto", 21, "reference", "UNLABELLED"), ("bad.proto", 22, "again", "RECURSION")];

    // The command says it without asking the gateway, with its file and line.
    let file = text(&port.exchange.dir.path().join("bad.proto"));
    let words = ["record-type", "register", &file];
    let (code, out, err) = port.run((HARBOUR, "registry"), &words).await;
    assert_eq!(code, 1, "{out}{err}");
    for (file, line, field, rule) in expected {
        let told = format!("  {file}:{line}: {NAME}.{field}: {rule}: ");
        assert!(out.contains(&told), "no {told} in {out}");
    }
    // A source of its own making hears it from the gateway, and so does the operator.
    let mut harbour = port.directory((HARBOUR, "registry")).await;
    let ask =
        directory::RegisterRecordTypeRequest { name: NAME.into(), descriptor_set: set.clone() };
    let answer = harbour.register_record_type(ask).await.unwrap().into_inner();
    assert!(answer.registration.is_none() && !answer.created);
    let told: Vec<_> = answer
        .problems
        .iter()
        .map(|one| (one.file.as_str(), one.line, one.field.as_str(), one.rule.as_str()))
        .collect();
    assert_eq!(told, expected);
    let lines = capture.since(mark);
    for (_, _, field, rule) in expected {
        let found = lines.iter().any(|line| {
            line.starts_with("WARN")
                && line.contains(&format!("{NAME}.{field}: {rule}"))
                && line.contains("agency=zz-harbour")
        });
        assert!(found, "{field} {rule}: {lines:#?}");
    }
    // The agency's own source does not even start with it.
    std::fs::write(port.exchange.dir.path().join("berth.binpb"), &set).unwrap();
    let mapping = MappingRef { file: port.exchange.dir.path().join("berth.toml"), data_dir: None };
    let holder = portcullis::source::adapter::Holder {
        agency: portcullis_core::id::AgencyId::new(HARBOUR),
        environment: portcullis_core::handling::Environment::Exercise,
        id_key: portcullis::source::adapter::IdKey::read(
            &port.exchange.world.dir.join("keys").join(format!("{HARBOUR}.id.key")),
        )
        .unwrap(),
        spool_dir: port.exchange.world.dir.clone(),
    };
    let problems = tokio::task::spawn_blocking(move || {
        portcullis::source::adapter::CsvSource::load(&holder, &[mapping], None, 4).err().unwrap()
    })
    .await
    .unwrap()
    .to_string();
    assert!(
        problems.contains("reference: UNLABELLED") && problems.contains("again: RECURSION"),
        "{problems}"
    );

    // Who asks hears that it is not known, and no word of why.
    let (code, out, err) = port.ask("table", &[]).await;
    assert_eq!(code, 2, "{out}{err}");
    let said = format!("{out}{err}");
    assert!(said.contains("no record type `Berthing`"), "{said}");
    for word in ["UNLABELLED", "RECURSION", "refuse", "harbour"] {
        assert!(!said.contains(word), "{word} in {said}");
    }
    let refused = port.exchange.ask(ASKER, request(berthings())).await.err().unwrap();
    assert_eq!(reason(&refused), "RECORD_TYPE_UNKNOWN");
    port.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_stands_for_one_schema_and_one_agency_for_ever() {
    let port = Port::up().await;
    let dir = port.exchange.dir.path().to_owned();
    let register = async |who: (&str, &str), name: &str, set: &Bytes| {
        let ask =
            directory::RegisterRecordTypeRequest { name: name.into(), descriptor_set: set.clone() };
        let answer = port.directory(who).await.register_record_type(ask).await;
        answer.map(|answer| answer.into_inner()).map_err(|status| reason(&status))
    };
    let registry = (HARBOUR, "registry");

    // Who may: the systems that the operator names, for names in their agency's package.
    for who in [ASKER, STRANGER, (HARBOUR, "desk")] {
        assert_eq!(
            register(who, NAME, &port.set).await.err().unwrap(),
            "NOT_A_REGISTRAR",
            "{who:?}"
        );
    }
    assert_eq!(register((WATCH, "desk"), NAME, &port.set).await.err().unwrap(), "NOT_YOUR_PACKAGE");
    for name in
        ["zz_watch.Own", "zz_watch.owner.v1.T", "zz_watch.own", "portcullis.record.v1.Party"]
    {
        let refused = register((WATCH, "desk"), name, &port.set).await.err().unwrap();
        assert_eq!(refused, "NOT_YOUR_PACKAGE", "{name}");
    }
    // A package that merely begins alike is another one.
    assert_eq!(
        register(registry, "zz_harbourmaster.v1.T", &port.set).await.err().unwrap(),
        "NOT_YOUR_PACKAGE"
    );

    let first = register(registry, NAME, &port.set).await.unwrap();
    assert!(first.created);
    let hash = first.registration.unwrap().schema_hash;
    // The same again changes nothing, whatever the comments say.
    let same = PROTO.replace("// A ship at a quay.", "// The same ship.\n");
    let same = compile(&dir, "same.proto", &same);
    let again = register(registry, NAME, &same).await.unwrap();
    assert!(!again.created && again.registration.unwrap().schema_hash == hash);
    // Another one is refused, even after the first was withdrawn, even if it only says less.
    for (from, to) in [
        ("FINANCIAL CONFIDENTIAL MONEY", "FINANCIAL PUBLIC MONEY"),
        ("KIND_LAY_BY = 7;", "KIND_LAY_BY = 7; KIND_OTHER = 8;"),
        ("  string reference = 10 @(COMMERCIAL OFFICIAL FREE_TEXT);\n", ""),
    ] {
        let other = compile(&dir, "other.proto", &PROTO.replace(from, to));
        assert_eq!(register(registry, NAME, &other).await.err().unwrap(), "RECORD_TYPE_CONFLICT");
        let ask = directory::WithdrawRecordTypeRequest { name: NAME.into() };
        let mut directory = port.directory(registry).await;
        assert!(
            !directory
                .withdraw_record_type(ask)
                .await
                .unwrap()
                .into_inner()
                .registration
                .unwrap()
                .in_use
        );
        assert_eq!(register(registry, NAME, &other).await.err().unwrap(), "RECORD_TYPE_CONFLICT");
        assert!(register(registry, NAME, &port.set).await.unwrap().created);
    }
    let answer = port.exchange.ask(ASKER, request(berthings())).await.unwrap();
    assert_eq!(answer.records.len(), 3, "none of that changed what is in force");

    // Nobody withdraws what is another's, and a schema that an agreement cannot be applied to is refused.
    let ask = directory::WithdrawRecordTypeRequest { name: NAME.into() };
    let refused =
        port.directory((WATCH, "desk")).await.withdraw_record_type(ask).await.err().unwrap();
    assert_eq!(reason(&refused), "RECORD_TYPE_NOT_REGISTERED");
    port.exchange.shut_down().await.unwrap();

    let port = Port::up().await;
    let other = PROTO.replace("harbour_note", "harbour_remark");
    let other = compile(port.exchange.dir.path(), "other.proto", &other);
    let ask = directory::RegisterRecordTypeRequest { name: NAME.into(), descriptor_set: other };
    let refused = port.directory(registry).await.register_record_type(ask).await.err().unwrap();
    assert_eq!(reason(&refused), "AGREEMENT_DOES_NOT_FIT");
    assert!(refused.message().contains("harbour_note"), "{}", refused.message());
    assert!(!refused.message().contains("berths.toml"), "no path of the gateway's machine");
    // It left nothing behind: the right one is taken.
    port.register().await;
    port.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_can_name_a_type_by_its_file() {
    let types =
        format!("[[record_types]]\nname = \"{NAME}\"\ndescriptor_set = \"@DIR/berth.binpb\"\n");
    let port = Port::with(&format!("{types}{REGISTRARS}")).await;
    let (code, out, err) = port.ask("json", &["--where", "kind = LAY_BY"]).await;
    assert!(code == 0 && out.contains("Żółw"), "{out}{err}");
    // Then the name is taken, except for the same schema.
    let source = PROTO.replace("KIND_LAY_BY = 7", "KIND_LAY_BY = 8");
    let other = compile(port.exchange.dir.path(), "other.proto", &source);
    let ask = directory::RegisterRecordTypeRequest { name: NAME.into(), descriptor_set: other };
    let refused = port.directory((HARBOUR, "registry")).await.register_record_type(ask).await.err();
    assert_eq!(reason(&refused.unwrap()), "RECORD_TYPE_CONFLICT");
    port.register().await;
    port.exchange.shut_down().await.unwrap();
}

/// Every mistake in who may register what is told with its key.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_register_is_checked_before_anything_is_served() {
    let port = Port::up().await;
    let path = port.exchange.world.config.clone();
    let good = std::fs::read_to_string(&path).unwrap();
    for (from, to, key) in [
        ("agency = \"zz-harbour\"", "agency = \"zz-nobody\"", "registrars[0].agency"),
        ("agency = \"zz-watch\"", "agency = \"zz-harbour\"", "registrars[1].agency"),
        ("\"zz_harbour\"", "\"zz_watch\"", "registrars[1].package"),
        ("\"zz_harbour\"", "\"zz_watch.own\"", "registrars[1].package"),
        ("\"zz_harbour\"", "\"zz_watch.own.more\"", "registrars[1].package"),
        ("\"zz_harbour\"", "\"portcullis\"", "registrars[0].package"),
        ("\"zz_harbour\"", "\"portcullis.record.v1\"", "registrars[0].package"),
        ("\"zz_harbour\"", "\"google.protobuf\"", "registrars[0].package"),
        ("\"zz_harbour\"", "\"\"", "registrars[0].package"),
        ("\"zz_harbour\"", "\"zz_harbour.\"", "registrars[0].package"),
        ("\"zz_harbour\"", "\"Harbour\"", "registrars[0].package"),
        ("systems = [\"registry\"]", "systems = []", "registrars[0].systems"),
        ("systems = [\"registry\"]", "systems = [\"a b\"]", "registrars[0].systems"),
    ] {
        assert!(good.contains(from), "{from}");
        std::fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let error = portcullis::config::Config::load(&path).err().unwrap().to_string();
        assert!(error.contains(&format!("`{key}`")), "{to}: {error}");
    }
    // Packages that merely begin alike do not overlap.
    std::fs::write(&path, good.replacen("\"zz_harbour\"", "\"zz_watch.ownership\"", 1)).unwrap();
    assert!(portcullis::config::Config::load(&path).is_ok());
    // Nobody may register, and an agreement names what cannot come: a mistake, told at the start.
    let (without, _) = good.split_once("[[registrars]]").unwrap();
    std::fs::write(&path, without).unwrap();
    let error = port.exchange.world.start(port.exchange.clock.clone()).await.err().unwrap();
    assert!(format!("{error:#}").contains("is not registered"), "{error:#}");
    port.exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_another_language_decodes_it_from_the_directory() {
    let Some(python) = std::env::var_os("PORTCULLIS_PYTHON") else {
        println!("skipped: no PORTCULLIS_PYTHON; tests/run.sh sets it");
        return;
    };
    let port = Port::up().await;
    port.register().await;
    let certificates = &port.exchange.world.exchange;
    let identity = certificates.identity(ASKER.0, ASKER.1).unwrap();
    let config = json!({
        "address": port.exchange.gateway.address.to_string(),
        "server_name": "localhost",
        "trust_bundle": certificates.agency(&certificates.gateway_agency).unwrap().ca,
        "certificate": identity.certificate,
        "key": identity.key,
    });
    let path = port.exchange.dir.path().join("python.json");
    std::fs::write(&path, config.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python/portcullis_client.py");
    let output = tokio::process::Command::new(python)
        .arg(script)
        .args(["all", path.to_str().unwrap(), "--show-records", "--record-type", NAME])
        .args(["--purpose", "SHIPMENT_TARGETING", "--justification", "a test", "--fields", "*"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"));
    assert_eq!(output.status.code(), Some(0), "{document:#}{told}");
    let labels = &document["labels"][NAME];
    assert_eq!(labels["lines.bollards"], json!(["LOCATION", "OFFICIAL", "QUANTITY"]));
    assert_eq!(labels["dues"], json!(["FINANCIAL", "CONFIDENTIAL", "MONEY"]));
    let released = document["query"]["released"].as_array().unwrap();
    assert_eq!(released.len(), 3, "{document:#}");
    let busan = released.iter().find(|one| one["payload"]["ship"]["name"] == "부산항 ⚓").unwrap();
    let payload = &busan["payload"];
    assert_eq!(payload["lines"][0]["bollards"], json!(["3", "4"]), "{payload:#}");
    assert_eq!(
        (&payload["kind"], &payload["ship"]["tanker"]),
        (&json!("KIND_BUNKERING"), &json!(true))
    );
    assert!(payload.get("harbour_note").is_none());
    port.exchange.shut_down().await.unwrap();
}

#[test]
fn check_says_what_would_be_accepted_and_what_is_wrong_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| text(&dir.path().join(name));
    let write = |name: &str, content: &str| {
        std::fs::write(dir.path().join(name), labelled(content)).unwrap();
        path(name)
    };
    let run = |words: &[&str]| {
        let output = Command::new(binary("portcullis").unwrap())
            .args(["record-type", "check"])
            .args(words)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        assert!(!err.contains("panicked") && !out.contains('\u{1b}'), "{out}{err}");
        (output.status.code().unwrap(), out, err)
    };
    // A .proto file as it is, without a copy of the contract beside it; and a set; and both.
    let good = write("berth.proto", PROTO);
    let set = path("berth.binpb");
    std::fs::write(&set, compile(dir.path(), "berth.proto", PROTO)).unwrap();
    for files in [vec![&good], vec![&set], vec![&good, &set]] {
        let words: Vec<&str> = files.iter().map(|file| file.as_str()).collect();
        let (code, out, err) = run(&words);
        assert_eq!(code, 0, "{out}{err}");
        let accepted = format!("{NAME}: accepted, 13 labelled leaves\n");
        assert_eq!(out.matches(&accepted).count(), files.len(), "{out}");
        for row in [
            "lines.bollards",
            "repeated int64",
            "LOCATION OFFICIAL TIMESTAMP",
            "generalise:day, generalise:month, generalise:year",
            "mask, pseudonymise",
        ] {
            assert!(out.contains(row), "no {row} in {out}");
        }
    }
    let (code, out, _) = run(&[&good, "--json"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &document[0]["accepted"]), (0, &json!(true)));
    let arrived = document[0]["leaves"].as_array().unwrap();
    let arrived = arrived.iter().find(|leaf| leaf["path"] == "arrived").unwrap();
    assert_eq!(
        arrived["treatments"],
        json!([
            "clear",
            "generalise:day",
            "generalise:month",
            "generalise:year",
            "presence",
            "withhold"
        ])
    );

    // What is wrong, all of it, by line; a good file beside a bad one does not save it.
    let bad = write(
        "bad.proto",
        "syntax = \"proto3\";\npackage a.v1;\nimport \"portcullis/label/v1/label.proto\";\nmessage T {\n\
         \x20 string a = 1 @(PERSONAL OFFICIAL PERSON_NAME);\n  map<string, int32> b = 2;\n  bytes c = 3;\n}\n",
    );
    let (code, out, err) = run(&[&bad, &good]);
    assert_eq!(code, 1, "{err}");
    let expected = "a.v1.T: refused\n  bad.proto:6: a.v1.T.b: MAP: keys of a map have no label\n  \
                    bad.proto:7: a.v1.T.c: UNLABELLED: a leaf needs a label\n";
    assert!(out.contains(expected), "{out}");
    let (code, out, _) = run(&[&bad, "--json"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &document[0]["problems"][0]["line"]), (1, &json!(6)));

    // A schema that does not compile, with a caret.
    let broken = write("broken.proto", "syntax = \"proto3\";\nmessage T {\n  strin id = 1;\n}\n");
    let (code, _, err) = run(&[&broken]);
    assert_eq!(code, 1);
    assert!(err.contains("broken.proto:3:3: name 'strin' is not defined"), "{err}");
    assert!(err.contains("  3 |   strin id = 1;\n    |   ^^^^^"), "{err}");
    let broken = write("broken.proto", "syntax = \"proto3\";\nimport \"no/such.proto\";\n");
    let (code, _, err) = run(&[&broken]);
    assert!(code == 1 && err.contains("broken.proto:2:") && err.contains("^"), "{err}");
    // An import that is in a folder that has to be named.
    std::fs::create_dir_all(dir.path().join("x/y")).unwrap();
    write("x/y/part.proto", &PROTO.replace("Berthing", "Other"));
    let split = write(
        "x/main.proto",
        "syntax = \"proto3\";\npackage b.v1;\nimport \"y/part.proto\";\nmessage T {\n  zz_harbour.berth.v1.Other o = 1;\n}\n",
    );
    assert_eq!(run(&[&split]).0, 0);
    let (code, _, err) = run(&[&split, "-I", &path("x/y")]);
    assert!(code == 1 && err.contains("is not in any include path"), "{err}");
    assert_eq!(run(&[&split, "-I", &path("x")]).0, 0);

    // Files that are none of it.
    std::fs::write(path("empty"), "").unwrap();
    std::fs::write(path("noise"), [0xff; 64]).unwrap();
    std::fs::write(path("text"), "# Not a schema\n").unwrap();
    let huge = std::fs::File::create(path("huge")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let plain = write(
        "plain.proto",
        "syntax = \"proto3\";\npackage a.v1;\nmessage T {\n  string a = 1;\n}\n",
    );
    let bare = write(
        "bare.proto",
        "syntax = \"proto3\";\npackage a.v1;\nimport \"portcullis/label/v1/label.proto\";\nmessage T {\n  string a = 1;\n}\n",
    );
    for (file, told) in [
        (path("nowhere"), "cannot read"),
        (text(dir.path()), "it is a folder"),
        (path("empty"), "is empty"),
        (path("noise"), "is not a descriptor set"),
        (path("text"), "is not a descriptor set"),
        (path("huge"), "is larger than 4194304 bytes"),
        ("/dev/zero".to_owned(), "is larger than 4194304 bytes"),
        (plain, "does not bring portcullis/label/v1/label.proto"),
        (bare, "no message in it carries labels"),
    ] {
        let (code, out, err) = run(&[&file]);
        assert_eq!(code, 1, "{file}: {out}{err}");
        assert!(err.contains(told) && out.is_empty(), "{file}: {out}{err}");
    }
    assert_eq!(run(&[]).0, 2);
    assert_eq!(run(&[&good, "--what"]).0, 2);
    // A name that is not there is the schema's fault; no file, the caller's.
    let (code, out, _) = run(&[&good, "--name", "a.b.C"]);
    assert!(code == 1 && out.contains("NO_SUCH_MESSAGE"), "{out}");
}

/// Every rule has its place in the README, and none that is not there.
#[test]
fn every_rule_is_in_the_readme() {
    let readme = include_str!("../../gateway/README.md");
    let (_, table) = readme.split_once("| refused as | what |\n|---|---|\n").unwrap();
    let mut told: Vec<&str> = table
        .lines()
        .take_while(|line| line.starts_with("| "))
        .flat_map(|line| line.split('|').nth(1).unwrap().split(','))
        .map(str::trim)
        .collect();
    let mut rules: Vec<&str> =
        portcullis_core::label::LintRule::ALL.iter().map(|rule| rule.word()).collect();
    told.sort_unstable();
    rules.sort_unstable();
    assert_eq!(told, rules);
}

#[tokio::test]
async fn the_readme_shows_what_check_prints() {
    let readme = include_str!("../../gateway/README.md");
    let (_, shown) = readme.split_once("```text\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/samples/berth.proto");
    let dir = tempfile::tempdir().unwrap();
    let bad = text(&dir.path().join("berth.proto"));
    let source = std::fs::read_to_string(&sample).unwrap();
    let (before, _) = source.split_once("  string pilot = 3").unwrap();
    let wrong = "  string pilot = 3;\n  map<string, string> remarks = 4;\n}\n";
    std::fs::write(&bad, format!("{before}{wrong}")).unwrap();
    for (file, code, command) in [
        (bad, 1, "$ portcullis record-type check berth.proto\n"),
        (text(&sample), 0, "$ portcullis record-type check gateway/samples/berth.proto\n"),
    ] {
        let (ended, out, err) = run(&["record-type", "check", &file]).await;
        assert_eq!(ended, code, "{out}{err}");
        assert!(shown.contains(&format!("{command}{out}")), "{command}{out}");
    }
}
