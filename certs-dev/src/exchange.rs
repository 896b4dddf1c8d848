//! A whole exchange on disk: a CA, a revocation list and certificates for every agency and for the gateway's
//! operator. Layout under the folder:
//! ```text
//! exchange.json                    this struct, paths relative to the folder
//! <agency>/ca.pem  ca.key  crl.pem
//! <agency>/<system>.pem  .key      systems, auditors; `source` serves, `gateway` serves and calls
//! ```

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::files::{Readers, read, write};
use crate::issue::{Authority, Leaf, Names, Use, pair};

/// How far certificates are dated back, against clocks that differ.
const BACKDATED: Duration = Duration::minutes(5);

/// What to generate.
#[derive(Debug, Clone)]
pub struct ExchangeSpec {
    /// Trust domain of every name.
    pub trust_domain: String,
    /// Agency that operates the gateway; its CA signs the gateway's certificate.
    pub gateway_agency: String,
    /// The other agencies.
    pub agencies: Vec<AgencySpec>,
    /// Life of a leaf.
    pub leaf_lifetime: Duration,
    /// From a revocation list's issue to its next update.
    pub crl_lifetime: Duration,
}

/// One agency.
#[derive(Debug, Clone)]
pub struct AgencySpec {
    /// Its id.
    pub id: String,
    /// Systems that ask.
    pub systems: Vec<String>,
    /// Systems that audit.
    pub auditors: Vec<String>,
    /// Whether it runs a source (system `source`).
    pub source: bool,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Asks.
    Requester,
    /// Audits.
    Auditor,
    /// Serves records to the gateway.
    Source,
    /// The gateway: serves and calls.
    Gateway,
}

/// One certificate with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `<agency>/<system>`.
    pub name: String,
    /// Its agency.
    pub agency: String,
    /// Its system.
    pub system: String,
    /// What it is for.
    pub role: Role,
    /// The one URI name.
    pub spiffe_id: String,
    /// Serial number, hex.
    pub serial: String,
    /// PEM file.
    pub certificate: PathBuf,
    /// PEM file, 0600.
    pub key: PathBuf,
}

/// One agency's CA files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgencyFiles {
    /// Its id.
    pub agency: String,
    /// CA certificate, PEM.
    pub ca: PathBuf,
    /// CA key, PEM, 0600.
    pub ca_key: PathBuf,
    /// Revocation list, PEM.
    pub crl: PathBuf,
    /// Serial numbers on the list, hex.
    pub revoked: Vec<String>,
}

/// Everything generated. Paths are absolute or relative as `dir` was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The folder.
    pub dir: PathBuf,
    /// Trust domain of every name.
    pub trust_domain: String,
    /// Agency that operates the gateway.
    pub gateway_agency: String,
    /// CA files of all agencies, the gateway's operator first.
    pub agencies: Vec<AgencyFiles>,
    /// All certificates, the gateway's first.
    pub identities: Vec<Identity>,
}

impl ExchangeSpec {
    /// Agencies with one system `desk`, one auditor `auditor` and a source each; leaves live 7 days,
    /// revocation lists 1 day.
    pub fn new(agencies: &[&str]) -> Self {
        let agency = |id: &&str| AgencySpec {
            id: (*id).to_owned(),
            systems: vec!["desk".into()],
            auditors: vec!["auditor".into()],
            source: true,
        };
        Self {
            trust_domain: "exercise.portcullis.example".into(),
            gateway_agency: "exchange".into(),
            agencies: agencies.iter().map(agency).collect(),
            leaf_lifetime: Duration::days(7),
            crl_lifetime: Duration::days(1),
        }
    }
}

impl Exchange {
    /// Name of the file that describes the exchange.
    pub const FILE: &'static str = "exchange.json";

    /// Generates everything into a folder, which is created; files of an earlier exchange are replaced.
    pub fn generate(dir: &Path, spec: &ExchangeSpec, now: OffsetDateTime) -> Result<Self> {
        check(spec)?;
        let mut exchange = Self {
            dir: dir.to_owned(),
            trust_domain: spec.trust_domain.clone(),
            gateway_agency: spec.gateway_agency.clone(),
            agencies: vec![],
            identities: vec![],
        };
        let gateway = [("gateway".to_owned(), Role::Gateway)];
        exchange.add_agency(&spec.gateway_agency, &gateway, spec, now)?;
        for agency in &spec.agencies {
            let requesters = agency.systems.iter().map(|s| (s.clone(), Role::Requester));
            let auditors = agency.auditors.iter().map(|s| (s.clone(), Role::Auditor));
            let source = agency.source.then(|| ("source".to_owned(), Role::Source));
            let systems: Vec<_> = requesters.chain(auditors).chain(source).collect();
            exchange.add_agency(&agency.id, &systems, spec, now)?;
        }
        exchange.save()?;
        Ok(exchange)
    }

    /// Reads an exchange that was generated before.
    pub fn load(dir: &Path) -> Result<Self> {
        let path = dir.join(Self::FILE);
        serde_json::from_str(&read(&path)?)
            .with_context(|| format!("`{}` does not describe an exchange", path.display()))
    }

    /// CA files of an agency.
    pub fn agency(&self, agency: &str) -> Result<&AgencyFiles> {
        self.agencies
            .iter()
            .find(|files| files.agency == agency)
            .with_context(|| format!("`{agency}` is not an agency of this exchange"))
    }

