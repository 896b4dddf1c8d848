//! Scores of a game, from the truth, the event log, and what the gateway's own log says left whom. Each has its numerator
//! and denominator; none is a mean of different things. The one figure in which several are weighed together
//! ([`Scores::standing`]) serves to compare two games, and is never shown as a team's score.

mod disclosure;
mod yardstick;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clock::Exercise;
use super::event::{Decision, Event, What};
use super::plot::{Matter, MatterId, Plot, PlotCase, Truth};
use super::scenario::{Scenario, Weights};
use super::smuggler::Off;

pub use disclosure::{Disclosures, Received, needs, weight};
pub use yardstick::{Yardstick, alone, yardstick};

/// A score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What counts.
    pub numerator: f64,
    /// Out of what.
    pub denominator: f64,
}

impl Score {
    /// So much out of so much.
    pub fn new(numerator: f64, denominator: f64) -> Self {
        Self { numerator, denominator }
    }

    /// The share; none where there was nothing to share in.
    pub fn value(self) -> Option<f64> {
        (self.denominator > 0.0).then(|| self.numerator / self.denominator)
    }
}

/// What is scored of a team, or of all together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Of what was stopped, how much was illicit.
    pub precision: Score,
    /// Of the hazard of all cases, how much was stopped in reach.
    pub recall: Score,
    /// Mean square of what confidence was off by (G. W. Brier, 1950): 0 is best. A matter on which nobody decided counts as
    /// one half.
    pub brier: Score,
    /// Of the hours that lawful goods were within reach, weighted by value, how many they were held.
    pub held: Score,
    /// From the moment a case could be solved together to the one at which it was stopped, as a share of its time from first
    /// trace to exit; 1 for what was never stopped.
    pub time: Score,
    /// Of the fields that the cases need of partners, how many were obtained.
    pub coverage: Score,
    /// Of what was received, weighted by sensitivity, how much no case needed.
    pub over_collection: Score,
    /// Matters decided on.
    pub decided: Score,
    /// Questions that the gateway answered, out of all that were asked.
    pub answered: Score,
    /// Of the release requests on which an originator decided, how many it decided rightly: granted where a case in which
    /// the requester has a part needs a field that was asked for, refused where none does.
    pub refusals: Score,
}

impl Scores {
    /// What two games are compared by: scores weighed as the scenario says; what was never done counts as worst.
    /// Over-collection counts by orders of magnitude (decimal logarithm of received over needed): as a share it is close to
    /// 1 for whoever asks about anything lawful, and a thousand times as much would look the same.
    pub fn standing(&self, weights: &Weights) -> f64 {
        let good = |score: Score, none: f64| score.value().unwrap_or(none);
        weights.recall * good(self.recall, 0.0) + weights.precision * good(self.precision, 0.0)
            - weights.brier * good(self.brier, 0.25)
            - weights.held * good(self.held, 0.0)
            - weights.time * good(self.time, 1.0)
            - weights.over_collection * magnitude(self.over_collection)
    }
}

fn magnitude(over: Score) -> f64 {
    let (received, needed) = (over.denominator, over.denominator - over.numerator);
    if received > 0.0 { libm::log10((received / needed.max(1.0)).max(1.0)) } else { 0.0 }
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its name in the truth.
    pub case: String,
    /// Who stopped it and when, if anybody did.
    pub stopped: Option<(String, Exercise)>,
    /// Whether it happened: smugglers did not hold it back, nor give it up.
    pub happened: bool,
}

/// A whole game, scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// All teams together.
    pub all: Scores,
    /// Each team, in the order of the teams.
    pub teams: BTreeMap<String, Scores>,
    /// What came of each case.
    pub outcomes: Vec<Outcome>,
}

impl Scored {
    /// How many cases happened.
    pub fn happened(&self) -> usize {
        self.outcomes.iter().filter(|one| one.happened).count()
    }
}

/// A decision, as the log has it.
#[derive(Debug, Clone)]
pub struct Decided {
    /// On what.
    pub matter: MatterId,
    /// By whom.
    pub team: String,
    /// When.
    pub at: Exercise,
    /// What.
    pub decision: Decision,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// Why.
    pub reason: String,
}

