//! Characters to tokens. What a word means (field, keyword, value) depends on where it stands, so the parser
//! decides that.

use std::ops::Range;

use super::{ExpressionError, ExpressionFault};
use crate::filter::Op;

/// A token and where it stands.
#[derive(Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Range<usize>,
}

/// What it is.
#[derive(Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A run of characters without meaning in the syntax.
    Word(String),
    /// A text in single or double quotes, escapes resolved.
    Quoted(String),
    /// `token:".."`
    Pseudonym(String),
    /// A path in backticks.
    Path(String),
    Operator(Op),
    Open,
    Close,
    Comma,
    End,
}

/// Characters that end a word.
fn ends_word(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || "()=!<>,\"'`".contains(letter)
}

/// Can it stand bare as a word?
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(ends_word)
}

/// Reads tokens one after the other.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn fail(
        &self,
        fault: ExpressionFault,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> ExpressionError {
        ExpressionError { fault, message: message.into(), text: self.text.to_owned(), span }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn next(&mut self) -> Result<Token, ExpressionError> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        let start = self.at;
        let kind = match self.rest().chars().next() {
            None => TokenKind::End,
            Some('(') => self.advance(1, TokenKind::Open),
            Some(')') => self.advance(1, TokenKind::Close),
            Some(',') => self.advance(1, TokenKind::Comma),
            Some('=') => self.advance(1, TokenKind::Operator(Op::Equal)),
            Some('!') if self.rest().starts_with("!=") => {
                self.advance(2, TokenKind::Operator(Op::NotEqual))
            }
            Some('<') if self.rest().starts_with("<=") => {
                self.advance(2, TokenKind::Operator(Op::LessOrEqual))
            }
            Some('<') => self.advance(1, TokenKind::Operator(Op::Less)),
            Some('>') if self.rest().starts_with(">=") => {
                self.advance(2, TokenKind::Operator(Op::GreaterOrEqual))
            }
            Some('>') => self.advance(1, TokenKind::Operator(Op::Greater)),
            Some(quote @ ('"' | '\'')) => TokenKind::Quoted(self.quoted(quote)?),
            Some('`') => TokenKind::Path(self.quoted('`')?),
            Some(other) if ends_word(other) => {
                let message = format!("`{}` has no meaning here", other.escape_debug());
                let span = start..start + other.len_utf8();
                return Err(self.fail(ExpressionFault::Syntax, span, message));
            }
            Some(_) => self.word()?,
        };
        Ok(Token { kind, span: start..self.at })
    }

    fn advance(&mut self, by: usize, kind: TokenKind) -> TokenKind {
        self.at += by;
        kind
    }

    fn word(&mut self) -> Result<TokenKind, ExpressionError> {
        let rest = self.rest();
        let length = rest.find(ends_word).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        self.at += length;
        match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) if word == "token:" => {
                self.quoted(quote).map(TokenKind::Pseudonym)
            }
            _ => Ok(TokenKind::Word(word.to_owned())),
        }
    }

    /// The text in quotes at this place.
    fn quoted(&mut self, quote: char) -> Result<String, ExpressionError> {
        let start = self.at;
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.at += at + 1;
                return Ok(text);
            }
            if letter != '\\' {
                text.push(letter);
                continue;
            }
            let escape = start + at..start + at + 2;
            let Some((_, escaped)) = letters.next() else { break };
            text.push(match escaped {
                '\\' | '"' | '\'' | '`' => escaped,
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let code: String = letters
                        .by_ref()
                        .map(|(_, c)| c)
                        .take(8)
                        .take_while(|c| *c != '}')
                        .collect();
                    code.strip_prefix('{')
                        .and_then(|hex| u32::from_str_radix(hex, 16).ok())
                        .and_then(char::from_u32)
                        .ok_or_else(|| {
                            let message = "expected a character as in `\\u{1F6A2}`";
                            self.fail(ExpressionFault::Text, escape, message)
                        })?
                }
                _ => {
                    let end = start + at + 1 + escaped.len_utf8();
                    let message = "unknown escape: \\\\ \\\" \\' \\n \\r \\t \\u{..} are known";
                    return Err(self.fail(ExpressionFault::Text, start + at..end, message));
                }
            });
        }
        let message = format!("the quote that opens here is not closed with {quote}");
        Err(self.fail(ExpressionFault::Text, start..start + 1, message))
    }
}
