//! What is asked of the database: the fewer rows are fetched, the more was pushed down. And how much that
//! saves in a table of 200,000 rows.

use std::sync::atomic::Ordering;
use std::time::Duration;

use portcullis_core::filter::parse_expression;
use portcullis_proto::source::v1 as wire;
use tokio::time::Instant;

use super::super::table::testing;
use super::super::{CsvSource, Limits};
use super::postgres::Database;
use super::tables::{Rows, open};
use super::{Folder, request, search};

const MAPPING: &str = r#"record_type = "portcullis.record.v1.Declaration"
id = ["no"]
column = [
  { template = "D-{no}", to = "id" },
  { from = "office", to = "office" },
  { from = "padded", to = "use" },
  { from = "way", to = "direction", map = { E = "EXPORT", I = "IMPORT" } },
  { from = "origin", to = "country_of_departure" },
  { from = "hs", to = "items[0].hs_code" },
  { from = "kg", to = "items[0].net_mass_grams", convert = { kind = "mass", unit = "kg" } },
  { from = "pieces", to = "items[0].quantity" },
  { from = "price", to = "items[0].value", convert = { kind = "money", currency = "EUR" } },
  { from = "duty", to = "items[0].duty_rate" },
  { from = "at", to = "accepted_at", convert = { kind = "timestamp", format = "%Y-%m-%dT%H:%M:%S.%f%z" } },
  { from = "day", to = "officer_remarks" },
]
"#;
/// Texts of one length, as SQLite has times.
const SQLITE_TIME: &str = r#"format = "%Y-%m-%dT%H:%M:%SZ", offset = "Z" "#;

/// Row `no` of an agency's table, the same for every run.
fn rows(count: usize) -> Rows {
    let columns = vec![
        ("no", "INTEGER PRIMARY KEY", "bigint PRIMARY KEY"),
        ("office", "TEXT", "text"),
        ("padded", "TEXT", "text"),
        ("way", "TEXT", "text"),
        ("origin", "TEXT", "text"),
        ("hs", "TEXT", "text"),
        ("kg", "NUMERIC", "numeric"),
        ("pieces", "INTEGER", "integer"),
        ("price", "NUMERIC", "numeric"),
        ("duty", "REAL", "double precision"),
        ("at", "TEXT", "timestamptz"),
        ("day", "TEXT", "text"),
    ];
    let row = |no: usize| {
        let texts = [
            no.to_string(),
            format!("O{:04}", no % 1000),
            if no == 3 { " x".into() } else { "x".into() },
            ["E", "I", "I", "I"][no % 4].into(),
            ["KR", "kr", "XN", "XV", "DE"][no % 5].into(),
            format!("{:06}", 100_000 + (no % 800) * 1000),
            format!("{}.250", no % 500),
            (no % 700).to_string(),
            format!("{}.99", no % 900),
            format!("{}.5", no % 20),
            format!("2021-01-{:02}T{:02}:00:00Z", 1 + no % 28, no % 24),
            format!("{:08}", no),
        ];
        texts.into_iter().map(Some).collect()
    };
    Rows { columns, rows: (0..count).map(row).collect() }
}

async fn sources(folder: &Folder, count: usize, index: &str) -> Vec<(&'static str, CsvSource)> {
    keyed(folder, count, index, "[\"no\"]").await
}

async fn keyed(
    folder: &Folder,
    count: usize,
    index: &str,
    id: &str,
) -> Vec<(&'static str, CsvSource)> {
    use super::tables::run;
    let mapping = MAPPING.replace("[\"no\"]", id);
    let rows = rows(count);
    let mut connection = rows.sqlite(&folder.path().join("rows.sqlite"), "d").await;
    run(&mut connection, &index.replace("x.", "")).await;
    let time = r#"format = "%Y-%m-%dT%H:%M:%S.%f%z""#;
    let texts = mapping.replace(time, SQLITE_TIME);
    assert_ne!(mapping, texts);
    folder
        .write("sqlite.toml", format!("table = \"d\"\ndatabase = \"sqlite:rows.sqlite\"\n{texts}"));
    let limits = Limits::default();
    let mut all = vec![("sqlite", open(folder.path(), &["sqlite.toml"], limits).await.unwrap())];
    if let Some(mut database) = Database::new().await {
        rows.postgres(&mut database, "x.d").await;
        database.run(index).await;
        database.run("ANALYZE").await;
        let spelled = database.spelled(folder.path());
        folder.write("pg.toml", format!("table = \"x.d\"\ndatabase = {spelled}\n{mapping}"));
        all.push(("postgres", open(folder.path(), &["pg.toml"], limits).await.unwrap()));
    }
    all
}

fn asked(source: &CsvSource, text: &str) -> wire::SearchRequest {
    let record_type = source.held().next().unwrap().record_type().clone();
    let filter =
        parse_expression(text, &record_type).unwrap_or_else(|error| panic!("{text}: {error}"));
    wire::SearchRequest {
        filter: Some(crate::service::filter::to_wire(&filter)),
        ..request("Declaration")
    }
}

