//! Tokens to a filter: a precedence parser by hand, because every value is read by the type of its field and
//! errors should point at it.

use std::ops::Range;

use super::lex::{Lexer, Token, TokenKind};
use super::value::read_value;
use super::{ExpressionError, ExpressionFault};
use crate::filter::literal::is_ordered;
use crate::filter::{Filter, Literal, MAX_VALUES};
use crate::label::{Leaf, LeafKind, RecordType};

/// Deepest nesting of parentheses and `not`: far below what the stack holds, above what a filter of legal
/// depth needs.
const MAX_NESTING: usize = 64;

pub(super) fn parse(text: &str, record_type: &RecordType) -> Result<Filter, ExpressionError> {
    let mut lexer = Lexer::new(text);
    let ahead = lexer.next()?;
    let mut parser = Parser { lexer, ahead, record_type, nesting: 0 };
    let filter = parser.any()?;
    match parser.ahead.kind {
        TokenKind::End => {}
        TokenKind::Close => return Err(parser.expected("no `)`, which closes nothing")),
        _ => return Err(parser.expected("`and`, `or` or the end")),
    }
    filter.check_shape().map_err(|error| {
        parser.lexer.fail(ExpressionFault::Limit, 0..text.len(), error.to_string())
    })?;
    Ok(filter)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    ahead: Token,
    record_type: &'a RecordType,
    nesting: usize,
}

