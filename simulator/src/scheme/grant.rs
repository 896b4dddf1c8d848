//! Licences that a case has of its own: applied for and decided before its first export, as others are.

use super::case::Case;
use crate::calendar::Moment;
use crate::shipment::Engine;
use crate::shipment::licence::{DECIDED_DAYS, Licence, Outcome};

/// Who applies for what.
#[derive(Debug, Clone, Copy)]
pub struct Application {
    /// State that decides.
    pub from: u32,
    /// State of destination.
    pub to: u32,
    /// Applicant.
    pub exporter: u32,
    /// Consignee, who is the end user.
    pub consignee: u32,
    /// What for.
    pub goods: u32,
}

impl Engine<'_> {
    /// When the first consignment of a case is accepted, where its shape does not change that.
    pub fn case_begins(&self, case: u64) -> Moment {
        let case = self.cases.case(self, case);
        self.accepted(self.of_role(&case, 0).unwrap_or_default())
    }

    /// When the licence of a case, of which it may have several, was applied for, and days until it was decided.
    pub fn case_applied(&self, case: u64, place: u64) -> (Moment, f64) {
        let mut cell = self.cases.records_cell(case, 48 + place);
        let days =
            cell.lognormal(self.world.rates.licence_days).clamp(DECIDED_DAYS.0, DECIDED_DAYS.1);
        let granted = self.case_begins(case).plus_days(-cell.between(5.0, 90.0));
        (granted.plus_days(-days), days)
    }

    /// A licence that covers what all consignments of a case send, and a little more.
    pub fn case_grant(&self, case: &Case, place: u64, of: &Application) -> Licence {
        self.case_grant_for(case, case.roles.len(), place, of)
    }

    /// A licence that covers what the first consignments of a case send, and a little more.
    pub fn case_grant_for(
        &self,
        case: &Case,
        consignments: usize,
        place: u64,
        of: &Application,
    ) -> Licence {
        let (applied, decided_days) = self.case_applied(case.number, place);
        let pieces = |number| self.consignment(number).draft.pieces;
        let rounds: Vec<(u64, i64)> = case
            .consignments(self)
            .into_iter()
            .filter(|(role, _)| *role < consignments)
            .map(|(role, number)| (role as u64, pieces(number)))
            .collect();
        let drawn: i64 = rounds.iter().map(|(_, pieces)| pieces).sum();
        let mut cell = self.cases.records_cell(case.number, 56 + place);
        Licence {
            number: self.case_licence(case.number, place),
            from: of.from,
            to: of.to,
            exporter: of.exporter,
            consignee: of.consignee,
            end_user: of.consignee,
            goods: of.goods,
            pieces: super::cast::share(drawn, cell.between(1.0, 2.2)).max(drawn).max(1),
            applied,
            decided_days,
            outcome: Outcome::Granted,
            rounds,
        }
    }
}
