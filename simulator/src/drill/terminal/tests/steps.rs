//! Steps on release requests: what a form makes of each, that a second Enter sends it, that none is taken twice or on another
//! state than the one that was seen; and the use of a grant.

use portcullis_core::release::{Act, Ground, State};
use portcullis_proto::drill::v1 as wire;
use portcullis_proto::query::v1 as query;
use query::release_decision::Step;
use ratatui::crossterm::event::KeyCode;

use super::super::message::{Effect, Message, Outcome};
use super::super::model::Screen;
use super::super::request::arrived;
use super::player::answered;
use super::requests::{OWN, decision, desk, looks, pick, release, releases, step};
use super::{Desk, answer, told};

#[test]
fn nothing_is_granted_that_was_not_ticked_and_a_second_enter_sends_it() {
    let mut desk = desk();
    desk.press(&[KeyCode::Char('g')]);
    desk.shows("Grant request 3 of kt-customs");
    desk.shows("“the consignee of case 3 stands in two of our declarations”");
    desk.shows("show: 0 of 3 ticked");
    desk.press(&[KeyCode::Enter, KeyCode::Enter]);
    assert!(desk.calls().is_empty());
    desk.shows("tick with Space what is shown");
    desk.press(&[KeyCode::Char(' '), KeyCode::Down, KeyCode::Down, KeyCode::Char(' ')]);
    desk.tab(1);
    desk.write("for this case alone");
    desk.tab(1);
    desk.write("Ana");
    desk.press(&[KeyCode::Enter]);
    assert!(desk.calls().is_empty(), "the first Enter only says what is going to happen");
    desk.shows("kt-customs will see in clear, of this one record: importer.id,");
    // What changes after that is said anew before it goes out.
    desk.write("s");
    desk.press(&[KeyCode::Enter]);
    assert!(desk.calls().is_empty());
    desk.tell(Message::Paste("!".into()));
    desk.press(&[KeyCode::Enter]);
    assert!(desk.calls().is_empty());
    desk.press(&[KeyCode::Enter]);
    let (call, decision) = decision(&mut desk);
    assert_eq!(decision.release_id, release(3, "", "", State::Pending, vec![]).id);
    assert_eq!((decision.after_step, decision.officer.as_str()), (1, "Anas!"));
    let Some(Step::Grant(grant)) = decision.step else { panic!() };
    let fields: Vec<&str> = grant.fields.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(fields, ["importer.id", "items.hs_code"]);
    assert_eq!((grant.remark.as_str(), grant.until), ("for this case alone", None));
    desk.done(&call);
    assert!(desk.model.dialog.is_none());
    assert_eq!(looks(&mut desk), 1, "after one's own step at once");
    desk.shows("done: grant");
}

#[test]
fn a_refusal_has_a_ground_that_somebody_chose_and_words_where_it_needs_them() {
    let mut desk = desk();
    desk.press(&[KeyCode::Char('r'), KeyCode::Enter]);
    desk.shows("ground is missing");
    desk.press(&[KeyCode::Char('o'), KeyCode::Char('o'), KeyCode::Enter]);
    desk.shows("OTHER: the words say why");
    desk.shows("words is missing");
    desk.write("not ours to give");
    desk.press(&[KeyCode::Enter, KeyCode::Enter]);
    let (call, decision) = decision(&mut desk);
    let Some(Step::Refusal(refusal)) = &decision.step else { panic!() };
    assert_eq!(refusal.ground(), query::RefusalGround::Other);
    assert_eq!(refusal.text, "not ours to give");
    desk.done(&call);
    // Every ground of the contract can be chosen.
    pick(&mut desk, 4);
    desk.press(&[KeyCode::Char('r')]);
    for ground in Ground::ALL {
        desk.press(&[KeyCode::Right]);
        assert_eq!(desk.model.dialog.as_ref().unwrap().form.value("ground"), ground.word());
    }
}

#[test]
fn each_side_takes_its_own_steps_and_only_those_that_are_open() {
    use Act::{Answer, AskBack, Grant, Refuse, Revoke, Withdraw};
    let mut desk = desk();
    let cases: [(u64, &[Act]); 7] = [
        (3, &[Grant, Refuse, AskBack]),
        (5, &[Grant, Refuse]),
        (1, &[Revoke]),
        (7, &[Answer, Withdraw]),
        (8, &[]),
        (6, &[Withdraw]),
        (2, &[]),
    ];
    for (number, acts) in cases {
        pick(&mut desk, number);
        assert_eq!(desk.model.picked_request().unwrap().steps(OWN), acts, "{number}");
        for letter in "grbavw".chars().filter(|letter| number != 8 || *letter != 'a') {
            desk.press(&[KeyCode::Char(letter)]);
            let opened = desk.model.dialog.is_some();
            let expected = acts.iter().any(|act| {
                let (key, _) = super::super::model::step_key(*act);
                key.starts_with(letter)
            });
            assert_eq!(opened, expected, "request {number}, key {letter}");
            desk.press(&[KeyCode::Esc]);
        }
    }
    assert!(desk.calls().is_empty());
}

