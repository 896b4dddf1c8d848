//! The rows of a world in memory, by table and column, whoever holds them. What an agency sees of them is a
//! [`super::Look`]. Rows come from the engine or from generated files; both give the same.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use crate::calendar::{DAY, Moment, parse_day};
use crate::describe::read::{Folder, ReadError};
use crate::generate::{Part, Truth, pieces};
use crate::shipment::Engine;
use crate::shipment::registers::Registers;
use crate::table::{Cells, Kind, Out, Row, Table};
use crate::world::spelling;

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// Its table.
    pub table: Table,
    /// Its place there.
    pub row: u32,
}

/// A column of a table, by place.
pub type Place = usize;

/// The place of a column; past all of them where there is none of that name.
pub fn place(table: Table, name: &str) -> Place {
    let found = table.columns().iter().position(|column| column.name == name);
    debug_assert!(found.is_some(), "{table:?} has no {name}");
    found.unwrap_or(usize::MAX)
}

/// Numbers that say nothing.
const NOTHING: i64 = i64::MIN;

#[derive(Debug)]
enum Column {
    Texts(Vec<u32>),
    Numbers(Vec<i64>),
}

#[derive(Debug, Default)]
struct Rows {
    count: u32,
    columns: Vec<Column>,
    indexes: Vec<[OnceLock<Index>; 4]>,
    counts: Vec<OnceLock<HashMap<(u32, u64), u32>>>,
}

type Index = HashMap<u64, Vec<u32>>;

/// How values are held equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alike {
    /// The very same.
    Exactly = 0,
    /// Names: letters and digits only, capital, without the words of legal forms' points.
    AsName = 1,
    /// The serial number in a description.
    BySerial = 2,
    /// Any of several, `;` between them.
    AnyOf = 3,
}

/// Rows of all tables that were wanted.
#[derive(Debug)]
pub struct Records {
    tables: Vec<Rows>,
    wanted: Vec<bool>,
    words: Words,
}

#[derive(Debug, Default)]
struct Words {
    numbers: HashMap<Box<str>, u32>,
    all: Vec<Box<str>>,
}

impl Words {
    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(word.into());
        self.numbers.insert(word.into(), number);
        number
    }
}

impl Records {
    /// No rows yet, and room for those of some tables.
    pub fn new(wanted: &BTreeSet<Table>) -> Self {
        let rows = |table: &Table| {
            let column = |kind: Kind| match kind {
                Kind::Word | Kind::Text | Kind::Flag => Column::Texts(vec![]),
                _ => Column::Numbers(vec![]),
            };
            let columns = table.columns();
            Rows {
                count: 0,
                columns: columns.iter().map(|it| column(it.kind)).collect(),
                indexes: columns.iter().map(|_| Default::default()).collect(),
                counts: columns.iter().map(|_| OnceLock::new()).collect(),
            }
        };
        let mut words = Words::default();
        words.number("");
        Self {
            tables: Table::ALL.iter().map(rows).collect(),
            wanted: Table::ALL.iter().map(|table| wanted.contains(table)).collect(),
            words,
        }
    }

    /// What an engine makes, with the truth about it.
    pub fn made(engine: &Engine, wanted: &BTreeSet<Table>) -> (Self, Truth) {
        let (mut records, mut truth) = (Self::new(wanted), Truth::default());
        let registers = Registers::new(engine);
        for piece in pieces(engine, Part::WHOLE) {
            piece.make(engine, &registers, &mut records, &mut truth);
        }
        (records, truth)
    }

    /// What a generated folder holds.
    ///
    /// # Errors
    /// The first file or line that cannot be read.
    pub fn read(folder: &Folder, wanted: &BTreeSet<Table>) -> Result<Self, ReadError> {
        let mut records = Self::new(wanted);
        for table in wanted {
            let names: Vec<&str> = table.columns().iter().map(|column| column.name).collect();
            folder.rows(*table, &names, &mut |row| {
                let mut cells = records.begin(*table);
                for (at, column) in table.columns().iter().enumerate() {
                    match column.kind {
                        Kind::Word | Kind::Text | Kind::Flag => cells.put_text(row.text(at)),
                        Kind::Integer => cells.put_number(row.text(at).parse().ok()),
                        Kind::Money => cells.put_number(decimal(row.text(at), 2)),
                        Kind::Micro => cells.put_number(decimal(row.text(at), 6)),
                        Kind::Moment | Kind::Day => cells.put_number(row.moment(at)),
                    }
                }
            })?;
        }
        Ok(records)
    }

