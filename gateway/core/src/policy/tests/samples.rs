//! The sample agreements load against the real record types and show what they say.

use super::*;
use crate::policy::Purpose::*;
use crate::redact::{Reason, Treatment};

fn plan(
    requester: &str,
    kind: &str,
    purpose: Purpose,
    case: Option<&str>,
    from: &str,
) -> Arc<Plan> {
    let world = sample_world();
    permit(&world, &request(requester, kind, purpose, case)).plan(&class(from), NOW).unwrap()
}

fn shows(plan: &Plan, expected: &[(&str, &str)]) {
    for (path, treatment) in expected {
        assert_eq!(field(plan, path).treatment.to_string(), *treatment, "{path}");
    }
}

#[test]
fn maa_shows_a_treatment_of_each_kind() {
    let expected = [
        ("items.hs_code", "clear"),
        ("items.value", "generalise:band"),
        ("accepted_at", "generalise:day"),
        ("containers", "mask"),
        ("items.licence_id", "mask"),
        ("importer.id", "pseudonymise"),
        ("importer.name.original", "pseudonymise"),
        ("exporter.id", "pseudonymise"),
        ("items.control_code", "presence"),
        ("officer_remarks", "withhold"),
        ("examined_at", "withhold"),
        ("declarant.id", "withhold"),
    ];
    let targeting = plan("sm-customs", DECLARATION, ShipmentTargeting, None, "nv-customs");
    shows(&targeting, &expected);
    shows(&targeting, &[("items.description", "withhold"), ("id", "withhold")]);
    let case = Some("CASE-1");
    let investigation = plan("sm-customs", DECLARATION, Investigation, case, "nv-customs");
    shows(&investigation, &expected);
    shows(&investigation, &[("items.description", "clear"), ("id", "clear")]);

    let hs = field(&targeting, "items.hs_code");
    assert_eq!((hs.reason, hs.usable, hs.probe), (Reason::Permitted, true, false));
    assert_eq!(hs.rule.as_str(), "agreement:maa-norvia-solmark/flow:1/ladder:1");
    assert_eq!(hs.ask, None);
    let importer = field(&targeting, "importer.id");
    assert_eq!(importer.reason, Reason::ReducedByAgreement);
    assert_eq!((importer.usable, importer.probe), (true, true));
    assert_eq!(importer.ask, Some("nv-customs".into()));
    let remarks = field(&targeting, "officer_remarks");
    assert_eq!(remarks.rule.as_str(), "agreement:maa-norvia-solmark/flow:1/ladder:8");
    let declarant = field(&targeting, "declarant.id");
    assert_eq!((declarant.reason, declarant.usable), (Reason::NoRule, false));
    assert_eq!(declarant.rule.as_str(), "default:withhold");
}

#[test]
fn maa_gives_inspections_only_within_a_case_and_no_secret_to_the_unaccredited() {
    let world = sample_world();
    let no_case = request("sm-customs", INSPECTION, Investigation, None);
    assert_eq!(denied(&world, &no_case, NOW).reason, DenialReason::CaseRequired);
    let plan = plan("sm-customs", INSPECTION, Investigation, Some("CASE-1"), "nv-customs");
    shows(&plan, &[("office", "clear"), ("container", "mask"), ("outcome", "withhold")]);
    let outcome = field(&plan, "outcome");
    assert_eq!(outcome.reason, Reason::ReducedByPolicy);
    assert_eq!(outcome.rule.as_str(), "base:accreditation");
}

#[test]
fn licence_verification_shows_enough_to_verify_and_three_queries_a_day() {
    let world = sample_world();
    for requester in ["sm-customs", "nv-customs"] {
        let request = request(requester, LICENCE, LicenceVerification, None);
        let permit = permit(&world, &request);
        let queries = permit.budgets().iter().find(|limit| limit.name == BudgetName::Queries);
        assert_eq!(queries.unwrap().limit, 3);
        let key = format!("queries|{requester}|LICENCE_VERIFICATION|-|licence-verification");
        assert_eq!(queries.unwrap().key, key);
        let plan = permit.plan(&class("nv-licensing"), NOW).unwrap();
        shows(
            &plan,
            &[
                ("id", "clear"),
                ("status", "clear"),
                ("granted_at", "generalise:month"),
                ("items.drawn_quantity", "generalise:band"),
                ("items.value", "presence"),
                ("exporter.id", "mask"),
                ("end_user.id", "pseudonymise"),
                ("items.technical_parameters", "withhold"),
                ("assessment", "withhold"),
            ],
        );
        assert!(plan.fields().iter().all(|field| field.ask.is_none()));
    }
}

