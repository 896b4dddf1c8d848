//! Lists of injects as workbooks: the first sheet, a header, a row for each inject.

use std::path::Path;

use calamine::{Data, Reader as _, open_workbook_auto};
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::ScenarioError;
use super::msel::{COLUMNS, Msel, time};
use crate::drill::clock::Exercise;

/// Reads a list out of a workbook: `.xlsx`, `.xls`, `.ods`.
///
/// # Errors
/// The first row that cannot be used, with its number in the sheet.
pub fn read(path: &Path) -> Result<Msel, ScenarioError> {
    let file = path.display().to_string();
    let broken = |problem: String| ScenarioError::Content { file: file.clone(), line: 1, problem };
    let mut book = open_workbook_auto(path).map_err(|error| broken(error.to_string()))?;
    let sheet = book.worksheet_range_at(0).ok_or_else(|| broken("no sheet".to_owned()))?;
    let sheet = sheet.map_err(|error| broken(error.to_string()))?;
    // Blank rows above the header count.
    let above = sheet.start().map_or(0, |(row, _)| u64::from(row));
    let mut rows = (above + 1..).zip(sheet.rows().map(|row| row.iter().map(text).collect()));
    let (_, header): (u64, Vec<String>) =
        rows.next().ok_or_else(|| broken("the sheet is empty".to_owned()))?;
    Msel::from_rows(&header, &rows.collect::<Vec<_>>(), &file)
}

/// A cell as text. Times of a sheet are parts of a day.
fn text(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(flag) => flag.to_string(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) if libm::floor(*number) == *number => format!("{number:.0}"),
        Data::Float(number) => number.to_string(),
        Data::DateTime(at) => {
            let millis = libm::round(at.as_f64() * 86_400_000.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "not below 0"
            )]
            let millis = if millis > 0.0 { millis as u64 } else { 0 };
            time(Exercise(millis))
        }
    }
}

/// Writes a list as a workbook.
///
/// # Errors
/// When it cannot be written.
pub fn write(msel: &Msel, path: &Path) -> Result<(), XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("MSEL")?;
    let head = Format::new().set_bold();
    let wrap = Format::new().set_text_wrap();
    for ((name, _), column) in COLUMNS.iter().zip(0..) {
        let wide = matches!(*name, "content" | "expected_action" | "evaluator_note" | "check");
        sheet.set_column_width(column, if wide { 42.0 } else { 15.0 })?;
        sheet.write_string_with_format(0, column, *name, &head)?;
    }
    for (entry, row) in msel.entries.iter().zip(1..) {
        for (cell, column) in entry.cells().iter().zip(0..) {
            sheet.write_string_with_format(row, column, cell, &wrap)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    book.save(path)
}

#[cfg(test)]
mod tests {
    use super::super::Scenario;
    use super::*;

    #[test]
    fn a_list_comes_back_from_its_own_workbook() {
        let folder = tempfile::tempdir().unwrap();
        for (name, ..) in super::super::BUILT_IN {
            let scenario = Scenario::read(Path::new(name)).unwrap();
            let path = folder.path().join(format!("{name}.xlsx"));
            write(&scenario.msel, &path).unwrap();
            assert_eq!(read(&path).unwrap(), scenario.msel, "{name}");
        }
    }

    #[test]
    fn times_and_numbers_of_a_sheet_are_read_and_a_mistake_has_its_row() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.xlsx");
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        let clock = Format::new().set_num_format("[h]:mm:ss");
        for (word, column) in ["Event Number", "Event Time", "Type", "To"].into_iter().zip(0..) {
            sheet.write_string(2, column, word).unwrap();
        }
        for (row, kind) in [(3, "Media"), (4, "Rumour")] {
            sheet.write_number(row, 0, f64::from(row)).unwrap();
            sheet.write_number_with_format(row, 1, 0.0625, &clock).unwrap();
            sheet.write_string(row, 2, kind).unwrap();
        }
        book.save(&path).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.ends_with("list.xlsx:5: no kind `Rumour`"), "{error}");
        let text = folder.path().join("no.xlsx");
        std::fs::write(&text, "not a workbook").unwrap();
        assert!(read(&text).unwrap_err().to_string().contains("no.xlsx:1: "));
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for (word, column) in ["number", "time", "kind"].into_iter().zip(0..) {
            sheet.write_string(0, column, word).unwrap();
        }
        sheet.write_number(1, 0, 3.0).unwrap();
        sheet.write_number_with_format(1, 1, 0.0625, &clock).unwrap();
        sheet.write_string(1, 2, "media").unwrap();
        book.save(&path).unwrap();
        let read = read(&path).unwrap();
        assert_eq!((read.entries[0].number, read.entries[0].at), (3, Exercise(5_400_000)));
    }
}
