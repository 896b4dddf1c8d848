//! A slice decides as the whole set does: 10^5 random questions in random worlds of agreements.

use std::fmt::Write as _;

use super::*;
use crate::policy::cedar::{Action, Situation, Verdict};
use crate::policy::compile::SliceKey;
use crate::redact::{Level, Treatment};

/// Questions of each half, 10^5 in all, each asked of a slice and of the whole set.
const QUESTIONS: usize = 50_000;
/// Random worlds of each half.
const WORLDS: usize = 10;
/// Agreements of a world.
const AGREEMENTS: usize = 5;

/// SplitMix64: seeded, so that a failure can be run again.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = self.below(from.len());
        &from[at]
    }

    fn some<T: Clone>(&mut self, from: &[T], most: usize) -> Vec<T> {
        let mut from = from.to_vec();
        let count = 1 + self.below(most.min(from.len()));
        (0..count).map(|_| from.remove(self.below(from.len()))).collect()
    }
}

const AGENCIES: [&str; 7] =
    ["nv-customs", "nv-licensing", "sm-customs", "sm-police", "vl-fiu", "kcs", "pcs"];
const TYPES: [&str; 2] = [INSPECTION, PARTY];
const CASES: [&str; 3] = ["CASE-1", "CASE-2", "OP-LANTERN"];

fn list(words: &[&str]) -> String {
    format!("[\"{}\"]", words.join("\", \""))
}

/// An agreement at random; flows differ in `from`, so that they never overlap.
fn agreement(rng: &mut Rng, number: usize) -> AgreementFile {
    let parties = rng.some(&AGENCIES, 4);
    let mut text = format!(
        "id = \"r-{number}\"\nversion = 1\ntitle = \"R\"\nlegal_basis = \"R\"\nparties = {}\n\
         valid_from = 2026-01-01\nvalid_until = 2026-12-31\n",
        list(&parties)
    );
    for from in rng.some(&parties, 2) {
        let purposes: Vec<&str> = rng.some(Purpose::ALL, 4).iter().map(|one| one.word()).collect();
        let cases = match rng.below(4) {
            0 => format!("cases = {}\n", list(&rng.some(&CASES, 2))),
            _ => String::new(),
        };
        write!(
            text,
            "[[flow]]\nfrom = \"{from}\"\nto = {}\nrecord_types = {}\npurposes = {}\n\
             case_required = {}\nofficer_required = {}\n{cases}permitted_use = {}\ndelete_after_days = 1\n\
             release_by_originator = false\nmatchable = [\"id\"]\n[flow.budgets]\n\
             queries_per_day = 1\nrecords_per_day = 1\nmatch_probes_per_day = 1\n",
            list(&rng.some(&parties, 2)),
            list(&rng.some(&TYPES, 2)),
            list(&purposes),
            rng.below(2) == 0,
            rng.below(4) == 0,
            list(&purposes),
        )
        .unwrap();
        let ladders = [
            ("semantic = \"IDENTIFIER\"", "[\"clear\", \"presence\", \"withhold\"]"),
            ("fields = [\"id\"]", "[\"clear\", \"mask\", \"presence\", \"withhold\"]"),
            (
                "category = \"OPERATIONAL\"\nsensitivity = \"ANY\"\nofficer_rungs = [\"clear\"]",
                "[\"withhold\"]",
            ),
            ("semantic = \"PERSON_NAME\"", "[\"clear\", \"pseudonymise\", \"withhold\"]"),
        ];
        for (selector, rungs) in rng.some(&ladders, 3) {
            let purposes = match rng.below(3) {
                0 => format!("purposes = {}\n", list(&rng.some(&purposes, 2))),
                _ => String::new(),
            };
            write!(text, "[[flow.ladder]]\n{selector}\n{purposes}rungs = {rungs}\n").unwrap();
        }
    }
    file(&format!("r-{number}.toml"), &text)
}

/// Few types, so that a world is loaded quickly.
fn types() -> Vec<Arc<RecordType>> {
    let mut types = record_types();
    types.retain(|one| TYPES.contains(&one.name().as_str()));
    types
}

