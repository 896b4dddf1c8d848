//! Rows of a delimited text file: streamed, decoded, with exact physical line numbers, and strict where
//! leniency would move values between columns (a quote without an end, text behind a closing quote).

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding};

/// Longest row of a file, in bytes of UTF-8.
pub const LONGEST_ROW: usize = 1 << 20;
const CHUNK: usize = 64 << 10;

/// How a file is written down.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// Encoding; a byte order mark overrides it.
    pub encoding: &'static Encoding,
    /// Between cells; one ASCII character.
    pub delimiter: u8,
    /// Around cells; one ASCII character.
    pub quote: u8,
}

/// One row: its cells and where it stands.
#[derive(Default)]
pub struct Row {
    text: String,
    ends: Vec<usize>,
    /// Positions of cells that are NULL and not only empty; files have none.
    nulls: Vec<usize>,
    /// Physical line from 1; of a table, the row's ordinal in the order it was read.
    pub line: u64,
}

impl Row {
    /// A cell.
    pub fn cell(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = match at.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..end)
    }

    /// Is the cell NULL?
    pub fn is_null(&self, at: usize) -> bool {
        self.nulls.contains(&at)
    }

    /// Adds a cell; none is NULL.
    pub fn push(&mut self, cell: Option<&str>) {
        if cell.is_none() {
            self.nulls.push(self.ends.len());
        }
        self.text.push_str(cell.unwrap_or_default());
        self.ends.push(self.text.len());
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// No cell at all?
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Every cell.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|at| self.cell(at))
    }
}

/// Why there is no row.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The file cannot be read on.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Text behind a closing quote; the rest of the line is skipped.
    #[error("text behind a closing quote")]
    TextBehindQuote,
    /// A quote that is never closed.
    #[error("a quote opens on this line and is never closed")]
    UnclosedQuote,
    /// A row of more than [`LONGEST_ROW`] bytes; most likely a quote without an end.
    #[error("row longer than 1 MiB; a quote may be open")]
    TooLong,
}

/// Reads rows.
pub struct Rows<R> {
    input: R,
    decoder: Decoder,
    dialect: Dialect,
    raw: Vec<u8>,
    raw_at: usize,
    text: Vec<u8>,
    text_at: usize,
    ended: bool,
    line: u64,
    cells: Vec<u8>,
}

