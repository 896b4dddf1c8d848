//! What a caller of `portcullis-sim` can rely on: exit statuses, JSON, and no more claimed than is built.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis-sim")).args(arguments).output().unwrap()
}

#[test]
fn schemes_prints_the_catalogue() {
    let output = run(&["schemes"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("Difficulty is solo/joint"));
    assert!(text.contains("T01  third-country transshipment by a trader"));
    assert!(text.contains("T26  technology or assistance transfer"));
}

#[test]
fn schemes_json_is_one_document() {
    let output = run(&["schemes", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schemes"].as_array().unwrap().len(), 26);
}

#[test]
fn wrong_usage_ends_with_2_and_says_why_on_standard_error() {
    for arguments in [&["generate"][..], &["schemes", "--yaml"], &[]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_ends_with_1() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_portcullis-sim"))
        .arg("schemes")
        .stdout(full)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}

/// Sends a running program the signal of Ctrl-C as soon as it has said something, and gives its status and words.
fn interrupt(arguments: &[&str]) -> (Option<i32>, String) {
    use std::io::{BufRead as _, Read as _};
    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis-sim"))
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    said.read_line(&mut text).unwrap();
    assert!(
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success()
    );
    said.read_to_string(&mut text).unwrap();
    (child.wait().unwrap().code(), text)
}

#[test]
fn ctrl_c_ends_with_1_and_leaves_no_file_that_looks_whole() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("world");
    let name = out.display().to_string();
    let (status, said) =
        interrupt(&["generate", "--pack", "demo", "--consignments", "400000", "--out", &name]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("stopped") && said.contains(".partial"), "{said}");
    let names: Vec<String> = crate::folder::files(&out).into_keys().collect();
    assert!(names.len() > 20 && names.iter().all(|name| name.ends_with(".partial")), "{names:?}");
}

#[test]
fn an_exchange_that_cannot_be_made_leaves_nothing_and_takes_no_folder_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("world").display().to_string();
    let few = run(&[
        "exchange",
        "--pack",
        "demo",
        "--consignments",
        "10",
        "--cases",
        "T01=9",
        "--out",
        &out,
    ]);
    assert_eq!(few.status.code(), Some(1));
    let said = String::from_utf8(few.stderr).unwrap();
    assert!(said.contains("need at least") && said.contains("consignments"), "{said}");
    assert!(!std::path::Path::new(&out).exists());
    std::fs::create_dir(&out).unwrap();
    let taken = run(&["exchange", "--pack", "demo", "--out", &out]);
    assert_eq!(taken.status.code(), Some(1));
    assert!(String::from_utf8(taken.stderr).unwrap().contains("is there already"));
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
}
