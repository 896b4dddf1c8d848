//! The redactor beside prost (decode, edit, encode), reflection and memcpy, in one run, and what records made
//! to be expensive cost.

pub mod clock;
mod hostile;
mod rivals;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use comfy_table::{CellAlignment, Table, presets};
use portcullis_core::id::{AgencyId, AgreementId, RuleId};
use portcullis_core::label::{Leaf, RecordType};
use portcullis_core::redact::{
    Batch, FieldPlan, FoundRecord, Plan, PseudonymKeys, PseudonymScope, Reason, Redactor, ScopeKey,
    Treatment, Zeroizing,
};
use serde_json::{Value, json};

use crate::record;
use clock::{Contestant, Measured, race};

/// Wire fields of a record of `record`.
const FIELDS: f64 = 95.0;
/// Records of a batch: about what 64 KiB hold.
const BATCH: usize = 64;

/// What to run.
#[derive(clap::Args)]
pub struct Options {
    /// Writes everything into a file, too.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// A few milliseconds each: does it run at all?
    #[arg(long)]
    pub smoke: bool,
}

/// Runs all of it and prints tables or JSON.
///
/// # Errors
/// When the record type cannot be compiled, or the file not be written.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let (rounds, slice) = if options.smoke { (2, 1) } else { (31, 25) };
    let slice = Duration::from_millis(slice);
    let record_type = Arc::new(record::record_type()?);
    let records: Vec<Vec<u8>> =
        (0..record::DISTINCT).map(|number| record::encoded(number).to_vec()).collect();
    let bench = Bench::new(&record_type);
    let plain = bench.contestants(&records, rounds, slice);
    let hostile = hostile::run(&bench, &records, rounds, slice)?;
    let value = report(&plain, &hostile);
    print(&plain, &hostile);
    if let Some(file) = &options.json {
        std::fs::write(file, format!("{value:#}\n")).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// What all contestants share.
pub struct Bench {
    record_type: Arc<RecordType>,
    key: Arc<ScopeKey>,
    clear: Arc<Redactor>,
    half: Arc<Redactor>,
    alternate: Arc<Redactor>,
    none: Arc<Redactor>,
    five: Arc<Redactor>,
}

impl Bench {
    fn new(record_type: &Arc<RecordType>) -> Self {
        let scope = PseudonymScope(Arc::from("requester/case"));
        let secret = Zeroizing::new([7; 32]);
        let keys = PseudonymKeys::new(1, [(1, secret)]).expect("one epoch, current");
        let key = Arc::new(keys.scope_key(&scope));
        let plan = |choose: &dyn Fn(&Leaf) -> Treatment| plan(record_type, &scope, choose);
        let withheld = |leaf: &Leaf| {
            record::WITHHELD.iter().any(|path| {
                leaf.path
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        let pick = |yes: bool, treatment| if yes { treatment } else { Treatment::Clear };
        Self {
            record_type: record_type.clone(),
            key,
            clear: plan(&|_| Treatment::Clear),
            half: plan(&|leaf| pick(withheld(leaf), Treatment::Withhold)),
            alternate: plan(&|leaf| pick(leaf.id.0 % 2 == 1, Treatment::Withhold)),
            none: plan(&|_| Treatment::Withhold),
            five: plan(&|leaf| {
                pick(record::PSEUDONYMS.contains(&leaf.path.as_str()), Treatment::Pseudonymise)
            }),
        }
    }

    fn contestants(&self, records: &[Vec<u8>], rounds: usize, slice: Duration) -> Vec<Measured> {
        let mut copy = vec![];
        let (keep, half, five) = (rivals::keep(), rivals::half(), rivals::five(self.key.clone()));
        let mut all = vec![
            Contestant::new("memcpy", move |record: &[u8]| {
                copy.clear();
                copy.extend_from_slice(record);
                copy.len()
            }),
            self.alone("redactor: all kept", &self.clear),
            self.alone("redactor: half withheld", &self.half),
            self.alone("redactor: every second leaf withheld", &self.alternate),
            self.alone("redactor: all withheld", &self.none),
            self.alone("redactor: five pseudonyms", &self.five),
            self.batched("redactor, batches with references: all kept", &self.clear),
            self.batched("redactor, batches with references: half withheld", &self.half),
            self.batched("redactor, batches with references: five pseudonyms", &self.five),
            keep,
            half,
            five,
            rivals::reflect(&self.record_type, "prost-reflect: all kept", &[]),
            rivals::reflect(&self.record_type, "prost-reflect: half withheld", &record::WITHHELD),
        ];
        race(&mut all, records, rounds, slice)
    }

    /// One record at a time.
    fn alone<'a>(&'a self, name: &str, redactor: &'a Redactor) -> Contestant<'a> {
        let (mut out, mut presence) = (vec![], vec![]);
        Contestant::new(name, move |record: &[u8]| {
            redactor.redact(&self.key, record, &mut out, &mut presence).expect("a sound record");
            out.len()
        })
    }

    /// As the gateway does it: with a reference to each record, and tokens sealed once a batch.
    fn batched<'a>(&'a self, name: &str, redactor: &'a Arc<Redactor>) -> Contestant<'a> {
        let mut batch = Batch::default();
        let mut at = 0_u128;
        let originator = redactor.plan().originator().clone();
        // The copy that a record comes in is made before, as the network layer does.
        let mut held: Vec<(*const u8, Bytes)> = vec![];
        Contestant::new(name, move |record: &[u8]| {
            let known = held.iter().position(|(place, _)| *place == record.as_ptr());
            let payload = match known {
                Some(found) => held[found].1.clone(),
                None => {
                    let bytes = Bytes::copy_from_slice(record);
                    held.push((record.as_ptr(), bytes.clone()));
                    bytes
                }
            };
            at += 1;
            let found = FoundRecord {
                originator: originator.clone(),
                opaque_id: Bytes::copy_from_slice(&at.to_be_bytes()),
                payload,
                version: 1,
                data_as_of: None,
                delete_by: None,
            };
            let size = batch.take(redactor, &self.key, found).expect("a sound record");
            if batch.len() == BATCH {
                std::hint::black_box(batch.finish());
            }
            size
        })
    }
}

/// The redactor under *half withheld*, and keys for it.
///
/// # Errors
/// When the record type cannot be compiled.
pub fn half_withheld() -> anyhow::Result<(Arc<Redactor>, Arc<ScopeKey>)> {
    let bench = Bench::new(&Arc::new(record::record_type()?));
    Ok((bench.half, bench.key))
}

fn plan(
    record_type: &Arc<RecordType>,
    scope: &PseudonymScope,
    choose: &dyn Fn(&Leaf) -> Treatment,
) -> Arc<Redactor> {
    let field = |leaf: &Leaf| FieldPlan {
        treatment: choose(leaf),
        rule: RuleId::new("bench"),
        reason: Reason::Permitted,
        usable: false,
        probe: false,
        ask: None,
    };
    Arc::new(Redactor::compile(Arc::new(Plan::new(
        record_type.clone(),
        record_type.leaves().iter().map(field).collect(),
        AgreementId::new("bench"),
        AgencyId::new("source"),
        scope.clone(),
        None,
    ))))
}

fn of<'a>(all: &'a [Measured], name: &str) -> &'a Measured {
    all.iter().find(|measured| measured.name == name).expect("it was measured")
}

/// Goal, the ratio that it is about, and its bound.
fn goals(plain: &[Measured], hostile: &[hostile::Cost]) -> Vec<(&'static str, f64, bool, f64)> {
    let best = |name: &str| of(plain, name).best;
    let keep = best("redactor: all kept");
    let batch = best("redactor, batches with references: all kept");
    let worst = hostile.iter().map(|cost| cost.times).fold(0.0, f64::max);
    vec![
        ("all kept: times as fast as prost", best("prost: all kept") / keep, true, 5.0),
        (
            "all kept: times as fast as reflection",
            best("prost-reflect: all kept") / keep,
            true,
            30.0,
        ),
        ("half withheld: cost of all kept", best("redactor: half withheld") / keep, false, 1.0),
        ("five pseudonyms: cost of all kept", best("redactor: five pseudonyms") / keep, false, 2.0),
        (
            "five pseudonyms in batches: cost of all kept",
            best("redactor, batches with references: five pseudonyms") / batch,
            false,
            2.0,
        ),
        ("dearest hostile record: cost of a wire field", worst, false, 3.0),
    ]
}

fn report(plain: &[Measured], hostile: &[hostile::Cost]) -> Value {
    let goals = goals(plain, hostile);
    json!({
        "benchmark": "engine",
        "nanoseconds_per_record": plain.iter().map(|one| json!({
            "name": one.name, "best": one.best, "median": one.median, "bytes_out": one.bytes,
        })).collect::<Vec<_>>(),
        "hostile": hostile.iter().map(|cost| json!({
            "name": cost.name, "plan": cost.plan, "fields": cost.fields, "bytes": cost.bytes,
            "nanoseconds_per_field": cost.each, "times_realistic": cost.times,
        })).collect::<Vec<_>>(),
        "goals": goals.iter().map(|(name, ratio, least, bound)| json!({
            "name": name, "ratio": ratio, "bound": bound, "at": if *least { "least" } else { "most" },
            "reached": if *least { ratio >= bound } else { ratio <= bound },
        })).collect::<Vec<_>>(),
    })
}

fn print(plain: &[Measured], hostile: &[hostile::Cost]) {
    let prost = of(plain, "prost: all kept").best;
    let mut table =
        table(&["", "ns a record", "median", "ns a field", "bytes out", "prost is slower by"]);
    for one in plain {
        table.add_row([
            one.name.clone(),
            format!("{:.0}", one.best),
            format!("{:.0}", one.median),
            format!("{:.1}", one.best / FIELDS),
            format!("{:.0}", one.bytes),
            format!("{:.2}", prost / one.best),
        ]);
    }
    println!("{table}\n");
    let mut table = self::table(&[
        "hostile record",
        "plan",
        "fields",
        "bytes",
        "ns a field",
        "times realistic",
    ]);
    for cost in hostile {
        table.add_row([
            cost.name.to_owned(),
            cost.plan.to_owned(),
            cost.fields.to_string(),
            cost.bytes.to_string(),
            format!("{:.1}", cost.each),
            format!("{:.2}", cost.times),
        ]);
    }
    println!("{table}\n");
    let mut table = self::table(&["goal", "ratio", "bound", ""]);
    for (name, ratio, least, bound) in goals(plain, hostile) {
        let reached = if least { ratio >= bound } else { ratio <= bound };
        table.add_row([
            name.to_owned(),
            format!("{ratio:.2}"),
            format!("{} {bound}", if least { "at least" } else { "at most" }),
            if reached { "reached" } else { "MISSED" }.to_owned(),
        ]);
    }
    println!("{table}");
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(head);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contestants that do less than they say would win.
    #[test]
    fn all_contestants_do_the_same_work() {
        let record_type = Arc::new(record::record_type().unwrap());
        let bench = Bench::new(&record_type);
        let records: Vec<Vec<u8>> = (0..5).map(|number| record::encoded(number).to_vec()).collect();
        let all = bench.contestants(&records, 1, Duration::from_micros(1));
        let bytes = |name: &str| of(&all, name).bytes;
        for plan in ["all kept", "half withheld", "five pseudonyms"] {
            let engine = bytes(&format!("redactor: {plan}"));
            assert_eq!(engine, bytes(&format!("prost: {plan}")), "{plan}");
            if plan != "five pseudonyms" {
                assert_eq!(engine, bytes(&format!("prost-reflect: {plan}")), "{plan}");
            }
            let batched = bytes(&format!("redactor, batches with references: {plan}"));
            assert_eq!(batched, engine + 88.0, "{plan}");
        }
        assert_eq!(bytes("redactor: all kept"), bytes("memcpy"));
        assert_eq!(bytes("redactor: all withheld"), 0.0);
    }

    /// A record that is refused would be cheap.
    #[test]
    fn hostile_records_are_within_the_limits_and_counted_right() {
        let record_type = Arc::new(record::record_type().unwrap());
        let bench = Bench::new(&record_type);
        for (name, fields, bytes) in hostile::hostile() {
            let (mut out, mut presence) = (vec![], vec![]);
            let done = bench.clear.redact(&bench.key, &bytes, &mut out, &mut presence);
            assert_eq!(done, Ok(()), "{name}");
            assert!(fields <= portcullis_core::redact::MAX_RECORD_FIELDS, "{name}");
            if !name.starts_with("unknown") {
                let read = prost_reflect::DynamicMessage::decode(
                    record_type.descriptor().clone(),
                    bytes.as_slice(),
                );
                assert_eq!(record::wire_fields(&read.unwrap()), fields, "{name}");
            }
        }
    }
}
