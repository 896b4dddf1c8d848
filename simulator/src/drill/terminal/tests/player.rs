//! A player's key paths.

use portcullis::client::Refused;
use portcullis_core::policy::Purpose;
use portcullis_proto::drill::v1 as wire;
use ratatui::crossterm::event::KeyCode;

use super::super::exchange::Came;
use super::super::message::{Call, Effect, Message, Outcome};
use super::super::model::Screen;
use super::super::question::{Policy, field};
use super::{Desk, answer, ask_screen, event, explained, told};

fn asked(desk: &mut Desk) -> Option<(u64, portcullis_proto::query::v1::QueryRequest)> {
    std::mem::take(&mut desk.effects).into_iter().find_map(|effect| match effect {
        Effect::Ask { number, request, .. } => Some((number, request)),
        _ => None,
    })
}

fn explaining(desk: &mut Desk) -> Option<(u64, portcullis_proto::query::v1::Query)> {
    std::mem::take(&mut desk.effects).into_iter().find_map(|effect| match effect {
        Effect::Explain(number, query) => Some((number, query)),
        _ => None,
    })
}

/// A question with its first field ticked that policy allows.
fn ready(desk: &mut Desk) {
    ask_screen(desk);
    desk.tick(2);
    let (number, _) = explaining(desk).unwrap();
    desk.tell(Message::Explained(number, Ok(Box::new(explained(true)))));
    desk.tab(6);
    desk.press(&[KeyCode::Char(' ')]);
}

/// A question that was asked and answered with records.
pub(super) fn answered(desk: &mut Desk, records: usize) -> u64 {
    ready(desk);
    desk.press(&[KeyCode::Enter]);
    let (number, _) = asked(desk).unwrap();
    desk.tell(Message::Answered(number, Ok(answer(records))));
    number
}

#[test]
fn open_matters_come_first_by_what_is_left_of_their_time() {
    let desk = Desk::player();
    let order: Vec<u32> = desk.model.queue().iter().map(|matter| matter.number).collect();
    assert_eq!(order, [2, 1, 3, 4]);
    assert_eq!(desk.model.open_matters(), 2);
}

#[test]
fn policy_is_asked_about_every_field_once_typing_stops() {
    let mut desk = Desk::player();
    ask_screen(&mut desk);
    desk.tick(1);
    assert!(explaining(&mut desk).is_none(), "asked while somebody may still type");
    desk.tick(1);
    let (number, query) = explaining(&mut desk).unwrap();
    assert_eq!(query.fields, ["*"]);
    assert_eq!((query.sources, query.case_id.as_str()), (vec!["kt-customs".to_owned()], "CASE-1"));
    desk.tick(5);
    assert!(explaining(&mut desk).is_none(), "asked twice");
    // An answer to what was changed since says nothing.
    desk.tab(4);
    desk.write("id = a");
    desk.tell(Message::Explained(number, Ok(Box::new(explained(true)))));
    assert!(matches!(desk.model.question.as_ref().unwrap().policy, Policy::Unknown));
    desk.tick(2);
    let (again, query) = explaining(&mut desk).unwrap();
    assert!(query.filter.is_some());
    desk.tell(Message::Explained(again, Ok(Box::new(explained(true)))));
    assert!(desk.model.question.as_ref().unwrap().treatment("id").is_some());
}

#[test]
fn a_question_names_what_was_ticked_and_nothing_else() {
    let mut desk = Desk::player();
    ready(&mut desk);
    desk.press(&[KeyCode::Down, KeyCode::Down, KeyCode::Char(' ')]);
    let ticked = desk.model.question.as_ref().unwrap().form.ticked(field::FIELDS);
    desk.press(&[KeyCode::Enter]);
    let (_, request) = asked(&mut desk).unwrap();
    let query = request.query.unwrap();
    assert_eq!(query.fields, ticked);
    assert_eq!(query.fields.len(), 2);
    assert_eq!(query.purpose, Purpose::Investigation as i32);
    assert!(!request.idempotency_key.is_empty());
    assert_eq!(desk.model.screen, Screen::Answers);
    assert_eq!(desk.model.exchanges[0].matter, 2, "asked for the matter that was picked");
}

