//! What a set of agencies sees of the records: their own rows, or, where one of them asks through the gateway, its
//! own rows as they are and those of the others as a plan shows them. Everything a detector reads of a row goes
//! through a [`Look`], so that no detector can know more than its view.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::records::{Alike, At, Place, Records, serial, text_keys};
use crate::calendar::{DAY, civil, day_of};
use crate::table::Table;
use crate::world::spelling::likeness;

/// Level of a generalisation, as the gateway computes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Four digits of a tariff code.
    Heading,
    /// Two digits of a tariff code.
    Chapter,
    /// Category, group and regime of a control code.
    Regime,
    /// Category of a control code.
    ControlCategory,
    /// Country of a place.
    Country,
    /// Day of a moment.
    Day,
    /// Its month.
    Month,
    /// Its year.
    Year,
    /// Lower edge of [1, 2), [2, 5), [5, 10), [10, 20), ..
    Band,
}

impl Level {
    /// The level of a word of a plan.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "heading" => Self::Heading,
            "chapter" => Self::Chapter,
            "regime" => Self::Regime,
            "control_category" => Self::ControlCategory,
            "country" => Self::Country,
            "day" => Self::Day,
            "month" => Self::Month,
            "year" => Self::Year,
            "band" => Self::Band,
            _ => return None,
        })
    }
}

/// What a plan does with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Treatment {
    /// As it is.
    Clear,
    /// Coarser.
    Generalise(Level),
    /// A filler.
    Mask,
    /// A token; where it may be asked for by value, whoever knows a value finds its rows.
    Pseudonymise {
        /// Whether it may be named in a filter.
        matchable: bool,
    },
    /// Whether there is a value.
    Presence,
    /// Nothing.
    Withhold,
}

/// What others' rows look like: treatments by the place of the column. A table that is not in here is not shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shown(pub BTreeMap<Table, Vec<Treatment>>);

/// A view.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// All records.
    pub records: &'a Records,
    /// Agencies whose rows it is made of.
    pub agencies: &'a [u32],
    /// Who asks, and how it is shown the others' rows; none: everybody lays everything on the table.
    pub asks: Option<(u32, &'a Shown)>,
}

impl<'a> Look<'a> {
    /// What a field of a row undergoes.
    fn treatment(&self, at: At, column: Place) -> Treatment {
        match self.asks {
            Some((own, shown)) if self.records.agency(at) != own => shown
                .0
                .get(&at.table)
                .and_then(|columns| columns.get(column))
                .copied()
                .unwrap_or(Treatment::Withhold),
            _ => Treatment::Clear,
        }
    }

    /// Whether it has a row at all.
    pub fn has(&self, at: At) -> bool {
        let holder = self.records.agency(at);
        self.agencies.contains(&holder)
            && self.asks.is_none_or(|(own, shown)| holder == own || shown.0.contains_key(&at.table))
    }

