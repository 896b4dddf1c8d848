//! The gateway's configuration: TOML, every key known, validated once, paths relative to the file. What
//! comes out is checked; nobody else parses.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::handling::Environment;
use portcullis_core::id::{AgencyId, CaseId, Moment, SystemId};
use portcullis_core::label::Sensitivity;
use portcullis_core::policy::{Agency, AgreementFile, Case, PolicyFile, Registry};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::audit::LogVerifier;

/// The commented sample that documents every key.
pub const SAMPLE: &str = include_str!("../samples/gateway.sample.toml");

/// Why a configuration is refused: where, and what.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {cause}", file = file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file is not the TOML expected; the message carries line and column.
    #[error("{file}: {message}", file = file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The parser's words, with line and column.
        message: String,
    },
    /// A value makes no sense.
    #[error("{file}: `{field}`: {message}", file = file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The key at fault.
        field: String,
        /// What is wrong.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    agency: String,
    trust_domain: String,
    environment: String,
    listen: SocketAddr,
    admin_listen: SocketAddr,
    certificate: PathBuf,
    key: PathBuf,
    store: PathBuf,
    log_key: PathBuf,
    audit_public_key: PathBuf,
    audit_key: Option<PathBuf>,
    pseudonym_keys: PathBuf,
    #[serde(default)]
    agreements: Vec<PathBuf>,
    require_signed_agreements: Option<bool>,
    #[serde(default)]
    policies: Vec<PathBuf>,
    #[serde(default)]
    record_types: Vec<RecordTypeEntry>,
    #[serde(default)]
    registrars: Vec<RegistrarEntry>,
    agencies: Vec<AgencyEntry>,
    #[serde(default)]
    cases: Vec<CaseEntry>,
    #[serde(default)]
    officer_tokens: OfficerTokenLimits,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    telemetry: Telemetry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordTypeEntry {
    name: String,
    descriptor_set: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistrarEntry {
    agency: String,
    package: String,
    systems: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgencyEntry {
    id: String,
    name: String,
    country: String,
    kind: String,
    max_sensitivity: String,
    systems: Vec<String>,
    trust_bundle: PathBuf,
    crl: Option<PathBuf>,
    audit_public_key: PathBuf,
    #[serde(default)]
    officer_keys: Vec<OfficerKeyEntry>,
    agreement_keys: Vec<String>,
    source: Option<SourceEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficerKeyEntry {
    id: String,
    public_key: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceEntry {
    address: String,
    system: String,
    record_types: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseEntry {
    id: String,
    members: Vec<String>,
    opens: String,
    closes: Option<String>,
    #[serde(default)]
    operation_scope: bool,
}

/// Which officers' tokens are taken.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfficerTokenLimits {
    /// Longest from `iat` to `exp`, in seconds.
    pub max_lifetime_seconds: u32,
    /// How far clocks may be apart, in seconds.
    pub clock_skew_seconds: u32,
}

impl Default for OfficerTokenLimits {
    fn default() -> Self {
        Self { max_lifetime_seconds: 300, clock_skew_seconds: 30 }
    }
}

/// Limits of one gateway, with safe defaults.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest request message, in bytes.
    pub request_bytes: usize,
    /// Largest message taken from a source, in bytes.
    pub source_message_bytes: usize,
    /// Largest record taken from a source, in bytes.
    pub record_bytes: usize,
    /// Released payload bytes after which a batch is closed.
    pub batch_bytes: usize,
    /// Records released where a query names no limit.
    pub default_limit: u32,
    /// Most records released by one query.
    pub max_limit: u32,
    /// Longest a query may take, in seconds.
    pub query_seconds: u64,
    /// Longest silence of a source, in seconds.
    pub source_idle_seconds: u64,
    /// Most records read from one source for one query.
    pub source_records: u64,
    /// Queries in progress at once; more are refused as overloaded.
    pub queries_in_flight: usize,
    /// How long a resume token is good, in seconds.
    pub resume_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: 256 * 1024,
            source_message_bytes: 4 * 1024 * 1024,
            record_bytes: 1024 * 1024,
            batch_bytes: 256 * 1024,
            default_limit: 1_000,
            max_limit: 1_000_000,
            query_seconds: 60,
            source_idle_seconds: 5,
            source_records: 10_000_000,
            queries_in_flight: 512,
            resume_seconds: 900,
        }
    }
}

impl Limits {
    /// Longest a query may take.
    pub fn query(&self) -> Duration {
        Duration::from_secs(self.query_seconds)
    }

    /// Longest silence of a source.
    pub fn source_idle(&self) -> Duration {
        Duration::from_secs(self.source_idle_seconds)
    }
}

/// Where telemetry goes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// OTLP/gRPC endpoint, such as `http://127.0.0.1:4317`; none: no export.
    pub otlp_endpoint: Option<String>,
    /// Filter of log lines, such as `info` or `portcullis=debug`.
    pub log: Option<String>,
}

