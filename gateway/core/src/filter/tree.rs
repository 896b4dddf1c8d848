//! The tree: what a filter says, its limits, and what can be done with it before any schema is known.

use std::fmt;

use crate::id::Moment;

/// Deepest nesting; a single comparison is one deep.
pub const MAX_DEPTH: usize = 16;
/// Most nodes.
pub const MAX_NODES: usize = 256;
/// Most values of one list.
pub const MAX_VALUES: usize = 256;
/// Milliseconds of 0001-01-01T00:00:00Z and of the last one of the year 9999: what a protobuf timestamp spans.
const MOMENTS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// Which records are wanted.
#[derive(Clone, PartialEq)]
pub enum Filter {
    /// One field against one value.
    Compare {
        /// Dotted field path.
        path: String,
        /// How to compare.
        op: Op,
        /// What to compare with.
        value: Literal,
    },
    /// One field against a list of values.
    In {
        /// Dotted field path.
        path: String,
        /// Values of one kind.
        values: Vec<Literal>,
    },
    /// A text field that begins with a text.
    Prefix {
        /// Dotted field path.
        path: String,
        /// The text, not empty.
        prefix: String,
    },
    /// Every one of these.
    All(Vec<Filter>),
    /// At least one of these.
    Any(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
}

/// How to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Op {
    /// Every operator.
    pub const ALL: &'static [Self] = &[
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
    ];

    /// As an expression writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Does it need an order, not only equality?
    pub fn orders(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// A literal. Its kind must be that of the field.
#[derive(Clone, PartialEq)]
pub enum Literal {
    /// Text, identifiers, codes, names of enum values, bytes as hexadecimal.
    Text(String),
    /// Integers.
    Integer(i64),
    /// Numbers with a fraction.
    Number(f64),
    /// Flags.
    Flag(bool),
    /// Times and dates (midnight UTC).
    Time(Moment),
    /// A pseudonym or record reference from an earlier answer, quoted back; opened before it is bound.
    Token(String),
}

/// The kind of a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LiteralKind {
    /// [`Literal::Text`].
    Text,
    /// [`Literal::Integer`].
    Integer,
    /// [`Literal::Number`].
    Number,
    /// [`Literal::Flag`].
    Flag,
    /// [`Literal::Time`].
    Time,
    /// [`Literal::Token`].
    Token,
}

impl Literal {
    /// Its kind.
    pub fn kind(&self) -> LiteralKind {
        match self {
            Self::Text(_) => LiteralKind::Text,
            Self::Integer(_) => LiteralKind::Integer,
            Self::Number(_) => LiteralKind::Number,
            Self::Flag(_) => LiteralKind::Flag,
            Self::Time(_) => LiteralKind::Time,
            Self::Token(_) => LiteralKind::Token,
        }
    }

    fn check(&self) -> Result<(), FilterError> {
        match self {
            Self::Number(number) if !number.is_finite() => Err(FilterError::NumberNotFinite),
            Self::Time(moment) if !MOMENTS.contains(&moment.0) => Err(FilterError::TimeOutOfRange),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}(..)", self.kind())
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare { path, op, value } => {
                write!(f, "({path} {} {value:?})", op.symbol())
            }
            Self::In { path, values } => write!(f, "({path} in {values:?})"),
            Self::Prefix { path, .. } => write!(f, "({path} prefix ..)"),
            Self::All(filters) => f.debug_tuple("All").field(filters).finish(),
            Self::Any(filters) => f.debug_tuple("Any").field(filters).finish(),
            Self::Not(filter) => f.debug_tuple("Not").field(filter).finish(),
        }
    }
}

