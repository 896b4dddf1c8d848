//! Injects, scores and what happens.

use portcullis_proto::drill::v1 as wire;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::player::{happening, pair, row, words};
use super::{Pen, halves, list, paragraph, scrolled};
use crate::drill::terminal::model::Model;
use crate::drill::terminal::text::{column, cut, fit, seconds, time};

/// The list of injects, past and to come.
pub fn injects(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let [top, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let next = model.next_inject().map_or_else(
        || " no inject is planned any more".to_owned(),
        |next| {
            let left = time(seconds(next.planned.as_ref()) - model.now());
            format!(
                " next: inject {} in {left} to {}: {}",
                next.number, next.receiver, next.content
            )
        },
    );
    paragraph(frame, top, vec![Line::styled(cut(&next, usize::from(area.width)), pen.notice())]);
    let (left, right) = halves(rest);
    if right.is_some() || model.depth() == 0 {
        plan(model, pen, frame, left);
    }
    let place = right.or((model.depth() > 0).then_some(left));
    if let (Some(place), Some(inject)) = (place, model.picked_inject()) {
        scrolled(frame, place, detail(model, inject, usize::from(place.width), pen), model.scroll);
    }
}

fn plan(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let rest = usize::from(area.width).saturating_sub(2 + 4 + 9 + 13 + 9 + 14 + 13);
    let line = |no: &str, at: &str, stands: &str, kind: &str, to: &str, came: &str, text: &str| {
        format!(
            "{}{}{}{}{}{}{}",
            fit(no, 4),
            fit(at, 9),
            fit(stands, 13),
            column(kind, 9),
            column(to, 14),
            fit(came, 13),
            fit(text, rest),
        )
    };
    let rows = model.plan().into_iter().map(|inject| {
        let at = inject.happened.as_ref().or(inject.planned.as_ref());
        let at = at.map(|at| time(at.seconds)).unwrap_or_default();
        let text = line(
            &inject.number.to_string(),
            &at,
            &stands(model, inject),
            &inject.kind,
            &inject.receiver,
            &came(inject),
            &inject.content,
        );
        let style = match (inject.skipped, &inject.happened) {
            (true, _) => pen.faint(),
            (false, Some(_)) => Style::new(),
            (false, None) => pen.strong(),
        };
        (text, style)
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return paragraph(frame, area, vec![Line::raw(""), Line::raw("  No injects.")]);
    }
    let head = line("no", "at", "stands", "kind", "to", "expected", "content");
    list(frame, area, pen, &head, rows, model.place());
}

fn stands(model: &Model, inject: &wire::Inject) -> String {
    match (inject.skipped, &inject.happened, &inject.planned) {
        (true, Some(_), _) => "withdrawn".to_owned(),
        (true, None, _) => "skipped".to_owned(),
        (false, Some(_), _) => "happened".to_owned(),
        (false, None, Some(planned)) => format!("in {}", time(planned.seconds - model.now())),
        (false, None, None) => "contingency".to_owned(),
    }
}

fn came(inject: &wire::Inject) -> String {
    match (&inject.met, &inject.happened) {
        (Some(met), _) => format!("came {}", time(met.seconds)),
        (None, Some(_)) if !inject.check.is_empty() => "NOT YET".to_owned(),
        (None, _) if inject.check.is_empty() => "—".to_owned(),
        (None, _) => String::new(),
    }
}

fn detail(model: &Model, inject: &wire::Inject, columns: usize, pen: Pen) -> Vec<Line<'static>> {
    let title = format!(" Inject {}: {}", inject.number, stands(model, inject));
    let mut lines = vec![Line::styled(cut(&title, columns), pen.strong())];
    let planned = inject.planned.as_ref().map(|at| time(at.seconds)).unwrap_or_default();
    let happened = inject.happened.as_ref().map(|at| time(at.seconds)).unwrap_or_default();
    let minutes = match inject.maximum_minutes {
        0 => String::new(),
        minutes => format!("{minutes} minutes at most"),
    };
    let came = came(inject);
    let pairs = [
        ("planned", planned.as_str()),
        ("happened", &happened),
        ("kind", &inject.kind),
        ("from", &inject.sender),
        ("to", &inject.receiver),
        ("content", &inject.content),
        ("expected", &inject.expected_action),
        ("did it come", &came),
        ("check", &inject.check),
        ("objective", &inject.objective),
        ("time for it", &minutes),
        ("evaluators", &inject.evaluator_note),
    ];
    for (name, value) in pairs {
        lines.extend(pair(name, value, 11, columns, pen));
    }
    lines
}

/// Scores so far, each with what counts and out of what.
pub fn scores(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let mut lines = vec![];
    for team in &model.scores {
        let name = if team.agency.is_empty() { "all together" } else { &team.agency };
        lines.push(Line::styled(format!(" {name}"), pen.strong()));
        for score in &team.scores {
            let value = match score.denominator {
                0.0 => "—".to_owned(),
                denominator => format!("{:.3}", score.numerator / denominator),
            };
            let (numerator, denominator) = (figure(score.numerator), figure(score.denominator));
            let name = fit(&score.name.replace('_', " "), 34);
            lines.push(Line::raw(format!(
                "   {name}{numerator:>12} of {denominator:>12}  = {value:>8}"
            )));
        }
    }
    if lines.is_empty() {
        lines.push(Line::raw("  No scores yet."));
    }
    scrolled(frame, area, lines, model.scroll);
}

fn figure(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.2}") }
}

/// What happens, newest first.
pub fn log(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let (left, right) = halves(area);
    let all: Vec<_> = model.news.iter().rev().collect();
    if right.is_some() || model.depth() == 0 {
        let columns = usize::from(left.width);
        let rows = all.iter().map(|one| {
            (happening(if one.unread { "NEW" } else { "" }, one, columns), Style::new())
        });
        let rows = rows.collect();
        list(frame, left, pen, &row("", "when", "who", "what", "", columns), rows, model.place());
    }
    let place = right.or((model.depth() > 0).then_some(left));
    if let (Some(place), Some(one)) = (place, all.get(model.place())) {
        scrolled(frame, place, words(one, usize::from(place.width), pen), model.scroll);
    }
}
