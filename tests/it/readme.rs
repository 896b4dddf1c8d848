//! The README's output is what the playground prints.

use portcullis_tests::binary;

/// Spaces folded, and what is drawn anew each time replaced.
fn fold(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let folded: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(at, word)| match *word {
            word if word.starts_with('⟨') => "TOKEN".to_owned(),
            // As many entries as there are checkpoints stand in the same line: its place tells which is meant.
            word if words[at + 1..].starts_with(&["signed", "checkpoints,"]) => {
                // Entries may share a checkpoint: how many do is a matter of time.
                let count: u64 = word.parse().unwrap();
                assert!((1..=16).contains(&count), "{line}");
                "SOME".to_owned()
            }
            word if word.ends_with("T00:00:00Z") && line.contains("refills") => "TIME".to_owned(),
            word => word.to_owned(),
        })
        .collect();
    let line = folded.join(" ");
    line.split(", root ").next().unwrap_or_default().to_owned()
}

#[test]
fn as_many_checkpoints_as_entries_are_folded_alone() {
    let line = "sound, 15 entries (4 intents), 15 signed checkpoints, root 91812123..";
    assert_eq!(fold(line), "sound, 15 entries (4 intents), SOME signed checkpoints");
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
