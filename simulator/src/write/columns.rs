//! Rows in memory by column, as Parquet wants them.

use crate::calendar::Moment;
use crate::generate::Columns;
use crate::table::{Cells, Kind, Row};

/// Rows of one table.
#[derive(Debug, Default)]
pub struct Block(Vec<Cell>);

/// Cells of one column. `said` has a 1 for each cell that says something and a 0 for each that does not: Parquet's
/// definition levels.
#[derive(Debug)]
pub enum Cell {
    /// Words and texts: one after the other, and where each ends.
    Text {
        /// All of them.
        bytes: Vec<u8>,
        /// Ends of those that say something.
        ends: Vec<u32>,
        /// Which do.
        said: Vec<i16>,
    },
    /// Whole numbers, hundredths, millionths, milliseconds.
    Number {
        /// Those that are said.
        values: Vec<i64>,
        /// Which are.
        said: Vec<i16>,
    },
    /// Days since 1970.
    Day {
        /// Those that are said.
        values: Vec<i32>,
        /// Which are.
        said: Vec<i16>,
    },
    /// Flags.
    Flag(Vec<bool>),
}

impl Cell {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Word | Kind::Text => Self::Text { bytes: vec![], ends: vec![], said: vec![] },
            Kind::Integer | Kind::Money | Kind::Micro | Kind::Moment => {
                Self::Number { values: vec![], said: vec![] }
            }
            Kind::Day => Self::Day { values: vec![], said: vec![] },
            Kind::Flag => Self::Flag(vec![]),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Text { bytes, ends, said } => bytes.len() + 4 * ends.len() + 2 * said.len(),
            Self::Number { values, said } => 8 * values.len() + 2 * said.len(),
            Self::Day { values, said } => 4 * values.len() + 2 * said.len(),
            Self::Flag(values) => values.len(),
        }
    }
}

impl Block {
    /// Adds a row.
    pub fn put<R: Row>(&mut self, row: &R, columns: Columns) {
        if self.0.is_empty() {
            let columns = columns.of(R::TABLE).iter();
            self.0 = columns.map(|column| Cell::new(column.kind)).collect();
        }
        columns.give(row, &mut Put(self.0.iter_mut()));
    }

    /// Bytes it takes.
    pub fn size(&self) -> usize {
        self.0.iter().map(Cell::size).sum()
    }

    /// Its columns, in order.
    pub fn columns(self) -> std::vec::IntoIter<Cell> {
        self.0.into_iter()
    }
}

struct Put<'b>(std::slice::IterMut<'b, Cell>);

impl Put<'_> {
    fn number(&mut self, value: Option<i64>) {
        match self.0.next() {
            Some(Cell::Number { values, said }) => {
                values.extend(value);
                said.push(value.is_some().into());
            }
            Some(Cell::Day { values, said }) => {
                // Days of a few centuries; one that is none is not said.
                let value = value.and_then(|day| i32::try_from(day).ok());
                values.extend(value);
                said.push(value.is_some().into());
            }
            _ => {}
        }
    }
}

impl Cells for Put<'_> {
    fn word(&mut self, value: &str) {
        self.text(value);
    }

    fn text(&mut self, value: &str) {
        if let Some(Cell::Text { bytes, ends, said }) = self.0.next() {
            said.push((!value.is_empty()).into());
            if !value.is_empty() {
                bytes.extend_from_slice(value.as_bytes());
                // A block is far below the 4 GiB at which this would saturate.
                ends.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            }
        }
    }

    fn integer(&mut self, value: Option<i64>) {
        self.number(value);
    }

    fn money(&mut self, value: Option<i64>) {
        self.number(value);
    }

    fn micro(&mut self, value: Option<i64>) {
        self.number(value);
    }

    fn moment(&mut self, value: Option<Moment>) {
        self.number(value.map(|moment| moment.0 * 1_000));
    }

    fn day(&mut self, value: Option<i64>) {
        self.number(value);
    }

    fn flag(&mut self, value: bool) {
        if let Some(Cell::Flag(values)) = self.0.next() {
            values.push(value);
        }
    }
}
