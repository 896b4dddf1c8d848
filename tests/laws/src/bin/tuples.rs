//! Writes what the redactor made of random records, for a reader that shares none of its code: JSON lines, each
//! schema followed by its plans, each plan by its records (`tests/reader/README.md` says what they hold).
//!
//!     portcullis-tuples --seed N --count N > FILE
//!
//! Same seed, same bytes. Four fifths of the records are of random worlds, one fifth of fixed record types with
//! values that lie close to what a treatment understands.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::HashMap;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use portcullis_core::id::{AgencyId, AgreementId};
use portcullis_core::label::{RecordType, Semantic};
use portcullis_core::redact::{
    Batch, FoundRecord, Plan, PseudonymKeys, PseudonymScope, Redactor, ScopeKey, Treatment,
    Zeroizing, presence_bits,
};
use portcullis_laws::world::{self, Spelling, near};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use prost_reflect::DynamicMessage;
use serde_json::json;

/// Records above this size are kept as few: what they show is that there is a limit.
const LARGE: usize = 50_000;
/// So many of them with the same end.
const MOST_LARGE: usize = 6;
/// Tuples of one fixed type that share a schema line.
const OF_FIXED: usize = 1000;
/// Fixed record types of the contract.
const CONTRACT: [&str; 5] =
    ["Declaration", "ExportLicence", "DenialNotification", "Party", "Inspection"];

fn main() {
    let (seed, count) = arguments();
    let mut out = Exporter::new(seed, count, BufWriter::new(io::stdout().lock()));
    let done = out.fixed(count / 5).and_then(|()| out.worlds()).and_then(|()| out.out.flush());
    if let Err(error) = done {
        eprintln!("portcullis-tuples: {error}");
        std::process::exit(1);
    }
}

fn arguments() -> (u64, usize) {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = given.iter().position(|argument| argument == name)?;
        given.get(at + 1)?.parse::<u64>().ok()
    };
    match (given.len(), number("--seed"), number("--count")) {
        (4, Some(seed), Some(count)) if count > 0 => (seed, count as usize),
        _ => {
            eprintln!("usage: portcullis-tuples --seed N --count N > FILE");
            std::process::exit(2);
        }
    }
}

/// A plan with what tokens of it are made from.
struct Ready {
    redactor: Arc<Redactor>,
    keys: Arc<ScopeKey>,
    /// Its place among the plans of its schema.
    at: usize,
}

struct Exporter<W> {
    out: W,
    runner: TestRunner,
    rng: near::Rng,
    left: usize,
    large: HashMap<&'static str, usize>,
    plans: usize,
}

