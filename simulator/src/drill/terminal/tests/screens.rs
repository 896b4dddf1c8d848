//! What stands on the screens, at the least size that is promised and at a big one.

use portcullis_proto::drill::v1 as wire;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::Color;

use super::super::draw::{LEAST, Pen, draw};
use super::super::message::{Effect, Message};
use super::super::model::{Action, Binding, Model};
use super::super::text::width;
use super::player::answered;
use super::{Desk, event, explained, requests};

const SIZES: [(u16, u16); 4] = [(80, 24), (160, 50), LEAST, (97, 31)];

/// Desks on every screen there is, each with a name.
fn all() -> Vec<(String, Desk)> {
    let mut all = vec![];
    let (model, effects) = Model::new("desk", true);
    all.push(("opening".to_owned(), Desk { model, effects }));
    let paths: &[(&str, &[KeyCode])] = &[
        ("matters", &[]),
        ("matter", &[KeyCode::Enter]),
        ("inbox", &[KeyCode::Char('2')]),
        ("letter", &[KeyCode::Char('2'), KeyCode::Enter]),
        ("ask", &[KeyCode::Char('a')]),
        ("answers", &[KeyCode::Char('4')]),
        ("decide", &[KeyCode::Char('d')]),
        ("hand over", &[KeyCode::Char('h')]),
        ("message", &[KeyCode::Char('m')]),
        ("leave", &[KeyCode::Char('q')]),
        ("help", &[KeyCode::Char('?')]),
    ];
    for (name, path) in paths {
        let mut desk = Desk::player();
        desk.tell(event(
            10,
            "inject",
            "liaison",
            "A tip: カブシキガイシャ buys bearings from შპს ბერკეტი",
        ));
        desk.tell(event(
            11,
            "message",
            "kt-customs",
            "شركة الخليج للتجارة is known to us. What do you hold?",
        ));
        desk.press(path);
        all.push((format!("player: {name}"), desk));
    }
    let mut desk = Desk::player();
    answered(&mut desk, 3);
    for name in ["answered", "table", "record", "request"] {
        let mut copy = Desk::player();
        answered(&mut copy, 3);
        let keys: &[KeyCode] = match name {
            "answered" => &[],
            "table" => &[KeyCode::Enter],
            "record" => &[KeyCode::Enter, KeyCode::Enter, KeyCode::Down, KeyCode::Down],
            _ => &[
                KeyCode::Enter,
                KeyCode::Enter,
                KeyCode::PageDown,
                KeyCode::Down,
                KeyCode::Char('r'),
            ],
        };
        copy.press(keys);
        all.push((format!("player: {name}"), copy));
    }
    for (name, allowed) in [("asked, allowed", true), ("asked, denied", false)] {
        let mut desk = Desk::player();
        desk.press(&[KeyCode::Char('a')]);
        desk.tick(2);
        let number = desk.model.question.as_ref().unwrap().number;
        desk.tell(Message::Explained(number, Ok(Box::new(explained(allowed)))));
        desk.tab(6);
        desk.press(&[KeyCode::Char(' '), KeyCode::Down, KeyCode::Down, KeyCode::Char(' ')]);
        all.push((format!("player: {name}"), desk));
    }
    let paths: &[(&str, u64, &[KeyCode])] = &[
        ("requests", 3, &[]),
        ("request, pending", 3, &[KeyCode::Enter]),
        ("request, asked back", 7, &[KeyCode::Enter]),
        ("request, granted", 8, &[KeyCode::Enter]),
        ("request, refused", 2, &[KeyCode::Enter]),
        ("grant", 3, &[KeyCode::Char('g')]),
        ("grant, sure", 3, &[KeyCode::Char('g'), KeyCode::Char(' '), KeyCode::Enter]),
        ("refuse", 4, &[KeyCode::Char('r'), KeyCode::Right]),
        ("ask back", 4, &[KeyCode::Char('b')]),
        ("answer", 7, &[KeyCode::Char('a')]),
        ("take back", 1, &[KeyCode::Char('v')]),
        ("withdraw", 6, &[KeyCode::Char('w')]),
        ("requests, help", 3, &[KeyCode::Char('?')]),
    ];
    for (name, number, path) in paths {
        let mut desk = requests::desk();
        requests::pick(&mut desk, *number);
        desk.press(path);
        all.push((format!("player: {name}"), desk));
    }
    let mut desk = Desk::player();
    desk.press(&[KeyCode::Char('5')]);
    all.push(("player: no requests yet".to_owned(), desk));
    let paths: &[(&str, &[KeyCode])] = &[
        ("injects", &[]),
        ("inject", &[KeyCode::Down, KeyCode::Enter]),
        ("matters", &[KeyCode::Char('2')]),
        ("phone", &[KeyCode::Char('2'), KeyCode::Char('d')]),
        ("scores", &[KeyCode::Char('3')]),
        ("happenings", &[KeyCode::Char('4')]),
        ("inbox", &[KeyCode::Char('5')]),
        ("edit", &[KeyCode::End, KeyCode::Up, KeyCode::Char('e')]),
        ("rate", &[KeyCode::Char('r')]),
        ("speed", &[KeyCode::Char('x')]),
        ("no-duff", &[KeyCode::Char('!'), KeyCode::Enter]),
        ("help", &[KeyCode::Char('?')]),
    ];
    for (name, path) in paths {
        let mut desk = Desk::trainer();
        desk.tell(event(10, "decided", "nv-customs", "nv-customs: hold on matter 1, 85 % sure"));
        desk.tell(event(
            11,
            "message",
            "nv-customs",
            "nv-customs to control: how long may we hold?",
        ));
        let score = |name: &str, numerator, denominator| wire::Score {
            name: name.into(),
            numerator,
            denominator,
        };
        let scores =
            vec![score("precision", 3.0, 4.0), score("hazard_weighted_recall", 12.5, 20.0)];
        desk.tell(Message::Scores(vec![
            wire::TeamScores { agency: String::new(), scores: scores.clone() },
            wire::TeamScores { agency: "nv-customs".into(), scores },
        ]));
        desk.press(path);
        all.push((format!("trainer: {name}"), desk));
    }
    all
}

