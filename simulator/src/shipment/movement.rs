//! How a consignment travels: events in the order of time, ships that sail, boxes that hold what is in them.

use super::Engine;
use super::draft::{Draft, Mode, ratio};
use super::ids::BOXES;
use crate::calendar::Moment;
use crate::draw::LogNormal;
use crate::ident;
use crate::rng::Cell;

/// A leg on one ship.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leg {
    /// Port where it is loaded.
    pub from: u32,
    /// Port where it is discharged.
    pub to: u32,
    /// Ship.
    pub vessel: u32,
    /// Round of the ship.
    pub voyage: i64,
    /// When the box is lifted on board.
    pub loaded: Moment,
    /// When the ship leaves.
    pub departs: Moment,
    /// When the ship comes in.
    pub arrives: Moment,
    /// When the box is landed.
    pub discharged: Moment,
}

/// A box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// ISO 6346 number.
    pub number: String,
    /// Empty, grams.
    pub tare_grams: i64,
    /// Its share of the cargo, grams.
    pub cargo_grams: i64,
    /// Seal put on at export.
    pub seal: String,
    /// Length in feet: 20, 40 or 45.
    pub feet: u8,
}

/// How it travelled.
#[derive(Debug, Clone, Default)]
pub struct Movement {
    /// Sea port, airport or crossing where it left; `None` by road without one.
    pub from_port: Option<u32>,
    /// Where it came in.
    pub to_port: Option<u32>,
    /// When the boxes came to the terminal.
    pub gate_in: Moment,
    /// Legs by sea.
    pub legs: Vec<Leg>,
    /// When it left the state of export.
    pub departs: Moment,
    /// When it came to the state of destination.
    pub arrives: Moment,
    /// When the import was accepted.
    pub imported: Moment,
    /// When the boxes left the terminal.
    pub gate_out: Moment,
    /// Boxes.
    pub boxes: Vec<Container>,
    /// Carrier.
    pub carrier: u32,
}

impl Movement {
    /// Comes in so many days after it left, where that is later; what follows is put off as well.
    pub fn give_time(&mut self, days: f64) {
        let short = days - self.arrives.days_since(self.departs);
        if short > 0.0 {
            for moment in [&mut self.arrives, &mut self.imported, &mut self.gate_out] {
                *moment = moment.plus_days(short);
            }
        }
    }

    /// State where it changes ships, with when it comes and goes: the first such state that is neither end's.
    pub fn change(
        &self,
        ports: &crate::list::List<crate::world::Port>,
        draft: &Draft,
    ) -> Option<(u32, Moment, Moment)> {
        let pairs = self.legs.iter().zip(self.legs.iter().skip(1));
        pairs
            .map(|(first, second)| (ports.id(first.to).country, first.discharged, second.loaded))
            .find(|(country, _, _)| *country != draft.from && *country != draft.to)
    }
}

/// What a box of a length holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Length in feet.
    pub feet: u8,
    /// Room, cubic metres.
    pub cubic_metres: f64,
    /// What it bears, kilograms.
    pub payload_kg: f64,
    /// Empty, grams.
    pub tare_grams: i64,
}

/// Share of containers up to and with each length. Fewer consignments than boxes of them are short, because the
/// short ones have less room and more of them are needed for a consignment.
const SIZES: [(f64, Size); 3] = [
    (0.38, Size { feet: 20, cubic_metres: 33.0, payload_kg: 26_000.0, tare_grams: 2_250_000 }),
    (0.971, Size { feet: 40, cubic_metres: 67.0, payload_kg: 26_000.0, tare_grams: 3_780_000 }),
    (1.0, Size { feet: 45, cubic_metres: 86.0, payload_kg: 25_600.0, tare_grams: 4_820_000 }),
];

/// Share of containers of 20, 40 and 45 feet.
pub fn length_shares() -> [f64; 3] {
    let [(a, _), (b, _), (c, _)] = SIZES;
    [a, b - a, c - b]
}

/// Most days that a box waits beyond the wait for the next ship.
pub const MOST_DWELL_DAYS: f64 = 25.0;

