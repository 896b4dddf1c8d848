//! The file of a joined drill: which gateways, and of each agency how it is reached and what the drill needs of it. Paths
//! are relative to the file; everything that is wrong with it is told at once, with the line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use portcullis::audit::LogVerifier;
use portcullis::source::adapter::Lines;
use serde::Deserialize;
use toml::Spanned;

use super::Problems;
use crate::drill::host::{CASE, CONTROL};
use crate::drill::plot::Plot;
use crate::drill::scenario::Scenario;
use crate::table::Table;

/// Which gateways a drill joins, and how. Paths are absolute.
#[derive(Debug, Clone)]
pub struct Join {
    /// The file.
    pub file: PathBuf,
    /// Folder of the scenario.
    pub scenario: PathBuf,
    /// Name of the scenario.
    pub name: String,
    /// Seed of the world that the operators serve.
    pub seed: u64,
    /// SHA-256 of its pack.
    pub pack: String,
    /// The case that the agencies work on.
    pub case: String,
    /// The gateways.
    pub gateways: Vec<JoinGateway>,
    /// The agencies.
    pub agencies: Vec<JoinAgency>,
}

/// A gateway.
#[derive(Debug, Clone)]
pub struct JoinGateway {
    /// `host:port`; none: the only one.
    pub address: Option<String>,
    /// Public key of its log.
    pub log_key: LogVerifier,
}

/// An agency.
#[derive(Debug, Clone)]
pub struct JoinAgency {
    /// Its id.
    pub id: String,
    /// Line of the file at which it stands.
    pub line: u64,
    /// Profile of a system of its own.
    pub profile: PathBuf,
    /// The SQLite file that its source serves, whose now the drill moves on; none of an agency without records.
    pub database: Option<PathBuf>,
    /// The key from which its source derives the ids of its records; none of an agency without records.
    pub id_key: Option<PathBuf>,
    /// Its agreement key, where injects may suspend an agreement.
    pub agreement_key: Option<PathBuf>,
    /// CA of those of its people who take part.
    pub ca: Option<PathBuf>,
    /// Revocation list of that CA.
    pub crl: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    scenario: PathBuf,
    name: String,
    seed: u64,
    pack: String,
    #[serde(default = "usual_case")]
    case: String,
    #[serde(default)]
    gateway: Vec<Spanned<GatewayEntry>>,
    #[serde(default)]
    agency: Vec<Spanned<AgencyEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GatewayEntry {
    address: Option<String>,
    log_key: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgencyEntry {
    id: String,
    profile: Spanned<PathBuf>,
    database: Option<Spanned<PathBuf>>,
    id_key: Option<Spanned<PathBuf>>,
    agreement_key: Option<Spanned<PathBuf>>,
    ca: Option<Spanned<PathBuf>>,
    crl: Option<Spanned<PathBuf>>,
}

fn usual_case() -> String {
    CASE.to_owned()
}

/// `host:port` of an address as profiles or people write it.
pub(super) fn place(address: &str) -> &str {
    let rest = address.strip_prefix("https://").unwrap_or(address);
    rest.strip_suffix('/').unwrap_or(rest)
}

/// The text of a file under reading, and what is wrong with it.
struct Reading<'t> {
    file: &'t Path,
    folder: PathBuf,
    lines: Lines,
    problems: Problems,
}

impl Join {
    /// Reads the file.
    ///
    /// # Errors
    /// Everything that is wrong with it, with the line.
    pub fn read(file: &Path) -> Result<Self, Problems> {
        let mut problems = Problems(vec![]);
        let named = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| {
            problems.add(named.clone(), "FILE_UNREADABLE", format!("cannot be read: {error}"));
            std::mem::replace(&mut problems, Problems(vec![]))
        })?;
        let lines = Lines::of(&text);
        let read: File = toml::from_str(&text).map_err(|error| {
            let line = lines.line(error.span().map_or(0, |span| span.start));
            let text = format!("{}; see `drill prepare`", error.message().trim());
            problems.add(format!("{named}:{line}"), "MALFORMED", text);
            std::mem::replace(&mut problems, Problems(vec![]))
        })?;
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let mut reading = Reading { file, folder, lines, problems };
        let gateways = reading.gateways(&read.gateway);
        let agencies = reading.agencies(read.agency);
        let join = Self {
            file: file.to_owned(),
            scenario: reading.whole(&read.scenario),
            name: read.name,
            seed: read.seed,
            pack: read.pack,
            case: read.case,
            gateways,
            agencies,
        };
        reading.problems.or(join)
    }

    /// Where an agency stands, for people.
    pub fn at(&self, agency: &JoinAgency) -> String {
        format!("{}:{}", self.file.display(), agency.line)
    }