impl Parser<'_> {
    fn advance(&mut self) -> Result<Token, ExpressionError> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.ahead, next))
    }

    fn expected(&self, what: &str) -> ExpressionError {
        self.lexer.fail(
            ExpressionFault::Syntax,
            self.ahead.span.clone(),
            format!("expected {what}"),
        )
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(&self.ahead.kind, TokenKind::Word(word) if is_keyword(word, keyword))
    }

    fn take_keyword(&mut self, keyword: &str) -> Result<bool, ExpressionError> {
        let taken = self.is_keyword(keyword);
        if taken {
            self.advance()?;
        }
        Ok(taken)
    }

    fn any(&mut self) -> Result<Filter, ExpressionError> {
        let first = self.all()?;
        if !self.is_keyword("or") {
            return Ok(first);
        }
        let mut filters = vec![first];
        while self.take_keyword("or")? {
            filters.push(self.all()?);
        }
        Ok(Filter::Any(filters))
    }

    fn all(&mut self) -> Result<Filter, ExpressionError> {
        let first = self.unary()?;
        if !self.is_keyword("and") {
            return Ok(first);
        }
        let mut filters = vec![first];
        while self.take_keyword("and")? {
            filters.push(self.unary()?);
        }
        Ok(Filter::All(filters))
    }

    fn unary(&mut self) -> Result<Filter, ExpressionError> {
        let opens = self.ahead.kind == TokenKind::Open;
        if !opens && !self.is_keyword("not") {
            return self.comparison();
        }
        let place = self.advance()?.span;
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            let message = "the expression nests too deeply";
            return Err(self.lexer.fail(ExpressionFault::TooDeep, place, message));
        }
        let filter = if opens {
            let filter = self.any()?;
            if self.ahead.kind != TokenKind::Close {
                return Err(self.expected("`and`, `or` or `)`"));
            }
            self.advance()?;
            filter
        } else {
            Filter::Not(Box::new(self.unary()?))
        };
        self.nesting -= 1;
        Ok(filter)
    }

    fn comparison(&mut self) -> Result<Filter, ExpressionError> {
        let (path, span) = self.path()?;
        let leaf = self.field(&path, span.clone())?;
        let place = self.ahead.span.clone();
        if let TokenKind::Operator(op) = self.ahead.kind {
            if op.orders() && !is_ordered(&leaf.kind) {
                let message = format!("`{path}` can only be compared with = != in");
                return Err(self.lexer.fail(ExpressionFault::DoesNotFit, place, message));
            }
            self.advance()?;
            let value = self.value(&leaf)?;
            return Ok(Filter::Compare { path, op, value });
        }
        if self.take_keyword("prefix")? {
            return self.prefix(path, &leaf, place);
        }
        let not = self.take_keyword("not")?;
        if !self.take_keyword("in")? {
            return Err(self.expected(if not { "`in`" } else { "= != < <= > >= in prefix" }));
        }
        let filter = Filter::In { path, values: self.values(&leaf)? };
        Ok(if not { Filter::Not(Box::new(filter)) } else { filter })
    }

    fn prefix(
        &mut self,
        path: String,
        leaf: &Leaf,
        place: Range<usize>,
    ) -> Result<Filter, ExpressionError> {
        if leaf.kind != LeafKind::String {
            let message = format!("`{path}` is no text, so it has no prefix");
            return Err(self.lexer.fail(ExpressionFault::DoesNotFit, place, message));
        }
        let place = self.ahead.span.clone();
        match self.value(leaf)? {
            Literal::Text(prefix) if !prefix.is_empty() => Ok(Filter::Prefix { path, prefix }),
            _ => {
                let message = "a prefix is a text that is not empty";
                Err(self.lexer.fail(ExpressionFault::DoesNotFit, place, message))
            }
        }
    }

    fn values(&mut self, leaf: &Leaf) -> Result<Vec<Literal>, ExpressionError> {
        if self.ahead.kind != TokenKind::Open {
            return Err(self.expected("`(`"));
        }
        self.advance()?;
        let mut values: Vec<Literal> = vec![];
        loop {
            let place = self.ahead.span.clone();
            let value = self.value(leaf)?;
            if values.first().is_some_and(|first| first.kind() != value.kind()) {
                let message = "the values of a list are of one kind";
                return Err(self.lexer.fail(ExpressionFault::DoesNotFit, place, message));
            }
            if values.len() == MAX_VALUES {
                let message = format!("a list has at most {MAX_VALUES} values");
                return Err(self.lexer.fail(ExpressionFault::Limit, place, message));
            }
            values.push(value);
            match self.ahead.kind {
                TokenKind::Comma => self.advance()?,
                TokenKind::Close => {
                    self.advance()?;
                    return Ok(values);
                }
                _ => return Err(self.expected("`,` or `)`")),
            };
        }
    }

    fn value(&mut self, leaf: &Leaf) -> Result<Literal, ExpressionError> {
        if !matches!(
            self.ahead.kind,
            TokenKind::Word(_) | TokenKind::Quoted(_) | TokenKind::Pseudonym(_)
        ) {
            return Err(self.expected("a value"));
        }
        let token = self.advance()?;
        read_value(&token.kind, leaf)
            .map_err(|message| self.lexer.fail(ExpressionFault::DoesNotFit, token.span, message))
    }

    fn path(&mut self) -> Result<(String, Range<usize>), ExpressionError> {
        match &self.ahead.kind {
            TokenKind::Word(word) if KEYWORDS.iter().any(|keyword| is_keyword(word, keyword)) => {
                Err(self.expected("a field, `not` or `(`"))
            }
            TokenKind::Word(_) | TokenKind::Path(_) => {
                let token = self.advance()?;
                match token.kind {
                    TokenKind::Word(path) | TokenKind::Path(path) => Ok((path, token.span)),
                    _ => Err(self.expected("a field")),
                }
            }
            _ => Err(self.expected("a field, `not` or `(`")),
        }
    }

    fn field(&self, path: &str, span: Range<usize>) -> Result<Leaf, ExpressionError> {
        if let Some(leaf) = self.record_type.leaf_by_path(path) {
            return Ok(leaf.clone());
        }
        let below: Vec<&str> =
            self.record_type.leaves_under(path).take(4).map(|leaf| leaf.path.as_str()).collect();
        if below.is_empty() {
            // The place is shown anyway; a name that goes on and on is not told twice.
            let cut = path.char_indices().nth(NAME).map(|(at, _)| at);
            let name = cut.and_then(|at| path.get(..at)).unwrap_or(path);
            let more = if cut.is_some() { ".." } else { "" };
            let mut message = format!("`{}` has no field `{name}{more}`", self.record_type.name());
            if let Some(near) = self.nearest(path) {
                message.push_str(&format!("; did you mean `{near}`"));
            }
            return Err(self.lexer.fail(ExpressionFault::UnknownField, span, message));
        }
        let message =
            format!("`{path}` is a message: name a field of it, as `{}`", below.join("`, `"));
        Err(self.lexer.fail(ExpressionFault::NotAField, span, message))
    }

    /// A field whose path is nearly the same, or ends with the same words.
    fn nearest(&self, path: &str) -> Option<&str> {
        let tail = format!(".{path}");
        self.record_type
            .leaves()
            .iter()
            .map(|leaf| leaf.path.as_str())
            .map(|known| (if known.ends_with(&tail) { 0 } else { distance(known, path) }, known))
            .min()
            .filter(|(distance, _)| *distance <= 2)
            .map(|(_, known)| known)
    }
}

/// Longest part of an unknown name that a message tells, in characters.
const NAME: usize = 80;

/// Words that are no field where a field is expected.
pub(super) const KEYWORDS: &[&str] = &["and", "or", "not", "in", "prefix"];

/// Keywords may be written in capitals.
pub(super) fn is_keyword(word: &str, keyword: &str) -> bool {
    word == keyword || word == keyword.to_ascii_uppercase()
}

/// Edit distance, by bytes; texts longer than any path are not measured.
fn distance(one: &str, two: &str) -> usize {
    if one.len().abs_diff(two.len()) > 2 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, b) in row.iter_mut().skip(1).zip(two.bytes()) {
            let here = (diagonal + usize::from(a != b)).min(left + 1).min(*slot + 1);
            diagonal = std::mem::replace(slot, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}