impl<R: Read> Rows<R> {
    /// From the beginning of a file.
    pub fn new(input: R, dialect: Dialect) -> Self {
        let decoder = dialect.encoding.new_decoder();
        let (raw, text, cells) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            input,
            decoder,
            dialect,
            raw,
            raw_at: 0,
            text,
            text_at: 0,
            ended: false,
            line: 1,
            cells,
        }
    }

    /// The next row that is not blank; false at the end of the file.
    ///
    /// # Errors
    /// See [`RowError`]; after [`RowError::TextBehindQuote`] the next row can be read. `row.line` is set.
    pub fn read(&mut self, row: &mut Row) -> Result<bool, RowError> {
        loop {
            row.line = self.line;
            row.ends.clear();
            self.cells.clear();
            let more = self.fill(row)?;
            let blank = row.ends.len() == 1 && self.cells.is_empty();
            if !more && (blank || row.ends.is_empty()) {
                return Ok(false);
            }
            if !blank {
                row.text.clear();
                row.text.push_str(&String::from_utf8_lossy(&self.cells));
                return Ok(true);
            }
        }
    }

    /// Cells up to the end of the row; false if the file ends with it.
    fn fill(&mut self, row: &mut Row) -> Result<bool, RowError> {
        let Dialect { delimiter, quote, .. } = self.dialect;
        let mut begun = false;
        let mut quoted = false;
        loop {
            if self.cells.len() > LONGEST_ROW {
                return Err(RowError::TooLong);
            }
            let Some(byte) = self.byte()? else {
                row.ends.push(self.cells.len());
                return Ok(false);
            };
            if byte == delimiter {
                row.ends.push(self.cells.len());
                quoted = false;
            } else if self.newline(byte)? {
                row.ends.push(self.cells.len());
                return Ok(true);
            } else if quoted {
                self.skip_line()?;
                return Err(RowError::TextBehindQuote);
            } else if byte == quote && !begun {
                self.quoted()?;
                quoted = true;
            } else {
                self.cells.push(byte);
            }
            begun = byte != delimiter;
        }
    }

    /// The inside of a quoted cell, closing quote included.
    fn quoted(&mut self) -> Result<(), RowError> {
        let quote = self.dialect.quote;
        loop {
            if self.cells.len() > LONGEST_ROW {
                return Err(RowError::TooLong);
            }
            let byte = self.byte()?.ok_or(RowError::UnclosedQuote)?;
            if byte == quote {
                if self.peek()? != Some(quote) {
                    return Ok(());
                }
                self.byte()?;
            } else if byte == b'\n' || (byte == b'\r' && self.peek()? != Some(b'\n')) {
                self.line += 1;
            }
            self.cells.push(byte);
        }
    }

    /// Is this the end of a line (`\n`, `\r\n` or `\r`)? Takes all of it.
    fn newline(&mut self, byte: u8) -> Result<bool, RowError> {
        if byte == b'\r' && self.peek()? == Some(b'\n') {
            self.byte()?;
        }
        let newline = byte == b'\r' || byte == b'\n';
        self.line += u64::from(newline);
        Ok(newline)
    }

    fn skip_line(&mut self) -> Result<(), RowError> {
        while let Some(byte) = self.byte()? {
            if self.newline(byte)? {
                break;
            }
        }
        Ok(())
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        self.text_at += usize::from(byte.is_some());
        Ok(byte)
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        while self.text_at >= self.text.len() {
            if self.ended {
                return Ok(None);
            }
            self.decode()?;
        }
        Ok(self.text.get(self.text_at).copied())
    }

    /// Decodes the next chunk. What is not valid becomes U+FFFD, which conversions refuse by line and column.
    fn decode(&mut self) -> io::Result<()> {
        if self.raw_at >= self.raw.len() {
            self.raw.resize(CHUNK, 0);
            let read = self.input.read(&mut self.raw)?;
            self.raw.truncate(read);
            self.raw_at = 0;
        }
        let last = self.raw.is_empty();
        self.text.resize(CHUNK * 3 + 16, 0);
        let input = self.raw.get(self.raw_at..).unwrap_or_default();
        let (result, read, written, _) = self.decoder.decode_to_utf8(input, &mut self.text, last);
        self.raw_at += read;
        self.text.truncate(written);
        self.text_at = 0;
        self.ended = last && result == CoderResult::InputEmpty;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dialect() -> Dialect {
        Dialect { encoding: encoding_rs::UTF_8, delimiter: b',', quote: b'"' }
    }

    fn all(bytes: &[u8], dialect: Dialect) -> Vec<Result<(u64, Vec<String>), String>> {
        let mut rows = Rows::new(bytes, dialect);
        let (mut row, mut out) = (Row::default(), vec![]);
        loop {
            match rows.read(&mut row) {
                Ok(false) => return out,
                Ok(true) => out.push(Ok((row.line, row.cells().map(str::to_owned).collect()))),
                Err(error @ RowError::TextBehindQuote) => {
                    out.push(Err(format!("{}: {error}", row.line)))
                }
                Err(error) => {
                    out.push(Err(format!("{}: {error}", row.line)));
                    return out;
                }
            }
        }
    }

    #[test]
    fn lines_are_physical_under_every_line_end() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "", "1,\"x", "y\"", "2,\"q\"\"q\"", ""].join(end);
            let inside = format!("x{end}y");
            let rows: Vec<_> =
                all(text.as_bytes(), dialect()).into_iter().map(Result::unwrap).collect();
            assert_eq!(
                rows,
                [
                    (1, vec!["a".to_owned(), "b".into()]),
                    (3, vec!["1".into(), inside]),
                    (5, vec!["2".into(), "q\"q".into()]),
                ],
                "{end:?}"
            );
        }
    }

    #[test]
    fn quotes_that_would_move_values_are_refused() {
        let rows = all(b"a,b\n\"x\"y,1\n2,3\n4,\"open\n5,6\n", dialect());
        assert_eq!(rows[1], Err("2: text behind a closing quote".into()));
        assert_eq!(rows[2], Ok((3, vec!["2".into(), "3".into()])));
        assert_eq!(rows[3], Err("4: a quote opens on this line and is never closed".into()));
    }

    #[test]
    fn encodings_and_marks_are_decoded() {
        let (korean, ..) = encoding_rs::EUC_KR.encode("이름,b\n");
        let euc = Dialect { encoding: encoding_rs::EUC_KR, ..dialect() };
        assert_eq!(all(&korean, euc)[0], Ok((1, vec!["이름".into(), "b".into()])));
        assert_eq!(all("\u{feff}a\n".as_bytes(), dialect())[0], Ok((1, vec!["a".into()])));
        let utf16: Vec<u8> = "\u{feff}é;b".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let semicolon = Dialect { delimiter: b';', ..dialect() };
        assert_eq!(all(&utf16, semicolon)[0], Ok((1, vec!["é".into(), "b".into()])));
        assert_eq!(all(b"\xff\n", dialect())[0], Ok((1, vec!["\u{fffd}".into()])));
    }

    #[test]
    fn endless_rows_are_cut_off() {
        let long = vec![b'x'; LONGEST_ROW + 2];
        assert!(all(&long, dialect())[0].as_ref().unwrap_err().contains("1 MiB"));
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_writes_is_read_back(
            rows in prop::collection::vec(prop::collection::vec("[a-c,\"\n\r é이]{0,6}", 2..5), 1..20)
        ) {
            let mut writer = csv::WriterBuilder::new()
                .flexible(true).quote_style(csv::QuoteStyle::Always).from_writer(vec![]);
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let read: Vec<_> = all(&bytes, dialect()).into_iter().map(|row| row.unwrap().1).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
