//! How an agreement stands: what rests, what is taken away, what an open permit survives, and that taking over
//! from an earlier snapshot changes no decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decisions::plain;
use super::*;
use crate::id::Digest;
use crate::policy::Selector;
use crate::policy::denial::DenialReason;
use crate::policy::registry::Template;
use crate::policy::snapshot::{Brought, Held, Inputs};
use crate::policy::standing::{Cap, Phase, Reservation, Standing, Take};
use crate::redact::{Level, Reason, Treatment};

fn inputs(agreements: Vec<Held>, registry: Registry) -> Inputs {
    Inputs {
        registry,
        record_types: record_types(),
        brought: Brought::default(),
        agreements,
        policies: vec![],
    }
}

fn held(standing: Standing) -> Vec<Held> {
    let mut all: Vec<Held> = samples().into_iter().map(Held::from).collect();
    let maa = all.iter_mut().find(|one| one.file.text.contains("\"maa-norvia-solmark\"")).unwrap();
    maa.standing = standing;
    all
}

fn world(standing: Standing) -> Arc<Snapshot> {
    Snapshot::build(inputs(held(standing), registry()), None).unwrap()
}

/// What Solmark customs asks of Norvia's.
fn targeting() -> Request {
    request("sm-customs", DECLARATION, Purpose::ShipmentTargeting, None)
}

fn lantern(requester: &str) -> Request {
    request(requester, DECLARATION, Purpose::Investigation, Some("OP-LANTERN"))
}

#[test]
fn an_agreement_that_rests_denies_and_says_why() {
    let missing = Phase::AwaitsSignatures(vec!["nv-customs".into()]);
    let cases = [
        (missing, DenialReason::AgreementNotSigned),
        (Phase::Suspended(vec!["sm-customs".into()]), DenialReason::AgreementSuspended),
        (Phase::SchemaChanged(vec![DECLARATION.into()]), DenialReason::AgreementSchemaChanged),
    ];
    for (phase, reason) in cases {
        let world = world(Standing { phase, ..Standing::default() });
        for request in [targeting(), under("maa-norvia-solmark", targeting())] {
            let denial = denied(&world, &request, NOW);
            assert_eq!(denial.reason, reason);
            assert!(!denial.remedy.is_empty() && !denial.rules.is_empty());
        }
    }
    let signed_for = Some(BTreeMap::from([(DECLARATION.into(), Digest([9; 32]))]));
    let world = world(Standing { signed_for, ..Standing::default() });
    assert_eq!(
        denied(&world, &targeting(), NOW).reason,
        DenialReason::AgreementSchemaChanged,
        "signed for another schema"
    );
}

#[test]
fn ending_and_leaving_hold_from_their_moment_without_a_new_snapshot() {
    let at = Moment(NOW.0 + 1000);
    let ended = world(Standing { ends: Some(at), ..Standing::default() });
    assert_eq!(permit(&ended, &targeting()).valid_until(), at);
    assert_eq!(denied(&ended, &targeting(), at).reason, DenialReason::AgreementLapsed);
    for (who, reason) in [
        ("sm-customs", DenialReason::PartyWithdrawn),
        ("nv-customs", DenialReason::RecordTypeNotCovered),
    ] {
        let left = BTreeMap::from([(who.into(), at)]);
        let world = world(Standing { left, ..Standing::default() });
        let open = permit(&world, &targeting());
        assert_eq!(open.valid_until(), at);
        assert!(open.plan(&class("nv-customs"), NOW).is_ok());
        assert!(open.plan(&class("nv-customs"), at).is_err(), "{who}");
        assert_eq!(denied(&world, &targeting(), at).reason, reason, "{who}");
        assert!(world.holders(&"sm-customs".into(), &DECLARATION.into(), at).is_empty());
    }
}

fn reserve(agency: &str, flow: Option<usize>, takes: Take) -> Standing {
    let reservation = Reservation { agency: agency.into(), number: 1, flow, takes };
    Standing { reservations: vec![reservation], ..Standing::default() }
}

