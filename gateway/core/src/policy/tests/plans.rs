//! Record-level rules, treatments under policy, the cache and how long a plan holds.

use super::decisions::{BROKEN, plain};
use super::*;
use crate::policy::Purpose::*;
use crate::redact::{Reason, Treatment};

fn targeting(world: &Arc<Snapshot>) -> Permit {
    permit(world, &request("sm-customs", DECLARATION, ShipmentTargeting, None))
}

fn reason(outcome: Result<Arc<Plan>, Dropped>) -> (DroppedReason, Vec<String>) {
    let dropped = outcome.unwrap_err();
    (dropped.reason, dropped.rules.iter().map(ToString::to_string).collect())
}

fn not_releasable(rule: &str) -> (DroppedReason, Vec<String>) {
    (DroppedReason::NotReleasable, vec![rule.to_owned()])
}

#[test]
fn an_empty_audience_is_the_agreements_and_a_given_one_is_closed() {
    let world = load(&[plain("a-1")], &[]);
    let permit = targeting(&world);
    let mut class = class("nv-customs");
    assert!(permit.plan(&class, NOW).is_ok());
    class.releasable_to = vec!["kcs".into()];
    assert_eq!(reason(permit.plan(&class, NOW)), not_releasable("base:releasable-to"));
    class.releasable_to = vec!["kcs".into(), "sm-customs".into()];
    assert!(permit.plan(&class, NOW).is_ok());
}

#[test]
fn an_empty_audience_is_not_everybody() {
    let world = sample_world();
    let permit = targeting(&world);
    let outcome = permit.plan(&class("kcs"), NOW);
    assert_eq!(reason(outcome), (DroppedReason::OriginatorNotCovered, vec![]));
}

#[test]
fn an_originator_gets_its_own_records_whatever_their_audience() {
    let world = sample_world();
    let permit = permit(&world, &request("kcs", INSPECTION, Investigation, None));
    let mut class = class("kcs");
    class.releasable_to = vec!["pcs".into()];
    let plan = permit.plan(&class, NOW).unwrap();
    assert_eq!(treatment(&plan, "outcome"), "clear");
    assert_eq!(plan.originator().as_str(), "kcs");
}

#[test]
fn a_requester_must_be_in_every_compartment_now() {
    let world = sample_world();
    let permit = permit(&world, &request("sm-customs", DECLARATION, Investigation, Some("CASE-1")));
    let mut class = class("nv-customs");
    class.compartments = vec!["CASE-1".into()];
    assert!(permit.plan(&class, NOW).is_ok());
    for foreign in ["OP-LANTERN", "NO-SUCH"] {
        class.compartments = vec!["CASE-1".into(), foreign.into()];
        assert_eq!(reason(permit.plan(&class, NOW)), not_releasable("base:compartments"));
    }
}

#[test]
fn a_compartment_closes_for_a_query_without_a_case_too() {
    let world = sample_world();
    let permit = targeting(&world);
    let mut class = class("nv-customs");
    class.compartments = vec!["CASE-1".into()];
    let plan = permit.plan(&class, NOW).unwrap();
    assert_eq!(plan.valid_until(), Some(CLOSES));
    assert!(permit.plan(&class, Moment(CLOSES.0 - 1)).is_ok());
    assert_eq!(reason(permit.plan(&class, CLOSES)), not_releasable("base:compartments"));
}

#[test]
fn permitted_use_and_environment_of_a_record_bind() {
    let world = load(&[plain("a-1")], &[]);
    let permit = targeting(&world);
    let mut class = class("nv-customs");
    class.permitted_use = vec![Statistics];
    assert_eq!(reason(permit.plan(&class, NOW)), not_releasable("base:permitted-use"));
    class.permitted_use = vec![ShipmentTargeting, Statistics];
    assert!(permit.plan(&class, NOW).is_ok());
    class.environment = Environment::Production;
    assert_eq!(reason(permit.plan(&class, NOW)), not_releasable("base:environments-do-not-mix"));
}

#[test]
fn secret_needs_a_case() {
    let mut agreement = plain("a-1");
    agreement.text = agreement
        .text
        .replace("to = [\"sm-customs\"]", "to = [\"sm-police\"]")
        .replace("\"kcs\"]", "\"kcs\", \"sm-police\"]");
    let world = load(&[agreement], &[]);
    for (case, treated, rule) in [
        (None, "withhold", "base:secret-needs-a-case"),
        (Some("OP-LANTERN"), "clear", "agreement:a-1/flow:1/ladder:2"),
    ] {
        let request = by_officer(request("sm-police", DECLARATION, ShipmentTargeting, case));
        let outcome = permit(&world, &request).plan(&class("nv-customs"), NOW).unwrap();
        assert_eq!(treatment(&outcome, "officer_remarks"), treated);
        // OPERATIONAL or INTELLIGENCE: whatever the label, the rule that decided is told.
        assert_eq!(field(&outcome, "officer_remarks").rule.as_str(), rule);
    }
}

