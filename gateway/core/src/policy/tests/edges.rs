//! Where things end: the first and last moment of an agreement and a case, the length of ids, how far a path
//! reaches; and the words that every reason keeps.

use super::*;
use crate::policy::Purpose::*;
use crate::policy::agreement::path_fits;
use crate::policy::registry::is_name;
use crate::policy::standing::Phase;

fn later(moment: Moment, millis: i64) -> Moment {
    Moment(moment.0 + millis)
}

#[test]
fn an_agreement_is_in_force_from_its_first_moment_until_before_its_last() {
    let world = sample_world();
    for agreement in world.agreements() {
        let (from, until) = (agreement.valid_from, agreement.valid_until);
        assert!(!agreement.in_force(later(from, -1)));
        assert!(agreement.in_force(from));
        assert!(agreement.in_force(later(until, -1)));
        assert!(!agreement.in_force(until));
    }
}

#[test]
fn a_case_is_open_from_its_first_moment_until_before_its_last_to_members_alone() {
    let world = sample_world();
    let case = world.case(&CaseId::new("CASE-1")).unwrap();
    let open = |agency: &str, now| case.open_to(&agency.into(), now);
    assert!(!open("sm-customs", later(case.opens, -1)));
    assert!(open("sm-customs", case.opens));
    assert!(open("sm-customs", later(CLOSES, -1)));
    assert!(!open("sm-customs", CLOSES));
    assert!(!open("vl-fiu", NOW));
    let endless = world.case(&CaseId::new("CASE-2")).unwrap();
    assert!(endless.open_to(&"vl-fiu".into(), Moment(i64::MAX)));
}

#[test]
fn a_budget_of_a_day_counts_from_midnight_to_midnight() {
    let midnight = NOW;
    for millis in [0, 1, 43_200_000, 86_399_999] {
        let now = later(midnight, millis);
        assert_eq!(Window::Day.start(now), midnight);
        assert_eq!(Window::Day.end(now), later(midnight, 86_400_000));
    }
    assert_eq!(Window::Day.start(later(midnight, -1)), later(midnight, -86_400_000));
    assert_eq!(Window::Day.start(Moment(-1)), Moment(-86_400_000));
    assert_eq!(Window::Day.refills_at(later(midnight, 5)), Some(later(midnight, 86_400_000)));
    assert_eq!(Window::Case(Some(CLOSES)).refills_at(midnight), None);
}

#[test]
fn a_permit_holds_in_its_own_snapshot_until_before_its_end() {
    let world = sample_world();
    let permit = permit(&world, &request("sm-customs", DECLARATION, ShipmentTargeting, None));
    let end = permit.valid_until();
    assert_eq!(permit.holds_in(&world, later(end, -1)), Some(end));
    assert_eq!(permit.holds_in(&world, end), None);
}

#[test]
fn a_permit_names_its_agreement_and_what_may_be_matched_where_nobody_named_them() {
    let world = sample_world();
    let asked = request("sm-customs", DECLARATION, Investigation, Some("CASE-1"));
    let permit = permit(&world, &asked);
    assert_eq!(permit.request().agreement, Some("maa-norvia-solmark".into()));
    let path = |leaf: &LeafId| permit.record_type().leaf(*leaf).unwrap().path.clone();
    let mut paths: Vec<_> = permit.matchable().iter().map(path).collect();
    paths.sort();
    assert_eq!(paths, ["exporter.id", "importer.id"]);
}

#[test]
fn a_record_type_that_a_text_names_is_among_its_facts() {
    let facts = Facts::read(&samples()[0], &registry(), &record_types(), &[]).unwrap();
    assert_eq!(facts.record_types(), [DECLARATION, INSPECTION].map(RecordTypeName::new));
    let missing = Phase::AwaitsSignatures(vec!["nv-customs".into()]);
    for (phase, awaits) in [(Phase::InForce, false), (missing, true)] {
        let mut agreement = facts.agreement.clone();
        agreement.standing.phase = phase;
        assert_eq!(agreement.awaits_signatures(), awaits);
    }
}

#[test]
fn ids_of_cases_have_1_to_63_characters_that_separate_nothing() {
    let long = "x".repeat(63);
    for good in ["a", "OP-LANTERN", "A.b_c-9", &long] {
        assert!(is_name(good), "{good}");
    }
    let longer = format!("{long}x");
    for bad in ["", &longer, "a b", "a|b", "a/b", "a:b", "\u{e9}"] {
        assert!(!is_name(bad), "{bad}");
    }
}

#[test]
fn ids_of_agencies_and_systems_are_short_and_small() {
    let with = |agency: &str, system: &str| {
        let mut registry = registry();
        registry.agencies[0].id = agency.into();
        registry.agencies[0].systems = vec![system.into()];
        let errors = Snapshot::load(registry, record_types(), &[], &[]).err().unwrap_or_default();
        errors.iter().filter(|error| error.to_string().contains("1 to 63")).count()
    };
    let long = "x".repeat(63);
    let longer = format!("{long}x");
    for good in ["a", "kcs-2", &long] {
        assert_eq!(with(good, good), 0, "{good}");
    }
    for bad in ["", "A", "a.b", "a_b", "a|b", &longer] {
        assert_eq!(with(bad, "desk"), 1, "{bad}");
        assert_eq!(with("a", bad), 1, "{bad}");
    }
}

#[test]
fn a_case_cannot_close_when_it_opens() {
    let with = |closes: i64| {
        let mut registry = registry();
        registry.cases[0].closes = Some(later(registry.cases[0].opens, closes));
        Snapshot::load(registry, record_types(), &[], &[]).is_ok()
    };
    assert_eq!([with(-1), with(0), with(1)], [false, false, true]);
}

