//! Laws of redaction.md that the policy room answers for: fail closed, monotone, order-free.

use std::cmp::Ordering;

use cedar_policy::Policy;

use super::*;
use crate::label::{Category, Semantic};
use crate::policy::Purpose::*;
use crate::policy::registry::Template;
use crate::policy::standing::Cap;
use crate::redact::{Reason, Treatment};

/// Queries that touch every sample agreement.
pub(super) fn questions() -> Vec<(Request, HandlingClass)> {
    let ask = |requester, kind, purpose, case, from: &str| {
        (request(requester, kind, purpose, case), class(from))
    };
    let lantern = Some("OP-LANTERN");
    vec![
        ask("sm-customs", DECLARATION, ShipmentTargeting, None, "nv-customs"),
        ask("sm-customs", DECLARATION, Investigation, Some("CASE-1"), "nv-customs"),
        ask("sm-customs", INSPECTION, Investigation, Some("CASE-1"), "nv-customs"),
        ask("nv-customs", LICENCE, LicenceVerification, None, "nv-licensing"),
        ask("sm-police", DECLARATION, Investigation, lantern, "nv-customs"),
        ask("nv-customs", PARTY, Investigation, lantern, "sm-police"),
        ask("vl-fiu", PARTY, Investigation, lantern, "sm-police"),
        ask("pcs", DECLARATION, ShipmentTargeting, None, "kcs"),
        ask("kcs", INSPECTION, Investigation, None, "kcs"),
    ]
}

/// The plans of all questions; none where the query is denied or the records are dropped.
pub(super) fn answers(
    world: &Arc<Snapshot>,
    questions: &[(Request, HandlingClass)],
) -> Vec<Option<Arc<Plan>>> {
    let answer = |(request, class): &(Request, HandlingClass)| {
        world.decide(request, NOW).permit().ok()?.plan(class, NOW).ok()
    };
    questions.iter().map(answer).collect()
}

fn load_where(policies: &[PolicyFile], keep: impl Fn(&Policy) -> bool) -> Arc<Snapshot> {
    Snapshot::load_where(registry(), record_types(), &samples(), policies, keep).unwrap()
}

/// How many fields got less; panics where one got more.
pub(super) fn lowered(
    before: &[Option<Arc<Plan>>],
    after: &[Option<Arc<Plan>>],
    why: &str,
) -> usize {
    let mut count = 0;
    for (before, after) in before.iter().zip(after) {
        let Some(after) = after else {
            count += usize::from(before.is_some());
            continue;
        };
        let before = before.as_ref().unwrap_or_else(|| panic!("{why}: permitted from nothing"));
        for (leaf, (old, new)) in
            after.record_type().leaves().iter().zip(before.fields().iter().zip(after.fields()))
        {
            match new.treatment.partial_cmp(&old.treatment) {
                Some(Ordering::Equal) => {}
                Some(Ordering::Less) => count += 1,
                _ => panic!("{why}: {} rose: {} to {}", leaf.path, old.treatment, new.treatment),
            }
            assert!(old.usable || !new.usable, "{why}: {} became usable", leaf.path);
            count += usize::from(old.usable && !new.usable);
        }
    }
    count
}

#[test]
fn monotone_removing_any_permit_raises_nothing() {
    let questions = questions();
    let world = sample_world();
    let before = answers(&world, &questions);
    assert!(before.iter().all(Option::is_some));
    let permits: Vec<String> = world
        .whole_set()
        .0
        .policies()
        .filter(|policy| policy.effect() == cedar_policy::Effect::Permit)
        .map(|policy| policy.id().to_string())
        .collect();
    assert!(permits.len() > 60, "{}", permits.len());
    let mut effective = 0;
    for (at, gone) in permits.iter().enumerate() {
        // Loading takes a moment: every third permit alone, and each third of all together.
        let world = match at % 3 {
            0 => load_where(&[], |policy| policy.id().to_string() != *gone),
            _ => continue,
        };
        effective += usize::from(lowered(&before, &answers(&world, &questions), gone) > 0);
    }
    for third in 0..3 {
        let gone: Vec<_> = permits.iter().skip(third).step_by(3).collect();
        let world = load_where(&[], |policy| !gone.contains(&&policy.id().to_string()));
        assert!(lowered(&before, &answers(&world, &questions), "a third") > 0);
    }
    assert!(effective > 10, "only {effective} permits matter to the questions");
}

