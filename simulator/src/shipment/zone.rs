//! Free zones: goods that are brought into one in a hub, and what leaves it again. Some go on as they came, some are
//! worked on and leave as other goods of the hub's origin; what is left stays there. All of that is lawful.

use super::draft::{Draft, Mode};
use super::{Consignment, Engine};
use crate::rng::Stream;
use crate::scheme::cast;
use crate::table::Out;

/// Procedure of goods that enter a free zone.
pub const ENTERS: &str = "78";
/// Share of ordinary imports of hubs that enter one.
const SHARE: f64 = 0.08;
/// Shares of those that go on as they came, and as other goods; the rest stays.
const AS_THEY_CAME: f64 = 0.25;
const WORKED_ON: f64 = 0.5;
/// Share of what is worked on that weighs what it did: sorted, tested, packed anew.
const AS_HEAVY: f64 = 0.6;
/// Share of what leaves that goes to a state under embargo: most of what is traded is under none.
pub const TO_EMBARGOED: f64 = 0.25;
/// Most mass that goes on by air, kilograms.
const MOST_KG: f64 = 20_000.0;
/// Longest residence of ordinary goods, days.
const DAYS: (f64, f64) = (1.0, 90.0);

/// What leaves a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Exit {
    /// Days after the goods entered.
    pub days: f64,
    /// State that it goes to, and the firm that gets it.
    pub to: u32,
    /// Firm that gets it.
    pub buyer: u32,
    /// Goods as they are declared on leaving.
    pub goods: u32,
    /// Origin as it is declared on leaving.
    pub origin: u32,
    /// Serial numbers as they leave; none where they are not taken down.
    pub serials: Option<String>,
    /// Share of the mass that leaves.
    pub mass: f64,
    /// Procedure: 31 as it came, 10 as goods of the zone's state.
    pub regime: &'static str,
}

/// Streams of zones.
#[derive(Debug)]
pub(crate) struct Streams {
    zone: Stream,
}

impl Streams {
    pub(crate) fn new(stream: impl Fn(&str) -> Stream) -> Self {
        Self { zone: stream("zone.exit") }
    }
}

impl Engine<'_> {
    /// Brings an ordinary import into a free zone, where that is drawn, and says what leaves it.
    pub(super) fn store(&self, consignment: &mut Consignment) {
        let world = self.world;
        let draft = &consignment.draft;
        let mut cell = self.streams.zone.zone.row(draft.number);
        let drawn = cell.chance(SHARE);
        let twist = &consignment.twist;
        let plain = twist.import_regime.is_none() && !twist.no_import && draft.licence.is_none();
        let usual = consignment.fraud.is_none() && consignment.decoy.is_none();
        if !(drawn && plain && usual && world.countries.id(draft.to).hub) {
            return;
        }
        consignment.twist.import_regime = Some(ENTERS);
        let way = cell.unit();
        if way >= AS_THEY_CAME + WORKED_ON || draft.net_grams as f64 > MOST_KG * 1000.0 {
            return;
        }
        let as_they_came = way < AS_THEY_CAME;
        let goods = if as_they_came { draft.goods } else { self.alike(draft.goods, &mut cell) };
        // What is made of plain parts may be numbered when it leaves.
        let numbered_then = world.commodities.id(goods).controlled();
        let embargoed = cell.chance(TO_EMBARGOED) && !numbered_then;
        let mut to = if embargoed {
            cast::embargoed(world, &mut cell)
        } else {
            cast::elsewhere(world, &mut cell)
        };
        for _ in 0..4 {
            if to != draft.to && to != draft.from {
                break;
            }
            to = cast::elsewhere(world, &mut cell);
        }
        let sector = world.commodities.id(goods).sector;
        let buyer = world.trade.buyer(to, sector, cell.bits64());
        let numbered = world.commodities.id(draft.goods).controlled();
        let as_heavy = as_they_came || cell.chance(AS_HEAVY);
        let serials = crate::shipment::emit::serials(cell.whole(100_000, 899_999));
        let exit = Exit {
            days: cell.between(DAYS.0, DAYS.1),
            to,
            buyer,
            goods,
            origin: if as_they_came { draft.origin } else { draft.to },
            serials: (numbered_then && !as_they_came).then_some(serials),
            mass: if as_heavy { 1.0 } else { cell.between(0.95, 1.1) },
            regime: if as_they_came { "31" } else { "10" },
        };
        if as_they_came && numbered {
            // Who sends goods to a zone for somebody further on says so.
            consignment.twist.end_user = Some(self.firm(buyer).name.clone());
        }
        consignment.twist.zone = (to != draft.to && to != draft.from).then_some(exit);
    }

    /// Writes the export and import of what leaves the zone. It has the number of the consignment that entered: states of
    /// export differ, and with them all ids of its declarations.
    pub(super) fn put_exit<O: Out>(&self, consignment: &Consignment, out: &mut O) {
        let Some(exit) = &consignment.twist.zone else { return };
        let first = &consignment.draft;
        let share = |amount: i64| cast::share(amount, exit.mass);
        let net_grams = share(first.net_grams);
        let left = consignment.movement.gate_out.plus_days(exit.days);
        let mut draft = Draft {
            from: first.to,
            to: exit.to,
            exporter: first.importer,
            importer: exit.buyer,
            goods: exit.goods,
            origin: exit.origin,
            cents: share(first.cents) * 6 / 5,
            net_grams,
            gross_grams: share(first.gross_grams).max(net_grams + 1),
            licence: None,
            via: None,
            accepted: self.office_hours(left, first.number),
            ..first.clone()
        };
        self.carry(&mut draft);
        if matches!(draft.mode, Mode::Sea | Mode::Bulk) {
            draft.mode = Mode::Air;
        }
        self.choose_agents(&mut draft);
        let mut leaving = self.send(draft);
        leaving.twist.serials.clone_from(&exit.serials);
        leaving.twist.regime = Some(exit.regime);
        let papers = self.papers(&leaving);
        papers.export(out);
        papers.import(out);
    }

    /// The number of the export declaration of what leaves the zone.
    pub fn exit_id(&self, consignment: &Consignment) -> String {
        let draft = Draft { from: consignment.draft.to, ..consignment.draft.clone() };
        self.export_id(&draft)
    }
}
