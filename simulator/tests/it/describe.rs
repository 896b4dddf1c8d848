//! `describe`: a small world passes what needs no size, everything broken by hand is seen, formats agree, and the
//! page stands alone. The figures at 10^6 consignments are those of `tests/run.sh world`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::AtomicBool;

use portcullis_sim::describe::{Group, Report, Verdict, describe, kcs_files, page, text};
use portcullis_sim::generate::{Format, Job, Layout, Part, generate};
use portcullis_sim::rng::Seed;
use portcullis_sim::scheme::{Cases, Request};
use portcullis_sim::shipment::Engine;
use portcullis_sim::world::World;
use portcullis_sim::world::pack::Pack;
use portcullis_sim::write::{CsvFiles, JsonFiles};

fn demo() -> World {
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("packs/demo");
    World::build(Pack::read(&pack).unwrap(), Seed(1)).unwrap()
}

fn made(world: &World, consignments: u64, format: &impl Format) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let cases = Cases::new(world, consignments, Request::by_rates(world, consignments)).unwrap();
    let engine = Engine::new(world, consignments, cases).unwrap();
    let (threads, stop) = (NonZeroUsize::new(2).unwrap(), AtomicBool::new(false));
    let job = Job { part: Part::WHOLE, threads, layout: Layout::Flat, out: folder.path() };
    generate(&engine, format, job, &stop, &mut |_, _| {}).unwrap();
    folder
}

fn failed(report: &Report) -> Vec<String> {
    let failed = report.measures.iter().filter(|measure| measure.verdict == Verdict::Fail);
    failed.map(|measure| format!("{}: {:?}", measure.name, measure.value)).collect()
}

/// Chance and the size of the demo pack excuse the rest: six states, seventeen ships.
#[test]
fn a_small_world_passes_what_needs_no_size() {
    let world = demo();
    let folder = made(&world, 30_000, &CsvFiles);
    let report = describe(Some(folder.path()), Some(&world), &[]).unwrap();
    for group in [Group::Physics, Group::Leaks, Group::Entities, Group::Declared, Group::Offences] {
        let of_group = || report.measures.iter().filter(|measure| measure.group == group);
        let passed = of_group().filter(|measure| measure.verdict == Verdict::Pass).count();
        assert!(passed >= 3, "{group:?}\n{}", text::write(&report));
        let failed = of_group().find(|measure| measure.verdict == Verdict::Fail);
        assert!(failed.is_none(), "{failed:?}");
    }
    assert!(report.leak_table.iter().all(|row| row.better.is_none() && row.theirs.is_none()));
}

#[test]
fn csv_and_json_lines_give_the_same_figures() {
    let world = demo();
    let (csv, json) = (made(&world, 2_000, &CsvFiles), made(&world, 2_000, &JsonFiles));
    let exports = exports(csv.path());
    let [csv, json] =
        [csv, json].map(|folder| describe(Some(folder.path()), Some(&world), &[]).unwrap());
    assert_eq!((csv.exports, json.exports), (exports, exports));
    assert_eq!(csv.measures, json.measures);
}

#[test]
fn without_the_pack_what_needs_it_is_skipped_and_says_so() {
    let folder = made(&demo(), 2_000, &CsvFiles);
    let report = describe(Some(folder.path()), None, &[]).unwrap();
    for name in ["elasticity by distance (PPML)", "marginals", "boxes with dangerous goods"] {
        let measure = report.measures.iter().find(|measure| measure.name == name).unwrap();
        assert_eq!(measure.verdict, Verdict::Skipped);
        assert!(measure.note.contains("--pack"), "{measure:?}");
    }
}

type Rows = Vec<Vec<String>>;

/// A table of a folder: its file, its header, its rows as texts.
fn table(folder: &Path, table: &str) -> (PathBuf, csv::StringRecord, Rows) {
    let path = std::fs::read_dir(folder.join(table)).unwrap().next().unwrap().unwrap().path();
    let mut reader = csv::Reader::from_path(&path).unwrap();
    let header = reader.headers().unwrap().clone();
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    let rows = rows.collect();
    (path, header, rows)
}

fn column(header: &csv::StringRecord, name: &str) -> usize {
    header.iter().position(|column| column == name).unwrap()
}

