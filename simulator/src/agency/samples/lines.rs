//! A file of the samples: a head, then lines of as many cells.

use super::SamplesError;

/// The lines so far.
pub struct Lines(csv::Writer<Vec<u8>>);

impl Lines {
    /// A file with a head; between its names, as between all cells, stands a sign.
    pub fn new(sign: u8, head: &str) -> Result<Self, SamplesError> {
        let mut lines = Self(csv::WriterBuilder::new().delimiter(sign).from_writer(vec![]));
        let names: Vec<&str> = head.split(char::from(sign)).collect();
        lines.add(&names)?;
        Ok(lines)
    }

    /// Adds a line; one with more or fewer cells than the head is refused.
    pub fn add(&mut self, cells: &[&str]) -> Result<(), SamplesError> {
        self.0.write_record(cells).map_err(|error| SamplesError::Line(error.to_string()))
    }

    /// What the file says.
    pub fn text(self) -> Result<String, SamplesError> {
        let bytes = self.0.into_inner().map_err(|error| SamplesError::Line(error.to_string()))?;
        String::from_utf8(bytes).map_err(|error| SamplesError::Line(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_signs_are_quoted() {
        let mut lines = Lines::new(b';', "One;Two;Three").unwrap();
        lines.add(&["a", "b;c", "d\"e"]).unwrap();
        assert_eq!(lines.text().unwrap(), "One;Two;Three\na;\"b;c\";\"d\"\"e\"\n");
    }

    #[test]
    fn a_line_short_of_a_cell_is_refused() {
        let mut lines = Lines::new(b',', "One,Two,Three").unwrap();
        let refused = lines.add(&["a", "b"]).unwrap_err();
        assert!(refused.to_string().contains("2 fields"), "{refused}");
    }
}
