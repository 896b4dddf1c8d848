//! Truth and what is served: every id that truth names is there, once, in every format; nothing of truth is; and as
//! many cases were delivered as were asked for. For every scheme and decoy that is generated, with dirt on top.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use portcullis_sim::dirt::Dirt;
use portcullis_sim::generate::{Format, Job, Layout, Part, generate};
use portcullis_sim::load::{Target, load};
use portcullis_sim::rng::Seed;
use portcullis_sim::scheme::{Cases, Kind, Request};
use portcullis_sim::shipment::Engine;
use portcullis_sim::table::Table;
use portcullis_sim::world::pack::Pack;
use portcullis_sim::world::{Office, World};
use portcullis_sim::write::{CsvFiles, JsonFiles};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

/// A row by column; cells that say nothing are not there.
pub type Record = BTreeMap<String, String>;
type Each<'a> = dyn FnMut(&str, Record) + 'a;
type Write = fn(&Engine, &Path);
type Read = fn(&Path, &mut Each<'_>);

/// Every format: how a world is written in it, and how everything in it but the truth is read again, whatever it is.
const FORMATS: &[(&str, Write, Read)] = &[
    (
        "csv",
        |engine, out| write(engine, &CsvFiles, out),
        |out, each| files(out, "csv", read_csv, each),
    ),
    (
        "jsonl",
        |engine, out| write(engine, &JsonFiles, out),
        |out, each| files(out, "jsonl", read_json, each),
    ),
    ("sqlite", load_all, |out, each| databases(&out.join("databases"), each)),
];

const CONSIGNMENTS: u64 = 4_000;

fn world() -> World {
    World::build(Pack::read(Path::new("demo")).unwrap(), Seed(9)).unwrap()
}

/// Two cases of each scheme, three of each decoy of several consignments, and single decoys at the pack's rates.
fn request(world: &World) -> Request {
    let schemes: Vec<(Kind, u64)> = Kind::SCHEMES.iter().map(|kind| (*kind, 2)).collect();
    let singles = Request::of(world, CONSIGNMENTS, &schemes).singles;
    let decoys = Kind::DECOYS.iter().map(|kind| (*kind, 3));
    Request { kinds: schemes.iter().copied().chain(decoys).collect(), singles }
}

fn write<F: Format>(engine: &Engine, format: &F, out: &Path) {
    let (threads, stop) = (NonZeroUsize::new(2).unwrap(), AtomicBool::new(false));
    let job = Job { part: Part::WHOLE, threads, layout: Layout::Flat, out };
    generate(engine, format, job, &stop, &mut |_, _| {}).unwrap();
}

/// A database for each agency that holds anything.
fn load_all(engine: &Engine, out: &Path) {
    write(engine, &CsvFiles, out);
    let mut agencies = BTreeSet::new();
    files(out, "csv", read_csv, &mut |_, row| {
        agencies.insert(row["agency"].clone());
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::fs::create_dir(out.join("databases")).unwrap();
    for agency in agencies {
        let target = Target::Sqlite(out.join("databases").join(format!("{agency}.db")));
        runtime.block_on(load(out, &agency, &target)).unwrap();
    }
    for table in Table::ALL {
        std::fs::remove_dir_all(out.join(table.name())).unwrap();
    }
}

/// All files below a folder, without those of the truth.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.file_name().unwrap().to_str().unwrap() {
            "truth" | "manifest.json" => {}
            _ if path.is_dir() => found.extend(below(&path)),
            _ => found.push(path),
        }
    }
    found.sort();
    found
}

/// Rows of files that lie in a folder with the name of their table.
fn files(out: &Path, ending: &str, read: fn(&Path) -> Vec<Record>, each: &mut Each<'_>) {
    for path in below(out).into_iter().filter(|path| path.extension().unwrap() == ending) {
        let table = path.strip_prefix(out).unwrap().iter().next().unwrap().to_str().unwrap();
        read(&path).into_iter().for_each(|row| each(table, row));
    }
}

fn said(cells: impl Iterator<Item = (String, String)>) -> Record {
    cells.filter(|(_, cell)| !cell.is_empty()).collect()
}

pub fn read_csv(path: &Path) -> Vec<Record> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(|row: Result<Record, _>| said(row.unwrap().into_iter())).collect()
}

fn read_json(path: &Path) -> Vec<Record> {
    let text = std::fs::read_to_string(path).unwrap();
    let cells = |line: &str| {
        let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        said(row.into_iter().map(|(name, value)| (name, text(value))))
    };
    text.lines().map(cells).collect()
}

