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
