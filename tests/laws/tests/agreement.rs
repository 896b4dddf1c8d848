//! Law 7, fast equals slow: engine and oracle give the same bytes, the same presence and the same refusal.
//! Law 8, valid out: a standard decoder reads what comes out, and writes it in the same bytes again.

use std::sync::Arc;

use portcullis_core::redact::{Plan, Redactor};
use portcullis_laws::world::{self, World, spoiled_world, world};
use portcullis_laws::{config, oracle};
use proptest::prelude::*;
use prost_reflect::DynamicMessage;

/// Both answers as text where they differ, so that a failure can be read.
fn agree(plan: &Arc<Plan>, bytes: &[u8]) -> Result<(), TestCaseError> {
    let (fast, slow) = (world::redact(plan, bytes), oracle::redact(plan, bytes));
    if fast == slow {
        return Ok(());
    }
    let show = |answer: Result<(Vec<u8>, Vec<u8>), _>| match answer {
        Err(refusal) => format!("{refusal:?}"),
        Ok((record, presence)) => {
            let descriptor = plan.record_type().descriptor().clone();
            let read = DynamicMessage::decode(descriptor, &record[..]);
            let text =
                read.map_or_else(|error| error.to_string(), |read| world::show_message(&read));
            format!("{} presence {}\n{text}", hex::encode(&record), hex::encode(presence))
        }
    };
    Err(TestCaseError::fail(format!("engine: {}\noracle: {}", show(fast), show(slow))))
}

proptest! {
    #![proptest_config(config())]

    /// Law 7 for sound bytes in any spelling: nobody refuses them.
    #[test]
    fn engine_and_oracle_give_the_same_answer(world in world()) {
        let bytes = world.bytes();
        agree(&world.plan, &bytes)?;
        prop_assert!(oracle::redact(&world.plan, &bytes).is_ok());
    }

    /// Law 7 for bytes with faults: the same refusal, which is named by the same rule and whatever the plan.
    #[test]
    fn engine_and_oracle_refuse_alike(world in spoiled_world()) {
        let bytes = world.bytes();
        agree(&world.plan, &bytes)?;
        let refused = [&world.plan, &world.other].map(|plan| world::redact(plan, &bytes).err());
        prop_assert_eq!(refused[0], refused[1]);
    }

    /// Law 7 for records one after the other: a redactor and its buffers keep nothing of those before,
    /// refused ones among them.
    #[test]
    fn a_redactor_remembers_nothing(world in spoiled_world()) {
        let redactor = Redactor::compile(world.plan.clone());
        let (mut out, mut presence) = (vec![], vec![]);
        let sound = world::write(&world::spell(&world.message, &world.spellings[0]));
        let stranger = world::write(&world::spell(&world.twin, &world.spellings[1]));
        for bytes in [&world.bytes(), &sound, &world.bytes(), &stranger, &vec![], &sound] {
            let fresh = world::redact(&world.plan, bytes);
            let done = redactor.redact(&world::KEYS, bytes, &mut out, &mut presence);
            prop_assert_eq!(done.map(|()| (out.clone(), presence.clone())), fresh);
        }
    }

    /// Law 7 for bytes out of nowhere.
    #[test]
    fn engine_and_oracle_read_anything_alike(
        world in world(),
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        agree(&world.plan, &bytes)?;
    }

    /// Law 8.
    #[test]
    fn what_comes_out_is_valid_and_canonical(world in world()) {
        let World { record_type, plan, .. } = &world;
        let out = world::redact(plan, &world.bytes()).unwrap().0;
        let read = DynamicMessage::decode(record_type.descriptor().clone(), &out[..]).unwrap();
        prop_assert_eq!(world::canonical(&read), out);
    }
}
