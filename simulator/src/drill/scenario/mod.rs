//! A scenario: what an exercise is about, who plays, which cases are drawn, and how it is scored. A folder with
//! `scenario.toml` and, where there is one, `msel.csv`; or one of those that are built in.

pub mod msel;
pub mod sheet;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::clock::Exercise;
use super::sha256;
use crate::scheme::Kind;
pub use msel::{Check, Entry, Happening, Msel};

macro_rules! built_in {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../scenarios/", $name, "/scenario.toml")),
            include_str!(concat!("../../../scenarios/", $name, "/msel.csv")),
        )
    };
}

/// Scenarios that are built in: name, `scenario.toml`, `msel.csv`.
pub const BUILT_IN: [(&str, &str, &str); 3] =
    [built_in!("tutorial"), built_in!("five-agencies"), built_in!("day")];

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// What it says.
    #[error("{file}:{line}: {problem}")]
    Content {
        /// Which file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name: that of its folder.
    pub name: String,
    /// SHA-256 of its files, hexadecimal.
    pub hash: String,
    /// For people.
    pub title: String,
    /// What players are told before it begins.
    pub about: String,
    /// World pack: built in, or a folder.
    pub pack: PathBuf,
    /// What everything drawn follows from.
    pub seed: u64,
    /// Size of the world.
    pub consignments: u64,
    /// Exercise time from start to end.
    pub length: Exercise,
    /// Exercise time from a matter's arrival until it is out of reach.
    pub window: Exercise,
    /// How many matters each team is given.
    pub matters: usize,
    /// Inspections a team has in a shift.
    pub inspections: Inspections,
    /// True cases by scheme.
    pub cases: Vec<(Kind, u64)>,
    /// Cases of the world of this seed that are not played, by their names in the truth.
    pub left_out: BTreeSet<String>,
    /// Of the cases of a scheme, so many that are the smugglers' reserve: they happen only where one of them takes the place
    /// of another.
    pub reserve: BTreeMap<String, u64>,
    /// How bad it is when a case of a scheme goes through; 1 where nothing is said.
    pub hazard: BTreeMap<String, u32>,
    /// What counts how much where two games are compared.
    pub weights: Weights,
    /// What is to be practised.
    pub objectives: Vec<Objective>,
    /// Who plays.
    pub teams: Vec<Team>,
    /// What happens when.
    pub msel: Msel,
    /// `scenario.toml`, as it was read.
    pub text: String,
}

/// Capacity.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Inspections {
    /// So many.
    pub per_shift: u32,
    /// In so many minutes of exercise time.
    pub shift_minutes: u32,
}

/// What an exercise is to practise.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// Short name, which injects refer to.
    pub id: String,
    /// What players are to show.
    pub text: String,
}

/// A team: an agency that is played.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// The agency.
    pub agency: String,
    /// For people.
    pub name: String,
}

/// What counts how much in the one figure by which two games of a scenario are compared. Reports show each score by
/// itself; this figure serves comparisons alone.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Hazard-weighted recall.
    pub recall: f64,
    /// Precision of what was stopped.
    pub precision: f64,
    /// Brier score of confidence, counted against.
    pub brier: f64,
    /// Innocent goods held, counted against.
    pub held: f64,
    /// Time to interdict, counted against.
    pub time: f64,
    /// Over-collection by orders of magnitude, counted against.
    pub over_collection: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    about: String,
    pack: PathBuf,
    seed: u64,
    consignments: u64,
    minutes: u32,
    window_minutes: u32,
    matters_per_team: usize,
    inspections: Inspections,
    cases: BTreeMap<toml::Spanned<String>, u64>,
    #[serde(default)]
    left_out: BTreeSet<String>,
    #[serde(default)]
    reserve: BTreeMap<toml::Spanned<String>, u64>,
    #[serde(default)]
    hazard: BTreeMap<String, u32>,
    weights: Weights,
    objective: Vec<Objective>,
    team: Vec<Team>,
}