/// Why a filter is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Nested more than [`MAX_DEPTH`] deep.
    #[error("the filter nests more than {MAX_DEPTH} deep")]
    TooDeep,
    /// More than [`MAX_NODES`] nodes.
    #[error("the filter has more than {MAX_NODES} nodes")]
    TooManyNodes,
    /// A list of filters or of values without any.
    #[error("a list in the filter is empty")]
    EmptyList,
    /// A list of more than [`MAX_VALUES`] values.
    #[error("a list in the filter has more than {MAX_VALUES} values")]
    TooManyValues,
    /// A list of values of several kinds.
    #[error("a list in the filter has values of several kinds")]
    MixedKinds,
    /// A prefix without text.
    #[error("a prefix in the filter is empty")]
    EmptyPrefix,
    /// A number that is infinite or none.
    #[error("a number in the filter is not finite")]
    NumberNotFinite,
    /// A time outside the years 1 to 9999.
    #[error("a time in the filter is outside the years 1 to 9999")]
    TimeOutOfRange,
    /// The field is unknown, or not to be used by this requester, or the literal does not fit it: which of
    /// them is not told.
    #[error("the field `{path}` cannot be used in a filter like this")]
    FieldNotUsable {
        /// The requester's own text.
        path: String,
    },
}

impl FilterError {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::TooDeep => "FILTER_TOO_DEEP",
            Self::TooManyNodes => "FILTER_TOO_LARGE",
            Self::EmptyList => "FILTER_LIST_EMPTY",
            Self::TooManyValues => "FILTER_LIST_TOO_LONG",
            Self::MixedKinds => "FILTER_LIST_MIXED",
            Self::EmptyPrefix => "FILTER_PREFIX_EMPTY",
            Self::NumberNotFinite => "FILTER_NUMBER_NOT_FINITE",
            Self::TimeOutOfRange => "FILTER_TIME_OUT_OF_RANGE",
            Self::FieldNotUsable { .. } => "FIELD_NOT_USABLE",
        }
    }
}

impl Filter {
    /// Checks what can be checked without a schema: depth, size, lists.
    ///
    /// # Errors
    /// The first limit that is broken, in reading order.
    pub fn check_shape(&self) -> Result<(), FilterError> {
        let mut nodes = 0;
        self.check(1, &mut nodes)
    }

    fn check(&self, depth: usize, nodes: &mut usize) -> Result<(), FilterError> {
        *nodes += 1;
        if depth > MAX_DEPTH {
            return Err(FilterError::TooDeep);
        }
        if *nodes > MAX_NODES {
            return Err(FilterError::TooManyNodes);
        }
        match self {
            Self::Compare { value, .. } => value.check(),
            Self::In { values, .. } => check_values(values),
            Self::Prefix { prefix, .. } if prefix.is_empty() => Err(FilterError::EmptyPrefix),
            Self::Prefix { .. } => Ok(()),
            Self::All(filters) | Self::Any(filters) if filters.is_empty() => {
                Err(FilterError::EmptyList)
            }
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().try_for_each(|filter| filter.check(depth + 1, nodes))
            }
            Self::Not(filter) => filter.check(depth + 1, nodes),
        }
    }

    /// The paths it names, each once, in reading order.
    pub fn paths(&self) -> Vec<&str> {
        let mut paths = Vec::new();
        self.collect_paths(&mut paths);
        paths
    }

    fn collect_paths<'a>(&'a self, paths: &mut Vec<&'a str>) {
        match self {
            Self::Compare { path, .. } | Self::In { path, .. } | Self::Prefix { path, .. } => {
                if !paths.contains(&path.as_str()) {
                    paths.push(path);
                }
            }
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().for_each(|filter| filter.collect_paths(paths));
            }
            Self::Not(filter) => filter.collect_paths(paths),
        }
    }

    /// The first path at which a token is compared by order. A token may be matched, one guess at a time; put
    /// in order among the clear values of another field it would be bisected.
    pub fn ordered_token(&self) -> Option<&str> {
        match self {
            Self::Compare { path, op, value: Literal::Token(_) } if op.orders() => Some(path),
            Self::Compare { .. } | Self::In { .. } | Self::Prefix { .. } => None,
            Self::All(filters) | Self::Any(filters) => filters.iter().find_map(Self::ordered_token),
            Self::Not(filter) => filter.ordered_token(),
        }
    }

    /// The same filter with every token replaced by the text it stands for, as `open(path, token)` tells.
    ///
    /// # Errors
    /// The first of `open`.
    pub fn map_tokens<E>(
        &self,
        mut open: impl FnMut(&str, &str) -> Result<String, E>,
    ) -> Result<Self, E> {
        self.map_tokens_with(&mut open)
    }

    fn map_tokens_with<E>(
        &self,
        open: &mut dyn FnMut(&str, &str) -> Result<String, E>,
    ) -> Result<Self, E> {
        Ok(match self {
            Self::Compare { path, op, value } => {
                Self::Compare { path: path.clone(), op: *op, value: opened(path, value, open)? }
            }
            Self::In { path, values } => Self::In {
                path: path.clone(),
                values: values
                    .iter()
                    .map(|value| opened(path, value, open))
                    .collect::<Result<_, E>>()?,
            },
            Self::Prefix { .. } => self.clone(),
            Self::All(filters) => Self::All(
                filters
                    .iter()
                    .map(|filter| filter.map_tokens_with(open))
                    .collect::<Result<_, E>>()?,
            ),
            Self::Any(filters) => Self::Any(
                filters
                    .iter()
                    .map(|filter| filter.map_tokens_with(open))
                    .collect::<Result<_, E>>()?,
            ),
            Self::Not(filter) => Self::Not(Box::new(filter.map_tokens_with(open)?)),
        })
    }
}

