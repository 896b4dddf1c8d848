//! What is looked at before a joined drill starts: that every gateway is there and an exercise's, that every agency is who
//! the file says and may name the case, that the key of the log fits, and that the databases are of the drill's world and
//! can be moved on in time. Everything that is wrong is told at once, and nothing was asked or changed then.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use portcullis::audit::{Checkpoint, LogVerifier};
use portcullis::client::{Profile, connect};
use portcullis_proto::audit::v1 as audit;
use portcullis_proto::audit::v1::audit_service_client::AuditServiceClient;
use portcullis_proto::directory::v1 as directory;
use portcullis_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use portcullis_proto::handling::v1::Environment;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use tonic::transport::Channel;

use super::database::{lock, look};
use super::file::{holders, place};
use super::{Join, JoinAgency, Problems};
use crate::drill::desk::reason;
use crate::drill::now::Now;
use crate::drill::plot::Plot;
use crate::drill::scenario::Scenario;

/// How long a gateway may take to say who somebody is.
const PATIENCE: Duration = Duration::from_secs(15);
/// Largest list of record types that is taken.
const MAX_BYTES: usize = 64 << 20;

/// A drill that can join.
#[derive(Debug)]
pub struct Ready {
    /// Its file.
    pub join: Join,
    /// The gateways, in the order in which agencies name them.
    pub gates: Vec<Gate>,
    /// The agencies, in the order of the file.
    pub agencies: Vec<Reached>,
    /// Trust domain of all names.
    pub domain: String,
    /// Nobody else moves the databases on in time as long as these are kept.
    pub locks: Vec<std::fs::File>,
}

/// A gateway.
#[derive(Debug, Clone)]
pub struct Gate {
    /// `host:port`.
    pub address: String,
    /// Its name, as in its log's checkpoints.
    pub name: String,
    /// Public key of its log.
    pub log_key: LogVerifier,
    /// Its newest checkpoint, signed by that key.
    pub checkpoint: Checkpoint,
}

/// An agency, reached through its gateway.
#[derive(Debug, Clone)]
pub struct Reached {
    /// Its id.
    pub id: String,
    /// The system of the profile.
    pub system: String,
    /// Place of its gateway.
    pub gate: usize,
    /// A channel with its certificate.
    pub channel: Channel,
    /// Record types that others may ask it for, by name.
    pub holds: Vec<String>,
}

/// What an agency's gateway says of it.
struct Said {
    channel: Channel,
    address: String,
    me: directory::WhoamiResponse,
    types: Vec<directory::RecordType>,
    case: Option<String>,
}

type Fault = (&'static str, String);

impl Ready {
    /// Looks at everything. `people`: teams that people play.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub async fn look(
        join: Join,
        scenario: &Scenario,
        plot: &Plot,
        people: &[&str],
    ) -> Result<Self, Problems> {
        let mut problems = Problems(vec![]);
        if let Err(Problems(found)) = join.fits(scenario, plot, people) {
            problems.0.extend(found);
        }
        let mut seen: BTreeMap<String, Said> = BTreeMap::new();
        for (agency, said) in everybody(&join).await {
            match said {
                Ok(said) => {
                    seen.insert(agency.id.clone(), said);
                }
                Err((word, text)) => problems.add(join.at(&agency), word, text),
            }
        }
        // Of agencies that are not known to be at an exercise nothing is touched.
        let (held, known) = (holders(plot), |agency: &&JoinAgency| seen.contains_key(&agency.id));
        let databases =
            join.agencies.iter().filter(known).filter_map(|one| one.database.as_deref());
        let locks = lock(databases).unwrap_or_else(|folder| {
            let text = format!("another drill moves on the databases in {}", folder.display());
            problems.add(join.file.display().to_string(), "DATABASE_IN_USE", text);
            vec![]
        });
        for agency in join.agencies.iter().filter(known) {
            if let Some(database) = &agency.database {
                let wanted = held.get(agency.id.as_str()).cloned().unwrap_or_default();
                if let Err((word, text)) = look(database, &wanted).await {
                    problems.add(join.at(agency), word, text);
                }
            }
            if let Some(key) = &agency.id_key
                && let Err(problem) = portcullis::source::adapter::IdKey::read(key)
            {
                problems.add(join.at(agency), "ID_KEY_UNUSABLE", problem.to_string());
            }
        }
        let gates = gates(&join, &seen, &mut problems).await;
        let mut agencies = vec![];
        for agency in &join.agencies {
            let Some(said) = seen.get(&agency.id) else { continue };
            if let Some(reason) = &said.case {
                let text = format!(
                    "the gateway says that `{}` may not name case `{}`: is it open, and is the agency a member?",
                    agency.id, join.case
                );
                problems.add(join.at(agency), "CASE_NOT_OPEN", format!("{text} ({reason})"));
            }
            let gate = gates.iter().position(|gate| gate.address == said.address);
            agencies.push(Reached {
                id: agency.id.clone(),
                system: said.me.system.clone(),
                gate: gate.unwrap_or_default(),
                channel: said.channel.clone(),
                holds: held_by(&agency.id, &seen),
            });
        }
        let domains: BTreeSet<&str> = seen.values().map(|said| domain(&said.me)).collect();
        if domains.len() > 1 && !people.is_empty() {
            let all = domains.iter().copied().collect::<Vec<_>>().join(", ");
            let text = format!("the drill's door takes names of one trust domain, not of {all}");
            problems.add(join.file.display().to_string(), "DOMAINS_DIFFER", text);
        }
        let domain = domains.first().map(|domain| (*domain).to_owned()).unwrap_or_default();
        problems.or(Self { join, gates, agencies, domain, locks })
    }

    /// What time it is for the agencies' records.
    ///
    /// # Errors
    /// The first database that cannot be opened.
    pub async fn now(&self) -> anyhow::Result<Now> {
        let databases = self.join.agencies.iter();
        Now::of(databases.filter_map(|one| Some((one.id.clone(), one.database.clone()?)))).await
    }

    /// Each agency's channel.
    pub fn channels(&self) -> BTreeMap<String, Channel> {
        self.agencies.iter().map(|one| (one.id.clone(), one.channel.clone())).collect()
    }
}