#[test]
fn secret_needs_an_officer_whom_the_agency_proves() {
    let mut agreement = plain("a-1");
    agreement.text = agreement
        .text
        .replace("to = [\"sm-customs\"]", "to = [\"sm-police\"]")
        .replace("\"kcs\"]", "\"kcs\", \"sm-police\"]");
    let world = load(&[agreement], &[]);
    let system = request("sm-police", DECLARATION, ShipmentTargeting, Some("OP-LANTERN"));
    let remarks = |request: &Request| {
        let plan = permit(&world, request).plan(&class("nv-customs"), NOW).unwrap();
        field(&plan, "officer_remarks").clone()
    };
    let told = remarks(&system);
    assert_eq!((told.treatment, told.usable), (Treatment::Withhold, false));
    assert_eq!(told.rule.as_str(), "base:secret-needs-an-officer");
    assert_eq!(told.reason, Reason::OfficerNotProven);
    // Asked in this order, a plan of the officer's that answered for the system would show.
    assert_eq!(remarks(&by_officer(system.clone())).treatment, Treatment::Clear);
    assert_eq!(remarks(&system).treatment, Treatment::Withhold);
    // Without a case a token lifts nothing, and the reason does not promise it.
    let no_case = request("sm-police", DECLARATION, ShipmentTargeting, None);
    assert_eq!(remarks(&no_case).reason, Reason::ReducedByPolicy);
    assert_eq!(remarks(&by_officer(no_case)).treatment, Treatment::Withhold);
}

#[test]
fn rungs_for_officers_are_for_proven_ones() {
    let mut agreement = plain("a-1");
    agreement.text = agreement.text.replace(
        "category = \"COMMERCIAL\"\nsensitivity = \"ANY\"\nrungs = [\"clear\", \"presence\", \"withhold\"]",
        "category = \"COMMERCIAL\"\nsensitivity = \"ANY\"\nofficer_rungs = [\"clear\"]\nrungs = [\"presence\", \"withhold\"]",
    );
    let world = load(&[agreement.clone()], &[]);
    let system = request("sm-customs", DECLARATION, ShipmentTargeting, None);
    let hs = |world: &Arc<Snapshot>, request: &Request| {
        let plan = permit(world, request).plan(&class("nv-customs"), NOW).unwrap();
        field(&plan, "items.hs_code").clone()
    };
    let (coarse, fine) = (hs(&world, &system), hs(&world, &by_officer(system.clone())));
    assert_eq!((coarse.treatment, coarse.reason), (Treatment::Presence, Reason::OfficerNotProven));
    assert_eq!((fine.treatment, fine.reason), (Treatment::Clear, Reason::Permitted));
    assert_eq!(coarse.rule, fine.rule);
    assert!(!coarse.usable && fine.usable, "nor may a system ask for what it may not see");
    // What policy refuses to officers too is policy's, not the missing token's.
    let forbid = cedar_file(
        r#"@id("local:no-more") forbid (principal, action == Action::"presence", resource)
           when { resource.path == "items.hs_code" };"#,
    );
    let hidden = hs(&load(&[agreement], &[forbid]), &system);
    assert_eq!((hidden.treatment, hidden.reason), (Treatment::Withhold, Reason::ReducedByPolicy));
}

/// Found by the second decider: the token was promised to give what no officer gets.
#[test]
fn no_token_is_promised_to_lift_what_officers_are_forbidden_too() {
    let mut agreement = plain("a-1");
    agreement.text = agreement.text.replace(
        "category = \"COMMERCIAL\"\nsensitivity = \"ANY\"\nrungs = [\"clear\", \"presence\", \"withhold\"]",
        "category = \"COMMERCIAL\"\nsensitivity = \"ANY\"\nofficer_rungs = [\"clear\"]\nrungs = [\"presence\", \"withhold\"]",
    );
    let forbid = |whom: &str| {
        cedar_file(&format!(
            "@id(\"local:not-clear\") forbid (principal, action == Action::\"clear\", resource) \
             when {{ resource.path == \"items.hs_code\" && {whom} }};"
        ))
    };
    let system = request("sm-customs", DECLARATION, ShipmentTargeting, None);
    for (whom, reason) in
        [("true", Reason::ReducedByPolicy), ("!context.officer_proven", Reason::OfficerNotProven)]
    {
        let world = load(&[agreement.clone()], &[forbid(whom)]);
        let plan = permit(&world, &system).plan(&class("nv-customs"), NOW).unwrap();
        let told = field(&plan, "items.hs_code");
        assert_eq!((told.treatment, told.reason), (Treatment::Presence, reason), "{whom}");
    }
}

