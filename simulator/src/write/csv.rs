//! Comma-separated values (RFC 4180, lines end in `\n`): one buffer per table.

use crate::calendar::{Moment, write_day, write_moment};
use crate::generate::Columns;
use crate::table::{Cells, Column, Out, Row, Table};

/// Rows of all tables as CSV, without headers.
#[derive(Debug)]
pub struct Csv {
    /// What was written, by [`Table::index`].
    pub tables: Vec<Vec<u8>>,
    /// Rows written, by [`Table::index`].
    pub rows: Vec<u64>,
}

impl Default for Csv {
    fn default() -> Self {
        Self { tables: vec![vec![]; Table::ALL.len()], rows: vec![0; Table::ALL.len()] }
    }
}

/// The header line of a table.
pub fn header(table: Table) -> String {
    line_of_names(table.columns())
}

/// The header line of some columns.
pub fn line_of_names(columns: &[Column]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    names.join(",") + "\n"
}

/// Writes a row as a line.
pub fn line<R: Row>(row: &R, columns: Columns, out: &mut Vec<u8>) {
    columns.give(row, &mut Line(out));
    if let Some(last) = out.last_mut() {
        *last = b'\n';
    }
}

impl Out for Csv {
    fn put<R: Row>(&mut self, row: &R) {
        if let Some(out) = self.tables.get_mut(R::TABLE.index()) {
            line(row, Columns::All, out);
        }
        if let Some(rows) = self.rows.get_mut(R::TABLE.index()) {
            *rows += 1;
        }
    }
}

/// Cells, each with a comma behind it.
pub(crate) struct Line<'a>(pub(crate) &'a mut Vec<u8>);

impl Cells for Line<'_> {
    fn word(&mut self, value: &str) {
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b',');
    }

    fn text(&mut self, value: &str) {
        if value.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
            self.0.push(b'"');
            for byte in value.bytes() {
                if byte == b'"' {
                    self.0.push(b'"');
                }
                self.0.push(byte);
            }
            self.0.push(b'"');
        } else {
            self.0.extend_from_slice(value.as_bytes());
        }
        self.0.push(b',');
    }

    fn integer(&mut self, value: Option<i64>) {
        if let Some(value) = value {
            self.0.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        }
        self.0.push(b',');
    }

    fn money(&mut self, value: Option<i64>) {
        if let Some(value) = value {
            decimal(self.0, value, 100, 2);
        }
        self.0.push(b',');
    }

    fn micro(&mut self, value: Option<i64>) {
        if let Some(value) = value {
            decimal(self.0, value, 1_000_000, 6);
        }
        self.0.push(b',');
    }

    fn moment(&mut self, value: Option<Moment>) {
        if let Some(value) = value {
            write_moment(self.0, value);
        }
        self.0.push(b',');
    }

    fn day(&mut self, value: Option<i64>) {
        if let Some(value) = value {
            write_day(self.0, value);
        }
        self.0.push(b',');
    }

    fn flag(&mut self, value: bool) {
        self.0.extend_from_slice(if value { b"true," } else { b"false," });
    }
}

/// Writes a number of so many `unit`ths with `places` decimal places.
pub(super) fn decimal(out: &mut Vec<u8>, value: i64, unit: u64, places: u32) {
    if value < 0 {
        out.push(b'-');
    }
    let value = value.unsigned_abs();
    out.extend_from_slice(itoa::Buffer::new().format(value / unit).as_bytes());
    out.push(b'.');
    crate::ident::digits(out, value % unit, places);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Tip, Track};

    #[test]
    fn cells_are_written_as_a_reader_expects_them() {
        let mut out = Csv::default();
        out.put(&Tip {
            agency: "nv-int",
            id: "T1",
            content: "a \"big\", bad\ncrate",
            ..Tip::default()
        });
        out.put(&Track { latitude: Some(-1_500_000), draught_cm: Some(-3), ..Track::default() });
        let tip = String::from_utf8(out.tables[Table::Tip.index()].clone()).unwrap();
        assert_eq!(tip, "nv-int,T1,,,,,,,\"a \"\"big\"\", bad\ncrate\",\n");
        let track = String::from_utf8(out.tables[Table::Track.index()].clone()).unwrap();
        assert_eq!(track, ",,,,-1.500000,,,-3,,\n");
        assert_eq!(
            header(Table::Tip),
            "agency,id,received_at,origin,source_reliability,information_credibility,subject_name,subject_person,content,hs_code\n"
        );
    }

    #[test]
    fn a_csv_reader_gets_back_what_was_put() {
        let mut out = Csv::default();
        let content = "x,\"y\"\r\nz";
        out.put(&Tip { agency: "a", id: "1", content, ..Tip::default() });
        let bytes = &out.tables[Table::Tip.index()];
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
        let row = reader.records().next().unwrap().unwrap();
        let place = Table::Tip.columns().iter().position(|column| column.name == "content");
        assert_eq!(row.get(place.unwrap()), Some(content));
        assert_eq!(row.len(), Table::Tip.columns().len());
    }
}
