//! `portcullis-sim schemes`.

use portcullis_sim::scheme;

/// Prints the catalogue.
pub fn run(json: bool) -> anyhow::Result<()> {
    super::print(&if json { scheme::as_json()? } else { scheme::as_text() })
}