    /// A cell as text.
    pub fn text(&self, at: At, column: Place) -> Option<Cow<'a, str>> {
        let text = self.records.text(at, column);
        let cut = |length: usize| text.get(..length.min(text.len())).map(Cow::Borrowed);
        match self.treatment(at, column) {
            _ if text.is_empty() => None,
            Treatment::Clear => Some(Cow::Borrowed(text)),
            Treatment::Generalise(Level::Heading) => cut(4),
            Treatment::Generalise(Level::Chapter | Level::Country) => cut(2),
            Treatment::Generalise(Level::Regime) => cut(3),
            Treatment::Generalise(Level::ControlCategory) => cut(1),
            _ => None,
        }
    }

    /// A cell as a number; moments and days in seconds since 1970.
    pub fn number(&self, at: At, column: Place) -> Option<f64> {
        let number = self.records.number(at, column)?;
        match self.treatment(at, column) {
            Treatment::Clear => Some(number),
            Treatment::Generalise(Level::Band) => Some(band(number)),
            Treatment::Generalise(level @ (Level::Day | Level::Month | Level::Year)) => {
                Some(coarse_moment(number, level))
            }
            _ => None,
        }
    }

    /// Whether a cell has a value; none where even that is hidden.
    pub fn present(&self, at: At, column: Place) -> Option<bool> {
        if self.treatment(at, column) == Treatment::Withhold {
            return None;
        }
        let empty =
            self.records.text(at, column).is_empty() && self.records.number(at, column).is_none();
        Some(!empty)
    }

    /// Whether two cells can be compared: both clear, or a token beside a value that it may be asked for by, or
    /// tokens of one originator.
    fn comparable(&self, one: (At, Place), other: (At, Place), alike: Alike) -> bool {
        let matchable = Treatment::Pseudonymise { matchable: true };
        let token = |treatment| matches!(treatment, Treatment::Pseudonymise { .. });
        let same_holder = self.records.agency(one.0) == self.records.agency(other.0);
        match (self.treatment(one.0, one.1), self.treatment(other.0, other.1)) {
            (Treatment::Clear, Treatment::Clear) => true,
            (Treatment::Clear, treatment) | (treatment, Treatment::Clear)
                if treatment == matchable =>
            {
                alike == Alike::Exactly
            }
            (first, second) => {
                alike == Alike::Exactly && same_holder && token(first) && token(second)
            }
        }
    }

    /// Rows of a table that a cell leads to, by a column there.
    pub fn linked(
        &self,
        from: (At, Place),
        to: (Table, Place),
        alike: Alike,
    ) -> impl Iterator<Item = At> + use<'a> {
        let look = *self;
        let (table, column) = to;
        let keys = look.records.keys(from.0, from.1, alike);
        keys.into_iter()
            .flat_map(move |key| look.records.with(table, column, alike, key))
            .map(move |row| At { table, row: *row })
            .filter(move |at| {
                *at != from.0 && look.has(*at) && look.comparable(from, (*at, column), alike)
            })
    }

    /// Whether two cells say the same; none where either says nothing or they cannot be compared.
    pub fn same(&self, one: (At, Place), other: (At, Place), alike: Alike) -> Option<bool> {
        if !self.comparable(one, other, alike) {
            return None;
        }
        let (first, second) =
            (self.records.keys(one.0, one.1, alike), self.records.keys(other.0, other.1, alike));
        (!first.is_empty() && !second.is_empty())
            .then(|| first.iter().any(|key| second.contains(key)))
    }

    /// How many digits of two codes agree, from the left: 0, 2, 4 or 6.
    pub fn digits_alike(&self, one: (At, Place), other: (At, Place)) -> Option<f64> {
        let (one, other) = (self.text(one.0, one.1)?, self.text(other.0, other.1)?);
        let alike = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
        Some(f64::from(u32::try_from(alike / 2 * 2).unwrap_or_default()))
    }

    /// The serial number in a description.
    pub fn serial(&self, at: At, column: Place) -> Option<String> {
        self.text(at, column).and_then(|text| serial(&text).map(str::to_owned))
    }

    /// Days from one moment to another.
    pub fn days(&self, from: (At, Place), to: (At, Place)) -> Option<f64> {
        Some((self.number(to.0, to.1)? - self.number(from.0, from.1)?) / 86_400.0)
    }

    /// Natural logarithm of one number over another.
    pub fn log_ratio(&self, one: (At, Place), other: (At, Place)) -> Option<f64> {
        let (one, other) = (self.number(one.0, one.1)?, self.number(other.0, other.1)?);
        (one > 0.0 && other > 0.0).then(|| libm::log(one / other))
    }

    /// How alike two texts are by their pairs of letters, 0 to 1 (L. R. Dice, 1945).
    pub fn likeness(&self, one: (At, Place), other: (At, Place)) -> Option<f64> {
        Some(likeness(&self.text(one.0, one.1)?, &self.text(other.0, other.1)?))
    }

    /// Keys of a cell to be held against a list; none where it is hidden.
    pub fn tokens(&self, at: At, column: Place) -> Vec<u64> {
        self.text(at, column).map(|text| text_keys(&text, Alike::Exactly)).unwrap_or_default()
    }
}