#[test]
fn a_path_reaches_what_is_below_it_and_no_namesake() {
    let world = sample_world();
    let declaration = world.record_type(&RecordTypeName::new(DECLARATION)).unwrap();
    let leaf = declaration.leaf_by_path("items.hs_code").unwrap();
    assert_eq!(path_fits("items.hs_code", leaf), Some((5, 0)));
    assert_eq!(path_fits("items", leaf), Some((4, 5)));
    for other in ["item", "items.hs", "items.hs_code.x", "hs_code", "importer"] {
        assert_eq!(path_fits(other, leaf), None, "{other}");
    }
}

#[test]
fn a_snapshot_lists_all_by_id_whatever_the_order() {
    let mut shuffled = registry();
    shuffled.agencies.reverse();
    shuffled.cases.reverse();
    let mut types = record_types();
    types.reverse();
    let world = Snapshot::load(shuffled, types, &samples(), &[]).unwrap();
    let agencies: Vec<_> = world.agencies().iter().map(|agency| agency.id.as_str()).collect();
    assert_eq!(
        agencies,
        ["kcs", "nv-customs", "nv-licensing", "pcs", "sm-customs", "sm-police", "vl-fiu"]
    );
    let cases: Vec<_> = world.cases().iter().map(|case| case.id.as_str()).collect();
    assert_eq!(cases, ["CASE-1", "CASE-2", "OP-LANTERN"]);
    let names: Vec<_> = world.record_types().iter().map(|one| one.name().to_string()).collect();
    assert_eq!(names, [DECLARATION, LICENCE, INSPECTION, PARTY]);
    assert_eq!(format!("{world:?}"), format!("Snapshot({})", world.hash()));
}

#[test]
fn one_record_type_may_come_twice_and_two_of_one_name_not() {
    let load = |types| Snapshot::load(registry(), types, &samples(), &[]);
    let mut types = record_types();
    types.push(types[0].clone());
    assert_eq!(load(types).unwrap().hash(), sample_world().hash());

    // The same but for the name of one field.
    let (old, new) = (b"registration_number", b"registration_numbex");
    let mut bytes = portcullis_proto::DESCRIPTOR_SET.to_vec();
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    bytes[at..at + new.len()].copy_from_slice(new);
    let bytes = Bytes::from(bytes);
    let mut types = record_types();
    types.push(Arc::new(RecordType::register(&bytes, PARTY).unwrap()));
    let errors = Snapshot::load(registry(), types, &[], &[]).unwrap_err();
    assert_eq!(
        errors.iter().map(|error| error.problem).collect::<Vec<_>>(),
        [LoadProblem::Duplicate]
    );
}

#[test]
fn dates_with_a_time_are_read_to_the_millisecond() {
    let (name, text) = SAMPLES[0];
    let from = text.lines().find(|line| line.starts_with("valid_from")).unwrap();
    let text = text.replace(from, "valid_from = 2026-01-01T09:00:00.25+09:00");
    let world = load(&[file(name, &text)], &[]);
    let agreement = world.agreements().next().unwrap();
    assert_eq!(agreement.valid_from, Moment(1_767_225_600_250));
}

#[test]
fn debug_of_a_permit_shows_what_was_asked_and_by_which_rules() {
    let asked = request("sm-customs", DECLARATION, ShipmentTargeting, None);
    let permit = permit(&sample_world(), &asked);
    let text = format!("{permit:?}");
    for part in ["Permit {", "sm-customs", permit.rules()[0].as_str()] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn reasons_are_words_that_stay() {
    let denials = [
        (DenialReason::RequesterUnknown, "REQUESTER_UNKNOWN"),
        (DenialReason::AgreementNotFoundOrNotParty, "AGREEMENT_NOT_FOUND_OR_NOT_PARTY"),
        (DenialReason::AgreementAmbiguous, "AGREEMENT_AMBIGUOUS"),
        (DenialReason::AgreementLapsed, "AGREEMENT_LAPSED"),
        (DenialReason::AgreementNotYetInForce, "AGREEMENT_NOT_YET_IN_FORCE"),
        (DenialReason::RecordTypeNotCovered, "RECORD_TYPE_NOT_COVERED"),
        (DenialReason::PurposeNotPermitted, "PURPOSE_NOT_PERMITTED"),
        (DenialReason::SourceNotCovered, "SOURCE_NOT_COVERED"),
        (DenialReason::CaseRequired, "CASE_REQUIRED"),
        (DenialReason::CaseNotOpenToYou, "CASE_NOT_OPEN_TO_YOU"),
        (DenialReason::CaseNotCovered, "CASE_NOT_COVERED"),
        (DenialReason::OfficerRequired, "OFFICER_REQUIRED"),
        (DenialReason::ForbiddenByPolicy, "FORBIDDEN_BY_POLICY"),
        (DenialReason::PolicyEvaluationFailed, "POLICY_EVALUATION_FAILED"),
    ];
    for (reason, word) in denials {
        assert_eq!(reason.word(), word);
    }
    let dropped = [
        (DroppedReason::PermitEnded, "PERMIT_ENDED"),
        (DroppedReason::OriginatorNotCovered, "ORIGINATOR_NOT_COVERED"),
        (DroppedReason::NotReleasable, "NOT_RELEASABLE"),
        (DroppedReason::PolicyEvaluationFailed, "POLICY_EVALUATION_FAILED"),
        (DroppedReason::EveryFieldWithheld, "EVERY_FIELD_WITHHELD"),
    ];
    for (reason, word) in dropped {
        assert_eq!(reason.word(), word);
    }
}
