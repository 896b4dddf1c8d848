//! The worlds themselves: what the laws run over is as varied as they claim.

use std::collections::BTreeMap;

use portcullis_core::label::{RecordType, Semantic};
use portcullis_laws::world::{self, Cardinality, Kind, RECORD, World};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use prost_reflect::DynamicMessage;

/// A real compiler reads the text of a schema as the same record type, to the hash.
#[test]
fn schemas_are_what_their_text_says() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("worlds");
    std::fs::create_dir_all(&folder).unwrap();
    let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto");
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(100) });
    let done = runner.run(&world::schema(), |schema| {
        std::fs::write(folder.join("world.proto"), schema.to_proto()).unwrap();
        let mut compiler = protox::Compiler::new([folder.as_path(), proto.as_ref()]).unwrap();
        compiler
            .include_imports(true)
            .open_file("world.proto")
            .map_err(|error| TestCaseError::fail(format!("{error:?}\n{}", schema.to_proto())))?;
        let compiled =
            RecordType::register(&compiler.encode_file_descriptor_set().into(), RECORD).unwrap();
        let direct = world::register(&schema);
        prop_assert_eq!(compiled.hash(), direct.hash(), "{}", schema.to_proto());
        let packed = |record: &RecordType| -> Vec<_> {
            record.descriptor().fields().map(|field| (field.number(), field.is_packed())).collect()
        };
        prop_assert_eq!(packed(&compiled), packed(&direct));
        Ok(())
    });
    done.unwrap();
}

/// Every spelling is read by a standard decoder as the message itself.
#[test]
fn spellings_mean_the_same() {
    proptest!(portcullis_laws::config(), |(world in world::world())| {
        let bytes = world.bytes();
        let read = DynamicMessage::decode(world.record_type.descriptor().clone(), &bytes[..]).unwrap();
        prop_assert_eq!(world::canonical(&read), world::canonical(&world.message));
    });
}

/// Counts what a thousand worlds hold: nothing that a law is about may be missing.
#[test]
fn worlds_are_varied() {
    let mut runner = TestRunner::deterministic();
    let strategy = world::spoiled_world();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut see = |what: String| *seen.entry(what).or_default() += 1;
    for _ in 0..1500 {
        let world: World = strategy.new_tree(&mut runner).unwrap().current();
        for message in &world.schema.messages {
            if message.fields.len() > 64 {
                see("wide".into());
            }
            for field in &message.fields {
                match field.kind {
                    Kind::Scalar(scalar) => see(format!("type {}", scalar.text())),
                    Kind::Known(known) => see(format!("type {}", known.text())),
                    Kind::Message(_) => see("type message".into()),
                }
                see(match field.cardinality {
                    Cardinality::Implicit => "implicit",
                    Cardinality::Optional => "optional",
                    Cardinality::Oneof(_) => "oneof",
                    Cardinality::Repeated { packed: true } => "packed",
                    Cardinality::Repeated { packed: false } => "unpacked",
                }
                .into());
                see(match field.number {
                    1..=15 => "low number",
                    16..=2047 => "middle number",
                    _ => "high number",
                }
                .into());
            }
        }
        for (leaf, field) in world.record_type.leaves().iter().zip(world.plan.fields()) {
            see(format!("semantic {}", leaf.label.semantic.word()));
            see(format!("treatment {}", field.treatment));
        }
        match world::redact(&world.plan, &world.bytes()) {
            Ok(_) => see("accepted".into()),
            Err(refusal) => see(format!("refusal {}", refusal.word())),
        }
    }
    let count = |what: &str| seen.get(what).copied().unwrap_or(0);
    for semantic in Semantic::ALL {
        assert!(count(&format!("semantic {}", semantic.word())) > 20, "{semantic:?}\n{seen:#?}");
    }
    for treatment in world::treatments() {
        assert!(count(&format!("treatment {treatment}")) > 20, "{treatment}\n{seen:#?}");
    }
    for refusal in portcullis_core::redact::Refusal::ALL {
        // The plan's own mistake is no fault of bytes.
        let possible = *refusal != portcullis_core::redact::Refusal::ForeignPlan;
        let found = count(&format!("refusal {}", refusal.word()));
        assert!(!possible || found > 0, "{refusal:?}\n{seen:#?}");
    }
    for scalar in world::Scalar::ALL {
        assert!(count(&format!("type {}", scalar.text())) > 20, "{scalar:?}\n{seen:#?}");
    }
    for what in [
        "wide",
        "optional",
        "oneof",
        "packed",
        "unpacked",
        "low number",
        "middle number",
        "high number",
        "type message",
        "accepted",
    ] {
        assert!(count(what) > 20, "{what}\n{seen:#?}");
    }
}
