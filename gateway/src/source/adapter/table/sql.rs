//! Statements: text made of keywords, quoted names that the database has, casts to types that it names, and
//! places for parameters; values are bound, every one. This is the only file that builds SQL for tables.

use std::fmt::Write as _;

use super::column::{Column, Shape};
use super::key::{Key, Kind};
use super::push::{Condition, Test};
use super::spec::TableName;

/// A value that is bound.
#[derive(Clone, PartialEq)]
pub enum Param {
    /// NULL.
    Null,
    /// Text.
    Text(String),
    /// Whole number.
    Integer(i64),
    /// Number.
    Real(f64),
    /// Bytes.
    Blob(Vec<u8>),
    /// Array of texts; PostgreSQL only.
    Texts(Vec<String>),
}

/// A statement and what is bound to it.
#[derive(Default)]
pub struct Statement {
    /// Its text.
    pub text: String,
    /// Its parameters, in order.
    pub params: Vec<Param>,
}

/// Which SQL is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A name as SQL writes it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Dialect {
    /// A table as SQL writes it.
    pub fn table(self, name: &TableName) -> String {
        let usual = match self {
            Self::Sqlite => "main",
            Self::Postgres => "public",
        };
        let schema = name.schema.as_deref().unwrap_or(usual);
        format!("{}.{}", quoted(schema), quoted(&name.name))
    }

    /// `SELECT` of columns as texts, in their order. SQLite gives values as they are stored.
    pub fn select(self, name: &TableName, columns: &[&Column]) -> Statement {
        let text = format!("SELECT {} FROM {} AS t", self.cells(columns), self.table(name));
        Statement { text, params: vec![] }
    }

    /// The same of the rows with some keys, to be followed by further conditions.
    pub fn fetch(
        self,
        name: &TableName,
        columns: &[&Column],
        key: &[&Column],
        keys: &[Key],
    ) -> Statement {
        let names: Vec<String> =
            key.iter().map(|column| format!("t.{}", quoted(&column.name))).collect();
        let mut statement = match (self, names.as_slice()) {
            (Self::Sqlite, [_]) | (Self::Postgres, _) => {
                let mut select = self.select(name, columns);
                select.push(" WHERE ");
                select
            }
            // SQLite finds rows by a key of several columns only where it is joined with a list of them.
            (Self::Sqlite, _) => Statement {
                text: format!("SELECT {} FROM (VALUES ", self.cells(columns)),
                params: vec![],
            },
        };
        match self {
            Self::Sqlite => statement.sqlite_keys(&self.table(name), &names, keys),
            Self::Postgres => statement.postgres_keys(&names, key, keys),
        }
        statement
    }

    fn cells(self, columns: &[&Column]) -> String {
        let cell = |column: &&Column| match self {
            // Qualified, because a quoted name alone that is no column is a text to SQLite.
            Self::Sqlite => format!("t.{}", quoted(&column.name)),
            Self::Postgres => cell_text(column),
        };
        columns.iter().map(cell).collect::<Vec<_>>().join(", ")
    }

    /// How many rows there are, and the greatest value of a column as a text.
    pub fn watermark(self, name: &TableName, column: &Column) -> Statement {
        let greatest = format!("max(t.{})", quoted(&column.name));
        let table = self.table(name);
        let text = match self {
            Self::Sqlite => format!("SELECT count(*), {greatest} FROM {table} AS t"),
            Self::Postgres => {
                format!("SELECT count(*)::text, {greatest}::text FROM {table} AS t")
            }
        };
        Statement { text, params: vec![] }
    }
}

