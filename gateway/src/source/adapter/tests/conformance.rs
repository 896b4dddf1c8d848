//! The same rows in CSV, SQLite and PostgreSQL answer every search with the same bytes, whether filters are
//! pushed down or not.

use std::path::Path;
use std::sync::atomic::Ordering;

use portcullis_core::filter::{Filter, Literal, Op};
use portcullis_core::id::Moment;
use portcullis_proto::source::v1 as wire;

use super::super::{CsvSource, Limits};
use super::postgres::Database;
use super::tables::{Cell, Dice, Rows, open};
use super::{Folder, repository, request, search};

/// Every kind of column and conversion that a declaration has a field for.
const DECLARATION: &str = r#"
record_type = "portcullis.record.v1.Declaration"
DATA
id = ["no", "ser"]
data_as_of = "2026-04-20T06:00:00Z"
only = [{ column = "state", not_in = ["draft"] }]
column = [
  { template = "D-{no}", to = "id" },
  { from = "office", to = "office" },
  { from = ["remarks", "note"], to = "officer_remarks", null = ["n/a", ""] },
  { from = "fixed", to = "process" },
  { from = "use", to = "use", convert = { kind = "text", case = "upper" } },
  { from = "way", to = "direction", map = { E = "EXPORT", I = "IMPORT", 3 = "IMPORT" } },
  { from = "mode", to = "transport_mode", map = { 1 = "sea", 2 = "road" }, default = "other" },
  { from = "origin", to = "country_of_departure" },
  { from = "hs", to = "items[0].hs_code" },
  { from = "hsdot", to = "items[1].hs_code" },
  { from = "hsint", to = "items[2].hs_code" },
  { from = "kg", to = "items[0].net_mass_grams", convert = { kind = "mass", unit = "kg" } },
  { from = "lbs", to = "items[1].net_mass_grams", convert = { kind = "mass", unit = "lb" } },
  { from = "pieces", to = "items[0].quantity" },
  { from = "many", to = "items[1].quantity", convert = { kind = "integer" } },
  { from = "price", to = "items[0].value", convert = { kind = "money", currency = "EUR" } },
  { from = "duty", to = "items[0].duty_rate" },
  { from = "at", to = "accepted_at", convert = { kind = "timestamp", format = "%Y-%m-%dT%H:%M:%S.%f%z" } },
  { from = "boxes", to = "containers", split = "|" },
  { from = ["lat", "lon"], to = "examined_at" },
]
[handling]
tlp = "AMBER"
releasable_to_column = "to"
version_column = "ver"
[[handling.when]]
column = "state"
equals = "hot"
handling_code = "H3"
"#;

/// Flags and dates, which parties have fields for; one of them in texts that do not sort as their days do.
const PARTY: &str = r#"
record_type = "portcullis.record.v1.Party"
DATA
id = ["no"]
data_as_of = "2026-04-20T06:00:00Z"
column = [
  { from = "no", to = "id" },
  { from = "born", to = "birth_date", convert = { kind = "date", format = "%Y-%m-%d" } },
  { from = "since", to = "registered_on", convert = { kind = "date", format = "%Y-%m-%d" } },
  { from = "listed", to = "listed" },
  { from = "flagged", to = "remarks" },
]
"#;