#[test]
fn a_reservation_takes_away_from_its_own_agency_alone() {
    // Of the originator: a field lower for everybody.
    let takes = Take::Field { path: "items.hs_code".into(), at_most: Treatment::Presence };
    let lower = world(reserve("nv-customs", Some(1), takes));
    let plan = permit(&lower, &targeting()).plan(&class("nv-customs"), NOW).unwrap();
    assert_eq!(treatment(&plan, "items.hs_code"), "withhold", "the ladder has nothing in between");
    let rule = field(&plan, "items.hs_code").rule.to_string();
    assert_eq!(rule, "agreement:maa-norvia-solmark/reservation:nv-customs:1");
    assert_eq!(treatment(&plan, "ucr"), "clear");

    // A message's path is every field below it; what may be withheld may not be matched either.
    let takes = Take::Field { path: "importer".into(), at_most: Treatment::Withhold };
    let lower = world(reserve("sm-customs", None, takes));
    let plan = permit(&lower, &targeting()).plan(&class("nv-customs"), NOW).unwrap();
    for path in ["importer.id", "importer.country", "importer.name.original"] {
        assert_eq!(treatment(&plan, path), "withhold", "{path}");
        assert!(!field(&plan, path).usable, "{path}");
    }
    // A purpose, a match, a record type.
    let gone = world(reserve("nv-customs", Some(1), Take::Purpose(Purpose::ShipmentTargeting)));
    assert_eq!(denied(&gone, &targeting(), NOW).reason, DenialReason::PurposeNotPermitted);
    let inspections = |world: &Arc<Snapshot>| {
        let asked = request("sm-customs", INSPECTION, Purpose::Investigation, Some("CASE-1"));
        world.decide(&asked, NOW).permit().map_err(|denial| denial.reason)
    };
    assert!(inspections(&gone).is_ok());
    let gone = world(reserve("nv-customs", None, Take::RecordType(INSPECTION.into())));
    assert_eq!(inspections(&gone).err(), Some(DenialReason::RecordTypeNotCovered));
    assert!(gone.decide(&targeting(), NOW).permit().is_ok());
    let gone = world(reserve("nv-customs", None, Take::Match("importer.id".into())));
    let plan = permit(&gone, &targeting()).plan(&class("nv-customs"), NOW).unwrap();
    assert!(!field(&plan, "importer.id").usable);

    // Of one recipient among two: the other keeps what it had, under the same rule.
    let mut all: Vec<Held> = samples().into_iter().map(Held::from).collect();
    let joint = all.iter_mut().find(|one| one.file.text.contains("\"joint-lantern\"")).unwrap();
    let takes = Take::Field { path: "country_of_departure".into(), at_most: Treatment::Withhold };
    joint.standing = reserve("vl-fiu", Some(1), takes);
    let split = Snapshot::build(inputs(all, registry()), None).unwrap();
    for (who, shown) in [("vl-fiu", "withhold"), ("sm-police", "clear")] {
        let open = permit(&split, &lantern(who));
        let plan = open.plan(&class("nv-customs"), NOW).unwrap();
        assert_eq!(treatment(&plan, "country_of_departure"), shown, "{who}");
        assert!(open.flows().all(|flow| flow.rule.as_str() == "agreement:joint-lantern/flow:1"));
        let agreement = open.agreement();
        let own = agreement.flows.iter().filter(|flow| flow.number == 1);
        assert_eq!(own.filter(|flow| flow.to.contains(&who.into())).count(), 1, "{who}");
    }
}

/// A purpose that is taken away takes its own rungs with it, and no others.
#[test]
fn what_remains_of_a_flow_without_a_purpose_is_as_it_was() {
    let standing = reserve("nv-customs", Some(1), Take::Purpose(Purpose::Statistics));
    let less = vec![Held { file: plain("a-1"), standing }];
    let less = Snapshot::build(inputs(less, registry()), None).unwrap();
    let plan = |world: &Arc<Snapshot>| {
        permit(world, &targeting()).plan(&class("nv-customs"), NOW).unwrap()
    };
    assert_eq!(plan(&less).hash(), plan(&load(&[plain("a-1")], &[])).hash());
    let statistics = request("sm-customs", DECLARATION, Purpose::Statistics, None);
    assert_eq!(denied(&less, &statistics, NOW).reason, DenialReason::PurposeNotPermitted);
}

