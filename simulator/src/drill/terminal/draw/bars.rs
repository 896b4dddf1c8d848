//! What every screen has: EXERCISE, clocks and screens at the top; connection and keys at the bottom.

use portcullis_proto::drill::v1 as wire;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use wire::{Role, State};

use super::Pen;
use crate::drill::terminal::model::{Action, Link, Model, Screen};
use crate::drill::terminal::text::{cut, fit, moment, seconds, time, width};

/// The three lines at the top.
pub fn header(model: &Model, columns: usize, pen: Pen) -> Vec<Line<'static>> {
    let no_duff = model.clock.state() == State::NoDuff;
    let (left, right) = (" EXERCISE ", " EXERCISE ");
    let told = model.told.as_ref();
    let title = told.map_or_else(String::new, |told| format!("{}: {}", told.scenario, told.title));
    let who = match model.role() {
        Role::Player => format!("{}, player", model.team()),
        Role::Trainer => "trainer".to_owned(),
        Role::Evaluator => "evaluator".to_owned(),
        Role::Observer => "observer".to_owned(),
        Role::Unspecified => String::new(),
    };
    let title = if no_duff {
        "NO-DUFF: REAL EMERGENCY. The exercise is stopped.".to_owned()
    } else {
        title
    };
    let who = cut(&who, columns / 3);
    let room = columns.saturating_sub(left.len() + right.len() + width(&who) + 3);
    let first = Line::from(vec![
        Span::styled(left, pen.picked()),
        Span::styled(
            format!(" {} ", fit(&title, room)),
            if no_duff { pen.wrong() } else { pen.strong() },
        ),
        Span::raw(format!("{who} ")),
        Span::styled(right, pen.picked()),
    ]);
    vec![first, clocks(model, columns, pen), screens(model, columns, pen)]
}

fn clocks(model: &Model, columns: usize, pen: Pen) -> Line<'static> {
    let clock = &model.clock;
    if model.told.is_none() {
        return Line::raw("");
    }
    let state = match clock.state() {
        State::Unspecified => "",
        State::Ready => "READY",
        State::Running => "RUNNING",
        State::Paused => "PAUSED",
        State::Ended => "ENDED",
        State::NoDuff => "NO-DUFF",
    };
    let length = model.told.as_ref().and_then(|told| told.length.as_ref());
    let of = length.map(|length| format!(" of {}", time(length.seconds))).unwrap_or_default();
    let stale = if model.link == Link::Up { "" } else { " (old)" };
    let times = format!(
        "{stale} x{}  exercise {}{of}  wall {}  story {}",
        clock.speed,
        time(model.now()),
        time(seconds(clock.wall.as_ref())),
        moment(clock.story_seconds),
    );
    let room = columns.saturating_sub(state.len() + 1);
    Line::from(vec![Span::styled(format!(" {state}"), pen.strong()), Span::raw(cut(&times, room))])
}

fn screens(model: &Model, columns: usize, pen: Pen) -> Line<'static> {
    // On a narrow terminal the numbers stand without their words, or not at all.
    let fitting = [Counts::InWords, Counts::Alone, Counts::None]
        .map(|counts| tabs(model, counts))
        .into_iter()
        .find(|all| all.iter().map(|(text, _)| width(text)).sum::<usize>() <= columns);
    let all = fitting.unwrap_or_default().into_iter();
    let spans = all
        .map(|(text, shown)| Span::styled(text, if shown { pen.strong() } else { Style::new() }));
    Line::from(spans.collect::<Vec<_>>())
}

/// How much is told of what a screen holds.
#[derive(Clone, Copy)]
enum Counts {
    InWords,
    Alone,
    None,
}