/// The trust domain of a name.
fn domain(me: &directory::WhoamiResponse) -> &str {
    let rest = me.spiffe_id.strip_prefix("spiffe://").unwrap_or_default();
    rest.split('/').next().unwrap_or_default()
}

/// Asks all gateways at once who everybody is.
async fn everybody(join: &Join) -> Vec<(JoinAgency, Result<Said, Fault>)> {
    let mut asked = tokio::task::JoinSet::new();
    for (at, agency) in join.agencies.iter().cloned().enumerate() {
        let case = join.case.clone();
        asked.spawn(async move {
            let said = tokio::time::timeout(PATIENCE, said(&agency, &case)).await;
            let late = || Err(("UNREACHABLE", "the gateway does not answer in time".to_owned()));
            (at, agency, said.unwrap_or_else(|_| late()))
        });
    }
    let mut all = asked.join_all().await;
    all.sort_by_key(|(at, ..)| *at);
    all.into_iter().map(|(_, agency, said)| (agency, said)).collect()
}

/// Who a gateway takes an agency for. Of a gateway that is not an exercise's nothing more is asked.
async fn said(agency: &JoinAgency, case: &str) -> Result<Said, Fault> {
    let unusable = |error: anyhow::Error| ("PROFILE_UNUSABLE", format!("`profile`: {error:#}"));
    let profile = Profile::load(&agency.profile).map_err(unusable)?;
    let channel = connect(&profile).await.map_err(unusable)?;
    let address = place(&profile.gateway).to_owned();
    let unreachable = |status: tonic::Status| {
        ("UNREACHABLE", format!("gateway {address} does not answer: {}", reason(&status)))
    };
    let mut client =
        DirectoryServiceClient::new(channel.clone()).max_decoding_message_size(MAX_BYTES);
    let me = client.whoami(directory::WhoamiRequest {}).await.map_err(unreachable)?.into_inner();
    is_exercise(&address, me.environment())?;
    if me.agency != agency.id {
        let text = format!(
            "the profile is that of agency `{}`, and the file says `{}`",
            me.agency, agency.id
        );
        return Err(("ANOTHER_AGENCY", text));
    }
    let ask = directory::ListRecordTypesRequest::default();
    let types = client.list_record_types(ask).await.map_err(unreachable)?.into_inner().record_types;
    let case = case_refused(&channel, &agency.id, case, &types).await.map_err(unreachable)?;
    Ok(Said { channel, address, me, types, case })
}

/// A drill joins gateways of exercises and no others.
fn is_exercise(address: &str, environment: Environment) -> Result<(), Fault> {
    if environment == Environment::Exercise {
        return Ok(());
    }
    let word = environment.as_str_name().trim_start_matches("ENVIRONMENT_");
    let text = format!("gateway {address} is of {word}; a drill joins gateways of EXERCISE alone");
    Err(("NOT_AN_EXERCISE", text))
}