#[test]
fn statistics_see_no_identifier_not_even_that_there_is_one() {
    let world = load(&[plain("a-1")], &[]);
    let permit = permit(&world, &request("sm-customs", DECLARATION, Statistics, None));
    let plan = permit.plan(&class("nv-customs"), NOW).unwrap();
    let importer = field(&plan, "importer.id");
    assert_eq!(importer.treatment, Treatment::Withhold);
    assert_eq!(importer.reason, Reason::ReducedByPolicy);
    assert_eq!(importer.rule.as_str(), "base:statistics-see-no-identifier");
    assert_eq!(treatment(&plan, "items.hs_code"), "clear");
}

#[test]
fn personal_data_is_clear_only_for_a_person_centred_purpose() {
    let text = plain("a-1")
        .text
        .replace(DECLARATION, PARTY)
        .replace("\"STATISTICS\"]", "\"INVESTIGATION\"]")
        .replace("fields = [\"officer_remarks\"]", "fields = [\"person_name.original\"]")
        .replace("[\"clear\", \"withhold\"]", "[\"clear\", \"pseudonymise\", \"withhold\"]");
    let world = load(&[file("a.toml", &text)], &[]);
    for (purpose, treated, reason) in [
        (ShipmentTargeting, "pseudonymise", Reason::ReducedByPolicy),
        (Investigation, "clear", Reason::Permitted),
    ] {
        let permit = permit(&world, &request("sm-customs", PARTY, purpose, None));
        let plan = permit.plan(&class("nv-customs"), NOW).unwrap();
        let name = field(&plan, "person_name.original");
        assert_eq!((name.treatment.to_string().as_str(), name.reason), (treated, reason));
        assert_eq!(name.rule.as_str(), "agreement:a-1/flow:1/ladder:2");
    }
}

#[test]
fn a_rule_that_fails_for_a_field_withholds_it_and_tries_no_lower_rung() {
    let broken = cedar_file(&format!(
        "@id(\"local:broken\") forbid (principal, action == Action::\"clear\", resource) \
         when {{ resource.semantic == \"HS_CODE\" && {BROKEN} }};"
    ));
    let world = load(&[plain("a-1")], &[broken]);
    let plan = targeting(&world).plan(&class("nv-customs"), NOW).unwrap();
    let hs = field(&plan, "items.hs_code");
    assert_eq!(hs.treatment, Treatment::Withhold, "its ladder goes on to presence");
    assert_eq!((hs.rule.as_str(), hs.reason), ("local:broken", Reason::ReducedByPolicy));
    assert!(!hs.usable);
    assert_eq!(treatment(&plan, "items.country_of_origin"), "clear");
}

#[test]
fn a_rule_that_fails_for_a_release_drops_the_records() {
    let broken = cedar_file(&format!(
        "@id(\"local:broken\") forbid (principal, action == Action::\"release\", resource) \
         when {{ {BROKEN} }};"
    ));
    let world = load(&[plain("a-1")], &[broken]);
    let outcome = targeting(&world).plan(&class("nv-customs"), NOW);
    let expected = (DroppedReason::PolicyEvaluationFailed, vec!["local:broken".to_owned()]);
    assert_eq!(reason(outcome), expected);
}

#[test]
fn a_rule_that_fails_for_a_match_leaves_the_field_unusable() {
    let broken = cedar_file(&format!(
        "@id(\"local:broken\") forbid (principal, action == Action::\"match\", resource) \
         when {{ {BROKEN} }};"
    ));
    let world = load(&samples(), &[broken]);
    let plan = targeting(&world).plan(&class("nv-customs"), NOW).unwrap();
    let importer = field(&plan, "importer.id");
    assert_eq!(importer.treatment, Treatment::Pseudonymise);
    assert!(!importer.usable && !importer.probe);
}

#[test]
fn a_field_whose_rule_fails_cannot_be_matched_either() {
    let broken = cedar_file(&format!(
        "@id(\"local:broken\") forbid (principal, action == Action::\"pseudonymise\", resource) \
         when {{ {BROKEN} }};"
    ));
    let world = load(&samples(), &[broken]);
    let plan = targeting(&world).plan(&class("nv-customs"), NOW).unwrap();
    let importer = field(&plan, "importer.id");
    assert_eq!(importer.treatment, Treatment::Withhold);
    assert!(!importer.usable && !importer.probe, "although a match is permitted");
}

#[test]
fn a_record_of_which_nothing_is_left_is_dropped() {
    let forbid = cedar_file(
        r#"@id("local:nothing") forbid (principal, action in Action::"learn", resource);"#,
    );
    let world = load(&[plain("a-1")], &[forbid]);
    let outcome = targeting(&world).plan(&class("nv-customs"), NOW);
    assert_eq!(reason(outcome).0, DroppedReason::EveryFieldWithheld);
}

