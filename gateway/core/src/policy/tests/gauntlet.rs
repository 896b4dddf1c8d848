//! How policy systems have failed open, one row each, and what becomes of it here; then our own bundle, damaged in
//! some hundreds of ways: whatever still loads gives nobody more than the sound one.

use std::cmp::Ordering;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::laws::{answers, lowered, questions};
use super::*;
use crate::policy::load_error::LoadProblem;

/// A way in which others failed, how it is tried, and what must come of it.
struct Row {
    /// What happened elsewhere.
    failure: &'static str,
    /// A policy file that would bring it about here.
    policy: &'static str,
    outcome: Outcome,
}

enum Outcome {
    /// The gateway does not start with it.
    Refused(LoadProblem),
    /// It starts, and nothing is disclosed to anybody.
    Nothing,
}
use Outcome::{Nothing, Refused};

const ROWS: &[Row] = &[
    Row {
        failure: "an unbound constraint is dropped, and the rule is about everybody",
        policy: "@id(\"x\") forbid (principal == ?principal, action, resource);",
        outcome: Refused(LoadProblem::PolicyInvalid),
    },
    Row {
        failure: "an entity of an unknown namespace matches nothing, so the forbid never holds",
        policy: "@id(\"x\") forbid (principal == Gov::Agency::\"sm-customs\", action, resource);",
        outcome: Refused(LoadProblem::PolicyInvalid),
    },
    Row {
        failure: "an action that is not in the schema is never asked for",
        policy: "@id(\"x\") forbid (principal, action == Action::\"lern\", resource);",
        outcome: Refused(LoadProblem::PolicyInvalid),
    },
    Row {
        failure: "a misspelled attribute reads as absent, and the condition as false",
        policy: "@id(\"x\") forbid (principal, action in Action::\"learn\", resource) \
                 when { resource.sensitvity > 1 };",
        outcome: Refused(LoadProblem::PolicyInvalid),
    },
    Row {
        failure: "an optional attribute is read without being looked for",
        policy: "@id(\"x\") forbid (principal, action in Action::\"learn\", resource) \
                 when { context.case == \"CASE-1\" };",
        outcome: Refused(LoadProblem::PolicyInvalid),
    },
    Row {
        failure: "a comparison of unlike types is false instead of a mistake",
        policy: "@id(\"x\") forbid (principal, action in Action::\"learn\", resource) \
                 when { resource.sensitivity == \"SECRET\" };",
        outcome: Refused(LoadProblem::PolicyInvalid),
    },
    Row {
        failure: "a forbid that cannot be evaluated is skipped",
        policy: "@id(\"x\") forbid (principal, action, resource) \
                 when { principal.max_sensitivity + 9223372036854775807 > 0 };",
        outcome: Nothing,
    },
    Row {
        failure: "a forbid that cannot be evaluated is skipped, for releases alone",
        policy: "@id(\"x\") forbid (principal, action == Action::\"release\", resource) \
                 when { principal.max_sensitivity * 9223372036854775807 > 0 };",
        outcome: Nothing,
    },
    Row {
        failure: "the last policy of a name wins, and it is the weaker one",
        policy: "@id(\"base:accreditation\") forbid (principal, action, resource) when { false };",
        outcome: Refused(LoadProblem::Duplicate),
    },
    Row {
        failure: "a policy without a name replaces another one without a name",
        policy: "forbid (principal, action, resource) when { false };",
        outcome: Refused(LoadProblem::PolicyInvalid),
    },
    Row {
        failure: "a local file permits what no agreement does",
        policy: "@id(\"x\") permit (principal, action, resource);",
        outcome: Refused(LoadProblem::PolicyInvalid),
    },
    Row {
        failure: "a rule takes the name of an agreement's",
        policy: "@id(\"agreement:maa-norvia-solmark/flow:1\") forbid (principal, action, resource) \
                 when { false };",
        outcome: Refused(LoadProblem::PolicyInvalid),
    },
    Row {
        failure: "a file that cannot be read to its end is read as far as it goes",
        policy: "@id(\"x\") forbid (principal, action, resource); @id(\"y\") forbid (princ",
        outcome: Refused(LoadProblem::PolicyMalformed),
    },
    Row {
        failure: "a comment that is not closed swallows the rest",
        policy: "@id(\"x\") forbid (principal, action, resource) /* when { false };",
        outcome: Refused(LoadProblem::PolicyMalformed),
    },
];

#[test]
fn no_failure_of_others_opens_anything_here() {
    let questions = questions();
    for Row { failure, policy, outcome } in ROWS {
        let loaded = Snapshot::load(registry(), record_types(), &samples(), &[cedar_file(policy)]);
        match (loaded, outcome) {
            (Err(errors), Refused(problem)) => {
                assert!(
                    errors.iter().any(|error| error.problem == *problem),
                    "{failure}: {errors:?}"
                );
                assert!(
                    errors.iter().all(|error| error.file == "local.cedar"),
                    "{failure}: {errors:?}"
                );
            }
            (Ok(world), Nothing) => {
                assert!(answers(&world, &questions).iter().all(Option::is_none), "{failure}");
            }
            (Ok(_), Refused(_)) => panic!("{failure}: loaded"),
            (Err(errors), Nothing) => panic!("{failure}: {errors:?}"),
        }
    }
}

