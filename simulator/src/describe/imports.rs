//! Imports and who is guilty: what must not tell it (leaks) and what must (entities). The same code measures our
//! import declarations and the Korean ones, so that both figures mean the same.

use super::sample::{Names, Sample, key, key_of};
use super::stat::{self, Moments};
use crate::calendar::DAY;
use crate::rng::{Seed, Stream};

/// Most imports that are kept; beyond, all imports of a share of the importers.
const MOST: usize = 1 << 21;

/// An import declaration as its cells say.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    /// Its number.
    pub id: &'a str,
    /// When it was accepted, seconds since 1970.
    pub at: i64,
    /// State of import.
    pub state: &'a str,
    /// Importer.
    pub importer: &'a str,
    /// Declarant.
    pub declarant: &'a str,
    /// HS code, country of departure, country of origin.
    pub goods: [&'a str; 3],
    /// Codes that say how it is treated: regime, control; tax rate, tax type.
    pub treatment: [&'a str; 2],
    /// Every other code of a closed list or register, such as office, mode, parties.
    pub others: &'a [&'a str],
    /// Mode of transport: UN/ECE Recommendation 19, whose first digit counts.
    pub mode: &'a str,
    /// Net mass as it is written.
    pub mass: &'a str,
    /// Net mass, kilograms.
    pub kilograms: f64,
    /// Breaks the law.
    pub illicit: bool,
    /// Part of a scheme.
    pub strategic: bool,
}

#[derive(Debug, Clone, Copy)]
struct Import {
    at: i64,
    order: u64,
    id: u64,
    state: u32,
    importer: u32,
    declarant: u32,
    goods: [u32; 3],
    /// Hashes of tuples: goods, treatment and mass; goods, treatment and mode; all codes.
    tokens: [u64; 3],
    illicit: bool,
    strategic: bool,
}

/// Imports, as they come.
#[derive(Debug)]
pub struct Imports {
    names: Names,
    rows: Sample<Import>,
    seen: u64,
    sea: Moments,
    air: Moments,
}

impl Default for Imports {
    fn default() -> Self {
        Self {
            names: Names::default(),
            rows: Sample::new(MOST),
            seen: 0,
            sea: Moments::default(),
            air: Moments::default(),
        }
    }
}

impl Imports {
    /// Takes an import.
    pub fn put(&mut self, cells: &Cells<'_>) {
        let ln_mass = libm::log(cells.kilograms);
        if cells.kilograms > 0.0 {
            match cells.mode.as_bytes().first() {
                Some(b'1') => self.sea.put(ln_mass, 0.0),
                Some(b'4') => self.air.put(ln_mass, 0.0),
                _ => {}
            }
        }
        let [hs, departure, origin] = cells.goods;
        let [first, second] = cells.treatment;
        let with = |last: &str| key_of(&[hs, departure, origin, first, second, last]);
        let all: Vec<&str> =
            cells.goods.iter().chain(&cells.treatment).chain(cells.others).copied().collect();
        let names = &mut self.names;
        let import = Import {
            at: cells.at,
            order: self.seen,
            id: digits(cells.id),
            state: names.number(cells.state),
            importer: names.number(cells.importer),
            declarant: names.number(cells.declarant),
            goods: cells.goods.map(|code| names.number(code)),
            tokens: [with(cells.mass), with(cells.mode), key_of(&all)],
            illicit: cells.illicit,
            strategic: cells.strategic,
        };
        self.rows.put(key(cells.importer), import);
        self.seen += 1;
    }

