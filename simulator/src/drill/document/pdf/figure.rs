//! Drawings, shape by shape.

use super::face::Faces;
use super::line::Style;
use super::sheet::Sheet;
use crate::drill::document::figure::LETTERS;
use crate::drill::document::{Anchor, Colour, Figure, Form, Shape};

/// Draws a figure with its upper left corner at a place, so many points to a unit.
pub(super) fn draw(
    sheet: &mut Sheet,
    faces: &mut Faces,
    figure: &Figure,
    at: (f64, f64),
    scale: f64,
) {
    for shape in &figure.shapes {
        one(sheet, faces, shape, at, scale);
    }
}

fn one(sheet: &mut Sheet, faces: &mut Faces, shape: &Shape, at: (f64, f64), scale: f64) {
    let to = |(x, y): (f64, f64)| (at.0 + x * scale, at.1 + y * scale);
    if let Some(fill) = shape.fill {
        sheet.fill_colour(fill);
    }
    sheet.pen(scale, shape.stroke, shape.dashed);
    match &shape.form {
        Form::Line { from, to: end } => sheet.path(&[to(*from), to(*end)], false),
        Form::Rectangle { at: (x, y), width, height } => {
            let (right, lower) = (x + width, y + height);
            let corners = [(*x, *y), (right, *y), (right, lower), (*x, lower)];
            sheet.path(&corners.map(to), true);
        }
        Form::Diamond { at: (x, y), radius } => {
            let corners = [(x - radius, *y), (*x, y - radius), (x + radius, *y), (*x, y + radius)];
            sheet.path(&corners.map(to), true);
        }
        Form::Disc { at, radius } => sheet.circle(to(*at), radius * scale),
        Form::Words { at, anchor, upwards, text } => {
            let style = Style::new(LETTERS * scale, shape.fill.unwrap_or(Colour::INK));
            let width = faces.measure(text, false, style.size);
            let back = match anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => width / 2.0,
                Anchor::End => width,
            };
            let (x, y) = to(*at);
            let from = if *upwards { (x, y + back) } else { (x - back, y) };
            return sheet.turned(faces, from, text, style, *upwards);
        }
    }
    sheet.paint(shape.fill.is_some(), shape.stroke.is_some());
}
