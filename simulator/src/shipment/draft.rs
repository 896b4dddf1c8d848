//! What is sent, from whom to whom, when, and for how much: before it travels.

use super::Engine;
use super::ids::BOXES;
use crate::calendar::Moment;
use crate::draw::normal;
use crate::lanes::PERIOD_STEPS;

/// How goods travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In containers, by liner.
    Sea,
    /// Loose, in a ship of its own.
    Bulk,
    /// By air.
    Air,
    /// By road.
    Road,
}

impl Mode {
    /// UN/ECE Recommendation 19, first digit.
    pub fn code(self) -> &'static str {
        match self {
            Self::Sea | Self::Bulk => "1",
            Self::Road => "3",
            Self::Air => "4",
        }
    }
}

/// A consignment before it travels.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its number.
    pub number: u64,
    /// State of export.
    pub from: u32,
    /// State of destination.
    pub to: u32,
    /// Who sells.
    pub exporter: u32,
    /// Who buys.
    pub importer: u32,
    /// Who declares the export.
    pub export_agent: u32,
    /// Who declares the import.
    pub import_agent: u32,
    /// What it is.
    pub goods: u32,
    /// Where it was made.
    pub origin: u32,
    /// How large its seller is among those of its state and sector, so that standings of consignments are
    /// standard normal.
    pub standing: f64,
    /// Value at the border of export, US cents.
    pub cents: i64,
    /// Net mass, grams.
    pub net_grams: i64,
    /// Gross mass, grams.
    pub gross_grams: i64,
    /// Pieces.
    pub pieces: i64,
    /// How it travels.
    pub mode: Mode,
    /// When the export was accepted.
    pub accepted: Moment,
    /// Licence it draws on: number of the licence, round.
    pub licence: Option<(u64, u64)>,
    /// State whose hub it must change ships in.
    pub via: Option<u32>,
    /// Sea ports that it must go between.
    pub ports: Option<(u32, u32)>,
}

impl Draft {
    /// Makes it a sale from one state to another, by one firm to another, of goods made where they are sold from.
    pub fn sell(&mut self, (from, to): (u32, u32), (exporter, importer): (u32, u32), goods: u32) {
        (self.from, self.to) = (from, to);
        (self.exporter, self.importer) = (exporter, importer);
        (self.goods, self.origin) = (goods, from);
    }
}

/// Correlation of the logarithm of a consignment's value with the standing of its seller.
const SIZE_BY_STANDING: f64 = 0.6;
/// Least and most value of a consignment, US dollars.
pub const DOLLARS: (f64, f64) = (20.0, 5e7);
/// Bulk goods by sea go loose from this mass on, kilograms: a lot of a ship's hold or tank under a bill of its own.
pub(super) const LOOSE_FROM_KG: f64 = 2_000.0;
/// Most gross mass over net mass.
const MOST_GROSS: f64 = 1.14;
/// Most mass by air, kilograms.
pub(super) const MOST_FLOWN_KG: f64 = 60_000.0;
/// Most mass by road, kilograms: four trucks.
const MOST_DRIVEN_KG: f64 = 96_000.0;
/// Most mass of a bulk cargo, kilograms.
const MOST_BULK_KG: f64 = 60_000_000.0;

