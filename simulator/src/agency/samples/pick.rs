//! Which rows of the world become samples: few, and such that each thing the playground shows is among them.

use std::collections::{BTreeMap, BTreeSet};

use super::SamplesError;
use super::rows::{Record, Rows};
use crate::calendar::day_of;
use crate::table::Table;

/// Declarations of Norvian customs.
const DECLARATIONS: usize = 60;
/// Declarations with a second line.
const SECOND_LINES: usize = 15;
/// Exports that Solmark declares too.
const TO_SOLMARK: usize = 18;
/// Licences: so many are used by exports of the samples, the rest by none of them.
const LICENCES: usize = 24;
const USED_LICENCES: usize = 20;
const INSPECTIONS: usize = 18;

/// A declaration of Norvian customs.
pub struct Declared<'r> {
    /// Its row.
    pub row: &'r Record,
    /// What the same firms declared next, as a second line of it.
    pub second: Option<&'r Record>,
}

/// What was picked, each in the order of its dates.
pub struct Picked<'r> {
    /// Declarations of Norvian customs.
    pub declared: Vec<Declared<'r>>,
    /// Inspections of them.
    pub inspections: Vec<&'r Record>,
    /// The import side of some, in Solmark.
    pub imports: Vec<&'r Record>,
    /// Norvian licences with the end user's row in a registry.
    pub licences: Vec<&'r Record>,
    /// Registry rows of firms, by id.
    pub firms: BTreeMap<&'r str, &'r Record>,
    /// The same by name: of licences and declarations, end users have no more.
    pub names: BTreeMap<&'r str, &'r Record>,
}

/// The first quarter and a little: what was declared before the samples' "today", 20 April 2026.
fn in_time(row: &Record) -> bool {
    let days = day_of(2026, 1, 2)..day_of(2026, 4, 18);
    row.moment("accepted_at").is_some_and(|at| days.contains(&at.day()))
}

/// Picks.
pub fn pick(rows: &Rows) -> Result<Picked<'_>, SamplesError> {
    let all: Vec<&Record> =
        rows.of(Table::Declaration, "nv-customs").filter(|row| in_time(row)).collect();
    let imports: BTreeMap<&str, &Record> = rows
        .of(Table::Declaration, "sm-customs")
        .filter(|row| row.text("direction") == "IMPORT" && in_time(row))
        .map(|row| (row.text("ucr"), row))
        .collect();
    let inspected: BTreeMap<&str, &Record> = rows
        .of(Table::Inspection, "nv-customs")
        .map(|row| (row.text("declaration_id"), row))
        .collect();
    let mut chosen = Chosen::default();
    let exported = |row: &Record| row.text("direction") == "EXPORT";
    let electrical = |row: &Record| row.text("hs_code").starts_with("85");
    let to_solmark = |row: &Record| exported(row) && imports.contains_key(row.text("ucr"));
    let inspection = |row: &Record| inspected.contains_key(row.text("id"));
    let to_velland = |row: &Record| exported(row) && row.text("country_of_destination") == "XV";
    let by_sea = |row: &Record| !row.text("containers").is_empty();
    let licensed = |row: &Record| exported(row) && !row.text("licence_id").is_empty();
    chosen.take(&all, TO_SOLMARK / 3, |row| to_solmark(row) && electrical(row) && by_sea(row));
    chosen.take(&all, TO_SOLMARK / 3, |row| to_solmark(row) && electrical(row) && !by_sea(row));
    chosen.take(&all, TO_SOLMARK / 3, |row| to_solmark(row) && !electrical(row) && by_sea(row));
    chosen.take(&all, USED_LICENCES / 2, |row| licensed(row) && by_sea(row));
    chosen.take(&all, USED_LICENCES - USED_LICENCES / 2, |row| licensed(row) && !by_sea(row));
    chosen.take(&all, INSPECTIONS, inspection);
    chosen.take(&all, 4, |row| to_velland(row) && electrical(row) && by_sea(row));
    chosen.take(&all, DECLARATIONS, by_sea);
    let declared = second_lines(&all, chosen);
    if declared.len() < DECLARATIONS {
        return Err(SamplesError::Few("declarations"));
    }
    let mut inspections: Vec<&Record> = declared
        .iter()
        .filter_map(|one| inspected.get(one.row.text("id")).copied())
        .take(INSPECTIONS)
        .collect();
    inspections.sort_by_key(|row| row.moment("inspected_at"));
    let mut picked_imports: Vec<&Record> = declared
        .iter()
        .filter(|one| exported(one.row))
        .filter_map(|one| imports.get(one.row.text("ucr")).copied())
        .collect();
    picked_imports.sort_by_key(|row| (row.moment("accepted_at"), row.text("id").to_owned()));
    let licences = licences(rows, &declared)?;
    let firms: BTreeMap<&str, &Record> =
        rows.of(Table::Party, "").map(|row| (row.text("id"), row)).collect();
    let names = firms.values().map(|row| (row.text("name"), *row)).collect();
    Ok(Picked { declared, inspections, imports: picked_imports, licences, firms, names })
}

