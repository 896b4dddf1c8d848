//! Customs: declarations of both sides, transit, inspections; and the papers that travel with goods.

use super::schema::row;

row! {
    /// A line of an export or import declaration. The two sides of one movement never quite agree.
    Declaration of Declaration {
        /// Customs that took it.
        agency: Word "",
        /// Number that customs gave it.
        id: Word "id",
        /// Unique consignment reference, the same on both sides.
        ucr: Word "ucr",
        /// `EXPORT` or `IMPORT`.
        direction: Word "direction",
        /// When customs accepted it.
        accepted_at: Moment "accepted_at",
        /// Customs office.
        office: Word "office",
        /// Procedure: 10 export, 21 temporary export, 31 re-export, 40 home use.
        regime: Word "regime",
        /// UN/ECE Recommendation 19: 1 sea, 3 road, 4 air.
        transport_mode: Word "transport_mode",
        /// Who declares.
        declarant_id: Word "declarant.id",
        /// Its name.
        declarant_name: Text "declarant.name.original",
        /// Who imports.
        importer_id: Word "importer.id",
        /// Its name as this side writes it.
        importer_name: Text "importer.name.original",
        /// Where it is established.
        importer_country: Word "importer.country",
        /// Who sells.
        exporter_id: Word "exporter.id",
        /// Its name as this side writes it.
        exporter_name: Text "exporter.name.original",
        /// Where it is established.
        exporter_country: Word "exporter.country",
        /// Who carries.
        carrier_id: Word "carrier.id",
        /// Its name.
        carrier_name: Text "carrier.name.original",
        /// Who is said to use the goods in the end, where that is told.
        end_user_name: Text "end_user.name.original",
        /// Country of departure.
        country_of_departure: Word "country_of_departure",
        /// Country of destination.
        country_of_destination: Word "country_of_destination",
        /// UN/LOCODE.
        port_of_loading: Word "port_of_loading",
        /// UN/LOCODE.
        port_of_discharge: Word "port_of_discharge",
        /// Ship, by sea.
        vessel_imo: Word "vessel_imo",
        /// ISO 6346 numbers, `;` between them.
        containers: Word "containers",
        /// HS 2022, six digits.
        hs_code: Word "items.hs_code",
        /// The declarant's words, with serial numbers where goods have them.
        description: Text "items.description",
        /// Control code where one is declared.
        control_code: Word "items.control_code",
        /// Country of origin.
        country_of_origin: Word "items.country_of_origin",
        /// Net mass, grams.
        net_mass_grams: Integer "items.net_mass_grams",
        /// Gross mass, grams.
        gross_mass_grams: Integer "items.gross_mass_grams",
        /// Pieces.
        quantity: Integer "items.quantity",
        /// ISO 4217.
        currency: Word "",
        /// Statistical value in that currency: FOB on export, CIF on import.
        value: Money "items.value",
        /// Licence relied on.
        licence_id: Word "items.licence_id",
    }
}

row! {
    /// A transit movement through a country, opened where it enters.
    Transit of Transit {
        /// Customs of the country of transit.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// Unique consignment reference.
        ucr: Word "ucr",
        /// Who answers for it.
        principal_id: Word "principal.id",
        /// Its name.
        principal_name: Text "principal.name.original",
        /// Where it was opened.
        office_of_departure: Word "office_of_departure",
        /// Where it is to be discharged.
        office_of_destination: Word "office_of_destination",
        /// When it was opened.
        opened_at: Moment "opened_at",
        /// By when it is to be discharged.
        due_at: Moment "due_at",
        /// When it was discharged.
        discharged_at: Moment "discharged_at",
        /// Paper that discharged it.
        discharge_reference: Word "discharge_reference",
        /// HS 2022, six digits.
        hs_code: Word "items.hs_code",
        /// Gross mass, grams.
        gross_mass_grams: Integer "gross_mass_grams",
        /// ISO 6346 numbers.
        containers: Word "containers",
        /// Country of destination.
        country_of_destination: Word "country_of_destination",
    }
}

row! {
    /// A bill of lading or waybill as the port of discharge got it.
    BillOfLading of BillOfLading {
        /// Port that holds it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// Unique consignment reference.
        ucr: Word "ucr",
        /// When it was issued.
        issued_at: Moment "issued_at",
        /// Who issued it.
        carrier_id: Word "carrier.id",
        /// Shipper.
        shipper_id: Word "shipper.id",
        /// Shipper's name.
        shipper_name: Text "shipper.name.original",
        /// Consignee.
        consignee_id: Word "consignee.id",
        /// Consignee's name.
        consignee_name: Text "consignee.name.original",
        /// Whom to tell of the arrival.
        notify_name: Text "notify_party.name.original",
        /// UN/LOCODE.
        port_of_loading: Word "port_of_loading",
        /// UN/LOCODE.
        port_of_discharge: Word "port_of_discharge",
        /// Ship.
        vessel_imo: Word "vessel_imo",
        /// Voyage.
        voyage: Word "voyage",
        /// ISO 6346 numbers.
        containers: Word "containers",
        /// Gross mass, grams.
        gross_mass_grams: Integer "gross_mass_grams",
        /// Goods as the bill has them.
        description: Text "description",
        /// Number of the bill that this one took the place of.
        switched_from: Word "switched_from",
    }
}

row! {
    /// An invoice as customs of export got it.
    Invoice of Invoice {
        /// Customs that holds it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// Unique consignment reference.
        ucr: Word "ucr",
        /// When it was issued.
        issued_on: Day "issued_on",
        /// Seller.
        seller_id: Word "seller.id",
        /// Buyer.
        buyer_id: Word "buyer.id",
        /// Incoterms 2020: EXW, FOB, CIF, DAP.
        incoterm: Word "incoterm",
        /// ISO 4217.
        currency: Word "",
        /// Total.
        amount: Money "amount",
        /// Pieces.
        quantity: Integer "quantity",
    }
}

row! {
    /// A container or parcel that customs opened, with what was found.
    Inspection of Inspection {
        /// Customs that looked.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// Declaration that was checked.
        declaration_id: Word "declaration_id",
        /// When.
        inspected_at: Moment "inspected_at",
        /// Container that was opened.
        container: Word "container",
        /// `CONFORMING`, `IRREGULAR`, `CRITICAL`.
        outcome: Word "outcome",
        /// What the officer wrote.
        findings: Text "findings",
        /// Mass found, grams.
        mass_found_grams: Integer "mass_found_grams",
    }
}
