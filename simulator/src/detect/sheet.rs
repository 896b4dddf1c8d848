//! The features of a candidate: an indicator each, in one order, with the fields that it reads.

use super::records::{At, Place};
use crate::table::Table;

/// What a feature is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// What it measures.
    pub name: String,
    /// Fields it reads.
    pub reads: Vec<(Table, Place)>,
}

/// A candidate's features in the making. Whoever fills it adds the same features in the same order for every
/// candidate of a detector, those it cannot measure as `None`.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    named: Option<Vec<Feature>>,
    /// Values; NaN where there is nothing to measure.
    pub values: Vec<f32>,
    /// Words for features whose value is what training learns of them: feature, word.
    pub words: Vec<(u16, u64)>,
    /// Rules that fire: the rule set alone is the first detector.
    pub rules: u32,
}

impl Sheet {
    /// One that remembers what its features are.
    pub fn naming() -> Self {
        Self { named: Some(vec![]), ..Self::default() }
    }

    /// What its features are, of one that remembers.
    pub fn features(self) -> Vec<Feature> {
        self.named.unwrap_or_default()
    }

    fn name(&mut self, name: &str, reads: &[(Table, Place)]) {
        if let Some(named) = &mut self.named {
            named.push(Feature { name: name.to_owned(), reads: reads.to_vec() });
        }
    }

    /// Adds a number.
    #[expect(clippy::cast_possible_truncation, reason = "features need no more digits")]
    pub fn number(&mut self, name: &str, reads: &[(Table, Place)], value: Option<f64>) {
        self.name(name, reads);
        self.values
            .push(value.filter(|value| value.is_finite()).map_or(f32::NAN, |value| value as f32));
    }

    /// Adds a yes or no.
    pub fn flag(&mut self, name: &str, reads: &[(Table, Place)], value: Option<bool>) {
        self.number(name, reads, value.map(|value| f64::from(u8::from(value))));
    }

    /// Adds a rule: a flag that a person would act on.
    pub fn rule(&mut self, name: &str, reads: &[(Table, Place)], fires: bool) {
        self.rules += u32::from(fires);
        self.flag(name, reads, Some(fires));
    }

    /// Adds words, such as a country or the words of a description.
    pub fn words(
        &mut self,
        name: &str,
        reads: &[(Table, Place)],
        words: impl IntoIterator<Item = u64>,
    ) {
        self.name(name, reads);
        let feature = u16::try_from(self.values.len()).unwrap_or(u16::MAX);
        self.words.extend(words.into_iter().map(|word| (feature, word)));
        self.values.push(f32::NAN);
    }
}

/// Cells of one row, to be read together.
pub fn cells(at: At, columns: &[Place]) -> Vec<(Table, Place)> {
    columns.iter().map(|column| (at.table, *column)).collect()
}
