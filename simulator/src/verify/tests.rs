//! Certificates of small worlds, and what they must say of worlds and policies that are broken on purpose.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::detect::records::place;
use crate::scheme::{Cases, Kind, Request};
use crate::shipment::Engine;

const SEED: Seed = Seed(5);
const CONSIGNMENTS: u64 = 3_200;

fn pack() -> Pack {
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/packs/demo");
    Pack::read(pack.as_ref()).unwrap()
}

/// A small world with a few cases of T01 and their decoys, certified.
fn certificate(make: &MakeGround, plans: Option<&Plans>, threads: usize) -> Certificate {
    let pack = pack();
    let world = World::build(pack.clone(), SEED).unwrap();
    let request = Request::of(&world, CONSIGNMENTS, &[(Kind::T01, 3)]);
    let cases = Cases::new(&world, CONSIGNMENTS, request).unwrap();
    let engine = Engine::new(&world, CONSIGNMENTS, cases).unwrap();
    let ground = make(&engine, &every_table());
    let order = Order { pack: &pack, seed: SEED, plans, threads };
    certify("a small world", &world, &ground, &order, make).unwrap()
}

#[test]
fn t01_is_certified_and_calibrated_the_same_for_any_threads_and_as_well_through_a_plan_that_shows_all()
 {
    let all = plans(&[]);
    let first = certificate(&Ground::made, Some(&all), 2);
    assert!(first.holds(), "{}", as_text(&first));
    assert_eq!(first.cases.len(), 3);
    for case in &first.cases {
        assert!(case.solo.as_ref().unwrap().posterior < SOLO_BELOW);
        assert_eq!(case.policy.len(), 2, "{:?}", case.policy);
        let joint = case.joint.as_ref().unwrap();
        assert!(joint.posterior.unwrap() > JOINT_ABOVE);
        assert!(
            joint.decisive[0].fields.contains(&"Declaration.items.description".to_owned()),
            "{joint:?}"
        );
    }
    let [t01] = &first.schemes[..] else { panic!("{:?}", first.schemes) };
    assert!(t01.joint_lift > 8.0, "{}", t01.joint_lift);
    for (view, quality) in &t01.detectors {
        assert!(quality.brier <= quality.brier_of_share, "{view}: {quality:?}");
        for bin in quality.reliability.iter().filter(|bin| bin.weight > 100.0) {
            let spread = 3.0 * f64::sqrt(bin.predicted / bin.weight) + 0.02;
            assert!((bin.predicted - bin.observed).abs() < spread, "{view}: {bin:?}");
        }
    }
    let together = &t01.detectors["together"];
    assert!(together.brier < 0.2 * together.brier_of_share, "{together:?}");
    let second = certificate(&Ground::made, Some(&all), 1);
    let json = |certificate| serde_json::to_string(certificate).unwrap();
    assert_eq!(json(&first), json(&second));
}

/// Only cases have a certain office.
fn leaking(engine: &Engine, wanted: &BTreeSet<Table>) -> Ground {
    let mut ground = Ground::made(engine, wanted);
    let office = place(Table::Declaration, "office");
    let rows = ground.known.cases.iter().filter(|case| case.is_true).flat_map(|case| &case.rows);
    for (at, _) in rows.filter(|(at, _)| at.table == Table::Declaration) {
        ground.records.overwrite(*at, office, "LEAK1");
    }
    ground
}

#[test]
fn a_word_that_only_cases_have_lets_one_agency_solve_them() {
    let certificate = certificate(&leaking, None, 2);
    assert!(!certificate.holds());
    for case in &certificate.cases {
        let solo = case.solo.as_ref().unwrap();
        assert!(solo.posterior > SOLO_BELOW, "{solo:?}");
        assert_eq!(solo.decisive[0].feature, "office", "{solo:?}");
        assert!(case.faults[0].contains("alone"), "{:?}", case.faults);
    }
}

/// What every customs authority is shown of every other's declarations: all of it, save some fields by their rules.
fn plans(hidden: &[(&str, &str)]) -> Plans {
    let world = World::build(pack(), SEED).unwrap();
    let customs = || {
        let states = world.participants().into_iter();
        states.map(|state| world.countries.id(state).agency(crate::world::Office::Customs))
    };
    let mut plans = Plans::default();
    for requester in customs() {
        let of = |originator: &str| {
            let fields =
                Table::Declaration.columns().iter().filter(|column| !column.path.is_empty());
            let fields = fields.map(|column| {
                let rule = hidden.iter().find(|(path, _)| *path == column.path);
                serde_json::json!({
                    "path": column.path,
                    "treatment": if rule.is_some() { "withhold" } else { "clear" },
                    "reason": if rule.is_some() { "REDUCED_BY_AGREEMENT" } else { "PERMITTED" },
                    "rule": rule.map_or("all", |(_, rule)| rule),
                    "ask": "",
                    "usable_in_filter": rule.is_none(),
                })
            });
            serde_json::json!({"originator": originator, "fields": fields.collect::<Vec<_>>()})
        };
        let all: Vec<_> = customs().filter(|other| *other != requester).map(of).collect();
        let text = serde_json::json!({"allowed": true, "plans": all}).to_string();
        plans.add(requester, &text, Path::new("Declaration.json")).unwrap();
    }
    plans
}

#[test]
fn a_plan_that_hides_what_decides_is_named_by_its_rule() {
    let hidden = [
        ("items.description", "assistance/flow-1/serial-numbers"),
        ("end_user.name.original", "assistance/flow-1/end-user"),
        // Without these the trader would lead from the import to what leaves again, numbers or not.
        ("importer.id", "assistance/flow-1/parties"),
        ("exporter.id", "assistance/flow-1/parties"),
    ];
    let certificate = certificate(&Ground::made, Some(&plans(&hidden)), 2);
    assert!(!certificate.holds());
    for case in &certificate.cases {
        assert!(case.joint.as_ref().unwrap().posterior.unwrap() > JOINT_ABOVE, "{case:?}");
        let best = &case.policy[0];
        assert!(best.posterior.unwrap() < JOINT_ABOVE, "{best:?}");
        let rules: BTreeSet<&str> = best.hidden.iter().map(|hidden| hidden.rule.as_str()).collect();
        assert!(
            !rules.is_empty() && rules.iter().all(|rule| rule.starts_with("assistance/")),
            "{best:?}"
        );
        assert!(case.faults.iter().any(|fault| fault.contains("look at assistance/")), "{case:?}");
    }
}

#[test]
fn plans_of_unknown_things_are_refused_by_file() {
    let mut plans = Plans::default();
    let error = |plans: &mut Plans, text, name| {
        plans.add("nv-customs", text, Path::new(name)).unwrap_err().to_string()
    };
    let found = error(&mut plans, r#"{"plans": []}"#, "Letter.json");
    assert_eq!(found, "Letter.json: `Letter` is no record type of the simulator");
    let later = r#"{"plans": [{"originator": "sm-customs", "fields": [{"path": "ucr", "treatment": "shred"}]}]}"#;
    assert_eq!(
        error(&mut plans, later, "declaration.json"),
        "declaration.json: unknown treatment `shred`"
    );
    assert!(error(&mut plans, "{", "declaration.json").starts_with("declaration.json: not what"));
}