#[test]
fn what_was_signed_for_another_schema_rests_and_says_of_which_type() {
    let own = record_types();
    let hash = |name: &str| own.iter().find(|one| one.name().as_str() == name).unwrap().hash();
    let (one, other) = (hash(DECLARATION), Digest::of(b"another"));
    let phase = |declaration: Option<Digest>, phase: Phase, here: bool| {
        let mut signed = BTreeMap::from([(INSPECTION.into(), hash(INSPECTION))]);
        signed.extend(declaration.map(|hash| (DECLARATION.into(), hash)));
        let standing = Standing { phase, signed_for: Some(signed), ..Standing::default() };
        let mut inputs = inputs(vec![Held { file: samples().remove(0), standing }], registry());
        inputs.brought.packages = vec!["portcullis.record".into()];
        inputs.record_types.retain(|one| here || one.name().as_str() != DECLARATION);
        let world = Snapshot::build(inputs, None).unwrap();
        world.agreement(&"maa-norvia-solmark".into()).unwrap().standing.phase.clone()
    };
    let changed = || Phase::SchemaChanged(vec![DECLARATION.into()]);
    assert_eq!(phase(Some(one), Phase::InForce, true), Phase::InForce);
    assert_eq!(phase(Some(other), Phase::InForce, true), changed());
    assert_eq!(phase(None, Phase::InForce, true), changed());
    // What is not here yet is unlike nothing.
    assert_eq!(phase(Some(other), Phase::InForce, false), Phase::InForce);
    // What rests for another cause says that one.
    let suspended = || Phase::Suspended(vec!["nv-customs".into()]);
    assert_eq!(phase(Some(other), suspended(), true), suspended());
}

/// Rungs for officers and a cap meet: a token lifts nothing that a party has taken away, and is not promised to.
#[test]
fn a_reservation_holds_for_officers_too_and_no_token_is_promised_to_lift_it() {
    let dated = |at_most: Option<Treatment>| {
        let mut all: Vec<Held> = samples().into_iter().map(Held::from).collect();
        let maa = all.iter_mut().find(|one| one.file.name.starts_with("maa")).unwrap();
        let plain = "fields = [\"accepted_at\"]\nrungs";
        assert!(maa.file.text.contains(plain));
        let finer = "fields = [\"accepted_at\"]\nofficer_rungs = [\"clear\"]\nrungs";
        maa.file.text = maa.file.text.replacen(plain, finer, 1);
        if let Some(at_most) = at_most {
            let takes = Take::Field { path: "accepted_at".into(), at_most };
            maa.standing = reserve("nv-customs", Some(1), takes);
        }
        Snapshot::build(inputs(all, registry()), None).unwrap()
    };
    let (day, month) = (Treatment::Generalise(Level::Day), Treatment::Generalise(Level::Month));
    let (officer, agreement) = (Reason::OfficerNotProven, Reason::ReducedByAgreement);
    for (at_most, system, proven) in [
        (None, (day, officer), (Treatment::Clear, Reason::Permitted)),
        (Some(day), (day, agreement), (day, agreement)),
        (Some(month), (month, agreement), (month, agreement)),
        (
            Some(Treatment::Withhold),
            (Treatment::Withhold, agreement),
            (Treatment::Withhold, agreement),
        ),
    ] {
        let world = dated(at_most);
        let told = |request: &Request| {
            let plan = permit(&world, request).plan(&class("nv-customs"), NOW).unwrap();
            let told = field(&plan, "accepted_at");
            (told.treatment, told.reason)
        };
        assert_eq!(told(&targeting()), system, "{at_most:?}, a system");
        assert_eq!(told(&by_officer(targeting())), proven, "{at_most:?}, an officer");
    }
}

#[test]
fn a_room_tells_no_more_than_its_template() {
    let mut registry = registry();
    let cap = |selector, at_most| Cap { rule: "case:room".into(), selector, at_most };
    for case in &mut registry.cases {
        case.template = Some(Template {
            caps: vec![cap(
                Selector::Fields(vec!["country_of_departure".into()]),
                Treatment::Clear,
            )],
            others: cap(Selector::Fields(vec![]), Treatment::Withhold),
        });
    }
    let all = samples().into_iter().map(Held::from).collect();
    let room = Snapshot::build(inputs(all, registry), None).unwrap();
    let plan = permit(&room, &lantern("sm-police")).plan(&class("nv-customs"), NOW).unwrap();
    for leaf in plan.record_type().leaves() {
        let expected = if leaf.path == "country_of_departure" { "clear" } else { "withhold" };
        assert_eq!(treatment(&plan, &leaf.path), expected, "{}", leaf.path);
        assert_eq!(field(&plan, &leaf.path).usable, expected == "clear", "{}", leaf.path);
    }
    let plain = permit(&sample_world(), &lantern("sm-police"));
    let plan = plain.plan(&class("nv-customs"), NOW).unwrap();
    assert_eq!(treatment(&plan, "importer.id"), "pseudonymise", "without it there is more");
}