/// Rewrites a table of a folder.
fn rewrite(folder: &Path, name: &str, change: impl Fn(&dyn Fn(&str) -> usize, &mut Rows)) {
    let (path, header, mut rows) = table(folder, name);
    change(&|name| column(&header, name), &mut rows);
    let mut writer = csv::Writer::from_path(&path).unwrap();
    writer.write_record(&header).unwrap();
    rows.iter().for_each(|row| writer.write_record(row).unwrap());
    writer.flush().unwrap();
}

/// How many declarations say that they are of an export.
fn exports(folder: &Path) -> u64 {
    let (_, header, rows) = table(folder, "declaration");
    let at = column(&header, "direction");
    rows.iter().filter(|row| row[at] == "EXPORT").count() as u64
}

/// Each breaks one thing of a world that was whole; the measure of just that thing must fail, and must not have
/// before.
#[test]
fn everything_that_is_broken_is_seen_by_its_measure() {
    let world = demo();
    let whole = made(&world, 20_000, &CsvFiles);
    let before = failed(&describe(Some(whole.path()), Some(&world), &[]).unwrap());
    type Break = fn(&Path);
    let breaks: &[(&str, Break)] = &[
        ("box numbers with a wrong check digit", |folder| {
            rewrite(folder, "gate_move", |place, rows| {
                let number = &mut rows[10][place("container")];
                let last = number.pop().unwrap();
                number.push(if last == '3' { '4' } else { '3' });
            });
        }),
        ("box ways in order", |folder| {
            rewrite(folder, "gate_move", |place, rows| {
                for row in rows.iter_mut().filter(|row| row[place("kind")] == "LOAD").take(300) {
                    row[place("at")] = "2029-01-01T00:00:00Z".to_owned();
                }
            });
        }),
        ("boxes whose length changes", |folder| {
            rewrite(folder, "weighing", |place, rows| {
                rows.push(rows[0].clone());
                let tare = &mut rows.last_mut().unwrap()[place("tare_grams")];
                *tare = if tare.starts_with('2') { "4820000" } else { "2250000" }.to_owned();
            });
        }),
        ("imports accepted before their export", |folder| {
            rewrite(folder, "declaration", |place, rows| {
                let import = rows.iter_mut().find(|row| row[place("direction")] == "IMPORT");
                import.unwrap()[place("accepted_at")] = "2025-01-01T00:00:00Z".to_owned();
            });
        }),
        ("licences drawn below zero, register", |folder| {
            // Those of cases may be over-drawn.
            let of_cases = traced(folder, "export_licence");
            rewrite(folder, "export_licence", |place, rows| {
                let row = rows.iter_mut().find(|row| {
                    row[place("status")] == "GRANTED" && !of_cases.contains(&row[place("id")])
                });
                row.unwrap()[place("drawn_quantity")] = "999999999".to_owned();
            });
        }),
        ("licences drawn below zero, declarations", |folder| {
            rewrite(folder, "declaration", |place, rows| {
                for row in rows.iter_mut().filter(|row| !row[place("licence_id")].is_empty()) {
                    row[place("quantity")] = "999999999".to_owned();
                }
            });
        }),
        ("fastest ship", |folder| {
            rewrite(folder, "vessel_track", |place, rows| {
                rows[50][place("latitude")] = "80.000000".to_owned();
            });
        }),
        ("cargo that does not fit its boxes", |folder| {
            rewrite(folder, "declaration", |place, rows| {
                let by_box = |row: &&mut Vec<String>| {
                    row[place("direction")] == "EXPORT" && !row[place("containers")].is_empty()
                };
                let row = rows.iter_mut().find(by_box).unwrap();
                row[place("gross_mass_grams")] = "900000000".to_owned();
            });
        }),
        ("traces whose id no row has", |folder| {
            rewrite(folder, "declaration", |place, rows| {
                rows.iter_mut().for_each(|row| row[place("id")].push('X'));
            });
        }),
        ("AUC of the order alone", |folder| sort_guilty_first(folder)),
        ("AUC of the id's number alone", |folder| {
            let guilty = guilty(folder);
            rewrite(folder, "declaration", |place, rows| {
                for row in rows.iter_mut().filter(|row| guilty.contains(&row[place("id")])) {
                    // The id stays what the truth calls it; its number becomes large.
                    let id = row[place("id")].clone();
                    row[place("id")] = format!("{id}9");
                }
            });
            relabel(folder);
        }),
        ("AUC of the time of day alone", |folder| {
            let guilty = guilty(folder);
            rewrite(folder, "declaration", |place, rows| {
                for row in rows.iter_mut().filter(|row| guilty.contains(&row[place("id")])) {
                    let day = row[place("accepted_at")][..10].to_owned();
                    row[place("accepted_at")] = format!("{day}T23:59:59Z");
                }
            });
        }),
        ("token-lookup AUC, all rows: goods, route, treatment and exact mass", |folder| {
            let guilty = guilty(folder);
            rewrite(folder, "declaration", |place, rows| {
                for row in rows.iter_mut().filter(|row| guilty.contains(&row[place("id")])) {
                    row[place("hs_code")] = "999999".to_owned();
                    row[place("net_mass_grams")] = "1234".to_owned();
                    row[place("country_of_departure")] = "XX".to_owned();
                    row[place("country_of_origin")] = "XX".to_owned();
                }
            });
        }),
        ("offender-history AUC", |folder| {
            rewrite(folder, "declaration", |place, rows| {
                for (number, row) in rows.iter_mut().enumerate() {
                    row[place("importer_id")] = format!("{}", number * 7919 % 997);
                }
            });
        }),
        ("importer-declarant association", |folder| {
            rewrite(folder, "declaration", |place, rows| {
                for (number, row) in rows.iter_mut().enumerate() {
                    row[place("declarant_id")] = format!("{}", number * 7919 % 101);
                }
            });
        }),
        ("weekdays", |folder| {
            rewrite(folder, "declaration", |place, rows| {
                for row in
                    rows.iter_mut().filter(|row| row[place("direction")] == "EXPORT").step_by(9)
                {
                    row[place("accepted_at")] = "2026-01-04T10:00:00Z".to_owned();
                }
            });
        }),
        ("value of consignments", |folder| {
            rewrite(folder, "declaration", |place, rows| {
                for row in rows.iter_mut().step_by(7) {
                    row[place("value")] = "100.00".to_owned();
                }
            });
        }),
    ];
    for (name, break_it) in breaks {
        let folder = copied(whole.path());
        break_it(folder.path());
        let after = failed(&describe(Some(folder.path()), Some(&world), &[]).unwrap());
        let hit = |all: &[String]| all.iter().any(|failed| failed.starts_with(name));
        assert!(!hit(&before), "{name} failed before it was broken: {before:?}");
        assert!(hit(&after), "{name} was broken and not seen: {after:?}");
    }
}

