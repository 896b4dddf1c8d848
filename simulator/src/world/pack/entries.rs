//! What a world is made of, entry by entry.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A state.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountryEntry {
    /// ISO 3166-1 alpha-2, or user-assigned.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Middle of its trade, degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Size of its economy.
    pub gdp: f64,
    /// Names of its people and firms.
    pub culture: String,
    /// ISO 4217.
    pub currency: String,
    /// Under embargo.
    #[serde(default)]
    pub embargoed: bool,
    /// A hub of transit.
    #[serde(default)]
    pub transit_hub: bool,
    /// Land neighbours.
    #[serde(default)]
    pub neighbours: Vec<String>,
    /// Trade agreements.
    #[serde(default)]
    pub trade_agreements: Vec<String>,
    /// Agencies that take part in the exchange, kind to id. None: the state takes no part.
    #[serde(default)]
    pub agencies: BTreeMap<String, String>,
    /// Customs offices.
    pub offices: Vec<OfficeEntry>,
}

impl CountryEntry {
    /// Whether its agencies take part in the exchange.
    pub fn participates(&self) -> bool {
        self.agencies.contains_key("customs")
    }
}

/// A customs office.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeEntry {
    /// Its code.
    pub code: String,
    /// Its city.
    #[serde(default)]
    pub city: String,
}

/// A port, airport or crossing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortEntry {
    /// UN/LOCODE, or made like one.
    pub locode: String,
    /// Its name.
    pub name: String,
    /// Its state.
    pub country: String,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// `sea`, `air` or `road`.
    pub kind: String,
    /// Share of the world's boxes.
    #[serde(default)]
    pub teu_share: f64,
    /// Terminals.
    #[serde(default)]
    pub terminals: u32,
    /// Deepest ship, metres.
    #[serde(default)]
    pub max_draught_m: f64,
}

/// A carrier.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarrierEntry {
    /// Short code.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `ocean`, `air` or `road`.
    pub kind: String,
    /// Owner and category letters of its boxes.
    pub prefix: String,
    /// Share of cargo.
    #[serde(default)]
    pub share: f64,
}

/// A liner service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceEntry {
    /// Its name.
    pub id: String,
    /// Its carrier.
    pub carrier: String,
    /// Ships.
    pub vessels: u32,
    /// Knots.
    pub speed_kn: f64,
    /// Capacity of a ship, TEU.
    pub teu: u32,
    /// Ports in order.
    pub rotation: Vec<String>,
    /// Miles of each leg; the straight way and a sixth where there are none.
    #[serde(default)]
    pub legs: Vec<f64>,
}

/// Goods.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommodityEntry {
    /// HS 2022.
    pub hs6: String,
    /// Chapter.
    pub chapter: String,
    /// Our own short name.
    pub name: String,
    /// Declarants' words, `;` between them.
    pub text_variants: String,
    /// US dollars a kilogram.
    pub unit_value_usd_per_kg_median: f64,
    /// Standard deviation of its logarithm.
    pub unit_value_sigma: f64,
    /// Kilograms a piece.
    pub kg_per_piece: f64,
    /// How it is packed or counted, free for people.
    pub dispersion: String,
    /// 1 where an export may need a licence.
    pub controlled: u8,
    /// Control code.
    pub control_code: String,
    /// Tier of the high-priority list.
    pub tier: String,
    /// Share of trade by value.
    pub weight_of_trade: f64,
    /// 1 for dangerous goods.
    pub dangerous: u8,
    /// 1 for goods that travel cold.
    pub reefer: u8,
    /// 1 for goods that travel loose.
    pub bulk: u8,
    /// A code that looks alike and is not controlled.
    pub neighbour_hs6: String,
    /// Cubic metres a tonne.
    pub stowage_m3_per_t: f64,
}

/// Parts of names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Culture {
    /// Its name.
    pub id: String,
    /// Given names.
    pub given: Vec<String>,
    /// Family names.
    pub family: Vec<String>,
    /// Beginnings of firms' names.
    pub stems: Vec<String>,
    /// Legal forms.
    pub suffixes: Vec<String>,
    /// Streets.
    pub streets: Vec<String>,
    /// Cities.
    pub cities: Vec<String>,
}

impl Culture {
    /// Whether every list has something in it.
    pub fn is_whole(&self) -> bool {
        [&self.given, &self.family, &self.stems, &self.suffixes, &self.streets, &self.cities]
            .iter()
            .all(|list| !list.is_empty())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountriesFile {
    pub(super) country: Vec<CountryEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PortsFile {
    pub(super) port: Vec<PortEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CarriersFile {
    pub(super) carrier: Vec<CarrierEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LanesFile {
    pub(super) service: Vec<ServiceEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamesFile {
    pub(super) culture: Vec<Culture>,
}
