//! T02: a departure, the transit that is opened and announced on its way, and whether it arrives. Key: the unique
//! consignment reference.

use super::columns::{DECLARATION, TRANSIT};
use super::{Linker, customs_of_destination, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;

/// Links an export, its transits and its import.
#[derive(Debug)]
pub struct GhostTransit;

/// Declarations that are looked through to see where imports of a state are.
const LOOKED_THROUGH: usize = 64;

impl Linker for GhostTransit {
    fn scheme(&self) -> &'static str {
        "T02"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Declaration, Table::Transit]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Declaration, "XC")
    }

    /// Customs of the country of destination.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        customs_of_destination(roster, records, at)
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (d, t) = (&*DECLARATION, &*TRANSIT);
        let (ucr, to) = match at.table {
            Table::Declaration => (d.ucr, d.country_of_destination),
            Table::Transit => (t.ucr, t.country_of_destination),
            _ => return,
        };
        let declared = |direction: &'static str| {
            let this = Some(at).filter(|_| at.table == Table::Declaration);
            let is =
                move |row: &At| look.text(*row, d.direction).is_none_or(|word| word == direction);
            let others = look.linked((at, ucr), (Table::Declaration, d.ucr), Alike::Exactly);
            this.into_iter().chain(others).find(is)
        };
        let (left, came) = (declared("EXPORT"), declared("IMPORT"));
        let this = Some(at).filter(|_| at.table == Table::Transit);
        let transits: Vec<At> = this
            .into_iter()
            .chain(look.linked((at, ucr), (Table::Transit, t.ucr), Alike::Exactly))
            .collect();
        let transit = transits.first().copied();
        let here = arrives_here(look, at, to);
        let ucrs = [(Table::Declaration, d.ucr), (Table::Transit, t.ucr)];
        let ways = [(Table::Declaration, d.direction), (Table::Declaration, d.ucr)];
        let missing = transit.is_some() && came.is_none() && here;
        sheet.rule(
            "left, was announced, and did not arrive",
            &[ucrs.as_slice(), &ways].concat(),
            missing && left.is_some(),
        );
        sheet.flag("announced, and did not arrive", &ucrs, Some(missing));
        sheet.flag("left", &ways, Some(left.is_some()));
        sheet.flag("arrived", &ways, Some(came.is_some()));
        sheet.flag("of those to whom it was to come", &[(at.table, to)], Some(here));
        sheet.number("transits opened", &[(Table::Transit, t.ucr)], many(transits.len()));
        let discharged = transit.map(|row| look.present(row, t.discharged_at));
        let ends = [(Table::Transit, t.ucr), (Table::Transit, t.discharged_at)];
        sheet.flag("the transit is discharged", &ends, discharged.flatten());
        let days = |from, to| transit.and_then(|row| look.days((row, from), (row, to)));
        let opened = (Table::Transit, t.opened_at);
        sheet.number(
            "days from opening to discharge",
            &[ends.as_slice(), &[opened]].concat(),
            days(t.opened_at, t.discharged_at),
        );
        let late = [ends.as_slice(), &[(Table::Transit, t.due_at)]].concat();
        sheet.number("days past due", &late, days(t.due_at, t.discharged_at));
        let came_after = transit
            .zip(came)
            .and_then(|(transit, came)| look.days((transit, t.opened_at), (came, d.accepted_at)));
        let when = [opened, (Table::Declaration, d.accepted_at)];
        sheet.number("days from opening to import", &when, came_after);
    }
}

/// Whether imports of a row's country of destination are in the view: its customs are.
fn arrives_here(look: &Look, at: At, to: usize) -> bool {
    let d = &*DECLARATION;
    let keys = look.records.keys(at, to, Alike::Exactly);
    keys.into_iter()
        .flat_map(|key| {
            look.records.with(Table::Declaration, d.country_of_destination, Alike::Exactly, key)
        })
        .take(LOOKED_THROUGH)
        .map(|row| At { table: Table::Declaration, row: *row })
        .any(|row| {
            let direction = look.text(row, d.direction);
            look.has(row) && direction.is_none_or(|word| word == "IMPORT")
        })
}
