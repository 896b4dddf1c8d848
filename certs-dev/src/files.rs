//! Writing files: keys are created unreadable for others, nothing is left half written.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Who may read a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Readers {
    /// Everybody: certificates and revocation lists.
    All,
    /// The owner: keys.
    Owner,
}

/// Writes a file whole: beside its place, with its mode from the start, then renamed over it.
pub(crate) fn write(path: &Path, text: &str, readers: Readers) -> Result<()> {
    let whole = || format!("cannot write `{}`", path.display());
    let folder = path.parent().with_context(whole)?;
    fs::create_dir_all(folder).with_context(whole)?;
    let mut name = path.file_name().with_context(whole)?.to_owned();
    name.push(".new");
    let beside = folder.join(name);
    if beside.exists() {
        fs::remove_file(&beside).with_context(whole)?;
    }
    let mode = match readers {
        Readers::All => 0o644,
        Readers::Owner => 0o600,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)
        .with_context(whole)?;
    file.write_all(text.as_bytes()).with_context(whole)?;
    drop(file);
    fs::rename(&beside, path).with_context(whole)
}

/// Reads a text file.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}
