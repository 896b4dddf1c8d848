//! Gateways that others run. What is the drill's own here is its door, with a small CA for it and for the exercise's staff,
//! who are party to nothing and have no business at anybody's gateway.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use portcullis::client::Profile;
use portcullis::clock::Clock;
use portcullis::source::adapter::IdKey;
use portcullis_certs_dev::{AgencySpec, Exchange, ExchangeSpec, Identity};
use time::OffsetDateTime;

use super::door::{self, Doors};
use super::{Agency, CONTROL, Host, Part, Party, Place, STAFF};
use crate::drill::join::{Beginning, BegunLog, Counted, Join, JoinAgency, Ready, prove};
use crate::drill::weather::Weather;
use crate::load::quoted;

/// Whose certificate the door has.
const DOOR: &str = "exercise-door";

/// What a joined drill knows of its gateways.
pub(super) struct Joined {
    join: Join,
    systems: BTreeMap<String, String>,
    logs: Vec<BegunLog>,
    certificates: Exchange,
    /// Where profiles for the door go.
    profiles: PathBuf,
    /// Nobody else moves the agencies' databases on in time.
    _locks: Vec<std::fs::File>,
}

impl Host {
    /// Joins what was found ready, with the drill's own things in a folder. A drill that goes on counts from where it began.
    ///
    /// # Errors
    /// What cannot be read, written or proven.
    pub async fn join(ready: Ready, dir: &Path, goes_on: bool) -> anyhow::Result<Self> {
        let begun = if goes_on {
            Beginning::read(dir, &ready)?
        } else {
            let begun = Beginning::now(&ready).await?;
            let failed = || format!("cannot write in {}", dir.display());
            ready.join.keep(dir).with_context(failed)?;
            begun.keep(dir)?;
            begun
        };
        let now = ready.now().await?;
        let folder = dir.join("host");
        let certificates = match goes_on {
            true => Exchange::load(&folder.join("certs"))?,
            false => certificates(&folder.join("certs"), &ready.domain)?,
        };
        let Ready { join, gates, agencies: reached, locks, .. } = ready;
        let systems = reached.iter().map(|one| (one.id.clone(), one.system.clone())).collect();
        let mut agencies = BTreeMap::new();
        for (reached, file) in reached.iter().zip(&join.agencies) {
            let id_key = file.id_key.as_ref().map(|key| IdKey::read(key)).transpose();
            let agency = Agency {
                channel: reached.channel.clone(),
                system: reached.system.clone(),
                id_key: id_key.map_err(|problem| anyhow::anyhow!("{problem}"))?,
                holds: reached.holds.clone(),
                gate: reached.gate,
                from_index: begun.logs.get(reached.gate).map_or(0, BegunLog::size),
                after_release: begun.releases.get(&reached.id).cloned().unwrap_or_default(),
            };
            agencies.insert(reached.id.clone(), agency);
        }
        let joined = Joined {
            join: join.clone(),
            systems,
            _locks: locks,
            logs: begun.logs,
            certificates,
            profiles: folder.join("drill-profiles"),
        };
        let host = Self {
            agencies: Arc::new(agencies),
            gateways: gates.iter().map(|gate| gate.address.clone()).collect(),
            case: join.case.clone(),
            folder,
            now: Arc::new(now),
            weather: Weather::elsewhere(parties(&join.agencies)),
            place: Place::Joined(Box::new(joined)),
        };
        if goes_on {
            // A log that was changed meanwhile is found now, and not when everybody has played to the end.
            host.proven(&vec![Counted::default(); host.gateways.len()]).await?;
        }
        Ok(host)
    }

    /// Proves of each log what the drill counts of it: the newest checkpoints and how many entries were proven.
    pub(super) async fn proven(&self, counted: &[Counted]) -> anyhow::Result<(String, u64)> {
        let Place::Joined(joined) = &self.place else { return Ok((String::new(), 0)) };
        let (mut notes, mut entries) = (vec![], 0);
        for (at, begun) in joined.logs.iter().enumerate() {
            let here = self.agencies.iter().filter(|(_, agency)| agency.gate == at);
            let here = here.map(|(id, agency)| (id.clone(), agency.channel.clone())).collect();
            let counted = counted.get(at).cloned().unwrap_or_default();
            let now = prove(begun, &counted, &here)
                .await
                .map_err(|fault| anyhow::anyhow!("{}: {}: {fault}", begun.gateway, fault.word()))?;
            entries += counted.len();
            notes.push(now.note);
        }
        Ok((notes.join("\n"), entries))
    }
}

