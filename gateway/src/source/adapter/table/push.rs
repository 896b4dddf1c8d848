//! A filter to a condition of the database: what every row that can match meets. It may let too much through,
//! because the filter is evaluated again on the record's bytes; it must never keep a match back. So what is
//! not surely implied by the filter is left out: negations, conversions that are not one to one, texts with
//! white space around them, collations that are not the order of bytes.

use portcullis_core::filter::{Filter, Literal, Op, enum_number};
use portcullis_core::label::LeafKind;

use super::super::binding::{Binding, Piece, Text};
use super::super::compile::Mapping;
use super::super::convert::{CodeList, Conversion, TextRule, Value};
use super::bounds;
use super::column::{Column, Seen, Shape};
use super::sql::{Dialect, Param};
use super::texts::{is_uuid, spellings, successor, without_indexes};

/// Most values that are bound to one statement.
const MOST_VALUES: usize = 16_000;

/// What a row has to meet.
#[derive(Clone, PartialEq)]
pub enum Condition {
    /// No row meets it.
    Never,
    /// All of these.
    All(Vec<Condition>),
    /// One of these.
    Any(Vec<Condition>),
    /// A test of a column, by its position.
    Test {
        /// The column.
        column: usize,
        /// What its value is.
        test: Test,
    },
}

/// What a value is.
#[derive(Clone, PartialEq)]
pub enum Test {
    /// One of these.
    In(Vec<Param>),
    /// Within these ends, as far as they are given.
    Range {
        /// At least this.
        from: Option<Param>,
        /// Less than this.
        below: Option<Param>,
        /// At most this.
        to: Option<Param>,
    },
}

/// What is known about a table when a filter is pushed down.
#[derive(Clone, Copy)]
pub struct Pusher<'a> {
    /// How columns become fields.
    pub mapping: &'a Mapping,
    /// The columns, in the mapping's order.
    pub columns: &'a [Column],
    /// What was seen in them.
    pub seen: &'a [Seen],
    /// Whose SQL it is for.
    pub dialect: Dialect,
    /// The database keeps texts as UTF-8, so that the order of bytes is that of code points.
    pub utf8: bool,
}

/// What is wanted of a field.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// A comparison.
    Compare(Op, &'a Literal),
    /// One of these.
    In(&'a [Literal]),
    /// A text that begins so.
    Prefix(&'a str),
}

impl<'a> Wanted<'a> {
    /// The values that it lists; none: it is more than equality.
    pub(super) fn listed(self) -> Option<Vec<&'a Literal>> {
        match self {
            Self::Compare(Op::Equal, value) => Some(vec![value]),
            Self::In(values) => Some(values.iter().collect()),
            Self::Compare(..) | Self::Prefix(_) => None,
        }
    }

    fn texts(self) -> Option<Vec<&'a str>> {
        let text = |literal: &'a Literal| match literal {
            Literal::Text(text) => Some(text.as_str()),
            _ => None,
        };
        self.listed()?.into_iter().map(text).collect()
    }
}

