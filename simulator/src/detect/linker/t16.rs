//! T16: goods that leave a free zone, and what they were before. Keys: the consignment's number, then serial numbers.

use super::columns::DECLARATION;
use super::{Linker, best, customs_of_destination, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::shipment::zone::ENTERS;
use crate::table::Table;

/// Links an export, its entry into a zone, and what leaves it.
#[derive(Debug)]
pub struct ReDocumented;

const TABLE: Table = Table::Declaration;

impl Linker for ReDocumented {
    fn scheme(&self) -> &'static str {
        "T16"
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
        let is_import = is(at, c.direction, "IMPORT");
        let entry = if is_import {
            Some(at)
        } else {
            look.linked((at, c.ucr), (TABLE, c.ucr), Alike::Exactly)
                .find(|row| is(*row, c.direction, "IMPORT"))
        };
        let after = |row: &At| {
            is(*row, c.direction, "EXPORT")
                && look
                    .days((entry.unwrap_or(at), c.accepted_at), (*row, c.accepted_at))
                    .is_some_and(|days| days > 0.0)
        };
        let same: Vec<At> = look
            .linked((at, c.description), (TABLE, c.description), Alike::BySerial)
            .filter(after)
            .collect();
        let mass = |row: At| {
            look.log_ratio((row, c.net_mass_grams), (at, c.net_mass_grams)).map(libm::fabs)
        };
        // The mass balance of who brought it in: exports of about as much.
        let balance: Vec<At> = entry
            .into_iter()
            .flat_map(|entry| {
                look.linked((entry, c.importer_id), (TABLE, c.exporter_id), Alike::Exactly)
            })
            .filter(after)
            .filter(|row| mass(*row).is_some_and(|mass| mass < 0.02))
            .collect();
        let exit = best(same.iter().chain(&balance).copied(), |row| -mass(row).unwrap_or(9.0));
        let stored = entry.map(|entry| is(entry, c.regime, ENTERS));
        let serials = [(TABLE, c.description), (TABLE, c.accepted_at)];
        let with = |column| [(TABLE, c.description), (TABLE, c.net_mass_grams), (TABLE, column)];
        let origin = exit.and_then(|exit| {
            look.same((at, c.country_of_origin), (exit, c.country_of_origin), Alike::Exactly)
        });
        let entered = entry
            .filter(|entry| *entry != at)
            .and_then(|entry| look.digits_alike((at, c.hs_code), (entry, c.hs_code)));
        let numbered = entry
            .filter(|entry| *entry != at)
            .map(|entry| look.serial(entry, c.description).is_some());
        sheet.rule(
            "serial numbers that did not enter a zone leave it",
            &[with(c.regime), with(c.hs_code)].concat(),
            stored == Some(true) && numbered == Some(false) && !same.is_empty(),
        );
        sheet.flag("enters a zone", &[(TABLE, c.ucr), (TABLE, c.regime)], stored);
        sheet.number("exports of the serial numbers later", &serials, many(same.len()));
        sheet.number("exports of the mass later", &with(c.exporter_id), many(balance.len()));
        sheet.flag("of the same origin", &with(c.country_of_origin), origin);
        sheet.number("digits of the codes of export and entry", &with(c.hs_code), entered);
        sheet.flag("serial numbers are written down on entry", &serials, numbered);
        sheet.number(
            "days until they leave",
            &with(c.accepted_at),
            exit.and_then(|exit| {
                look.days((entry.unwrap_or(at), c.accepted_at), (exit, c.accepted_at))
            }),
        );
        let words = |column| exit.map(|exit| look.tokens(exit, column)).unwrap_or_default();
        sheet.words(
            "where they go",
            &with(c.country_of_destination),
            words(c.country_of_destination),
        );
    }
}
