//! Rows of liners that belong to no consignment: their registry, and where they were. Other ships: `voyage.rs`; firms
//! and licences: `rows.rs`.

use super::Engine;
use super::voyage::{TRACK_HOURS, micro};
use crate::calendar::{DAY, Moment};
use crate::rng::Stream;
use crate::table::{Out, Track, VesselEntry};
use crate::world::Office;

/// Streams of the registers.
#[derive(Debug)]
pub struct Registers {
    gap: Stream,
    draught: Stream,
    steps: u64,
}

impl Registers {
    /// Those of an engine.
    pub fn new(engine: &Engine) -> Self {
        let seed = engine.world.seed;
        let stream = |column: &str| Stream::new(seed, column);
        let steps =
            u64::try_from(engine.world.calendar.days() * 24 / TRACK_HOURS).unwrap_or_default();
        Self { gap: stream("vessel_track.gap"), draught: stream("vessel_track.draught"), steps }
    }

    /// Positions of a ship over the period.
    pub fn track<O: Out>(&self, engine: &Engine, vessel: u32, out: &mut O) {
        let world = engine.world;
        let ship = world.vessels.id(vessel);
        let service = world.services.id(ship.service);
        let start = Moment(world.calendar.first_day() * DAY);
        let mut silent: Option<Moment> = None;
        for step in 0..self.steps {
            let at = Moment(start.0 + i64::try_from(step).unwrap_or_default() * TRACK_HOURS * 3600);
            if self.silent(engine, vessel, at) {
                silent.get_or_insert(at.plus_days(-0.25));
                continue;
            }
            let (point, speed) = service.position(vessel, at);
            let row = u64::from(vessel) * self.steps + step;
            let mut cell = self.draught.row(row);
            // It lies as deep from one port to the next as it was loaded.
            let load = service.leg(vessel, at).wrapping_mul(4096).wrapping_add(u64::from(vessel));
            let draught = self.draught.row(u64::MAX - load).whole(900, 1250);
            out.put(&Track {
                agency: world.countries.id(nearest(engine, point)).agency(Office::CoastGuard),
                id: &engine.ships.liner_row(row),
                vessel_imo: &ship.imo,
                at: Some(at),
                latitude: Some(micro(point.lat)),
                longitude: Some(micro(point.lon)),
                speed: Some(micro(speed * cell.between(0.9, 1.0))),
                draught_cm: Some(draught),
                silent_since: silent.take(),
                source: "AIS_TERRESTRIAL",
            });
        }
    }

    /// Whether a ship is silent: one gap of 8 to 60 hours in some months.
    fn silent(&self, engine: &Engine, vessel: u32, at: Moment) -> bool {
        let month = at.day().div_euclid(30);
        let mut cell =
            self.gap.row(u64::from(vessel) << 16 | u64::try_from(month).unwrap_or_default());
        if !cell.chance(engine.world.rates.silent_ships) {
            return false;
        }
        let starts = Moment(month * 30 * DAY).plus_days(cell.between(0.0, 27.0));
        let days = cell.between(8.0, 60.0) / 24.0;
        (0.0..days).contains(&at.days_since(starts))
    }

    /// A ship in the registry of its flag.
    pub fn vessel<O: Out>(&self, engine: &Engine, number: u32, out: &mut O) {
        let world = engine.world;
        let ship = world.vessels.id(number);
        let flag = world.countries.id(ship.flag);
        let operator = world.carriers.id(world.services.id(ship.service).carrier);
        out.put(&VesselEntry {
            agency: flag.agency(Office::CoastGuard),
            id: &format!("VR-{}", ship.imo),
            imo: &ship.imo,
            name: &ship.name,
            flag: &flag.code,
            former_flags: "",
            registered_on: Some(
                crate::calendar::day_of(ship.built, 1, 1) + i64::from(number % 360),
            ),
            operator: &operator.name,
            built: Some(ship.built),
            gross_tonnage: Some(ship.tonnage),
        });
    }
}

/// The state whose port is nearest: its coast guard hears the ship.
fn nearest(engine: &Engine, point: crate::world::geo::Point) -> u32 {
    let far = |port: &crate::world::Port| {
        let (north, east) = point.degrees_to(port.point);
        north * north + east * east
    };
    let ports = engine.world.ports.iter().map(|port| (far(port), port.country));
    ports.min_by(|(a, _), (b, _)| a.total_cmp(b)).map_or(0, |(_, country)| country)
}