    /// Computes the figures.
    pub fn figures(self) -> Figures {
        let gap = |(sea, _): (f64, f64), (air, _): (f64, f64)| sea - air;
        let mass_gap = self.sea.means().zip(self.air.means()).map(|(sea, air)| gap(sea, air));
        let mut rows = self.rows.into_rows();
        rows.sort_by_key(|row| (row.at, row.order));
        let rows = Rows(rows);
        Figures {
            imports: rows.0.len() as u64,
            illicit: rows.0.iter().filter(|row| row.illicit).count() as u64,
            strategic: rows.0.iter().filter(|row| row.strategic).count() as u64,
            lookups: [0, 1, 2].map(|which| rows.lookup(which)),
            by_id: rows.auc(|row| row.id as f64),
            by_order: rows.auc(|row| row.order as f64),
            by_hour: rows.auc(|row| row.at.rem_euclid(DAY) as f64),
            by_day: rows.auc(|row| row.at.div_euclid(DAY) as f64),
            by_weekday: rows.auc(|row| crate::calendar::weekday(row.at.div_euclid(DAY)) as f64),
            strategic_by_id: rows.strategic_auc(|row| row.id as f64),
            strategic_by_order: rows.strategic_auc(|row| row.order as f64),
            strategic_by_hour: rows.strategic_auc(|row| row.at.rem_euclid(DAY) as f64),
            history: rows.history(),
            riskiest: rows.riskiest(),
            overdispersion: rows.overdispersion(),
            association: rows.association(),
            information: rows.information(),
            mass_gap,
        }
    }
}

/// The digits of an id as a number.
fn digits(id: &str) -> u64 {
    id.bytes()
        .filter(u8::is_ascii_digit)
        .fold(0, |sum: u64, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
}

/// A table of training tuples, held against later rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lookup {
    /// Share of later rows whose tuple a training row had.
    pub repeats: Option<f64>,
    /// Those rows that repeat and are illicit.
    pub illicit: u64,
    /// Area under the curve on rows that repeat, by the illicit share of their tuple in training.
    pub on_repeats: Option<f64>,
    /// The same on all later rows; those that repeat nothing get the share of all training rows.
    pub on_all: Option<f64>,
}

/// What was measured.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Imports that were kept.
    pub imports: u64,
    /// Illicit ones.
    pub illicit: u64,
    /// Those of schemes.
    pub strategic: u64,
    /// Lookups of goods with exact mass; of goods with mode; of all codes, parties among them.
    pub lookups: [Lookup; 3],
    /// Area under the curve of the number in the id alone.
    pub by_id: Option<f64>,
    /// Of the place in the files.
    pub by_order: Option<f64>,
    /// Of the time of day.
    pub by_hour: Option<f64>,
    /// Of the day.
    pub by_day: Option<f64>,
    /// Of the weekday.
    pub by_weekday: Option<f64>,
    /// The number in the id, schemes against all else.
    pub strategic_by_id: Option<f64>,
    /// The place in the files, schemes against all else.
    pub strategic_by_order: Option<f64>,
    /// The time of day, schemes against all else.
    pub strategic_by_hour: Option<f64>,
    /// Of the importer's past share of illicit imports.
    pub history: Option<f64>,
    /// Share of offences among the three tenths of imports that a simple score of the past holds riskiest.
    pub riskiest: Option<f64>,
    /// Variance of illicit imports by importer over that of equal chances.
    pub overdispersion: Option<f64>,
    /// Chance that two imports of an importer have one declarant, over that of any two imports of its state.
    pub association: Option<f64>,
    /// Mutual information of importer and declarant within states, over that of shuffled declarants.
    pub information: Option<f64>,
    /// Mean ln mass by sea less that by air.
    pub mass_gap: Option<f64>,
}

/// Imports in the order of time.
struct Rows(Vec<Import>);

impl Rows {
    fn auc(&self, score: impl Fn(&Import) -> f64) -> Option<f64> {
        stat::auc(self.0.iter().map(|row| (score(row), row.illicit)).collect())
    }

    fn strategic_auc(&self, score: impl Fn(&Import) -> f64) -> Option<f64> {
        stat::auc(self.0.iter().map(|row| (score(row), row.strategic)).collect())
    }

