//! Law 5, chain: through two gateways a field gets no more than the meet of both plans. Law 6: the same plan
//! twice is the plan once.

use std::sync::Arc;

use portcullis_core::label::Semantic;
use portcullis_core::redact::{Level, Plan, Treatment};
use portcullis_laws::config;
use portcullis_laws::twin::twin;
use portcullis_laws::world::{
    Cardinality, Kind, Scalar, Schema, World, items, plan_of, redact, register, same, show_message,
    spell, standing, world, write,
};
use proptest::prelude::*;
use prost_reflect::{DynamicMessage, Value};

/// The plan of the second gateway: what both tell.
fn meet(first: &Plan, second: &Plan) -> Arc<Plan> {
    plan_of(first.record_type(), |leaf| first.treatment(leaf.id).meet(second.treatment(leaf.id)))
}

fn read(plan: &Plan, bytes: &[u8]) -> DynamicMessage {
    DynamicMessage::decode(plan.record_type().descriptor().clone(), bytes).unwrap()
}

/// Does `less` tell nothing that `more` does not? Fields and values may be missing, none may be another. Of
/// tokens only the number counts: a token of a token is another one.
fn within(less: &DynamicMessage, more: &DynamicMessage, plan: &Plan, above: &str) -> bool {
    standing(less).iter().all(|(field, value)| {
        let path = format!("{above}{}", field.name());
        let theirs = more.get_field(field);
        let mut rest = items(&theirs).iter();
        let leaf = plan.record_type().leaf_by_path(&path);
        let token = leaf.is_some_and(|leaf| plan.treatment(leaf.id) == Treatment::Pseudonymise);
        items(value).iter().all(|value| match (value, leaf) {
            (Value::Message(value), None) => rest.next().is_some_and(|other| {
                within(value, other.as_message().unwrap(), plan, &format!("{path}."))
            }),
            (Value::String(value), _) if token => value.len() == 88 && rest.next().is_some(),
            (value, _) => rest.any(|other| same(other, value)),
        })
    })
}

proptest! {
    #![proptest_config(config())]

    /// Law 5 for plans of Clear and Withhold: exactly the meet.
    #[test]
    fn a_chain_of_clear_and_withhold_is_the_meet(world in world()) {
        let plain = |which| world.plan_of(which, |_, treatment| {
            matches!(treatment, Treatment::Clear | Treatment::Withhold)
        });
        let (first, second) = (plain(0), plain(1));
        let met = meet(&first, &second);
        let upstream = redact(&first, &world.bytes()).unwrap().0;
        prop_assert_eq!(redact(&met, &upstream).unwrap(), redact(&met, &world.bytes()).unwrap());
    }

    /// Law 5 for all plans: what comes through both tells nothing that the meet alone would not.
    #[test]
    fn a_chain_tells_no_more_than_the_meet(world in world()) {
        let World { plan, other, .. } = &world;
        let met = meet(plan, other);
        let upstream = redact(plan, &world.bytes()).unwrap().0;
        let (through, bits) = redact(&met, &upstream).unwrap();
        let (direct, direct_bits) = redact(&met, &world.bytes()).unwrap();
        let (through, direct) = (read(&met, &through), read(&met, &direct));
        prop_assert!(within(&through, &direct, &met, ""), "through both\n{}direct\n{}", show_message(&through), show_message(&direct));
        prop_assert!(bits.iter().zip(&direct_bits).all(|(less, more)| less & !more == 0));
    }

    /// Law 5 as law 2 says it: two records that are one to the second plan, with all that it tokenises left as
    /// it is, are one behind both. Left out is where one plan coarsens a field and both together tell its
    /// presence: coarsening makes a value that it cannot read and no value one, presence does not.
    #[test]
    fn a_chain_hides_what_its_second_plan_hides(world in world()) {
        let World { record_type, plan, other, .. } = &world;
        let met = meet(plan, other);
        let still = plan_of(record_type, |leaf| {
            match (plan.treatment(leaf.id), other.treatment(leaf.id), met.treatment(leaf.id)) {
                (_, Treatment::Pseudonymise, _) => Treatment::Clear,
                (Treatment::Generalise(_), _, Treatment::Presence)
                | (_, Treatment::Generalise(_), Treatment::Presence) => Treatment::Clear,
                (_, second, _) => second,
            }
        });
        let theirs = twin(&still, &world.message, &world.twin).message;
        let chain = |bytes: &[u8]| redact(&met, &redact(plan, bytes).unwrap().0).unwrap();
        let bytes = write(&spell(&theirs, &world.spellings[1]));
        prop_assert_eq!(chain(&world.bytes()), chain(&bytes), "twin\n{}", show_message(&theirs));
    }

    /// Law 6. A token is a value like another, so the second time the tokens are left alone.
    #[test]
    fn twice_is_once(world in world()) {
        let World { record_type, plan, .. } = &world;
        let again = plan_of(record_type, |leaf| match plan.treatment(leaf.id) {
            Treatment::Pseudonymise => Treatment::Clear,
            treatment => treatment,
        });
        let once = redact(plan, &world.bytes()).unwrap().0;
        let twice = redact(&again, &once).unwrap().0;
        prop_assert_eq!(once, twice);
    }
}

/// What `a_chain_hides_what_its_second_plan_hides` leaves out, as it is: behind a plan that coarsens a port, presence says whether
/// there is a port that can be read; without it, whether there is a text.
#[test]
fn presence_behind_a_level_is_of_what_can_be_read() {
    let kind = Kind::Scalar(Scalar::String);
    let record_type = register(&Schema::single(kind, Semantic::Port, Cardinality::Implicit));
    let [country, present] = [Treatment::Generalise(Level::Country), Treatment::Presence]
        .map(|treatment| plan_of(&record_type, |_| treatment));
    let text = |text: &str| [&[0x0a, text.len() as u8], text.as_bytes()].concat();
    for (value, direct, behind) in [("KRPUS", 1, 1), ("Busan", 1, 0), ("", 0, 0)] {
        let bits = |bytes: &[u8]| redact(&present, bytes).unwrap().1;
        assert_eq!(bits(&text(value)), [direct], "{value}");
        assert_eq!(bits(&redact(&country, &text(value)).unwrap().0), [behind], "{value}");
    }
}
