//! The file of `portcullis source --config`: whose records, where to listen, whom to trust, what to serve.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::handling::Environment;
use portcullis_core::id::AgencyId;
use serde::Deserialize;
use tokio::sync::Semaphore;
use toml::Spanned;

use super::handling::is_agency;
use super::load::{Holder, IdKey};
use super::problem::{Cause, Lines, Problem, Problems};
use crate::identity::{AgencyTrust, PeerId, TrustSpec};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MOST_STATEMENT_MS: u64 = 3_600_000;
const MOST_CONNECTIONS: u32 = 64;

/// Settings of a source as the file has them; paths are relative to the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The agency whose records these are.
    pub agency: Spanned<String>,
    /// PRODUCTION or EXERCISE; every record gets it.
    pub environment: Spanned<String>,
    /// Address to listen on, such as 127.0.0.1:7443; port 0 takes a free one.
    pub listen: Spanned<String>,
    /// Own certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// Trust domain of the gateways' names.
    pub trust_domain: String,
    /// The gateways that are answered.
    pub gateway: Spanned<Vec<Spanned<GatewayConfig>>>,
    /// Secret behind opaque ids: at least 32 bytes, not readable for others.
    pub id_key: PathBuf,
    /// Folder of the nameless spool files; the one of this file unless given.
    pub spool_dir: Option<PathBuf>,
    /// Requester agencies that are answered; all that the gateway lets through unless given.
    pub allow: Option<Spanned<Vec<String>>>,
    /// Mapping files.
    pub mappings: Spanned<Vec<MappingEntry>>,
    /// Limits.
    #[serde(default)]
    pub limits: Limits,
}

/// A gateway that is answered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// Its name: `spiffe://<trust domain>/agency/<agency>/system/<system>`.
    pub spiffe_id: String,
    /// CA of its agency, PEM.
    pub bundle: PathBuf,
    /// Revocation list of that CA, PEM; a stale one refuses everybody.
    pub crl: PathBuf,
}

/// A mapping file, or one with a folder for its data.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum MappingEntry {
    /// Data files are relative to the mapping file.
    File(PathBuf),
    /// Data files are relative to a folder.
    With(MappingRef),
}

/// A mapping and where its data are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingRef {
    /// The mapping file.
    pub file: PathBuf,
    /// The folder that its `files` are relative to; its own unless given.
    pub data_dir: Option<PathBuf>,
}

/// Limits of a source.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Searches that run at once; further ones are refused with SOURCE_BUSY.
    pub searches: usize,
    /// Longest life of a gateway's certificate that is accepted, in days.
    pub certificate_days: u32,
    /// Longest that a statement may take in a database, in milliseconds.
    pub statement_timeout_ms: u64,
    /// Connections to a database at once, for each mapping.
    pub connections: u32,
    /// Filters are pushed down to databases; off, every row is read and only the bytes are asked.
    pub push_down: bool,
}

impl Limits {
    /// Longest that a statement may take in a database.
    pub fn statement(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            searches: 64,
            certificate_days: 398,
            statement_timeout_ms: 30_000,
            connections: 4,
            push_down: true,
        }
    }
}

/// Settings of a source, checked; paths as they can be opened.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Own certificate chain and its key.
    pub credentials: (PathBuf, PathBuf),
    /// Whom to answer.
    pub trust: TrustSpec,
    /// Whose data they are.
    pub holder: Holder,
    /// Requester agencies that are answered.
    pub allow: Option<Vec<AgencyId>>,
    /// What to serve.
    pub mappings: Vec<MappingRef>,
    /// Limits.
    pub limits: Limits,
}

impl Settings {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problem::new(Cause::FileUnreadable, path, format!("cannot be read: {error}"))
        })?;
        let lines = Lines::of(&text);
        let config: SourceConfig = toml::from_str(&text).map_err(|error| {
            let line = lines.line(error.span().map_or(0, |span| span.start));
            Problem::new(Cause::Syntax, path, error.message().trim()).at(line)
        })?;
        Checker { path, lines, problems: Problems::default() }.check(&config)
    }
}

struct Checker<'a> {
    path: &'a Path,
    lines: Lines,
    problems: Problems,
}

