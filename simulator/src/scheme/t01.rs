//! T01: third-country transshipment by a trader.
//!
//! *Mechanism.* Controlled goods go from A to a trader in the hub B as if for use there. Within days or weeks the
//! same goods, by serial number, leave B for the embargoed D, often under another heading and a little lighter
//! for repacking. Each declaration is in order where it is made; only both together show that the end user in B
//! never was one. The money comes from D.
//!
//! *Traces.* XC: export A to B with serials. IC: import in B and re-export to D. FIU of B: payer in D.
//!
//! *Parameters* (`schemes.toml`): `dwell_days`, `mass_shaved`, `code_drift`, `split`.
//!
//! *Indicators from public sources.* Bureau of Industry and Security, Financial Crimes Enforcement Network,
//! "Supplemental Joint Alert" (19 May 2023): transshipment points, last-minute changes of destination, firms
//! that trade alike goods on; Wassenaar Arrangement, "Best Practices to Prevent Destabilising Transfers".

use super::case::{Case, Role};
use super::mechanism::{Mechanism, Trace};
use super::{Holder, cast};
use crate::shipment::draft::Draft;
use crate::shipment::{Consignment, Engine};
use crate::table::Table;
use crate::world::Office;

/// Most that a case moves, kilograms.
const MOST_KG: f64 = 50_000.0;

/// The scheme.
#[derive(Debug)]
pub struct ThirdCountry;

struct Cast {
    a: u32,
    b: u32,
    d: u32,
    exporter: u32,
    trader: u32,
    buyer: u32,
    goods: u32,
    /// Goods as they leave B.
    onward: u32,
    dollars: f64,
    dwell_days: f64,
    shaved: f64,
    /// Consignments that leave B.
    parts: usize,
    serial: i64,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T01"));
    let mut cell = engine.cases.cell(case);
    let (a, b, d) = (
        cast::supplier(world, &mut cell),
        cast::hub(world, &mut cell),
        cast::embargoed(world, &mut cell),
    );
    let a = cast::other_than(world, a, b);
    let goods = world.trade.controlled(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    let drifts = cell.chance(params.number("code_drift", 0.3));
    Cast {
        a,
        b,
        d,
        exporter: world.trade.seller(a, sector, cell.bits64()),
        trader: world.trade.small(b, sector, &mut cell),
        buyer: world.trade.small(d, sector, &mut cell),
        goods,
        onward: if drifts { engine.alike(goods, &mut cell) } else { goods },
        dollars: cell.between(25_000.0, 400_000.0),
        dwell_days: params.within("dwell_days", (1.0, 60.0), &mut cell),
        shaved: params.within("mass_shaved", (0.0, 0.05), &mut cell),
        parts: if cell.chance(params.number("split", 0.25)) { 2 } else { 1 },
        serial: cell.whole(100_000, 899_999),
    }
}

impl Cast {
    fn serials(&self) -> String {
        crate::shipment::emit::serials(self.serial)
    }
}

/// Who buys in the end.
pub(super) fn buyer(engine: &Engine, case: u64) -> u32 {
    cast(engine, case).buyer
}

impl Mechanism for ThirdCountry {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let cast = cast(engine, case);
        // Four weeks at sea lie between export and re-export on average; the real date is computed from the ship.
        let onward = 28.0 + cast.dwell_days;
        let days = [0.0, onward, onward + 3.0];
        engine.cases.places(days.get(..=cast.parts).unwrap_or(&days), engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        if role == 0 {
            draft.sell((cast.a, cast.b), (cast.exporter, cast.trader), cast.goods);
            engine.reprice(draft, cast.dollars);
            // What goes on must fit an aircraft: not every state has a port.
            engine.lighten(draft, MOST_KG);
        } else if let Some(first) = engine.of_role(case, 0).map(|first| engine.consignment(first)) {
            draft.sell((cast.b, cast.d), (cast.trader, cast.buyer), cast.goods);
            draft.origin = cast.a;
            let parts = i64::try_from(cast.parts).unwrap_or(1);
            engine.reprice(draft, cast.dollars * 1.15 / parts as f64);
            draft.pieces = (first.draft.pieces / parts).max(1);
            draft.net_grams = super::cast::share(first.draft.net_grams / parts, 1.0 - cast.shaved);
            draft.gross_grams =
                super::cast::share(first.draft.gross_grams / parts, 1.0 - cast.shaved)
                    .max(draft.net_grams + 1);
            engine.carry(draft);
            let wait = cast.dwell_days + (role as f64 - 1.0) * 3.0;
            draft.accepted =
                engine.office_hours(first.movement.gate_out.plus_days(wait), draft.number);
        }
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        let twist = &mut consignment.twist;
        twist.serials = Some(cast.serials());
        if role == 0 {
            // The buyer in D pays for what is sold to B.
            twist.payer = Some(cast.buyer);
        } else {
            twist.regime = Some("31");
            twist.export_goods = Some(cast.onward);
            twist.import_goods = Some(cast.onward);
        }
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let customs =
            |state: u32| engine.world.countries.id(state).agency(Office::Customs).to_owned();
        let mut traces = vec![];
        for role in 0..case.roles.len() {
            let Some(consignment) =
                engine.of_role(case, role).map(|number| engine.consignment(number))
            else {
                continue;
            };
            let draft = &consignment.draft;
            let trace = |id, state, holder, shows| Trace {
                table: Table::Declaration,
                id,
                agency: customs(state),
                holder,
                shows,
            };
            if role == 0 {
                traces.push(trace(
                    engine.export_id(draft),
                    cast.a,
                    Holder::ExportCustoms,
                    "export to the hub, with serial numbers",
                ));
                traces.push(trace(
                    engine.import_id(draft),
                    cast.b,
                    Holder::ImportCustoms,
                    "import in the hub",
                ));
                traces
                    .extend(engine.payment_traces(&consignment, "payer is in the embargoed state"));
            } else {
                traces.push(trace(
                    engine.export_id(draft),
                    cast.b,
                    Holder::ImportCustoms,
                    "re-export of the same serial numbers",
                ));
            }
        }
        traces
    }
}
