//! The canary sweep: every value of a record that a requester may not see is unique, and none of them is
//! found anywhere the requester, an operator or a thief of the disks could look. Source files apart.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use portcullis::client::{Profile, connect};
use portcullis::command::playground::{WorldSource, WorldSpec};
use portcullis::identity::Credentials;
use portcullis_proto::audit::v1 as audit;
use portcullis_proto::audit::v1::audit_service_client::AuditServiceClient;
use portcullis_proto::directory::v1 as directory;
use portcullis_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use portcullis_proto::source::v1 as source;
use portcullis_proto::source::v1::source_service_server::{SourceService, SourceServiceServer};
use portcullis_tests::capture::Capture;
use portcullis_tests::{Exchange, binary, filter, query, request};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

const ASKER: (&str, &str) = ("sm-customs", "targeting");

/// Columns of the sample's mapping whose field `sm-customs` may see only in another form, or not at all,
/// when it chooses shipments to inspect.
const HIDDEN: [&str; 26] = [
    "Entry No",
    "Office",
    "Process",
    "Procedure",
    "Declarant ID",
    "Declarant",
    "Exporter ID",
    "Exporter",
    "Exporter Script",
    "Exporter Language",
    "Exporter Latin",
    "Importer ID",
    "Importer",
    "Importer Script",
    "Importer Language",
    "Importer Latin",
    "Importer City",
    "Carrier ID",
    "Carrier",
    "End User ID",
    "End User",
    "Goods",
    "Control",
    "Goods 2",
    "Invoice",
    "Remarks",
];

/// A value that must not be found, and the forms in which it would be.
struct Canary {
    name: String,
    forms: Vec<Vec<u8>>,
}

impl Canary {
    fn text(name: &str, text: &str) -> Self {
        let mut forms: Vec<Vec<u8>> =
            vec![text.into(), text.to_lowercase().into(), hex::encode(text).into()];
        forms.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        Self { name: name.to_owned(), forms }
    }

    /// A number, as decimal digits and as protobuf writes it behind the key of its field.
    fn number(name: &str, key: u8, number: u64) -> Self {
        let mut encoded = vec![key];
        prost::encoding::encode_varint(number, &mut encoded);
        Self { name: name.to_owned(), forms: vec![number.to_string().into(), encoded] }
    }

    fn double(name: &str, number: f64) -> Self {
        let forms = vec![number.to_string().into(), number.to_le_bytes().to_vec()];
        Self { name: name.to_owned(), forms }
    }
}

/// Everything looked through, each with where it comes from.
#[derive(Default)]
struct Haystack(Vec<(String, Vec<u8>)>);

impl Haystack {
    fn add(&mut self, origin: &str, bytes: impl Into<Vec<u8>>) {
        self.0.push((origin.to_owned(), bytes.into()));
    }

    fn message(&mut self, origin: &str, message: &impl prost::Message) {
        self.add(origin, message.encode_to_vec());
    }

    fn status(&mut self, origin: &str, status: &Status) {
        self.add(origin, format!("{status:?} {}", status.message()));
        self.add(origin, status.details());
        self.add(origin, format!("{:?}", status.metadata()));
    }

    /// `CANARY in ORIGIN`, sorted. One pass: every form is looked up by its first four bytes.
    fn hits(&self, canaries: &[Canary]) -> Vec<String> {
        let mut by_head: HashMap<[u8; 4], Vec<(&str, &[u8])>> = HashMap::new();
        for canary in canaries {
            for form in &canary.forms {
                let head = *form.first_chunk().expect("a form of four bytes or more");
                by_head.entry(head).or_default().push((&canary.name, form));
            }
        }
        let mut hits = BTreeSet::new();
        for (origin, bytes) in &self.0 {
            for at in 0..bytes.len().saturating_sub(3) {
                let head: [u8; 4] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
                for (name, form) in by_head.get(&head).map(Vec::as_slice).unwrap_or_default() {
                    if bytes[at..].starts_with(form) {
                        hits.insert(format!("{name} in {origin}"));
                    }
                }
            }
        }
        hits.into_iter().collect()
    }
}

