//! Ships of no liner service, each on a voyage of its own with a bulk cargo: where they were, when they were silent,
//! what others saw of them, and what registries know. The coast guard of the state of destination follows a ship
//! that comes in, by satellite where its own receivers do not reach.

use super::draft::Mode;
use super::ids::CASE_RECORDS;
use super::movement::Movement;
use super::{Consignment, Engine};
use crate::calendar::Moment;
use crate::ident;
use crate::permute::Permutation;
use crate::rng::{Cell, Stream};
use crate::table::{Out, Track, VesselEntry};
use crate::world::geo::Point;
use crate::world::{Office, World};

/// Hours between two positions of a ship.
pub const TRACK_HOURS: i64 = 6;
/// Most rows of a voyage.
const MOST_ROWS: u64 = 256;
/// IMO numbers that there are beside those of liners, for the ships of ordinary cargoes.
const MOST_SHIPS: u64 = 700_000;
/// The next cargo of a ship comes a quarter of the period later: when it is free again.
const TURNS: u64 = 4;
/// Days from where a ship comes in until its cargo is taken for arrived.
pub(super) const BERTHS: f64 = 0.2;
/// Voyages with a gap of over eight hours: of 529 crude tankers 67 % had one.
pub(super) const SILENT: f64 = 0.6;
/// Voyages on which somebody saw the ship from a ship, an aircraft or by radar.
const SEEN: f64 = 0.3;
/// Voyages on which somebody took another ship for it.
const MISTAKEN: f64 = 0.01;
/// Voyages with a call beside those at the ends: for fuel, crew, repairs, weather, or more cargo.
const EXTRA_CALLS: f64 = 0.03;
/// Ships that changed their flag once in the last two years, and those that did so more often.
const NEW_FLAG: (f64, f64) = (0.06, 0.01);

/// A place that a ship passes, and how deep it lies from there on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waypoint {
    /// When.
    pub at: Moment,
    /// Where.
    pub point: Point,
    /// Draught from there on, centimetres.
    pub draught: i64,
}

/// Somebody's view of a ship.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// When.
    pub at: Moment,
    /// Where.
    pub point: Point,
    /// `RADAR` or `VISUAL`.
    pub source: &'static str,
}

/// Where a ship was over some days.
#[derive(Debug, Clone, PartialEq)]
pub struct Voyage {
    /// Ship, see [`Engine::ship_of`] and [`Engine::case_ship`].
    pub ship: u64,
    /// State whose coast guard follows it.
    pub followed_by: u32,
    /// Where it went, in the order of time.
    pub way: Vec<Waypoint>,
    /// When it sent nothing.
    pub silent: Vec<(Moment, Moment)>,
    /// What others saw.
    pub seen: Vec<Sighting>,
}

/// What a registry knows of a ship.
#[derive(Debug, Clone)]
pub struct Ship {
    /// IMO number.
    pub imo: String,
    /// Name.
    pub name: String,
    /// Flags, the latest last, with the day since when.
    pub flags: Vec<(u32, i64)>,
    /// Who runs it.
    pub operator: u32,
    /// Year it was built.
    pub built: i64,
    /// Gross tonnage.
    pub tonnage: i64,
}

/// Streams and numbers of ships.
#[derive(Debug)]
pub struct Ships {
    imo: Permutation,
    track: Permutation,
    liner_rows: u64,
    facts: Stream,
    voyage: Stream,
}

impl Ships {
    /// Those of a world.
    pub fn new(world: &World, consignments: u64, cases: u64) -> Self {
        let steps = u64::try_from(world.calendar.days() * 24 / TRACK_HOURS).unwrap_or_default();
        let liner_rows = steps * world.vessels.len() as u64;
        let voyages = consignments + cases.saturating_mul(CASE_RECORDS);
        Self {
            imo: Permutation::new(world.seed, "vessel.imo", 900_000),
            track: Permutation::new(world.seed, "id.track", liner_rows + voyages * MOST_ROWS),
            liner_rows,
            facts: Stream::new(world.seed, "ship.facts"),
            voyage: Stream::new(world.seed, "ship.voyage"),
        }
    }