    fn begin(&mut self, table: Table) -> Cursor<'_> {
        let rows = self.tables.get_mut(table.index());
        Cursor { words: &mut self.words, rows, at: 0 }
    }

    fn rows(&self, table: Table) -> Option<&Rows> {
        self.tables.get(table.index())
    }

    /// How many rows a table has.
    pub fn count(&self, table: Table) -> u32 {
        self.rows(table).map_or(0, |rows| rows.count)
    }

    /// All rows of a table.
    pub fn all(&self, table: Table) -> impl Iterator<Item = At> + use<> {
        (0..self.count(table)).map(move |row| At { table, row })
    }

    /// The number of a word in these records: of an agency, say.
    pub fn word(&self, word: &str) -> Option<u32> {
        self.words.numbers.get(word).copied()
    }

    /// The word of a number.
    pub fn text_of(&self, number: u32) -> &str {
        self.words.all.get(number as usize).map_or("", |word| word)
    }

    /// The agency that holds a row.
    pub fn agency(&self, at: At) -> u32 {
        self.symbol(at, 0)
    }

    fn symbol(&self, at: At, column: Place) -> u32 {
        match self.rows(at.table).and_then(|rows| rows.columns.get(column)) {
            Some(Column::Texts(texts)) => texts.get(at.row as usize).copied().unwrap_or_default(),
            _ => 0,
        }
    }

    /// A cell as it stands; empty where it says nothing or is no text.
    pub fn text(&self, at: At, column: Place) -> &str {
        self.text_of(self.symbol(at, column))
    }

    /// A cell as a number: amounts in units, moments and days in seconds since 1970.
    #[expect(clippy::cast_precision_loss, reason = "amounts and seconds below 2^53")]
    pub fn number(&self, at: At, column: Place) -> Option<f64> {
        let raw = match self.rows(at.table)?.columns.get(column)? {
            Column::Numbers(numbers) => *numbers.get(at.row as usize)?,
            Column::Texts(_) => return None,
        };
        let scale = match at.table.columns().get(column)?.kind {
            Kind::Money => 100.0,
            Kind::Micro => 1_000_000.0,
            _ => 1.0,
        };
        (raw != NOTHING).then(|| raw as f64 / scale)
    }

    /// Keys by which a cell is held equal to others; none where it says nothing.
    pub fn keys(&self, at: At, column: Place, alike: Alike) -> Vec<u64> {
        match self.number(at, column) {
            Some(number) => vec![hash(&number.to_bits().to_le_bytes())],
            None => text_keys(self.text(at, column), alike),
        }
    }

    /// Rows of a table with a key in a column, in their order.
    pub fn with(&self, table: Table, column: Place, alike: Alike, key: u64) -> &[u32] {
        let Some(index) = self
            .rows(table)
            .and_then(|rows| rows.indexes.get(column))
            .and_then(|ways| ways.get(alike as usize))
        else {
            return &[];
        };
        let index = index.get_or_init(|| {
            let mut index = Index::new();
            for at in self.all(table) {
                for key in self.keys(at, column, alike) {
                    index.entry(key).or_default().push(at.row);
                }
            }
            index
        });
        index.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Puts another text in a cell, to break a world on purpose. Not after rows were looked for by it.
    #[cfg(test)]
    pub fn overwrite(&mut self, at: At, column: Place, text: &str) {
        let number = self.words.number(text);
        let rows = self.tables.get_mut(at.table.index());
        if let Some(Column::Texts(texts)) = rows.and_then(|rows| rows.columns.get_mut(column)) {
            texts[at.row as usize] = number;
        }
    }

    /// How many rows of the same table and agency have the same value in a column.
    pub fn like(&self, at: At, column: Place) -> u32 {
        let Some(counts) = self.rows(at.table).and_then(|rows| rows.counts.get(column)) else {
            return 0;
        };
        let key = |at: At| (self.agency(at), u64::from(self.symbol(at, column)));
        let counts = counts.get_or_init(|| {
            let mut counts = HashMap::new();
            for at in self.all(at.table) {
                *counts.entry(key(at)).or_default() += 1;
            }
            counts
        });
        counts.get(&key(at)).copied().unwrap_or_default()
    }
}