/// Random agreements whose ladders all hold for something; those that do not load are left out.
fn world(rng: &mut Rng) -> Arc<Snapshot> {
    let mut good: Vec<AgreementFile> = vec![];
    while good.len() < AGREEMENTS {
        let one = agreement(rng, good.len());
        if Snapshot::load(registry(), types(), std::slice::from_ref(&one), &[]).is_ok() {
            good.push(one);
        }
    }
    let broken = cedar_file(
        "@id(\"local:broken\") forbid (principal == Agency::\"vl-fiu\", action == Action::\"mask\", \
         resource) when { principal.max_sensitivity + 9223372036854775807 > 0 };",
    );
    Snapshot::load(registry(), types(), &good, &[broken]).unwrap()
}

fn action(rng: &mut Rng) -> Action {
    match rng.below(8) {
        0 | 1 => Action::Query,
        2 => Action::Release,
        3 => Action::Match,
        4 | 5 => Action::Treat(Treatment::Clear),
        6 => Action::Treat(*rng.pick(&[Treatment::Mask, Treatment::Pseudonymise])),
        _ => Action::Treat(*rng.pick(&[
            Treatment::Presence,
            Treatment::Generalise(Level::Day),
            Treatment::Generalise(Level::Country),
        ])),
    }
}

fn handling(rng: &mut Rng, source: &AgencyId) -> HandlingClass {
    let mut class = class(source.as_str());
    match rng.below(6) {
        0 => class.releasable_to = vec![AgencyId::new(rng.pick(&AGENCIES))],
        1 => class.compartments = vec![CaseId::new(rng.pick(&CASES))],
        2 => class.permitted_use = rng.some(Purpose::ALL, 4),
        _ => {}
    }
    class
}

#[test]
fn a_slice_decides_as_the_whole_set_on_random_questions() {
    compare(Rng(20_260_601));
}

#[test]
fn a_slice_decides_as_the_whole_set_on_other_random_questions() {
    compare(Rng(20_260_602));
}

fn compare(mut rng: Rng) {
    let (mut permitted, mut refused, mut failed) = (0, 0, 0);
    for _ in 0..WORLDS {
        let world = world(&mut rng);
        let all = world.whole_set();
        let keys: Vec<SliceKey> = {
            let mut keys: Vec<_> = world.slices.keys().cloned().collect();
            keys.sort();
            keys
        };
        for _ in 0..QUESTIONS / WORLDS {
            // Mostly a slice that exists, and mostly its own source and purposes: else all is refused.
            let mut key = rng.pick(&keys).clone();
            let agreement = world.agreement(&key.agreement).unwrap().clone();
            let flow = rng.pick(&agreement.flows).clone();
            if rng.below(8) == 0 {
                key.requester = AgencyId::new(rng.pick(&AGENCIES));
                key.record_type = RecordTypeName::new(rng.pick(&TYPES));
            }
            let source = match rng.below(8) {
                0 => AgencyId::new(rng.pick(&AGENCIES)),
                _ => flow.from.clone(),
            };
            let purpose = match rng.below(8) {
                0 => *rng.pick(Purpose::ALL),
                _ => *rng.pick(&flow.purposes),
            };
            let case = (rng.below(2) == 0).then(|| CaseId::new(rng.pick(&CASES)));
            let memberships = world.memberships(&key.requester, NOW);
            let proven = rng.below(2) == 0;
            let action = action(&mut rng);
            let handling = handling(&mut rng, &source);
            let context = world
                .engine
                .context(&Situation {
                    agreement: &key.agreement,
                    source: &source,
                    purpose,
                    case: case.as_ref(),
                    memberships: &memberships,
                    officer_proven: proven,
                    environment: world.environment(),
                    handling: (action != Action::Query).then_some(&handling),
                    granted: rng.below(2) == 0,
                })
                .unwrap();
            let record_type = world.record_type(&key.record_type).unwrap();
            let leaf = match action {
                Action::Query | Action::Release => None,
                Action::Match => record_type.leaf_by_path("id"),
                Action::Treat(_) => Some(rng.pick(record_type.leaves())),
            };
            let sliced = world.ask(&key, action, leaf, &context);
            let whole =
                world.engine.ask(&all.0, &key.requester, action, &key.record_type, leaf, &context);
            assert_eq!(sliced, whole, "{key:?} {action:?} {source} {purpose:?} {case:?} {leaf:?}");
            match sliced {
                Verdict::Permitted(_) => permitted += 1,
                Verdict::Refused(_) => refused += 1,
                Verdict::Failed(_) => failed += 1,
            }
        }
    }
    assert_eq!(permitted + refused + failed, QUESTIONS);
    let enough = QUESTIONS / 20;
    assert!(
        permitted > enough && refused > enough && failed > 50,
        "{permitted} {refused} {failed}"
    );
}

