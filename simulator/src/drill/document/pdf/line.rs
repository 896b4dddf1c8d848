//! Text broken into lines that are no wider than they may be.

use super::face::Faces;
use crate::drill::document::{Colour, Text, Tone};

/// How letters are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    /// Bold or upright.
    pub bold: bool,
    /// Size in points.
    pub size: f64,
    /// Colour.
    pub colour: Colour,
}

/// Words of one style within a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    /// From the line's beginning, in points.
    pub x: f64,
    /// The words.
    pub text: String,
    /// How they are drawn.
    pub style: Style,
}

/// A line.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Line {
    /// Its words.
    pub pieces: Vec<Piece>,
    /// Its width in points.
    pub width: f64,
}

#[derive(Clone, Copy)]
struct Letter {
    letter: char,
    style: Style,
    width: f64,
}

impl Style {
    /// Upright.
    pub fn new(size: f64, colour: Colour) -> Self {
        Self { bold: false, size, colour }
    }

    /// Bold.
    pub fn bold(size: f64, colour: Colour) -> Self {
        Self { bold: true, size, colour }
    }

    fn toned(self, tone: Tone) -> Self {
        match tone {
            Tone::Plain => self,
            Tone::Bold => Self { bold: true, ..self },
            Tone::Small => Self { size: self.size * 0.86, colour: Colour::FAINT, ..self },
            Tone::Good => Self { bold: true, colour: Colour::GOOD, ..self },
            Tone::Bad => Self { bold: true, colour: Colour::BAD, ..self },
            Tone::Code => Self { size: self.size * 0.92, ..self },
            Tone::In(colour) => Self { colour, ..self },
        }
    }
}

/// Breaks text between words, and within words that are wider than a line.
pub(super) fn wrap(text: &Text, style: Style, width: f64, faces: &Faces) -> Vec<Line> {
    let mut lines = vec![];
    let mut line: Vec<Letter> = vec![];
    let mut used = 0.0;
    for (space, word) in words(&letters(text, style, faces)) {
        let gap = space.filter(|_| !line.is_empty());
        let wide = sum(&word) + gap.map_or(0.0, |gap| gap.width);
        if used + wide <= width + 0.01 {
            line.extend(gap);
            line.extend(word);
            used += wide;
            continue;
        }
        if !line.is_empty() {
            lines.push(set(&line));
        }
        let mut rest = word.as_slice();
        while sum(rest) > width + 0.01 {
            let (part, left) = rest.split_at(fitting(rest, width));
            lines.push(set(part));
            rest = left;
        }
        line = rest.to_vec();
        used = sum(&line);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(set(&line));
    }
    lines
}

/// Width that text needs so that no word of it breaks, and width that it takes on one line.
pub(super) fn span(text: &Text, style: Style, faces: &Faces) -> (f64, f64) {
    let letters = letters(text, style, faces);
    let longest = words(&letters).iter().map(|(_, word)| sum(word)).fold(0.0, f64::max);
    (longest, sum(&letters))
}

fn letters(text: &Text, style: Style, faces: &Faces) -> Vec<Letter> {
    let mut all: Vec<Letter> = vec![];
    for span in &text.0 {
        let style = style.toned(span.tone);
        for letter in span.text.chars() {
            let blank = letter != '\u{a0}' && (letter.is_whitespace() || letter.is_control());
            let letter = if blank { ' ' } else { letter };
            if blank && all.last().is_some_and(|last| last.letter == ' ') {
                continue;
            }
            let width = faces.width(letter, style.bold, style.size);
            all.push(Letter { letter, style, width });
        }
    }
    while all.last().is_some_and(|last| last.letter == ' ') {
        all.pop();
    }
    all
}

/// Words, each with the space before it.
fn words(letters: &[Letter]) -> Vec<(Option<Letter>, Vec<Letter>)> {
    let mut all = vec![];
    let (mut space, mut word) = (None, vec![]);
    for letter in letters {
        if letter.letter == ' ' {
            if !word.is_empty() {
                all.push((space, std::mem::take(&mut word)));
            }
            space = Some(*letter);
        } else {
            word.push(*letter);
        }
    }
    if !word.is_empty() {
        all.push((space, word));
    }
    all
}

fn sum(letters: &[Letter]) -> f64 {
    letters.iter().map(|letter| letter.width).sum()
}

/// How many letters fit; after a mark that joins parts of a word, where there is one not too far back. At least one.
fn fitting(letters: &[Letter], width: f64) -> usize {
    let mut used = 0.0;
    let fits = |letter: &&Letter| {
        used += letter.width;
        used <= width
    };
    let most = letters.iter().take_while(fits).count().max(1);
    let joint = letters.iter().take(most).rposition(|one| "/._-:,;>".contains(one.letter));
    joint.map(|at| at + 1).filter(|count| *count * 3 > most).unwrap_or(most)
}

fn set(letters: &[Letter]) -> Line {
    let mut line = Line::default();
    for one in letters {
        match line.pieces.last_mut() {
            Some(piece) if piece.style == one.style => piece.text.push(one.letter),
            _ => {
                let text = one.letter.to_string();
                line.pieces.push(Piece { x: line.width, text, style: one.style });
            }
        }
        line.width += one.width;
    }
    line
}