/// A checked configuration.
pub struct Config {
    /// Name of the gateway: origin of its log's checkpoints.
    pub name: String,
    /// The agency that operates the gateway; its certificates carry it.
    pub agency: AgencyId,
    /// Trust domain of every SPIFFE id.
    pub trust_domain: String,
    /// Exercise or production.
    pub environment: Environment,
    /// Where agencies connect.
    pub listen: SocketAddr,
    /// Where administrators look; loopback.
    pub admin_listen: SocketAddr,
    /// The gateway's certificate chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The SQLite database.
    pub store: PathBuf,
    /// Ed25519 key that signs checkpoints.
    pub log_key: PathBuf,
    /// X25519 public key of the gateway's own auditor.
    pub audit_public_key: PathBuf,
    /// Its private half, where this gateway opens an agency's share of the log for it.
    pub audit_key: Option<PathBuf>,
    /// Secrets behind pseudonyms.
    pub pseudonym_keys: PathBuf,
    /// Record types: name, and the descriptor set that brings it (none: the contract's own).
    pub record_types: Vec<(String, Option<PathBuf>)>,
    /// Who may register record types of its own.
    pub registrars: Vec<Registrar>,
    /// Agencies with what the gateway needs to know of their systems.
    pub members: Vec<Member>,
    /// Agencies and cases as policy sees them.
    pub registry: Registry,
    /// Texts of the agreements.
    pub agreements: Vec<AgreementFile>,
    /// Agreements of the configuration count only with every party's signature beside them.
    pub require_signed_agreements: bool,
    /// Texts of policies beyond the base set.
    pub policies: Vec<PolicyFile>,
    /// Which officers' tokens are taken.
    pub officer_tokens: OfficerTokenLimits,
    /// Limits.
    pub limits: Limits,
    /// Telemetry.
    pub telemetry: Telemetry,
    /// SHA-256 of the configuration file, for the log.
    pub hash: portcullis_core::id::Digest,
}

/// An agency's files and source.
#[derive(Debug, Clone)]
pub struct Member {
    /// The agency.
    pub id: AgencyId,
    /// Its CA certificates, PEM.
    pub trust_bundle: PathBuf,
    /// Its revocation list, PEM.
    pub crl: Option<PathBuf>,
    /// X25519 public key to which its share of the log is sealed.
    pub audit_public_key: PathBuf,
    /// Keys that sign its officers' tokens: `kid` and PEM file; several while they are changed.
    pub officer_keys: Vec<(String, PathBuf)>,
    /// Keys with which it signs agreements.
    pub agreement_keys: Vec<LogVerifier>,
    /// Its source system.
    pub source: Option<SourceAddress>,
}

/// Where an agency's source answers.
#[derive(Debug, Clone)]
pub struct SourceAddress {
    /// `host:port`.
    pub address: String,
    /// The source's system id, expected in its certificate.
    pub system: SystemId,
    /// Record types it holds.
    pub record_types: Vec<String>,
}

/// An agency that may register record types while the gateway runs.
#[derive(Debug, Clone)]
pub struct Registrar {
    /// The agency.
    pub agency: AgencyId,
    /// The package that is its own: its record types are below it.
    pub package: String,
    /// Systems that may register for it.
    pub systems: Vec<SystemId>,
}

impl Registrar {
    /// Is a name in its package, or one below?
    pub fn owns(&self, name: &str) -> bool {
        name.strip_prefix(self.package.as_str()).is_some_and(|rest| rest.starts_with('.'))
    }
}

