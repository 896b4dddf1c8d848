//! The threat register (`tests/threats.toml`) is complete, and the tests it names exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Table;

/// Where a crate's modules begin, and the file that is its root.
const CRATES: &[(&str, &str, &str)] = &[
    ("portcullis", "gateway/src", "lib.rs"),
    ("portcullis_core", "gateway/core/src", "lib.rs"),
    ("portcullis_proto", "proto/src", "lib.rs"),
    ("portcullis_certs_dev", "certs-dev/src", "lib.rs"),
    ("portcullis_sim", "simulator/src", "lib.rs"),
    ("contract", "proto/tests/contract", "main.rs"),
    ("it", "tests/it", "main.rs"),
];

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn expected_ids() -> Vec<String> {
    let family = |letter: char, last: usize| (1..=last).map(move |n| format!("{letter}{n}"));
    family('R', 18).chain(family('A', 12)).chain(family('L', 9)).chain(family('P', 12)).collect()
}

/// Everything that is wrong with a register.
fn problems(register: &Table, exists: impl Fn(&str) -> Result<(), String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    let rows = register.get("threat").and_then(|rows| rows.as_array()).cloned().unwrap_or_default();
    for row in rows.iter().filter_map(|row| row.as_table()) {
        let text = |key: &str| row.get(key).and_then(|value| value.as_str()).unwrap_or_default();
        let id = text("id");
        if !expected_ids().iter().any(|expected| expected == id) {
            wrong.push(format!("`{id}` is no id of the threat model"));
        }
        if !seen.insert(id.to_owned()) {
            wrong.push(format!("{id} stands twice"));
        }
        let mut keys = vec!["id", "attack", "status"];
        let mut needed = vec!["attack"];
        match text("status") {
            "proved" => keys.push("tests"),
            "open" => {
                needed.extend(["why", "closed_by"]);
                keys.extend(["why", "closed_by", "tests"]);
            }
            "not_applicable" => {
                needed.push("because");
                keys.push("because");
            }
            other => wrong.push(format!("{id}: unknown status `{other}`")),
        }
        for key in needed.iter().filter(|key| text(key).trim().is_empty()) {
            wrong.push(format!("{id}: {key} is missing"));
        }
        for key in row.keys().filter(|key| !keys.contains(&key.as_str())) {
            wrong.push(format!("{id}: `{key}` has no place in a row that is {}", text("status")));
        }
        let tests =
            row.get("tests").and_then(|tests| tests.as_array()).cloned().unwrap_or_default();
        if text("status") == "proved" && tests.is_empty() {
            wrong.push(format!("{id} is proved by no test"));
        }
        for test in &tests {
            if let Err(problem) = exists(test.as_str().unwrap_or_default()) {
                wrong.push(format!("{id}: {problem}"));
            }
        }
    }
    for id in expected_ids().iter().filter(|id| !seen.contains(*id)) {
        wrong.push(format!("{id} is missing"));
    }
    wrong
}

/// Looks a test up in the sources: `crate::module::name`.
fn find(root: &Path, test: &str) -> Result<(), String> {
    let parts: Vec<&str> = test.split("::").collect();
    let [crate_name, modules @ .., name] = parts.as_slice() else {
        return Err(format!("`{test}` is not crate::module::name"));
    };
    let (_, folder, file) = CRATES
        .iter()
        .find(|(known, ..)| known == crate_name)
        .ok_or_else(|| format!("`{test}`: unknown crate `{crate_name}`"))?;
    let mut folder = root.join(folder);
    let mut file = folder.join(file);
    let mut inline = Vec::new();
    for module in modules {
        let (beside, within) =
            (folder.join(format!("{module}.rs")), folder.join(module).join("mod.rs"));
        match [beside, within].into_iter().find(|path| path.is_file()) {
            Some(found) if inline.is_empty() => file = found,
            _ => inline.push(*module),
        }
        folder.push(module);
    }
    let source = std::fs::read_to_string(&file)
        .map_err(|error| format!("`{test}`: {}: {error}", file.display()))?;
    let mut rest = source.as_str();
    for module in inline {
        let at = rest
            .find(&format!("mod {module} {{"))
            .ok_or_else(|| format!("`{test}`: no `mod {module}` in {}", file.display()))?;
        rest = rest.get(at..).unwrap_or_default();
    }
    is_test(rest, name).map_err(|problem| format!("`{test}`: {problem} in {}", file.display()))
}

