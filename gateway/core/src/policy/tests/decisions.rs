//! Every reason for a denial, and what a denial must not tell.

use super::*;
use crate::policy::Purpose::*;

const DAY: i64 = 86_400;

/// Overflows for every agency, so it can never be evaluated.
pub(super) const BROKEN: &str = "principal.max_sensitivity + 9223372036854775807 > 0";

/// A plain agreement from Norvian to Solmark customs.
pub(super) fn plain(id: &str) -> AgreementFile {
    file(
        &format!("{id}.toml"),
        &format!(
            r#"
id = "{id}"
version = 7
title = "A plain agreement"
legal_basis = "Article 1"
parties = ["nv-customs", "sm-customs", "kcs"]
valid_from = 2026-01-01
valid_until = 2026-12-31
[[flow]]
from = "nv-customs"
to = ["sm-customs"]
record_types = ["{DECLARATION}"]
purposes = ["SHIPMENT_TARGETING", "STATISTICS"]
case_required = false
permitted_use = ["SHIPMENT_TARGETING"]
delete_after_days = 30
release_by_originator = false
[flow.budgets]
queries_per_day = 5
records_per_day = 60
[[flow.ladder]]
category = "COMMERCIAL"
sensitivity = "ANY"
rungs = ["clear", "presence", "withhold"]
[[flow.ladder]]
fields = ["officer_remarks"]
rungs = ["clear", "withhold"]
"#
        ),
    )
}

fn targeting() -> Request {
    request("sm-customs", DECLARATION, ShipmentTargeting, None)
}

#[test]
fn permits_what_an_agreement_gives_and_says_what_binds_the_answer() {
    let world = load(&[plain("a-1")], &[]);
    let permit = permit(&world, &targeting());
    assert_eq!(permit.agreement_id().as_str(), "a-1");
    assert_eq!(permit.agreement_version(), 7);
    assert_eq!(permit.legal_basis(), "Article 1");
    assert_eq!(permit.sources(), [AgencyId::new("nv-customs")]);
    assert_eq!(permit.permitted_use(), [ShipmentTargeting]);
    assert_eq!(permit.delete_by(NOW), Moment::from_seconds(NOW.seconds() + 30 * DAY));
    assert_eq!(permit.valid_until(), Moment::from_seconds(1_798_761_600), "2027-01-01");
    assert_eq!(permit.rules(), ["agreement:a-1/flow:1".into()]);
    assert_eq!(permit.policy_hash(), world.hash());
    assert!(permit.matchable().is_empty());
    let budgets: Vec<_> = permit
        .budgets()
        .iter()
        .map(|one| (one.word(), one.key.clone(), one.limit, one.window))
        .collect();
    let expected = [("queries", 5), ("records", 60), ("match_probes", 0)].map(|(name, limit)| {
        (name, format!("{name}|sm-customs|SHIPMENT_TARGETING|-|a-1"), limit, Window::Day)
    });
    assert_eq!(budgets, expected);
    assert_eq!(Window::Day.start(Moment(NOW.0 + 5)), NOW);
    assert_eq!(Window::Day.end(Moment(NOW.0 + 5)), Moment::from_seconds(NOW.seconds() + DAY));
}

#[test]
fn budgets_are_shared_by_agency_purpose_and_case_or_by_an_officer_and_by_nothing_that_can_be_chosen()
 {
    let mut agreement = plain("a-1");
    agreement.text =
        agreement.text.replace("case_required = false", "case_required = true").replace(
            "records_per_day = 60",
            "records_per_day = 60\nsubjects_per_day = 7\nsubject_fields = [\"importer.id\"]\n\
             per_case = { queries = 50, subjects = 20 }\n\
             per_officer = { queries = 3, match_probes = 2 }",
        );
    let world = load(&[agreement], &[]);
    let asked = request("sm-customs", DECLARATION, ShipmentTargeting, Some("CASE-1"));
    let limits = |request: &Request| {
        let permit = permit(&world, request);
        let of = |one: &BudgetLimit| (one.word(), one.key.clone(), one.limit);
        permit.budgets().iter().map(of).collect::<Vec<_>>()
    };
    let day = "sm-customs|SHIPMENT_TARGETING|CASE-1|a-1";
    let officer = "sm-customs|*|*|a-1|officer";
    let expected = |id: &str| {
        vec![
            ("queries", format!("queries|{day}"), 5),
            ("records", format!("records|{day}"), 60),
            ("match_probes", format!("match_probes|{day}"), 0),
            ("subjects", format!("subjects|{day}"), 7),
            ("queries_per_case", format!("queries|{day}|case"), 50),
            ("subjects_per_case", format!("subjects|{day}|case"), 20),
            ("queries_per_officer", format!("queries|{officer}|{id}"), 3),
            ("match_probes_per_officer", format!("match_probes|{officer}|{id}"), 2),
        ]
    };
    assert_eq!(limits(&asked), expected("-"));
    assert_eq!(limits(&by_officer(asked.clone())), expected("o.rask"));
    // Neither the system nor the sources that are named choose another one.
    let sources = Request { sources: vec!["nv-customs".into()], ..asked.clone() };
    assert_eq!(limits(&sources), expected("-"));
    let found = permit(&world, &asked);
    let case = found.budgets().iter().find(|one| one.scope == BudgetScope::Case).unwrap();
    assert_eq!((case.window.start(NOW), case.window.end(NOW)), (Moment(0), CLOSES));
    assert_eq!(case.window.refills_at(NOW), None);
}

