//! Ships whose cargo nobody declares here: what they bring goes into bond, or on. Coast guards follow them as they
//! follow others, ports and customs get their bills, registries know them.
//!
//! Far more of them than of others call elsewhere, for fuel, crew, repairs or weather; take their cargo at sea, from
//! ships that cannot come in, and have bills made out for it then; have bills that took the place of others, because
//! the cargo was sold at sea; are taken for others, whose signals are garbled; change their flags, because they are
//! sold on. Without them any of that would tell a case. None of them does two such things that belong together.

use super::background::by_thousand;
use super::draft::Mode;
use super::voyage::{Ship, Voyage};
use super::{Consignment, Engine};
use crate::calendar::Moment;
use crate::permute::Permutation;
use crate::rng::{Cell, Seed, Stream};
use crate::table::{BillOfLading, Out};
use crate::world::Office;

/// For each thousand consignments.
const PASSING: f64 = 20.0;
/// At most: there are so many IMO numbers.
const MOST: u64 = 50_000;
/// Share of them that call elsewhere.
const CALL: f64 = 0.25;
/// Share that take cargo at sea.
const MEET: f64 = 0.3;
/// Share whose bill took the place of another.
const SWITCHED: f64 = 0.3;
/// Share that are taken for others.
const MISTAKEN: f64 = 0.35;
/// Share that change their flags.
const HOP: f64 = 0.3;
/// Share of bills whose consignee is to be told of the arrival.
const TOLD_THEMSELVES: f64 = 0.4;
/// Within so many miles of where its signals say it is the same ship.
const SAME_MILES: f64 = 20.0;

/// Such ships.
#[derive(Debug)]
pub struct Passing {
    count: u64,
    /// Consignments whose unused numbers they have: two each.
    places: Permutation,
    draws: Stream,
}

impl Passing {
    /// Those of a world of so many consignments.
    pub fn new(seed: Seed, consignments: u64) -> Self {
        let count = by_thousand(PASSING, consignments).min(MOST).min(consignments / 2);
        Self {
            count,
            places: Permutation::new(seed, "passing.place", consignments.max(1)),
            draws: Stream::new(seed, "passing"),
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }
}

/// One of them.
struct Passes {
    consignment: Consignment,
    voyage: Voyage,
    ship: Ship,
    /// The ship that it took its cargo from, and the voyage of that.
    met: Option<(Ship, Voyage)>,
    /// Consignments whose unused numbers it has.
    numbers: [u64; 2],
    /// Who stands as shipper on its bill.
    shipper: u32,
    /// Whether its bill took the place of another.
    switched: bool,
}

impl Engine<'_> {
    /// A consignment of whose numbers some are unused: the rows of a voyage, and the bill that another took the
    /// place of.
    fn lends_numbers(&self, place: u64) -> Option<u64> {
        let number = self.background.passing.places.apply(place);
        let own = self.consignment(number);
        let unused = own.draft.mode != Mode::Bulk && own.twist.switched.is_none();
        (unused && own.case.is_none()).then_some(number)
    }

    fn passing(&self, number: u64, cell: &mut Cell) -> Option<Passes> {
        let world = self.world;
        let numbers @ [own, _] =
            [self.lends_numbers(number * 2)?, self.lends_numbers(number * 2 + 1)?];
        let cargo = self.draw_cargo(cell);
        let mut draft = self.draft(own);
        // What it borrows of a number is of another state, so that it is nobody else's.
        if draft.from == cargo.states.0 {
            return None;
        }
        self.load(&mut draft, &cargo);
        let mut consignment = self.send(draft);
        let (does, known) = (cell.unit(), cell.unit());
        let [ship, giver] = [0, 1].map(|place| self.passing_ship(number, place));
        let by = (ship, consignment.draft.to);
        let movement = &mut consignment.movement;
        let mut met = None;
        let mut voyage = if does < CALL {
            let params = world.schemes.parameters("T15");
            let hours = params.within("call_hours", (8.0, 60.0), cell);
            let call = self.draw_call(movement, hours, cell)?;
            self.calling(movement, by, &call, cell)?
        } else if does < CALL + MEET {
            let meets = self.draw_meeting(cell);
            let voyage = self.taking(movement, by, &meets, cell)?;
            met = self.giving(&voyage, giver, &meets, cell).map(|it| (self.ship(giver), it));
            voyage
        } else {
            self.straight(movement, by, cell)?
        };
        let switched = (CALL + MEET..CALL + MEET + SWITCHED).contains(&does);
        let mut shipper = cargo.parties.0;
        if switched {
            let state = u32::try_from(cell.place(world.countries.len())).unwrap_or_default();
            let sector = world.commodities.id(cargo.goods).sector;
            shipper = world.trade.seller(state, sector, cell.bits64());
        }
        let day = consignment.movement.departs.day();
        let ship = self.known_as(self.ship(ship), (known, day, by.1), &mut voyage, cell);
        Some(Passes { consignment, voyage, ship, met, numbers, shipper, switched })
    }

    /// What others know of it: it is taken for another, or it took new flags by a day, or neither.
    fn known_as(
        &self,
        mut ship: Ship,
        (known, day, to): (f64, i64, u32),
        voyage: &mut Voyage,
        cell: &mut Cell,
    ) -> Ship {
        if known < MISTAKEN {
            let params = self.world.schemes.parameters("T14");
            let miles = params.within("offset_nm", (30.0, 900.0), cell);
            voyage.seen_elsewhere(miles, cell);
            ship.flags.truncate(2);
        } else if known < MISTAKEN + HOP {
            voyage.not_mistaken(SAME_MILES);
            let flags = self.draw_flags(cell);
            ship = self.hop(ship, flags, day, to, cell);
        }
        ship
    }