    /// The certificate of a system.
    pub fn identity(&self, agency: &str, system: &str) -> Result<&Identity> {
        self.identities
            .iter()
            .find(|identity| identity.agency == agency && identity.system == system)
            .with_context(|| format!("`{agency}/{system}` is not a system of this exchange"))
    }

    /// The gateway's certificate.
    pub fn gateway(&self) -> Result<&Identity> {
        self.identity(&self.gateway_agency, "gateway")
    }

    /// A name in this exchange.
    pub fn spiffe_id(&self, agency: &str, system: &str) -> String {
        format!("spiffe://{}/agency/{agency}/system/{system}", self.trust_domain)
    }

    /// The CA of an agency, with its key.
    pub fn authority(&self, agency: &str) -> Result<Authority> {
        let files = self.agency(agency)?;
        Authority::load(&files.ca, &files.ca_key)
    }

    /// Adds serial numbers (hex) to an agency's revocation list and issues it anew.
    pub fn revoke(
        &mut self,
        agency: &str,
        serials: &[&str],
        now: OffsetDateTime,
        next_update: OffsetDateTime,
    ) -> Result<()> {
        let files = self.agencies.iter_mut().find(|files| files.agency == agency);
        let files = files.with_context(|| format!("`{agency}` is not an agency here"))?;
        for serial in serials {
            if !files.revoked.iter().any(|known| known == serial) {
                files.revoked.push((*serial).to_owned());
            }
        }
        self.reissue_crl(agency, now, next_update)?;
        self.save()
    }

    /// Issues an agency's revocation list anew, with the same serial numbers; with a `next_update` in the
    /// past it is stale.
    pub fn reissue_crl(
        &self,
        agency: &str,
        this_update: OffsetDateTime,
        next_update: OffsetDateTime,
    ) -> Result<()> {
        let files = self.agency(agency)?;
        let list =
            self.authority(agency)?.revocation_list(&files.revoked, this_update, next_update)?;
        write(&files.crl, &list, Readers::All)
    }

    fn add_agency(
        &mut self,
        agency: &str,
        systems: &[(String, Role)],
        spec: &ExchangeSpec,
        now: OffsetDateTime,
    ) -> Result<()> {
        let folder = self.dir.join(agency);
        let (ca, ca_key) = pair(&folder, "ca");
        let authority = Authority::new(&format!("{agency} development CA"), now)?;
        authority.save(&ca, &ca_key)?;
        let crl = folder.join("crl.pem");
        self.agencies.push(AgencyFiles { agency: agency.into(), ca, ca_key, crl, revoked: vec![] });
        self.reissue_crl(agency, now - BACKDATED, now + spec.crl_lifetime)?;
        for (system, role) in systems {
            let identity = self.add_identity(&authority, agency, system, *role, spec, now)?;
            self.identities.push(identity);
        }
        Ok(())
    }

    fn add_identity(
        &self,
        authority: &Authority,
        agency: &str,
        system: &str,
        role: Role,
        spec: &ExchangeSpec,
        now: OffsetDateTime,
    ) -> Result<Identity> {
        let spiffe_id = self.spiffe_id(agency, system);
        let names = Names::uri(&spiffe_id);
        let (names, usage) = match role {
            Role::Requester | Role::Auditor => (names, Use::Client),
            Role::Source => (names.on_loopback(), Use::Server),
            Role::Gateway => (names.on_loopback(), Use::Both),
        };
        let leaf = Leaf {
            common_name: format!("{agency} {system}"),
            names,
            usage,
            is_ca: false,
            not_before: now - BACKDATED,
            not_after: now + spec.leaf_lifetime,
        };
        let (certificate, key) = pair(&self.dir.join(agency), system);
        let serial = authority.issue_to(&leaf, &certificate, &key)?;
        let name = format!("{agency}/{system}");
        let (agency, system) = (agency.to_owned(), system.to_owned());
        Ok(Identity { name, agency, system, role, spiffe_id, serial, certificate, key })
    }

    fn save(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        write(&self.dir.join(Self::FILE), &format!("{text}\n"), Readers::All)
    }
}

/// Ids become folder names and names in certificates.
fn check(spec: &ExchangeSpec) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    let ids = spec.agencies.iter().map(|agency| &agency.id).chain([&spec.gateway_agency]);
    for id in ids {
        segment(id)?;
        ensure!(seen.insert(id), "the agency `{id}` is named twice");
    }
    for agency in &spec.agencies {
        for system in agency.systems.iter().chain(&agency.auditors) {
            segment(system)?;
            if matches!(system.as_str(), "ca" | "source" | "gateway") {
                bail!("`{system}` is not free as the name of a system");
            }
        }
    }
    for label in spec.trust_domain.split('.') {
        segment(label)?;
    }
    ensure!(spec.leaf_lifetime > Duration::ZERO, "a leaf's life must be longer than nothing");
    ensure!(spec.crl_lifetime > Duration::ZERO, "a list's life must be longer than nothing");
    Ok(())
}

fn segment(id: &str) -> Result<()> {
    let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let good = (1..=63).contains(&id.len()) && id.bytes().all(allowed);
    ensure!(good, "`{id}` is not made of 1 to 63 of a-z, 0-9 and hyphen");
    Ok(())
}
