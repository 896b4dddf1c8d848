//! A source as its gateway meets it: over mutual TLS, by its settings file.

use std::path::PathBuf;
use std::sync::Arc;

use portcullis_certs_dev::{Exchange, ExchangeSpec};
use portcullis_core::id::Moment;
use portcullis_proto::source::v1 as wire;
use portcullis_proto::source::v1::source_service_client::SourceServiceClient;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::super::{Listening, Settings, StartError, start};
use super::{Folder, repository, request};
use crate::clock::Clock;
use crate::identity::connect::{
    ClientFiles, ClientIdentity, ConnectLimits, ExpectedServer, channel,
};
use crate::identity::{HandshakeCounters, PeerId};

const NOW: i64 = 1_772_366_400;

fn exchange(folder: &Folder) -> Exchange {
    let spec = ExchangeSpec::new(&["nv-customs", "sm-customs"]);
    let now = time::OffsetDateTime::from_unix_timestamp(NOW).unwrap();
    Exchange::generate(&folder.path().join("pki"), &spec, now).unwrap()
}

fn settings_file(folder: &Folder, change: impl Fn(String) -> String) -> PathBuf {
    folder.write("id.key", [9u8; 32]);
    use std::os::unix::fs::PermissionsExt as _;
    let key = folder.path().join("id.key");
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
    // The commented sample itself, with the paths of this test.
    let sample = std::fs::read_to_string(repository().join("source.sample.toml")).unwrap();
    let text = sample
        .replace("0.0.0.0:7443", "127.0.0.1:0")
        .replace("\"nv-customs/", &format!("\"{}/nv-customs/", repository().display()));
    folder.write("source.toml", change(text));
    folder.path().join("source.toml")
}

async fn listening(folder: &Folder) -> (Listening, CancellationToken, Arc<HandshakeCounters>) {
    let settings = Settings::read(&settings_file(folder, |text| text)).unwrap();
    let (stop, metrics) = (CancellationToken::new(), Arc::new(HandshakeCounters::default()));
    let clock = Clock::manual(Moment::from_seconds(NOW));
    let listening = start(settings, clock, metrics.clone(), stop.clone()).await.unwrap();
    (listening, stop, metrics)
}

fn client(
    exchange: &Exchange,
    (agency, system): (&str, &str),
    listening: &Listening,
) -> SourceServiceClient<tonic::transport::Channel> {
    let own = exchange.identity(agency, system).unwrap();
    let theirs = exchange.agency("nv-customs").unwrap();
    let at = |path: &PathBuf| exchange.dir.join(path);
    let identity = ClientIdentity::load(&ClientFiles {
        certificate: at(&own.certificate),
        key: at(&own.key),
        roots: vec![at(&theirs.ca)],
        crls: vec![at(&theirs.crl)],
    });
    let expected = PeerId::parse(&exchange.spiffe_id("nv-customs", "source")).unwrap();
    let channel = channel(
        &listening.address.to_string(),
        &identity.unwrap(),
        ExpectedServer::Spiffe(expected),
        &Clock::manual(Moment::from_seconds(NOW)),
        &ConnectLimits::default(),
    );
    SourceServiceClient::new(channel.unwrap())
}

