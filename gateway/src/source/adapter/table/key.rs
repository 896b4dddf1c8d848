//! Rows as a database gives them, and the keys by which it finds them again. Neither can be printed.

use super::super::rows::Row;
use super::sql::Param;

/// What a value is to SQLite; to PostgreSQL all are texts, made so by a cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// NULL.
    Null,
    /// Whole number.
    Integer,
    /// Binary float.
    Real,
    /// Text.
    Text,
    /// Bytes, in hexadecimal.
    Blob,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Null, Self::Integer, Self::Real, Self::Text, Self::Blob];

    fn code(self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Integer => 1,
            Self::Real => 2,
            Self::Text => 3,
            Self::Blob => 4,
        }
    }
}

/// A row of a table: its cells as texts, and what each was.
#[derive(Default)]
pub struct Fetched {
    /// Its cells.
    pub row: Row,
    /// What they were.
    pub kinds: Vec<Kind>,
}

impl Fetched {
    /// Adds a cell.
    pub fn push(&mut self, kind: Kind, text: &str) {
        self.row.push((kind != Kind::Null).then_some(text));
        self.kinds.push(kind);
    }

    /// The key of the row, from its key columns.
    pub fn key(&self, columns: &[usize]) -> Key {
        let cell = |at: &usize| Cell {
            kind: self.kinds.get(*at).copied().unwrap_or(Kind::Null),
            text: self.row.cell(*at).unwrap_or_default().to_owned(),
        };
        Key(columns.iter().map(cell).collect())
    }
}

/// What finds a row again: its key cells as they are stored.
#[derive(Clone, PartialEq)]
pub struct Key(pub Vec<Cell>);

/// A cell of a key.
#[derive(Clone, PartialEq)]
pub struct Cell {
    /// What it is.
    pub kind: Kind,
    /// Its text.
    pub text: String,
}

impl Cell {
    /// As it is bound.
    pub fn param(&self) -> Param {
        Param::stored(self.kind, &self.text)
    }
}

impl Key {
    /// Writes it behind what `out` holds.
    pub fn write(&self, out: &mut Vec<u8>) {
        for cell in &self.0 {
            out.push(cell.kind.code());
            out.extend(u32::try_from(cell.text.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend(cell.text.as_bytes());
        }
    }

    /// Reads it back; none: these are no keys.
    pub fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut cells = vec![];
        while let Some((code, rest)) = bytes.split_first() {
            let kind = Kind::ALL.into_iter().find(|kind| kind.code() == *code)?;
            let (length, rest) = rest.split_first_chunk()?;
            let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            cells.push(Cell { kind, text: std::str::from_utf8(text).ok()?.to_owned() });
            bytes = rest;
        }
        Some(Self(cells))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_are_read_back(cells in prop::collection::vec((0usize..5, ".{0,9}"), 0..4)) {
            let cell = |(kind, text): (usize, String)| Cell { kind: Kind::ALL[kind], text };
            let key = Key(cells.into_iter().map(cell).collect());
            let mut bytes = vec![];
            key.write(&mut bytes);
            prop_assert!(Key::read(&bytes) == Some(key));
            bytes.push(9);
            prop_assert!(Key::read(&bytes).is_none());
        }
    }
}
