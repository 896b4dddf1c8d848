//! The second detector: boosted trees over the features, with a posterior that is calibrated on worlds it has not
//! learned from.
//!
//! Words become numbers first: how much more often a word stands in cases than elsewhere, learned from the other
//! training worlds than the row's own, so that a word that only one world has says nothing. Trees are `forust-ml`'s
//! (XGBoost's algorithm, with histograms): they take missing values, which hidden fields are, and weights. How scores
//! become posteriors stands in `calibration.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use forust_ml::data::Matrix;
use forust_ml::gradientbooster::{ContributionsMethod, GradientBooster};
use forust_ml::objective::ObjectiveType;

use super::calibration::Calibration;
use super::candidate::Candidate;

/// Candidates of one world.
pub type World = Vec<Candidate>;

/// Trees.
const TREES: usize = 60;
/// All others together weigh this many times what the true ones do, in training.
const BALANCE: f64 = 10.0;
/// Shares below this say little of a word.
const LITTLE: f64 = 0.02;
/// Words whose odds differ less are forgotten.
const DULL: f64 = 0.1;

/// Why a detector was not trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Nothing to learn from.
    #[error("no true case among the candidates")]
    NoTrue,
    /// The trees.
    #[error("trees: {0}")]
    Trees(String),
}

/// A trained detector.
pub struct Model {
    odds: HashMap<(u16, u32), f32>,
    trees: GradientBooster,
    /// From scores to posteriors.
    pub calibration: Calibration,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Model").field("calibration", &self.calibration).finish_non_exhaustive()
    }
}

/// Counts of words, by true and other candidates.
#[derive(Debug, Default, Clone)]
struct Counts {
    words: HashMap<(u16, u32), [f64; 2]>,
    total: [f64; 2],
}

impl Counts {
    fn of(world: &[Candidate]) -> Self {
        let mut counts = Self::default();
        for candidate in world {
            let side = usize::from(candidate.is_true);
            let weight = f64::from(candidate.weight);
            let add = |sides: &mut [f64; 2]| {
                if let Some(sum) = sides.get_mut(side) {
                    *sum += weight;
                }
            };
            add(&mut counts.total);
            for word in candidate.words.iter().copied().collect::<BTreeSet<_>>() {
                add(counts.words.entry(word).or_default());
            }
        }
        counts
    }

    fn add(&mut self, other: &Self) {
        for (word, [no, yes]) in &other.words {
            let sides = self.words.entry(*word).or_default();
            *sides = [sides[0] + no, sides[1] + yes];
        }
        self.total = [self.total[0] + other.total[0], self.total[1] + other.total[1]];
    }

    /// Logarithm of how much more often a word stands in true candidates than in others, those of one world left out.
    fn odds(&self, word: (u16, u32), without: Option<&Self>) -> f64 {
        let nothing = [0.0; 2];
        let all = self.words.get(&word).unwrap_or(&nothing);
        let out = without.and_then(|other| other.words.get(&word)).unwrap_or(&nothing);
        let total_out = without.map_or([0.0; 2], |other| other.total);
        let share = |count: f64, total: f64| (count / total.max(1.0)).max(0.0);
        let yes = share(all[1] - out[1], self.total[1] - total_out[1]);
        let no = share(all[0] - out[0], self.total[0] - total_out[0]);
        libm::log((yes + LITTLE) / (no + LITTLE))
    }
}

/// Values with those of the words filled in.
fn filled(candidate: &Candidate, odds: impl Fn((u16, u32)) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = candidate.values.iter().map(|value| f64::from(*value)).collect();
    for word in &candidate.words {
        if let Some(value) = values.get_mut(usize::from(word.0)) {
            *value = value.max(odds(*word));
        }
    }
    values
}

/// Rows as the trees want them: column after column.
fn columns(rows: &[Vec<f64>]) -> Vec<f64> {
    let width = rows.first().map_or(0, Vec::len);
    let mut all = Vec::with_capacity(rows.len() * width);
    for column in 0..width {
        all.extend(rows.iter().map(|row| row.get(column).copied().unwrap_or(f64::NAN)));
    }
    all
}

impl Model {
    /// Learns from some worlds. It is not calibrated yet.
    ///
    /// # Errors
    /// When there is nothing to learn from.
    pub fn train(training: &[World], seed: u64) -> Result<Self, TrainError> {
        let counts: Vec<Counts> = training.iter().map(|world| Counts::of(world)).collect();
        let mut all = Counts::default();
        counts.iter().for_each(|counts| all.add(counts));
        if all.total[1] < 1.0 {
            return Err(TrainError::NoTrue);
        }
        let lighter = BALANCE * all.total[1] / all.total[0].max(1.0);
        let (mut rows, mut truth, mut weights) = (vec![], vec![], vec![]);
        for (world, own) in training.iter().zip(&counts) {
            for candidate in world {
                rows.push(filled(candidate, |word| all.odds(word, Some(own))));
                truth.push(f64::from(u8::from(candidate.is_true)));
                let weight = f64::from(candidate.weight);
                weights.push(if candidate.is_true { 1.0 } else { weight * lighter });
            }
        }
        let values = columns(&rows);
        let data = Matrix::new(&values, rows.len(), rows.first().map_or(0, Vec::len));
        let mut trees = GradientBooster::default()
            .set_objective_type(ObjectiveType::LogLoss)
            .set_iterations(TREES)
            .set_learning_rate(0.15)
            .set_max_depth(4)
            .set_l2(2.0)
            .set_min_leaf_weight(1.0)
            .set_nbins(32)
            .set_colsample_bytree(0.6)
            .set_initialize_base_score(true)
            .set_parallel(false)
            .set_seed(seed);
        trees
            .fit(&data, &truth, &weights, None)
            .map_err(|error| TrainError::Trees(error.to_string()))?;
        let words: BTreeMap<(u16, u32), f64> = all
            .words
            .keys()
            .map(|word| (*word, all.odds(*word, None)))
            .filter(|(_, odds)| libm::fabs(*odds) > DULL)
            .collect();
        #[expect(clippy::cast_possible_truncation, reason = "odds need no more digits")]
        let odds = words.into_iter().map(|(word, odds)| (word, odds as f32)).collect();
        Ok(Self { odds, trees, calibration: Calibration::default() })
    }

    fn known(&self, candidate: &Candidate) -> Vec<f64> {
        filled(candidate, |word| self.odds.get(&word).map_or(0.0, |odds| f64::from(*odds)))
    }

    /// Scores: the higher, the likelier.
    pub fn scores(&self, candidates: &[&Candidate]) -> Vec<f64> {
        let rows: Vec<Vec<f64>> =
            candidates.iter().map(|candidate| self.known(candidate)).collect();
        let values = columns(&rows);
        let data = Matrix::new(&values, rows.len(), rows.first().map_or(0, Vec::len));
        self.trees.predict(&data, false)
    }

    /// Posterior that a candidate is of a true case.
    pub fn posterior(&self, candidate: &Candidate) -> f64 {
        self.scores(&[candidate]).first().map_or(0.0, |score| self.calibration.posterior(*score))
    }

    /// What each feature adds to a candidate's score.
    pub fn contributions(&self, candidate: &Candidate) -> Vec<f64> {
        let row = self.known(candidate);
        let data = Matrix::new(&row, 1, row.len());
        let mut all = self.trees.predict_contributions(&data, ContributionsMethod::Average, false);
        all.truncate(row.len());
        all
    }
}
