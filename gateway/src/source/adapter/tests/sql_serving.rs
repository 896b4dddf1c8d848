//! Tables while they are served: nothing can be written, nothing takes longer than it may, what drifted is
//! refused by name, what appears and vanishes is dealt with, and no value comes to light.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use portcullis_core::filter::{Filter, Literal, Op};
use portcullis_proto::record::v1::Declaration;
use portcullis_proto::source::v1 as wire;
use portcullis_proto::source::v1::source_service_server::SourceService as _;
use prost::Message as _;
use sqlx::SqliteConnection;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use super::super::table::testing;
use super::super::{CsvSource, Limits};
use super::postgres::Database;
use super::tables::{open, problems, run, sqlite};
use super::{Folder, request, search};

const COLUMNS: &str = r#"id = ["no"]
[[column]]
from = "no"
to = "id"
[[column]]
from = "kg"
to = "items.net_mass_grams"
convert = { kind = "mass", unit = "kg" }
[[column]]
from = "note"
to = "officer_remarks"
"#;

fn mapping(data: &str) -> String {
    format!("record_type = \"portcullis.record.v1.Declaration\"\n{data}\n{COLUMNS}")
}

/// The agency's own hand on its database.
enum Agency {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<Database>),
}

impl Agency {
    async fn run(&mut self, sql: &str) {
        match self {
            Self::Sqlite(connection) => run(connection, &sql.replace("x.", "")).await,
            Self::Postgres(database) => database.run(sql).await,
        }
    }
}

/// Each database with `x.d (no, kg, note)`, what a mapping says of it, and its folder.
async fn agencies(rows: usize, note: &str) -> Vec<(Folder, Agency, String)> {
    let mut all = vec![];
    let folder = Folder::new(&[]);
    let connection = sqlite(&folder.path().join("rows.sqlite")).await;
    let data = "table = \"d\"\ndatabase = \"sqlite:rows.sqlite\"".to_owned();
    all.push((folder, Agency::Sqlite(Box::new(connection)), data));
    if let Some(database) = Database::new().await {
        let folder = Folder::new(&[]);
        let data = format!("table = \"x.d\"\ndatabase = {}", database.spelled(folder.path()));
        all.push((folder, Agency::Postgres(Box::new(database)), data));
    }
    for (folder, agency, data) in &mut all {
        agency.run("CREATE TABLE x.d (no INTEGER PRIMARY KEY, kg NUMERIC, note TEXT)").await;
        for chunk in (0..rows).collect::<Vec<_>>().chunks(500) {
            let values: Vec<String> =
                chunk.iter().map(|no| format!("({no}, 1.5, '{note}')")).collect();
            agency.run(&format!("INSERT INTO x.d VALUES {}", values.join(", "))).await;
        }
        folder.write("m.toml", mapping(data));
    }
    all
}

async fn source(folder: &Folder) -> CsvSource {
    let limits = Limits { statement_timeout_ms: 700, ..Limits::default() };
    let opened = open(folder.path(), &["m.toml"], limits).await;
    opened.unwrap_or_else(|problems| panic!("{problems}"))
}

/// Ids of the declarations that a search finds.
async fn ids(source: &CsvSource, request: wire::SearchRequest) -> Result<Vec<String>, Status> {
    let answer = search(source, request).await?;
    let id = |record: &wire::SourceRecord| Declaration::decode(record.payload.clone()).unwrap().id;
    let mut ids: Vec<String> = answer.records().map(id).collect();
    ids.sort();
    Ok(ids)
}

fn reason(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().unwrap().reason)
}

