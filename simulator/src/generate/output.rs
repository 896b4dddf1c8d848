//! A file while it is written: under a name that ends in `.partial`, hashed on the way, and given its name when it
//! is whole. It is open only while bytes go to the disk: a world of many agencies has more files than a process may
//! hold open.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

/// Bytes gathered before the file is opened for them.
const GATHERED: usize = 1 << 20;

/// A file while it is written.
pub struct Output {
    path: PathBuf,
    begun: bool,
    gathered: Vec<u8>,
    bytes: u64,
    hash: Context,
}

/// A file that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its bytes.
    pub bytes: u64,
    /// Their SHA-256, hexadecimal.
    pub sha256: String,
}

impl Output {
    /// A file that will have this name.
    pub fn new(path: PathBuf) -> Self {
        let (gathered, hash) = (vec![], Context::new(&SHA256));
        Self { path, begun: false, gathered, bytes: 0, hash }
    }

    /// Its name in the end.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// What the file system says.
    pub fn done(mut self) -> io::Result<Written> {
        self.store(&[])?;
        File::open(partial(&self.path))?.sync_all()?;
        std::fs::rename(partial(&self.path), &self.path)?;
        Ok(Written { bytes: self.bytes, sha256: hex::encode(self.hash.finish().as_ref()) })
    }

    fn store(&mut self, more: &[u8]) -> io::Result<()> {
        let mut file = if std::mem::replace(&mut self.begun, true) {
            File::options().append(true).open(partial(&self.path))?
        } else {
            // What an interrupted run left is written anew.
            File::create(partial(&self.path))?
        };
        file.write_all(&self.gathered)?;
        self.gathered.clear();
        file.write_all(more)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        if self.gathered.len() + bytes.len() < GATHERED {
            self.gathered.extend_from_slice(bytes);
        } else {
            self.store(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.begun && self.gathered.is_empty() {
            return Ok(());
        }
        self.store(&[])?;
        // Many files wait at a time: what they do not need now is given back.
        self.gathered.shrink_to(0);
        Ok(())
    }
}

/// The name of a file that is not whole yet.
pub fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}