impl Checker<'_> {
    fn check(mut self, config: &SourceConfig) -> Result<Settings, Problems> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        if !is_agency(config.agency.get_ref()) {
            self.refuse(config.agency.span().start, "agency", "is [a-z0-9-]{1,63}");
        }
        let environment = Environment::from_word(config.environment.get_ref());
        if environment.is_none() {
            let at = config.environment.span().start;
            self.refuse(at, "environment", "is PRODUCTION or EXERCISE");
        }
        let listen: Option<SocketAddr> = config.listen.get_ref().parse().ok();
        if listen.is_none() {
            let detail = "is an address and a port, such as 127.0.0.1:7443";
            self.refuse(config.listen.span().start, "listen", detail);
        }
        if config.mappings.get_ref().is_empty() {
            let at = config.mappings.span().start;
            self.refuse(at, "mappings", "names at least one mapping file");
        }
        for agency in config.allow.iter().flat_map(|allow| allow.get_ref()) {
            if !is_agency(agency) {
                let at = config.allow.as_ref().map_or(0, |allow| allow.span().start);
                self.refuse(at, "allow", "an agency is [a-z0-9-]{1,63}");
            }
        }
        if config.limits.searches == 0 || config.limits.searches > Semaphore::MAX_PERMITS {
            self.refuse(0, "limits.searches", "is at least 1");
        }
        if !(1..=MOST_STATEMENT_MS).contains(&config.limits.statement_timeout_ms) {
            self.refuse(0, "limits.statement_timeout_ms", "is from 1 to 3,600,000, an hour");
        }
        if !(1..=MOST_CONNECTIONS).contains(&config.limits.connections) {
            self.refuse(0, "limits.connections", "is from 1 to 64");
        }
        let trust = self.trust(config, folder);
        let id_key = IdKey::read(&folder.join(&config.id_key));
        let id_key = id_key.map_err(|problem| self.problems.push(problem)).ok();
        let (Some(environment), Some(listen), Some(id_key)) = (environment, listen, id_key) else {
            return Err(self.problems);
        };
        let holder = Holder {
            agency: AgencyId::new(config.agency.get_ref()),
            environment,
            id_key,
            spool_dir: folder.join(config.spool_dir.as_deref().unwrap_or(Path::new(""))),
        };
        let allow = config.allow.as_ref();
        self.problems.or(Settings {
            listen,
            credentials: (folder.join(&config.certificate), folder.join(&config.key)),
            trust,
            holder,
            allow: allow.map(|allow| allow.get_ref().iter().map(AgencyId::new).collect()),
            mappings: mapping_refs(config.mappings.get_ref(), folder),
            limits: config.limits,
        })
    }

    /// Gateways by agency: each with its own CA, so that one agency cannot name another's gateway.
    fn trust(&mut self, config: &SourceConfig, folder: &Path) -> TrustSpec {
        let mut agencies: Vec<AgencyTrust> = vec![];
        let mut allowed = vec![];
        if config.gateway.get_ref().is_empty() {
            self.refuse(config.gateway.span().start, "gateway", "names at least one gateway");
        }
        for entry in config.gateway.get_ref() {
            let GatewayConfig { spiffe_id, bundle, crl } = entry.get_ref();
            let peer = PeerId::parse(spiffe_id).ok();
            let peer = peer.filter(|peer| *peer.trust_domain == *config.trust_domain);
            let Some(peer) = peer else {
                let detail = "is spiffe://<trust_domain>/agency/<agency>/system/<system>";
                self.refuse(entry.span().start, "gateway.spiffe_id", detail);
                continue;
            };
            allowed.push(spiffe_id.clone());
            let (bundle, crl) = (folder.join(bundle), folder.join(crl));
            match agencies.iter_mut().find(|trust| trust.agency == peer.agency) {
                Some(trust) => {
                    add(&mut trust.roots, bundle);
                    add(&mut trust.crls, crl);
                }
                None => agencies.push(AgencyTrust {
                    agency: peer.agency,
                    roots: vec![bundle],
                    crls: vec![crl],
                    max_leaf_lifetime: DAY * config.limits.certificate_days,
                }),
            }
        }
        let trust_domain = config.trust_domain.clone();
        TrustSpec { trust_domain, agencies, pins: vec![], allowed: Some(allowed) }
    }

    fn refuse(&mut self, offset: usize, key: &str, detail: &str) {
        let problem = Problem::new(Cause::Setting, self.path, detail).at(self.lines.line(offset));
        self.problems.push(problem.field(format!("`{key}`")));
    }
}

fn add(paths: &mut Vec<PathBuf>, path: PathBuf) {
    if !paths.contains(&path) {
        paths.push(path);
    }
}

fn mapping_refs(entries: &[MappingEntry], folder: &Path) -> Vec<MappingRef> {
    let one = |entry: &MappingEntry| match entry {
        MappingEntry::File(file) => MappingRef { file: folder.join(file), data_dir: None },
        MappingEntry::With(with) => MappingRef {
            file: folder.join(&with.file),
            data_dir: with.data_dir.as_ref().map(|dir| folder.join(dir)),
        },
    };
    entries.iter().map(one).collect()
}
