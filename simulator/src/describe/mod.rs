//! `describe`: measures a generated folder and holds it against the yardstick of the design (simulator.md,
//! "Yardstick for realism" and its Acceptance list). Each file measures one thing; the definition, source and bound
//! of a measure stand where it is made.
//!
//! Rows are read once and forgotten: what stays are sums by firm, pair or code, and samples of fixed size.

mod boxes;
mod controls;
mod declaration;
mod declared;
mod goods;
mod gravity;
mod imports;
mod kcs;
mod leaks;
mod licences;
pub mod measure;
mod mirror;
pub mod page;
mod plots;
mod ppml;
pub mod read;
mod sample;
mod ships;
mod stat;
pub mod text;
mod truth;

use std::path::{Path, PathBuf};

use serde::Serialize;

use boxes::Boxes;
use controls::Controls;
use declaration::{COLUMNS, Declaration};
use goods::Goods;
use gravity::Gravity;
use imports::{Cells, Figures, Imports};
use licences::Licences;
use mirror::Mirror;
use read::{Folder, ReadError};
use ships::Ships;
use truth::{Label, Truth};

use crate::table::Table;
use crate::world::World;

pub use leaks::Comparison;
pub use measure::{Group, Measure, Unit, Verdict};

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Folder that was read.
    pub folder: Option<String>,
    /// Pack it was made from, where that was told.
    pub pack: Option<String>,
    /// Export declarations in it: one a consignment, and one more where goods are sent back or on.
    pub exports: u64,
    /// Measures, in the order of their groups.
    pub measures: Vec<Measure>,
    /// Ours beside the Korean data.
    pub leak_table: Vec<Comparison>,
    /// Plots for the page.
    #[serde(skip)]
    pub plots: Vec<page::Plot>,
}

impl Report {
    /// How many measures came out so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.measures.iter().filter(|measure| measure.verdict == verdict).count()
    }

    /// Whether something failed, or the Korean data are better somewhere.
    pub fn failed(&self) -> bool {
        self.count(Verdict::Fail) > 0 || self.leak_table.iter().any(|row| row.better == Some(false))
    }
}

/// Measures a folder; with the world that it was made from, where that is told; and the Korean files beside it,
/// where there are any.
///
/// # Errors
/// The first file or line that cannot be read.
pub fn describe(
    folder: Option<&Path>,
    world: Option<&World>,
    kcs_files: &[PathBuf],
) -> Result<Report, ReadError> {
    let theirs = if kcs_files.is_empty() { None } else { Some(kcs::read(kcs_files)?) };
    let Some(path) = folder else {
        return Ok(Report {
            folder: None,
            pack: None,
            exports: 0,
            measures: vec![],
            leak_table: leaks::table(None, theirs.as_ref()),
            plots: vec![],
        });
    };
    let reading = Reading::read(&Folder::open(path)?, world)?;
    let leak_table = leaks::table(Some(&reading.figures), theirs.as_ref());
    let (mut measures, plots) = reading.judge(world, theirs.as_ref());
    measures.sort_by_key(|measure| measure.group);
    Ok(Report {
        folder: Some(path.display().to_string()),
        pack: world.map(|world| format!("{} {}", world.pack_name, world.pack_hash)),
        exports: reading.goods.exports,
        measures,
        leak_table,
        plots,
    })
}

/// Korean files of a folder, in the order of time.
pub fn kcs_files(folder: &Path) -> Vec<PathBuf> {
    kcs::files(folder)
}

/// Everything that was read of a folder.
struct Reading {
    goods: Goods,
    gravity: Gravity,
    boxes: Boxes,
    licences: Licences,
    ships: Ships,
    mirror: Mirror,
    controls: Controls,
    figures: Figures,
    unlabelled: bool,
    truth: Vec<Measure>,
    masses: Vec<f64>,
    values: Vec<f64>,
}

impl Reading {
    fn read(folder: &Folder, world: Option<&World>) -> Result<Self, ReadError> {
        let truth = Truth::read(folder)?;
        let boxes = Boxes::read(folder, &truth)?;
        let mut licences = Licences::read(folder, &truth)?;
        let ships = Ships::read(folder, &truth)?;
        let mut controls = Controls::read(folder)?;
        let (mut goods, mut gravity) = (Goods::default(), Gravity::default());
        let (mut mirror, mut imports) = (Mirror::new(world), Imports::default());
        folder.rows(Table::Declaration, &COLUMNS, &mut |row| {
            let row = Declaration::of(row);
            let label = truth.label(row.id);
            mirror.put(&row, label);
            if row.export {
                goods.export(&row);
                gravity.put(&row);
                licences.export(&row);
                controls.export(label);
            } else {
                goods.import(&row, label == Some(Label::Fraud));
                imports.put(&import(&row, label, &others(&row)));
            }
        })?;
        let (masses, values) = goods.take_sorted();
        Ok(Self {
            goods,
            gravity,
            boxes,
            licences,
            ships,
            mirror,
            controls,
            figures: imports.figures(),
            unlabelled: truth.is_empty(),
            truth: vec![truth.decoys(), truth.unresolved(folder)?],
            masses,
            values,
        })
    }

    fn judge(
        &self,
        world: Option<&World>,
        theirs: Option<&Figures>,
    ) -> (Vec<Measure>, Vec<page::Plot>) {
        let fit = world.and_then(|world| self.gravity.fit(world));
        let mut all =
            self.controls.measures(self.boxes.landed, &self.figures, !self.unlabelled).to_vec();
        all.extend(self.truth.clone());
        all.extend(self.gravity.measures(world, fit.as_ref().map(|(_, fit)| fit)));
        all.extend(self.goods.measures(&self.masses));
        all.extend(self.boxes.measures());
        all.extend(self.licences.measures());
        all.extend(self.ships.measures());
        all.push(mass_gap(&self.figures));
        all.extend(self.mirror.measures());
        all.extend(leaks::leaks(&self.figures));
        all.extend(leaks::entities(&self.figures));
        match world {
            Some(world) => all.extend(declared::measures(
                world,
                &self.goods,
                &self.values,
                &self.boxes,
                &self.licences,
            )),
            None => all.push(
                Measure::new(Group::Declared, "marginals", Unit::Number, None)
                    .skip("needs the pack (--pack): what it declares"),
            ),
        }
        (all, plots::all(self, world, fit.as_ref(), theirs))
    }
}

/// Mean ln mass by sea less that by air: what ships carry is heavier. The Korean data: 0.04. Ours to ask: 1.
fn mass_gap(figures: &Figures) -> Measure {
    Measure::new(
        Group::Physics,
        "ln mass by sea less ln mass by air",
        Unit::Number,
        figures.mass_gap,
    )
    .at_least(1.0)
    .needs(1_000, figures.imports, "imports")
    .source("physics")
}

/// The codes of an import besides goods and treatment.
fn others<'a>(row: &Declaration<'a>) -> [&'a str; 9] {
    [
        row.office,
        row.mode,
        row.declarant,
        row.importer,
        row.exporter,
        row.carrier,
        row.destination,
        row.loading,
        row.discharge,
    ]
}

fn import<'a>(row: &Declaration<'a>, label: Option<Label>, others: &'a [&'a str]) -> Cells<'a> {
    Cells {
        id: row.id,
        at: row.at,
        state: row.destination,
        importer: row.importer,
        declarant: row.declarant,
        goods: [row.hs, row.departure, row.origin],
        treatment: [row.regime, row.control],
        others,
        mode: row.mode,
        mass: row.mass,
        kilograms: row.net,
        illicit: label.is_some_and(Label::illicit),
        strategic: label == Some(Label::Strategic),
    }
}
