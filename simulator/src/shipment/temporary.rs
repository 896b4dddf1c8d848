//! Temporary exports: fairs, repairs, demonstrations. The goods go out under a regime of their own, and their stay ends in
//! one of a few ways: back in time, back late, on to the next state, or kept there for good and cleared for that. Each
//! ending lies with other customs; those that let the goods go only see that some came back.

use super::draft::{Draft, Mode};
use super::licence::Licence;
use super::{Consignment, Engine, Twist};
use crate::rng::{Cell, Stream};
use crate::table::Out;

/// Procedure of goods that leave for a time.
pub const LEAVES: &str = "21";
/// Procedure of goods that are let in for a time.
pub const ADMITTED: &str = "53";
/// Procedure of goods that come back.
pub const RETURNS: &str = "61";
/// Procedure of goods that are kept.
const KEPT: &str = "40";
/// Procedure of goods that leave where they were let in for a time.
const LEAVES_AGAIN: &str = "31";

/// Share of exports of machines, vehicles and instruments that are for a time.
const SHARE: f64 = 0.006;
/// Sectors of such goods begin here: HS chapters from 84 on.
const FIRST_SECTOR: usize = 8;
/// Most mass of such an export, kilograms: what a fair has room for.
pub const MOST_KG: f64 = 5_000.0;
/// Share of licences for goods that are to come back.
const LICENCES: f64 = 0.06;
/// Shares of stays that end in time, late, and with the next state; the rest is kept there.
const IN_TIME: f64 = 0.6;
const LATE: f64 = 0.15;
const NEXT: f64 = 0.15;

/// How a stay ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Stay {
    /// Days from when the goods were fetched.
    pub days: f64,
    /// What becomes of them.
    pub ending: Ending,
    /// Serial numbers at the end, where they are others.
    pub serials: Option<String>,
}

/// What becomes of goods that were let in for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// They go back.
    Back,
    /// They go on, to a firm of another state.
    On(u32, u32),
    /// They are kept, and cleared for that.
    Kept,
}

/// Streams of temporary exports.
#[derive(Debug)]
pub(crate) struct Streams {
    stay: Stream,
    licence: Stream,
}

impl Streams {
    pub(crate) fn new(stream: impl Fn(&str) -> Stream) -> Self {
        Self { stay: stream("temporary.stay"), licence: stream("temporary.licence") }
    }
}