#[test]
fn a_permit_outlives_what_it_does_not_stand_on_and_nothing_else() {
    let before = sample_world();
    let (maa, joint) = (permit(&before, &targeting()), permit(&before, &lantern("sm-police")));
    let holds = |permit: &Permit, world: &Arc<Snapshot>| permit.holds_in(world, NOW);
    assert_eq!(holds(&maa, &before), Some(maa.valid_until()));
    let at = Moment(NOW.0 + 5);
    let later =
        |who: &str| Standing { left: BTreeMap::from([(who.into(), at)]), ..Standing::default() };
    let by = |phase| Standing { phase, ..Standing::default() };
    let ended = Standing { ends: Some(NOW), ..Standing::default() };
    let purpose = |purpose| reserve("nv-customs", Some(1), Take::Purpose(purpose));
    let other = reserve("nv-customs", Some(2), Take::Purpose(Purpose::Investigation));
    let cases = [
        (Standing::default(), Some(maa.valid_until())),
        (by(Phase::Suspended(vec!["nv-customs".into()])), None),
        (ended, None),
        (later("nv-customs"), Some(at)),
        (later("sm-customs"), Some(at)),
        (purpose(Purpose::ShipmentTargeting), None),
        (other, Some(maa.valid_until())),
    ];
    for (standing, until) in cases {
        let after = world(standing.clone());
        assert_eq!(holds(&maa, &after), until, "{standing:?}");
        assert_eq!(holds(&joint, &after), Some(joint.valid_until()), "{standing:?}");
        assert_eq!(maa.holds_in(&after, at).is_some(), until > Some(at), "{standing:?}");
    }
    // Without its agreement, with a new text, with other rules, with another schema: ended.
    let all = || samples().into_iter();
    let less: Vec<_> = all().filter(|one| !one.text.contains("\"maa-norvia-solmark\"")).collect();
    let newer: Vec<_> =
        all().map(|one| file(&one.name, &one.text.replace("version = 3", "version = 4"))).collect();
    let forbid = "@id(\"x\") forbid (principal, action, resource) when { context.purpose == \"STATISTICS\" };";
    for after in [load(&less, &[]), load(&newer, &[]), load(&samples(), &[cedar_file(forbid)])] {
        assert_eq!(holds(&maa, &after), None);
    }
    // Cases: closed, left, another template end what is under them; a case more ends nothing.
    let with = |change: &dyn Fn(&mut Vec<Case>)| {
        let mut registry = registry();
        change(&mut registry.cases);
        let all = samples().into_iter().map(Held::from).collect();
        Snapshot::build(inputs(all, registry), None).unwrap()
    };
    let of = |cases: &mut Vec<Case>| {
        cases.iter().position(|one| one.id.as_str() == "OP-LANTERN").unwrap()
    };
    type Change<'a> = &'a dyn Fn(&mut Vec<Case>);
    let ending: [Change<'_>; 4] = [
        &|all| {
            let at = of(all);
            all.remove(at);
        },
        &|all| {
            let at = of(all);
            all[at].closes = Some(NOW)
        },
        &|all| {
            let at = of(all);
            all[at].members.retain(|one| one.as_str() != "sm-police")
        },
        &|all| {
            let at = of(all);
            all[at].operation_scope = false
        },
    ];
    for change in ending {
        assert_eq!(holds(&joint, &with(change)), None);
        assert_eq!(holds(&maa, &with(change)), Some(maa.valid_until()));
    }
    let more = with(&|all| {
        let mut one = all[0].clone();
        one.id = "CASE-NEW".into();
        one.members = vec!["sm-police".into(), "sm-customs".into()];
        all.push(one);
    });
    assert_eq!(holds(&joint, &more), Some(joint.valid_until()));
    assert_eq!(holds(&maa, &more), Some(maa.valid_until()));
    // A membership that was there and is gone ends nothing but what lies in its compartment ..
    let seen = permit(&more, &lantern("sm-police"));
    assert_eq!(holds(&seen, &before), Some(seen.valid_until()));
    let inside = HandlingClass { compartments: vec!["CASE-NEW".into()], ..class("nv-customs") };
    assert!(seen.reaches(&inside, &more, NOW) && seen.plan(&inside, NOW).is_ok());
    assert!(!seen.reaches(&inside, &before, NOW));
    // .. unless a policy file speaks of memberships: what it makes of them nobody can tell here.
    let minds = "@id(\"m\") forbid (principal, action in Action::\"learn\", resource) \
                 when { context.memberships.contains(\"CASE-NEW\") };";
    let minded = |registry: Registry| {
        let all = samples().into_iter().map(Held::from).collect();
        let policies = vec![cedar_file(minds)];
        Snapshot::build(Inputs { policies, ..inputs(all, registry) }, None).unwrap()
    };
    let mut with_case = registry();
    let mut one = with_case.cases[0].clone();
    (one.id, one.members) = ("CASE-NEW".into(), vec!["sm-police".into()]);
    with_case.cases.push(one);
    let (without, with_case) = (minded(registry()), minded(with_case));
    let seen = permit(&without, &lantern("sm-police"));
    assert_eq!(holds(&seen, &with_case), None);
    assert_eq!(permit(&without, &targeting()).holds_in(&with_case, NOW), Some(maa.valid_until()));
}

