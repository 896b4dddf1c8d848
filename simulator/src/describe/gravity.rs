//! Trade between states: who trades with whom at all, how much lies on how few, and the gravity equation.

use std::collections::BTreeMap;

use super::declaration::Declaration;
use super::measure::{Group, Measure, Unit};
use super::ppml::{self, Fit, Pair};
use super::stat;
use crate::world::World;

const SOURCE: &str = "Santos Silva and Tenreyro (2006)";
/// Consignments from which the sums of pairs say something.
const NEEDS: u64 = 100_000;

/// Value by pair of states.
#[derive(Debug, Default)]
pub struct Gravity {
    value: BTreeMap<(String, String), f64>,
    exports: u64,
}

impl Gravity {
    /// Takes an export.
    pub fn put(&mut self, export: &Declaration<'_>) {
        self.exports += 1;
        let pair = (export.departure.to_owned(), export.destination.to_owned());
        *self.value.entry(pair).or_default() += export.value;
    }

    /// All pairs of different states, with their variables; the states are the world's.
    fn pairs(&self, world: &World) -> Vec<Pair> {
        let mut pairs = vec![];
        for (from, a) in world.countries.numbered() {
            for (to, b) in world.countries.numbered().filter(|(to, _)| *to != from) {
                let one = |yes: bool| f64::from(u8::from(yes));
                let value = self.value.get(&(a.code.clone(), b.code.clone())).copied();
                pairs.push(Pair {
                    from: from as usize,
                    to: to as usize,
                    value: value.unwrap_or_default(),
                    variables: [
                        libm::log(a.point.miles_to(b.point).max(crate::world::NEAREST_MILES)),
                        one(a.neighbours.contains(&to)),
                        one(a.blocs.iter().any(|bloc| b.blocs.contains(bloc))),
                    ],
                });
            }
        }
        pairs
    }

    /// Observed and fitted values, where there is a world to say how far states are apart.
    pub fn fit(&self, world: &World) -> Option<(Vec<Pair>, Fit)> {
        let pairs = self.pairs(world);
        let fit = ppml::fit(&pairs, world.countries.len())?;
        Some((pairs, fit))
    }

    /// Its measures.
    pub fn measures(&self, world: Option<&World>, fit: Option<&Fit>) -> Vec<Measure> {
        let coefficient = |which: usize| {
            let found = fit.and_then(|fit| fit.coefficients.get(which).zip(fit.errors.get(which)));
            (found.map(|(value, _)| *value), found.map_or(0.0, |(_, error)| *error))
        };
        let law = |name: &str, which| {
            let (value, error) = coefficient(which);
            let measure = Measure::new(Group::Gravity, name, Unit::Number, value);
            let measure = measure.note(format!("standard error {error:.2}"));
            if world.is_none() {
                return measure.skip("needs the pack (--pack): where states lie");
            }
            measure.needs(NEEDS, self.exports, "consignments")
        };
        let mut all = vec![
            // Elasticity of trade by distance. Source -0.83; simulator.md accepts -1.0 to -0.6.
            law("elasticity by distance (PPML)", 0).within(-1.0, -0.6).source(SOURCE),
            // Shared border. Source 0.42; simulator.md accepts 0.2 to 0.7.
            law("shared border (PPML)", 1).within(0.2, 0.7).source(SOURCE),
            // Trade agreement. Source 0.43; ours to accept as the border.
            law("trade agreement (PPML)", 2).within(0.2, 0.7).source(SOURCE),
        ];
        all.extend(self.shape(world));
        all
    }

    fn shape(&self, world: Option<&World>) -> [Measure; 3] {
        let values: Vec<f64> =
            self.value.iter().filter(|((a, b), _)| a != b).map(|(_, value)| *value).collect();
        let states = world.map(|world| world.countries.len());
        let pairs = states.map_or(values.len(), |states| states * (states - 1));
        let mut all = vec![0.0; pairs.saturating_sub(values.len())];
        let zeros = states.map(|_| all.len() as f64 / pairs as f64);
        all.extend(values);
        let sorted = stat::sorted(all);
        let share = |name: &str, share| {
            let value = stat::top_share(&sorted, share);
            Measure::new(Group::Gravity, name, Unit::Share, value)
                .needs(200, pairs as u64, "pairs of states")
                .needs(NEEDS, self.exports, "consignments")
                .source(SOURCE)
        };
        [
            // Ordered pairs without any trade. Source 24.3 %; simulator.md accepts 20 to 30.
            Measure::new(Group::Gravity, "pairs of states without trade", Unit::Share, zeros)
                .within(0.20, 0.30)
                .needs(NEEDS, self.exports, "consignments")
                .source(SOURCE),
            // Value on the largest hundredth of the pairs. Source 59.6 %; a wide margin of ours, since it rests on a
            // few pairs.
            share("value on the top 1 % of pairs", 0.01).within(0.30, 0.80),
            // Value on the largest tenth. Source 94.7 %; simulator.md accepts 85 or more.
            share("value on the top 10 % of pairs", 0.10).at_least(0.85),
        ]
    }
}
