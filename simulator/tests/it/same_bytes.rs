//! The same world is the same bytes: for any number of threads, in any time zone, whole or in parts.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Runs `generate` and gives every file by its name: tables as they are, without the folder of the part.
pub fn generate(out: &Path, more: &[&str], zone: &str) -> BTreeMap<String, Vec<u8>> {
    let done = Command::new(env!("CARGO_BIN_EXE_portcullis-sim"))
        .args(["generate", "--pack", "demo", "--consignments", "6000", "--out"])
        .arg(out)
        .args(more)
        .env("TZ", zone)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut files = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(out).unwrap().display().to_string();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn threads_and_time_zones_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let one = generate(&folder.path().join("1"), &["--threads", "1"], "UTC");
    assert!(one.values().map(Vec::len).sum::<usize>() > 5_000_000);
    for (threads, zone) in [("2", "Pacific/Apia"), ("8", "America/St_Johns")] {
        let other = generate(&folder.path().join(threads), &["--threads", threads], zone);
        assert!(one == other, "{threads} threads in {zone}");
    }
}

/// Joins the parts of each table: what stands before the first `part` in a file's name is its table.
fn joined(files: &[BTreeMap<String, Vec<u8>>], header: bool) -> BTreeMap<String, Vec<u8>> {
    let mut tables: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (name, bytes) in files.iter().flatten() {
        let table = name.split("part").next().unwrap().to_owned();
        let csv = header || table.starts_with("truth");
        let rows = if csv { bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1 } else { 0 };
        tables.entry(table).or_default().extend(&bytes[rows..]);
    }
    tables
}

#[test]
fn parts_joined_are_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    for (format, header) in [("csv", true), ("jsonl", false)] {
        let whole = generate(&folder.path().join(format), &["--format", format], "UTC");
        let parts: Vec<_> = ["0/3", "1/3", "2/3"]
            .iter()
            .map(|part| {
                let out = folder.path().join(format!("{format}{}", part.replace('/', "of")));
                generate(&out, &["--format", format, "--part", part], "UTC")
            })
            .collect();
        let (whole, parts) = (joined(&[whole], header), joined(&parts, header));
        assert_eq!(whole.keys().collect::<Vec<_>>(), parts.keys().collect::<Vec<_>>());
        for (table, rows) in &whole {
            assert!(parts[table] == *rows, "{format} {table}");
        }
    }
}

#[test]
fn another_seed_is_another_world() {
    let folder = tempfile::tempdir().unwrap();
    let five = generate(&folder.path().join("5"), &[], "UTC");
    let six = generate(&folder.path().join("6"), &["--seed", "6"], "UTC");
    let same = five.iter().filter(|(name, bytes)| six.get(*name) == Some(*bytes)).count();
    // Tables that a small world leaves empty are alike: a header and nothing else.
    let empty = five
        .values()
        .filter(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count() == 1)
        .count();
    assert!(same <= empty, "{same} of {} files are alike, {empty} are empty", five.len());
}

#[test]
fn dirt_is_the_same_for_any_threads_and_parts() {
    let folder = tempfile::tempdir().unwrap();
    for (format, header) in [("csv", true), ("jsonl", false)] {
        let make = |name: &str, more: &[&str]| {
            let out = folder.path().join(format).join(name);
            generate(&out, &[&["--dirt", "--format", format], more].concat(), "UTC")
        };
        let one = make("1", &["--threads", "1"]);
        assert!(one == make("8", &["--threads", "8"]), "{format}: 8 threads");
        let parts: Vec<_> = ["0/3", "1/3", "2/3"]
            .map(|part| make(&part.replace('/', "of"), &["--part", part]))
            .into();
        let (whole, parts) = (joined(&[one], header), joined(&parts, header));
        assert!(whole.keys().any(|table| table.starts_with("truth/dirt-")), "{:?}", whole.keys());
        assert!(whole == parts, "{format}: parts");
    }
}
