//! What ships do beside what their papers tell: they call at other ports, meet others at sea, are seen where their
//! signals do not say, change their flags. Who has a reason and who has something to hide do it by the same laws.

use super::Engine;
use super::movement::Movement;
use super::voyage::{BERTHS, SILENT, Ship, Sighting, Voyage, Waypoint, call, offset};
use crate::calendar::Moment;
use crate::rng::Cell;
use crate::world::geo::Point;

/// A call at a port that the papers do not name.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Which.
    pub port: u32,
    /// How long.
    pub hours: f64,
    /// What is loaded there makes the ship lie so much deeper, centimetres.
    pub deeper: i64,
}

/// A meeting of two ships at sea: cargo goes from one to the other while neither is heard.
#[derive(Debug, Clone, Copy)]
pub struct Meeting {
    /// At this share of the way.
    pub share: f64,
    /// How long neither is heard, hours.
    pub silent: f64,
    /// How long they lie there before and after that, hours.
    pub heard: (f64, f64),
    /// How much deeper the one that takes the cargo lies, centimetres.
    pub deeper: i64,
}

/// Speed of ships that have lost time, knots.
const KNOTS: (f64, f64) = (10.5, 13.5);
/// Ports among which those that call elsewhere choose: the ones that are least out of the way.
const NEAR: usize = 4;
/// Days before a moment in which a ship takes its new flags.
const FLAG_DAYS: i64 = 690;

impl Engine<'_> {
    /// Draws a call on the way of a movement, at a port of another state than those at its ends.
    pub fn draw_call(&self, movement: &Movement, hours: f64, cell: &mut Cell) -> Option<Call> {
        let world = self.world;
        let (from, to) = self.ends(movement)?;
        let state = |port: Option<u32>| Some(world.ports.id(port?).country);
        let taken = [state(movement.from_port), state(movement.to_port)];
        let free = world.countries.numbered().filter(|(state, _)| !taken.contains(&Some(*state)));
        let ports: Vec<u32> = free.flat_map(|(_, state)| state.sea.iter().copied()).collect();
        let detour = |port: Point| from.miles_to(port) + port.miles_to(to);
        let port = self.nearest(ports, detour, cell)?;
        Some(Call { port, hours, deeper: if cell.chance(0.5) { 60 } else { 0 } })
    }

    /// One of the few ports that are nearest by some measure.
    fn nearest(
        &self,
        mut ports: Vec<u32>,
        far: impl Fn(Point) -> f64,
        cell: &mut Cell,
    ) -> Option<u32> {
        let far = |port: &u32| far(self.world.ports.id(*port).point);
        ports.sort_by(|one, other| far(one).total_cmp(&far(other)));
        ports.truncate(NEAR);
        ports.get(cell.place(ports.len())).copied()
    }

    /// Draws a meeting.
    pub fn draw_meeting(&self, cell: &mut Cell) -> Meeting {
        let params = self.world.schemes.parameters("T13");
        let metres = params.within("draught_change_m", (0.3, 3.0), cell);
        Meeting {
            share: cell.between(0.3, 0.7),
            silent: params.within("gap_hours", (8.5, 96.0), cell),
            heard: (cell.between(6.5, 11.0), cell.between(6.5, 11.0)),
            deeper: super::draft::round(metres * 100.0),
        }
    }

    /// The voyage of a ship, followed by a state, that goes straight where its papers say.
    pub fn straight(
        &self,
        movement: &Movement,
        (ship, followed_by): (u64, u32),
        cell: &mut Cell,
    ) -> Option<Voyage> {
        let way = self.way(movement, cell)?;
        let mut voyage = Voyage { ship, followed_by, way, silent: vec![], seen: vec![] };
        voyage.fall_silent(SILENT, cell);
        voyage.be_seen(cell);
        Some(voyage)
    }

    /// The voyage of one that calls elsewhere, where it is heard; it takes the time that it needs.
    pub fn calling(
        &self,
        movement: &mut Movement,
        (ship, followed_by): (u64, u32),
        calls: &Call,
        cell: &mut Cell,
    ) -> Option<Voyage> {
        let (from, to) = self.ends(movement)?;
        let port = self.world.ports.id(calls.port).point;
        let sailing = (from.miles_to(port) + port.miles_to(to)) / cell.between(KNOTS.0, KNOTS.1);
        movement.give_time((sailing + calls.hours) / 24.0 + BERTHS);
        let mut way = self.way(movement, cell)?;
        call(&mut way, port, calls.hours, calls.deeper);
        let mut voyage = Voyage { ship, followed_by, way, silent: vec![], seen: vec![] };
        voyage.fall_silent(SILENT, cell);
        voyage.be_seen(cell);
        if let Some((comes, goes)) = voyage.aside() {
            voyage.silent.retain(|(from, until)| *until <= comes || *from >= goes);
        }
        Some(voyage)
    }

    /// The voyage of one that takes cargo at sea: it leaves less deep than it comes in.
    pub fn taking(
        &self,
        movement: &mut Movement,
        (ship, followed_by): (u64, u32),
        meets: &Meeting,
        cell: &mut Cell,
    ) -> Option<Voyage> {
        let (from, to) = self.ends(movement)?;
        let point = from.toward(to, meets.share);
        let (there, back) = (from.miles_to(point), point.miles_to(to));
        let stay = meets.heard.0 + meets.silent + meets.heard.1;
        let sailing = (there + back) / cell.between(KNOTS.0, KNOTS.1);
        movement.give_time((sailing + stay) / 24.0 + BERTHS);
        let mut way = self.way(movement, cell)?;
        let (leaves, lands) = (*way.get(1)?, *way.get(2)?);
        let under_way = lands.at.days_since(leaves.at) - stay / 24.0;
        let comes = leaves.at.plus_days(under_way * there / (there + back).max(1.0));
        let (still, laden) = (lands.draught - meets.deeper, lands.draught);
        let stays = lie(point, (comes, meets), (still, laden));
        let silent = vec![quiet(comes, meets)];
        way.get_mut(1)?.draught = still;
        way.splice(2..2, stays);
        let mut voyage = Voyage { ship, followed_by, way, silent, seen: vec![] };
        voyage.be_seen(cell);
        Some(voyage)
    }

    /// The voyage of the ship that gives it: it was there before, goes later, and lies less deep then.
    pub fn giving(
        &self,
        taking: &Voyage,
        ship: u64,
        meets: &Meeting,
        cell: &mut Cell,
    ) -> Option<Voyage> {
        let world = self.world;
        let (comes, goes) = taking.aside()?;
        let point = offset(cell.between(0.1, 0.4), taking.position(comes).0, cell);
        let ports = || world.countries.iter().flat_map(|state| state.sea.iter().copied()).collect();
        let near = |port: Point| port.miles_to(point);
        let mut port = || Some(world.ports.id(self.nearest(ports(), near, cell)?).point);
        let (from, to) = (port()?, port()?);
        let days = |port: Point, cell: &mut Cell| {
            (port.miles_to(point) / cell.between(KNOTS.0, KNOTS.1)).max(6.0) / 24.0
        };
        let (_, laden) = self.depth(cell);
        let light = laden - meets.deeper;
        let early = comes.plus_days(-cell.between(0.0, 0.15));
        let late = goes.plus_days(cell.between(0.0, 0.15));
        let departs = early.plus_days(-days(from, cell));
        let arrives = late.plus_days(days(to, cell));
        let mut way = vec![
            Waypoint {
                at: departs.plus_days(-cell.between(0.8, 2.0)),
                point: from,
                draught: laden,
            },
            Waypoint { at: departs, point: from, draught: laden },
        ];
        let [_, changes, _] = lie(point, (comes, meets), (laden, light));
        way.push(Waypoint { at: early, point, draught: laden });
        way.push(changes);
        way.push(Waypoint { at: late, point, draught: light });
        way.push(Waypoint { at: arrives, point: to, draught: light });
        let leaves = arrives.plus_days(cell.between(0.5, 1.5));
        way.push(Waypoint { at: leaves, point: to, draught: light });
        let followed_by = taking.followed_by;
        let silent = vec![quiet(comes, meets)];
        let mut voyage = Voyage { ship, followed_by, way, silent, seen: vec![] };
        voyage.be_seen(cell);
        Some(voyage)
    }

    /// A ship that took so many new flags in the two years before a day; at last not that of a state.
    pub fn hop(&self, mut ship: Ship, flags: i64, day: i64, not: u32, cell: &mut Cell) -> Ship {
        let states = self.world.countries.len();
        let step = FLAG_DAYS / flags.max(1);
        ship.flags.truncate(1);
        for change in 0..flags {
            let before = ship.flags.last().map(|(state, _)| *state);
            let drawn = [(); 8].map(|()| u32::try_from(cell.place(states)).unwrap_or_default());
            let other =
                |state: &u32| Some(*state) != before && (change + 1 < flags || *state != not);
            let state = drawn.into_iter().find(other).unwrap_or_default();
            let since = day - FLAG_DAYS + change * step + cell.whole(0, step - 8);
            ship.flags.push((state, since));
        }
        ship
    }
}

