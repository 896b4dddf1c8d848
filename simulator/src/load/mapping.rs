//! The mapping of a loaded table: what `portcullis source` reads to serve it as its record type. Written from
//! the same columns that the table was made of.

use std::fmt::Write as _;

use super::Target;
use crate::table::{Column, Kind, Table};

/// Columns whose cells hold several values.
pub(crate) const LISTS: [&str; 3] = ["containers", "former_flags", "aliases"];

/// The text of a mapping file. `database` is what the mapping names: `sqlite:FILE`, relative to the mapping, or the
/// address of a PostgreSQL database, without a password.
pub fn mapping(table: Table, target: &Target, database: &str) -> String {
    mapping_of(table, Served { view: table.name(), beneath: None, refresh: None }, target, database)
}

/// What is served of a table.
#[derive(Debug, Clone, Copy)]
pub struct Served<'a> {
    /// The table or a view with its columns.
    pub view: &'a str,
    /// Where it is looked which rows the view may come to show, if not in itself.
    pub beneath: Option<&'a str>,
    /// After so many seconds its rows are looked for anew; as the source says where nothing is said.
    pub refresh: Option<u32>,
}

/// The same for a view with the columns of the table.
pub fn mapping_of(table: Table, served: Served<'_>, target: &Target, database: &str) -> String {
    let view = served.view;
    let mut text = format!(
        "# `{view}` as `portcullis source` serves it: written by `portcullis-sim`, from the columns of the table.\n\
         record_type = \"{}\"\ntable = \"{view}\"\ndatabase = {}\nid = [\"id\"]\n",
        table.record_type(),
        quoted(database),
    );
    if let Some(beneath) = served.beneath {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "index_table = {}", quoted(beneath));
    }
    if let Some(seconds) = served.refresh {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "refresh_seconds = {seconds}");
    }
    for column in table.columns().iter().filter(|column| !column.path.is_empty()) {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[[column]]\nfrom = {}\nto = {}\n",
            quoted(column.name),
            quoted(column.path)
        );
        if let Some(convert) = conversion(column, target) {
            let _ = writeln!(text, "convert = {{ {convert} }}");
        }
        if LISTS.contains(&column.name) {
            text.push_str("split = \";\"\n");
        }
    }
    if table == Table::Track {
        text.push_str(
            "\n[[column]]\nfrom = [\"latitude\", \"longitude\"]\nto = \"points.position\"\n\
             convert = { kind = \"geo_point\" }\n",
        );
    }
    text
}

fn conversion(column: &Column, target: &Target) -> Option<&'static str> {
    match (column.kind, target) {
        (Kind::Money, _) => Some("kind = \"money\", currency_column = \"currency\""),
        (Kind::Day, _) => Some("kind = \"date\", format = \"%Y-%m-%d\""),
        // As SQLite holds them, and as PostgreSQL's are read.
        (Kind::Moment, Target::Sqlite(_)) => {
            Some("kind = \"timestamp\", format = \"%Y-%m-%dT%H:%M:%SZ\", offset = \"Z\"")
        }
        (Kind::Moment, Target::Postgres(_)) => {
            Some("kind = \"timestamp\", format = \"%Y-%m-%dT%H:%M:%S.%f%z\"")
        }
        (Kind::Integer, _) if column.name.ends_with("_grams") => {
            Some("kind = \"mass\", unit = \"g\"")
        }
        (Kind::Word | Kind::Text | Kind::Integer | Kind::Micro | Kind::Flag, _) => None,
    }
}

/// A TOML string: JSON's escapes are TOML's too.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_toml_that_names_every_column_with_a_field() {
        for table in Table::ALL {
            let text = mapping(*table, &Target::Sqlite("x.db".into()), "sqlite:x.db");
            let read: toml::Table = text.parse().unwrap();
            assert_eq!(read["record_type"].as_str(), Some(table.record_type()));
            let filled = table.columns().iter().filter(|column| !column.path.is_empty()).count();
            let positions = usize::from(*table == Table::Track);
            assert_eq!(read["column"].as_array().unwrap().len(), filled + positions, "{table:?}");
        }
    }
}
