//! Columns of a table: what the database says they are, and what was seen in them when they were last read.

use super::key::Kind;

/// A column that a mapping names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type with every modifier, to be compared with what it was.
    pub declared: String,
    /// Its type as a cast names it; PostgreSQL only.
    pub base: String,
    /// What can be done with it.
    pub shape: Shape,
}

/// What a column's type can be compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `text`, `varchar`.
    Text,
    /// `char(n)`: blanks at the end do not count.
    Padded,
    /// Whole numbers of 2, 4 or 8 bytes.
    Integer,
    /// Decimal numbers.
    Numeric,
    /// Binary floats.
    Float,
    /// Yes or no.
    Flag,
    /// A calendar date.
    Date,
    /// A moment.
    Moment,
    /// A date and a time without a zone.
    Local,
    /// Identifiers of 128 bits.
    Uuid,
    /// Bytes.
    Bytes,
    /// Anything else, of which only the text is looked at.
    Other,
    /// SQLite: what a value is says the value.
    Free,
}

/// What was seen in a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    text: bool,
    integer: bool,
    real: bool,
    blob: bool,
    /// A text with white space around it.
    pub padded: bool,
    /// A text with a dot or a space in it.
    pub spaced: bool,
    lengths: Option<(usize, usize)>,
}

impl Seen {
    /// Takes note of a cell.
    pub fn note(&mut self, kind: Kind, cell: &str) {
        match kind {
            Kind::Null => return,
            Kind::Text => self.text = true,
            Kind::Integer => self.integer = true,
            Kind::Real => self.real = true,
            Kind::Blob => self.blob = true,
        }
        self.padded |= cell.trim().len() != cell.len();
        self.spaced |= cell.contains(['.', ' ']);
        let (least, most) = self.lengths.unwrap_or((cell.len(), cell.len()));
        self.lengths = Some((least.min(cell.len()), most.max(cell.len())));
    }

    /// Nothing but texts, which stand as they are?
    pub fn plain_texts(&self) -> bool {
        !(self.integer || self.real || self.blob || self.padded)
    }

    /// Nothing but whole numbers?
    pub fn integers(&self) -> bool {
        !(self.text || self.real || self.blob)
    }

    /// Nothing but numbers?
    pub fn numbers(&self) -> bool {
        !(self.text || self.blob)
    }

    /// Every cell of exactly so many bytes?
    pub fn all_of_length(&self, bytes: usize) -> bool {
        self.lengths.is_none_or(|lengths| lengths == (bytes, bytes))
    }
}
