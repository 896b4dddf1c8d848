//! What is traded, how much of it and when; who trades and declares it, through which modes.

use super::declaration::Declaration;
use super::measure::{Group, Measure, Unit};
use super::sample::{Sample, Tally, key};
use super::stat::{self, Histogram, Moments};
use crate::calendar::{DAY, civil, weekday};

/// Chapters with their share of world trade by value in 2022.
pub const CHAPTERS: [(&str, f64); 10] = [
    ("27", 0.146),
    ("85", 0.142),
    ("84", 0.103),
    ("39", 0.033),
    ("90", 0.026),
    ("72", 0.023),
    ("29", 0.021),
    ("38", 0.012),
    ("94", 0.012),
    ("76", 0.011),
];

const TRADE: &str = "world trade by HS chapter, 2022";
const KCS: &str = "Korean declarations (KCS)";
/// Masses and values that are kept for their order.
const KEPT: usize = 1 << 21;

/// Goods of exports, and what only imports show.
#[derive(Debug)]
pub struct Goods {
    /// Exports.
    pub exports: u64,
    /// Value by chapter.
    pub chapters: Tally,
    /// Exports by HS code.
    pub codes: Tally,
    /// Imports by declarant, by state of import.
    declarants: std::collections::BTreeMap<String, Tally>,
    /// Value by exporter.
    pub exporters: Tally,
    /// Exports by mode.
    pub modes: Tally,
    /// Exports by weekday, Monday first.
    pub weekdays: [f64; 7],
    /// Exports by month.
    pub months: [f64; 12],
    /// ln kilograms and ln dollars.
    pub logs: Moments,
    /// ln kilograms.
    pub masses: Histogram,
    /// ln dollars.
    pub prices: Histogram,
    kept: Sample<(f64, f64)>,
    foreign: [[u64; 2]; 2],
}

impl Default for Goods {
    fn default() -> Self {
        Self {
            exports: 0,
            chapters: Tally::default(),
            codes: Tally::default(),
            declarants: std::collections::BTreeMap::new(),
            exporters: Tally::default(),
            modes: Tally::default(),
            weekdays: [0.0; 7],
            months: [0.0; 12],
            logs: Moments::default(),
            masses: Histogram::new(-6.0, 0.5, 50),
            prices: Histogram::new(2.0, 0.5, 32),
            kept: Sample::new(KEPT),
            foreign: [[0; 2]; 2],
        }
    }
}

impl Goods {
    /// Takes an export.
    pub fn export(&mut self, row: &Declaration<'_>) {
        self.exports += 1;
        self.chapters.add(row.chapter(), row.value);
        self.codes.add(row.hs, 1.0);
        self.exporters.add(row.exporter, row.value);
        self.modes.add(row.mode, 1.0);
        let day = row.at.div_euclid(DAY);
        if let Some(count) = self.weekdays.get_mut(weekday(day)) {
            *count += 1.0;
        }
        let month = usize::try_from(civil(day).1 - 1).unwrap_or_default();
        if let Some(count) = self.months.get_mut(month) {
            *count += 1.0;
        }
        if row.net > 0.0 && row.value > 0.0 {
            let (mass, price) = (libm::log(row.net), libm::log(row.value));
            self.logs.put(mass, price);
            self.masses.put(mass);
            self.prices.put(price);
            self.kept.put(key(row.ucr), (row.net, row.value));
        }
    }

    /// Takes an import.
    pub fn import(&mut self, row: &Declaration<'_>, fraud: bool) {
        match self.declarants.get_mut(row.destination) {
            Some(tally) => tally.add(row.declarant, 1.0),
            None => {
                let mut tally = Tally::default();
                tally.add(row.declarant, 1.0);
                self.declarants.insert(row.destination.to_owned(), tally);
            }
        }
        let row = (usize::from(fraud), usize::from(row.departure != row.origin));
        if let Some(count) = self.foreign.get_mut(row.0).and_then(|counts| counts.get_mut(row.1)) {
            *count += 1;
        }
    }

    /// Declarants of the state with most imports: the Korean data are of one state.
    pub fn declarants(&self) -> Option<&Tally> {
        self.declarants.values().max_by(|a, b| a.total().total_cmp(&b.total()))
    }

    /// Masses and values, each sorted. Takes them: they are the largest thing here.
    pub fn take_sorted(&mut self) -> (Vec<f64>, Vec<f64>) {
        let kept = std::mem::replace(&mut self.kept, Sample::new(0)).into_rows();
        let (masses, values): (Vec<f64>, Vec<f64>) = kept.into_iter().unzip();
        (stat::sorted(masses), stat::sorted(values))
    }

    /// Its measures; masses sorted.
    pub fn measures(&self, masses: &[f64]) -> Vec<Measure> {
        let mut all = self.chapter_measures();
        all.extend(self.size_measures(masses));
        all.extend(self.time_measures());
        all.extend(self.origin_measures());
        all.extend(self.rank_measures());
        all
    }

