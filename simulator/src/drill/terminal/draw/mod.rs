//! The screens, each a function of the model. EXERCISE stands on all of them; nothing is said by colour alone.

mod answers;
mod asking;
mod bars;
mod dialog;
mod help;
mod pen;
mod player;
mod requests;
mod trainer;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

pub use pen::Pen;

use super::model::{Model, Screen};
use super::text::wrap;

/// Least size of a terminal that a desk fits on: columns and lines.
pub const LEAST: (u16, u16) = (60, 18);
/// Columns from which on a list and what is picked in it stand side by side.
const WIDE: u16 = 120;

/// Draws a desk.
pub fn draw(model: &Model, pen: Pen, frame: &mut Frame) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let (columns, lines) = LEAST;
        let text = format!("EXERCISE\nThis terminal is too small: {columns}x{lines} at least.");
        return paragraph(frame, area, text.lines().map(Line::raw).collect());
    }
    let keys = bars::keys(model, usize::from(area.width), pen);
    let key_lines = u16::try_from(keys.len()).unwrap_or(1);
    let parts = [
        Constraint::Length(3),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(key_lines),
    ];
    let [top, body, status, bottom] = Layout::vertical(parts).areas(area);
    paragraph(frame, top, bars::header(model, usize::from(area.width), pen));
    paragraph(frame, status, vec![bars::status(model, usize::from(area.width), pen)]);
    paragraph(frame, bottom, keys);
    if model.help {
        return help::draw(model, pen, frame, body);
    }
    match (&model.told, model.screen) {
        (None, _) => opening(model, frame, body),
        (Some(_), Screen::Matters) => player::matters(model, pen, frame, body),
        (Some(_), Screen::Inbox) => player::inbox(model, pen, frame, body),
        (Some(_), Screen::Ask) => asking::draw(model, pen, frame, body),
        (Some(_), Screen::Answers) => answers::draw(model, pen, frame, body),
        (Some(_), Screen::Requests) => requests::draw(model, pen, frame, body),
        (Some(_), Screen::Injects) => trainer::injects(model, pen, frame, body),
        (Some(_), Screen::Scores) => trainer::scores(model, pen, frame, body),
        (Some(_), Screen::Log) => trainer::log(model, pen, frame, body),
    }
    dialog::draw(model, pen, frame, body);
}

fn opening(model: &Model, frame: &mut Frame, area: Rect) {
    let why = match &model.link {
        super::model::Link::Lost { reason, .. } => reason.as_str(),
        _ => "",
    };
    let mut lines = vec![Line::raw(""), Line::raw("  Reaching the drill ..")];
    let width = usize::from(area.width).saturating_sub(4);
    lines.extend(wrap(why, width).into_iter().map(|line| Line::raw(format!("  {line}"))));
    paragraph(frame, area, lines);
}

fn paragraph(frame: &mut Frame, area: Rect, lines: Vec<Line<'_>>) {
    frame.render_widget(Paragraph::new(lines), area);
}

/// A list under its head: as many rows as fit, the picked one among them and marked; the first ones where none is.
fn list(
    frame: &mut Frame,
    area: Rect,
    pen: Pen,
    head: &str,
    rows: Vec<(String, ratatui::style::Style)>,
    place: usize,
) {
    let height = usize::from(area.height).saturating_sub(1);
    let width = usize::from(area.width);
    let mut lines = vec![Line::styled(super::text::fit(&format!("  {head}"), width), pen.head())];
    let middle = if place < rows.len() { place.saturating_sub(height / 2) } else { 0 };
    let first = middle.min(rows.len().saturating_sub(height));
    for (at, (row, style)) in rows.into_iter().enumerate().skip(first).take(height) {
        let picked = at == place;
        let mark = if picked { "> " } else { "  " };
        let text = super::text::fit(&format!("{mark}{row}"), width);
        lines.push(Line::styled(text, if picked { pen.picked() } else { style }));
    }
    paragraph(frame, area, lines);
}

/// Lines from the first that is to be shown on; says how much there is beyond.
fn scrolled(frame: &mut Frame, area: Rect, lines: Vec<Line<'_>>, from: usize) {
    let height = usize::from(area.height);
    let count = lines.len();
    let first = from.min(count.saturating_sub(height));
    let mut shown: Vec<Line<'_>> = lines.into_iter().skip(first).take(height).collect();
    if first + height < count {
        let rest = count - first - height + 1;
        shown.pop();
        shown.push(Line::raw(format!("  .. {rest} lines more")));
    }
    paragraph(frame, area, shown);
}

/// List and what is picked, side by side where there is room for both.
fn halves(area: Rect) -> (Rect, Option<Rect>) {
    if area.width < WIDE {
        return (area, None);
    }
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(55), Constraint::Percentage(45)]).areas(area);
    (left, Some(right))
}

/// Lines of a text, set in by two columns.
fn indented<'a>(text: &str, width: usize) -> Vec<Line<'a>> {
    let lines = wrap(text, width.saturating_sub(3));
    lines.into_iter().map(|line| Line::raw(format!("  {line}"))).collect()
}
