//! Transit: opened where goods change ships, announced to customs of their destination, discharged when they have gone
//! on. Papers of a discharge get lost or come late. Some movements are opened, announced and called off before anything
//! is on its way: the order was cancelled, or the goods were declared anew under another reference. So neither an open
//! transit nor an announcement that nothing follows says that goods went astray.

use super::Engine;
use super::draft::Draft;
use super::ids::numbered;
use crate::calendar::Moment;
use crate::rng::Cell;
use crate::scheme::cast::{self, Passage};
use crate::table::{Out, Transit};
use crate::world::Office;

/// Share of transits whose discharge is never put on file.
const PAPER_LOST: f64 = 0.04;
/// Share of transits whose discharge is put on file late.
const PAPER_LATE: f64 = 0.06;
/// Movements that are called off, for each thousand consignments. Customs keep announcements of goods that may need a
/// licence until somebody asks; others are off the file after some weeks.
pub(super) const CALLED_OFF: f64 = 8.0;

/// Goods sent from one state to another through a third, by sea.
#[derive(Debug, Clone, Copy)]
pub struct Through {
    passage: Passage,
    exporter: u32,
    importer: u32,
    goods: u32,
    dollars: f64,
}

/// A transit to be written.
pub(super) struct Opened<'a> {
    pub draft: &'a Draft,
    pub ucr: &'a str,
    pub containers: &'a str,
    pub hs: &'a str,
    pub gross_grams: i64,
    pub state: u32,
    pub comes: Moment,
    pub discharged: Option<Moment>,
}

