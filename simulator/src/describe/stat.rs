//! Statistics that the measures need: moments, ranks, quantiles, areas under curves, distances of distributions.

/// Means, variances and correlation of two variables, one pass (B. P. Welford, 1962).
#[derive(Debug, Clone, Copy, Default)]
pub struct Moments {
    count: f64,
    mean: (f64, f64),
    square: (f64, f64),
    product: f64,
}

impl Moments {
    /// Takes a pair.
    pub fn put(&mut self, x: f64, y: f64) {
        self.count += 1.0;
        let (dx, dy) = (x - self.mean.0, y - self.mean.1);
        self.mean.0 += dx / self.count;
        self.mean.1 += dy / self.count;
        self.square.0 += dx * (x - self.mean.0);
        self.square.1 += dy * (y - self.mean.1);
        self.product += dx * (y - self.mean.1);
    }

    /// Both means.
    pub fn means(&self) -> Option<(f64, f64)> {
        (self.count > 0.0).then_some(self.mean)
    }

    /// Both standard deviations.
    pub fn deviations(&self) -> Option<(f64, f64)> {
        let deviation = |square: f64| libm::sqrt(square / (self.count - 1.0));
        (self.count > 1.0).then(|| (deviation(self.square.0), deviation(self.square.1)))
    }

    /// Pearson's correlation.
    pub fn correlation(&self) -> Option<f64> {
        let scale = libm::sqrt(self.square.0 * self.square.1);
        (scale > 0.0).then(|| self.product / scale)
    }

    /// Slope of the second on the first by least squares.
    pub fn slope(&self) -> Option<f64> {
        (self.square.0 > 0.0).then(|| self.product / self.square.0)
    }
}

/// Area under the receiver operating characteristic: the chance that a true row scores above a false one, ties
/// counting half (H. B. Mann, D. R. Whitney, 1947). None without rows of both kinds.
pub fn auc(mut scored: Vec<(f64, bool)>) -> Option<f64> {
    scored.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut below, mut ranks, mut trues) = (0.0, 0.0, 0.0);
    for tied in scored.chunk_by(|(a, _), (b, _)| a.total_cmp(b).is_eq()) {
        let count = tied.len() as f64;
        let of_true = tied.iter().filter(|(_, truth)| *truth).count() as f64;
        ranks += of_true * (below + (count + 1.0) / 2.0);
        trues += of_true;
        below += count;
    }
    let falses = below - trues;
    (trues > 0.0 && falses > 0.0).then(|| (ranks - trues * (trues + 1.0) / 2.0) / (trues * falses))
}

/// Sorts, so that quantiles and shares can be taken.
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The value below which a share of sorted values lies.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = crate::calendar::whole(share * sorted.len() as f64);
    sorted.get(usize::try_from(place).ok()?.min(sorted.len().checked_sub(1)?)).copied()
}

/// What the largest share of sorted values have of their sum: at least one of them.
pub fn top_share(sorted: &[f64], share: f64) -> Option<f64> {
    let count = crate::calendar::whole(share * sorted.len() as f64).max(1);
    let total: f64 = sorted.iter().sum();
    let top: f64 = sorted.iter().rev().take(usize::try_from(count).ok()?).sum();
    (total > 0.0).then(|| top / total)
}

/// Slope of ln frequency on ln rank by least squares, of what was seen at least three times: so measured, the
/// Korean declarations have -1.054 for HS6 codes and -1.013 for declarants.
pub fn rank_slope(ranked: &[f64]) -> Option<f64> {
    let mut moments = Moments::default();
    for (rank, count) in (1_u32..).zip(ranked.iter().take_while(|count| **count >= 3.0)) {
        moments.put(libm::log(f64::from(rank)), libm::log(*count));
    }
    moments.slope()
}

/// Largest distance of the empirical distribution of sorted values to a law (A. N. Kolmogorov, 1933).
pub fn distance(sorted: &[f64], law: impl Fn(f64) -> f64) -> Option<f64> {
    let count = sorted.len() as f64;
    let mut far: f64 = 0.0;
    let mut below = 0.0;
    // Values that are alike make one step: where a law has an atom, neither side of it counts against it.
    for tied in sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()) {
        let value = tied.first().copied().unwrap_or_default();
        let after = below + tied.len() as f64;
        let here = law(value);
        far = far.max((after / count - here).abs());
        if tied.len() == 1 {
            far = far.max((here - below / count).abs());
        }
        below = after;
    }
    (count > 0.0).then_some(far)
}

