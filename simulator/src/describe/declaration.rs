//! A declaration as the measures see it.

use super::read::Row;

/// Columns that are read of declarations, in the order in which [`Declaration::of`] takes them.
pub const COLUMNS: [&str; 24] = [
    "id",
    "ucr",
    "direction",
    "accepted_at",
    "office",
    "regime",
    "transport_mode",
    "declarant_id",
    "importer_id",
    "exporter_id",
    "carrier_id",
    "country_of_departure",
    "country_of_destination",
    "port_of_loading",
    "port_of_discharge",
    "containers",
    "hs_code",
    "control_code",
    "country_of_origin",
    "net_mass_grams",
    "gross_mass_grams",
    "value",
    "quantity",
    "licence_id",
];

/// Its cells.
#[derive(Debug, Clone, Copy)]
#[allow(
    missing_docs,
    reason = "fields are the columns of the same names: table/cargo.rs says what they hold"
)]
pub struct Declaration<'a> {
    pub id: &'a str,
    pub ucr: &'a str,
    pub export: bool,
    pub at: i64,
    pub office: &'a str,
    pub regime: &'a str,
    pub mode: &'a str,
    pub declarant: &'a str,
    pub importer: &'a str,
    pub exporter: &'a str,
    pub carrier: &'a str,
    pub departure: &'a str,
    pub destination: &'a str,
    pub loading: &'a str,
    pub discharge: &'a str,
    pub containers: &'a str,
    pub hs: &'a str,
    pub control: &'a str,
    pub origin: &'a str,
    /// Net mass as it is written.
    pub mass: &'a str,
    /// Net mass, kilograms.
    pub net: f64,
    /// Gross mass, kilograms.
    pub gross: f64,
    /// US dollars.
    pub value: f64,
    pub quantity: f64,
    pub licence: &'a str,
}

impl<'a> Declaration<'a> {
    /// From a row with the cells of [`COLUMNS`].
    pub fn of(row: &'a Row) -> Self {
        let number = |place| row.number(place).unwrap_or_default();
        Self {
            id: row.text(0),
            ucr: row.text(1),
            export: row.text(2) == "EXPORT",
            at: row.moment(3).unwrap_or_default(),
            office: row.text(4),
            regime: row.text(5),
            mode: row.text(6),
            declarant: row.text(7),
            importer: row.text(8),
            exporter: row.text(9),
            carrier: row.text(10),
            departure: row.text(11),
            destination: row.text(12),
            loading: row.text(13),
            discharge: row.text(14),
            containers: row.text(15),
            hs: row.text(16),
            control: row.text(17),
            origin: row.text(18),
            mass: row.text(19),
            net: number(19) / 1000.0,
            gross: number(20) / 1000.0,
            value: number(21),
            quantity: number(22),
            licence: row.text(23),
        }
    }

    /// How many containers it names.
    pub fn boxes(&self) -> usize {
        self.containers.split(';').filter(|number| !number.is_empty()).count()
    }

    /// Chapter of the HS.
    pub fn chapter(&self) -> &'a str {
        self.hs.get(..2).unwrap_or_default()
    }
}
