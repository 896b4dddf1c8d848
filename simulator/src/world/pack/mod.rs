//! A world pack as it is written: TOML files and a CSV in a folder. Every key is known, or refused with its line.

mod entries;
mod figures;
mod files;
mod schemes;
mod spelling;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use entries::{
    CarrierEntry, CommodityEntry, CountryEntry, Culture, OfficeEntry, PortEntry, ServiceEntry,
};
pub use figures::{Firms, Gravity, Period, Rates, Slips, Weights};
pub use schemes::{Parameters, Schemes};
pub use spelling::{Find, Rule, Script, Spelling, Use};

use entries::{CarriersFile, CountriesFile, LanesFile, NamesFile, PortsFile};
use files::{BUILT_IN, Files};

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
    /// How names are written otherwise.
    pub spelling: Spelling,
    /// Slips of clerks, where a world is to have any.
    pub dirt: Slips,
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
    dirt: Slips,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PackKind {
    Fictional,
    RealShape,
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
        let folder = match path.file_name() {
            Some(name) if name == "pack.toml" => path.parent().unwrap_or(Path::new("")),
            _ => path,
        };
        Self::parse(&Files::read(folder)?)
    }

    fn parse(files: &Files) -> Result<Self, PackError> {
        let pack: PackFile = files.toml("pack.toml")?;
        let schemes = schemes::read(files)?;
        let spelling = spelling::read(files)?;
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
            spelling,
            dirt: pack.dirt,
        })
    }
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
        for name in files::FILES {
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
        let error = broken("spelling.toml", "{initial}.", "{family}.");
        assert!(
            error.contains("spelling.toml:") && error.contains("`{family}.` of `initial`"),
            "{error}"
        );
        let error = broken("spelling.toml", "{two letters}", "{two digits}");
        assert!(error.contains("`{two digits}` of `swap_letters` is no part"), "{error}");
        let error = broken("spelling.toml", "chance = 0.2", "chance = 2.0");
        assert!(error.contains("`chance` of `drop_legal_form` is no share"), "{error}");
        let error = broken("commodities.csv", "020230,02,Frozen", "020230,02");
        assert!(error.contains("commodities.csv:6: 16 cells under 17 names"), "{error}");
        let error = Pack::read(Path::new("nowhere")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read nowhere/carriers.toml"), "{error}");
        let named = Pack::read(&demo.join("pack.toml")).unwrap();
        assert_eq!(named.hash, Pack::read(&demo).unwrap().hash);
        std::fs::remove_file(folder.path().join("lanes.toml")).unwrap();
        let error = Pack::read(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("cannot read") && error.contains("lanes.toml"), "{error}");
    }
}
