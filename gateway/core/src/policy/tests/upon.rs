//! A snapshot that is built upon another one: whatever has changed between them, it is the one built anew.

use super::brought::AGREEMENT;
use super::decisions::plain;
use super::*;
use crate::policy::snapshot::{Brought, Held, Inputs};

fn inputs() -> Inputs {
    Inputs {
        registry: registry(),
        record_types: record_types(),
        brought: Brought::default(),
        agreements: samples().into_iter().map(Held::from).collect(),
        policies: vec![],
    }
}

/// What some ask and get of every class, as hashes of plans and reasons.
fn answers(world: &Arc<Snapshot>) -> Vec<String> {
    let mut production = class("nv-customs");
    production.environment = Environment::Production;
    let mut all = vec![];
    for (agency, record_type, purpose, case) in [
        ("sm-customs", DECLARATION, Purpose::ShipmentTargeting, None),
        ("sm-customs", DECLARATION, Purpose::Investigation, Some("CASE-1")),
        ("sm-customs", INSPECTION, Purpose::Investigation, Some("CASE-1")),
        ("sm-police", DECLARATION, Purpose::Investigation, Some("OP-LANTERN")),
        ("nv-licensing", DECLARATION, Purpose::ShipmentTargeting, None),
    ] {
        let asked = by_officer(request(agency, record_type, purpose, case));
        let permit = match world.decide(&asked, NOW).permit() {
            Ok(permit) => permit,
            Err(denial) => {
                all.push(denial.reason.word().to_owned());
                continue;
            }
        };
        for class in [&class("nv-customs"), &production] {
            all.push(match permit.plan(class, NOW) {
                Ok(plan) => plan.hash().to_string(),
                Err(dropped) => format!("{} {:?}", dropped.reason.word(), dropped.rules),
            });
        }
    }
    all
}

#[test]
fn what_changes_beside_the_agreements_is_never_taken_over() {
    let before = Snapshot::build(inputs(), None).unwrap();
    let first = answers(&before);
    type Change = fn(&mut Inputs);
    let forbid = "@id(\"x\") forbid (principal, action, resource) \
                  when { context.purpose == \"SHIPMENT_TARGETING\" };";
    let changes: [(&str, Change, bool); 7] = [
        ("nothing", |_| {}, false),
        (
            "an accreditation",
            |all| all.registry.agencies[2].max_sensitivity = Sensitivity::Official,
            true,
        ),
        ("the environment", |all| all.registry.environment = Environment::Production, true),
        ("a type is gone", |all| drop(all.record_types.remove(3)), true),
        ("a case is gone", |all| drop(all.registry.cases.remove(0)), true),
        ("an agreement is gone", |all| drop(all.agreements.remove(0)), true),
        ("a package may be brought", |all| all.brought.packages.push("x.y".into()), false),
    ];
    let mut all: Vec<_> = changes
        .iter()
        .map(|(name, change, told)| {
            let mut next = inputs();
            change(&mut next);
            (*name, next, *told)
        })
        .collect();
    // Licences' agreement names the type that is gone.
    all[3].1.agreements.remove(1);
    let policies = vec![cedar_file(forbid)];
    all.push(("a rule", Inputs { policies, ..inputs() }, true));
    for (name, next, told) in all {
        let upon = Snapshot::build(next.clone(), Some(&before)).unwrap();
        let anew = Snapshot::build(next, None).unwrap();
        assert_eq!(upon.hash(), anew.hash(), "{name}");
        assert_eq!(answers(&upon), answers(&anew), "{name}");
        assert_eq!(answers(&upon) != first, told, "{name}");
    }
}

#[test]
fn a_text_that_no_longer_fits_is_refused_although_it_stood_before() {
    let before = Snapshot::build(inputs(), None).unwrap();
    let mut without_agency = inputs();
    without_agency.registry.agencies.retain(|agency| agency.id.as_str() != "pcs");
    let mut without_type = inputs();
    without_type.record_types.retain(|one| one.name().as_str() != LICENCE);
    for next in [without_agency, without_type] {
        let anew = Snapshot::build(next.clone(), None).unwrap_err();
        assert_eq!(Snapshot::build(next, Some(&before)).unwrap_err(), anew);
    }
}

#[test]
fn a_type_that_comes_is_permitted_of_as_if_it_had_always_been_here() {
    let next = |brought: &[&str]| {
        let here = |own: &[&str]| {
            let mut all = record_types();
            all.retain(|one| own.contains(&one.name().as_str()));
            all
        };
        let packages = vec!["portcullis.record".to_owned()];
        let brought = Brought { record_types: here(brought), packages };
        let agreements = vec![Held::from(file("a.toml", AGREEMENT))];
        Inputs { record_types: here(&[INSPECTION]), brought, agreements, ..inputs() }
    };
    let asked = request("sm-customs", DECLARATION, Purpose::ShipmentTargeting, None);
    let before = Snapshot::build(next(&[]), None).unwrap();
    assert_eq!(denied(&before, &asked, NOW).reason, DenialReason::RecordTypeNotCovered);
    let after = Snapshot::build(next(&[DECLARATION]), Some(&before)).unwrap();
    let plan = permit(&after, &asked).plan(&class("nv-customs"), NOW).unwrap();
    assert_eq!(treatment(&plan, "items.hs_code"), "clear");
    // And one that only a new agreement names.
    let mut more = next(&[DECLARATION, PARTY]);
    let mut other = plain("a-2");
    for (from, to) in [
        (DECLARATION, PARTY),
        ("[\"SHIPMENT_TARGETING\", \"STATISTICS\"]", "[\"INVESTIGATION\"]"),
        ("category = \"COMMERCIAL\"\nsensitivity = \"ANY\"", "fields = [\"country\"]"),
        ("\"clear\", \"presence\"", "\"clear\""),
        ("officer_remarks", "remarks"),
    ] {
        assert!(other.text.contains(from), "{from}");
        other.text = other.text.replace(from, to);
    }
    more.agreements.push(Held::from(other));
    let more = Snapshot::build(more, Some(&after)).unwrap();
    let asked = request("sm-customs", PARTY, Purpose::Investigation, Some("CASE-1"));
    let plan = permit(&more, &asked).plan(&class("nv-customs"), NOW).unwrap();
    assert_eq!(treatment(&plan, "country"), "clear");
}
