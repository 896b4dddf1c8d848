use std::collections::BTreeMap;

use super::*;
use crate::drill::bot::Bot;
use crate::drill::document::read;
use crate::drill::event::Answered;
use crate::drill::play::tests::{played, tutorial};
use crate::drill::plot::MatterId;
use crate::drill::score::yardstick;

async fn written(folder: &Path) {
    let (scenario, plot) = tutorial();
    let events = played(scenario, plot, &[Bot::Good, Bot::Good, Bot::HoldEverything]).await;
    let yard = yardstick(scenario, plot).await;
    write(folder, scenario, plot, &events, "log", &yard).unwrap();
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            all.insert(name, std::fs::read(&path).unwrap());
        }
    }
    all
}

/// What a file says: a page's text, or the words of a print.
fn said(name: &str, bytes: &[u8]) -> String {
    if name.ends_with(".pdf") {
        return read::pages(bytes).concat();
    }
    String::from_utf8(bytes.to_vec()).unwrap()
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
    for name in ["report.html", "report.pdf"] {
        let whole = said(name, &one[name]);
        for case in &plot.cases {
            assert!(whole.contains(&format!("{} · {}", case.id, case.scheme)), "{}", case.id);
        }
        let coloured = read::drawn(&one["report.pdf"]).contains("0.8352941 0.368");
        assert!(coloured, "the trainers see what was part of a case");
        for part in [
            "Improvement plan",
            "decoy: ",
            "Lawful goods were held",
            "Value of cooperation",
            "Objectives",
            "Timeline",
            "was illicit",
            "Where this comes from",
            plot.pack_hash.as_str(),
        ] {
            assert!(whole.contains(part), "{name}: {part}");
        }
    }
    for (name, page) in one.iter().filter(|(name, _)| name.ends_with(".html")) {
        let page = said(name, page);
        assert!(page.contains("EXERCISE · EXERCISE") && page.contains("<svg"), "{name}");
        for outside in ["<script", "http://", "https://", "url("] {
            assert!(!page.contains(outside), "{name}: {outside}");
        }
    }
    for team in ["nv-customs", "sm-customs", "vl-customs"] {
        for ending in ["html", "pdf"] {
            let name = format!("{team}.{ending}");
            let page = said(&name, &one[&name]);
            for spoiler in
                ["decoy", "C00000", "T01", "fraud", "#d55e00", "hub_stock", "went through"]
            {
                // What a score counts is told to all; of which case it was is not.
                let page = page.replace("1 for what went through", "");
                assert!(!page.contains(spoiler), "{name}: {spoiler}");
            }
            assert!(page.contains(team) && page.contains("Decisions"), "{name}");
            // The colour of what is part of a case.
            let told = ending == "pdf" && read::drawn(&one[&name]).contains("0.8352941 0.368");
            assert!(!told, "{name}");
        }
    }
    let lines = said("scores.csv", &one["scores.csv"]).lines().count();
    assert_eq!(lines, 1 + 4 * SCORES.len());
}

#[tokio::test]
async fn what_a_team_cites_and_never_asked_is_named_and_so_is_what_nobody_knows_the_plan_of() {
    let (scenario, plot) = tutorial();
    let mut events = played(scenario, plot, &[Bot::Good; 3]).await;
    let yard = yardstick(scenario, plot).await;
    let folder = tempfile::tempdir().unwrap();
    let told = |events: &[Event]| {
        write(folder.path(), scenario, plot, events, "log", &yard).unwrap();
        std::fs::read_to_string(folder.path().join("report.html")).unwrap()
    };
    let (foreign, never) = ("is no exchange of its own", "the drill's host never saw");
    let whole = told(&events);
    assert!(!whole.contains(foreign) && !whole.contains(never));
    let own: Vec<String> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Asked { answer: Answered::Records { exchange, .. }, .. } => {
                Some(format!("{} {exchange}", event.by))
            }
            _ => None,
        })
        .collect();
    let place = plot.matter(plot.cases[0].matters[0]).unwrap().team;
    let by = &scenario.teams[place].agency;
    let other = &scenario.teams[(place + 1) % 3].agency;
    let of = |team: &str| {
        let of = own.iter().find_map(|one| one.strip_prefix(&format!("{team} ")));
        of.unwrap().to_owned()
    };
    let of_a_case = |matter: &MatterId| {
        plot.matter(*matter).is_some_and(|one| {
            one.team == place && plot.cases.iter().any(|case| case.matters.contains(&one.id))
        })
    };
    for event in &mut events {
        if let What::Decided { matter, evidence, .. } = &mut event.what
            && of_a_case(matter)
        {
            *evidence = vec![of(by)];
        }
    }
    assert!(!told(&events).contains(foreign));
    for event in &mut events {
        if let What::Decided { matter, evidence, .. } = &mut event.what
            && of_a_case(matter)
        {
            *evidence = vec![of(other)];
        }
    }
    assert!(told(&events).contains(foreign));
    events.retain(|event| !matches!(event.what, What::Plan { .. }));
    assert!(told(&events).contains(never));
}

#[tokio::test]
async fn a_print_says_what_the_page_says_within_its_margins_and_every_page_says_exercise() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path()).await;
    let files = files(folder.path());
    for (name, page) in files.iter().filter(|(name, _)| name.ends_with(".html")) {
        let print = &files[&name.replace(".html", ".pdf")];
        read::within_margins(print, read::A4);
        let pages = read::pages(print);
        assert!(pages.len() > 2, "{name}");
        for (place, page) in pages.iter().enumerate() {
            assert!(page.contains("EXERCISE · EXERCISE · EXERCISE"), "{name}: {place}");
            assert!(page.contains(&format!("page {} of {} ", place + 1, pages.len())), "{name}");
        }
        let all: String = pages.concat().split_whitespace().collect();
        for word in read::shown(&said(name, page)).split_whitespace() {
            assert!(all.contains(word), "{name}: {word}");
        }
    }
}
