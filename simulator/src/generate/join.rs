//! Parts to a whole: checks that all parts are there, of one world, and as they were written; then either tells so in
//! a manifest beside them, or joins them to the bytes that one run would have written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

use super::manifest::{Entry, Manifest, ManifestError, manifests};
use super::output::{Output, Written};
use super::work::Part;

/// Why parts are no whole.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// A folder, or a manifest in it.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file.
    #[error("cannot read or write {}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// No parts at all.
    #[error("{} holds no manifest of a part: make parts with `generate --part I/N`", .0.display())]
    None(PathBuf),
    /// Parts of two worlds.
    #[error("{} and {} are not of one world: {differs}", one.display(), other.display())]
    Another {
        /// A manifest.
        one: PathBuf,
        /// The other.
        other: PathBuf,
        /// What differs.
        differs: String,
    },
    /// A part twice, and not the same.
    #[error("{} and {} are one part with different files", one.display(), other.display())]
    Twice {
        /// A manifest.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// Parts that are not there.
    #[error("of {of} parts these are missing: {missing}")]
    Missing {
        /// How many there are to be.
        of: u64,
        /// Their numbers.
        missing: String,
    },
    /// A file that is not what its manifest says.
    #[error("{} is not the file that was generated: {problem}", path.display())]
    Changed {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Parts in several folders.
    #[error("parts in several folders are joined into another one: name it with --out")]
    Folders,
    /// A format whose files cannot be put one after the other.
    #[error("{0} files stay in parts, which readers take as one table: leave --out away")]
    Format(String),
}

/// What was joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Manifest of the whole.
    pub manifest: Manifest,
}

/// A part: its folder and its manifest, and where that is.
struct Found {
    folder: PathBuf,
    path: PathBuf,
    manifest: Manifest,
}

/// Checks the parts in these folders, and joins them into `out` where one is named.
///
/// # Errors
/// As [`JoinError`]; `out` then has no manifest.
pub fn join(from: &[PathBuf], out: Option<&Path>) -> Result<Joined, JoinError> {
    let parts = parts(from)?;
    let Some(first) = parts.values().next() else {
        return Err(JoinError::None(from.first().cloned().unwrap_or_default()));
    };
    let mut origin = first.manifest.origin.clone();
    let files = parts
        .values()
        .flat_map(|part| part.manifest.files.iter().map(|file| (part.folder.as_path(), file)));
    let manifest = match out {
        None => {
            if parts.values().any(|part| part.folder != first.folder) {
                return Err(JoinError::Folders);
            }
            let mut all = vec![];
            for (folder, file) in files {
                copy(folder, file, false, &mut io::sink())?;
                all.push(file.clone());
            }
            all.sort_by(|one: &Entry, other| one.path.cmp(&other.path));
            let manifest = Manifest { origin, part: None, files: all };
            manifest.write(&first.folder)?;
            manifest
        }
        Some(out) => {
            if origin.format == "parquet" {
                return Err(JoinError::Format(origin.format));
            }
            origin.parts = 1;
            let mut manifest = Manifest::claim(origin, Part::WHOLE, out)?;
            let mut wholes: BTreeMap<String, Vec<(&Path, &Entry)>> = BTreeMap::new();
            for (folder, file) in files {
                let part = Part { index: file.part, count: first.manifest.origin.parts };
                let path = file.path.replace(&part.name(), &Part::WHOLE.name());
                wholes.entry(path).or_default().push((folder, file));
            }
            for (path, files) in wholes {
                manifest.files.push(whole(out, path, &files)?);
            }
            manifest.write(out)?;
            manifest
        }
    };
    Ok(Joined { manifest })
}

/// All parts of the world that is in these folders, by number.
fn parts(from: &[PathBuf]) -> Result<BTreeMap<u64, Found>, JoinError> {
    let mut parts: BTreeMap<u64, Found> = BTreeMap::new();
    for folder in from {
        for path in manifests(folder, false)? {
            let manifest = Manifest::read(&path)?;
            // What an earlier join told of the whole is told anew.
            let Some(index) = manifest.part else { continue };
            if let Some(other) = parts.values().next()
                && let Some(differs) = other.manifest.origin.differs(&manifest.origin)
            {
                return Err(JoinError::Another { one: other.path.clone(), other: path, differs });
            }
            match parts.get(&index) {
                Some(other) if other.manifest != manifest => {
                    return Err(JoinError::Twice { one: other.path.clone(), other: path });
                }
                Some(_) => {}
                None => {
                    parts.insert(index, Found { folder: folder.clone(), path, manifest });
                }
            }
        }
    }
    let of = parts.values().next().map_or(0, |part| part.manifest.origin.parts);
    let missing: Vec<String> =
        (0..of).filter(|index| !parts.contains_key(index)).map(|index| index.to_string()).collect();
    if missing.is_empty() {
        Ok(parts)
    } else {
        Err(JoinError::Missing { of, missing: missing.join(", ") })
    }
}

/// Writes the parts of a file one after the other; of CSV the header once.
fn whole(out: &Path, path: String, files: &[(&Path, &Entry)]) -> Result<Entry, JoinError> {
    let target = out.join(&path);
    let failed = |cause| JoinError::File { path: target.clone(), cause };
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut output = Output::new(target.clone());
    let header = path.ends_with(".csv");
    for (at, (folder, file)) in files.iter().enumerate() {
        copy(folder, file, header && at > 0, &mut output)?;
    }
    let Written { bytes, sha256 } = output.done().map_err(failed)?;
    let rows = files.iter().map(|(_, file)| file.rows).sum();
    let (table, agency) = files
        .first()
        .map(|(_, file)| (file.table.clone(), file.agency.clone()))
        .unwrap_or_default();
    Ok(Entry { path, table, agency, part: 0, rows, bytes, sha256 })
}

/// Copies a file, without its first line where that is a header again, and checks it on the way.
fn copy(folder: &Path, file: &Entry, headless: bool, to: &mut dyn Write) -> Result<(), JoinError> {
    let path = folder.join(&file.path);
    let failed = |cause| JoinError::File { path: path.clone(), cause };
    let mut from = BufReader::with_capacity(1 << 18, File::open(&path).map_err(failed)?);
    let (mut hash, mut bytes) = (Context::new(&SHA256), 0);
    if headless {
        let mut line = vec![];
        from.read_until(b'\n', &mut line).map_err(failed)?;
        hash.update(&line);
        bytes += line.len() as u64;
    }
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = from.read(&mut buffer).map_err(failed)?;
        let read = buffer.get(..count).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        hash.update(read);
        bytes += read.len() as u64;
        to.write_all(read).map_err(failed)?;
    }
    let sha256 = hex::encode(hash.finish().as_ref());
    let problem = if bytes != file.bytes {
        format!("it has {bytes} bytes and not {}", file.bytes)
    } else if sha256 != file.sha256 {
        "its SHA-256 is another".to_owned()
    } else {
        return Ok(());
    };
    Err(JoinError::Changed { path, problem })
}
