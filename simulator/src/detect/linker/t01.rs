//! T01: goods that go to a hub and leave it again. Keys: the serial number, as in both declarations; where that is
//! not to be had, the trader who imports and exports the same heading soon after.

use super::columns::DECLARATION;
use super::{Linker, best, customs_of_destination, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;

/// Links an export, the import of it and what leaves again.
#[derive(Debug)]
pub struct ThirdCountry;

/// Longest stay in the hub that is looked at, days.
const STAY: f64 = 150.0;
const TABLE: Table = Table::Declaration;

impl Linker for ThirdCountry {
    fn scheme(&self) -> &'static str {
        "T01"
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
        let is = |at: At, direction: &str| {
            look.text(at, c.direction).is_none_or(|found| found == direction)
        };
        let import = if is(at, "EXPORT") {
            look.linked((at, c.ucr), (TABLE, c.ucr), Alike::Exactly)
                .find(|other| is(*other, "IMPORT"))
        } else {
            Some(at)
        };
        let later = |other: At| {
            let days = look.days((import.unwrap_or(at), c.accepted_at), (other, c.accepted_at));
            days.is_none_or(|days| (-31.0..STAY).contains(&days))
        };
        let again = |other: &At| {
            let (other, reads) = (*other, c.country_of_departure);
            let from = (at, c.country_of_destination);
            let same = look.text(from.0, from.1).zip(look.text(other, reads));
            is(other, "EXPORT") && same.is_none_or(|(to, from)| to == from) && later(other)
        };
        // Whoever has the import sees the numbers there, even where those of the export are hidden.
        let numbered = [Some(at), import.filter(|import| *import != at)];
        let mut by_serial: Vec<At> = numbered
            .into_iter()
            .flatten()
            .flat_map(|row| {
                look.linked((row, c.description), (TABLE, c.description), Alike::BySerial)
            })
            .filter(again)
            .collect();
        by_serial.sort_unstable();
        by_serial.dedup();
        let by_trade: Vec<At> = import
            .into_iter()
            .flat_map(|import| {
                look.linked((import, c.importer_id), (TABLE, c.exporter_id), Alike::Exactly)
            })
            .filter(again)
            .filter(|other| {
                look.digits_alike((at, c.hs_code), (*other, c.hs_code))
                    .is_none_or(|alike| alike >= 4.0)
            })
            .collect();
        let mass = |other: At| {
            let ratio = look.log_ratio((other, c.net_mass_grams), (at, c.net_mass_grams));
            ratio.map(|ratio| libm::fabs(ratio).min(libm::fabs(ratio + core::f64::consts::LN_2)))
        };
        let closest = |all: &[At]| best(all.iter().copied(), |other| -mass(other).unwrap_or(9.0));
        let onward = closest(&by_serial).or_else(|| closest(&by_trade));
        let with = |column| [(TABLE, column), (TABLE, c.description), (TABLE, c.exporter_id)];
        let other_buyer = onward.and_then(|onward| {
            Some(look.likeness((at, c.end_user_name), (onward, c.importer_name))? < 0.8)
        });
        let found = !by_serial.is_empty();
        sheet.rule(
            "the same serial numbers leave again, not for the end user who was named",
            &[(TABLE, c.description), (TABLE, c.end_user_name), (TABLE, c.importer_name)],
            found && other_buyer != Some(false),
        );
        sheet.flag("the same serial numbers leave again", &[(TABLE, c.description)], Some(found));
        let reads = [(TABLE, c.importer_id), (TABLE, c.exporter_id), (TABLE, c.hs_code)];
        sheet.number(
            "exports of the heading by the importer soon after",
            &reads,
            many(by_trade.len()),
        );
        sheet.flag(
            "the end user who was named is not who buys in the end",
            &with(c.end_user_name),
            other_buyer,
        );
        sheet.flag(
            "the end user who was named is the importer",
            &[(TABLE, c.end_user_name), (TABLE, c.importer_name)],
            look.same((at, c.end_user_name), (at, c.importer_name), Alike::AsName),
        );
        let pair = |column| onward.map(|onward| ((at, column), (onward, column)));
        sheet.number(
            "days until they leave",
            &with(c.accepted_at),
            onward.and_then(|onward| {
                look.days((import.unwrap_or(at), c.accepted_at), (onward, c.accepted_at))
            }),
        );
        sheet.number("mass that differs", &with(c.net_mass_grams), onward.and_then(mass));
        sheet.number(
            "pieces, as a ratio",
            &with(c.quantity),
            pair(c.quantity).and_then(|(one, other)| look.log_ratio(other, one)),
        );
        sheet.number(
            "value, as a ratio",
            &with(c.value),
            pair(c.value).and_then(|(one, other)| look.log_ratio(other, one)),
        );
        sheet.number(
            "digits of the codes that agree",
            &with(c.hs_code),
            pair(c.hs_code).and_then(|(one, other)| look.digits_alike(one, other)),
        );
        let words = |column| onward.map(|onward| look.tokens(onward, column)).unwrap_or_default();
        sheet.words(
            "where they go",
            &with(c.country_of_destination),
            words(c.country_of_destination),
        );
        sheet.words("procedure of the second export", &with(c.regime), words(c.regime));
    }
}
