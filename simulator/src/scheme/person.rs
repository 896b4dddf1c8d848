//! What schemes of people have in common: somebody whom a service was told of, and who travels.

use super::Holder;
use super::case::Case;
use super::mechanism::Trace;
use crate::calendar::Moment;
use crate::shipment::Engine;
use crate::shipment::people::{Told, Traveller};
use crate::table::{Out, Table};
use crate::world::Office;

/// Somebody with a tip.
pub struct Known {
    /// Who travels, and where.
    pub traveller: Traveller,
    /// What the tip says, and of which goods.
    pub content: String,
    /// See `content`.
    pub goods: u32,
    /// When it came.
    pub told: Moment,
}

impl Known {
    /// Writes journeys and tip.
    pub fn put<O: Out>(&self, engine: &Engine, case: &Case, out: &mut O) {
        let people = &engine.background.people;
        let crossing = |place| people.crossings.of_case(case.number, place);
        engine.put_traveller(&self.traveller, crossing, out);
        let told = Told {
            number: people.tips.of_case(case.number, 0),
            by: self.traveller.of,
            person: &self.traveller.person.name,
            firm: self.traveller.employer,
            content: &self.content,
            goods: Some(self.goods),
            at: self.told,
        };
        engine.put_tip(&told, out);
    }

    /// The tip with the service, and the ways out with the bureau: what each shows.
    pub fn traces(&self, engine: &Engine, case: &Case, shows: [&'static str; 2]) -> Vec<Trace> {
        let (country, people) =
            (engine.world.countries.id(self.traveller.of), &engine.background.people);
        let [tip, journey] = shows;
        let told = Trace {
            table: Table::Tip,
            id: engine.tip_id(people.tips.of_case(case.number, 0)),
            agency: country.agency(Office::Intelligence).to_owned(),
            holder: Holder::Intelligence,
            shows: tip,
        };
        let journeys = 0..self.traveller.journeys.len() as u64;
        let left = journeys.map(|place| Trace {
            table: Table::Travel,
            id: engine.crossing_id(people.crossings.of_case(case.number, 2 * place)),
            agency: country.agency(Office::Police).to_owned(),
            holder: Holder::PoliceBureau,
            shows: journey,
        });
        std::iter::once(told).chain(left).collect()
    }
}
