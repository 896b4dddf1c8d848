//! Law 2 within the engine: two records whose permitted images agree give the same bytes, up to the renaming
//! of pseudonyms. End to end, through a live gateway, it is tested in the crate above.

use portcullis_core::redact::Treatment;
use portcullis_laws::config;
use portcullis_laws::twin::{rename, twin};
use portcullis_laws::world::{self, World, redact, spell, world, write};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

proptest! {
    #![proptest_config(config())]

    /// Law 2, whatever the treatments and however the two are spelled.
    #[test]
    fn records_with_one_image_give_one_answer(world in world()) {
        let World { plan, message, .. } = &world;
        let other = twin(plan, message, &world.twin);
        let (out, presence) = redact(plan, &world.bytes()).unwrap();
        let theirs = redact(plan, &write(&spell(&other.message, &world.spellings[1]))).unwrap();
        let told = (rename(&out, &other.renamed), presence);
        prop_assert_eq!(told, theirs, "twin\n{}", world::show_message(&other.message));
    }

    /// The same for a plan that hides all: there is one answer for every record of the type.
    #[test]
    fn a_plan_that_hides_all_gives_one_answer(world in world()) {
        let plan = world.plan_of(0, |_, treatment| treatment == Treatment::Withhold);
        let empty = redact(&plan, &[]).unwrap();
        prop_assert_eq!(&redact(&plan, &world.bytes()).unwrap(), &empty);
        prop_assert_eq!(empty, (vec![], vec![]));
    }
}

/// Twins are worth the name: most differ from the first record, and for every treatment but Clear there are
/// some in which a value under it was changed.
#[test]
fn twins_differ() {
    let mut runner = TestRunner::deterministic();
    let strategy = world();
    let (mut differ, mut renamed) = (0, 0);
    let mut changed = std::collections::BTreeMap::new();
    for _ in 0..1000 {
        let world = strategy.new_tree(&mut runner).unwrap().current();
        let other = twin(&world.plan, &world.message, &world.twin);
        differ += u32::from(world::canonical(&other.message) != world::canonical(&world.message));
        renamed += u32::from(other.renamed.iter().any(|(from, to)| from != to));
        for (leaf, field) in world.record_type.leaves().iter().zip(world.plan.fields()) {
            if leaf.path.contains('.') {
                continue;
            }
            let reflected = world.record_type.descriptor().get_field_by_name(&leaf.path).unwrap();
            if world.message.get_field(&reflected) != other.message.get_field(&reflected) {
                *changed.entry(field.treatment.to_string()).or_insert(0) += 1;
            }
        }
    }
    assert!(differ > 700 && renamed > 100, "{differ} differ, {renamed} renamed");
    for treatment in world::treatments().filter(|treatment| *treatment != Treatment::Clear) {
        assert!(changed.contains_key(&treatment.to_string()), "{treatment}: {changed:?}");
    }
}
