//! The rows that agencies hold of a consignment: customs of both sides, ports, financial intelligence.

use std::borrow::Cow;

use super::draft::{Draft, Mode};
use super::ids::numbered;
use super::movement::Container;
use super::{Consignment, Engine};
use crate::calendar::Moment;
use crate::table::{
    BillOfLading, Declaration, GateMove, Inspection, Invoice, Out, Payment, SealEvent, Transit,
    Weighing,
};
use crate::world::{Commodity, Country, Firm, Office};

/// Everything that several rows of a consignment say alike.
struct Papers<'a> {
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
    import_id: String,
    containers: String,
    /// IMO number of the ship that a bulk cargo has for itself.
    ship: String,
    boxes: Cow<'a, [Container]>,
    export_cents: i64,
}

/// A part of what is paid for a consignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instalment {
    /// 1 in advance, 2 the rest.
    pub part: u8,
    /// US cents.
    pub cents: i64,
    /// Value date, days since 1970.
    pub day: i64,
}

impl Engine<'_> {
    /// The number of the export declaration of a consignment.
    pub fn export_id(&self, draft: &Draft) -> String {
        let code = &self.world.countries.id(draft.from).code;
        numbered(&format!("EX-{code}-"), self.ids.export.apply(draft.number), "")
    }

    /// The number of its import declaration.
    pub fn import_id(&self, draft: &Draft) -> String {
        let code = &self.world.countries.id(draft.to).code;
        numbered(&format!("IM-{code}-"), self.ids.import.apply(draft.number), "")
    }

    /// The number of its transit in a state.
    pub fn transit_id(&self, number: u64, state: u32) -> String {
        let code = &self.world.countries.id(state).code;
        numbered(&format!("TR-{code}-"), self.ids.transit.apply(number), "")
    }

    /// The number of a licence.
    pub fn licence_id(&self, number: u64, state: u32) -> String {
        let code = &self.world.countries.id(state).code;
        numbered(&format!("LIC-{code}-"), self.ids.licences.apply(number), "")
    }

    /// Its unique consignment reference (ISO 15459: issuing agency, then what the exporter numbers).
    pub fn ucr(&self, draft: &Draft) -> String {
        let code = &self.world.countries.id(draft.from).code;
        numbered(&format!("6{code}"), self.ids.ucr.apply(draft.number), "")
    }

    /// The number of a payment for it: 1 in advance, 2 the rest.
    pub fn payment_id(&self, number: u64, part: u8) -> String {
        numbered("PY-", self.ids.payment.apply(number), if part == 1 { "-1" } else { "-2" })
    }

    /// What is paid for it: a part in advance for some, the rest when the goods have come.
    pub fn instalments(&self, consignment: &Consignment) -> [Instalment; 2] {
        let (draft, twist) = (&consignment.draft, &consignment.twist);
        let mut cell = self.streams.payment.row(draft.number);
        let total = scaled(scaled(draft.cents, twist.export_value), twist.paid);
        let advance = if cell.chance(0.35) { total * cell.whole(20, 50) / 100 } else { 0 };
        let late = cell.lognormal(self.world.rates.payment_days).min(180.0);
        let rest = consignment.movement.arrives.plus_days(late - 20.0).day();
        [
            Instalment { part: 1, cents: advance, day: draft.accepted.day() - 12 },
            Instalment { part: 2, cents: total - advance, day: rest },
        ]
    }

    /// The number of a row that a port makes of one of its boxes: event letter, place of the box.
    pub fn port_id(&self, number: u64, event: char, place: usize) -> String {
        numbered(&format!("P{event}-"), self.ids.port.apply(number), &format!("-{}", place + 1))
    }

    /// The number of the bill of its last leg.
    pub fn bill_id(&self, number: u64) -> String {
        numbered("BL-", self.ids.paper.apply(number), "")
    }

    /// The number of a bill that this one took the place of.
    pub fn former_bill(&self, number: u64) -> String {
        numbered("BL-", self.ids.paper.apply(self.consignments + number), "")
    }

    /// The number of its invoice.
    pub fn invoice_id(&self, number: u64) -> String {
        numbered("INV-", self.ids.paper.apply(number), "")
    }

    /// Writes all rows of a consignment.
    pub fn emit<O: Out>(&self, consignment: &Consignment, out: &mut O) {
        let papers = self.papers(consignment);
        if !consignment.twist.no_export {
            papers.export(out);
            papers.invoice(out);
        }
        papers.payments(out);
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
        }
    }

    fn papers<'a>(&'a self, consignment: &'a Consignment) -> Papers<'a> {
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
                self.ship(self.ship_of(draft.number)).imo
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
        match &twist.serials {
            Some(serials) => format!("{words}, S/N {serials}"),
            // Machines and instruments have serial numbers, whoever sends them; the same on both sides.
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

    fn export<O: Out>(&self, out: &mut O) {
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

    fn import<O: Out>(&self, out: &mut O) {
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

    fn invoice<O: Out>(&self, out: &mut O) {
        let draft = self.draft();
        let terms = ["FOB", "FOB", "CIF", "EXW", "DAP"];
        out.put(&Invoice {
            agency: self.from.agency(Office::Customs),
            id: &self.invoice,
            ucr: &self.ucr,
            issued_on: Some(draft.accepted.day() - 2),
            seller_id: &self.exporter.id,
            buyer_id: &self.importer.id,
            incoterm: terms.get(draft.exporter as usize % terms.len()).copied().unwrap_or("FOB"),
            currency: "USD",
            amount: Some(self.export_cents),
            quantity: Some(draft.pieces),
        });
    }

    /// Part in advance, the rest when the goods have come; each reported by the units of both ends.
    fn payments<O: Out>(&self, out: &mut O) {
        let (world, draft, twist) = (self.engine.world, self.draft(), &self.consignment.twist);
        let payer = self.engine.firm(twist.payer.unwrap_or(draft.importer));
        let (payer_state, payee_state) = (world.countries.id(payer.country), self.from);
        let parts = self.engine.instalments(self.consignment).into_iter();
        for Instalment { part, cents, day } in
            parts.filter(|instalment| instalment.cents >= world.rates.reported_from_cents)
        {
            let id = self.engine.payment_id(draft.number, part);
            let reference =
                format!("{} {}", self.invoice, if part == 1 { "advance" } else { "balance" });
            let mut row = Payment {
                agency: payer_state.agency(Office::Fiu),
                id: &id,
                payer_id: &payer.id,
                payer_name: &payer.name,
                payer_country: &payer_state.code,
                payer_bank: payer_state.banks.at(payer.bank),
                payee_id: &self.exporter.id,
                payee_name: &self.exporter.name,
                payee_country: &payee_state.code,
                payee_bank: payee_state.banks.at(self.exporter.bank),
                currency: "USD",
                amount: Some(cents),
                value_date: Some(day),
                invoice_id: &self.invoice,
                reference: &reference,
            };
            out.put(&row);
            if payer.country != draft.from {
                row.agency = payee_state.agency(Office::Fiu);
                out.put(&row);
            }
        }
    }

    /// What the port of loading sees of each box.
    fn loading<O: Out>(&self, out: &mut O) {
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
            let cargo = super::draft::round(
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
        }
    }

    /// Customs of the state where boxes change ships.
    fn transit<O: Out>(&self, out: &mut O) {
        let (world, draft, twist) = (self.engine.world, self.draft(), &self.consignment.twist);
        let movement = &self.consignment.movement;
        let Some((state, comes, goes)) = movement.change(&world.ports, draft) else { return };
        let country = world.countries.id(state);
        let principal = world.firms.id(draft.export_agent);
        let goods = self.goods(twist.export_goods);
        let discharged =
            (!twist.lost_in_transit || twist.forged_discharge).then(|| goes.plus_days(0.1));
        let reference = discharged.map(|_| {
            let number = self.engine.ids.transit.apply(draft.number);
            // A forged one names an office that has no such series.
            numbered(if twist.forged_discharge { "DX" } else { "DC" }, number, "")
        });
        out.put(&Transit {
            agency: country.agency(Office::Customs),
            id: &self.engine.transit_id(draft.number, state),
            ucr: &self.ucr,
            principal_id: &principal.id,
            principal_name: &principal.name,
            office_of_departure: country.offices.at(draft.number as usize % country.offices.len()),
            office_of_destination: country
                .offices
                .at((draft.number / 7) as usize % country.offices.len()),
            opened_at: Some(comes.plus_days(0.1)),
            due_at: Some(comes.plus_days(30.0)),
            discharged_at: discharged,
            discharge_reference: reference.as_deref().unwrap_or_default(),
            hs_code: &goods.hs,
            gross_mass_grams: Some(scaled(draft.gross_grams, twist.export_mass)),
            containers: &self.containers,
            country_of_destination: &self.to.code,
        });
    }

    /// What the port of discharge sees, and the bill it got.
    fn landing<O: Out>(&self, out: &mut O) {
        let (world, draft, twist) = (self.engine.world, self.draft(), &self.consignment.twist);
        let movement = &self.consignment.movement;
        let Some(leg) = movement.legs.last() else { return };
        let port = world.ports.id(leg.to);
        let agency = world.countries.id(port.country).agency(Office::Port);
        let terminal = port.terminals.at(draft.importer as usize % port.terminals.len());
        let (imo, voyage) = (&world.vessels.id(leg.vessel).imo, voyage(leg.voyage));
        let loading = &world.ports.id(leg.from).locode;
        self.bill(&[agency], loading, &port.locode, imo, &voyage, leg.departs, out);
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
                let cargo = super::draft::round(
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
            out.put(&GateMove {
                id: &id('O'),
                kind: "GATE_OUT",
                at: Some(movement.gate_out),
                vessel_imo: "",
                voyage: "",
                plate: &plate,
                ..landed
            });
        }
    }

    /// The bill of a bulk cargo, and where its ship was. Customs get such bills with the ship's manifest.
    fn by_ship<O: Out>(&self, out: &mut O) {
        let (draft, movement) = (self.draft(), &self.consignment.movement);
        let Some(voyage) = self.engine.voyage(self.consignment) else { return };
        let (from, to) = (self.port(movement.from_port), self.port(movement.to_port));
        let agencies = [self.to.agency(Office::Port), self.to.agency(Office::Customs)];
        self.bill(&agencies, from, to, &self.ship, "", movement.departs, out);
        self.engine.put_voyage(&voyage, draft.number, out);
        if self.engine.first_of_ship(draft.number) {
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
                consignee_id: &self.consignee.id,
                consignee_name: &self.consignee.name,
                notify_name: &world.firms.id(draft.import_agent).name,
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

    /// A few imports are opened; who has been caught is opened more often.
    fn inspection<O: Out>(&self, out: &mut O) {
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
            super::Fraud::Undervalued => "invoice found with a higher price",
            super::Fraud::Misdescribed => "goods of another heading",
            super::Fraud::FalseOrigin => "marks of another origin",
            super::Fraud::ShortMass => "more mass than declared",
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

fn voyage(number: i64) -> String {
    format!("V{number:05}")
}

/// Serial numbers of a consignment, as papers list them.
pub fn serials(first: i64) -> String {
    format!("{first}-{}", first + 7)
}

/// Whether a mode leaves rows with ports.
pub fn by_box(mode: Mode) -> bool {
    mode == Mode::Sea
}