#[test]
fn exercise_clocks_and_keys_are_on_every_screen_and_nothing_runs_over() {
    let movement = ["↑", "↓", "PgUp", "PgDn", "Home", "End"];
    for (name, desk) in all() {
        for (columns, lines) in SIZES {
            // Widths are checked where lines are read from the buffer.
            let screen = desk.screen(columns, lines);
            assert_eq!(screen[0].matches("EXERCISE").count(), 2, "{name}: {}", screen[0]);
            if desk.model.told.is_some() {
                assert!(
                    screen[1].contains("RUNNING x60  exercise 0:10:00"),
                    "{name}: {}",
                    screen[1]
                );
            }
            let keys = desk.model.bindings();
            let bottom = screen[usize::from(lines) - 5..].join("\n");
            let list =
                desk.model.dialog.is_none() && desk.model.confirm.is_none() && !desk.model.help;
            if list && desk.model.screen != super::Screen::Ask {
                let shown = |one: &&Binding| !matches!(one.action, Action::Show(_));
                for one in keys.iter().filter(shown) {
                    assert!(
                        bottom.contains(&format!(" {} ", one.key)) || movement.contains(&one.key),
                        "{name} {columns}x{lines}: {} in {bottom}",
                        one.key
                    );
                }
                assert!(bottom.contains("↑↓ PgUp PgDn Home End move"), "{name}: {bottom}");
                let screens = desk.model.screens().len();
                assert!(
                    screens == 0 || bottom.contains(&format!(" 1-{screens} screens ")),
                    "{bottom}"
                );
            }
        }
    }
}

/// Prints every screen, to be looked at: `cargo nextest run --workspace --run-ignored all --no-capture -E 'test(to_be_looked_at)'`.
#[test]
#[ignore = "prints; nothing is checked"]
fn to_be_looked_at() {
    for (name, desk) in all() {
        for (columns, lines) in [(80, 24), (160, 50)] {
            println!("=== {name} {columns}x{lines}");
            for line in desk.screen(columns, lines) {
                println!("{line}|");
            }
        }
    }
}

#[test]
fn letters_of_every_script_keep_the_columns() {
    let mut desk = Desk::player();
    desk.press(&[KeyCode::Enter]);
    desk.shows("شركة الخليج للتجارة");
    desk.shows("カブシキガイシャ・トウヨウ");
    desk.press(&[KeyCode::Esc, KeyCode::Char('h')]);
    // Both ends of the form's frame stand under each other, beside a Georgian name and a katakana one.
    for name in ["ქართული საბაჟო", "輸出管理課カタカナ"] {
        desk.shows(name);
        for (columns, lines) in [(80, 24), (160, 50)] {
            let screen = desk.screen(columns, lines);
            let frame: Vec<&String> = screen.iter().filter(|line| line.contains('│')).collect();
            let ends: Vec<usize> =
                frame.iter().map(|line| width(&line[..line.rfind('│').unwrap()])).collect();
            assert!(ends.len() >= 2 && ends.iter().all(|end| *end == ends[0]), "{screen:#?}");
        }
        desk.press(&[KeyCode::Right]);
    }
}

