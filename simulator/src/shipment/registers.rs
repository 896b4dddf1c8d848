//! Rows that belong to no consignment: registers of firms and ships, licences, and where ships were.

use super::Engine;
use super::ids::numbered;
use super::licence::{Licence as Facts, Outcome};
use crate::calendar::{DAY, Moment};
use crate::permute::Permutation;
use crate::rng::Stream;
use crate::table::{Company, EndUserCertificate, Licence, Out, Owner, Party, Track, VesselEntry};
use crate::world::Office;

/// Hours between two positions of a ship.
const TRACK_HOURS: i64 = 6;

/// Streams of the registers.
#[derive(Debug)]
pub struct Registers {
    owner: Stream,
    gap: Stream,
    draught: Stream,
    certificate: Stream,
    track: Permutation,
    steps: u64,
}

impl Registers {
    /// Those of an engine.
    pub fn new(engine: &Engine) -> Self {
        let seed = engine.world.seed;
        let stream = |column: &str| Stream::new(seed, column);
        let steps =
            u64::try_from(engine.world.calendar.days() * 24 / TRACK_HOURS).unwrap_or_default();
        Self {
            owner: stream("ownership"),
            gap: stream("vessel_track.gap"),
            draught: stream("vessel_track.draught"),
            certificate: stream("end_user_certificate"),
            track: Permutation::new(seed, "id.track", steps * engine.world.vessels.len() as u64),
            steps,
        }
    }

    /// Positions of a ship over the period.
    pub fn track<O: Out>(&self, engine: &Engine, vessel: u32, out: &mut O) {
        let world = engine.world;
        let ship = world.vessels.id(vessel);
        let service = world.services.id(ship.service);
        let start = Moment(world.calendar.first_day() * DAY);
        let mut silent: Option<Moment> = None;
        for step in 0..self.steps {
            let at = Moment(start.0 + i64::try_from(step).unwrap_or_default() * TRACK_HOURS * 3600);
            if self.silent(engine, vessel, at) {
                silent.get_or_insert(at.plus_days(-0.25));
                continue;
            }
            let (point, speed) = service.position(vessel, at);
            let row = u64::from(vessel) * self.steps + step;
            let mut cell = self.draught.row(row);
            out.put(&Track {
                agency: world.countries.id(nearest(engine, point)).agency(Office::CoastGuard),
                id: &numbered("AIS-", self.track.apply(row), ""),
                vessel_imo: &ship.imo,
                at: Some(at),
                latitude: Some(micro(point.lat)),
                longitude: Some(micro(point.lon)),
                speed: Some(micro(speed * cell.between(0.9, 1.0))),
                draught_cm: Some(cell.whole(900, 1250)),
                silent_since: silent.take(),
            });
        }
    }

    /// Whether a ship is silent: one gap of 8 to 60 hours in some months.
    fn silent(&self, engine: &Engine, vessel: u32, at: Moment) -> bool {
        let month = at.day().div_euclid(30);
        let mut cell =
            self.gap.row(u64::from(vessel) << 16 | u64::try_from(month).unwrap_or_default());
        if !cell.chance(engine.world.rates.silent_ships) {
            return false;
        }
        let starts = Moment(month * 30 * DAY).plus_days(cell.between(0.0, 27.0));
        let days = cell.between(8.0, 60.0) / 24.0;
        (0.0..days).contains(&at.days_since(starts))
    }

    /// A firm in the registers of its state.
    pub fn firm<O: Out>(&self, engine: &Engine, number: u32, out: &mut O) {
        let world = engine.world;
        let firm = world.firms.id(number);
        let state = world.countries.id(firm.country);
        let (customs, fiu) = (state.agency(Office::Customs), state.agency(Office::Fiu));
        out.put(&Party {
            agency: customs,
            id: &firm.id,
            kind: "ORGANISATION",
            name: &firm.name,
            street: &firm.street,
            city: &firm.city,
            postcode: &firm.postcode,
            country: &state.code,
            // Firms come to customs some weeks after they were founded.
            registered_on: Some(firm.founded + 20),
            registration_number: &firm.company_number,
            phone: &firm.phone,
            director: &firm.director,
        });
        out.put(&Company {
            agency: fiu,
            id: &format!("CR-{}", firm.company_number),
            registration_number: &firm.company_number,
            name: &firm.name,
            registered_on: Some(firm.founded),
            status: "ACTIVE",
            street: &firm.street,
            city: &firm.city,
            country: &state.code,
            director: &firm.director,
            phone: &firm.phone,
        });
        let mut cell = self.owner.row(u64::from(number));
        let parent = firm.parent.map(|parent| world.firms.id(parent));
        let share = if parent.is_some() { cell.whole(51, 100) } else { 100 };
        out.put(&Owner {
            agency: fiu,
            id: &format!("OW-{}", firm.company_number),
            owned_id: &firm.company_number,
            owned_name: &firm.name,
            owner_id: parent.map_or("", |parent| &parent.company_number),
            owner_name: parent.map_or(&firm.director, |parent| &parent.name),
            share_percent: Some(share * 1_000_000),
            since: Some(firm.founded),
        });
    }