fn filtered(path: &str, value: Literal) -> wire::SearchRequest {
    let filter = Filter::Compare { path: path.into(), op: Op::Equal, value };
    wire::SearchRequest {
        filter: Some(crate::service::filter::to_wire(&filter)),
        ..request("Declaration")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_written_through_a_source() {
    for (folder, mut agency, _) in agencies(3, "x").await {
        let statements = [
            "INSERT INTO x.d VALUES (99, 1, 'x')",
            "UPDATE x.d SET note = 'y'",
            "DELETE FROM x.d",
            "CREATE TABLE x.e (no INTEGER)",
        ];
        for sql in statements {
            let sql = match agency {
                Agency::Sqlite(_) => sql.replace("x.", ""),
                Agency::Postgres(_) => sql.to_owned(),
            };
            if let Agency::Postgres(database) = &mut agency {
                // Not for want of rights.
                database.run("GRANT ALL ON ALL TABLES IN SCHEMA x TO reader").await;
                database.run("GRANT CREATE ON SCHEMA x TO reader").await;
            }
            let refused = testing::write(&folder.path().join("m.toml"), &sql).await;
            assert_eq!(refused.err(), Some("WRITE_REFUSED"), "{sql}");
        }
        assert_eq!(ids(&source(&folder).await, request("Declaration")).await.unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_writes_is_refused_by_name() {
    let Some(mut database) = Database::new().await else { return };
    let folder = Folder::new(&[]);
    let spelled = database.spelled(folder.path());
    database.run("CREATE SEQUENCE x.s; CREATE TABLE x.log (at int); GRANT ALL ON ALL SEQUENCES IN SCHEMA x TO reader; GRANT ALL ON x.log TO reader").await;
    database.run("CREATE FUNCTION x.note() RETURNS bigint LANGUAGE sql AS 'INSERT INTO x.log VALUES (1); SELECT 1::bigint'").await;
    database.run("CREATE FUNCTION x.leave() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN SET LOCAL transaction_read_only = off; INSERT INTO x.log VALUES (1); RETURN 1; END$$").await;
    for expression in ["nextval('x.s')", "x.note()", "x.leave()"] {
        database.run(&format!("DROP VIEW IF EXISTS x.v; CREATE VIEW x.v AS SELECT {expression} AS no, 1.5 AS kg, 'x'::text AS note")).await;
        folder.write("m.toml", mapping(&format!("table = \"x.v\"\ndatabase = {spelled}")));
        let found = problems(folder.path(), "m.toml").await;
        assert!(found[0].starts_with("m.toml:2: `table`: "), "{found:?}");
        if expression != "x.leave()" {
            assert!(found[0].contains("WRITE_REFUSED"), "{found:?}");
        }
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM x.log")
            .fetch_one(&mut database.owner)
            .await
            .unwrap();
        assert_eq!(count, 0, "{expression}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_ends_and_the_source_serves_on() {
    for (folder, mut agency, data) in agencies(3, "x").await {
        agency.run("CREATE TABLE x.slow (n INTEGER)").await;
        agency.run("INSERT INTO x.slow VALUES (0)").await;
        let slow = match agency {
            Agency::Sqlite(_) => {
                "(WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c \
                 WHERE i < (SELECT n FROM slow)) SELECT max(i) FROM c)"
            }
            Agency::Postgres(_) => "(SELECT count(pg_sleep(n)) FROM x.slow)",
        };
        agency.run(&format!("CREATE VIEW x.v AS SELECT no, kg, note || substr(CAST({slow} AS TEXT), 1, 0) AS note FROM x.d")).await;
        if let Agency::Postgres(database) = &mut agency {
            database.run("GRANT SELECT ON ALL TABLES IN SCHEMA x TO reader").await;
        }
        folder.write("m.toml", mapping(&data.replace("d\"\n", "v\"\n")));
        let source = source(&folder).await;
        assert_eq!(ids(&source, request("Declaration")).await.unwrap().len(), 3);
        let n = if matches!(agency, Agency::Sqlite(_)) { "1000000000" } else { "60" };
        agency.run(&format!("UPDATE x.slow SET n = {n}")).await;
        let begun = tokio::time::Instant::now();
        let status = ids(&source, request("Declaration")).await.unwrap_err();
        assert_eq!(reason(&status), (Code::DeadlineExceeded, "STATEMENT_TIMEOUT".into()));
        let took = begun.elapsed();
        assert!((600..5000).contains(&took.as_millis()), "{took:?}");
        eprintln!("statement of 700 ms ended after {} ms", took.as_millis());
        agency.run("UPDATE x.slow SET n = 0").await;
        for _ in 0..10 {
            assert_eq!(ids(&source, request("Declaration")).await.unwrap().len(), 3);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_named_with_table_and_column_and_nothing_is_half_served() {
    for (folder, mut agency, _) in agencies(20_000, &"n".repeat(300)).await {
        let source = source(&folder).await;
        let table = if matches!(agency, Agency::Sqlite(_)) { "d" } else { "x.d" };
        let change = match agency {
            Agency::Sqlite(_) => [
                "ALTER TABLE d RENAME TO was",
                "CREATE TABLE d (no INTEGER PRIMARY KEY, kg TEXT, note TEXT)",
            ]
            .join("; "),
            Agency::Postgres(_) => "ALTER TABLE x.d ALTER kg TYPE text".into(),
        };
        let (number, text) = match agency {
            Agency::Sqlite(_) => ("NUMERIC", "TEXT"),
            Agency::Postgres(_) => ("numeric", "text"),
        };
        // In the midst of an answer: it breaks off without an end, with the reason.
        let mut stream =
            source.search(Request::new(request("Declaration"))).await.unwrap().into_inner();
        assert!(stream.next().await.unwrap().is_ok());
        agency.run("ALTER TABLE x.d RENAME COLUMN kg TO mass").await;
        let mut last = None;
        while let Some(message) = stream.next().await {
            let end = |one: &wire::SearchResponse| {
                matches!(one.message, Some(wire::search_response::Message::End(_)))
            };
            assert!(!message.as_ref().is_ok_and(end), "no end");
            last = Some(message);
        }
        let status = last.unwrap().unwrap_err();
        assert_eq!(reason(&status), (Code::Unavailable, "SCHEMA_DRIFT".into()));
        // A change that falls into a step is named without its column: the database ends the step before the
        // columns are looked at.
        let gone = format!("table `{table}`: column `kg` is gone");
        let message = status.message();
        assert!(message == gone || message == "the table changed while it was read", "{message}");
        // And at the beginning of the next, by whatever it asks.
        let status = ids(&source, filtered("id", Literal::Text("7".into()))).await.unwrap_err();
        assert_eq!(status.message(), format!("table `{table}`: column `kg` is gone"));
        assert!(source.refresh().await.unwrap_err().to_string().contains("column `kg` is gone"));
        // Put right, it is served again; columns that nobody maps do not matter.
        agency.run("ALTER TABLE x.d RENAME COLUMN mass TO kg").await;
        agency.run("ALTER TABLE x.d ADD COLUMN other TEXT").await;
        assert_eq!(ids(&source, filtered("id", Literal::Text("7".into()))).await.unwrap(), ["7"]);
        agency.run(&change).await;
        let status = ids(&source, request("Declaration")).await.unwrap_err();
        let expected =
            format!("table `{table}`: column `kg` was of type `{number}` and is of `{text}`");
        assert_eq!(status.message(), expected);
        agency.run("DROP TABLE x.d").await;
        let status = ids(&source, request("Declaration")).await.unwrap_err();
        assert_eq!(
            (reason(&status).1.as_str(), status.message()),
            ("SCHEMA_DRIFT", format!("table `{table}`: is gone").as_str())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_read_live_and_appear_with_a_refresh() {
    for (folder, mut agency, _) in agencies(4, "old").await {
        let source = source(&folder).await;
        let all = || ids(&source, request("Declaration"));
        agency.run("INSERT INTO x.d VALUES (10, 1, 'new')").await;
        agency.run("DELETE FROM x.d WHERE no = 2").await;
        agency.run("UPDATE x.d SET note = 'new' WHERE no = 3").await;
        let new = || ids(&source, filtered("officer_remarks", Literal::Text("new".into())));
        assert_eq!(all().await.unwrap(), ["0", "1", "3"], "vanished at once, appears later");
        assert_eq!(new().await.unwrap(), ["3"], "changed at once");
        source.refresh().await.unwrap();
        assert_eq!(all().await.unwrap(), ["0", "1", "10", "3"]);
        assert_eq!(new().await.unwrap(), ["10", "3"]);
        assert_eq!(source.held().next().unwrap().records(), 4);
        // A row that cannot be converted any more is left out and counted, now and after a refresh.
        agency.run("UPDATE x.d SET kg = -1 WHERE no = 1").await;
        let dropped = || source.counters().dropped.load(Ordering::Relaxed);
        assert_eq!(all().await.unwrap(), ["0", "10", "3"]);
        assert_eq!(dropped(), 1);
        source.refresh().await.unwrap();
        assert_eq!(all().await.unwrap(), ["0", "10", "3"]);
        assert_eq!(dropped(), 1, "it is not in the index");
        agency.run("UPDATE x.d SET kg = 1 WHERE no = 1").await;
        source.refresh().await.unwrap();
        assert_eq!(all().await.unwrap(), ["0", "1", "10", "3"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_view_comes_to_show_is_found_at_once_where_the_table_beneath_it_is_named() {
    for (folder, mut agency, data) in agencies(4, "x").await {
        agency.run("CREATE TABLE x.shown (upto INTEGER)").await;
        agency.run("INSERT INTO x.shown VALUES (-1)").await;
        let view = "CREATE VIEW x.v AS SELECT no, CASE WHEN no < 2 THEN kg END AS kg, note FROM x.d \
                    WHERE no <= (SELECT upto FROM x.shown)";
        agency.run(view).await;
        let table = if data.contains("\"x.d\"") { "x.d" } else { "d" };
        let of_view =
            data.replace(&format!("\"{table}\""), &format!("\"{}\"", table.replace('d', "v")));
        folder.write("m.toml", mapping(&format!("{of_view}\nindex_table = \"{table}\"")));
        let source = source(&folder).await;
        let all = || ids(&source, request("Declaration"));
        assert_eq!(all().await.unwrap(), [""; 0], "nothing is shown that the view does not");
        agency.run("UPDATE x.shown SET upto = 2").await;
        assert_eq!(all().await.unwrap(), ["0", "1", "2"]);
        let two = filtered("id", Literal::Text("2".into()));
        assert_eq!(ids(&source, two).await.unwrap(), ["2"]);
        let three = filtered("id", Literal::Text("3".into()));
        assert_eq!(ids(&source, three).await.unwrap(), [""; 0]);
        // The table beneath is looked at as the view is: what drifted is named.
        source.refresh().await.unwrap();
        agency.run("DROP VIEW x.v").await;
        agency.run("ALTER TABLE x.d RENAME COLUMN kg TO mass").await;
        agency
            .run(
                "CREATE VIEW x.v AS SELECT no, CASE WHEN no < 2 THEN mass END AS kg, note FROM x.d",
            )
            .await;
        let drifted = source.refresh().await.unwrap_err().to_string();
        assert!(drifted.contains("column `kg` is gone"), "{drifted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_appears_never_comes_out_of_order_within_a_stream() {
    for (folder, mut agency, _) in agencies(20_000, &"n".repeat(300)).await {
        let source = source(&folder).await;
        let asked = wire::SearchRequest { batch_bytes: 4096, ..request("Declaration") };
        let mut stream = source.search(Request::new(asked.clone())).await.unwrap().into_inner();
        let mut got: Vec<Bytes> = vec![];
        for turn in 0.. {
            let Some(message) = stream.next().await else { break };
            if let Some(wire::search_response::Message::Batch(batch)) = message.unwrap().message {
                got.extend(batch.records.into_iter().map(|record| record.opaque_id));
            }
            if turn == 3 {
                let values: Vec<String> =
                    (50_000..50_400).map(|no| format!("({no}, 1, 'new')")).collect();
                agency.run(&format!("INSERT INTO x.d VALUES {}", values.join(", "))).await;
                source.refresh().await.unwrap();
            }
        }
        assert!(got.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(got.len(), 20_000);
        // Who goes on behind a record gets what lies behind it by now, still in order.
        let half = got[10_000].clone();
        let rest =
            search(&source, wire::SearchRequest { after: half.clone(), ..asked }).await.unwrap();
        let rest: Vec<Bytes> = rest.records().map(|record| record.opaque_id.clone()).collect();
        assert!(rest.windows(2).all(|pair| pair[0] < pair[1]) && rest[0] > half);
        assert!(rest.len() > 9_999 && rest.len() < 10_399);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watermark_that_stands_still_saves_the_reading() {
    for (folder, mut agency, data) in agencies(4, "x").await {
        folder.write("m.toml", mapping(&format!("{data}\nwatermark = \"no\"")));
        let source = source(&folder).await;
        let all = || ids(&source, request("Declaration"));
        // As many rows and the same greatest number: taken for unchanged.
        agency.run("DELETE FROM x.d WHERE no = 0").await;
        agency.run("INSERT INTO x.d VALUES (-7, 1, 'x')").await;
        source.refresh().await.unwrap();
        assert_eq!(all().await.unwrap(), ["1", "2", "3"]);
        agency.run("INSERT INTO x.d VALUES (9, 1, 'x')").await;
        source.refresh().await.unwrap();
        assert_eq!(all().await.unwrap(), ["-7", "1", "2", "3", "9"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_source_looks_by_itself_every_refresh_seconds() {
    for (folder, mut agency, data) in agencies(1, "x").await {
        folder.write("m.toml", mapping(&format!("{data}\nrefresh_seconds = 1")));
        let source = source(&folder).await;
        agency.run("INSERT INTO x.d VALUES (10, 1, 'new')").await;
        for _ in 0..60 {
            if ids(&source, request("Declaration")).await.unwrap().len() == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(ids(&source, request("Declaration")).await.unwrap(), ["0", "10"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_rows_that_come_to_share_an_id_neither_is_served() {
    for (folder, mut agency, data) in agencies(4, "x").await {
        agency.run("CREATE TABLE x.twice (no INTEGER)").await;
        agency.run("CREATE VIEW x.v AS SELECT d.no, kg, note FROM x.d LEFT JOIN x.twice ON twice.no = d.no").await;
        folder.write("m.toml", mapping(&data.replace("d\"\n", "v\"\n")));
        let source = source(&folder).await;
        agency.run("INSERT INTO x.twice VALUES (1), (1)").await;
        assert_eq!(ids(&source, request("Declaration")).await.unwrap(), ["0", "2", "3"]);
        assert_eq!(source.counters().dropped.load(Ordering::Relaxed), 2);
        source.refresh().await.unwrap();
        assert_eq!(ids(&source, request("Declaration")).await.unwrap(), ["0", "2", "3"]);
        agency.run("DELETE FROM x.twice").await;
        source.refresh().await.unwrap();
        assert_eq!(ids(&source, request("Declaration")).await.unwrap(), ["0", "1", "2", "3"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_and_names_that_are_sql_stay_texts_and_names() {
    let hostile =
        ["'; DROP TABLE d; --", "\" OR 1=1 --", "$1", "?", "\\'", "%", "'||(SELECT 1)||'"];
    for (folder, mut agency, data) in agencies(0, "x").await {
        let (table, column) = ("t\"; DROP TABLE d; --", "c\"); DELETE FROM d; --");
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        agency
            .run(&format!(
                "CREATE TABLE x.{} ({} TEXT PRIMARY KEY, note TEXT)",
                quoted(table),
                quoted(column)
            ))
            .await;
        for text in hostile {
            let literal = text.replace('\'', "''");
            agency
                .run(&format!("INSERT INTO x.{} VALUES ('{literal}', '{literal}')", quoted(table)))
                .await;
        }
        let data = data.replacen("d\"\n", &format!("{}\"\n", table.replace('"', "\\\"")), 1);
        let column = column.replace('"', "\\\"");
        folder.write("m.toml", format!("record_type = \"portcullis.record.v1.Declaration\"\n{data}\nid = [\"{column}\"]\n[[column]]\nfrom = \"{column}\"\nto = \"id\"\n[[column]]\nfrom = \"note\"\nto = \"officer_remarks\"\n"));
        let source = source(&folder).await;
        assert_eq!(ids(&source, request("Declaration")).await.unwrap().len(), hostile.len());
        for text in hostile {
            for path in ["id", "officer_remarks"] {
                let asked = filtered(path, Literal::Text(text.into()));
                assert_eq!(ids(&source, asked).await.unwrap(), [text], "{path}");
                let prefix = Filter::Prefix { path: path.into(), prefix: text.into() };
                let filter = Some(crate::service::filter::to_wire(&prefix));
                let asked = wire::SearchRequest { filter, ..request("Declaration") };
                assert_eq!(ids(&source, asked).await.unwrap(), [text], "{path}");
            }
        }
        agency.run("SELECT count(*) FROM x.d").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn null_says_nothing_and_an_empty_text_what_the_mapping_says() {
    for (folder, mut agency, data) in agencies(0, "x").await {
        agency.run("CREATE TABLE x.n (no INTEGER PRIMARY KEY, a TEXT, b TEXT)").await;
        agency.run("INSERT INTO x.n VALUES (1, NULL, 'b'), (2, '', 'b'), (3, 'n/a', 'b')").await;
        let data = data.replace("d\"\n", "n\"\n");
        let columns = "id = [\"no\"]\nnull = [\"n/a\"]\ncolumn = [{ from = \"no\", to = \"id\" }, \
                       { from = [\"a\", \"b\"], to = \"officer_remarks\" }]\n\
                       only = [{ column = \"a\", not_in = [\"x\"] }]";
        let text = format!("record_type = \"portcullis.record.v1.Declaration\"\n{data}\n{columns}");
        folder.write("m.toml", text);
        let source = source(&folder).await;
        assert_eq!(ids(&source, request("Declaration")).await.unwrap(), ["1", "2", "3"]);
        let b = filtered("officer_remarks", Literal::Text("b".into()));
        assert_eq!(
            ids(&source, b).await.unwrap(),
            ["1", "3"],
            "the empty text is said, and is no value"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_table_is_left_on_disk() {
    for (folder, _, _) in agencies(100, "CANARY").await {
        let names = || {
            let mut names: Vec<_> =
                std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let before = names();
        let source = source(&folder).await;
        source.refresh().await.unwrap();
        assert_eq!(names(), before);
    }
}

/// Everything that is logged, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_is_logged_or_told_whatever_goes_wrong() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // One test in a process of its own; should others share it, the first of them listens.
    let heard = tracing::subscriber::set_global_default(subscriber).is_ok();
    let mut told = vec![];
    for (folder, mut agency, data) in agencies(50, "CANARY-A").await {
        agency.run("CREATE TABLE x.bad (t TEXT)").await;
        agency.run("INSERT INTO x.bad VALUES ('0')").await;
        // The database itself fails on a value, and would quote it.
        agency.run("CREATE VIEW x.v AS SELECT no, kg + (SELECT CAST(t AS INTEGER) FROM x.bad) AS kg, note FROM x.d").await;
        if let Agency::Postgres(database) = &mut agency {
            // And a function tells everybody what it is given.
            database
                .run(
                    "CREATE FUNCTION x.loud(t text) RETURNS text LANGUAGE plpgsql AS \
                     $$BEGIN RAISE WARNING '%', t; RAISE NOTICE '%', t; RETURN t; END$$; \
                     CREATE OR REPLACE VIEW x.v AS SELECT no, \
                     kg + (SELECT CAST(t AS INTEGER) FROM x.bad) AS kg, x.loud(note) AS note FROM x.d",
                )
                .await;
        }
        folder.write("m.toml", mapping(&data.replace("d\"\n", "v\"\n")));
        let source = source(&folder).await;
        let asked = filtered("officer_remarks", Literal::Text("CANARY-B".into()));
        assert_eq!(ids(&source, asked).await.unwrap().len(), 0);
        agency.run("UPDATE x.d SET kg = -1, note = 'CANARY-C' WHERE no < 5").await;
        assert_eq!(ids(&source, request("Declaration")).await.unwrap().len(), 45);
        source.refresh().await.unwrap();
        agency.run("UPDATE x.bad SET t = 'CANARY-D'").await;
        if let Err(status) = ids(&source, request("Declaration")).await {
            told.push(format!("{status:?}"));
        }
        told.push(format!("{:?}", source.refresh().await));
        told.push(problems_or_none(&folder).await);
    }
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    if heard {
        assert!(logged.contains("VALUE_REFUSED 5"), "rows are counted by cause");
    }
    for text in told.iter().chain([&logged]) {
        assert!(!text.contains("CANARY"), "{text}");
    }
    assert!(told.iter().any(|text| text.contains("SQLSTATE 22P02")), "{told:?}");
}

async fn problems_or_none(folder: &Folder) -> String {
    match open(folder.path(), &["m.toml"], Limits::default()).await {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}
