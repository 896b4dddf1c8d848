//! Grants: what an originator's word lifts, and everything that stands above it.

use std::sync::Arc;

use super::*;
use crate::id::RuleId;
use crate::policy::registry::Template;
use crate::policy::snapshot::{Brought, Held, Inputs};
use crate::policy::standing::{Cap, Reservation, Standing, Take};
use crate::policy::{Grant, Selector};
use crate::redact::{Level, Reason, Treatment};

const UNTIL: Moment = Moment(NOW.0 + 1000);

fn targeting() -> Request {
    let request = request("sm-customs", DECLARATION, Purpose::ShipmentTargeting, None);
    let request = under("maa-norvia-solmark", request);
    Request { sources: vec!["nv-customs".into()], ..request }
}

fn investigation() -> Request {
    Request { purpose: Purpose::Investigation, case: Some("CASE-1".into()), ..targeting() }
}

fn grant(request: &Request, fields: &[(&str, Treatment)]) -> Arc<Grant> {
    Arc::new(Grant {
        rule: RuleId::new("release:1"),
        requester: request.requester.clone(),
        source: request.sources[0].clone(),
        agreement: request.agreement.clone().unwrap(),
        record_type: request.record_type.clone(),
        purpose: request.purpose,
        case: request.case.clone(),
        officer_proven: false,
        until: UNTIL,
        fields: fields.iter().map(|(path, how)| ((*path).to_owned(), *how)).collect(),
    })
}

fn plan_of(permit: &Permit) -> Arc<Plan> {
    permit.plan(&class("nv-customs"), NOW).unwrap()
}

fn every_treatment() -> Vec<Treatment> {
    let levels = Level::ALL.iter().map(|level| Treatment::Generalise(*level));
    let others = [Treatment::Clear, Treatment::Mask, Treatment::Pseudonymise, Treatment::Presence];
    levels.chain(others).collect()
}

#[test]
fn a_grant_lifts_what_it_names_and_nothing_else() {
    let world = sample_world();
    let permit = permit(&world, &investigation());
    let before = plan_of(&permit);
    assert_eq!(treatment(&before, "accepted_at"), "generalise:day");
    let fields = [("accepted_at", Treatment::Clear)];
    let granted = permit.clone().granted(grant(&investigation(), &fields), NOW).unwrap();
    let after = plan_of(&granted);
    let lifted = field(&after, "accepted_at");
    assert_eq!(
        (lifted.treatment, lifted.reason, lifted.rule.as_str()),
        (Treatment::Clear, Reason::GrantedByOriginator, "release:1")
    );
    for (leaf, (before, after)) in
        before.record_type().leaves().iter().zip(before.fields().iter().zip(after.fields()))
    {
        if leaf.path != "accepted_at" {
            assert_eq!(before, after, "{}", leaf.path);
        }
    }
    assert_eq!(granted.valid_until(), UNTIL);
    assert_eq!(after.valid_until(), Some(UNTIL));
    assert_eq!(*plan_of(&permit).fields(), *before.fields(), "the cache keeps the two apart");
}

/// What `grantable` says is what a plan with such a grant shows, field by field and treatment by treatment; what
/// cannot be granted changes nothing; and the field says whom to ask just where something can be.
#[test]
fn what_is_said_to_be_grantable_is_what_a_grant_shows() {
    let world = sample_world();
    let (mut lifted, mut refused) = (0, 0);
    for request in [targeting(), by_officer(investigation())] {
        let permit = permit(&world, &request);
        let before = plan_of(&permit);
        for leaf in before.record_type().leaves() {
            let shown = before.treatment(leaf.id);
            let mut any = false;
            for how in every_treatment() {
                let asked = [(leaf.path.clone(), how)];
                let not = permit.grantable(&class("nv-customs"), &asked, NOW).unwrap();
                let fields = [(leaf.path.as_str(), how)];
                let with = permit.clone().granted(grant(&request, &fields), NOW).unwrap();
                let after = plan_of(&with);
                let expected = if not.is_empty() { how } else { shown };
                assert_eq!(after.treatment(leaf.id), expected, "{} {how}", leaf.path);
                any |= not.is_empty();
                lifted += u32::from(not.is_empty());
                refused += u32::from(!not.is_empty());
            }
            assert_eq!(before.field(leaf.id).unwrap().ask.is_some(), any, "{}", leaf.path);
        }
    }
    assert!(lifted > 30 && refused > 300, "{lifted} {refused}");
}

#[test]
fn prohibitions_stand_above_a_grant() {
    let secret =
        under("maa-norvia-solmark", Request { record_type: INSPECTION.into(), ..investigation() });
    let world = sample_world();
    let permit = permit(&world, &secret);
    let asked = [("outcome".to_owned(), Treatment::Clear)];
    let not = permit.grantable(&class("nv-customs"), &asked, NOW).unwrap();
    let rules: Vec<_> = not[0].1.iter().map(ToString::to_string).collect();
    assert!(rules.contains(&"base:accreditation".to_owned()), "{rules:?}");
    assert_eq!(field(&plan_of(&permit), "outcome").ask, None, "asking is no use");
    // A policy of the gateway's own may speak of grants.
    let never = cedar_file(
        "@id(\"here:no-grants\") forbid (principal, action in Action::\"learn\", resource) \
         when { context.granted };",
    );
    let world = load(&samples(), &[never]);
    let permit = super::permit(&world, &targeting());
    assert!(plan_of(&permit).fields().iter().all(|field| field.ask.is_none()));
    assert_eq!(treatment(&plan_of(&permit), "ucr"), "clear");
}

