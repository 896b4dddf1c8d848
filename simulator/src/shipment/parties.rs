//! Who is named on papers beside buyer and seller, in ordinary trade: cargo sold while it is at sea, consignees who see
//! to the arrival themselves, boxes that go on by the next ship, users who are not the buyer, payments that cite the
//! bill. Without these, a paper that names somebody else would tell a case.

use super::draft::Mode;
use super::movement::Leg;
use super::{Consignment, Engine};
use crate::calendar::Moment;
use crate::rng::Stream;

/// Share of cargoes in boxes that are sold at sea: the bill is made out to another than was declared at export.
const SOLD_AT_SEA: f64 = 0.015;
/// Share of the others whose consignee is to be told of the arrival itself.
const TOLD_THEMSELVES: f64 = 0.04;
/// Share of boxes without a change of ships that go on by the next ship and are not imported where they were landed.
const GOES_ON: f64 = 0.006;
/// Share of exports of goods that may need a licence whose declared user is not the buyer.
const USED_BY_OTHERS: f64 = 0.06;
/// Share of cargoes by sea that are paid against documents: the payment cites the bill.
const CREDITS: f64 = 0.6;

/// Streams of parties.
#[derive(Debug)]
pub(crate) struct Streams {
    bill: Stream,
    onward: Stream,
    user: Stream,
    credit: Stream,
}

impl Streams {
    pub(crate) fn new(stream: impl Fn(&str) -> Stream) -> Self {
        Self {
            bill: stream("bill.parties"),
            onward: stream("bill.onward"),
            user: stream("consignment.end_user"),
            credit: stream("payment.credit"),
        }
    }
}

impl Engine<'_> {
    /// Names others on the papers of an ordinary consignment, where that is drawn.
    pub(super) fn name_others(&self, consignment: &mut Consignment) {
        let draft = &consignment.draft;
        let (number, to) = (draft.number, draft.to);
        let sector = self.world.commodities.id(draft.goods).sector;
        let by_sea = draft.mode == Mode::Sea;
        let direct = consignment.movement.legs.len() == 1;
        let twist = &mut consignment.twist;
        let mut cell = self.streams.parties_named.bill.row(number);
        let share = cell.unit();
        if by_sea && twist.consignee.is_none() {
            if share < SOLD_AT_SEA {
                twist.bill_consignee = Some(self.world.trade.buyer(to, sector, cell.bits64()));
            } else if share < SOLD_AT_SEA + TOLD_THEMSELVES {
                twist.notify = Some(draft.importer);
            }
        }
        if by_sea && direct && self.streams.parties_named.onward.row(number).chance(GOES_ON) {
            (twist.onward, twist.no_import) = (true, true);
        }
        let mut cell = self.streams.parties_named.user.row(number);
        if cell.chance(USED_BY_OTHERS) && twist.end_user.is_none() {
            let user = self.world.trade.buyer(to, sector, cell.bits64());
            twist.end_user = self
                .world
                .commodities
                .id(draft.goods)
                .controlled()
                .then(|| self.firm(user).name.clone());
        }
    }

    /// The bill that payments for a consignment cite, where they cite one. Banks take no bill that another took the
    /// place of, and none of goods that never came.
    pub fn cited_bill(&self, consignment: &Consignment) -> Option<String> {
        let (draft, twist) = (&consignment.draft, &consignment.twist);
        if twist.cited_bill.is_some() {
            return twist.cited_bill.clone();
        }
        let shipped = !consignment.movement.legs.is_empty() || draft.mode == Mode::Bulk;
        let plain = twist.switched.is_none() && !twist.phantom && !twist.lost_in_transit;
        let mut cell = self.streams.parties_named.credit.row(draft.number);
        (shipped && plain && twist.payer.is_none() && cell.chance(CREDITS))
            .then(|| self.bill_id(draft.number))
    }

    /// The next ship of a leg's service from where the leg ends, after a moment: when it leaves, ship and round.
    pub(super) fn next_ship(&self, leg: &Leg, after: Moment) -> Option<(Moment, u32, i64)> {
        let service = self.world.services.id(self.world.vessels.id(leg.vessel).service);
        let calls = service.calls.len();
        let port = |at: usize| service.calls.at(at % calls).port;
        let here = (0..calls).find(|at| port(*at) == leg.to)?;
        let there = (here + 1..here + calls).find(|at| port(*at) != leg.to)? % calls;
        let sailing = service.next(here, there, after);
        Some((sailing.departs, sailing.vessel, sailing.voyage))
    }
}