#[test]
fn taking_over_from_a_snapshot_changes_no_decision_and_keeps_plans() {
    let before = sample_world();
    let (maa, joint) = (permit(&before, &targeting()), permit(&before, &lantern("sm-police")));
    let plan_of = |permit: &Permit| permit.plan(&class("nv-customs"), NOW).unwrap();
    let (one, two) = (plan_of(&maa), plan_of(&joint));
    let suspended =
        Standing { phase: Phase::Suspended(vec!["nv-customs".into()]), ..Standing::default() };
    let next = inputs(held(suspended.clone()), registry());
    let after = Snapshot::build(next.clone(), Some(&before)).unwrap();
    let anew = Snapshot::build(next, None).unwrap();
    assert_eq!(after.hash(), anew.hash());
    assert_ne!(after.hash(), before.hash());
    assert_eq!(denied(&after, &targeting(), NOW), denied(&anew, &targeting(), NOW));
    // The other agreement's plan is the very same one; that of the changed one is gone.
    let again = plan_of(&permit(&after, &lantern("sm-police")));
    assert!(Arc::ptr_eq(&two, &again));
    assert!(!Arc::ptr_eq(&two, &plan_of(&permit(&anew, &lantern("sm-police")))));
    let resumed =
        Snapshot::build(inputs(held(Standing::default()), registry()), Some(&after)).unwrap();
    let renewed = plan_of(&permit(&resumed, &targeting()));
    assert!(!Arc::ptr_eq(&one, &renewed));
    assert_eq!(one.hash(), renewed.hash());
    // A case more is a membership more: its member's plans are made anew, nobody else's.
    let mut registry = registry();
    let mut case = registry.cases[0].clone();
    (case.id, case.members) = ("CASE-NEW".into(), vec!["sm-police".into()]);
    registry.cases.push(case);
    let all = samples().into_iter().map(Held::from).collect();
    let more = Snapshot::build(inputs(all, registry), Some(&resumed)).unwrap();
    let kept = plan_of(&permit(&more, &targeting()));
    assert!(Arc::ptr_eq(&renewed, &kept));
    assert!(!Arc::ptr_eq(&again, &plan_of(&permit(&more, &lantern("sm-police")))));
    // Whatever changes, a snapshot built upon another is the one built anew.
    let fewer = vec![Held::from(plain("a-1"))];
    let next = inputs(fewer, super::registry());
    let (upon, anew) =
        (Snapshot::build(next.clone(), Some(&more)).unwrap(), Snapshot::build(next, None).unwrap());
    assert_eq!(upon.hash(), anew.hash());
    assert_eq!(upon.slices.len(), anew.slices.len());
    assert_eq!(upon.whole_set().0.policies().count(), anew.whole_set().0.policies().count());
}
