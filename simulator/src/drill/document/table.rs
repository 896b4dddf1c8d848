//! Rows and columns.

use super::{Colour, Text};

/// A table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    /// Heads of the columns, and whether numbers stand below. All empty: none is shown.
    pub head: Vec<(String, bool)>,
    /// Rows.
    pub rows: Vec<Vec<Cell>>,
    /// Lines around every cell, for what is filled in by hand.
    pub ruled: bool,
}

/// A cell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    /// Lines of text, each broken where it has to be.
    pub lines: Vec<Text>,
    /// Ground.
    pub ground: Option<Colour>,
    /// A bar as long as this share of the cell.
    pub bar: Option<f64>,
}

impl Table {
    /// One with columns of text.
    pub fn new(columns: &[&str]) -> Self {
        columns.iter().fold(Self::default(), |table, column| table.text(*column))
    }

    /// A further column, of text.
    pub fn text(mut self, head: impl Into<String>) -> Self {
        self.head.push((head.into(), false));
        self
    }

    /// A further column, of numbers.
    pub fn number(mut self, head: impl Into<String>) -> Self {
        self.head.push((head.into(), true));
        self
    }

    /// With lines around every cell.
    pub fn ruled(mut self) -> Self {
        self.ruled = true;
        self
    }

    /// A further row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether heads are shown.
    pub fn has_head(&self) -> bool {
        self.head.iter().any(|(head, _)| !head.is_empty())
    }
}

impl Cell {
    /// Several lines.
    pub fn lines(lines: impl IntoIterator<Item = Text>) -> Self {
        Self { lines: lines.into_iter().collect(), ..Self::default() }
    }

    /// Room for so many lines by hand.
    pub fn room(lines: usize) -> Self {
        Self::lines(std::iter::repeat_n(Text::from(" "), lines))
    }

    /// On a ground.
    pub fn on(mut self, ground: Colour) -> Self {
        self.ground = Some(ground);
        self
    }

    /// A bar.
    pub fn bar(share: f64) -> Self {
        Self { bar: Some(share.clamp(0.0, 1.0)), ..Self::default() }
    }
}

impl<T: Into<Text>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::lines([text.into()])
    }
}
