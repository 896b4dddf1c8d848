//! Silence where no receiver hears: a lawful pattern. On one lane of the world there is a stretch of sea that neither coast nor
//! satellite hears well; every ship that the coast guard follows through it is lost for as long as it takes, comes out as deep as
//! it went in, and its bill is of the port that it left. Gaps are what ship-to-ship transfers (T13) need; these are where
//! everybody knows of them.

use super::case::{Case, Role};
use super::mechanism::{Mechanism, Trace};
use crate::rng::{Cell, Stream};
use crate::shipment::draft::Draft;
use crate::shipment::loose::Cargo;
use crate::shipment::voyage::Voyage;
use crate::shipment::{Consignment, Engine};
use crate::world::geo::Point;

/// The decoy.
#[derive(Debug)]
pub struct KnownHole;

/// Cargoes that are drawn until one passes the hole.
const TRIES: usize = 48;
/// Nautical miles from its middle within which a ship passes it.
const NEAR: f64 = 400.0;
/// Days at both ends on which it is heard.
const HEARD: f64 = 0.3;

/// The middle of the stretch: the same for every ship of a world.
fn hole(engine: &Engine) -> Point {
    let world = engine.world;
    let mut cell = Stream::new(world.seed, "known_hole").row(0);
    let mut port = || world.ports.at(cell.place(world.ports.len())).point;
    let pairs = [(); 32].map(|()| (port(), port()));
    // The longest of some lanes: far from any coast.
    let far = |pair: &(Point, Point)| pair.0.miles_to(pair.1);
    let lane = pairs.into_iter().max_by(|one, other| far(one).total_cmp(&far(other)));
    lane.map(|(from, to)| from.toward(to, 0.5)).unwrap_or_default()
}

struct Cast {
    cargo: Cargo,
    hours: f64,
}

/// Where on the straight way of a cargo the hole is nearest, as a share of it, and how far that is.
fn passes(engine: &Engine, cargo: &Cargo, hole: Point) -> Option<(f64, f64)> {
    let port = |state: u32| {
        let country = engine.world.countries.id(state);
        country.sea.first().map(|port| engine.world.ports.id(*port).point)
    };
    let (from, to) = (port(cargo.states.0)?, port(cargo.states.1)?);
    nearest(from, to, hole)
}

/// Where on a straight way a point is nearest, as a share of it, and how far that is.
fn nearest(from: Point, to: Point, point: Point) -> Option<(f64, f64)> {
    let shares = (1..20).map(|step| f64::from(step) / 20.0);
    let far = |share: f64| from.toward(to, share).miles_to(point);
    shares.map(|share| (share, far(share))).min_by(|one, other| one.1.total_cmp(&other.1))
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let params = engine.world.schemes.parameters("known_ais_hole");
    let mut cell = engine.cases.cell(case);
    let hours = params.within("gap_hours", (8.5, 72.0), &mut cell);
    let hole = hole(engine);
    let drawn: Vec<Cargo> = (0..TRIES).map(|_| engine.draw_cargo(&mut cell)).collect();
    let far = |cargo: &&Cargo| passes(engine, cargo, hole).map_or(f64::MAX, |(_, miles)| miles);
    let through = drawn.iter().find(|cargo| far(cargo) < NEAR);
    let least = || drawn.iter().min_by(|one, other| far(one).total_cmp(&far(other)));
    let cargo = through.or_else(least).copied().unwrap_or_else(|| engine.draw_cargo(&mut cell));
    Cast { cargo, hours }
}

/// A voyage as the papers have it, that is not heard where the hole is nearest, for so many hours or as long as it is at sea.
fn unheard(
    engine: &Engine,
    consignment: &Consignment,
    hours: f64,
    cell: &mut Cell,
) -> Option<Voyage> {
    let draft = &consignment.draft;
    let by = (engine.ship_of(draft.number), draft.to);
    let mut voyage = engine.straight(&consignment.movement, by, cell)?;
    let (from, to) = (*voyage.way.get(1)?, *voyage.way.get(2)?);
    let (share, _) = nearest(from.point, to.point, hole(engine))?;
    let days = to.at.days_since(from.at);
    // It is heard once after it leaves and once before it comes in, as deep as it is at sea.
    let gap = (hours / 24.0).min(days - 2.0 * HEARD).max(0.0);
    let starts = (days * share - gap / 2.0).min(days - HEARD - gap).max(HEARD);
    let starts = from.at.plus_days(starts);
    voyage.silent = vec![(starts, starts.plus_days(gap))];
    Some(voyage)
}

impl Mechanism for KnownHole {
    fn roles(engine: &Engine, _case: u64) -> Vec<Role> {
        engine.cases.places(&[0.0], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        engine.load(draft, &cast(engine, case.number).cargo);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let hours = cast(engine, case.number).hours;
        let mut cell = engine.cases.records_cell(case.number, 0);
        consignment.twist.voyage = unheard(engine, consignment, hours, &mut cell);
    }

    fn traces(_engine: &Engine, _case: &Case) -> Vec<Trace> {
        vec![]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::{each, number};
    use super::*;
    use crate::table::Table;

    #[test]
    fn ships_are_lost_near_one_place_and_come_out_as_deep_as_they_went_in() {
        let (mut near, mut gaps) = (0, std::collections::BTreeSet::new());
        each(Kind::KnownHole, 40, |engine, _, rows| {
            let mut tracks: Vec<_> = rows
                .of(Table::Track)
                .into_iter()
                .filter(|row| row["source"] == "AIS_SATELLITE")
                .collect();
            tracks.sort_by(|one, other| one["at"].cmp(&other["at"]));
            let after = tracks.iter().position(|row| !row["silent_since"].is_empty());
            let after = after.expect("a silence");
            let (before, after) = (&tracks[after - 1], &tracks[after]);
            assert_eq!(before["draught_cm"], after["draught_cm"]);
            let point =
                |row: &_| Point { lat: number(row, "latitude"), lon: number(row, "longitude") };
            let hole = hole(engine);
            let miles = nearest(point(before), point(after), hole).unwrap().1;
            near += usize::from(miles < NEAR + 300.0);
            gaps.insert((point(before).miles_to(point(after)) / 200.0) as i64);
        });
        assert!(near > 20, "{near} of 40 near the hole");
        assert!(gaps.len() > 2, "{gaps:?}");
    }
}
