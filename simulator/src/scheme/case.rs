//! Cases: which there are, who plays in them, and which consignments are theirs.

use crate::lanes::{CASE_STEPS, Lanes, TooFew};
use crate::permute::Permutation;
use crate::rng::{Cell, Stream};
use crate::shipment::draft::ratio;
use crate::shipment::{Decoy, Engine};
use crate::world::World;

use super::mechanism::Kind;

/// One consignment of a case: where it stands among those that are the case's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// Step, below [`CASE_STEPS`].
    pub step: u64,
    /// Which consignment of the step.
    pub spot: u64,
}

/// A case: a scheme played once, or a lawful pattern of several consignments that looks like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its number in the world.
    pub number: u64,
    /// What it is.
    pub kind: Kind,
    /// Its consignments.
    pub roles: Vec<Role>,
}

impl Case {
    /// Its roles and the consignments that play them.
    pub fn consignments(&self, engine: &Engine) -> Vec<(usize, u64)> {
        (0..self.roles.len()).filter_map(|role| Some((role, engine.of_role(self, role)?))).collect()
    }
}

/// How many cases of each kind are wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Kinds and counts.
    pub kinds: Vec<(Kind, u64)>,
    /// Shares of consignments that are single decoys.
    pub singles: Vec<(Decoy, f64)>,
}

impl Request {
    /// What a world's rates ask of so many consignments: true cases by the weights of the schemes that are built,
    /// and decoys to each.
    pub fn by_rates(world: &World, consignments: u64) -> Self {
        let wanted = ratio(consignments) * world.rates.strategic_share;
        let weights: Vec<(Kind, f64)> = Kind::SCHEMES
            .iter()
            .filter(|kind| !ASKED_FOR.contains(kind))
            .map(|kind| (*kind, world.schemes.weight(kind.id())))
            .collect();
        Self::of(world, consignments, &apportion(&weights, wanted))
    }

    /// These cases, with the decoys that the world's rates put beside them.
    pub fn of(world: &World, consignments: u64, cases: &[(Kind, u64)]) -> Self {
        let is_true = |case: &&(Kind, u64)| case.0.is_scheme();
        let total = ratio(cases.iter().filter(is_true).map(|(_, count)| count).sum());
        let decoys = total * world.rates.decoys_per_case;
        let weight = |word: &str| world.schemes.decoy_weight(word);
        let all: f64 = BESIDE
            .iter()
            .map(|kind| weight(kind.id()))
            .chain(SINGLES.iter().map(|decoy| weight(decoy.word())))
            .sum();
        let share = |word: &str| if all > 0.0 { decoys * weight(word) / all } else { 0.0 };
        let several: Vec<(Kind, f64)> =
            BESIDE.iter().map(|kind| (*kind, share(kind.id()))).collect();
        let sum: f64 = several.iter().map(|(_, count)| count).sum();
        let mut kinds: Vec<(Kind, u64)> =
            cases.iter().copied().filter(|(_, count)| *count > 0).collect();
        kinds.extend(apportion(&several, sum).into_iter().filter(|(_, count)| *count > 0));
        let singles = SINGLES
            .iter()
            .map(|decoy| {
                let wanted = share(decoy.word()) / ratio(consignments.max(1));
                (*decoy, (wanted / possible(world, *decoy)).min(0.05))
            })
            .collect();
        Self { kinds, singles }
    }
}

/// Share of consignments that can be such a decoy: only what a subsidiary buys is paid by a parent.
fn possible(world: &World, decoy: Decoy) -> f64 {
    if decoy != Decoy::ParentPays {
        return 1.0;
    }
    let with = world.firms.iter().filter(|firm| firm.parent.is_some()).count();
    (with as f64 / world.firms.len() as f64).max(0.01)
}

/// Decoys of several consignments that stand beside cases by the pack's rates. The others are made where they are asked for by
/// name: one more here would move every case of every world, and what scenarios are certified for.
const BESIDE: [Kind; 1] = [Kind::HubStock];
/// Schemes that are made where they are asked for by name, for the same reason.
const ASKED_FOR: [Kind; 1] = [Kind::T03];
const SINGLES: [Decoy; 4] =
    [Decoy::HonestClassification, Decoy::ParentPays, Decoy::Consolidator, Decoy::SealReplaced];

