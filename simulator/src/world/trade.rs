//! Who trades what with whom: gravity between states, rank and size among firms, shares among goods.

use super::firms::{Group, SECTORS};
use super::pack::Gravity;
use super::{Commodity, Country, FirmKind};
use crate::draw::{Alias, normal};
use crate::list::List;
use crate::rng::{Cell, Seed, Stream};

/// States are taken to be at least so many nautical miles apart.
pub const NEAREST_MILES: f64 = 60.0;

/// How trade is dealt out.
#[derive(Debug)]
pub struct Trade {
    states: usize,
    pairs: Alias,
    goods: Alias,
    shares: Vec<f64>,
    /// Goods that may need a licence, and their share among themselves.
    controlled: Option<(Vec<u32>, Alias)>,
    groups: Vec<Group>,
    ranks: Vec<(Alias, Vec<u32>)>,
    /// Share of a group's consignments up to and with each rank.
    sums: Vec<Vec<f64>>,
    buyers: Vec<Vec<u32>>,
    forwarders: Vec<(Alias, Vec<u32>)>,
}

/// Who and what is on the market.
#[derive(Debug, Clone, Copy)]
pub struct Market<'a> {
    /// States.
    pub countries: &'a List<Country>,
    /// Goods.
    pub commodities: &'a List<Commodity>,
    /// Share of each of the goods.
    pub shares: &'a [f64],
    /// Firms.
    pub firms: &'a List<super::Firm>,
}

impl Trade {
    /// Computes it all; `None` where nobody could trade anything.
    pub fn new(
        seed: Seed,
        gravity: &Gravity,
        market: Market<'_>,
        groups: Vec<Group>,
        slopes: (f64, f64),
    ) -> Option<Self> {
        let Market { countries, commodities, shares, firms } = market;
        let pairs = Alias::new(&flows(seed, gravity, countries))?;
        let goods = Alias::new(shares)?;
        let chosen: Vec<(u32, f64)> = commodities
            .numbered()
            .zip(shares)
            .filter(|((_, commodity), _)| commodity.controlled())
            .map(|((number, _), share)| (number, libm::sqrt(*share)))
            .collect();
        let weights: Vec<f64> = chosen.iter().map(|(_, weight)| *weight).collect();
        let controlled =
            Alias::new(&weights).map(|alias| (chosen.into_iter().map(|(n, _)| n).collect(), alias));
        let order = Stream::new(seed, "trade.rank");
        let ranks = groups
            .iter()
            .map(|group| ranked(*group, slopes.0, order.row(u64::from(group.first))))
            .collect::<Option<_>>()?;
        let sums = groups.iter().map(|group| sums(group.count as usize, slopes.0)).collect();
        let buy = Stream::new(seed, "trade.buyer_rank");
        let buyers =
            groups.iter().map(|group| shuffled(*group, buy.row(u64::from(group.first)))).collect();
        let forwarders = (0..)
            .zip(countries.iter())
            .map(|(state, _)| forwarders(state, &groups, firms, slopes.1))
            .collect::<Option<_>>()?;
        Some(Self {
            states: countries.len(),
            pairs,
            goods,
            shares: shares.to_vec(),
            controlled,
            groups,
            ranks,
            sums,
            buyers,
            forwarders,
        })
    }

    /// A pair of states: from, to.
    pub fn pair(&self, bits: u64) -> (u32, u32) {
        let pair = self.pairs.pick(bits);
        (narrow(pair / self.states), narrow(pair % self.states))
    }

    /// Goods.
    pub fn goods(&self, bits: u64) -> u32 {
        narrow(self.goods.pick(bits))
    }

    /// Weights of all goods, by number.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Goods that may need a licence; any where the pack has none.
    pub fn controlled(&self, bits: u64) -> u32 {
        match &self.controlled {
            Some((goods, alias)) => goods.get(alias.pick(bits)).copied().unwrap_or_default(),
            None => self.goods(bits),
        }
    }

    /// A seller of a state and sector, by rank and size.
    pub fn seller(&self, state: u32, sector: usize, bits: u64) -> u32 {
        let ranked = self.ranks.get(self.group_at(state, sector));
        ranked.and_then(|(alias, firms)| firms.get(alias.pick(bits)).copied()).unwrap_or_default()
    }

    /// The standing of the seller that the same bits draw: the normal quantile of a place in its share of the
    /// consignments of its state and sector, small sellers first.
    pub fn standing(&self, state: u32, sector: usize, bits: u64, place: f64) -> f64 {
        let at = self.group_at(state, sector);
        let rank = self.ranks.get(at).map_or(0, |(alias, _)| alias.pick(bits));
        let sums = self.sums.get(at).map_or(&[][..], Vec::as_slice);
        let before =
            rank.checked_sub(1).and_then(|before| sums.get(before)).copied().unwrap_or(0.0);
        let until = sums.get(rank).copied().unwrap_or(1.0);
        normal(1.0 - (before + (until - before) * place))
    }

    /// A buyer: the same law over another order, so that who sells much need not buy much.
    pub fn buyer(&self, state: u32, sector: usize, bits: u64) -> u32 {
        let at = self.group_at(state, sector);
        let rank = self.ranks.get(at).map_or(0, |(alias, _)| alias.pick(bits));
        self.buyers.get(at).and_then(|firms| firms.get(rank)).copied().unwrap_or_default()
    }

    /// A forwarder of a state.
    pub fn forwarder(&self, state: u32, bits: u64) -> u32 {
        let ranked = self.forwarders.get(state as usize);
        ranked.and_then(|(alias, firms)| firms.get(alias.pick(bits)).copied()).unwrap_or_default()
    }

