//! Boxes: their numbers, lengths, what they weigh, how they move and how long they wait.

use std::collections::HashMap;

use super::measure::{Group, Measure, Unit};
use super::read::{Folder, ReadError};
use super::sample::{Names, Sample, Tally, key};
use super::stat::{self, Histogram};
use super::truth::Truth;
use crate::ident;
use crate::table::Table;

/// Gate moves that are kept; beyond, all moves of a share of the boxes.
const MOST: usize = 6 << 20;
/// Boxes whose length is remembered.
const MOST_BOXES: usize = 4 << 20;
/// Largest gross mass of a box, kilograms (ISO 668:2020 rating).
const RATING_KG: f64 = 30_480.0;

/// Lengths, in feet.
pub const FEET: [&str; 3] = ["20", "40", "45"];

/// Steps of a box's way, in their order.
const STEPS: [&str; 4] = ["GATE_IN", "LOAD", "DISCHARGE", "GATE_OUT"];

#[derive(Debug, Clone, Copy)]
struct Move {
    container: u32,
    at: i64,
    step: u8,
    traced: bool,
}

/// Boxes.
#[derive(Debug)]
pub struct Boxes {
    /// Boxes landed, by port.
    pub ports: Tally,
    /// Days from the truck to the ship.
    pub waits: Vec<f64>,
    /// The same for the plot.
    pub dwell: Histogram,
    /// Weighings by length.
    pub lengths: Tally,
    /// Boxes landed.
    pub landed: u64,
    /// Ship of each loading that is kept, for the law of the wait.
    pub ships: Tally,
    moves: u64,
    bad_digits: u64,
    visits: (u64, u64),
    heavy: u64,
    weighed: u64,
    changed: u64,
    known: usize,
}

impl Boxes {
    /// Reads gate moves and weighings.
    ///
    /// # Errors
    /// The first file or line that cannot be read.
    pub fn read(folder: &Folder, truth: &Truth) -> Result<Self, ReadError> {
        let mut boxes = Self {
            ports: Tally::default(),
            waits: vec![],
            dwell: Histogram::new(0.0, 0.5, 80),
            lengths: Tally::default(),
            landed: 0,
            ships: Tally::default(),
            moves: 0,
            bad_digits: 0,
            visits: (0, 0),
            heavy: 0,
            weighed: 0,
            changed: 0,
            known: 0,
        };
        boxes.weigh(folder)?;
        boxes.walk(folder, truth)?;
        Ok(boxes)
    }

    fn weigh(&mut self, folder: &Folder) -> Result<(), ReadError> {
        let mut known: HashMap<u64, (usize, bool)> = HashMap::new();
        let columns = ["container", "gross_mass_grams", "tare_grams"];
        folder.rows(Table::Weighing, &columns, &mut |row| {
            let kilograms = |place| row.number(place).unwrap_or_default() / 1000.0;
            let length = length(kilograms(2));
            self.lengths.add(FEET.get(length).copied().unwrap_or_default(), 1.0);
            self.weighed += 1;
            self.heavy += u64::from(kilograms(1) > RATING_KG * 1.02);
            let container = key(row.text(0));
            if known.len() < MOST_BOXES || known.contains_key(&container) {
                let (before, changed) = known.entry(container).or_insert((length, false));
                *changed |= *before != length;
            }
        })?;
        self.known = known.len();
        self.changed = known.values().filter(|(_, changed)| *changed).count() as u64;
        Ok(())
    }

    fn walk(&mut self, folder: &Folder, truth: &Truth) -> Result<(), ReadError> {
        let mut names = Names::default();
        let mut kept = Sample::new(MOST);
        let columns = ["id", "container", "kind", "at", "port", "vessel_imo"];
        folder.rows(Table::GateMove, &columns, &mut |row| {
            let container = row.text(1);
            let Some(step) = STEPS.iter().position(|step| *step == row.text(2)) else { return };
            self.moves += 1;
            self.bad_digits += u64::from(!ident::is_container(container));
            match step {
                1 => self.ships.add(row.text(5), 1.0),
                2 => {
                    self.landed += 1;
                    self.ports.add(row.text(4), 1.0);
                }
                _ => {}
            }
            kept.put(
                key(container),
                Move {
                    container: names.number(container),
                    at: row.moment(3).unwrap_or_default(),
                    step: u8::try_from(step).unwrap_or_default(),
                    traced: truth.traced(Table::GateMove, row.text(0)),
                },
            );
        })?;
        let mut moves = kept.into_rows();
        moves.sort_by_key(|row| (row.container, row.at, row.step));
        for of_box in moves.chunk_by(|a, b| a.container == b.container) {
            self.ways(of_box);
        }
        Ok(())
    }

