//! Law 11 within the engine: a canary in every field that is not clear appears in nothing that comes out, not
//! in presence bits, the `Debug` of a record, or a refusal either. Logs, metrics and files are swept end to end.

use std::sync::Arc;

use bytes::Bytes;
use portcullis_core::label::{Leaf, Semantic};
use portcullis_core::redact::{Batch, FoundRecord, Plan, Redactor, Treatment};
use portcullis_laws::config;
use portcullis_laws::oracle::TOKENS;
use portcullis_laws::world::{
    ORIGINATOR, World, faults, items, keys, redact, spell, spoil, stands, world, write,
};
use proptest::prelude::*;
use prost_reflect::{DynamicMessage, Kind, ReflectMessage as _, Value};

/// A number that no value here has by chance.
const LONG: i64 = 7_371_737_173_717;
/// The same for 32 bits.
const SHORT: i32 = 737_173_717;
const DEGREES: f64 = 35.737_173_717;

/// A text that its semantic understands, with a canary in what must not be told.
fn text(semantic: Option<Semantic>) -> &'static str {
    match semantic {
        Some(Semantic::HsCode) => "8542737173",
        Some(Semantic::ControlCode) => "3A071.CANARY",
        Some(Semantic::Port) => "KRQZX",
        Some(Semantic::ContainerNumber) => "MSCU7371737",
        Some(Semantic::Identifier) => "CANARY-737173-90",
        _ => "the CANARY of 737173",
    }
}

/// Bytes that may not come out.
fn canaries() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = ["CANARY", "737173", "3A071", "KRQZX", "UNKNOWN"]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
    for value in [
        LONG.cast_unsigned(),
        2 * LONG.cast_unsigned(),
        u64::from(SHORT.cast_unsigned()),
        2 * u64::from(SHORT.cast_unsigned()),
    ] {
        let mut bytes = vec![];
        prost::encoding::encode_varint(value, &mut bytes);
        all.push(bytes);
    }
    all.push(LONG.to_le_bytes().to_vec());
    all.push(SHORT.to_le_bytes().to_vec());
    all.push(DEGREES.to_le_bytes().to_vec());
    all.push((DEGREES as f32).to_le_bytes().to_vec());
    all
}

/// Tokens are as good as random: any few letters may stand in one by chance, so they are left out.
fn without_tokens(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    let mut at = 0;
    while at < bytes.len() {
        // Version 1, epoch 3.
        if bytes[at..].starts_with(b"AQAD") && bytes.len() - at >= 88 {
            out.push(b'\n');
            at += 88;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// Puts a canary into every value whose leaf is not clear.
fn plant(plan: &Plan, message: &mut DynamicMessage, above: &str, hidden: Option<&Leaf>) {
    for field in message.descriptor().fields() {
        if !stands(message, &field) {
            continue;
        }
        let path = format!("{above}{}", field.name());
        let leaf = hidden.or_else(|| plan.record_type().leaf_by_path(&path));
        if leaf.is_some_and(|leaf| plan.treatment(leaf.id) == Treatment::Clear) {
            continue;
        }
        let semantic = leaf.filter(|_| hidden.is_none()).map(|leaf| leaf.label.semantic);
        let planted: Vec<Value> = items(message.get_field(&field).as_ref())
            .iter()
            .map(|value| match (value, field.kind()) {
                // A country or currency is what is left of a coarsened message.
                (Value::String(old), _) if hidden.is_some() && old.len() <= 3 => {
                    Value::String(old.clone())
                }
                (Value::String(_), _) => Value::String(text(semantic).into()),
                (Value::Bytes(_), _) => Value::Bytes(b"CANARY".as_slice().into()),
                // A date's year and month are what is left of it.
                (Value::I32(old), _) if field.name() == "year" || field.name() == "month" => {
                    Value::I32(*old)
                }
                (Value::I32(_), _) => Value::I32(SHORT),
                (Value::I64(_), _) => Value::I64(LONG),
                (Value::U32(_), _) => Value::U32(SHORT.cast_unsigned()),
                (Value::U64(_), _) => Value::U64(LONG.cast_unsigned()),
                (Value::EnumNumber(_), _) => Value::EnumNumber(SHORT),
                (Value::F64(_), _) => Value::F64(DEGREES),
                (Value::F32(_), _) => Value::F32(DEGREES as f32),
                (Value::Message(inner), Kind::Message(_)) => {
                    let mut inner = inner.clone();
                    plant(plan, &mut inner, &format!("{path}."), leaf);
                    Value::Message(inner)
                }
                (other, _) => other.clone(),
            })
            .collect();
        let value = if field.is_list() { Value::List(planted) } else { planted[0].clone() };
        message.set_field(&field, value);
    }
}

/// A canary in `bytes` that does not stand in `before` by chance.
fn escaped(bytes: &[u8], before: &[u8]) -> Option<Vec<u8>> {
    let [told, before] = [bytes, before].map(without_tokens);
    let stands = |canary: &[u8], there: &[u8]| there.windows(canary.len()).any(|it| it == canary);
    canaries().into_iter().find(|canary| stands(canary, &told) && !stands(canary, &before))
}

proptest! {
    #![proptest_config(config())]

    /// Law 11.
    #[test]
    fn no_canary_comes_out(world in world(), faults in faults()) {
        let World { plan, .. } = &world;
        let mut planted = world.message.clone();
        plant(plan, &mut planted, "", None);
        let pieces = spell(&planted, &world.spellings[0]);
        let (out, presence) = redact(plan, &write(&pieces)).unwrap();
        let before = redact(plan, &world.bytes()).unwrap().0;
        prop_assert_eq!(escaped(&out, &before), None, "{}", hex::encode(&out));
        prop_assert_eq!(escaped(&presence, &[]), None);
        // What is said about it, where something is wrong with it and where nothing is.
        let redactor = Arc::new(Redactor::compile(plan.clone()));
        let keys = Arc::new(keys());
        let mut batch = Batch::default();
        let mut said = String::new();
        for bytes in [write(&pieces), spoil(&pieces, &faults)] {
            let record = FoundRecord {
                originator: plan.originator().clone(),
                opaque_id: Bytes::from_static(b"CANARY"),
                payload: bytes.into(),
                version: 1,
                data_as_of: None,
                delete_by: None,
            };
            said += &format!("{record:?} ");
            match batch.take(&redactor, &keys, record) {
                Ok(_) => {
                    said += &format!("{batch:?} ");
                    let released = batch.finish();
                    said += &format!("{released:?} {:?}", released.as_inner());
                    let reference = &released.as_inner()[0].reference;
                    let expected = TOKENS.reference(ORIGINATOR, b"CANARY");
                    prop_assert_eq!(&reference[..], expected.as_bytes());
                }
                Err(refusal) => said += &format!("{refusal} {refusal:?} {}", refusal.word()),
            }
        }
        prop_assert_eq!(escaped(said.as_bytes(), &[]), None, "{}", said);
    }
}

/// The sweep would see one: were all of it clear, most records would show a canary.
#[test]
fn the_sweep_sees_a_canary() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (strategy, mut seen) = (world(), 0);
    for _ in 0..300 {
        let world = strategy.new_tree(&mut runner).unwrap().current();
        let mut planted = world.message.clone();
        plant(&world.plan, &mut planted, "", None);
        let open = portcullis_laws::world::plan_of(&world.record_type, |_| Treatment::Clear);
        let out = redact(&open, &portcullis_laws::world::canonical(&planted)).unwrap().0;
        seen += u32::from(escaped(&out, &[]).is_some());
    }
    assert!(seen > 200, "{seen} of 300");
}
