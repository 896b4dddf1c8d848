//! Where in the stream of consignments a case has its own: by formula, without a list of cases, so that memory
//! does not grow with the world and any worker knows of any consignment what it belongs to.
//!
//! The world's consignments stand in the order of time. They are cut into blocks of a few; blocks are dealt
//! to *lanes* like cards, so that a lane has one block in each of 64 steps of the period. A lane plays
//! one case at a time, 16 steps long, and starts anywhere; a case therefore has 16 x (size of a block)
//! consignments that are nobody else's, spread over a quarter of the period. Which of them a case uses is its
//! own affair: what it leaves is ordinary trade.

use crate::rng::{Seed, Stream};

/// Steps of the whole period.
pub const PERIOD_STEPS: u64 = 64;
/// Steps of a case.
pub const CASE_STEPS: u64 = 16;
/// Cases that a lane plays one after the other: one less than fit, because it starts anywhere.
const CASES_PER_LANE: u64 = PERIOD_STEPS / CASE_STEPS - 1;

/// A range cut into as many pieces as wanted, all of one size or one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pieces {
    length: u64,
    pieces: u64,
}

impl Pieces {
    /// So many pieces; none where there is less than one number for each.
    pub fn new(length: u64, pieces: u64) -> Self {
        Self { length, pieces: if pieces <= length { pieces } else { 0 } }
    }

    /// How many pieces there are.
    pub fn count(&self) -> u64 {
        self.pieces
    }

    /// Where a piece begins.
    pub fn start(&self, piece: u64) -> u64 {
        narrow(u128::from(piece) * u128::from(self.length) / u128::from(self.pieces.max(1)))
    }

    /// Which piece a number lies in.
    pub fn of(&self, number: u64) -> u64 {
        let above = (u128::from(number) + 1) * u128::from(self.pieces);
        narrow(above.div_ceil(u128::from(self.length.max(1))).saturating_sub(1))
    }

    /// Numbers that every piece has at least.
    pub fn size(&self) -> u64 {
        self.length.checked_div(self.pieces).unwrap_or(0)
    }
}

fn narrow(wide: u128) -> u64 {
    u64::try_from(wide).unwrap_or(u64::MAX)
}

/// A consignment's place in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which case.
    pub case: u64,
    /// Which step of it, below [`CASE_STEPS`].
    pub step: u64,
    /// Which consignment of the step, below [`Lanes::width`].
    pub spot: u64,
}

/// Too many cases for so few consignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{cases} cases need at least {needed} consignments, there are {consignments}")]
pub struct TooFew {
    /// Cases and decoys wanted.
    pub cases: u64,
    /// Consignments there are.
    pub consignments: u64,
    /// Consignments they need.
    pub needed: u64,
}

/// The lanes of a world.
#[derive(Debug, Clone)]
pub struct Lanes {
    cases: u64,
    lanes: u64,
    blocks: Pieces,
    shift: Stream,
    turn: Stream,
}

impl Lanes {
    /// Least consignments of a block: so that a case of 40 consignments finds its place.
    pub const MIN_WIDTH: u64 = 3;

    /// Lanes for so many cases among so many consignments.
    ///
    /// # Errors
    /// When a case would have fewer than [`Lanes::MIN_WIDTH`] consignments a step.
    pub fn new(seed: Seed, consignments: u64, cases: u64) -> Result<Self, TooFew> {
        let lanes = cases.div_ceil(CASES_PER_LANE);
        let needed = lanes.saturating_mul(PERIOD_STEPS * Self::MIN_WIDTH);
        if needed > consignments {
            return Err(TooFew { cases, consignments, needed });
        }
        Ok(Self {
            cases,
            lanes,
            blocks: Pieces::new(consignments, lanes * PERIOD_STEPS),
            shift: Stream::new(seed, "lanes.shift"),
            turn: Stream::new(seed, "lanes.turn"),
        })
    }

    /// How many cases there are.
    pub fn cases(&self) -> u64 {
        self.cases
    }

    /// Consignments that a case has in each step.
    pub fn width(&self) -> u64 {
        self.blocks.size()
    }

