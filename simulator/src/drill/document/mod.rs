//! Documents for people: one model of what a page says, from which both HTML and PDF are written, so that neither says more
//! than the other. What goes into a document is others' business (`report/`, `print/`); how it looks is decided here.
//!
//! Everything is a function of the model: the same document gives the same bytes, with no dates, no random ids, nothing
//! of the machine.

mod figure;
mod html;
mod pdf;
mod table;
mod text;

use std::io;
use std::path::Path;

pub(crate) use figure::{Anchor, Figure, Form, Shape};
#[cfg(test)]
pub(crate) use pdf::read;
pub(crate) use table::{Cell, Table};
pub(crate) use text::{Text, Tone};

/// Red, green and blue, a byte each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour(pub u32);

impl Colour {
    /// What is written.
    pub const INK: Self = Self(0x22_2222);
    /// What matters less.
    pub const FAINT: Self = Self(0x55_5555);
    /// Good, told apart from [`Colour::BAD`] with any colour vision.
    pub const GOOD: Self = Self(0x00_6b4f);
    /// Bad.
    pub const BAD: Self = Self(0xa8_4300);
    /// Bars and dots.
    pub const BLUE: Self = Self(0x00_72b2);
    /// Paper.
    pub const WHITE: Self = Self(0xff_ffff);

    /// From white (0) to a blue (1) on which black is still read well.
    pub fn shade(share: f64) -> Self {
        let mix = |from: u32, to: u32| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
            let mixed = (f64::from(from)
                + (f64::from(to) - f64::from(from)) * share.clamp(0.0, 1.0))
                as u32;
            mixed
        };
        Self(mix(255, 0x52) << 16 | mix(255, 0xae) << 8 | mix(255, 0xe0))
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "#{:06x}", self.0)
    }
}

/// A document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Document {
    /// What it is called.
    pub title: String,
    /// What it is and for whom.
    pub edition: String,
    /// What it is about.
    pub about: String,
    /// What is known of it, on the title page.
    pub facts: Vec<(&'static str, Text)>,
    /// In print, whether it begins with a page for its title and the list of its sections.
    pub cover: bool,
    /// In print, whether pages lie on their side.
    pub landscape: bool,
    /// What it says.
    pub body: Vec<Block>,
}

/// Writes a document beside a file's name as `.html` and `.pdf`.
///
/// # Errors
/// What cannot be written.
pub(crate) fn write(document: &Document, beside: &Path) -> io::Result<()> {
    let mut name = beside.as_os_str().to_owned();
    name.push(".html");
    std::fs::write(&name, html::page(document))?;
    let mut name = beside.as_os_str().to_owned();
    name.push(".pdf");
    std::fs::write(&name, pdf::file(document).map_err(io::Error::other)?)
}

/// A part of a document, from top to bottom.
#[derive(Debug, Clone)]
pub(crate) enum Block {
    /// A section begins.
    Section(String),
    /// Part of a section begins.
    Heading(Text),
    /// Running text.
    Paragraph(Text),
    /// Rows and columns.
    Table(Table),
    /// A drawing.
    Figure(Figure),
    /// In print, a new page begins.
    Page,
    /// So many ruled lines to write on.
    Lines(usize),
}

impl Document {
    /// A section begins.
    pub fn section(&mut self, title: impl Into<String>) {
        self.body.push(Block::Section(title.into()));
    }

    /// Part of a section begins.
    pub fn heading(&mut self, text: impl Into<Text>) {
        self.body.push(Block::Heading(text.into()));
    }

    /// Running text.
    pub fn paragraph(&mut self, text: impl Into<Text>) {
        self.body.push(Block::Paragraph(text.into()));
    }

    /// A table.
    pub fn table(&mut self, table: Table) {
        self.body.push(Block::Table(table));
    }

    /// A table, or a few words where it has no rows.
    pub fn table_or(&mut self, table: Table, none: &str) {
        if table.rows.is_empty() {
            self.paragraph(none);
        } else {
            self.table(table);
        }
    }

    /// A drawing.
    pub fn figure(&mut self, figure: Figure) {
        self.body.push(Block::Figure(figure));
    }
}