impl Config {
    /// Reads and checks a configuration with everything it names.
    ///
    /// # Errors
    /// The first problem, with file and key.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path)?;
        let file: File = toml::from_str(&text).map_err(|error| ConfigError::Syntax {
            file: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        let base = path.parent().unwrap_or_else(|| Path::new(".")).to_owned();
        Check { path, base }.config(file, &text)
    }
}

struct Check<'a> {
    path: &'a Path,
    base: PathBuf,
}

impl Check<'_> {
    fn config(&self, file: File, text: &str) -> Result<Config, ConfigError> {
        let environment = Environment::from_word(&file.environment)
            .ok_or_else(|| self.invalid("environment", "is PRODUCTION or EXERCISE"))?;
        if !file.admin_listen.ip().is_loopback() {
            return Err(self.invalid("admin_listen", "must be a loopback address"));
        }
        self.segment("agency", &file.agency)?;
        let mut seen = BTreeSet::new();
        let (mut members, mut agencies) = (vec![], vec![]);
        for (at, entry) in file.agencies.into_iter().enumerate() {
            let (member, agency) = self.agency(&format!("agencies[{at}]"), entry)?;
            if !seen.insert(agency.id.clone()) {
                return Err(self.invalid(&format!("agencies[{at}].id"), "stands there twice"));
            }
            members.push(member);
            agencies.push(agency);
        }
        let registrars = self.registrars(file.registrars, &seen)?;
        let mut cases = vec![];
        for (at, entry) in file.cases.into_iter().enumerate() {
            cases.push(self.case(&format!("cases[{at}]"), entry, &seen)?);
        }
        let mut agreements = vec![];
        for path in self.expand(&file.agreements, "toml")? {
            agreements.push(AgreementFile { name: name_of(&path), text: read(&path)? });
        }
        let mut policies = vec![];
        for path in self.expand(&file.policies, "cedar")? {
            policies.push(PolicyFile { name: name_of(&path), text: read(&path)? });
        }
        Ok(Config {
            name: file.name,
            agency: AgencyId::new(file.agency),
            trust_domain: file.trust_domain,
            environment,
            listen: file.listen,
            admin_listen: file.admin_listen,
            certificate: self.base.join(file.certificate),
            key: self.base.join(file.key),
            store: self.base.join(file.store),
            log_key: self.base.join(file.log_key),
            audit_public_key: self.base.join(file.audit_public_key),
            audit_key: file.audit_key.map(|path| self.base.join(path)),
            pseudonym_keys: self.base.join(file.pseudonym_keys),
            record_types: file
                .record_types
                .into_iter()
                .map(|entry| (entry.name, entry.descriptor_set.map(|path| self.base.join(path))))
                .collect(),
            registrars,
            members,
            registry: Registry { agencies, cases, environment },
            agreements,
            require_signed_agreements: file
                .require_signed_agreements
                .unwrap_or(environment == Environment::Production),
            policies,
            officer_tokens: self.officer_tokens(file.officer_tokens)?,
            limits: self.limits(file.limits)?,
            telemetry: file.telemetry,
            hash: portcullis_core::id::Digest::of(text.as_bytes()),
        })
    }

    /// Packages of two agencies do not overlap, and none is the contract's.
    fn registrars(
        &self,
        entries: Vec<RegistrarEntry>,
        known: &BTreeSet<AgencyId>,
    ) -> Result<Vec<Registrar>, ConfigError> {
        let mut all: Vec<Registrar> = vec![];
        for (at, entry) in entries.into_iter().enumerate() {
            let key = |name: &str| format!("registrars[{at}].{name}");
            let agency = AgencyId::new(&entry.agency);
            if !known.contains(&agency) {
                let message = format!("`{agency}` is not among the agencies");
                return Err(self.invalid(&key("agency"), &message));
            }
            if !is_package(&entry.package) {
                let message = "is a package such as `norvia.customs`, lower case";
                return Err(self.invalid(&key("package"), message));
            }
            let below = |one: &str, two: &str| format!("{one}.").starts_with(&format!("{two}."));
            let taken = all.iter().map(|one| one.package.as_str()).chain(["portcullis", "google"]);
            let package = entry.package.as_str();
            if let Some(other) =
                taken.into_iter().find(|other| below(package, other) || below(other, package))
            {
                let message = format!("overlaps with `{other}`, which is somebody else's");
                return Err(self.invalid(&key("package"), &message));
            }
            if entry.systems.is_empty() {
                return Err(self.invalid(&key("systems"), "names no system"));
            }
            for system in &entry.systems {
                self.segment(&key("systems"), system)?;
            }
            if all.iter().any(|one| one.agency == agency) {
                return Err(self.invalid(&key("agency"), "stands there twice"));
            }
            let systems = entry.systems.into_iter().map(SystemId::new).collect();
            all.push(Registrar { agency, package: entry.package, systems });
        }
        Ok(all)
    }

    fn officer_tokens(
        &self,
        limits: OfficerTokenLimits,
    ) -> Result<OfficerTokenLimits, ConfigError> {
        let bounds = [
            ("max_lifetime_seconds", limits.max_lifetime_seconds, 1, 3600),
            ("clock_skew_seconds", limits.clock_skew_seconds, 0, 300),
        ];
        match bounds.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            None => Ok(limits),
            Some((key, _, least, most)) => {
                Err(self
                    .invalid(&format!("officer_tokens.{key}"), &format!("is {least} to {most}")))
            }
        }
    }

    fn limits(&self, limits: Limits) -> Result<Limits, ConfigError> {
        let positive = [
            ("limits.request_bytes", limits.request_bytes as u64),
            ("limits.source_message_bytes", limits.source_message_bytes as u64),
            ("limits.record_bytes", limits.record_bytes as u64),
            ("limits.batch_bytes", limits.batch_bytes as u64),
            ("limits.default_limit", limits.default_limit.into()),
            ("limits.max_limit", limits.max_limit.into()),
            ("limits.query_seconds", limits.query_seconds),
            ("limits.source_idle_seconds", limits.source_idle_seconds),
            ("limits.source_records", limits.source_records),
            ("limits.queries_in_flight", limits.queries_in_flight as u64),
            ("limits.resume_seconds", limits.resume_seconds),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(self.invalid(key, "must be at least 1")),
            None if limits.query_seconds > 3600 => {
                Err(self.invalid("limits.query_seconds", "is at most 3600"))
            }
            None if limits.queries_in_flight > 1 << 20 => {
                Err(self.invalid("limits.queries_in_flight", "is at most 1048576"))
            }
            None if limits.default_limit > limits.max_limit => {
                Err(self.invalid("limits.default_limit", "is above limits.max_limit"))
            }
            None => Ok(limits),
        }
    }

    fn agency(&self, at: &str, entry: AgencyEntry) -> Result<(Member, Agency), ConfigError> {
        self.segment(&format!("{at}.id"), &entry.id)?;
        for system in &entry.systems {
            self.segment(&format!("{at}.systems"), system)?;
        }
        let max_sensitivity = Sensitivity::from_word(&entry.max_sensitivity).ok_or_else(|| {
            self.invalid(
                &format!("{at}.max_sensitivity"),
                "is PUBLIC, OFFICIAL, CONFIDENTIAL or SECRET",
            )
        })?;
        if entry.country.len() != 2 || !entry.country.bytes().all(|b| b.is_ascii_uppercase()) {
            let message = "is two capital letters (ISO 3166-1 alpha-2)";
            return Err(self.invalid(&format!("{at}.country"), message));
        }
        let id = AgencyId::new(&entry.id);
        let mut officer_keys: Vec<(String, PathBuf)> = vec![];
        for key in entry.officer_keys {
            let field = format!("{at}.officer_keys.id");
            if !(1..=128).contains(&key.id.len()) {
                return Err(self.invalid(&field, "takes 1 to 128 bytes"));
            }
            if officer_keys.iter().any(|(id, _)| *id == key.id) {
                return Err(self.invalid(&field, &format!("`{}` stands there twice", key.id)));
            }
            officer_keys.push((key.id, self.base.join(key.public_key)));
        }
        let source = entry
            .source
            .map(|source| {
                self.segment(&format!("{at}.source.system"), &source.system)?;
                if source.address.contains('/') || !source.address.contains(':') {
                    return Err(
                        self.invalid(&format!("{at}.source.address"), "is of the form host:port")
                    );
                }
                Ok(SourceAddress {
                    address: source.address,
                    system: SystemId::new(source.system),
                    record_types: source.record_types,
                })
            })
            .transpose()?;
        let mut agreement_keys = vec![];
        for text in &entry.agreement_keys {
            let key = LogVerifier::parse(text).ok().filter(|key| key.name() == entry.id);
            agreement_keys.push(key.ok_or_else(|| {
                let message = format!(
                    "takes keys such as {}+HASH+BASE64 (portcullis keys agreement)",
                    entry.id
                );
                self.invalid(&format!("{at}.agreement_keys"), &message)
            })?);
        }
        let member = Member {
            id: id.clone(),
            trust_bundle: self.base.join(entry.trust_bundle),
            crl: entry.crl.map(|path| self.base.join(path)),
            audit_public_key: self.base.join(entry.audit_public_key),
            officer_keys,
            agreement_keys,
            source,
        };
        let agency = Agency {
            id,
            name: entry.name,
            country: entry.country,
            kind: entry.kind,
            max_sensitivity,
            systems: entry.systems.into_iter().map(SystemId::new).collect(),
        };
        Ok((member, agency))
    }

    fn case(
        &self,
        at: &str,
        entry: CaseEntry,
        known: &BTreeSet<AgencyId>,
    ) -> Result<Case, ConfigError> {
        let members: Vec<AgencyId> = entry.members.iter().map(AgencyId::new).collect();
        if let Some(unknown) = members.iter().find(|id| !known.contains(*id)) {
            return Err(self.invalid(
                &format!("{at}.members"),
                &format!("`{unknown}` is not among the agencies"),
            ));
        }
        let opens = self.moment(&format!("{at}.opens"), &entry.opens)?;
        let closes = entry
            .closes
            .as_deref()
            .map(|text| self.moment(&format!("{at}.closes"), text))
            .transpose()?;
        Ok(Case {
            id: CaseId::new(entry.id),
            members,
            opens,
            closes,
            operation_scope: entry.operation_scope,
            template: None,
        })
    }

    fn moment(&self, field: &str, text: &str) -> Result<Moment, ConfigError> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map(|at| Moment::from_seconds(at.unix_timestamp()))
            .map_err(|_| self.invalid(field, "is not a time such as 2026-01-01T00:00:00Z"))
    }

    /// Agency and system ids as certificates carry them.
    fn segment(&self, field: &str, text: &str) -> Result<(), ConfigError> {
        let fits = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits { Ok(()) } else { Err(self.invalid(field, "takes 1 to 63 of a-z, 0-9 and -")) }
    }

    /// Files as named; of a folder, every file with the extension, by name.
    fn expand(&self, paths: &[PathBuf], extension: &str) -> Result<Vec<PathBuf>, ConfigError> {
        let mut all = vec![];
        for path in paths {
            let path = self.base.join(path);
            if !path.is_dir() {
                all.push(path);
                continue;
            }
            let unreadable = |cause| ConfigError::Unreadable { file: path.clone(), cause };
            let mut inside = std::fs::read_dir(&path)
                .map_err(unreadable)?
                .map(|entry| entry.map(|entry| entry.path()).map_err(unreadable))
                .collect::<Result<Vec<_>, _>>()?;
            inside.retain(|file| file.extension().is_some_and(|found| found == extension));
            inside.sort();
            all.append(&mut inside);
        }
        Ok(all)
    }

    fn invalid(&self, field: &str, message: &str) -> ConfigError {
        ConfigError::Invalid {
            file: self.path.to_owned(),
            field: field.to_owned(),
            message: message.to_owned(),
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|cause| ConfigError::Unreadable { file: path.to_owned(), cause })
}

fn is_package(text: &str) -> bool {
    let segment = |part: &str| {
        part.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    text.len() <= 200 && text.split('.').all(segment)
}

fn name_of(path: &Path) -> String {
    path.display().to_string()
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Config({}, {} agencies)", self.name, self.members.len())
    }
}
