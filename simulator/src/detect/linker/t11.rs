//! T11: a seal read on arrival against the one that was put on. Keys: the number of the box, near in time; the import that
//! names it says where it was loaded.

use super::columns::{DECLARATION, SEAL, WEIGHING};
use super::{Linker, best, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Place, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a seal that customs read and what the port of loading did with the box.
#[derive(Debug)]
pub struct RipOn;

/// Days from the sealing to the end of a voyage at most.
const VOYAGE: f64 = 100.0;
/// Days that a box waits for its ship at most.
const WAIT: f64 = 40.0;
/// Days between a seal's reading and the import of the box at most.
const NEAR: f64 = 45.0;
/// What two weighings may differ by.
const NOISE: f64 = 0.04;

impl Linker for RipOn {
    fn scheme(&self) -> &'static str {
        "T11"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::SealEvent, Table::Weighing, Table::Declaration]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::SealEvent, "IC")
    }

    /// The port of the state that the box came from, as its import says.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let (d, s) = (&*DECLARATION, &*SEAL);
        let own = records.agency(at);
        let read = records.number(at, s.at).unwrap_or_default();
        let days = |row: At| {
            let accepted = records.number(row, d.accepted_at).unwrap_or_default();
            (accepted - read).abs() / 86_400.0
        };
        let keys = records.keys(at, s.container, Alike::AnyOf).into_iter();
        let named = keys
            .flat_map(|key| records.with(Table::Declaration, d.containers, Alike::AnyOf, key))
            .map(|row| At { table: Table::Declaration, row: *row })
            .filter(|row| records.agency(*row) == own && days(*row) < NEAR)
            .filter(|row| records.text(*row, d.direction) == "IMPORT");
        let import = best(named, |row| -days(row));
        let from = import.map(|row| records.text(row, d.country_of_departure));
        let port = from.and_then(|from| roster.abroad(from, Office::Port));
        port.map(|port| vec![port]).into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (s, w) = (&*SEAL, &*WEIGHING);
        let (container, moment) = match at.table {
            Table::SealEvent => (s.container, s.at),
            Table::Weighing => (w.container, w.at),
            _ => return,
        };
        let of_box = |table: Table, column: Place| {
            let linked = look.linked((at, container), (table, column), Alike::Exactly);
            let own = (at.table == table).then_some(at);
            linked.chain(own).collect::<Vec<At>>()
        };
        let seals = of_box(Table::SealEvent, s.container);
        let is = |row: At, kind: &str| look.text(row, s.kind).is_some_and(|word| word == kind);
        let before = |row: At| look.days((row, s.at), (at, moment));
        let affixed = seals.iter().copied().filter(|row| {
            is(*row, "AFFIXED") && before(*row).is_some_and(|days| (-1.0..VOYAGE).contains(&days))
        });
        let affixed = best(affixed, |row| -before(row).unwrap_or(VOYAGE));
        let waited = |row: At, column: Place| {
            let days = affixed.and_then(|first| look.days((first, s.at), (row, column)));
            days.filter(|days| (0.0..WAIT).contains(days))
        };
        let differ = affixed.filter(|_| at.table == Table::SealEvent).and_then(|first| {
            let (on, read) = (look.text(first, s.seal)?, look.text(at, s.seal)?);
            let wrong = on.chars().zip(read.chars()).filter(|(one, other)| one != other).count();
            Some(wrong + on.len().abs_diff(read.len()))
        });
        let replaced = seals
            .iter()
            .any(|row| is(*row, "REPLACED") && before(*row).is_some_and(|days| days.abs() < NEAR));
        let home = |row: &At| {
            affixed.map(|first| look.records.agency(first)) == Some(look.records.agency(*row))
        };
        let yard = seals
            .iter()
            .copied()
            .filter(|row| is(*row, "CHECKED") && home(row))
            .find_map(|row| waited(row, s.at));
        let mut weighed: Vec<(f64, f64)> = of_box(Table::Weighing, w.container)
            .into_iter()
            .filter(home)
            .filter_map(|row| {
                let net = look.number(row, w.gross_mass_grams)? - look.number(row, w.tare_grams)?;
                Some((waited(row, w.at)?, net / 1e6))
            })
            .collect();
        weighed.sort_by(|one, other| one.0.total_cmp(&other.0));
        let ends = weighed.first().zip(weighed.last()).filter(|_| weighed.len() > 1);
        let gain = ends.map(|((_, first), (_, last))| last - first);
        let share = ends.map(|((_, first), (_, last))| last / first.max(1e-3) - 1.0);
        let read = [(Table::SealEvent, s.container), (Table::SealEvent, s.seal)];
        let mass = [
            (Table::Weighing, w.container),
            (Table::Weighing, w.gross_mass_grams),
            (Table::Weighing, w.tare_grams),
        ];
        let kinds = [(Table::SealEvent, s.container), (Table::SealEvent, s.kind)];
        sheet.rule(
            "the seal is another than was put on a box that was taken out",
            &[read.as_slice(), &kinds].concat(),
            differ.is_some_and(|wrong| wrong > 0) && yard.is_some() && !replaced,
        );
        sheet.number("characters in which the seals differ", &read, differ.and_then(many));
        sheet.flag("customs replaced the seal", &kinds, Some(replaced));
        sheet.flag("the box was taken out of the stack", &kinds, Some(yard.is_some()));
        sheet.number("days from the sealing to that", &kinds, yard);
        sheet.flag("more was weighed than scales err by", &mass, share.map(|it| it > NOISE));
        sheet.number("tonnes that the box grew", &mass, gain);
        sheet.number("the same over what it weighed", &mass, share);
        sheet.number("weighings before it was loaded", &mass, many(weighed.len()));
    }
}
