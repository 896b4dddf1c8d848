//! Statements have one text; lives are what a simple model says they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::{Act, ActRefusal, Exchange, Life, Statement, Version};
use crate::handling::Environment;
use crate::id::{AgencyId, AgreementId, Digest, Moment, RecordTypeName};
use crate::policy::{Agency, Purpose};
use crate::policy::{AgreementFile, Facts, Phase, Registry, Take};

const PARTIES: [&str; 3] = ["aa", "bb", "cc"];
const GUEST: &str = "dd";
const START: i64 = 1_780_000_000_000;

fn text(version: u32, accession: &str, termination: &str) -> String {
    format!(
        "id = \"trio\"\nversion = {version}\ntitle = \"t\"\nlegal_basis = \"b\"\n\
         parties = [\"aa\", \"bb\", \"cc\"]\nopen_to = [\"dd\"]\naccession = \"{accession}\"\n\
         termination = \"{termination}\"\nvalid_from = 2024-01-01\nvalid_until = 2035-12-31\n\
         [[flow]]\nfrom = \"aa\"\nto = [\"bb\", \"dd\"]\nrecord_types = [\"awaited.v1.Thing\"]\n\
         purposes = [\"INVESTIGATION\"]\ncase_required = false\npermitted_use = [\"INVESTIGATION\"]\n\
         delete_after_days = 3\nrelease_by_originator = false\n\
         [flow.budgets]\nqueries_per_day = 1\nrecords_per_day = 1\n\
         [[flow.ladder]]\ncategory = \"COMMERCIAL\"\nsensitivity = \"ANY\"\nrungs = [\"clear\", \"withhold\"]\n"
    )
}

fn version(number: u32, accession: &str, termination: &str) -> Version {
    let file = AgreementFile { name: "t".into(), text: text(number, accession, termination) };
    let agency = |id: &&str| Agency {
        id: AgencyId::new(id),
        name: String::new(),
        country: "XX".into(),
        kind: String::new(),
        max_sensitivity: crate::label::Sensitivity::Secret,
        systems: vec![],
    };
    let registry = Registry {
        agencies: PARTIES.iter().chain([&GUEST]).map(agency).collect(),
        cases: vec![],
        environment: Environment::Exercise,
    };
    let facts = Facts::read(&file, &registry, &[], &["awaited".to_owned()]).unwrap();
    let schemas = BTreeMap::from([(RecordTypeName::new("awaited.v1.Thing"), Digest([7; 32]))]);
    Version::new(file, Arc::new(facts.agreement), schemas, false)
}

fn life(accession: &str, termination: &str) -> Life {
    let mut life = Life::new(AgreementId::new("trio"));
    life.propose(Some(&AgencyId::new("aa")), version(1, accession, termination)).unwrap();
    life
}

fn statement(life: &Life, by: &str, at: i64, act: Act) -> Statement {
    let version = life.versions().values().next_back().unwrap();
    Statement {
        exchange: Exchange { trust_domain: "x.example".into(), environment: Environment::Exercise },
        agreement: life.id().clone(),
        version: version.agreement.version,
        text: version.agreement.digest,
        serial: life.next_serial(&AgencyId::new(by)),
        by: AgencyId::new(by),
        at: Moment(at).max(Moment(0)),
        act,
        reason: String::new(),
    }
}

fn schemas(life: &Life) -> BTreeMap<RecordTypeName, Digest> {
    life.versions().values().next_back().unwrap().schemas.clone()
}

/// What a statement can be, in the words of the model.
#[derive(Debug, Clone, Copy)]
enum Op {
    Sign,
    Accede,
    Consent,
    Reserve,
    Suspend,
    Resume,
    Withdraw(i64),
    Terminate(i64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::Sign),
        2 => Just(Op::Accede),
        3 => Just(Op::Consent),
        1 => Just(Op::Reserve),
        3 => Just(Op::Suspend),
        3 => Just(Op::Resume),
        1 => (-5_i64..20).prop_map(Op::Withdraw),
        1 => (-5_i64..20).prop_map(Op::Terminate),
    ]
}

/// The model: what was accepted, in order, and questions answered by looking through all of it.
#[derive(Default)]
struct Model(Vec<(i64, String, Op)>);

