//! The laws of the redactor, over random messages, plans and spellings.

use std::sync::Arc;

use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, ReflectMessage as _, Value};

use super::super::{Level, Plan, Redactor, Treatment};
use super::noise::respell;
use super::world::{Rng, message, random_plan};
use super::{EVERY, all, contract, decode, only, plan, redact, slow};
use crate::label::{Leaf, RecordType, Whole};

fn everything(_: &Leaf, _: Treatment) -> bool {
    true
}

/// Types to draw from.
fn types() -> [Arc<RecordType>; 3] {
    [EVERY.clone(), contract("Declaration"), contract("Party")]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Law 7 for plans of Clear, Presence and Withhold, down to the byte; law 8.
    #[test]
    fn fast_equals_slow(seed: u64) {
        let mut rng = Rng(seed);
        for record_type in types() {
            let plan = random_plan(&record_type, &mut rng, |_, treatment| {
                matches!(treatment, Treatment::Clear | Treatment::Presence | Treatment::Withhold)
            });
            let message = message(record_type.descriptor(), &mut rng);
            let bytes = respell(record_type.descriptor(), &message.encode_to_vec(), &mut rng);
            let (left, bits) = slow::redact(&plan, &message);
            let (out, presence) = redact(&Redactor::compile(plan), &bytes).unwrap();
            prop_assert_eq!(decode(&record_type, &out), left.clone());
            prop_assert_eq!(out, left.encode_to_vec());
            prop_assert_eq!(presence, bits);
        }
    }

    /// What comes out does not depend on the spelling, whatever the plan.
    #[test]
    fn spelling_does_not_tell(seed: u64) {
        let mut rng = Rng(seed);
        for record_type in types() {
            let redactor = Redactor::compile(random_plan(&record_type, &mut rng, everything));
            let canonical = message(record_type.descriptor(), &mut rng).encode_to_vec();
            let other = respell(record_type.descriptor(), &canonical, &mut rng);
            prop_assert_eq!(redact(&redactor, &canonical).unwrap(), redact(&redactor, &other).unwrap());
        }
    }

    /// Law 6, for every treatment but tokens: the token of a token is another one.
    #[test]
    fn twice_is_once(seed: u64) {
        let mut rng = Rng(seed);
        for record_type in types() {
            let redactor = Redactor::compile(random_plan(&record_type, &mut rng, |_, treatment| {
                treatment != Treatment::Pseudonymise
            }));
            let bytes = message(record_type.descriptor(), &mut rng).encode_to_vec();
            let once = redact(&redactor, &bytes).unwrap().0;
            let twice = redact(&redactor, &once).unwrap().0;
            prop_assert_eq!(once, twice);
        }
    }

    /// Law 5 for plans of Clear and Withhold: the next gateway applies the meet to what the first let
    /// through, and gets what the meet alone would have given.
    #[test]
    fn chains_give_the_meet(seed: u64) {
        let mut rng = Rng(seed);
        for record_type in types() {
            let mut draw = || random_plan(&record_type, &mut rng, |_, treatment| {
                matches!(treatment, Treatment::Clear | Treatment::Withhold)
            });
            let (first, second) = (draw(), draw());
            let met = Redactor::compile(plan(&record_type, |leaf| {
                first.treatment(leaf.id).meet(second.treatment(leaf.id))
            }));
            let bytes = message(record_type.descriptor(), &mut rng).encode_to_vec();
            let upstream = redact(&Redactor::compile(first), &bytes).unwrap().0;
            prop_assert_eq!(redact(&met, &upstream).unwrap(), redact(&met, &bytes).unwrap());
        }
    }

    /// Law 11 within the engine: texts and bytes that are not clear appear nowhere in what comes out.
    #[test]
    fn no_canary_escapes(seed: u64) {
        let mut rng = Rng(seed);
        for record_type in types() {
            let plan = random_plan(&record_type, &mut rng, everything);
            let mut planted = message(record_type.descriptor(), &mut rng);
            plant(&plan, &mut planted, "");
            let bytes = respell(record_type.descriptor(), &planted.encode_to_vec(), &mut rng);
            let (out, presence) = redact(&Redactor::compile(plan), &bytes).unwrap();
            for piece in [&out, &presence] {
                prop_assert!(!piece.windows(6).any(|window| window == b"CANARY"));
            }
        }
    }

    /// Law 2 within the engine: change only what the plan does not tell, and nothing changes.
    #[test]
    fn withheld_values_do_not_interfere(seed: u64) {
        let mut rng = Rng(seed);
        for record_type in types() {
            let plan = random_plan(&record_type, &mut rng, |_, treatment| {
                matches!(treatment, Treatment::Clear | Treatment::Withhold)
            });
            let one = message(record_type.descriptor(), &mut rng);
            let mut two = one.clone();
            disturb(&plan, &mut two, "", &mut rng);
            let redactor = Redactor::compile(plan);
            prop_assert_eq!(
                redact(&redactor, &one.encode_to_vec()).unwrap(),
                redact(&redactor, &two.encode_to_vec()).unwrap()
            );
        }
    }

    /// A refusal depends on the bytes, never on the plan.
    #[test]
    fn refusals_do_not_depend_on_the_plan(seed: u64) {
        let mut rng = Rng(seed);
        for record_type in types() {
            let mut bytes = message(record_type.descriptor(), &mut rng).encode_to_vec();
            for _ in 0..=rng.below(3) {
                if bytes.is_empty() { break }
                let at = rng.below(bytes.len());
                match rng.below(3) {
                    0 => bytes[at] = rng.next() as u8,
                    1 => { bytes.remove(at); }
                    _ => bytes.insert(at, rng.next() as u8),
                }
            }
            let clear = redact(&all(&record_type, Treatment::Clear), &bytes);
            let some = redact(&Redactor::compile(random_plan(&record_type, &mut rng, everything)), &bytes);
            let none = redact(&all(&record_type, Treatment::Withhold), &bytes);
            prop_assert_eq!(clear.as_ref().err(), none.as_ref().err());
            prop_assert_eq!(clear.as_ref().err(), some.as_ref().err());
            if let Ok((out, _)) = clear {
                // What is accepted, a standard decoder reads the same way.
                let standard = DynamicMessage::decode(record_type.descriptor().clone(), &bytes[..]);
                let left = standard.map(|message| {
                    slow::redact(all(&record_type, Treatment::Clear).plan(), &message).0
                });
                prop_assert_eq!(left.unwrap().encode_to_vec(), out);
            }
            if let Ok((out, presence)) = none {
                prop_assert!(out.is_empty() && presence.is_empty());
            }
        }
    }

    /// Law 8 for every treatment, and law 9: coarser from finer equals coarser from the value.
    #[test]
    fn coarser_says_nothing_that_finer_does_not(seed: u64) {
        let mut rng = Rng(seed);
        let bytes = message(EVERY.descriptor(), &mut rng).encode_to_vec();
        for (path, levels) in [
            ("hs", &[Level::Heading, Level::Chapter][..]),
            ("control", &[Level::Regime, Level::ControlCategory]),
            ("at", &[Level::Day, Level::Month, Level::Year]),
            ("times", &[Level::Day, Level::Month, Level::Year]),
            ("date", &[Level::Month, Level::Year]),
            ("geo", &[Level::Cell01, Level::Cell1, Level::Cell10]),
        ] {
            for pair in levels.windows(2) {
                let level = |level| only(&EVERY, &[(path, Treatment::Generalise(level))]);
                let finer = redact(&level(pair[0]), &bytes).unwrap().0;
                let through = redact(&level(pair[1]), &finer).unwrap().0;
                let direct = redact(&level(pair[1]), &bytes).unwrap().0;
                prop_assert_eq!(through, direct, "{} {:?}", path, pair);
            }
        }
    }

    #[test]
    fn cells_nest_and_contain_their_points(latitude in -90.0_f64..=90.0, longitude in -180.0_f64..=180.0) {
        let mut point = DynamicMessage::new(EVERY.descriptor().clone());
        let field = EVERY.descriptor().get_field_by_name("geo").unwrap();
        let Kind::Message(geo) = field.kind() else { panic!() };
        let mut inner = DynamicMessage::new(geo);
        inner.set_field_by_name("latitude", Value::F64(latitude));
        inner.set_field_by_name("longitude", Value::F64(longitude));
        point.set_field(&field, Value::Message(inner));
        let bytes = point.encode_to_vec();
        let mut from = bytes.clone();
        for (level, size) in [(Level::Cell01, 0.1), (Level::Cell1, 1.0), (Level::Cell10, 10.0)] {
            let redactor = only(&EVERY, &[("geo", Treatment::Generalise(level))]);
            let out = redact(&redactor, &bytes).unwrap().0;
            prop_assert_eq!(&redact(&redactor, &from).unwrap().0, &out);
            let told = decode(&EVERY, &out);
            let told = told.get_field(&field).as_message().unwrap().clone();
            for (name, value) in [("latitude", latitude), ("longitude", longitude)] {
                let centre = told.get_field_by_name(name).unwrap().as_f64().unwrap();
                prop_assert!((centre - value).abs() <= size / 2.0 + 1e-9, "{} {}", centre, value);
            }
            from = out;
        }
    }

    /// Whatever the bytes: an answer or a refusal, the same for every plan.
    #[test]
    fn any_bytes_are_answered(seed: u64, bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let redactor = Redactor::compile(random_plan(&EVERY, &mut Rng(seed), everything));
        prop_assert_eq!(
            redact(&redactor, &bytes).err(),
            redact(&all(&EVERY, Treatment::Withhold), &bytes).err()
        );
    }

    /// Law 2 for masks and coarse levels: values with one image give one answer.
    #[test]
    fn values_with_one_image_give_one_answer(
        names in "[^\\x00]{1,40}", other in "[^\\x00]{1,40}",
        tail in "[0-9]{4}", tail2 in "[0-9]{4}", second in 0_i64..2_000_000, third in 0_i64..2_000_000,
    ) {
        let redactor = only(&EVERY, &[
            ("person", Treatment::Mask),
            ("text", Treatment::Mask),
            ("container", Treatment::Mask),
            ("hs", Treatment::Generalise(Level::Heading)),
            ("at", Treatment::Generalise(Level::Month)),
        ]);
        let record = |name: &str, tail: &str, second: i64| {
            let mut message = DynamicMessage::new(EVERY.descriptor().clone());
            for (field, value) in [
                ("person", name.to_owned()),
                ("text", name.to_owned()),
                ("container", format!("MSCU{tail}123")),
                ("hs", format!("8542{tail}")),
                ("organisation", name.to_owned()),
            ] {
                message.set_field_by_name(field, Value::String(value));
            }
            let at = EVERY.descriptor().get_field_by_name("at").unwrap();
            let Kind::Message(timestamp) = at.kind() else { panic!() };
            let mut inner = DynamicMessage::new(timestamp);
            inner.set_field_by_name("seconds", Value::I64(second));
            message.set_field(&at, Value::Message(inner));
            redact(&redactor, &message.encode_to_vec()).unwrap()
        };
        prop_assert_eq!(record(&names, &tail, second), record(&other, &tail2, third));
    }

    #[test]
    fn bands_contain_their_values(value: u64) {
        let edge = super::super::generalise::edge(value);
        let digits = edge.to_string();
        prop_assert!(matches!(digits.trim_end_matches('0'), "1" | "2" | "5" | ""));
        prop_assert!(edge <= value && (value == 0 || u128::from(value) * 2 < u128::from(edge) * 5));
        prop_assert_eq!(super::super::generalise::edge(edge), edge);
        let signed = value.cast_signed();
        let mirrored = super::super::generalise::signed_edge(signed);
        prop_assert!(mirrored.signum() == signed.signum() && mirrored.unsigned_abs() <= signed.unsigned_abs());
    }
}

