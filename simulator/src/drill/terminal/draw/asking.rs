//! The question form. Beside each field stands what policy will do to it, and why; a refusal stands with its remedy.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::dialog::{put_cursor, row};
use super::player::detail;
use super::{Pen, halves, paragraph, scrolled};
use crate::drill::terminal::form::Kind;
use crate::drill::terminal::model::Model;
use crate::drill::terminal::question::{Policy, Question, field};
use crate::drill::terminal::text::{behind, column, cut, fit, width, wrap};

/// Least lines of the list of fields.
const FIELDS: u16 = 6;

/// How an expression is written.
const EXAMPLE: &str = "as in: items.hs_code prefix 8471 and accepted_at >= 2021-04-01";

/// Draws it.
pub fn draw(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let Some(question) = &model.question else { return };
    let (area, beside) = match model.matter(question.matter) {
        Some(matter) => {
            let (left, right) = halves(area);
            (left, right.map(|right| (right, matter)))
        }
        None => (area, None),
    };
    if let Some((right, matter)) = beside {
        scrolled(frame, right, detail(model, matter, usize::from(right.width), pen), 0);
    }
    let columns = usize::from(area.width);
    let about = match question.matter {
        0 => " Question to a partner".to_owned(),
        number => format!(" Question to a partner, for matter {number}"),
    };
    let (mut top, mut cursor) = (vec![Line::styled(about, pen.strong())], None);
    for (place, one) in question.form.fields.iter().enumerate() {
        if one.name == field::FIELDS {
            continue;
        }
        let (line, column) = row(one, place == question.form.focus, columns, pen);
        if let Some(column) = column {
            cursor = Some((column, top.len()));
        }
        top.push(line);
    }
    top.extend(said(model, question, columns, pen));
    let most = area.height.saturating_sub(FIELDS);
    let height = u16::try_from(top.len()).unwrap_or(u16::MAX).min(most);
    let parts = [Constraint::Length(height), Constraint::Min(0)];
    let [head, rest] = Layout::vertical(parts).areas(area);
    paragraph(frame, head, top);
    if let Some((column, line)) = cursor {
        put_cursor(frame, head, column, line);
    }
    fields(question, pen, frame, rest);
}

/// What policy says to the question, and what is wrong with it.
fn said(model: &Model, question: &Question, columns: usize, pen: Pen) -> Vec<Line<'static>> {
    let (text, style) = match &question.policy {
        _ if !model.gateway => {
            ("no gateway to ask: start the desk with --gateway PROFILE".to_owned(), pen.wrong())
        }
        Policy::Unknown => ("policy: not asked yet".to_owned(), pen.faint()),
        Policy::Asked => ("policy: asking ..".to_owned(), pen.faint()),
        Policy::Said(said) if said.allowed => {
            (format!("policy: ALLOWED under {}", said.agreement_id), pen.notice())
        }
        Policy::Said(said) => {
            let mut text = format!("policy: DENIED {}: {}", said.reason, said.explanation);
            if !said.remedy.is_empty() {
                text.push_str(&format!("\nremedy: {}", said.remedy));
            }
            (text, pen.wrong())
        }
        Policy::Failed(refused) => (format!("policy: {}", refused.render()), pen.wrong()),
    };
    let room = columns.saturating_sub(2);
    let mut lines: Vec<Line<'static>> =
        wrap(&text, room).into_iter().map(|line| Line::styled(format!(" {line}"), style)).collect();
    if question.form.error.is_empty() && question.form.focused() == field::WHERE {
        let hint = cut(&format!(" {EXAMPLE}"), room);
        lines.push(Line::styled(hint, pen.faint()));
    }
    let wrong = pointed(&question.form.error, room).into_iter();
    lines.extend(wrong.map(|line| Line::styled(format!(" {line}"), pen.wrong())));
    lines
}

