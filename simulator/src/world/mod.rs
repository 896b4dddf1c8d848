//! The world of a pack: states, ports, services, firms, goods, and how they trade. Everything here is computed
//! once from (pack, seed); its size is the pack's, not that of what is generated from it.

mod build;
mod declared;
mod firms;
pub mod fleet;
pub mod geo;
mod names;
pub mod pack;
pub mod spelling;
mod trade;

use crate::calendar::Calendar;
use crate::draw::{Alias, LogNormal};
use crate::list::List;
use crate::rng::Seed;

pub use build::BuildError;
pub use declared::Declared;
pub use firms::{Founding, Owner, SECTORS, registered};
pub use names::Names;
pub use trade::{NEAREST_MILES, Trade};

use fleet::{Routes, Service};
use geo::Point;
use pack::Rates;

/// Kinds of agency that hold rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Office {
    /// Customs.
    Customs,
    /// Export licensing.
    Licensing,
    /// Port and terminals.
    Port,
    /// Coast guard.
    CoastGuard,
    /// Financial intelligence unit.
    Fiu,
    /// Intelligence service.
    Intelligence,
    /// Police bureau.
    Police,
}

impl Office {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Customs,
        Self::Licensing,
        Self::Port,
        Self::CoastGuard,
        Self::Fiu,
        Self::Intelligence,
        Self::Police,
    ];

    /// The word that agency ids end in.
    pub fn word(self) -> &'static str {
        match self {
            Self::Customs => "customs",
            Self::Licensing => "licensing",
            Self::Port => "port",
            Self::CoastGuard => "coastguard",
            Self::Fiu => "fiu",
            Self::Intelligence => "intelligence",
            Self::Police => "police",
        }
    }
}

/// A state.
#[derive(Debug, Clone)]
pub struct Country {
    /// ISO 3166-1 alpha-2, or user-assigned.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Middle of its trade.
    pub point: Point,
    /// Size of its economy, in the pack's units.
    pub gdp: f64,
    /// Under embargo: no licence goes there.
    pub embargoed: bool,
    /// A hub of transit.
    pub hub: bool,
    /// Agency ids by [`Office`].
    pub agencies: [String; 7],
    /// ISO 4217 of its money.
    pub currency: String,
    /// Names of its people and firms.
    pub culture: usize,
    /// Customs offices.
    pub offices: List<String>,
    /// Sea ports and what share of its boxes each has.
    pub sea: Vec<u32>,
    /// Draws one of them.
    pub sea_share: Option<Alias>,
    /// Airport, where it has one.
    pub air: Option<u32>,
    /// Land neighbours, by number.
    pub neighbours: Vec<u32>,
    /// Trade agreements it belongs to.
    pub blocs: Vec<String>,
    /// Banks, by BIC.
    pub banks: List<String>,
}

impl Country {
    /// Id of one of its agencies.
    pub fn agency(&self, office: Office) -> &str {
        self.agencies.get(office as usize).map_or("", String::as_str)
    }
}

/// A port, airport or road crossing.
#[derive(Debug, Clone)]
pub struct Port {
    /// UN/LOCODE, or one made like it.
    pub locode: String,
    /// Its state.
    pub country: u32,
    /// Where it lies.
    pub point: Point,
    /// Terminals.
    pub terminals: List<String>,
}

/// Who carries.
#[derive(Debug, Clone)]
pub struct Carrier {
    /// Short code.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Owner and category letters of its boxes (ISO 6346).
    pub prefix: String,
}

/// A ship.
#[derive(Debug, Clone)]
pub struct Vessel {
    /// IMO number.
    pub imo: String,
    /// Its name.
    pub name: String,
    /// Service it sails on.
    pub service: u32,
    /// State whose flag it flies.
    pub flag: u32,
    /// Year it was built.
    pub built: i64,
    /// Gross tonnage.
    pub tonnage: i64,
}