#[test]
fn questions_answers_withdrawals_and_grants_taken_back() {
    let mut desk = desk();
    let cases: [(u64, char, &str, &str); 4] = [
        (3, 'b', "question", "asked back, and has to answer first"),
        (7, 'a', "answer", "will get this answer"),
        (1, 'v', "reason", "can use the grant no more"),
        (6, 'w', "reason", "will be withdrawn, for good"),
    ];
    for (number, key, field, said) in cases {
        pick(&mut desk, number);
        desk.press(&[KeyCode::Char(key)]);
        if key == 'a' {
            desk.shows("“which two declarations?”");
        }
        if key != 'w' {
            desk.press(&[KeyCode::Enter]);
            desk.shows(&format!("{field} is missing"));
        }
        desk.write("our words");
        desk.press(&[KeyCode::Enter]);
        desk.shows(said);
        desk.press(&[KeyCode::Enter]);
        let (call, decision) = decision(&mut desk);
        let after = desk.model.requests.numbered(number).unwrap().last_step();
        assert_eq!(decision.after_step, after);
        let words = "our words".to_owned();
        let expected = match key {
            'b' => Step::Question(words),
            'a' => Step::Answer(words),
            'v' => Step::Revocation(words),
            _ => Step::Withdrawal(words),
        };
        assert_eq!(decision.step, Some(expected));
        desk.done(&call);
    }
}

#[test]
fn a_step_goes_out_again_after_the_same_last_step_until_it_is_known() {
    let mut desk = desk();
    desk.press(&[KeyCode::Char('b')]);
    desk.write("which case?");
    desk.press(&[KeyCode::Enter, KeyCode::Enter]);
    let (first, _) = decision(&mut desk);
    desk.tell(Message::Called(first.key().into(), Outcome::Unsure("connection reset".into())));
    desk.tell(Message::Lost("connection reset".into()));
    // The drill is lost, the gateway is another connection: it is tried all the same.
    desk.tick(9);
    assert_eq!(desk.call(), first);
    desk.tell(Message::Called(first.key().into(), Outcome::Unsure("connection reset".into())));
    // Meanwhile no second step can be begun on the same request.
    desk.press(&[KeyCode::Esc, KeyCode::Char('g')]);
    assert!(desk.model.dialog.is_none());
    desk.shows("CONNECTION LOST");
    desk.tell(Message::Opened(Box::new(told(wire::Role::Player))));
    assert_eq!(desk.call(), first);
    desk.press(&[KeyCode::Char('g')]);
    desk.shows("request 3: a step is under way");
    desk.done(&first);
    assert!(desk.model.outbox.is_empty());
}

/// A colleague asks back about the third request, and the other agency answers.
fn answered_meanwhile(desk: &mut Desk) {
    let mut all = releases();
    all[2] = release(
        3,
        "kt-customs",
        OWN,
        State::Pending,
        vec![
            step(2, Act::AskBack, OWN, "why?"),
            step(3, Act::Answer, "kt-customs", "for case seven"),
        ],
    );
    desk.tell(Message::Releases(Ok(all)));
}

#[test]
fn a_step_that_another_one_overtook_is_looked_at_before_it_goes_out() {
    let mut desk = desk();
    desk.press(&[KeyCode::Char('b')]);
    desk.write("which case?");
    desk.press(&[KeyCode::Enter]);
    answered_meanwhile(&mut desk);
    desk.press(&[KeyCode::Enter]);
    assert!(desk.calls().is_empty());
    desk.shows("Meanwhile: 3. 2024-03-05 09:33 ANSWER by kt-customs, ბერიძე (as told): for");
    desk.press(&[KeyCode::Enter]);
    let (call, decision) = decision(&mut desk);
    assert_eq!(decision.after_step, 3);
    // What the gateway knows and the desk does not yet, the gateway refuses; what was written stays.
    let why = "RELEASE_CHANGED: a later step was taken: look at it first";
    desk.tell(Message::Called(call.key().into(), Outcome::Refused(why.into())));
    assert_eq!(looks(&mut desk), 1);
    desk.shows(why);
    assert_eq!(desk.model.dialog.as_ref().unwrap().form.value("question"), "which case?");
    desk.press(&[KeyCode::Enter]);
    assert!(desk.calls().is_empty(), "it is said anew what goes out");
}