#[test]
fn subjects_are_named_only_by_what_the_requester_can_tell_apart() {
    let mut agreement = plain("a-1");
    agreement.text = agreement.text.replace(
        "records_per_day = 60",
        "records_per_day = 60\nsubjects_per_day = 7\n\
         subject_fields = [\"importer.id\", \"items.hs_code\", \"items.licence_id\"]",
    );
    agreement.text.push_str(
        "[[flow.ladder]]\nfields = [\"importer.id\"]\nrungs = [\"pseudonymise\", \"withhold\"]\n\
         [[flow.ladder]]\nfields = [\"items.licence_id\"]\nrungs = [\"mask\", \"withhold\"]\n",
    );
    let world = load(&[agreement], &[]);
    let permit = permit(&world, &targeting());
    let plan = permit.plan(&class("nv-customs"), NOW).unwrap();
    let mut paths: Vec<&str> = permit
        .subject_fields(&plan)
        .iter()
        .map(|leaf| plan.record_type().leaf(*leaf).unwrap().path.as_str())
        .collect();
    paths.sort_unstable();
    assert_eq!(paths, ["importer.id", "items.hs_code"], "a mask tells not which are equal");
}

#[test]
fn denies_an_unknown_agency_and_an_unknown_system() {
    let world = sample_world();
    let agency = Request { requester: "xx-customs".into(), ..targeting() };
    let system = Request { system: "backdoor".into(), ..targeting() };
    let denials = [agency, system].map(|request| denied(&world, &request, NOW));
    assert_eq!(denials[0].reason, DenialReason::RequesterUnknown);
    assert_eq!(denials[0], denials[1]);
}

#[test]
fn an_agreement_of_others_looks_like_none() {
    let world = sample_world();
    let foreign = denied(&world, &under("kcs-pcs", targeting()), NOW);
    let missing = denied(&world, &under("no-such", targeting()), NOW);
    assert_eq!(foreign.reason, DenialReason::AgreementNotFoundOrNotParty);
    assert_eq!(foreign, missing);
}

#[test]
fn an_uncovered_record_type_looks_like_an_unknown_one() {
    let world = sample_world();
    let covered_for_others = request("pcs", INSPECTION, ShipmentTargeting, None);
    let unknown = request("pcs", "portcullis.record.v1.Nothing", ShipmentTargeting, None);
    for agreement in [None, Some("kcs-pcs")] {
        let ask = |request: &Request| {
            let agreement = agreement.map(AgreementId::new);
            denied(&world, &Request { agreement, ..request.clone() }, NOW)
        };
        assert_eq!(ask(&covered_for_others).reason, DenialReason::RecordTypeNotCovered);
        assert_eq!(ask(&covered_for_others), ask(&unknown));
    }
}

#[test]
fn two_fitting_agreements_are_never_added_up() {
    let world = load(&[plain("a-1"), plain("a-2")], &[]);
    let denial = denied(&world, &targeting(), NOW);
    assert_eq!(denial.reason, DenialReason::AgreementAmbiguous);
    assert_eq!(denial.remedy, "name one of a-1, a-2");
    let permit = permit(&world, &under("a-2", targeting()));
    assert_eq!(permit.rules(), ["agreement:a-2/flow:1".into()]);
}

