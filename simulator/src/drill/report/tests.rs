use super::*;
use crate::drill::bot::Bot;
use crate::drill::play::tests::{played, tutorial};
use crate::drill::score::yardstick;

async fn written(folder: &Path) {
    let (scenario, plot) = tutorial();
    let events = played(scenario, plot, &[Bot::Good, Bot::Good, Bot::HoldEverything]).await;
    let yard = yardstick(scenario, plot).await;
    write(folder, scenario, plot, &events, "log", &yard).unwrap();
}

fn files(folder: &Path) -> std::collections::BTreeMap<String, String> {
    let mut all = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            all.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    all
}

#[tokio::test]
async fn the_same_log_gives_the_same_bytes_and_the_editions_say_what_is_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    written(&one).await;
    written(&two).await;
    let (one, two) = (files(&one), files(&two));
    assert_eq!(one, two);
    let (_, plot) = tutorial();
    let whole = &one["report.html"];
    for case in &plot.cases {
        assert!(whole.contains(&format!("<h3>{} · {}", case.id, case.scheme)), "{}", case.id);
    }
    for part in
        ["Improvement plan", "decoy: ", "Lawful goods were held", "<svg", "Value of cooperation"]
    {
        assert!(whole.contains(part), "{part}");
    }
    for (name, page) in one.iter().filter(|(name, _)| name.ends_with(".html")) {
        assert!(page.contains("EXERCISE · EXERCISE"), "{name}");
        for outside in ["<script", "http://", "https://", "url("] {
            assert!(!page.contains(outside), "{name}: {outside}");
        }
    }
    for team in ["nv-customs", "sm-customs", "vl-customs"] {
        let page = &one[&format!("{team}.html")];
        for spoiler in ["decoy", "C00000", "T01", "fraud", "#d55e00", "hub_stock", ">went through<"]
        {
            assert!(!page.contains(spoiler), "{team}: {spoiler}");
        }
        assert!(page.contains(team) && page.contains("Decisions"));
    }
    let lines = one["scores.csv"].lines().count();
    assert_eq!(lines, 1 + 4 * SCORES.len());
}
