//! T13: an AIS gap and a ship-to-ship transfer.
//!
//! *Mechanism.* A ship loads some cargo in a lawful port, on papers that are made out for all of it. At sea it meets
//! another that comes from where nobody may buy; both fall silent, and the rest goes from one to the other. It comes in
//! with what its bill says, and deeper than it left.
//!
//! *Traces.* CG: two ships lie at one place, are not heard for more than eight hours, and are then deeper and less deep
//! than before. IC and PT: the bill, that was issued before they met, in the port that the ship had left.
//!
//! *Parameters* (`schemes.toml`): `gap_hours`, `draught_change_m`. How much of the gap is reported depends on when
//! satellites pass: positions come every six hours.
//!
//! *Innocent likes* (`passing.rs`, `voyage.rs`). Ships that take their cargo at sea from others that cannot come in, where
//! nobody hears them, and have their bills made out when they have it; gaps on six of ten voyages.
//!
//! *Indicators from public sources.* United States Department of State, Department of the Treasury and Coast Guard,
//! "Sanctions Advisory for the Maritime Industry, Energy and Metals Sectors, and Related Communities" (14 May 2020):
//! disabling of AIS, ship-to-ship transfers; International Maritime Organization, resolution A.1106(29), "Revised
//! Guidelines for the Onboard Operational Use of Shipborne AIS" (2015), and resolution A.1192(33) on illegal operations by
//! the "dark fleet" (2023); reports of the United Nations Panel of Experts established by resolution 1874 (2009).

use super::Holder;
use super::case::{Case, Role};
use super::mechanism::{Mechanism, Trace};
use crate::shipment::detour::Meeting;
use crate::shipment::draft::Draft;
use crate::shipment::loose::Cargo;
use crate::shipment::voyage::Voyage;
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct ShipToShip;

struct Cast {
    cargo: Cargo,
    meets: Meeting,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let mut cell = engine.cases.cell(case);
    let cargo = engine.draw_cargo(&mut cell);
    Cast { cargo, meets: engine.draw_meeting(&mut cell) }
}

/// The voyage of the ship that gives the cargo.
fn giver(engine: &Engine, case: u64, taking: &Voyage) -> Option<Voyage> {
    let mut cell = engine.cases.records_cell(case, 1);
    engine.giving(taking, engine.case_ship(case, 0), &cast(engine, case).meets, &mut cell)
}

/// The consignment, with the voyage on which its ship takes cargo.
fn taken(engine: &Engine, case: &Case) -> Option<(Consignment, Voyage)> {
    let consignment = engine.consignment(engine.of_role(case, 0)?);
    let voyage = consignment.twist.voyage.clone()?;
    Some((consignment, voyage))
}

/// Place of the first position after the silence.
fn heard_again(voyage: &Voyage) -> Option<u64> {
    let (_, until) = *voyage.silent.first()?;
    voyage.sent(until, until.plus_days(1.0)).first().copied()
}

