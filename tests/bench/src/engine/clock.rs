//! Time per record of several contestants, measured in turn so that what else the machine does meets all of
//! them alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// From a record to how many bytes came out.
type Work<'a> = dyn FnMut(&[u8]) -> usize + 'a;

/// Somebody who does something with a record and says how many bytes came out.
pub struct Contestant<'a> {
    /// As the table names it.
    pub name: String,
    /// The work.
    pub work: Box<Work<'a>>,
}

impl<'a> Contestant<'a> {
    /// Names a piece of work.
    pub fn new(name: impl Into<String>, work: impl FnMut(&[u8]) -> usize + 'a) -> Self {
        Self { name: name.into(), work: Box::new(work) }
    }
}

/// What was measured of one.
#[derive(Debug, Clone)]
pub struct Measured {
    /// As the table names it.
    pub name: String,
    /// Nanoseconds a record: the median round.
    pub median: f64,
    /// The quickest round.
    pub best: f64,
    /// Bytes that came out of a record, on average.
    pub bytes: f64,
}

/// Runs every contestant over all records, in `rounds` rounds of about `slice` each.
pub fn race(
    contestants: &mut [Contestant<'_>],
    records: &[Vec<u8>],
    rounds: usize,
    slice: Duration,
) -> Vec<Measured> {
    let mut laps = vec![];
    for contestant in contestants.iter_mut() {
        // One lap to warm up, one to see how many make a slice.
        lap(contestant, records);
        let once = lap(contestant, records).max(Duration::from_nanos(100));
        let laps_of_slice = slice.as_nanos() / once.as_nanos();
        laps.push(u32::try_from(laps_of_slice).unwrap_or(u32::MAX).max(1));
    }
    let mut times: Vec<Vec<f64>> = vec![vec![]; contestants.len()];
    for _ in 0..rounds {
        for ((contestant, laps), times) in contestants.iter_mut().zip(&laps).zip(&mut times) {
            let begun = now();
            for _ in 0..*laps {
                for record in records {
                    black_box((contestant.work)(black_box(record)));
                }
            }
            let each = begun.elapsed().as_nanos() as f64 / f64::from(*laps) / records.len() as f64;
            times.push(each);
        }
    }
    contestants
        .iter_mut()
        .zip(times)
        .map(|(contestant, mut times)| {
            times.sort_by(f64::total_cmp);
            let bytes: usize = records.iter().map(|record| (contestant.work)(record)).sum();
            Measured {
                name: contestant.name.clone(),
                median: times[times.len() / 2],
                best: times[0],
                bytes: bytes as f64 / records.len() as f64,
            }
        })
        .collect()
}

/// A benchmark reads the clock.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub fn now() -> Instant {
    Instant::now()
}

fn lap(contestant: &mut Contestant<'_>, records: &[Vec<u8>]) -> Duration {
    let begun = now();
    for record in records {
        black_box((contestant.work)(black_box(record)));
    }
    begun.elapsed()
}
