//! Plots of the report: colours that colour-blind readers tell apart (M. Okabe, K. Ito, 2008), and shapes beside them.

use super::Material;
use super::editions::clock;
use crate::drill::document::{Anchor, Colour, Figure, Form, Shape, Text, Tone};
use crate::drill::event::{Decision, What};
use crate::drill::plot::{Matter, Truth};
use crate::drill::score::{Decided, decisions};
use crate::drill::smuggler::Off;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 96.0;
const ROW: f64 = 8.0;

const OF_A_CASE: Colour = Colour(0xd5_5e00);
const FRAUD: Colour = Colour(0xcc_79a7);
const DECOY: Colour = Colour(0x56_b4e9);
const LAWFUL: Colour = Colour(0xbb_bbbb);
const GRID: Colour = Colour(0xbb_bbbb);

#[expect(clippy::cast_precision_loss, reason = "milliseconds and counts of a drill")]
fn number(count: u64) -> f64 {
    count as f64
}

/// Where an exercise time is, from left to right.
struct Across(f64);

impl Across {
    fn x(&self, at: u64) -> f64 {
        LEFT + (WIDTH - LEFT - 20.0) * number(at) / self.0
    }
}

/// What came to whom and what was done about it. A team's edition shows no truth.
pub(super) fn timeline(material: &Material, only: Option<usize>) -> Figure {
    let across = Across(number(material.scenario.length.0).max(1.0));
    let decided = decisions(material.events);
    let off = Off::of(material.plot, material.events);
    let (mut shapes, mut y) = (vec![], 22.0);
    for (place, team) in material.scenario.teams.iter().enumerate() {
        if only.is_some_and(|only| only != place) {
            continue;
        }
        let came = material.plot.matters.iter().filter(|matter| off.comes(matter));
        let rows = packed(came.filter(|matter| matter.team == place));
        let height = number(rows.iter().map(|(row, _)| *row + 1).max().unwrap_or(1)) * ROW;
        shapes.push(Shape::words((4.0, y + height / 2.0 + 4.0), Anchor::Start, &team.agency));
        shapes.push(Shape::line((LEFT, y + height + 5.0), (WIDTH, y + height + 5.0), GRID));
        for (row, matter) in rows {
            bar(&mut shapes, matter, &decided, y + number(row) * ROW, &across, only.is_some());
        }
        y += height + 12.0;
    }
    injects(&mut shapes, material, y, &across);
    axis(&mut shapes, y, &across);
    let told = "Exercise time. A bar: a matter within reach of its team. ■ stopped, ○ let go, ◇ inspected. Dashed: injects by \
                their number.";
    let mut caption = Text::from(told);
    if only.is_none() {
        for (colour, name) in [
            (OF_A_CASE, "part of a case"),
            (FRAUD, "ordinary fraud"),
            (DECOY, "decoy"),
            (LAWFUL, "lawful"),
        ] {
            caption = caption.with(Tone::In(colour), " ▬").plain(format!("\u{a0}{name}"));
        }
    }
    let label = "timeline of matters and decisions";
    Figure { width: WIDTH, height: y + 24.0, share: 1.0, label, caption, shapes }
}

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
    out: &mut Vec<Shape>,
    matter: &Matter,
    decided: &[Decided],
    top: f64,
    across: &Across,
    blind: bool,
) {
    let colour = match (&matter.truth, blind) {
        (_, true) | (Truth::Innocent, _) => LAWFUL,
        (Truth::Case(_), _) => OF_A_CASE,
        (Truth::Fraud(_), _) => FRAUD,
        (Truth::Decoy(_), _) => DECOY,
    };
    let (from, to) = (across.x(matter.arrives.0), across.x(matter.leaves.0));
    let shown = Shape::rectangle((from, top + 2.0), (to - from).max(1.0), 4.0, colour);
    out.push(shown.hint(&matter.record));
    for one in decided.iter().filter(|one| one.matter == matter.id) {
        let at = (across.x(one.at.0), top + 4.0);
        let mark = if one.decision.stops() {
            Shape::rectangle((at.0 - 3.0, at.1 - 3.0), 6.0, 6.0, Colour(0))
        } else if one.decision == Decision::Inspect {
            Shape::of(Form::Diamond { at, radius: 3.6 }).hollow()
        } else {
            Shape::of(Form::Disc { at, radius: 2.8 }).hollow()
        };
        out.push(mark.hint(format!("{} {}", one.decision.word(), clock(one.at.0))));
    }
}