    /// Training rows are the first 70 % in time, rows to judge the last 15 %: so are the files of the Korean data.
    fn lookup(&self, which: usize) -> Lookup {
        let at = |share: usize| self.0.len() * share / 100;
        let (Some(training), Some(judged)) = (self.0.get(..at(70)), self.0.get(at(85)..)) else {
            return Lookup::default();
        };
        let token = |row: &Import| row.tokens.get(which).copied().unwrap_or_default();
        let mut table: std::collections::HashMap<u64, Past> = std::collections::HashMap::new();
        let mut all = Past::default();
        for row in training {
            table.entry(token(row)).or_default().put(row.illicit);
            all.put(row.illicit);
        }
        let share = |past: &Past| past.illicit / past.imports;
        let (mut repeating, mut everything) = (vec![], vec![]);
        for row in judged {
            match table.get(&token(row)) {
                Some(past) => {
                    repeating.push((share(past), row.illicit));
                    everything.push((share(past), row.illicit));
                }
                None => everything.push((share(&all), row.illicit)),
            }
        }
        Lookup {
            repeats: (!judged.is_empty()).then(|| repeating.len() as f64 / judged.len() as f64),
            illicit: repeating.iter().filter(|(_, illicit)| *illicit).count() as u64,
            on_repeats: stat::auc(repeating),
            on_all: stat::auc(everything),
        }
    }

    /// Share of all rows that are illicit.
    fn base(&self) -> f64 {
        let illicit = self.0.iter().filter(|row| row.illicit).count();
        illicit as f64 / (self.0.len() as f64).max(1.0)
    }

    fn history(&self) -> Option<f64> {
        let (base, mut past) = (self.base(), Pasts::default());
        let mut scored = vec![];
        for row in &self.0 {
            let before = past.of(row.importer);
            if before.imports > 0.0 {
                scored.push((before.share(base), row.illicit));
            }
            past.put(row.importer, row.illicit);
        }
        stat::auc(scored)
    }

    /// Scores the later half by the sum of the logarithms of past shares of importer, declarant, code, departure
    /// and origin, all of them up to the row itself.
    fn riskiest(&self) -> Option<f64> {
        let (base, mut past) = (self.base(), Pasts::default());
        let mut scored = vec![];
        for (place, row) in self.0.iter().enumerate() {
            let [hs, departure, origin] = row.goods;
            let things = [row.importer, row.declarant, hs, departure, origin];
            if place * 2 >= self.0.len() {
                let score: f64 =
                    things.iter().map(|thing| libm::log(past.of(*thing).share(base) / base)).sum();
                scored.push((score, row.illicit));
            }
            things.iter().for_each(|thing| past.put(*thing, row.illicit));
        }
        scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let offences = |rows: &[(f64, bool)]| rows.iter().filter(|(_, illicit)| *illicit).count();
        let top = scored.get(..scored.len() * 3 / 10)?;
        let all = offences(&scored);
        (all > 0).then(|| offences(top) as f64 / all as f64)
    }

    /// Mean of (found - expected)^2 over the binomial variance, of importers with at least five imports.
    fn overdispersion(&self) -> Option<f64> {
        let (base, mut past) = (self.base(), Pasts::default());
        self.0.iter().for_each(|row| past.put(row.importer, row.illicit));
        let ratios: Vec<f64> = past
            .0
            .iter()
            .filter(|past| past.imports >= 5.0)
            .map(|past| {
                (past.illicit - past.imports * base).powi(2) / (past.imports * base * (1.0 - base))
            })
            .collect();
        (ratios.len() > 1).then(|| ratios.iter().sum::<f64>() / (ratios.len() as f64 - 1.0))
    }