/// The text of a value: ISO for times whatever the session says, hexadecimal for bytes.
fn cell_text(column: &Column) -> String {
    let name = format!("t.{}", quoted(&column.name));
    // Years that a text of four digits cannot hold, and infinity, stay as PostgreSQL writes them: no
    // conversion takes those, so they are refused by name and do not become another time.
    let within = |text: &str, zone: &str| {
        format!(
            "CASE WHEN {name} >= '0001-01-01 00:00:00{zone}' AND {name} < '10000-01-01 00:00:00{zone}' \
             THEN {text} ELSE {name}::text END"
        )
    };
    match column.shape {
        Shape::Moment => within(
            &format!(
                "pg_catalog.to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
            ),
            "+00",
        ),
        Shape::Local => {
            within(&format!("pg_catalog.to_char({name}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"), "")
        }
        Shape::Bytes => format!("pg_catalog.encode({name}, 'hex')"),
        _ => format!("{name}::text"),
    }
}

/// How a text becomes a value of a column's type.
fn typed(column: &Column, text: &str) -> String {
    match column.shape {
        Shape::Bytes => format!("pg_catalog.decode({text}, 'hex')"),
        _ => format!("{text}::{}", column.base),
    }
}

impl Statement {
    /// Adds text.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a place for a parameter.
    fn bind(&mut self, dialect: Dialect, param: Param) -> String {
        self.params.push(param);
        match dialect {
            Dialect::Sqlite => "?".into(),
            Dialect::Postgres => format!("${}", self.params.len()),
        }
    }

    fn sqlite_keys(&mut self, table: &str, names: &[String], keys: &[Key]) {
        // Few sizes, so that few statements are prepared; what is left over is NULL, which no key is.
        let size = [1, 16, 128].into_iter().find(|size| keys.len() <= *size);
        let size = size.unwrap_or(keys.len());
        for key in keys {
            self.params.extend(key.0.iter().map(|cell| cell.param()));
        }
        let missing = (size - keys.len()) * names.len();
        self.params.extend(std::iter::repeat_n(Param::Null, missing));
        let places = vec!["?"; names.len()].join(", ");
        let (row, opens) = match names {
            [name] => (places, format!("{name} IN (")),
            _ => (format!("({places})"), String::new()),
        };
        // By the column's own collation, so that an index serves, and exactly: a row that two keys are equal to
        // by a collation would come twice.
        let equal = |(at, name): (usize, &String)| {
            let key = format!("k.column{}", at + 1);
            format!("{name} = {key} AND {name} = {key} COLLATE BINARY")
        };
        let joined: Vec<String> = names.iter().enumerate().map(equal).collect();
        let closes = match names {
            [_] => ")".to_owned(),
            _ => format!(") AS k CROSS JOIN {table} AS t WHERE {}", joined.join(" AND ")),
        };
        let rows = vec![row.as_str(); size].join(", ");
        let _ = write!(self.text, "{opens}{rows}{closes}");
    }

    fn postgres_keys(&mut self, names: &[String], columns: &[&Column], keys: &[Key]) {
        let mut arrays = vec![];
        for at in 0..names.len() {
            let cells = keys.iter().filter_map(|key| key.0.get(at)).map(|cell| cell.text.clone());
            let place = self.bind(Dialect::Postgres, Param::Texts(cells.collect()));
            arrays.push(format!("{place}::text[]"));
        }
        match (names, arrays.as_slice(), columns) {
            ([name], [array], [column]) if column.shape != Shape::Bytes => {
                let _ = write!(self.text, "{name} = ANY ({array}::{}[])", column.base);
            }
            _ => {
                let aliases: Vec<String> = (0..names.len()).map(|at| format!("k{at}")).collect();
                let cells: Vec<String> = columns
                    .iter()
                    .zip(&aliases)
                    .map(|(column, alias)| typed(column, &format!("k.{alias}")))
                    .collect();
                let _ = write!(
                    self.text,
                    "({}) IN (SELECT {} FROM unnest({}) AS k({}))",
                    names.join(", "),
                    cells.join(", "),
                    arrays.join(", "),
                    aliases.join(", ")
                );
            }
        }
    }

