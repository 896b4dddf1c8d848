//! A measure: what was measured, against which bound, and what follows.

use serde::Serialize;

/// What a measure is about; the order in which they are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Offences, decoys and checks.
    Offences,
    /// Trade between states.
    Gravity,
    /// What is traded, how much of it, when.
    Goods,
    /// Firms, ports, boxes, ships, licences.
    Actors,
    /// What cannot be otherwise.
    Physics,
    /// What must not tell who is guilty.
    Leaks,
    /// What must tell something.
    Entities,
    /// Marginals as the pack declares them.
    Declared,
}

impl Group {
    /// Heading for people.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Offences => "offences",
            Self::Gravity => "gravity",
            Self::Goods => "goods",
            Self::Actors => "actors",
            Self::Physics => "physics",
            Self::Leaks => "leaks",
            Self::Entities => "entities",
            Self::Declared => "as declared",
        }
    }
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Between 0 and 1; written in percent.
    Share,
    /// A plain number.
    Number,
    /// A count.
    Count,
    /// Days.
    Days,
    /// Knots.
    Knots,
}

impl Unit {
    /// A value for people.
    pub fn write(self, value: f64) -> String {
        let places = |value: f64| if value.abs() < 0.095 { 3 } else { 2 };
        match self {
            Self::Share if value.abs() < 0.0095 => format!("{:.3} %", value * 100.0),
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Number => format!("{value:.*}", places(value)),
            Self::Count => format!("{value:.0}"),
            Self::Days => format!("{value:.1} d"),
            Self::Knots => format!("{value:.1} kn"),
        }
    }
}

/// What a value should be. Both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Bound {
    /// At least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// At most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

impl Bound {
    /// Whether a value is inside; one that is no number never is.
    pub fn holds(self, value: f64) -> bool {
        self.low.is_none_or(|low| value >= low)
            && self.high.is_none_or(|high| value <= high)
            && !value.is_nan()
    }

    /// For people.
    pub fn write(self, unit: Unit) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) => format!("{} to {}", unit.write(low), unit.write(high)),
            (Some(low), None) => format!("at least {}", unit.write(low)),
            (None, Some(high)) => format!("at most {}", unit.write(high)),
            (None, None) => String::new(),
        }
    }
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Inside its bound.
    Pass,
    /// Outside.
    Fail,
    /// Not judged: the note says why.
    Skipped,
    /// There is no bound.
    Shown,
}

impl Verdict {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
            Self::Shown => "",
        }
    }
}

/// A measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// What it is about.
    pub group: Group,
    /// What was measured.
    pub name: String,
    /// How values are written.
    pub unit: Unit,
    /// The value, where there is one.
    pub value: Option<f64>,
    /// What it should be.
    pub bound: Bound,
    /// What follows.
    pub verdict: Verdict,
    /// Where the bound comes from.
    pub source: &'static str,
    /// Why it was skipped, or a detail.
    pub note: String,
}

impl Measure {
    /// A value that has no bound yet. None, or no number: there was nothing to measure.
    pub fn new(group: Group, name: &str, unit: Unit, value: Option<f64>) -> Self {
        let value = value.filter(|value| value.is_finite());
        let (verdict, note) = match value {
            Some(_) => (Verdict::Shown, ""),
            None => (Verdict::Skipped, "nothing to measure it on"),
        };
        Self {
            group,
            name: name.to_owned(),
            unit,
            value,
            bound: Bound::default(),
            verdict,
            source: "",
            note: note.to_owned(),
        }
    }

    fn bounded(mut self, bound: Bound) -> Self {
        self.bound = bound;
        if let Some(value) = self.value.filter(|_| self.verdict != Verdict::Skipped) {
            self.verdict = if bound.holds(value) { Verdict::Pass } else { Verdict::Fail };
        }
        self
    }

    /// Should lie between two numbers.
    pub fn within(self, low: f64, high: f64) -> Self {
        self.bounded(Bound { low: Some(low), high: Some(high) })
    }

    /// Should be at least this.
    pub fn at_least(self, low: f64) -> Self {
        self.bounded(Bound { low: Some(low), high: None })
    }

    /// Should be at most this.
    pub fn at_most(self, high: f64) -> Self {
        self.bounded(Bound { low: None, high: Some(high) })
    }

    /// Says where the bound comes from.
    pub fn source(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    /// Adds a detail.
    pub fn note(mut self, note: String) -> Self {
        if self.verdict != Verdict::Skipped {
            self.note = note;
        }
        self
    }

    /// Judges only with so many rows: below, chance alone could break the bound.
    pub fn needs(mut self, wanted: u64, there_are: u64, of: &str) -> Self {
        if there_are < wanted && self.verdict != Verdict::Skipped {
            self.verdict = Verdict::Skipped;
            self.note = format!("needs {wanted} {of}, there are {there_are}");
        }
        self
    }

    /// Skips, whatever was measured.
    pub fn skip(mut self, why: &str) -> Self {
        self.verdict = Verdict::Skipped;
        why.clone_into(&mut self.note);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(value: f64) -> Measure {
        Measure::new(Group::Goods, "x", Unit::Number, Some(value))
    }

    #[test]
    fn ends_of_a_bound_pass_and_what_is_beyond_fails() {
        for (value, verdict) in [
            (1.0, Verdict::Pass),
            (2.0, Verdict::Pass),
            (0.999, Verdict::Fail),
            (2.001, Verdict::Fail),
        ] {
            assert_eq!(measure(value).within(1.0, 2.0).verdict, verdict, "{value}");
        }
        assert_eq!(measure(0.6).at_most(0.6).verdict, Verdict::Pass);
        assert_eq!(measure(0.59).at_least(0.6).verdict, Verdict::Fail);
        assert_eq!(measure(7.0).verdict, Verdict::Shown);
    }

    #[test]
    fn nothing_measured_and_too_few_rows_are_never_a_pass() {
        let nothing = Measure::new(Group::Goods, "x", Unit::Number, None).at_least(0.0);
        assert_eq!(nothing.verdict, Verdict::Skipped);
        assert_eq!(measure(f64::NAN).within(0.0, 1.0).verdict, Verdict::Skipped);
        for few in [
            measure(5.0).needs(10, 9, "rows").at_most(1.0),
            measure(5.0).at_most(1.0).needs(10, 9, "rows"),
        ] {
            assert_eq!(few.verdict, Verdict::Skipped);
            assert_eq!(few.note, "needs 10 rows, there are 9");
        }
        assert_eq!(measure(5.0).at_most(1.0).needs(10, 10, "rows").verdict, Verdict::Fail);
    }

    #[test]
    fn values_are_written_with_their_unit() {
        assert_eq!(Unit::Share.write(0.286), "28.6 %");
        assert_eq!(Unit::Share.write(0.0003), "0.030 %");
        assert_eq!(Unit::Days.write(6.52), "6.5 d");
        assert_eq!(measure(1.0).within(-1.0, 2.0).bound.write(Unit::Number), "-1.00 to 2.00");
    }
}
