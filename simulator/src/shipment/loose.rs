//! Loose cargoes on ships of their own, as schemes and the background want them: between states that trade them, of
//! goods that go loose, worth what such cargoes are worth.

use super::Engine;
use super::draft::{Draft, LOOSE_FROM_KG, Mode};
use crate::rng::Cell;
use crate::scheme::coast;

/// A loose cargo.
#[derive(Debug, Clone, Copy)]
pub struct Cargo {
    /// State of export, and that of destination.
    pub states: (u32, u32),
    /// Who sells, and who buys.
    pub parties: (u32, u32),
    /// What it is.
    pub goods: u32,
    /// What it is worth, US dollars.
    pub dollars: f64,
}

/// Least value over that of the least that goes loose: where prices are high it is still loose.
const MARGIN: f64 = 3.0;
/// Most that it is worth, US dollars.
const MOST_DOLLARS: f64 = 2e7;
/// Goods that are drawn until some go loose.
const TRIES: u32 = 64;

impl Engine<'_> {
    /// Draws a cargo that goes by sea between two states that take part in the exchange.
    pub fn draw_cargo(&self, cell: &mut Cell) -> Cargo {
        let world = self.world;
        let (from, to) = coast::crossing(world, cell);
        let drawn = (0..TRIES).map(|_| world.trade.goods(cell.bits64()));
        let loose = drawn.into_iter().find(|goods| world.commodities.id(*goods).bulk);
        let any = || world.commodities.numbered().find(|(_, goods)| goods.bulk);
        let goods = loose.or_else(|| any().map(|(goods, _)| goods)).unwrap_or_default();
        let commodity = world.commodities.id(goods);
        let least = LOOSE_FROM_KG * commodity.price.median * MARGIN;
        Cargo {
            states: (from, to),
            parties: (
                world.trade.seller(from, commodity.sector, cell.bits64()),
                world.trade.buyer(to, commodity.sector, cell.bits64()),
            ),
            goods,
            dollars: coast::usual_dollars(world, (least, MOST_DOLLARS), cell),
        }
    }

    /// Makes a draft such a cargo.
    pub fn load(&self, draft: &mut Draft, cargo: &Cargo) {
        draft.sell(cargo.states, cargo.parties, cargo.goods);
        self.reprice(draft, cargo.dollars);
        draft.mode = Mode::Bulk;
        self.choose_agents(draft);
    }
}
