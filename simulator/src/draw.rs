//! From random numbers to values: tables to draw from, and the normal and lognormal laws. Only arithmetic that
//! IEEE 754 fixes, and `libm`'s exponential, so that a draw is the same number on every CPU.

use std::num::NonZeroU64;

use crate::rng::Cell;

/// Draws one of several things by weight in constant time (A. J. Walker, 1977; construction of M. D. Vose,
/// "A Linear Algorithm for Generating Random Numbers with a Given Distribution", 1991).
#[derive(Debug, Clone)]
pub struct Alias {
    columns: Vec<(u32, u32)>,
}

impl Alias {
    /// A table over weights, none negative and at least one positive; `None` for others.
    pub fn new(weights: &[f64]) -> Option<Self> {
        let total: f64 = weights.iter().sum();
        let bad = weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0);
        if bad || total <= 0.0 || weights.len() > 1 << 31 {
            return None;
        }
        let scale = count(weights.len()) / total;
        let mut share: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
        let mut columns: Vec<(u32, u32)> =
            (0..).take(share.len()).map(|at| (u32::MAX, at)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..share.len()).partition(|at| share.get(*at).is_some_and(|share| *share < 1.0));
        while let (Some(less), Some(more)) = (small.pop(), large.last().copied()) {
            let part = share.get(less).copied().unwrap_or_default();
            if let (Some(column), Ok(other)) = (columns.get_mut(less), u32::try_from(more)) {
                *column = (threshold(part), other);
            }
            if let Some(rest) = share.get_mut(more) {
                *rest -= 1.0 - part;
                if *rest < 1.0 {
                    large.pop();
                    small.push(more);
                }
            }
        }
        Some(Self { columns })
    }

    /// Which one: the high half of the bits says the column, the low half on which side of it.
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    pub fn pick(&self, bits: u64) -> usize {
        let column = ((bits >> 32) * self.columns.len() as u64) >> 32;
        match self.columns.get(column as usize) {
            Some((below, other)) if bits as u32 > *below => *other as usize,
            _ => column as usize,
        }
    }

    /// How many there are to draw from.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Never: a table has at least one column.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of u32::MAX")]
fn threshold(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * f64::from(u32::MAX)) as u32
}

#[expect(clippy::cast_precision_loss, reason = "tables have fewer than 2^31 columns")]
fn count(length: usize) -> f64 {
    length as f64
}

/// The standard normal quantile of a probability (M. J. Wichura, algorithm AS 241, PPND16, Applied Statistics
/// 37 (1988); about 16 digits). Zero and one are taken as the nearest numbers inside.
pub fn normal(probability: f64) -> f64 {
    let probability = probability.clamp(1e-300, 1.0 - f64::EPSILON / 2.0);
    let q = probability - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(r, &MIDDLE);
    }
    let tail = if q < 0.0 { probability } else { 1.0 - probability };
    let r = libm::sqrt(-libm::log(tail));
    let value = if r <= 5.0 { ratio(r - 1.6, &NEAR) } else { ratio(r - 5.0, &FAR) };
    if q < 0.0 { -value } else { value }
}

/// Numerator and denominator, highest power first.
type Ratio = ([f64; 8], [f64; 8]);

fn ratio(x: f64, (above, below): &Ratio) -> f64 {
    let value = |coefficients: &[f64; 8]| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    value(above) / value(below)
}

#[expect(clippy::excessive_precision, clippy::unreadable_literal, reason = "as printed in AS 241")]
const MIDDLE: Ratio = (
    [
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ],
    [
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ],
);
#[expect(clippy::excessive_precision, clippy::unreadable_literal, reason = "as printed in AS 241")]
const NEAR: Ratio = (
    [
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ],
    [
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940e0,
        2.05319162663775882187e0,
        1.0,
    ],
);
#[expect(clippy::excessive_precision, clippy::unreadable_literal, reason = "as printed in AS 241")]
const FAR: Ratio = (
    [
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580e0,
        5.46378491116411436990e0,
        6.65790464350110377720e0,
    ],
    [
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ],
);

