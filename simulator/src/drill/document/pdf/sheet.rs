//! A page being drawn. Places are in points from its upper left corner; the file has them from the lower left one.

use pdf_writer::{Content, Name, Str, TextStr};

use super::face::Faces;
use super::line::{Line, Style};
use super::points;
use crate::drill::document::Colour;

/// A page.
pub(super) struct Sheet {
    content: Content,
    height: f64,
    /// Areas that lead to a section: left, top, right, bottom, and the section's number.
    pub links: Vec<([f64; 4], usize)>,
}

impl Sheet {
    pub fn new(height: f64) -> Self {
        Self { content: Content::new(), height, links: vec![] }
    }

    /// Its content, as the file has it.
    pub fn finish(self) -> Vec<u8> {
        self.content.finish().to_vec()
    }

    fn up(&self, y: f64) -> f32 {
        points(self.height - y)
    }

    /// Words of one style, from a place on their base line. Letters that cannot be drawn are boxes that know what they
    /// stand for.
    pub fn text(&mut self, faces: &mut Faces, at: (f64, f64), text: &str, style: Style) {
        self.turned(faces, at, text, style, false);
    }

    /// The same, written upwards where so wanted.
    pub fn turned(
        &mut self,
        faces: &mut Faces,
        at: (f64, f64),
        text: &str,
        style: Style,
        upwards: bool,
    ) {
        let (x, y) = (points(at.0), self.up(at.1));
        self.fill_colour(style.colour);
        self.content.begin_text();
        self.content.set_font(Faces::resource(style.bold), points(style.size));
        if upwards {
            self.content.set_text_matrix([0.0, 1.0, -1.0, 0.0, x, y]);
        } else {
            self.content.next_line(x, y);
        }
        for (drawn, run) in runs(faces, text, style.bold) {
            let codes = faces.encode(&run, style.bold);
            if drawn {
                self.content.show(Str(&codes));
            } else {
                faces.boxed = true;
                let mut span = self.content.begin_marked_content_with_properties(Name(b"Span"));
                span.properties().actual_text(TextStr(&run));
                drop(span);
                self.content.show(Str(&codes));
                self.content.end_marked_content();
            }
        }
        self.content.end_text();
    }

    /// A line of text.
    pub fn line(&mut self, faces: &mut Faces, (x, y): (f64, f64), line: &Line) {
        for piece in &line.pieces {
            self.text(faces, (x + piece.x, y), &piece.text, piece.style);
        }
    }

    /// A filled rectangle.
    pub fn fill(&mut self, (x, y): (f64, f64), width: f64, height: f64, colour: Colour) {
        let lower = self.up(y + height);
        self.fill_colour(colour);
        self.content.rect(points(x), lower, points(width), points(height)).fill_nonzero();
    }

    /// A straight line.
    pub fn rule(&mut self, from: (f64, f64), to: (f64, f64), wide: f64, colour: Colour) {
        self.pen(wide, Some(colour), false);
        self.path(&[from, to], false);
        self.content.stroke();
    }

    /// Width, colour and gaps of the lines that follow.
    pub fn pen(&mut self, wide: f64, colour: Option<Colour>, dashed: bool) {
        self.content.set_line_width(points(wide));
        let gap = points(wide * 3.0);
        self.content.set_dash_pattern(if dashed { vec![gap, gap] } else { vec![] }, 0.0);
        if let Some(colour) = colour {
            let [red, green, blue] = parts(colour);
            self.content.set_stroke_rgb(red, green, blue);
        }
    }

    pub fn fill_colour(&mut self, colour: Colour) {
        let [red, green, blue] = parts(colour);
        self.content.set_fill_rgb(red, green, blue);
    }

    /// From point to point.
    pub fn path(&mut self, through: &[(f64, f64)], closed: bool) {
        for (place, (x, y)) in through.iter().enumerate() {
            let (x, y) = (points(*x), self.up(*y));
            if place == 0 {
                self.content.move_to(x, y)
            } else {
                self.content.line_to(x, y)
            };
        }
        if closed {
            self.content.close_path();
        }
    }

    /// A circle, of four curves (A. Riškus, 2006: within 0.03 % of round).
    pub fn circle(&mut self, (x, y): (f64, f64), radius: f64) {
        let bend = radius * 0.551_915;
        let up = |y: f64| points(self.height - y);
        let curve = |content: &mut Content, points_of: [(f64, f64); 3]| {
            let [(x1, y1), (x2, y2), (x3, y3)] = points_of.map(|(x, y)| (points(x), up(y)));
            content.cubic_to(x1, y1, x2, y2, x3, y3);
        };
        let r = radius;
        self.content.move_to(points(x + r), up(y));
        curve(&mut self.content, [(x + r, y + bend), (x + bend, y + r), (x, y + r)]);
        curve(&mut self.content, [(x - bend, y + r), (x - r, y + bend), (x - r, y)]);
        curve(&mut self.content, [(x - r, y - bend), (x - bend, y - r), (x, y - r)]);
        curve(&mut self.content, [(x + bend, y - r), (x + r, y - bend), (x + r, y)]);
        self.content.close_path();
    }

    /// Paints the path that was drawn last.
    pub fn paint(&mut self, fill: bool, stroke: bool) {
        match (fill, stroke) {
            (true, true) => self.content.fill_nonzero_and_stroke(),
            (true, false) => self.content.fill_nonzero(),
            (false, true) => self.content.stroke(),
            (false, false) => self.content.end_path(),
        };
    }
}

fn parts(colour: Colour) -> [f32; 3] {
    let [_, red, green, blue] = colour.0.to_be_bytes();
    [red, green, blue].map(|part| f32::from(part) / 255.0)
}

/// Runs of letters that are drawn as themselves, and of others.
fn runs(faces: &Faces, text: &str, bold: bool) -> Vec<(bool, String)> {
    let mut all: Vec<(bool, String)> = vec![];
    for letter in text.chars() {
        let drawn = faces.draws(letter, bold);
        match all.last_mut() {
            Some((known, run)) if *known == drawn => run.push(letter),
            _ => all.push((drawn, letter.to_string())),
        }
    }
    all
}
