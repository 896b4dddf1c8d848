//! From a profile to a channel, by the rules of `identity::connect`: TLS 1.3, the profile's CAs only, and a
//! server that carries exactly the expected name.

use std::time::Duration;

use anyhow::Context as _;
use tonic::transport::Channel;

use super::Profile;
use crate::clock::Clock;
use crate::identity::PeerId;
use crate::identity::connect::{
    ClientFiles, ClientIdentity, ConnectLimits, ExpectedServer, channel,
};

/// Opens a channel; the connection is made at the first call.
///
/// # Errors
/// Files of the profile that cannot be used, or names that are none.
pub async fn connect(profile: &Profile) -> anyhow::Result<Channel> {
    let files = ClientFiles {
        certificate: profile.certificate.clone(),
        key: profile.key.clone(),
        roots: vec![profile.trust_bundle.clone()],
        crls: vec![],
    };
    let identity = ClientIdentity::load(&files)?;
    let expected = match (&profile.server_spiffe_id, &profile.server_name) {
        (Some(id), _) => ExpectedServer::Spiffe(
            PeerId::parse(id).map_err(|_| anyhow::anyhow!("`{id}` is not a name of a server"))?,
        ),
        (None, Some(name)) => ExpectedServer::Name(name.clone()),
        (None, None) => anyhow::bail!("the profile does not say whom to expect"),
    };
    // The whole answer may take the profile's time; the first handshake alone should not.
    let limits = ConnectLimits {
        connect_timeout: Duration::from_secs(profile.timeout_seconds.min(10)),
        ..ConnectLimits::default()
    };
    channel(profile.address()?, &identity, expected, &Clock::system(), &limits)
        .with_context(|| format!("gateway {}", profile.gateway))
}
