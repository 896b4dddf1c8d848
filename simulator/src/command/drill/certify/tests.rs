use portcullis_sim::drill::clock::Exercise;
use portcullis_sim::verify::{Joint, Solo};

use super::*;

fn played(id: &str) -> PlotCase {
    PlotCase {
        id: id.to_owned(),
        scheme: "T01".to_owned(),
        hazard: 3,
        needs: vec![vec!["nv-customs".to_owned(), "vl-customs".to_owned()]],
        traces: vec![],
        matters: vec![],
        first: Exercise(0),
        joint: Exercise(1),
        exit: Exercise(2),
        begins: Exercise(0),
        reserve: false,
        rows: vec![],
    }
}

/// A case of which one agency makes so much, the set so much, and the set through the gateway so much.
fn case(id: &str, alone: f64, together: f64, through: Option<(f64, &[(&str, &str)])>) -> Case {
    let agencies = vec!["nv-customs".to_owned(), "vl-customs".to_owned()];
    let hidden = |(rule, reason): &(&str, &str)| Hidden {
        originator: "vl-customs".to_owned(),
        field: "Declaration.items.description".to_owned(),
        treatment: "withhold".to_owned(),
        rule: (*rule).to_owned(),
        reason: (*reason).to_owned(),
    };
    Case {
        case: id.to_owned(),
        scheme: "T01".to_owned(),
        teaching: false,
        solo: Some(Solo {
            agency: "nv-customs".to_owned(),
            posterior: alone,
            record: "declaration 1".to_owned(),
            decisive: vec![],
        }),
        joint: Some(Joint {
            agencies: agencies.clone(),
            posterior: Some(together),
            decisive: vec![],
        }),
        policy: through
            .map(|(posterior, rules)| Through {
                requester: "nv-customs".to_owned(),
                agencies,
                posterior: Some(posterior),
                hidden: rules.iter().map(hidden).collect(),
            })
            .into_iter()
            .collect(),
        faults: vec![],
    }
}

fn certificate(cases: Vec<Case>) -> Certificate {
    Certificate {
        world: "tutorial".to_owned(),
        pack: ("demo".to_owned(), String::new()),
        engine: "0",
        seed: 33,
        learned_from: ([10, 6, 4], 6_000),
        schemes: vec![],
        cases,
        without_detector: vec![],
    }
}

#[test]
fn only_what_is_played_counts_and_all_of_it() {
    let all = certificate(vec![
        case("C1", 0.1, 0.95, Some((0.95, &[]))),
        // Nobody plays it.
        case("C9", 0.5, 0.5, Some((0.5, &[]))),
    ]);
    let cases = [played("C1")];
    let told = Played::new(&cases, &all);
    assert!(told.holds());
    assert!(told.summary().starts_with("1 of 1 cases certified raw, 1 under the policy"));
    assert!(!told.as_text().contains("C9"));
    // A case of a scheme that no detector is built for is not certified by being left out.
    let cases = [played("C1"), played("C2")];
    let told = Played::new(&cases, &all);
    assert!(!told.holds());
    assert!(told.as_text().contains("no detector is built"), "{}", told.as_text());
}

#[test]
fn what_policy_hides_is_certified_raw_alone_and_the_rule_is_named() {
    let rules: &[_] = &[("assistance/flow-1/serials", "REDUCED"), ("", "NOT_UNDER_ANY_AGREEMENT")];
    let all = certificate(vec![case("C1", 0.1, 0.95, Some((0.4, rules)))]);
    let cases = [played("C1")];
    let told = Played::new(&cases, &all);
    assert!(!told.holds());
    assert!(told.summary().starts_with("1 of 1 cases certified raw, 0 under the policy"));
    let json = serde_json::to_value(&told).unwrap();
    assert_eq!(json["cases"][0]["certified_raw"], true);
    assert_eq!(json["cases"][0]["certified"], false);
    let rule =
        "Declaration.items.description of vl-customs: withhold by rule `assistance/flow-1/serials`";
    assert!(told.as_text().contains(rule), "{}", told.as_text());
    assert_eq!(told.cases[0].look_at(), "NOT_UNDER_ANY_AGREEMENT, assistance/flow-1/serials");
}

#[test]
fn who_suffices_alone_a_set_that_does_not_and_a_gateway_that_was_not_asked_certify_nothing() {
    let through = Some((0.95, &[][..]));
    for (of, raw) in [
        (case("C1", SOLO_BELOW, 0.95, through), 0),
        (case("C1", 0.1, JOINT_ABOVE, through), 0),
        (case("C1", 0.1, 0.95, None), 1),
    ] {
        let (all, cases) = (certificate(vec![of]), [played("C1")]);
        let told = Played::new(&cases, &all);
        assert_eq!((told.certified_raw, told.certified), (raw, 0));
    }
}
