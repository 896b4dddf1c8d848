//! Agreements as they live: taken from the configuration and the store at the start, changed by signed statements
//! while the gateway runs. A statement is durable before it counts, and counts in policy before its sender hears
//! that it was taken.

mod error;
pub mod signed;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use portcullis_core::act::{Act, ActRefusal, Exchange, Life, Statement, Version};
use portcullis_core::id::{AgencyId, AgreementId, Moment};
use portcullis_core::label::RecordType;
use portcullis_core::policy::{AgreementFile, Facts, Held, Inputs, Phase, Registry, Take};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

pub use error::AgreementRefusal;

use crate::broker::Broker;
use crate::config::Config;
use crate::record_types::Doer;
use crate::store::{ActRow, Store, StoreError};
use signed::AgencyKeys;

/// Most agreements.
const MOST: usize = 4096;
/// How often it is looked whether time alone has changed how an agreement stands.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Every agreement that the gateway knows.
pub struct Agreements {
    store: Store,
    keys: AgencyKeys,
    exchange: Exchange,
    /// Agencies; an agreement's text speaks of no case that has to be there.
    registry: Registry,
    lives: Mutex<Lives>,
    /// Place of the last statement that was taken.
    told: watch::Sender<i64>,
}

#[derive(Default)]
struct Lives {
    all: BTreeMap<AgreementId, Life>,
    /// What is stored of these cannot be trusted or read: nothing of them is in force.
    set_aside: BTreeSet<AgreementId>,
}

/// What an agency brings.
pub struct Brings<'a> {
    /// Which agreement the call is about; none: that of the text.
    pub agreement: Option<&'a str>,
    /// The act that the call is for.
    pub act: &'static str,
    /// The signed statement.
    pub note: &'a str,
    /// A new text.
    pub text: Option<&'a str>,
}

impl Agreements {
    /// Reads configuration and store, and writes into the inputs of policy what comes of it.
    ///
    /// # Errors
    /// A file that cannot be read or is refused, or an unsigned one where signatures are required.
    pub async fn open(
        config: &Config,
        inputs: &mut Inputs,
        store: Store,
        now: Moment,
    ) -> anyhow::Result<Self> {
        let mut keys = AgencyKeys::new();
        for member in &config.members {
            keys.insert(member.id.clone(), member.agreement_keys.clone());
        }
        let registry = Registry { cases: vec![], ..config.registry.clone() };
        let (told, _) = watch::channel(0);
        let this = Self {
            store,
            keys,
            exchange: Exchange {
                trust_domain: config.trust_domain.clone(),
                environment: config.environment,
            },
            registry,
            lives: Mutex::default(),
            told,
        };
        let mut lives = Lives::default();
        let wrong: Vec<String> = config
            .agreements
            .iter()
            .filter_map(|file| this.read(file, inputs).err())
            .flatten()
            .map(|error| error.to_string())
            .collect();
        if !wrong.is_empty() {
            bail!("policy and agreements are refused:\n  {}", wrong.join("\n  "));
        }
        for file in &config.agreements {
            this.configured(file, config.require_signed_agreements, inputs, &mut lives)?;
        }
        let mut tx = this.store.read("agreement_acts").await?;
        let rows = tx.agreement_acts(0).await?;
        tx.rollback().await?;
        for row in &rows {
            this.replay(row, inputs, &mut lives);
            this.told.send_replace(row.seq);
        }
        inputs.agreements = lives.held(now);
        *this.lives.lock().await = lives;
        Ok(this)
    }

