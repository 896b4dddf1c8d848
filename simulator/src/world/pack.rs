//! A world pack as it is written: TOML files and a CSV in a folder. Every key is known, or refused with its line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::draw::LogNormal;
use crate::rng::Cell;

/// Why a pack cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file that cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A file that says what no pack says.
    #[error("{}:{line}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

/// A pack.
#[derive(Debug, Clone)]
pub struct Pack {
    /// Its name.
    pub name: String,
    /// SHA-256 of its files in the order of their names, hexadecimal.
    pub hash: String,
    /// The time it plays in.
    pub period: Period,
    /// Figures.
    pub rates: Rates,
    /// When declarations are accepted.
    pub calendar: Weights,
    /// Trade between states.
    pub gravity: Gravity,
    /// Firms.
    pub firms: Firms,
    /// States.
    pub countries: Vec<CountryEntry>,
    /// Ports.
    pub ports: Vec<PortEntry>,
    /// Carriers.
    pub carriers: Vec<CarrierEntry>,
    /// Services.
    pub services: Vec<ServiceEntry>,
    /// Goods.
    pub commodities: Vec<CommodityEntry>,
    /// Names.
    pub cultures: Vec<Culture>,
    /// Schemes.
    pub schemes: Schemes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    name: String,
    #[expect(dead_code, reason = "for people; the hash is what tells packs apart")]
    version: String,
    #[expect(dead_code, reason = "for people")]
    kind: PackKind,
    period: Period,
    rates: Rates,
    calendar: Weights,
    gravity: Gravity,
    firms: Firms,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PackKind {
    Fictional,
    RealShape,
}

/// The time a world plays in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First day, such as 2026-01-01.
    pub from: String,
    /// How many days.
    pub days: u32,
}

/// Weights of days.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// By weekday, Monday first.
    pub weekdays: [f64; 7],
    /// By month, January first.
    pub months: [f64; 12],
}

/// The gravity equation.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gravity {
    /// Elasticity of trade by distance.
    pub distance: f64,
    /// Of the logarithm, where two states share a border.
    pub contiguity: f64,
    /// Of the logarithm, where they have a trade agreement.
    pub agreement: f64,
    /// Share of pairs without any trade.
    pub zero_share: f64,
    /// Standard deviation of the logarithm of what no variable explains.
    pub disturbance: f64,
}

/// Firms.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firms {
    /// About how many.
    pub count: u32,
    /// Slope of size by rank, logarithms of both.
    pub slope: f64,
    /// The same for declarants.
    pub declarant_slope: f64,
}

/// Figures of a world. Shares are between 0 and 1.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Consignments that are ordinary fraud.
    pub illicit_share: f64,
    /// Importers that make up most of it.
    pub offender_share: f64,
    /// True cases of schemes, for each consignment.
    pub strategic_share: f64,
    /// Decoys for each true case.
    pub decoys_per_case: f64,
    /// Imports that are opened.
    pub inspection_share: f64,
    /// Consignments that draw on a licence.
    pub licensed_share: f64,
    /// Consignments made in a third state.
    pub origin_differs: f64,
    /// Sales to a regular buyer.
    pub regular_partner: f64,
    /// Trade between land neighbours that goes by road.
    pub neighbours_by_road: f64,
    /// Goods dearer than this, in dollars a kilogram, mostly fly.
    pub air_from_dollars_a_kilogram: f64,
    /// Value of a consignment, US dollars.
    pub value: LogNormal,
    /// Days that boxes wait beyond the wait for the next ship.
    pub dwell_before_loading: LogNormal,
    /// Import value over export value: freight and insurance.
    pub cif_over_fob: LogNormal,
    /// Days from arrival to payment, plus 20.
    pub payment_days: LogNormal,
    /// Payments from this amount are reported, US cents.
    pub reported_from_cents: i64,
    /// Largest error of a terminal's scales.
    pub scale_noise: f64,
    /// Boxes weighed again on arrival.
    pub weighed_again: f64,
    /// Applications granted.
    pub licence_granted: f64,
    /// Applications returned without a decision; the rest is denied.
    pub licence_returned: f64,
    /// Days until an application is decided.
    pub licence_days: LogNormal,
    /// Ships that are silent for over eight hours in a month.
    pub silent_ships: f64,
}

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

/// Schemes and decoys with their weights and parameters.
#[derive(Debug, Clone, Default)]
pub struct Schemes {
    entries: BTreeMap<String, (f64, Parameters)>,
}

/// Parameters of a scheme: numbers and ranges.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<String, (f64, f64)>);

impl Schemes {
    /// How often a scheme is played, beside the others.
    pub fn weight(&self, id: &str) -> f64 {
        self.entries.get(id).map_or(0.0, |(weight, _)| *weight)
    }