#[test]
fn nothing_ticked_is_not_everything() {
    let mut desk = Desk::player();
    ready(&mut desk);
    desk.press(&[KeyCode::Char(' '), KeyCode::Enter]);
    assert!(asked(&mut desk).is_none());
    desk.shows("tick at least one field");
}

#[test]
fn what_policy_refuses_is_asked_only_by_a_second_enter() {
    let mut desk = Desk::player();
    ready(&mut desk);
    let number = desk.model.question.as_ref().unwrap().number;
    desk.tell(Message::Explained(number, Ok(Box::new(explained(false)))));
    desk.shows("DENIED PURPOSE_NOT_PERMITTED: statistics are not agreed");
    desk.shows("remedy: ask for INVESTIGATION");
    desk.press(&[KeyCode::Enter]);
    assert!(asked(&mut desk).is_none());
    desk.shows("policy refuses this; Enter once more asks all the same");
    desk.press(&[KeyCode::Enter]);
    assert!(asked(&mut desk).is_some());
}

#[test]
fn mistakes_in_an_expression_are_pointed_at() {
    let mut desk = Desk::player();
    ready(&mut desk);
    desk.tab(5);
    assert_eq!(desk.model.question.as_ref().unwrap().form.focused(), field::WHERE);
    desk.write("offise = カナ");
    desk.press(&[KeyCode::Enter]);
    assert!(asked(&mut desk).is_none());
    desk.shows("has no field `offise`; did you mean");
    desk.shows(" ^^^^^^ ");
    // The form stays as it was, and the cursor is where the mistake is.
    assert_eq!(desk.model.question.as_ref().unwrap().form.value(field::WHERE), "offise = カナ");
    // A place behind wide letters is pointed at where it stands.
    desk.control('u');
    desk.write("office = 'カナ' xor");
    desk.press(&[KeyCode::Enter]);
    let error = desk.model.question.as_ref().unwrap().form.error.clone();
    assert!(error.ends_with(&format!("{}^^^", " ".repeat(16))), "{error}");
}

#[test]
fn record_types_and_fields_follow_the_agency_and_ticks_stay() {
    let mut desk = Desk::player();
    ready(&mut desk);
    let ticked = desk.model.question.as_ref().unwrap().form.ticked(field::FIELDS);
    desk.tab(1);
    desk.press(&[KeyCode::Right]);
    let form = &desk.model.question.as_ref().unwrap().form;
    assert_eq!(form.value(field::AGENCY), "jp-licence");
    assert!(form.value(field::TYPE).ends_with("ExportLicence"));
    assert_eq!(form.ticked(field::FIELDS), ticked, "`id` is a field of both");
    assert!(matches!(desk.model.question.as_ref().unwrap().policy, Policy::Unknown));
}

#[test]
fn a_question_of_whose_answer_nobody_knows_goes_out_under_the_same_key() {
    let mut desk = Desk::player();
    ready(&mut desk);
    desk.press(&[KeyCode::Enter]);
    let (number, first) = asked(&mut desk).unwrap();
    let failed = Refused::by_client("GATEWAY_UNREACHABLE", "connection reset");
    desk.tell(Message::Answered(number, Err(Box::new(failed))));
    desk.shows("FAILED: GATEWAY_UNREACHABLE");
    desk.press(&[KeyCode::Char('a')]);
    let (_, second) = asked(&mut desk).unwrap();
    assert_eq!(first, second);
    // The same from the form.
    let failed = Refused::by_client("TIMED_OUT", "too slow");
    desk.tell(Message::Answered(number, Err(Box::new(failed))));
    desk.press(&[KeyCode::Char('3'), KeyCode::Enter]);
    let (number, again) = asked(&mut desk).unwrap();
    assert_eq!(first, again);
    assert_eq!(desk.model.exchanges.len(), 1);
    // A question that was answered is another one when it is asked again.
    desk.tell(Message::Answered(number, Ok(answer(1))));
    desk.press(&[KeyCode::Char('3'), KeyCode::Enter]);
    let (_, third) = asked(&mut desk).unwrap();
    assert_ne!(first.idempotency_key, third.idempotency_key);
    assert_eq!(desk.model.exchanges.len(), 2);
}

