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

/// A number as a place in a list.
pub fn at(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A share of an amount, at least one.
pub fn share(amount: i64, share: f64) -> i64 {
    crate::shipment::draft::round(amount as f64 * share).max(1)
}
