//! States for cases of which certain agencies hold a part: not every state has all agencies in the exchange, or the sea.

use super::cast::{log_even, partners};
use crate::rng::Cell;
use crate::world::{Office, World};

/// The value of a consignment of a case, US dollars: within bounds, and as values of ordinary trade lie there. Cases that
/// were all large, or that lay at a bound, would be told by that.
pub fn usual_dollars(world: &World, (least, most): (f64, f64), cell: &mut Cell) -> f64 {
    let drawn = [(); 64].map(|()| cell.lognormal(world.rates.value));
    let usual = drawn.into_iter().find(|dollars| (least..=most).contains(dollars));
    usual.unwrap_or_else(|| log_even(least, most, cell))
}

/// What a state of a case has to have.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Agencies that take part in the exchange.
    pub offices: &'a [Office],
    /// A sea port.
    pub sea: bool,
}

impl Wanted<'_> {
    fn has(self, world: &World, state: u32) -> bool {
        let country = world.countries.id(state);
        let sea = !self.sea || country.sea_share.is_some();
        sea && self.offices.iter().all(|office| !country.agency(*office).is_empty())
    }

    /// One of some states that has it and is not taken; any of them where none has.
    pub fn of(self, world: &World, states: &[u32], taken: &[u32], cell: &mut Cell) -> u32 {
        let fit: Vec<u32> = states
            .iter()
            .copied()
            .filter(|state| !taken.contains(state) && self.has(world, *state))
            .collect();
        let all = if fit.is_empty() { states } else { &fit };
        all.get(cell.place(all.len())).copied().unwrap_or_default()
    }
}

/// A state that a ship leaves and another that it comes to, as trade has it. Both take part in the exchange.
pub fn crossing(world: &World, cell: &mut Cell) -> (u32, u32) {
    let all = world.participants();
    let by_sea = Wanted { offices: &[], sea: true };
    let fits = |state: &u32| all.contains(state) && by_sea.has(world, *state);
    let drawn = (0..400).map(|_| world.trade.pair(cell.bits64()));
    let usual = drawn.into_iter().find(|(from, to)| from != to && fits(from) && fits(to));
    usual.unwrap_or_else(|| {
        let to = by_sea.of(world, &all, &[], cell);
        (by_sea.of(world, &all, &[to], cell), to)
    })
}

/// Two states that trade with one another, the first of them a supplier, each with what it has to have.
pub fn trading(world: &World, from: Wanted, to: Wanted, cell: &mut Cell) -> (u32, u32) {
    let drawn = (0..64).map(|_| partners(world, cell));
    if let Some(pair) = { drawn }.find(|(a, b)| from.has(world, *a) && to.has(world, *b)) {
        return pair;
    }
    let a = from.of(world, &world.roles.suppliers, &[], cell);
    (a, to.of(world, &world.participants(), &[a], cell))
}
