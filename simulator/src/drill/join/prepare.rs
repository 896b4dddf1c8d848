//! `drill prepare`: an exchange for operators to serve, of which nothing is told before the drill.

use std::path::Path;

use super::write::{Blank, template};
use crate::agency::Made;
use crate::drill::host::{CASE, make};
use crate::drill::plot::Plot;
use crate::drill::scenario::Scenario;
use anyhow::Context as _;

/// Makes the exchange of a plot in a folder, and beside it the file that operators complete.
///
/// # Errors
/// What cannot be made.
pub async fn prepare(scenario: &Scenario, plot: &Plot, folder: &Path) -> anyhow::Result<()> {
    let exchange = folder.join("exchange");
    let made = make(scenario, plot, &exchange).await?;
    let blank = |made: &'_ Made| Blank { id: made.agency.clone(), holds: !made.tables.is_empty() };
    let agencies: Vec<Blank> = made.iter().map(blank).collect();
    let text = template((&scenario.name, plot.seed, &plot.pack_hash), CASE, &agencies);
    let file = folder.join(super::FILE);
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}
