//! T15: a switched bill and where its ship called. Key: the ship's number, from the day of the bill on.

use super::columns::{BILL, TRACK};
use super::way::{Stop, is_followed, signals, stop};
use super::{Linker, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a bill and the track of its ship.
#[derive(Debug)]
pub struct SwitchedBill;

/// Days after a bill in which its ship is on the way.
const ON_THE_WAY: (f64, f64) = (-0.01, 45.0);
/// Days around a position in which the same voyage is looked at.
const AROUND: (f64, f64) = (-20.0, 20.0);

impl Linker for SwitchedBill {
    fn scheme(&self) -> &'static str {
        "T15"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::BillOfLading, Table::Track]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::BillOfLading, "IC")
    }

    /// The coast guard of the same state, who follows what comes in.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let guard = roster.sister(records.agency(at), Office::CoastGuard);
        guard.map(|guard| vec![guard]).into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (b, t) = (&*BILL, &*TRACK);
        let track = [
            (Table::Track, t.vessel_imo),
            (Table::Track, t.at),
            (Table::Track, t.speed),
            (Table::Track, t.source),
        ];
        let draught = [track.as_slice(), &[(Table::Track, t.draught_cm)]].concat();
        let hours = |stop: Option<Stop>| stop.map(|stop| stop.hours);
        let deeper = |stop: Option<Stop>| stop.and_then(|stop| stop.deeper);
        if at.table == Table::Track {
            let still =
                is_followed(look, at) && look.number(at, t.speed).is_some_and(|knots| knots < 0.5);
            let way = look
                .number(at, t.at)
                .filter(|_| still)
                .map(|seconds| signals(look, (at, t.vessel_imo), seconds, AROUND));
            let found = way.as_deref().and_then(stop);
            let here = found.map(|stop| {
                look.days((stop.first.at, t.at), (at, t.at))
                    .is_some_and(|days| (-0.01..stop.hours / 24.0 + 0.01).contains(&days))
            });
            sheet.flag("lies still between two passages", &track, here);
            sheet.number("hours of the stop", &track, hours(found));
            sheet.number("how much deeper after it", &draught, deeper(found));
            sheet.flag("silent there", &track, found.map(|stop| stop.silent));
            return;
        }
        if at.table != Table::BillOfLading {
            return;
        }
        // Boxes go by liners, which call where their timetable says.
        let loose = look.present(at, b.containers) == Some(false);
        let issued = look.number(at, b.issued_at).filter(|_| loose);
        let way = issued.map(|issued| signals(look, (at, b.vessel_imo), issued, ON_THE_WAY));
        let found = way.as_deref().and_then(stop);
        let switched = look.present(at, b.switched_from);
        let bill = [(Table::BillOfLading, b.switched_from)];
        let ship = [
            (Table::BillOfLading, b.vessel_imo),
            (Table::BillOfLading, b.issued_at),
            (Table::BillOfLading, b.containers),
        ];
        let by_ship = [ship.as_slice(), &track].concat();
        sheet.rule(
            "the bill took the place of another, and the ship called elsewhere",
            &[by_ship.as_slice(), &bill].concat(),
            switched == Some(true) && found.is_some(),
        );
        sheet.flag("took the place of another", &bill, switched);
        let called = way.as_ref().filter(|way| !way.is_empty()).map(|_| found.is_some());
        sheet.flag("the ship called elsewhere", &by_ship, called);
        sheet.number("hours of the call", &by_ship, hours(found));
        let deep = [ship.as_slice(), &draught].concat();
        sheet.number("how much deeper after it", &deep, deeper(found));
        sheet.flag("silent there", &by_ship, found.map(|stop| stop.silent));
        let days = found.and_then(|stop| look.days((at, b.issued_at), (stop.first.at, t.at)));
        sheet.number("days from bill to call", &by_ship, days);
        let heard = way.as_ref().and_then(|way| many(way.len()));
        sheet.number("positions after the bill", &by_ship, heard);
        let state =
            |column| look.text(at, column).and_then(|text| text.get(..2).map(str::to_owned));
        let abroad =
            state(b.shipper_id).zip(state(b.port_of_loading)).map(|(firm, port)| firm != port);
        let places =
            [(Table::BillOfLading, b.shipper_id), (Table::BillOfLading, b.port_of_loading)];
        sheet.flag("the shipper is of another state than the port", &places, abroad);
    }
}
