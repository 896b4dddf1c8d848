//! How good a detector is on worlds that it has not learned from.

use serde::Serialize;

use super::calibration::{Calibration, Scored};

/// Share of what there is to look at that an agency has the hands for.
pub const CAPACITY: f64 = 0.05;
/// Edges of the reliability table.
const EDGES: [f64; 7] = [0.0, 0.01, 0.05, 0.2, 0.5, 0.9, 1.0];

/// A line of the reliability table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Bin {
    /// Posteriors from here.
    pub from: f64,
    /// Posteriors below this.
    pub to: f64,
    /// Candidates, each as many as it stands for.
    pub weight: f64,
    /// Their mean posterior.
    pub predicted: f64,
    /// Share of them that are true.
    pub observed: f64,
}

/// A detector's quality.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Quality {
    /// True candidates that it was measured on.
    pub true_candidates: usize,
    /// Share of true ones among all.
    pub share: f64,
    /// Brier score of the posterior.
    pub brier: f64,
    /// Brier score of who gives everybody the share.
    pub brier_of_share: f64,
    /// Share of the true ones among the likeliest of [`CAPACITY`], over what chance finds there.
    pub lift: f64,
    /// The same by the rules alone.
    pub lift_of_rules: f64,
    /// Lift among rows that look like a case: those of cases, decoys and fraud.
    pub lift_among_like: f64,
    /// How many such rows there are for each true one.
    pub like_for_each: f64,
    /// Predicted against observed.
    pub reliability: Vec<Bin>,
}

impl Quality {
    /// Measures.
    pub fn of(calibration: &Calibration, scored: &[Scored]) -> Self {
        let total: f64 = scored.iter().map(|one| one.weight).sum();
        let yes: f64 = scored.iter().filter(|one| one.is_true).map(|one| one.weight).sum();
        let share = yes / total.max(1e-9);
        let mut bins: Vec<Bin> = EDGES
            .iter()
            .zip(EDGES.iter().skip(1))
            .map(|(from, to)| Bin { from: *from, to: *to, ..Bin::default() })
            .collect();
        let (mut brier, mut of_share) = (0.0, 0.0);
        for one in scored {
            let posterior = calibration.posterior(one.score);
            let truth = f64::from(u8::from(one.is_true));
            brier += one.weight * (posterior - truth) * (posterior - truth);
            of_share += one.weight * (share - truth) * (share - truth);
            if let Some(bin) = bins.iter_mut().rev().find(|bin| posterior >= bin.from) {
                bin.weight += one.weight;
                bin.predicted += one.weight * posterior;
                bin.observed += one.weight * truth;
            }
        }
        for bin in &mut bins {
            bin.predicted /= bin.weight.max(1e-9);
            bin.observed /= bin.weight.max(1e-9);
        }
        let by = |like: bool, score: fn(&Scored) -> f64| {
            let of = scored.iter().filter(|one| !like || one.is_like || one.is_true);
            lift(of.map(|one| (score(one), one.weight, one.is_true)).collect())
        };
        let like = scored.iter().filter(|one| one.is_like && !one.is_true);
        // Beginning from 0, because an empty sum is -0.
        let like = like.fold(0.0, |sum, one| sum + one.weight);
        Self {
            true_candidates: scored.iter().filter(|one| one.is_true).count(),
            share,
            brier: brier / total.max(1e-9),
            brier_of_share: of_share / total.max(1e-9),
            lift: by(false, |one| one.score),
            lift_of_rules: by(false, |one| f64::from(one.rules)),
            like_for_each: like / yes.max(1e-9),
            lift_among_like: by(true, |one| one.score),
            reliability: bins,
        }
    }
}

/// Lift at [`CAPACITY`] of (score, weight, true). Of equals, as many are looked at as there is room for.
fn lift(mut points: Vec<(f64, f64, bool)>) -> f64 {
    points.sort_by(|one, other| other.0.total_cmp(&one.0));
    let total: f64 = points.iter().map(|point| point.1).sum();
    let all: f64 = points.iter().filter(|point| point.2).map(|point| point.1).sum();
    let (mut room, mut found) = (CAPACITY * total, 0.0);
    for equals in points.chunk_by(|one, other| one.0.total_cmp(&other.0).is_eq()) {
        let weight: f64 = equals.iter().map(|point| point.1).sum();
        let yes: f64 = equals.iter().filter(|point| point.2).map(|point| point.1).sum();
        let share = (room / weight.max(1e-9)).min(1.0);
        found += yes * share;
        room -= weight;
        if room <= 0.0 {
            break;
        }
    }
    found / all.max(1e-9) / CAPACITY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lift_is_one_by_chance_and_twenty_when_all_are_found_first() {
        let points = |score: fn(u32) -> f64| -> Vec<(f64, f64, bool)> {
            (0..1000).map(|at| (score(at), 1.0, at % 100 == 0)).collect()
        };
        assert!((lift(points(|_| 0.5)) - 1.0).abs() < 1e-9);
        assert!((lift(points(|at| f64::from(u8::from(at % 100 == 0)))) - 20.0).abs() < 1e-9);
        assert!(lift(points(|at| f64::from(u8::from(at % 100 != 0)))) < 1e-9);
    }
}
