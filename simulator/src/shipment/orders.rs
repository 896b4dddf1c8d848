//! Licences for one order each, as most are: granted, delivered in one part or in a few that follow one another within
//! weeks, and done. Some applications come to nothing. Beside those that are drawn on all year (`licence.rs`) they are
//! what makes a licence with few or hurried exports an ordinary one.

use super::Engine;
use super::background::usual_pieces;
use super::draft::{Draft, ratio, round};
use super::licence::{DECIDED_DAYS, Licence, Outcome};
use crate::rng::Cell;
use crate::scheme::cast;
use crate::table::Out;

/// Share of consignments of controlled goods that begin an order with a licence of its own.
const BEGIN: f64 = 0.2;
/// Share of such orders that are delivered in several parts.
const IN_PARTS: f64 = 0.5;
/// Most parts.
pub const MOST_PARTS: u64 = 6;
/// Days from one part to the next, give or take what all acceptances vary by.
pub const APART_DAYS: f64 = 10.5;
/// Share of orders by firms that seldom export: their first licence, for most.
const SELDOM: f64 = 0.4;
/// Consignments among which a part is looked for.
const WINDOW: u64 = 24;
/// Applications for each thousand consignments that are returned: as many beside those of orders as the pack's rates
/// have beside granted ones (15 of 84).
pub(super) const RETURNED: f64 = 3.4;

/// In how many parts an order is delivered.
pub fn parts(cell: &mut Cell) -> usize {
    let (in_parts, several) = (cell.chance(IN_PARTS), 2 + cell.bits64() % (MOST_PARTS - 1));
    if in_parts { usize::try_from(several).unwrap_or(1) } else { 1 }
}

