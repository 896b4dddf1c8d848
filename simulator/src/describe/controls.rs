//! Offences and checks: how many there are, and how well checks find them.

use super::imports::Figures;
use super::measure::{Group, Measure, Unit};
use super::read::{Folder, ReadError};
use super::truth::Label;
use crate::table::Table;

/// Inspections and labels.
#[derive(Debug, Default)]
pub struct Controls {
    exports: u64,
    fraud: u64,
    strategic: u64,
    inspections: u64,
    found: u64,
    opened: u64,
}

impl Controls {
    /// Reads inspections.
    ///
    /// # Errors
    /// The first file or line that cannot be read.
    pub fn read(folder: &Folder) -> Result<Self, ReadError> {
        let mut all = Self::default();
        folder.rows(Table::Inspection, &["container", "outcome"], &mut |row| {
            all.inspections += 1;
            all.opened += u64::from(!row.text(0).is_empty());
            all.found += u64::from(row.text(1) != "CONFORMING");
        })?;
        Ok(all)
    }

    /// Takes an export: there is one for each consignment.
    pub fn export(&mut self, label: Option<Label>) {
        self.exports += 1;
        match label {
            Some(Label::Fraud) => self.fraud += 1,
            Some(Label::Strategic) => self.strategic += 1,
            _ => {}
        }
    }

    /// Its measures.
    pub fn measures(&self, landed: u64, figures: &Figures, truth: bool) -> [Measure; 5] {
        const MUNGO: &str = "four customs data sets: 1.21, 1.64, 4.12, 8.16 %";
        let part = |count: u64, of: u64| (of > 0).then(|| count as f64 / of as f64);
        let share = |name: &str, value| Measure::new(Group::Offences, name, Unit::Share, value);
        let labelled = |measure: Measure| {
            if truth { measure } else { measure.skip("needs the truth beside the tables") }
        };
        [
            // Consignments that are fraud or part of a scheme. Source: shares of illicit declarations in four real sets.
            labelled(share(
                "illicit consignments",
                part(self.fraud + self.strategic, self.exports),
            ))
            .within(0.01, 0.08)
            .source(MUNGO),
            // Consignments of schemes. Source: simulator.md.
            labelled(share("consignments of schemes", part(self.strategic, self.exports)))
                .within(0.0002, 0.003)
                .needs(20_000, self.exports, "consignments")
                .source("simulator.md, Yardstick"),
            // Boxes opened, of boxes landed. Source: under 2 % of containers.
            share("boxes opened", part(self.opened, landed))
                .at_most(0.02)
                .source("UNODC, WCO: under 2 %"),
            // Inspections that find something.
            share("checks that find something", part(self.found, self.inspections))
                .within(0.10, 0.25)
                .needs(300, self.inspections, "inspections")
                .source("customs practice: 10-25 %"),
            // Share of offences among the three tenths of imports that past shares of importer, declarant, code, departure
            // and origin make riskiest, in the later half of the period. Source: 80 %.
            labelled(share("offences in the riskiest 30 % of imports", figures.riskiest))
                .within(0.65, 0.95)
                .needs(500, figures.illicit, "illicit imports")
                .source("customs practice: 80 %"),
        ]
    }
}
