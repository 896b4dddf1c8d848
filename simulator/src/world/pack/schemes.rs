//! Schemes and decoys: how often each is played, and its parameters.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::PackError;
use super::files::{Files, line_of};
use crate::rng::Cell;

/// Schemes and decoys with their weights and parameters.
#[derive(Debug, Clone, Default)]
pub struct Schemes {
    entries: BTreeMap<String, (f64, Parameters)>,
}

/// Parameters of a scheme: numbers and ranges.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<String, (f64, f64)>);

impl Schemes {
    /// How often a scheme is played, beside the others.
    pub fn weight(&self, id: &str) -> f64 {
        self.entries.get(id).map_or(0.0, |(weight, _)| *weight)
    }

    /// The same of a decoy.
    pub fn decoy_weight(&self, id: &str) -> f64 {
        self.weight(id)
    }

    /// Parameters of a scheme or decoy; none where the pack has none.
    pub fn parameters(&self, id: &str) -> Parameters {
        self.entries.get(id).map(|(_, parameters)| parameters.clone()).unwrap_or_default()
    }
}

impl Parameters {
    /// A number; the given one where the pack has none.
    pub fn number(&self, name: &str, otherwise: f64) -> f64 {
        self.0.get(name).map_or(otherwise, |(low, _)| *low)
    }

    /// A number drawn from a range; from the given one where the pack has none.
    pub fn within(&self, name: &str, otherwise: (f64, f64), cell: &mut Cell) -> f64 {
        let (low, high) = self.0.get(name).copied().unwrap_or(otherwise);
        cell.between(low, high)
    }

    /// A range; the given one where the pack has none.
    pub fn range(&self, name: &str, otherwise: (f64, f64)) -> (f64, f64) {
        self.0.get(name).copied().unwrap_or(otherwise)
    }

    /// A number drawn from a range, with every order of magnitude as likely.
    pub fn log_within(&self, name: &str, otherwise: (f64, f64), cell: &mut Cell) -> f64 {
        let (low, high) = self.range(name, otherwise);
        crate::scheme::cast::log_even(low, high, cell)
    }
}

/// A value of a scheme's table.
#[derive(Deserialize)]
#[serde(untagged)]
enum Parameter {
    Number(f64),
    Range([f64; 2]),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemesFile {
    scheme: Vec<SchemeEntry>,
    decoy: Vec<SchemeEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemeEntry {
    id: String,
    weight: f64,
    #[serde(default)]
    parameters: BTreeMap<String, toml::Spanned<Parameter>>,
}

pub(super) fn read(files: &Files) -> Result<Schemes, PackError> {
    let (path, text) = files.text("schemes.toml");
    let file: SchemesFile = files.toml("schemes.toml")?;
    let mut entries = BTreeMap::new();
    for entry in file.scheme.into_iter().chain(file.decoy) {
        let mut parameters = BTreeMap::new();
        for (name, value) in entry.parameters {
            let line = line_of(text, value.span().start);
            let range = match value.into_inner() {
                Parameter::Number(number) => (number, number),
                Parameter::Range([low, high]) => (low, high),
            };
            if range.0.is_nan() || range.1.is_nan() || range.0 > range.1 {
                let problem = format!("`{name}` of `{}`: the range runs downwards", entry.id);
                return Err(PackError::Content { path: path.to_owned(), line, problem });
            }
            parameters.insert(name, range);
        }
        entries.insert(entry.id, (entry.weight, Parameters(parameters)));
    }
    Ok(Schemes { entries })
}