/// The Rust side asks only for the rungs of the right flow; the permits themselves must hold as well.
#[test]
fn permits_hold_for_their_own_source_purpose_case_and_field_only() {
    let world = sample_world();
    let key = SliceKey {
        agreement: "joint-lantern".into(),
        requester: "nv-customs".into(),
        record_type: PARTY.into(),
    };
    let ask = |source: &str, purpose, case: Option<&str>, path: &str| {
        let case = case.map(CaseId::new);
        let context = world.engine.context(&Situation {
            agreement: &key.agreement,
            source: &source.into(),
            purpose,
            case: case.as_ref(),
            memberships: &[],
            officer_proven: false,
            environment: world.environment(),
            handling: Some(&class(source)),
            granted: false,
        });
        let leaf = world.record_type(&key.record_type).unwrap().leaf_by_path(path);
        assert!(leaf.is_some(), "{path}");
        world.ask(&key, Action::Treat(Treatment::Clear), leaf, &context.unwrap())
    };
    let (purpose, case) = (Purpose::Investigation, Some("OP-LANTERN"));
    let permit = Verdict::Permitted(vec!["agreement:joint-lantern/flow:2/ladder:1".into()]);
    assert_eq!(ask("sm-police", purpose, case, "registered_on"), permit);
    let nothing = Verdict::Refused(vec![]);
    assert_eq!(ask("vl-fiu", purpose, case, "registered_on"), nothing);
    assert_eq!(ask("kcs", purpose, case, "registered_on"), nothing);
    assert_eq!(ask("sm-police", Purpose::Interdiction, case, "registered_on"), nothing);
    assert_eq!(ask("sm-police", purpose, Some("CASE-1"), "registered_on"), nothing);
    assert_eq!(ask("sm-police", purpose, None, "registered_on"), nothing);
    assert_eq!(ask("sm-police", purpose, case, "registration_number"), nothing);
}

#[test]
fn the_whole_set_is_larger_than_a_slice() {
    let world = sample_world();
    let whole = world.whole_set().0.policies().count();
    for (key, slice) in &world.slices {
        assert!(slice.policies().count() * 2 < whole, "{key:?}");
    }
}

/// Plans ask once about fields that no rule can tell apart, and slices hold what can apply: plain Cedar over every
/// policy, field by field, says the same, also where a policy of the gateway's own tells fields apart.
#[test]
fn a_plan_is_what_plain_cedar_says_of_every_field() {
    let by_path = "@id(\"here:x\") forbid (principal, action in Action::\"learn\", resource) \
                   when { resource.path == \"ucr\" || resource.path like \"items.*\" };";
    let hidden = "@id(\"here:y\") forbid (principal, action == Action::\"clear\", resource) \
                  when { resource[\"p\\u{61}th\"] == \"accepted_at\" };";
    for policies in [vec![], vec![cedar_file(by_path)], vec![cedar_file(hidden)]] {
        let world = load(&samples(), &policies);
        let whole = Arc::new(world.whole_set());
        for (request, class) in super::laws::questions() {
            for request in [request.clone(), by_officer(request)] {
                let permit = permit(&world, &request);
                let over = permit.plan_over(&whole, &class, NOW);
                match (permit.plan(&class, NOW), over) {
                    (Ok(plan), Ok(over)) => assert_eq!(plan.fields(), over.fields()),
                    (Err(one), Err(two)) => assert_eq!(one, two),
                    (one, two) => panic!("{one:?} {two:?}"),
                }
            }
        }
    }
}
