//! `portcullis-sim schemes`.

use std::io::{ErrorKind, Write as _};

use portcullis_sim::scheme;

/// Prints the catalogue.
pub fn run(json: bool) -> anyhow::Result<()> {
    let text = if json { scheme::as_json()? } else { scheme::as_text() };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads has seen enough: `schemes | head` is no failure.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