impl Engine<'_> {
    /// The first consignment that may begin an order: licences below have other owners of their numbers.
    fn first_order(&self) -> u64 {
        self.licences.count() + self.background.checks + self.background.returned
    }

    /// Consignments from one part to the next.
    fn stride(&self) -> u64 {
        let share = APART_DAYS / self.period_days();
        u64::try_from(round(ratio(self.consignments) * share)).unwrap_or(1).max(1)
    }

    /// Whether no licence and no order may have a consignment's number.
    pub(super) fn is_no_licence(&self, number: u64) -> bool {
        (self.first_order()..self.consignments).contains(&number)
            && !self.is_of_controlled_goods(number)
    }

    fn is_of_controlled_goods(&self, number: u64) -> bool {
        let goods = self.world.trade.goods(self.streams.goods.row(number).bits64());
        self.world.commodities.id(goods).controlled()
    }

    fn free(&self, number: u64) -> bool {
        self.licences.of(number).is_none() && self.role(number).is_none()
    }

    /// How many parts the order has that begins with a consignment; none where none begins. It is of controlled goods by
    /// itself: an order changes nothing about what it begins with.
    fn begins(&self, number: u64) -> Option<u64> {
        let mut cell = self.streams.order.row(number);
        let begins = cell.chance(BEGIN);
        let parts = u64::try_from(parts(&mut cell)).unwrap_or(1);
        if !begins || number < self.first_order() {
            return None;
        }
        let (from, to) = self.world.trade.pair(self.streams.pair.row(number).bits64());
        let embargoed = |state: u32| self.world.countries.id(state).embargoed;
        let licensed = self.is_of_controlled_goods(number);
        let begins = licensed && !embargoed(from) && !embargoed(to) && self.free(number);
        begins.then_some(parts)
    }

    /// The consignment that is a part of an order: one of controlled goods, so that there are no more of those for it.
    fn part_at(&self, first: u64, part: u64) -> Option<u64> {
        if part == 0 {
            return Some(first);
        }
        let from = first + part * self.stride();
        (from..(from + WINDOW).min(self.consignments)).find(|number| {
            self.is_of_controlled_goods(*number)
                && self.begins(*number).is_none()
                && self.free(*number)
        })
    }

    /// The order that a free consignment is a part of, by the consignment it begins with, and which part.
    fn order_of(&self, number: u64) -> Option<(u64, u64)> {
        if !self.is_of_controlled_goods(number) {
            return None;
        }
        if self.begins(number).is_some() {
            return Some((number, 0));
        }
        let places = (1..MOST_PARTS).flat_map(|part| (0..WINDOW).map(move |back| (part, back)));
        places
            .filter_map(|(part, back)| {
                let first = number.checked_sub(part * self.stride() + back)?;
                let parts = self.begins(first)?;
                (part < parts && self.part_at(first, part) == Some(number)).then_some((first, part))
            })
            .next()
    }

    /// The consignment that an order begins with. Where that is drawn its exporter, and who declares for it, is another than
    /// its number alone would have it; what is sent where, and its value, stay.
    fn first_of_order(&self, number: u64) -> Draft {
        let mut draft = self.draft(number);
        let mut cell = self.streams.order.row(u64::MAX / 2 - number);
        if cell.chance(SELDOM) {
            let sector = self.world.commodities.id(draft.goods).sector;
            draft.exporter = self.world.trade.small(draft.from, sector, &mut cell);
            self.choose_agents(&mut draft);
        }
        draft
    }

    /// A part of an order: the goods and parties of the first, at a value of its own.
    fn part(&self, first: &Draft, draft: &mut Draft) {
        if first.number == draft.number {
            draft.clone_from(first);
            return;
        }
        (draft.from, draft.to, draft.goods) = (first.from, first.to, first.goods);
        (draft.exporter, draft.importer) = (first.exporter, first.importer);
        draft.origin = first.origin;
        self.price(draft, None);
        self.choose_agents(draft);
    }

    /// The licence of an order.
    fn order(&self, number: u64) -> Licence {
        let world = self.world;
        let first = self.first_of_order(number);
        let mut rounds = vec![];
        for part in 0..self.begins(number).unwrap_or(1) {
            let Some(consignment) = self.part_at(number, part) else { continue };
            if self.order_of(consignment) == Some((number, part)) {
                let mut draft = self.draft(consignment);
                self.part(&first, &mut draft);
                rounds.push((part, draft.pieces));
            }
        }
        let drawn: i64 = rounds.iter().map(|(_, pieces)| pieces).sum();
        let mut cell = self.streams.order.row(u64::MAX - number);
        let granted = first.accepted.plus_days(-cell.between(5.0, 90.0));
        let decided_days =
            cell.lognormal(world.rates.licence_days).clamp(DECIDED_DAYS.0, DECIDED_DAYS.1);
        let sector = world.commodities.id(first.goods).sector;
        let other = world.trade.small(first.to, sector, &mut cell);
        Licence {
            number,
            from: first.from,
            to: first.to,
            exporter: first.exporter,
            consignee: first.importer,
            end_user: if cell.chance(0.5) { first.importer } else { other },
            goods: first.goods,
            pieces: cast::share(drawn, cell.between(1.0, 2.2)).max(drawn).max(1),
            applied: granted.plus_days(-decided_days),
            decided_days,
            outcome: Outcome::Granted,
            rounds,
        }
    }

    /// Makes a consignment a part of an order, where it is one.
    pub(super) fn shape_order(&self, draft: &mut Draft) {
        if self.licences.of(draft.number).is_some() {
            return;
        }
        if let Some((first, part)) = self.order_of(draft.number) {
            self.part(&self.first_of_order(first), draft);
            draft.licence = Some((first, part));
        }
    }

    /// Writes the licence of an order, with the consignment that it begins with.
    pub(super) fn put_order<O: Out>(&self, draft: &Draft, out: &mut O) {
        if draft.licence == Some((draft.number, 0)) && draft.number >= self.first_order() {
            self.put_licence(&self.order(draft.number), None, out);
        }
    }

    /// Writes an application that came to nothing.
    pub(super) fn put_returned<O: Out>(&self, number: u64, cell: &mut Cell, out: &mut O) {
        let world = self.world;
        let number = self.licences.count() + self.background.checks + number;
        if number >= self.consignments {
            return;
        }
        let (from, to) = world.trade.pair(cell.bits64());
        let goods = world.trade.controlled(cell.bits64());
        let commodity = world.commodities.id(goods);
        let day = world.calendar.first_day() + cell.whole(-60, world.calendar.days() - 1);
        let decided = world.calendar.moment(day, cell);
        let decided_days =
            cell.lognormal(world.rates.licence_days).clamp(DECIDED_DAYS.0, DECIDED_DAYS.1);
        let consignee = world.trade.buyer(to, commodity.sector, cell.bits64());
        let other = world.trade.small(to, commodity.sector, cell);
        let returned = Licence {
            number,
            from,
            to,
            exporter: world.trade.seller(from, commodity.sector, cell.bits64()),
            consignee,
            end_user: if cell.chance(0.5) { consignee } else { other },
            goods,
            pieces: usual_pieces(commodity, world.rates.value, cell),
            applied: decided.plus_days(-decided_days),
            decided_days,
            outcome: Outcome::Returned,
            rounds: vec![],
        };
        self.put_licence(&returned, None, out);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use crate::scheme::witness::{innocent, number};
    use crate::table::Table;

    #[test]
    fn innocent_licences_are_drawn_in_few_or_hurried_parts_at_several_offices_and_never_beyond() {
        let rows = innocent(4);
        let mut releases: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for row in
            rows.of(Table::Declaration).into_iter().filter(|row| !row["licence_id"].is_empty())
        {
            assert_eq!(row["direction"], "EXPORT");
            releases.entry(row["licence_id"].clone()).or_default().push(row);
        }
        let (mut single, mut hurried, mut places, mut behind, mut in_vain) = (0, 0, 0, 0, 0);
        for licence in rows.of(Table::Licence) {
            let none = vec![];
            let drawn = releases.remove(&licence["id"]).unwrap_or(none);
            if licence["status"] != "GRANTED" {
                assert!(drawn.is_empty(), "{licence:?}");
                in_vain += 1;
                continue;
            }
            let sum: f64 = drawn.iter().map(|row| number(row, "quantity")).sum();
            assert!(sum <= number(&licence, "quantity"), "{licence:?}: {sum}");
            assert!(number(&licence, "drawn_quantity") <= sum, "{licence:?}: {sum}");
            behind += usize::from(number(&licence, "drawn_quantity") < sum);
            single += usize::from(drawn.len() == 1);
            let offices: BTreeSet<_> = drawn.iter().map(|row| &row["office"]).collect();
            places += usize::from(offices.len() > 1);
            let mut days: Vec<i64> = drawn
                .iter()
                .map(|row| crate::calendar::parse_day(&row["accepted_at"][..10]).unwrap())
                .collect();
            days.sort_unstable();
            let span = days.last().zip(days.first()).map_or(0, |(last, first)| last - first);
            hurried += usize::from(drawn.len() > 2 && span < 80);
        }
        assert!(releases.is_empty(), "releases on no licence: {releases:?}");
        let counts = [single, hurried, places, behind, in_vain];
        assert!(counts.iter().all(|count| *count >= 20), "{counts:?}");
    }
}