#[test]
fn monotone_adding_a_forbid_raises_nothing() {
    let questions = questions();
    let before = answers(&sample_world(), &questions);
    let mut effective = 0;
    let scopes = [
        ("action == Action::\"clear\"", "resource.sensitivity >= 2"),
        ("action == Action::\"clear\"", "resource.category == \"COMMERCIAL\""),
        ("action == Action::\"pseudonymise\"", "context.purpose == \"SHIPMENT_TARGETING\""),
        ("action in [Action::\"mask\", Action::\"generalise_day\"]", "true"),
        ("action == Action::\"generalise_band\"", "principal.country != \"XS\""),
        ("action == Action::\"match\"", "context has case"),
        ("action == Action::\"presence\"", "resource.path like \"items.*\""),
        ("action in Action::\"learn\"", "resource.semantic == \"IDENTIFIER\""),
        ("action in Action::\"learn\"", "resource.sensitivity > 2"),
        ("action == Action::\"release\"", "context.memberships.contains(\"OP-LANTERN\")"),
        ("action == Action::\"query\"", "context.source == Agency::\"kcs\""),
        ("action == Action::\"clear\"", "principal.max_sensitivity + 9223372036854775807 > 0"),
        ("action", "principal == Agency::\"sm-police\""),
    ];
    for (action, when) in scopes {
        let text =
            format!("@id(\"local:x\") forbid (principal, {action}, resource) when {{ {when} }};");
        let world = load_where(&[cedar_file(&text)], |_| true);
        effective += usize::from(lowered(&before, &answers(&world, &questions), &text) > 0);
    }
    assert_eq!(effective, scopes.len(), "each of them takes something away");
}

#[test]
fn monotone_stricter_handling_raises_nothing() {
    let world = sample_world();
    let plain = questions();
    let before = answers(&world, &plain);
    let stricter: [fn(&mut HandlingClass); 5] = [
        |class| class.releasable_to = vec!["nv-licensing".into()],
        |class| class.compartments = vec!["OP-LANTERN".into()],
        |class| class.compartments = vec!["CASE-1".into(), "OP-LANTERN".into()],
        |class| class.permitted_use = vec![Investigation],
        |class| class.environment = Environment::Production,
    ];
    for (number, narrow) in stricter.into_iter().enumerate() {
        let mut questions = plain.clone();
        questions.iter_mut().for_each(|(_, class)| narrow(class));
        let why = format!("handling {number}");
        assert!(lowered(&before, &answers(&world, &questions), &why) > 0, "{why}");
    }
}

#[test]
fn monotone_a_lower_accreditation_raises_nothing() {
    let questions = questions();
    let before = answers(&sample_world(), &questions);
    let mut last = 0;
    for most in [Sensitivity::Confidential, Sensitivity::Official, Sensitivity::Public] {
        let mut registry = registry();
        for agency in &mut registry.agencies {
            agency.max_sensitivity = agency.max_sensitivity.min(most);
        }
        let world = Snapshot::load(registry, record_types(), &samples(), &[]).unwrap();
        let count = lowered(&before, &answers(&world, &questions), most.word());
        assert!(count > last, "{}", most.word());
        last = count;
    }
}

#[test]
fn order_free_same_hash_and_same_plans() {
    let questions = questions();
    let forbids: Vec<PolicyFile> = ["MASS", "PORT", "COUNTRY"]
        .iter()
        .enumerate()
        .map(|(at, semantic)| PolicyFile {
            name: format!("local-{at}.cedar"),
            text: format!(
                "@id(\"local:{at}\") forbid (principal, action == Action::\"clear\", resource) \
                 when {{ resource.semantic == \"{semantic}\" }};"
            ),
        })
        .collect();
    let hashes = |world: &Arc<Snapshot>| -> Vec<_> {
        answers(world, &questions)
            .iter()
            .map(|plan| plan.as_ref().map(|plan| plan.hash()))
            .collect()
    };
    let first = load(&samples(), &forbids);
    let expected = hashes(&first);
    for turn in 1..6 {
        let mut agreements = samples();
        agreements.rotate_left(turn % 5);
        let mut policies = forbids.clone();
        policies.rotate_left(turn % 3);
        let mut registry = registry();
        registry.agencies.rotate_left(turn);
        registry.cases.reverse();
        registry.cases.iter_mut().for_each(|case| case.members.reverse());
        let mut types = record_types();
        types.rotate_left(turn % 4);
        if turn % 2 == 0 {
            agreements.swap(0, 3);
            policies.swap(0, 1);
            policies[0].name = "renamed.cedar".to_owned();
        }
        let world = Snapshot::load(registry, types, &agreements, &policies).unwrap();
        assert_eq!(world.hash(), first.hash(), "{turn}");
        assert_eq!(hashes(&world), expected, "{turn}");
    }
}

