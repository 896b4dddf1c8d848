//! Gravity by Poisson pseudo-maximum likelihood with effects of exporters and importers.
//!
//! Estimator: J. M. C. Santos Silva, S. Tenreyro, "The Log of Gravity", Review of Economics and Statistics 88
//! (2006). Iteratively reweighted least squares; zeros stay in. Standard errors are robust to
//! heteroskedasticity (sandwich).

/// Variables of a pair besides the effects of its states: ln distance, shared border, agreement.
pub const VARIABLES: usize = 3;

/// Trade of one state to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Exporter, by number.
    pub from: usize,
    /// Importer, by number.
    pub to: usize,
    /// Value.
    pub value: f64,
    /// ln distance, shared border, agreement.
    pub variables: [f64; VARIABLES],
}

/// What was estimated.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Coefficients of the variables.
    pub coefficients: [f64; VARIABLES],
    /// Their standard errors.
    pub errors: [f64; VARIABLES],
    /// Fitted value of each pair.
    pub fitted: Vec<f64>,
}

/// Fits; `None` where the variables do not tell the pairs apart or it does not converge.
pub fn fit(pairs: &[Pair], states: usize) -> Option<Fit> {
    let total: f64 = pairs.iter().map(|pair| pair.value).sum();
    let mean = total / pairs.len() as f64;
    if mean.is_nan() || mean <= 0.0 {
        return None;
    }
    // A state that sells nothing, or buys nothing, has no effect that is finite: its pairs are left out.
    let (mut sells, mut buys) = (vec![0.0; states], vec![0.0; states]);
    for pair in pairs {
        *sells.get_mut(pair.from)? += pair.value;
        *buys.get_mut(pair.to)? += pair.value;
    }
    let trades = |pair: &&Pair| {
        sells.get(pair.from).is_some_and(|sum| *sum > 0.0)
            && buys.get(pair.to).is_some_and(|sum| *sum > 0.0)
    };
    let used: Vec<&Pair> = pairs.iter().filter(trades).collect();
    let design = Design::new(&used, states)?;
    let mut beta = vec![0.0; design.size];
    let mut mu: Vec<f64> = used.iter().map(|pair| (pair.value / mean + 1.0) / 2.0).collect();
    let mut last = f64::INFINITY;
    for round in 0..200 {
        let working: Vec<f64> = used
            .iter()
            .zip(&mu)
            .map(|(pair, mu)| libm::log(*mu) + (pair.value / mean - mu) / mu)
            .collect();
        let (matrix, right) = design.normal(&used, &mu, &working);
        beta = Cholesky::of(matrix, design.size)?.solve(&right);
        mu = used
            .iter()
            .map(|pair| libm::exp(design.predict(pair, &beta).clamp(-60.0, 60.0)))
            .collect();
        let deviance: f64 =
            used.iter().zip(&mu).map(|(pair, mu)| deviance(pair.value / mean, *mu)).sum();
        if (last - deviance).abs() < 1e-10 * (deviance.abs() + 0.1) {
            break;
        }
        if round == 199 || !deviance.is_finite() {
            return None;
        }
        last = deviance;
    }
    let errors = design.errors(&used, &mu, mean)?;
    let mut fitted = mu.into_iter().map(|mu| mu * mean);
    Some(Fit {
        coefficients: first(&beta),
        errors,
        fitted: pairs
            .iter()
            .map(|pair| if trades(&pair) { fitted.next().unwrap_or_default() } else { 0.0 })
            .collect(),
    })
}

fn first(values: &[f64]) -> [f64; VARIABLES] {
    let mut out = [0.0; VARIABLES];
    out.iter_mut().zip(values).for_each(|(out, value)| *out = *value);
    out
}

fn deviance(y: f64, mu: f64) -> f64 {
    let log = if y > 0.0 { y * libm::log(y / mu) } else { 0.0 };
    2.0 * (log - (y - mu))
}

/// Columns: the variables, an effect for each exporter that sells, one for each importer that buys but the first.
struct Design {
    size: usize,
    from: Vec<Option<usize>>,
    to: Vec<Option<usize>>,
}

impl Design {
    fn new(used: &[&Pair], states: usize) -> Option<Self> {
        let mut size = VARIABLES;
        let (mut from, mut to) = (vec![None; states], vec![None; states]);
        for pair in used {
            let slot = from.get_mut(pair.from)?;
            if slot.is_none() {
                *slot = Some(size);
                size += 1;
            }
        }
        let base = used.first()?.to;
        for pair in used.iter().filter(|pair| pair.to != base) {
            let slot = to.get_mut(pair.to)?;
            if slot.is_none() {
                *slot = Some(size);
                size += 1;
            }
        }
        (used.len() > size).then_some(Self { size, from, to })
    }

    /// Columns in which a pair is not zero.
    fn row(&self, pair: &Pair) -> impl Iterator<Item = (usize, f64)> + Clone {
        let effect = |slots: &[Option<usize>], state: usize| {
            slots.get(state).copied().flatten().map(|at| (at, 1.0))
        };
        let effects = [effect(&self.from, pair.from), effect(&self.to, pair.to)];
        pair.variables.into_iter().enumerate().chain(effects.into_iter().flatten())
    }

    fn predict(&self, pair: &Pair, beta: &[f64]) -> f64 {
        self.row(pair).map(|(at, x)| x * beta.get(at).copied().unwrap_or_default()).sum()
    }

    /// X'WX and X'Wz.
    fn normal(&self, used: &[&Pair], weights: &[f64], z: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut matrix = vec![0.0; self.size * self.size];
        let mut right = vec![0.0; self.size];
        for ((pair, weight), z) in used.iter().zip(weights).zip(z) {
            let row = self.row(pair);
            for (i, x) in row.clone() {
                if let Some(cell) = right.get_mut(i) {
                    *cell += weight * x * z;
                }
                for (j, y) in row.clone() {
                    if let Some(cell) = matrix.get_mut(i * self.size + j) {
                        *cell += weight * x * y;
                    }
                }
            }
        }
        (matrix, right)
    }

