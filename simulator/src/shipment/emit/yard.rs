//! Boxes in the yard and under the eyes of customs: seals that are checked, weighings beside those at the gate.

use super::Papers;
use crate::shipment::movement::{Container, Leg};
use crate::table::{Out, SealEvent, Weighing};
use crate::world::Office;

impl Papers<'_> {
    /// What the terminal of loading notes of a box that is taken out of the stack.
    pub(super) fn in_yard<O: Out>(
        &self,
        place: usize,
        container: &Container,
        leg: &Leg,
        out: &mut O,
    ) {
        let (world, number) = (self.engine.world, self.draft().number);
        let reached = self.consignment.twist.reached.filter(|_| place == 0);
        let taken = self.engine.taken_out((number, place), container.cargo_grams, reached);
        let Some(taken) = taken else { return };
        let port = world.ports.id(leg.from);
        let agency = world.countries.id(port.country).agency(Office::Port);
        let gate_in = self.consignment.movement.gate_in;
        let at = gate_in.plus_days(leg.loaded.days_since(gate_in) * taken.share);
        out.put(&SealEvent {
            agency,
            id: &self.engine.port_id(number, 'Y', place),
            container: &container.number,
            seal: &container.seal,
            kind: "CHECKED",
            at: Some(at),
            port: &port.locode,
            reported_by: "TERMINAL",
        });
        let noise = 1.0 + taken.error * world.rates.scale_noise;
        let cargo = crate::shipment::draft::round(container.cargo_grams as f64 * noise);
        let hidden = if place == 0 { self.consignment.twist.hidden_grams } else { 0 };
        let gross = container.tare_grams + cargo + hidden + taken.more_grams;
        out.put(&Weighing {
            agency,
            id: &self.engine.port_id(number, 'X', place),
            container: &container.number,
            at: Some(at.plus_days(0.01)),
            port: &port.locode,
            gross_mass_grams: Some(gross),
            tare_grams: Some(container.tare_grams),
            method: "WEIGHBRIDGE",
        });
    }

    /// Seals that customs read where boxes are landed, before they let them go.
    pub(super) fn read_seals<O: Out>(&self, out: &mut O) {
        let (world, draft, twist) = (self.engine.world, self.draft(), &self.consignment.twist);
        let movement = &self.consignment.movement;
        let Some(leg) = movement.legs.last() else { return };
        let port = world.ports.id(leg.to);
        for (place, container) in self.boxes.iter().enumerate() {
            let arrival = twist.arrival_seal.as_deref().filter(|_| place == 0);
            let seal = arrival.unwrap_or(&container.seal);
            let certainly = twist.seal_read && place == 0;
            let read = self.engine.seal_as_read((draft.number, place), seal, certainly);
            let Some((seal, share)) = read else { continue };
            let wait = movement.imported.days_since(leg.discharged);
            out.put(&SealEvent {
                agency: world.countries.id(port.country).agency(Office::Customs),
                id: &self.engine.port_id(draft.number, 'K', place),
                container: &container.number,
                seal: &seal,
                kind: "CHECKED",
                at: Some(leg.discharged.plus_days(wait * share)),
                port: &port.locode,
                reported_by: "CUSTOMS",
            });
        }
    }
}