/// Goods.
#[derive(Debug, Clone)]
pub struct Commodity {
    /// HS 2022, six digits.
    pub hs: String,
    /// Chapter.
    pub chapter: u32,
    /// Sector of firms that trade it.
    pub sector: usize,
    /// How declarants call it.
    pub words: List<String>,
    /// US dollars a kilogram.
    pub price: LogNormal,
    /// Kilograms a piece.
    pub piece_kg: f64,
    /// Control code, of goods that may need a licence.
    pub control_code: String,
    /// A code that looks alike and needs none, by number.
    pub neighbour: Option<u32>,
    /// Cubic metres a tonne.
    pub stowage: f64,
    /// Goes loose in bulk ships when there is much of it.
    pub bulk: bool,
    /// Dangerous goods.
    pub dangerous: bool,
    /// Travels cold.
    pub reefer: bool,
}

impl Commodity {
    /// Whether an export may need a licence.
    pub fn controlled(&self) -> bool {
        !self.control_code.is_empty()
    }
}

/// What a firm does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirmKind {
    /// Buys and sells.
    Trader,
    /// Makes things.
    Maker,
    /// Declares and forwards for others.
    Forwarder,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Given and family name.
    pub name: String,
    /// Day of birth, since 1970.
    pub born: i64,
}

/// A firm.
#[derive(Debug, Clone)]
pub struct Firm {
    /// Number with customs.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its state.
    pub country: u32,
    /// Sector it trades in.
    pub sector: usize,
    /// What it does.
    pub kind: FirmKind,
    /// Street and number.
    pub street: String,
    /// City.
    pub city: String,
    /// Postcode.
    pub postcode: String,
    /// Day it was founded, since 1970.
    pub founded: i64,
    /// Company number.
    pub company_number: String,
    /// E.164.
    pub phone: String,
    /// Who acts for it.
    pub director: String,
    /// Day the director was born, since 1970.
    pub director_born: i64,
    /// Firm that owns it or a part of it, of a subsidiary.
    pub parent: Option<u32>,
    /// Second person who owns a part of it.
    pub partner: Option<Person>,
    /// What parent or partner holds of it, percent; the director holds the rest.
    pub share: i64,
    /// Its bank, by place in its state's list.
    pub bank: usize,
    /// Chance that a consignment it imports is ordinary fraud.
    pub propensity: f64,
}

impl World {
    /// States whose agencies take part in the exchange.
    pub fn participants(&self) -> Vec<u32> {
        let mut all: Vec<u32> =
            self.roles.suppliers.iter().chain(&self.roles.hubs).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Which parts states can play in cases.
#[derive(Debug, Clone)]
pub struct Roles {
    /// Participating states that are no hubs.
    pub suppliers: Vec<u32>,
    /// Participating hubs.
    pub hubs: Vec<u32>,
    /// States under embargo.
    pub embargoed: Vec<u32>,
    /// States under no embargo that are no hubs.
    pub others: Vec<u32>,
}

/// The world.
#[derive(Debug)]
pub struct World {
    /// What everything drawn follows from.
    pub seed: Seed,
    /// SHA-256 of the pack, hexadecimal.
    pub pack_hash: String,
    /// Name of the pack.
    pub pack_name: String,
    /// Figures of the pack.
    pub rates: Rates,
    /// When declarations are accepted.
    pub calendar: Calendar,
    /// States.
    pub countries: List<Country>,
    /// Ports.
    pub ports: List<Port>,
    /// Carriers.
    pub carriers: List<Carrier>,
    /// Air and road carriers, by number.
    pub other_carriers: List<u32>,
    /// Liner services.
    pub services: List<Service>,
    /// Ships.
    pub vessels: List<Vessel>,
    /// Ways between ports.
    pub routes: Routes,
    /// Goods.
    pub commodities: List<Commodity>,
    /// Firms.
    pub firms: List<Firm>,
    /// Founds further ones.
    pub registrar: firms::Registrar,
    /// Who trades what with whom.
    pub trade: Trade,
    /// Which parts states can play in cases.
    pub roles: Roles,
    /// Schemes and decoys with their weights and parameters.
    pub schemes: pack::Schemes,
    /// Parts of names, by the number that states have of their culture.
    pub cultures: Vec<pack::Culture>,
    /// How names are written otherwise.
    pub spelling: pack::Spelling,
    /// How often clerks slip, in a dirty world.
    pub slips: pack::Slips,
}
