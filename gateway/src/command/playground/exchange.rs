//! An exchange that somebody else made: `exchange.toml` names agencies, their mappings, agreements and cases. The
//! simulator writes one from a world pack; a trainer may write one by hand.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::world::{WorldAgency, WorldSource, WorldSpec, quoted};
use crate::source::adapter::{Lines, MappingRef};

/// Name of the file in the folder of an exchange.
const FILE: &str = "exchange.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeFile {
    /// For people.
    name: String,
    record_types: Vec<String>,
    /// Files, relative to the folder.
    agreements: Vec<PathBuf>,
    #[serde(default)]
    case: Vec<CaseEntry>,
    agency: Vec<AgencyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseEntry {
    id: String,
    opens: String,
    members: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgencyEntry {
    id: String,
    name: String,
    country: String,
    kind: String,
    max_sensitivity: String,
    systems: Vec<String>,
    #[serde(default)]
    mappings: Vec<PathBuf>,
    #[serde(default)]
    record_types: Vec<String>,
}

/// Reads the exchange of a folder.
///
/// # Errors
/// What cannot be read, with file and line.
pub fn read(dir: &Path) -> anyhow::Result<WorldSpec> {
    let dir = dir.canonicalize().with_context(|| format!("cannot read {}", dir.display()))?;
    let path = dir.join(FILE);
    let text = read_text(&path)?;
    let file: ExchangeFile = toml::from_str(&text).map_err(|error| {
        let line = Lines::of(&text).line(error.span().map_or(0, |span| span.start));
        anyhow::anyhow!("{}:{line}: {}", path.display(), error.message())
    })?;
    let mut agreements = vec![];
    for name in &file.agreements {
        let file = name.file_name().and_then(|name| name.to_str());
        let Some(file) = file else {
            bail!("{}: `{}` names no file", path.display(), name.display())
        };
        agreements.push((file.to_owned(), read_text(&dir.join(name))?));
    }
    let agencies = file.agency.into_iter().map(|entry| entry.agency(&dir)).collect();
    let cases = file.case.iter().map(CaseEntry::text).collect();
    tracing::info!(exchange = %file.name, "brings up an exchange that was made elsewhere");
    Ok(WorldSpec {
        agencies,
        cases,
        agreements,
        record_types: file.record_types,
        ..WorldSpec::default()
    })
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

impl AgencyEntry {
    fn agency(self, dir: &Path) -> WorldAgency {
        let mappings = self
            .mappings
            .iter()
            .map(|file| MappingRef { file: dir.join(file), data_dir: None })
            .collect();
        let source = (!self.mappings.is_empty())
            .then_some(WorldSource::Files { mappings, record_types: self.record_types });
        WorldAgency {
            id: self.id,
            name: self.name,
            country: self.country,
            kind: self.kind,
            max_sensitivity: self.max_sensitivity,
            systems: self.systems,
            source,
        }
    }
}

impl CaseEntry {
    /// Its table in the gateway's configuration.
    fn text(&self) -> String {
        let members: Vec<String> = self.members.iter().map(|member| quoted(member)).collect();
        format!(
            "\n[[cases]]\nid = {}\nmembers = [{}]\nopens = {}\n",
            quoted(&self.id),
            members.join(", "),
            quoted(&self.opens)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = \"n\"\nrecord_types = []\nagreements = [\"agreements/a.toml\"]\n\n[[case]]\nid = \"C\\\"1\"\n\
                        opens = \"2026-01-01T00:00:00Z\"\nmembers = [\"xa\"]\n\n[[agency]]\nid = \"xa\"\nname = \"A\"\ncountry = \"XA\"\n\
                        kind = \"customs\"\nmax_sensitivity = \"SECRET\"\nsystems = [\"desk\"]\nmappings = [\"xa/d.toml\"]\n";

    fn folder(text: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("agreements")).unwrap();
        std::fs::write(dir.path().join("agreements/a.toml"), "id = \"a\"\n").unwrap();
        std::fs::write(dir.path().join(FILE), text).unwrap();
        dir
    }

    #[test]
    fn an_exchange_is_read_with_paths_of_its_folder_and_cases_as_the_gateway_takes_them() {
        let dir = folder(TEXT);
        let spec = read(dir.path()).unwrap();
        assert_eq!(spec.agreements, [("a.toml".to_owned(), "id = \"a\"\n".to_owned())]);
        let Some(WorldSource::Files { mappings, .. }) = &spec.agencies[0].source else { panic!() };
        assert!(mappings[0].file.is_absolute() && mappings[0].file.ends_with("xa/d.toml"));
        let cases: toml::Table = spec.cases.parse().unwrap();
        assert_eq!(cases["cases"][0]["id"].as_str(), Some("C\"1"));
    }

    #[test]
    fn a_mistake_is_named_with_file_and_line() {
        let error =
            read(folder(&TEXT.replace("kind =", "sort =")).path()).err().unwrap().to_string();
        assert!(error.contains("exchange.toml:14: unknown field `sort`"), "{error}");
        let error =
            read(folder(&TEXT.replace("a.toml", "b.toml")).path()).err().unwrap().to_string();
        assert!(error.contains("cannot read") && error.contains("b.toml"), "{error}");
        let error = read(&std::env::temp_dir().join("no-such-exchange")).err().unwrap().to_string();
        assert!(error.starts_with("cannot read"), "{error}");
    }
}
