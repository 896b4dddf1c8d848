//! What is wrong with an expression, and where.

use std::fmt;
use std::ops::Range;

/// What is wrong. One word each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExpressionFault {
    /// Something else was expected here.
    Syntax,
    /// A quoted text does not end, or has an unknown escape.
    Text,
    /// The record type has no such field.
    UnknownField,
    /// The path is that of a message.
    NotAField,
    /// The value or operator does not fit the field.
    DoesNotFit,
    /// Parentheses or `not` nest too deeply.
    TooDeep,
    /// The filter breaks a limit of size.
    Limit,
}

impl ExpressionFault {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Syntax => "EXPRESSION_SYNTAX",
            Self::Text => "EXPRESSION_TEXT",
            Self::UnknownField => "EXPRESSION_UNKNOWN_FIELD",
            Self::NotAField => "EXPRESSION_NOT_A_FIELD",
            Self::DoesNotFit => "EXPRESSION_DOES_NOT_FIT",
            Self::TooDeep => "EXPRESSION_TOO_DEEP",
            Self::Limit => "EXPRESSION_LIMIT",
        }
    }
}

/// An expression that cannot be read. It carries the writer's own text, to be shown to the writer only.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct ExpressionError {
    pub(super) fault: ExpressionFault,
    pub(super) message: String,
    pub(super) text: String,
    pub(super) span: Range<usize>,
}

impl ExpressionError {
    /// What is wrong.
    pub fn fault(&self) -> ExpressionFault {
        self.fault
    }

    /// Byte range of the place in the text.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Line and column (in characters) of the place, from 1.
    pub fn position(&self) -> (usize, usize) {
        let before = self.text.get(..self.span.start).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// The message over the line at fault, with a caret under the place:
    /// ```text
    /// line 1, column 8: expected a value
    ///   | office =
    ///   |         ^
    /// ```
    pub fn render(&self) -> String {
        let (line, column) = self.position();
        let source = self.text.split('\n').nth(line - 1).unwrap_or_default();
        let shown: String = source.chars().map(plain).collect();
        let width = self
            .text
            .get(self.span.clone())
            .map_or(1, |place| place.chars().take_while(|c| *c != '\n').count().max(1));
        let (shown, column) = window(&shown, column, width);
        let carets = "^".repeat(width.min(WINDOW));
        let blank = " ".repeat(column - 1);
        format!("{self}\n  | {shown}\n  | {blank}{carets}")
    }
}

/// Longest part of a line that is shown, in characters.
const WINDOW: usize = 120;

/// Cuts a long line around the place.
fn window(line: &str, column: usize, width: usize) -> (String, usize) {
    let start = if column + width.min(WINDOW) <= WINDOW { 0 } else { column.saturating_sub(20) };
    (line.chars().skip(start).take(WINDOW + 20).collect(), column - start)
}

/// Control characters would move the caret, or the terminal.
fn plain(letter: char) -> char {
    if letter.is_control() { ' ' } else { letter }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.position();
        let message: String = self.message.chars().map(plain).collect();
        write!(f, "line {line}, column {column}: {message}")
    }
}

impl fmt::Debug for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExpressionError({} at {:?})", self.fault.word(), self.span)
    }
}