    /// The id of a position of a liner, by its row.
    pub fn liner_row(&self, row: u64) -> String {
        self.id(row)
    }

    fn id(&self, row: u64) -> String {
        let mut id = b"AIS-".to_vec();
        ident::digits(&mut id, self.track.apply(row), 12);
        String::from_utf8(id).unwrap_or_default()
    }
}

impl Engine<'_> {
    /// Ships for ordinary cargoes.
    fn cargo_ships(&self) -> u64 {
        self.consignments.div_ceil(TURNS).clamp(1, MOST_SHIPS)
    }

    /// The ship that a bulk consignment goes on.
    pub fn ship_of(&self, consignment: u64) -> u64 {
        consignment % self.cargo_ships()
    }

    /// A ship that a case has of its own, by its place.
    pub fn case_ship(&self, case: u64, place: u64) -> u64 {
        self.cargo_ships() + case * 2 + place % 2
    }

    /// A ship that only passes, or the one that it meets: numbered after those of the cases.
    pub fn passing_ship(&self, number: u64, place: u64) -> u64 {
        self.case_ship(self.cases.count() + number, place)
    }

    /// Facts of a ship.
    pub fn ship(&self, number: u64) -> Ship {
        let world = self.world;
        let mut cell = self.ships.facts.row(number);
        let mut imo = vec![];
        // In a world of a hundred million consignments they do not suffice.
        let place = (world.vessels.len() as u64 + number) % self.ships.imo.length();
        ident::imo(&mut imo, self.ships.imo.apply(place));
        let start = world.calendar.first_day();
        let state =
            |cell: &mut Cell| u32::try_from(cell.place(world.countries.len())).unwrap_or_default();
        let mut flags = vec![(state(&mut cell), start - cell.whole(900, 6_000))];
        let changes = match cell.unit() {
            share if share < NEW_FLAG.1 => cell.whole(2, 4),
            share if share < NEW_FLAG.0 => 1,
            _ => 0,
        };
        for change in 0..changes {
            let day = start - 700 + change * 170 + cell.whole(0, 150);
            flags.push((state(&mut cell), day));
        }
        Ship {
            imo: String::from_utf8(imo).unwrap_or_default(),
            name: world.registrar.names().ship(&mut cell),
            flags,
            operator: *world.other_carriers.at(cell.place(world.other_carriers.len())),
            built: cell.whole(1996, 2023),
            tonnage: cell.whole(9_000, 64_000),
        }
    }

    /// The voyage of a bulk consignment: as its scheme says, or as its papers do.
    pub fn voyage(&self, consignment: &Consignment) -> Option<Voyage> {
        if consignment.draft.mode != Mode::Bulk {
            return None;
        }
        consignment.twist.voyage.clone().or_else(|| self.plain_voyage(consignment))
    }

    /// The voyage that the papers tell of, with what happens on honest voyages too.
    pub fn plain_voyage(&self, consignment: &Consignment) -> Option<Voyage> {
        let (world, draft) = (self.world, &consignment.draft);
        let movement = &consignment.movement;
        let mut cell = self.ships.voyage.row(draft.number);
        let mut way = self.way(movement, &mut cell)?;
        if cell.chance(EXTRA_CALLS) {
            let port = world.ports.at(cell.place(world.ports.len())).point;
            call(&mut way, port, cell.between(8.0, 60.0), if cell.chance(0.5) { 60 } else { 0 });
        }
        let mut voyage = Voyage {
            ship: self.ship_of(draft.number),
            followed_by: draft.to,
            way,
            silent: vec![],
            seen: vec![],
        };
        voyage.fall_silent(SILENT, &mut cell);
        voyage.be_seen(&mut cell);
        Some(voyage)
    }

    /// The way that papers tell of, from berth to berth: in ballast, laden, in ballast again.
    pub(super) fn way(&self, movement: &Movement, cell: &mut Cell) -> Option<Vec<Waypoint>> {
        let (from, to) = self.ends(movement)?;
        let (ballast, laden) = self.depth(cell);
        let (departs, arrives) = (movement.departs, movement.arrives);
        let at = |at, point, draught| Waypoint { at, point, draught };
        Some(vec![
            at(departs.plus_days(-cell.between(0.8, 2.0)), from, ballast),
            at(departs, from, laden),
            at(arrives.plus_days(-BERTHS), to, laden),
            at(arrives, to, ballast),
            at(arrives.plus_days(cell.between(0.5, 1.5)), to, ballast),
        ])
    }

    /// Where it leaves and where it is to come in.
    pub(super) fn ends(&self, movement: &Movement) -> Option<(Point, Point)> {
        let point = |port: Option<u32>| Some(self.world.ports.id(port?).point);
        Some((point(movement.from_port)?, point(movement.to_port)?))
    }

    /// Draught in ballast and laden, centimetres.
    pub fn depth(&self, cell: &mut Cell) -> (i64, i64) {
        (cell.whole(620, 820), cell.whole(1_020, 1_350))
    }

    /// Writes the positions of a voyage; its rows are numbered after a consignment or a record of a case.
    pub fn put_voyage<O: Out>(&self, voyage: &Voyage, rows: u64, out: &mut O) {
        let agency = self.world.countries.id(voyage.followed_by).agency(Office::CoastGuard);
        let imo = self.ship(voyage.ship).imo;
        let mut silent: Option<Moment> = None;
        let mut last: Option<Moment> = None;
        for (place, at) in voyage.ticks().enumerate() {
            if voyage.silent.iter().any(|(from, until)| (*from..*until).contains(&at)) {
                silent = silent.or(last).or(Some(at));
                continue;
            }
            let (point, knots, draught) = voyage.position(at);
            last = Some(at);
            out.put(&Track {
                agency,
                id: &self.voyage_row(rows, place as u64),
                vessel_imo: &imo,
                at: Some(at),
                latitude: Some(micro(point.lat)),
                longitude: Some(micro(point.lon)),
                speed: Some(micro(knots)),
                draught_cm: Some(draught),
                silent_since: silent.take(),
                source: "AIS_SATELLITE",
            });
        }
        for (place, sighting) in (0..).zip(&voyage.seen) {
            out.put(&Track {
                agency,
                id: &self.voyage_row(rows, MOST_ROWS - 1 - place),
                vessel_imo: &imo,
                at: Some(sighting.at),
                latitude: Some(micro(sighting.point.lat)),
                longitude: Some(micro(sighting.point.lon)),
                source: sighting.source,
                ..Track::default()
            });
        }
    }

    /// The id of a row of a voyage: by consignment or [`Engine::case_voyage`], and place.
    pub fn voyage_row(&self, rows: u64, place: u64) -> String {
        self.ships.id(self.ships.liner_rows + rows * MOST_ROWS + place % MOST_ROWS)
    }

    /// Id of the row of a sighting, by its place among those of the voyage.
    pub fn sighting_row(&self, rows: u64, place: u64) -> String {
        self.voyage_row(rows, MOST_ROWS - 1 - place)
    }

    /// Where the rows of a voyage are numbered that a case alone has.
    pub fn case_voyage(&self, case: u64, place: u64) -> u64 {
        self.consignments + case * CASE_RECORDS + place % CASE_RECORDS
    }

    /// A ship in the registry of its flag, and with the police bureau of a state, who knows the flags before.
    pub fn put_ship<O: Out>(&self, ship: &Ship, known_to: u32, out: &mut O) {
        let world = self.world;
        let code = |state: u32| world.countries.id(state).code.as_str();
        let operator = world.carriers.id(ship.operator);
        let former: Vec<&str> =
            ship.flags.iter().rev().skip(1).map(|(flag, _)| code(*flag)).collect();
        let former = former.join(";");
        let Some((flag, since)) = ship.flags.last().copied() else { return };
        let row = VesselEntry {
            agency: world.countries.id(flag).agency(Office::CoastGuard),
            id: &format!("VR-{}", ship.imo),
            imo: &ship.imo,
            name: &ship.name,
            flag: code(flag),
            former_flags: &former,
            registered_on: Some(since),
            operator: &operator.name,
            built: Some(ship.built),
            gross_tonnage: Some(ship.tonnage),
        };
        out.put(&row);
        let police = world.countries.id(known_to).agency(Office::Police);
        for (place, (flag, since)) in ship.flags.iter().enumerate() {
            let former: Vec<&str> =
                ship.flags.iter().take(place).rev().map(|(flag, _)| code(*flag)).collect();
            out.put(&VesselEntry {
                agency: police,
                id: &self.flag_row(ship, place),
                flag: code(*flag),
                former_flags: &former.join(";"),
                registered_on: Some(*since),
                ..row
            });
        }
    }

    /// The id of what a police bureau has of a ship under one of its flags.
    pub fn flag_row(&self, ship: &Ship, place: usize) -> String {
        format!("VR-{}-{}", ship.imo, place + 1)
    }

    /// The ship that a consignment did go on: a case may have one of its own.
    pub fn ship_used(&self, consignment: &Consignment) -> u64 {
        let given = consignment.twist.voyage.as_ref().map(|voyage| voyage.ship);
        given.unwrap_or_else(|| self.ship_of(consignment.draft.number))
    }

    /// Whether a bulk consignment is the first of its ordinary ship: then the registries are written with it.
    pub fn first_of_ship(&self, consignment: u64) -> bool {
        let ships = self.cargo_ships();
        (1..=consignment / ships).all(|back| {
            let before = self.consignment(consignment - back * ships);
            before.draft.mode != Mode::Bulk
                || self.ship_used(&before) != self.ship_of(before.draft.number)
        })
    }
}

