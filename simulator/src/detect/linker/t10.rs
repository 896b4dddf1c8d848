//! T10: a box that stands at a hub and is declared elsewhere. Key: its number, near in time; its bill says which papers
//! are its own.

use std::collections::BTreeSet;

use super::columns::{BILL, DECLARATION, GATE, SEAL};
use super::{Linker, best, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a box that was landed and the declarations that name it.
#[derive(Debug)]
pub struct Twin;

/// Days around its landing in which a box can hardly be on another way.
const NEAR: f64 = 60.0;
/// Days from the landing of a box until it is let out at most.
const STAY: f64 = 75.0;

impl Linker for Twin {
    fn scheme(&self) -> &'static str {
        "T10"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::GateMove, Table::BillOfLading, Table::Declaration, Table::SealEvent]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::GateMove, "PT")
    }

    /// Customs that hold a declaration which names the box, at that time.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        if records.text(at, GATE.kind) != "DISCHARGE" {
            return vec![];
        }
        let all: Vec<u32> = roster.all(Office::Customs).collect();
        let look = Look { records, agencies: &all, asks: None };
        let customs: BTreeSet<u32> =
            naming(&look, at).map(|row| look.records.agency(row)).collect();
        customs.into_iter().map(|customs| vec![customs]).collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        match at.table {
            Table::GateMove => of_move(look, at, sheet),
            Table::Declaration => {
                let d = &*DECLARATION;
                let key = (Table::Declaration, d.containers);
                let others = look.linked((at, d.containers), key, Alike::AnyOf).filter(|row| {
                    let days = look.days((at, d.accepted_at), (*row, d.accepted_at));
                    days.is_some_and(|days| days.abs() < NEAR)
                });
                sheet.number("other declarations that name the box", &[key], many(others.count()));
            }
            _ => {}
        }
    }
}

/// Declarations that name a box that was moved, at that time.
fn naming<'a>(look: &Look<'a>, at: At) -> impl Iterator<Item = At> + use<'a> {
    let (look, g, d) = (*look, &*GATE, &*DECLARATION);
    let key = (Table::Declaration, d.containers);
    look.linked((at, g.container), key, Alike::AnyOf).filter(move |row| {
        let days = look.days((at, g.at), (*row, d.accepted_at));
        days.is_some_and(|days| days.abs() < NEAR)
    })
}

fn of_move(look: &Look, at: At, sheet: &mut Sheet) {
    let (g, d, b, s) = (&*GATE, &*DECLARATION, &*BILL, &*SEAL);
    let later = |row: At| look.days((at, g.at), (row, g.at));
    let moves = look.linked((at, g.container), (Table::GateMove, g.container), Alike::Exactly);
    let out = moves.filter(|row| {
        look.text(*row, g.kind).is_some_and(|kind| kind == "GATE_OUT")
            && later(*row).is_some_and(|days| (0.0..STAY).contains(&days))
    });
    let out = best(out, |row| -later(row).unwrap_or(STAY));
    let stay = out.and_then(later);
    let issued = |row: At| look.days((row, b.issued_at), (at, g.at));
    let bills = look.linked((at, g.container), (Table::BillOfLading, b.containers), Alike::AnyOf);
    let bill = bills.filter(|row| issued(*row).is_some_and(|days| (0.0..STAY).contains(&days)));
    let bill = best(bill, |row| -issued(row).unwrap_or(STAY));
    let mut foreign: Vec<(f64, At)> = vec![];
    for row in naming(look, at) {
        let own = bill.and_then(|bill| look.same((bill, b.ucr), (row, d.ucr), Alike::Exactly));
        let days = look.days((at, g.at), (row, d.accepted_at));
        foreign.extend(days.filter(|_| own == Some(false)).map(|days| (days, row)));
    }
    let while_there = foreign.iter().any(|(days, row)| {
        let export = look.text(*row, d.direction).is_some_and(|word| word == "EXPORT");
        export && *days > 0.0 && stay.is_some_and(|stay| *days < stay)
    });
    let after = foreign.iter().map(|(days, _)| *days).reduce(f64::min);
    let seals = look.linked((at, g.container), (Table::SealEvent, s.container), Alike::Exactly);
    let read = seals
        .filter(|row| look.records.agency(*row) != look.records.agency(at))
        .filter(|row| look.days((at, g.at), (*row, s.at)).is_some_and(|days| days.abs() < NEAR))
        .find_map(|row| look.same((at, g.seal), (row, s.seal), Alike::Exactly));
    let named = [
        (Table::GateMove, g.container),
        (Table::Declaration, d.containers),
        (Table::BillOfLading, b.ucr),
        (Table::Declaration, d.ucr),
    ];
    let times = [named.as_slice(), &[(Table::GateMove, g.at), (Table::Declaration, d.accepted_at)]]
        .concat();
    let sealed = [(Table::GateMove, g.seal), (Table::SealEvent, s.seal)];
    let own = [(Table::GateMove, g.container), (Table::GateMove, g.at)];
    sheet.rule("other papers name the box while it is here", &times, !foreign.is_empty());
    sheet.flag(
        "it is declared for export elsewhere while it stands here",
        &times,
        Some(while_there),
    );
    sheet.number("declarations that name it and are not its own", &named, many(foreign.len()));
    sheet.number("days from its landing to the first of them", &times, after);
    sheet.number("days that it stands here", &own, stay);
    sheet.flag("its seal is read elsewhere as the same", &sealed, read);
}
