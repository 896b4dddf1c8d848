//! The report as tables for people.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::Report;
use super::measure::{Measure, Unit, Verdict};

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

fn right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// A value, or a dash.
pub fn value(unit: Unit, value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| unit.write(value))
}

/// The report.
pub fn write(report: &Report) -> String {
    let mut text = String::new();
    if let Some(folder) = &report.folder {
        text += &format!("{folder}: {} export declarations\n", report.exports);
        if let Some(pack) = &report.pack {
            text += &format!("pack {pack}\n");
        }
        for group in report.measures.chunk_by(|a, b| a.group == b.group) {
            text += &format!("\n{}\n", measures(group));
        }
    }
    if report.leak_table.iter().any(|row| row.theirs.is_some()) {
        text += &format!(
            "\nOurs beside the Korean declarations (KCS), by the same code\n{}\n",
            comparison(report)
        );
    } else {
        text += "\nleak table skipped: no Korean declarations (--kcs FILES)\n";
    }
    if report.folder.is_some() {
        text += &format!(
            "\n{} pass, {} fail, {} skipped\n",
            report.count(Verdict::Pass),
            report.count(Verdict::Fail),
            report.count(Verdict::Skipped)
        );
    }
    text
}

fn measures(group: &[Measure]) -> Table {
    let heading = group.first().map_or("", |measure| measure.group.heading());
    let mut table = table(&[heading, "measured", "bound", "", "source or note"]);
    for measure in group {
        let note = [measure.source, &measure.note].into_iter().filter(|text| !text.is_empty());
        table.add_row([
            measure.name.clone(),
            value(measure.unit, measure.value),
            measure.bound.write(measure.unit),
            measure.verdict.word().to_owned(),
            note.collect::<Vec<_>>().join("; "),
        ]);
    }
    right(&mut table, 1);
    table
}

fn comparison(report: &Report) -> Table {
    let mut table = table(&["part", "measure", "ours", "KCS", "ours better"]);
    for row in &report.leak_table {
        table.add_row([
            row.part.to_owned(),
            row.name.to_owned(),
            value(row.unit, row.ours),
            value(row.unit, row.theirs),
            row.better.map_or("", |better| if better { "yes" } else { "no" }).to_owned(),
        ]);
    }
    right(&mut table, 2);
    right(&mut table, 3);
    table
}
