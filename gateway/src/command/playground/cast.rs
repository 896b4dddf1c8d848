//! The playground's cast: three fictional states, the agencies that play in them, what they hold and what
//! they agreed. The states are nobody's (ISO 3166 user-assigned codes XN, XS, XV, XK, XP).

use std::path::Path;

use anyhow::Context as _;

use super::world::{WorldAgency, WorldSource, WorldSpec};
use crate::source::adapter::MappingRef;

macro_rules! files {
    ($root:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!($root, $name)))),*]
    };
}

/// Sample data and mappings.
const SAMPLES: &[(&str, &str)] = files!("../../../samples/":
    "nv-customs/declarations.csv",
    "nv-customs/declarations.toml",
    "nv-customs/inspections.csv",
    "nv-customs/inspections.toml",
    "nv-licensing/licences.csv",
    "nv-licensing/licences.toml",
    "vl-fiu/parties.csv",
    "vl-fiu/parties.toml",
    "sm-customs/declarations.csv",
    "sm-customs/declarations.toml",
    "kcs/declarations.toml",
    "kcs/inspections.toml",
);

/// Agreements of the sample data.
const AGREEMENTS: &[(&str, &str)] = files!("../../../policies/agreements/":
    "maa-norvia-solmark.toml",
    "licence-verification.toml",
    "joint-lantern.toml",
    "kcs-pcs.toml",
    "kcs-internal.toml",
);

/// Cases of the sample data.
pub const CASES: &str = r#"
[[cases]]
id = "OP-LANTERN"
members = ["nv-customs", "sm-police", "vl-fiu"]
opens = "2026-01-01T00:00:00Z"
operation_scope = true

[[cases]]
id = "CASE-2026-014"
members = ["nv-customs", "sm-customs"]
opens = "2026-01-01T00:00:00Z"

[[cases]]
id = "KCS-7"
members = ["kcs"]
opens = "2020-01-01T00:00:00Z"
"#;

/// Files of the public customs declarations that `--data` names.
const KCS_FILES: [&str; 3] =
    ["df_syn_train_eng.csv", "df_syn_valid_eng.csv", "df_syn_test_eng.csv"];

const RECORD: &str = "portcullis.record.v1.";

/// The cast with its sample data written into a folder; with `data`, the public customs declarations too.
///
/// # Errors
/// Files that cannot be written, or a data folder without the declarations.
pub fn sample_world(dir: &Path, data: Option<&Path>) -> anyhow::Result<WorldSpec> {
    let samples = dir.join("samples");
    for (name, text) in SAMPLES {
        let path = samples.join(name);
        let folder = path.parent().context("a sample without a folder")?;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let held = |names: &[&str]| names.iter().map(|name| format!("{RECORD}{name}")).collect();
    let files = |mappings: &[&str], names: &[&str]| {
        Some(WorldSource::Files {
            mappings: mappings
                .iter()
                .map(|name| MappingRef { file: samples.join(name), data_dir: None })
                .collect(),
            record_types: held(names),
        })
    };
    let mut agencies = vec![
        agency("nv-customs", "Norvia Customs", "XN", "customs", &["targeting"], {
            files(
                &["nv-customs/declarations.toml", "nv-customs/inspections.toml"],
                &["Declaration", "Inspection"],
            )
        }),
        agency("nv-licensing", "Norvia Export Licensing", "XN", "licensing", &["desk"], {
            files(&["nv-licensing/licences.toml"], &["ExportLicence"])
        }),
        agency("sm-customs", "Solmark Customs", "XS", "customs", &["targeting"], {
            files(&["sm-customs/declarations.toml"], &["Declaration"])
        }),
        agency("sm-police", "Solmark Police Bureau", "XS", "police", &["desk"], None),
        agency("vl-fiu", "Velland Financial Intelligence", "XV", "fiu", &["analysis"], {
            files(&["vl-fiu/parties.toml"], &["Party"])
        }),
    ];
    let kcs = data.map(|data| kcs_source(&samples, data, held(&["Declaration", "Inspection"])));
    agencies.push(agency("kcs", "Holding Customs", "XK", "customs", &["desk"], kcs.transpose()?));
    agencies.push(agency("pcs", "Partner Customs", "XP", "customs", &["targeting"], None));
    Ok(WorldSpec {
        agencies,
        cases: CASES.to_owned(),
        agreements: AGREEMENTS
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
        record_types: held(&["Declaration", "ExportLicence", "Party", "Inspection"]),
        ..WorldSpec::default()
    })
}

fn agency(
    id: &str,
    name: &str,
    country: &str,
    kind: &str,
    systems: &[&str],
    source: Option<WorldSource>,
) -> WorldAgency {
    // The holder sees all of its own; partners are accredited for less.
    let max_sensitivity = if id == "kcs" { "SECRET" } else { "CONFIDENTIAL" };
    WorldAgency {
        id: id.to_owned(),
        name: name.to_owned(),
        country: country.to_owned(),
        kind: kind.to_owned(),
        max_sensitivity: max_sensitivity.to_owned(),
        systems: systems.iter().map(|system| (*system).to_owned()).collect(),
        source,
    }
}

fn kcs_source(
    samples: &Path,
    data: &Path,
    record_types: Vec<String>,
) -> anyhow::Result<WorldSource> {
    for name in KCS_FILES {
        let path = data.join(name);
        anyhow::ensure!(path.is_file(), "--data: there is no {}", path.display());
    }
    let data_dir = Some(data.canonicalize()?);
    Ok(WorldSource::Files {
        mappings: ["kcs/declarations.toml", "kcs/inspections.toml"]
            .iter()
            .map(|name| MappingRef { file: samples.join(name), data_dir: data_dir.clone() })
            .collect(),
        record_types,
    })
}
