//! Plots of the report, drawn here: colours that colour-blind readers tell apart (M. Okabe, K. Ito, 2008), and shapes
//! beside them.

use std::fmt::Write as _;

use super::Material;
use super::html::clock;
use crate::describe::page::escape;
use crate::drill::event::{Decision, What};
use crate::drill::plot::{Matter, Truth};
use crate::drill::score::{Decided, decisions};

const WIDTH: f64 = 1_080.0;
const LEFT: f64 = 120.0;
const ROW: f64 = 9.0;

#[expect(clippy::cast_precision_loss, reason = "milliseconds and counts of a drill")]
fn number(count: u64) -> f64 {
    count as f64
}

/// What came to whom and what was done about it. A team's edition shows no truth.
pub(super) fn timeline(material: &Material, only: Option<usize>) -> String {
    let length = number(material.scenario.length.0).max(1.0);
    let x = |at: u64| LEFT + (WIDTH - LEFT - 14.0) * number(at) / length;
    let decided = decisions(material.events);
    let (mut body, mut y) = (String::new(), 26.0);
    // Writing to a String cannot fail, here and below.
    for (place, team) in material.scenario.teams.iter().enumerate() {
        if only.is_some_and(|only| only != place) {
            continue;
        }
        let mine = material.plot.matters.iter().filter(|matter| matter.team == place);
        let rows = packed(mine);
        let height = number(rows.iter().map(|(row, _)| *row + 1).max().unwrap_or(1)) * ROW;
        let _ = write!(
            body,
            "<text x=\"4\" y=\"{:.1}\">{}</text><line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#bbb\"/>",
            y + height / 2.0 + 4.0,
            escape(&team.agency),
            y + height + 5.0,
            y + height + 5.0
        );
        for (row, matter) in rows {
            let top = y + number(row) * ROW;
            bar(&mut body, matter, &decided, top, &x, only.is_some());
        }
        y += height + 12.0;
    }
    injects(&mut body, material, y, &x);
    let axis = axis(y, length, &x);
    let legend = if only.is_some() { "" } else { LEGEND };
    format!(
        "<figure><svg viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-label=\"timeline of matters and decisions\">{body}{axis}</svg>\
         <figcaption>Exercise time. A bar: a matter within reach of its team. ■ stopped, ○ let go, ◇ inspected. Dashed: injects by \
         their number.{legend}</figcaption></figure>",
        y + 34.0
    )
}

const LEGEND: &str = " <span style=\"color:#d55e00\">▬ part of a case</span> <span style=\"color:#cc79a7\">▬ ordinary fraud</span> \
    <span style=\"color:#56b4e9\">▬ decoy</span> <span style=\"color:#999\">▬ lawful</span>";

/// Bars in as few rows as do not touch.
fn packed<'m>(matters: impl Iterator<Item = &'m Matter>) -> Vec<(u64, &'m Matter)> {
    let mut ends: Vec<u64> = vec![];
    let mut rows = vec![];
    for matter in matters {
        let free = ends.iter().position(|end| *end < matter.arrives.0);
        let row = free.unwrap_or(ends.len());
        match ends.get_mut(row) {
            Some(end) => *end = matter.leaves.0,
            None => ends.push(matter.leaves.0),
        }
        rows.push((row as u64, matter));
    }
    rows
}

fn bar(
    out: &mut String,
    matter: &Matter,
    decided: &[Decided],
    top: f64,
    x: &impl Fn(u64) -> f64,
    blind: bool,
) {
    let colour = match (&matter.truth, blind) {
        (_, true) | (Truth::Innocent, _) => "#bbb",
        (Truth::Case(_), _) => "#d55e00",
        (Truth::Fraud(_), _) => "#cc79a7",
        (Truth::Decoy(_), _) => "#56b4e9",
    };
    let (from, to) = (x(matter.arrives.0), x(matter.leaves.0));
    let _ = write!(
        out,
        "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"4\" fill=\"{colour}\"><title>{}</title></rect>",
        top + 2.0,
        (to - from).max(1.0),
        escape(&matter.record)
    );
    for one in decided.iter().filter(|one| one.matter == matter.id) {
        let at = x(one.at.0);
        let middle = top + 4.0;
        let mark = if one.decision.stops() {
            format!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"6\" height=\"6\" fill=\"#000\">",
                at - 3.0,
                middle - 3.0
            )
        } else if one.decision == Decision::Inspect {
            format!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"5\" height=\"5\" fill=\"#fff\" stroke=\"#000\" transform=\"rotate(45 {at:.1} {middle:.1})\">",
                at - 2.5,
                middle - 2.5
            )
        } else {
            format!(
                "<circle cx=\"{at:.1}\" cy=\"{middle:.1}\" r=\"2.8\" fill=\"#fff\" stroke=\"#000\">"
            )
        };
        let end = if mark.starts_with("<circle") { "</circle>" } else { "</rect>" };
        let _ =
            write!(out, "{mark}<title>{} {}</title>{end}", one.decision.word(), clock(one.at.0));
    }
}