    /// An agreement of the configuration: the operator's word, or signed by every party in files beside it.
    fn configured(
        &self,
        file: &AgreementFile,
        signed: bool,
        inputs: &Inputs,
        lives: &mut Lives,
    ) -> anyhow::Result<()> {
        let facts = self.read(file, inputs).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("policy and agreements are refused:\n  {}", lines.join("\n  "))
        })?;
        let agreement = Arc::new(facts.agreement.clone());
        let version =
            Version::new(file.clone(), agreement.clone(), schemas(&facts, inputs), !signed);
        let id = agreement.id.clone();
        if lives.all.contains_key(&id) {
            bail!("{}: id: DUPLICATE: agreement `{id}` stands in another file already", file.name);
        }
        let mut life = Life::new(id.clone());
        life.propose(None, version).map_err(|refusal| named(&file.name, refusal))?;
        if signed {
            for party in &agreement.parties {
                let path = signature_path(Path::new(&file.name), party);
                let note = std::fs::read_to_string(&path).with_context(|| {
                    format!(
                        "{}: parties: {} has not signed it (signed agreements are required, and {} cannot \
                         be read)",
                        file.name,
                        party,
                        path.display()
                    )
                })?;
                let shown = path.display().to_string();
                let statement = signed::open(&note, &self.exchange, &self.keys)
                    .map_err(|refusal| named(&shown, refusal))?;
                if statement.by != *party || !matches!(statement.act, Act::Sign(_)) {
                    return Err(named(&shown, ActRefusal::NotYours));
                }
                life.apply(&statement, statement.at).map_err(|refusal| named(&shown, refusal))?;
            }
        }
        lives.all.insert(id, life);
        Ok(())
    }

    /// A statement that was taken before this process began. One that would be refused today (its key was taken
    /// out of the configuration, its row was changed) sets its agreement aside: nothing of it is in force.
    fn replay(&self, row: &ActRow, inputs: &Inputs, lives: &mut Lives) {
        let id = AgreementId::new(&row.agreement);
        if lives.set_aside.contains(&id) {
            return;
        }
        let mut life = lives.all.get(&id).cloned().unwrap_or_else(|| Life::new(id.clone()));
        let done = signed::open(&row.note, &self.exchange, &self.keys)
            .map_err(|refusal| refusal.reason().to_owned())
            .and_then(|statement| {
                if let Some(text) = &row.text {
                    let file = stored(&statement, text);
                    let facts = self.read(&file, inputs).map_err(|errors| {
                        errors.first().map(ToString::to_string).unwrap_or_default()
                    })?;
                    // What was signed for counts, not what is here: policy compares the two.
                    let signed_for = match &statement.act {
                        Act::Sign(schemas) => schemas.clone(),
                        _ => BTreeMap::new(),
                    };
                    let agreement = Arc::new(facts.agreement);
                    let version = Version::new(file, agreement, signed_for, false);
                    life.propose(Some(&statement.by), version)
                        .map_err(|refusal| refusal.reason().to_owned())?;
                }
                life.apply(&statement, row.at).map_err(|refusal| refusal.reason().to_owned())
            });
        match done {
            Ok(()) => {
                lives.all.insert(id, life);
            }
            Err(why) => {
                tracing::error!(agreement = row.agreement, seq = row.seq, "set aside: {why}");
                lives.all.remove(&id);
                lives.set_aside.insert(id);
            }
        }
    }

    /// Takes a statement, with the text that it brings.
    ///
    /// # Errors
    /// See [`AgreementRefusal`]; then nothing has changed.
    pub async fn act(
        &self,
        broker: &Broker,
        doer: &Doer,
        brings: Brings<'_>,
    ) -> Result<Life, AgreementRefusal> {
        let statement = signed::open(brings.note, &self.exchange, &self.keys)?;
        let id = statement.agreement.clone();
        if statement.by != doer.peer.agency {
            return Err(ActRefusal::NotYours.into());
        }
        if brings.agreement.is_some_and(|wanted| wanted != id.as_str()) {
            return Err(ActRefusal::OtherAgreement.into());
        }
        if brings.act != statement.act.word() {
            return Err(ActRefusal::OtherAct.into());
        }
        let mut lives = self.lives.lock().await;
        if lives.set_aside.contains(&id) {
            return Err(AgreementRefusal::SetAside);
        }
        let now = broker.clock.now();
        let mut draft = broker.keeper.begin().await;
        let known = lives.all.get(&id);
        let mut life = known.cloned().unwrap_or_else(|| Life::new(id.clone()));
        let text = match brings.text {
            Some(text) => self.propose(&mut life, &statement, text, &draft.inputs)?,
            None if known.is_none_or(|life| !life.concerns(&statement.by)) => {
                return Err(ActRefusal::Unknown.into());
            }
            None => None,
        };
        if known.is_none() && lives.all.len() >= MOST {
            return Err(ActRefusal::TooMany.into());
        }
        there(&life, &statement, &draft.inputs)?;
        life.apply(&statement, now)?;
        let before = lives.all.insert(id.clone(), life.clone());
        let undo = |lives: &mut Lives| match before.clone() {
            Some(life) => drop(lives.all.insert(id.clone(), life)),
            None => drop(lives.all.remove(&id)),
        };
        draft.inputs.agreements = lives.held(now);
        let policy = match draft.compile().await {
            Ok(policy) => policy,
            Err(errors) => {
                undo(&mut lives);
                for error in &errors {
                    tracing::warn!(agreement = id.as_str(), "does not fit: {error}");
                }
                // What is wrong may be another agreement's: the log has it, the sender does not.
                return Err(AgreementRefusal::Text(vec![]));
            }
        };
        let row = ActRow {
            seq: 0,
            agreement: id.to_string(),
            version: statement.version,
            agency: statement.by.to_string(),
            act: statement.act.word().to_owned(),
            note: brings.note.to_owned(),
            text,
            at: now,
            spiffe_id: doer.peer.spiffe_id.to_string(),
            certificate: doer.certificate,
        };
        let seq = match self.write(&row).await {
            Ok(seq) => seq,
            Err(error) => {
                undo(&mut lives);
                tracing::error!(cause = error.word(), agreement = id.as_str(), "cannot be stored");
                return Err(AgreementRefusal::StoreUnavailable);
            }
        };
        draft.put_in_force(Some(policy));
        self.told.send_replace(seq);
        tracing::info!(
            agreement = row.agreement,
            version = row.version,
            agency = row.agency,
            act = row.act,
            by = row.spiffe_id,
            "statement taken"
        );
        Ok(life)
    }

    /// Takes in a new text; tells it where it has to be stored.
    fn propose(
        &self,
        life: &mut Life,
        statement: &Statement,
        text: &str,
        inputs: &Inputs,
    ) -> Result<Option<String>, AgreementRefusal> {
        let file = stored(statement, text);
        let facts = self.read(&file, inputs).map_err(AgreementRefusal::Text)?;
        if facts.agreement.id != statement.agreement {
            return Err(ActRefusal::OtherAgreement.into());
        }
        if facts.agreement.version != statement.version {
            return Err(ActRefusal::VersionUnknown.into());
        }
        let schemas = schemas(&facts, inputs);
        if schemas.len() < facts.record_types().len() {
            // Nobody can sign for a schema that is not here yet.
            return Err(ActRefusal::SchemaDiffers.into());
        }
        let new = !life.versions().contains_key(&statement.version);
        let version = Version::new(file, Arc::new(facts.agreement), schemas, false);
        life.propose(Some(&statement.by), version)?;
        Ok(new.then(|| text.to_owned()))
    }

    /// An agreement, for an agency that may know of it.
    ///
    /// # Errors
    /// There is none, or it is not the agency's to know: which, is not told.
    pub async fn get(&self, agency: &AgencyId, id: &str) -> Result<Life, AgreementRefusal> {
        let lives = self.lives.lock().await;
        let life = lives.all.get(id).filter(|life| life.concerns(agency));
        life.cloned().ok_or_else(|| ActRefusal::Unknown.into())
    }

    /// Every agreement that an agency may know of, by id.
    pub async fn list(&self, agency: &AgencyId) -> Vec<Life> {
        let lives = self.lives.lock().await;
        lives.all.values().filter(|life| life.concerns(agency)).cloned().collect()
    }

    /// What was done behind a place with agreements that an agency may know of; and where to go on.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn acts(
        &self,
        agency: &AgencyId,
        after: i64,
    ) -> Result<(Vec<ActRow>, i64), AgreementRefusal> {
        let read = async {
            let mut tx = self.store.read("agreement_acts").await?;
            let rows = tx.agreement_acts(after).await?;
            tx.rollback().await?;
            Ok::<_, StoreError>(rows)
        };
        let mut rows = read.await.map_err(|_| AgreementRefusal::StoreUnavailable)?;
        let last = rows.last().map_or(after, |row| row.seq);
        let lives = self.lives.lock().await;
        rows.retain(|row| {
            lives.all.get(row.agreement.as_str()).is_some_and(|life| life.concerns(agency))
        });
        Ok((rows, last))
    }

    /// Wakes whoever waits for the next statement.
    pub fn told(&self) -> watch::Receiver<i64> {
        self.told.subscribe()
    }

    /// The exchange that statements have to be for.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Puts in force what time alone changes: a signed version that begins, a party that has left. Until it is
    /// done nothing flows that should not: permits know when they end.
    pub async fn follow_time(self: Arc<Self>, broker: Arc<Broker>, stop: CancellationToken) {
        let mut seen = broker.clock.now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let now = broker.clock.now();
            let due = {
                let lives = self.lives.lock().await;
                lives.all.values().filter_map(|life| life.next_change(seen)).any(|at| at <= now)
            };
            if due && self.renew(&broker, now).await.is_err() {
                tracing::error!("agreements that changed with time are not in force: tried again");
                continue;
            }
            seen = now.max(seen);
        }
    }

    async fn renew(&self, broker: &Broker, now: Moment) -> Result<(), ()> {
        let lives = self.lives.lock().await;
        let mut draft = broker.keeper.begin().await;
        draft.inputs.agreements = lives.held(now);
        let policy = draft.compile().await.map_err(|errors| {
            errors.iter().for_each(|error| tracing::warn!("does not fit: {error}"));
        })?;
        draft.put_in_force(Some(policy));
        Ok(())
    }

    fn read(
        &self,
        file: &AgreementFile,
        inputs: &Inputs,
    ) -> Result<Facts, Vec<portcullis_core::policy::LoadError>> {
        Facts::read(file, &self.registry, &types(inputs), &inputs.brought.packages)
    }

    /// Beside the log's writer, which waits for so short a transaction.
    async fn write(&self, row: &ActRow) -> Result<i64, StoreError> {
        let mut writer = self.store.writer().await?;
        let mut tx = writer.begin("put_agreement_act").await?;
        let seq = tx.put_agreement_act(row).await?;
        tx.commit().await?;
        writer.close().await?;
        Ok(seq)
    }
}

