//! Casting: which states and firms play in a case.

use crate::rng::Cell;
use crate::world::{World, spelling};

fn pick(all: &[u32], cell: &mut Cell) -> u32 {
    all.get(cell.place(all.len())).copied().unwrap_or_default()
}

/// A state that takes part in the exchange and is no hub, to export from.
pub fn supplier(world: &World, cell: &mut Cell) -> u32 {
    pick(&world.roles.suppliers, cell)
}

/// A state that takes part in the exchange and trades as a hub.
pub fn hub(world: &World, cell: &mut Cell) -> u32 {
    pick(&world.roles.hubs, cell)
}

/// A state under embargo.
pub fn embargoed(world: &World, cell: &mut Cell) -> u32 {
    pick(&world.roles.embargoed, cell)
}

/// A state that is neither under embargo nor one that takes part: a destination like any other.
pub fn elsewhere(world: &World, cell: &mut Cell) -> u32 {
    pick(&world.roles.others, cell)
}

/// A state that takes part in the exchange and is neither of two; the hub first among none.
pub fn third(world: &World, taken: [u32; 2], cell: &mut Cell) -> u32 {
    let all = world.participants();
    let free: Vec<u32> = all.into_iter().filter(|state| !taken.contains(state)).collect();
    free.get(cell.place(free.len())).copied().unwrap_or_else(|| elsewhere(world, cell))
}

/// The first state, or the next supplier where it is the second.
pub fn other_than(world: &World, state: u32, taken: u32) -> u32 {
    if state != taken {
        return state;
    }
    world.roles.suppliers.iter().copied().find(|other| *other != taken).unwrap_or(state)
}

/// A state that takes part in the exchange.
pub fn participant(world: &World, cell: &mut Cell) -> u32 {
    let (suppliers, hubs) = (&world.roles.suppliers, &world.roles.hubs);
    let place = cell.place(suppliers.len() + hubs.len());
    suppliers.iter().chain(hubs).nth(place).copied().unwrap_or_default()
}

/// A supplier and a state that takes part, as they trade: what goes where is nothing odd.
pub fn partners(world: &World, cell: &mut Cell) -> (u32, u32) {
    let all = world.participants();
    for _ in 0..400 {
        let (from, to) = world.trade.pair(cell.bits64());
        if world.roles.suppliers.contains(&from) && all.contains(&to) {
            return (from, to);
        }
    }
    let from = supplier(world, cell);
    (from, third(world, [from, from], cell))
}

/// Two suppliers of one state that is under no embargo, as all three trade.
pub fn two_suppliers(world: &World, cell: &mut Cell) -> ([u32; 2], u32) {
    let licensed = |from: u32, to: u32| {
        world.roles.suppliers.contains(&from) && !world.countries.id(to).embargoed
    };
    let mut pair = || world.trade.pair(cell.bits64());
    for _ in 0..4_000 {
        let ((one, to), (other, there)) = (pair(), pair());
        if to == there && one != other && licensed(one, to) && licensed(other, to) {
            return ([one, other], to);
        }
    }
    let one = supplier(world, cell);
    let other = other_than(world, supplier(world, cell), one);
    ([one, other], elsewhere(world, cell))
}

/// Two ports between which boxes change ships in a third state, as trade has it.
#[derive(Debug, Clone, Copy)]
pub struct Passage {
    /// State of export, a supplier.
    pub from: u32,
    /// State of destination, which takes part as well.
    pub to: u32,
    /// The two ports; none where no ship has to be changed anywhere, so that it has to be said where.
    pub ports: Option<(u32, u32)>,
    /// State to change ships in, where ports do not say it.
    pub via: Option<u32>,
}

/// Draws one. Between other ports a change would be odd by itself.
pub fn passage(world: &World, cell: &mut Cell) -> Passage {
    let all = world.participants();
    for _ in 0..400 {
        let (from, to) = world.trade.pair(cell.bits64());
        let ports = port(world, from, cell.bits64()).zip(port(world, to, cell.bits64()));
        let passes = ports.is_some_and(|(a, b)| changes_elsewhere(world, a, b, [from, to]));
        if passes && all.contains(&to) && world.roles.suppliers.contains(&from) {
            return Passage { from, to, ports, via: None };
        }
    }
    let from = supplier(world, cell);
    let to = third(world, [from, from], cell);
    Passage { from, to, ports: None, via: Some(third(world, [from, to], cell)) }
}

fn port(world: &World, state: u32, bits: u64) -> Option<u32> {
    let country = world.countries.id(state);
    country.sea.get(country.sea_share.as_ref()?.pick(bits)).copied()
}

/// Whether the fastest way between two ports changes ships in a state that is neither of two.
fn changes_elsewhere(world: &World, from: u32, to: u32, ends: [u32; 2]) -> bool {
    let Some(route) = world.routes.between(from, to) else { return false };
    let landed = |(service, _, lands): &(u32, usize, usize)| {
        world.ports.id(world.services.id(*service).calls.at(*lands).port).country
    };
    let changes = route.legs.len().saturating_sub(1);
    route.legs.iter().take(changes).any(|leg| !ends.contains(&landed(leg)))
}

/// Up to three other spellings of a name, `;` between them.
pub fn aliases(name: &str, cell: &mut Cell) -> String {
    let mut all: Vec<String> = vec![];
    for _ in 0..cell.place(4) {
        let letters = 1 + cell.place(5);
        let other = spelling::respell(name, letters, cell);
        all.push(if cell.chance(0.3) { spelling::family_first(&other) } else { other });
    }
    all.join(";")
}

/// An amount of which every order of magnitude within bounds is as likely: most trade is small.
pub fn log_even(low: f64, high: f64, cell: &mut Cell) -> f64 {
    libm::exp(cell.between(libm::log(low), libm::log(high)))
}

/// A number as a place in a list.
pub fn at(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A share of an amount, at least one.
pub fn share(amount: i64, share: f64) -> i64 {
    crate::shipment::draft::round(amount as f64 * share).max(1)
}
