//! What there is to do, in the order in which it is written.

use std::ops::Range;

use crate::shipment::Engine;
use crate::shipment::registers::Registers;
use crate::table::Out;

use super::Truth;

/// Consignments that one piece of work makes.
const CONSIGNMENTS: u64 = 4096;

/// Which part of a world: `index` of `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// From 0.
    pub index: u64,
    /// At least 1.
    pub count: u64,
}

impl Part {
    /// The whole.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// The part that `i/n` means, `i` from 0; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (index, count) = text.split_once('/')?;
        let part = Self { index: index.parse().ok()?, count: count.parse().ok()? };
        (part.index < part.count).then_some(part)
    }

    /// Its share of so many things.
    pub fn of(self, things: u64) -> Range<u64> {
        let at = |index: u64| {
            u64::try_from(u128::from(index) * u128::from(things) / u128::from(self.count))
                .unwrap_or(things)
        };
        at(self.index)..at(self.index + 1)
    }
}

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Ships, and where they were.
    Vessels(Range<u64>),
    /// Registers: firms, licences, what else is on file, cases with records of their own and the truth about them.
    /// All of them step by step together, so that where a row stands says nothing of what it belongs to.
    Registers(Range<u64>),
    /// Consignments.
    Consignments(Range<u64>),
}

/// The work of a part. Concatenated over all parts it is the work of the whole, in other pieces.
pub fn pieces(engine: &Engine, part: Part) -> Vec<Piece> {
    let world = engine.world;
    let mut all = vec![];
    let mut cut = |total: u64, size: u64, make: fn(Range<u64>) -> Piece| {
        let Range { mut start, end } = part.of(total);
        while start < end {
            let next = (start + size).min(end);
            all.push(make(start..next));
            start = next;
        }
    };
    cut(world.vessels.len() as u64, 8, Piece::Vessels);
    cut(steps(engine), 512, Piece::Registers);
    cut(engine.consignments, CONSIGNMENTS, Piece::Consignments);
    all
}

/// Things in registers.
fn registered(engine: &Engine) -> [u64; 3] {
    [engine.world.firms.len() as u64, engine.licences.count(), engine.cases.count()]
}

/// Steps in which registers are written: as many as there are of the most frequent things.
fn steps(engine: &Engine) -> u64 {
    let background = engine.background.counts(engine.consignments).map(|(_, count)| count);
    registered(engine).into_iter().chain(background).max().unwrap_or(1)
}

/// One step of the registers.
fn register<O: Out>(engine: &Engine, step: Part, out: &mut O, truth: &mut Truth) {
    let [firms, licences, cases] = registered(engine);
    for firm in step.of(firms) {
        engine.put_firm(u32::try_from(firm).unwrap_or_default(), true, out);
    }
    for licence in step.of(licences) {
        engine.put_licence(&engine.licence(licence), None, out);
    }
    for number in step.of(cases) {
        let case = engine.cases.case(engine, number);
        case.records(engine, out);
        truth.case(engine, &case);
    }
    for (kind, count) in engine.background.counts(engine.consignments) {
        step.of(count).for_each(|number| engine.put_background(kind, number, out));
    }
}

impl Piece {
    /// How many things it makes, to show progress: consignments count, the rest is little.
    pub fn size(&self) -> u64 {
        match self {
            Self::Consignments(range) => range.end - range.start,
            _ => 0,
        }
    }

    /// Does it.
    pub fn make<O: Out>(
        &self,
        engine: &Engine,
        registers: &Registers,
        out: &mut O,
        truth: &mut Truth,
    ) {
        let small = |number: u64| u32::try_from(number).unwrap_or_default();
        match self.clone() {
            Self::Vessels(range) => range.for_each(|vessel| {
                registers.vessel(engine, small(vessel), out);
                registers.track(engine, small(vessel), out);
            }),
            Self::Registers(range) => {
                let count = steps(engine);
                range.for_each(|index| register(engine, Part { index, count }, out, truth));
            }
            Self::Consignments(range) => range.for_each(|number| {
                let consignment = engine.consignment(number);
                engine.emit(&consignment, out);
                truth.label(engine, &consignment);
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_everything_once() {
        for total in [0, 1, 7, 1000, u64::MAX / 2] {
            let mut next = 0;
            for index in 0..7 {
                let range = Part { index, count: 7 }.of(total);
                assert_eq!(range.start, next);
                next = range.end;
            }
            assert_eq!(next, total);
        }
        assert_eq!(Part::parse("3/4"), Some(Part { index: 3, count: 4 }));
        for bad in ["4/4", "1", "a/b", "-1/2", "0/0", ""] {
            assert_eq!(Part::parse(bad), None, "{bad}");
        }
    }
}
