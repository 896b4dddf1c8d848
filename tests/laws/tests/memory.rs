//! Past the first records of a kind the redactor allocates nothing: not for records in an order of their own, wide
//! messages or tokens, and not for refused ones either.

use allocation_counter::measure;
use portcullis_core::redact::Redactor;
use portcullis_laws::config;
use portcullis_laws::world::{KEYS, World, spoiled_world, world};
use proptest::prelude::*;

/// Allocations of a redactor that has met the record before.
fn allocations(world: &World) -> u64 {
    let (redactor, bytes) = (Redactor::compile(world.plan.clone()), world.bytes());
    let (mut out, mut presence) = (vec![], vec![]);
    let mut once = || {
        let _either = redactor.redact(&KEYS, &bytes, &mut out, &mut presence);
    };
    once();
    measure(&mut once).count_total
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_sound_record_costs_no_memory(world in world()) {
        prop_assert_eq!(allocations(&world), 0);
    }

    #[test]
    fn a_refused_record_costs_no_memory(world in spoiled_world()) {
        prop_assert_eq!(allocations(&world), 0);
    }
}

/// It would be seen.
#[test]
fn an_allocation_is_counted() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![1_u8; 100]))).count_total, 1);
}