impl Voyage {
    /// When positions are sent: every six hours of the day, less often on a very long voyage.
    fn ticks(&self) -> impl Iterator<Item = Moment> {
        let first = self.way.first().map_or(0, |way| way.at.0);
        let last = self.way.last().map_or(0, |way| way.at.0);
        let sparse = (last - first) / (TRACK_HOURS * 3600) >= i64::from(ROWS_OF_SIX_HOURS);
        let step = TRACK_HOURS * 3600 * if sparse { 2 } else { 1 };
        let start = first.div_euclid(step) + 1;
        (start..=last.div_euclid(step)).map(move |tick| Moment(tick * step)).take(RAW_ROWS)
    }

    /// Where the ship is, its speed in knots and its draught.
    pub fn position(&self, at: Moment) -> (Point, f64, i64) {
        let here = self.way.iter().rposition(|way| way.at <= at).unwrap_or_default();
        let Some(from) = self.way.get(here) else { return (Point::default(), 0.0, 0) };
        let Some(to) = self.way.get(here + 1) else { return (from.point, 0.0, from.draught) };
        let days = to.at.days_since(from.at).max(1e-6);
        let share = (at.days_since(from.at) / days).clamp(0.0, 1.0);
        let knots = from.point.miles_to(to.point) / days / 24.0;
        (from.point.toward(to.point, share), knots, from.draught)
    }