#[test]
fn what_would_move_the_cursor_or_turn_the_text_is_not_obeyed() {
    let mut desk = Desk::player();
    desk.tell(event(10, "inject", "liaison", "a\u{1b}[2Jb\u{202e}c"));
    desk.press(&[KeyCode::Char('2')]);
    desk.shows("a\\u{1b}[2Jb\\u{202e}c");
}

#[test]
fn beside_each_field_stands_what_policy_will_do() {
    let mut desk = Desk::player();
    desk.press(&[KeyCode::Char('a')]);
    desk.tick(2);
    let number = desk.model.question.as_ref().unwrap().number;
    desk.tell(Message::Explained(number, Ok(Box::new(explained(true)))));
    desk.tab(6);
    desk.press(&[KeyCode::Down, KeyCode::Char(' ')]);
    let declaration = super::record_type(super::DECLARATION).unwrap();
    let words = ["clear", "generalise:month", "pseudonymise", "mask", "presence", "withhold"];
    let screen = desk.screen(160, 50);
    for (leaf, (place, word)) in declaration.leaves().iter().zip(words.iter().enumerate()) {
        let tick = if place == 1 { "[x]" } else { "[ ]" };
        let reason = if place == 0 { "PERMITTED" } else { "REDUCED_BY_AGREEMENT" };
        let line = screen.iter().find(|line| line.contains(&format!("] {} ", leaf.path)));
        let line = line.unwrap_or_else(|| panic!("{} is not there", leaf.path));
        assert!(line.contains(tick) && line.contains(word) && line.contains(reason), "{line}");
    }
    desk.shows("AGR-1/ladder: the agreement shows months, not days. What would help: an");
}

#[test]
fn times_left_and_countdowns_follow_the_clock() {
    let mut desk = Desk::player();
    desk.shows("0:05:00"); // Matter 2: until 900, now 600.
    desk.tell(super::ticking(super::clock(wire::State::Running, 899)));
    desk.shows("0:00:01");
    desk.tell(super::ticking(super::clock(wire::State::Running, 901)));
    desk.shows("1 of 4 matters open");
    let desk = Desk::trainer();
    desk.shows("next: inject 3 in 0:05:00 to nv-customs");
    desk.shows("came 0:06:40");
    desk.shows("NOT YET");
    desk.shows("contingency");
}

#[test]
fn without_colour_everything_is_told_all_the_same() {
    for (name, desk) in all() {
        let mut coloured = Terminal::new(TestBackend::new(80, 24)).unwrap();
        coloured.draw(|frame| draw(&desk.model, Pen { colour: true }, frame)).unwrap();
        let mut plain = Terminal::new(TestBackend::new(80, 24)).unwrap();
        plain.draw(|frame| draw(&desk.model, Pen { colour: false }, frame)).unwrap();
        let cells = coloured.backend().buffer().content().iter();
        for (one, other) in cells.zip(plain.backend().buffer().content()) {
            assert_eq!((one.symbol(), one.modifier), (other.symbol(), other.modifier), "{name}");
            assert_eq!((other.fg, other.bg), (Color::Reset, Color::Reset), "{name}");
        }
    }
}

#[test]
fn a_terminal_that_is_too_small_is_told_so() {
    let desk = Desk::player();
    for (columns, lines) in [(59, 24), (80, 17), (20, 5), (1, 1)] {
        let screen = desk.screen(columns, lines);
        assert!(columns < 8 || screen[0].starts_with("EXERCISE"), "{screen:?}");
    }
}

#[test]
fn help_tells_every_key_of_the_screen() {
    for mut desk in [Desk::player(), Desk::trainer()] {
        let keys = desk.model.bindings();
        desk.press(&[KeyCode::Char('?')]);
        let screen = desk.screen(160, 90).join("\n");
        for one in keys {
            assert!(screen.contains(one.what), "{}", one.what);
        }
        desk.effects.retain(|effect| !matches!(effect, Effect::Fetch(_)));
        assert!(desk.effects.is_empty());
        desk.press(&[KeyCode::Char('x')]);
        assert!(
            !desk.model.help && desk.model.dialog.is_none(),
            "the key that closes help does nothing else"
        );
    }
}
