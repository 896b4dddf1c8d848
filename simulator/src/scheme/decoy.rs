//! Lawful patterns of several consignments that look like schemes.

use super::case::{Case, Role};
use super::cast;
use super::mechanism::{Mechanism, Trace};
use super::t01::{self, ThirdCountry};
use crate::shipment::draft::Draft;
use crate::shipment::{Consignment, Engine};

/// A hub trader with stock, in two lawful ways. Either it buys machines, keeps them, and sells the like of them
/// to a state under no embargo: same trader, same heading, a few weeks, other serial numbers. Or it sells the very
/// machines on to a state under embargo, and said so when they left the first state: the export names the end
/// user there, and was let go for that use. The second is T01 in everything but that: mass, pieces, split, other
/// codes. The hub's customs cannot tell them apart; only what was declared to the first state's customs does.
#[derive(Debug)]
pub struct HubStock;

struct Stock {
    a: u32,
    b: u32,
    c: u32,
    maker: u32,
    trader: u32,
    buyer: u32,
    goods: u32,
    dollars: f64,
    dwell_days: f64,
    serials: [i64; 2],
}

/// Whether it is sold on under embargo, as declared from the start.
fn is_declared(engine: &Engine, case: u64) -> bool {
    let share = engine.world.schemes.parameters("hub_stock").number("declared", 0.5);
    engine.cases.records_cell(case, 0).chance(share)
}

fn stock(engine: &Engine, case: u64) -> Stock {
    let (world, params) = (engine.world, engine.world.schemes.parameters("hub_stock"));
    let mut cell = engine.cases.cell(case);
    let (a, b, c) = (
        cast::supplier(world, &mut cell),
        cast::hub(world, &mut cell),
        cast::elsewhere(world, &mut cell),
    );
    let a = cast::other_than(world, a, b);
    let goods = world.trade.controlled(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    Stock {
        a,
        b,
        c,
        maker: world.trade.seller(a, sector, cell.bits64()),
        trader: world.trade.small(b, sector, &mut cell),
        buyer: world.trade.small(c, sector, &mut cell),
        goods,
        dollars: cell.between(25_000.0, 400_000.0),
        dwell_days: params.within("dwell_days", (1.0, 60.0), &mut cell),
        serials: [cell.whole(100_000, 899_999), cell.whole(100_000, 899_999)],
    }
}

impl Mechanism for HubStock {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        if is_declared(engine, case) {
            return ThirdCountry::roles(engine, case);
        }
        engine.cases.places(&[0.0, 28.0 + stock(engine, case).dwell_days], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        if is_declared(engine, case.number) {
            return ThirdCountry::shape(engine, case, role, draft);
        }
        let stock = stock(engine, case.number);
        if role == 0 {
            draft.sell((stock.a, stock.b), (stock.maker, stock.trader), stock.goods);
        } else {
            draft.sell((stock.b, stock.c), (stock.trader, stock.buyer), stock.goods);
            draft.origin = stock.a;
        }
        engine.reprice(draft, stock.dollars * if role == 0 { 1.0 } else { 1.2 });
        if let Some(first) =
            engine.of_role(case, 0).filter(|_| role > 0).map(|first| engine.consignment(first))
        {
            draft.accepted = engine
                .office_hours(first.movement.gate_out.plus_days(stock.dwell_days), draft.number);
        }
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, role: usize, consignment: &mut Consignment) {
        if is_declared(engine, case.number) {
            ThirdCountry::twist(engine, case, role, consignment);
            if role == 0 {
                let buyer = engine.firm(t01::buyer(engine, case.number));
                consignment.twist.end_user = Some(buyer.name.clone());
            }
            return;
        }
        let stock = stock(engine, case.number);
        let serial = stock.serials.get(role).copied().unwrap_or_default();
        consignment.twist.serials = Some(crate::shipment::emit::serials(serial));
        if role > 0 {
            consignment.twist.regime = Some("31");
        }
    }

    fn traces(_engine: &Engine, _case: &Case) -> Vec<Trace> {
        vec![]
    }
}
