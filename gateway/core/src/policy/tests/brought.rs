//! Record types that come while a gateway runs: an agreement may name them before, and nothing is permitted
//! of them until they are here.

use super::*;

pub(super) const AGREEMENT: &str = r#"id = "a-1"
version = 1
title = "T"
legal_basis = "L"
parties = ["nv-customs", "sm-customs"]
valid_from = 2026-01-01
valid_until = 2026-12-31
[[flow]]
from = "nv-customs"
to = ["sm-customs"]
record_types = ["portcullis.record.v1.Declaration", "portcullis.record.v1.Inspection"]
purposes = ["SHIPMENT_TARGETING"]
case_required = false
permitted_use = ["SHIPMENT_TARGETING"]
delete_after_days = 30
release_by_originator = false
matchable = ["importer.id"]
[flow.budgets]
queries_per_day = 5
records_per_day = 6
match_probes_per_day = 7
[[flow.ladder]]
fields = ["items.hs_code"]
rungs = ["clear", "generalise:heading", "withhold"]
[[flow.ladder]]
fields = ["container"]
rungs = ["clear", "withhold"]
"#;

fn only(names: &[&str]) -> Vec<Arc<RecordType>> {
    record_types().into_iter().filter(|one| names.contains(&one.name().as_str())).collect()
}

fn load(
    text: &str,
    own: &[&str],
    brought: &[&str],
    packages: &[&str],
) -> Result<Arc<Snapshot>, Vec<LoadError>> {
    let brought = Brought {
        record_types: only(brought),
        packages: packages.iter().map(|package| (*package).to_owned()).collect(),
    };
    Snapshot::load_with(registry(), only(own), brought, &[file("a.toml", text)], &[])
}

fn asked(world: &Arc<Snapshot>, record_type: &str) -> Result<Permit, DenialReason> {
    let request = Request {
        requester: "sm-customs".into(),
        system: "desk".into(),
        officer: None,
        purpose: Purpose::ShipmentTargeting,
        case: None,
        agreement: None,
        record_type: record_type.into(),
        sources: vec![],
    };
    world.decide(&request, NOW).permit().map_err(|denial| denial.reason)
}

const PACKAGE: &[&str] = &["portcullis.record"];

#[test]
fn nothing_is_permitted_of_a_type_before_it_is_here() {
    let before = load(AGREEMENT, &[INSPECTION], &[], PACKAGE).unwrap();
    assert!(before.speaks_of(&DECLARATION.into()) && !before.speaks_of(&PARTY.into()));
    assert_eq!(asked(&before, DECLARATION).err(), Some(DenialReason::RecordTypeNotCovered));
    // What else the agreement names goes on.
    assert!(asked(&before, INSPECTION).is_ok());

    let after = load(AGREEMENT, &[INSPECTION], &[DECLARATION], PACKAGE).unwrap();
    assert!(asked(&after, DECLARATION).is_ok() && asked(&after, INSPECTION).is_ok());
    assert_ne!(before.hash(), after.hash());
    // As if it had always been here.
    let always = load(AGREEMENT, &[INSPECTION, DECLARATION], &[], &[]).unwrap();
    assert_eq!(after.hash(), always.hash());
}

#[test]
fn a_type_that_no_agreement_names_changes_nothing() {
    let without = load(AGREEMENT, &[INSPECTION, DECLARATION], &[], PACKAGE).unwrap();
    let with = load(AGREEMENT, &[INSPECTION, DECLARATION], &[PARTY], PACKAGE).unwrap();
    assert_eq!(without.hash(), with.hash());
    assert!(with.record_type(&PARTY.into()).is_none());
    assert!(asked(&with, PARTY).is_err());
}

#[test]
fn only_types_of_a_package_that_somebody_may_bring_are_awaited() {
    for packages in [&[][..], &["portcullis.records"], &["portcullis.record.v1.Declaration"]] {
        let errors = load(AGREEMENT, &[INSPECTION], &[], packages).err().unwrap();
        let unknown = errors.iter().filter(|error| error.problem == LoadProblem::Unknown);
        assert!(unknown.count() > 0, "{packages:?}: {errors:?}");
    }
}

#[test]
fn what_does_not_fit_is_told_when_the_type_comes() {
    for (from, to, problem) in [
        ("items.hs_code", "items.hs_cod", LoadProblem::Unknown),
        ("generalise:heading", "generalise:month", LoadProblem::TreatmentDoesNotFit),
        ("importer.id", "importer.ident", LoadProblem::Unknown),
    ] {
        let text = AGREEMENT.replace(from, to);
        let before = load(&text, &[INSPECTION], &[], PACKAGE).unwrap();
        assert!(asked(&before, DECLARATION).is_err());
        let errors = load(&text, &[INSPECTION], &[DECLARATION], PACKAGE).err().unwrap();
        assert!(errors.iter().any(|error| error.problem == problem), "{to}: {errors:?}");
    }
}