impl Lives {
    fn held(&self, now: Moment) -> Vec<Held> {
        self.all.values().filter_map(|life| life.held(now)).collect()
    }
}

/// Where a party's signature of an agreement's file lies.
pub fn signature_path(file: &Path, party: &AgencyId) -> std::path::PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{party}.sig"));
    name.into()
}

/// How an agreement stands in one word.
pub fn phase(version: &Version, now: Moment) -> &'static str {
    let standing = version.standing(now);
    let agreement = &version.agreement;
    let ends = standing.ends.map_or(agreement.valid_until, |at| at.min(agreement.valid_until));
    match standing.phase {
        _ if ends <= now => "ENDED",
        Phase::AwaitsSignatures(_) => "PROPOSED",
        Phase::Suspended(_) => "SUSPENDED",
        Phase::SchemaChanged(_) => "SCHEMA_CHANGED",
        Phase::InForce if now < agreement.valid_from => "SIGNED",
        Phase::InForce => "IN_FORCE",
    }
}

fn named(file: &str, refusal: ActRefusal) -> anyhow::Error {
    anyhow::anyhow!("{file}: {}: {refusal}", refusal.reason())
}

/// A stored text, named for errors.
fn stored(statement: &Statement, text: &str) -> AgreementFile {
    let name = format!("agreement {} version {}", statement.agreement, statement.version);
    AgreementFile { name, text: text.to_owned() }
}

