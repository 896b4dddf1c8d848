//! What there is to do, in the order in which it is written.

use std::ops::Range;

use crate::shipment::Engine;
use crate::shipment::registers::Registers;
use crate::table::Out;

use super::Truth;

/// Consignments of a step.
const STEP: u64 = 4;
/// Steps of a piece of work.
const STEPS: u64 = 1024;

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

    /// What its files are called, without their ending.
    pub fn name(self) -> String {
        format!("part-{:05}-of-{:05}", self.index, self.count)
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

/// A piece of work: a range of steps. Each step has a few consignments and its share of everything else: firms,
/// ships, licences, cases, background. What stands where in a table thus says nothing of what it belongs to, and
/// parts, one after the other, are the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece(Range<u64>);

fn steps(engine: &Engine) -> u64 {
    engine.consignments.div_ceil(STEP).max(1)
}

/// The work of a part. Concatenated over all parts it is the work of the whole, in other pieces.
pub fn pieces(engine: &Engine, part: Part) -> Vec<Piece> {
    let mut all = vec![];
    let Range { mut start, end } = part.of(steps(engine));
    while start < end {
        let next = (start + STEPS).min(end);
        all.push(Piece(start..next));
        start = next;
    }
    all
}

impl Piece {
    /// How many consignments it makes, to show progress.
    pub fn size(&self) -> u64 {
        (self.0.end - self.0.start) * STEP
    }

    /// Does it.
    pub fn make<O: Out>(
        &self,
        engine: &Engine,
        registers: &Registers,
        out: &mut O,
        truth: &mut Truth,
    ) {
        let Some(dirt) = &engine.dirt else { return self.clean(engine, registers, out, truth) };
        let mut dirty = dirt.over(out);
        self.clean(engine, registers, &mut dirty, truth);
        truth.dirt.extend(dirty.linkage);
    }

    fn clean<O: Out>(
        &self,
        engine: &Engine,
        registers: &Registers,
        out: &mut O,
        truth: &mut Truth,
    ) {
        let count = steps(engine);
        for index in self.0.clone() {
            step(engine, registers, Part { index, count }, out, truth);
            for number in index * STEP..((index + 1) * STEP).min(engine.consignments) {
                let consignment = engine.consignment(number);
                engine.emit(&consignment, out);
                truth.label(engine, &consignment);
            }
        }
    }
}

/// What a step has beside its consignments.
fn step<O: Out>(
    engine: &Engine,
    registers: &Registers,
    step: Part,
    out: &mut O,
    truth: &mut Truth,
) {
    let world = engine.world;
    let small = |number: u64| u32::try_from(number).unwrap_or_default();
    for firm in step.of(world.firms.len() as u64) {
        engine.put_firm(small(firm), true, out);
    }
    for vessel in step.of(world.vessels.len() as u64) {
        registers.vessel(engine, small(vessel), out);
        registers.track(engine, small(vessel), out);
    }
    for licence in step.of(engine.licences.count()) {
        engine.put_licence(&engine.licence(licence), None, out);
    }
    for number in step.of(engine.cases.count()) {
        let case = engine.cases.case(engine, number);
        case.records(engine, out);
        truth.case(engine, &case);
    }
    for (kind, count) in engine.background.counts(engine.consignments) {
        step.of(count).for_each(|number| engine.put_background(kind, number, out));
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

    #[test]
    fn parts_one_after_the_other_are_the_whole_in_every_table() {
        let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/packs/demo");
        let pack = crate::world::pack::Pack::read(pack.as_ref()).unwrap();
        let world = crate::world::World::build(pack, crate::rng::Seed(3)).unwrap();
        let request = crate::scheme::Request::by_rates(&world, 3_001);
        let cases = crate::scheme::Cases::new(&world, 3_001, request).unwrap();
        let engine = Engine::new(&world, 3_001, cases).unwrap();
        let registers = Registers::new(&engine);
        let make = |parts: u64| {
            let (mut tables, mut labels) = (vec![vec![]; crate::table::Table::ALL.len()], vec![]);
            for index in 0..parts {
                for piece in pieces(&engine, Part { index, count: parts }) {
                    let mut rows = crate::write::csv::Csv::default();
                    let mut truth = Truth::default();
                    piece.make(&engine, &registers, &mut rows, &mut truth);
                    for (table, rows) in tables.iter_mut().zip(rows.tables) {
                        table.extend(rows);
                    }
                    labels.extend([truth.cases, truth.traces, truth.labels].concat());
                }
            }
            (tables, labels.len())
        };
        let whole = make(1);
        for parts in [2, 3, 7] {
            assert!(make(parts) == whole, "{parts} parts");
        }
    }
}