fn opened<E>(
    path: &str,
    value: &Literal,
    open: &mut dyn FnMut(&str, &str) -> Result<String, E>,
) -> Result<Literal, E> {
    match value {
        Literal::Token(token) => open(path, token).map(Literal::Text),
        other => Ok(other.clone()),
    }
}

fn check_values(values: &[Literal]) -> Result<(), FilterError> {
    let Some(first) = values.first() else { return Err(FilterError::EmptyList) };
    if values.len() > MAX_VALUES {
        return Err(FilterError::TooManyValues);
    }
    if values.iter().any(|value| value.kind() != first.kind()) {
        return Err(FilterError::MixedKinds);
    }
    values.iter().try_for_each(Literal::check)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf() -> Filter {
        Filter::Compare { path: "id".into(), op: Op::Equal, value: Literal::Text("secret".into()) }
    }

    fn nested(depth: usize) -> Filter {
        (1..depth).fold(leaf(), |inner, _| Filter::Not(Box::new(inner)))
    }

    #[test]
    fn limits_hold_at_the_edge() {
        assert_eq!(nested(MAX_DEPTH).check_shape(), Ok(()));
        assert_eq!(nested(MAX_DEPTH + 1).check_shape(), Err(FilterError::TooDeep));
        for list in [Filter::All, Filter::Any] {
            let nested = |depth| (1..depth).fold(leaf(), |inner, _| list(vec![inner]));
            assert_eq!(nested(MAX_DEPTH).check_shape(), Ok(()));
            assert_eq!(nested(MAX_DEPTH + 1).check_shape(), Err(FilterError::TooDeep));
        }
        assert_eq!(Filter::All(vec![leaf(); MAX_NODES - 1]).check_shape(), Ok(()));
        assert_eq!(
            Filter::All(vec![leaf(); MAX_NODES]).check_shape(),
            Err(FilterError::TooManyNodes)
        );
        let list = |values| Filter::In { path: "id".into(), values }.check_shape();
        assert_eq!(list(vec![Literal::Integer(1); MAX_VALUES]), Ok(()));
        assert_eq!(
            list(vec![Literal::Integer(1); MAX_VALUES + 1]),
            Err(FilterError::TooManyValues)
        );
        assert_eq!(list(vec![]), Err(FilterError::EmptyList));
        assert_eq!(
            list(vec![Literal::Integer(1), Literal::Number(1.0)]),
            Err(FilterError::MixedKinds)
        );
        assert_eq!(list(vec![Literal::Number(f64::NAN)]), Err(FilterError::NumberNotFinite));
        assert_eq!(list(vec![Literal::Time(Moment(i64::MAX))]), Err(FilterError::TimeOutOfRange));
        assert_eq!(Filter::Any(vec![]).check_shape(), Err(FilterError::EmptyList));
        let prefix = Filter::Prefix { path: "id".into(), prefix: String::new() };
        assert_eq!(prefix.check_shape(), Err(FilterError::EmptyPrefix));
    }

    #[test]
    fn reasons_are_words_that_stay() {
        let words = [
            (FilterError::TooDeep, "FILTER_TOO_DEEP"),
            (FilterError::TooManyNodes, "FILTER_TOO_LARGE"),
            (FilterError::EmptyList, "FILTER_LIST_EMPTY"),
            (FilterError::TooManyValues, "FILTER_LIST_TOO_LONG"),
            (FilterError::MixedKinds, "FILTER_LIST_MIXED"),
            (FilterError::EmptyPrefix, "FILTER_PREFIX_EMPTY"),
            (FilterError::NumberNotFinite, "FILTER_NUMBER_NOT_FINITE"),
            (FilterError::TimeOutOfRange, "FILTER_TIME_OUT_OF_RANGE"),
            (FilterError::FieldNotUsable { path: "id".into() }, "FIELD_NOT_USABLE"),
        ];
        for (error, word) in words {
            assert_eq!(error.word(), word);
        }
    }

    #[test]
    fn debug_shows_kinds_and_paths_but_no_value() {
        let filter = Filter::All(vec![
            leaf(),
            Filter::Prefix { path: "ucr".into(), prefix: "secret".into() },
            Filter::In { path: "office".into(), values: vec![Literal::Token("secret".into())] },
        ]);
        let text = format!("{filter:?}");
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains("ucr") && text.contains("Token"), "{text}");
        assert_eq!(filter.paths(), ["id", "ucr", "office"]);
    }

    #[test]
    fn a_token_in_an_order_is_found_wherever_it_stands() {
        let compare = |op, value| Filter::Compare { path: "ucr".into(), op, value };
        let token = || Literal::Token("t".into());
        for op in [Op::Less, Op::LessOrEqual, Op::Greater, Op::GreaterOrEqual] {
            let deep = Filter::Not(Box::new(Filter::Any(vec![
                compare(Op::Equal, token()),
                Filter::All(vec![compare(op, token())]),
            ])));
            assert_eq!(deep.ordered_token(), Some("ucr"), "{op:?}");
            assert_eq!(compare(op, Literal::Text("t".into())).ordered_token(), None);
        }
        for op in [Op::Equal, Op::NotEqual] {
            assert_eq!(compare(op, token()).ordered_token(), None, "{op:?}");
        }
        let list = Filter::In { path: "ucr".into(), values: vec![token()] };
        assert_eq!(list.ordered_token(), None);
    }

    #[test]
    fn tokens_become_the_text_they_stand_for() {
        let filter = Filter::Not(Box::new(Filter::In {
            path: "id".into(),
            values: vec![Literal::Token("t1".into()), Literal::Token("t2".into())],
        }));
        let opened =
            filter.map_tokens(|path, token| Ok::<_, ()>(format!("{path}/{token}"))).unwrap();
        let expected = Filter::Not(Box::new(Filter::In {
            path: "id".into(),
            values: vec![Literal::Text("id/t1".into()), Literal::Text("id/t2".into())],
        }));
        assert!(opened == expected);
        assert_eq!(
            filter.map_tokens(|_, token| Err(token.to_owned())).err(),
            Some("t1".to_owned())
        );
    }
}
