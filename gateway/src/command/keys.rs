//! `portcullis keys`: keys for a gateway or an auditor, each file readable by its owner alone.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use zeroize::Zeroizing;

use crate::audit::keys;
use crate::officers;
use crate::pseudonyms::{self, KeyFile};

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
    /// Epochs of a gateway's pseudonyms.
    #[command(subcommand)]
    Pseudonym(PseudonymCommand),
    /// Ed25519 key that signs tokens of an agency's officers: the private file, and the public one beside it
    /// (.pub) for the gateway's `officer_keys`; both PEM.
    Officer {
        /// The private file.
        file: PathBuf,
    },
    /// Key with which an agency signs agreements: the private file, and the public one beside it (.pub).
    Agreement {
        /// The private file.
        file: PathBuf,
        /// The agency.
        #[arg(long)]
        agency: String,
    },
    /// Key of an agency's auditor: the private file, and the public one beside it (.pub).
    Auditor {
        /// The private file.
        file: PathBuf,
    },
}

/// Epochs of pseudonyms: tokens of an epoch can be opened as long as its secret stands in the file. A
/// running gateway takes a changed file within two seconds.
#[derive(Subcommand)]
pub enum PseudonymCommand {
    /// List the epochs of a file.
    List {
        /// The gateway's `pseudonym_keys`.
        file: PathBuf,
    },
    /// Begin a new epoch: new tokens are of that one, older ones are still opened.
    Rotate {
        /// The gateway's `pseudonym_keys`.
        file: PathBuf,
    },
    /// Destroy an epoch that is not the current one: nobody can open its tokens any more.
    Destroy {
        /// The gateway's `pseudonym_keys`.
        file: PathBuf,
        /// The epoch.
        epoch: u16,
        /// The same number again: there is no way back.
        #[arg(long, value_name = "EPOCH")]
        confirm: u16,
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
        KeysCommand::Pseudonym(command) => return pseudonym(command, out),
        KeysCommand::Officer { file } => {
            let public = officers::generate(file)?;
            writeln!(out, "{}, and {} for the gateway", file.display(), public.display())?;
        }
        KeysCommand::Agreement { file, agency } => {
            let verifier = agreement(file, agency)?;
            writeln!(out, "{0}, and {0}.pub for the gateway: {verifier}", file.display())?;
        }
        KeysCommand::Auditor { file } => {
            auditor(file)?;
            writeln!(out, "{0}, and {0}.pub for the gateway", file.display())?;
        }
    }
    Ok(true)
}

fn pseudonym(command: &PseudonymCommand, out: &mut dyn Write) -> anyhow::Result<bool> {
    match command {
        PseudonymCommand::List { file } => {
            let keys = KeyFile::read(file)?.keys()?;
            for epoch in keys.epochs() {
                let current = epoch == keys.current();
                let what = if current { "current: new tokens" } else { "opens older tokens" };
                writeln!(out, "{epoch:>5}  {what}")?;
            }
        }
        PseudonymCommand::Rotate { file } => {
            let (before, now) = pseudonyms::rotate(file)?;
            writeln!(
                out,
                "epoch {now} is the current one; tokens of epoch {before} are still opened, and the same \
                 values get other tokens from now on"
            )?;
        }
        PseudonymCommand::Destroy { file, epoch, confirm } => {
            if confirm != epoch {
                anyhow::bail!("--confirm {confirm} is not epoch {epoch}: nothing was changed");
            }
            let current = pseudonyms::destroy(file, *epoch)?;
            writeln!(
                out,
                "epoch {epoch} is destroyed: nobody can open its tokens and record references any more; \
                 the same values have other tokens in epoch {current}\n\
                 a running gateway forgets it within {} seconds and ends answers that it writes in it\n\
                 copies of the file elsewhere (backups, snapshots) still hold the secret",
                pseudonyms::TAKES_EFFECT.as_secs()
            )?;
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

/// A key with which an agency signs agreements; gives the verifier key, which is written beside it too.
///
/// # Errors
/// Files that exist or cannot be written, or a name that is none.
pub fn agreement(path: &Path, agency: &str) -> anyhow::Result<String> {
    let verifier = keys::generate_log_key(path, agency)?.verifier().to_string();
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    create(Path::new(&name), format!("{verifier}\n").as_bytes())?;
    Ok(verifier)
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