    /// A small firm of a state and sector: one of the lower half.
    pub fn small(&self, state: u32, sector: usize, cell: &mut Cell) -> u32 {
        let firms =
            self.ranks.get(self.group_at(state, sector)).map_or(&[][..], |(_, firms)| firms);
        let half = firms.len() / 2;
        firms.get(half + cell.place(firms.len() - half)).copied().unwrap_or_default()
    }

    /// A firm of a state and sector that buys little: one of the lower half of its buyers.
    pub fn small_buyer(&self, state: u32, sector: usize, cell: &mut Cell) -> u32 {
        let firms = self.buyers.get(self.group_at(state, sector)).map_or(&[][..], Vec::as_slice);
        let half = firms.len() / 2;
        firms.get(half + cell.place(firms.len() - half)).copied().unwrap_or_default()
    }

    /// Firms of a state and sector.
    pub fn group(&self, state: u32, sector: usize) -> Group {
        self.groups.get(self.group_at(state, sector)).copied().unwrap_or_default()
    }

    fn group_at(&self, state: u32, sector: usize) -> usize {
        state as usize * SECTORS + sector
    }
}

fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or_default()
}

/// The firms of a group in an order of their own, with weights by rank (Zipf).
fn ranked(group: Group, slope: f64, cell: Cell) -> Option<(Alias, Vec<u32>)> {
    let firms = shuffled(group, cell);
    Some((Alias::new(&zipf(firms.len(), slope))?, firms))
}

fn zipf(length: usize, slope: f64) -> Vec<f64> {
    (1..=u32::try_from(length).unwrap_or(u32::MAX))
        .map(|rank| libm::pow(f64::from(rank), slope))
        .collect()
}

/// Shares up to and with each rank.
fn sums(length: usize, slope: f64) -> Vec<f64> {
    let weights = zipf(length, slope);
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let up_to = weights.iter().map(|weight| {
        sum += weight / total;
        sum
    });
    up_to.collect()
}

/// Fisher and Yates.
fn shuffled(group: Group, mut cell: Cell) -> Vec<u32> {
    let mut firms: Vec<u32> = (group.first..group.first + group.count).collect();
    for place in (1..firms.len()).rev() {
        firms.swap(place, cell.place(place + 1));
    }
    firms
}

fn forwarders(
    state: usize,
    groups: &[Group],
    firms: &List<super::Firm>,
    slope: f64,
) -> Option<(Alias, Vec<u32>)> {
    let own = groups.iter().skip(state * SECTORS).take(SECTORS);
    let all = own.flat_map(|group| group.first..group.first + group.count);
    let mut chosen: Vec<u32> =
        all.clone().filter(|firm| firms.id(*firm).kind == FirmKind::Forwarder).collect();
    if chosen.is_empty() {
        chosen = all.take(1).collect();
    }
    Some((Alias::new(&zipf(chosen.len(), slope))?, chosen))
}

/// Weight of the trade from each state to each other one, row by row: the gravity equation with a lognormal
/// disturbance of mean one, and no trade at all between the pairs that would trade least.
fn flows(seed: Seed, gravity: &Gravity, countries: &List<Country>) -> Vec<f64> {
    let states = countries.len();
    let noise = Stream::new(seed, "trade.disturbance");
    let luck = Stream::new(seed, "trade.zero");
    let mut flows = vec![0.0; states * states];
    let mut standing = vec![];
    for (a, from) in countries.numbered() {
        for (b, to) in countries.numbered().filter(|(b, _)| *b != a) {
            let place = a as usize * states + b as usize;
            let row = place as u64;
            let miles = from.point.miles_to(to.point).max(NEAREST_MILES);
            let sigma = gravity.disturbance;
            let log = libm::log(from.gdp)
                + libm::log(to.gdp)
                + gravity.distance * libm::log(miles)
                + gravity.contiguity * f64::from(u8::from(from.neighbours.contains(&b)))
                + gravity.agreement
                    * f64::from(u8::from(from.blocs.iter().any(|bloc| to.blocs.contains(bloc))))
                + sigma * normal(noise.row(row).unit())
                - sigma * sigma / 2.0;
            if let Some(flow) = flows.get_mut(place) {
                *flow = libm::exp(log);
            }
            // A hub trades with everybody: what passes through it in secret must not be all that it trades there.
            let rank = log + 1.5 * normal(luck.row(row).unit());
            standing.push((if from.hub || to.hub { f64::INFINITY } else { rank }, place));
        }
    }
    standing.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let none = crate::calendar::whole(f64::from(narrow(standing.len())) * gravity.zero_share);
    for (_, place) in standing.iter().take(usize::try_from(none).unwrap_or_default()) {
        if let Some(flow) = flows.get_mut(*place) {
            *flow = 0.0;
        }
    }
    flows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;
    use crate::world::pack::Pack;

    #[test]
    fn hubs_trade_with_everybody_and_the_wanted_share_of_pairs_with_nobody() {
        let pack = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packs/default");
        let pack = Pack::read(&pack).unwrap();
        let gravity = pack.gravity;
        let world = World::build(pack, Seed(1)).unwrap();
        let flows = flows(Seed(1), &gravity, &world.countries);
        let states = world.countries.len();
        let mut zeros = 0.0;
        for (place, flow) in
            flows.iter().enumerate().filter(|(place, _)| place / states != place % states)
        {
            let hub = |state: usize| world.countries.at(state).hub;
            assert!(*flow > 0.0 || !(hub(place / states) || hub(place % states)), "{place}");
            zeros += f64::from(u8::from(*flow == 0.0));
        }
        let share = zeros / (states * (states - 1)) as f64;
        assert!((share - gravity.zero_share).abs() < 0.001, "{share}");
    }
}