    fn errors(&self, used: &[&Pair], mu: &[f64], mean: f64) -> Option<[f64; VARIABLES]> {
        let zeros = vec![0.0; used.len()];
        let bread = Cholesky::of(self.normal(used, mu, &zeros).0, self.size)?;
        let squares: Vec<f64> =
            used.iter().zip(mu).map(|(pair, mu)| (pair.value / mean - mu).powi(2)).collect();
        let meat = self.normal(used, &squares, &zeros).0;
        let mut errors = [0.0; VARIABLES];
        for (variable, error) in errors.iter_mut().enumerate() {
            let mut unit = vec![0.0; self.size];
            *unit.get_mut(variable)? = 1.0;
            let slice = bread.solve(&unit);
            let mut sum = 0.0;
            for (row, x) in meat.chunks_exact(self.size).zip(&slice) {
                sum += x * row.iter().zip(&slice).map(|(cell, y)| cell * y).sum::<f64>();
            }
            *error = libm::sqrt(sum.max(0.0));
        }
        Some(errors)
    }
}

/// Lower triangle of a symmetric positive matrix's factor, row by row.
struct Cholesky {
    rows: Vec<Vec<f64>>,
}

impl Cholesky {
    fn of(matrix: Vec<f64>, size: usize) -> Option<Self> {
        let mut rows: Vec<Vec<f64>> = vec![];
        for (i, given) in matrix.chunks_exact(size).enumerate() {
            let scale = given.get(i).copied()?;
            let mut row: Vec<f64> = Vec::with_capacity(i + 1);
            for (value, other) in given.iter().zip(&rows) {
                let dot: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                row.push((value - dot) / other.last()?);
            }
            let rest = scale - row.iter().map(|a| a * a).sum::<f64>();
            if rest.is_nan() || rest <= 1e-11 * scale {
                return None;
            }
            row.push(libm::sqrt(rest));
            rows.push(row);
        }
        Some(Self { rows })
    }

    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut half: Vec<f64> = vec![];
        for (row, value) in self.rows.iter().zip(right) {
            let dot: f64 = row.iter().zip(&half).map(|(a, b)| a * b).sum();
            half.push((value - dot) / row.last().copied().unwrap_or(1.0));
        }
        // Backwards, taking each found value out of those before it.
        let mut found = vec![0.0; half.len()];
        for (row, slot) in self.rows.iter().zip(found.iter_mut()).rev() {
            let value = half.pop().unwrap_or_default() / row.last().copied().unwrap_or(1.0);
            half.iter_mut().zip(row).for_each(|(half, a)| *half -= a * value);
            *slot = value;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::normal;
    use crate::rng::{Seed, Stream};

    fn world(noise: f64) -> Vec<Pair> {
        let stream = Stream::new(Seed(4), "ppml");
        let states = 30_usize;
        let mut pairs = vec![];
        for from in 0..states {
            for to in (0..states).filter(|to| *to != from) {
                let row = (from.min(to) * states + from.max(to)) as u64;
                let mut cell = stream.row(row);
                let variables = [
                    cell.between(5.0, 9.0),
                    f64::from(u8::from(cell.chance(0.1))),
                    f64::from(u8::from(cell.chance(0.3))),
                ];
                let own = normal(stream.row((from * states + to) as u64 + 5000).unit());
                let log = 0.1 * from as f64 - 0.07 * to as f64 - 0.83 * variables[0]
                    + 0.42 * variables[1]
                    + 0.43 * variables[2]
                    + noise * own;
                let value =
                    if cell.chance(0.1) && noise > 0.0 { 0.0 } else { libm::exp(log + 9.0) };
                pairs.push(Pair { from, to, value, variables });
            }
        }
        pairs
    }

    #[test]
    fn what_follows_the_equation_gives_its_coefficients_back() {
        let pairs = world(0.0);
        let fit = fit(&pairs, 30).unwrap();
        for (found, wanted) in fit.coefficients.iter().zip([-0.83, 0.42, 0.43]) {
            assert!((found - wanted).abs() < 1e-5, "{found} for {wanted}");
        }
        let worst = fit.fitted.iter().zip(&pairs).map(|(a, b)| (a / b.value - 1.0).abs());
        assert!(worst.fold(0.0, f64::max) < 1e-4);
    }

    #[test]
    fn disturbance_and_zeros_leave_it_within_its_errors() {
        let fit = fit(&world(0.5), 30).unwrap();
        for ((found, error), wanted) in
            fit.coefficients.iter().zip(fit.errors).zip([-0.83, 0.42, 0.43])
        {
            assert!(error > 0.005 && error < 0.3, "{error}");
            assert!((found - wanted).abs() < 3.5 * error, "{found} +- {error} for {wanted}");
        }
    }

    #[test]
    fn states_without_trade_and_variables_that_say_nothing_do_no_harm() {
        let mut pairs = world(0.0);
        pairs.iter_mut().filter(|pair| pair.from == 3).for_each(|pair| pair.value = 0.0);
        let found = fit(&pairs, 30).unwrap();
        assert!((found.coefficients[0] + 0.83).abs() < 1e-5);
        assert!(pairs.iter().zip(&found.fitted).all(|(p, f)| p.from != 3 || *f == 0.0));
        pairs.iter_mut().for_each(|pair| pair.variables[1] = 0.0);
        assert!(fit(&pairs, 30).is_none(), "no border at all: nothing to estimate");
        assert!(fit(&[], 30).is_none());
    }
}