    /// New flags of a ship that changes them often.
    pub fn draw_flags(&self, cell: &mut Cell) -> i64 {
        let params = self.world.schemes.parameters("T14");
        super::draft::round(params.within("flags_in_24_months", (2.0, 5.0), cell))
    }

    /// Writes such a ship, its voyage and its bill.
    pub(super) fn put_passing<O: Out>(&self, number: u64, out: &mut O) {
        let mut cell = self.background.passing.draws.row(number);
        let Some(passes) = self.passing(number, &mut cell) else { return };
        let to = passes.consignment.draft.to;
        let [own, other] = passes.numbers;
        self.put_voyage(&passes.voyage, own, out);
        self.put_ship(&passes.ship, to, out);
        if let Some((ship, voyage)) = &passes.met {
            self.put_voyage(voyage, other, out);
            self.put_ship(ship, to, out);
        }
        self.put_passing_bill(&passes, &mut cell, out);
    }

    fn put_passing_bill<O: Out>(&self, passes: &Passes, cell: &mut Cell, out: &mut O) {
        let world = self.world;
        let (draft, movement) = (&passes.consignment.draft, &passes.consignment.movement);
        let [own, other] = passes.numbers;
        let port = |port: Option<u32>| port.map_or("", |port| &world.ports.id(port).locode);
        let (shipper, consignee) = (self.firm(passes.shipper), self.firm(draft.importer));
        let agent = self.firm(draft.import_agent);
        let notify = if cell.chance(TOLD_THEMSELVES) { &consignee.name } else { &agent.name };
        let words = &world.commodities.id(draft.goods).words;
        let to = world.countries.id(draft.to);
        let row = BillOfLading {
            agency: to.agency(Office::Port),
            id: &self.former_bill(own),
            ucr: &self.ucr(draft),
            issued_at: Some(passes.issued()),
            carrier_id: &world.carriers.id(movement.carrier).id,
            shipper_id: &shipper.id,
            shipper_name: &shipper.name,
            consignee_id: &consignee.id,
            consignee_name: &consignee.name,
            notify_name: notify,
            port_of_loading: port(movement.from_port),
            port_of_discharge: port(movement.to_port),
            vessel_imo: &passes.ship.imo,
            voyage: "",
            containers: "",
            gross_mass_grams: Some(draft.gross_grams),
            description: words.at(cell.place(words.len())),
            switched_from: &if passes.switched { self.former_bill(other) } else { String::new() },
        };
        out.put(&row);
        out.put(&BillOfLading { agency: to.agency(Office::Customs), ..row });
    }
}

impl Passes {
    /// When its bill was issued: when it had its cargo.
    fn issued(&self) -> Moment {
        let took = self.met.as_ref().and_then(|_| self.voyage.aside());
        took.map_or(self.consignment.movement.departs, |(_, goes)| goes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scheme::witness::{CONSIGNMENTS, innocent, world};
    use crate::scheme::{Cases, Request};
    use crate::table::Table;

    #[test]
    fn none_of_them_does_two_things_that_belong_together() {
        let world = world(3);
        let cases = Cases::new(&world, CONSIGNMENTS, Request::default()).unwrap();
        let engine = Engine::new(&world, CONSIGNMENTS, cases).unwrap();
        let passing = &engine.background.passing;
        let (mut calls, mut meets, mut switched, mut hops, mut far) = (0, 0, 0, 0, 0);
        for number in 0..passing.count() {
            let mut cell = passing.draws.row(number);
            let Some(passes) = engine.passing(number, &mut cell) else { continue };
            let stops = passes.voyage.aside();
            assert!(!(passes.switched && stops.is_some()), "calls, and its bill is switched");
            switched += u32::from(passes.switched);
            if passes.met.is_some() {
                meets += 1;
                let (from, until) = passes.voyage.silent[0];
                assert!(passes.issued() >= until && until > from, "its bill is too old");
            } else {
                calls += u32::from(stops.is_some());
            }
            let day = passes.consignment.movement.departs.day();
            let young = passes.ship.flags.iter().filter(|(_, since)| day - since <= 730).count();
            let off = |seen: &&crate::shipment::voyage::Sighting| {
                passes.voyage.position(seen.at).0.miles_to(seen.point) > SAME_MILES
            };
            let astray = passes.voyage.seen.iter().filter(off).count();
            hops += u32::from(young > 2);
            far += u32::from(astray > 0);
            assert!(young < 3 || astray == 0, "{young} flags, and {astray} times elsewhere");
        }
        let counts = [calls, meets, switched, hops, far];
        assert!(counts.iter().all(|count| (12..90).contains(count)), "{counts:?}");
    }

    #[test]
    fn they_have_numbers_that_nobody_else_has() {
        let rows = innocent(3);
        for table in [Table::Track, Table::BillOfLading, Table::VesselEntry] {
            let mut seen = BTreeSet::new();
            for row in rows.of(table) {
                let id = (row["agency"].clone(), row["id"].clone());
                assert!(seen.insert(id.clone()), "{table:?}: {id:?} twice");
            }
        }
        let declared: BTreeSet<String> =
            rows.of(Table::Declaration).into_iter().map(|row| row["ucr"].clone()).collect();
        let bills = rows.of(Table::BillOfLading);
        let undeclared = bills
            .iter()
            .filter(|bill| bill["containers"].is_empty() && !declared.contains(&bill["ucr"]));
        let count = undeclared.count();
        assert!((150..420).contains(&count), "{count} bills of cargoes that nobody declares");
    }
}
