//! What a pack declares of the distributions of what is generated, for whoever holds the two against each other.

use super::World;
use crate::draw::LogNormal;
use crate::shipment::{draft, licence, movement};

/// Declared marginals.
#[derive(Debug, Clone)]
pub struct Declared<'w> {
    /// Value of a consignment, US dollars.
    pub value: LogNormal,
    /// Least and most of it: what lies beyond is drawn to these.
    pub value_within: (f64, f64),
    /// Share of declarations by weekday, Monday first.
    pub weekdays: [f64; 7],
    /// By month, January first.
    pub months: [f64; 12],
    /// HS codes and their share of consignments.
    pub goods: Vec<(&'w str, f64)>,
    /// Share of boxes of 20, 40 and 45 feet.
    pub lengths: [f64; 3],
    /// Days that boxes wait beyond half a day and the wait for the next ship.
    pub dwell: LogNormal,
    /// Most of it.
    pub dwell_most: f64,
    /// Days until an application is decided.
    pub licence_days: LogNormal,
    /// Least and most of them.
    pub licence_days_within: (f64, f64),
}

impl World {
    /// Its declared marginals.
    pub fn declared(&self) -> Declared<'_> {
        let codes = self.commodities.iter().map(|goods| goods.hs.as_str());
        Declared {
            value: self.rates.value,
            value_within: draft::DOLLARS,
            weekdays: [0, 1, 2, 3, 4, 5, 6].map(|day| self.calendar.weekday_share(day)),
            months: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
                .map(|month| self.calendar.month_share(month)),
            goods: codes.zip(self.trade.shares().iter().copied()).collect(),
            lengths: movement::length_shares(),
            dwell: self.rates.dwell_before_loading,
            dwell_most: movement::MOST_DWELL_DAYS,
            licence_days: self.rates.licence_days,
            licence_days_within: licence::DECIDED_DAYS,
        }
    }
}
