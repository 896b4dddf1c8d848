//! Where a ship was, as a view has it: its own signals in the order of time, the stops that it made between two
//! passages, and its silences. For the schemes at sea.

use super::columns::TRACK;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Place};
use crate::table::Table;
use crate::world::geo::Point;

/// Seconds of a day.
pub const DAY: f64 = 86_400.0;
/// Slower than this a ship lies still, knots.
const STILL: f64 = 0.5;

/// A position of a ship.
#[derive(Debug, Clone, Copy)]
pub struct Fix {
    /// Its row.
    pub at: At,
    /// When, seconds since 1970.
    pub seconds: f64,
    /// Where.
    pub point: Option<Point>,
    /// How fast, knots.
    pub knots: Option<f64>,
    /// How deep, centimetres.
    pub draught: Option<f64>,
    /// When it was heard before, where it was not for a while.
    pub silent_since: Option<f64>,
}

impl Fix {
    /// What a row says.
    pub fn of(look: &Look, at: At) -> Option<Self> {
        let t = &*TRACK;
        let point = look.number(at, t.latitude).zip(look.number(at, t.longitude));
        Some(Self {
            at,
            seconds: look.number(at, t.at)?,
            point: point.map(|(lat, lon)| Point { lat, lon }),
            knots: look.number(at, t.speed),
            draught: look.number(at, t.draught_cm),
            silent_since: look.number(at, t.silent_since),
        })
    }

    fn still(&self) -> bool {
        self.knots.is_some_and(|knots| knots < STILL)
    }

    /// Nautical miles to another.
    pub fn miles_to(&self, other: &Self) -> Option<f64> {
        Some(self.point?.miles_to(other.point?))
    }
}

/// Whether a ship sent a position itself.
pub fn is_signal(look: &Look, at: At) -> Option<bool> {
    look.text(at, TRACK.source).map(|source| source.starts_with("AIS"))
}

/// Whether a row is a signal of a ship of no liner service: those are followed by satellite.
pub fn is_followed(look: &Look, at: At) -> bool {
    look.text(at, TRACK.source).is_some_and(|source| source == "AIS_SATELLITE")
}

/// The signals of a ship that a cell names within some days after a moment, in the order of time; the cell's own row
/// among them, where it is one.
pub fn signals(look: &Look, ship: (At, Place), from: f64, (least, most): (f64, f64)) -> Vec<Fix> {
    let t = &*TRACK;
    let own = Some(ship.0).filter(|at| at.table == Table::Track);
    let mut all: Vec<Fix> = own
        .into_iter()
        .chain(look.linked(ship, (Table::Track, t.vessel_imo), Alike::Exactly))
        .filter(|row| is_signal(look, *row) == Some(true))
        .filter_map(|row| Fix::of(look, row))
        .filter(|fix| (least..most).contains(&((fix.seconds - from) / DAY)))
        .collect();
    all.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    all
}

/// A stop between two passages.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// Its first position.
    pub first: Fix,
    /// Hours from the first to the last position there.
    pub hours: f64,
    /// How much deeper the ship lies after it, centimetres.
    pub deeper: Option<f64>,
    /// Whether it was silent on the way there or there.
    pub silent: bool,
}

/// The longest stop between the first passage and the last.
pub fn stop(way: &[Fix]) -> Option<Stop> {
    let first = way.iter().position(|fix| !fix.still())?;
    let last = way.iter().rposition(|fix| !fix.still())?;
    let between = way.get(first..=last)?;
    let still = between.chunk_by(|one, other| one.still() == other.still());
    let stops = still.filter(|run| run.first().is_some_and(Fix::still));
    let all = stops.filter_map(|run| {
        let (from, until) = (run.first()?, run.last()?);
        let before = way.get(first)?.draught;
        Some(Stop {
            first: *from,
            hours: (until.seconds - from.seconds) / 3600.0,
            deeper: way.get(last)?.draught.zip(before).map(|(last, first)| last - first),
            silent: run.iter().any(|fix| fix.silent_since.is_some()),
        })
    });
    super::best(all, |stop| stop.hours)
}

/// A silence.
#[derive(Debug, Clone, Copy)]
pub struct Silence {
    /// The position after it.
    pub after: Fix,
    /// How long.
    pub hours: f64,
    /// How much deeper the ship lies after it, centimetres.
    pub deeper: Option<f64>,
    /// How far it went meanwhile, nautical miles.
    pub miles: Option<f64>,
}

/// The silences of a way, each between two positions.
pub fn silences(way: &[Fix]) -> Vec<Silence> {
    let pairs = way.iter().zip(way.iter().skip(1));
    pairs
        .filter_map(|(before, after)| {
            let since = after.silent_since?;
            Some(Silence {
                after: *after,
                hours: (after.seconds - since) / 3600.0,
                deeper: after.draught.zip(before.draught).map(|(after, before)| after - before),
                miles: before.miles_to(after),
            })
        })
        .collect()
}

/// Nautical miles to the nearest other ship that sends at the same moment.
pub fn nearest_other(look: &Look, fix: &Fix) -> Option<f64> {
    let t = &*TRACK;
    look.linked((fix.at, t.at), (Table::Track, t.at), Alike::Exactly)
        .filter(|row| {
            look.same((*row, t.vessel_imo), (fix.at, t.vessel_imo), Alike::Exactly) == Some(false)
        })
        .filter_map(|row| Fix::of(look, row)?.miles_to(fix))
        .reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(knots: &[(f64, f64, f64, bool)]) -> Vec<Fix> {
        let fix = |(hours, knots, draught, silent): &(f64, f64, f64, bool)| Fix {
            at: At { table: Table::Track, row: 0 },
            seconds: hours * 3600.0,
            point: Some(Point::default()),
            knots: Some(*knots),
            draught: Some(*draught),
            silent_since: silent.then_some((hours - 12.0) * 3600.0),
        };
        knots.iter().map(fix).collect()
    }

    #[test]
    fn a_stop_lies_between_two_passages_and_berths_at_both_ends_are_none() {
        let berths = [(0.0, 0.0, 700.0, false), (6.0, 12.0, 1100.0, false)];
        let ends = [(24.0, 11.0, 1160.0, false), (30.0, 0.0, 700.0, false)];
        assert!(stop(&way(&[berths, ends].concat())).is_none());
        let calls = [(12.0, 0.0, 1100.0, false), (18.0, 0.0, 1160.0, false)];
        let found = stop(&way(&[&berths[..], &calls, &ends].concat())).unwrap();
        assert!((found.hours - 6.0).abs() < 1e-9 && !found.silent);
        assert!((found.deeper.unwrap() - 60.0).abs() < 1e-9);
    }

    #[test]
    fn a_silence_is_told_by_the_position_after_it() {
        let found = silences(&way(&[
            (0.0, 12.0, 1000.0, false),
            (12.0, 12.0, 1250.0, true),
            (18.0, 12.0, 1250.0, false),
        ]));
        let [found] = &found[..] else { panic!("{found:?}") };
        assert!((found.hours - 12.0).abs() < 1e-9);
        assert!((found.deeper.unwrap() - 250.0).abs() < 1e-9);
    }
}