impl Pusher<'_> {
    /// What every row that can match meets; none: nothing that the database could test.
    pub fn push(&self, filter: &Filter) -> Option<Condition> {
        self.filter(filter).filter(|condition| condition.values() <= MOST_VALUES)
    }

    fn filter(&self, filter: &Filter) -> Option<Condition> {
        match filter {
            Filter::All(all) => {
                let parts: Vec<_> = all.iter().filter_map(|part| self.filter(part)).collect();
                if parts.contains(&Condition::Never) {
                    return Some(Condition::Never);
                }
                (!parts.is_empty()).then_some(Condition::All(parts))
            }
            Filter::Any(any) => any_of(any.iter().map(|part| self.filter(part))),
            Filter::Compare { op: Op::NotEqual, .. } | Filter::Not(_) => None,
            Filter::Compare { path, op, value } => self.leaf(path, Wanted::Compare(*op, value)),
            Filter::In { path, values } => self.leaf(path, Wanted::In(values)),
            Filter::Prefix { path, prefix } => self.leaf(path, Wanted::Prefix(prefix)),
        }
    }

    /// A field can have its value from any of its bindings; one that nothing fills has none.
    fn leaf(&self, path: &str, wanted: Wanted<'_>) -> Option<Condition> {
        let leaf = self.mapping.record_type.leaf_by_path(path)?;
        let below = format!("{}.", leaf.path);
        let mut found = vec![];
        for binding in &self.mapping.bindings {
            let field = without_indexes(&binding.field);
            if field == leaf.path {
                found.push(self.binding(binding, &leaf.kind, wanted));
            } else if field.starts_with(&below) {
                return None;
            }
        }
        any_of(found.into_iter())
    }

    fn binding(&self, binding: &Binding, kind: &LeafKind, wanted: Wanted<'_>) -> Option<Condition> {
        if binding.split.is_some() || binding.pair {
            return None;
        }
        match &binding.text {
            Text::Constant(_) => None,
            Text::Columns(columns) => {
                any_of(columns.iter().map(|column| self.column(binding, *column, kind, wanted)))
            }
            Text::Template(pieces) => self.template(binding, pieces, kind, wanted),
        }
    }

    /// `INS-{No}` is `INS-7` where `No` is `7`.
    fn template(
        &self,
        binding: &Binding,
        pieces: &[Piece],
        kind: &LeafKind,
        wanted: Wanted<'_>,
    ) -> Option<Condition> {
        let [Piece::Literal(before), Piece::Column(column), Piece::Literal(after)] = pieces else {
            return None;
        };
        if binding.codes.is_some() || !is_plain_text(&binding.convert, kind) {
            return None;
        }
        let inner = |text: &str| {
            let inner = text.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
            Some(inner.to_owned())
        };
        self.cell_in(*column, wanted.texts()?.into_iter().filter_map(inner).collect())
    }

    fn column(
        &self,
        binding: &Binding,
        column: usize,
        kind: &LeafKind,
        wanted: Wanted<'_>,
    ) -> Option<Condition> {
        if let Some(codes) = &binding.codes {
            return self.codes(binding, codes, column, kind, wanted);
        }
        let (described, seen) = (self.columns.get(column)?, self.seen.get(column)?);
        let test = match &binding.convert {
            convert if is_plain_text(convert, kind) => return self.text(column, wanted),
            Conversion::HsCode if *kind == LeafKind::String && !seen.spaced => {
                return self.text(column, wanted);
            }
            Conversion::Country if *kind == LeafKind::String => {
                let codes = wanted.texts()?.into_iter().flat_map(spellings).collect();
                return self.cell_in(column, codes);
            }
            Conversion::Flag { .. } => {
                return self.flag(binding, column, kind, wanted);
            }
            Conversion::Integer(notation) => bounds::integer(described, seen, *notation, wanted),
            Conversion::Decimal(notation) => {
                bounds::near(described, seen, *notation, (1.0, 1e-37), wanted)
            }
            Conversion::Mass(notation, factor, _) => {
                bounds::near(described, seen, *notation, (factor.to_f64()?, 1.0), wanted)
            }
            Conversion::Money(notation, places, ..) => {
                let unit = 10f64.powi(-i32::try_from(*places).ok()?);
                bounds::near(described, seen, *notation, (1.0, unit), wanted)
            }
            Conversion::Time(formats, offset) => {
                bounds::time(described, seen, formats, *offset, false, wanted)
            }
            Conversion::Date(formats) => bounds::time(described, seen, formats, 0, true, wanted),
            Conversion::Unix => bounds::unix(described, seen, wanted),
            _ => None,
        };
        any_of(test?.into_iter().map(|test| Some(Condition::Test { column, test })))
    }

    /// The codes whose meanings can satisfy it.
    fn codes(
        &self,
        binding: &Binding,
        codes: &CodeList,
        column: usize,
        kind: &LeafKind,
        wanted: Wanted<'_>,
    ) -> Option<Condition> {
        let can = |meaning: &str| self.can_satisfy(binding, meaning, kind, wanted);
        if codes.default.as_deref().is_some_and(can) {
            return None;
        }
        let codes = codes.map.iter().filter(|(_, meaning)| can(meaning));
        self.cell_in(column, codes.map(|(code, _)| code.clone()).collect())
    }

    /// The words that can satisfy it, where a column has no others than these two and numbers.
    fn flag(
        &self,
        binding: &Binding,
        column: usize,
        kind: &LeafKind,
        wanted: Wanted<'_>,
    ) -> Option<Condition> {
        let (described, seen) = (self.columns.get(column)?, self.seen.get(column)?);
        let Conversion::Flag { yes, no } = &binding.convert else { return None };
        let words: Vec<String> = match described.shape {
            Shape::Flag => vec!["true".into(), "false".into()],
            Shape::Integer => yes.iter().chain(no).cloned().collect(),
            Shape::Free if seen.integers() => yes.iter().chain(no).cloned().collect(),
            _ => return None,
        };
        let can = |word: &String| self.can_satisfy(binding, word, kind, wanted);
        self.cell_in(column, words.into_iter().filter(can).collect())
    }

    fn can_satisfy(
        &self,
        binding: &Binding,
        text: &str,
        kind: &LeafKind,
        wanted: Wanted<'_>,
    ) -> bool {
        match binding.convert.apply(text, None, |_| None) {
            Ok(value) => satisfies(&value, kind, wanted).unwrap_or(true),
            // It is refused, whatever is asked for.
            Err(_) => matches!(binding.convert, Conversion::Money(..)),
        }
    }

    /// A text that goes into the field as it stands.
    fn text(&self, column: usize, wanted: Wanted<'_>) -> Option<Condition> {
        if let Some(texts) = wanted.texts() {
            return self.cell_in(column, texts.into_iter().map(str::to_owned).collect());
        }
        let (described, seen) = (self.columns.get(column)?, self.seen.get(column)?);
        let ordered = matches!(described.shape, Shape::Text | Shape::Padded | Shape::Free);
        if !(ordered && self.utf8 && seen.plain_texts()) {
            return None;
        }
        let end = |text: &str| (!text.contains('\0')).then(|| Param::Text(text.to_owned()));
        let (mut from, mut below, mut to) = (None, None, None);
        match wanted {
            Wanted::Prefix(prefix) => {
                from = Some(end(prefix)?);
                below = successor(prefix).map(Param::Text);
            }
            Wanted::Compare(op, Literal::Text(text)) => match op {
                Op::Less => below = Some(end(text)?),
                Op::LessOrEqual => to = Some(end(text)?),
                Op::Greater | Op::GreaterOrEqual => from = Some(end(text)?),
                Op::Equal | Op::NotEqual => return None,
            },
            _ => return None,
        }
        Some(Condition::Test { column, test: Test::Range { from, below, to } })
    }

    /// The cell's text is one of these.
    fn cell_in(&self, column: usize, texts: Vec<String>) -> Option<Condition> {
        let (described, seen) = (self.columns.get(column)?, self.seen.get(column)?);
        let integer =
            |text: &String| text.parse().ok().filter(|number: &i64| number.to_string() == *text);
        let values: Vec<Param> = match described.shape {
            Shape::Text | Shape::Padded | Shape::Free if seen.plain_texts() => {
                if !self.utf8 && !texts.iter().all(|text| text.is_ascii()) {
                    return None;
                }
                // No text of PostgreSQL has a NUL in it, and none can be bound.
                let there = |text: &String| self.dialect == Dialect::Sqlite || !text.contains('\0');
                texts.into_iter().filter(there).map(Param::Text).collect()
            }
            Shape::Integer => texts.iter().filter_map(integer).map(Param::Integer).collect(),
            Shape::Free if seen.integers() => {
                texts.iter().filter_map(integer).map(Param::Integer).collect()
            }
            Shape::Uuid => {
                texts.into_iter().filter(|text| is_uuid(text)).map(Param::Text).collect()
            }
            Shape::Flag => {
                let word = |text: &String| text == "true" || text == "false";
                texts.into_iter().filter(word).map(Param::Text).collect()
            }
            _ => return None,
        };
        if values.is_empty() {
            return Some(Condition::Never);
        }
        Some(Condition::Test { column, test: Test::In(values) })
    }
}

