//! `drill msel`: lists of injects as CSV and workbooks, in and out.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portcullis_sim::drill::scenario::{Msel, Scenario, sheet};

/// Arguments of `drill msel`.
#[derive(clap::Args)]
pub struct Arguments {
    /// List of a scenario: its folder, or one that is built in.
    #[arg(long, required_unless_present = "from", conflicts_with = "from")]
    scenario: Option<PathBuf>,
    /// Any list: CSV, or a workbook (.xlsx, .xls, .ods) whose first sheet it is. Usual headers of other lists will do.
    #[arg(long)]
    from: Option<PathBuf>,
    /// Write it there, as a workbook where the name ends in .xlsx, as CSV otherwise; printed as CSV where nothing is said.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Prints or writes it.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let msel = match (&arguments.scenario, &arguments.from) {
        (Some(scenario), _) => Scenario::read(scenario)?.msel,
        (None, Some(from)) => read(from)?,
        (None, None) => anyhow::bail!("--scenario or --from"),
    };
    match &arguments.out {
        None => super::super::print(&msel.to_csv()),
        Some(out) => {
            let named = || format!("cannot write {}", out.display());
            if ends(out, "xlsx") {
                sheet::write(&msel, out).with_context(named)
            } else {
                std::fs::write(out, msel.to_csv()).with_context(named)
            }
        }
    }
}

fn ends(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

fn read(from: &Path) -> anyhow::Result<Msel> {
    if ["xlsx", "xls", "ods"].iter().any(|ending| ends(from, ending)) {
        return Ok(sheet::read(from)?);
    }
    let text =
        std::fs::read_to_string(from).with_context(|| format!("cannot read {}", from.display()))?;
    Ok(Msel::parse(&text, &from.display().to_string())?)
}
