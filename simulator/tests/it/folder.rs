//! Generated folders, as several tests make and look at them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program.
pub fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_portcullis-sim").into()
}

/// Runs the program.
pub fn run<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    Command::new(program()).args(arguments).output().unwrap()
}

/// Runs it and wants it to succeed; what it printed.
pub fn done<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs it and wants it to fail; what it said.
pub fn refused<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

/// Generates so many consignments of the demo world.
pub fn generate(out: &Path, consignments: u64, more: &[&str]) {
    let (out, consignments) = (out.display().to_string(), consignments.to_string());
    let first =
        ["generate", "--pack", "demo", "--consignments", &consignments, "--out", out.as_str()];
    done(&[&first, more].concat());
}

/// Every file below a folder, by its name from there.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}
