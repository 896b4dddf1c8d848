//! Ports, terminals and the coast guard: what moves, what it weighs, how it is sealed, where ships were.

use super::schema::row;

row! {
    /// A container at a terminal's gate or quay.
    GateMove of GateMove {
        /// Port that saw it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// ISO 6346 number.
        container: Word "container",
        /// `GATE_IN`, `LOAD`, `DISCHARGE`, `GATE_OUT`.
        kind: Word "kind",
        /// When.
        at: Moment "at",
        /// UN/LOCODE.
        port: Word "port",
        /// Terminal.
        terminal: Word "terminal",
        /// Seal as read.
        seal: Word "seal_number",
        /// Ship, at the quay.
        vessel_imo: Word "vessel_imo",
        /// Voyage, at the quay.
        voyage: Word "voyage",
        /// Truck, at the gate.
        plate: Word "truck_plate",
    }
}

row! {
    /// A verified gross mass (SOLAS VI/2) or a weighing at the gate.
    Weighing of Weighing {
        /// Port that weighed.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// ISO 6346 number.
        container: Word "container",
        /// When.
        at: Moment "weighed_at",
        /// UN/LOCODE.
        port: Word "port",
        /// Container and cargo, grams.
        gross_mass_grams: Integer "verified_gross_mass_grams",
        /// Container alone, grams.
        tare_grams: Integer "tare_mass_grams",
        /// `WEIGHBRIDGE` or `CALCULATED` (methods 1 and 2 of SOLAS).
        method: Word "method",
    }
}

row! {
    /// A seal put on, read, broken or replaced.
    SealEvent of SealEvent {
        /// Port or customs that saw it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// ISO 6346 number.
        container: Word "container",
        /// Seal.
        seal: Word "seal_number",
        /// `AFFIXED`, `CHECKED`, `BROKEN`, `REPLACED`.
        kind: Word "kind",
        /// When.
        at: Moment "at",
        /// UN/LOCODE.
        port: Word "port",
        /// `SHIPPER`, `CARRIER`, `TERMINAL`, `CUSTOMS`, `OTHER`.
        reported_by: Word "reported_by",
    }
}

row! {
    /// A position of a ship, or a silence.
    Track of Track {
        /// Coast guard that holds it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// IMO number.
        vessel_imo: Word "vessel_imo",
        /// When.
        at: Moment "points.at",
        /// Degrees north.
        latitude: Micro "",
        /// Degrees east.
        longitude: Micro "",
        /// Speed over ground, knots.
        speed: Micro "points.speed_knots",
        /// Draught, centimetres.
        draught_cm: Integer "points.draught_centimetres",
        /// Silent since, where there was a gap before this position.
        silent_since: Moment "points.silent_since",
        /// `AIS_TERRESTRIAL`, `AIS_SATELLITE`, `RADAR`, `VISUAL`.
        source: Word "points.source",
    }
}

row! {
    /// A ship in a registry.
    VesselEntry of VesselEntry {
        /// Coast guard that holds it.
        agency: Word "",
        /// Its number.
        id: Word "id",
        /// IMO number.
        imo: Word "vessel_imo",
        /// Name.
        name: Text "vessel_name",
        /// Flag.
        flag: Word "flag",
        /// Flags before, latest first, `;` between them.
        former_flags: Word "former_flags",
        /// Since when it flies the flag.
        registered_on: Day "registered_on",
        /// Carrier that runs it.
        operator: Text "operator.name.original",
        /// Year it was built.
        built: Integer "built_year",
        /// Gross tonnage.
        gross_tonnage: Integer "gross_tonnage",
    }
}
