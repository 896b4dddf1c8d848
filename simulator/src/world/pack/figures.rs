//! Figures of a world: its time, its rates, how it trades.

use serde::Deserialize;

use crate::draw::LogNormal;

/// The time a world plays in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First day, such as 2026-01-01.
    pub from: String,
    /// How many days.
    pub days: u32,
}

/// Weights of days.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// By weekday, Monday first.
    pub weekdays: [f64; 7],
    /// By month, January first.
    pub months: [f64; 12],
}

/// The gravity equation.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gravity {
    /// Elasticity of trade by distance.
    pub distance: f64,
    /// Of the logarithm, where two states share a border.
    pub contiguity: f64,
    /// Of the logarithm, where they have a trade agreement.
    pub agreement: f64,
    /// Share of pairs without any trade.
    pub zero_share: f64,
    /// Standard deviation of the logarithm of what no variable explains.
    pub disturbance: f64,
}

/// Firms.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firms {
    /// About how many.
    pub count: u32,
    /// Slope of size by rank, logarithms of both.
    pub slope: f64,
    /// The same for declarants.
    pub declarant_slope: f64,
}

/// Figures of a world. Shares are between 0 and 1.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Consignments that are ordinary fraud.
    pub illicit_share: f64,
    /// Importers that make up most of it.
    pub offender_share: f64,
    /// True cases of schemes, for each consignment.
    pub strategic_share: f64,
    /// Decoys for each true case.
    pub decoys_per_case: f64,
    /// Imports that are opened.
    pub inspection_share: f64,
    /// Consignments that draw on a licence.
    pub licensed_share: f64,
    /// Consignments made in a third state.
    pub origin_differs: f64,
    /// Sales to a regular buyer.
    pub regular_partner: f64,
    /// Trade between land neighbours that goes by road.
    pub neighbours_by_road: f64,
    /// Goods dearer than this, in dollars a kilogram, mostly fly.
    pub air_from_dollars_a_kilogram: f64,
    /// Value of a consignment, US dollars.
    pub value: LogNormal,
    /// Days that boxes wait beyond the wait for the next ship.
    pub dwell_before_loading: LogNormal,
    /// Import value over export value: freight and insurance.
    pub cif_over_fob: LogNormal,
    /// Days from arrival to payment, plus 20.
    pub payment_days: LogNormal,
    /// Payments from this amount are reported, US cents.
    pub reported_from_cents: i64,
    /// Largest error of a terminal's scales.
    pub scale_noise: f64,
    /// Boxes weighed again on arrival.
    pub weighed_again: f64,
    /// Applications granted.
    pub licence_granted: f64,
    /// Applications returned without a decision; the rest is denied.
    pub licence_returned: f64,
    /// Days until an application is decided.
    pub licence_days: LogNormal,
    /// Ships that are silent for over eight hours in a month.
    pub silent_ships: f64,
}

/// Slips of clerks: shares of the cells that can have one and say something.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slips {
    /// Names written otherwise.
    pub spelling: f64,
    /// Of these, in states with letters of their own: names written in them.
    pub native_letters: f64,
    /// Cells that may be empty and are.
    pub missing: f64,
    /// Numbers with two neighbouring digits swapped.
    pub digits: f64,
    /// Records with the time of a late entry in place of the event's.
    pub late: f64,
    /// Least and most hours between the two.
    pub late_hours: [f64; 2],
}

impl Slips {
    /// What is wrong with them.
    pub fn problem(&self) -> Option<&'static str> {
        let Self { spelling, native_letters, missing, digits, late, late_hours: [least, most] } =
            *self;
        let shares = [spelling, native_letters, missing, digits, late];
        if shares.iter().any(|share| !(0.0..=1.0).contains(share)) {
            return Some("a share that is not between 0 and 1");
        }
        // One cell has one slip at most.
        if spelling + missing > 1.0 || digits + missing > 1.0 {
            return Some("`missing` with `spelling` or `digits` is more than all cells");
        }
        (!(least > 0.0 && least <= most)).then_some("`late_hours` runs downwards or from nothing")
    }
}
