//! What a decision and a plan cost under few and many agreements: cached, compiled anew, and asked of plain Cedar with
//! every policy at once, in one run. The record type is the bench's own, of 35 leaves; the requester is a party to one
//! agreement of all, which the others must not make slower.

use std::sync::Arc;

use portcullis_core::handling::{Environment, HandlingClass};
use portcullis_core::id::{AgencyId, Moment, SystemId};
use portcullis_core::label::Sensitivity;
use portcullis_core::policy::{
    Agency, AgreementFile, Case, Permit, Purpose, Registry, Request, Snapshot,
};
use serde_json::json;

use crate::engine::clock::now;
use crate::record;

/// What is measured.
#[derive(clap::Args)]
pub struct Options {
    /// Agreements, in steps.
    #[arg(long, value_delimiter = ',', default_value = "10,100,1000")]
    agreements: Vec<usize>,
    /// Agencies that they are between.
    #[arg(long, default_value_t = 200)]
    agencies: usize,
    /// Plans compiled anew for each figure.
    #[arg(long, default_value_t = 300)]
    plans: usize,
    /// Write the figures to this file, too.
    #[arg(long)]
    json: Option<std::path::PathBuf>,
}

const NOW: Moment = Moment::from_seconds(1_780_272_000);

/// Median nanoseconds of one of `each` rounds of `times`.
fn median(each: usize, times: u32, mut work: impl FnMut(usize)) -> f64 {
    let mut rounds: Vec<f64> = (0..each)
        .map(|round| {
            let begun = now();
            for _ in 0..times {
                work(round);
            }
            begun.elapsed().as_nanos() as f64 / f64::from(times)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn id(number: usize) -> String {
    format!("agency-{number:03}")
}

/// An agreement between two agencies, with a ladder of every sort: clear, coarse, token, presence.
fn agreement(number: usize, agencies: usize) -> AgreementFile {
    // The first one is the requester's and nobody else's: agency 0 asks agency 1.
    let (from, to) = match number {
        0 => (1, 0),
        _ => {
            let from = 2 + number % (agencies - 2);
            (from, 2 + (from - 1 + number / (agencies - 2)) % (agencies - 2))
        }
    };
    let ladder = |fields: &str, rungs: &str| {
        format!("[[flow.ladder]]\nfields = [{fields}]\nrungs = [{rungs}]\n")
    };
    let text = format!(
        "id = \"agreement-{number}\"\nversion = 1\ntitle = \"Bench\"\nlegal_basis = \"A benchmark\"\n\
         parties = [\"{0}\", \"{1}\"]\nvalid_from = 2024-01-01\nvalid_until = 2035-12-31\n\
         [[flow]]\nfrom = \"{0}\"\nto = [\"{1}\"]\nrecord_types = [\"{2}\"]\n\
         purposes = [\"INVESTIGATION\"]\ncase_required = true\npermitted_use = [\"INVESTIGATION\"]\n\
         delete_after_days = 30\nrelease_by_originator = true\nmatchable = [\"consignor.identifier\"]\n\
         [flow.budgets]\nqueries_per_day = 1\nrecords_per_day = 1\nmatch_probes_per_day = 1\n{3}{4}{5}{6}{7}",
        id(from),
        id(to),
        record::NAME,
        ladder(
            "\"id\", \"ucr\", \"status\", \"packages\", \"country_of_export\", \"country_of_destination\", \
                \"port_of_loading\", \"port_of_discharge\", \"dangerous\", \"items\"",
            "\"clear\", \"withhold\""
        ),
        ladder("\"lodged_at\"", "\"generalise:day\", \"generalise:month\", \"withhold\""),
        ladder(
            "\"declared_value\", \"gross_mass\"",
            "\"generalise:band\", \"presence\", \"withhold\""
        ),
        ladder(
            "\"consignor.name\", \"consignor.identifier\", \"consignee.name\"",
            "\"clear\", \"pseudonymise\", \"withhold\""
        ),
        ladder("\"remarks\"", "\"withhold\""),
    );
    AgreementFile { name: format!("agreement-{number}.toml"), text }
}

fn world(agreements: usize, agencies: usize) -> anyhow::Result<Arc<Snapshot>> {
    let agency = |number| Agency {
        id: AgencyId::new(id(number)),
        name: id(number),
        country: "XA".to_owned(),
        kind: "customs".to_owned(),
        max_sensitivity: Sensitivity::Confidential,
        systems: vec![SystemId::new("desk")],
    };
    let case = Case {
        id: "CASE-1".into(),
        members: vec![AgencyId::new(id(0))],
        opens: Moment(0),
        closes: None,
        operation_scope: false,
        template: None,
    };
    let registry = Registry {
        agencies: (0..agencies).map(agency).collect(),
        cases: vec![case],
        environment: Environment::Exercise,
    };
    let files: Vec<AgreementFile> =
        (0..agreements).map(|number| agreement(number, agencies)).collect();
    let record_types = vec![Arc::new(record::record_type()?)];
    Snapshot::load(registry, record_types, &files, &[]).map_err(|errors| {
        anyhow::anyhow!(
            "{}",
            errors.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join("\n")
        )
    })
}

fn request() -> Request {
    Request {
        requester: AgencyId::new(id(0)),
        system: SystemId::new("desk"),
        officer: None,
        purpose: Purpose::Investigation,
        case: Some("CASE-1".into()),
        agreement: None,
        record_type: record::NAME.into(),
        sources: vec![],
    }
}

/// A class of records that no plan was compiled for.
fn fresh(number: usize) -> HandlingClass {
    let ordinary = HandlingClass::ordinary(AgencyId::new(id(1)), Environment::Exercise);
    HandlingClass { handling_code: format!("CODE-{number}").into(), ..ordinary }
}

fn permit(world: &Arc<Snapshot>) -> Permit {
    world.decide(&request(), NOW).permit().unwrap()
}

/// Runs the benchmark.
///
/// # Errors
/// Arguments that make no exchange; output that cannot be written.
pub fn run(options: &Options) -> anyhow::Result<()> {
    anyhow::ensure!(options.agencies >= 4, "--agencies: at least 4");
    println!(
        "{:>10} {:>9} {:>12} {:>12} {:>12} {:>14} {:>16}",
        "agreements",
        "policies",
        "load, s",
        "decide, us",
        "cached, ns",
        "plan anew, us",
        "plain Cedar, us"
    );
    let mut rows = vec![];
    for agreements in &options.agreements {
        let begun = now();
        let world = world(*agreements, options.agencies)?;
        let load = begun.elapsed().as_secs_f64();
        let permit = permit(&world);
        let class = fresh(usize::MAX);
        let same = permit.plan(&class, NOW).unwrap();
        let cached = median(50, 20_000, |_| {
            std::hint::black_box(permit.plan(std::hint::black_box(&class), NOW).unwrap());
        });
        let anew = median(options.plans, 1, |round| {
            std::hint::black_box(permit.plan(&fresh(round), NOW).unwrap());
        });
        let decide = median(50, 200, |_| {
            std::hint::black_box(
                world.decide(std::hint::black_box(&request()), NOW).permit().unwrap(),
            );
        });
        let whole = Arc::new(world.whole_set());
        let plain = median(3, 1, |round| {
            std::hint::black_box(permit.plan_over(&whole, &fresh(round), NOW).unwrap());
        });
        let over = permit.plan_over(&whole, &class, NOW).unwrap();
        anyhow::ensure!(over.fields() == same.fields(), "plain Cedar decides otherwise");
        let policies = whole.policies();
        println!(
            "{agreements:>10} {policies:>9} {load:>12.2} {:>12.1} {cached:>12.0} {:>14.0} {:>16.0}",
            decide / 1e3,
            anew / 1e3,
            plain / 1e3
        );
        rows.push(json!({
            "agreements": agreements, "agencies": options.agencies, "policies": policies,
            "leaves": same.fields().len(), "load_seconds": load, "decide_ns": decide,
            "plan_cached_ns": cached, "plan_anew_ns": anew, "plan_plain_cedar_ns": plain,
        }));
    }
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&json!({ "rows": rows }))?)?;
    }
    Ok(())
}
