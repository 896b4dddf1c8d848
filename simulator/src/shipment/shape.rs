//! What schemes ask of the engine: to price, place and time a consignment as they want it, and which rows it has.

use super::draft::Draft;
use super::{Consignment, Engine};
use crate::calendar::Moment;
use crate::scheme::cast::Passage;
use crate::scheme::{Holder, Trace};
use crate::table::Table;
use crate::world::Office;

impl Engine<'_> {
    /// Days of the period.
    pub fn period_days(&self) -> f64 {
        f64::from(i32::try_from(self.world.calendar.days()).unwrap_or(i32::MAX))
    }

    /// Draws mass, pieces and mode anew for goods, states and a value.
    pub fn reprice(&self, draft: &mut Draft, dollars: f64) {
        self.price(draft, Some(dollars));
    }

    /// Makes it less where it is more than so many kilograms, at the same price, and chooses the mode anew.
    pub fn lighten(&self, draft: &mut Draft, most_kg: f64) {
        let share = most_kg * 1000.0 / (draft.net_grams as f64).max(1.0);
        if share < 1.0 {
            let less = |amount: i64| super::draft::round(amount as f64 * share).max(1);
            draft.net_grams = less(draft.net_grams);
            draft.gross_grams = less(draft.gross_grams).max(draft.net_grams + 1);
            (draft.cents, draft.pieces) = (less(draft.cents), less(draft.pieces));
            self.carry(draft);
        }
    }

    /// Sends it in boxes by a passage, no more than they hold, at the same price.
    pub fn ship_through(&self, draft: &mut Draft, passage: &Passage) {
        (draft.ports, draft.via) = (passage.ports, passage.via);
        self.lighten(draft, self.most_boxed_kg(draft));
        draft.mode = super::draft::Mode::Sea;
    }

    /// Chooses the mode anew, for a mass that was set by hand.
    pub fn carry(&self, draft: &mut Draft) {
        draft.mode = self.mode(draft, draft.net_grams as f64 / 1000.0);
    }

    /// Sends it by liner in boxes, and makes it less where they do not hold it.
    pub fn by_sea(&self, draft: &mut Draft, most_kg: f64) {
        self.lighten(draft, most_kg.min(self.most_boxed_kg(draft)));
        draft.mode = super::draft::Mode::Sea;
    }

    /// The next moment at which an office takes a declaration, on or after the day of a moment.
    pub fn office_hours(&self, from: Moment, number: u64) -> Moment {
        let mut cell = self.streams.time.row(u64::MAX - number);
        self.world.calendar.moment(from.day() + 1, &mut cell)
    }

    /// Forwarders that the two parties are used to.
    pub fn choose_agents(&self, draft: &mut Draft) {
        let mut cell = self.streams.parties.row(u64::MAX - draft.number);
        draft.export_agent = self.agent(draft.exporter, draft.from, &mut cell);
        draft.import_agent = self.agent(draft.importer, draft.to, &mut cell);
    }

    /// Payments of a consignment that the unit of the exporter's state has, as traces.
    pub fn payment_traces(&self, consignment: &Consignment, shows: &'static str) -> Vec<Trace> {
        let draft = &consignment.draft;
        let agency = self.world.countries.id(draft.from).agency(Office::Fiu).to_owned();
        let trace = |id| Trace {
            table: Table::Payment,
            id,
            agency: agency.clone(),
            holder: Holder::Fiu,
            shows,
        };
        self.paid_by(consignment, draft.from).into_iter().map(trace).collect()
    }

    /// Ids of its payments that the unit of a state has.
    pub fn paid_by(&self, consignment: &Consignment, state: u32) -> Vec<String> {
        let agency = self.world.countries.id(state).agency(Office::Fiu).to_owned();
        let mut ids = RowIds { table: Table::Payment, agency, found: vec![] };
        self.emit(consignment, &mut ids);
        ids.found
    }
}

/// Remembers ids of the rows that one agency gets of one table.
struct RowIds {
    table: Table,
    agency: String,
    found: Vec<String>,
}

impl crate::table::Out for RowIds {
    fn put<R: crate::table::Row>(&mut self, row: &R) {
        if R::TABLE == self.table {
            let mut head = Head::default();
            row.cells(&mut head);
            if head.agency == self.agency {
                self.found.push(head.id);
            }
        }
    }
}

/// The first two cells of a row: the agency and the id.
#[derive(Debug, Default)]
pub struct Head {
    /// Agency.
    pub agency: String,
    /// Id.
    pub id: String,
    cells: usize,
}

impl crate::table::Cells for Head {
    fn word(&mut self, value: &str) {
        match self.cells {
            0 => value.clone_into(&mut self.agency),
            1 => value.clone_into(&mut self.id),
            _ => {}
        }
        self.cells += 1;
    }
    fn text(&mut self, _: &str) {
        self.cells += 1;
    }
    fn integer(&mut self, _: Option<i64>) {
        self.cells += 1;
    }
    fn money(&mut self, _: Option<i64>) {
        self.cells += 1;
    }
    fn micro(&mut self, _: Option<i64>) {
        self.cells += 1;
    }
    fn moment(&mut self, _: Option<Moment>) {
        self.cells += 1;
    }
    fn day(&mut self, _: Option<i64>) {
        self.cells += 1;
    }
    fn flag(&mut self, _: bool) {
        self.cells += 1;
    }
}
