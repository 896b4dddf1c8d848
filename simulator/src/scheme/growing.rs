//! A new exporter that grows: a lawful pattern. A firm was founded not long ago, sells what needs no licence, to a few buyers in one
//! state, and every order is larger than the one before. New, and large at once, is what fronts are (T03); growth is what honest
//! beginners want.

use super::case::{Case, Role};
use super::coast::{Wanted, trading, usual_dollars};
use super::mechanism::{Mechanism, Trace};
use crate::shipment::draft::{Draft, round};
use crate::shipment::{Consignment, Engine};
use crate::table::Out;
use crate::world::{Founding, Office};

/// The decoy.
#[derive(Debug)]
pub struct GrowingExporter;

/// Days between orders.
const MONTH: f64 = 30.0;
/// Orders at most: a case has a quarter of the period.
const ORDERS: usize = 3;
/// The first order, US dollars.
const BEGINS: (f64, f64) = (2_000.0, 150_000.0);

struct Cast {
    a: u32,
    b: u32,
    goods: u32,
    buyers: [u32; 2],
    age_days: i64,
    dollars: f64,
    growth: f64,
    orders: usize,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("growing_exporter"));
    let mut cell = engine.cases.cell(case);
    let customs = Wanted { offices: &[Office::Customs], sea: false };
    let any = Wanted { offices: &[], sea: false };
    let (a, b) = trading(world, customs, any, &mut cell);
    let drawn = [(); 64].map(|()| world.trade.goods(cell.bits64()));
    let free = drawn.into_iter().find(|goods| {
        let goods = world.commodities.id(*goods);
        !goods.controlled() && !goods.bulk
    });
    let goods = free.unwrap_or_else(|| world.trade.goods(cell.bits64()));
    let sector = world.commodities.id(goods).sector;
    Cast {
        a,
        b,
        goods,
        buyers: [(); 2].map(|()| world.trade.buyer(b, sector, cell.bits64())),
        age_days: round(params.within("age_days", (20.0, 400.0), &mut cell)),
        dollars: usual_dollars(world, BEGINS, &mut cell),
        growth: params.within("growth_a_month", (0.1, 0.6), &mut cell),
        orders: 2 + cell.place(ORDERS - 1),
    }
}

impl Mechanism for GrowingExporter {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let orders = (0_u32..).take(cast(engine, case).orders);
        let days: Vec<f64> = orders.map(|order| f64::from(order) * MONTH).collect();
        engine.cases.places(&days, engine.period_days())
    }

    fn firm(engine: &Engine, case: u64, _place: u64) -> Founding {
        let cast = cast(engine, case);
        Founding {
            country: cast.a,
            sector: engine.world.commodities.id(cast.goods).sector,
            founded: Some(engine.case_begins(case).day() - cast.age_days),
            ..Founding::default()
        }
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        let [first, second] = cast.buyers;
        let buyer = if role.is_multiple_of(2) { first } else { second };
        draft.sell((cast.a, cast.b), (engine.case_firm(case.number, 0), buyer), cast.goods);
        let grown = (0..role).fold(cast.dollars, |dollars, _| dollars * (1.0 + cast.growth));
        engine.reprice(draft, grown);
        engine.choose_agents(draft);
    }

    fn twist(_engine: &Engine, _case: &Case, _role: usize, _consignment: &mut Consignment) {}

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        engine.put_firm(engine.case_firm(case.number, 0), true, out);
    }

    fn traces(_engine: &Engine, _case: &Case) -> Vec<Trace> {
        vec![]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::{each, number};
    use crate::table::Table;

    #[test]
    fn every_order_of_a_new_firm_is_larger_than_the_one_before_and_needs_no_licence() {
        let mut ages = std::collections::BTreeSet::new();
        each(Kind::GrowingExporter, 40, |engine, case, rows| {
            let firm = &rows.of(Table::Company)[0];
            let mut exports: Vec<_> = rows
                .of(Table::Declaration)
                .into_iter()
                .filter(|row| row["direction"] == "EXPORT")
                .collect();
            exports.sort_by(|one, other| one["accepted_at"].cmp(&other["accepted_at"]));
            assert!(exports.len() > 1);
            for (one, next) in exports.iter().zip(exports.iter().skip(1)) {
                let grows = number(next, "value") / number(one, "value");
                assert!((1.05..1.7).contains(&grows), "{grows}");
            }
            for export in &exports {
                assert_eq!(export["exporter_name"], firm["name"]);
                assert!(export["accepted_at"] > firm["registered_on"]);
                assert!(export["licence_id"].is_empty());
            }
            ages.insert(super::cast(engine, case.number).age_days / 100);
        });
        assert!(ages.len() > 3, "{ages:?}");
    }
}