#[test]
fn the_hash_covers_every_input() {
    let first = sample_world().hash();
    let mut seen = vec![first];
    let mut add = |world: Result<Arc<Snapshot>, Vec<LoadError>>| {
        let hash = world.unwrap().hash();
        assert!(!seen.contains(&hash));
        seen.push(hash);
    };
    fn room(selector: Selector, rule: &str, at_most: Treatment) -> Option<Template> {
        let cap = |selector| Cap { rule: rule.into(), selector, at_most };
        Some(Template { caps: vec![cap(selector)], others: cap(Selector::Fields(vec![])) })
    }
    let changes: [fn(&mut Registry); 17] = [
        |registry| registry.environment = Environment::Production,
        |registry| registry.agencies[0].name.push('x'),
        |registry| registry.agencies[0].country.push('x'),
        |registry| registry.agencies[0].kind.push('x'),
        |registry| registry.agencies[0].max_sensitivity = Sensitivity::Official,
        |registry| registry.agencies[0].systems.push("other".into()),
        |registry| registry.cases[0].closes = None,
        |registry| registry.cases[0].opens = Moment(registry.cases[0].opens.0 + 1),
        |registry| registry.cases[0].members.push("pcs".into()),
        |registry| registry.cases[0].operation_scope = true,
        |registry| {
            let selector = Selector::Fields(vec!["ab".into(), "c".into()]);
            registry.cases[0].template = room(selector, "r", Treatment::Clear);
        },
        |registry| {
            let selector = Selector::Fields(vec!["a".into(), "bc".into()]);
            registry.cases[0].template = room(selector, "r", Treatment::Clear);
        },
        |registry| {
            let selector = Selector::Fields(vec!["a".into(), "bc".into()]);
            registry.cases[0].template = room(selector, "r", Treatment::Presence);
        },
        |registry| {
            let selector = Selector::Semantic(Semantic::Identifier);
            registry.cases[0].template = room(selector, "r", Treatment::Clear);
        },
        |registry| {
            let selector = Selector::Category(Category::Financial, None);
            registry.cases[0].template = room(selector, "r", Treatment::Clear);
        },
        |registry| {
            let selector = Selector::Category(Category::Financial, Some(Sensitivity::Secret));
            registry.cases[0].template = room(selector, "r", Treatment::Clear);
        },
        |registry| {
            let selector = Selector::Category(Category::Financial, None);
            registry.cases[0].template = room(selector, "other", Treatment::Clear);
        },
    ];
    for change in changes {
        let mut registry = registry();
        change(&mut registry);
        add(Snapshot::load(registry, record_types(), &samples(), &[]));
    }
    let mut fewer = samples();
    fewer.pop();
    add(Snapshot::load(registry(), record_types(), &fewer, &[]));
    let mut newer = samples();
    newer[0].text = newer[0].text.replace("version = 3", "version = 4");
    add(Snapshot::load(registry(), record_types(), &newer, &[]));
    let forbid = "@id(\"local:x\") forbid (principal, action == Action::\"query\", resource);";
    add(Snapshot::load(registry(), record_types(), &samples(), &[cedar_file(forbid)]));
    let mut one_type_more = record_types();
    let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    let item = RecordType::register(&set, "portcullis.record.v1.DeclarationItem").unwrap();
    one_type_more.push(Arc::new(item));
    add(Snapshot::load(registry(), one_type_more, &samples(), &[]));
}

#[test]
fn fail_closed_a_field_that_no_ladder_names_is_withheld() {
    let world = sample_world();
    let mut unnamed = 0;
    for plan in answers(&world, &questions()).into_iter().flatten() {
        for field in plan.fields().iter().filter(|field| field.reason == Reason::NoRule) {
            assert_eq!(field.treatment, Treatment::Withhold);
            assert!(!field.usable || field.probe);
            unnamed += 1;
        }
    }
    assert!(unnamed > 50);
}
