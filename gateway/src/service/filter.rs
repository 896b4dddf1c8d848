//! Filters on the wire and inside: `from_wire` lets in only what has a meaning and keeps the limits, `to_wire`
//! is its reverse. (Both types belong to other crates, so these are functions and not `TryFrom`.)

use portcullis_core::filter::{Filter, FilterError, Literal, MAX_DEPTH, Op};
use portcullis_core::id::Moment;
use portcullis_proto::query::v1 as wire;
use wire::filter::Node;
use wire::value::Kind;

/// Why a filter on the wire is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilter {
    /// A node that is nothing: unset, or of a later version.
    #[error("a node of the filter is unset or unknown")]
    NodeMissing,
    /// An operator that is unspecified or of a later version.
    #[error("an operator of the filter is unspecified or unknown")]
    OperatorUnknown,
    /// A comparison without a value.
    #[error("a comparison in the filter has no value")]
    ValueMissing,
    /// A comparison without a field.
    #[error("a comparison in the filter names no field")]
    PathMissing,
    /// A time whose nanoseconds are out of range or finer than a millisecond.
    #[error("a time in the filter is out of range or finer than a millisecond")]
    TimeInvalid,
    /// It breaks a limit of shape.
    #[error(transparent)]
    Shape(#[from] FilterError),
}

impl InvalidFilter {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NodeMissing => "FILTER_NODE_MISSING",
            Self::OperatorUnknown => "FILTER_OPERATOR_UNKNOWN",
            Self::ValueMissing => "FILTER_VALUE_MISSING",
            Self::PathMissing => "FILTER_PATH_MISSING",
            Self::TimeInvalid => "FILTER_TIME_INVALID",
            Self::Shape(error) => error.word(),
        }
    }
}

/// Reads a filter; its shape is checked.
///
/// # Errors
/// The first thing wrong with it.
pub fn from_wire(filter: wire::Filter) -> Result<Filter, InvalidFilter> {
    let filter = read(filter, 1)?;
    filter.check_shape()?;
    Ok(filter)
}

/// Writes a filter.
pub fn to_wire(filter: &Filter) -> wire::Filter {
    let node = match filter {
        Filter::Compare { path, op, value } => Node::Comparison(wire::Comparison {
            path: path.clone(),
            operator: operator(*op).into(),
            value: Some(write_value(value)),
        }),
        Filter::In { path, values } => Node::Membership(wire::Membership {
            path: path.clone(),
            values: values.iter().map(write_value).collect(),
        }),
        Filter::Prefix { path, prefix } => {
            Node::Prefix(wire::Prefix { path: path.clone(), prefix: prefix.clone() })
        }
        Filter::All(filters) => Node::All(write_list(filters)),
        Filter::Any(filters) => Node::Any(write_list(filters)),
        Filter::Not(filter) => Node::Not(Box::new(to_wire(filter))),
    };
    wire::Filter { node: Some(node) }
}

fn read(filter: wire::Filter, depth: usize) -> Result<Filter, InvalidFilter> {
    if depth > MAX_DEPTH {
        return Err(FilterError::TooDeep.into());
    }
    let list = |list: wire::FilterList| {
        list.filters
            .into_iter()
            .map(|filter| read(filter, depth + 1))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match filter.node.ok_or(InvalidFilter::NodeMissing)? {
        Node::Comparison(wire::Comparison { path, operator, value }) => Filter::Compare {
            path: named(path)?,
            op: read_operator(operator)?,
            value: read_value(value.ok_or(InvalidFilter::ValueMissing)?)?,
        },
        Node::Membership(wire::Membership { path, values }) => Filter::In {
            path: named(path)?,
            values: values.into_iter().map(read_value).collect::<Result<_, _>>()?,
        },
        Node::Prefix(wire::Prefix { path, prefix }) => {
            Filter::Prefix { path: named(path)?, prefix }
        }
        Node::All(filters) => Filter::All(list(filters)?),
        Node::Any(filters) => Filter::Any(list(filters)?),
        Node::Not(filter) => Filter::Not(Box::new(read(*filter, depth + 1)?)),
    })
}

fn named(path: String) -> Result<String, InvalidFilter> {
    if path.is_empty() { Err(InvalidFilter::PathMissing) } else { Ok(path) }
}

fn write_list(filters: &[Filter]) -> wire::FilterList {
    wire::FilterList { filters: filters.iter().map(to_wire).collect() }
}

fn operator(op: Op) -> wire::Operator {
    match op {
        Op::Equal => wire::Operator::Equal,
        Op::NotEqual => wire::Operator::NotEqual,
        Op::Less => wire::Operator::Less,
        Op::LessOrEqual => wire::Operator::LessOrEqual,
        Op::Greater => wire::Operator::Greater,
        Op::GreaterOrEqual => wire::Operator::GreaterOrEqual,
    }
}