fn declaration_rows(dice: &mut Dice, count: usize) -> Rows {
    let columns = vec![
        ("no", "INTEGER", "bigint"),
        ("ser", "TEXT COLLATE NOCASE", "character varying(20)"),
        ("state", "TEXT", "text"),
        ("office", "TEXT COLLATE NOCASE", "text"),
        ("remarks", "", "text"),
        ("note", "TEXT", "varchar"),
        ("fixed", "TEXT", "char(6)"),
        ("use", "TEXT", "text"),
        ("way", "", "text"),
        ("mode", "INTEGER", "smallint"),
        ("origin", "TEXT", "char(2)"),
        ("hs", "TEXT", "text"),
        ("hsdot", "TEXT", "text"),
        ("hsint", "INTEGER", "integer"),
        ("kg", "NUMERIC", "numeric(12,3)"),
        ("lbs", "REAL", "real"),
        ("pieces", "INTEGER", "integer"),
        ("many", "NUMERIC", "numeric"),
        ("price", "NUMERIC", "numeric(14,4)"),
        ("duty", "REAL", "double precision"),
        ("at", "TEXT", "timestamp with time zone"),
        ("boxes", "TEXT", "text"),
        ("lat", "REAL", "double precision"),
        ("lon", "REAL", "double precision"),
        ("to", "TEXT", "text"),
        ("ver", "INTEGER", "bigint"),
    ];
    let texts = [
        "", "a", "A", "b", "B", "ab", "Zebra", "zebra", "é", "É", "이름", "a b", "85", "%", "_",
        "a%",
    ];
    let mut rows = vec![];
    for no in 0..count {
        let mut pick = |list: &[&str], null: usize| -> Cell {
            (dice.below(10) >= null).then(|| (*dice.of(list)).to_owned())
        };
        let mut row = vec![
            Some((no / 2).to_string()),
            Some(["x", "X"][no % 2].to_owned()),
            pick(&["draft", "hot", "done", "done", "done"], 1),
            pick(&texts, 2),
            pick(&["n/a", " a", "a", "b ", "\u{a0}c", "", "n/a ", "85"], 3),
            pick(&["", "note", "a"], 3),
            pick(&["a", "ab", "A", "zz", "1"], 3),
            pick(&["abc", "ABC", "b"], 2),
            pick(&["E", "I", "3"], 1),
            pick(&["1", "2", "3"], 2),
            pick(&["XN", "KR", "kr", "Kr"], 2),
            pick(&["850440", "841370", "847130", "85044012", "900000"], 2),
            pick(&["8504.40", "8413 70", "850440"], 3),
            pick(&["850440", "841370"], 4),
        ];
        let number = |dice: &mut Dice, places: u32, most: usize| {
            let all = dice.below(most * 10usize.pow(places));
            let unit = 10usize.pow(places);
            let sign = if dice.below(9) == 0 && places == 4 { "-" } else { "" };
            format!("{sign}{}.{:0width$}", all / unit, all % unit, width = places as usize)
        };
        let some = |dice: &mut Dice, value: String| (dice.below(10) > 1).then_some(value);
        let values = [
            number(dice, 3, 30),
            ["0.5", "1.25", "2.5", "1000", "0.1", "33.3"][dice.below(6)].into(),
            dice.below(30).to_string(),
            ["0", "1", "7", "12", "9007199254740993"][dice.below(5)].into(),
            number(dice, 4, 20),
            ["0", "0.1", "2.5", "1e-9", "5", "1e20"][dice.below(6)].into(),
            format!(
                "2021-0{}-{:02}T{:02}:00:00.{:03}000Z",
                1 + dice.below(3),
                1 + dice.below(28),
                dice.below(24),
                dice.below(2) * 500
            ),
            ["MSKU1|MSKU2", "MSKU1", "", " |b"][dice.below(4)].into(),
        ];
        for value in values {
            row.push(some(dice, value));
        }
        let point =
            (dice.below(3) > 0).then(|| (dice.below(90).to_string(), dice.below(180).to_string()));
        row.push(point.as_ref().map(|point| point.0.clone()));
        row.push(point.map(|point| point.1));
        row.push(
            (dice.below(3) > 0)
                .then(|| ["xs-customs", "xs-customs;vl-fiu", ""][dice.below(3)].into()),
        );
        row.push(Some(dice.below(5).to_string()));
        rows.push(row);
    }
    Rows { columns, rows }
}

fn party_rows(dice: &mut Dice, count: usize) -> Rows {
    let columns = vec![
        ("no", "TEXT", "uuid"),
        ("born", "TEXT", "date"),
        ("since", "TEXT", "text"),
        ("listed", "INTEGER", "boolean"),
        ("flagged", "TEXT", "text"),
    ];
    let row = |no: usize| {
        let day = |dice: &mut Dice| (1 + dice.below(12), 1 + dice.below(28));
        let (born, since) = (day(dice), day(dice));
        vec![
            Some(format!("00000000-0000-0000-0000-{no:012x}")),
            (dice.below(5) > 0)
                .then(|| format!("19{}-{:02}-{:02}", 60 + dice.below(4), born.0, born.1)),
            (dice.below(5) > 0).then(|| format!("199{}-{}-{}", dice.below(3), since.0, since.1)),
            (dice.below(5) > 0).then(|| dice.below(2).to_string()),
            (dice.below(5) > 0).then(|| ["x", "y"][dice.below(2)].to_owned()),
        ]
    };
    Rows { columns, rows: (0..count).map(row).collect() }
}

