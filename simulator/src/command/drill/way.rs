//! How a drill comes by its gateways.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use portcullis_sim::drill::host::Host;
use portcullis_sim::drill::join::Ready;
use portcullis_sim::drill::plot::Plot;
use portcullis_sim::drill::scenario::Scenario;

/// How.
pub enum Way {
    /// One of its own, made anew.
    Own,
    /// One of its own again, after the host was killed; where the gateway listened.
    OwnAgain(SocketAddr),
    /// Those of others.
    Joined(Box<Ready>),
    /// Those of others again.
    JoinedAgain(Box<Ready>),
}

impl Way {
    /// Whether the gateways are others'.
    pub fn is_joined(&self) -> bool {
        matches!(self, Self::Joined(_) | Self::JoinedAgain(_))
    }

    /// Comes by them.
    pub async fn host(self, scenario: &Scenario, plot: &Plot, out: &Path) -> anyhow::Result<Host> {
        match self {
            Self::Own => or_nothing(out, Host::start(scenario, plot, out).await),
            Self::OwnAgain(gateway) => Host::resume(out, gateway).await,
            Self::Joined(ready) => or_nothing(out, Host::join(*ready, out, false).await),
            Self::JoinedAgain(ready) => Host::join(*ready, out, true).await,
        }
    }
}

/// What was made for a drill, or no folder of it: a disk that is full leaves nothing to clear away by hand.
pub fn or_nothing<T>(out: &Path, made: anyhow::Result<T>) -> anyhow::Result<T> {
    if made.is_err() {
        std::fs::remove_dir_all(out)
            .with_context(|| format!("cannot remove what was begun in {}", out.display()))?;
    }
    made
}