fn copied(from: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let entries = std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path());
    // The manifest tells of bytes that are changed here.
    for table in entries.filter(|path| path.is_dir()) {
        let to = folder.path().join(table.file_name().unwrap());
        std::fs::create_dir(&to).unwrap();
        for file in std::fs::read_dir(&table).unwrap().map(|entry| entry.unwrap().path()) {
            std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
        }
    }
    folder
}

/// A file of the truth, by how its name begins.
fn truth(folder: &Path, name: &str) -> PathBuf {
    let files = std::fs::read_dir(folder.join("truth")).unwrap().map(|entry| entry.unwrap().path());
    let is = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(name);
    files.into_iter().find(is).unwrap()
}

/// Ids of the rows of a table that show something of a case.
fn traced(folder: &Path, table: &str) -> std::collections::HashSet<String> {
    let mut reader = csv::Reader::from_path(truth(folder, "traces")).unwrap();
    let rows = reader.records().map(Result::unwrap).filter(|row| &row[1] == table);
    rows.map(|row| row[2].to_owned()).collect()
}

/// Ids of declarations that break the law.
fn guilty(folder: &Path) -> std::collections::HashSet<String> {
    let mut reader = csv::Reader::from_path(truth(folder, "labels")).unwrap();
    let rows = reader.records().map(Result::unwrap).filter(|row| &row[2] != "DECOY");
    rows.flat_map(|row| [row[0].to_owned(), row[1].to_owned()])
        .filter(|id| !id.is_empty())
        .collect()
}

/// Lets the labels follow ids that got a 9 behind.
fn relabel(folder: &Path) {
    let path = truth(folder, "labels");
    let mut text = String::new();
    for line in std::fs::read_to_string(&path).unwrap().lines() {
        let cells: Vec<&str> = line.split(',').collect();
        let illicit = matches!(cells[2], "FRAUD" | "STRATEGIC");
        let id =
            |id: &str| if illicit && !id.is_empty() { format!("{id}9") } else { id.to_owned() };
        text += &format!("{},{},{}\n", id(cells[0]), id(cells[1]), cells[2..].join(","));
    }
    std::fs::write(path, text).unwrap();
}

