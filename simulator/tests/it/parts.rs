//! What a folder of generated files says of itself, and parts that become a whole.

use std::path::{Path, PathBuf};

use crate::folder::{done, files, generate, refused};

const SIZE: u64 = 3_000;

/// Generates all parts into one folder each.
fn parts(folder: &Path, count: u64, more: &[&str]) -> Vec<PathBuf> {
    let part = |index: u64| {
        let out = folder.join(format!("part{index}"));
        generate(&out, SIZE, &[&["--part", &format!("{index}/{count}")], more].concat());
        out
    };
    (0..count).map(part).collect()
}

fn join(from: &[PathBuf], out: Option<&Path>) -> Vec<String> {
    let mut arguments = vec!["join".to_owned()];
    arguments.extend(from.iter().map(|folder| folder.display().to_string()));
    arguments.extend(out.iter().flat_map(|out| ["--out".to_owned(), out.display().to_string()]));
    arguments
}

fn manifest(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

#[test]
fn the_manifest_names_the_world_and_every_file_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("world");
    generate(&out, SIZE, &["--cases", "T01=2"]);
    let manifest = manifest(&out);
    let origin = &manifest["origin"];
    assert_eq!((&origin["pack"], &origin["seed"]), (&"demo".into(), &1.into()));
    assert_eq!((&origin["consignments"], &origin["parts"]), (&SIZE.into(), &1.into()));
    assert_eq!(origin["engine"], env!("CARGO_PKG_VERSION"));
    assert_eq!(origin["cases"]["T01"], 2);
    assert_eq!(origin["pack_hash"].as_str().unwrap().len(), 64);
    let mut held = files(&out);
    held.remove("manifest.json").unwrap();
    let told = manifest["files"].as_array().unwrap();
    assert_eq!(told.len(), held.len());
    for file in told {
        let bytes = &held[file["path"].as_str().unwrap()];
        assert_eq!(file["bytes"], bytes.len());
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        assert_eq!(file["sha256"], hex::encode(hash));
        let rows = csv::Reader::from_reader(bytes.as_slice()).into_records().count();
        assert_eq!(file["rows"], rows, "{file}");
    }
}

#[test]
fn a_folder_takes_the_same_world_again_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("world");
    generate(&out, SIZE, &[]);
    let first = files(&out);
    generate(&out, SIZE, &[]);
    assert!(files(&out) == first, "another run of the same");
    let name = out.display().to_string();
    let size = SIZE.to_string();
    for (more, what) in [
        (&["--seed", "2"][..], "seed 2 against 1"),
        (&["--consignments", "3001"], "consignments 3001 against 3000"),
        (&["--cases", "T01=1"], "cases"),
        (&["--dirt"], "dirt true against false"),
        (&["--format", "jsonl"], "format jsonl against csv"),
        (&["--part", "0/2"], "parts 2 against 1"),
        (&["--layout", "hive"], "layout hive against flat"),
    ] {
        let mut all = vec!["generate", "--pack", "demo", "--out", &name];
        if !more.contains(&"--consignments") {
            all.extend(["--consignments", &size]);
        }
        all.extend(more);
        let said = refused(&all);
        assert!(said.contains("is of another world") && said.contains(what), "{more:?}: {said}");
    }
    assert!(files(&out) == first, "what was refused");
    // Without its manifest nobody knows which world it is.
    std::fs::remove_file(out.join("manifest.json")).unwrap();
    let said = refused(&["generate", "--pack", "demo", "--consignments", &size, "--out", &name]);
    assert!(said.contains("no manifest tells of which world"), "{said}");
}

#[test]
fn what_was_interrupted_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, out) = (folder.path().join("whole"), folder.path().join("world"));
    generate(&whole, SIZE, &[]);
    generate(&out, SIZE, &[]);
    // As a run leaves it that lost its power: one file named, one begun, no manifest but that of the beginning.
    std::fs::rename(out.join("manifest.json"), out.join("manifest.json.partial")).unwrap();
    let begun = out.join("payment/part-00000-of-00001.csv");
    std::fs::remove_file(&begun).unwrap();
    std::fs::write(begun.with_extension("csv.partial"), "half a row").unwrap();
    generate(&out, SIZE, &[]);
    assert!(files(&out) == files(&whole));
}

#[test]
fn joined_parts_are_the_bytes_of_one_run() {
    let folder = tempfile::tempdir().unwrap();
    for more in [
        &["--format", "csv"][..],
        &["--format", "jsonl"],
        &["--format", "proto"],
        &["--format", "csv", "--layout", "hive"],
    ] {
        let here = folder.path().join(more.concat());
        let (whole, joined) = (here.join("whole"), here.join("joined"));
        generate(&whole, SIZE, more);
        let said = done(&join(&parts(&here, 3, more), Some(&joined)));
        assert!(said.starts_with("whole: "), "{said}");
        let (whole, joined) = (files(&whole), files(&joined));
        assert_eq!(whole.keys().collect::<Vec<_>>(), joined.keys().collect::<Vec<_>>(), "{more:?}");
        for (name, bytes) in &whole {
            assert!(joined[name] == *bytes, "{more:?} {name}");
        }
    }
}

#[test]
fn parts_that_share_a_folder_are_told_to_be_whole() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("world");
    let name = [out.clone()];
    let more = |part| ["--format", "parquet", "--layout", "hive", "--part", part];
    generate(&out, SIZE, &more("1/3"));
    generate(&out, SIZE, &more("2/3"));
    assert!(refused(&join(&name, None)).contains("of 3 parts these are missing: 0"));
    assert!(!out.join("manifest.json").exists());
    generate(&out, SIZE, &more("0/3"));
    let elsewhere = out.join("all");
    assert!(refused(&join(&name, Some(&elsewhere))).contains("parquet files stay in parts"));
    done(&join(&name, None));
    let manifest = manifest(&out);
    let parts = files(&out).keys().filter(|name| name.contains("/part-")).count();
    let truth = manifest["files"].as_array().unwrap().len() - parts;
    assert_eq!((&manifest["origin"]["parts"], truth), (&3.into(), 9));
    // Served data and truth have no folder in common.
    for file in manifest["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        assert_eq!(path.starts_with("truth/"), !path.starts_with("records/table="), "{path}");
        assert_eq!(path.contains("/agency="), file["agency"].is_string(), "{path}");
    }
}

#[test]
fn parts_of_two_worlds_and_changed_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let parts = parts(folder.path(), 2, &[]);
    let other = folder.path().join("other");
    generate(&other, SIZE, &["--part", "1/2", "--seed", "2"]);
    let joined = folder.path().join("joined");
    let said = refused(&join(&[parts[0].clone(), other], Some(&joined)));
    assert!(said.contains("not of one world") && said.contains("seed 1 against 2"), "{said}");
    let changed = parts[1].join("payment/part-00001-of-00002.csv");
    let text = std::fs::read_to_string(&changed).unwrap();
    std::fs::write(&changed, text.replacen("USD", "EUR", 1)).unwrap();
    let said = refused(&join(&parts, Some(&joined)));
    assert!(said.contains("payment") && said.contains("SHA-256"), "{said}");
    assert!(!joined.join("manifest.json").exists());
    assert!(refused(&join(&parts, None)).contains("--out"));
}
