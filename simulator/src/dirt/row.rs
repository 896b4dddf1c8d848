//! A row held, and given on with other cells.

use std::borrow::Cow;
use std::ops::Range;

use crate::calendar::Moment;
use crate::table::{Cells, Row, Table};

/// What a cell holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Word(Cow<'a, str>),
    Text(Cow<'a, str>),
    Integer(Option<i64>),
    Money(Option<i64>),
    Micro(Option<i64>),
    Moment(Option<Moment>),
    Day(Option<i64>),
    Flag(bool),
}

impl Value<'_> {
    /// Gives it on.
    pub(super) fn put<C: Cells>(&self, cells: &mut C) {
        match self {
            Self::Word(word) => cells.word(word),
            Self::Text(text) => cells.text(text),
            Self::Integer(value) => cells.integer(*value),
            Self::Money(value) => cells.money(*value),
            Self::Micro(value) => cells.micro(*value),
            Self::Moment(value) => cells.moment(*value),
            Self::Day(value) => cells.day(*value),
            Self::Flag(value) => cells.flag(*value),
        }
    }

    /// The same without saying anything; a flag always does.
    pub(super) fn nothing(&self) -> Value<'static> {
        match self {
            Self::Word(_) => Value::Word("".into()),
            Self::Text(_) => Value::Text("".into()),
            Self::Integer(_) => Value::Integer(None),
            Self::Money(_) => Value::Money(None),
            Self::Micro(_) => Value::Micro(None),
            Self::Moment(_) => Value::Moment(None),
            Self::Day(_) => Value::Day(None),
            Self::Flag(value) => Value::Flag(*value),
        }
    }

    /// Whether it says nothing already.
    pub(super) fn says_nothing(&self) -> bool {
        !matches!(self, Self::Flag(_)) && *self == self.nothing()
    }
}

/// The cells of the row at hand.
#[derive(Debug, Default)]
pub(super) struct Held {
    text: String,
    cells: Vec<Place>,
}

#[derive(Debug, Clone)]
enum Place {
    Word(Range<usize>),
    Text(Range<usize>),
    Other(Value<'static>),
}

impl Held {
    /// Takes a row in place of the one before.
    pub(super) fn take<R: Row>(&mut self, row: &R) {
        self.text.clear();
        self.cells.clear();
        row.cells(self);
    }

    /// A cell, by place.
    pub(super) fn value(&self, place: usize) -> Option<Value<'_>> {
        let text = |range: &Range<usize>| Cow::Borrowed(self.text.get(range.clone()).unwrap_or(""));
        Some(match self.cells.get(place)? {
            Place::Word(range) => Value::Word(text(range)),
            Place::Text(range) => Value::Text(text(range)),
            Place::Other(value) => value.clone(),
        })
    }

    /// Agency that holds the row: its first cell.
    pub(super) fn agency(&self) -> &str {
        self.word(0)
    }

    /// Its id: the second.
    pub(super) fn id(&self) -> &str {
        self.word(1)
    }

    fn word(&self, place: usize) -> &str {
        match self.cells.get(place) {
            Some(Place::Word(range)) => self.text.get(range.clone()).unwrap_or_default(),
            _ => "",
        }
    }

    /// What its dirt is drawn by: FNV-1a, 64 bits, of agency and id.
    pub(super) fn number(&self) -> u64 {
        let bytes = self.agency().bytes().chain([0]).chain(self.id().bytes());
        bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        })
    }

    fn keep(&mut self, value: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(value);
        start..self.text.len()
    }
}

impl Cells for Held {
    fn word(&mut self, value: &str) {
        let range = self.keep(value);
        self.cells.push(Place::Word(range));
    }
    fn text(&mut self, value: &str) {
        let range = self.keep(value);
        self.cells.push(Place::Text(range));
    }
    fn integer(&mut self, value: Option<i64>) {
        self.cells.push(Place::Other(Value::Integer(value)));
    }
    fn money(&mut self, value: Option<i64>) {
        self.cells.push(Place::Other(Value::Money(value)));
    }
    fn micro(&mut self, value: Option<i64>) {
        self.cells.push(Place::Other(Value::Micro(value)));
    }
    fn moment(&mut self, value: Option<Moment>) {
        self.cells.push(Place::Other(Value::Moment(value)));
    }
    fn day(&mut self, value: Option<i64>) {
        self.cells.push(Place::Other(Value::Day(value)));
    }
    fn flag(&mut self, value: bool) {
        self.cells.push(Place::Other(Value::Flag(value)));
    }
}

/// A row with other cells in some places; never in the first, the agency that holds it.
pub(super) struct Edited<'a, R> {
    pub(super) row: &'a R,
    /// In the order of their places.
    pub(super) edits: &'a [(usize, Value<'static>)],
}

impl<R: Row> Row for Edited<'_, R> {
    const TABLE: Table = R::TABLE;
    fn agency(&self) -> &str {
        self.row.agency()
    }
    fn rest<C: Cells>(&self, cells: &mut C) {
        self.row.rest(&mut Passing { cells, at: 1, edits: self.edits });
    }
}

/// Gives cells on, and others in place of some.
struct Passing<'a, C> {
    cells: &'a mut C,
    at: usize,
    edits: &'a [(usize, Value<'static>)],
}

impl<C: Cells> Passing<'_, C> {
    fn pass(&mut self, give: impl FnOnce(&mut C)) {
        match self.edits.split_first() {
            Some(((place, value), rest)) if *place == self.at => {
                value.put(self.cells);
                self.edits = rest;
            }
            _ => give(self.cells),
        }
        self.at += 1;
    }
}

impl<C: Cells> Cells for Passing<'_, C> {
    fn word(&mut self, value: &str) {
        self.pass(|cells| cells.word(value));
    }
    fn text(&mut self, value: &str) {
        self.pass(|cells| cells.text(value));
    }
    fn integer(&mut self, value: Option<i64>) {
        self.pass(|cells| cells.integer(value));
    }
    fn money(&mut self, value: Option<i64>) {
        self.pass(|cells| cells.money(value));
    }
    fn micro(&mut self, value: Option<i64>) {
        self.pass(|cells| cells.micro(value));
    }
    fn moment(&mut self, value: Option<Moment>) {
        self.pass(|cells| cells.moment(value));
    }
    fn day(&mut self, value: Option<i64>) {
        self.pass(|cells| cells.day(value));
    }
    fn flag(&mut self, value: bool) {
        self.pass(|cells| cells.flag(value));
    }
}
