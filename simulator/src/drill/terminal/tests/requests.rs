//! Release requests on a player's desk: when they are looked for, which are listed how, and what is told of one.

use portcullis_core::release::{Act, Ground, State};
use portcullis_proto::drill::v1 as wire;
use portcullis_proto::query::v1 as query;
use ratatui::crossterm::event::KeyCode;

use super::super::message::{Call, Effect, Message};
use super::super::model::{Model, Screen};
use super::player::answered;
use super::{Desk, clock, ticking, told};

pub(super) const OWN: &str = "nv-customs";
const FIRST: i64 = 1_709_631_000;

pub(super) fn step(number: u32, act: Act, by: &str, text: &str) -> query::ReleaseStep {
    query::ReleaseStep {
        number,
        act: act as i32,
        at: Some(prost_types::Timestamp { seconds: FIRST + i64::from(number) * 60, nanos: 0 }),
        agency: by.into(),
        officer: if by == OWN { "Ana".into() } else { "ბერიძე".into() },
        text: text.into(),
        ..query::ReleaseStep::default()
    }
}

/// A request of one agency to another, as it stands after steps that followed the first.
pub(super) fn release(
    number: u32,
    from: &str,
    to: &str,
    state: State,
    steps: Vec<query::ReleaseStep>,
) -> query::Release {
    let at = |seconds| Some(prost_types::Timestamp { seconds: FIRST + seconds, nanos: 0 });
    let mine = from == OWN;
    let reason = format!("the consignee of case {number} stands in two of our declarations");
    let fields = ["importer.id", "importer.name", "items.hs_code"].map(str::to_owned).to_vec();
    let granted = fields[..2].iter().map(|path| query::ReleaseField {
        path: path.clone(),
        treatment: query::Treatment::Clear.into(),
        ..query::ReleaseField::default()
    });
    let granted = if state == State::Granted { granted.collect() } else { vec![] };
    query::Release {
        id: format!("{number:032x}"),
        state: state as i32,
        requester: from.into(),
        originator: to.into(),
        purpose: query::Purpose::Investigation.into(),
        case_id: "CASE-1".into(),
        agreement_id: "customs-assistance".into(),
        agreement_version: 1,
        record_type: super::DECLARATION.into(),
        reference: if mine { "ref-000-abcdefgh".into() } else { String::new() },
        record_id: if mine { vec![].into() } else { vec![0x5f; 16].into() },
        fields,
        granted,
        requested_at: at(i64::from(number) * 60),
        due: at(86_400),
        lapses_at: at(3 * 86_400),
        usable_until: (state == State::Granted).then_some(at(2 * 86_400)).flatten(),
        steps: std::iter::once(step(1, Act::Request, from, &reason)).chain(steps).collect(),
        ..query::Release::default()
    }
}

/// One of each kind: two pending ones, one asked back and one granted of others; of the own one asked back, one granted,
/// one pending and one refused.
pub(super) fn releases() -> Vec<query::Release> {
    let refusal = query::ReleaseStep {
        ground: Ground::NotNecessary as i32,
        ..step(2, Act::Refuse, "kt-customs", "you hold the same name")
    };
    let which = "which two declarations?";
    vec![
        release(1, "kt-customs", OWN, State::Granted, vec![step(2, Act::Grant, OWN, "as asked")]),
        release(2, OWN, "kt-customs", State::Refused, vec![refusal]),
        release(3, "kt-customs", OWN, State::Pending, vec![]),
        release(4, "jp-licence", OWN, State::Pending, vec![]),
        release(5, "jp-licence", OWN, State::AskedBack, vec![step(2, Act::AskBack, OWN, which)]),
        release(6, OWN, "kt-customs", State::Pending, vec![]),
        release(
            7,
            OWN,
            "jp-licence",
            State::AskedBack,
            vec![step(2, Act::AskBack, "jp-licence", which)],
        ),
        release(
            8,
            OWN,
            "kt-customs",
            State::Granted,
            vec![step(2, Act::Grant, "kt-customs", "for this case alone")],
        ),
    ]
}

/// A player's desk on the screen of requests.
pub(super) fn desk() -> Desk {
    let mut desk = Desk::player();
    desk.tell(Message::Releases(Ok(releases())));
    desk.press(&[KeyCode::Char('5')]);
    assert_eq!(desk.model.screen, Screen::Requests);
    desk.effects.clear();
    desk
}

/// Goes to the request of a number.
pub(super) fn pick(desk: &mut Desk, number: u64) {
    desk.press(&[KeyCode::Home]);
    for _ in 0..20 {
        if desk.model.pick() == Some(number) {
            return;
        }
        desk.press(&[KeyCode::Down]);
    }
    panic!("request {number} is not listed");
}