/// What is wrong; where it points at a place, line and caret stay under each other and the place in sight.
fn pointed(error: &str, room: usize) -> Vec<String> {
    let lines: Vec<&str> = error.lines().collect();
    let carets = |line: &str| !line.is_empty() && line.chars().all(|one| matches!(one, ' ' | '^'));
    match lines.as_slice() {
        [said @ .., text, caret] if carets(caret) => {
            let place = width(caret);
            let left = place.saturating_sub(room.saturating_sub(1));
            let mut shown = wrap(&said.join("\n"), room);
            shown.extend([text, caret].map(|line| cut(&behind(line, left), room)));
            shown
        }
        _ => wrap(error, room),
    }
}

fn fields(question: &Question, pen: Pen, frame: &mut Frame, area: Rect) {
    let Some(Kind::Ticks { items, at }) = question.form.field(field::FIELDS) else { return };
    let focused = question.form.focused() == field::FIELDS;
    let columns = usize::from(area.width);
    let longest = items.iter().map(|item| width(&item.label)).max().unwrap_or(0);
    let path = longest.min(columns * 2 / 5) + 1;
    let ticked = items.iter().filter(|item| item.on).count();
    let mark = if focused { ">" } else { " " };
    let head = format!("{mark} fields: {ticked} of {} ticked", items.len());
    let head = format!(
        "{}{}{}{}",
        fit(&head, path + 6),
        fit("policy will", 19),
        fit("where", 6),
        fit("because", columns.saturating_sub(path + 31))
    );
    let mut lines = vec![Line::styled(head, if focused { pen.strong() } else { pen.head() })];
    let why = items
        .get(*at)
        .filter(|_| focused)
        .map(|item| why(question, &item.value, columns))
        .unwrap_or_default();
    let height = usize::from(area.height).saturating_sub(1 + why.len());
    let first = at.saturating_sub(height / 2).min(items.len().saturating_sub(height));
    for (number, item) in items.iter().enumerate().skip(first).take(height) {
        let picked = focused && number == *at;
        let tick = if item.on { "[x]" } else { "[ ]" };
        let (treatment, usable, reason) = match question.treatment(&item.value) {
            Some(plan) => (
                portcullis::client::render::treatment(plan),
                if plan.usable_in_filter { "yes" } else { "no" },
                plan.reason.as_str(),
            ),
            None => (String::new(), "", ""),
        };
        let text = format!(
            "{} {tick} {}{}{}{}",
            if picked { ">" } else { " " },
            fit(&item.label, path),
            column(&treatment, 19),
            fit(usable, 6),
            fit(reason, columns.saturating_sub(path + 31)),
        );
        let style = match (picked, item.on) {
            (true, _) => pen.picked(),
            (false, true) => pen.strong(),
            (false, false) => ratatui::style::Style::new(),
        };
        lines.push(Line::styled(text, style));
    }
    lines.extend(why.into_iter().map(|line| Line::styled(line, pen.notice())));
    paragraph(frame, area, lines);
}

/// The condition behind what policy does to a field, and what would help; two lines at most.
fn why(question: &Question, path: &str, columns: usize) -> Vec<String> {
    let Some(plan) = question.treatment(path) else { return vec![] };
    let mut text = format!("{} by {}", plan.reason, plan.rule);
    if let Some(because) = question.because(plan) {
        text = format!("{}: {}.", plan.rule, because.because);
        if !because.remedy.is_empty() {
            text.push_str(&format!(" What would help: {}", because.remedy));
        }
    }
    if !plan.ask.is_empty() {
        text.push_str(&format!(" {} can be asked to show more.", plan.ask));
    }
    let mut lines: Vec<String> =
        wrap(&text, columns.saturating_sub(2)).into_iter().map(|line| format!(" {line}")).collect();
    if lines.len() > 2 {
        lines.truncate(2);
        if let Some(last) = lines.last_mut() {
            *last = cut(&format!("{last} …"), columns);
        }
    }
    lines
}