impl Model {
    fn did(&self, by: &str, wanted: fn(&Op) -> bool) -> bool {
        self.0.iter().any(|(_, who, op)| who == by && wanted(op))
    }

    fn complete(&self) -> bool {
        PARTIES.iter().all(|one| self.did(one, |op| matches!(op, Op::Sign)))
    }

    fn left(&self, who: &str, now: i64) -> bool {
        self.0.iter().any(|(at, by, op)| match op {
            Op::Withdraw(after) => by == who && (*at).max(at + after) <= now,
            _ => false,
        })
    }

    fn joined(&self, all: bool, now: i64) -> bool {
        let Some(asked) = self.0.iter().position(|(_, _, op)| matches!(op, Op::Accede)) else {
            return false;
        };
        if !all {
            return true;
        }
        // Was there a moment of consent or withdrawal at which everybody still in it had consented?
        (asked..self.0.len()).any(|upto| {
            let (at, _, op) = &self.0[upto];
            let agreed: BTreeSet<&str> = self.0[asked..=upto]
                .iter()
                .filter(|(_, _, op)| matches!(op, Op::Consent))
                .map(|(_, by, _)| by.as_str())
                .collect();
            let before = Self(self.0[..=upto].to_vec());
            matches!(op, Op::Consent | Op::Withdraw(_))
                && *at <= now
                && PARTIES.iter().all(|one| before.left(one, *at) || agreed.contains(one))
        })
    }

    fn suspended(&self, now: i64) -> bool {
        PARTIES.iter().chain([&GUEST]).any(|who| {
            let last = self
                .0
                .iter()
                .rev()
                .find(|(_, by, op)| by == who && matches!(op, Op::Suspend | Op::Resume));
            matches!(last, Some((_, _, Op::Suspend))) && !self.left(who, now)
        })
    }

    fn ended(&self, all: bool, now: i64) -> bool {
        let mut ends: Option<i64> = None;
        for upto in 0..self.0.len() {
            let (at, _, Op::Terminate(after)) = &self.0[upto] else { continue };
            let before = Self(self.0[..=upto].to_vec());
            let effective = if all && before.complete() {
                let mut parties: Vec<&str> =
                    PARTIES.iter().copied().filter(|one| !before.left(one, *at)).collect();
                if before.joined(self.consent_all(), *at) && !before.left(GUEST, *at) {
                    parties.push(GUEST);
                }
                let of = |who: &str| {
                    before.0.iter().rev().find_map(|(at, by, op)| match op {
                        Op::Terminate(after) if by == who => Some((*at).max(at + after)),
                        _ => None,
                    })
                };
                let times: Option<Vec<i64>> = parties.into_iter().map(of).collect();
                times.and_then(|times| times.into_iter().max())
            } else {
                Some((*at).max(at + after))
            };
            ends = ends.into_iter().chain(effective).min();
        }
        ends.is_some_and(|at| at <= now)
    }

    /// The model's accessions are always under the same clause as its terminations: see the test.
    fn consent_all(&self) -> bool {
        true
    }

    fn in_force(&self, all: bool, now: i64) -> bool {
        self.complete() && !self.suspended(now) && !self.ended(all, now)
    }