#[derive(Default)]
struct Chosen<'r> {
    rows: Vec<&'r Record>,
    ids: BTreeSet<&'r str>,
}

impl<'r> Chosen<'r> {
    /// Takes the first so many that are wanted and not yet taken.
    fn take(&mut self, all: &[&'r Record], count: usize, wanted: impl Fn(&Record) -> bool) {
        let room = DECLARATIONS.saturating_sub(self.rows.len());
        let found = all.iter().filter(|row| wanted(row) && !self.ids.contains(row.text("id")));
        let found: Vec<&Record> = found.take(count.min(room)).copied().collect();
        self.ids.extend(found.iter().map(|row| row.text("id")));
        self.rows.extend(found);
    }
}

/// Gives some declarations what the same two firms declared next, as a second line; puts them in order of time.
fn second_lines<'r>(all: &[&'r Record], chosen: Chosen<'r>) -> Vec<Declared<'r>> {
    let Chosen { mut rows, mut ids } = chosen;
    rows.sort_by_key(|row| (row.moment("accepted_at"), row.text("id")));
    let mut left = SECOND_LINES;
    let mut declared = vec![];
    for row in rows {
        let firms =
            |row: &Record| [row.text("exporter_id").to_owned(), row.text("importer_id").to_owned()];
        let next = all.iter().find(|other| {
            firms(other) == firms(row)
                && other.text("direction") == row.text("direction")
                && other.text("currency") == row.text("currency")
                && other.text("licence_id").is_empty()
                && !ids.contains(other.text("id"))
        });
        let second = next.filter(|_| left > 0).copied();
        if let Some(second) = second {
            left -= 1;
            ids.insert(second.text("id"));
        }
        declared.push(Declared { row, second });
    }
    declared
}

/// Those that the declarations rely on, and others.
fn licences<'r>(rows: &'r Rows, declared: &[Declared]) -> Result<Vec<&'r Record>, SamplesError> {
    let used: BTreeSet<&str> = declared.iter().map(|one| one.row.text("licence_id")).collect();
    let all = || rows.of(Table::Licence, "nv-licensing");
    let mut picked: Vec<&Record> = all().filter(|row| used.contains(row.text("id"))).collect();
    let others = LICENCES.saturating_sub(picked.len());
    // One that was sent back and one that was refused, so that not all look alike.
    for status in ["RETURNED", "REFUSED"] {
        let unlike = |row: &&Record| !used.contains(row.text("id")) && row.text("status") == status;
        picked.extend(all().filter(unlike).take(1).filter(|_| others > 2));
    }
    let others = LICENCES.saturating_sub(picked.len());
    let granted = |row: &&Record| !used.contains(row.text("id")) && row.text("status") == "GRANTED";
    picked.extend(all().filter(granted).take(others));
    picked.sort_by_key(|row| (row.moment("applied_at"), row.text("id")));
    if picked.len() == LICENCES { Ok(picked) } else { Err(SamplesError::Few("licences")) }
}
