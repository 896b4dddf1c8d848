//! Matters and inbox.

use portcullis_proto::drill::v1 as wire;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Pen, halves, indented, list, paragraph, scrolled};
use crate::drill::terminal::model::{Model, Standing, standing};
use crate::drill::terminal::news::Happening;
use crate::drill::terminal::text::{column, cut, fit, seconds, short, time, width, wrap};

/// The queue of matters, and the one that is picked.
pub fn matters(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let [top, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    paragraph(frame, top, vec![Line::raw(capacity(model))]);
    let (left, right) = halves(rest);
    let picked = model.picked_matter();
    match (right, model.depth()) {
        (Some(right), _) => {
            queue(model, pen, frame, left);
            if let Some(matter) = picked {
                scrolled(
                    frame,
                    right,
                    detail(model, matter, usize::from(right.width), pen),
                    model.scroll,
                );
            }
        }
        (None, 0) => queue(model, pen, frame, left),
        (None, _) => {
            if let Some(matter) = picked {
                scrolled(
                    frame,
                    left,
                    detail(model, matter, usize::from(left.width), pen),
                    model.scroll,
                );
            }
        }
    }
}

fn capacity(model: &Model) -> String {
    let all: usize = model.matters.values().map(Vec::len).sum();
    let mut text = format!(" {} of {all} matters open", model.open_matters());
    let left = model.told.as_ref().and_then(|told| told.inspections.as_ref());
    if let Some(left) = left {
        let ends = time(seconds(left.shift_ends.as_ref()));
        text.push_str(&format!(
            "; {} inspections left in the shift that ends at {ends}",
            left.left
        ));
    }
    text
}

fn queue(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let by_team = model.role() != wire::Role::Player;
    let team = if by_team { 13 } else { 0 };
    let rest = usize::from(area.width).saturating_sub(2 + 4 + 9 + 13 + 11 + team);
    // The longest names of record types are of 20 letters, numbers of records of 15.
    let kind = rest.saturating_sub(16).min(22);
    let row =
        |no: &str, of: &str, what: &str, name: &str, left: &str, decision: &str, found: &str| {
            format!(
                "{}{}{}{}{}{}{}",
                column(no, 4),
                column(of, team),
                column(what, kind),
                column(name, rest - kind),
                column(left, 9),
                column(decision, 13),
                fit(found, 11),
            )
        };
    let rows = model.queue().into_iter().map(|matter| {
        let (left, style) = match standing(matter, model.now()) {
            Standing::Open => (left(model, matter), pen.strong()),
            Standing::Decided => (left(model, matter), Style::new()),
            Standing::Gone => ("gone".to_owned(), pen.faint()),
        };
        let text = row(
            &matter.number.to_string(),
            &matter.team,
            short(&matter.record_type),
            &matter.record,
            &left,
            &decided(model, matter),
            &matter.found,
        );
        (text, style)
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return paragraph(frame, area, vec![Line::raw(""), Line::raw("  No matter has come yet.")]);
    }
    let head = row("no", "team", "type", "record", "left", "decision", "found");
    list(frame, area, pen, &head, rows, model.place());
}

fn left(model: &Model, matter: &wire::Matter) -> String {
    match &matter.leaves {
        Some(leaves) if leaves.seconds < model.now() => "gone".to_owned(),
        Some(leaves) => time(leaves.seconds - model.now()),
        None => "—".to_owned(),
    }
}

fn decided(model: &Model, matter: &wire::Matter) -> String {
    match matter.decision.as_str() {
        "" if standing(matter, model.now()) == Standing::Gone => "undecided".to_owned(),
        "" => "OPEN".to_owned(),
        word => format!("{word} {}%", matter.confidence),
    }
}

/// A matter and its record.
pub fn detail(
    model: &Model,
    matter: &wire::Matter,
    columns: usize,
    pen: Pen,
) -> Vec<Line<'static>> {
    let of = if matter.team.is_empty() { String::new() } else { format!(", {}", matter.team) };
    let title =
        format!(" Matter {}: {} {}{of}", matter.number, short(&matter.record_type), matter.record);
    let leaves = time(seconds(matter.leaves.as_ref()));
    let reach = match left(model, matter).as_str() {
        "gone" => format!("out of reach since {leaves}"),
        left => format!("out of reach at {leaves}, {left} left"),
    };
    let asked = model.exchanges.iter().filter(|one| one.matter == matter.number).count();
    let found = if matter.found.is_empty() { "not opened, or not yet" } else { &matter.found };
    let facts = format!(
        "came {}, {reach}\ndecision: {}\ninspection: {found}\nquestions asked for it: {asked}",
        time(seconds(matter.arrived.as_ref())),
        decided(model, matter),
    );
    let mut lines = vec![Line::styled(cut(&title, columns), pen.strong())];
    lines.extend(indented(&facts, columns));
    lines.push(Line::raw(""));
    if matter.record_cells.is_empty() {
        lines.push(Line::raw("  The record is not shown here: ask for it through the gateway."));
    }
    let path_width = matter.record_cells.iter().map(|cell| width(&cell.path)).max().unwrap_or(0);
    let path_width = path_width.min(columns / 2);
    for cell in &matter.record_cells {
        lines.extend(pair(&cell.path, &cell.value, path_width, columns, pen));
    }
    lines
}

/// A name and its value, the value over as many lines as it needs.
pub fn pair(
    name: &str,
    value: &str,
    name_width: usize,
    columns: usize,
    pen: Pen,
) -> Vec<Line<'static>> {
    let room = columns.saturating_sub(name_width + 5);
    let values = wrap(value, room);
    let values = if values.is_empty() { vec!["—".to_owned()] } else { values };
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    let lines = names.zip(values).map(|(name, value)| {
        Line::from(vec![
            Span::styled(format!("  {}  ", fit(name, name_width)), pen.faint()),
            Span::raw(value),
        ])
    });
    lines.collect()
}