#[tokio::test]
async fn the_gateway_is_answered_and_nobody_else() {
    let folder = Folder::new(&[]);
    let exchange = exchange(&folder);
    let (listening, stop, metrics) = listening(&folder).await;

    let mut gateway = client(&exchange, ("exchange", "gateway"), &listening);
    let told = gateway.describe(wire::DescribeRequest {}).await.unwrap().into_inner();
    assert_eq!((told.agency.as_str(), told.record_types.len()), ("nv-customs", 2));
    let asker = Some(wire::Asker { agency: "sm-customs".into(), ..Default::default() });
    let asked = wire::SearchRequest { asker, ..request("Declaration") };
    let mut stream = gateway.search(asked).await.unwrap().into_inner();
    let mut records = 0;
    while let Some(message) = stream.message().await.unwrap() {
        match message.message.unwrap() {
            wire::search_response::Message::Batch(batch) => records += batch.records.len(),
            wire::search_response::Message::End(end) => assert_eq!(end.records, 60),
        }
    }
    assert_eq!(records, 60);

    // Another agency's CA is not in the bundle; the source's own agency is not either.
    for other in [("sm-customs", "desk"), ("nv-customs", "desk")] {
        // In TLS 1.3 the client learns of it as a broken connection: the reason stands in our metrics.
        let refused = client(&exchange, other, &listening).describe(wire::DescribeRequest {}).await;
        let code = refused.err().unwrap().code();
        assert!(matches!(code, Code::Unavailable | Code::Unknown), "{other:?} {code:?}");
    }
    assert_eq!(metrics.count(HandshakeCounters::ACCEPTED), 1);
    assert!(metrics.snapshot().values().sum::<u64>() >= 3, "{:?}", metrics.snapshot());
    stop.cancel();
    drop((gateway, stream));
    listening.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_certificate_of_the_right_agency_with_another_name_is_told_so() {
    let folder = Folder::new(&[]);
    let exchange = exchange(&folder);
    // The list names a gateway of sm-customs; its desk has a sound certificate of the same CA.
    let file = settings_file(&folder, |text| {
        text.replace("agency/exchange/system/gateway", "agency/sm-customs/system/gateway")
            .replace("pki/exchange/", "pki/sm-customs/")
    });
    let clock = Clock::manual(Moment::from_seconds(NOW));
    let metrics = Arc::new(HandshakeCounters::default());
    let stop = CancellationToken::new();
    let listening = start(Settings::read(&file).unwrap(), clock, metrics, stop).await.unwrap();
    let mut desk = client(&exchange, ("sm-customs", "desk"), &listening);
    let refused = desk.describe(wire::DescribeRequest {}).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(refused.get_error_details().error_info().is_some());
}

#[tokio::test]
async fn settings_errors_name_file_line_and_key_and_stop_the_start() {
    let folder = Folder::new(&[]);
    exchange(&folder);
    for (from, to, expected) in [
        ("agency = \"nv-customs\"", "agency = \"Norvia\"", "`agency`: is [a-z0-9-]{1,63}"),
        ("\"EXERCISE\"", "\"DRILL\"", "`environment`: is PRODUCTION or EXERCISE"),
        ("127.0.0.1:0", "localhost", "`listen`: is an address and a port"),
        ("/agency/exchange", "/agencies/exchange", "`gateway.spiffe_id`: is spiffe://"),
        ("id_key = \"id.key\"", "id_key = \"no.key\"", "no.key: cannot be read"),
        ("listen =", "listens =", "unknown field `listens`"),
        ("# connections = 4", "connections = 0", "`limits.connections`: is from 1 to 64"),
        (
            "# statement_timeout_ms = 30000",
            "statement_timeout_ms = 0",
            "`limits.statement_timeout_ms`",
        ),
    ] {
        let file = settings_file(&folder, |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let problems = Settings::read(&file).err().unwrap().to_string();
        assert!(problems.contains(expected), "{problems}");
        assert!(from.contains("key") || problems.contains("source.toml:"), "{problems}");
    }
    use std::os::unix::fs::PermissionsExt as _;
    let file = settings_file(&folder, |text| text);
    let key = folder.path().join("id.key");
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(
        Settings::read(&file).err().unwrap().to_string().contains("id.key: a key that everybody")
    );

    let file = settings_file(&folder, |text| text.replace("inspections.toml", "nothing.toml"));
    let clock = Clock::manual(Moment::from_seconds(NOW));
    let metrics = Arc::new(HandshakeCounters::default());
    let refused = start(Settings::read(&file).unwrap(), clock, metrics, CancellationToken::new());
    let refused = refused.await.err().unwrap();
    assert!(matches!(refused, StartError::Problems(_)));
    assert_eq!(refused.word(), "SOURCE_DATA_REFUSED");
}

#[tokio::test]
async fn a_table_is_served_by_the_settings_file() {
    let folder = Folder::new(&[]);
    let exchange = exchange(&folder);
    let mut agency = super::tables::sqlite(&folder.path().join("rows.sqlite")).await;
    super::tables::run(&mut agency, "CREATE TABLE d (no INTEGER PRIMARY KEY)").await;
    super::tables::run(&mut agency, "INSERT INTO d VALUES (7)").await;
    let mapping = "record_type = \"portcullis.record.v1.Declaration\"\ntable = \"d\"\n\
                   database = \"sqlite:rows.sqlite\"\nid = [\"no\"]\n[[column]]\nfrom = \"no\"\nto = \"id\"\n";
    folder.write("table.toml", mapping);
    let file = settings_file(&folder, |text| {
        let (before, rest) = text.split_once("mappings = [").unwrap();
        let (_, after) = rest.split_once("\n]\n").unwrap();
        format!("{before}mappings = [\"table.toml\"]\n{after}")
    });
    let (stop, metrics) = (CancellationToken::new(), Arc::new(HandshakeCounters::default()));
    let clock = Clock::manual(Moment::from_seconds(NOW));
    let settings = Settings::read(&file).unwrap();
    let listening = start(settings, clock, metrics, stop.clone()).await.unwrap();
    let mut gateway = client(&exchange, ("exchange", "gateway"), &listening);
    let asked = wire::SearchRequest {
        asker: Some(wire::Asker { agency: "sm-customs".into(), ..Default::default() }),
        ..request("Declaration")
    };
    let mut stream = gateway.search(asked).await.unwrap().into_inner();
    let mut records = 0;
    while let Some(message) = stream.message().await.unwrap() {
        match message.message.unwrap() {
            wire::search_response::Message::Batch(batch) => records += batch.records.len(),
            // When it was read is now.
            wire::search_response::Message::End(end) => {
                assert_eq!(end.data_as_of.unwrap().seconds, NOW);
            }
        }
    }
    assert_eq!(records, 1);
    stop.cancel();
    listening.done.await.unwrap().unwrap();
}