#[test]
fn what_was_written_is_there_when_a_form_is_opened_again() {
    let mut desk = desk();
    desk.press(&[KeyCode::Char('g'), KeyCode::Char(' ')]);
    desk.tab(1);
    desk.write("as asked");
    desk.press(&[KeyCode::Esc, KeyCode::Char('g')]);
    let form = &desk.model.dialog.as_ref().unwrap().form;
    assert_eq!((form.value("remark").as_str(), form.ticked("show").len()), ("as asked", 1));
    // What others say above it is what they said last.
    desk.press(&[KeyCode::Esc]);
    answered_meanwhile(&mut desk);
    desk.press(&[KeyCode::Char('g')]);
    desk.shows("“for case seven”");
    desk.effects.clear();
    // Closed while it is under way, and refused after that.
    desk.press(&[KeyCode::Enter, KeyCode::Enter]);
    let call = desk.call();
    desk.press(&[KeyCode::Esc]);
    let why = "FIELD_NOT_GRANTABLE: `importer.id` cannot be granted so";
    desk.tell(Message::Called(call.key().into(), Outcome::Refused(why.into())));
    desk.shows("refused: grant: FIELD_NOT_GRANTABLE");
    desk.press(&[KeyCode::Char('g')]);
    assert_eq!(desk.model.dialog.as_ref().unwrap().form.value("remark"), "as asked");
    // Another request has a form of its own, and what was sent leaves none behind.
    desk.press(&[KeyCode::Enter, KeyCode::Enter]);
    let call = desk.call();
    desk.done(&call);
    assert!(desk.model.requests.drafts.is_empty());
    pick(&mut desk, 4);
    desk.press(&[KeyCode::Char('g')]);
    assert_eq!(desk.model.dialog.as_ref().unwrap().form.value("remark"), "");
}

#[test]
fn a_grant_is_asked_for_again_by_its_name_and_its_answer_can_be_cited() {
    let mut desk = Desk::player();
    answered(&mut desk, 2);
    desk.tell(Message::Releases(Ok(releases())));
    desk.press(&[KeyCode::Char('5')]);
    pick(&mut desk, 8);
    desk.press(&[KeyCode::Enter]);
    desk.shows("seen for matter 2");
    desk.effects.clear();
    desk.press(&[KeyCode::Char('a')]);
    let asked = std::mem::take(&mut desk.effects).into_iter().find_map(|effect| match effect {
        Effect::Ask { number, request, .. } => Some((number, request)),
        _ => None,
    });
    let (number, request) = asked.unwrap();
    let query = request.query.unwrap();
    assert_eq!(query.release_id, format!("{:032x}", 8));
    assert_eq!(query.fields, ["importer.id", "importer.name"], "what was granted and no more");
    assert_eq!((query.case_id.as_str(), query.sources), ("CASE-1", vec!["kt-customs".to_owned()]));
    assert!(query.references.is_empty() && query.filter.is_none());
    assert!(!request.idempotency_key.is_empty());
    assert_eq!(desk.model.screen, Screen::Answers);
    assert_eq!(desk.model.exchanges.last().unwrap().matter, 2);
    desk.tell(Message::Answered(number, Ok(answer(1))));
    desk.press(&[KeyCode::Char('c')]);
    desk.shows("[x] matter 2, kt-customs, Declaration: 1 record");
}

#[test]
fn the_very_step_is_known_again_and_no_other_one() {
    let grant = |paths: &[&str]| {
        let of = |path: &&str| query::ReleaseField { path: (*path).into(), ..Default::default() };
        let fields = paths.iter().map(of).collect();
        Step::Grant(query::ReleaseGrant { fields, remark: "as asked".into(), until: None })
    };
    let decision = |step, after_step| query::ReleaseDecision {
        release_id: format!("{:032x}", 1),
        step: Some(step),
        officer: "Ana".into(),
        after_step,
    };
    let both = ["importer.name", "importer.id"];
    let granted = releases().remove(0);
    assert!(arrived(&granted, &decision(grant(&both), 1)));
    for other in [
        decision(grant(&both), 2),
        decision(grant(&both[..1]), 1),
        decision(Step::Question("as asked".into()), 1),
        query::ReleaseDecision { officer: "Ben".into(), ..decision(grant(&both), 1) },
    ] {
        assert!(!arrived(&granted, &other), "{other:?}");
    }
    let refused = releases().remove(1);
    let refusal = |ground: Ground, text: &str| query::ReleaseDecision {
        officer: "ბერიძე".into(),
        ..decision(
            Step::Refusal(query::ReleaseRefusal { ground: ground as i32, text: text.into() }),
            1,
        )
    };
    assert!(arrived(&refused, &refusal(Ground::NotNecessary, "you hold the same name")));
    assert!(!arrived(&refused, &refusal(Ground::Other, "you hold the same name")));
    assert!(!arrived(&refused, &refusal(Ground::NotNecessary, "other words")));
}

#[test]
fn a_step_prints_for_developers_without_its_words() {
    let mut desk = desk();
    desk.press(&[KeyCode::Char('b')]);
    desk.write("SECRET");
    desk.press(&[KeyCode::Enter, KeyCode::Enter]);
    let told = format!("{:?}", desk.effects);
    assert!(told.contains("question back") && !told.contains("SECRET"), "{told}");
}
