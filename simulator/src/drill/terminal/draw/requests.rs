//! Release requests: what others ask of the team, what the team asked of others, and one of them with all its steps.

use portcullis_core::release::{Act, State};
use portcullis_proto::query::v1 as wire;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::player::pair;
use super::{Pen, halves, list, paragraph, scrolled};
use crate::drill::terminal::model::Model;
use crate::drill::terminal::request::{Request, line, time};
use crate::drill::terminal::text::{behind, column, cut, fit, short, wrap};

/// Columns of the names in the detail.
const NAMES: usize = 10;
/// Columns of month, day and time in a list, and of the year before them, which nobody needs there.
const SINCE: usize = 11;
const YEAR: usize = 5;

/// Draws them.
pub fn draw(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let [top, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let (text, style) = stands(model, pen);
    paragraph(frame, top, vec![Line::styled(cut(&text, usize::from(area.width)), style)]);
    let (left, right) = halves(rest);
    if right.is_some() || model.depth() == 0 {
        lists(model, pen, frame, left);
    }
    let place = right.or((model.depth() > 0).then_some(left));
    if let (Some(place), Some(request)) = (place, model.picked_request()) {
        scrolled(frame, place, detail(model, request, usize::from(place.width), pen), model.scroll);
    }
}

/// How many wait for whom, or why that is not known.
fn stands(model: &Model, pen: Pen) -> (String, Style) {
    let requests = &model.requests;
    if !model.gateway {
        let text = " no gateway to ask: start the desk with --gateway PROFILE".to_owned();
        return (text, pen.wrong());
    }
    if !requests.failed.is_empty() {
        let old = if requests.is_loaded() { "not up to date" } else { "not known yet" };
        return (format!(" {old}: {}", requests.failed), pen.wrong());
    }
    if !requests.is_loaded() {
        return (" asking the gateway ..".to_owned(), pen.faint());
    }
    let waiting = |all: Vec<&Request>| all.iter().filter(|one| one.waits_for(model.team())).count();
    let (us, them) = (requests.asked_of(model.team()), requests.asked_by(model.team()));
    let open = them.iter().filter(|one| one.state() == Some(State::Pending)).count();
    let (decide, answer) = (waiting(us), waiting(them));
    let text =
        format!(" to decide: {decide}; to answer: {answer}; others decide on {open} of ours");
    (text, if decide + answer > 0 { pen.notice() } else { pen.faint() })
}

/// Both lists under each other. Each has what it needs, or its half.
fn lists(model: &Model, pen: Pen, frame: &mut Frame, area: Rect) {
    let own = model.team();
    let (of_us, by_us) = (model.requests.asked_of(own), model.requests.asked_by(own));
    let needs = |count: usize| u16::try_from(count.max(1) + 1).unwrap_or(u16::MAX);
    let (first, second) = (needs(of_us.len()), needs(by_us.len()).saturating_add(1));
    let most = (area.height / 2).max(area.height.saturating_sub(second));
    let parts = [Constraint::Length(first.min(most)), Constraint::Min(0)];
    let [above, below] = Layout::vertical(parts).areas(area);
    let place = model.place();
    let of_us_place = (place < of_us.len()).then_some(place);
    table(model, "asks us", &of_us, of_us_place, pen, frame, above);
    let [_, below] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(below);
    let by_us_place = place.checked_sub(of_us.len());
    table(model, "we ask", &by_us, by_us_place, pen, frame, below);
}

fn table(
    model: &Model,
    who: &str,
    all: &[&Request],
    place: Option<usize>,
    pen: Pen,
    frame: &mut Frame,
    area: Rect,
) {
    let fields = usize::from(area.width).saturating_sub(2 + 4 + 4 + 13 + 12 + 15 + SINCE);
    let row = |new: &str, no: &str, who: &str, state: &str, kind: &str, shows: &str, at: &str| {
        format!(
            "{}{}{}{}{}{}{}",
            fit(new, 4),
            column(no, 4),
            column(who, 13),
            column(state, 12),
            column(kind, 15),
            column(shows, fields),
            fit(at, SINCE),
        )
    };
    let head = row("", "no", who, "state", "type", "fields", "since (UTC)");
    if all.is_empty() {
        let columns = usize::from(area.width);
        let none = match who {
            _ if !model.requests.is_loaded() => "not known yet",
            "we ask" => "We asked for nothing.",
            _ => "Nobody asks us.",
        };
        let head = Line::styled(fit(&format!("  {head}"), columns), pen.head());
        return paragraph(frame, area, vec![head, Line::raw(format!("  {none}"))]);
    }
    let rows = all.iter().map(|request| {
        let release = &request.release;
        let since = release.steps.last().map(|step| behind(&time(step.at.as_ref()), YEAR));
        let since = since.unwrap_or_default();
        let new = if request.is_new(model.team()) { "NEW" } else { "" };
        let text = row(
            new,
            &request.number.to_string(),
            request.other(model.team()),
            &request.word(),
            short(&release.record_type),
            &release.fields.join(", "),
            &since,
        );
        let style = match (request.waits_for(model.team()), request.state()) {
            (true, _) => pen.strong(),
            (false, Some(State::Pending | State::AskedBack | State::Granted)) => Style::new(),
            (false, _) => pen.faint(),
        };
        (text, style)
    });
    list(frame, area, pen, &head, rows.collect(), place.unwrap_or(usize::MAX));
}

fn detail(model: &Model, request: &Request, columns: usize, pen: Pen) -> Vec<Line<'static>> {
    let (release, own) = (&request.release, model.team());
    let (number, other) = (request.number, request.other(own));
    let state = request.word();
    let title = if request.is_asked_of(own) {
        format!(" Request {number}: {other} asks us: {state}")
    } else {
        format!(" Request {number}: we ask {other}: {state}")
    };
    let matter = match model.matter_behind(release) {
        0 => String::new(),
        number => format!(", seen for matter {number}"),
    };
    let reason = release.steps.first().map(|step| step.text.clone()).unwrap_or_default();
    let late = if release.overdue { " OVERDUE" } else { "" };
    let (due, lapses) = (time(release.due.as_ref()), time(release.lapses_at.as_ref()));
    let mut pairs = vec![
        ("record", format!("{}{matter}", request.record())),
        ("fields", release.fields.join(", ")),
        ("reason", reason),
        ("purpose", request.purpose()),
        ("under", format!("{} version {}", release.agreement_id, release.agreement_version)),
    ];
    match request.state() {
        Some(State::Pending | State::AskedBack) => {
            pairs.push(("answer by", format!("{due} UTC{late}; lapses {lapses} UTC")));
        }
        Some(State::Granted) => {
            let until = time(release.usable_until.as_ref());
            let granted: Vec<String> = release.granted.iter().map(shown).collect();
            pairs.push(("granted", granted.join(", ")));
            pairs.push(("until", format!("{until} UTC")));
        }
        _ => {}
    }
    let mut lines = vec![Line::styled(cut(&title, columns), pen.strong())];
    for (name, value) in pairs {
        lines.extend(pair(name, &value, NAMES, columns, pen));
    }
    lines.push(Line::styled(" Steps (UTC)", pen.head()));
    for step in &release.steps {
        let room = columns.saturating_sub(6);
        // The words of the first one stand above, as the reason.
        let text = match step.act == Act::Request as i32 {
            true => line(&wire::ReleaseStep { text: String::new(), ..step.clone() }),
            false => line(step),
        };
        for (place, text) in wrap(&text, room).into_iter().enumerate() {
            let text = if place == 0 { format!("  {text}") } else { format!("     {text}") };
            lines.push(Line::raw(text));
        }
    }
    lines
}

/// A granted field, with what was done to it where it is not clear.
fn shown(field: &wire::ReleaseField) -> String {
    let plan = wire::FieldPlan {
        treatment: field.treatment,
        level: field.level.clone(),
        ..wire::FieldPlan::default()
    };
    match field.treatment() {
        wire::Treatment::Clear | wire::Treatment::Unspecified => field.path.clone(),
        _ => format!("{} ({})", field.path, portcullis::client::render::treatment(&plan)),
    }
}
