//! Invoices, and payments as financial intelligence units of both ends get them.

use super::super::{Consignment, Engine};
use super::{Papers, scaled};
use crate::table::{Invoice, Out, Payment};
use crate::world::Office;

/// A part of what is paid for a consignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instalment {
    /// 1 in advance, 2 the rest.
    pub part: u8,
    /// US cents.
    pub cents: i64,
    /// Value date, days since 1970.
    pub day: i64,
}

impl Engine<'_> {
    /// What is paid for it: a part in advance for some, the rest when the goods have come.
    pub fn instalments(&self, consignment: &Consignment) -> [Instalment; 2] {
        let (draft, twist) = (&consignment.draft, &consignment.twist);
        let mut cell = self.streams.payment.row(draft.number);
        let total = scaled(scaled(draft.cents, twist.export_value), twist.paid);
        let advance = if cell.chance(0.35) { total * cell.whole(20, 50) / 100 } else { 0 };
        let late = cell.lognormal(self.world.rates.payment_days).min(180.0);
        let rest = consignment.movement.arrives.plus_days(late - 20.0).day();
        [
            Instalment { part: 1, cents: advance, day: draft.accepted.day() - 12 },
            Instalment { part: 2, cents: total - advance, day: rest },
        ]
    }
}

impl Papers<'_> {
    pub(super) fn invoice<O: Out>(&self, out: &mut O) {
        let draft = self.draft();
        let terms = ["FOB", "FOB", "CIF", "EXW", "DAP"];
        out.put(&Invoice {
            agency: self.from.agency(Office::Customs),
            id: &self.invoice,
            ucr: &self.ucr,
            issued_on: Some(draft.accepted.day() - 2),
            seller_id: &self.exporter.id,
            buyer_id: &self.importer.id,
            incoterm: terms.get(draft.exporter as usize % terms.len()).copied().unwrap_or("FOB"),
            currency: "USD",
            amount: Some(self.export_cents),
            quantity: Some(draft.pieces),
        });
    }

    /// Part in advance, the rest when the goods have come; each reported by the units of both ends.
    pub(super) fn payments<O: Out>(&self, out: &mut O) {
        let (world, draft, twist) = (self.engine.world, self.draft(), &self.consignment.twist);
        let payer = self.engine.firm(twist.payer.unwrap_or(draft.importer));
        let (payer_state, payee_state) = (world.countries.id(payer.country), self.from);
        let cited = self.engine.cited_bill(self.consignment);
        let parts = self.engine.instalments(self.consignment).into_iter();
        for Instalment { part, cents, day } in
            parts.filter(|instalment| instalment.cents >= world.rates.reported_from_cents)
        {
            let id = self.engine.payment_id(draft.number, part);
            let word = if part == 1 { "advance" } else { "balance" };
            let reference = match &cited {
                Some(bill) => format!("{} {word};{bill}", self.invoice),
                None => format!("{} {word}", self.invoice),
            };
            let mut row = Payment {
                agency: payer_state.agency(Office::Fiu),
                id: &id,
                payer_id: &payer.id,
                payer_name: &payer.name,
                payer_country: &payer_state.code,
                payer_bank: payer_state.banks.at(payer.bank),
                payee_id: &self.exporter.id,
                payee_name: &self.exporter.name,
                payee_country: &payee_state.code,
                payee_bank: payee_state.banks.at(self.exporter.bank),
                currency: "USD",
                amount: Some(cents),
                value_date: Some(day),
                invoice_id: &self.invoice,
                reference: &reference,
            };
            out.put(&row);
            if payer.country != draft.from {
                row.agency = payee_state.agency(Office::Fiu);
                out.put(&row);
            }
        }
    }
}