impl Scenario {
    /// Reads a scenario: its folder, or the name of one that is built in where there is no such folder.
    ///
    /// # Errors
    /// The first file that cannot be read or says what no scenario says, with the line.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let built_in = BUILT_IN.iter().find(|(name, ..)| Path::new(name) == path && !path.exists());
        if let Some((name, scenario, msel)) = built_in {
            return Self::parse(name, scenario, msel, Path::new(""));
        }
        let read = |name: &str| {
            let path = path.join(name);
            std::fs::read_to_string(&path).map_err(|cause| ScenarioError::Read { path, cause })
        };
        let text = read("scenario.toml")?;
        let msel = match read("msel.csv") {
            Err(ScenarioError::Read { cause, .. })
                if cause.kind() == std::io::ErrorKind::NotFound =>
            {
                String::new()
            }
            other => other?,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self::parse(&name, &text, &msel, path)
    }

    fn parse(name: &str, text: &str, msel: &str, folder: &Path) -> Result<Self, ScenarioError> {
        let wrong = |at: usize, problem: String| ScenarioError::Content {
            file: format!("{name}/scenario.toml"),
            line: text.get(..at).map_or(1, |before| before.matches('\n').count() + 1),
            problem,
        };
        let file: File = toml::from_str(text).map_err(|error| {
            wrong(error.span().map_or(0, |span| span.start), error.message().to_owned())
        })?;
        let said = |key: &str| text.find(&format!("\n{key}")).map_or(0, |at| at + 1);
        let mut cases = vec![];
        for (scheme, count) in &file.cases {
            let kind = Kind::parse(scheme.get_ref()).filter(|kind| kind.is_scheme());
            let kind = kind.ok_or_else(|| {
                let problem = format!("no scheme `{}` is built", scheme.get_ref());
                wrong(scheme.span().start, problem)
            })?;
            cases.push((kind, *count));
        }
        let mut reserve = BTreeMap::new();
        for (scheme, count) in &file.reserve {
            let of = cases.iter().find(|(kind, _)| kind.id() == scheme.get_ref());
            let (name, all) = (scheme.get_ref(), of.map_or(0, |(_, count)| *count));
            if all <= *count {
                let problem = format!("`reserve` holds back {count} of {all} cases of `{name}`");
                return Err(wrong(scheme.span().start, problem));
            }
            reserve.insert(name.clone(), *count);
        }
        let minutes = |count: u32| Exercise(u64::from(count) * 60_000);
        let bound = |ok: bool, key: &str, problem: &str| {
            if ok { Ok(()) } else { Err(wrong(said(key), format!("`{key}` {problem}"))) }
        };
        bound((1..=10_000).contains(&file.minutes), "minutes", "is from 1 to 10,000")?;
        let window = (1..=file.minutes).contains(&file.window_minutes);
        bound(window, "window_minutes", "is from 1 to `minutes`")?;
        bound((1..=500).contains(&file.matters_per_team), "matters_per_team", "is from 1 to 500")?;
        bound(
            (200..=1_000_000).contains(&file.consignments),
            "consignments",
            "is from 200 to a million",
        )?;
        bound(!file.team.is_empty(), "team", "is missing: somebody has to play")?;
        bound(file.inspections.shift_minutes > 0, "inspections", "has shifts without length")?;
        let mut seen = BTreeSet::new();
        for team in &file.team {
            if !seen.insert(team.agency.as_str()) {
                let problem = format!("agency `{}` is played twice", team.agency);
                return Err(wrong(text.rfind(&team.agency).unwrap_or_default(), problem));
            }
        }
        let msel_name = format!("{name}/msel.csv");
        let msel = Msel::parse(msel, &msel_name)?;
        msel.check(&msel_name, &file.objective, &file.team, minutes(file.minutes))?;
        let beside = folder.join(&file.pack);
        Ok(Self {
            name: name.to_owned(),
            hash: sha256(format!("{text}\0{}", msel.to_csv()).as_bytes()),
            title: file.title,
            about: file.about,
            pack: if beside.exists() { beside } else { file.pack },
            seed: file.seed,
            consignments: file.consignments,
            length: minutes(file.minutes),
            window: minutes(file.window_minutes),
            matters: file.matters_per_team,
            inspections: file.inspections,
            cases,
            left_out: file.left_out,
            reserve,
            hazard: file.hazard,
            weights: file.weights,
            objectives: file.objective,
            teams: file.team,
            msel,
            text: text.to_owned(),
        })
    }

    /// How bad it is when a case of a scheme goes through.
    pub fn hazard_of(&self, scheme: &str) -> u32 {
        self.hazard.get(scheme).copied().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests;
