//! T15: an undeclared call, a switched bill of lading.
//!
//! *Mechanism.* A loose cargo is bought where nobody may buy, or is to go where nobody may sell. On its way the ship calls
//! at a port that no paper names. There a new set of bills takes the place of the first: it names another shipper, tells
//! the buyer of the arrival instead of his agent, and where more is to be hid it gives another origin or other goods. It
//! keeps the date of the first. Customs get a bill like others that cover cargo sold at sea; the coast guard sees a ship
//! that stops, as ships do for fuel, crew or repairs.
//!
//! *Traces.* CG: the positions at a port that is not on the papers, after the day of the bill. IC: the bill that took
//! the place of another, with another shipper. XC has the export as it was declared.
//!
//! *Parameters* (`schemes.toml`): `call_hours`, `papers_changed` (1 the shipper, 2 whom to tell as well, 3 the origin as
//! well, 4 the goods as well).
//!
//! *Innocent likes* (`passing.rs`, `voyage.rs`, `disturb.rs`). Ships that call for fuel, crew, repairs or weather; bills
//! that took the place of others because the cargo was sold at sea, or so that a buyer does not learn of a supplier.
//!
//! *Indicators from public sources.* United States Department of State, Department of the Treasury and Coast Guard,
//! "Sanctions Advisory for the Maritime Industry, Energy and Metals Sectors, and Related Communities" (14 May 2020):
//! voyage irregularities, falsified cargo and vessel documents; Financial Action Task Force and Egmont Group,
//! "Trade-Based Money Laundering: Risk Indicators" (2021): discrepancies between documents and the movement of goods.

use super::Holder;
use super::case::{Case, Role};
use super::mechanism::{Mechanism, Trace};
use crate::calendar::whole;
use crate::shipment::draft::Draft;
use crate::shipment::loose::Cargo;
use crate::shipment::{Consignment, Engine};
use crate::table::Table;
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct SwitchedBill;

struct Cast {
    cargo: Cargo,
    hours: f64,
    /// How many things the new papers change: 1 to 4.
    changed: i64,
    /// Who stands as shipper on the new bill.
    shipper: u32,
    /// Origin that the import side declares, and what it calls the goods, where that is changed.
    origin: u32,
    goods: u32,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T15"));
    let mut cell = engine.cases.cell(case);
    let cargo = engine.draw_cargo(&mut cell);
    let sector = world.commodities.id(cargo.goods).sector;
    let state = u32::try_from(cell.place(world.countries.len())).unwrap_or_default();
    let (least, most) = (1.0, 4.0);
    Cast {
        cargo,
        hours: params.within("call_hours", (8.0, 60.0), &mut cell),
        changed: whole(params.within("papers_changed", (least, most), &mut cell) + 0.5),
        shipper: world.trade.seller(state, sector, cell.bits64()),
        origin: world.trade.pair(cell.bits64()).0,
        goods: engine.alike(cargo.goods, &mut cell),
    }
}

impl Mechanism for SwitchedBill {
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
        twist.voyage = engine
            .draw_call(movement, cast.hours, &mut cell)
            .and_then(|call| engine.calling(movement, by, &call, &mut cell));
        twist.switched = Some(engine.former_bill(draft.number));
        twist.shipper = Some(cast.shipper);
        twist.notify = (cast.changed > 1).then_some(draft.importer);
        twist.import_origin = (cast.changed > 2).then_some(cast.origin);
        twist.import_goods = (cast.changed > 3).then_some(cast.goods);
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let Some(number) = engine.of_role(case, 0) else { return vec![] };
        let consignment = engine.consignment(number);
        let draft = &consignment.draft;
        let agency =
            |state: u32, office| engine.world.countries.id(state).agency(office).to_owned();
        let mut traces: Vec<Trace> = called(&consignment)
            .into_iter()
            .map(|place| Trace {
                table: Table::Track,
                id: engine.voyage_row(number, place),
                agency: agency(draft.to, Office::CoastGuard),
                holder: Holder::CoastGuard,
                shows: "lies at a port that the papers do not name",
            })
            .collect();
        traces.push(Trace {
            table: Table::BillOfLading,
            id: engine.bill_id(number),
            agency: agency(draft.to, Office::Customs),
            holder: Holder::ImportCustoms,
            shows: "took the place of another bill, with another shipper",
        });
        traces.push(Trace {
            table: Table::Declaration,
            id: engine.export_id(draft),
            agency: agency(draft.from, Office::Customs),
            holder: Holder::ExportCustoms,
            shows: "who did ship it",
        });
        traces
    }
}

/// Places of the positions at the call.
fn called(consignment: &Consignment) -> Vec<u64> {
    let Some(voyage) = &consignment.twist.voyage else { return vec![] };
    voyage.aside().map(|(comes, goes)| voyage.sent(comes, goes)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Kind;
    use super::super::witness::{each, number};
    use super::*;

    #[test]
    fn a_ship_calls_after_the_bill_where_no_paper_says_and_the_bill_is_another() {
        let (mut changes, mut hours) = (BTreeSet::new(), BTreeSet::new());
        each(Kind::T15, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let consignment = engine.consignment(engine.of_role(case, 0).unwrap());
            let state = engine.world.countries.id(consignment.draft.to);
            let bills = rows.held(Table::BillOfLading, state.agency(Office::Customs));
            let [bill] = &bills[..] else { panic!("{bills:?}") };
            let export =
                rows.of(Table::Declaration).into_iter().find(|row| row["direction"] == "EXPORT");
            let export = export.unwrap();
            assert_ne!(bill["switched_from"], "");
            assert_ne!(bill["switched_from"], bill["id"]);
            assert_eq!((&bill["ucr"], &bill["containers"]), (&export["ucr"], &String::new()));
            assert_eq!(bill["vessel_imo"], export["vessel_imo"]);
            assert_eq!(bill["shipper_id"], engine.firm(cast.shipper).id);
            let told = bill["notify_name"] == bill["consignee_name"];
            assert!(told || cast.changed == 1, "{bill:?}");
            // Where it lies still between two passages, after the bill was issued.
            let mut track = rows.held(Table::Track, state.agency(Office::CoastGuard));
            track.retain(|row| row["source"] == "AIS_SATELLITE" && row["at"] > bill["issued_at"]);
            assert!(track.iter().all(|row| row["vessel_imo"] == bill["vessel_imo"]));
            let moves = |row: &&super::super::witness::Record| number(row, "speed") > 0.5;
            let first = track.iter().position(|row| moves(&row)).unwrap();
            let last = track.iter().rposition(|row| moves(&row)).unwrap();
            let still: Vec<_> = track[first..last].iter().filter(|row| !moves(row)).collect();
            assert!(!still.is_empty(), "no call: {track:?}");
            let heard = engine.consignment(consignment.draft.number);
            assert_eq!(called(&heard).len(), still.len());
            let ports = [&bill["port_of_loading"], &bill["port_of_discharge"]];
            for row in still {
                let here = crate::world::geo::Point {
                    lat: number(row, "latitude"),
                    lon: number(row, "longitude"),
                };
                let at = |port: &&crate::world::Port| port.point.miles_to(here) < 0.1;
                let port = engine.world.ports.iter().find(at).expect("lies at a port");
                assert!(!ports.contains(&&port.locode), "{port:?} is on the bill");
            }
            changes.insert(cast.changed);
            hours.insert(whole(cast.hours / 10.0));
        });
        assert_eq!(changes, (1..=4).collect());
        assert!(hours.len() > 3, "{hours:?}");
    }
}