impl Engine<'_> {
    /// Months within which goods of one of the world's licences are to be back; none where they are to stay.
    fn licensed_months(&self, licence: u64) -> Option<i64> {
        let mut cell = self.streams.temporary.licence.row(licence);
        cell.chance(LICENCES).then(|| cell.whole(1, 9))
    }

    /// What a licence is granted under.
    pub(super) fn condition(&self, licence: &Licence) -> String {
        let of_case = licence.number.checked_sub(self.consignments);
        let months = match of_case {
            Some(record) => {
                crate::scheme::months_to_return(self, record / super::ids::CASE_RECORDS)
            }
            None => self.licensed_months(licence.number),
        };
        match months {
            Some(months) => format!("temporary export, to return within {months} months"),
            None => "no re-export without consent".to_owned(),
        }
    }

    /// Makes an ordinary export one for a time, where it is drawn as such.
    pub(super) fn lend(&self, consignment: &mut Consignment) {
        let draft = &consignment.draft;
        let mut cell = self.streams.temporary.stay.row(draft.number);
        let drawn = cell.chance(SHARE);
        let months = match draft.licence {
            Some((licence, _)) => self.licensed_months(licence),
            None => drawn.then(|| cell.whole(1, 9)),
        };
        let sector = self.world.commodities.id(draft.goods).sector;
        let kilograms = draft.net_grams as f64 / 1000.0;
        // What comes back may have to fly.
        let fits = (draft.licence.is_some() && kilograms <= super::draft::MOST_FLOWN_KG)
            || (sector >= FIRST_SECTOR && kilograms <= MOST_KG);
        let usual = consignment.fraud.is_none() && consignment.decoy.is_none();
        let Some(months) = months.filter(|_| fits && usual && draft.from != draft.to) else {
            return;
        };
        let stay = self.draw_stay(draft, months, &mut cell);
        let serials = crate::shipment::emit::serials(cell.whole(100_000, 899_999));
        consignment.twist.lend(serials, Some(stay));
    }

    fn draw_stay(&self, draft: &Draft, months: i64, cell: &mut Cell) -> Stay {
        let due = months as f64 * 30.0;
        let way = cell.unit();
        let (days, ending) = if way < IN_TIME {
            (due * cell.between(0.2, 0.9), Ending::Back)
        } else if way < IN_TIME + LATE {
            (due + cell.between(1.0, 90.0), Ending::Back)
        } else if way < IN_TIME + LATE + NEXT {
            let sector = self.world.commodities.id(draft.goods).sector;
            let mut to = self.world.trade.pair(cell.bits64()).1;
            for _ in 0..8 {
                if to != draft.to && to != draft.from && !self.world.countries.id(to).embargoed {
                    break;
                }
                to = self.world.trade.pair(cell.bits64()).1;
            }
            (
                due * cell.between(0.2, 1.1),
                Ending::On(to, self.world.trade.buyer(to, sector, cell.bits64())),
            )
        } else {
            (due * cell.between(0.3, 1.3), Ending::Kept)
        };
        Stay { days, ending, serials: None }
    }

    /// The consignment in which goods leave where they were let in for a time; none where they are kept. It has the
    /// number of the one that brought them: states of export differ, and with them all ids of its declarations.
    fn leaving(&self, consignment: &Consignment, stay: &Stay) -> Option<Consignment> {
        let first = &consignment.draft;
        let (to, importer) = match stay.ending {
            Ending::Back => (first.from, first.exporter),
            Ending::On(to, firm) if to != first.to => (to, firm),
            Ending::On(..) | Ending::Kept => return None,
        };
        let mut draft = Draft {
            from: first.to,
            to,
            exporter: first.importer,
            importer,
            licence: None,
            via: None,
            accepted: self
                .office_hours(consignment.movement.gate_out.plus_days(stay.days), first.number),
            ..first.clone()
        };
        self.carry(&mut draft);
        if matches!(draft.mode, Mode::Sea | Mode::Bulk) {
            draft.mode = Mode::Air;
        }
        self.choose_agents(&mut draft);
        let mut leaving = self.send(draft);
        leaving.twist.serials = stay.serials.clone().or_else(|| consignment.twist.serials.clone());
        leaving.twist.regime = Some(LEAVES_AGAIN);
        leaving.twist.import_regime =
            Some(if stay.ending == Ending::Back { RETURNS } else { ADMITTED });
        Some(leaving)
    }

    /// Writes how a stay ends: the export and import of what leaves, or that the goods are cleared to be kept.
    pub(super) fn put_ending<O: Out>(&self, consignment: &Consignment, out: &mut O) {
        let Some(stay) = &consignment.twist.stay else { return };
        if let Some(leaving) = self.leaving(consignment, stay) {
            let papers = self.papers(&leaving);
            papers.export(out);
            papers.import(out);
            return;
        }
        let mut kept = consignment.clone();
        kept.movement.imported = self
            .office_hours(consignment.movement.gate_out.plus_days(stay.days), kept.draft.number);
        kept.twist.import_regime = Some(KEPT);
        let mut papers = self.papers(&kept);
        papers.import_id.push_str("-2");
        papers.import(out);
    }
}

impl Twist {
    /// Makes it an export for a time: nobody pays for the goods, and their serial numbers are taken down.
    pub fn lend(&mut self, serials: String, stay: Option<Stay>) {
        self.regime = Some(LEAVES);
        self.import_regime = Some(ADMITTED);
        self.serials = Some(serials);
        self.paid = 0.0;
        self.stay = stay;
    }
}
