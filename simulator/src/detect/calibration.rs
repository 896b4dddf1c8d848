//! From scores to posteriors, learned on worlds that the trees have not seen: isotonic regression (pool adjacent
//! violators, M. Ayer and others, 1955) over groups of a few true candidates each, so that one lucky row at the top is
//! not taken for a rule. A true candidate counts for as many as it stands for in the verified world, and every group has a
//! few more rows of the average kind, so that no posterior is 1.

/// A scored candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The higher, the likelier.
    pub score: f64,
    /// Whether it is true.
    pub is_true: bool,
    /// How many it stands for.
    pub weight: f64,
    /// Rules that fire.
    pub rules: u32,
    /// Whether it looks like a case: it is of one, or of a decoy, or of fraud.
    pub is_like: bool,
}

/// True candidates of a group.
const GROUP: usize = 5;
/// Average candidates that are added to each group, as many times as a true one stands for.
const ADDED: f64 = 2.0;

/// A step function from scores to posteriors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    /// Least score and posterior, the highest first.
    steps: Vec<(f64, f64)>,
    /// Posterior below all of them.
    rest: f64,
}

#[derive(Debug, Clone, Copy)]
struct Pool {
    most: f64,
    least: f64,
    yes: f64,
    all: f64,
}

impl Pool {
    const NONE: Self = Self { most: f64::NEG_INFINITY, least: 0.0, yes: 0.0, all: 0.0 };

    /// With one that comes right below it.
    fn and(self, below: Self) -> Self {
        let (yes, all) = (self.yes + below.yes, self.all + below.all);
        Self { most: self.most, least: below.least, yes, all }
    }
}

/// The last group ends with its last true one, where it is a group at all: below are others only.
fn split_after_last_true(tail: Pool, sorted: &[Scored]) -> Vec<Pool> {
    let last = sorted.iter().rfind(|one| one.is_true).map(|one| one.score);
    let Some(last) = last.filter(|last| tail.yes > 0.0 && *last > tail.least) else {
        return vec![tail];
    };
    let below = || sorted.iter().filter(|one| one.score < last);
    let weight: f64 = below().map(|one| one.weight).sum();
    let most = below().map(|one| one.score).fold(tail.least, f64::max);
    vec![
        Pool { least: last, all: tail.all - weight, ..tail },
        Pool { most, least: tail.least, yes: 0.0, all: weight },
    ]
}

impl Calibration {
    /// Learns from scored candidates.
    pub fn learn(scored: &[Scored], each_true: f64) -> Self {
        let mut sorted = scored.to_vec();
        sorted.sort_by(|one, other| other.score.total_cmp(&one.score));
        let mut pools: Vec<Pool> = vec![];
        let (mut pool, mut trues) = (Pool::NONE, 0);
        for equals in sorted.chunk_by(|one, other| one.score.total_cmp(&other.score).is_eq()) {
            let here = equals.iter().filter(|one| one.is_true).count();
            // A group ends before the next true one, or it would always end with luck.
            if trues >= GROUP && here > 0 {
                pools.push(std::mem::replace(&mut pool, Pool::NONE));
                trues = 0;
            }
            trues += here;
            for one in equals {
                (pool.most, pool.least) = (pool.most.max(one.score), one.score);
                pool.all += one.weight;
                pool.yes += if one.is_true { one.weight } else { 0.0 };
            }
        }
        pools.push(pool);
        if let Some(tail) = pools.pop() {
            pools.extend(split_after_last_true(tail, &sorted));
        }
        let share = {
            let (yes, all) =
                pools.iter().fold((0.0, 0.0), |(yes, all), pool| (yes + pool.yes, all + pool.all));
            yes / f64::max(all, 1e-9)
        };
        let added = ADDED * each_true;
        let mean = |pool: &Pool| pool.yes / pool.all.max(1e-9);
        // From the top: what comes later must not be likelier.
        let mut kept: Vec<Pool> = vec![];
        for pool in pools {
            let mut next = pool;
            while let Some(last) = kept.pop_if(|last| mean(last) <= mean(&next) + 1e-9) {
                next = last.and(next);
            }
            kept.push(next);
        }
        let mut least = 1.0_f64;
        // A step lies in the middle between the scores that were seen on both sides of it.
        let below = kept.iter().skip(1).map(|pool| Some(pool.most)).chain([None]);
        let steps: Vec<(f64, f64)> = kept
            .iter()
            .zip(below)
            .map(|(pool, below)| {
                least = least.min((pool.yes + added * share) / (pool.all + added).max(1e-9));
                (below.map_or(pool.least, |most| f64::midpoint(pool.least, most)), least)
            })
            .collect();
        let rest = steps.last().map_or(0.0, |(_, posterior)| *posterior);
        Self { steps, rest }
    }

