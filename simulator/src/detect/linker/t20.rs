//! T20: from a bill of materials to exports of its parts. Keys: the user's name as exporters declare it; then words, codes and
//! states.

use std::collections::BTreeSet;

use super::columns::{DECLARATION, TIP};
use super::{Linker, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Place, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;
use crate::world::spelling::likeness;

/// Links a tip and exports for whom it speaks of.
#[derive(Debug)]
pub struct Kit;

/// Kinds of parts from which on it is a kit.
const KINDS: usize = 3;
/// Likeness of words from which on a part of the bill is the goods that were declared.
const SAME_WORDS: f64 = 0.7;

impl Linker for Kit {
    fn scheme(&self) -> &'static str {
        "T20"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Tip, Table::Declaration]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Tip, "INT")
    }

    /// Customs of the service's state, and those of any other.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let Some(own) = roster.sister(records.agency(at), Office::Customs) else { return vec![] };
        let others = roster.all(Office::Customs).filter(|customs| *customs != own);
        others.map(|other| vec![own, other]).collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (t, d) = (&*TIP, &*DECLARATION);
        let key = match at.table {
            Table::Tip => (Table::Tip, t.subject_name),
            Table::Declaration => (Table::Declaration, d.end_user_name),
            _ => return,
        };
        let user = (Table::Declaration, d.end_user_name);
        let out = |row: &At| look.text(*row, d.direction).is_none_or(|word| word == "EXPORT");
        let all: Vec<At> = look.linked((at, key.1), user, Alike::AsName).filter(out).collect();
        let reads = [key, user];
        let with = |column| [reads.as_slice(), &[(Table::Declaration, column)]].concat();
        let kinds = distinct(look, &all, d.hs_code);
        let states = distinct(look, &all, d.country_of_departure);
        sheet.number("exports for the user", &reads, many(all.len()));
        sheet.number("kinds of goods among those", &with(d.hs_code), many(kinds));
        let exporters = distinct(look, &all, d.exporter_id);
        sheet.number("exporters of those", &with(d.exporter_id), many(exporters));
        sheet.number("states that those left", &with(d.country_of_departure), many(states));
        if at.table != Table::Tip {
            return;
        }
        let codes = [with(d.hs_code).as_slice(), &[(Table::Tip, t.hs_code)]].concat();
        let named = all.iter().any(|row| {
            look.digits_alike((at, t.hs_code), (*row, d.hs_code)).is_some_and(|digits| digits > 5.0)
        });
        let words = [with(d.description).as_slice(), &[(Table::Tip, t.content)]].concat();
        let (parts, of_bill) = of_bill(look, at, &all);
        sheet.rule(
            "parts that a bill of materials names leave several states for its user",
            &[codes.as_slice(), &words, &[(Table::Declaration, d.country_of_departure)]].concat(),
            (named || of_bill > 0) && kinds >= KINDS && states > 1,
        );
        sheet.number("parts of the bill", &[(Table::Tip, t.content)], many(parts));
        sheet.number("parts of the bill that left for the user", &words, many(of_bill));
        let left = libm::log1p((of_bill + usize::from(named)) as f64) * libm::log1p(states as f64);
        sheet.number(
            "parts of the bill by states",
            &[codes.as_slice(), &words].concat(),
            Some(left),
        );
        sheet.flag("one of them is the part that the tip names", &codes, Some(named));
        let person = (Table::Tip, t.subject_person);
        sheet.flag("speaks of a person", &[person], look.present(at, person.1));
        let times = all.iter().filter_map(|row| look.number(*row, d.accepted_at));
        let (least, most) =
            times.fold((f64::MAX, f64::MIN), |(least, most), at| (least.min(at), most.max(at)));
        let span = (most >= least).then_some((most - least) / 86_400.0);
        sheet.number("days from first to last", &with(d.accepted_at), span);
    }
}

/// How many parts a bill of materials has, and how many of them some exports are of, by their words.
fn of_bill(look: &Look, tip: At, exports: &[At]) -> (usize, usize) {
    let content = look.text(tip, TIP.content).unwrap_or_default();
    let Some((_, list)) = content.split_once(": ") else { return (0, 0) };
    let declared: Vec<_> =
        exports.iter().filter_map(|row| look.text(*row, DECLARATION.description)).collect();
    let left = |part: &&str| declared.iter().any(|words| likeness(part, words) > SAME_WORDS);
    let parts: Vec<&str> = list.split("; ").collect();
    (parts.len(), parts.iter().filter(|part| left(part)).count())
}

/// How many different values some rows have.
fn distinct(look: &Look, rows: &[At], column: Place) -> usize {
    let all: BTreeSet<u64> = rows.iter().flat_map(|row| look.tokens(*row, column)).collect();
    all.len()
}
