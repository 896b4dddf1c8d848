//! Which code goods go under: near ones, goods of a lesser kind that belong under one, and rulings on what belongs
//! where. A code covers what differs a hundredfold in price, and most firms that ask for a ruling keep to it.

use super::ids::{Series, numbered};
use super::{Consignment, Decoy, Engine};
use crate::rng::Cell;
use crate::scheme::cast;
use crate::table::{Out, Ruling};
use crate::world::Office;

/// Share of consignments of a controlled kind that are of a lesser one, below every threshold: both sides rightly
/// declare them under a near code, at prices as such goods have.
const LESSER: f64 = 0.1;
/// Share of disputes in good faith over controlled goods in which it is the exporter who takes them for others.
const EXPORTER_DIFFERS: f64 = 0.5;
/// Rulings for each thousand consignments.
pub(super) const RULINGS: f64 = 10.0;

/// A binding ruling on goods.
#[derive(Debug, Clone, Copy)]
pub struct Ruled<'a> {
    /// Its number among rulings.
    pub number: u64,
    /// State whose authority ruled.
    pub state: u32,
    /// Who asked.
    pub applicant: u32,
    /// What the goods are.
    pub goods: u32,
    /// In the applicant's words.
    pub words: &'a str,
    /// When, days since 1970.
    pub day: i64,
}

/// Rulings: those of the background, one that each consignment may have, those of cases.
pub(super) fn rulings(
    seed: crate::rng::Seed,
    background: u64,
    consignments: u64,
    cases: u64,
) -> Series {
    Series::new(seed, "id.ruling", background + consignments, cases)
}