#[test]
fn joint_lantern_shares_tokens_among_its_members_and_serves_its_case_only() {
    let world = sample_world();
    for (requester, from, kind) in [
        ("sm-police", "nv-customs", DECLARATION),
        ("vl-fiu", "nv-customs", DECLARATION),
        ("nv-customs", "vl-fiu", PARTY),
        ("vl-fiu", "sm-police", PARTY),
    ] {
        let plan = plan(requester, kind, Investigation, Some("OP-LANTERN"), from);
        assert_eq!(&*plan.scope().0, "operation:OP-LANTERN", "{requester}");
    }
    let other = request("vl-fiu", DECLARATION, Investigation, Some("CASE-2"));
    assert_eq!(denied(&world, &other, NOW).reason, DenialReason::CaseNotCovered);

    let both = permit(&world, &request("nv-customs", PARTY, Investigation, Some("OP-LANTERN")));
    assert_eq!(both.sources(), [AgencyId::new("sm-police"), AgencyId::new("vl-fiu")]);
    assert_eq!(both.rules().len(), 2);
    let limits: Vec<u64> = both.budgets().iter().map(|limit| limit.limit).collect();
    assert_eq!(limits, [100, 2_000, 100], "the tightest of both flows");
    let told = both.plan(&class("sm-police"), NOW).unwrap();
    assert_eq!(field(&told, "listed").reason, Reason::OfficerNotProven);
    let both = by_officer(request("nv-customs", PARTY, Investigation, Some("OP-LANTERN")));
    let both = permit(&world, &both);
    let police = both.plan(&class("sm-police"), NOW).unwrap();
    shows(
        &police,
        &[
            ("listed", "clear"),
            ("birth_date", "generalise:year"),
            ("address", "generalise:country"),
            ("phone", "mask"),
        ],
    );
    shows(&both.plan(&class("vl-fiu"), NOW).unwrap(), &[("listed", "withhold")]);
}

#[test]
fn kcs_gives_pcs_goods_and_no_parties() {
    let plan = plan("pcs", DECLARATION, ShipmentTargeting, None, "kcs");
    let clear = [
        "items.hs_code",
        "items.country_of_origin",
        "country_of_departure",
        "accepted_at",
        "items.net_mass_grams",
    ];
    for path in clear {
        let field = field(&plan, path);
        assert_eq!((field.treatment, field.usable, field.probe), (Treatment::Clear, true, false));
    }
    shows(
        &plan,
        &[
            ("importer.id", "pseudonymise"),
            ("declarant.id", "mask"),
            ("exporter.id", "withhold"),
            ("items.value", "generalise:band"),
            ("carrier.id", "presence"),
            ("office", "presence"),
            ("regime", "clear"),
            ("items.duty_rate", "withhold"),
            ("items.duty_regime", "withhold"),
            ("payment_method", "withhold"),
        ],
    );
    let probes: Vec<_> = plan
        .record_type()
        .leaves()
        .iter()
        .filter(|leaf| plan.field(leaf.id).unwrap().probe)
        .map(|leaf| leaf.path.as_str())
        .collect();
    assert_eq!(probes, ["importer.id"]);
    assert_eq!(&*plan.scope().0, "pcs|agreement:kcs-pcs");
}

#[test]
fn kcs_sees_all_of_its_own_and_pcs_no_inspection() {
    for kind in [DECLARATION, INSPECTION] {
        let plan = plan("kcs", kind, Investigation, None, "kcs");
        for (field, leaf) in plan.fields().iter().zip(plan.record_type().leaves()) {
            assert_eq!(field.treatment, Treatment::Clear, "{}", leaf.path);
        }
    }
    let world = sample_world();
    for purpose in Purpose::ALL {
        let request = request("pcs", INSPECTION, *purpose, None);
        assert_eq!(denied(&world, &request, NOW).reason, DenialReason::RecordTypeNotCovered);
    }
}