fn types(inputs: &Inputs) -> Vec<Arc<RecordType>> {
    inputs.record_types.iter().chain(&inputs.brought.record_types).cloned().collect()
}

/// The schemas of what a text names, as far as they are here.
fn schemas(
    facts: &Facts,
    inputs: &Inputs,
) -> BTreeMap<portcullis_core::id::RecordTypeName, portcullis_core::id::Digest> {
    let types = types(inputs);
    let find = |name: &portcullis_core::id::RecordTypeName| {
        types.iter().find(|one| one.name() == name).map(|one| one.hash())
    };
    let names = facts.record_types().into_iter();
    names.filter_map(|name| find(&name).map(|hash| (name, hash))).collect()
}

/// A reservation that names a field no flow has would take nothing away although its agency believes it does.
fn there(life: &Life, statement: &Statement, inputs: &Inputs) -> Result<(), ActRefusal> {
    let Act::Reserve(takes) = &statement.act else { return Ok(()) };
    let Some(version) = life.versions().get(&statement.version) else { return Ok(()) };
    let types = types(inputs);
    for (number, take) in takes {
        let Take::Field { path, .. } = take else { continue };
        let flows = version.agreement.flows.iter();
        let mut names = flows
            .filter(|flow| number.is_none_or(|number| number == flow.number))
            .filter(|flow| flow.from == statement.by || flow.to.contains(&statement.by))
            .flat_map(|flow| &flow.record_types);
        let fits = |leaf: &portcullis_core::label::Leaf| {
            leaf.path
                .strip_prefix(path.as_str())
                .is_some_and(|r| r.is_empty() || r.starts_with('.'))
        };
        let known = names.any(|name| {
            types.iter().filter(|one| one.name() == name).any(|one| one.leaves().iter().any(fits))
        });
        if !known {
            return Err(ActRefusal::NothingToTakeAway);
        }
    }
    Ok(())
}