struct Sources {
    _folder: Folder,
    /// The reference, then the others by name.
    all: Vec<(&'static str, CsvSource)>,
}

/// CSV first, then the tables, pushed down and not.
async fn sources(mapping: &str, rows: &Rows) -> Sources {
    let folder = Folder::new(&[]);
    let written = |name: &str, data: &str| folder.write(name, mapping.replace("DATA", data));
    folder.write("rows.csv", rows.csv());
    written("csv.toml", "files = [\"rows.csv\"]");
    rows.sqlite(&folder.path().join("rows.sqlite"), "\"rows\"").await;
    written("sqlite.toml", "table = \"rows\"\ndatabase = \"sqlite:rows.sqlite\"");
    let slow = Limits { push_down: false, ..Limits::default() };
    let mut all = vec![];
    for (name, file, limits) in [
        ("csv", "csv.toml", Limits::default()),
        ("sqlite", "sqlite.toml", Limits::default()),
        ("sqlite, nothing pushed", "sqlite.toml", slow),
    ] {
        all.push((name, load(folder.path(), file, limits).await));
    }
    if let Some(mut database) = Database::new().await {
        rows.postgres(&mut database, "x.\"rows\"").await;
        let spelled = database.spelled(folder.path());
        written("pg.toml", &format!("table = \"x.rows\"\ndatabase = {spelled}"));
        all.push(("postgres", load(folder.path(), "pg.toml", Limits::default()).await));
        all.push(("postgres, nothing pushed", load(folder.path(), "pg.toml", slow).await));
    }
    Sources { _folder: folder, all }
}

async fn load(folder: &Path, file: &str, limits: Limits) -> CsvSource {
    open(folder, &[file], limits).await.unwrap_or_else(|problems| panic!("{file}: {problems}"))
}

impl Sources {
    /// Asks all of them; how many records the first found.
    async fn agree(&self, request: &wire::SearchRequest, what: &str) -> usize {
        let mut reference: Option<Vec<wire::SourceRecord>> = None;
        for (name, source) in &self.all {
            let answer = search(source, request.clone()).await;
            let answer = answer.unwrap_or_else(|status| panic!("{name}: {status:?}"));
            let records: Vec<wire::SourceRecord> = answer.records().cloned().collect();
            assert_eq!(answer.end.unwrap().records, records.len() as u64);
            match &reference {
                None => reference = Some(records),
                Some(reference) => {
                    let ids = |list: &[wire::SourceRecord]| -> Vec<bytes::Bytes> {
                        list.iter().map(|record| record.opaque_id.clone()).collect()
                    };
                    assert_eq!(ids(reference).len(), ids(&records).len(), "{name}: {what}");
                    assert!(*reference == records, "{name}: {what}");
                }
            }
        }
        reference.unwrap().len()
    }