/// Declarations in which every hidden value is a canary, and the canaries.
fn declarations(header: &str) -> (String, Vec<Canary>) {
    let columns: Vec<&str> = header.trim_end().split(',').collect();
    for hidden in HIDDEN {
        assert!(columns.contains(&hidden), "the mapping's file has no column `{hidden}`");
    }
    let mut canaries = vec![];
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(&columns).unwrap();
    for row in 1..=3_u32 {
        let fields: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let token = format!("QZ{row}K{at:02}VXW");
                let mut canary = |canary| canaries.push(canary);
                if HIDDEN.contains(column) {
                    canary(Canary::text(column, &token));
                    return token;
                }
                match *column {
                    // The owner's letters may be seen, and the last two characters of an identifier.
                    "Containers" => {
                        canary(Canary::text(column, &format!("U83917{row}5")));
                        format!("QZXU83917{row}5")
                    }
                    "Licence" => {
                        canary(Canary::text(column, &token));
                        format!("{token}77")
                    }
                    "Price" => {
                        canary(Canary::number(column, MONEY_UNITS, 73_918_260 + u64::from(row)));
                        format!("{}.37", 73_918_260 + row)
                    }
                    "Price 2" => {
                        canary(Canary::number(column, MONEY_UNITS, 61_427_350 + u64::from(row)));
                        format!("{}.37", 61_427_350 + row)
                    }
                    "Accepted" => {
                        // 2026-02-01T00:00+01:00 and some minutes; the day may be seen.
                        canary(Canary::number(
                            column,
                            TIMESTAMP_SECONDS,
                            1_769_900_400 + 49_020 + u64::from(row) * 60,
                        ));
                        format!("01.02.2026 13:{}", 37 + row)
                    }
                    "Lat" => {
                        canary(Canary::double(column, 61.972_71 + f64::from(row)));
                        format!("{}", 61.972_71 + f64::from(row))
                    }
                    "Lon" => {
                        canary(Canary::double(column, 18.512_93 + f64::from(row)));
                        format!("{}", 18.512_93 + f64::from(row))
                    }
                    "Duty" => {
                        canary(Canary::double(column, 7.391_825 + f64::from(row)));
                        format!("{}", 7.391_825 + f64::from(row))
                    }
                    "UCR" => format!("6XN900000000{row}"),
                    "Way" => "EX".into(),
                    "Mode" => "1".into(),
                    "Exporter Country" | "Departure" | "Origin" => "XN".into(),
                    "Importer Country" | "Destination" | "End User Country" => "XS".into(),
                    "Loading" => "XNHAV".into(),
                    "Discharge" => "XSPSM".into(),
                    "IMO" => "9746413".into(),
                    "HS" | "HS 2" => "850440".into(),
                    "Net kg" | "Net kg 2" => "12".into(),
                    "Gross kg" => "14".into(),
                    "Pieces" | "Pieces 2" => "3".into(),
                    "Currency" => "EUR".into(),
                    "Releasable" | "Compartments" | "Marking" => String::new(),
                    other => panic!("column `{other}` is neither hidden nor known"),
                }
            })
            .collect();
        writer.write_record(&fields).unwrap();
    }
    (String::from_utf8(writer.into_inner().unwrap()).unwrap(), canaries)
}

/// Keys of `Money.units` (2) and `Timestamp.seconds` (1), both varints.
const MONEY_UNITS: u8 = 2 << 3;
const TIMESTAMP_SECONDS: u8 = 1 << 3;

const SPILT: &str = "QZSPILTKANARI";

/// A source that spills a value into its error.
struct Spilling;

#[tonic::async_trait]
impl SourceService for Spilling {
    type SearchStream = std::pin::Pin<
        Box<dyn futures::Stream<Item = Result<source::SearchResponse, Status>> + Send>,
    >;

    async fn describe(
        &self,
        _: Request<source::DescribeRequest>,
    ) -> Result<Response<source::DescribeResponse>, Status> {
        Err(Status::internal(SPILT))
    }

    async fn search(
        &self,
        _: Request<source::SearchRequest>,
    ) -> Result<Response<Self::SearchStream>, Status> {
        Err(Status::with_details(tonic::Code::Internal, SPILT, SPILT.as_bytes().into()))
    }
}