impl Engine<'_> {
    /// The code without control that is the so-many-th nearest to goods in the tariff, from 1: the one that looks most
    /// alike first.
    pub fn uncontrolled_near(&self, goods: u32, distance: usize) -> u32 {
        let commodities = &self.world.commodities;
        let this = commodities.id(goods);
        let code = |hs: &str| hs.parse::<i64>().unwrap_or_default();
        let own = code(&this.hs);
        let mut near: Vec<(bool, i64, u32)> = commodities
            .numbered()
            .filter(|(number, other)| {
                let alike = Some(*number) == this.neighbour;
                !other.controlled() && (alike || other.chapter == this.chapter)
            })
            .map(|(number, other)| {
                (Some(number) != this.neighbour, (code(&other.hs) - own).abs(), number)
            })
            .collect();
        near.sort_unstable();
        let place = distance.clamp(1, near.len().max(1)) - 1;
        near.get(place).map_or(goods, |(_, _, number)| *number)
    }

    /// How far a code lies, and the factor on the price, as somebody declares goods under another code.
    pub fn draw_disguise(&self, cell: &mut Cell) -> (usize, f64) {
        let params = self.world.schemes.parameters("T04");
        let distance = super::draft::round(params.within("code_distance", (1.0, 4.0), cell));
        let scale = params.within("price_scale", (0.3, 0.9), cell);
        let kept = cell.chance(params.number("price_kept", 0.5));
        (usize::try_from(distance).unwrap_or(1), if kept { 1.0 } else { scale })
    }

    /// Makes some ordinary goods of a controlled kind lesser ones.
    pub(super) fn lessen(&self, consignment: &mut Consignment) {
        let draft = &consignment.draft;
        let ordinary = consignment.fraud.is_none() && consignment.decoy.is_none();
        let controlled = self.world.commodities.id(draft.goods).controlled();
        if !ordinary || !controlled || draft.licence.is_some() {
            return;
        }
        let mut cell = self.streams.lesser.row(draft.number);
        if !cell.chance(LESSER) {
            return;
        }
        let (distance, factor) = self.draw_disguise(&mut cell);
        let under = self.uncontrolled_near(draft.goods, distance);
        let twist = &mut consignment.twist;
        (twist.export_goods, twist.import_goods) = (Some(under), Some(under));
        (twist.export_value, twist.import_value) = (factor, factor);
        twist.unnumbered = true;
    }

    /// A dispute in good faith. Over controlled goods it may be the exporter who takes them for others; it hides
    /// nothing: words, numbers and price are the same on both sides.
    pub(super) fn dispute(&self, consignment: &mut Consignment, cell: &mut Cell) {
        let goods = consignment.draft.goods;
        let twist = &mut consignment.twist;
        let commodity = self.world.commodities.id(goods);
        let mut own = self.streams.lesser.row(u64::MAX - consignment.draft.number);
        if commodity.controlled() && own.chance(EXPORTER_DIFFERS) {
            let params = self.world.schemes.parameters(Decoy::HonestClassification.word());
            let distance =
                super::draft::round(params.within("code_distance", (1.0, 4.0), &mut own));
            let near = self.uncontrolled_near(goods, usize::try_from(distance).unwrap_or(1));
            twist.export_goods = Some(near);
            let words = commodity.words.at(own.place(commodity.words.len()));
            twist.description = Some(words.clone());
        } else {
            twist.import_goods = Some(self.alike(goods, cell));
        }
    }

    /// The id of a ruling.
    pub fn ruling_id(&self, number: u64, state: u32) -> String {
        numbered(&format!("RU-{}-", self.world.countries.id(state).code), number, "")
    }

    /// A ruling.
    pub fn put_ruling<O: Out>(&self, ruled: &Ruled, out: &mut O) {
        let goods = self.world.commodities.id(ruled.goods);
        out.put(&Ruling {
            agency: self.world.countries.id(ruled.state).agency(Office::Licensing),
            id: &self.ruling_id(ruled.number, ruled.state),
            applicant_id: &self.firm(ruled.applicant).id,
            description: ruled.words,
            hs_code: &goods.hs,
            control_code: &goods.control_code,
            issued_on: Some(ruled.day),
        });
    }

    /// A ruling that belongs to nothing: half of them find that goods are controlled.
    pub(super) fn put_some_ruling<O: Out>(&self, number: u64, cell: &mut Cell, out: &mut O) {
        let world = self.world;
        let state = cast::participant(world, cell);
        let goods = if cell.chance(0.5) {
            world.trade.controlled(cell.bits64())
        } else {
            world.trade.goods(cell.bits64())
        };
        let commodity = world.commodities.id(goods);
        let day = world.calendar.first_day() + cell.whole(-700, world.calendar.days() - 1);
        self.put_ruling(
            &Ruled {
                number: self.background.rulings.of(number),
                state,
                applicant: world.trade.seller(state, commodity.sector, cell.bits64()),
                goods,
                words: commodity.words.at(cell.place(commodity.words.len())),
                day,
            },
            out,
        );
    }

    /// The ruling that settles a dispute in good faith, where anybody asked for one.
    pub(super) fn put_settlement<O: Out>(&self, consignment: &Consignment, out: &mut O) {
        let draft = &consignment.draft;
        if consignment.decoy != Some(Decoy::HonestClassification) {
            return;
        }
        let params = self.world.schemes.parameters(Decoy::HonestClassification.word());
        let mut cell = self.streams.lesser.row(u64::MAX / 2 - draft.number);
        let asked = cell.chance(params.number("ruling", 0.5));
        if !asked || self.world.countries.id(draft.from).agency(Office::Licensing).is_empty() {
            return;
        }
        let commodity = self.world.commodities.id(draft.goods);
        let number = self.background.some_rulings + draft.number;
        self.put_ruling(
            &Ruled {
                number: self.background.rulings.of(number),
                state: draft.from,
                applicant: draft.exporter,
                goods: draft.goods,
                words: commodity.words.at(cell.place(commodity.words.len())),
                day: consignment.movement.imported.day() + cell.whole(20, 200),
            },
            out,
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::scheme::Kind;
    use crate::scheme::witness::{engine, innocent, world};
    use crate::table::Table;

    #[test]
    fn near_codes_are_uncontrolled_and_the_one_that_looks_most_alike_comes_first() {
        let world = world(6);
        let engine = engine(&world, Kind::T04, 1);
        let code = |hs: &str| world.commodities.numbered().find(|(_, it)| it.hs == hs).unwrap().0;
        let near = |hs: &str, distance| {
            let found = engine.uncontrolled_near(code(hs), distance);
            world.commodities.id(found).hs.clone()
        };
        assert_eq!(near("848210", 1), "848280");
        assert_eq!(
            [2, 3, 4].map(|distance| near("854231", distance)),
            ["854190", "854442", "853223"]
        );
        // Where there is but one, it is the nearest at any distance.
        assert_eq!([1, 4].map(|distance| near("281212", distance)), ["281219", "281219"]);
    }

    #[test]
    fn lesser_kinds_go_under_near_codes_on_both_sides_and_most_rulings_belong_to_nothing() {
        let (world, rows) = (world(6), innocent(6));
        let (mut agree, mut differ) = (0, 0);
        let exports =
            rows.of(Table::Declaration).into_iter().filter(|row| row["direction"] == "EXPORT");
        let by: std::collections::BTreeMap<String, String> =
            exports.map(|row| (row["ucr"].clone(), row["hs_code"].clone())).collect();
        for import in rows.of(Table::Declaration).iter().filter(|row| row["direction"] == "IMPORT")
        {
            if by[&import["ucr"]] != import["hs_code"] {
                differ += 1;
            } else if import["description"].contains("S/N")
                && world.commodities.iter().all(|it| it.hs != import["hs_code"] || !it.controlled())
            {
                agree += 1;
            }
        }
        assert!((50..220).contains(&agree), "{agree} lesser kinds");
        assert!(differ > 30, "{differ} differ, by fraud");
        let rulings = rows.of(Table::Ruling);
        let found = rulings.iter().filter(|row| !row["control_code"].is_empty()).count();
        assert!(rulings.len() > 100 && found * 3 > rulings.len(), "{found} of {}", rulings.len());
    }
}
