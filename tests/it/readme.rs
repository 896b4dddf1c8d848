//! The README's output is what the playground prints.

use portcullis_tests::binary;

/// Spaces folded, and what is drawn anew each time replaced.
fn fold(line: &str) -> String {
    let words: Vec<String> = line
        .split_whitespace()
        .map(|word| match word {
            _ if word.starts_with('⟨') => "TOKEN".to_owned(),
            _ if line.contains("signed checkpoints") && checkpoints(line) == Some(word) => {
                // Entries may share a checkpoint: how many do is a matter of time.
                let count: u64 = word.parse().unwrap();
                assert!((1..=16).contains(&count), "{line}");
                "SOME".to_owned()
            }
            _ if word.ends_with("T00:00:00Z") && line.contains("refills") => "TIME".to_owned(),
            _ => word.to_owned(),
        })
        .collect();
    let line = words.join(" ");
    line.split(", root ").next().unwrap_or_default().to_owned()
}

/// The word before `signed checkpoints`.
fn checkpoints(line: &str) -> Option<&str> {
    line.split(" signed checkpoints").next()?.split_whitespace().last()
}

#[test]
fn shows_what_the_playground_prints() {
    let run = std::process::Command::new(binary("portcullis").unwrap())
        .args(["playground", "--once"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let printed = String::from_utf8(run.stdout).unwrap();
    let printed: Vec<String> = printed.lines().map(fold).collect();
    let readme = include_str!("../../README.md");
    let block = readme
        .split("```text\n")
        .find(|part| part.starts_with("1. "))
        .and_then(|part| part.split("```").next())
        .unwrap();
    let mut from = 0;
    for line in block.lines().filter(|line| !line.trim().is_empty() && *line != "..") {
        let wanted = fold(line);
        let found = printed.iter().skip(from).position(|line| *line == wanted);
        from += found.unwrap_or_else(|| panic!("the playground does not print `{wanted}`"));
    }
}

#[test]
fn names_folders_and_files_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for line in include_str!("../../README.md").lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let folder = cells.next().unwrap().trim_matches('`');
        assert!(root.join(folder).is_dir(), "{folder}");
        for file in cells.nth(1).unwrap().split(", ") {
            let file = file.trim_matches('`');
            assert!(root.join(folder).join(file).is_file(), "{folder}{file}");
        }
    }
}