impl Condition {
    fn values(&self) -> usize {
        match self {
            Self::Never => 0,
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::values).sum(),
            Self::Test { test: Test::In(values), .. } => values.len(),
            Self::Test { test: Test::Range { .. }, .. } => 3,
        }
    }
}

/// One of several, all of which have to be known.
fn any_of(parts: impl Iterator<Item = Option<Condition>>) -> Option<Condition> {
    let mut all = parts.collect::<Option<Vec<_>>>()?;
    all.retain(|part| *part != Condition::Never);
    match all.len() {
        0 => Some(Condition::Never),
        1 => all.pop(),
        _ => Some(Condition::Any(all)),
    }
}

fn is_plain_text(convert: &Conversion, kind: &LeafKind) -> bool {
    let Conversion::Text(TextRule { case: None, strip, pad: None }) = convert else { return false };
    strip.is_empty() && *kind == LeafKind::String
}

/// Does a converted code satisfy it? None: that is for the bytes to say.
fn satisfies(value: &Value<'_>, kind: &LeafKind, wanted: Wanted<'_>) -> Option<bool> {
    let compare = |literal: &Literal| match (value, literal) {
        (Value::Text(one), Literal::Text(two)) if *kind == LeafKind::String => {
            Some(one.as_ref().cmp(two.as_str()))
        }
        (Value::Integer(one), Literal::Integer(two)) => Some(one.cmp(&i128::from(*two))),
        (Value::Flag(one), Literal::Flag(two)) => Some(one.cmp(two)),
        (Value::Enum(one), Literal::Text(two)) => match kind {
            LeafKind::Enum(names) => enum_number(names, two).map(|two| one.cmp(&two)),
            _ => None,
        },
        _ => None,
    };
    match wanted {
        Wanted::Prefix(prefix) => match value {
            Value::Text(text) => Some(text.starts_with(prefix)),
            _ => None,
        },
        Wanted::Compare(op, literal) => {
            let order = compare(literal)?;
            Some(match op {
                Op::Equal => order.is_eq(),
                Op::NotEqual => order.is_ne(),
                Op::Less => order.is_lt(),
                Op::LessOrEqual => order.is_le(),
                Op::Greater => order.is_gt(),
                Op::GreaterOrEqual => order.is_ge(),
            })
        }
        Wanted::In(values) => {
            let mut orders = values.iter().map(compare);
            orders.try_fold(false, |any, order| Some(any || order?.is_eq()))
        }
    }
}
