//! The after-action report: what happened, what could have been known when and by whom, what left whom, and what to do
//! better. A function of scenario, plot and event log, so that the same log gives the same bytes. The whole edition is the
//! trainers'; each team has one without the truth about cases. Each edition is a document, written as HTML and as PDF.

mod editions;
mod matrix;
mod objectives;
mod plots;
mod sections;
mod stories;
mod tables;

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::document;
use super::event::{Event, What};
use super::plot::Plot;
use super::scenario::{Msel, Scenario};
use super::score::{Score, Scored, Scores, Yardstick, score};

/// All that a report is made of.
pub(crate) struct Material<'a> {
    pub scenario: &'a Scenario,
    pub plot: &'a Plot,
    pub events: &'a [Event],
    pub log: &'a str,
    pub yard: &'a Yardstick,
    pub scored: Scored,
    /// The list of injects with what was added and changed while it was played.
    pub msel: Msel,
}

/// The list of injects as it was in the end.
fn played(scenario: &Scenario, events: &[Event]) -> Msel {
    let mut msel = scenario.msel.clone();
    for event in events {
        if let What::Planned { entry } = &event.what {
            msel.entries.retain(|row| row.number != entry.number);
            msel.entries.push((**entry).clone());
        }
    }
    msel.entries.sort_by_key(|entry| entry.number);
    msel
}

/// A score and how it is read.
pub(crate) struct Named {
    pub name: &'static str,
    pub about: &'static str,
    /// Whether more of it is better; none where neither is.
    pub more_is_better: Option<bool>,
    pub of: fn(&Scores) -> Score,
}

/// The scores in the order in which they are shown.
pub(crate) const SCORES: [Named; 10] = [
    Named {
        name: "recall",
        about: "hazard of the cases stopped within reach, out of all",
        more_is_better: Some(true),
        of: |s| s.recall,
    },
    Named {
        name: "precision",
        about: "illicit, out of all that was stopped",
        more_is_better: Some(true),
        of: |s| s.precision,
    },
    Named {
        name: "Brier score",
        about: "mean square of what confidence was off by; 0.25 for knowing nothing",
        more_is_better: Some(false),
        of: |s| s.brier,
    },
    Named {
        name: "lawful goods held",
        about: "hours held, out of hours within reach, weighted by value",
        more_is_better: Some(false),
        of: |s| s.held,
    },
    Named {
        name: "time to interdict",
        about: "from solvable to stopped, out of first trace to exit; 1 for what went through",
        more_is_better: Some(false),
        of: |s| s.time,
    },
    Named {
        name: "coverage",
        about: "fields that the cases need of partners: obtained, out of all",
        more_is_better: Some(true),
        of: |s| s.coverage,
    },
    Named {
        name: "over-collection",
        about: "received and needed by no case, out of all received, weighted by sensitivity",
        more_is_better: Some(false),
        of: |s| s.over_collection,
    },
    Named {
        name: "decided",
        about: "matters decided on, out of all",
        more_is_better: Some(true),
        of: |s| s.decided,
    },
    Named {
        name: "answered",
        about: "questions that the gateway answered, out of all asked",
        more_is_better: None,
        of: |s| s.answered,
    },
    Named {
        name: "refusal correctness",
        about: "release requests granted where a case needs the field and refused where none does, out of all decided",
        more_is_better: Some(true),
        of: |s| s.refusals,
    },
];

/// A share with two places; a dash where there was nothing to share in.
pub(crate) fn value(score: Score) -> String {
    score.value().map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}

/// A count as it is: whole where it is whole.
pub(crate) fn amount(number: f64) -> String {
    if (number - libm::round(number)).abs() < 1e-9 {
        format!("{number:.0}")
    } else {
        format!("{number:.1}")
    }
}

/// Writes the report into a folder, over what is there of an earlier one.
///
/// # Errors
/// What cannot be written.
pub fn write(
    folder: &Path,
    scenario: &Scenario,
    plot: &Plot,
    events: &[Event],
    log: &str,
    yard: &Yardstick,
) -> io::Result<()> {
    let scored = score(scenario, plot, events);
    let msel = played(scenario, events);
    let material = Material { scenario, plot, events, log, yard, scored, msel };
    std::fs::create_dir_all(folder.join("csv"))?;
    std::fs::create_dir_all(folder.join("teams"))?;
    document::write(&editions::whole(&material), &folder.join("report"))?;
    for (place, team) in scenario.teams.iter().enumerate() {
        let file = folder.join("teams").join(&team.agency);
        document::write(&editions::of_team(&material, place), &file)?;
    }
    for (name, text) in tables::all(&material) {
        std::fs::write(folder.join("csv").join(name), text)?;
    }
    let document = serde_json::to_string_pretty(&material.scored).map_err(io::Error::other)?;
    std::fs::write(folder.join("scores.json"), document + "\n")
}

/// The scores as a table for a terminal.
pub fn text(scenario: &Scenario, scored: &Scored) -> String {
    let mut header = vec!["score".to_owned(), "all".to_owned()];
    header.extend(scenario.teams.iter().map(|team| team.agency.clone()));
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table.set_header(header);
    for named in &SCORES {
        let teams = scenario.teams.iter().filter_map(|team| scored.teams.get(&team.agency));
        let all = std::iter::once(&scored.all).chain(teams);
        let cells = all.map(|scores| value((named.of)(scores)));
        table.add_row(std::iter::once(named.name.to_owned()).chain(cells));
    }
    let stopped = scored.outcomes.iter().filter(|one| one.stopped.is_some()).count();
    let mut text = format!("EXERCISE {}\n{table}\n", scenario.title.trim());
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{stopped} of {} cases were stopped within reach.", scored.happened());
    text
}

#[cfg(test)]
mod tests;