/// Agencies in whose name an agreement may be suspended.
fn parties(agencies: &[JoinAgency]) -> BTreeMap<String, Party> {
    let party = |agency: &JoinAgency| {
        let key = agency.agreement_key.clone()?;
        Some((agency.id.clone(), Party { key, profile: agency.profile.clone() }))
    };
    agencies.iter().filter_map(party).collect()
}

/// A CA for the door and one for the exercise's staff, for as long as a drill may take.
fn certificates(folder: &Path, domain: &str) -> anyhow::Result<Exchange> {
    let mut spec = ExchangeSpec::new(&[]);
    spec.trust_domain = domain.to_owned();
    spec.gateway_agency = DOOR.to_owned();
    // Nobody issues lists anew here.
    spec.crl_lifetime = spec.leaf_lifetime;
    spec.agencies = vec![AgencySpec {
        id: CONTROL.to_owned(),
        systems: STAFF.map(str::to_owned).to_vec(),
        auditors: vec![],
        source: false,
    }];
    let now = OffsetDateTime::from_unix_timestamp(Clock::system().now().seconds())?;
    Exchange::generate(folder, &spec, now)
}

impl Joined {
    /// A listener for the exercise's staff and the agencies' people.
    pub async fn doors(&self, listen: SocketAddr) -> anyhow::Result<Doors> {
        let staff = self.certificates.agency(CONTROL)?;
        let mut trust = vec![door::trust(CONTROL, staff.ca.clone(), staff.crl.clone())];
        for agency in &self.join.agencies {
            if let (Some(ca), Some(crl)) = (&agency.ca, &agency.crl) {
                trust.push(door::trust(&agency.id, ca.clone(), crl.clone()));
            }
        }
        let own = self.certificates.gateway()?;
        let doors = door::open(listen, &self.certificates.trust_domain, trust, own).await?;
        self.write_profiles(doors.address)?;
        Ok(doors)
    }

    /// How each reaches the door: the staff by the drill's own certificates, the agencies by those of their profiles.
    fn write_profiles(&self, door: SocketAddr) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.profiles)?;
        for Identity { agency, system, certificate, key, .. } in &self.certificates.identities {
            if agency == CONTROL {
                self.write_profile(door, (agency, system), certificate, key)?;
            }
        }
        for agency in &self.join.agencies {
            let (Some(system), Some(_)) = (self.systems.get(&agency.id), &agency.ca) else {
                continue;
            };
            let profile = Profile::load(&agency.profile)?;
            let who = (agency.id.as_str(), system.as_str());
            self.write_profile(door, who, &profile.certificate, &profile.key)?;
        }
        Ok(())
    }

    fn write_profile(
        &self,
        door: SocketAddr,
        (agency, system): (&str, &str),
        certificate: &Path,
        key: &Path,
    ) -> anyhow::Result<()> {
        let ca = &self.certificates.agency(DOOR)?.ca;
        let whole = |path: &Path| -> anyhow::Result<String> {
            Ok(quoted(&std::path::absolute(path)?.display().to_string()))
        };
        let text = format!(
            "# How {agency}/{system} reaches the drill.\n\
             gateway = {}\nserver_spiffe_id = {}\ntrust_bundle = {}\n\
             certificate = {}\nkey = {}\ntimeout_seconds = 60\n",
            quoted(&format!("https://{door}")),
            quoted(&self.certificates.spiffe_id(DOOR, "gateway")),
            whole(ca)?,
            whole(certificate)?,
            whole(key)?,
        );
        let file = self.profiles.join(format!("{agency}-{system}.toml"));
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// How a system reaches its gateway; the staff reach none.
    pub fn gateway_profile(&self, part: &Part) -> Option<PathBuf> {
        let agency = self.join.agencies.iter().find(|agency| agency.id == part.agency)?;
        Some(agency.profile.clone())
    }
}