    /// Share of each chapter in the value of exports, a quarter to either side of the source: what ten thousands
    /// of lognormal values of that width scatter by.
    fn chapter_measures(&self) -> Vec<Measure> {
        let measure = |(chapter, share): (&str, f64)| {
            let name = format!("value of HS chapter {chapter}");
            Measure::new(Group::Goods, &name, Unit::Share, Some(self.chapters.share(chapter)))
                .within(share * 0.75, share * 1.25)
                .needs(200_000, self.exports, "consignments")
                .source(TRADE)
        };
        CHAPTERS.into_iter().map(measure).collect()
    }

    fn size_measures(&self, masses: &[f64]) -> [Measure; 6] {
        let (means, deviations) = (self.logs.means(), self.logs.deviations());
        let number =
            |name: &str, value: Option<f64>| Measure::new(Group::Goods, name, Unit::Number, value);
        [
            // Mean of ln net mass in kilograms. KCS 4.82; ours may carry more, being no parcels.
            number("ln mass (kg), mean", means.map(|(mass, _)| mass)).within(3.0, 7.0).source(KCS),
            // KCS 3.41.
            number("ln mass (kg), standard deviation", deviations.map(|(mass, _)| mass))
                .within(2.4, 4.4)
                .source(KCS),
            // KCS 9.33 in won of 2020, which is 2.26 in dollars: another population, so shown only.
            number("ln price (USD), mean", means.map(|(_, price)| price)).source(KCS),
            // KCS 4.15 with parcels; a freight world is narrower.
            number("ln price (USD), standard deviation", deviations.map(|(_, price)| price))
                .within(1.8, 4.4)
                .source(KCS),
            // KCS 0.81.
            number("correlation of ln mass and ln price", self.logs.correlation())
                .within(0.6, 0.95)
                .source(KCS),
            // KCS 80 %.
            Measure::new(
                Group::Goods,
                "mass on the top 1 % of consignments",
                Unit::Share,
                stat::top_share(masses, 0.01),
            )
            .within(0.65, 0.95)
            .needs(10_000, self.exports, "consignments")
            .source(KCS),
        ]
    }

    /// Share of exports accepted on a weekday. KCS: Monday 28.6 %, Saturday 3.3, Sunday 2.0.
    fn time_measures(&self) -> [Measure; 3] {
        let total: f64 = self.weekdays.iter().sum();
        let measure = |name: &str, day: usize, low, high| {
            let value = self.weekdays.get(day).map(|count| count / total);
            Measure::new(Group::Goods, name, Unit::Share, value)
                .within(low, high)
                .needs(5_000, self.exports, "consignments")
                .source(KCS)
        };
        [
            measure("accepted on a Monday", 0, 0.256, 0.316),
            measure("accepted on a Saturday", 5, 0.023, 0.043),
            measure("accepted on a Sunday", 6, 0.010, 0.030),
        ]
    }

    /// Share of imports whose country of departure is not that of origin. KCS: 20 %, of fraud 29.2.
    fn origin_measures(&self) -> [Measure; 2] {
        let [honest, fraud] = self.foreign;
        let share = |[same, other]: [u64; 2]| {
            (same + other > 0).then(|| other as f64 / (same + other) as f64)
        };
        let all = [honest, fraud].iter().fold([0; 2], |[a, b], [x, y]| [a + x, b + y]);
        let measure =
            |name: &str, value| Measure::new(Group::Goods, name, Unit::Share, value).source(KCS);
        [
            measure("departure differs from origin", share(all)).within(0.15, 0.25),
            measure("departure differs from origin, of fraud", share(fraud))
                .within(0.22, 0.40)
                .needs(300, fraud.iter().sum(), "frauds"),
        ]
    }

    fn rank_measures(&self) -> [Measure; 3] {
        let slope = |name: &str, ranked: Vec<f64>| {
            let value = stat::rank_slope(&ranked);
            Measure::new(Group::Goods, name, Unit::Number, value).source(KCS)
        };
        let declarants = self.declarants().map(Tally::ranked).unwrap_or_default();
        [
            // KCS -1.05.
            slope("rank-frequency slope of HS6 codes", self.codes.ranked())
                .within(-1.3, -0.8)
                .needs(10_000, self.exports, "consignments"),
            // KCS -1.01. In the state with most imports.
            slope("rank-frequency slope of declarants", declarants).within(-1.3, -0.8).needs(
                10_000,
                self.exports,
                "consignments",
            ),
            // Value of exports of the largest hundredth of the exporters.
            Measure::new(
                Group::Actors,
                "exports of the top 1 % of exporters",
                Unit::Share,
                stat::top_share(&stat::sorted(self.exporters.ranked()), 0.01),
            )
            .at_least(0.5)
            .needs(1_000, self.exporters.count() as u64, "exporters")
            .source("exporter databases: over half"),
        ]
    }
}
