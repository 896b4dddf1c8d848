//! T13: a bill and what its ship did after it was issued. Key: the ship's number, from the day of the bill on.

use super::columns::{BILL, TRACK};
use super::way::{Silence, is_followed, nearest_other, signals, silences};
use super::{Linker, best, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a bill and the silences of its ship.
#[derive(Debug)]
pub struct ShipToShip;

/// Days after a bill in which its ship is on the way.
const ON_THE_WAY: (f64, f64) = (-0.01, 45.0);
/// Days before a position in which the silence before it began.
const BEFORE: (f64, f64) = (-12.0, 0.001);
/// Hours of silence from which on it is one.
const LONG: f64 = 8.0;
/// Centimetres from which on a ship is deeper.
const DEEPER: f64 = 20.0;

impl Linker for ShipToShip {
    fn scheme(&self) -> &'static str {
        "T13"
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
        let silence = match at.table {
            Table::Track => {
                let silent = is_followed(look, at) && look.number(at, t.silent_since).is_some();
                let seconds = look.number(at, t.at).filter(|_| silent);
                let way = seconds.map(|it| signals(look, (at, t.vessel_imo), it, BEFORE));
                way.and_then(|way| silences(&way).into_iter().find(|it| it.after.at == at))
            }
            Table::BillOfLading => {
                // Boxes go by liners, which are loaded in ports only.
                let loose = look.present(at, b.containers) == Some(false);
                let issued = look.number(at, b.issued_at).filter(|_| loose);
                let way = issued.map(|it| signals(look, (at, b.vessel_imo), it, ON_THE_WAY));
                let all = way.as_deref().map(silences).unwrap_or_default();
                let ship = [(Table::BillOfLading, b.vessel_imo), (Table::Track, t.vessel_imo)];
                sheet.number("silences after the bill", &ship, many(all.len()));
                best(all, |silence| silence.deeper.unwrap_or(0.0))
            }
            _ => return,
        };
        self.tell(look, at, silence, sheet);
    }
}

impl ShipToShip {
    /// What a silence shows; in the hands of who has no bill it is no more than that.
    fn tell(&self, look: &Look, at: At, silence: Option<Silence>, sheet: &mut Sheet) {
        let (b, t) = (&*BILL, &*TRACK);
        let bill = at.table == Table::BillOfLading;
        let key = [(Table::BillOfLading, b.vessel_imo), (Table::BillOfLading, b.issued_at)];
        let with = |columns: &[usize]| {
            let track = columns.iter().map(|column| (Table::Track, *column));
            let key = key.iter().copied().filter(|_| bill);
            key.chain([(Table::Track, t.vessel_imo), (Table::Track, t.at)])
                .chain(track)
                .collect::<Vec<_>>()
        };
        let hours = silence.map(|it| it.hours);
        let deeper = silence.and_then(|it| it.deeper);
        let place = [t.latitude, t.longitude];
        let other = silence.and_then(|it| nearest_other(look, &it.after));
        let long = hours.is_some_and(|hours| hours > LONG);
        if bill {
            sheet.rule(
                "deeper after a silence at sea that began after the bill",
                &with(&[t.silent_since, t.draught_cm]),
                long && deeper.is_some_and(|it| it > DEEPER),
            );
            let days = silence.and_then(|it| look.days((at, b.issued_at), (it.after.at, t.at)));
            sheet.number("days from bill to the end of it", &with(&[t.silent_since]), days);
        }
        sheet.number("hours of silence", &with(&[t.silent_since]), hours);
        sheet.number("how much deeper after it", &with(&[t.draught_cm]), deeper);
        sheet.number("how far it went meanwhile", &with(&place), silence.and_then(|it| it.miles));
        sheet.number("knots after it", &with(&[t.speed]), silence.and_then(|it| it.after.knots));
        sheet.number("miles to the nearest other ship", &with(&place), other);
    }
}