    fn association(&self) -> Option<f64> {
        let mut rows: Vec<&Import> = self.0.iter().collect();
        rows.sort_by_key(|row| (row.state, row.importer, row.declarant));
        let pairs = |count: usize| count as f64 * (count as f64 - 1.0) / 2.0;
        let (mut same, mut expected) = (0.0, 0.0);
        for of_state in rows.chunk_by(|a, b| a.state == b.state) {
            let mut declarants: Vec<u32> = of_state.iter().map(|row| row.declarant).collect();
            declarants.sort_unstable();
            let alike: f64 = declarants.chunk_by(|a, b| a == b).map(|run| pairs(run.len())).sum();
            let chance = alike / pairs(of_state.len()).max(1.0);
            for of_importer in of_state.chunk_by(|a, b| a.importer == b.importer) {
                expected += pairs(of_importer.len()) * chance;
                let runs = of_importer.chunk_by(|a, b| a.declarant == b.declarant);
                same += runs.map(|run| pairs(run.len())).sum::<f64>();
            }
        }
        (expected > 0.0).then(|| same / expected)
    }

    /// Both are far from zero where importers have few imports: only their ratio says something.
    fn information(&self) -> Option<f64> {
        let mut triples: Vec<[u32; 3]> =
            self.0.iter().map(|row| [row.state, row.importer, row.declarant]).collect();
        triples.sort_unstable();
        let found = information(&triples);
        let shuffle = Stream::new(Seed(0), "describe.shuffle");
        let mut shuffled = vec![];
        for (state, of_state) in (0..).zip(triples.chunk_by(|a, b| a[0] == b[0])) {
            let mut declarants: Vec<u32> =
                of_state.iter().map(|[.., declarant]| *declarant).collect();
            let mut cell = shuffle.row(state);
            for place in (1..declarants.len()).rev() {
                declarants.swap(place, cell.place(place + 1));
            }
            let pairs = of_state.iter().zip(declarants);
            shuffled.extend(pairs.map(|([state, importer, _], other)| [*state, *importer, other]));
        }
        shuffled.sort_unstable();
        let chance = information(&shuffled);
        (chance > 0.0).then(|| found / chance)
    }
}

/// Mutual information, in nats a row, of the second and third within the first of sorted triples.
fn information(triples: &[[u32; 3]]) -> f64 {
    let mut sum = 0.0;
    for of_state in triples.chunk_by(|[a, ..], [b, ..]| a == b) {
        let mut declarants: Vec<u32> = of_state.iter().map(|[.., declarant]| *declarant).collect();
        declarants.sort_unstable();
        let counts: std::collections::HashMap<u32, f64> = declarants
            .chunk_by(|a, b| a == b)
            .filter_map(|run| Some((*run.first()?, run.len() as f64)))
            .collect();
        for of_importer in of_state.chunk_by(|[_, a, _], [_, b, _]| a == b) {
            for run in of_importer.chunk_by(|a, b| a == b) {
                let [.., declarant] = run.first().copied().unwrap_or_default();
                let (both, all) = (run.len() as f64, of_state.len() as f64);
                let apart =
                    of_importer.len() as f64 * counts.get(&declarant).copied().unwrap_or(1.0);
                sum += both * libm::log(both * all / apart);
            }
        }
    }
    sum / (triples.len() as f64).max(1.0)
}

/// Imports so far and illicit ones among them.
#[derive(Debug, Clone, Copy, Default)]
struct Past {
    imports: f64,
    illicit: f64,
}

impl Past {
    fn put(&mut self, illicit: bool) {
        self.imports += 1.0;
        self.illicit += f64::from(u8::from(illicit));
    }

    /// Illicit share, drawn towards the share of all by the weight of five imports.
    fn share(&self, base: f64) -> f64 {
        (self.illicit + 5.0 * base) / (self.imports + 5.0)
    }
}

/// Pasts by number of a name. A firm that imports and declares has one past: what is known of it is known.
#[derive(Debug, Default)]
struct Pasts(Vec<Past>);

impl Pasts {
    fn of(&self, thing: u32) -> Past {
        self.0.get(thing as usize).copied().unwrap_or_default()
    }