impl Engine<'_> {
    /// Draws goods that may need a licence on their way through a state.
    pub fn draw_through(&self, cell: &mut Cell) -> Through {
        let world = self.world;
        let passage = cast::passage(world, cell);
        let (from, to) = (passage.from, passage.to);
        let goods = world.trade.controlled(cell.bits64());
        let sector = world.commodities.id(goods).sector;
        Through {
            passage,
            exporter: world.trade.seller(from, sector, cell.bits64()),
            importer: world.trade.small(to, sector, cell),
            goods,
            dollars: cast::log_even(300.0, 150_000.0, cell),
        }
    }

    /// Makes a draft that.
    pub fn send_through(&self, way: &Through, draft: &mut Draft) {
        draft.sell((way.passage.from, way.passage.to), (way.exporter, way.importer), way.goods);
        self.reprice(draft, way.dollars);
        self.ship_through(draft, &way.passage);
        self.choose_agents(draft);
    }

    /// Days from the opening of a transit to a discharge that comes late, or is forged.
    pub fn discharge_lag(&self, cell: &mut Cell) -> f64 {
        self.world.schemes.parameters("T02").within("lag_days", (5.0, 40.0), cell)
    }

    /// When an ordinary transit is discharged by the papers.
    pub(super) fn discharged(&self, draft: &Draft, comes: Moment, goes: Moment) -> Option<Moment> {
        let mut cell = self.streams.discharge.row(draft.number);
        let share = cell.unit();
        let late = comes.plus_days(0.1 + self.discharge_lag(&mut cell));
        if share < PAPER_LOST {
            return None;
        }
        let due = goes.plus_days(0.1);
        Some(if share < PAPER_LOST + PAPER_LATE && late > due { late } else { due })
    }

    /// A transit on the files of customs where it was opened, and where the goods are announced.
    pub(super) fn put_transit<O: Out>(&self, opened: &Opened, out: &mut O) {
        let (world, draft) = (self.world, opened.draft);
        let country = world.countries.id(opened.state);
        let principal = world.firms.id(draft.export_agent);
        // A forged one looks like any other: that nobody gave it is known where it is said to come from.
        let reference =
            opened.discharged.map(|_| numbered("DC", self.ids.transit.apply(draft.number), ""));
        let to = world.countries.id(draft.to);
        let row = Transit {
            agency: country.agency(Office::Customs),
            id: &self.transit_id(draft.number, opened.state),
            ucr: opened.ucr,
            principal_id: &principal.id,
            principal_name: &principal.name,
            office_of_departure: country.offices.at(draft.number as usize % country.offices.len()),
            office_of_destination: country
                .offices
                .at((draft.number / 7) as usize % country.offices.len()),
            opened_at: Some(opened.comes.plus_days(0.1)),
            due_at: Some(opened.comes.plus_days(30.0)),
            discharged_at: opened.discharged,
            discharge_reference: reference.as_deref().unwrap_or_default(),
            hs_code: opened.hs,
            gross_mass_grams: Some(opened.gross_grams),
            containers: opened.containers,
            country_of_destination: &to.code,
        };
        out.put(&row);
        let announced = to.agency(Office::Customs);
        if !announced.is_empty() {
            out.put(&Transit { agency: announced, ..row });
        }
    }

    /// A movement that is called off. It has the numbers that a consignment would have had of another state.
    pub(super) fn call_off<O: Out>(&self, number: u64, cell: &mut Cell, out: &mut O) {
        let world = self.world;
        if number >= self.consignments {
            return;
        }
        let place = self.background.called_off.apply(number);
        let way = self.draw_through(cell);
        let mut draft = self.draft(place);
        self.send_through(&way, &mut draft);
        let movement = self.move_it(&draft);
        let Some((state, comes, _)) = movement.change(&world.ports, &draft) else { return };
        let own = self.consignment(place);
        let taken = own.movement.change(&world.ports, &own.draft).map(|(state, ..)| state);
        if own.draft.from == draft.from || taken == Some(state) {
            return;
        }
        let forged = world.schemes.parameters("T02").number("discharge_forged", 0.4);
        let ends = cell.chance(forged).then(|| self.discharge_lag(cell));
        let boxes: Vec<&str> = movement.boxes.iter().map(|it| it.number.as_str()).collect();
        let opened = Opened {
            draft: &draft,
            ucr: &self.ucr(&draft),
            containers: &boxes.join(";"),
            hs: &world.commodities.id(draft.goods).hs,
            gross_grams: draft.gross_grams,
            state,
            comes,
            discharged: ends.map(|lag| comes.plus_days(0.1 + lag)),
        };
        self.put_transit(&opened, out);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use crate::scheme::witness::{Record, innocent};
    use crate::table::Table;

    #[test]
    fn innocent_transits_stay_open_and_announcements_come_to_nothing_but_only_of_what_never_left() {
        let rows = innocent(3);
        let refs = |direction: &str| -> BTreeSet<String> {
            let all = rows.of(Table::Declaration).into_iter();
            all.filter(|row| row["direction"] == direction).map(|row| row["ucr"].clone()).collect()
        };
        let (left, came) = (refs("EXPORT"), refs("IMPORT"));
        let mut by: BTreeMap<String, Vec<Record>> = BTreeMap::new();
        for row in rows.of(Table::Transit) {
            by.entry(row["id"].clone()).or_default().push(row);
        }
        let (mut open, mut late, mut done, mut in_vain) = (0, 0, 0, 0);
        for transit in by.values() {
            assert!(transit.len() <= 2, "{transit:?}");
            let row = &transit[0];
            assert_eq!(left.contains(&row["ucr"]), came.contains(&row["ucr"]), "{row:?}");
            if !left.contains(&row["ucr"]) {
                in_vain += 1;
                continue;
            }
            match &row["discharged_at"] {
                none if none.is_empty() => open += 1,
                at if *at > row["due_at"] => late += 1,
                _ => done += 1,
            }
        }
        assert!((60..110).contains(&in_vain), "{in_vain} were called off");
        let total = f64::from(open + late + done);
        let share = |count: i32| f64::from(count) / total;
        assert!((0.01..0.08).contains(&share(open)), "{open} of {total} are open");
        assert!(late > 0 && share(late) < 0.06, "{late} of {total} are past due");
    }
}
