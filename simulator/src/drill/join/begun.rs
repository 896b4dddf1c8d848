//! Where the logs stood when a drill began. It is kept in the drill's folder before anybody can ask anything, so that a
//! host which was killed and comes back counts from the same beginning.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use portcullis::audit::LogVerifier;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use serde::{Deserialize, Serialize};
use tonic::transport::Channel;

use super::Ready;

/// Name of the file in a drill's folder.
const FILE: &str = "beginning.json";

/// Where the logs stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beginning {
    /// The logs.
    pub logs: Vec<BegunLog>,
    /// The last release request that each agency knew of; empty where there was none.
    pub releases: BTreeMap<String, String>,
}

/// Where a log stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BegunLog {
    /// `host:port` of its gateway.
    pub gateway: String,
    /// Its public key.
    pub log_key: String,
    /// Its checkpoint, a signed note.
    pub checkpoint: String,
}

/// Why the beginning of a drill is not known.
#[derive(Debug, thiserror::Error)]
pub enum BegunError {
    /// The file.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// What it says.
    #[error("{}: is not what a drill writes there; the drill cannot go on", .0.display())]
    Content(PathBuf),
    /// The gateways are other ones than when the drill began.
    #[error("GATEWAY_CHANGED: {0}: the drill began with other gateways, or another key of the log")]
    Gateways(String),
    /// A gateway does not list release requests.
    #[error("the release requests of {0} cannot be listed: {1}")]
    Releases(String, String),
}

impl BegunLog {
    /// How many entries it had.
    pub fn size(&self) -> u64 {
        let opened = LogVerifier::parse(&self.log_key).and_then(|key| key.open(&self.checkpoint));
        // What cannot be opened is refused at the end; until then everything counts.
        opened.map_or(0, |checkpoint| checkpoint.size)
    }
}

impl Beginning {
    /// Now.
    ///
    /// # Errors
    /// When release requests cannot be listed.
    pub async fn now(ready: &Ready) -> Result<Self, BegunError> {
        let logs = ready.gates.iter().map(|gate| BegunLog {
            gateway: gate.address.clone(),
            log_key: gate.log_key.to_string(),
            checkpoint: gate.checkpoint.note.clone(),
        });
        let mut releases = BTreeMap::new();
        for agency in &ready.agencies {
            let last = last_release(&agency.channel).await.map_err(|status| {
                BegunError::Releases(agency.id.clone(), crate::drill::desk::reason(&status))
            })?;
            releases.insert(agency.id.clone(), last);
        }
        Ok(Self { logs: logs.collect(), releases })
    }

    /// Puts it on disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, folder: &Path) -> Result<(), BegunError> {
        let path = folder.join(FILE);
        let write = || {
            let mut file = std::fs::File::create_new(&path)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.sync_all()?;
            std::fs::File::open(folder)?.sync_all()
        };
        write().map_err(|cause| BegunError::File { path: path.clone(), cause })
    }

    /// That of a drill that had begun, if the gateways are still the same.
    ///
    /// # Errors
    /// When it is not known, or they are not.
    pub fn read(folder: &Path, ready: &Ready) -> Result<Self, BegunError> {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path);
        let text = text.map_err(|cause| BegunError::File { path: path.clone(), cause })?;
        let begun: Self = serde_json::from_str(&text).map_err(|_| BegunError::Content(path))?;
        // A gateway may have moved: what it is, is its log.
        let same = |log: &BegunLog, at: usize| {
            ready.gates.get(at).is_some_and(|gate| gate.log_key.to_string() == log.log_key)
        };
        let other = begun.logs.iter().enumerate().find(|(at, log)| !same(log, *at));
        match other {
            Some((_, log)) => Err(BegunError::Gateways(log.gateway.clone())),
            None if begun.logs.len() != ready.gates.len() => {
                Err(BegunError::Gateways(folder.display().to_string()))
            }
            None => Ok(begun),
        }
    }
}

async fn last_release(channel: &Channel) -> Result<String, tonic::Status> {
    let mut client = QueryServiceClient::new(channel.clone());
    let mut last = String::new();
    loop {
        let ask = wire::ListReleasesRequest {
            after: last.clone(),
            limit: 1_000,
            ..wire::ListReleasesRequest::default()
        };
        let listed = client.list_releases(ask).await?.into_inner();
        if let Some(release) = listed.releases.last() {
            last.clone_from(&release.id);
        }
        if listed.next.is_empty() {
            return Ok(last);
        }
        last = listed.next;
    }
}
