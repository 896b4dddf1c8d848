//! T18: a payment and the bill that it cites. Keys: the bill's number, in the payment's reference.

use super::columns::{BILL, PAYMENT};
use super::{Linker, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a payment with bills.
#[derive(Debug)]
pub struct Phantom;

impl Linker for Phantom {
    fn scheme(&self) -> &'static str {
        "T18"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Payment, Table::BillOfLading]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Payment, "FIU")
    }

    /// The port of the state that money leaves: goods come where payers are.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let own = records.agency(at);
        let payer = roster.abroad(records.text(at, PAYMENT.payer_country), Office::Fiu);
        let port = roster.sister(own, Office::Port).filter(|_| payer == Some(own));
        port.map(|port| vec![port]).into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (p, b) = (&*PAYMENT, &*BILL);
        let cited = (Table::Payment, p.reference);
        if at.table == Table::BillOfLading {
            let payments = look.linked((at, b.id), cited, Alike::AnyOf).count();
            sheet.number("payments that cite it", &[cited], many(payments));
            return;
        }
        if at.table != Table::Payment {
            return;
        }
        let cites = look.text(at, p.reference).map(|text| text.contains(';'));
        let bill = look.linked((at, p.reference), (Table::BillOfLading, b.id), Alike::AnyOf).next();
        let others = look.linked((at, p.reference), cited, Alike::AnyOf).count();
        let reads = [cited, (Table::BillOfLading, b.id)];
        let party =
            |own, their| bill.and_then(|bill| look.same((at, own), (bill, their), Alike::Exactly));
        let buyer = party(p.payer_id, b.consignee_id);
        let seller = party(p.payee_id, b.shipper_id);
        let unknown = cites.map(|cites| cites && bill.is_none());
        let strangers = buyer == Some(false) && seller == Some(false);
        let parties = [
            (Table::Payment, p.payer_id),
            (Table::Payment, p.payee_id),
            (Table::BillOfLading, b.consignee_id),
            (Table::BillOfLading, b.shipper_id),
        ];
        sheet.rule(
            "the bill it cites is unknown or of other people's goods",
            &[reads.as_slice(), &parties].concat(),
            unknown == Some(true) || strangers,
        );
        sheet.flag("cites a bill", &[cited], cites);
        sheet.flag("the bill it cites was never seen", &reads, unknown);
        sheet.flag("the bill is made out to who pays", &parties, buyer);
        sheet.flag("the bill's shipper is paid", &parties, seller);
        sheet.flag(
            "the bill is of other people's goods",
            &parties,
            buyer.zip(seller).map(|(buyer, seller)| !buyer && !seller),
        );
        sheet.number("other payments that cite it", &[cited], many(others));
        let days = bill.and_then(|bill| look.days((bill, b.issued_at), (at, p.value_date)));
        sheet.number(
            "days from the bill to the payment",
            &[(Table::BillOfLading, b.issued_at), (Table::Payment, p.value_date)],
            days,
        );
    }
}
