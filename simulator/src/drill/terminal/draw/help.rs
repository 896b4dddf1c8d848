//! The page of help: every key of the screen, read from the list that keys are looked up in, and what words mean.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Pen, indented, scrolled};
use crate::drill::terminal::model::{Model, Screen};
use crate::drill::terminal::text::fit;

const FORMS: &[(&str, &str)] = &[
    ("Tab", "next field; Shift-Tab: the one before"),
    ("← →", "choose, or move in a line; a letter chooses what begins with it"),
    ("↑ ↓", "move in a list; at its ends to the next field"),
    ("Space", "tick"),
    ("-", "untick all"),
    ("Ctrl-U", "clear the line before the cursor; Ctrl-W: a word"),
    ("Enter", "send, or ask"),
    ("Esc", "close"),
];

const TREATMENTS: &[(&str, &str)] = &[
    ("clear", "as the partner holds it"),
    ("generalise", "coarsened: a month for a day, a chapter for a code; marked ~"),
    ("pseudonymise", "a token, the same for the same value; marked ⟨ ⟩"),
    ("mask", "a filler"),
    ("presence", "only whether there is a value"),
    ("withhold", "nothing"),
];

const REQUESTS: &[(&str, &str)] = &[
    ("PENDING", "whose record it is has to decide"),
    ("ASKED BACK", "who asks has to say more first"),
    ("GRANTED", "in part or whole, for a while; `ask again` brings what was granted"),
    ("REFUSED", "nothing is shown; the last step says on which ground"),
    ("LAPSED", "nobody decided in the time that the agreement gives"),
    ("WITHDRAWN", "who asked needs it no more"),
    ("REVOKED", "granted once, taken back since"),
    ("!", "an answer was wanted by now"),
];

/// Draws it.
pub fn draw(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let columns = usize::from(area.width);
    let pair = |key: &str, what: &str| {
        Line::from(vec![
            Span::styled(format!("  {}", fit(key, 14)), pen.strong()),
            Span::raw(what.to_owned()),
        ])
    };
    let head = |text: &str| Line::styled(format!(" {text}"), pen.head());
    let mut lines = vec![head(&format!("Keys on the screen {}", model.screen.name()))];
    if model.screen == Screen::Ask {
        lines.extend(model.form_keys().into_iter().map(|(key, what)| pair(key, what)));
    } else {
        lines.extend(model.bindings().iter().map(|one| pair(one.key, one.what)));
    }
    lines.push(pair("Ctrl-C", "leave; twice: at once"));
    lines.push(head("In forms"));
    lines.extend(FORMS.iter().map(|(key, what)| pair(key, what)));
    if model.screen == Screen::Requests {
        lines.push(head("How a request stands"));
        lines.extend(REQUESTS.iter().map(|(word, what)| pair(word, what)));
    }
    lines.push(head("What policy does to a field"));
    lines.extend(TREATMENTS.iter().map(|(word, what)| pair(word, what)));
    if let Some(told) = &model.told {
        lines.push(head("The drill"));
        lines.extend(indented(&told.about, columns));
        for objective in &told.objectives {
            lines.extend(indented(&format!("{}: {}", objective.id, objective.text), columns));
        }
    }
    scrolled(frame, area, lines, model.scroll);
}
