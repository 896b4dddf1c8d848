//! T12: co-loading: more in the box than was declared.
//!
//! *Mechanism.* A firm sends ordinary goods by sea and has something else stowed between them. The export declaration gives
//! the mass of the goods; the scales at the terminal's gate see all of it. Who hides little at a time does so more often.
//!
//! *Traces.* PT: the verified gross mass of each box. XC: the declared gross mass. The terminal does not know what was
//! declared, customs do not know what the scales said.
//!
//! *Parameters* (`schemes.toml`): `excess_percent`. The noise of scales is the world's (`scale_noise` of its rates).
//!
//! *Innocent likes.* Every box: scales differ from papers by two or three percent either way.
//!
//! *Indicators from public sources.* International Convention for the Safety of Life at Sea, chapter VI, regulation 2,
//! verified gross mass, and "Guidelines Regarding the Verified Gross Mass of a Container" (MSC.1/Circ.1475); United
//! Nations Office on Drugs and Crime and World Customs Organization, "Container Control Programme": discrepancy of weights.

use super::Holder;
use super::case::{Case, Role};
use super::coast::Wanted;
use super::mechanism::{Mechanism, Trace};
use crate::draw::LogNormal;
use crate::shipment::draft::{Draft, ratio, round};
use crate::shipment::{Consignment, Engine};
use crate::table::Table;
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct CoLoading;

/// Consignments of a case at most.
const MOST: u64 = 12;
/// What all of them hide together, percent of one consignment, at least.
const TOGETHER: f64 = 12.0;
/// Most that is declared, kilograms: with a quarter more it still fits a box.
const MOST_KG: f64 = 18_000.0;

struct Cast {
    a: u32,
    b: u32,
    exporter: u32,
    importer: u32,
    goods: u32,
    kilograms: f64,
    excess: f64,
    orders: u64,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T12"));
    let mut cell = engine.cases.cell(case);
    let wanted = Wanted { offices: &[Office::Customs, Office::Port], sea: true };
    let a = wanted.of(world, &world.roles.suppliers, &[], &mut cell);
    let any = Wanted { offices: &[], sea: true };
    let b = any.of(world, &world.roles.hubs, &[a], &mut cell);
    let goods = world.trade.goods(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    let excess = params.within("excess_percent", (1.0, 25.0), &mut cell);
    Cast {
        a,
        b,
        exporter: world.trade.small(a, sector, &mut cell),
        importer: world.trade.buyer(b, sector, cell.bits64()),
        goods,
        kilograms: cell.lognormal(LogNormal { median: 2_000.0, sigma: 1.0 }).clamp(200.0, 16_000.0),
        excess: excess / 100.0,
        orders: (1..=MOST).find(|orders| ratio(*orders) * excess >= TOGETHER).unwrap_or(MOST),
    }
}

impl Mechanism for CoLoading {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let orders = cast(engine, case).orders;
        let days: Vec<f64> = (0..orders).map(|order| 6.0 * ratio(order)).collect();
        engine.cases.places(&days, engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        draft.sell((cast.a, cast.b), (cast.exporter, cast.importer), cast.goods);
        let price = engine.world.commodities.id(cast.goods).price.median;
        engine.reprice(draft, cast.kilograms * price);
        engine.by_sea(draft, MOST_KG);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let excess = cast(engine, case.number).excess;
        consignment.twist.hidden_grams = round(consignment.draft.gross_grams as f64 * excess);
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let agency = |office| engine.world.countries.id(cast.a).agency(office).to_owned();
        let mut traces = vec![];
        for (_, number) in case.consignments(engine) {
            let consignment = engine.consignment(number);
            traces.push(Trace {
                table: Table::Declaration,
                id: engine.export_id(&consignment.draft),
                agency: agency(Office::Customs),
                holder: Holder::ExportCustoms,
                shows: "declared mass",
            });
            traces.extend((0..consignment.movement.boxes.len()).map(|place| Trace {
                table: Table::Weighing,
                id: engine.port_id(number, 'W', place),
                agency: agency(Office::Port),
                holder: Holder::Port,
                shows: "verified mass of a box",
            }));
        }
        traces
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::{each, number};
    use super::*;

    #[test]
    fn scales_see_more_than_was_declared_and_less_at_a_time_goes_more_often() {
        let mut sizes = std::collections::BTreeSet::new();
        each(Kind::T12, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            assert!(
                cast.excess * 100.0 * case.roles.len() as f64 >= TOGETHER.min(cast.excess * 1e4)
            );
            sizes.insert(case.roles.len());
            let port = engine.world.countries.id(cast.a).agency(Office::Port);
            let weighed = rows.held(Table::Weighing, port);
            let customs = engine.world.countries.id(cast.a).agency(Office::Customs);
            let mut excess = 0.0;
            for export in rows.held(Table::Declaration, customs) {
                // At the gate: some boxes are weighed again in the yard.
                let at_gate = weighed.iter().filter(|row| row["id"].starts_with("PW-"));
                let of_it = at_gate.filter(|row| export["containers"].contains(&row["container"]));
                let net: f64 = of_it
                    .map(|row| number(row, "gross_mass_grams") - number(row, "tare_grams"))
                    .sum();
                assert!(net > 0.0, "{export:?}");
                let over = net / number(&export, "gross_mass_grams") - 1.0;
                assert!((over - cast.excess).abs() < 0.032, "{over} for {}", cast.excess);
                excess += over / case.roles.len() as f64;
            }
            assert!(excess > 0.0, "{excess}");
        });
        assert!(sizes.len() > 3 && sizes.contains(&1), "{sizes:?}");
    }
}
