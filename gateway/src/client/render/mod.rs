//! Showing answers: a table for people, JSON and CSV for programs. Whatever comes from outside is made
//! harmless for where it is shown: terminals (`text`), spreadsheets (`csv`).

pub mod cell;
pub mod csv;
pub mod explain;
pub mod json;
pub mod table;
pub mod text;

#[cfg(test)]
mod tests;

use std::io::{IsTerminal as _, Write};

use portcullis_proto::query::v1 as wire;

use super::Answer;

/// How an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One document, everything in it.
    Json,
    /// Flat columns; a spreadsheet will not run what is in them.
    Csv,
}

/// What the place where a table is shown can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal; none: not a terminal, lines may be as long as they like.
    pub width: Option<u16>,
    /// May colours be used?
    pub colour: bool,
}

impl Look {
    /// For a pipe or a file.
    pub const PLAIN: Self = Self { width: None, colour: false };

    /// Of this process's standard output; `NO_COLOR` (no-color.org) is heeded.
    pub fn of_stdout() -> Self {
        if !std::io::stdout().is_terminal() {
            return Self::PLAIN;
        }
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { width: comfy_table::Table::new().width(), colour: !unwanted }
    }
}

/// Shows an answer.
///
/// # Errors
/// What `out` reports.
pub fn answer(
    answer: &Answer,
    format: Format,
    look: Look,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match format {
        Format::Table => table::write(answer, look, out),
        Format::Json => json::write(answer, out),
        Format::Csv => csv::write(answer, out),
    }
}

/// The word of a treatment with its level, as in an agreement: `generalise:month`.
pub fn treatment(field: &wire::FieldPlan) -> String {
    let word = match field.treatment() {
        wire::Treatment::Unspecified => "unknown",
        wire::Treatment::Clear => "clear",
        wire::Treatment::Generalise => return format!("generalise:{}", field.level),
        wire::Treatment::Mask => "mask",
        wire::Treatment::Pseudonymise => "pseudonymise",
        wire::Treatment::Presence => "presence",
        wire::Treatment::Withhold => "withhold",
    };
    word.to_owned()
}

/// Is anything of the field in the answer?
pub fn is_visible(field: &wire::FieldPlan) -> bool {
    !matches!(field.treatment(), wire::Treatment::Withhold | wire::Treatment::Unspecified)
}

/// A word of an enum of the contract, without its prefix; numbers of a later version as numbers.
pub fn enum_word(name: Option<&'static str>, prefix: &str, number: i32) -> String {
    name.map_or_else(|| number.to_string(), |name| name.trim_start_matches(prefix).to_owned())
}

/// The word of a completeness.
pub fn completeness(status: &wire::SourceStatus) -> String {
    let name = wire::Completeness::try_from(status.completeness).ok();
    enum_word(name.map(|word| word.as_str_name()), "COMPLETENESS_", status.completeness)
}

/// The word of an environment.
pub fn environment(header: &wire::Header) -> String {
    use portcullis_proto::handling::v1::Environment;
    let name = Environment::try_from(header.environment).ok();
    enum_word(name.map(|word| word.as_str_name()), "ENVIRONMENT_", header.environment)
}

/// A timestamp as RFC 3339; empty where there is none.
pub fn time(at: Option<&prost_types::Timestamp>) -> String {
    use time::format_description::well_known::Rfc3339;
    at.and_then(|at| {
        let nanos = i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos);
        time::OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?.format(&Rfc3339).ok()
    })
    .unwrap_or_default()
}