/// Injects as dashed lines; numbers of those that would stand on each other stand together.
fn injects(out: &mut Vec<Shape>, material: &Material, bottom: f64, across: &Across) {
    let mut together: Vec<(f64, String)> = vec![];
    for event in material.events {
        let What::Inject { inject } = &event.what else { continue };
        let at = across.x(event.exercise.0);
        out.push(Shape::line((at, 13.0), (at, bottom), Colour::FAINT).dashed());
        match together.last_mut() {
            Some((before, numbers)) if at - *before < 12.0 => *numbers += &format!(" {inject}"),
            _ => together.push((at, inject.to_string())),
        }
    }
    for (at, numbers) in together {
        out.push(Shape::words((at, 10.0), Anchor::Middle, numbers));
    }
}

fn axis(out: &mut Vec<Shape>, y: f64, across: &Across) {
    const STEPS: [u64; 9] = [1, 2, 5, 10, 15, 30, 60, 120, 240];
    let step = STEPS.into_iter().find(|minutes| across.0 / number(minutes * 60_000) <= 13.0);
    let step = step.unwrap_or(480) * 60_000;
    out.push(Shape::line((LEFT, y), (WIDTH, y), Colour::INK));
    let mut at = 0;
    while number(at) <= across.0 {
        let here = across.x(at);
        out.push(Shape::line((here, y), (here, y + 5.0), Colour::INK));
        out.push(Shape::words((here, y + 17.0), Anchor::Middle, clock(at)));
        at += step;
    }
}

/// Decisions of a tenth of confidence: how many, of how many what was decided on was illicit, and their confidences' sum.
type Bin = (u32, u32, f64);

fn bins(material: &Material) -> [Bin; 10] {
    let mut bins = [(0, 0, 0.0); 10];
    let all = decisions(material.events);
    for matter in &material.plot.matters {
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
    bins
}

/// Of what teams were so sure of, how much was illicit.
pub(super) fn calibration(material: &Material) -> Figure {
    let (size, left, top) = (300.0, 54.0, 22.0);
    let at = |share: f64| left + size * share;
    let up = |share: f64| top + size * (1.0 - share);
    let frame = Form::Rectangle { at: (left, top), width: size, height: size };
    let mut shapes = vec![
        Shape { stroke: Some(Colour::INK), ..Shape::of(frame) },
        Shape::line((at(0.0), up(0.0)), (at(1.0), up(1.0)), Colour(0x99_9999)).dashed(),
    ];
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let name = format!("{:.0} %", tick * 100.0);
        shapes.push(Shape::words((at(tick), up(0.0) + 16.0), Anchor::Middle, &name));
        shapes.push(Shape::words((left - 6.0, up(tick) + 4.0), Anchor::End, &name));
    }
    for (count, wrong, sum) in bins(material).into_iter().filter(|(count, ..)| *count > 0) {
        let (said, was) = (sum / f64::from(count), f64::from(wrong) / f64::from(count));
        let radius = 3.0 + 1.6 * libm::sqrt(f64::from(count));
        let disc = Form::Disc { at: (at(said), up(was)), radius };
        shapes.push(Shape { fill: Some(Colour::BLUE), ..Shape::of(disc) });
        let beside = (at(said) + radius + 3.0, up(was) + 4.0);
        shapes.push(Shape::words(beside, Anchor::Start, count.to_string()));
    }
    let across = "confidence that something is wrong";
    shapes.push(Shape::words((at(0.5), up(0.0) + 34.0), Anchor::Middle, across));
    let upwards = Form::Words {
        at: (14.0, up(0.5)),
        anchor: Anchor::Middle,
        upwards: true,
        text: "was illicit".to_owned(),
    };
    shapes.push(Shape { fill: Some(Colour::INK), ..Shape::of(upwards) });
    let caption = "Last decision on each matter, by tenths of confidence; a disc's number is how many. On the dashed line \
                   confidence is what it should be.";
    let label = "calibration";
    Figure { width: 420.0, height: 364.0, share: 0.55, label, caption: caption.into(), shapes }
}
