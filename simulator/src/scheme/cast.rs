//! Casting: which states and firms play in a case.

use crate::rng::Cell;
use crate::world::World;

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

/// The first state, or the next supplier where it is the second.
pub fn other_than(world: &World, state: u32, taken: u32) -> u32 {
    if state != taken {
        return state;
    }
    world.roles.suppliers.iter().copied().find(|other| *other != taken).unwrap_or(state)
}

/// A share of an amount, at least one.
pub fn share(amount: i64, share: f64) -> i64 {
    crate::shipment::draft::round(amount as f64 * share).max(1)
}
