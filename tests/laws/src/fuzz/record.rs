//! The record types that are fuzzed, with plans compiled once.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use portcullis_core::label::RecordType;
use portcullis_core::redact::{Plan, Redactor, Treatment};

use crate::world::{plan_of, treatments};

/// The contract's record types, then the test type with a field of every type and semantic.
pub const NAMES: [&str; 5] = [
    "portcullis.record.v1.Declaration",
    "portcullis.record.v1.Inspection",
    "portcullis.record.v1.ExportLicence",
    "portcullis.record.v1.Party",
    "test.v1.Every",
];
/// Plans of each: three plain ones, then ones drawn from their number.
pub const PLANS: usize = 16;

/// A record type and its plans.
pub struct Kind {
    pub record_type: Arc<RecordType>,
    pub redactors: Vec<Arc<Redactor>>,
}

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let contract = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    NAMES
        .iter()
        .map(|name| {
            let set = if name.starts_with("test.") { &*EVERY } else { &contract };
            let record_type = Arc::new(RecordType::register(set, name).expect("a sound type"));
            let redactors = (0..PLANS)
                .map(|number| Arc::new(Redactor::compile(plan(&record_type, number))))
                .collect();
            Kind { record_type, redactors }
        })
        .collect()
});

/// Descriptor set of the test type.
pub static EVERY: LazyLock<Bytes> = LazyLock::new(|| {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let includes = [format!("{root}/gateway/core/src/redact/tests"), format!("{root}/proto")];
    let mut compiler = protox::Compiler::new(includes).expect("the folders are there");
    compiler.include_imports(true).open_file("every.proto").expect("a sound file");
    compiler.encode_file_descriptor_set().into()
});

/// One of [`NAMES`].
pub fn kind(number: u8) -> &'static Kind {
    &KINDS[usize::from(number) % NAMES.len()]
}

fn plan(record_type: &Arc<RecordType>, number: usize) -> Arc<Plan> {
    let mut state = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    plan_of(record_type, |leaf| {
        let fitting: Vec<Treatment> =
            treatments().filter(|one| one.fits(leaf.label.semantic, &leaf.kind)).collect();
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        match number {
            0 => Treatment::Clear,
            1 => Treatment::Withhold,
            2 => Treatment::Presence,
            // As little as there is short of nothing, and as much: tokens, masks and levels everywhere.
            3 => fitting[fitting.len() - 1],
            _ => fitting[(state >> 33) as usize % fitting.len()],
        }
    })
}

/// Does the plan give tokens? Redacted again, they would become tokens of tokens.
pub fn has_tokens(plan: &Plan) -> bool {
    plan.fields().iter().any(|field| field.treatment == Treatment::Pseudonymise)
}
