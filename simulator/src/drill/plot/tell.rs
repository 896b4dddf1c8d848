//! When what was dealt comes to its team, and what there is to know of each case until when.

use super::deal::Picked;
use super::{Matter, MatterId, Plot, PlotCase, Trace, Truth};
use crate::detect::ground::KnownCase;
use crate::detect::records::{At, Records, place};
use crate::drill::clock::Exercise;
use crate::drill::scenario::Scenario;
use crate::drill::story::Story;
use crate::table::Table;

impl Plot {
    /// Matters come evenly, and the last of them early enough that all can be decided on.
    pub(super) fn schedule(&mut self, scenario: &Scenario, picked: &[Picked]) {
        let room = scenario.length.0.saturating_sub(scenario.window.0).max(1);
        let count = (picked.len() as u64).max(1);
        let when = |place: usize| Exercise(room * (2 * place as u64 + 1) / (2 * count));
        let start = (Exercise(0), picked.first().map_or(0, |first| first.known - 86_400));
        let points = picked.iter().enumerate().map(|(place, one)| (when(place), one.known));
        // After the last matter time goes on as fast as on the whole.
        let span = picked.last().map_or(0, |last| last.known - start.1);
        let rest = i128::from(span) * i128::from(scenario.window.0) / i128::from(room);
        let end =
            picked.last().map_or(0, |last| last.known) + i64::try_from(rest).unwrap_or_default();
        let points = std::iter::once(start).chain(points).chain([(scenario.length, end)]);
        self.story = Story::new(points);
    }

    /// Turns what was dealt into matters and cases.
    pub(super) fn tell(&mut self, scenario: &Scenario, picked: Vec<Picked>, played: &[usize]) {
        let value_of = |records: &Records, at: At| {
            let column = match at.table {
                Table::Payment => "amount",
                Table::Declaration => "value",
                _ => return 0.0,
            };
            records.number(at, place(at.table, column)).unwrap_or_default()
        };
        let mut matters = vec![];
        for (number, one) in (0_u32..).zip(picked) {
            let arrives = self.story.exercise(one.known).unwrap_or(scenario.length);
            matters.push(Matter {
                id: MatterId(number),
                team: one.team,
                at: one.at,
                record: self.id_of(one.at),
                arrives,
                leaves: Exercise(arrives.0.saturating_add(scenario.window.0)).min(scenario.length),
                value: value_of(&self.ground.records, one.at),
                truth: one.truth,
            });
        }
        self.cases = played
            .iter()
            .enumerate()
            .filter_map(|(place, number)| {
                let case = self.ground.known.cases.get(*number)?;
                Some(self.story_of(scenario, case, place, &matters))
            })
            .collect();
        self.matters = matters;
    }

    fn story_of(
        &self,
        scenario: &Scenario,
        case: &KnownCase,
        place: usize,
        matters: &[Matter],
    ) -> PlotCase {
        let agency = |at: At| self.ground.records.text_of(self.ground.records.agency(at));
        let when = |at: At| self.story.exercise(self.known(at)).unwrap_or(scenario.length);
        let mut traces: Vec<Trace> = case
            .rows
            .iter()
            .filter(|(_, holder)| !holder.is_empty())
            .map(|(at, holder)| Trace {
                at: *at,
                record: self.id_of(*at),
                agency: agency(*at).to_owned(),
                holder: holder.clone(),
                known: when(*at),
            })
            .collect();
        traces.sort_by_key(|trace| (trace.known, trace.at));
        let mine: Vec<&Matter> =
            matters.iter().filter(|matter| matter.truth == Truth::Case(place)).collect();
        let all_of = |set: &Vec<String>| {
            let theirs = traces.iter().filter(|trace| set.contains(&trace.agency));
            theirs.map(|trace| trace.known).max().unwrap_or(scenario.length)
        };
        let last = mine.iter().map(|matter| matter.leaves).max().unwrap_or(scenario.length);
        PlotCase {
            id: case.id.clone(),
            scheme: case.kind.clone(),
            hazard: scenario.hazard_of(&case.kind),
            needs: case.needs.clone(),
            first: traces.first().map_or(Exercise(0), |trace| trace.known),
            joint: case.needs.iter().map(all_of).min().unwrap_or(scenario.length),
            exit: last,
            matters: mine.iter().map(|matter| matter.id).collect(),
            begins: traces.first().map_or(Exercise(0), |trace| trace.known),
            reserve: false,
            rows: vec![],
            traces,
        }
    }
}
