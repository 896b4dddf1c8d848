//! What the truth says of rows: for judging only, never a feature.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::measure::{Group, Measure, Unit};
use super::read::{Folder, ReadError};
use crate::table::Table;

/// What a consignment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Ordinary fraud.
    Fraud,
    /// Part of a scheme.
    Strategic,
    /// Lawful, but looks like one.
    Decoy,
}

impl Label {
    /// Whether it breaks the law.
    pub fn illicit(self) -> bool {
        self != Self::Decoy
    }
}

/// The truth of a folder. Its size is that of what there is to say, a few percent of the consignments.
#[derive(Debug, Default)]
pub struct Truth {
    labels: HashMap<String, Label>,
    traces: BTreeMap<String, HashSet<String>>,
    /// Cases that are schemes, and decoys of several consignments.
    cases: (u64, u64),
    /// Single decoys.
    single_decoys: u64,
}

impl Truth {
    /// Reads it.
    ///
    /// # Errors
    /// The first file or line that cannot be read.
    pub fn read(folder: &Folder) -> Result<Self, ReadError> {
        let mut truth = Self::default();
        let columns = ["export_declaration", "import_declaration", "label", "case"];
        folder.truth("labels", &columns, &mut |row| {
            let label = match row.text(2) {
                "FRAUD" => Label::Fraud,
                "STRATEGIC" => Label::Strategic,
                _ => Label::Decoy,
            };
            truth.single_decoys += u64::from(label == Label::Decoy && row.text(3).is_empty());
            for id in [row.text(0), row.text(1)].into_iter().filter(|id| !id.is_empty()) {
                truth.labels.insert(id.to_owned(), label);
            }
        })?;
        folder.truth("traces", &["table", "id"], &mut |row| {
            let ids = truth.traces.entry(row.text(0).to_owned()).or_default();
            ids.insert(row.text(1).to_owned());
        })?;
        folder.truth("cases", &["true"], &mut |row| match row.text(0) {
            "true" => truth.cases.0 += 1,
            _ => truth.cases.1 += 1,
        })?;
        Ok(truth)
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The label of a declaration.
    pub fn label(&self, declaration: &str) -> Option<Label> {
        self.labels.get(declaration).copied()
    }

    /// Whether a row is a trace of a case.
    pub fn traced(&self, table: Table, id: &str) -> bool {
        self.traces.get(table.name()).is_some_and(|ids| ids.contains(id))
    }

    /// Decoys, single or of several consignments, for each true case. Source: simulator.md, Decoys: 20 to 50.
    pub fn decoys(&self) -> Measure {
        let (cases, decoys) = (self.cases.0 as f64, (self.cases.1 + self.single_decoys) as f64);
        Measure::new(
            Group::Offences,
            "decoys for each true case",
            Unit::Number,
            (cases > 0.0).then(|| decoys / cases),
        )
        .within(20.0, 50.0)
        .needs(10, self.cases.0, "true cases")
        .source("simulator.md, Decoys")
    }

    /// Ids of traces that no row has: reads the ids of every table that has traces. Bound: none at all.
    ///
    /// # Errors
    /// The first file or line that cannot be read.
    pub fn unresolved(&self, folder: &Folder) -> Result<Measure, ReadError> {
        let mut missing = 0;
        let total: usize = self.traces.values().map(HashSet::len).sum();
        for (name, ids) in &self.traces {
            let Some(table) = Table::ALL.iter().find(|table| table.name() == name) else {
                missing += ids.len();
                continue;
            };
            let mut found = HashSet::new();
            folder.rows(*table, &["id"], &mut |row| {
                if let Some(id) = ids.get(row.text(0)) {
                    found.insert(id.as_str());
                }
            })?;
            missing += ids.len() - found.len();
        }
        Ok(Measure::new(
            Group::Physics,
            "traces whose id no row has",
            Unit::Count,
            (total > 0).then_some(missing as f64),
        )
        .at_most(0.0)
        .source("simulator.md, Acceptance")
        .note(format!("of {total}")))
    }
}