/// Puts a canary into every text and blob whose leaf is not clear.
fn plant(plan: &Plan, message: &mut DynamicMessage, above: &str) {
    for field in message.descriptor().fields() {
        if !message.has_field(&field) {
            continue;
        }
        let path = join(above, field.name());
        let leaf = plan.record_type().leaf_by_path(&path);
        if leaf.is_some_and(|leaf| plan.treatment(leaf.id) == Treatment::Clear) {
            continue;
        }
        let mut value = message.get_field(&field).into_owned();
        for item in items(&mut value) {
            match item {
                Value::String(text) => "CANARY-CANARY-00".clone_into(text),
                Value::Bytes(bytes) => *bytes = b"CANARY-CANARY-00".as_slice().into(),
                Value::Message(inner) if leaf.is_some() => plant_all(inner),
                Value::Message(inner) => plant(plan, inner, &path),
                _ => {}
            }
        }
        message.set_field(&field, value);
    }
}

fn plant_all(message: &mut DynamicMessage) {
    for field in message.descriptor().fields() {
        let mut value = message.get_field(&field).into_owned();
        for item in items(&mut value) {
            match item {
                Value::String(text) => "CANARY-CANARY-00".clone_into(text),
                Value::Message(inner) => plant_all(inner),
                _ => {}
            }
        }
        message.set_field(&field, value);
    }
}

