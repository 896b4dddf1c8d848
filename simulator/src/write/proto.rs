//! Rows as the gateway's own record types, on the wire: which field each column fills is looked up in the contract
//! once; a row is then written without building a message, as `portcullis source` does with a database's rows.
//! Fields come in the order of their numbers and defaults are left out, so that the bytes are prost's.
//!
//! What a record has no field for stays out: the agency (whoever answers with the record), streets and towns, the
//! dates of an application. Nothing and zero are one, as in all of the contract.

use std::collections::BTreeMap;

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, MessageDescriptor};

use crate::calendar::{Moment, civil};
use crate::load::LISTS;
use crate::table::{Cells, Column, Kind, Row, Table};

/// Plans of all tables, by [`Table::index`].
#[derive(Debug)]
pub struct Plans(Vec<Plan>);

/// What a table's columns fill.
#[derive(Debug)]
struct Plan {
    /// By column, without the agency; none where it fills no field by itself.
    leaves: Vec<Option<Leaf>>,
    root: Vec<Field>,
}

/// A field that a column fills.
#[derive(Debug)]
struct Leaf {
    number: u32,
    value: Value,
    /// Several values in a cell, `;` between them.
    list: bool,
}

/// How a cell is written.
#[derive(Debug)]
enum Value {
    Text,
    /// By the word's number in an enum.
    Word(BTreeMap<String, i32>),
    /// A varint; negative numbers take ten bytes.
    Integer,
    Double,
    Money,
    Timestamp,
    Date,
}

/// A field of a message: what a column wrote, or a message of fields.
#[derive(Debug)]
enum Field {
    Column(u32, usize),
    Message(u32, Vec<Field>),
}

impl Plans {
    /// Reads the contract.
    ///
    /// # Errors
    /// A column whose field it does not have.
    pub fn new() -> Result<Self, String> {
        let pool = DescriptorPool::decode(portcullis_proto::DESCRIPTOR_SET)
            .map_err(|error| error.to_string())?;
        Table::ALL.iter().map(|table| Plan::new(&pool, *table)).collect::<Result<_, _>>().map(Self)
    }

    /// Writes a row behind its length.
    pub fn put<R: Row>(&self, row: &R, out: &mut Vec<u8>) {
        let Some(plan) = self.0.get(R::TABLE.index()) else { return };
        let mut record = Record {
            leaves: plan.leaves.iter(),
            bytes: Vec::with_capacity(512),
            ends: Vec::with_capacity(plan.leaves.len()),
            currency: String::new(),
        };
        row.rest(&mut record);
        encode_varint(record.size(&plan.root) as u64, out);
        record.write(&plan.root, out);
    }
}

impl Plan {
    fn new(pool: &DescriptorPool, table: Table) -> Result<Self, String> {
        let record = table.record_type();
        let message = pool.get_message_by_name(record).ok_or(format!("no record type {record}"))?;
        let (mut leaves, mut root) = (vec![], vec![]);
        for (at, column) in table.columns().iter().skip(1).enumerate() {
            let path = match (table, column.name) {
                (Table::Track, "latitude" | "longitude") => {
                    format!("points.position.{}", column.name)
                }
                _ => column.path.to_owned(),
            };
            if path.is_empty() {
                leaves.push(None);
                continue;
            }
            let wrong = || format!("{record} has no field {path} for {}", column.name);
            let numbers = follow(&message, &path).ok_or_else(wrong)?;
            let (field, above) = numbers.split_last().ok_or_else(wrong)?;
            let value = Value::of(column, field).ok_or_else(wrong)?;
            let list = field.is_list() && LISTS.contains(&column.name);
            leaves.push(Some(Leaf { number: field.number(), value, list }));
            plant(&mut root, above, Field::Column(field.number(), at));
        }
        Ok(Self { leaves, root })
    }
}

