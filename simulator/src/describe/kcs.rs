//! The synthetic Korean import declarations, read from their CSV files: what ours are held against.
//!
//! Source: S. Jeong and others, "Customs Import Declaration Datasets" (2022), arXiv 2208.02484; MIT licence. One
//! sixth illicit by design of the set, so its shares are no yardstick; its leaks, entities and physics are.

use std::path::Path;

use super::imports::{Cells, Figures, Imports};
use super::read::{ReadError, csv_file};

const COLUMNS: [&str; 20] = [
    "Declaration ID",
    "Date",
    "Office ID",
    "Process Type",
    "Import Type",
    "Import Use",
    "Payment Type",
    "Mode of Transport",
    "Declarant ID",
    "Importer ID",
    "Seller ID",
    "Courier ID",
    "HS6 Code",
    "Country of Departure",
    "Country of Origin",
    "Tax Rate",
    "Tax Type",
    "Country of Origin Indicator",
    "Net Mass",
    "Fraud",
];

/// Files of the set in a folder, in the order of time; none where there is nothing of the kind.
pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let names = ["df_syn_train_eng.csv", "df_syn_valid_eng.csv", "df_syn_test_eng.csv"];
    names.iter().map(|name| folder.join(name)).filter(|path| path.is_file()).collect()
}

/// Measures declarations of the set.
///
/// # Errors
/// The first file or line that cannot be read, such as one with other columns.
pub fn read(files: &[std::path::PathBuf]) -> Result<Figures, ReadError> {
    let mut imports = Imports::default();
    for file in files {
        csv_file(file, &COLUMNS, &mut |row| {
            let others = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 17].map(|place| row.text(place));
            imports.put(&Cells {
                id: row.text(0),
                at: row.moment(1).unwrap_or_default(),
                state: "KR",
                importer: row.text(9),
                declarant: row.text(8),
                goods: [row.text(12), row.text(13), row.text(14)],
                treatment: [row.text(15), row.text(16)],
                others: &others,
                mode: row.text(7),
                mass: row.text(18),
                kilograms: row.number(18).unwrap_or_default(),
                illicit: row.text(19) == "1",
                strategic: false,
            });
        })?;
    }
    Ok(imports.figures())
}