#[test]
fn the_case_tells_which_of_two_agreements_is_meant() {
    let mut other = plain("a-2");
    let limited = "case_required = true\ncases = [\"OP-LANTERN\"]";
    other.text = other
        .text
        .replace("case_required = false", limited)
        .replace("to = [\"sm-customs\"]", "to = [\"sm-customs\", \"sm-police\"]")
        .replace("\"kcs\"]", "\"kcs\", \"sm-police\"]");
    let mut first = plain("a-1");
    first.text = first
        .text
        .replace("to = [\"sm-customs\"]", "to = [\"sm-police\"]")
        .replace("\"kcs\"]", "\"sm-police\"]");
    let world = load(&[first, other], &[]);
    let ask = |case| request("sm-police", DECLARATION, ShipmentTargeting, case);
    assert_eq!(permit(&world, &ask(None)).agreement_id().as_str(), "a-1");
    let both = denied(&world, &ask(Some("OP-LANTERN")), NOW);
    assert_eq!(both.reason, DenialReason::AgreementAmbiguous);
    let only = under("a-2", ask(None));
    assert_eq!(denied(&world, &only, NOW).reason, DenialReason::CaseRequired);
}

#[test]
fn a_lapsed_agreement_makes_no_ambiguity() {
    let mut old = plain("a-0");
    old.text = old.text.replace("2026-12-31", "2026-05-31");
    let world = load(&[old, plain("a-1")], &[]);
    assert_eq!(permit(&world, &targeting()).agreement_id().as_str(), "a-1");
}

#[test]
fn an_agreement_holds_from_its_first_moment_to_its_last() {
    let world = load(&[plain("a-1")], &[]);
    let first = Moment::from_seconds(1_767_225_600);
    let end = Moment::from_seconds(1_798_761_600);
    for request in [targeting(), under("a-1", targeting())] {
        assert!(world.decide(&request, first).permit().is_ok());
        assert!(world.decide(&request, Moment(end.0 - 1)).permit().is_ok());
        let early = denied(&world, &request, Moment(first.0 - 1));
        assert_eq!(early.reason, DenialReason::AgreementNotYetInForce);
        assert_eq!(denied(&world, &request, end).reason, DenialReason::AgreementLapsed);
    }
}

#[test]
fn denies_another_purpose_and_says_which_are_given() {
    let world = load(&[plain("a-1")], &[]);
    let request = request("sm-customs", DECLARATION, Investigation, None);
    for request in [request.clone(), under("a-1", request)] {
        let denial = denied(&world, &request, NOW);
        assert_eq!(denial.reason, DenialReason::PurposeNotPermitted);
        assert_eq!(denial.remedy, "it gives them for SHIPMENT_TARGETING, STATISTICS");
        assert_eq!(denial.rules, ["agreement:a-1/flow:1".into()]);
    }
}

#[test]
fn a_party_that_only_gives_may_not_ask() {
    let world = load(&[plain("a-1")], &[]);
    for requester in ["nv-customs", "kcs"] {
        let request = under("a-1", request(requester, DECLARATION, ShipmentTargeting, None));
        assert_eq!(denied(&world, &request, NOW).reason, DenialReason::RecordTypeNotCovered);
    }
}

#[test]
fn an_uncovered_source_looks_like_an_unknown_one() {
    let world = load(&[plain("a-1")], &[]);
    let ask = |source: &str| {
        let sources = vec!["nv-customs".into(), source.into()];
        denied(&world, &Request { sources, ..targeting() }, NOW)
    };
    assert_eq!(ask("kcs").reason, DenialReason::SourceNotCovered);
    assert_eq!(ask("kcs"), ask("no-such"));
    let twice = vec!["nv-customs".into(), "nv-customs".into()];
    let permit = permit(&world, &Request { sources: twice, ..targeting() });
    assert_eq!(permit.sources(), [AgencyId::new("nv-customs")]);
}

#[test]
fn unknown_closed_and_foreign_cases_look_alike() {
    let world = sample_world();
    let ask = |case: &str, now| {
        denied(&world, &request("sm-customs", DECLARATION, Investigation, Some(case)), now)
    };
    let unknown = ask("NO-SUCH", NOW);
    assert_eq!(unknown.reason, DenialReason::CaseNotOpenToYou);
    assert_eq!(ask("OP-LANTERN", NOW), unknown, "not a member");
    assert_eq!(ask("CASE-1", CLOSES), ask("NO-SUCH", CLOSES), "closed");
    let early = Moment::from_seconds(1_767_225_600 - 1);
    let waiting = ask("CASE-1", early);
    let opens = Some(Moment::from_seconds(1_767_225_600));
    assert_eq!((waiting.reason, waiting.when), (unknown.reason, opens), "told to a member alone");
    assert_eq!(ask("OP-LANTERN", early), ask("NO-SUCH", early), "and to nobody else");
    // A case that the agreement does not ask for is checked all the same.
    let idle = request("sm-customs", DECLARATION, ShipmentTargeting, Some("OP-LANTERN"));
    assert_eq!(denied(&world, &idle, NOW), unknown);
}