    /// Whether it is about the world of this plot, and names everybody who takes part. `people`: teams that people play,
    /// who come to the drill's own door.
    ///
    /// # Errors
    /// Everything that is missing or differs.
    pub fn fits(&self, scenario: &Scenario, plot: &Plot, people: &[&str]) -> Result<(), Problems> {
        let mut problems = Problems(vec![]);
        let file = self.file.display().to_string();
        if self.pack != plot.pack_hash {
            let text = "`pack` is not that of the scenario: run `drill prepare` anew";
            problems.add(&file, "PACK_DIFFERS", text);
        }
        let known = |id: &str| self.agencies.iter().find(|one| one.id == id);
        let teams: BTreeSet<&str> =
            scenario.teams.iter().map(|team| team.agency.as_str()).collect();
        for id in teams.iter().copied().chain(holders(plot).into_keys()).collect::<BTreeSet<_>>() {
            let Some(agency) = known(id) else {
                let what = if teams.contains(id) { "plays" } else { "holds records" };
                let text = format!("agency `{id}` {what}, and there is no `[[agency]]` of it");
                problems.add(&file, "AGENCY_MISSING", text);
                continue;
            };
            for (key, there) in
                [("database", agency.database.is_some()), ("id_key", agency.id_key.is_some())]
            {
                if !there {
                    let text = format!("`{id}` holds records and needs a `{key}`");
                    problems.add(self.at(agency), "KEY_MISSING", text);
                }
            }
        }
        for agency in people.iter().filter_map(|id| known(id)) {
            for (key, there) in [("ca", agency.ca.is_some()), ("crl", agency.crl.is_some())] {
                if !there {
                    let text = format!("people play `{}`: the door needs its `{key}`", agency.id);
                    problems.add(self.at(agency), "KEY_MISSING", text);
                }
            }
        }
        problems.or(())
    }
}

/// How many rows of which tables agencies hold that take part.
pub(super) fn holders(plot: &Plot) -> BTreeMap<&str, BTreeMap<Table, u64>> {
    let records = &plot.ground.records;
    let mut all: BTreeMap<&str, BTreeMap<Table, u64>> = BTreeMap::new();
    for at in Table::ALL.iter().flat_map(|table| records.all(*table)) {
        let agency = records.agency(at);
        if plot.ground.roster.has(agency) {
            let of = all.entry(records.text_of(agency)).or_default();
            *of.entry(at.table).or_default() += 1;
        }
    }
    all
}

impl Reading<'_> {
    fn at(&self, offset: usize) -> String {
        format!("{}:{}", self.file.display(), self.lines.line(offset))
    }

    fn whole(&self, path: &Path) -> PathBuf {
        let path = self.folder.join(path);
        std::path::absolute(&path).unwrap_or(path)
    }

    /// A file that is to be there.
    fn there(&mut self, key: &str, path: &Spanned<PathBuf>) -> PathBuf {
        let whole = self.whole(path.get_ref());
        if let Err(error) = std::fs::File::open(&whole) {
            let text = format!("`{key}`: cannot read {}: {error}", whole.display());
            self.problems.add(self.at(path.span().start), "FILE_UNREADABLE", text);
        }
        whole
    }

    fn gateways(&mut self, entries: &[Spanned<GatewayEntry>]) -> Vec<JoinGateway> {
        if entries.is_empty() {
            let text = "there is no `[[gateway]]`: its `log_key` is needed to verify the log";
            self.problems.add(self.file.display().to_string(), "GATEWAY_MISSING", text);
        }
        let (mut all, mut seen) = (vec![], BTreeSet::new());
        for entry in entries {
            let gateway = entry.get_ref();
            let at = self.at(entry.span().start);
            let address = gateway.address.as_deref().map(place);
            if address.is_none() && entries.len() > 1 {
                let text = "several gateways, and one without an `address`";
                self.problems.add(&at, "ADDRESS_MISSING", text);
            }
            if !seen.insert(address) {
                self.problems.add(&at, "NAMED_TWICE", "two gateways have one `address`");
            }
            match LogVerifier::parse(gateway.log_key.get_ref()) {
                Ok(log_key) => {
                    all.push(JoinGateway { address: address.map(str::to_owned), log_key });
                }
                Err(error) => {
                    let at = self.at(gateway.log_key.span().start);
                    let text = format!("`log_key`: {error}; ask the gateway's operator for it");
                    self.problems.add(at, "LOG_KEY_MALFORMED", text);
                }
            }
        }
        all
    }

    fn agencies(&mut self, entries: Vec<Spanned<AgencyEntry>>) -> Vec<JoinAgency> {
        let (mut all, mut ids) = (vec![], BTreeSet::new());
        let mut databases: BTreeMap<PathBuf, String> = BTreeMap::new();
        for entry in entries {
            let start = entry.span().start;
            let (at, entry) = (self.at(start), entry.into_inner());
            if entry.id == CONTROL {
                let text = format!("`{CONTROL}` is the exercise's own agency, and no party");
                self.problems.add(&at, "AGENCY_RESERVED", text);
            }
            if !ids.insert(entry.id.clone()) {
                let text = format!("agency `{}` is named twice", entry.id);
                self.problems.add(&at, "NAMED_TWICE", text);
            }
            let mut file = |key: &str, path: &Option<Spanned<PathBuf>>| {
                path.as_ref().map(|path| self.there(key, path))
            };
            let agency = JoinAgency {
                line: 0,
                database: file("database", &entry.database),
                id_key: file("id_key", &entry.id_key),
                agreement_key: file("agreement_key", &entry.agreement_key),
                ca: file("ca", &entry.ca),
                crl: file("crl", &entry.crl),
                profile: self.there("profile", &entry.profile),
                id: entry.id,
            };
            if let (Some(database), Some(place)) = (&agency.database, &entry.database) {
                // One file under two names is one database.
                let real = std::fs::canonicalize(database).unwrap_or_else(|_| database.clone());
                if let Some(other) = databases.insert(real, agency.id.clone()) {
                    let text = format!("`{}` and `{other}` have one `database`", agency.id);
                    self.problems.add(self.at(place.span().start), "DATABASE_SHARED", text);
                }
            }
            all.push(JoinAgency { line: self.lines.line(start), ..agency });
        }
        all
    }
}