/// All decisions, in the order in which they were taken.
pub fn decisions(events: &[Event]) -> Vec<Decided> {
    let decided = |event: &Event| match &event.what {
        What::Decided { matter, decision, confidence, reason, .. } => Some(Decided {
            matter: *matter,
            team: event.by.clone(),
            at: event.exercise,
            decision: *decision,
            confidence: f64::from(*confidence) / 100.0,
            reason: reason.clone(),
        }),
        _ => None,
    };
    events.iter().filter_map(decided).collect()
}

/// Scores a game.
pub fn score(scenario: &Scenario, plot: &Plot, events: &[Event]) -> Scored {
    let off = Off::of(plot, events);
    let disclosures = Disclosures::of(plot, events);
    let decided = decisions(events);
    let all = Sum { scenario, plot, events, decided: &decided, off: &off, team: None };
    let scores = |team: &str| Sum { team: Some(team), ..all }.scores(&disclosures);
    let outcome = |(place, case): (usize, &PlotCase)| Outcome {
        case: case.id.clone(),
        stopped: all.stopped(case).map(|one| (one.team.clone(), one.at)),
        happened: !off.is_off(place),
    };
    Scored {
        all: all.scores(&disclosures),
        teams: scenario
            .teams
            .iter()
            .map(|team| (team.agency.clone(), scores(&team.agency)))
            .collect(),
        outcomes: plot.cases.iter().enumerate().map(outcome).collect(),
    }
}

#[derive(Clone, Copy)]
struct Sum<'a> {
    scenario: &'a Scenario,
    plot: &'a Plot,
    events: &'a [Event],
    decided: &'a [Decided],
    off: &'a Off,
    team: Option<&'a str>,
}

impl<'a> Sum<'a> {
    fn is_mine(&self, team: &str) -> bool {
        self.team.is_none_or(|mine| mine == team)
    }

