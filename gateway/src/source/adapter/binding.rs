//! What fills a field, row by row: the text of the cell (or of several), whether it says anything, and its
//! conversion. Problems name file, line, column and field.

use std::borrow::Cow;
use std::path::Path;

use super::compile::Mapping;
use super::convert::{CodeList, Conversion, Currency, Expected, Value};
use super::encode;
use super::problem::{Cause, Problem, Problems};
use super::rows::Row;

/// What fills a field.
#[derive(Debug, Clone)]
pub struct Binding {
    /// Where the text comes from.
    pub text: Text,
    /// Takes two columns at once.
    pub pair: bool,
    /// Names of the columns, for problems.
    pub label: String,
    /// Field path, for problems.
    pub field: String,
    /// Line of the mapping that says so.
    pub line: u64,
    /// Texts that say nothing.
    pub null: Vec<String>,
    /// A text that says nothing is an error.
    pub required: bool,
    /// Between several values.
    pub split: Option<String>,
    /// Before the conversion.
    pub codes: Option<CodeList>,
    /// To the value.
    pub convert: Conversion,
}

/// Where a text comes from.
#[derive(Debug, Clone)]
pub enum Text {
    /// The first of the columns that says anything.
    Columns(Vec<usize>),
    /// Made from several columns.
    Template(Vec<Piece>),
    /// The same for all rows.
    Constant(String),
}

/// A piece of a template.
#[derive(Debug, Clone)]
pub enum Piece {
    /// As it stands.
    Literal(String),
    /// The cell of a column.
    Column(usize),
}

const UNDECODABLE: char = '\u{fffd}';

impl Binding {
    /// The trimmed text for a row; none if it says nothing.
    fn text<'r>(&'r self, row: &'r Row) -> Option<Cow<'r, str>> {
        let cell = |column: usize| row.cell(column).unwrap_or_default().trim();
        let says = |column: usize| {
            !row.is_null(column) && !self.null.iter().any(|null| null == cell(column))
        };
        match &self.text {
            Text::Columns(columns) if self.pair => {
                let all = columns.iter().all(|column| says(*column));
                columns.first().filter(|_| all).map(|column| Cow::Borrowed(cell(*column)))
            }
            Text::Columns(columns) => {
                columns.iter().find(|column| says(**column)).map(|at| Cow::Borrowed(cell(*at)))
            }
            Text::Template(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Literal(literal) => text.push_str(literal),
                        Piece::Column(column) if says(*column) => text.push_str(cell(*column)),
                        Piece::Column(_) => return None,
                    }
                }
                Some(Cow::Owned(text))
            }
            Text::Constant(text) => Some(Cow::Borrowed(text)),
        }
    }

    fn values<'v>(&'v self, text: &'v str, row: &'v Row) -> Result<Vec<Value<'v>>, Expected> {
        if text.contains(UNDECODABLE) {
            return Err(Expected("not valid in the file's encoding".into()));
        }
        let second = match &self.text {
            Text::Columns(columns) if self.pair => {
                columns.get(1).and_then(|column| row.cell(*column)).map(str::trim)
            }
            _ => None,
        };
        let one = |text: &'v str| {
            let text = match &self.codes {
                Some(codes) => codes.look_up(text)?,
                None => text,
            };
            self.convert.apply(text, second, |column| row.cell(column))
        };
        match &self.split {
            None => Ok(vec![one(text)?]),
            Some(split) => text
                .split(split.as_str())
                .map(str::trim)
                .filter(|part| !self.null.iter().any(|null| null == part) && !part.is_empty())
                .map(one)
                .collect(),
        }
    }

    /// Does every entry of the code list convert?
    pub fn check_codes(&self) -> Result<(), String> {
        let Some(codes) = &self.codes else { return Ok(()) };
        for meaning in codes.map.values().chain(&codes.default) {
            self.check(meaning).map_err(|expected| format!("`map` to `{meaning}`: {expected}"))?;
        }
        Ok(())
    }

    /// Does the constant convert?
    pub fn check_constant(&self) -> Result<(), String> {
        match &self.text {
            Text::Constant(text) => self.check(text),
            Text::Columns(_) | Text::Template(_) => Ok(()),
        }
    }

    fn check(&self, text: &str) -> Result<(), String> {
        if self.pair || matches!(self.convert, Conversion::Money(_, _, _, Currency::Column(_))) {
            return Ok(());
        }
        let done = self.convert.apply(text, None, |_| None);
        done.map(|_| ()).map_err(|Expected(what)| what.into_owned())
    }
}

impl Mapping {
    /// Writes the record of a row behind what `out` holds, or says what is wrong with the row.
    pub fn encode(&self, file: &Path, row: &Row, out: &mut Vec<u8>, problems: &mut Problems) {
        let before = problems.count();
        let refuse = |cause: Cause, binding: &Binding, detail: Cow<'static, str>| {
            let problem = Problem::new(cause, file, detail);
            let problem = self.locate(problem, Some(binding.line), row);
            problem.column(&binding.label).field(&binding.field)
        };
        let texts: Vec<_> = self.bindings.iter().map(|binding| binding.text(row)).collect();
        let mut values = Vec::with_capacity(texts.len());
        for (binding, text) in self.bindings.iter().zip(&texts) {
            let converted = match text {
                Some(text) => binding.values(text, row),
                None => Ok(vec![]),
            };
            let converted = converted.unwrap_or_else(|Expected(what)| {
                problems.push(refuse(Cause::Value, binding, what));
                vec![]
            });
            if text.is_none() && binding.required {
                problems.push(refuse(Cause::Missing, binding, "a value is required".into()));
            }
            values.push(converted);
        }
        if problems.count() > before {
            return;
        }
        if let Err((binding, Expected(what))) = encode::message(&self.plan, &values, out)
            && let Some(binding) = self.bindings.get(binding)
        {
            problems.push(refuse(Cause::Value, binding, what));
        }
    }
}