#[track_caller]
pub(super) fn decision(desk: &mut Desk) -> (Call, query::ReleaseDecision) {
    let call = desk.call();
    let Call::Step(_, decision) = call.clone() else { panic!("{call:?}") };
    (call, decision)
}

pub(super) fn looks(desk: &mut Desk) -> usize {
    let effects = std::mem::take(&mut desk.effects).into_iter();
    effects.filter(|effect| matches!(effect, Effect::ListReleases)).count()
}

fn numbers(desk: &Desk) -> Vec<u64> {
    desk.model.release_requests().iter().map(|one| one.number).collect()
}

#[test]
fn what_we_are_asked_comes_first_the_oldest_that_waits_on_top() {
    let desk = desk();
    assert_eq!(numbers(&desk), [3, 4, 5, 1, 7, 8, 6, 2]);
    desk.shows(" to decide: 2; to answer: 1; others decide on 1 of ours");
    desk.shows("> NEW 3   kt-customs   PENDING     Declaration    importer.id");
    desk.shows(" 03-05 09:31");
    desk.shows("NEW 7   jp-licence   ASKED BACK");
    desk.shows("    2   kt-customs   REFUSED");
    desk.shows("[5 Requests (3 wait)]");
}

#[test]
fn the_gateway_is_looked_at_every_few_seconds_one_look_at_a_time_and_not_after_the_end() {
    let mut desk = Desk::of(wire::Role::Player);
    assert_eq!(looks(&mut desk), 1, "at once");
    desk.tick(60);
    assert_eq!(looks(&mut desk), 0, "one is under way");
    desk.tell(Message::Releases(Ok(vec![])));
    desk.tick(11);
    assert_eq!(looks(&mut desk), 0);
    desk.tick(1);
    assert_eq!(looks(&mut desk), 1);
    // One that failed is said, what is known stays, and it is tried again.
    desk.tell(Message::Releases(Ok(releases())));
    desk.tick(24);
    assert_eq!(looks(&mut desk), 1);
    desk.tell(Message::Releases(Err("connection refused".into())));
    desk.press(&[KeyCode::Char('5')]);
    desk.shows("not up to date: connection refused");
    assert_eq!(numbers(&desk).len(), 8);
    desk.tick(24);
    assert_eq!(looks(&mut desk), 1);
    desk.tell(Message::Releases(Ok(releases())));
    desk.tell(ticking(clock(wire::State::Ended, 2_400)));
    desk.tick(60);
    assert_eq!(looks(&mut desk), 0);
}

#[test]
fn trainers_and_desks_without_a_gateway_do_not_look() {
    let mut desk = Desk::of(wire::Role::Trainer);
    desk.tick(60);
    assert_eq!(looks(&mut desk), 0);
    assert!(!desk.model.screens().contains(&Screen::Requests));
    let (model, effects) = Model::new("desk", false);
    let mut desk = Desk { model, effects };
    desk.tell(Message::Opened(Box::new(told(wire::Role::Player))));
    desk.tick(60);
    assert_eq!(looks(&mut desk), 0);
    desk.press(&[KeyCode::Char('5')]);
    desk.shows("start the desk with --gateway PROFILE");
}

#[test]
fn an_old_look_takes_nothing_back() {
    let mut desk = desk();
    pick(&mut desk, 3);
    desk.press(&[KeyCode::Char('g'), KeyCode::Char(' '), KeyCode::Enter]);
    desk.tick(24);
    assert_eq!(looks(&mut desk), 1, "began before the step");
    desk.press(&[KeyCode::Enter]);
    let (call, _) = decision(&mut desk);
    desk.done(&call);
    assert_eq!(looks(&mut desk), 0, "the other one is under way");
    let mut granted = releases();
    granted[2] = release(3, "kt-customs", OWN, State::Granted, vec![step(2, Act::Grant, OWN, "")]);
    // What came of the old look may hold less than is known.
    desk.tell(Message::Releases(Ok(granted.clone())));
    assert_eq!(looks(&mut desk), 1, "after one's own step at once");
    desk.tell(Message::Releases(Ok(releases())));
    let state = desk.model.requests.numbered(3).unwrap().state();
    assert_eq!(state, Some(State::Granted));
}