fn built(standing: Standing, registry: Registry) -> Arc<Snapshot> {
    let mut all: Vec<Held> = samples().into_iter().map(Held::from).collect();
    let maa = all.iter_mut().find(|one| one.file.text.contains("\"maa-norvia-solmark\"")).unwrap();
    maa.standing = standing;
    let inputs = Inputs {
        registry,
        record_types: record_types(),
        brought: Brought::default(),
        agreements: all,
        policies: vec![],
    };
    Snapshot::build(inputs, None).unwrap()
}

#[test]
fn reservations_and_the_template_of_a_case_stand_above_a_grant() {
    let takes = Take::Field { path: "accepted_at".into(), at_most: Treatment::Presence };
    let reservation = Reservation { agency: "nv-customs".into(), number: 1, flow: None, takes };
    let standing = Standing { reservations: vec![reservation], ..Standing::default() };
    let mut with_template = registry();
    with_template.cases[0].template = Some(Template {
        caps: vec![Cap {
            rule: RuleId::new("case:CASE-1/template:1"),
            selector: Selector::Fields(vec!["ucr".into()]),
            at_most: Treatment::Clear,
        }],
        others: Cap {
            rule: RuleId::new("case:CASE-1/template"),
            selector: Selector::Fields(vec![]),
            at_most: Treatment::Presence,
        },
    });
    for world in [built(standing, registry()), built(Standing::default(), with_template)] {
        let permit = permit(&world, &investigation());
        let asked = [("accepted_at".to_owned(), Treatment::Clear)];
        let not = permit.grantable(&class("nv-customs"), &asked, NOW).unwrap();
        assert_eq!(not.len(), 1);
        let fields = [("accepted_at", Treatment::Clear)];
        let granted = permit.granted(grant(&investigation(), &fields), NOW).unwrap();
        assert!(field(&plan_of(&granted), "accepted_at").treatment <= Treatment::Presence);
    }
}

#[test]
fn a_grant_is_for_its_own_request_alone() {
    let world = sample_world();
    let own = permit(&world, &investigation());
    let fits = |change: &dyn Fn(&mut Grant)| {
        let mut grant = (*grant(&investigation(), &[("accepted_at", Treatment::Clear)])).clone();
        change(&mut grant);
        own.clone().granted(Arc::new(grant), NOW).is_some()
    };
    assert!(fits(&|_| {}));
    assert!(!fits(&|grant| grant.requester = "sm-police".into()));
    assert!(!fits(&|grant| grant.source = "sm-customs".into()));
    assert!(!fits(&|grant| grant.agreement = "joint-lantern".into()));
    assert!(!fits(&|grant| grant.record_type = INSPECTION.into()));
    assert!(!fits(&|grant| grant.purpose = Purpose::Interdiction));
    assert!(!fits(&|grant| grant.case = Some("CASE-2".into())));
    assert!(!fits(&|grant| grant.case = None));
    assert!(!fits(&|grant| grant.officer_proven = true), "an officer asked, a system fetches");
    assert!(!fits(&|grant| grant.until = NOW));
    // An agreement that knows no releases any more knows no grants.
    let closed: Vec<_> = SAMPLES
        .iter()
        .map(|(name, text)| {
            file(
                name,
                &text.replace("release_by_originator = true", "release_by_originator = false"),
            )
        })
        .collect();
    let world = load(&closed, &[]);
    let permit = super::permit(&world, &investigation());
    let grant = grant(&investigation(), &[("accepted_at", Treatment::Clear)]);
    assert!(permit.granted(grant, NOW).is_none());
}

#[test]
fn a_permit_by_grant_ends_with_the_grant_under_a_later_policy_too() {
    let world = sample_world();
    let granted = permit(&world, &investigation());
    let granted =
        granted.granted(grant(&investigation(), &[("accepted_at", Treatment::Clear)]), NOW);
    let granted = granted.unwrap();
    let later = sample_world();
    assert_eq!(granted.holds_in(&later, NOW), Some(UNTIL));
    assert_eq!(granted.holds_in(&world, UNTIL), None);
}

#[test]
fn terms_of_releases_are_read_and_checked() {
    let with = |more: &str| {
        let text = SAMPLES[0].1.replacen(
            "\n[flow.budgets]",
            &format!("\n[flow.release]\n{more}\n[flow.budgets]"),
            1,
        );
        Snapshot::load(registry(), record_types(), &[file("maa.toml", &text)], &[])
    };
    let good = with("answer_within_days = 10").unwrap();
    let flows = &good.agreement(&"maa-norvia-solmark".into()).unwrap().flows;
    let terms = flows[0].release.unwrap();
    assert_eq!((terms.answer_within_days, terms.grant_holds_days), (10, 30));
    assert_eq!(flows[1].release, Some(crate::policy::ReleaseTerms::ORDINARY));
    for (more, key) in [
        ("answer_within_days = 0", "flow[1].release.answer_within_days"),
        ("grant_holds_days = 367", "flow[1].release.grant_holds_days"),
    ] {
        let errors = with(more).unwrap_err();
        assert_eq!(errors[0].field, key);
        assert!(errors[0].line > 20, "{errors:?}");
    }
    let text =
        SAMPLES[0].1.replacen("release_by_originator = true", "release_by_originator = false", 1);
    let text = text.replacen("\n[flow.budgets]", "\n[flow.release]\n[flow.budgets]", 1);
    let errors =
        Snapshot::load(registry(), record_types(), &[file("maa.toml", &text)], &[]).unwrap_err();
    assert_eq!(errors[0].field, "flow[1].release", "terms without anybody who may be asked");
}
