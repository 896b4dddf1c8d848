//! An answer as CSV (RFC 4180): one row per record, one column per visible leaf, several values joined by `;`.
//! What a spreadsheet would take for a formula gets an apostrophe in front.

use std::io::Write;

use super::cell::{Shown, columns, is_numeric, shown};
use super::{is_visible, time, treatment};
use crate::client::Answer;

/// Columns before those of the fields.
const FIRST: [&str; 5] = ["reference", "originator", "version", "data_as_of", "treatments"];

/// Writes the rows.
///
/// # Errors
/// What `out` reports.
pub fn write(answer: &Answer, out: &mut dyn Write) -> anyhow::Result<()> {
    let columns = columns(answer);
    let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    // A record type from outside may have a `version` of its own.
    let named = |path: &str| {
        if FIRST.contains(&path) { format!("fields.{path}") } else { path.to_owned() }
    };
    rows.write_record(
        FIRST.map(str::to_owned).into_iter().chain(columns.iter().map(|leaf| named(&leaf.path))),
    )?;
    for record in &answer.records {
        let plan = answer.plan(record);
        let treatments: Vec<String> = plan
            .into_iter()
            .flat_map(|plan| &plan.fields)
            .filter(|field| is_visible(field) && treatment(field) != "clear")
            .map(|field| format!("{}={}", field.path, treatment(field)))
            .collect();
        let mut row = vec![
            guarded(&record.released.reference),
            guarded(plan.map_or("", |plan| &plan.originator)),
            record.released.version.to_string(),
            time(record.released.data_as_of.as_ref()),
            guarded(&treatments.join(";")),
        ];
        row.extend(columns.iter().map(|leaf| match shown(answer, record, leaf) {
            Shown::Withheld => String::new(),
            Shown::Presence(present) => if present { "present" } else { "absent" }.to_owned(),
            Shown::Values(_, values) if is_numeric(leaf) => values.join(";"),
            Shown::Values(_, values) => guarded(&values.join(";")),
        }));
        rows.write_record(row)?;
    }
    rows.flush()?;
    Ok(())
}

/// Text that neither a spreadsheet nor a terminal obeys. Line breaks stay: CSV quotes them.
pub(super) fn guarded(text: &str) -> String {
    let formula = text
        .chars()
        .find(|letter| !letter.is_whitespace())
        .is_some_and(|first| "=+-@|%＝＋－＠".contains(first))
        || text.starts_with(['\t', '\r', '\n']);
    let safe = text.split('\n').map(super::text::safe).collect::<Vec<_>>().join("\n");
    if formula { format!("'{safe}") } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_texts() {
        let cases = [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("  +1", "'  +1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            ("\t=1", "'\\t=1"),
            ("a=b", "a=b"),
            ("a\nb", "a\nb"),
            ("a\u{1b}[2J", "a\\u{1b}[2J"),
        ];
        for (text, expected) in cases {
            assert_eq!(guarded(text), expected);
        }
    }
}
