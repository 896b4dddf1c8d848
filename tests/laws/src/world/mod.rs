//! Whole worlds: a random schema with labels, two plans for it, a record in two versions, and how its bytes
//! are spelled or spoiled.

mod descriptor;
mod fault;
mod message;
mod plan;
mod schema;
mod spelling;
mod text;
pub mod value;
mod wire;

use std::fmt;
use std::sync::{Arc, LazyLock};

use portcullis_core::label::{Leaf, RecordType};
use portcullis_core::redact::{Plan, Redactor, Refusal, ScopeKey, Treatment};
use proptest::prelude::*;
use prost_reflect::DynamicMessage;

pub use descriptor::{PACKAGE, RECORD, descriptor_set};
pub use fault::{Fault, faults, spoil};
pub use message::{items, same, show as show_message, show_value, standing, stands};
pub use plan::{
    Choices, EPOCH, ORIGINATOR, SCOPE, SECRET, entry, keys, plan_of, plan_with, show as show_plan,
    treatments,
};
pub use schema::{Cardinality, Draw, Field, Kind, Known, Message, Scalar, Schema};
pub use spelling::{Spelling, spell, spelling};
pub use wire::{Body, Piece, canonical, pieces, write};

/// Keys of every plan here.
pub static KEYS: LazyLock<ScopeKey> = LazyLock::new(keys);

/// A world.
#[derive(Clone)]
pub struct World {
    /// The schema.
    pub schema: Schema,
    /// The same, registered.
    pub record_type: Arc<RecordType>,
    /// What its fields chose for plans.
    pub choices: Choices,
    /// The plan, of any treatments that fit.
    pub plan: Arc<Plan>,
    /// Another plan.
    pub other: Arc<Plan>,
    /// A record.
    pub message: DynamicMessage,
    /// A record that shares nothing with it but the schema.
    pub twin: DynamicMessage,
    /// How the two are spelled.
    pub spellings: [Spelling; 2],
    /// What is wrong with the bytes of the first, where something is.
    pub faults: Vec<Fault>,
}

/// A schema and nothing else.
pub fn schema() -> impl Strategy<Value = Schema> {
    schema::raw().prop_map(|raw| Schema::of(&raw))
}

/// A world whose bytes are sound.
pub fn world() -> impl Strategy<Value = World> {
    build(Just(vec![]))
}

/// A world whose bytes have a fault or some.
pub fn spoiled_world() -> impl Strategy<Value = World> {
    build(faults())
}

fn build(faults: impl Strategy<Value = Vec<Fault>>) -> impl Strategy<Value = World> {
    (schema::raw(), spelling(), spelling(), faults).prop_map(|(raw, one, two, faults)| {
        let schema = Schema::of(&raw);
        let record_type = register(&schema);
        let choices = Choices::of(&schema);
        let descriptor = record_type.descriptor();
        let [message, twin] = [0, 1].map(|side| message::message(&schema, descriptor, side));
        let [plan, other] = [0, 1].map(|which| choices.plan(&record_type, which, |_, _| true));
        let spellings = [one, two];
        World { schema, record_type, choices, plan, other, message, twin, spellings, faults }
    })
}

/// Registers a schema.
pub fn register(schema: &Schema) -> Arc<RecordType> {
    match RecordType::register(&descriptor_set(schema), RECORD) {
        Ok(record_type) => Arc::new(record_type),
        Err(errors) => panic!("{errors:#?}\n{}", schema.to_proto()),
    }
}

impl World {
    /// Plan 0 or 1 of those treatments that are allowed.
    pub fn plan_of(&self, which: usize, allow: impl Fn(&Leaf, Treatment) -> bool) -> Arc<Plan> {
        self.choices.plan(&self.record_type, which, allow)
    }

    /// The record's bytes: in its spelling and with its faults.
    pub fn bytes(&self) -> Vec<u8> {
        spoil(&spell(&self.message, &self.spellings[0]), &self.faults)
    }
}

/// What the redactor makes of bytes: record and presence bits, or a refusal that left nothing behind.
pub fn redact(plan: &Arc<Plan>, bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let (mut out, mut presence) = (vec![1], vec![2]);
    let done = Redactor::compile(plan.clone()).redact(&KEYS, bytes, &mut out, &mut presence);
    if done.is_err() {
        assert!(out.is_empty() && presence.is_empty(), "something is left of a refused record");
    }
    done.map(|()| (out, presence))
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.schema)?;
        writeln!(f, "plan\n{}", show_plan(&self.plan))?;
        writeln!(f, "record\n{}", show_message(&self.message))?;
        let bytes = self.bytes();
        let shown = bytes.len().min(2048);
        write!(f, "bytes ({}) {}", bytes.len(), hex::encode(&bytes[..shown]))?;
        writeln!(f, "{}", if shown < bytes.len() { ".." } else { "" })?;
        writeln!(f, "faults {:?}", self.faults)?;
        writeln!(f, "other plan\n{}", show_plan(&self.other))?;
        writeln!(f, "twin\n{}", show_message(&self.twin))
    }
}
