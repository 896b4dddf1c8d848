//! JSON Lines: an object a row with the columns as keys in their order; what says nothing is left out.
//! Amounts and positions are numbers with their decimal places, moments and days texts.

use std::io::Write as _;

use super::csv::decimal;
use crate::calendar::{Moment, write_day, write_moment};
use crate::generate::Columns;
use crate::table::{Cells, Column, Out, Row, Table};

/// Rows of all tables as JSON Lines.
#[derive(Debug)]
pub struct JsonLines {
    /// What was written, by [`Table::index`].
    pub tables: Vec<Vec<u8>>,
    /// Rows written, by [`Table::index`].
    pub rows: Vec<u64>,
}

impl Default for JsonLines {
    fn default() -> Self {
        Self { tables: vec![vec![]; Table::ALL.len()], rows: vec![0; Table::ALL.len()] }
    }
}

impl Out for JsonLines {
    fn put<R: Row>(&mut self, row: &R) {
        if let Some(out) = self.tables.get_mut(R::TABLE.index()) {
            line(row, Columns::All, out);
        }
        if let Some(rows) = self.rows.get_mut(R::TABLE.index()) {
            *rows += 1;
        }
    }
}

/// Writes a row as a line.
pub fn line<R: Row>(row: &R, columns: Columns, out: &mut Vec<u8>) {
    out.push(b'{');
    columns.give(row, &mut Object { out, columns: columns.of(R::TABLE).iter(), first: true });
    out.extend_from_slice(b"}\n");
}

struct Object<'a> {
    out: &'a mut Vec<u8>,
    columns: std::slice::Iter<'static, Column>,
    first: bool,
}

impl Object<'_> {
    /// Goes on to the next column; the buffer behind its key, or `None` where the cell says nothing.
    fn next<T>(&mut self, value: Option<T>) -> Option<(&mut Vec<u8>, T)> {
        let column = self.columns.next()?;
        let value = value?;
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(column.name.as_bytes());
        self.out.extend_from_slice(b"\":");
        Some((self.out, value))
    }
}

fn said(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

impl Cells for Object<'_> {
    fn word(&mut self, value: &str) {
        if let Some((out, value)) = self.next(said(value)) {
            out.push(b'"');
            out.extend_from_slice(value.as_bytes());
            out.push(b'"');
        }
    }

    fn text(&mut self, value: &str) {
        if let Some((out, value)) = self.next(said(value)) {
            escape(out, value);
        }
    }

    fn integer(&mut self, value: Option<i64>) {
        if let Some((out, value)) = self.next(value) {
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        }
    }

    fn money(&mut self, value: Option<i64>) {
        if let Some((out, value)) = self.next(value) {
            decimal(out, value, 100, 2);
        }
    }

    fn micro(&mut self, value: Option<i64>) {
        if let Some((out, value)) = self.next(value) {
            decimal(out, value, 1_000_000, 6);
        }
    }

    fn moment(&mut self, value: Option<Moment>) {
        if let Some((out, value)) = self.next(value) {
            out.push(b'"');
            write_moment(out, value);
            out.push(b'"');
        }
    }

    fn day(&mut self, value: Option<i64>) {
        if let Some((out, value)) = self.next(value) {
            out.push(b'"');
            write_day(out, value);
            out.push(b'"');
        }
    }

    fn flag(&mut self, value: bool) {
        if let Some((out, value)) = self.next(Some(value)) {
            out.extend_from_slice(if value { b"true" } else { b"false" });
        }
    }
}

/// Writes a JSON text (RFC 8259, section 7).
fn escape(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            0..0x20 => {
                // Writing to a vector cannot fail.
                let _ = write!(out, "\\u{byte:04x}");
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Payment, Tip};

    #[test]
    fn rows_are_objects_that_a_parser_reads_back() {
        let mut out = JsonLines::default();
        out.put(&Tip { agency: "a", id: "1", content: "x,\"y\"\\\n\u{1}ß", ..Tip::default() });
        out.put(&Payment { id: "2", amount: Some(-5), value_date: Some(0), ..Payment::default() });
        let tip = out.tables[Table::Tip.index()].clone();
        let tip: serde_json::Value = serde_json::from_slice(&tip).unwrap();
        assert_eq!(
            tip,
            serde_json::json!({"agency": "a", "id": "1", "content": "x,\"y\"\\\n\u{1}ß"})
        );
        let payment = String::from_utf8(out.tables[Table::Payment.index()].clone()).unwrap();
        assert_eq!(payment, "{\"id\":\"2\",\"amount\":-0.05,\"value_date\":\"1970-01-01\"}\n");
    }
}
