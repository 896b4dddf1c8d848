//! The rows that agencies hold of a consignment: what they have in common. What each agency gets is in a file
//! of its own: customs of both sides, ports, and who pays whom.

mod customs;
mod money;
mod port;
mod yard;

use std::borrow::Cow;

use super::draft::{Draft, Mode};
use super::movement::Container;
use super::{Consignment, Engine};
use crate::table::Out;
use crate::world::{Commodity, Country, Firm};

pub use money::Instalment;

/// Everything that several rows of a consignment say alike.
pub(super) struct Papers<'a> {
    engine: &'a Engine<'a>,
    consignment: &'a Consignment,
    from: &'a Country,
    to: &'a Country,
    exporter: Cow<'a, Firm>,
    importer: Cow<'a, Firm>,
    /// Who the papers say gets the goods.
    consignee: Cow<'a, Firm>,
    ucr: String,
    invoice: String,
    export_id: String,
    pub(super) import_id: String,
    containers: String,
    /// IMO number of the ship that a bulk cargo has for itself.
    ship: String,
    boxes: Cow<'a, [Container]>,
    export_cents: i64,
}

impl Engine<'_> {
    /// Writes all rows of a consignment.
    pub fn emit<O: Out>(&self, consignment: &Consignment, out: &mut O) {
        let papers = self.papers(consignment);
        if !consignment.twist.no_export {
            papers.export(out);
            papers.invoice(out);
        }
        papers.payments(out);
        self.put_settlement(consignment, out);
        self.put_order(&consignment.draft, out);
        if consignment.twist.phantom {
            return;
        }
        papers.loading(out);
        papers.transit(out);
        if consignment.twist.lost_in_transit {
            return;
        }
        papers.landing(out);
        papers.by_ship(out);
        if !consignment.twist.no_import {
            papers.import(out);
            papers.inspection(out);
            papers.read_seals(out);
            self.put_ending(consignment, out);
            self.put_exit(consignment, out);
        }
    }

    pub(super) fn papers<'a>(&'a self, consignment: &'a Consignment) -> Papers<'a> {
        let (world, draft) = (self.world, &consignment.draft);
        let mut boxes = Cow::Borrowed(consignment.movement.boxes.as_slice());
        if let Some(numbers) = &consignment.twist.containers {
            for (container, number) in boxes.to_mut().iter_mut().zip(numbers) {
                container.number.clone_from(number);
            }
        }
        let mut containers = String::new();
        for container in boxes.iter() {
            if !containers.is_empty() {
                containers.push(';');
            }
            containers.push_str(&container.number);
        }
        Papers {
            engine: self,
            consignment,
            from: world.countries.id(draft.from),
            to: world.countries.id(draft.to),
            exporter: self.firm(draft.exporter),
            importer: self.firm(draft.importer),
            consignee: self.firm(consignment.twist.consignee.unwrap_or(draft.importer)),
            ucr: self.ucr(draft),
            invoice: self.invoice_id(draft.number),
            export_id: self.export_id(draft),
            import_id: self.import_id(draft),
            containers,
            ship: if draft.mode == Mode::Bulk {
                self.ship(self.ship_used(consignment)).imo
            } else {
                String::new()
            },
            boxes,
            export_cents: scaled(draft.cents, consignment.twist.export_value),
        }
    }
}

fn scaled(value: i64, factor: f64) -> i64 {
    if (factor - 1.0).abs() < f64::EPSILON {
        value
    } else {
        super::draft::round(value as f64 * factor).max(1)
    }
}

impl<'a> Papers<'a> {
    fn draft(&self) -> &'a Draft {
        &self.consignment.draft
    }

    fn goods(&self, other: Option<u32>) -> &'a Commodity {
        self.engine.world.commodities.id(other.unwrap_or(self.draft().goods))
    }

    /// The declarant's words for goods, with serial numbers where there are any.
    fn describe(&self, goods: &Commodity, side: u64) -> String {
        let twist = &self.consignment.twist;
        let mut cell = self.engine.streams.text.row(self.draft().number * 2 + side);
        let words = match &twist.description {
            Some(words) => words.as_str(),
            None => goods.words.at(cell.place(goods.words.len())),
        };
        if side == 1 && twist.plain_import {
            return words.to_owned();
        }
        match &twist.serials {
            Some(serials) => format!("{words}, S/N {serials}"),
            // Machines and instruments have serial numbers, whoever sends them; the same on both sides.
            None if twist.unnumbered && side == 0 => words.to_owned(),
            None if self.goods(None).controlled() => {
                let mut cell = self.engine.streams.serial.row(self.draft().number);
                format!("{words}, S/N {}", serials(cell.whole(100_000, 899_999)))
            }
            None => words.to_owned(),
        }
    }

    fn port(&self, port: Option<u32>) -> &'a str {
        port.map_or("", |port| &self.engine.world.ports.id(port).locode)
    }

    fn vessel(&self, last: bool) -> &str {
        let legs = &self.consignment.movement.legs;
        let leg = if last { legs.last() } else { legs.first() };
        leg.map_or(&self.ship, |leg| &self.engine.world.vessels.id(leg.vessel).imo)
    }

    /// Another state's firm as a state's officials write it.
    fn written<'n>(&self, name: &'n str, by: &Country) -> Cow<'n, str> {
        match by.code.bytes().last().unwrap_or_default() % 3 {
            0 => Cow::Owned(name.to_uppercase()),
            1 => Cow::Owned(name.replace('-', " ").replace(" & ", " AND ")),
            _ => Cow::Borrowed(name),
        }
    }

    fn office(&self, country: &'a Country, side: u64) -> &'a str {
        let given = self.consignment.twist.office.or_else(|| self.engine.office_of(self.draft()));
        if let Some(place) = given.filter(|_| side == 0) {
            return country.offices.at(place % country.offices.len());
        }
        // A firm declares at the office it is used to, now and then at another.
        let firm = if side == 0 { self.draft().exporter } else { self.draft().importer };
        let mut cell = self.engine.streams.mirror.row(self.draft().number * 2 + side);
        let place = if cell.chance(0.85) {
            firm as usize % country.offices.len()
        } else {
            cell.place(country.offices.len())
        };
        country.offices.at(place)
    }
}

/// Serial numbers of a consignment, as papers list them.
pub fn serials(first: i64) -> String {
    format!("{first}-{}", first + 7)
}
