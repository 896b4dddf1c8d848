//! A running gateway takes a changed key file without a restart. It looks at the file's content once a
//! second; what it finds must stand there unchanged a moment later, so that a file that somebody is writing
//! by hand is not taken half. A file that cannot be used changes nothing but the log, a metric and what
//! `/readyz` says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::id::Digest;
use tokio_util::sync::CancellationToken;

use super::{KeyFile, KeyFileError, Pseudonyms};
use crate::telemetry::Metrics;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How long it must stand unchanged.
const SETTLED: Duration = Duration::from_millis(100);
/// A change of the file is in force after that long, for answers under way too.
pub const TAKES_EFFECT: Duration = Duration::from_secs(2);

/// Watches until told to stop. `known` is the content with which the gateway began.
pub async fn watch(
    path: PathBuf,
    mut known: Option<Digest>,
    pseudonyms: Arc<Pseudonyms>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    metrics.pseudonym_epoch.set(pseudonyms.current().into());
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        let found = look(&path).await;
        if digest(&found) == known {
            continue;
        }
        tokio::time::sleep(SETTLED).await;
        let settled = look(&path).await;
        if digest(&settled) != digest(&found) {
            continue;
        }
        known = digest(&settled);
        match settled.and_then(|file| file.keys()) {
            Ok(keys) => {
                let epochs = keys.epochs().count();
                pseudonyms.replace(keys);
                pseudonyms.set_trouble(None);
                metrics.pseudonym_keys_refused.set(0);
                metrics.pseudonym_epoch.set(pseudonyms.current().into());
                let current = pseudonyms.current();
                tracing::info!(current, epochs, "pseudonym keys changed");
            }
            Err(error) => {
                tracing::warn!(reason = error.reason(), %error, "pseudonym keys kept");
                pseudonyms.set_trouble(Some(error.to_string()));
                metrics.pseudonym_keys_refused.set(1);
            }
        }
    }
}

async fn look(path: &Path) -> Result<KeyFile, KeyFileError> {
    let (name, path) = (path.display().to_string(), path.to_owned());
    let read = tokio::task::spawn_blocking(move || KeyFile::read(&path)).await;
    read.unwrap_or_else(|error| {
        Err(KeyFileError::Unreadable { path: name, cause: std::io::Error::other(error) })
    })
}

/// A file that cannot be read is a state of its own.
fn digest(found: &Result<KeyFile, KeyFileError>) -> Option<Digest> {
    found.as_ref().ok().map(KeyFile::digest)
}