#[test]
fn asks_for_a_case_where_the_agreement_does() {
    let world = sample_world();
    let without = request("sm-customs", DECLARATION, Investigation, None);
    let denial = denied(&world, &without, NOW);
    assert_eq!(denial.reason, DenialReason::CaseRequired);
    assert_eq!(denial.rules, ["agreement:maa-norvia-solmark/flow:2".into()]);
    let permit = permit(&world, &request("sm-customs", DECLARATION, Investigation, Some("CASE-1")));
    assert_eq!(permit.valid_until(), CLOSES);
    assert_eq!(
        permit.budgets()[0].key,
        "queries|sm-customs|INVESTIGATION|CASE-1|maa-norvia-solmark"
    );
}

#[test]
fn asks_for_an_officer_where_the_agreement_does() {
    let mut agreement = plain("a-1");
    agreement.text = agreement
        .text
        .replace("case_required = false", "case_required = false\nofficer_required = true");
    let world = load(&[agreement], &[]);
    for request in [targeting(), under("a-1", targeting())] {
        let denial = denied(&world, &request, NOW);
        assert_eq!(denial.reason, DenialReason::OfficerRequired);
        assert_eq!(denial.rules, ["agreement:a-1/flow:1".into()]);
        assert_eq!(denial.remedy, "bring your agency's token for the officer who asks");
        permit(&world, &by_officer(request));
    }
}

#[test]
fn a_verdict_on_an_officer_is_none_on_a_system() {
    let forbid = cedar_file(
        r#"@id("local:officers-only") forbid (principal, action == Action::"query", resource)
           unless { context.officer_proven };"#,
    );
    let world = load(&[plain("a-1")], &[forbid]);
    permit(&world, &by_officer(targeting()));
    assert_eq!(denied(&world, &targeting(), NOW).rules, ["local:officers-only".into()]);
    permit(&world, &by_officer(targeting()));
}

#[test]
fn a_local_prohibition_denies_and_is_named() {
    let forbid = cedar_file(
        r#"@id("local:no-targeting-by-solmark")
           forbid (principal == Agency::"sm-customs", action == Action::"query", resource)
           when { context.purpose == "SHIPMENT_TARGETING" };"#,
    );
    let world = load(&[plain("a-1")], &[forbid]);
    let denial = denied(&world, &targeting(), NOW);
    assert_eq!(denial.reason, DenialReason::ForbiddenByPolicy);
    assert_eq!(denial.rules, ["local:no-targeting-by-solmark".into()]);
    let statistics = request("sm-customs", DECLARATION, Statistics, None);
    assert!(world.decide(&statistics, NOW).permit().is_ok());
}

#[test]
fn a_broken_prohibition_denies_instead_of_vanishing() {
    let broken = cedar_file(&format!(
        "@id(\"local:broken\") forbid (principal, action == Action::\"query\", resource) \
         when {{ {BROKEN} }};"
    ));
    let world = load(&[plain("a-1")], &[broken]);
    let denial = denied(&world, &targeting(), NOW);
    assert_eq!(denial.reason, DenialReason::PolicyEvaluationFailed);
    assert_eq!(denial.rules, ["local:broken".into()]);
}

#[test]
fn a_denial_never_names_an_agency_or_agreement_that_is_not_the_requesters() {
    let world = sample_world();
    let own: Vec<_> =
        world.agreements_between(&["pcs".into()]).map(|one| one.id.to_string()).collect();
    assert_eq!(own, ["kcs-pcs"]);
    let foreign =
        ["maa-", "licence-verification", "lantern", "internal", "CASE-", "nv-", "sm-", "vl-"];
    for purpose in Purpose::ALL {
        for kind in [DECLARATION, INSPECTION, PARTY, "x"] {
            for case in [None, Some("OP-LANTERN")] {
                for agreement in [None, Some("maa-norvia-solmark"), Some("kcs-internal")] {
                    let mut request = request("pcs", kind, *purpose, case);
                    request.agreement = agreement.map(AgreementId::new);
                    let Decision::Deny(denial) = world.decide(&request, NOW) else { continue };
                    let text = format!("{denial:?}");
                    for word in foreign {
                        assert!(!text.contains(word), "{word} in {text}");
                    }
                }
            }
        }
    }
}

#[test]
fn lists_holders_of_what_a_requester_may_ask_for() {
    let world = sample_world();
    let holders = world.holders(&"vl-fiu".into(), &RecordTypeName::new(PARTY), NOW);
    assert_eq!(holders, [AgencyId::new("sm-police")]);
    assert!(world.holders(&"pcs".into(), &RecordTypeName::new(PARTY), NOW).is_empty());
}