impl Engine<'_> {
    /// What a consignment would be if it belonged to nothing.
    pub fn draft(&self, number: u64) -> Draft {
        let trade = &self.world.trade;
        let (from, to) = trade.pair(self.streams.pair.row(number).bits64());
        let goods = trade.goods(self.streams.goods.row(number).bits64());
        let sector = self.world.commodities.id(goods).sector;
        let mut parties = self.streams.parties.row(number);
        let bits = parties.bits64();
        let exporter = trade.seller(from, sector, bits);
        let importer = self.partner(exporter, to, sector, &mut parties);
        let mut draft = Draft {
            number,
            from,
            to,
            exporter,
            importer,
            export_agent: self.agent(exporter, from, &mut parties),
            import_agent: self.agent(importer, to, &mut parties),
            goods,
            origin: self.origin(number, from),
            standing: trade.standing(from, sector, bits, self.streams.standing.row(number).unit()),
            cents: 0,
            net_grams: 0,
            gross_grams: 0,
            pieces: 0,
            mode: Mode::Sea,
            accepted: self.accepted(number),
            licence: None,
            via: None,
            ports: None,
        };
        self.price(&mut draft, None);
        draft
    }

    /// Most sales go to one of a seller's few regular buyers in a state, the rest to anybody there.
    fn partner(&self, exporter: u32, to: u32, sector: usize, cell: &mut crate::rng::Cell) -> u32 {
        let trade = &self.world.trade;
        let (regular, which) = (cell.chance(self.world.rates.regular_partner), cell.place(4));
        let anybody = cell.bits64();
        if !regular {
            return trade.buyer(to, sector, anybody);
        }
        let book = u64::from(exporter) << 20 | u64::from(to) << 4 | which as u64;
        trade.buyer(to, sector, self.licences.partners.row(book).bits64())
    }

    /// Who declares for a firm in its state: mostly one of the four forwarders that it is used to, the first of them
    /// most often; now and then anybody.
    pub(super) fn agent(&self, firm: u32, state: u32, cell: &mut crate::rng::Cell) -> u32 {
        let (usual, share, anybody) = (cell.chance(0.75), cell.unit(), cell.bits64());
        if !usual {
            return self.world.trade.forwarder(state, anybody);
        }
        let place = u64::from(share >= 0.45) + u64::from(share >= 0.75) + u64::from(share >= 0.9);
        let book = self.streams.agents.row(u64::from(firm) << 2 | place).bits64();
        self.world.trade.forwarder(state, book)
    }

    fn origin(&self, number: u64, from: u32) -> u32 {
        let mut cell = self.streams.origin.row(number);
        if cell.chance(self.world.rates.origin_differs) {
            self.world.trade.pair(cell.bits64()).0
        } else {
            from
        }
    }

    /// When an export is accepted: in the order of numbers, give or take a step of the period.
    pub fn accepted(&self, number: u64) -> Moment {
        let mut cell = self.streams.time.row(number);
        let jitter = cell.between(-1.0, 1.0) / ratio(PERIOD_STEPS);
        let share = (ratio(number) + 0.5) / ratio(self.consignments.max(1)) + jitter;
        // What falls off an end is thrown back from it, so that the days of both ends keep their weight.
        let share = if share < 0.0 {
            -share
        } else if share >= 1.0 {
            2.0 - share
        } else {
            share
        };
        self.world.calendar.moment(self.world.calendar.day(share), &mut cell)
    }

    /// Draws value, mass and pieces for the goods, and the mode that carries them; a value may be given.
    pub fn price(&self, draft: &mut Draft, dollars: Option<f64>) {
        let goods = self.world.commodities.id(draft.goods);
        let mut cell = self.streams.value.row(draft.number);
        // Large sellers make large consignments; over all of them values are as declared all the same.
        let law = self.world.rates.value;
        let score = SIZE_BY_STANDING * draft.standing
            + libm::sqrt(1.0 - SIZE_BY_STANDING * SIZE_BY_STANDING) * normal(cell.unit());
        let drawn = law.median * libm::exp(law.sigma * score);
        let dollars = dollars.unwrap_or(drawn).clamp(DOLLARS.0, DOLLARS.1);
        let price = cell.lognormal(goods.price).max(1e-3);
        let kilograms = (dollars / price).max(0.01);
        draft.mode = self.mode(draft, kilograms);
        let most = match draft.mode {
            Mode::Sea => self.most_boxed_kg(draft),
            Mode::Air => MOST_FLOWN_KG,
            Mode::Road => MOST_DRIVEN_KG,
            Mode::Bulk => MOST_BULK_KG,
        };
        let kilograms = kilograms.min(most);
        draft.cents = round(kilograms * price * 100.0).max(100);
        draft.net_grams = round(kilograms * 1000.0).max(1);
        draft.gross_grams =
            round(kilograms * 1000.0 * cell.between(1.02, MOST_GROSS)).max(draft.net_grams + 1);
        draft.pieces = round(kilograms / goods.piece_kg.max(1e-6)).max(1);
    }

    /// Most net mass that goes in the boxes of a consignment, kilograms: what they bear, packing among it, or what
    /// they have room for.
    pub(super) fn most_boxed_kg(&self, draft: &Draft) -> f64 {
        let size = self.box_size(draft.number);
        let stowage = self.world.commodities.id(draft.goods).stowage.max(1e-3);
        ratio(BOXES)
            * (size.payload_kg / MOST_GROSS).min(size.cubic_metres / stowage * 1000.0 / MOST_GROSS)
    }

    pub(super) fn mode(&self, draft: &Draft, kilograms: f64) -> Mode {
        let world = self.world;
        let (from, to) = (world.countries.id(draft.from), world.countries.id(draft.to));
        let goods = world.commodities.id(draft.goods);
        let mut cell = self.streams.mode.row(draft.number);
        let by_road =
            from.neighbours.contains(&draft.to) && cell.chance(world.rates.neighbours_by_road);
        let by_sea = !from.sea.is_empty() && !to.sea.is_empty();
        let dear = goods.price.median > world.rates.air_from_dollars_a_kilogram;
        if by_road && kilograms <= MOST_DRIVEN_KG {
            Mode::Road
        } else if (dear && kilograms < 2_000.0 && cell.chance(0.75)) || !by_sea {
            if kilograms > MOST_FLOWN_KG && by_sea {
                Mode::Bulk
            } else if by_road {
                Mode::Road
            } else {
                Mode::Air
            }
        } else if kilograms > self.most_boxed_kg(draft) || (goods.bulk && kilograms > LOOSE_FROM_KG)
        {
            Mode::Bulk
        } else {
            Mode::Sea
        }
    }
}

/// To the nearest whole number.
#[expect(clippy::cast_possible_truncation, reason = "amounts below 2^53")]
pub fn round(value: f64) -> i64 {
    libm::round(value) as i64
}

