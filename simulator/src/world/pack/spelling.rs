//! How names are written otherwise: the letters of cultures, and rules for what happens to names when people write
//! them down (`dirt`) or want not to be found (`alias`).

use serde::Deserialize;

use super::PackError;
use super::files::{Files, line_of};

/// Letters and rules.
#[derive(Debug, Clone, Default)]
pub struct Spelling {
    /// A script for each culture.
    pub scripts: Vec<Script>,
    /// Rules, in the order in which they are tried.
    pub rules: Vec<Rule>,
}

/// The script of a culture.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Culture of `names.toml`.
    pub culture: String,
    /// Languages, made up or ISO 639.
    pub languages: Vec<String>,
    /// ISO 15924.
    pub script: String,
    /// Latin and native letters, the longest Latin first; none where the culture writes in Latin ones.
    pub letters: Vec<[String; 2]>,
}

/// What a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// On purpose, by who does not want to be found.
    Alias,
    /// By mistake or habit, by who writes a name down.
    Dirt,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// What it is for.
    pub use_for: Use,
    /// Where in a name it works.
    pub find: Find,
    /// What is written there; words in braces stand for parts of the name.
    pub put: String,
    /// Chance that it is tried on a name that is to be varied.
    pub chance: f64,
}

/// A place in a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Find {
    /// One of the places where these letters stand.
    Text(String),
    /// The legal form of a firm, with the blank before it.
    Suffix,
    /// The given name of a person.
    Given,
    /// A person's whole name.
    Person,
    /// Two different letters beside each other, anywhere.
    TwoLetters,
    /// A letter that is not the first.
    Letter,
    /// The whole name.
    All,
    /// Behind its end.
    End,
}

impl Find {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "{suffix}" => Self::Suffix,
            "{given}" => Self::Given,
            "{given} {family}" => Self::Person,
            "{two letters}" => Self::TwoLetters,
            "{letter}" => Self::Letter,
            "{all}" => Self::All,
            "{end}" => Self::End,
            text if text.is_empty() || text.contains(['{', '}']) => return None,
            text => Self::Text(text.to_owned()),
        })
    }

    /// Words that may stand in braces in what is put there.
    fn words(&self) -> &'static [&'static str] {
        match self {
            Self::Given => &["{given}", "{initial}"],
            Self::Person => &["{given}", "{initial}", "{family}"],
            Self::TwoLetters => &["{swapped}"],
            Self::All => &["{upper}"],
            Self::Text(_) | Self::Suffix | Self::Letter | Self::End => &[],
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpellingFile {
    script: Vec<Script>,
    rule: Vec<RuleEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    id: String,
    #[serde(rename = "use")]
    use_for: Use,
    find: toml::Spanned<String>,
    put: toml::Spanned<String>,
    chance: toml::Spanned<f64>,
}

pub(super) fn read(files: &Files) -> Result<Spelling, PackError> {
    let (path, text) = files.text("spelling.toml");
    let file: SpellingFile = files.toml("spelling.toml")?;
    let bad = |at: usize, problem: String| PackError::Content {
        path: path.to_owned(),
        line: line_of(text, at),
        problem,
    };
    let mut rules = vec![];
    for entry in file.rule {
        let RuleEntry { id, use_for, find, put, chance } = entry;
        let place = Find::parse(find.get_ref()).ok_or_else(|| {
            let problem = format!("`{}` of `{id}` is no part of a name", find.get_ref());
            bad(find.span().start, problem)
        })?;
        let rest =
            place.words().iter().fold(put.get_ref().clone(), |put, word| put.replace(word, ""));
        if rest.contains(['{', '}']) {
            let problem =
                format!("`{}` of `{id}`: a word that its `find` does not give", put.get_ref());
            return Err(bad(put.span().start, problem));
        }
        let share = *chance.get_ref();
        if !(0.0..=1.0).contains(&share) {
            return Err(bad(chance.span().start, format!("`chance` of `{id}` is no share")));
        }
        rules.push(Rule { id, use_for, find: place, put: put.into_inner(), chance: share });
    }
    Ok(Spelling { scripts: file.script, rules })
}
