//! Licences: what becomes of applications, how long that takes, and balances that only go down.

use std::collections::BTreeMap;

use super::declaration::Declaration;
use super::measure::{Group, Measure, Unit};
use super::read::{Folder, ReadError};
use super::stat::{self, Histogram};
use super::truth::Truth;
use crate::table::Table;

const SOURCE: &str = "licensing statistics (BIS)";
/// Licences that are enough to judge shares on.
const NEEDS: u64 = 500;

/// Licences of no case.
#[derive(Debug)]
pub struct Licences {
    /// Pieces allowed, drawn by the register, drawn by declarations.
    balances: BTreeMap<String, [f64; 3]>,
    statuses: [u64; 3],
    /// Days from application to decision, sorted.
    pub days: Vec<f64>,
    /// The same for the plot.
    pub processing: Histogram,
}

impl Licences {
    /// Reads them.
    ///
    /// # Errors
    /// The first file or line that cannot be read.
    pub fn read(folder: &Folder, truth: &Truth) -> Result<Self, ReadError> {
        let mut all = Self {
            balances: BTreeMap::new(),
            statuses: [0; 3],
            days: vec![],
            processing: Histogram::new(0.0, 5.0, 40),
        };
        let columns = ["id", "status", "quantity", "drawn_quantity", "applied_at", "decided_at"];
        folder.rows(Table::Licence, &columns, &mut |row| {
            if truth.traced(Table::Licence, row.text(0)) {
                return;
            }
            let place = match row.text(1) {
                "RETURNED" => 1,
                "REFUSED" => 2,
                "APPLIED" => return,
                _ => 0,
            };
            if let Some(count) = all.statuses.get_mut(place) {
                *count += 1;
            }
            if let Some((applied, decided)) = row.moment(4).zip(row.moment(5)) {
                let days = (decided - applied) as f64 / 86_400.0;
                all.days.push(days);
                all.processing.put(days);
            }
            if place == 0 {
                let number = |place| row.number(place).unwrap_or_default();
                all.balances.insert(row.text(0).to_owned(), [number(2), number(3), 0.0]);
            }
        })?;
        all.days = stat::sorted(all.days);
        Ok(all)
    }

    /// Takes an export that draws on a licence.
    pub fn export(&mut self, row: &Declaration<'_>) {
        if let Some([_, _, drawn]) = self.balances.get_mut(row.licence) {
            *drawn += row.quantity;
        }
    }

    /// Its measures.
    pub fn measures(&self) -> [Measure; 7] {
        let total: u64 = self.statuses.iter().sum();
        let [granted, returned, denied] = self.statuses;
        let share = |name: &str, count: u64| {
            let value = (total > 0).then(|| count as f64 / total as f64);
            Measure::new(Group::Actors, name, Unit::Share, value)
                .needs(NEEDS, total, "decided applications")
                .source(SOURCE)
        };
        let days = |name: &str, at| {
            Measure::new(Group::Actors, name, Unit::Days, stat::quantile(&self.days, at))
                .needs(NEEDS, total, "decided applications")
                .source(SOURCE)
        };
        let over = |name: &str, wrong: &dyn Fn(&[f64; 3]) -> bool| {
            let count = self.balances.values().filter(|balance| wrong(balance)).count();
            let value = (!self.balances.is_empty()).then_some(count as f64);
            Measure::new(Group::Physics, name, Unit::Count, value)
                .at_most(0.0)
                .note(format!("of {} outside of cases", self.balances.len()))
                .source("physics")
        };
        [
            // 84 % approved.
            share("licences approved", granted).within(0.80, 0.88),
            // 15 % returned without action.
            share("applications returned", returned).within(0.11, 0.19),
            // Under 1 % denied; chance puts a few of some thousands above.
            share("applications denied", denied).at_most(0.015),
            // Median 27 to 35 days.
            days("days to decide, median", 0.5).within(27.0, 35.0),
            // 95th percentile 90 days.
            days("days to decide, 95th percentile", 0.95).within(75.0, 105.0),
            // More written off than allowed, by the register.
            over("licences drawn below zero, register", &|[allowed, drawn, _]| drawn > allowed),
            // More exported than allowed, by the declarations.
            over("licences drawn below zero, declarations", &|[allowed, _, drawn]| drawn > allowed),
        ]
    }
}