fn injects(out: &mut String, material: &Material, bottom: f64, x: &impl Fn(u64) -> f64) {
    for event in material.events {
        if let What::Inject { inject } = &event.what {
            let at = x(event.exercise.0);
            let _ = write!(
                out,
                "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"14\" y2=\"{bottom:.1}\" stroke=\"#555\" stroke-dasharray=\"3 3\"/>\
                 <text x=\"{at:.1}\" y=\"11\" text-anchor=\"middle\">{inject}</text>"
            );
        }
    }
}

fn axis(y: f64, length: f64, x: &impl Fn(u64) -> f64) -> String {
    const STEPS: [u64; 9] = [1, 2, 5, 10, 15, 30, 60, 120, 240];
    let step = STEPS.into_iter().find(|minutes| length / number(minutes * 60_000) <= 13.0);
    let step = step.unwrap_or(480) * 60_000;
    let mut out =
        format!("<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#222\"/>");
    let mut at = 0;
    while number(at) <= length {
        let here = x(at);
        let _ = write!(
            out,
            "<line x1=\"{here:.1}\" x2=\"{here:.1}\" y1=\"{y:.1}\" y2=\"{:.1}\" stroke=\"#222\"/>\
             <text x=\"{here:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            y + 5.0,
            y + 18.0,
            clock(at)
        );
        at += step;
    }
    out
}

/// Of what teams were so sure of, how much was illicit.
pub(super) fn calibration(material: &Material) -> String {
    let mut bins = [(0_u32, 0_u32, 0.0_f64); 10];
    for matter in &material.plot.matters {
        let all = decisions(material.events);
        let Some(last) = all.iter().rev().find(|one| one.matter == matter.id) else { continue };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9")]
        let bin = (last.confidence * 10.0).clamp(0.0, 9.0) as usize;
        if let Some((count, wrong, sum)) = bins.get_mut(bin) {
            *count += 1;
            *sum += last.confidence;
            if matches!(matter.truth, Truth::Case(_) | Truth::Fraud(_)) {
                *wrong += 1;
            }
        }
    }
    let (size, left, top) = (300.0, 54.0, 12.0);
    let at = |share: f64| left + size * share;
    let up = |share: f64| top + size * (1.0 - share);
    let mut body = format!(
        "<rect x=\"{left}\" y=\"{top}\" width=\"{size}\" height=\"{size}\" fill=\"none\" stroke=\"#222\"/>\
         <line x1=\"{left}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{top}\" stroke=\"#999\" stroke-dasharray=\"4 4\"/>",
        up(0.0),
        at(1.0)
    );
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let _ = write!(
            body,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{:.0} %</text><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{:.0} %</text>",
            at(tick),
            up(0.0) + 16.0,
            tick * 100.0,
            left - 6.0,
            up(tick) + 4.0,
            tick * 100.0
        );
    }
    for (count, wrong, sum) in bins.into_iter().filter(|(count, ..)| *count > 0) {
        let (said, was) = (sum / f64::from(count), f64::from(wrong) / f64::from(count));
        let radius = 3.0 + 1.6 * libm::sqrt(f64::from(count));
        let _ = write!(
            body,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\" fill=\"#0072b2\" fill-opacity=\"0.75\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{count}</text>",
            at(said),
            up(was),
            at(said) + radius + 3.0,
            up(was) + 4.0
        );
    }
    let _ = write!(
        body,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">confidence that something is wrong</text>\
         <text transform=\"rotate(-90 12 {:.1})\" x=\"12\" y=\"{:.1}\" text-anchor=\"middle\">was illicit</text>",
        at(0.5),
        up(0.0) + 34.0,
        up(0.5),
        up(0.5)
    );
    format!(
        "<figure style=\"max-width:460px\"><svg viewBox=\"0 0 420 360\" role=\"img\" aria-label=\"calibration\">{body}</svg>\
         <figcaption>Last decision on each matter, by tenths of confidence; a disc's number is how many. On the dashed line \
         confidence is what it should be.</figcaption></figure>"
    )
}