/// Everything in databases that are named after their agencies, or lie in folders that are.
fn databases(folder: &Path, each: &mut Each<'_>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for path in below(folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let agency = match name.strip_suffix(".db") {
            Some(agency) => agency,
            None if name == "records.sqlite" => {
                path.parent().unwrap().file_name().unwrap().to_str().unwrap()
            }
            None => continue,
        };
        runtime.block_on(database(&path, agency, each));
    }
}

async fn database(path: &Path, agency: &str, each: &mut Each<'_>) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = options.connect().await.unwrap();
    let names = "SELECT name FROM sqlite_master WHERE type <> 'index'";
    let tables: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut connection).await.unwrap();
    for table in tables {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
            .bind(&table)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let cells: Vec<String> =
            columns.iter().map(|name| format!("CAST(\"{name}\" AS TEXT)")).collect();
        let select = AssertSqlSafe(format!("SELECT {} FROM \"{table}\"", cells.join(", ")));
        for row in sqlx::query(select).fetch_all(&mut connection).await.unwrap() {
            let cell = |at| row.get::<Option<String>, usize>(at).unwrap_or_default();
            let cells = columns.iter().enumerate().map(|(at, name)| (name.clone(), cell(at)));
            each(&table, said(cells.chain([("agency".to_owned(), agency.to_owned())])));
        }
    }
    connection.close().await.unwrap();
}

/// Truth as it is written.
struct Truth {
    cases: Vec<Record>,
    traces: Vec<Record>,
    labels: Vec<Record>,
    dirt: Vec<Record>,
}

impl Truth {
    fn read(folder: &Path) -> Self {
        let rows = |kind: &str| {
            let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let of = |path: &PathBuf| {
                path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{kind}-"))
            };
            let files: Vec<PathBuf> = all.filter(of).collect();
            assert!(!files.is_empty(), "no {kind}");
            files.iter().flat_map(|path| read_csv(path)).collect::<Vec<_>>()
        };
        Self {
            cases: rows("cases"),
            traces: rows("traces"),
            labels: rows("labels"),
            dirt: rows("dirt"),
        }
    }

    /// What only truth may say: no cell of what is served is one of these.
    fn words(&self) -> BTreeSet<&str> {
        let mut words = BTreeSet::new();
        for (rows, columns) in [
            (&self.cases, &["case", "kind", "needs"][..]),
            (&self.traces, &["shows"]),
            (&self.labels, &["label", "detail"]),
        ] {
            for row in rows {
                words.extend(
                    columns.iter().filter_map(|column| row.get(*column)).map(String::as_str),
                );
            }
        }
        words
    }
}

/// What was read of what is served.
#[derive(Default)]
struct Served {
    /// Rows by table, id and agency.
    rows: HashMap<(String, String, String), Vec<Record>>,
    /// How many declarations have an id, whoever holds them.
    declarations: HashMap<String, u32>,
    agencies: BTreeSet<String>,
    faults: BTreeSet<String>,
}

impl Served {
    fn read(out: &Path, read: Read, words: &BTreeSet<&str>) -> Self {
        let mut served = Self::default();
        read(out, &mut |table, row| served.take(table, row, words));
        for path in below(out) {
            let name = path.strip_prefix(out).unwrap().display().to_string();
            if ["truth", "traces", "labels", "dirt-"].iter().any(|word| name.contains(word)) {
                served.faults.insert(format!("{name} lies among what is served"));
            }
        }
        served
    }

    fn take(&mut self, table: &str, row: Record, words: &BTreeSet<&str>) {
        let Some(known) = Table::ALL.iter().find(|known| known.name() == table) else {
            self.faults.insert(format!("`{table}` is no table of an agency"));
            return;
        };
        for (column, cell) in &row {
            if !known.columns().iter().any(|known| known.name == column) {
                self.faults.insert(format!("{table}.{column} is no column of an agency's table"));
            }
            for part in cell.split(';').filter(|part| words.contains(part)) {
                self.faults.insert(format!("{table}.{column} holds `{part}`, a word of truth"));
            }
        }
        if table == "declaration" {
            *self.declarations.entry(row["id"].clone()).or_default() += 1;
        }
        self.agencies.insert(row["agency"].clone());
        let key = (table.to_owned(), row["id"].clone(), row["agency"].clone());
        self.rows.entry(key).or_default().push(row);
    }

