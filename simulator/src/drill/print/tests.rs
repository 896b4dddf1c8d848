use std::collections::BTreeMap;

use super::*;
use crate::drill::document::read;
use crate::drill::play::tests::tutorial;
use crate::drill::plot::Truth;

/// What each paper says, page by page, and its file.
fn printed() -> BTreeMap<String, (Vec<String>, Vec<u8>, String)> {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, plot) = tutorial();
    let papers = write(folder.path(), scenario, plot).unwrap();
    let read = |paper: PathBuf| {
        let name = paper.strip_prefix(folder.path()).unwrap().display().to_string();
        let file = std::fs::read(paper.with_added_extension("pdf")).unwrap();
        let page = std::fs::read_to_string(paper.with_added_extension("html")).unwrap();
        (name, (read::pages(&file), file, page))
    };
    papers.into_iter().map(read).collect()
}

#[test]
fn every_page_says_exercise_and_keeps_its_margins() {
    let all = printed();
    assert_eq!(all.len(), 6 + 2 * 3);
    for (name, (pages, file, page)) in &all {
        let lying = ["controllers/msel", "teams/decision-form"].contains(&name.as_str());
        let (width, height) = read::A4;
        read::within_margins(file, if lying { (height, width) } else { (width, height) });
        assert!(pages.iter().all(|page| page.contains("EXERCISE · EXERCISE")), "{name}");
        assert!(page.contains("EXERCISE · EXERCISE"), "{name}");
    }
}

#[test]
fn papers_for_teams_say_nothing_of_the_truth() {
    let (scenario, plot) = tutorial();
    let all = printed();
    let mut told = String::new();
    for (name, (pages, _, page)) in &all {
        if name.starts_with("teams/") || name == "injects" {
            told += &pages.concat();
            told += page;
        }
    }
    let mut spoilers = vec!["decoy", "T01", "hub_stock", "false", "INNOCENT", "FRAUD"];
    spoilers.extend(plot.cases.iter().map(|case| case.id.as_str()));
    let entries = &scenario.msel.entries;
    spoilers.extend(entries.iter().flat_map(|one| [one.expected.as_str(), one.note.as_str()]));
    for matter in &plot.matters {
        if let Truth::Decoy(kind) | Truth::Fraud(kind) = &matter.truth {
            spoilers.push(kind);
        }
    }
    for spoiler in spoilers.into_iter().filter(|spoiler| !spoiler.is_empty()) {
        assert!(!told.contains(spoiler), "{spoiler}");
    }
    let truth = all["controllers/cases"].0.concat();
    for case in &plot.cases {
        assert!(truth.contains(&case.id));
    }
}

#[test]
fn injects_are_one_a_page() {
    let (scenario, _) = tutorial();
    let pages = &printed()["injects"].0;
    assert_eq!(pages.len(), scenario.msel.entries.len() + 1);
    for (entry, page) in scenario.msel.entries.iter().zip(pages.iter().skip(1)) {
        assert!(page.contains(&format!("Inject {} ", entry.number)));
        let words: String = page.split_whitespace().collect();
        let content: String = entry.content.split_whitespace().collect();
        assert!(words.contains(&content), "{}", entry.number);
    }
}

#[test]
fn controllers_have_every_column_of_every_inject() {
    let (scenario, _) = tutorial();
    let all: String = printed()["controllers/msel"].0.concat().split_whitespace().collect();
    for entry in &scenario.msel.entries {
        for word in entry.cells().iter().skip(2).flat_map(|cell| cell.split_whitespace()) {
            assert!(all.contains(word), "{}: {word}", entry.number);
        }
    }
}

#[test]
fn a_card_says_whom_to_ask_for_what_and_what_may_be_decided() {
    let all = printed();
    let card: String = all["teams/vl-customs-card"].0.concat().split_whitespace().collect();
    for said in [
        "Velland Customs",
        "nv-customs",
        "Declaration",
        "country_of_departure",
        "exporter.id",
        "in bands",
        "Mutual administrative assistance between customs",
        "hold",
        "release",
        "keep it for now",
        "reads it back",
    ] {
        let said: String = said.split_whitespace().collect();
        assert!(card.contains(&said), "{said}");
    }
    assert!(!card.contains("approve"), "customs grant no licences");
}

#[test]
fn slips_are_a_teams_own_matters_in_the_order_in_which_they_come() {
    let (scenario, plot) = tutorial();
    let all = printed();
    for (place, team) in scenario.teams.iter().enumerate() {
        let slips: String = all[&format!("teams/{}-matters", team.agency)].0.concat();
        let slips: String = slips.split_whitespace().collect();
        let mut from = 0;
        for matter in &plot.matters {
            let at = slips[from..].find(&matter.record);
            assert_eq!(at.is_some(), matter.team == place, "{}", matter.record);
            from += at.unwrap_or_default();
        }
    }
}

#[test]
fn guides_say_what_the_letters_mean_and_leave_room_for_each_team() {
    let (scenario, _) = tutorial();
    let guides = printed()["evaluators/guides"].0.concat();
    for said in ["performed without challenges", "unable to be performed", "expected action"] {
        assert!(guides.contains(said), "{said}");
    }
    for team in &scenario.teams {
        assert!(guides.contains(&team.name));
    }
}

#[test]
fn the_same_scenario_gives_the_same_papers() {
    let bytes = |all: BTreeMap<String, (Vec<String>, Vec<u8>, String)>| -> Vec<Vec<u8>> {
        all.into_values().map(|(_, file, _)| file).collect()
    };
    assert_eq!(bytes(printed()), bytes(printed()));
}
