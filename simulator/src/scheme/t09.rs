//! T09: a forwarder or a mail drop stands as consignee.
//!
//! *Mechanism.* Customs of the state of export are told that a forwarder in the hub gets the goods. The bill of lading is
//! made out to somebody else, in another state, for whom the forwarder opens its post; the box is handed to that firm's
//! people or goes on by the next ship without ever being imported.
//!
//! *Traces.* XC: consignee of the export. PT: bill and notify party; a box that leaves by ship.
//!
//! *Parameters* (`schemes.toml`): `onward_booking`, `notify_changed`.
//!
//! *Innocent likes* (`shipment/parties.rs`). Consolidators as consignees; cargo sold at sea, whose bill names another
//! buyer; consignees who are told of the arrival themselves; boxes that go on by the next ship.
//!
//! *Indicators from public sources.* Bureau of Industry and Security, "Know Your Customer Guidance and Red Flags"
//! (supplement 3 to 15 CFR 732): a freight forwarding firm is listed as the product's final destination; the same in
//! Wassenaar Arrangement, "List of Advisory Questions for Industry" (2003).

use super::case::{Case, Role};
use super::coast::Wanted;
use super::mechanism::{Mechanism, Trace};
use super::{Holder, cast};
use crate::shipment::draft::Draft;
use crate::shipment::{Consignment, Engine};
use crate::table::Table;
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct MailDrop;

/// Most mass of a consignment, kilograms.
const MOST_KG: f64 = 40_000.0;

struct Cast {
    a: u32,
    b: u32,
    exporter: u32,
    forwarder: u32,
    /// Who gets the goods.
    receiver: u32,
    goods: u32,
    dollars: f64,
    onward: bool,
    notify_changed: bool,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T09"));
    let mut cell = engine.cases.cell(case);
    let (customs, port) = ([Office::Customs], [Office::Customs, Office::Port]);
    let a = Wanted { offices: &customs, sea: true };
    let a = a.of(world, &world.roles.suppliers, &[], &mut cell);
    let b = Wanted { offices: &port, sea: true };
    let b = b.of(world, &world.roles.hubs, &[a], &mut cell);
    let state = if cell.chance(0.6) {
        cast::embargoed(world, &mut cell)
    } else {
        let all = (0..).take(world.countries.len()).collect::<Vec<u32>>();
        Wanted { offices: &[], sea: false }.of(world, &all, &[a, b], &mut cell)
    };
    let goods = world.trade.controlled(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    Cast {
        a,
        b,
        exporter: world.trade.seller(a, sector, cell.bits64()),
        forwarder: world.trade.forwarder(b, cell.bits64()),
        receiver: world.trade.small(state, sector, &mut cell),
        goods,
        dollars: cell.between(25_000.0, 400_000.0),
        onward: cell.chance(params.number("onward_booking", 0.6)),
        notify_changed: cell.chance(params.number("notify_changed", 0.5)),
    }
}

impl Mechanism for MailDrop {
    fn roles(engine: &Engine, _case: u64) -> Vec<Role> {
        engine.cases.places(&[0.0], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        draft.sell((cast.a, cast.b), (cast.exporter, cast.forwarder), cast.goods);
        engine.reprice(draft, cast.dollars);
        engine.by_sea(draft, MOST_KG);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        let twist = &mut consignment.twist;
        twist.bill_consignee = Some(cast.receiver);
        twist.notify = Some(if cast.notify_changed { cast.receiver } else { cast.forwarder });
        (twist.onward, twist.no_import) = (cast.onward, cast.onward);
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let Some(consignment) = engine.of_role(case, 0).map(|number| engine.consignment(number))
        else {
            return vec![];
        };
        let agency =
            |state: u32, office| engine.world.countries.id(state).agency(office).to_owned();
        let draft = &consignment.draft;
        vec![
            Trace {
                table: Table::Declaration,
                id: engine.export_id(draft),
                agency: agency(cast.a, Office::Customs),
                holder: Holder::ExportCustoms,
                shows: "a forwarder is said to get the goods",
            },
            Trace {
                table: Table::BillOfLading,
                id: engine.bill_id(draft.number),
                agency: agency(cast.b, Office::Port),
                holder: Holder::Port,
                shows: "made out to a firm of another state",
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::each;
    use super::*;
    use crate::world::FirmKind;

    #[test]
    fn export_names_a_forwarder_and_the_bill_a_firm_of_another_state() {
        let (mut onward, mut changed) = (0, 0);
        each(Kind::T09, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let declarations = rows.of(Table::Declaration);
            let export = &declarations[0];
            let forwarder = engine.firm(cast.forwarder);
            assert_eq!(forwarder.kind, FirmKind::Forwarder);
            assert_eq!(export["importer_id"], forwarder.id);
            let bill = &rows.of(Table::BillOfLading)[0];
            assert_eq!(bill["ucr"], export["ucr"]);
            assert_ne!(bill["consignee_id"], forwarder.id);
            assert_ne!(bill["consignee_id"][..2], export["country_of_destination"]);
            let told = &bill["notify_name"];
            changed += usize::from(*told == bill["consignee_name"]);
            assert!(*told == bill["consignee_name"] || *told == forwarder.name);
            let moves = rows.held(Table::GateMove, &bill["agency"]);
            let left = |by_ship: bool| {
                let fits = |row: &&super::super::witness::Record| {
                    row["kind"] == "GATE_OUT" && by_ship == row["plate"].is_empty()
                };
                moves.iter().filter(fits).count()
            };
            let (again, out) = (left(true), left(false));
            let landed = moves.iter().filter(|row| row["kind"] == "DISCHARGE").count();
            assert!((again, out) == (landed, 0) || (again, out) == (0, landed), "{moves:?}");
            assert_eq!(declarations.len(), 1 + usize::from(out > 0), "imported if it stays");
            onward += usize::from(again > 0);
        });
        assert!((14..34).contains(&onward), "{onward} of 40 go on");
        assert!((10..30).contains(&changed), "{changed} of 40 with another notify party");
    }
}