/// Whole counts by weight whose sum is the wanted number, rounded: the largest remainders get one more.
fn apportion(weights: &[(Kind, f64)], wanted: f64) -> Vec<(Kind, u64)> {
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    if total <= 0.0 {
        return vec![];
    }
    let exact: Vec<f64> = weights.iter().map(|(_, weight)| wanted * weight / total).collect();
    let mut counts: Vec<u64> = exact
        .iter()
        .map(|share| u64::try_from(crate::calendar::whole(*share)).unwrap_or_default())
        .collect();
    let sum: u64 = counts.iter().sum();
    let left = u64::try_from(crate::shipment::draft::round(wanted))
        .unwrap_or_default()
        .saturating_sub(sum);
    let mut order: Vec<usize> = (0..weights.len()).collect();
    let rest = |at: usize| exact.get(at).map_or(0.0, |share| share - libm::floor(*share));
    order.sort_by(|a, b| rest(*b).total_cmp(&rest(*a)));
    for at in order.into_iter().cycle().take(usize::try_from(left).unwrap_or_default()) {
        if let Some(count) = counts.get_mut(at) {
            *count += 1;
        }
    }
    weights.iter().map(|(kind, _)| *kind).zip(counts).collect()
}

/// All cases of a world.
#[derive(Debug)]
pub struct Cases {
    lanes: Lanes,
    order: Permutation,
    /// Kinds and the number behind the last of each.
    until: Vec<(Kind, u64)>,
    draws: Stream,
    starts: Stream,
    records: Stream,
    requested: Request,
}

impl Cases {
    /// The cases of a request, dealt over the consignments.
    ///
    /// # Errors
    /// When there are too few consignments for them.
    pub fn new(world: &World, consignments: u64, requested: Request) -> Result<Self, TooFew> {
        let mut until = vec![];
        let mut sum = 0;
        for (kind, count) in &requested.kinds {
            sum += count;
            until.push((*kind, sum));
        }
        Ok(Self {
            lanes: Lanes::new(world.seed, consignments, sum)?,
            order: Permutation::new(world.seed, "case.order", sum),
            until,
            draws: Stream::new(world.seed, "case"),
            starts: Stream::new(world.seed, "case.start"),
            records: Stream::new(world.seed, "case.records"),
            requested,
        })
    }

    /// How many cases there are, decoys of several consignments among them.
    pub fn count(&self) -> u64 {
        self.order.length()
    }

    /// What was asked for.
    pub fn requested(&self) -> &Request {
        &self.requested
    }

    /// Their lanes.
    pub fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Whether any case of a kind was asked for.
    pub fn has(&self, wanted: Kind) -> bool {
        self.requested.kinds.iter().any(|(kind, count)| *kind == wanted && *count > 0)
    }

    /// Share of consignments that are a single decoy of this kind.
    pub fn single_share(&self, wanted: Decoy) -> f64 {
        self.requested
            .singles
            .iter()
            .find(|(decoy, _)| *decoy == wanted)
            .map_or(0.0, |(_, share)| *share)
    }

    /// The kind of a case.
    pub fn kind(&self, number: u64) -> Option<Kind> {
        let place = self.order.apply(number);
        self.until.iter().find(|(_, until)| place < *until).map(|(kind, _)| *kind)
    }

    /// The numbers that a case's own facts are drawn from. Everything about the case asks in the same order.
    pub fn cell(&self, number: u64) -> Cell {
        self.draws.row(number)
    }

    /// Moves the roles of a case together to any place within its steps: cases that all began with their first
    /// step would lie early in the period, and the order alone would tell them.
    pub(super) fn anywhere(&self, case: u64, roles: Vec<Role>) -> Vec<Role> {
        let last = roles.iter().map(|role| role.step).max().unwrap_or_default();
        let room = usize::try_from(CASE_STEPS.saturating_sub(last)).unwrap_or(1);
        let later = self.starts.row(case).place(room) as u64;
        roles.into_iter().map(|role| Role { step: role.step + later, ..role }).collect()
    }

    /// The numbers that one of its records is drawn from.
    pub fn records_cell(&self, number: u64, record: u64) -> Cell {
        self.records.row(number * crate::shipment::ids::CASE_RECORDS + record)
    }

    /// Places in a case for consignments this many days after its first, one after the other; those that fall on
    /// a step that is full go to the next, and what does not fit at the end is left out.
    pub fn places(&self, days: &[f64], period_days: f64) -> Vec<Role> {
        let step_days = period_days / ratio(crate::lanes::PERIOD_STEPS);
        let mut taken = [0_u64; CASE_STEPS as usize];
        let mut roles = vec![];
        for day in days {
            let wanted =
                usize::try_from(crate::calendar::whole(day / step_days)).unwrap_or_default();
            let last = usize::try_from(CASE_STEPS - 1).unwrap_or_default();
            let free =
                |step: &usize| taken.get(*step).is_some_and(|taken| *taken < self.lanes.width());
            let step = (wanted.min(last)..=last)
                .find(free)
                .or_else(|| (0..wanted.min(last)).rev().find(free));
            if let Some((step, taken)) =
                step.and_then(|step| taken.get_mut(step).map(|taken| (step, taken)))
            {
                roles.push(Role { step: step as u64, spot: *taken });
                *taken += 1;
            }
        }
        roles
    }
}