#[test]
fn a_decision_cites_what_was_ticked() {
    let mut desk = Desk::player();
    answered(&mut desk, 2);
    desk.press(&[KeyCode::Char('1'), KeyCode::Char('d')]);
    desk.shows("Decision on matter 2");
    desk.press(&[KeyCode::Char('h')]);
    desk.tab(1);
    desk.control('u');
    desk.write("85");
    desk.tab(1);
    desk.write("re-exported within days");
    desk.tab(1);
    desk.write("Ana");
    desk.tab(1);
    desk.shows("[ ] matter 2, kt-customs, Declaration: 2 records");
    desk.press(&[KeyCode::Char(' '), KeyCode::Enter]);
    let call = desk.call();
    let Call::Decide(request) = &call else { panic!("{call:?}") };
    assert_eq!((request.matter, request.decision.as_str(), request.confidence), (2, "hold", 85));
    assert_eq!(request.evidence, ["X-0001"]);
    assert_eq!(
        (request.reason.as_str(), request.player.as_str()),
        ("re-exported within days", "Ana")
    );
    assert_eq!(request.team, "");
    assert!((1..=64).contains(&request.key.len()));
    desk.done(&call);
    assert!(desk.model.dialog.is_none());
    desk.shows("done: hold on matter 2");
    // Who sits here is kept for the next one.
    desk.press(&[KeyCode::Char('d')]);
    assert_eq!(desk.model.dialog.as_ref().unwrap().form.value("who decides"), "Ana");
}

#[test]
fn a_decision_without_what_it_needs_is_not_sent() {
    let mut desk = Desk::player();
    desk.press(&[KeyCode::Char('d'), KeyCode::Enter]);
    assert!(desk.calls().is_empty());
    desk.shows("reason is missing");
    desk.write("x");
    desk.press(&[KeyCode::Up]);
    desk.control('u');
    desk.write("101");
    desk.press(&[KeyCode::Enter]);
    assert!(desk.calls().is_empty());
    desk.shows("a whole number from 0 to 100");
}

#[test]
fn a_refused_call_keeps_its_form_and_goes_out_again_under_another_key() {
    let mut desk = Desk::player();
    desk.press(&[KeyCode::Char('h')]);
    desk.tab(1);
    desk.write("yours");
    desk.press(&[KeyCode::Enter]);
    let first = desk.call();
    // While it is under way, keys change nothing.
    desk.write("zzz");
    desk.tell(Message::Called(
        first.key().into(),
        Outcome::Refused("MATTER_GONE: too late".into()),
    ));
    desk.shows("MATTER_GONE: too late");
    assert_eq!(desk.model.dialog.as_ref().unwrap().form.value("text"), "yours");
    desk.press(&[KeyCode::Enter]);
    let second = desk.call();
    let Call::HandOver(request) = &second else { panic!("{second:?}") };
    assert_eq!((request.matter, request.to.as_str()), (2, "kt-customs"));
    assert_ne!(first.key(), second.key());
}

#[test]
fn an_answer_is_cited_for_a_decision_taken() {
    let mut desk = Desk::player();
    answered(&mut desk, 1);
    desk.press(&[KeyCode::Char('c')]);
    desk.shows("[x] matter 2, kt-customs");
    desk.press(&[KeyCode::Enter]);
    let Call::Cite(request) = desk.call() else { panic!() };
    assert_eq!((request.matter, request.evidence), (3, vec!["X-0001".to_owned()]));
}