/// The fields on a path, from the record down.
fn follow(message: &MessageDescriptor, path: &str) -> Option<Vec<FieldDescriptor>> {
    let mut message = Some(message.clone());
    let mut fields = vec![];
    for name in path.split('.') {
        let field = message?.get_field_by_name(name)?;
        message = field.kind().as_message().cloned();
        fields.push(field);
    }
    Some(fields)
}

/// Puts a field into the tree below these, in the order of numbers.
fn plant(fields: &mut Vec<Field>, above: &[FieldDescriptor], leaf: Field) {
    let Some((next, deeper)) = above.split_first() else {
        let at = fields.partition_point(|field| field.number() < leaf.number());
        return fields.insert(at, leaf);
    };
    let at = fields.partition_point(|field| field.number() < next.number());
    if fields.get(at).is_none_or(|field| field.number() != next.number()) {
        fields.insert(at, Field::Message(next.number(), vec![]));
    }
    if let Some(Field::Message(_, inner)) = fields.get_mut(at) {
        plant(inner, deeper, leaf);
    }
}

impl Field {
    fn number(&self) -> u32 {
        match self {
            Self::Column(number, _) | Self::Message(number, _) => *number,
        }
    }
}

impl Value {
    /// How a column's cells are written into a field; `None` where they cannot be.
    fn of(column: &Column, field: &FieldDescriptor) -> Option<Self> {
        use prost_reflect::Kind as Wire;
        let kind = field.kind();
        let message = kind.as_message().map(|message| message.full_name().to_owned());
        match (column.kind, &kind, message.as_deref()) {
            (Kind::Word | Kind::Text, Wire::String, _) => Some(Self::Text),
            (Kind::Word, Wire::Enum(words), _) => Some(Self::Word(numbers(words))),
            (
                Kind::Integer,
                Wire::Int32 | Wire::Int64 | Wire::Uint32 | Wire::Uint64 | Wire::Bool,
                _,
            ) => Some(Self::Integer),
            (Kind::Flag, Wire::Bool, _) => Some(Self::Integer),
            (Kind::Micro, Wire::Double, _) => Some(Self::Double),
            (Kind::Money, _, Some("portcullis.record.v1.Money")) => Some(Self::Money),
            (Kind::Moment, _, Some("google.protobuf.Timestamp")) => Some(Self::Timestamp),
            (Kind::Day, _, Some("portcullis.record.v1.Date")) => Some(Self::Date),
            _ => None,
        }
    }
}

/// Numbers of an enum's values by their names without the enum's prefix; those of the unspecified one left out.
fn numbers(words: &EnumDescriptor) -> BTreeMap<String, i32> {
    let mut prefix = String::new();
    for (at, letter) in words.name().char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            prefix.push('_');
        }
        prefix.push(letter.to_ascii_uppercase());
    }
    prefix.push('_');
    let values = words.values().filter(|value| value.number() != 0);
    values
        .filter_map(|value| Some((value.name().strip_prefix(&prefix)?.to_owned(), value.number())))
        .collect()
}

/// A record: the fields that columns fill, each written; they go where the tree says.
struct Record<'p> {
    leaves: std::slice::Iter<'p, Option<Leaf>>,
    bytes: Vec<u8>,
    /// Where the bytes of each column end.
    ends: Vec<usize>,
    /// That of the amount that follows.
    currency: String,
}