    /// The one row that a row of truth names.
    fn named(&mut self, by: &Record, what: &str) -> Option<&Record> {
        let key = (by["table"].clone(), by["id"].clone(), by["agency"].clone());
        match self.rows.get(&key).map_or(&[][..], Vec::as_slice) {
            [row] => Some(row),
            rows => {
                self.faults.insert(format!("{what} names {key:?}: {} rows", rows.len()));
                None
            }
        }
    }

    fn resolve_traces(&mut self, truth: &Truth) {
        for trace in &truth.traces {
            self.named(trace, "a trace");
        }
    }

    fn resolve_dirt(&mut self, dirt: &[&Record]) {
        for slip in dirt {
            let Some(row) = self.named(slip, "dirt") else { continue };
            let holds = row.get(&slip["column"]).cloned();
            if holds.as_ref() != slip.get("dirty") {
                self.faults.insert(format!("{slip:?}, but the cell holds {holds:?}"));
            }
        }
    }

    fn resolve_labels(&mut self, truth: &Truth) {
        for label in &truth.labels {
            let ids: Vec<&String> = ["export_declaration", "import_declaration"]
                .iter()
                .filter_map(|column| label.get(*column))
                .collect();
            if ids.is_empty() {
                self.faults.insert(format!("{label:?} names nothing"));
            }
            for id in ids {
                let count = self.declarations.get(id).copied().unwrap_or_default();
                if count != 1 {
                    self.faults.insert(format!("{label:?}: {count} declarations `{id}`"));
                }
            }
        }
    }

    fn resolve_cases(&mut self, truth: &Truth) {
        for case in &truth.cases {
            let sets = case.get("needs").map_or("", String::as_str);
            for agency in sets.split([';', '+']).filter(|agency| !agency.is_empty()) {
                if !self.agencies.contains(agency) {
                    self.faults.insert(format!("{case:?}: `{agency}` holds nothing"));
                }
            }
        }
    }
}

/// That the truth agrees with itself and with what was asked for.
fn holds_together(truth: &Truth, request: &Request, world: &World) {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let cases: BTreeMap<&str, &Record> =
        truth.cases.iter().map(|case| (case["case"].as_str(), case)).collect();
    assert_eq!(cases.len(), truth.cases.len(), "a case twice");
    for case in &truth.cases {
        *kinds.entry(case["kind"].as_str()).or_default() += 1;
        let (id, kind) = (&case["case"], Kind::parse(&case["kind"]).unwrap());
        assert_eq!(case["true"], kind.is_scheme().to_string(), "{case:?}");
        let traces = truth.traces.iter().filter(|trace| trace["case"] == *id).count();
        assert_eq!(traces > 0, kind.is_scheme(), "{traces} traces of {case:?}");
        let of_case = |label: &&Record| label.get("case") == Some(id);
        let labels: Vec<&Record> = truth.labels.iter().filter(of_case).collect();
        assert_eq!(labels.len().to_string(), case["consignments"], "{case:?}");
        assert!(labels.iter().all(|label| label["detail"] == case["kind"]), "{labels:?}");
    }
    let requested: BTreeMap<&str, u64> =
        request.kinds.iter().map(|(kind, count)| (kind.id(), *count)).collect();
    assert_eq!(kinds, requested, "delivered, and requested");
    for (decoy, share) in request.singles.iter().filter(|(_, share)| *share > 0.002) {
        let is = |label: &&Record| label["detail"] == decoy.word();
        assert!(truth.labels.iter().any(|label| is(&label)), "no {decoy:?} of {share}");
    }
    let with_case = truth.traces.iter().chain(&truth.labels).filter_map(|row| row.get("case"));
    for case in with_case {
        assert!(cases.contains_key(case.as_str()), "no case {case}");
    }
    // Who takes no part in the exchange can neither be asked nor ask.
    let taking_part = participants(world);
    for trace in &truth.traces {
        assert!(taking_part.contains(&trace["agency"]), "{trace:?}");
    }
    let slips: BTreeSet<&str> = truth.dirt.iter().map(|slip| slip["kind"].as_str()).collect();
    assert_eq!(slips.into_iter().collect::<Vec<_>>(), ["digits", "late", "missing", "spelling"]);
}

fn participants(world: &World) -> BTreeSet<String> {
    let states = world.participants().into_iter().map(|state| world.countries.id(state));
    states.flat_map(|state| Office::ALL.map(|office| state.agency(office).to_owned())).collect()
}

