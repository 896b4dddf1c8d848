//! Any bytes as a descriptor set: a list of what is wrong, or a record type that works.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use portcullis_core::label::RecordType;
use portcullis_core::redact::wire::{Reader, WireValue};
use portcullis_core::redact::{Redactor, Treatment};
use prost::Message as _;
use prost_types::FileDescriptorSet;

use super::edit::{delimited, edited, edited_fields};
use super::head;
use super::oracle::made;
use super::record::{EVERY, NAMES};
use crate::world::{KEYS, RECORD, descriptor_set, plan_of, treatments};

/// Most leaves of a record type.
const MAX_LEAVES: usize = 4096;

/// What is edited, and how; then the edits, or what is registered itself.
pub fn lint(mut data: &[u8]) {
    let [how, one] = head(&mut data);
    let base = || match one {
        0..0x40 => (EVERY.to_vec(), NAMES[4].to_owned()),
        _ => (descriptor_set(&made(u16::from(one)).schema).to_vec(), RECORD.to_owned()),
    };
    let (set, name) = match how % 4 {
        0 => (data.to_vec(), NAMES[usize::from(one) % NAMES.len()].to_owned()),
        // One file behind those that it imports.
        1 => ([IMPORTS.as_slice(), &delimited(1, data)].concat(), RECORD.to_owned()),
        2 => {
            let (set, name) = base();
            (edited(set, data), name)
        }
        _ => {
            // Of the set the last file alone, which is the one of the record.
            let (set, name) = base();
            let (imports, file) = split(&set);
            ([imports, delimited(1, &edited_fields(file, data))].concat(), name)
        }
    };
    register(&Bytes::from(set), &name, data);
}

/// The files that files of record types import.
static IMPORTS: LazyLock<Vec<u8>> = LazyLock::new(|| split(&EVERY).0);

/// The last file of a set, and those before it.
pub fn split(set: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut reader = Reader::new(set);
    let (mut start, mut from, mut last) = (0, 0, vec![]);
    while let Ok(Some((_, WireValue::Bytes(file)))) = reader.next_field() {
        (start, last) = (from, file.to_vec());
        from = reader.position();
    }
    (set[..start].to_vec(), last)
}

fn register(set: &Bytes, name: &str, data: &[u8]) {
    let record_type = match RecordType::register(set, name) {
        Ok(record_type) => Arc::new(record_type),
        Err(errors) => {
            assert!(!errors.is_empty(), "refused for nothing");
            assert!(errors.len() <= 2 * MAX_LEAVES, "{} errors", errors.len());
            for error in &errors {
                assert!(error.to_string().contains(error.rule.word()), "an error without a rule");
            }
            return;
        }
    };
    // What was accepted is what a standard reader sees, whole and labelled.
    assert!(FileDescriptorSet::decode(set.clone()).is_ok(), "accepted, and no descriptor set");
    assert!((1..=MAX_LEAVES).contains(&record_type.leaves().len()));
    assert!(record_type.nodes().len() <= MAX_LEAVES);
    for leaf in record_type.leaves() {
        assert!(Treatment::Clear.fits(leaf.label.semantic, &leaf.kind));
        assert_eq!(
            record_type.leaf_by_path(&leaf.path).map(|one| one.id),
            Some(leaf.id),
            "two leaves of one path"
        );
    }
    let run = |treatment: &dyn Fn(usize) -> Treatment, payload: &[u8]| {
        let mut at = 0;
        let plan = plan_of(&record_type, |_| {
            at += 1;
            treatment(at)
        });
        let (mut out, mut presence) = (vec![], vec![]);
        Redactor::compile(plan).redact(&KEYS, payload, &mut out, &mut presence).map(|()| out)
    };
    let every: Vec<Treatment> = treatments().collect();
    for payload in [&[][..], data] {
        let clear = run(&|_| Treatment::Clear, payload);
        let hidden = run(&|_| Treatment::Withhold, payload);
        let mixed = run(&|at| every[(at * 7 + data.len()) % every.len()], payload);
        assert_eq!(clear.as_ref().err(), hidden.as_ref().err());
        assert_eq!(clear.as_ref().err(), mixed.as_ref().err());
        assert!(hidden.is_err() || hidden == Ok(vec![]));
    }
}