    /// When it lay still between two passages, neither where it began nor where it ended.
    pub fn aside(&self) -> Option<(Moment, Moment)> {
        let legs = self.way.iter().zip(self.way.iter().skip(1));
        let mut moving = legs.filter(|(from, to)| from.point.miles_to(to.point) > 1.0);
        let (_, stops) = moving.next()?;
        moving.next_back().map(|(leaves, _)| (stops.at, leaves.at))
    }

    /// Places of the positions that it sends in a time.
    pub fn sent(&self, from: Moment, until: Moment) -> Vec<u64> {
        let heard =
            |at: &Moment| !self.silent.iter().any(|(from, until)| (*from..*until).contains(at));
        (0..)
            .zip(self.ticks())
            .filter(|(_, at)| (from..=until).contains(at) && heard(at))
            .map(|(place, _)| place)
            .collect()
    }

    /// The waypoints between which it sails longest: departure and arrival.
    pub(super) fn longest(&self) -> Option<(Moment, Moment)> {
        let legs = self.way.iter().zip(self.way.iter().skip(1));
        let moving = legs.filter(|(from, to)| from.point.miles_to(to.point) > 1.0);
        let longest = moving.max_by_key(|(from, to)| to.at.0 - from.at.0)?;
        Some((longest.0.at, longest.1.at))
    }