/// Lower edge of a number's band.
fn band(value: f64) -> f64 {
    let size = value.abs();
    if size < 1.0 {
        return 0.0;
    }
    let mut decade = 1.0;
    while size / decade >= 10.0 {
        decade *= 10.0;
    }
    let edge = match size / decade {
        lead if lead < 2.0 => decade,
        lead if lead < 5.0 => 2.0 * decade,
        _ => 5.0 * decade,
    };
    edge.copysign(value)
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a few centuries")]
fn coarse_moment(seconds: f64, level: Level) -> f64 {
    let day = crate::calendar::whole(seconds / 86_400.0);
    let (year, month, _) = civil(day);
    let day = match level {
        Level::Month => day_of(year, month, 1),
        Level::Year => day_of(year, 1, 1),
        _ => day,
    };
    (day * DAY) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::records::place;
    use crate::table::{Declaration, Out};

    #[test]
    fn numbers_and_moments_become_coarser_as_the_gateway_makes_them() {
        for (value, edge) in [(0.4, 0.0), (1.0, 1.0), (4.9, 2.0), (5.0, 5.0), (19_999.0, 10_000.0)]
        {
            assert!((band(value) - edge).abs() < 1e-9, "{value}");
        }
        assert!((band(-37.0) + 20.0).abs() < 1e-9);
        let moment = 1_767_243_967.0; // 2026-01-01T05:06:07Z
        for (level, seconds) in [(Level::Day, 1_767_225_600.0), (Level::Year, 1_767_225_600.0)] {
            assert!((coarse_moment(moment, level) - seconds).abs() < 1e-9);
        }
        assert!(
            (coarse_moment(moment + 40.0 * 86_400.0, Level::Month) - 1_769_904_000.0).abs() < 1e-9
        );
    }

    /// Declarations of one consignment: the first in the hands of who asks, the others in those of two others.
    fn records() -> Records {
        let mut records = Records::new(&[Table::Declaration].into());
        for (agency, id) in [("xc", "EX-1"), ("ic", "IM-1"), ("ic", "EX-2"), ("tc", "TR-1")] {
            records.put(&Declaration {
                agency,
                id,
                ucr: "6XC1",
                exporter_id: "F1",
                hs_code: "854231",
                value: Some(123_400),
                ..Declaration::default()
            });
        }
        records
    }

    fn at(row: u32) -> At {
        At { table: Table::Declaration, row }
    }

    /// What is left of the others' rows when one column is treated so and all others are withheld.
    fn shown(column: &str, treatment: Treatment) -> Shown {
        let columns = Table::Declaration.columns().iter();
        let all = columns.map(|it| if it.name == column { treatment } else { Treatment::Withhold });
        Shown([(Table::Declaration, all.collect())].into())
    }

    #[test]
    fn others_rows_are_seen_as_the_plan_shows_them_and_own_ones_as_they_are() {
        let records = records();
        let (xc, ic) = (records.word("xc").unwrap(), records.word("ic").unwrap());
        let (hs, value) =
            (place(Table::Declaration, "hs_code"), place(Table::Declaration, "value"));
        let agencies = [xc, ic];
        let with = |shown: &Shown| -> (Option<String>, Option<f64>) {
            let look = Look { records: &records, agencies: &agencies, asks: Some((xc, shown)) };
            assert_eq!(look.text(at(0), hs).as_deref(), Some("854231"));
            (look.text(at(1), hs).map(Cow::into_owned), look.number(at(1), value))
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(with(&shown("hs_code", Treatment::Clear)), (text("854231"), None));
        let level = |level| Treatment::Generalise(level);
        assert_eq!(with(&shown("hs_code", level(Level::Chapter))), (text("85"), None));
        assert_eq!(with(&shown("value", level(Level::Band))), (None, Some(1_000.0)));
        for treatment in [Treatment::Mask, Treatment::Presence, Treatment::Withhold] {
            assert_eq!(with(&shown("hs_code", treatment)), (None, None));
        }
        let nothing = Shown::default();
        let look = Look { records: &records, agencies: &agencies, asks: Some((xc, &nothing)) };
        assert!(look.has(at(0)) && !look.has(at(1)), "a table without a plan is shown");
        let alone = Look { records: &records, agencies: &agencies[..1], asks: None };
        assert!(alone.has(at(0)) && !alone.has(at(1)), "rows of who is not in the view are seen");
    }

    #[test]
    fn tokens_lead_to_a_value_only_where_it_may_be_asked_for() {
        let records = records();
        let agency = |word| records.word(word).unwrap();
        let xc = agency("xc");
        let ucr = place(Table::Declaration, "ucr");
        let agencies = [xc, agency("ic"), agency("tc")];
        let found = |treatment, from| {
            let shown = shown("ucr", treatment);
            let look = Look { records: &records, agencies: &agencies, asks: Some((xc, &shown)) };
            look.linked((at(from), ucr), (Table::Declaration, ucr), Alike::Exactly).count()
        };
        assert_eq!(found(Treatment::Clear, 0), 3);
        assert_eq!(found(Treatment::Pseudonymise { matchable: true }, 0), 3);
        assert_eq!(found(Treatment::Pseudonymise { matchable: false }, 0), 0);
        // Rows of one originator have the same token; nobody knows it to be that of another's, or of an own value.
        assert_eq!(found(Treatment::Pseudonymise { matchable: false }, 1), 1);
        assert_eq!(found(Treatment::Presence, 1), 0);
    }

    #[test]
    fn names_are_alike_whatever_their_case_and_points() {
        assert!((likeness("Orel & Sons Ltd.", "OREL AND SONS LTD") - 1.0).abs() < 1e-9);
        assert!(likeness("Orel Trading", "Kestrel Machines") < 0.4);
    }
}
