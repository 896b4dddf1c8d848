//! What a change made of a game.

use std::fmt::Write as _;

use serde::Serialize;

use crate::drill::clock::Exercise;
use crate::drill::event::Event;
use crate::drill::plot::Plot;
use crate::drill::report::SCORES;
use crate::drill::scenario::{Scenario, msel};
use crate::drill::score::{Score, Scored, score};

/// What a change made of a game.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The change, for people.
    pub change: String,
    /// Scores of all and of each team, in the order in which reports show them.
    pub scores: Vec<Moved>,
    /// Cases that end differently.
    pub cases: Vec<Ends>,
}

/// A score of the game as it was played, played again with nothing changed, and played again with the change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// Team, or `all`.
    pub team: String,
    /// Score.
    pub score: &'static str,
    /// As it was played.
    pub played: Score,
    /// Played again with nothing changed.
    pub same: Score,
    /// Played again with the change.
    pub changed: Score,
}

/// How a case ends: who stopped it and when, if anybody did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ends {
    /// The case.
    pub case: String,
    /// Its scheme.
    pub scheme: String,
    /// Whether it happens at all, in the same order: smugglers hold cases back, and give cases up.
    pub happens: (bool, bool),
    /// Played again with nothing changed.
    pub same: Option<(String, Exercise)>,
    /// Played again with the change.
    pub changed: Option<(String, Exercise)>,
}

impl Moved {
    /// By how much the change moves it; none where there is nothing to score.
    pub fn by(&self) -> Option<f64> {
        Some(self.changed.value()? - self.same.value()?)
    }
}

impl Difference {
    /// Between games: as played, played again, and played again with the change.
    pub(super) fn new(
        scenario: &Scenario,
        plot: &Plot,
        games: [&[Event]; 3],
        change: &str,
    ) -> Self {
        let [played, same, changed] = games.map(|events| score(scenario, plot, events));
        let mut scores = vec![];
        let teams = scenario.teams.iter().map(|team| team.agency.as_str());
        for team in std::iter::once("all").chain(teams) {
            let of = |scored: &Scored| {
                if team == "all" {
                    Some(scored.all.clone())
                } else {
                    scored.teams.get(team).cloned()
                }
            };
            let (Some(played), Some(same), Some(changed)) = (of(&played), of(&same), of(&changed))
            else {
                continue;
            };
            scores.extend(SCORES.iter().map(|named| Moved {
                team: team.to_owned(),
                score: named.name,
                played: (named.of)(&played),
                same: (named.of)(&same),
                changed: (named.of)(&changed),
            }));
        }
        let ends = plot.cases.iter().zip(same.outcomes).zip(changed.outcomes);
        let ends = ends.map(|((case, same), changed)| Ends {
            case: case.id.clone(),
            scheme: case.scheme.clone(),
            happens: (same.happened, changed.happened),
            same: same.stopped,
            changed: changed.stopped,
        });
        let moved = |ends: &Ends| ends.same != ends.changed || ends.happens.0 != ends.happens.1;
        let cases = ends.filter(moved).collect();
        Self { change: change.to_owned(), scores, cases }
    }

    /// For a terminal: scores of all, those of teams that move, and cases that end differently.
    pub fn text(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(["team", "score", "as played", "again", "what if", "difference"]);
        let share = |score: Score| crate::drill::report::value(score);
        for one in self.scores.iter().filter(|one| one.team == "all" || one.same != one.changed) {
            let by = one.by().map_or_else(|| "–".to_owned(), |by| format!("{by:+.3}"));
            table.add_row([
                one.team.clone(),
                one.score.to_owned(),
                share(one.played),
                share(one.same),
                share(one.changed),
                by,
            ]);
        }
        let mut text = format!("EXERCISE What if: {}\n{table}\n", self.change);
        let end = |stopped: &Option<(String, Exercise)>, happens: bool| match stopped {
            Some((team, at)) => {
                format!("stopped by {team} at {}", msel::time(Exercise(at.0 / 1_000 * 1_000)))
            }
            None if !happens => "did not happen".to_owned(),
            None => "went through".to_owned(),
        };
        // Writing to a String cannot fail.
        for case in &self.cases {
            let was = end(&case.same, case.happens.0);
            let is = end(&case.changed, case.happens.1);
            let _ = writeln!(text, "{} {}: {is}, and not {was}", case.case, case.scheme);
        }
        if self.cases.is_empty() {
            text += "Every case ends as it did.\n";
        }
        text
    }
}
