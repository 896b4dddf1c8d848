//! The six treatments and their lattice: Clear on top; Generalise (finer above coarser), Mask and
//! Pseudonymise side by side; Presence; Withhold at the bottom.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::label::{LeafKind, Semantic, words};

words! {
    /// How far a value is coarsened. Each belongs to one family; within it, later is coarser. Only the form
    /// of a code is checked, never whether a list has it: lists change, and belong to who publishes them.
    Level {
        /// HS heading, four digits (Harmonized System nomenclature, WCO; 2022 edition).
        Heading = 1 "heading",
        /// HS chapter, two digits (the same).
        Chapter = 2 "chapter",
        /// Control code to category, product group and regime: 3A001.a becomes 3A0 (the numbering of Annex I
        /// to Regulation (EU) 2021/821, which the Commerce Control List of the US shares).
        Regime = 3 "regime",
        /// Control code to category, 0 to 9: 3A001.a becomes 3 (the same).
        ControlCategory = 4 "category",
        /// Midnight UTC of the day (`google.protobuf.Timestamp`: no leap seconds, years 1 to 9999).
        Day = 5 "day",
        /// First day of the month (proleptic Gregorian calendar, as in ISO 8601).
        Month = 6 "month",
        /// First day of the year; of a date, the year alone.
        Year = 7 "year",
        /// Lower edge of the band between two numbers of the plain 1-2-5 series (1, 2, 5, 10, 20, ..), which
        /// is no series of ISO 3.
        Band = 8 "band",
        /// Centre of a cell of 0.1 degree of WGS 84, as every position.
        Cell01 = 9 "cell_0_1",
        /// Centre of a cell of 1 degree.
        Cell1 = 10 "cell_1",
        /// Centre of a cell of 10 degrees.
        Cell10 = 11 "cell_10",
        /// Country of a port (UN/LOCODE, UNECE Recommendation 16: its first two letters) or address, as
        /// ISO 3166-1 alpha-2 has it.
        Country = 12 "country",
    }
}

impl Level {
    /// Levels that a semantic can be coarsened to, finest first; empty where it cannot.
    pub fn of(semantic: Semantic) -> &'static [Level] {
        match semantic {
            Semantic::HsCode => &[Self::Heading, Self::Chapter],
            Semantic::ControlCode => &[Self::Regime, Self::ControlCategory],
            Semantic::Timestamp => &[Self::Day, Self::Month, Self::Year],
            Semantic::Date => &[Self::Month, Self::Year],
            Semantic::BirthDate => &[Self::Year],
            Semantic::Money | Semantic::Mass | Semantic::Quantity => &[Self::Band],
            Semantic::GeoPoint => &[Self::Cell01, Self::Cell1, Self::Cell10],
            Semantic::Port | Semantic::Address => &[Self::Country],
            Semantic::Country
            | Semantic::Rate
            | Semantic::PersonName
            | Semantic::OrganisationName
            | Semantic::Identifier
            | Semantic::ContainerNumber
            | Semantic::FreeText
            | Semantic::Code
            | Semantic::Flag => &[],
        }
    }

    fn family(self) -> u8 {
        match self {
            Self::Heading | Self::Chapter => 0,
            Self::Regime | Self::ControlCategory => 1,
            Self::Day | Self::Month | Self::Year => 2,
            Self::Band => 3,
            Self::Cell01 | Self::Cell1 | Self::Cell10 => 4,
            Self::Country => 5,
        }
    }
}

/// What happens to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Treatment {
    /// As the source holds it.
    Clear,
    /// Coarsened to a level.
    Generalise(Level),
    /// A filler of fixed length.
    Mask,
    /// A token of fixed size, equal within the plan's scope.
    Pseudonymise,
    /// Only whether there is a value.
    Presence,
    /// Nothing.
    Withhold,
}

impl Treatment {
    /// Can a leaf of this semantic and type take it? What cannot is refused when policy is loaded, and
    /// withheld at run time.
    pub fn fits(self, semantic: Semantic, kind: &LeafKind) -> bool {
        match self {
            Self::Clear | Self::Presence | Self::Withhold => true,
            Self::Generalise(level) => Level::of(semantic).contains(&level),
            Self::Mask => matches!(kind, LeafKind::String),
            Self::Pseudonymise => {
                matches!(kind, LeafKind::String)
                    && !matches!(semantic, Semantic::Code | Semantic::FreeText)
            }
        }
    }

