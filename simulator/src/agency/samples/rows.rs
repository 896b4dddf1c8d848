//! Rows of the agencies whose samples are cut, held in memory with their cells by name.

use std::collections::BTreeMap;

use crate::calendar::Moment;
use crate::table::{Cells, Out, Row, Table};

/// A cell.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Number(Option<i64>),
    Moment(Option<Moment>),
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    table: Table,
    values: Vec<Value>,
}

impl Record {
    fn value(&self, column: &str) -> Option<&Value> {
        let at = self.table.columns().iter().position(|one| one.name == column)?;
        self.values.get(at)
    }

    /// A word or text.
    pub fn text(&self, column: &str) -> &str {
        match self.value(column) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// A number, an amount in hundredths, a day.
    pub fn number(&self, column: &str) -> Option<i64> {
        match self.value(column) {
            Some(Value::Number(number)) => *number,
            _ => None,
        }
    }

    /// A moment.
    pub fn moment(&self, column: &str) -> Option<Moment> {
        match self.value(column) {
            Some(Value::Moment(moment)) => *moment,
            _ => None,
        }
    }
}

/// All rows of some tables, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Rows(BTreeMap<Table, Vec<Record>>);

/// Tables that samples are cut from.
const WANTED: [Table; 6] = [
    Table::Declaration,
    Table::Inspection,
    Table::Licence,
    Table::Party,
    Table::Owner,
    Table::WatchlistHit,
];

impl Rows {
    /// Rows of a table; of one agency, or of all where none is named.
    pub fn of<'a>(&'a self, table: Table, agency: &'a str) -> impl Iterator<Item = &'a Record> {
        let all = self.0.get(&table).into_iter().flatten();
        all.filter(move |row| agency.is_empty() || row.text("agency") == agency)
    }
}

impl Out for Rows {
    fn put<R: Row>(&mut self, row: &R) {
        if WANTED.contains(&R::TABLE) {
            let mut values = Values(vec![]);
            row.cells(&mut values);
            self.0.entry(R::TABLE).or_default().push(Record { table: R::TABLE, values: values.0 });
        }
    }
}

struct Values(Vec<Value>);

impl Cells for Values {
    fn word(&mut self, value: &str) {
        self.0.push(Value::Text(value.to_owned()));
    }

    fn text(&mut self, value: &str) {
        self.word(value);
    }

    fn integer(&mut self, value: Option<i64>) {
        self.0.push(Value::Number(value));
    }

    fn money(&mut self, value: Option<i64>) {
        self.integer(value);
    }

    fn micro(&mut self, value: Option<i64>) {
        self.integer(value);
    }

    fn moment(&mut self, value: Option<Moment>) {
        self.0.push(Value::Moment(value));
    }

    fn day(&mut self, value: Option<i64>) {
        self.integer(value);
    }

    fn flag(&mut self, value: bool) {
        self.integer(Some(i64::from(value)));
    }
}
