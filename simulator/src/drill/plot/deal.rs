//! Which records teams are dealt as matters: those of cases, a few decoys and ordinary frauds, and lawful ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Plot, PlotError, Truth, decides_on};
use crate::detect::ground::KnownCase;
use crate::detect::records::{At, place};
use crate::drill::scenario::Scenario;
use crate::drill::sha256;
use crate::table::Table;

/// Matters of a case that a team is given at most: the last ones, by which more is known. One alone where cases would
/// otherwise be more than [`CASES_OF_ALL`] of what a team is given.
const OF_A_CASE: usize = 2;
/// One in so many matters of a team is of a case, at most: checks that hit more often would teach what no office meets.
const CASES_OF_ALL: usize = 5;

/// What a declaration really is, by its number: label and detail.
pub(super) type Labels = HashMap<String, (String, String)>;

/// A record that a team is dealt.
pub(super) struct Picked {
    /// Team, by its place in the scenario.
    pub team: usize,
    /// The record.
    pub at: At,
    /// Since when it is known, seconds since 1970.
    pub known: i64,
    /// What it really is.
    pub truth: Truth,
}

impl Plot {
    /// Deals a world's cases and innocents to the teams, and tells when each comes.
    pub(super) fn deal(&mut self, scenario: &Scenario, labels: &Labels) -> Result<(), PlotError> {
        let mut picked: Vec<Picked> = vec![];
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        let (mut played, mut unplayed) = (vec![], 0);
        let mut teams = vec![];
        for team in &scenario.teams {
            let unknown = || PlotError::Team(team.agency.clone());
            let agency = self.ground.records.word(&team.agency).ok_or_else(unknown)?;
            let office = self.ground.roster.office(agency).ok_or_else(unknown)?;
            teams.push((agency, decides_on(office).ok_or_else(unknown)?));
        }
        let crowded = self.crowded(scenario, &teams);
        for (number, case) in self.ground.known.cases.iter().enumerate() {
            if !case.is_true {
                continue;
            }
            if self.leaves_out(scenario, &case.id) {
                unplayed += 1;
                continue;
            }
            let before = picked.len();
            for (team, (agency, table)) in teams.iter().enumerate() {
                let mine = self.rows_of(case, *agency, *table);
                let most = if crowded.contains(&team) { 1 } else { OF_A_CASE };
                let skip = mine.len().saturating_sub(most);
                picked.extend(mine.into_iter().skip(skip).map(|(known, at)| Picked {
                    team,
                    at,
                    known,
                    truth: Truth::Case(played.len()),
                }));
            }
            if picked.len() == before {
                unplayed += 1;
                continue;
            }
            places.insert(number, played.len());
            played.push(number);
        }
        if played.is_empty() {
            return Err(PlotError::NoCase);
        }
        self.left_out_are_cases(scenario)?;
        for (team, (agency, table)) in teams.iter().enumerate() {
            self.fill(scenario, team, *agency, *table, labels, &mut picked);
        }
        let key = |one: &Picked| (one.known, one.team, self.id_of(one.at));
        picked.sort_by_cached_key(key);
        self.schedule(scenario, &picked);
        self.tell(scenario, picked, &played);
        self.unplayed = unplayed;
        Ok(())
    }

    /// Whether a case is not played: names mean the cases of the scenario's own seed.
    fn leaves_out(&self, scenario: &Scenario, id: &str) -> bool {
        self.seed == scenario.seed && scenario.left_out.contains(id)
    }