    /// This treatment and the way down from it, greatest first: coarser levels of its family, presence,
    /// withhold. Below Clear the ways part, so none of the middle ones is on it.
    pub(super) fn descending(self) -> impl Iterator<Item = Self> {
        let coarser = Level::ALL.iter().copied().map(Self::Generalise);
        let ends = [Self::Presence, Self::Withhold];
        let below = coarser.filter(move |_| self != Self::Clear).chain(ends);
        std::iter::once(self).chain(below.filter(move |other| *other < self))
    }

    /// The greatest treatment that tells no more than either. Two unlike middle ones meet in Presence.
    #[must_use]
    pub fn meet(self, other: Self) -> Self {
        match self.partial_cmp(&other) {
            Some(Ordering::Less | Ordering::Equal) => self,
            Some(Ordering::Greater) => other,
            None => Self::Presence,
        }
    }
}

impl PartialOrd for Treatment {
    /// `a < b`: `a` tells less than `b`.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let rank = |treatment: &Self| match treatment {
            Self::Clear => 3,
            Self::Generalise(_) | Self::Mask | Self::Pseudonymise => 2,
            Self::Presence => 1,
            Self::Withhold => 0,
        };
        match (self, other) {
            (Self::Generalise(one), Self::Generalise(two)) => {
                (one.family() == two.family()).then(|| two.cmp(one))
            }
            (one, two) if one == two => Some(Ordering::Equal),
            (one, two) => match rank(one).cmp(&rank(two)) {
                Ordering::Equal => None,
                unequal => Some(unequal),
            },
        }
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear => f.write_str("clear"),
            Self::Generalise(level) => write!(f, "generalise:{}", level.word()),
            Self::Mask => f.write_str("mask"),
            Self::Pseudonymise => f.write_str("pseudonymise"),
            Self::Presence => f.write_str("presence"),
            Self::Withhold => f.write_str("withhold"),
        }
    }
}

/// A text that is no treatment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no treatment: clear, generalise:LEVEL, mask, pseudonymise, presence, withhold")]
pub struct TreatmentError(pub String);

impl FromStr for Treatment {
    type Err = TreatmentError;

    fn from_str(text: &str) -> Result<Self, TreatmentError> {
        Ok(match text {
            "clear" => Self::Clear,
            "mask" => Self::Mask,
            "pseudonymise" => Self::Pseudonymise,
            "presence" => Self::Presence,
            "withhold" => Self::Withhold,
            _ => text
                .strip_prefix("generalise:")
                .and_then(Level::from_word)
                .map(Self::Generalise)
                .ok_or_else(|| TreatmentError(text.to_owned()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::Whole;

    fn all() -> Vec<Treatment> {
        let mut all: Vec<_> = Level::ALL.iter().copied().map(Treatment::Generalise).collect();
        all.extend([
            Treatment::Clear,
            Treatment::Mask,
            Treatment::Pseudonymise,
            Treatment::Presence,
            Treatment::Withhold,
        ]);
        all
    }

    #[test]
    fn meet_is_the_greatest_lower_bound() {
        for a in all() {
            for b in all() {
                let meet = a.meet(b);
                assert_eq!(meet, b.meet(a), "{a} {b}");
                assert!(meet <= a && meet <= b, "{a} {b}: {meet}");
                for c in all().into_iter().filter(|c| *c <= a && *c <= b) {
                    assert!(c <= meet, "{a} {b}: {c} above {meet}");
                }
            }
        }
    }

    #[test]
    fn text_round_trips() {
        for treatment in all() {
            assert_eq!(treatment.to_string().parse::<Treatment>(), Ok(treatment));
        }
        assert!("generalise:decade".parse::<Treatment>().is_err());
        assert!("Clear".parse::<Treatment>().is_err());
    }

    #[test]
    fn whole_messages_of_unknown_make_take_nothing_between_clear_and_presence() {
        let kind = LeafKind::Whole(Whole::Other);
        for treatment in all() {
            let fits = treatment.fits(Semantic::FreeText, &kind);
            let plain =
                matches!(treatment, Treatment::Clear | Treatment::Presence | Treatment::Withhold);
            assert_eq!(fits, plain, "{treatment}");
        }
    }
}
