//! Plans of a running gateway, by its own client program: `portcullis explain` over mutual TLS with the profile of each
//! requester. Nothing is asked of any source; the gateway only says what it would show.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::plan::{PlanError, Plans};
use crate::table::Table;

/// A gateway and how to ask it.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// The client program.
    pub program: PathBuf,
    /// Folder of client profiles, `AGENCY-SYSTEM.toml`.
    pub profiles: PathBuf,
    /// Purpose, such as `INVESTIGATION`.
    pub purpose: String,
    /// Case, where agreements want one.
    pub case: Option<String>,
}

impl Gateway {
    /// Asks what requesters would be shown of tables of originators. A requester without a profile is shown nothing.
    ///
    /// # Errors
    /// A program that does not run, and an answer that is no explanation.
    pub fn plans(&self, wanted: &BTreeSet<(String, String, Table)>) -> Result<Plans, PlanError> {
        let mut plans = Plans::default();
        for (requester, originator, table) in wanted {
            let Some(profile) = self.profile(requester)? else { continue };
            let record = table.record_type().rsplit('.').next().unwrap_or_default();
            let mut command = Command::new(&self.program);
            command.args([
                "explain", record, "--format", "json", "--fields", "*", "--from", originator,
            ]);
            command.args(["--purpose", &self.purpose]).arg("--profile").arg(&profile);
            if let Some(case) = &self.case {
                command.args(["--case", case]);
            }
            let failed = |cause| PlanError::Read { path: self.program.clone(), cause };
            let output = command.output().map_err(failed)?;
            let text = String::from_utf8_lossy(&output.stdout);
            if text.trim().is_empty() {
                // Such as a record type that none of the requester's agreements gives.
                plans.refuse(requester, originator, *table, "NOT_UNDER_ANY_AGREEMENT");
            } else {
                plans.add_from(
                    requester,
                    originator,
                    &text,
                    Path::new(&format!("{record}@{originator}")),
                )?;
            }
        }
        Ok(plans)
    }

    /// The first profile of an agency that is not its source's.
    fn profile(&self, agency: &str) -> Result<Option<PathBuf>, PlanError> {
        let failed = |cause: io::Error| PlanError::Read { path: self.profiles.clone(), cause };
        let mut found = vec![];
        for entry in std::fs::read_dir(&self.profiles).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let system = name.strip_prefix(agency).and_then(|rest| rest.strip_prefix('-'));
            if system.is_some_and(|system| system != "source") {
                found.push(path);
            }
        }
        Ok(found.into_iter().min())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::verify::plan::Disclosure;

    #[test]
    fn each_requester_asks_each_originator_with_its_own_profile() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("portcullis");
        // Shows what it was called with; knows no denials.
        let script = r#"#!/bin/sh
[ "$2" = DenialNotification ] && { echo "no record type" >&2; exit 2; }
echo "{\"allowed\": true, \"plans\": [{\"originator\": \"$8\", \"fields\": [{\"path\": \"ucr\", \"treatment\": \"mask\", \"rule\": \"$*\"}]}]}"
"#;
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["nv-customs-desk.toml", "nv-customs-source.toml", "nv-customs-x-desk.toml"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let gateway = Gateway {
            program,
            profiles: folder.path().to_owned(),
            purpose: "INVESTIGATION".to_owned(),
            case: Some("CASE-1".to_owned()),
        };
        let wanted =
            |requester: &str, table| (requester.to_owned(), "vl-customs".to_owned(), table);
        let plans = gateway
            .plans(
                &[
                    wanted("nv-customs", Table::Declaration),
                    wanted("nv-customs", Table::Denial),
                    wanted("km-customs", Table::Declaration),
                ]
                .into(),
            )
            .unwrap();
        let Disclosure::Fields(fields) = plans.of("nv-customs", "vl-customs", Table::Declaration)
        else {
            panic!("refused")
        };
        let ucr = crate::detect::records::place(Table::Declaration, "ucr");
        let asked = &fields[ucr].rule;
        let said = "explain Declaration --format json --fields * --from vl-customs --purpose INVESTIGATION --profile";
        assert!(asked.starts_with(said), "{asked}");
        assert!(asked.ends_with("nv-customs-desk.toml --case CASE-1"), "{asked}");
        let refused = |requester, table, why: &str| {
            let found = plans.of(requester, "vl-customs", table);
            assert!(
                matches!(&found, Disclosure::Refused { reason, .. } if reason == why),
                "{found:?}"
            );
        };
        refused("nv-customs", Table::Denial, "NOT_UNDER_ANY_AGREEMENT");
        refused("km-customs", Table::Declaration, "NO_PLAN");
    }
}
