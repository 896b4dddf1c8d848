//! Marginals as the pack declares them, against what was generated: largest distance of the two distributions
//! (Kolmogorov and Smirnov). Bound: 0.02 at 10^6 rows (simulator.md, Acceptance); with fewer, what chance alone
//! exceeds once in a hundred times, 1.63 / sqrt(n), where that is more.

use super::boxes::{Boxes, FEET};
use super::goods::Goods;
use super::licences::Licences;
use super::measure::{Group, Measure, Unit};
use super::stat;
use crate::draw::LogNormal;
use crate::world::World;

fn distance(name: &str, rows: f64, value: Option<f64>) -> Measure {
    let bound = (1.63 / libm::sqrt(rows.max(1.0))).max(0.02);
    Measure::new(Group::Declared, name, Unit::Number, value)
        .at_most(bound)
        .note(format!("{rows:.0} rows"))
        .source("simulator.md, Acceptance")
}

/// Share of a lognormal law below a value.
pub fn below(law: LogNormal, value: f64) -> f64 {
    if value <= 0.0 { 0.0 } else { stat::normal_below(libm::log(value / law.median) / law.sigma) }
}

/// All of them; values sorted.
pub fn measures(
    world: &World,
    goods: &Goods,
    values: &[f64],
    boxes: &Boxes,
    licences: &Licences,
) -> Vec<Measure> {
    let declared = world.declared();
    let classes = |name: &str, counted: &[f64], shares: &[f64]| {
        distance(name, counted.iter().sum(), stat::class_distance(counted, shares))
    };
    let (codes, shares): (Vec<&str>, Vec<f64>) = declared.goods.into_iter().unzip();
    let counted: Vec<f64> = codes.iter().map(|code| goods.codes.of(code)).collect();
    let lengths = FEET.map(|feet| boxes.lengths.of(feet));
    let waits = stat::sorted(boxes.waits.clone());
    let law = Wait::new(world, boxes);
    let (shortest, longest) = declared.licence_days_within;
    vec![
        distance("value of consignments", values.len() as f64, {
            let (least, most) = declared.value_within;
            stat::distance(values, |value| match value {
                value if value < least => 0.0,
                value if value >= most => 1.0,
                value => below(declared.value, value),
            })
        }),
        classes("weekdays", &goods.weekdays, &declared.weekdays),
        classes("months", &goods.months, &declared.months),
        classes("HS codes", &counted, &shares),
        classes("box lengths", &lengths, &declared.lengths),
        distance(
            "dwell from truck to ship",
            waits.len() as f64,
            stat::distance(&waits, |days| law.below(days)),
        ),
        distance(
            "days to decide on a licence",
            licences.days.len() as f64,
            stat::distance(&licences.days, |days| match days {
                days if days < shortest => 0.0,
                days if days >= longest => 1.0,
                days => below(declared.licence_days, days),
            }),
        ),
    ]
}

/// The wait of a box for its ship: half a day, the declared lognormal, the wait for the next ship of the service
/// (even over the time between two ships), less the hours that it is lifted before the ship leaves.
struct Wait {
    law: LogNormal,
    most: f64,
    /// Days between two ships, with its share of loadings.
    spacings: Vec<(f64, f64)>,
}

/// Steps of the sum over the even parts.
const STEPS: u32 = 40;

impl Wait {
    fn new(world: &World, boxes: &Boxes) -> Self {
        let declared = world.declared();
        let mut spacings = vec![];
        for (number, service) in world.services.numbered() {
            let ships = world.vessels.iter().filter(|vessel| vessel.service == number);
            let loads: f64 = ships.map(|vessel| boxes.ships.share(&vessel.imo)).sum();
            spacings.push((service.round / f64::from(service.vessels) / 24.0, loads));
        }
        Self { law: declared.dwell, most: declared.dwell_most, spacings }
    }

    fn below(&self, days: f64) -> f64 {
        let lognormal = |rest: f64| if rest >= self.most { 1.0 } else { below(self.law, rest) };
        let mut sum = 0.0;
        for (spacing, share) in &self.spacings {
            let mut inner = 0.0;
            for step in 0..STEPS {
                let even = (f64::from(step) + 0.5) / f64::from(STEPS);
                // Lifted 0.05 to 0.5 days before the ship leaves: its mean does, beside the spacing.
                inner += lognormal(days + 0.275 - 0.5 - spacing * even);
            }
            sum += share * inner / f64::from(STEPS);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_lognormal_lies_below_its_median() {
        let law = LogNormal { median: 30.0, sigma: 0.67 };
        assert!((below(law, 30.0) - 0.5).abs() < 1e-12);
        assert!((below(law, law.at(0.95)) - 0.95).abs() < 1e-9);
        assert!(below(law, -1.0).abs() < 1e-12);
    }

    #[test]
    fn few_rows_are_judged_by_what_chance_allows_and_many_by_the_rule() {
        assert_eq!(distance("x", 1e6, Some(0.02)).verdict, super::super::Verdict::Pass);
        assert_eq!(distance("x", 1e6, Some(0.0201)).verdict, super::super::Verdict::Fail);
        assert_eq!(distance("x", 100.0, Some(0.15)).verdict, super::super::Verdict::Pass);
        assert_eq!(distance("x", 100.0, Some(0.17)).verdict, super::super::Verdict::Fail);
    }
}