/// Lives through a day of the exchange as `sm-customs` and looks through everything there is.
async fn sweep(change: impl FnOnce(&mut WorldSpec)) -> Vec<String> {
    let capture = Capture::install();
    capture.everything();
    let listener = portcullis::identity::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut canaries = vec![Canary::text("a source's error", SPILT)];
    let mut samples = PathBuf::new();
    let exchange = Exchange::sample_with(|spec| {
        let agency = |spec: &mut WorldSpec, id: &str| {
            spec.agencies.iter_mut().position(|agency| agency.id == id).unwrap()
        };
        let nv = agency(spec, "nv-customs");
        let Some(WorldSource::Files { mappings, .. }) = &spec.agencies[nv].source else {
            panic!("not from files")
        };
        samples = mappings[0].file.with_file_name("declarations.csv");
        let text = std::fs::read_to_string(&samples).unwrap();
        let (rows, made) = declarations(text.lines().next().unwrap());
        std::fs::write(&samples, rows).unwrap();
        canaries.extend(made);
        let licensing = agency(spec, "nv-licensing");
        let record_types = vec!["portcullis.record.v1.ExportLicence".to_owned()];
        spec.agencies[licensing].source = Some(WorldSource::Elsewhere { address, record_types });
        change(spec);
    })
    .await
    .unwrap();
    let identity = exchange.world.exchange.identity("nv-licensing", "source").unwrap();
    let credentials = Credentials::load(&identity.certificate, &identity.key).unwrap();
    let incoming = exchange.world.listen_with(listener, credentials, &exchange.clock).unwrap();
    let spilling = SourceServiceServer::new(Spilling);
    tokio::spawn(Server::builder().add_service(spilling).serve_with_incoming(incoming));

    let mut found = Haystack::default();
    queries(&exchange, &mut found).await;
    others(&exchange, &mut found).await;
    command(&exchange, &mut found).await;
    found.add("/metrics", exchange.metrics().await.unwrap());
    // While it runs, so that what is only in the write-ahead log is there too.
    files(&exchange.world.dir, &samples, &mut found);
    for name in ["gateway.sqlite", "gateway.sqlite-wal", "sm-customs-targeting.toml"] {
        assert!(found.0.iter().any(|(origin, _)| *origin == format!("the file {name}")), "{name}");
    }
    let dir = exchange.world.dir.clone();
    exchange.gateway.shut_down().await.unwrap();
    files(&dir, &samples, &mut found);
    let traced = capture.since(0);
    assert!(traced.iter().any(|line| line.starts_with("TRACE ")), "not at TRACE");
    assert!(
        traced.iter().any(|line| line.starts_with("span portcullis") && line.contains("query"))
    );
    found.add("the trace", traced.join("\n"));
    found.hits(&canaries)
}

/// Allowed, denied and failing queries, and explanations of them.
async fn queries(exchange: &Exchange, found: &mut Haystack) {
    let targeting = || query("Declaration", wire::Purpose::ShipmentTargeting, "");
    let mut filtered = targeting();
    filtered.filter = Some(filter("Declaration", "items.hs_code prefix '85'").unwrap());
    let mut few = targeting();
    few.fields = vec!["items.hs_code".into(), "importer".into()];
    let investigation = query("Declaration", wire::Purpose::Investigation, "CASE-2026-014");
    let mut probing = targeting();
    probing.filter = Some(filter("Declaration", "officer_remarks prefix 'a'").unwrap());
    let mut unseen = targeting();
    unseen.fields = vec!["officer_remarks".into()];
    let mut unknown = targeting();
    unknown.record_type = "portcullis.record.v1.Nothing".into();
    let asked = [
        ("an answer", targeting(), true),
        ("a filtered answer", filtered, true),
        ("an answer of few fields", few, true),
        ("a denied query", query("Declaration", wire::Purpose::Statistics, ""), false),
        ("a probing query", probing, false),
        ("a query for a hidden field", unseen, false),
        ("a query for an unknown type", unknown, false),
        ("a spilt answer", query("ExportLicence", wire::Purpose::LicenceVerification, ""), true),
        ("an investigation", investigation, true),
    ];
    for (origin, mut asked, allowed) in asked {
        asked.sources = match asked.record_type.ends_with("Declaration") {
            true => vec!["nv-customs".into()],
            false => vec![],
        };
        let channel = exchange.channel(ASKER.0, ASKER.1).await.unwrap();
        let mut client = QueryServiceClient::new(channel);
        let explained = wire::ExplainRequest { query: Some(asked.clone()), ..Default::default() };
        match client.explain(explained).await {
            Ok(answer) => found.message(&format!("{origin}, explained"), answer.get_ref()),
            Err(status) => found.status(&format!("{origin}, explained"), &status),
        }
        let mut answered = false;
        match client.query(request(asked)).await {
            Err(status) => found.status(origin, &status),
            Ok(stream) => {
                found.add(origin, format!("{:?}", stream.metadata()));
                let mut stream = stream.into_inner();
                loop {
                    match stream.message().await {
                        Ok(Some(message)) => found.message(origin, &message),
                        Ok(None) => break,
                        Err(status) => found.status(origin, &status),
                    }
                    answered = true;
                }
                let trailers = stream.trailers().await.unwrap();
                found.add(origin, format!("{trailers:?}"));
            }
        }
        assert_eq!(answered, allowed, "{origin}");
    }
}