/// Changes, adds or takes away what is withheld, and nothing else.
fn disturb(plan: &Plan, target: &mut DynamicMessage, above: &str, rng: &mut Rng) {
    let other = message(&target.descriptor(), rng);
    for field in target.descriptor().fields() {
        let path = join(above, field.name());
        let hidden = plan
            .record_type()
            .leaves_under(&path)
            .all(|leaf| plan.treatment(leaf.id) == Treatment::Withhold);
        let oneof = field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic());
        if hidden && !oneof {
            if other.has_field(&field) {
                target.set_field(&field, other.get_field(&field).into_owned());
            } else {
                target.clear_field(&field);
            }
        } else if plan.record_type().leaf_by_path(&path).is_none() && target.has_field(&field) {
            let mut value = target.get_field(&field).into_owned();
            for item in items(&mut value) {
                if let Value::Message(inner) = item {
                    disturb(plan, inner, &path, rng);
                }
            }
            target.set_field(&field, value);
        }
    }
}

fn items(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::List(items) => items.iter_mut().collect(),
        one => vec![one],
    }
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") }
}

/// Law 1: without a rule nothing comes out, whatever is in it.
#[test]
fn a_plan_without_rules_tells_nothing() {
    for record_type in types() {
        let empty = Arc::new(Plan::new(
            record_type.clone(),
            vec![],
            "agreement".into(),
            "kcs".into(),
            super::scope("alpha/case-1"),
            None,
        ));
        let bytes = message(record_type.descriptor(), &mut Rng(1)).encode_to_vec();
        assert!(!bytes.is_empty());
        assert_eq!(redact(&Redactor::compile(empty), &bytes).unwrap(), (vec![], vec![]));
    }
    // The random types hold what is treated whole.
    assert!(
        EVERY.leaves().iter().any(|leaf| leaf.kind == crate::label::LeafKind::Whole(Whole::Other))
    );
}