impl Engine<'_> {
    /// Moves a draft.
    pub fn move_it(&self, draft: &Draft) -> Movement {
        let mut cell = self.streams.movement.row(draft.number);
        let mut movement = match draft.mode {
            Mode::Sea => {
                self.by_liner(draft, &mut cell).unwrap_or_else(|| self.by_air(draft, &mut cell))
            }
            Mode::Bulk => self.in_bulk(draft, &mut cell),
            Mode::Air => self.by_air(draft, &mut cell),
            Mode::Road => self.by_road(draft, &mut cell),
        };
        // Customs take a day or two, longer for a few; the box leaves when they have.
        let release = cell.lognormal(LogNormal { median: 1.1, sigma: 0.7 }).min(30.0);
        movement.imported = movement.arrives.plus_days(0.2 + release);
        let fetched = cell.lognormal(LogNormal { median: 1.2, sigma: 0.8 }).min(40.0);
        movement.gate_out = movement.imported.plus_days(fetched);
        movement
    }

    fn port_of(&self, state: u32, bits: u64) -> Option<u32> {
        let country = self.world.countries.id(state);
        let place = country.sea_share.as_ref()?.pick(bits);
        country.sea.get(place).copied()
    }

    fn by_liner(&self, draft: &Draft, cell: &mut Cell) -> Option<Movement> {
        let world = self.world;
        let (from, to) =
            (self.port_of(draft.from, cell.bits64())?, self.port_of(draft.to, cell.bits64())?);
        let (from, to) = draft.ports.unwrap_or((from, to));
        let gate_in = draft.accepted.plus_days(cell.between(0.1, 1.6));
        // Boxes wait for their ship; that the ship comes once a week adds half a week on average.
        let wait = cell.lognormal(world.rates.dwell_before_loading).min(MOST_DWELL_DAYS);
        let ready = gate_in.plus_days(0.5 + wait);
        let ports = match draft.via.and_then(|via| self.port_of(via, cell.bits64())) {
            Some(hub) if hub != from && hub != to => vec![from, hub, to],
            _ => vec![from, to],
        };
        let mut legs: Vec<Leg> = vec![];
        for (start, end) in ports.iter().zip(ports.iter().skip(1)) {
            let route = world.routes.between(*start, *end)?;
            for (number, loads, lands) in &route.legs {
                let service = world.services.id(*number);
                let wait = cell.between(1.0, 5.0);
                let ready = legs.last().map_or(ready, |leg| leg.discharged.plus_days(wait));
                let sailing = service.next(*loads, *lands, ready);
                legs.push(Leg {
                    from: service.calls.at(*loads).port,
                    to: service.calls.at(*lands).port,
                    vessel: sailing.vessel,
                    voyage: sailing.voyage,
                    // Lifted while the ship is at the quay, which is 18 hours.
                    loaded: sailing.departs.plus_days(-cell.between(0.05, 0.5)),
                    departs: sailing.departs,
                    arrives: sailing.arrives,
                    discharged: sailing.arrives.plus_days(cell.between(0.05, 0.7)),
                });
            }
        }
        let (first, last) = (legs.first()?, legs.last()?);
        let (departs, arrives) = (first.departs, last.discharged);
        let vessel = world.vessels.id(first.vessel);
        let carrier = world.services.id(vessel.service).carrier;
        Some(Movement {
            from_port: Some(from),
            to_port: Some(to),
            gate_in,
            legs,
            departs,
            arrives,
            boxes: self.boxes(draft),
            carrier,
            ..Movement::default()
        })
    }

    fn in_bulk(&self, draft: &Draft, cell: &mut Cell) -> Movement {
        let (from, to) =
            (self.port_of(draft.from, cell.bits64()), self.port_of(draft.to, cell.bits64()));
        let miles = self.miles(draft, from, to);
        let gate_in = draft.accepted.plus_days(cell.between(0.1, 2.0));
        let departs = gate_in.plus_days(cell.between(1.0, 6.0));
        // Bulk carriers make 11 to 14 knots, on a way a fifth longer than the straight one.
        let arrives = departs
            .plus_days(miles * 1.2 / cell.between(11.0, 14.0) / 24.0 + cell.between(0.3, 2.0));
        let carrier = self.other_carrier(cell);
        Movement {
            from_port: from,
            to_port: to,
            gate_in,
            departs,
            arrives,
            carrier,
            ..Movement::default()
        }
    }

    fn by_air(&self, draft: &Draft, cell: &mut Cell) -> Movement {
        let world = self.world;
        let (from, to) = (world.countries.id(draft.from).air, world.countries.id(draft.to).air);
        let gate_in = draft.accepted.plus_days(cell.between(0.05, 0.6));
        let departs = gate_in.plus_days(cell.between(0.2, 1.5));
        let arrives =
            departs.plus_days(self.miles(draft, from, to) / 430.0 / 24.0 + cell.between(0.2, 1.5));
        let carrier = self.other_carrier(cell);
        Movement {
            from_port: from,
            to_port: to,
            gate_in,
            departs,
            arrives,
            carrier,
            ..Movement::default()
        }
    }

    fn by_road(&self, draft: &Draft, cell: &mut Cell) -> Movement {
        let gate_in = draft.accepted.plus_days(cell.between(0.05, 0.5));
        let departs = gate_in.plus_days(cell.between(0.1, 0.8));
        // 30 miles an hour for nine hours a day, and a wait at the border.
        let arrives =
            departs.plus_days(self.miles(draft, None, None) / 270.0 + cell.between(0.1, 1.5));
        let carrier = self.other_carrier(cell);
        Movement { gate_in, departs, arrives, carrier, ..Movement::default() }
    }

    fn miles(&self, draft: &Draft, from: Option<u32>, to: Option<u32>) -> f64 {
        let world = self.world;
        let point = |port: Option<u32>, state: u32| {
            port.map_or(world.countries.id(state).point, |port| world.ports.id(port).point)
        };
        point(from, draft.from).miles_to(point(to, draft.to)).max(50.0)
    }

    fn other_carrier(&self, cell: &mut Cell) -> u32 {
        *self.world.other_carriers.at(cell.place(self.world.other_carriers.len()))
    }

    fn boxes(&self, draft: &Draft) -> Vec<Container> {
        let world = self.world;
        let mut cell = self.streams.boxes.row(draft.number);
        let goods = world.commodities.id(draft.goods);
        let kilograms = draft.gross_grams as f64 / 1000.0;
        let cubic = kilograms / 1000.0 * goods.stowage;
        let size = self.box_size(draft.number);
        let needed = libm::ceil((kilograms / size.payload_kg).max(cubic / size.cubic_metres))
            .clamp(1.0, ratio(BOXES));
        let count = crate::calendar::whole(needed);
        (0..count)
            .map(|place| Container {
                number: self.box_number(draft.number, u64::try_from(place).unwrap_or_default()),
                tare_grams: size.tare_grams + self.box_extra_grams(draft.number, place),
                cargo_grams: draft.gross_grams / count
                    + i64::from(place == 0) * (draft.gross_grams % count),
                seal: format!(
                    "{}{:07}",
                    world
                        .carriers
                        .at(cell.place(world.carriers.len()))
                        .prefix
                        .get(..2)
                        .unwrap_or("SL"),
                    cell.whole(0, 9_999_999)
                ),
                feet: size.feet,
            })
            .collect()
    }

    /// A consignment has one of so many sets of boxes, and the next that has it comes half a period later: when
    /// the boxes are back from any voyage.
    fn box_set(&self, consignment: u64) -> u64 {
        consignment % (self.ids.boxes.length() / BOXES).max(1)
    }

    /// Of what size the boxes of a consignment are: the same whenever they travel.
    pub(super) fn box_size(&self, consignment: u64) -> Size {
        let share = self.streams.fleet.row(self.box_set(consignment)).unit();
        let [.., (_, longest)] = SIZES;
        SIZES.iter().find(|(below, _)| share < *below).map_or(longest, |(_, size)| *size)
    }

    /// What a box weighs empty beyond others of its size, grams.
    fn box_extra_grams(&self, consignment: u64, place: i64) -> i64 {
        let mut cell = self.streams.fleet.row(self.box_set(consignment));
        let _size = cell.unit();
        (0..=place).map(|_| cell.whole(-60, 60) * 1000).last().unwrap_or_default()
    }

    /// The number of a consignment's box. A box comes back about twice a period.
    pub fn box_number(&self, consignment: u64, place: u64) -> String {
        let pool = self.ids.boxes.length();
        let code =
            self.ids.boxes.apply((self.box_set(consignment) * BOXES + place % BOXES) % pool.max(1));
        let carriers = &self.world.carriers;
        let owner = carriers.at(usize::try_from(code % carriers.len() as u64).unwrap_or_default());
        let letter = char::from(
            b'A'.saturating_add(u8::try_from(code / 1_000_000 % 26).unwrap_or_default()),
        );
        let mut out = Vec::with_capacity(11);
        let prefix = format!("{}{letter}U", owner.prefix.get(..2).unwrap_or("XX"));
        ident::container(&mut out, &prefix, code % 1_000_000);
        String::from_utf8(out).unwrap_or_default()
    }
}