    fn fetched(&self, of: &str) -> u64 {
        let source = self.all.iter().find(|(name, _)| *name == of);
        source.map_or(0, |(_, source)| source.counters().fetched.load(Ordering::Relaxed))
    }
}

/// Literals that a path takes, some of them in the rows.
fn literals(path: &str) -> Vec<Literal> {
    let texts = |list: &[&str]| -> Vec<Literal> {
        list.iter().map(|text| Literal::Text((*text).to_owned())).collect()
    };
    let days = |list: &[i64]| -> Vec<Literal> {
        list.iter().map(|day| Literal::Time(Moment(day * 86_400_000 + 500))).collect()
    };
    match path {
        "id" => texts(&["D-1", "D-7", "D-", "7", "D-007", "d-1"]),
        "office" => texts(&[
            "a", "A", "b", "zebra", "Zebra", "é", "이름", "a b", "85", "%", "a%", "nobody", "m",
            "a\0",
        ]),
        "officer_remarks" => texts(&["a", "b", "c", "n/a", "85", "note", " a", "\u{a0}c"]),
        "process" => texts(&["a", "ab", "A", "a     ", "zz", "1"]),
        "use" => texts(&["ABC", "abc", "B"]),
        "transport_mode" => texts(&["sea", "road", "other", "r"]),
        "country_of_departure" => texts(&["KR", "XN", "kr", "K"]),
        "items.hs_code" => texts(&["850440", "8504", "85", "841370", "9"]),
        "containers" => texts(&["MSKU1", "b", "MSKU1|MSKU2"]),
        "direction" => texts(&["EXPORT", "IMPORT", "DIRECTION_IMPORT"]),
        "items.quantity" => [0, 1, 7, 12, 20, 9_007_199_254_740_993].map(Literal::Integer).to_vec(),
        "items.net_mass_grams" => {
            [0, 227, 567, 1000, 12_000, 453_592, 29_999].map(Literal::Integer).to_vec()
        }
        "items.value" => {
            let whole = [0, 7, 19, -3].map(Literal::Integer);
            let parts = [0.5, 7.25, 12.34, 19.99].map(Literal::Number);
            whole.into_iter().chain(parts).collect()
        }
        "items.duty_rate" => [0.0, 0.1, 2.5, 1e-9, 1e20].map(Literal::Number).to_vec(),
        "accepted_at" => days(&[18_628, 18_640, 18_660, 18_700]),
        "birth_date" => days(&[-3650, -3000, -2500, -2200]),
        "registered_on" => days(&[7305, 7400, 7700, 8200]),
        "listed" => vec![Literal::Flag(true), Literal::Flag(false)],
        "remarks" => texts(&["x", "y", "z"]),
        _ => panic!("{path}"),
    }
}

fn literal(dice: &mut Dice, path: &str) -> Literal {
    dice.of(&literals(path)).clone()
}

/// Every path with every operator and literal, each alone.
fn singles(paths: &[&str]) -> Vec<Filter> {
    let mut all = vec![];
    for path in paths.iter().map(|path| (*path).to_owned()) {
        let ops: &[Op] = match path.as_str() {
            "direction" | "listed" => &[Op::Equal],
            _ => &[Op::Equal, Op::Less, Op::LessOrEqual, Op::Greater],
        };
        for value in literals(&path) {
            let compare =
                |op: &Op| Filter::Compare { path: path.clone(), op: *op, value: value.clone() };
            all.extend(ops.iter().map(compare));
            if let Literal::Text(text) = &value
                && path != "direction"
            {
                all.push(Filter::Prefix { path: path.clone(), prefix: text.clone() });
            }
        }
    }
    all
}

const DECLARATION_PATHS: &[&str] = &[
    "id",
    "office",
    "officer_remarks",
    "process",
    "use",
    "transport_mode",
    "country_of_departure",
    "items.hs_code",
    "containers",
    "direction",
    "items.quantity",
    "items.net_mass_grams",
    "items.value",
    "items.duty_rate",
    "accepted_at",
];
const PARTY_PATHS: &[&str] = &["birth_date", "registered_on", "listed", "remarks"];

fn filter(dice: &mut Dice, paths: &[&str], depth: usize) -> Filter {
    if depth > 0 && dice.below(3) > 0 {
        let parts = (0..1 + dice.below(3)).map(|_| filter(dice, paths, depth - 1)).collect();
        return match dice.below(5) {
            0 | 1 => Filter::All(parts),
            2 | 3 => Filter::Any(parts),
            _ => Filter::Not(Box::new(parts.into_iter().next().unwrap())),
        };
    }
    let path = (*dice.of(paths)).to_owned();
    let equality_only = matches!(path.as_str(), "direction" | "listed");
    match dice.below(6) {
        0 => {
            let first = literal(dice, &path);
            let kind = first.kind();
            let more = (0..dice.below(3)).map(|_| literal(dice, &path));
            let more: Vec<Literal> = more.filter(|one| one.kind() == kind).collect();
            let values = [first].into_iter().chain(more).collect();
            Filter::In { path, values }
        }
        1 if !equality_only && matches!(literal(dice, &path), Literal::Text(_)) => {
            let Literal::Text(prefix) = literal(dice, &path) else { unreachable!() };
            Filter::Prefix { path, prefix }
        }
        _ => {
            let ops = if equality_only { &Op::ALL[..2] } else { Op::ALL };
            let op = if dice.below(3) == 0 { Op::Equal } else { *dice.of(ops) };
            let value = literal(dice, &path);
            Filter::Compare { path, op, value }
        }
    }
}

/// One unless somebody looks for more.
const SEEDS: u64 = 1;

fn cases() -> usize {
    std::env::var("PORTCULLIS_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(80)
}

async fn agree_on_filters(sources: &Sources, kind: &str, paths: &[&str], dice: &mut Dice) {
    let mut filters = singles(paths);
    filters.extend((0..cases()).map(|_| filter(dice, paths, 2)));
    let (mut some, count) = (0, filters.len());
    for (case, tree) in filters.into_iter().enumerate() {
        let asked = wire::SearchRequest {
            filter: Some(crate::service::filter::to_wire(&tree)),
            ..request(kind)
        };
        let found = sources.agree(&asked, &format!("case {case}: {tree:?}")).await;
        some += usize::from(found > 0);
    }
    assert!(some > count / 3, "{some} of {count} found any");
    for name in ["sqlite", "postgres"] {
        let unpushed = sources.fetched(&format!("{name}, nothing pushed"));
        let pushed = sources.fetched(name);
        eprintln!("{kind}, {name}: {pushed} rows fetched for {count} filters, {unpushed} without");
        assert!(pushed * 4 < unpushed * 3 || unpushed == 0, "{pushed} of {unpushed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_finds_the_same_declarations_everywhere() {
    for seed in 1..=SEEDS {
        let mut dice = Dice::new(seed);
        let sources = sources(DECLARATION, &declaration_rows(&mut dice, 300)).await;
        assert!(sources.agree(&request("Declaration"), "all").await > 200);
        agree_on_filters(&sources, "Declaration", DECLARATION_PATHS, &mut dice).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_finds_the_same_parties_everywhere() {
    let mut dice = Dice::new(3);
    let sources = sources(PARTY, &party_rows(&mut dice, 200)).await;
    assert_eq!(sources.agree(&request("Party"), "all").await, 200);
    agree_on_filters(&sources, "Party", PARTY_PATHS, &mut dice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resuming_and_naming_give_the_same_everywhere() {
    let mut dice = Dice::new(5);
    let sources = sources(DECLARATION, &declaration_rows(&mut dice, 3000)).await;
    let all = search(&sources.all[0].1, request("Declaration")).await.unwrap();
    let ids: Vec<bytes::Bytes> = all.records().map(|record| record.opaque_id.clone()).collect();
    for at in [0, 1, ids.len() / 2, ids.len() - 2, ids.len() - 1] {
        for batch_bytes in [0, 1024] {
            let asked = wire::SearchRequest {
                after: ids[at].clone(),
                batch_bytes,
                ..request("Declaration")
            };
            assert_eq!(sources.agree(&asked, "after").await, ids.len() - at - 1);
        }
    }
    for wanted in [vec![], vec![0], vec![0, 7, ids.len() - 1]] {
        let mut named: Vec<bytes::Bytes> = wanted.iter().map(|at| ids[*at].clone()).collect();
        named.push(bytes::Bytes::from_static(&[0x80; 16]));
        named.sort();
        let only = Some(wire::OnlyThese { opaque_ids: named });
        let asked = wire::SearchRequest { only, ..request("Declaration") };
        assert_eq!(sources.agree(&asked, "only").await, wanted.len());
        let tree = Filter::Not(Box::new(Filter::Compare {
            path: "office".into(),
            op: Op::Equal,
            value: Literal::Text("nobody".into()),
        }));
        let filter = Some(crate::service::filter::to_wire(&tree));
        let asked = wire::SearchRequest { filter, after: ids[0].clone(), ..asked };
        sources.agree(&asked, "only, after and a filter").await;
    }
}

/// The sample mapping with all its columns, its file's cells as texts in a table.
#[tokio::test(flavor = "multi_thread")]
async fn the_sample_declarations_are_the_same_from_a_table() {
    let text = std::fs::read_to_string(repository().join("nv-customs/declarations.toml")).unwrap();
    let mapping = text.replace("files = [\"declarations.csv\"]", "DATA");
    let mut reader =
        csv::Reader::from_path(repository().join("nv-customs/declarations.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let columns = header.iter().map(|name| (&*name.to_owned().leak(), "TEXT", "text")).collect();
    let row = |record: csv::StringRecord| -> Vec<Cell> {
        record.iter().map(|cell| (!cell.is_empty()).then(|| cell.to_owned())).collect()
    };
    let rows = reader.records().map(|record| row(record.unwrap())).collect();
    let sources = sources(&mapping, &Rows { columns, rows }).await;
    assert_eq!(sources.agree(&request("Declaration"), "all").await, 60);
    for path in ["items.hs_code", "exporter.name.original", "importer.country"] {
        for prefix in ["8", "85", "F", "XV"] {
            let tree = Filter::Prefix { path: path.into(), prefix: prefix.into() };
            let filter = Some(crate::service::filter::to_wire(&tree));
            let asked = wire::SearchRequest { filter, ..request("Declaration") };
            sources.agree(&asked, prefix).await;
        }
    }
}
