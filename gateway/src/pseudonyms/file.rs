//! The file with the secrets behind pseudonyms: a line `EPOCH HEX` each, the last one being the epoch of new
//! tokens; empty lines and lines that begin with # are for people. A change replaces the file as a whole
//! (written beside it, synced, renamed, the folder synced), keeps its owner, and leaves no copy. A file that
//! others may read, or that has a second name, is refused.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use portcullis_core::id::Digest;
use portcullis_core::redact::{PseudonymKeyError, PseudonymKeys, Zeroizing};

/// Largest file that is read: some 14,000 epochs.
const LARGEST: u64 = 1 << 20;

/// Why a key file cannot be used or changed. Texts name file and line, never what stands there.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
    /// It cannot be written; what was there still is.
    #[error("cannot change {path}: {cause}")]
    Unwritable {
        /// The file.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
    /// Others can read it.
    #[error("{0} is open to others: its mode must be 0600")]
    Open(String),
    /// It is a link, or has a second name.
    #[error("{0} is a link, or has a second name: the secrets would stay under the other one")]
    Linked(String),
    /// A line is none.
    #[error("{path}:{line}: not `EPOCH HEX` with 32 bytes")]
    Malformed {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
    },
    /// Together they are no keys.
    #[error("{path}: {cause}")]
    Keys {
        /// The file.
        path: String,
        /// Why.
        cause: PseudonymKeyError,
    },
    /// No epoch of that number.
    #[error("{path} has no epoch {epoch}")]
    NoSuchEpoch {
        /// The file.
        path: String,
        /// The number.
        epoch: u16,
    },
    /// New tokens are written in it.
    #[error("epoch {0} is the current one: rotate first")]
    Current(u16),
    /// The last number there is.
    #[error("there is no epoch behind {}", u16::MAX)]
    LastEpoch,
    /// Somebody else changes it.
    #[error("{0} is being changed by somebody else")]
    Busy(String),
    /// The machine gives no randomness.
    #[error("no randomness to be had")]
    NoRandomness,
    /// The epoch is gone from the file, but what the disk had there may still be.
    #[error("the epoch is gone from {path}, but its old bytes could not be overwritten: {cause}")]
    NotOverwritten {
        /// The file.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
}

impl KeyFileError {
    /// One stable word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "PSEUDONYM_KEYS_UNREADABLE",
            Self::Unwritable { .. } => "PSEUDONYM_KEYS_UNWRITABLE",
            Self::Open(_) => "PSEUDONYM_KEYS_OPEN",
            Self::Linked(_) => "PSEUDONYM_KEYS_LINKED",
            Self::Malformed { .. } => "PSEUDONYM_KEYS_MALFORMED",
            Self::Keys { cause, .. } => cause.word(),
            Self::NoSuchEpoch { .. } => "PSEUDONYM_EPOCH_UNKNOWN",
            Self::Current(_) => "PSEUDONYM_EPOCH_CURRENT",
            Self::LastEpoch => "PSEUDONYM_EPOCH_LAST",
            Self::Busy(_) => "PSEUDONYM_KEYS_BUSY",
            Self::NoRandomness => "NO_RANDOMNESS",
            Self::NotOverwritten { .. } => "PSEUDONYM_KEYS_NOT_OVERWRITTEN",
        }
    }
}

/// A key file as it was read.
pub struct KeyFile {
    path: String,
    text: Zeroizing<String>,
}

impl KeyFile {
    /// Reads a file that is its owner's alone.
    ///
    /// # Errors
    /// It cannot be read, or others can read it too.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let name = path.display().to_string();
        let unreadable = |cause| KeyFileError::Unreadable { path: name.clone(), cause };
        let mut file = File::open(path).map_err(unreadable)?;
        Self::of(&mut file, name.clone())
    }

    fn of(file: &mut File, path: String) -> Result<Self, KeyFileError> {
        let unreadable = |cause| KeyFileError::Unreadable { path: path.clone(), cause };
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(KeyFileError::Open(path));
        }
        let length = metadata.len().min(LARGEST + 1);
        // Room for all of it at once: a buffer that grew would leave secrets where it was before.
        let mut text =
            Zeroizing::new(String::with_capacity(usize::try_from(length).unwrap_or_default() + 64));
        file.take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > LARGEST {
            return Err(unreadable(io::Error::other("it is larger than 1 MiB")));
        }
        Ok(Self { path, text })
    }

    /// SHA-256 of its content.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    /// The keys in it.
    ///
    /// # Errors
    /// The first line that is none, or why the lines together are no keys.
    pub fn keys(&self) -> Result<PseudonymKeys, KeyFileError> {
        let mut epochs = vec![];
        for (line, text) in self.lines() {
            let path = || self.path.clone();
            epochs.push(parse(text).ok_or_else(|| KeyFileError::Malformed { path: path(), line })?);
        }
        let current = epochs.last().map_or(0, |(epoch, _)| *epoch);
        PseudonymKeys::new(current, epochs)
            .map_err(|cause| KeyFileError::Keys { path: self.path.clone(), cause })
    }

    /// Lines that are for the gateway, numbered from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = (1..).zip(self.text.lines().map(str::trim));
        lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
    }
}