    /// Only rows that meet a condition.
    pub fn condition(&mut self, dialect: Dialect, columns: &[Column], condition: &Condition) {
        match condition {
            Condition::Never => self.push("1 = 0"),
            Condition::All(all) => self.join(dialect, columns, all, " AND "),
            Condition::Any(any) => self.join(dialect, columns, any, " OR "),
            Condition::Test { column, test } => match columns.get(*column) {
                Some(column) => self.test(dialect, column, test),
                None => self.push("1 = 0"),
            },
        }
    }

    fn join(&mut self, dialect: Dialect, columns: &[Column], parts: &[Condition], between: &str) {
        self.push("(");
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                self.push(between);
            }
            self.condition(dialect, columns, part);
        }
        self.push(")");
    }

    fn test(&mut self, dialect: Dialect, column: &Column, test: &Test) {
        let name = format!("t.{}", quoted(&column.name));
        match (dialect, test) {
            (Dialect::Sqlite, Test::In(values)) => {
                let places = vec!["?"; values.len()].join(", ");
                self.params.extend(values.iter().cloned());
                let _ = write!(self.text, "{name} IN ({places})");
            }
            (Dialect::Postgres, Test::In(values)) => {
                let texts = values.iter().map(Param::as_text).collect();
                let place = self.bind(dialect, Param::Texts(texts));
                let kind = compared_as(column);
                let _ = write!(self.text, "{name} = ANY ({place}::text[]::{kind}[])");
            }
            (_, Test::Range { from, below, to }) => {
                let ends = [(">=", from), ("<", below), ("<=", to)];
                let ends = ends.into_iter().filter_map(|(sign, end)| Some((sign, end.as_ref()?)));
                for (at, (sign, end)) in ends.enumerate() {
                    let and = if at > 0 { " AND " } else { "" };
                    let text = match (dialect, end) {
                        (Dialect::Sqlite, Param::Text(_)) => {
                            format!(
                                "{name} COLLATE BINARY {sign} {}",
                                self.bind(dialect, end.clone())
                            )
                        }
                        (Dialect::Sqlite, _) => {
                            format!("{name} {sign} {}", self.bind(dialect, end.clone()))
                        }
                        (Dialect::Postgres, _) => {
                            let place = self.bind(dialect, Param::Text(end.as_text()));
                            match column.shape {
                                Shape::Text | Shape::Padded => {
                                    format!("{name}::text COLLATE \"C\" {sign} {place}::text")
                                }
                                _ => {
                                    format!("{name} {sign} {place}::text::{}", compared_as(column))
                                }
                            }
                        }
                    };
                    let _ = write!(self.text, "{and}{text}");
                }
            }
        }
    }
}

/// The type of what a column is compared with: numbers wide enough for any of them.
fn compared_as(column: &Column) -> &str {
    match column.shape {
        Shape::Integer => "bigint",
        Shape::Numeric => "numeric",
        Shape::Float => "double precision",
        _ => &column.base,
    }
}

impl Param {
    /// As PostgreSQL reads it back from a text.
    fn as_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Real(real) => format!("{real:e}"),
            Self::Blob(bytes) => hex::encode(bytes),
            Self::Texts(_) | Self::Null => String::new(),
        }
    }

    /// As SQLite stores a cell of a kind.
    pub fn stored(kind: Kind, text: &str) -> Self {
        let plain = || Self::Text(text.to_owned());
        match kind {
            Kind::Integer => text.parse().map_or_else(|_| plain(), Self::Integer),
            Kind::Real => text.parse().map_or_else(|_| plain(), Self::Real),
            Kind::Blob => hex::decode(text).map_or_else(|_| plain(), Self::Blob),
            Kind::Text | Kind::Null => plain(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_quotes() {
        assert_eq!(quoted("a\"; DROP TABLE b; --"), "\"a\"\"; DROP TABLE b; --\"");
        let name = TableName { schema: Some("s\"".into()), name: "t\".x".into() };
        assert_eq!(Dialect::Postgres.table(&name), "\"s\"\"\".\"t\"\".x\"");
    }
}
