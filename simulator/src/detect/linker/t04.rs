//! T04: a consignment as both sides classify it. Key: the unique consignment reference; code, words, numbers and price.

use super::columns::DECLARATION;
use super::{Linker, customs_of_destination, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;

/// Links an export and the import of it.
#[derive(Debug)]
pub struct Misclassified;

/// Declarations of a code that are looked at to learn what is usual for it.
const LOOKED_THROUGH: usize = 48;
const TABLE: Table = Table::Declaration;

impl Linker for Misclassified {
    fn scheme(&self) -> &'static str {
        "T04"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Declaration, Table::Ruling]
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
        let d = &*DECLARATION;
        let is = |row: &At, direction: &str| {
            look.text(*row, d.direction).is_none_or(|word| word == direction)
        };
        let other = |direction: &'static str| {
            if is(&at, direction) {
                return Some(at);
            }
            look.linked((at, d.ucr), (TABLE, d.ucr), Alike::Exactly).find(|row| is(row, direction))
        };
        let (export, import) = (other("EXPORT"), other("IMPORT"));
        let pair = |column: usize| Some(((export?, column), (import?, column)));
        let ucr = (TABLE, d.ucr);
        let reads = |column: usize| [ucr, (TABLE, column)];
        let digits = pair(d.hs_code).and_then(|(one, other)| look.digits_alike(one, other));
        let numbered = |row: Option<At>| Some(look.serial(row?, d.description).is_some());
        let named = |row: Option<At>| look.present(row?, d.end_user_name);
        let controlled = |row: Option<At>| row.map(|row| is_controlled(look, row));
        let (hidden, told) = (numbered(export), numbered(import));
        let only_there = hidden.zip(told).map(|(here, there)| there && !here);
        let (here, there) = (controlled(export), controlled(import));
        let evaded = here.zip(there).map(|(here, there)| there && !here);
        let codes = [ucr, (TABLE, d.hs_code), (TABLE, d.end_user_name)];
        sheet.rule(
            "controlled on arrival and not at departure, and only there with numbers",
            &[codes.as_slice(), &[(TABLE, d.description)]].concat(),
            evaded == Some(true) && only_there == Some(true),
        );
        sheet.flag("controlled on arrival and not at departure", &codes, evaded);
        sheet.flag(
            "serial numbers on arrival and none at departure",
            &reads(d.description),
            only_there,
        );
        sheet.number("digits of the codes that agree", &reads(d.hs_code), digits);
        let words = pair(d.description).and_then(|(one, other)| look.likeness(one, other));
        sheet.number("likeness of the words", &reads(d.description), words);
        let ratio =
            |column: usize| pair(column).and_then(|(one, other)| look.log_ratio(other, one));
        sheet.number("value, as a ratio", &reads(d.value), ratio(d.value));
        sheet.number("mass, as a ratio", &reads(d.net_mass_grams), ratio(d.net_mass_grams));
        sheet.flag("an end user is named", &[(TABLE, d.end_user_name)], named(export));
        // A code and its price, by this side's own declarations of the code.
        let prices = [(TABLE, d.hs_code), (TABLE, d.value), (TABLE, d.net_mass_grams)];
        sheet.number("price over what is usual for the code", &prices, over_usual(look, at));
        let across = export
            .zip(import)
            .and_then(|(export, import)| Some(price(look, export)? - usual(look, import)?));
        sheet.number(
            "price at departure over what is usual for the code on arrival",
            &[prices.as_slice(), &[ucr]].concat(),
            across,
        );
        let code = |row: Option<At>| row.map(|row| look.tokens(row, d.hs_code)).unwrap_or_default();
        sheet.words("code on arrival", &reads(d.hs_code), code(import));
        let between = export.map_or(0, |export| {
            let seller = (export, d.exporter_id);
            let buyer = (export, d.importer_id);
            look.linked(seller, (TABLE, d.exporter_id), Alike::Exactly)
                .take(LOOKED_THROUGH)
                .filter(|row| {
                    look.same(buyer, (*row, d.importer_id), Alike::Exactly) == Some(true)
                        && look.same((export, d.hs_code), (*row, d.hs_code), Alike::Exactly)
                            == Some(true)
                })
                .count()
        });
        sheet.number(
            "more of the code between the two",
            &[(TABLE, d.exporter_id), (TABLE, d.importer_id), (TABLE, d.hs_code)],
            many(between),
        );
    }
}

/// Other declarations of a row's code, a few of them, within the view.
fn alike(look: &Look, at: At) -> impl Iterator<Item = At> {
    let d = &*DECLARATION;
    look.linked((at, d.hs_code), (TABLE, d.hs_code), Alike::Exactly).take(LOOKED_THROUGH)
}

/// Whether goods of a row's code may need a licence: exporters name an end user for them.
fn is_controlled(look: &Look, at: At) -> bool {
    let d = &*DECLARATION;
    let named = |row: At| look.present(row, d.end_user_name) == Some(true);
    named(at) || alike(look, at).any(named)
}

/// Logarithm of dollars a kilogram.
fn price(look: &Look, at: At) -> Option<f64> {
    let d = &*DECLARATION;
    look.log_ratio((at, d.value), (at, d.net_mass_grams))
}

/// The middle of what goods of a row's code cost.
fn usual(look: &Look, at: At) -> Option<f64> {
    let mut all: Vec<f64> = alike(look, at).filter_map(|row| price(look, row)).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

fn over_usual(look: &Look, at: At) -> Option<f64> {
    Some(price(look, at)? - usual(look, at)?)
}