    /// A ship in the registry of its flag.
    pub fn vessel<O: Out>(&self, engine: &Engine, number: u32, out: &mut O) {
        let world = engine.world;
        let ship = world.vessels.id(number);
        let flag = world.countries.id(ship.flag);
        let operator = world.carriers.id(world.services.id(ship.service).carrier);
        out.put(&VesselEntry {
            agency: flag.agency(Office::CoastGuard),
            id: &format!("VR-{}", ship.imo),
            imo: &ship.imo,
            name: &ship.name,
            flag: &flag.code,
            former_flags: "",
            operator: &operator.name,
            built: Some(ship.built),
            gross_tonnage: Some(ship.tonnage),
        });
    }

    /// A licence, and its end-user certificate where it was granted.
    pub fn licence<O: Out>(&self, engine: &Engine, number: u64, out: &mut O) {
        let world = engine.world;
        let facts = engine.licence(number);
        let goods = world.commodities.id(facts.goods);
        let (exporter, consignee) =
            (world.firms.id(facts.exporter), world.firms.id(facts.consignee));
        let end_user = world.firms.id(facts.end_user);
        let agency = world.countries.id(facts.from).agency(Office::Licensing);
        let id = engine.licence_id(number, facts.from);
        let mut cell = self.certificate.row(number);
        let stamp = format!("ST-{}-{:04}", world.countries.id(facts.to).code, cell.whole(0, 9999));
        let certificate = format!("EUC-{}", id.get(4..).unwrap_or_default());
        let words = goods.words.at(cell.place(goods.words.len()));
        let (status, granted) = status(&facts);
        let decided = facts.decided();
        out.put(&Licence {
            agency,
            id: &id,
            kind: "INDIVIDUAL",
            status,
            applied_at: Some(facts.applied),
            decided_at: Some(decided),
            granted_at: granted.then_some(decided),
            expires_at: granted.then(|| decided.plus_days(730.0)),
            exporter_id: &exporter.id,
            exporter_name: &exporter.name,
            consignee_id: &consignee.id,
            consignee_name: &consignee.name,
            end_user_name: &end_user.name,
            country_of_destination: &world.countries.id(facts.to).code,
            hs_code: &goods.hs,
            control_code: &goods.control_code,
            description: words,
            quantity: Some(facts.pieces),
            drawn_quantity: granted.then(|| facts.drawn(super::licence::ROUNDS)),
            technical_parameters: "",
            end_use: "own production at the end user's premises",
            condition: if granted { "no re-export without consent" } else { "" },
            assessment: "",
            certificate_id: &certificate,
        });
        out.put(&EndUserCertificate {
            agency,
            id: &certificate,
            licence_id: &id,
            end_user_name: &end_user.name,
            end_user_country: &world.countries.id(facts.to).code,
            issued_on: Some(facts.applied.day() - cell.whole(3, 40)),
            stamp: &stamp,
            end_use: "own production at the end user's premises",
        });
    }
}

fn status(facts: &Facts) -> (&'static str, bool) {
    match facts.outcome {
        Outcome::Granted => ("GRANTED", true),
        Outcome::Returned => ("RETURNED", false),
        Outcome::Denied => ("REFUSED", false),
    }
}

fn micro(value: f64) -> i64 {
    super::draft::round(value * 1e6)
}

/// The state whose port is nearest: its coast guard hears the ship.
fn nearest(engine: &Engine, point: crate::world::geo::Point) -> u32 {
    let far = |port: &crate::world::Port| {
        let (north, east) = (port.point.lat - point.lat, port.point.lon - point.lon);
        north * north + east * east
    };
    let ports = engine.world.ports.iter().map(|port| (far(port), port.country));
    ports.min_by(|(a, _), (b, _)| a.total_cmp(b)).map_or(0, |(_, country)| country)
}
