//! The exchange of the bench: one source, one requester, and an agreement for each plan.

use std::path::{Path, PathBuf};

use portcullis::clock::Clock;
use portcullis::command::playground::{World, WorldAgency, WorldSource, WorldSpec};

use crate::record;

/// Whose records.
pub const SOURCE: &str = "src-customs";
/// Who asks.
pub const REQUESTER: (&str, &str) = ("req-police", "desk");
/// For which case.
pub const CASE: &str = "BENCH-1";

/// A plan, by its agreement's id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plan {
    /// Half of the fields withheld.
    Half,
    /// Everything clear.
    Keep,
    /// Five fields pseudonymised, the others clear.
    Five,
}

impl Plan {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Half, Self::Keep, Self::Five];

    /// Id of the agreement.
    pub fn agreement(self) -> &'static str {
        match self {
            Self::Half => "half-withheld",
            Self::Keep => "all-keep",
            Self::Five => "five-pseudonyms",
        }
    }

    fn ladder(self) -> Option<(&'static [&'static str], &'static str)> {
        match self {
            Self::Half => Some((&record::WITHHELD, "[\"withhold\"]")),
            Self::Keep => None,
            Self::Five => Some((&record::PSEUDONYMS, "[\"pseudonymise\", \"withhold\"]")),
        }
    }

    fn text(self) -> String {
        let all = [
            "id",
            "ucr",
            "status",
            "lodged_at",
            "declared_value",
            "gross_mass",
            "packages",
            "country_of_export",
            "country_of_destination",
            "port_of_loading",
            "port_of_discharge",
            "remarks",
            "dangerous",
            "duty_rate",
            "consignor",
            "consignee",
            "items",
        ];
        let ladder = |fields: &[&str], rungs: &str| {
            format!("[[flow.ladder]]\nfields = {fields:?}\nrungs = {rungs}\n\n")
        };
        let own = self.ladder().map(|(fields, rungs)| ladder(fields, rungs)).unwrap_or_default();
        let kept: Vec<&str> = match self.ladder() {
            Some((fields, _)) => all.into_iter().filter(|name| !fields.contains(name)).collect(),
            None => all.to_vec(),
        };
        format!(
            "id = \"{}\"\nversion = 1\ntitle = \"Bench\"\nlegal_basis = \"A benchmark\"\n\
             parties = [\"{SOURCE}\", \"{}\"]\nvalid_from = 2024-01-01\nvalid_until = 2035-12-31\n\n\
             [[flow]]\nfrom = \"{SOURCE}\"\nto = [\"{}\"]\nrecord_types = [\"{}\"]\n\
             purposes = [\"INVESTIGATION\"]\ncase_required = true\n\
             permitted_use = [\"INVESTIGATION\"]\ndelete_after_days = 30\n\
             release_by_originator = true\n\n\
             [flow.budgets]\nqueries_per_day = 1_000_000_000\nrecords_per_day = 1_000_000_000\n\n\
             {}{own}",
            self.agreement(),
            REQUESTER.0,
            REQUESTER.0,
            record::NAME,
            ladder(&kept, "[\"clear\", \"withhold\"]"),
        )
    }
}

/// Writes the exchange into a folder, for a source at this address.
///
/// # Errors
/// What cannot be written.
pub async fn build(dir: &Path, source: &str) -> anyhow::Result<World> {
    let descriptor_set = dir.join("bench.binpb");
    std::fs::write(&descriptor_set, record::descriptor_set()?)?;
    let agency = |id: &str, source| WorldAgency {
        id: id.into(),
        name: id.into(),
        country: if id == SOURCE { "XS" } else { "XR" }.into(),
        kind: "customs".into(),
        max_sensitivity: "SECRET".into(),
        systems: vec![REQUESTER.1.into()],
        source,
    };
    let source =
        WorldSource::Elsewhere { address: source.into(), record_types: vec![record::NAME.into()] };
    let spec = WorldSpec {
        agencies: vec![agency(SOURCE, Some(source)), agency(REQUESTER.0, None)],
        cases: format!(
            "[[cases]]\nid = \"{CASE}\"\nmembers = [\"{SOURCE}\", \"{}\"]\n\
             opens = \"2026-01-01T00:00:00Z\"\n",
            REQUESTER.0
        ),
        agreements: Plan::ALL
            .map(|plan| (format!("{}.toml", plan.agreement()), plan.text()))
            .to_vec(),
        record_types: vec![],
        settings: format!(
            "[[record_types]]\nname = \"{}\"\ndescriptor_set = \"bench.binpb\"\n",
            record::NAME
        ),
        ..WorldSpec::default()
    };
    World::build(dir, &spec, &Clock::system()).await
}

/// The requester's profile for a server at this address, which shows the gateway's certificate.
///
/// # Errors
/// What cannot be written.
pub fn profile(world: &World, name: &str, address: &str) -> anyhow::Result<PathBuf> {
    let gateway: std::net::SocketAddr = address.parse()?;
    world.write_profiles(gateway)?;
    let path = world.dir.join(format!("profiles/{name}.toml"));
    std::fs::copy(world.profile(REQUESTER.0, REQUESTER.1), &path)?;
    Ok(path)
}