impl Mechanism for ShipToShip {
    fn roles(engine: &Engine, _case: u64) -> Vec<Role> {
        engine.cases.places(&[0.0], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        engine.load(draft, &cast(engine, case.number).cargo);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        let mut cell = engine.cases.records_cell(case.number, 0);
        let Consignment { draft, movement, twist, .. } = consignment;
        let by = (engine.ship_of(draft.number), draft.to);
        twist.voyage = engine.taking(movement, by, &cast.meets, &mut cell);
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let Some((consignment, taking)) = taken(engine, case) else { return };
        let Some(giving) = giver(engine, case.number, &taking) else { return };
        engine.put_voyage(&giving, engine.case_voyage(case.number, 0), out);
        engine.put_ship(&engine.ship(giving.ship), consignment.draft.to, out);
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let Some((consignment, taking)) = taken(engine, case) else { return vec![] };
        let draft = &consignment.draft;
        let state = engine.world.countries.id(draft.to);
        let giving = giver(engine, case.number, &taking);
        let guard = |rows: u64, place: u64, shows| Trace {
            table: Table::Track,
            id: engine.voyage_row(rows, place),
            agency: state.agency(Office::CoastGuard).to_owned(),
            holder: Holder::CoastGuard,
            shows,
        };
        let bill = |office, holder| Trace {
            table: Table::BillOfLading,
            id: engine.bill_id(draft.number),
            agency: state.agency(office).to_owned(),
            holder,
            shows: "all of the cargo, before the ship took some at sea",
        };
        let mut traces = vec![];
        if let Some(place) = heard_again(&taking) {
            traces.push(guard(draft.number, place, "heard again where it met another, and deeper"));
        }
        if let Some(place) = giving.as_ref().and_then(heard_again) {
            let rows = engine.case_voyage(case.number, 0);
            traces.push(guard(rows, place, "heard again where it met another, and less deep"));
        }
        traces.push(bill(Office::Customs, Holder::ImportCustoms));
        traces.push(bill(Office::Port, Holder::Port));
        traces
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Kind;
    use super::super::witness::{Record, each, number};
    use super::*;
    use crate::world::geo::Point;

    fn point(row: &Record) -> Point {
        Point { lat: number(row, "latitude"), lon: number(row, "longitude") }
    }

    #[test]
    fn two_ships_meet_unheard_after_the_bill_and_one_is_deeper_then_and_the_other_less() {
        let (mut gaps, mut changes) = (BTreeSet::new(), BTreeSet::new());
        each(Kind::T13, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let (consignment, _) = taken(engine, case).unwrap();
            let state = engine.world.countries.id(consignment.draft.to);
            let bills = rows.held(Table::BillOfLading, state.agency(Office::Customs));
            let [bill] = &bills[..] else { panic!("{bills:?}") };
            let guard = state.agency(Office::CoastGuard);
            let traced: Vec<_> = case
                .traces(engine)
                .into_iter()
                .filter(|trace| trace.table == Table::Track)
                .map(|trace| rows.row(&trace).unwrap())
                .collect();
            let [taker, giver] = &traced[..] else { panic!("two ships meet") };
            let track = rows.held(Table::Track, guard);
            let change = |after: &Record| {
                let mut own = track.iter().filter(|row| {
                    row["vessel_imo"] == after["vessel_imo"] && row["at"] == after["silent_since"]
                });
                let before = own.next().expect("heard before");
                assert!(point(before).miles_to(point(after)) < 0.01, "it lay still");
                number(after, "draught_cm") - number(before, "draught_cm")
            };
            assert_eq!(taker["vessel_imo"], bill["vessel_imo"]);
            assert_ne!(giver["vessel_imo"], bill["vessel_imo"]);
            assert!(taker["silent_since"] > bill["issued_at"], "the bill is older");
            let deeper = cast.meets.deeper as f64;
            assert!((change(taker) - deeper).abs() < 0.1, "{}", change(taker));
            assert!((change(giver) + deeper).abs() < 0.1, "{}", change(giver));
            assert!(point(taker).miles_to(point(giver)) < 1.0, "they lie together");
            let far = |port: &crate::world::Port| port.point.miles_to(point(taker)) > 5.0;
            assert!(engine.world.ports.iter().all(far), "at sea");
            let moment = |text: &str| {
                let hour: f64 = text[11..13].parse().unwrap();
                crate::calendar::parse_day(&text[..10]).unwrap() as f64 * 24.0 + hour
            };
            let gap = moment(&taker["at"]) - moment(&taker["silent_since"]);
            assert!(gap > 8.0 && gap + 0.1 > cast.meets.silent, "{gap} hours");
            gaps.insert(crate::calendar::whole(gap / 20.0));
            changes.insert(crate::calendar::whole(deeper / 50.0));
        });
        assert!(gaps.len() > 3 && changes.len() > 3, "{gaps:?} {changes:?}");
    }
}