    fn matters(&self) -> impl Iterator<Item = &'a Matter> {
        let teams = &self.scenario.teams;
        self.plot.matters.iter().filter(|matter| self.off.comes(matter)).filter(move |matter| {
            let team = teams.get(matter.team).map_or("", |team| team.agency.as_str());
            self.team.is_none_or(|mine| mine == team)
        })
    }

    /// Cases that a team can stop in time; all of them for all teams.
    fn cases(&self) -> impl Iterator<Item = &'a PlotCase> {
        let mine: std::collections::BTreeSet<MatterId> = self.matters().map(|one| one.id).collect();
        let may = move |case: &&PlotCase| case.matters.iter().any(|matter| mine.contains(matter));
        let cases = self.off.happening(self.plot).map(|(_, case)| case);
        cases.filter(|case| case.in_time()).filter(may)
    }

    /// The first stop of a case within reach.
    fn stopped(&self, case: &PlotCase) -> Option<&'a Decided> {
        self.decided.iter().find(|one| {
            let leaves = self.plot.matter(one.matter).map_or(Exercise(0), |matter| matter.leaves);
            one.decision.stops()
                && case.matters.contains(&one.matter)
                && one.at <= leaves
                && self.is_mine(&one.team)
        })
    }

    fn scores(&self, disclosures: &Disclosures) -> Scores {
        let (covered, needed) = disclosures.coverage(self.plot, self.team);
        let (useful, received) = disclosures.collection(self.team);
        Scores {
            precision: self.precision(),
            recall: self.recall(),
            brier: self.brier(),
            held: self.held(),
            time: self.time(),
            coverage: Score::new(covered, needed),
            over_collection: Score::new(received - useful, received),
            decided: self.share_decided(),
            answered: self.answered(),
            refusals: self.refusals(disclosures),
        }
    }

    fn precision(&self) -> Score {
        let stopped: std::collections::BTreeSet<MatterId> = self
            .decided
            .iter()
            .filter(|one| one.decision.stops() && self.is_mine(&one.team))
            .map(|one| one.matter)
            .collect();
        let illicit = stopped
            .iter()
            .filter_map(|id| self.plot.matter(*id))
            .filter(|matter| matches!(matter.truth, Truth::Case(_) | Truth::Fraud(_)));
        Score::new(count(illicit.count()), count(stopped.len()))
    }

    fn recall(&self) -> Score {
        let (mut stopped, mut all) = (0.0, 0.0);
        for case in self.cases() {
            all += f64::from(case.hazard);
            if self.stopped(case).is_some() {
                stopped += f64::from(case.hazard);
            }
        }
        Score::new(stopped, all)
    }

    fn last_on(&self, matter: &Matter) -> Option<&'a Decided> {
        self.decided.iter().rev().find(|one| one.matter == matter.id)
    }

    fn brier(&self) -> Score {
        let (mut sum, mut all) = (0.0, 0.0);
        for matter in self.matters() {
            let wrong = matches!(matter.truth, Truth::Case(_) | Truth::Fraud(_));
            let truth = if wrong { 1.0 } else { 0.0 };
            let said = self.last_on(matter).map_or(0.5, |one| one.confidence);
            sum += (said - truth) * (said - truth);
            all += 1.0;
        }
        Score::new(sum, all)
    }

    fn held(&self) -> Score {
        let (mut held, mut all) = (0.0, 0.0);
        for matter in self.matters() {
            if matches!(matter.truth, Truth::Case(_) | Truth::Fraud(_)) {
                continue;
            }
            // What is kept longer than it would have been within reach is kept to the end of that all the same.
            let reach = hours(matter.arrives, matter.leaves);
            let value = matter.value.max(1.0);
            all += reach * value;
            let mut since: Option<Exercise> = None;
            for one in self.decided.iter().filter(|one| one.matter == matter.id) {
                match (since, one.decision.stops()) {
                    (None, true) => since = Some(one.at),
                    (Some(from), false) => {
                        held += hours(from, one.at.min(matter.leaves)) * value;
                        since = None;
                    }
                    _ => {}
                }
            }
            held += since.map_or(0.0, |from| hours(from, matter.leaves)) * value;
        }
        Score::new(held, all)
    }

    fn time(&self) -> Score {
        let (mut sum, mut all) = (0.0, 0.0);
        for case in self.cases() {
            let whole = hours(case.first, case.exit);
            let share = self.stopped(case).map_or(1.0, |one| {
                if whole > 0.0 { (hours(case.joint, one.at) / whole).min(1.0) } else { 0.0 }
            });
            sum += share;
            all += 1.0;
        }
        Score::new(sum, all)
    }

    fn share_decided(&self) -> Score {
        let decided = self.matters().filter(|matter| self.last_on(matter).is_some()).count();
        Score::new(count(decided), count(self.matters().count()))
    }

    fn refusals(&self, disclosures: &Disclosures) -> Score {
        let (mut right, mut all) = (0.0, 0.0);
        for event in self.events {
            let What::Release { to, from, table, record, fields, granted, .. } = &event.what else {
                continue;
            };
            if self.is_mine(from) {
                let needed = disclosures.is_needed(self.plot, to, table, record, fields);
                all += 1.0;
                right += if needed == *granted { 1.0 } else { 0.0 };
            }
        }
        Score::new(right, all)
    }

    fn answered(&self) -> Score {
        use super::event::Answered;
        let (mut answered, mut all) = (0.0, 0.0);
        for event in self.events.iter().filter(|event| self.is_mine(&event.by)) {
            if let What::Asked { answer, .. } = &event.what {
                all += 1.0;
                if matches!(answer, Answered::Records { .. }) {
                    answered += 1.0;
                }
            }
        }
        Score::new(answered, all)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a drill")]
fn count(count: usize) -> f64 {
    count as f64
}

/// Hours of exercise time from one moment to a later one.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a drill")]
fn hours(from: Exercise, to: Exercise) -> f64 {
    to.0.saturating_sub(from.0) as f64 / 3_600_000.0
}

#[cfg(test)]
mod tests;