/// Rows found and rows fetched for it.
async fn found(source: &CsvSource, text: &str) -> (usize, usize) {
    let before = source.counters().fetched.load(Ordering::Relaxed);
    let answer = search(source, asked(source, text)).await.unwrap();
    let fetched = source.counters().fetched.load(Ordering::Relaxed) - before;
    (answer.records().count(), usize::try_from(fetched).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_surely_implies_is_asked_of_the_database() {
    let folder = Folder::new(&[]);
    let mut all = sources(&folder, 2000, "SELECT 1").await;
    // A Z that stands in the format is as good as one that is read.
    if let Ok(mapping) = std::fs::read_to_string(folder.path().join("pg.toml")) {
        folder.write("z.toml", mapping.replace("%f%z\"", "%fZ\", offset = \"Z\""));
        let source = open(folder.path(), &["z.toml"], Limits::default()).await;
        all.push(("postgres", source.unwrap_or_else(|problems| panic!("{problems}"))));
    }
    for (name, source) in all {
        // Exactly the matches are fetched.
        for text in [
            "id = \"D-77\"",
            "id in (\"D-1\", \"D-2\", \"x\")",
            "office = \"O0007\"",
            "office in (\"O0007\", \"O0008\")",
            "office prefix \"O00\"",
            "office < \"O0100\"",
            "office >= \"O0990\"",
            "direction = EXPORT",
            "country_of_departure = \"KR\"",
            "items.hs_code prefix \"10\"",
            "items.hs_code = \"101000\"",
            "items.quantity = 7",
            "items.quantity >= 691",
            "items.quantity = 3 or items.quantity = 1",
            "office = \"O0007\" and items.quantity = 7",
            "office = \"O0007\" or office = \"O0008\"",
            "office = \"O0007\" and not items.quantity = 7000",
        ] {
            let (found, fetched) = found(&source, text).await;
            assert!(found > 0 && found == fetched, "{name}: {text}: {found} of {fetched}");
        }
        // Rounding and ends that are not told apart fetch a few more.
        for text in [
            "items.quantity > 690",
            "items.net_mass_grams > 495000",
            "items.net_mass_grams = 7250",
            "items.value >= 890",
            "items.value = 7.99",
            "items.duty_rate = 7.5",
            "accepted_at < 2021-01-02T00:00:00Z",
            "accepted_at = 2021-01-05T04:00:00Z",
        ] {
            let (found, fetched) = found(&source, text).await;
            assert!(found > 0 && fetched < found + 120, "{name}: {text}: {found} of {fetched}");
        }
        // What nothing can match costs nothing; what is not surely implied costs a scan.
        for text in ["ucr = \"x\"", "country_of_departure = \"kr\"", "id = \"77\""] {
            assert_eq!(found(&source, text).await, (0, 0), "{name}: {text}");
        }
        for text in ["use = \"x\"", "office != \"O0007\"", "not office = \"O0007\""] {
            let (found, fetched) = found(&source, text).await;
            assert!(found > 1900 && fetched == 2000, "{name}: {text}: {found} of {fetched}");
        }
    }
}

async fn fastest(source: &CsvSource, request: &wire::SearchRequest) -> (Duration, usize) {
    let (mut least, mut found) = (Duration::MAX, 0);
    for _ in 0..5 {
        let begun = Instant::now();
        found = search(source, request.clone()).await.unwrap().records().count();
        least = least.min(begun.elapsed());
    }
    (least, found)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_200_000_rows_is_found_without_reading_the_others() {
    let folder = Folder::new(&[]);
    let count = 200_000;
    for (name, source) in sources(&folder, count, "CREATE INDEX d_day ON x.d (day)").await {
        let begun = Instant::now();
        let scan = search(&source, asked(&source, "use prefix \"nothing\"")).await.unwrap();
        let whole = begun.elapsed();
        assert_eq!(scan.records().count(), 0);
        let (equal, found) =
            fastest(&source, &asked(&source, "officer_remarks = \"00123456\"")).await;
        assert_eq!(found, 1);
        let record = search(&source, asked(&source, "id = \"D-123456\"")).await.unwrap();
        let only = vec![record.records().next().unwrap().opaque_id.clone()];
        let only = Some(wire::OnlyThese { opaque_ids: only });
        let named = wire::SearchRequest { only, ..request("Declaration") };
        let fetched = source.counters().fetched.load(Ordering::Relaxed);
        let (one, found) = fastest(&source, &named).await;
        assert_eq!(found, 1);
        assert_eq!(source.counters().fetched.load(Ordering::Relaxed) - fetched, 5);
        let ratio = |part: Duration| whole.as_secs_f64() / part.as_secs_f64();
        eprintln!(
            "{name}: of {count} rows one by id in {one:?} (a scan takes {:.0} times as long), by a pushed \
             equality in {equal:?} ({:.0} times), scan {whole:?}",
            ratio(one),
            ratio(equal),
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_fetched_by_an_index_whatever_their_key_is_made_of() {
    for id in ["[\"no\"]", "[\"no\", \"office\"]"] {
        let folder = Folder::new(&[]);
        let index = "CREATE UNIQUE INDEX d_key ON x.d (office, no)";
        for (name, source) in keyed(&folder, 20_000, index, id).await {
            for count in [1, 16, 100, 1000] {
                let plan = testing::plan(&source, count).await;
                // PostgreSQL weighs many keys against one look at a table as small as this.
                let scan = match name {
                    "sqlite" => "SCAN t",
                    _ if count <= 16 => "Seq Scan",
                    _ => continue,
                };
                assert!(!plan.contains(scan), "{name}, {id}, {count} keys:\n{plan}");
            }
            let all = search(&source, request("Declaration")).await.unwrap();
            assert_eq!(all.records().count(), 20_000, "{name}, {id}");
        }
    }
}
