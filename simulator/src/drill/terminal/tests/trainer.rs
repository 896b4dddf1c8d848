//! A trainer's key paths, and what evaluators and observers may not.

use portcullis_proto::drill::v1 as wire;
use ratatui::crossterm::event::KeyCode;
use wire::control_request::Command;

use super::super::message::{Call, Fetch, Message};
use super::super::model::Screen;
use super::{Desk, clock, event, inject, ticking};

#[track_caller]
fn command(desk: &mut Desk) -> Command {
    let call = desk.call();
    desk.done(&call);
    match call {
        Call::Control(request) => {
            assert!(!request.key.is_empty());
            request.command.unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_clock_is_started_paused_and_resumed_by_one_key() {
    let mut desk = Desk::trainer();
    for (state, expected) in [
        (wire::State::Ready, Command::Start(wire::Empty {})),
        (wire::State::Running, Command::Pause(wire::Empty {})),
        (wire::State::Paused, Command::Resume(wire::Empty {})),
        (wire::State::NoDuff, Command::Resume(wire::Empty {})),
    ] {
        desk.tell(ticking(clock(state, 600)));
        desk.press(&[KeyCode::Char('p')]);
        assert_eq!(command(&mut desk), expected);
    }
    desk.tell(ticking(clock(wire::State::Ended, 600)));
    desk.press(&[KeyCode::Char('p')]);
    assert!(desk.calls().is_empty());
}

#[test]
fn speed_jump_and_postponing() {
    let mut desk = Desk::trainer();
    desk.press(&[KeyCode::Char('x')]);
    desk.control('u');
    desk.write("0");
    desk.press(&[KeyCode::Enter]);
    assert!(desk.calls().is_empty());
    desk.shows("a whole number from 1 to 3600");
    desk.control('u');
    desk.write("120");
    desk.press(&[KeyCode::Enter]);
    assert_eq!(command(&mut desk), Command::Speed(120));
    desk.press(&[KeyCode::Char('j')]);
    assert_eq!(command(&mut desk), Command::Jump(wire::Empty {}));
    desk.press(&[KeyCode::Char('o')]);
    desk.control('u');
    desk.write("0:10");
    desk.press(&[KeyCode::Enter]);
    assert_eq!(command(&mut desk), Command::PostponeAll(super::at(600).unwrap()));
}

#[test]
fn injects_are_triggered_and_skipped_after_a_yes() {
    let mut desk = Desk::trainer();
    desk.press(&[KeyCode::Down, KeyCode::Down]);
    desk.press(&[KeyCode::Char('t')]);
    desk.shows("Let inject 3 happen now?");
    desk.press(&[KeyCode::Char('n'), KeyCode::Char('t'), KeyCode::Enter]);
    assert!(desk.calls().is_empty(), "only y says yes");
    desk.press(&[KeyCode::Char('y')]);
    assert_eq!(command(&mut desk), Command::Trigger(3));
    desk.press(&[KeyCode::Char('k'), KeyCode::Char('y')]);
    assert_eq!(command(&mut desk), Command::Skip(3));
    // What happened cannot happen again.
    desk.press(&[KeyCode::Home, KeyCode::Char('t'), KeyCode::Char('k'), KeyCode::Char('e')]);
    assert!(desk.model.confirm.is_none() && desk.model.dialog.is_none());
}

#[test]
fn the_end_and_a_no_duff_stop_ask_once_more() {
    let mut desk = Desk::trainer();
    desk.press(&[KeyCode::Char('E')]);
    desk.shows("End the exercise, for good and for everybody?");
    desk.press(&[KeyCode::Char('y')]);
    assert_eq!(command(&mut desk), Command::End(wire::Empty {}));
    desk.press(&[KeyCode::Char('!')]);
    desk.write(" Fire on deck two.");
    desk.press(&[KeyCode::Enter]);
    desk.shows("stop the exercise for a real emergency and tell");
    assert!(desk.calls().is_empty());
    desk.press(&[KeyCode::Char('y')]);
    let Command::NoDuff(words) = command(&mut desk) else { panic!() };
    assert!(words.ends_with("Fire on deck two."), "{words}");
    desk.tell(ticking(clock(wire::State::NoDuff, 600)));
    desk.shows("NO-DUFF: REAL EMERGENCY. The exercise is stopped.");
}

#[test]
fn an_inject_is_edited_added_and_withdrawn() {
    let mut desk = Desk::trainer();
    desk.press(&[KeyCode::Down, KeyCode::Down, KeyCode::Char('e')]);
    desk.shows("Inject 3");
    desk.tab(4);
    desk.write(" and seals");
    desk.press(&[KeyCode::Enter]);
    let call = desk.call();
    let Call::PutInject(request) = &call else { panic!("{call:?}") };
    let expected = wire::Inject {
        content: "A tip about bearings, number 3 and seals".into(),
        ..inject(3, Some(900), None)
    };
    assert_eq!(request.inject.as_ref().unwrap(), &expected);
    desk.done(&call);
    desk.press(&[KeyCode::Char('n')]);
    desk.tab(4);
    desk.write("News");
    desk.press(&[KeyCode::Enter]);
    let call = desk.call();
    let Call::PutInject(request) = &call else { panic!("{call:?}") };
    let inject = request.inject.as_ref().unwrap();
    assert_eq!(
        (inject.number, inject.receiver.as_str(), inject.content.as_str()),
        (0, "ALL", "News")
    );
    assert_eq!(inject.planned, super::at(660));
    desk.done(&call);
    desk.press(&[KeyCode::Char('w')]);
    desk.write("sent by mistake");
    desk.press(&[KeyCode::Enter]);
    let Call::Withdraw(request) = desk.call() else { panic!() };
    assert_eq!((request.number, request.reason.as_str()), (3, "sent by mistake"));
}

#[test]
fn a_contingency_stays_without_a_time() {
    let mut desk = Desk::trainer();
    desk.press(&[KeyCode::End, KeyCode::Char('e'), KeyCode::Enter]);
    let Call::PutInject(request) = desk.call() else { panic!() };
    assert_eq!(request.inject.unwrap(), inject(4, None, None));
}

#[test]
fn a_decision_by_phone_is_the_teams() {
    let mut desk = Desk::trainer();
    desk.press(&[KeyCode::Char('2'), KeyCode::Char('d')]);
    desk.shows("Decision of nv-customs by phone, on matter 1");
    desk.press(&[KeyCode::Char('s')]);
    desk.tab(2);
    desk.write("said by phone");
    desk.press(&[KeyCode::Enter]);
    let Call::Decide(request) = desk.call() else { panic!() };
    assert_eq!((request.team.as_str(), request.decision.as_str()), ("nv-customs", "seize"));
}

#[test]
fn trainers_broadcast_and_rate() {
    let mut desk = Desk::trainer();
    desk.press(&[KeyCode::Char('m')]);
    desk.tab(1);
    desk.write("Lunch at noon");
    desk.press(&[KeyCode::Enter]);
    let call = desk.call();
    let Call::Send(request) = &call else { panic!("{call:?}") };
    assert_eq!((request.to.as_str(), request.text.as_str()), ("ALL", "Lunch at noon"));
    desk.done(&call);
    desk.press(&[KeyCode::Char('r')]);
    desk.tab(2);
    desk.press(&[KeyCode::Char('m')]);
    desk.tab(1);
    desk.write("late");
    desk.press(&[KeyCode::Enter]);
    let Call::Rate(request) = desk.call() else { panic!() };
    assert_eq!((request.team.as_str(), request.objective.as_str()), ("nv-customs", "ask"));
    assert_eq!(request.rating(), wire::Rating::M);
}

#[test]
fn evaluators_rate_and_observers_only_look() {
    for (role, may_rate) in [(wire::Role::Evaluator, true), (wire::Role::Observer, false)] {
        let mut desk = Desk::of(role);
        desk.tell(Message::Injects(vec![inject(3, Some(900), None)]));
        desk.tell(Message::Matters("nv-customs".into(), vec![super::matter(1, 1_900, "")]));
        desk.effects.clear();
        for screen in "12345".chars() {
            desk.press(&[KeyCode::Char(screen)]);
            for letter in "ptkenwxjoE!dhca".chars() {
                desk.press(&[KeyCode::Char(letter)]);
            }
        }
        assert!(desk.calls().is_empty() && desk.model.dialog.is_none(), "{role:?}");
        assert!(desk.model.confirm.is_none(), "{role:?}");
        for letter in ['r', 'm'] {
            desk.press(&[KeyCode::Char(letter)]);
            assert_eq!(desk.model.dialog.is_some(), may_rate, "{role:?}");
            desk.press(&[KeyCode::Esc]);
        }
    }
}

#[test]
fn what_happens_is_listed_and_scores_follow() {
    let mut desk = Desk::trainer();
    // What the first look wanted has come.
    desk.tell(Message::Drill(Box::new(super::told(wire::Role::Trainer))));
    for team in ["kt-customs", "jp-licence"] {
        desk.tell(Message::Matters(team.into(), vec![]));
    }
    desk.effects.clear();
    desk.tell(event(10, "decided", "nv-customs", "nv-customs holds matter 1"));
    let fetched = desk.fetched();
    for wanted in [Fetch::Injects, Fetch::Matters("nv-customs".into())] {
        assert!(fetched.contains(&wanted), "{wanted:?} is not in {fetched:?}");
    }
    desk.press(&[KeyCode::Char('4')]);
    assert_eq!(desk.model.screen, Screen::Log);
    desk.shows("nv-customs holds matter 1");
    let score = |name: &str, numerator, denominator| wire::Score {
        name: name.into(),
        numerator,
        denominator,
    };
    desk.tell(Message::Scores(vec![
        wire::TeamScores { agency: String::new(), scores: vec![score("precision", 3.0, 4.0)] },
        wire::TeamScores { agency: "nv-customs".into(), scores: vec![score("brier", 0.5, 0.0)] },
    ]));
    desk.press(&[KeyCode::Char('3')]);
    assert_eq!(desk.fetched(), [Fetch::Scores]);
    desk.shows("3 of            4  =    0.750");
    desk.shows("all together");
    desk.tell(Message::Scores(desk.model.scores.clone()));
    desk.tick(40);
    assert!(desk.fetched().contains(&Fetch::Scores));
}

#[test]
fn every_kind_of_inject_is_offered() {
    use crate::drill::scenario::Happening;
    for word in super::super::model::KINDS {
        assert_eq!(Happening::parse(word).map(Happening::word), Some(word));
    }
}

#[test]
fn when_the_exercise_is_over_a_lost_connection_is_no_alarm() {
    let mut desk = Desk::trainer();
    desk.tell(ticking(clock(wire::State::Ended, 2_400)));
    desk.tell(Message::Lost("the drill ended the connection".into()));
    desk.shows("the exercise is over, and its host has gone");
}