#[test]
fn an_empty_audience_and_unlike_names_mean_nobody() {
    let world = sample_world();
    let ask = |requester: &str| request(requester, DECLARATION, Purpose::ShipmentTargeting, None);
    assert!(world.decide(&ask("sm-customs"), NOW).permit().is_ok());
    // Nobody beyond the agreement, whatever the record says or leaves out.
    for stranger in
        ["vl-fiu", "SM-CUSTOMS", "sm-customs ", " sm-customs", "sm-customs\0", "*", "", "sm-custom"]
    {
        assert!(world.decide(&ask(stranger), NOW).permit().is_err(), "{stranger:?}");
    }
    // The other way round: an agreement is no right of the originator to the recipient's records.
    let back = Request { sources: vec!["sm-customs".into()], ..ask("nv-customs") };
    assert!(world.decide(&back, NOW).permit().is_err());
    for case in ["", "*", "case-1", "CASE-1 ", "CASE-2"] {
        let ask = request("sm-customs", DECLARATION, Purpose::Investigation, Some(case));
        assert!(world.decide(&ask, NOW).permit().is_err(), "{case:?}");
    }
    for name in [
        "",
        "*",
        "Declaration",
        "portcullis.record.v1.declaration",
        ".portcullis.record.v1.Declaration",
    ] {
        let ask = request("sm-customs", name, Purpose::ShipmentTargeting, None);
        assert!(world.decide(&ask, NOW).permit().is_err(), "{name:?}");
    }
    // An audience that is not empty is closed, to a party too.
    let permit = permit(&world, &ask("sm-customs"));
    let closed = HandlingClass { releasable_to: vec!["vl-fiu".into()], ..class("nv-customs") };
    assert!(permit.plan(&closed, NOW).is_err());
    let foreign = HandlingClass { environment: Environment::Production, ..class("nv-customs") };
    assert!(permit.plan(&foreign, NOW).is_err());
}

/// Damaged texts of one agreement: each line gone, doubled, swapped with the next, and everything behind it gone.
fn by_line(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let whole = |lines: &[&str]| format!("{}\n", lines.join("\n"));
    let mut all = vec![];
    for at in 0..lines.len() {
        if lines[at].trim().is_empty() || lines[at].trim_start().starts_with('#') {
            continue;
        }
        let mut gone = lines.clone();
        gone.remove(at);
        all.push(whole(&gone));
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        all.push(whole(&doubled));
        if at + 1 < lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            all.push(whole(&swapped));
        }
        all.push(whole(&lines[..at]));
    }
    all
}

/// Bits flipped, anywhere.
fn by_bit(text: &str, count: usize) -> Vec<String> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut dice = TestRunner::new_with_rng(Config::default(), rng);
    let mut roll = |below: usize| {
        use proptest::strategy::{Strategy as _, ValueTree as _};
        (0..below).new_tree(&mut dice).unwrap().current()
    };
    let flipped = |_| {
        let mut bytes = text.as_bytes().to_vec();
        let at = roll(bytes.len());
        bytes[at] ^= 1 << roll(8);
        String::from_utf8(bytes).ok()
    };
    (0..count).filter_map(flipped).collect()
}

/// Whatever is damaged: it is refused, or gives nobody more of what the questions ask. It found that a ladder for a
/// category opened to every sensitivity when the line with its bound was gone; the bound has to be said since.
/// Edits that say something else on purpose (a higher rung, another party) are no damage, and not among these; nor
/// is leaving out `officer_required` or a flow's `cases`, which have to be said to narrow.
#[test]
fn a_damaged_agreement_gives_nobody_more() {
    let questions = questions();
    let (mut refused, mut loaded) = (0, 0);
    for (name, text) in SAMPLES {
        let before = answers(&load(&[file(name, text)], &[]), &questions);
        for damaged in by_line(text).into_iter().chain(by_bit(text, 40)) {
            match Snapshot::load(registry(), record_types(), &[file(name, &damaged)], &[]) {
                Err(errors) => {
                    assert!(errors.iter().all(|error| error.file == name), "{errors:?}");
                    refused += 1;
                }
                Ok(world) => {
                    let after = answers(&world, &questions);
                    lowered(&before, &after, &format!("{name}, damaged:\n{damaged}"));
                    loaded += 1;
                }
            }
        }
    }
    assert!(refused > 500 && loaded > 100, "{refused} refused, {loaded} loaded");
}

/// The order of the lattice is what the rows above rest on: were it turned, they would all pass.
#[test]
fn less_is_less() {
    use crate::redact::Treatment::{Clear, Withhold};
    assert_eq!(Withhold.partial_cmp(&Clear), Some(Ordering::Less));
}
