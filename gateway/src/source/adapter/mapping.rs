//! A mapping file as it is written: which files or table, which columns go to which fields, how, and with what
//! handling. What it means is for `compile.rs`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::convert::Case;
use super::decimal::Rounding;

/// A mapping file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingFile {
    /// Full name of the record type.
    pub record_type: Spanned<String>,
    /// Descriptor set that has it; none: the contract's own.
    pub descriptor_set: Option<Spanned<PathBuf>>,
    /// Data files with the same header; either these or a table.
    pub files: Option<Spanned<Vec<PathBuf>>>,
    /// A table or view: `schema.name`.
    pub table: Option<Spanned<String>>,
    /// The database that has it.
    pub database: Option<Spanned<DatabaseRef>>,
    /// A table or view with every row that `table` may come to show, and the same columns: which rows there are is looked
    /// for in it. For views that show more as time goes on: a row that appears is found at once. `table` unless given.
    pub index_table: Option<Spanned<String>>,
    /// How often rows that appeared or vanished are looked for; 60 unless given.
    pub refresh_seconds: Option<Spanned<u64>>,
    /// A column that grows whenever a row is added or changed: while it and the number of rows stand still,
    /// nothing is read again.
    pub watermark: Option<Spanned<String>>,
    /// Encoding label of the WHATWG standard; utf-8 unless given.
    pub encoding: Option<Spanned<String>>,
    /// Between cells; a comma unless given.
    pub delimiter: Option<Spanned<char>>,
    /// Around cells; a double quote unless given.
    pub quote: Option<Spanned<char>>,
    /// When the data were read; the oldest file's modification time unless given, of a table the search's.
    pub data_as_of: Option<Spanned<AsOf>>,
    /// Columns that make up the id.
    pub id: Spanned<Vec<String>>,
    /// Cells that say nothing, in every column; the empty cell unless given.
    pub null: Option<Vec<String>>,
    /// Rows that are served; all unless given.
    #[serde(default)]
    pub only: Vec<Spanned<Condition>>,
    /// Columns to fields.
    #[serde(default)]
    pub column: Vec<Spanned<Column>>,
    /// Values that every record has.
    #[serde(default)]
    pub constant: Vec<Spanned<Constant>>,
    /// Handling of the records.
    #[serde(default)]
    pub handling: Option<Spanned<HandlingFile>>,
}

/// A database.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`sqlite:FILE`, `postgres://USER@HOST/NAME`, or `url` and `password_file`"
)]
pub enum DatabaseRef {
    /// Without a password.
    Url(String),
    /// With one, in a file of its own.
    With(DatabaseWith),
}

/// A database that asks for a password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseWith {
    /// `postgres://USER@HOST/NAME`.
    pub url: String,
    /// The password, in a file that others cannot read.
    pub password_file: Option<PathBuf>,
    /// Not taken: here only to say where a password belongs.
    pub password: Option<serde::de::IgnoredAny>,
}

/// When the data were read.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum AsOf {
    /// A fixed moment, RFC 3339.
    Fixed(String),
    /// The latest moment in a column.
    Column(AsOfColumn),
}

/// The latest moment in a column.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AsOfColumn {
    /// The column.
    pub column: String,
    /// Formats of its cells.
    pub format: OneOrMore,
    /// Offset where a cell has none.
    pub offset: Option<String>,
}

/// One text or several.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

impl OneOrMore {
    /// All of them.
    pub fn all(&self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one.clone()],
            Self::More(more) => more.clone(),
        }
    }
}

/// A condition on a column; exactly one of the tests.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// The cell is this.
    pub equals: Option<String>,
    /// The cell is one of these.
    pub r#in: Option<Vec<String>>,
    /// The cell is none of these.
    pub not_in: Option<Vec<String>>,
    /// The cell begins so.
    pub starts_with: Option<String>,
}

/// A column (or a text made from several) to a field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The column; of several, the first that is not null (for `geo_point`: latitude, longitude).
    pub from: Option<OneOrMore>,
    /// A text with columns in braces: `INS-{Declaration ID}`. Null if one of them is.
    pub template: Option<String>,
    /// Field path.
    pub to: String,
    /// Conversion; by the field's type unless given.
    pub convert: Option<Convert>,
    /// Code list, before the conversion.
    pub map: Option<BTreeMap<String, String>>,
    /// What a code that is not in the list becomes; refused unless given.
    pub default: Option<String>,
    /// Cells that say nothing; the file's unless given.
    pub null: Option<Vec<String>>,
    /// A cell that says nothing is an error.
    #[serde(default)]
    pub required: bool,
    /// The cell holds several values, with this between them.
    pub split: Option<String>,
}

