//! The presets hold what their README promises.

use super::*;
use crate::handling::Tlp;

const DENIAL: &str = "portcullis.record.v1.DenialNotification";
const STATES: [&str; 5] =
    ["xa-licensing", "xb-licensing", "xc-licensing", "xd-licensing", "xe-licensing"];

macro_rules! preset {
    ($name:literal) => {
        include_str!(concat!("../../../../policies/presets/", $name))
    };
}

fn policy(name: &str, text: &str) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.to_owned() }
}

/// The sample world with non-nominal exchange, with or without its rules.
fn non_nominal(rules: bool) -> Arc<Snapshot> {
    let mut agreements = samples();
    agreements.push(file("non-nominal-targeting.toml", preset!("non-nominal-targeting.toml")));
    let rules = rules.then(|| policy("non-nominal.cedar", preset!("non-nominal.cedar")));
    load(&agreements, rules.as_slice())
}

fn told(snapshot: &Arc<Snapshot>, agreement: &str, purpose: Purpose, personal: bool) -> usize {
    let asked = under(agreement, request("sm-customs", DECLARATION, purpose, None));
    let plan = permit(snapshot, &asked).plan(&class("nv-customs"), NOW).unwrap();
    let names = ["PERSON_NAME", "BIRTH_DATE", "ADDRESS", "FREE_TEXT"];
    let leaves = plan.record_type().leaves();
    let told = leaves.iter().zip(plan.fields()).filter(|(leaf, field)| {
        let label = leaf.label;
        let about_persons =
            label.category.word() == "PERSONAL" || names.contains(&label.semantic.word());
        about_persons == personal && field.treatment.to_string() != "withhold"
    });
    told.count()
}

#[test]
fn non_nominal_exchange_tells_of_goods_and_of_nobody() {
    let (with, without) = (non_nominal(true), non_nominal(false));
    for purpose in [Purpose::Statistics, Purpose::ShipmentTargeting] {
        assert!(told(&with, "non-nominal-targeting", purpose, false) > 5, "{purpose:?}");
        assert_eq!(told(&with, "non-nominal-targeting", purpose, true), 0, "{purpose:?}");
    }
    let targeting = Purpose::ShipmentTargeting;
    assert!(told(&without, "non-nominal-targeting", targeting, true) > 0, "its ladder would");
    // Other agreements are not touched.
    let maa = "maa-norvia-solmark";
    assert_eq!(
        [true, false].map(|personal| told(&with, maa, targeting, personal)),
        [true, false].map(|personal| told(&without, maa, targeting, personal))
    );
}

#[test]
fn handling_codes_hold_for_everybody_but_the_provider() {
    let snapshot =
        load(&samples(), &[policy("handling-codes.cedar", preset!("handling-codes.cedar"))]);
    let releases = |requester: &str, purpose, change: &dyn Fn(&mut HandlingClass)| {
        let (originator, agreement) = match requester {
            "kcs" => ("kcs", "kcs-internal"),
            _ => ("nv-customs", "maa-norvia-solmark"),
        };
        let case = (requester != "kcs").then_some("CASE-1");
        let asked = under(agreement, request(requester, DECLARATION, purpose, case));
        let mut class = class(originator);
        change(&mut class);
        permit(&snapshot, &asked).plan(&class, NOW).is_ok()
    };
    let (sm, investigation) = ("sm-customs", Purpose::Investigation);
    let coded =
        |code: &'static str, uses: &'static [Purpose], audience: &'static [&'static str]| {
            move |class: &mut HandlingClass| {
                class.handling_code = Arc::from(code);
                class.permitted_use = uses.to_vec();
                class.releasable_to = audience.iter().map(AgencyId::new).collect();
            }
        };
    const NO_COURT: &[Purpose] = &[Purpose::Investigation];
    const COURT: &[Purpose] = &[Purpose::Investigation, Purpose::JudicialUse];
    for (code, uses, audience, released) in [
        ("", &[][..], &[][..], true),
        ("H0", &[], &[], true),
        ("H1", NO_COURT, &[], true),
        ("H1", &[], &[], false),
        ("H1", COURT, &[], false),
        ("H2", &[], &["sm-customs"], true),
        ("H2", &[], &[], false),
        ("H2", &[], &["sm-police"], false),
        ("H3", NO_COURT, &["sm-customs"], false),
        ("H4", &[], &["sm-customs"], false),
        ("h0", &[], &[], false),
    ] {
        assert_eq!(
            releases(sm, investigation, &coded(code, uses, audience)),
            released,
            "{code} {uses:?} {audience:?}"
        );
        assert!(releases("kcs", investigation, &coded(code, &[], &[])), "{code}, one's own");
    }
}