#[test]
fn what_moved_by_another_hand_is_new_until_it_was_opened() {
    let mut desk = Desk::player();
    desk.tell(Message::Releases(Ok(releases())));
    desk.shows("3 release requests wait");
    assert_eq!(desk.model.requests.news(OWN), 0, "what was settled before is no news");
    let mut all = releases();
    all[5] =
        release(6, OWN, "kt-customs", State::Granted, vec![step(2, Act::Grant, "kt-customs", "")]);
    all.push(release(9, "jp-licence", OWN, State::Pending, vec![]));
    all[3] = release(4, "jp-licence", OWN, State::Lapsed, vec![step(2, Act::Lapse, "", "")]);
    desk.tell(Message::Releases(Ok(all.clone())));
    desk.shows("new: jp-licence asks you to show more (request 9); and 2 more");
    assert_eq!((desk.model.requests.news(OWN), desk.model.requests.waiting(OWN)), (2, 3));
    desk.press(&[KeyCode::Char('5')]);
    pick(&mut desk, 6);
    desk.press(&[KeyCode::Enter]);
    desk.shows("Request 6: we ask kt-customs: GRANTED");
    assert_eq!(desk.model.requests.news(OWN), 1);
    // The next ones in the order in which they came.
    desk.press(&[KeyCode::Char('u')]);
    desk.shows("Request 3: kt-customs asks us: PENDING");
    desk.tell(Message::Releases(Ok(all)));
    desk.press(&[KeyCode::Char('u')]);
    desk.shows("Request 4: jp-licence asks us: LAPSED");
    desk.shows("LAPSE by time");
}

#[test]
fn a_desk_tells_all_that_a_request_says() {
    let mut desk = desk();
    desk.press(&[KeyCode::Enter]);
    for text in [
        "Request 3: kt-customs asks us: PENDING",
        "Declaration ⟨5f5f…5f⟩",
        "importer.id, importer.name, items.hs_code",
        "INVESTIGATION, case CASE-1",
        "customs-assistance version 1",
        "the consignee of case 3 stands in two of our declarations",
        "lapses 2024-03-08 09:30 UTC",
        "1. 2024-03-05 09:31 REQUEST by kt-customs, ბერიძე (as told)",
    ] {
        desk.shows(text);
    }
    desk.press(&[KeyCode::Esc]);
    pick(&mut desk, 2);
    desk.press(&[KeyCode::Enter]);
    desk.shows("REFUSE by kt-customs, ბერიძე (as told)");
    desk.shows("NOT_NECESSARY:");
    desk.press(&[KeyCode::Esc]);
    pick(&mut desk, 8);
    desk.press(&[KeyCode::Enter]);
    desk.shows("  granted     importer.id, importer.name");
    desk.shows("  until       2024-03-07 09:30 UTC");
    let mut late = releases();
    late[2].overdue = true;
    desk.tell(Message::Releases(Ok(late)));
    desk.press(&[KeyCode::Esc]);
    desk.shows("PENDING !");
    pick(&mut desk, 3);
    desk.press(&[KeyCode::Enter]);
    desk.shows("2024-03-06 09:30 UTC OVERDUE");
}

#[test]
fn a_message_from_a_request_goes_to_the_other_agency() {
    let mut desk = desk();
    pick(&mut desk, 4);
    desk.press(&[KeyCode::Char('m')]);
    assert_eq!(desk.model.dialog.as_ref().unwrap().form.value("to"), "jp-licence");
}

#[test]
fn many_requests_leave_both_lists_in_sight() {
    let mut desk = Desk::player();
    let mut all: Vec<query::Release> =
        (1..=40).map(|number| release(number, "kt-customs", OWN, State::Pending, vec![])).collect();
    all.extend((41..=80).map(|number| release(number, OWN, "kt-customs", State::Pending, vec![])));
    desk.tell(Message::Releases(Ok(all)));
    desk.press(&[KeyCode::Char('5')]);
    desk.shows("> NEW 1   kt-customs");
    desk.shows("    80  kt-customs");
    desk.press(&[KeyCode::End]);
    desk.shows(">     41  kt-customs");
    desk.shows("  NEW 1   kt-customs");
}

#[test]
fn what_screens_hold_is_told_as_far_as_there_is_room() {
    let mut desk = Desk::player();
    desk.tell(Message::Releases(Ok(releases())));
    desk.shows(" 5 Requests (3 wait) ");
    for number in 0..12 {
        desk.tell(super::event(20 + number, "message", "kt-customs", "words"));
    }
    answered(&mut desk, 1);
    desk.press(&[KeyCode::Char('2')]);
    desk.shows("5 Requests (3");
    let narrow = desk.screen(60, 18);
    assert!(narrow[2].contains("5 Requests"), "{}", narrow[2]);
}
