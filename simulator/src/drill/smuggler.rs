//! The smugglers of a drill learn from what is stopped. Some cases of the world are their reserve and do not happen at
//! first. When a team stops a case, the next one that would pass by that team, and of which nobody has seen anything yet,
//! is given up for one of the reserve that passes it by. What happens instead of what follows from the events alone, so that
//! a drill that is resumed, replayed or played again from a place has the same smugglers.
//!
//! What does not happen leaves no record: whoever holds the records of a case is told what to hide ([`Off::hidden`]).

use std::collections::{BTreeMap, BTreeSet};

use super::clock::Exercise;
use super::event::{Event, What};
use super::plot::{Matter, MatterId, Plot, PlotCase, Truth};
use super::scenario::Team;
use crate::detect::records::At;
use crate::table::Table;

/// Cases that do not happen, by their place in the plot, each with the moment from which on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Off(BTreeMap<usize, Exercise>);

impl Off {
    /// Before the first event: the reserve.
    pub fn first(plot: &Plot) -> Self {
        let reserve = plot.cases.iter().enumerate().filter(|(_, case)| case.reserve);
        Self(reserve.map(|(place, _)| (place, Exercise(0))).collect())
    }

    /// After everything that happened.
    pub fn of(plot: &Plot, events: &[Event]) -> Self {
        let mut off = Self::first(plot);
        for event in events {
            if let What::Rerouted { case, to, .. } = &event.what {
                off.reroute(plot, event.exercise, case, to);
            }
        }
        off
    }

    /// A case is given up for another one, both by their names in the truth.
    pub fn reroute(&mut self, plot: &Plot, at: Exercise, case: &str, to: &str) {
        let place = |id: &str| plot.cases.iter().position(|case| case.id == id);
        if let (Some(case), Some(to)) = (place(case), place(to)) {
            self.0.insert(case, at);
            self.0.remove(&to);
        }
    }

    /// Whether a case, by its place, does not happen.
    pub fn is_off(&self, case: usize) -> bool {
        self.0.contains_key(&case)
    }

    /// Whether a matter comes, now or later.
    pub fn comes(&self, matter: &Matter) -> bool {
        !matches!(matter.truth, Truth::Case(case) if self.is_off(case))
    }

    /// Cases that happen, with their places.
    pub fn happening<'p>(&self, plot: &'p Plot) -> impl Iterator<Item = (usize, &'p PlotCase)> {
        plot.cases.iter().enumerate().filter(|(place, _)| !self.is_off(*place))
    }

    /// Records that nobody has: all of a case that does not happen, but for what was known before it was given up, such as
    /// a firm that had been there for years.
    pub fn hidden(&self, plot: &Plot) -> Hidden {
        let mut hidden = Hidden::default();
        for (place, since) in &self.0 {
            let since = plot.story.world(*since);
            let rows = plot.cases.get(*place).map_or(&[][..], |case| case.rows.as_slice());
            for at in rows.iter().filter(|at| plot.known(**at) > since) {
                let (agency, number) = plot.whose(*at);
                hidden.all.insert(*at);
                hidden.of.entry(agency).or_default().insert((at.table, number));
            }
        }
        hidden
    }
}

/// Records that nobody has, because what they tell of does not happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Where they stand.
    pub all: BTreeSet<At>,
    /// By the agency that would hold them: table and number.
    pub of: BTreeMap<String, BTreeSet<(Table, String)>>,
}

/// What the smugglers do about the last of these events, if anything: a case is given up for another one.
pub fn reroutes(plot: &Plot, off: &Off, teams: &[Team], events: &[Event]) -> Option<What> {
    let (last, before) = events.split_last()?;
    let What::Decided { matter, decision, .. } = &last.what else { return None };
    let stopped = plot.matter(*matter).filter(|_| decision.stops())?;
    let Truth::Case(of) = stopped.truth else { return None };
    let case = plot.cases.get(of)?;
    if before.iter().any(|event| stops(event, &case.matters)) {
        return None;
    }
    let (by, now) = (teams.get(stopped.team)?.agency.as_str(), last.exercise);
    let not_begun = |case: &PlotCase| case.begins > now;
    let given_up_before = |case: &PlotCase| before.iter().any(|event| gives_up(event, &case.id));
    let given_up = off.happening(plot).filter(|(place, other)| {
        *place != of && not_begun(other) && other.traces.iter().any(|trace| trace.agency == by)
    });
    // The method that was found out is changed first, and what comes next.
    let (_, given_up) =
        given_up.min_by_key(|(_, other)| (other.scheme != case.scheme, other.first, &other.id))?;
    let burnt = burnt(plot, teams, events);
    let reserve = plot.cases.iter().enumerate().filter(|(place, other)| {
        other.reserve
            && off.is_off(*place)
            && not_begun(other)
            && !given_up_before(other)
            && other.traces.iter().all(|trace| trace.agency != by)
    });
    let risk = |case: &PlotCase| {
        let agencies: BTreeSet<&str> = case.traces.iter().map(|one| one.agency.as_str()).collect();
        agencies.iter().filter_map(|agency| burnt.get(agency)).sum::<usize>()
    };
    let (_, to) = reserve.min_by_key(|(_, other)| {
        (risk(other), other.scheme != given_up.scheme, other.first, &other.id)
    })?;
    Some(What::Rerouted { after: *matter, case: given_up.id.clone(), to: to.id.clone() })
}

/// How many matters of cases each team has stopped.
fn burnt<'t>(plot: &Plot, teams: &'t [Team], events: &[Event]) -> BTreeMap<&'t str, usize> {
    let mut seen: BTreeSet<MatterId> = BTreeSet::new();
    let mut burnt = BTreeMap::new();
    for event in events {
        let What::Decided { matter, decision, .. } = &event.what else { continue };
        let of_case = plot.matter(*matter).filter(|one| matches!(one.truth, Truth::Case(_)));
        let team = of_case.and_then(|one| teams.get(one.team));
        if let (Some(team), true) = (team, decision.stops() && seen.insert(*matter)) {
            *burnt.entry(team.agency.as_str()).or_default() += 1;
        }
    }
    burnt
}

fn gives_up(event: &Event, case: &str) -> bool {
    matches!(&event.what, What::Rerouted { case: given_up, .. } if given_up == case)
}

fn stops(event: &Event, matters: &[MatterId]) -> bool {
    matches!(&event.what, What::Decided { matter, decision, .. }
        if decision.stops() && matters.contains(matter))
}

#[cfg(test)]
mod tests;
