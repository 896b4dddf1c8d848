//! Licences and what is drawn on them. Every licence has eight rounds over the period; in each round each
//! licence may have one export, so that balances are a sum of at most eight terms that anybody can compute.

use super::Engine;
use super::draft::Draft;
use crate::calendar::Moment;
use crate::draw::LogNormal;
use crate::lanes::Pieces;
use crate::permute::Permutation;
use crate::rng::Stream;
use crate::world::World;

/// Least and most days until an application is decided.
pub const DECIDED_DAYS: (f64, f64) = (2.0, 300.0);
/// Days for which a licence is valid.
pub const VALID_DAYS: f64 = 730.0;
/// Exports that a licence may have.
pub const ROUNDS: u64 = 8;
/// Share of licences of which the authority has not heard of the last exports: write-offs take weeks.
const WRITTEN_OFF_LATE: f64 = 0.35;
/// Share of holders that declare wherever their goods are: firms with several plants.
const SEVERAL_PLANTS: f64 = 0.7;

/// All licences of a world that belong to no case.
#[derive(Debug)]
pub struct Licences {
    /// Licensed exports: one in each piece of the stream of consignments.
    pieces: Pieces,
    count: u64,
    place: Stream,
    round: Stream,
    facts: Stream,
    drawn: Stream,
    pub(super) partners: Stream,
    late: Stream,
    plants: Stream,
}

/// A licence.
#[derive(Debug, Clone)]
pub struct Licence {
    /// Its number.
    pub number: u64,
    /// State that grants it.
    pub from: u32,
    /// State of destination.
    pub to: u32,
    /// Holder.
    pub exporter: u32,
    /// Consignee.
    pub consignee: u32,
    /// End user.
    pub end_user: u32,
    /// What it covers.
    pub goods: u32,
    /// Pieces allowed.
    pub pieces: i64,
    /// When it was applied for.
    pub applied: Moment,
    /// Days until it was decided.
    pub decided_days: f64,
    /// Granted, returned or denied.
    pub outcome: Outcome,
    /// Rounds in which there is an export.
    pub rounds: Vec<(u64, i64)>,
}

/// What became of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Granted.
    Granted,
    /// Sent back without a decision.
    Returned,
    /// Denied.
    Denied,
}

impl Licence {
    /// Pieces written off by and with a round.
    pub fn drawn(&self, round: u64) -> i64 {
        self.rounds.iter().filter(|(at, _)| *at <= round).map(|(_, pieces)| pieces).sum()
    }

    /// When it was decided.
    pub fn decided(&self) -> Moment {
        self.applied.plus_days(self.decided_days)
    }
}

impl Licences {
    /// Those of so many consignments.
    pub fn new(world: &World, consignments: u64) -> Self {
        let exports =
            crate::calendar::whole(super::draft::ratio(consignments) * world.rates.licensed_share);
        let count = u64::try_from(exports).unwrap_or_default() / ROUNDS;
        let stream = |column: &str| Stream::new(world.seed, column);
        Self {
            pieces: Pieces::new(consignments, count * ROUNDS),
            count,
            place: stream("licence.consignment"),
            round: stream("licence.round"),
            facts: stream("licence.facts"),
            drawn: stream("licence.drawn"),
            partners: stream("consignment.regular_partner"),
            late: stream("licence.written_off_late"),
            plants: stream("licence.offices"),
        }
    }

    /// How many licences there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The licence and round of a consignment.
    pub(super) fn of(&self, consignment: u64) -> Option<(u64, u64)> {
        if self.count == 0 {
            return None;
        }
        let piece = self.pieces.of(consignment);
        let round = piece / self.count;
        (self.consignment_of_piece(piece) == consignment)
            .then(|| (self.order(round).apply(piece % self.count), round))
    }

    /// The consignment of a licence's round.
    pub fn consignment(&self, licence: u64, round: u64) -> u64 {
        self.consignment_of_piece(round * self.count + self.order(round).invert(licence))
    }

    fn consignment_of_piece(&self, piece: u64) -> u64 {
        self.pieces.start(piece) + self.place.row(piece).bits64() % self.pieces.size().max(1)
    }

    fn order(&self, round: u64) -> Permutation {
        Permutation::keyed(&self.round, round, self.count)
    }

    /// Makes a consignment the export that a licence has in its round, where it has one.
    pub(super) fn shape(&self, engine: &Engine, draft: &mut Draft) {
        let Some((number, round)) = self.of(draft.number) else { return };
        let licence = engine.licence(number);
        let Some((_, pieces)) = licence.rounds.iter().find(|(at, _)| *at == round) else { return };
        let (way, firms) = ((licence.from, licence.to), (licence.exporter, licence.consignee));
        draft.sell(way, firms, licence.goods);
        let goods = engine.world.commodities.id(licence.goods);
        let kilograms = *pieces as f64 * goods.piece_kg;
        engine.price(draft, Some(kilograms * goods.price.median));
        draft.pieces = *pieces;
        draft.licence = Some((number, round));
        engine.choose_agents(draft);
    }
}

