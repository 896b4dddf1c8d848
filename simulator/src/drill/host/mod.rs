//! Where a drill is played: agencies, each reached through a gateway with a certificate of its own, their exercise's now,
//! and what the gateways' logs tell. Either everything runs on this machine, or the gateways are others'.
//!
//! - `own.rs`: a gateway and sources of the drill's own · `joined.rs`: gateways that others run (see [`super::join`])
//! - `read.rs`: what the logs tell, the same over the wire from either · `door.rs`: where people connect
//! - `make.rs`: the exchange of a plot · `suspend.rs`: a party suspends an agreement

mod door;
mod joined;
mod make;
mod own;
mod read;
mod suspend;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use portcullis::source::adapter::IdKey;
use tonic::transport::Channel;

use super::desk::{Desk, Partners};
use super::now::Now;
use super::weather::Weather;
pub use door::Doors;
pub use make::{BEFORE, make};
pub use read::{Gauge, Told};
pub use suspend::{Party, suspend};

/// The case that a drill's agencies work on, unless a file says otherwise.
pub const CASE: &str = "CASE-1";

/// The exercise's own agency: it runs the drill and is party to no agreement.
pub const CONTROL: &str = "exercise-control";
/// Systems of the exercise's own agency.
pub const STAFF: [&str; 3] = ["trainer", "evaluator", "observer"];

/// Agencies at gateways.
pub struct Host {
    agencies: Arc<BTreeMap<String, Agency>>,
    gateways: Vec<String>,
    case: String,
    folder: PathBuf,
    now: Arc<Now>,
    weather: Weather,
    place: Place,
}

enum Place {
    Own(Box<own::Own>),
    Joined(Box<joined::Joined>),
}

/// An agency as a drill reaches it.
struct Agency {
    channel: Channel,
    system: String,
    /// The key from which its source derives the ids that it tells.
    id_key: Option<IdKey>,
    /// Record types that it can be asked for.
    holds: Vec<String>,
    /// Place of its gateway.
    gate: usize,
    /// Entries of the log before this one are not the drill's.
    from_index: u64,
    /// Release requests up to this one are not the drill's.
    after_release: String,
}

/// Somebody who may take part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The agency.
    pub agency: String,
    /// Its system.
    pub system: String,
}

impl Host {
    /// Those who are asked in this drill.
    ///
    /// # Errors
    /// Only if the contract's own descriptors cannot be read, which they can.
    pub fn partners(&self) -> anyhow::Result<Partners> {
        let desk = Arc::new(Desk::new(self.channels(), &self.case)?);
        Ok(Partners { now: self.now(), desk, weather: self.weather.clone() })
    }

    /// The case that the agencies work on.
    pub fn case(&self) -> &str {
        &self.case
    }

    /// Reads what the gateways' logs tell of the drill, now and whenever somebody wants to know.
    pub fn gauge(&self) -> Gauge {
        let plans = match &self.place {
            Place::Own(own) => Some(own.plans()),
            Place::Joined(_) => None,
        };
        Gauge { agencies: self.agencies.clone(), gateways: self.gateways.len(), plans }
    }

    /// What injects do to the exchange.
    pub fn weather(&self) -> Weather {
        self.weather.clone()
    }

    /// What time it is for the agencies' records.
    pub fn now(&self) -> Arc<Now> {
        self.now.clone()
    }

    /// Where everything of the host lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the gateways listen.
    pub fn gateways(&self) -> String {
        self.gateways.join(", ")
    }

    /// A channel of each agency, with its own certificate.
    pub fn channels(&self) -> BTreeMap<String, Channel> {
        let channel = |(id, agency): (&String, &Agency)| (id.clone(), agency.channel.clone());
        self.agencies.iter().map(channel).collect()
    }

    /// The key from which an agency's source derives the ids that it tells.
    ///
    /// # Errors
    /// When it has none.
    pub fn id_key(&self, agency: &str) -> anyhow::Result<IdKey> {
        let key = self.agencies.get(agency).and_then(|agency| agency.id_key.clone());
        key.with_context(|| format!("agency `{agency}` has no key of its records' ids"))
    }

    /// Record types that an agency holds.
    pub fn holds(&self, agency: &str) -> Vec<String> {
        self.agencies.get(agency).map(|agency| agency.holds.clone()).unwrap_or_default()
    }

    /// The first entry of its gateway's log that counts for an agency.
    pub fn from_index(&self, agency: &str) -> u64 {
        self.agencies.get(agency).map_or(0, |agency| agency.from_index)
    }

    /// The last release request of an agency that does not count; empty where all do.
    pub fn after_release(&self, agency: &str) -> String {
        self.agencies.get(agency).map(|agency| agency.after_release.clone()).unwrap_or_default()
    }

    /// A listener for those who take part, each with a certificate.
    ///
    /// # Errors
    /// What cannot be loaded or bound.
    pub async fn doors(&self, listen: SocketAddr) -> anyhow::Result<Doors> {
        match &self.place {
            Place::Own(own) => own.doors(listen).await,
            Place::Joined(joined) => joined.doors(listen).await,
        }
    }

    /// The people of an agency.
    pub fn people(&self, agency: &str) -> Part {
        let system = self.agencies.get(agency).map_or("desk", |agency| agency.system.as_str());
        Part { agency: agency.to_owned(), system: system.to_owned() }
    }

    /// The profile with which somebody reaches the gateway, if they do.
    pub fn gateway_profile(&self, part: &Part) -> Option<PathBuf> {
        match &self.place {
            Place::Own(own) => Some(own.gateway_profile(part)),
            Place::Joined(joined) => joined.gateway_profile(part),
        }
    }

    /// The profile with which somebody reaches those doors.
    pub fn drill_profile(&self, part: &Part) -> PathBuf {
        let name = format!("{}-{}.toml", part.agency, part.system);
        self.folder.join("drill-profiles").join(name)
    }

    /// Ends the drill. Of a gateway of its own, the whole log is verified from its file; of others', over the wire, that
    /// it only grew since the drill began and that all entries stand in it from which was told. The newest checkpoints,
    /// each a signed note, and how many entries were verified.
    ///
    /// # Errors
    /// When a gateway of the drill's own does not end, or a log is not sound.
    pub async fn end(self, told: &Told) -> anyhow::Result<(String, u64)> {
        match &self.place {
            Place::Own(_) => {}
            Place::Joined(_) => return self.proven(&told.counted).await,
        }
        match self.place {
            Place::Own(own) => own.end(&self.agencies).await,
            Place::Joined(_) => Ok((String::new(), 0)),
        }
    }
}