/// What came in, newest first.
pub fn inbox(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let all = model.inbox();
    let (left, right) = halves(area);
    let picked = all.get(model.place()).copied();
    if all.is_empty() {
        return paragraph(
            frame,
            area,
            vec![Line::raw(""), Line::raw("  Nothing has come in yet.")],
        );
    }
    if right.is_some() || model.depth() == 0 {
        let rows = all.iter().map(|one| {
            let mark = if one.unread { "NEW" } else { "" };
            let text = happening(mark, one, usize::from(left.width));
            (text, if one.unread { pen.strong() } else { Style::new() })
        });
        let rows = rows.collect();
        list(
            frame,
            left,
            pen,
            &row("", "when", "from", "what", "", usize::from(left.width)),
            rows,
            model.place(),
        );
    }
    let place = right.or((model.depth() > 0).then_some(left));
    if let (Some(place), Some(one)) = (place, picked) {
        scrolled(frame, place, words(one, usize::from(place.width), pen), model.scroll);
    }
}

/// A line of a list of happenings.
pub fn happening(mark: &str, one: &Happening, columns: usize) -> String {
    row(mark, &time(one.at), &one.by, &one.kind, &one.text, columns)
}

/// Columns of a list of happenings.
pub fn row(mark: &str, at: &str, by: &str, kind: &str, text: &str, columns: usize) -> String {
    let rest = columns.saturating_sub(2 + 4 + 9 + 14 + 12);
    format!(
        "{}{}{}{}{}",
        fit(mark, 4),
        fit(at, 9),
        column(by, 14),
        column(kind, 12),
        fit(text, rest)
    )
}

/// What somebody wrote or what came, in full.
pub fn words(one: &Happening, columns: usize, pen: Pen) -> Vec<Line<'static>> {
    let about = match (one.matter, one.inject) {
        (0, 0) => String::new(),
        (0, inject) => format!(", inject {inject}"),
        (matter, _) => format!(", matter {matter}"),
    };
    let team = if one.team.is_empty() { String::new() } else { format!(", for {}", one.team) };
    let title = format!(" {} {} by {}{team}{about}", time(one.at), one.kind, one.by);
    let mut lines = vec![Line::styled(cut(&title, columns), pen.strong())];
    lines.extend(indented(&one.text, columns));
    lines.push(Line::raw(""));
    lines.extend(indented(&one.content, columns));
    lines
}