impl<W: io::Write> Exporter<W> {
    fn new(seed: u64, count: usize, out: W) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config = Config { failure_persistence: None, ..Config::default() };
        let runner = TestRunner::new_with_rng(config, rng);
        Self { out, runner, rng: near::Rng(seed), left: count, large: HashMap::new(), plans: 0 }
    }

    fn worlds(&mut self) -> io::Result<()> {
        let strategy = world::spoiled_world();
        while self.left > 0 {
            let drawn = self.draw(&strategy);
            self.schema(&drawn.record_type, world::RECORD)?;
            let [one, two] = &drawn.spellings;
            let sound = [(&drawn.message, one), (&drawn.twin, two), (&drawn.message, two)]
                .map(|(message, spelling)| world::spell(message, spelling));
            let mut plans = vec![];
            for plan in [&drawn.plan, &drawn.other] {
                let chosen = plan.fields().iter().map(|field| field.treatment).collect();
                plans.push(self.plan(&drawn.record_type, chosen)?);
            }
            let any = self.any_treatments(&drawn.record_type);
            plans.push(self.plan(&drawn.record_type, any)?);
            // Oneofs in oneofs: where the order of their meets matters, few plans show it.
            let with_oneofs = |node: &&portcullis_core::label::Node| {
                node.fields.iter().any(|field| field.oneof.is_some())
            };
            if drawn.record_type.nodes().iter().filter(with_oneofs).count() > 1 {
                for _ in 0..6 {
                    let chosen = self.telling_treatments(&drawn.record_type);
                    self.plan(&drawn.record_type, chosen)?;
                }
            }
            for plan in &plans {
                for pieces in &sound {
                    self.tuple(plan, world::write(pieces))?;
                }
            }
            for (pieces, plan) in sound.iter().zip(&plans) {
                self.tuple(plan, world::spoil(pieces, &drawn.faults))?;
            }
        }
        Ok(())
    }

    /// Record types of the contract, and one with a field of every type and semantic.
    fn fixed(&mut self, count: usize) -> io::Result<()> {
        let end = self.left.saturating_sub(count);
        let types = fixed_types();
        let faults = world::faults();
        for (name, record_type) in types.iter().cycle() {
            let semantics: HashMap<String, Semantic> = record_type
                .leaves()
                .iter()
                .map(|leaf| (leaf.path.clone(), leaf.label.semantic))
                .collect();
            self.schema(record_type, name)?;
            let until = end.max(self.left.saturating_sub(OF_FIXED));
            while self.left > until {
                let chosen = if self.rng.below(3) == 0 {
                    self.any_treatments(record_type)
                } else {
                    self.fitting_treatments(record_type)
                };
                let plan = self.plan(record_type, chosen)?;
                for _ in 0..20 {
                    let descriptor = record_type.descriptor();
                    let message: DynamicMessage =
                        near::message(descriptor, &semantics, "", &mut self.rng);
                    let odd = self.rng.below(5) > 0;
                    let tape = std::array::from_fn(|_| if odd { self.rng.tape() } else { 0 });
                    let pieces = world::spell(&message, &Spelling(tape));
                    let bytes = if self.rng.below(6) == 0 {
                        let faults = self.draw(&faults);
                        world::spoil(&pieces, &faults)
                    } else {
                        world::write(&pieces)
                    };
                    self.tuple(&plan, bytes)?;
                }
            }
            if self.left <= end {
                break;
            }
        }
        Ok(())
    }

    fn draw<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy.new_tree(&mut self.runner).expect("a strategy that filters nothing").current()
    }

    /// Any treatment for any leaf: what does not fit must become Withhold.
    fn any_treatments(&mut self, record_type: &RecordType) -> Vec<Treatment> {
        let all: Vec<Treatment> = world::treatments().collect();
        record_type.leaves().iter().map(|_| *self.rng.pick(&all)).collect()
    }

    fn fitting_treatments(&mut self, record_type: &RecordType) -> Vec<Treatment> {
        let fitting = |leaf: &portcullis_core::label::Leaf| -> Vec<Treatment> {
            world::treatments().filter(|each| each.fits(leaf.label.semantic, &leaf.kind)).collect()
        };
        record_type.leaves().iter().map(|leaf| *self.rng.pick(&fitting(leaf))).collect()
    }

    /// Clear or coarsened, where that fits.
    fn telling_treatments(&mut self, record_type: &RecordType) -> Vec<Treatment> {
        let telling = |leaf: &portcullis_core::label::Leaf| -> Vec<Treatment> {
            world::treatments()
                .filter(|each| each.fits(leaf.label.semantic, &leaf.kind))
                .filter(|each| !matches!(each, Treatment::Withhold | Treatment::Presence))
                .collect()
        };
        record_type.leaves().iter().map(|leaf| *self.rng.pick(&telling(leaf))).collect()
    }

    fn schema(&mut self, record_type: &RecordType, name: &str) -> io::Result<()> {
        let set = base64::engine::general_purpose::STANDARD.encode(record_type.descriptor_set());
        self.plans = 0;
        self.line(&json!({ "schema": { "descriptor_set": set, "type": name } }))
    }

    /// A plan of treatments that were asked for, in a scope and epoch of its own.
    fn plan(&mut self, record_type: &Arc<RecordType>, asked: Vec<Treatment>) -> io::Result<Ready> {
        let scopes = ["agency:alpha/case:OP-7", "agency:beta/agreement:b", "joint:lantern", "ü"];
        let scope = PseudonymScope(Arc::from(*self.rng.pick(&scopes)));
        let originator = AgencyId::new(*self.rng.pick(&["kcs", "nv-customs", "vl-fiu"]));
        let epoch = *self.rng.pick(&[1, 2, 256, u16::MAX]);
        let secret: [u8; 32] = std::array::from_fn(|_| self.rng.draw() as u8);
        let keys = PseudonymKeys::new(epoch, [(epoch, Zeroizing::new(secret))]).expect("keys");
        let fields = asked.iter().copied().map(world::entry).collect();
        let agreement = AgreementId::new("agreement");
        let plan = Arc::new(Plan::new(
            record_type.clone(),
            fields,
            agreement,
            originator.clone(),
            scope.clone(),
            None,
        ));
        let bits: HashMap<_, _> = presence_bits(&plan).into_iter().collect();
        let leaves = || record_type.leaves().iter();
        let sent: Vec<_> = leaves()
            .zip(plan.fields())
            .map(|(leaf, field)| {
                let bit = bits.get(&leaf.id).map_or(0, |bit| bit + 1);
                json!({ "path": leaf.path, "treatment": field.treatment.to_string(), "presence_bit": bit })
            })
            .collect();
        let asked: serde_json::Map<String, serde_json::Value> = leaves()
            .zip(asked)
            .map(|(leaf, treatment)| (leaf.path.clone(), treatment.to_string().into()))
            .collect();
        let at = self.plans;
        self.plans += 1;
        self.line(&json!({
            "plan": sent,
            "asked": asked,
            "scope": &*scope.0,
            "originator": originator.as_str(),
            "epoch": epoch,
            "secret": hex::encode(secret),
        }))?;
        let (redactor, keys) = (Redactor::compile(plan), keys.scope_key(&scope));
        Ok(Ready { redactor: Arc::new(redactor), keys: Arc::new(keys), at })
    }

    fn tuple(&mut self, plan: &Ready, record: Vec<u8>) -> io::Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        let large = record.len() > LARGE;
        let length = 1 + self.rng.below(32);
        let opaque_id: Vec<u8> = (0..length).map(|_| self.rng.draw() as u8).collect();
        let (id, hex) = (hex::encode(&opaque_id), hex::encode(&record));
        let found = FoundRecord {
            originator: plan.redactor.plan().originator().clone(),
            opaque_id: opaque_id.into(),
            payload: record.into(),
            version: 0,
            data_as_of: None,
            delete_by: None,
        };
        let mut batch = Batch::default();
        let done = batch.take(&plan.redactor, &plan.keys, found);
        let end = done.as_ref().err().map_or("", |refusal| refusal.word());
        if large {
            let before = self.large.entry(end).or_default();
            *before += 1;
            if *before > MOST_LARGE {
                return Ok(());
            }
        }
        self.left -= 1;
        let line = match done {
            Ok(_) => {
                let disclosed = batch.finish();
                let released = disclosed.as_inner().first().expect("one went in");
                json!({
                    "tuple": plan.at,
                    "record": hex,
                    "opaque_id": id,
                    "payload": hex::encode(&released.payload),
                    "presence": hex::encode(&released.presence),
                    "reference": String::from_utf8_lossy(&released.reference),
                })
            }
            Err(refusal) => json!({ "tuple": plan.at, "record": hex, "refusal": refusal.word() }),
        };
        self.line(&line)
    }

    fn line(&mut self, line: &serde_json::Value) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }
}

fn fixed_types() -> Vec<(String, Arc<RecordType>)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [here.join("../../gateway/core/src/redact/tests"), here.join("../../proto")];
    let mut compiler = protox::Compiler::new(folders).expect("folders of this repository");
    compiler.include_imports(true).open_file("every.proto").expect("it compiles");
    let every: Bytes = compiler.encode_file_descriptor_set().into();
    let contract = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    let every = ["test.v1.Every", "test.v1.Wide"].map(|name| (name.to_owned(), every.clone()));
    // The first stands for half of them: it has a field of every type and semantic.
    let mut names = vec![];
    for name in CONTRACT {
        names.push(every[0].clone());
        names.push((format!("portcullis.record.v1.{name}"), contract.clone()));
    }
    names.insert(2, every[1].clone());
    let register = |(name, set): (String, Bytes)| {
        let record_type = RecordType::register(&set, &name).expect("a sound record type");
        (name, Arc::new(record_type))
    };
    names.into_iter().map(register).collect()
}
