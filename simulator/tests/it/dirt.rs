//! Dirt is undone by its linkage: each cell that it names put back, the dirty world is the clean one.

use std::collections::{BTreeMap, HashMap};

use portcullis_sim::table::{Kind, Table};

use crate::same_bytes::generate;

/// By table, agency, id and column: the clean cell and the dirty one.
type Linkage = HashMap<[String; 4], (String, String)>;

fn linkage(files: &BTreeMap<String, Vec<u8>>) -> Linkage {
    let mut all = Linkage::new();
    for (_, bytes) in files.iter().filter(|(name, _)| name.starts_with("truth/dirt-")) {
        for row in csv::Reader::from_reader(bytes.as_slice()).into_records() {
            let row = row.unwrap();
            let cell = [0, 2, 1, 3].map(|at| row[at].to_owned());
            assert!(all.insert(cell, (row[5].to_owned(), row[6].to_owned())).is_none(), "{row:?}");
        }
    }
    all
}

/// Takes the link of a cell.
fn link(links: &mut Linkage, row: [&str; 3], column: &str) -> Option<(String, String)> {
    let [table, agency, id] = row.map(str::to_owned);
    links.remove(&[table, agency, id, column.to_owned()])
}

fn cleaned_csv(table: Table, dirty: &[u8], links: &mut Linkage) -> Vec<u8> {
    let mut reader = csv::Reader::from_reader(dirty);
    let names = reader.headers().unwrap().clone();
    let mut clean = csv::Writer::from_writer(vec![]);
    clean.write_record(&names).unwrap();
    for row in reader.into_records() {
        let row = row.unwrap();
        let by = [table.name(), &row[0], &row[1]];
        let cells = names.iter().zip(&row).map(|(name, cell)| match link(links, by, name) {
            Some((clean, dirty)) => {
                assert_eq!(cell, dirty, "{by:?} {name}");
                clean
            }
            None => cell.to_owned(),
        });
        clean.write_record(cells).unwrap();
    }
    clean.into_inner().unwrap()
}

fn cleaned_json(table: Table, dirty: &str, links: &mut Linkage) -> Vec<serde_json::Value> {
    let clean = |line: &str| {
        let mut row: serde_json::Map<_, _> = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let (agency, id) = (text("agency"), text("id"));
        for column in table.columns() {
            let found = link(links, [table.name(), &agency, &id], column.name);
            let Some((clean, dirty)) = found else { continue };
            let clean = match column.kind {
                Kind::Integer | Kind::Money | Kind::Micro => serde_json::from_str(&clean).unwrap(),
                _ => clean.into(),
            };
            let held = row.insert(column.name.to_owned(), clean);
            assert_eq!(held.map_or(String::new(), |held| held.as_str().unwrap().to_owned()), dirty);
        }
        row.into()
    };
    dirty.lines().map(clean).collect()
}

#[test]
fn cells_put_back_by_the_linkage_give_the_clean_world() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["csv", "jsonl"] {
        let make = |name: &str, more: &[&str]| {
            let out = folder.path().join(format).join(name);
            generate(&out, &[&["--format", format], more].concat(), "UTC")
        };
        let (mut clean, mut dirty) = (make("clean", &[]), make("dirty", &["--dirt"]));
        // Each says which world it is, and that one is not the other.
        assert_ne!(clean.remove("manifest.json"), dirty.remove("manifest.json"));
        let mut links = linkage(&dirty);
        let slips = links.len();
        assert!(slips > 5_000, "{format}: {slips} slips");
        assert!(!clean.keys().any(|name| name.contains("dirt")), "{:?}", clean.keys());
        assert_eq!(dirty.len(), clean.len() + 1);
        for (name, bytes) in &clean {
            let table =
                Table::ALL.iter().find(|table| name.starts_with(&format!("{}/", table.name())));
            match table {
                None => assert!(dirty[name] == *bytes, "{name}"),
                Some(table) if format == "csv" => {
                    assert!(cleaned_csv(*table, &dirty[name], &mut links) == *bytes, "{name}");
                }
                Some(table) => {
                    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                    let rows = cleaned_json(*table, &text(&dirty[name]), &mut links);
                    let expected = text(bytes);
                    let expected: Vec<serde_json::Value> =
                        expected.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
                    assert!(rows == expected, "{name}");
                }
            }
        }
        assert!(links.is_empty(), "{format}: {} of {slips} links lead nowhere", links.len());
    }
}