fn parse(line: &str) -> Option<(u16, Zeroizing<[u8; 32]>)> {
    let (epoch, secret) = line.split_once(' ')?;
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(secret.trim(), bytes.as_mut()).ok()?;
    Some((epoch.parse().ok()?, bytes))
}

/// Adds an epoch: from now on new tokens are of that one, and old ones are still opened. Gives the epoch
/// before and the new one.
///
/// # Errors
/// The file cannot be used or changed; then it is as it was.
pub fn rotate(path: &Path) -> Result<(u16, u16), KeyFileError> {
    let mut change = Change::begin(path)?;
    let keys = change.file.keys()?;
    let highest = keys.epochs().max().unwrap_or_default();
    let next = highest.checked_add(1).ok_or(KeyFileError::LastEpoch)?;
    let mut secret = Zeroizing::new([0_u8; 32]);
    aws_lc_rs::rand::fill(secret.as_mut()).map_err(|_| KeyFileError::NoRandomness)?;
    let mut digits = Zeroizing::new([0_u8; 64]);
    // Twice 32 digits: it fits.
    let _ = hex::encode_to_slice(secret.as_ref(), digits.as_mut());
    let old = &change.file.text;
    let mut text = Zeroizing::new(String::with_capacity(old.len() + 80));
    text.push_str(old);
    if !old.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&format!("{next} "));
    text.extend(digits.iter().map(|digit| char::from(*digit)));
    text.push('\n');
    change.replace(&text)?;
    Ok((keys.current(), next))
}

/// Removes an epoch: its tokens cannot be opened any more. Gives the current epoch. What the disk had in its
/// place is overwritten, which file systems that copy on write, and flash, may not honour.
///
/// # Errors
/// The file cannot be used or changed, then it is as it was; or only the overwriting failed.
pub fn destroy(path: &Path, epoch: u16) -> Result<u16, KeyFileError> {
    let mut change = Change::begin(path)?;
    let keys = change.file.keys()?;
    if keys.current() == epoch {
        return Err(KeyFileError::Current(epoch));
    }
    if !keys.epochs().any(|other| other == epoch) {
        return Err(KeyFileError::NoSuchEpoch { path: change.file.path, epoch });
    }
    let old = &change.file.text;
    let mut text = Zeroizing::new(String::with_capacity(old.len() + 1));
    let of_epoch = |line: &str| parse(line.trim()).is_some_and(|(other, _)| other == epoch);
    for line in old.lines().filter(|line| !of_epoch(line)) {
        text.push_str(line);
        text.push('\n');
    }
    change.replace(&text)?;
    change.overwrite_old()?;
    Ok(keys.current())
}

/// A change under way: the old file is open and locked.
struct Change {
    target: PathBuf,
    old: File,
    file: KeyFile,
}

impl Change {
    fn begin(path: &Path) -> Result<Self, KeyFileError> {
        let name = path.display().to_string();
        let unreadable = |cause| KeyFileError::Unreadable { path: name.clone(), cause };
        let named = std::fs::symlink_metadata(path).map_err(unreadable)?;
        let mut old = OpenOptions::new().read(true).write(true).open(path).map_err(unreadable)?;
        let opened = old.metadata().map_err(unreadable)?;
        if named.is_symlink() || opened.nlink() > 1 {
            return Err(KeyFileError::Linked(name));
        }
        old.try_lock().map_err(|_| KeyFileError::Busy(name.clone()))?;
        // Somebody may have replaced it between opening and locking.
        let still = std::fs::symlink_metadata(path).map_err(unreadable)?;
        if (still.ino(), still.dev()) != (opened.ino(), opened.dev()) {
            return Err(KeyFileError::Busy(name));
        }
        let file = KeyFile::of(&mut old, name)?;
        Ok(Self { target: path.to_owned(), old, file })
    }

    fn replace(&mut self, text: &str) -> Result<(), KeyFileError> {
        let unwritable = |cause| KeyFileError::Unwritable { path: self.file.path.clone(), cause };
        let beside = self.beside();
        // Left behind by a change that was interrupted: never in force, and nobody else writes it now.
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(error)),
            _ => {}
        }
        let done = self.write(&beside, text);
        if done.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        done.map_err(unwritable)
    }

    fn write(&self, beside: &Path, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
        let owner = self.old.metadata()?;
        std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(beside, &self.target)?;
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
    }

    fn beside(&self) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(self.target.file_name().unwrap_or_default());
        name.push(".new");
        self.target.with_file_name(name)
    }

    fn overwrite_old(&mut self) -> Result<(), KeyFileError> {
        let length = self.file.text.len();
        let mut overwrite = || {
            self.old.rewind()?;
            self.old.write_all(&vec![b'0'; length])?;
            self.old.sync_all()
        };
        overwrite()
            .map_err(|cause| KeyFileError::NotOverwritten { path: self.file.path.clone(), cause })
    }
}
