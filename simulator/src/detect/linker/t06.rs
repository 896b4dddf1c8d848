//! T06: parts of an order and who pays for them. Keys: the invoice leads to the payment, the payer's number to what it buys
//! itself at the same time, and on; the buyer's number leads to what other states send it.

use std::collections::BTreeSet;

use super::columns::{DECLARATION, INVOICE, PAYMENT};
use super::{Linker, best, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::scheme::LIMIT_DOLLARS;
use crate::table::Table;
use crate::world::Office;

/// Links exports, their payments, and what those who pay buy.
#[derive(Debug)]
pub struct Split;

/// Days between parts of one order at most.
const NEAR: f64 = 60.0;
/// Digits of the codes that agree at least.
const ALIKE: f64 = 2.0;
/// Most firms that are followed from buyer to payer.
const STEPS: usize = 6;
/// Most exports of like goods that are counted.
const MOST: usize = 600;

impl Linker for Split {
    fn scheme(&self) -> &'static str {
        "T06"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Declaration, Table::Invoice, Table::Payment]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Declaration, "XC")
    }

    /// The unit of the same state, and customs of others that send the buyer the like.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let all: Vec<u32> = roster.all(Office::Customs).collect();
        let look = Look { records, agencies: &all, asks: None };
        let own = records.agency(at);
        if !is_part(&look, at) {
            return vec![];
        }
        let others = near(&look, (at, DECLARATION.importer_id), at);
        let others: BTreeSet<u32> = others.map(|row| records.agency(row)).collect();
        let others = others.into_iter().filter(|other| *other != own);
        let unit = roster.sister(own, Office::Fiu);
        unit.into_iter().chain(others).map(|other| vec![other]).collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        match at.table {
            Table::Declaration => of_export(look, at, sheet),
            Table::Payment => of_payment(look, at, sheet),
            _ => {}
        }
    }
}

/// Whether a declaration is of an export below the limit.
fn is_part(look: &Look, at: At) -> bool {
    let d = &*DECLARATION;
    let small = look.number(at, d.value).is_none_or(|value| value < LIMIT_DOLLARS);
    small && look.text(at, d.direction).is_none_or(|word| word == "EXPORT")
}

/// Exports below the limit of the like of one, at the same time, to whom a cell names.
fn near<'a>(look: &Look<'a>, buyer: (At, usize), like: At) -> impl Iterator<Item = At> + use<'a> {
    let (look, d) = (*look, &*DECLARATION);
    look.linked(buyer, (Table::Declaration, d.importer_id), Alike::Exactly).filter(move |row| {
        let days = look.days((like, d.accepted_at), (*row, d.accepted_at));
        let alike = look.digits_alike((like, d.hs_code), (*row, d.hs_code));
        *row != like
            && days.is_some_and(|days| days.abs() < NEAR)
            && alike.is_some_and(|digits| digits >= ALIKE)
            && is_part(&look, *row)
    })
}

/// A payment for an export by another than the buyer.
fn by_other(look: &Look, export: At) -> Option<At> {
    let (d, i, p) = (&*DECLARATION, &*INVOICE, &*PAYMENT);
    let invoice = look.linked((export, d.ucr), (Table::Invoice, i.ucr), Alike::Exactly).next()?;
    look.linked((invoice, i.id), (Table::Payment, p.invoice_id), Alike::Exactly).find(|row| {
        look.same((*row, p.payer_id), (export, d.importer_id), Alike::Exactly) == Some(false)
    })
}

/// Exports of the like whose buyers somebody pays for who is a buyer: from one to the next.
fn steps(look: &Look, export: At) -> usize {
    let (d, p) = (&*DECLARATION, &*PAYMENT);
    let mut seen = vec![export];
    while let Some(last) = seen.last().filter(|_| seen.len() <= STEPS) {
        let Some(payment) = by_other(look, *last) else { break };
        let bought = near(look, (payment, p.payer_id), export)
            .filter(|row| !seen.contains(row) && by_other(look, *row).is_some());
        let days = |row: At| look.days((export, d.accepted_at), (row, d.accepted_at));
        let Some(next) = best(bought, |row| -days(row).unwrap_or(NEAR).abs()) else { break };
        seen.push(next);
    }
    seen.len() - 1
}

