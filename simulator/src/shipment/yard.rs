//! What is done with boxes beside moving them: some are taken out of the stack before they are loaded, their seals are
//! looked at and they are weighed again; customs where they are landed read some seals. Crane scales, water on the roof
//! and lashings that nobody took off make some weigh more, and who reads a seal in the rain reads some of them wrongly.

use super::Engine;
use super::ids::BOXES;
use crate::rng::{Cell, Stream};

/// Share of boxes that are taken out of the stack before they are loaded.
const TAKEN_OUT: f64 = 0.02;
/// Share of those that weigh more then.
const HEAVIER: f64 = 0.6;
/// How much more, kilograms.
pub const MORE_KG: (f64, f64) = (20.0, 1_200.0);
/// Most cargo that the second weighing of an ordinary box finds, grams.
const MOST_GRAMS: i64 = 26_000_000;
/// Share of landed boxes whose seals customs read.
const READ: f64 = 0.08;
/// Share of seals that are read wrongly.
const MISREAD: f64 = 0.008;
/// How well seals are read that are read wrongly: chance of each digit.
const LEGIBLE: (f64, f64) = (0.75, 0.99);

/// Streams of what is done with boxes.
#[derive(Debug)]
pub(crate) struct Streams {
    yard: Stream,
    read: Stream,
}

impl Streams {
    pub(crate) fn new(stream: impl Fn(&str) -> Stream) -> Self {
        Self { yard: stream("yard.box"), read: stream("seal.read_by_customs") }
    }
}

/// A box taken out of the stack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TakenOut {
    /// When, as a share of its wait for the ship.
    pub share: f64,
    /// Grams that it weighs more than at the gate, beside what scales err by.
    pub more_grams: i64,
    /// What the scales err by, from -1 to 1.
    pub error: f64,
}

impl Engine<'_> {
    /// Whether a box is taken out before it is loaded, and what is found then; `reached` where somebody put something
    /// in, which is always seen to.
    pub(super) fn taken_out(
        &self,
        (consignment, place): (u64, usize),
        cargo_grams: i64,
        reached: Option<i64>,
    ) -> Option<TakenOut> {
        let mut cell = self.streams.yard.yard.row(consignment * BOXES + place as u64);
        let (drawn, share) = (cell.chance(TAKEN_OUT), cell.between(0.1, 0.9));
        let (error, heavier) = (cell.between(-1.0, 1.0), cell.chance(HEAVIER));
        let more = super::draft::round(cell.between(MORE_KG.0, MORE_KG.1) * 1000.0);
        let more = if heavier { more.min(MOST_GRAMS - cargo_grams).max(0) } else { 0 };
        let taken = TakenOut { share, error, more_grams: reached.unwrap_or(more) };
        (drawn || reached.is_some()).then_some(taken)
    }

    /// How customs read a seal where a box is landed, and when, as a share of its wait for them; none where they do not.
    pub(super) fn seal_as_read(
        &self,
        (consignment, place): (u64, usize),
        seal: &str,
        certainly: bool,
    ) -> Option<(String, f64)> {
        let mut cell = self.streams.yard.read.row(consignment * BOXES + place as u64);
        let (drawn, share, wrongly) =
            (cell.chance(READ), cell.between(0.05, 0.95), cell.chance(MISREAD));
        if certainly {
            return Some((seal.to_owned(), share));
        }
        let legible = cell.between(LEGIBLE.0, LEGIBLE.1);
        let read = if wrongly { misread(seal, legible, &mut cell) } else { seal.to_owned() };
        drawn.then_some((read, share))
    }
}

/// A number of which each digit is right with some chance, and at least one is wrong.
pub fn misread(seal: &str, right: f64, cell: &mut Cell) -> String {
    let digits = seal.chars().filter(char::is_ascii_digit).count();
    let certain = cell.place(digits.max(1));
    let mut at = 0;
    let mut read = |letter: char| {
        let Some(digit) = letter.to_digit(10) else { return letter };
        let (wrong, other) = (!cell.chance(right), cell.bits64() % 9 + 1);
        let wrong = wrong || at == certain;
        at += 1;
        let other = (u64::from(digit) + other) % 10;
        let other = u32::try_from(other).ok().and_then(|digit| char::from_digit(digit, 10));
        if wrong { other.unwrap_or(letter) } else { letter }
    };
    seal.chars().map(&mut read).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::scheme::witness::{innocent, number};
    use crate::table::Table;

    #[test]
    fn innocent_boxes_are_taken_out_and_found_heavier_and_their_seals_are_read_now_and_then_wrongly()
     {
        let rows = innocent(4);
        let (mut checked, mut affixed) = (0, BTreeMap::new());
        let (mut read, mut wrongly) = (0, 0);
        let seals = rows.of(Table::SealEvent);
        for row in &seals {
            match (row["kind"].as_str(), row["reported_by"].as_str()) {
                ("AFFIXED", _) => {
                    let seals: &mut Vec<String> = affixed.entry(&row["container"]).or_default();
                    seals.push(row["seal"].clone());
                }
                ("CHECKED", "TERMINAL") => checked += usize::from(row["id"].starts_with("PY-")),
                _ => {}
            }
        }
        for row in seals.iter().filter(|row| row["kind"] == "CHECKED") {
            if row["reported_by"] == "CUSTOMS" {
                read += 1;
                wrongly += usize::from(!affixed[&row["container"]].contains(&row["seal"]));
            }
        }
        let weighed = rows.of(Table::Weighing);
        let net = |row: &_| number(row, "gross_mass_grams") - number(row, "tare_grams");
        let first: BTreeMap<_, _> =
            weighed.iter().map(|row| (row["id"].clone(), net(row))).collect();
        let mut heavier = 0;
        for row in weighed.iter().filter(|row| row["id"].starts_with("PX-")) {
            let gain = net(row) - first[&row["id"].replace("PX-", "PW-")];
            assert!(gain < 1_200_000.0 + 0.05 * net(row), "{gain}");
            heavier += usize::from(gain > 0.05 * net(row));
        }
        assert!(checked > 60 && heavier > 15, "{heavier} of {checked}");
        assert!(read > 200 && (2..read / 10).contains(&wrongly), "{wrongly} of {read}");
    }
}
