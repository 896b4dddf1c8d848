//! What a folder holds: which world, which parts of it, and every file with its rows, bytes and hash. A manifest
//! is written last, so that a folder with one is whole; while files are written it stands there as `.partial`,
//! without files, so that nobody mixes two worlds in one folder.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::output::partial;
use super::{Layout, Part};
use crate::shipment::Engine;
use crate::table::Table;

/// Which version made the bytes. Another version may make other bytes of the same pack and seed.
pub const ENGINE: &str = env!("CARGO_PKG_VERSION");

/// The manifest of a whole world.
pub const WHOLE: &str = "manifest.json";

/// What all files of a folder have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Name of the pack.
    pub pack: String,
    /// SHA-256 of its files.
    pub pack_hash: String,
    /// What everything drawn follows from.
    pub seed: u64,
    /// Version of the engine.
    pub engine: String,
    /// How many consignments.
    pub consignments: u64,
    /// Cases and decoys of several consignments, by kind.
    pub cases: BTreeMap<String, u64>,
    /// Whether clerks' slips were laid over it.
    pub dirt: bool,
    /// Ending of the files.
    pub format: String,
    /// `flat` or `hive`.
    pub layout: String,
    /// How many parts the world is in.
    pub parts: u64,
}

impl Origin {
    /// That of what an engine makes.
    pub fn new(engine: &Engine, format: &str, layout: Layout, parts: u64) -> Self {
        let kinds = &engine.cases.requested().kinds;
        Self {
            pack: engine.world.pack_name.clone(),
            pack_hash: engine.world.pack_hash.clone(),
            seed: engine.world.seed.0,
            engine: ENGINE.to_owned(),
            consignments: engine.consignments,
            cases: kinds.iter().map(|(kind, count)| (kind.id().to_owned(), *count)).collect(),
            dirt: engine.dirt.is_some(),
            format: format.to_owned(),
            layout: layout.word().to_owned(),
            parts,
        }
    }

    /// What differs from another, in words; `None` where nothing does.
    pub fn differs(&self, other: &Self) -> Option<String> {
        let words = |origin: &Self| {
            [
                ("pack", origin.pack.clone()),
                ("pack hash", origin.pack_hash.clone()),
                ("seed", origin.seed.to_string()),
                ("engine", origin.engine.clone()),
                ("consignments", origin.consignments.to_string()),
                ("cases", format!("{:?}", origin.cases)),
                ("dirt", origin.dirt.to_string()),
                ("format", origin.format.clone()),
                ("layout", origin.layout.clone()),
                ("parts", origin.parts.to_string()),
            ]
        };
        let differ: Vec<String> = words(self)
            .into_iter()
            .zip(words(other))
            .filter(|(mine, theirs)| mine != theirs)
            .map(|((what, mine), (_, theirs))| format!("{what} {mine} against {theirs}"))
            .collect();
        (!differ.is_empty()).then(|| differ.join("; "))
    }
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Where it is, from the manifest's folder; `/` between folders.
    pub path: String,
    /// The table whose rows it holds, or `truth/` and what it tells.
    pub table: String,
    /// The agency whose rows it holds, where the layout parts agencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// Which part it is.
    pub part: u64,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Their SHA-256, hexadecimal.
    pub sha256: String,
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What all files have in common.
    pub origin: Origin,
    /// The part that this is; none where it is the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<u64>,
    /// The files, by path.
    pub files: Vec<Entry>,
}

/// Why a manifest is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file or folder.
    #[error("cannot read or write {}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Not a manifest of this version.
    #[error("{} is no manifest: {cause}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        cause: serde_json::Error,
    },
    /// Files of another world.
    #[error("{} is of another world ({differs}): name another folder, or empty this one", path.display())]
    Another {
        /// The manifest there.
        path: PathBuf,
        /// What is wanted, and what is there.
        differs: String,
    },
    /// Files of whatever world.
    #[error("{} holds files and no manifest tells of which world: name another folder", .0.display())]
    Unknown(PathBuf),
}

impl Manifest {
    /// Name of its file.
    pub fn name(&self) -> String {
        match self.part {
            Some(index) => name(Part { index, count: self.origin.parts }),
            None => WHOLE.to_owned(),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// When there is none, or it says what this version does not understand.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let text = std::fs::read(path)
            .map_err(|cause| ManifestError::File { path: path.to_owned(), cause })?;
        serde_json::from_slice(&text)
            .map_err(|cause| ManifestError::Content { path: path.to_owned(), cause })
    }

    /// Writes it into a folder, whole or not at all.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, folder: &Path) -> Result<(), ManifestError> {
        let path = folder.join(self.name());
        self.store(&path)?;
        match std::fs::remove_file(partial(&path)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(ManifestError::File { path: partial(&path), cause })
            }
            _ => Ok(()),
        }
    }

    /// Whoever else reads the folder now sees the file before or after, never half of it.
    fn store(&self, path: &Path) -> Result<(), ManifestError> {
        let failed = |cause| ManifestError::File { path: path.to_owned(), cause };
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))? + "\n";
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        std::fs::write(&beside, text).map_err(failed)?;
        std::fs::File::open(&beside).and_then(|file| file.sync_all()).map_err(failed)?;
        std::fs::rename(&beside, path).map_err(failed)
    }

    /// Claims a folder for a part of a world before its files are written.
    ///
    /// # Errors
    /// When it holds another world, or files of which no manifest tells.
    pub fn claim(origin: Origin, part: Part, folder: &Path) -> Result<Self, ManifestError> {
        std::fs::create_dir_all(folder)
            .map_err(|cause| ManifestError::File { path: folder.to_owned(), cause })?;
        let there = manifests(folder, true)?;
        for path in &there {
            let held = match Self::read(path) {
                // A part that has ended since: its manifest has its name now, and a join will look at it.
                Err(ManifestError::File { cause, .. })
                    if cause.kind() == io::ErrorKind::NotFound =>
                {
                    continue;
                }
                read => read?.origin,
            };
            if let Some(differs) = origin.differs(&held) {
                return Err(ManifestError::Another { path: path.clone(), differs });
            }
        }
        if there.is_empty() && holds_files(folder) {
            return Err(ManifestError::Unknown(folder.to_owned()));
        }
        let part = (part != Part::WHOLE).then_some(part.index);
        let claimed = Self { origin, part, files: vec![] };
        claimed.store(&partial(&folder.join(claimed.name())))?;
        Ok(claimed)
    }
}

/// Name of the manifest of a part.
pub fn name(part: Part) -> String {
    if part == Part::WHOLE { WHOLE.to_owned() } else { format!("manifest-{}.json", part.name()) }
}

/// Manifests in a folder, by name; with those of runs that did not end, where they are wanted.
pub fn manifests(folder: &Path, begun: bool) -> Result<Vec<PathBuf>, ManifestError> {
    let failed = |cause| ManifestError::File { path: folder.to_owned(), cause };
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let whole = begun.then(|| name.strip_suffix(".partial")).flatten().unwrap_or(name);
        if whole == WHOLE || (whole.starts_with("manifest-part-") && whole.ends_with(".json")) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn holds_files(folder: &Path) -> bool {
    let ours = Table::ALL.iter().map(|table| table.name()).chain(["records", "truth"]);
    ours.into_iter().any(|name| folder.join(name).exists())
}
