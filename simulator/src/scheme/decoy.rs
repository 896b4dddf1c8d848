//! Lawful patterns of several consignments that look like schemes.

use super::case::{Case, Role};
use super::cast;
use super::mechanism::{Mechanism, Trace};
use crate::shipment::draft::Draft;
use crate::shipment::{Consignment, Engine};
use crate::table::Out;

/// A hub trader with stock, in two lawful ways. Either it buys machines, keeps them, and sells the like of them
/// to a state under no embargo: same trader, same heading, a few weeks, other serial numbers. Or it sells the very
/// machines on to a state under embargo, and said so when they left the first state: the export names the end
/// user there, and was let go for that use. The hub's customs see in the second what they see in T01; only what
/// was declared to the first state's customs tells them apart.
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
    /// Sold on under embargo, as declared from the start.
    declared: bool,
}

fn stock(engine: &Engine, case: u64) -> Stock {
    let (world, params) = (engine.world, engine.world.schemes.parameters("hub_stock"));
    let mut cell = engine.cases.cell(case);
    let (a, b, c) = (
        cast::supplier(world, &mut cell),
        cast::hub(world, &mut cell),
        cast::elsewhere(world, &mut cell),
    );
    let declared = cell.chance(params.number("declared", 0.5));
    let c = if declared { cast::embargoed(world, &mut cell) } else { c };
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
        serials: {
            let (first, other) = (cell.whole(100_000, 899_999), cell.whole(100_000, 899_999));
            [first, if declared { first } else { other }]
        },
        declared,
    }
}

impl Mechanism for HubStock {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        engine.cases.places(&[0.0, 28.0 + stock(engine, case).dwell_days], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let stock = stock(engine, case.number);
        if role == 0 {
            (draft.from, draft.to) = (stock.a, stock.b);
            (draft.exporter, draft.importer) = (stock.maker, stock.trader);
        } else {
            (draft.from, draft.to) = (stock.b, stock.c);
            (draft.exporter, draft.importer) = (stock.trader, stock.buyer);
        }
        (draft.goods, draft.origin) = (stock.goods, stock.a);
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
        let stock = stock(engine, case.number);
        let serial = stock.serials.get(role).copied().unwrap_or_default();
        consignment.twist.serials = Some(crate::shipment::emit::serials(serial));
        let buyer = &engine.world.firms.id(stock.buyer).name;
        if role > 0 {
            consignment.twist.regime = Some("31");
        } else if stock.declared {
            consignment.twist.end_user = Some(buyer.clone());
            consignment.twist.payer = Some(stock.buyer);
        }
    }

    fn records<O: Out>(_engine: &Engine, _case: &Case, _out: &mut O) {}

    fn traces(_engine: &Engine, _case: &Case) -> Vec<Trace> {
        vec![]
    }
}