    fn may(&self, all: bool, by: &str, op: Op, now: i64) -> bool {
        let party = PARTIES.contains(&by);
        let in_it = (party && self.did(by, |op| matches!(op, Op::Sign)))
            || (by == GUEST && self.joined(all, now));
        if self.left(by, now) || self.ended(all, now) {
            return false;
        }
        let complete = self.complete();
        let asked = self.did(GUEST, |op| matches!(op, Op::Accede));
        match op {
            Op::Sign => party && !self.did(by, |op| matches!(op, Op::Sign)),
            Op::Accede => by == GUEST && complete && !asked,
            Op::Consent => {
                let agreed = self.did(by, |op| matches!(op, Op::Consent));
                in_it && complete && asked && !self.joined(all, now) && !agreed
            }
            Op::Reserve => in_it && complete && by != "cc",
            Op::Suspend | Op::Resume => {
                let last = self
                    .0
                    .iter()
                    .rev()
                    .find(|(_, who, op)| who == by && matches!(op, Op::Suspend | Op::Resume));
                let suspends = matches!(last, Some((_, _, Op::Suspend)));
                in_it && complete && suspends == matches!(op, Op::Resume)
            }
            Op::Withdraw(_) => in_it && complete,
            Op::Terminate(_) => in_it,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Random acts by anybody at any time: the life takes what the model says may be done, refuses everything
    /// else without a trace, and stands as the model says.
    #[test]
    fn a_life_is_what_the_model_says(
        all in any::<bool>(),
        acts in proptest::collection::vec((0_usize..4, op(), 0_i64..6), 1..40),
    ) {
        let word = if all { "all" } else { "any" };
        let (mut life, mut model) = (life(word, word), Model::default());
        let mut replayed = vec![];
        let mut now = START;
        for (who, op, later) in acts {
            now += later * 1000;
            let by = ["aa", "bb", "cc", "dd"][who];
            let effective = |after: i64| Some(Moment(now + after * 1000));
            let act = match op {
                Op::Sign => Act::Sign(schemas(&life)),
                Op::Accede => Act::Accede(schemas(&life)),
                Op::Consent => Act::Consent(AgencyId::new(GUEST)),
                Op::Reserve => Act::Reserve(vec![(None, Take::Purpose(Purpose::Investigation))]),
                Op::Suspend => Act::Suspend,
                Op::Resume => Act::Resume,
                Op::Withdraw(after) => Act::Withdraw(effective(after)),
                Op::Terminate(after) => Act::Terminate(effective(after)),
            };
            let op = match op {
                Op::Withdraw(after) => Op::Withdraw(after * 1000),
                Op::Terminate(after) => Op::Terminate(after * 1000),
                other => other,
            };
            let statement = statement(&life, by, now, act);
            let before = format!("{life:?}");
            let took = life.apply(&statement, Moment(now));
            prop_assert_eq!(took.is_ok(), model.may(all, by, op, now), "{} {:?} {:?}", by, op, took);
            if took.is_ok() {
                model.0.push((now, by.to_owned(), op));
                replayed.push((statement.clone(), now));
            } else {
                prop_assert_eq!(before, format!("{life:?}"));
            }
            // Again, it is a replay or refused for what it was refused for.
            let again = life.clone().apply(&statement, Moment(now));
            prop_assert_eq!(again.err(), took.err().or(Some(ActRefusal::Replayed)));
            for at in [now, now + 3000, now + 30_000] {
                let standing = life.current(Moment(at)).unwrap().standing(Moment(at));
                let agreement = &life.current(Moment(at)).unwrap().agreement;
                let ended = standing.ends.is_some_and(|ends| ends <= Moment(at));
                prop_assert_eq!(standing.phase == Phase::InForce && !ended, model.in_force(all, at));
                for who in PARTIES {
                    let left = standing.left.get(who).is_some_and(|when| *when <= Moment(at));
                    prop_assert_eq!(left, model.left(who, at), "{}", who);
                    prop_assert!(agreement.parties.contains(&AgencyId::new(who)));
                }
                prop_assert_eq!(standing.joined.contains(GUEST), model.joined(all, at));
            }
        }
        // The same statements at the same times come to the same life: a restart loses nothing.
        let mut again = self::life(word, word);
        for (statement, at) in replayed {
            again.apply(&statement, Moment(at)).unwrap();
        }
        prop_assert_eq!(format!("{again:?}"), format!("{life:?}"));
    }

    /// A text is read only if it is the one text of what it says: no byte can be changed, added or left out.
    #[test]
    fn a_statement_has_one_text(at in 0_usize..700, byte in any::<u8>()) {
        let life = life("all", "any");
        for act in [
            Act::Sign(schemas(&life)),
            Act::Consent(AgencyId::new("dd")),
            Act::Withdraw(Some(Moment(START))),
            Act::Suspend,
            Act::Reserve(vec![
                (None, Take::Purpose(Purpose::Investigation)),
                (Some(1), Take::Field {
                    path: "a.b".into(),
                    at_most: crate::redact::Treatment::Presence,
                }),
            ]),
        ] {
            let mut said = statement(&life, "aa", START, act);
            said.reason = "why: not".into();
            let text = said.text();
            prop_assert_eq!(&Statement::parse(&text).unwrap(), &said);
            let mut bytes = text.clone().into_bytes();
            let at = at % bytes.len();
            if bytes[at] == byte {
                bytes.insert(at, byte);
            } else {
                bytes[at] = byte;
            }
            if let Ok(changed) = String::from_utf8(bytes)
                && let Ok(other) = Statement::parse(&changed)
            {
                prop_assert_ne!(other, said);
            }
        }
    }
}

fn signed_by_all(life: &mut Life) {
    for by in PARTIES {
        let sign = statement(life, by, START, Act::Sign(schemas(life)));
        life.apply(&sign, Moment(START)).unwrap();
    }
}

#[test]
fn an_older_version_or_another_text_is_refused_by_name() {
    let mut one = life("all", "any");
    signed_by_all(&mut one);
    let old = statement(&one, "aa", START, Act::Suspend);
    assert_eq!(
        one.propose(Some(&"aa".into()), version(1, "any", "any")),
        Err(ActRefusal::VersionNotNew)
    );
    assert_eq!(
        one.propose(Some(&"zz".into()), version(2, "any", "any")),
        Err(ActRefusal::NotAParty)
    );
    one.propose(Some(&"bb".into()), version(2, "any", "any")).unwrap();
    // Until the new one is signed by all, the old one counts and can be acted on.
    assert_eq!(one.current(Moment(START)).unwrap().agreement.version, 1);
    assert!(one.clone().apply(&old, Moment(START)).is_ok());
    signed_by_all(&mut one);
    assert_eq!(one.current(Moment(START)).unwrap().agreement.version, 2);
    assert_eq!(one.apply(&old, Moment(START)), Err(ActRefusal::Replayed), "its serial is used");
    let late = Statement { serial: one.next_serial(&"aa".into()), ..old.clone() };
    assert_eq!(one.apply(&late, Moment(START)), Err(ActRefusal::VersionSuperseded));
    let good = statement(&one, "aa", START, Act::Suspend);
    let cases = [
        (Statement { text: Digest([1; 32]), ..good.clone() }, ActRefusal::TextDiffers),
        (Statement { version: 9, ..good.clone() }, ActRefusal::VersionUnknown),
        (Statement { agreement: "other".into(), ..good.clone() }, ActRefusal::OtherAgreement),
        (Statement { serial: good.serial + 1, ..good.clone() }, ActRefusal::OutOfOrder),
        (Statement { by: "zz".into(), serial: 1, ..good.clone() }, ActRefusal::NotAParty),
        (Statement { at: Moment(START + 3_600_000), ..good.clone() }, ActRefusal::FromTheFuture),
        (Statement { act: Act::Sign(BTreeMap::new()), ..good.clone() }, ActRefusal::SchemaDiffers),
    ];
    for (said, refusal) in cases {
        assert_eq!(one.apply(&said, Moment(START)), Err(refusal));
    }
    one.apply(&good, Moment(START)).unwrap();
}

#[test]
fn a_version_that_begins_later_leaves_the_one_before_in_force_until_then() {
    let mut one = life("all", "any");
    signed_by_all(&mut one);
    let later = text(2, "all", "any").replace("2024-01-01", "2030-01-01");
    let mut next = version(2, "all", "any");
    let file = AgreementFile { name: "t".into(), text: later };
    let begins = Moment::from_seconds(1_893_456_000);
    let mut agreement = (*next.agreement).clone();
    (agreement.valid_from, agreement.digest) = (begins, Digest::of(file.text.as_bytes()));
    (next.file, next.agreement) = (file, Arc::new(agreement));
    one.propose(Some(&"aa".into()), next).unwrap();
    signed_by_all(&mut one);
    let held = one.held(Moment(START)).unwrap();
    assert!(held.file.text.contains("version = 1"));
    assert_eq!(held.standing.ends, Some(begins));
    assert_eq!(one.next_change(Moment(START)), Some(begins));
    assert!(one.held(begins).unwrap().file.text.contains("version = 2"));
}
