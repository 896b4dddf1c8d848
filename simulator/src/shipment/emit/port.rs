//! Ports: what they see of boxes at gates and quays, what scales and seals say, and the bills they get.

use super::Papers;
use crate::calendar::Moment;
use crate::table::{BillOfLading, GateMove, Out, SealEvent, Weighing};
use crate::world::Office;

impl Papers<'_> {
    /// What the port of loading sees of each box.
    pub(super) fn loading<O: Out>(&self, out: &mut O) {
        let world = self.engine.world;
        let (draft, movement) = (self.draft(), &self.consignment.movement);
        let Some(leg) = movement.legs.first() else { return };
        let port = world.ports.id(leg.from);
        let agency = world.countries.id(port.country).agency(Office::Port);
        let terminal = port.terminals.at(draft.exporter as usize % port.terminals.len());
        let (imo, voyage) = (&world.vessels.id(leg.vessel).imo, voyage(leg.voyage));
        let mut cell = self.engine.streams.check.row(draft.number * 2);
        let spread = world.rates.scale_noise;
        for (place, container) in self.boxes.iter().enumerate() {
            let id = |event| self.engine.port_id(draft.number, event, place);
            let plate =
                format!("{}{:03}-{:03}", self.from.code, cell.whole(0, 999), cell.whole(0, 999));
            let gate = GateMove {
                agency,
                id: &id('A'),
                container: &container.number,
                kind: "GATE_IN",
                at: Some(movement.gate_in),
                port: &port.locode,
                terminal,
                seal: &container.seal,
                vessel_imo: "",
                voyage: "",
                plate: &plate,
            };
            out.put(&gate);
            out.put(&SealEvent {
                agency,
                id: &id('S'),
                container: &container.number,
                seal: &container.seal,
                kind: "AFFIXED",
                at: Some(movement.gate_in.plus_days(-0.2)),
                port: &port.locode,
                reported_by: "SHIPPER",
            });
            let cargo = crate::shipment::draft::round(
                container.cargo_grams as f64 * (1.0 + cell.between(-spread, spread)),
            );
            let hidden = if place == 0 { self.consignment.twist.hidden_grams } else { 0 };
            out.put(&Weighing {
                agency,
                id: &id('W'),
                container: &container.number,
                at: Some(movement.gate_in.plus_days(0.02)),
                port: &port.locode,
                gross_mass_grams: Some(container.tare_grams + cargo + hidden),
                tare_grams: Some(container.tare_grams),
                method: if cell.chance(0.7) { "WEIGHBRIDGE" } else { "CALCULATED" },
            });
            out.put(&GateMove {
                id: &id('L'),
                kind: "LOAD",
                at: Some(leg.loaded),
                vessel_imo: imo,
                voyage: &voyage,
                plate: "",
                ..gate
            });
            self.in_yard(place, container, leg, out);
        }
    }

    /// What the port of discharge sees, and the bill it got.
    pub(super) fn landing<O: Out>(&self, out: &mut O) {
        let (world, draft, twist) = (self.engine.world, self.draft(), &self.consignment.twist);
        let movement = &self.consignment.movement;
        let Some(leg) = movement.legs.last() else { return };
        let port = world.ports.id(leg.to);
        let agency = world.countries.id(port.country).agency(Office::Port);
        let terminal = port.terminals.at(draft.importer as usize % port.terminals.len());
        let (imo, voyage) = (&world.vessels.id(leg.vessel).imo, voyage(leg.voyage));
        let loading = &world.ports.id(leg.from).locode;
        self.bill(&[agency], loading, &port.locode, imo, &voyage, leg.departs, out);
        let onward = twist.onward.then(|| self.engine.next_ship(leg, movement.gate_out)).flatten();
        let mut cell = self.engine.streams.check.row(draft.number * 2 + 1);
        for (place, container) in self.boxes.iter().enumerate() {
            let id = |event| self.engine.port_id(draft.number, event, place);
            let arrival = twist.arrival_seal.as_deref().filter(|_| place == 0);
            let seal = arrival.unwrap_or(&container.seal);
            let plate =
                format!("{}{:03}-{:03}", self.to.code, cell.whole(0, 999), cell.whole(0, 999));
            let landed = GateMove {
                agency,
                id: &id('D'),
                container: &container.number,
                kind: "DISCHARGE",
                at: Some(leg.discharged),
                port: &port.locode,
                terminal,
                seal,
                vessel_imo: imo,
                voyage: &voyage,
                plate: "",
            };
            out.put(&landed);
            if arrival.is_some() && twist.seal_explained {
                let customs = world.countries.id(port.country).agency(Office::Customs);
                out.put(&SealEvent {
                    agency: customs,
                    id: &id('R'),
                    container: &container.number,
                    seal,
                    kind: "REPLACED",
                    at: Some(leg.discharged.plus_days(-0.02)),
                    port: &port.locode,
                    reported_by: "CUSTOMS",
                });
            }
            out.put(&SealEvent {
                agency,
                id: &id('C'),
                container: &container.number,
                seal,
                kind: "CHECKED",
                at: Some(leg.discharged.plus_days(0.05)),
                port: &port.locode,
                reported_by: "TERMINAL",
            });
            let added = if place == 0 { twist.added_grams } else { 0 };
            if added != 0 || cell.chance(world.rates.weighed_again) {
                let spread = world.rates.scale_noise;
                let hidden = if place == 0 { twist.hidden_grams } else { 0 };
                let cargo = crate::shipment::draft::round(
                    container.cargo_grams as f64 * (1.0 + cell.between(-spread, spread)),
                );
                out.put(&Weighing {
                    agency,
                    id: &id('V'),
                    container: &container.number,
                    at: Some(leg.discharged.plus_days(0.04)),
                    port: &port.locode,
                    gross_mass_grams: Some(container.tare_grams + cargo + hidden + added),
                    tare_grams: Some(container.tare_grams),
                    method: "WEIGHBRIDGE",
                });
            }
            let mut leaves = GateMove {
                id: &id('O'),
                kind: "GATE_OUT",
                at: Some(movement.gate_out),
                vessel_imo: "",
                voyage: "",
                plate: &plate,
                ..landed
            };
            let (round, ship);
            if let Some((departs, vessel, number)) = onward {
                (round, ship) = (self::voyage(number), world.vessels.id(vessel));
                leaves.at = Some(departs.plus_days(-0.2));
                (leaves.vessel_imo, leaves.voyage, leaves.plate) = (&ship.imo, &round, "");
            }
            out.put(&leaves);
        }
    }

    /// The bill of a bulk cargo, and where its ship was. Customs get such bills with the ship's manifest.
    pub(super) fn by_ship<O: Out>(&self, out: &mut O) {
        let (draft, movement) = (self.draft(), &self.consignment.movement);
        let Some(voyage) = self.engine.voyage(self.consignment) else { return };
        let (from, to) = (self.port(movement.from_port), self.port(movement.to_port));
        let agencies = [self.to.agency(Office::Port), self.to.agency(Office::Customs)];
        self.bill(&agencies, from, to, &self.ship, "", movement.departs, out);
        self.engine.put_voyage(&voyage, draft.number, out);
        let usual = voyage.ship == self.engine.ship_of(draft.number);
        if usual && self.engine.first_of_ship(draft.number) {
            self.engine.put_ship(&self.engine.ship(voyage.ship), draft.to, out);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one for each thing that a leg says")]
    fn bill<O: Out>(
        &self,
        agencies: &[&str],
        from: &str,
        to: &str,
        imo: &str,
        voyage: &str,
        issued: Moment,
        out: &mut O,
    ) {
        let (world, draft, twist) = (self.engine.world, self.draft(), &self.consignment.twist);
        let shipper = self.engine.firm(twist.shipper.unwrap_or(draft.exporter));
        let consignee = twist.bill_consignee.map(|firm| self.engine.firm(firm));
        let consignee = consignee.as_ref().unwrap_or(&self.consignee);
        let notify = self.engine.firm(twist.notify.unwrap_or(draft.import_agent));
        let switched_from = twist.switched.as_deref().unwrap_or_default();
        let customs = self.to.agency(Office::Customs);
        // Customs ask for a bill that took the place of another, whatever it is for.
        let asked = (!switched_from.is_empty() && !agencies.contains(&customs)).then_some(customs);
        for agency in agencies.iter().copied().chain(asked) {
            out.put(&BillOfLading {
                agency,
                id: &self.engine.bill_id(draft.number),
                ucr: &self.ucr,
                issued_at: Some(issued),
                carrier_id: &world.carriers.id(self.consignment.movement.carrier).id,
                shipper_id: &shipper.id,
                shipper_name: &shipper.name,
                consignee_id: &consignee.id,
                consignee_name: &consignee.name,
                notify_name: &notify.name,
                port_of_loading: from,
                port_of_discharge: to,
                vessel_imo: imo,
                voyage,
                containers: &self.containers,
                gross_mass_grams: Some(draft.gross_grams),
                description: &self.describe(self.goods(twist.import_goods), 1),
                switched_from,
            });
        }
    }
}

fn voyage(number: i64) -> String {
    format!("V{number:05}")
}
