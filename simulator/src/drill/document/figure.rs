//! Drawings, as shapes that SVG and PDF both know.

use super::{Colour, Text};

/// A drawing. Lengths are in its own units, with the origin at the upper left.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figure {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Share of the page's width that it takes at most.
    pub share: f64,
    /// What it shows, for who cannot see it.
    pub label: &'static str,
    /// What is said below.
    pub caption: Text,
    /// What is drawn, later ones over earlier ones.
    pub shapes: Vec<Shape>,
}

/// Size of letters in a drawing, in its units.
pub(crate) const LETTERS: f64 = 10.0;

/// A shape.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// What.
    pub form: Form,
    /// Colour inside; of text, the colour.
    pub fill: Option<Colour>,
    /// Colour of the line, one unit wide.
    pub stroke: Option<Colour>,
    /// Whether the line has gaps.
    pub dashed: bool,
    /// What is told who points at it on a screen.
    pub hint: String,
}

/// What is drawn.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// From one point to another.
    Line {
        /// From.
        from: (f64, f64),
        /// To.
        to: (f64, f64),
    },
    /// A rectangle.
    Rectangle {
        /// Upper left.
        at: (f64, f64),
        /// Width.
        width: f64,
        /// Height.
        height: f64,
    },
    /// A square on its corner.
    Diamond {
        /// Middle.
        at: (f64, f64),
        /// From the middle to a corner.
        radius: f64,
    },
    /// A disc.
    Disc {
        /// Middle.
        at: (f64, f64),
        /// Radius.
        radius: f64,
    },
    /// A word or two, `LETTERS` high.
    Words {
        /// Where on its base line.
        at: (f64, f64),
        /// What of the words stands there.
        anchor: Anchor,
        /// Written upwards.
        upwards: bool,
        /// The words.
        text: String,
    },
}

/// What of some words stands at their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// Their beginning.
    Start,
    /// Their middle.
    Middle,
    /// Their end.
    End,
}

impl Shape {
    /// A line.
    pub fn line(from: (f64, f64), to: (f64, f64), colour: Colour) -> Self {
        let form = Form::Line { from, to };
        Self { stroke: Some(colour), ..Self::of(form) }
    }

    /// A filled rectangle.
    pub fn rectangle(at: (f64, f64), width: f64, height: f64, colour: Colour) -> Self {
        Self { fill: Some(colour), ..Self::of(Form::Rectangle { at, width, height }) }
    }

    /// Words.
    pub fn words(at: (f64, f64), anchor: Anchor, text: impl Into<String>) -> Self {
        let form = Form::Words { at, anchor, upwards: false, text: text.into() };
        Self { fill: Some(Colour::INK), ..Self::of(form) }
    }

    /// A shape without colour.
    pub fn of(form: Form) -> Self {
        Self { form, fill: None, stroke: None, dashed: false, hint: String::new() }
    }

    /// White with a black line.
    pub fn hollow(mut self) -> Self {
        (self.fill, self.stroke) = (Some(Colour::WHITE), Some(Colour(0)));
        self
    }

    /// With gaps in its line.
    pub fn dashed(mut self) -> Self {
        self.dashed = true;
        self
    }

    /// With words for who points at it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}
