//! `portcullis keys`: keys for a gateway or an auditor, each file readable by its owner alone.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use zeroize::Zeroizing;

use crate::audit::keys;

/// Keys.
#[derive(Subcommand)]
pub enum KeysCommand {
    /// Keys of a new gateway: log.key, audit.key with audit.key.pub, pseudonym.keys.
    Gateway {
        /// Folder; made where there is none. Files that exist are not overwritten.
        dir: PathBuf,
        /// Name of the gateway, as in its configuration: origin of its log.
        #[arg(long)]
        name: String,
    },
    /// Key of an agency's auditor: the private file, and the public one beside it (.pub).
    Auditor {
        /// The private file.
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// Files that exist or cannot be written.
pub fn run(command: &KeysCommand, out: &mut dyn Write) -> anyhow::Result<bool> {
    match command {
        KeysCommand::Gateway { dir, name } => {
            std::fs::create_dir_all(dir)
                .with_context(|| format!("cannot make {}", dir.display()))?;
            let verifier = gateway(dir, name)?;
            writeln!(out, "keys in {}; the log's verifier key is {verifier}", dir.display())?;
        }
        KeysCommand::Auditor { file } => {
            auditor(file)?;
            writeln!(out, "{0}, and {0}.pub for the gateway", file.display())?;
        }
    }
    Ok(true)
}

/// Keys of a new gateway; gives the log's verifier key.
///
/// # Errors
/// Files that exist or cannot be written.
pub fn gateway(dir: &Path, name: &str) -> anyhow::Result<String> {
    let signer = keys::generate_log_key(&dir.join("log.key"), name)?;
    auditor(&dir.join("audit.key"))?;
    let mut bytes = Zeroizing::new([0_u8; 32]);
    aws_lc_rs::rand::fill(bytes.as_mut()).context("no randomness")?;
    let line = Zeroizing::new(format!("1 {}\n", hex::encode(bytes.as_ref())));
    create(&dir.join("pseudonym.keys"), line.as_bytes())?;
    Ok(signer.verifier().to_string())
}

/// A seal key: the private file, and the public one beside it.
///
/// # Errors
/// Files that exist or cannot be written.
pub fn auditor(path: &Path) -> anyhow::Result<()> {
    let (_, public) = keys::generate_seal_key(path)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    create(Path::new(&name), format!("{public}\n").as_bytes())
}

/// A file of 32 secret bytes.
///
/// # Errors
/// A file that exists or cannot be written.
pub fn secret(path: &Path) -> anyhow::Result<()> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    aws_lc_rs::rand::fill(bytes.as_mut()).context("no randomness")?;
    create(path, bytes.as_ref())
}

fn create(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("cannot write {}", path.display()))
}