    /// One gap at sea on some voyages, of 8 to 60 hours.
    pub fn fall_silent(&mut self, share: f64, cell: &mut Cell) {
        let (chosen, hours, place) = (cell.chance(share), cell.between(8.0, 60.0), cell.unit());
        let Some((from, until)) = self.longest().filter(|_| chosen) else { return };
        let days = until.days_since(from);
        let gap = (hours / 24.0).min(days * 0.7);
        if gap * 24.0 > 7.0 {
            let starts = from.plus_days((days - gap) * place);
            self.silent.push((starts, starts.plus_days(gap)));
        }
    }

    /// Somebody sees it now and then, or takes another ship for it, hundreds of miles off.
    pub fn be_seen(&mut self, cell: &mut Cell) {
        let (seen, mistaken) = (cell.chance(SEEN), cell.chance(MISTAKEN));
        let Some((from, until)) = self.longest() else { return };
        let at = from.plus_days(until.days_since(from) * cell.between(0.05, 0.95));
        let source = if cell.chance(0.5) { "RADAR" } else { "VISUAL" };
        let (mut point, ..) = self.position(at);
        let off = offset(cell.between(30.0, 900.0), point, cell);
        if mistaken {
            point = off;
        }
        if seen || mistaken {
            self.seen.push(Sighting { at, point, source });
        }
    }
}

/// So many nautical miles from a point, in any direction that is not too near a pole.
pub fn offset(miles: f64, from: Point, cell: &mut Cell) -> Point {
    let turn = cell.between(0.0, core::f64::consts::TAU);
    let north = (from.lat + miles / 60.0 * libm::sin(turn)).clamp(-70.0, 70.0);
    let narrow = libm::cos(north.to_radians()).max(0.2);
    let east = from.lon + miles / 60.0 * libm::cos(turn) / narrow;
    Point { lat: north, lon: if east.abs() > 180.0 { from.lon } else { east } }
}

/// Puts a call at a port on the way, before the last leg: the ship goes there as fast as it must, and stays some
/// hours; what it loads there makes it lie so much deeper, centimetres. Only where there is time for it.
pub fn call(way: &mut Vec<Waypoint>, port: Point, hours: f64, deeper: i64) {
    let legs: Vec<_> = way.iter().zip(way.iter().skip(1)).collect();
    let Some((place, (from, to))) =
        legs.into_iter().enumerate().find(|(_, (from, to))| from.point.miles_to(to.point) > 1.0)
    else {
        return;
    };
    let (there, back) = (from.point.miles_to(port), port.miles_to(to.point));
    let sailing = to.at.days_since(from.at) * 24.0 - hours;
    if sailing <= 0.0 || (there + back) / sailing > MOST_KNOTS || there < 1.0 || back < 1.0 {
        return;
    }
    let draught = from.draught + deeper;
    let comes = from.at.plus_days(sailing * there / (there + back) / 24.0);
    let goes = comes.plus_days(hours / 24.0);
    let before = Waypoint { at: comes, point: port, draught: from.draught };
    let after = Waypoint { at: goes, point: port, draught };
    way.insert(place + 1, after);
    way.insert(place + 1, before);
    for later in way.iter_mut().skip(place + 3) {
        if later.draught > 900 {
            later.draught = draught;
        }
    }
}

/// Ships of this kind make at most so much.
pub const MOST_KNOTS: f64 = 15.0;
/// Rows for positions, the rest is for what others saw.
const RAW_ROWS: usize = 240;
/// From so many positions on they come twice as far apart.
const ROWS_OF_SIX_HOURS: u16 = 240;

pub(super) fn micro(value: f64) -> i64 {
    super::draft::round(value * 1e6)
}
