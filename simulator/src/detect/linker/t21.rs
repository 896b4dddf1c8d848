//! T21: exports for a time, and what became of the goods. Keys: the consignment's number, then the serial numbers.

use super::columns::DECLARATION;
use super::{Linker, customs_of_destination, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::shipment::temporary::{ADMITTED, LEAVES};
use crate::table::Table;

/// Links an export for a time with every later declaration of the same serial numbers.
#[derive(Debug)]
pub struct NotReturned;

const TABLE: Table = Table::Declaration;

impl Linker for NotReturned {
    fn scheme(&self) -> &'static str {
        "T21"
    }

    fn tables(&self) -> &'static [Table] {
        &[TABLE]
    }

    fn begins(&self) -> (Table, &'static str) {
        (TABLE, "XC")
    }

    /// Customs of the country of destination.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        customs_of_destination(roster, records, at)
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        if at.table != TABLE {
            return;
        }
        let c = &*DECLARATION;
        let is = |row: At, column, word: &str| look.text(row, column).as_deref() == Some(word);
        let import = if is(at, c.direction, "IMPORT") {
            Some(at)
        } else {
            look.linked((at, c.ucr), (TABLE, c.ucr), Alike::Exactly)
                .find(|row| is(*row, c.direction, "IMPORT"))
        };
        let later: Vec<At> = look
            .linked((at, c.description), (TABLE, c.description), Alike::BySerial)
            .filter(|row| Some(*row) != import)
            .filter(|row| {
                look.days((at, c.accepted_at), (*row, c.accepted_at)).is_none_or(|days| days > 0.0)
            })
            .collect();
        let with = |column| [(TABLE, c.description), (TABLE, column)];
        let sent = later.iter().filter(|row| is(**row, c.direction, "EXPORT")).count();
        let came = later.len() - sent;
        let for_a_time = is(at, c.regime, LEAVES) || is(at, c.regime, ADMITTED);
        let admitted = import.map(|import| is(import, c.regime, ADMITTED));
        sheet.rule(
            "left and was let in for a time, and is seen no more",
            &[with(c.regime), with(c.direction)].concat(),
            for_a_time && admitted == Some(true) && later.is_empty(),
        );
        sheet.flag("for a time", &[(TABLE, c.regime)], Some(for_a_time));
        sheet.flag("let in for a time", &[(TABLE, c.ucr), (TABLE, c.regime)], admitted);
        sheet.number("exports of the serial numbers later", &with(c.direction), many(sent));
        sheet.number("imports of the serial numbers later", &with(c.direction), many(came));
        let first = later.first().copied();
        sheet.number(
            "days until then",
            &with(c.accepted_at),
            first.and_then(|row| look.days((at, c.accepted_at), (row, c.accepted_at))),
        );
        let words = first.map(|row| look.tokens(row, c.regime)).unwrap_or_default();
        sheet.words("procedure then", &with(c.regime), words);
    }
}
