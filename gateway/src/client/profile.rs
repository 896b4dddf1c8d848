//! A profile: how one system reaches its gateway. Its keys are explained in [`SAMPLE`].

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

/// A commented profile.
pub const SAMPLE: &str = r#"# How this system reaches its gateway. Paths are relative to this file.

# Where the gateway listens.
gateway = "https://gateway.example:7443"
# Whom the gateway's certificate must name. One of the two; with both, the SPIFFE id decides.
server_spiffe_id = "spiffe://exchange.example/agency/hub/system/gateway"
# server_name = "gateway.example"
# CAs that may vouch for the gateway, PEM.
trust_bundle = "gateway-ca.pem"
# This system's certificate chain and key, PEM.
certificate = "system.pem"
key = "system.key"
# How long an answer may take, in seconds; 1 to 3600.
timeout_seconds = 60
"#;

/// A profile, checked; its paths are usable from anywhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// `https://host:port`.
    pub gateway: String,
    /// DNS name or address that the gateway's certificate must be valid for.
    #[serde(default)]
    pub server_name: Option<String>,
    /// SPIFFE id that the gateway's certificate must carry.
    #[serde(default)]
    pub server_spiffe_id: Option<String>,
    /// CAs that may vouch for the gateway, PEM.
    pub trust_bundle: PathBuf,
    /// Our chain, PEM.
    pub certificate: PathBuf,
    /// Our key, PEM.
    pub key: PathBuf,
    /// How long an answer may take.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_timeout() -> u64 {
    60
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML, has an unknown key or lacks one, or a value is out of range.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        let named = || format!("profile {}", file.display());
        let text = std::fs::read_to_string(file).with_context(named)?;
        let folder = file.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder).with_context(named)
    }

    fn parse(text: &str, folder: &Path) -> anyhow::Result<Self> {
        let mut profile: Self = toml::from_str(text)?;
        profile.address()?;
        anyhow::ensure!(
            profile.server_name.is_some() || profile.server_spiffe_id.is_some(),
            "`server_spiffe_id` or `server_name` is needed: without one any server would do"
        );
        anyhow::ensure!(
            (1..=3600).contains(&profile.timeout_seconds),
            "`timeout_seconds` is 1 to 3600"
        );
        for path in [&mut profile.trust_bundle, &mut profile.certificate, &mut profile.key] {
            *path = folder.join(&path);
        }
        Ok(profile)
    }

    /// `host:port` of the gateway.
    ///
    /// # Errors
    /// The address is not of the form `https://host:port`.
    pub fn address(&self) -> anyhow::Result<&str> {
        self.gateway
            .strip_prefix("https://")
            .map(|rest| rest.strip_suffix('/').unwrap_or(rest))
            .filter(|rest| !rest.contains('/') && rest.contains(':'))
            .with_context(|| format!("`gateway` is https://host:port, not `{}`", self.gateway))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Profile, String> {
        Profile::parse(text, Path::new("/etc/portcullis")).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_sample_is_a_profile_and_its_paths_are_relative_to_the_file() {
        let profile = parse(SAMPLE).unwrap();
        assert_eq!(profile.address().unwrap(), "gateway.example:7443");
        assert_eq!(profile.key, Path::new("/etc/portcullis/system.key"));
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (SAMPLE.replace("timeout_seconds", "timeout"), "unknown field `timeout`"),
            (SAMPLE.replace("https://", "http://"), "`gateway` is https://host:port"),
            (SAMPLE.replace(":7443", "/path"), "`gateway` is https://host:port"),
            (SAMPLE.replace("= 60", "= 0"), "1 to 3600"),
            (SAMPLE.replace("server_spiffe_id", "# "), "any server would do"),
            (SAMPLE.replace("\nkey", "\n# key"), "missing field `key`"),
        ];
        for (text, part) in cases {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
