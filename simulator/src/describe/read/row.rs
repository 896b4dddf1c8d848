//! Cells of a row.

use crate::calendar::{DAY, parse_day};

/// The cells that were asked for, in the order in which they were.
#[derive(Debug, Default)]
pub struct Row {
    text: String,
    ends: Vec<usize>,
}

impl Row {
    /// Forgets all cells.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Adds a cell.
    pub fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// A cell as text; empty where it says nothing.
    pub fn text(&self, place: usize) -> &str {
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(place).copied();
        end.and_then(|end| self.text.get(start.unwrap_or(0)..end)).unwrap_or_default()
    }

    /// A cell as a number.
    pub fn number(&self, place: usize) -> Option<f64> {
        self.text(place).parse().ok()
    }

    /// A cell as a moment or a day, in seconds since 1970.
    pub fn moment(&self, place: usize) -> Option<i64> {
        let text = self.text(place);
        let day = parse_day(text.get(..10)?)? * DAY;
        let Some(time) = text.get(10..).filter(|time| !time.is_empty()) else { return Some(day) };
        let mut parts =
            time.strip_prefix('T')?.strip_suffix('Z')?.split(':').map(str::parse::<i64>);
        let (hour, minute, second) =
            (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        Some(day + hour * 3600 + minute * 60 + second)
    }
}
