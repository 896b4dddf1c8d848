//! `portcullis-sim join`.

use std::path::PathBuf;

use portcullis_sim::generate::join;

/// Arguments of `join`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folders that `generate --part` wrote: one that all parts share, or several.
    #[arg(required = true)]
    parts: Vec<PathBuf>,
    /// Folder for the whole, with the bytes that one run would have written. Nothing is copied without it: the
    /// parts are checked, and `manifest.json` beside them tells that they are whole.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print the manifest.
    #[arg(long)]
    json: bool,
}

/// Joins.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let manifest = join(&arguments.parts, arguments.out.as_deref())?.manifest;
    if arguments.json {
        return super::print(&(serde_json::to_string_pretty(&manifest)? + "\n"));
    }
    let tables = manifest.files.iter().filter(|file| !file.table.starts_with("truth/"));
    let rows: u64 = tables.map(|file| file.rows).sum();
    let (parts, files) = (manifest.origin.parts, manifest.files.len());
    super::print(&format!("whole: {rows} rows in {files} files, parts: {parts}\n"))
}