/// Keys of a text.
pub fn text_keys(text: &str, alike: Alike) -> Vec<u64> {
    match alike {
        _ if text.is_empty() => vec![],
        Alike::Exactly => vec![hash(text.as_bytes())],
        Alike::AsName => vec![hash(spelling::plain(text).as_bytes())],
        Alike::BySerial => serial(text).map(|serial| hash(serial.as_bytes())).into_iter().collect(),
        Alike::AnyOf => text.split(';').map(|part| hash(part.as_bytes())).collect(),
    }
}

/// The serial numbers in a description: what follows `S/N`.
pub fn serial(description: &str) -> Option<&str> {
    let (_, rest) = description.split_once("S/N ")?;
    let serial = rest.split([' ', ',', ';']).next().unwrap_or_default();
    (!serial.is_empty()).then_some(serial)
}

/// FNV-1a, 64 bits: the same on any machine.
pub fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// A number with a point as a whole one, so many places up.
fn decimal(text: &str, places: u32) -> Option<i64> {
    let value: f64 = text.parse().ok()?;
    Some(crate::shipment::draft::round(value * f64::from(10_u32.pow(places))))
}

/// Takes the cells of one row.
struct Cursor<'a> {
    words: &'a mut Words,
    rows: Option<&'a mut Rows>,
    at: usize,
}

impl Cursor<'_> {
    fn put_text(&mut self, text: &str) {
        let number = self.words.number(text);
        if let Some(Column::Texts(texts)) =
            self.rows.as_mut().and_then(|rows| rows.columns.get_mut(self.at))
        {
            texts.push(number);
        }
        self.at += 1;
    }

    fn put_number(&mut self, number: Option<i64>) {
        if let Some(Column::Numbers(numbers)) =
            self.rows.as_mut().and_then(|rows| rows.columns.get_mut(self.at))
        {
            numbers.push(number.unwrap_or(NOTHING));
        }
        self.at += 1;
    }
}

impl Drop for Cursor<'_> {
    fn drop(&mut self) {
        if let Some(rows) = &mut self.rows {
            rows.count += 1;
        }
    }
}

impl Cells for Cursor<'_> {
    fn word(&mut self, value: &str) {
        self.put_text(value);
    }
    fn text(&mut self, value: &str) {
        self.put_text(value);
    }
    fn integer(&mut self, value: Option<i64>) {
        self.put_number(value);
    }
    fn money(&mut self, value: Option<i64>) {
        self.put_number(value);
    }
    fn micro(&mut self, value: Option<i64>) {
        self.put_number(value);
    }
    fn moment(&mut self, value: Option<Moment>) {
        self.put_number(value.map(|moment| moment.0));
    }
    fn day(&mut self, value: Option<i64>) {
        self.put_number(value.map(|day| day * DAY));
    }
    fn flag(&mut self, value: bool) {
        self.put_text(if value { "true" } else { "false" });
    }
}

impl Out for Records {
    fn put<R: Row>(&mut self, row: &R) {
        if self.wanted.get(R::TABLE.index()).copied().unwrap_or(false) {
            row.cells(&mut self.begin(R::TABLE));
        }
    }
}

/// Seconds since 1970 of a day's text.
pub fn day_seconds(text: &str) -> Option<f64> {
    let day = parse_day(text)?;
    #[expect(clippy::cast_precision_loss, reason = "days of a few centuries")]
    Some((day * DAY) as f64)
}
