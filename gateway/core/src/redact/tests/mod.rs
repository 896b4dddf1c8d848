//! Tests of the redactor: rules one by one, the laws as properties, the vector file, pseudonyms, and a slow
//! second implementation on reflection.

mod edges;
mod laws;
mod noise;
mod rules;
mod slow;
mod tokens;
mod vectors;
mod world;

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use prost_reflect::DynamicMessage;
use zeroize::Zeroizing;

use super::{
    FieldPlan, Level, Plan, PseudonymKeys, PseudonymScope, Reason, Redactor, Refusal, ScopeKey,
    Treatment,
};
use crate::id::{AgencyId, AgreementId, RuleId};
use crate::label::{Leaf, RecordType};

static SET: LazyLock<Bytes> = LazyLock::new(|| {
    let root = env!("CARGO_MANIFEST_DIR");
    let includes = [format!("{root}/src/redact/tests"), format!("{root}/../../proto")];
    let mut compiler = protox::Compiler::new(includes).unwrap();
    compiler.include_imports(true).open_file("every.proto").unwrap();
    compiler.encode_file_descriptor_set().into()
});

static EVERY: LazyLock<Arc<RecordType>> =
    LazyLock::new(|| Arc::new(RecordType::register(&SET, "test.v1.Every").unwrap()));

static KEYS: LazyLock<ScopeKey> = LazyLock::new(|| keys().scope_key(&scope("alpha/case-1")));

fn contract(name: &str) -> Arc<RecordType> {
    let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    Arc::new(RecordType::register(&set, &format!("portcullis.record.v1.{name}")).unwrap())
}

fn keys() -> PseudonymKeys {
    PseudonymKeys::new(3, [(3, Zeroizing::new([7; 32])), (2, Zeroizing::new([9; 32]))]).unwrap()
}

fn scope(text: &str) -> PseudonymScope {
    PseudonymScope(Arc::from(text))
}

fn field(treatment: Treatment) -> FieldPlan {
    FieldPlan {
        treatment,
        rule: RuleId::new("rule"),
        reason: Reason::Permitted,
        usable: treatment == Treatment::Clear,
        probe: false,
        ask: None,
    }
}

fn plan(record_type: &Arc<RecordType>, mut choose: impl FnMut(&Leaf) -> Treatment) -> Arc<Plan> {
    let fields = record_type.leaves().iter().map(|leaf| field(choose(leaf))).collect();
    Arc::new(Plan::new(
        record_type.clone(),
        fields,
        AgreementId::new("agreement"),
        AgencyId::new("kcs"),
        scope("alpha/case-1"),
        None,
    ))
}

/// Everything withheld but what is named; `inner` names all leaves below.
fn only(record_type: &Arc<RecordType>, told: &[(&str, Treatment)]) -> Redactor {
    Redactor::compile(plan(record_type, |leaf| {
        told.iter()
            .find(|(path, _)| {
                leaf.path
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
            .map_or(Treatment::Withhold, |(_, treatment)| *treatment)
    }))
}

fn all(record_type: &Arc<RecordType>, treatment: Treatment) -> Redactor {
    Redactor::compile(plan(record_type, |_| treatment))
}

fn redact(redactor: &Redactor, payload: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let (mut out, mut presence) = (vec![1], vec![2]);
    redactor.redact(&KEYS, payload, &mut out, &mut presence).map(|()| (out, presence))
}

fn decode(record_type: &RecordType, bytes: &[u8]) -> DynamicMessage {
    DynamicMessage::decode(record_type.descriptor().clone(), bytes).unwrap()
}

/// Every treatment that a leaf can take.
fn fitting(leaf: &Leaf) -> Vec<Treatment> {
    let mut all = vec![
        Treatment::Clear,
        Treatment::Mask,
        Treatment::Pseudonymise,
        Treatment::Presence,
        Treatment::Withhold,
    ];
    all.extend(Level::ALL.iter().copied().map(Treatment::Generalise));
    all.retain(|treatment| treatment.fits(leaf.label.semantic, &leaf.kind));
    all
}