impl Record<'_> {
    fn column(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let range = start.unwrap_or(0)..self.ends.get(at).copied().unwrap_or(0);
        self.bytes.get(range).unwrap_or_default()
    }

    fn size(&self, fields: &[Field]) -> usize {
        let each = fields.iter().map(|field| match field {
            Field::Column(_, at) => self.column(*at).len(),
            Field::Message(number, inner) => match self.size(inner) {
                0 => 0,
                size => {
                    encoded_len_varint(u64::from(*number) << 3)
                        + encoded_len_varint(size as u64)
                        + size
                }
            },
        });
        each.sum()
    }

    fn write(&self, fields: &[Field], out: &mut Vec<u8>) {
        for field in fields {
            match field {
                Field::Column(_, at) => out.extend_from_slice(self.column(*at)),
                Field::Message(number, inner) => {
                    let size = self.size(inner);
                    if size > 0 {
                        encode_key(*number, WireType::LengthDelimited, out);
                        encode_varint(size as u64, out);
                        self.write(inner, out);
                    }
                }
            }
        }
    }

    /// Goes on to the next column and writes its field.
    fn next(&mut self, write: impl FnOnce(&Leaf, &mut Vec<u8>, &str)) {
        if let Some(Some(leaf)) = self.leaves.next() {
            write(leaf, &mut self.bytes, &self.currency);
        }
        self.ends.push(self.bytes.len());
    }

    fn number(&mut self, value: Option<i64>) {
        self.next(|leaf, out, currency| {
            let Some(value) = value else { return };
            match leaf.value {
                Value::Integer => varint(leaf.number, value, out),
                Value::Double => double(leaf.number, value, out),
                Value::Money => wrapped(leaf.number, out, |out| {
                    delimited(1, currency.as_bytes(), out);
                    varint(2, value / 100, out);
                    varint(3, value % 100 * 10_000_000, out);
                }),
                Value::Timestamp => wrapped(leaf.number, out, |out| varint(1, value, out)),
                Value::Date => wrapped(leaf.number, out, |out| {
                    let (year, month, day) = civil(value);
                    varint(1, year, out);
                    varint(2, month, out);
                    varint(3, day, out);
                }),
                Value::Text | Value::Word(_) => {}
            }
        });
    }
}

impl Cells for Record<'_> {
    fn word(&mut self, value: &str) {
        if matches!(self.leaves.as_slice().first(), Some(None)) {
            // Of the words that fill no field by themselves only the currency is asked for later.
            value.clone_into(&mut self.currency);
        }
        self.text(value);
    }

    fn text(&mut self, value: &str) {
        self.next(|leaf, out, _| match &leaf.value {
            Value::Word(numbers) => {
                varint(leaf.number, numbers.get(value).copied().unwrap_or(0).into(), out);
            }
            _ if leaf.list => {
                value.split(';').for_each(|value| delimited(leaf.number, value.as_bytes(), out));
            }
            _ => delimited(leaf.number, value.as_bytes(), out),
        });
    }

    fn integer(&mut self, value: Option<i64>) {
        self.number(value);
    }

    fn money(&mut self, value: Option<i64>) {
        self.number(value);
    }

    fn micro(&mut self, value: Option<i64>) {
        self.number(value);
    }

    fn moment(&mut self, value: Option<Moment>) {
        self.number(value.map(|moment| moment.0));
    }

    fn day(&mut self, value: Option<i64>) {
        self.number(value);
    }

    fn flag(&mut self, value: bool) {
        self.number(Some(value.into()));
    }
}

fn varint(number: u32, value: i64, out: &mut Vec<u8>) {
    if value != 0 {
        encode_key(number, WireType::Varint, out);
        encode_varint(value.cast_unsigned(), out);
    }
}

/// Millionths. A quotient of whole numbers is the double nearest to the decimal number.
#[expect(clippy::cast_precision_loss, reason = "millionths of degrees, knots and percent")]
fn double(number: u32, value: i64, out: &mut Vec<u8>) {
    if value != 0 {
        encode_key(number, WireType::SixtyFourBit, out);
        out.extend_from_slice(&(value as f64 / 1e6).to_le_bytes());
    }
}

fn delimited(number: u32, value: &[u8], out: &mut Vec<u8>) {
    if !value.is_empty() {
        encode_key(number, WireType::LengthDelimited, out);
        encode_varint(value.len() as u64, out);
        out.extend_from_slice(value);
    }
}

/// A message that is there even where all of it is default.
fn wrapped(number: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::with_capacity(32);
    write(&mut inner);
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(inner.len() as u64, out);
    out.extend_from_slice(&inner);
}
