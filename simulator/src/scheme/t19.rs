//! T19: bought at home, carried by hand.
//!
//! *Mechanism.* Somebody buys small controlled goods in shops of the own country, a few pieces at a time, and takes them
//! abroad in hand luggage: to a state under embargo, or to a hub where somebody takes them over. Nothing is declared, and
//! no carrier has any paper of it.
//!
//! *Traces.* INT: a tip of a shop or a neighbour, with a name. NCB: border crossings under that name, again and again to one
//! place. Customs have nothing. Most tips of this kind are about collectors, and most who travel often have family there.
//!
//! *Parameters* (`schemes.toml`): `item_kg` (what is heavy is carried seldom), `trips`.
//!
//! *Innocent likes* (`people.rs`). Tips in the same words about people who stay at home or go where anybody goes; people who go
//! under an embargo again and again for reasons of their own, some of them with a tip about something else.
//!
//! *Indicators from public sources.* Bureau of Industry and Security, "Know Your Customer" guidance and red flags (15 CFR 732,
//! supplement 3): cash for goods that are usually financed, no use for them known; Wassenaar Arrangement, "Best Practices
//! for Effective Export Control Enforcement" (2016): outreach to sellers, checks of passengers; European Commission, "EU guidance
//! note for exporters" on the circumvention of sanctions (2023).
//!
//! *Left out.* Cards that pay for the goods are seen by no unit here: payments are those across borders, between firms.

use super::case::{Case, Role};
use super::cast;
use super::coast::Wanted;
use super::mechanism::{Mechanism, Trace};
use super::person::Known;
use crate::shipment::draft::{Draft, round};
use crate::shipment::people::{
    JOURNEYS, Traveller, apart, document, journeys, of_hand_luggage, somebody,
};
use crate::shipment::{Consignment, Engine};
use crate::table::Out;
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct CarriedByHand;

/// Kilograms from which something is carried no more than half as often.
const HEAVY_KG: f64 = 4.0;
/// Share of cases in which a hub takes the goods over.
const OVER_A_HUB: f64 = 0.3;
/// Days before the last journey on which the tip comes, at least.
const BEFORE_LAST: f64 = 2.0;

fn cast(engine: &Engine, case: u64) -> Known {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T19"));
    let mut cell = engine.cases.cell(case);
    let both = Wanted { offices: &[Office::Intelligence, Office::Police], sea: false };
    let of = both.of(world, &world.participants(), &[], &mut cell);
    let person = somebody(world, of, &mut cell);
    let to = if cell.chance(OVER_A_HUB) {
        let others: Vec<u32> = world.roles.hubs.iter().copied().filter(|hub| *hub != of).collect();
        others.get(cell.place(others.len())).copied()
    } else {
        None
    };
    let to = to.unwrap_or_else(|| cast::embargoed(world, &mut cell));
    let kilograms = params.log_within("item_kg", (0.05, 12.0), &mut cell);
    let trips = round(params.within("trips", (2.0, 9.99), &mut cell));
    let trips = if kilograms > HEAVY_KG { trips / 2 } else { trips };
    let most = i64::try_from(JOURNEYS).unwrap_or(2);
    let trips = usize::try_from(trips.clamp(2, most)).unwrap_or(2);
    let days = apart(trips, &mut cell);
    let document = document(world, of, &mut cell);
    let journeys = journeys(world, to, &days, &mut cell);
    let goods = world.trade.controlled(cell.bits64());
    let words = &world.commodities.id(goods).words;
    let words = words.at(cell.place(words.len()));
    let content = of_hand_luggage(&person.name, words, &mut cell);
    let ends = |journey: Option<&crate::shipment::people::Journey>| {
        journey.map_or_else(|| engine.case_begins(case), |journey| journey.leaves)
    };
    let (first, last) = (ends(journeys.first()), ends(journeys.last()));
    let until = last.days_since(first) - BEFORE_LAST;
    let day = first.plus_days(cell.between(-20.0, until.max(-19.0))).day();
    let day = day.max(world.calendar.first_day());
    let told = world.calendar.moment(day, &mut cell);
    Known {
        traveller: Traveller { of, person, document, employer: None, by_holder: false, journeys },
        content,
        goods,
        told,
    }
}

impl Mechanism for CarriedByHand {
    /// Nothing is sent.
    fn roles(_engine: &Engine, _case: u64) -> Vec<Role> {
        vec![]
    }

    fn shape(_engine: &Engine, _case: &Case, _role: usize, _draft: &mut Draft) {}

    fn twist(_engine: &Engine, _case: &Case, _role: usize, _consignment: &mut Consignment) {}

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        cast(engine, case.number).put(engine, case, out);
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let shows = [
            "somebody buys controlled goods and takes them abroad",
            "and crosses the border again and again, to one place",
        ];
        cast(engine, case.number).traces(engine, case, shows)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Kind;
    use super::super::witness::each;
    use super::*;
    use crate::table::Table;

    #[test]
    fn who_is_told_of_crosses_the_border_to_one_place_again_and_again_and_nothing_is_declared() {
        let (mut trips, mut under) = (BTreeSet::new(), 0);
        each(Kind::T19, 40, |engine, case, rows| {
            assert!(case.roles.is_empty() && rows.of(Table::Declaration).is_empty());
            let tips = rows.of(Table::Tip);
            let [tip] = &tips[..] else { panic!("{tips:?}") };
            let all = rows.of(Table::Travel);
            let exits: Vec<_> = all.iter().filter(|row| row["kind"] == "EXIT").collect();
            assert!((2..=JOURNEYS).contains(&exits.len()), "{}", exits.len());
            trips.insert(exits.len());
            let first = exits[0];
            for row in &all {
                assert_eq!(row["person_name"], tip["subject_person"]);
                assert_eq!(row["document_id"], first["document_id"]);
                let (from, to) = (&row["country_from"], &row["country_to"]);
                let way = if row["kind"] == "EXIT" { (from, to) } else { (to, from) };
                assert_eq!(way, (&first["country_from"], &first["country_to"]));
            }
            assert!(exits.is_sorted_by(|one, other| one["at"] < other["at"]));
            assert!(tip["received_at"] < exits[exits.len() - 1]["at"], "told after the last");
            let countries = &engine.world.countries;
            let to = countries.iter().find(|one| one.code == first["country_to"]).unwrap();
            under += usize::from(to.embargoed);
        });
        assert!(trips.len() > 4, "{trips:?}");
        assert!((18..38).contains(&under), "{under} of 40 go under an embargo");
    }
}
