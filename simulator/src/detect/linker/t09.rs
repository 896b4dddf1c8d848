//! T09: the consignee of an export and that of its bill. Keys: the consignment's number; then the boxes.

use super::columns::{BILL, DECLARATION, GATE};
use super::{Linker, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links an export, its bill, and what becomes of the boxes.
#[derive(Debug)]
pub struct MailDrop;

/// Days after the bill within which a box that goes on is loaded again.
const STAY: f64 = 120.0;

impl Linker for MailDrop {
    fn scheme(&self) -> &'static str {
        "T09"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Declaration, Table::BillOfLading, Table::GateMove]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Declaration, "XC")
    }

    /// The port of the country of destination.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let d = &*DECLARATION;
        if records.text(at, d.direction) != "EXPORT" {
            return vec![];
        }
        let port = roster.abroad(records.text(at, d.country_of_destination), Office::Port);
        port.map(|it| vec![it]).into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (d, b, g) = (&*DECLARATION, &*BILL, &*GATE);
        let (export, bill) = match at.table {
            Table::Declaration => {
                let bill =
                    look.linked((at, d.ucr), (Table::BillOfLading, b.ucr), Alike::Exactly).next();
                (Some(at), bill)
            }
            Table::BillOfLading => (None, Some(at)),
            _ => return,
        };
        let pair = export.zip(bill);
        let parties = [(Table::Declaration, d.importer_id), (Table::BillOfLading, b.consignee_id)];
        let told = [(Table::BillOfLading, b.notify_name), (Table::BillOfLading, b.consignee_name)];
        let other = pair.and_then(|(export, bill)| {
            look.same((export, d.importer_id), (bill, b.consignee_id), Alike::Exactly)
        });
        let other = other.map(|same| !same);
        let by_consignee = bill.and_then(|bill| {
            look.same((bill, b.notify_name), (bill, b.consignee_name), Alike::AsName)
        });
        let by_importer = pair.and_then(|(export, bill)| {
            look.same((bill, b.notify_name), (export, d.importer_name), Alike::AsName)
        });
        let close = by_consignee == Some(true) || by_importer == Some(true);
        sheet.rule(
            "the bill names another consignee, and one of the two is told of the arrival",
            &[parties, told].concat(),
            other == Some(true) && close,
        );
        sheet.flag("the bill names another consignee", &parties, other);
        sheet.flag("the bill's consignee is told of the arrival", &told, by_consignee);
        let reads = [(Table::BillOfLading, b.notify_name), (Table::Declaration, d.importer_name)];
        sheet.flag("the export's consignee is told of the arrival", &reads, by_importer);
        let forwards = export.map(|export| {
            let name = (Table::BillOfLading, b.notify_name);
            look.linked((export, d.importer_name), name, Alike::AsName).count()
        });
        sheet.number("bills of which the consignee is told", &reads, forwards.and_then(many));
        let states = |column| bill.and_then(|bill| look.text(bill, column));
        let state = |text: std::borrow::Cow<'_, str>| text.get(..2).map(str::to_owned);
        let abroad = states(b.consignee_id)
            .and_then(state)
            .zip(states(b.port_of_discharge).and_then(state))
            .map(|(firm, port)| firm != port);
        let places =
            [(Table::BillOfLading, b.consignee_id), (Table::BillOfLading, b.port_of_discharge)];
        sheet.flag("the bill's consignee is of another state than the port", &places, abroad);
        let again = bill.map(|bill| {
            look.linked((bill, b.containers), (Table::GateMove, g.container), Alike::AnyOf)
                .filter(|row| look.text(*row, g.kind).as_deref() == Some("GATE_OUT"))
                .filter(|row| look.present(*row, g.vessel_imo) == Some(true))
                .filter(|row| {
                    look.same((*row, g.port), (bill, b.port_of_discharge), Alike::Exactly)
                        == Some(true)
                })
                .filter(|row| {
                    look.days((bill, b.issued_at), (*row, g.at))
                        .is_some_and(|days| (0.0..STAY).contains(&days))
                })
                .count()
        });
        let moves = [(Table::GateMove, g.container), (Table::GateMove, g.vessel_imo)];
        sheet.number("its boxes leave by ship", &moves, again.and_then(many));
    }
}
