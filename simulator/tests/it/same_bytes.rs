//! The same world is the same bytes: for any number of threads and in any time zone; parts are in `parts.rs`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::folder::files;

/// Runs `generate` and gives every file by its name.
pub fn generate(out: &Path, more: &[&str], zone: &str) -> BTreeMap<String, Vec<u8>> {
    let done = Command::new(env!("CARGO_BIN_EXE_portcullis-sim"))
        .args(["generate", "--pack", "demo", "--consignments", "6000", "--out"])
        .arg(out)
        .args(more)
        .env("TZ", zone)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    files(out)
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
    for format in ["csv", "jsonl"] {
        let place = |name: &str| folder.path().join(format).join(name);
        let make = |name: &str, more: &[&str]| {
            generate(&place(name), &[&["--dirt", "--format", format], more].concat(), "UTC")
        };
        let one = make("1", &["--threads", "1"]);
        assert!(one == make("8", &["--threads", "8"]), "{format}: 8 threads");
        assert!(one.keys().any(|name| name.starts_with("truth/dirt-")), "{:?}", one.keys());
        let parts = ["0/3", "1/3", "2/3"].map(|part| {
            let name = part.replace('/', "of");
            make(&name, &["--part", part]);
            place(&name).display().to_string()
        });
        let joined = place("joined").display().to_string();
        let join = [vec!["join".to_owned()], parts.to_vec(), vec!["--out".to_owned(), joined]];
        crate::folder::done(&join.concat());
        assert!(one == files(&place("joined")), "{format}: parts");
    }
}