/// Is there `fn name` with a test attribute right above it, and not ignored?
fn is_test(source: &str, name: &str) -> Result<(), &'static str> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let at = lines
        .iter()
        .position(|line| {
            let line = line.strip_prefix("async ").unwrap_or(line);
            line.strip_prefix("fn ")
                .and_then(|rest| rest.strip_prefix(name))
                .is_some_and(|rest| rest.starts_with('('))
        })
        .ok_or("no such function")?;
    let above: Vec<&&str> = lines[..at]
        .iter()
        .rev()
        .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
        .collect();
    if above.iter().any(|line| line.starts_with("#[ignore")) {
        return Err("an ignored test");
    }
    let attribute = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    above.iter().any(|line| attribute(line)).then_some(()).ok_or("a function that is no test")
}

fn register() -> Table {
    let path = repository().join("tests/threats.toml");
    std::fs::read_to_string(path).unwrap().parse().expect("tests/threats.toml")
}

#[test]
fn every_threat_is_accounted_for() {
    let wrong = problems(&register(), |test| find(&repository(), test));
    assert!(wrong.is_empty(), "tests/threats.toml:\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_register_is_told_so() {
    let mut good = register();
    // Whatever became of the first row: here it is one that is open.
    let row = good["threat"][0].as_table_mut().unwrap();
    for (key, value) in [("status", "open"), ("why", "untested"), ("closed_by", "nobody")] {
        row.insert(key.into(), value.into());
    }
    let edited = |edit: &dyn Fn(&mut Vec<toml::Value>)| {
        let mut register = good.clone();
        edit(register["threat"].as_array_mut().unwrap());
        problems(&register, |test| find(&repository(), test)).join("\n")
    };
    let set = |key: &'static str, value: toml::Value| {
        edited(&move |rows: &mut Vec<toml::Value>| {
            rows[0].as_table_mut().unwrap().insert(key.into(), value.clone());
        })
    };
    let without = edited(&|rows| {
        rows.remove(0);
    });
    assert_eq!(without, "R1 is missing");
    assert_eq!(edited(&|rows| rows.push(rows[3].clone())), "R4 stands twice");
    assert!(set("id", "R99".into()).contains("`R99` is no id"));
    assert!(set("status", "fine".into()).contains("R1: unknown status `fine`"));
    let unproved = edited(&|rows| {
        let row = rows[0].as_table_mut().unwrap();
        row.insert("status".into(), "proved".into());
        row.insert("tests".into(), toml::Value::Array(vec![]));
    });
    assert!(unproved.contains("R1 is proved by no test"), "{unproved}");
    assert!(set("why", " ".into()).contains("R1: why is missing"));
    assert!(set("because", "x".into()).contains("R1: `because` has no place"));
    let named = |test: &str| set("tests", vec![toml::Value::from(test)].into());
    assert_eq!(named("it::threats::every_threat_is_accounted_for"), "");
    assert!(named("it::threats::no_such_test").contains("no such function"));
    assert!(named("it::threats::repository").contains("no test"));
    assert!(named("it::nowhere::a_test").contains("no `mod nowhere`"));
    assert!(named("elsewhere::a_test").contains("unknown crate"));
    assert!(named("portcullis_sim::rng::tests::gives_the_known_answers").is_empty());
    assert!(named("portcullis_sim::rng::gives_the_known_answers").is_empty());
}

#[test]
fn only_running_tests_count() {
    assert_eq!(is_test("#[test]\n#[ignore = \"slow\"]\nfn a() {}", "a"), Err("an ignored test"));
    assert_eq!(is_test("/// Helper.\nfn a() {}", "a"), Err("a function that is no test"));
    assert_eq!(is_test("#[test]\nfn ab() {}", "a"), Err("no such function"));
    assert_eq!(is_test("    #[tokio::test]\n    // why\n    async fn a() {}", "a"), Ok(()));
}