/// What else a requester can ask.
async fn others(exchange: &Exchange, found: &mut Haystack) {
    let profile = Profile::load(&exchange.world.profile(ASKER.0, ASKER.1)).unwrap();
    let channel = connect(&profile).await.unwrap();
    let mut log = AuditServiceClient::new(channel.clone());
    let entries = log.list_entries(audit::ListEntriesRequest::default()).await.unwrap();
    assert!(!entries.get_ref().entries.is_empty());
    found.message("the requester's entries", entries.get_ref());
    let mut directory = DirectoryServiceClient::new(channel);
    let me = directory.whoami(directory::WhoamiRequest {}).await.unwrap();
    found.message("whoami", me.get_ref());
    let types = directory::ListRecordTypesRequest::default();
    found.message("record types", directory.list_record_types(types).await.unwrap().get_ref());
}

/// The command, in every format, allowed and refused.
async fn command(exchange: &Exchange, found: &mut Haystack) {
    let profile = exchange.world.profile(ASKER.0, ASKER.1);
    for (purpose, success) in [("SHIPMENT_TARGETING", true), ("STATISTICS", false)] {
        for format in ["json", "table", "csv"] {
            let output = tokio::process::Command::new(binary("portcullis").unwrap())
                .args(["query", "Declaration", "--from", "nv-customs", "--format", format])
                .args(["--purpose", purpose, "--profile"])
                .arg(&profile)
                .env("PORTCULLIS_LOG", "trace")
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .output()
                .await
                .unwrap();
            let origin = format!("portcullis query --format {format}");
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.success(), success, "{origin}: {told}");
            assert!(!success || String::from_utf8_lossy(&output.stdout).contains("850440"));
            found.add(&origin, output.stdout);
            found.add(&origin, output.stderr);
        }
    }
}

/// Every file of the exchange but the source's own.
fn files(folder: &Path, samples: &Path, found: &mut Haystack) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, samples, found);
        } else if path.file_name() != samples.file_name() || path.parent() != samples.parent() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            found.add(&format!("the file {name}"), std::fs::read(&path).unwrap());
        }
    }
}

/// What the agreement gives an investigation beyond targeting; it is in its answer and nowhere else.
const GRANTED: [&str; 4] = [
    "Entry No in an investigation",
    "Goods 2 in an investigation",
    "Goods in an investigation",
    "Procedure in an investigation",
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_hidden_is_found_anywhere() {
    let hits = sweep(|_| {}).await;
    assert_eq!(hits, GRANTED);
}

/// The sweep can find what it looks for: a field that the agreement lets through is in every answer, and
/// still in no trace and in no file.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_let_through_is_found_where_it_was_released() {
    let hits = sweep(|spec| {
        let agreement =
            spec.agreements.iter_mut().find(|(name, _)| name.starts_with("maa")).unwrap();
        let fields =
            "fields = [\"officer_remarks\", \"examined_at\", \"items.description\"]\nrungs = [";
        assert!(agreement.1.contains(fields));
        agreement.1 = agreement.1.replace(fields, &format!("{fields}\"clear\", "));
    })
    .await;
    for origin in ["an answer", "a filtered answer", "portcullis query --format csv"] {
        assert!(hits.contains(&format!("Goods in {origin}")), "{origin}: {hits:#?}");
    }
    assert!(
        hits.iter().all(|hit| !hit.contains("the trace") && !hit.contains("the file")),
        "{hits:#?}"
    );
}