/// Orders of others for the like that a buyer pays for.
fn pays_for(look: &Look, export: At) -> usize {
    let (d, i, p) = (&*DECLARATION, &*INVOICE, &*PAYMENT);
    let paid = look.linked((export, d.importer_id), (Table::Payment, p.payer_id), Alike::Exactly);
    paid.filter_map(|row| {
        let key = (Table::Invoice, i.id);
        let invoice = look.linked((row, p.invoice_id), key, Alike::Exactly).next()?;
        let other = (Table::Declaration, d.ucr);
        let other =
            look.linked((invoice, i.ucr), other, Alike::Exactly).find(|row| is_part(look, *row))?;
        let days = look.days((export, d.accepted_at), (other, d.accepted_at))?;
        let alike = look.digits_alike((export, d.hs_code), (other, d.hs_code))?;
        let same = look.same((export, d.importer_id), (other, d.importer_id), Alike::Exactly);
        (days.abs() < NEAR && alike >= ALIKE && same == Some(false)).then_some(other)
    })
    .collect::<BTreeSet<At>>()
    .len()
}

fn of_export(look: &Look, at: At, sheet: &mut Sheet) {
    let (d, i, p) = (&*DECLARATION, &*INVOICE, &*PAYMENT);
    let own = look.records.agency(at);
    let small = is_part(look, at);
    let steps = if small { steps(look, at) } else { 0 };
    let pays_for = if small { pays_for(look, at) } else { 0 };
    let (mut here, mut elsewhere) = (0, 0);
    for row in near(look, (at, d.importer_id), at) {
        let same = look.records.agency(row) == own;
        (here, elsewhere) = (here + usize::from(same), elsewhere + usize::from(!same));
    }
    let like = look
        .linked((at, d.hs_code), (Table::Declaration, d.hs_code), Alike::Exactly)
        .take(MOST)
        .filter(|row| {
            let days = look.days((at, d.accepted_at), (*row, d.accepted_at));
            let to = (d.country_of_destination, Alike::Exactly);
            days.is_some_and(|days| days.abs() < NEAR)
                && is_part(look, *row)
                && look.same((at, to.0), (*row, to.0), to.1) == Some(true)
        })
        .count();
    let bought = [
        (Table::Declaration, d.importer_id),
        (Table::Declaration, d.hs_code),
        (Table::Declaration, d.value),
        (Table::Declaration, d.accepted_at),
    ];
    let paid = [
        (Table::Invoice, i.id),
        (Table::Payment, p.invoice_id),
        (Table::Payment, p.payer_id),
        (Table::Declaration, d.importer_id),
    ];
    let both = [bought.as_slice(), &paid].concat();
    sheet.rule("buyers of like parts pay for one another", &both, steps > 0 && pays_for > 0);
    sheet.flag("below the limit", &bought, Some(small));
    let by_other = by_other(look, at);
    let over = by_other.and_then(|payment| look.log_ratio((payment, p.amount), (at, d.value)));
    sheet.flag("another than the buyer pays", &paid, Some(by_other.is_some()));
    let amounts = [(Table::Payment, p.amount), (Table::Declaration, d.value)];
    sheet.number("what is paid over what is declared", &amounts, over);
    sheet.number("steps from buyers to who pays for them", &both, many(steps));
    sheet.number("like orders of others that the buyer pays for", &both, many(pays_for));
    sheet.number("like parts for the buyer", &bought, many(here));
    sheet.number("like parts for the buyer from elsewhere", &bought, many(elsewhere));
    let to = (Table::Declaration, d.country_of_destination);
    sheet.number("like parts for that state", &[bought.as_slice(), &[to]].concat(), many(like));
}

/// What a unit sees by itself.
fn of_payment(look: &Look, at: At, sheet: &mut Sheet) {
    let p = &*PAYMENT;
    let others: Vec<At> = look
        .linked((at, p.payer_id), (Table::Payment, p.payer_id), Alike::Exactly)
        .filter(|row| {
            let days = look.days((at, p.value_date), (*row, p.value_date));
            days.is_some_and(|days| days.abs() < NEAR)
        })
        .collect();
    let payees: BTreeSet<_> = others.iter().filter_map(|row| look.text(*row, p.payee_id)).collect();
    let reads = [(Table::Payment, p.payer_id), (Table::Payment, p.value_date)];
    sheet.number("payments of the payer", &reads, many(others.len()));
    sheet.number("whom they were paid to", &reads, many(payees.len()));
}