#[test]
fn a_permit_ends_with_its_agreement_and_its_case() {
    let world = sample_world();
    let request = request("sm-customs", DECLARATION, Investigation, Some("CASE-1"));
    let permit = permit(&world, &request);
    let class = class("nv-customs");
    let plan = permit.plan(&class, NOW).unwrap();
    assert_eq!(plan.valid_until(), Some(CLOSES));
    assert!(permit.plan(&class, Moment(CLOSES.0 - 1)).is_ok());
    // Cached, and still not given out once it has ended.
    assert_eq!(reason(permit.plan(&class, CLOSES)).0, DroppedReason::PermitEnded);

    let world = load(&[plain("a-1")], &[]);
    let permit = targeting(&world);
    let plan = permit.plan(&class, NOW).unwrap();
    let end = plan.valid_until().unwrap();
    assert_eq!(end, permit.valid_until().min(CLOSES), "a case of the requester's own closes first");
    let end = permit.valid_until();
    assert_eq!(reason(permit.plan(&class, end)).0, DroppedReason::PermitEnded);
}

#[test]
fn plans_are_cached_by_everything_that_they_depend_on() {
    let world = load(&[plain("a-1"), plain("a-2")], &[]);
    let ask = |agreement: &str, purpose, case| {
        let request = under(agreement, request("sm-customs", DECLARATION, purpose, case));
        permit(&world, &request)
    };
    let class = class("nv-customs");
    let first = ask("a-1", ShipmentTargeting, None).plan(&class, NOW).unwrap();
    let again = ask("a-1", ShipmentTargeting, None).plan(&class, NOW).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    assert_eq!(world.plans.len(), 1);
    let proven = by_officer(request("sm-customs", DECLARATION, ShipmentTargeting, None));
    let proven = permit(&world, &under("a-1", proven)).plan(&class, NOW).unwrap();
    assert!(!Arc::ptr_eq(&first, &proven), "an officer's plan is another one");
    assert_eq!(world.plans.len(), 2);
    let mut hashes = vec![first.hash()];
    for (agreement, purpose, case) in [
        ("a-2", ShipmentTargeting, None),
        ("a-1", Statistics, None),
        ("a-1", ShipmentTargeting, Some("CASE-1")),
    ] {
        hashes.push(ask(agreement, purpose, case).plan(&class, NOW).unwrap().hash());
    }
    hashes.sort();
    hashes.dedup();
    assert_eq!((world.plans.len(), hashes.len()), (5, 4));
    let mut other = class.clone();
    other.releasable_to = vec!["kcs".into()];
    assert!(ask("a-1", ShipmentTargeting, None).plan(&other, NOW).is_err());
    assert!(ask("a-1", ShipmentTargeting, None).plan(&other, NOW).is_err());
    assert_eq!(world.plans.len(), 6, "a drop is remembered too, and apart");
}

#[test]
fn a_plan_of_the_future_does_not_count_when_the_clock_is_set_back() {
    let mut registry = registry();
    registry.cases[0].opens = NOW;
    let world = Snapshot::load(registry, record_types(), &[plain("a-1")], &[]).unwrap();
    let permit = targeting(&world);
    let mut class = class("nv-customs");
    class.compartments = vec!["CASE-1".into()];
    let plan = permit.plan(&class, NOW).unwrap();
    assert_eq!(plan.valid_until(), Some(CLOSES), "what opens now has opened");
    assert!(permit.plan(&class, Moment(NOW.0 - 1)).is_err(), "the case was not open then");
}

#[test]
fn the_cache_is_bounded() {
    let world = load(&[plain("a-1")], &[]);
    let permit = targeting(&world);
    let mut class = class("nv-customs");
    class.environment = Environment::Production;
    for number in 0..5_000 {
        class.handling_code = Arc::from(format!("H{number}"));
        assert!(permit.plan(&class, NOW).is_err());
    }
    assert!(world.plans.len() <= 4096);
}

#[test]
fn scopes_follow_case_and_agreement() {
    let world = sample_world();
    let class = class("nv-customs");
    let scope = |request: &Request| {
        permit(&world, request).plan(&class, NOW).unwrap().scope().0.to_string()
    };
    let targeting = request("sm-customs", DECLARATION, ShipmentTargeting, None);
    assert_eq!(scope(&targeting), "sm-customs|agreement:maa-norvia-solmark");
    let case = request("sm-customs", DECLARATION, Investigation, Some("CASE-1"));
    assert_eq!(scope(&case), "sm-customs|case:CASE-1");
}