    /// Follows a box: it is let in, lifted on board, landed and let out, again and again.
    fn ways(&mut self, moves: &[Move]) {
        let mut rest = moves;
        while let Some(first) = rest.first() {
            let way: Vec<&Move> = rest.iter().take(STEPS.len()).collect();
            let in_order = way.iter().zip(0..).all(|(row, step)| row.step == step);
            let length = if in_order { way.len() } else { 1 };
            if first.step == 0 {
                let judged = !way.iter().any(|row| row.traced);
                self.visits.0 += u64::from(judged);
                self.visits.1 += u64::from(judged && in_order && way.len() == STEPS.len());
                if let Some(load) = way.get(1).filter(|_| in_order) {
                    let days = (load.at - first.at) as f64 / 86_400.0;
                    self.waits.push(days);
                    self.dwell.put(days);
                }
            }
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    /// Its measures.
    pub fn measures(&self) -> Vec<Measure> {
        let mut all = self.shares();
        all.extend(self.physics());
        all
    }

    fn shares(&self) -> Vec<Measure> {
        const UNCTAD: &str = "container ports and fleet (UNCTAD, IICL)";
        let share = |name: &str, value: f64| {
            Measure::new(Group::Actors, name, Unit::Share, Some(value)).source(UNCTAD)
        };
        let top = self.ports.ranked();
        let ports = self.ports.count() as u64;
        let place = |place: usize| top.get(place).copied().unwrap_or_default() / self.ports.total();
        let weighed = |measure: Measure| measure.needs(2_000, self.weighed, "weighings");
        let wait = stat::sorted(self.waits.clone());
        let mean = wait.iter().sum::<f64>() / wait.len() as f64;
        vec![
            // Shanghai 5.3 % of 752 million TEU (2017). A small world has fewer ports, so more on each.
            share("boxes landed in the largest port", place(0))
                .within(0.03, 0.12)
                .needs(30, ports, "ports"),
            // Singapore 4.5 %.
            share("boxes landed in the second port", place(1))
                .within(0.02, 0.10)
                .needs(30, ports, "ports"),
            // 20' 40 %, 40' 57 %, 45' 2.9 % of boxes; told by their tare: under 3 t, under 4.3 t, above.
            weighed(share("boxes of 20 feet", self.lengths.share("20")).within(0.36, 0.44)),
            weighed(share("boxes of 40 feet", self.lengths.share("40")).within(0.53, 0.61)),
            weighed(share("boxes of 45 feet", self.lengths.share("45")).within(0.019, 0.039)),
            share("empty boxes", f64::NAN)
                .skip("empty boxes are not generated: 12 % of moves in truth"),
            // Truck to deep sea: 6.5 days from the gate to the ship, on average.
            Measure::new(Group::Actors, "dwell from truck to ship, mean", Unit::Days, Some(mean))
                .within(5.0, 8.0)
                .note(format!("median {:.1} d", stat::quantile(&wait, 0.5).unwrap_or_default()))
                .needs(1_000, wait.len() as u64, "boxes")
                .source("terminal statistics: 6.5 d"),
        ]
    }

    fn physics(&self) -> Vec<Measure> {
        let part = |count: u64, of: u64| (of > 0).then(|| count as f64 / of as f64);
        let measure = |name: &str, value| {
            Measure::new(Group::Physics, name, Unit::Share, value).source("physics")
        };
        vec![
            // Check digit of ISO 6346, of every gate move.
            measure("box numbers with a wrong check digit", part(self.bad_digits, self.moves))
                .at_most(0.0),
            // A box cannot be let in again before it was let out. Traces of cases are left out: twins exist.
            measure(
                "box ways in order: gate in, load, discharge, gate out",
                part(self.visits.1, self.visits.0),
            )
            .at_least(0.998)
            .note(format!("of {} outside of cases", self.visits.0)),
            measure("boxes whose length changes", part(self.changed, self.known as u64))
                .at_most(0.0),
            // Rating of ISO 668: 30.48 t, and the error of scales.
            measure("boxes over their rating", part(self.heavy, self.weighed)).at_most(0.001),
        ]
    }
}

/// Length by tare: 20 feet weigh 2.0 to 2.5 t empty, 40 feet 3.6 to 4.1, 45 feet 4.5 and more.
fn length(tare: f64) -> usize {
    usize::from(tare >= 3_000.0) + usize::from(tare >= 4_300.0)
}
