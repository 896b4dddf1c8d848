//! T19: from a tip to the journeys of whom it speaks of. Keys: the person's name, then the number of the travel document.

use super::columns::{TIP, TRAVEL};
use super::{Linker, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Place, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a tip and border crossings.
#[derive(Debug)]
pub struct CarriedByHand;

impl Linker for CarriedByHand {
    fn scheme(&self) -> &'static str {
        "T19"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Tip, Table::Travel]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Tip, "INT")
    }

    /// The bureau of the same state.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let bureau = roster.sister(records.agency(at), Office::Police);
        bureau.map(|bureau| vec![bureau]).into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (t, v) = (&*TIP, &*TRAVEL);
        let (key, journeys) = match at.table {
            Table::Tip => (
                (Table::Tip, t.subject_person),
                exits(look, (at, t.subject_person), v.person_name, Alike::AsName),
            ),
            Table::Travel => (
                (Table::Travel, v.document_id),
                exits(look, (at, v.document_id), v.document_id, Alike::Exactly),
            ),
            _ => return,
        };
        let reads = [key, (Table::Travel, v.person_name), (Table::Travel, v.kind)];
        let places =
            [reads.as_slice(), &[(Table::Travel, v.country_to), (Table::Travel, v.document_id)]]
                .concat();
        let (to, most) = most_often(look, &journeys);
        let goods = look.text(at, t.hs_code).is_some();
        if at.table == Table::Tip {
            sheet.rule(
                "of whom a tip says that goods are taken abroad leaves for one state again and again",
                &[places.as_slice(), &[(Table::Tip, t.hs_code)]].concat(),
                goods && most > 1,
            );
            sheet.flag("speaks of goods", &[(Table::Tip, t.hs_code)], Some(goods));
        }
        sheet.number("journeys", &reads, many(journeys.len()));
        sheet.number("journeys to one state", &places, many(most));
        sheet.words(
            "which state",
            &places,
            to.map(|row| look.tokens(row, v.country_to)).unwrap_or_default(),
        );
        if at.table == Table::Tip {
            let times = [key, (Table::Tip, t.received_at), (Table::Travel, v.at)];
            let days = |row: &At| look.days((at, t.received_at), (*row, v.at));
            let after = journeys.iter().filter(|row| days(row).is_some_and(|days| days > 0.0));
            sheet.number("journeys after the tip", &times, many(after.count()));
            let nearest = journeys.iter().filter_map(days).map(f64::abs).reduce(f64::min);
            sheet.number("days between the tip and the nearest journey", &times, nearest);
        }
    }
}

/// Crossings outward under a key.
pub(super) fn exits(look: &Look, from: (At, Place), by: Place, alike: Alike) -> Vec<At> {
    let out = |row: &At| look.text(*row, TRAVEL.kind).is_none_or(|kind| kind == "EXIT");
    let own = (from.0.table == Table::Travel).then_some(from.0);
    own.into_iter().chain(look.linked(from, (Table::Travel, by), alike)).filter(out).collect()
}

/// A journey to the state that most of them go to under one document, and how many do: a name may be several people's.
pub(super) fn most_often(look: &Look, journeys: &[At]) -> (Option<At>, usize) {
    let (to, document) = (TRAVEL.country_to, TRAVEL.document_id);
    let like = |row: At| {
        let agrees = |other: At, column| {
            look.same((row, column), (other, column), Alike::Exactly) == Some(true)
        };
        let same =
            |other: &&At| row == **other || (agrees(**other, to) && agrees(**other, document));
        journeys.iter().filter(same).count()
    };
    let counted = journeys.iter().map(|row| (*row, like(*row)));
    counted.max_by_key(|(_, count)| *count).map_or((None, 0), |(row, count)| (Some(row), count))
}
