//! Both sides of one movement, joined by consignment reference; and whether goods fit what carries them.

use std::collections::HashMap;

use super::declaration::Declaration;
use super::measure::{Group, Measure, Unit};
use super::sample::{Tally, key};
use super::truth::Label;
use crate::world::World;

#[derive(Debug, Clone, Copy)]
struct Side {
    at: i64,
    value: f64,
    net: f64,
    goods: u64,
}

/// What is known of goods by their code.
#[derive(Debug, Clone, Copy)]
struct Known {
    stowage: f64,
    dangerous: bool,
    reefer: bool,
}

/// Largest payload of a box, kilograms, and volume of the longest, cubic metres (ISO 668: 45 feet high cube).
const PAYLOAD_KG: f64 = 28_000.0;
const VOLUME_M3: f64 = 86.0;

/// Pairs of declarations. Sides wait here until the other comes, which stands next to it in the files.
#[derive(Debug, Default)]
pub struct Mirror {
    known: HashMap<String, Known>,
    waiting: HashMap<u64, Side>,
    pairs: u64,
    backwards: u64,
    equal: u64,
    other_goods: u64,
    honest_log_ratio: (f64, u64),
    exports: u64,
    light: u64,
    unfit: Tally,
    judged: Tally,
    boxes: [u64; 3],
}

impl Mirror {
    /// With the goods of a world, where there is one.
    pub fn new(world: Option<&World>) -> Self {
        let goods = world.into_iter().flat_map(|world| world.commodities.iter());
        let known = goods.map(|goods| {
            let known =
                Known { stowage: goods.stowage, dangerous: goods.dangerous, reefer: goods.reefer };
            (goods.hs.clone(), known)
        });
        Self { known: known.collect(), ..Self::default() }
    }

    /// Takes a declaration.
    pub fn put(&mut self, row: &Declaration<'_>, label: Option<Label>) {
        if row.export {
            self.fits(row, label.is_none());
        }
        let here = Side { at: row.at, value: row.value, net: row.net, goods: key(row.hs) };
        let ucr = key(row.ucr);
        let Some(there) = self.waiting.remove(&ucr) else {
            self.waiting.insert(ucr, here);
            return;
        };
        let (export, import) = if row.export { (here, there) } else { (there, here) };
        self.pairs += 1;
        self.backwards += u64::from(import.at <= export.at);
        self.other_goods += u64::from(import.goods != export.goods);
        let same = |a: f64, b: f64| (a - b).abs() < 1e-9;
        self.equal += u64::from(
            same(import.value, export.value)
                && same(import.net, export.net)
                && import.goods == export.goods,
        );
        if label.is_none() && export.value > 0.0 && import.value > 0.0 {
            self.honest_log_ratio.0 += libm::log(import.value / export.value);
            self.honest_log_ratio.1 += 1;
        }
    }

    /// Goods that are not what they are called may need more room than those would: only honest ones are measured by it.
    fn fits(&mut self, row: &Declaration<'_>, honest: bool) {
        self.exports += 1;
        self.light += u64::from(row.gross < row.net);
        let boxes = row.boxes();
        let known = self.known.get(row.hs).copied().filter(|_| honest);
        let (mode, fits) = match row.mode {
            "1" if boxes > 0 => {
                let volume = known.map_or(0.0, |known| known.stowage) * row.net / 1000.0;
                let room = boxes as f64 * VOLUME_M3 * 1.001;
                ("boxes", row.gross <= boxes as f64 * PAYLOAD_KG && volume <= room)
            }
            "1" => ("bulk ships", row.gross <= 400_000_000.0),
            "4" => ("aircraft", row.gross <= 110_000.0),
            _ => ("trucks", row.gross <= 4.0 * 28_000.0),
        };
        self.judged.add(mode, 1.0);
        self.unfit.add(mode, f64::from(u8::from(!fits)));
        if let Some(known) = known.filter(|_| boxes > 0) {
            let [all, dangerous, reefer] = &mut self.boxes;
            let count = boxes as u64;
            *all += count;
            *dangerous += count * u64::from(known.dangerous);
            *reefer += count * u64::from(known.reefer);
        }
    }

    /// Its measures.
    pub fn measures(&self) -> Vec<Measure> {
        let part = |count: u64, of: u64| (of > 0).then(|| count as f64 / of as f64);
        let physics = |name: &str, value| {
            Measure::new(Group::Physics, name, Unit::Share, value).source("physics")
        };
        let mut all = vec![
            physics("imports accepted before their export", part(self.backwards, self.pairs))
                .at_most(0.0)
                .note(format!("of {} pairs", self.pairs)),
            physics("declarations lighter gross than net", part(self.light, self.exports))
                .at_most(0.0),
        ];
        for (mode, count) in self.judged.named() {
            let name = format!("cargo that does not fit its {mode}");
            let note = if self.known.is_empty() {
                "mass alone: volume needs the pack (--pack)"
            } else {
                ""
            };
            all.push(
                physics(&name, Some(self.unfit.of(mode) / count))
                    .at_most(0.0)
                    .note(note.to_owned()),
            );
        }
        all.extend(self.differences());
        all.extend(self.kinds());
        all
    }

    fn differences(&self) -> [Measure; 3] {
        let part = |count: u64, of: u64| (of > 0).then(|| count as f64 / of as f64);
        let (sum, count) = self.honest_log_ratio;
        let ratio = (count > 0).then(|| libm::exp(sum / count as f64));
        [
            // The two sides of one movement are never quite equal.
            Measure::new(
                Group::Physics,
                "pairs whose two sides are equal",
                Unit::Share,
                part(self.equal, self.pairs),
            )
            .at_most(0.05)
            .source("mirror data"),
            // Import value (CIF) over export value (FOB), geometric mean of honest pairs. IMF: 1.06; up to 1.10 before 2018.
            Measure::new(
                Group::Physics,
                "import over export value, honest pairs",
                Unit::Number,
                ratio,
            )
            .within(1.02, 1.12)
            .source("IMF, CIF/FOB 1.06"),
            // Pairs that the two sides classify otherwise: misdescription, honest disputes.
            Measure::new(
                Group::Physics,
                "pairs under two HS codes",
                Unit::Share,
                part(self.other_goods, self.pairs),
            )
            .within(0.001, 0.05)
            .source("mirror data"),
        ]
    }

    fn kinds(&self) -> [Measure; 2] {
        let [all, dangerous, reefer] = self.boxes;
        let share = |name: &str, count: u64| {
            let value = (all > 0).then(|| count as f64 / all as f64);
            let measure = Measure::new(Group::Actors, name, Unit::Share, value);
            if self.known.is_empty() {
                return measure.skip("needs the pack (--pack): which goods are");
            }
            measure.needs(5_000, all, "boxes").source("container fleet (IICL), port statistics")
        };
        [
            // Reefer boxes: 7 %.
            share("boxes with goods that travel cold", reefer).within(0.045, 0.095),
            // Boxes with dangerous goods: 8.1 %.
            share("boxes with dangerous goods", dangerous).within(0.055, 0.11),
        ]
    }
}
