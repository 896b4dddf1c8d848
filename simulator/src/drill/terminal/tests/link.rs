//! The connection: lost, made again, and what goes out again under which key.

use std::time::Duration;

use portcullis_proto::drill::v1 as wire;
use ratatui::crossterm::event::KeyCode;

use super::super::message::{Effect, Fetch, Message, Outcome};
use super::super::model::{Link, Model};
use super::{Desk, event, matter, told};

fn connecting(desk: &mut Desk) -> Option<(u64, Duration)> {
    std::mem::take(&mut desk.effects).into_iter().find_map(|effect| match effect {
        Effect::Connect { from_event, after } => Some((from_event, after)),
        _ => None,
    })
}

#[test]
fn a_desk_begins_by_listening_from_the_first_event() {
    let (model, effects) = Model::new("desk", true);
    let mut desk = Desk { model, effects };
    assert_eq!(connecting(&mut desk), Some((0, Duration::ZERO)));
    assert_eq!(desk.model.link, Link::Opening);
}

#[test]
fn after_a_loss_it_goes_on_from_the_last_event_seen() {
    let mut desk = Desk::player();
    desk.tell(event(16, "inject", "liaison", "A tip"));
    desk.tell(Message::Lost("connection reset".into()));
    assert_eq!(connecting(&mut desk), Some((17, Duration::from_secs(1))));
    desk.shows("CONNECTION LOST, trying again; nothing typed is lost: connection reset");
    desk.shows("(old)");
    desk.tell(Message::Lost("connection refused".into()));
    assert_eq!(connecting(&mut desk), Some((17, Duration::from_secs(2))));
    for _ in 0..20 {
        desk.tell(Message::Lost("connection refused".into()));
    }
    desk.effects.clear();
    desk.tell(Message::Lost("connection refused".into()));
    assert_eq!(
        connecting(&mut desk),
        Some((17, Duration::from_secs(10))),
        "waits do not grow for ever"
    );
    let next_event = 20;
    desk.tell(Message::Opened(Box::new(wire::GetDrillResponse {
        next_event,
        ..told(wire::Role::Player)
    })));
    desk.shows("connected again");
    assert!(desk.fetched().contains(&Fetch::Matters(String::new())), "what was missed is fetched");
    // What is told twice counts once.
    desk.tell(event(16, "inject", "liaison", "A tip"));
    desk.tell(event(17, "inject", "liaison", "Another"));
    assert_eq!(desk.model.news.len(), 2);
}

#[test]
fn what_is_typed_survives_a_loss() {
    let mut desk = Desk::player();
    desk.press(&[KeyCode::Char('3')]);
    desk.tab(4);
    desk.write("id = a");
    desk.press(&[KeyCode::Esc, KeyCode::Char('d')]);
    desk.tab(2);
    desk.write("because");
    desk.tell(Message::Lost("reset".into()));
    desk.write(" of it");
    desk.tell(Message::Opened(Box::new(told(wire::Role::Player))));
    desk.tell(Message::Matters(String::new(), vec![matter(7, 1_000, "")]));
    assert_eq!(desk.model.dialog.as_ref().unwrap().form.value("reason"), "because of it");
    assert_eq!(desk.model.question.as_ref().unwrap().form.value("where"), "id = a");
}

#[test]
fn what_may_have_arrived_is_sent_again_under_its_key_until_it_is_known() {
    let mut desk = Desk::player();
    desk.press(&[KeyCode::Char('h'), KeyCode::Enter]);
    let first = desk.call();
    let unsure = || Outcome::Unsure("connection reset".into());
    desk.tell(Message::Called(first.key().into(), unsure()));
    desk.tell(Message::Lost("connection reset".into()));
    desk.tick(20);
    assert!(desk.calls().is_empty(), "there is nobody to send it to");
    desk.shows("waiting to hear that it arrived");
    desk.tell(Message::Opened(Box::new(told(wire::Role::Player))));
    let second = desk.call();
    assert_eq!(first, second);
    // It failed again although the drill can be heard: after a while it goes out once more.
    desk.tell(Message::Called(first.key().into(), unsure()));
    desk.tick(3);
    assert!(desk.calls().is_empty());
    desk.tick(8);
    assert_eq!(desk.call(), first);
    desk.tick(20);
    assert!(desk.calls().is_empty(), "it is under way");
    // Closed, it is still sent; and known once it arrived.
    desk.press(&[KeyCode::Esc]);
    assert!(desk.model.dialog.is_none());
    assert_eq!(desk.model.outbox.len(), 1);
    desk.done(&first);
    assert!(desk.model.outbox.is_empty());
    desk.shows("done: matter 2 to kt-customs");
}

#[test]
fn a_drill_that_began_anew_is_told_from_the_beginning() {
    let mut desk = Desk::player();
    desk.tell(event(30, "inject", "liaison", "A tip"));
    desk.tell(Message::Lost("reset".into()));
    desk.tell(Message::Opened(Box::new(told(wire::Role::Player))));
    assert!(desk.model.news.is_empty());
    desk.tell(event(0, "inject", "liaison", "The first"));
    assert_eq!(desk.model.news.len(), 1);
}

#[test]
fn what_did_not_come_is_asked_for_again_after_a_while() {
    let mut desk = Desk::player();
    desk.tell(event(10, "arrived", "host", "Matter 5"));
    desk.tell(Message::Drill(Box::new(told(wire::Role::Player))));
    desk.tell(event(11, "arrived", "host", "Matter 6"));
    desk.effects.clear();
    let mine = Fetch::Matters(String::new());
    desk.tell(Message::Missed(mine.clone(), "too many at once".into()));
    assert!(!desk.fetched().contains(&mine));
    desk.tick(8);
    assert!(desk.fetched().contains(&mine));
}

#[test]
fn leaving_asks_once_and_ctrl_c_twice_leaves_from_anywhere() {
    let leaves = |desk: &Desk| desk.effects.iter().any(|effect| matches!(effect, Effect::Quit));
    let mut desk = Desk::player();
    desk.press(&[KeyCode::Char('q'), KeyCode::Char('n')]);
    assert!(!leaves(&desk));
    desk.press(&[KeyCode::Char('q'), KeyCode::Char('y')]);
    assert!(leaves(&desk));
    let mut desk = Desk::player();
    desk.press(&[KeyCode::Char('d')]);
    desk.write("x");
    desk.control('c');
    assert!(!leaves(&desk));
    desk.shows("Leave the desk?");
    desk.control('c');
    assert!(leaves(&desk));
}