/// From when until when neither of two that meet is heard, where the first comes at a moment.
fn quiet(comes: Moment, meets: &Meeting) -> (Moment, Moment) {
    let from = comes.plus_days(meets.heard.0 / 24.0);
    (from, from.plus_days(meets.silent / 24.0))
}

/// How it lies there: it comes with one draught and goes with another.
fn lie(
    point: Point,
    (comes, meets): (Moment, &Meeting),
    (first, last): (i64, i64),
) -> [Waypoint; 3] {
    let (from, until) = quiet(comes, meets);
    let middle = from.plus_days(until.days_since(from) / 2.0);
    [
        Waypoint { at: comes, point, draught: first },
        Waypoint { at: middle, point, draught: last },
        Waypoint { at: until.plus_days(meets.heard.1 / 24.0), point, draught: last },
    ]
}

impl Voyage {
    /// Makes it seen so many nautical miles from where its signals say, and more than once: one sighting may be of
    /// another ship.
    pub fn seen_elsewhere(&mut self, miles: f64, cell: &mut Cell) {
        let Some((from, until)) = self.longest() else { return };
        self.seen.clear();
        for _ in 0..2 + cell.place(2) {
            let at = from.plus_days(until.days_since(from) * cell.between(0.05, 0.95));
            let (point, ..) = self.position(at);
            let source = if cell.chance(0.5) { "RADAR" } else { "VISUAL" };
            self.seen.push(Sighting { at, point: offset(miles, point, cell), source });
        }
    }

    /// Forgets what somebody saw of another ship.
    pub fn not_mistaken(&mut self, miles: f64) {
        let seen = std::mem::take(&mut self.seen);
        let here = |seen: &Sighting| self.position(seen.at).0.miles_to(seen.point) < miles;
        self.seen = seen.into_iter().filter(here).collect();
    }
}