    /// The case that a consignment may belong to.
    pub fn place(&self, consignment: u64) -> Option<Place> {
        if self.lanes == 0 {
            return None;
        }
        let block = self.blocks.of(consignment);
        let within = consignment - self.blocks.start(block);
        if within >= self.width() {
            return None;
        }
        let (time, lane) = (block / self.lanes, block % self.lanes);
        let (episode, step) = {
            let step = time.checked_sub(self.lane_shift(lane))?;
            (step / CASE_STEPS, step % CASE_STEPS)
        };
        let case = episode * self.lanes + lane;
        if episode >= CASES_PER_LANE || case >= self.cases {
            return None;
        }
        let spot = (within + self.width() - self.turned(block)) % self.width();
        Some(Place { case, step, spot })
    }

    /// The consignment at a place; `None` where there is no such place.
    pub fn consignment(&self, place: Place) -> Option<u64> {
        if place.case >= self.cases || place.step >= CASE_STEPS || place.spot >= self.width() {
            return None;
        }
        let (episode, lane) = (place.case / self.lanes, place.case % self.lanes);
        let time = self.lane_shift(lane) + episode * CASE_STEPS + place.step;
        let block = time * self.lanes + lane;
        Some(self.blocks.start(block) + (place.spot + self.turned(block)) % self.width())
    }

    /// Whole steps a lane waits before its first case, below [`CASE_STEPS`].
    fn lane_shift(&self, lane: u64) -> u64 {
        self.shift.row(lane).bits64() % CASE_STEPS
    }

    /// Spots are turned round within each block, so that they say nothing.
    fn turned(&self, block: u64) -> u64 {
        self.turn.row(block).bits64() % self.width().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_range_without_gaps() {
        for (length, count) in [(10, 3), (1000, 7), (64, 64), (1_000_003, 4096), (5, 1)] {
            let pieces = Pieces::new(length, count);
            for piece in 0..count {
                let (start, end) = (pieces.start(piece), pieces.start(piece + 1));
                assert!(end - start == pieces.size() || end - start == pieces.size() + 1);
                assert!((start..end).all(|number| pieces.of(number) == piece), "{length}/{count}");
            }
        }
        assert_eq!(Pieces::new(3, 4).count(), 0);
    }

    #[test]
    fn every_case_has_consignments_of_its_own() {
        for (consignments, cases) in [(192, 3), (5_000, 34), (40_000, 300), (100_000, 1)] {
            let lanes = Lanes::new(Seed(11), consignments, cases).unwrap();
            let mut owner = vec![None; usize::try_from(consignments).unwrap()];
            for case in 0..cases {
                let mut last = 0;
                for step in 0..CASE_STEPS {
                    for spot in 0..lanes.width() {
                        let place = Place { case, step, spot };
                        let consignment = lanes.consignment(place).unwrap();
                        assert_eq!(lanes.place(consignment), Some(place));
                        let taken = owner[usize::try_from(consignment).unwrap()].replace(case);
                        assert_eq!(taken, None, "{consignment} twice");
                        assert!(spot > 0 || step == 0 || consignment > last, "steps go with time");
                        last = if spot == 0 { consignment } else { last };
                    }
                }
            }
            // And a consignment outside of all cases says so.
            let outside =
                (0..consignments).filter(|c| owner[usize::try_from(*c).unwrap()].is_none());
            assert!(outside.map(|c| lanes.place(c)).all(|place| place.is_none()));
        }
    }

    #[test]
    fn too_many_cases_are_refused_with_what_they_need() {
        let error = Lanes::new(Seed(1), 100, 10).unwrap_err();
        assert_eq!(error.to_string(), "10 cases need at least 768 consignments, there are 100");
        assert!(Lanes::new(Seed(1), 768, 10).is_ok());
        assert_eq!(Lanes::new(Seed(1), 10, 0).unwrap().place(3), None);
    }

    #[test]
    fn cases_start_all_over_the_period() {
        let lanes = Lanes::new(Seed(2), 100_000, 300).unwrap();
        let starts: Vec<u64> = (0..300)
            .map(|case| lanes.consignment(Place { case, step: 0, spot: 0 }).unwrap() * 64 / 100_000)
            .collect();
        for sixteenth in 0..12 {
            let range: std::ops::Range<u64> = sixteenth * 4..(sixteenth + 1) * 4;
            let there = starts.iter().filter(|start| range.contains(*start)).count();
            assert!(there > 5, "steps {range:?}: {there} of 300 cases");
        }
    }
}