impl Engine<'_> {
    /// Pieces that the authority has written off: all, or for some licences all but what was exported last. A case's
    /// licence says itself what was.
    pub fn written_off(&self, licence: &Licence) -> i64 {
        let mut cell = self.licences.late.row(licence.number);
        let late = licence.number < self.consignments && cell.chance(WRITTEN_OFF_LATE);
        let missing = if late { 1 + cell.place(3) } else { 0 };
        let heard = licence.rounds.len().saturating_sub(missing).max(1);
        licence.rounds.iter().take(heard).map(|(_, pieces)| pieces).sum()
    }

    /// Where an export on a licence is declared, by its place among the offices, where that is not the office that the
    /// exporter is used to.
    pub(super) fn office_of(&self, draft: &Draft) -> Option<usize> {
        let (licence, round) = draft.licence?;
        let mut cell = self.licences.plants.row(licence);
        let several = cell.chance(SEVERAL_PLANTS);
        let offices = self.world.countries.id(draft.from).offices.len();
        let plants = (2 + cell.place(5)).min(offices);
        let place = cell.place(plants) as u64 + round;
        several.then(|| usize::try_from(place).unwrap_or_default() % plants.max(1))
    }

    /// A licence.
    pub fn licence(&self, number: u64) -> Licence {
        let licence = self.licence_undrawn(number);
        let granted = licence.outcome == Outcome::Granted;
        let rounds = if granted { self.rounds(number, licence.pieces) } else { vec![] };
        Licence { rounds, ..licence }
    }

    /// A licence without what was drawn on it, which takes most of the time.
    pub(super) fn licence_undrawn(&self, number: u64) -> Licence {
        let (world, licences) = (self.world, &self.licences);
        let mut cell = licences.facts.row(number);
        let (mut from, mut to) = world.trade.pair(cell.bits64());
        // No licence goes under an embargo; a few tries find another pair.
        for _ in 0..8 {
            if !world.countries.id(to).embargoed && !world.countries.id(from).embargoed {
                break;
            }
            (from, to) = world.trade.pair(cell.bits64());
        }
        let goods = world.trade.controlled(cell.bits64());
        let commodity = world.commodities.id(goods);
        let exporter = world.trade.seller(from, commodity.sector, cell.bits64());
        let consignee = world.trade.buyer(to, commodity.sector, cell.bits64());
        let end_user = if cell.chance(0.5) {
            consignee
        } else {
            world.trade.buyer(to, commodity.sector, cell.bits64())
        };
        let outcome = match cell.unit() {
            share if share < world.rates.licence_granted => Outcome::Granted,
            share if share < world.rates.licence_granted + world.rates.licence_returned => {
                Outcome::Returned
            }
            _ => Outcome::Denied,
        };
        let dollars =
            cell.lognormal(LogNormal { median: 60_000.0, sigma: 1.1 }).clamp(2_000.0, 5e6);
        let pieces =
            super::draft::round(dollars / commodity.price.median / commodity.piece_kg.max(1e-6))
                .max(8);
        let decided_days =
            cell.lognormal(world.rates.licence_days).clamp(DECIDED_DAYS.0, DECIDED_DAYS.1);
        let first = self.accepted(licences.consignment(number, 0));
        let granted_before = cell.between(5.0, 120.0);
        Licence {
            number,
            from,
            to,
            exporter,
            consignee,
            end_user,
            goods,
            pieces,
            applied: first.plus_days(-granted_before - decided_days - 12.0),
            decided_days,
            outcome,
            rounds: vec![],
        }
    }

    /// Which rounds have an export and of how many pieces: together never more than the licence allows.
    fn rounds(&self, number: u64, pieces: i64) -> Vec<(u64, i64)> {
        let mut cell = self.licences.drawn.row(number);
        let used = cell.between(0.35, 1.0);
        let weights: Vec<f64> = (0..ROUNDS)
            .map(|_| if cell.chance(0.6) { cell.between(0.4, 1.6) } else { 0.0 })
            .collect();
        let total: f64 = weights.iter().sum::<f64>().max(1e-9);
        (0..ROUNDS)
            .zip(weights)
            .map(|(round, weight)| {
                (round, crate::calendar::whole(pieces as f64 * used * weight / total))
            })
            .filter(|(round, pieces)| {
                *pieces > 0 && self.role(self.licences.consignment(number, *round)).is_none()
            })
            .collect()
    }
}