fn none(faults: &BTreeSet<String>, format: &str) {
    let some: Vec<&String> = faults.iter().take(12).collect();
    assert!(faults.is_empty(), "{format}: {} faults, {some:#?}", faults.len());
}

#[test]
fn every_id_in_it_is_there_once_in_every_format_and_nothing_of_it_is_served() {
    let world = world();
    let request = request(&world);
    let cases = Cases::new(&world, CONSIGNMENTS, request.clone()).unwrap();
    let mut engine = Engine::new(&world, CONSIGNMENTS, cases).unwrap();
    engine.dirt = Some(Dirt::new(&world));
    for (format, write, read) in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        write(&engine, folder.path());
        let truth = Truth::read(&folder.path().join("truth"));
        holds_together(&truth, &request, &world);
        let mut served = Served::read(folder.path(), *read, &truth.words());
        assert!(served.rows.len() > 20_000, "{format}: only {} rows", served.rows.len());
        served.resolve_cases(&truth);
        served.resolve_traces(&truth);
        served.resolve_labels(&truth);
        served.resolve_dirt(&truth.dirt.iter().collect::<Vec<_>>());
        none(&served.faults, format);
    }
}

#[test]
fn what_is_broken_on_purpose_is_found() {
    let world = world();
    let cases = Cases::new(&world, CONSIGNMENTS, request(&world)).unwrap();
    let mut engine = Engine::new(&world, CONSIGNMENTS, cases).unwrap();
    engine.dirt = Some(Dirt::new(&world));
    let folder = tempfile::tempdir().unwrap();
    write(&engine, &CsvFiles, folder.path());
    let (_, _, read) = FORMATS[0];
    let found = |breaks: &dyn Fn(&mut Truth)| {
        let mut truth = Truth::read(&folder.path().join("truth"));
        breaks(&mut truth);
        let mut served = Served::read(folder.path(), read, &truth.words());
        served.resolve_cases(&truth);
        served.resolve_traces(&truth);
        served.resolve_labels(&truth);
        served.resolve_dirt(&truth.dirt.iter().collect::<Vec<_>>());
        served.faults.into_iter().collect::<Vec<_>>().join("\n")
    };
    let set = |row: &mut Record, column: &str, cell: &str| {
        row.insert(column.to_owned(), cell.to_owned());
    };
    assert_eq!(found(&|_| {}), "");
    for (what, said) in [
        (found(&|truth| set(&mut truth.traces[0], "id", "EX-XN-999999999")), "a trace names"),
        (found(&|truth| set(&mut truth.traces[0], "agency", "nv-police")), "a trace names"),
        (found(&|truth| set(&mut truth.labels[0], "export_declaration", "EX-0")), "0 declarations"),
        (found(&|truth| set(&mut truth.dirt[0], "dirty", "as it was")), "but the cell holds"),
        (
            found(&|truth| set(&mut truth.cases[0], "needs", "nv-bakery")),
            "`nv-bakery` holds nothing",
        ),
        (found(&|truth| set(&mut truth.traces[0], "shows", "IMPORT")), "a word of truth"),
    ] {
        assert!(what.contains(said), "{said}: {what}");
    }
    let extra = folder.path().join("declaration").join("truth.csv");
    std::fs::write(&extra, "agency,id,case\nnv-customs,EX-1,C0000001\n").unwrap();
    let said = found(&|_| {});
    assert!(
        said.contains("declaration.case is no column") && said.contains("lies among"),
        "{said}"
    );
}

#[test]
fn an_exchange_holds_what_its_truth_names_with_its_dirt_and_nothing_of_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("exchange");
    let done = Command::new(env!("CARGO_BIN_EXE_portcullis-sim"))
        .args(["exchange", "--pack", "demo", "--seed", "9", "--consignments", "4000", "--dirt"])
        .args(["--cases", "T01=2,T22=2", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let truth = Truth::read(&out.join("truth"));
    let mut served = Served::read(&out, databases, &truth.words());
    served.resolve_traces(&truth);
    let taking_part = participants(&world());
    let dirt: Vec<&Record> =
        truth.dirt.iter().filter(|slip| taking_part.contains(&slip["agency"])).collect();
    assert!(dirt.len() > 500 && !truth.traces.is_empty(), "{} slips", dirt.len());
    served.resolve_dirt(&dirt);
    none(&served.faults, "exchange");
}
