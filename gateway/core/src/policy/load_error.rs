//! What is wrong with a registry, an agreement or a policy file, and where. Loading tells everything it
//! finds, not only the first.

use std::fmt;
use std::ops::Range;

/// Kind of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoadProblem {
    /// Not TOML, a missing or unknown key, or a value of the wrong type.
    Malformed,
    /// An id or number outside its grammar or range.
    Invalid,
    /// An agency, record type, field, purpose, semantic, category or treatment that is not known.
    Unknown,
    /// The same thing twice.
    Duplicate,
    /// A list or text with nothing in it.
    Empty,
    /// Something ends before it begins.
    DatesReversed,
    /// A ladder that is no strictly descending chain ending in withhold.
    LadderNotDescending,
    /// A treatment that a field cannot take.
    TreatmentDoesNotFit,
    /// Two equally specific ladders for one field, or two flows for one query.
    Ambiguous,
    /// Something that can never apply.
    Useless,
    /// An agency of a flow that is no party.
    NotAParty,
    /// Cedar policy that does not parse.
    PolicyMalformed,
    /// Cedar policy that does not hold against the schema, or permits what only agreements may.
    PolicyInvalid,
}

impl LoadProblem {
    /// One stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Malformed => "MALFORMED",
            Self::Invalid => "INVALID",
            Self::Unknown => "UNKNOWN",
            Self::Duplicate => "DUPLICATE",
            Self::Empty => "EMPTY",
            Self::DatesReversed => "DATES_REVERSED",
            Self::LadderNotDescending => "LADDER_NOT_DESCENDING",
            Self::TreatmentDoesNotFit => "TREATMENT_DOES_NOT_FIT",
            Self::Ambiguous => "AMBIGUOUS",
            Self::Useless => "USELESS",
            Self::NotAParty => "NOT_A_PARTY",
            Self::PolicyMalformed => "POLICY_MALFORMED",
            Self::PolicyInvalid => "POLICY_INVALID",
        }
    }
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
    /// Name of the file as it was given; `registry` for what comes without one.
    pub file: String,
    /// Line from 1; 0: it has no place in a file.
    pub line: u32,
    /// Column from 1, in characters; 0: it has no place in a file.
    pub column: u32,
    /// Path of the key, such as `flow[1].ladder[3].rungs` (counted from 1), or a policy's id.
    pub field: String,
    /// Kind.
    pub problem: LoadProblem,
    /// For a person.
    pub message: String,
}

impl LoadError {
    /// At a byte range of a text.
    pub(super) fn at(
        (file, text): (&str, &str),
        span: Option<Range<usize>>,
        field: impl Into<String>,
        problem: LoadProblem,
        message: impl Into<String>,
    ) -> Self {
        let (line, column) = span.map_or((0, 0), |span| position(text, span.start));
        Self {
            file: file.to_owned(),
            line,
            column,
            field: field.into(),
            problem,
            message: message.into(),
        }
    }

    /// In the registry, which is no file here.
    pub(super) fn registry(
        field: impl Into<String>,
        problem: LoadProblem,
        message: impl Into<String>,
    ) -> Self {
        Self::at(("registry", ""), None, field, problem, message)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        f.write_str(": ")?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{}: {}", self.problem.word(), self.message)
    }
}

/// Line and column of a byte offset, both from 1.
fn position(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}
