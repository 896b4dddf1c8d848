//! T14: AIS spoofing and flag hopping.
//!
//! *Mechanism.* A ship sends positions on the way that its papers tell of, while it is somewhere else, to load or to hand
//! over what no paper names. It does not keep a flag for long: each new registry knows nothing of what it did under the
//! last one.
//!
//! *Traces.* CG: one ship at two places: its own signals, and what radar or a patrol saw more than once, tens to hundreds
//! of miles off.
//! NCB: the flags that it took within two years. A registry by itself knows its own entry.
//!
//! *Parameters* (`schemes.toml`): `offset_nm`, `flags_in_24_months`.
//!
//! *Innocent likes* (`passing.rs`, `voyage.rs`). Ships that were taken for others once, or whose signals were garbled, so
//! that they seem to be in two places all the while; ships that are sold on and change their flags.
//!
//! *Indicators from public sources.* United States Department of State, Department of the Treasury and Coast Guard,
//! "Sanctions Advisory for the Maritime Industry, Energy and Metals Sectors, and Related Communities" (14 May 2020):
//! manipulation of AIS, false flags and flag hopping; International Maritime Organization, resolution A.1192(33) on
//! illegal operations by the "dark fleet" (2023); reports of the United Nations Panel of Experts established by
//! resolution 1874 (2009): vessel identity tampering.

use super::Holder;
use super::case::{Case, Role};
use super::mechanism::{Mechanism, Trace};
use crate::shipment::draft::Draft;
use crate::shipment::loose::Cargo;
use crate::shipment::voyage::Ship;
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct FalsePositions;

struct Cast {
    cargo: Cargo,
    /// How far from its signals it is, nautical miles.
    miles: f64,
    flags: i64,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let params = engine.world.schemes.parameters("T14");
    let mut cell = engine.cases.cell(case);
    Cast {
        cargo: engine.draw_cargo(&mut cell),
        miles: params.within("offset_nm", (30.0, 900.0), &mut cell),
        flags: engine.draw_flags(&mut cell),
    }
}

/// The ship, with the flags that it took.
fn hopper(engine: &Engine, case: &Case) -> Ship {
    let cast = cast(engine, case.number);
    let mut cell = engine.cases.records_cell(case.number, 1);
    let day = engine.case_begins(case.number).day();
    let ship = engine.ship(engine.case_ship(case.number, 0));
    engine.hop(ship, cast.flags, day, cast.cargo.states.1, &mut cell)
}

impl Mechanism for FalsePositions {
    fn roles(engine: &Engine, _case: u64) -> Vec<Role> {
        engine.cases.places(&[0.0], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        engine.load(draft, &cast(engine, case.number).cargo);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        let mut cell = engine.cases.records_cell(case.number, 0);
        let by = (engine.case_ship(case.number, 0), consignment.draft.to);
        let mut voyage = engine.straight(&consignment.movement, by, &mut cell);
        if let Some(voyage) = &mut voyage {
            voyage.seen_elsewhere(cast.miles, &mut cell);
        }
        consignment.twist.voyage = voyage;
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        engine.put_ship(&hopper(engine, case), cast(engine, case.number).cargo.states.1, out);
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let Some(number) = engine.of_role(case, 0) else { return vec![] };
        let consignment = engine.consignment(number);
        let state = engine.world.countries.id(consignment.draft.to);
        let seen = consignment.twist.voyage.map_or(0, |voyage| voyage.seen.len() as u64);
        let mut traces: Vec<Trace> = (0..seen)
            .map(|place| Trace {
                table: Table::Track,
                id: engine.sighting_row(number, place),
                agency: state.agency(Office::CoastGuard).to_owned(),
                holder: Holder::CoastGuard,
                shows: "seen far from where its signals say",
            })
            .collect();
        let ship = hopper(engine, case);
        traces.extend((1..ship.flags.len()).map(|place| Trace {
            table: Table::VesselEntry,
            id: engine.flag_row(&ship, place),
            agency: state.agency(Office::Police).to_owned(),
            holder: Holder::PoliceBureau,
            shows: "a flag that it took within two years",
        }));
        traces
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Kind;
    use super::super::witness::{each, number};
    use super::*;
    use crate::calendar::parse_day;
    use crate::world::geo::Point;

    #[test]
    fn a_ship_of_many_flags_is_seen_far_from_where_it_says() {
        let (mut flags, mut far) = (BTreeSet::new(), BTreeSet::new());
        each(Kind::T14, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let consignment = engine.consignment(engine.of_role(case, 0).unwrap());
            let voyage = consignment.twist.voyage.as_ref().unwrap();
            let state = engine.world.countries.id(consignment.draft.to);
            let bill = &rows.of(Table::BillOfLading)[0];
            let track = rows.held(Table::Track, state.agency(Office::CoastGuard));
            let (heard, seen): (Vec<_>, Vec<_>) =
                track.iter().partition(|row| row["source"].starts_with("AIS"));
            assert!(seen.len() > 1 && heard.len() > 3, "{track:?}");
            assert!(track.iter().all(|row| row["vessel_imo"] == bill["vessel_imo"]));
            for (row, sighting) in seen.iter().zip(&voyage.seen) {
                let there = Point { lat: number(row, "latitude"), lon: number(row, "longitude") };
                let off = there.miles_to(voyage.position(sighting.at).0);
                assert!(off > 20.0 && off < 1.4 * cast.miles + 1.0, "{off} for {}", cast.miles);
                far.insert(crate::calendar::whole(off / 150.0));
            }
            let known = rows.held(Table::VesselEntry, state.agency(Office::Police));
            assert!(known.iter().all(|row| row["imo"] == bill["vessel_imo"]));
            let day = parse_day(&seen[0]["at"][..10]).unwrap();
            let since = |row: &super::super::witness::Record| {
                day - parse_day(&row["registered_on"]).unwrap()
            };
            let young = known.iter().filter(|row| (0..=730).contains(&since(row))).count();
            assert_eq!(young as i64, cast.flags, "{known:?}");
            let last = known.iter().min_by_key(|row| since(row)).unwrap();
            assert_ne!(last["flag"], state.code, "the state's own registry knows all of it");
            flags.insert(cast.flags);
        });
        assert_eq!(flags, (2..=5).collect());
        assert!(far.len() > 3, "{far:?}");
    }
}
