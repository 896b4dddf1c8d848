//! What is told of rules and of denials: the condition that failed and what would satisfy it, as far as the
//! requester may know.

use std::collections::BTreeSet;

use super::*;
use crate::policy::denial::DenialReason;

fn targeting() -> Request {
    let request = request("sm-customs", DECLARATION, Purpose::ShipmentTargeting, None);
    under("maa-norvia-solmark", request)
}

fn text_of<'a>(texts: &'a [RuleText], rule: &str) -> &'a RuleText {
    texts.iter().find(|text| text.rule.as_str() == rule).unwrap_or_else(|| panic!("no {rule}"))
}

#[test]
fn every_rule_of_a_plan_is_told_with_its_condition() {
    let world = sample_world();
    for request in [
        targeting(),
        request("sm-customs", DECLARATION, Purpose::Investigation, Some("CASE-1")),
        request("sm-customs", INSPECTION, Purpose::Investigation, Some("CASE-1")),
        request("vl-fiu", DECLARATION, Purpose::Investigation, Some("OP-LANTERN")),
    ] {
        let permit = permit(&world, &request);
        for source in permit.sources() {
            let plan = permit.plan(&class(source.as_str()), NOW).unwrap();
            let texts = permit.why(&plan);
            let told: BTreeSet<_> =
                texts.iter().map(|text| (text.rule.clone(), text.reason)).collect();
            assert_eq!(told.len(), texts.len(), "one text each");
            for field in plan.fields() {
                assert!(told.contains(&(field.rule.clone(), field.reason.word())), "{field:?}");
            }
            assert!(texts.iter().all(|text| !text.because.is_empty()), "{texts:?}");
        }
    }
}

#[test]
fn a_rule_of_policy_speaks_in_its_own_words_and_a_ladder_in_its_rungs() {
    let world = sample_world();
    let inspections = request("sm-customs", INSPECTION, Purpose::Investigation, Some("CASE-1"));
    let permit = permit(&world, &inspections);
    let texts = permit.why(&permit.plan(&class("nv-customs"), NOW).unwrap());
    let accreditation = text_of(&texts, "base:accreditation");
    assert!(accreditation.because.contains("more sensitive than your agency is accredited"));
    assert!(accreditation.remedy.contains("accredit your agency higher"));
    assert!(!accreditation.remedy.contains("release"), "asking the originator is no use");
    let month = text_of(&texts, "agreement:maa-norvia-solmark/flow:3/ladder:2");
    assert_eq!(month.because, "the agreement gives generalise:month, else withhold");
    assert_eq!(month.remedy, "ask nv-customs for a release");
    // A policy without words of its own is told as a rule, and no more.
    let silent = cedar_file(
        "@id(\"here:quiet\") forbid (principal, action in Action::\"learn\", resource) \
         when { resource.path == \"ucr\" };",
    );
    let world = load(&samples(), &[silent]);
    let permit = super::permit(&world, &targeting());
    let texts = permit.why(&permit.plan(&class("nv-customs"), NOW).unwrap());
    assert_eq!(text_of(&texts, "here:quiet").because, "a rule of this gateway forbids more");
}

#[test]
fn denials_say_which_case_would_do_which_source_and_from_when() {
    let world = sample_world();
    let investigation =
        |requester: &str, case| request(requester, DECLARATION, Purpose::Investigation, case);
    let maa = |case| under("maa-norvia-solmark", investigation("sm-customs", case));
    let denial = denied(&world, &maa(None), NOW);
    assert_eq!(denial.reason, DenialReason::CaseRequired);
    assert_eq!(denial.remedy, "name one of your agency's open cases: CASE-1");
    // Another agency's case and one that does not exist are told alike.
    let [theirs, none] = ["CASE-2", "NO-SUCH"].map(|case| denied(&world, &maa(Some(case)), NOW));
    assert_eq!(theirs, none);
    assert_eq!(theirs.remedy, "name one of your agency's open cases: CASE-1");
    let closed = denied(&world, &maa(None), CLOSES);
    assert!(closed.remedy.starts_with("join or open a case"), "{}", closed.remedy);
    let elsewhere = Request { sources: vec!["kcs".into()], ..maa(Some("CASE-1")) };
    let denial = denied(&world, &elsewhere, NOW);
    assert_eq!(denial.reason, DenialReason::SourceNotCovered);
    assert_eq!(denial.remedy, "it covers nv-customs; leave the sources out to ask them all");
    // Before it begins: when.
    let early = Moment::from_seconds(1_600_000_000);
    let denial = denied(&world, &targeting(), early);
    let from = world.agreement(&"maa-norvia-solmark".into()).unwrap().valid_from;
    assert_eq!((denial.reason, denial.when), (DenialReason::AgreementNotYetInForce, Some(from)));
    // A case that its members wait for is told to them alone.
    let mut later = registry();
    later.cases[0].opens = Moment(NOW.0 + 5);
    let world = Snapshot::load(later, record_types(), &samples(), &[]).unwrap();
    let denial = denied(&world, &maa(Some("CASE-1")), NOW);
    let expected = (DenialReason::CaseNotOpenToYou, Some(Moment(NOW.0 + 5)));
    assert_eq!((denial.reason, denial.when), expected);
    let stranger = under("joint-lantern", investigation("vl-fiu", Some("CASE-1")));
    let denial = denied(&world, &stranger, NOW);
    assert_eq!((denial.reason, denial.when), (DenialReason::CaseNotOpenToYou, None));
}

#[test]
fn a_policy_that_forbids_a_query_says_why() {
    let policy = cedar_file(
        "@id(\"here:quarter-end\") @because(\"no targeting at quarter end\") \
         @remedy(\"ask again next week\") forbid (principal, action == Action::\"query\", resource) \
         when { context.purpose == \"SHIPMENT_TARGETING\" };",
    );
    let world = load(&samples(), &[policy]);
    let denial = denied(&world, &targeting(), NOW);
    assert_eq!(denial.reason, DenialReason::ForbiddenByPolicy);
    assert_eq!(denial.explanation, "no targeting at quarter end");
    assert_eq!(denial.remedy, "ask again next week");
    assert_eq!(denial.rules, [crate::id::RuleId::new("here:quarter-end")]);
}
