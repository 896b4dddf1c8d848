//! Kinds of plot.

use super::svg::{Axis, BLUE, Drawing, GREEN, ORANGE, RED, Room};
use crate::describe::measure::{Bound, Measure, Verdict};

/// A class with its share, and the share that it should have.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// Share, 0 to 1.
    pub share: f64,
    /// What it is held against.
    pub wanted: Option<f64>,
}

/// Things by rank.
#[derive(Debug, Clone)]
pub struct Series {
    /// What they are.
    pub name: String,
    /// Share of each, largest first.
    pub shares: Vec<f64>,
    /// Slope of the logarithms.
    pub slope: Option<f64>,
}

/// What a plot shows.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Classes side by side.
    Bars(Vec<Bar>),
    /// Shares of bins of one width from a number on, with a law, and marks with their names.
    Histogram {
        /// Where the first bin begins.
        low: f64,
        /// Width of a bin.
        step: f64,
        /// Share of each bin.
        shares: Vec<f64>,
        /// Share of each bin by a law.
        law: Option<(String, Vec<f64>)>,
        /// Values that are told.
        marks: Vec<(f64, String)>,
    },
    /// Pairs of decimal logarithms that should lie on the diagonal.
    Diagonal(Vec<(f64, f64)>),
    /// Shares by rank, both as logarithms.
    Ranks(Vec<Series>),
    /// Measures as dots between their bounds, with another's values beside them.
    Bounds(Vec<(Measure, Option<f64>)>),
}

/// A plot.
#[derive(Debug, Clone)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// Label of the horizontal axis, with its unit.
    pub x: String,
    /// Label of the upright axis.
    pub y: String,
    /// A sentence below it.
    pub about: String,
    /// The rest.
    pub kind: Kind,
}

impl Plot {
    /// Draws it.
    pub fn draw(&self) -> String {
        match &self.kind {
            Kind::Bars(bars) => self.bars(bars),
            Kind::Histogram { low, step, shares, law, marks } => {
                self.histogram(*low, *step, shares, law.as_ref(), marks)
            }
            Kind::Diagonal(points) => self.diagonal(points),
            Kind::Ranks(series) => self.ranks(series),
            Kind::Bounds(rows) => self.bounds(rows),
        }
    }

    fn drawing(&self, room: Room, x: Axis, y: Axis) -> Drawing {
        Drawing::new(&self.title, &self.about, room, x, y)
    }

    fn bars(&self, bars: &[Bar]) -> String {
        let tall = bars.iter().flat_map(|bar| [bar.share, bar.wanted.unwrap_or(0.0)]);
        let tall = tall.fold(0.0, f64::max) * 108.0;
        let (x, y) = (Axis::new(&self.x, 0.0, bars.len() as f64), Axis::new(&self.y, 0.0, tall));
        let mut drawing = self.drawing(Room::PLOT, x, y);
        drawing.up();
        drawing.label_across();
        for (place, bar) in (0_u32..).zip(bars) {
            let x = f64::from(place);
            drawing.bar((x + 0.15, 0.0), (x + 0.85, bar.share * 100.0), BLUE, 0.85);
            if let Some(wanted) = bar.wanted {
                drawing.lozenge(x + 0.5, wanted * 100.0);
            }
            drawing.column(x + 0.5, &bar.name);
        }
        drawing.finish()
    }

    fn histogram(
        &self,
        low: f64,
        step: f64,
        shares: &[f64],
        law: Option<&(String, Vec<f64>)>,
        marks: &[(f64, String)],
    ) -> String {
        let by_law = law.map_or(&[][..], |(_, shares)| shares);
        let tall = shares.iter().chain(by_law).copied().fold(0.0, f64::max) * 115.0;
        // What hardly anything reaches is not drawn.
        let seen = |share: &f64| *share > 0.0003;
        let first = shares.iter().position(seen).unwrap_or(0);
        let last = shares.iter().rposition(seen).unwrap_or(0) + 1;
        let edge = |place: usize| low + step * place as f64;
        let (x, y) = (Axis::new(&self.x, edge(first), edge(last)), Axis::new(&self.y, 0.0, tall));
        let mut drawing = self.drawing(Room::PLOT, x, y);
        drawing.up();
        drawing.across();
        let gap = step * 0.06;
        for (place, share) in shares.iter().enumerate().take(last).skip(first) {
            let (left, right) = (edge(place) + gap, edge(place + 1) - gap);
            drawing.bar((left, 0.0), (right, share * 100.0), BLUE, 0.85);
        }
        let curve: Vec<(f64, f64)> = by_law
            .iter()
            .enumerate()
            .take(last)
            .skip(first)
            .map(|(place, share)| (edge(place) + step / 2.0, share * 100.0))
            .collect();
        if let Some((name, _)) = law {
            drawing.curve(&curve, ORANGE, true);
            drawing.say(edge(last), tall, (-6.0, 14.0), "end", &format!("- - {name}"));
        }
        for (place, (value, name)) in (1_u32..).zip(marks) {
            drawing.curve(&[(*value, 0.0), (*value, tall)], RED, false);
            let far = (value - edge(first)) / (edge(last) - edge(first)) > 0.6;
            let (side, anchor) = if far { (-5.0, "end") } else { (5.0, "start") };
            let down = f64::from(place) * 15.0 + if law.is_some() && far { 15.0 } else { 0.0 };
            drawing.say(*value, tall, (side, down), anchor, name);
        }
        drawing.finish()
    }