    fn put(&mut self, thing: u32, illicit: bool) {
        let place = thing as usize;
        if place >= self.0.len() {
            self.0.resize(place + 1, Past::default());
        }
        if let Some(past) = self.0.get_mut(place) {
            past.put(illicit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A world of 20,000 imports in which one thing gives the guilty away, or nothing does.
    fn figures(given_away_by: &str) -> Figures {
        let mut imports = Imports::default();
        let stream = Stream::new(Seed(6), "test.imports");
        for row in 0..20_000_u64 {
            let mut cell = stream.row(row);
            let importer = cell.place(200);
            let chance = if given_away_by == "importer" && importer < 20 { 0.4 } else { 0.04 };
            let illicit = cell.chance(chance);
            let hs = cell.place(50);
            let declarant =
                if given_away_by == "declarant" { importer % 40 } else { cell.place(40) };
            let mass = if given_away_by == "mass" && illicit { 7 } else { cell.place(100_000) };
            let hour = if given_away_by == "hour" && illicit { 3 } else { cell.whole(0, 23) };
            let number =
                cell.place(1_000_000) / if given_away_by == "id" && illicit { 9 } else { 1 };
            let day = (row * 300 / 20_000) as i64;
            let sea = cell.chance(0.5);
            let heavy = given_away_by == "mode" && sea;
            imports.put(&Cells {
                id: &format!("IM-{number:09}"),
                at: (20_454 + day) * DAY + hour * 3600,
                state: "XA",
                importer: &format!("I{importer}"),
                declarant: &format!("D{declarant}"),
                goods: [&hs.to_string(), "XB", "XC"],
                treatment: ["40", ""],
                others: &[&format!("I{importer}")],
                mode: if sea { "1" } else { "4" },
                mass: &mass.to_string(),
                kilograms: if heavy { 1000.0 } else { 50.0 },
                illicit,
                strategic: false,
            });
        }
        imports.figures()
    }

    fn off(value: Option<f64>) -> f64 {
        (value.unwrap() - 0.5).abs()
    }

    #[test]
    fn a_fair_world_gives_nothing_away() {
        let fair = figures("nothing");
        assert_eq!(fair.imports, 20_000);
        for auc in [fair.by_id, fair.by_order, fair.by_hour, fair.by_day, fair.by_weekday] {
            assert!(off(auc) < 0.03, "{fair:?}");
        }
        assert!(off(fair.lookups[0].on_all) < 0.03 && off(fair.lookups[1].on_repeats) < 0.06);
        assert!(fair.lookups[0].repeats.unwrap() < 0.01);
        assert!(off(fair.history) < 0.05, "{:?}", fair.history);
        assert!((fair.overdispersion.unwrap() - 1.0).abs() < 0.3);
        assert!((fair.association.unwrap() - 1.0).abs() < 0.1);
        assert!((fair.information.unwrap() - 1.0).abs() < 0.05);
        assert!((fair.riskiest.unwrap() - 0.3).abs() < 0.06);
        assert!(fair.mass_gap.unwrap().abs() < 0.01);
    }

    #[test]
    fn every_leak_is_seen_by_its_own_test() {
        assert!(off(figures("id").by_id) > 0.3);
        assert!(off(figures("hour").by_hour) > 0.2);
        let leak = figures("mass").lookups[0];
        assert!(leak.on_all.unwrap() > 0.9 && leak.repeats.unwrap() > 0.03, "{leak:?}");
    }

    #[test]
    fn offenders_and_habits_and_modes_are_seen_by_theirs() {
        let offenders = figures("importer");
        assert!(offenders.history.unwrap() > 0.65, "{:?}", offenders.history);
        assert!(offenders.overdispersion.unwrap() > 3.0);
        assert!(offenders.riskiest.unwrap() > 0.55, "{:?}", offenders.riskiest);
        let habits = figures("declarant");
        assert!(habits.association.unwrap() > 10.0 && habits.information.unwrap() > 5.0);
        assert!((figures("mode").mass_gap.unwrap() - libm::log(20.0)).abs() < 0.01);
    }

    #[test]
    fn numbers_of_ids_are_their_digits() {
        assert_eq!(
            (digits("IM-XH-000004198"), digits("97061800"), digits("")),
            (4198, 97_061_800, 0)
        );
    }
}