fn read_operator(number: i32) -> Result<Op, InvalidFilter> {
    Op::ALL
        .iter()
        .copied()
        .find(|op| operator(*op) as i32 == number)
        .ok_or(InvalidFilter::OperatorUnknown)
}

fn write_value(value: &Literal) -> wire::Value {
    let kind = match value {
        Literal::Text(text) => Kind::Text(text.clone()),
        Literal::Integer(integer) => Kind::Integer(*integer),
        Literal::Number(number) => Kind::Number(*number),
        Literal::Flag(flag) => Kind::Flag(*flag),
        Literal::Time(moment) => Kind::Time(moment.to_proto()),
        Literal::Token(token) => Kind::Token(token.clone()),
    };
    wire::Value { kind: Some(kind) }
}

fn read_value(value: wire::Value) -> Result<Literal, InvalidFilter> {
    Ok(match value.kind.ok_or(InvalidFilter::ValueMissing)? {
        Kind::Text(text) => Literal::Text(text),
        Kind::Integer(integer) => Literal::Integer(integer),
        Kind::Number(number) => Literal::Number(number),
        Kind::Flag(flag) => Literal::Flag(flag),
        Kind::Time(time) => Literal::Time(read_time(&time)?),
        Kind::Token(token) => Literal::Token(token),
    })
}

fn read_time(time: &prost_types::Timestamp) -> Result<Moment, InvalidFilter> {
    if !(0..1_000_000_000).contains(&time.nanos) || time.nanos % 1_000_000 != 0 {
        return Err(InvalidFilter::TimeInvalid);
    }
    time.seconds
        .checked_mul(1000)
        .and_then(|millis| millis.checked_add(i64::from(time.nanos / 1_000_000)))
        .map(Moment)
        .ok_or(InvalidFilter::TimeInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(value: Literal) -> Filter {
        Filter::Compare { path: "p".into(), op: Op::LessOrEqual, value }
    }

    #[test]
    fn every_filter_comes_back_as_it_went() {
        let values = [
            Literal::Text("x".into()),
            Literal::Integer(-5),
            Literal::Number(0.5),
            Literal::Flag(true),
            Literal::Time(Moment(-1)),
            Literal::Token("t".into()),
        ];
        let mut filters: Vec<Filter> = values.into_iter().map(compare).collect();
        filters.extend(Op::ALL.iter().map(|op| Filter::Compare {
            path: "p".into(),
            op: *op,
            value: Literal::Integer(0),
        }));
        filters.push(Filter::In { path: "p".into(), values: vec![Literal::Integer(1)] });
        filters.push(Filter::Prefix { path: "p".into(), prefix: "x".into() });
        let filter = Filter::Any(vec![Filter::Not(Box::new(Filter::All(filters)))]);
        assert!(from_wire(to_wire(&filter)) == Ok(filter));
    }

    #[test]
    fn what_has_no_meaning_is_refused_by_cause() {
        let node = |node| wire::Filter { node: Some(node) };
        let comparison = |path: &str, operator, kind: Option<Kind>| {
            let value = kind.map(|kind| wire::Value { kind: Some(kind) });
            node(Node::Comparison(wire::Comparison { path: path.into(), operator, value }))
        };
        let time = |seconds, nanos| Some(Kind::Time(prost_types::Timestamp { seconds, nanos }));
        let mut deep = to_wire(&compare(Literal::Integer(1)));
        for _ in 0..300 {
            deep = node(Node::Not(Box::new(deep)));
        }
        let empty = node(Node::All(wire::FilterList::default()));
        let cases = [
            (wire::Filter::default(), "FILTER_NODE_MISSING"),
            (comparison("p", 0, Some(Kind::Flag(true))), "FILTER_OPERATOR_UNKNOWN"),
            (comparison("p", 7, Some(Kind::Flag(true))), "FILTER_OPERATOR_UNKNOWN"),
            (comparison("p", 1, None), "FILTER_VALUE_MISSING"),
            (comparison("", 1, Some(Kind::Flag(true))), "FILTER_PATH_MISSING"),
            (comparison("p", 1, time(0, -1)), "FILTER_TIME_INVALID"),
            (comparison("p", 1, time(0, 1)), "FILTER_TIME_INVALID"),
            (comparison("p", 1, time(i64::MAX, 0)), "FILTER_TIME_INVALID"),
            (comparison("p", 1, time(300_000_000_000, 0)), "FILTER_TIME_OUT_OF_RANGE"),
            (comparison("p", 1, Some(Kind::Number(f64::NAN))), "FILTER_NUMBER_NOT_FINITE"),
            (empty, "FILTER_LIST_EMPTY"),
            (deep, "FILTER_TOO_DEEP"),
        ];
        for (filter, word) in cases {
            assert_eq!(from_wire(filter).map_err(|error| error.word()), Err(word));
        }
    }
}