/// A value that every record has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    /// Field path.
    pub to: String,
    /// The value as a cell would hold it.
    pub value: Scalar,
    /// Conversion; by the field's type unless given.
    pub convert: Option<Convert>,
}

/// A constant.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// Text.
    Text(String),
    /// Whole number.
    Integer(i64),
    /// Number.
    Real(f64),
    /// Yes or no.
    Flag(bool),
}

impl Scalar {
    /// As a cell would hold it.
    pub fn cell(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

/// A conversion; which keys it takes depends on its kind.
#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields)]
pub struct Convert {
    /// text, country, hs_code, integer, decimal, mass, money, timestamp, date, unix, enum, boolean, geo_point.
    pub kind: String,
    /// text: upper or lower.
    pub case: Option<Case>,
    /// text: characters to remove.
    pub strip: Option<String>,
    /// text: fill from the left to so many characters ..
    pub pad: Option<usize>,
    /// .. with this one; a zero unless given.
    pub fill: Option<char>,
    /// numbers: the decimal point.
    pub point: Option<char>,
    /// numbers: between groups of digits.
    pub group: Option<char>,
    /// mass: mg, g, kg, t, lb, oz.
    pub unit: Option<String>,
    /// mass, money: half_even, half_up, down, exact.
    pub round: Option<Rounding>,
    /// money: decimal places kept; 2 unless given.
    pub places: Option<u32>,
    /// money: ISO 4217.
    pub currency: Option<String>,
    /// money: the column that has it.
    pub currency_column: Option<String>,
    /// timestamp, date: formats, the first that fits.
    pub format: Option<OneOrMore>,
    /// timestamp: offset where the cell has none.
    pub offset: Option<String>,
    /// boolean: what means yes.
    pub yes: Option<Vec<String>>,
    /// boolean: what means no.
    pub no: Option<Vec<String>>,
}

/// Handling of the records.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct HandlingFile {
    /// Constants.
    #[serde(flatten)]
    pub settings: HandlingSettings,
    /// Rows that are handled otherwise, in order; what a later one says replaces what was said before.
    #[serde(default)]
    pub when: Vec<Spanned<HandlingWhen>>,
}

/// Rows that are handled otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandlingWhen {
    /// Which rows.
    #[serde(flatten)]
    pub condition: Condition,
    /// How.
    #[serde(flatten)]
    pub settings: HandlingSettings,
}

/// What handling can say.
#[derive(Deserialize, Default, Clone)]
pub struct HandlingSettings {
    /// Agencies the records may go to.
    pub releasable_to: Option<Vec<String>>,
    /// The same, from a column, `;` between them.
    pub releasable_to_column: Option<String>,
    /// Joint operations or cases.
    pub compartments: Option<Vec<String>>,
    /// The same, from a column, `;` between them.
    pub compartments_column: Option<String>,
    /// CLEAR, GREEN, AMBER, AMBER_STRICT, RED.
    pub tlp: Option<String>,
    /// The originator's own code.
    pub handling_code: Option<String>,
    /// Purposes.
    pub permitted_use: Option<Vec<String>>,
    /// Delete by this moment, RFC 3339.
    pub delete_by: Option<String>,
    /// Delete so many days after the moment in a column.
    pub delete_after: Option<DeleteAfter>,
    /// PRODUCTION or EXERCISE; only to have it checked against the source's own, which every record gets.
    pub environment: Option<String>,
    /// Version of the records.
    pub version: Option<u64>,
    /// The same, from a column.
    pub version_column: Option<String>,
}

impl HandlingSettings {
    /// The columns it names.
    pub fn columns(&self) -> impl Iterator<Item = &String> {
        let after = self.delete_after.as_ref().map(|after| &after.column);
        [self.releasable_to_column.as_ref(), self.compartments_column.as_ref(), after]
            .into_iter()
            .chain([self.version_column.as_ref()])
            .flatten()
    }
}

/// Delete so many days after the moment in a column.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct DeleteAfter {
    /// The column.
    pub column: String,
    /// Formats of its cells.
    pub format: OneOrMore,
    /// Offset where a cell has none.
    pub offset: Option<String>,
    /// So many days later.
    pub days: u32,
}