/// Why an agency may not name the case, as far as its gateway says; an agency that may ask nobody is not told.
async fn case_refused(
    channel: &Channel,
    agency: &str,
    case: &str,
    types: &[directory::RecordType],
) -> Result<Option<String>, tonic::Status> {
    let asked = types.iter().find_map(|one| {
        let of = one.held_by.iter().find(|holder| *holder != agency)?;
        Some((one.name.clone(), of.clone()))
    });
    let Some((record_type, of)) = asked else { return Ok(None) };
    let query = wire::Query {
        purpose: wire::Purpose::Investigation as i32,
        case_id: case.to_owned(),
        record_type,
        fields: vec!["*".to_owned()],
        sources: vec![of],
        justification: "exercise".to_owned(),
        ..wire::Query::default()
    };
    let ask = wire::ExplainRequest { query: Some(query), ..wire::ExplainRequest::default() };
    let told = QueryServiceClient::new(channel.clone())
        .max_decoding_message_size(MAX_BYTES)
        .explain(ask)
        .await?
        .into_inner();
    Ok((!told.allowed && told.reason.starts_with("CASE_")).then_some(told.reason))
}

/// The gateways that agencies named, each with the key of its log and its newest checkpoint.
async fn gates(join: &Join, seen: &BTreeMap<String, Said>, problems: &mut Problems) -> Vec<Gate> {
    let mut gates: Vec<Gate> = vec![];
    let mut tried = BTreeSet::new();
    for agency in &join.agencies {
        let Some(said) = seen.get(&agency.id) else { continue };
        if !tried.insert(said.address.as_str()) {
            continue;
        }
        let at = join.at(agency);
        let listed = join.gateways.iter().find(|gateway| {
            gateway.address.as_ref().is_none_or(|address| *address == said.address)
        });
        let Some(listed) = listed else {
            let text = format!("gateway {} of the profile is not in the file", said.address);
            problems.add(at, "GATEWAY_NOT_LISTED", text);
            continue;
        };
        let only = join.gateways.len() == 1 && listed.address.is_none();
        if only && let Some(other) = gates.first() {
            let text = format!(
                "the agencies are at two gateways, {} and {}, and the file names one: each needs its `[[gateway]]` with `address`",
                other.address, said.address
            );
            problems.add(at, "GATEWAY_NOT_LISTED", text);
            continue;
        }
        match checkpoint(said, &listed.log_key).await {
            Ok(checkpoint) => gates.push(Gate {
                address: said.address.clone(),
                name: said.me.gateway.clone(),
                log_key: listed.log_key.clone(),
                checkpoint,
            }),
            Err((word, text)) => problems.add(join.file.display().to_string(), word, text),
        }
    }
    gates
}

async fn checkpoint(said: &Said, key: &LogVerifier) -> Result<Checkpoint, Fault> {
    let address = &said.address;
    if said.me.log_public_key != key.to_string() {
        let text = format!(
            "gateway {address} has another key of its log than `log_key`: ask its operator for it"
        );
        return Err(("LOG_KEY_DIFFERS", text));
    }
    let mut client = AuditServiceClient::new(said.channel.clone());
    let newest = client.get_checkpoint(audit::GetCheckpointRequest {}).await;
    let newest = newest.map_err(|status| {
        let text = format!("the log of gateway {address} cannot be read: {}", reason(&status));
        ("LOG_UNREADABLE", text)
    })?;
    key.open(&newest.into_inner().checkpoint)
        .map_err(|error| ("CHECKPOINT_FORGED", format!("gateway {address}: {error}")))
}

/// What others may ask an agency for.
fn held_by(agency: &str, seen: &BTreeMap<String, Said>) -> Vec<String> {
    let others = seen.iter().filter(|(id, _)| *id != agency).map(|(_, said)| said);
    let types = others.flat_map(|said| &said.types);
    let held = types.filter(|one| one.held_by.iter().any(|holder| holder == agency));
    held.map(|one| one.name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

impl Join {
    /// A copy in a drill's folder, with paths that hold from anywhere.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::write(folder.join(super::FILE), self.to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exercises_are_joined() {
        assert_eq!(is_exercise("a:1", Environment::Exercise), Ok(()));
        for other in [Environment::Production, Environment::Unspecified] {
            let (word, text) = is_exercise("a:1", other).unwrap_err();
            assert_eq!(word, "NOT_AN_EXERCISE");
            assert!(text.contains("a:1 is of "), "{text}");
        }
    }
}
