//! A drawing: axes with ticks, and marks on them. Colours are those of M. Okabe and K. Ito (2008), told apart with
//! any colour vision; what a colour says, a shape or a word says too.

use std::fmt::Write as _;

/// What is measured.
pub const BLUE: &str = "#0072B2";
/// What it is held against.
pub const ORANGE: &str = "#E69F00";
/// A second series, and what is good.
pub const GREEN: &str = "#009E73";
/// A third series, and what is bad.
pub const RED: &str = "#D55E00";
const INK: &str = "#222";
const GRID: &str = "#e4e4e4";

/// Text as XML wants it.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// An axis.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What it shows, with its unit.
    pub label: String,
    /// Least value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// Values are powers of ten.
    pub powers: bool,
}

impl Axis {
    /// From one number to another.
    pub fn new(label: &str, low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { label: label.to_owned(), low, high, powers: false }
    }

    /// The same of decimal logarithms.
    pub fn powers(label: &str, low: f64, high: f64) -> Self {
        Self { powers: true, ..Self::new(label, libm::floor(low), libm::ceil(high)) }
    }

    fn ticks(&self) -> Vec<f64> {
        let rough = (self.high - self.low) / 6.0;
        let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
        let nice = [1.0, 2.0, 5.0, 10.0].into_iter().find(|nice| nice * power >= rough);
        let mut step = nice.unwrap_or(10.0) * power;
        if self.powers {
            step = libm::ceil(step);
        }
        let first = libm::ceil(self.low / step - 1e-9);
        let tick = |place: i32| (first + f64::from(place)) * step;
        (0..20).map(tick).take_while(|tick| *tick <= self.high + step * 1e-6).collect()
    }

    fn write(&self, tick: f64) -> String {
        if self.powers {
            return match tick {
                tick if (0.0..4.0).contains(&tick) => format!("{:.0}", libm::pow(10.0, tick)),
                tick => format!("10{}", raised(tick)),
            };
        }
        let text = format!("{tick:.3}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if text == "-0" { "0".to_owned() } else { text.to_owned() }
    }

    /// Whether a value lies in it.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    fn share(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(-0.02, 1.02)
    }
}

/// A whole number in raised digits.
fn raised(number: f64) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raise = |letter: char| match letter.to_digit(10) {
        Some(digit) => DIGITS.get(digit as usize).copied().unwrap_or(letter),
        None => '⁻',
    };
    format!("{number:.0}").chars().map(raise).collect()
}

/// A drawing with its frame.
#[derive(Debug)]
pub struct Drawing {
    out: String,
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    x: Axis,
    y: Axis,
}

/// How much room names of rows take, and the whole drawing.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Left of the frame.
    pub left: f64,
    /// Width of all.
    pub width: f64,
    /// Height of all.
    pub height: f64,
}

impl Room {
    /// An ordinary plot.
    pub const PLOT: Self = Self { left: 62.0, width: 540.0, height: 320.0 };
}

