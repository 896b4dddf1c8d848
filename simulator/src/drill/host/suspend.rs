//! Suspends agreements as a party would: by its own signature.

use std::path::PathBuf;

use portcullis::command::agreement::{AgreementCommand, Signing};
use serde_json::Value;

/// What an agency needs to act as a party to its agreements.
#[derive(Debug, Clone)]
pub struct Party {
    /// Its agreement key.
    pub key: PathBuf,
    /// The profile of a system of its own.
    pub profile: PathBuf,
}

/// Suspends an agreement by the signature of a party, or lifts its suspension.
///
/// # Errors
/// What the gateway says, in words.
pub async fn suspend(party: &Party, agreement: &str, on: bool) -> anyhow::Result<()> {
    let (key, profile) = (party.key.clone(), Some(party.profile.clone()));
    let signing = Signing { key, profile, reason: "exercise".to_owned(), json: true };
    let id = agreement.to_owned();
    let command = if on {
        AgreementCommand::Suspend { id, signing }
    } else {
        AgreementCommand::Resume { id, signing }
    };
    // The command writes to whoever waits for it, and so stays on one thread.
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || {
        let mut told = vec![];
        let done = portcullis::command::agreement::run(command, &mut told);
        runtime.block_on(done).map(|done| (done, told))
    });
    let (done, told) = done.await??;
    if !done {
        let told: Value = serde_json::from_slice(&told).unwrap_or_default();
        let reason = told.pointer("/failure/reason").and_then(Value::as_str).unwrap_or("REFUSED");
        anyhow::bail!("agreement `{agreement}`: {reason}");
    }
    Ok(())
}
