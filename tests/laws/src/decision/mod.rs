//! Random exchanges and questions for a decider that shares none of the gateway's code (`tests/decider`): record types
//! with random labels, agreements with dates, standings and reservations, cases with templates, prohibitions.
//! Unlike `exchange`, whose laws compare two answers of one decider, everything here is also written out.

mod ask;
mod draw;
mod flow;
mod read;
mod standing;
mod types;
mod write;

use std::path::Path;
use std::sync::Arc;

use portcullis_core::id::Moment;
use portcullis_core::label::RecordType;
use portcullis_core::policy::{
    AgreementFile, Brought, Held, Inputs, PolicyFile, Purpose, Registry, Snapshot, Standing,
};

pub use read::replay;
pub use types::{Pool, pool};

use crate::exchange::{self, Exchange};
use crate::world::near::Rng;

/// Agencies of every exchange.
const AGENCIES: [&str; 5] = ["alpha", "bravo", "carol", "delta", "echo"];
/// Cases of every exchange.
const CASES: [&str; 4] = ["CASE-1", "CASE-2", "OP-3", "OP.4"];
/// A package of which agreements may name types before they are here, and such a type.
const AWAITED: (&str, &str) = ("later", "later.v1.Thing");
/// Policies that an exchange may have beside the base set, in this repository.
const POLICIES: [&str; 5] = [
    "gateway/policies/presets/handling-codes.cedar",
    "gateway/policies/presets/non-nominal.cedar",
    "tests/decider/policies/local.cedar",
    "tests/decider/policies/broken-field.cedar",
    "tests/decider/policies/broken-record.cedar",
];

/// Everything that decisions rest on, drawn.
pub struct World {
    registry: Registry,
    /// Lines of the templates of cases, in the order of the registry's.
    templates: Vec<Vec<String>>,
    types: Vec<Arc<RecordType>>,
    agreements: Vec<Agreement>,
    /// Positions in [`POLICIES`].
    policies: Vec<usize>,
    /// Purposes that its agreements speak of.
    purposes: Vec<Purpose>,
}

/// An agreement's text, what it was written from, and how it stands.
struct Agreement {
    drawn: exchange::Agreement,
    text: String,
    standing: Standing,
}

/// So many exchanges out of twenty take over from an earlier snapshot that was asked the same.
const FROM_BEFORE: usize = 3;

/// An exchange and what was asked of it, as JSON.
pub struct Group {
    /// The exchange.
    pub exchange: String,
    /// Each question with its answer, and how many decisions that is.
    pub questions: Vec<(u64, String)>,
}

/// Draws an exchange, the same for the same numbers, and asks it.
pub fn group(pool: &Pool, seed: u64, number: u64) -> Group {
    let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd134_2543));
    let world = draw::world(&pool.types, &mut rng);
    let questions = ask::questions(&world, &mut rng);
    let snapshot = if rng.below(20) < FROM_BEFORE {
        let mut before = world.inputs();
        for held in &mut before.agreements {
            held.standing = Standing::default();
        }
        before.registry.cases.pop();
        let before = load(before, None);
        questions.iter().for_each(|question| drop(ask::ask(&before, question)));
        load(world.inputs(), Some(&before))
    } else {
        load(world.inputs(), None)
    };
    let told = |question| {
        let answer = ask::ask(&snapshot, question);
        (answer.decisions(), write::question(question, &answer).to_string())
    };
    Group { exchange: write::world(&world, pool), questions: questions.iter().map(told).collect() }
}

/// Exchanges are tidied, so one that does not load is a defect of this module.
fn load(inputs: Inputs, before: Option<&Snapshot>) -> Arc<Snapshot> {
    let texts: Vec<String> = inputs.agreements.iter().map(|one| one.file.text.clone()).collect();
    Snapshot::build(inputs, before).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("the exchange does not load: {}\n{}", errors.join("\n"), texts.join("\n"))
    })
}

/// A file of this repository.
fn policy(name: &str) -> PolicyFile {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join(name)).expect("a file of this tree");
    PolicyFile { name: name.to_owned(), text }
}

fn awaited() -> Brought {
    Brought { record_types: vec![], packages: vec![AWAITED.0.to_owned()] }
}

impl World {
    fn inputs(&self) -> Inputs {
        let held = |one: &Agreement| Held {
            file: AgreementFile { name: format!("{}.toml", one.drawn.id), text: one.text.clone() },
            standing: one.standing.clone(),
        };
        Inputs {
            registry: self.registry.clone(),
            record_types: self.types.clone(),
            brought: awaited(),
            agreements: self.agreements.iter().map(held).collect(),
            policies: self.policies.iter().map(|at| policy(POLICIES[*at])).collect(),
        }
    }

    /// Moments at which something changes by itself.
    fn edges(&self) -> Vec<Moment> {
        let cases = self.registry.cases.iter();
        let mut edges: Vec<Moment> =
            cases.flat_map(|case| [Some(case.opens), case.closes]).flatten().collect();
        for Agreement { drawn, standing, .. } in &self.agreements {
            edges.extend([drawn.from, drawn.until]);
            edges.extend(standing.ends.iter().chain(standing.left.values()));
        }
        edges
    }
}

/// The exchange that a text of drawn agreements is tidied as.
fn tidied(world: &World, agreements: Vec<exchange::Agreement>) -> Vec<exchange::Agreement> {
    let exchange = Exchange { registry: world.registry.clone(), agreements, forbids: vec![] };
    exchange.tidied_for(&world.types).agreements
}