    /// The same of a decoy.
    pub fn decoy_weight(&self, id: &str) -> f64 {
        self.weight(id)
    }

    /// Parameters of a scheme or decoy; none where the pack has none.
    pub fn parameters(&self, id: &str) -> Parameters {
        self.entries.get(id).map(|(_, parameters)| parameters.clone()).unwrap_or_default()
    }
}

impl Parameters {
    /// A number; the given one where the pack has none.
    pub fn number(&self, name: &str, otherwise: f64) -> f64 {
        self.0.get(name).map_or(otherwise, |(low, _)| *low)
    }

    /// A number drawn from a range; from the given one where the pack has none.
    pub fn within(&self, name: &str, otherwise: (f64, f64), cell: &mut Cell) -> f64 {
        let (low, high) = self.0.get(name).copied().unwrap_or(otherwise);
        cell.between(low, high)
    }
}

/// Files of a pack, in the order in which its hash takes them.
const FILES: [&str; 8] = [
    "carriers.toml",
    "commodities.csv",
    "countries.toml",
    "lanes.toml",
    "names.toml",
    "pack.toml",
    "ports.toml",
    "schemes.toml",
];

macro_rules! built_in {
    ($($name:literal),*) => {
        /// Packs that come with the program.
        const BUILT_IN: [(&str, [&str; FILES.len()]); 2] = [$(($name, [
            include_str!(concat!("../../packs/", $name, "/carriers.toml")),
            include_str!(concat!("../../packs/", $name, "/commodities.csv")),
            include_str!(concat!("../../packs/", $name, "/countries.toml")),
            include_str!(concat!("../../packs/", $name, "/lanes.toml")),
            include_str!(concat!("../../packs/", $name, "/names.toml")),
            include_str!(concat!("../../packs/", $name, "/pack.toml")),
            include_str!(concat!("../../packs/", $name, "/ports.toml")),
            include_str!(concat!("../../packs/", $name, "/schemes.toml")),
        ])),*];
    };
}
built_in!("demo", "default");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountriesFile {
    country: Vec<CountryEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PortsFile {
    port: Vec<PortEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CarriersFile {
    carrier: Vec<CarrierEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LanesFile {
    service: Vec<ServiceEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamesFile {
    culture: Vec<Culture>,
}

/// The files of a pack, read.
struct Files {
    texts: BTreeMap<&'static str, (PathBuf, String)>,
    hash: String,
}

impl Files {
    fn read(folder: &Path) -> Result<Self, PackError> {
        let mut texts = BTreeMap::new();
        for name in FILES {
            let path = folder.join(name);
            let text = std::fs::read_to_string(&path)
                .map_err(|cause| PackError::Read { path: path.clone(), cause })?;
            texts.insert(name, (path, text));
        }
        Ok(Self::hashed(texts))
    }

    fn built_in(pack: &str, files: &[&str; FILES.len()]) -> Self {
        let texts = FILES.iter().zip(files);
        let path = |name: &str| PathBuf::from(format!("{pack}/{name}"));
        Self::hashed(texts.map(|(name, text)| (*name, (path(name), (*text).to_owned()))).collect())
    }

    fn hashed(texts: BTreeMap<&'static str, (PathBuf, String)>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for (_, text) in texts.values() {
            // Length first, so that no text can move from one file to the next.
            context.update(&(text.len() as u64).to_le_bytes());
            context.update(text.as_bytes());
        }
        Self { texts, hash: hex::encode(context.finish().as_ref()) }
    }

    fn text(&self, name: &str) -> (&Path, &str) {
        self.texts
            .get(name)
            .map_or((Path::new(""), ""), |(path, text)| (path.as_path(), text.as_str()))
    }

    fn toml<T: DeserializeOwned>(&self, name: &str) -> Result<T, PackError> {
        let (path, text) = self.text(name);
        toml::from_str(text).map_err(|error| PackError::Content {
            path: path.to_owned(),
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            problem: error.message().to_owned(),
        })
    }

    fn csv<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, PackError> {
        let (path, text) = self.text(name);
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .flexible(true)
            .from_reader(text.as_bytes());
        let bad = |line: usize, problem: String| PackError::Content {
            path: path.to_owned(),
            line,
            problem,
        };
        let names = reader.headers().map_err(|error| bad(1, error.to_string()))?.clone();
        // A row begins where the last one ended: comments may stand before it.
        let line = |row: &csv::StringRecord| {
            let start = row.position().map_or(0, csv::Position::byte);
            let start = usize::try_from(start).unwrap_or(0);
            let rest = text.get(start..).unwrap_or_default();
            let before =
                rest.lines().take_while(|line| line.starts_with('#') || line.is_empty()).count();
            line_of(text, start) + before
        };
        let mut all = vec![];
        for row in reader.records() {
            let row = row.map_err(|error| bad(1, error.to_string()))?;
            if row.len() != names.len() {
                let problem = format!("{} cells under {} names", row.len(), names.len());
                return Err(bad(line(&row), problem));
            }
            all.push(row.deserialize(Some(&names)).map_err(|error| match error.kind() {
                csv::ErrorKind::Deserialize { err, .. } => bad(line(&row), err.to_string()),
                _ => bad(line(&row), "not a row of this table".to_owned()),
            })?);
        }
        Ok(all)
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

impl Pack {
    /// Reads a pack: its folder, its `pack.toml`, or the name of one that is built in (`demo`, `default`) where
    /// there is no such folder.
    ///
    /// # Errors
    /// The first file that cannot be read or says what no pack says, with the line.
    pub fn read(path: &Path) -> Result<Self, PackError> {
        let named = BUILT_IN.iter().find(|(name, _)| Path::new(name) == path && !path.exists());
        if let Some((name, files)) = named {
            return Self::parse(&Files::built_in(name, files));
        }
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        Self::parse(&Files::read(folder)?)
    }

    fn parse(files: &Files) -> Result<Self, PackError> {
        let pack: PackFile = files.toml("pack.toml")?;
        let schemes = schemes(files)?;
        Ok(Self {
            name: pack.name,
            hash: files.hash.clone(),
            period: pack.period,
            rates: pack.rates,
            calendar: pack.calendar,
            gravity: pack.gravity,
            firms: pack.firms,
            countries: files.toml::<CountriesFile>("countries.toml")?.country,
            ports: files.toml::<PortsFile>("ports.toml")?.port,
            carriers: files.toml::<CarriersFile>("carriers.toml")?.carrier,
            services: files.toml::<LanesFile>("lanes.toml")?.service,
            commodities: files.csv("commodities.csv")?,
            cultures: files.toml::<NamesFile>("names.toml")?.culture,
            schemes,
        })
    }
}

/// A value of a scheme's table.
#[derive(Deserialize)]
#[serde(untagged)]
enum Parameter {
    Number(f64),
    Range([f64; 2]),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemesFile {
    scheme: Vec<SchemeEntry>,
    decoy: Vec<SchemeEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemeEntry {
    id: String,
    weight: f64,
    #[serde(default)]
    parameters: BTreeMap<String, toml::Spanned<Parameter>>,
}

fn schemes(files: &Files) -> Result<Schemes, PackError> {
    let (path, text) = files.text("schemes.toml");
    let file: SchemesFile = files.toml("schemes.toml")?;
    let mut entries = BTreeMap::new();
    for entry in file.scheme.into_iter().chain(file.decoy) {
        let mut parameters = BTreeMap::new();
        for (name, value) in entry.parameters {
            let line = line_of(text, value.span().start);
            let range = match value.into_inner() {
                Parameter::Number(number) => (number, number),
                Parameter::Range([low, high]) => (low, high),
            };
            if range.0.is_nan() || range.1.is_nan() || range.0 > range.1 {
                let problem = format!("`{name}` of `{}`: the range runs downwards", entry.id);
                return Err(PackError::Content { path: path.to_owned(), line, problem });
            }
            parameters.insert(name, range);
        }
        entries.insert(entry.id, (entry.weight, Parameters(parameters)));
    }
    Ok(Schemes { entries })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_that_are_built_in_are_those_of_their_folders() {
        for name in ["demo", "default"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packs").join(name);
            let (built_in, read) =
                (Pack::read(Path::new(name)).unwrap(), Pack::read(&folder).unwrap());
            assert_eq!(built_in.hash, read.hash);
            assert_eq!(built_in.name, name);
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("packs/demo");
        for name in FILES {
            std::fs::copy(demo.join(name), folder.path().join(name)).unwrap();
        }
        let broken = |name: &str, from: &str, to: &str| {
            let path = folder.path().join(name);
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            let error = Pack::read(folder.path()).unwrap_err().to_string();
            std::fs::write(&path, text).unwrap();
            error
        };
        let error = broken("ports.toml", "terminals =", "terminal =");
        assert!(error.contains("ports.toml:13: unknown field `terminal`"), "{error}");
        let error = broken("schemes.toml", "dwell_days = [1, 60]", "dwell_days = [60, 1]");
        assert!(
            error.contains("schemes.toml:") && error.contains("`dwell_days` of `T01`"),
            "{error}"
        );
        let error = broken("commodities.csv", "020230,02,Frozen", "020230,02");
        assert!(error.contains("commodities.csv:6: 16 cells under 17 names"), "{error}");
        std::fs::remove_file(folder.path().join("lanes.toml")).unwrap();
        let error = Pack::read(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("cannot read") && error.contains("lanes.toml"), "{error}");
    }
}
