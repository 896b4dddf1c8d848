//! Ships: how fast they go by their positions, and how long they are silent.

use std::collections::BTreeMap;

use super::measure::{Group, Measure, Unit};
use super::read::{Folder, ReadError};
use super::truth::Truth;
use crate::table::Table;
use crate::world::geo::Point;

/// Positions are rounded to millionths and the hour of a report to a second.
const ROUNDING_KNOTS: f64 = 0.05;

#[derive(Debug, Default)]
struct Ship {
    last: Option<(i64, Point)>,
    longest_gap_hours: f64,
}

/// Ships and their tracks.
#[derive(Debug, Default)]
pub struct Ships {
    ships: BTreeMap<String, Ship>,
    fastest: f64,
    steps: u64,
}

impl Ships {
    /// Reads tracks; positions of a ship are in the order of time. Traces of cases are left out: a ship that lies
    /// about where it is may seem to fly.
    ///
    /// # Errors
    /// The first file or line that cannot be read.
    pub fn read(folder: &Folder, truth: &Truth) -> Result<Self, ReadError> {
        let mut all = Self::default();
        let columns =
            ["id", "vessel_imo", "at", "latitude", "longitude", "speed", "silent_since", "source"];
        folder.rows(Table::Track, &columns, &mut |row| {
            let (Some(at), Some(lat), Some(lon)) = (row.moment(2), row.number(3), row.number(4))
            else {
                return;
            };
            // Who sees a ship may take it for another.
            if truth.traced(Table::Track, row.text(0)) || !row.text(7).starts_with("AIS") {
                return;
            }
            let ship = match all.ships.get_mut(row.text(1)) {
                Some(ship) => ship,
                None => all.ships.entry(row.text(1).to_owned()).or_default(),
            };
            let here = Point { lat, lon };
            if let Some((before, there)) = ship.last.filter(|(before, _)| *before < at) {
                let hours = (at - before) as f64 / 3600.0;
                all.fastest = all.fastest.max(there.miles_to(here) / hours);
                all.steps += 1;
            }
            all.fastest = all.fastest.max(row.number(5).unwrap_or_default());
            if let Some(since) = row.moment(6) {
                let hours = (at - since) as f64 / 3600.0;
                ship.longest_gap_hours = ship.longest_gap_hours.max(hours);
            }
            ship.last = Some((at, here));
        })?;
        Ok(all)
    }

    /// Its measures.
    pub fn measures(&self) -> [Measure; 2] {
        let ships = self.ships.len();
        let silent = self.ships.values().filter(|ship| ship.longest_gap_hours > 8.0).count();
        [
            // Ships with a gap of over 8 hours in the period. Source: of 529 crude tankers 67 % had one.
            Measure::new(
                Group::Actors,
                "ships with an AIS gap over 8 h",
                Unit::Share,
                (ships > 0).then(|| silent as f64 / ships as f64),
            )
            .within(0.5, 0.8)
            .needs(30, ships as u64, "ships")
            .source("529 crude tankers: 67 %"),
            // Fastest step between positions, and fastest speed that was told. Ships keep under 25 knots.
            Measure::new(
                Group::Physics,
                "fastest ship",
                Unit::Knots,
                (self.steps > 0).then_some(self.fastest),
            )
            .at_most(25.0 + ROUNDING_KNOTS)
            .note(format!("{} steps", self.steps))
            .source("physics"),
        ]
    }
}
