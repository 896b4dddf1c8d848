//! Candidates: rows that may be of a case, with the features that a view gives them, drawn from a world to learn
//! from. Every row that a rule points at and every row of a case or decoy is taken, of the rest a few, with weights.

use super::ground::{self, Ground};
use super::linker::Linker;
use super::look::{Look, Shown};
use super::own;
use super::records::{At, hash, place};
use super::sheet::{Feature, Sheet};
use crate::table::Table;
use crate::world::Office;

/// Rows without anything odd that are drawn from one world to train one detector.
const PLAIN: u32 = 2_000;
/// Rows with something odd.
const ODD: u32 = 1_500;

/// Whose eyes a detector sees with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// One agency of a kind, and which of its tables it looks through.
    Solo(Office, Table),
    /// All agencies of a smallest set, everything laid on the table.
    Joint,
    /// One of the set asks the others through the gateway: who of them (0 holds the row a candidate begins with, others
    /// in the order of the linker's partners), and what it is shown.
    Asks(usize, Shown),
}

/// One row, as one view has it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Values of its features.
    pub values: Vec<f32>,
    /// Words for those that are learned: feature, word.
    pub words: Vec<(u16, u32)>,
    /// Rules that fire.
    pub rules: u32,
    /// Whether it is of a true case of the detector's scheme.
    pub is_true: bool,
    /// Whether it looks like one: it is of a case, a decoy or fraud.
    pub is_like: bool,
    /// How many rows it stands for.
    pub weight: f32,
}

/// What a detector looks for, and with whose eyes.
#[derive(Clone)]
pub struct Subject {
    /// Links the scheme's records.
    pub linker: &'static dyn Linker,
    /// The view.
    pub view: View,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {:?}", self.linker.scheme(), self.view)
    }
}

impl Subject {
    /// Table of the rows that its candidates begin with.
    pub fn table(&self) -> Table {
        match &self.view {
            View::Solo(_, table) => *table,
            View::Joint | View::Asks(..) => self.linker.begins().0,
        }
    }

    /// Kind of agency that holds them.
    pub fn office(&self) -> Option<Office> {
        match &self.view {
            View::Solo(office, _) => Some(*office),
            View::Joint | View::Asks(..) => ground::office(self.linker.begins().1),
        }
    }

    /// Its features.
    pub fn features(&self, ground: &Ground) -> Vec<Feature> {
        let mut sheet = Sheet::naming();
        let agencies = [];
        let look = Look { records: &ground.records, agencies: &agencies, asks: None };
        self.fill(&look, At { table: self.table(), row: u32::MAX }, &mut sheet);
        sheet.features()
    }

    fn fill(&self, look: &Look, at: At, sheet: &mut Sheet) {
        self.linker.links(look, at, sheet);
        own::features(look, at, sheet);
    }

    /// A row's candidate in the view of some agencies, of which the first holds it.
    pub fn candidate(&self, ground: &Ground, at: At, agencies: &[u32]) -> Candidate {
        let mut sheet = Sheet::default();
        self.fill(&self.look(ground, agencies), at, &mut sheet);
        finish(sheet, (false, false), 1.0)
    }

    fn look<'a>(&'a self, ground: &'a Ground, agencies: &'a [u32]) -> Look<'a> {
        let asks = match &self.view {
            View::Asks(who, shown) => agencies.get(*who).map(|asks| (*asks, shown)),
            View::Solo(..) | View::Joint => None,
        };
        Look { records: &ground.records, agencies, asks }
    }

    /// Sets of agencies in whose view a row is a candidate; the first of each holds it.
    fn sets(&self, ground: &Ground, at: At) -> Vec<Vec<u32>> {
        let own = ground.records.agency(at);
        match &self.view {
            View::Solo(..) => vec![vec![own]],
            View::Joint | View::Asks(..) => self
                .linker
                .partners(&ground.roster, &ground.records, at)
                .into_iter()
                .map(|others| std::iter::once(own).chain(others).collect())
                .collect(),
        }
    }

    /// Whether a row is of a true case of the scheme; none where it is, but does not begin one.
    fn truth(&self, ground: &Ground, at: At) -> Option<bool> {
        let Some((case, part)) = ground.known.of.get(&at) else { return Some(false) };
        let case = ground.known.cases.get(*case);
        let is_true = case.is_some_and(|case| case.is_true && case.kind == self.linker.scheme());
        match &self.view {
            View::Joint | View::Asks(..) if is_true && part != self.linker.begins().1 => None,
            _ => Some(is_true),
        }
    }

    /// Whether agencies are a smallest set of a row's case.
    fn suffices(&self, ground: &Ground, at: At, agencies: &[u32]) -> bool {
        let case = ground.known.of.get(&at).and_then(|(case, _)| ground.known.cases.get(*case));
        matches!(self.view, View::Solo(..)) || case.is_some_and(|case| case.needs(ground, agencies))
    }

    /// The candidates of a world: all of them, or as many as training needs.
    pub fn draw(&self, ground: &Ground, all: bool) -> Vec<Candidate> {
        let (table, records) = (self.table(), &ground.records);
        let rows: Vec<At> = records
            .all(table)
            .filter(|at| ground.roster.office(records.agency(*at)) == self.office())
            .collect();
        let few = |rows: usize, wanted: u32| if all { 1 } else { share(rows, wanted) };
        let share = few(rows.len(), PLAIN);
        let id = place(table, "id");
        let mut drawn = vec![];
        let mut odd = vec![];
        for at in rows {
            let Some(is_true) = self.truth(ground, at) else { continue };
            let chance = hash(records.text(at, id).as_bytes());
            for agencies in self.sets(ground, at) {
                if is_true && !self.suffices(ground, at, &agencies) {
                    // Of a case, but with others than those who can solve it: neither right nor wrong.
                    continue;
                }
                let look = self.look(ground, &agencies);
                let mut sheet = Sheet::default();
                self.linker.links(&look, at, &mut sheet);
                let is_like = ground.known.of.contains_key(&at) || ground.known.odd.contains(&at);
                let is_odd = sheet.rules > 0 || ground.known.of.contains_key(&at);
                if is_true || is_odd || chance.is_multiple_of(u64::from(share)) {
                    own::features(&look, at, &mut sheet);
                    let weight = if is_true || is_odd { 1.0 } else { f64::from(share) };
                    let candidate = finish(sheet, (is_true, is_like), weight);
                    if is_odd && !is_true {
                        odd.push((chance, candidate))
                    } else {
                        drawn.push(candidate)
                    }
                }
            }
        }
        let share = few(odd.len(), ODD);
        for (chance, mut candidate) in odd {
            if (chance >> 32).is_multiple_of(u64::from(share)) {
                candidate.weight *= f32::from(u16::try_from(share).unwrap_or(u16::MAX));
                drawn.push(candidate);
            }
        }
        drawn
    }
}

/// One in how many is drawn.
fn share(rows: usize, wanted: u32) -> u32 {
    (u32::try_from(rows).unwrap_or(u32::MAX) / wanted).max(1)
}

#[expect(clippy::cast_possible_truncation, reason = "weights and hashes need no more bits")]
fn finish(sheet: Sheet, (is_true, is_like): (bool, bool), weight: f64) -> Candidate {
    let words =
        sheet.words.iter().map(|(feature, word)| (*feature, (*word ^ (*word >> 32)) as u32));
    Candidate {
        words: words.collect(),
        rules: sheet.rules,
        values: sheet.values,
        is_true,
        is_like,
        weight: weight as f32,
    }
}