    fn left_out_are_cases(&self, scenario: &Scenario) -> Result<(), PlotError> {
        let cases = || self.ground.known.cases.iter().filter(|case| case.is_true);
        let is_known = |id: &&String| cases().any(|case| case.id == **id);
        match scenario.left_out.iter().find(|id| !is_known(id)) {
            Some(case) if self.seed == scenario.seed => {
                Err(PlotError::LeftOut { scenario: scenario.name.clone(), case: case.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Teams that cases would take up too much of.
    fn crowded(&self, scenario: &Scenario, teams: &[(u32, Table)]) -> BTreeSet<usize> {
        let played = |case: &&KnownCase| case.is_true && !self.leaves_out(scenario, &case.id);
        let cases = || self.ground.known.cases.iter().filter(played);
        let of = |(agency, table): &(u32, Table)| -> usize {
            cases().map(|case| self.rows_of(case, *agency, *table).len().min(OF_A_CASE)).sum()
        };
        let counts = teams.iter().map(of).enumerate();
        counts
            .filter(|(_, count)| count * CASES_OF_ALL > scenario.matters)
            .map(|(team, _)| team)
            .collect()
    }

    /// What an agency's risk rules go by, before anybody is asked.
    fn profile(&self, at: At) -> String {
        let text = |name: &str| self.ground.records.text(at, place(at.table, name));
        match at.table {
            Table::Declaration => {
                let numbered = crate::detect::records::serial(text("description")).is_some();
                let named = !text("end_user_name").is_empty();
                format!("{} {} {numbered} {named}", text("direction"), text("regime"))
            }
            _ => String::new(),
        }
    }

    /// Traces of a case that an agency can decide on, in the order in which they became known.
    fn rows_of(&self, case: &KnownCase, agency: u32, table: Table) -> Vec<(i64, At)> {
        let mut rows: Vec<(i64, At)> = case
            .rows
            .iter()
            .filter(|(at, holder)| !holder.is_empty() && at.table == table)
            .filter(|(at, _)| self.ground.records.agency(*at) == agency)
            .map(|(at, _)| (self.known(*at), *at))
            .collect();
        rows.sort_unstable();
        rows
    }

    /// Fills a team's matters up with decoys, ordinary fraud and lawful ones.
    fn fill(
        &self,
        scenario: &Scenario,
        team: usize,
        agency: u32,
        table: Table,
        labels: &Labels,
        picked: &mut Vec<Picked>,
    ) {
        let records = &self.ground.records;
        let mut taken: BTreeSet<At> =
            picked.iter().filter(|one| one.team == team).map(|one| one.at).collect();
        let of_case: HashMap<At, &KnownCase> = self
            .ground
            .known
            .cases
            .iter()
            .flat_map(|case| case.rows.iter().map(move |(at, _)| (*at, case)))
            .collect();
        let like: BTreeSet<String> = taken.iter().map(|at| self.profile(*at)).collect();
        let (mut decoys, mut frauds, mut lawful) = (vec![], vec![], vec![]);
        for at in records.all(table).filter(|at| records.agency(*at) == agency) {
            let id = self.id_of(at);
            // What looks like the team's cases first: without its like any case shows by itself.
            let other = !like.contains(&self.profile(at));
            let order = (other, sha256(format!("{}/matter/{id}", self.seed).as_bytes()));
            match (of_case.get(&at), labels.get(&id)) {
                (Some(case), _) if case.is_true => {}
                (Some(case), _) => decoys.push((order, at, Truth::Decoy(case.kind.clone()))),
                (None, Some((label, detail))) if label == "FRAUD" => {
                    frauds.push((order, at, Truth::Fraud(detail.clone())));
                }
                (None, Some((_, detail))) => {
                    decoys.push((order, at, Truth::Decoy(detail.clone())));
                }
                (None, None) if self.worth_a_look(at) => lawful.push((order, at, Truth::Innocent)),
                (None, None) => {}
            }
        }
        let room = scenario.matters.saturating_sub(taken.len());
        for (share, mut from) in [(room / 2, decoys), (room / 8, frauds), (usize::MAX, lawful)] {
            from.sort_by(|one, other| one.0.cmp(&other.0));
            let left = scenario.matters.saturating_sub(taken.len());
            for (_, at, truth) in from.into_iter().take(share.min(left)) {
                taken.insert(at);
                picked.push(Picked { team, at, known: self.known(at), truth });
            }
        }
    }

    /// What risk rules of an agency bring up: goods that may need a licence, and goods that only pass through.
    fn worth_a_look(&self, at: At) -> bool {
        let records = &self.ground.records;
        match at.table {
            Table::Declaration => {
                let text = |name: &str| records.text(at, place(at.table, name));
                let passes = text("regime") == "31";
                passes || (text("direction") == "EXPORT" && !text("end_user_name").is_empty())
            }
            _ => true,
        }
    }
}