/// The same of counts in classes to shares: largest distance of the sums up to each class.
pub fn class_distance(counted: &[f64], declared: &[f64]) -> Option<f64> {
    let (all, whole): (f64, f64) = (counted.iter().sum(), declared.iter().sum());
    let (mut a, mut b, mut far) = (0.0, 0.0, 0.0_f64);
    for (count, share) in counted.iter().zip(declared) {
        a += count / all;
        b += share / whole;
        far = far.max((a - b).abs());
    }
    (all > 0.0 && whole > 0.0).then_some(far)
}

/// The standard normal distribution function (by the complementary error function of `libm`).
pub fn normal_below(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// Counts of values in bins of one width.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// Where the first bin begins.
    pub low: f64,
    /// Width of a bin.
    pub step: f64,
    /// Counts; what lies outside counts in the first or last.
    pub bins: Vec<f64>,
}

impl Histogram {
    /// Bins from `low` on.
    pub fn new(low: f64, step: f64, bins: usize) -> Self {
        Self { low, step, bins: vec![0.0; bins] }
    }

    /// Takes a value.
    pub fn put(&mut self, value: f64) {
        let last = self.bins.len().saturating_sub(1);
        let place = crate::calendar::whole((value - self.low) / self.step).max(0);
        if let Some(bin) = self.bins.get_mut(usize::try_from(place).unwrap_or(last).min(last)) {
            *bin += 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::normal;

    #[test]
    fn areas_are_those_of_counted_pairs() {
        let scored = [(0.1, false), (0.4, true), (0.4, false), (0.8, true), (0.9, false)];
        let mut pairs = 0.0;
        for (a, _) in scored.iter().filter(|(_, truth)| *truth) {
            for (b, _) in scored.iter().filter(|(_, truth)| !truth) {
                pairs += if a > b {
                    1.0
                } else if a < b {
                    0.0
                } else {
                    0.5
                };
            }
        }
        assert!((auc(scored.to_vec()).unwrap() - pairs / 6.0).abs() < 1e-12);
        assert_eq!(auc(vec![(1.0, true)]), None);
        assert_eq!(auc(vec![(0.0, true), (0.0, false)]), Some(0.5));
    }

    #[test]
    fn moments_of_a_line_are_its_own() {
        let mut moments = Moments::default();
        (0..100).for_each(|x| moments.put(f64::from(x), 3.0 - 2.0 * f64::from(x)));
        assert!((moments.slope().unwrap() + 2.0).abs() < 1e-12);
        assert!((moments.correlation().unwrap() + 1.0).abs() < 1e-12);
        assert!((moments.means().unwrap().0 - 49.5).abs() < 1e-12);
        assert!((moments.deviations().unwrap().0 - 29.011_491_975).abs() < 1e-6);
    }

    #[test]
    fn zipf_has_its_slope_and_rare_things_do_not_count() {
        let mut ranked: Vec<f64> = (1..=1000).map(|rank| 1e6 / f64::from(rank)).collect();
        assert!((rank_slope(&ranked).unwrap() + 1.0).abs() < 1e-9);
        ranked.extend([1.0; 5000]);
        assert!((rank_slope(&ranked).unwrap() + 1.0).abs() < 1e-9);
    }

    #[test]
    fn distances_tell_a_law_from_another() {
        let values: Vec<f64> = (0..1000).map(|n| normal((f64::from(n) + 0.5) / 1000.0)).collect();
        assert!(distance(&values, normal_below).unwrap() < 0.0006);
        let shifted = distance(&values, |z| normal_below(z - 0.1)).unwrap();
        assert!((shifted - 0.0399).abs() < 0.001, "{shifted}");
        assert!((class_distance(&[10.0, 30.0], &[0.5, 0.5]).unwrap() - 0.25).abs() < 1e-12);
        assert_eq!(class_distance(&[0.0], &[1.0]), None);
    }

    #[test]
    fn shares_and_quantiles_are_of_sorted_values() {
        let values = sorted((1..=100).rev().map(f64::from).collect());
        assert_eq!(quantile(&values, 0.95), Some(96.0));
        assert!((top_share(&values, 0.01).unwrap() - 100.0 / 5050.0).abs() < 1e-12);
        assert_eq!((quantile(&[], 0.5), top_share(&[], 0.5)), (None, None));
        let mut histogram = Histogram::new(0.0, 1.0, 3);
        [-5.0, 0.5, 2.5, 99.0].iter().for_each(|value| histogram.put(*value));
        assert_eq!(histogram.bins, [2.0, 0.0, 2.0]);
    }
}
