//! Cases that smugglers hold back, and everything that a case would leave behind.

use std::collections::{BTreeMap, BTreeSet};

use super::{Plot, PlotCase, known};
use crate::detect::ground::Ground;
use crate::detect::records::{Alike, At, Records, hash, place};
use crate::drill::clock::Exercise;
use crate::drill::scenario::Scenario;
use crate::generate::Truth;
use crate::shipment::Engine;
use crate::table::Table;

/// All rows of cases, by the case's name in the truth.
pub(super) type Rows = BTreeMap<String, Vec<At>>;

/// What the engine writes of each true case, found among the records.
pub(super) fn rows(engine: &Engine<'_>, ground: &Ground) -> Rows {
    let every: BTreeSet<Table> = Table::ALL.iter().copied().collect();
    let numbers = 0..engine.cases.count();
    let cases = numbers.map(|number| engine.cases.case(engine, number));
    cases
        .filter(|case| case.kind.is_scheme())
        .map(|case| {
            let mut own = Records::new(&every);
            case.records(engine, &mut own);
            for (_, consignment) in case.consignments(engine) {
                engine.emit(&engine.consignment(consignment), &mut own);
            }
            (Truth::case_id(case.number), found(&own, &ground.records))
        })
        .collect()
}

/// Where rows of one set of records stand in another.
fn found(own: &Records, all: &Records) -> Vec<At> {
    let mut found = vec![];
    for table in Table::ALL {
        let id = place(*table, "id");
        for at in own.all(*table) {
            let agency = own.text_of(own.agency(at));
            let number = hash(own.text(at, id).as_bytes());
            let same = all.with(*table, id, Alike::Exactly, number).iter();
            let same = same.map(|row| At { table: *table, row: *row });
            found.extend(same.filter(|at| all.text_of(all.agency(*at)) == agency));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

impl Plot {
    /// Makes the latest cases of a scheme the smugglers' reserve, as many as the scenario says, but for one that is left to
    /// be played: the latest are those that can still happen when others have been stopped.
    pub(super) fn hold_back(&mut self, scenario: &Scenario, mut rows: Rows) {
        let begun = self.story.world(Exercise(0));
        let records = &self.ground.records;
        for case in &mut self.cases {
            case.rows = rows.remove(&case.id).unwrap_or_default();
            let moments = case.rows.iter().map(|at| known(records, *at));
            let first = moments.filter(|moment| *moment > begun).min();
            let first = first.and_then(|moment| self.story.exercise(moment));
            case.begins = first.map_or(case.begins, |first| first.min(case.begins));
        }
        for (scheme, wanted) in &scenario.reserve {
            let mut of: Vec<&mut PlotCase> =
                self.cases.iter_mut().filter(|case| case.scheme == *scheme).collect();
            of.sort_by_key(|case| (case.first, case.exit));
            let held =
                usize::try_from(*wanted).unwrap_or(usize::MAX).min(of.len().saturating_sub(1));
            of.into_iter().rev().take(held).for_each(|case| case.reserve = true);
        }
    }
}
