//! T17: who pays for an invoice, and how much. Keys: the invoice's number; the payer, back along what was paid to it
//! shortly before.

use super::columns::{DECLARATION, INVOICE, PAYMENT};
use super::{Linker, best, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links an invoice and the payments that name it.
#[derive(Debug)]
pub struct ThirdPartyPayer;

/// Days between two payments of one chain at most.
const CHAIN: f64 = 8.0;

impl Linker for ThirdPartyPayer {
    fn scheme(&self) -> &'static str {
        "T17"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Invoice, Table::Payment, Table::Declaration]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Invoice, "XC")
    }

    /// The unit of the seller's state.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        roster.sister(records.agency(at), Office::Fiu).map(|unit| vec![unit]).into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        match at.table {
            Table::Invoice => invoice(look, at, sheet),
            Table::Payment => payment(look, at, sheet),
            _ => {}
        }
    }
}

fn invoice(look: &Look, at: At, sheet: &mut Sheet) {
    let (i, p, d) = (&*INVOICE, &*PAYMENT, &*DECLARATION);
    let payments: Vec<At> =
        look.linked((at, i.id), (Table::Payment, p.invoice_id), Alike::Exactly).collect();
    let first = payments.first().copied();
    let paid: Option<f64> = payments.iter().map(|payment| look.number(*payment, p.amount)).sum();
    let premium = paid
        .filter(|paid| *paid > 0.0)
        .zip(look.number(at, i.amount))
        .map(|(paid, asked)| libm::log(paid / asked));
    let other = first
        .and_then(|payment| look.same((payment, p.payer_id), (at, i.buyer_id), Alike::Exactly))
        .map(|same| !same);
    let declared = look
        .linked((at, i.ucr), (Table::Declaration, d.ucr), Alike::Exactly)
        .find(|row| look.text(*row, d.direction).is_none_or(|word| word == "EXPORT"));
    let pays = [
        (Table::Payment, p.invoice_id),
        (Table::Payment, p.payer_id),
        (Table::Invoice, i.buyer_id),
    ];
    let amounts =
        [(Table::Payment, p.invoice_id), (Table::Payment, p.amount), (Table::Invoice, i.amount)];
    sheet.rule(
        "somebody else pays, and too much",
        &[pays.as_slice(), &amounts].concat(),
        other == Some(true) && premium.is_some_and(|premium| premium > 0.08),
    );
    sheet.number("payments for it", &pays, many(payments.len()));
    sheet.flag("somebody else pays", &pays, other);
    sheet.number("paid over asked", &amounts, premium);
    let both = other.zip(premium).map(|(other, premium)| if other { premium } else { 0.0 });
    sheet.number("what others pay beyond the invoice", &[pays.as_slice(), &amounts].concat(), both);
    let country = |column| first.map(|payment| look.tokens(payment, column)).unwrap_or_default();
    sheet.words(
        "state of the payer",
        &[(Table::Payment, p.payer_country)],
        country(p.payer_country),
    );
    let abroad = first.zip(declared).and_then(|(payment, declared)| {
        let (payer, importer) =
            (look.text(payment, p.payer_country)?, look.text(declared, d.importer_country)?);
        Some(payer != importer)
    });
    let states = [(Table::Payment, p.payer_country), (Table::Declaration, d.importer_country)];
    sheet.flag("payer and importer are of two states", &states, abroad);
    let words = |column| declared.map(|row| look.tokens(row, column)).unwrap_or_default();
    sheet.words("goods", &[(Table::Declaration, d.hs_code)], words(d.hs_code));
    sheet.words(
        "where they go",
        &[(Table::Declaration, d.country_of_destination)],
        words(d.country_of_destination),
    );
    let controlled = declared.and_then(|row| look.present(row, d.end_user_name));
    sheet.flag(
        "goods that may be controlled",
        &[(Table::Declaration, d.end_user_name)],
        controlled,
    );
    before(look, first, sheet);
}

fn payment(look: &Look, at: At, sheet: &mut Sheet) {
    let p = &*PAYMENT;
    let siblings =
        look.linked((at, p.invoice_id), (Table::Payment, p.invoice_id), Alike::Exactly).count();
    let id = [(Table::Payment, p.invoice_id)];
    sheet.number("other payments for the invoice", &id, many(siblings));
    let pair = look
        .linked((at, p.payer_id), (Table::Payment, p.payer_id), Alike::Exactly)
        .filter(|other| {
            look.same((*other, p.payee_id), (at, p.payee_id), Alike::Exactly) == Some(true)
        })
        .count();
    let parties = [(Table::Payment, p.payer_id), (Table::Payment, p.payee_id)];
    sheet.number("other payments between the two", &parties, many(pair));
    let as_payee =
        look.linked((at, p.payer_id), (Table::Payment, p.payee_id), Alike::Exactly).count();
    sheet.number("payments to the payer", &parties, many(as_payee));
    before(look, Some(at), sheet);
}

/// What was paid to the payer shortly before, of about the amount.
fn before(look: &Look, payment: Option<At>, sheet: &mut Sheet) {
    let p = &*PAYMENT;
    let source = payment.and_then(|payment| {
        let incoming = look
            .linked((payment, p.payer_id), (Table::Payment, p.payee_id), Alike::Exactly)
            .filter(|other| {
                look.days((*other, p.value_date), (payment, p.value_date))
                    .is_some_and(|days| (0.0..CHAIN).contains(&days))
            })
            .filter(|other| {
                look.log_ratio((*other, p.amount), (payment, p.amount))
                    .is_some_and(|ratio| (0.0..0.08).contains(&ratio))
            });
        best(incoming, |other| {
            -look.log_ratio((other, p.amount), (payment, p.amount)).unwrap_or(9.0)
        })
    });
    let reads =
        [(Table::Payment, p.payee_id), (Table::Payment, p.amount), (Table::Payment, p.value_date)];
    sheet.flag("the payer was paid as much just before", &reads, payment.map(|_| source.is_some()));
    let words = source.map(|row| look.tokens(row, p.payer_country)).unwrap_or_default();
    sheet.words("state that money came from", &[(Table::Payment, p.payer_country)], words);
}
