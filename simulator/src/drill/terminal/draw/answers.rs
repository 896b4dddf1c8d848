//! Questions that were asked, and what they brought: a table, and each record field by field.

use portcullis::client::Answer;
use portcullis::client::render;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::{Pen, indented, list, paragraph, scrolled};
use crate::drill::terminal::exchange::{Came, Exchange, grid, lines};
use crate::drill::terminal::model::Model;
use crate::drill::terminal::text::{column, cut, fit, short, time, width};

/// Most columns of a cell in a table.
const CELL: usize = 28;

/// Draws them.
pub fn draw(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let Some(exchange) = model.picked_exchange() else {
        let lines = vec![Line::raw(""), Line::raw("  Nothing was asked yet.")];
        return paragraph(frame, area, lines);
    };
    // On a tall terminal the list stays in sight above what is opened.
    let tall = area.height >= 30;
    let top = match (model.depth(), tall) {
        (0, false) => area.height,
        (0, true) | (_, true) => area.height / 3,
        (_, false) => 0,
    };
    let [above, below] =
        Layout::vertical([Constraint::Length(top), Constraint::Min(0)]).areas(area);
    if top > 0 {
        asked(model, pen, frame, above);
    }
    if model.depth() == 0 && !tall {
        return;
    }
    match (&exchange.came, model.depth()) {
        (Came::Answer(answer), 2) => record(model, exchange, answer, pen, frame, below),
        (Came::Answer(answer), _) => table(model, exchange, answer, pen, frame, below),
        (Came::Refused(refused), _) => {
            let columns = usize::from(below.width);
            let mut lines = vec![Line::styled(cut(&title(exchange), columns), pen.strong())];
            lines.extend(indented(&refused.render(), columns));
            scrolled(frame, below, lines, model.scroll);
        }
        (Came::Nothing, _) => {
            paragraph(frame, below, vec![Line::raw(format!("  {}", exchange.outcome()))]);
        }
    }
}

fn asked(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let columns = usize::from(area.width);
    let rest = columns.saturating_sub(2 + 9 + 7 + 14 + 16);
    let (outcome, id) = (rest * 3 / 5, rest - rest * 3 / 5);
    let line = |at: &str, matter: &str, of: &str, kind: &str, went: &str, exchange: &str| {
        format!(
            "{}{}{}{}{}{}",
            fit(at, 9),
            fit(matter, 7),
            column(of, 14),
            column(kind, 16),
            column(went, outcome),
            fit(exchange, id)
        )
    };
    let rows = model.exchanges.iter().rev().map(|one| {
        let matter = if one.matter == 0 { "—".to_owned() } else { one.matter.to_string() };
        let kind = short(&one.query.record_type);
        (line(&time(one.at), &matter, &one.of(), kind, &one.outcome(), one.id()), Style::new())
    });
    let rows = rows.collect();
    list(
        frame,
        area,
        pen,
        &line("asked", "matter", "of", "type", "outcome", "exchange"),
        rows,
        model.place(),
    );
}

fn title(exchange: &Exchange) -> String {
    let id = if exchange.id().is_empty() { "without an exchange" } else { exchange.id() };
    format!(
        " {} of {}: {}; {id}",
        short(&exchange.query.record_type),
        exchange.of(),
        exchange.outcome()
    )
}

/// What an answer rests on, in a line or two.
fn basis(answer: &Answer) -> String {
    let mut text = String::new();
    if let Some(header) = &answer.header {
        text = format!("under {} version {}", header.agreement_id, header.agreement_version);
        let by = render::time(header.delete_by.as_ref());
        if !by.is_empty() {
            text.push_str(&format!("; delete by {by}"));
        }
    }
    for status in &answer.statuses {
        text.push_str(&format!("; {}: {}", status.agency, render::completeness(status)));
        if !status.reason.is_empty() {
            text.push_str(&format!(" ({})", status.reason));
        }
    }
    text
}

fn table(
    model: &Model,
    exchange: &Exchange,
    answer: &Answer,
    pen: Pen,
    frame: &mut Frame,
    area: Rect,
) {
    let columns = usize::from(area.width);
    let mut top = vec![Line::styled(cut(&title(exchange), columns), pen.strong())];
    top.push(Line::raw(cut(&format!("  {}", basis(answer)), columns)));
    if let Some(failure) = &answer.failure {
        top.extend(
            indented(&failure.render(), columns).into_iter().map(|line| line.style(pen.wrong())),
        );
    }
    let height = u16::try_from(top.len()).unwrap_or(2).min(area.height);
    let [head, body] =
        Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(area);
    paragraph(frame, head, top);
    if answer.records.is_empty() {
        return paragraph(frame, body, vec![Line::raw("  No record fits, or none may be shown.")]);
    }
    let grid = grid(answer);
    let widths: Vec<usize> = (0..grid.head.len())
        .map(|at| {
            let cells = grid.rows.iter().filter_map(|row| row.get(at)).chain(grid.head.get(at));
            cells.map(|cell| width(cell)).max().unwrap_or(0).min(CELL)
        })
        .collect();
    // The first two say whose and which record it is: they stay where they are.
    let row = |cells: &[String]| {
        let fixed = cells.iter().zip(&widths).take(2);
        let rest = cells.iter().zip(&widths).skip(2 + model.column);
        fixed.chain(rest).map(|(cell, width)| fit(cell, *width)).collect::<Vec<_>>().join(" │ ")
    };
    let rows = grid.rows.iter().map(|cells| (row(cells), Style::new())).collect();
    let place = if model.depth() == 0 { usize::MAX } else { model.row };
    list(frame, body, pen, &row(&grid.head), rows, place.min(grid.rows.len()));
}

fn record(
    model: &Model,
    exchange: &Exchange,
    answer: &Answer,
    pen: Pen,
    frame: &mut Frame,
    area: Rect,
) {
    let columns = usize::from(area.width);
    let all = lines(answer, model.row, &exchange.query.fields);
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let count = answer.records.len();
    let text = format!(" Record {} of {count}; {}", model.row + 1, title(exchange).trim_start());
    paragraph(frame, head, vec![Line::styled(cut(&text, columns), pen.strong())]);
    let longest = all.iter().map(|line| width(&line.path)).max().unwrap_or(0);
    let path = longest.min(columns * 2 / 5) + 1;
    let treatment = 20;
    let value = columns.saturating_sub(2 + path + treatment + 12).max(10);
    let row = |name: &str, shown: &str, done: &str, ask: &str| {
        let (name, shown) = (column(name, path), column(shown, value));
        format!("{name}{shown}{}{}", column(done, treatment), fit(ask, 12))
    };
    let rows = all.iter().map(|line| {
        let hidden = line.value.is_empty();
        let style = if hidden { pen.faint() } else { Style::new() };
        let value = if hidden { "—" } else { &line.value };
        (row(&line.path, value, &line.treatment, &line.ask), style)
    });
    let rows: Vec<_> = rows.collect();
    let [listed, below] = Layout::vertical([Constraint::Min(0), Constraint::Length(3)]).areas(body);
    list(frame, listed, pen, &row("field", "value", "treatment", "ask"), rows, model.scroll);
    // What is picked stands in full below.
    if let Some(line) = all.get(model.scroll) {
        let text = format!("{}: {}\n{} ({})", line.path, line.value, line.treatment, line.reason);
        paragraph(frame, below, indented(&text, columns));
    }
}