impl Drawing {
    /// Begins one. What it shows is told in words, for those who hear it.
    pub fn new(title: &str, told: &str, room: Room, x: Axis, y: Axis) -> Self {
        let mut out = String::new();
        let _ = write!(
            out,
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">\
             <title>{}</title><desc>{}</desc>",
            room.width,
            room.height,
            escape(title),
            escape(told)
        );
        let (left, top) = (room.left, 14.0);
        let (width, height) = (room.width - left - 26.0, room.height - top - 50.0);
        Self { out, left, top, width, height, x, y }
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + self.width * self.x.share(x), self.top + self.height * (1.0 - self.y.share(y)))
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = write!(
            self.out,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>"
        );
    }

    fn words(&mut self, (x, y): (f64, f64), style: &str, text: &str) {
        let _ = write!(self.out, "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{}</text>", escape(text));
    }

    /// Grid, ticks and label of the horizontal axis.
    pub fn across(&mut self) {
        let (low, high, below) = (self.y.low, self.y.high, self.top + self.height);
        for tick in self.x.ticks() {
            let (x, _) = self.at(tick, low);
            let (_, top) = self.at(tick, high);
            self.line((x, below), (x, top), &format!("stroke=\"{GRID}\""));
            let text = self.x.write(tick);
            self.words((x, below + 16.0), "text-anchor=\"middle\"", &text);
        }
        self.label_across();
    }

    /// The label of the horizontal axis alone.
    pub fn label_across(&mut self) {
        let place = (self.left + self.width / 2.0, self.top + self.height + 38.0);
        let label = self.x.label.clone();
        self.words(place, "text-anchor=\"middle\" class=\"label\"", &label);
        let below = self.top + self.height;
        let ends = ((self.left, below), (self.left + self.width, below));
        self.line(ends.0, ends.1, &format!("stroke=\"{INK}\""));
    }

    /// Grid, ticks and label of the upright axis.
    pub fn up(&mut self) {
        let right = self.left + self.width;
        for tick in self.y.ticks() {
            let (_, y) = self.at(self.x.low, tick);
            self.line((self.left, y), (right, y), &format!("stroke=\"{GRID}\""));
            let text = self.y.write(tick);
            self.words((self.left - 6.0, y + 4.0), "text-anchor=\"end\"", &text);
        }
        let (x, y) = (14.0, self.top + self.height / 2.0);
        let style =
            format!("text-anchor=\"middle\" class=\"label\" transform=\"rotate(-90 {x} {y:.1})\"");
        let label = self.y.label.clone();
        self.words((x, y), &style, &label);
        let below = self.top + self.height;
        self.line((self.left, self.top), (self.left, below), &format!("stroke=\"{INK}\""));
    }

    /// A bar from one corner to the other.
    pub fn bar(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, opacity: f64) {
        let ((x1, y1), (x2, y2)) = (self.at(from.0, from.1), self.at(to.0, to.1));
        let _ = write!(
            self.out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\" \
             fill-opacity=\"{opacity}\"/>",
            x1.min(x2),
            y1.min(y2),
            (x2 - x1).abs(),
            (y2 - y1).abs()
        );
    }

    /// A line through points.
    pub fn curve(&mut self, points: &[(f64, f64)], colour: &str, dashed: bool) {
        let mut path = String::new();
        for (place, (x, y)) in points.iter().enumerate() {
            let (x, y) = self.at(*x, *y);
            let _ = write!(path, "{}{x:.1} {y:.1}", if place == 0 { "M" } else { "L" });
        }
        let dash = if dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let _ = write!(
            self.out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>"
        );
    }

    /// A dot.
    pub fn dot(&mut self, x: f64, y: f64, radius: f64, colour: &str) {
        let (x, y) = self.at(x, y);
        let _ = write!(
            self.out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\" fill-opacity=\"0.75\"/>"
        );
    }

    /// A hollow lozenge: what something is held against.
    pub fn lozenge(&mut self, x: f64, y: f64) {
        let (x, y) = self.at(x, y);
        let _ = write!(
            self.out,
            "<path d=\"M{:.1} {y:.1}L{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}Z\" fill=\"#fff\" \
             stroke=\"{INK}\" stroke-width=\"1.5\"/>",
            x - 5.0,
            y - 5.0,
            x + 5.0,
            y + 5.0
        );
    }

    /// Words at a point of the plot.
    pub fn say(&mut self, x: f64, y: f64, (right, down): (f64, f64), anchor: &str, text: &str) {
        let (x, y) = self.at(x, y);
        self.words((x + right, y + down), &format!("text-anchor=\"{anchor}\""), text);
    }

    /// The name of a row, left of the frame.
    pub fn row(&mut self, y: f64, text: &str) {
        let (_, y) = self.at(self.x.low, y);
        self.words((self.left - 8.0, y + 4.0), "text-anchor=\"end\"", text);
    }

    /// The name of a column, below the frame.
    pub fn column(&mut self, x: f64, text: &str) {
        let (x, _) = self.at(x, self.y.low);
        self.words((x, self.top + self.height + 16.0), "text-anchor=\"middle\"", text);
    }

    /// Ends it.
    pub fn finish(mut self) -> String {
        self.out += "</svg>";
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(Axis::new("x", 0.0, 30.0).ticks(), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0]);
        let axis = Axis::new("x", 0.3, 1.0);
        assert!(axis.ticks().iter().all(|tick| (0.3..=1.0001).contains(tick)));
        assert_eq!(axis.write(0.4), "0.4");
        let powers = Axis::powers("x", 0.2, 6.5);
        assert_eq!((powers.low, powers.high), (0.0, 7.0));
        assert_eq!(raised(-12.0), "⁻¹²");
        assert_eq!(
            powers.ticks().iter().map(|t| powers.write(*t)).collect::<Vec<_>>(),
            ["1", "100", "10⁴", "10⁶"]
        );
    }

    #[test]
    fn names_cannot_break_out_of_the_drawing() {
        let axis = || Axis::new("<b>", 0.0, 1.0);
        let mut drawing = Drawing::new("a<script>", "\"", Room::PLOT, axis(), axis());
        drawing.across();
        drawing.say(0.5, 0.5, (0.0, 0.0), "end", "</text><script>");
        let svg = drawing.finish();
        assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
    }
}
