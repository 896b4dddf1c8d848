//! Customs: declarations of both sides, transit where boxes change ships, inspections.

use super::super::ids::numbered;
use super::super::transit::Opened;
use super::super::{Consignment, Fraud};
use super::{Papers, scaled};
use crate::calendar::Moment;
use crate::table::{Declaration, Inspection, Out};
use crate::world::Office;

impl Papers<'_> {
    pub(in crate::shipment) fn export<O: Out>(&self, out: &mut O) {
        let (world, draft, twist) = (self.engine.world, self.draft(), &self.consignment.twist);
        let (movement, goods) = (&self.consignment.movement, self.goods(twist.export_goods));
        let (agent, carrier) =
            (world.firms.id(draft.export_agent), world.carriers.id(movement.carrier));
        let importer = &self.consignee;
        let licence = match (&twist.licence, draft.licence) {
            (Some(licence), _) => licence.clone(),
            (None, Some((licence, _))) => self.engine.licence_id(licence, draft.from),
            (None, None) => String::new(),
        };
        out.put(&Declaration {
            agency: self.from.agency(Office::Customs),
            id: &self.export_id,
            ucr: &self.ucr,
            direction: "EXPORT",
            accepted_at: Some(draft.accepted),
            office: self.office(self.from, 0),
            regime: twist.regime.unwrap_or("10"),
            transport_mode: draft.mode.code(),
            declarant_id: &agent.id,
            declarant_name: &agent.name,
            importer_id: &importer.id,
            importer_name: &self.written(&importer.name, self.from),
            importer_country: &world.countries.id(importer.country).code,
            exporter_id: &self.exporter.id,
            exporter_name: &self.exporter.name,
            exporter_country: &self.from.code,
            carrier_id: &carrier.id,
            carrier_name: &carrier.name,
            // Who exports goods that may need a licence says who will use them.
            end_user_name: match &twist.end_user {
                Some(name) => name,
                None if goods.controlled() => &importer.name,
                None => "",
            },
            country_of_departure: &self.from.code,
            country_of_destination: &self.to.code,
            port_of_loading: self.port(movement.from_port),
            port_of_discharge: self.port(movement.to_port),
            vessel_imo: self.vessel(false),
            containers: &self.containers,
            hs_code: &goods.hs,
            description: &self.describe(goods, 0),
            control_code: if licence.is_empty() { "" } else { &goods.control_code },
            country_of_origin: &world.countries.id(draft.origin).code,
            net_mass_grams: Some(scaled(draft.net_grams, twist.export_mass)),
            gross_mass_grams: Some(scaled(draft.gross_grams, twist.export_mass)),
            quantity: Some(draft.pieces),
            currency: "USD",
            value: Some(self.export_cents),
            licence_id: &licence,
        });
    }

    pub(in crate::shipment) fn import<O: Out>(&self, out: &mut O) {
        let (world, draft, twist) = (self.engine.world, self.draft(), &self.consignment.twist);
        let (movement, goods) = (&self.consignment.movement, self.goods(twist.import_goods));
        let (agent, carrier) =
            (world.firms.id(draft.import_agent), world.carriers.id(movement.carrier));
        let importer = &self.consignee;
        let origin = twist.import_origin.unwrap_or(draft.origin);
        let mut cell = self.engine.streams.mirror.row(self.draft().number * 2 + 1);
        let _office = cell.bits64();
        // Freight and insurance come on top, and scales differ a little where anybody used them again.
        let freight = cell.lognormal(world.rates.cif_over_fob).max(1.0);
        let scales = if cell.chance(0.3) { 1.0 + cell.between(-0.004, 0.004) } else { 1.0 };
        out.put(&Declaration {
            agency: self.to.agency(Office::Customs),
            id: &self.import_id,
            ucr: &self.ucr,
            direction: "IMPORT",
            accepted_at: Some(movement.imported),
            office: self.office(self.to, 1),
            regime: twist.import_regime.unwrap_or("40"),
            transport_mode: draft.mode.code(),
            declarant_id: &agent.id,
            declarant_name: &agent.name,
            importer_id: &importer.id,
            importer_name: &importer.name,
            importer_country: &world.countries.id(importer.country).code,
            exporter_id: &self.exporter.id,
            exporter_name: &self.written(&self.exporter.name, self.to),
            exporter_country: &self.from.code,
            carrier_id: &carrier.id,
            carrier_name: &carrier.name,
            end_user_name: "",
            country_of_departure: &self.from.code,
            country_of_destination: &self.to.code,
            port_of_loading: self.port(movement.from_port),
            port_of_discharge: self.port(movement.to_port),
            vessel_imo: self.vessel(true),
            containers: &self.containers,
            hs_code: &goods.hs,
            description: &self.describe(goods, 1),
            control_code: "",
            country_of_origin: &world.countries.id(origin).code,
            net_mass_grams: Some(scaled(draft.net_grams, twist.import_mass * scales)),
            gross_mass_grams: Some(scaled(draft.gross_grams, twist.import_mass * scales)),
            quantity: Some(draft.pieces),
            currency: "USD",
            value: Some(scaled(draft.cents, twist.import_value * freight)),
            licence_id: "",
        });
    }

    /// Customs of the state where boxes change ships.
    pub(super) fn transit<O: Out>(&self, out: &mut O) {
        let (world, draft, twist) = (self.engine.world, self.draft(), &self.consignment.twist);
        let movement = &self.consignment.movement;
        let Some((state, comes, goes)) = movement.change(&world.ports, draft) else { return };
        let goods = self.goods(twist.export_goods);
        let discharged = if twist.lost_in_transit {
            twist.forged_discharge.map(|days| comes.plus_days(0.1 + days))
        } else {
            self.engine.discharged(draft, comes, goes)
        };
        let opened = Opened {
            draft,
            ucr: &self.ucr,
            containers: &self.containers,
            hs: &goods.hs,
            gross_grams: scaled(draft.gross_grams, twist.export_mass),
            state,
            comes,
            discharged,
        };
        self.engine.put_transit(&opened, out);
    }

    /// A few imports are opened; who has been caught is opened more often.
    pub(super) fn inspection<O: Out>(&self, out: &mut O) {
        let world = self.engine.world;
        let consignment = self.consignment;
        let draft = self.draft();
        let mut cell = self.engine.streams.check.row(u64::MAX - draft.number);
        let suspect = self.importer.propensity > world.rates.illicit_share;
        // Three tenths of all checks are at random, so that one in seven or so finds something.
        let share = world.rates.inspection_share * if suspect { 7.0 } else { 0.33 };
        if !cell.chance(share) {
            return;
        }
        let caught = consignment.fraud.filter(|_| cell.chance(0.8));
        let found = (
            scaled(draft.net_grams, 1.0 + cell.between(-0.01, 0.01)),
            consignment.movement.boxes.first(),
        );
        let findings = caught.map_or("as declared", |fraud| match fraud {
            Fraud::Undervalued => "invoice found with a higher price",
            Fraud::Misdescribed => "goods of another heading",
            Fraud::FalseOrigin => "marks of another origin",
            Fraud::ShortMass => "more mass than declared",
        });
        out.put(&Inspection {
            agency: self.to.agency(Office::Customs),
            id: &numbered("IN-", self.engine.ids.inspection.apply(draft.number), ""),
            declaration_id: &self.import_id,
            inspected_at: Some(inspected(consignment, &mut cell)),
            container: found.1.map_or("", |container| &container.number),
            outcome: if caught.is_some() { "IRREGULAR" } else { "CONFORMING" },
            findings,
            mass_found_grams: Some(found.0),
        });
    }
}

fn inspected(consignment: &Consignment, cell: &mut crate::rng::Cell) -> Moment {
    let wait = consignment.movement.gate_out.days_since(consignment.movement.imported);
    consignment.movement.imported.plus_days(wait * cell.between(0.1, 0.9))
}
