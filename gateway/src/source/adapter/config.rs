//! The file of `portcullis source --config`: whose records, where to listen, whom to trust, what to serve.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Settings of a source; paths are relative to the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The agency whose records these are.
    pub agency: String,
    /// PRODUCTION or EXERCISE; every record gets it.
    pub environment: String,
    /// Address to listen on, such as 127.0.0.1:7443; port 0 takes a free one.
    pub listen: String,
    /// Own certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// Whom to answer.
    pub gateway: GatewayConfig,
    /// Secret behind opaque ids: at least 32 bytes, not readable for others.
    pub id_key: PathBuf,
    /// Folder of the nameless spool files; the one of this file unless given.
    pub spool_dir: Option<PathBuf>,
    /// Requester agencies that are answered; all that the gateway lets through unless given.
    pub allow: Option<Vec<String>>,
    /// Mapping files.
    pub mappings: Vec<MappingEntry>,
    /// Limits.
    #[serde(default)]
    pub limits: Limits,
}

/// The gateways that are answered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// Trust domain of their names.
    pub trust_domain: String,
    /// Their CA, PEM.
    pub bundle: PathBuf,
    /// Its revocation list, PEM; a stale one refuses everybody.
    pub crl: PathBuf,
    /// Their names: spiffe://<trust domain>/agency/<agency>/system/<system>.
    pub spiffe_ids: Vec<String>,
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
}

impl Default for Limits {
    fn default() -> Self {
        Self { searches: 64 }
    }
}

impl SourceConfig {
    /// The mappings, paths relative to the config file's folder.
    pub fn mapping_refs(&self, folder: &Path) -> Vec<MappingRef> {
        let one = |entry: &MappingEntry| match entry {
            MappingEntry::File(file) => MappingRef { file: folder.join(file), data_dir: None },
            MappingEntry::With(with) => MappingRef {
                file: folder.join(&with.file),
                data_dir: with.data_dir.as_ref().map(|dir| folder.join(dir)),
            },
        };
        self.mappings.iter().map(one).collect()
    }
}
