//! Writes the file of a joined drill: for operators to complete, with what each key means; and whole, for the drill's own
//! folder.

use std::fmt::Write as _;
use std::path::Path;

use super::Join;
use crate::load::quoted;

/// What operators read at the head of the file.
const HEAD: &str = "\
# A drill that joins gateways which others run. Paths are relative to this file.
# `portcullis-sim drill check --join FILE` says what is missing; `drill run --join FILE` begins.

# The world that the agencies serve was made for this scenario, seed and pack; leave these as they are.
";
const CASE: &str = "
# The case that the agencies work on: open at every gateway, all who take part its members.
";
const GATEWAY: &str = "
# Public key of the gateway's log, as its operator tells it: `log_public_key` of the line that
# `portcullis playground --json` prints. What the drill counts is verified by it.
# Of several gateways each has an `address` too, as in the agencies' profiles: address = \"gateway.example:7443\"
";
const AGENCIES: &str = "
# Of every agency: the profile of a system of its own (as of `portcullis query --profile`), the database that its source
# serves and the drill moves on in time, and the key of its source's ids. With people, `ca` and `crl` of those who come to
# the drill's own door. Where injects may suspend an agreement in its name: `agreement_key`.
# The paths below are where `portcullis playground --exchange exchange --dir host --json` puts them, run in this folder.
";

/// An agency before anybody serves it.
pub(super) struct Blank {
    /// Its id.
    pub id: String,
    /// Whether it holds records.
    pub holds: bool,
}

/// The head that every file has.
fn head(scenario: &str, name: &str, seed: u64, pack: &str) -> String {
    let (scenario, name, pack) = (quoted(scenario), quoted(name), quoted(pack));
    format!("scenario = {scenario}\nname = {name}\nseed = {seed}\npack = {pack}\n")
}

/// A file for operators to complete.
pub(super) fn template(
    (name, seed, pack): (&str, u64, &str),
    case: &str,
    agencies: &[Blank],
) -> String {
    let mut text = HEAD.to_owned() + &head("scenario", name, seed, pack);
    // Writing to a String cannot fail.
    let _ = write!(text, "{CASE}case = {}\n{GATEWAY}[[gateway]]\nlog_key = \"\"\n", quoted(case));
    text += AGENCIES;
    for Blank { id, holds } in agencies {
        let _ = write!(
            text,
            "[[agency]]\nid = {}\nprofile = \"host/profiles/{id}-desk.toml\"\n",
            quoted(id)
        );
        if *holds {
            let _ = write!(
                text,
                "database = \"exchange/agencies/{id}/records.sqlite\"\nid_key = \"host/keys/{id}.id.key\"\n"
            );
        }
        let _ = write!(
            text,
            "# agreement_key = \"host/keys/{id}.agreement.key\"\n\
             ca = \"host/certs/{id}/ca.pem\"\ncrl = \"host/certs/{id}/crl.pem\"\n\n"
        );
    }
    text
}

impl Join {
    /// The file with absolute paths, for the drill's own folder, whose scenario is beside it.
    pub fn to_text(&self) -> String {
        let path = |path: &Path| quoted(&path.display().to_string());
        let mut text = "# What this drill joined.\n".to_owned();
        text += &head("scenario", &self.name, self.seed, &self.pack);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "case = {}", quoted(&self.case));
        for gateway in &self.gateways {
            text += "\n[[gateway]]\n";
            if let Some(address) = &gateway.address {
                let _ = writeln!(text, "address = {}", quoted(address));
            }
            let _ = writeln!(text, "log_key = {}", quoted(&gateway.log_key.to_string()));
        }
        for agency in &self.agencies {
            let _ = write!(
                text,
                "\n[[agency]]\nid = {}\nprofile = {}\n",
                quoted(&agency.id),
                path(&agency.profile)
            );
            for (key, file) in [
                ("database", &agency.database),
                ("id_key", &agency.id_key),
                ("agreement_key", &agency.agreement_key),
                ("ca", &agency.ca),
                ("crl", &agency.crl),
            ] {
                if let Some(file) = file {
                    let _ = writeln!(text, "{key} = {}", path(file));
                }
            }
        }
        text
    }
}