/// A lognormal law by its median and the standard deviation of its logarithm.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogNormal {
    /// Half of all values lie below.
    pub median: f64,
    /// Standard deviation of the natural logarithm.
    pub sigma: f64,
}

impl LogNormal {
    /// The value below which this share of all values lies.
    pub fn at(self, probability: f64) -> f64 {
        self.median * libm::exp(self.sigma * normal(probability))
    }
}

/// What a cell is asked for beside plain bits.
impl Cell {
    /// True in this share of all rows.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// A number from `low` up to and without `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number from `low` up to and with `high`; `low` where they are the wrong way round.
    pub fn whole(&mut self, low: i64, high: i64) -> i64 {
        let span =
            u64::try_from(high.saturating_sub(low)).ok().and_then(|span| span.checked_add(1));
        let below = span.and_then(NonZeroU64::new).map_or(0, |span| self.below(span));
        low.saturating_add(i64::try_from(below).unwrap_or(0))
    }

    /// A place in a list of this length; 0 in an empty one.
    pub fn place(&mut self, length: usize) -> usize {
        let bound = NonZeroU64::new(length as u64);
        bound.and_then(|bound| usize::try_from(self.below(bound)).ok()).unwrap_or(0)
    }

    /// A lognormal value.
    pub fn lognormal(&mut self, law: LogNormal) -> f64 {
        law.at(self.unit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Seed, Stream};

    #[test]
    fn quantiles_are_those_of_the_paper() {
        // Test values of AS 241.
        for (probability, expected) in [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_814),
            (1e-20, -9.262_340_089_798_408),
        ] {
            assert!((normal(probability) - expected).abs() < 1e-14, "{probability}");
            if probability > 1e-10 {
                assert!((normal(1.0 - probability) + expected).abs() < 1e-12, "{probability}");
            }
        }
        assert!(normal(0.0).is_finite() && normal(1.0).is_finite());
        assert!(normal(0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn an_alias_table_draws_by_weight() {
        let weights = [5.0, 0.0, 1.0, 3.0, 0.5, 0.5];
        let alias = Alias::new(&weights).unwrap();
        let stream = Stream::new(Seed(1), "alias");
        let mut counts = [0.0_f64; 6];
        for row in 0..200_000 {
            counts[alias.pick(stream.row(row).bits64())] += 1.0;
        }
        for (count, weight) in counts.iter().zip(weights) {
            assert!((count / 200_000.0 - weight / 10.0).abs() < 0.004, "{counts:?}");
        }
        assert!(counts[1] < 1.0);
    }

    #[test]
    fn weights_that_mean_nothing_are_refused() {
        for weights in [&[][..], &[0.0], &[1.0, -1.0], &[f64::NAN], &[f64::INFINITY, 1.0]] {
            assert!(Alias::new(weights).is_none(), "{weights:?}");
        }
    }

    #[test]
    fn a_lognormal_has_its_median_and_spread() {
        let law = LogNormal { median: 30.0, sigma: 0.66 };
        let stream = Stream::new(Seed(2), "lognormal");
        let mut values: Vec<f64> = (0..20_000).map(|row| stream.row(row).lognormal(law)).collect();
        values.sort_by(f64::total_cmp);
        assert!((values[10_000] / 30.0 - 1.0).abs() < 0.02, "{}", values[10_000]);
        // 95 of 100 lie below median x exp(1.645 sigma).
        assert!((values[19_000] / 88.8 - 1.0).abs() < 0.05, "{}", values[19_000]);
    }

    #[test]
    fn whole_numbers_keep_their_ends() {
        let mut cell = Stream::new(Seed(3), "whole").row(0);
        let drawn: std::collections::BTreeSet<i64> = (0..500).map(|_| cell.whole(-2, 3)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [-2, -1, 0, 1, 2, 3]);
        assert_eq!(cell.whole(5, 4), 5);
        assert_eq!(cell.place(0), 0);
    }
}
