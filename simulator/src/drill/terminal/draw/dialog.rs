//! Forms over a screen, and questions of yes or no.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear};

use super::{Pen, paragraph};
use crate::drill::terminal::form::{Field, Form, Kind};
use crate::drill::terminal::model::Model;
use crate::drill::terminal::text::{cut, fit, width, wrap};

/// Columns of the fields' names.
pub const NAMES: usize = 18;
/// Most lines of a list to tick.
const TICKS: usize = 6;
/// Most lines above a form of what has to be known.
const ABOUT: usize = 4;
/// Most columns of a form.
const WIDEST: u16 = 100;

/// Draws what lies over the screen.
pub fn draw(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    if let Some(dialog) = &model.dialog {
        let sent = dialog.key.is_some();
        let note = if sent { "sent; waiting to hear that it arrived .." } else { "" };
        form(&dialog.form, note, pen, frame, area);
    }
    if let Some(confirm) = &model.confirm {
        let columns = area.width.saturating_sub(4).min(70);
        let lines = wrap(&confirm.text, usize::from(columns).saturating_sub(4));
        let mut shown: Vec<Line<'_>> = lines.into_iter().map(Line::raw).collect();
        shown.push(Line::styled("y: yes   n: no", pen.strong()));
        let inner = window("Sure?", columns, shown.len(), pen, frame, area);
        paragraph(frame, inner, shown);
    }
}

fn window(
    title: &str,
    columns: u16,
    lines: usize,
    pen: Pen,
    frame: &mut Frame,
    area: Rect,
) -> Rect {
    let height = u16::try_from(lines + 2).unwrap_or(u16::MAX).min(area.height);
    let place = Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - height) / 2,
        width: columns,
        height,
    };
    frame.render_widget(Clear, place);
    let title = cut(title, usize::from(columns).saturating_sub(4));
    let block =
        Block::new().borders(Borders::ALL).title(Line::styled(format!(" {title} "), pen.strong()));
    let mut inner = block.inner(place);
    frame.render_widget(block, place);
    inner.x += 1;
    inner.width = inner.width.saturating_sub(2);
    inner
}

fn form(form: &Form, note: &str, pen: Pen, frame: &mut Frame, area: Rect) {
    let columns = area.width.saturating_sub(2).min(WIDEST);
    let room = usize::from(columns).saturating_sub(4);
    let (mut lines, mut cursor) = (vec![], None);
    let about = wrap(&form.about, room).into_iter().take(ABOUT);
    lines.extend(about.map(|line| Line::styled(line, pen.faint())));
    for (place, field) in form.fields.iter().enumerate() {
        let focused = place == form.focus;
        if let Kind::Ticks { items, at } = &field.kind {
            let ticked = items.iter().filter(|item| item.on).count();
            let head = format!("{}: {ticked} of {} ticked", field.name, items.len());
            lines.push(Line::styled(
                mark(&head, focused),
                if focused { pen.strong() } else { pen.faint() },
            ));
            let first = at.saturating_sub(TICKS / 2).min(items.len().saturating_sub(TICKS));
            for (number, item) in items.iter().enumerate().skip(first).take(TICKS) {
                let picked = focused && number == *at;
                let tick = if item.on { "[x]" } else { "[ ]" };
                let text = fit(&format!("    {tick} {}", item.label), room);
                lines.push(Line::styled(text, if picked { pen.picked() } else { pen.faint() }));
            }
        } else {
            let (line, column) = row(field, focused, room, pen);
            if let Some(column) = column {
                cursor = Some((column, lines.len()));
            }
            lines.push(line);
        }
    }
    let said = if form.error.is_empty() { note } else { &form.error };
    lines.extend(wrap(said, room).into_iter().map(|line| Line::styled(line, pen.wrong())));
    let inner = window(&form.title, columns, lines.len(), pen, frame, area);
    paragraph(frame, inner, lines);
    if let Some((column, line)) = cursor {
        put_cursor(frame, inner, column, line);
    }
}

/// Puts the terminal's cursor into an area.
pub fn put_cursor(frame: &mut Frame, area: Rect, column: usize, line: usize) {
    let (Ok(column), Ok(line)) = (u16::try_from(column), u16::try_from(line)) else { return };
    if line < area.height && column < area.width {
        frame.set_cursor_position(Position { x: area.x + column, y: area.y + line });
    }
}

fn mark(text: &str, focused: bool) -> String {
    format!("{} {text}", if focused { ">" } else { " " })
}

/// A line or a choice on one row, and where the cursor is if it has it.
pub fn row(
    field: &Field,
    focused: bool,
    columns: usize,
    pen: Pen,
) -> (Line<'static>, Option<usize>) {
    let name = fit(&mark(field.name, focused), NAMES + 2);
    let before = width(&name);
    let room = columns.saturating_sub(before);
    let (text, cursor) = match &field.kind {
        Kind::Text(editor) => {
            let (text, column) = editor.window(room);
            (fit(&text, room), focused.then_some(before + column))
        }
        Kind::Choice { options, chosen } => {
            let label =
                options.get(*chosen).map_or("nothing to choose", |(_, label)| label.as_str());
            let count = if options.len() > 1 {
                format!("  {}/{}", chosen + 1, options.len())
            } else {
                String::new()
            };
            let label = cut(label, room.saturating_sub(width(&count) + 4));
            (format!("< {label} >{count}"), None)
        }
        Kind::Ticks { .. } => (String::new(), None),
    };
    let style = if focused { pen.strong() } else { pen.faint() };
    (Line::from(vec![Span::styled(name, style), Span::raw(text)]), cursor)
}