/// The screens' names with what each holds, and whether it is shown.
fn tabs(model: &Model, counts: Counts) -> Vec<(String, bool)> {
    let told = |number: usize, word: &str| match counts {
        Counts::None => String::new(),
        Counts::Alone => format!(" ({number})"),
        Counts::InWords => format!(" ({number}{word})"),
    };
    let mut all = vec![];
    for (screen, digit) in model.screens().iter().zip(1..) {
        let (waiting, news) =
            (model.requests.waiting(model.team()), model.requests.news(model.team()));
        let count = match screen {
            Screen::Matters => told(model.open_matters(), " open"),
            Screen::Inbox if model.unread() > 0 => told(model.unread(), " new"),
            Screen::Answers if !model.exchanges.is_empty() => told(model.exchanges.len(), ""),
            Screen::Requests if waiting > 0 => {
                told(waiting, if waiting == 1 { " waits" } else { " wait" })
            }
            Screen::Requests if news > 0 => told(news, " new"),
            _ => String::new(),
        };
        let shown = *screen == model.screen;
        let name = screen.name();
        let text = if shown {
            format!("[{digit} {name}{count}]")
        } else {
            format!(" {digit} {name}{count} ")
        };
        all.push((text, shown));
    }
    all
}

/// The line of status: the connection, what is under way, and what there was to say last.
pub fn status(model: &Model, columns: usize, pen: Pen) -> Line<'static> {
    let (text, style) = match &model.link {
        Link::Opening => ("connecting ..".to_owned(), pen.notice()),
        Link::Up if model.outbox.is_empty() => {
            (format!("connected  {}", model.notice), pen.faint())
        }
        Link::Up => {
            (format!("connected, {} sent  {}", model.outbox.len(), model.notice), pen.notice())
        }
        Link::Lost { .. } if model.clock.state() == State::Ended => {
            ("the exercise is over, and its host has gone".to_owned(), pen.notice())
        }
        Link::Lost { reason, tries } => {
            let again = if *tries > 0 { format!(" (tried {tries} times)") } else { String::new() };
            let kept = "CONNECTION LOST, trying again; nothing typed is lost";
            (format!("{kept}{again}: {reason}"), pen.wrong())
        }
    };
    Line::styled(fit(&format!(" {text}"), columns), style)
}

/// Keys that do something now.
pub fn keys(model: &Model, columns: usize, pen: Pen) -> Vec<Line<'static>> {
    let pairs: Vec<(String, String)> = if model.help {
        vec![("↑ ↓ PgUp PgDn".into(), "scroll".into()), ("any other key".into(), "close".into())]
    } else if model.confirm.is_some() {
        vec![("y".into(), "yes".into()), ("n".into(), "no".into())]
    } else if model.dialog.as_ref().is_some_and(|dialog| dialog.key.is_some()) {
        vec![("Esc".into(), "close; it is sent all the same".into())]
    } else if model.dialog.is_some() || model.screen == Screen::Ask {
        let keys = model.form_keys().into_iter();
        keys.map(|(key, what)| (key.to_owned(), what.to_owned())).collect()
    } else {
        folded(model)
    };
    let mut lines = vec![vec![]];
    let mut taken = 0;
    for (key, what) in pairs {
        let columns_of = width(&key) + width(&what) + 3;
        if taken + columns_of > columns && taken > 0 {
            lines.push(vec![]);
            taken = 0;
        }
        taken += columns_of;
        if let Some(line) = lines.last_mut() {
            line.push(Span::styled(format!(" {key}"), pen.strong()));
            line.push(Span::raw(format!(" {what} ")));
        }
    }
    lines.into_iter().map(Line::from).collect()
}

/// Keys of a kind stand together: digits for the screens, arrows and pages for going about.
fn folded(model: &Model) -> Vec<(String, String)> {
    let mut pairs = vec![];
    let screens = model.screens().len();
    if screens > 0 {
        pairs.push((format!("1-{screens}"), "screens".to_owned()));
    }
    pairs.push(("↑↓ PgUp PgDn Home End".to_owned(), "move".to_owned()));
    for binding in model.bindings() {
        match binding.action {
            Action::Show(_) | Action::Move(_) | Action::First | Action::Last => {}
            _ => pairs.push((binding.key.to_owned(), binding.what.to_owned())),
        }
    }
    pairs
}