    /// The posterior of a score.
    pub fn posterior(&self, score: f64) -> f64 {
        let step = self.steps.iter().find(|(least, _)| score >= *least);
        step.map_or(self.rest, |(_, posterior)| *posterior)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(score: f64, is_true: bool, weight: f64) -> Scored {
        Scored { score, is_true, weight, rules: 0, is_like: false }
    }

    /// Of a hundred at each score, as many are true as the score says per cent.
    fn honest() -> Vec<Scored> {
        let shares = [0, 1, 5, 20, 60, 95];
        shares
            .iter()
            .flat_map(|share| (0..100).map(move |at| scored(f64::from(*share), at < *share, 1.0)))
            .collect()
    }

    #[test]
    fn posteriors_are_the_shares_that_were_seen() {
        let calibration = Calibration::learn(&honest(), 1.0);
        for (score, share) in [(95.0, 0.95), (60.0, 0.6), (20.0, 0.2)] {
            let found = calibration.posterior(score);
            assert!((found - share).abs() < 0.03, "{found} where {share} was seen");
        }
        assert!(calibration.posterior(0.0) < 0.03);
        assert!(calibration.posterior(1_000.0) > 0.9);
    }

    #[test]
    fn a_few_lucky_rows_at_the_top_prove_nothing() {
        let mut all: Vec<Scored> =
            (0..1000).map(|at| scored(f64::from(at), at % 100 == 0, 1.0)).collect();
        all.extend((0..3).map(|at| scored(f64::from(5_000 + at), true, 1.0)));
        let found = Calibration::learn(&all, 1.0).posterior(5_001.0);
        assert!(found < 0.05, "{found}");
    }

    #[test]
    fn rows_of_one_score_that_are_all_true_are_told_from_the_rest() {
        let all: Vec<Scored> =
            (0..1000).map(|at| scored(f64::from(u8::from(at < 40)), at < 40, 1.0)).collect();
        let calibration = Calibration::learn(&all, 1.0);
        assert!(calibration.posterior(1.0) > 0.9, "{calibration:?}");
        assert!(calibration.posterior(0.0) < 0.01, "{calibration:?}");
    }

    #[test]
    fn what_lies_between_two_steps_is_of_the_nearer_one() {
        let all: Vec<Scored> =
            (0..400).map(|at| scored(if at < 40 { 9.0 } else { 1.0 }, at < 40, 1.0)).collect();
        let calibration = Calibration::learn(&all, 1.0);
        assert!(calibration.posterior(5.1) > 0.9, "{calibration:?}");
        assert!(calibration.posterior(4.9) < 0.01, "{calibration:?}");
    }

    #[test]
    fn a_true_row_that_stands_for_less_weighs_less() {
        let all: Vec<Scored> =
            (0..200).map(|at| scored(1.0, at < 100, if at < 100 { 0.1 } else { 1.0 })).collect();
        let found = Calibration::learn(&all, 0.1).posterior(1.0);
        assert!((found - 1.0 / 11.0).abs() < 0.01, "{found}");
    }
}