fn sort_guilty_first(folder: &Path) {
    let guilty = guilty(folder);
    rewrite(folder, "declaration", |place, rows| {
        rows.sort_by_key(|row| !guilty.contains(&row[place("id")]));
    });
}

#[test]
fn the_page_stands_alone_and_shows_every_measure() {
    let world = demo();
    let folder = made(&world, 10_000, &CsvFiles);
    let report = describe(Some(folder.path()), Some(&world), &[]).unwrap();
    let html = page::write(&report);
    assert!(!html.contains("<script") && !html.contains("src=") && !html.contains("href="));
    let addresses = html.matches("http").count();
    assert_eq!(addresses, html.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
    assert_eq!(html.matches("<svg").count(), report.plots.len());
    assert!(report.plots.len() >= 12);
    for measure in &report.measures {
        assert!(html.contains(&page::escape(&measure.name)), "{}", measure.name);
    }
    for plot in &report.plots {
        let svg = plot.draw();
        assert!(svg.contains("<title>") && svg.contains(&page::escape(&plot.x)), "{}", plot.title);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}: {svg}", plot.title);
    }
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis-sim")).args(arguments).output().unwrap()
}

#[test]
fn the_command_prints_json_and_tells_by_its_status() {
    let world = demo();
    let folder = made(&world, 2_000, &CsvFiles);
    let path = folder.path().to_str().unwrap();
    let html = folder.path().join("page.html");
    let output = run(&["describe", path, "--json", "--html", html.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["exports"], exports(folder.path()));
    let first = &document["measures"][0];
    assert_eq!(
        (&first["group"], &first["name"]),
        (&"offences".into(), &"illicit consignments".into())
    );
    assert_eq!((&first["bound"]["low"], &first["verdict"]), (&0.01.into(), &"pass".into()));
    assert!(std::fs::read_to_string(html).unwrap().starts_with("<!doctype html>"));
    let text = run(&["describe", path]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains(&format!(": {} export declarations\n", exports(folder.path()))),
        "{text}"
    );
    assert!(text.contains("illicit consignments") && text.contains("leak table skipped"), "{text}");

    sort_guilty_first(folder.path());
    rewrite(folder.path(), "vessel_track", |place, rows| {
        rows[50][place("latitude")] = "80.000000".to_owned();
    });
    assert_eq!(run(&["describe", path]).status.code(), Some(0));
    assert_eq!(run(&["describe", path, "--check"]).status.code(), Some(1));

    let empty = tempfile::tempdir().unwrap();
    let output = run(&["describe", empty.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("holds no generated files"));
    assert_eq!(run(&["describe"]).status.code(), Some(2));
}

#[test]
fn files_that_are_no_korean_declarations_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.csv");
    std::fs::write(&path, "a,b\n1,2\n").unwrap();
    let output = run(&["describe", "--kcs", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("other.csv:1: no column `Declaration ID`"), "{error}");
}

/// The same script must find in the public data what the design says of them, and ours must be better in all of it.
#[test]
fn korean_declarations_leak_as_the_design_says_and_ours_are_better() {
    let kcs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/kcs");
    let files = kcs_files(&kcs);
    if files.is_empty() {
        eprintln!("skipped: no Korean declarations in {}", kcs.display());
        return;
    }
    let world = demo();
    let folder = made(&world, 30_000, &CsvFiles);
    let report = describe(Some(folder.path()), Some(&world), &files).unwrap();
    let theirs = |name: &str| {
        let row = report.leak_table.iter().find(|row| row.name == name).unwrap();
        row.theirs.unwrap()
    };
    assert!((theirs("rows that repeat a training tuple, exact mass") - 0.816).abs() < 0.01);
    assert!((theirs("token-lookup AUC on those") - 0.995).abs() < 0.005);
    assert!((theirs("offender-history AUC") - 0.517).abs() < 0.02);
    assert!((theirs("importer-declarant information over shuffled") - 1.0).abs() < 0.02);
    assert!(theirs("ln mass by sea less ln mass by air").abs() < 0.1);
    for row in &report.leak_table {
        assert_ne!(row.better, Some(false), "{row:?}");
    }
    assert!(report.leak_table.iter().filter(|row| row.better == Some(true)).count() >= 8);
}