#[test]
fn words_go_to_control_or_a_team_and_an_answer_to_who_wrote() {
    let mut desk = Desk::player();
    desk.tell(event(10, "message", "kt-customs", "What do you hold?"));
    desk.press(&[KeyCode::Char('2'), KeyCode::Char('m')]);
    assert_eq!(desk.model.dialog.as_ref().unwrap().form.value("to"), "kt-customs");
    desk.tab(1);
    desk.tell(Message::Paste("Bearings,\nforty cartons".into()));
    desk.press(&[KeyCode::Enter]);
    let Call::Send(request) = desk.call() else { panic!() };
    assert_eq!(
        (request.to.as_str(), request.text.as_str()),
        ("kt-customs", "Bearings, forty cartons")
    );
}

#[test]
fn what_came_in_is_unread_until_it_was_opened() {
    let mut desk = Desk::player();
    desk.tell(event(10, "inject", "liaison", "A tip"));
    desk.tell(event(11, "decided", "nv-customs", "We decided"));
    desk.tell(event(12, "message", "nv-customs", "Our own words"));
    desk.tell(event(13, "arrived", "host", "Matter 5"));
    assert_eq!((desk.model.unread(), desk.model.inbox().len()), (2, 3));
    desk.press(&[KeyCode::Char('2')]);
    desk.shows("(2 new)");
    desk.press(&[KeyCode::Char('u')]);
    desk.shows("In full: A tip");
    assert_eq!(desk.model.unread(), 1);
    // What comes meanwhile does not take away what is being read.
    desk.tell(event(14, "inject", "liaison", "Another"));
    desk.shows("In full: A tip");
}

#[test]
fn a_withheld_field_is_asked_for() {
    let mut desk = Desk::player();
    answered(&mut desk, 2);
    desk.press(&[KeyCode::Enter, KeyCode::Down, KeyCode::Enter]);
    assert_eq!((desk.model.depth(), desk.model.row), (2, 1));
    desk.press(&[KeyCode::Char('r')]);
    assert!(desk.model.dialog.is_none(), "nobody is to be asked for what is clear");
    for _ in 0..5 {
        desk.press(&[KeyCode::Down]);
    }
    desk.press(&[KeyCode::Char('r')]);
    desk.shows("Ask kt-customs to show");
    desk.write("to tell the two firms apart");
    desk.press(&[KeyCode::Enter]);
    let call = desk.call();
    let Call::Release(request) = &call else { panic!("{call:?}") };
    let query = request.query.as_ref().unwrap();
    assert_eq!(query.references, ["ref-001-abcdefgh"]);
    assert_eq!((query.fields.len(), query.agreement_id.as_str()), (1, "AGR-1"));
    assert!(query.filter.is_none() && query.sources.is_empty());
    assert_eq!(request.idempotency_key, call.key());
}

#[test]
fn a_player_sees_nothing_of_trainers() {
    let mut desk = Desk::player();
    for letter in "ptkenwxjoE!".chars() {
        desk.press(&[KeyCode::Char(letter)]);
    }
    assert!(desk.calls().is_empty() && desk.model.dialog.is_none() && desk.model.confirm.is_none());
    let fetched = desk.fetched();
    assert!(!fetched.iter().any(|one| matches!(one, super::Fetch::Injects | super::Fetch::Scores)));
}

#[test]
fn without_a_gateway_nobody_is_asked() {
    let (model, effects) = super::Model::new("desk", false);
    let mut desk = Desk { model, effects };
    desk.tell(Message::Opened(Box::new(told(wire::Role::Player))));
    desk.press(&[KeyCode::Char('3')]);
    desk.tick(5);
    assert!(explaining(&mut desk).is_none());
    desk.shows("start the desk with --gateway PROFILE");
}

#[test]
fn nothing_that_prints_for_developers_tells_values() {
    let mut desk = Desk::player();
    ready(&mut desk);
    desk.tab(5);
    desk.write("id = SECRET");
    desk.press(&[KeyCode::Enter, KeyCode::Enter]);
    let told = format!("{:?}", desk.effects);
    assert!(told.contains("Ask"), "{told}");
    assert!(!told.contains("SECRET"), "{told}");
    let came = &desk.model.exchanges[0].came;
    assert!(matches!(came, Came::Nothing));
}