/// A count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
pub fn ratio(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rng::Seed;
    use crate::scheme::{Cases, Request};
    use crate::world::World;
    use crate::world::pack::Pack;

    fn with_engine(look: impl Fn(&Engine<'_>)) {
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("packs/demo");
        let world = World::build(Pack::read(&pack).unwrap(), Seed(1)).unwrap();
        let cases = Cases::new(&world, 40_000, Request::by_rates(&world, 40_000)).unwrap();
        look(&Engine::new(&world, 40_000, cases).unwrap());
    }

    #[test]
    fn standings_are_standard_normal_and_large_sellers_make_large_consignments() {
        with_engine(|engine| {
            let drafts: Vec<Draft> = (0..20_000).map(|number| engine.draft(number)).collect();
            let count = drafts.len() as f64;
            let mean =
                |value: &dyn Fn(&Draft) -> f64| drafts.iter().map(value).sum::<f64>() / count;
            let standing = mean(&|draft| draft.standing);
            let square = mean(&|draft| draft.standing.powi(2));
            assert!(standing.abs() < 0.03 && (square - 1.0).abs() < 0.04, "{standing} {square}");
            let log = |draft: &Draft| libm::log(draft.cents as f64);
            let (middle, spread) = (mean(&log), mean(&|draft| log(draft).powi(2)));
            let product = mean(&|draft| draft.standing * log(draft)) - standing * middle;
            let correlation = product / libm::sqrt(spread - middle * middle);
            assert!((correlation - SIZE_BY_STANDING).abs() < 0.05, "{correlation}");
        });
    }

    #[test]
    fn firms_keep_to_a_few_forwarders_of_their_state() {
        with_engine(|engine| {
            let (firm, state) = (17, engine.world.firms.id(17).country);
            let mut counts = std::collections::BTreeMap::new();
            for row in 0..1_000 {
                let agent = engine.agent(firm, state, &mut engine.streams.parties.row(row));
                assert_eq!(engine.world.firms.id(agent).country, state);
                *counts.entry(agent).or_insert(0) += 1;
            }
            let mut counts: Vec<i32> = counts.into_values().collect();
            counts.sort_unstable_by(|a, b| b.cmp(a));
            assert!(counts.iter().take(4).sum::<i32>() > 720, "{counts:?}");
        });
    }

    #[test]
    fn declarants_are_of_the_state_they_declare_in_whatever_a_consignment_belongs_to() {
        with_engine(|engine| {
            let mut licensed = 0;
            for draft in (0..engine.consignments).map(|number| engine.consignment(number).draft) {
                licensed += u32::from(draft.licence.is_some());
                for (agent, state) in
                    [(draft.export_agent, draft.from), (draft.import_agent, draft.to)]
                {
                    assert_eq!(engine.world.firms.id(agent).country, state, "{draft:?}");
                }
            }
            assert!(licensed > 50, "{licensed}");
        });
    }

    #[test]
    fn bulk_goods_go_loose_and_what_is_boxed_fits_its_boxes() {
        with_engine(|engine| {
            let (mut loose, mut boxed) = (0, 0);
            for draft in (0..20_000).map(|number| engine.draft(number)) {
                let (goods, kilograms) =
                    (engine.world.commodities.id(draft.goods), draft.net_grams as f64 / 1000.0);
                match draft.mode {
                    Mode::Bulk => loose += 1,
                    Mode::Sea => {
                        boxed += 1;
                        assert!(!(goods.bulk && kilograms > LOOSE_FROM_KG), "{draft:?}");
                        let size = engine.box_size(draft.number);
                        assert!(
                            kilograms / 1000.0 * goods.stowage <= 4.001 * size.cubic_metres,
                            "{draft:?}"
                        );
                        assert!(draft.gross_grams as f64 <= 4_000.0 * size.payload_kg, "{draft:?}");
                    }
                    _ => {}
                }
            }
            assert!(loose > 300 && boxed > 5_000, "{loose} {boxed}");
        });
    }

    #[test]
    fn a_box_has_one_size_and_one_tare_whenever_it_travels() {
        with_engine(|engine| {
            let mut known = std::collections::BTreeMap::new();
            let mut again = 0;
            for number in 0..engine.consignments {
                for container in &engine.consignment(number).movement.boxes {
                    let facts = (container.feet, container.tare_grams);
                    if let Some(before) = known.insert(container.number.clone(), facts) {
                        again += 1;
                        assert_eq!(before, facts, "{}", container.number);
                    }
                }
            }
            assert!(again > 5_000, "{again}");
        });
    }

    #[test]
    fn cases_lie_as_late_in_the_period_as_anything_else() {
        with_engine(|engine| {
            let cases = (0..engine.cases.count()).map(|number| engine.cases.case(engine, number));
            let mut places = vec![];
            for case in cases {
                for role in 0..case.roles.len() {
                    places.push(engine.of_role(&case, role).unwrap() as f64 / 40_000.0);
                }
            }
            let mean = places.iter().sum::<f64>() / places.len() as f64;
            assert!(places.len() > 300 && (mean - 0.5).abs() < 0.035, "{mean} of {}", places.len());
        });
    }
}