#[test]
fn what_may_be_used_of_an_h1_record_excludes_the_court() {
    let snapshot =
        load(&samples(), &[policy("handling-codes.cedar", preset!("handling-codes.cedar"))]);
    let asked = under(
        "maa-norvia-solmark",
        request("sm-customs", DECLARATION, Purpose::Investigation, Some("CASE-1")),
    );
    let permit = permit(&snapshot, &asked);
    assert!(permit.permitted_use().contains(&Purpose::JudicialUse), "the agreement's");
    for own in [vec![], vec![Purpose::JudicialUse], vec![Purpose::Investigation]] {
        let mut class = class("nv-customs");
        (class.handling_code, class.permitted_use) = (Arc::from("H1"), own.clone());
        let court = own.is_empty() || own.contains(&Purpose::JudicialUse);
        assert_eq!(permit.plan(&class, NOW).is_err(), court, "{own:?}");
    }
}

#[test]
fn traffic_lights_are_for_people() {
    let snapshot = sample_world();
    let asked = request("sm-customs", DECLARATION, Purpose::ShipmentTargeting, None);
    let permit = permit(&snapshot, &under("maa-norvia-solmark", asked));
    let hash = |tlp| {
        let marked = HandlingClass { tlp, ..class("nv-customs") };
        permit.plan(&marked, NOW).unwrap().hash()
    };
    for tlp in [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red] {
        assert_eq!(hash(Some(tlp)), hash(None), "{tlp:?}");
    }
}

#[test]
fn five_states_consult_on_denials_and_give_alike() {
    let mut registry = registry();
    registry.agencies = STATES
        .iter()
        .zip(["XA", "XB", "XC", "XD", "XE"])
        .map(|(id, country)| Agency {
            id: (*id).into(),
            name: (*id).to_owned(),
            country: country.to_owned(),
            kind: "licensing".to_owned(),
            max_sensitivity: Sensitivity::Secret,
            systems: vec!["desk".into()],
        })
        .collect();
    registry.cases.clear();
    let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    let types = vec![Arc::new(RecordType::register(&set, DENIAL).unwrap())];
    let agreement = file("denial-consultation.toml", preset!("denial-consultation.toml"));
    let snapshot = Snapshot::load(registry, types, &[agreement], &[]).unwrap();
    let shown = |requester: &str, source: &str| {
        let asked = request(requester, DENIAL, Purpose::DenialConsultation, None);
        let plan = permit(&snapshot, &asked).plan(&class(source), NOW).unwrap();
        let fields = plan.record_type().leaves().iter().zip(plan.fields());
        fields
            .map(|(leaf, field)| (leaf.path.clone(), field.treatment.to_string()))
            .collect::<Vec<_>>()
    };
    let first = shown(STATES[0], STATES[1]);
    for requester in STATES {
        for source in STATES.into_iter().filter(|source| *source != requester) {
            assert_eq!(shown(requester, source), first, "{requester} of {source}");
        }
    }
    for (path, treatment) in [
        ("end_user.name.original", "clear"),
        ("ground", "clear"),
        ("items.value", "generalise:band"),
        ("exporter.id", "pseudonymise"),
        ("exporter.name.original", "withhold"),
        ("assessment", "withhold"),
    ] {
        assert!(first.contains(&(path.to_owned(), treatment.to_owned())), "{path}: {first:?}");
    }
    let asked = request(STATES[0], DENIAL, Purpose::ShipmentTargeting, None);
    assert_eq!(denied(&snapshot, &asked, NOW).reason.word(), "PURPOSE_NOT_PERMITTED");
}