    fn diagonal(&self, points: &[(f64, f64)]) -> String {
        let all = points.iter().flat_map(|(x, y)| [*x, *y]);
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (x, y) = (Axis::powers(&self.x, low, high), Axis::powers(&self.y, low, high));
        let ends = [(x.low, x.low), (x.high, x.high)];
        let mut drawing = self.drawing(Room::PLOT, x, y);
        drawing.up();
        drawing.across();
        let radius = if points.len() > 2_000 { 1.2 } else { 2.6 };
        points.iter().for_each(|(x, y)| drawing.dot(*x, *y, radius, BLUE));
        drawing.curve(&ends, ORANGE, true);
        drawing.say(ends[1].0, ends[1].1, (-40.0, 14.0), "end", "- - fitted = observed");
        drawing.finish()
    }

    fn ranks(&self, series: &[Series]) -> String {
        let log = |value: f64| libm::log10(value.max(1e-12));
        let longest = series.iter().map(|one| one.shares.len()).max().unwrap_or(1);
        let shares = || series.iter().flat_map(|one| &one.shares).filter(|share| **share > 0.0);
        let least = shares().copied().fold(1.0, f64::min).max(1e-8);
        let x = Axis::powers(&self.x, 0.0, log(longest as f64));
        let y = Axis::powers(&self.y, log(least), log(shares().copied().fold(0.0, f64::max)));
        let corner = (x.high, y.high);
        let inside = y.clone();
        let mut drawing = self.drawing(Room::PLOT, x, y);
        drawing.up();
        drawing.across();
        let marks = [
            (BLUE, false, "solid blue"),
            (RED, true, "dashed vermilion"),
            (GREEN, false, "solid green"),
        ];
        for (place, (one, (colour, dashed, word))) in (0_u32..).zip(series.iter().zip(marks)) {
            let mut points = vec![];
            let mut next = 1.0;
            // Points at even distances of the logarithm draw the same line as all of them.
            for (rank, share) in (1_u32..).zip(&one.shares).filter(|(_, share)| **share > 0.0) {
                if f64::from(rank) >= next && inside.holds(log(*share)) {
                    points.push((log(f64::from(rank)), log(*share)));
                    next = f64::from(rank) * 1.06;
                }
            }
            drawing.curve(&points, colour, dashed);
            let slope = one.slope.map_or(String::new(), |slope| format!(", slope {slope:.2}"));
            let name = format!("{} ({word}){slope}", one.name);
            let down = 14.0 + f64::from(place) * 16.0;
            drawing.say(corner.0, corner.1, (-6.0, down), "end", &name);
        }
        drawing.finish()
    }

    fn bounds(&self, rows: &[(Measure, Option<f64>)]) -> String {
        let room = Room { left: 470.0, width: 1100.0, height: 66.0 + 22.0 * rows.len() as f64 };
        let values = rows.iter().flat_map(|(measure, other)| [measure.value, *other]).flatten();
        let low = values.clone().fold(0.4, f64::min);
        let high = values.fold(1.0, f64::max);
        let (x, y) = (Axis::new(&self.x, low, high), Axis::new("", 0.0, rows.len() as f64));
        let (low, high) = (x.low, x.high);
        let mut drawing = self.drawing(room, x, y);
        drawing.across();
        for (place, (measure, other)) in (0_u32..).zip(rows) {
            let y = rows.len() as f64 - f64::from(place) - 0.5;
            let Bound { low: least, high: most } = measure.bound;
            if least.is_some() || most.is_some() {
                let ends = (least.unwrap_or(low), most.unwrap_or(high));
                drawing.bar((ends.0, y - 0.36), (ends.1, y + 0.36), GREEN, 0.16);
            }
            if let Some(other) = other {
                drawing.lozenge(*other, y);
            }
            if let Some(value) = measure.value {
                let bad = measure.verdict == Verdict::Fail;
                drawing.dot(value, y, 5.0, if bad { RED } else { BLUE });
                if bad {
                    drawing.say(value, y, (9.0, 4.0), "start", "outside");
                }
            }
            drawing.row(y, &measure.name);
        }
        drawing.finish()
    }
}
